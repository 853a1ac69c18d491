/* A data directory: huitou.json (store, node), master.key (mode 0600, or named by HUITOU_MASTER_KEY_FILE), the SQLite
 * database unless the store is elsewhere, tmp/, backups/. One server per directory, and beside it as many commands that
 * write as there are places (lock.1 …), each place with a node number of its own, so that no two processes ever make the
 * same id (decisions/0014). Locks are flock's: they go with the process, however it ends. What else is kept there must be
 * named in home.c, so that a demo brand can be taken away whole (home_demo_remove). */
#ifndef HUITOU_JOB_HOME_H
#define HUITOU_JOB_HOME_H

#include "room/setup/setup.h"

enum home_use {
    HOME_READ,  /* looks only */
    HOME_WRITE, /* a command that writes, beside a server or not */
    HOME_SERVE, /* the server: one per directory */
    HOME_ALONE, /* changes what all others rely on: nobody else writes */
};
#define HOME_COMMANDS_MAX 8 /* that write at once */

struct home {
    struct str directory, store_url, temporary_directory;
    struct deps deps;
    struct store *store;
    struct brand *brand;
    const struct clock *clock; /* NULL: the system's */
    int lock_fds[HOME_COMMANDS_MAX + 1]; /* the server's, then the commands'; -1: not held */
};
struct home_create {
    struct str directory, name, currency, time_zone, store_url; /* store_url absent: SQLite in the directory */
    bool is_demo;              /* a demo that is not finished yet */
    const struct clock *clock; /* NULL: the system's */
};
/* Errors, all at once where they are the caller's: HOME_EXISTS, SETUP_*, STORE_OPEN. Leaves nothing behind on error. */
ERR_RESULT home_create(struct arena *arena, const struct home_create *create);
/* Errors: HOME_LOCKED (says which process is in the way), HOME_COMMANDS (as many write already as may), HOME_MISSING,
 * HOME_KEY, STORE_*. */
ERR_RESULT home_open(struct arena *arena, struct str directory, enum home_use use, struct home **out);
/* The same, alone, with a clock of one's own, which must outlive the home. */
ERR_RESULT home_open_at(struct arena *arena, struct str directory, const struct clock *clock, struct home **out);
/* What a directory holds, without opening it. */
enum home_state {
    HOME_NOTHING, /* no brand */
    HOME_BRAND,
    HOME_HALF_REMOVED, /* home_demo_remove was broken off, or home_create of a demo */
};
enum home_state home_state(struct arena *arena, struct str directory);
/* Takes a demo brand away: its database and all that this program keeps in the directory. The directory stays. Broken off,
 * it can be gone on with by the same call. Errors: DEMO_NOT (one's own brand is never removed), HOME_*, STORE_*,
 * FILE_WRITE. */
ERR_RESULT home_demo_remove(struct arena *arena, struct str directory);
/* Applies the migrations that the database lacks, alone. Errors: HOME_*, STORE_OPEN, SCHEMA_NEW,
 * MIGRATION_FAILED (the failed one is rolled back, those before it stay). */
ERR_RESULT home_migrate(struct arena *arena, struct str directory, int *applied_count);
void home_close(struct home *home);

/* --- For backups: a directory made of what was kept --- */

/* Where the master key is: master.key, or what HUITOU_MASTER_KEY_FILE names (*named). */
struct str home_key_path(struct arena *arena, struct str directory, bool *named);
/* Errors: HOME_KEY, HOME_KEY_MODE. */
ERR_RESULT home_key_read(struct arena *arena, struct str path, uint8_t key[SECRET_KEY_BYTES]);
ERR_RESULT home_key_write(struct arena *arena, struct str path, const uint8_t key[SECRET_KEY_BYTES]);
/* NULL where the directory is empty or missing. Errors: HOME_EXISTS, HOME_NOT_EMPTY. */
ERR_RESULT home_check_empty(struct arena *arena, struct str directory);
/* Writes huitou.json, which makes the directory a brand's. store_url absent: SQLite in the directory. */
ERR_RESULT home_config_write(struct arena *arena, struct str directory, struct str store_url, int node);
/* The node number of huitou.json. */
ERR_RESULT home_node(struct arena *arena, struct str directory, int *node);
/* Removes what a making that failed has left in a directory that was empty before; the directory itself stays. */
void home_remove(struct arena *arena, struct str directory);

#endif
