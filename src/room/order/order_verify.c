/* Recomputes what is kept beside the rows, customer by customer in the order of their ids: the four
 * cursors below run side by side, so that memory is bounded by one customer's orders. */
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "room/order/order_rule.h"
#include "sql_order.h"

#define VERIFY_BYTES_MAX ((size_t)4 << 30)
#define LOOKUP_CHUNK 1000

struct lookup_chunk {
    uint8_t hashes[LOOKUP_CHUNK][SECRET_HASH_BYTES];
    struct sql_order_lookup_find_in ins[LOOKUP_CHUNK];
    struct sql_order_lookup_find_out outs[LOOKUP_CHUNK];
    int64_t customer_ids[LOOKUP_CHUNK], object_ids[LOOKUP_CHUNK];
    bool found[LOOKUP_CHUNK];
    size_t count;
    int64_t total; /* rows seen of the kind */
    int64_t unclaimed; /* of them, while a first load is not finished */
};
struct verify {
    struct tx *tx;
    const struct brand *brand;
    const struct keyring *keys;
    struct order_faults *faults;
    struct arena *scratch; /* facts of one order */
    struct stmt_cursor orders, lines, refunds, heads;
    struct sql_order_verify_orders_out order;
    struct sql_order_verify_lines_out line;
    struct sql_order_verify_refunds_out refund;
    struct sql_order_verify_heads_out head;
    bool order_has, line_has, refund_has, head_has;
    int64_t sum; /* of the customer's facts */
    struct lookup_chunk *order_lookups, *refund_lookups;
};

static ERR_RESULT verify_customer(struct verify *v, int64_t customer_id);
static ERR_RESULT verify_refunds(struct verify *v, int64_t customer_id,
                                 const struct order_row *order);
static ERR_RESULT verify_lines(struct verify *v, const struct order_row *order);
static ERR_RESULT verify_strays(struct verify *v, int64_t customer_id, int64_t order_id);
static ERR_RESULT verify_head(struct verify *v, int64_t customer_id);
static ERR_RESULT check_lookup(struct verify *v, enum lookup_kind kind, struct str source,
                               struct str number, int64_t customer_id, int64_t object_id);
static ERR_RESULT flush_lookups(struct verify *v, enum lookup_kind kind,
                                struct lookup_chunk *chunk);
static ERR_RESULT count_lookups(struct verify *v, enum lookup_kind kind,
                                const struct lookup_chunk *chunk);

__attribute__((format(printf, 2, 3))) static void fault(struct verify *v, const char *format, ...)
{
    if (v->faults->count++ > 0)
        return;
    va_list args;
    va_start(args, format);
    v->faults->first = str_vfmt(tx_arena(v->tx), format, args);
    va_end(args);
}

static void add_fact(struct verify *v, struct str bytes)
{
    int64_t number = secret_fact_number(v->keys, bytes);
    v->sum = (int64_t)(((uint64_t)v->sum + (uint64_t)number) % (uint64_t)FACT_SUM_MODULUS);
}

static void free_scratch(void *arena)
{
    arena_free(arena);
}

static ERR_RESULT open_all(struct verify *v)
{
    TRY(sql_order_verify_orders_open(v->tx, &v->orders));
    TRY(sql_order_verify_lines_open(v->tx, &v->lines));
    TRY(sql_order_verify_refunds_open(v->tx, &v->refunds));
    TRY(sql_order_verify_heads_open(v->tx, &v->heads));
    TRY(sql_order_verify_orders_next(&v->orders, &v->order, &v->order_has));
    TRY(sql_order_verify_lines_next(&v->lines, &v->line, &v->line_has));
    TRY(sql_order_verify_refunds_next(&v->refunds, &v->refund, &v->refund_has));
    return sql_order_verify_heads_next(&v->heads, &v->head, &v->head_has);
}

/* The smallest customer id that any cursor stands at; false at the end of all. */
static bool next_customer(const struct verify *v, int64_t *customer_id)
{
    *customer_id = INT64_MAX;
    if (v->order_has && v->order.customer_id < *customer_id)
        *customer_id = v->order.customer_id;
    if (v->line_has && v->line.customer_id < *customer_id)
        *customer_id = v->line.customer_id;
    if (v->refund_has && v->refund.customer_id < *customer_id)
        *customer_id = v->refund.customer_id;
    if (v->head_has && v->head.customer_id < *customer_id)
        *customer_id = v->head.customer_id;
    return v->order_has || v->line_has || v->refund_has || v->head_has;
}

ERR_RESULT order_verify(struct tx *tx, const struct brand *brand, struct order_faults *faults)
{
    struct arena *arena = tx_arena(tx);
    struct verify *v = ARENA_NEW(arena, struct verify);
    struct sql_order_verify_waiting_out waiting;
    struct sql_order_first_load_see_out load;
    int64_t customer_id;
    bool found;
    TRY(sql_order_first_load_see_one(tx, &load, &found));
    *faults = (struct order_faults){.first_load_open = !found || load.import_id != 0};
    v->tx = tx;
    v->brand = brand;
    v->keys = tx_deps(tx)->keys;
    v->faults = faults;
    v->order_lookups = ARENA_NEW(arena, struct lookup_chunk);
    v->refund_lookups = ARENA_NEW(arena, struct lookup_chunk);
    v->scratch = arena_new("verify one order", VERIFY_BYTES_MAX);
    arena_defer(arena, free_scratch, v->scratch);
    TRY(open_all(v));
    while (next_customer(v, &customer_id))
        TRY(verify_customer(v, customer_id));
    TRY(flush_lookups(v, LOOKUP_ORDER, v->order_lookups));
    TRY(flush_lookups(v, LOOKUP_REFUND, v->refund_lookups));
    TRY(count_lookups(v, LOOKUP_ORDER, v->order_lookups));
    TRY(count_lookups(v, LOOKUP_REFUND, v->refund_lookups));
    TRY(sql_order_verify_waiting_one(tx, &(struct sql_order_verify_waiting_in){LOOKUP_ORDER},
                                     &waiting, &found));
    if (waiting.fault_count > 0)
        fault(v,
              "%lld rows of refund_waiting name a refund that is linked or gone, or an order that "
              "is there",
              (long long)waiting.fault_count);
    return NULL;
}

static struct order_row row_of(struct arena *arena, const struct sql_order_verify_orders_out *out)
{
    return (struct order_row){
        .customer_id = out->customer_id,
        .order_id = out->order_id,
        .source = str_copy(arena, out->source),
        .number = str_copy(arena, out->number),
        .state = out->state,
        .occurred_at_us = out->occurred_at,
        .paid_at_us = out->paid_at.set ? out->paid_at.v : INT64_MIN,
        .paid_day = out->paid_day.set ? (int32_t)out->paid_day.v : DAY_NONE,
        .amount_minor = out->amount_minor,
        .refunded_minor = out->refunded_minor,
        .refunded_whole_day =
            out->refunded_whole_day.set ? (int32_t)out->refunded_whole_day.v : DAY_NONE,
        .channel_id = out->channel_id,
        .top_product_id = out->top_product_id,
        .top_line_minor = out->top_line_minor,
        .line_count = out->line_count,
        .identity_id = out->identity_id,
        .exported_at_us = out->exported_at,
        .told = out->told,
        .told_at = str_copy(arena, out->told_at),
        .content_hash = str_copy(arena, out->content_hash),
        .recorded_at_us = out->recorded_at,
    };
}

static void verify_day(struct verify *v, const struct order_row *order)
{
    bool paid = order->paid_at_us != INT64_MIN;
    int32_t day = paid ? zone_day(v->brand->zone, order->paid_at_us) : DAY_NONE;
    if (day != order->paid_day)
        fault(v, "order %.*s of %.*s: paid_day is not the brand day of paid_at",
              STR_ARG(order->number), STR_ARG(order->source));
}

static void verify_told(struct verify *v, const struct order_row *order)
{
    if (!order_rule_told_is_sound(order))
        fault(v, "order %.*s of %.*s: what is noted of who told it contradicts itself",
              STR_ARG(order->number), STR_ARG(order->source));
}

static ERR_RESULT verify_customer(struct verify *v, int64_t customer_id)
{
    v->sum = 0;
    TRY(verify_refunds(v, customer_id, NULL));
    while (v->order_has && v->order.customer_id == customer_id) {
        arena_reset(v->scratch);
        struct order_row order = row_of(v->scratch, &v->order);
        add_fact(v, order_rule_order_bytes(v->scratch, &order));
        verify_day(v, &order);
        verify_told(v, &order);
        TRY(check_lookup(v, LOOKUP_ORDER, order.source, order.number, customer_id, order.order_id));
        TRY(verify_strays(v, customer_id, order.order_id));
        TRY(verify_lines(v, &order));
        TRY(verify_refunds(v, customer_id, &order));
        TRY(sql_order_verify_orders_next(&v->orders, &v->order, &v->order_has));
    }
    TRY(verify_strays(v, customer_id, INT64_MAX));
    return verify_head(v, customer_id);
}

static ERR_RESULT take_line(struct verify *v, struct order_line_row *line)
{
    *line = (struct order_line_row){
        .customer_id = v->line.customer_id,
        .order_id = v->line.order_id,
        .line_no = v->line.line_no,
        .product_id = v->line.product_id,
        .quantity_milli = v->line.quantity_milli,
        .amount_minor = v->line.amount_minor,
    };
    add_fact(v, order_rule_line_bytes(v->scratch, line));
    return sql_order_verify_lines_next(&v->lines, &v->line, &v->line_has);
}

static ERR_RESULT take_refund(struct verify *v, struct order_refund_part *part)
{
    const struct sql_order_verify_refunds_out *out = &v->refund;
    struct order_refund_row row = {
        .customer_id = out->customer_id,
        .refund_id = out->refund_id,
        .order_id = out->order_id,
        .source = out->source,
        .number = out->number,
        .amount_minor = out->amount_minor,
        .refunded_at_us = out->refunded_at,
        .refunded_day = (int32_t)out->refunded_day,
        .channel_id = out->channel_id,
        .content_hash = out->content_hash,
    };
    add_fact(v, order_rule_refund_bytes(v->scratch, &row));
    if (zone_day(v->brand->zone, row.refunded_at_us) != row.refunded_day)
        fault(v, "refund %.*s of %.*s: refunded_day is not the brand day of refunded_at",
              STR_ARG(row.number), STR_ARG(row.source));
    TRY(check_lookup(v, LOOKUP_REFUND, row.source, row.number, row.customer_id, row.refund_id));
    *part = (struct order_refund_part){row.refunded_day, row.amount_minor};
    return sql_order_verify_refunds_next(&v->refunds, &v->refund, &v->refund_has);
}

/* Lines and refunds whose order is not there come before the order the cursors stand at. */
static ERR_RESULT verify_strays(struct verify *v, int64_t customer_id, int64_t order_id)
{
    struct order_line_row line;
    struct order_refund_part part;
    while (v->line_has && v->line.customer_id == customer_id && v->line.order_id < order_id) {
        fault(v, "a line names the order %lld, which customer %lld does not have",
              (long long)v->line.order_id, (long long)customer_id);
        TRY(take_line(v, &line));
    }
    while (v->refund_has && v->refund.customer_id == customer_id && v->refund.order_id < order_id) {
        fault(v, "a refund names the order %lld, which customer %lld does not have",
              (long long)v->refund.order_id, (long long)customer_id);
        TRY(take_refund(v, &part));
    }
    return NULL;
}

static ERR_RESULT verify_lines(struct verify *v, const struct order_row *order)
{
    int64_t count = 0, top_product_id = 0, top_minor = 0;
    while (v->line_has && v->line.customer_id == order->customer_id &&
           v->line.order_id == order->order_id) {
        struct order_line_row line;
        TRY(take_line(v, &line));
        if (line.line_no != ++count)
            fault(v, "order %.*s of %.*s: its lines are not numbered from 1 without a gap",
                  STR_ARG(order->number), STR_ARG(order->source));
        if (count > 1 && line.amount_minor <= top_minor)
            continue;
        top_product_id = line.product_id;
        top_minor = line.amount_minor;
    }
    if (count != order->line_count)
        fault(v, "order %.*s of %.*s: has %lld lines, its row says %lld", STR_ARG(order->number),
              STR_ARG(order->source), (long long)count, (long long)order->line_count);
    if (top_product_id != order->top_product_id || top_minor != order->top_line_minor)
        fault(v, "order %.*s of %.*s: its largest line is another one", STR_ARG(order->number),
              STR_ARG(order->source));
    return NULL;
}

/* order NULL: the refunds that stand alone. */
static ERR_RESULT verify_refunds(struct verify *v, int64_t customer_id,
                                 const struct order_row *order)
{
    size_t count = 0, capacity = 0;
    int64_t sum = 0, order_id = order ? order->order_id : 0;
    struct order_refund_part *parts = NULL;
    while (v->refund_has && v->refund.customer_id == customer_id &&
           v->refund.order_id == order_id) {
        struct order_refund_part part;
        TRY(take_refund(v, &part));
        if (!order) {
            arena_reset(v->scratch);
            continue;
        }
        if (count == capacity) {
            struct order_refund_part *old = parts;
            capacity = capacity ? capacity * 2 : 4;
            parts = ARENA_ARRAY(v->scratch, capacity, struct order_refund_part);
            for (size_t i = 0; i < count; i++)
                parts[i] = old[i];
        }
        parts[count++] = part;
        if (!add_i64(sum, part.amount_minor, &sum))
            fault(v, "order %.*s of %.*s: its refunds are too large", STR_ARG(order->number),
                  STR_ARG(order->source));
    }
    if (!order)
        return NULL;
    if (sum != order->refunded_minor)
        fault(v, "order %.*s of %.*s: refunded_minor is not the sum of its refunds",
              STR_ARG(order->number), STR_ARG(order->source));
    if (order_rule_whole_day(order->amount_minor, parts, count) != order->refunded_whole_day)
        fault(v, "order %.*s of %.*s: refunded_whole_day is not the day its refunds reached it",
              STR_ARG(order->number), STR_ARG(order->source));
    return NULL;
}

static ERR_RESULT verify_head(struct verify *v, int64_t customer_id)
{
    bool has_head = v->head_has && v->head.customer_id == customer_id;
    int64_t kept = has_head ? v->head.fact_sum : 0;
    if (kept != v->sum)
        fault(v,
              "customer %lld: the sum of the facts is not the one kept; a row was changed behind "
              "the program's back",
              (long long)customer_id);
    if (!has_head)
        return NULL;
    return sql_order_verify_heads_next(&v->heads, &v->head, &v->head_has);
}

/* --- Look-ups: every row is found by its number, and there are as many names as rows. While a
 * first load is not finished numbers of orders may still be unclaimed; those claimed must be right.
 * --- */

static ERR_RESULT check_lookup(struct verify *v, enum lookup_kind kind, struct str source,
                               struct str number, int64_t customer_id, int64_t object_id)
{
    struct lookup_chunk *chunk = kind == LOOKUP_ORDER ? v->order_lookups : v->refund_lookups;
    size_t at = chunk->count++;
    order_rule_number_hash(v->keys, kind, source, number, chunk->hashes[at]);
    chunk->ins[at].kind = kind;
    chunk->ins[at].hash = (struct str){(const char *)chunk->hashes[at], SECRET_HASH_BYTES};
    chunk->customer_ids[at] = customer_id;
    chunk->object_ids[at] = object_id;
    chunk->total++;
    return chunk->count == LOOKUP_CHUNK ? flush_lookups(v, kind, chunk) : NULL;
}

static ERR_RESULT flush_lookups(struct verify *v, enum lookup_kind kind, struct lookup_chunk *chunk)
{
    const char *what = kind == LOOKUP_ORDER ? "order" : "refund";
    TRY(sql_order_lookup_find_many(v->tx, chunk->ins, chunk->count, chunk->outs, chunk->found));
    for (size_t i = 0; i < chunk->count; i++) {
        if (!chunk->found[i] && kind == LOOKUP_ORDER && v->faults->first_load_open) {
            chunk->unclaimed++;
            continue;
        }
        bool same = chunk->found[i] && chunk->outs[i].customer_id == chunk->customer_ids[i] &&
                    chunk->outs[i].object_id == chunk->object_ids[i];
        if (!same)
            fault(v, "%s %lld of customer %lld is not found by its number", what,
                  (long long)chunk->object_ids[i], (long long)chunk->customer_ids[i]);
    }
    chunk->count = 0;
    return NULL;
}

static ERR_RESULT count_lookups(struct verify *v, enum lookup_kind kind,
                                const struct lookup_chunk *chunk)
{
    struct sql_order_verify_lookups_in in = {kind};
    struct sql_order_verify_lookups_out out;
    bool found;
    TRY(sql_order_verify_lookups_one(v->tx, &in, &out, &found));
    if (out.claimed != chunk->total - chunk->unclaimed)
        fault(v, "%lld numbers of %ss are claimed, but there are %lld of them",
              (long long)out.claimed, kind == LOOKUP_ORDER ? "order" : "refund",
              (long long)(chunk->total - chunk->unclaimed));
    return NULL;
}
