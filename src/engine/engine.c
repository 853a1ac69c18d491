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
    for (size_t i = 0; i < engine->customer_block_count; i++)
        memory_give(memory, engine->customers[i], ENGINE_BLOCK, sizeof(struct customer));
    memory_give(memory, engine->customers, engine->customer_block_capacity, sizeof(void *));
    memory_give(memory, engine->channel_names, engine->channel_name_capacity, sizeof(struct str));
    memory_give(memory, engine->product_codes, engine->product_code_capacity, sizeof(struct str));
    memory_give(memory, engine->product_names, engine->product_name_capacity, sizeof(struct str));
    id_list_free(&engine->customer_ids, memory);
    id_list_free(&engine->channels, memory);
    id_list_free(&engine->products, memory);
    rows_free(&engine->rows, memory);
    CHECK(memory->bytes == 0);
    CHECK(pthread_rwlock_destroy(engine->lock) == 0);
}

void engine_limit(struct engine *engine, int64_t bytes_max)
{
    CHECK(pthread_rwlock_wrlock(engine->lock) == 0);
    engine->memory.bytes_max = bytes_max;
    CHECK(pthread_rwlock_unlock(engine->lock) == 0);
}

/* --- Putting --- */

/* What is put, sorted; copies live as long as the call. */
struct put {
    int64_t customer_id;
    struct engine_order *orders;
    struct engine_refund *refunds;
    uint32_t order_count, refund_count;
};

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

bool engine_reserve_customers(struct engine *engine, size_t count)
{
    size_t blocks = (count + ENGINE_BLOCK - 1) >> ENGINE_BLOCK_BITS;
    if (!memory_grow(&engine->memory, (void **)&engine->customers, &engine->customer_block_capacity,
                     blocks, sizeof(*engine->customers)))
        return false;
    for (; engine->customer_block_count < blocks; engine->customer_block_count++) {
        struct customer *block =
            memory_get(&engine->memory, ENGINE_BLOCK, sizeof(**engine->customers));
        if (!block)
            return false;
        engine->customers[engine->customer_block_count] = block;
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

/* Memory for everything, so that the writing after it cannot fail. */
static bool reserve(struct engine *engine, const struct put *put)
{
    uint32_t index;
    size_t wide_count = 0;
    for (uint32_t i = 0; i < put->order_count; i++) {
        const struct engine_order *order = &put->orders[i];
        if (!channel_index(engine, order->channel_id, &index) ||
            !product_index(engine, order->top_product_id, &index))
            return false;
        wide_count += amount_is_wide(order->amount_minor);
        wide_count += amount_is_wide(order->top_line_minor);
    }
    for (uint32_t i = 0; i < put->refund_count; i++) {
        if (!channel_index(engine, put->refunds[i].channel_id, &index))
            return false;
        wide_count += amount_is_wide(put->refunds[i].amount_minor);
    }
    return rows_reserve(&engine->rows, &engine->memory, put->order_count + put->refund_count,
                        wide_count) &&
           engine_reserve_customers(engine, (size_t)engine->customer_ids.count + 1) &&
           id_list_put(&engine->customer_ids, &engine->memory, put->customer_id, &index);
}

static uint16_t day_pack(struct engine *engine, int32_t day)
{
    CHECK(day >= LIMIT_DAY_MIN && day <= LIMIT_DAY_MAX);
    if (day < engine->day_min)
        engine->day_min = day;
    if (day > engine->day_max)
        engine->day_max = day;
    return (uint16_t)(day - LIMIT_DAY_MIN);
}

/* Sets no bound of days: nothing is ever shown on the day that completes a refund. */
static uint16_t refunded_whole_pack(int32_t day)
{
    if (day == DAY_NONE)
        return ENGINE_DAY_NONE;
    CHECK(day >= LIMIT_DAY_MIN && day <= LIMIT_DAY_MAX);
    return (uint16_t)(day - LIMIT_DAY_MIN);
}

static void write_rows(struct engine *engine, const struct put *put, struct chunk *chunk,
                       uint32_t at)
{
    for (uint32_t i = 0; i < put->order_count; i++, at++) {
        const struct engine_order *order = &put->orders[i];
        chunk->day[at] = day_pack(engine, order->paid_day);
        chunk->refunded_whole_day[at] = refunded_whole_pack(order->refunded_whole_day);
        chunk->amount[at] = chunk_pack(chunk, order->amount_minor);
        chunk->top_line[at] = chunk_pack(chunk, order->top_line_minor);
        chunk->channel[at] = (uint16_t)id_list_find(&engine->channels, order->channel_id);
        chunk->product[at] = id_list_find(&engine->products, order->top_product_id);
    }
    for (uint32_t i = 0; i < put->refund_count; i++, at++) {
        const struct engine_refund *refund = &put->refunds[i];
        chunk->day[at] = day_pack(engine, refund->refunded_day);
        chunk->refunded_whole_day[at] = ENGINE_DAY_NONE;
        chunk->amount[at] = chunk_pack(chunk, refund->amount_minor);
        chunk->channel[at] = (uint16_t)id_list_find(&engine->channels, refund->channel_id);
    }
}

/* Forgets what was known of the customer. */
static void forget(struct engine *engine, struct customer *customer)
{
    uint32_t count = customer->order_count + customer->refund_count;
    if (count == 0)
        return;
    rows_release(&engine->rows, &engine->memory, customer->chunk, count);
    engine->order_count -= customer->order_count;
    engine->refund_count -= customer->refund_count;
    engine->customer_count--;
    memset(customer, 0, sizeof(*customer));
}

static bool move_run(struct engine *engine, struct customer *customer)
{
    const struct chunk *from = engine->rows.chunks[customer->chunk];
    uint32_t count = customer->order_count + customer->refund_count, old = customer->offset;
    size_t wide_count = 0;
    for (uint32_t i = old; i < old + count; i++)
        wide_count +=
            (from->amount[i] & ENGINE_WIDE ? 1u : 0u) + (from->top_line[i] & ENGINE_WIDE ? 1u : 0u);
    if (!rows_reserve(&engine->rows, &engine->memory, count, wide_count))
        return false;
    uint32_t old_chunk = customer->chunk;
    rows_take(&engine->rows, count, &customer->chunk, &customer->offset);
    struct chunk *to = engine->rows.chunks[customer->chunk];
    for (uint32_t i = 0, at = customer->offset; i < count; i++, at++) {
        to->day[at] = from->day[old + i];
        to->refunded_whole_day[at] = from->refunded_whole_day[old + i];
        to->channel[at] = from->channel[old + i];
        to->product[at] = from->product[old + i];
        to->amount[at] = chunk_pack(to, chunk_amount(from, from->amount[old + i]));
        to->top_line[at] = chunk_pack(to, chunk_amount(from, from->top_line[old + i]));
    }
    rows_release(&engine->rows, &engine->memory, old_chunk, count);
    return true;
}

/* Once garbage passes a quarter of all rows, moves every run into new chunks in the order of the
 * index; each old chunk is freed as its last run leaves. Stops where memory is short: what has not
 * moved stays where it is. */
static void compact(struct engine *engine)
{
    struct rows *rows = &engine->rows;
    if (rows->garbage < ENGINE_BLOCK / 4 || rows->garbage * 3 <= rows->live)
        return;
    size_t old_count = rows->chunk_count;
    if (!rows_add_chunk(rows, &engine->memory, 0))
        return;
    for (uint32_t i = 0; i < engine->customer_ids.count; i++) {
        struct customer *customer = engine_customer(engine, i);
        if (customer->order_count + customer->refund_count == 0 || customer->chunk >= old_count)
            continue;
        if (!move_run(engine, customer))
            return;
    }
}

static enum err_code put_locked(struct engine *engine, const struct put *put)
{
    if (put->order_count + put->refund_count == 0) {
        uint32_t index = id_list_find(&engine->customer_ids, put->customer_id);
        if (index != ID_LIST_NONE)
            forget(engine, engine_customer(engine, index));
        compact(engine);
        return ERR_NONE;
    }
    if (!reserve(engine, put))
        return ERR_CAPACITY;
    if (engine->channels.count > ENGINE_CHANNELS_MAX)
        return ERR_CHANNELS_MAX;
    uint32_t index = id_list_find(&engine->customer_ids, put->customer_id);
    struct customer *customer = engine_customer(engine, index);
    forget(engine, customer);
    rows_take(&engine->rows, put->order_count + put->refund_count, &customer->chunk,
              &customer->offset);
    customer->order_count = put->order_count;
    customer->refund_count = put->refund_count;
    write_rows(engine, put, engine->rows.chunks[customer->chunk], customer->offset);
    engine->customer_count++;
    engine->order_count += put->order_count;
    engine->refund_count += put->refund_count;
    if (put->order_count > engine->orders_max)
        engine->orders_max = put->order_count;
    compact(engine);
    return ERR_NONE;
}

static void *copy_of(const void *array, size_t count, size_t size)
{
    void *copy = malloc(count ? count * size : 1);
    if (copy && count)
        memcpy(copy, array, count * size);
    return copy;
}

ERR_RESULT engine_put(struct engine *engine, int64_t customer_id, const struct engine_order *orders,
                      size_t order_count, const struct engine_refund *refunds, size_t refund_count)
{
    CHECK(order_count < ENGINE_ROWS_MAX && refund_count < ENGINE_ROWS_MAX);
    struct put put = {
        .customer_id = customer_id,
        .orders = copy_of(orders, order_count, sizeof(*orders)),
        .refunds = copy_of(refunds, refund_count, sizeof(*refunds)),
        .order_count = (uint32_t)order_count,
        .refund_count = (uint32_t)refund_count,
    };
    enum err_code code = ERR_CAPACITY;
    CHECK(pthread_rwlock_wrlock(engine->lock) == 0);
    if (put.orders && put.refunds) {
        qsort(put.orders, order_count, sizeof(*put.orders), compare_orders);
        qsort(put.refunds, refund_count, sizeof(*put.refunds), compare_refunds);
        code = put_locked(engine, &put);
    }
    const struct err *err = NULL;
    if (code != ERR_NONE)
        err = ERR_NEW(engine->arena, code, STR_NONE, STR("the columns"));
    CHECK(pthread_rwlock_unlock(engine->lock) == 0);
    free(put.orders);
    free(put.refunds);
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

bool engine_days(const struct engine *engine, int32_t *first_day, int32_t *last_day)
{
    int32_t first = INT32_MAX, last = INT32_MIN;
    CHECK(pthread_rwlock_rdlock(engine->lock) == 0);
    for (uint32_t i = 0; i < engine->customer_ids.count; i++) {
        const struct customer *customer = engine_customer(engine, i);
        if (customer->order_count == 0)
            continue;
        const struct chunk *chunk = engine->rows.chunks[customer->chunk];
        uint32_t end = customer->offset + customer->order_count;
        for (uint32_t at = customer->offset; at < end; at++) {
            if (chunk->refunded_whole_day[at] != ENGINE_DAY_NONE)
                continue;
            int32_t day = engine_day(chunk->day[at]);
            first = day < first ? day : first;
            last = day > last ? day : last;
        }
    }
    CHECK(pthread_rwlock_unlock(engine->lock) == 0);
    *first_day = first <= last ? first : DAY_NONE;
    *last_day = first <= last ? last : DAY_NONE;
    return first <= last;
}
