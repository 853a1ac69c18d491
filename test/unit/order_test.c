/* link: room_order test_support */
/* What others read of orders, on both databases: lists for people, orders by number, names, what
 * reports leave out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <semaphore.h>

#include "order_support.h"

static const char map[] = "{\"name\": \"t\", \"source\": \"shop\", \"time_format\": \"%Y-%m-%d\", "
                          "\"columns\": {\"order_number\": \"no\","
                          " \"order_time\": \"time\", \"member_card\": \"card\", \"order_amount\": "
                          "\"amount\", \"channel\": \"channel\","
                          " \"product_code\": \"code\", \"product_name\": \"name\", \"category\": "
                          "\"category\", \"state\": \"state\"}}";
static const char file[] = "no,time,card,amount,channel,code,name,category,state\n"
                           "A1,2024-03-01,c1,5,web,P1,,,\n"
                           "A2,2024-03-03,c1,6,shop,P1,Pot,Kitchen,\n"
                           "A3,2024-03-02,c1,7,,,Loose thing,,created\n"
                           "A4,2024-03-04,,8,web,P2,Pan,Kitchen,\n"
                           "A5,bad,,8,web,P2,Pan,Kitchen,\n";

static const struct err *read_all(struct tx *tx, void *arg)
{
    (void)arg;
    int64_t *ids, *roots;
    size_t count;
    struct order_view *views;
    struct left_out left_out;
    struct customer_view *customer;
    TRY(order_find_number(tx, STR("A2"), &ids, &count));
    assert_int_equal(count, 1);
    TRY(customer_find(tx, STR("c1"), 5, &roots, &count));
    assert_int_equal(count, 1);
    assert_int_equal(roots[0], ids[0]);
    TRY(order_find_number(tx, STR("A9"), &ids, &count));
    assert_int_equal(count, 0);
    TRY(customer_view(tx, roots[0], &customer));

    TRY(order_of_customer(tx, customer->members, customer->member_count, 2, &views, &count));
    assert_int_equal(count, 2); /* the newest two of three */
    assert_true(str_eq(views[0].number, STR("A2")) && str_eq(views[1].number, STR("A3")));
    assert_true(str_eq(views[0].channel, STR("shop")));
    assert_int_equal(views[0].amount_minor, 600);
    assert_int_equal(views[1].state, ORDER_CREATED);
    assert_int_equal(views[1].paid_day, DAY_NONE);
    assert_null(views[1].channel.p);

    TRY(order_left_out(tx, &left_out));
    assert_int_equal(left_out.orders, 1);
    assert_int_equal(left_out.amount_minor, 800);
    return NULL;
}

static void reads(enum store_kind kind)
{
    struct shop *shop = shop_open(kind, "CNY", "Asia/Shanghai");
    shop_map(shop, map);
    shop_import(shop, "a.csv", file);
    test_read(shop->test, read_all, NULL);
    /* The name and category of P1 came with its second order. */
    assert_string_equal(
        shop_sql(shop, "SELECT p.code, p.name, c.name FROM product p LEFT JOIN category c ON "
                       "c.category_id = p.category_id"),
        "Loose thing|Loose thing|\nP1|Pot|Kitchen\nP2|Pan|Kitchen");
    assert_string_equal(shop_sql(shop, "SELECT name FROM channel"), "shop\nweb");
    shop_close(shop);
}

static void test_reads(void **state)
{
    (void)state;
    reads(STORE_SQLITE);
    reads(STORE_POSTGRES);
}

/* A name that becomes known with a later file fills the gap; one that is known stays. */
/* A name is that of the earliest order, of several at one time the one whose bytes come first; a
 * category is the first that is told. */
static void test_names_fill(void **state)
{
    static const char names[] = "SELECT p.name, COALESCE(c.name, '') FROM product p "
                                "LEFT JOIN category c ON c.category_id = p.category_id";
    (void)state;
    struct shop *shop = shop_open(STORE_SQLITE, "CNY", "Asia/Shanghai");
    shop_map(shop, map);
    shop_import(
        shop, "a.csv",
        "no,time,card,amount,channel,code,name,category,state\nA1,2024-03-01,c1,5,,P1,,,\n");
    shop_import(
        shop, "b.csv",
        "no,time,card,amount,channel,code,name,category,state\nA2,2024-03-02,c1,5,,P1,Pot,,\n");
    assert_string_equal(shop_sql(shop, names), "Pot|");
    /* An order of a day before is told later, and calls it otherwise; then two of that very time. */
    shop_import(
        shop, "c.csv",
        "no,time,card,amount,channel,code,name,category,state\nA3,2024-03-01,c1,5,,P1,Jug,X,\n");
    assert_string_equal(shop_sql(shop, names), "Jug|X");
    shop_import(shop, "d.csv",
                "no,time,card,amount,channel,code,name,category,state\n"
                "A4,2024-03-01,c1,5,,P1,Ewer,,\nA5,2024-03-01,c2,5,,P1,Mug,,\n");
    assert_string_equal(shop_sql(shop, names), "Ewer|X");
    shop_import(
        shop, "e.csv",
        "no,time,card,amount,channel,code,name,category,state\nA6,2024-03-03,c1,5,,P1,Axe,Y,\n");
    assert_string_equal(shop_sql(shop, names), "Ewer|X");
    shop_close(shop);
}

/* --- An order and its refund, written by two at the same time --- */

struct meeting {
    struct shop *shop;
    struct order_batch batches[2]; /* that of the first writer, which commits late, and of the other */
    sem_t applied;
};

static const struct err *apply_and_linger(struct tx *tx, void *arg)
{
    struct meeting *meeting = arg;
    TRY(order_batch_apply(tx, &meeting->batches[0]));
    sem_post(&meeting->applied);
    usleep(300000);
    return NULL;
}

static const struct err *apply_other(struct tx *tx, void *arg)
{
    struct meeting *meeting = arg;
    return order_batch_apply(tx, &meeting->batches[1]);
}

static void *write_first(void *arg)
{
    struct meeting *meeting = arg;
    test_write(meeting->shop->test, apply_and_linger, meeting);
    return NULL;
}

/* Neither sees what the other has not committed; yet the refund must end on its order: 2.00 of
 * 5.00. */
static void meet(enum store_kind kind, bool order_first)
{
    struct shop *shop = shop_open(kind, "CNY", "Asia/Shanghai");
    struct meeting *meeting = ARENA_NEW(shop->arena, struct meeting);
    struct customer_buyer buyer = {
        .identities = {{.kind = IDENTITY_MEMBER_CARD, .issuer = STR(""), .value = STR("c1")}},
        .identity_count = 1};
    struct order_fact order = {.source = STR("shop"),
                               .number = STR("A1"),
                               .state = ORDER_PAID,
                               .occurred_at_us = INT64_C(1709251200000000),
                               .paid_at_us = INT64_C(1709251200000000),
                               .amount_minor = 500,
                               .buyer = &buyer};
    struct refund_fact refunds[2];
    for (int i = 0; i < 2; i++)
        refunds[i] = (struct refund_fact){.source = STR("shop"),
                                          .number = i ? STR("R2") : STR("R1"),
                                          .order_number = STR("A1"),
                                          .refunded_at_us = INT64_C(1709337600000000),
                                          .amount_minor = 100};
    struct order_batch of_order = {.brand = shop->brand, .orders = &order, .order_count = 1};
    struct order_batch of_refund = {.brand = shop->brand, .refunds = refunds, .refund_count = 2};
    pthread_t thread;
    meeting->shop = shop;
    meeting->batches[0] = order_first ? of_order : of_refund;
    meeting->batches[1] = order_first ? of_refund : of_order;
    assert_int_equal(sem_init(&meeting->applied, 0, 0), 0);
    assert_int_equal(pthread_create(&thread, NULL, write_first, meeting), 0);
    sem_wait(&meeting->applied);
    test_write(shop->test, apply_other, meeting);
    pthread_join(thread, NULL);
    sem_destroy(&meeting->applied);
    assert_string_equal(shop_sql(shop, "SELECT COUNT(*) FROM refund_waiting"), "0");
    assert_string_equal(shop_sql(shop, "SELECT refunded_minor FROM orders"), "200");
    shop_verify(shop);
    shop_close(shop);
}

static void test_refund_meets_order(void **state)
{
    (void)state;
    for (int order_first = 0; order_first < 2; order_first++) {
        meet(STORE_SQLITE, order_first);
        meet(STORE_POSTGRES, order_first);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_reads),
                                       cmocka_unit_test(test_names_fill),
                                       cmocka_unit_test(test_refund_meets_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
