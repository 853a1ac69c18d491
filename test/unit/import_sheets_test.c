/* link: room_order test_support */
/* Which sheets of a workbook are read, and how their columns come together; workbooks made by hand,
 * what is expected worked out beside each. The same with openpyxl's: test/reference/sheets_test.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "order_support.h"
#include "support/zip_stored.h"

#define SHEETS_MAX 6
#define HEADER "订单号,下单时间,实付款,买家,订单状态,货品标题"

/* Rows split by ';', their cells by ','; a row that begins with '-' is hidden. */
struct sheet {
    const char *name, *rows;
    bool hidden;
};

static struct str sheet_xml(struct arena *arena, const char *text)
{
    struct buf out = buf_new(arena, 1 << 20);
    struct str rows = str_c(text);
    buf_fmt(&out, "<worksheet xmlns=\"" XLSX_MAIN "\"><sheetData>");
    for (int number = 1; str_is(rows); number++) {
        struct str row = str_cut(rows, ';', &rows);
        bool hidden = str_starts(row, STR("-"));
        row = str_slice(row, hidden, row.n);
        buf_fmt(&out, "<row r=\"%d\"%s>", number, hidden ? " hidden=\"1\"" : "");
        while (row.p) {
            struct str cell = str_cut(row, ',', &row);
            buf_fmt(&out, "<c t=\"inlineStr\"><is><t>%.*s</t></is></c>", STR_ARG(cell));
        }
        buf_fmt(&out, "</row>");
    }
    buf_fmt(&out, "</sheetData></worksheet>");
    return buf_view(&out);
}

static struct str book(struct shop *shop, const struct sheet *sheets, int count)
{
    struct arena *arena = shop->arena;
    struct zip_member members[SHEETS_MAX + 3];
    struct buf list = buf_new(arena, 1 << 16), relations = buf_new(arena, 1 << 16);
    assert_true(count <= SHEETS_MAX);
    buf_fmt(&list, "<workbook xmlns=\"" XLSX_MAIN "\" xmlns:r=\"" XLSX_DOCUMENT "\"><sheets>");
    buf_fmt(&relations, "<Relationships xmlns=\"" XLSX_PACKAGE "\">");
    for (int i = 0; i < count; i++) {
        buf_fmt(&list, "<sheet name=\"%s\" sheetId=\"%d\" r:id=\"s%d\"%s/>", sheets[i].name, i + 1,
                i, sheets[i].hidden ? " state=\"hidden\"" : "");
        buf_fmt(&relations,
                "<Relationship Id=\"s%d\" Type=\"" XLSX_DOCUMENT
                "/worksheet\" Target=\"worksheets/s%d.xml\"/>",
                i, i);
        members[i] = (struct zip_member){str_fmt(arena, "xl/worksheets/s%d.xml", i),
                                         sheet_xml(arena, sheets[i].rows)};
    }
    buf_fmt(&list, "</sheets></workbook>");
    buf_fmt(&relations, "</Relationships>");
    members[count] = (struct zip_member){
        STR("_rels/.rels"), STR("<Relationships xmlns=\"" XLSX_PACKAGE
                                "\"><Relationship Id=\"r\" Type=\"" XLSX_DOCUMENT
                                "/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>")};
    members[count + 1] = (struct zip_member){STR("xl/workbook.xml"), buf_view(&list)};
    members[count + 2] =
        (struct zip_member){STR("xl/_rels/workbook.xml.rels"), buf_view(&relations)};
    struct str path = shop_path(shop, "book.xlsx");
    shop_must(arena, file_write(arena, path, zip_stored(arena, members, count + 3), 0600));
    return path;
}

static struct shop *shop_new(void)
{
    return shop_open(STORE_SQLITE, "CNY", "Asia/Shanghai");
}

/* Recognises the book and imports it. */
static struct import_result load(struct shop *shop, const struct sheet *sheets, int count)
{
    struct import_recognition why;
    struct import_result result;
    struct str path = book(shop, sheets, count);
    shop_must(shop->arena, import_map_recognise(shop->arena, path, NULL, &shop->map, &why));
    assert_true(str_eq(shop->map->name, STR("1688")));
    shop_must(shop->arena, shop_try(shop, path, false, INT64_MIN, &result));
    assert_int_equal(result.sheet_count, count);
    return result;
}

static void assert_sheet(const struct import_result *result, int index, bool read, int64_t rows,
                         enum err_code code)
{
    const struct import_sheet *sheet = &result->sheets[index];
    assert_int_equal(sheet->read, read);
    assert_int_equal(sheet->rows, rows);
    assert_int_equal(sheet->code, code);
    assert_int_equal(str_is(sheet->why_en) && str_is(sheet->why_zh), !read);
}

/* 5.00 + 6.00 of the first, of which one row is hidden, 7.00 of the second; 8.00 stands in a sheet
 * that is hidden. */
static void test_all_that_fit(void **state)
{
    (void)state;
    struct shop *shop = shop_new();
    const struct sheet sheets[] = {
        {"cover", "Export;of,March"},
        {"S1", HEADER ";1,2024-01-02,5,a,交易成功,x;-2,2024-01-02,6,b,交易成功,x"},
        {"S2", "note;" HEADER ";3,2024-01-02,7,c,交易成功,x"},
        {"pivot", "买家,合计;a,5"},
        {"old", HEADER ";4,2024-01-02,8,d,交易成功,x", .hidden = true},
        {"S6", ""}};
    struct import_result r = load(shop, sheets, 6);
    assert_int_equal(r.orders_new, 3);
    assert_int_equal(r.amount_minor, 1800);
    assert_int_equal(r.rows, 3);
    assert_int_equal(r.rows_hidden, 1);
    assert_int_equal(r.header_row, 1);
    assert_sheet(&r, 0, false, 2, ERR_SHEET_NO_TABLE);
    assert_sheet(&r, 1, true, 2, ERR_NONE);
    assert_sheet(&r, 2, true, 1, ERR_NONE);
    assert_sheet(&r, 3, false, 2, ERR_SHEET_NO_TABLE);
    assert_sheet(&r, 4, false, 2, ERR_SHEET_HIDDEN);
    assert_sheet(&r, 5, false, 0, ERR_SHEET_EMPTY);
    shop_close(shop);
}

/* The second sheet has its columns in another order, one of them twice, and one that the first has
 * not: what was given back. 5.00 + 7.00, of which 2.00 came back. */
static void test_columns_side_by_side(void **state)
{
    (void)state;
    struct shop *shop = shop_new();
    const struct sheet sheets[] = {
        {"S1", HEADER ",备注,备注;1,2024-01-02,5,a,交易成功,x,m,n"},
        {"S2", "备注,退款金额,货品标题,订单状态,备注,买家,实付款,下单时间,订单号;"
               "m,2,x,交易成功,n,b,7,2024-01-03,3"}};
    struct import_result r = load(shop, sheets, 2);
    assert_int_equal(r.orders_new, 2);
    assert_int_equal(r.amount_minor, 1200);
    assert_int_equal(r.refund_minor, 200);
    assert_int_equal(r.unmapped_count, 2); /* 备注, twice */
    assert_string_equal(shop_sql(shop, "SELECT number, amount_minor FROM orders"), "1|500\n3|700");
    shop_close(shop);
}

/* 订单编号 would be read as 订单号 where it stands alone, and as nothing beside a sheet with 订单号. */
static void test_other_names(void **state)
{
    (void)state;
    struct shop *shop = shop_new();
    const struct sheet sheets[] = {
        {"S1", HEADER ";1,2024-01-02,5,a,交易成功,x"},
        {"S2", "订单编号,下单时间,实付款,买家,订单状态,货品标题;3,2024-01-03,7,b,交易成功,x"}};
    struct import_result r = load(shop, sheets, 2);
    assert_int_equal(r.orders_new, 1);
    assert_sheet(&r, 1, false, 2, ERR_SHEET_OTHER_COLUMNS);
    r = load(shop, &sheets[1], 1);
    assert_int_equal(r.orders_new, 1);
    shop_close(shop);
}

/* Line 2 of both sheets is wrong: both are told apart, in problems and in the reject file. */
static void test_places(void **state)
{
    (void)state;
    struct shop *shop = shop_new();
    const struct sheet sheets[] = {
        {"S1", HEADER ";1,2024-01-02,five,a,交易成功,x;2,2024-01-02,6,b,交易成功,x"},
        {"S2", HEADER ";3,2024-01-02,7,c,交易成功,x;4,2024-01-02,eight,c,交易成功,x"}};
    struct import_result r = load(shop, sheets, 2);
    assert_int_equal(r.orders_new, 2);
    assert_int_equal(r.rows_rejected, 2);
    assert_int_equal(r.problems[0].first_line, 2);
    assert_true(str_eq(r.problems[0].first.sheet, STR("S1")));
    assert_non_null(strstr(str_z(shop->arena, r.problems[0].first.message[LANG_EN]), "book.xlsx:S1:2"));
    struct str text;
    shop_must(shop->arena, file_read(shop->arena, r.reject_path, 1 << 20, &text));
    assert_non_null(strstr(str_z(shop->arena, text), "S1:2"));
    assert_non_null(strstr(str_z(shop->arena, text), "S2:3"));
    assert_null(strstr(str_z(shop->arena, text), "S2:2"));
    shop_close(shop);
}

/* A map that names columns by number reads the first visible sheet; where the named map fits
 * nowhere, its missing column is told of the sheet that comes nearest. */
static void test_named_maps(void **state)
{
    (void)state;
    struct shop *shop = shop_new();
    struct import_result r;
    const struct sheet sheets[] = {
        {"S1", "1,20240102,5;2,20240102,6"}, {"S2", "3,20240102,7"}, {"S3", "", .hidden = true}};
    struct str path = book(shop, sheets, 3);
    shop_map(shop, "{\"name\":\"n\",\"source\":\"n\",\"time_format\":\"%Y%m%d\",\"header\":false,"
                   "\"columns\":{\"order_number\":\"#1\",\"order_time\":\"#2\","
                   "\"order_amount\":\"#3\"}}");
    shop_must(shop->arena, shop_try(shop, path, true, INT64_MIN, &r));
    assert_int_equal(r.amount_minor, 1100);
    assert_sheet(&r, 1, false, 1, ERR_SHEET_BY_NUMBER);
    const struct sheet others[] = {{"cover", "x"}, {"S1", "订单号,下单时间,订单状态;1,2,3"}};
    shop_must(shop->arena, import_map_read(shop->arena, STR("1688"), &shop->map));
    const struct err *err = shop_try(shop, book(shop, others, 2), true, INT64_MIN, &r);
    assert_int_equal(err->code, ERR_MAP_COLUMN_MISSING);
    assert_string_equal(str_z(shop->arena, err->arg[0]), "实付款");
    assert_string_equal(str_z(shop->arena, err->arg[1]), "订单号, 下单时间, 订单状态");
    shop_close(shop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_that_fit), cmocka_unit_test(test_columns_side_by_side),
        cmocka_unit_test(test_other_names),  cmocka_unit_test(test_places),
        cmocka_unit_test(test_named_maps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
