#include "room/order/order_write.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/check.h"
#include "sql_order.h"

/* Rows collected for one statement each. */
struct refund_writes {
    struct sql_order_refund_insert_in *inserts;
    struct sql_order_refund_update_in *updates;
    struct sql_order_refund_exported_in *exported;
    struct sql_order_refund_delete_in *deletes;
    struct sql_order_lookup_claim_in *claims;
    struct sql_order_lookup_move_in *moves;
    struct sql_order_waiting_insert_in *waits;
    struct sql_order_waiting_delete_in *wait_ends;
    size_t insert_count, update_count, exported_count, delete_count, claim_count, move_count,
        wait_count, wait_end_count;
};
struct order_writes {
    struct sql_order_row_insert_in *inserts;
    struct sql_order_row_update_in *updates;
    struct sql_order_row_exported_in *exported;
    struct sql_order_row_delete_in *deletes;
    struct sql_order_line_delete_in *line_deletes;
    struct sql_order_line_insert_in *lines;
    struct sql_order_lookup_move_in *moves;
    size_t insert_count, update_count, exported_count, delete_count, line_delete_count, line_count,
        move_count;
};

static void collect_refund(struct refund_writes *w, const struct refund_item *item);
static ERR_RESULT write_refund_rows(struct order_work *work, const struct refund_writes *w);
static ERR_RESULT hold_awaited(struct order_work *work);
static ERR_RESULT claim(struct order_work *work, const struct sql_order_lookup_claim_in *claims,
                        size_t count);
static void collect_order(struct order_writes *w, const struct order_item *item);
static ERR_RESULT write_order_rows(struct order_work *work, const struct order_writes *w);
static ERR_RESULT forget_lines(struct order_work *work);
static void note_facts(struct order_work *work, const struct order_item *item);
static void fact_changed(struct order_work *work, int64_t before_id, struct str before,
                         int64_t after_id, struct str after);

static struct opt_i64 opt_time(int64_t time_us)
{
    return time_us == INT64_MIN ? (struct opt_i64){0} : some_i64(time_us);
}

static struct opt_i64 opt_day(int32_t day)
{
    return day == DAY_NONE ? (struct opt_i64){0} : some_i64(day);
}

static struct str hash_str(const uint8_t hash[SECRET_HASH_BYTES])
{
    return (struct str){(const char *)hash, SECRET_HASH_BYTES};
}

/* --- Refunds --- */

ERR_RESULT order_write_refunds(struct order_work *work)
{
    size_t count = work->refund_count;
    struct refund_writes w = {
        .inserts = ARENA_ARRAY(work->arena, count, struct sql_order_refund_insert_in),
        .updates = ARENA_ARRAY(work->arena, count, struct sql_order_refund_update_in),
        .exported = ARENA_ARRAY(work->arena, count, struct sql_order_refund_exported_in),
        .deletes = ARENA_ARRAY(work->arena, count, struct sql_order_refund_delete_in),
        .claims = ARENA_ARRAY(work->arena, count, struct sql_order_lookup_claim_in),
        .moves = ARENA_ARRAY(work->arena, count, struct sql_order_lookup_move_in),
        .waits = ARENA_ARRAY(work->arena, count, struct sql_order_waiting_insert_in),
        .wait_ends = ARENA_ARRAY(work->arena, count, struct sql_order_waiting_delete_in),
    };
    for (size_t i = 0; i < count; i++) {
        const struct refund_item *item = work->refunds[i];
        collect_refund(&w, item);
        if (!item->write)
            continue;
        struct str before =
            item->known ? order_rule_refund_bytes(work->scratch, &item->before) : STR_NONE;
        struct str after = order_rule_refund_bytes(work->scratch, &item->after);
        fact_changed(work, item->before.customer_id, before, item->after.customer_id, after);
        arena_reset(work->scratch);
    }
    return write_refund_rows(work, &w);
}

static struct sql_order_refund_insert_in refund_insert_of(const struct order_refund_row *row)
{
    return (struct sql_order_refund_insert_in){
        .customer_id = row->customer_id,
        .refund_id = row->refund_id,
        .order_id = row->order_id,
        .source = row->source,
        .number = row->number,
        .amount_minor = row->amount_minor,
        .refunded_at = row->refunded_at_us,
        .refunded_day = row->refunded_day,
        .channel_id = row->channel_id,
        .exported_at = row->exported_at_us,
        .told = row->told,
        .time_told_at = opt_time(row->time_told_at_us),
        .content_hash = row->content_hash,
        .recorded_at = row->recorded_at_us,
    };
}

static struct sql_order_refund_update_in refund_update_of(const struct order_refund_row *row)
{
    return (struct sql_order_refund_update_in){
        .customer_id = row->customer_id,
        .refund_id = row->refund_id,
        .order_id = row->order_id,
        .amount_minor = row->amount_minor,
        .refunded_at = row->refunded_at_us,
        .refunded_day = row->refunded_day,
        .channel_id = row->channel_id,
        .exported_at = row->exported_at_us,
        .told = row->told,
        .time_told_at = opt_time(row->time_told_at_us),
        .content_hash = row->content_hash,
        .recorded_at = row->recorded_at_us,
    };
}

static void collect_refund(struct refund_writes *w, const struct refund_item *item)
{
    const struct order_refund_row *row = &item->after;
    if (!item->write && item->known && order_rule_refund_ages_move(&item->before, row))
        w->exported[w->exported_count++] = (struct sql_order_refund_exported_in){
            .customer_id = item->before.customer_id,
            .refund_id = row->refund_id,
            .exported_at = row->exported_at_us,
            .told = row->told,
            .time_told_at = opt_time(row->time_told_at_us),
        };
    if (!item->write)
        return;
    bool moves = item->known && item->before.customer_id != row->customer_id;
    if (!item->known)
        w->claims[w->claim_count++] = (struct sql_order_lookup_claim_in){
            LOOKUP_REFUND, hash_str(item->hash), row->customer_id, row->refund_id};
    if (moves) {
        w->deletes[w->delete_count++] =
            (struct sql_order_refund_delete_in){item->before.customer_id, row->refund_id};
        w->moves[w->move_count++] = (struct sql_order_lookup_move_in){
            LOOKUP_REFUND, hash_str(item->hash), row->customer_id};
    }
    if (!item->known || moves)
        w->inserts[w->insert_count++] = refund_insert_of(row);
    else
        w->updates[w->update_count++] = refund_update_of(row);
    if (item->known && item->before.order_id == 0)
        w->wait_ends[w->wait_end_count++].refund_id = row->refund_id;
    if (row->order_id == 0 && item->told)
        w->waits[w->wait_count++] = (struct sql_order_waiting_insert_in){
            hash_str(item->told->hash), row->refund_id, row->customer_id};
}

static ERR_RESULT write_refund_rows(struct order_work *work, const struct refund_writes *w)
{
    bool *done = ARENA_ARRAY(work->arena, work->refund_count, bool);
    TRY(claim(work, w->claims, w->claim_count));
    TRY(sql_order_refund_delete_many(work->tx, w->deletes, w->delete_count, NULL, done));
    TRY(sql_order_lookup_move_many(work->tx, w->moves, w->move_count, NULL, done));
    TRY(sql_order_refund_insert_bulk(work->tx, w->inserts, w->insert_count));
    TRY(sql_order_refund_update_many(work->tx, w->updates, w->update_count, NULL, done));
    TRY(sql_order_refund_exported_many(work->tx, w->exported, w->exported_count, NULL, done));
    TRY(sql_order_waiting_delete_many(work->tx, w->wait_ends, w->wait_end_count, NULL, done));
    TRY(hold_awaited(work));
    return sql_order_waiting_insert_bulk(work->tx, w->waits, w->wait_count);
}

/* A transaction that adds an order claims its number and then looks for refunds that wait; one that
 * notes a waiting refund claims the number too, and lets it go. So one of them waits for the other
 * to commit, and no refund is left waiting for an order that is there. */
static ERR_RESULT hold_awaited(struct order_work *work)
{
    size_t count = 0;
    struct sql_order_lookup_claim_in *claims =
        ARENA_ARRAY(work->arena, work->order_count, struct sql_order_lookup_claim_in);
    struct sql_order_lookup_release_in *releases =
        ARENA_ARRAY(work->arena, work->order_count, struct sql_order_lookup_release_in);
    bool *done = ARENA_ARRAY(work->arena, work->order_count, bool);
    for (size_t i = 0; i < work->order_count; i++) {
        const struct order_item *item = work->orders[i];
        if (!item->awaited)
            continue;
        releases[count] =
            (struct sql_order_lookup_release_in){LOOKUP_ORDER, hash_str(item->hash)};
        claims[count++] =
            (struct sql_order_lookup_claim_in){LOOKUP_ORDER, hash_str(item->hash), 0, 0};
    }
    TRY(claim(work, claims, count));
    return sql_order_lookup_release_many(work->tx, releases, count, NULL, done);
}

static ERR_RESULT claim(struct order_work *work, const struct sql_order_lookup_claim_in *claims,
                        size_t count)
{
    struct sql_order_lookup_claim_out *outs =
        ARENA_ARRAY(work->arena, count, struct sql_order_lookup_claim_out);
    bool *claimed = ARENA_ARRAY(work->arena, count, bool);
    TRY(sql_order_lookup_claim_many(work->tx, claims, count, outs, claimed));
    for (size_t i = 0; i < count; i++) {
        if (!claimed[i])
            return ERR_NEW(work->arena, ERR_ORDER_RACE, STR_NONE);
    }
    return NULL;
}

/* --- Orders --- */

ERR_RESULT order_write_claims(struct order_work *work)
{
    size_t count = 0;
    struct sql_order_lookup_claim_in *claims =
        ARENA_ARRAY(work->arena, work->order_count, struct sql_order_lookup_claim_in);
    for (size_t i = 0; i < work->order_count; i++) {
        const struct order_item *item = work->orders[i];
        if (item->fact && item->change == ORDER_NEW)
            claims[count++] = (struct sql_order_lookup_claim_in){
                LOOKUP_ORDER, hash_str(item->hash), item->after.customer_id, item->after.order_id};
    }
    return claim(work, claims, count);
}

ERR_RESULT order_write_orders(struct order_work *work)
{
    size_t count = work->order_count, line_count = 0, known = 0;
    for (size_t i = 0; i < count; i++) {
        known += work->orders[i]->known;
        if (work->orders[i]->lines)
            line_count += (size_t)work->orders[i]->after.line_count;
    }
    TRY(forget_lines(work));
    struct order_writes w = {
        .inserts = ARENA_ARRAY(work->arena, count, struct sql_order_row_insert_in),
        .updates = ARENA_ARRAY(work->arena, known, struct sql_order_row_update_in),
        .exported = ARENA_ARRAY(work->arena, known, struct sql_order_row_exported_in),
        .deletes = ARENA_ARRAY(work->arena, known, struct sql_order_row_delete_in),
        .line_deletes = ARENA_ARRAY(work->arena, known, struct sql_order_line_delete_in),
        .lines = ARENA_ARRAY(work->arena, line_count, struct sql_order_line_insert_in),
        .moves = ARENA_ARRAY(work->arena, known, struct sql_order_lookup_move_in),
    };
    for (size_t i = 0; i < count; i++) {
        const struct order_item *item = work->orders[i];
        collect_order(&w, item);
        if (item->write)
            note_facts(work, item);
    }
    return write_order_rows(work, &w);
}

static struct sql_order_row_insert_in insert_of(const struct order_row *row)
{
    return (struct sql_order_row_insert_in){
        .customer_id = row->customer_id,
        .order_id = row->order_id,
        .source = row->source,
        .number = row->number,
        .state = row->state,
        .occurred_at = row->occurred_at_us,
        .paid_at = opt_time(row->paid_at_us),
        .paid_day = opt_day(row->paid_day),
        .amount_minor = row->amount_minor,
        .refunded_minor = row->refunded_minor,
        .refunded_whole_day = opt_day(row->refunded_whole_day),
        .channel_id = row->channel_id,
        .top_product_id = row->top_product_id,
        .top_line_minor = row->top_line_minor,
        .line_count = row->line_count,
        .identity_id = row->identity_id,
        .exported_at = row->exported_at_us,
        .told = row->told,
        .told_at = row->told_at,
        .content_hash = row->content_hash,
        .recorded_at = row->recorded_at_us,
    };
}

static struct sql_order_row_update_in update_of(const struct order_row *row)
{
    return (struct sql_order_row_update_in){
        .customer_id = row->customer_id,
        .order_id = row->order_id,
        .state = row->state,
        .occurred_at = row->occurred_at_us,
        .paid_at = opt_time(row->paid_at_us),
        .paid_day = opt_day(row->paid_day),
        .amount_minor = row->amount_minor,
        .refunded_minor = row->refunded_minor,
        .refunded_whole_day = opt_day(row->refunded_whole_day),
        .channel_id = row->channel_id,
        .top_product_id = row->top_product_id,
        .top_line_minor = row->top_line_minor,
        .line_count = row->line_count,
        .identity_id = row->identity_id,
        .exported_at = row->exported_at_us,
        .told = row->told,
        .told_at = row->told_at,
        .content_hash = row->content_hash,
        .recorded_at = row->recorded_at_us,
    };
}

static void collect_order(struct order_writes *w, const struct order_item *item)
{
    const struct order_row *row = &item->after;
    if (!item->write && item->known && order_rule_ages_move(&item->before, row))
        w->exported[w->exported_count++] = (struct sql_order_row_exported_in){
            .customer_id = row->customer_id,
            .order_id = row->order_id,
            .exported_at = row->exported_at_us,
            .told = row->told,
            .told_at = row->told_at,
        };
    if (!item->write)
        return;
    bool moves = item->known && item->before.customer_id != row->customer_id;
    if (moves) {
        w->deletes[w->delete_count++] =
            (struct sql_order_row_delete_in){item->before.customer_id, item->before.order_id};
        w->moves[w->move_count++] =
            (struct sql_order_lookup_move_in){LOOKUP_ORDER, hash_str(item->hash), row->customer_id};
    }
    if (!item->known || moves)
        w->inserts[w->insert_count++] = insert_of(row);
    else
        w->updates[w->update_count++] = update_of(row);
    if (!item->lines)
        return;
    if (item->known)
        w->line_deletes[w->line_delete_count++] =
            (struct sql_order_line_delete_in){item->before.customer_id, item->before.order_id};
    for (int64_t i = 0; i < row->line_count; i++) {
        const struct order_line_row *line = &item->lines[i];
        w->lines[w->line_count++] = (struct sql_order_line_insert_in){
            .customer_id = line->customer_id,
            .order_id = line->order_id,
            .line_no = line->line_no,
            .product_id = line->product_id,
            .quantity_milli = line->quantity_milli,
            .amount_minor = line->amount_minor,
        };
    }
}

static ERR_RESULT write_order_rows(struct order_work *work, const struct order_writes *w)
{
    bool *done = ARENA_ARRAY(work->arena, work->order_count, bool);
    TRY(sql_order_row_delete_many(work->tx, w->deletes, w->delete_count, NULL, done));
    TRY(sql_order_line_delete_many(work->tx, w->line_deletes, w->line_delete_count, NULL, done));
    TRY(sql_order_lookup_move_many(work->tx, w->moves, w->move_count, NULL, done));
    TRY(sql_order_row_insert_bulk(work->tx, w->inserts, w->insert_count));
    TRY(sql_order_row_update_many(work->tx, w->updates, w->update_count, NULL, done));
    TRY(sql_order_row_exported_many(work->tx, w->exported, w->exported_count, NULL, done));
    return sql_order_line_insert_bulk(work->tx, w->lines, w->line_count);
}

/* Takes the lines that are replaced out of the fact sums. They are numbered without a gap, so that
 * each is found by key. */
static ERR_RESULT forget_lines(struct order_work *work)
{
    size_t count = 0;
    for (size_t i = 0; i < work->order_count; i++) {
        const struct order_item *item = work->orders[i];
        if (item->known && item->lines)
            count += (size_t)item->before.line_count;
    }
    struct sql_order_line_read_in *ins =
        ARENA_ARRAY(work->arena, count, struct sql_order_line_read_in);
    struct sql_order_line_read_out *outs =
        ARENA_ARRAY(work->arena, count, struct sql_order_line_read_out);
    bool *found = ARENA_ARRAY(work->arena, count, bool);
    count = 0;
    for (size_t i = 0; i < work->order_count; i++) {
        const struct order_item *item = work->orders[i];
        for (int64_t no = 1; item->known && item->lines && no <= item->before.line_count; no++)
            ins[count++] = (struct sql_order_line_read_in){item->before.customer_id,
                                                           item->before.order_id, no};
    }
    TRY(sql_order_line_read_many(work->tx, ins, count, outs, found));
    for (size_t i = 0; i < count; i++) {
        struct order_line_row row = {
            .customer_id = ins[i].customer_id,
            .order_id = ins[i].order_id,
            .line_no = ins[i].line_no,
            .product_id = outs[i].product_id,
            .quantity_milli = outs[i].quantity_milli,
            .amount_minor = outs[i].amount_minor,
        };
        if (!found[i])
            return ERR_NEW(work->arena, ERR_ORDER_RACE, STR_NONE);
        event_fact_changed(work->tx, row.customer_id, order_rule_line_bytes(work->scratch, &row),
                           STR_NONE);
        arena_reset(work->scratch);
    }
    return NULL;
}

static void note_facts(struct order_work *work, const struct order_item *item)
{
    struct str before =
        item->known ? order_rule_order_bytes(work->scratch, &item->before) : STR_NONE;
    struct str after = order_rule_order_bytes(work->scratch, &item->after);
    fact_changed(work, item->before.customer_id, before, item->after.customer_id, after);
    for (int64_t i = 0; item->lines && i < item->after.line_count; i++) {
        struct str line = order_rule_line_bytes(work->scratch, &item->lines[i]);
        event_fact_changed(work->tx, item->after.customer_id, STR_NONE, line);
        arena_reset(work->scratch);
    }
    arena_reset(work->scratch);
}

static void fact_changed(struct order_work *work, int64_t before_id, struct str before,
                         int64_t after_id, struct str after)
{
    if (before.p && before_id != after_id) {
        event_fact_changed(work->tx, before_id, before, STR_NONE);
        before = STR_NONE;
    }
    event_fact_changed(work->tx, after_id, before, after);
}

/* --- Events --- */

static int compare_ids(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

ERR_RESULT order_write_events(struct order_work *work)
{
    size_t count = 0;
    int64_t *ids =
        ARENA_ARRAY(work->arena, 2 * (work->order_count + work->refund_count) + 1, int64_t);
    for (size_t i = 0; i < work->order_count; i++) {
        const struct order_item *item = work->orders[i];
        if (!item->write)
            continue;
        ids[count++] = item->after.customer_id;
        if (item->known)
            ids[count++] = item->before.customer_id;
    }
    for (size_t i = 0; i < work->refund_count; i++) {
        const struct refund_item *item = work->refunds[i];
        if (!item->write)
            continue;
        ids[count++] = item->after.customer_id;
        if (item->known)
            ids[count++] = item->before.customer_id;
    }
    qsort(ids, count, sizeof(*ids), compare_ids);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || ids[i] != ids[i - 1])
            event_append(work->tx, ids[i], EVENT_ORDER_IMPORTED, work->now_us, STR_NONE);
    }
    return NULL;
}
