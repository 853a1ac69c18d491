#include "room/order/import_lane.h"

#include <pthread.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/check.h"

struct import_lane {
    pthread_t thread;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t changed;
    void (*work)(void *arg); /* NULL: idle */
    void *arg;
    bool closing;
};

static void *lane_main(void *arg)
{
    struct import_lane *lane = arg;
    pthread_mutex_lock(&lane->lock);
    for (;;) {
        while (!lane->work && !lane->closing)
            pthread_cond_wait(&lane->changed, &lane->lock);
        if (!lane->work)
            break;
        pthread_mutex_unlock(&lane->lock);
        lane->work(lane->arg); /* set before, and left alone until it is done */
        pthread_mutex_lock(&lane->lock);
        lane->work = NULL;
        pthread_cond_broadcast(&lane->changed);
    }
    pthread_mutex_unlock(&lane->lock);
    return NULL;
}

static void lane_close(void *arg)
{
    struct import_lane *lane = arg;
    pthread_mutex_lock(&lane->lock);
    lane->closing = true;
    pthread_cond_broadcast(&lane->changed);
    pthread_mutex_unlock(&lane->lock);
    pthread_join(lane->thread, NULL);
    pthread_cond_destroy(&lane->changed);
    pthread_mutex_destroy(&lane->lock);
}

struct import_lane *import_lane_open(struct arena *arena)
{
    struct import_lane *lane = ARENA_NEW(arena, struct import_lane);
    pthread_mutex_init(&lane->lock, NULL);
    pthread_cond_init(&lane->changed, NULL);
    CHECK(pthread_create(&lane->thread, NULL, lane_main, lane) == 0);
    arena_defer(arena, lane_close, lane);
    return lane;
}

void import_lane_begin(struct import_lane *lane, void (*work)(void *arg), void *arg)
{
    pthread_mutex_lock(&lane->lock);
    while (lane->work)
        pthread_cond_wait(&lane->changed, &lane->lock);
    lane->work = work;
    lane->arg = arg;
    pthread_cond_broadcast(&lane->changed);
    pthread_mutex_unlock(&lane->lock);
}

void import_lane_wait(struct import_lane *lane)
{
    pthread_mutex_lock(&lane->lock);
    while (lane->work)
        pthread_cond_wait(&lane->changed, &lane->lock);
    pthread_mutex_unlock(&lane->lock);
}
