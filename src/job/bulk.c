#include "job/bulk.h"

#include <pthread.h>

#include "base/arena.h"
#include "base/check.h"
#include "room/insight/insight.h"

#define STEP_BYTES_MAX ((size_t)256 << 20)

struct bulk_runner {
    struct store *store;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wanted;
    bool stopping, woken;
};

/* False: it is to stop. A failing store is asked again when something is begun, or after a restart.
 */
static bool wait_for_work(struct bulk_runner *runner)
{
    pthread_mutex_lock(&runner->lock);
    while (!runner->woken && !runner->stopping)
        pthread_cond_wait(&runner->wanted, &runner->lock);
    runner->woken = false;
    bool go_on = !runner->stopping;
    pthread_mutex_unlock(&runner->lock);
    return go_on;
}

static bool is_stopping(struct bulk_runner *runner)
{
    pthread_mutex_lock(&runner->lock);
    bool stopping = runner->stopping;
    pthread_mutex_unlock(&runner->lock);
    return stopping;
}

static void *run(void *arg)
{
    struct bulk_runner *runner = arg;
    struct arena *arena = arena_new("bulk changes", STEP_BYTES_MAX);
    while (wait_for_work(runner)) {
        struct bulk_step told = {.worked = true};
        const struct err *err = NULL;
        while (!err && told.worked && !is_stopping(runner)) {
            err = bulk_step(runner->store, arena, &told);
            arena_reset(arena);
        }
    }
    arena_free(arena);
    return NULL;
}

struct bulk_runner *bulk_runner_start(struct arena *arena, struct store *store)
{
    struct bulk_runner *runner = ARENA_NEW(arena, struct bulk_runner);
    runner->store = store;
    runner->woken = true; /* what a restart broke off */
    pthread_mutex_init(&runner->lock, NULL);
    pthread_cond_init(&runner->wanted, NULL);
    CHECK(pthread_create(&runner->thread, NULL, run, runner) == 0);
    return runner;
}

void bulk_runner_stop(struct bulk_runner *runner)
{
    if (!runner)
        return;
    pthread_mutex_lock(&runner->lock);
    runner->stopping = true;
    pthread_cond_signal(&runner->wanted);
    pthread_mutex_unlock(&runner->lock);
    pthread_join(runner->thread, NULL);
    pthread_mutex_destroy(&runner->lock);
    pthread_cond_destroy(&runner->wanted);
}

void bulk_runner_wake(struct bulk_runner *runner)
{
    pthread_mutex_lock(&runner->lock);
    runner->woken = true;
    pthread_cond_signal(&runner->wanted);
    pthread_mutex_unlock(&runner->lock);
}
