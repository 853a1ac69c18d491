/* Waiting for PostgreSQL, and never for ever: after a silence the server is asked, over a second
 * connection, whether it still works for this session. A statement may take hours; a server that
 * stands still, or a line that lost what was sent, is noticed. */
#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>

#include "store/postgres_internal.h"

#define LATE_MS 2000    /* for an answer that was on its way when the server was asked */
#define OPTIONS_MAX 100 /* of a connection; libpq 15 knows about 40 */

struct options {
    const char *keywords[OPTIONS_MAX + 1], *values[OPTIONS_MAX + 1];
    PQconninfoOption *all;
};

/* What the connection was opened with. */
static void options_of(const struct postgres_connection *c, struct options *options)
{
    int count = 0;
    *options = (struct options){.all = PQconninfo(c->pg)};
    for (PQconninfoOption *o = options->all; o && o->keyword && count < OPTIONS_MAX; o++) {
        if (!o->val || !*o->val)
            continue;
        options->keywords[count] = o->keyword;
        options->values[count++] = o->val;
    }
}

/* About this session's backend: does it run something, and is it not us that it waits for? */
#define ASK_AT_WORK                                                                                \
    "SELECT 1 FROM pg_stat_activity WHERE pid = %d AND state = 'active' "                          \
    "AND wait_event_type IS DISTINCT FROM 'Client'"
/* Ended only where not. A number that has gone over to somebody else's session meets the rest. */
#define ASK_TO_END                                                                                 \
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = %d "                       \
    "AND datname = current_database() AND usename = current_user AND application_name = "          \
    "current_setting('application_name') AND NOT (state = 'active' "                               \
    "AND wait_event_type IS DISTINCT FROM 'Client')"

/* Runs one of these over a second connection; true where it returns a row. Without room for a
 * second connection nothing can be asked: a server that answers is believed. */
static bool ask(const struct postgres_connection *c, const char *sql)
{
    struct options options;
    options_of(c, &options);
    struct postgres_connection asking = {.silence_ms = c->silence_ms};
    asking.pg = PQconnectdbParams(options.keywords, options.values, 0);
    bool yes;
    if (PQstatus(asking.pg) == CONNECTION_OK && PQsetnonblocking(asking.pg, 1) == 0) {
        PGresult *result = postgres_exec(&asking, sql);
        yes = PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) > 0;
        PQclear(result);
    } else {
        yes = PQpingParams(options.keywords, options.values, 0) == PQPING_OK;
    }
    PQfinish(asking.pg);
    PQconninfoFree(options.all);
    return yes;
}

static bool is_at_work(const struct postgres_connection *c)
{
    char sql[sizeof(ASK_AT_WORK) + 16];
    snprintf(sql, sizeof(sql), ASK_AT_WORK, c->backend);
    return ask(c, sql);
}

void postgres_end_session(const struct postgres_connection *c)
{
    char sql[sizeof(ASK_TO_END) + 16];
    snprintf(sql, sizeof(sql), ASK_TO_END, c->backend);
    (void)ask(c, sql); /* where it cannot be ended, the server's own time-outs end it */
}

/* Waits until the socket has something to say, if only that it broke; false where nothing comes and
 * the server no longer works for this session. */
static bool wait_for(struct postgres_connection *c, short events)
{
    bool late = false;
    for (;;) {
        int wait_ms = late ? LATE_MS : c->silence_ms;
        struct pollfd socket = {PQsocket(c->pg), events, 0};
        int ready = poll(&socket, 1, wait_ms);
        if (ready > 0 || (ready < 0 && errno != EINTR))
            return true;
        if (ready < 0)
            continue;
        bool at_work = c->asks_if_silent && is_at_work(c);
        if (!at_work && (late || !c->asks_if_silent))
            break;
        late = !at_work;
    }
    c->silent = true;
    return false;
}

bool postgres_flush(struct postgres_connection *c)
{
    for (;;) {
        int left = PQflush(c->pg);
        if (left <= 0)
            return left == 0;
        /* Both ways: a server that waits for us to read its results must not wait for ever. */
        if (!wait_for(c, POLLIN | POLLOUT))
            return false;
        struct pollfd socket = {PQsocket(c->pg), POLLIN, 0};
        if (poll(&socket, 1, 0) > 0 && !PQconsumeInput(c->pg))
            return false;
    }
}

PGresult *postgres_result(struct postgres_connection *c)
{
    while (!c->silent && PQisBusy(c->pg)) {
        if (wait_for(c, POLLIN) && !PQconsumeInput(c->pg))
            break; /* PQgetResult tells why */
    }
    return c->silent ? NULL : PQgetResult(c->pg);
}

PGresult *postgres_exec(struct postgres_connection *c, const char *sql)
{
    PGresult *last = NULL, *next;
    if (!PQsendQuery(c->pg, sql))
        return NULL;
    postgres_flush(c); /* where it fails, the results tell why */
    while ((next = postgres_result(c))) {
        PQclear(last);
        last = next;
        if (PQresultStatus(last) == PGRES_COPY_IN)
            break;
    }
    if (!c->silent)
        return last;
    PQclear(last);
    return NULL;
}
