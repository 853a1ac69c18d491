/* Runs a metric by its columns function; what the functions have in common. */
#include <stdlib.h>
#include <string.h>

#include "engine/metric.h"

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

static ERR_RESULT prepare_days(struct metric_run *run)
{
    const struct engine *engine = run->engine;
    if (engine->day_min <= engine->day_max) {
        run->day_min = engine->day_min;
        run->day_count = (uint32_t)(engine->day_max - engine->day_min) + 1;
        run->month_min = month_of_day(engine->day_min);
        run->month_count = (uint32_t)(month_of_day(engine->day_max) - run->month_min) + 1;
    }
    run->days = metric_scratch(run, engine->orders_max, sizeof(*run->days));
    run->month_of = metric_scratch(run, run->day_count, sizeof(*run->month_of));
    if (!run->days || !run->month_of)
        return metric_no_memory(run);
    for (uint32_t i = 0; i < run->day_count; i++)
        run->month_of[i] = (uint16_t)(month_of_day(run->day_min + (int32_t)i) - run->month_min);
    return NULL;
}

static ERR_RESULT run_locked(struct metric_run *run, const struct metric *metric)
{
    TRY(prepare_days(run));
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
    for (int i = 0; i < run.scratch_count; i++)
        free(run.scratch[i]);
    *out = err ? NULL : run.report;
    return err;
}

/* --- Customers as the scope sees them --- */

/* The purchase days known, each once: the orders lie sorted by day. */
static void find_days(const struct metric_run *run, struct seen_customer *customer)
{
    const struct report_scope *scope = run->scope;
    uint32_t count = 0;
    for (uint32_t i = 0; i < customer->order_count; i++) {
        struct seen_order order = seen_order(run, customer, i);
        if (!order.known)
            break;
        if (order.counted && (count == 0 || run->days[count - 1] != order.day))
            run->days[count++] = order.day;
    }
    customer->days = run->days;
    customer->day_count = count;
    while (customer->from < count && run->days[customer->from] < scope->from_day)
        customer->from++;
    customer->to = customer->from;
    while (customer->to < count && run->days[customer->to] <= scope->to_day)
        customer->to++;
}

bool metric_next(const struct metric_run *run, uint32_t *at, struct seen_customer *seen)
{
    const struct engine *engine = run->engine;
    for (; *at < engine->customer_ids.count; ++*at) {
        const struct customer *customer = engine_customer(engine, *at);
        if (customer->order_count + customer->refund_count == 0)
            continue;
        *seen = (struct seen_customer){
            .customer_id = id_list_at(&engine->customer_ids, *at),
            .order_count = customer->order_count,
            .refund_count = customer->refund_count,
            .chunk = engine->rows.chunks[customer->chunk],
            .offset = customer->offset,
        };
        find_days(run, seen);
        ++*at;
        return true;
    }
    return false;
}

int64_t seen_order_count(const struct metric_run *run, const struct seen_customer *customer)
{
    int64_t count = 0;
    for (uint32_t i = 0; i < customer->order_count; i++) {
        struct seen_order order = seen_order(run, customer, i);
        count += order.counted && order.looked_at;
    }
    return count;
}

int64_t seen_amount(const struct metric_run *run, const struct seen_customer *customer)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < customer->order_count; i++) {
        struct seen_order order = seen_order(run, customer, i);
        if (order.looked_at)
            sum_add(&sum, order.amount);
    }
    if (!run->scope->net)
        return sum;
    for (uint32_t i = 0; i < customer->refund_count; i++) {
        struct seen_refund refund = seen_refund(run, customer, i);
        if (refund.looked_at)
            sum_add(&sum, -refund.amount);
    }
    return sum;
}

bool seen_is_new(const struct metric_run *run, const struct seen_customer *customer)
{
    return customer->day_count > 0 && customer->days[0] >= run->scope->from_day &&
           customer->days[0] <= run->scope->to_day;
}

int32_t seen_second_day(const struct metric_run *run, const struct seen_customer *customer)
{
    if (customer->day_count < 2 || customer->days[1] > run->scope->to_day)
        return DAY_NONE;
    return customer->days[1];
}
