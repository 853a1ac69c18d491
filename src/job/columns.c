#include "job/columns.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"

#define PUMP_EVENTS_MAX 1000
#define READ_BYTES_MAX ((size_t)8 << 30)

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

/* A read that fills columns has an arena of its own: what it allocated there is gone before another
 * try, while the columns keep what they allocated in theirs. */
static const struct err *read_apart(struct store *store, struct arena *arena,
                                    const struct store_job *job)
{
    struct arena *own = arena_new("columns read", READ_BYTES_MAX);
    const struct err *err = store_read(store, own, job);
    if (err)
        err = err_copy(arena, err);
    arena_free(own);
    return err;
}

/* What was put aside; the engine is the caller's. */
static void build_free(struct build *build)
{
    free(build->exceptions);
    free(build->orders);
    free(build->refunds);
}

const struct err *columns_build(struct store *store, struct arena *arena, struct columns *columns)
{
    struct build build = {.arena = arena, .engine = engine_new(arena)};
    struct store_job job = {.name = "columns.build", .fn = columns_build_tx, .arg = &build};
    const struct err *err = read_apart(store, arena, &job);
    build_free(&build);
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
        TRY(read_apart(store, arena, &job));
        columns->cursor = pump.cursor;
        *applied_count += pump.applied_count;
    }
    if (*applied_count == 0)
        return NULL;
    struct store_job job = {.name = "columns.names", .fn = names_tx, .arg = columns->engine};
    return read_apart(store, arena, &job);
}

struct verify {
    const struct brand *brand;
    struct arena *arena;
    struct err_list faults;
    struct verify_result *result;
    struct columns kept;  /* by every event since the beginning */
    struct build rebuilt; /* from the tables in one go */
};

static struct str count_text(struct arena *arena, int64_t count)
{
    return str_fmt(arena, "%lld", (long long)count);
}

static const struct err *verify_tables(struct tx *tx, struct verify *verify)
{
    struct arena *arena = verify->arena;
    struct event_faults events;
    int64_t calendar_faults, customer_faults;
    struct str first;
    struct order_faults orders;
    TRY(setup_verify(tx, &calendar_faults));
    TRY(event_verify(tx, &events));
    TRY(customer_verify(tx, &customer_faults, &first));
    TRY(order_verify(tx, verify->brand, &orders));
    verify->result->first_load_open = orders.first_load_open;
    if (calendar_faults)
        err_list_add(&verify->faults, ERR_NEW(arena, ERR_VERIFY_CALENDAR, STR_NONE,
                                              count_text(arena, calendar_faults)));
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

/* Columns kept by the events, against columns built from the tables. */
static const struct err *verify_columns(struct tx *tx, struct verify *verify)
{
    struct pump pump = {.columns = &verify->kept, .more = true};
    verify->result->events = 0;
    while (pump.more) {
        struct arena_mark mark = arena_mark(tx_arena(tx));
        TRY(pump_tx(tx, &pump));
        arena_rewind(tx_arena(tx), mark);
        verify->kept.cursor = pump.cursor;
        verify->result->events += pump.applied_count;
    }
    TRY(columns_build_tx(tx, &verify->rebuilt));
    struct engine_size size = engine_size(verify->rebuilt.engine);
    verify->result->customers = size.customers;
    verify->result->orders = size.orders;
    verify->result->refunds = size.refunds;
    struct str difference =
        engine_difference(verify->arena, verify->kept.engine, verify->rebuilt.engine);
    if (str_is(difference))
        err_list_add(&verify->faults,
                     ERR_NEW(verify->arena, ERR_VERIFY_COLUMNS, STR_NONE, difference));
    return NULL;
}

/* All in one snapshot: what others write meanwhile is no fault. */
static const struct err *verify_tx(struct tx *tx, void *arg)
{
    struct verify *verify = arg;
    verify->faults = (struct err_list){.arena = verify->arena}; /* a second try begins anew */
    engine_free(verify->kept.engine);
    verify->kept = (struct columns){.engine = engine_new(verify->arena)};
    TRY(verify_tables(tx, verify));
    return verify_columns(tx, verify);
}

const struct err *columns_verify(struct store *store, struct arena *arena,
                                 const struct brand *brand, enum lang lang,
                                 struct verify_result *result)
{
    struct verify verify = {
        .brand = brand, .arena = arena, .result = result, .rebuilt = {.arena = arena}};
    memset(result, 0, sizeof *result);
    struct store_job job = {.name = "verify", .fn = verify_tx, .arg = &verify};
    const struct err *err = read_apart(store, arena, &job);
    build_free(&verify.rebuilt);
    engine_free(verify.rebuilt.engine);
    engine_free(verify.kept.engine);
    TRY(err);
    result->fault_count = verify.faults.count;
    int texts_max = (int)(sizeof result->faults / sizeof *result->faults);
    for (const struct err *fault = verify.faults.first; fault; fault = fault->next)
        if (result->fault_text_count < texts_max)
            result->faults[result->fault_text_count++] = err_text(arena, fault, lang);
    return NULL;
}
