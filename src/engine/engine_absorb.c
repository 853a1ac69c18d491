/* Moves all that one engine holds into another; see engine.h. */
#include "engine/engine_internal.h"

/* Indices of `from` by what they are in `into`. */
struct remap {
    uint32_t *channels, *products;
};

static bool remap_list(struct id_list *into, const struct id_list *from, struct memory *memory,
                       uint32_t *indices)
{
    for (uint32_t i = 0; i < from->count; i++)
        if (!id_list_put(into, memory, id_list_at(from, i), &indices[i]))
            return false;
    return true;
}

static bool channels_fit(const uint32_t *channels, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (channels[i] >= ENGINE_CHANNELS_MAX)
            return false;
    return true;
}

static enum err_code reserve_names(struct engine *into, const struct engine *from,
                                   struct remap *remap)
{
    struct memory *memory = &into->memory;
    size_t products = (size_t)into->products.count + from->products.count;
    if (!memory_grow(memory, (void **)&into->channel_names, &into->channel_name_capacity,
                     (size_t)into->channels.count + from->channels.count, sizeof(struct str)) ||
        !memory_grow(memory, (void **)&into->product_codes, &into->product_code_capacity, products,
                     sizeof(struct str)) ||
        !memory_grow(memory, (void **)&into->product_names, &into->product_name_capacity, products,
                     sizeof(struct str)) ||
        !remap_list(&into->channels, &from->channels, memory, remap->channels) ||
        !remap_list(&into->products, &from->products, memory, remap->products))
        return ERR_CAPACITY;
    return channels_fit(remap->channels, from->channels.count) ? ERR_NONE : ERR_CHANNELS_MAX;
}

/* Room for everything, so that the moving after it cannot fail; unknown buyers are moved here, last
 * of all. */
static enum err_code reserve(struct engine *into, struct engine *from, struct remap *remap)
{
    struct memory *memory = &into->memory;
    enum err_code code = reserve_names(into, from, remap);
    if (code != ERR_NONE)
        return code;
    uint8_t product_bytes = product_bytes_for(into->products.count);
    uint8_t channel_bytes = channel_bytes_for(into->channels.count);
    for (size_t i = 0; i < from->block_count; i++)
        if (!block_widen(from->blocks[i], &from->memory, product_bytes, channel_bytes))
            return ERR_CAPACITY;
    size_t blocks = into->block_count + from->block_count;
    if (memory->bytes + from->memory.bytes > memory->bytes_max ||
        !memory_grow(memory, (void **)&into->blocks, &into->block_capacity, blocks,
                     sizeof(*into->blocks)) ||
        !id_list_reserve(&into->customer_ids, memory, blocks * ENGINE_BLOCK))
        return ERR_CAPACITY;
    return unknown_absorb(into, from) ? ERR_NONE : ERR_CAPACITY;
}

static bool is_held(const struct engine *engine, uint32_t index)
{
    const struct block *block = engine_block(engine, index);
    uint32_t slot = engine_slot(index);
    size_t from, to;
    block_refunds_of(block, slot, &from, &to);
    return block->begin[slot] < block->begin[slot + 1] || from < to || block->is_person[slot];
}

/* One block with its ids. Who holds nothing is not found under their index any more. */
static void move_block(struct engine *into, struct engine *from, size_t at,
                       const struct remap *remap)
{
    struct block *block = from->blocks[at];
    from->blocks[at] = NULL;
    into->blocks[into->block_count++] = block;
    block_remap(block, remap->channels, remap->products);
    if (!block->has_by_day) /* it was being filled */
        block_order_by_day(block);
    uint32_t first = into->customer_ids.count;
    id_list_take_block(&into->customer_ids, &from->customer_ids, at);
    int64_t bytes = block_bytes(block) + (int64_t)(ENGINE_BLOCK * sizeof(int64_t));
    into->memory.bytes += bytes;
    from->memory.bytes -= bytes;
    for (uint32_t index = first; index < first + ENGINE_BLOCK; index++)
        id_list_prefetch(&into->customer_ids, id_list_at(&into->customer_ids, index));
    for (uint32_t index = first; index < first + ENGINE_BLOCK; index++) {
        if (!is_held(into, index))
            continue;
        uint32_t known = id_list_find(&into->customer_ids, id_list_at(&into->customer_ids, index));
        CHECK(known == ID_LIST_NONE || !is_held(into, known));
        id_list_point(&into->customer_ids, index);
    }
}

static void move_names(struct engine *into, const struct engine *from, const struct remap *remap)
{
    for (uint32_t i = 0; i < from->channels.count; i++)
        if (from->channel_names[i].p)
            into->channel_names[remap->channels[i]] = str_copy(into->arena, from->channel_names[i]);
    for (uint32_t i = 0; i < from->products.count; i++) {
        if (from->product_codes[i].p)
            into->product_codes[remap->products[i]] = str_copy(into->arena, from->product_codes[i]);
        if (from->product_names[i].p)
            into->product_names[remap->products[i]] = str_copy(into->arena, from->product_names[i]);
    }
}

static void move_all(struct engine *into, struct engine *from, const struct remap *remap)
{
    if (into->block_count > 0)
        block_settle(into->blocks[into->block_count - 1], &into->memory);
    id_list_pad(&into->customer_ids);
    CHECK(into->block_count * ENGINE_BLOCK == into->customer_ids.count);
    for (size_t i = 0; i < from->block_count; i++)
        move_block(into, from, i, remap);
    from->block_count = 0;
    move_names(into, from, remap);
    unknown_free(from);
    into->customer_count += from->customer_count;
    into->order_count += from->order_count;
    into->refund_count += from->refund_count;
    from->customer_count = from->order_count = from->refund_count = 0;
    if (from->block_rows_max > into->block_rows_max)
        into->block_rows_max = from->block_rows_max;
    into->orders_max = from->orders_max > into->orders_max ? from->orders_max : into->orders_max;
    into->day_min = from->day_min < into->day_min ? from->day_min : into->day_min;
    into->day_max = from->day_max > into->day_max ? from->day_max : into->day_max;
}

/* A put that ran out of memory may have left a block without ids. */
static void drop_unused_block(struct engine *engine)
{
    size_t last = engine->block_count - 1;
    if (engine->block_count == 0 || last * ENGINE_BLOCK < engine->customer_ids.count)
        return;
    block_free(engine->blocks[last], &engine->memory);
    engine->block_count = last;
}

static enum err_code absorb_locked(struct engine *into, struct engine *from)
{
    struct memory *memory = &into->memory;
    drop_unused_block(into);
    drop_unused_block(from);
    struct remap remap = {
        .channels = memory_get(memory, from->channels.count, sizeof(uint32_t)),
        .products = memory_get(memory, from->products.count, sizeof(uint32_t)),
    };
    enum err_code code = ERR_CAPACITY;
    if (remap.channels && remap.products)
        code = reserve(into, from, &remap);
    if (code == ERR_NONE)
        move_all(into, from, &remap);
    memory_give(memory, remap.channels, from->channels.count, sizeof(uint32_t));
    memory_give(memory, remap.products, from->products.count, sizeof(uint32_t));
    return code;
}

ERR_RESULT engine_absorb(struct engine *into, struct engine *from)
{
    CHECK(into != from);
    /* Always in one order, so that nobody waits in a ring; see engine_difference. */
    struct engine *first = into < from ? into : from, *second = into < from ? from : into;
    CHECK(pthread_rwlock_wrlock(first->lock) == 0);
    CHECK(pthread_rwlock_wrlock(second->lock) == 0);
    enum err_code code = absorb_locked(into, from);
    const struct err *err = NULL;
    if (code != ERR_NONE)
        err = ERR_NEW(into->arena, code, STR_NONE, STR("the columns"));
    CHECK(pthread_rwlock_unlock(second->lock) == 0);
    CHECK(pthread_rwlock_unlock(first->lock) == 0);
    return err;
}
