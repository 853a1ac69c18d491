/* What a command needs from outside itself: the clock, ids, keys, randomness. Injected, so that a test runs a year in
 * seconds and replays from a seed. */
#ifndef HUITOU_BASE_DEPS_H
#define HUITOU_BASE_DEPS_H

#include "base/secret.h"

struct clock {
    int64_t (*now_us)(void *arg); /* microseconds UTC; may be called from any thread */
    void *arg;
};
struct clock clock_system(void);
static inline int64_t clock_now_us(const struct clock *clock)
{
    return clock->now_us(clock->arg);
}

/* Ids: 41 bits of milliseconds since 2024-01-01T00:00:00Z, 10 of node, 12 of sequence; positive, strictly growing
 * within a maker even when the clock steps back. More than 4,096 in a millisecond borrow from the next one.
 * Thread-safe. */
#define ID_EPOCH_MS INT64_C(1704067200000)
#define ID_NODE_MAX 1023
struct id_maker;
struct id_maker *id_maker_new(struct arena *arena, const struct clock *clock, int node);
int64_t id_next(struct id_maker *maker);
int64_t id_time_ms(int64_t id); /* milliseconds since 1970 that the id was made at */

struct deps {
    struct clock clock;
    struct id_maker *ids;
    const struct keyring *keys;
};

#endif
