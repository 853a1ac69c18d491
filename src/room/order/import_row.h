/* From a row of a file to a decoded row: what each column means, and what a cell says. Inside the room. */
#ifndef HUITOU_ROOM_ORDER_IMPORT_ROW_H
#define HUITOU_ROOM_ORDER_IMPORT_ROW_H

#include "base/decimal.h"
#include "room/order/import_clean.h"
#include "room/order/import_table.h"

enum import_format { IMPORT_FORMAT_CSV, IMPORT_FORMAT_TEXT };

enum order_state import_state_by_name(struct str name); /* ORDER_STATE_MAX where unknown */
/* "paid", "paid refunded": the right side of a map's states. ORDER_STATE_MAX where unknown. */
enum order_state import_state_of_words(struct str words, bool *refunded);
enum import_refund import_refund_by_name(struct str name); /* IMPORT_REFUND_UNTOLD where unknown */
/* A map from its JSON text; field names it in errors. */
ERR_RESULT import_map_of_text(struct arena *arena, struct str field, struct str json, struct import_map **out);
/* The map has a column or a constant for the kind. */
bool import_map_has(const struct import_map *map, enum import_kind kind);
bool import_column_number(struct str name, int64_t *number); /* "#3" → 3 */
/* The kind's column must be in the file: it is named by `needed`, or none is. */
bool import_map_needs(const struct import_map *map, enum import_kind kind);

/* A refund noted on the rows of an order is numbered as the order with this behind it. */
#define IMPORT_REFUND_SUFFIX STR(":r")
/* An order or refund without a number is numbered by its content, with this before it. */
#define IMPORT_ROW_PREFIX STR("row:")

#define COLUMN_NONE (-1)
/* A hundred billion in a currency of two digits; so that the lines of one order can be summed. */
#define IMPORT_AMOUNT_MINOR_MAX INT64_C(10000000000000)

/* A word of the map's states or refund_states, ready to be compared. */
struct import_word {
    struct str word, key;              /* as the map has it; as names are compared, without its stars */
    bool any_before, any_after;        /* "*word", "word*" */
    enum order_state state;            /* of states */
    bool refunded;
    enum import_refund refund;         /* of refund_states */
    struct str normal;                 /* the map's right side */
};
struct import_words {
    struct import_word *items;
    size_t count;
};
/* A map bound to the header of one file. */
struct import_columns {
    const struct import_map *map;
    int of_kind[IMPORT_KIND_MAX];         /* column index, or COLUMN_NONE */
    struct str constant[IMPORT_KIND_MAX]; /* absent: none */
    bool after_slash[IMPORT_KIND_MAX];
    bool number_needed;                   /* a row without an order number is wrong */
    int *refund_when, *skip_when;         /* column of each condition, or COLUMN_NONE: it never holds */
    struct import_words states, refund_states;
    bool *unread;                         /* huitou_ columns of a reject file: no part of the row */
    const struct str *names;              /* the header; NULL where there is none */
    int name_count;
};
/* Errors: MAP_COLUMN_MISSING, all at once. */
ERR_RESULT import_columns_bind(struct arena *arena, struct str path, const struct import_map *map,
                               const struct str *header, int header_count, struct import_columns *out);

/* The order of the row above, for rows that continue it (fill_down). */
struct import_above {
    char number[LIMIT_ORDER_NUMBER_BYTES_MAX];
    size_t number_bytes; /* 0: there is none */
    int64_t time_us;     /* INT64_MIN: it could not be read */
};
/* What rows are read against. */
struct import_reader {
    struct import_columns columns;
    const struct brand *brand;
    const struct zone *zone; /* of the file's times */
    struct str path;
    const struct import_sheet *sheets; /* of a workbook: named in places where there is more than one */
    int sheet_count;
    const struct import_layout *layouts; /* as import_table; NULL: a text file */
    int usual_cells; /* of the rows of a text file: import_table_width */
    int64_t now_us;
    enum order_state state_default;
    struct import_above *above; /* moves with the rows */
    int *wrong_column;          /* set with an error to the column that it is about; NULL: nobody asks */
};
/* FILE:LINE, NAME (C12): where an error is, in either language; sets *reader->wrong_column. */
struct str import_row_place(struct arena *arena, const struct import_reader *reader, const struct table_row *cells,
                            enum import_kind kind);
/* The same of a line and a column; FILE:LINE where that is COLUMN_NONE. */
struct str import_line_place(struct arena *arena, const struct import_reader *reader, int64_t line_number, int column);
/* A cell as it may be shown: masked where its kind is personal; in any other but a number of an order, digits that look like
 * a mobile's (a row whose cells are shifted). kind IMPORT_KIND_MAX: not read. */
struct str import_cell_shown(struct arena *arena, enum import_kind kind, struct str cell);

/* A decoded row. What is absent in the file is absent here: an amount has its own flag. */
struct import_row {
    enum import_verdict verdict; /* ORDER, REFUND or SKIP */
    struct str number; /* absent: the row is an order by itself */
    struct str sub_number; /* the sub-order's own; absent: none */
    uint8_t cells_hash[SECRET_HASH_BYTES];
    int64_t line_number; /* with the sheet: import_line_number */
    int64_t time_us, paid_us, refund_us; /* INT64_MIN: absent */
    int32_t day;
    int state; /* enum order_state */
    bool state_named; /* by the row itself, not by the map's default */
    bool has_order_amount, has_line_amount, has_refund_amount;
    enum import_refund refund; /* by the words of the row's states */
    struct str state_cell, refund_cell; /* the words themselves; not kept in the sorter */
    const struct import_word *state_word, *refund_word; /* what they were found to be; NULL: unknown */
    bool is_total;     /* of a skipped row: see rows_total */
    int masked_values, lost_values; /* see import_result */
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
/* A row may merge several lines (split_lines): as many rows come out, of one line number; else one. The cells that number or
 * measure lines say how many; others have as many parts or one. One part of an amount or quantity belongs to the first line
 * (the file does not say how it divides), of anything else to each. Errors: IMPORT_SPLIT. */
ERR_RESULT import_row_split(struct arena *arena, const struct import_reader *reader, const struct table_row *cells,
                            struct table_row **rows, int *count);
/* The cell of a kind, trimmed and cleaned as the map says, or the constant; absent where there is neither. */
struct str import_row_cell(struct arena *arena, const struct import_columns *columns, const struct table_row *cells,
                           enum import_kind kind, bool *masked);
/* Where a line is, for errors: "orders.csv:12", "orders.xlsx:Sheet2:12"; and without the file: "12", "Sheet2:12". */
struct str import_place(struct arena *arena, const struct import_reader *reader, int64_t line);
struct str import_line_text(struct arena *arena, const struct import_reader *reader, int64_t line);
/* The sheet's name, of a workbook of which there are several; absent else. */
struct str import_sheet_of(const struct import_reader *reader, int64_t line);
/* "C12": the cell of a line in its sheet that stands in a column of the table. */
struct str import_cell_name(struct arena *arena, const struct import_reader *reader, int64_t line, int column);
/* Sorted: the surest first. */
void import_identities_sort(struct identity_value *identities, int count);

#endif
