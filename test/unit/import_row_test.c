/* link: room_order */
/* From cells to a decoded row: amounts, times, states, conditions, identities, and each error of a
 * row. Expected values are worked out by hand; times by `date -u -d`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/arena.h"
#include "room/order/import_row.h"

static struct arena *arena;
static struct import_reader reader;

static const char map_json[] =
    "{\"name\":\"t\",\"source\":\"shop\",\"header\":false,\"time_format\":\"%Y-%m-%d %H:%M:%S\","
    "\"time_zone\":\"Europe/"
    "London\",\"columns\":{\"order_number\":\"#1\",\"order_time\":\"#2\",\"quantity\":\"#3\","
    "\"unit_price\":\"#4\",\"line_amount\":\"#5\",\"state\":\"#6\",\"phone\":\"#7\",\"receiver_"
    "phone\":\"#8\","
    "\"buyer_id\":\"#9\",\"currency\":\"#10\",\"channel\":\"#11\"},\"states\":{\"ok\":\"paid\"},"
    "\"skip_when\":[{\"column\":\"#1\",\"starts_with\":\"A\",\"contains\":\"x\"},{\"column\":\"#"
    "4\",\"number_equals\":\"0\"},"
    "{\"column\":\"#1\",\"equals\":\"none\"}],"
    "\"refund_when\":[{\"column\":\"#3\",\"negative\":true},{\"column\":\"#11\",\"equals\":"
    "\"back\"}]}";

static int setup(void **state)
{
    (void)state;
    secret_init();
    arena = arena_new("test", (size_t)1 << 28);
    struct brand *brand = ARENA_NEW(arena, struct brand);
    struct import_map *map;
    *brand = (struct brand){
        .currency = STR("GBP"), .currency_digits = 2, .time_zone = STR("Asia/Shanghai")};
    assert_null(zone_open(arena, brand->time_zone, STR("zone"), &brand->zone));
    assert_null(import_map_of_text(arena, STR("map"), str_c(map_json), &map));
    assert_null(import_columns_bind(arena, STR("f"), map, NULL, 0, &reader.columns));
    assert_null(zone_open(arena, map->time_zone, STR("zone"), &reader.zone));
    reader.brand = brand;
    reader.path = STR("f.csv");
    reader.now_us = INT64_C(1717200000000000); /* 2024-06-01 */
    reader.state_default = ORDER_RECEIVED;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

/* Cells separated by |. */
static const struct err *read_cells(const char *text, struct import_row *row)
{
    struct str *cells = ARENA_ARRAY(arena, 20, struct str), rest = str_c(text);
    struct table_row table = {.cells = cells, .line_number = 7};
    while (rest.p)
        cells[table.cell_count++] = str_cut(rest, '|', &rest);
    return import_row_read(arena, &reader, &table, row);
}

static void expect(const char *text, enum err_code code, const char *field)
{
    struct import_row row;
    const struct err *err = read_cells(text, &row);
    assert_non_null(err);
    assert_int_equal(err->code, code);
    assert_string_equal(str_z(arena, err->field), field);
    for (int lang = 0; lang < LANG_MAX; lang++)
        assert_null(strchr(str_z(arena, err_text(arena, err, (enum lang)lang)), '{'));
}

static void test_row(void **state)
{
    (void)state;
    struct import_row row;
    /* 23:30 in London in summer is 22:30 UTC, which in Shanghai is 06:30 of the next day:
     * 2023-07-02 is day 19540. */
    assert_null(read_cells(
        " N1 |2023-07-01 23:30:00|3|0.335||ok|+86 139-1234-5678|13800000000|b7|gbp| web ", &row));
    assert_int_equal(row.verdict, IMPORT_ROW_ORDER);
    assert_true(str_eq(row.number, STR("N1")));
    assert_int_equal(row.time_us, INT64_C(1688250600000000));
    assert_int_equal(row.day, 19540);
    assert_true(row.has_line_amount);
    assert_int_equal(row.line_amount_minor, 101); /* 1.005 */
    assert_int_equal(row.quantity_milli, 3000);
    assert_int_equal(row.state, ORDER_PAID);
    assert_true(str_eq(row.channel, STR("web")));
    assert_int_equal(row.identity_count, 3);
    assert_int_equal(row.identities[0].kind, IDENTITY_BUYER_ID);
    assert_true(str_eq(row.identities[0].issuer, STR("shop")));
    assert_int_equal(row.identities[1].kind, IDENTITY_PHONE);
    assert_true(str_eq(row.identities[1].value, STR("13912345678")));
    assert_false(row.identities[1].weak);
    assert_true(row.identities[2].weak);
}

static void test_amounts(void **state)
{
    (void)state;
    struct import_row row;
    assert_null(
        read_cells("N1|2023-07-01 12:00:00|2|1.25|7|||||| ", &row)); /* told wins over computed */
    assert_int_equal(row.line_amount_minor, 700);
    assert_null(read_cells("N1|2023-07-01 12:00:00|1.5|-0.33||||||| ", &row)); /* -0.495 */
    assert_int_equal(row.line_amount_minor, -50);
    assert_int_equal(row.quantity_milli, 1500);
    assert_null(read_cells("N1|2023-07-01 12:00:00|1|1,234.50||||||| ", &row));
    assert_int_equal(row.line_amount_minor, 123450);
    assert_int_equal(row.state, ORDER_RECEIVED);
    assert_false(row.state_named);
}

static void test_verdicts(void **state)
{
    (void)state;
    struct import_row row;
    assert_null(read_cells("N1|2023-07-01 12:00:00|-1|5||||||| ", &row));
    assert_int_equal(row.verdict, IMPORT_ROW_REFUND);
    assert_null(read_cells("N1|2023-07-01 12:00:00|1|5|||||||back", &row));
    assert_int_equal(row.verdict, IMPORT_ROW_REFUND);
    assert_null(read_cells("Ax|rubbish|1|5||||||| ", &row)); /* what is left out is not read */
    assert_int_equal(row.verdict, IMPORT_ROW_SKIP);
    assert_null(read_cells("A1|2023-07-01 12:00:00|1|5||||||| ", &row)); /* both parts must hold */
    assert_int_equal(row.verdict, IMPORT_ROW_ORDER);
    assert_null(read_cells("N1||1|0.000||||||| ", &row));
    assert_int_equal(row.verdict, IMPORT_ROW_SKIP);
    assert_null(read_cells("none||1|1||||||| ", &row));
    assert_int_equal(row.verdict, IMPORT_ROW_SKIP);
}

static void test_errors(void **state)
{
    (void)state;
    expect("N1|2023-07-01|1|5||||||| ", ERR_IMPORT_TIME, "f.csv:7, #2 (B7)");
    expect("N1|2023-02-30 00:00:00|1|5||||||| ", ERR_IMPORT_TIME, "f.csv:7, #2 (B7)");
    expect("N1||1|5||||||| ", ERR_IMPORT_EMPTY, "f.csv:7, #2 (B7)");
    expect("N1|1989-12-31 12:00:00|1|5||||||| ", ERR_IMPORT_DAY, "f.csv:7, #2 (B7)");
    expect("N1|2024-06-03 12:00:00|1|5||||||| ", ERR_IMPORT_FUTURE, "f.csv:7, #2 (B7)");
    expect("N1:r|2023-07-01 12:00:00|-1|5||||||| ", ERR_IMPORT_NUMBER_RESERVED,
           "f.csv:7, #1 (A7)");
    expect("N1|2023-07-01 12:00:00|x|5||||||| ", ERR_IMPORT_NUMBER, "f.csv:7, #3 (C7)");
    expect("N1|2023-07-01 12:00:00|1|||||||| ", ERR_IMPORT_EMPTY, "f.csv:7, #5 (E7)");
    expect("N1|2023-07-01 12:00:00|99999999|99999999||||||| ", ERR_IMPORT_NUMBER_RANGE,
           "f.csv:7, #4 (D7)");
    expect("N1|2023-07-01 12:00:00|1|5||eaten||||| ", ERR_IMPORT_STATE, "f.csv:7, #6 (F7)");
    expect("N1|2023-07-01 12:00:00|1|5||||||EUR| ", ERR_IMPORT_CURRENCY, "f.csv:7, #10 (J7)");
    expect("N1|2023-07-01 12:00:00|1|5", ERR_IMPORT_CELLS, "f.csv:7, #5 (E7)");
    char long_number[300] = {0};
    memset(long_number, 'N', LIMIT_ORDER_NUMBER_BYTES_MAX + 1);
    strcat(long_number, "|2023-07-01 12:00:00|1|5||||||| ");
    expect(long_number, ERR_IMPORT_TOO_LONG, "f.csv:7, #1 (A7)");
}

/* The hash knows a row again whatever blanks stand around its cells, and nothing else. */
static void test_hash(void **state)
{
    (void)state;
    struct import_row a, b, c;
    assert_null(read_cells("|2023-07-01 12:00:00|1|5||||||| ", &a));
    assert_null(read_cells(" |2023-07-01 12:00:00 | 1|5||||||| ", &b));
    assert_null(read_cells("|2023-07-01 12:00:00|1|5.0||||||| ", &c));
    assert_memory_equal(a.cells_hash, b.cells_hash, SECRET_HASH_BYTES);
    assert_memory_not_equal(a.cells_hash, c.cells_hash, SECRET_HASH_BYTES);
    assert_null(a.number.p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_row),      cmocka_unit_test(test_amounts),
        cmocka_unit_test(test_verdicts), cmocka_unit_test(test_errors),
        cmocka_unit_test(test_hash),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
