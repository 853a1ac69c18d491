/* Inside room insight: one change to many customers. */
#ifndef HUITOU_ROOM_INSIGHT_BULK_H
#define HUITOU_ROOM_INSIGHT_BULK_H

#include "room/insight/people.h"

struct bulk_path {
    int64_t bulk_id;
};
extern const struct shape bulk_path_shape, bulk_in_shape, bulk_shape, bulk_list_query_shape, bulk_list_shape;
ERR_RESULT bulk_start(struct call *call);
ERR_RESULT bulk_list(struct call *call);
ERR_RESULT bulk_get(struct call *call);
ERR_RESULT bulk_stop(struct call *call);
ERR_RESULT bulk_undo(struct call *call);

/* --- How it lies in the tables (bulk.c) --- */

enum bulk_action { BULK_TAG, BULK_KEEPER, BULK_ACTION_MAX };
enum bulk_state { BULK_RUNNING, BULK_DONE, BULK_STOPPED, BULK_STATE_MAX };
/* What a customer gets: of BULK_TAG the tag's last day, BULK_FOR_GOOD, or BULK_NO_TAG; of BULK_KEEPER the keeper, 0 for
 * nobody. What it had before is told in the same words. */
struct bulk_pair {
    int64_t customer_id, value;
};
#define BULK_NO_TAG INT64_MAX
#define BULK_FOR_GOOD INT64_MIN

struct bulk {
    int64_t bulk_id;
    enum bulk_action action;
    enum bulk_state state;
    struct str tag, by, by_name;
    int64_t by_id; /* staff; 0: a key */
    int64_t value; /* what all of them get; of an undoing: 0 */
    int64_t started_at_us, finished_at_us; /* INT64_MIN: not yet */
    int64_t customers, done, changed;
    int64_t undo_of, undone_by; /* 0: none */
};
/* Writes it and its pairs; they are taken up by bulk_step. */
ERR_RESULT bulk_write(struct tx *tx, const struct bulk *bulk, const struct bulk_pair *pairs);
ERR_RESULT bulk_read(struct tx *tx, int64_t bulk_id, struct bulk *bulk, bool *found);
/* The newest first, of those begun before before_id, and by one person (0: by anybody). */
ERR_RESULT bulk_read_page(struct tx *tx, int64_t before_id, int64_t by_id, size_t max, struct bulk **bulks,
                          size_t *count);
/* Running → stopped; *stopped false where it does not run (any more). */
ERR_RESULT bulk_end(struct tx *tx, int64_t bulk_id, bool *stopped);
/* What was there before, of all customers that it changed. */
ERR_RESULT bulk_changed(struct tx *tx, int64_t bulk_id, struct bulk_pair **pairs, size_t *count);
ERR_RESULT bulk_note_undone(struct tx *tx, int64_t bulk_id, int64_t undone_by);

#endif
