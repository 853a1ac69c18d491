/* From a row of a file to a decoded row: what each column means, and what a cell says. Inside the room. */
#ifndef HUITOU_ROOM_ORDER_IMPORT_ROW_H
#define HUITOU_ROOM_ORDER_IMPORT_ROW_H

#include "base/decimal.h"
#include "codec/table_input.h"
#include "room/order/import.h"

enum import_format { IMPORT_FORMAT_CSV, IMPORT_FORMAT_TEXT };

struct import_kind_info {
    const char *name;
    bool personal;
    struct text doc;
};
const struct import_kind_info *import_kind_info(enum import_kind kind);
enum import_kind import_kind_by_name(struct str name); /* IMPORT_KIND_MAX where unknown */
enum order_state import_state_by_name(struct str name); /* ORDER_STATE_MAX where unknown */
/* A map from its JSON text; field names it in errors. */
ERR_RESULT import_map_of_text(struct arena *arena, struct str field, struct str json, struct import_map **out);
/* The map has a column or a constant for the kind. */
bool import_map_has(const struct import_map *map, enum import_kind kind);
bool import_column_number(struct str name, int64_t *number); /* "#3" → 3 */
struct table_options import_table_options(const struct import_map *map, struct str path);

/* A refund noted on the rows of an order is numbered as the order with this behind it. */
#define IMPORT_REFUND_SUFFIX STR(":r")
/* An order or refund without a number is numbered by its content, with this before it. */
#define IMPORT_ROW_PREFIX STR("row:")

#define COLUMN_NONE (-1)
/* A hundred billion in a currency of two digits; so that the lines of one order can be summed. */
#define IMPORT_AMOUNT_MINOR_MAX INT64_C(10000000000000)

/* A map bound to the header of one file. */
struct import_columns {
    const struct import_map *map;
    int of_kind[IMPORT_KIND_MAX];         /* column index, or COLUMN_NONE */
    struct str constant[IMPORT_KIND_MAX]; /* absent: none */
    int *refund_when, *skip_when;         /* column of each condition */
    bool *unread;                         /* huitou_ columns of a reject file: no part of the row */
    const struct str *names;              /* the header; NULL where there is none */
    int name_count;
};
/* Errors: MAP_COLUMN_MISSING, all at once. */
ERR_RESULT import_columns_bind(struct arena *arena, struct str path, const struct import_map *map,
                               const struct str *header, int header_count, struct import_columns *out);

/* What rows are read against. */
struct import_reader {
    struct import_columns columns;
    const struct brand *brand;
    const struct zone *zone; /* of the file's times */
    struct str path;
    int64_t now_us;
    enum order_state state_default;
};

enum import_verdict { IMPORT_ROW_ORDER, IMPORT_ROW_REFUND, IMPORT_ROW_SKIP };
/* A decoded row. What is absent in the file is absent here: an amount has its own flag. */
struct import_row {
    enum import_verdict verdict;
    struct str number; /* absent: the row is an order by itself */
    uint8_t cells_hash[SECRET_HASH_BYTES];
    int64_t line_number;
    int64_t time_us, paid_us, refund_us; /* INT64_MIN: absent */
    int32_t day;
    int state; /* enum order_state */
    bool state_named; /* by the row itself, not by the map's default */
    bool has_order_amount, has_line_amount, has_refund_amount;
    int64_t order_amount_minor, line_amount_minor, refund_amount_minor;
    int64_t quantity_milli;
    bool has_line; /* it names a product, a quantity or an amount of its own */
    struct str product_code, product_name, category, channel, refund_of, buyer_name;
    struct identity_value identities[LIMIT_IDENTITIES_PER_ORDER_MAX];
    int identity_count;
};
/* Reads one row. Errors are of this row only: IMPORT_*; row->number is set even then, where it can be read. */
ERR_RESULT import_row_read(struct arena *arena, const struct import_reader *reader, const struct table_row *cells,
                           struct import_row *row);
/* The cell of a kind, trimmed, or the constant; absent where there is neither. */
struct str import_row_cell(const struct import_columns *columns, const struct table_row *cells, enum import_kind kind);
/* Sorted: the surest first. */
void import_identities_sort(struct identity_value *identities, int count);

#endif
