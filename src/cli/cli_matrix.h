/* A matrix for a terminal: rows by columns of one figure, shaded from light to dark where the page has colours. Figures
 * lose their decimals, and at last the rightmost columns, where the page is narrow. */
#ifndef HUITOU_CLI_CLI_MATRIX_H
#define HUITOU_CLI_CLI_MATRIX_H

#include "cli/cli_page.h"

enum cli_matrix_kind { MATRIX_COUNT, MATRIX_RATIO, MATRIX_MINOR };

struct cli_matrix_cell {
    bool set; /* else the place stays empty */
    double value;
};
struct cli_matrix {
    struct arena *arena;
    enum cli_matrix_kind kind;
    int currency_digits; /* MATRIX_MINOR */
    struct str row_title, size_title; /* of the labels; of the sizes, absent: no sizes */
    struct str *row_labels, *row_sizes, *column_labels;
    struct cli_matrix_cell *cells; /* row_count × column_count */
    int row_count, column_count;
    int unshaded_columns; /* so many at the left carry no shade and do not stretch the scale */
};

struct cli_matrix cli_matrix_new(struct arena *arena, int row_count, int column_count);
void cli_matrix_draw(struct page *page, const struct cli_matrix *matrix);

#endif
