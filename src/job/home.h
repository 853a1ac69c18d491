/* A data directory: huitou.json (store, node), master.key (mode 0600, or named by HUITOU_MASTER_KEY_FILE), the SQLite
 * database unless the store is elsewhere, tmp/. One writing process per directory: a lock file says so. */
#ifndef HUITOU_JOB_HOME_H
#define HUITOU_JOB_HOME_H

#include "room/setup/setup.h"

struct home {
    struct str directory, store_url, temporary_directory;
    struct deps deps;
    struct store *store;
    struct brand *brand;
    int lock_fd;
};
struct home_create {
    struct str directory, name, currency, time_zone, store_url; /* store_url absent: SQLite in the directory */
};
/* Errors, all at once where they are the caller's: HOME_EXISTS, SETUP_*, STORE_OPEN. Leaves nothing behind on error. */
ERR_RESULT home_create(struct arena *arena, const struct home_create *create);
/* lock: take the writer's lock (HOME_LOCKED says which process has it). Errors: HOME_MISSING, HOME_KEY, STORE_*. */
ERR_RESULT home_open(struct arena *arena, struct str directory, bool lock, struct home **out);
/* Applies the migrations that the database lacks, under the writer's lock. Errors: HOME_*, STORE_OPEN, SCHEMA_NEW,
 * MIGRATION_FAILED (the failed one is rolled back, those before it stay). */
ERR_RESULT home_migrate(struct arena *arena, struct str directory, int *applied_count);
void home_close(struct home *home);

#endif
