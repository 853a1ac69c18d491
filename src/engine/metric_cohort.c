/* cohorts, cohort-revenue: tables of cohort (month of the first purchase day ever) by calendar
 * month. */
#include "engine/metric.h"

/* Sums begin with the sizes of the cohorts; then come their months, a row for each cohort. */

static void cohorts_add(struct seen *seen, void *share)
{
    seen_counted(seen);
    const struct seen_rows *rows = &seen->counted;
    const uint16_t *month_of = seen->run->month_of, *day = rows->day;
    size_t month_count = seen->run->month_count;
    int64_t *sizes = share, *active = sizes + month_count;
    for (uint32_t slot = 0; slot < ENGINE_BLOCK; slot++) {
        uint32_t begin = rows->begin[slot], to = rows->to[slot];
        if (begin == rows->end[slot])
            continue;
        size_t cohort = month_of[day[begin]];
        int64_t *months = &active[cohort * month_count];
        uint32_t last = UINT32_MAX;
        sizes[cohort]++;
        for (uint32_t row = rows->from[slot]; row < to; row++) {
            uint32_t month = month_of[day[row]];
            months[month] += month != last;
            last = month;
        }
    }
}

ERR_RESULT metric_run_cohorts(struct metric_run *run)
{
    size_t months = run->month_count, size = months + months * months;
    int64_t *sums[ENGINE_THREADS_MAX];
    if (!metric_sums(run, size, sums))
        return metric_no_memory(run);
    metric_walk(run, cohorts_add, (void *const *)sums);
    metric_unite(run, size, sums);
    const int64_t *sizes = sums[0], *active = sizes + months;
    for (size_t cohort = 0; cohort < months; cohort++) {
        for (size_t month = cohort; month < months; month++) {
            int64_t count = active[cohort * months + month];
            if (count == 0)
                continue;
            struct cell *row = report_row(run->report, 0);
            row[0] = cell_i(run->month_min + (int32_t)cohort);
            row[1] = cell_i((int64_t)(month - cohort));
            row[2] = cell_i(sizes[cohort]);
            row[3] = cell_i(count);
            row[4] = cell_ratio(count, sizes[cohort]);
        }
    }
    return NULL;
}

/* The sums of a cohort's month; facts: paid orders, and refunds where net. */
enum { FACTS, ORDERS, AMOUNT, REVENUE_SUMS };

static void revenue_add_refunds(const struct seen *seen, int64_t *revenue)
{
    const struct metric_run *run = seen->run;
    const struct seen_rows *rows = &seen->counted;
    for (size_t i = 0; i < seen->block->refund_count; i++) {
        const struct refund *refund = &seen->block->refunds[i];
        if (rows->begin[refund->slot] == rows->end[refund->slot] ||
            !seen_looked_at(seen, refund->day))
            continue;
        size_t cohort = run->month_of[rows->day[rows->begin[refund->slot]]];
        size_t at = cohort * run->month_count + run->month_of[refund->day];
        revenue[at * REVENUE_SUMS + FACTS]++;
        sum_add(&revenue[at * REVENUE_SUMS + AMOUNT], -refund->amount);
    }
}

static void revenue_add(struct seen *seen, void *share)
{
    seen_paid(seen);
    seen_is_counted(seen);
    seen_counted(seen);
    seen_amounts(seen);
    const struct seen_rows *rows = &seen->counted;
    const uint16_t *month_of = seen->run->month_of, *day = seen->paid.day;
    const uint8_t *is_counted = seen->is_counted;
    const int64_t *amounts = seen->amount;
    size_t month_count = seen->run->month_count;
    int64_t *sizes = share, *revenue = sizes + month_count;
    for (uint32_t slot = 0; slot < ENGINE_BLOCK; slot++) {
        if (rows->begin[slot] == rows->end[slot])
            continue;
        size_t cohort = month_of[rows->day[rows->begin[slot]]];
        int64_t *months = &revenue[cohort * month_count * REVENUE_SUMS];
        uint32_t to = seen->paid.to[slot];
        sizes[cohort]++;
        for (uint32_t row = seen->paid.from[slot]; row < to; row++) {
            int64_t *month = &months[(size_t)month_of[day[row]] * REVENUE_SUMS];
            month[FACTS]++;
            month[ORDERS] += is_counted[row];
            sum_add(&month[AMOUNT], amounts[row]);
        }
    }
    if (seen->run->scope->net)
        revenue_add_refunds(seen, revenue);
}

ERR_RESULT metric_run_cohort_revenue(struct metric_run *run)
{
    size_t months = run->month_count, size = months + months * months * REVENUE_SUMS;
    int64_t *sums[ENGINE_THREADS_MAX];
    if (!metric_sums(run, size, sums))
        return metric_no_memory(run);
    metric_walk(run, revenue_add, (void *const *)sums);
    metric_unite(run, size, sums);
    const int64_t *sizes = sums[0], *revenue = sizes + months;
    for (size_t cohort = 0; cohort < months; cohort++) {
        for (size_t month = 0; month < months; month++) {
            const int64_t *at = &revenue[(cohort * months + month) * REVENUE_SUMS];
            if (at[FACTS] == 0)
                continue;
            struct cell *row = report_row(run->report, 0);
            row[0] = cell_i(run->month_min + (int32_t)cohort);
            row[1] = cell_i((int64_t)month - (int64_t)cohort);
            row[2] = cell_i(sizes[cohort]);
            row[3] = cell_i(at[ORDERS]);
            row[4] = cell_i(at[AMOUNT]);
            row[5] = cell_ratio(at[AMOUNT], sizes[cohort]);
        }
    }
    return NULL;
}
