/* The server's life, and libmicrohttpd's callbacks. */
#include "http/http_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"

#define SOCKET_THREADS 2
#define WORKERS 8
#define SWEEP_MS 250
#define BACKLOG 1024
/* What a request brings is limited long before; a report's rows, of a brand of many millions, need
 * as much. */
#define REQUEST_BYTES_MAX ((size_t)16 << 30)
#define DRAIN_BYTES_MAX                                                                            \
    (1 << 20) /* of a refused body that are still read before the connection is closed */

/* --- Requests --- */

static void request_id(char out[HTTP_REQUEST_ID_BYTES + 1])
{
    static const char letters[] = "0123456789abcdefghjkmnpqrstvwxyz"; /* Crockford's base 32 */
    uint8_t random[HTTP_REQUEST_ID_BYTES];
    secret_random(random, sizeof(random));
    for (int i = 0; i < HTTP_REQUEST_ID_BYTES; i++)
        out[i] = letters[random[i] & 31];
    out[HTTP_REQUEST_ID_BYTES] = '\0';
}

/* The absolute form "http://host/path" is the same as "/path" (RFC 9112, 3.2.2: a server must take
 * it). */
static struct str path_of(struct str uri)
{
    struct str scheme = STR("http://");
    if (!str_starts(uri, scheme))
        return uri;
    for (size_t i = scheme.n; i < uri.n; i++)
        if (uri.p[i] == '/' || uri.p[i] == '?')
            return str_slice(uri, i, uri.n);
    return STR("/");
}

/* The first that is heard of a request: its address as it was sent. */
static void *on_address(void *arg, const char *uri, struct MHD_Connection *mhd)
{
    struct http_server *server = arg;
    struct arena *arena = arena_new("request", REQUEST_BYTES_MAX);
    struct request *request = ARENA_NEW(arena, struct request);
    request->arena = arena;
    request->server = server;
    request->mhd = mhd;
    request->upload_fd = -1;
    request->call.arena = arena;
    struct str target = path_of(str_c(uri));
    request->url = str_copy(arena, str_cut(target, '?', &request->query_text));
    request->query_text = request->query_text.p ? str_copy(arena, request->query_text) : STR("");
    request_id(request->id);
    return request;
}

static int64_t reply_timeout_ms(const struct request *request)
{
    if (request->server->options.reply_timeout_ms > 0)
        return request->server->options.reply_timeout_ms;
    return LIMIT_HTTP_REPLY_MS +
           (int64_t)request->reply.body.n / LIMIT_HTTP_REPLY_BYTES_PER_S * 1000;
}

static enum MHD_Result send_reply(struct request *request)
{
    struct MHD_Response *response = reply_response(request);
    if (!response) {
        reply_problem(request, ERR_NEW(request->arena, ERR_INTERNAL, STR_NONE, STR("reply")));
        response = reply_response(request);
    }
    if (!response)
        return MHD_NO;
    bool stopping = atomic_load(&request->server->stopping);
    if (stopping || request->reply.closes)
        MHD_add_response_header(response, "Connection", "close");
    connection_state(&request->server->connections, request->connection,
                     request->reply.stream ? CONNECTION_STREAM : CONNECTION_REPLY,
                     request->reply.stream        ? INT64_MAX
                     : request->reply.file_path.p ? LIMIT_HTTP_FILE_MS
                                                  : reply_timeout_ms(request));
    enum MHD_Result queued =
        MHD_queue_response(request->mhd, (unsigned)request->reply.status, response);
    MHD_destroy_response(response);
    return queued;
}

static int64_t body_timeout_ms(const struct request *request)
{
    if (request->server->options.body_timeout_ms > 0)
        return request->server->options.body_timeout_ms;
    return LIMIT_HTTP_BODY_MS + (request->upload_fd >= 0
                                     ? request->body_bytes_max / LIMIT_HTTP_BODY_BYTES_PER_S * 1000
                                     : 0);
}

static enum MHD_Result begin(struct request *request, struct MHD_Connection *mhd,
                             const char *method)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    request->connection = info->socket_context;
    request->method = str_copy(request->arena, str_c(method));
    request->began_us = clock_now_us(&request->server->options.deps.clock);
    atomic_fetch_add(&request->server->requests_open, 1);
    request_begin(request);
    if (request->ready)
        return send_reply(request);
    connection_state(&request->server->connections, request->connection, CONNECTION_BODY,
                     body_timeout_ms(request));
    return MHD_YES;
}

static enum MHD_Result hand_over(struct request *request)
{
    connection_state(&request->server->connections, request->connection, CONNECTION_WORK,
                     INT64_MAX);
    MHD_suspend_connection(request->mhd);
    if (work_add(&request->server->work, request))
        return MHD_YES;
    reply_problem(request, ERR_NEW(request->arena, ERR_HTTP_BUSY, STR_NONE, STR("5")));
    request->ready = true;
    MHD_resume_connection(request->mhd);
    return MHD_YES;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *mhd, const char *url,
                                  const char *method, const char *version, const char *body,
                                  size_t *body_n, void **context)
{
    struct request *request = *context;
    (void)arg, (void)url, (void)version;
    if (!request->connection)
        return begin(request, mhd, method);
    if (*body_n > 0) {
        request_body(request, body, *body_n);
        *body_n = 0;
        bool too_much = request->body_bytes > request->body_bytes_max + DRAIN_BYTES_MAX;
        return too_much ? MHD_NO : MHD_YES;
    }
    return request->ready ? send_reply(request) : hand_over(request);
}

static void on_completed(void *arg, struct MHD_Connection *mhd, void **context,
                         enum MHD_RequestTerminationCode how)
{
    struct http_server *server = arg;
    struct request *request = *context;
    (void)mhd, (void)how;
    if (!request)
        return;
    *context = NULL;
    if (request->connection) {
        int64_t took_us = clock_now_us(&server->options.deps.clock) - request->began_us;
        metrics_note(server, request, took_us);
        log_request(request, took_us);
        connection_state(&server->connections, request->connection, CONNECTION_HEAD,
                         server->connections.head_timeout_ms);
        atomic_fetch_sub(&server->requests_open, 1);
    }
    request_end(request);
}

static void on_connection(void *arg, struct MHD_Connection *mhd, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
    struct http_server *server = arg;
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        connection_close(&server->connections, *context);
        return;
    }
    int fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    *context = connection_open(
        &server->connections, fd,
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr);
}

/* --- The server --- */

static int or_default(int given, int fallback)
{
    return given > 0 ? given : fallback;
}

static void *sweeper(void *arg)
{
    struct http_server *server = arg;
    int64_t beat_ms = http_now_ms();
    int64_t heartbeat_ms = or_default(server->options.heartbeat_ms, LIMIT_HTTP_HEARTBEAT_MS);
    pthread_mutex_lock(&server->stop_lock);
    while (!server->stopped) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += SWEEP_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        pthread_cond_timedwait(&server->stop_wanted, &server->stop_lock, &until);
        connections_sweep(&server->connections);
        if (http_now_ms() - beat_ms >= heartbeat_ms) {
            beat_ms = http_now_ms();
            streams_heartbeat(&server->streams);
        }
    }
    pthread_mutex_unlock(&server->stop_lock);
    return NULL;
}

static const struct err *listen_error(struct arena *arena, const struct http_options *options,
                                      struct str address)
{
    return ERR_NEW(arena, ERR_HTTP_LISTEN, STR_NONE,
                   str_fmt(arena, "%.*s:%d", STR_ARG(address), options->port),
                   str_c(strerror(errno)));
}

static const struct err *listen_on(struct http_server *server)
{
    const struct http_options *options = &server->options;
    struct str address = options->address.p ? options->address : STR("127.0.0.1");
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options->port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)options->port)};
    const char *text = str_z(server->arena, address);
    bool is_v4 = inet_pton(AF_INET, text, &v4.sin_addr) == 1;
    bool is_v6 = !is_v4 && inet_pton(AF_INET6, text, &v6.sin6_addr) == 1;
    errno = EADDRNOTAVAIL;
    if (!is_v4 && !is_v6)
        return listen_error(server->arena, options, address);
    int on = 1;
    server->listen_fd =
        socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (server->listen_fd < 0)
        return listen_error(server->arena, options, address);
    setsockopt(server->listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    const struct sockaddr *to = is_v4 ? (const struct sockaddr *)&v4 : (const struct sockaddr *)&v6;
    socklen_t to_n = is_v4 ? sizeof(v4) : sizeof(v6);
    if (bind(server->listen_fd, to, to_n) != 0 || listen(server->listen_fd, BACKLOG) != 0) {
        const struct err *err = listen_error(server->arena, options, address);
        close(server->listen_fd);
        return err;
    }
    struct sockaddr_in6 bound;
    socklen_t bound_n = sizeof(bound);
    CHECK(getsockname(server->listen_fd, (struct sockaddr *)&bound, &bound_n) == 0);
    server->port = ntohs(bound.sin6_port); /* at the same place in both families */
    return NULL;
}

/* Connections, files and databases all take descriptors. */
static int descriptors_for_connections(int wanted)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return wanted;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    int64_t room = (int64_t)limit.rlim_cur / 2;
    return room < wanted ? (int)room : wanted;
}

static const struct err *daemon_start(struct http_server *server)
{
    server->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, server,
        MHD_OPTION_LISTEN_SOCKET, server->listen_fd, MHD_OPTION_THREAD_POOL_SIZE,
        (unsigned)SOCKET_THREADS, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)(server->connections.count_max + 256), MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)LIMIT_HTTP_HEAD_BYTES_MAX, MHD_OPTION_URI_LOG_CALLBACK, on_address, server,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, server, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, server, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
    if (server->daemon)
        return NULL;
    return ERR_NEW(server->arena, ERR_HTTP_LISTEN, STR_NONE, STR("libmicrohttpd"),
                   str_c(strerror(errno)));
}

const struct err *http_start(struct arena *arena, const struct http_options *options,
                             _Atomic(struct http_server *) *out)
{
    atomic_store(out, NULL);
    struct http_server *server = ARENA_NEW(arena, struct http_server);
    server->arena = arena;
    server->options = *options;
    server->routes = routes_new(arena, options->tables, options->table_count);
    server->counters =
        ARENA_ARRAY(arena, (size_t)server->routes.count + 1, struct endpoint_counters);
    pthread_mutex_init(&server->connections.lock, NULL);
    server->connections.count_max = descriptors_for_connections(
        or_default(options->connections_max, LIMIT_HTTP_CONNECTIONS_MAX));
    server->connections.per_address_max =
        or_default(options->connections_per_address_max, LIMIT_HTTP_CONNECTIONS_PER_ADDRESS_MAX);
    if (server->connections.per_address_max > server->connections.count_max)
        server->connections.per_address_max = server->connections.count_max;
    server->connections.head_timeout_ms = or_default(options->head_timeout_ms, LIMIT_HTTP_HEAD_MS);
    server->streams.longest_ms = or_default(options->stream_ms, LIMIT_HTTP_STREAM_MS);
    server->work.waiting_max = or_default(options->waiting_max, LIMIT_HTTP_WORK_MAX);
    pthread_mutex_init(&server->streams.lock, NULL);
    pthread_mutex_init(&server->stop_lock, NULL);
    pthread_cond_init(&server->stop_wanted, NULL);
    TRY(listen_on(server));
    log_start(&server->log, arena, options);
    work_start(&server->work, arena, or_default(options->worker_count, WORKERS));
    atomic_store(out, server);
    const struct err *err = daemon_start(server);
    if (err) {
        atomic_store(out, NULL);
        work_stop(&server->work);
        work_free(&server->work);
        log_stop(&server->log);
        close(server->listen_fd);
        return err;
    }
    CHECK(pthread_create(&server->sweeper, NULL, sweeper, server) == 0);
    return NULL;
}

int http_port(const struct http_server *server)
{
    return server->port;
}

void http_publish(struct http_server *server, struct str topic, struct str data)
{
    streams_publish(&server->streams, topic, data);
}

static void wait_for_answers(struct http_server *server)
{
    int64_t until_ms = http_now_ms() + LIMIT_HTTP_STOP_MS;
    const struct timespec pause = {.tv_nsec = 10000000};
    while (atomic_load(&server->requests_open) > 0 && http_now_ms() < until_ms)
        nanosleep(&pause, NULL);
}

void http_stop(struct http_server *server)
{
    atomic_store(&server->stopping, true);
    MHD_quiesce_daemon(server->daemon);
    close(server->listen_fd);
    work_stop(&server->work);
    streams_stop(&server->streams);
    wait_for_answers(server);
    MHD_stop_daemon(server->daemon);
    work_free(&server->work);
    pthread_mutex_lock(&server->stop_lock);
    server->stopped = true;
    pthread_cond_signal(&server->stop_wanted);
    pthread_mutex_unlock(&server->stop_lock);
    pthread_join(server->sweeper, NULL);
    pthread_mutex_destroy(&server->stop_lock);
    log_stop(&server->log);
    /* The streams' lock stays: the columns may publish until they are closed, after this. */
    pthread_mutex_destroy(&server->connections.lock);
    pthread_cond_destroy(&server->stop_wanted);
}
