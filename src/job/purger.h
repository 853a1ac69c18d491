/* Makes what was erased gone from the database's files (erasure_purge), in the background of a server: soon after an
 * erasure, and again until nobody is in the way; also what commands beside the server erased. Threads: one of its own. */
#ifndef HUITOU_JOB_PURGER_H
#define HUITOU_JOB_PURGER_H

#include "store/store.h"

struct purger;
struct purger *purger_start(struct arena *arena, struct store *store);
void purger_stop(struct purger *purger); /* after what it is at; NULL is allowed */
/* Somebody was erased; any thread. */
void purger_wake(struct purger *purger);

#endif
