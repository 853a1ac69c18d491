/* link: codec */
/* What test/reference/xlsx_test.py does not reach by reports; there openpyxl reads the files back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include <zip.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "codec/file.h"
#include "codec/table_input.h"
#include "codec/xlsx_output.h"
#include "../support/folder.h"

static void assert_row(struct table_input *table, const char *kinds, const char *expected)
{
    struct table_row row;
    const struct err *bad;
    assert_null(table_input_next(table, &row, &bad));
    assert_null(bad);
    assert_false(row.end);
    assert_int_equal(row.cell_count, strlen(kinds));
    for (int i = 0; i < row.cell_count; i++)
        assert_int_equal("tnd"[row.kinds[i]], kinds[i]);
    struct arena *arena = arena_new("row", 1 << 20);
    struct str joined = str_join(arena, row.cells, (size_t)row.cell_count, STR("|"));
    assert_string_equal(str_z(arena, joined), expected);
    arena_free(arena);
}

static void write_cells(struct xlsx_output *output)
{
    struct str titles[] = {STR("a"), STR("b"), STR("c"), STR("d")};
    xlsx_output_sheet(output, STR("first"));
    xlsx_output_header(output, titles, 4);
    xlsx_output_row(output);
    xlsx_output_decimal(output, 891140790, 2);
    xlsx_output_decimal(output, XLSX_EXACT_MAX, 2);
    xlsx_output_decimal(output, -XLSX_EXACT_MAX - 1, 2); /* 16 digits: as text */
    xlsx_output_decimal(output, INT64_MIN, 0);
    xlsx_output_row(output);
    xlsx_output_text(output, STR("=1+1"));
    xlsx_output_text(output, STR("a<b>&\"c\"\n 订单 "));
    xlsx_output_blank(output);
    xlsx_output_text(output, STR("+86"));
    xlsx_output_row(output);
    xlsx_output_real(output, 1.0 / 0.0, 2);
    xlsx_output_ratio(output, 0.125);
    xlsx_output_day(output, day_of_civil(2024, 2, 29));
    xlsx_output_month(output, 2024 * 12 + 1);
    xlsx_output_row(output);
    xlsx_output_integer(output, 0);
    xlsx_output_integer(output, -1234567);
    xlsx_output_decimal(output, -5, 3);
    xlsx_output_real(output, 0.1 + 0.2, 1);
}

static void test_cells(void **state)
{
    struct arena *arena = *state;
    struct str path = folder_path(arena, "cells.xlsx");
    struct xlsx_output *output;
    assert_null(xlsx_output_open(arena, path, &output));
    write_cells(output);
    assert_null(xlsx_output_finish(output));
    struct stat info;
    assert_int_equal(stat(str_z(arena, path), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    struct table_input *table;
    struct table_options options = {
        .path = path, .encoding = STR("auto"), .delimiter = ',', .has_header = true};
    assert_null(table_input_open(arena, &options, &table));
    assert_row(table, "nntt", "8911407.9|9999999999999.99|-10000000000000.00|-9223372036854775808");
    assert_row(table, "tttt", "=1+1|a<b>&\"c\"\n 订单 ||+86");
    assert_row(table, "tndd", "|0.125|2024-02-29 00:00:00|2024-02-01 00:00:00");
    assert_row(table, "nnnn", "0|-1234567|-0.005|0.3");
    table_input_close(table);
    unlink(str_z(arena, path));
}

/* Names that Excel refuses: too long, with signs, used before; text longer than a cell holds. */
static void test_names_and_lengths(void **state)
{
    struct arena *arena = *state;
    struct str path = folder_path(arena, "names.xlsx");
    struct xlsx_output *output;
    assert_null(xlsx_output_open(arena, path, &output));
    static const char *const names[] = {
        "a/b:c*d?[e]\\'", "'x'",  "",     "按首购商品统计的客户与复购率以及后来的一切",
        "Same",           "same", "Same", "\n"};
    enum { NAMES = sizeof(names) / sizeof(names[0]) };
    for (size_t i = 0; i < NAMES; i++) {
        xlsx_output_sheet(output, str_c(names[i]));
        xlsx_output_header(output, &STR("title"), 1);
    }
    struct buf text = buf_new(arena, 1 << 20);
    while (text.n < 40000)
        buf_str(&text, STR("订单号"));
    xlsx_output_row(output);
    xlsx_output_text(output, buf_view(&text));
    assert_null(xlsx_output_finish(output));
    int code;
    zip_t *zip = zip_open(str_z(arena, path), ZIP_RDONLY, &code);
    assert_non_null(zip);
    for (int i = 1; i <= NAMES; i++) {
        struct str part = str_fmt(arena, "xl/worksheets/sheet%d.xml", i);
        assert_true(zip_name_locate(zip, str_z(arena, part), 0) >= 0);
    }
    zip_discard(zip);
    unlink(str_z(arena, path));
}

static void test_unfinished_leaves_nothing(void **state)
{
    (void)state;
    struct arena *arena = arena_new("unfinished", (size_t)16 << 20);
    struct xlsx_output *output;
    assert_null(xlsx_output_open(arena, folder_path(arena, "none.xlsx"), &output));
    write_cells(output);
    arena_free(arena); /* and the folder is empty: folder_close */
}

static void test_refused(void **state)
{
    struct arena *arena = *state;
    struct xlsx_output *output;
    const struct err *err = xlsx_output_open(arena, folder_path(arena, "no/such/f.xlsx"), &output);
    assert_non_null(err);
    assert_int_equal(err->code, ERR_FILE_FOLDER);
    struct str path = folder_path(arena, "folder");
    assert_int_equal(mkdir(str_z(arena, path), 0700), 0);
    assert_null(xlsx_output_open(arena, path, &output));
    write_cells(output);
    err = xlsx_output_finish(output); /* a folder is not replaced */
    assert_non_null(err);
    assert_int_equal(err->code, ERR_FILE_WRITE);
    assert_int_equal(rmdir(str_z(arena, path)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cells),
        cmocka_unit_test(test_names_and_lengths),
        cmocka_unit_test(test_unfinished_leaves_nothing),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, folder_open, folder_close);
}
