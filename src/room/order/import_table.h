/* The rows of a file as a map wants them: where its header stands, by what its cells are parted. Inside the room. */
#ifndef HUITOU_ROOM_ORDER_IMPORT_TABLE_H
#define HUITOU_ROOM_ORDER_IMPORT_TABLE_H

#include "codec/table_input.h"
#include "room/order/import.h"

struct import_table {
    struct table_input *input;
    const struct str *header; /* valid as long as the table */
    int header_count;         /* 0: there is none */
};
/* Opens the file at the row behind its header. The map is settled. Errors: those of the file; MAP_HEADER_ROW. */
ERR_RESULT import_table_open(struct arena *arena, const struct import_map *map, struct str path,
                             struct import_table *out);
/* A copy of the map for one file: "auto" of delimiter and encoding, and header_row 0, become what the file's first rows
 * show. Where no row has the map's columns the first one is taken, so that what is missing can be named. */
ERR_RESULT import_map_settle(struct arena *arena, struct str path, const struct import_map *map,
                             struct import_map *settled);
/* The column of a header that a map's "a|b" or "#3" means, or -1: the first name that is there, as it is written or else as
 * names are compared (import_name_key). */
int import_column_of(struct arena *arena, const struct str *header, int count, struct str names);
/* Says whether "a|b" names this column. */
bool import_column_is(struct arena *arena, struct str column, struct str names);

#endif
