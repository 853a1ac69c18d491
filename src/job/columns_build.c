/* Columns built from the tables, by several threads. One transaction reads which births are not
 * simply persons of their own and how the births lie; then each reader, a transaction of its own,
 * fills an engine from its share of the births, and the engines become one.
 *
 * The snapshots differ, by what was written in between. Each reader notes the event cursor of its
 * own; the columns' cursor is the earliest of them, and following the events from there puts
 * everybody right who changed after the first snapshot. Who did not was the same in all of them. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/check.h"
#include "job/columns_part.h"

#define MERGED_BYTES_MAX ((size_t)1 << 30)
#define RANGE_CUSTOMERS 32768

/* A birth that is not simply its own root: merged, a root with members, or a placeholder. */
struct exception {
    int64_t customer_id, root_id;
    bool placeholder;
};
/* A fact of a merged person, put aside until all births have been read. */
struct stashed_order {
    int64_t root_id;
    struct engine_order order;
};
struct stashed_refund {
    int64_t root_id;
    struct engine_refund refund;
};
struct stash {
    struct stashed_order *orders;
    size_t order_count, order_capacity;
    struct stashed_refund *refunds;
    size_t refund_count, refund_capacity;
};
/* What the readers know of the births; none of it changes while they read. */
struct births {
    struct exception *exceptions; /* ascending by customer_id */
    size_t exception_count, exception_capacity;
    int64_t range_customers;
    int64_t *ends; /* the last id of each range but the last one, which has no end */
    size_t end_count, end_capacity;
};
struct build;
struct reader {
    struct build *build;
    int number;
    pthread_t thread;
    struct arena *arena; /* of its engine */
    struct engine *engine;
    struct event_cursor cursor;
    struct stash stash;
    const struct err *err;
};
struct build {
    struct store *store;
    const struct columns_options *options;
    pthread_mutex_t snapshot_lock; /* snapshots are taken one after the other */
    struct event_cursor cursor;    /* of the births */
    struct births births;
    struct reader readers[COLUMNS_READERS_MAX];
    int reader_count;
};

/* Room for one more at the end of a heap array that doubles; running out of memory ends the
 * process. */
static void *grow(void *items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return items;
    *capacity = *capacity ? *capacity * 2 : 1024;
    void *grown = reallocarray(items, *capacity, size);
    CHECK(grown != NULL);
    return grown;
}

/* --- The births --- */

static void exception_add(struct births *births, struct exception exception)
{
    births->exceptions = grow(births->exceptions, births->exception_count,
                              &births->exception_capacity, sizeof *births->exceptions);
    births->exceptions[births->exception_count++] = exception;
}

static int exception_compare(const void *a, const void *b)
{
    const struct exception *x = a, *y = b;
    return (x->customer_id > y->customer_id) - (x->customer_id < y->customer_id);
}

/* Roots that have members are exceptions too, so that their own facts wait for the members'. */
static void exceptions_complete(struct births *births)
{
    size_t children = births->exception_count;
    for (size_t i = 0; i < children; i++) {
        struct exception child = births->exceptions[i];
        if (child.customer_id != child.root_id)
            exception_add(births, (struct exception){child.root_id, child.root_id, false});
    }
    if (births->exception_count == 0)
        return;
    qsort(births->exceptions, births->exception_count, sizeof *births->exceptions,
          exception_compare);
    size_t kept = 1;
    for (size_t i = 1; i < births->exception_count; i++) {
        struct exception *last = &births->exceptions[kept - 1], *next = &births->exceptions[i];
        if (next->customer_id == last->customer_id)
            last->placeholder |= next->placeholder;
        else
            births->exceptions[kept++] = *next;
    }
    births->exception_count = kept;
}

static const struct exception *exception_find(const struct births *births, int64_t customer_id)
{
    if (births->exception_count == 0)
        return NULL;
    struct exception key = {.customer_id = customer_id};
    return bsearch(&key, births->exceptions, births->exception_count, sizeof key,
                   exception_compare);
}

static void births_note(struct births *births, int64_t seen, const struct customer_scan_row *row)
{
    if (row->root_id != row->customer_id || row->placeholder)
        exception_add(births,
                      (struct exception){row->customer_id, row->root_id, row->placeholder});
    if (seen % births->range_customers != 0)
        return;
    births->ends =
        grow(births->ends, births->end_count, &births->end_capacity, sizeof *births->ends);
    births->ends[births->end_count++] = row->customer_id;
}

static const struct err *births_scan(struct tx *tx, struct births *births)
{
    struct customer_scan scan;
    struct customer_scan_row row;
    bool has;
    births->exception_count = births->end_count = 0; /* a second try begins anew */
    TRY(customer_scan_open(tx, &scan));
    for (int64_t seen = 1;; seen++) {
        const struct err *err = customer_scan_next(&scan, &row, &has);
        if (err || !has) {
            customer_scan_close(&scan);
            exceptions_complete(births);
            return err;
        }
        births_note(births, seen, &row);
    }
}

static void births_free(struct births *births)
{
    free(births->exceptions);
    free(births->ends);
}

/* --- Reading a share of the births --- */

static void facts_stash(struct stash *stash, int64_t root_id, const struct engine_order *orders,
                        size_t order_count, const struct engine_refund *refunds,
                        size_t refund_count)
{
    for (size_t i = 0; i < order_count; i++) {
        stash->orders =
            grow(stash->orders, stash->order_count, &stash->order_capacity, sizeof *stash->orders);
        stash->orders[stash->order_count++] = (struct stashed_order){root_id, orders[i]};
    }
    for (size_t i = 0; i < refund_count; i++) {
        stash->refunds = grow(stash->refunds, stash->refund_count, &stash->refund_capacity,
                              sizeof *stash->refunds);
        stash->refunds[stash->refund_count++] = (struct stashed_refund){root_id, refunds[i]};
    }
}

static const struct err *range_read(struct tx *tx, const struct births *births, int64_t after_id,
                                    int64_t last_id, struct engine *engine, struct stash *stash)
{
    struct order_scan scan;
    TRY(order_scan_open(tx, after_id, last_id, &scan));
    const struct err *err = NULL;
    while (!err) {
        int64_t customer_id;
        const struct engine_order *orders;
        const struct engine_refund *refunds;
        size_t order_count, refund_count;
        bool has;
        err = order_scan_next(&scan, &customer_id, &orders, &order_count, &refunds, &refund_count,
                              &has);
        if (err || !has)
            break;
        const struct exception *exception = exception_find(births, customer_id);
        if (!exception)
            err = engine_put(engine, customer_id, orders, order_count, refunds, refund_count);
        else if (exception->root_id != customer_id || !exception->placeholder)
            facts_stash(stash, exception->root_id, orders, order_count, refunds, refund_count);
        else
            err = columns_put_unknown(engine, customer_id, orders, order_count);
    }
    order_scan_close(&scan);
    return err;
}

static void stash_free(struct stash *stash)
{
    free(stash->orders);
    free(stash->refunds);
}

/* --- Merged persons, once all births have been read --- */

static void stash_absorb(struct stash *into, const struct stash *from)
{
    for (size_t i = 0; i < from->order_count; i++)
        facts_stash(into, from->orders[i].root_id, &from->orders[i].order, 1, NULL, 0);
    for (size_t i = 0; i < from->refund_count; i++)
        facts_stash(into, from->refunds[i].root_id, NULL, 0, &from->refunds[i].refund, 1);
}

static int stashed_order_compare(const void *a, const void *b)
{
    const struct stashed_order *x = a, *y = b;
    return (x->root_id > y->root_id) - (x->root_id < y->root_id);
}

static int stashed_refund_compare(const void *a, const void *b)
{
    const struct stashed_refund *x = a, *y = b;
    return (x->root_id > y->root_id) - (x->root_id < y->root_id);
}

/* One person's stashed facts, from *order and *refund on. */
static const struct err *merged_put_one(struct arena *arena, const struct births *births,
                                        const struct stash *stash, struct engine *engine,
                                        size_t *order, size_t *refund)
{
    int64_t root_id = INT64_MAX;
    if (*order < stash->order_count)
        root_id = stash->orders[*order].root_id;
    if (*refund < stash->refund_count && stash->refunds[*refund].root_id < root_id)
        root_id = stash->refunds[*refund].root_id;
    size_t order_end = *order, refund_end = *refund;
    while (order_end < stash->order_count && stash->orders[order_end].root_id == root_id)
        order_end++;
    while (refund_end < stash->refund_count && stash->refunds[refund_end].root_id == root_id)
        refund_end++;
    struct engine_order *orders = ARENA_ARRAY(arena, order_end - *order, struct engine_order);
    struct engine_refund *refunds = ARENA_ARRAY(arena, refund_end - *refund, struct engine_refund);
    for (size_t i = *order; i < order_end; i++)
        orders[i - *order] = stash->orders[i].order;
    for (size_t i = *refund; i < refund_end; i++)
        refunds[i - *refund] = stash->refunds[i].refund;
    const struct exception *root = exception_find(births, root_id);
    const struct err *err = NULL;
    if (!root || !root->placeholder)
        err = engine_put(engine, root_id, orders, order_end - *order, refunds,
                         refund_end - *refund);
    else
        err = columns_put_unknown(engine, root_id, orders, order_end - *order);
    *order = order_end;
    *refund = refund_end;
    return err;
}

static const struct err *merged_put(const struct births *births, struct stash *stash,
                                    struct engine *engine)
{
    if (stash->order_count)
        qsort(stash->orders, stash->order_count, sizeof *stash->orders, stashed_order_compare);
    if (stash->refund_count)
        qsort(stash->refunds, stash->refund_count, sizeof *stash->refunds, stashed_refund_compare);
    struct arena *arena = arena_new("columns of merged persons", MERGED_BYTES_MAX);
    struct arena_mark mark = arena_mark(arena);
    size_t order = 0, refund = 0;
    const struct err *err = NULL;
    while (!err && (order < stash->order_count || refund < stash->refund_count)) {
        err = merged_put_one(arena, births, stash, engine, &order, &refund);
        arena_rewind(arena, mark);
    }
    arena_free(arena); /* an error lives in the engine's */
    return err;
}

/* --- In one snapshot --- */

const struct err *columns_build_tx(struct tx *tx, struct arena *arena, struct columns *columns)
{
    struct births births = {.range_customers = RANGE_CUSTOMERS};
    struct stash stash = {0};
    columns->engine = engine_new(arena);
    TRY(event_cursor_now(tx, &columns->cursor));
    const struct err *err = births_scan(tx, &births);
    if (!err)
        err = range_read(tx, &births, INT64_MIN, INT64_MAX, columns->engine, &stash);
    if (!err)
        err = merged_put(&births, &stash, columns->engine);
    stash_free(&stash);
    births_free(&births);
    return err;
}

/* --- By several readers --- */

/* A transaction's snapshot is taken by its first read. */
static const struct err *snapshot_take(struct tx *tx, struct build *build,
                                       struct event_cursor *cursor)
{
    pthread_mutex_lock(&build->snapshot_lock);
    const struct err *err = event_cursor_now(tx, cursor);
    if (!err && build->options->after_snapshot)
        build->options->after_snapshot(build->options->arg);
    pthread_mutex_unlock(&build->snapshot_lock);
    return err;
}

static const struct err *births_tx(struct tx *tx, void *arg)
{
    struct build *build = arg;
    TRY(snapshot_take(tx, build, &build->cursor));
    return births_scan(tx, &build->births);
}

/* Reader r of n reads the ranges r, r + n, r + 2n …: those who came first bought longest, so that
 * one half of the births has more orders than the other. */
static const struct err *reader_tx(struct tx *tx, void *arg)
{
    struct reader *reader = arg;
    struct build *build = reader->build;
    const struct births *births = &build->births;
    engine_free(reader->engine); /* a second try begins with empty columns */
    reader->engine = engine_new(reader->arena);
    reader->stash.order_count = reader->stash.refund_count = 0;
    TRY(snapshot_take(tx, build, &reader->cursor));
    for (size_t i = (size_t)reader->number; i <= births->end_count;
         i += (size_t)build->reader_count) {
        int64_t after_id = i == 0 ? INT64_MIN : births->ends[i - 1];
        int64_t last_id = i == births->end_count ? INT64_MAX : births->ends[i];
        TRY(range_read(tx, births, after_id, last_id, reader->engine, &reader->stash));
    }
    return NULL;
}

static void *reader_main(void *arg)
{
    struct reader *reader = arg;
    struct store_job job = {.name = "columns.read", .fn = reader_tx, .arg = reader};
    reader->err = columns_read_apart(reader->build->store, reader->arena, &job);
    return NULL;
}

/* The calling thread is the first reader; its engine, in the caller's arena, becomes the columns'.
 */
static void readers_run(struct build *build, struct arena *arena)
{
    for (int r = 0; r < build->reader_count; r++) {
        struct reader *reader = &build->readers[r];
        reader->build = build;
        reader->number = r;
        reader->arena =
            r == 0 ? arena : arena_new("columns of one reader", COLUMNS_ARENA_BYTES_MAX);
        if (r > 0)
            CHECK(pthread_create(&reader->thread, NULL, reader_main, reader) == 0);
    }
    reader_main(&build->readers[0]);
    for (int r = 1; r < build->reader_count; r++)
        CHECK(pthread_join(build->readers[r].thread, NULL) == 0);
}

static void cursor_earliest(struct event_cursor *cursor, const struct event_cursor *other)
{
    for (int p = 0; p < EVENT_PARTITION_COUNT; p++)
        if (other->number[p] < cursor->number[p])
            cursor->number[p] = other->number[p];
}

/* All that the readers read, in the first one's engine. */
static const struct err *readers_unite(struct build *build, struct columns *columns)
{
    struct reader *first = &build->readers[0];
    columns->cursor = build->cursor;
    for (int r = 0; r < build->reader_count; r++) {
        struct reader *reader = &build->readers[r];
        TRY(reader->err);
        cursor_earliest(&columns->cursor, &reader->cursor);
        if (r == 0)
            continue;
        TRY(engine_absorb(first->engine, reader->engine));
        stash_absorb(&first->stash, &reader->stash);
    }
    TRY(merged_put(&build->births, &first->stash, first->engine));
    columns->engine = first->engine;
    return NULL;
}

/* Also frees the first reader's engine where it has not become the columns'. */
static void readers_free(struct build *build, const struct columns *columns)
{
    for (int r = 0; r < build->reader_count; r++) {
        struct reader *reader = &build->readers[r];
        if (reader->engine != columns->engine)
            engine_free(reader->engine);
        if (r > 0 && reader->arena)
            arena_free(reader->arena);
        stash_free(&reader->stash);
    }
}

static const struct err *build_run(struct build *build, struct arena *arena,
                                   struct columns *columns)
{
    struct store_job job = {.name = "columns.births", .fn = births_tx, .arg = build};
    TRY(columns_read_apart(build->store, arena, &job));
    readers_run(build, arena);
    const struct err *err = readers_unite(build, columns);
    return err ? err_copy(arena, err) : NULL;
}

static int reader_count(const struct columns_options *options)
{
    long count = options->reader_count ? options->reader_count : sysconf(_SC_NPROCESSORS_ONLN);
    if (count > COLUMNS_READERS_MAX)
        return COLUMNS_READERS_MAX;
    return count < 1 ? 1 : (int)count;
}

const struct err *columns_build_with(struct store *store, struct arena *arena,
                                     const struct columns_options *options,
                                     struct columns *columns)
{
    struct build build = {
        .store = store, .options = options, .reader_count = reader_count(options)};
    build.births.range_customers =
        options->range_customers ? options->range_customers : RANGE_CUSTOMERS;
    *columns = (struct columns){0};
    CHECK(pthread_mutex_init(&build.snapshot_lock, NULL) == 0);
    const struct err *err = build_run(&build, arena, columns);
    readers_free(&build, columns);
    births_free(&build.births);
    CHECK(pthread_mutex_destroy(&build.snapshot_lock) == 0);
    TRY(err);
    err = columns_follow(store, arena, columns);
    if (err)
        engine_free(columns->engine);
    return err;
}

const struct err *columns_build(struct store *store, struct arena *arena, struct columns *columns)
{
    return columns_build_with(store, arena, &(struct columns_options){0}, columns);
}
