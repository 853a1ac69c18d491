/* link: event test_support */
/* The event log on both databases: gapless versions and numbers under eight threads, and a reader
 * that misses none. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "event/event.h"
#include "store/store_internal.h"
#include "support/test_store.h"

static enum store_kind sqlite_kind = STORE_SQLITE, postgres_kind = STORE_POSTGRES;

static struct test_store *open_for(void **state)
{
    return test_store_open(*(enum store_kind *)*state);
}

static void bare(struct test_store *test, const char *sql, int64_t *number)
{
    const struct store_driver *driver;
    void *connection;
    assert_null(store_driver_of(test->arena, test->options.url, &driver));
    assert_null(driver->bare_open(test->arena, &test->options, false, &connection));
    assert_null(driver->bare_run(test->arena, connection, sql, number));
    driver->bare_close(connection);
}

static const struct err *verify(struct tx *tx, void *arg)
{
    return event_verify(tx, arg);
}

static void assert_faults(struct test_store *test, int64_t customers, int64_t partitions)
{
    struct event_faults faults;
    test_read(test, verify, &faults);
    assert_int_equal(faults.customers_with_gap, customers);
    assert_int_equal(faults.partitions_with_gap, partitions);
}

/* --- One transaction -----------------------------------------------------------------------------
 */

/* Heads of customers made in the transaction: inserted once, with what else is locked beside them. */
static const struct err *give_birth(struct tx *tx, void *arg)
{
    (void)arg;
    event_born(tx, (int64_t[]){31, 30}, 2);
    TRY(event_lock(tx, (int64_t[]){30, 7}, 2));
    event_append(tx, 30, EVENT_CUSTOMER_CREATED, 1, STR_NONE);
    event_append(tx, 30, EVENT_ORDER_IMPORTED, 2, STR_NONE);
    event_fact_changed(tx, 31, STR_NONE, STR("fact"));
    return NULL;
}

static void heads_of_the_newly_born(void **state)
{
    struct test_store *test = open_for(state);
    int64_t number;
    test_write(test, give_birth, NULL);
    bare(test, "SELECT COUNT(*) FROM event_head", &number);
    assert_int_equal(number, 3); /* 7, 30, 31 */
    bare(test, "SELECT version FROM event_head WHERE customer_id = 30", &number);
    assert_int_equal(number, 2);
    bare(test, "SELECT fact_sum FROM event_head WHERE customer_id = 31", &number);
    assert_int_equal(number, secret_fact_number(test->options.deps.keys, STR("fact")));
    assert_faults(test, 0, 0);
    test_store_close(test);
}

static const struct err *append_three(struct tx *tx, void *arg)
{
    (void)arg;
    TRY(event_lock(tx, (int64_t[]){9, 5, 9}, 3));
    event_append(tx, 5, EVENT_CUSTOMER_CREATED, 111, STR_NONE);
    event_append(tx, 77, EVENT_CUSTOMER_TAGGED, 222, STR("{\"tag\":\"备孕\"}"));
    event_append(tx, 5, EVENT_ORDER_IMPORTED, 333, STR(""));
    return NULL;
}

static const struct err *read_five(struct tx *tx, void *arg)
{
    struct event *events;
    size_t count;
    (void)arg;
    TRY(event_of_customer(tx, 5, &events, &count));
    assert_int_equal(count, 2);
    assert_int_equal(events[0].version, 1);
    assert_int_equal(events[0].type, EVENT_CUSTOMER_CREATED);
    assert_null(events[0].payload.p);
    assert_int_equal(events[1].version, 2);
    assert_int_equal(events[1].type, EVENT_ORDER_IMPORTED);
    assert_int_equal(events[1].occurred_at_us, 333);
    assert_int_equal(events[1].recorded_at_us, INT64_C(1717200000000000));
    assert_non_null(events[1].payload.p);
    assert_int_equal(events[1].payload.n, 0);
    assert_int_equal(events[1].partition, event_partition(5));
    assert_int_equal(events[1].number, events[0].number + 1);
    TRY(event_of_customer(tx, 77, &events, &count));
    assert_int_equal(count, 1);
    assert_true(str_eq(events[0].payload, STR("{\"tag\":\"备孕\"}")));
    TRY(event_of_customer(tx, 9, &events, &count)); /* locked, nothing happened */
    assert_int_equal(count, 0);
    return NULL;
}

static const struct err *fail_after_append(struct tx *tx, void *arg)
{
    TRY(append_three(tx, arg));
    return ERR_NEW(tx_arena(tx), ERR_FILE_OPEN, STR("x"), STR("no"));
}

static void events_are_written_at_the_end(void **state)
{
    struct test_store *test = open_for(state);
    struct arena *arena = arena_new("failing", 1 << 24);
    struct store_job job = {.name = "failing", .fn = fail_after_append};
    assert_int_equal(store_write(test->store, arena, &job)->code, ERR_FILE_OPEN);
    arena_free(arena);
    test_write(test, append_three, NULL);
    test_read(test, read_five, NULL);
    assert_faults(test, 0, 0);
    test_store_close(test);
}

/* --- Fact sums -----------------------------------------------------------------------------------
 */

static const struct err *add_facts(struct tx *tx, void *arg)
{
    (void)arg;
    event_fact_changed(tx, 3, STR_NONE, STR("first"));
    event_fact_changed(tx, 3, STR_NONE, STR("second"));
    return NULL;
}

static const struct err *change_facts(struct tx *tx, void *arg)
{
    (void)arg;
    event_fact_changed(tx, 3, STR("first"), STR("changed"));
    event_fact_changed(tx, 3, STR("second"), STR_NONE);
    return NULL;
}

static const struct err *remove_last(struct tx *tx, void *arg)
{
    (void)arg;
    event_fact_changed(tx, 3, STR("changed"), STR_NONE);
    return NULL;
}

static int64_t fact_sum(struct test_store *test)
{
    int64_t sum = -1;
    bare(test, "SELECT fact_sum FROM event_head WHERE customer_id = 3", &sum);
    return sum;
}

static void the_fact_sum_follows_the_facts(void **state)
{
    struct test_store *test = open_for(state);
    const struct keyring *keys = test->options.deps.keys;
    uint64_t modulus = UINT64_C(1) << 62;
    uint64_t two = (uint64_t)secret_fact_number(keys, STR("first")) +
                   (uint64_t)secret_fact_number(keys, STR("second"));
    test_write(test, add_facts, NULL);
    assert_true((uint64_t)fact_sum(test) == two % modulus);
    test_write(test, change_facts, NULL);
    assert_true(fact_sum(test) == secret_fact_number(keys, STR("changed")));
    test_write(test, remove_last, NULL);
    assert_true(fact_sum(test) == 0);
    assert_faults(test, 0, 0); /* a change of facts alone is no event */
    test_store_close(test);
}

/* --- Many at once --------------------------------------------------------------------------------
 */

static const struct err *append_many(struct tx *tx, void *arg)
{
    int64_t count = *(int64_t *)arg;
    for (int64_t i = count; i > 0; i--)
        event_append(tx, i * 1000003, EVENT_ORDER_IMPORTED, i, STR_NONE);
    return NULL;
}

static const struct err *read_in_parts(struct tx *tx, void *arg)
{
    struct event_cursor cursor = {{0}}, now;
    int64_t total = 0;
    for (;;) {
        struct event *events;
        size_t count;
        TRY(event_read(tx, &cursor, 777, &events, &count));
        assert_true(count <= 777);
        if (count == 0)
            break;
        total += (int64_t)count;
    }
    assert_int_equal(total, *(int64_t *)arg);
    TRY(event_cursor_now(tx, &now));
    assert_memory_equal(&now, &cursor, sizeof(now));
    return NULL;
}

static void a_big_transaction(void **state)
{
    struct test_store *test = open_for(state);
    int64_t count = 20000, twice = 40000;
    test_write(test, append_many, &count);
    test_read(test, read_in_parts, &count);
    test_write(test, append_many, &count);
    test_read(test, read_in_parts, &twice);
    assert_faults(test, 0, 0);
    test_store_close(test);
}

static void verify_sees_what_is_missing(void **state)
{
    struct test_store *test = open_for(state);
    int64_t count = 500;
    test_write(test, append_many, &count);
    test_write(test, append_many, &count);
    assert_faults(test, 0, 0);
    bare(test, "DELETE FROM event WHERE customer_id = 3000009 AND version = 1", NULL);
    assert_faults(test, 1, 1);
    bare(test, "DELETE FROM event_head WHERE customer_id = 5000015", NULL);
    assert_faults(test, 2, 1);
    bare(test, "UPDATE event_head SET version = 3 WHERE customer_id = 6000018", NULL);
    assert_faults(test, 3, 1);
    test_store_close(test);
}

/* --- Threads -------------------------------------------------------------------------------------
 */

#define WRITER_COUNT 8
#define WRITES_PER_WRITER 150
#define CUSTOMER_COUNT 20

struct writer {
    struct test_store *test;
    struct test_random random;
    int events;
};

/* One to four events of customers that the other writers write to as well. */
struct script {
    int64_t customers[4];
    int count;
    bool lock_first;
};

static const struct err *append_script(struct tx *tx, void *arg)
{
    const struct script *script = arg;
    if (script->lock_first)
        TRY(event_lock(tx, script->customers, (size_t)script->count));
    for (int i = 0; i < script->count; i++)
        event_append(tx, script->customers[i], EVENT_CUSTOMER_CHANGED, i, STR("{}"));
    return NULL;
}

static void *write_events(void *arg)
{
    struct writer *w = arg;
    for (int i = 0; i < WRITES_PER_WRITER; i++) {
        struct script script = {.count = (int)test_random_below(&w->random, 4) + 1,
                                .lock_first = test_random_below(&w->random, 2) == 0};
        for (int k = 0; k < script.count; k++)
            script.customers[k] = test_random_below(&w->random, CUSTOMER_COUNT) + 1;
        test_write(w->test, append_script, &script);
        w->events += script.count;
    }
    return NULL;
}

/* Reads while the writers write; every event must come once, and each partition's without a gap. */
struct reader {
    struct test_store *test;
    struct event_cursor cursor, seen;
    int64_t versions[CUSTOMER_COUNT + 1];
    int64_t total;
    bool writers_done;
    pthread_mutex_t lock;
};

static const struct err *read_some(struct tx *tx, void *arg)
{
    struct reader *r = arg;
    struct event *events;
    struct event_cursor cursor = r->cursor;
    size_t count;
    TRY(event_read(tx, &cursor, 50, &events, &count));
    for (size_t i = 0; i < count; i++) {
        struct event *e = &events[i];
        assert_true(e->number == ++r->seen.number[e->partition]);
        assert_true(e->version == ++r->versions[e->customer_id]);
        assert_int_equal(e->partition, event_partition(e->customer_id));
    }
    r->total += (int64_t)count;
    r->cursor = cursor;
    return NULL;
}

static void *read_events(void *arg)
{
    struct reader *r = arg;
    for (;;) {
        pthread_mutex_lock(&r->lock);
        bool last_round = r->writers_done;
        pthread_mutex_unlock(&r->lock);
        int64_t before = r->total;
        test_read(r->test, read_some, r);
        if (last_round && r->total == before)
            return NULL;
    }
}

static void eight_writers_leave_no_gap(void **state)
{
    struct test_store *test = open_for(state);
    struct writer writers[WRITER_COUNT];
    struct reader reader = {.test = test};
    pthread_t threads[WRITER_COUNT], reader_thread;
    int64_t total = 0;
    pthread_mutex_init(&reader.lock, NULL);
    for (int i = 0; i < WRITER_COUNT; i++) {
        writers[i] = (struct writer){.test = test, .random = test_random((uint64_t)i + 1)};
        assert_int_equal(pthread_create(&threads[i], NULL, write_events, &writers[i]), 0);
    }
    assert_int_equal(pthread_create(&reader_thread, NULL, read_events, &reader), 0);
    for (int i = 0; i < WRITER_COUNT; i++) {
        pthread_join(threads[i], NULL);
        total += writers[i].events;
    }
    pthread_mutex_lock(&reader.lock);
    reader.writers_done = true;
    pthread_mutex_unlock(&reader.lock);
    pthread_join(reader_thread, NULL);
    assert_int_equal(reader.total, total);
    assert_faults(test, 0, 0);
    test_store_close(test);
}

/* Hand computation of the finaliser of SplitMix64 (https://prng.di.unimi.it/splitmix64.c): the
 * generator's first output for state 0 is the finaliser of 0x9e3779b97f4a7c15 and is
 * 0xe220a8397b1dcdaf, whose last six bits are 0x2f = 47. */
static void a_partition_is_for_ever(void **state)
{
    (void)state;
    assert_int_equal(event_partition((int64_t)UINT64_C(0x9e3779b97f4a7c15)), 47);
    assert_int_equal(event_partition(0), 0);
    for (int64_t id = -1000; id < 1000; id++)
        assert_in_range(event_partition(id), 0, EVENT_PARTITION_COUNT - 1);
}

static void types_have_names(void **state)
{
    (void)state;
    for (int t = 0; t < EVENT_TYPE_MAX; t++) {
        const struct event_type_info *info = event_type_info((enum event_type)t);
        assert_true(info->version >= 1 && info->name[0] && info->doc.in[LANG_EN][0] &&
                    info->doc.in[LANG_ZH][0]);
        for (int other = 0; other < t; other++)
            assert_string_not_equal(info->name, event_type_info((enum event_type)other)->name);
    }
}

#define ON(kind, fn)                                                                               \
    {                                                                                              \
#fn " (" #kind ")", fn, NULL, NULL, &kind##_kind                                           \
    }
#define ON_BOTH(fn) ON(sqlite, fn), ON(postgres, fn)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_partition_is_for_ever),
        cmocka_unit_test(types_have_names),
        ON_BOTH(events_are_written_at_the_end),
        ON_BOTH(heads_of_the_newly_born),
        ON_BOTH(the_fact_sum_follows_the_facts),
        ON_BOTH(a_big_transaction),
        ON_BOTH(verify_sees_what_is_missing),
        ON_BOTH(eight_writers_leave_no_gap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
