#include "cli/cli_table.h"

#include <math.h>
#include <string.h>

#define GAP_COLUMNS 2 /* between columns; 1 where that spares a text from being cut */
#define TITLE_LINES_MAX 4
#define TEXT_COLUMNS_MIN 8
#define BAR_COLUMNS_MIN 6
#define BAR_COLUMNS_MAX 40

struct layout {
    int *widths;
    int title_lines;
    int gap;
    int total; /* with gaps, without the bar */
};

struct cli_table cli_table_new(struct arena *arena, const struct cli_column *columns,
                               int column_count)
{
    return (struct cli_table){.arena = arena, .columns = columns, .column_count = column_count};
}

struct str *cli_table_row(struct cli_table *table)
{
    size_t width = (size_t)table->column_count;
    if (table->row_count == table->row_capacity) {
        size_t capacity = table->row_capacity ? table->row_capacity * 2 : 16;
        struct str *cells = ARENA_ARRAY(table->arena, capacity * width, struct str);
        struct cli_bar *bars = ARENA_ARRAY(table->arena, capacity, struct cli_bar);
        if (table->row_count > 0) {
            memcpy(cells, table->cells, table->row_count * width * sizeof(*cells));
            memcpy(bars, table->bars, table->row_count * sizeof(*bars));
        }
        table->cells = cells;
        table->bars = bars;
        table->row_capacity = capacity;
    }
    return table->cells + table->row_count++ * width;
}

/* The narrowest that lets a title stand in so many lines. */
static int title_width(struct str title, int lines)
{
    struct str unused[TITLE_LINES_MAX + 1];
    int width = text_piece_width_max(title);
    while (text_wrap(title, width, unused, TITLE_LINES_MAX + 1) > lines && width < str_width(title))
        width++;
    return width;
}

static int total_width(const struct cli_table *table, const struct layout *layout)
{
    int total = 0;
    for (int c = 0; c < table->column_count; c++)
        total += layout->widths[c] + (c > 0 ? layout->gap : 0);
    return total;
}

static int content_width(const struct cli_table *table, int column)
{
    int max = 0;
    for (size_t r = 0; r < table->row_count; r++) {
        int width = str_width(table->cells[r * (size_t)table->column_count + (size_t)column]);
        if (width > max)
            max = width;
    }
    return max;
}

/* Takes columns from the widest text until the table fits or nothing more may go. */
static void shrink_texts(const struct cli_table *table, struct layout *layout, int columns)
{
    int *widths = layout->widths;
    while (total_width(table, layout) > columns) {
        int widest = -1;
        for (int c = 0; c < table->column_count; c++)
            if (table->columns[c].kind == COLUMN_TEXT && widths[c] > TEXT_COLUMNS_MIN &&
                (widest < 0 || widths[c] > widths[widest]))
                widest = c;
        if (widest < 0)
            return;
        widths[widest]--;
    }
}

static int most_title_lines(const struct cli_table *table, const int *widths)
{
    struct str unused[TITLE_LINES_MAX];
    int most = 1;
    for (int c = 0; c < table->column_count; c++) {
        int lines = text_wrap(table->columns[c].title, widths[c], unused, TITLE_LINES_MAX);
        most = lines > most ? lines : most;
    }
    return most;
}

static struct layout lay_out(const struct cli_table *table, int columns)
{
    struct layout layout = {.widths = ARENA_ARRAY(table->arena, (size_t)table->column_count, int),
                            .gap = GAP_COLUMNS};
    int *content = ARENA_ARRAY(table->arena, (size_t)table->column_count, int);
    for (int c = 0; c < table->column_count; c++)
        content[c] = content_width(table, c);
    for (int lines = 1; lines <= TITLE_LINES_MAX; lines++) {
        for (int c = 0; c < table->column_count; c++) {
            int width = title_width(table->columns[c].title, lines);
            layout.widths[c] = width > content[c] ? width : content[c];
        }
        layout.title_lines = lines;
        if (total_width(table, &layout) <= columns)
            break;
    }
    if (total_width(table, &layout) > columns)
        layout.gap = 1;
    shrink_texts(table, &layout, columns);
    layout.title_lines = most_title_lines(table, layout.widths);
    layout.total = total_width(table, &layout);
    return layout;
}

/* Spaces at the end of a line would come along when it is copied from a terminal. */
static void trim_line(struct page *page)
{
    while (page->out.n > 0 && page->out.p[page->out.n - 1] == ' ')
        page->out.n--;
}

static void draw_titles(struct page *page, const struct cli_table *table,
                        const struct layout *layout)
{
    for (int l = 0; l < layout->title_lines; l++) {
        page_style(page, PAGE_BOLD);
        for (int c = 0; c < table->column_count; c++) {
            struct str lines[TITLE_LINES_MAX + 1];
            int count =
                text_wrap(table->columns[c].title, layout->widths[c], lines, layout->title_lines);
            int at = l - (layout->title_lines - count); /* titles stand on the last line */
            page_repeat(page, " ", c > 0 ? layout->gap : 0);
            page_cell(page, at >= 0 ? lines[at] : STR(""), layout->widths[c],
                      table->columns[c].kind == COLUMN_NUMBER);
        }
        trim_line(page);
        page_style(page, PAGE_PLAIN);
        page_char(page, '\n');
    }
    page_style(page, PAGE_DIM);
    for (int c = 0; c < table->column_count; c++) {
        page_repeat(page, " ", c > 0 ? layout->gap : 0);
        page_repeat(page, "─", layout->widths[c]);
    }
    page_style(page, PAGE_PLAIN);
    page_char(page, '\n');
}

/* One part, to an eighth of a character. */
static void draw_bar(struct page *page, double length)
{
    static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    long steps = lround(length * 8);
    page_style(page, PAGE_FIRST);
    page_repeat(page, "█", (int)(steps / 8));
    page_str(page, str_c(eighths[steps % 8]));
    page_style(page, PAGE_PLAIN);
}

/* Two parts, told apart by their pattern as well as by colour. */
static void draw_stacked(struct page *page, double first, double second)
{
    long first_cells = lround(first);
    page_style(page, PAGE_FIRST);
    page_repeat(page, "█", (int)first_cells);
    page_style(page, PAGE_PLAIN);
    page_style(page, PAGE_SECOND);
    page_repeat(page, "▒", (int)(lround(first + second) - first_cells));
    page_style(page, PAGE_PLAIN);
}

struct bar_scale {
    double per_unit; /* columns; 0: no bars */
    bool stacked;
};

static struct bar_scale bar_scale(const struct cli_table *table, int room)
{
    struct bar_scale scale = {0, false};
    double max = 0;
    for (size_t r = 0; table->has_bars && r < table->row_count; r++) {
        max = fmax(max, table->bars[r].first + table->bars[r].second);
        scale.stacked = scale.stacked || table->bars[r].second > 0;
    }
    if (max > 0 && room >= BAR_COLUMNS_MIN)
        scale.per_unit = (room < BAR_COLUMNS_MAX ? room : BAR_COLUMNS_MAX) / max;
    return scale;
}

/* Each row as a paragraph of its values. */
static void draw_records(struct page *page, const struct cli_table *table)
{
    for (size_t r = 0; r < table->row_count; r++) {
        const struct str *cells = table->cells + r * (size_t)table->column_count;
        struct buf text = buf_new(table->arena, PAGE_BYTES_MAX);
        for (int c = 0; c < table->column_count; c++) {
            if (!str_is(cells[c]))
                continue;
            buf_str(&text, text.n > 0 ? STR(" · ") : STR(""));
            buf_str(&text, table->columns[c].title);
            buf_str(&text, page->lang == LANG_ZH ? STR("：") : STR(": "));
            buf_str(&text, cells[c]);
        }
        page_paragraph(page, buf_view(&text), 2);
    }
}

bool cli_table_draw(struct page *page, const struct cli_table *table)
{
    struct layout layout = lay_out(table, page->columns);
    if (layout.total > page->columns) {
        draw_records(page, table);
        return false;
    }
    struct bar_scale bars = bar_scale(table, page->columns - layout.total - GAP_COLUMNS);
    draw_titles(page, table, &layout);
    for (size_t r = 0; r < table->row_count; r++) {
        const struct str *cells = table->cells + r * (size_t)table->column_count;
        for (int c = 0; c < table->column_count; c++) {
            page_repeat(page, " ", c > 0 ? layout.gap : 0);
            page_cell(page, cells[c], layout.widths[c], table->columns[c].kind == COLUMN_NUMBER);
        }
        double first = table->bars[r].first * bars.per_unit;
        double second = table->bars[r].second * bars.per_unit;
        if (first + second > 0) {
            page_repeat(page, " ", GAP_COLUMNS);
            if (bars.stacked)
                draw_stacked(page, first, second);
            else
                draw_bar(page, first);
        }
        trim_line(page);
        page_char(page, '\n');
    }
    return bars.per_unit > 0;
}

void cli_list_draw(struct page *page, const struct cli_column *columns, const struct str *values,
                   int count)
{
    int title = 0, number = 0;
    for (int c = 0; c < count; c++) {
        int width = str_width(columns[c].title);
        title = width > title ? width : title;
        width = columns[c].kind == COLUMN_NUMBER ? str_width(values[c]) : 0;
        number = width > number ? width : number;
    }
    int room = page->columns - title - GAP_COLUMNS;
    for (int c = 0; c < count; c++) {
        page_cell(page, columns[c].title, title, false);
        page_repeat(page, " ", GAP_COLUMNS);
        int width = str_width(values[c]);
        bool right = columns[c].kind == COLUMN_NUMBER;
        if (right)
            width = number;
        page_cell(page, values[c], width < room ? width : room, right);
        trim_line(page);
        page_char(page, '\n');
    }
}
