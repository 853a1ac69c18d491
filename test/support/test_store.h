/* For tests: a fresh, migrated store on either database, with an injected clock, seeded ids and a fixed master key.
 * SQLite: in a temporary directory that is removed. PostgreSQL: a new database on the server that HUITOU_TEST_POSTGRES
 * names (script/test starts one); its absence fails the test, it is never skipped. */
#ifndef HUITOU_TEST_SUPPORT_TEST_STORE_H
#define HUITOU_TEST_SUPPORT_TEST_STORE_H

#include "store/store.h"

struct test_store {
    struct arena *arena;
    struct store *store;
    struct store_options options;
    int64_t now_us; /* the clock; a test may move it. Begins at 2024-06-01T00:00:00Z and stands still */
    char directory[64];
    char database[64];
};
struct test_store *test_store_open(enum store_kind kind);
void test_store_close(struct test_store *test);
/* Runs fn in a write or read transaction and fails the test with the error's text where there is one. Memory from
 * tx_arena is gone when they return. Any thread. */
void test_write(struct test_store *test, store_fn *fn, void *arg);
void test_read(struct test_store *test, store_fn *fn, void *arg);
/* A seeded generator (xoshiro256**, so that a seed replays on every machine). */
struct test_random {
    uint64_t state[4];
};
struct test_random test_random(uint64_t seed);
uint64_t test_random_next(struct test_random *random);
int64_t test_random_below(struct test_random *random, int64_t limit); /* 0 … limit - 1 */

#endif
