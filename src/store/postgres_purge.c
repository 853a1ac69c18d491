/* Tables written anew, so that no file holds what was deleted from them. VACUUM alone only makes
 * room: the bytes of a dead row stay in its page until others happen to be written over them. */
#include <libpq-fe.h>
#include <time.h>

#include "base/check.h"
#include "store/postgres_internal.h"

#define LOOK_AGAIN_MS 50

struct purge {
    struct arena *arena;
    struct postgres_connection *connection;
    int wait_ms;
    int64_t bytes_max;
};

static const struct err *run(struct purge *p, struct str sql, struct str *first)
{
    const char *text = str_z(p->arena, sql);
    PGresult *result = PQexec(p->connection->pg, text);
    ExecStatusType status = PQresultStatus(result);
    const struct err *err = NULL;
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        err = postgres_error(p->connection, text, result);
    else if (first)
        *first = str_copy(p->arena, str_c(PQgetvalue(result, 0, 0)));
    PQclear(result);
    return err;
}

/* A row that was deleted is dead for good once everybody has ended who could still see it, or whom
 * PostgreSQL takes for one: transactions that write, in any database of the server (their numbers
 * are in the snapshot under which a table is written anew), prepared ones included; those that hold
 * a snapshot here, or are only connecting; standbys and decoders behind a slot. Whoever comes after
 * this statement sees none of those numbers as running, so that it stays so. */
static const struct err *wait_for_older(struct purge *p, bool *ended)
{
    struct str number, count;
    int waited_ms = 0;
    TRY(run(p, STR("SELECT pg_current_xact_id()::text"), &number));
    struct str older = str_fmt(
        p->arena,
        "SELECT (pg_snapshot_xmin(pg_current_snapshot()) <= '%.*s'::xid8)::int"
        " + (SELECT COUNT(*) FROM pg_stat_activity"
        " WHERE (datname = current_database() OR datname IS NULL) AND pid <> pg_backend_pid()"
        " AND age(backend_xmin) >= age('%.*s'::xid8::xid))"
        " + (SELECT COUNT(*) FROM pg_replication_slots"
        " WHERE GREATEST(age(xmin), age(catalog_xmin)) >= age('%.*s'::xid8::xid))",
        STR_ARG(number), STR_ARG(number), STR_ARG(number));
    for (;;) {
        struct arena_mark mark = arena_mark(p->arena);
        TRY(run(p, older, &count));
        *ended = str_eq(count, STR("0"));
        arena_rewind(p->arena, mark);
        if (*ended || waited_ms >= p->wait_ms)
            return NULL;
        nanosleep(&(struct timespec){0, LOOK_AGAIN_MS * 1000000L}, NULL);
        waited_ms += LOOK_AGAIN_MS;
    }
}

static const struct err *is_small(struct purge *p, const char *const *tables, bool *small)
{
    int64_t bytes = 0;
    for (int i = 0; tables[i]; i++) {
        struct str text;
        int64_t of_table;
        TRY(run(p, str_fmt(p->arena, "SELECT pg_total_relation_size('%s')", tables[i]), &text));
        CHECK(str_to_i64(text, &of_table));
        bytes += of_table;
    }
    *small = bytes <= p->bytes_max;
    return NULL;
}

/* *done false: somebody else had a lock on one of them for too long. */
static const struct err *rewrite(struct purge *p, const char *const *tables, bool *done)
{
    const struct err *err = NULL;
    for (int i = 0; tables[i] && !err; i++)
        err = run(p, str_fmt(p->arena, "VACUUM (FULL, ANALYZE) %s", tables[i]), NULL);
    *done = !err;
    return err && err->code == ERR_STORE_CONFLICT ? NULL : err;
}

static const struct err *purge(struct purge *p, const char *const *tables, bool *gone)
{
    /* The statistics hold values of their columns. A role that does not own the database may not
     * write them anew, and is warned of it: old ones then stay in pages that nobody reads. */
    static const char *const statistics[] = {"pg_catalog.pg_statistic", NULL};
    bool ended, small, done = false;
    TRY(is_small(p, tables, &small));
    if (!small)
        return NULL;
    TRY(run(p, str_fmt(p->arena, "SET lock_timeout = %d", p->wait_ms), NULL));
    TRY(wait_for_older(p, &ended));
    if (!ended)
        return NULL;
    TRY(rewrite(p, tables, &done));
    if (!done)
        return NULL;
    TRY(wait_for_older(p, &ended));
    if (!ended)
        return NULL;
    return rewrite(p, statistics, gone);
}

const struct err *postgres_purge(struct store *store, struct arena *arena,
                                 const char *const *tables, int wait_ms, int64_t bytes_max,
                                 bool *gone)
{
    struct postgres_connection *c = ARENA_NEW(arena, struct postgres_connection);
    struct purge p = {arena, c, wait_ms, bytes_max};
    TRY(postgres_connect(arena, store->options.url, true, c));
    CHECK(PQsetnonblocking(c->pg, 0) == 0);
    const struct err *err = purge(&p, tables, gone);
    postgres_disconnect(c);
    return err;
}
