/* The queue between the threads that read sockets and those that run handlers. */
#include "http/http_internal.h"

#include "base/check.h"

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
        pthread_mutex_unlock(&work->lock);
        struct MHD_Connection *mhd = request->mhd;
        request_work(request);
        /* From here on the request may be answered and freed by the thread that has the socket. */
        MHD_resume_connection(mhd);
        pthread_mutex_lock(&work->lock);
    }
    pthread_mutex_unlock(&work->lock);
    return NULL;
}

void work_start(struct work *work, struct arena *arena, int thread_count)
{
    pthread_mutex_init(&work->lock, NULL);
    pthread_cond_init(&work->wanted, NULL);
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

void work_stop(struct work *work)
{
    pthread_mutex_lock(&work->lock);
    work->stopping = true;
    pthread_cond_broadcast(&work->wanted);
    pthread_mutex_unlock(&work->lock);
    for (int i = 0; i < work->thread_count; i++)
        pthread_join(work->threads[i], NULL);
}

void work_free(struct work *work)
{
    pthread_mutex_destroy(&work->lock);
    pthread_cond_destroy(&work->wanted);
}
