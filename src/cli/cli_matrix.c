#include "cli/cli_matrix.h"

#include <math.h>

#include "base/decimal.h"

#define GAP_COLUMNS 2

struct layout {
    int label, size, cell; /* columns of each, the cell with the space before it */
    int column_count;      /* that fit */
    int decimals;
    double low, high; /* of the shaded cells */
};

struct cli_matrix cli_matrix_new(struct arena *arena, int row_count, int column_count)
{
    size_t rows = (size_t)row_count, columns = (size_t)column_count;
    return (struct cli_matrix){
        .arena = arena,
        .row_labels = ARENA_ARRAY(arena, rows, struct str),
        .row_sizes = ARENA_ARRAY(arena, rows, struct str),
        .column_labels = ARENA_ARRAY(arena, columns, struct str),
        .cells = ARENA_ARRAY(arena, rows * columns, struct cli_matrix_cell),
        .row_count = row_count,
        .column_count = column_count,
    };
}

static const struct cli_matrix_cell *cell_at(const struct cli_matrix *matrix, int row, int column)
{
    return &matrix->cells[(size_t)row * (size_t)matrix->column_count + (size_t)column];
}

static struct str cell_text(struct arena *arena, const struct cli_matrix *matrix, double value,
                            int decimals)
{
    double unit = 1;
    if (matrix->kind == MATRIX_RATIO)
        unit = 100;
    if (matrix->kind == MATRIX_MINOR)
        unit = 1 / (double)pow10_i64(matrix->currency_digits);
    double scaled = value * unit * (double)pow10_i64(decimals);
    if (!isfinite(scaled) || fabs(scaled) > 9e17)
        return STR("?");
    return minor_grouped(arena, llround(scaled), decimals);
}

/* Columns of the widest cell and title, with a space. */
static int cell_width(const struct cli_matrix *matrix, int decimals)
{
    int max = 0;
    struct arena_mark mark = arena_mark(matrix->arena);
    for (int c = 0; c < matrix->column_count; c++) {
        int width = str_width(matrix->column_labels[c]);
        max = width > max ? width : max;
        for (int r = 0; r < matrix->row_count; r++) {
            const struct cli_matrix_cell *cell = cell_at(matrix, r, c);
            if (!cell->set)
                continue;
            width = str_width(cell_text(matrix->arena, matrix, cell->value, decimals));
            max = width > max ? width : max;
        }
    }
    arena_rewind(matrix->arena, mark);
    return max + 1;
}

static int widest(const struct str *texts, int count, struct str title)
{
    int max = str_width(title);
    for (int i = 0; i < count; i++)
        if (str_width(texts[i]) > max)
            max = str_width(texts[i]);
    return max;
}

static int most_decimals(const struct cli_matrix *matrix)
{
    if (matrix->kind == MATRIX_RATIO)
        return 1;
    return matrix->kind == MATRIX_MINOR ? matrix->currency_digits : 0;
}

static void find_scale(const struct cli_matrix *matrix, struct layout *layout)
{
    layout->low = HUGE_VAL;
    layout->high = -HUGE_VAL;
    for (int r = 0; r < matrix->row_count; r++) {
        for (int c = matrix->unshaded_columns; c < matrix->column_count; c++) {
            const struct cli_matrix_cell *cell = cell_at(matrix, r, c);
            if (!cell->set)
                continue;
            layout->low = fmin(layout->low, cell->value);
            layout->high = fmax(layout->high, cell->value);
        }
    }
}

static struct layout lay_out(const struct cli_matrix *matrix, int columns)
{
    struct layout layout = {
        .label = widest(matrix->row_labels, matrix->row_count, matrix->row_title),
        .size = matrix->size_title.p
                    ? widest(matrix->row_sizes, matrix->row_count, matrix->size_title) + GAP_COLUMNS
                    : 0,
        .decimals = most_decimals(matrix),
    };
    int room = columns - layout.label - layout.size - 1;
    layout.cell = cell_width(matrix, layout.decimals);
    if (layout.cell * matrix->column_count > room && layout.decimals > 0) {
        layout.decimals = 0;
        layout.cell = cell_width(matrix, 0);
    }
    int fitting = room > layout.cell ? room / layout.cell : 1;
    layout.column_count = fitting < matrix->column_count ? fitting : matrix->column_count;
    find_scale(matrix, &layout);
    return layout;
}

static int shade_of(const struct layout *layout, double value)
{
    double span = layout->high - layout->low;
    if (!(span > 0))
        return 0;
    int shade = (int)((value - layout->low) / span * PAGE_SHADE_COUNT);
    return shade < PAGE_SHADE_COUNT ? shade : PAGE_SHADE_COUNT - 1;
}

static void draw_row_head(struct page *page, const struct cli_matrix *matrix,
                          const struct layout *layout, struct str label, struct str size)
{
    page_cell(page, label, layout->label, false);
    if (matrix->size_title.p)
        page_cell(page, size, layout->size, true);
    page_char(page, ' ');
}

static void draw_row(struct page *page, const struct cli_matrix *matrix,
                     const struct layout *layout, int row)
{
    draw_row_head(page, matrix, layout, matrix->row_labels[row], matrix->row_sizes[row]);
    int last = layout->column_count - 1;
    while (last >= 0 && !cell_at(matrix, row, last)->set)
        last--;
    for (int c = 0; c <= last; c++) {
        const struct cli_matrix_cell *cell = cell_at(matrix, row, c);
        if (!cell->set) {
            page_repeat(page, " ", layout->cell);
            continue;
        }
        if (c >= matrix->unshaded_columns)
            page_shade(page, shade_of(layout, cell->value));
        page_cell(page, cell_text(page->arena, matrix, cell->value, layout->decimals), layout->cell,
                  true);
        page_style(page, PAGE_PLAIN);
    }
    page_char(page, '\n');
}

static void draw_legend(struct page *page, const struct cli_matrix *matrix,
                        const struct layout *layout)
{
    if (!page->colour || !(layout->high > layout->low))
        return;
    const char *unit = matrix->kind == MATRIX_RATIO ? " %" : "";
    page_str(page, cell_text(page->arena, matrix, layout->low, layout->decimals));
    page_str(page, str_c(unit));
    page_char(page, ' ');
    for (int shade = 0; shade < PAGE_SHADE_COUNT; shade++) {
        page_shade(page, shade);
        page_str(page, STR("   "));
    }
    page_style(page, PAGE_PLAIN);
    page_char(page, ' ');
    page_str(page, cell_text(page->arena, matrix, layout->high, layout->decimals));
    page_str(page, str_c(unit));
    page_char(page, '\n');
}

void cli_matrix_draw(struct page *page, const struct cli_matrix *matrix)
{
    struct layout layout = lay_out(matrix, page->columns);
    page_style(page, PAGE_BOLD);
    draw_row_head(page, matrix, &layout, matrix->row_title, matrix->size_title);
    for (int c = 0; c < layout.column_count; c++)
        page_cell(page, matrix->column_labels[c], layout.cell, true);
    page_style(page, PAGE_PLAIN);
    page_char(page, '\n');
    for (int r = 0; r < matrix->row_count; r++)
        draw_row(page, matrix, &layout, r);
    draw_legend(page, matrix, &layout);
    int hidden = matrix->column_count - layout.column_count;
    if (hidden > 0)
        PAGE_SAY(page, "{0} more columns do not fit this width; --csv and --json have all.",
                 "还有 {0} 列在当前宽度下放不下；--csv 与 --json 给出全部。",
                 text_count(page->arena, hidden));
}
