/* link: room_order test_support */
/* The two real data sets, on both databases; expected counts are those of /work/shared/data
 * (README.md and reference/answers.json there), which were computed by DuckDB and by a second
 * script. Where that folder is absent the test says so and checks nothing of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "order_support.h"

static const char *data_directory(void)
{
    const char *directory = getenv("HUITOU_DATA");
    return directory ? directory : "/work/shared/data";
}

/* The path of a real file; absent where it is not there. */
static struct str real_file(struct shop *shop, const char *name)
{
    struct str path = str_fmt(shop->arena, "%s/%s", data_directory(), name);
    if (file_exists(shop->arena, path))
        return path;
    print_message("NOT RUN: %.*s is absent\n", STR_ARG(path));
    return STR_NONE;
}

static void use_builtin(struct shop *shop, const char *name)
{
    shop_must(shop->arena, import_map_read(shop->arena, str_c(name), &shop->map));
}

static void online_retail(enum store_kind kind)
{
    struct shop *shop = shop_open(kind, "GBP", "Europe/London");
    struct str path = real_file(shop, "online_retail/online_retail.csv.gz");
    if (path.p) {
        struct import_map *recognised;
        struct import_recognition why;
        shop_must(shop->arena, import_map_recognise(shop->arena, path, NULL, &recognised, &why));
        assert_true(str_eq(recognised->name, STR("online-retail")));
        use_builtin(shop, "online-retail");
        struct import_result r = shop_import_path(shop, path);
        /* README.md of the data: 541,909 rows; 3 A rows and 2,515 rows of price 0 are left out;
         * 22,061 invoices without them and without C: 19,959 orders, of which 18,532 name a
         * customer; 3,836 credit notes. */
        assert_int_equal(r.rows, 541909);
        assert_int_equal(r.rows_rejected, 0);
        assert_int_equal(r.rows_skipped, 3 + 2515);
        assert_int_equal(r.orders - r.orders_without_buyer, 18532);
        assert_int_equal(r.orders_without_buyer, 1427);
        assert_int_equal(r.order_lines, 530103);
        assert_int_equal(r.refunds, 3836);
        assert_int_equal(r.orders_new, r.orders);
        assert_string_equal(
            shop_sql(shop,
                     "SELECT COUNT(*), COUNT(DISTINCT o.customer_id) FROM orders o JOIN customer c "
                     "ON c.customer_id = o.customer_id WHERE c.placeholder = 0"),
            "18532|4338");
        assert_string_equal(shop_sql(shop, "SELECT COUNT(*) FROM order_line l JOIN customer c ON "
                                           "c.customer_id = l.customer_id "
                                           "WHERE c.placeholder = 0"),
                            "397884");
        assert_string_equal(
            shop_sql(shop, "SELECT COUNT(*), SUM(r.amount_minor) FROM refund r JOIN customer c "
                           "ON c.customer_id = r.customer_id WHERE c.placeholder = 0"),
            "3654|61134209");
        shop_verify(shop);
    }
    shop_close(shop);
}

static void test_online_retail_sqlite(void **state)
{
    (void)state;
    online_retail(STORE_SQLITE);
}

static void test_online_retail_postgres(void **state)
{
    (void)state;
    online_retail(STORE_POSTGRES);
}

static void cdnow(enum store_kind kind, const char *map, const char *file, int64_t orders,
                  int64_t customers, const char *facts, int64_t zero)
{
    struct shop *shop = shop_open(kind, "USD", "America/New_York");
    struct str path = real_file(shop, file);
    if (path.p) {
        use_builtin(shop, map);
        struct import_result r = shop_import_path(shop, path);
        assert_int_equal(r.orders_new, orders);
        assert_int_equal(r.customers_seen, customers);
        assert_int_equal(r.zero_amount_orders, zero);
        assert_int_equal(r.rows_rejected, 0);
        assert_string_equal(
            shop_sql(shop, "SELECT COUNT(*), SUM(amount_minor), MIN(paid_day), MAX(paid_day), "
                           "COUNT(DISTINCT customer_id) FROM orders"),
            facts);
        shop_verify(shop);
        const char *before = shop_dump(shop);
        shop->test->now_us += US_PER_DAY;
        struct import_result again = shop_import_path(shop, path);
        assert_int_equal(again.orders_same, orders);
        assert_true(again.file_known);
        assert_string_equal(before, shop_dump(shop));
    }
    shop_close(shop);
}

/* README.md of the data: 69,659 rows, $2,500,315.63, 80 of value 0, 1997-01-01 (day 9862) to
 * 1998-06-30 (day 10407), 23,570 people; the sample 6,919 rows, $244,091.94, 8 of value 0, 2,357
 * people. */
static void test_cdnow_sqlite(void **state)
{
    (void)state;
    cdnow(STORE_SQLITE, "cdnow", "cdnow/CDNOW_master.txt.gz", 69659, 23570,
          "69659|250031563|9862|10407|23570", 80);
}

static void test_cdnow_sample(void **state)
{
    (void)state;
    cdnow(STORE_SQLITE, "cdnow-sample", "cdnow/CDNOW_sample.txt.gz", 6919, 2357,
          "6919|24409194|9862|10407|2357", 8);
    cdnow(STORE_POSTGRES, "cdnow-sample", "cdnow/CDNOW_sample.txt.gz", 6919, 2357,
          "6919|24409194|9862|10407|2357", 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cdnow_sample),
        cmocka_unit_test(test_cdnow_sqlite),
        cmocka_unit_test(test_online_retail_sqlite),
        cmocka_unit_test(test_online_retail_postgres),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
