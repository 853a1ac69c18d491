/* rhythm, overdue: both read the gaps between purchase days by the purchase number before them. */
#include <stdlib.h>
#include <string.h>

#include "engine/metric.h"

#define NUMBER_MAX PURCHASE_NUMBER_MAX
#define OWN_GAPS_MIN 5

/* Gaps after one purchase number: how often each length occurs. */
struct gaps {
    int64_t *counts; /* by days */
    int64_t n, sum, max;
};

/* Counts of gaps lie by purchase number before them, then by days, run->day_count for each number.
 */
static size_t gap_counts_size(const struct metric_run *run)
{
    return (size_t)run->day_count * NUMBER_MAX;
}

/* A customer's purchase days as they are met. */
struct buyer {
    uint32_t number;              /* of the last purchase day, from the first ever; 0: none yet */
    uint32_t gaps;                /* between purchase days looked at */
    uint16_t first_day, last_day; /* looked at; ENGINE_DAY_NONE: none yet */
};

static void buyer_comes(struct buyer *buyer, uint16_t day)
{
    buyer->number += buyer->number < NUMBER_MAX;
    buyer->last_day = day;
}

/* Adds the gaps of the block's customers. */
static void gaps_add_orders(struct seen *seen, int64_t *counts, struct buyer buyers[ENGINE_BLOCK])
{
    const uint16_t *day = seen->block->day;
    size_t day_count = seen->run->day_count;
    seen_orders(seen);
    for (uint32_t slot = 0; slot < ENGINE_BLOCK; slot++)
        buyers[slot] = (struct buyer){.first_day = ENGINE_DAY_NONE, .last_day = ENGINE_DAY_NONE};
    const uint8_t *is_counted = seen->is_counted;
    for (const uint32_t *at = seen->by_day; at < seen->from; at++) {
        uint32_t row = entry_row(*at);
        struct buyer *buyer = &buyers[entry_slot(*at)];
        if (is_counted[row] && day[row] != buyer->last_day)
            buyer_comes(buyer, day[row]);
    }
    for (uint32_t slot = 0; slot < ENGINE_BLOCK && seen->from > seen->by_day; slot++)
        buyers[slot].last_day = ENGINE_DAY_NONE; /* was not looked at */
    int64_t no_gap = 0;
    for (const uint32_t *at = seen->from, *end = seen->end; at < end; at++) {
        uint32_t row = entry_row(*at);
        struct buyer *buyer = &buyers[entry_slot(*at)];
        if (!is_counted[row] || day[row] == buyer->last_day)
            continue;
        /* Without branches: whether an order is a customer's first cannot be foreseen. */
        bool is_gap = buyer->last_day != ENGINE_DAY_NONE;
        size_t gap = (buyer->number - 1) * day_count + (size_t)(day[row] - buyer->last_day);
        int64_t *count = is_gap ? &counts[gap] : &no_gap;
        ++*count;
        buyer->gaps += is_gap;
        buyer->first_day = is_gap ? buyer->first_day : day[row];
        buyer_comes(buyer, day[row]);
    }
}

/* by_number[0]: all gaps; [1] … [NUMBER_MAX]: those after that purchase. */
static ERR_RESULT gaps_of(struct metric_run *run, int64_t *counts, struct gaps *by_number)
{
    int64_t *all = metric_scratch(run, run->day_count, sizeof(*all));
    if (!all)
        return metric_no_memory(run);
    by_number[0] = (struct gaps){.counts = all};
    for (int number = 1; number <= NUMBER_MAX; number++) {
        struct gaps *gaps = &by_number[number];
        *gaps = (struct gaps){.counts = counts + (size_t)(number - 1) * run->day_count};
        for (uint32_t days = 0; days < run->day_count; days++) {
            if (gaps->counts[days] == 0)
                continue;
            all[days] += gaps->counts[days];
            gaps->n += gaps->counts[days];
            gaps->sum += gaps->counts[days] * (int64_t)days;
            gaps->max = days;
        }
        by_number[0].n += gaps->n;
        by_number[0].sum += gaps->sum;
        if (gaps->max > by_number[0].max)
            by_number[0].max = gaps->max;
    }
    return NULL;
}

static double gaps_quantile(const struct gaps *gaps, int numerator, int denominator)
{
    return quantile_value(
        quantile_of_counts(gaps->counts, (size_t)gaps->n, numerator, denominator));
}

/* --- rhythm --- */

/* A customer's mean gap is a span of days over a number of gaps: up to GAPS_COUNTED gaps such pairs
 * are counted, by gaps, then span; means over more gaps are kept one by one. */
#define GAPS_COUNTED 32

struct rhythm_share {
    int64_t *gap_counts;
    int64_t *mean_counts; /* (gaps - 1) * run->day_count + span */
    double *long_means;
    size_t long_mean_count;
};

static void rhythm_add(struct seen *seen, void *share)
{
    struct rhythm_share *rhythm = share;
    struct buyer buyers[ENGINE_BLOCK];
    gaps_add_orders(seen, rhythm->gap_counts, buyers);
    for (uint32_t slot = 0; slot < ENGINE_BLOCK; slot++) {
        uint32_t gaps = buyers[slot].gaps;
        int span = buyers[slot].last_day - buyers[slot].first_day;
        if (gaps == 0)
            continue;
        if (gaps <= GAPS_COUNTED)
            rhythm->mean_counts[(size_t)(gaps - 1) * seen->run->day_count + (size_t)span]++;
        else
            rhythm->long_means[rhythm->long_mean_count++] = (double)span / (double)gaps;
    }
}

struct mean {
    double days;
    int64_t customers;
};
/* Means by eighths of a day, so that only those near the median need sorting. */
struct means {
    int64_t *by_eighth;
    size_t low, high;  /* eighths: means in between are gathered … */
    struct mean *near; /* … here; NULL in the first round, which counts */
    size_t near_count;
};

static void means_add(struct means *means, double days, int64_t customers)
{
    size_t eighth = (size_t)(days * 8);
    if (!means->near)
        means->by_eighth[eighth] += customers;
    else if (eighth >= means->low && eighth <= means->high)
        means->near[means->near_count++] = (struct mean){days, customers};
}

static void means_add_all(const struct metric_run *run, struct means *means,
                          const struct rhythm_share *shares)
{
    for (size_t gaps = 1; gaps <= GAPS_COUNTED; gaps++) {
        const int64_t *counts = &shares[0].mean_counts[(gaps - 1) * run->day_count]; /* united */
        for (uint32_t span = 0; span < run->day_count; span++)
            if (counts[span] > 0)
                means_add(means, (double)span / (double)gaps, counts[span]);
    }
    for (int i = 0; i < run->threads; i++)
        for (size_t k = 0; k < shares[i].long_mean_count; k++)
            means_add(means, shares[i].long_means[k], 1);
}

static int compare_means(const void *left, const void *right)
{
    const struct mean *a = left, *b = right;
    return (a->days > b->days) - (a->days < b->days);
}

/* The mean at a rank that lies so many customers above the gathered ones' first. */
static double mean_at(const struct means *means, int64_t rank)
{
    size_t at = 0;
    for (; rank >= means->near[at].customers; at++)
        rank -= means->near[at].customers;
    return means->near[at].days;
}

/* Type 7. */
static ERR_RESULT median_of_means(struct metric_run *run, const struct rhythm_share *shares,
                                  double *median)
{
    size_t eighths = (size_t)run->day_count * 8, gathered = (size_t)run->day_count * GAPS_COUNTED;
    for (int i = 0; i < run->threads; i++)
        gathered += shares[i].long_mean_count;
    struct means means = {.by_eighth = metric_scratch(run, eighths, sizeof(*means.by_eighth))};
    struct mean *near = metric_scratch(run, gathered, sizeof(*near));
    if (!means.by_eighth || !near)
        return metric_no_memory(run);
    means_add_all(run, &means, shares);
    int64_t n = 0, below = 0;
    for (size_t i = 0; i < eighths; i++)
        n += means.by_eighth[i];
    while (below + means.by_eighth[means.low] <= (n - 1) / 2)
        below += means.by_eighth[means.low++];
    int64_t upto = below;
    for (means.high = means.low; upto + means.by_eighth[means.high] <= n / 2; means.high++)
        upto += means.by_eighth[means.high];
    means.near = near;
    means_add_all(run, &means, shares);
    qsort(near, means.near_count, sizeof(*near), compare_means);
    double low = mean_at(&means, (n - 1) / 2 - below), high = mean_at(&means, n / 2 - below);
    *median = low + (high - low) / 2;
    return NULL;
}

static void rhythm_write_overall(struct metric_run *run, const struct gaps *by_number,
                                 double median_of_customer_mean)
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
    row[7] = cell_f(median_of_customer_mean);
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
    size_t gap_size = gap_counts_size(run), mean_size = (size_t)run->day_count * GAPS_COUNTED;
    size_t long_means_max = (size_t)run->engine->order_count / (GAPS_COUNTED + 1);
    int64_t *gap_counts[ENGINE_THREADS_MAX], *mean_counts[ENGINE_THREADS_MAX];
    if (!metric_sums(run, gap_size, gap_counts) || !metric_sums(run, mean_size, mean_counts))
        return metric_no_memory(run);
    struct rhythm_share own[ENGINE_THREADS_MAX];
    void *shares[ENGINE_THREADS_MAX];
    for (int i = 0; i < run->threads; i++) {
        own[i] = (struct rhythm_share){
            .gap_counts = gap_counts[i],
            .mean_counts = mean_counts[i],
            .long_means = metric_scratch(run, long_means_max, sizeof(double)),
        };
        if (!own[i].long_means)
            return metric_no_memory(run);
        shares[i] = &own[i];
    }
    metric_walk(run, WALK_LOOKED_AT, rhythm_add, shares);
    metric_unite(run, gap_size, gap_counts);
    metric_unite(run, mean_size, mean_counts);
    struct gaps by_number[NUMBER_MAX + 1];
    TRY(gaps_of(run, gap_counts[0], by_number));
    double median = 0;
    if (by_number[0].n > 0)
        TRY(median_of_means(run, own, &median));
    rhythm_write_overall(run, by_number, median);
    rhythm_write_numbers(run, by_number);
    return NULL;
}

/* --- overdue --- */

static struct str basis_name(enum overdue_basis basis)
{
    switch (basis) {
    case OVERDUE_BY_OWN:
        return STR("own");
    case OVERDUE_BY_BRAND:
        return STR("brand");
    default:
        return STR("none");
    }
}

struct overdue {
    int64_t customer_id, amount;
    double limit_days;
    uint32_t purchase_days;
    uint16_t last_day;
    uint8_t basis;
};

struct overdue_run {
    struct metric_run *run;
    struct overdue *rows;
    atomic_size_t row_count;
};

/* What one thread has met. */
struct overdue_share {
    struct overdue_run *overdue;
    struct overdue_judge judge;
    int64_t customers[OVERDUE_BASIS_MAX], late[OVERDUE_BASIS_MAX], late_amount[OVERDUE_BASIS_MAX];
    size_t from, to; /* rows to sort */
};

static void brand_gaps_add(struct seen *seen, void *share)
{
    struct buyer buyers[ENGINE_BLOCK];
    gaps_add_orders(seen, share, buyers);
}

size_t rhythm_own_gaps(const struct overdue_judge *judge, const struct seen *seen, uint32_t slot)
{
    const struct block *block = seen->block;
    uint16_t last = ENGINE_DAY_NONE;
    size_t n = 0;
    for (uint32_t row = block->begin[slot]; row < block->begin[slot + 1]; row++) {
        uint16_t day = block->day[row];
        if (!seen->is_counted[row] || !seen_looked_at(seen, day) || day == last)
            continue;
        if (last != ENGINE_DAY_NONE)
            judge->gaps[n++] = day - last;
        last = day;
    }
    metric_sort(judge->gaps, judge->spare, n);
    return n;
}

static struct overdue_verdict judge_customer(const struct overdue_judge *judge,
                                             const struct seen *seen, uint32_t slot,
                                             const struct buyer *buyer)
{
    struct quantile limit = judge->limits[buyer->number];
    struct overdue_verdict verdict = {
        .basis = limit.parts > 0 ? OVERDUE_BY_BRAND : OVERDUE_BY_NONE,
        .purchase_number = buyer->number,
        .purchase_days = buyer->gaps + 1,
        .last_day = buyer->last_day,
    };
    if (buyer->gaps >= OWN_GAPS_MIN) {
        verdict.basis = OVERDUE_BY_OWN;
        limit = quantile_of_sorted(judge->gaps, rhythm_own_gaps(judge, seen, slot), 9, 10);
    }
    if (verdict.basis == OVERDUE_BY_NONE)
        return verdict;
    int64_t days_since = (int64_t)seen->run->scope->as_of_day - engine_day(buyer->last_day);
    verdict.is_overdue = quantile_is_exceeded(limit, days_since);
    verdict.limit_days = quantile_value(limit);
    return verdict;
}

void overdue_judge_block(struct seen *seen, const struct overdue_judge *judge,
                         struct overdue_verdict verdicts[ENGINE_BLOCK])
{
    struct buyer buyers[ENGINE_BLOCK];
    gaps_add_orders(seen, judge->gap_counts, buyers);
    for (uint32_t slot = 0; slot < ENGINE_BLOCK; slot++) {
        verdicts[slot] = (struct overdue_verdict){.last_day = ENGINE_DAY_NONE};
        if (buyers[slot].last_day != ENGINE_DAY_NONE)
            verdicts[slot] = judge_customer(judge, seen, slot, &buyers[slot]);
    }
}

static void overdue_add(struct seen *seen, void *arg)
{
    struct overdue_share *share = arg;
    struct overdue rows[ENGINE_BLOCK];
    struct overdue_verdict verdicts[ENGINE_BLOCK];
    struct seen_customer customers[ENGINE_BLOCK];
    size_t count = 0;
    overdue_judge_block(seen, &share->judge, verdicts);
    seen_customers(seen, customers);
    for (uint32_t slot = 0; slot < ENGINE_BLOCK; slot++) {
        const struct overdue_verdict *verdict = &verdicts[slot];
        if (verdict->last_day == ENGINE_DAY_NONE)
            continue;
        share->customers[verdict->basis]++;
        if (!verdict->is_overdue)
            continue;
        rows[count++] = (struct overdue){
            .customer_id = seen_customer_id(seen, slot),
            .amount = customers[slot].amount,
            .limit_days = verdict->limit_days,
            .purchase_days = verdict->purchase_days,
            .last_day = verdict->last_day,
            .basis = (uint8_t)verdict->basis,
        };
        share->late[verdict->basis]++;
        sum_add(&share->late_amount[verdict->basis], customers[slot].amount);
    }
    size_t at = atomic_fetch_add(&share->overdue->row_count, count);
    memcpy(&share->overdue->rows[at], rows, count * sizeof(*rows));
}

static int compare_overdue(const void *left, const void *right)
{
    const struct overdue *a = left, *b = right;
    if (a->amount != b->amount)
        return a->amount > b->amount ? -1 : 1;
    return (a->customer_id > b->customer_id) - (a->customer_id < b->customer_id);
}

static void overdue_sort(void *arg)
{
    const struct overdue_share *share = arg;
    qsort(share->overdue->rows + share->from, share->to - share->from, sizeof(struct overdue),
          compare_overdue);
}

/* The first of the rows that the threads sorted, each its own. */
static const struct overdue *next_row(const struct overdue_run *overdue,
                                      struct overdue_share *shares)
{
    struct overdue_share *best = NULL;
    for (int i = 0; i < overdue->run->threads; i++) {
        struct overdue_share *share = &shares[i];
        if (share->from < share->to &&
            (!best || compare_overdue(&overdue->rows[share->from], &overdue->rows[best->from]) < 0))
            best = share;
    }
    return &overdue->rows[best->from++];
}

static void overdue_write_rows(const struct overdue_run *overdue, struct overdue_share *shares)
{
    struct report *report = overdue->run->report;
    size_t count = overdue->row_count;
    report_reserve(report, 1, count);
    for (size_t i = 0; i < count; i++) {
        const struct overdue *late = next_row(overdue, shares);
        int32_t last_day = engine_day(late->last_day);
        struct cell *row = report_row(report, 1);
        row[0] = cell_i(late->customer_id);
        row[1] = cell_i(late->purchase_days);
        row[2] = cell_i(last_day);
        row[3] = cell_i((int64_t)report->scope.as_of_day - last_day);
        row[4] = cell_f(late->limit_days);
        row[5] = cell_s(basis_name(late->basis));
        row[6] = cell_i(late->amount);
    }
}

static void overdue_write_summary(struct report *report, const struct overdue_share *sums)
{
    for (int basis = 0; basis < OVERDUE_BASIS_MAX; basis++) {
        if (sums->customers[basis] == 0)
            continue;
        struct cell *row = report_row(report, 0);
        row[0] = cell_s(basis_name(basis));
        row[1] = cell_i(sums->customers[basis]);
        row[2] = cell_i(sums->late[basis]);
        row[3] = cell_ratio(sums->late[basis], sums->customers[basis]);
        row[4] = cell_i(sums->late_amount[basis]);
    }
}

/* The brand's limits and medians, from all gaps. */
static ERR_RESULT brand_limits(struct metric_run *run, int64_t *counts[ENGINE_THREADS_MAX],
                               struct quantile limits[NUMBER_MAX + 1],
                               struct quantile medians[NUMBER_MAX + 1])
{
    size_t size = gap_counts_size(run);
    if (!metric_sums(run, size, counts))
        return metric_no_memory(run);
    metric_walk(run, WALK_LOOKED_AT, brand_gaps_add, (void *const *)counts);
    metric_unite(run, size, counts);
    struct gaps by_number[NUMBER_MAX + 1];
    TRY(gaps_of(run, counts[0], by_number));
    for (int i = 1; i <= NUMBER_MAX; i++) {
        const struct gaps *gaps = &by_number[i];
        if (gaps->n == 0)
            continue;
        limits[i] = quantile_of_counts(gaps->counts, (size_t)gaps->n, 9, 10);
        medians[i] = quantile_of_counts(gaps->counts, (size_t)gaps->n, 1, 2);
    }
    return NULL;
}

ERR_RESULT overdue_judges(struct metric_run *run, struct overdue_judge judges[ENGINE_THREADS_MAX])
{
    int64_t *gap_counts[ENGINE_THREADS_MAX], *gaps[ENGINE_THREADS_MAX];
    size_t orders_max = run->engine->orders_max;
    struct quantile *limits = metric_scratch(run, NUMBER_MAX + 1, sizeof(*limits));
    struct quantile *medians = metric_scratch(run, NUMBER_MAX + 1, sizeof(*medians));
    if (!limits || !medians)
        return metric_no_memory(run);
    TRY(brand_limits(run, gap_counts, limits, medians));
    if (!metric_sums(run, 2 * orders_max, gaps))
        return metric_no_memory(run);
    for (int i = 0; i < run->threads; i++)
        judges[i] = (struct overdue_judge){.limits = limits,
                                           .medians = medians,
                                           .gap_counts = gap_counts[i],
                                           .gaps = gaps[i],
                                           .spare = gaps[i] + orders_max};
    return NULL;
}

ERR_RESULT metric_run_overdue(struct metric_run *run)
{
    size_t customer_count = (size_t)run->engine->customer_count;
    struct overdue_run overdue = {
        .run = run,
        .rows = metric_scratch(run, customer_count, sizeof(*overdue.rows)),
    };
    if (!overdue.rows)
        return metric_no_memory(run);
    struct overdue_judge judges[ENGINE_THREADS_MAX];
    TRY(overdue_judges(run, judges));
    struct overdue_share own[ENGINE_THREADS_MAX];
    void *shares[ENGINE_THREADS_MAX];
    for (int i = 0; i < run->threads; i++) {
        own[i] = (struct overdue_share){.overdue = &overdue, .judge = judges[i]};
        shares[i] = &own[i];
    }
    metric_walk(run, WALK_AMOUNTS, overdue_add, shares);
    for (size_t i = 0, threads = (size_t)run->threads; i < threads; i++) {
        own[i].from = overdue.row_count * i / threads;
        own[i].to = overdue.row_count * (i + 1) / threads;
    }
    metric_on_threads(run, overdue_sort, shares);
    for (int i = 1; i < run->threads; i++) {
        for (int basis = 0; basis < OVERDUE_BASIS_MAX; basis++) {
            own[0].customers[basis] += own[i].customers[basis];
            own[0].late[basis] += own[i].late[basis];
            sum_add(&own[0].late_amount[basis], own[i].late_amount[basis]);
        }
    }
    overdue_write_summary(run->report, &own[0]);
    overdue_write_rows(&overdue, own);
    return NULL;
}
