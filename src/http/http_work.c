/* The queue between the threads that read sockets and those that run handlers. */
#include "http/http_internal.h"

#include "base/check.h"

#include <time.h>

static void *worker(void *arg)
{
    struct work *work = arg;
    pthread_mutex_lock(&work->lock);
    for (;;) {
        while (!work->first && !work->stopping)
            pthread_cond_wait(&work->wanted, &work->lock);
        if (!work->first)
            break;
        struct request *request = work->first;
        work->first = request->next;
        if (!work->first)
            work->last = NULL;
        work->waiting--;
        work->at_work++;
        pthread_mutex_unlock(&work->lock);
        struct MHD_Connection *mhd = request->mhd;
        request_work(request);
        /* From here on the request may be answered and freed by the thread that has the socket. */
        MHD_resume_connection(mhd);
        pthread_mutex_lock(&work->lock);
        work->at_work--;
        if (!work->first && work->at_work == 0)
            pthread_cond_broadcast(&work->idle);
    }
    pthread_mutex_unlock(&work->lock);
    return NULL;
}

void work_start(struct work *work, struct arena *arena, int thread_count)
{
    pthread_mutex_init(&work->lock, NULL);
    pthread_cond_init(&work->wanted, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&work->idle, &monotonic);
    pthread_condattr_destroy(&monotonic);
    work->threads = ARENA_ARRAY(arena, (size_t)thread_count, pthread_t);
    for (work->thread_count = 0; work->thread_count < thread_count; work->thread_count++)
        CHECK(pthread_create(&work->threads[work->thread_count], NULL, worker, work) == 0);
}

bool work_add(struct work *work, struct request *request)
{
    pthread_mutex_lock(&work->lock);
    bool room = work->waiting < work->waiting_max && !work->stopping;
    if (room) {
        request->next = NULL;
        if (work->last)
            work->last->next = request;
        else
            work->first = request;
        work->last = request;
        work->waiting++;
        pthread_cond_signal(&work->wanted);
    }
    pthread_mutex_unlock(&work->lock);
    return room;
}

void work_drain(struct work *work, int64_t timeout_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000;
    pthread_mutex_lock(&work->lock);
    while (work->first || work->at_work > 0)
        if (pthread_cond_timedwait(&work->idle, &work->lock, &until) != 0)
            break;
    pthread_mutex_unlock(&work->lock);
}

void work_stop(struct work *work)
{
    pthread_mutex_lock(&work->lock);
    work->stopping = true;
    pthread_cond_broadcast(&work->wanted);
    pthread_mutex_unlock(&work->lock);
    for (int i = 0; i < work->thread_count; i++)
        pthread_join(work->threads[i], NULL);
    pthread_mutex_destroy(&work->lock);
    pthread_cond_destroy(&work->wanted);
    pthread_cond_destroy(&work->idle);
}
