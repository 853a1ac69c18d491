/* The first load of a brand's orders. A number is claimed in `lookup` by its hash: each claim of a batch touches another
 * page, and with millions of orders that costs more than all else. While a brand has no orders, nobody but the load itself
 * can bring a number twice, and a file's orders are grouped by number already. So a first load writes the rows batch by
 * batch and claims all numbers at its end, in the order of their hashes.
 *
 * The row of order_first_load says that claims are behind; it is set before the first row and cleared in the transaction of
 * the last claim. The claims follow from the rows of `orders`, so that nothing is lost with a process: whoever writes orders
 * next and is not the load itself makes them good first. An import does so in the order of hashes (import_claims.c), any
 * other command inside its own transaction (order_first_load_settle), which then takes as long as there are orders. The
 * load, if it still runs, finds itself ended and goes on in the ordinary way. Inside the room. */
#ifndef HUITOU_ROOM_ORDER_ORDER_FIRST_LOAD_H
#define HUITOU_ROOM_ORDER_ORDER_FIRST_LOAD_H

#include "room/order/order.h"

enum order_load {
    ORDER_LOAD_ORDINARY, /* each batch claims its numbers */
    ORDER_LOAD_FIRST,    /* order_batch_apply_first, then the claims */
    ORDER_LOAD_RECOVER,  /* claims of a load that was broken off come first, then the ordinary way */
};
/* How the import of this id writes its orders; notes it where it is not the ordinary way. */
ERR_RESULT order_first_load_open(struct tx *tx, int64_t import_id, enum order_load *how);

/* As order_batch_apply for orders of which none is known; leaves their claims in batch->claims, to be written at the end.
 * Only behind ORDER_STEP_TAKEN of a load that is ORDER_LOAD_FIRST, and without refunds. */
ERR_RESULT order_batch_apply_first(struct tx *tx, struct order_batch *batch);

enum order_step {
    ORDER_STEP_TAKEN, /* go on */
    ORDER_STEP_AGAIN, /* committed before, by a try whose outcome was not known: nothing to do */
    ORDER_STEP_OVER,  /* another command claimed what was behind and ended the load */
};
/* The first statement of each transaction of a load: its batches and claims are numbered 1, 2, … together. */
ERR_RESULT order_first_load_step(struct tx *tx, int64_t import_id, int64_t number, enum order_step *step);

/* The claims of one transaction, ascending by hash. fresh: none of them can be there yet. last: ends the load. */
ERR_RESULT order_first_load_claim(struct tx *tx, const struct order_claim *claims, size_t count, bool fresh, bool last);

/* For every other transaction that writes orders, before it looks a number up: claims what is behind, if anything is, and
 * keeps first loads from beginning until it has ended. */
ERR_RESULT order_first_load_settle(struct tx *tx);

/* Calls fn for each order's claim, in no useful order. */
typedef const struct err *order_claim_fn(void *arg, const struct order_claim *claim);
ERR_RESULT order_first_load_claims(struct tx *tx, order_claim_fn *fn, void *arg);

#endif
