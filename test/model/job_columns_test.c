/* link: job test_support */
/* Columns kept by events against columns rebuilt from the tables: random batches of orders and
 * refunds, merges, splits and placeholders that become known, on both databases. After each step
 * the two must hold the same facts. And columns built by several readers while others write between
 * their snapshots, against columns built of one snapshot afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/arena.h"
#include "job/columns.h"
#include "support/test_store.h"

#define STEPS 60
#define BUYERS 25
#define ORDERS_MAX 8
#define BUILDS 40

struct world {
    struct test_store *test;
    struct brand *brand;
    struct test_random random;
    int64_t order_serial;
};

static void must(struct arena *arena, const struct err *err)
{
    if (err)
        fail_msg("%s", str_z(arena, err_text(arena, err, LANG_EN)));
}

struct step {
    struct world *world;
    struct order_batch batch;
    int64_t from_id, into_id;
};

static const struct err *batch_tx(struct tx *tx, void *arg)
{
    struct step *step = arg;
    return order_batch_apply(tx, &step->batch);
}

static const struct err *merge_tx(struct tx *tx, void *arg)
{
    struct step *step = arg;
    return customer_merge(tx, step->from_id, step->into_id, STR("test"));
}

static const struct err *split_tx(struct tx *tx, void *arg)
{
    struct step *step = arg;
    return customer_split(tx, step->from_id, STR("test"));
}

/* A buyer of a small town, so that the same ones come back; now and then nobody. */
static struct customer_buyer *buyer_make(struct arena *arena, struct world *world)
{
    struct customer_buyer *buyer = ARENA_NEW(arena, struct customer_buyer);
    int64_t who = test_random_below(&world->random, BUYERS);
    buyer->met_at_us = world->test->now_us;
    if (who == 0)
        return buyer;
    buyer->identity_count = 1;
    buyer->identities[0] = (struct identity_value){
        .kind = IDENTITY_PHONE,
        .issuer = STR(""),
        .value = str_fmt(arena, "1380000%04lld", (long long)who),
    };
    return buyer;
}

static void batch_make(struct arena *arena, struct world *world, struct order_batch *batch)
{
    struct test_random *random = &world->random;
    batch->brand = world->brand;
    batch->order_count = (size_t)(1 + test_random_below(random, ORDERS_MAX));
    batch->orders = ARENA_ARRAY(arena, batch->order_count, struct order_fact);
    for (size_t i = 0; i < batch->order_count; i++) {
        int64_t number = test_random_below(random, 4)
                             ? world->order_serial++
                             : test_random_below(random, world->order_serial + 1);
        int64_t time_us = world->test->now_us - test_random_below(random, 400) * US_PER_DAY;
        batch->orders[i] = (struct order_fact){
            .source = STR("shop"),
            .number = str_fmt(arena, "A%lld", (long long)number),
            .state = ORDER_PAID,
            .occurred_at_us = time_us,
            .paid_at_us = test_random_below(random, 10) ? time_us : INT64_MIN,
            .amount_minor = test_random_below(random, 20000),
            .channel = test_random_below(random, 2) ? STR("online") : STR_NONE,
            .exported_at_us = world->test->now_us,
            .buyer = buyer_make(arena, world),
        };
        for (size_t k = 0; k < i; k++)
            if (str_eq(batch->orders[k].number, batch->orders[i].number))
                batch->orders[i].number = str_fmt(arena, "A%lld", (long long)world->order_serial++);
    }
    batch->refund_count = (size_t)test_random_below(random, 3);
    batch->refunds = ARENA_ARRAY(arena, batch->refund_count + 1, struct refund_fact);
    for (size_t i = 0; i < batch->refund_count; i++)
        batch->refunds[i] = (struct refund_fact){
            .source = STR("shop"),
            .number = str_fmt(arena, "R%lld", (long long)world->order_serial++),
            .order_number =
                str_fmt(arena, "A%lld", (long long)test_random_below(random, world->order_serial)),
            .refunded_at_us = world->test->now_us,
            .amount_minor = 1 + test_random_below(random, 20000),
            .exported_at_us = world->test->now_us,
        };
}

static const struct err *pick_tx(struct tx *tx, void *arg)
{
    struct step *step = arg;
    struct customer_scan scan;
    struct customer_scan_row row;
    bool has;
    int64_t from = 0, into = 0;
    TRY(customer_scan_open(tx, &scan));
    for (int64_t seen = 1;; seen++) {
        TRY(customer_scan_next(&scan, &row, &has));
        if (!has)
            break;
        if (test_random_below(&step->world->random, seen) == 0)
            from = row.customer_id;
        if (test_random_below(&step->world->random, seen) == 0)
            into = row.customer_id;
    }
    step->from_id = from;
    step->into_id = into;
    return NULL;
}

static void step_do(struct arena *arena, struct world *world)
{
    struct step step = {.world = world};
    int64_t what = test_random_below(&world->random, 10);
    if (what < 6) {
        batch_make(arena, world, &step.batch);
        test_write(world->test, batch_tx, &step);
        return;
    }
    test_read(world->test, pick_tx, &step);
    struct store_job job = {
        .name = "test.link", .fn = what < 9 ? merge_tx : split_tx, .arg = &step};
    const struct err *err = store_write(world->test->store, arena, &job);
    if (err)
        assert_int_equal(err_class(err), ERR_CLASS_CALLER);
}

/* In one go, or in steps that have no time: a round each, and one that finds nothing left. */
static void follow_events(struct test_store *test, struct arena *arena, struct columns *kept, int64_t for_us)
{
    int64_t applied = 1;
    bool caught_up = false;
    while (!caught_up) {
        assert_true(applied > 0);
        must(arena, columns_pump(test->store, arena, kept, for_us, &applied, &caught_up));
        assert_true(caught_up == (for_us > 0 || applied == 0));
    }
}

static void columns_follow(enum store_kind kind, uint64_t seed)
{
    struct test_store *test = test_store_open(kind);
    struct arena *arena = arena_new("test", (size_t)1 << 30);
    struct world world = {.test = test, .random = test_random(seed)};
    must(arena, setup_create(test->store, arena, STR("Test"), STR("CNY"), STR("Asia/Shanghai")));
    must(arena, setup_load(test->store, arena, &world.brand));
    struct columns kept, rebuilt;
    must(arena, columns_build(test->store, arena, &kept));
    for (int i = 0; i < STEPS; i++) {
        test->now_us += US_PER_DAY / 3;
        step_do(arena, &world);
        follow_events(test, arena, &kept, i % 2 == 0 ? INT64_MAX : 0);
        must(arena, columns_build(test->store, arena, &rebuilt));
        struct str difference = engine_difference(arena, kept.engine, rebuilt.engine);
        if (str_is(difference))
            fail_msg("seed %llu step %d: %s", (unsigned long long)seed, i,
                     str_z(arena, difference));
        engine_free(rebuilt.engine);
    }
    assert_true(engine_size(kept.engine).orders > STEPS / 2);
    struct verify_result verify;
    must(arena, columns_verify(test->store, arena, world.brand, LANG_EN, &verify));
    if (verify.fault_count)
        fail_msg("seed %llu: verify: %s", (unsigned long long)seed, str_z(arena, verify.faults[0]));
    assert_int_equal(verify.orders, engine_size(kept.engine).orders);
    engine_free(kept.engine);
    arena_free(arena);
    test_store_close(test);
}

/* What others do between two snapshots of one build. */
static void write_between(void *arg)
{
    struct world *world = arg;
    struct arena *arena = arena_new("test between", (size_t)1 << 30);
    int64_t steps = test_random_below(&world->random, 4);
    for (int64_t i = 0; i < steps; i++)
        step_do(arena, world);
    arena_free(arena);
}

/* Ranges of one to four births, so that persons are spread over readers. */
static void columns_built_among_writers(enum store_kind kind, uint64_t seed)
{
    struct test_store *test = test_store_open(kind);
    struct arena *arena = arena_new("test", (size_t)1 << 30);
    struct world world = {.test = test, .random = test_random(seed)};
    must(arena, setup_create(test->store, arena, STR("Test"), STR("CNY"), STR("Asia/Shanghai")));
    must(arena, setup_load(test->store, arena, &world.brand));
    for (int i = 0; i < BUILDS; i++) {
        struct columns_options options = {
            .reader_count = 2 + (int)test_random_below(&world.random, 2),
            .range_customers = 1 + test_random_below(&world.random, 4),
            .after_snapshot = write_between,
            .arg = &world,
        };
        struct columns_options alone = {.reader_count = 1};
        struct columns columns, after;
        test->now_us += US_PER_DAY / 3;
        must(arena, columns_build_with(test->store, arena, &options, &columns));
        must(arena, columns_build_with(test->store, arena, &alone, &after));
        struct str difference = engine_difference(arena, columns.engine, after.engine);
        if (str_is(difference))
            fail_msg("seed %llu build %d: %s", (unsigned long long)seed, i,
                     str_z(arena, difference));
        assert_memory_equal(&columns.cursor, &after.cursor, sizeof(after.cursor));
        engine_free(columns.engine);
        engine_free(after.engine);
    }
    struct verify_result verify;
    must(arena, columns_verify(test->store, arena, world.brand, LANG_EN, &verify));
    if (verify.fault_count)
        fail_msg("seed %llu: verify: %s", (unsigned long long)seed, str_z(arena, verify.faults[0]));
    assert_true(verify.orders > BUILDS);
    arena_free(arena);
    test_store_close(test);
}

static void test_sqlite(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++)
        columns_follow(STORE_SQLITE, seed);
}

static void test_postgres(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++)
        columns_follow(STORE_POSTGRES, seed);
}

static void test_build_sqlite(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++)
        columns_built_among_writers(STORE_SQLITE, seed);
}

static void test_build_postgres(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++)
        columns_built_among_writers(STORE_POSTGRES, seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sqlite),
        cmocka_unit_test(test_postgres),
        cmocka_unit_test(test_build_sqlite),
        cmocka_unit_test(test_build_postgres),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
