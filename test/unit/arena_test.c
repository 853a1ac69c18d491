/* link: base */
#include <malloc.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "support/splitmix.h"

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#endif

/* Most are small, some are empty, a few are larger than any chunk so far. */
static size_t random_size(uint64_t *state)
{
    uint64_t kind = random_next(state) % 100;
    if (kind < 5)
        return 0;
    return random_next(state) % (kind < 98 ? 300 : 200000);
}

static bool is_filled(const unsigned char *p, size_t n, unsigned char with)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] != with)
            return false;
    }
    return true;
}

/* Against a stack of blocks kept apart: what is in use keeps its contents, what comes anew is zero.
 */
static void test_random_use(void **state)
{
    (void)state;
    enum { BLOCKS = 2000, MARKS = 50, STEPS = 40000 };
    static struct {
        unsigned char *p;
        size_t n;
    } blocks[BLOCKS];
    struct {
        struct arena_mark mark;
        size_t used;
        int blocks;
    } marks[MARKS];
    int block_count = 0, mark_count = 0;
    uint64_t seed = 1;
    struct arena *arena = arena_new("test", (size_t)1 << 30);
    for (int step = 0; step < STEPS; step++) {
        uint64_t action = random_next(&seed) % 40;
        if (action == 0 && mark_count < MARKS) {
            marks[mark_count].mark = arena_mark(arena);
            marks[mark_count].used = arena_used(arena);
            marks[mark_count++].blocks = block_count;
        } else if (action == 1 && mark_count > 0) {
            mark_count = (int)(random_next(&seed) % (uint64_t)mark_count);
            block_count = marks[mark_count].blocks;
            arena_rewind(arena, marks[mark_count].mark);
            assert_int_equal(arena_used(arena), marks[mark_count].used);
        } else if (action == 2 && random_next(&seed) % 100 == 0) {
            arena_reset(arena);
            block_count = mark_count = 0;
            assert_int_equal(arena_used(arena), 0);
        } else if (block_count < BLOCKS) {
            size_t n = random_size(&seed);
            unsigned char *p = arena_alloc(arena, n);
            assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
            assert_true(is_filled(p, n, 0));
            memset(p, (unsigned char)block_count | 1, n);
            blocks[block_count].p = p;
            blocks[block_count++].n = n;
        }
        if (step % 500 == 0) {
            for (int i = 0; i < block_count; i++)
                assert_true(is_filled(blocks[i].p, blocks[i].n, (unsigned char)i | 1));
        }
    }
    arena_free(arena);
}

static char order[16];

static void note(void *arg)
{
    strcat(order, arg);
}

static void test_deferred_run_newest_first(void **state)
{
    (void)state;
    static char a[] = "a", b[] = "b", c[] = "c", d[] = "d", e[] = "e";
    struct arena *arena = arena_new("test", 1 << 20);
    order[0] = '\0';
    arena_defer(arena, note, a);
    struct arena_mark mark = arena_mark(arena);
    arena_defer(arena, note, b);
    arena_defer(arena, note, c);
    arena_rewind(arena, mark);
    assert_string_equal(order, "cb");
    arena_defer(arena, note, d);
    arena_reset(arena);
    assert_string_equal(order, "cbda");
    arena_defer(arena, note, e);
    arena_free(arena);
    assert_string_equal(order, "cbdae");
}

static void test_limit(void **state)
{
    (void)state;
    struct arena *arena = arena_new("test", 1000);
    assert_null(arena_try_alloc(arena, 1001));
    assert_null(arena_try_alloc(arena, SIZE_MAX));
    assert_null(arena_try_alloc(arena, SIZE_MAX / 2));
    assert_non_null(arena_try_alloc(arena, 900));
    assert_null(arena_try_alloc(arena, 101));
    assert_non_null(arena_try_alloc(arena, 80));
    arena_reset(arena);
    assert_non_null(arena_try_alloc(arena, 990));
    arena_free(arena);
    arena_free(NULL);
}

static void alloc_too_much(void)
{
    arena_alloc(arena_new("test", 1000), 1001);
}

static void array_overflows(void)
{
    arena_array(arena_new("test", SIZE_MAX), SIZE_MAX / 4, 8);
}

/* Runs fn in a child and returns the signal that ended it. */
static int signal_of(void (*fn)(void))
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        if (freopen("/dev/null", "w", stderr) == NULL)
            _exit(1);
        fn();
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void test_out_of_memory_ends_the_process(void **state)
{
    (void)state;
    assert_int_equal(signal_of(alloc_too_much), SIGABRT);
    assert_int_equal(signal_of(array_overflows), SIGABRT);
}

static void test_reset_keeps_memory(void **state)
{
    (void)state;
    struct arena *arena = arena_new("test", 1 << 20);
    void *first = arena_alloc(arena, 100);
    void *large = arena_alloc(arena, 100000);
    arena_reset(arena);
    assert_ptr_equal(arena_alloc(arena, 100), first);
    assert_ptr_equal(arena_alloc(arena, 100000), large);
    arena_free(arena);
}

/* Each round needs a little more than the last one left behind: what is too small must not pile up.
 */
static void test_growing_rounds_do_not_pile_up(void **state)
{
    (void)state;
    struct arena *arena = arena_new("test", (size_t)1 << 30);
    size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    for (size_t n = (size_t)5 << 20; n < (size_t)8 << 20; n += 100000) {
        struct arena_mark mark = arena_mark(arena);
        arena_alloc(arena, n);
        arena_rewind(arena, mark);
    }
    size_t after = mallinfo2().uordblks + mallinfo2().hblkhd;
    assert_true(after - before < (size_t)16 << 20);
    arena_free(arena);
}

#ifdef WITH_ASAN
static void test_freed_is_poisoned(void **state)
{
    (void)state;
    struct arena *arena = arena_new("test", 1 << 20);
    char *kept = arena_alloc(arena, 5);
    struct arena_mark mark = arena_mark(arena);
    char *small = arena_alloc(arena, 10);
    char *large = arena_alloc(arena, 100000);
    assert_false(__asan_address_is_poisoned(small + 9));
    assert_true(__asan_address_is_poisoned(small + 10));
    arena_rewind(arena, mark);
    assert_false(__asan_address_is_poisoned(kept + 4));
    assert_true(__asan_address_is_poisoned(small));
    assert_true(__asan_address_is_poisoned(large + 50000));
    arena_free(arena);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_use),
        cmocka_unit_test(test_deferred_run_newest_first),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_out_of_memory_ends_the_process),
        cmocka_unit_test(test_reset_keeps_memory),
        cmocka_unit_test(test_growing_rounds_do_not_pile_up),
#ifdef WITH_ASAN
        cmocka_unit_test(test_freed_is_poisoned),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
