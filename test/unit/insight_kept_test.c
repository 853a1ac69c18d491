/* link: room_insight */
/* Kept answers: made once however many ask at once, another key is another answer, the oldest gives
 * way, what could not be made is made by the next one, and what is too large is not kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "room/insight/insight_kept.h"

#define ASKERS 8

static void key_of(int number, uint8_t key[SECRET_HASH_BYTES])
{
    memset(key, 0, SECRET_HASH_BYTES);
    memcpy(key, &number, sizeof(number));
}

struct asker {
    struct kept_answers *kept;
    _Atomic int *made;
    bool fails;
    struct str body;
    struct arena *arena;
    pthread_t thread;
};

static void *ask(void *arg)
{
    struct asker *asker = arg;
    struct kept_answer answer;
    uint8_t key[SECRET_HASH_BYTES];
    key_of(1, key);
    if (!kept_find(asker->kept, asker->arena, key, &answer)) {
        const struct timespec pause = {.tv_nsec = 50000000};
        int before = atomic_fetch_add(asker->made, 1);
        nanosleep(&pause, NULL);
        if (asker->fails && before == 0) {
            kept_leave(asker->kept, key);
            return NULL;
        }
        kept_put(asker->kept, asker->arena, key, STR("the answer"), &answer);
    }
    asker->body = answer.body;
    return NULL;
}

static void all_ask(bool fails, int expected_made)
{
    struct arena *arena = arena_new("test", 64u << 20);
    struct kept_answers *kept = kept_answers_new(arena);
    struct asker askers[ASKERS];
    _Atomic int made = 0;
    int answered = 0;
    for (int i = 0; i < ASKERS; i++) {
        askers[i] = (struct asker){
            .kept = kept, .made = &made, .fails = fails, .arena = arena_new("asker", 1u << 20)};
        assert_int_equal(pthread_create(&askers[i].thread, NULL, ask, &askers[i]), 0);
    }
    for (int i = 0; i < ASKERS; i++) {
        assert_int_equal(pthread_join(askers[i].thread, NULL), 0);
        answered += str_eq(askers[i].body, STR("the answer"));
        arena_free(askers[i].arena);
    }
    assert_int_equal(made, expected_made);
    assert_int_equal(answered, fails ? ASKERS - 1 : ASKERS);
    arena_free(arena);
}

static void test_made_once(void **state)
{
    (void)state;
    all_ask(false, 1);
}

static void test_made_by_the_next_where_it_failed(void **state)
{
    (void)state;
    all_ask(true, 2);
}

static void test_oldest_gives_way(void **state)
{
    (void)state;
    struct arena *arena = arena_new("test", 256u << 20);
    struct kept_answers *kept = kept_answers_new(arena);
    struct kept_answer answer, first;
    uint8_t key[SECRET_HASH_BYTES];
    for (int i = 0; i < KEPT_ANSWERS + 1; i++) {
        key_of(i, key);
        assert_false(kept_find(kept, arena, key, &answer));
        kept_put(kept, arena, key, str_fmt(arena, "answer %d", i), &answer);
        key_of(1, key); /* asked for all the time: it stays */
        if (i > 0)
            assert_true(kept_find(kept, arena, key, &first));
    }
    assert_true(str_eq(first.body, STR("answer 1")));
    assert_true(str_starts(first.etag, STR("\"")) && !str_eq(first.etag, answer.etag));
    key_of(0, key);
    assert_false(kept_find(kept, arena, key, &answer)); /* the oldest is gone */
    kept_leave(kept, key);
    char *large = arena_alloc(arena, KEPT_ANSWER_BYTES_MAX + 1);
    memset(large, 'x', KEPT_ANSWER_BYTES_MAX + 1);
    assert_false(kept_find(kept, arena, key, &answer));
    kept_put(kept, arena, key, (struct str){large, KEPT_ANSWER_BYTES_MAX + 1}, &answer);
    assert_int_equal(answer.body.n, KEPT_ANSWER_BYTES_MAX + 1);
    assert_true(answer.packed.n > 0 && answer.packed.n < answer.body.n);
    assert_false(kept_find(kept, arena, key, &answer)); /* answered, and not kept */
    kept_leave(kept, key);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_made_once),
        cmocka_unit_test(test_made_by_the_next_where_it_failed),
        cmocka_unit_test(test_oldest_gives_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
