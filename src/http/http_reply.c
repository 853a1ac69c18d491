/* Answers: problems (RFC 9457), JSON, files; packed with gzip; with the headers that every answer carries. */
#include "http/http_internal.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "codec/gzip.h"
#include "codec/json.h"

#define GZIP_WORTH_BYTES 1024

static void put_errors(struct request *request, struct json_writer *w, const struct err *err)
{
    json_key(w, STR("errors"));
    json_open(w, '[');
    for (; err; err = err->next) {
        const struct err_info *info = err_info(err->code);
        json_open(w, '{');
        json_key(w, STR("code"));
        json_put_str(w, str_c(info->name));
        json_key(w, STR("number"));
        json_put_i64(w, info->number);
        json_key(w, STR("pointer"));
        json_put_str(w, err->field);
        json_key(w, STR("detail"));
        json_put_str(w, err_text(request->arena, err, request->call.lang));
        json_close(w, '}');
    }
    json_close(w, ']');
}

/* The gravest decides the status: ours before theirs. */
static const struct err *gravest(const struct err *err)
{
    const struct err *worst = err;
    for (; err; err = err->next)
        if (err_info(err->code)->http_status >= 500 && err_info(worst->code)->http_status < 500)
            worst = err;
    return worst;
}

void reply_problem(struct request *request, const struct err *err)
{
    const struct err *worst = gravest(err);
    const struct err_info *info = err_info(worst->code);
    struct buf out = buf_new(request->arena, LIMIT_HTTP_REPLY_BYTES_MAX);
    struct json_writer w = json_writer(&out, false);
    json_open(&w, '{');
    json_key(&w, STR("type"));
    json_put_str(&w, str_fmt(request->arena, "/docs/errors#%s", info->name));
    json_key(&w, STR("title"));
    json_put_str(&w, str_c(info->name));
    json_key(&w, STR("status"));
    json_put_i64(&w, info->http_status);
    json_key(&w, STR("detail"));
    json_put_str(&w, err_text(request->arena, worst, request->call.lang));
    json_key(&w, STR("request_id"));
    json_put_str(&w, str_c(request->id));
    put_errors(request, &w, err);
    json_close(&w, '}');
    struct str allow = request->reply.allow;
    request->error = worst->code;
    request->reply = (struct reply){.status = info->http_status,
                                    .content_type = STR("application/problem+json"),
                                    .body = buf_view(&out),
                                    .allow = allow};
    if (info->http_status == 429 || info->http_status == 503)
        request->reply.retry_after = worst->arg[0].p ? worst->arg[0] : STR("5");
}

void reply_json(struct request *request, int status, struct str body)
{
    request->reply.status = status;
    request->reply.body = body;
    request->reply.content_type = STR("application/json");
}

void reply_pack(struct request *request)
{
    struct reply *reply = &request->reply;
    bool worth = request->accepts_gzip && !reply->gzipped && reply->body.n >= GZIP_WORTH_BYTES &&
                 !reply->file_path.p && !reply->stream;
    struct str packed;
    if (!worth || !gzip_pack(request->arena, reply->body, &packed) || packed.n >= reply->body.n)
        return;
    reply->body = packed;
    reply->gzipped = true;
}

static void header(struct request *request, struct MHD_Response *response, const char *name,
                   struct str value)
{
    if (value.p)
        CHECK(MHD_add_response_header(response, name, str_z(request->arena, value)) == MHD_YES);
}

/* What came by TLS goes back by TLS only (RFC 6265, 4.1.2.5). */
static struct str cookie(struct request *request, struct str value)
{
    if (!value.p || !request->by_tls)
        return value;
    return str_fmt(request->arena, "%.*s; Secure", STR_ARG(value));
}

/* What every answer carries. The console needs no script, style, picture or connection from elsewhere. */
static void common_headers(struct request *request, struct MHD_Response *response)
{
    header(request, response, "X-Request-Id", str_c(request->id));
    header(request, response, "X-Content-Type-Options", STR("nosniff"));
    header(request, response, "Referrer-Policy", STR("same-origin"));
    header(request, response, "X-Frame-Options", STR("DENY"));
    header(request, response, "Content-Security-Policy",
           STR("default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; "
               "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"));
    header(request, response, "Cross-Origin-Opener-Policy", STR("same-origin"));
    header(request, response, "Cross-Origin-Resource-Policy", STR("same-origin"));
}

static struct MHD_Response *file_response(struct request *request)
{
    int fd = open(str_z(request->arena, request->reply.file_path), O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (fd < 0)
        return NULL;
    if (fstat(fd, &status) != 0) {
        close(fd);
        return NULL;
    }
    if (request->reply.remove_file)
        unlink(str_z(request->arena, request->reply.file_path));
    return MHD_create_response_from_fd64((uint64_t)status.st_size, fd);
}

/* libmicrohttpd takes bytes that it only reads as void *. */
static void *cast_away_const(const char *bytes)
{
    return (void *)(uintptr_t)bytes;
}

struct MHD_Response *reply_response(struct request *request)
{
    struct reply *reply = &request->reply;
    struct MHD_Response *response = NULL;
    if (reply->stream)
        response = stream_response(request);
    else if (reply->file_path.p)
        response = file_response(request);
    else /* the body lives in the request's arena until the answer has been sent */
        response = MHD_create_response_from_buffer(reply->body.n, cast_away_const(reply->body.p),
                                                   MHD_RESPMEM_PERSISTENT);
    if (!response)
        return NULL;
    common_headers(request, response);
    header(request, response, "Content-Type", reply->content_type);
    header(request, response, "Cache-Control",
           reply->cache_control.p ? reply->cache_control : STR("no-store"));
    header(request, response, "ETag", reply->etag);
    header(request, response, "Location", reply->location);
    header(request, response, "Allow", reply->allow);
    header(request, response, "Content-Disposition", reply->disposition);
    header(request, response, "Retry-After", reply->retry_after);
    header(request, response, "Set-Cookie", cookie(request, reply->set_cookie));
    header(request, response, "Set-Cookie", cookie(request, reply->set_cookie_2));
    header(request, response, "Vary", STR("Accept-Encoding, Accept-Language"));
    if (reply->gzipped)
        header(request, response, "Content-Encoding", STR("gzip"));
    return response;
}
