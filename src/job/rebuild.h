/* huitou rebuild: makes again what follows from the facts and is kept beside them: the calendar that reports in SQL
 * join, the claims of identities and order numbers (lookup), and the hashes that names are found by. Not the facts
 * themselves, nor their fact sums, which are there to show that the facts were altered; nor anything in memory, which
 * every start makes anew. Safe to run again; where it was broken off, run it again. Wants the directory alone
 * (HOME_ALONE). */
#ifndef HUITOU_JOB_REBUILD_H
#define HUITOU_JOB_REBUILD_H

#include "job/home.h"

struct rebuild_result {
    int64_t names; /* people whose name is found again */
};
/* Errors: SECRET_OPEN, STORE_*. */
ERR_RESULT rebuild_all(struct store *store, struct arena *arena, struct rebuild_result *result);

#endif
