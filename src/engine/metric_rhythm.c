/* rhythm, overdue: both read the gaps between purchase days by the purchase number before them. */
#include <stdlib.h>
#include <string.h>

#include "engine/metric.h"

#define NUMBER_MAX 11 /* stands for itself and all later */
#define OWN_GAPS_MIN 5

/* Gaps after one purchase number: how often each length occurs. */
struct gaps {
    int64_t *counts; /* by days, up to run->day_count */
    int64_t n, sum, max;
};

static uint32_t number_of(uint32_t day_index)
{
    return day_index + 1 < NUMBER_MAX ? day_index + 1 : NUMBER_MAX;
}

static void gaps_add(struct gaps *gaps, int64_t days)
{
    gaps->counts[days]++;
    gaps->n++;
    gaps->sum += days;
    gaps->max = days > gaps->max ? days : gaps->max;
}

/* by_number[0]: all gaps; [1] … [NUMBER_MAX]: those after that purchase. */
static ERR_RESULT gaps_new(struct metric_run *run, struct gaps *by_number)
{
    int64_t *counts =
        metric_scratch(run, (size_t)run->day_count * (NUMBER_MAX + 1), sizeof(*counts));
    if (!counts)
        return metric_no_memory(run);
    memset(by_number, 0, sizeof(*by_number) * (NUMBER_MAX + 1));
    for (int i = 0; i <= NUMBER_MAX; i++)
        by_number[i].counts = counts + (size_t)i * run->day_count;
    return NULL;
}

static void gaps_add_customer(struct gaps *by_number, const struct seen_customer *customer)
{
    for (uint32_t i = customer->from; i + 1 < customer->to; i++) {
        int64_t days = customer->days[i + 1] - customer->days[i];
        gaps_add(&by_number[0], days);
        gaps_add(&by_number[number_of(i)], days);
    }
}

static double gaps_quantile(const struct gaps *gaps, int numerator, int denominator)
{
    return quantile_value(
        quantile_of_counts(gaps->counts, (size_t)gaps->n, numerator, denominator));
}

/* --- rhythm --- */

/* Type 7 median of ascending doubles above 0 kept as their bits, which sort as the doubles do. */
static double median_of_bits(const int64_t *bits, size_t n)
{
    double low, high;
    memcpy(&low, &bits[(n - 1) / 2], sizeof(low));
    memcpy(&high, &bits[n / 2], sizeof(high));
    return low + (high - low) / 2;
}

static void rhythm_write_overall(struct metric_run *run, const struct gaps *by_number,
                                 const int64_t *means, size_t mean_count)
{
    const struct gaps *all = &by_number[0];
    struct cell *row = report_row(run->report, 0);
    row[0] = cell_i(all->n);
    if (all->n == 0)
        return;
    row[1] = cell_f(gaps_quantile(all, 1, 2));
    row[2] = cell_ratio(all->sum, all->n);
    row[3] = cell_f(gaps_quantile(all, 1, 4));
    row[4] = cell_f(gaps_quantile(all, 3, 4));
    row[5] = cell_f(gaps_quantile(all, 9, 10));
    row[6] = cell_i(all->max);
    row[7] = cell_f(median_of_bits(means, mean_count));
    if (by_number[1].n > 0)
        row[8] = cell_f(gaps_quantile(&by_number[1], 1, 2));
}

static void rhythm_write_numbers(struct metric_run *run, const struct gaps *by_number)
{
    for (int i = 1; i <= NUMBER_MAX; i++) {
        const struct gaps *gaps = &by_number[i];
        if (gaps->n == 0)
            continue;
        struct cell *row = report_row(run->report, 1);
        row[0] = cell_i(i);
        row[1] = cell_i(gaps->n);
        row[2] = cell_f(gaps_quantile(gaps, 1, 2));
        row[3] = cell_ratio(gaps->sum, gaps->n);
        row[4] = cell_f(gaps_quantile(gaps, 1, 4));
        row[5] = cell_f(gaps_quantile(gaps, 3, 4));
        row[6] = cell_f(gaps_quantile(gaps, 9, 10));
    }
}

ERR_RESULT metric_run_rhythm(struct metric_run *run)
{
    size_t customer_count = (size_t)run->engine->customer_count, mean_count = 0;
    int64_t *means = metric_scratch(run, customer_count, sizeof(*means));
    int64_t *spare = metric_scratch(run, customer_count, sizeof(*spare));
    if (!means || !spare)
        return metric_no_memory(run);
    struct gaps by_number[NUMBER_MAX + 1];
    TRY(gaps_new(run, by_number));
    struct seen_customer customer;
    for (uint32_t at = 0; metric_next(run, &at, &customer);) {
        if (customer.to < customer.from + 2)
            continue;
        gaps_add_customer(by_number, &customer);
        int32_t days = customer.days[customer.to - 1] - customer.days[customer.from];
        double mean = (double)days / (double)(customer.to - customer.from - 1);
        memcpy(&means[mean_count++], &mean, sizeof(mean));
    }
    metric_sort(means, spare, mean_count);
    rhythm_write_overall(run, by_number, means, mean_count);
    rhythm_write_numbers(run, by_number);
    return NULL;
}

/* --- overdue --- */

enum basis { BASIS_OWN, BASIS_BRAND, BASIS_NONE, BASIS_MAX };

static struct str basis_name(enum basis basis)
{
    switch (basis) {
    case BASIS_OWN:
        return STR("own");
    case BASIS_BRAND:
        return STR("brand");
    default:
        return STR("none");
    }
}

struct overdue {
    int64_t customer_id, amount;
    struct quantile limit;
    int32_t last_day, purchase_days;
    enum basis basis;
};

struct overdue_run {
    struct metric_run *run;
    struct quantile limits[NUMBER_MAX + 1]; /* the brand's, by purchase number; parts 0: none */
    int64_t *gaps, *spare;                  /* a customer's own */
    int64_t customers[BASIS_MAX], late[BASIS_MAX], late_amount[BASIS_MAX];
    struct overdue *rows;
    size_t row_count;
};

static struct quantile own_limit(struct overdue_run *overdue, const struct seen_customer *customer)
{
    size_t n = customer->to - customer->from - 1;
    for (size_t i = 0; i < n; i++) {
        const int32_t *day = &customer->days[customer->from + i];
        overdue->gaps[i] = day[1] - day[0];
    }
    metric_sort(overdue->gaps, overdue->spare, n);
    return quantile_of_sorted(overdue->gaps, n, 9, 10);
}

static void overdue_add(struct overdue_run *overdue, const struct seen_customer *customer)
{
    struct overdue row = {
        .customer_id = customer->customer_id,
        .last_day = customer->days[customer->to - 1],
        .purchase_days = (int32_t)(customer->to - customer->from),
        .basis = BASIS_BRAND,
        .limit = overdue->limits[number_of(customer->to - 1)],
    };
    if (row.purchase_days - 1 >= OWN_GAPS_MIN) {
        row.basis = BASIS_OWN;
        row.limit = own_limit(overdue, customer);
    } else if (row.limit.parts == 0) {
        row.basis = BASIS_NONE;
    }
    overdue->customers[row.basis]++;
    int64_t days_since = overdue->run->scope->as_of_day - row.last_day;
    if (row.basis == BASIS_NONE || !quantile_is_exceeded(row.limit, days_since))
        return;
    row.amount = seen_amount(overdue->run, customer);
    overdue->late[row.basis]++;
    sum_add(&overdue->late_amount[row.basis], row.amount);
    overdue->rows[overdue->row_count++] = row;
}

static int compare_overdue(const void *left, const void *right)
{
    const struct overdue *a = left, *b = right;
    if (a->amount != b->amount)
        return a->amount > b->amount ? -1 : 1;
    return (a->customer_id > b->customer_id) - (a->customer_id < b->customer_id);
}

static void overdue_write(struct overdue_run *overdue)
{
    struct report *report = overdue->run->report;
    for (int basis = 0; basis < BASIS_MAX; basis++) {
        if (overdue->customers[basis] == 0)
            continue;
        struct cell *row = report_row(report, 0);
        row[0] = cell_s(basis_name(basis));
        row[1] = cell_i(overdue->customers[basis]);
        row[2] = cell_i(overdue->late[basis]);
        row[3] = cell_ratio(overdue->late[basis], overdue->customers[basis]);
        row[4] = cell_i(overdue->late_amount[basis]);
    }
    for (size_t i = 0; i < overdue->row_count; i++) {
        const struct overdue *late = &overdue->rows[i];
        struct cell *row = report_row(report, 1);
        row[0] = cell_i(late->customer_id);
        row[1] = cell_i(late->purchase_days);
        row[2] = cell_i(late->last_day);
        row[3] = cell_i((int64_t)overdue->run->scope->as_of_day - late->last_day);
        row[4] = cell_f(quantile_value(late->limit));
        row[5] = cell_s(basis_name(late->basis));
        row[6] = cell_i(late->amount);
    }
}

ERR_RESULT metric_run_overdue(struct metric_run *run)
{
    size_t customer_count = (size_t)run->engine->customer_count;
    size_t orders_max = run->engine->orders_max;
    struct overdue_run overdue = {
        .run = run,
        .gaps = metric_scratch(run, orders_max, sizeof(*overdue.gaps)),
        .spare = metric_scratch(run, orders_max, sizeof(*overdue.spare)),
        .rows = metric_scratch(run, customer_count, sizeof(*overdue.rows)),
    };
    if (!overdue.gaps || !overdue.spare || !overdue.rows)
        return metric_no_memory(run);
    struct gaps by_number[NUMBER_MAX + 1];
    TRY(gaps_new(run, by_number));
    struct seen_customer customer;
    for (uint32_t at = 0; metric_next(run, &at, &customer);)
        gaps_add_customer(by_number, &customer);
    for (int i = 1; i <= NUMBER_MAX; i++)
        if (by_number[i].n > 0)
            overdue.limits[i] =
                quantile_of_counts(by_number[i].counts, (size_t)by_number[i].n, 9, 10);
    for (uint32_t at = 0; metric_next(run, &at, &customer);)
        if (customer.to > customer.from)
            overdue_add(&overdue, &customer);
    qsort(overdue.rows, overdue.row_count, sizeof(*overdue.rows), compare_overdue);
    overdue_write(&overdue);
    return NULL;
}
