/* The SQLite driver: connections, prepared statements, binding and reading. The writer, the readers
 * and the checkpoints, which are about threads, stand in sqlite_thread.c. */
#include "store/sqlite_internal.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/check.h"

/* No memory map anywhere: its I/O errors would be signals. Sorts of the reports may be big:
 * readers keep them in files. What is deleted is overwritten: the key of somebody who was erased
 * must not lie in a free page. */
#define SETTINGS_WRITER                                                                            \
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;"         \
    "PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 0;"                \
    "PRAGMA secure_delete = ON;"                                                                   \
    "PRAGMA journal_size_limit = 67108864"
#define SETTINGS_READER                                                                            \
    "PRAGMA query_only = ON; PRAGMA temp_store = FILE; PRAGMA mmap_size = 0;"                      \
    "PRAGMA cache_size = -8192"
#define SETTINGS_CHECKPOINT                                                                        \
    "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA mmap_size = 0"

/* --- Connections ------------------------------------------------------------------------------ */

struct str sqlite_path(struct str url)
{
    return str_slice(url, strlen("sqlite:"), url.n);
}

const struct err *sqlite_error(struct arena *arena, struct sqlite_connection *c, const char *what)
{
    int code = sqlite3_extended_errcode(c->db), kind = code & 0xff;
    struct str message = store_message(arena, sqlite3_errmsg(c->db));
    if (kind == SQLITE_BUSY || kind == SQLITE_LOCKED)
        return ERR_NEW(arena, ERR_STORE_CONFLICT, STR_NONE, str_c(what), message);
    if (kind == SQLITE_CONSTRAINT)
        return ERR_NEW(arena, ERR_STORE_CONSTRAINT, STR_NONE, str_c(what), message);
    if (kind == SQLITE_FULL)
        return ERR_NEW(arena, ERR_STORE_FULL, STR_NONE);
    if (kind == SQLITE_IOERR) {
        c->io_failed = true;
        message = str_fmt(arena, "%.*s (%d, errno %d)", STR_ARG(message), code,
                          sqlite3_system_errno(c->db));
    }
    return ERR_NEW(arena, ERR_STATEMENT_FAILED, STR_NONE, str_c(what), message);
}

const struct err *sqlite_exec(struct arena *arena, struct sqlite_connection *c, const char *sql)
{
    if (sqlite3_exec(c->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return sqlite_error(arena, c, sql);
    return NULL;
}

static const struct err *cannot_open(struct arena *arena, struct sqlite_connection *c)
{
    struct str why = store_message(arena, c->db ? sqlite3_errmsg(c->db) : "out of memory");
    if (c->db && sqlite3_system_errno(c->db))
        why = str_fmt(arena, "%.*s (%s)", STR_ARG(why), strerror(sqlite3_system_errno(c->db)));
    bool full = c->db && sqlite3_errcode(c->db) == SQLITE_FULL;
    const struct err *err = full ? ERR_NEW(arena, ERR_STORE_FULL, STR_NONE)
                                 : ERR_NEW(arena, ERR_STORE_OPEN, STR("store"), why);
    sqlite_disconnect(c);
    return err;
}

/* Without its statistics SQLite allocates without a mutex that all connections share. Before its
 * first use in the process; later it is refused, which does no harm. */
static void leave_out_statistics(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

const struct err *sqlite_connect(struct arena *arena, struct str url, enum sqlite_role role,
                                 struct sqlite_connection *c)
{
    static const char *const settings[] = {
        [SQLITE_ROLE_WRITER] = SETTINGS_WRITER,
        [SQLITE_ROLE_READER] = SETTINGS_READER,
        [SQLITE_ROLE_CHECKPOINT] = SETTINGS_CHECKPOINT,
    };
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, leave_out_statistics);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    if (c->create)
        flags |= SQLITE_OPEN_CREATE;
    if (sqlite3_open_v2(str_z(arena, sqlite_path(url)), &c->db, flags, NULL) != SQLITE_OK)
        return cannot_open(arena, c);
    sqlite3_extended_result_codes(c->db, 1);
    sqlite3_busy_timeout(c->db, SQLITE_BUSY_TIMEOUT_MS);
    if (sqlite3_exec(c->db, settings[role], NULL, NULL, NULL) != SQLITE_OK)
        return cannot_open(arena, c);
    c->slots = ARENA_ARRAY(arena, (size_t)stmt_count + 1, struct sqlite_slot);
    return NULL;
}

void sqlite_disconnect(struct sqlite_connection *c)
{
    for (int i = 0; c->slots && i < stmt_count; i++)
        sqlite3_finalize(c->slots[i].handle);
    c->slots = NULL;
    CHECK(sqlite3_close(c->db) == SQLITE_OK);
    c->db = NULL;
}

/* --- Prepared statements ---------------------------------------------------------------------- */

static const struct err *broken(struct arena *arena, const struct stmt *stmt, struct str why)
{
    return ERR_NEW(arena, ERR_STATEMENT_BROKEN, STR_NONE, str_c(stmt->name), str_c(stmt->file),
                   why);
}

static const struct err *prepare(struct arena *arena, struct sqlite_connection *c,
                                 const struct stmt *stmt, sqlite3_stmt **handle)
{
    const char *rest = NULL;
    *handle = NULL;
    int code =
        sqlite3_prepare_v3(c->db, stmt->sql_sqlite, -1, SQLITE_PREPARE_PERSISTENT, handle, &rest);
    if (code != SQLITE_OK && (code & 0xff) != SQLITE_ERROR)
        return sqlite_error(arena, c, stmt->name);
    if (code != SQLITE_OK)
        return broken(arena, stmt, store_message(arena, sqlite3_errmsg(c->db)));
    struct str why = STR_NONE;
    if (!*handle || (rest && *rest != '\0'))
        why = STR("it is not exactly one statement");
    else if (sqlite3_column_count(*handle) != stmt->out_count)
        why = str_fmt(arena, "it returns %d columns, not %d", sqlite3_column_count(*handle),
                      stmt->out_count);
    else if (sqlite3_bind_parameter_count(*handle) != stmt->in_count)
        why = str_fmt(arena, "it takes %d parameters, not %d",
                      sqlite3_bind_parameter_count(*handle), stmt->in_count);
    if (!str_is(why))
        return NULL;
    sqlite3_finalize(*handle);
    *handle = NULL;
    return broken(arena, stmt, why);
}

const struct err *sqlite_prepare_all(struct arena *arena, struct sqlite_connection *c)
{
    for (int i = 0; i < stmt_count; i++)
        TRY(prepare(arena, c, stmt_all[i], &c->slots[i].handle));
    return NULL;
}

/* A prepared statement in use. Where the connection's own copy is busy (an open cursor), a second
 * one is made. */
struct use {
    sqlite3_stmt *handle;
    struct sqlite_slot *slot; /* NULL: a second copy */
};

static const struct err *take(struct tx *tx, const struct stmt *stmt, struct use *use)
{
    struct sqlite_connection *c = tx->connection;
    struct sqlite_slot *slot = &c->slots[stmt->index];
    use->slot = NULL;
    if (slot->busy)
        return prepare(tx->arena, c, stmt, &use->handle);
    if (!slot->handle)
        TRY(prepare(tx->arena, c, stmt, &slot->handle));
    slot->busy = true;
    *use = (struct use){slot->handle, slot};
    return NULL;
}

static void give_back(struct use *use)
{
    if (!use->slot) {
        sqlite3_finalize(use->handle);
        return;
    }
    sqlite3_reset(use->handle);
    sqlite3_clear_bindings(use->handle);
    use->slot->busy = false;
}

static int bind_field(sqlite3_stmt *handle, int index, const struct stmt_field *field,
                      const void *in)
{
    int64_t i64;
    double f64;
    struct str s;
    switch (field->type) {
    case STMT_I64:
        if (stmt_get_i64(field, in, &i64))
            return sqlite3_bind_int64(handle, index, i64);
        return sqlite3_bind_null(handle, index);
    case STMT_F64:
        if (stmt_get_f64(field, in, &f64))
            return sqlite3_bind_double(handle, index, f64);
        return sqlite3_bind_null(handle, index);
    case STMT_TEXT:
        s = stmt_get_str(field, in);
        return sqlite3_bind_text64(handle, index, s.p, s.n, SQLITE_STATIC, SQLITE_UTF8);
    case STMT_BYTES:
        s = stmt_get_str(field, in);
        return sqlite3_bind_blob64(handle, index, s.p, s.n, SQLITE_STATIC);
    }
    return SQLITE_MISUSE;
}

/* The parameters are not copied: they stay where they are until the statement is given back. */
static const struct err *bind(struct tx *tx, const struct stmt *stmt, const void *in,
                              sqlite3_stmt *handle)
{
    for (int i = 0; i < stmt->in_count; i++) {
        if (bind_field(handle, i + 1, &stmt->in[i], in) != SQLITE_OK)
            return sqlite_error(tx->arena, tx->connection, stmt->name);
    }
    return NULL;
}

/* --- Results ---------------------------------------------------------------------------------- */

static const struct err *bad_column(struct tx *tx, const struct stmt *stmt,
                                    const struct stmt_field *field, const char *what)
{
    return ERR_NEW(tx->arena, ERR_STATEMENT_RESULT, STR_NONE, str_c(stmt->name),
                   str_fmt(tx->arena, "column %s %s", field->name, what));
}

static const struct err *read_column(struct tx *tx, const struct stmt *stmt, sqlite3_stmt *handle,
                                     int i, void *out, bool copy)
{
    static const int expected[] = {[STMT_I64] = SQLITE_INTEGER,
                                   [STMT_F64] = SQLITE_FLOAT,
                                   [STMT_TEXT] = SQLITE_TEXT,
                                   [STMT_BYTES] = SQLITE_BLOB};
    const struct stmt_field *field = &stmt->out[i];
    int type = sqlite3_column_type(handle, i);
    if (type == SQLITE_NULL && !field->nullable)
        return bad_column(tx, stmt, field, "is NULL");
    if (type == SQLITE_NULL) {
        stmt_put_null(field, out);
        return NULL;
    }
    if (type != expected[field->type])
        return bad_column(tx, stmt, field, "has another type");
    if (field->type == STMT_I64) {
        stmt_put_i64(field, out, sqlite3_column_int64(handle, i));
    } else if (field->type == STMT_F64) {
        stmt_put_f64(field, out, sqlite3_column_double(handle, i));
    } else {
        const void *p = field->type == STMT_TEXT ? (const void *)sqlite3_column_text(handle, i)
                                                 : sqlite3_column_blob(handle, i);
        struct str s = {p, (size_t)sqlite3_column_bytes(handle, i)};
        if (!p && sqlite3_errcode(sqlite3_db_handle(handle)) == SQLITE_NOMEM)
            return bad_column(tx, stmt, field, "does not fit in memory");
        if (!p)
            s = STR(""); /* a blob of no bytes has no address */
        stmt_put_str(field, out, copy ? str_copy(tx->arena, s) : s);
    }
    return NULL;
}

static const struct err *read_row(struct tx *tx, const struct stmt *stmt, sqlite3_stmt *handle,
                                  void *out, bool copy)
{
    for (int i = 0; i < stmt->out_count; i++)
        TRY(read_column(tx, stmt, handle, i, out, copy));
    return NULL;
}

static const struct err *step(struct tx *tx, const struct stmt *stmt, sqlite3_stmt *handle,
                              bool *row)
{
    int code = sqlite3_step(handle);
    *row = code == SQLITE_ROW;
    if (code == SQLITE_ROW || code == SQLITE_DONE)
        return NULL;
    return sqlite_error(tx->arena, tx->connection, stmt->name);
}

/* Runs a bound statement to its end; out NULL where there is no result to read. */
static const struct err *run_bound(struct tx *tx, const struct stmt *stmt, sqlite3_stmt *handle,
                                   void *out, bool *found)
{
    bool row, more;
    TRY(step(tx, stmt, handle, &row));
    *found = row;
    if (!row)
        return NULL;
    if (out)
        TRY(read_row(tx, stmt, handle, out, true));
    TRY(step(tx, stmt, handle, &more));
    if (more)
        return ERR_NEW(tx->arena, ERR_STATEMENT_RESULT, STR_NONE, str_c(stmt->name),
                       STR("there is more than one row"));
    return NULL;
}

static const struct err *run_taken(struct tx *tx, const struct stmt *stmt, const void *in,
                                   sqlite3_stmt *handle, void *out, bool *found)
{
    struct sqlite_connection *c = tx->connection;
    TRY(bind(tx, stmt, in, handle));
    TRY(run_bound(tx, stmt, handle, out, found));
    if (stmt->out_count == 0)
        *found = sqlite3_changes64(c->db) > 0;
    return NULL;
}

/* --- What the runner calls -------------------------------------------------------------------- */

static const struct err *sqlite_run(struct tx *tx, const struct stmt *stmt, const void *in,
                                    int64_t *changed)
{
    struct sqlite_connection *c = tx->connection;
    struct use use;
    bool found;
    TRY(take(tx, stmt, &use));
    const struct err *err = run_taken(tx, stmt, in, use.handle, NULL, &found);
    if (changed)
        *changed = sqlite3_changes64(c->db);
    give_back(&use);
    return err;
}

static const struct err *sqlite_one(struct tx *tx, const struct stmt *stmt, const void *in,
                                    void *out, bool *found)
{
    struct use use;
    TRY(take(tx, stmt, &use));
    const struct err *err = run_taken(tx, stmt, in, use.handle, out, found);
    give_back(&use);
    return err;
}

static const struct err *sqlite_many(struct tx *tx, const struct stmt *stmt, const void *ins,
                                     size_t count, void *outs, bool *found)
{
    struct use use;
    const struct err *err = NULL;
    TRY(take(tx, stmt, &use));
    for (size_t i = 0; i < count && !err; i++) {
        bool ignored;
        void *out = outs ? (char *)outs + i * stmt->out_size : NULL;
        err = run_taken(tx, stmt, (const char *)ins + i * stmt->in_size, use.handle, out,
                        found ? &found[i] : &ignored);
        sqlite3_reset(use.handle);
    }
    give_back(&use);
    return err;
}

static const struct err *sqlite_bulk(struct tx *tx, const struct stmt *stmt, const void *ins,
                                     size_t count)
{
    return sqlite_many(tx, stmt, ins, count, NULL, NULL);
}

/* An open cursor; in its connection's list, so that the end of the transaction closes what was left
 * open. */
struct sqlite_cursor {
    struct use use;
    struct sqlite_cursor *next;
};

static const struct err *sqlite_open_cursor(struct tx *tx, const struct stmt *stmt, const void *in,
                                            void **cursor)
{
    struct sqlite_connection *c = tx->connection;
    struct sqlite_cursor *k = ARENA_NEW(tx->arena, struct sqlite_cursor);
    void *in_copy = arena_alloc(tx->arena, stmt->in_size + 1);
    if (stmt->in_count > 0)
        memcpy(in_copy, in, stmt->in_size);
    TRY(take(tx, stmt, &k->use));
    const struct err *err = bind(tx, stmt, in_copy, k->use.handle);
    if (err) {
        give_back(&k->use);
        return err;
    }
    k->next = c->cursors;
    c->cursors = k;
    *cursor = k;
    return NULL;
}

static const struct err *sqlite_next(struct tx *tx, const struct stmt *stmt, void *cursor,
                                     void *out, bool *has)
{
    struct sqlite_cursor *k = cursor;
    TRY(step(tx, stmt, k->use.handle, has));
    if (*has)
        TRY(read_row(tx, stmt, k->use.handle, out, false));
    return NULL;
}

static void sqlite_close_cursor(struct tx *tx, void *cursor)
{
    struct sqlite_connection *c = tx->connection;
    for (struct sqlite_cursor **link = &c->cursors; *link; link = &(*link)->next) {
        if (*link == cursor) {
            *link = (*link)->next;
            give_back(&((struct sqlite_cursor *)cursor)->use);
            return;
        }
    }
}

void sqlite_close_cursors(struct sqlite_connection *c)
{
    for (struct sqlite_cursor *k = c->cursors; k; k = k->next)
        give_back(&k->use);
    c->cursors = NULL;
}

/* --- How a statement would run ---------------------------------------------------------------- */

static const struct err *prepare_text(struct arena *arena, struct sqlite_connection *c,
                                      const char *prefix, const struct stmt *stmt,
                                      sqlite3_stmt **handle)
{
    const char *sql = str_z(arena, str_fmt(arena, "%s %s", prefix, stmt->sql_sqlite));
    if (sqlite3_prepare_v2(c->db, sql, -1, handle, NULL) != SQLITE_OK)
        return broken(arena, stmt, store_message(arena, sqlite3_errmsg(c->db)));
    return NULL;
}

/* The plan as text; whether something in it is scanned: a table, an index, or a subquery's rows. */
static const struct err *explain_plan(struct arena *arena, struct sqlite_connection *c,
                                      const struct stmt *stmt, struct str *plan, bool *scan)
{
    sqlite3_stmt *handle;
    struct buf buf = buf_new(arena, 1 << 20);
    TRY(prepare_text(arena, c, "EXPLAIN QUERY PLAN", stmt, &handle));
    *scan = false;
    while (sqlite3_step(handle) == SQLITE_ROW) {
        struct str line = str_c((const char *)sqlite3_column_text(handle, 3));
        *scan = *scan || str_starts(line, STR("SCAN "));
        buf_fmt(&buf, "%s%.*s", buf.n ? "; " : "", STR_ARG(line));
    }
    sqlite3_finalize(handle);
    *plan = buf_view(&buf);
    return NULL;
}

/* Whether the statement's program walks over a whole table or index: it opens a cursor on one, goes
 * to its first or last entry and on from there. A subquery's rows, kept apart, are not a table. */
static const struct err *walks_table(struct arena *arena, struct sqlite_connection *c,
                                     const struct stmt *stmt, bool *walks)
{
    enum { CURSORS_MAX = 256 };
    bool real[CURSORS_MAX] = {false}, rewound[CURSORS_MAX] = {false};
    sqlite3_stmt *handle;
    TRY(prepare_text(arena, c, "EXPLAIN", stmt, &handle));
    *walks = false;
    while (sqlite3_step(handle) == SQLITE_ROW) {
        struct str op = str_c((const char *)sqlite3_column_text(handle, 1));
        int cursor = sqlite3_column_int(handle, 2);
        if (str_eq(op, STR("Count"))) /* COUNT(*) of a whole table */
            *walks = true;
        if (cursor < 0 || cursor >= CURSORS_MAX)
            continue;
        if (str_eq(op, STR("OpenRead")) || str_eq(op, STR("OpenWrite")))
            real[cursor] = true;
        else if (str_starts(op, STR("Open")))
            real[cursor] = false;
        else if (str_eq(op, STR("Rewind")) || str_eq(op, STR("Last")))
            rewound[cursor] = true;
        else if (str_eq(op, STR("Next")) || str_eq(op, STR("Prev")))
            *walks = *walks || (real[cursor] && rewound[cursor]);
    }
    sqlite3_finalize(handle);
    return NULL;
}

static const struct err *sqlite_explain(struct store *store, struct arena *arena,
                                        const struct stmt *stmt, struct str *plan, bool *full_scan)
{
    struct sqlite_connection *c = sqlite_take_reader(store->database);
    bool scan = false, walks = false;
    const struct err *err = explain_plan(arena, c, stmt, plan, &scan);
    if (!err)
        err = walks_table(arena, c, stmt, &walks);
    sqlite_give_reader(store->database, c);
    *full_scan = scan && walks;
    return err;
}

/* --- Bare connections, for migrations --------------------------------------------------------- */

static const struct err *sqlite_bare_open(struct arena *arena, const struct store_options *options,
                                          bool create, void **bare)
{
    struct sqlite_connection *c = ARENA_NEW(arena, struct sqlite_connection);
    c->create = create;
    TRY(sqlite_connect(arena, options->url, SQLITE_ROLE_WRITER, c));
    *bare = c;
    return NULL;
}

static void sqlite_bare_close(void *bare)
{
    sqlite_disconnect(bare);
}

static const struct err *sqlite_bare_run(struct arena *arena, void *bare, const char *sql,
                                         int64_t *number)
{
    struct sqlite_connection *c = bare;
    sqlite3_stmt *handle = NULL;
    if (sqlite3_prepare_v2(c->db, sql, -1, &handle, NULL) != SQLITE_OK)
        return sqlite_error(arena, c, sql);
    int code;
    while ((code = sqlite3_step(handle)) == SQLITE_ROW) {
        if (number)
            *number = sqlite3_column_int64(handle, 0);
    }
    const struct err *err = code == SQLITE_DONE ? NULL : sqlite_error(arena, c, sql);
    sqlite3_finalize(handle);
    return err;
}

const struct store_driver sqlite_driver = {
    .kind = STORE_SQLITE,
    .open = sqlite_open,
    .close = sqlite_close,
    .write = sqlite_write,
    .read = sqlite_read,
    .run = sqlite_run,
    .one = sqlite_one,
    .many = sqlite_many,
    .bulk = sqlite_bulk,
    .open_cursor = sqlite_open_cursor,
    .next = sqlite_next,
    .close_cursor = sqlite_close_cursor,
    .explain = sqlite_explain,
    .drop_log = sqlite_drop_log,
    .purge = sqlite_purge,
    .bare_open = sqlite_bare_open,
    .bare_close = sqlite_bare_close,
    .bare_run = sqlite_bare_run,
    .backup = sqlite_backup,
    .restore_open = sqlite_restore_open,
    .restore_part = sqlite_restore_part,
    .restore_bytes = sqlite_restore_bytes,
    .restore_finish = sqlite_restore_finish,
    .restore_close = sqlite_restore_close,
    .facts = sqlite_facts,
    .sql_begin = "BEGIN IMMEDIATE",
    .sql_has_schema = "SELECT COUNT(*) FROM sqlite_schema WHERE name = 'schema_migration'",
    .sql_guard_create = "SELECT 1", /* BEGIN IMMEDIATE is guard enough */
    .sql_create_schema =
        "CREATE TABLE IF NOT EXISTS schema_migration (number INTEGER NOT NULL PRIMARY KEY, "
        "title TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT",
    .sql_lock_schema = "SELECT 1",
};
