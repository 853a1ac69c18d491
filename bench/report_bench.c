/* link: engine */
/* Times every report of the columns on the workload of bench/workload.h, the columns being in
 * memory: report_bench [--customers 1000000] [--seed 1] [--threads 2] [--runs 5] [--window
 * all|random] [--window-seed 1]
 *                [--only NAME,NAME…]
 * Prints the size of the columns and for each report the median of its runs, by the wall and of
 * processor time (of all threads together: on a busy machine the better measure). With --window
 * random each run looks at days of its own: an as-of date in the last half, a first day before it;
 * the same for every report, and printed, so that a peer can be asked the same. */
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "base/check.h"
#include "engine/engine.h"
#include "workload.h"

#define RUNS_MAX 101
#define FILLERS 2

struct options {
    int64_t customers;
    uint64_t seed, window_seed;
    int threads, runs;
    bool is_window_random;
    const char *only;
};

static double seconds_by(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* --- Filling --- */

struct filler {
    const struct workload *workload;
    struct engine *engine;
    int64_t from, to;
    pthread_t thread;
};

static struct engine_order order_of(const struct workload_order *order)
{
    return (struct engine_order){
        .order_id = order->order_id,
        .amount_minor = order->amount_minor,
        .paid_day = order->paid_day,
        .refunded_whole_day =
            order->refunded_minor == order->amount_minor ? order->refunded_day : DAY_NONE,
        .channel_id = workload_channel_id(order->channel),
        .top_product_id = workload_product_id(order->product),
        .top_line_minor = order->top_line_minor,
    };
}

static void check(const struct err *err)
{
    if (!err)
        return;
    fprintf(stderr, "report_bench: error %d\n", (int)err->code);
    exit(1);
}

static void *fill(void *arg)
{
    struct filler *filler = arg;
    static _Thread_local struct workload_order made[WORKLOAD_ORDERS_MAX];
    static _Thread_local struct engine_order orders[WORKLOAD_ORDERS_MAX];
    static _Thread_local struct engine_refund refunds[WORKLOAD_ORDERS_MAX];
    for (int64_t i = filler->from; i < filler->to; i++) {
        size_t count = (size_t)workload_customer(filler->workload, i, made), refund_count = 0;
        for (size_t k = 0; k < count; k++) {
            orders[k] = order_of(&made[k]);
            if (made[k].refunded_minor > 0)
                refunds[refund_count++] = (struct engine_refund){
                    .amount_minor = made[k].refunded_minor,
                    .refunded_day = made[k].refunded_day,
                    .channel_id = orders[k].channel_id,
                };
        }
        if (count > 0)
            check(engine_put(filler->engine, workload_customer_id(i), orders, count, refunds,
                             refund_count));
    }
    return NULL;
}

static struct engine *filled(struct arena *arenas[FILLERS], const struct options *options)
{
    static struct workload workload;
    workload_init(&workload, options->customers, options->seed);
    struct filler fillers[FILLERS];
    double start = seconds_by(CLOCK_MONOTONIC);
    for (int i = 0; i < FILLERS; i++) {
        fillers[i] = (struct filler){.workload = &workload, .engine = engine_new(arenas[i])};
        fillers[i].from = options->customers * i / FILLERS;
        fillers[i].to = options->customers * (i + 1) / FILLERS;
        CHECK(pthread_create(&fillers[i].thread, NULL, fill, &fillers[i]) == 0);
    }
    for (int i = 0; i < FILLERS; i++)
        CHECK(pthread_join(fillers[i].thread, NULL) == 0);
    double made = seconds_by(CLOCK_MONOTONIC);
    check(engine_absorb(fillers[0].engine, fillers[1].engine));
    engine_free(fillers[1].engine);
    printf("filled on %d threads, orders made included: %.1f s; absorbed: %.3f s\n", FILLERS,
           made - start, seconds_by(CLOCK_MONOTONIC) - made);
    return fillers[0].engine;
}

/* --- Timing --- */

static uint64_t random_state;

static int32_t random_below(int32_t below)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (int32_t)((random_state >> 33) % (uint64_t)below);
}

static struct report_scope scope_of(const struct options *options, int run)
{
    int32_t end = WORKLOAD_DAY_FIRST + WORKLOAD_DAY_COUNT;
    struct report_scope scope = {
        .as_of_day = end, .from_day = WORKLOAD_DAY_FIRST, .to_day = end - 1, .currency_digits = 2};
    if (!options->is_window_random)
        return scope;
    random_state = options->window_seed * 1000003 + (uint64_t)run;
    random_below(2);
    scope.as_of_day =
        WORKLOAD_DAY_FIRST + WORKLOAD_DAY_COUNT / 2 + random_below(WORKLOAD_DAY_COUNT / 2 + 1);
    scope.to_day = scope.as_of_day - 1;
    scope.from_day = WORKLOAD_DAY_FIRST + random_below(WORKLOAD_DAY_COUNT / 2);
    return scope;
}

static int compare_doubles(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void time_report(const struct engine *engine, const struct metric *metric,
                        const struct options *options)
{
    double ms[RUNS_MAX], processor_ms[RUNS_MAX];
    size_t rows = 0;
    for (int run = 0; run < options->runs; run++) {
        struct arena *arena = arena_new("report", (size_t)16 << 30);
        struct report_scope scope = scope_of(options, run);
        struct report *report;
        double start = seconds_by(CLOCK_MONOTONIC);
        double processor_start = seconds_by(CLOCK_PROCESS_CPUTIME_ID);
        check(engine_report(arena, engine, metric, &scope, &report));
        ms[run] = (seconds_by(CLOCK_MONOTONIC) - start) * 1000;
        processor_ms[run] = (seconds_by(CLOCK_PROCESS_CPUTIME_ID) - processor_start) * 1000;
        rows = 0;
        for (int i = 0; i < metric->section_count; i++)
            rows += report->sections[i].row_count;
        arena_free(arena);
    }
    qsort(ms, (size_t)options->runs, sizeof(*ms), compare_doubles);
    qsort(processor_ms, (size_t)options->runs, sizeof(*processor_ms), compare_doubles);
    printf("%-18s %9.1f ms  (%.1f … %.1f) %9.1f ms of processor %10zu rows\n", metric->name,
           ms[options->runs / 2], ms[0], ms[options->runs - 1], processor_ms[options->runs / 2],
           rows);
    fflush(stdout);
}

static bool is_chosen(const char *only, const char *name)
{
    if (!only)
        return true;
    size_t length = strlen(name);
    for (const char *at = only; (at = strstr(at, name)); at += length)
        if ((at == only || at[-1] == ',') && (at[length] == ',' || at[length] == '\0'))
            return true;
    return false;
}

/* --- Options --- */

static void usage(void)
{
    fprintf(stderr, "usage: report_bench [--customers N] [--seed N] [--threads N] [--runs N]\n"
                    "                    [--window all|random] [--window-seed N] [--only NAMES]\n");
    exit(2);
}

static struct options options_of(int argc, char **argv)
{
    static const struct option known[] = {
        {"customers", 1, NULL, 'c'}, {"seed", 1, NULL, 's'},   {"threads", 1, NULL, 't'},
        {"runs", 1, NULL, 'r'},      {"window", 1, NULL, 'w'}, {"window-seed", 1, NULL, 'W'},
        {"only", 1, NULL, 'o'},      {NULL, 0, NULL, 0},
    };
    struct options options = {
        .customers = 1000000, .seed = 1, .window_seed = 1, .threads = 2, .runs = 5};
    for (int key; (key = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (key) {
        case 'c':
            options.customers = atoll(optarg);
            break;
        case 's':
            options.seed = strtoull(optarg, NULL, 10);
            break;
        case 't':
            options.threads = atoi(optarg);
            break;
        case 'r':
            options.runs = atoi(optarg);
            break;
        case 'w':
            options.is_window_random = strcmp(optarg, "random") == 0;
            break;
        case 'W':
            options.window_seed = strtoull(optarg, NULL, 10);
            break;
        case 'o':
            options.only = optarg;
            break;
        default:
            usage();
        }
    }
    if (optind != argc || options.customers < 1 || options.runs < 1 || options.runs > RUNS_MAX)
        usage();
    return options;
}

int main(int argc, char **argv)
{
    struct options options = options_of(argc, argv);
    struct arena *arenas[FILLERS];
    for (int i = 0; i < FILLERS; i++)
        arenas[i] = arena_new("columns", (size_t)1 << 30);
    struct engine *engine = filled(arenas, &options);
    engine_threads(engine, options.threads);
    struct engine_size size = engine_size(engine);
    struct rusage usage_now;
    getrusage(RUSAGE_SELF, &usage_now);
    printf("%" PRId64 " customers, %" PRId64 " of them with orders; %" PRId64 " orders, %" PRId64
           " refunds\n%.1f bytes a customer (%.0f MiB; resident at most so far %.0f MiB)\n",
           options.customers, size.customers, size.orders, size.refunds,
           (double)size.bytes / (double)options.customers, (double)size.bytes / 1048576,
           (double)usage_now.ru_maxrss / 1024);
    for (int run = 0; run < options.runs && options.is_window_random; run++) {
        struct report_scope scope = scope_of(&options, run);
        printf("window %d: as of %d, days %d to %d\n", run, scope.as_of_day, scope.from_day,
               scope.to_day);
    }
    for (int i = 0; i < metric_count; i++)
        if (is_chosen(options.only, metric_all[i]->name))
            time_report(engine, metric_all[i], &options);
    getrusage(RUSAGE_SELF, &usage_now);
    printf("resident at most: %.0f MiB\n", (double)usage_now.ru_maxrss / 1024);
    engine_free(engine);
    for (int i = 0; i < FILLERS; i++)
        arena_free(arenas[i]);
    return 0;
}
