/* Columns by customer: putting facts in, names, sizes. How they lie: engine_internal.h. */
#include "engine/engine_internal.h"

#include <stdlib.h>
#include <string.h>

struct engine *engine_new(struct arena *arena)
{
    struct engine *engine = ARENA_NEW(arena, struct engine);
    engine->arena = arena;
    engine->memory.bytes_max = INT64_MAX / 2;
    engine->lock = ARENA_NEW(arena, pthread_rwlock_t);
    engine->day_min = INT32_MAX;
    engine->day_max = INT32_MIN;
    CHECK(pthread_rwlock_init(engine->lock, NULL) == 0);
    return engine;
}

void engine_free(struct engine *engine)
{
    if (!engine)
        return;
    struct memory *memory = &engine->memory;
    for (size_t i = 0; i < engine->block_count; i++)
        block_free(engine->blocks[i], memory);
    memory_give(memory, engine->blocks, engine->block_capacity, sizeof(*engine->blocks));
    memory_give(memory, engine->put_indices, engine->put_index_capacity, sizeof(uint32_t));
    memory_give(memory, engine->channel_names, engine->channel_name_capacity, sizeof(struct str));
    memory_give(memory, engine->product_codes, engine->product_code_capacity, sizeof(struct str));
    memory_give(memory, engine->product_names, engine->product_name_capacity, sizeof(struct str));
    id_list_free(&engine->customer_ids, memory);
    id_list_free(&engine->channels, memory);
    id_list_free(&engine->products, memory);
    unknown_free(engine);
    CHECK(memory->bytes == 0);
    CHECK(pthread_rwlock_destroy(engine->lock) == 0);
}

void engine_limit(struct engine *engine, int64_t bytes_max)
{
    CHECK(pthread_rwlock_wrlock(engine->lock) == 0);
    engine->memory.bytes_max = bytes_max;
    CHECK(pthread_rwlock_unlock(engine->lock) == 0);
}

void engine_threads(struct engine *engine, int threads)
{
    CHECK(threads >= 0 && threads <= ENGINE_THREADS_MAX);
    CHECK(pthread_rwlock_wrlock(engine->lock) == 0);
    engine->threads = threads;
    CHECK(pthread_rwlock_unlock(engine->lock) == 0);
}

/* --- Putting --- */

static int compare_i64(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int compare_orders(const void *left, const void *right)
{
    const struct engine_order *a = left, *b = right;
    if (a->paid_day != b->paid_day)
        return compare_i64(a->paid_day, b->paid_day);
    return compare_i64(a->order_id, b->order_id);
}

static int compare_refunds(const void *left, const void *right)
{
    const struct engine_refund *a = left, *b = right;
    if (a->refunded_day != b->refunded_day)
        return compare_i64(a->refunded_day, b->refunded_day);
    if (a->channel_id != b->channel_id)
        return compare_i64(a->channel_id, b->channel_id);
    return compare_i64(a->amount_minor, b->amount_minor);
}

bool engine_reserve_blocks(struct engine *engine, size_t count)
{
    size_t need = (count + ENGINE_BLOCK - 1) >> ENGINE_BLOCK_BITS;
    if (need <= engine->block_count)
        return true;
    if (!memory_grow(&engine->memory, (void **)&engine->blocks, &engine->block_capacity, need,
                     sizeof(*engine->blocks)))
        return false;
    while (engine->block_count < need) {
        if (engine->block_count > 0) /* it is full now */
            block_settle(engine->blocks[engine->block_count - 1], &engine->memory);
        struct block *block = block_new(&engine->memory);
        if (!block)
            return false;
        engine->blocks[engine->block_count++] = block;
    }
    return true;
}

/* Room for its name comes first, so that every index has one. */
static bool channel_index(struct engine *engine, int64_t channel_id, uint32_t *index)
{
    return memory_grow(&engine->memory, (void **)&engine->channel_names,
                       &engine->channel_name_capacity, (size_t)engine->channels.count + 1,
                       sizeof(struct str)) &&
           id_list_put(&engine->channels, &engine->memory, channel_id, index);
}

static bool product_index(struct engine *engine, int64_t product_id, uint32_t *index)
{
    size_t need = (size_t)engine->products.count + 1;
    return memory_grow(&engine->memory, (void **)&engine->product_codes,
                       &engine->product_code_capacity, need, sizeof(struct str)) &&
           memory_grow(&engine->memory, (void **)&engine->product_names,
                       &engine->product_name_capacity, need, sizeof(struct str)) &&
           id_list_put(&engine->products, &engine->memory, product_id, index);
}

/* The channels and products of a put, by index, into engine->put_indices. */
static enum err_code reserve_names(struct engine *engine, struct block_put *put)
{
    size_t orders = put->order_count;
    if (!memory_grow(&engine->memory, (void **)&engine->put_indices, &engine->put_index_capacity,
                     2 * orders + put->refund_count, sizeof(uint32_t)))
        return ERR_CAPACITY;
    uint32_t *order_channels = engine->put_indices, *order_products = order_channels + orders;
    uint32_t *refund_channels = order_products + orders;
    uint32_t channel_max = 0;
    for (uint32_t i = 0; i < put->order_count; i++) {
        const struct engine_order *order = &put->orders[i];
        if (!channel_index(engine, order->channel_id, &order_channels[i]) ||
            !product_index(engine, order->top_product_id, &order_products[i]))
            return ERR_CAPACITY;
        channel_max = order_channels[i] > channel_max ? order_channels[i] : channel_max;
    }
    for (uint32_t i = 0; i < put->refund_count; i++) {
        if (!channel_index(engine, put->refunds[i].channel_id, &refund_channels[i]))
            return ERR_CAPACITY;
        channel_max = refund_channels[i] > channel_max ? refund_channels[i] : channel_max;
    }
    put->order_channels = order_channels;
    put->order_products = order_products;
    put->refund_channels = refund_channels;
    return channel_max < ENGINE_CHANNELS_MAX ? ERR_NONE : ERR_CHANNELS_MAX;
}

static void note_day(struct engine *engine, int32_t day)
{
    CHECK(day >= LIMIT_DAY_MIN && day <= LIMIT_DAY_MAX);
    if (day < engine->day_min)
        engine->day_min = day;
    if (day > engine->day_max)
        engine->day_max = day;
}

/* The day that completes a refund sets no bound: nothing is ever shown on it. */
static void note_days(struct engine *engine, const struct block_put *put)
{
    if (put->order_count > 0) { /* sorted */
        note_day(engine, put->orders[0].paid_day);
        note_day(engine, put->orders[put->order_count - 1].paid_day);
    }
    if (put->refund_count > 0) {
        note_day(engine, put->refunds[0].refunded_day);
        note_day(engine, put->refunds[put->refund_count - 1].refunded_day);
    }
}

static void replace(struct engine *engine, uint32_t index, const struct block_put *put)
{
    struct block *block = engine_block(engine, index);
    uint32_t slot = engine_slot(index);
    uint32_t old_orders = block->begin[slot + 1] - block->begin[slot];
    size_t refunds_from, refunds_to;
    block_refunds_of(block, slot, &refunds_from, &refunds_to);
    size_t old_refunds = refunds_to - refunds_from;
    block_replace(block, slot, put);
    engine->order_count += (int64_t)put->order_count - old_orders;
    engine->refund_count += (int64_t)put->refund_count - (int64_t)old_refunds;
    engine->customer_count += put->order_count + put->refund_count > 0;
    engine->customer_count -= old_orders + old_refunds > 0;
    uint32_t rows = block_row_count(block);
    engine->block_rows_max = rows > engine->block_rows_max ? rows : engine->block_rows_max;
    engine->orders_max =
        put->order_count > engine->orders_max ? put->order_count : engine->orders_max;
    note_days(engine, put);
    bool is_filling = (size_t)(index >> ENGINE_BLOCK_BITS) + 1 == engine->block_count;
    if (is_filling)
        return;
    if (rows < block->capacity / 2)
        block_settle(block, &engine->memory);
    else
        block_order_by_day(block);
}

/* All memory is reserved first, so that the writing after it cannot fail. */
static enum err_code put_locked(struct engine *engine, int64_t customer_id, struct block_put *put)
{
    uint32_t index;
    if (put->order_count + put->refund_count == 0) {
        index = id_list_find(&engine->customer_ids, customer_id);
        if (index != ID_LIST_NONE)
            replace(engine, index, put);
        return ERR_NONE;
    }
    enum err_code code = reserve_names(engine, put);
    if (code != ERR_NONE)
        return code;
    if (!engine_reserve_blocks(engine, (size_t)engine->customer_ids.count + 1) ||
        !id_list_put(&engine->customer_ids, &engine->memory, customer_id, &index))
        return ERR_CAPACITY;
    bool is_filling = (size_t)(index >> ENGINE_BLOCK_BITS) + 1 == engine->block_count;
    if (!block_reserve(engine_block(engine, index), &engine->memory, engine_slot(index), put,
                       is_filling))
        return ERR_CAPACITY;
    replace(engine, index, put);
    return ERR_NONE;
}

typedef int compare_fn(const void *left, const void *right);

/* A sorted copy where the array is not sorted, into *copy; false where there is no memory. */
static bool sort_copy(const void **array, void **copy, size_t count, size_t size,
                      compare_fn *compare)
{
    const char *items = *array;
    size_t sorted = 1;
    while (sorted < count && compare(items + (sorted - 1) * size, items + sorted * size) <= 0)
        sorted++;
    if (sorted >= count)
        return true;
    *copy = malloc(count * size);
    if (!*copy)
        return false;
    memcpy(*copy, items, count * size);
    qsort(*copy, count, size, compare);
    *array = *copy;
    return true;
}

ERR_RESULT engine_put(struct engine *engine, int64_t customer_id, const struct engine_order *orders,
                      size_t order_count, const struct engine_refund *refunds, size_t refund_count)
{
    CHECK(order_count < ENGINE_ROWS_MAX && refund_count < ENGINE_ROWS_MAX);
    const void *sorted_orders = orders, *sorted_refunds = refunds;
    void *order_copy = NULL, *refund_copy = NULL;
    bool has_memory =
        sort_copy(&sorted_orders, &order_copy, order_count, sizeof(*orders), compare_orders) &&
        sort_copy(&sorted_refunds, &refund_copy, refund_count, sizeof(*refunds), compare_refunds);
    struct block_put put = {
        .orders = sorted_orders,
        .refunds = sorted_refunds,
        .order_count = (uint32_t)order_count,
        .refund_count = (uint32_t)refund_count,
    };
    const struct err *err = NULL;
    CHECK(pthread_rwlock_wrlock(engine->lock) == 0);
    enum err_code code = has_memory ? put_locked(engine, customer_id, &put) : ERR_CAPACITY;
    if (code != ERR_NONE)
        err = ERR_NEW(engine->arena, code, STR_NONE, STR("the columns"));
    CHECK(pthread_rwlock_unlock(engine->lock) == 0);
    free(order_copy);
    free(refund_copy);
    return err;
}

/* --- Names --- */

static void set_name(struct engine *engine, struct str *slot, struct str name)
{
    if (!str_eq(*slot, name))
        *slot = str_copy(engine->arena, name);
}

void engine_name_channel(struct engine *engine, int64_t channel_id, struct str name)
{
    uint32_t index;
    CHECK(pthread_rwlock_wrlock(engine->lock) == 0);
    CHECK(channel_index(engine, channel_id, &index));
    set_name(engine, &engine->channel_names[index], name);
    CHECK(pthread_rwlock_unlock(engine->lock) == 0);
}

void engine_name_product(struct engine *engine, int64_t product_id, struct str code,
                         struct str name)
{
    uint32_t index;
    CHECK(pthread_rwlock_wrlock(engine->lock) == 0);
    CHECK(product_index(engine, product_id, &index));
    set_name(engine, &engine->product_codes[index], code);
    set_name(engine, &engine->product_names[index], name);
    CHECK(pthread_rwlock_unlock(engine->lock) == 0);
}

/* --- Sizes and days --- */

struct engine_size engine_size(const struct engine *engine)
{
    CHECK(pthread_rwlock_rdlock(engine->lock) == 0);
    struct engine_size size = {
        .customers = engine->customer_count,
        .orders = engine->order_count,
        .refunds = engine->refund_count,
        .bytes = engine->memory.bytes,
    };
    CHECK(pthread_rwlock_unlock(engine->lock) == 0);
    return size;
}

static bool counts_on(const struct block *block, uint32_t row, int32_t as_of_day)
{
    uint16_t whole = block_refunded_whole(block, row);
    return whole == ENGINE_DAY_NONE || engine_day(whole) >= as_of_day;
}

/* Whether a block may have a day outside of those found so far: after a few, hardly one does. */
static bool may_widen(const struct block *block, int32_t as_of_day, int32_t first, int32_t last)
{
    if (block->day_min > block->day_max)
        return false;
    int32_t from = engine_day(block->day_min), to = engine_day(block->day_max);
    to = to < as_of_day ? to : as_of_day - 1;
    return from <= to && (from < first || to > last);
}

bool engine_days(const struct engine *engine, int32_t as_of_day, int32_t *first_day,
                 int32_t *last_day)
{
    int32_t first = INT32_MAX, last = INT32_MIN;
    CHECK(pthread_rwlock_rdlock(engine->lock) == 0);
    for (size_t i = 0; i < engine->block_count; i++) {
        const struct block *block = engine->blocks[i];
        if (!may_widen(block, as_of_day, first, last))
            continue;
        for (uint32_t row = 0; row < block_row_count(block); row++) {
            int32_t day = engine_day(block->day[row]);
            if ((day >= first && day <= last) || day >= as_of_day ||
                !counts_on(block, row, as_of_day))
                continue;
            first = day < first ? day : first;
            last = day > last ? day : last;
        }
    }
    CHECK(pthread_rwlock_unlock(engine->lock) == 0);
    *first_day = first <= last ? first : DAY_NONE;
    *last_day = first <= last ? last : DAY_NONE;
    return first <= last;
}
