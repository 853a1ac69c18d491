/* link: cli */
/* Rendering of hand-made reports. What is expected is written out here by hand; widths are counted
 * by a function of this file's own (one column per character, two from U+1100 on that is Chinese or
 * full-width). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "cli/cli_matrix.h"
#include "cli/cli_render.h"
#include "codec/json.h"
#include "engine/engine.h"

static const struct metric_column people_columns[] = {
    {"name", CELL_TEXT, TEXT("Name", "姓名")},
    {"customers", CELL_COUNT, TEXT("Customers", "客户数")},
    {"amount", CELL_AMOUNT, TEXT("Amount", "金额")},
    {"mean", CELL_MEAN_AMOUNT, TEXT("Mean order", "平均每单")},
    {"share", CELL_RATIO, TEXT("Share", "占比")},
    {"day", CELL_DAY, TEXT("Day", "日期")},
    {"month", CELL_MONTH, TEXT("Month", "月份")},
    {"customer_id", CELL_ID, TEXT("Customer", "客户")},
    {"days", CELL_NUMBER, TEXT("Days", "天数")},
};
#define PEOPLE_COLUMNS 9
static const struct metric_section people_sections[] = {
    {.name = "people",
     .title = TEXT("People", "客户"),
     .columns = people_columns,
     .column_count = PEOPLE_COLUMNS},
};
static const struct metric people = {.name = "people",
                                     .title = TEXT("People", "客户"),
                                     .definition = TEXT("Who they are.", "他们是谁。"),
                                     .sections = people_sections,
                                     .section_count = 1};

static struct arena *arena;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new("test", 64u << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static struct report *report_of(const struct metric *metric)
{
    const struct report_scope scope = {.as_of_day = day_of_civil(2011, 12, 10),
                                       .from_day = day_of_civil(2010, 12, 1),
                                       .to_day = day_of_civil(2011, 12, 9),
                                       .net = true,
                                       .currency_digits = 2};
    return report_new(arena, metric, &scope);
}

static struct cell *add_person(struct report *report, const char *name, int64_t customers,
                               int64_t amount_minor, double share)
{
    struct cell *row = report_row(report, 0);
    row[0] = cell_s(str_c(name));
    row[1] = cell_i(customers);
    row[2] = cell_i(amount_minor);
    row[3] = cell_f(12345.5);
    row[4] = cell_f(share);
    row[5] = cell_i(day_of_civil(2011, 12, 9));
    row[6] = cell_i(2011 * 12 + 11);
    row[7] = cell_i(380217684721139712);
    row[8] = cell_f(31.25);
    return row;
}

static const char *text_of(const struct report *report, int columns, enum lang lang, bool colour)
{
    static const struct str notes[] = {STR_INIT("A note.")};
    const struct insight_view render = {.report = report,
                                  .brand_name = STR("Tea \"House\""),
                                  .currency = STR("GBP"),
                                  .directory = STR("/brand"),
                                  .engine = STR("columns"),
                                  .notes = notes,
                                  .note_count = 1};
    struct page page = page_new(arena, NULL, lang, columns, colour);
    render_text(&page, &render);
    return str_z(arena, buf_view(&page.out));
}

static int columns_taken(const char *from, const char *to)
{
    int columns = 0;
    for (const unsigned char *p = (const unsigned char *)from; p < (const unsigned char *)to; p++) {
        if ((*p & 0xC0) == 0x80)
            continue;
        bool wide = *p >= 0xE3 && *p <= 0xED;        /* U+3000 … U+DFFF */
        wide = wide || (*p == 0xEF && p[1] >= 0xBC); /* full-width forms */
        columns += wide ? 2 : 1;
    }
    return columns;
}

static int widest_line(const char *text)
{
    int widest = 0;
    for (const char *line = text; *line;) {
        const char *end = strchr(line, '\n');
        int columns = columns_taken(line, end);
        widest = columns > widest ? columns : widest;
        line = end + 1;
    }
    return widest;
}

/* The terminal column at which `needle` ends in its line. */
static int end_column(const char *text, const char *needle)
{
    const char *at = strstr(text, needle);
    assert_non_null(at);
    const char *line = at;
    while (line > text && line[-1] != '\n')
        line--;
    return columns_taken(line, at + strlen(needle));
}

static const char *repeated(const char *piece, int count)
{
    struct buf buf = buf_new(arena, 4096);
    for (int i = 0; i < count; i++)
        buf_str(&buf, str_c(piece));
    return str_z(arena, buf_view(&buf));
}

static void long_names_keep_the_table_aligned(void **state)
{
    (void)state;
    struct report *report = report_of(&people);
    add_person(report, repeated("客", 40), 7, 123456789, 0.5);
    add_person(report, repeated("x", 80), 1234567, -5, 0.123);
    add_person(report, "Ann", 12, 99, 1);
    for (int columns = 100; columns <= 160; columns += 20) {
        const char *text = text_of(report, columns, LANG_EN, false);
        assert_true(widest_line(text) <= columns);
        assert_int_equal(end_column(text, " 1,234,567.89"), end_column(text, " -0.05"));
        assert_int_equal(end_column(text, " 1,234,567.89"), end_column(text, " 0.99"));
        assert_int_equal(end_column(text, " 50.0 %"), end_column(text, " 12.3 %"));
        assert_int_equal(end_column(text, " 50.0 %"), end_column(text, " 100.0 %"));
        assert_non_null(strstr(text, "客…"));
        assert_non_null(strstr(text, "x…"));
        assert_non_null(strstr(text, " 1,234,567 "));
        assert_non_null(strstr(text, "380217684721139712"));
    }
}

static void cells_read_as_people_write_them(void **state)
{
    (void)state;
    struct report *report = report_of(&people);
    add_person(report, "Ann\033[31m\nB", 1234, 1234500, 0.6557);
    const char *text = text_of(report, 140, LANG_EN, false);
    assert_non_null(strstr(text, "12,345.00"));
    assert_non_null(strstr(text, " 123.46")); /* 12345.5 minor units, half away from zero */
    assert_non_null(strstr(text, "65.6 %"));
    assert_non_null(strstr(text, "2011-12-09"));
    assert_non_null(strstr(text, "2011-12 "));
    assert_non_null(strstr(text, "31.3")); /* 31.25 */
    assert_non_null(strstr(text, "Ann?[31m?B"));
    assert_null(strchr(text, '\033'));
    assert_non_null(strstr(text, "As of 2011-12-10"));
    assert_non_null(strstr(text, "2010-12-01 to 2011-12-09"));
    assert_non_null(strstr(text, "GBP, net of refunds"));
    assert_non_null(strstr(text, "* A note."));
}

static void nulls_are_dashes_and_titles_follow_the_language(void **state)
{
    (void)state;
    struct report *report = report_of(&people);
    (void)report_row(report, 0);
    const char *text = text_of(report, 140, LANG_ZH, false);
    int dashes = 0;
    for (const char *at = strstr(text, "–"); at; at = strstr(at + 1, "–"))
        dashes++;
    assert_int_equal(dashes, PEOPLE_COLUMNS);
    assert_non_null(strstr(text, "平均每单"));
    assert_null(strstr(text, "Mean order"));
}

static void an_empty_report_says_so(void **state)
{
    (void)state;
    struct report *report = report_of(&people);
    assert_non_null(strstr(text_of(report, 80, LANG_EN, false), "Nothing to show"));
    assert_non_null(strstr(text_of(report, 80, LANG_ZH, false), "没有可显示的内容"));
    for (int m = 0; m < metric_count; m++) {
        assert_non_null(
            strstr(text_of(report_of(metric_all[m]), 80, LANG_EN, false), "Nothing to show"));
        assert_non_null(
            strstr(text_of(report_of(metric_all[m]), 80, LANG_ZH, true), "没有可显示的内容"));
    }
}

static void every_report_of_one_null_row_can_be_shown(void **state)
{
    (void)state;
    for (int m = 0; m < metric_count; m++) {
        struct report *report = report_of(metric_all[m]);
        for (int s = 0; s < metric_all[m]->section_count; s++)
            (void)report_row(report, s);
        for (int columns = 40; columns <= 120; columns += 40)
            assert_true(strlen(text_of(report, columns, LANG_ZH, columns > 40)) > 0);
    }
}

static struct report *cohort_report(void)
{
    /* Three cohorts of 10, 20 and 5 customers; October 2011 of 20 had nobody in November. */
    static const int64_t rows[][4] = {
        {9, 0, 10, 10}, {9, 1, 10, 4}, {9, 2, 10, 3}, {10, 0, 20, 20}, {11, 0, 5, 5}};
    struct report *report = report_of(metric_by_name(STR("cohorts")));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cell *row = report_row(report, 0);
        row[0] = cell_i(2011 * 12 + rows[i][0]);
        row[1] = cell_i(rows[i][1]);
        row[2] = cell_i(rows[i][2]);
        row[3] = cell_i(rows[i][3]);
        row[4] = cell_ratio(rows[i][3], rows[i][2]);
    }
    return report;
}

static void a_cohort_matrix_tells_zero_from_unknown(void **state)
{
    (void)state;
    const char *text = text_of(cohort_report(), 80, LANG_EN, false);
    assert_null(strchr(text, '\033'));
    assert_non_null(strstr(text, "2011-10           10  100.0  40.0  30.0\n"));
    assert_non_null(strstr(text, "2011-11           20  100.0   0.0\n"));
    assert_non_null(strstr(text, "2011-12            5  100.0\n"));
    assert_non_null(strstr(text, "2011-12 is looked at only up to 2011-12-09"));
    const char *shaded = text_of(cohort_report(), 80, LANG_EN, true);
    assert_non_null(
        strstr(shaded, "\033[48;5;18;38;5;231m  40.0\033[0m")); /* the highest: darkest */
    assert_non_null(
        strstr(shaded, "\033[48;5;195;38;5;16m   0.0\033[0m")); /* the lowest: lightest */
    assert_non_null(strstr(shaded, "  100.0\033[0m")); /* the first month carries no shade */
    assert_null(strstr(shaded, "m 100.0"));
}

static void a_wide_matrix_loses_decimals_and_then_columns(void **state)
{
    (void)state;
    struct report *report = report_of(metric_by_name(STR("cohorts")));
    for (int k = 0; k <= 12; k++) {
        struct cell *row = report_row(report, 0);
        row[0] = cell_i(2010 * 12 + 11);
        row[1] = cell_i(k);
        row[2] = cell_i(1000);
        row[3] = cell_i(1000 - 77 * k);
        row[4] = cell_ratio(1000 - 77 * k, 1000);
    }
    const char *wide = text_of(report, 120, LANG_EN, false);
    assert_non_null(strstr(wide, " 92.3 ")); /* 923 ÷ 1000 */
    const char *narrow = text_of(report, 80, LANG_EN, false);
    assert_true(widest_line(narrow) <= 80);
    assert_non_null(strstr(narrow, " 100  92  85 ")); /* 923 and 846 of 1000 */
    assert_null(strstr(narrow, "more columns"));
    const char *small = text_of(report, 40, LANG_EN, false);
    assert_true(widest_line(small) <= 40);
    assert_non_null(strstr(small, "more columns"));
}

static void rfm_cells_are_summed_over_m(void **state)
{
    (void)state;
    struct report *report = report_of(metric_by_name(STR("rfm")));
    static const int64_t rows[][4] = {{1, 1, 1, 70}, {1, 1, 2, 5}, {1, 2, 2, 3}, {5, 5, 5, 41}};
    for (size_t i = 0; i < 4; i++) {
        struct cell *row = report_row(report, 2);
        for (int c = 0; c < 4; c++)
            row[c] = cell_i(rows[i][c]);
        row[4] = cell_i(100);
    }
    const char *text = text_of(report, 80, LANG_EN, false);
    assert_non_null(strstr(text, "R   1  2  5\n5        41\n1  75  3\n"));
}

static void long_lists_say_how_many_more(void **state)
{
    (void)state;
    struct report *report = report_of(metric_by_name(STR("overdue")));
    for (int64_t i = 0; i < 25; i++) {
        struct cell *row = report_row(report, 1);
        row[0] = cell_i(1000 + i);
        row[5] = cell_s(STR("own"));
    }
    const char *text = text_of(report, 100, LANG_EN, false);
    assert_non_null(strstr(text, "1019 "));
    assert_null(strstr(text, "1020 "));
    assert_non_null(strstr(text, "and 5 more rows"));
    assert_non_null(strstr(text, "own rhythm"));
    assert_non_null(strstr(text_of(report, 100, LANG_ZH, false), "本人节奏"));
}

static void json_is_exact(void **state)
{
    (void)state;
    struct report *report = report_of(&people);
    add_person(report, "say \"hi\", 客", 3, -123405, 0.1);
    (void)report_row(report, 0);
    static const struct str notes[] = {STR_INIT("A \"note\".")};
    const struct insight_view render = {.report = report,
                                  .brand_name = STR("Tea"),
                                  .currency = STR("GBP"),
                                  .directory = STR("/brand"),
                                  .engine = STR("sql"),
                                  .notes = notes,
                                  .note_count = 1};
    struct page page = page_new(arena, NULL, LANG_EN, 80, false);
    struct json_writer w = json_writer(&page.out, true);
    insight_json(&w, page.arena, &render, page.lang, (struct insight_flush){NULL, NULL});
    const char *text = str_z(arena, buf_view(&page.out));
    assert_non_null(strstr(text, "-1234.05"));
    assert_non_null(strstr(text, "\"380217684721139712\""));
    const struct json_value *root, *rows, *row;
    assert_null(json_read(arena, STR("out"), str_c(text), &root));
    assert_true(str_eq(json_str(json_get(root, STR("report"))), STR("people")));
    assert_true(str_eq(json_str(json_get(root, STR("as_of"))), STR("2011-12-10")));
    assert_true(str_eq(json_str(json_get(root, STR("amount"))), STR("net")));
    assert_true(str_eq(json_str(json_at(json_get(root, STR("notes")), 0)), notes[0]));
    rows = json_get(json_get(root, STR("sections")), STR("people"));
    assert_int_equal(json_count(rows), 2);
    row = json_at(rows, 0);
    assert_true(str_eq(json_str(json_get(row, STR("name"))), STR("say \"hi\", 客")));
    assert_int_equal(json_i64(json_get(row, STR("customers"))), 3);
    assert_true(json_f64(json_get(row, STR("mean"))) == 123.455);
    assert_true(json_f64(json_get(row, STR("share"))) == 0.1);
    assert_true(str_eq(json_str(json_get(row, STR("month"))), STR("2011-12")));
    assert_int_equal(json_kind(json_get(json_at(rows, 1), STR("amount"))), JSON_KIND_NULL);
}

static void csv_is_exact(void **state)
{
    (void)state;
    struct report *report = report_of(&people);
    add_person(report, "say \"hi\", 客", 1234567, -123405, 0.1);
    (void)report_row(report, 0);
    const struct insight_view render = {.report = report, .currency = STR("GBP"), .engine = STR("sql")};
    struct page page = page_new(arena, NULL, LANG_EN, 80, false);
    insight_csv(&page.out, page.arena, &render, (struct insight_flush){NULL, NULL});
    assert_string_equal(
        str_z(arena, buf_view(&page.out)),
        "name,customers,amount,mean,share,day,month,customer_id,days\r\n"
        "\"say \"\"hi\"\", 客\",1234567,-1234.05,123.455,0.1,2011-12-09,2011-12,380217684721139712,"
        "31.25\r\n"
        ",,,,,,,,\r\n");
}

static void csv_sections_are_parted_by_an_empty_line(void **state)
{
    (void)state;
    struct report *report = report_of(metric_by_name(STR("concentration")));
    const struct insight_view render = {.report = report, .currency = STR("GBP"), .engine = STR("sql")};
    struct page page = page_new(arena, NULL, LANG_EN, 80, false);
    insight_csv(&page.out, page.arena, &render, (struct insight_flush){NULL, NULL});
    assert_string_equal(str_z(arena, buf_view(&page.out)),
                        "top_share,top_customers,amount,amount_share\r\n\r\n"
                        "customers,amount,gini\r\n");
}

static void texts_wrap_between_words_and_wide_characters(void **state)
{
    (void)state;
    struct str lines[4];
    assert_int_equal(text_wrap(STR("Eligible, came back"), 9, lines, 4), 2);
    assert_true(str_eq(lines[0], STR("Eligible,")));
    assert_true(str_eq(lines[1], STR("came back")));
    assert_int_equal(text_wrap(STR("中位数（天）"), 6, lines, 4), 2);
    assert_true(str_eq(lines[0], STR("中位数")));
    assert_true(str_eq(lines[1], STR("（天）")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(long_names_keep_the_table_aligned, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cells_read_as_people_write_them, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nulls_are_dashes_and_titles_follow_the_language, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_empty_report_says_so, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_report_of_one_null_row_can_be_shown, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_cohort_matrix_tells_zero_from_unknown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_wide_matrix_loses_decimals_and_then_columns, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(rfm_cells_are_summed_over_m, set_up, tear_down),
        cmocka_unit_test_setup_teardown(long_lists_say_how_many_more, set_up, tear_down),
        cmocka_unit_test_setup_teardown(json_is_exact, set_up, tear_down),
        cmocka_unit_test_setup_teardown(csv_is_exact, set_up, tear_down),
        cmocka_unit_test_setup_teardown(csv_sections_are_parted_by_an_empty_line, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(texts_wrap_between_words_and_wide_characters, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
