/* One run of the import, shared by its phases. Inside the room. */
#ifndef HUITOU_ROOM_ORDER_IMPORT_RUN_H
#define HUITOU_ROOM_ORDER_IMPORT_RUN_H

#include "base/sorter.h"
#include "room/order/import_row.h"

#define IMPORT_PREVIEW_ROWS 10
#define IMPORT_EXPORTED_AT "huitou_exported_at" /* column, or word of a comment, of a reject file */

struct import_run {
    struct store *store;
    struct arena *arena; /* as long as the run */
    struct arena *result_arena;
    const struct brand *brand;
    const struct import_options *options;
    const struct import_map *map; /* settled: import_map_settle */
    struct import_map settled;
    struct import_result *result;
    struct import_reader reader;
    struct import_above above;
    bool tells_paid_time, lacks_balance; /* by its columns: what the map reads and the file has, or has not */
    bool tells_refunds; /* the file has a column for them: nothing in it takes back what was told before */
    struct deps deps;
    uint8_t file_hash[SECRET_HASH_BYTES];
    int64_t exported_at_us, began_us, import_id;
    bool stopped; /* in the midst of writing: options->stopped */
    int64_t latest_us; /* moment in the file, of rows that are not rejected; INT64_MIN: none */
    int phase_log; /* file descriptor, -1: none */

    struct sorter *rows;    /* (order, line) → decoded row */
    struct sorter *orders;  /* (buyer, time, number) → order */
    struct sorter *refunds; /* likewise */
    struct sorter *rejects; /* line → why */
    struct sorter *numbers; /* dry run only: orders' numbers, and the refunds of each behind it */
    int64_t rejected_line;  /* the one that was rejected last */
    int64_t preview_lines[IMPORT_PREVIEW_ROWS]; /* of result->preview, with their sheets */
    int wrong_column;       /* of the row that is being read: import_reader */
    struct arena *scratch;  /* of one row or order */

    int64_t problem_count[ERR_CODE_MAX], problem_line[ERR_CODE_MAX];
    struct import_wrong problem_first[ERR_CODE_MAX];
    struct arena *problem_arena[ERR_CODE_MAX]; /* each holds the first one only */
};

/* Why a row is rejected, and which of its cells it is. */
struct import_fault {
    const struct err *why;
    int column;       /* COLUMN_NONE: the row as a whole */
    struct str value; /* as import_cell_shown; absent where no one cell is wrong */
};
/* The fault of rows that are wrong together: the column that such an error is about. */
struct import_fault import_fault_of_rows(const struct import_run *run, const struct err *why);

void import_free_arena(void *arena); /* for arena_defer */
void import_phase(struct import_run *run, const char *phase, int64_t number);
void import_progress(struct import_run *run, const char *phase, int64_t done, int64_t total);

/* Whether somebody wants the import to end; and the same as an error, IMPORT_STOPPED. */
bool import_is_stopped(const struct import_run *run);
ERR_RESULT import_go_on(const struct import_run *run);

/* A row of the file is rejected, with why. */
ERR_RESULT import_reject(struct import_run *run, int64_t line_number, const struct import_fault *fault);
/* Tells of a fault; all is copied into the arena. */
struct import_wrong import_wrong_of(struct arena *arena, const struct import_run *run, int64_t line_number,
                                    const struct import_fault *fault);
/* Dry run: the row as it would be read, for result->preview. fault NULL: it is right by itself. */
void import_preview_add(struct import_run *run, const struct table_row *cells, const struct import_row *row,
                        const struct import_fault *fault);
/* What became of a line when its order was put together; fault with IMPORT_ROW_REJECTED only. */
void import_preview_settle(struct import_run *run, int64_t line_number, enum import_verdict verdict,
                           const struct import_fault *fault);
/* The name of a column of the file, or "#3". */
struct str import_column_name(struct arena *arena, const struct import_columns *columns, int column);
/* The kind that a column is read as, the first from from_kind on; IMPORT_KIND_MAX where there is none. */
enum import_kind import_kind_of_column(const struct import_columns *columns, int column, int from_kind);
/* A decoded row, or (fault given) one that is wrong but says which order it belongs to, goes to the sorter. */
ERR_RESULT import_group_add(struct import_run *run, const struct import_row *row, const struct import_fault *fault);
/* Dry run: notes an order of the file; a refund row that names its order, with its key and record for run->refunds. */
ERR_RESULT import_match_order(struct import_run *run, struct arena *arena, struct str number);
ERR_RESULT import_match_refund(struct import_run *run, struct arena *arena, struct str order_number,
                               struct str sort_key, struct str packed);
/* Dry run: marks the refunds whose order comes in this file, so that they are not counted as standing alone. */
ERR_RESULT import_match_refunds(struct import_run *run);
/* Makes orders and refunds of the sorted rows; rejects those that are wrong or contradict themselves. */
ERR_RESULT import_group_all(struct import_run *run);
/* Writes all orders, then all refunds, a transaction per batch; a dry run only compares. Errors: ORDER_FIRST_LOAD (dry
 * run). */
ERR_RESULT import_write_all(struct import_run *run);
/* The second pass over the file: its rejected lines, with the reasons. */
ERR_RESULT import_reject_write(struct import_run *run);
/* Sets exported_at_us, and in the result how it was found: import_exported_from. After the rows are read. */
ERR_RESULT import_exported_settle(struct import_run *run);
/* The warnings of the result: columns that the map reads, that money hangs on, and that the file does not have. */
void import_warn(struct import_run *run);
/* The exported_at that a reject file carries; INT64_MIN where the file carries none. */
ERR_RESULT import_reject_exported_at(struct import_run *run, int64_t *exported_at_us);

/* A fault in a sorter's record: code, field, arguments, column, value. */
void import_pack_fault(struct buf *buf, const struct import_fault *fault);
struct unpack;
struct import_fault import_unpack_fault(struct unpack *u);

/* Orders and refunds in the sorters; each record begins with the buyer, which is unpacked by itself. Lists of what is
 * unpacked live in the arena of u; strings too, unless u->borrow. */
void import_pack_buyer(struct buf *buf, const struct identity_value *identities, int count, struct str name);
void import_unpack_buyer(struct unpack *u, struct customer_buyer *buyer);
void import_pack_order(struct buf *buf, const struct order_fact *fact);
void import_unpack_order(struct unpack *u, struct order_fact *fact);
void import_pack_refund(struct buf *buf, const struct refund_fact *fact);
void import_unpack_refund(struct unpack *u, struct refund_fact *fact);

#endif
