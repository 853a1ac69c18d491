#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "room/order/order_first_load.h"
#include "room/order/order_names.h"
#include "room/order/order_write.h"
#include "sql_order.h"

static ERR_RESULT apply(struct order_work *work, enum order_batch_use use);
static ERR_RESULT resolve_buyers(struct order_work *work);
static void note_names(struct order_work *work, struct order_names *names);
static ERR_RESULT find_identities(struct order_work *work);
static ERR_RESULT place_orders(struct order_work *work);
static ERR_RESULT place_restated(struct order_work *work, struct order_item **items, size_t count);
static ERR_RESULT place_elsewhere(struct order_work *work, struct order_item *item,
                                  const struct sql_order_customer_kind_out *kind,
                                  int64_t buyer_root_id);
static void fill_orders(struct order_work *work, const struct order_names *names);
static void fill_lines(struct order_work *work, struct order_item *item,
                       const struct order_names *names);
static ERR_RESULT carry_lines(struct order_work *work);
static ERR_RESULT gather_moved(struct order_work *work);
static ERR_RESULT gather_waiting(struct order_work *work);
static ERR_RESULT gather_arrived(struct order_work *work, struct order_item *order);
static ERR_RESULT place_refunds(struct order_work *work, const struct order_names *names);
static ERR_RESULT place_alone(struct order_work *work, struct refund_item *item);
static ERR_RESULT sum_refunds(struct order_work *work);

ERR_RESULT order_batch_compare(struct tx *tx, struct order_batch *batch)
{
    struct order_work *work;
    struct sql_order_first_load_see_out load;
    bool found;
    TRY(sql_order_first_load_see_one(tx, &load, &found));
    if (!found || load.import_id != 0)
        return ERR_NEW(tx_arena(tx), ERR_ORDER_FIRST_LOAD, STR_NONE);
    return order_batch_load(tx, batch, ORDER_BATCH_COMPARE, &work);
}

ERR_RESULT order_batch_apply(struct tx *tx, struct order_batch *batch)
{
    struct order_work *work;
    TRY(order_first_load_settle(tx));
    TRY(order_batch_load(tx, batch, ORDER_BATCH_APPLY, &work));
    return apply(work, ORDER_BATCH_APPLY);
}

ERR_RESULT order_batch_apply_first(struct tx *tx, struct order_batch *batch)
{
    struct order_work *work;
    CHECK(batch->refund_count == 0);
    TRY(order_batch_load(tx, batch, ORDER_BATCH_FIRST, &work));
    TRY(apply(work, ORDER_BATCH_FIRST));
    batch->claims = ARENA_ARRAY(work->arena, batch->order_count, struct order_claim);
    for (size_t i = 0; i < work->order_count; i++) {
        const struct order_item *item = work->orders[i];
        struct order_claim *claim = &batch->claims[i];
        *claim = (struct order_claim){.customer_id = item->after.customer_id,
                                      .order_id = item->after.order_id};
        memcpy(claim->hash, item->hash, sizeof(claim->hash));
    }
    return NULL;
}

static ERR_RESULT apply(struct order_work *work, enum order_batch_use use)
{
    TRY(resolve_buyers(work));
    struct order_names *names = order_names_new(work->tx);
    note_names(work, names);
    TRY(order_names_settle(names));
    TRY(find_identities(work));
    TRY(place_orders(work));
    fill_orders(work, names);
    TRY(carry_lines(work));
    /* Behind the claims no other transaction adds refunds that wait. */
    if (use != ORDER_BATCH_FIRST)
        TRY(order_write_claims(work));
    TRY(gather_moved(work));
    TRY(gather_waiting(work));
    TRY(place_refunds(work, names));
    TRY(order_write_refunds(work));
    TRY(sum_refunds(work));
    TRY(order_write_orders(work));
    return order_write_events(work);
}

/* --- Buyers --- */

static void grow_buyers(struct order_work *work)
{
    if (work->buyer_count < work->buyer_capacity)
        return;
    const struct customer_buyer *old = work->buyers;
    work->buyer_capacity = work->buyer_capacity ? work->buyer_capacity * 2 : 256;
    work->buyers = ARENA_ARRAY(work->arena, work->buyer_capacity, struct customer_buyer);
    if (work->buyer_count > 0)
        memcpy(work->buyers, old, work->buyer_count * sizeof(*old));
}

/* Buyers without an identity are never shared: each of their orders gets a placeholder of its own.
 */
static size_t add_buyer(struct order_work *work, const struct customer_buyer *buyer,
                        int64_t met_at_us, const struct customer_buyer **last)
{
    struct customer_buyer *newest =
        work->buyer_count > 0 ? &work->buyers[work->buyer_count - 1] : NULL;
    bool named = buyer && buyer->identity_count > 0;
    if (named && *last == buyer) {
        if (met_at_us < newest->met_at_us)
            newest->met_at_us = met_at_us;
        return work->buyer_count - 1;
    }
    *last = named ? buyer : NULL;
    grow_buyers(work);
    struct customer_buyer *added = &work->buyers[work->buyer_count];
    if (buyer)
        *added = *buyer;
    added->met_at_us = met_at_us;
    added->customer_id = 0;
    added->created = false;
    return work->buyer_count++;
}

static bool names_buyer(const struct customer_buyer *buyer)
{
    return buyer && buyer->identity_count > 0;
}

/* The buyer that an item may still name; NULL: nobody. */
static const struct customer_buyer *buyer_of_order(const struct order_item *item)
{
    return item->buyer_erased ? NULL : item->fact->buyer;
}

static const struct customer_buyer *buyer_of_refund(const struct refund_item *item)
{
    return item->buyer_erased ? NULL : item->fact->buyer;
}

/* An order that is known may hang on somebody who was erased: it stays theirs, whoever a file
 * names. */
static ERR_RESULT hang_on_erased(struct order_work *work)
{
    struct sql_order_customer_kind_in in;
    struct sql_order_customer_kind_out kind;
    bool found;
    for (size_t i = 0; i < work->order_count; i++) {
        struct order_item *item = work->orders[i];
        if (!order_item_told_anew(item) || !item->known || !names_buyer(item->fact->buyer))
            continue;
        in.customer_id = item->before.customer_id;
        TRY(sql_order_customer_kind_one(work->tx, &in, &kind, &found));
        item->buyer_erased = item->buyer_erased || (found && kind.erased);
    }
    for (size_t i = 0; i < work->refund_count; i++) {
        struct refund_item *item = work->refunds[i];
        if (!refund_item_told_anew(item) || !item->known || !names_buyer(item->fact->buyer))
            continue;
        in.customer_id = item->before.customer_id;
        TRY(sql_order_customer_kind_one(work->tx, &in, &kind, &found));
        item->buyer_erased = item->buyer_erased || (found && kind.erased);
    }
    return NULL;
}

/* What is told of the time before its buyer was erased is told of nobody
 * (docs/decisions/0016-erasure.md). */
static ERR_RESULT forget_erased(struct order_work *work)
{
    size_t count = work->order_count + work->refund_count, orders = work->order_count;
    struct customer_buyer **buyers = ARENA_ARRAY(work->arena, count, struct customer_buyer *);
    int64_t *erased_us = ARENA_ARRAY(work->arena, count, int64_t);
    bool any = false;
    for (size_t i = 0; i < orders; i++)
        if (order_item_told_anew(work->orders[i]))
            buyers[i] = work->orders[i]->fact->buyer;
    for (size_t i = 0; i < work->refund_count; i++)
        if (refund_item_told_anew(work->refunds[i]))
            buyers[orders + i] = work->refunds[i]->fact->buyer;
    TRY(customer_buyers_erased(work->tx, buyers, count, erased_us, &any));
    if (!any)
        return NULL;
    for (size_t i = 0; i < orders; i++)
        if (buyers[i])
            work->orders[i]->buyer_erased = work->orders[i]->fact->occurred_at_us <= erased_us[i];
    for (size_t i = 0; i < work->refund_count; i++)
        if (buyers[orders + i])
            work->refunds[i]->buyer_erased =
                work->refunds[i]->fact->refunded_at_us <= erased_us[orders + i];
    return hang_on_erased(work);
}

static ERR_RESULT resolve_buyers(struct order_work *work)
{
    const struct customer_buyer *last = NULL;
    TRY(forget_erased(work));
    for (size_t i = 0; i < work->order_count; i++) {
        struct order_item *item = work->orders[i];
        if (!order_item_told_anew(item))
            continue;
        const struct customer_buyer *buyer = buyer_of_order(item);
        if (item->change == ORDER_NEW || (item->merge.buyer && names_buyer(buyer)))
            item->buyer = add_buyer(work, buyer, item->fact->occurred_at_us, &last);
    }
    for (size_t i = 0; i < work->refund_count; i++) {
        struct refund_item *item = work->refunds[i];
        bool follows_order = item->told && order_item_exists(item->told);
        if (!refund_item_told_anew(item) || follows_order)
            continue;
        const struct customer_buyer *buyer = buyer_of_refund(item);
        if (item->change == ORDER_NEW || names_buyer(buyer))
            item->buyer = add_buyer(work, buyer, item->fact->refunded_at_us, &last);
    }
    return customer_resolve_many(work->tx, work->buyers, work->buyer_count);
}

/* The place of the identity that names the buyer most surely; -1 where there is none. */
static int surest_identity(const struct customer_buyer *buyer)
{
    int surest = -1;
    for (int i = 0; i < buyer->identity_count; i++) {
        const struct identity_value *identity = &buyer->identities[i], *best;
        best = surest < 0 ? NULL : &buyer->identities[surest];
        bool surer = !best || identity->weak < best->weak ||
                     (identity->weak == best->weak && identity->kind < best->kind);
        if (surer)
            surest = i;
    }
    return surest;
}

static ERR_RESULT find_identities(struct order_work *work)
{
    size_t count = 0;
    struct sql_order_identity_find_in *ins =
        ARENA_ARRAY(work->arena, work->buyer_count, struct sql_order_identity_find_in);
    struct sql_order_identity_find_out *outs =
        ARENA_ARRAY(work->arena, work->buyer_count, struct sql_order_identity_find_out);
    bool *found = ARENA_ARRAY(work->arena, work->buyer_count, bool);
    size_t *at = ARENA_ARRAY(work->arena, work->buyer_count, size_t);
    int64_t *identity_ids = ARENA_ARRAY(work->arena, work->buyer_count, int64_t);
    for (size_t i = 0; i < work->buyer_count; i++) {
        const struct customer_buyer *buyer = &work->buyers[i];
        int surest = surest_identity(buyer);
        if (surest < 0)
            continue;
        identity_ids[i] = buyer->identity_ids[surest];
        if (identity_ids[i] != 0)
            continue;
        ins[count] = (struct sql_order_identity_find_in){
            .customer_id = buyer->customer_id,
            .kind = buyer->identities[surest].kind,
            .hash = {(const char *)buyer->hashes[surest], SECRET_HASH_BYTES},
        };
        at[count++] = i;
    }
    TRY(sql_order_identity_find_many(work->tx, ins, count, outs, found));
    for (size_t i = 0; i < count; i++)
        identity_ids[at[i]] = found[i] ? outs[i].identity_id : 0;
    for (size_t i = 0; i < work->order_count; i++) {
        struct order_item *item = work->orders[i];
        item->identity_id =
            item->buyer == BUYER_NONE ? item->before.identity_id : identity_ids[item->buyer];
    }
    return NULL;
}

/* --- Orders --- */

static void note_names(struct order_work *work, struct order_names *names)
{
    for (size_t i = 0; i < work->order_count; i++) {
        const struct order_item *item = work->orders[i];
        if (order_item_told_anew(item) && item->merge.channel)
            order_names_note_channel(names, item->fact->channel);
        if (order_item_told_anew(item) && item->merge.lines)
            order_names_note_lines(names, item->fact);
    }
    for (size_t i = 0; i < work->refund_count; i++) {
        if (refund_item_told_anew(work->refunds[i]))
            order_names_note_channel(names, work->refunds[i]->fact->channel);
    }
}

/* Which customer each order hangs on. */
static ERR_RESULT place_orders(struct order_work *work)
{
    size_t count = 0;
    struct order_item **elsewhere =
        ARENA_ARRAY(work->arena, work->order_count, struct order_item *);
    for (size_t i = 0; i < work->order_count; i++) {
        struct order_item *item = work->orders[i];
        if (!order_item_told_anew(item))
            continue;
        if (item->change == ORDER_NEW) {
            item->after.customer_id = work->buyers[item->buyer].customer_id;
            item->after.order_id = id_next(tx_deps(work->tx)->ids);
            item->after.refunded_whole_day = DAY_NONE;
            continue;
        }
        if (item->buyer != BUYER_NONE &&
            work->buyers[item->buyer].customer_id != item->before.customer_id)
            elsewhere[count++] = item;
    }
    return place_restated(work, elsewhere, count);
}

/* Known orders whose buyer resolves to another birth than they hang on. */
static ERR_RESULT place_restated(struct order_work *work, struct order_item **items, size_t count)
{
    int64_t *buyer_ids = ARENA_ARRAY(work->arena, count, int64_t);
    int64_t *buyer_roots = ARENA_ARRAY(work->arena, count, int64_t);
    struct sql_order_customer_kind_in *ins =
        ARENA_ARRAY(work->arena, count, struct sql_order_customer_kind_in);
    struct sql_order_customer_kind_out *kinds =
        ARENA_ARRAY(work->arena, count, struct sql_order_customer_kind_out);
    bool *found = ARENA_ARRAY(work->arena, count, bool);
    for (size_t i = 0; i < count; i++) {
        buyer_ids[i] = work->buyers[items[i]->buyer].customer_id;
        ins[i].customer_id = items[i]->before.customer_id;
    }
    TRY(customer_roots(work->tx, buyer_ids, count, buyer_roots));
    TRY(sql_order_customer_kind_many(work->tx, ins, count, kinds, found));
    for (size_t i = 0; i < count; i++) {
        CHECK(found[i]);
        if (kinds[i].root_id != buyer_roots[i])
            TRY(place_elsewhere(work, items[i], &kinds[i], buyer_roots[i]));
    }
    return NULL;
}

/* A placeholder turns out to be somebody: the two are one person, and the order stays, unless that
 * person has all the births it may have. Else the order moves. */
static ERR_RESULT place_elsewhere(struct order_work *work, struct order_item *item,
                                  const struct sql_order_customer_kind_out *kind,
                                  int64_t buyer_root_id)
{
    if (kind->placeholder && kind->root_id == item->before.customer_id) {
        const struct err *err =
            customer_merge(work->tx, item->before.customer_id, buyer_root_id, STR("import"));
        if (!err || err->code != ERR_CUSTOMER_MERGE_LIMIT)
            return err;
    }
    item->after.customer_id = work->buyers[item->buyer].customer_id;
    return NULL;
}

static void fill_orders(struct order_work *work, const struct order_names *names)
{
    for (size_t i = 0; i < work->order_count; i++) {
        struct order_item *item = work->orders[i];
        if (!order_item_told_anew(item))
            continue;
        const struct order_fact *fact = item->fact;
        struct order_row *row = &item->after;
        row->source = fact->source;
        row->number = fact->number;
        bool paid = row->paid_at_us != INT64_MIN;
        row->paid_day = paid ? zone_day(work->batch->brand->zone, row->paid_at_us) : DAY_NONE;
        row->identity_id = item->identity_id;
        row->recorded_at_us = work->now_us;
        if (item->merge.channel)
            row->channel_id = order_names_channel(names, fact->channel);
        if (item->merge.lines)
            fill_lines(work, item, names);
        bool amount_moves = item->known && row->amount_minor != item->before.amount_minor;
        item->refunds_changed = amount_moves && item->before.refunded_minor != 0;
        item->write = true;
    }
}

static void fill_lines(struct order_work *work, struct order_item *item,
                       const struct order_names *names)
{
    size_t count = (size_t)item->fact->line_count;
    item->after.line_count = item->fact->line_count;
    item->lines = ARENA_ARRAY(work->arena, count, struct order_line_row);
    for (size_t i = 0; i < count; i++) {
        const struct order_line_fact *line = &item->fact->lines[i];
        item->lines[i] = (struct order_line_row){
            .customer_id = item->after.customer_id,
            .order_id = item->after.order_id,
            .line_no = (int64_t)i + 1,
            .product_id = order_names_product(names, line),
            .quantity_milli = line->quantity_milli,
            .amount_minor = line->amount_minor,
        };
    }
    order_rule_top_line(item->lines, count, &item->after.top_product_id,
                        &item->after.top_line_minor);
}

/* The lines of orders that move, where no others were told: they move with them. */
static ERR_RESULT carry_lines(struct order_work *work)
{
    for (size_t i = 0; i < work->order_count; i++) {
        struct order_item *item = work->orders[i];
        bool moves = item->known && item->after.customer_id != item->before.customer_id;
        if (!moves || item->lines)
            continue;
        size_t count = (size_t)item->before.line_count;
        item->lines = ARENA_ARRAY(work->arena, count, struct order_line_row);
        for (size_t line = 0; line < count; line++) {
            struct sql_order_line_read_in in = {item->before.customer_id, item->before.order_id,
                                                (int64_t)line + 1};
            struct sql_order_line_read_out out;
            bool found;
            TRY(sql_order_line_read_one(work->tx, &in, &out, &found));
            if (!found)
                return ERR_NEW(work->arena, ERR_ORDER_RACE, STR_NONE);
            item->lines[line] = (struct order_line_row){
                .customer_id = item->after.customer_id,
                .order_id = item->after.order_id,
                .line_no = in.line_no,
                .product_id = out.product_id,
                .quantity_milli = out.quantity_milli,
                .amount_minor = out.amount_minor,
            };
        }
    }
    return NULL;
}

/* --- Refunds --- */

/* The refunds of orders that move: they move with them. */
static ERR_RESULT gather_moved(struct order_work *work)
{
    for (size_t i = 0; i < work->order_count; i++) {
        struct order_item *order = work->orders[i];
        if (!order->known || order->after.customer_id == order->before.customer_id)
            continue;
        struct sql_order_refund_of_order_in in = {order->before.customer_id,
                                                  order->before.order_id};
        struct sql_order_refund_of_order_out out;
        struct stmt_cursor cursor;
        bool has;
        TRY(sql_order_refund_of_order_open(work->tx, &in, &cursor));
        for (;;) {
            TRY(sql_order_refund_of_order_next(&cursor, &out, &has));
            if (!has)
                break;
            struct refund_item *item;
            TRY(order_batch_add_refunds(work, &out.customer_id, &out.refund_id, 1, &item));
        }
    }
    return NULL;
}

/* The refunds that waited for a new order. */
static ERR_RESULT gather_waiting(struct order_work *work)
{
    struct sql_order_waiting_any_out any;
    bool waiting = false;
    TRY(sql_order_waiting_any_one(work->tx, &any, &waiting));
    if (!waiting)
        return NULL;
    size_t count = 0;
    struct sql_order_waiting_count_in *ins =
        ARENA_ARRAY(work->arena, work->order_count, struct sql_order_waiting_count_in);
    struct sql_order_waiting_count_out *outs =
        ARENA_ARRAY(work->arena, work->order_count, struct sql_order_waiting_count_out);
    bool *found = ARENA_ARRAY(work->arena, work->order_count, bool);
    struct order_item **items = ARENA_ARRAY(work->arena, work->order_count, struct order_item *);
    for (size_t i = 0; i < work->order_count; i++) {
        struct order_item *item = work->orders[i];
        if (!item->fact || item->change != ORDER_NEW)
            continue;
        ins[count].order_hash = (struct str){(const char *)item->hash, SECRET_HASH_BYTES};
        items[count++] = item;
    }
    TRY(sql_order_waiting_count_many(work->tx, ins, count, outs, found));
    for (size_t i = 0; i < count; i++) {
        if (found[i])
            TRY(gather_arrived(work, items[i]));
    }
    return NULL;
}

static ERR_RESULT gather_arrived(struct order_work *work, struct order_item *order)
{
    struct sql_order_waiting_of_in in = {
        .order_hash = {(const char *)order->hash, SECRET_HASH_BYTES}};
    struct sql_order_waiting_of_out out;
    struct stmt_cursor cursor;
    bool has;
    TRY(sql_order_waiting_of_open(work->tx, &in, &cursor));
    for (;;) {
        TRY(sql_order_waiting_of_next(&cursor, &out, &has));
        if (!has)
            return NULL;
        struct refund_item *item;
        TRY(order_batch_add_refunds(work, &out.customer_id, &out.refund_id, 1, &item));
        item->arrived = order;
    }
}

/* The order that the refund's row will hang on; NULL: it stands alone. */
static struct order_item *order_of_refund(const struct refund_item *item)
{
    if (refund_item_told_anew(item))
        return item->told && order_item_exists(item->told) ? item->told : NULL;
    return item->arrived ? item->arrived : item->linked;
}

static void fill_refund(struct order_work *work, struct refund_item *item,
                        const struct order_names *names)
{
    const struct refund_fact *fact = item->fact;
    struct order_refund_row *row = &item->after;
    if (item->change == ORDER_NEW)
        row->refund_id = id_next(tx_deps(work->tx)->ids);
    row->source = fact->source;
    row->number = fact->number;
    row->refunded_day = zone_day(work->batch->brand->zone, row->refunded_at_us);
    row->channel_id = order_names_channel(names, fact->channel);
    row->recorded_at_us = work->now_us;
}

static ERR_RESULT place_refunds(struct order_work *work, const struct order_names *names)
{
    for (size_t i = 0; i < work->refund_count; i++) {
        struct refund_item *item = work->refunds[i];
        struct order_item *order = order_of_refund(item);
        bool told_anew = refund_item_told_anew(item);
        if (told_anew)
            fill_refund(work, item, names);
        if (order) {
            item->after.order_id = order->after.order_id;
            item->after.customer_id = order->after.customer_id;
        } else if (told_anew) {
            TRY(place_alone(work, item));
            if (item->told)
                item->told->awaited = true;
        }
        bool moves = item->known && (item->after.customer_id != item->before.customer_id ||
                                     item->after.order_id != item->before.order_id);
        item->write = told_anew || moves;
        bool counts_anew = told_anew || item->after.order_id != item->before.order_id;
        if (counts_anew && order)
            order->refunds_changed = true;
        if (counts_anew && item->linked)
            item->linked->refunds_changed = true;
    }
    return NULL;
}

/* A refund without a known order hangs on its own buyer, or on a placeholder. */
static ERR_RESULT place_alone(struct order_work *work, struct refund_item *item)
{
    const struct order_item *until_now = item->linked ? item->linked : item->arrived;
    item->after.order_id = 0;
    if (until_now)
        item->after.customer_id = until_now->after.customer_id;
    if (item->buyer == BUYER_NONE)
        return NULL;
    int64_t buyer_id = work->buyers[item->buyer].customer_id;
    if (!item->known) {
        item->after.customer_id = buyer_id;
        return NULL;
    }
    int64_t ids[2] = {buyer_id, item->after.customer_id}, roots[2];
    TRY(customer_roots(work->tx, ids, 2, roots));
    if (roots[0] != roots[1])
        item->after.customer_id = buyer_id;
    return NULL;
}

/* The sums of the orders whose refunds changed, from the refunds' rows as they are now. */
static ERR_RESULT sum_refunds(struct order_work *work)
{
    size_t count = 0;
    struct sql_order_refund_sum_in *ins =
        ARENA_ARRAY(work->arena, work->order_count, struct sql_order_refund_sum_in);
    struct sql_order_refund_sum_out *outs =
        ARENA_ARRAY(work->arena, work->order_count, struct sql_order_refund_sum_out);
    bool *found = ARENA_ARRAY(work->arena, work->order_count, bool);
    struct order_item **items = ARENA_ARRAY(work->arena, work->order_count, struct order_item *);
    for (size_t i = 0; i < work->order_count; i++) {
        struct order_item *item = work->orders[i];
        if (!item->refunds_changed)
            continue;
        ins[count] = (struct sql_order_refund_sum_in){
            .customer_id = item->after.customer_id,
            .order_id = item->after.order_id,
            .amount_minor = item->after.amount_minor,
        };
        items[count++] = item;
    }
    TRY(sql_order_refund_sum_many(work->tx, ins, count, outs, found));
    for (size_t i = 0; i < count; i++) {
        struct order_row *row = &items[i]->after;
        row->refunded_minor = outs[i].refunded_minor;
        row->refunded_whole_day = outs[i].whole_day.set ? (int32_t)outs[i].whole_day.v : DAY_NONE;
        items[i]->write = true;
    }
    return NULL;
}
