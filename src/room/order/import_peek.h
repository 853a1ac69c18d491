/* The first rows of a file, parted in the ways that files are, and how well a map fits them. Inside the room. */
#ifndef HUITOU_ROOM_ORDER_IMPORT_PEEK_H
#define HUITOU_ROOM_ORDER_IMPORT_PEEK_H

#include "room/order/import_row.h"

struct import_peek {
    char delimiter; /* 0: white space */
    int sheet;      /* of a workbook */
    struct str encoding;
    struct str *rows[IMPORT_HEADER_ROW_MAX];
    struct str *keys[IMPORT_HEADER_ROW_MAX]; /* the same as names are compared */
    int cell_count[IMPORT_HEADER_ROW_MAX];
    int row_count;
};
struct import_peeks {
    struct import_peek *items; /* a text file's by delimiter; a workbook's visible sheets */
    int count;
    struct str encoding; /* "auto" resolved; "xlsx" for a workbook */
};
/* The first rows of what the input stands before. Errors: those of the file. */
ERR_RESULT import_peek_read(struct arena *arena, struct table_input *input, struct import_peek *peek);
/* The first rows of each visible sheet of a workbook. */
ERR_RESULT import_peek_sheets(struct arena *arena, struct table_input *input, struct import_peeks *out);
/* Errors: those of the file. */
ERR_RESULT import_peeks_read(struct arena *arena, struct str path, struct str encoding, const char *delimiters,
                             int count, struct import_peeks *out);

struct import_fit {
    const struct import_map *map;
    const struct import_peek *peek;
    int row;            /* of the header among the peek's rows; -1: none to look at */
    int found;          /* columns of it that the map reads or knows */
    struct str *missing; /* needed columns that are not there, each the first of its names */
    int missing_count;
    int needed; /* columns that the map needs */
};
/* The row that fits a map best: none missing before some, then most found, then the earliest. */
struct import_fit import_fit_best(struct arena *arena, const struct import_map *map, const struct import_peeks *peeks);
/* a fits better than b: none is missing, or else more are found. */
bool import_fit_is_better(const struct import_fit *a, const struct import_fit *b);
/* Writes into a copy of the map what the fit says of delimiter, header row and encoding. Of a workbook the row stays open:
 * each sheet has its own. */
void import_fit_settle(struct arena *arena, const struct import_fit *fit, const struct import_peeks *peeks,
                       struct import_map *settled);

#endif
