/* A block of customers and their rows; see engine_internal.h. */
#include <stdlib.h>
#include <string.h>

#include "engine/engine_internal.h"

#define SPARE_MIN 32 /* rows kept free in a block that is being filled, at least */

struct block *block_new(struct memory *memory)
{
    struct block *block = memory_get(memory, 1, sizeof(*block));
    if (!block)
        return NULL;
    block->day_min = block->refund_day_min = UINT16_MAX;
    for (uint32_t slot = 0; slot < ENGINE_BLOCK; slot++)
        block->first_day[slot] = block->second_day[slot] = ENGINE_DAY_NONE;
    block->product_bytes = product_bytes_for(0);
    block->channel_bytes = channel_bytes_for(0);
    return block;
}

static size_t row_bytes(const struct block *block)
{
    return sizeof(*block->amount) + sizeof(*block->by_day) + sizeof(*block->day) +
           block->product_bytes + block->channel_bytes;
}

void block_free(struct block *block, struct memory *memory)
{
    if (!block)
        return;
    memory_give(memory, block->amount, block->capacity, row_bytes(block));
    memory_give(memory, block->wide.items, block->wide.capacity, sizeof(struct rare));
    memory_give(memory, block->top_line.items, block->top_line.capacity, sizeof(struct rare));
    memory_give(memory, block->refunded_whole.items, block->refunded_whole.capacity,
                sizeof(struct rare));
    memory_give(memory, block->refunds, block->refund_capacity, sizeof(*block->refunds));
    memory_give(memory, block->keepers, block->keepers ? ENGINE_BLOCK : 0,
                sizeof(*block->keepers));
    memory_give(memory, block->tags, block->tag_capacity, sizeof(*block->tags));
    memory_give(memory, block, 1, sizeof(*block));
}

int64_t block_bytes(const struct block *block)
{
    size_t rare = block->wide.capacity + block->top_line.capacity + block->refunded_whole.capacity;
    return (int64_t)(sizeof(*block) + block->capacity * row_bytes(block) +
                     rare * sizeof(struct rare) + block->refund_capacity * sizeof(*block->refunds) +
                     (block->keepers ? ENGINE_BLOCK : 0) * sizeof(*block->keepers) +
                     block->tag_capacity * sizeof(*block->tags));
}

/* --- Columns --- */

static void widen_channels(void *to, const struct block *from, uint32_t count)
{
    uint16_t *channel = to;
    for (uint32_t i = 0; i < count; i++)
        channel[i] = (uint16_t)block_channel(from, i);
}

static void widen_products(void *to, const struct block *from, uint32_t count)
{
    uint32_t *product = to;
    for (uint32_t i = 0; i < count; i++)
        product[i] = block_product(from, i);
}

/* Moves the columns to a new allocation. */
static bool block_resize(struct block *block, struct memory *memory, uint32_t capacity,
                         uint8_t product_bytes, uint8_t channel_bytes)
{
    struct block to = *block;
    uint32_t count = block_row_count(block);
    to.capacity = capacity;
    to.product_bytes = product_bytes;
    to.channel_bytes = channel_bytes;
    to.amount = NULL;
    if (capacity > 0) {
        to.amount = memory_get(memory, capacity, row_bytes(&to));
        if (!to.amount)
            return false;
        to.by_day = to.amount + capacity;
        to.product = to.by_day + capacity;
        to.day = (uint16_t *)((char *)to.product + (size_t)capacity * product_bytes);
        to.channel = to.day + capacity;
    }
    if (count > 0) {
        memcpy(to.amount, block->amount, count * sizeof(*to.amount));
        memcpy(to.by_day, block->by_day, count * sizeof(*to.by_day));
        memcpy(to.day, block->day, count * sizeof(*to.day));
        if (product_bytes == block->product_bytes)
            memcpy(to.product, block->product, (size_t)count * product_bytes);
        else
            widen_products(to.product, block, count);
        if (channel_bytes == block->channel_bytes)
            memcpy(to.channel, block->channel, (size_t)count * channel_bytes);
        else
            widen_channels(to.channel, block, count);
    }
    memory_give(memory, block->amount, block->capacity, row_bytes(block));
    *block = to;
    return true;
}

bool block_widen(struct block *block, struct memory *memory, uint8_t product_bytes,
                 uint8_t channel_bytes)
{
    if (product_bytes <= block->product_bytes && channel_bytes <= block->channel_bytes)
        return true;
    if (product_bytes < block->product_bytes)
        product_bytes = block->product_bytes;
    if (channel_bytes < block->channel_bytes)
        channel_bytes = block->channel_bytes;
    return block_resize(block, memory, block->capacity, product_bytes, channel_bytes);
}

static void set_channel(struct block *block, uint32_t row, uint32_t channel)
{
    if (block->channel_bytes == 1)
        ((uint8_t *)block->channel)[row] = (uint8_t)channel;
    else
        ((uint16_t *)block->channel)[row] = (uint16_t)channel;
}

static void set_product(struct block *block, uint32_t row, uint32_t product)
{
    if (block->product_bytes == 2)
        ((uint16_t *)block->product)[row] = (uint16_t)product;
    else
        ((uint32_t *)block->product)[row] = product;
}

void block_remap(struct block *block, const uint32_t *channels, const uint32_t *products)
{
    for (uint32_t row = 0; row < block_row_count(block); row++) {
        set_channel(block, row, channels[block_channel(block, row)]);
        set_product(block, row, products[block_product(block, row)]);
    }
    for (size_t i = 0; i < block->refund_count; i++)
        block->refunds[i].channel = (uint16_t)channels[block->refunds[i].channel];
}

/* --- Lists by row --- */

size_t rare_find(const struct rare_list *list, uint32_t row)
{
    size_t low = 0, high = list->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (list->items[middle].row < row)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int64_t rare_at(const struct rare_list *list, uint32_t row, int64_t otherwise)
{
    if (list->count == 0)
        return otherwise;
    size_t at = rare_find(list, row);
    return at < list->count && list->items[at].row == row ? list->items[at].value : otherwise;
}

static bool rare_reserve(struct rare_list *list, struct memory *memory, size_t more)
{
    return memory_grow(memory, (void **)&list->items, &list->capacity, list->count + more,
                       sizeof(*list->items));
}

/* Forgets the rows from `row` to before `end`, leaves room for `count` items in their place, and
 * moves the rows behind by `delta`. Returns the room. */
static struct rare *rare_splice(struct rare_list *list, uint32_t row, uint32_t end, uint32_t delta,
                                size_t count)
{
    if (list->count + count == 0)
        return NULL;
    size_t from = rare_find(list, row), to = rare_find(list, end), behind = list->count - to;
    CHECK(from + count + behind <= list->capacity);
    memmove(list->items + from + count, list->items + to, behind * sizeof(*list->items));
    list->count = from + count + behind;
    for (size_t i = from + count; i < list->count; i++)
        list->items[i].row += delta;
    return list->items + from;
}

/* --- Putting --- */

/* Only where two orders share the first purchase day does a report ask for the largest line. */
static bool keeps_top_line(const struct block_put *put, uint32_t i)
{
    const struct engine_order *order = &put->orders[i];
    if (order->top_line_minor == order->amount_minor)
        return false;
    return (i > 0 && order[-1].paid_day == order->paid_day) ||
           (i + 1 < put->order_count && order[1].paid_day == order->paid_day);
}

struct rare_counts {
    size_t wide, top_line, refunded_whole;
};

static struct rare_counts rare_counts_of(const struct block_put *put)
{
    struct rare_counts counts = {0};
    for (uint32_t i = 0; i < put->order_count; i++) {
        counts.wide += amount_is_wide(put->orders[i].amount_minor);
        counts.top_line += keeps_top_line(put, i);
        counts.refunded_whole += put->orders[i].refunded_whole_day != DAY_NONE;
    }
    return counts;
}

static uint32_t slot_row_count(const struct block *block, uint32_t slot)
{
    return block->begin[slot + 1] - block->begin[slot];
}

bool block_reserve(struct block *block, struct memory *memory, uint32_t slot,
                   const struct block_put *put, bool spare)
{
    size_t channels = 0, products = 0;
    for (uint32_t i = 0; i < put->order_count; i++) {
        if (put->order_channels[i] >= channels)
            channels = (size_t)put->order_channels[i] + 1;
        if (put->order_products[i] >= products)
            products = (size_t)put->order_products[i] + 1;
    }
    uint64_t need = (uint64_t)block_row_count(block) - slot_row_count(block, slot);
    need += put->order_count;
    if (need > ENGINE_BLOCK_ROWS_MAX ||
        !block_widen(block, memory, product_bytes_for(products), channel_bytes_for(channels)))
        return false;
    if (need > block->capacity) {
        uint64_t more = spare ? need / 2 + SPARE_MIN : need / 16;
        if (!block_resize(block, memory, (uint32_t)(need + more), block->product_bytes,
                          block->channel_bytes))
            return false;
    }
    struct rare_counts counts = rare_counts_of(put);
    return rare_reserve(&block->wide, memory, counts.wide) &&
           rare_reserve(&block->top_line, memory, counts.top_line) &&
           rare_reserve(&block->refunded_whole, memory, counts.refunded_whole) &&
           memory_grow(memory, (void **)&block->refunds, &block->refund_capacity,
                       block->refund_count + put->refund_count, sizeof(*block->refunds));
}

static void move_rows(struct block *block, uint32_t from, uint32_t to)
{
    uint32_t count = block_row_count(block) - from;
    if (count == 0 || from == to)
        return;
    memmove(block->amount + to, block->amount + from, count * sizeof(*block->amount));
    memmove(block->day + to, block->day + from, count * sizeof(*block->day));
    char *product = block->product, *channel = block->channel;
    size_t product_bytes = block->product_bytes, channel_bytes = block->channel_bytes;
    memmove(product + to * product_bytes, product + from * product_bytes, count * product_bytes);
    memmove(channel + to * channel_bytes, channel + from * channel_bytes, count * channel_bytes);
}

static void replace_refunds(struct block *block, uint32_t slot, const struct block_put *put)
{
    size_t from, to;
    block_refunds_of(block, slot, &from, &to);
    size_t count = put->refund_count, behind = block->refund_count - to;
    if (count + to - from == 0)
        return;
    CHECK(from + count + behind <= block->refund_capacity);
    memmove(block->refunds + from + count, block->refunds + to, behind * sizeof(*block->refunds));
    block->refund_count = from + count + behind;
    for (size_t i = 0; i < count; i++) {
        uint16_t day = engine_day_pack(put->refunds[i].refunded_day);
        block->refund_day_min = day < block->refund_day_min ? day : block->refund_day_min;
        block->refund_day_max = day > block->refund_day_max ? day : block->refund_day_max;
        block->refunds[from + i] = (struct refund){
            .amount = put->refunds[i].amount_minor,
            .day = day,
            .channel = (uint16_t)put->refund_channels[i],
            .slot = (uint8_t)slot,
        };
    }
}

static void set_first_two_days(struct block *block, uint32_t slot, const struct block_put *put)
{
    uint32_t second = 0;
    while (second < put->order_count && put->orders[second].paid_day == put->orders[0].paid_day)
        second++;
    block->first_day[slot] =
        put->order_count > 0 ? engine_day_pack(put->orders[0].paid_day) : ENGINE_DAY_NONE;
    block->second_day[slot] = second < put->order_count
                                  ? engine_day_pack(put->orders[second].paid_day)
                                  : ENGINE_DAY_NONE;
}

void block_replace(struct block *block, uint32_t slot, const struct block_put *put)
{
    uint32_t row = block->begin[slot], end = block->begin[slot + 1];
    uint32_t delta = put->order_count - (end - row); /* modulo 2^32 */
    struct rare_counts counts = rare_counts_of(put);
    struct rare *wide = rare_splice(&block->wide, row, end, delta, counts.wide);
    struct rare *top_line = rare_splice(&block->top_line, row, end, delta, counts.top_line);
    struct rare *refunded_whole =
        rare_splice(&block->refunded_whole, row, end, delta, counts.refunded_whole);
    move_rows(block, end, end + delta);
    for (uint32_t i = slot + 1; i <= ENGINE_BLOCK; i++)
        block->begin[i] += delta;
    for (uint32_t i = 0; i < put->order_count; i++, row++) {
        const struct engine_order *order = &put->orders[i];
        uint16_t day = engine_day_pack(order->paid_day);
        block->day_min = day < block->day_min ? day : block->day_min;
        block->day_max = day > block->day_max ? day : block->day_max;
        block->day[row] = day;
        block->amount[row] = 0;
        if (amount_is_wide(order->amount_minor))
            *wide++ = (struct rare){.value = order->amount_minor, .row = row, .slot = slot};
        else
            block->amount[row] = (uint32_t)order->amount_minor;
        if (keeps_top_line(put, i))
            *top_line++ = (struct rare){.value = order->top_line_minor, .row = row, .slot = slot};
        if (order->refunded_whole_day != DAY_NONE)
            *refunded_whole++ = (struct rare){
                .value = engine_day_pack(order->refunded_whole_day), .row = row, .slot = slot};
        set_channel(block, row, put->order_channels[i]);
        set_product(block, row, put->order_products[i]);
    }
    set_first_two_days(block, slot, put);
    replace_refunds(block, slot, put);
    block->has_by_day = false;
}

/* --- The order of days --- */

/* By counting: a customer's rows lie by day, and rows of one day keep their order. */
void block_sort_by_day(const struct block *block, uint32_t *by_day, uint32_t *places)
{
    uint32_t rows = block_row_count(block), place = 0;
    for (uint32_t row = 0; row < rows; row++)
        places[block->day[row] - block->day_min]++;
    for (uint32_t day = block->day_min; day <= block->day_max; day++) {
        uint32_t count = places[day - block->day_min];
        places[day - block->day_min] = place;
        place += count;
    }
    for (uint32_t slot = 0; slot < ENGINE_BLOCK; slot++)
        for (uint32_t row = block->begin[slot]; row < block->begin[slot + 1]; row++)
            by_day[places[block->day[row] - block->day_min]++] = row << ENGINE_BLOCK_BITS | slot;
}

void block_order_by_day(struct block *block)
{
    if (block_row_count(block) == 0)
        return;
    uint32_t *places = calloc((size_t)(block->day_max - block->day_min) + 1, sizeof(*places));
    if (!places)
        return;
    block_sort_by_day(block, block->by_day, places);
    block->has_by_day = true;
    free(places);
}

/* Moves an array to an allocation of its own length. */
static void trim_array(struct memory *memory, void **array, size_t *capacity, size_t count,
                       size_t size)
{
    if (*capacity == count)
        return;
    void *smaller = NULL;
    if (count > 0) {
        smaller = memory_get(memory, count, size);
        if (!smaller)
            return;
        memcpy(smaller, *array, count * size);
    }
    memory_give(memory, *array, *capacity, size);
    *array = smaller;
    *capacity = count;
}

static void trim_rare(struct memory *memory, struct rare_list *list)
{
    trim_array(memory, (void **)&list->items, &list->capacity, list->count, sizeof(*list->items));
}

static void trim(struct block *block, struct memory *memory)
{
    uint32_t count = block_row_count(block);
    if (block->capacity > count &&
        !block_resize(block, memory, count, block->product_bytes, block->channel_bytes))
        return;
    trim_rare(memory, &block->wide);
    trim_rare(memory, &block->top_line);
    trim_rare(memory, &block->refunded_whole);
    trim_array(memory, (void **)&block->refunds, &block->refund_capacity, block->refund_count,
               sizeof(*block->refunds));
}

void block_settle(struct block *block, struct memory *memory)
{
    trim(block, memory);
    block_order_by_day(block);
}

void block_refunds_of(const struct block *block, uint32_t slot, size_t *from, size_t *to)
{
    size_t low = 0, high = block->refund_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (block->refunds[middle].slot < slot)
            low = middle + 1;
        else
            high = middle;
    }
    *from = low;
    while (low < block->refund_count && block->refunds[low].slot == slot)
        low++;
    *to = low;
}
