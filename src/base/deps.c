#include "base/deps.h"

#include <stdatomic.h>
#include <time.h>

#include "base/arena.h"
#include "base/check.h"

#define SEQUENCE_BITS 12
#define NODE_BITS 10
#define TIME_BITS 41

/* A tick is milliseconds since ID_EPOCH_MS followed by the sequence: the next id's tick is the
 * clock's, or one more than the last, whichever is later. */
struct id_maker {
    struct clock clock;
    int64_t node;
    _Atomic int64_t last_tick;
};

static int64_t system_now_us(void *arg)
{
    (void)arg;
    struct timespec now;
    int failed = clock_gettime(CLOCK_REALTIME, &now);
    CHECK(failed == 0);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

struct clock clock_system(void)
{
    return (struct clock){.now_us = system_now_us, .arg = NULL};
}

struct id_maker *id_maker_new(struct arena *arena, const struct clock *clock, int node)
{
    CHECK(node >= 0 && node <= ID_NODE_MAX);
    struct id_maker *maker = ARENA_NEW(arena, struct id_maker);
    maker->clock = *clock;
    maker->node = node;
    atomic_init(&maker->last_tick, 0);
    return maker;
}

int64_t id_next(struct id_maker *maker)
{
    int64_t since_epoch_ms = clock_now_us(&maker->clock) / 1000 - ID_EPOCH_MS;
    int64_t clock_tick = since_epoch_ms > 0 ? since_epoch_ms << SEQUENCE_BITS : 0;
    int64_t last = atomic_load(&maker->last_tick);
    int64_t tick;
    do {
        tick = clock_tick > last ? clock_tick : last + 1;
    } while (!atomic_compare_exchange_weak(&maker->last_tick, &last, tick));
    int64_t time_ms = tick >> SEQUENCE_BITS;
    int64_t sequence = tick & ((1 << SEQUENCE_BITS) - 1);
    CHECK(time_ms < INT64_C(1) << TIME_BITS);
    return time_ms << (NODE_BITS + SEQUENCE_BITS) | maker->node << SEQUENCE_BITS | sequence;
}

int64_t id_time_ms(int64_t id)
{
    return (id >> (NODE_BITS + SEQUENCE_BITS)) + ID_EPOCH_MS;
}
