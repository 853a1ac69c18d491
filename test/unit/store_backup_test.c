/* link: store test_support */
/* A backup is of one moment, and ends, though somebody commits between any two of its steps; and turns among processes. */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "store/sqlite_turn.h"
#include "store/store_backup.h"
#include "store/store_internal.h"
#include "support/test_store.h"

#define ROWS 300000
#define STEPS_MAX 400

static enum store_kind sqlite_kind = STORE_SQLITE, postgres_kind = STORE_POSTGRES;

static void bare(struct test_store *test, struct str url, const char *sql, int64_t *number)
{
    const struct store_driver *driver;
    struct store_options options = test->options;
    void *connection;
    options.url = url;
    assert_null(store_driver_of(test->arena, url, &driver));
    assert_null(driver->bare_open(test->arena, &options, false, &connection));
    assert_null(driver->bare_run(test->arena, connection, sql, number));
    driver->bare_close(connection);
}

struct copy {
    struct test_store *test;
    FILE *file; /* the part that holds the rows */
    bool wanted;
    int64_t lines, bytes;
    int steps;
};

static const struct err *on_part(void *arg, struct str name)
{
    struct copy *copy = arg;
    copy->wanted = str_eq(name, STR("huitou.db")) || str_eq(name, STR("table/calendar.copy"));
    return NULL;
}

static const struct err *on_bytes(void *arg, const void *bytes, size_t n)
{
    struct copy *copy = arg;
    for (size_t i = 0; copy->wanted && i < n; i++)
        copy->lines += ((const char *)bytes)[i] == '\n';
    if (copy->wanted)
        copy->bytes += (int64_t)fwrite(bytes, 1, n, copy->file);
    return NULL;
}

/* Somebody commits between two steps. */
static void on_progress(void *arg, int64_t done, int64_t total)
{
    struct copy *copy = arg;
    char sql[100];
    assert_true(done <= total);
    if (++copy->steps > STEPS_MAX)
        return; /* it would never end */
    snprintf(sql, sizeof sql, "INSERT INTO calendar (day, month) VALUES (%d, 0)", 1000000 + copy->steps);
    bare(copy->test, copy->test->options.url, sql, NULL);
}

static void one_moment(void **state)
{
    struct test_store *test = test_store_open(*(enum store_kind *)*state);
    struct copy copy = {.test = test};
    struct store_sink sink = {on_part, on_bytes, &copy, on_progress, &copy};
    struct str path = str_fmt(test->arena, "%s/copy", test->directory[0] ? test->directory : "/tmp");
    char file[] = "/tmp/huitou-copy-XXXXXX";
    int fd = mkstemp(file);
    int64_t rows = 0;
    copy.file = fdopen(fd, "wb");
    bare(test, test->options.url,
         "INSERT INTO calendar (day, month) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) "
         "SELECT i, 0 FROM n", NULL);
    const struct err *err = store_backup(test->arena, &test->options, path, &sink);
    assert_null(err);
    fclose(copy.file);
    assert_in_range(copy.steps, 3, STEPS_MAX);
    if (store_kind(test->store) == STORE_SQLITE)
        bare(test, str_fmt(test->arena, "sqlite:%s", file), "SELECT COUNT(*) FROM calendar", &rows);
    else
        rows = copy.lines - 1; /* the header */
    assert_int_equal(rows, ROWS);
    assert_int_not_equal(access(str_z(test->arena, path), F_OK), 0); /* nothing is left beside */
    bare(test, test->options.url, "SELECT COUNT(*) FROM calendar", &rows);
    assert_int_equal(rows, ROWS + copy.steps);
    for (int i = 0; i < 3; i++) {
        static const char *const ends[] = {"", "-wal", "-shm"};
        unlink(str_z(test->arena, str_fmt(test->arena, "%s%s", file, ends[i])));
    }
    test_store_close(test);
}

/* --- Turns: two opens of one file are strangers to each other, as two processes are --- */

struct other {
    struct sqlite_turn turn;
    _Atomic int *order;
    int at;
};

static void *wait_and_take(void *arg)
{
    struct other *other = arg;
    sqlite_turn_take(&other->turn, 60000);
    other->at = atomic_fetch_add(other->order, 1);
    sqlite_turn_give(&other->turn);
    return NULL;
}

/* Whether somebody queues: byte 0 of the file is taken. */
static bool queued(int fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
    assert_int_equal(fcntl(fd, F_OFD_GETLK, &lock), 0);
    return lock.l_type != F_UNLCK;
}

static void who_has_written_does_not_pass_who_waits(void **state)
{
    (void)state;
    char directory[] = "/tmp/huitou-turn-XXXXXX";
    assert_non_null(mkdtemp(directory));
    struct arena *arena = arena_new("test", 1 << 20);
    struct str path = str_fmt(arena, "%s/db", directory);
    _Atomic int order = 0;
    for (int round = 0; round < 20; round++) {
        struct sqlite_turn mine;
        struct other other = {.order = &order};
        pthread_t thread;
        sqlite_turn_open(&mine, arena, path);
        sqlite_turn_open(&other.turn, arena, path);
        assert_true(mine.fd >= 0 && other.turn.fd >= 0);
        sqlite_turn_take(&mine, 60000);
        assert_int_equal(pthread_create(&thread, NULL, wait_and_take, &other), 0);
        for (int i = 0; i < 60000 && !queued(mine.fd); i++)
            nanosleep(&(struct timespec){0, 1000000}, NULL);
        assert_true(queued(mine.fd));
        sqlite_turn_give(&mine);
        sqlite_turn_take(&mine, 60000); /* at once again: the other one was first */
        int at = atomic_fetch_add(&order, 1);
        sqlite_turn_give(&mine);
        pthread_join(thread, NULL);
        assert_true(other.at < at);
        sqlite_turn_close(&mine);
        sqlite_turn_close(&other.turn);
    }
    unlink(str_z(arena, str_fmt(arena, "%s/db-turn", directory)));
    assert_int_equal(rmdir(directory), 0);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"one moment (sqlite)", one_moment, NULL, NULL, &sqlite_kind},
        {"one moment (postgres)", one_moment, NULL, NULL, &postgres_kind},
        cmocka_unit_test(who_has_written_does_not_pass_who_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
