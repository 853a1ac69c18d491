/* link: base */
/* Asks for pages at a fixed rate, and measures each answer from the moment at which it was due to be asked for, not from
 * when it was: a server that stalls is charged for all who would have come meanwhile (no "coordinated omission"; as wrk2
 * does). wrk itself asks again only when it was answered, and so cannot say what a p99 at a rate is.
 *
 *   http_pace PORT RATE SECONDS CONNECTIONS HEADERS_FILE PATHS_FILE
 *
 * HEADERS_FILE: lines sent with every request. PATHS_FILE: a path a line, asked for in turn. Prints a line of JSON:
 * requests, errors (any status but 200, a broken line), seconds, rate, microseconds of p50, p90, p99, p999 and the longest. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HEAD_BYTES_MAX 16384
#define WARM_SECONDS 1 /* at the beginning: not counted */

struct line {
    int fd;
    bool busy;
    int64_t due_ns;
    size_t head_n;    /* bytes of the head so far */
    int64_t body_left; /* once the head is whole; -1 before */
    char head[HEAD_BYTES_MAX + 1];
};

struct pace {
    int port, epoll, line_count;
    struct line *lines;
    char *headers, **paths;
    size_t path_count, path_next;
    int64_t *took_ns, done, errors, counted_from_ns;
};

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "http_pace: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        fail(path);
    char *text = calloc(1, 16u << 20);
    if (!text || fread(text, 1, (16u << 20) - 1, file) == 0)
        fail(path);
    fclose(file);
    return text;
}

static void open_line(struct pace *pace, struct line *line)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)pace->port)};
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    int on = 1;
    line->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (line->fd < 0 || connect(line->fd, (struct sockaddr *)&to, sizeof(to)) != 0)
        fail("connect");
    setsockopt(line->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    line->busy = false;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = line};
    if (epoll_ctl(pace->epoll, EPOLL_CTL_ADD, line->fd, &event) != 0)
        fail("epoll");
}

static void ask(struct pace *pace, struct line *line, int64_t due_ns)
{
    char request[HEAD_BYTES_MAX];
    int n = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s\r\n",
                     pace->paths[pace->path_next], pace->headers);
    pace->path_next = (pace->path_next + 1) % pace->path_count;
    line->busy = true;
    line->due_ns = due_ns;
    line->head_n = 0;
    line->body_left = -1;
    if (n <= 0 || (size_t)n >= sizeof(request) || send(line->fd, request, (size_t)n, MSG_NOSIGNAL) != n)
        fail("send");
}

static void answered(struct pace *pace, struct line *line)
{
    line->busy = false;
    if (strncmp(line->head, "HTTP/1.1 200 ", 13) != 0)
        pace->errors++;
    if (line->due_ns >= pace->counted_from_ns)
        pace->took_ns[pace->done++] = now_ns() - line->due_ns;
}

/* What has come of an answer. */
static void take(struct pace *pace, struct line *line, const char *bytes, ssize_t n)
{
    if (line->body_left < 0) {
        size_t before = line->head_n;
        size_t room = HEAD_BYTES_MAX - before;
        size_t more = (size_t)n < room ? (size_t)n : room;
        memcpy(line->head + before, bytes, more);
        line->head_n += more;
        line->head[line->head_n] = '\0';
        const char *end = strstr(line->head, "\r\n\r\n");
        const char *length = strcasestr(line->head, "\r\ncontent-length:");
        if (!end)
            return;
        size_t head_n = (size_t)(end - line->head) + 4;
        line->body_left = length ? atoll(length + 17) : 0;
        n -= (ssize_t)(head_n - before);
    }
    line->body_left -= n;
    if (line->body_left <= 0)
        answered(pace, line);
}

static void listen_for(struct pace *pace, int64_t timeout_ns)
{
    struct timespec timeout = {timeout_ns / 1000000000, timeout_ns % 1000000000};
    struct epoll_event events[64];
    static char bytes[1 << 18];
    int count = epoll_pwait2(pace->epoll, events, 64, &timeout, NULL);
    for (int i = 0; i < count; i++) {
        struct line *line = events[i].data.ptr;
        ssize_t n = recv(line->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN)
            continue;
        if (n > 0) {
            take(pace, line, bytes, n);
            continue;
        }
        pace->errors += line->busy;
        close(line->fd);
        open_line(pace, line);
    }
}

static struct line *idle(struct pace *pace)
{
    for (int i = 0; i < pace->line_count; i++)
        if (!pace->lines[i].busy)
            return &pace->lines[i];
    return NULL;
}

/* Each request at its time, or, where all lines are busy, as soon as one is not: its time stays what it was. */
static void run(struct pace *pace, double rate, double seconds)
{
    int64_t began = now_ns(), asked = 0;
    int64_t total = (int64_t)(rate * (seconds + WARM_SECONDS));
    pace->counted_from_ns = began + WARM_SECONDS * INT64_C(1000000000);
    pace->took_ns = calloc((size_t)total + 1, sizeof(int64_t));
    while (asked < total) {
        int64_t due = began + (int64_t)((double)asked * 1e9 / rate);
        struct line *line = now_ns() >= due ? idle(pace) : NULL;
        if (line) {
            ask(pace, line, due);
            asked++;
            listen_for(pace, 0);
            continue;
        }
        int64_t left = due - now_ns();
        listen_for(pace, left > 0 ? left : 1000000);
    }
    int64_t until = now_ns() + INT64_C(10000000000);
    for (int i = 0; i < pace->line_count; i++)
        while (pace->lines[i].busy && now_ns() < until)
            listen_for(pace, 10000000);
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static double quantile_us(const struct pace *pace, double q)
{
    return pace->done ? (double)pace->took_ns[(int64_t)((double)(pace->done - 1) * q)] / 1e3 : 0;
}

int main(int argc, char **argv)
{
    if (argc != 7) {
        fprintf(stderr, "usage: http_pace PORT RATE SECONDS CONNECTIONS HEADERS_FILE PATHS_FILE\n");
        return 2;
    }
    struct pace pace = {.port = atoi(argv[1]), .line_count = atoi(argv[4]), .epoll = epoll_create1(0)};
    pace.headers = read_file(argv[5]);
    char *text = read_file(argv[6]), *rest;
    pace.paths = calloc(1u << 20, sizeof(char *));
    for (char *path = strtok_r(text, "\n", &rest); path && pace.path_count < 1u << 20;
         path = strtok_r(NULL, "\n", &rest))
        pace.paths[pace.path_count++] = path;
    pace.lines = calloc((size_t)pace.line_count, sizeof(struct line));
    for (int i = 0; i < pace.line_count; i++)
        open_line(&pace, &pace.lines[i]);
    prctl(PR_SET_TIMERSLACK, 1000); /* 1 µs, not 50 */
    double rate = atof(argv[2]), seconds = atof(argv[3]);
    int64_t began = now_ns();
    run(&pace, rate, seconds);
    double took = (double)(now_ns() - began) / 1e9 - WARM_SECONDS;
    qsort(pace.took_ns, (size_t)pace.done, sizeof(int64_t), by_size);
    printf("{\"requests\":%lld,\"errors\":%lld,\"seconds\":%.3f,\"rate\":%.1f,\"p50\":%.0f,\"p90\":%.0f,\"p99\":%.0f,"
           "\"p999\":%.0f,\"longest\":%.0f}\n",
           (long long)pace.done, (long long)pace.errors, took, (double)pace.done / took,
           quantile_us(&pace, 0.5), quantile_us(&pace, 0.9), quantile_us(&pace, 0.99),
           quantile_us(&pace, 0.999), quantile_us(&pace, 1));
    return 0;
}
