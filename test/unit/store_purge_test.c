/* link: store test_support */
/* store_purge: what was deleted lies in no file of the database any more, on either database; while somebody could still see
 * it, or holds a lock, it says so and changes nothing that is seen. The files are read as they lie on the disk. */
#include <libpq-fe.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "codec/file.h"
#include "store/store_internal.h"
#include "support/test_store.h"

#define MARK "a-wrapped-key-that-must-go"
#define ROWS 2000
#define PATIENCE_MS 60000  /* other tests write on the same server of PostgreSQL, and are waited for */
#define MARKED (ROWS / 50) /* among others that stay, as an erasure has it */

static enum store_kind sqlite_kind = STORE_SQLITE, postgres_kind = STORE_POSTGRES;
static const char *const tables[] = {"event_head", "customer_keeper", "audit", NULL};

static void bare(struct test_store *test, const char *sql)
{
    const struct store_driver *driver;
    void *connection;
    assert_null(store_driver_of(test->arena, test->options.url, &driver));
    assert_null(driver->bare_open(test->arena, &test->options, false, &connection));
    const struct err *err = driver->bare_run(test->arena, connection, sql, NULL);
    if (err)
        fail_msg("%s", str_z(test->arena, err_text(test->arena, err, LANG_EN)));
    driver->bare_close(connection);
}

/* --- Somebody else's session, by the databases' own libraries --- */

struct other {
    sqlite3 *sqlite;
    PGconn *postgres;
};

static const char *ask(struct other *other, struct test_store *test, const char *sql)
{
    if (other->sqlite) {
        assert_int_equal(sqlite3_exec(other->sqlite, sql, NULL, NULL, NULL), SQLITE_OK);
        return "";
    }
    PGresult *result = PQexec(other->postgres, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(other->postgres));
    const char *text = PQntuples(result) ? str_z(test->arena, str_copy(test->arena, str_c(PQgetvalue(result, 0, 0)))) : "";
    PQclear(result);
    return text;
}

static struct other other_open(struct test_store *test)
{
    struct other other = {NULL, NULL};
    const char *url = str_z(test->arena, test->options.url);
    if (store_kind(test->store) == STORE_SQLITE)
        assert_int_equal(sqlite3_open(url + strlen("sqlite:"), &other.sqlite), SQLITE_OK);
    else
        other.postgres = PQconnectdb(url);
    assert_true(other.sqlite || PQstatus(other.postgres) == CONNECTION_OK);
    return other;
}

static void other_close(struct other *other)
{
    if (other->sqlite)
        assert_int_equal(sqlite3_close(other->sqlite), SQLITE_OK);
    else
        PQfinish(other->postgres);
}

/* --- The files --- */

static int count_in(struct test_store *test, struct str path)
{
    struct str content;
    int count = 0;
    struct arena *arena = arena_new("file", (size_t)1 << 30);
    if (file_exists(arena, path)) {
        assert_null(file_read(arena, path, (size_t)256 << 20, &content));
        for (const char *p = content.p; p && (p = memmem(p, (size_t)(content.p + content.n - p), MARK, strlen(MARK))); p++)
            count++;
    }
    arena_free(arena);
    (void)test;
    return count;
}

static int marks(struct test_store *test)
{
    int count = 0;
    if (store_kind(test->store) == STORE_SQLITE) {
        struct str path = str_slice(test->options.url, strlen("sqlite:"), test->options.url.n);
        return count_in(test, path) + count_in(test, str_fmt(test->arena, "%.*s-wal", STR_ARG(path)));
    }
    struct other other = other_open(test);
    ask(&other, test, "CHECKPOINT"); /* what the server holds in memory goes to its files */
    const char *folder = ask(&other, test, "SHOW data_directory");
    static const char *const relations[] = {"audit", "pg_statistic"};
    for (size_t i = 0; i < 2; i++) {
        struct str sql = str_fmt(test->arena, "SELECT pg_relation_filepath('%s')", relations[i]);
        struct str file = str_fmt(test->arena, "%s/%s", folder, ask(&other, test, str_z(test->arena, sql)));
        assert_true(file_exists(test->arena, file)); /* the server runs on this machine */
        count += count_in(test, file);
    }
    other_close(&other);
    return count;
}

static bool purge(struct test_store *test, int wait_ms)
{
    bool gone;
    assert_null(store_purge(test->store, test->arena, tables, wait_ms, INT64_MAX, &gone));
    return gone;
}

static void fill(struct test_store *test)
{
    /* Statistics are gathered when the test says so: an autovacuum at this moment would make some of its own. */
    if (store_kind(test->store) == STORE_POSTGRES)
        bare(test, "ALTER TABLE audit SET (autovacuum_enabled = false)");
    bare(test, "INSERT INTO audit (audit_id, at, by_kind, by_id, by_name, endpoint, object, before, after, request_id) "
               "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) "
               "SELECT i, i, 1, 1, 'x', 'x', 'x', CASE WHEN i % 50 = 0 THEN '" MARK "' ELSE 'somebody else''s affair' END, NULL, '' FROM n");
    if (store_kind(test->store) == STORE_POSTGRES)
        bare(test, "ANALYZE audit");
}

static void gone_from_the_files(void **state)
{
    struct test_store *test = test_store_open(*(enum store_kind *)*state);
    fill(test);
    assert_true(marks(test) >= MARKED);
    bare(test, "UPDATE audit SET before = NULL WHERE audit_id % 100 = 0");
    bare(test, "DELETE FROM audit WHERE audit_id % 100 = 50");
    if (store_kind(test->store) == STORE_POSTGRES) {
        bare(test, "VACUUM audit");
        assert_true(marks(test) > 0); /* which is why that is not enough */
    }
    if (store_kind(test->store) == STORE_POSTGRES) {
        /* 2,000 rows of some 60 bytes take more than ten thousand, and less than ten million. */
        bool gone;
        assert_null(store_purge(test->store, test->arena, tables, PATIENCE_MS, 10000, &gone));
        assert_false(gone);
        assert_true(marks(test) > 0);
        assert_null(store_purge(test->store, test->arena, tables, PATIENCE_MS, 10000000, &gone));
        assert_true(gone);
        assert_int_equal(marks(test), 0);
    }
    assert_true(purge(test, PATIENCE_MS));
    assert_int_equal(marks(test), 0);
    assert_true(purge(test, PATIENCE_MS)); /* again, with nothing to do */
    test_store_close(test);
}

/* What is deleted while the other one's transaction is open is said to be gone, and is, once that has ended. */
static void check_waits_for(struct test_store *test, struct other *other)
{
    bare(test, "DELETE FROM audit WHERE audit_id % 50 = 0");
    assert_false(purge(test, 500));
    ask(other, test, "COMMIT");
    assert_true(purge(test, PATIENCE_MS));
    assert_int_equal(marks(test), 0);
}

/* A report or a backup that began before sees what was there then. */
static void a_reader_is_in_the_way(void **state)
{
    struct test_store *test = test_store_open(*(enum store_kind *)*state);
    fill(test);
    struct other other = other_open(test);
    ask(&other, test, other.sqlite ? "BEGIN" : "BEGIN ISOLATION LEVEL REPEATABLE READ");
    ask(&other, test, "SELECT COUNT(*) FROM staff"); /* another table: its snapshot is what counts */
    check_waits_for(test, &other);
    /* And one who holds a lock. */
    if (other.postgres) {
        bare(test, "DELETE FROM audit");
        fill(test);
        ask(&other, test, "BEGIN; LOCK TABLE audit IN ACCESS SHARE MODE");
        check_waits_for(test, &other);
    }
    other_close(&other);
    test_store_close(test);
}

/* Somebody who writes in another database of the same server, and began before the deletion: what is written anew meanwhile
 * keeps what was deleted, and may not be said to be gone. */
static void a_writer_elsewhere_is_in_the_way(void **state)
{
    struct test_store *test = test_store_open(*(enum store_kind *)*state);
    fill(test);
    PGconn *elsewhere = PQconnectdb(getenv("HUITOU_TEST_POSTGRES"));
    struct other other = {NULL, elsewhere};
    assert_int_equal(PQstatus(elsewhere), CONNECTION_OK);
    ask(&other, test, "BEGIN");
    ask(&other, test, "SELECT pg_current_xact_id()");
    check_waits_for(test, &other);
    other_close(&other);
    test_store_close(test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"gone from the files (sqlite)", gone_from_the_files, NULL, NULL, &sqlite_kind},
        {"gone from the files (postgres)", gone_from_the_files, NULL, NULL, &postgres_kind},
        {"a reader is in the way (sqlite)", a_reader_is_in_the_way, NULL, NULL, &sqlite_kind},
        {"a reader is in the way (postgres)", a_reader_is_in_the_way, NULL, NULL, &postgres_kind},
        {"a writer elsewhere is in the way", a_writer_elsewhere_is_in_the_way, NULL, NULL, &postgres_kind},
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
