/* What an import did, or (dry run) would do, for a reader and for a program. */
#ifndef HUITOU_CLI_CLI_IMPORT_H
#define HUITOU_CLI_CLI_IMPORT_H

#include "cli/cli.h"
#include "room/order/import.h"

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

#endif
