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
#include "codec/xlsx_format.h"
#include "codec/xlsx_input.h"
#include "../support/folder.h"
#include "../support/zip_stored.h"

#define SHEET(rows)                                                                                \
    STR("<worksheet xmlns=\"" XLSX_MAIN "\"><sheetData>" rows "</sheetData></worksheet>")
#define STRINGS(items) STR("<sst xmlns=\"" XLSX_MAIN "\">" items "</sst>")

static struct table_input *open_path(struct arena *arena, struct str path, bool has_header)
{
    struct table_options options = {
        .path = path, .encoding = STR("auto"), .delimiter = ',', .has_header = has_header};
    struct table_input *table = NULL;
    const struct err *err = table_input_open(arena, &options, &table);
    if (err)
        fail_msg("%s", str_z(arena, err_text(arena, err, LANG_EN)));
    return table;
}

static const char *kind_name(const struct table_row *row, int i)
{
    static const char *const names[] = {"text", "number", "time"};
    return names[row->kinds[i]];
}

/* --- Workbooks written by openpyxl: test/data/xlsx/make_workbooks.py --- */

static void compare_row(struct str file, const struct table_row *row,
                        const struct json_value *expected)
{
    const struct json_value *cells = json_at(expected, 1);
    assert_int_equal(row->line_number, json_i64(json_at(expected, 0)));
    if ((size_t)row->cell_count != json_count(cells))
        fail_msg("%.*s:%lld: %d cells, expected %zu", STR_ARG(file), (long long)row->line_number,
                 row->cell_count, json_count(cells));
    for (int i = 0; i < row->cell_count; i++) {
        const struct json_value *cell = json_at(cells, (size_t)i);
        struct str kind = json_str(json_at(cell, 0)), text = json_str(json_at(cell, 1));
        if (!str_eq(row->cells[i], text) || !str_eq(kind, str_c(kind_name(row, i))))
            fail_msg("%.*s:%lld, cell %d: %s <%.*s>, expected %.*s <%.*s>", STR_ARG(file),
                     (long long)row->line_number, i + 1, kind_name(row, i), STR_ARG(row->cells[i]),
                     STR_ARG(kind), STR_ARG(text));
    }
}

static void compare_book(struct arena *arena, const struct json_value *expected)
{
    struct str file = json_str(json_get(expected, STR("file")));
    const struct json_value *rows = json_get(expected, STR("rows"));
    struct str path = str_fmt(arena, TEST_DATA "/xlsx/%.*s", STR_ARG(file));
    struct table_input *table = open_path(arena, path, true);
    int count;
    const struct str *header = table_input_header(table, &count);
    const struct json_value *first = json_at(json_at(rows, 0), 1);
    assert_int_equal(count, json_count(first));
    for (int i = 0; i < count; i++)
        assert_true(str_eq(header[i], json_str(json_at(json_at(first, (size_t)i), 1))));
    struct table_row row;
    const struct err *bad;
    for (size_t i = 1; i < json_count(rows); i++) {
        assert_null(table_input_next(table, &row, &bad));
        assert_null(bad);
        assert_false(row.end);
        compare_row(file, &row, json_at(rows, i));
    }
    assert_null(table_input_next(table, &row, &bad));
    assert_true(row.end);
}

static void test_as_openpyxl_writes(void **state)
{
    struct arena *arena = *state;
    struct str text;
    const struct json_value *expected;
    assert_null(file_read(arena, STR(TEST_DATA "/xlsx/expected.json"), (size_t)16 << 20, &text));
    assert_null(json_read(arena, STR("expected.json"), text, &expected));
    assert_int_equal(json_count(expected), 8);
    for (size_t i = 0; i < json_count(expected); i++)
        compare_book(arena, json_at(expected, i));
}

/* --- Features that openpyxl does not write, in workbooks made by hand --- */

static struct table_input *open_parts(struct arena *arena, const struct workbook_parts *parts)
{
    return open_path(arena, folder_put(arena, workbook_stored(arena, parts)), false);
}

/* The next row, its cells joined by '|' and led by "number: ". */
static void assert_row(struct table_input *table, const char *expected)
{
    struct table_row row;
    const struct err *bad;
    struct arena *arena = arena_new("row", 1 << 20);
    const struct err *err = table_input_next(table, &row, &bad);
    if (err || bad)
        fail_msg("%s", str_z(arena, err_text(arena, err ? err : bad, LANG_EN)));
    assert_false(row.end);
    struct str joined = str_join(arena, row.cells, (size_t)row.cell_count, STR("|"));
    struct str line = str_fmt(arena, "%lld: %.*s", (long long)row.line_number, STR_ARG(joined));
    assert_string_equal(str_z(arena, line), expected);
    assert_int_equal(row.line_count, 1);
    arena_free(arena);
}

static void assert_end(struct table_input *table)
{
    struct table_row row;
    const struct err *bad;
    for (int i = 0; i < 2; i++) {
        assert_null(table_input_next(table, &row, &bad));
        assert_true(row.end);
    }
}

static void test_cell_types(void **state)
{
    struct table_input *table = open_parts(
        *state,
        &(struct workbook_parts){
            .sheet = SHEET(
                "<row r=\"1\"><c r=\"A1\" t=\"s\"><v>1</v></c><c r=\"B1\" t=\"b\"><v>1</v></c>"
                "<c r=\"C1\" t=\"b\"><v>0</v></c><c r=\"D1\" t=\"e\"><v>#N/A</v></c>"
                "<c r=\"E1\" t=\"str\"><f>A1&amp;\"x\"</f><v> a </v></c>"
                "<c r=\"F1\"><f>1+1</f><v>2</v></c>"
                "<c r=\"G1\" t=\"inlineStr\"><is><t>in</t><r><t>line</t></r></is></c>"
                "<c r=\"H1\" t=\"d\"><v>2024-02-29T23:59:59.6Z</v></c>"
                "<c r=\"I1\" t=\"n\"><v>abc</v></c><c r=\"J1\" "
                "s=\"1\"><v>45351.999995</v></c></row>"),
            .strings = STRINGS("<si><t>no</t></si><si><t>yes</t></si>")});
    assert_row(table,
               "1: yes|TRUE|FALSE|#N/A| a |2|inline|2024-03-01 00:00:00|abc|2024-03-01 00:00:00");
    assert_end(table);
    assert_true(str_eq(table_input_encoding(table), STR("xlsx")));
}

static void test_rich_text(void **state)
{
    struct table_input *table = open_parts(
        *state,
        &(struct workbook_parts){
            .sheet =
                SHEET("<row><c t=\"s\"><v>0</v></c><c t=\"s\"><v>1</v></c><c t=\"s\"><v>2</v></c>"
                      "<c t=\"s\"><v>3</v></c><c t=\"s\"><v>4</v></c></row>"),
            .strings = STRINGS(
                "<si><r><rPr><b/></rPr><t>金</t></r><r><t xml:space=\"preserve\"> 额 </t></r>"
                "<rPh sb=\"0\" eb=\"1\"><t>jin</t></rPh><phoneticPr fontId=\"1\"/></si>"
                "<si><t>\n  cut  </t></si><si><t xml:space=\"preserve\">  kept</t></si>"
                "<si><t>a_x000D_\nb_x000d_c_x005F_x000D_ _x41_ _xD83D__xDE00_ _xD83D_ "
                "_x0000_</t></si><si/>")});
    assert_row(table, "1: 金 额 |cut|  kept|a\nb\nc_x000D_ _x41_ 😀 _xD83D_ _x0000_");
    assert_end(table);
}

/* References and numbers left out, cells out of order, rows of nothing, names in strict files and
 * with prefixes. */
static void test_places(void **state)
{
    struct table_input *table = open_parts(
        *state,
        &(struct workbook_parts){
            .sheet =
                STR("<x:worksheet "
                    "xmlns:x=\"http://purl.oclc.org/ooxml/spreadsheetml/main\"><x:cols><x:col/></"
                    "x:cols>"
                    "<x:sheetData><x:row><x:c><x:v>1</x:v></x:c><x:c "
                    "r=\"C1\"><x:v>3</x:v></x:c><x:c><x:v>4</x:v></x:c>"
                    "</x:row><x:row r=\"7\"><x:c r=\"C7\"><x:v>30</x:v></x:c><x:c "
                    "r=\"A7\"><x:v>10</x:v></x:c></x:row>"
                    "<x:row r=\"8\"/><x:row><x:c t=\"str\"><x:v> </x:v></x:c></x:row>"
                    "<x:row><x:c r=\"XFD10\" s=\"1\"/><x:c "
                    "r=\"AA10\"><x:v>27</x:v></x:c></x:row></x:sheetData>"
                    "<x:mergeCells><x:mergeCell ref=\"A1:A2\"/></x:mergeCells></x:worksheet>")});
    assert_row(table, "1: 1||3|4");
    assert_row(table, "7: 10||30");
    assert_row(table, "10: ||||||||||||||||||||||||||27");
    assert_end(table);
}

static void test_raw_is_csv(void **state)
{
    struct table_input *table = open_parts(
        *state, &(struct workbook_parts){
                    .sheet = SHEET("<row><c t=\"str\"><v>a,\"b\"</v></c><c/><c><v>1</v></c>"
                                   "<c t=\"str\"><v>x&#10;y</v></c></row>")});
    struct table_row row;
    const struct err *bad;
    assert_null(table_input_next(table, &row, &bad));
    assert_true(str_eq(row.raw, STR("\"a,\"\"b\"\"\",,1,\"x\ny\"")));
}

/* --- Numbers and dates --- */

static void assert_number(const char *written, enum xlsx_shown shown, bool epoch_1904,
                          enum table_cell kind, const char *expected)
{
    char text[XLSX_VALUE_BYTES_MAX + 1];
    size_t n;
    enum table_cell got = xlsx_number_text(str_c(written), shown, epoch_1904, text, &n);
    text[n] = '\0';
    if (got != kind || strcmp(text, expected) != 0)
        fail_msg("%s: kind %d <%s>, expected kind %d <%s>", written, got, text, kind, expected);
}

static void test_numbers(void **state)
{
    (void)state;
    static const char *const numbers[][2] = {
        {"0", "0"},
        {"-7", "-7"},
        {"12.50", "12.5"},
        {"1.1000000000000001", "1.1"},
        {"0.30000000000000004", "0.3"},
        {"299.70000000000005", "299.7"},
        {"1E5", "100000"},
        {"1.25E-7", "0.000000125"},
        {"-1.5E-3", "-0.0015"},
        {"6.9179300000000003E+18", "6917930000000000000"},
        {"1.2345678901234568E+18",
         "1234567890123456800"}, /* what is lost stays visible: more than 15 digits */
        {"1234567890123456789", "1234567890123456789"}, /* written in full: as it stands */
        {"1e22", "10000000000000000000000"},
        {"0.1", "0.1"},
        {"12345678901234.5", "12345678901234.5"},
        {"123456789012345.6", "123456789012346"},
        {"007.5", "7.5"},
        {"-0.50", "-0.5"},
        {"5.", "5"},
        {".5", "0.5"},
        {"123456.789", "123456.789"},
        {"-0.0", "0"},
        {"9.9999999999999995E-7", "0.000001"}};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        assert_number(numbers[i][0], XLSX_SHOWN_NUMBER, false, TABLE_CELL_NUMBER, numbers[i][1]);
    assert_number("1e999", XLSX_SHOWN_NUMBER, false, TABLE_CELL_TEXT, "1e999");
    assert_number("abc", XLSX_SHOWN_TIME, false, TABLE_CELL_TEXT, "abc");
}

/* Serials by ECMA-376 part 1, 18.17.4.1; 1900-02-29 as Excel shows it. */
static void test_dates(void **state)
{
    (void)state;
    static const char *const times[][2] = {{"1", "1900-01-01 00:00:00"},
                                           {"59", "1900-02-28 00:00:00"},
                                           {"60", "1900-02-29 00:00:00"},
                                           {"60.5", "1900-02-29 12:00:00"},
                                           {"61", "1900-03-01 00:00:00"},
                                           {"25569", "1970-01-01 00:00:00"},
                                           {"45351.5", "2024-02-29 12:00:00"},
                                           {"45351.999988425923", "2024-02-29 23:59:59"},
                                           {"45351.99999999", "2024-03-01 00:00:00"},
                                           {"45292.378472222219", "2024-01-01 09:05:00"},
                                           {"2958465", "9999-12-31 00:00:00"},
                                           {"0.999999", "1900-01-01 00:00:00"}};
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
        assert_number(times[i][0], XLSX_SHOWN_TIME, false, TABLE_CELL_TIME, times[i][1]);
    assert_number("0.5", XLSX_SHOWN_TIME, false, TABLE_CELL_TEXT, "12:00:00");
    assert_number("2958466", XLSX_SHOWN_TIME, false, TABLE_CELL_NUMBER, "2958466");
    assert_number("-1.5", XLSX_SHOWN_TIME, false, TABLE_CELL_NUMBER, "-1.5");
    assert_number("1", XLSX_SHOWN_TIME, true, TABLE_CELL_TIME, "1904-01-02 00:00:00");
    assert_number("43889.5", XLSX_SHOWN_TIME, true, TABLE_CELL_TIME,
                  "2024-02-29 12:00:00"); /* 45351.5 - 1462 */
    assert_number("2957003", XLSX_SHOWN_TIME, true, TABLE_CELL_TIME, "9999-12-31 00:00:00");
    assert_number("2957004", XLSX_SHOWN_TIME, true, TABLE_CELL_NUMBER, "2957004");
    assert_number("1.5", XLSX_SHOWN_DURATION, false, TABLE_CELL_TEXT, "36:00:00");
}

static void test_builtin_formats(void **state)
{
    (void)state;
    for (int id = 0; id < 200; id++) {
        bool duration = id == 46 || id == 79;
        bool time = (id >= 14 && id <= 22) || id == 45 || id == 47 || (id >= 27 && id <= 36) ||
                    (id >= 50 && id <= 58) || (id >= 71 && id <= 81 && id != 79);
        enum xlsx_shown expected = duration ? XLSX_SHOWN_DURATION
                                   : time   ? XLSX_SHOWN_TIME
                                            : XLSX_SHOWN_NUMBER;
        assert_int_equal(xlsx_format_builtin(id), expected);
    }
    assert_int_equal(xlsx_format_code(STR("[h]:mm")), XLSX_SHOWN_DURATION);
    assert_int_equal(xlsx_format_code(STR("[ss].00")), XLSX_SHOWN_DURATION);
    assert_int_equal(xlsx_format_code(STR("[Red][hm]0")), XLSX_SHOWN_NUMBER);
    assert_int_equal(xlsx_format_code(STR("\"")), XLSX_SHOWN_NUMBER);
    assert_int_equal(xlsx_format_code(STR("0\\")), XLSX_SHOWN_NUMBER);
    assert_int_equal(xlsx_format_code(STR("[d")), XLSX_SHOWN_NUMBER);
}

/* --- Shared strings beyond the memory allowed --- */

static void test_strings_spill(void **state)
{
    struct arena *arena = *state;
    struct buf sheet = buf_new(arena, (size_t)32 << 20), strings = buf_new(arena, (size_t)32 << 20);
    enum { COUNT = 5000 };
    buf_str(&sheet, STR("<worksheet><sheetData>"));
    buf_str(&strings, STR("<sst>"));
    for (int i = 0; i < COUNT; i++) {
        /* Of 1 to 3331 digits, 8 MB together, which is more than the cache of blocks; 70,000 now
         * and then, which is more than a block. */
        buf_fmt(&strings, "<si><t>%0*d</t></si>", i % 1000 == 999 ? 70000 : 1 + i * 7 % 3331, i);
        buf_fmt(&sheet, "<row><c t=\"s\"><v>%d</v></c><c t=\"s\"><v>%d</v></c></row>", i,
                i * 2741 % COUNT);
    }
    buf_str(&sheet, STR("</sheetData></worksheet>"));
    buf_str(&strings, STR("</sst>"));
    struct workbook_parts parts = {.sheet = buf_view(&sheet), .strings = buf_view(&strings)};
    struct str path = folder_put(arena, workbook_stored(arena, &parts));
    static const size_t memories[] = {0, 1, 1000, 100000, (size_t)64 << 20};
    for (size_t m = 0; m < sizeof(memories) / sizeof(memories[0]); m++) {
        struct xlsx_options options = {.strings_memory_bytes = memories[m],
                                       .spill_directory = folder};
        struct xlsx_input *input;
        assert_null(xlsx_input_open(arena, path, &options, &input));
        for (int i = 0; i < COUNT; i++) {
            struct table_row row;
            const struct err *bad;
            assert_null(xlsx_input_next(input, &row, &bad));
            assert_int_equal(row.cell_count, 2);
            for (int c = 0; c < 2; c++) {
                int index = c == 0 ? i : i * 2741 % COUNT;
                int width = index % 1000 == 999 ? 70000 : 1 + index * 7 % 3331;
                assert_int_equal(row.cells[c].n, snprintf(NULL, 0, "%0*d", width, index));
                assert_int_equal(strtol(str_z(arena, row.cells[c]), NULL, 10), index);
            }
        }
        xlsx_input_close(input);
    }
    struct xlsx_options nowhere = {.strings_memory_bytes = 0, .spill_directory = "/nonexistent"};
    struct xlsx_input *input;
    struct table_row row;
    const struct err *bad;
    assert_null(xlsx_input_open(arena, path, &nowhere, &input));
    const struct err *err = xlsx_input_next(input, &row, &bad);
    assert_non_null(err);
    assert_int_equal(err->code, ERR_FILE_WRITE);
}

/* --- Progress and hash --- */

static void test_progress_and_hash(void **state)
{
    struct arena *arena = *state;
    struct str path = STR(TEST_DATA "/xlsx/random.xlsx"), content;
    assert_null(file_read(arena, path, (size_t)16 << 20, &content));
    struct table_input *table = open_path(arena, path, true);
    struct table_row row = {.end = false};
    const struct err *bad;
    int64_t done = 0, before = 0, all;
    while (!row.end) {
        assert_null(table_input_next(table, &row, &bad));
        table_input_progress(table, &done, &all);
        assert_true(done >= before && done <= all);
        assert_int_equal(all, content.n);
        before = done;
    }
    assert_int_equal(done, all);
    uint8_t hash[SECRET_HASH_BYTES], expected[SECRET_HASH_BYTES];
    table_input_hash(table, hash);
    secret_content_hash(content, expected);
    assert_memory_equal(hash, expected, SECRET_HASH_BYTES);
}

/* --- Bad rows --- */

static void assert_bad_row(struct table_input *table, enum err_code code, const char *place)
{
    struct table_row row;
    const struct err *bad;
    assert_null(table_input_next(table, &row, &bad));
    assert_non_null(bad);
    assert_int_equal(bad->code, code);
    assert_int_equal(row.cell_count, 0);
    if (!str_ends(bad->field, str_c(place)))
        fail_msg("%.*s, expected …%s", STR_ARG(bad->field), place);
}

static void test_bad_rows(void **state)
{
    struct arena *arena = *state;
    struct buf sheet = buf_new(arena, (size_t)64 << 20), strings = buf_new(arena, (size_t)64 << 20);
    char *long_text = arena_alloc(arena, 10 << 20);
    memset(long_text, 'x', 10 << 20);
    struct str ten_megabytes = {long_text, 10 << 20}, megabyte = {long_text, LIMIT_CELL_BYTES_MAX};
    buf_str(&sheet,
            STR("<worksheet><sheetData><row r=\"1\"><c><v>1</v></c><c t=\"inlineStr\"><is><t>"));
    buf_str(&sheet, ten_megabytes);
    buf_str(&sheet, STR("</t></is></c><c><v>3</v></c></row><row r=\"2\"><c "
                        "t=\"s\"><v>0</v></c></row><row r=\"3\">"));
    for (int i = 0; i < 2000; i++)
        buf_str(&sheet, STR("<c><v>1</v></c>"));
    buf_str(&sheet, STR("</row><row r=\"4\">"));
    for (int i = 0; i < 5; i++)
        buf_str(&sheet, STR("<c t=\"s\"><v>1</v></c>"));
    buf_str(&sheet, STR("</row><row r=\"5\"><c><v>5</v></c></row></sheetData></worksheet>"));
    buf_str(&strings, STR("<sst><si><t>"));
    buf_str(&strings, ten_megabytes);
    buf_str(&strings, STR("</t></si><si><t>"));
    buf_str(&strings, megabyte);
    buf_str(&strings, STR("</t></si></sst>"));
    struct table_input *table = open_parts(
        arena, &(struct workbook_parts){.sheet = buf_view(&sheet), .strings = buf_view(&strings)});
    assert_bad_row(table, ERR_CELL_TOO_LONG, "/t:1 (B1)");
    assert_bad_row(table, ERR_CELL_TOO_LONG, "/t:2 (A2)");
    assert_bad_row(table, ERR_SHEET_COLUMNS,
                   "/t:3 (ALM3)"); /* column 1001; checked with openpyxl */
    assert_bad_row(table, ERR_SHEET_ROW_TOO_LONG, "/t:4 (E4)");
    assert_row(table, "5: 5");
    assert_end(table);
}

/* --- Bad files --- */

static const struct err *open_bad(struct arena *arena, struct str path)
{
    struct table_options options = {.path = path, .encoding = STR("auto"), .delimiter = ','};
    struct table_input *table;
    return table_input_open(arena, &options, &table);
}

static void assert_error(struct arena *arena, const struct err *err, enum err_code code,
                         const char *words)
{
    assert_non_null(err);
    struct str text = err_text(arena, err, LANG_EN);
    if (err->code != code || !strstr(str_z(arena, text), words))
        fail_msg("%s: <%.*s>, expected %s with <%s>", err_info(err->code)->name, STR_ARG(text),
                 err_info(code)->name, words);
    assert_non_null(strstr(str_z(arena, text), "/t"));
}

static void assert_file(struct arena *arena, struct str content, enum err_code code,
                        const char *words)
{
    assert_error(arena, open_bad(arena, folder_put(arena, content)), code, words);
}

/* All rows are read; the error that ends it. */
static const struct err *read_bad(struct arena *arena, const struct workbook_parts *parts)
{
    struct table_input *table;
    struct table_options options = {.path = folder_put(arena, workbook_stored(arena, parts)),
                                    .encoding = STR("auto"),
                                    .delimiter = ','};
    TRY(table_input_open(arena, &options, &table));
    struct table_row row = {.end = false};
    const struct err *bad;
    while (!row.end)
        TRY(table_input_next(table, &row, &bad));
    return NULL;
}

static void assert_parts(struct arena *arena, const struct workbook_parts *parts,
                         enum err_code code, const char *words)
{
    assert_error(arena, read_bad(arena, parts), code, words);
}

static void test_other_files(void **state)
{
    struct arena *arena = *state;
    assert_file(arena, STR("\x89PNG\r\n\x1a\n...."), ERR_FILE_NOT_TABLE, "PNG");
    assert_file(arena, STR("\xFF\xD8\xFF\xE0..JFIF"), ERR_FILE_NOT_TABLE, "JPEG");
    assert_file(arena, STR("%PDF-1.7\n"), ERR_FILE_NOT_TABLE, "PDF");
    assert_file(arena, STR("Rar!\x1A\x07\1\0"), ERR_FILE_ARCHIVE, "RAR");
    assert_file(arena, STR("7z\xBC\xAF\x27\x1C\0\4"), ERR_FILE_ARCHIVE, "7z");
    assert_file(arena, STR("  \n<!DOCTYPE HTML PUBLIC>"), ERR_FILE_WEB_PAGE, "web page");
    assert_file(arena, STR("\xEF\xBB\xBF<Table border=1>"), ERR_FILE_WEB_PAGE, "web page");
    assert_file(arena, STR("\xFF\xFE<\0h\0t\0m\0l\0>\0"), ERR_FILE_WEB_PAGE, "web page");
    assert_file(arena, STR("<?xml version=\"1.0\"?><html xmlns=\"\">"), ERR_FILE_WEB_PAGE,
                "web page");
    assert_file(arena,
                STR("<?xml version=\"1.0\"?><Workbook "
                    "xmlns=\"urn:schemas-microsoft-com:office:spreadsheet\">"),
                ERR_FILE_FORMAT_OTHER, "XML (Excel 2003)");
    struct buf ole = buf_new(arena, 1 << 20);
    buf_str(&ole, STR("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"));
    assert_file(arena, buf_view(&ole), ERR_FILE_FORMAT_OTHER, "xls (Excel 97-2003)");
    /* The mark of a password, over the seam of two blocks of the search. */
    while (ole.n < 65536 - 11)
        buf_char(&ole, 'x');
    for (const char *p = "EncryptedPackage"; *p; p++)
        buf_add(&ole, (char[]){*p, 0}, 2);
    assert_file(arena, buf_view(&ole), ERR_FILE_PASSWORD, "password");
}

static void test_other_zips(void **state)
{
    struct arena *arena = *state;
    struct zip_member members[] = {
        {STR("orders.csv"), STR("a,b\n")},
        {STR("content.xml"), STR("<x/>")},
        {STR("META-INF/manifest.xml"), STR("<x/>")},
        {STR("_rels/.rels"),
         STR("<Relationships><Relationship Id=\"a\" Type=\"" XLSX_DOCUMENT "/officeDocument\" "
             "Target=\"word/document.xml\"/></Relationships>")},
        {STR("word/document.xml"), STR("<w:document/>")},
    };
    assert_file(arena, zip_stored(arena, members, 1), ERR_FILE_ARCHIVE, "zip archive");
    assert_file(arena, zip_stored(arena, members, 0), ERR_FILE_ARCHIVE, "zip archive");
    assert_file(arena, zip_stored(arena, members, 3), ERR_FILE_FORMAT_OTHER, "ods");
    assert_file(arena, zip_stored(arena, members + 3, 2), ERR_FILE_NOT_TABLE, "docx");
    assert_file(arena, zip_stored(arena, members + 3, 1), ERR_WORKBOOK_BAD,
                "word/document.xml is missing");
    members[3].content =
        STR("<Relationships><Relationship Id=\"a\" Type=\"" XLSX_DOCUMENT "/officeDocument\" "
            "Target=\"xl/workbook.bin\"/></Relationships>");
    assert_file(arena, zip_stored(arena, members + 3, 1), ERR_FILE_FORMAT_OTHER, "xlsb");
}

/* Cut at any length a workbook is damaged, not something else. */
static void test_cut_off(void **state)
{
    struct arena *arena = *state;
    struct str whole;
    assert_null(file_read(arena, STR(TEST_DATA "/xlsx/kinds.xlsx"), 1 << 20, &whole));
    for (size_t n = 4; n < whole.n; n += 97)
        assert_file(arena, str_slice(whole, 0, n), ERR_ZIP_BAD, "damaged or cut off");
    char *bytes = arena_alloc(arena, whole.n);
    int wrong = 0;
    for (size_t at = 0; at < whole.n;
         at += 53) { /* a byte altered: read on to the end, an error or the same */
        memcpy(bytes, whole.p, whole.n);
        bytes[at] = (char)(bytes[at] ^ 0x55);
        struct arena *part = arena_new("altered", (size_t)64 << 20);
        struct table_options options = {.path = folder_put(part, (struct str){bytes, whole.n}),
                                        .encoding = STR("auto"),
                                        .delimiter = ','};
        struct table_input *table;
        const struct err *bad, *err = table_input_open(part, &options, &table);
        struct table_row row = {.end = false};
        while (!err && !row.end)
            err = table_input_next(table, &row, &bad);
        wrong += err != NULL;
        arena_free(part);
    }
    assert_true(wrong > 10);
}

static void test_bad_workbooks(void **state)
{
    struct arena *arena = *state;
    struct workbook_parts plain = {.sheet = STR_NONE};
    assert_null(read_bad(arena, &plain));
    assert_parts(arena,
                 &(struct workbook_parts){
                     .workbook = STR("<workbook xmlns:r=\"r\"><sheets><sheet name=\"a\" "
                                     "state=\"hidden\" r:id=\"r1\"/></sheets></workbook>")},
                 ERR_WORKBOOK_NO_SHEET, "no visible sheet");
    assert_parts(arena, &(struct workbook_parts){.workbook = STR("<workbook><sheets/></workbook>")},
                 ERR_WORKBOOK_NO_SHEET, "no visible sheet");
    assert_parts(arena,
                 &(struct workbook_parts){
                     .relations = STR("<Relationships><Relationship Id=\"r1\" Type=\"/worksheet\" "
                                      "Target=\"gone.xml\"/></Relationships>")},
                 ERR_WORKBOOK_BAD, "xl/gone.xml is missing");
    assert_parts(arena, &(struct workbook_parts){.sheet = SHEET("<row r=\"3\">\n  <c></d>")},
                 ERR_XML_BAD,
                 "xl/worksheets/sheet1.xml is damaged at line 2, column 8 (mismatched tag)");
    assert_parts(arena, &(struct workbook_parts){.sheet = STR("<worksheet><sheetData><row>")},
                 ERR_XML_BAD, "no element found");
    assert_parts(arena, &(struct workbook_parts){.sheet = STR("<a>\xB6\xA9</a>")}, ERR_XML_BAD,
                 "not well-formed");
    assert_parts(
        arena,
        &(struct workbook_parts){
            .strings = STR(
                "<!DOCTYPE a [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;\">]><sst/>"),
            .sheet = SHEET("<row><c t=\"s\"><v>0</v></c></row>")},
        ERR_XML_DOCTYPE, "xl/sharedStrings.xml declares a document type");
    assert_parts(
        arena,
        &(struct workbook_parts){.sheet = SHEET("<row><c r=\"B1\" t=\"s\"><v>1</v></c></row>")},
        ERR_WORKBOOK_BAD, "t:1 (B1): the workbook is damaged (a shared string is missing)");
    assert_parts(arena,
                 &(struct workbook_parts){.sheet = SHEET("<row><c t=\"s\"><v>-1</v></c></row>")},
                 ERR_WORKBOOK_BAD, "a shared string is missing");
    assert_parts(arena, &(struct workbook_parts){.sheet = SHEET("<row r=\"7\"/><row r=\"7\"/>")},
                 ERR_WORKBOOK_BAD, "the row after row 7");
    assert_parts(arena,
                 &(struct workbook_parts){.sheet = SHEET("<row r=\"7\"><c r=\"XFE7\"/></row>")},
                 ERR_WORKBOOK_BAD, "no such column: XFE7");
    assert_parts(arena, &(struct workbook_parts){.sheet = SHEET("<row r=\"7\"><c r=\"7\"/></row>")},
                 ERR_WORKBOOK_BAD, "no such column: 7");
}

/* In each part '#' is its number. */
static struct str repeated(struct arena *arena, const char *before, const char *part, int count,
                           const char *after)
{
    struct buf out = buf_new(arena, (size_t)256 << 20);
    buf_str(&out, str_c(before));
    for (int i = 0; i < count; i++)
        for (const char *p = part; *p; p++) {
            if (*p == '#')
                buf_fmt(&out, "%09d", i);
            else
                buf_char(&out, *p);
        }
    buf_str(&out, str_c(after));
    return buf_view(&out);
}

/* What a parser would have to hold in memory. */
static void test_bounds_of_xml(void **state)
{
    struct arena *arena = *state;
    struct workbook_parts parts = {.sheet =
                                       repeated(arena, "", "<a>", LIMIT_XML_DEPTH_MAX + 1, "")};
    assert_parts(arena, &parts, ERR_XML_BAD, "nested too deep");
    parts.sheet = repeated(arena, "<a>", "<name#/>", LIMIT_XML_NAMES_MAX + 1, "</a>");
    assert_parts(arena, &parts, ERR_XML_BAD, "names without end");
    parts.sheet = repeated(arena, "<a>", "<a name#=\"\"/>", LIMIT_XML_NAMES_MAX + 1, "</a>");
    assert_parts(arena, &parts, ERR_XML_BAD, "names without end");
    parts.sheet = repeated(arena, "<a>", "<name#/>", LIMIT_XML_NAMES_MAX, "</a>");
    assert_null(read_bad(arena, &parts));
    parts.sheet = repeated(arena, "<a b=\"", "# ", 120000, "\"/>"); /* 1.2 MB */
    assert_parts(arena, &parts, ERR_XML_BAD, "a tag or comment without end");
    parts.sheet = repeated(arena, "<!--", "# ", 120000, "--><a/>");
    assert_parts(arena, &parts, ERR_XML_BAD, "a tag or comment without end");
    parts.sheet = repeated(arena, "<a>", "# ", 1200000, "</a>"); /* text comes in pieces */
    assert_null(read_bad(arena, &parts));
}

/* 100 MB of blanks, which deflate packs to a thousandth. */
static void test_zip_bomb(void **state)
{
    struct arena *arena = *state;
    size_t n = (size_t)100 << 20, capacity = 1 << 20; /* of what it packs to, 100 kB */
    char *blanks = arena_alloc(arena, n);
    memset(blanks, ' ', n);
    memcpy(blanks, "<a>", 3);
    memcpy(blanks + n - 4, "</a>", 4);
    z_stream z = {.next_in = (Bytef *)blanks, .avail_in = (uInt)n};
    char *packed = arena_alloc(arena, capacity);
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_out = (Bytef *)packed;
    z.avail_out = (uInt)capacity;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    struct workbook_parts parts = {.sheet = {blanks, n}, .sheet_deflated = {packed, z.total_out}};
    struct str limit = str_fmt(arena, "unpacks to more than %lld bytes",
                               LIMIT_WORKBOOK_RATIO_FREE_BYTES +
                                   (long long)z.total_out * LIMIT_WORKBOOK_RATIO_MAX);
    assert_parts(arena, &parts, ERR_WORKBOOK_UNPACKS, str_z(arena, limit));
}

/* The end record says that the list of entries has 17 MB. */
static void test_too_many_entries(void **state)
{
    struct arena *arena = *state;
    struct zip_member member = {STR("a"), STR("b")};
    struct str zip = zip_stored(arena, &member, 1);
    char *bytes = arena_alloc(arena, zip.n);
    memcpy(bytes, zip.p, zip.n);
    memcpy(bytes + zip.n - 22 + 12, "\0\0\x10\1", 4);
    assert_file(arena, (struct str){bytes, zip.n}, ERR_ZIP_BAD, "too many entries");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_openpyxl_writes),
        cmocka_unit_test(test_cell_types),
        cmocka_unit_test(test_rich_text),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_raw_is_csv),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_builtin_formats),
        cmocka_unit_test(test_strings_spill),
        cmocka_unit_test(test_progress_and_hash),
        cmocka_unit_test(test_bad_rows),
        cmocka_unit_test(test_other_files),
        cmocka_unit_test(test_other_zips),
        cmocka_unit_test(test_cut_off),
        cmocka_unit_test(test_bad_workbooks),
        cmocka_unit_test(test_bounds_of_xml),
        cmocka_unit_test(test_zip_bomb),
        cmocka_unit_test(test_too_many_entries),
    };
    return cmocka_run_group_tests(tests, folder_open, folder_close);
}
