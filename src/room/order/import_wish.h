/* How a file is to be read: what was recognised, and what a person said otherwise. Inside the room. */
#ifndef HUITOU_ROOM_ORDER_IMPORT_WISH_H
#define HUITOU_ROOM_ORDER_IMPORT_WISH_H

#include "room/order/import_row.h"

#define IMPORT_OWN_MAP_NAME_BYTES_MAX 100
#define IMPORT_MAP_JSON_BYTES_MAX (8u << 20)  /* of a map that is written */
#define IMPORT_HEADER_BYTES_MAX (128u << 10)  /* names of a file's columns, for a page */
#define IMPORT_SAMPLES_MAX 3

/* What a person says of how to read a file. All of it may be absent. */
struct import_wish {
    struct str map;                        /* a built-in or saved map; absent: recognised */
    struct shape_map columns;              /* kind → column, in the place of all that the map reads; empty: as the map */
    struct shape_map states, refund_states; /* word → what it means; go before the map's */
    struct str source;                     /* absent: the map's */
    int64_t exported_at_us;                /* INT64_MIN: found */
};
extern const struct shape import_wish_shape;
/* What is wrong with it by itself, all at once, fields as JSON pointers. Errors: MAP_KIND, MAP_STATE, MAP_REFUND_STATE,
 * OWN_MAP_UNKNOWN, EXPORTED_AT_FUTURE. */
ERR_RESULT import_wish_check(struct arena *arena, const struct import_wish *wish, const struct import_own_maps *own,
                             int64_t now_us);
/* The map by which the file is read. *recognised: it was found by the file's header; why says how, and which others come
 * near. Where none was recognised but columns are named, they are read as in a table of one's own. Errors:
 * as import_map_recognise; of the map that comes out, as import_map_read. */
ERR_RESULT import_wish_map(struct arena *arena, struct str path, const struct import_wish *wish,
                           const struct import_own_maps *own, struct import_map **out, bool *recognised,
                           struct import_recognition *why);

/* A map as JSON that import_map_of_text reads again. */
struct str import_map_json(struct arena *arena, const struct import_map *map);
bool import_is_builtin(struct str name);
/* Saves a map under a name, for files that have the columns of this one (import_file_columns). Errors: OWN_MAP_NAME. */
ERR_RESULT import_own_map_save(struct tx *tx, struct str name, struct str map_json, const struct str *columns,
                               int column_count, struct str by_name);
/* Errors: OWN_MAP_UNKNOWN. */
ERR_RESULT import_own_map_delete(struct tx *tx, struct str name);

/* A column of a file as it stands there. */
struct import_file_column {
    struct str column; /* as a map names it: its name, or "#3" where that is empty, comes twice or holds a '|' */
    struct str letter; /* as a spreadsheet names it */
    struct str samples[IMPORT_SAMPLES_MAX]; /* different ones from the first rows; masked where they may be personal */
    int sample_count;
};
/* The columns of a file; map NULL: it is not known how to read it, and the widest of the first rows is the header.
 * Errors: of the file; IMPORT_HEADER_WIDE. */
ERR_RESULT import_file_columns(struct arena *arena, struct str path, const struct import_map *map,
                               struct import_file_column **out, int *count);

#endif
