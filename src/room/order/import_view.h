/* What an import did, or (dry run) would do, for a program and for a page: docs/import-json.md says what each member is.
 * What is said of people is masked. */
#ifndef HUITOU_ROOM_ORDER_IMPORT_VIEW_H
#define HUITOU_ROOM_ORDER_IMPORT_VIEW_H

#include "room/order/import.h"

struct import_view {
    const struct brand *brand;
    const struct import_map *map;
    bool recognised; /* the map was found by the file's header, not named */
    struct import_recognition why; /* of a recognised map; all zero: it was told before */
    bool dry_run;
    struct str path;
    struct import_result result;
};
/* One object. Its size is bounded by the file's header and by what a preview shows of a few rows. */
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
void import_failure_json(struct json_writer *w, struct arena *arena, const struct import_failure *failure);
/* Lists: errors in both languages; maps that were held against a file, the nearest first. */
void import_errors_json(struct json_writer *w, struct arena *arena, const struct err *first);
void import_candidates_json(struct json_writer *w, const struct import_recognition *why);

/* What these texts look like, for the OpenAPI document (import_json_shape.c): what import_view_json writes of a dry run,
 * and of an import; an item of import_candidates_json; a column of a file, as an upload keeps it. */
extern const struct shape import_plan_shape, import_outcome_shape, import_candidate_shape, import_file_column_shape;

#endif
