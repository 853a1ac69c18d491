/* Answers: problems (RFC 9457), JSON, files; packed with gzip; with the headers that every answer
 * carries. */
#include "http/http_internal.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/check.h"
#include "codec/gzip.h"
#include "codec/json.h"

#define GZIP_WORTH_BYTES 1024

static bool has_field(const struct shape *shape, struct str name)
{
    for (int i = 0; shape && i < shape->field_count; i++)
        if (str_eq(str_c(shape->fields[i].name), name))
            return true;
    return false;
}

/* Where it is, in the request's own terms. Rooms name a field as they know it ("name",
 * "/customer_id", "--as-of"): here it is a JSON pointer into the body (RFC 6901), "?name" of the
 * query or "{name}" of the path. */
static struct str pointer_of(struct request *request, struct str field)
{
    const struct endpoint *endpoint = request->call.endpoint;
    if (str_eq(field, STR("body")))
        return STR(""); /* the whole of it */
    if (!str_is(field) || !endpoint || field.p[0] == '?')
        return field;
    size_t begin = 0;
    while (begin < field.n && (field.p[begin] == '-' || field.p[begin] == '/'))
        begin++;
    struct str rest, first = str_cut(str_slice(field, begin, field.n), '/', &rest);
    char *bytes = arena_alloc(request->arena, first.n + 1);
    for (size_t i = 0; i < first.n; i++)
        bytes[i] = first.p[i] == '-' ? '_' : first.p[i];
    struct str name = {bytes, first.n};
    if (has_field(endpoint->in, name))
        return field.p[0] == '/' ? field : str_fmt(request->arena, "/%.*s", STR_ARG(name));
    if (has_field(endpoint->query_shape, name))
        return str_fmt(request->arena, "?%.*s", STR_ARG(name));
    if (has_field(endpoint->path_shape, name))
        return str_fmt(request->arena, "{%.*s}", STR_ARG(name));
    /* A header is called as it is written; what is left names nothing of the request's. */
    bool is_header = field.p[0] >= 'A' && field.p[0] <= 'Z';
    return is_header || field.p[0] == '/' ? field : STR_NONE;
}

/* The error's text, with the field as the request calls it. */
static struct str detail_of(struct request *request, const struct err *err)
{
    struct err shown = *err;
    struct str pointer = pointer_of(request, err->field);
    if (str_is(pointer))
        shown.field = pointer.p[0] == '{' ? str_slice(pointer, 1, pointer.n - 1) : pointer;
    return err_text(request->arena, &shown, request->call.lang);
}

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
        json_put_str(w, pointer_of(request, err->field));
        json_key(w, STR("detail"));
        json_put_str(w, detail_of(request, err));
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
    json_put_str(&w, detail_of(request, worst));
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
    int64_t seconds; /* where the error's first word is one */
    bool says = str_to_i64(worst->arg[0], &seconds) && seconds >= 0;
    if (info->http_status == 429 || info->http_status == 503)
        request->reply.retry_after = says ? worst->arg[0] : STR("5");
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
    reply_tag_packed(request);
}

void reply_tag_packed(struct request *request)
{
    struct str etag = request->reply.etag;
    if (etag.p)
        request->reply.etag = str_fmt(request->arena, "%.*s" HTTP_ETAG_PACKED "\"",
                                      STR_ARG(str_slice(etag, 0, etag.n - 1)));
}

static void header(struct request *request, struct MHD_Response *response, const char *name,
                   struct str value)
{
    if (value.p)
        CHECK(MHD_add_response_header(response, name, str_z(request->arena, value)) == MHD_YES);
}

/* What every answer carries. The console needs no script, style, picture or connection from
 * elsewhere. */
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
    header(request, response, "Set-Cookie", reply->set_cookie);
    header(request, response, "Set-Cookie", reply->set_cookie_2);
    header(request, response, "Vary", STR("Accept-Encoding, Accept-Language"));
    if (reply->gzipped)
        header(request, response, "Content-Encoding", STR("gzip"));
    if (reply->status == MHD_HTTP_UNAUTHORIZED) /* RFC 9110, 15.5.2 */
        header(request, response, "WWW-Authenticate", STR("Bearer realm=\"huitou\""));
    return response;
}
