/* cohorts, cohort-revenue: tables of cohort (month of the first purchase day ever) by calendar
 * month. */
#include "engine/metric.h"

/* Sums begin with the sizes of the cohorts; then come their months, a row for each cohort. */

static void cohorts_add(struct seen*seen, void *share)
{
    const uint16_t *month_of = seen->run->month_of;
    size_t month_count = seen->run->month_count;
    int64_t *sizes = share, *active = sizes + month_count;
    int64_t *months[ENGINE_BLOCK]; /* by slot: of the customer's cohort */
    uint32_t last_month[ENGINE_BLOCK];
    seen_orders(seen);
    seen_first_two_days(seen);
    for (uint32_t slot = 0; slot < ENGINE_BLOCK; slot++) {
        uint16_t first = seen->first_day[slot];
        last_month[slot] = UINT32_MAX;
        months[slot] = NULL; /* no purchase: no order counts */
        if (first == ENGINE_DAY_NONE)
            continue;
        months[slot] = &active[month_of[first] * month_count];
        sizes[month_of[first]]++;
    }
    const uint16_t *day = seen->block->day;
    const uint8_t *is_counted = seen->is_counted;
    for (const uint32_t *at = seen->from, *end = seen->end; at < end; at++) {
        uint32_t row = entry_row(*at), slot = entry_slot(*at);
        if (!is_counted[row])
            continue;
        uint32_t month = month_of[day[row]];
        months[slot][month] += month != last_month[slot];
        last_month[slot] = month;
    }
}

ERR_RESULT metric_run_cohorts(struct metric_run *run)
{
    size_t months = run->month_count, size = months + months * months;
    int64_t *sums[ENGINE_THREADS_MAX];
    if (!metric_sums(run, size, sums))
        return metric_no_memory(run);
    metric_walk(run, WALK_KNOWN | WALK_FIRST_DAYS, cohorts_add, (void *const *)sums);
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

static void revenue_add_refunds(const struct seen *seen, int64_t *const cohorts[ENGINE_BLOCK])
{
    const struct block *block = seen->block;
    for (size_t i = 0; i < block->refund_count; i++) {
        const struct refund *refund = &block->refunds[i];
        if (!cohorts[refund->slot] || !seen_looked_at(seen, refund->day))
            continue;
        int64_t *month =
            &cohorts[refund->slot][(size_t)seen->run->month_of[refund->day] * REVENUE_SUMS];
        month[FACTS]++;
        sum_add(&month[AMOUNT], -refund->amount);
    }
}

static void revenue_add(struct seen *seen, void *share)
{
    const struct block *block = seen->block;
    const uint16_t *month_of = seen->run->month_of;
    size_t month_count = seen->run->month_count;
    int64_t *sizes = share, *revenue = sizes + month_count;
    int64_t *cohorts[ENGINE_BLOCK]; /* by slot: the months of the customer's cohort */
    seen_orders(seen);
    seen_first_two_days(seen);
    for (uint32_t slot = 0; slot < ENGINE_BLOCK; slot++) {
        uint16_t first = seen->first_day[slot];
        cohorts[slot] = NULL; /* no purchase: of no cohort */
        if (first == ENGINE_DAY_NONE)
            continue;
        cohorts[slot] = &revenue[month_of[first] * month_count * REVENUE_SUMS];
        sizes[month_of[first]]++;
    }
    const uint16_t *day = block->day;
    const uint8_t *is_counted = seen->is_counted;
    for (const uint32_t *at = seen->from, *end = seen->end; at < end; at++) {
        uint32_t row = entry_row(*at), slot = entry_slot(*at);
        if (!cohorts[slot])
            continue;
        int64_t *month = &cohorts[slot][(size_t)month_of[day[row]] * REVENUE_SUMS];
        month[FACTS]++;
        month[ORDERS] += is_counted[row];
        sum_add(&month[AMOUNT], block_amount(block, row));
    }
    if (seen->run->scope->net)
        revenue_add_refunds(seen, cohorts);
}

ERR_RESULT metric_run_cohort_revenue(struct metric_run *run)
{
    size_t months = run->month_count, size = months + months * months * REVENUE_SUMS;
    int64_t *sums[ENGINE_THREADS_MAX];
    if (!metric_sums(run, size, sums))
        return metric_no_memory(run);
    metric_walk(run, WALK_KNOWN | WALK_FIRST_DAYS | WALK_AMOUNTS, revenue_add, (void *const *)sums);
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
