/* link: base */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/deps.h"

#define START_MS INT64_C(1717200000000) /* 2024-06-01 */

static struct arena *arena;

static int setup(void **state)
{
    (void)state;
    arena = arena_new("test", (size_t)64 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static int64_t read_atomic(void *arg)
{
    return atomic_load((_Atomic int64_t *)arg);
}

static void test_layout(void **state)
{
    (void)state;
    _Atomic int64_t now_us = START_MS * 1000 + 999;
    struct clock clock = {read_atomic, &now_us};
    struct id_maker *maker = id_maker_new(arena, &clock, 5);
    /* 1717200000000 - 1704067200000 = 13132800000 ms since the epoch of ids */
    assert_int_equal(id_next(maker), INT64_C(13132800000) * 4194304 + 5 * 4096);
    assert_int_equal(id_next(maker), INT64_C(13132800000) * 4194304 + 5 * 4096 + 1);
    atomic_store(&now_us, (START_MS + 1) * 1000);
    int64_t id = id_next(maker);
    assert_int_equal(id, INT64_C(13132800001) * 4194304 + 5 * 4096);
    assert_int_equal(id_time_ms(id), START_MS + 1);
    struct id_maker *last_node = id_maker_new(arena, &clock, ID_NODE_MAX);
    assert_int_equal(id_next(last_node) >> 12 & 1023, 1023);
}

static void test_many_in_a_millisecond_borrow(void **state)
{
    (void)state;
    _Atomic int64_t now_us = START_MS * 1000;
    struct clock clock = {read_atomic, &now_us};
    struct id_maker *maker = id_maker_new(arena, &clock, 0);
    int64_t last = 0;
    for (int i = 0; i < 3 * 4096; i++) {
        int64_t id = id_next(maker);
        assert_true(id > last);
        assert_int_equal(id_time_ms(id), START_MS + i / 4096);
        last = id;
    }
}

static void test_clock_steps_back(void **state)
{
    (void)state;
    _Atomic int64_t now_us = START_MS * 1000;
    struct clock clock = {read_atomic, &now_us};
    struct id_maker *maker = id_maker_new(arena, &clock, 0);
    int64_t last = id_next(maker);
    atomic_fetch_sub(&now_us, INT64_C(3600000000));
    for (int i = 0; i < 10000; i++) {
        int64_t id = id_next(maker);
        assert_true(id > last);
        last = id;
    }
    /* Before the epoch of ids they are positive still. */
    atomic_store(&now_us, 0);
    assert_true(id_next(id_maker_new(arena, &clock, 0)) > 0);
}

enum { THREADS = 4, IDS_PER_THREAD = 50000 };

struct work {
    struct id_maker *maker;
    _Atomic int64_t *now_us;
    int64_t *ids;
};

/* While ids are made, the clock runs, and now and then jumps back. */
static void *make_ids(void *arg)
{
    struct work *work = arg;
    for (int i = 0; i < IDS_PER_THREAD; i++) {
        work->ids[i] = id_next(work->maker);
        atomic_fetch_add(work->now_us, i % 1000 == 0 ? -5000 : 3);
    }
    return NULL;
}

static int compare_i64(const void *a_void, const void *b_void)
{
    int64_t a = *(const int64_t *)a_void, b = *(const int64_t *)b_void;
    return (a > b) - (a < b);
}

static void test_threads(void **state)
{
    (void)state;
    _Atomic int64_t now_us = START_MS * 1000;
    struct clock clock = {read_atomic, &now_us};
    /* Two makers of different nodes, two threads each. */
    struct id_maker *makers[] = {id_maker_new(arena, &clock, 1), id_maker_new(arena, &clock, 2)};
    int64_t *all = ARENA_ARRAY(arena, THREADS * IDS_PER_THREAD, int64_t);
    struct work works[THREADS];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        works[i] = (struct work){makers[i % 2], &now_us, all + i * IDS_PER_THREAD};
        assert_int_equal(pthread_create(&threads[i], NULL, make_ids, &works[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < THREADS; i++) {
        for (int k = 1; k < IDS_PER_THREAD; k++)
            assert_true(works[i].ids[k] > works[i].ids[k - 1]);
    }
    qsort(all, THREADS * IDS_PER_THREAD, sizeof all[0], compare_i64);
    for (int i = 1; i < THREADS * IDS_PER_THREAD; i++)
        assert_true(all[i] != all[i - 1]);
}

static void test_system_clock(void **state)
{
    (void)state;
    struct clock clock = clock_system();
    int64_t before_s = (int64_t)time(NULL);
    int64_t now_us = clock_now_us(&clock);
    assert_in_range(now_us / 1000000, before_s - 1, (int64_t)time(NULL) + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_many_in_a_millisecond_borrow),
        cmocka_unit_test(test_clock_steps_back),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_system_clock),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
