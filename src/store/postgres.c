/* The PostgreSQL driver: the pool of connections, transactions, plans, bare connections for
 * migrations. */
#include <libpq-fe.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "store/postgres_internal.h"

struct postgres {
    struct store *store;
    struct postgres_connection *connections;

    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t freed;
    struct postgres_connection *free;
    int64_t generation; /* grows when a connection is lost: idle ones from before are not trusted */
};

/* --- The pool -----------------------------------------------------------------------------------
 */

/* An idle connection has nothing to say but that it was ended. */
static bool has_unread(struct postgres_connection *c)
{
    struct pollfd socket = {PQsocket(c->pg), POLLIN, 0};
    return poll(&socket, 1, 0) != 0;
}

/* Connects where needed and prepares every statement. */
static const struct err *make_ready(struct postgres *db, struct arena *arena,
                                    struct postgres_connection *c, int64_t generation)
{
    if (c->pg && (c->generation != generation || has_unread(c)))
        postgres_disconnect(c);
    c->arena = arena;
    if (c->pg)
        return NULL;
    TRY(postgres_connect(arena, db->store->options.url, false, c));
    c->generation = generation;
    postgres_enter_pipeline(c);
    const struct err *err = postgres_prepare_all(c);
    if (err)
        postgres_disconnect(c);
    return err;
}

static void give(struct postgres *db, struct postgres_connection *c)
{
    bool lost = c->broken;
    if (lost)
        postgres_disconnect(c);
    pthread_mutex_lock(&db->lock);
    if (lost && c->generation == db->generation)
        db->generation++;
    c->next_free = db->free;
    db->free = c;
    pthread_cond_signal(&db->freed);
    pthread_mutex_unlock(&db->lock);
}

static const struct err *take(struct postgres *db, struct arena *arena,
                              struct postgres_connection **out)
{
    pthread_mutex_lock(&db->lock);
    while (!db->free)
        pthread_cond_wait(&db->freed, &db->lock);
    struct postgres_connection *c = db->free;
    int64_t generation = db->generation;
    db->free = c->next_free;
    pthread_mutex_unlock(&db->lock);
    const struct err *err = make_ready(db, arena, c, generation);
    if (!err) {
        *out = c;
        return NULL;
    }
    give(db, c);
    if (err->code == ERR_STORE_OPEN) /* it was open once: the server may come back */
        return ERR_NEW(arena, ERR_STORE_DISCONNECTED, STR_NONE, err->arg[0]);
    return err;
}

/* --- Transactions -------------------------------------------------------------------------------
 */

static const struct err *read_backend(struct postgres_connection *c, PGresult **result, void *arg,
                                      size_t index)
{
    (void)arg;
    (void)index;
    if (PQntuples(*result) == 1 && strtol(PQgetvalue(*result, 0, 0), NULL, 10) == c->backend)
        return NULL;
    return postgres_pooler(c->arena);
}

/* Nothing runs on another process than the one that this session was set up on: a commit might not
 * be durable there. */
static const struct err *begin_on_backend(struct postgres_connection *c, const char *begin)
{
    struct postgres_queued entry = {.name = "BEGIN"};
    TRY(postgres_queue_text(c, &entry, begin, NULL, false));
    if (!c->pooled)
        return NULL;
    entry.read = read_backend;
    TRY(postgres_queue_text(c, &entry, "SELECT pg_backend_pid()", NULL, false));
    return postgres_finish(c);
}

struct commit {
    const struct tx *tx;
    bool done; /* the server said so: what breaks after that no longer matters */
};

static const struct err *read_commit(struct postgres_connection *c, PGresult **result, void *arg,
                                     size_t index)
{
    struct commit *commit = arg;
    (void)index;
    /* A COMMIT of a transaction that has failed answers ROLLBACK. */
    if (strcmp(PQcmdStatus(*result), "COMMIT") != 0)
        return ERR_NEW(c->arena, ERR_STATEMENT_FAILED, STR_NONE, str_c(commit->tx->job_name),
                       STR("the transaction was rolled back"));
    commit->done = true;
    return NULL;
}

static const struct err *send_commit(struct postgres_connection *c, struct commit *commit)
{
    struct postgres_queued entry = {"COMMIT", read_commit, commit, 0};
    TRY(postgres_queue_text(c, &entry, "COMMIT", NULL, false));
    return postgres_finish(c);
}

/* An earlier statement that fails keeps the COMMIT from running, and so does a server that says
 * goodbye before it. Only a connection that breaks without a word, or at the COMMIT itself, leaves
 * its outcome unknown. */
static const struct err *commit(struct tx *tx, struct postgres_connection *c)
{
    struct commit commit = {.tx = tx};
    if (c->queued == POSTGRES_QUEUE_MAX)
        TRY(postgres_finish(c));
    const struct err *err = send_commit(c, &commit);
    if (commit.done)
        return NULL;
    if (err && err->code == ERR_STORE_DISCONNECTED && c->broken_at_last)
        return ERR_NEW(tx->arena, ERR_COMMIT_UNKNOWN, STR_NONE, str_c(tx->job_name), err->arg[0]);
    return err;
}

/* Whatever this meets, the transaction is undone: at the latest when the connection is closed. */
static void roll_back(struct postgres_connection *c)
{
    struct postgres_queued entry = {.name = "ROLLBACK"};
    const struct err *err = c->broken ? NULL : postgres_finish(c);
    if (!c->broken)
        err = postgres_queue_text(c, &entry, "ROLLBACK", NULL, false);
    if (!c->broken && !err)
        err = postgres_finish(c);
    if (err || PQtransactionStatus(c->pg) != PQTRANS_IDLE)
        c->broken = true;
    if (c->broken)
        postgres_end_session(c);
}

static const struct err *run(struct store *store, struct arena *arena, const struct store_job *job,
                             const char *begin, bool *committed)
{
    struct postgres *db = store->database;
    struct postgres_connection *c = NULL;
    TRY(take(db, arena, &c));
    struct tx tx;
    tx_init(&tx, store, arena, job);
    tx.connection = c;
    const struct err *err = begin_on_backend(c, begin);
    if (!err)
        err = tx_run(&tx, job);
    postgres_forget_cursors(c);
    if (!err)
        err = commit(&tx, c);
    if (err)
        roll_back(c);
    *committed = !err;
    give(db, c);
    return err;
}

static const struct err *postgres_write(struct store *store, struct arena *arena,
                                        const struct store_job *job)
{
    bool committed = false;
    const struct err *err =
        run(store, arena, job, "BEGIN ISOLATION LEVEL READ COMMITTED", &committed);
    if (committed) {
        atomic_fetch_add(&store->commits, 1);
        atomic_fetch_add(&store->commands, 1);
    }
    return err;
}

static const struct err *postgres_read(struct store *store, struct arena *arena,
                                       const struct store_job *job)
{
    bool committed;
    const struct err *err =
        run(store, arena, job, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", &committed);
    if (err && err->code == ERR_COMMIT_UNKNOWN) /* nothing was written */
        return ERR_NEW(arena, ERR_STORE_DISCONNECTED, STR_NONE, err->arg[1]);
    return err;
}

/* --- Plans --------------------------------------------------------------------------------------
 */

static const struct err *exec(struct postgres_connection *c, const char *sql, PGresult **keep)
{
    PGresult *result = postgres_exec(c, sql);
    ExecStatusType status = PQresultStatus(result);
    const struct err *err = NULL;
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        err = postgres_error(c, sql, result);
    if (keep && !err)
        *keep = result;
    else
        PQclear(result);
    return err;
}

/* The plan without knowing the parameters, where whole tables are read only if nothing else is
 * possible. */
static const struct err *explain(struct postgres_connection *c, const struct stmt *stmt,
                                 struct str *plan, bool *full_scan)
{
    struct buf sql = buf_new(c->arena, 4096), text = buf_new(c->arena, 1 << 20);
    PGresult *rows = NULL;
    buf_fmt(&sql, "EXPLAIN EXECUTE s%d", stmt->index);
    for (int i = 0; i < stmt->in_count; i++)
        buf_fmt(&sql, "%sNULL%s", i == 0 ? " (" : ", ", i + 1 == stmt->in_count ? ")" : "");
    TRY(exec(
        c, "BEGIN; SET LOCAL enable_seqscan = off; SET LOCAL plan_cache_mode = force_generic_plan",
        NULL));
    TRY(exec(c, str_z(c->arena, buf_view(&sql)), &rows));
    for (int i = 0; i < PQntuples(rows); i++)
        buf_fmt(&text, "%s%s", i ? "\n" : "", PQgetvalue(rows, i, 0));
    PQclear(rows);
    *plan = buf_view(&text);
    *full_scan = strstr(str_z(c->arena, *plan), "Seq Scan") != NULL;
    return NULL;
}

static const struct err *postgres_explain(struct store *store, struct arena *arena,
                                          const struct stmt *stmt, struct str *plan,
                                          bool *full_scan)
{
    struct postgres_connection *c = NULL;
    TRY(take(store->database, arena, &c));
    const struct err *err = postgres_leave_pipeline(c);
    if (!err)
        err = explain(c, stmt, plan, full_scan);
    const struct err *rolled_back = exec(c, "ROLLBACK", NULL);
    if (!rolled_back)
        postgres_enter_pipeline(c);
    give(store->database, c);
    return err ? err : rolled_back;
}

/* --- Opening and closing ------------------------------------------------------------------------
 */

static const struct err *postgres_open(struct arena *arena, struct store *store)
{
    struct postgres *db = ARENA_NEW(arena, struct postgres);
    int count = store->options.reader_count;
    db->store = store;
    db->connections = ARENA_ARRAY(arena, (size_t)count, struct postgres_connection);
    for (int i = count - 1; i >= 0; i--) {
        db->connections[i].next_free = db->free;
        db->free = &db->connections[i];
    }
    TRY(make_ready(db, arena, db->free, 0)); /* the others connect when they are needed */
    store->database = db;
    pthread_mutex_init(&db->lock, NULL);
    pthread_cond_init(&db->freed, NULL);
    return NULL;
}

static void postgres_close(struct store *store)
{
    struct postgres *db = store->database;
    for (int i = 0; i < store->options.reader_count; i++)
        postgres_disconnect(&db->connections[i]);
    pthread_cond_destroy(&db->freed);
    pthread_mutex_destroy(&db->lock);
}

/* --- Bare connections, for migrations -----------------------------------------------------------
 */

static const struct err *bare_open(struct arena *arena, const struct store_options *options,
                                   bool create, void **bare)
{
    struct postgres_connection *c = ARENA_NEW(arena, struct postgres_connection);
    (void)create; /* the database itself is made by whoever runs the server */
    /* Every store opens one of these first. */
    TRY(postgres_connect(arena, options->url, true, c));
    *bare = c;
    return NULL;
}

static void bare_close(void *bare)
{
    postgres_disconnect(bare);
}

static const struct err *bare_run(struct arena *arena, void *bare, const char *sql, int64_t *number)
{
    struct postgres_connection *c = bare;
    PGresult *result = NULL;
    c->arena = arena;
    TRY(exec(c, sql, &result));
    if (number && PQntuples(result) > 0)
        *number = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    PQclear(result);
    return NULL;
}

const struct store_driver postgres_driver = {
    .kind = STORE_POSTGRES,
    .open = postgres_open,
    .close = postgres_close,
    .write = postgres_write,
    .read = postgres_read,
    .run = postgres_run,
    .one = postgres_one,
    .many = postgres_many,
    .bulk = postgres_bulk,
    .open_cursor = postgres_open_cursor,
    .next = postgres_next,
    .close_cursor = postgres_close_cursor,
    .explain = postgres_explain,
    .purge = postgres_purge,
    .bare_open = bare_open,
    .bare_close = bare_close,
    .bare_run = bare_run,
    .backup = postgres_backup,
    .restore_open = postgres_restore_open,
    .restore_part = postgres_restore_part,
    .restore_bytes = postgres_restore_bytes,
    .restore_finish = postgres_restore_finish,
    .restore_close = postgres_restore_close,
    .facts = postgres_facts,
    .sql_begin = "BEGIN",
    .sql_has_schema = "SELECT COUNT(*) FROM pg_class WHERE oid = to_regclass('schema_migration')",
    .sql_guard_create = "SELECT pg_advisory_xact_lock(7528376453)",
    .sql_create_schema =
        "CREATE TABLE IF NOT EXISTS schema_migration (number BIGINT NOT NULL PRIMARY KEY, "
        "title TEXT NOT NULL, applied_at BIGINT NOT NULL)",
    .sql_lock_schema = "LOCK TABLE schema_migration IN ACCESS EXCLUSIVE MODE",
};
