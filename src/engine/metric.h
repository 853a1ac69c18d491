/* Inside the engine: the metrics' columns functions, and what they have in common: memory,
 * walking the customers as a scope sees them, exact quantiles. A columns function adds its rows
 * to run->report. Section numbers are those of engine/metric.c. */
#ifndef HUITOU_ENGINE_METRIC_H
#define HUITOU_ENGINE_METRIC_H

#include "engine/engine_internal.h"

#define METRIC_SCRATCH_MAX 16

/* One report being made. The engine's read lock is held. */
struct metric_run {
    struct arena *arena;
    const struct engine *engine;
    const struct report_scope *scope;
    struct report *report;
    int32_t day_min;    /* no order or refund lies before it … */
    uint32_t day_count; /* … or on day_min + day_count and later; 0 where there are none */
    int32_t month_min;
    uint32_t month_count;
    uint16_t *month_of; /* by day - day_min: month - month_min */
    int32_t *days;      /* the purchase days of the customer at hand */
    void *scratch[METRIC_SCRATCH_MAX];
    int scratch_count;
};

/* Zeroed memory until the report is done, not from the report's arena. NULL where there is none:
 * then return metric_no_memory(run). */
void *metric_scratch(struct metric_run *run, size_t count, size_t size);
ERR_RESULT metric_no_memory(struct metric_run *run);

/* A customer as the scope sees it. */
struct seen_customer {
    int64_t customer_id;
    const int32_t *days; /* all purchase days known, ascending; days[0] is the first ever */
    uint32_t day_count;
    uint32_t from, to;                  /* days[from] … days[to - 1] are looked at */
    uint32_t order_count, refund_count; /* all that the engine holds: see seen_order, seen_refund */
    const struct chunk *chunk;
    uint32_t offset;
};
/* The next customer; *at begins at 0. False at the end. Valid until the next call. */
bool metric_next(const struct metric_run *run, uint32_t *at, struct seen_customer *customer);

struct seen_order {
    int32_t day;
    bool known;     /* paid before the as-of day */
    bool counted;   /* known, and not wholly refunded by then */
    bool looked_at; /* known, and its day is looked at */
    int64_t amount, top_line;
    uint32_t channel, product; /* indices of the engine */
};
static inline struct seen_order seen_order(const struct metric_run *run,
                                           const struct seen_customer *customer, uint32_t i)
{
    const struct report_scope *scope = run->scope;
    const struct chunk *chunk = customer->chunk;
    uint32_t at = customer->offset + i;
    uint16_t whole = chunk->refunded_whole_day[at];
    struct seen_order order = {
        .day = engine_day(chunk->day[at]),
        .amount = chunk_amount(chunk, chunk->amount[at]),
        .top_line = chunk_amount(chunk, chunk->top_line[at]),
        .channel = chunk->channel[at],
        .product = chunk->product[at],
    };
    order.known = order.day < scope->as_of_day;
    order.counted =
        order.known && (whole == ENGINE_DAY_NONE || engine_day(whole) >= scope->as_of_day);
    order.looked_at = order.known && order.day >= scope->from_day && order.day <= scope->to_day;
    return order;
}

struct seen_refund {
    int32_t day;
    bool looked_at;
    int64_t amount;
    uint32_t channel;
};
static inline struct seen_refund seen_refund(const struct metric_run *run,
                                             const struct seen_customer *customer, uint32_t i)
{
    const struct report_scope *scope = run->scope;
    const struct chunk *chunk = customer->chunk;
    uint32_t at = customer->offset + customer->order_count + i;
    struct seen_refund refund = {
        .day = engine_day(chunk->day[at]),
        .amount = chunk_amount(chunk, chunk->amount[at]),
        .channel = chunk->channel[at],
    };
    refund.looked_at = refund.day < scope->as_of_day && refund.day >= scope->from_day &&
                       refund.day <= scope->to_day;
    return refund;
}

/* Counted orders looked at. */
int64_t seen_order_count(const struct metric_run *run, const struct seen_customer *customer);
/* M of R/F/M: paid for all paid orders looked at; net: less all refunds looked at. */
int64_t seen_amount(const struct metric_run *run, const struct seen_customer *customer);
/* The first purchase day ever is looked at. */
bool seen_is_new(const struct metric_run *run, const struct seen_customer *customer);
/* The second purchase day ever, where it is not after the last day looked at; else DAY_NONE. */
int32_t seen_second_day(const struct metric_run *run, const struct seen_customer *customer);

static inline uint32_t metric_month(const struct metric_run *run, int32_t day)
{
    return run->month_of[day - run->day_min];
}
/* Adds to a sum; a sum beyond 64 bits stops the process. */
static inline void sum_add(int64_t *sum, int64_t amount)
{
    CHECK(add_i64(*sum, amount, sum));
}

/* --- Quantiles (type 7), exact: low + (high - low) * part / parts --- */

struct quantile {
    int64_t low, high, part, parts;
};
/* Of n > 0 ascending values, at numerator/denominator. */
struct quantile quantile_of_sorted(const int64_t *values, size_t n, int numerator, int denominator);
/* Of the values 0, 1, 2 …, each occurring counts[value] times; together n > 0. */
struct quantile quantile_of_counts(const int64_t *counts, size_t n, int numerator, int denominator);
double quantile_value(struct quantile quantile);
bool quantile_is_exceeded(struct quantile quantile, int64_t value); /* value > quantile, exactly */
/* Ascending. spare: room for n values. */
void metric_sort(int64_t *values, int64_t *spare, size_t n);

/* --- The columns functions --- */

ERR_RESULT metric_run_totals(struct metric_run *run);
ERR_RESULT metric_run_repurchase(struct metric_run *run);
ERR_RESULT metric_run_frequency(struct metric_run *run);
ERR_RESULT metric_run_monthly(struct metric_run *run);
ERR_RESULT metric_run_nday(struct metric_run *run);
ERR_RESULT metric_run_cohorts(struct metric_run *run);
ERR_RESULT metric_run_cohort_revenue(struct metric_run *run);
ERR_RESULT metric_run_rhythm(struct metric_run *run);
ERR_RESULT metric_run_overdue(struct metric_run *run);
ERR_RESULT metric_run_second_purchase(struct metric_run *run);
ERR_RESULT metric_run_rfm(struct metric_run *run);
ERR_RESULT metric_run_concentration(struct metric_run *run);
ERR_RESULT metric_run_by_channel(struct metric_run *run);
ERR_RESULT metric_run_by_first_product(struct metric_run *run);

#endif
