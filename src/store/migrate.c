/* Migrations: which of them a database has, and applying those that it has not. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "store/store_internal.h"

static const char *const sql_last_number = "SELECT COALESCE(MAX(number), 0) FROM schema_migration";

/* The number of the last migration that was applied; 0 for an empty database. */
static const struct err *last_number(struct arena *arena, const struct store_driver *driver,
                                     void *bare, int64_t *number)
{
    int64_t there = 0;
    *number = 0;
    TRY(driver->bare_run(arena, bare, driver->sql_has_schema, &there));
    if (there)
        TRY(driver->bare_run(arena, bare, sql_last_number, number));
    return NULL;
}

static const struct err *schema_new(struct arena *arena, int64_t number)
{
    return ERR_NEW(arena, ERR_SCHEMA_NEW, STR("store"), str_fmt(arena, "%lld", (long long)number),
                   str_fmt(arena, "%d", migration_count));
}

static const struct err *compare(struct arena *arena, const struct store_driver *driver, void *bare)
{
    int64_t number;
    TRY(last_number(arena, driver, bare, &number));
    if (number > migration_count)
        return schema_new(arena, number);
    if (number < migration_count) {
        return ERR_NEW(arena, ERR_SCHEMA_OLD, STR("store"),
                       str_fmt(arena, "%lld", (long long)number),
                       str_fmt(arena, "%d", migration_count));
    }
    return NULL;
}

const struct err *store_check_schema(struct arena *arena, const struct store_driver *driver,
                                     const struct store_options *options)
{
    void *bare;
    TRY(driver->bare_open(arena, options, false, &bare));
    const struct err *err = compare(arena, driver, bare);
    driver->bare_close(bare);
    return err;
}

/* A title as an SQL string. */
static const char *quoted(struct arena *arena, const char *text)
{
    struct buf buf = buf_new(arena, 2 * strlen(text) + 3);
    buf_char(&buf, '\'');
    for (const char *p = text; *p; p++) {
        if (*p == '\'')
            buf_char(&buf, '\'');
        buf_char(&buf, *p);
    }
    buf_char(&buf, '\'');
    return str_z(arena, buf_view(&buf));
}

static const struct err *note_applied(struct arena *arena, const struct store_driver *driver,
                                      void *bare, const struct migration *m, int64_t now_us)
{
    struct str sql = str_fmt(
        arena, "INSERT INTO schema_migration (number, title, applied_at) VALUES (%d, %s, %lld)",
        m->number, quoted(arena, m->title), (long long)now_us);
    return driver->bare_run(arena, bare, str_z(arena, sql), NULL);
}

/* Inside a transaction that holds the lock on schema_migration: applies the next migration, if
 * there is one. */
static const struct err *apply_next(struct arena *arena, const struct store_driver *driver,
                                    void *bare, int last, int64_t now_us, bool *applied)
{
    int64_t number;
    TRY(driver->bare_run(arena, bare, driver->sql_lock_schema, NULL));
    TRY(driver->bare_run(arena, bare, sql_last_number, &number));
    if (number > migration_count)
        return schema_new(arena, number);
    *applied = number < last;
    if (!*applied)
        return NULL;
    const struct migration *m = &migration_all[number];
    const char *const *statements = driver->kind == STORE_SQLITE ? m->sqlite : m->postgres;
    for (int i = 0; i < m->statement_count; i++) {
        const struct err *err = driver->bare_run(arena, bare, statements[i], NULL);
        if (err) {
            return ERR_NEW(arena, ERR_MIGRATION_FAILED, STR("store"),
                           str_fmt(arena, "%d", m->number), str_c(m->title),
                           err_text(arena, err, LANG_EN));
        }
    }
    return note_applied(arena, driver, bare, m, now_us);
}

static const struct err *in_transaction(struct arena *arena, const struct store_driver *driver,
                                        void *bare, int last, int64_t now_us, bool *applied)
{
    TRY(driver->bare_run(arena, bare, driver->sql_begin, NULL));
    const struct err *err = apply_next(arena, driver, bare, last, now_us, applied);
    if (!err)
        err = driver->bare_run(arena, bare, "COMMIT", NULL);
    if (err) {
        const struct err *lost = driver->bare_run(arena, bare, "ROLLBACK", NULL);
        (void)lost; /* the connection is closed next, which rolls back too */
    }
    return err;
}

static const struct err *create_schema_table(struct arena *arena, const struct store_driver *driver,
                                             void *bare)
{
    int64_t there;
    TRY(driver->bare_run(arena, bare, driver->sql_has_schema, &there));
    if (there)
        return NULL;
    TRY(driver->bare_run(arena, bare, driver->sql_begin, NULL));
    TRY(driver->bare_run(arena, bare, driver->sql_guard_create, NULL));
    TRY(driver->bare_run(arena, bare, driver->sql_create_schema, NULL));
    return driver->bare_run(arena, bare, "COMMIT", NULL);
}

static const struct err *apply_all(struct arena *arena, const struct store_driver *driver,
                                   void *bare, int last, int64_t now_us, int *applied_count)
{
    TRY(create_schema_table(arena, driver, bare));
    for (;;) {
        bool applied = false;
        TRY(in_transaction(arena, driver, bare, last, now_us, &applied));
        if (!applied)
            return NULL;
        ++*applied_count;
    }
}

const struct err *store_migrate_to(struct arena *arena, const struct store_options *options,
                                   int number, int *applied_count)
{
    const struct store_driver *driver;
    void *bare;
    int applied = 0;
    TRY(store_driver_of(arena, options->url, &driver));
    TRY(driver->bare_open(arena, options, true, &bare));
    int64_t now_us = clock_now_us(&options->deps.clock);
    const struct err *err = apply_all(arena, driver, bare, number, now_us, &applied);
    driver->bare_close(bare);
    if (applied_count)
        *applied_count = applied;
    return err;
}

const struct err *store_migrate(struct arena *arena, const struct store_options *options,
                                int *applied_count)
{
    return store_migrate_to(arena, options, migration_count, applied_count);
}

/* --- Taking away ------------------------------------------------------------------------------ */

static const struct err *remove_files(struct arena *arena, struct str path)
{
    static const char *const endings[] = {"-shm", "-wal", "-journal", "-turn", ""};
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        struct str name = str_fmt(arena, "%.*s%s", STR_ARG(path), endings[i]);
        if (unlink(str_z(arena, name)) != 0 && errno != ENOENT)
            return ERR_NEW(arena, ERR_FILE_WRITE, name, str_c(strerrordesc_np(errno)));
    }
    return NULL;
}

/* The table that a statement of a migration makes; absent where it makes none. */
static struct str table_made(struct str statement)
{
    struct str rest = str_trim(statement);
    if (!str_starts(rest, STR("CREATE TABLE ")))
        return STR_NONE;
    return str_cut(str_slice(rest, STR("CREATE TABLE ").n, rest.n), ' ', &rest);
}

static const struct err *drop_table(struct arena *arena, void *bare, struct str table)
{
    struct str sql = str_fmt(arena, "DROP TABLE IF EXISTS %.*s CASCADE", STR_ARG(table));
    return postgres_driver.bare_run(arena, bare, str_z(arena, sql), NULL);
}

static const struct err *drop_tables(struct arena *arena, void *bare)
{
    TRY(postgres_driver.bare_run(arena, bare, postgres_driver.sql_begin, NULL));
    for (int m = 0; m < migration_count; m++) {
        for (int i = 0; i < migration_all[m].statement_count; i++) {
            struct str table = table_made(str_c(migration_all[m].postgres[i]));
            if (table.p)
                TRY(drop_table(arena, bare, table));
        }
    }
    TRY(drop_table(arena, bare, STR("schema_migration")));
    return postgres_driver.bare_run(arena, bare, "COMMIT", NULL);
}

const struct err *store_remove(struct arena *arena, struct str url)
{
    const struct store_driver *driver;
    struct store_options options = {.url = url};
    void *bare;
    TRY(store_driver_of(arena, url, &driver));
    if (driver->kind == STORE_SQLITE)
        return remove_files(arena, str_slice(url, STR("sqlite:").n, url.n));
    TRY(driver->bare_open(arena, &options, false, &bare));
    const struct err *err = drop_tables(arena, bare);
    driver->bare_close(bare);
    return err;
}
