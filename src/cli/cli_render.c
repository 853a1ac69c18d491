#include "cli/cli_render.h"

#include <math.h>
#include <string.h>

#include "base/calendar.h"
#include "base/check.h"
#include "base/decimal.h"
#include "cli/cli_curve.h"
#include "engine/metric_layout.h"
#include "cli/cli_matrix.h"
#include "cli/cli_table.h"

#define MATRIX_COLUMNS_MAX 1200 /* a hundred years of months */
#define BEFORE (-1)             /* the column of all months before the first purchase */

static struct str grouped(struct arena *arena, double value, int decimals)
{
    double scaled = value * (double)pow10_i64(decimals);
    if (!isfinite(scaled) || fabs(scaled) > 9e17)
        return str_fmt(arena, "%g", value);
    return minor_grouped(arena, llround(scaled), decimals);
}

static struct str ratio_text(struct arena *arena, const char *column, double ratio)
{
    /* A coefficient between 0 and 1, which nobody reads as a share. */
    if (strcmp(column, "gini") == 0)
        return grouped(arena, ratio, 3);
    return str_fmt(arena, "%.*s %%", STR_ARG(grouped(arena, ratio * 100, 1)));
}

struct str render_cell(struct arena *arena, const struct metric_column *column,
                       const struct cell *cell, int currency_digits, enum lang lang)
{
    if (cell->null)
        return STR("–");
    switch (column->kind) {
    case CELL_COUNT:
        return text_count(arena, cell->i);
    case CELL_AMOUNT:
        return minor_grouped(arena, cell->i, currency_digits);
    case CELL_MEAN_AMOUNT:
        return grouped(arena, cell->f / (double)pow10_i64(currency_digits), currency_digits);
    case CELL_RATIO:
        return ratio_text(arena, column->name, cell->f);
    case CELL_NUMBER:
        return grouped(arena, cell->f, 1);
    case CELL_DAY:
        return day_text(arena, (int32_t)cell->i);
    case CELL_MONTH:
        return month_text(arena, (int32_t)cell->i);
    case CELL_TEXT:
        return text_clean(arena, insight_coded(column->name, cell->s, lang));
    case CELL_ID:
        return str_fmt(arena, "%lld", (long long)cell->i);
    }
    CHECK(!"a cell kind that is not known");
    return STR_NONE;
}

static enum cli_column_kind column_kind(enum cell_kind kind)
{
    if (kind == CELL_TEXT)
        return COLUMN_TEXT;
    bool whole = kind == CELL_DAY || kind == CELL_MONTH || kind == CELL_ID;
    return whole ? COLUMN_WHOLE : COLUMN_NUMBER;
}

static struct cli_column *titles_of(struct page *page, const struct metric_section *section)
{
    struct cli_column *titles =
        ARENA_ARRAY(page->arena, (size_t)section->column_count, struct cli_column);
    for (int c = 0; c < section->column_count; c++)
        titles[c] = (struct cli_column){str_c(section->columns[c].title.in[page->lang]),
                                        column_kind(section->columns[c].kind)};
    return titles;
}

static const struct cell *row_of(const struct report_section *section, size_t row)
{
    return section->cells + row * (size_t)section->is->column_count;
}

/* The number in a cell, whatever its kind. */
static double number_of(enum cell_kind kind, const struct cell *cell)
{
    if (cell->null)
        return 0;
    bool real = kind == CELL_RATIO || kind == CELL_NUMBER || kind == CELL_MEAN_AMOUNT;
    return real ? cell->f : (double)cell->i;
}

static double bar_length(const struct report_section *section, const struct cell *row, int column)
{
    if (column < 0)
        return 0;
    return fmax(number_of(section->is->columns[column].kind, &row[column]), 0);
}

static void draw_bar_legend(struct page *page, const struct report_section *section, int first,
                            int second)
{
    page_style(page, PAGE_DIM);
    page_line(page,
              str_fmt(page->arena, "█ %s  ▒ %s", section->is->columns[first].title.in[page->lang],
                      section->is->columns[second].title.in[page->lang]));
    page_style(page, PAGE_PLAIN);
}

static void draw_table(struct page *page, const struct insight_view *render,
                       const struct report_section *section, const struct layout *layout)
{
    const struct metric_section *is = section->is;
    struct cli_table table = cli_table_new(page->arena, titles_of(page, is), is->column_count);
    int bar = layout_column(is, layout->bar), second = layout_column(is, layout->bar_second);
    table.has_bars = bar >= 0;
    size_t shown = insight_row_count(render, section, true);
    for (size_t r = 0; r < shown; r++) {
        const struct cell *row = row_of(section, r);
        struct str *cells = cli_table_row(&table);
        for (int c = 0; c < is->column_count; c++)
            cells[c] = render_cell(page->arena, &is->columns[c], &row[c],
                                   render->report->scope.currency_digits, page->lang);
        table.bars[r].first = bar_length(section, row, bar);
        table.bars[r].second = bar_length(section, row, second);
    }
    bool has_bars = cli_table_draw(page, &table);
    if (has_bars && second >= 0)
        draw_bar_legend(page, section, bar, second);
    if (shown < section->row_count)
        PAGE_SAY(page, "… and {0} more rows: --limit {1}, or --csv for all.",
                 "…… 另有 {0} 行：用 --limit {1}，或用 --csv 取全部。",
                 text_count(page->arena, (int64_t)(section->row_count - shown)),
                 str_fmt(page->arena, "%zu", section->row_count));
}

static void draw_list(struct page *page, const struct insight_view *render,
                      const struct report_section *section)
{
    const struct metric_section *is = section->is;
    for (size_t r = 0; r < section->row_count; r++) {
        struct str *values = ARENA_ARRAY(page->arena, (size_t)is->column_count, struct str);
        for (int c = 0; c < is->column_count; c++) {
            const struct cell *cell = &row_of(section, r)[c];
            values[c] = render_cell(page->arena, &is->columns[c], cell,
                                    render->report->scope.currency_digits, page->lang);
            /* There is room, and no column to keep even. */
            if (is->columns[c].kind == CELL_NUMBER && !cell->null)
                values[c] = grouped(page->arena, cell->f, 2);
        }
        struct cli_column *titles = titles_of(page, is);
        for (int c = 0; c < is->column_count; c++)
            titles[c].kind = is->columns[c].kind == CELL_TEXT ? COLUMN_TEXT : COLUMN_NUMBER;
        cli_list_draw(page, titles, values, is->column_count);
    }
}

/* The columns of a section that make a matrix, and what occurs in them. */
struct axes {
    int row, key, size, value;
    int64_t *keys; /* ascending, each once */
    int key_count;
    size_t *first_rows; /* the first report row of each matrix row, in the order shown */
    int row_count;
};

static bool same_label(const struct report_section *section, const struct cell *a,
                       const struct cell *b, int column)
{
    if (section->is->columns[column].kind == CELL_TEXT)
        return a[column].null == b[column].null && str_eq(a[column].s, b[column].s);
    return a[column].i == b[column].i;
}

static void add_key(struct axes *axes, int64_t key)
{
    int at = 0;
    while (at < axes->key_count && axes->keys[at] < key)
        at++;
    if ((at < axes->key_count && axes->keys[at] == key) || axes->key_count == MATRIX_COLUMNS_MAX)
        return;
    memmove(axes->keys + at + 1, axes->keys + at,
            (size_t)(axes->key_count - at) * sizeof(*axes->keys));
    axes->keys[at] = key;
    axes->key_count++;
}

static int key_index(const struct axes *axes, int64_t key)
{
    if (key < 0)
        key = BEFORE;
    for (int k = 0; k < axes->key_count; k++)
        if (axes->keys[k] == key)
            return k;
    return -1;
}

/* Rows of one label stand together in the report. */
static struct axes find_axes(struct arena *arena, const struct report_section *section,
                             const struct layout *layout)
{
    struct axes axes = {
        .row = layout_column(section->is, layout->row),
        .key = layout_column(section->is, layout->key),
        .size = layout_column(section->is, layout->size),
        .value = layout_column(section->is, layout->value),
        .keys = ARENA_ARRAY(arena, MATRIX_COLUMNS_MAX + 1, int64_t),
        .first_rows = ARENA_ARRAY(arena, section->row_count + 1, size_t),
    };
    CHECK(axes.row >= 0 && axes.key >= 0 && axes.value >= 0);
    for (size_t r = 0; r < section->row_count; r++) {
        const struct cell *row = row_of(section, r);
        add_key(&axes, row[axes.key].i);
        if (r == 0 || !same_label(section, row, row_of(section, r - 1), axes.row))
            axes.first_rows[axes.row_count++] = r;
    }
    for (int i = 0; layout->rows_descending && i < axes.row_count / 2; i++) {
        size_t other = axes.first_rows[i];
        axes.first_rows[i] = axes.first_rows[axes.row_count - 1 - i];
        axes.first_rows[axes.row_count - 1 - i] = other;
    }
    return axes;
}

/* Months since the first purchase run without a hole from 0 to the highest. All months before it
 * (refunds of customers who had not bought yet) are one column, BEFORE. */
static void fill_keys(struct axes *axes)
{
    int64_t high = axes->key_count > 0 ? axes->keys[axes->key_count - 1] : 0;
    bool before = axes->key_count > 0 && axes->keys[0] < 0;
    axes->key_count = 0;
    if (before)
        add_key(axes, BEFORE);
    for (int64_t key = 0; key <= high; key++)
        add_key(axes, key);
}

static enum cli_matrix_kind matrix_kind(enum cell_kind kind)
{
    if (kind == CELL_RATIO)
        return MATRIX_RATIO;
    return kind == CELL_AMOUNT || kind == CELL_MEAN_AMOUNT ? MATRIX_MINOR : MATRIX_COUNT;
}

static void label_matrix(struct page *page, const struct insight_view *render,
                         const struct report_section *section, const struct axes *axes,
                         struct cli_matrix *matrix)
{
    const struct metric_column *columns = section->is->columns;
    int digits = render->report->scope.currency_digits;
    matrix->currency_digits = digits;
    matrix->kind = matrix_kind(columns[axes->value].kind);
    matrix->row_title = str_c(columns[axes->row].title.in[page->lang]);
    if (axes->size >= 0)
        matrix->size_title = str_c(columns[axes->size].title.in[page->lang]);
    for (int k = 0; k < axes->key_count; k++)
        matrix->column_labels[k] = axes->keys[k] == BEFORE
                                       ? STR("<0")
                                       : str_fmt(page->arena, "%lld", (long long)axes->keys[k]);
    for (int i = 0; i < axes->row_count; i++) {
        const struct cell *row = row_of(section, axes->first_rows[i]);
        matrix->row_labels[i] =
            render_cell(page->arena, &columns[axes->row], &row[axes->row], digits, page->lang);
        if (axes->size >= 0)
            matrix->row_sizes[i] = render_cell(page->arena, &columns[axes->size], &row[axes->size],
                                               digits, page->lang);
    }
}

static void fill_matrix(const struct report_section *section, const struct axes *axes,
                        struct cli_matrix *matrix)
{
    enum cell_kind kind = section->is->columns[axes->value].kind;
    for (int i = 0; i < axes->row_count; i++) {
        struct cli_matrix_cell *cells = matrix->cells + (size_t)i * (size_t)axes->key_count;
        const struct cell *first = row_of(section, axes->first_rows[i]);
        for (size_t r = axes->first_rows[i]; r < section->row_count; r++) {
            const struct cell *row = row_of(section, r);
            if (!same_label(section, row, first, axes->row))
                break;
            int at = key_index(axes, row[axes->key].i);
            if (at < 0 || row[axes->value].null)
                continue;
            cells[at].set = true;
            cells[at].value += number_of(kind, &row[axes->value]);
        }
    }
}

/* What lies between the first and the last month looked at and has no row is 0; the rest stays
 * empty. */
static void fill_zeros(const struct insight_view *render, const struct report_section *section,
                       const struct axes *axes, struct cli_matrix *matrix)
{
    int32_t first_month = month_of_day(render->report->scope.from_day);
    int32_t last_month = month_of_day(render->report->scope.to_day);
    for (int i = 0; i < axes->row_count; i++) {
        int64_t cohort = row_of(section, axes->first_rows[i])[axes->row].i;
        for (int k = 0; k < axes->key_count; k++) {
            int64_t month = cohort + axes->keys[k];
            if (axes->keys[k] >= 0 && month >= first_month && month <= last_month)
                matrix->cells[i * axes->key_count + k].set = true;
        }
    }
}

static void draw_axis_note(struct page *page, const struct insight_view *render,
                           const struct report_section *section, const struct axes *axes)
{
    const struct metric_column *columns = section->is->columns;
    enum cli_matrix_kind kind = matrix_kind(columns[axes->value].kind);
    struct str unit = kind == MATRIX_RATIO ? STR(", %") : STR("");
    if (kind == MATRIX_MINOR)
        unit = str_fmt(page->arena, ", %.*s", STR_ARG(render->currency));
    page_style(page, PAGE_DIM);
    page_line(page,
              str_fmt(page->arena, "%s ↓  %s →  %s%.*s", columns[axes->row].title.in[page->lang],
                      columns[axes->key].title.in[page->lang],
                      columns[axes->value].title.in[page->lang], STR_ARG(unit)));
    page_style(page, PAGE_PLAIN);
}

static void draw_unfinished_month(struct page *page, const struct insight_view *render)
{
    int32_t to_day = render->report->scope.to_day;
    int32_t month = month_of_day(to_day);
    if (month_of_day(to_day + 1) != month)
        return;
    PAGE_SAY(page, "{0} is looked at only up to {1}: the last figure of each row is still growing.",
             "{0} 只统计到 {1}：每行最后一格还会增长。", month_text(page->arena, month),
             day_text(page->arena, to_day));
}

static void draw_matrix(struct page *page, const struct insight_view *render,
                        const struct report_section *section, const struct layout *layout)
{
    struct axes axes = find_axes(page->arena, section, layout);
    bool cohort = layout->kind == LAYOUT_COHORT;
    if (cohort)
        fill_keys(&axes);
    struct cli_matrix matrix = cli_matrix_new(page->arena, axes.row_count, axes.key_count);
    label_matrix(page, render, section, &axes, &matrix);
    fill_matrix(section, &axes, &matrix);
    if (cohort) {
        fill_zeros(render, section, &axes, &matrix);
        matrix.unshaded_columns = key_index(&axes, 0) + 1;
    }
    draw_axis_note(page, render, section, &axes);
    cli_matrix_draw(page, &matrix);
    if (cohort)
        draw_unfinished_month(page, render);
}

static void draw_curve(struct page *page, const struct report_section *section)
{
    int day = layout_column(section->is, "day"), survival = layout_column(section->is, "survival");
    CHECK(day >= 0 && survival >= 0);
    struct cli_step *steps = ARENA_ARRAY(page->arena, section->row_count + 1, struct cli_step);
    for (size_t r = 0; r < section->row_count; r++) {
        const struct cell *row = row_of(section, r);
        steps[r] = (struct cli_step){row[day].i, 1 - row[survival].f};
    }
    int64_t day_max = section->row_count ? steps[section->row_count - 1].day : 0;
    cli_curve_draw(page, steps, section->row_count, day_max);
}

static void draw_section(struct page *page, const struct insight_view *render,
                         const struct report_section *section)
{
    const struct layout *layout = layout_of(render->report->metric, section->is);
    if (section->row_count == 0) {
        PAGE_SAY(page, "Nothing to show for these days.", "这些日期内没有可显示的内容。");
        return;
    }
    switch (layout->kind) {
    case LAYOUT_TABLE:
        draw_table(page, render, section, layout);
        return;
    case LAYOUT_LIST:
        draw_list(page, render, section);
        return;
    case LAYOUT_MATRIX:
    case LAYOUT_COHORT:
        draw_matrix(page, render, section, layout);
        return;
    case LAYOUT_CURVE:
        draw_curve(page, section);
        return;
    }
}

static void draw_head(struct page *page, const struct insight_view *render)
{
    const struct report *report = render->report;
    const struct report_scope *scope = &report->scope;
    struct str brand = text_clean(page->arena, render->brand_name);
    const char *title = report->metric->title.in[page->lang];
    page_style(page, PAGE_BOLD);
    page_paragraph(page,
                   str_is(brand) ? str_fmt(page->arena, "%s · %.*s", title, STR_ARG(brand))
                                 : str_c(title),
                   0);
    page_style(page, PAGE_PLAIN);
    struct text amounts = scope->net ? (struct text)TEXT("net of refunds", "已扣除退款的净额")
                                     : (struct text)TEXT("gross", "实付，未扣退款");
    page_style(page, PAGE_DIM);
    /* Both engines give the same figures; which one it was is news only where it was asked for. */
    struct str engine = str_eq(render->engine, STR("columns"))
                            ? STR("")
                            : str_fmt(page->arena, " · %.*s", STR_ARG(render->engine));
    PAGE_SAY(page, "As of {0} · purchase days {1} to {2} · amounts in {3}, {4}{5}",
             "截止 {0} · 购买日 {1} 至 {2} · 金额 {3}，{4}{5}",
             day_text(page->arena, scope->as_of_day), day_text(page->arena, scope->from_day),
             day_text(page->arena, scope->to_day), render->currency, str_c(amounts.in[page->lang]),
             engine);
    page_style(page, PAGE_PLAIN);
}

void render_text(struct page *page, const struct insight_view *render)
{
    const struct report *report = render->report;
    draw_head(page, render);
    for (int s = 0; s < report->metric->section_count; s++) {
        page_char(page, '\n');
        if (report->metric->section_count > 1) {
            page_style(page, PAGE_BOLD);
            page_str(page, str_c(report->sections[s].is->title.in[page->lang]));
            page_style(page, PAGE_PLAIN);
            page_char(page, '\n');
        }
        draw_section(page, render, &report->sections[s]);
    }
    if (render->note_count > 0)
        page_char(page, '\n');
    for (size_t n = 0; n < render->note_count; n++)
        page_paragraph(page, str_fmt(page->arena, "* %.*s", STR_ARG(render->notes[n])), 0);
}
