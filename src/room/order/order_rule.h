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
    int64_t told;       /* enum order_told */
    struct str told_at; /* ORDER_AGES_BYTES; absent: all aspects are as old as exported_at_us */
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
    int64_t told, time_told_at_us; /* INT64_MIN: as exported_at_us */
    struct str content_hash;
    int64_t recorded_at_us;
};
/* The ages of the aspects but ORDER_TOLD_TIME, which is exported_at, little endian; of one that is not told: 0. */
#define ORDER_AGES_BYTES (8 * (ORDER_ASPECT_MAX - 1))

enum order_change {
    ORDER_NEW,
    ORDER_SAME,
    ORDER_OLDER, /* other content, but an older export */
    ORDER_KEPT,  /* says less than is known, and may be older */
    ORDER_RESTATED,
};

/* How old a saying is; unsure: or older. */
struct order_age {
    int64_t at_us;
    bool unsure;
};
/* Whether a saying beats the known one. Certain where the one that counts as later is sure of its age. Else how far each
 * has got decides: `progress` below 0 where the saying takes something back, above 0 where it goes further; where it does
 * neither, the later one. Of equally old ones the one that comes last holds (a file read once more by a better map), unless
 * it is of a weaker kind. */
bool order_rule_beats(struct order_age known, struct order_age told, int progress, bool weaker);

/* What of a known order a saying replaces, beside the numbers in the row. */
struct order_merge {
    enum order_change change;
    bool lines, channel, buyer;
    bool lines_exceed; /* the lines' amounts sum up to more than the order's */
    uint8_t content_hash[ORDER_CONTENT_BYTES], ages[ORDER_AGES_BYTES]; /* after's point here */
};
/* The known order and what a file tells of it, put together aspect by aspect: what is told well beats what is not, then
 * order_rule_beats holds. Progress is that of the states: a state further back, or an order paid no more, takes something
 * back. *after is the row as it will be, without what follows from lines, channel and buyer. Of ORDER_SAME, ORDER_OLDER,
 * ORDER_KEPT nothing is to be written, but who told it and how old that is may move: order_rule_ages_move. */
void order_rule_merge(const struct order_row *known, const struct order_fact *fact, struct order_row *after,
                      struct order_merge *merge);
/* The same for an order that is not known. */
void order_rule_begin(const struct order_fact *fact, struct order_row *after, struct order_merge *merge);
/* And for a refund. beside_order: told on the order's own rows; of such sayings that measure it the one that
 * order_rule_beats holds, where less takes back; beside one that only goes by a state, the larger; and the time that is told
 * before one that stands in. Of a refund with rows of its own, a saying tells all. order: as it will be, or NULL where it is
 * not known. */
enum order_change order_rule_merge_refund(const struct order_refund_row *known, const struct refund_fact *fact,
                                          const struct order_row *order, bool beside_order,
                                          struct order_refund_row *after);
void order_rule_begin_refund(const struct refund_fact *fact, const struct order_row *order,
                             struct order_refund_row *after);
/* What the fact tells: its mask, or everything. */
int64_t order_rule_told(const struct order_fact *fact);
/* Between a row and what it is after a merge. */
bool order_rule_ages_move(const struct order_row *before, const struct order_row *after);
bool order_rule_refund_ages_move(const struct order_refund_row *before, const struct order_refund_row *after);
/* Masks and ages of a row make sense: for verify. */
bool order_rule_told_is_sound(const struct order_row *row);

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

/* What a row counts as in the customer's fact sum: all columns but recorded_at and those that say how old the knowledge is
 * and who told it. */
struct str order_rule_order_bytes(struct arena *arena, const struct order_row *row);
struct str order_rule_line_bytes(struct arena *arena, const struct order_line_row *row);
struct str order_rule_refund_bytes(struct arena *arena, const struct order_refund_row *row);

/* How many orders the next batch of an import has, so that it holds the store for less than a tenth of a second: after one
 * of `size` orders took `took_us`, its commit included. Aims at 40 ms, at most doubles, at most quarters; between 50 and
 * 20,000. size 0: the first batch. */
int64_t order_slice_next(int64_t size, int64_t took_us);

/* The hashes of what a source tells, ORDER_CONTENT_BYTES: of lines, channel, buyer, zeros for what there is none of.
 * Identities and names enter as keyed hashes, so that the hash does not give them away. */
struct str order_rule_content_hash(struct arena *arena, const struct keyring *keys, const struct order_fact *fact);
struct str order_rule_refund_content_hash(struct arena *arena, const struct keyring *keys,
                                          const struct refund_fact *fact);
/* The look-up hash of a source's number. kind: LOOKUP_ORDER or LOOKUP_REFUND. */
void order_rule_number_hash(const struct keyring *keys, enum lookup_kind kind, struct str source, struct str number,
                            uint8_t out[SECRET_HASH_BYTES]);

#endif
