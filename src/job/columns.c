#include "job/columns.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"

#define PUMP_EVENTS_MAX 1000

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
struct build {
    struct arena *arena;
    struct engine *engine;
    struct event_cursor cursor;
    struct exception *exceptions; /* ascending by customer_id */
    size_t exception_count, exception_capacity;
    struct stashed_order *orders;
    size_t order_count, order_capacity;
    struct stashed_refund *refunds;
    size_t refund_count, refund_capacity;
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

static void exception_add(struct build *build, struct exception exception)
{
    build->exceptions = grow(build->exceptions, build->exception_count, &build->exception_capacity,
                             sizeof *build->exceptions);
    build->exceptions[build->exception_count++] = exception;
}

static int exception_compare(const void *a, const void *b)
{
    const struct exception *x = a, *y = b;
    return (x->customer_id > y->customer_id) - (x->customer_id < y->customer_id);
}

/* Roots that have members are exceptions too, so that their own facts wait for the members'. */
static void exceptions_complete(struct build *build)
{
    size_t children = build->exception_count;
    for (size_t i = 0; i < children; i++) {
        struct exception child = build->exceptions[i];
        if (child.customer_id != child.root_id)
            exception_add(build, (struct exception){child.root_id, child.root_id, false});
    }
    if (build->exception_count == 0)
        return;
    qsort(build->exceptions, build->exception_count, sizeof *build->exceptions, exception_compare);
    size_t kept = 1;
    for (size_t i = 1; i < build->exception_count; i++) {
        struct exception *last = &build->exceptions[kept - 1], *next = &build->exceptions[i];
        if (next->customer_id == last->customer_id)
            last->placeholder |= next->placeholder;
        else
            build->exceptions[kept++] = *next;
    }
    build->exception_count = kept;
}

static const struct exception *exception_find(const struct build *build, int64_t customer_id)
{
    if (build->exception_count == 0)
        return NULL;
    struct exception key = {.customer_id = customer_id};
    return bsearch(&key, build->exceptions, build->exception_count, sizeof key, exception_compare);
}

static const struct err *customers_scan(struct tx *tx, struct build *build)
{
    struct customer_scan scan;
    struct customer_scan_row row;
    bool has;
    TRY(customer_scan_open(tx, &scan));
    for (;;) {
        const struct err *err = customer_scan_next(&scan, &row, &has);
        if (err || !has) {
            customer_scan_close(&scan);
            exceptions_complete(build);
            return err;
        }
        if (row.root_id != row.customer_id || row.placeholder)
            exception_add(build, (struct exception){row.customer_id, row.root_id, row.placeholder});
    }
}

static void facts_stash(struct build *build, int64_t root_id, const struct engine_order *orders,
                        size_t order_count, const struct engine_refund *refunds,
                        size_t refund_count)
{
    for (size_t i = 0; i < order_count; i++) {
        build->orders =
            grow(build->orders, build->order_count, &build->order_capacity, sizeof *build->orders);
        build->orders[build->order_count++] = (struct stashed_order){root_id, orders[i]};
    }
    for (size_t i = 0; i < refund_count; i++) {
        build->refunds = grow(build->refunds, build->refund_count, &build->refund_capacity,
                              sizeof *build->refunds);
        build->refunds[build->refund_count++] = (struct stashed_refund){root_id, refunds[i]};
    }
}

static const struct err *orders_scan(struct tx *tx, struct build *build)
{
    struct order_scan scan;
    TRY(order_scan_open(tx, &scan));
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
        const struct exception *exception = exception_find(build, customer_id);
        if (!exception)
            err =
                engine_put(build->engine, customer_id, orders, order_count, refunds, refund_count);
        else if (exception->root_id != customer_id || !exception->placeholder)
            facts_stash(build, exception->root_id, orders, order_count, refunds, refund_count);
    }
    order_scan_close(&scan);
    return err;
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
static const struct err *merged_put_one(struct tx *tx, struct build *build, size_t *order,
                                        size_t *refund)
{
    int64_t root_id = INT64_MAX;
    if (*order < build->order_count)
        root_id = build->orders[*order].root_id;
    if (*refund < build->refund_count && build->refunds[*refund].root_id < root_id)
        root_id = build->refunds[*refund].root_id;
    size_t order_end = *order, refund_end = *refund;
    while (order_end < build->order_count && build->orders[order_end].root_id == root_id)
        order_end++;
    while (refund_end < build->refund_count && build->refunds[refund_end].root_id == root_id)
        refund_end++;
    struct arena *arena = tx_arena(tx);
    struct arena_mark mark = arena_mark(arena);
    struct engine_order *orders = ARENA_ARRAY(arena, order_end - *order, struct engine_order);
    struct engine_refund *refunds = ARENA_ARRAY(arena, refund_end - *refund, struct engine_refund);
    for (size_t i = *order; i < order_end; i++)
        orders[i - *order] = build->orders[i].order;
    for (size_t i = *refund; i < refund_end; i++)
        refunds[i - *refund] = build->refunds[i].refund;
    const struct exception *root = exception_find(build, root_id);
    const struct err *err = NULL;
    if (!root || !root->placeholder)
        err = engine_put(build->engine, root_id, orders, order_end - *order, refunds,
                         refund_end - *refund);
    arena_rewind(arena, mark);
    *order = order_end;
    *refund = refund_end;
    return err;
}

static const struct err *merged_put(struct tx *tx, struct build *build)
{
    if (build->order_count)
        qsort(build->orders, build->order_count, sizeof *build->orders, stashed_order_compare);
    if (build->refund_count)
        qsort(build->refunds, build->refund_count, sizeof *build->refunds, stashed_refund_compare);
    size_t order = 0, refund = 0;
    while (order < build->order_count || refund < build->refund_count)
        TRY(merged_put_one(tx, build, &order, &refund));
    return NULL;
}

/* The cursor is read in the same snapshot as the tables: what comes after it is not in them. */
static const struct err *columns_build_tx(struct tx *tx, void *arg)
{
    struct build *build = arg;
    /* A second try begins with empty columns. */
    engine_free(build->engine);
    build->engine = engine_new(build->arena);
    build->exception_count = build->order_count = build->refund_count = 0;
    TRY(event_cursor_now(tx, &build->cursor));
    TRY(customers_scan(tx, build));
    TRY(orders_scan(tx, build));
    TRY(merged_put(tx, build));
    return order_name_all(tx, build->engine);
}

const struct err *columns_build(struct store *store, struct arena *arena, struct columns *columns)
{
    struct build build = {.arena = arena, .engine = engine_new(arena)};
    struct store_job job = {.name = "columns.build", .fn = columns_build_tx, .arg = &build};
    const struct err *err = store_read(store, arena, &job);
    free(build.exceptions);
    free(build.orders);
    free(build.refunds);
    if (err) {
        engine_free(build.engine);
        return err;
    }
    columns->engine = build.engine;
    columns->cursor = build.cursor;
    return NULL;
}

struct pump {
    struct columns *columns;
    struct event_cursor cursor;
    int64_t applied_count;
    bool more;
};

static int id_compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static size_t ids_sort_unique(int64_t *ids, size_t count)
{
    if (count == 0)
        return 0;
    qsort(ids, count, sizeof *ids, id_compare);
    size_t kept = 1;
    for (size_t i = 1; i < count; i++)
        if (ids[i] != ids[kept - 1])
            ids[kept++] = ids[i];
    return kept;
}

static const struct err *person_put(struct tx *tx, struct engine *engine, int64_t root_id)
{
    struct arena *arena = tx_arena(tx);
    struct arena_mark mark = arena_mark(arena);
    int64_t *members;
    size_t member_count;
    bool placeholder;
    struct engine_order *orders = NULL;
    struct engine_refund *refunds = NULL;
    size_t order_count = 0, refund_count = 0;
    TRY(customer_members(tx, root_id, &members, &member_count, &placeholder));
    if (!placeholder)
        TRY(order_engine_facts(tx, members, member_count, &orders, &order_count, &refunds,
                               &refund_count));
    TRY(engine_put(engine, root_id, orders, order_count, refunds, refund_count));
    arena_rewind(arena, mark);
    return NULL;
}

static const struct err *pump_tx(struct tx *tx, void *arg)
{
    struct pump *pump = arg;
    struct arena *arena = tx_arena(tx);
    struct engine *engine = pump->columns->engine;
    pump->cursor = pump->columns->cursor;
    struct event *events;
    size_t event_count;
    TRY(event_read(tx, &pump->cursor, PUMP_EVENTS_MAX, &events, &event_count));
    pump->applied_count = (int64_t)event_count;
    pump->more = event_count > 0;
    int64_t *ids = ARENA_ARRAY(arena, event_count + 1, int64_t);
    for (size_t i = 0; i < event_count; i++)
        ids[i] = events[i].customer_id;
    size_t id_count = ids_sort_unique(ids, event_count);
    int64_t *roots = ARENA_ARRAY(arena, id_count + 1, int64_t);
    TRY(customer_roots(tx, ids, id_count, roots));
    /* Who is merged away holds nothing under its own id any more. */
    for (size_t i = 0; i < id_count; i++)
        if (roots[i] != ids[i])
            TRY(engine_put(engine, ids[i], NULL, 0, NULL, 0));
    size_t root_count = ids_sort_unique(roots, id_count);
    for (size_t i = 0; i < root_count; i++)
        if (roots[i] != 0)
            TRY(person_put(tx, engine, roots[i]));
    return NULL;
}

static const struct err *names_tx(struct tx *tx, void *arg)
{
    return order_name_all(tx, arg);
}

const struct err *columns_pump(struct store *store, struct arena *arena, struct columns *columns,
                               int64_t *applied_count)
{
    struct pump pump = {.columns = columns, .more = true};
    *applied_count = 0;
    while (pump.more) {
        struct store_job job = {.name = "columns.pump", .fn = pump_tx, .arg = &pump};
        TRY(store_read(store, arena, &job));
        columns->cursor = pump.cursor;
        *applied_count += pump.applied_count;
    }
    if (*applied_count == 0)
        return NULL;
    struct store_job job = {.name = "columns.names", .fn = names_tx, .arg = columns->engine};
    return store_read(store, arena, &job);
}

struct verify {
    const struct brand *brand;
    struct err_list faults;
};

static struct str count_text(struct arena *arena, int64_t count)
{
    return str_fmt(arena, "%lld", (long long)count);
}

static const struct err *verify_tables_tx(struct tx *tx, void *arg)
{
    struct verify *verify = arg;
    struct arena *arena = verify->faults.arena;
    struct event_faults events;
    int64_t customer_faults;
    struct str first;
    struct order_faults orders;
    TRY(event_verify(tx, &events));
    TRY(customer_verify(tx, &customer_faults, &first));
    TRY(order_verify(tx, verify->brand, &orders));
    if (events.customers_with_gap || events.partitions_with_gap)
        err_list_add(&verify->faults, ERR_NEW(arena, ERR_VERIFY_EVENTS, STR_NONE,
                                              count_text(arena, events.customers_with_gap),
                                              count_text(arena, events.partitions_with_gap)));
    if (customer_faults)
        err_list_add(&verify->faults, ERR_NEW(arena, ERR_VERIFY_CUSTOMERS, STR_NONE,
                                              count_text(arena, customer_faults), first));
    if (orders.count)
        err_list_add(&verify->faults, ERR_NEW(arena, ERR_VERIFY_ORDERS, STR_NONE,
                                              count_text(arena, orders.count), orders.first));
    return NULL;
}

/* Columns kept by every event since the beginning, against columns built from the tables in one go.
 */
static const struct err *verify_columns(struct store *store, struct verify *verify,
                                        struct verify_result *result)
{
    struct arena *arena = verify->faults.arena;
    struct columns kept = {.engine = engine_new(arena)}, rebuilt = {0};
    const struct err *err = columns_pump(store, arena, &kept, &result->events);
    if (!err)
        err = columns_build(store, arena, &rebuilt);
    if (!err) {
        struct engine_size size = engine_size(rebuilt.engine);
        result->customers = size.customers;
        result->orders = size.orders;
        result->refunds = size.refunds;
        struct str difference = engine_difference(arena, kept.engine, rebuilt.engine);
        if (str_is(difference))
            err_list_add(&verify->faults, ERR_NEW(arena, ERR_VERIFY_COLUMNS, STR_NONE, difference));
        engine_free(rebuilt.engine);
    }
    engine_free(kept.engine);
    return err;
}

const struct err *columns_verify(struct store *store, struct arena *arena,
                                 const struct brand *brand, enum lang lang,
                                 struct verify_result *result)
{
    struct verify verify = {.brand = brand, .faults = {.arena = arena}};
    memset(result, 0, sizeof *result);
    struct store_job job = {.name = "verify.tables", .fn = verify_tables_tx, .arg = &verify};
    TRY(store_read(store, arena, &job));
    TRY(verify_columns(store, &verify, result));
    result->fault_count = verify.faults.count;
    int texts_max = (int)(sizeof result->faults / sizeof *result->faults);
    for (const struct err *fault = verify.faults.first; fault; fault = fault->next)
        if (result->fault_text_count < texts_max)
            result->faults[result->fault_text_count++] = err_text(arena, fault, lang);
    return NULL;
}
