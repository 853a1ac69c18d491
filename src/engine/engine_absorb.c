/* Moves all that one engine holds into another; see engine.h. */
#include <string.h>

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

/* Room for everything, so that the moving after it cannot fail. The customers' indices of `from`
 * follow those of `into`. */
static enum err_code reserve(struct engine *into, const struct engine *from, struct remap *remap)
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
    if (into->channels.count > ENGINE_CHANNELS_MAX)
        return ERR_CHANNELS_MAX;
    size_t count = (size_t)into->customer_ids.count + from->customer_ids.count;
    size_t chunks = into->rows.chunk_count + from->rows.chunk_count;
    if (count >= ID_LIST_NONE || chunks > UINT32_MAX ||
        memory->bytes + from->memory.bytes > memory->bytes_max ||
        !engine_reserve_customers(into, count) ||
        !memory_grow(memory, (void **)&into->rows.chunks, &into->rows.chunk_capacity, chunks,
                     sizeof(struct chunk *)))
        return ERR_CAPACITY;
    for (uint32_t i = 0; i < from->customer_ids.count; i++) {
        const struct customer *customer = engine_customer(from, i);
        uint32_t index;
        if (customer->order_count + customer->refund_count > 0 &&
            !id_list_put(&into->customer_ids, memory, id_list_at(&from->customer_ids, i), &index))
            return ERR_CAPACITY;
    }
    return ERR_NONE;
}

static void move_chunks(struct engine *into, struct engine *from, const struct remap *remap)
{
    for (size_t i = 0; i < from->rows.chunk_count; i++) {
        struct chunk *chunk = from->rows.chunks[i];
        into->rows.chunks[into->rows.chunk_count++] = chunk;
        from->rows.chunks[i] = NULL;
        if (!chunk)
            continue;
        int64_t bytes = chunk_bytes(chunk);
        into->memory.bytes += bytes;
        from->memory.bytes -= bytes;
        for (uint32_t at = 0; at < chunk->used; at++) {
            chunk->channel[at] = (uint16_t)remap->channels[chunk->channel[at]];
            chunk->product[at] = remap->products[chunk->product[at]];
        }
    }
    from->rows.chunk_count = 0;
    into->rows.live += from->rows.live;
    into->rows.garbage += from->rows.garbage;
}

static void move_names(struct engine *into, const struct engine *from, const struct remap *remap)
{
    for (uint32_t i = 0; i < from->channels.count; i++)
        if (from->channel_names[i].p)
            into->channel_names[remap->channels[i]] =
                str_copy(into->arena, from->channel_names[i]);
    for (uint32_t i = 0; i < from->products.count; i++) {
        if (from->product_codes[i].p)
            into->product_codes[remap->products[i]] =
                str_copy(into->arena, from->product_codes[i]);
        if (from->product_names[i].p)
            into->product_names[remap->products[i]] =
                str_copy(into->arena, from->product_names[i]);
    }
}

static void move_all(struct engine *into, struct engine *from, const struct remap *remap)
{
    uint32_t first_chunk = (uint32_t)into->rows.chunk_count;
    for (uint32_t i = 0; i < from->customer_ids.count; i++) {
        struct customer *customer = engine_customer(from, i);
        if (customer->order_count + customer->refund_count == 0)
            continue;
        uint32_t index = id_list_find(&into->customer_ids, id_list_at(&from->customer_ids, i));
        struct customer *moved = engine_customer(into, index);
        CHECK(moved->order_count + moved->refund_count == 0);
        *moved = *customer;
        moved->chunk += first_chunk;
        memset(customer, 0, sizeof(*customer));
    }
    move_chunks(into, from, remap);
    move_names(into, from, remap);
    into->customer_count += from->customer_count;
    into->order_count += from->order_count;
    into->refund_count += from->refund_count;
    from->customer_count = from->order_count = from->refund_count = 0;
    into->orders_max = from->orders_max > into->orders_max ? from->orders_max : into->orders_max;
    into->day_min = from->day_min < into->day_min ? from->day_min : into->day_min;
    into->day_max = from->day_max > into->day_max ? from->day_max : into->day_max;
}

static enum err_code absorb_locked(struct engine *into, struct engine *from)
{
    struct memory *memory = &into->memory;
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
