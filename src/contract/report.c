#include "contract/report.h"

#include "base/arena.h"
#include "base/calendar.h"
#include "base/check.h"
#include "base/decimal.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define ROWS_FIRST 16
#define RELATIVE_TOLERANCE 1e-9

struct report *report_new(struct arena *arena, const struct metric *metric,
                          const struct report_scope *scope)
{
    struct report *report = ARENA_NEW(arena, struct report);
    report->metric = metric;
    report->scope = *scope;
    report->arena = arena;
    report->sections = ARENA_ARRAY(arena, (size_t)metric->section_count, struct report_section);
    for (int i = 0; i < metric->section_count; i++)
        report->sections[i].is = &metric->sections[i];
    return report;
}

static void section_grow(struct report *report, struct report_section *section, size_t capacity)
{
    size_t columns = (size_t)section->is->column_count;
    struct cell *cells = ARENA_ARRAY(report->arena, capacity * columns, struct cell);
    if (section->row_count > 0)
        memcpy(cells, section->cells, section->row_count * columns * sizeof(struct cell));
    section->cells = cells;
    section->row_capacity = capacity;
}

void report_reserve(struct report *report, int section, size_t row_count)
{
    CHECK(section >= 0 && section < report->metric->section_count);
    struct report_section *to = &report->sections[section];
    if (row_count > to->row_capacity)
        section_grow(report, to, row_count);
}

struct cell *report_row(struct report *report, int section)
{
    CHECK(section >= 0 && section < report->metric->section_count);
    struct report_section *to = &report->sections[section];
    if (to->row_count == to->row_capacity)
        section_grow(report, to, to->row_capacity ? to->row_capacity * 2 : ROWS_FIRST);
    struct cell *row = to->cells + to->row_count++ * (size_t)to->is->column_count;
    for (int i = 0; i < to->is->column_count; i++)
        row[i] = (struct cell){.null = true};
    return row;
}

struct cell cell_i(int64_t i)
{
    return (struct cell){.i = i};
}

struct cell cell_f(double f)
{
    return (struct cell){.f = f};
}

struct cell cell_s(struct str s)
{
    return (struct cell){.s = s};
}

struct cell cell_ratio(int64_t a, int64_t b)
{
    if (b == 0)
        return (struct cell){.null = true};
    return cell_f((double)a / (double)b);
}

/* --- Difference --- */

/* NaN is never close: a report has none. */
static bool is_close(double a, double b)
{
    if (a == b)
        return true;
    return fabs(a - b) <= RELATIVE_TOLERANCE * fmax(fabs(a), fabs(b));
}

static bool cell_eq(enum cell_kind kind, const struct cell *a, const struct cell *b)
{
    if (a->null || b->null)
        return a->null && b->null;
    switch (kind) {
    case CELL_RATIO:
    case CELL_NUMBER:
    case CELL_MEAN_AMOUNT:
        return is_close(a->f, b->f);
    case CELL_TEXT:
        return str_eq(a->s, b->s);
    case CELL_COUNT:
    case CELL_AMOUNT:
    case CELL_DAY:
    case CELL_MONTH:
    case CELL_ID:
        return a->i == b->i;
    }
    CHECK(false);
    return false;
}

static struct str cell_words(struct arena *arena, const struct report *report, enum cell_kind kind,
                             const struct cell *cell)
{
    if (cell->null)
        return STR("null");
    switch (kind) {
    case CELL_AMOUNT:
        return minor_plain(arena, cell->i, report->scope.currency_digits);
    case CELL_MEAN_AMOUNT:
    case CELL_RATIO:
    case CELL_NUMBER:
        return str_fmt(arena, "%.17g", cell->f);
    case CELL_DAY:
        return day_text(arena, (int32_t)cell->i);
    case CELL_MONTH:
        return month_text(arena, (int32_t)cell->i);
    case CELL_TEXT:
        return str_fmt(arena, "\"%.*s\"", STR_ARG(cell->s));
    case CELL_COUNT:
    case CELL_ID:
        return str_fmt(arena, "%" PRId64, cell->i);
    }
    CHECK(false);
    return STR_NONE;
}

/* The first cell that differs in the rows that both have; then the number of rows. */
static struct str section_difference(struct arena *arena, const struct report *a,
                                     const struct report *b, int index)
{
    const struct report_section *in_a = &a->sections[index];
    const struct report_section *in_b = &b->sections[index];
    const struct metric_section *is = in_a->is;
    size_t rows = in_a->row_count < in_b->row_count ? in_a->row_count : in_b->row_count;
    for (size_t i = 0; i < rows * (size_t)is->column_count; i++) {
        const struct metric_column *column = &is->columns[i % (size_t)is->column_count];
        const struct cell *cell_a = &in_a->cells[i];
        const struct cell *cell_b = &in_b->cells[i];
        if (cell_eq(column->kind, cell_a, cell_b))
            continue;
        struct str words_a = cell_words(arena, a, column->kind, cell_a);
        struct str words_b = cell_words(arena, b, column->kind, cell_b);
        return str_fmt(arena, "%s: section %s, row %zu, column %s: %.*s and %.*s", a->metric->name,
                       is->name, i / (size_t)is->column_count + 1, column->name, STR_ARG(words_a),
                       STR_ARG(words_b));
    }
    if (in_a->row_count == in_b->row_count)
        return STR_NONE;
    return str_fmt(arena, "%s: section %s: %zu rows and %zu rows", a->metric->name, is->name,
                   in_a->row_count, in_b->row_count);
}

struct str report_difference(struct arena *arena, const struct report *a, const struct report *b)
{
    CHECK(a->metric == b->metric);
    for (int i = 0; i < a->metric->section_count; i++) {
        struct str difference = section_difference(arena, a, b, i);
        if (difference.p)
            return difference;
    }
    return STR_NONE;
}
