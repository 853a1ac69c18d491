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

/* All that is kept of one person (PIPL article 45; GDPR articles 15 and 20), in the transaction's arena: as JSON for
 * programs, or as a page to read in a language, with nothing loaded from elsewhere. In the clear: whoever calls it calls
 * customer_exported in the same transaction. Errors: CUSTOMER_UNKNOWN, CUSTOMER_ERASED. */
ERR_RESULT person_export(struct tx *tx, const struct brand *brand, int64_t root_id, enum lang lang, bool html,
                         struct str *bytes);

extern const struct endpoint_table customer_endpoints, person_endpoints;

#endif
