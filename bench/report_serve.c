/* link: engine */
/* The program's side of the reports' measurement: an engine filled with the workload, that answers
 * by lines on standard input:
 *
 *   report_serve CUSTOMERS SEED
 *   NAME AS_OF FROM TO NET      days since 1970-01-01; NET 1 or 0
 *
 * with a line of JSON: {"ms": …, "sections": {NAME: {"row_count": …, "rows": [[…], …]}}}. Timed is
 * engine_report, until the report stands in memory. The first line says what was filled. */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "base/check.h"
#include "engine/engine.h"
#include "workload.h"

#define ARENA_BYTES_MAX ((size_t)16 << 30)
#define ROWS_SHOWN 1000

static void must(struct arena *arena, const struct err *err)
{
    if (!err)
        return;
    fprintf(stderr, "report_serve: %s\n", str_z(arena, err_text(arena, err, LANG_EN)));
    exit(1);
}

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* --- Filling, on two threads --- */

struct filler {
    const struct workload *workload;
    struct arena *arena;
    struct engine *engine;
    int64_t first, last; /* customers */
};

static void put_customer(struct filler *filler, int64_t index)
{
    struct workload_order from[WORKLOAD_ORDERS_MAX];
    struct engine_order orders[WORKLOAD_ORDERS_MAX];
    struct engine_refund refunds[WORKLOAD_ORDERS_MAX];
    size_t refund_count = 0;
    int count = workload_customer(filler->workload, index, from);
    for (int i = 0; i < count; i++) {
        bool whole = from[i].refunded_minor == from[i].amount_minor;
        orders[i] = (struct engine_order){
            .order_id = from[i].order_id,
            .amount_minor = from[i].amount_minor,
            .paid_day = from[i].paid_day,
            .refunded_whole_day = whole ? from[i].refunded_day : DAY_NONE,
            .channel_id = workload_channel_id(from[i].channel),
            .top_product_id = workload_product_id(from[i].product),
            .top_line_minor = from[i].top_line_minor,
        };
        if (from[i].refunded_minor > 0)
            refunds[refund_count++] = (struct engine_refund){
                .amount_minor = from[i].refunded_minor,
                .refunded_day = from[i].refunded_day,
                .channel_id = workload_channel_id(from[i].channel),
            };
    }
    must(filler->arena, engine_put(filler->engine, workload_customer_id(index), orders,
                                   (size_t)count, refunds, refund_count));
}

static void *fill(void *arg)
{
    struct filler *filler = arg;
    for (int64_t i = filler->first; i < filler->last; i++)
        put_customer(filler, i);
    return NULL;
}

static void name_all(struct arena *arena, struct engine *engine)
{
    for (int32_t i = 0; i < WORKLOAD_CHANNELS; i++)
        engine_name_channel(engine, workload_channel_id(i), str_fmt(arena, "c%d", i));
    for (int32_t i = 0; i < WORKLOAD_PRODUCTS; i++)
        engine_name_product(engine, workload_product_id(i), str_fmt(arena, "p%04d", i), STR(""));
}

static struct engine *fill_all(struct arena *arena, const struct workload *workload)
{
    struct filler halves[2];
    pthread_t thread;
    int64_t middle = workload->customer_count / 2;
    for (int i = 0; i < 2; i++) {
        halves[i] = (struct filler){.workload = workload,
                                    .arena = i == 0 ? arena : arena_new("half", ARENA_BYTES_MAX),
                                    .first = i == 0 ? 0 : middle,
                                    .last = i == 0 ? middle : workload->customer_count};
        halves[i].engine = engine_new(halves[i].arena);
    }
    CHECK(pthread_create(&thread, NULL, fill, &halves[1]) == 0);
    fill(&halves[0]);
    CHECK(pthread_join(thread, NULL) == 0);
    must(arena, engine_absorb(halves[0].engine, halves[1].engine));
    engine_free(halves[1].engine);
    arena_free(halves[1].arena);
    name_all(arena, halves[0].engine);
    return halves[0].engine;
}

/* --- Answers --- */

static void print_cell(const struct cell *cell, enum cell_kind kind)
{
    if (cell->null)
        printf("null");
    else if (kind == CELL_TEXT)
        printf("\"%.*s\"", STR_ARG(cell->s));
    else if (kind == CELL_MEAN_AMOUNT || kind == CELL_RATIO || kind == CELL_NUMBER)
        printf("%.17g", cell->f);
    else
        printf("%" PRId64, cell->i);
}

static void print_section(const struct report_section *section)
{
    int column_count = section->is->column_count;
    printf("\"%s\": {\"row_count\": %zu, \"rows\": [", section->is->name, section->row_count);
    for (size_t r = 0; r < section->row_count && r < ROWS_SHOWN; r++) {
        printf(r ? ", [" : "[");
        for (int c = 0; c < column_count; c++) {
            printf(c ? ", " : "");
            print_cell(&section->cells[r * (size_t)column_count + (size_t)c],
                       section->is->columns[c].kind);
        }
        printf("]");
    }
    printf("]}");
}

static void answer(struct engine *engine, const char *name, const struct report_scope *scope)
{
    struct arena *arena = arena_new("report", ARENA_BYTES_MAX);
    const struct metric *metric = metric_by_name(str_c(name));
    struct report *report;
    CHECK(metric != NULL);
    double started = now_ms();
    must(arena, engine_report(arena, engine, metric, scope, &report));
    printf("{\"ms\": %.3f, \"sections\": {", now_ms() - started);
    for (int i = 0; i < metric->section_count; i++) {
        printf(i ? ", " : "");
        print_section(&report->sections[i]);
    }
    printf("}}\n");
    fflush(stdout);
    arena_free(arena);
}

int main(int argc, char **argv)
{
    struct workload workload;
    struct report_scope scope = {.currency_digits = 2};
    char name[64];
    int net;
    if (argc != 3) {
        fprintf(stderr, "usage: report_serve CUSTOMERS SEED\n");
        return 2;
    }
    struct arena *arena = arena_new("report_serve", ARENA_BYTES_MAX);
    workload_init(&workload, strtoll(argv[1], NULL, 10), strtoull(argv[2], NULL, 10));
    double started = now_ms();
    struct engine *engine = fill_all(arena, &workload);
    struct engine_size size = engine_size(engine);
    printf("{\"fill_ms\": %.0f, \"buyers\": %" PRId64 ", \"orders\": %" PRId64 ", \"refunds\": %" PRId64
           ", \"bytes\": %" PRId64 "}\n",
           now_ms() - started, size.customers, size.orders, size.refunds, size.bytes);
    fflush(stdout);
    while (scanf("%63s %d %d %d %d", name, &scope.as_of_day, &scope.from_day, &scope.to_day, &net) == 5) {
        scope.net = net == 1;
        answer(engine, name, &scope);
    }
    engine_free(engine);
    arena_free(arena);
    return 0;
}
