#include "job/purger.h"

#include <pthread.h>
#include <time.h>

#include "base/arena.h"
#include "base/check.h"
#include "room/customer/customer.h"

#define LOOK_BYTES_MAX ((size_t)16 << 20)
#define LOOK_S 60     /* between two looks of its own */
#define WAIT_MS 2000  /* for who is in the way; whoever comes after a lock waits behind it */

struct purger {
    struct store *store;
    struct imports *imports;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wanted;
    bool stopping, woken;
};

/* False: it is to stop. */
static bool wait_for_work(struct purger *purger)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += LOOK_S;
    pthread_mutex_lock(&purger->lock);
    while (!purger->woken && !purger->stopping &&
           pthread_cond_timedwait(&purger->wanted, &purger->lock, &until) == 0)
        continue;
    purger->woken = false;
    bool go_on = !purger->stopping;
    pthread_mutex_unlock(&purger->lock);
    return go_on;
}

/* What fails, or finds somebody in the way, is tried again at the next look. */
static void *run(void *arg)
{
    struct purger *purger = arg;
    struct arena *arena = arena_new("purger", LOOK_BYTES_MAX);
    while (wait_for_work(purger)) {
        bool left;
        const struct err *err = erasure_purge(purger->store, arena, WAIT_MS,
                                              STORE_PURGE_BESIDE_BYTES_MAX, &left);
        if (!err)
            err = imports_tidy(purger->imports, arena);
        (void)err;
        arena_reset(arena);
    }
    arena_free(arena);
    return NULL;
}

struct purger *purger_start(struct arena *arena, struct store *store, struct imports *imports)
{
    struct purger *purger = ARENA_NEW(arena, struct purger);
    purger->store = store;
    purger->imports = imports;
    purger->woken = true; /* what a restart broke off */
    pthread_mutex_init(&purger->lock, NULL);
    pthread_cond_init(&purger->wanted, NULL);
    CHECK(pthread_create(&purger->thread, NULL, run, purger) == 0);
    return purger;
}

void purger_stop(struct purger *purger)
{
    if (!purger)
        return;
    pthread_mutex_lock(&purger->lock);
    purger->stopping = true;
    pthread_cond_signal(&purger->wanted);
    pthread_mutex_unlock(&purger->lock);
    pthread_join(purger->thread, NULL);
    pthread_mutex_destroy(&purger->lock);
    pthread_cond_destroy(&purger->wanted);
}

void purger_wake(struct purger *purger)
{
    pthread_mutex_lock(&purger->lock);
    purger->woken = true;
    pthread_cond_signal(&purger->wanted);
    pthread_mutex_unlock(&purger->lock);
}
