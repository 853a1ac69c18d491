/* cohorts, cohort-revenue: tables of cohort (month of the first purchase day ever) by calendar
 * month. */
#include "engine/metric.h"

ERR_RESULT metric_run_cohorts(struct metric_run *run)
{
    size_t months = run->month_count;
    int64_t *sizes = metric_scratch(run, months, sizeof(*sizes));
    int64_t *active = metric_scratch(run, months * months, sizeof(*active));
    if (!sizes || !active)
        return metric_no_memory(run);
    struct seen_customer customer;
    for (uint32_t at = 0; metric_next(run, &at, &customer);) {
        if (customer.day_count == 0)
            continue;
        size_t cohort = metric_month(run, customer.days[0]);
        sizes[cohort]++;
        for (uint32_t i = customer.from; i < customer.to; i++) {
            size_t month = metric_month(run, customer.days[i]);
            if (i == customer.from || month != metric_month(run, customer.days[i - 1]))
                active[cohort * months + month]++;
        }
    }
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

struct revenue {
    int64_t facts; /* paid orders, and refunds where net */
    int64_t orders, amount;
};

static void revenue_add(struct metric_run *run, const struct seen_customer *customer,
                        struct revenue *months)
{
    for (uint32_t i = 0; i < customer->order_count; i++) {
        struct seen_order order = seen_order(run, customer, i);
        if (!order.looked_at)
            continue;
        struct revenue *month = &months[metric_month(run, order.day)];
        month->facts++;
        month->orders += order.counted;
        sum_add(&month->amount, order.amount);
    }
    if (!run->scope->net)
        return;
    for (uint32_t i = 0; i < customer->refund_count; i++) {
        struct seen_refund refund = seen_refund(run, customer, i);
        if (!refund.looked_at)
            continue;
        struct revenue *month = &months[metric_month(run, refund.day)];
        month->facts++;
        sum_add(&month->amount, -refund.amount);
    }
}

ERR_RESULT metric_run_cohort_revenue(struct metric_run *run)
{
    size_t months = run->month_count;
    int64_t *sizes = metric_scratch(run, months, sizeof(*sizes));
    struct revenue *revenue = metric_scratch(run, months * months, sizeof(*revenue));
    if (!sizes || !revenue)
        return metric_no_memory(run);
    struct seen_customer customer;
    for (uint32_t at = 0; metric_next(run, &at, &customer);) {
        if (customer.day_count == 0)
            continue;
        size_t cohort = metric_month(run, customer.days[0]);
        sizes[cohort]++;
        revenue_add(run, &customer, &revenue[cohort * months]);
    }
    for (size_t cohort = 0; cohort < months; cohort++) {
        for (size_t month = 0; month < months; month++) {
            const struct revenue *at = &revenue[cohort * months + month];
            if (at->facts == 0)
                continue;
            struct cell *row = report_row(run->report, 0);
            row[0] = cell_i(run->month_min + (int32_t)cohort);
            row[1] = cell_i((int64_t)month - (int64_t)cohort);
            row[2] = cell_i(sizes[cohort]);
            row[3] = cell_i(at->orders);
            row[4] = cell_i(at->amount);
            row[5] = cell_ratio(at->amount, sizes[cohort]);
        }
    }
    return NULL;
}
