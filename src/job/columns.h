/* Columns and their upkeep: built from the tables in one snapshot, then kept by the events that came after it.
 * An event says which customer changed; that customer's facts are read again and put whole, so that applying an event
 * twice changes nothing. */
#ifndef HUITOU_JOB_COLUMNS_H
#define HUITOU_JOB_COLUMNS_H

#include "room/order/order.h"

struct columns {
    struct engine *engine;
    struct event_cursor cursor;
    bool has_people; /* they also know who everybody is (columns_read_people), and the pump keeps that up */
    bool names_due; /* the pump applied events, and has not read the names since */
};
/* Columns that hold all that is known now, in the arena; the engine is the caller's to free. Read by several threads, each
 * in a transaction of its own, and then brought up to date by the events since the first of them began. Errors: CAPACITY,
 * CHANNELS_MAX, those of store_read. */
ERR_RESULT columns_build(struct store *store, struct arena *arena, struct columns *columns);

#define COLUMNS_READERS_MAX 3 /* the store has four connections for reading: one stays for others */
struct columns_options {
    int reader_count; /* 0: as many as there are processors, at most COLUMNS_READERS_MAX */
    int64_t range_customers; /* births that a reader reads in one go; 0: 32,768 */
    /* For tests: called after each snapshot was taken and before the next one is; may write. NULL: nothing. */
    void (*after_snapshot)(void *arg);
    void *arg;
};
ERR_RESULT columns_build_with(struct store *store, struct arena *arena, const struct columns_options *options,
                              struct columns *columns);
/* Reads who everybody is (keeper, tags, those without orders too) into columns just built, for selections: a process that
 * stays wants it, a report does not. */
ERR_RESULT columns_read_people(struct store *store, struct arena *arena, struct columns *columns);
/* Applies what happened since, for about so long (INT64_MAX: to the end); *applied_count events. Then either nothing is
 * left, or *caught_up is false. */
ERR_RESULT columns_pump(struct store *store, struct arena *arena, struct columns *columns, int64_t for_us,
                        int64_t *applied_count, bool *caught_up);

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
