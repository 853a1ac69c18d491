/* link: room_order */
/* Cells, names and times as merchants' files write them. The traps are those of
 * ../shared/facts/merchant-files.md; what a time says is worked out by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "room/order/import_row.h"

static struct arena *arena;

static int setup(void **state)
{
    (void)state;
    secret_init();
    arena = arena_new("test", (size_t)1 << 26);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static void expect(enum import_kind kind, const char *raw, const char *want)
{
    bool masked;
    struct str got = import_clean(arena, kind, str_c(raw), &masked);
    assert_false(masked);
    if (want)
        assert_string_equal(str_z(arena, got.p ? got : STR("(empty)")), want);
    else
        assert_null(got.p);
}

static void expect_masked(enum import_kind kind, const char *raw)
{
    bool masked;
    assert_null(import_clean(arena, kind, str_c(raw), &masked).p);
    assert_true(masked);
}

static void test_wrapping(void **state)
{
    (void)state;
    expect(IMPORT_ORDER_NUMBER, "\t6917926768823643751", "6917926768823643751");
    expect(IMPORT_ORDER_NUMBER, "=\"012345678901234567\"", "012345678901234567");
    expect(IMPORT_ORDER_NUMBER, "=\"\t12 \"", "12");
    expect(IMPORT_ORDER_NUMBER, "１２３－４", "123-4");
    expect(IMPORT_ORDER_NUMBER, "\xEF\xBB\xBF\xE2\x80\x8B 12\xE3\x80\x80", "12");
    expect(IMPORT_RECEIVER_PHONE, "'13912345678", "13912345678");
    expect(IMPORT_PRODUCT_NAME, "Ａ款", "Ａ款"); /* a name stays as it is written */
    expect(IMPORT_PRODUCT_NAME, "12\" 尺子", "12\" 尺子");
    expect(IMPORT_ORDER_NUMBER, "=\"", "=\"");
}

static void test_empty(void **state)
{
    (void)state;
    static const char *const words[] = {"",     "-",    "--", "—",   "无",
                                        "null", "NULL", "/",  " - ", "N/A"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        expect(IMPORT_PAID_TIME, words[i], NULL);
    expect(IMPORT_PAID_TIME, "0000-00-00 00:00:00", NULL);
    expect(IMPORT_PRODUCT_NAME, "无线耳机", "无线耳机");
    expect(IMPORT_LINE_AMOUNT, "-5", "-5");
}

static void test_amounts(void **state)
{
    (void)state;
    expect(IMPORT_ORDER_AMOUNT, "1,059.90元", "1,059.90");
    expect(IMPORT_ORDER_AMOUNT, "￥50.00", "50.00");
    expect(IMPORT_ORDER_AMOUNT, "¥ 50.00", "50.00");
    expect(IMPORT_ORDER_AMOUNT, "-¥5.00", "-5.00");
    expect(IMPORT_ORDER_AMOUNT, "CNY 12", "12");
    expect(IMPORT_ORDER_AMOUNT, "１２．５０元", "12.50");
    expect(IMPORT_ORDER_AMOUNT, "元", "元"); /* no number: an error, not nothing */
    expect(IMPORT_QUANTITY, "3件", "3");
    expect(IMPORT_PRODUCT_NAME, "十元店", "十元店");
}

static void test_masked(void **state)
{
    (void)state;
    static const char *const phones[] = {
        "1******9993", "****",       "##密文",           "$abc$",
        "#x/y==#",     "~Zm9v~",     "13800138000-1234", "13800138000转1234",
        "1.39E+10",    "139＊＊5678"};
    for (size_t i = 0; i < sizeof(phones) / sizeof(phones[0]); i++)
        expect_masked(IMPORT_RECEIVER_PHONE, phones[i]);
    expect_masked(IMPORT_BUYER_NAME, "张**");
    expect_masked(IMPORT_BUYER_ID, "t**1");
    expect_masked(IMPORT_BUYER_ID, "~Qm~");
    expect(IMPORT_BUYER_ID, "#1fan", "#1fan");
    expect(IMPORT_PHONE, "0571-88888888", "0571-88888888");
    expect(IMPORT_PRODUCT_NAME, "五*星", "五*星"); /* no person */
}

/* What a spreadsheet made of a number of up to 15 digits is turned back. */
static void test_figures(void **state)
{
    (void)state;
    expect(IMPORT_ORDER_NUMBER, "291234567890", "291234567890");
    expect(IMPORT_ORDER_NUMBER, "291234567890.0", "291234567890");
    expect(IMPORT_ORDER_NUMBER, "291234567890.00", "291234567890");
    expect(IMPORT_ORDER_NUMBER, "291,234,567,890", "291234567890");
    expect(IMPORT_ORDER_NUMBER, "1,234.0", "1234");
    /* Not such figures: they are numbers of their own. */
    expect(IMPORT_ORDER_NUMBER, "2912.5", "2912.5");
    expect(IMPORT_ORDER_NUMBER, "12,34", "12,34");
    expect(IMPORT_ORDER_NUMBER, "1,2345", "1,2345");
    expect(IMPORT_ORDER_NUMBER, "1234,567", "1234,567");
    expect(IMPORT_ORDER_NUMBER, ",123", ",123");
    expect(IMPORT_ORDER_NUMBER, "123.", "123.");
    expect(IMPORT_ORDER_NUMBER, ".0", ".0");
    expect(IMPORT_ORDER_NUMBER, "A1.0", "A1.0");
    expect(IMPORT_PRODUCT_CODE, "12.0", "12.0");
    assert_true(import_digits_lost(STR("256178943210987000.00")));
    assert_false(import_digits_lost(STR("256178943210987000")));
    assert_false(import_digits_lost(STR("256178943210987000.10")));
    assert_false(import_digits_lost(STR("123456789012345.0")));
}

static void test_digits_lost(void **state)
{
    (void)state;
    assert_true(import_digits_lost(STR("6.91793E+18")));
    assert_true(import_digits_lost(STR("6.9e18")));
    assert_true(import_digits_lost(STR("7E+18")));
    assert_false(import_digits_lost(STR("E20260525220543065306159")));
    assert_false(import_digits_lost(STR("7E18")));
    assert_false(import_digits_lost(STR("12.5E+18")));
    assert_false(import_digits_lost(STR("6.9")));
    assert_false(import_digits_lost(STR("6.9E+")));
    assert_false(import_digits_lost(STR("")));
}

static void test_totals(void **state)
{
    (void)state;
    static const char *const yes[] = {"总计", "合计：", "合计:25单", " 小计 ", "Total", "本页小计",
                                      "总计(1单)", "总计（25笔）", "合计 3 单", "共 3 单", "共25条记录"};
    static const char *const no[] = {"合计划", "总计算机", "小计时器", "Totally", "", "12",
                                     "共享单车", "总计3号", "共", "共3", "共(3)"};
    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
        assert_true(import_is_total_word(str_c(yes[i])));
    for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
        assert_false(import_is_total_word(str_c(no[i])));
}

static void same_name(const char *a, const char *b)
{
    assert_string_equal(str_z(arena, import_name_key(arena, str_c(a))),
                        str_z(arena, import_name_key(arena, str_c(b))));
}

static void test_names(void **state)
{
    (void)state;
    same_name("用户实付金额(元)", "用户实付金额");
    same_name("用户实付金额（元）", "用户实付金额 (元)");
    same_name("\xEF\xBB\xBF\t订单 编号", "订单编号");
    same_name("商品ＩＤ", "商品id");
    same_name("买家已付款，等待卖家发货", "买家已付款,等待卖家发货");
    same_name("收货人手机号/提货人手机号", "收货人手机号／提货人手机号");
    assert_string_equal(str_z(arena, import_name_key(arena, STR("元"))), "元");
    assert_int_equal(import_name_key(arena, STR(" -（）")).n, 0);
}

/* A time read, as its day since 1970 and second of the day: days by `date -u -d DAY +%s` / 86400.
 */
static void reads(const char *text, int32_t day, int second_of_day, int microsecond)
{
    struct civil c;
    int32_t offset;
    assert_int_equal(import_time_auto(str_c(text), &c, &offset), IMPORT_TIME_READ);
    assert_int_equal(day_of_civil(c.year, c.month, c.day), day);
    assert_int_equal((c.hour * 60 + c.minute) * 60 + c.second, second_of_day);
    assert_int_equal(c.microsecond, microsecond);
    assert_int_equal(offset, INT32_MIN);
}

static void refuses(const char *text, enum import_time why)
{
    struct civil c;
    int32_t offset;
    assert_int_equal(import_time_auto(str_c(text), &c, &offset), why);
}

static void test_times(void **state)
{
    (void)state;
    /* 2024-01-02 is day 19724; 03:04 is second 11040, 03:04:05 is 11045. */
    reads("2024-01-02 03:04", 19724, 11040, 0);
    reads("2024-01-02 03:04:05", 19724, 11045, 0);
    reads("2024-01-02 03:04:05.678", 19724, 11045, 678000);
    reads("2024/1/2 3:04", 19724, 11040, 0);
    reads("2024.1.2", 19724, 0, 0);
    reads("2024年1月2日 3时4分5秒", 19724, 11045, 0);
    reads("2024年1月2日 3:04", 19724, 11040, 0);
    reads("2024年01月02日", 19724, 0, 0);
    reads("20240102", 19724, 0, 0);
    reads("20240102030405", 19724, 11045, 0);
    reads("20240102 03:04:05", 19724, 11045, 0);
    reads("2024-01-02T03:04:05", 19724, 11045, 0);
    reads("2024-02-29", 19782, 0, 0);
}

/* A spreadsheet's numbers of days: openpyxl.utils.datetime.from_excel(45352.378) is
 * 2024-03-01T09:04:19.2; 45444 is 2024-06-01 (day 19875), 40179 2010-01-01 (14610), 73050
 * 2099-12-31 (47481). */
static void test_serials(void **state)
{
    (void)state;
    reads("45352.378", 19783, (9 * 60 + 4) * 60 + 19, 0);
    reads("45444.5", 19875, 43200, 0);
    reads("45444", 19875, 0, 0);
    reads("45443.9999999", 19875, 0, 0);
    reads("45444.128530092592", 19875, 11105, 0); /* 03:05:05 */
    reads("40179", 14610, 0, 0);
    reads("73050", 47481, 0, 0);
}

/* 15:05 is second 54300. */
static void test_halves_of_the_day(void **state)
{
    (void)state;
    reads("2024/6/1 3:05:00 PM", 19875, 54300, 0);
    reads("2024/6/1 3:05 pm", 19875, 54300, 0);
    reads("2024/6/1 下午3:05:00", 19875, 54300, 0);
    reads("2024/6/1 下午 3:05", 19875, 54300, 0);
    reads("2024-06-01 03:05:00 AM", 19875, 11100, 0);
    reads("2024年6月1日 上午3时5分", 19875, 11100, 0);
    reads("2024/6/1 12:05:00 AM", 19875, 300, 0);
    reads("2024/6/1 12:05:00 PM", 19875, 43500, 0);
}

static void test_time_offsets(void **state)
{
    (void)state;
    struct civil c;
    int32_t offset;
    assert_int_equal(import_time_auto(STR("2024-01-02T03:04:05Z"), &c, &offset), IMPORT_TIME_READ);
    assert_int_equal(offset, 0);
    assert_int_equal(import_time_auto(STR("2024-01-02T03:04:05+08:00"), &c, &offset),
                     IMPORT_TIME_READ);
    assert_int_equal(offset, 28800);
    assert_int_equal(import_time_auto(STR("2024-01-02 03:04:05 -0530"), &c, &offset),
                     IMPORT_TIME_READ);
    assert_int_equal(offset, -19800);
}

static void test_times_refused(void **state)
{
    (void)state;
    refuses("01/02/2024", IMPORT_TIME_AMBIGUOUS);
    refuses("1-2-24 3:04", IMPORT_TIME_AMBIGUOUS);
    refuses("13.02.2024", IMPORT_TIME_AMBIGUOUS);
    refuses("2024-02-30", IMPORT_TIME_IMPOSSIBLE);
    refuses("2023-02-29 10:00", IMPORT_TIME_IMPOSSIBLE);
    refuses("2024-01-02 25:00", IMPORT_TIME_IMPOSSIBLE);
    refuses("20241301", IMPORT_TIME_IMPOSSIBLE);
    refuses("", IMPORT_TIME_UNKNOWN);
    refuses("yesterday", IMPORT_TIME_UNKNOWN);
    refuses("45352.", IMPORT_TIME_UNKNOWN);
    refuses("45352.5 or so", IMPORT_TIME_UNKNOWN);
    refuses("40178", IMPORT_TIME_UNKNOWN);   /* 2009-12-31 */
    refuses("73051.5", IMPORT_TIME_UNKNOWN); /* 2100-01-01 */
    refuses("453521", IMPORT_TIME_UNKNOWN);
    refuses("2024-01-02 13:04 PM", IMPORT_TIME_UNKNOWN);
    refuses("2024-01-02 上午 3:04 AM", IMPORT_TIME_UNKNOWN);
    refuses("2024-01-02 PM", IMPORT_TIME_UNKNOWN);
    refuses("2024-01-02 03:04:05 or so", IMPORT_TIME_UNKNOWN);
    refuses("2024-01/02", IMPORT_TIME_UNKNOWN);
    refuses("2024-01-02 03:04:05.", IMPORT_TIME_UNKNOWN);
    refuses("2024-01-02 3", IMPORT_TIME_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrapping),     cmocka_unit_test(test_empty),
        cmocka_unit_test(test_amounts),      cmocka_unit_test(test_masked),
        cmocka_unit_test(test_figures),
        cmocka_unit_test(test_digits_lost),  cmocka_unit_test(test_totals),
        cmocka_unit_test(test_names),        cmocka_unit_test(test_times),
        cmocka_unit_test(test_time_offsets), cmocka_unit_test(test_times_refused),
        cmocka_unit_test(test_serials),      cmocka_unit_test(test_halves_of_the_day),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
