/* Tables for a terminal: columns as wide as their content, titles broken over up to four lines where that makes the table
 * fit, long texts cut with …. A bar may stand at the end of each row. */
#ifndef HUITOU_CLI_CLI_TABLE_H
#define HUITOU_CLI_CLI_TABLE_H

#include "cli/cli_page.h"

enum cli_column_kind {
    COLUMN_TEXT,   /* cut where the page is narrow */
    COLUMN_WHOLE,  /* a text that must not be cut: an id, a day */
    COLUMN_NUMBER, /* right-aligned, never cut */
};
struct cli_column {
    struct str title;
    enum cli_column_kind kind;
};
/* Two parts of one bar, in any unit; the second is 0 where bars have one part. */
struct cli_bar {
    double first, second;
};
struct cli_table {
    struct arena *arena;
    const struct cli_column *columns;
    int column_count;
    struct str *cells; /* row_count × column_count */
    struct cli_bar *bars;
    size_t row_count, row_capacity;
    bool has_bars;
};

struct cli_table cli_table_new(struct arena *arena, const struct cli_column *columns, int column_count);
/* Adds a row of empty cells and returns it; its bar is table->bars[table->row_count - 1]. */
struct str *cli_table_row(struct cli_table *table);
/* Where the page is too narrow for the columns, however cut, each row becomes a paragraph "title: value · …". Returns
 * whether there was room for the bars. */
bool cli_table_draw(struct page *page, const struct cli_table *table);
/* One fact per line: title, then value, the values aligned. */
void cli_list_draw(struct page *page, const struct cli_column *columns, const struct str *values, int count);

#endif
