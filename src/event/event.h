/* The event log: every change of a customer is an event, written in the same transaction, with the customer's own gapless
 * version. 64 partitions by customer; the last statements of a transaction take the next number of each partition
 * they touch, in ascending order, so that a reader who remembers 64 numbers never misses one.
 * The head row of a customer (version, fact sum) is also the lock that serialises writers of one customer. */
#ifndef HUITOU_EVENT_EVENT_H
#define HUITOU_EVENT_EVENT_H

#include "base/limits.h"
#include "store/store.h"

#define EVENT_PARTITION_COUNT 64

/* Event types, declared once in event_type.def: EVENT_TYPE(CODE, "name", version, "doc en", "doc zh"). */
enum event_type {
#define EVENT_TYPE(code, name, version, en, zh) EVENT_##code,
#include "event/event_type.def"
#undef EVENT_TYPE
    EVENT_TYPE_MAX
};
struct event_type_info {
    const char *name;
    int version;
    struct text doc;
};
const struct event_type_info *event_type_info(enum event_type type);

int event_partition(int64_t customer_id); /* 0 … 63 */

/* Locks the heads of these customers in ascending order (PostgreSQL: row locks until the end of the transaction) and
 * creates those that are missing. Call before reading what is to be checked and written. Duplicates are fine. */
ERR_RESULT event_lock(struct tx *tx, const int64_t *customer_ids, size_t count);
/* Customers made in this transaction, by ids that nobody else can know before the commit: their heads need no lock, and
 * each is written once, at the end. Not for ids that were ever given out before. */
void event_born(struct tx *tx, const int64_t *customer_ids, size_t count);
/* Notes an event of a customer; written at the end of the transaction. payload is JSON or absent. */
void event_append(struct tx *tx, int64_t customer_id, enum event_type type, int64_t occurred_at_us,
                  struct str payload);
/* Adds to (or, with the complement, takes from) the customer's fact sum, modulo FACT_SUM_MODULUS. `before` and `after`
 * are the fact's bytes before and after the change; absent where it did not or does not exist. */
void event_fact_changed(struct tx *tx, int64_t customer_id, struct str before, struct str after);

struct event {
    int64_t customer_id, version;
    int partition;
    int64_t number;
    enum event_type type;
    int64_t occurred_at_us, recorded_at_us;
    struct str payload;
};
struct event_cursor {
    int64_t number[EVENT_PARTITION_COUNT]; /* the last one read of each partition; 0 for none */
};
/* The cursor behind the newest event now: what is built from the same transaction's tables needs only later ones. */
ERR_RESULT event_cursor_now(struct tx *tx, struct event_cursor *cursor);
/* Up to max events behind the cursor, in order within each partition; moves the cursor. */
ERR_RESULT event_read(struct tx *tx, struct event_cursor *cursor, size_t max, struct event **events,
                      size_t *count);
/* One customer's events, oldest first. */
ERR_RESULT event_of_customer(struct tx *tx, int64_t customer_id, struct event **events, size_t *count);

/* Takes away what the events of an erased customer say; that they happened, and when, stays. */
ERR_RESULT event_forget(struct tx *tx, int64_t customer_id);

/* For verify: customers whose head does not agree with their events (versions 1…n without a gap), and partitions whose
 * numbers have a gap. */
struct event_faults {
    int64_t customers_with_gap, partitions_with_gap;
};
ERR_RESULT event_verify(struct tx *tx, struct event_faults *faults);

#endif
