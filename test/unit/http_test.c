/* link: http */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/limits.h"
#include "codec/json.h"
#include "http/http.h"

/* --- A small service: things with an id --- */

struct thing_path {
    int64_t thing_id;
};
static const struct field thing_path_fields[] = {
    {.name = "thing_id", .kind = FIELD_ID, .offset = offsetof(struct thing_path, thing_id), .required = true},
};
static const struct shape thing_path_shape = {
    .name = "thing_path", .size = sizeof(struct thing_path), SHAPE_FIELDS(thing_path_fields)};
struct thing_query {
    int64_t times;
};
static const struct field thing_query_fields[] = {
    {.name = "times", .kind = FIELD_I64, .offset = offsetof(struct thing_query, times), .min = 1,
     .max = 3000000, .fallback = "1"},
};
static const struct shape thing_query_shape = {
    .name = "thing_query", .size = sizeof(struct thing_query), SHAPE_FIELDS(thing_query_fields)};
struct thing {
    struct str name;
    int64_t weight;
};
static const struct field thing_fields[] = {
    {.name = "name", .kind = FIELD_TEXT, .offset = offsetof(struct thing, name), .required = true,
     .min = 1, .max = 2000000},
    {.name = "weight", .kind = FIELD_I64, .offset = offsetof(struct thing, weight), .required = true},
};
static const struct shape thing_shape = {
    .name = "thing", .size = sizeof(struct thing), SHAPE_FIELDS(thing_fields)};

static const struct err *get_thing(struct call *call)
{
    const struct thing_path *path = call->path;
    const struct thing_query *query = call->query;
    struct thing *out = call->out;
    struct buf name = buf_new(call->arena, 32u << 20);
    for (int64_t i = 0; i < query->times; i++)
        buf_str(&name, STR("thing "));
    out->name = buf_view(&name);
    out->weight = path->thing_id;
    call->etag = STR("\"v1\"");
    return NULL;
}

static const struct err *put_thing(struct call *call)
{
    *(struct thing *)call->out = *(const struct thing *)call->in;
    call->status = 201;
    return NULL;
}

static const struct err *slow_thing(struct call *call)
{
    const struct timespec pause = {.tv_nsec = 700000000};
    nanosleep(&pause, NULL);
    struct thing *out = call->out;
    out->name = STR("slow");
    return NULL;
}

static const struct err *who_asks(struct call *call)
{
    struct thing *out = call->out;
    out->name = str_copy(call->arena, call->address);
    return NULL;
}

static const struct err *upload_thing(struct call *call)
{
    struct thing *out = call->out;
    out->name = str_copy(call->arena, call->upload_path);
    out->weight = call->upload_bytes;
    return NULL;
}

static const struct err *stream_thing(struct call *call)
{
    (void)call;
    return NULL;
}

static const struct endpoint endpoints[] = {
    {.name = "getThing", .method = METHOD_GET, .path = "/api/things/{thing_id}", .flags = ENDPOINT_PUBLIC,
     .path_shape = &thing_path_shape, .query_shape = &thing_query_shape, .out = &thing_shape,
     .handler = get_thing, .title = TEXT("A thing", "一个东西")},
    {.name = "putThing", .method = METHOD_POST, .path = "/api/things", .flags = ENDPOINT_WRITE,
     .in = &thing_shape, .out = &thing_shape, .handler = put_thing, .reach = {[ROLE_OWNER] = REACH_ALL},
     .title = TEXT("Put a thing", "放一个东西")},
    {.name = "slowThing", .method = METHOD_GET, .path = "/api/slow", .flags = ENDPOINT_PUBLIC,
     .out = &thing_shape, .handler = slow_thing, .title = TEXT("Slow", "慢")},
    {.name = "allThings", .method = METHOD_GET, .path = "/api/things/all", .flags = ENDPOINT_PUBLIC,
     .out = &thing_shape, .handler = who_asks, .title = TEXT("All", "全部")},
    {.name = "whoAsks", .method = METHOD_GET, .path = "/api/who", .flags = ENDPOINT_PUBLIC,
     .out = &thing_shape, .handler = who_asks, .title = TEXT("Who", "谁")},
    {.name = "uploadThing", .method = METHOD_PUT, .path = "/api/upload", .flags = ENDPOINT_UPLOAD | ENDPOINT_WRITE,
     .out = &thing_shape, .handler = upload_thing, .reach = {[ROLE_OWNER] = REACH_ALL},
     .title = TEXT("Upload", "上传")},
    {.name = "streamThing", .method = METHOD_GET, .path = "/api/stream", .flags = ENDPOINT_PUBLIC | ENDPOINT_STREAM,
     .handler = stream_thing, .title = TEXT("Stream", "流")},
};
static const struct endpoint_table table = {
    .tag = "things", .title = TEXT("Things", "东西"), ENDPOINTS(endpoints)};
static const struct endpoint_table *const tables[] = {&table};

static const struct err *authenticate(struct call *call, const struct http_credentials *credentials,
                                      bool is_write)
{
    (void)is_write;
    if (credentials->bearer.p && str_eq(credentials->bearer, STR("owner")))
        call->principal = (struct principal){.kind = PRINCIPAL_STAFF, .role = ROLE_OWNER};
    if (credentials->bearer.p && str_eq(credentials->bearer, STR("agent")))
        call->principal = (struct principal){.kind = PRINCIPAL_STAFF, .role = ROLE_AGENT};
    return NULL;
}

/* --- A client --- */

struct fixture {
    struct arena *arena;
    _Atomic(struct http_server *) server;
    int port;
    char folder[64];
};

static struct fixture *started(struct http_options options)
{
    static struct fixture fixture;
    fixture.arena = arena_new("test", (size_t)256 << 20);
    strcpy(fixture.folder, "/tmp/http_test.XXXXXX");
    assert_non_null(mkdtemp(fixture.folder));
    options.tables = tables;
    options.table_count = 1;
    options.authenticate = authenticate;
    options.deps.clock = clock_system();
    options.upload_directory = str_c(fixture.folder);
    assert_null(http_start(fixture.arena, &options, &fixture.server));
    fixture.port = http_port(fixture.server);
    return &fixture;
}

static void stopped(struct fixture *fixture)
{
    http_stop(fixture->server);
    assert_int_equal(rmdir(fixture->folder), 0); /* no upload is left */
    arena_free(fixture->arena);
}

static int connected_from(const char *source, int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct sockaddr_in from = {.sin_family = AF_INET};
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    inet_pton(AF_INET, source, &from.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM, 0), small = 4096;
    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)); /* so that who does not read is noticed soon */
    assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof(from)), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    struct timeval patience = {.tv_sec = 20};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    return fd;
}

static int connected(int port)
{
    return connected_from("127.0.0.1", port);
}

static void wait_ms(int ms)
{
    const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

static void send_text(int fd, const char *text)
{
    size_t n = strlen(text);
    assert_int_equal(send(fd, text, n, MSG_NOSIGNAL), (ssize_t)n);
}

/* All until the server closes; silence for so long is a failure. */
static struct str answer(struct arena *arena, int fd)
{
    struct buf all = buf_new(arena, 64u << 20);
    char piece[65536];
    ssize_t n;
    while ((n = recv(fd, piece, sizeof(piece), 0)) > 0)
        buf_add(&all, piece, (size_t)n);
    assert_true(n == 0 || errno != EAGAIN);
    close(fd);
    buf_char(&all, '\0');
    return str_slice(buf_view(&all), 0, all.n - 1);
}

static struct str asked(struct fixture *fixture, const char *head, const char *body)
{
    int fd = connected(fixture->port);
    struct str request = str_fmt(fixture->arena, "%s\r\nHost: x\r\nConnection: close\r\n", head);
    if (body)
        request = str_fmt(fixture->arena, "%.*sContent-Length: %zu\r\n\r\n%s", STR_ARG(request), strlen(body), body);
    else
        request = str_fmt(fixture->arena, "%.*s\r\n", STR_ARG(request));
    send_text(fd, str_z(fixture->arena, request));
    return answer(fixture->arena, fd);
}

static int status_of(struct str answer_text)
{
    int status = 0;
    assert_true(sscanf(answer_text.p, "HTTP/1.1 %d", &status) == 1);
    return status;
}

static void assert_has(struct str text, const char *part)
{
    assert_non_null(text.p);
    if (!strstr(text.p, part))
        fail_msg("no \"%s\" in \"%.*s\"", part, STR_ARG(text));
}

static void read_until(int fd, char *all, size_t size, const char *end)
{
    size_t n = strlen(all);
    while (n + 1 < size && !strstr(all, end)) {
        ssize_t got = recv(fd, all + n, size - 1 - n, 0);
        assert_true(got > 0);
        n += (size_t)got;
        all[n] = '\0';
    }
}

/* Not closed, and nothing came. */
static bool is_open(int fd)
{
    char byte;
    return recv(fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

/* --- Tests --- */

static void test_routes_and_answers(void **state)
{
    (void)state;
    struct fixture *f = started((struct http_options){0});
    struct str text = asked(f, "GET /api/things/42 HTTP/1.1", NULL);
    assert_int_equal(status_of(text), 200);
    assert_has(text, "{\"name\":\"thing \",\"weight\":42}");
    assert_has(text, "X-Request-Id: ");
    assert_has(text, "ETag: \"v1\"");
    assert_int_equal(status_of(asked(f, "GET /api/things/42 HTTP/1.1\r\nIf-None-Match: \"v1\"", NULL)), 304);
    assert_has(asked(f, "GET /api/things/all HTTP/1.1", NULL), "127.0.0.1"); /* a word goes before a variable */
    text = asked(f, "HEAD /api/things/42 HTTP/1.1", NULL);
    assert_int_equal(status_of(text), 200);
    assert_true(str_ends(text, STR("\r\n\r\n")));
    text = asked(f, "DELETE /api/things/42 HTTP/1.1", NULL);
    assert_int_equal(status_of(text), 405);
    assert_has(text, "Allow: GET");
    assert_int_equal(status_of(asked(f, "GET /api/things/x HTTP/1.1", NULL)), 404);
    assert_int_equal(status_of(asked(f, "GET /api/nothing HTTP/1.1", NULL)), 404);
    text = asked(f, "GET /api/things/42?times=0&other=1 HTTP/1.1", NULL);
    assert_int_equal(status_of(text), 422);
    assert_has(text, "\"pointer\":\"?times\"");
    assert_has(text, "\"pointer\":\"?other\"");
    assert_has(text, "application/problem+json");
    text = asked(f, "GET /api/things/42?times=0 HTTP/1.1\r\nAccept-Language: zh-CN,zh;q=0.9,en;q=0.8", NULL);
    assert_has(text, "必须");
    text = asked(f, "GET /api/things/42?times=2000 HTTP/1.1\r\nAccept-Encoding: gzip", NULL);
    assert_has(text, "Content-Encoding: gzip");
    assert_has(text, "ETag: \"v1-gzip\"");
    assert_true(text.n < 2000);
    text = asked(f, "GET /api/things/42?times=2000 HTTP/1.1\r\nAccept-Encoding: br, gzip;q=0", NULL);
    assert_null(strstr(text.p, "Content-Encoding"));
    assert_true(text.n > 12000);
    assert_has(asked(f, "GET /api/things/42?times=2000 HTTP/1.1\r\nAccept-Encoding: br, gzip;q=0.5", NULL), "Content-Encoding: gzip");
    stopped(f);
}

/* RFC 9110, 13.1.2: any of a list, compared weakly; "*" is whatever there is. */
static void test_tags(void **state)
{
    (void)state;
    static const struct {
        const char *named;
        int status;
    } cases[] = {{"\"v2\"", 200}, {"\"v1", 200}, {"v1", 200}, {"\"\"", 200}, {"\"v2\", \"v1\"", 304}, {"W/\"v1\"", 304},
                 {"W/\"v2\"", 200}, {"*", 304}, {"\"v1-gzip\"", 304}, {"\"v11\", \"v\"", 200}};
    struct fixture *f = started((struct http_options){0});
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct str head = str_fmt(f->arena, "GET /api/things/42 HTTP/1.1\r\nIf-None-Match: %s", cases[i].named);
        int status = status_of(asked(f, str_z(f->arena, head), NULL));
        if (status != cases[i].status)
            fail_msg("If-None-Match: %s: %d", cases[i].named, status);
    }
    stopped(f);
}

/* Who asks is whom the connection comes from; a proxy on this machine, where there is one, knows better, and says it last. */
static void test_whose_address(void **state)
{
    (void)state;
    const char *head = "GET /api/who HTTP/1.1\r\nX-Forwarded-For: 192.0.2.1, 192.0.2.2";
    struct fixture *f = started((struct http_options){0});
    assert_has(asked(f, head, NULL), "\"name\":\"127.0.0.1\"");
    stopped(f);
    f = started((struct http_options){.behind_proxy = true});
    assert_has(asked(f, head, NULL), "\"name\":\"192.0.2.2\"");
    assert_has(asked(f, "GET /api/who HTTP/1.1", NULL), "\"name\":\"127.0.0.1\"");
    stopped(f);
}

/* What the log may say of a request, and nothing else: who asked from where, and for what, is in none of it. */
static void test_log(void **state)
{
    (void)state;
    static const char *const keys[] = {"time", "request_id", "method", "endpoint", "status",
                                       "error", "by", "took_us", "bytes_in", "bytes_out"};
    FILE *log = tmpfile();
    struct fixture *f = started((struct http_options){.log = log});
    asked(f, "GET /api/things/42?times=0&q=13900000001 HTTP/1.1", NULL);
    http_stop(f->server);
    char line[2000] = "";
    rewind(log);
    assert_non_null(fgets(line, sizeof(line), log));
    const struct json_value *value;
    assert_null(json_read(f->arena, STR("log"), str_c(line), &value));
    assert_int_equal(json_count(value), sizeof(keys) / sizeof(keys[0]));
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        assert_non_null(json_get(value, str_c(keys[i])));
    assert_null(strstr(line, "1390000"));
    assert_null(strstr(line, "127.0.0.1"));
    fclose(log);
    assert_int_equal(rmdir(f->folder), 0);
    arena_free(f->arena);
}

/* All that the pipe gives within so long of the last of it. */
static int lines_of(struct arena *arena, int fd, int64_t *lost)
{
    struct buf text = buf_new(arena, 1 << 20);
    struct pollfd from = {.fd = fd, .events = POLLIN};
    char piece[4096];
    int count = 0;
    while (poll(&from, 1, 500) == 1) {
        ssize_t n = read(fd, piece, sizeof(piece));
        assert_true(n > 0);
        buf_str(&text, (struct str){piece, (size_t)n});
    }
    struct str rest = buf_view(&text);
    while (rest.n > 0) {
        const struct json_value *line, *value;
        assert_null(json_read(arena, STR("log"), str_cut(rest, '\n', &rest), &line));
        value = json_get(line, STR("lost"));
        if (value)
            *lost += json_i64(value);
        else
            count += json_get(line, STR("request_id")) != NULL;
    }
    return count;
}

/* A log that nobody reads: answers do not wait for it, what finds no room is counted, and the server stops. */
static void test_log_stands_still(void **state)
{
    (void)state;
    enum { ASKED = 200 };
    int ends[2];
    int64_t lost = 0;
    assert_int_equal(pipe(ends), 0);
    assert_true(fcntl(ends[1], F_SETPIPE_SZ, 4096) >= 4096);
    FILE *log = fdopen(ends[1], "w");
    struct fixture *f = started((struct http_options){.log = log, .log_bytes_max = 8192});
    for (int i = 0; i < ASKED; i++)
        assert_int_equal(status_of(asked(f, "GET /api/things/42 HTTP/1.1", NULL)), 200);
    int count = lines_of(f->arena, ends[0], &lost);
    assert_true(count > 0 && count < ASKED);
    asked(f, "GET /api/things/42 HTTP/1.1", NULL);
    count += lines_of(f->arena, ends[0], &lost);
    assert_true(lost > 0);
    assert_int_equal(count + lost, ASKED + 1);
    for (int i = 0; i < ASKED; i++)
        asked(f, "GET /api/things/42 HTTP/1.1", NULL);
    stopped(f);
    fclose(log);
    close(ends[0]);
}

static void test_who_may(void **state)
{
    (void)state;
    struct fixture *f = started((struct http_options){0});
    const char *body = "{\"name\":\"a\",\"weight\":1}";
    const char *json = "Content-Type: application/json";
    char head[200];
    snprintf(head, sizeof(head), "POST /api/things HTTP/1.1\r\n%s", json);
    assert_int_equal(status_of(asked(f, head, body)), 401);
    snprintf(head, sizeof(head), "POST /api/things HTTP/1.1\r\n%s\r\nAuthorization: Bearer agent", json);
    assert_int_equal(status_of(asked(f, head, body)), 403);
    snprintf(head, sizeof(head), "POST /api/things HTTP/1.1\r\n%s\r\nAuthorization: Bearer owner", json);
    assert_int_equal(status_of(asked(f, head, body)), 201);
    struct str text = asked(f, head, "{\"name\":\"\",\"weight\":\"1\",\"x/y\":1}");
    assert_int_equal(status_of(text), 422);
    assert_has(text, "\"pointer\":\"/name\"");
    assert_has(text, "\"pointer\":\"/weight\"");
    assert_has(text, "\"pointer\":\"/x~1y\"");
    assert_int_equal(status_of(asked(f, head, "{\"name\":")), 400);
    assert_int_equal(status_of(asked(f, "POST /api/things HTTP/1.1\r\nAuthorization: Bearer owner", body)), 415);
    stopped(f);
}

static void test_limits_and_tricks(void **state)
{
    (void)state;
    struct fixture *f = started((struct http_options){0});
    static const char *const bad[] = {"/api/../etc/passwd", "/api/%2e%2e/x", "/api/things/%2e", "/api//things",
                                      "/api/things/%00", "/api/%ff%fe", "/api/./things", "/api/%zz"};
    static const char *const nowhere[] = {"/api/things%2f42", "/api/a%5cb", "/api/%2e%2e%2fthings/42", "/api/things/4%2f2"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct str head = str_fmt(f->arena, "GET %s HTTP/1.1", bad[i]);
        assert_int_equal(status_of(asked(f, str_z(f->arena, head), NULL)), 400);
    }
    for (size_t i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++) {
        struct str head = str_fmt(f->arena, "GET %s HTTP/1.1", nowhere[i]);
        assert_int_equal(status_of(asked(f, str_z(f->arena, head), NULL)), 404);
    }
    struct buf pairs = buf_new(f->arena, 4096);
    buf_str(&pairs, STR("GET /api/who?"));
    for (int i = 0; i < 65; i++)
        buf_str(&pairs, STR("a=b&"));
    buf_str(&pairs, STR(" HTTP/1.1"));
    assert_int_equal(status_of(asked(f, str_z(f->arena, buf_view(&pairs)), NULL)), 400);
    assert_int_equal(status_of(asked(f, "GET /api/things/42 HTTP/1.1\r\nHost: y", NULL)), 400); /* two hosts */
    struct str text = asked(f, "POST /api/things HTTP/1.1\r\nContent-Type: application/json\r\n"
                               "Content-Length: 1073741824", NULL);
    assert_int_equal(status_of(text), 413);
    struct buf many = buf_new(f->arena, 8u << 20);
    buf_str(&many, STR("GET /api/things/42 HTTP/1.1"));
    for (int i = 0; i < 20000; i++)
        buf_fmt(&many, "\r\nX-%d: y", i);
    int fd = connected(f->port);
    (void)!send(fd, many.p, many.n, MSG_NOSIGNAL);
    (void)!send(fd, "\r\n\r\n", 4, MSG_NOSIGNAL);
    text = answer(f->arena, fd);
    assert_true(text.n == 0 || status_of(text) == 431); /* it may close while we still send */
    assert_int_equal(status_of(asked(f, "GET /api/things/42 HTTP/1.1", NULL)), 200);
    stopped(f);
}

static void test_upload(void **state)
{
    (void)state;
    struct fixture *f = started((struct http_options){0});
    struct buf body = buf_new(f->arena, 8u << 20);
    for (int i = 0; i < 300000; i++)
        buf_str(&body, STR("0123456789"));
    buf_char(&body, '\0');
    assert_int_equal(status_of(asked(f, "PUT /api/upload HTTP/1.1", "abc")), 401);
    struct str text = asked(f, "PUT /api/upload HTTP/1.1\r\nAuthorization: Bearer owner", body.p);
    assert_int_equal(status_of(text), 200);
    assert_has(text, "\"weight\":3000000");
    /* Who may not is told so before the file comes. */
    int fd = connected(f->port);
    char told[4096] = "";
    send_text(fd, "PUT /api/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n");
    read_until(fd, told, sizeof(told), "HTTP/1.1 401");
    close(fd);
    stopped(f);
}

/* A connection that never says all loses its place by time, and, where there is no room, to a newcomer. */
static void test_slow_ones_are_cut(void **state)
{
    (void)state;
    struct fixture *f = started((struct http_options){.head_timeout_ms = 600});
    int fd = connected(f->port);
    send_text(fd, "GET /api/things/42 HT");
    assert_int_equal(answer(f->arena, fd).n, 0);
    stopped(f);
    f = started((struct http_options){.connections_per_address_max = 5});
    int slow[20];
    for (int i = 0; i < 20; i++) {
        slow[i] = connected(f->port);
        send_text(slow[i], "GET /api/th");
        assert_int_equal(status_of(asked(f, "GET /api/things/42 HTTP/1.1", NULL)), 200);
    }
    for (int i = 0; i < 15; i++)
        assert_int_equal(answer(f->arena, slow[i]).n, 0); /* those that waited longest */
    send_text(slow[19], "ings/42 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_int_equal(status_of(answer(f->arena, slow[19])), 200); /* not the latest */
    for (int i = 15; i < 19; i++)
        close(slow[i]);
    stopped(f);
}

/* Each state has its time as a whole, however a client drips. */
static void test_each_state_has_its_time(void **state)
{
    (void)state;
    struct fixture *f = started((struct http_options){.body_timeout_ms = 600});
    int fd = connected(f->port);
    send_text(fd, "POST /api/things HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAuthorization: Bearer owner\r\n"
                  "Content-Length: 1000\r\n\r\n{");
    assert_int_equal(answer(f->arena, fd).n, 0);
    stopped(f);
    f = started((struct http_options){.reply_timeout_ms = 600});
    fd = connected(f->port);
    send_text(fd, "GET /api/things/42?times=3000000 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    wait_ms(2500);
    assert_true(answer(f->arena, fd).n < 3000000 * 6);
    stopped(f);
    f = started((struct http_options){.head_timeout_ms = 600});
    fd = connected(f->port);
    char text[4096] = "";
    send_text(fd, "GET /api/things/42 HTTP/1.1\r\nHost: x\r\n\r\n");
    read_until(fd, text, sizeof(text), "\"weight\":42");
    assert_int_equal(answer(f->arena, fd).n, 0); /* who says no more */
    stopped(f);
}

/* Who makes room: of one address its own that waits longest, of all whoever waits longest; nobody who is being answered. */
static void test_who_makes_room(void **state)
{
    (void)state;
    struct fixture *f = started((struct http_options){.connections_per_address_max = 2});
    int busy = connected(f->port);
    send_text(busy, "GET /api/slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    wait_ms(100); /* until it is at work */
    int waiting[4];
    for (int i = 0; i < 4; i++)
        waiting[i] = connected(f->port);
    assert_has(answer(f->arena, busy), "\"slow\"");
    for (int i = 0; i < 4; i++)
        close(waiting[i]);
    wait_ms(100);
    int mine[2] = {connected(f->port), connected(f->port)};
    int first = connected_from("127.0.0.2", f->port), second = connected_from("127.0.0.2", f->port);
    wait_ms(100);
    assert_true(is_open(mine[0]) && is_open(mine[1]) && is_open(first) && is_open(second));
    close(mine[0]), close(mine[1]), close(first), close(second);
    stopped(f);
    f = started((struct http_options){.connections_max = 3, .head_timeout_ms = 60000});
    int of[4];
    const char *from[4] = {"127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5"};
    for (int i = 0; i < 4; i++) {
        of[i] = connected_from(from[i], f->port);
        wait_ms(100);
    }
    assert_int_equal(answer(f->arena, of[0]).n, 0);
    for (int i = 1; i < 4; i++) {
        assert_true(is_open(of[i]));
        close(of[i]);
    }
    stopped(f);
}

/* More requests than may wait for a worker are told to come again. */
static void test_too_many_wait(void **state)
{
    (void)state;
    struct fixture *f = started((struct http_options){.worker_count = 1, .waiting_max = 2});
    int fds[6], ok = 0, busy = 0;
    for (int i = 0; i < 6; i++) {
        fds[i] = connected(f->port);
        send_text(fds[i], "GET /api/slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        wait_ms(20);
    }
    for (int i = 0; i < 6; i++) {
        struct str text = answer(f->arena, fds[i]);
        int status = status_of(text);
        ok += status == 200;
        busy += status == 503;
        if (status == 503)
            assert_has(text, "Retry-After: ");
    }
    assert_true(ok >= 3 && busy >= 1 && ok + busy == 6);
    stopped(f);
}

static void *stopping(void *arg)
{
    http_stop(arg);
    return NULL;
}

static void test_stop_waits_for_the_work(void **state)
{
    (void)state;
    struct fixture *f = started((struct http_options){0});
    int fd = connected(f->port), late = connected(f->port);
    send_text(fd, "GET /api/slow HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_ms(100);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, stopping, f->server), 0);
    wait_ms(100);
    send_text(late, "GET /api/slow HTTP/1.1\r\nHost: x\r\n\r\n"); /* who is connected, and asks only now */
    assert_int_equal(status_of(answer(f->arena, late)), 503);
    struct str text = answer(f->arena, fd);
    assert_has(text, "\"slow\"");
    assert_has(text, "Connection: close");
    pthread_join(thread, NULL);
    assert_int_equal(rmdir(f->folder), 0);
    arena_free(f->arena);
}

static struct str answer_while_stopping(struct fixture *f, int fd)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, stopping, f->server), 0);
    wait_ms(500);
    struct str text = answer(f->arena, fd);
    pthread_join(thread, NULL);
    assert_int_equal(rmdir(f->folder), 0);
    return text;
}

/* What is being taken is taken whole, and a stream ends as one that is whole (RFC 9112, 7.1: with the last chunk). */
static void test_stop_waits_for_answers(void **state)
{
    (void)state;
    struct fixture *f = started((struct http_options){0});
    int fd = connected(f->port);
    char text[4096] = "";
    send_text(fd, "GET /api/things/42?times=3000000 HTTP/1.1\r\nHost: x\r\n\r\n");
    read_until(fd, text, sizeof(text), "thing thing");
    assert_true(answer_while_stopping(f, fd).n + strlen(text) > 3000000 * 6);
    arena_free(f->arena);
    f = started((struct http_options){0});
    fd = connected(f->port);
    send_text(fd, "GET /api/stream HTTP/1.1\r\nHost: x\r\n\r\n");
    text[0] = '\0';
    read_until(fd, text, sizeof(text), "retry: 3000");
    struct str rest = answer_while_stopping(f, fd);
    assert_true(str_ends(rest, STR("0\r\n\r\n")));
    arena_free(f->arena);
}

static int streaming(struct fixture *f)
{
    int fd = connected(f->port);
    char text[4096] = "";
    send_text(fd, "GET /api/stream HTTP/1.1\r\nHost: x\r\n\r\n");
    read_until(fd, text, sizeof(text), "retry: 3000");
    return fd;
}

/* Everybody hears everything in its order; now and then that the line stands; and comes again after a while. */
static void test_streams_of_many(void **state)
{
    (void)state;
    struct fixture *f = started((struct http_options){.heartbeat_ms = 300, .stream_ms = 1500});
    int fds[3];
    for (int i = 0; i < 3; i++)
        fds[i] = streaming(f);
    for (int n = 0; n < 50; n++)
        http_publish(f->server, STR("import"), str_fmt(f->arena, "{\"n\":%d}", n));
    for (int i = 0; i < 3; i++) {
        char text[16384] = "";
        read_until(fds[i], text, sizeof(text), "{\"n\":49}");
        const char *at = text;
        for (int n = 0; n < 50; n++) {
            struct str one = str_fmt(f->arena, "{\"n\":%d}\n", n);
            at = strstr(at, str_z(f->arena, one));
            if (!at && n < 49)
                fail_msg("event %d is not there, or not in its place", n);
        }
        read_until(fds[i], text, sizeof(text), ": still here");
    }
    for (int i = 0; i < 3; i++) {
        char byte[100];
        ssize_t n, all = 0;
        while ((n = recv(fds[i], byte, sizeof(byte), 0)) > 0 && all < 2000) /* a hundred heartbeats */
            all += n;
        assert_true(n == 0); /* it ends */
        close(fds[i]);
    }
    stopped(f);
}

/* Who does not read is not kept for. */
static void test_deaf_stream(void **state)
{
    (void)state;
    struct fixture *f = started((struct http_options){0});
    int deaf = streaming(f);
    char *big = arena_alloc(f->arena, 4001);
    memset(big, 'x', 4000);
    for (int i = 0; i < 8000; i++)
        http_publish(f->server, STR("import"), (struct str){big, 4000});
    assert_true(answer(f->arena, deaf).n < 8000 * 4000);
    stopped(f);
}

static void test_stream(void **state)
{
    (void)state;
    struct fixture *f = started((struct http_options){0});
    int fd = connected(f->port);
    char text[8192] = "";
    send_text(fd, "GET /api/stream HTTP/1.1\r\nHost: x\r\n\r\n");
    read_until(fd, text, sizeof(text), "retry: 3000");
    assert_has(str_c(text), "text/event-stream");
    http_publish(f->server, STR("import"), STR("{\"done\":1}"));
    read_until(fd, text, sizeof(text), "data: {\"done\":1}\n\n");
    http_publish(f->server, STR("import"), STR("{\"done\":2}"));
    read_until(fd, text, sizeof(text), "data: {\"done\":2}\n\n");
    /* One that does not read is ended, and the others go on. */
    int deaf = connected(f->port);
    send_text(deaf, "GET /api/stream HTTP/1.1\r\nHost: x\r\n\r\n");
    int gone = connected(f->port);
    send_text(gone, "GET /api/stream HTTP/1.1\r\nHost: x\r\n\r\n");
    close(gone);
    for (int i = 0; i < 5000; i++) {
        struct str big = str_fmt(f->arena, "{\"n\":%d}", i);
        http_publish(f->server, STR("import"), big);
    }
    close(deaf);
    close(fd);
    stopped(f);
}

static void test_openapi(void **state)
{
    (void)state;
    struct arena *arena = arena_new("test", (size_t)64 << 20);
    struct str text = http_openapi(arena, tables, 1);
    const struct json_value *value;
    assert_null(json_read(arena, STR("openapi"), text, &value));
    const struct json_value *paths = json_get(value, STR("paths"));
    assert_int_equal(json_count(paths), 7);
    const struct json_value *get = json_get(json_get(paths, STR("/api/things/{thing_id}")), STR("get"));
    assert_int_equal(json_count(json_get(get, STR("parameters"))), 2);
    assert_non_null(json_get(json_get(get, STR("responses")), STR("200")));
    assert_non_null(json_get(json_get(get, STR("responses")), STR("422")));
    arena_free(arena);
}

/* http_test [PATTERN]: only the tests whose names fit it. */
int main(int argc, char **argv)
{
    secret_init();
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_routes_and_answers),   cmocka_unit_test(test_who_may),
        cmocka_unit_test(test_limits_and_tricks),    cmocka_unit_test(test_upload),
        cmocka_unit_test(test_slow_ones_are_cut),    cmocka_unit_test(test_stop_waits_for_the_work),
        cmocka_unit_test(test_stop_waits_for_answers),
        cmocka_unit_test(test_stream),               cmocka_unit_test(test_openapi),
        cmocka_unit_test(test_tags),                 cmocka_unit_test(test_whose_address),
        cmocka_unit_test(test_log),                  cmocka_unit_test(test_log_stands_still),
        cmocka_unit_test(test_each_state_has_its_time),
        cmocka_unit_test(test_who_makes_room),       cmocka_unit_test(test_too_many_wait),
        cmocka_unit_test(test_streams_of_many),      cmocka_unit_test(test_deaf_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
