#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "room/order/order_rule.h"
#include "sql_order.h"

/* --- For people --- */

static struct order_view view_of(struct arena *arena,
                                 const struct sql_order_view_of_customer_out *out)
{
    return (struct order_view){
        .customer_id = out->customer_id,
        .order_id = out->order_id,
        .source = str_copy(arena, out->source),
        .number = str_copy(arena, out->number),
        .channel = str_copy(arena, out->channel),
        .state = (enum order_state)out->state,
        .occurred_at_us = out->occurred_at,
        .paid_at_us = out->paid_at.set ? out->paid_at.v : INT64_MIN,
        .paid_day = out->paid_day.set ? (int32_t)out->paid_day.v : DAY_NONE,
        .amount_minor = out->amount_minor,
        .refunded_minor = out->refunded_minor,
        .line_count = (int)out->line_count,
        .recorded_at_us = out->recorded_at,
    };
}

static bool is_newer(const struct order_view *a, const struct order_view *b)
{
    if (a->occurred_at_us != b->occurred_at_us)
        return a->occurred_at_us > b->occurred_at_us;
    return a->order_id > b->order_id;
}

/* Keeps the newest max of what was there and what comes, both newest first. */
static size_t merge_views(struct order_view *views, size_t count, size_t max,
                          const struct order_view *view)
{
    size_t at = count;
    while (at > 0 && is_newer(view, &views[at - 1]))
        at--;
    if (at == max)
        return count;
    size_t kept = count < max ? count : max - 1;
    memmove(&views[at + 1], &views[at], (kept - at) * sizeof(*views));
    views[at] = *view;
    return kept + 1;
}

/* Most have a few orders, and some of them very many: room grows with them. */
static struct order_view *more_room(struct arena *arena, const struct order_view *views,
                                    size_t count, size_t max, size_t *capacity)
{
    size_t wanted = *capacity ? *capacity * 2 : 16;
    *capacity = wanted < max ? wanted : max;
    struct order_view *more = ARENA_ARRAY(arena, *capacity, struct order_view);
    for (size_t i = 0; i < count; i++)
        more[i] = views[i];
    return more;
}

ERR_RESULT order_of_customer(struct tx *tx, const int64_t *members, size_t member_count, size_t max,
                             struct order_view **out, size_t *count)
{
    struct order_view *views = NULL;
    size_t capacity = 0;
    *count = 0;
    for (size_t i = 0; max > 0 && i < member_count; i++) {
        struct sql_order_view_of_customer_in in = {members[i], (int64_t)max};
        struct sql_order_view_of_customer_out row;
        struct stmt_cursor cursor;
        bool has;
        TRY(sql_order_view_of_customer_open(tx, &in, &cursor));
        for (;;) {
            TRY(sql_order_view_of_customer_next(&cursor, &row, &has));
            if (!has)
                break;
            struct order_view view = view_of(tx_arena(tx), &row);
            if (*count == capacity && capacity < max)
                views = more_room(tx_arena(tx), views, *count, max, &capacity);
            *count = merge_views(views, *count, max, &view);
        }
    }
    *out = views;
    return NULL;
}

/* Customers found, growing in the transaction's arena. */
struct id_list {
    int64_t *ids;
    size_t count, capacity;
};

static void add_id(struct arena *arena, struct id_list *list, int64_t id)
{
    if (list->count == list->capacity) {
        int64_t *old = list->ids;
        list->capacity = list->capacity ? list->capacity * 2 : 8;
        list->ids = ARENA_ARRAY(arena, list->capacity, int64_t);
        for (size_t i = 0; i < list->count; i++)
            list->ids[i] = old[i];
    }
    list->ids[list->count++] = id;
}

/* While a first load is not finished numbers are not claimed yet: from the rows. */
static ERR_RESULT find_unclaimed(struct tx *tx, struct str number, struct id_list *list)
{
    struct sql_order_by_number_unclaimed_in in = {number};
    struct sql_order_by_number_unclaimed_out out;
    struct stmt_cursor cursor;
    bool has;
    TRY(sql_order_by_number_unclaimed_open(tx, &in, &cursor));
    for (;;) {
        TRY(sql_order_by_number_unclaimed_next(&cursor, &out, &has));
        if (!has)
            return NULL;
        add_id(tx_arena(tx), list, out.customer_id);
    }
}

static ERR_RESULT find_claimed(struct tx *tx, struct str number, struct id_list *list)
{
    struct sql_order_sources_out source;
    struct stmt_cursor cursor;
    bool has;
    TRY(sql_order_sources_open(tx, &cursor));
    for (;;) {
        uint8_t hash[SECRET_HASH_BYTES];
        struct sql_order_lookup_find_out out;
        bool found;
        TRY(sql_order_sources_next(&cursor, &source, &has));
        if (!has)
            return NULL;
        order_rule_number_hash(tx_deps(tx)->keys, LOOKUP_ORDER, source.source, number, hash);
        struct sql_order_lookup_find_in in = {LOOKUP_ORDER, {(const char *)hash, sizeof(hash)}};
        TRY(sql_order_lookup_find_one(tx, &in, &out, &found));
        if (found)
            add_id(tx_arena(tx), list, out.customer_id);
    }
}

ERR_RESULT order_find_number(struct tx *tx, struct str number, int64_t **customer_ids,
                             size_t *count)
{
    struct sql_order_first_load_see_out load;
    struct id_list list = {0};
    bool found;
    *customer_ids = NULL;
    *count = 0;
    if (number.n > LIMIT_ORDER_NUMBER_BYTES_MAX)
        return NULL;
    TRY(sql_order_first_load_see_one(tx, &load, &found));
    bool behind = found && load.import_id != 0;
    TRY(behind ? find_unclaimed(tx, number, &list) : find_claimed(tx, number, &list));
    *customer_ids = list.ids;
    *count = list.count;
    return NULL;
}

/* --- For the columns
 * ---------------------------------------------------------------------------------------------- */

/* Facts of one customer, growing in an arena of their own. */
struct fact_rows {
    struct arena *arena;
    struct engine_order *orders;
    size_t order_count, order_capacity;
    struct engine_refund *refunds;
    size_t refund_count, refund_capacity;
};

static void add_order(struct fact_rows *rows, const struct engine_order *order)
{
    if (rows->order_count == rows->order_capacity) {
        struct engine_order *old = rows->orders;
        rows->order_capacity = rows->order_capacity ? rows->order_capacity * 2 : 16;
        rows->orders = ARENA_ARRAY(rows->arena, rows->order_capacity, struct engine_order);
        for (size_t i = 0; i < rows->order_count; i++)
            rows->orders[i] = old[i];
    }
    rows->orders[rows->order_count++] = *order;
}

static void add_refund(struct fact_rows *rows, const struct engine_refund *refund)
{
    if (rows->refund_count == rows->refund_capacity) {
        struct engine_refund *old = rows->refunds;
        rows->refund_capacity = rows->refund_capacity ? rows->refund_capacity * 2 : 16;
        rows->refunds = ARENA_ARRAY(rows->arena, rows->refund_capacity, struct engine_refund);
        for (size_t i = 0; i < rows->refund_count; i++)
            rows->refunds[i] = old[i];
    }
    rows->refunds[rows->refund_count++] = *refund;
}

static int32_t day_or_none(struct opt_i64 day)
{
    return day.set ? (int32_t)day.v : DAY_NONE;
}

static ERR_RESULT add_orders_of(struct tx *tx, int64_t customer_id, struct fact_rows *rows)
{
    struct sql_order_fact_of_customer_in in = {customer_id};
    struct sql_order_fact_of_customer_out out;
    struct stmt_cursor cursor;
    bool has;
    TRY(sql_order_fact_of_customer_open(tx, &in, &cursor));
    for (;;) {
        TRY(sql_order_fact_of_customer_next(&cursor, &out, &has));
        if (!has)
            return NULL;
        add_order(rows, &(struct engine_order){
                            .order_id = out.order_id,
                            .amount_minor = out.amount_minor,
                            .paid_day = (int32_t)out.paid_day,
                            .refunded_whole_day = day_or_none(out.refunded_whole_day),
                            .channel_id = out.channel_id,
                            .top_product_id = out.top_product_id,
                            .top_line_minor = out.top_line_minor,
                        });
    }
}

static ERR_RESULT add_refunds_of(struct tx *tx, int64_t customer_id, struct fact_rows *rows)
{
    struct sql_order_refund_fact_of_customer_in in = {customer_id};
    struct sql_order_refund_fact_of_customer_out out;
    struct stmt_cursor cursor;
    bool has;
    TRY(sql_order_refund_fact_of_customer_open(tx, &in, &cursor));
    for (;;) {
        TRY(sql_order_refund_fact_of_customer_next(&cursor, &out, &has));
        if (!has)
            return NULL;
        add_refund(rows, &(struct engine_refund){
                             .amount_minor = out.amount_minor,
                             .refunded_day = (int32_t)out.refunded_day,
                             .channel_id = out.channel_id,
                         });
    }
}

ERR_RESULT order_engine_facts(struct tx *tx, const int64_t *members, size_t member_count,
                              struct engine_order **orders, size_t *order_count,
                              struct engine_refund **refunds, size_t *refund_count)
{
    struct fact_rows rows = {.arena = tx_arena(tx)};
    for (size_t i = 0; i < member_count; i++) {
        TRY(add_orders_of(tx, members[i], &rows));
        TRY(add_refunds_of(tx, members[i], &rows));
    }
    *orders = rows.orders;
    *order_count = rows.order_count;
    *refunds = rows.refunds;
    *refund_count = rows.refund_count;
    return NULL;
}

#define SCAN_BYTES_MAX ((size_t)4 << 30)

struct scan_ahead {
    struct fact_rows rows;
    struct sql_order_fact_range_out order;
    struct sql_order_refund_fact_range_out refund;
};

static void free_scan(void *arena)
{
    arena_free(arena);
}

ERR_RESULT order_scan_open(struct tx *tx, int64_t after_id, int64_t last_id,
                           struct order_scan *scan)
{
    struct scan_ahead *ahead = ARENA_NEW(tx_arena(tx), struct scan_ahead);
    *scan = (struct order_scan){.ahead = ahead};
    ahead->rows.arena = arena_new("facts of one customer", SCAN_BYTES_MAX);
    arena_defer(tx_arena(tx), free_scan, ahead->rows.arena);
    struct sql_order_fact_range_in orders = {after_id, last_id};
    TRY(sql_order_fact_range_open(tx, &orders, &scan->orders));
    struct sql_order_refund_fact_range_in refunds = {after_id, last_id};
    TRY(sql_order_refund_fact_range_open(tx, &refunds, &scan->refunds));
    TRY(sql_order_fact_range_next(&scan->orders, &ahead->order, &scan->order_has));
    return sql_order_refund_fact_range_next(&scan->refunds, &ahead->refund, &scan->refund_has);
}

static ERR_RESULT scan_orders(struct order_scan *scan, int64_t customer_id)
{
    struct scan_ahead *ahead = scan->ahead;
    const struct sql_order_fact_range_out *row = &ahead->order;
    while (scan->order_has && row->customer_id == customer_id) {
        add_order(&ahead->rows, &(struct engine_order){
                                    .order_id = row->order_id,
                                    .amount_minor = row->amount_minor,
                                    .paid_day = (int32_t)row->paid_day,
                                    .refunded_whole_day = day_or_none(row->refunded_whole_day),
                                    .channel_id = row->channel_id,
                                    .top_product_id = row->top_product_id,
                                    .top_line_minor = row->top_line_minor,
                                });
        TRY(sql_order_fact_range_next(&scan->orders, &ahead->order, &scan->order_has));
    }
    return NULL;
}

static ERR_RESULT scan_refunds(struct order_scan *scan, int64_t customer_id)
{
    struct scan_ahead *ahead = scan->ahead;
    const struct sql_order_refund_fact_range_out *row = &ahead->refund;
    while (scan->refund_has && row->customer_id == customer_id) {
        add_refund(&ahead->rows, &(struct engine_refund){
                                     .amount_minor = row->amount_minor,
                                     .refunded_day = (int32_t)row->refunded_day,
                                     .channel_id = row->channel_id,
                                 });
        TRY(sql_order_refund_fact_range_next(&scan->refunds, &ahead->refund, &scan->refund_has));
    }
    return NULL;
}

ERR_RESULT order_scan_next(struct order_scan *scan, int64_t *customer_id,
                           const struct engine_order **orders, size_t *order_count,
                           const struct engine_refund **refunds, size_t *refund_count, bool *has)
{
    struct scan_ahead *ahead = scan->ahead;
    struct fact_rows *rows = &ahead->rows;
    *has = scan->order_has || scan->refund_has;
    if (!*has)
        return NULL;
    rows->order_count = 0;
    rows->refund_count = 0;
    bool order_first = scan->order_has &&
                       (!scan->refund_has || ahead->order.customer_id <= ahead->refund.customer_id);
    *customer_id = order_first ? ahead->order.customer_id : ahead->refund.customer_id;
    TRY(scan_orders(scan, *customer_id));
    TRY(scan_refunds(scan, *customer_id));
    *orders = rows->orders;
    *order_count = rows->order_count;
    *refunds = rows->refunds;
    *refund_count = rows->refund_count;
    return NULL;
}

void order_scan_close(struct order_scan *scan)
{
    stmt_close(&scan->orders);
    stmt_close(&scan->refunds);
}

ERR_RESULT order_name_all(struct tx *tx, struct engine *engine)
{
    struct sql_order_channel_all_out channel;
    struct sql_order_product_all_out product;
    struct stmt_cursor cursor;
    bool has;
    TRY(sql_order_channel_all_open(tx, &cursor));
    for (;;) {
        TRY(sql_order_channel_all_next(&cursor, &channel, &has));
        if (!has)
            break;
        engine_name_channel(engine, channel.channel_id, channel.name);
    }
    TRY(sql_order_product_all_open(tx, &cursor));
    for (;;) {
        TRY(sql_order_product_all_next(&cursor, &product, &has));
        if (!has)
            return NULL;
        engine_name_product(engine, product.product_id, product.code, product.name);
    }
}

ERR_RESULT order_left_out(struct tx *tx, struct left_out *out)
{
    struct sql_order_without_buyer_out without_buyer;
    bool found;
    TRY(sql_order_without_buyer_one(tx, &without_buyer, &found));
    CHECK(found);
    *out = (struct left_out){without_buyer.order_count, without_buyer.amount_minor};
    return NULL;
}
