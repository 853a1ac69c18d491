/* Whether two engines hold the same facts. */
#include <inttypes.h>

#include "engine/engine_internal.h"

/* One row of either kind, with ids instead of the engine's own indices. */
struct row {
    int32_t day, refunded_whole_day;
    int64_t amount, channel_id, product_id, top_line;
};

static struct row row_at(const struct engine *engine, const struct customer *customer, uint32_t i)
{
    const struct chunk *chunk = engine->rows.chunks[customer->chunk];
    uint32_t at = customer->offset + i;
    struct row row = {
        .day = engine_day(chunk->day[at]),
        .refunded_whole_day = engine_day(chunk->refunded_whole_day[at]),
        .amount = chunk_amount(chunk, chunk->amount[at]),
        .channel_id = id_list_at(&engine->channels, chunk->channel[at]),
    };
    if (i >= customer->order_count)
        return row;
    row.product_id = id_list_at(&engine->products, chunk->product[at]);
    row.top_line = chunk_amount(chunk, chunk->top_line[at]);
    return row;
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
    if (a.top_line != b.top_line)
        return say(arena, customer_id, what, i, "the top line", a.top_line, b.top_line);
    return STR_NONE;
}

static struct customer customer_or_none(const struct engine *engine, int64_t customer_id)
{
    uint32_t index = id_list_find(&engine->customer_ids, customer_id);
    return index == ID_LIST_NONE ? (struct customer){0} : *engine_customer(engine, index);
}

static struct str customer_difference(struct arena *arena, const struct engine *a,
                                      const struct engine *b, int64_t customer_id)
{
    struct customer in_a = customer_or_none(a, customer_id);
    struct customer in_b = customer_or_none(b, customer_id);
    if (in_a.order_count != in_b.order_count)
        return str_fmt(
            arena, "customer %" PRId64 ": %" PRIu32 " orders in one and %" PRIu32 " in the other",
            customer_id, in_a.order_count, in_b.order_count);
    if (in_a.refund_count != in_b.refund_count)
        return str_fmt(
            arena, "customer %" PRId64 ": %" PRIu32 " refunds in one and %" PRIu32 " in the other",
            customer_id, in_a.refund_count, in_b.refund_count);
    for (uint32_t i = 0; i < in_a.order_count + in_a.refund_count; i++) {
        bool is_order = i < in_a.order_count;
        struct str difference = row_difference(arena, customer_id, is_order ? "order" : "refund",
                                               is_order ? i : i - in_a.order_count,
                                               row_at(a, &in_a, i), row_at(b, &in_b, i));
        if (difference.p)
            return difference;
    }
    return STR_NONE;
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
    CHECK(pthread_rwlock_unlock(second->lock) == 0);
    CHECK(pthread_rwlock_unlock(first->lock) == 0);
    return difference;
}
