/* Columns and their upkeep: built from the tables in one snapshot, then kept by the events that came after it.
 * An event says which customer changed; that customer's facts are read again and put whole, so that applying an event
 * twice changes nothing. */
#ifndef HUITOU_JOB_COLUMNS_H
#define HUITOU_JOB_COLUMNS_H

#include "room/order/order.h"

struct columns {
    struct engine *engine;
    struct event_cursor cursor;
};
ERR_RESULT columns_build(struct store *store, struct arena *arena, struct columns *columns);
/* Applies what happened since; *applied_count events. */
ERR_RESULT columns_pump(struct store *store, struct arena *arena, struct columns *columns, int64_t *applied_count);

/* huitou verify: everything that can be recomputed is, and compared. */
struct verify_result {
    int64_t customers, orders, refunds, events;
    bool first_load_open; /* no fault: order_faults */
    int64_t fault_count;
    struct str faults[20]; /* in words, in the language given */
    int fault_text_count;
};
ERR_RESULT columns_verify(struct store *store, struct arena *arena, const struct brand *brand, enum lang lang,
                          struct verify_result *result);

#endif
