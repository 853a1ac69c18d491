/* link: room_order test_support */
/* What others read of orders, on both databases: lists for people, orders by number, names, what
 * reports leave out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

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
    struct order_left_out left_out;
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
    assert_int_equal(left_out.orders_without_buyer, 1);
    assert_int_equal(left_out.amount_without_buyer_minor, 800);
    assert_int_equal(left_out.rejected_rows, 1);
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
static void test_names_fill(void **state)
{
    (void)state;
    struct shop *shop = shop_open(STORE_SQLITE, "CNY", "Asia/Shanghai");
    shop_map(shop, map);
    shop_import(
        shop, "a.csv",
        "no,time,card,amount,channel,code,name,category,state\nA1,2024-03-01,c1,5,,P1,,,\n");
    shop_import(
        shop, "b.csv",
        "no,time,card,amount,channel,code,name,category,state\nA2,2024-03-01,c1,5,,P1,Pot,,\n");
    shop_import(
        shop, "c.csv",
        "no,time,card,amount,channel,code,name,category,state\nA3,2024-03-01,c1,5,,P1,Jug,X,\n");
    assert_string_equal(shop_sql(shop, "SELECT p.name, c.name FROM product p JOIN category c ON "
                                       "c.category_id = p.category_id"),
                        "Pot|X");
    shop_close(shop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_reads),
                                       cmocka_unit_test(test_names_fill)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
