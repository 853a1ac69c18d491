/* A data directory: huitou.json (store, node), master.key (mode 0600, or named by HUITOU_MASTER_KEY_FILE), the SQLite
 * database unless the store is elsewhere, tmp/. One writing process per directory: a lock file says so. What else is kept
 * there must be named in home.c (home_files, home_folders), so that a demo brand can be taken away whole. */
#ifndef HUITOU_JOB_HOME_H
#define HUITOU_JOB_HOME_H

#include "room/setup/setup.h"

struct home {
    struct str directory, store_url, temporary_directory;
    struct deps deps;
    struct store *store;
    struct brand *brand;
    const struct clock *clock; /* NULL: the system's */
    int lock_fd;
};
struct home_create {
    struct str directory, name, currency, time_zone, store_url; /* store_url absent: SQLite in the directory */
    bool is_demo;              /* a demo that is not finished yet */
    const struct clock *clock; /* NULL: the system's */
};
/* Errors, all at once where they are the caller's: HOME_EXISTS, SETUP_*, STORE_OPEN. Leaves nothing behind on error. */
ERR_RESULT home_create(struct arena *arena, const struct home_create *create);
/* lock: take the writer's lock (HOME_LOCKED says which process has it). Errors: HOME_MISSING, HOME_KEY, STORE_*. */
ERR_RESULT home_open(struct arena *arena, struct str directory, bool lock, struct home **out);
/* The same with a clock of one's own, which must outlive the home; locked. */
ERR_RESULT home_open_at(struct arena *arena, struct str directory, const struct clock *clock, struct home **out);
/* What a directory holds, without opening it. */
enum home_state {
    HOME_NOTHING, /* no brand */
    HOME_BRAND,
    HOME_HALF_REMOVED, /* home_remove was broken off, or home_create of a demo */
};
enum home_state home_state(struct arena *arena, struct str directory);
/* Takes a demo brand away: its database and all that this program keeps in the directory. The directory stays. Broken off,
 * it can be gone on with by the same call. Errors: DEMO_NOT (one's own brand is never removed), HOME_*, STORE_*,
 * FILE_WRITE. */
ERR_RESULT home_remove(struct arena *arena, struct str directory);
/* Applies the migrations that the database lacks, under the writer's lock. Errors: HOME_*, STORE_OPEN, SCHEMA_NEW,
 * MIGRATION_FAILED (the failed one is rolled back, those before it stay). */
ERR_RESULT home_migrate(struct arena *arena, struct str directory, int *applied_count);
void home_close(struct home *home);

#endif
