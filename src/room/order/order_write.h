/* Writes what a batch decided: rows, look-ups, the customers' fact sums and events. Inside the room. */
#ifndef HUITOU_ROOM_ORDER_ORDER_WRITE_H
#define HUITOU_ROOM_ORDER_ORDER_WRITE_H

#include "room/order/order_batch.h"

/* The numbers of new orders, before refunds that wait for them are looked for. Errors: ORDER_RACE. */
ERR_RESULT order_write_claims(struct order_work *work);
/* Refunds go first: the sums of an order are taken from its rows. Errors: ORDER_RACE. */
ERR_RESULT order_write_refunds(struct order_work *work);
/* Orders and their lines. Errors: ORDER_RACE. */
ERR_RESULT order_write_orders(struct order_work *work);
/* One order.imported for each customer of whom something changed. */
ERR_RESULT order_write_events(struct order_work *work);

#endif
