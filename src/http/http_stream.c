/* Streams of server-sent events (HTML Living Standard, 9.2). Each has a short queue of bytes; a
 * client that does not keep up is cut off and comes again. libmicrohttpd does not notice that a
 * suspended connection's client has gone: a comment now and then does. */
#include "http/http_internal.h"

#include <stdlib.h>
#include <string.h>

#define LEAST_BYTES 4096

struct stream {
    struct stream *next;
    struct streams *all;
    struct MHD_Connection *mhd;
    int64_t opened_ms;
    char *bytes; /* n of them wait, from `at` on */
    size_t at, n, capacity;
    bool suspended, ends;
};

static void wake(struct stream *stream)
{
    if (!stream->suspended)
        return;
    stream->suspended = false;
    MHD_resume_connection(stream->mhd);
}

static void put(struct stream *stream, struct str text)
{
    if (stream->ends)
        return;
    if (stream->n - stream->at + text.n > LIMIT_HTTP_STREAM_BYTES_MAX) {
        stream->ends = true;
        wake(stream);
        return;
    }
    if (stream->at == stream->n)
        stream->at = stream->n = 0;
    if (stream->n + text.n > stream->capacity) {
        stream->capacity = (stream->n + text.n) * 2;
        stream->bytes = memory_or_end(stream->bytes, stream->capacity);
    }
    memcpy(stream->bytes + stream->n, text.p, text.n);
    stream->n += text.n;
    wake(stream);
}

static ssize_t read_stream(void *arg, uint64_t position, char *out, size_t max)
{
    struct stream *stream = arg;
    (void)position;
    pthread_mutex_lock(&stream->all->lock);
    size_t waiting = stream->n - stream->at;
    size_t n = waiting < max ? waiting : max;
    ssize_t result = (ssize_t)n;
    if (n > 0) {
        memcpy(out, stream->bytes + stream->at, n);
        stream->at += n;
    } else if (stream->ends || stream->all->stopping) {
        result = MHD_CONTENT_READER_END_OF_STREAM;
    } else {
        stream->suspended = true;
        MHD_suspend_connection(stream->mhd);
    }
    pthread_mutex_unlock(&stream->all->lock);
    return result;
}

static void close_stream(void *arg)
{
    struct stream *stream = arg;
    struct streams *all = stream->all;
    pthread_mutex_lock(&all->lock);
    struct stream **at = &all->first;
    while (*at != stream)
        at = &(*at)->next;
    *at = stream->next;
    all->count--;
    pthread_mutex_unlock(&all->lock);
    free(stream->bytes);
    free(stream);
}

struct MHD_Response *stream_response(struct request *request)
{
    struct streams *all = &request->server->streams;
    struct stream *stream = memory_or_end(NULL, sizeof(*stream));
    *stream = (struct stream){.all = all, .mhd = request->mhd, .opened_ms = http_now_ms()};
    struct MHD_Response *response = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, LEAST_BYTES, read_stream, stream, close_stream);
    if (!response) {
        free(stream);
        return NULL;
    }
    pthread_mutex_lock(&all->lock);
    stream->next = all->first;
    all->first = stream;
    all->count++;
    put(stream, STR("retry: 3000\n\n"));
    pthread_mutex_unlock(&all->lock);
    return response;
}

void streams_publish(struct streams *all, struct str topic, struct str data)
{
    struct arena *arena = arena_new("stream event", LIMIT_HTTP_STREAM_BYTES_MAX * 4);
    pthread_mutex_lock(&all->lock);
    all->event_count++;
    struct str text = str_fmt(arena, "id: %lld\nevent: %.*s\ndata: %.*s\n\n",
                              (long long)all->event_count, STR_ARG(topic), STR_ARG(data));
    for (struct stream *each = all->first; each; each = each->next)
        put(each, text);
    pthread_mutex_unlock(&all->lock);
    arena_free(arena);
}

bool streams_full(struct streams *all)
{
    pthread_mutex_lock(&all->lock);
    bool full = all->count >= LIMIT_HTTP_STREAMS_MAX;
    pthread_mutex_unlock(&all->lock);
    return full;
}

void streams_heartbeat(struct streams *all)
{
    int64_t now_ms = http_now_ms();
    pthread_mutex_lock(&all->lock);
    for (struct stream *each = all->first; each; each = each->next) {
        put(each, STR(": still here\n\n"));
        /* Whoever listens must show again now and then that they still may. */
        if (now_ms - each->opened_ms > all->longest_ms)
            each->ends = true;
    }
    pthread_mutex_unlock(&all->lock);
}

void streams_stop(struct streams *all)
{
    pthread_mutex_lock(&all->lock);
    all->stopping = true;
    for (struct stream *each = all->first; each; each = each->next)
        wake(each);
    pthread_mutex_unlock(&all->lock);
}
