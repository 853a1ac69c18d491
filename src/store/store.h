/* The only door to SQL: SQLite (WAL, synchronous=FULL, STRICT) or PostgreSQL 15+. One transaction runner with the only
 * retry loop of the program.
 *
 * SQLite: one writer thread takes the waiting writes, runs each in its own savepoint, commits them together and then
 * answers all of them; readers have their own connections; another thread checkpoints. PostgreSQL: a pool of
 * connections; writes run side by side. Either way store_write returns after the commit is durable.
 * Threads: any thread may call store_write and store_read. A failed fsync or commit I/O error on SQLite makes the
 * store refuse all further writes (STORE_STOPPED): restart recovers. */
#ifndef HUITOU_STORE_STORE_H
#define HUITOU_STORE_STORE_H

#include "base/deps.h"
#include "store/stmt.h"

enum store_kind { STORE_SQLITE, STORE_POSTGRES };
struct store;

struct store_options {
    struct str url; /* "sqlite:/path/huitou.db" or "postgres://…" (anything libpq reads) */
    struct deps deps;
    int reader_count; /* connections for reading (PostgreSQL: for all); 0: 4 */
};

/* Opens, prepares every statement (a broken one fails here), and checks that the schema is the one this program
 * knows. Errors: STORE_OPEN, SCHEMA_OLD (says to run `huitou migrate`), SCHEMA_NEW, STATEMENT_BROKEN. */
ERR_RESULT store_open(struct arena *arena, const struct store_options *options, struct store **out);
void store_close(struct store *store);
enum store_kind store_kind(const struct store *store);
/* The clock, ids and keys that the store was opened with. */
const struct deps *store_deps(const struct store *store);
/* Applies the migrations that are missing, one transaction each; safe to call on a store that is up to date.
 * Call before store_open. Errors: STORE_OPEN, SCHEMA_NEW, MIGRATION_FAILED. */
ERR_RESULT store_migrate(struct arena *arena, const struct store_options *options, int *applied_count);

/* Takes away all that store_migrate made: the file of SQLite, the tables in PostgreSQL (the database itself and what else
 * is in it stay). Nobody may have the store open. What is gone already is no error. Errors: STORE_OPEN, FILE_WRITE. */
ERR_RESULT store_remove(struct arena *arena, struct str url);

/* fn runs inside a transaction and may run several times: no effect outside the transaction, all memory from
 * tx_arena (rewound between tries). An error it returns rolls everything back. */
typedef const struct err *store_fn(struct tx *tx, void *arg);

struct store_job {
    const char *name; /* for logs and errors */
    store_fn *fn;
    void *arg;
    bool again_if_ambiguous; /* idempotent by its own keys: run again where a commit's outcome is unknown */
    bool takes_long; /* SQLite: jobs that wait go first, once, and it shares its commit with none */
};
/* Errors: what fn returned; COMMIT_UNKNOWN (class AMBIGUOUS), also where a try's outcome stayed unknown and no later one
 * succeeded; STORE_STOPPED; after LIMIT_TX_RETRY_MAX tries STORE_BUSY, or STORE_GONE where the server cannot be reached
 * (after a quarter of a minute, or longer where connecting times out); STORE_CONSTRAINT where a unique row is still in
 * the way after a few. Never call it from inside a transaction. */
ERR_RESULT store_write(struct store *store, struct arena *arena, const struct store_job *job);
/* A consistent snapshot for all statements of fn. */
ERR_RESULT store_read(struct store *store, struct arena *arena, const struct store_job *job);

struct arena *tx_arena(struct tx *tx);
struct store *tx_store(struct tx *tx);
const struct deps *tx_deps(struct tx *tx);
/* The one time of this transaction: taken when it began. */
int64_t tx_now_us(struct tx *tx);
/* Has fn(tx, arg) run at the end of the transaction, before the commit; once per (fn, arg), in order of asking. */
void tx_before_commit(struct tx *tx, store_fn *fn, void *arg);
/* One pointer per floor that wants to keep something for the length of the transaction. */
enum tx_slot { TX_SLOT_EVENT, TX_SLOT_ROOM, TX_SLOT_MAX };
void **tx_slot(struct tx *tx, enum tx_slot slot);

/* For tests and `huitou verify`: how the database would run a statement; *full_scan says whether a table is read whole. */
ERR_RESULT store_explain(struct store *store, struct arena *arena, const struct stmt *stmt, struct str *plan,
                         bool *full_scan);
/* Asks for the log that writes go through first to be emptied soon, so that what was overwritten is in it no longer (SQLite:
 * a checkpoint that truncates, tried until no reader is in its way; PostgreSQL keeps its log by its own settings). For
 * erasures. Returns at once. */
void store_drop_log(struct store *store);
/* Waits until no file of the database holds what was deleted or overwritten in these tables (NULL ends them) before the
 * call. SQLite overwrites what it deletes: its log is emptied, as by store_drop_log. PostgreSQL: VACUUM leaves the bytes of
 * dead rows in the pages, so the tables, and the statistics that its planner keeps of them, are written anew (VACUUM FULL,
 * ANALYZE); each is locked meanwhile. PostgreSQL's own log, and copies of any kind, are beyond this.
 * *gone false: somebody was in the way for wait_ms, a long reader, a backup, or who writes in any database of that server:
 * call again later; or PostgreSQL's tables take more than bytes_max with their indexes, and nothing was done: it would keep
 * everybody waiting. */
ERR_RESULT store_purge(struct store *store, struct arena *arena, const char *const *tables, int wait_ms, int64_t bytes_max,
                       bool *gone);
/* Written anew within a few seconds (some 100 MB a second): small enough to be done beside people at work. */
#define STORE_PURGE_BESIDE_BYTES_MAX ((int64_t)256 << 20)
/* Counters since opening: commits, commands committed, retries, checkpoints. */
struct store_counters {
    int64_t commits, commands, retries, checkpoints;
};
struct store_counters store_counters(struct store *store);

#endif
