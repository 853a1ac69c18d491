/* link: job test_support */
/* The columns and the SQL twins against each other: on seeded random brands, written through the
 * rooms themselves, every report of both engines must be equal cell by cell, on both databases,
 * gross and net, also where no customer is in the days looked at. (Each engine also has an oracle
 * of its own: metric_model_test, test/reference/twins_oracle.py.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "job/columns.h"
#include "room/insight/insight.h"
#include "support/test_store.h"

#define BRANDS 6
#define SCOPES 12
#define BUYERS 30
#define ORDERS 240
#define FIRST_DAY 14900 /* 2010-10-18 */
#define CHANCE(random, percent) (test_random_below((random), 100) < (percent))

struct world {
    struct test_store *test;
    struct brand *brand;
    struct test_random random;
    int64_t step_days;   /* 15: purchases meet the ends of windows */
    int32_t length_days; /* 1,000: second purchases come after the longest window, too */
    struct order_batch batch;
    struct customer_buyer buyers[BUYERS + 1]; /* the last one has no identity: a placeholder */
    struct order_fact orders[ORDERS];
    struct refund_fact refunds[ORDERS];
    struct order_line_fact lines[ORDERS][3];
};

static struct str name_of(struct world *w, const char *kind, int64_t limit)
{
    int64_t number = test_random_below(&w->random, limit);
    return number == 0 ? STR_NONE : str_fmt(w->test->arena, "%s%d", kind, (int)number);
}

static void make_order(struct world *w, int index)
{
    struct test_random *random = &w->random;
    struct order_fact *order = &w->orders[index];
    int64_t day =
        FIRST_DAY + test_random_below(random, w->length_days) / w->step_days * w->step_days;
    int64_t buyer = test_random_below(random, test_random_below(random, BUYERS + 1) + 1);
    *order = (struct order_fact){
        .source = STR("s"),
        .number = str_fmt(w->test->arena, "%d", index),
        .state = ORDER_PAID,
        .occurred_at_us = day * US_PER_DAY,
        .paid_at_us = CHANCE(random, 5) ? INT64_MIN : day * US_PER_DAY,
        .channel = name_of(w, "channel", 4),
        .lines = w->lines[index],
        .line_count = (int)test_random_below(random, 4),
        .buyer = &w->buyers[CHANCE(random, 5) ? BUYERS : buyer],
    };
    for (int i = 0; i < order->line_count; i++) {
        struct str product = name_of(w, "product", 5);
        bool nameless = product.p && product.p[product.n - 1] == '1';
        int64_t amount = 100 * (1 + test_random_below(random, 40));
        w->lines[index][i] = (struct order_line_fact){.product_code = product,
                                                      .product_name = nameless ? STR_NONE : product,
                                                      .quantity_milli = 1000,
                                                      .amount_minor = amount};
        order->amount_minor += amount;
    }
    if (order->paid_at_us == INT64_MIN || !CHANCE(random, 25))
        return;
    int64_t days_later = test_random_below(random, 2) * test_random_below(random, 90);
    w->refunds[w->batch.refund_count++] = (struct refund_fact){
        .source = STR("s"),
        .number = str_fmt(w->test->arena, "r%d", index),
        .order_number = CHANCE(random, 70) ? order->number : STR_NONE,
        .refunded_at_us = (day + days_later) * US_PER_DAY,
        .amount_minor = CHANCE(random, 50) && order->amount_minor > 0 ? order->amount_minor : 50,
        .channel = name_of(w, "channel", 6),
        .buyer = order->buyer,
    };
}

static const struct err *write_world(struct tx *tx, void *arg)
{
    struct world *w = arg;
    TRY(order_batch_apply(tx, &w->batch));
    /* Merged customers count as one. The batch keeps to itself whom it found. */
    TRY(customer_resolve_many(tx, w->buyers, BUYERS));
    for (int i = 0; i < 3; i++) {
        int64_t from = w->buyers[3 * i].customer_id, into = w->buyers[3 * i + 1].customer_id;
        TRY(customer_merge(tx, from, into, STR("test")));
    }
    return NULL;
}

static struct world *make_world(struct test_store *test, uint64_t seed)
{
    struct world *w = ARENA_NEW(test->arena, struct world);
    w->test = test;
    w->random = test_random(seed);
    w->step_days = seed % 2 == 0 ? 15 : 1;
    w->length_days = seed % 3 == 0 ? 1000 : 400;
    assert_null(setup_create(test->store, test->arena, STR("b"), STR("CNY"), STR("UTC")));
    assert_null(setup_load(test->store, test->arena, &w->brand));
    for (int i = 0; i < BUYERS; i++) {
        w->buyers[i].identity_count = 1;
        w->buyers[i].identities[0] = (struct identity_value){
            .kind = IDENTITY_BUYER_ID, .issuer = STR("s"), .value = str_fmt(test->arena, "b%d", i)};
    }
    w->batch = (struct order_batch){.brand = w->brand, .orders = w->orders, .refunds = w->refunds};
    for (int i = 0; i < ORDERS; i++)
        make_order(w, i);
    w->batch.order_count = ORDERS;
    test_write(test, write_world, w);
    return w;
}

struct comparison {
    struct world *world;
    const struct engine *engine;
    struct report_scope scope;
};

static const struct err *compare_all(struct tx *tx, void *arg)
{
    struct comparison *c = arg;
    struct arena *arena = c->world->test->arena;
    for (int i = 0; i < metric_count; i++) {
        struct report *columns, *twin;
        TRY(engine_report(arena, c->engine, metric_all[i], &c->scope, &columns));
        TRY(insight_report_sql(tx, arena, metric_all[i], &c->scope, &twin));
        struct str difference = report_difference(arena, columns, twin);
        if (difference.p)
            fail_msg("%s (columns, then SQL), as of %d, days %d to %d, net %d: %s",
                     metric_all[i]->name, c->scope.as_of_day, c->scope.from_day, c->scope.to_day,
                     c->scope.net, str_z(arena, difference));
    }
    return NULL;
}

static void random_scope(struct world *w, struct report_scope *scope)
{
    struct test_random *random = &w->random;
    *scope = (struct report_scope){.currency_digits = 2, .net = CHANCE(random, 50)};
    scope->as_of_day = FIRST_DAY + w->length_days + 1;
    if (CHANCE(random, 50))
        scope->as_of_day = FIRST_DAY + 1 + (int32_t)test_random_below(random, w->length_days + 60);
    scope->from_day = FIRST_DAY;
    scope->to_day = scope->as_of_day - 1;
    if (CHANCE(random, 50))
        scope->from_day =
            FIRST_DAY + (int32_t)test_random_below(random, scope->as_of_day - FIRST_DAY);
    if (CHANCE(random, 40))
        scope->to_day -= (int32_t)test_random_below(random, scope->as_of_day - scope->from_day);
}

/* The days looked at, by the columns and by the tables: the same, or the same refusal. */
static const struct err *compare_days(struct tx *tx, void *arg)
{
    struct comparison *c = arg;
    struct arena *arena = c->world->test->arena;
    const struct brand *brand = c->world->batch.brand;
    struct insight_request request = {.metric_name = STR("totals")};
    request.as_of_day = CHANCE(&c->world->random, 30) ? DAY_NONE : c->scope.as_of_day;
    request.from_day = CHANCE(&c->world->random, 50) ? DAY_NONE : c->scope.from_day;
    request.to_day = CHANCE(&c->world->random, 50) ? DAY_NONE : c->scope.to_day;
    const struct metric *metric;
    struct report_scope columns, tables;
    int32_t columns_first, tables_first;
    const struct err *left = insight_scope_of_columns(arena, c->engine, brand, &request, &metric,
                                                      &columns, &columns_first);
    const struct err *right =
        insight_scope(tx, brand, &request, &metric, &tables, &tables_first);
    assert_int_equal(left ? left->code : ERR_NONE, right ? right->code : ERR_NONE);
    if (left)
        return NULL;
    assert_int_equal(columns.as_of_day, tables.as_of_day);
    assert_int_equal(columns.from_day, tables.from_day);
    assert_int_equal(columns.to_day, tables.to_day);
    assert_int_equal(columns_first, tables_first);
    return NULL;
}

static void check_engines(enum store_kind kind)
{
    for (uint64_t seed = 1; seed <= BRANDS; seed++) {
        struct test_store *test = test_store_open(kind);
        struct world *w = make_world(test, seed);
        struct columns columns;
        assert_null(columns_build(test->store, test->arena, &columns));
        struct comparison c = {.world = w, .engine = columns.engine};
        for (int i = 0; i < SCOPES; i++) {
            random_scope(w, &c.scope);
            test_read(test, compare_all, &c);
            for (int k = 0; k < 10; k++) {
                random_scope(w, &c.scope);
                test_read(test, compare_days, &c);
            }
        }
        c.scope.from_day = c.scope.to_day = FIRST_DAY - 5; /* nobody bought then */
        test_read(test, compare_all, &c);
        engine_free(columns.engine);
        test_store_close(test);
    }
}

static void test_on_sqlite(void **state)
{
    (void)state;
    check_engines(STORE_SQLITE);
}

static void test_on_postgres(void **state)
{
    (void)state;
    check_engines(STORE_POSTGRES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_on_sqlite),
        cmocka_unit_test(test_on_postgres),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
