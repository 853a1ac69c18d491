/* link: room_order test_support */
/* What several files tell of the same orders, on both databases: kinds of files that add up, in
 * whatever order they come; a file of unknown age that would take something back; how the age is
 * found; columns that are missing. Expected values are worked out by hand beside each file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>

#include "on_both.h"
#include "order_support.h"

/* --- Taobao's list of orders and its list of goods --- */

/* 11: 146.00 with freight of 8.00, two goods. 12: closed after payment, 46.00 with freight of 6.00
 * given back; goods of 40.00. 13: the list still says sent. 14: in the list only, not paid: 0. 15:
 * the goods' amounts are before a coupon: 50.00 of 45.00. Titles stand in one cell. */
#define LIST                                                                                       \
    "订单编号,买家会员名,买家实际支付金额,订单状态,联系手机,订单创建时间,订单付款时间,"            \
    "宝贝标题,宝贝总数量\n"                                                                        \
    "11,ann,146.00,交易成功,,2024-03-01 10:00:00,2024-03-01 10:05:00,Pot;Pan,2\n"                  \
    "12,bob,46.00,交易关闭,,2024-03-02 10:00:00,2024-03-02 10:05:00,Cup,1\n"                       \
    "13,ann,20.00,卖家已发货，等待买家确认,,2024-03-03 10:00:00,2024-03-03 10:05:00,Jug,1\n"       \
    "14,eve,0.00,等待买家付款,,2024-03-04 10:00:00,,Lid,1\n"                                       \
    "15,bob,45.00,交易成功,,2024-03-05 10:00:00,2024-03-05 10:05:00,Bowl,1\n"
#define ITEMS                                                                                      \
    "子订单编号,主订单编号,标题,购买数量,订单状态,商家编码,买家实际支付金额,退款状态,退款金额,"    \
    "订单创建时间,订单付款时间\n"                                                                  \
    "111,11,Pot,1,交易成功,P1,100.00,没有申请退款,0.00,2024-03-01 10:00:00,2024-03-01 10:05:00\n"  \
    "112,11,Pan,1,交易成功,P2,38.00,没有申请退款,0.00,2024-03-01 10:00:00,2024-03-01 10:05:00\n"   \
    "121,12,Cup,1,交易关闭,P3,40.00,退款成功,40.00,2024-03-02 10:00:00,2024-03-02 10:05:00\n"      \
    "131,13,Jug,1,交易成功,P4,20.00,没有申请退款,0.00,2024-03-03 10:00:00,2024-03-03 10:05:00\n"   \
    "151,15,Bowl,1,交易成功,P5,50.00,没有申请退款,0.00,2024-03-05 10:00:00,2024-03-05 10:05:00\n"

/* 2024-03-01 is day 19783; states 0 created, 2 shipped, 3 received, 4 closed. Of 13 the goods, told
 * later, hold; or what goes further where nobody knows; told at the same time, the list. */
#define BOTH_ORDERS(state_of_13)                                                                   \
    "11|3|19783|14600|0||2|10000\n"                                                                \
    "12|4|19784|4600|4600|19784|1|4000\n"                                                          \
    "13|" state_of_13 "|19785|2000|0||1|2000\n"                                                    \
    "14|0||0|0||1|0\n"                                                                             \
    "15|3|19787|4500|0||1|5000"
static const char both_lines[] = "11|P1|10000\n11|P2|3800\n12|P3|4000\n13|P4|2000\n14|Lid|0\n"
                                 "15|P5|5000";

enum how { HOW_NOW, HOW_NAME, HOW_TOLD };
static const char *const list_names[] = {"list.csv", "ExportOrderList202403100900.csv", "list.csv"};
static const char *const items_names[] = {"items.csv", "ExportOrderDetailList202403100901.csv",
                                          "items.csv"};

static void use_map(struct shop *shop, const char *name)
{
    shop_must(shop->arena, import_map_read(shop->arena, str_c(name), &shop->map));
}

static struct import_result import_kind(struct shop *shop, char kind, enum how how)
{
    struct import_result r;
    bool list = kind == 'L';
    struct str path = shop_path(shop, list ? list_names[how] : items_names[how]);
    use_map(shop, list ? "taobao" : "taobao-items");
    shop->test->now_us += 60 * US_PER_SECOND;
    int64_t told_us = how == HOW_TOLD ? INT64_C(1710000000000000) : INT64_MIN;
    shop_must(shop->arena, shop_try(shop, path, false, told_us, &r));
    assert_int_equal(r.rows_rejected, 0);
    static const enum import_exported_from from[] = {IMPORT_EXPORTED_NOW, IMPORT_EXPORTED_NAME,
                                                     IMPORT_EXPORTED_TOLD};
    assert_int_equal(r.exported_at_from, from[how]);
    return r;
}

static void check_both(struct shop *shop, enum how how)
{
    assert_string_equal(
        shop_sql(shop, "SELECT number, state, paid_day, amount_minor, refunded_minor, "
                       "refunded_whole_day, line_count, top_line_minor FROM orders"),
        how == HOW_TOLD ? BOTH_ORDERS("2") : BOTH_ORDERS("3"));
    assert_string_equal(
        shop_sql(shop, "SELECT o.number, p.code, l.amount_minor FROM orders o JOIN order_line l ON "
                       "l.customer_id = o.customer_id AND l.order_id = o.order_id JOIN product p "
                       "ON p.product_id = l.product_id"),
        both_lines);
    /* Two orders of ann's and two of bob's: as the list says; none on a placeholder. */
    assert_string_equal(shop_sql(shop, "SELECT COUNT(DISTINCT c.root_id) FROM orders o JOIN "
                                       "customer c ON c.customer_id = o.customer_id"),
                        "3");
    assert_string_equal(shop_sql(shop, "SELECT COUNT(*) FROM orders o JOIN customer c ON "
                                       "c.customer_id = o.customer_id JOIN customer r ON "
                                       "r.customer_id = c.root_id WHERE r.placeholder = 1"),
                        "0");
    shop_verify(shop);
}

/* The files in this order; a file that comes again changes nothing. */
static void tell_in_order(enum store_kind kind, const char *sequence, enum how how)
{
    struct shop *shop = shop_open(kind, "CNY", "Asia/Shanghai");
    int64_t exceed = 0;
    bool list = false, items = false;
    shop_file(shop, list_names[how], LIST);
    shop_file(shop, items_names[how], ITEMS);
    for (const char *p = sequence; *p; p++) {
        bool again = *p == 'L' ? list : items;
        const char *before = again ? shop_dump(shop) : NULL;
        struct import_result r = import_kind(shop, *p, how);
        list = list || *p == 'L';
        items = items || *p == 'I';
        exceed += r.orders_lines_exceed;
        if (again) {
            /* All but 13 are the same, whose state the list tells otherwise than the goods. */
            int count = *p == 'L' ? 5 : 4;
            assert_in_range(r.orders_same, count - 1, count);
            assert_int_equal(r.orders_same + r.orders_older + r.orders_kept, count);
            assert_int_equal(r.orders_changed + r.refunds_changed + r.refunds_kept, 0);
            assert_string_equal(before, shop_dump(shop));
        }
        if (list && items)
            check_both(shop, how);
    }
    assert_int_equal(exceed, 1); /* 15, once */
    shop_close(shop);
}

static void kinds_add_up(enum store_kind kind)
{
    static const char *const sequences[] = {"LILI", "LIIL", "LLII", "ILIL", "ILLI", "IILL"};
    for (size_t i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++) {
        for (int how = HOW_NOW; how <= HOW_TOLD; how++)
            tell_in_order(kind, sequences[i], (enum how)how);
    }
}
ON_BOTH(kinds_add_up)

/* --- A file of unknown age --- */

#define MAP                                                                                        \
    "{\"name\": \"t\", \"source\": \"shop\", \"time_format\": \"%Y-%m-%d\", \"columns\": "         \
    "{\"order_number\": \"no\", \"order_time\": \"time\", \"member_card\": \"card\", "             \
    "\"state\": \"state\", \"order_amount\": \"amount\", \"refund_amount\": \"back\"}}"
#define HEAD "no,time,card,state,amount,back\n"
#define NEWER                                                                                      \
    HEAD "A1,2024-03-01,c1,received,50,\nA2,2024-03-01,c1,paid,40,10\n"                            \
         "A3,2024-03-01,c2,shipped,30,\nA4,2024-03-01,c2,created,20,\n"
/* A1 unpaid again, A2 less given back, A3 a step back; A4 goes further and is taken. */
#define OLDER                                                                                      \
    HEAD "A1,2024-03-01,c1,created,50,\nA2,2024-03-01,c1,paid,40,5\n"                              \
         "A3,2024-03-01,c2,paid,25,\nA4,2024-03-01,c2,paid,20,\n"

static const char orders_now[] = "SELECT number, state, amount_minor, refunded_minor FROM orders";

static void unknown_age(enum store_kind kind)
{
    struct shop *shop = shop_open(kind, "CNY", "Asia/Shanghai");
    shop_map(shop, MAP);
    shop_import(shop, "newer.csv", NEWER);
    struct import_result r = shop_import(shop, "older.csv", OLDER);
    assert_true(r.exported_at_unsure);
    assert_int_equal(r.orders_kept, 2);
    assert_int_equal(r.orders_same, 1); /* A2, whose refund is kept */
    assert_int_equal(r.refunds_kept, 1);
    assert_int_equal(r.orders_changed, 1);
    assert_int_equal(r.changed.amount_before_minor, 0); /* A4 was not paid */
    assert_int_equal(r.changed.amount_after_minor, 2000);
    assert_string_equal(shop_sql(shop, orders_now),
                        "A1|3|5000|0\nA2|1|4000|1000\nA3|2|3000|0\nA4|1|2000|0");
    shop_verify(shop);
    /* The same said to be later: 50 + 30 paid before, 25 after; 10 given back before, 5 after. */
    r = shop_import_sure(shop, "sure.csv", OLDER);
    assert_int_equal(r.exported_at_from, IMPORT_EXPORTED_TOLD);
    assert_int_equal(r.orders_kept + r.refunds_kept, 0);
    assert_int_equal(r.orders_changed, 2);
    assert_int_equal(r.changed.amount_before_minor, 8000);
    assert_int_equal(r.changed.amount_after_minor, 2500);
    assert_int_equal(r.changed.refund_before_minor, 1000);
    assert_int_equal(r.changed.refund_after_minor, 500);
    assert_string_equal(shop_sql(shop, orders_now),
                        "A1|0|5000|0\nA2|1|4000|500\nA3|1|2500|0\nA4|1|2000|0");
    shop_verify(shop);
    shop_close(shop);
}
ON_BOTH(unknown_age)

/* What was known at most until now is older than a name says where that goes further; the other
 * way round it is not. By name both are sure. */
static void names_put_in_order(enum store_kind kind)
{
    struct shop *shop = shop_open(kind, "CNY", "Asia/Shanghai");
    shop_map(shop, MAP);
    shop_import(shop, "a.csv", HEAD "A1,2024-03-01,c1,paid,50,\nA2,2024-03-01,c1,received,9,\n");
    struct import_result r =
        shop_import(shop, "orders_20240520101112.csv",
                    HEAD "A1,2024-03-01,c1,received,51,\nA2,2024-03-01,c1,paid,8,\n");
    assert_int_equal(r.exported_at_from, IMPORT_EXPORTED_NAME);
    assert_false(r.exported_at_unsure);
    assert_string_equal(shop_sql(shop, "SELECT number, state, amount_minor FROM orders"),
                        "A1|3|5100\nA2|3|900");
    /* An older name takes nothing back, a newer one does. */
    r = shop_import(shop, "orders_20240519101112.csv", HEAD "A1,2024-03-01,c1,created,51,\n");
    assert_int_equal(r.orders_older, 1);
    r = shop_import(shop, "orders_20240521101112.csv", HEAD "A1,2024-03-01,c1,created,52,\n");
    assert_int_equal(r.orders_changed, 1);
    assert_string_equal(shop_sql(shop, "SELECT number, state, amount_minor FROM orders"),
                        "A1|0|5200\nA2|3|900");
    shop_verify(shop);
    shop_close(shop);
}
ON_BOTH(names_put_in_order)

/* --- How the age is found --- */

/* 2024-06-01 18:00 in Shanghai is 1717236000 s; the day began at 1717171200. */
static void test_names(void **state)
{
    static const struct {
        const char *name;
        int64_t time_ms; /* 0: none */
        int64_t precision_ms;
    } names[] = {
        {"ExportOrderList202406011800.xlsx", 1717236000000, 60000},
        {"ExportOrderList20240601180007(1).csv", 1717236007000, 1000},
        {"1717236000_orders.csv", 1717236000000, 1000},
        {"orders-1717236000123.csv", 1717236000123, 1},
        {"orders_export2024-06-01-18-00-07.csv", 1717236007000, 1000},
        {"订单_20240601180007.xlsx", 1717236007000, 1000},
        {"20240601_180007.csv", 1717236007000, 1000},
        {"20240601T1800.csv", 1717236000000, 60000},
        {"2024-06-01 18_00.csv", 1717236000000, 60000},
        {"2024年6月1日18时00分.csv", 1717236000000, 60000},
        {"订单2024年6月1日.csv", 1717171200000, 86400000},
        {"orders-2024-06-01.csv", 1717171200000, 86400000},
        {"orders.2024.6.1.csv", 1717171200000, 86400000},
        {"20240601.csv.gz", 1717171200000, 86400000},
        {"20240101-20240131_20240201101112.csv", 1706753472000, 1000},
        {"20240101-20240131.csv", 0, 0},
        {"2024-01-01-2024-01-31.csv", 0, 0},
        {"2024-01-01_2024-01-31.csv", 0, 0},
        {"2024-01-01-01-31.csv", 0, 0},
        {"2024-06-01~06-05.csv", 0, 0},
        {"2024年6月1日至6月5日.csv", 0, 0},
        {"20240101-0131.csv", 0, 0},
        {"20240101 20240131.csv", 0, 0},
        {"202406011800-202406021800.csv", 0, 0},
        {"orders.csv", 0, 0},
        {"13800138000.csv", 0, 0},
        {"6917926768823643751.csv", 0, 0},
        {"20241301.csv", 0, 0},
        {"20240230.csv", 0, 0},
        {"20240601250000.csv", 0, 0},
        {"1000000000.csv", 0, 0}, /* 2001 */
        {"", 0, 0},
    };
    struct arena *arena = arena_new("test", 1 << 20);
    const struct zone *zone;
    (void)state;
    shop_must(arena, zone_open(arena, STR("Asia/Shanghai"), STR("zone"), &zone));
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        int64_t time_us = 0, precision_us = 0;
        bool found = import_exported_of_name(str_c(names[i].name), zone, &time_us, &precision_us);
        if (found != (names[i].time_ms != 0) ||
            (found && (time_us != names[i].time_ms * 1000 ||
                       precision_us != names[i].precision_ms * 1000)))
            fail_msg("%s: %d, %lld, %lld", names[i].name, found, (long long)time_us,
                     (long long)precision_us);
    }
    arena_free(arena);
}

static struct import_result import_dated(struct shop *shop, const char *name, const char *text,
                                         int64_t file_s)
{
    struct str path = shop_file(shop, name, text);
    const struct timespec times[2] = {{.tv_sec = file_s}, {.tv_sec = file_s}};
    assert_int_equal(utimensat(AT_FDCWD, str_z(shop->arena, path), times, 0), 0);
    return shop_import_path(shop, path);
}

/* It is 2024-06-01 00:00 UTC, 08:00 in Shanghai (1717200000). The orders are of 2024-03-01 00:00 in
 * Shanghai: 1709222400. */
static void age_is_found(enum store_kind kind)
{
    static const struct {
        const char *name;
        int64_t file_s;
        enum import_exported_from from;
        bool unsure;
        int64_t found_s;
    } files[] = {
        {"a_20240501080000.csv", 1717100000, IMPORT_EXPORTED_NAME, false, 1714521600},
        {"b_20240501.csv", 1717100000, IMPORT_EXPORTED_NAME, true, 1714579200}, /* its end */
        {"c_20240601.csv", 1717100000, IMPORT_EXPORTED_NAME, true, 1717200000}, /* today: now */
        {"d_20240301.csv", 1717100000, IMPORT_EXPORTED_NAME, true, 1709308800},
        {"e_20240229.csv", 1717100000, IMPORT_EXPORTED_FILE_TIME, true, 1717100000}, /* too early */
        {"f_20240602.csv", 1717100000, IMPORT_EXPORTED_FILE_TIME, true, 1717100000}, /* to come */
        {"g_20240601080001.csv", 1717100000, IMPORT_EXPORTED_FILE_TIME, true, 1717100000},
        {"h.csv", 1717100000, IMPORT_EXPORTED_FILE_TIME, true, 1717100000},
        {"i.csv", 1717200001, IMPORT_EXPORTED_NOW, true, 1717200000}, /* a file to come */
        {"j.csv", 1709222399, IMPORT_EXPORTED_NOW, true, 1717200000}, /* before its orders */
    };
    struct shop *shop = shop_open(kind, "CNY", "Asia/Shanghai");
    shop_map(shop, MAP);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        struct str text = str_fmt(shop->arena, "%sA%zu,2024-03-01,c1,paid,1,\n", HEAD, i);
        struct import_result r =
            import_dated(shop, files[i].name, str_z(shop->arena, text), files[i].file_s);
        bool day = files[i].from == IMPORT_EXPORTED_NAME && files[i].unsure;
        int64_t found_us = files[i].found_s * US_PER_SECOND;
        if (day && files[i].found_s != 1717200000)
            found_us--; /* the last microsecond of the day */
        if (r.exported_at_from != files[i].from || r.exported_at_unsure != files[i].unsure ||
            r.exported_at_us != found_us)
            fail_msg("%s: %d %d %lld", files[i].name, (int)r.exported_at_from,
                     r.exported_at_unsure, (long long)r.exported_at_us);
        /* Again, under another name and at another time: as at first. */
        shop->test->now_us += US_PER_DAY;
        struct import_result again =
            import_dated(shop, "again.csv", str_z(shop->arena, text), 1717150000);
        assert_true(again.file_known);
        assert_int_equal(again.exported_at_us, found_us);
        assert_int_equal(again.exported_at_from, files[i].from);
        assert_int_equal(again.exported_at_unsure, files[i].unsure);
        shop->test->now_us -= US_PER_DAY;
    }
    shop_close(shop);
}
ON_BOTH(age_is_found)

/* A reject file is no surer of its age than the file it comes from. */
static void rejects_of_unknown_age(enum store_kind kind)
{
    struct shop *shop = shop_open(kind, "CNY", "Asia/Shanghai");
    shop_map(shop, MAP);
    shop_import(shop, "a.csv", HEAD "A1,2024-03-01,c1,received,50,\n");
    struct import_result r = shop_import(shop, "b.csv", HEAD "A1,2024-03-01,c1,created,x,\n");
    assert_int_equal(r.rows_rejected, 1);
    r = shop_import(shop, "c.csv",
                    "no,time,card,state,amount,back,huitou_line,huitou_exported_at,huitou_reason\n"
                    "A1,2024-03-01,c1,created,50,,2,2024-06-01T00:02:00.000000Z,x\n");
    assert_int_equal(r.exported_at_from, IMPORT_EXPORTED_REJECT_FILE);
    assert_true(r.exported_at_unsure);
    assert_int_equal(r.orders_kept, 1);
    /* One that no run is known of says what it says. */
    r = shop_import(shop, "d.csv",
                    "no,time,card,state,amount,back,huitou_line,huitou_exported_at,huitou_reason\n"
                    "A1,2024-03-01,c1,created,50,,2,2024-06-01T00:02:30.000000Z,x\n");
    assert_false(r.exported_at_unsure);
    assert_int_equal(r.orders_changed, 1);
    shop_close(shop);
}
ON_BOTH(rejects_of_unknown_age)

/* --- Columns that are missing --- */

#define JD_WHOLE                                                                                   \
    "订单号,商品ID,商品名称,订购数量,下单时间,余额支付,应付金额,订单状态,下单帐号,付款确认时间\n"  \
    "J1,S1,Pot,1,2024-03-01 23:50:00,50.00,50.00,完成,ann,2024-03-02 00:10:00\n"
#define JD_SHORT                                                                                   \
    "订单号,商品ID,商品名称,订购数量,下单时间,应付金额,订单状态\n"                                 \
    "J1,S1,Pot,1,2024-03-01 23:50:00,50.00,完成\n"

static const struct import_warning *warning_of(const struct import_result *r, const char *kind)
{
    for (int i = 0; i < r->warning_count; i++) {
        if (str_eq(r->warnings[i].kind, str_c(kind)))
            return &r->warnings[i];
    }
    return NULL;
}

/* 50 of a balance and 50 besides; paid on 2024-03-02, day 19784. A file without those columns wipes
 * neither, whether it comes before or after, and says what it is short of. */
static void missing_columns(enum store_kind kind)
{
    for (int short_first = 0; short_first < 2; short_first++) {
        struct shop *shop = shop_open(kind, "CNY", "Asia/Shanghai");
        use_map(shop, "jd");
        struct import_result first, second, *whole = short_first ? &second : &first,
                                            *cut = short_first ? &first : &second;
        first = short_first ? shop_import(shop, "jd_20240401101112.csv", JD_SHORT)
                            : shop_import(shop, "jd_20240401101112.csv", JD_WHOLE);
        if (short_first)
            assert_string_equal(shop_sql(shop, "SELECT amount_minor, paid_day FROM orders"),
                                "5000|19783");
        second = short_first ? shop_import(shop, "jd_20240402101112.csv", JD_WHOLE)
                             : shop_import(shop, "jd_20240402101112.csv", JD_SHORT);
        assert_string_equal(shop_sql(shop, "SELECT amount_minor, paid_day, line_count FROM orders"),
                            "10000|19784|1");
        assert_string_equal(shop_sql(shop, "SELECT COUNT(*) FROM identity"), "1");
        assert_null(warning_of(whole, "balance_amount"));
        assert_null(warning_of(whole, "paid_time"));
        assert_non_null(warning_of(whole, "refund_amount"));
        assert_non_null(warning_of(cut, "paid_time"));
        const struct import_warning *balance = warning_of(cut, "balance_amount");
        assert_non_null(balance);
        assert_true(str_eq(balance->column, STR("余额支付")));
        assert_true(str_eq(balance->en, STR("No column 余额支付: what was paid from a balance is "
                                            "missing, amounts may be too low.")));
        assert_true(
            str_eq(balance->zh, STR("没有“余额支付”列：不含余额支付的部分，金额可能偏低。")));
        shop_verify(shop);
        shop_close(shop);
    }
}
ON_BOTH(missing_columns)

/* An order that was not paid when the list was made has no amount there: the goods', told later, is
 * no less than it. */
static void nothing_is_no_amount(enum store_kind kind)
{
    struct shop *shop = shop_open(kind, "CNY", "Asia/Shanghai");
    shop_file(shop, list_names[HOW_NAME], LIST);
    import_kind(shop, 'L', HOW_NAME);
    use_map(shop, "taobao-items");
    shop_import(shop, "ExportOrderDetailList202403110900.csv",
                "子订单编号,主订单编号,标题,购买数量,订单状态,商家编码,买家实际支付金额,"
                "订单创建时间,订单付款时间\n"
                "141,14,Lid,1,交易成功,P6,30.00,2024-03-04 10:00:00,2024-03-04 11:00:00\n");
    assert_string_equal(
        shop_sql(shop, "SELECT state, paid_day, amount_minor FROM orders WHERE number = '14'"),
        "3|19786|3000");
    shop_verify(shop);
    shop_close(shop);
}
ON_BOTH(nothing_is_no_amount)

/* The list names another buyer: the order goes there with the lines that only the goods tell. */
static void lines_move_along(enum store_kind kind)
{
    struct shop *shop = shop_open(kind, "CNY", "Asia/Shanghai");
    shop_file(shop, list_names[HOW_NAME], LIST);
    shop_file(shop, items_names[HOW_NAME], ITEMS);
    import_kind(shop, 'L', HOW_NAME);
    import_kind(shop, 'I', HOW_NAME);
    use_map(shop, "taobao");
    struct import_result r = shop_import(
        shop, "ExportOrderList202403120900.csv",
        "订单编号,买家会员名,买家实际支付金额,订单状态,联系手机,订单创建时间,订单付款时间,"
        "宝贝标题,宝贝总数量\n"
        "11,zed,146.00,交易成功,,2024-03-01 10:00:00,2024-03-01 10:05:00,Pot;Pan,2\n");
    assert_int_equal(r.orders_changed, 1);
    assert_string_equal(
        shop_sql(shop, "SELECT o.number, p.code, l.amount_minor FROM orders o JOIN order_line l ON "
                       "l.customer_id = o.customer_id AND l.order_id = o.order_id JOIN product p "
                       "ON p.product_id = l.product_id"),
        both_lines);
    assert_string_equal(shop_sql(shop, "SELECT COUNT(DISTINCT customer_id) FROM orders"), "4");
    shop_verify(shop);
    shop_close(shop);
}
ON_BOTH(lines_move_along)

/* Written before it was noted who told what (migration 6): at most as old as exported_at, by one
 * who told everything. A later file restates it; an older one does not. */
static void written_before(enum store_kind kind)
{
    struct shop *shop = shop_open(kind, "CNY", "Asia/Shanghai");
    shop_map(shop, MAP);
    shop_import(shop, "a.csv", HEAD "A1,2024-03-01,c1,received,50,7\n");
    shop_sql(shop, "UPDATE orders SET told = 8324095, told_at = NULL, content_hash = "
                   "(SELECT file_hash FROM import_run)");
    shop_sql(shop, "UPDATE refund SET told = 196611, time_told_at = NULL");
    struct import_result r =
        shop_import(shop, "orders_20240520101112.csv", HEAD "A1,2024-03-01,c1,paid,49,6\n");
    assert_int_equal(r.orders_older, 1);
    assert_int_equal(r.refunds_same, 1);
    assert_string_equal(shop_sql(shop, orders_now), "A1|3|5000|700");
    r = shop_import(shop, "b.csv", HEAD "A1,2024-03-01,c1,received,48,8\n");
    assert_int_equal(r.orders_changed, 1);
    assert_int_equal(r.refunds_changed, 1);
    assert_string_equal(shop_sql(shop, orders_now), "A1|3|4800|800");
    r = shop_import_sure(shop, "c.csv", HEAD "A1,2024-03-01,c1,paid,47,5\n");
    assert_string_equal(shop_sql(shop, orders_now), "A1|1|4700|500");
    shop_close(shop);
}
ON_BOTH(written_before)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        BOTH(kinds_add_up),
        BOTH(unknown_age),
        BOTH(names_put_in_order),
        BOTH(age_is_found),
        BOTH(rejects_of_unknown_age),
        BOTH(missing_columns),
        BOTH(nothing_is_no_amount),
        BOTH(lines_move_along),
        BOTH(written_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
