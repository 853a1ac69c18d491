/* Inside the store: what a driver does for the runner (store.c) and what both know of a transaction. */
#ifndef HUITOU_STORE_STORE_INTERNAL_H
#define HUITOU_STORE_STORE_INTERNAL_H

#include "base/arena.h"
#include "store/migration.h"
#include "store/store.h"
#include "store/store_backup.h"

#define STORE_READER_COUNT_DEFAULT 4
#define STORE_MESSAGE_BYTES_MAX 2000

struct store_driver;

struct store {
    const struct store_driver *driver;
    struct store_options options;
    void *database; /* the driver's own */
    _Atomic int64_t commits, commands, retries, checkpoints;
};

/* What has asked to run before the commit. */
struct before_commit {
    store_fn *fn;
    void *arg;
    struct before_commit *next;
};

struct tx {
    struct store *store;
    struct arena *arena;
    void *connection; /* the driver's own */
    const char *job_name;
    int64_t now_us;
    const struct err *failure; /* the first error of a statement: nothing runs any more, it cannot commit */
    struct before_commit *first, *last;
    void *slots[TX_SLOT_MAX];
};

/* One try of a transaction: begin, tx_run, commit or roll back. */
typedef const struct err *store_try_fn(struct store *store, struct arena *arena, const struct store_job *job);

struct store_driver {
    enum store_kind kind;
    const struct err *(*open)(struct arena *arena, struct store *store);
    void (*close)(struct store *store);
    store_try_fn *write, *read;
    /* changed NULL: nobody waits for the answer. */
    const struct err *(*run)(struct tx *tx, const struct stmt *stmt, const void *in, int64_t *changed);
    const struct err *(*one)(struct tx *tx, const struct stmt *stmt, const void *in, void *out, bool *found);
    const struct err *(*many)(struct tx *tx, const struct stmt *stmt, const void *ins, size_t count, void *outs,
                              bool *found);
    const struct err *(*bulk)(struct tx *tx, const struct stmt *stmt, const void *ins, size_t count);
    const struct err *(*open_cursor)(struct tx *tx, const struct stmt *stmt, const void *in, void **cursor);
    const struct err *(*next)(struct tx *tx, const struct stmt *stmt, void *cursor, void *out, bool *has);
    void (*close_cursor)(struct tx *tx, void *cursor);
    const struct err *(*explain)(struct store *store, struct arena *arena, const struct stmt *stmt,
                                 struct str *plan, bool *full_scan);
    void (*drop_log)(struct store *store); /* NULL: nothing to do */
    const struct err *(*purge)(struct store *store, struct arena *arena, const char *const *tables, int wait_ms,
                               int64_t bytes_max, bool *gone);
    /* A bare connection for migrations; create: SQLite makes the file where there is none. */
    const struct err *(*bare_open)(struct arena *arena, const struct store_options *options, bool create,
                                   void **bare);
    void (*bare_close)(void *bare);
    /* Runs one statement; where number is given, reads the one integer that it returns. */
    const struct err *(*bare_run)(struct arena *arena, void *bare, const char *sql, int64_t *number);
    /* store_backup.h */
    const struct err *(*backup)(struct arena *arena, const struct store_options *options, struct str temporary_path,
                                const struct store_sink *sink);
    const struct err *(*restore_open)(struct arena *arena, const struct store_options *options, int schema_number,
                                      void **out);
    const struct err *(*restore_part)(void *restore, struct str name);
    const struct err *(*restore_bytes)(void *restore, const void *bytes, size_t n);
    const struct err *(*restore_finish)(void *restore);
    void (*restore_close)(void *restore);
    const struct err *(*facts)(struct store *store, struct arena *arena, struct store_facts *facts);
    const char *sql_begin;      /* of a migration */
    const char *sql_has_schema; /* returns 1 where the table schema_migration is there */
    const char *sql_guard_create; /* keeps two from creating it at once */
    const char *sql_create_schema, *sql_lock_schema;
};
extern const struct store_driver sqlite_driver, postgres_driver;

/* The driver of an url. Errors: STORE_OPEN. */
ERR_RESULT store_driver_of(struct arena *arena, struct str url, const struct store_driver **out);
/* The number of the last migration that was applied, and whether this program knows it. */
ERR_RESULT store_check_schema(struct arena *arena, const struct store_driver *driver,
                              const struct store_options *options);
/* store_migrate, but not beyond the migration of that number. */
ERR_RESULT store_migrate_to(struct arena *arena, const struct store_options *options, int number, int *applied_count);
void tx_init(struct tx *tx, struct store *store, struct arena *arena, const struct store_job *job);
/* The job's function, then what was asked for before the commit. */
ERR_RESULT tx_run(struct tx *tx, const struct store_job *job);
/* A message from a database library, without its line breaks. */
struct str store_message(struct arena *arena, const char *message);

/* Reading and writing the fields of parameter and column structs. */
struct str stmt_get_str(const struct stmt_field *field, const void *base);
bool stmt_get_i64(const struct stmt_field *field, const void *base, int64_t *v); /* false: NULL */
bool stmt_get_f64(const struct stmt_field *field, const void *base, double *v);
void stmt_put_null(const struct stmt_field *field, void *base);
void stmt_put_i64(const struct stmt_field *field, void *base, int64_t v);
void stmt_put_f64(const struct stmt_field *field, void *base, double v);
void stmt_put_str(const struct stmt_field *field, void *base, struct str v);

#endif
