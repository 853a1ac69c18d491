/* totals, repurchase, frequency, monthly. */
#include "engine/metric.h"

struct totals {
    int64_t customers, orders, purchase_days;
    int32_t first_day, last_day;
    int64_t gross, refunded, counted_amount;
    int64_t refunds, refund_customers, refund_buyers;
};

static void totals_add_orders(struct metric_run *run, const struct seen_customer *customer,
                              struct totals *totals, int64_t *amounts)
{
    for (uint32_t i = 0; i < customer->order_count; i++) {
        struct seen_order order = seen_order(run, customer, i);
        if (!order.looked_at)
            continue;
        sum_add(&totals->gross, order.amount);
        if (!order.counted)
            continue;
        amounts[totals->orders++] = order.amount;
        sum_add(&totals->counted_amount, order.amount);
    }
}

static void totals_add(struct metric_run *run, const struct seen_customer *customer,
                       struct totals *totals, int64_t *amounts)
{
    bool is_buyer = customer->to > customer->from;
    totals_add_orders(run, customer, totals, amounts);
    if (is_buyer) {
        int32_t first = customer->days[customer->from], last = customer->days[customer->to - 1];
        totals->customers++;
        totals->purchase_days += customer->to - customer->from;
        totals->first_day = first < totals->first_day ? first : totals->first_day;
        totals->last_day = last > totals->last_day ? last : totals->last_day;
    }
    int64_t refunds = 0;
    for (uint32_t i = 0; i < customer->refund_count; i++) {
        struct seen_refund refund = seen_refund(run, customer, i);
        if (!refund.looked_at)
            continue;
        refunds++;
        sum_add(&totals->refunded, refund.amount);
    }
    totals->refunds += refunds;
    totals->refund_customers += refunds > 0;
    totals->refund_buyers += refunds > 0 && is_buyer;
}

ERR_RESULT metric_run_totals(struct metric_run *run)
{
    size_t order_count = (size_t)run->engine->order_count;
    int64_t *amounts = metric_scratch(run, order_count, sizeof(*amounts));
    int64_t *spare = metric_scratch(run, order_count, sizeof(*spare));
    if (!amounts || !spare)
        return metric_no_memory(run);
    struct totals totals = {.first_day = INT32_MAX, .last_day = INT32_MIN};
    struct seen_customer customer;
    for (uint32_t at = 0; metric_next(run, &at, &customer);)
        totals_add(run, &customer, &totals, amounts);
    metric_sort(amounts, spare, (size_t)totals.orders);

    int64_t net = totals.gross;
    sum_add(&net, -totals.refunded);
    struct cell *row = report_row(run->report, 0);
    row[0] = cell_i(totals.customers);
    row[1] = cell_i(totals.orders);
    row[2] = cell_i(totals.purchase_days);
    row[5] = cell_i(totals.gross);
    row[6] = cell_i(totals.refunded);
    row[7] = cell_i(net);
    row[8] = cell_ratio(totals.counted_amount, totals.orders);
    row[10] = cell_i(totals.refunds);
    row[11] = cell_i(totals.refund_customers);
    row[12] = cell_i(totals.refund_customers - totals.refund_buyers);
    row[13] = cell_ratio(totals.refunded, totals.gross);
    row[14] = cell_ratio(totals.refund_buyers, totals.customers);
    if (totals.orders == 0)
        return NULL;
    row[3] = cell_i(totals.first_day);
    row[4] = cell_i(totals.last_day);
    row[9] = cell_f(quantile_value(quantile_of_sorted(amounts, (size_t)totals.orders, 1, 2)));
    return NULL;
}

ERR_RESULT metric_run_repurchase(struct metric_run *run)
{
    int64_t customers = 0, two_days = 0, two_orders = 0, three_days = 0, five_days = 0;
    int64_t orders = 0, max_orders = 0, max_days = 0;
    struct seen_customer customer;
    for (uint32_t at = 0; metric_next(run, &at, &customer);) {
        int64_t days = customer.to - customer.from;
        if (days == 0)
            continue;
        int64_t own_orders = seen_order_count(run, &customer);
        customers++;
        two_days += days >= 2;
        three_days += days >= 3;
        five_days += days >= 5;
        two_orders += own_orders >= 2;
        orders += own_orders;
        max_orders = own_orders > max_orders ? own_orders : max_orders;
        max_days = days > max_days ? days : max_days;
    }
    struct cell *row = report_row(run->report, 0);
    row[0] = cell_i(customers);
    row[1] = cell_i(two_days);
    row[2] = cell_ratio(two_days, customers);
    row[3] = cell_i(two_orders);
    row[4] = cell_ratio(two_orders, customers);
    row[5] = cell_i(three_days);
    row[6] = cell_i(five_days);
    row[7] = cell_ratio(orders, customers);
    if (customers == 0)
        return NULL;
    row[8] = cell_i(max_orders);
    row[9] = cell_i(max_days);
    return NULL;
}

ERR_RESULT metric_run_frequency(struct metric_run *run)
{
    size_t size = (size_t)run->engine->orders_max + 1;
    int64_t *counts = metric_scratch(run, size, sizeof(*counts));
    if (!counts)
        return metric_no_memory(run);
    int64_t customers = 0;
    struct seen_customer customer;
    for (uint32_t at = 0; metric_next(run, &at, &customer);) {
        uint32_t days = customer.to - customer.from;
        counts[days]++;
        customers += days > 0;
    }
    for (size_t days = 1; days < size; days++) {
        if (counts[days] == 0)
            continue;
        struct cell *row = report_row(run->report, 0);
        row[0] = cell_i((int64_t)days);
        row[1] = cell_i(counts[days]);
        row[2] = cell_ratio(counts[days], customers);
    }
    return NULL;
}

struct month {
    int64_t paid_orders, orders, amount;
    int64_t active, new_customers;
    int64_t refunds, refunded;
};

static void monthly_add(struct metric_run *run, const struct seen_customer *customer,
                        struct month *months)
{
    for (uint32_t i = 0; i < customer->order_count; i++) {
        struct seen_order order = seen_order(run, customer, i);
        if (!order.looked_at)
            continue;
        struct month *month = &months[metric_month(run, order.day)];
        month->paid_orders++;
        month->orders += order.counted;
        sum_add(&month->amount, order.amount);
    }
    for (uint32_t i = 0; i < customer->refund_count; i++) {
        struct seen_refund refund = seen_refund(run, customer, i);
        if (!refund.looked_at)
            continue;
        struct month *month = &months[metric_month(run, refund.day)];
        month->refunds++;
        sum_add(&month->refunded, refund.amount);
    }
    for (uint32_t i = customer->from; i < customer->to; i++) {
        uint32_t at = metric_month(run, customer->days[i]);
        if (i > customer->from && at == metric_month(run, customer->days[i - 1]))
            continue;
        months[at].active++;
        months[at].new_customers += at == metric_month(run, customer->days[0]);
    }
}

ERR_RESULT metric_run_monthly(struct metric_run *run)
{
    struct month *months = metric_scratch(run, run->month_count, sizeof(*months));
    if (!months)
        return metric_no_memory(run);
    struct seen_customer customer;
    for (uint32_t at = 0; metric_next(run, &at, &customer);)
        monthly_add(run, &customer, months);
    for (uint32_t i = 0; i < run->month_count; i++) {
        const struct month *month = &months[i];
        if (month->paid_orders == 0 && month->refunds == 0)
            continue;
        int64_t amount = month->amount;
        if (run->scope->net)
            sum_add(&amount, -month->refunded);
        struct cell *row = report_row(run->report, 0);
        row[0] = cell_i(run->month_min + (int32_t)i);
        row[1] = cell_i(month->orders);
        row[2] = cell_i(amount);
        row[3] = cell_i(month->active);
        row[4] = cell_i(month->new_customers);
        row[5] = cell_i(month->active - month->new_customers);
        row[6] = cell_i(month->refunds);
        row[7] = cell_i(month->refunded);
    }
    return NULL;
}
