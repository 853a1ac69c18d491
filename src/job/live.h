/* The live columns of a server: built in the background when it starts, then kept up by the events, some times a second.
 * Threads: one of its own; everybody may ask for the engine, which has its own lock. */
#ifndef HUITOU_JOB_LIVE_H
#define HUITOU_JOB_LIVE_H

#include "job/columns.h"

struct live;
struct live_options {
    struct store *store;
    /* Called on the live thread when events were applied, and once when the columns stand. NULL: nobody listens. */
    void (*changed)(void *arg, int64_t event_count);
    void *arg;
};
struct live *live_start(struct arena *arena, const struct live_options *options);
void live_stop(struct live *live);
/* NULL while they are being built, or could not be (live_error). */
struct engine *live_engine(struct live *live);
/* How it goes: whether building failed and why (absent: it did not), how long building took, events applied since. */
struct live_state {
    bool ready;
    struct str error; /* in English, for the page of system health */
    int64_t build_us, applied_count;
    int64_t behind_us; /* how long ago the columns were last known to be up to date; 0 where never */
};
struct live_state live_state(struct live *live, struct arena *arena);
/* A text that is another one whenever a report may have another answer than it had at the end of the last step, a quarter
 * of a second ago at most; absent while the columns are not ready. */
struct str live_stand(struct live *live, struct arena *arena);
/* Waits until what was committed before the call is in the columns, at most so long; false where it is not. For those who
 * want to read their own writes. */
bool live_wait(struct live *live, int64_t timeout_ms);

#endif
