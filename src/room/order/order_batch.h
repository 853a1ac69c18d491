/* What a batch of orders works on in its transaction: each order and refund it tells of or touches, as it stands in the
 * tables and as it will. Inside the room. */
#ifndef HUITOU_ROOM_ORDER_ORDER_BATCH_H
#define HUITOU_ROOM_ORDER_ORDER_BATCH_H

#include "room/order/order_index.h"
#include "room/order/order_rule.h"

#define BUYER_NONE SIZE_MAX

struct order_item {
    const struct order_fact *fact; /* NULL: only a refund touches it */
    uint8_t hash[SECRET_HASH_BYTES];
    bool known; /* before is its row */
    int64_t customer_id, order_id; /* where the look-up says that it is */
    struct order_row before, after;
    enum order_change change; /* where there is a fact */
    struct order_merge merge; /* likewise */
    size_t buyer;             /* in order_work.buyers */
    bool buyer_erased; /* what is told of its buyer is of the time before an erasure: nobody's business any more */
    int64_t identity_id;
    bool refunds_changed; /* its sum of refunds must be taken again */
    bool awaited;         /* not known, and refunds of this batch wait for it */
    bool write;           /* the row differs from what it was */
    struct order_line_row *lines; /* the lines it will have, where they are told anew or move; else NULL */
};
struct refund_item {
    const struct refund_fact *fact; /* NULL: it follows its order */
    uint8_t hash[SECRET_HASH_BYTES];
    bool known;
    int64_t customer_id, refund_id;
    struct order_refund_row before, after;
    enum order_change change;
    size_t buyer;
    bool buyer_erased; /* as of orders */
    struct order_item *told;   /* the order it names, whether or not that is known */
    struct order_item *linked; /* the order that its row hangs on */
    struct order_item *arrived; /* the order it waited for */
    bool write;
};
struct order_work {
    struct tx *tx;
    struct arena *arena;
    struct arena *scratch; /* bytes of one fact at a time */
    const struct keyring *keys;
    struct order_batch *batch;
    int64_t now_us;
    struct order_item **orders;
    size_t order_count, order_capacity;
    struct refund_item **refunds;
    size_t refund_count, refund_capacity;
    struct order_index *orders_by_hash, *orders_by_id, *refunds_by_id;
    struct customer_buyer *buyers; /* of what is new or restated */
    size_t buyer_count, buyer_capacity;
};

enum order_batch_use {
    ORDER_BATCH_COMPARE,
    ORDER_BATCH_APPLY, /* customers whose orders are known are locked before these are read */
    ORDER_BATCH_FIRST, /* of a first load: orders only, none of them known, and no look-up is asked */
};
/* Reads all that the batch tells of or touches, and decides what each saying does. */
ERR_RESULT order_batch_load(struct tx *tx, struct order_batch *batch, enum order_batch_use use, struct order_work **out);
/* Further refunds met on the way, by where they are; they are read. Those already there are only returned. */
ERR_RESULT order_batch_add_refunds(struct order_work *work, const int64_t *customer_ids, const int64_t *refund_ids,
                                   size_t count, struct refund_item **items);
/* An order is there: known, or told by the batch. */
bool order_item_exists(const struct order_item *item);
/* The fact makes a new row or restates one. */
bool order_item_told_anew(const struct order_item *item);
bool refund_item_told_anew(const struct refund_item *item);

#endif
