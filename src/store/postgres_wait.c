/* Waiting for PostgreSQL, and never for ever: after a silence the server is asked, over a second
 * connection, whether it still works for this session. A statement may take hours; a server that
 * stands still, or a line that lost what was sent, is noticed. */
#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "store/postgres_internal.h"

#define LATE_MS 2000    /* for an answer that was on its way when the server was asked */
#define OPTIONS_MAX 100 /* of a connection; libpq 15 knows about 40 */

struct options {
    const char *keywords[OPTIONS_MAX + 1], *values[OPTIONS_MAX + 1];
    PQconninfoOption *all;
};

/* Its host and port are told by the session itself: an address may name several. */
static bool says_where(const char *keyword)
{
    return strcmp(keyword, "host") == 0 || strcmp(keyword, "hostaddr") == 0 ||
           strcmp(keyword, "port") == 0 || strcmp(keyword, "target_session_attrs") == 0;
}

static int add_option(struct options *options, int count, const char *keyword, const char *value)
{
    if (!value || !*value || count == OPTIONS_MAX)
        return count;
    options->keywords[count] = keyword;
    options->values[count] = value;
    return count + 1;
}

/* What the connection was opened with, and the very server that it reached. */
static void options_of(const struct postgres_connection *c, struct options *options)
{
    int count = 0;
    *options = (struct options){.all = PQconninfo(c->pg)};
    count = add_option(options, count, "host", PQhost(c->pg));
    count = add_option(options, count, "hostaddr", PQhostaddr(c->pg));
    count = add_option(options, count, "port", PQport(c->pg));
    for (PQconninfoOption *o = options->all; o && o->keyword; o++) {
        if (!says_where(o->keyword))
            count = add_option(options, count, o->keyword, o->val);
    }
}

/* About this session's backend: does it run something, and is it not us that it waits for? With
 * track_activities = off ("disabled") only what it waits for is told; without work, that is us. */
#define AT_WORK                                                                                    \
    "(state IN ('active', 'disabled') AND wait_event_type IS DISTINCT FROM 'Client')"
#define ASK_AT_WORK "SELECT 1 FROM pg_stat_activity WHERE pid = %d AND " AT_WORK
/* Ended only where not. A number that has gone over to somebody else's session meets the rest. */
#define ASK_TO_END                                                                                 \
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = %d "                       \
    "AND datname = current_database() AND usename = current_user AND application_name = "          \
    "current_setting('application_name') AND NOT " AT_WORK
/* Of another session, while this one is open. */
#define ASK_IF_SHARED "SELECT 1 WHERE pg_backend_pid() = %d"
#define SQL_BYTES_MAX 512

/* Runs one of these over a second connection; true where it returns a row. Without room for a
 * second connection nothing can be asked, and `unasked` says what then follows of a server that
 * answers; one that does not is never at work. */
static bool ask(const struct postgres_connection *c, const char *sql, bool unasked)
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
        yes = unasked && PQpingParams(options.keywords, options.values, 0) == PQPING_OK;
    }
    PQfinish(asking.pg);
    PQconninfoFree(options.all);
    return yes;
}

static bool is_at_work(const struct postgres_connection *c)
{
    char sql[SQL_BYTES_MAX];
    snprintf(sql, sizeof(sql), ASK_AT_WORK, c->backend);
    return ask(c, sql, true);
}

void postgres_end_session(const struct postgres_connection *c)
{
    char sql[SQL_BYTES_MAX];
    snprintf(sql, sizeof(sql), ASK_TO_END, c->backend);
    (void)ask(c, sql, true); /* where it cannot be, the server's own time-outs end it */
}

bool postgres_backend_is_shared(const struct postgres_connection *c)
{
    char sql[SQL_BYTES_MAX];
    snprintf(sql, sizeof(sql), ASK_IF_SHARED, c->backend);
    return ask(c, sql, false);
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
