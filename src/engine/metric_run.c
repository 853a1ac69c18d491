/* Runs a metric by its columns function; what the functions have in common. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/metric.h"

#define THREADS_BY_MACHINE_MAX 2
#define THREADS_ORDERS_MIN 200000 /* fewer are counted before a thread has started */
#define WALK_BLOCKS 64            /* that a thread takes at a time */
#define CACHE_LINE 64

static const struct {
    const char *name;
    ERR_RESULT (*run)(struct metric_run *run);
} functions[] = {
    {"totals", metric_run_totals},
    {"repurchase", metric_run_repurchase},
    {"frequency", metric_run_frequency},
    {"nday", metric_run_nday},
    {"cohorts", metric_run_cohorts},
    {"cohort-revenue", metric_run_cohort_revenue},
    {"monthly", metric_run_monthly},
    {"rhythm", metric_run_rhythm},
    {"second-purchase", metric_run_second_purchase},
    {"rfm", metric_run_rfm},
    {"concentration", metric_run_concentration},
    {"by-channel", metric_run_by_channel},
    {"by-first-product", metric_run_by_first_product},
    {"overdue", metric_run_overdue},
};

const struct metric *metric_by_name(struct str name)
{
    for (int i = 0; i < metric_count; i++)
        if (str_eq(str_c(metric_all[i]->name), name))
            return metric_all[i];
    return NULL;
}

void *metric_scratch(struct metric_run *run, size_t count, size_t size)
{
    CHECK(run->scratch_count < METRIC_SCRATCH_MAX);
    void *block = calloc(count ? count : 1, size);
    if (block)
        run->scratch[run->scratch_count++] = block;
    return block;
}

ERR_RESULT metric_no_memory(struct metric_run *run)
{
    return ERR_NEW(run->arena, ERR_CAPACITY, STR_NONE, STR("the report"));
}

/* Beyond the days that facts may have lies nothing. */
static uint16_t day_of_scope(int32_t day)
{
    if (day < LIMIT_DAY_MIN)
        return 0;
    return (uint16_t)((day > LIMIT_DAY_MAX ? LIMIT_DAY_MAX + 1 : day) - LIMIT_DAY_MIN);
}

static ERR_RESULT prepare_days(struct metric_run *run)
{
    const struct engine *engine = run->engine;
    run->known_end = day_of_scope(run->scope->as_of_day);
    run->from = day_of_scope(run->scope->from_day);
    run->to_end = day_of_scope(run->scope->to_day + 1);
    uint32_t first = 0;
    if (engine->day_min <= engine->day_max) {
        first = engine_day_pack(engine->day_min);
        run->day_end = (uint32_t)engine_day_pack(engine->day_max) + 1;
        run->day_count = run->day_end - first;
        run->month_min = month_of_day(engine->day_min);
        run->month_count = (uint32_t)(month_of_day(engine->day_max) - run->month_min) + 1;
    }
    run->month_of = metric_scratch(run, run->day_end, sizeof(*run->month_of));
    if (!run->month_of)
        return metric_no_memory(run);
    for (uint32_t day = first; day < run->day_end; day++)
        run->month_of[day] = (uint16_t)(month_of_day(engine_day((uint16_t)day)) - run->month_min);
    return NULL;
}

static int threads_of(const struct engine *engine)
{
    if (engine->threads > 0)
        return engine->threads;
    if (engine->order_count < THREADS_ORDERS_MIN)
        return 1;
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    return processors < THREADS_BY_MACHINE_MAX ? 1 : THREADS_BY_MACHINE_MAX;
}

static ERR_RESULT prepare_thread(struct metric_run *run, struct seen **out)
{
    size_t rows = run->engine->block_rows_max;
    struct seen *seen = *out = metric_scratch(run, 1, sizeof(*seen));
    if (!seen)
        return metric_no_memory(run);
    seen->run = run;
    seen->is_counted_space = metric_scratch(run, rows, sizeof(*seen->is_counted_space));
    seen->by_day_space = metric_scratch(run, rows, sizeof(*seen->by_day_space));
    seen->place_space = metric_scratch(run, run->day_end, sizeof(*seen->place_space));
    if (!seen->is_counted_space || !seen->by_day_space || !seen->place_space)
        return metric_no_memory(run);
    return NULL;
}

ERR_RESULT metric_prepare(struct metric_run *run)
{
    run->threads = threads_of(run->engine);
    TRY(prepare_days(run));
    for (int i = 0; i < run->threads; i++)
        TRY(prepare_thread(run, &run->seen[i]));
    return NULL;
}

void metric_end(struct metric_run *run)
{
    for (int i = 0; i < run->scratch_count; i++)
        free(run->scratch[i]);
    run->scratch_count = 0;
}

static ERR_RESULT run_locked(struct metric_run *run, const struct metric *metric)
{
    TRY(metric_prepare(run));
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
        if (strcmp(functions[i].name, metric->name) == 0)
            return functions[i].run(run);
    check_failed("every metric has a columns function", __FILE__, __LINE__);
}

ERR_RESULT engine_report(struct arena *arena, const struct engine *engine,
                         const struct metric *metric, const struct report_scope *scope,
                         struct report **out)
{
    CHECK(scope->to_day < scope->as_of_day);
    struct metric_run run = {
        .arena = arena,
        .engine = engine,
        .scope = scope,
        .report = report_new(arena, metric, scope),
    };
    CHECK(pthread_rwlock_rdlock(engine->lock) == 0);
    const struct err *err = run_locked(&run, metric);
    CHECK(pthread_rwlock_unlock(engine->lock) == 0);
    metric_end(&run);
    *out = err ? NULL : run.report;
    return err;
}

/* --- Threads --- */

struct task {
    metric_thread_fn *function;
    void *arg;
};

static void *run_task(void *arg)
{
    const struct task *task = arg;
    task->function(task->arg);
    return NULL;
}

void metric_on_threads(const struct metric_run *run, metric_thread_fn *function, void *const *args)
{
    pthread_t threads[ENGINE_THREADS_MAX];
    struct task tasks[ENGINE_THREADS_MAX];
    bool is_running[ENGINE_THREADS_MAX] = {false};
    for (int i = 1; i < run->threads; i++) {
        tasks[i] = (struct task){function, args[i]};
        is_running[i] = pthread_create(&threads[i], NULL, run_task, &tasks[i]) == 0;
    }
    function(args[0]);
    for (int i = 1; i < run->threads; i++) {
        if (is_running[i])
            CHECK(pthread_join(threads[i], NULL) == 0);
        else /* the machine gave no thread: the work is done here */
            function(args[i]);
    }
}

/* One thread's walk. Threads take runs of blocks until none is left. */
struct walk {
    unsigned about;
    metric_block_fn *function;
    void *share;
    struct seen *seen;
    atomic_size_t *next_block;
};

static bool meets(uint16_t day_min, uint16_t day_max, uint16_t from, uint16_t end)
{
    return day_min <= day_max && day_min < end && day_max >= from;
}

static bool is_passed_over(const struct metric_run *run, const struct block *block,
                           unsigned about)
{
    if (about & WALK_EVERYBODY)
        return false;
    if (about & WALK_KNOWN)
        return !meets(block->day_min, block->day_max, 0, run->known_end);
    return !meets(block->day_min, block->day_max, run->from, run->to_end) &&
           !meets(block->refund_day_min, block->refund_day_max, run->from, run->to_end);
}

/* What lies in memory one behind the other is asked for before it is read: blocks are too short for
 * the processor to guess where the walk goes on. */
static void fetch(const void *from, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += CACHE_LINE)
        __builtin_prefetch((const char *)from + at);
}

static void fetch_ahead(const struct engine *engine, size_t block, unsigned about)
{
    if (block + 2 < engine->block_count)
        fetch(engine->blocks[block + 2], offsetof(struct block, first_day));
    if (block + 1 < engine->block_count) {
        const struct block *next = engine->blocks[block + 1];
        size_t rows = block_row_count(next);
        fetch(next->day, rows * sizeof(*next->day));
        if (about & WALK_FIRST_DAYS)
            fetch(next->first_day, sizeof(next->first_day) + sizeof(next->second_day));
        if (about & WALK_AMOUNTS)
            fetch(next->amount, rows * sizeof(*next->amount));
        if (about & WALK_CHANNELS)
            fetch(next->channel, rows * next->channel_bytes);
        if (about & WALK_IDS)
            fetch(engine->customer_ids.blocks[block + 1], ENGINE_BLOCK * sizeof(int64_t));
    }
}

static void walk(void *arg)
{
    const struct walk *walk = arg;
    struct seen *seen = walk->seen;
    const struct engine *engine = seen->run->engine;
    for (;;) {
        size_t from = atomic_fetch_add(walk->next_block, WALK_BLOCKS), to = from + WALK_BLOCKS;
        if (from >= engine->block_count)
            return;
        to = to < engine->block_count ? to : engine->block_count;
        for (size_t i = from; i < to; i++) {
            fetch_ahead(engine, i, walk->about);
            if (is_passed_over(seen->run, engine->blocks[i], walk->about))
                continue;
            seen->block = engine->blocks[i];
            seen->index = (uint32_t)(i << ENGINE_BLOCK_BITS);
            seen->row_count = block_row_count(seen->block);
            walk->function(seen, walk->share);
        }
    }
}

void metric_walk(struct metric_run *run, unsigned about, metric_block_fn *function,
                 void *const *shares)
{
    atomic_size_t next_block = 0;
    struct walk walks[ENGINE_THREADS_MAX];
    void *args[ENGINE_THREADS_MAX];
    for (int i = 0; i < run->threads; i++) {
        walks[i] = (struct walk){about, function, shares[i], run->seen[i], &next_block};
        args[i] = &walks[i];
    }
    metric_on_threads(run, walk, args);
}

bool metric_sums(struct metric_run *run, size_t count, int64_t *sums[ENGINE_THREADS_MAX])
{
    for (int i = 0; i < run->threads; i++) {
        sums[i] = metric_scratch(run, count, sizeof(*sums[i]));
        if (!sums[i])
            return false;
    }
    return true;
}

void metric_unite(const struct metric_run *run, size_t count, int64_t *sums[ENGINE_THREADS_MAX])
{
    for (int i = 1; i < run->threads; i++)
        for (size_t k = 0; k < count; k++)
            sum_add(&sums[0][k], sums[i][k]);
}
