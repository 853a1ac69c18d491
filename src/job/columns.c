#include "job/columns_part.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "engine/engine_select.h"

#define PUMP_EVENTS_MAX 1000

const struct err *columns_read_apart(struct store *store, struct arena *arena,
                                     const struct store_job *job)
{
    struct arena *own = arena_new("columns read", COLUMNS_ARENA_BYTES_MAX);
    const struct err *err = store_read(store, own, job);
    if (err)
        err = err_copy(arena, err);
    arena_free(own);
    return err;
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

static const struct err *marks_put(struct tx *tx, void *arg, const struct customer_marks *marks)
{
    struct engine_tag *tags = ARENA_ARRAY(tx_arena(tx), marks->tag_count + 1, struct engine_tag);
    for (size_t i = 0; i < marks->tag_count; i++)
        tags[i] = (struct engine_tag){marks->tags[i].tag_id, marks->tags[i].until_day};
    struct engine_person person = {true, marks->keeper_id, tags, marks->tag_count};
    return engine_put_person(arg, marks->customer_id, &person);
}

static const struct err *read_people_tx(struct tx *tx, void *arg)
{
    return customer_marks_all(tx, marks_put, arg);
}

const struct err *columns_read_people(struct store *store, struct arena *arena,
                                      struct columns *columns)
{
    struct store_job job = {.name = "columns.people", .fn = read_people_tx, .arg = columns->engine};
    columns->has_people = true;
    return columns_read_apart(store, arena, &job);
}

const struct err *columns_put_unknown(struct engine *engine, int64_t customer_id,
                                      const struct engine_order *orders, size_t order_count)
{
    struct left_out left_out = {.orders = (int64_t)order_count};
    for (size_t i = 0; i < order_count; i++)
        left_out.amount_minor += orders[i].amount_minor;
    return engine_put_unknown(engine, customer_id, left_out);
}

/* Who the person is; nobody, where it is not one (any more). */
static const struct err *who_put(struct tx *tx, const struct columns *columns, int64_t root_id,
                                 bool is_person)
{
    struct engine_person nobody = {0};
    struct customer_marks marks;
    if (!columns->has_people)
        return NULL;
    if (!is_person)
        return engine_put_person(columns->engine, root_id, &nobody);
    TRY(customer_marks(tx, root_id, &marks));
    return marks_put(tx, columns->engine, &marks);
}

static const struct err *person_put(struct tx *tx, const struct columns *columns, int64_t root_id)
{
    struct engine *engine = columns->engine;
    struct arena *arena = tx_arena(tx);
    struct arena_mark mark = arena_mark(arena);
    int64_t *members;
    size_t member_count;
    bool placeholder;
    struct engine_order *orders = NULL;
    struct engine_refund *refunds = NULL;
    size_t order_count = 0, refund_count = 0;
    TRY(customer_members(tx, root_id, &members, &member_count, &placeholder));
    TRY(order_engine_facts(tx, members, member_count, &orders, &order_count, &refunds,
                           &refund_count));
    if (placeholder) {
        TRY(columns_put_unknown(engine, root_id, orders, order_count));
        order_count = refund_count = 0;
    } else {
        TRY(columns_put_unknown(engine, root_id, NULL, 0));
    }
    TRY(engine_put(engine, root_id, orders, order_count, refunds, refund_count));
    TRY(who_put(tx, columns, root_id, !placeholder));
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
    for (size_t i = 0; i < id_count; i++) {
        if (roots[i] == ids[i])
            continue;
        TRY(engine_put(engine, ids[i], NULL, 0, NULL, 0));
        TRY(columns_put_unknown(engine, ids[i], NULL, 0));
        TRY(who_put(tx, pump->columns, ids[i], false));
    }
    size_t root_count = ids_sort_unique(roots, id_count);
    for (size_t i = 0; i < root_count; i++)
        if (roots[i] != 0)
            TRY(person_put(tx, pump->columns, roots[i]));
    return NULL;
}

static const struct err *names_tx(struct tx *tx, void *arg)
{
    return order_name_all(tx, arg);
}

const struct err *columns_pump(struct store *store, struct arena *arena, struct columns *columns,
                               int64_t for_us, int64_t *applied_count, bool *caught_up)
{
    struct pump pump = {.columns = columns, .more = true};
    const struct clock *clock = &store_deps(store)->clock;
    int64_t began_us = clock_now_us(clock);
    *applied_count = 0;
    *caught_up = false;
    while (pump.more) {
        if (*applied_count > 0 && clock_now_us(clock) - began_us >= for_us)
            return NULL;
        struct store_job job = {.name = "columns.pump", .fn = pump_tx, .arg = &pump};
        TRY(columns_read_apart(store, arena, &job));
        columns->cursor = pump.cursor;
        *applied_count += pump.applied_count;
        columns->names_due = columns->names_due || pump.applied_count > 0;
    }
    struct store_job job = {.name = "columns.names", .fn = names_tx, .arg = columns->engine};
    if (columns->names_due)
        TRY(columns_read_apart(store, arena, &job));
    columns->names_due = false;
    *caught_up = true;
    return NULL;
}

/* All events that this snapshot shows, and no later ones: who writes faster than this reads would
 * otherwise be followed until they stop. */
static const struct err *follow(struct tx *tx, struct columns *columns, int64_t *event_count)
{
    struct pump pump = {.columns = columns, .more = true};
    *event_count = 0;
    while (pump.more) {
        struct arena_mark mark = arena_mark(tx_arena(tx));
        TRY(pump_tx(tx, &pump));
        arena_rewind(tx_arena(tx), mark);
        columns->cursor = pump.cursor;
        *event_count += pump.applied_count;
    }
    return NULL;
}

static const struct err *follow_tx(struct tx *tx, void *arg)
{
    struct columns *columns = arg;
    int64_t event_count;
    TRY(follow(tx, columns, &event_count));
    return order_name_all(tx, columns->engine);
}

const struct err *columns_follow(struct store *store, struct arena *arena, struct columns *columns)
{
    struct store_job job = {.name = "columns.follow", .fn = follow_tx, .arg = columns};
    return columns_read_apart(store, arena, &job);
}

struct verify {
    const struct brand *brand;
    struct arena *arena;
    struct err_list faults;
    struct verify_result *result;
    struct columns kept;    /* by every event since the beginning */
    struct columns rebuilt; /* from the tables in one go */
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

/* What the columns leave out, against the sum of the tables' own rows. */
static const struct err *verify_left_out(struct tx *tx, struct verify *verify)
{
    struct left_out rows, columns = engine_left_out(verify->rebuilt.engine);
    TRY(order_left_out(tx, &rows));
    if (rows.orders == columns.orders && rows.amount_minor == columns.amount_minor)
        return NULL;
    struct str difference = str_fmt(
        verify->arena,
        "unknown buyers: %lld orders of %lld in the tables and %lld of %lld in the columns",
        (long long)rows.orders, (long long)rows.amount_minor, (long long)columns.orders,
        (long long)columns.amount_minor);
    err_list_add(&verify->faults,
                 ERR_NEW(verify->arena, ERR_VERIFY_COLUMNS, STR_NONE, difference));
    return NULL;
}

/* Columns kept by the events, against columns built from the tables. */
static const struct err *verify_columns(struct tx *tx, struct verify *verify)
{
    TRY(follow(tx, &verify->kept, &verify->result->events));
    TRY(columns_build_tx(tx, verify->arena, &verify->rebuilt));
    struct engine_size size = engine_size(verify->rebuilt.engine);
    verify->result->customers = size.customers;
    verify->result->orders = size.orders;
    verify->result->refunds = size.refunds;
    struct str difference =
        engine_difference(verify->arena, verify->kept.engine, verify->rebuilt.engine);
    if (str_is(difference))
        err_list_add(&verify->faults,
                     ERR_NEW(verify->arena, ERR_VERIFY_COLUMNS, STR_NONE, difference));
    return verify_left_out(tx, verify);
}

/* All in one snapshot: what others write meanwhile is no fault. */
static const struct err *verify_tx(struct tx *tx, void *arg)
{
    struct verify *verify = arg;
    verify->faults = (struct err_list){.arena = verify->arena}; /* a second try begins anew */
    engine_free(verify->kept.engine);
    engine_free(verify->rebuilt.engine);
    verify->rebuilt = (struct columns){0};
    verify->kept = (struct columns){.engine = engine_new(verify->arena)};
    TRY(verify_tables(tx, verify));
    return verify_columns(tx, verify);
}

const struct err *columns_verify(struct store *store, struct arena *arena,
                                 const struct brand *brand, enum lang lang,
                                 struct verify_result *result)
{
    struct verify verify = {
        .brand = brand, .arena = arena, .result = result};
    memset(result, 0, sizeof *result);
    struct store_job job = {.name = "verify", .fn = verify_tx, .arg = &verify};
    const struct err *err = columns_read_apart(store, arena, &job);
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
