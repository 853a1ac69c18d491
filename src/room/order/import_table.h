/* The rows of a file as a map wants them: where its header stands, by what its cells are parted. Inside the room. */
#ifndef HUITOU_ROOM_ORDER_IMPORT_TABLE_H
#define HUITOU_ROOM_ORDER_IMPORT_TABLE_H

#include "codec/table_input.h"
#include "room/order/import.h"

struct import_layout; /* where a sheet's columns stand in the table: import_sheets.c */
struct import_table {
    struct table_input *input;
    const struct str *header; /* valid as long as the table; of several sheets the columns of all */
    int header_count;         /* 0: there is none */
    int64_t header_row;       /* of the rows that are not blank, in the first sheet that is read; 0: there is none */
    /* Of a workbook, else NULL and 0: all its sheets, those with `read` one behind the other. */
    struct import_sheet *sheets;
    struct import_layout *layouts;
    int sheet_count;
};
/* Opens the file at the row behind its header. The map is settled. Of a workbook every visible sheet is read whose
 * header has the columns that the map needs, under the names that the first such sheet has; where none fits, the one
 * that comes nearest, so that what is missing can be named; of a map whose columns are numbers the first visible one.
 * Errors: those of the file; MAP_HEADER_ROW. */
ERR_RESULT import_table_open(struct arena *arena, const struct import_map *map, struct str path,
                             struct import_table *out);
/* Next row, as table_input_next, through all sheets that are read; its cells stand as the table's header does. The number
 * of its line holds the sheet too: import_line_number, import_line_sheet. */
ERR_RESULT import_table_next(struct import_table *table, struct table_row *row, const struct err **bad);
/* Which column of its own sheet stands in a column of the table; that one itself where nothing was moved, or layouts is
 * NULL. */
int import_table_sheet_column(const struct import_layout *layouts, int sheet, int column);
/* Counts the rows of the sheets that are not read: -1 where such a sheet is damaged. */
void import_table_count_rest(struct import_table *table);
/* Of the rows behind a text file's header, as far as they are looked at, how many cells those with the fewest have; at
 * least as many as the header has. INT_MAX for a workbook, or where there is no row. Errors: those of the file. */
ERR_RESULT import_table_width(struct arena *arena, const struct import_map *map, struct str path, int *cell_count);

/* A line of a file in one number that sorts as its rows come: the sheet's index above the line's own number. */
#define IMPORT_SHEET_LINES (INT64_C(1) << 32)
int64_t import_line_number(int64_t line); /* within the sheet */
int import_line_sheet(int64_t line);
/* A copy of the map for one file: "auto" of delimiter and encoding, and header_row 0, become what the file's first rows
 * show. Where no row has the map's columns the first one is taken, so that what is missing can be named. */
ERR_RESULT import_map_settle(struct arena *arena, struct str path, const struct import_map *map,
                             struct import_map *settled);
/* Names for a person to read, parted by commas: long ones cut, and beyond `most` only how many there are. */
struct str import_names_shown(struct arena *arena, const struct str *names, int count, int most);
/* Of "a|b" the first. */
struct str import_first_name(struct str names);
/* The column of a header that a map's "a|b" or "#3" means, or -1: the first name that is there, as it is written or else as
 * names are compared (import_name_key). */
int import_column_of(struct arena *arena, const struct str *header, int count, struct str names);
/* Likewise, but where no header is known (count 0) "#3" is the third all the same: for rows, which have their own width. */
int import_column_read(struct arena *arena, const struct str *header, int count, struct str names);
/* Says whether "a|b" names this column. */
bool import_column_is(struct arena *arena, struct str column, struct str names);

#endif
