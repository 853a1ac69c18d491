/* What an import did, or (dry run) would do, for a reader and for a program. */
#ifndef HUITOU_CLI_CLI_IMPORT_H
#define HUITOU_CLI_CLI_IMPORT_H

#include "cli/cli.h"
#include "room/order/import_view.h"

void import_view_text(struct page *page, struct arena *arena, const struct import_view *view);

/* All files of one command. */
struct import_totals {
    const struct brand *brand;
    bool dry_run;
    int64_t files; /* imported, some of their rows perhaps rejected */
    int64_t orders, orders_new, orders_changed, orders_same, rows_rejected, amount_minor;
    struct str *rejecting; /* files with rejected rows */
    struct import_failure *failed;
    int rejecting_count, failed_count;
    struct str next; /* the command that comes next */
};
void import_totals_add(struct import_totals *totals, const struct import_result *result);
/* The closing lines; and as members of the JSON object that is open. */
void import_totals_text(struct page *page, const struct import_totals *totals);
void import_totals_json(struct json_writer *w, struct arena *arena, const struct import_totals *totals);

#endif
