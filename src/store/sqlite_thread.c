/* The threads of the SQLite driver: one writer that commits waiting jobs together, readers that are
 * lent out, and one that checkpoints. One mutex guards what they share; it is never held while SQL
 * runs. */
#include "store/sqlite_internal.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "store/sqlite_turn.h"

#define GROUP_JOBS_MAX 256
#define CHECKPOINT_WAL_BYTES (4 << 20)
#define TRUNCATE_WAL_BYTES (256 << 20)
#define DROP_LOG_AGAIN_S 2 /* where readers were in the way */
#define CHECKPOINT_BUSY_TIMEOUT_MS                                                                 \
    100 /* a truncating checkpoint stops writers while it waits for readers */
#define STOP_REASON_BYTES_MAX 300

/* A job that waits for the writer; lies on its caller's stack. */
struct request {
    const struct store_job *job;
    struct arena *arena;
    const struct err *err;
    bool done;
    struct request *next;
};

struct sqlite {
    struct store *store;
    struct sqlite_connection writer, checkpoint, *readers;
    pthread_t writer_thread, checkpoint_thread;
    struct sqlite_turn turn; /* the writer thread's */
    int64_t page_bytes;

    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t work, answered, reader_free, checkpoint_wanted, dropped;
    struct request *first, *last;
    bool passed_long; /* the group before went ahead of a long job that waits */
    struct sqlite_connection *free_readers;
    int64_t wal_pages, wal_pages_noted; /* now; when a checkpoint was last asked for */
    bool want_checkpoint, closing, stopped;
    int64_t drops_wanted, drops_done; /* the log is to be dropped while they differ */
    char stop_reason[STOP_REASON_BYTES_MAX];
};

/* --- Stopping --------------------------------------------------------------------------------- */

/* After a failed read, write or fsync nobody knows what the file holds: only a restart, which
 * recovers, helps. */
static void stop(struct sqlite *s, struct sqlite_connection *c)
{
    pthread_mutex_lock(&s->lock);
    if (!s->stopped) {
        s->stopped = true;
        snprintf(s->stop_reason, sizeof(s->stop_reason), "%s, code %d", sqlite3_errmsg(c->db),
                 sqlite3_extended_errcode(c->db));
    }
    pthread_mutex_unlock(&s->lock);
}

/* Call with the lock held. */
static const struct err *stopped_error(struct sqlite *s, struct arena *arena)
{
    return ERR_NEW(arena, ERR_STORE_STOPPED, STR_NONE, str_copy(arena, str_c(s->stop_reason)));
}

static bool is_stopped(struct sqlite *s)
{
    pthread_mutex_lock(&s->lock);
    bool stopped = s->stopped;
    pthread_mutex_unlock(&s->lock);
    return stopped;
}

/* --- The writer ------------------------------------------------------------------------------- */

/* One job; where it shares the transaction, in a savepoint of its own, so that its error undoes
 * nothing else. */
static void run_job(struct sqlite *s, struct request *r, bool alone)
{
    struct sqlite_connection *c = &s->writer;
    struct tx tx;
    tx_init(&tx, s->store, r->arena, r->job);
    tx.connection = c;
    r->err = alone ? NULL : sqlite_exec(r->arena, c, "SAVEPOINT job");
    if (r->err)
        return;
    r->err = tx_run(&tx, r->job);
    sqlite_close_cursors(c);
    if (alone || sqlite3_get_autocommit(c->db))
        return;
    if (r->err && sqlite3_exec(c->db, "ROLLBACK TO job", NULL, NULL, NULL) != SQLITE_OK)
        c->io_failed = true; /* what is left cannot be trusted */
    const struct err *err = sqlite_exec(r->arena, c, "RELEASE job");
    if (!r->err)
        r->err = err;
}

/* Gives an error to every job that has none yet; what they wrote is gone or not known. */
static void fail_group(struct sqlite *s, struct request *group, enum err_code code)
{
    for (struct request *r = group; r; r = r->next) {
        if (r->err && !s->writer.io_failed)
            continue;
        struct str reason = str_copy(r->arena, str_c(s->stop_reason));
        if (code == ERR_COMMIT_UNKNOWN)
            r->err = ERR_NEW(r->arena, ERR_COMMIT_UNKNOWN, STR_NONE, str_c(r->job->name), reason);
        else if (code == ERR_STORE_STOPPED)
            r->err = ERR_NEW(r->arena, ERR_STORE_STOPPED, STR_NONE, reason);
        else if (code == ERR_STORE_FULL)
            r->err = ERR_NEW(r->arena, ERR_STORE_FULL, STR_NONE);
        else
            r->err = ERR_NEW(r->arena, ERR_STORE_CONFLICT, STR_NONE, str_c(r->job->name),
                             STR("the transaction that it shared was rolled back"));
    }
}

static void roll_back(struct sqlite *s)
{
    if (!sqlite3_get_autocommit(s->writer.db))
        sqlite3_exec(s->writer.db, "ROLLBACK", NULL, NULL, NULL);
}

/* Runs the jobs of a group one after the other; false where the whole transaction was lost. */
static bool run_jobs(struct sqlite *s, struct request *group)
{
    for (struct request *r = group; r; r = r->next) {
        run_job(s, r, group->next == NULL);
        if (s->writer.io_failed || sqlite3_get_autocommit(s->writer.db))
            return false;
    }
    return true;
}

static void count_committed(struct sqlite *s, const struct request *group)
{
    atomic_fetch_add(&s->store->commits, 1);
    for (const struct request *r = group; r; r = r->next) {
        if (!r->err)
            atomic_fetch_add(&s->store->commands, 1);
    }
}

static void commit(struct sqlite *s, struct request *group)
{
    if (sqlite3_exec(s->writer.db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK) {
        count_committed(s, group);
        return;
    }
    int kind = sqlite3_extended_errcode(s->writer.db) & 0xff;
    if (kind == SQLITE_IOERR) {
        s->writer.io_failed = true;
        stop(s, &s->writer);
    }
    roll_back(s);
    fail_group(s, group,
               kind == SQLITE_IOERR  ? ERR_COMMIT_UNKNOWN
               : kind == SQLITE_FULL ? ERR_STORE_FULL
                                     : ERR_STORE_CONFLICT);
}

/* True where at least one job of the group did its work. */
static bool anything_to_commit(const struct request *group)
{
    for (const struct request *r = group; r; r = r->next) {
        if (!r->err)
            return true;
    }
    return false;
}

static void run_group(struct sqlite *s, struct request *group)
{
    if (sqlite3_exec(s->writer.db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK) {
        for (struct request *r = group; r; r = r->next)
            r->err = sqlite_error(r->arena, &s->writer, "BEGIN");
        if (s->writer.io_failed)
            stop(s, &s->writer);
        return;
    }
    if (!run_jobs(s, group)) {
        if (s->writer.io_failed)
            stop(s, &s->writer);
        roll_back(s);
        fail_group(s, group, s->writer.io_failed ? ERR_STORE_STOPPED : ERR_STORE_CONFLICT);
        return;
    }
    if (anything_to_commit(group))
        commit(s, group);
    else
        roll_back(s);
}

/* Takes up to `max` waiting jobs, long or short ones, in the order they came. Call with the lock
 * held. */
static struct request *take_jobs(struct sqlite *s, bool takes_long, int max)
{
    struct request *group = NULL, **end = &group, *last = NULL;
    for (struct request **link = &s->first; *link;) {
        struct request *r = *link;
        if (r->job->takes_long != takes_long || max == 0) {
            last = r;
            link = &r->next;
            continue;
        }
        *link = r->next;
        r->next = NULL;
        *end = r;
        end = &r->next;
        max--;
    }
    s->last = last;
    return group;
}

/* The jobs of the next commit: all short ones that wait, or a long one alone. Short ones pass a
 * long one that waits, but only once, so that neither keeps the other from its turn. Call with the
 * lock held. */
static struct request *take_group(struct sqlite *s)
{
    struct request *group = NULL;
    bool long_waits = false;
    for (const struct request *r = s->first; r; r = r->next)
        long_waits = long_waits || r->job->takes_long;
    if (!long_waits || !s->passed_long)
        group = take_jobs(s, false, GROUP_JOBS_MAX);
    s->passed_long = group && long_waits;
    return group ? group : take_jobs(s, true, 1);
}

static void answer(struct sqlite *s, struct request *group)
{
    for (struct request *r = group; r;) {
        struct request *next = r->next; /* after the answer the request is its caller's again */
        r->done = true;
        r = next;
    }
    pthread_cond_broadcast(&s->answered);
}

static void *writer_main(void *arg)
{
    struct sqlite *s = arg;
    pthread_mutex_lock(&s->lock);
    for (;;) {
        while (!s->first && !s->closing)
            pthread_cond_wait(&s->work, &s->lock);
        struct request *group = take_group(s);
        if (!group)
            break;
        if (s->stopped) {
            for (struct request *r = group; r; r = r->next)
                r->err = stopped_error(s, r->arena);
        } else {
            pthread_mutex_unlock(&s->lock);
            sqlite_turn_take(&s->turn, SQLITE_BUSY_TIMEOUT_MS);
            run_group(s, group);
            sqlite_turn_give(&s->turn);
            pthread_mutex_lock(&s->lock);
        }
        answer(s, group);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

const struct err *sqlite_write(struct store *store, struct arena *arena,
                               const struct store_job *job)
{
    struct sqlite *s = store->database;
    CHECK(!pthread_equal(pthread_self(),
                         s->writer_thread)); /* a write inside a write would wait for itself */
    struct request r = {.job = job, .arena = arena};
    pthread_mutex_lock(&s->lock);
    if (s->last)
        s->last->next = &r;
    else
        s->first = &r;
    s->last = &r;
    pthread_cond_signal(&s->work);
    while (!r.done)
        pthread_cond_wait(&s->answered, &s->lock);
    pthread_mutex_unlock(&s->lock);
    return r.err;
}

/* --- Readers ---------------------------------------------------------------------------------- */

struct sqlite_connection *sqlite_take_reader(struct sqlite *s)
{
    pthread_mutex_lock(&s->lock);
    while (!s->free_readers)
        pthread_cond_wait(&s->reader_free, &s->lock);
    struct sqlite_connection *c = s->free_readers;
    s->free_readers = c->next_free;
    pthread_mutex_unlock(&s->lock);
    return c;
}

void sqlite_give_reader(struct sqlite *s, struct sqlite_connection *c)
{
    pthread_mutex_lock(&s->lock);
    c->next_free = s->free_readers;
    s->free_readers = c;
    pthread_cond_signal(&s->reader_free);
    pthread_mutex_unlock(&s->lock);
}

const struct err *sqlite_read(struct store *store, struct arena *arena, const struct store_job *job)
{
    struct sqlite *s = store->database;
    struct sqlite_connection *c = sqlite_take_reader(s);
    struct tx tx;
    tx_init(&tx, store, arena, job);
    tx.connection = c;
    const struct err *err = sqlite_exec(arena, c, "BEGIN");
    if (!err)
        err = tx_run(&tx, job);
    sqlite_close_cursors(c);
    if (!sqlite3_get_autocommit(c->db))
        sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
    sqlite_give_reader(s, c);
    return err;
}

/* --- Checkpoints ------------------------------------------------------------------------------ */

/* SQLite calls this in the writer's thread after each commit. A checkpoint is asked for each time
 * the log has grown by CHECKPOINT_WAL_BYTES, not after each commit while a long reader keeps the
 * log from beginning again. */
static int after_commit(void *arg, sqlite3 *db, const char *name, int pages)
{
    struct sqlite *s = arg;
    (void)db;
    (void)name;
    pthread_mutex_lock(&s->lock);
    s->wal_pages = pages;
    if (pages < s->wal_pages_noted)
        s->wal_pages_noted = 0;
    if ((pages - s->wal_pages_noted) * s->page_bytes >= CHECKPOINT_WAL_BYTES) {
        s->wal_pages_noted = pages;
        s->want_checkpoint = true;
        pthread_cond_signal(&s->checkpoint_wanted);
    }
    pthread_mutex_unlock(&s->lock);
    return SQLITE_OK;
}

/* False where readers were in the way. */
static bool checkpoint(struct sqlite *s, int mode)
{
    int code = sqlite3_wal_checkpoint_v2(s->checkpoint.db, NULL, mode, NULL, NULL);
    if (code == SQLITE_OK)
        atomic_fetch_add(&s->store->checkpoints, 1);
    else if ((code & 0xff) == SQLITE_IOERR)
        stop(s, &s->checkpoint);
    return code == SQLITE_OK;
}

void sqlite_drop_log(struct store *store)
{
    struct sqlite *s = store->database;
    pthread_mutex_lock(&s->lock);
    s->drops_wanted++;
    pthread_cond_signal(&s->checkpoint_wanted);
    pthread_mutex_unlock(&s->lock);
}

const struct err *sqlite_purge(struct store *store, struct arena *arena, const char *const *tables,
                               int wait_ms, int64_t bytes_max, bool *gone)
{
    struct sqlite *s = store->database;
    struct timespec until;
    (void)arena;
    (void)tables; /* what they held is overwritten where it stood */
    (void)bytes_max;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += wait_ms / 1000;
    pthread_mutex_lock(&s->lock);
    int64_t mine = ++s->drops_wanted;
    pthread_cond_signal(&s->checkpoint_wanted);
    while (s->drops_done < mine && !s->stopped &&
           pthread_cond_timedwait(&s->dropped, &s->lock, &until) == 0)
        continue;
    *gone = s->drops_done >= mine && !s->stopped;
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* Until a checkpoint is wanted; where the log could not be dropped, for a while only. */
static void wait_for_wish(struct sqlite *s, bool was_busy)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += DROP_LOG_AGAIN_S;
    while (!s->want_checkpoint && !s->closing && (was_busy || s->drops_done == s->drops_wanted)) {
        if (!was_busy)
            pthread_cond_wait(&s->checkpoint_wanted, &s->lock);
        else if (pthread_cond_timedwait(&s->checkpoint_wanted, &s->lock, &until) != 0)
            return;
    }
}

static void *checkpoint_main(void *arg)
{
    struct sqlite *s = arg;
    bool was_busy = false;
    pthread_mutex_lock(&s->lock);
    for (;;) {
        wait_for_wish(s, was_busy);
        if (s->closing)
            break;
        int64_t drops = s->drops_wanted;
        bool drop = s->drops_done < drops;
        bool truncate = drop || s->wal_pages * s->page_bytes >= TRUNCATE_WAL_BYTES;
        bool stopped = s->stopped;
        s->want_checkpoint = false;
        pthread_mutex_unlock(&s->lock);
        bool done = stopped || checkpoint(s, SQLITE_CHECKPOINT_PASSIVE);
        /* Writers stand still meanwhile: right after the other, which leaves it little to copy. */
        if (!stopped && truncate)
            done = checkpoint(s, SQLITE_CHECKPOINT_TRUNCATE);
        pthread_mutex_lock(&s->lock);
        was_busy = drop && !done;
        if (drop && done)
            s->drops_done = drops;
        pthread_cond_broadcast(&s->dropped);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* --- Opening and closing ---------------------------------------------------------------------- */

static const struct err *page_bytes(struct arena *arena, struct sqlite *s)
{
    sqlite3_stmt *handle;
    if (sqlite3_prepare_v2(s->writer.db, "PRAGMA page_size", -1, &handle, NULL) != SQLITE_OK)
        return sqlite_error(arena, &s->writer, "PRAGMA page_size");
    if (sqlite3_step(handle) == SQLITE_ROW)
        s->page_bytes = sqlite3_column_int64(handle, 0);
    sqlite3_finalize(handle);
    CHECK(s->page_bytes > 0);
    return NULL;
}

static const struct err *connect_all(struct arena *arena, struct store *store, struct sqlite *s)
{
    struct str url = store->options.url;
    TRY(sqlite_connect(arena, url, SQLITE_ROLE_WRITER, &s->writer));
    TRY(sqlite_prepare_all(arena, &s->writer));
    TRY(page_bytes(arena, s));
    TRY(sqlite_connect(arena, url, SQLITE_ROLE_CHECKPOINT, &s->checkpoint));
    sqlite3_busy_timeout(s->checkpoint.db, CHECKPOINT_BUSY_TIMEOUT_MS);
    for (int i = 0; i < store->options.reader_count; i++) {
        TRY(sqlite_connect(arena, url, SQLITE_ROLE_READER, &s->readers[i]));
        s->readers[i].next_free = s->free_readers;
        s->free_readers = &s->readers[i];
    }
    return NULL;
}

static void disconnect_all(struct sqlite *s)
{
    for (int i = 0; i < s->store->options.reader_count; i++)
        sqlite_disconnect(&s->readers[i]);
    sqlite_disconnect(&s->checkpoint);
    sqlite_disconnect(&s->writer);
}

const struct err *sqlite_open(struct arena *arena, struct store *store)
{
    struct sqlite *s = ARENA_NEW(arena, struct sqlite);
    s->store = store;
    s->readers = ARENA_ARRAY(arena, (size_t)store->options.reader_count, struct sqlite_connection);
    const struct err *err = connect_all(arena, store, s);
    if (err) {
        disconnect_all(s);
        return err;
    }
    store->database = s;
    sqlite_turn_open(&s->turn, arena, sqlite_path(store->options.url));
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->work, NULL);
    pthread_cond_init(&s->answered, NULL);
    pthread_cond_init(&s->reader_free, NULL);
    pthread_cond_init(&s->checkpoint_wanted, NULL);
    pthread_cond_init(&s->dropped, NULL);
    sqlite3_wal_hook(s->writer.db, after_commit, s);
    CHECK(pthread_create(&s->writer_thread, NULL, writer_main, s) == 0);
    CHECK(pthread_create(&s->checkpoint_thread, NULL, checkpoint_main, s) == 0);
    return NULL;
}

void sqlite_close(struct store *store)
{
    struct sqlite *s = store->database;
    pthread_mutex_lock(&s->lock);
    s->closing = true;
    pthread_cond_signal(&s->work);
    pthread_cond_signal(&s->checkpoint_wanted);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->writer_thread, NULL);
    pthread_join(s->checkpoint_thread, NULL);
    if (!is_stopped(s))
        (void)checkpoint(s, SQLITE_CHECKPOINT_TRUNCATE);
    /* What the log holds is for the next start to judge, also where this very checkpoint has
     * failed: SQLite would try once more and remove the log, but after an fsync that failed the
     * next one says nothing of pages that an earlier, unfinished checkpoint copied and that are
     * now lost. */
    if (is_stopped(s))
        sqlite3_db_config(s->writer.db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    disconnect_all(s);
    sqlite_turn_close(&s->turn);
    pthread_cond_destroy(&s->dropped);
    pthread_cond_destroy(&s->checkpoint_wanted);
    pthread_cond_destroy(&s->reader_free);
    pthread_cond_destroy(&s->answered);
    pthread_cond_destroy(&s->work);
    pthread_mutex_destroy(&s->lock);
}
