/* One run of the import, shared by its phases. Inside the room. */
#ifndef HUITOU_ROOM_ORDER_IMPORT_RUN_H
#define HUITOU_ROOM_ORDER_IMPORT_RUN_H

#include "base/sorter.h"
#include "room/order/import_row.h"

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
    int64_t latest_us; /* moment in the file, of rows that are not rejected; INT64_MIN: none */
    int phase_log; /* file descriptor, -1: none */

    struct sorter *rows;    /* (order, line) → decoded row */
    struct sorter *orders;  /* (buyer, time, number) → order */
    struct sorter *refunds; /* likewise */
    struct sorter *rejects; /* line → why */
    struct sorter *numbers; /* dry run only: orders' numbers, and the refunds of each behind it */
    int64_t rejected_line;  /* the one that was rejected last */
    struct arena *scratch;  /* of one row or order */

    int64_t problem_count[ERR_CODE_MAX], problem_line[ERR_CODE_MAX];
    const struct err *problem_first[ERR_CODE_MAX];
    struct arena *problem_arena[ERR_CODE_MAX]; /* each holds the first one only */
};

void import_free_arena(void *arena); /* for arena_defer */
void import_phase(struct import_run *run, const char *phase, int64_t number);
void import_progress(struct import_run *run, const char *phase, int64_t done, int64_t total);

/* A row of the file is rejected, with why. */
ERR_RESULT import_reject(struct import_run *run, int64_t line_number, const struct err *why);
/* A decoded row, or (why given) one that is wrong but says which order it belongs to, goes to the sorter. */
ERR_RESULT import_group_add(struct import_run *run, const struct import_row *row, const struct err *why);
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

/* An error in a sorter's record: code, field, arguments. */
void import_pack_err(struct buf *buf, const struct err *err);
struct unpack;
const struct err *import_unpack_err(struct unpack *u);

/* Orders and refunds in the sorters; each record begins with the buyer, which is unpacked by itself. Lists of what is
 * unpacked live in the arena of u; strings too, unless u->borrow. */
void import_pack_buyer(struct buf *buf, const struct identity_value *identities, int count, struct str name);
void import_unpack_buyer(struct unpack *u, struct customer_buyer *buyer);
void import_pack_order(struct buf *buf, const struct order_fact *fact);
void import_unpack_order(struct unpack *u, struct order_fact *fact);
void import_pack_refund(struct buf *buf, const struct refund_fact *fact);
void import_unpack_refund(struct unpack *u, struct refund_fact *fact);

#endif
