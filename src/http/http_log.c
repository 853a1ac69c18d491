/* A JSON line per request. No address, name, phone or query: who asked is an id. */
#include "http/http_internal.h"

#include "base/calendar.h"
#include "codec/json.h"

#define LINE_BYTES_MAX 4096

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
    FILE *log = request->server->options.log;
    if (!log)
        return;
    struct buf line = buf_new(request->arena, LINE_BYTES_MAX);
    struct json_writer w = json_writer(&line, false);
    const struct endpoint *endpoint = request->call.endpoint;
    json_open(&w, '{');
    put_text(&w, "time", time_text(request->arena, request->call.now_us));
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
    pthread_mutex_lock(&request->server->log_lock);
    fwrite(line.p, 1, line.n, log);
    fflush(log);
    pthread_mutex_unlock(&request->server->log_lock);
}
