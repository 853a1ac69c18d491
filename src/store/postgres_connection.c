/* A PostgreSQL connection in pipeline mode: statements are queued and sent on, results are read in
 * the same order at a point of synchronisation (postgres_finish). */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "store/postgres_internal.h"

#define CONNECT_SECONDS "10"    /* where the address has no connect_timeout */
#define CONNECT_SECONDS_LEAST 2 /* libpq's own */

#define SILENCE "the server answers no more"

static void ignore_notice(void *arg, const char *message)
{
    (void)arg;
    (void)message;
}

static const struct err *cannot_open(struct arena *arena, struct postgres_connection *c)
{
    struct str why = c->silent ? STR(SILENCE) : store_message(arena, PQerrorMessage(c->pg));
    postgres_disconnect(c);
    return ERR_NEW(arena, ERR_STORE_OPEN, STR("store"), why);
}

/* How long connecting may take, from the address or by default; -1: as long as it wants to. */
static int silence_ms_of(const struct postgres_connection *c)
{
    PQconninfoOption *options = PQconninfo(c->pg);
    int seconds = -1;
    for (PQconninfoOption *o = options; o && o->keyword; o++) {
        if (strcmp(o->keyword, "connect_timeout") == 0 && o->val)
            seconds = (int)strtol(o->val, NULL, 10);
    }
    PQconninfoFree(options);
    if (seconds <= 0 || seconds > INT32_MAX / 1000)
        return -1;
    return (seconds < CONNECT_SECONDS_LEAST ? CONNECT_SECONDS_LEAST : seconds) * 1000;
}

/* Rows of a cursor are wanted to the last one: cursor_tuple_fraction. The server gives up a session
 * that lost us, and the locks it holds: without that, who comes after would wait for hours. */
static const char session[] =
    "SET synchronous_commit = on; SET jit = off; SET timezone = 'UTC'; "
    "SET cursor_tuple_fraction = 1; SET idle_in_transaction_session_timeout = '5min'; "
    "SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; "
    "SET tcp_keepalives_count = 3; SET tcp_user_timeout = '60s'";

const struct err *postgres_pooler(struct arena *arena)
{
    return ERR_NEW(arena, ERR_STORE_POOLER, STR("store"));
}

/* The process that works for this session: what greets it may be a pooler with numbers of its own.
 */
static bool learn_backend(struct postgres_connection *c)
{
    c->backend = PQbackendPID(c->pg);
    PGresult *result = postgres_exec(c, "SELECT pg_backend_pid()");
    bool ok = PQresultStatus(result) == PGRES_TUPLES_OK;
    if (ok) {
        c->backend = (int)strtol(PQgetvalue(result, 0, 0), NULL, 10);
        c->pooled = c->backend != PQbackendPID(c->pg);
    }
    PQclear(result);
    return ok;
}

const struct err *postgres_connect(struct arena *arena, struct str url, bool check_pooler,
                                   struct postgres_connection *c)
{
    /* What stands before dbname, the address may say otherwise. */
    const char *const keywords[] = {"connect_timeout",  "keepalives_idle",  "keepalives_interval",
                                    "keepalives_count", "tcp_user_timeout", "application_name",
                                    "dbname",           "client_encoding",  NULL};
    const char *const values[] = {CONNECT_SECONDS,   "30",   "10", "3", "60000", "huitou",
                                  str_z(arena, url), "UTF8", NULL};
    *c = (struct postgres_connection){
        .arena = arena, .next_free = c->next_free, .asks_if_silent = true};
    c->pg = PQconnectdbParams(keywords, values, 1);
    if (PQstatus(c->pg) != CONNECTION_OK || PQsetnonblocking(c->pg, 1) != 0)
        return cannot_open(arena, c);
    c->silence_ms = silence_ms_of(c);
    PQsetNoticeProcessor(c->pg, ignore_notice, NULL);
    if (!learn_backend(c))
        return cannot_open(arena, c);
    if (check_pooler && c->pooled && postgres_backend_is_shared(c)) {
        postgres_disconnect(c);
        return postgres_pooler(arena);
    }
    PGresult *result = postgres_exec(c, session);
    bool ok = PQresultStatus(result) == PGRES_COMMAND_OK;
    PQclear(result);
    return ok ? NULL : cannot_open(arena, c);
}

void postgres_disconnect(struct postgres_connection *c)
{
    PQfinish(c->pg);
    c->pg = NULL;
    c->queued = 0;
}

void postgres_enter_pipeline(struct postgres_connection *c)
{
    CHECK(c->queued == 0);
    /* Fails only on a connection that is lost, which the next statement will tell. */
    if (PQenterPipelineMode(c->pg) != 1)
        c->broken = true;
}

const struct err *postgres_leave_pipeline(struct postgres_connection *c)
{
    TRY(postgres_finish(c));
    if (PQexitPipelineMode(c->pg) != 1)
        return postgres_error(c, "leaving the pipeline", NULL);
    return NULL;
}

/* --- Errors -------------------------------------------------------------------------------------
 */

static bool state_is(const char *state, const char *one)
{
    return state && strncmp(state, one, strlen(one)) == 0;
}

/* True where the server ended the session with this error, or the connection broke without one. */
static bool is_lost(const struct postgres_connection *c, const PGresult *result, const char *state)
{
    const char *severity =
        result ? PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED) : NULL;
    if (severity && (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0))
        return true;
    return !state || state_is(state, "08") || PQstatus(c->pg) == CONNECTION_BAD;
}

const struct err *postgres_error(struct postgres_connection *c, const char *name,
                                 const PGresult *result)
{
    struct arena *arena = c->arena;
    const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    struct str message =
        store_message(arena, result ? PQresultErrorMessage(result) : PQerrorMessage(c->pg));
    if (c->silent)
        message = STR(SILENCE);
    if (is_lost(c, result, state)) {
        c->broken = true;
        c->broken_at_last = !state;
        return ERR_NEW(arena, ERR_STORE_DISCONNECTED, STR_NONE, message);
    }
    if (state_is(state, "40001") || state_is(state, "40P01") || state_is(state, "55P03"))
        return ERR_NEW(arena, ERR_STORE_CONFLICT, STR_NONE, str_c(name), message);
    /* The names are this session's own: its process was another's, or has become so. */
    if (state_is(state, "26000") || state_is(state, "42P05"))
        return postgres_pooler(arena);
    if (state_is(state, "23505")) {
        const char *constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
        return ERR_NEW(arena, ERR_STORE_UNIQUE, STR_NONE, str_c(name),
                       str_copy(arena, str_c(constraint ? constraint : "?")));
    }
    if (state_is(state, "23"))
        return ERR_NEW(arena, ERR_STORE_CONSTRAINT, STR_NONE, str_c(name), message);
    if (state_is(state, "53100"))
        return ERR_NEW(arena, ERR_STORE_FULL, STR_NONE);
    return ERR_NEW(arena, ERR_STATEMENT_FAILED, STR_NONE, str_c(name),
                   str_fmt(arena, "%.*s (%s)", STR_ARG(message), state));
}

/* --- The queue ----------------------------------------------------------------------------------
 */

static const struct err *note_queued(struct postgres_connection *c,
                                     const struct postgres_queued *entry, int sent)
{
    if (!sent)
        return postgres_error(c, entry->name, NULL);
    c->queue[c->queued++] =
        *entry; /* libpq sends when 64 KiB have come together, postgres_finish the rest */
    return NULL;
}

static const struct err *make_room(struct postgres_connection *c)
{
    return c->queued == POSTGRES_QUEUE_MAX ? postgres_finish(c) : NULL;
}

const struct err *postgres_queue_text(struct postgres_connection *c,
                                      const struct postgres_queued *entry, const char *sql,
                                      const struct postgres_parameters *parameters, bool binary)
{
    const struct postgres_parameters *p = parameters;
    TRY(make_room(c));
    int sent = p ? PQsendQueryParams(c->pg, sql, p->count, p->types, p->values, p->lengths,
                                     p->formats, binary)
                 : PQsendQueryParams(c->pg, sql, 0, NULL, NULL, NULL, NULL, binary);
    return note_queued(c, entry, sent);
}

const struct err *postgres_queue_prepared(struct postgres_connection *c,
                                          const struct postgres_queued *entry, int index,
                                          const struct postgres_parameters *parameters)
{
    char name[24];
    TRY(make_room(c));
    snprintf(name, sizeof(name), "s%d", index);
    int sent = PQsendQueryPrepared(c->pg, name, parameters->count, parameters->values,
                                   parameters->lengths, parameters->formats, 1);
    return note_queued(c, entry, sent);
}

/* Reads the result of one queued statement. */
static const struct err *read_queued(struct postgres_connection *c,
                                     const struct postgres_queued *entry)
{
    PGresult *result = postgres_result(c);
    const struct err *err = NULL;
    switch (PQresultStatus(result)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
        if (entry->read)
            err = entry->read(c, &result, entry->arg, entry->index);
        break;
    case PGRES_PIPELINE_ABORTED: /* an earlier one failed, and its error is what is told */
        break;
    default:
        err = postgres_error(c, entry->name, result);
        break;
    }
    PQclear(result);
    if (!c->broken)
        PQclear(postgres_result(c)); /* NULL: the end of this statement's results */
    return err;
}

const struct err *postgres_finish(struct postgres_connection *c)
{
    const struct err *first = NULL;
    int count = c->queued;
    if (count == 0)
        return NULL;
    c->queued = 0;
    if (!PQpipelineSync(c->pg))
        return postgres_error(c, "synchronisation", NULL);
    postgres_flush(
        c); /* where it fails, the results tell why: the server's last words may be among them */
    for (int i = 0; i < count; i++) {
        const struct err *err = read_queued(c, &c->queue[i]);
        if (!first)
            first = err;
        if (c->broken) {
            c->broken_at_last = c->broken_at_last || i == count - 1;
            return first;
        }
    }
    PGresult *sync = postgres_result(c);
    bool ok = PQresultStatus(sync) == PGRES_PIPELINE_SYNC;
    if (!ok && !first) {
        first = postgres_error(c, "synchronisation", sync);
        c->broken_at_last = true;
    }
    c->broken = c->broken || !ok;
    PQclear(sync);
    return first;
}

/* --- Preparing ----------------------------------------------------------------------------------
 */

Oid postgres_oid(enum stmt_type type)
{
    static const Oid oids[] = {[STMT_I64] = OID_INT8,
                               [STMT_F64] = OID_FLOAT8,
                               [STMT_TEXT] = OID_TEXT,
                               [STMT_BYTES] = OID_BYTEA};
    return oids[type];
}

/* An integer literal is an int4 there; everything else must be what was declared. */
static bool fits(enum stmt_type type, Oid oid)
{
    return oid == postgres_oid(type) || (type == STMT_I64 && (oid == OID_INT4 || oid == OID_INT2));
}

static const struct err *broken(struct arena *arena, const struct stmt *stmt, struct str why)
{
    return ERR_NEW(arena, ERR_STATEMENT_BROKEN, STR_NONE, str_c(stmt->name), str_c(stmt->file),
                   why);
}

/* Holds the description of a statement that was prepared against its declaration. */
static const struct err *read_description(struct postgres_connection *c, PGresult **result,
                                          void *arg, size_t index)
{
    const struct stmt *stmt = stmt_all[index];
    (void)arg;
    if (PQnfields(*result) != stmt->out_count)
        return broken(c->arena, stmt,
                      str_fmt(c->arena, "it returns %d columns, not %d", PQnfields(*result),
                              stmt->out_count));
    for (int i = 0; i < stmt->out_count; i++) {
        if (!fits(stmt->out[i].type, PQftype(*result, i)))
            return broken(c->arena, stmt,
                          str_fmt(c->arena, "column %s has another type (OID %u)",
                                  stmt->out[i].name, PQftype(*result, i)));
    }
    return NULL;
}

static const struct err *queue_prepare(struct postgres_connection *c, const struct stmt *stmt)
{
    char name[24];
    Oid types[POSTGRES_PARAMETERS_MAX];
    struct postgres_queued entry = {.name = stmt->name};
    CHECK(stmt->in_count <= POSTGRES_PARAMETERS_MAX);
    snprintf(name, sizeof(name), "s%d", stmt->index);
    for (int i = 0; i < stmt->in_count; i++)
        types[i] = postgres_oid(stmt->in[i].type);
    TRY(make_room(c));
    TRY(note_queued(c, &entry,
                    PQsendPrepare(c->pg, name, stmt->sql_postgres, stmt->in_count, types)));
    entry.read = read_description;
    entry.index = (size_t)stmt->index;
    TRY(make_room(c));
    return note_queued(c, &entry, PQsendDescribePrepared(c->pg, name));
}

const struct err *postgres_prepare_all(struct postgres_connection *c)
{
    const struct err *err = NULL;
    for (int i = 0; i < stmt_count && !err; i++)
        err = queue_prepare(c, stmt_all[i]);
    if (!err)
        err = postgres_finish(c);
    if (err && err->code == ERR_STATEMENT_FAILED) {
        const struct stmt *stmt = stmt_by_name(str_z(c->arena, err->arg[0]));
        return stmt ? broken(c->arena, stmt, err->arg[1]) : err;
    }
    return err;
}
