/* The tables of a PostgreSQL database as COPY writes them, in one snapshot, and back again. */
#include <libpq-fe.h>
#include <string.h>

#include "base/check.h"
#include "store/postgres_internal.h"

#define PART_BEFORE "table/"
#define PART_AFTER ".copy"
#define CREATE_TABLE "CREATE TABLE "

/* --- The tables: those that the migrations make --- */

struct tables {
    struct str *names;
    size_t count;
};

static struct tables tables_of_schema(struct arena *arena, int schema_number)
{
    struct tables tables = {0};
    size_t room = 0;
    for (int i = 0; i < schema_number; i++)
        room += (size_t)migration_all[i].statement_count;
    tables.names = ARENA_ARRAY(arena, room + 1, struct str);
    for (int i = 0; i < schema_number; i++) {
        for (int k = 0; k < migration_all[i].statement_count; k++) {
            struct str rest, sql = str_trim(str_c(migration_all[i].postgres[k]));
            if (!str_starts(sql, STR(CREATE_TABLE)))
                continue;
            rest = str_slice(sql, strlen(CREATE_TABLE), sql.n);
            tables.names[tables.count++] = str_cut(rest, ' ', &rest);
        }
    }
    return tables;
}

static bool is_table(const struct tables *tables, struct str name)
{
    for (size_t i = 0; i < tables->count; i++)
        if (str_eq(tables->names[i], name))
            return true;
    return false;
}

/* --- A connection of its own --- */

static const struct err *connect(struct arena *arena, const struct store_options *options,
                                 struct postgres_connection **out)
{
    struct postgres_connection *c = ARENA_NEW(arena, struct postgres_connection);
    TRY(postgres_connect(arena, options->url, true, c));
    /* COPY has a quick reader at this end; what is slow is the server, which TCP looks after. */
    CHECK(PQsetnonblocking(c->pg, 0) == 0);
    *out = c;
    return NULL;
}

static const struct err *run(struct postgres_connection *c, const char *sql,
                             ExecStatusType expected)
{
    PGresult *result = PQexec(c->pg, sql);
    const struct err *err =
        PQresultStatus(result) == expected ? NULL : postgres_error(c, sql, result);
    PQclear(result);
    return err;
}

/* What is left of a COPY: its result, and nothing behind it. */
static const struct err *copy_end(struct postgres_connection *c, const char *sql)
{
    const struct err *err = NULL;
    for (PGresult *result; (result = PQgetResult(c->pg)) != NULL; PQclear(result)) {
        ExecStatusType status = PQresultStatus(result);
        if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && !err)
            err = postgres_error(c, sql, result);
    }
    return err;
}

/* --- Copying out --- */

static const struct err *copy_table(struct arena *arena, struct postgres_connection *c,
                                    struct str table, const struct store_sink *sink)
{
    const char *sql = str_z(arena, str_fmt(arena, "COPY %.*s TO STDOUT (HEADER)", STR_ARG(table)));
    TRY(sink->part(sink->arg, str_fmt(arena, PART_BEFORE "%.*s" PART_AFTER, STR_ARG(table))));
    TRY(run(c, sql, PGRES_COPY_OUT));
    for (;;) {
        char *row = NULL;
        int n = PQgetCopyData(c->pg, &row, 0);
        if (n == -1)
            return copy_end(c, sql);
        if (n < 0)
            return postgres_error(c, sql, NULL);
        const struct err *err = sink->bytes(sink->arg, row, (size_t)n);
        PQfreemem(row);
        TRY(err);
    }
}

static const struct err *copy_all(struct arena *arena, struct postgres_connection *c,
                                  const struct store_sink *sink)
{
    struct tables tables = tables_of_schema(arena, migration_count);
    TRY(run(c, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", PGRES_COMMAND_OK));
    for (size_t i = 0; i < tables.count; i++) {
        TRY(copy_table(arena, c, tables.names[i], sink));
        if (sink->progress)
            sink->progress(sink->progress_arg, (int64_t)i + 1, (int64_t)tables.count);
    }
    return run(c, "COMMIT", PGRES_COMMAND_OK);
}

const struct err *postgres_backup(struct arena *arena, const struct store_options *options,
                                  struct str temporary_path, const struct store_sink *sink)
{
    struct postgres_connection *c;
    (void)temporary_path;
    TRY(connect(arena, options, &c));
    const struct err *err = copy_all(arena, c, sink);
    postgres_disconnect(c);
    return err;
}

/* --- Back again: all tables in one transaction --- */

struct restore {
    struct arena *arena;
    struct postgres_connection *connection;
    struct tables tables;
    bool copying;
};

static const struct err *check_empty(struct arena *arena, const struct store_options *options)
{
    void *bare;
    int64_t there = 0;
    TRY(postgres_driver.bare_open(arena, options, false, &bare));
    const struct err *err =
        postgres_driver.bare_run(arena, bare, postgres_driver.sql_has_schema, &there);
    postgres_driver.bare_close(bare);
    TRY(err);
    return there ? ERR_NEW(arena, ERR_STORE_NOT_EMPTY, STR("--store")) : NULL;
}

const struct err *postgres_restore_open(struct arena *arena, const struct store_options *options,
                                        int schema_number, void **out)
{
    struct restore *r = ARENA_NEW(arena, struct restore);
    int applied;
    *r = (struct restore){.arena = arena, .tables = tables_of_schema(arena, schema_number)};
    TRY(check_empty(arena, options));
    TRY(store_migrate_to(arena, options, schema_number, &applied));
    TRY(connect(arena, options, &r->connection));
    const struct err *err = run(r->connection, "BEGIN", PGRES_COMMAND_OK);
    if (err) {
        postgres_disconnect(r->connection);
        return err;
    }
    *out = r;
    return NULL;
}

static const struct err *end_copy(struct restore *r)
{
    struct postgres_connection *c = r->connection;
    if (!r->copying)
        return NULL;
    r->copying = false;
    if (PQputCopyEnd(c->pg, NULL) != 1)
        return postgres_error(c, "COPY", NULL);
    return copy_end(c, "COPY");
}

/* HEADER MATCH: the columns are those of this table, in this order, or the server refuses. */
const struct err *postgres_restore_part(void *restore, struct str name)
{
    struct restore *r = restore;
    struct arena *arena = r->arena;
    TRY(end_copy(r));
    size_t before = strlen(PART_BEFORE), after = strlen(PART_AFTER);
    struct str table = STR("");
    if (str_starts(name, STR(PART_BEFORE)) && str_ends(name, STR(PART_AFTER)))
        table = str_slice(name, before, name.n - after);
    if (!is_table(&r->tables, table))
        return ERR_NEW(arena, ERR_STORE_OPEN, STR("store"),
                       str_fmt(arena, "the backup holds %.*s", STR_ARG(name)));
    /* The migrations put first rows into some. */
    TRY(run(r->connection, str_z(arena, str_fmt(arena, "DELETE FROM %.*s", STR_ARG(table))),
            PGRES_COMMAND_OK));
    TRY(run(r->connection,
            str_z(arena, str_fmt(arena, "COPY %.*s FROM STDIN (HEADER MATCH)", STR_ARG(table))),
            PGRES_COPY_IN));
    r->copying = true;
    return NULL;
}

const struct err *postgres_restore_bytes(void *restore, const void *bytes, size_t n)
{
    struct restore *r = restore;
    CHECK(r->copying && n <= INT32_MAX);
    if (PQputCopyData(r->connection->pg, bytes, (int)n) == 1)
        return NULL;
    return postgres_error(r->connection, "COPY", NULL);
}

const struct err *postgres_restore_finish(void *restore)
{
    struct restore *r = restore;
    TRY(end_copy(r));
    TRY(run(r->connection, "COMMIT", PGRES_COMMAND_OK));
    return run(r->connection, "ANALYZE", PGRES_COMMAND_OK);
}

void postgres_restore_close(void *restore)
{
    struct restore *r = restore;
    if (r->connection)
        postgres_disconnect(r->connection);
    r->connection = NULL;
}

/* --- What a review wants to know --- */

static bool is_here(const char *host, const char *address)
{
    if (!host || !*host || host[0] == '/' || host[0] == '@') /* a socket of this machine */
        return true;
    return address && (strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0);
}

static struct str ssl_mode(struct arena *arena, const struct postgres_connection *c)
{
    PQconninfoOption *options = PQconninfo(c->pg);
    struct str mode = STR("");
    for (PQconninfoOption *o = options; o && o->keyword; o++)
        if (strcmp(o->keyword, "sslmode") == 0 && o->val)
            mode = str_copy(arena, str_c(o->val));
    PQconninfoFree(options);
    return mode;
}

const struct err *postgres_facts(struct store *store, struct arena *arena,
                                 struct store_facts *facts)
{
    struct postgres_connection *c;
    TRY(connect(arena, &store->options, &c));
    const char *version = PQparameterStatus(c->pg, "server_version");
    facts->version = str_copy(arena, str_c(version ? version : "?"));
    facts->remote = !is_here(PQhost(c->pg), PQhostaddr(c->pg));
    facts->encrypted = PQsslInUse(c->pg) != 0;
    facts->tls_mode = ssl_mode(arena, c);
    postgres_disconnect(c);
    return NULL;
}
