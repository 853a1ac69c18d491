/* link: codec */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/limits.h"
#include "codec/file.h"
#include "codec/json.h"
#include "codec/table_input.h"
#include "../support/folder.h"

static struct table_input *open_table(struct arena *arena, struct str content, char delimiter,
                                      bool header)
{
    struct table_options options = {.path = folder_path(arena, "t"),
                                    .encoding = STR("utf-8"),
                                    .delimiter = delimiter,
                                    .has_header = header};
    assert_null(file_write(arena, options.path, content, 0600));
    struct table_input *table = NULL;
    assert_null(table_input_open(arena, &options, &table));
    return table;
}

static struct table_row next_row(struct table_input *table)
{
    struct table_row row;
    const struct err *bad;
    assert_null(table_input_next(table, &row, &bad));
    assert_null(bad);
    return row;
}

/* A row of the given place whose cells, joined by '|', are as given. */
static void assert_row(struct table_input *table, int64_t line_number, int line_count,
                       const char *cells, const char *raw)
{
    struct table_row row = next_row(table);
    assert_false(row.end);
    struct arena *arena = arena_new("row", 1 << 20);
    struct str joined = str_join(arena, row.cells, (size_t)row.cell_count, STR("|"));
    assert_string_equal(str_z(arena, joined), cells);
    assert_string_equal(str_z(arena, row.raw), raw);
    assert_int_equal(row.line_number, line_number);
    assert_int_equal(row.line_count, line_count);
    arena_free(arena);
}

static void assert_bad(struct table_input *table, enum err_code code, int64_t line_number,
                       int line_count, const char *raw)
{
    struct table_row row;
    const struct err *bad;
    assert_null(table_input_next(table, &row, &bad));
    assert_non_null(bad);
    assert_int_equal(bad->code, code);
    assert_false(row.end);
    assert_int_equal(row.cell_count, 0);
    assert_int_equal(row.line_number, line_number);
    assert_int_equal(row.line_count, line_count);
    if (raw) {
        assert_int_equal(row.raw.n, strlen(raw));
        assert_memory_equal(row.raw.p, raw, row.raw.n);
    }
    char place[32];
    snprintf(place, sizeof(place), "/t:%lld", (long long)line_number);
    assert_true(str_ends(bad->field, str_c(place)));
}

static void assert_end(struct table_input *table)
{
    assert_true(next_row(table).end);
    assert_true(next_row(table).end);
}

/* --- Against Python's csv module: test/data/csv/make_expected.py --- */

static void compare_file(struct arena *arena, const struct json_value *expected)
{
    struct str name = json_str(json_get(expected, STR("file")));
    struct str delimiter = json_str(json_get(expected, STR("delimiter")));
    const struct json_value *rows = json_get(expected, STR("rows"));
    struct table_options options = {.path = str_fmt(arena, TEST_DATA "/csv/%.*s", STR_ARG(name)),
                                    .encoding = STR("utf-8"),
                                    .delimiter = delimiter.p[0]};
    struct table_input *table;
    assert_null(table_input_open(arena, &options, &table));
    for (size_t i = 0; i < json_count(rows); i++) {
        const struct json_value *cells = json_at(rows, i);
        struct table_row row = next_row(table);
        if (row.end || (size_t)row.cell_count != json_count(cells))
            fail_msg("%.*s: row %zu has %d cells, Python has %zu", STR_ARG(name), i + 1,
                     row.cell_count, json_count(cells));
        for (int k = 0; k < row.cell_count; k++) {
            struct str want = json_str(json_at(cells, (size_t)k));
            if (!str_eq(row.cells[k], want))
                fail_msg("%.*s: row %zu, cell %d: <%.*s>, Python has <%.*s>", STR_ARG(name), i + 1,
                         k + 1, STR_ARG(row.cells[k]), STR_ARG(want));
        }
    }
    assert_end(table);
}

static void test_as_python_reads(void **state)
{
    struct arena *arena = *state;
    struct str text;
    const struct json_value *files;
    assert_null(file_read(arena, STR(TEST_DATA "/csv/expected.json"), 1 << 20, &text));
    assert_null(json_read(arena, STR("expected.json"), text, &files));
    assert_true(json_count(files) >= 25);
    for (size_t i = 0; i < json_count(files); i++)
        compare_file(arena, json_at(files, i));
}

/* --- Places and raw lines --- */

static void test_lines_and_raw(void **state)
{
    struct table_input *table =
        open_table(*state, STR("a,b\r\n\r\n1,\"x\r\ny\"\r\n   \n2,z"), ',', true);
    int count;
    const struct str *header = table_input_header(table, &count);
    assert_int_equal(count, 2);
    assert_true(str_eq(header[0], STR("a")) && str_eq(header[1], STR("b")));
    assert_row(table, 3, 2, "1|x\ny", "1,\"x\ny\"");
    assert_row(table, 6, 1, "2|z", "2,z");
    assert_end(table);
    /* A CR alone ends nothing. */
    struct table_input *with_cr = open_table(*state, STR("a\rb,\"c\rd\"\r\ne,f\n"), ',', false);
    assert_row(with_cr, 1, 1, "a\rb|c\rd", "a\rb,\"c\rd\"");
    assert_row(with_cr, 2, 1, "e|f", "e,f");
    assert_end(with_cr);
    header = table_input_header(table, &count);
    assert_true(str_eq(header[1], STR("b")));
}

static void test_no_header(void **state)
{
    int count = -1;
    struct table_input *table = open_table(*state, STR(""), ',', true);
    table_input_header(table, &count);
    assert_int_equal(count, 0);
    assert_end(table);
    table = open_table(*state, STR("1,2\n"), ',', false);
    table_input_header(table, &count);
    assert_int_equal(count, 0);
    assert_row(table, 1, 1, "1|2", "1,2");
    assert_end(table);
}

/* The layout of CDNOW_master.txt: the header begins with a space, lines end with CR LF. */
static void test_white_space(void **state)
{
    struct table_input *table = open_table(*state,
                                           STR(" customer_id  date number\r\n# note\r\n 00001 "
                                               "19970101\t 1\r\n\r\n  # more\n2\t\t\"3 4\""),
                                           0, true);
    int count;
    const struct str *header = table_input_header(table, &count);
    assert_int_equal(count, 3);
    assert_true(str_eq(header[0], STR("customer_id")) && str_eq(header[2], STR("number")));
    assert_row(table, 3, 1, "00001|19970101|1", " 00001 19970101\t 1");
    /* There are no quotes in this format. */
    assert_row(table, 6, 1, "2|\"3|4\"", "2\t\t\"3 4\"");
    assert_end(table);
    assert_row(open_table(*state, STR("1 2\r\r\n"), 0, false), 1, 1, "1|2", "1 2\r");
    assert_row(open_table(*state, STR(" \r1\r2\n"), 0, false), 1, 1, "1|2", " \r1\r2");
}

/* --- Bad rows --- */

static void test_stray_quotes(void **state)
{
    struct table_input *table = open_table(*state,
                                           STR("1,\"a\"b\n"
                                               "2,\"a\" ,c\n"
                                               "3, \"a\"\n"
                                               "4,x \"a\"\n"
                                               "\t\"5\",6\n"
                                               "7,\"a\"\"\"\n"),
                                           ',', false);
    assert_bad(table, ERR_CSV_STRAY_QUOTE, 1, 1, "1,\"a\"b");
    assert_bad(table, ERR_CSV_STRAY_QUOTE, 2, 1, "2,\"a\" ,c");
    assert_bad(table, ERR_CSV_BLANK_BEFORE_QUOTE, 3, 1, "3, \"a\"");
    assert_row(table, 4, 1, "4|x \"a\"", "4,x \"a\"");
    assert_bad(table, ERR_CSV_BLANK_BEFORE_QUOTE, 5, 1, "\t\"5\",6");
    assert_row(table, 6, 1, "7|a\"", "7,\"a\"\"\"");
    assert_end(table);

    struct table_row row;
    const struct err *bad;
    table = open_table(*state, STR("x\n1,\"a\nb\"c\n"), ',', true);
    assert_null(table_input_next(table, &row, &bad));
    assert_true(str_eq(bad->arg[0], STR("3")) && str_eq(bad->arg[1], STR("3"))); /* line 3, at c */
}

/* A quote that is opened and never closed costs its own line; those after it are read as if it were
 * not there. */
static void test_unclosed_quote(void **state)
{
    struct arena *arena = *state;
    struct table_input *table = open_table(arena, STR("1,\"open\n2,b\n\n3,c\n"), ',', false);
    assert_bad(table, ERR_CSV_UNCLOSED_QUOTE, 1, 1, "1,\"open");
    assert_row(table, 2, 1, "2|b", "2,b");
    assert_row(table, 4, 1, "3|c", "3,c");
    assert_end(table);

    /* It meets the opening quote of a good row: what follows that one is text after a closing
     * quote. */
    table = open_table(arena, STR("1,\"open\n2,b\n3,\"c\"\n4,d\n"), ',', false);
    assert_bad(table, ERR_CSV_STRAY_QUOTE, 1, 1, "1,\"open");
    assert_row(table, 2, 1, "2|b", "2,b");
    assert_row(table, 3, 1, "3|c", "3,\"c\"");
    assert_row(table, 4, 1, "4|d", "4,d");
    assert_end(table);

    /* Every line has one. */
    struct buf buf = buf_new(arena, 1 << 20);
    for (int i = 0; i < 500; i++)
        buf_str(&buf, STR("x,\"y\n"));
    table = open_table(arena, buf_view(&buf), ',', false);
    for (int i = 0; i < 500; i++)
        assert_bad(table, i < 499 ? ERR_CSV_STRAY_QUOTE : ERR_CSV_UNCLOSED_QUOTE, i + 1, 1,
                   "x,\"y");
    assert_end(table);
}

/* A row has at most 100 physical lines. */
static void test_row_of_many_lines(void **state)
{
    struct arena *arena = *state;
    for (int lines = 99; lines <= 102; lines++) {
        struct buf buf = buf_new(arena, 1 << 20);
        buf_str(&buf, STR("first,row\n1,\"open"));
        for (int i = 1; i < lines; i++)
            buf_fmt(&buf, "\n%d,x", i);
        buf_str(&buf, STR("\",end\nlast,row\n"));
        struct table_input *table = open_table(arena, buf_view(&buf), ',', false);
        assert_row(table, 1, 1, "first|row", "first,row");
        if (lines <= TABLE_ROW_LINES_MAX) {
            struct table_row row = next_row(table);
            assert_int_equal(row.cell_count, 3);
            assert_int_equal(row.line_number, 2);
            assert_int_equal(row.line_count, lines);
        } else {
            assert_bad(table, ERR_CSV_UNCLOSED_QUOTE, 2, 1, "1,\"open");
            assert_row(table, 3, 1, "1|x", "1,x");
            for (int i = 2; i < lines - 1; i++)
                assert_int_equal(next_row(table).line_number, i + 2);
            /* Its closing quote now stands inside a cell. */
            struct table_row row = next_row(table);
            assert_int_equal(row.line_number, lines + 1);
            assert_true(str_eq(row.cells[1], STR("x\"")));
        }
        assert_row(table, lines + 2, 1, "last|row", "last,row");
        assert_end(table);
    }
}

static struct str cells_of(struct arena *arena, int count)
{
    struct buf buf = buf_new(arena, 1 << 20);
    for (int i = 1; i < count; i++)
        buf_str(&buf, STR("x,"));
    buf_str(&buf, STR("x\n"));
    return buf_view(&buf);
}

static void test_cell_limits(void **state)
{
    struct arena *arena = *state;
    struct table_input *table = open_table(arena, cells_of(arena, LIMIT_CELLS_MAX), ',', false);
    assert_int_equal(next_row(table).cell_count, LIMIT_CELLS_MAX);
    struct str parts[] = {cells_of(arena, LIMIT_CELLS_MAX + 1), STR("a,b\n")};
    table = open_table(arena, str_join(arena, parts, 2, STR("")), ',', false);
    assert_bad(table, ERR_ROW_CELLS, 1, 1, NULL);
    assert_row(table, 2, 1, "a|b", "a,b");
    assert_end(table);

    /* One cell of two lines: its bytes are those of both and the LF. */
    size_t half = LIMIT_CELL_BYTES_MAX / 2;
    for (size_t more = 0; more <= 1; more++) {
        struct buf buf = buf_new(arena, 4 << 20);
        buf_char(&buf, '"');
        for (size_t i = 0; i < LIMIT_CELL_BYTES_MAX + more; i++)
            buf_char(&buf, i == half ? '\n' : 'x');
        buf_str(&buf, STR("\"\na,b\n"));
        table = open_table(arena, buf_view(&buf), ',', false);
        if (more)
            assert_bad(table, ERR_CELL_TOO_LONG, 1, 2, NULL);
        else
            assert_int_equal(next_row(table).cells[0].n, LIMIT_CELL_BYTES_MAX);
        assert_row(table, 3, 1, "a|b", "a,b");
        assert_end(table);
    }
}

/* An open quote in front of lines of a quarter MiB: given up at 4 MiB, then all of them are read.
 */
static void test_row_limit(void **state)
{
    struct arena *arena = *state;
    struct buf buf = buf_new(arena, 16 << 20);
    buf_str(&buf, STR("\"open\n"));
    for (int i = 0; i < 40; i++) {
        for (int k = 0; k < 1 << 18; k++)
            buf_char(&buf, 'x');
        buf_char(&buf, '\n');
    }
    struct table_input *table = open_table(arena, buf_view(&buf), ',', false);
    assert_bad(table, ERR_ROW_TOO_LONG, 1, 1, "\"open");
    for (int i = 0; i < 40; i++) {
        struct table_row row = next_row(table);
        assert_int_equal(row.line_number, i + 2);
        assert_int_equal(row.cells[0].n, 1 << 18);
    }
    assert_end(table);
}

/* Errors of the file itself end the reading, also in the middle of a row. */
static void test_file_errors(void **state)
{
    struct table_row row;
    const struct err *bad;
    struct table_input *table = open_table(*state, STR("1,2\n3,\"x\n\xFF\n"), ',', false);
    assert_row(table, 1, 1, "1|2", "1,2");
    assert_int_equal(table_input_next(table, &row, &bad)->code, ERR_ENCODING_BAD);
    assert_null(bad);

    struct table_options options = {.path = folder_path(*state, "t"),
                                    .encoding = STR("utf-8"),
                                    .delimiter = ',',
                                    .has_header = true};
    assert_null(file_write(*state, options.path, STR("a,\"b\n1,2\n"), 0600));
    assert_int_equal(table_input_open(*state, &options, &table)->code, ERR_CSV_UNCLOSED_QUOTE);
    options.path = STR("/nonexistent.csv");
    assert_int_equal(table_input_open(*state, &options, &table)->code, ERR_FILE_OPEN);
}

/* --- Writing --- */

static void test_csv_record(void **state)
{
    struct buf buf = buf_new(*state, 1 << 20);
    struct str cells[] = {STR("a"), STR("b,c"), STR("say \"hi\""), STR("two\nlines"),
                          STR(""),  STR(" x"),  STR_NONE};
    csv_record(&buf, cells, 7);
    csv_record(&buf, cells + 4, 1);
    /* RFC 4180, section 2. */
    struct str expected = STR("a,\"b,c\",\"say \"\"hi\"\"\",\"two\nlines\",,\" x\",\r\n\"\"\r\n");
    assert_string_equal(str_z(*state, buf_view(&buf)), str_z(*state, expected));

    struct table_input *table = open_table(*state, buf_view(&buf), ',', false);
    struct table_row row = next_row(table);
    assert_int_equal(row.cell_count, 7);
    for (int i = 0; i < 6; i++)
        assert_true(str_eq(row.cells[i], cells[i]));
    assert_int_equal(next_row(table).cell_count, 1);
    assert_end(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_python_reads),   cmocka_unit_test(test_lines_and_raw),
        cmocka_unit_test(test_no_header),         cmocka_unit_test(test_white_space),
        cmocka_unit_test(test_stray_quotes),      cmocka_unit_test(test_unclosed_quote),
        cmocka_unit_test(test_row_of_many_lines), cmocka_unit_test(test_cell_limits),
        cmocka_unit_test(test_row_limit),         cmocka_unit_test(test_file_errors),
        cmocka_unit_test(test_csv_record),
    };
    return cmocka_run_group_tests(tests, folder_open, folder_close);
}
