/* Carries out changes to many customers, one after the other, in the background of a server; what a restart broke off goes
 * on by itself. Threads: one of its own. */
#ifndef HUITOU_JOB_BULK_H
#define HUITOU_JOB_BULK_H

#include "store/store.h"

struct bulk_runner;
struct bulk_runner *bulk_runner_start(struct arena *arena, struct store *store);
void bulk_runner_stop(struct bulk_runner *runner); /* after the slice at hand; NULL is allowed */
/* Something was begun; any thread. */
void bulk_runner_wake(struct bulk_runner *runner);

#endif
