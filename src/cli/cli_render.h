/* A report for a reader: tables, bars, matrices, a curve. As files: room/insight/insight_file.h. */
#ifndef HUITOU_CLI_CLI_RENDER_H
#define HUITOU_CLI_CLI_RENDER_H

#include "cli/cli_page.h"
#include "room/insight/insight_file.h"

void render_text(struct page *page, const struct insight_view *render);

/* One cell as a reader sees it: 1,234 · 8,911,407.90 · 65.6 % · 2011-12-09. A dash where it is null. */
struct str render_cell(struct arena *arena, const struct metric_column *column, const struct cell *cell,
                       int currency_digits, enum lang lang);
#endif
