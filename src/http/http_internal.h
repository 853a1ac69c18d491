/* What the files of this floor share. */
#ifndef HUITOU_HTTP_HTTP_INTERNAL_H
#define HUITOU_HTTP_HTTP_INTERNAL_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/arena.h"
#include "base/limits.h"
#include "http/http.h"

#define HTTP_ADDRESS_BYTES 48 /* of an address as text: IPv6 has at most 45, and a NUL */

/* --- Connections (http_connection.c) --- */

enum connection_state {
    CONNECTION_HEAD,   /* waits for a request's head */
    CONNECTION_BODY,   /* reads its body */
    CONNECTION_WORK,   /* suspended: a worker has it */
    CONNECTION_REPLY,  /* the answer is being taken */
    CONNECTION_STREAM, /* a stream of events */
};
struct connection {
    struct connection *next, *previous;
    int fd;
    enum connection_state state;
    int64_t deadline_ms; /* monotonic; INT64_MAX: none */
    bool cut; /* shut down already; waits for libmicrohttpd to notice */
    char address[HTTP_ADDRESS_BYTES];
};
struct connections {
    pthread_mutex_t lock;
    struct connection *first, *last; /* oldest first */
    int count, count_max, per_address_max, head_timeout_ms;
    int64_t cut_count; /* by deadline or to make room */
};
int64_t http_now_ms(void); /* monotonic */
struct connection *connection_open(struct connections *all, int fd, const struct sockaddr *address);
void connection_close(struct connections *all, struct connection *connection);
void connection_state(struct connections *all, struct connection *connection, enum connection_state state,
                      int64_t timeout_ms);
/* Shuts down what is past its deadline. */
void connections_sweep(struct connections *all);
/* Numeric text of an address, an IPv4 one inside IPv6 as IPv4. */
void address_text(const struct sockaddr *address, char out[HTTP_ADDRESS_BYTES]);

/* --- Routes (http_route.c) --- */

struct route {
    const struct endpoint *endpoint;
    struct str parts[LIMIT_HTTP_PATH_PARTS_MAX]; /* "{name}" are variables */
    int part_count;
};
struct routes {
    struct route *routes;
    int count;
};
struct routes routes_new(struct arena *arena, const struct endpoint_table *const *tables, int table_count);
/* Splits a path at '/', with percent escapes decoded; an escaped '/' belongs to its part (a tag may be called so). False
 * where it is no path that this server could know: "..", ".", an empty part, a control character, bad escapes, not UTF-8. */
bool path_split(struct arena *arena, struct str path, struct str parts[LIMIT_HTTP_PATH_PARTS_MAX], int *count);
/* The endpoint; NULL where none has the path (*allowed absent) or the method (*allowed: those that it has). */
const struct endpoint *route_find(struct arena *arena, const struct routes *routes, struct str method,
                                  const struct str *parts, int part_count, struct shape_pair *variables,
                                  size_t *variable_count, struct str *allowed);
/* "a=b&c": pairs with escapes and '+' decoded. False where too many or malformed. */
bool query_split(struct arena *arena, struct str query, struct shape_pair *pairs, size_t *count);

/* --- Requests (http_request.c) --- */

struct reply {
    int status;
    struct str content_type;
    struct str body;      /* in the request's arena */
    struct str file_path; /* sent instead of the body, and removed afterwards where remove_file */
    bool remove_file;
    struct str etag, location, allow, disposition, set_cookie, set_cookie_2, cache_control, retry_after;
    bool gzipped; /* the body is gzip already */
    bool stream;
    bool closes; /* the connection ends with it */
};
struct request {
    struct request *next; /* in the work queue */
    struct http_server *server;
    struct arena *arena;
    struct MHD_Connection *mhd;
    struct connection *connection;
    char id[HTTP_REQUEST_ID_BYTES + 1];
    int64_t began_us;
    struct str method, url, query_text;
    struct call call;
    struct http_credentials credentials;
    struct shape_pair variables[LIMIT_HTTP_PATH_PARTS_MAX];
    size_t variable_count;
    struct str if_none_match, content_type;
    bool accepts_gzip, is_head;
    struct buf body;
    int64_t body_bytes, body_bytes_max;
    int upload_fd; /* -1: none */
    struct secret_stream_hash *upload_hash; /* of what was put aside; NULL: no upload */
    bool suspended, ready; /* ready: the reply stands */
    struct reply reply;
    enum err_code error; /* of the answer, for log and metrics */
};
/* After the head: route, limits, for uploads also who asks. Either the request goes on to its body or its reply is ready. */
void request_begin(struct request *request);
/* A piece of the body. */
void request_body(struct request *request, const char *bytes, size_t n);
/* On a worker: decodes, runs the handler, makes the reply. */
void request_work(struct request *request);
/* After the answer was sent or given up. */
void request_end(struct request *request);

/* --- Fields of a head (http_head.c); absent ones are said like empty ones --- */

/* Whether a list such as "gzip;q=0.5, br" has the word, and does not refuse it by "q=0". */
bool head_has_word(struct str list, struct str word);
/* Of Accept-Language the first one that this program speaks; English where none is. A ?lang= goes before. */
enum lang head_lang(struct str list);
/* Of X-Forwarded-For the last: the proxy on this machine names its client there, what stands before may be made up. Absent
 * where there is none, or it is longer than any address. */
struct str head_last_address(struct str list);
/* The token of "Bearer TOKEN"; absent where it is no such. */
struct str head_bearer(struct str authorization);
/* The tag of If-None-Match that names this one, be it of the packed answer or of the plain one; absent where none does.
 * Compared weakly (RFC 9110, 13.1.2). etag: with its quotes. */
struct str head_tag_named(struct str condition, struct str etag);

/* --- Replies (http_reply.c) --- */

void reply_problem(struct request *request, const struct err *err);
void reply_json(struct request *request, int status, struct str body);
/* Gzip where it is worth it and the client takes it. */
void reply_pack(struct request *request);
/* The packed answer is another one than the plain one, and so is its strong tag (RFC 9110, 8.8.3). */
#define HTTP_ETAG_PACKED "-gzip"
void reply_tag_packed(struct request *request);
struct MHD_Response *reply_response(struct request *request);

/* --- Work (http_work.c): the queue between libmicrohttpd's threads and the workers --- */

struct work {
    pthread_mutex_t lock;
    pthread_cond_t wanted;
    struct request *first, *last;
    int waiting, waiting_max;
    bool stopping;
    pthread_t *threads;
    int thread_count;
};
void work_start(struct work *work, struct arena *arena, int thread_count);
/* False where too many wait. */
bool work_add(struct work *work, struct request *request);
/* Waits until what waits and works is done; what comes from then on is refused. */
void work_stop(struct work *work);
/* Once nothing can come any more. */
void work_free(struct work *work);

/* --- Streams (http_stream.c) --- */

struct stream;
struct streams {
    pthread_mutex_t lock;
    struct stream *first;
    int count;
    int64_t event_count, longest_ms; /* longest_ms: how long one may be open */
    bool stopping;
};
struct MHD_Response *stream_response(struct request *request);
void streams_publish(struct streams *all, struct str topic, struct str data);
/* As many as may be are open. */
bool streams_full(struct streams *all);
void streams_heartbeat(struct streams *all);
void streams_stop(struct streams *all);

/* --- Counters (http_metrics.c) --- */

#define METRIC_BUCKETS 10
struct endpoint_counters {
    _Atomic int64_t by_class[6]; /* status / 100 */
    _Atomic int64_t buckets[METRIC_BUCKETS + 1], sum_us, bytes;
};
void metrics_note(struct http_server *server, const struct request *request, int64_t took_us);

/* --- The log (http_log.c) --- */

struct request_log {
    int fd; /* -1: none is kept */
    pthread_mutex_t lock;
    pthread_cond_t wanted;
    pthread_t thread;
    char *waiting, *writing; /* bytes_max each; the second one is the thread's */
    size_t waiting_n, bytes_max;
    int64_t lost_count; /* lines, since the last one that was kept */
    bool stopping;
};
void log_start(struct request_log *log, struct arena *arena, const struct http_options *options);
/* A line about a request; never waits for whoever reads the log. */
void log_request(struct request *request, int64_t took_us);
/* Writes what is left, as far as somebody takes it. Nobody may call log_request any more. */
void log_stop(struct request_log *log);

struct http_server {
    struct arena *arena;
    struct http_options options;
    struct MHD_Daemon *daemon;
    int listen_fd, port;
    struct routes routes;
    struct connections connections;
    struct work work;
    struct streams streams;
    struct endpoint_counters *counters; /* by route, the last one for what has no route */
    pthread_t sweeper;
    pthread_mutex_t stop_lock;
    pthread_cond_t stop_wanted;
    bool stopped;         /* for the sweeper */
    _Atomic bool stopping;
    _Atomic int64_t requests_open; /* whose answer is not out yet */
    struct request_log log;
};

#endif
