/* The first rows of a file, parted in the ways that files are, and how well a map fits them. Inside the room. */
#ifndef HUITOU_ROOM_ORDER_IMPORT_PEEK_H
#define HUITOU_ROOM_ORDER_IMPORT_PEEK_H

#include "room/order/import_row.h"

#define IMPORT_PEEKS_MAX 4

struct import_peek {
    char delimiter; /* 0: white space */
    struct str encoding;
    struct str *rows[IMPORT_HEADER_ROW_MAX];
    struct str *keys[IMPORT_HEADER_ROW_MAX]; /* the same as names are compared */
    int cell_count[IMPORT_HEADER_ROW_MAX];
    int row_count;
};
struct import_peeks {
    struct import_peek items[IMPORT_PEEKS_MAX];
    int count;
    struct str encoding; /* "auto" resolved; "xlsx" for a workbook, which is looked at once */
};
/* Errors: those of the file. */
ERR_RESULT import_peeks_read(struct arena *arena, struct str path, struct str encoding, const char *delimiters,
                             int count, struct import_peeks *out);

struct import_fit {
    const struct import_map *map;
    const struct import_peek *peek;
    int row;            /* of the header among the peek's rows; -1: none to look at */
    int found;          /* columns of it that the map reads or knows */
    struct str missing; /* needed columns that are not there; absent: none is missing */
};
/* The row that fits a map best: none missing before some, then most found, then the earliest. */
struct import_fit import_fit_best(struct arena *arena, const struct import_map *map, const struct import_peeks *peeks);
/* Writes into a copy of the map what the fit says of delimiter, header row and encoding. */
void import_fit_settle(struct arena *arena, const struct import_fit *fit, const struct import_peeks *peeks,
                       struct import_map *settled);

#endif
