/* One request: from its head to the answer. */
#include "http/http_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/check.h"
#include "codec/gzip.h"
#include "codec/json.h"

#define API_PREFIX "/api/"

/* --- The head --- */

static struct str head_value(struct request *request, const char *name)
{
    const char *value = NULL;
    size_t n = 0;
    if (MHD_lookup_connection_value_n(request->mhd, MHD_HEADER_KIND, name, strlen(name), &value,
                                      &n) == MHD_NO ||
        !value)
        return STR_NONE;
    return str_copy(request->arena, (struct str){value, n});
}

static struct str cookie_value(struct request *request, const char *name)
{
    const char *value = MHD_lookup_connection_value(request->mhd, MHD_COOKIE_KIND, name);
    return value ? str_copy(request->arena, str_c(value)) : STR_NONE;
}

static bool comes_by_proxy(const struct request *request)
{
    struct str peer = str_c(request->connection->address);
    bool loopback = str_starts(peer, STR("127.")) || str_eq(peer, STR("::1"));
    return request->server->options.behind_proxy && loopback;
}

static struct str client_address(struct request *request)
{
    struct str forwarded = STR_NONE;
    if (comes_by_proxy(request))
        forwarded = head_last_address(head_value(request, "X-Forwarded-For"));
    return forwarded.p ? forwarded : str_c(request->connection->address);
}

/* Whether the client came by https: only a proxy on this machine can know. */
static bool over_tls(struct request *request)
{
    return comes_by_proxy(request) &&
           str_eq_nocase(head_value(request, "X-Forwarded-Proto"), STR("https"));
}

static void read_head(struct request *request)
{
    struct str authorization = head_value(request, "Authorization");
    request->credentials.bearer = head_bearer(authorization);
    request->credentials.session = cookie_value(request, "huitou_session");
    request->call.session_token = request->credentials.session;
    request->call.device_token = cookie_value(request, "huitou_device");
    request->call.over_tls = over_tls(request);
    request->credentials.csrf_token = head_value(request, "X-CSRF-Token");
    request->credentials.address = client_address(request);
    request->call.address = request->credentials.address;
    request->call.lang = head_lang(head_value(request, "Accept-Language"));
    request->call.request_id = str_c(request->id);
    request->call.idempotency_key = head_value(request, "Idempotency-Key");
    request->if_none_match = head_value(request, "If-None-Match");
    request->content_type = head_value(request, "Content-Type");
    request->accepts_gzip = head_has_word(head_value(request, "Accept-Encoding"), STR("gzip"));
}

static void fail(struct request *request, const struct err *err)
{
    reply_problem(request, err);
    request->ready = true;
}

/* --- Assets --- */

static const struct http_asset *asset_at(const struct http_options *options, struct str path)
{
    for (int i = 0; i < options->asset_count; i++)
        if (str_eq(str_c(options->assets[i].path), path))
            return &options->assets[i];
    return NULL;
}

/* The page that answers for an address which is neither an asset's nor an endpoint's. */
static const struct http_asset *page_for(const struct http_options *options, struct str path)
{
    /* Every address without a dot in its last part is a page of the console, which finds its own
     * way. */
    for (size_t i = path.n; i > 0 && path.p[i - 1] != '/'; i--)
        if (path.p[i - 1] == '.')
            return NULL;
    return str_starts(path, STR(API_PREFIX)) ? NULL : asset_at(options, STR("/"));
}

/* Nothing is sent to who has it already. */
static void answer_not_modified(struct request *request)
{
    struct reply *reply = &request->reply;
    struct str named = head_tag_named(request->if_none_match, reply->etag);
    if (!named.p)
        return;
    reply->status = MHD_HTTP_NOT_MODIFIED;
    reply->etag = named;
    reply->body = STR("");
    if (reply->file_path.p && reply->remove_file)
        unlink(str_z(request->arena, reply->file_path));
    reply->file_path = STR_NONE;
    reply->gzipped = false;
}

static void answer_asset(struct request *request, const struct http_asset *asset)
{
    struct reply *reply = &request->reply;
    struct str packed = {(const char *)asset->bytes, asset->n};
    reply->status = MHD_HTTP_OK;
    reply->content_type = str_c(asset->content_type);
    reply->cache_control =
        asset->immutable ? STR("public, max-age=31536000, immutable") : STR("no-cache");
    uint8_t hash[SECRET_HASH_BYTES];
    secret_content_hash(packed, hash);
    reply->etag = str_fmt(request->arena, "\"%02x%02x%02x%02x%02x%02x%02x%02x\"", hash[0], hash[1],
                          hash[2], hash[3], hash[4], hash[5], hash[6], hash[7]);
    answer_not_modified(request);
    request->ready = true;
    if (reply->status == MHD_HTTP_NOT_MODIFIED)
        return;
    reply->body = packed;
    reply->gzipped = request->accepts_gzip ||
                     !gzip_unpack(request->arena, packed, LIMIT_HTTP_REPLY_BYTES_MAX, &reply->body);
    if (reply->gzipped)
        reply_tag_packed(request);
}

/* --- Routing and limits --- */

static const struct err *find_route(struct request *request)
{
    struct str parts[LIMIT_HTTP_PATH_PARTS_MAX];
    int part_count;
    struct str allowed = STR_NONE;
    if (!path_split(request->arena, request->url, parts, &part_count))
        return ERR_NEW(request->arena, ERR_HTTP_PATH, STR_NONE);
    request->call.endpoint =
        route_find(request->arena, &request->server->routes, request->method, parts, part_count,
                   request->variables, &request->variable_count, &allowed);
    if (request->call.endpoint)
        return NULL;
    request->reply.allow = allowed;
    if (allowed.p)
        return ERR_NEW(request->arena, ERR_HTTP_METHOD, STR_NONE, request->method, allowed);
    return ERR_NEW(request->arena, ERR_HTTP_NOT_FOUND, STR_NONE);
}

/* Where a body ends must be beyond doubt, or the next request begins elsewhere for us than for a
 * proxy before us (request smuggling). RFC 9112, 6.1 and 6.3: one length or one list of chunks, not
 * both; 3.2: one host. */
struct framing {
    int lengths, codings, hosts;
    bool is_chunked;
};

static enum MHD_Result note_framing(void *arg, enum MHD_ValueKind kind, const char *name,
                                    const char *value)
{
    struct framing *framing = arg;
    (void)kind;
    framing->lengths += strcasecmp(name, "Content-Length") == 0;
    framing->hosts += strcasecmp(name, "Host") == 0;
    if (strcasecmp(name, "Transfer-Encoding") == 0) {
        framing->codings++;
        framing->is_chunked = value && strcasecmp(value, "chunked") == 0;
    }
    return MHD_YES;
}

static const struct err *check_framing(struct request *request)
{
    struct framing framing = {0};
    MHD_get_connection_values(request->mhd, MHD_HEADER_KIND, note_framing, &framing);
    bool good = framing.lengths + framing.codings <= 1 && framing.hosts <= 1 &&
                (framing.codings == 0 || framing.is_chunked);
    return good ? NULL : ERR_NEW(request->arena, ERR_HTTP_FRAMING, STR_NONE);
}

static const struct err *check_length(struct request *request)
{
    const struct endpoint *endpoint = request->call.endpoint;
    bool takes_body = endpoint->in || (endpoint->flags & ENDPOINT_UPLOAD);
    int64_t most = endpoint->body_bytes_max              ? endpoint->body_bytes_max
                   : (endpoint->flags & ENDPOINT_UPLOAD) ? LIMIT_HTTP_UPLOAD_BYTES_MAX
                                                         : LIMIT_HTTP_BODY_BYTES_MAX;
    request->body_bytes_max = takes_body ? most : 0;
    int64_t length = 0;
    struct str said = head_value(request, "Content-Length");
    if (said.p && (!str_to_i64(said, &length) || length < 0 || length > request->body_bytes_max))
        return ERR_NEW(request->arena, ERR_HTTP_BODY_TOO_LARGE, STR_NONE,
                       str_fmt(request->arena, "%lld", (long long)request->body_bytes_max));
    return NULL;
}

static const struct err *check_content_type(struct request *request)
{
    const struct endpoint *endpoint = request->call.endpoint;
    struct str rest;
    struct str type = str_trim(str_cut(request->content_type, ';', &rest));
    if (endpoint->in && !(endpoint->flags & ENDPOINT_UPLOAD) &&
        !str_eq_nocase(type, STR("application/json")))
        return ERR_NEW(request->arena, ERR_HTTP_CONTENT_TYPE, STR_NONE, STR("application/json"));
    return NULL;
}

static const struct err *authenticate(struct request *request)
{
    const struct http_options *options = &request->server->options;
    const struct endpoint *endpoint = request->call.endpoint;
    bool is_write = (endpoint->flags & ENDPOINT_WRITE) != 0;
    TRY(options->authenticate(&request->call, &request->credentials, is_write));
    request->call.reach = endpoint_reach(endpoint, &request->call.principal);
    if (request->call.reach != REACH_NONE)
        return NULL;
    if (request->call.principal.kind == PRINCIPAL_NOBODY)
        return ERR_NEW(request->arena, ERR_HTTP_LOGIN, STR_NONE);
    return ERR_NEW(request->arena, ERR_HTTP_FORBIDDEN, STR_NONE,
                   str_c(endpoint->title.in[request->call.lang]));
}

static void enter(const struct request *request)
{
    const struct http_options *options = &request->server->options;
    if (options->enter)
        options->enter(options->service);
}

static void leave(const struct request *request)
{
    const struct http_options *options = &request->server->options;
    if (options->leave)
        options->leave(options->service);
}

static const struct err *open_upload(struct request *request)
{
    if (!(request->call.endpoint->flags & ENDPOINT_UPLOAD))
        return NULL;
    enter(request);
    const struct err *err = authenticate(request);
    leave(request);
    TRY(err);
    request->call.upload_path =
        str_fmt(request->arena, "%.*s/upload-%s",
                STR_ARG(request->server->options.upload_directory), request->id);
    request->upload_fd = open(str_z(request->arena, request->call.upload_path),
                              O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (request->upload_fd < 0)
        return ERR_NEW(request->arena, ERR_HTTP_UPLOAD, STR_NONE, str_c(strerror(errno)));
    request->upload_hash = secret_stream_new(request->arena);
    return NULL;
}

static const struct err *begin(struct request *request)
{
    TRY(find_route(request));
    TRY(check_length(request));
    TRY(check_content_type(request));
    struct str key = request->call.idempotency_key;
    if ((request->call.endpoint->flags & ENDPOINT_IDEMPOTENT) && key.p &&
        (key.n == 0 || key.n > LIMIT_IDEMPOTENCY_KEY_BYTES_MAX))
        return ERR_NEW(request->arena, ERR_HTTP_IDEMPOTENCY_KEY, STR_NONE);
    return open_upload(request);
}

void request_begin(struct request *request)
{
    request->upload_fd = -1;
    request->call.arena = request->arena;
    request->call.service = request->server->options.service;
    request->call.now_us = clock_now_us(&request->server->options.deps.clock);
    read_head(request);
    request->is_head = str_eq(request->method, STR("HEAD"));
    bool reads = request->is_head || str_eq(request->method, STR("GET"));
    const struct http_options *options = &request->server->options;
    const struct err *framing = check_framing(request);
    if (framing) {
        fail(request, framing);
        request->reply.closes = true; /* libmicrohttpd 0.9.75 does so anyway, this early */
        return;
    }
    const struct http_asset *asset = reads ? asset_at(options, request->url) : NULL;
    if (asset) {
        answer_asset(request, asset);
        return;
    }
    const struct err *err = begin(request);
    if (err && err->code == ERR_HTTP_NOT_FOUND && reads)
        asset = page_for(options, request->url);
    if (asset)
        answer_asset(request, asset);
    else if (err)
        fail(request, err);
}

/* --- The body --- */

static const struct err *write_upload(struct request *request, const char *bytes, size_t n)
{
    secret_stream_add(request->upload_hash, bytes, n);
    while (n > 0) {
        ssize_t written = write(request->upload_fd, bytes, n);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return ERR_NEW(request->arena, ERR_HTTP_UPLOAD, STR_NONE, str_c(strerror(errno)));
        bytes += written;
        n -= (size_t)written;
    }
    return NULL;
}

void request_body(struct request *request, const char *bytes, size_t n)
{
    request->body_bytes += (int64_t)n;
    if (request->ready)
        return; /* refused already: the rest is passed over */
    if (request->body_bytes > request->body_bytes_max) {
        fail(request, ERR_NEW(request->arena, ERR_HTTP_BODY_TOO_LARGE, STR_NONE,
                              str_fmt(request->arena, "%lld", (long long)request->body_bytes_max)));
        return;
    }
    if (request->upload_fd >= 0) {
        const struct err *err = write_upload(request, bytes, n);
        if (err)
            fail(request, err);
        return;
    }
    if (!request->body.arena)
        request->body = buf_new(request->arena, (size_t)request->body_bytes_max);
    buf_add(&request->body, bytes, n);
}

/* --- The handler --- */

static void *shape_room(struct request *request, const struct shape *shape)
{
    return shape ? arena_alloc(request->arena, shape->size ? shape->size : 1) : NULL;
}

static void join(struct err_list *all, const struct err *err)
{
    for (; err; err = err->next) {
        struct err *copy = ARENA_NEW(all->arena, struct err);
        *copy = *err;
        copy->next = NULL;
        err_list_add(all, copy);
    }
}

static const struct err *decode_query(struct request *request, void *query)
{
    static const struct shape nothing = {.name = "query", .size = 0};
    const struct shape *shape = request->call.endpoint->query_shape;
    struct shape_pair *pairs =
        ARENA_ARRAY(request->arena, LIMIT_HTTP_QUERY_PAIRS_MAX, struct shape_pair);
    size_t count;
    if (!query_split(request->arena, request->query_text, pairs, &count))
        return ERR_NEW(request->arena, ERR_HTTP_QUERY, STR_NONE);
    char none; /* what `nothing` is read into: memset takes no NULL, not even for no bytes */
    return shape_read_pairs(request->arena, shape ? shape : &nothing, pairs, count,
                            shape ? query : &none);
}

static const struct err *decode_body(struct request *request, void *in)
{
    const struct json_value *value;
    struct str text = request->body.arena ? buf_view(&request->body) : STR("");
    TRY(json_read(request->arena, STR("body"), text, &value));
    return shape_read_json(request->arena, request->call.endpoint->in, value, in);
}

/* All that is wrong with path, query and body, at once. */
static const struct err *decode(struct request *request)
{
    const struct endpoint *endpoint = request->call.endpoint;
    struct err_list errors = {.arena = request->arena};
    void *path = shape_room(request, endpoint->path_shape);
    void *query = shape_room(request, endpoint->query_shape);
    void *in = shape_room(request, endpoint->in);
    /* A path that does not fit its shape names nothing that there is. */
    if (path && shape_read_pairs(request->arena, endpoint->path_shape, request->variables,
                                 request->variable_count, path))
        return ERR_NEW(request->arena, ERR_HTTP_NOT_FOUND, STR_NONE);
    join(&errors, decode_query(request, query));
    if (in && !(endpoint->flags & ENDPOINT_UPLOAD))
        join(&errors, decode_body(request, in));
    request->call.path = path;
    request->call.query = query;
    request->call.in = in;
    request->call.out = shape_room(request, endpoint->out);
    if (endpoint->out)
        shape_clear(endpoint->out, request->call.out);
    return errors.first;
}

/* What the request says, whole: under one idempotency key it must be the same. */
static void hash_request(struct request *request, uint8_t hash[SECRET_HASH_BYTES])
{
    struct secret_stream_hash *stream = secret_stream_new(request->arena);
    uint8_t of_file[SECRET_HASH_BYTES];
    struct str body = request->body.arena ? buf_view(&request->body) : STR("");
    if (request->upload_hash) {
        secret_stream_end(request->upload_hash, of_file);
        body = (struct str){(const char *)of_file, sizeof(of_file)};
    }
    const struct str parts[] = {request->method, request->url, request->query_text, body};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        secret_stream_add(stream, parts[i].p, parts[i].n);
        secret_stream_add(stream, "\n", 1);
    }
    secret_stream_end(stream, hash);
}

static const struct err *run(struct request *request)
{
    if (request->upload_fd >= 0) {
        if (close(request->upload_fd) != 0) {
            request->upload_fd = -1;
            return ERR_NEW(request->arena, ERR_HTTP_UPLOAD, STR_NONE, str_c(strerror(errno)));
        }
        request->upload_fd = -1;
        request->call.upload_bytes = request->body_bytes;
    }
    /* Of an upload once more: while its body came, the session may have ended. */
    TRY(authenticate(request));
    TRY(decode(request));
    hash_request(request, request->call.request_hash);
    if (!(request->call.endpoint->flags & ENDPOINT_IDEMPOTENT))
        request->call.idempotency_key = STR_NONE;
    return request->call.endpoint->handler(&request->call);
}

/* --- The answer --- */

static void answer_file(struct request *request)
{
    struct endpoint_file *file = &request->call.file;
    struct reply *reply = &request->reply;
    reply->content_type = file->content_type;
    reply->gzipped = request->accepts_gzip && file->packed.p;
    reply->body = reply->gzipped ? file->packed : file->bytes;
    reply->file_path = file->bytes.p ? STR_NONE : file->path;
    reply->remove_file = !file->keep;
    if (!file->name.p)
        return;
    /* RFC 6266: the plain name for those who know no other, the whole one in UTF-8. */
    struct buf encoded = buf_new(request->arena, 4096);
    for (size_t i = 0; i < file->name.n && i < 1000; i++) {
        unsigned char c = (unsigned char)file->name.p[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                     c == '.' || c == '-' || c == '_';
        if (plain)
            buf_char(&encoded, (char)c);
        else
            buf_fmt(&encoded, "%%%02X", c);
    }
    struct str name = buf_view(&encoded);
    reply->disposition =
        str_fmt(request->arena, "attachment; filename*=UTF-8''%.*s", STR_ARG(name));
}

static void answer_json(struct request *request)
{
    const struct call *call = &request->call;
    if (!call->endpoint->out) {
        request->reply.body = STR("");
        return;
    }
    request->reply.content_type = STR("application/json");
    request->reply.gzipped = request->accepts_gzip && call->replay_packed.p;
    request->reply.body = request->reply.gzipped ? call->replay_packed : call->replay;
    if (!call->replay.p)
        request->reply.body = endpoint_reply_json(call);
}

static void answer(struct request *request)
{
    struct call *call = &request->call;
    struct reply *reply = &request->reply;
    const struct endpoint *endpoint = call->endpoint;
    int usual = endpoint->out || (endpoint->flags & (ENDPOINT_FILE | ENDPOINT_STREAM))
                    ? MHD_HTTP_OK
                    : MHD_HTTP_NO_CONTENT;
    reply->status = call->status ? call->status : endpoint->status ? endpoint->status : usual;
    reply->location = call->location;
    reply->set_cookie = call->set_cookie;
    reply->set_cookie_2 = call->set_cookie_2;
    if ((endpoint->flags & ENDPOINT_STREAM) && streams_full(&request->server->streams)) {
        reply_problem(request, ERR_NEW(request->arena, ERR_HTTP_BUSY, STR_NONE, STR("60")));
        return;
    }
    if (endpoint->flags & ENDPOINT_STREAM) {
        reply->stream = true;
        reply->content_type = STR("text/event-stream");
    } else if (endpoint->flags & ENDPOINT_FILE) {
        answer_file(request);
    } else {
        answer_json(request);
    }
    if (!call->etag.p)
        return;
    reply->etag = call->etag;
    reply->cache_control = STR("private, no-cache");
    answer_not_modified(request);
}

void request_work(struct request *request)
{
    enter(request);
    const struct err *err = run(request);
    if (err)
        reply_problem(request, err);
    else
        answer(request);
    leave(request);
    if (request->reply.gzipped)
        reply_tag_packed(request);
    else
        reply_pack(request);
    request->ready = true;
}

void request_end(struct request *request)
{
    /* An answer that could not be begun: its file would stay for ever. */
    if (request->reply.file_path.p && request->reply.remove_file)
        unlink(str_z(request->arena, request->reply.file_path));
    if (request->upload_fd >= 0)
        close(request->upload_fd);
    /* A handler that wants to keep the file has renamed it. */
    if (request->call.upload_path.p)
        unlink(str_z(request->arena, request->call.upload_path));
    arena_free(request->arena);
}
