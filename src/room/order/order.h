/* Room order: orders, lines, refunds, products and the import of past orders. States are normalised; refunds stand apart.
 * Every order is known by its source and number: the same said twice happens once, and of two sayings the later
 * export wins. An order hangs on the birth that owns the identity it came through. */
#ifndef HUITOU_ROOM_ORDER_ORDER_H
#define HUITOU_ROOM_ORDER_ORDER_H

#include "engine/engine.h"
#include "room/customer/customer.h"

enum order_state { ORDER_CREATED, ORDER_PAID, ORDER_SHIPPED, ORDER_RECEIVED, ORDER_CLOSED, ORDER_STATE_MAX };
const char *order_state_name(enum order_state state); /* "created" … */

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
    uint8_t number_hash[SECRET_HASH_BYTES], content_hash[SECRET_HASH_BYTES];
    enum order_state state;
    int64_t occurred_at_us;
    int64_t paid_at_us; /* INT64_MIN: not paid */
    int64_t amount_minor;
    struct str channel; /* absent: none named */
    struct order_line_fact *lines;
    int line_count;
    int64_t exported_at_us;
    struct customer_buyer *buyer; /* shared between facts of one buyer where the caller knows it */
};
/* A refund as a source tells it. */
struct refund_fact {
    struct str source, number;
    bool hashed; /* the hashes are filled in: refund_fact_hash */
    uint8_t number_hash[SECRET_HASH_BYTES], content_hash[SECRET_HASH_BYTES];
    struct str order_number; /* absent: stands alone */
    int64_t refunded_at_us;
    int64_t amount_minor; /* 0: nothing was given back; dropped where the refund is not known, else it takes back */
    struct str channel;
    int64_t exported_at_us;
    struct customer_buyer *buyer; /* NULL where the file names none: it hangs on its order's customer */
    bool order_in_file; /* its order comes with it and need not be known yet: only order_batch_compare looks */
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
    int64_t refund_new_count, refund_changed_count, refund_same_count; /* same: an older saying too */
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
};
/* Orders of these births, newest first, at most max. */
ERR_RESULT order_of_customer(struct tx *tx, const int64_t *members, size_t member_count, size_t max,
                             struct order_view **out, size_t *count);
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

/* What the reports say about what they leave out. */
struct order_left_out {
    int64_t orders_without_buyer; /* paid orders on placeholders */
    int64_t amount_without_buyer_minor;
    int64_t rejected_rows; /* of all finished imports */
};
ERR_RESULT order_left_out(struct tx *tx, struct order_left_out *out);

/* For verify: recomputes fact sums from the rows, sums of lines and refunds, days from times. */
struct order_faults {
    int64_t count;
    struct str first; /* the first fault, in words */
    bool first_load_open; /* no fault: a first load runs or was broken off; numbers not claimed yet are not missed */
};
ERR_RESULT order_verify(struct tx *tx, const struct brand *brand, struct order_faults *faults);

#endif
