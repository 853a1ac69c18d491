/* link: room_order test_support */
/* The import as a whole, on both databases, with files made here. Expected values are worked out by
 * hand beside each file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <zlib.h>

#include "on_both.h"
#include "order_support.h"

#define MAP_HEAD                                                                                   \
    "{\"name\": \"test\", \"source\": \"shop\", \"time_format\": \"%Y-%m-%d %H:%M\", "             \
    "\"time_zone\": \"Asia/Shanghai\","                                                            \
    " \"states\": {\"done\": \"received\", \"closed\": \"closed\", \"open\": \"created\"},"
#define LINES_MAP                                                                                  \
    MAP_HEAD " \"columns\": {\"order_number\": \"no\", \"order_time\": \"time\", "                 \
             "\"member_card\": \"card\","                                                          \
             " \"phone\": \"phone\", \"state\": \"state\", \"product_code\": \"product\", "        \
             "\"quantity\": \"qty\","                                                              \
             " \"unit_price\": \"price\", \"refund_of\": \"of\", \"channel\": \"channel\"},"       \
             " \"refund_when\": [{\"column\": \"no\", \"starts_with\": \"R\"}]}"
#define LINES_HEAD "no,time,card,phone,state,product,qty,price,of,channel\n"

static struct shop *lines_shop(enum store_kind kind)
{
    struct shop *shop = shop_open(kind, "CNY", "Asia/Shanghai");
    shop_map(shop, LINES_MAP);
    return shop;
}

static const char *read_file(struct shop *shop, struct str path)
{
    struct str text;
    shop_must(shop->arena, file_read(shop->arena, path, 1 << 20, &text));
    return str_z(shop->arena, text);
}

static const struct import_problem *problem_of(const struct import_result *r, enum err_code code)
{
    for (int i = 0; i < r->problem_count; i++) {
        if (r->problems[i].code == code)
            return &r->problems[i];
    }
    fail_msg("no problem %s", err_info(code)->name);
    return NULL;
}

/* Lines of one order stand apart; half away from zero: 3 × 0.335 = 1.005 → 1.01; 2 × 10.00 = 20.00;
 * the time differs, the earliest wins; the buyer is named on one line only. */
static void lines_of_orders(enum store_kind kind)
{
    struct shop *shop = lines_shop(kind);
    struct import_result r = shop_import(shop, "a.csv",
                                         LINES_HEAD "A1,2024-03-01 10:05,,,done,P1,3,0.335,,web\n"
                                                    "A2,2024-03-02 09:00,card2,,done,P2,1,0,,\n"
                                                    "A1,2024-03-01 10:01,card1,,,P2,2,10.00,,\n"
                                                    "A3,2024-03-02 09:00,,,open,P2,1,5,,\n");
    assert_int_equal(r.rows, 4);
    assert_int_equal(r.orders_new, 3);
    assert_int_equal(r.order_lines, 4);
    assert_int_equal(r.zero_amount_orders, 1);
    assert_int_equal(r.orders_without_buyer, 1);
    assert_int_equal(r.customers_seen, 2);
    assert_int_equal(r.orders_unpaid, 1);
    assert_int_equal(r.amount_minor, 2101 + 0); /* A3 is not paid */
    /* 2024-03-01 10:01 in Shanghai is 1709258460 s; the day is 19783. A3 is only created: not paid.
     * State 3: received. */
    assert_string_equal(
        shop_sql(shop, "SELECT number, state, occurred_at, paid_day, amount_minor, line_count, "
                       "top_line_minor FROM orders"),
        "A1|3|1709258460000000|19783|2101|2|2000\nA2|3|1709341200000000|19784|0|1|0\n"
        "A3|0|1709341200000000||500|1|500");
    assert_string_equal(
        shop_sql(
            shop,
            "SELECT o.number, l.line_no, p.code, l.quantity_milli, l.amount_minor FROM orders o "
            "JOIN order_line l ON l.customer_id = o.customer_id AND l.order_id = o.order_id "
            "JOIN product p ON p.product_id = l.product_id"),
        "A1|1|P1|3000|101\nA1|2|P2|2000|2000\nA2|1|P2|1000|0\nA3|1|P2|1000|500");
    shop_verify(shop);
    shop_close(shop);
}
ON_BOTH(lines_of_orders)

/* Each of these orders contradicts itself or is wrong in one line; A9 is right. */
static void rejects_and_corrections(enum store_kind kind)
{
    struct shop *shop = lines_shop(kind);
    struct str path = shop_file(shop, "a.csv",
                                LINES_HEAD "A1,2024-03-01 10:00,card1,,done,P1,1,1,,\n"
                                           "A1,2024-03-01 10:00,card2,,done,P1,1,1,,\n"
                                           "A2,2024-03-01 23:59,card1,,done,P1,1,1,,\n"
                                           "A2,2024-03-02 00:00,card1,,done,P1,1,1,,\n"
                                           "A3,2024-03-01 10:00,card1,,done,P1,1,1,,\n"
                                           "A3,2024-03-01 10:00,card1,,closed,P1,1,1,,\n"
                                           "A4,2024-03-01 10:00,card1,,done,P1,1,abc,,\n"
                                           "A4,2024-03-01 10:00,card1,,done,P1,1,1,,\n"
                                           "A5,2024-03-01,card1,,done,P1,1,1,,\n"
                                           "A6,2024-03-01 10:00,card1,,sent?,P1,1,1,,\n"
                                           "A7,2034-03-01 10:00,card1,,done,P1,1,1,,\n"
                                           "A8,2024-03-01 10:00,card1,,done,P1,-1,1,,\n"
                                           "A9,2024-03-01 10:00,card1,,done,P1,1,1,,\n");
    struct import_result r = shop_import_path(shop, path);
    assert_int_equal(r.rows, 13);
    assert_int_equal(r.orders, 1);
    assert_int_equal(r.rows_rejected, 12);
    assert_int_equal(problem_of(&r, ERR_IMPORT_CONTRADICTS_BUYER)->row_count, 2);
    assert_int_equal(problem_of(&r, ERR_IMPORT_CONTRADICTS_DAY)->row_count, 2);
    assert_int_equal(problem_of(&r, ERR_IMPORT_CONTRADICTS_STATE)->row_count, 2);
    assert_int_equal(problem_of(&r, ERR_IMPORT_NUMBER)->first_line, 8);
    assert_int_equal(problem_of(&r, ERR_IMPORT_OTHER_LINE)->first_line, 9);
    assert_int_equal(problem_of(&r, ERR_IMPORT_TIME)->first_line, 10);
    assert_int_equal(problem_of(&r, ERR_IMPORT_STATE)->first_line, 11);
    assert_int_equal(problem_of(&r, ERR_IMPORT_FUTURE)->first_line, 12);
    assert_int_equal(problem_of(&r, ERR_IMPORT_NEGATIVE)->first_line, 13);
    const char *rejects = read_file(shop, r.reject_path);
    assert_non_null(strstr(rejects,
                           "\xEF\xBB\xBFhuitou_reason,huitou_cell,huitou_line,huitou_exported_at,"
                           "no,time,card,phone,state,product,qty,price,of,channel\r\n"));
    assert_non_null(strstr(
        rejects,
        ",price H8,8,2024-06-01T00:00:00.000000Z,A4,2024-03-01 10:00,card1,,done,P1,1,abc,,\r\n"));
    assert_null(strstr(rejects, shop->directory)); /* it may go to somebody else */
    /* The file as a person would correct it, with its three added columns: only A4 and A2, an hour
     * later. */
    shop->test->now_us += 3600 * US_PER_SECOND;
    struct import_result again =
        shop_import(shop, "b.csv",
                    "no,time,card,phone,state,product,qty,price,of,channel,huitou_line,huitou_"
                    "exported_at,huitou_reason\n"
                    "A4,2024-03-01 10:00,card1,,done,P1,1,2,,,8,2024-06-01T00:00:00.000000Z,x\n"
                    "A4,2024-03-01 10:00,card1,,done,P1,1,1,,,9,2024-06-01T00:00:00.000000Z,x\n"
                    "A2,2024-03-01 23:59,card1,,done,P1,1,1,,,4,2024-06-01T00:00:00.000000Z,x\n");
    assert_int_equal(again.orders_new, 2);
    assert_int_equal(again.rows_rejected, 0);
    assert_int_equal(again.exported_at_us, INT64_C(1717200000000000));
    assert_string_equal(shop_sql(shop, "SELECT number, amount_minor FROM orders"),
                        "A2|100\nA4|300\nA9|100");
    shop_verify(shop);
    shop_close(shop);
}
ON_BOTH(rejects_and_corrections)

/* One card and eight phones are one identity more than an order may name; one phone fewer is not.
 */
static void too_many_identities(enum store_kind kind)
{
    struct shop *shop = lines_shop(kind);
    struct buf rows = buf_new(shop->arena, 4096);
    buf_str(&rows, STR(LINES_HEAD));
    for (int order = 1; order <= 2; order++) {
        for (int i = 0; i < 6 + order; i++)
            buf_fmt(&rows, "A%d,2024-03-01 10:00,card%d,13800000%d%02d,done,P1,1,1,,\n", order,
                    order, order, i);
    }
    struct str path = shop_file(shop, "i.csv", str_z(shop->arena, buf_view(&rows)));
    struct import_result r = shop_import_path(shop, path);
    assert_int_equal(r.orders, 1);
    assert_int_equal(r.rows_rejected, 8);
    assert_int_equal(problem_of(&r, ERR_IMPORT_IDENTITIES)->row_count, 8);
    shop_close(shop);
}
ON_BOTH(too_many_identities)

/* An imported reject file gives its own rejects, with new reasons and without the old columns. */
static void reject_of_reject(enum store_kind kind)
{
    struct shop *shop = lines_shop(kind);
    struct import_result r = shop_import(shop, "a.csv", LINES_HEAD "A1,x,card1,,done,P1,1,1,,\n");
    struct import_result again = shop_import_path(shop, r.reject_path);
    assert_int_equal(again.rows_rejected, 1);
    const char *head = read_file(shop, again.reject_path);
    assert_null(strstr(strstr(head, "huitou_line") + 1, "huitou_line"));
    assert_non_null(strstr(head, "Z,A1,x,card1,,done,P1,1,1,,\r\n"));
    shop_close(shop);
}
ON_BOTH(reject_of_reject)

/* The same file twice; the same content in a later file; a later file that changes one order; an
 * older one. */
static void later_wins(enum store_kind kind)
{
    struct shop *shop = lines_shop(kind);
    const char *first = LINES_HEAD "A1,2024-03-01 10:00,card1,,done,P1,1,1,,\n"
                                   "A2,2024-03-01 10:00,card1,,done,P1,1,2,,\n"
                                   "R1,2024-03-05 10:00,,,,P1,1,-1,A2,\n";
    struct str path = shop_file(shop, "a.csv", first);
    struct import_result r = shop_import_path(shop, path);
    assert_int_equal(r.refunds_new, 1);
    const char *before = shop_dump(shop);
    shop->test->now_us += US_PER_DAY;
    r = shop_import_path(shop, path);
    assert_true(r.file_known);
    assert_int_equal(r.orders_same, 2);
    assert_int_equal(r.refunds_same, 1);
    assert_string_equal(before, shop_dump(shop));

    r = shop_import(shop, "b.csv", LINES_HEAD "A1,2024-03-01 10:00,card1,,done,P1,1,1,,\n");
    assert_int_equal(r.orders_same, 1);
    assert_string_equal(shop_sql(shop, "SELECT COUNT(*) FROM event"),
                        "2"); /* created, imported: no third */
    r = shop_import(shop, "c.csv",
                    LINES_HEAD "A2,2024-03-01 10:00,card1,,done,P1,1,3,,\n"
                               "A2,2024-03-01 10:00,card1,,done,P2,1,4,,\n");
    assert_int_equal(r.orders_changed, 1);
    assert_string_equal(shop_sql(shop, "SELECT COUNT(*) FROM event"), "3");
    assert_string_equal(
        shop_sql(shop, "SELECT number, amount_minor, line_count, refunded_minor FROM orders"),
        "A1|100|1|0\nA2|700|2|100");
    before = shop_dump(shop);
    /* The first file again is older than what is known of A2 now. */
    r = shop_import_path(shop, path);
    assert_int_equal(r.orders_older, 1);
    assert_int_equal(r.orders_same, 1);
    assert_string_equal(before, shop_dump(shop));
    /* A file said to be from before all: it loses too. */
    path = shop_file(shop, "d.csv", LINES_HEAD "A1,2024-03-01 10:00,card1,,done,P1,1,9,,\n");
    shop_must(shop->arena, shop_try(shop, path, false, INT64_C(1700000000000000), &r));
    assert_int_equal(r.orders_older, 1);
    assert_string_equal(before, shop_dump(shop));
    shop_verify(shop);
    shop_close(shop);
}
ON_BOTH(later_wins)

/* A refund comes before its order, another after it; together they reach its amount of 5.00 on the
 * day of the later one (2024-03-09 is day 19791). The first hangs on a placeholder until its order
 * comes. */
static void refunds_and_orders(enum store_kind kind)
{
    struct shop *shop = lines_shop(kind);
    struct import_result r =
        shop_import(shop, "a.csv", LINES_HEAD "R1,2024-03-09 10:00,,,,P1,-1,2,A1,\n");
    assert_int_equal(r.refunds_new, 1);
    assert_int_equal(r.refunds_without_order, 1);
    assert_string_equal(shop_sql(shop, "SELECT COUNT(*) FROM refund_waiting"), "1");
    shop_verify(shop);
    r = shop_import(shop, "b.csv", LINES_HEAD "A1,2024-03-01 10:00,card1,,done,P1,1,5,,\n");
    assert_string_equal(shop_sql(shop, "SELECT COUNT(*) FROM refund_waiting"), "0");
    assert_string_equal(shop_sql(shop, "SELECT refunded_minor, refunded_whole_day FROM orders"),
                        "200|");
    shop_verify(shop);
    /* A credit note of two lines, 2.00 + 1.00, on an earlier day. */
    r = shop_import(shop, "c.csv",
                    LINES_HEAD
                    "R2,2024-03-05 10:00,,,,P1,1,-2,A1,\nR2,2024-03-05 10:00,,,,P1,1,1,A1,\n");
    assert_int_equal(r.refunds_new, 1);
    assert_string_equal(shop_sql(shop, "SELECT refunded_minor, refunded_whole_day FROM orders"),
                        "500|19791");
    assert_string_equal(
        shop_sql(shop,
                 "SELECT r.number, r.amount_minor, r.refunded_day FROM refund r JOIN orders o ON "
                 "o.customer_id = r.customer_id AND o.order_id = r.order_id"),
        "R1|200|19791\nR2|300|19787");
    shop_verify(shop);
    shop_close(shop);
}
ON_BOTH(refunds_and_orders)

/* An order without a buyer, who becomes known, and is then said to be somebody else. */
static void buyers_move(enum store_kind kind)
{
    struct shop *shop = lines_shop(kind);
    const char *owner = "SELECT o.number, i.claimed FROM orders o JOIN customer c ON c.customer_id "
                        "= o.customer_id JOIN "
                        "customer r ON r.customer_id = c.root_id LEFT JOIN identity i ON "
                        "i.customer_id = r.customer_id";
    shop_import(shop, "a.csv", LINES_HEAD "A1,2024-03-01 10:00,,,done,P1,1,1,,\n");
    assert_string_equal(shop_sql(shop, owner), "A1|");
    shop_import(shop, "b.csv", LINES_HEAD "A1,2024-03-01 10:00,card1,,done,P1,1,1,,\n");
    assert_string_equal(shop_sql(shop, owner), "A1|1");
    assert_string_equal(shop_sql(shop, "SELECT COUNT(*) FROM customer_merge"), "1");
    shop_verify(shop);
    struct import_result r = shop_import(shop, "c.csv",
                                         LINES_HEAD "A1,2024-03-01 10:00,card2,,done,P1,1,1,,\n"
                                                    "A2,2024-03-01 10:00,card1,,done,P1,1,1,,\n"
                                                    "R1,2024-03-02 10:00,,,,P1,1,1,A1,\n");
    assert_int_equal(r.orders_changed, 1);
    assert_string_equal(shop_sql(shop, "SELECT COUNT(DISTINCT customer_id) FROM orders"), "2");
    assert_string_equal(
        shop_sql(shop,
                 "SELECT COUNT(*) FROM orders o JOIN refund r ON r.customer_id = o.customer_id "
                 "AND r.order_id = o.order_id WHERE o.number = 'A1'"),
        "1");
    shop_verify(shop);
    /* A later file that names no buyer keeps the known one. */
    const char *orders = "SELECT customer_id, number FROM orders";
    const char *before = shop_sql(shop, orders);
    shop_import(shop, "d.csv", LINES_HEAD "A1,2024-03-01 10:00,,,done,P1,1,8,,\n");
    assert_string_equal(before, shop_sql(shop, orders));
    /* And the refund goes with the order when it moves once more. */
    shop_import(shop, "e.csv", LINES_HEAD "A1,2024-03-01 10:00,card3,,done,P1,1,8,,\n");
    assert_string_equal(
        shop_sql(shop,
                 "SELECT COUNT(*) FROM orders o JOIN refund r ON r.customer_id = o.customer_id "
                 "AND r.order_id = o.order_id WHERE o.refunded_minor = 100"),
        "1");
    shop_verify(shop);
    shop_close(shop);
}
ON_BOTH(buyers_move)

/* Without order numbers: three identical rows are three orders, each time the same three. */
static void rows_without_numbers(enum store_kind kind)
{
    struct shop *shop = shop_open(kind, "CNY", "Asia/Shanghai");
    shop_map(shop, "{\"name\": \"t\", \"source\": \"t\", \"format\": \"text\", \"header\": false, "
                   "\"time_format\": \"%Y%m%d\","
                   "\"columns\": {\"member_card\": \"#1\", \"order_time\": \"#2\", "
                   "\"order_amount\": \"#3\"}}");
    struct import_result r =
        shop_import(shop, "a.txt",
                    "1 20240301 5\n1 20240301 5\n\n# a comment\n 1  20240301\t5\n2 20240302 x\n");
    assert_int_equal(r.orders_new, 3);
    assert_int_equal(r.rows_rejected, 1);
    assert_string_equal(
        shop_sql(shop, "SELECT COUNT(*), COUNT(DISTINCT number), SUM(amount_minor) FROM orders"),
        "3|3|1500");
    const char *rejects = read_file(shop, r.reject_path);
    assert_non_null(strstr(rejects, "# huitou_exported_at 2024-06-01T00:01:00.000000Z\n"));
    assert_non_null(strstr(rejects, "\n2 20240302 x\n"));
    r = shop_import(shop, "b.txt", "1 20240301 5\n1 20240301 5\n1 20240301 5\n1 20240301 5\n");
    assert_int_equal(r.orders_same, 3);
    assert_int_equal(r.orders_new, 1);
    /* The corrected reject file keeps the age of the first file. */
    r = shop_import(
        shop, "c.txt",
        "# huitou_exported_at 2024-06-01T00:01:00.000000Z\n# line 6: x\n2 20240302 7\n");
    assert_int_equal(r.orders_new, 1);
    assert_int_equal(r.exported_at_us, INT64_C(1717200060000000));
    shop_verify(shop);
    shop_close(shop);
}
ON_BOTH(rows_without_numbers)

/* A refund in columns of the order's own rows: 1.00 + 0.50 of 3.00. A closed order is paid only
 * where it says when. */
static void refund_columns(enum store_kind kind)
{
    struct shop *shop = shop_open(kind, "CNY", "Asia/Shanghai");
    shop_map(shop, MAP_HEAD
             "\"columns\": {\"order_number\": \"no\", \"order_time\": \"time\", \"paid_time\": "
             "\"paid\", "
             "\"state\": \"state\", \"line_amount\": \"amount\", \"refund_amount\": \"back\", "
             "\"refund_time\": \"back_time\", \"phone\": \"phone\"}}");
    struct import_result r =
        shop_import(shop, "a.csv",
                    "no,time,paid,state,amount,back,back_time,phone\n"
                    "A1,2024-03-01 10:00,,done,2,1,2024-03-04 10:00,13900000001\n"
                    "A1,2024-03-01 10:00,,done,1,0.50,2024-03-03 10:00,139****0001\n"
                    "A2,2024-03-01 10:00,,closed,2,,,13900000002\n"
                    "A3,2024-03-01 10:00,2024-03-02 10:00,closed,2,,,13900000003\n");
    assert_int_equal(r.refunds_new, 1);
    assert_int_equal(r.rows_rejected, 0);
    assert_string_equal(shop_sql(shop, "SELECT number, paid_day, refunded_minor FROM orders"),
                        "A1|19783|150\nA2||0\nA3|19784|0");
    assert_string_equal(shop_sql(shop, "SELECT number, refunded_day FROM refund"), "A1:r|19785");
    shop_verify(shop);
    shop_close(shop);
}
ON_BOTH(refund_columns)

/* Thousands of orders through a sorter of 1 MiB and batches of 100, gzipped; twice. */
static void spill_and_gzip(enum store_kind kind)
{
    struct shop *shop = lines_shop(kind);
    shop->sort_memory_bytes = 1;
    shop->batch_orders = 100;
    struct str path = shop_path(shop, "big.csv.gz");
    gzFile file = gzopen(str_z(shop->arena, path), "wb");
    gzputs(file, LINES_HEAD);
    for (int line = 0; line < 3; line++) {
        for (int i = 0; i < 5000; i++) {
            int n = (i * 7919 + line * 31) % 5000;
            gzprintf(file,
                     "A%d,2024-03-0%d 10:0%d,card%d,,done,P%d,%d,1.50,,channel with a rather long "
                     "name %d\n",
                     n, 1 + n % 9, line, n % 400, n % 50, line + 1, n % 5);
        }
    }
    gzclose(file);
    struct import_result r = shop_import_path(shop, path);
    assert_int_equal(r.rows, 15000);
    assert_int_equal(r.orders_new, 5000);
    assert_int_equal(r.customers_seen, 400);
    /* 1.50 × (1 + 2 + 3) each */
    assert_int_equal(r.amount_minor, 5000 * 900);
    shop_verify(shop);
    const char *before = shop_dump(shop);
    r = shop_import_path(shop, path);
    assert_int_equal(r.orders_same, 5000);
    assert_string_equal(before, shop_dump(shop));
    shop_close(shop);
}
ON_BOTH(spill_and_gzip)

static void dry_run(enum store_kind kind)
{
    struct shop *shop = lines_shop(kind);
    shop_import(shop, "a.csv",
                LINES_HEAD "A1,2024-03-01 10:00,card1,,done,P1,1,1,,\n"
                           "A2,2024-03-01 10:00,card1,,done,P1,1,1,,\n");
    const char *before = shop_dump(shop), *runs = shop_sql(shop, "SELECT * FROM import_run");
    struct str path = shop_file(shop, "b.csv",
                                LINES_HEAD "A1,2024-03-01 10:00,card1,,done,P1,1,1,,\n"
                                           "A2,2024-03-01 10:00,card1,13912345678,done,P1,1,2,,\n"
                                           "A3,2024-03-01 10:00,card1,,done,P1,1,1,,\n"
                                           "A4,2024-03-01 10:00,card1,,done,P1,1,oops,,\n"
                                           "R1,2024-03-01 10:00,card1,,done,P1,1,1,,\n");
    struct import_result r;
    shop->test->now_us += US_PER_DAY;
    shop_must(shop->arena, shop_try(shop, path, true, INT64_MIN, &r));
    assert_int_equal(r.orders_new, 1);
    assert_int_equal(r.orders_changed, 1);
    assert_int_equal(r.orders_same, 1);
    assert_int_equal(r.refunds_new, 1);
    assert_int_equal(r.rows_rejected, 1);
    assert_int_equal(r.preview_count, 5);
    assert_int_equal(r.preview[4].verdict, IMPORT_ROW_REFUND);
    assert_int_equal(r.preview[3].verdict, IMPORT_ROW_REJECTED);
    assert_int_equal(r.preview[3].why->code, ERR_IMPORT_NUMBER);
    assert_true(str_eq(r.preview[3].why->cell, STR("H5")));
    assert_true(str_eq(r.preview[3].why->column, STR("price")));
    assert_true(str_eq(r.preview[3].why->value, STR("oops")));
    assert_true(str_eq(r.preview[0].values[1], STR("2024-03-01 10:00:00"))); /* the brand's zone */
    assert_int_equal(r.mapped_count, 10);
    assert_true(str_eq(r.mapped_kinds[3], STR("phone")));
    assert_false(str_eq(r.preview[1].values[3], STR("13912345678")));
    assert_null(r.reject_path.p);
    assert_string_equal(before, shop_dump(shop));
    assert_string_equal(runs, shop_sql(shop, "SELECT * FROM import_run"));
    assert_false(file_exists(shop->arena, str_fmt(shop->arena, "%.*s.rejects", STR_ARG(path))));
    shop_close(shop);
}
ON_BOTH(dry_run)

/* Errors of the whole file change nothing. */
static void refused(enum store_kind kind)
{
    struct shop *shop = lines_shop(kind);
    struct import_result r;
    const char *before = shop_dump(shop);
    struct str path = shop_file(shop, "a.csv", "no,when,who\nA1,2,3\n");
    const struct err *err = shop_try(shop, path, false, INT64_MIN, &r);
    int missing = 1;
    assert_int_equal(err->code, ERR_MAP_COLUMN_MISSING);
    assert_null(err->next);
    for (size_t i = 0; i < err->arg[0].n; i++)
        missing += err->arg[0].p[i] == ',';
    assert_int_equal(missing, 9); /* all columns of the map but "no" */
    shop_map(shop, "{\"name\": \"t\", \"source\": \"t\", \"time_format\": \"%Y-%m-%d\", "
                   "\"constants\": {\"currency\": \"USD\"},"
                   "\"columns\": {\"order_time\": \"when\", \"order_amount\": \"who\"}}");
    err = shop_try(shop, path, false, INT64_MIN, &r);
    assert_int_equal(err->code, ERR_MAP_CURRENCY);
    assert_string_equal(before, shop_dump(shop));
    assert_string_equal(shop_sql(shop, "SELECT COUNT(*) FROM import_run"), "0");
    shop_close(shop);
}
ON_BOTH(refused)

/* Verify finds each row that is altered behind the program's back. */
static void verify_finds(enum store_kind kind)
{
    static const char *const alterations[] = {
        "UPDATE orders SET amount_minor = amount_minor + 1 WHERE number = 'A1'",
        "UPDATE orders SET paid_day = paid_day + 1 WHERE number = 'A1'",
        "UPDATE orders SET refunded_minor = 1 WHERE number = 'A1'",
        "UPDATE orders SET refunded_whole_day = 19784 WHERE number = 'A1'",
        "UPDATE orders SET top_line_minor = 7 WHERE number = 'A1'",
        "UPDATE orders SET number = 'B1' WHERE number = 'A1'",
        "UPDATE orders SET told = 1",
        "UPDATE order_line SET quantity_milli = 2",
        "UPDATE refund SET amount_minor = 1",
        "UPDATE lookup SET object_id = 1 WHERE kind = 32",
        "DELETE FROM order_line",
        "DELETE FROM refund",
        "UPDATE event_head SET fact_sum = 1",
    };
    for (size_t i = 0; i < sizeof(alterations) / sizeof(alterations[0]); i++) {
        struct shop *shop = lines_shop(kind);
        shop_import(shop, "a.csv",
                    LINES_HEAD "A1,2024-03-01 10:00,card1,,done,P1,1,5,,\n"
                               "R1,2024-03-02 10:00,,,,P1,1,2,A1,\n");
        shop_verify(shop);
        shop_sql(shop, alterations[i]);
        struct shop_verify v = {.brand = shop->brand};
        test_read(shop->test, shop_verify_fn, &v);
        if (v.faults.count == 0)
            fail_msg("not found: %s", alterations[i]);
        shop_close(shop);
    }
}
ON_BOTH(verify_finds)

#define WHOLE_MAP                                                                                  \
    MAP_HEAD " \"columns\": {\"order_number\": \"no\", \"order_time\": \"time\", "                 \
             "\"member_card\": \"card\", \"order_amount\": \"amount\", "                           \
             "\"refund_amount\": \"refund\", \"product_code\": \"product\", "                      \
             "\"refund_of\": \"of\"},"                                                             \
             " \"refund_when\": [{\"column\": \"no\", \"starts_with\": \"R\"}]}"
#define WHOLE_HEAD "no,time,card,amount,refund,product,of\n"

/* The amount of the whole stands on each row: 5.00 bought, 3.00 given back, once each. What an
 * order gives back by its columns may not be larger than any amount: 2 × 100000000000.00 is. A
 * number that looks like those of rows without one is refused, even where such a row has just that
 * number. */
static void whole_amounts(enum store_kind kind)
{
    struct shop *shop = shop_open(kind, "CNY", "Asia/Shanghai");
    shop_map(shop, WHOLE_MAP);
    struct import_result r =
        shop_import(shop, "a.csv",
                    WHOLE_HEAD "A1,2024-03-01 10:00,c1,5,,P1,\nA1,2024-03-01 10:00,c1,5,,P2,\n"
                               "R1,2024-03-02 10:00,c1,3,,P1,A1\nR1,2024-03-02 10:00,c1,3,,P2,A1\n"
                               "A2,2024-03-01 10:00,c1,5,100000000000,P1,\n"
                               "A2,2024-03-01 10:00,c1,5,100000000000,P2,\n"
                               ",2024-03-01 10:00,c1,7,,P1,\n");
    assert_string_equal(shop_sql(shop, "SELECT amount_minor, refunded_minor FROM orders"),
                        "500|300\n700|0");
    assert_int_equal(problem_of(&r, ERR_IMPORT_SUM_RANGE)->row_count, 2);
    const char *number = shop_sql(shop, "SELECT number FROM orders WHERE amount_minor = 700");
    const char *file = str_z(shop->arena, str_fmt(shop->arena,
                                                  "%s%s,2024-03-01 10:00,c1,9,,P1,\n"
                                                  ",2024-03-01 10:00,c1,7,,P1,\n",
                                                  WHOLE_HEAD, number));
    r = shop_import(shop, "b.csv", file);
    assert_int_equal(r.orders_same, 1);
    assert_int_equal(problem_of(&r, ERR_IMPORT_NUMBER_RESERVED)->row_count, 1);
    shop_verify(shop);
    shop_close(shop);
}
ON_BOTH(whole_amounts)

/* 1001 orders without a buyer turn out to be one person's: 999 of their placeholders can be merged
 * with that person (who makes 1000), the other two orders move. None is refused. */
static void many_unknown_become_one(enum store_kind kind)
{
    struct shop *shop = lines_shop(kind);
    struct buf before = buf_new(shop->arena, 1 << 20), after = buf_new(shop->arena, 1 << 20);
    buf_str(&before, STR(LINES_HEAD));
    buf_str(&after, STR(LINES_HEAD));
    for (int i = 0; i < LIMIT_MERGE_MEMBERS_MAX + 1; i++) {
        buf_fmt(&before, "A%d,2024-03-01 10:00,,,done,P1,1,1,,\n", i);
        buf_fmt(&after, "A%d,2024-03-01 10:00,card1,,done,P1,1,1,,\n", i);
    }
    shop_import(shop, "a.csv", str_z(shop->arena, buf_view(&before)));
    struct import_result r = shop_import(shop, "b.csv", str_z(shop->arena, buf_view(&after)));
    assert_int_equal(r.orders_changed, 1001);
    assert_string_equal(shop_sql(shop, "SELECT COUNT(*) FROM customer_merge"), "999");
    assert_string_equal(
        shop_sql(shop, "SELECT COUNT(*), COUNT(DISTINCT c.root_id) FROM orders o JOIN customer c "
                       "ON c.customer_id = o.customer_id"),
        "1001|1");
    shop_verify(shop);
    shop_close(shop);
}
ON_BOTH(many_unknown_become_one)

struct engine_refunds {
    int64_t one, all; /* as one customer's facts and as the build of the columns read them */
    int count;
};
static const struct err *read_engine_refunds(struct tx *tx, void *arg)
{
    struct engine_refunds *read = arg;
    struct order_scan scan;
    const struct engine_order *orders;
    const struct engine_refund *refunds;
    struct engine_order *one_orders;
    struct engine_refund *one_refunds;
    size_t order_count, refund_count;
    int64_t customer_id;
    bool has;
    *read = (struct engine_refunds){0};
    TRY(order_scan_open(tx, INT64_MIN, INT64_MAX, &scan));
    for (;;) {
        TRY(order_scan_next(&scan, &customer_id, &orders, &order_count, &refunds, &refund_count,
                            &has));
        if (!has)
            break;
        for (size_t i = 0; i < refund_count; i++, read->count++)
            read->all += refunds[i].amount_minor;
        TRY(order_engine_facts(tx, &customer_id, 1, &one_orders, &order_count, &one_refunds,
                               &refund_count));
        for (size_t i = 0; i < refund_count; i++, read->count++)
            read->one += one_refunds[i].amount_minor;
    }
    order_scan_close(&scan);
    return NULL;
}

/* Both ways of reading find this amount in one refund, or, where it is 0, none. */
static void check_engine_refunds(struct shop *shop, int64_t amount_minor)
{
    struct engine_refunds read;
    test_read(shop->test, read_engine_refunds, &read);
    assert_int_equal(read.one, amount_minor);
    assert_int_equal(read.all, amount_minor);
    assert_int_equal(read.count, amount_minor == 0 ? 0 : 2);
}

#define BACK_ROW(amount, back) WHOLE_HEAD "N1,2024-03-01 10:00,c1," amount "," back ",P1,\n"
#define BACK_SQL                                                                                   \
    "SELECT o.refunded_minor, o.refunded_whole_day, r.amount_minor FROM orders o "                 \
    "JOIN refund r ON r.customer_id = o.customer_id AND r.order_id = o.order_id"

/* 50 of 50 given back on the order's day (2024-03-01 is day 19783), then 0, the same again, 30, an
 * empty cell, and an order of 0 that gives nothing back, which is not wholly refunded. A file older
 * than the newest saying changes nothing. */
static void refund_taken_back(enum store_kind kind)
{
    struct shop *shop = shop_open(kind, "CNY", "Asia/Shanghai");
    shop_map(shop, WHOLE_MAP);
    struct import_result r = shop_import(shop, "none.csv", BACK_ROW("50", "0"));
    assert_int_equal(r.refunds + r.refunds_new + r.refunds_same + r.refunds_without_order, 0);
    assert_string_equal(shop_sql(shop, "SELECT COUNT(*) FROM refund"), "0");
    assert_string_equal(shop_sql(shop, "SELECT COUNT(*) FROM lookup WHERE kind = 33"), "0");
    r = shop_import(shop, "fifty.csv", BACK_ROW("50", "50"));
    assert_int_equal(r.refunds_new, 1);
    assert_string_equal(shop_sql(shop, BACK_SQL), "5000|19783|5000");
    check_engine_refunds(shop, 5000);

    struct str path = shop_file(shop, "zero.csv", BACK_ROW("50", "0.00"));
    const char *before = shop_dump(shop);
    shop->test->now_us += 60 * US_PER_SECOND;
    int64_t now_us = shop->test->now_us;
    shop_must(shop->arena, shop_try(shop, path, true, INT64_MIN, &r));
    assert_int_equal(r.refunds_kept, 1); /* nobody says that it is newer */
    assert_string_equal(before, shop_dump(shop));
    shop_must(shop->arena, shop_try(shop, path, true, now_us, &r));
    assert_int_equal(r.refunds, 0);
    assert_int_equal(r.refunds_changed, 1);
    assert_string_equal(before, shop_dump(shop));
    shop_must(shop->arena, shop_try(shop, path, false, now_us, &r));
    assert_int_equal(r.refunds, 0);
    assert_int_equal(r.refund_minor, 0);
    assert_int_equal(r.refunds_changed, 1);
    assert_string_equal(shop_sql(shop, BACK_SQL), "0||0");
    check_engine_refunds(shop, 0);
    shop_verify(shop);

    before = shop_dump(shop);
    shop->test->now_us += 60 * US_PER_SECOND;
    r = shop_import_path(shop, path);
    assert_int_equal(r.refunds_changed + r.refunds_same + r.refunds_without_order, 0);
    r = shop_import_path(shop, shop_path(shop, "fifty.csv")); /* older */
    assert_int_equal(r.refunds_same, 1);
    assert_string_equal(before, shop_dump(shop));

    r = shop_import(shop, "thirty.csv", BACK_ROW("50", "30"));
    assert_int_equal(r.refunds_changed, 1);
    assert_string_equal(shop_sql(shop, BACK_SQL), "3000||3000");
    check_engine_refunds(shop, 3000);
    shop_verify(shop);
    shop_import_sure(shop, "empty.csv", BACK_ROW("50", ""));
    assert_string_equal(shop_sql(shop, BACK_SQL), "0||0");
    shop_import_sure(shop, "again.csv", BACK_ROW("50", "30"));
    assert_string_equal(shop_sql(shop, BACK_SQL), "3000||3000");
    shop_import_sure(shop, "free.csv", BACK_ROW("0", "0")); /* both at once */
    assert_string_equal(shop_sql(shop, "SELECT amount_minor FROM orders"), "0");
    assert_string_equal(shop_sql(shop, BACK_SQL), "0||0");
    shop_import(shop, "moved.csv", WHOLE_HEAD "N1,2024-03-01 10:00,c2,5,0,P1,\n");
    assert_string_equal(shop_sql(shop, BACK_SQL), "0||0");
    check_engine_refunds(shop, 0);
    shop_verify(shop);
    shop_close(shop);
}
ON_BOTH(refund_taken_back)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(lines_of_orders),
        BOTH(rejects_and_corrections),
        BOTH(too_many_identities),
        BOTH(reject_of_reject),
        BOTH(later_wins),
        BOTH(refunds_and_orders),
        BOTH(buyers_move),
        BOTH(refund_columns),
        BOTH(spill_and_gzip),
        BOTH(rows_without_numbers),
        BOTH(dry_run),
        BOTH(refused),
        BOTH(verify_finds),
        BOTH(whole_amounts),
        BOTH(many_unknown_become_one),
        BOTH(refund_taken_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
