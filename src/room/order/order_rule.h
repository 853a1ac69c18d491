/* The decisions about orders, pure: no SQL, no clock. Which of two sayings holds, what the lines and refunds of an order
 * make of it, and the bytes that stand for a row in the customer's fact sum.
 * Absent times are INT64_MIN, absent days DAY_NONE, as in order.h. */
#ifndef HUITOU_ROOM_ORDER_ORDER_RULE_H
#define HUITOU_ROOM_ORDER_ORDER_RULE_H

#include "room/order/order.h"

/* The rows of orders, order_line and refund. */
struct order_row {
    int64_t customer_id, order_id;
    struct str source, number;
    int64_t state;
    int64_t occurred_at_us, paid_at_us;
    int32_t paid_day;
    int64_t amount_minor, refunded_minor;
    int32_t refunded_whole_day;
    int64_t channel_id, top_product_id, top_line_minor, line_count, identity_id;
    int64_t exported_at_us;
    struct str content_hash;
    int64_t recorded_at_us;
};
struct order_line_row {
    int64_t customer_id, order_id, line_no, product_id, quantity_milli, amount_minor;
};
struct order_refund_row {
    int64_t customer_id, refund_id, order_id;
    struct str source, number;
    int64_t amount_minor, refunded_at_us;
    int32_t refunded_day;
    int64_t channel_id, exported_at_us;
    struct str content_hash;
    int64_t recorded_at_us;
};

enum order_change {
    ORDER_NEW,
    ORDER_SAME,       /* nothing to write */
    ORDER_SAME_LATER, /* the same, told by a later export: only exported_at moves */
    ORDER_OLDER,      /* other content, but an older export: nothing to write */
    ORDER_RESTATED,
};
/* What a saying does to a known order or refund. Of equally old ones the one that comes last holds. */
enum order_change order_rule_change(struct str known_hash, int64_t known_exported_at_us, struct str told_hash,
                                    int64_t told_exported_at_us);

/* The line of the largest amount, the earliest of equals; 0, 0 where there are no lines. */
void order_rule_top_line(const struct order_line_row *lines, size_t count, int64_t *product_id,
                         int64_t *amount_minor);

struct order_refund_part {
    int32_t day;
    int64_t amount_minor;
};
/* The day on which the refunds, which come in the order of their days, reach the amount; DAY_NONE where they do not. An
 * order of amount 0 is wholly refunded by its first refund, never by none; a refund of 0 is none. */
int32_t order_rule_whole_day(int64_t amount_minor, const struct order_refund_part *refunds, size_t count);

/* The paid time of a state: none while the order is only created; a closed order was paid only where the source says
 * when. */
int64_t order_rule_paid_at(enum order_state state, int64_t occurred_at_us, int64_t told_paid_at_us);

/* What a row counts as in the customer's fact sum: all columns but exported_at and recorded_at. */
struct str order_rule_order_bytes(struct arena *arena, const struct order_row *row);
struct str order_rule_line_bytes(struct arena *arena, const struct order_line_row *row);
struct str order_rule_refund_bytes(struct arena *arena, const struct order_refund_row *row);

/* How many orders the next batch of an import has, so that it holds the store for less than a tenth of a second: after one
 * of `size` orders took `took_us`, its commit included. Aims at 40 ms, at most doubles, at most quarters; between 50 and
 * 20,000. size 0: the first batch. */
int64_t order_slice_next(int64_t size, int64_t took_us);

/* The hash of what a source tells. Identities and names enter as keyed hashes, so that the hash does not give them away. */
struct str order_rule_content_hash(struct arena *arena, const struct keyring *keys, const struct order_fact *fact);
struct str order_rule_refund_content_hash(struct arena *arena, const struct keyring *keys,
                                          const struct refund_fact *fact);
/* The look-up hash of a source's number. kind: LOOKUP_ORDER or LOOKUP_REFUND. */
void order_rule_number_hash(const struct keyring *keys, enum lookup_kind kind, struct str source, struct str number,
                            uint8_t out[SECRET_HASH_BYTES]);

#endif
