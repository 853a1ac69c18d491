/* One person as people see them: who it is, and what they bought. */
#ifndef HUITOU_ROOM_ORDER_PERSON_H
#define HUITOU_ROOM_ORDER_PERSON_H

#include "room/order/order.h"

#define PERSON_ORDERS_MAX 100000

struct person {
    struct customer_view *view;
    struct order_view *orders; /* newest first */
    size_t order_count;
    int64_t paid_order_count, paid_minor, refunded_minor;
    int32_t first_day, last_day; /* of paid orders; DAY_NONE where there are none */
};
/* Errors: CUSTOMER_UNKNOWN. */
ERR_RESULT person_read(struct tx *tx, int64_t customer_id, struct person *person);
/* The one person that the two would be: what hangs on either. Its orders are counted, not listed. */
struct person person_united(struct arena *arena, const struct person *from, const struct person *into);

extern const struct endpoint_table customer_endpoints;

#endif
