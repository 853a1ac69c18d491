/* A JSON line per request. No address, name, phone or query: who asked is an id. A thread of its
 * own writes them: a disk or a pipe that makes it wait is not waited for by those who ask. */
#include "http/http_internal.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/calendar.h"
#include "base/check.h"
#include "codec/json.h"

#define LINE_BYTES_MAX 4096
#define WRITE_BYTES_MAX 4096 /* PIPE_BUF: a pipe that poll calls ready takes as much at once */
#define LOOK_AGAIN_MS 100

/* --- The thread that writes --- */

static bool is_stopping(struct request_log *log)
{
    pthread_mutex_lock(&log->lock);
    bool stopping = log->stopping;
    pthread_mutex_unlock(&log->lock);
    return stopping;
}

/* False where nobody takes it and the server stops; what an error keeps from being written is
 * passed over. */
static bool write_all(struct request_log *log, size_t n)
{
    struct pollfd to = {.fd = log->fd, .events = POLLOUT};
    int64_t until_ms = INT64_MAX;
    for (size_t at = 0; at < n;) {
        if (until_ms == INT64_MAX && is_stopping(log))
            until_ms = http_now_ms() + LIMIT_HTTP_LOG_STOP_MS;
        if (poll(&to, 1, LOOK_AGAIN_MS) == 0) {
            if (http_now_ms() >= until_ms)
                return false;
            continue;
        }
        size_t piece = n - at < WRITE_BYTES_MAX ? n - at : WRITE_BYTES_MAX;
        ssize_t wrote = write(log->fd, log->writing + at, piece);
        at += wrote > 0 ? (size_t)wrote : piece;
    }
    return true;
}

static void *writer(void *arg)
{
    struct request_log *log = arg;
    bool taken = true;
    pthread_mutex_lock(&log->lock);
    for (;;) {
        while (log->waiting_n == 0 && !log->stopping)
            pthread_cond_wait(&log->wanted, &log->lock);
        if (log->waiting_n == 0 || !taken)
            break;
        char *full = log->waiting;
        size_t n = log->waiting_n;
        log->waiting = log->writing;
        log->waiting_n = 0;
        log->writing = full;
        pthread_mutex_unlock(&log->lock);
        taken = write_all(log, n);
        pthread_mutex_lock(&log->lock);
    }
    pthread_mutex_unlock(&log->lock);
    return NULL;
}

void log_start(struct request_log *log, struct arena *arena, const struct http_options *options)
{
    log->fd = options->log ? fileno(options->log) : -1;
    if (log->fd < 0)
        return;
    log->bytes_max =
        options->log_bytes_max > 0 ? (size_t)options->log_bytes_max : LIMIT_HTTP_LOG_BYTES_MAX;
    pthread_mutex_init(&log->lock, NULL);
    pthread_cond_init(&log->wanted, NULL);
    log->waiting = arena_alloc(arena, log->bytes_max);
    log->writing = arena_alloc(arena, log->bytes_max);
    CHECK(pthread_create(&log->thread, NULL, writer, log) == 0);
}

void log_stop(struct request_log *log)
{
    if (log->fd < 0)
        return;
    pthread_mutex_lock(&log->lock);
    log->stopping = true;
    pthread_cond_signal(&log->wanted);
    pthread_mutex_unlock(&log->lock);
    pthread_join(log->thread, NULL);
    pthread_mutex_destroy(&log->lock);
    pthread_cond_destroy(&log->wanted);
}

static bool put_line(struct request_log *log, struct str line)
{
    if (line.n > log->bytes_max - log->waiting_n)
        return false;
    if (log->waiting_n == 0)
        pthread_cond_signal(&log->wanted);
    memcpy(log->waiting + log->waiting_n, line.p, line.n);
    log->waiting_n += line.n;
    return true;
}

/* Where there is no room the line is lost, and the next one that finds room is told how many. */
static void add_line(struct request_log *log, struct arena *arena, struct str time, struct str line)
{
    pthread_mutex_lock(&log->lock);
    if (log->lost_count > 0 &&
        put_line(log, str_fmt(arena, "{\"time\":\"%.*s\",\"lost\":%lld}\n", STR_ARG(time),
                              (long long)log->lost_count)))
        log->lost_count = 0;
    if (!put_line(log, line))
        log->lost_count++;
    pthread_mutex_unlock(&log->lock);
}

/* --- A line --- */

static void put_text(struct json_writer *w, const char *key, struct str value)
{
    json_key(w, str_c(key));
    json_put_str(w, value);
}

static void put_number(struct json_writer *w, const char *key, int64_t value)
{
    json_key(w, str_c(key));
    json_put_i64(w, value);
}

void log_request(struct request *request, int64_t took_us)
{
    struct request_log *log = &request->server->log;
    if (log->fd < 0)
        return;
    struct str time = time_text(request->arena, request->call.now_us);
    struct buf line = buf_new(request->arena, LINE_BYTES_MAX);
    struct json_writer w = json_writer(&line, false);
    const struct endpoint *endpoint = request->call.endpoint;
    json_open(&w, '{');
    put_text(&w, "time", time);
    put_text(&w, "request_id", str_c(request->id));
    put_text(&w, "method",
             str_slice(request->method, 0, request->method.n < 16 ? request->method.n : 16));
    put_text(&w, "endpoint", endpoint ? str_c(endpoint->name) : STR_NONE);
    put_number(&w, "status", request->reply.status);
    put_text(&w, "error",
             request->error == ERR_NONE ? STR_NONE : str_c(err_info(request->error)->name));
    put_text(&w, "by", request->call.principal.by);
    put_number(&w, "took_us", took_us);
    put_number(&w, "bytes_in", request->body_bytes);
    put_number(&w, "bytes_out", (int64_t)request->reply.body.n);
    json_close(&w, '}');
    buf_char(&line, '\n');
    add_line(log, request->arena, time, buf_view(&line));
}
