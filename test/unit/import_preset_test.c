/* link: room_order test_support */
/* The presets of the platforms, each on a small file with its traps, from recognition to the
 * tables. Headers are those of
 * ../shared/facts/merchant-files.md; what is expected is worked out by hand beside each file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "order_support.h"

/* Number, state (0 created … 4 closed), amount and refunds of every order. */
#define ORDERS "SELECT number, state, amount_minor, refunded_minor FROM orders"
#define PAID "SELECT COUNT(*) FROM orders WHERE paid_day IS NOT NULL"

static struct shop *shop_new(void)
{
    struct shop *shop = shop_open(STORE_SQLITE, "CNY", "Asia/Shanghai");
    shop->test->now_us = INT64_C(1717200000000000); /* 2024-06-01 */
    return shop;
}

static const struct err *recognise(struct shop *shop, struct str path)
{
    struct import_recognition why;
    return import_map_recognise(shop->arena, path, NULL, &shop->map, &why);
}

/* Recognises a file as the preset `want` and imports it; dry runs count the same. */
static struct import_result load(struct shop *shop, const char *want, const char *text)
{
    struct import_result result, dry;
    struct str path = shop_file(shop, "export.csv", text);
    shop_must(shop->arena, recognise(shop, path));
    assert_string_equal(str_z(shop->arena, shop->map->name), want);
    shop_must(shop->arena, shop_try(shop, path, true, INT64_MIN, &dry));
    shop_must(shop->arena, shop_try(shop, path, false, INT64_MIN, &result));
    assert_int_equal(dry.orders_new, result.orders_new);
    assert_int_equal(dry.refunds, result.refunds);
    assert_int_equal(dry.refunds_without_order, result.refunds_without_order);
    assert_int_equal(dry.amount_minor, result.amount_minor);
    return result;
}

static int64_t rejected(const struct import_result *result, enum err_code code)
{
    for (int i = 0; i < result->problem_count; i++) {
        if (result->problems[i].code == code)
            return result->problems[i].row_count;
    }
    return 0;
}

static const char *read_as(struct shop *shop, const struct import_result *result, const char *value)
{
    for (int i = 0; i < result->value_count; i++) {
        if (str_eq(result->values[i].value, str_c(value)))
            return result->values[i].normal.p ? str_z(shop->arena, result->values[i].normal) : "?";
    }
    return "(not met)";
}

/* Two title rows above the header. Paid: 1,059.90 + 50.00 + 10.00; the closed and paid one was
 * given back whole; the closed one without a time of payment was never paid. The masked account of
 * 80 and 81 names nobody: 81 has a phone in the clear. */
static void test_taobao(void **state)
{
    (void)state;
    struct shop *shop = shop_new();
    struct import_result r = load(
        shop, "taobao",
        "淘宝订单报表\n导出时间,2024-06-01\n"
        "订单编号,买家会员名,买家支付宝账号,买家应付货款,总金额,买家实际支付金额,订单状态,"
        "收货人姓名,联系电话,"
        "联系手机,订单创建时间 ,订单付款时间,宝贝标题,宝贝总数量,店铺名称\n"
        "=\"78\",tb_1,13700000000,9,9,\"1,059.90元\",交易成功,张三,-,'13912345678,2024-01-02 "
        "03:04:05,2024-01-02 03:05:00,皂,3,店\n"
        "=\"79\",tb_1,,9,9,￥50.00,交易关闭,张三,-,'13912345678,2024/1/3 3:04,2024/1/3 "
        "3:05,皂,1,店\n"
        "=\"80\",t**r,,9,9,10,交易关闭,张**,,'138****0000,2024年1月4日 3时4分,,皂,1,店\n"
        "=\"81\",t**r,,9,9,10,\"买家已付款,等待卖家发货\",张**,,'13800000001,2024.1.4,,皂,1,店\n"
        "6.91793E+18,u3,,9,9,10,交易成功,,,,2024.1.4,,皂,1,店\n"
        "=\"82\",u4,,9,9,10,火星态,,,,2024.1.4,,皂,1,店\n"
        "=\"83\",u4,,9,9,10,交易成功,,,,01/02/2024,,皂,1,店\n"
        "=\"84\",u4,,9,9,99999999999999999999,交易成功,,,,2024-02-29,,皂,1,店\n"
        "=\"85\",u4,,9,9,10,交易成功,,,,2024-02-30,,皂,1,店\n"
        "=\"86\",u4,,9,9,10,交易成功\n"
        "=\"87\",u4,,9,9,10,交易成功,,,,2024.1.4,,皂,泡,1,店,多\n"
        "总计,,,,,1139.90,,,,,,,,9,\n"
        ",,,,,,,,,,,,,,\n"
        "订单编号,买家会员名,买家支付宝账号,买家应付货款,总金额,买家实际支付金额,订单状态,"
        "收货人姓名,联系电话,"
        "联系手机,订单创建时间 ,订单付款时间,宝贝标题,宝贝总数量,店铺名称\n");
    assert_int_equal(r.header_row, 3);
    assert_int_equal(r.rows, 14);
    assert_int_equal(r.rows_total, 3);
    assert_int_equal(r.rows_rejected, 7);
    assert_int_equal(rejected(&r, ERR_IMPORT_DIGITS_LOST), 1);
    assert_int_equal(rejected(&r, ERR_IMPORT_STATE), 1);
    assert_int_equal(rejected(&r, ERR_IMPORT_TIME_AMBIGUOUS), 1);
    assert_int_equal(rejected(&r, ERR_IMPORT_TIME_IMPOSSIBLE), 1);
    assert_int_equal(rejected(&r, ERR_IMPORT_NUMBER_RANGE), 1);
    assert_int_equal(rejected(&r, ERR_IMPORT_CELLS), 1);
    assert_int_equal(rejected(&r, ERR_IMPORT_CELLS_MANY), 1);
    assert_int_equal(r.amount_minor, 105990 + 5000 + 1000);
    assert_int_equal(r.refund_minor, 5000);
    assert_int_equal(r.refunds_by_state, 1);
    assert_int_equal(r.orders_unpaid, 1);
    assert_int_equal(r.orders_without_buyer, 1);
    assert_int_equal(r.orders_by_receiver, 1);
    assert_int_equal(r.customers_seen, 2);
    assert_int_equal(r.masked_values, 3); /* t**r twice, 138****0000 */
    assert_string_equal(read_as(shop, &r, "交易成功"), "received");
    assert_string_equal(read_as(shop, &r, "火星态"), "?");
    assert_string_equal(shop_sql(shop, ORDERS),
                        "78|3|105990|0\n79|4|5000|5000\n80|4|1000|0\n81|1|1000|0");
    assert_string_equal(shop_sql(shop, PAID), "3");
    shop_verify(shop);
    shop_close(shop);
}

/* The newer layout says how much was given back: 20 of 50; and 0 of an order that stands. */
static void test_taobao_new(void **state)
{
    (void)state;
    struct shop *shop = shop_new();
    struct import_result r =
        load(shop, "taobao",
             "\xEF\xBB\xBF订单编号;买家会员名;买家实付金额（元）;打款商家金额;退款金额;订单状态;"
             "买家下单时间;买家付款时间;宝贝规格;运单号;确认收货时间\n"
             "78;a;50.00;49.00;20.00元;交易成功;2024-01-02 03:04:05;2024-01-02 03:05:00;红;;\n"
             "79;a;40.00;39.00;0.00;交易成功;2024-01-02 03:04:05;2024-01-02 03:05:00;红;;\n"
             "80;b;30.00;0;30;交易关闭;2024-01-02 03:04:05;2024-01-02 03:05:00;红;;\n");
    assert_int_equal(r.delimiter, ';');
    assert_int_equal(r.amount_minor, 12000);
    assert_int_equal(r.refunds_by_state, 0);
    assert_string_equal(shop_sql(shop, ORDERS), "78|3|5000|2000\n79|3|4000|0\n80|4|3000|3000");
    shop_close(shop);
}

/* M1: two sub-orders, 30 + 20, the second given back whole by its word; M2: the refund that was
 * refused counts nothing, 5 of the other's 8 was given back. */
static void test_taobao_items(void **state)
{
    (void)state;
    struct shop *shop = shop_new();
    struct import_result r = load(
        shop, "taobao-items",
        "子订单编号,主订单编号,标题,价格,购买数量,外部系统编号,商品属性,套餐信息,备注,订单状态,"
        "商家编码,支付单号,"
        "买家应付货款,买家实际支付金额,退款状态,退款金额,订单创建时间,订单付款时间\n"
        "11,M1,皂,35,1,,红,,,交易成功,C1,,35,30,没有申请退款,0,2024-01-02 03:04:05,2024-01-02 "
        "03:05:00\n"
        "11,M1,皂,35,1,,红,,,交易成功,C1,,35,30.00元,没有申请退款,0,2024-01-02 03:04:05,2024-01-02 "
        "03:05:00\n"
        "12,M1,霜,25,1,,红,,,交易关闭,C2,,25,20,退款成功,,2024-01-02 03:04:05,2024-01-02 03:05:00\n"
        "21,M2,皂,35,1,,红,,,交易成功,C1,,35,9,卖家拒绝退款,9,2024-01-02 03:04:05,2024-01-02 "
        "03:05:00\n"
        "22,M2,霜,35,2,,红,,,交易成功,C2,,35,8,退款成功,5,2024-01-02 03:04:05,2024-01-02 03:05:00\n"
        "31,M3,霜,35,2,,红,,,交易成功,C2,,35,8,部分退款,,2024-01-02 03:04:05,2024-01-02 03:05:00\n"
        "41,M4,霜,35,2,,红,,,交易成功,C2,,35,8,谁知道,,2024-01-02 03:04:05,2024-01-02 03:05:00\n"
        "51,M5,霜,35,2,,红,,,交易成功,C2,,35,8,部分已退款,,2024-01-02 03:04:05,2024-01-02 "
        "03:05:00\n"
        "61,M6,霜,35,2,,红,,,交易成功,C2,,35,8,已退款5元,,2024-01-02 03:04:05,2024-01-02 "
        "03:05:00\n");
    assert_int_equal(r.rows_rejected, 4);
    assert_int_equal(rejected(&r, ERR_IMPORT_REFUND_PARTIAL), 2);
    assert_int_equal(rejected(&r, ERR_IMPORT_REFUND_STATE), 2);
    assert_int_equal(r.rows_repeated, 1);
    assert_int_equal(r.order_lines, 4);
    assert_int_equal(r.orders_without_buyer, 2);
    assert_string_equal(shop_sql(shop, ORDERS), "M1|3|5000|2000\nM2|3|1700|500");
    shop_verify(shop);
    shop_close(shop);
}

/* 应付金额 is the order's and stands on both rows of 1, of which 5.50 was paid from a balance; 2 was cancelled after it was paid, 3
 * before. The receiver's phone is the same for two accounts: they stay two. */
static void test_jd(void **state)
{
    (void)state;
    struct shop *shop = shop_new();
    struct import_result r = load(
        shop, "jd",
        "订单号,商品ID,商品名称,订购数量,支付方式,下单时间,京东价,订单金额,结算金额,余额支付,"
        "应付金额,订单状态,订单类型,下单帐号,"
        "客户姓名,客户地址,联系电话,订单备注,商家备注等级（等级1-5为由高到低）,运费金额,"
        "付款确认时间,货号\n"
        "1,p1,皂,2,在线,2024-01-02 "
        "03:04:05,60,130,128,5.50,115,完成,SOP,jd_a,李四,,13900000000,,,0,2024-01-02 03:05:00,\n"
        "1,p2,霜,1,在线,2024-01-02 "
        "03:04:05,10,130,128,5.50,115,完成,SOP,jd_a,李四,,13900000000,,,0,2024-01-02 03:05:00,\n"
        "2,p1,皂,1,在线,2024-01-02 "
        "03:04:05,60,60,60,0,60,已取消,SOP,jd_b,李四,,13900000000,,,0,2024-01-02 03:05:00,\n"
        "3,p1,皂,1,在线,2024-01-02 03:04:05,60,60,60,0,60,已取消,SOP,jd_b,李四,,13900000000,,,0,,\n"
        "4,p1,皂,1,在线,2024-01-02 "
        "03:04:05,60,60,60,0,-,等待付款,SOP,jd_b,李四,,139****0000,,,0,,\n");
    assert_int_equal(r.rows_rejected, 0);
    assert_int_equal(r.customers_seen, 2);
    assert_int_equal(r.order_lines, 5);
    assert_int_equal(r.amount_minor, 12050 + 6000);
    assert_int_equal(r.orders_unpaid, 2);
    assert_string_equal(shop_sql(shop, ORDERS), "1|3|12050|0\n2|4|6000|6000\n3|4|6000|0\n4|0|0|0");
    assert_string_equal(shop_sql(shop, "SELECT COUNT(*) FROM customer"), "2");
    shop_verify(shop);
    shop_close(shop);
}

static const struct err *read_left_out(struct tx *tx, void *arg)
{
    return order_left_out(tx, arg);
}

/* No buyer: all orders stand on placeholders. Refunded by 订单状态 (2, 3, 8) and by 售后状态 (4);
 * the day of 5 is in its number: 2024-03-05 is day 19787. */
static void test_pinduoduo(void **state)
{
    (void)state;
    struct shop *shop = shop_new();
    struct import_result r = load(
        shop, "pinduoduo",
        "订单成交时间,商品,订单号,订单状态,商品总价(元),邮费(元),用户实付金额(元),商家实收金额(元),"
        "商品数量(件),发货时间,商品id,商品规格,"
        "商家编码-规格维度,售后状态,快递单号,收货人,手机\n"
        "2024-01-02 "
        "03:04:05,皂,240102-1,已签收,99,0,\"1,010.5\",1012,2,,7,红,S1,无售后或售后取消,,张**,138***"
        "*0000\n"
        "2024-01-02 "
        "03:04:05,皂,240102-2,未发货，退款成功,99,0,20,22,1,,7,红,S1,退款成功,,张三,13800000000\n"
        "2024-01-02 "
        "03:04:05,皂,240102-3,\"已发货,退款成功\",99,0,30,32,1,,7,红,S1,无售后或售后取消,,张三,"
        "13800000000\n"
        "2024-01-02 03:04:05,皂,240102-4,已发货，待签收,99,0,40,42,1,,7,红,S1,退款成功,,,\n"
        "-,皂,240305-5,待支付,99,0,50,52,1,,7,红,S1,,,,\n"
        ",皂,240102-6,已取消,99,0,60,62,1,,7,红,S1,无售后或售后取消,,,\n"
        "2024-01-02 03:04:05,皂,240102-8,已取消，退款成功,99,0,70,72,1,,7,红,S1,,,,\n"
        ",皂,X-7,已签收,99,0,60,62,1,,7,红,S1,无售后或售后取消,,,\n");
    assert_int_equal(rejected(&r, ERR_IMPORT_EMPTY), 1);
    assert_int_equal(r.rows_rejected, 1);
    assert_int_equal(r.orders_without_buyer, 7);
    assert_int_equal(r.customers_seen, 0);
    assert_int_equal(r.amount_minor, 101050 + 2000 + 3000 + 4000 + 7000);
    assert_int_equal(r.orders_unpaid, 2);
    assert_int_equal(r.last_day, 19787);
    assert_string_equal(
        shop_sql(shop, ORDERS),
        "240102-1|3|101050|0\n240102-2|1|2000|2000\n240102-3|2|3000|3000\n240102-4|2|4000|4000\n"
        "240102-6|4|6000|0\n240102-8|4|7000|7000\n240305-5|0|5000|0");
    assert_string_equal(shop_sql(shop, "SELECT COUNT(*) FROM identity"), "0");
    struct left_out left_out; /* what every report says */
    test_read(shop->test, read_left_out, &left_out);
    assert_int_equal(left_out.orders, 5);
    assert_int_equal(left_out.amount_minor, 101050 + 2000 + 3000 + 4000 + 7000);
    shop_close(shop);
}

/* M2: sub-orders in two rows, one of them given back; M3: merged in one row, 5 + 6, the second
 * given back; M4: merged, one amount for both; M5: quantity has three parts and the row two lines;
 * M6 was never paid. */
static void test_douyin(void **state)
{
    (void)state;
    struct shop *shop = shop_new();
    struct import_result r = load(
        shop, "douyin",
        "\xEF\xBB\xBF主订单编号,子订单编号,选购商品,商品规格,商品数量,商家编码,订单应付金额,运费,"
        "收件人,收件人手机号,详细地址,订单提交时间,"
        "商家备注,订单完成时间,订单状态,售后状态,取消原因,发货时间,平台实际承担优惠金额,达人昵称\n"
        "\"\tM1\",\"\t11\",洗面奶;150ml,,1,C1,59.90,0,#a#,1******9993,,2024-01-02 "
        "03:04:05,,,已完成,-,,,0,小美\n"
        "\"\tM2\",\"\t21\",a,,1,C1,20,0,#a#,13800000001,,2024-01-02 03:04:05,,,已完成,-,,,0,小美\n"
        "\"\tM2\",\"\t22\",b,,1,C2,30,0,#a#,13800000001,,2024-01-02 "
        "03:04:05,,,已关闭,退款成功,,,0,小美\n"
        "\"\tM3\",\"\t31;32\",x;y,,1;2,C1;C2,5;6,0,#a#,##密文,,2024-01-02 "
        "03:04:05,,,已发货;已发货,-;已全额退款,,,0,小美\n"
        "\"\tM4\",\"\t41；42；\",x；y,,1；2,C1,11,0,#a#,$k$,,2024-01-02 "
        "03:04:05,,,已发货,-,,,0,小美\n"
        "\"\tM5\",\"\t51;52\",x;y,,1;2;3,C1;C2,5;6,0,#a#,$k$,,2024-01-02 "
        "03:04:05,,,已发货,-,,,0,小美\n"
        "\"\tM6\",\"\t61\",x,,1,C1,66,0,#a#,~k~,,2024-01-02 "
        "03:04:05,,,已关闭,,超时未支付,,0,小美\n");
    assert_int_equal(r.rows_rejected, 1);
    assert_int_equal(rejected(&r, ERR_IMPORT_SPLIT), 1);
    assert_int_equal(r.amount_minor, 5990 + 5000 + 1100 + 1100);
    assert_int_equal(r.orders_unpaid, 1);
    assert_int_equal(r.orders_without_buyer, 4);
    assert_int_equal(r.orders_by_receiver, 1);
    assert_int_equal(r.masked_values, 4); /* of rows that are read; M5 is not */
    assert_string_equal(shop_sql(shop, ORDERS),
                        "M1|3|5990|0\nM2|3|5000|3000\nM3|2|1100|600\nM4|2|1100|0\nM6|4|6600|0");
    assert_string_equal(
        shop_sql(
            shop,
            "SELECT o.number, l.quantity_milli, l.amount_minor FROM orders o JOIN order_line l "
            "ON l.customer_id = o.customer_id AND l.order_id = o.order_id WHERE o.number IN "
            "('M1', 'M3', 'M4')"),
        "M1|1000|5990\nM3|1000|500\nM3|2000|600\nM4|1000|1100\nM4|2000|0");
    shop_verify(shop);
    shop_close(shop);
}

/* 1: two products, the order's cells on the first row; 12.50 of one was given back. 2 was cancelled
 * after it was paid: 105 with freight. */
static void test_wechat_shop(void **state)
{
    (void)state;
    struct shop *shop = shop_new();
    struct import_result r =
        load(shop, "wechat-shop",
             "订单号,订单下单时间,订单状态,收件人姓名,收件人手机,商品总价,订单实际支付金额,"
             "订单实际收款金额,订单运费,支付时间,带货账号昵称,商品名称,"
             "商品编码(平台/自定义),SKU编码(自定义),商品价格(单件),商品实际价格(单件/"
             "总共),商品数量,商品售后,商品已退款金额\n"
             "1,2024-01-02 03:04:05,已完成,王,13800000001,120,110.00,109,10,2024-01-02 "
             "03:05:00,网红,皂,1/a,S1,40,30.00/60.00,2,售后中,12.50\n"
             ",,,,,,,,,,,霜,1/b,S2,40,40.00/40.00,1,,0\n"
             "2,2024-01-03 03:04:05,已取消,王,138****0001,100,105.00,0,5,2024-01-03 "
             "03:05:00,,皂,1/a,S1,100,100/100,1,,0\n"
             "3,2024-01-03 "
             "03:04:05,待付款,王,138****0001,100,105.00,0,5,,,皂,1/a,S1,100,100/100,1,,0\n");
    assert_int_equal(r.rows_rejected, 0);
    assert_int_equal(r.order_lines, 4);
    assert_int_equal(r.amount_minor, 11000 + 10500);
    assert_int_equal(r.refund_minor, 1250 + 10500);
    assert_string_equal(shop_sql(shop, ORDERS), "1|3|11000|1250\n2|4|10500|10500\n3|0|10500|0");
    assert_string_equal(shop_sql(shop, "SELECT l.amount_minor FROM order_line l JOIN orders o ON "
                                       "l.customer_id = o.customer_id "
                                       "AND l.order_id = o.order_id WHERE o.number = '1'"),
                        "4000\n6000");
    shop_close(shop);
}

/* The second row ends before its number: it is cut off, and no further line of the order above. */
static void test_cut_off(void **state)
{
    (void)state;
    struct shop *shop = shop_new();
    struct import_result r =
        load(shop, "wechat-shop",
             "商品名称,商品数量,订单下单时间,订单状态,订单实际支付金额,支付时间,收件人手机,"
             "订单实际收款金额,带货账号昵称,SKU编码(自定义),订单号\n"
             "皂,1,2024-01-02 03:04:05,已完成,110,2024-01-02 03:05:00,13800000001,110,,S1,1\n"
             "皂,1\n"
             "霜,1,,,,,,,,S2,\n");
    assert_int_equal(r.rows_rejected, 1);
    assert_int_equal(r.order_lines, 2);
    assert_string_equal(shop_sql(shop, ORDERS), "1|3|11000|0");
    shop_close(shop);
}

/* The buyer's phone is another one than the receiver's, and both orders are one buyer's. The third
 * is not paid: its time is in its number, 2024-05-25 (day 19868). A nickname is no identity. */
static void test_youzan(void **state)
{
    (void)state;
    struct shop *shop = shop_new();
    struct import_result r =
        load(shop, "youzan",
             "订单号,订单状态,买家付款时间,订单实付金额,全部商品名称,商品种类数,收货人/"
             "提货人,收货人手机号/提货人手机号,收货人省份,买家昵称,买家手机号,分销员\n"
             "E20240102220543065306159,交易完成,2024-01-02 "
             "22:06:00,88.00,皂;霜,2,王,13800000001,浙江,小猫,13900000001,王五\n"
             "E20240103220543065306160,交易关闭,2024-01-03 "
             "22:06:00,12.00,皂,1,李,13800000002,浙江,小猫,13900000001,王五\n"
             "E20240525220543065306161,待付款,-,15.00,皂,1,李,13800000002,浙江,小猫,-,王五\n");
    assert_int_equal(r.rows_rejected, 0);
    assert_int_equal(r.customers_seen, 2);
    assert_int_equal(r.orders_by_receiver, 1);
    assert_int_equal(r.amount_minor, 10000);
    assert_int_equal(r.last_day, 19868);
    assert_string_equal(shop_sql(shop, "SELECT state, amount_minor, refunded_minor FROM orders"),
                        "0|1500|0\n3|8800|0\n4|1200|1200");
    shop_verify(shop);
    shop_close(shop);
}

/* Merged cells: the second row continues the first order. TAB between cells. A row of its own
 * without a number is wrong. */
static void test_1688(void **state)
{
    (void)state;
    struct shop *shop = shop_new();
    struct import_result r =
        load(shop, "1688",
             "订单号\t下单时间\t物流公司\t实付款\t运单号\t买家\t收货地址\t货品标题\t规格\t数量\t退"
             "款状态\t订单状态\n"
             "1\t2024-01-02 03:04\t\t100.00\t\tshop_a\t\tA\t\t2\t\t交易成功\n"
             "\t\t\t\t\t\t\tB\t\t3\t\t\n"
             "2\t2024-01-02 03:04\t\t40.00\t\tshop_b\t\tC\t\t1\t退款成功\t交易关闭\n"
             "\t2024-01-02 03:04\t\t9\t\tshop_b\t\tC\t\t1\t\t交易成功\n"
             "合计\t\t\t140\t\t\t\t\t\t6\t\t\n");
    assert_int_equal(r.delimiter, '\t');
    assert_int_equal(r.rows_rejected, 1);
    assert_int_equal(rejected(&r, ERR_IMPORT_EMPTY), 1);
    assert_int_equal(r.rows_total, 1);
    assert_int_equal(r.order_lines, 3);
    assert_int_equal(r.customers_seen, 2);
    assert_string_equal(shop_sql(shop, ORDERS), "1|3|10000|0\n2|4|4000|4000");
    shop_close(shop);
}

/* --- What is not recognised, and why --- */

static void test_no_orders(void **state)
{
    (void)state;
    struct shop *shop = shop_new();
    struct import_result result;
    struct str path = shop_file(
        shop, "a.csv", "动账时间,动帐流水号,动账方向,动账金额,动账账户,子订单号,订单号,订单退款\n");
    const struct err *err = recognise(shop, path);
    assert_int_equal(err->code, ERR_MAP_NO_ORDERS);
    path = shop_file(
        shop, "b.csv",
        "快递公司,获取时间,电子面单号,订单号,运输状态,计费重量(KG),费用(元),收件人姓名\n");
    assert_int_equal(recognise(shop, path)->code, ERR_MAP_NO_ORDERS);
    shop_must(shop->arena, import_map_read(shop->arena, STR("youzan-logistics"), &shop->map));
    assert_int_equal(shop_try(shop, path, false, INT64_MIN, &result)->code, ERR_MAP_NO_ORDERS);
    shop_close(shop);
}

static void test_not_recognised(void **state)
{
    (void)state;
    struct shop *shop = shop_new();
    struct str path =
        shop_file(shop, "a.csv", "订单号,下单时间,买家,货品标题,订单状态\n1,2,3,4,5\n");
    const struct err *err = recognise(shop, path);
    assert_int_equal(err->code, ERR_MAP_NEARLY_FITS);
    assert_true(str_starts(err->arg[1], STR("1688 (")));
    assert_string_equal(str_z(shop->arena, err->arg[2]), "实付款");
    path = shop_file(shop, "b.csv", "\n");
    assert_int_equal(recognise(shop, path)->code, ERR_MAP_NOT_RECOGNISED);
    shop_close(shop);
}

/* Both jd and 1688 know five of these columns, and miss none that they need: nothing is guessed.
 * With one more, 1688 wins, and the answer says what it knows and which came second. */
static void test_ties(void **state)
{
    (void)state;
    struct shop *shop = shop_new();
    struct import_recognition why;
    struct str path =
        shop_file(shop, "a.csv", "订单号,下单时间,应付金额,京东价,实付款,货品标题,订单状态\n");
    const struct err *err = recognise(shop, path);
    assert_int_equal(err->code, ERR_MAP_TIE);
    assert_string_equal(str_z(shop->arena, err->arg[2]), "5");
    path = shop_file(shop, "b.csv",
                     "订单号,下单时间,应付金额,京东价,实付款,货品标题,运单号,订单状态\n");
    shop_must(shop->arena, import_map_recognise(shop->arena, path, NULL, &shop->map, &why));
    assert_true(str_eq(shop->map->name, STR("1688")));
    assert_int_equal(why.found_count, 5);  /* 订单号, 下单时间, 实付款, 货品标题, 订单状态 */
    assert_int_equal(why.unread_count, 1); /* 运单号 */
    assert_true(str_eq(why.foreign[0], STR("应付金额")));
    assert_true(str_eq(why.next, STR("jd")));
    assert_int_equal(why.next_columns, 5);
    shop_close(shop);
}

static const struct err *recognise_text(struct shop *shop, const char *text)
{
    return recognise(shop, shop_file(shop, "table.csv", text));
}

/* Words that any table has choose no platform's map, but the one for tables of one's own, and only
 * where it is sure which column is the amount paid. */
static void test_own(void **state)
{
    (void)state;
    struct shop *shop = shop_new();
    struct import_result r = load(shop, "own",
                                  "订单号,下单时间,客户,手机号,商品,数量,金额\n"
                                  "A1,2024-01-02,王小明,13912345678,保湿霜,2,59.90\n"
                                  "A2,2024-01-03,李四,13912345679,面膜,1,19.90\n");
    assert_int_equal(r.orders_new, 2);
    assert_int_equal(r.amount_minor, 7980);
    assert_int_equal(r.customers_seen, 2);
    assert_int_equal(r.orders_unpaid, 0);
    shop_must(shop->arena, recognise_text(shop, "Order ID,Date,Customer,Email,Total\n"));
    assert_true(str_eq(shop->map->name, STR("own")));
    shop_must(shop->arena, recognise_text(shop, "单号,日期,应付金额,实付,电话,状态\n"));
    assert_true(str_eq(shop->map->name, STR("own")));
    shop_must(shop->arena, recognise_text(shop, "单号,日期,姓名,品名,单价,数量,小计\n"));
    assert_true(str_eq(shop->map->name, STR("own-lines")));
    const struct err *err = recognise_text(shop, "单号,日期,姓名,品名,单价,数量,金额\n");
    assert_int_equal(err->code, ERR_MAP_DOUBTFUL);
    assert_string_equal(str_z(shop->arena, err->arg[0]), "金额");
    assert_string_equal(str_z(shop->arena, err->arg[1]), "单价");
    assert_int_equal(recognise_text(shop, "单号,日期,金额,总金额\n")->code, ERR_MAP_DOUBTFUL);
    assert_int_equal(recognise_text(shop, "单号,日期,应付金额\n")->code, ERR_MAP_NEARLY_FITS);
    shop_close(shop);
}

/* Names that any table may have do not say whose an amount is that stands on two rows of an order. */
static void test_own_amounts(void **state)
{
    (void)state;
    struct shop *shop = shop_new();
    static const char text[] = "订单号,下单时间,手机号,商品,实付金额\n"
                               "A1,2024-01-02,13912345678,保湿霜,50\n"
                               "A1,2024-01-02,13912345678,面膜,30\n"
                               "A2,2024-01-02,13912345678,面膜,30\n";
    struct import_result r = load(shop, "own", text);
    assert_int_equal(r.orders_new, 1);
    assert_int_equal(rejected(&r, ERR_IMPORT_AMOUNT_ROWS), 2);
    shop_must(shop->arena, import_map_read(shop->arena, STR("own-lines"), &shop->map));
    shop_must(shop->arena, shop_try(shop, shop_file(shop, "a.csv", text), true, INT64_MIN, &r));
    assert_int_equal(r.amount_minor, 11000);
    shop_close(shop);
}

/* Headers of other lists and bills; the bills' as their makers write them, below their comments. */
static void test_other_lists(void **state)
{
    (void)state;
    struct shop *shop = shop_new();
    static const char *const texts[] = {
        "商品ID,商品名称,售价,库存,上架时间\n",
        "昵称,手机号,会员等级,累计消费金额,最近消费时间\n",
        "快递单号,快递公司,订单号,收件人,计费重量(KG),运费(元)\n",
        "#支付宝业务明细查询\n#账号：[20880000]\n#起始日期：[2024年06月01日]\n"
        "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,"
        "对方账户,订单金额（元）,商家实收（元）,支付宝红包（元）,备注\n",
        "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,"
        "付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,退款金额,商品名称,手续费,费率,订单金额\n",
        "微信支付账单明细\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\n"
        "交易时间,交易类型,交易对方,商品,收/支,金额(元),支付方式,当前状态,交易单号,商户单号,备注\n"};
    static const char *const titles[] = {"商品列表",   "会员（客户）列表", "快递（物流）运单列表",
                                         "支付宝账单", "微信支付账单",     "微信支付账单"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const struct err *err = recognise_text(shop, texts[i]);
        assert_int_equal(err->code, ERR_MAP_NO_ORDERS);
        assert_string_equal(str_z(shop->arena, err->arg[1]), titles[i]);
    }
    /* A table of orders that has a few such columns stays one. */
    shop_must(shop->arena,
              recognise_text(shop, "订单号,下单时间,姓名,手机号,实付金额,会员等级,快递单号\n"));
    assert_true(str_eq(shop->map->name, STR("own")));
    shop_close(shop);
}

/* What a person can choose from is there where nothing was recognised, too. */
static void test_candidates(void **state)
{
    (void)state;
    struct shop *shop = shop_new();
    struct import_recognition why;
    struct import_map *map;
    struct str path = shop_file(shop, "a.csv", "订单号,下单时间,货品标题,订单状态\n");
    assert_int_equal(import_map_recognise(shop->arena, path, NULL, &map, &why)->code,
                     ERR_MAP_NEARLY_FITS);
    assert_true(why.candidate_count > 1);
    assert_true(str_eq(why.candidates[0].name, STR("1688")));
    assert_true(why.candidates[0].is_distinctive);
    assert_int_equal(why.candidates[0].columns, 4);
    assert_int_equal(why.candidates[0].missing_count, 1);
    assert_true(str_eq(why.candidates[0].missing[0], STR("实付款")));
    assert_false(why.candidates[1].is_distinctive && why.candidates[1].missing_count == 0);
    shop_close(shop);
}

/* A comma in a cell without quotes shifts what follows; its last cell is empty, so that no text
 * stands beyond the header. Where each row ends in a comma nothing is shifted. */
static void test_shifted(void **state)
{
    (void)state;
    struct shop *shop = shop_new();
    struct import_result r = load(shop, "1688",
                                  "订单号,下单时间,实付款,订单状态,货品标题,备注\n"
                                  "1,2024-01-02,5,交易成功,霜,\n"
                                  "2,2024-01-02,5,交易成功,霜,乳,\n"
                                  "3,2024-01-02,5,交易成功,霜,\n");
    assert_int_equal(r.orders_new, 2);
    assert_int_equal(rejected(&r, ERR_IMPORT_CELLS_SHIFTED), 1);
    r = load(shop, "1688",
             "订单号,下单时间,实付款,订单状态,货品标题\n"
             "4,2024-01-02,5,交易成功,霜,\n5,2024-01-02,5,交易成功,霜,\n");
    assert_int_equal(r.orders_new, 2);
    assert_int_equal(r.rows_rejected, 0);
    shop_close(shop);
}

/* A phone that a spreadsheet showed as a figure comes back with another export; a masked one does
 * not. One whose digits are all there is read. */
static void test_lost_values(void **state)
{
    (void)state;
    struct shop *shop = shop_new();
    struct import_result r = load(shop, "own",
                                  "订单号,下单时间,手机号,实付金额\n"
                                  "A1,2024-01-02,1.38E+10,5\nA2,2024-01-02,138****0000,5\n"
                                  "A3,45293.5,13912345678.00,5\n");
    assert_int_equal(r.orders_new, 3);
    assert_int_equal(r.lost_values, 1);
    assert_int_equal(r.masked_values, 1);
    assert_int_equal(r.orders_without_buyer, 2);
    assert_int_equal(r.customers_seen, 1);
    assert_int_equal(r.last_day, 19724); /* 45293 is 2024-01-02 */
    shop_close(shop);
}

/* A named preset finds header and delimiter too; where a needed column is missing it says so. */
static void test_named(void **state)
{
    (void)state;
    struct shop *shop = shop_new();
    struct import_result r;
    shop_must(shop->arena, import_map_read(shop->arena, STR("1688"), &shop->map));
    struct str path = shop_file(
        shop, "a.csv", "标题\n订单号;下单时间;实付款(元);订单状态\n1;2024-01-02;5;交易成功\n");
    shop_must(shop->arena, shop_try(shop, path, false, INT64_MIN, &r));
    assert_int_equal(r.orders_new, 1);
    assert_int_equal(r.header_row, 2);
    path = shop_file(shop, "b.csv", "订单号,下单时间,订单状态\n1,2024-01-02,交易成功\n");
    assert_int_equal(shop_try(shop, path, false, INT64_MIN, &r)->code, ERR_MAP_COLUMN_MISSING);
    shop_close(shop);
}

/* --- Maps of one's own on top --- */

static void test_extends(void **state)
{
    (void)state;
    struct shop *shop = shop_new();
    shop_map(shop, "{\"name\": \"mine\", \"extends\": \"taobao\", \"columns\": {\"order_amount\": "
                   "\"实际付款\"}, "
                   "\"states\": {\"火星态\": \"shipped\", \"交易成功\": \"paid\"}, \"skip_when\": "
                   "[{\"column\": "
                   "\"订单编号\", \"equals\": \"9\"}]}");
    assert_true(shop->map->clean && shop->map->header_row == 0);
    assert_true(str_eq(shop->map->source, STR("taobao")));
    struct import_result r =
        shop_import(shop, "a.csv",
                    "订单编号,实际付款,订单状态,订单创建时间\n1,5元,火星态,2024-01-02\n"
                    "2,6元,交易成功,2024-01-02\n9,6元,交易成功,2024-01-02\n");
    assert_int_equal(r.rows_skipped, 1);
    assert_string_equal(shop_sql(shop, ORDERS), "1|2|500|0\n2|1|600|0");
    struct import_map *map;
    const struct err *err = import_map_of_text(
        shop->arena, STR("m"), STR("{\"name\": \"x\", \"extends\": \"nowhere\"}"), &map);
    assert_int_equal(err->code, ERR_MAP_EXTENDS);
    err = import_map_of_text(shop->arena, STR("m"), STR("{\"name\": \"x\"}"), &map);
    assert_int_equal(err->code, ERR_FIELD_MISSING);
    shop_close(shop);
}

/* Refund rows before and behind their order, one of an order that is nowhere: the dry run counts as
 * the import does. */
static void test_dry_run_refunds(void **state)
{
    (void)state;
    struct shop *shop = shop_new();
    shop_map(shop, "{\"name\": \"t\", \"source\": \"s\", \"time_format\": \"auto\", \"columns\": "
                   "{\"order_number\": \"no\", "
                   "\"order_time\": \"time\", \"order_amount\": \"sum\", \"refund_of\": \"of\"}, "
                   "\"refund_when\": "
                   "[{\"column\": \"no\", \"starts_with\": \"R\"}]}");
    struct str path = shop_file(
        shop, "a.csv",
        "no,time,sum,of\nR1,2024-01-05,3,A1\nA1,2024-01-02T03:04:05+08:00,10,\nA2,2024-01-02,10,\n"
        "R2,2024-01-05,4,A2\nR3,2024-01-05,4,A3\nR4,2024-01-05,1,\n");
    struct import_result dry, r;
    shop_must(shop->arena, shop_try(shop, path, true, INT64_MIN, &dry));
    shop_must(shop->arena, shop_try(shop, path, false, INT64_MIN, &r));
    assert_int_equal(r.refunds_without_order, 2);
    assert_int_equal(dry.refunds_without_order, 2);
    assert_int_equal(dry.refunds_new, r.refunds_new);
    assert_string_equal(
        shop_sql(shop,
                 "SELECT number, refunded_minor, occurred_at FROM orders WHERE number = 'A1'"),
        "A1|300|1704135845000000");
    shop_close(shop);
}

/* One lost quote costs one line, a row as a preset reads it too. */
static void test_unclosed_quote(void **state)
{
    (void)state;
    struct shop *shop = shop_new();
    struct buf text = buf_new(shop->arena, 1 << 20);
    buf_fmt(&text, "订单号,下单时间,实付款,买家,订单状态,货品标题\n1,2024-01-02,\"5,b,交易成功,c\n");
    for (int i = 2; i < 300; i++)
        buf_fmt(&text, "%d,2024-01-02,5,b,交易成功,c\n", i);
    struct import_result r = load(shop, "1688", str_z(shop->arena, buf_view(&text)));
    assert_int_equal(r.rows_rejected, 1);
    assert_int_equal(r.orders_new, 298);
    shop_close(shop);
}

/* The reject file of a preset, corrected, goes through the same preset, whatever the original's
 * delimiter was. */
static void test_correction(void **state)
{
    (void)state;
    struct shop *shop = shop_new();
    struct import_result r = load(
        shop, "1688",
        "说明\n订单号;下单时间;实付款;买家;订单状态;货品标题\n1;2024-01-02;五元;b;交易成功;c\n");
    assert_int_equal(r.rows_rejected, 1);
    struct str text;
    shop_must(shop->arena, file_read(shop->arena, r.reject_path, 1 << 20, &text));
    const char *from = str_z(shop->arena, text), *at = strstr(from, "五元");
    assert_non_null(at);
    struct str fixed =
        str_fmt(shop->arena, "%.*s5元%s", (int)(at - from), from, at + strlen("五元"));
    r = load(shop, "1688", str_z(shop->arena, fixed));
    assert_int_equal(r.orders_new, 1);
    assert_int_equal(r.rows_rejected, 0);
    shop_close(shop);
}

/* A workbook's figure of more than 15 digits is no order number, and no phone; its rows may end
 * early. */
static void test_workbook_cells(void **state)
{
    (void)state;
    struct shop *shop = shop_new();
    struct import_reader reader = {
        .brand = shop->brand, .path = STR("f.xlsx"), .now_us = shop->test->now_us};
    const struct str header[] = {STR_INIT("订单号"), STR_INIT("下单时间"), STR_INIT("实付款"),
                                 STR_INIT("买家"), STR_INIT("订单状态")};
    struct str cells[] = {STR("2024010100000001200"), STR("2024-01-02 03:04:05"), STR("5"),
                          STR("b")};
    uint8_t kinds[] = {TABLE_CELL_NUMBER, TABLE_CELL_TIME, TABLE_CELL_NUMBER, TABLE_CELL_TEXT};
    struct table_row row = {.cells = cells, .kinds = kinds, .cell_count = 4, .line_number = 2};
    struct import_row out;
    shop_must(shop->arena, import_map_read(shop->arena, STR("1688"), &shop->map));
    shop_must(shop->arena,
              import_columns_bind(shop->arena, STR("f"), shop->map, header, 5, &reader.columns));
    reader.zone = shop->brand->zone;
    assert_int_equal(import_row_read(shop->arena, &reader, &row, &out)->code,
                     ERR_IMPORT_DIGITS_LOST);
    cells[0] = STR("202401010000012");
    shop_must(shop->arena, import_row_read(shop->arena, &reader, &row, &out));
    assert_int_equal(out.identity_count, 1);
    cells[3] = STR("1390000000000000");
    kinds[3] = TABLE_CELL_NUMBER;
    shop_must(shop->arena, import_row_read(shop->arena, &reader, &row, &out));
    assert_int_equal(out.identity_count, 0);
    assert_int_equal(out.masked_values, 0);
    assert_int_equal(out.lost_values, 1);
    row.kinds = NULL; /* a text file's row that ends early is wrong */
    assert_int_equal(import_row_read(shop->arena, &reader, &row, &out)->code, ERR_IMPORT_CELLS);
    shop_close(shop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_taobao),
        cmocka_unit_test(test_taobao_new),
        cmocka_unit_test(test_taobao_items),
        cmocka_unit_test(test_jd),
        cmocka_unit_test(test_pinduoduo),
        cmocka_unit_test(test_douyin),
        cmocka_unit_test(test_wechat_shop),
        cmocka_unit_test(test_cut_off),
        cmocka_unit_test(test_youzan),
        cmocka_unit_test(test_1688),
        cmocka_unit_test(test_no_orders),
        cmocka_unit_test(test_not_recognised),
        cmocka_unit_test(test_ties),
        cmocka_unit_test(test_named),
        cmocka_unit_test(test_extends),
        cmocka_unit_test(test_dry_run_refunds),
        cmocka_unit_test(test_unclosed_quote),
        cmocka_unit_test(test_own),
        cmocka_unit_test(test_own_amounts),
        cmocka_unit_test(test_other_lists),
        cmocka_unit_test(test_candidates),
        cmocka_unit_test(test_shifted),
        cmocka_unit_test(test_lost_values),
        cmocka_unit_test(test_correction),
        cmocka_unit_test(test_workbook_cells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
