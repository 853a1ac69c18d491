/* Removes what is to be kept no longer, in the background of a server. What was erased goes from the database's files
 * (erasure_purge): soon after an erasure, and again until nobody is in the way; also what commands beside the server
 * erased. Files of rejected rows go when their time is over. Threads: one of its own. */
#ifndef HUITOU_JOB_PURGER_H
#define HUITOU_JOB_PURGER_H

#include "room/order/import_queue.h"

struct purger;
struct purger *purger_start(struct arena *arena, struct store *store, struct imports *imports);
void purger_stop(struct purger *purger); /* after what it is at, before imports_close; NULL is allowed */
/* Somebody was erased; any thread. */
void purger_wake(struct purger *purger);

#endif
