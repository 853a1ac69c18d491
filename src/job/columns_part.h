/* Inside the columns' upkeep: building from the tables (columns_build.c), following the events and verifying (columns.c). */
#ifndef HUITOU_JOB_COLUMNS_PART_H
#define HUITOU_JOB_COLUMNS_PART_H

#include "job/columns.h"

#define COLUMNS_ARENA_BYTES_MAX ((size_t)8 << 30) /* of one read, of one engine */

/* A read that fills columns has an arena of its own: what it allocated there is gone before another try, while the
 * columns keep what they allocated in theirs. */
ERR_RESULT columns_read_apart(struct store *store, struct arena *arena, const struct store_job *job);
/* Applies the events that one snapshot shows behind the columns' cursor, and reads the names. */
ERR_RESULT columns_follow(struct store *store, struct arena *arena, struct columns *columns);
/* What the reports leave out because nobody knows this customer: these paid orders; none where it is somebody. */
ERR_RESULT columns_put_unknown(struct engine *engine, int64_t customer_id, const struct engine_order *orders,
                               size_t order_count);
/* Builds new columns, in the arena, by this transaction's snapshot alone; the engine is the caller's. */
ERR_RESULT columns_build_tx(struct tx *tx, struct arena *arena, struct columns *columns);

#endif
