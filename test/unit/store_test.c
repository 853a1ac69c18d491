/* link: store test_support */
/* The store on both databases. This program has statements and migrations of its own: it defines
 * stmt_all and migration_all, so that the linker leaves out those that mksql made. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "base/arena.h"
#include "store/postgres_internal.h"
#include "store/store_internal.h"
#include "support/test_store.h"

/* --- Statements and migrations of this test ------------------------------------------------------
 */

struct thing {
    int64_t id;
    struct opt_i64 i;
    struct opt_f64 f;
    struct str t, b;
};
struct pair {
    int64_t id, n;
};
struct number {
    int64_t n;
};
struct words {
    struct str t;
};

#define FIELD(type_name, field, kind, is_nullable)                                                 \
    {                                                                                              \
#field, kind, is_nullable, offsetof(struct type_name, field)                               \
    }
static const struct stmt_field thing_fields[] = {
    FIELD(thing, id, STMT_I64, false), FIELD(thing, i, STMT_I64, true),
    FIELD(thing, f, STMT_F64, true),   FIELD(thing, t, STMT_TEXT, true),
    FIELD(thing, b, STMT_BYTES, true),
};
static const struct stmt_field pair_fields[] = {FIELD(pair, id, STMT_I64, false),
                                                FIELD(pair, n, STMT_I64, false)};
static const struct stmt_field number_fields[] = {FIELD(number, n, STMT_I64, false)};
static const struct stmt_field words_fields[] = {FIELD(words, t, STMT_TEXT, false)};

#define IN(type_name, fields, count)                                                               \
    .in = fields, .in_count = count, .in_size = sizeof(struct type_name)
#define OUT(type_name, fields, count)                                                              \
    .out = fields, .out_count = count, .out_size = sizeof(struct type_name)
#define BOTH_SQL(text_sqlite, text_postgres)                                                       \
    .file = "store_test.c", .sql_sqlite = text_sqlite, .sql_postgres = text_postgres

static const struct stmt thing_insert = {
    .name = "thing_insert",
    .index = 0,
    IN(thing, thing_fields, 5),
    BOTH_SQL("INSERT INTO thing (id, i, f, t, b) VALUES (?1, ?2, ?3, ?4, ?5)",
             "INSERT INTO thing (id, i, f, t, b) VALUES ($1, $2, $3, $4, $5)"),
    .bulk_table = "thing",
    .bulk_columns = "id, i, f, t, b"};
static const struct stmt thing_get = {.name = "thing_get",
                                      .index = 1,
                                      IN(number, number_fields, 1),
                                      OUT(thing, thing_fields, 5),
                                      BOTH_SQL("SELECT id, i, f, t, b FROM thing WHERE id = ?1",
                                               "SELECT id, i, f, t, b FROM thing WHERE id = $1")};
static const struct stmt thing_all = {.name = "thing_all",
                                      .index = 2,
                                      OUT(thing, thing_fields, 5),
                                      .rows_many = true,
                                      .scan_meant = true,
                                      BOTH_SQL("SELECT id, i, f, t, b FROM thing ORDER BY id",
                                               "SELECT id, i, f, t, b FROM thing ORDER BY id")};
static const struct stmt thing_from = {
    .name = "thing_from",
    .index = 3,
    IN(number, number_fields, 1),
    OUT(thing, thing_fields, 5),
    BOTH_SQL("SELECT id, i, f, t, b FROM thing WHERE id >= ?1 ORDER BY id",
             "SELECT id, i, f, t, b FROM thing WHERE id >= $1 ORDER BY id")};
static const struct stmt thing_count = {
    .name = "thing_count",
    .index = 4,
    OUT(number, number_fields, 1),
    .scan_meant = true,
    BOTH_SQL("SELECT COUNT(*) FROM thing", "SELECT COUNT(*) FROM thing")};
static const struct stmt thing_delete = {
    .name = "thing_delete",
    .index = 5,
    IN(number, number_fields, 1),
    BOTH_SQL("DELETE FROM thing WHERE id >= ?1", "DELETE FROM thing WHERE id >= $1")};
static const struct stmt counter_make = {.name = "counter_make",
                                         .index = 6,
                                         IN(number, number_fields, 1),
                                         BOTH_SQL("INSERT INTO counter (id, n) VALUES (?1, 0)",
                                                  "INSERT INTO counter (id, n) VALUES ($1, 0)")};
static const struct stmt counter_add = {
    .name = "counter_add",
    .index = 7,
    IN(pair, pair_fields, 2),
    OUT(number, number_fields, 1),
    BOTH_SQL("UPDATE counter SET n = n + ?2 WHERE id = ?1 RETURNING n",
             "UPDATE counter SET n = n + $2 WHERE id = $1 RETURNING n")};
/* Ends its own session on PostgreSQL. */
static const struct stmt kill_self = {
    .name = "kill_self",
    .index = 8,
    OUT(number, number_fields, 1),
    BOTH_SQL("SELECT 1",
             "SELECT CASE WHEN pg_terminate_backend(pg_backend_pid()) THEN 1 ELSE 0 END")};
static const struct stmt words_echo = {.name = "words_echo",
                                       .index = 9,
                                       IN(words, words_fields, 1),
                                       OUT(words, words_fields, 1),
                                       BOTH_SQL("SELECT ?1", "SELECT $1")};
static const struct stmt thing_scan = {
    .name = "thing_scan",
    .index = 10,
    IN(number, number_fields, 1),
    OUT(number, number_fields, 1),
    BOTH_SQL("SELECT id FROM thing WHERE i = ?1", "SELECT id FROM thing WHERE i = $1")};
static struct stmt changeable = {/* a test breaks it */
                                 .name = "changeable",
                                 .index = 11,
                                 OUT(number, number_fields, 1),
                                 BOTH_SQL("SELECT 1", "SELECT 1")};

const struct stmt *const stmt_all[] = {
    &thing_insert, &thing_get,   &thing_all, &thing_from, &thing_count, &thing_delete,
    &counter_make, &counter_add, &kill_self, &words_echo, &thing_scan,  &changeable,
};
const int stmt_count = sizeof(stmt_all) / sizeof(stmt_all[0]);

static const char *const first_sqlite[] = {"CREATE TABLE thing (id INTEGER NOT NULL, i INTEGER, f "
                                           "REAL, t TEXT, b BLOB, PRIMARY KEY (id)) STRICT"};
static const char *const first_postgres[] = {
    "CREATE TABLE thing (id BIGINT NOT NULL, i BIGINT, f DOUBLE PRECISION, t TEXT, b BYTEA, "
    "PRIMARY KEY (id))"};
static const char *const second_sqlite[] = {
    "CREATE TABLE counter (id INTEGER NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (id)) STRICT",
    "INSERT INTO counter (id, n) VALUES (1, 0)", "INSERT INTO counter (id, n) VALUES (2, 0)"};
static const char *const second_postgres[] = {
    "CREATE TABLE counter (id BIGINT NOT NULL, n BIGINT NOT NULL, PRIMARY KEY (id))",
    "INSERT INTO counter (id, n) VALUES (1, 0)", "INSERT INTO counter (id, n) VALUES (2, 0)"};
const struct migration migration_all[] = {
    {1, "things", first_sqlite, first_postgres, 1},
    {2, "counters; it's two of them", second_sqlite, second_postgres, 3},
};
const int migration_count = 2;

/* --- Helpers -------------------------------------------------------------------------------------
 */

static enum store_kind sqlite_kind = STORE_SQLITE, postgres_kind = STORE_POSTGRES;

static struct test_store *open_for(void **state)
{
    return test_store_open(*(enum store_kind *)*state);
}

static const struct err *write_with(struct test_store *test, struct arena *arena, store_fn *fn,
                                    void *arg)
{
    struct store_job job = {.name = "a job", .fn = fn, .arg = arg};
    return store_write(test->store, arena, &job);
}

static const struct err *count_things(struct tx *tx, void *arg)
{
    struct number row;
    bool found;
    TRY(stmt_one(tx, &thing_count, NULL, &row, &found));
    assert_true(found);
    *(int64_t *)arg = row.n;
    return NULL;
}

static int64_t things(struct test_store *test)
{
    int64_t n;
    test_read(test, count_things, &n);
    return n;
}

static const struct err *read_counter(struct tx *tx, void *arg)
{
    int64_t *io = arg; /* in: id, out: n */
    struct number row;
    bool found;
    TRY(stmt_one(tx, &counter_add, &(struct pair){*io, 0}, &row, &found));
    *io = row.n;
    return NULL;
}

static int64_t counter(struct test_store *test, int64_t id)
{
    test_write(test, read_counter, &id);
    return id;
}

static const struct err *insert_id(struct tx *tx, void *arg)
{
    return stmt_run(tx, &thing_insert, &(struct thing){.id = *(int64_t *)arg});
}

/* --- Values --------------------------------------------------------------------------------------
 */

static const struct thing samples[] = {
    {1,
     {true, INT64_MAX},
     {true, 1.0 / 3.0},
     STR_INIT("it's \"quoted\"; -- not a comment"),
     STR_INIT("\0\1\377\0")},
    {2, {true, INT64_MIN}, {true, -1.7976931348623157e308}, STR_INIT("回头客 😀 é"), STR_INIT("")},
    {3, {false, 0}, {false, 0}, {NULL, 0}, {NULL, 0}},
    {4, {true, 0}, {true, 5e-324}, STR_INIT(""), STR_INIT("?1 $1 :a")},
    {INT64_MIN, {true, -1}, {true, 0.0}, STR_INIT("\t\n\r"), STR_INIT("x")},
    {INT64_MAX, {true, 1}, {true, 2.0}, STR_INIT("\\x41 \\"), STR_INIT("\\x41")},
};
#define SAMPLE_COUNT (sizeof(samples) / sizeof(samples[0]))

static void assert_str(struct str got, struct str want)
{
    assert_int_equal(got.p == NULL, want.p == NULL);
    assert_int_equal(got.n, want.n);
    if (want.n > 0)
        assert_memory_equal(got.p, want.p, want.n);
}

static void assert_thing(const struct thing *got, const struct thing *want)
{
    assert_true(got->id == want->id);
    assert_true(got->i.set == want->i.set && got->i.v == want->i.v);
    assert_true(got->f.set == want->f.set && memcmp(&got->f.v, &want->f.v, sizeof(double)) == 0);
    assert_str(got->t, want->t);
    assert_str(got->b, want->b);
}

static const struct err *write_samples(struct tx *tx, void *arg)
{
    (void)arg;
    for (size_t i = 0; i < SAMPLE_COUNT; i++)
        TRY(stmt_run(tx, &thing_insert, &samples[i]));
    return NULL;
}

static const struct err *read_samples(struct tx *tx, void *arg)
{
    (void)arg;
    for (size_t i = 0; i < SAMPLE_COUNT; i++) {
        struct thing row;
        bool found;
        TRY(stmt_one(tx, &thing_get, &(struct number){samples[i].id}, &row, &found));
        assert_true(found);
        assert_thing(&row, &samples[i]);
    }
    struct thing row;
    bool found = true;
    TRY(stmt_one(tx, &thing_get, &(struct number){77}, &row, &found));
    assert_false(found);
    return NULL;
}

static void values_come_back_as_they_were(void **state)
{
    struct test_store *test = open_for(state);
    test_write(test, write_samples, NULL);
    test_read(test, read_samples, NULL);
    test_store_close(test);
}

static void refuse(struct test_store *test, store_fn *fn, void *arg, enum err_code code)
{
    struct arena *arena = arena_new("refused", 1 << 24);
    const struct err *err = write_with(test, arena, fn, arg);
    assert_non_null(err);
    if (err->code != code)
        fail_msg("%.*s", STR_ARG(err_text(arena, err, LANG_EN)));
    arena_free(arena);
}

static const struct err *echo(struct tx *tx, void *arg)
{
    struct words out;
    bool found;
    return stmt_one(tx, &words_echo, arg, &out, &found);
}

static void bad_text_is_refused_by_both(void **state)
{
    struct test_store *test = open_for(state);
    refuse(test, echo, &(struct words){STR("a\0b")}, ERR_STATEMENT_PARAMETER);
    refuse(test, echo, &(struct words){STR("\xff")}, ERR_STATEMENT_PARAMETER);
    refuse(test, echo, &(struct words){STR_NONE}, ERR_STATEMENT_PARAMETER);
    test_write(test, echo, &(struct words){STR("好")});
    test_store_close(test);
}

/* --- Transactions --------------------------------------------------------------------------------
 */

static const struct err *insert_then_fail(struct tx *tx, void *arg)
{
    TRY(insert_id(tx, arg));
    return ERR_NEW(tx_arena(tx), ERR_FILE_OPEN, STR("x"), STR("no"));
}

static const struct err *insert_twice_and_go_on(struct tx *tx, void *arg)
{
    const struct err *err = insert_id(tx, arg);
    int64_t n;
    err = insert_id(tx, arg); /* breaks the primary key; its error is lost here … */
    err = count_things(tx, &n);
    (void)err;
    return NULL; /* … but not for the transaction */
}

static const struct err *two_rows_for_one(struct tx *tx, void *arg)
{
    struct thing row;
    bool found;
    (void)arg;
    TRY(stmt_run(tx, &thing_insert, &(struct thing){.id = 10}));
    TRY(stmt_run(tx, &thing_insert, &(struct thing){.id = 11}));
    return stmt_one(tx, &thing_from, &(struct number){10}, &row, &found);
}

static void an_error_rolls_back(void **state)
{
    struct test_store *test = open_for(state);
    int64_t id = 5;
    refuse(test, insert_then_fail, &id, ERR_FILE_OPEN);
    assert_int_equal(things(test), 0);
    refuse(test, insert_twice_and_go_on, &id, ERR_STORE_CONSTRAINT);
    assert_int_equal(things(test), 0);
    refuse(test, two_rows_for_one, NULL, ERR_STATEMENT_RESULT);
    assert_int_equal(things(test), 0);
    test_write(test, insert_id, &id);
    assert_int_equal(things(test), 1);
    test_store_close(test);
}

struct notes {
    char text[64];
    int tries;
};

static const struct err *note_a(struct tx *tx, void *arg)
{
    (void)tx;
    strcat(((struct notes *)arg)->text, "a");
    return NULL;
}

static const struct err *note_c(struct tx *tx, void *arg)
{
    (void)tx;
    strcat(((struct notes *)arg)->text, "c");
    return NULL;
}

static const struct err *note_b(struct tx *tx, void *arg)
{
    strcat(((struct notes *)arg)->text, "b");
    tx_before_commit(tx, note_c, arg);
    tx_before_commit(tx, note_a, arg); /* asked for before: runs once */
    return NULL;
}

static const struct err *ask(struct tx *tx, void *arg)
{
    struct notes *notes = arg;
    tx_before_commit(tx, note_a, notes);
    tx_before_commit(tx, note_b, notes);
    tx_before_commit(tx, note_a, notes);
    strcat(notes->text, "f");
    void **slot = tx_slot(tx, TX_SLOT_ROOM);
    assert_null(*slot);
    *slot = notes;
    assert_true(tx_now_us(tx) == INT64_C(1717200000000000));
    return NULL;
}

static const struct err *ask_to_fail(struct tx *tx, void *arg)
{
    tx_before_commit(tx, insert_then_fail, arg);
    return NULL;
}

static void what_is_asked_for_runs_before_the_commit(void **state)
{
    struct test_store *test = open_for(state);
    struct notes notes = {"", 0};
    int64_t id = 1;
    test_write(test, ask, &notes);
    assert_string_equal(notes.text, "fabc");
    refuse(test, ask_to_fail, &id, ERR_FILE_OPEN);
    assert_int_equal(things(test), 0);
    test_store_close(test);
}

static const struct err *always_busy(struct tx *tx, void *arg)
{
    ++*(int *)arg;
    return ERR_NEW(tx_arena(tx), ERR_STORE_CONFLICT, STR_NONE, STR("x"), STR("y"));
}

static void the_retry_loop_ends(void **state)
{
    struct test_store *test = open_for(state);
    int tries = 0;
    refuse(test, always_busy, &tries, ERR_STORE_BUSY);
    assert_int_equal(tries, 12); /* LIMIT_TX_RETRY_MAX */
    assert_int_equal(store_counters(test->store).retries, 11);
    test_store_close(test);
}

/* --- Many rows -----------------------------------------------------------------------------------
 */

#define BULK_COUNT 12345

static const struct err *bulk(struct tx *tx, void *arg)
{
    int64_t count = *(int64_t *)arg;
    struct thing *rows = ARENA_ARRAY(tx_arena(tx), (size_t)count, struct thing);
    for (int64_t i = 0; i < count; i++) {
        rows[i] = samples[i % 4];
        rows[i].id = i;
    }
    TRY(stmt_bulk(tx, &thing_insert, rows, (size_t)count));
    struct thing row;
    bool found;
    TRY(stmt_one(tx, &thing_get, &(struct number){count - 1}, &row,
                 &found)); /* the connection goes on as before */
    assert_true(found);
    return NULL;
}

static const struct err *walk(struct tx *tx, void *arg)
{
    struct stmt_cursor one, other, small;
    struct thing row;
    bool has;
    int64_t n = 0, m = 0;
    TRY(stmt_open(tx, &thing_all, NULL, &one));
    TRY(stmt_open(tx, &thing_all, NULL, &other)); /* a second one of the same statement */
    for (;; n++) {
        TRY(stmt_next(&one, &row, &has));
        if (!has)
            break;
        struct thing want = samples[n % 4];
        want.id = n;
        assert_thing(&row, &want);
        if (n % 3)
            continue;
        TRY(stmt_next(&other, &row, &has));
        assert_true(has && row.id == m++);
    }
    assert_int_equal(n, *(int64_t *)arg);
    TRY(stmt_next(&one, &row, &has)); /* past the end is still the end */
    assert_false(has);
    stmt_close(&other);
    stmt_close(&other);
    TRY(stmt_open(tx, &thing_from, &(struct number){n - 2}, &small));
    TRY(stmt_next(&small, &row, &has));
    assert_true(has && row.id == n - 2);
    TRY(stmt_open(tx, &thing_all, NULL, &other)); /* left open: the transaction closes it */
    TRY(stmt_next(&other, &row, &has));
    assert_true(has && row.id == 0);
    return NULL;
}

static const struct err *delete_from(struct tx *tx, void *arg)
{
    int64_t changed = -1;
    TRY(stmt_run_count(tx, &thing_delete, &(struct number){10}, &changed));
    assert_int_equal(changed, *(int64_t *)arg - 10);
    return NULL;
}

static void bulk_and_cursors(void **state)
{
    struct test_store *test = open_for(state);
    int64_t count = BULK_COUNT;
    test_write(test, bulk, &count);
    test_read(test, walk, &count);
    test_write(test, walk, &count);
    test_write(test, delete_from, &count);
    assert_int_equal(things(test), 10);
    count = 12;
    refuse(test, bulk, &count, ERR_STORE_CONSTRAINT); /* few rows: ids are there already */
    count = 5000;
    refuse(test, bulk, &count, ERR_STORE_CONSTRAINT); /* many: by COPY */
    assert_int_equal(things(test), 10);
    test_store_close(test);
}

static const struct err *many(struct tx *tx, void *arg)
{
    enum { COUNT = 1000 };
    static struct pair ins[COUNT];
    static struct number outs[COUNT];
    static bool found[COUNT];
    (void)arg;
    for (int i = 0; i < COUNT; i++)
        ins[i] = (struct pair){i % 3 + 1, i}; /* counters 1 and 2 exist, 3 does not */
    TRY(stmt_many(tx, &counter_add, ins, COUNT, outs, found));
    int64_t sums[3] = {0, 0, 0};
    for (int i = 0; i < COUNT; i++) {
        sums[i % 3] += i;
        assert_int_equal(found[i], i % 3 < 2);
        if (found[i])
            assert_int_equal(outs[i].n, sums[i % 3]);
    }
    struct thing rows[3] = {{.id = 1}, {.id = 2}, {.id = 3}};
    TRY(stmt_many(tx, &thing_insert, rows, 3, NULL, NULL));
    struct number ids[2] = {{3}, {3}};
    TRY(stmt_many(tx, &thing_delete, ids, 2, NULL, found));
    assert_true(found[0] && !found[1]);
    return NULL;
}

static void many_at_once(void **state)
{
    struct test_store *test = open_for(state);
    test_write(test, many, NULL);
    assert_int_equal(things(test), 2);
    test_store_close(test);
}

/* --- Threads -------------------------------------------------------------------------------------
 */

struct worker {
    struct test_store *test;
    pthread_barrier_t *barrier;
    int number, done, failed, tries;
    const struct err *err;
    struct arena *arena;
    int64_t first, second;
};

static void run_workers(struct worker *workers, int count, void *(*main)(void *))
{
    pthread_t threads[16];
    for (int i = 0; i < count; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, main, &workers[i]), 0);
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
}

static void *insert_some(void *arg)
{
    struct worker *w = arg;
    for (int i = 0; i < 60; i++) {
        struct arena *arena = arena_new("job", 1 << 24);
        int64_t id = w->number * 1000 + i;
        bool fails = i % 3 == 0;
        const struct err *err =
            write_with(w->test, arena, fails ? insert_then_fail : insert_id, &id);
        w->failed += err && err->code == ERR_FILE_OPEN;
        w->done += !err;
        arena_free(arena);
    }
    return NULL;
}

static void jobs_of_many_threads_are_apart(void **state)
{
    struct test_store *test = open_for(state);
    struct worker workers[8];
    for (int i = 0; i < 8; i++)
        workers[i] = (struct worker){.test = test, .number = i};
    run_workers(workers, 8, insert_some);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(workers[i].failed, 20);
        assert_int_equal(workers[i].done, 40);
    }
    assert_int_equal(things(test), 8 * 40);
    assert_int_equal(store_counters(test->store).commands, 8 * 40);
    test_store_close(test);
}

/* The first job keeps the writer busy until seven more have been handed in: those are committed
 * together. */
struct gate {
    struct test_store *test;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int handed_in;
    bool first_runs;
};

static const struct err *hold_the_writer(struct tx *tx, void *arg)
{
    struct gate *gate = arg;
    pthread_mutex_lock(&gate->lock);
    gate->first_runs = true;
    pthread_cond_broadcast(&gate->changed);
    while (gate->handed_in < 7)
        pthread_cond_wait(&gate->changed, &gate->lock);
    pthread_mutex_unlock(&gate->lock);
    usleep(200000); /* from being counted to being queued */
    int64_t id = 1000;
    return insert_id(tx, &id);
}

static void *first_job(void *arg)
{
    struct gate *gate = arg;
    test_write(gate->test, hold_the_writer, gate);
    return NULL;
}

static void *later_job(void *arg)
{
    struct gate *gate = arg;
    pthread_mutex_lock(&gate->lock);
    while (!gate->first_runs)
        pthread_cond_wait(&gate->changed, &gate->lock);
    int64_t id = 100 + gate->handed_in++;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
    struct arena *arena = arena_new("job", 1 << 24);
    const struct err *err =
        write_with(gate->test, arena, id == 103 ? insert_then_fail : insert_id, &id);
    assert_int_equal(err != NULL, id == 103);
    arena_free(arena);
    return NULL;
}

static void waiting_jobs_share_a_commit(void **state)
{
    (void)state;
    struct gate gate = {.test = test_store_open(STORE_SQLITE)};
    pthread_t threads[8];
    pthread_mutex_init(&gate.lock, NULL);
    pthread_cond_init(&gate.changed, NULL);
    for (int i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, i ? later_job : first_job, &gate), 0);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(things(gate.test), 7);
    assert_int_equal(store_counters(gate.test->store).commits, 2);
    assert_int_equal(store_counters(gate.test->store).commands, 7);
    test_store_close(gate.test);
}

/* Of seven jobs that wait two take long: the short ones go first and share a commit, each long one
 * has its own. */
struct turn {
    struct gate *gate;
    int64_t id;
    int *order, *count; /* ids in the order in which the writer ran them */
};

static const struct err *note_turn(struct tx *tx, void *arg)
{
    struct turn *turn = arg;
    turn->order[(*turn->count)++] = (int)turn->id;
    return insert_id(tx, &turn->id);
}

static void *turn_job(void *arg)
{
    struct turn *turn = arg;
    struct gate *gate = turn->gate;
    struct store_job job = {
        .name = "turn", .fn = note_turn, .arg = turn, .takes_long = turn->id < 3};
    struct arena *arena = arena_new("job", 1 << 24);
    pthread_mutex_lock(&gate->lock);
    while (!gate->first_runs)
        pthread_cond_wait(&gate->changed, &gate->lock);
    gate->handed_in++;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
    assert_null(store_write(gate->test->store, arena, &job));
    arena_free(arena);
    return NULL;
}

static void short_jobs_pass_long_ones(void **state)
{
    (void)state;
    struct gate gate = {.test = test_store_open(STORE_SQLITE)};
    struct turn turns[8];
    pthread_t threads[8];
    int order[8], count = 0;
    pthread_mutex_init(&gate.lock, NULL);
    pthread_cond_init(&gate.changed, NULL);
    for (int i = 0; i < 8; i++) {
        turns[i] = (struct turn){&gate, i, order, &count};
        void *arg = i ? (void *)&turns[i] : (void *)&gate;
        assert_int_equal(pthread_create(&threads[i], NULL, i ? turn_job : first_job, arg), 0);
    }
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(count, 7);
    for (int i = 0; i < 7; i++)
        assert_int_equal(order[i] < 3, i >= 5);
    assert_int_equal(store_counters(gate.test->store).commits, 4);
    test_store_close(gate.test);
}

static const struct err *look_write_look(struct tx *tx, void *arg)
{
    struct worker *w = arg;
    int64_t before, after, id = 42;
    TRY(count_things(tx, &before));
    struct arena *arena = arena_new("other", 1 << 24);
    assert_null(write_with(w->test, arena, insert_id, &id));
    arena_free(arena);
    TRY(count_things(tx, &after));
    assert_int_equal(before, 0);
    assert_int_equal(after, 0);
    return NULL;
}

static void a_read_is_one_snapshot(void **state)
{
    struct test_store *test = open_for(state);
    struct worker w = {.test = test};
    test_read(test, look_write_look, &w);
    assert_int_equal(things(test), 1);
    test_store_close(test);
}

static void reading_cannot_write(void **state)
{
    struct test_store *test = open_for(state);
    struct arena *arena = arena_new("read", 1 << 24);
    int64_t id = 1;
    struct store_job job = {.name = "a read", .fn = insert_id, .arg = &id};
    const struct err *err = store_read(test->store, arena, &job);
    assert_non_null(err);
    assert_int_equal(err->code, ERR_STATEMENT_FAILED);
    arena_free(arena);
    test_store_close(test);
}

/* Two threads look whether a row is there, both find that it is not, and both insert it. */
static const struct err *insert_if_missing(struct tx *tx, void *arg)
{
    struct worker *w = arg;
    struct thing row;
    bool found;
    TRY(stmt_one(tx, &thing_get, &(struct number){7}, &row, &found));
    if (w->tries++ == 0)
        pthread_barrier_wait(w->barrier);
    w->done = !found;
    return found ? NULL : stmt_run(tx, &thing_insert, &(struct thing){.id = 7});
}

static const struct err *lock_in_order(struct tx *tx, void *arg)
{
    struct worker *w = arg;
    struct number row;
    bool found;
    TRY(stmt_one(tx, &counter_add, &(struct pair){w->first, 1}, &row, &found));
    if (w->tries++ == 0)
        pthread_barrier_wait(w->barrier);
    return stmt_one(tx, &counter_add, &(struct pair){w->second, 1}, &row, &found);
}

static void *run_insert_if_missing(void *arg)
{
    struct worker *w = arg;
    w->err = write_with(w->test, w->arena, insert_if_missing, w);
    return NULL;
}

static void *run_lock_in_order(void *arg)
{
    struct worker *w = arg;
    w->err = write_with(w->test, w->arena, lock_in_order, w);
    return NULL;
}

static void run_pair(struct worker workers[2], void *(*main)(void *))
{
    pthread_barrier_t barrier;
    pthread_barrier_init(&barrier, NULL, 2);
    for (int i = 0; i < 2; i++) {
        workers[i].barrier = &barrier;
        workers[i].arena = arena_new("pair", 1 << 24);
    }
    run_workers(workers, 2, main);
    for (int i = 0; i < 2; i++) {
        if (workers[i].err)
            fail_msg("%.*s", STR_ARG(err_text(workers[i].arena, workers[i].err, LANG_EN)));
        arena_free(workers[i].arena);
    }
    pthread_barrier_destroy(&barrier);
}

static void races_and_deadlocks_are_run_again(void **state)
{
    (void)state;
    struct test_store *test = test_store_open(STORE_POSTGRES);
    struct worker race[2] = {{.test = test}, {.test = test}};
    run_pair(race, run_insert_if_missing);
    assert_int_equal(race[0].done + race[1].done, 1);
    assert_int_equal(race[0].tries + race[1].tries, 3);
    assert_int_equal(things(test), 1);
    struct worker dead[2] = {{.test = test, .first = 1, .second = 2},
                             {.test = test, .first = 2, .second = 1}};
    run_pair(dead, run_lock_in_order);
    assert_int_equal(counter(test, 1), 2);
    assert_int_equal(counter(test, 2), 2);
    assert_true(store_counters(test->store).retries >= 2); /* the deadlock may come twice */
    test_store_close(test);
}

/* --- Lost connections ----------------------------------------------------------------------------
 */

static const struct err *die_once(struct tx *tx, void *arg)
{
    struct number row;
    bool found;
    TRY(stmt_one(tx, &counter_add, &(struct pair){1, 1}, &row, &found));
    if (++*(int *)arg == 1)
        TRY(stmt_one(tx, &kill_self, NULL, &row, &found));
    return NULL;
}

static const struct err *die_once_unseen(struct tx *tx, void *arg)
{
    struct stmt_cursor cursor;
    TRY(stmt_run(tx, &counter_make, &(struct number){10 + *(int *)arg}));
    if (++*(int *)arg == 1)
        return stmt_open(tx, &kill_self, NULL, &cursor);
    return NULL;
}

/* The connection breaks without a word of the server, when only the COMMIT is still to come. */
static const struct err *cut_once(struct tx *tx, void *arg)
{
    struct postgres_connection *c = tx->connection;
    struct number row;
    bool found;
    TRY(stmt_one(tx, &counter_add, &(struct pair){1, 1}, &row, &found));
    if (++*(int *)arg == 1)
        shutdown(PQsocket(c->pg), SHUT_RDWR);
    return NULL;
}

static void a_lost_connection_is_replaced(void **state)
{
    (void)state;
    struct test_store *test = test_store_open(STORE_POSTGRES);
    int tries = 0;
    test_write(test, die_once, &tries);
    assert_int_equal(tries, 2);
    assert_int_equal(counter(test, 1), 1);
    tries = 0;
    test_write(test, die_once_unseen, &tries);
    assert_int_equal(tries, 2);
    test_store_close(test);
}

static void an_unknown_commit_is_told(void **state)
{
    (void)state;
    struct test_store *test = test_store_open(STORE_POSTGRES);
    int tries = 0;
    refuse(test, cut_once, &tries, ERR_COMMIT_UNKNOWN);
    assert_int_equal(tries, 1);
    assert_int_equal(counter(test, 1), 0); /* here it was not done: the COMMIT never left */
    tries = 0;
    struct arena *arena = arena_new("again", 1 << 24);
    struct store_job job = {
        .name = "again", .fn = cut_once, .arg = &tries, .again_if_ambiguous = true};
    assert_null(store_write(test->store, arena, &job));
    assert_int_equal(tries, 2);
    assert_int_equal(counter(test, 1), 1);
    arena_free(arena);
    test_store_close(test);
}

/* --- Opening, migrations -------------------------------------------------------------------------
 */

static void bare(struct test_store *test, const char *sql)
{
    const struct store_driver *driver;
    void *connection;
    assert_null(store_driver_of(test->arena, test->options.url, &driver));
    assert_null(driver->bare_open(test->arena, &test->options, false, &connection));
    assert_null(driver->bare_run(test->arena, connection, sql, NULL));
    driver->bare_close(connection);
}

static void refuse_opening(struct test_store *test, enum err_code code, const char *word)
{
    struct store *store;
    const struct err *err = store_open(test->arena, &test->options, &store);
    assert_non_null(err);
    assert_int_equal(err->code, code);
    assert_non_null(strstr(str_z(test->arena, err_text(test->arena, err, LANG_EN)), word));
}

static void a_foreign_schema_is_refused(void **state)
{
    struct test_store *test = open_for(state);
    int applied = -1;
    store_close(test->store);
    assert_null(store_migrate(test->arena, &test->options, &applied));
    assert_int_equal(applied, 0);
    bare(test, "DELETE FROM schema_migration WHERE number = 2");
    refuse_opening(test, ERR_SCHEMA_OLD, "huitou migrate");
    /* Its tables are there already: the migration fails and changes nothing. */
    const struct err *err = store_migrate(test->arena, &test->options, &applied);
    assert_non_null(err);
    assert_int_equal(err->code, ERR_MIGRATION_FAILED);
    bare(test, "DROP TABLE counter");
    assert_null(store_migrate(test->arena, &test->options, &applied));
    assert_int_equal(applied, 1);
    bare(test, "INSERT INTO schema_migration (number, title, applied_at) VALUES (3, 'from the "
               "future', 0)");
    refuse_opening(test, ERR_SCHEMA_NEW, "newer");
    err = store_migrate(test->arena, &test->options, &applied);
    assert_non_null(err);
    assert_int_equal(err->code, ERR_SCHEMA_NEW);
    bare(test, "DELETE FROM schema_migration WHERE number = 3");
    assert_null(store_open(test->arena, &test->options, &test->store));
    assert_int_equal(counter(test, 2), 0);
    test_store_close(test);
}

static void a_broken_statement_stops_the_opening(void **state)
{
    static const char *const broken[] = {"SELECT nothing FROM nowhere", "SELECT 1, 2", "SELEC"};
    struct test_store *test = open_for(state);
    struct stmt whole = changeable;
    store_close(test->store);
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        changeable.sql_sqlite = changeable.sql_postgres = broken[i];
        refuse_opening(test, ERR_STATEMENT_BROKEN, "changeable");
    }
    changeable = whole;
    assert_null(store_open(test->arena, &test->options, &test->store));
    test_store_close(test);
}

static void what_cannot_be_opened_says_so(void **state)
{
    (void)state;
    struct test_store *test = test_store_open(STORE_SQLITE);
    struct store *store;
    struct store_options options = test->options;
    const char *const urls[] = {"sqlite:/nowhere/at/all/huitou.db", "mysql://x",
                                "sqlite:", "postgres://huitou@127.0.0.1:1/none"};
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        options.url = str_c(urls[i]);
        const struct err *err = store_open(test->arena, &options, &store);
        assert_non_null(err);
        assert_int_equal(err->code, ERR_STORE_OPEN);
        assert_non_null(store_migrate(test->arena, &options, NULL));
    }
    test_store_close(test);
}

struct migrator {
    struct test_store *test;
    int applied;
    const struct err *err;
};

static void *migrate_now(void *arg)
{
    struct migrator *m = arg;
    struct arena *arena = arena_new("migrate", 1 << 24);
    m->err = store_migrate(arena, &m->test->options, &m->applied);
    assert_null(m->err);
    arena_free(arena);
    return NULL;
}

static void two_may_migrate_at_once(void **state)
{
    struct test_store *test = open_for(state);
    struct migrator m[4];
    pthread_t threads[4];
    store_close(test->store);
    bare(test, "DROP TABLE schema_migration");
    bare(test, "DROP TABLE thing");
    bare(test, "DROP TABLE counter");
    for (int i = 0; i < 4; i++) {
        m[i] = (struct migrator){.test = test};
        assert_int_equal(pthread_create(&threads[i], NULL, migrate_now, &m[i]), 0);
    }
    int applied = 0;
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        applied += m[i].applied;
    }
    assert_int_equal(applied, 2);
    assert_null(store_open(test->arena, &test->options, &test->store));
    test_store_close(test);
}

static void plans_are_looked_at(void **state)
{
    struct test_store *test = test_store_open(STORE_SQLITE);
    struct str plan;
    bool full;
    (void)state;
    assert_null(store_explain(test->store, test->arena, &thing_get, &plan, &full));
    assert_false(full);
    assert_null(store_explain(test->store, test->arena, &thing_from, &plan, &full));
    assert_false(full);
    assert_null(store_explain(test->store, test->arena, &thing_scan, &plan, &full));
    assert_true(full);
    assert_null(store_explain(test->store, test->arena, &thing_all, &plan, &full));
    assert_true(full);
    assert_null(store_explain(test->store, test->arena, &thing_count, &plan, &full));
    assert_true(full);
    assert_null(store_explain(test->store, test->arena, &words_echo, &plan, &full));
    assert_false(full);
    test_store_close(test);
}

/* --- SQLite's file -------------------------------------------------------------------------------
 */

static const struct err *insert_big(struct tx *tx, void *arg)
{
    int64_t *id = arg;
    char *bytes = arena_alloc(tx_arena(tx), 1 << 20);
    for (int i = 0; i < 2; i++)
        TRY(stmt_run(tx, &thing_insert, &(struct thing){.id = (*id)++, .b = {bytes, 1 << 20}}));
    return NULL;
}

static void the_log_is_checkpointed(void **state)
{
    (void)state;
    struct test_store *test = test_store_open(STORE_SQLITE);
    char wal[128];
    struct stat stat_wal;
    int64_t id = 0;
    for (int i = 0; i < 8; i++)
        test_write(test, insert_big, &id);
    for (int i = 0; i < 500 && store_counters(test->store).checkpoints == 0; i++)
        usleep(10000);
    assert_true(store_counters(test->store).checkpoints > 0);
    snprintf(wal, sizeof(wal), "%s/huitou.db-wal", test->directory);
    store_close(test->store);
    assert_int_not_equal(stat(wal, &stat_wal),
                         0); /* all of it is in the file: SQLite takes the log away */
    assert_null(store_open(test->arena, &test->options, &test->store));
    assert_int_equal(things(test), 16);
    test_store_close(test);
}

/* No file may grow past 6 MiB: writing the log fails (EFBIG), as it would on a broken disk. */
static void a_failed_write_stops_the_store(void **state)
{
    (void)state;
    struct test_store *test = test_store_open(STORE_SQLITE);
    struct rlimit before, limit;
    int64_t id = 0, last = 0;
    const struct err *err = NULL;
    struct arena *arena = arena_new("failing", 1 << 28);
    signal(SIGXFSZ, SIG_IGN);
    test_write(test, insert_big, &id);
    last = id;
    getrlimit(RLIMIT_FSIZE, &before);
    limit = before;
    limit.rlim_cur = 3 << 20;
    setrlimit(RLIMIT_FSIZE, &limit);
    for (int i = 0; i < 20 && !err; i++) {
        err = write_with(test, arena, insert_big, &id);
        last = err ? last : id;
    }
    setrlimit(RLIMIT_FSIZE, &before);
    assert_non_null(err);
    assert_true(err->code == ERR_COMMIT_UNKNOWN || err->code == ERR_STORE_STOPPED);
    refuse(test, insert_big, &id, ERR_STORE_STOPPED); /* though the disk is whole again */
    assert_int_equal(things(test), last);             /* reading goes on */
    store_close(test->store);
    assert_null(store_open(test->arena, &test->options, &test->store));
    assert_int_equal(things(test), last);
    id = 1000;
    test_write(test, insert_big, &id);
    arena_free(arena);
    test_store_close(test);
}

#define ON(kind, fn)                                                                               \
    {                                                                                              \
#fn " (" #kind ")", fn, NULL, NULL, &kind##_kind                                           \
    }
#define ON_BOTH(fn) ON(sqlite, fn), ON(postgres, fn)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(values_come_back_as_they_were),
        ON_BOTH(bad_text_is_refused_by_both),
        ON_BOTH(an_error_rolls_back),
        ON_BOTH(what_is_asked_for_runs_before_the_commit),
        ON_BOTH(the_retry_loop_ends),
        ON_BOTH(bulk_and_cursors),
        ON_BOTH(many_at_once),
        ON_BOTH(jobs_of_many_threads_are_apart),
        ON(sqlite, waiting_jobs_share_a_commit),
        ON(sqlite, short_jobs_pass_long_ones),
        ON_BOTH(a_read_is_one_snapshot),
        ON_BOTH(reading_cannot_write),
        ON(postgres, races_and_deadlocks_are_run_again),
        ON(postgres, a_lost_connection_is_replaced),
        ON(postgres, an_unknown_commit_is_told),
        ON_BOTH(a_foreign_schema_is_refused),
        ON_BOTH(a_broken_statement_stops_the_opening),
        ON(sqlite, what_cannot_be_opened_says_so),
        ON_BOTH(two_may_migrate_at_once),
        ON(sqlite, plans_are_looked_at),
        ON(sqlite, the_log_is_checkpointed),
        ON(sqlite, a_failed_write_stops_the_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
