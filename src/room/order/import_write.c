/* Orders in batches, a transaction each; then the refunds likewise. A batch that is run again
 * changes nothing, and its counts stay those of the try that was committed. While one batch is
 * written in the import's lane, this thread unpacks and hashes the next.
 *
 * A batch is as large as what was written in 40 ms, so that other commands get in between;
 * while a brand is loaded for the first time it is larger: there is nothing yet to be beside. */
#include <stdlib.h>

#include "room/order/import_claims.h"
#include "room/order/import_lane.h"
#include "room/order/import_pack.h"
#include "room/order/import_run.h"
#include "room/order/order_rule.h"
#include "sql_order.h"

#define BATCH_ORDERS_FIRST_LOAD 20000 /* all is appended: more are no faster */
#define BATCH_ORDERS_COMPARED 20000
#define BATCH_LINES_MAX 200000
#define BATCH_BYTES_MAX ((size_t)8 << 30)
#define SCRATCH_BYTES_MAX ((size_t)64 << 20)
#define SLOT_COUNT 2 /* one is written, one is filled */

/* A batch with all that belongs to it. */
struct slot {
    struct writer *w;
    struct arena *facts_arena, *tx_arena;
    struct order_batch batch;
    size_t capacity;
    int64_t number, line_count;
    struct str buyer_bytes; /* of the newest fact's buyer, packed */
    struct customer_buyer *buyer;
    bool handed_over; /* to the lane, and not yet looked at since */
    int tries;        /* of writing it */
    /* Out of the lane: */
    bool first_load;
    enum order_step step;
    int64_t began_us, took_us;
    const struct err *err;
};

struct writer {
    struct import_run *run;
    struct slot slots[SLOT_COUNT];
    struct slot *filling;
    struct import_lane *lane;
    struct arena *scratch; /* of one fact's bytes */
    enum order_load load;
    struct import_claims *claims; /* of a first load */
    bool claims_known;            /* each batch left its claims */
    size_t batch_orders;
    int64_t number, done, total;
};

static ERR_RESULT begin(struct writer *w);
static ERR_RESULT write_orders(struct writer *w);
static ERR_RESULT write_claims(struct writer *w);
static ERR_RESULT write_refunds(struct writer *w);
static ERR_RESULT hand_over(struct writer *w);
static ERR_RESULT finish(struct writer *w);

static struct arena *open_arena(struct import_run *run, const char *name, size_t bytes_max)
{
    struct arena *arena = arena_new(name, bytes_max);
    arena_defer(run->arena, import_free_arena, arena);
    return arena;
}

static void reset_slot(struct writer *w, struct slot *slot)
{
    arena_reset(slot->facts_arena);
    slot->capacity = w->batch_orders;
    slot->batch = (struct order_batch){
        .brand = w->run->brand,
        .orders = ARENA_ARRAY(slot->facts_arena, slot->capacity, struct order_fact),
        .refunds = ARENA_ARRAY(slot->facts_arena, slot->capacity, struct refund_fact),
    };
    slot->line_count = 0;
    slot->buyer_bytes = STR_NONE;
}

ERR_RESULT import_write_all(struct import_run *run)
{
    struct writer *w = ARENA_NEW(run->arena, struct writer);
    w->run = run;
    w->scratch = open_arena(run, "import fact", SCRATCH_BYTES_MAX);
    for (int i = 0; i < SLOT_COUNT; i++) {
        w->slots[i].w = w;
        w->slots[i].facts_arena = open_arena(run, "import facts", BATCH_BYTES_MAX);
        w->slots[i].tx_arena = open_arena(run, "import batch", BATCH_BYTES_MAX);
    }
    w->lane = import_lane_open(run->arena); /* behind what it uses: it ends first */
    w->total = sorter_count(run->orders) + sorter_count(run->refunds);
    w->filling = &w->slots[0];
    TRY(begin(w));
    TRY(write_orders(w));
    if (w->load == ORDER_LOAD_FIRST)
        TRY(write_claims(w)); /* also of one that was stopped: its orders are known from then on */
    if (!run->stopped)
        TRY(write_refunds(w));
    if (run->stopped)
        return ERR_NEW(run->arena, ERR_IMPORT_STOPPED, STR_NONE);
    import_progress(run, "write", w->total, w->total);
    return NULL;
}

/* --- The way it is done --- */

static const struct err *open_load(struct tx *tx, void *arg)
{
    struct writer *w = arg;
    return order_first_load_open(tx, w->run->import_id, &w->load);
}

/* What a first load that was broken off left behind comes first. */
static ERR_RESULT begin(struct writer *w)
{
    struct import_run *run = w->run;
    w->batch_orders = (size_t)order_slice_next(0, 0);
    if (run->options->dry_run) {
        w->batch_orders = BATCH_ORDERS_COMPARED;
    } else {
        struct store_job job = {.name = "import.open_load",
                                .fn = open_load,
                                .arg = w,
                                .again_if_ambiguous = true};
        import_phase(run, "load open", 0);
        TRY(store_write(run->store, run->arena, &job));
    }
    if (w->load != ORDER_LOAD_ORDINARY)
        TRY(import_claims_open(run, &w->claims));
    if (w->load == ORDER_LOAD_RECOVER) {
        TRY(import_claims_read(w->claims));
        TRY(import_claims_write(w->claims, false, 0));
        w->load = ORDER_LOAD_ORDINARY;
    }
    if (w->load == ORDER_LOAD_FIRST)
        w->batch_orders = BATCH_ORDERS_FIRST_LOAD;
    w->claims_known = true;
    if (run->options->batch_orders > 0)
        w->batch_orders = (size_t)run->options->batch_orders;
    return NULL;
}

static ERR_RESULT write_claims(struct writer *w)
{
    int64_t steps = w->number;
    sorter_close(w->run->orders); /* makes room */
    if (!w->claims_known)
        TRY(import_claims_read(w->claims));
    TRY(import_claims_write(w->claims, true, steps));
    w->load = ORDER_LOAD_ORDINARY;
    return NULL;
}

/* Asked only where there is more to write: one that was told to stop behind its last order is
 * whole. */
static bool is_stopped(struct import_run *run)
{
    run->stopped = run->stopped || import_is_stopped(run);
    return run->stopped;
}

/* --- Filling --- */

/* Records of one buyer stand together and begin with the buyer: equal bytes are the same one. */
static struct customer_buyer *take_buyer(struct slot *slot, struct unpack *u)
{
    struct str rest = {u->p, (size_t)(u->end - u->p)};
    if (slot->buyer_bytes.p && str_starts(rest, slot->buyer_bytes)) {
        u->p += slot->buyer_bytes.n;
        return slot->buyer;
    }
    slot->buyer = ARENA_NEW(slot->facts_arena, struct customer_buyer);
    import_unpack_buyer(u, slot->buyer);
    slot->buyer_bytes = (struct str){rest.p, (size_t)(u->p - rest.p)};
    return slot->buyer;
}

/* The record is copied whole; its strings stay in it. */
static struct unpack open_record(struct slot *slot, struct str record)
{
    struct str copy = str_copy(slot->facts_arena, record);
    return (struct unpack){
        .p = copy.p, .end = copy.p + copy.n, .arena = slot->facts_arena, .borrow = true};
}

static ERR_RESULT write_orders(struct writer *w)
{
    struct str key, value;
    bool has;
    reset_slot(w, w->filling);
    for (;;) {
        struct slot *slot = w->filling;
        TRY(sorter_next(w->run->orders, &key, &value, &has));
        if (!has || is_stopped(w->run))
            break;
        struct order_fact *fact = &slot->batch.orders[slot->batch.order_count++];
        struct unpack u = open_record(slot, value);
        fact->buyer = take_buyer(slot, &u);
        import_unpack_order(&u, fact);
        fact->source = w->run->map->source;
        fact->exported_at_us = w->run->exported_at_us;
        fact->exported_unsure = w->run->result->exported_at_unsure;
        order_fact_hash(w->run->deps.keys, w->scratch, fact);
        slot->line_count += fact->line_count;
        if (slot->batch.order_count == slot->capacity || slot->line_count >= BATCH_LINES_MAX)
            TRY(hand_over(w));
    }
    TRY(hand_over(w));
    return finish(w);
}

static ERR_RESULT write_refunds(struct writer *w)
{
    struct str key, value;
    bool has;
    reset_slot(w, w->filling);
    for (;;) {
        struct slot *slot = w->filling;
        TRY(sorter_next(w->run->refunds, &key, &value, &has));
        if (!has || is_stopped(w->run))
            break;
        struct refund_fact *fact = &slot->batch.refunds[slot->batch.refund_count++];
        struct unpack u = open_record(slot, value);
        fact->buyer = take_buyer(slot, &u);
        import_unpack_refund(&u, fact);
        fact->source = w->run->map->source;
        fact->exported_at_us = w->run->exported_at_us;
        fact->exported_unsure = w->run->result->exported_at_unsure;
        refund_fact_hash(w->run->deps.keys, w->scratch, fact);
        if (slot->batch.refund_count == slot->capacity)
            TRY(hand_over(w));
    }
    TRY(hand_over(w));
    return finish(w);
}

/* --- In the lane --- */

static const struct err *note_commit(struct tx *tx, void *arg)
{
    struct slot *slot = arg;
    (void)tx;
    import_phase(slot->w->run, slot->first_load ? "load commit" : "write commit", slot->number);
    return NULL;
}

/* Counts the batch in the run's row. It is counted already where an earlier try was committed and
 * the answer lost; this waits for such a try to end. The first try need not ask. */
static ERR_RESULT count_in_run(struct tx *tx, struct slot *slot, bool *taken)
{
    struct sql_order_import_batch_in in = {slot->w->run->import_id, slot->number};
    int64_t changed;
    *taken = true;
    if (slot->tries == 1)
        return sql_order_import_batch_run(tx, &in);
    TRY(sql_order_import_batch_run_count(tx, &in, &changed));
    *taken = changed > 0;
    return NULL;
}

/* Where the batch is there by an earlier try, what that one counted holds. */
static ERR_RESULT apply_once(struct tx *tx, struct slot *slot)
{
    bool taken;
    TRY(count_in_run(tx, slot, &taken));
    return taken ? order_batch_apply(tx, &slot->batch) : NULL;
}

static ERR_RESULT apply_first(struct tx *tx, struct slot *slot)
{
    bool taken;
    TRY(order_first_load_step(tx, slot->w->run->import_id, slot->number, &slot->step));
    switch (slot->step) {
    case ORDER_STEP_TAKEN:
        TRY(order_batch_apply_first(tx, &slot->batch));
        return count_in_run(tx, slot, &taken);
    case ORDER_STEP_AGAIN:
        return NULL; /* what the earlier try counted holds */
    case ORDER_STEP_OVER:
        break;
    }
    return apply_once(tx, slot);
}

static const struct err *apply(struct tx *tx, void *arg)
{
    struct slot *slot = arg;
    slot->began_us = clock_now_us(&tx_deps(tx)->clock);
    slot->tries++;
    if (slot->first_load)
        TRY(apply_first(tx, slot));
    else
        TRY(apply_once(tx, slot));
    /* Behind what the batch itself left to the end: the commit is next. */
    tx_before_commit(tx, note_commit, slot);
    return NULL;
}

static const struct err *compare(struct tx *tx, void *arg)
{
    struct slot *slot = arg;
    return order_batch_compare(tx, &slot->batch);
}

static void write_slot(void *arg)
{
    struct slot *slot = arg;
    struct import_run *run = slot->w->run;
    struct store_job job = {.name = "import.batch",
                            .fn = apply,
                            .arg = slot,
                            .again_if_ambiguous = true,
                            .takes_long = true};
    arena_reset(slot->tx_arena);
    if (run->options->dry_run) {
        job = (struct store_job){.name = "import.compare", .fn = compare, .arg = slot};
        slot->err = store_read(run->store, slot->tx_arena, &job);
        return;
    }
    import_phase(run, slot->first_load ? "load begin" : "write begin", slot->number);
    slot->err = store_write(run->store, slot->tx_arena, &job);
    slot->took_us = clock_now_us(&run->deps.clock) - slot->began_us;
    import_phase(run, slot->first_load ? "load done" : "write done", slot->number);
}

/* --- Between the two --- */

static void add_money(int64_t *sum, int64_t amount_minor)
{
    if (!add_i64(*sum, amount_minor, sum))
        *sum = INT64_MAX;
}

static void count_batch(struct import_result *result, const struct order_batch *batch)
{
    result->orders_kept += batch->order_kept_count;
    result->orders_lines_exceed += batch->lines_exceed_count;
    result->refunds_kept += batch->refund_kept_count;
    add_money(&result->changed.amount_before_minor, batch->changed.amount_before_minor);
    add_money(&result->changed.amount_after_minor, batch->changed.amount_after_minor);
    add_money(&result->changed.refund_before_minor, batch->changed.refund_before_minor);
    add_money(&result->changed.refund_after_minor, batch->changed.refund_after_minor);
    result->orders_new += batch->order_new_count;
    result->orders_changed += batch->order_changed_count;
    result->orders_same += batch->order_same_count;
    result->orders_older += batch->order_older_count;
    result->refunds_new += batch->refund_new_count;
    result->refunds_changed += batch->refund_changed_count;
    result->refunds_same += batch->refund_same_count;
    result->refunds_without_order += batch->refund_without_order_count;
}

static ERR_RESULT after_first(struct writer *w, const struct slot *slot)
{
    if (slot->step == ORDER_STEP_TAKEN)
        return import_claims_add(w->claims, slot->batch.claims, slot->batch.order_count);
    w->claims_known = false;
    if (slot->step == ORDER_STEP_OVER)
        w->load = ORDER_LOAD_ORDINARY;
    /* Somebody else is writing: from here on as short as beside small commands. */
    if (slot->step == ORDER_STEP_OVER && w->run->options->batch_orders == 0)
        w->batch_orders = (size_t)order_slice_next(0, 0);
    return NULL;
}

/* Looks at what the lane was given, once it is done. */
static ERR_RESULT look_after(struct writer *w, struct slot *slot)
{
    struct import_run *run = w->run;
    import_lane_wait(w->lane);
    if (!slot->handed_over)
        return NULL;
    slot->handed_over = false;
    if (slot->err)
        return err_copy(run->arena, slot->err);
    count_batch(run->result, &slot->batch);
    w->done += (int64_t)(slot->batch.order_count + slot->batch.refund_count);
    import_progress(run, "write", w->done, w->total);
    if (slot->first_load)
        return after_first(w, slot);
    bool fixed = run->options->batch_orders > 0 || run->options->dry_run;
    if (!fixed)
        w->batch_orders = (size_t)order_slice_next((int64_t)slot->capacity, slot->took_us);
    return NULL;
}

/* Gives the filled slot to the lane, when the one before it is done, and goes on with the other. */
static ERR_RESULT hand_over(struct writer *w)
{
    struct slot *slot = w->filling;
    struct slot *other = slot == &w->slots[0] ? &w->slots[1] : &w->slots[0];
    TRY(look_after(w, other));
    if (slot->batch.order_count == 0 && slot->batch.refund_count == 0)
        return NULL;
    slot->number = ++w->number;
    slot->first_load = w->load == ORDER_LOAD_FIRST;
    slot->handed_over = true;
    slot->tries = 0;
    import_lane_begin(w->lane, write_slot, slot);
    w->filling = other;
    reset_slot(w, other);
    return NULL;
}

static ERR_RESULT finish(struct writer *w)
{
    TRY(look_after(w, &w->slots[0]));
    return look_after(w, &w->slots[1]);
}
