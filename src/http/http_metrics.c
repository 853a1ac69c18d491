/* Counters, in Prometheus's text format 0.0.4. */
#include "http/http_internal.h"

static const int64_t bucket_us[METRIC_BUCKETS] = {500,   1000,  2500,   5000,    10000,
                                                  25000, 50000, 100000, 1000000, 10000000};
static const char *const bucket_text[METRIC_BUCKETS] = {
    "0.0005", "0.001", "0.0025", "0.005", "0.01", "0.025", "0.05", "0.1", "1", "10"};

static struct endpoint_counters *counters_of(struct http_server *server,
                                             const struct endpoint *endpoint)
{
    for (int i = 0; i < server->routes.count; i++)
        if (server->routes.routes[i].endpoint == endpoint)
            return &server->counters[i];
    return &server->counters[server->routes.count];
}

void metrics_note(struct http_server *server, const struct request *request, int64_t took_us)
{
    struct endpoint_counters *counters = counters_of(server, request->call.endpoint);
    int class = request->reply.status / 100;
    atomic_fetch_add(&counters->by_class[class >= 1 && class <= 5 ? class : 0], 1);
    int bucket = 0;
    while (bucket < METRIC_BUCKETS && took_us > bucket_us[bucket])
        bucket++;
    atomic_fetch_add(&counters->buckets[bucket], 1);
    atomic_fetch_add(&counters->sum_us, took_us);
    atomic_fetch_add(&counters->bytes, (int64_t)request->reply.body.n);
}

static const char *name_of(const struct http_server *server, int index)
{
    return index < server->routes.count ? server->routes.routes[index].endpoint->name : "other";
}

static void put_head(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_fmt(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_requests(struct http_server *server, struct buf *out)
{
    put_head(out, "huitou_http_requests_total", "counter",
             "Requests answered, by endpoint and class of status.");
    for (int i = 0; i <= server->routes.count; i++) {
        for (int class = 1; class <= 5; class ++) {
            long long n = (long long)atomic_load(&server->counters[i].by_class[class]);
            if (n > 0)
                buf_fmt(out, "huitou_http_requests_total{endpoint=\"%s\",status=\"%dxx\"} %lld\n",
                        name_of(server, i), class, n);
        }
    }
}

static void put_durations(struct http_server *server, struct buf *out)
{
    static const char name[] = "huitou_http_request_duration_seconds";
    put_head(out, name, "histogram", "From the head of a request to the end of its answer.");
    for (int i = 0; i <= server->routes.count; i++) {
        struct endpoint_counters *counters = &server->counters[i];
        long long sum = 0;
        for (int b = 0; b <= METRIC_BUCKETS; b++)
            sum += (long long)atomic_load(&counters->buckets[b]);
        if (sum == 0)
            continue;
        long long running = 0;
        for (int b = 0; b < METRIC_BUCKETS; b++) {
            running += (long long)atomic_load(&counters->buckets[b]);
            buf_fmt(out, "%s_bucket{endpoint=\"%s\",le=\"%s\"} %lld\n", name, name_of(server, i),
                    bucket_text[b], running);
        }
        buf_fmt(out, "%s_bucket{endpoint=\"%s\",le=\"+Inf\"} %lld\n", name, name_of(server, i),
                sum);
        buf_fmt(out, "%s_sum{endpoint=\"%s\"} %.6f\n", name, name_of(server, i),
                (double)atomic_load(&counters->sum_us) / 1e6);
        buf_fmt(out, "%s_count{endpoint=\"%s\"} %lld\n", name, name_of(server, i), sum);
    }
}

static void put_one(struct buf *out, const char *name, const char *type, const char *help,
                    int64_t value)
{
    put_head(out, name, type, help);
    buf_fmt(out, "%s %lld\n", name, (long long)value);
}

void http_metrics(struct http_server *server, struct buf *out)
{
    put_requests(server, out);
    put_durations(server, out);
    pthread_mutex_lock(&server->connections.lock);
    int connections = server->connections.count;
    int64_t cut = server->connections.cut_count;
    pthread_mutex_unlock(&server->connections.lock);
    pthread_mutex_lock(&server->work.lock);
    int waiting = server->work.waiting;
    pthread_mutex_unlock(&server->work.lock);
    pthread_mutex_lock(&server->streams.lock);
    int streams = server->streams.count;
    pthread_mutex_unlock(&server->streams.lock);
    put_one(out, "huitou_http_connections", "gauge", "Connections open now.", connections);
    put_one(out, "huitou_http_connections_cut_total", "counter",
            "Connections shut down because they were past a deadline or in the way.", cut);
    put_one(out, "huitou_http_work_waiting", "gauge", "Requests that wait for a worker now.",
            waiting);
    put_one(out, "huitou_http_streams", "gauge", "Event streams open now.", streams);
}
