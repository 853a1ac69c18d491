/* Orders in batches, a transaction each; then the refunds likewise. A batch that is run again
 * changes nothing. */
#include <stdlib.h>

#include "room/order/import_pack.h"
#include "room/order/import_run.h"

#define BATCH_ORDERS 20000
#define BATCH_LINES_MAX 200000
#define BATCH_BYTES_MAX ((size_t)8 << 30)

struct writer {
    struct import_run *run;
    struct arena *facts_arena, *tx_arena; /* of one batch */
    struct order_batch batch;
    size_t capacity;
    int64_t number, line_count, done, total;
    struct str buyer_bytes; /* of the newest fact's buyer, packed */
    struct customer_buyer *buyer;
};

static ERR_RESULT write_orders(struct writer *w);
static ERR_RESULT write_refunds(struct writer *w);
static ERR_RESULT flush(struct writer *w);

static void reset_batch(struct writer *w)
{
    arena_reset(w->facts_arena);
    w->batch = (struct order_batch){
        .brand = w->run->brand,
        .orders = ARENA_ARRAY(w->facts_arena, w->capacity, struct order_fact),
        .refunds = ARENA_ARRAY(w->facts_arena, w->capacity, struct refund_fact),
    };
    w->line_count = 0;
    w->buyer_bytes = STR_NONE;
}

ERR_RESULT import_write_all(struct import_run *run)
{
    int64_t batch_orders = run->options->batch_orders;
    struct writer *w = ARENA_NEW(run->arena, struct writer);
    w->run = run;
    w->capacity = batch_orders > 0 ? (size_t)batch_orders : BATCH_ORDERS;
    w->facts_arena = arena_new("import facts", BATCH_BYTES_MAX);
    arena_defer(run->arena, import_free_arena, w->facts_arena);
    w->tx_arena = arena_new("import batch", BATCH_BYTES_MAX);
    arena_defer(run->arena, import_free_arena, w->tx_arena);
    w->total = sorter_count(run->orders) + sorter_count(run->refunds);
    TRY(write_orders(w));
    TRY(write_refunds(w));
    import_progress(run, "write", w->total, w->total);
    return NULL;
}

/* Records of one buyer stand together and begin with the buyer: equal bytes are the same one. */
static struct customer_buyer *shared_buyer(struct writer *w, struct str record,
                                           struct customer_buyer *buyer)
{
    bool same = w->buyer_bytes.p && str_starts(record, w->buyer_bytes);
    if (same)
        return w->buyer;
    struct buf bytes = buf_new(w->facts_arena, SORTER_RECORD_BYTES_MAX);
    import_pack_buyer(&bytes, buyer->identities, buyer->identity_count, buyer->name);
    w->buyer_bytes = buf_view(&bytes);
    w->buyer = buyer;
    return buyer;
}

static ERR_RESULT write_orders(struct writer *w)
{
    struct str key, value;
    bool has;
    reset_batch(w);
    for (;;) {
        TRY(sorter_next(w->run->orders, &key, &value, &has));
        if (!has)
            return flush(w);
        struct order_fact *fact = &w->batch.orders[w->batch.order_count++];
        struct unpack u = {.p = value.p, .end = value.p + value.n, .arena = w->facts_arena};
        import_unpack_order(&u, fact);
        fact->source = w->run->map->source;
        fact->exported_at_us = w->run->exported_at_us;
        fact->buyer = shared_buyer(w, value, fact->buyer);
        w->line_count += fact->line_count;
        if (w->batch.order_count == w->capacity || w->line_count >= BATCH_LINES_MAX)
            TRY(flush(w));
    }
}

static ERR_RESULT write_refunds(struct writer *w)
{
    struct str key, value;
    bool has;
    reset_batch(w);
    for (;;) {
        TRY(sorter_next(w->run->refunds, &key, &value, &has));
        if (!has)
            return flush(w);
        struct refund_fact *fact = &w->batch.refunds[w->batch.refund_count++];
        struct unpack u = {.p = value.p, .end = value.p + value.n, .arena = w->facts_arena};
        import_unpack_refund(&u, fact);
        fact->source = w->run->map->source;
        fact->exported_at_us = w->run->exported_at_us;
        fact->buyer = shared_buyer(w, value, fact->buyer);
        if (w->batch.refund_count == w->capacity)
            TRY(flush(w));
    }
}

static const struct err *note_commit(struct tx *tx, void *arg)
{
    struct writer *w = arg;
    (void)tx;
    import_phase(w->run, "write commit", w->number);
    return NULL;
}

static const struct err *apply(struct tx *tx, void *arg)
{
    struct writer *w = arg;
    TRY(order_batch_apply(tx, &w->batch));
    /* Behind what the batch itself left to the end: the commit is next. */
    tx_before_commit(tx, note_commit, w);
    return NULL;
}

static const struct err *compare(struct tx *tx, void *arg)
{
    return order_batch_compare(tx, arg);
}

static void count_batch(struct import_result *result, const struct order_batch *batch)
{
    result->orders_new += batch->order_new_count;
    result->orders_changed += batch->order_changed_count;
    result->orders_same += batch->order_same_count;
    result->orders_older += batch->order_older_count;
    result->refunds_new += batch->refund_new_count;
    result->refunds_changed += batch->refund_changed_count;
    result->refunds_same += batch->refund_same_count;
    result->refunds_without_order += batch->refund_without_order_count;
}

static ERR_RESULT flush(struct writer *w)
{
    struct import_run *run = w->run;
    if (w->batch.order_count == 0 && w->batch.refund_count == 0)
        return NULL;
    w->number++;
    arena_reset(w->tx_arena);
    const struct err *err;
    if (run->options->dry_run) {
        struct store_job job = {.name = "import.compare", .fn = compare, .arg = &w->batch};
        err = store_read(run->store, w->tx_arena, &job);
    } else {
        struct store_job job = {
            .name = "import.batch", .fn = apply, .arg = w, .again_if_ambiguous = true};
        import_phase(run, "write begin", w->number);
        err = store_write(run->store, w->tx_arena, &job);
        import_phase(run, "write done", w->number);
    }
    if (err)
        return err_copy(run->arena, err);
    count_batch(run->result, &w->batch);
    w->done += (int64_t)(w->batch.order_count + w->batch.refund_count);
    import_progress(run, "write", w->done, w->total);
    reset_batch(w);
    return NULL;
}
