/* link: contract */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <math.h>
#include <cmocka.h>

#include "base/arena.h"
#include "contract/report.h"

static const struct metric_column all_columns[] = {
    {.name = "count", .kind = CELL_COUNT},
    {.name = "amount", .kind = CELL_AMOUNT},
    {.name = "mean", .kind = CELL_MEAN_AMOUNT},
    {.name = "ratio", .kind = CELL_RATIO},
    {.name = "number", .kind = CELL_NUMBER},
    {.name = "day", .kind = CELL_DAY},
    {.name = "month", .kind = CELL_MONTH},
    {.name = "text", .kind = CELL_TEXT},
    {.name = "id", .kind = CELL_ID},
};
enum { COUNT, AMOUNT, MEAN, RATIO, NUMBER, DAY, MONTH, TEXT_, ID, COLUMNS };
static const struct metric_column short_columns[] = {{.name = "n", .kind = CELL_COUNT}};
static const struct metric_section sections[] = {
    {.name = "all", .columns = all_columns, .column_count = COLUMNS},
    {.name = "short", .columns = short_columns, .column_count = 1},
};
static const struct metric metric = {.name = "trial", .sections = sections, .section_count = 2};
static const struct report_scope scope = {.currency_digits = 2};

static int setup(void **state)
{
    *state = arena_new("test", (size_t)64 << 20);
    return 0;
}

static int teardown(void **state)
{
    arena_free(*state);
    return 0;
}

static struct report *sample(struct arena *arena)
{
    struct report *report = report_new(arena, &metric, &scope);
    for (int i = 0; i < 3; i++) {
        struct cell *row = report_row(report, 0);
        row[COUNT] = cell_i(i);
        row[AMOUNT] = cell_i(123456);
        row[MEAN] = cell_f(1234.5);
        row[RATIO] = cell_ratio(i, 3);
        row[NUMBER] = cell_f(2.5);
        row[DAY] = cell_i(15317); /* 2011-12-09 */
        row[MONTH] = cell_i(2011 * 12 + 11);
        row[TEXT_] = cell_s(STR("UK"));
        row[ID] = cell_i(42);
    }
    report_row(report, 1)[0] = cell_i(7);
    return report;
}

static void assert_difference(struct arena *arena, const struct report *changed,
                              const char *expected)
{
    struct str difference = report_difference(arena, sample(arena), changed);
    assert_non_null(difference.p);
    assert_string_equal(str_z(arena, difference), expected);
    assert_non_null(report_difference(arena, changed, sample(arena)).p);
}

static void test_rows(void **state)
{
    struct report *report = report_new(*state, &metric, &scope);
    assert_int_equal(report->sections[0].row_count, 0);
    for (int i = 0; i < 1000; i++) {
        struct cell *row = report_row(report, 0);
        for (int k = 0; k < COLUMNS; k++)
            assert_true(row[k].null);
        row[COUNT] = cell_i(i);
        assert_false(row[COUNT].null);
    }
    assert_int_equal(report->sections[0].row_count, 1000);
    assert_int_equal(report->sections[1].row_count, 0);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(report->sections[0].cells[i * COLUMNS + COUNT].i, i);
        assert_true(report->sections[0].cells[i * COLUMNS + ID].null);
    }
    assert_ptr_equal(report->metric, &metric);
    assert_int_equal(report->scope.currency_digits, 2);
}

static void test_cells(void **state)
{
    (void)state;
    assert_true(cell_ratio(1, 0).null);
    assert_false(cell_ratio(0, 4).null);
    assert_true(cell_ratio(1, 4).f == 0.25);
    assert_true(cell_ratio(-1, 4).f == -0.25);
    assert_true(str_eq(cell_s(STR("x")).s, STR("x")));
    assert_true(cell_f(0.5).f == 0.5 && !cell_f(0.5).null);
}

static void test_equal(void **state)
{
    struct arena *arena = *state;
    assert_null(report_difference(arena, sample(arena), sample(arena)).p);
    /* Numbers with a fraction: to one part in 10^9. */
    struct report *close = sample(arena);
    close->sections[0].cells[MEAN].f = 1234.5 * (1 + 0.9e-9);
    close->sections[0].cells[NUMBER].f = 2.5 * (1 - 0.9e-9);
    assert_null(report_difference(arena, sample(arena), close).p);
}

static void test_different(void **state)
{
    struct arena *arena = *state;
    static const struct {
        int column;
        struct cell cell;
        const char *expected;
    } cases[] = {
        {COUNT, {.i = 9}, "trial: section all, row 2, column count: 1 and 9"},
        {AMOUNT, {.i = 123457}, "trial: section all, row 2, column amount: 1234.56 and 1234.57"},
        {MEAN, {.f = 1235.5}, "trial: section all, row 2, column mean: 1234.5 and 1235.5"},
        {RATIO, {.f = 0.5}, "trial: section all, row 2, column ratio: 0.33333333333333331 and 0.5"},
        {NUMBER, {.f = 3}, "trial: section all, row 2, column number: 2.5 and 3"},
        {DAY, {.i = 15318}, "trial: section all, row 2, column day: 2011-12-09 and 2011-12-10"},
        {MONTH, {.i = 2012 * 12}, "trial: section all, row 2, column month: 2011-12 and 2012-01"},
        {TEXT_,
         {.s = STR_INIT("UK ")},
         "trial: section all, row 2, column text: \"UK\" and \"UK \""},
        {ID, {.i = 43}, "trial: section all, row 2, column id: 42 and 43"},
        {COUNT, {.null = true}, "trial: section all, row 2, column count: 1 and null"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct report *changed = sample(arena);
        changed->sections[0].cells[COLUMNS + cases[i].column] = cases[i].cell;
        assert_difference(arena, changed, cases[i].expected);
    }
    struct report *changed = sample(arena);
    changed->sections[0].cells[NUMBER].f = 2.5 * (1 + 1.1e-9);
    assert_non_null(report_difference(arena, sample(arena), changed).p);
    /* Not a number is never right, not even on both sides. */
    changed->sections[0].cells[NUMBER].f = (double)NAN;
    assert_non_null(report_difference(arena, changed, changed).p);
    changed = sample(arena);
    changed->sections[1].cells[0] = cell_i(8);
    assert_difference(arena, changed, "trial: section short, row 1, column n: 7 and 8");
}

static void test_row_counts(void **state)
{
    struct arena *arena = *state;
    struct report *more = sample(arena);
    report_row(more, 1);
    assert_difference(arena, more, "trial: section short: 1 rows and 2 rows");
    struct report *empty = report_new(arena, &metric, &scope);
    assert_difference(arena, empty, "trial: section all: 3 rows and 0 rows");
}

static void test_reserved_rows(void **state)
{
    struct arena *arena = *state;
    struct report *report = sample(arena);
    report_reserve(report, 0, 1000); /* keeps the three that are there */
    report_reserve(report, 0, 2);
    const struct cell *cells = report->sections[0].cells;
    for (int i = 3; i < 1000; i++)
        assert_true(report_row(report, 0)[COUNT].null);
    assert_ptr_equal(report->sections[0].cells, cells);
    report->sections[0].row_count = 3;
    assert_null(report_difference(arena, sample(arena), report).p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),       cmocka_unit_test(test_cells),
        cmocka_unit_test(test_equal),      cmocka_unit_test(test_different),
        cmocka_unit_test(test_row_counts), cmocka_unit_test(test_reserved_rows),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
