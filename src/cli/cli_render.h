/* A report for a reader (tables, bars, matrices, a curve), for a program (JSON), for a spreadsheet (CSV, xlsx). */
#ifndef HUITOU_CLI_CLI_RENDER_H
#define HUITOU_CLI_CLI_RENDER_H

#include "cli/cli_page.h"
#include "contract/report.h"

struct render {
    const struct report *report;
    struct str brand_name, currency;
    struct str directory; /* in JSON only */
    struct str engine;    /* "columns" or "sql" */
    const struct str *notes;
    size_t note_count;
    int64_t limit; /* rows of a long list; 0: all in JSON and CSV, RENDER_LIMIT_DEFAULT for a reader */
};
#define RENDER_LIMIT_DEFAULT 20

void render_text(struct page *page, const struct render *render);
void render_json(struct page *page, const struct render *render);
void render_csv(struct page *page, const struct render *render);
/* A workbook: a sheet for each section, then one with what is looked at, the definition and the notes. A file that is there
 * is replaced. *rows: of all sections. Errors: as xlsx_output_open and xlsx_output_finish; SHEET_ROWS. */
ERR_RESULT render_xlsx(struct arena *arena, const struct render *render, enum lang lang, struct str path,
                       int64_t *rows);

/* One cell as a reader sees it: 1,234 · 8,911,407.90 · 65.6 % · 2011-12-09. A dash where it is null. */
struct str render_cell(struct arena *arena, const struct metric_column *column, const struct cell *cell,
                       int currency_digits, enum lang lang);
/* A text cell's code in words, where it is one. */
struct str render_coded(const char *column, struct str s, enum lang lang);
/* Rows of a section that are shown: those of long lists are limited. */
size_t render_row_count(const struct render *render, const struct report_section *section, bool for_reader);

#endif
