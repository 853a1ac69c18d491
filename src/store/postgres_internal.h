/* Inside the PostgreSQL driver: connections and the queue of what was sent (postgres_connection.c), waiting
 * (postgres_wait.c), statements and cursors (postgres_statement.c), the pool and transactions (postgres.c). */
#ifndef HUITOU_STORE_POSTGRES_INTERNAL_H
#define HUITOU_STORE_POSTGRES_INTERNAL_H

#include "store/store_internal.h"

/* Statements sent before their results are read: bounds what libpq keeps of them in memory. */
#define POSTGRES_QUEUE_MAX 256
#define POSTGRES_PARAMETERS_MAX 100

enum postgres_oid { OID_BYTEA = 17, OID_INT8 = 20, OID_INT2 = 21, OID_INT4 = 23, OID_TEXT = 25, OID_FLOAT8 = 701 };

/* libpq's PGconn and PGresult; an OID there is an unsigned int. */
struct pg_conn;
struct pg_result;

struct postgres_connection;
/* Reads the result of a statement that was queued; sets *result to NULL to keep it. */
typedef const struct err *postgres_read_fn(struct postgres_connection *c, struct pg_result **result, void *arg,
                                           size_t index);

struct postgres_queued {
    const char *name;       /* of the statement, for errors */
    postgres_read_fn *read; /* NULL: only errors matter */
    void *arg;
    size_t index;
};

struct postgres_cursor;

/* A connection in pipeline mode, used by one thread at a time. */
struct postgres_connection {
    struct pg_conn *pg; /* NULL: not connected */
    struct arena *arena; /* of the transaction that uses it */
    struct postgres_queued queue[POSTGRES_QUEUE_MAX];
    int queued;
    bool broken;         /* lost; to be closed */
    bool broken_at_last; /* … with the last queued statement, or without a word from the server */
    int backend;         /* the server's process, as it says itself: a pooler's greeting names another */
    bool pooled;         /* the greeting did: every transaction looks whether it is still the same */
    int silence_ms;      /* after so long without a byte the server is asked; -1: never */
    bool asks_if_silent; /* false: so long a silence means that it is lost */
    bool silent;         /* nothing came, and the server no longer works for this session: lost */
    int64_t generation;
    int cursors_named;
    struct postgres_cursor *cursors;
    struct postgres_connection *next_free;
};

struct postgres_parameters {
    int count;
    const char *values[POSTGRES_PARAMETERS_MAX];
    int lengths[POSTGRES_PARAMETERS_MAX], formats[POSTGRES_PARAMETERS_MAX];
    unsigned int types[POSTGRES_PARAMETERS_MAX];
    char numbers[POSTGRES_PARAMETERS_MAX][8];
};

/* Connects and sets up the session, not yet in pipeline mode. Nothing here waits for ever: connecting ends after the
 * address's connect_timeout (10 s where it names none); after as long without a byte from the server a second connection
 * asks whether it still works for this session, and where it does not the line counts as lost; a peer that is gone
 * without a word is noticed by TCP within about a minute, on both sides. Where a pooler stands between, check_pooler asks
 * whether it gives this session's process to others, before anything is set there. Errors: STORE_OPEN, STORE_POOLER. */
ERR_RESULT postgres_connect(struct arena *arena, struct str url, bool check_pooler, struct postgres_connection *c);
void postgres_disconnect(struct postgres_connection *c);
void postgres_enter_pipeline(struct postgres_connection *c);
/* Waits for everything queued and leaves the pipeline. */
ERR_RESULT postgres_leave_pipeline(struct postgres_connection *c);
/* Prepares all statements, named s0, s1, … by stmt.index. Errors: STATEMENT_BROKEN, STORE_DISCONNECTED. */
ERR_RESULT postgres_prepare_all(struct postgres_connection *c);
/* Queues SQL text; parameters may be NULL. binary: of the result. */
ERR_RESULT postgres_queue_text(struct postgres_connection *c, const struct postgres_queued *entry, const char *sql,
                               const struct postgres_parameters *parameters, bool binary);
/* Queues a prepared statement. */
ERR_RESULT postgres_queue_prepared(struct postgres_connection *c, const struct postgres_queued *entry, int index,
                                   const struct postgres_parameters *parameters);
/* Sends what libpq holds back; false where the line is lost. */
bool postgres_flush(struct postgres_connection *c);
/* As PQgetResult; NULL with c->silent where the server no longer works for this session. The caller clears it. */
struct pg_result *postgres_result(struct postgres_connection *c);
/* Whether a second session works with the same process of the server though this one is open: through a pooler in
 * transaction mode. Where others use the pooler at the same time, it may not be seen. */
bool postgres_backend_is_shared(const struct postgres_connection *c);
/* Of a lost connection: ends the server's session, which may not know yet, unless it is at work. Whoever tries the same
 * again would wait for the locks that it holds. */
void postgres_end_session(const struct postgres_connection *c);
/* Outside of a pipeline: runs SQL without parameters. The last result, which is an error where one failed, or stands
 * at COPY_IN; NULL where the line is lost. The caller clears it. */
struct pg_result *postgres_exec(struct postgres_connection *c, const char *sql);
/* Sends all that is queued and reads every result; returns the first error. */
ERR_RESULT postgres_finish(struct postgres_connection *c);
/* The error of a session that a pooler has given another process. */
ERR_RESULT postgres_pooler(struct arena *arena);
/* The error of a result, or (NULL) of the connection. */
ERR_RESULT postgres_error(struct postgres_connection *c, const char *name, const struct pg_result *result);
unsigned int postgres_oid(enum stmt_type type);

ERR_RESULT postgres_run(struct tx *tx, const struct stmt *stmt, const void *in, int64_t *changed);
ERR_RESULT postgres_one(struct tx *tx, const struct stmt *stmt, const void *in, void *out, bool *found);
ERR_RESULT postgres_many(struct tx *tx, const struct stmt *stmt, const void *ins, size_t count, void *outs,
                         bool *found);
ERR_RESULT postgres_bulk(struct tx *tx, const struct stmt *stmt, const void *ins, size_t count);
ERR_RESULT postgres_open_cursor(struct tx *tx, const struct stmt *stmt, const void *in, void **cursor);
ERR_RESULT postgres_next(struct tx *tx, const struct stmt *stmt, void *cursor, void *out, bool *has);
void postgres_close_cursor(struct tx *tx, void *cursor);
/* Frees what open cursors hold here; the end of the transaction closes them on the server. */
void postgres_forget_cursors(struct postgres_connection *c);

/* store_purge (postgres_purge.c). */
ERR_RESULT postgres_purge(struct store *store, struct arena *arena, const char *const *tables, int wait_ms,
                          int64_t bytes_max, bool *gone);

/* Backup (postgres_backup.c), as in store_internal.h. */
ERR_RESULT postgres_backup(struct arena *arena, const struct store_options *options, struct str temporary_path,
                           const struct store_sink *sink);
ERR_RESULT postgres_restore_open(struct arena *arena, const struct store_options *options, int schema_number, void **out);
ERR_RESULT postgres_restore_part(void *restore, struct str name);
ERR_RESULT postgres_restore_bytes(void *restore, const void *bytes, size_t n);
ERR_RESULT postgres_restore_finish(void *restore);
void postgres_restore_close(void *restore);
ERR_RESULT postgres_facts(struct store *store, struct arena *arena, struct store_facts *facts);

#endif
