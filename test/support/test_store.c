/* See test_store.h. */
#include "support/test_store.h"

#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "store/store_internal.h"

#define ARENA_BYTES_MAX ((size_t)4 << 30)
#define NOW_US INT64_C(1717200000000000) /* 2024-06-01T00:00:00Z */

static _Noreturn void fail(const char *what, const char *why)
{
    fprintf(stderr, "test_store: %s: %s\n", what, why);
    fflush(NULL);
    abort();
}

static void must(struct arena *arena, const char *what, const struct err *err)
{
    if (err)
        fail(what, str_z(arena, err_text(arena, err, LANG_EN)));
}

static int64_t now_us(void *arg)
{
    return __atomic_load_n((int64_t *)arg, __ATOMIC_RELAXED);
}

static const char *server_url(void)
{
    const char *url = getenv("HUITOU_TEST_POSTGRES");
    if (!url || !*url)
        fail("PostgreSQL", "HUITOU_TEST_POSTGRES names no server (script/test starts one)");
    return url;
}

/* Runs one statement in the server's own database. */
static void on_server(struct arena *arena, const char *sql)
{
    struct store_options options = {.url = str_c(server_url())};
    void *bare;
    must(arena, "PostgreSQL", postgres_driver.bare_open(arena, &options, false, &bare));
    must(arena, sql, postgres_driver.bare_run(arena, bare, sql, NULL));
    postgres_driver.bare_close(bare);
}

/* The server's url with another database: what stands behind the last slash, up to a question mark,
 * is replaced. */
static struct str database_url(struct arena *arena, const char *database)
{
    const char *url = server_url(), *host = strstr(url, "://");
    if (!host)
        fail("HUITOU_TEST_POSTGRES", "is not an url");
    const char *slash = strchr(host + 3, '/'), *query = strchr(host, '?');
    size_t n = slash ? (size_t)(slash - url) : query ? (size_t)(query - url) : strlen(url);
    return str_fmt(arena, "%.*s/%s%s", (int)n, url, database, query ? query : "");
}

static void make_sqlite(struct test_store *test)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(test->directory, sizeof(test->directory), "%s/huitou-test-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(test->directory))
        fail(test->directory, "cannot be made");
    test->options.url = str_fmt(test->arena, "sqlite:%s/huitou.db", test->directory);
}

static void make_postgres(struct test_store *test)
{
    uint64_t random;
    secret_random(&random, sizeof(random));
    snprintf(test->database, sizeof(test->database), "huitou_test_%016" PRIx64, random);
    on_server(test->arena,
              str_z(test->arena, str_fmt(test->arena, "CREATE DATABASE %s", test->database)));
    test->options.url = database_url(test->arena, test->database);
}

struct test_store *test_store_open(enum store_kind kind)
{
    static const uint8_t master[SECRET_KEY_BYTES] = "a master key for tests, public";
    secret_init();
    struct arena *arena = arena_new("test store", ARENA_BYTES_MAX);
    struct test_store *test = ARENA_NEW(arena, struct test_store);
    test->arena = arena;
    test->now_us = NOW_US;
    test->options.deps.clock = (struct clock){now_us, &test->now_us};
    test->options.deps.ids = id_maker_new(arena, &test->options.deps.clock, 1);
    test->options.deps.keys = keyring_new(arena, master);
    if (kind == STORE_SQLITE)
        make_sqlite(test);
    else
        make_postgres(test);
    must(arena, "store_migrate", store_migrate(arena, &test->options, NULL));
    must(arena, "store_open", store_open(arena, &test->options, &test->store));
    return test;
}

static int remove_one(const char *path, const struct stat *stat, int flag, struct FTW *walk)
{
    (void)stat;
    (void)flag;
    (void)walk;
    return remove(path);
}

void test_store_close(struct test_store *test)
{
    store_close(test->store);
    if (test->directory[0])
        nftw(test->directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    if (test->database[0]) {
        struct str drop = str_fmt(test->arena, "DROP DATABASE %s WITH (FORCE)", test->database);
        on_server(test->arena, str_z(test->arena, drop));
    }
    arena_free(test->arena);
}

static void run(struct test_store *test, store_fn *fn, void *arg, bool write)
{
    struct arena *arena = arena_new("test job", ARENA_BYTES_MAX);
    struct store_job job = {.name = "test", .fn = fn, .arg = arg};
    must(arena, write ? "test_write" : "test_read",
         write ? store_write(test->store, arena, &job) : store_read(test->store, arena, &job));
    arena_free(arena);
}

void test_write(struct test_store *test, store_fn *fn, void *arg)
{
    run(test, fn, arg, true);
}

void test_read(struct test_store *test, store_fn *fn, void *arg)
{
    run(test, fn, arg, false);
}

/* xoshiro256** 1.0 (Blackman, Vigna 2018), seeded by SplitMix64. */
struct test_random test_random(uint64_t seed)
{
    struct test_random random;
    for (int i = 0; i < 4; i++) {
        uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);
        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        random.state[i] = z ^ (z >> 31);
    }
    return random;
}

static uint64_t rotate_left(uint64_t x, int bits)
{
    return (x << bits) | (x >> (64 - bits));
}

uint64_t test_random_next(struct test_random *random)
{
    uint64_t *s = random->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

int64_t test_random_below(struct test_random *random, int64_t limit)
{
    uint64_t bound = (uint64_t)limit, reject = UINT64_MAX - UINT64_MAX % bound, x;
    do
        x = test_random_next(random);
    while (x >= reject);
    return (int64_t)(x % bound);
}
