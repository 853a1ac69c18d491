/* link: http */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
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
     .max = 100000, .fallback = "1"},
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
    struct buf name = buf_new(call->arena, 4u << 20);
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
    const struct timespec pause = {.tv_nsec = 300000000};
    nanosleep(&pause, NULL);
    struct thing *out = call->out;
    out->name = STR("slow");
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
    struct http_server *server;
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

static int connected(int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    struct timeval patience = {.tv_sec = 20};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    return fd;
}

static void send_text(int fd, const char *text)
{
    size_t n = strlen(text);
    assert_int_equal(send(fd, text, n, MSG_NOSIGNAL), (ssize_t)n);
}

/* All until the server closes. */
static struct str answer(struct arena *arena, int fd)
{
    struct buf all = buf_new(arena, 64u << 20);
    char piece[65536];
    ssize_t n;
    while ((n = recv(fd, piece, sizeof(piece), 0)) > 0)
        buf_add(&all, piece, (size_t)n);
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
    assert_true(text.n < 2000);
    stopped(f);
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
    for (int i = 0; i < 20; i++)
        close(slow[i]);
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
    int fd = connected(f->port);
    send_text(fd, "GET /api/slow HTTP/1.1\r\nHost: x\r\n\r\n");
    const struct timespec pause = {.tv_nsec = 100000000};
    nanosleep(&pause, NULL);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, stopping, f->server), 0);
    struct str text = answer(f->arena, fd);
    assert_has(text, "\"slow\"");
    pthread_join(thread, NULL);
    assert_int_equal(rmdir(f->folder), 0);
    arena_free(f->arena);
}

static void read_until(int fd, char *all, size_t size, const char *end)
{
    size_t n = 0;
    while (n + 1 < size && !strstr(all, end)) {
        ssize_t got = recv(fd, all + n, size - 1 - n, 0);
        assert_true(got > 0);
        n += (size_t)got;
        all[n] = '\0';
    }
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
    assert_int_equal(json_count(paths), 5);
    const struct json_value *get = json_get(json_get(paths, STR("/api/things/{thing_id}")), STR("get"));
    assert_int_equal(json_count(json_get(get, STR("parameters"))), 2);
    assert_non_null(json_get(json_get(get, STR("responses")), STR("200")));
    assert_non_null(json_get(json_get(get, STR("responses")), STR("422")));
    arena_free(arena);
}

int main(void)
{
    secret_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_routes_and_answers),   cmocka_unit_test(test_who_may),
        cmocka_unit_test(test_limits_and_tricks),    cmocka_unit_test(test_upload),
        cmocka_unit_test(test_slow_ones_are_cut),    cmocka_unit_test(test_stop_waits_for_the_work),
        cmocka_unit_test(test_stream),               cmocka_unit_test(test_openapi),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
