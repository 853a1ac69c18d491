/* HTTP: from sockets to the handlers of endpoint tables and back. libmicrohttpd reads and writes (epoll, a few threads);
 * handlers run on worker threads, since a write waits for the disk. This floor knows how a request is routed, limited,
 * decoded, answered, logged and counted; who asks and what is answered is told by the callbacks and the tables.
 *
 * Every connection has a deadline for the whole of its present state (head, body, answer), as libmicrohttpd's own time-out
 * is one of inactivity only (shared/facts/measured.md). An address with too many connections loses the one that has
 * waited longest for its request, so that slow ones cannot shut quick ones out. */
#ifndef HUITOU_HTTP_HTTP_H
#define HUITOU_HTTP_HTTP_H

#include <stdio.h>

#include "base/deps.h"
#include "contract/endpoint.h"

#define HTTP_REQUEST_ID_BYTES 20

struct http_server;
struct http_asset {
    const char *path; /* "/assets/index-4f2a.js"; "/" answers for every page of the console */
    const char *content_type;
    const unsigned char *bytes; /* gzip */
    size_t n;
    bool immutable; /* its name changes with its content */
};

/* What a request says about who asks, before anybody believes it. */
struct http_credentials {
    struct str bearer;     /* of Authorization; absent: none */
    struct str session;    /* of the session cookie; absent: none */
    struct str csrf_token; /* of X-CSRF-Token; absent: none */
    struct str address;
};

struct http_options {
    struct str address; /* numeric; absent: 127.0.0.1 */
    int port;           /* 0: a free one */
    const struct endpoint_table *const *tables;
    int table_count;
    const struct http_asset *assets;
    int asset_count;
    struct service *service;
    struct deps deps;
    /* Fills call->principal (PRINCIPAL_NOBODY where there are no credentials). is_write: a session's CSRF token must fit.
     * Errors: what an answer may say (ACCESS_*). Called on a worker, or, for uploads, before the body is read. */
    const struct err *(*authenticate)(struct call *call, const struct http_credentials *credentials, bool is_write);
    /* Called around whatever `authenticate` and a handler do, so that what they reach can be swapped in between. NULL: not
     * needed. */
    void (*enter)(struct service *service);
    void (*leave)(struct service *service);
    /* A proxy on this machine stands between: X-Forwarded-For of a loopback peer is believed. */
    bool behind_proxy;
    struct str upload_directory; /* uploads are put aside here and removed after the answer */
    FILE *log;                   /* a JSON line per request, written past its buffer; NULL: none */
    int worker_count;            /* 0: 8 */
    /* 0: those of base/limits.h. For tests. */
    int head_timeout_ms, body_timeout_ms, reply_timeout_ms, connections_max, connections_per_address_max;
    int waiting_max, heartbeat_ms, stream_ms, log_bytes_max;
};

/* Listens and answers until http_stop. *out is set before the first request is answered, and read by whoever answers or
 * publishes; NULL after an error. Errors: HTTP_LISTEN (address taken, not allowed). */
ERR_RESULT http_start(struct arena *arena, const struct http_options *options, _Atomic(struct http_server *) *out);
int http_port(const struct http_server *server);
/* Takes no new connection, finishes the requests at work, waits until their answers are taken (for at most
 * LIMIT_HTTP_STOP_MS), ends streams, frees all. */
void http_stop(struct http_server *server);

/* Sends an event to every open stream whose principal may see it; any thread. After http_stop, while the arena stands,
 * nobody hears it. topic: "import", "changes". data: JSON. */
void http_publish(struct http_server *server, struct str topic, struct str data);

/* Counters in Prometheus's text format. */
void http_metrics(struct http_server *server, struct buf *out);

/* OpenAPI 3.1 of the tables. */
struct str http_openapi(struct arena *arena, const struct endpoint_table *const *tables, int table_count);

#endif
