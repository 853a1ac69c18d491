/* What an import did, or (dry run) would do, for a reader and for a program. */
#ifndef HUITOU_CLI_CLI_IMPORT_H
#define HUITOU_CLI_CLI_IMPORT_H

#include "cli/cli.h"
#include "room/order/import.h"

struct json_writer;

struct import_view {
    const struct brand *brand;
    const struct import_map *map;
    bool recognised; /* the map was found by the file's header, not named */
    struct import_recognition why; /* of a recognised map */
    bool dry_run;
    struct str path;
    struct import_result result;
};
void import_view_text(struct page *page, struct arena *arena, const struct import_view *view);
void import_view_json(struct json_writer *w, struct arena *arena, const struct import_view *view);

/* The counts of a result, in the order shown; those that are 0 and not `always` are left out for a reader. */
struct import_count {
    const char *key;
    int64_t n;
    bool always;
    bool indent;
    struct text title;
};
#define IMPORT_COUNTS_MAX 32
int import_view_counts(const struct import_result *result, struct import_count counts[IMPORT_COUNTS_MAX]);

/* A file that was refused whole. */
struct import_failure {
    struct str path;
    const struct err *err;
    struct import_recognition why; /* its candidates, where no map was named */
};
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
