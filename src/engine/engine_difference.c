/* Whether two engines hold the same facts. */
#include <inttypes.h>

#include "engine/engine_internal.h"

/* One row of either kind, with ids instead of the engine's own indices. */
struct row {
    int32_t day, refunded_whole_day;
    int64_t amount, channel_id, product_id;
};

/* Where a customer's facts lie; without a block nothing is known. */
struct place {
    const struct engine *engine;
    const struct block *block;
    uint32_t first_row, order_count;
    size_t first_refund, refund_count;
};

static struct place place_of(const struct engine *engine, int64_t customer_id)
{
    struct place place = {.engine = engine};
    uint32_t index = id_list_find(&engine->customer_ids, customer_id);
    if (index == ID_LIST_NONE)
        return place;
    uint32_t slot = engine_slot(index);
    size_t refunds_end;
    place.block = engine_block(engine, index);
    place.first_row = place.block->begin[slot];
    place.order_count = place.block->begin[slot + 1] - place.first_row;
    block_refunds_of(place.block, slot, &place.first_refund, &refunds_end);
    place.refund_count = refunds_end - place.first_refund;
    return place;
}

static struct row order_row(const struct place *place, uint32_t i)
{
    const struct engine *engine = place->engine;
    const struct block *block = place->block;
    uint32_t row = place->first_row + i;
    return (struct row){
        .day = engine_day(block->day[row]),
        .refunded_whole_day = engine_day(block_refunded_whole(block, row)),
        .amount = block_amount(block, row),
        .channel_id = id_list_at(&engine->channels, block_channel(block, row)),
        .product_id = id_list_at(&engine->products, block_product(block, row)),
    };
}

static struct row refund_row(const struct place *place, size_t i)
{
    const struct refund *refund = &place->block->refunds[place->first_refund + i];
    return (struct row){
        .day = engine_day(refund->day),
        .amount = refund->amount,
        .channel_id = id_list_at(&place->engine->channels, refund->channel),
    };
}

static struct str say(struct arena *arena, int64_t customer_id, const char *what, uint32_t i,
                      const char *field, int64_t a, int64_t b)
{
    return str_fmt(arena,
                   "customer %" PRId64 ", %s %" PRIu32 ": %s is %" PRId64 " in one and %" PRId64
                   " in the other",
                   customer_id, what, i + 1, field, a, b);
}

static struct str row_difference(struct arena *arena, int64_t customer_id, const char *what,
                                 uint32_t i, struct row a, struct row b)
{
    if (a.day != b.day)
        return say(arena, customer_id, what, i, "the day", a.day, b.day);
    if (a.amount != b.amount)
        return say(arena, customer_id, what, i, "the amount", a.amount, b.amount);
    if (a.refunded_whole_day != b.refunded_whole_day)
        return say(arena, customer_id, what, i, "the day of its whole refund", a.refunded_whole_day,
                   b.refunded_whole_day);
    if (a.channel_id != b.channel_id)
        return say(arena, customer_id, what, i, "the channel", a.channel_id, b.channel_id);
    if (a.product_id != b.product_id)
        return say(arena, customer_id, what, i, "the top product", a.product_id, b.product_id);
    return STR_NONE;
}

static struct str customer_difference(struct arena *arena, const struct engine *a,
                                      const struct engine *b, int64_t customer_id)
{
    struct place in_a = place_of(a, customer_id), in_b = place_of(b, customer_id);
    if (in_a.order_count != in_b.order_count)
        return str_fmt(
            arena, "customer %" PRId64 ": %" PRIu32 " orders in one and %" PRIu32 " in the other",
            customer_id, in_a.order_count, in_b.order_count);
    if (in_a.refund_count != in_b.refund_count)
        return str_fmt(arena, "customer %" PRId64 ": %zu refunds in one and %zu in the other",
                       customer_id, in_a.refund_count, in_b.refund_count);
    struct str difference = STR_NONE;
    for (uint32_t i = 0; i < in_a.order_count && !difference.p; i++)
        difference = row_difference(arena, customer_id, "order", i, order_row(&in_a, i),
                                    order_row(&in_b, i));
    /* Last, where all days are the same: whether a largest line is kept depends on them. */
    for (uint32_t i = 0; i < in_a.order_count && !difference.p; i++) {
        int64_t line_a = block_top_line(in_a.block, in_a.first_row + i);
        int64_t line_b = block_top_line(in_b.block, in_b.first_row + i);
        if (line_a != line_b)
            difference = say(arena, customer_id, "order", i, "the top line", line_a, line_b);
    }
    for (uint32_t i = 0; i < in_a.refund_count && !difference.p; i++)
        difference = row_difference(arena, customer_id, "refund", i, refund_row(&in_a, i),
                                    refund_row(&in_b, i));
    return difference;
}

/* Compares the customers of a list; keeps the difference of the lowest id. */
static void lowest_difference(struct arena *arena, const struct id_list *ids,
                              const struct engine *a, const struct engine *b, int64_t *lowest_id,
                              struct str *lowest)
{
    for (uint32_t i = 0; i < ids->count; i++) {
        int64_t customer_id = id_list_at(ids, i);
        if (lowest->p && customer_id >= *lowest_id)
            continue;
        struct str difference = customer_difference(arena, a, b, customer_id);
        if (!difference.p)
            continue;
        *lowest_id = customer_id;
        *lowest = difference;
    }
}

struct str engine_difference(struct arena *arena, const struct engine *a, const struct engine *b)
{
    if (a == b)
        return STR_NONE;
    /* Always in one order, so that comparisons and waiting writers never wait in a ring. */
    const struct engine *first = a < b ? a : b, *second = a < b ? b : a;
    CHECK(pthread_rwlock_rdlock(first->lock) == 0);
    CHECK(pthread_rwlock_rdlock(second->lock) == 0);
    struct str difference = STR_NONE;
    int64_t customer_id = 0;
    lowest_difference(arena, &a->customer_ids, a, b, &customer_id, &difference);
    lowest_difference(arena, &b->customer_ids, a, b, &customer_id, &difference);
    if (!difference.p)
        difference = unknown_difference(arena, a, b);
    CHECK(pthread_rwlock_unlock(second->lock) == 0);
    CHECK(pthread_rwlock_unlock(first->lock) == 0);
    return difference;
}
