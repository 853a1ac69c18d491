/* The sheets of a workbook as one table: which are read, and how their columns stand side by side. Behind
 * room/order/import_table.h, which says what they do; nothing else includes this. */
#ifndef HUITOU_ROOM_ORDER_IMPORT_SHEETS_H
#define HUITOU_ROOM_ORDER_IMPORT_SHEETS_H

#include "room/order/import_table.h"

/* out->input and out->sheet_count are set. */
ERR_RESULT import_sheets_open(struct arena *arena, const struct import_map *map, struct str path,
                              struct import_table *out);
ERR_RESULT import_sheets_next(struct import_table *table, struct table_row *row, const struct err **bad);

#endif
