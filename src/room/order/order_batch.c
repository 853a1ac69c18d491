#include "room/order/order_batch.h"

#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "room/order/import_row.h"
#include "sql_order.h"

#define SCRATCH_BYTES_MAX (1u << 20)

static void free_scratch(void *arena);
static void add_facts(struct order_work *work);
static void drop_unknown_zeros(struct order_work *work);
static void find_told(struct order_work *work);
static struct order_item *order_by_hash(struct order_work *work,
                                        const uint8_t hash[SECRET_HASH_BYTES]);
static struct order_item *add_order(struct order_work *work);
static struct refund_item *add_refund(struct order_work *work);
static ERR_RESULT find_orders(struct order_work *work);
static ERR_RESULT find_refunds(struct order_work *work);
static ERR_RESULT lock_customers(struct order_work *work);
static ERR_RESULT read_orders(struct order_work *work, size_t from);
static ERR_RESULT read_refunds(struct order_work *work, size_t from);
static ERR_RESULT link_refunds(struct order_work *work, size_t from);
static void decide(struct order_work *work);
static void count_changes(const struct order_work *work);

static struct str hash_str(const uint8_t hash[SECRET_HASH_BYTES])
{
    return (struct str){(const char *)hash, SECRET_HASH_BYTES};
}

static struct str id_key(const int64_t *id)
{
    return (struct str){(const char *)id, sizeof(*id)};
}

void order_fact_hash(const struct keyring *keys, struct arena *scratch, struct order_fact *fact)
{
    struct arena_mark mark = arena_mark(scratch);
    order_rule_number_hash(keys, LOOKUP_ORDER, fact->source, fact->number, fact->number_hash);
    if (fact->buyer && !fact->buyer->hashed)
        customer_buyer_hash(keys, fact->buyer);
    struct str content = order_rule_content_hash(scratch, keys, fact);
    memcpy(fact->content_hash, content.p, sizeof(fact->content_hash));
    fact->hashed = true;
    arena_rewind(scratch, mark);
}

void refund_fact_hash(const struct keyring *keys, struct arena *scratch, struct refund_fact *fact)
{
    struct arena_mark mark = arena_mark(scratch);
    order_rule_number_hash(keys, LOOKUP_REFUND, fact->source, fact->number, fact->number_hash);
    if (fact->buyer && !fact->buyer->hashed)
        customer_buyer_hash(keys, fact->buyer);
    struct str content = order_rule_refund_content_hash(scratch, keys, fact);
    memcpy(fact->content_hash, content.p, sizeof(fact->content_hash));
    fact->hashed = true;
    arena_rewind(scratch, mark);
}

ERR_RESULT order_batch_load(struct tx *tx, struct order_batch *batch, enum order_batch_use use,
                            struct order_work **out)
{
    struct order_work *work = ARENA_NEW(tx_arena(tx), struct order_work);
    work->tx = tx;
    work->arena = tx_arena(tx);
    work->scratch = arena_new("order facts", SCRATCH_BYTES_MAX);
    arena_defer(work->arena, free_scratch, work->scratch);
    work->keys = tx_deps(tx)->keys;
    work->batch = batch;
    work->now_us = tx_now_us(tx);
    work->orders_by_hash = order_index_new(work->arena);
    work->orders_by_id = order_index_new(work->arena);
    work->refunds_by_id = order_index_new(work->arena);
    add_facts(work);
    TRY(find_refunds(work));
    drop_unknown_zeros(work);
    find_told(work);
    if (use != ORDER_BATCH_FIRST)
        TRY(find_orders(work));
    if (use == ORDER_BATCH_APPLY)
        TRY(lock_customers(work));
    TRY(read_orders(work, 0));
    TRY(read_refunds(work, 0));
    TRY(link_refunds(work, 0));
    decide(work);
    count_changes(work);
    *out = work;
    return NULL;
}

ERR_RESULT order_batch_add_refunds(struct order_work *work, const int64_t *customer_ids,
                                   const int64_t *refund_ids, size_t count,
                                   struct refund_item **items)
{
    size_t from = work->refund_count;
    TRY(event_lock(work->tx, customer_ids, count));
    for (size_t i = 0; i < count; i++) {
        const size_t *at = order_index_get(work->refunds_by_id, id_key(&refund_ids[i]));
        if (at) {
            items[i] = work->refunds[*at];
            continue;
        }
        items[i] = add_refund(work);
        items[i]->known = true;
        items[i]->customer_id = customer_ids[i];
        items[i]->refund_id = refund_ids[i];
    }
    TRY(read_refunds(work, from));
    for (size_t i = from; i < work->refund_count; i++) {
        struct refund_item *item = work->refunds[i];
        order_rule_number_hash(work->keys, LOOKUP_REFUND, item->before.source, item->before.number,
                               item->hash);
    }
    return link_refunds(work, from);
}

bool order_item_exists(const struct order_item *item)
{
    return item->known || item->fact;
}

bool order_item_told_anew(const struct order_item *item)
{
    return item->fact && (item->change == ORDER_NEW || item->change == ORDER_RESTATED);
}

bool refund_item_told_anew(const struct refund_item *item)
{
    return item->fact && (item->change == ORDER_NEW || item->change == ORDER_RESTATED);
}

static void free_scratch(void *arena)
{
    arena_free(arena);
}

static void add_facts(struct order_work *work)
{
    struct order_batch *batch = work->batch;
    struct order_index *numbers = order_index_new(work->arena);
    for (size_t i = 0; i < batch->order_count; i++) {
        struct order_fact *fact = &batch->orders[i];
        if (!fact->hashed)
            order_fact_hash(work->keys, work->arena, fact);
        struct order_item *item = order_by_hash(work, fact->number_hash);
        CHECK(!item->fact);
        item->fact = fact;
    }
    for (size_t i = 0; i < batch->refund_count; i++) {
        struct refund_fact *fact = &batch->refunds[i];
        struct refund_item *item = add_refund(work);
        bool added;
        if (!fact->hashed)
            refund_fact_hash(work->keys, work->arena, fact);
        item->fact = fact;
        memcpy(item->hash, fact->number_hash, sizeof(item->hash));
        (void)order_index_put(numbers, hash_str(item->hash), &added);
        CHECK(added);
    }
}

/* That nothing was given back matters only where something else was told before. */
static void drop_unknown_zeros(struct order_work *work)
{
    size_t count = 0;
    for (size_t i = 0; i < work->refund_count; i++) {
        struct refund_item *item = work->refunds[i];
        if (item->known || item->fact->amount_minor != 0)
            work->refunds[count++] = item;
    }
    work->refund_count = count;
}

static void find_told(struct order_work *work)
{
    for (size_t i = 0; i < work->refund_count; i++) {
        struct refund_item *item = work->refunds[i];
        if (!str_is(item->fact->order_number))
            continue;
        uint8_t hash[SECRET_HASH_BYTES];
        order_rule_number_hash(work->keys, LOOKUP_ORDER, item->fact->source,
                               item->fact->order_number, hash);
        item->told = order_by_hash(work, hash);
    }
}

static struct order_item *order_by_hash(struct order_work *work,
                                        const uint8_t hash[SECRET_HASH_BYTES])
{
    const size_t *at = order_index_get(work->orders_by_hash, hash_str(hash));
    if (at)
        return work->orders[*at];
    bool added;
    struct order_item *item = add_order(work);
    memcpy(item->hash, hash, SECRET_HASH_BYTES);
    *order_index_put(work->orders_by_hash, hash_str(item->hash), &added) = work->order_count - 1;
    return item;
}

static struct order_item *add_order(struct order_work *work)
{
    if (work->order_count == work->order_capacity) {
        struct order_item **old = work->orders;
        work->order_capacity = work->order_capacity ? work->order_capacity * 2 : 1024;
        work->orders = ARENA_ARRAY(work->arena, work->order_capacity, struct order_item *);
        if (work->order_count > 0)
            memcpy(work->orders, old, work->order_count * sizeof(*old));
    }
    struct order_item *item = ARENA_NEW(work->arena, struct order_item);
    item->buyer = BUYER_NONE;
    work->orders[work->order_count++] = item;
    return item;
}

static struct refund_item *add_refund(struct order_work *work)
{
    if (work->refund_count == work->refund_capacity) {
        struct refund_item **old = work->refunds;
        work->refund_capacity = work->refund_capacity ? work->refund_capacity * 2 : 256;
        work->refunds = ARENA_ARRAY(work->arena, work->refund_capacity, struct refund_item *);
        if (work->refund_count > 0)
            memcpy(work->refunds, old, work->refund_count * sizeof(*old));
    }
    struct refund_item *item = ARENA_NEW(work->arena, struct refund_item);
    item->buyer = BUYER_NONE;
    work->refunds[work->refund_count++] = item;
    return item;
}

static ERR_RESULT find_orders(struct order_work *work)
{
    size_t count = work->order_count;
    struct sql_order_lookup_find_in *ins =
        ARENA_ARRAY(work->arena, count, struct sql_order_lookup_find_in);
    struct sql_order_lookup_find_out *outs =
        ARENA_ARRAY(work->arena, count, struct sql_order_lookup_find_out);
    bool *found = ARENA_ARRAY(work->arena, count, bool);
    for (size_t i = 0; i < count; i++) {
        ins[i].kind = LOOKUP_ORDER;
        ins[i].hash = hash_str(work->orders[i]->hash);
    }
    TRY(sql_order_lookup_find_many(work->tx, ins, count, outs, found));
    for (size_t i = 0; i < count; i++) {
        struct order_item *item = work->orders[i];
        item->known = found[i];
        item->customer_id = outs[i].customer_id;
        item->order_id = outs[i].object_id;
    }
    return NULL;
}

static ERR_RESULT find_refunds(struct order_work *work)
{
    size_t count = work->refund_count;
    struct sql_order_lookup_find_in *ins =
        ARENA_ARRAY(work->arena, count, struct sql_order_lookup_find_in);
    struct sql_order_lookup_find_out *outs =
        ARENA_ARRAY(work->arena, count, struct sql_order_lookup_find_out);
    bool *found = ARENA_ARRAY(work->arena, count, bool);
    for (size_t i = 0; i < count; i++) {
        ins[i].kind = LOOKUP_REFUND;
        ins[i].hash = hash_str(work->refunds[i]->hash);
    }
    TRY(sql_order_lookup_find_many(work->tx, ins, count, outs, found));
    for (size_t i = 0; i < count; i++) {
        struct refund_item *item = work->refunds[i];
        item->known = found[i];
        item->customer_id = outs[i].customer_id;
        item->refund_id = outs[i].object_id;
    }
    return NULL;
}

static ERR_RESULT lock_customers(struct order_work *work)
{
    size_t count = 0;
    int64_t *ids = ARENA_ARRAY(work->arena, work->order_count + work->refund_count, int64_t);
    for (size_t i = 0; i < work->order_count; i++) {
        if (work->orders[i]->known)
            ids[count++] = work->orders[i]->customer_id;
    }
    for (size_t i = 0; i < work->refund_count; i++) {
        if (work->refunds[i]->known)
            ids[count++] = work->refunds[i]->customer_id;
    }
    return event_lock(work->tx, ids, count);
}

static struct order_row row_of(const struct sql_order_row_read_out *out)
{
    return (struct order_row){
        .customer_id = out->customer_id,
        .order_id = out->order_id,
        .source = out->source,
        .number = out->number,
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
        .told_at = out->told_at,
        .content_hash = out->content_hash,
        .recorded_at_us = out->recorded_at,
    };
}

/* A row that the look-up names but that is not there was moved by another writer since. */
static ERR_RESULT read_orders(struct order_work *work, size_t from)
{
    size_t count = 0, total = work->order_count - from;
    struct sql_order_row_read_in *ins =
        ARENA_ARRAY(work->arena, total, struct sql_order_row_read_in);
    struct sql_order_row_read_out *outs =
        ARENA_ARRAY(work->arena, total, struct sql_order_row_read_out);
    bool *found = ARENA_ARRAY(work->arena, total, bool);
    struct order_item **items = ARENA_ARRAY(work->arena, total, struct order_item *);
    for (size_t i = from; i < work->order_count; i++) {
        struct order_item *item = work->orders[i];
        if (!item->known)
            continue;
        ins[count] = (struct sql_order_row_read_in){item->customer_id, item->order_id};
        items[count++] = item;
    }
    TRY(sql_order_row_read_many(work->tx, ins, count, outs, found));
    for (size_t i = 0; i < count; i++) {
        if (!found[i])
            return ERR_NEW(work->arena, ERR_ORDER_RACE, STR_NONE);
        items[i]->before = row_of(&outs[i]);
        items[i]->after = items[i]->before;
    }
    for (size_t i = from; i < work->order_count; i++) {
        bool added;
        if (work->orders[i]->known)
            *order_index_put(work->orders_by_id, id_key(&work->orders[i]->order_id), &added) = i;
    }
    return NULL;
}

static struct order_refund_row refund_row_of(const struct sql_order_refund_read_out *out)
{
    return (struct order_refund_row){
        .customer_id = out->customer_id,
        .refund_id = out->refund_id,
        .order_id = out->order_id,
        .source = out->source,
        .number = out->number,
        .amount_minor = out->amount_minor,
        .refunded_at_us = out->refunded_at,
        .refunded_day = (int32_t)out->refunded_day,
        .channel_id = out->channel_id,
        .exported_at_us = out->exported_at,
        .told = out->told,
        .time_told_at_us = out->time_told_at.set ? out->time_told_at.v : INT64_MIN,
        .content_hash = out->content_hash,
        .recorded_at_us = out->recorded_at,
    };
}

static ERR_RESULT read_refunds(struct order_work *work, size_t from)
{
    size_t count = 0, total = work->refund_count - from;
    struct sql_order_refund_read_in *ins =
        ARENA_ARRAY(work->arena, total, struct sql_order_refund_read_in);
    struct sql_order_refund_read_out *outs =
        ARENA_ARRAY(work->arena, total, struct sql_order_refund_read_out);
    bool *found = ARENA_ARRAY(work->arena, total, bool);
    size_t *at = ARENA_ARRAY(work->arena, total, size_t);
    for (size_t i = from; i < work->refund_count; i++) {
        struct refund_item *item = work->refunds[i];
        if (!item->known)
            continue;
        ins[count] = (struct sql_order_refund_read_in){item->customer_id, item->refund_id};
        at[count++] = i;
    }
    TRY(sql_order_refund_read_many(work->tx, ins, count, outs, found));
    for (size_t i = 0; i < count; i++) {
        bool added;
        struct refund_item *item = work->refunds[at[i]];
        if (!found[i])
            return ERR_NEW(work->arena, ERR_ORDER_RACE, STR_NONE);
        item->before = refund_row_of(&outs[i]);
        item->after = item->before;
        *order_index_put(work->refunds_by_id, id_key(&item->refund_id), &added) = at[i];
    }
    return NULL;
}

/* Finds the orders that refunds hang on; those not met yet are read. */
static ERR_RESULT link_refunds(struct order_work *work, size_t from)
{
    size_t orders_from = work->order_count;
    for (size_t i = from; i < work->refund_count; i++) {
        struct refund_item *item = work->refunds[i];
        if (!item->known || item->before.order_id == 0)
            continue;
        bool added;
        size_t *at = order_index_put(work->orders_by_id, id_key(&item->before.order_id), &added);
        if (added) {
            *at = work->order_count;
            struct order_item *order = add_order(work);
            order->known = true;
            order->customer_id = item->before.customer_id;
            order->order_id = item->before.order_id;
        }
        item->linked =
            work->orders[*order_index_get(work->orders_by_id, id_key(&item->before.order_id))];
    }
    TRY(read_orders(work, orders_from));
    for (size_t i = orders_from; i < work->order_count; i++) {
        bool added;
        struct order_item *item = work->orders[i];
        order_rule_number_hash(work->keys, LOOKUP_ORDER, item->before.source, item->before.number,
                               item->hash);
        *order_index_put(work->orders_by_hash, hash_str(item->hash), &added) = i;
    }
    return NULL;
}

/* Noted on the rows of its order: the order is there, also where a dry run has not written it. */
static bool is_beside_order(const struct refund_fact *fact)
{
    return str_is(fact->order_number) && str_starts(fact->number, fact->order_number) &&
           str_eq(str_slice(fact->number, fact->order_number.n, fact->number.n),
                  IMPORT_REFUND_SUFFIX);
}

/* The order as it will be; NULL where it is not known. */
static const struct order_row *order_after(const struct refund_item *item)
{
    if (item->told)
        return order_item_exists(item->told) ? &item->told->after : NULL;
    return NULL;
}

static void decide_order(struct order_item *item)
{
    if (item->known)
        order_rule_merge(&item->before, item->fact, &item->after, &item->merge);
    else
        order_rule_begin(item->fact, &item->after, &item->merge);
    item->change = item->merge.change;
}

static void decide_refund(struct refund_item *item)
{
    const struct order_row *order = order_after(item);
    item->change = ORDER_NEW;
    if (item->known)
        item->change = order_rule_merge_refund(&item->before, item->fact, order,
                                               is_beside_order(item->fact), &item->after);
    else
        order_rule_begin_refund(item->fact, order, &item->after);
}

/* Orders first: a refund of all of one is as large as the order is by then. */
static void decide(struct order_work *work)
{
    for (size_t i = 0; i < work->order_count; i++) {
        if (work->orders[i]->fact)
            decide_order(work->orders[i]);
    }
    for (size_t i = 0; i < work->refund_count; i++) {
        if (work->refunds[i]->fact)
            decide_refund(work->refunds[i]);
    }
}

/* A sum that does not fit stays at the largest there is: it is only shown. */
static void add_money(int64_t *sum, int64_t amount_minor)
{
    if (!add_i64(*sum, amount_minor, sum))
        *sum = INT64_MAX;
}

static int64_t paid_minor(const struct order_row *row)
{
    return row->paid_at_us == INT64_MIN ? 0 : row->amount_minor;
}

static void count_order(struct order_batch *batch, const struct order_item *item)
{
    switch (item->change) {
    case ORDER_NEW:
        batch->order_new_count++;
        break;
    case ORDER_SAME:
        batch->order_same_count++;
        break;
    case ORDER_OLDER:
        batch->order_older_count++;
        break;
    case ORDER_KEPT:
        batch->order_kept_count++;
        break;
    case ORDER_RESTATED:
        batch->order_changed_count++;
        add_money(&batch->changed.amount_before_minor, paid_minor(&item->before));
        add_money(&batch->changed.amount_after_minor, paid_minor(&item->after));
        break;
    }
    batch->lines_exceed_count += order_item_told_anew(item) && item->merge.lines_exceed;
}

/* That nothing was given back counts only where that is news. */
static void count_refund(struct order_batch *batch, const struct refund_item *item)
{
    bool gives = item->fact->amount_minor != 0;
    bool known = item->told && order_item_exists(item->told);
    bool follows = is_beside_order(item->fact) || item->fact->order_in_file;
    batch->refund_without_order_count += gives && !known && !follows;
    switch (item->change) {
    case ORDER_NEW:
        batch->refund_new_count += gives;
        break;
    case ORDER_SAME:
    case ORDER_OLDER:
        batch->refund_same_count += gives;
        break;
    case ORDER_KEPT:
        batch->refund_kept_count++;
        break;
    case ORDER_RESTATED:
        batch->refund_changed_count++;
        add_money(&batch->changed.refund_before_minor, item->before.amount_minor);
        add_money(&batch->changed.refund_after_minor, item->after.amount_minor);
        break;
    }
}

/* A batch that is run again counts anew. */
static void count_changes(const struct order_work *work)
{
    struct order_batch *batch = work->batch;
    batch->order_new_count = batch->order_changed_count = batch->order_same_count = 0;
    batch->order_older_count = batch->order_kept_count = batch->lines_exceed_count = 0;
    batch->refund_new_count = batch->refund_changed_count = batch->refund_same_count = 0;
    batch->refund_kept_count = batch->refund_without_order_count = 0;
    batch->changed = (struct order_money){0};
    for (size_t i = 0; i < work->order_count; i++) {
        if (work->orders[i]->fact)
            count_order(batch, work->orders[i]);
    }
    for (size_t i = 0; i < work->refund_count; i++) {
        if (work->refunds[i]->fact)
            count_refund(batch, work->refunds[i]);
    }
}
