/* The claims of a first load's orders, written in the order of their hashes. Inside the room; see order_first_load.h. */
#ifndef HUITOU_ROOM_ORDER_IMPORT_CLAIMS_H
#define HUITOU_ROOM_ORDER_IMPORT_CLAIMS_H

#include "room/order/import_run.h"
#include "room/order/order_first_load.h"

struct import_claims;
ERR_RESULT import_claims_open(struct import_run *run, struct import_claims **out);
ERR_RESULT import_claims_add(struct import_claims *claims, const struct order_claim *added, size_t count);
/* Reads the claims of all orders from their rows instead of what was added. */
ERR_RESULT import_claims_read(struct import_claims *claims);
/* Writes them, a transaction for every 100,000 (or batch_orders); the last one ends the load. fresh: none of them can be
 * there yet. number: of the load's last step so far. Where another command did it meanwhile, nothing is left to do. */
ERR_RESULT import_claims_write(struct import_claims *claims, bool fresh, int64_t number);

#endif
