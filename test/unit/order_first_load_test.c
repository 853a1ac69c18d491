/* link: room_order test_support */
/* A first load step by step on both databases: what the others see while its claims are behind, a
 * step that is tried again, a load that is taken over, one that was broken off. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>

#include "on_both.h"
#include "order_support.h"
#include "room/order/order_first_load.h"

#define IMPORT_ID 71
#define OTHER_ID 72

static const char map[] = "{\"name\": \"t\", \"source\": \"shop\", \"time_format\": \"%Y-%m-%d\", "
                          "\"columns\": {\"order_number\": \"no\", \"order_time\": \"time\", "
                          "\"member_card\": \"card\", \"order_amount\": \"amount\"}}";
static const char file[] = "no,time,card,amount\n"
                           "A1,2024-03-01,c1,5\n"
                           "A2,2024-03-03,c1,6\n"
                           "A3,2024-03-02,c2,7\n";

struct move {
    struct shop *shop;
    int64_t import_id, number;
    enum order_load load;
    enum order_step step;
    struct order_batch batch;
    struct order_claim claims[2];
    bool apply, some; /* write the rows; write one of the claims */
};

static const struct err *open_load(struct tx *tx, void *arg)
{
    struct move *call = arg;
    return order_first_load_open(tx, call->import_id, &call->load);
}

static const struct err *do_step(struct tx *tx, void *arg)
{
    struct move *call = arg;
    TRY(order_first_load_step(tx, call->import_id, call->number, &call->step));
    if (call->step != ORDER_STEP_TAKEN || !call->apply)
        return NULL;
    TRY(order_batch_apply_first(tx, &call->batch));
    for (size_t i = 0; i < call->batch.order_count; i++)
        call->claims[i] = call->batch.claims[i];
    return NULL;
}

static const struct err *do_claim(struct tx *tx, void *arg)
{
    struct move *call = arg;
    TRY(order_first_load_step(tx, call->import_id, call->number, &call->step));
    assert_int_equal(call->step, ORDER_STEP_TAKEN);
    return order_first_load_claim(tx, call->claims, call->some ? 1 : 0, true, false);
}

static const struct err *settle(struct tx *tx, void *arg)
{
    (void)arg;
    return order_first_load_settle(tx);
}

static const struct err *apply_again(struct tx *tx, void *arg)
{
    struct move *call = arg;
    return order_batch_apply(tx, &call->batch);
}

static const struct err *compare(struct tx *tx, void *arg)
{
    struct move *call = arg;
    return order_batch_compare(tx, &call->batch);
}

static const struct err *find_a1(struct tx *tx, void *arg)
{
    int64_t *ids;
    size_t *count = arg;
    return order_find_number(tx, STR("A1"), &ids, count);
}

/* The first two orders of the file as facts. */
static void tell_orders(struct move *call)
{
    struct arena *arena = call->shop->arena;
    struct order_fact *facts = ARENA_ARRAY(arena, 2, struct order_fact);
    for (int i = 0; i < 2; i++) {
        facts[i] = (struct order_fact){
            .source = STR("shop"),
            .number = str_fmt(arena, "A%d", i + 1),
            .state = ORDER_RECEIVED,
            .occurred_at_us = INT64_C(1709222400000000) + i * 2 * US_PER_DAY,
            .paid_at_us = INT64_C(1709222400000000) + i * 2 * US_PER_DAY,
            .amount_minor = 500 + i * 100,
            .buyer = ARENA_NEW(arena, struct customer_buyer),
        };
        facts[i].buyer->identity_count = 1;
        facts[i].buyer->identities[0] = (struct identity_value){
            .kind = IDENTITY_MEMBER_CARD, .issuer = STR(""), .value = STR("c1")};
    }
    call->batch =
        (struct order_batch){.brand = call->shop->brand, .orders = facts, .order_count = 2};
}

static struct shop *begin(enum store_kind kind, struct move *call)
{
    struct shop *shop = shop_open(kind, "CNY", "Asia/Shanghai");
    shop_map(shop, map);
    *call = (struct move){.shop = shop, .import_id = IMPORT_ID, .number = 1, .apply = true};
    tell_orders(call);
    test_write(shop->test, open_load, call);
    assert_int_equal(call->load, ORDER_LOAD_FIRST);
    test_write(shop->test, do_step, call);
    assert_int_equal(call->step, ORDER_STEP_TAKEN);
    assert_int_equal(call->batch.order_new_count, 2);
    return shop;
}

static const char *lookups(struct shop *shop)
{
    return shop_sql(shop, "SELECT COUNT(*) FROM lookup WHERE kind = 32");
}

static void check_open(struct shop *shop, bool open)
{
    struct shop_verify v = {.brand = shop->brand};
    test_read(shop->test, shop_verify_fn, &v);
    assert_int_equal(v.faults.count, 0);
    assert_int_equal(v.faults.first_load_open, open);
}

static void what_others_see(enum store_kind kind)
{
    struct move call;
    struct shop *shop = begin(kind, &call);
    size_t count = 0;
    assert_string_equal(lookups(shop), "0");
    check_open(shop, true);
    test_read(shop->test, find_a1, &count); /* from the rows */
    assert_int_equal(count, 1);
    struct store_job job = {.name = "compare", .fn = compare, .arg = &call};
    const struct err *err = store_read(shop->test->store, shop->arena, &job);
    assert_non_null(err);
    assert_int_equal(err->code, ERR_ORDER_FIRST_LOAD);

    test_write(shop->test, settle, NULL);
    assert_string_equal(lookups(shop), "2");
    check_open(shop, false);
    test_write(shop->test, settle, NULL); /* nothing more to do */
    shop_verify(shop);
    shop_close(shop);
}

/* What the load wrote and has not claimed yet is told by another command: it is known. */
static void another_tells_the_same(enum store_kind kind)
{
    struct move call;
    struct shop *shop = begin(kind, &call);
    test_write(shop->test, apply_again, &call);
    assert_int_equal(call.batch.order_new_count, 0);
    assert_int_equal(call.batch.order_same_count, 2);
    assert_string_equal(shop_sql(shop, "SELECT COUNT(*) FROM orders"), "2");
    assert_string_equal(lookups(shop), "2");
    check_open(shop, false);
    shop_close(shop);
}

static void steps(enum store_kind kind)
{
    struct move call;
    struct shop *shop = begin(kind, &call);
    test_write(shop->test, do_step, &call); /* a commit whose outcome was not known */
    assert_int_equal(call.step, ORDER_STEP_AGAIN);
    assert_string_equal(shop_sql(shop, "SELECT COUNT(*) FROM orders"), "2");

    call.number = 2;
    test_write(shop->test, do_claim, &call); /* none yet */
    check_open(shop, true);

    struct move other = {.shop = shop, .import_id = OTHER_ID};
    test_write(shop->test, open_load, &other); /* another import takes it over */
    assert_int_equal(other.load, ORDER_LOAD_RECOVER);
    call.number = 3;
    call.apply = false;
    test_write(shop->test, do_step, &call);
    assert_int_equal(call.step, ORDER_STEP_OVER);
    test_write(shop->test, settle, NULL);
    other.number = 1;
    test_write(shop->test, do_step, &other);
    assert_int_equal(other.step, ORDER_STEP_OVER);
    shop_close(shop);
}

/* The load's process is gone; one of its claims was written. The same file again. */
static void broken_off(enum store_kind kind)
{
    struct move call;
    struct import_result result;
    size_t count = 0;
    struct shop *shop = begin(kind, &call);
    call.number = 2;
    call.some = true;
    test_write(shop->test, do_claim, &call);
    assert_string_equal(lookups(shop), "1");
    check_open(shop, true);
    struct str path = shop_file(shop, "a.csv", file);
    shop->batch_orders = 1;
    shop_must(shop->arena, shop_try(shop, path, false, 0, &result));
    assert_int_equal(result.orders_new, 1);
    assert_int_equal(result.orders_same + result.orders_older + result.orders_changed, 2);
    assert_string_equal(lookups(shop), "3");
    check_open(shop, false);
    test_read(shop->test, find_a1, &count); /* by its claim */
    assert_int_equal(count, 1);
    shop_close(shop);
}

static void refused_where_orders_are(enum store_kind kind)
{
    struct shop *shop = shop_open(kind, "CNY", "Asia/Shanghai");
    struct move call = {.shop = shop, .import_id = IMPORT_ID};
    shop_map(shop, map);
    shop_import(shop, "a.csv", file);
    test_write(shop->test, open_load, &call);
    assert_int_equal(call.load, ORDER_LOAD_ORDINARY);
    check_open(shop, false);
    shop_close(shop);
}

/* --- Several at once --- */

#define CROWD 4 /* as many as the store has connections */

/* One of a crowd whose transactions have all begun before the first of them touches the row. */
struct member {
    struct move move;
    store_fn *fn;
    pthread_barrier_t *begun;
    struct arena *arena;
    const struct err *err;
    int tries;
};

static const struct err *together(struct tx *tx, void *arg)
{
    struct member *member = arg;
    if (member->tries++ == 0)
        pthread_barrier_wait(member->begun);
    return member->fn(tx, &member->move);
}

static void *run_member(void *arg)
{
    struct member *member = arg;
    struct store_job job = {.name = "crowd", .fn = together, .arg = member};
    member->err = store_write(member->move.shop->test->store, member->arena, &job);
    return NULL;
}

/* None of them may be in the way of another so that the database has to break off one of the two: with five imports begun
 * at once that came again and again, until one of them gave up. */
static void run_crowd(struct shop *shop, struct member crowd[CROWD], store_fn *fn)
{
    pthread_t threads[CROWD];
    pthread_barrier_t begun;
    int64_t retries = store_counters(shop->test->store).retries;
    pthread_barrier_init(&begun, NULL, CROWD);
    for (int i = 0; i < CROWD; i++) {
        crowd[i] = (struct member){.move = {.shop = shop, .import_id = IMPORT_ID + i}, .fn = fn};
        crowd[i].begun = &begun;
        crowd[i].arena = arena_new("crowd", 1 << 24);
        assert_int_equal(pthread_create(&threads[i], NULL, run_member, &crowd[i]), 0);
    }
    for (int i = 0; i < CROWD; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < CROWD; i++) {
        shop_must(shop->arena, crowd[i].err);
        arena_free(crowd[i].arena);
    }
    pthread_barrier_destroy(&begun);
    assert_int_equal(store_counters(shop->test->store).retries, retries);
}

static void many_open_at_once(void **state)
{
    (void)state;
    struct shop *shop = shop_open(STORE_POSTGRES, "CNY", "Asia/Shanghai");
    struct member crowd[CROWD];
    run_crowd(shop, crowd, open_load);
    for (int i = 0; i < CROWD; i++) /* no order has come yet: each took it over, the last has it */
        assert_int_equal(crowd[i].move.load, ORDER_LOAD_FIRST);
    int owners = 0;
    for (int i = 0; i < CROWD; i++) {
        crowd[i].move.number = 1;
        test_write(shop->test, do_step, &crowd[i].move);
        owners += crowd[i].move.step == ORDER_STEP_TAKEN;
    }
    assert_int_equal(owners, 1);
    shop_close(shop);
}

static void many_settle_at_once(void **state)
{
    (void)state;
    struct move call;
    struct member crowd[CROWD];
    struct shop *shop = begin(STORE_POSTGRES, &call);
    run_crowd(shop, crowd, settle);
    assert_string_equal(lookups(shop), "2");
    check_open(shop, false);
    run_crowd(shop, crowd, settle); /* nothing behind: nobody waits for anybody */
    shop_verify(shop);
    shop_close(shop);
}

ON_BOTH(what_others_see)
ON_BOTH(another_tells_the_same)
ON_BOTH(steps)
ON_BOTH(refused_where_orders_are)
ON_BOTH(broken_off)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(what_others_see),
        BOTH(another_tells_the_same),
        BOTH(steps),
        BOTH(refused_where_orders_are),
        BOTH(broken_off),
        cmocka_unit_test(many_open_at_once),
        cmocka_unit_test(many_settle_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
