/* Room order: orders, lines, refunds, products and the import of past orders. States are normalised; refunds stand apart.
 * Every order is known by its source and number: the same said twice happens once, and of two sayings the later
 * export wins. An order hangs on the birth that owns the identity it came through. */
#ifndef HUITOU_ROOM_ORDER_ORDER_H
#define HUITOU_ROOM_ORDER_ORDER_H

#include "engine/engine.h"
#include "room/customer/customer.h"

/* Content of an order in parts of 8 bytes: its lines, its channel, its buyer. */
#define ORDER_CONTENT_PART_BYTES 8
#define ORDER_CONTENT_BYTES (3 * ORDER_CONTENT_PART_BYTES)

enum order_state { ORDER_CREATED, ORDER_PAID, ORDER_SHIPPED, ORDER_RECEIVED, ORDER_CLOSED, ORDER_STATE_MAX };
const char *order_state_name(enum order_state state); /* "created" … */

/* What a file tells of an order: what it has columns and words for. The aspects, each with an age of its own, and how well
 * some of them are told. What a file does not tell leaves what another told as it is (docs/decisions/0013-told-apart.md). */
enum order_told {
    ORDER_TOLD_STATE = 1 << 0,
    ORDER_TOLD_PAID_TIME = 1 << 1, /* also that it was never paid; else the order's time stands in */
    ORDER_TOLD_AMOUNT = 1 << 2,    /* of the whole order; else the lines' sum stands in */
    ORDER_TOLD_LINES = 1 << 3,
    ORDER_TOLD_CHANNEL = 1 << 4,
    ORDER_TOLD_BUYER = 1 << 5,
    ORDER_TOLD_TIME = 1 << 6, /* every file */
    ORDER_ASPECT_MAX = 7,
    ORDER_TOLD_AMOUNT_WHOLE = 1 << 7,   /* nothing that was paid is missing from the amount, such as a balance */
    ORDER_TOLD_LINES_MEASURED = 1 << 8, /* each line with an amount of its own */
    ORDER_TOLD_BUYER_SURE = 1 << 9,     /* by an identity that is not weak */
    ORDER_TOLD_ALL = (1 << 10) - 1,
    ORDER_UNSURE_SHIFT = 16, /* an aspect's bit shifted: its age is an upper bound, the file may be older */
};
/* Likewise of a refund. */
enum refund_told {
    REFUND_TOLD_MEASURED = 1 << 0, /* how much; else a state says that all was given back */
    REFUND_TOLD_TIME = 1 << 1,     /* when; else the order's time stands in */
    REFUND_TOLD_WHOLE = 1 << 2,    /* all of the order, whatever its amount turns out to be */
    REFUND_TOLD_BY_STATE = 1 << 3, /* not measured; not kept with the row */
};

struct order_line_fact {
    struct str product_code; /* absent: none named */
    struct str product_name, category;
    int64_t quantity_milli;
    int64_t amount_minor;
};
/* An order as a source tells it: decoded, normalised, not yet known to the store. */
struct order_fact {
    struct str source, number;
    bool hashed; /* the hashes are filled in: order_fact_hash */
    uint8_t number_hash[SECRET_HASH_BYTES], content_hash[ORDER_CONTENT_BYTES];
    int64_t told; /* enum order_told; 0: all of it, a buyer only where one is named */
    enum order_state state;
    int64_t occurred_at_us;
    int64_t paid_at_us; /* INT64_MIN: not paid */
    int64_t amount_minor;
    struct str channel; /* absent: none named */
    struct order_line_fact *lines;
    int line_count;
    int64_t exported_at_us;
    bool exported_unsure; /* exported_at_us is an upper bound: the saying may be older */
    struct customer_buyer *buyer; /* shared between facts of one buyer where the caller knows it */
};
/* A refund as a source tells it. */
struct refund_fact {
    struct str source, number;
    bool hashed; /* the hashes are filled in: refund_fact_hash */
    uint8_t number_hash[SECRET_HASH_BYTES], content_hash[SECRET_HASH_BYTES];
    int64_t told;            /* enum refund_told; 0: how much, and when */
    struct str order_number; /* absent: stands alone */
    int64_t refunded_at_us;
    int64_t amount_minor; /* 0: nothing was given back; dropped where the refund is not known, else it takes back */
    struct str channel;
    int64_t exported_at_us;
    bool exported_unsure;
    struct customer_buyer *buyer; /* NULL where the file names none: it hangs on its order's customer */
    bool order_in_file; /* its order comes with it and need not be known yet: only order_batch_compare looks */
};
/* What restated orders and refunds were worth, before and after. Amounts of what is paid. */
struct order_money {
    int64_t amount_before_minor, amount_after_minor;
    int64_t refund_before_minor, refund_after_minor;
};
/* The claim of an order's number in `lookup`. */
struct order_claim {
    uint8_t hash[SECRET_HASH_BYTES];
    int64_t customer_id, order_id;
};
struct order_batch {
    const struct brand *brand;
    struct order_fact *orders;
    size_t order_count;
    struct refund_fact *refunds;
    size_t refund_count;
    /* out: */
    int64_t order_new_count, order_changed_count, order_same_count, order_older_count;
    int64_t order_kept_count; /* of a file that may be older: says less than is known */
    int64_t lines_exceed_count; /* new or changed, whose lines are told to sum up to more than the order's amount */
    int64_t refund_new_count, refund_changed_count, refund_same_count; /* same: an older saying too */
    int64_t refund_kept_count;
    struct order_money changed;
    int64_t refund_without_order_count; /* refunds that name no order, or none that is known */
    struct order_claim *claims; /* of a first load: order_count that follow later; in the transaction's arena */
};
/* Hash what a fact tells, outside of any transaction, so that order_batch_apply need not: its number, its content, its
 * buyer's identities. scratch: used and rewound. */
void order_fact_hash(const struct keyring *keys, struct arena *scratch, struct order_fact *fact);
void refund_fact_hash(const struct keyring *keys, struct arena *scratch, struct refund_fact *fact);
/* Writes a batch of past orders and refunds in this transaction: resolves buyers, claims numbers, inserts or restates, links
 * refunds to orders, one order.imported event per customer. An unchanged batch writes nothing. Re-runnable. Numbers are
 * unique within a batch. A refund of a known order hangs on that order's customer, whoever it names itself. */
ERR_RESULT order_batch_apply(struct tx *tx, struct order_batch *batch);
/* Only counts what order_batch_apply would do; writes and locks nothing, also in a read transaction. Errors:
 * ORDER_FIRST_LOAD. */
ERR_RESULT order_batch_compare(struct tx *tx, struct order_batch *batch);

/* --- Reads --- */

struct order_view {
    int64_t customer_id, order_id;
    struct str source, number, channel;
    enum order_state state;
    int64_t occurred_at_us, paid_at_us;
    int32_t paid_day;
    int64_t amount_minor, refunded_minor;
    int line_count;
    int64_t recorded_at_us; /* when it was last written */
};
/* Orders of these births, newest first, at most max. */
ERR_RESULT order_of_customer(struct tx *tx, const int64_t *members, size_t member_count, size_t max,
                             struct order_view **out, size_t *count);
struct order_line_view {
    struct str product_code, product_name; /* absent: not named */
    int64_t quantity_milli, amount_minor;
};
/* The lines of an order, as they stood in the file. */
ERR_RESULT order_lines_of(struct tx *tx, int64_t customer_id, int64_t order_id, struct order_line_view **out, size_t *count);
struct order_refund_view {
    int64_t customer_id, refund_id, order_id; /* order_id 0: it stands alone */
    struct str source, number;
    int64_t amount_minor, refunded_at_us, recorded_at_us;
    int32_t refunded_day;
};
/* Refunds of these births, newest first. */
ERR_RESULT order_refunds(struct tx *tx, const int64_t *members, size_t member_count, struct order_refund_view **out,
                         size_t *count);
/* The imports that were at work on this source at a moment: where something that was recorded then came from. */
struct order_import_view {
    int64_t import_id, exported_at_us, started_at_us;
    struct str file_name, map_name, source;
};
ERR_RESULT order_imports_at(struct tx *tx, struct str source, int64_t recorded_at_us, struct order_import_view **out,
                            size_t *count);
/* The customer (birth) of the orders with this number, from any source; found 0 or more. While a first load is not
 * finished all orders are gone through. */
ERR_RESULT order_find_number(struct tx *tx, struct str number, int64_t **customer_ids, size_t *count);

/* Facts for the columns: of one customer (all births), or of a range of births in the order of their ids. */
ERR_RESULT order_engine_facts(struct tx *tx, const int64_t *members, size_t member_count,
                              struct engine_order **orders, size_t *order_count, struct engine_refund **refunds,
                              size_t *refund_count);
struct order_scan {
    struct stmt_cursor orders, refunds;
    bool order_has, refund_has;
    void *ahead; /* the rows read ahead */
};
/* Of the births with after_id < customer_id <= last_id; INT64_MIN and INT64_MAX for all. */
ERR_RESULT order_scan_open(struct tx *tx, int64_t after_id, int64_t last_id, struct order_scan *scan);
/* The facts of the next birth that has any, ascending by customer_id; valid until the next call. */
ERR_RESULT order_scan_next(struct order_scan *scan, int64_t *customer_id, const struct engine_order **orders,
                           size_t *order_count, const struct engine_refund **refunds, size_t *refund_count,
                           bool *has);
void order_scan_close(struct order_scan *scan);
/* Names of channels and products, into the engine. */
ERR_RESULT order_name_all(struct tx *tx, struct engine *engine);

/* What the reports leave out, of the rows (takes the longer the more there are): for commands and verify; a server asks its
 * columns (engine_left_out). */
ERR_RESULT order_left_out(struct tx *tx, struct left_out *out);

/* Persons by what is typed: the roots found by identity or name, and behind them those of orders with that number; at most
 * `max`. */
ERR_RESULT person_find(struct tx *tx, struct str query, size_t max, int64_t **ids, size_t *count);

/* For verify: recomputes fact sums from the rows, sums of lines and refunds, days from times. */
struct order_faults {
    int64_t count;
    struct str first; /* the first fault, in words */
    bool first_load_open; /* no fault: a first load runs or was broken off; numbers not claimed yet are not missed */
};
ERR_RESULT order_verify(struct tx *tx, const struct brand *brand, struct order_faults *faults);
/* Claims the number of every order again (lookup), from the rows; ends a first load that was broken off. One that is claimed
 * by another order stays: verify tells. In one transaction, as long as there are orders. */
ERR_RESULT order_rebuild(struct tx *tx);

#endif
