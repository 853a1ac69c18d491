/* Inside the SQLite driver: a connection (sqlite.c) and the threads that use them (sqlite_thread.c). */
#ifndef HUITOU_STORE_SQLITE_INTERNAL_H
#define HUITOU_STORE_SQLITE_INTERNAL_H

#include <sqlite3.h>

#include "store/store_internal.h"

#define SQLITE_BUSY_TIMEOUT_MS 5000

enum sqlite_role { SQLITE_ROLE_WRITER, SQLITE_ROLE_READER, SQLITE_ROLE_CHECKPOINT };

struct sqlite_slot {
    sqlite3_stmt *handle; /* NULL: not prepared yet */
    bool busy;
};
struct sqlite_cursor;

/* A connection is used by one thread at a time. */
struct sqlite_connection {
    sqlite3 *db;
    struct sqlite_slot *slots; /* by stmt.index */
    struct sqlite_cursor *cursors;
    bool create;    /* the file may be made */
    bool io_failed; /* set by sqlite_error */
    struct sqlite_connection *next_free;
};

struct sqlite;

/* Of "sqlite:/path". */
struct str sqlite_path(struct str url);
ERR_RESULT sqlite_connect(struct arena *arena, struct str url, enum sqlite_role role, struct sqlite_connection *c);
void sqlite_disconnect(struct sqlite_connection *c);
/* Errors: STATEMENT_BROKEN, with the statement's name. */
ERR_RESULT sqlite_prepare_all(struct arena *arena, struct sqlite_connection *c);
ERR_RESULT sqlite_exec(struct arena *arena, struct sqlite_connection *c, const char *sql);
/* The error that the connection's last call ended with; `what` was being done. */
ERR_RESULT sqlite_error(struct arena *arena, struct sqlite_connection *c, const char *what);
void sqlite_close_cursors(struct sqlite_connection *c);

ERR_RESULT sqlite_open(struct arena *arena, struct store *store);
void sqlite_close(struct store *store);
/* See store_drop_log. */
void sqlite_drop_log(struct store *store);
ERR_RESULT sqlite_purge(struct store *store, struct arena *arena, const char *const *tables, int wait_ms, int64_t bytes_max,
                        bool *gone);
ERR_RESULT sqlite_write(struct store *store, struct arena *arena, const struct store_job *job);
ERR_RESULT sqlite_read(struct store *store, struct arena *arena, const struct store_job *job);
/* Waits until a reader is free. */
struct sqlite_connection *sqlite_take_reader(struct sqlite *database);
void sqlite_give_reader(struct sqlite *database, struct sqlite_connection *c);

/* Backup (sqlite_backup.c), as in store_internal.h. */
ERR_RESULT sqlite_backup(struct arena *arena, const struct store_options *options, struct str temporary_path,
                         const struct store_sink *sink);
ERR_RESULT sqlite_restore_open(struct arena *arena, const struct store_options *options, int schema_number, void **out);
ERR_RESULT sqlite_restore_part(void *restore, struct str name);
ERR_RESULT sqlite_restore_bytes(void *restore, const void *bytes, size_t n);
ERR_RESULT sqlite_restore_finish(void *restore);
void sqlite_restore_close(void *restore);
ERR_RESULT sqlite_facts(struct store *store, struct arena *arena, struct store_facts *facts);

#endif
