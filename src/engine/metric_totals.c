/* totals, repurchase, frequency, monthly. */
#include "engine/metric.h"

/* --- totals --- */

struct totals {
    const struct ranks *ranks; /* of the counted orders' amounts */
    int64_t *rank_counts;
    int64_t customers, orders, purchase_days;
    uint16_t first_day, last_day;
    int64_t gross, refunded, counted_amount;
    int64_t refunds, refund_customers, refund_buyers;
};

static void totals_add_rank(struct seen *seen, void *share)
{
    struct totals *totals = share;
    seen_orders(seen);
    for (const uint32_t *at = seen->from; at < seen->end; at++) {
        uint32_t row = entry_row(*at);
        if (seen->is_counted[row])
            ranks_add_again(totals->ranks, totals->rank_counts, block_amount(seen->block, row));
    }
}

static void totals_add_orders(const struct seen *seen, struct totals *totals)
{
    const struct block *block = seen->block;
    const uint8_t *is_counted = seen->is_counted;
    int64_t *rank_counts = totals->rank_counts, counted = 0, refunded_whole = 0;
    for (const uint32_t *at = seen->from, *end = seen->end; at < end; at++) {
        uint32_t row = entry_row(*at);
        int64_t amount = block_amount(block, row);
        if (!is_counted[row]) {
            sum_add(&refunded_whole, amount);
            continue;
        }
        sum_add(&counted, amount);
        ranks_add(rank_counts, amount);
    }
    sum_add(&totals->counted_amount, counted);
    sum_add(&totals->gross, counted);
    sum_add(&totals->gross, refunded_whole);
}

static void totals_add_refunds(const struct seen *seen, const struct seen_customer *customers,
                               struct totals *totals)
{
    const struct block *block = seen->block;
    uint32_t last_slot = ENGINE_BLOCK;
    for (size_t i = 0; i < block->refund_count; i++) {
        const struct refund *refund = &block->refunds[i];
        if (!seen_looked_at(seen, refund->day))
            continue;
        totals->refunds++;
        sum_add(&totals->refunded, refund->amount);
        if (refund->slot == last_slot)
            continue;
        last_slot = refund->slot;
        totals->refund_customers++;
        totals->refund_buyers += customers[last_slot].orders > 0;
    }
}

/* The first purchase day looked at; ENGINE_DAY_NONE where there is none. */
static uint16_t first_day_of(const struct seen *seen)
{
    for (const uint32_t *at = seen->from; at < seen->end; at++)
        if (seen->is_counted[entry_row(*at)])
            return seen->block->day[entry_row(*at)];
    return ENGINE_DAY_NONE;
}

static void totals_add(struct seen *seen, void *share)
{
    struct totals *totals = share;
    struct seen_customer customers[ENGINE_BLOCK];
    seen_orders(seen);
    seen_customers(seen, customers);
    uint16_t first = first_day_of(seen);
    totals->first_day = first < totals->first_day ? first : totals->first_day;
    for (uint32_t slot = 0; slot < ENGINE_BLOCK; slot++) {
        const struct seen_customer *customer = &customers[slot];
        if (customer->orders == 0)
            continue;
        totals->customers++;
        totals->orders += customer->orders;
        totals->purchase_days += customer->days;
        totals->last_day =
            customer->last_day > totals->last_day ? customer->last_day : totals->last_day;
    }
    totals_add_orders(seen, totals);
    totals_add_refunds(seen, customers, totals);
}

static void totals_unite(struct totals *into, const struct totals *from)
{
    into->customers += from->customers;
    into->orders += from->orders;
    into->purchase_days += from->purchase_days;
    into->first_day = from->first_day < into->first_day ? from->first_day : into->first_day;
    into->last_day = from->last_day > into->last_day ? from->last_day : into->last_day;
    sum_add(&into->gross, from->gross);
    sum_add(&into->refunded, from->refunded);
    sum_add(&into->counted_amount, from->counted_amount);
    into->refunds += from->refunds;
    into->refund_customers += from->refund_customers;
    into->refund_buyers += from->refund_buyers;
}

static void totals_write(struct metric_run *run, const struct totals *totals)
{
    int64_t net = totals->gross;
    sum_add(&net, -totals->refunded);
    struct cell *row = report_row(run->report, 0);
    row[0] = cell_i(totals->customers);
    row[1] = cell_i(totals->orders);
    row[2] = cell_i(totals->purchase_days);
    row[5] = cell_i(totals->gross);
    row[6] = cell_i(totals->refunded);
    row[7] = cell_i(net);
    row[8] = cell_ratio(totals->counted_amount, totals->orders);
    row[10] = cell_i(totals->refunds);
    row[11] = cell_i(totals->refund_customers);
    row[12] = cell_i(totals->refund_customers - totals->refund_buyers);
    row[13] = cell_ratio(totals->refunded, totals->gross);
    row[14] = cell_ratio(totals->refund_buyers, totals->customers);
    if (totals->orders == 0)
        return;
    row[3] = cell_i(engine_day(totals->first_day));
    row[4] = cell_i(engine_day(totals->last_day));
    const struct rank_search *median = totals->ranks->searches;
    row[9] = cell_f(quantile_value(
        quantile_between((size_t)totals->orders, 1, 2, median[0].low, median[1].low)));
}

ERR_RESULT metric_run_totals(struct metric_run *run)
{
    struct ranks ranks;
    if (!ranks_begin(run, &ranks, 2))
        return metric_no_memory(run);
    struct totals totals[ENGINE_THREADS_MAX];
    void *shares[ENGINE_THREADS_MAX];
    for (int i = 0; i < run->threads; i++) {
        totals[i] = (struct totals){
            .ranks = &ranks, .rank_counts = ranks.counts[i], .first_day = ENGINE_DAY_NONE};
        shares[i] = &totals[i];
    }
    metric_walk(run, WALK_AMOUNTS, totals_add, shares);
    for (int i = 1; i < run->threads; i++)
        totals_unite(&totals[0], &totals[i]);
    if (totals[0].orders > 0) {
        size_t median[2];
        quantile_ranks((size_t)totals[0].orders, 1, 2, median);
        ranks_look_for(run, &ranks, median);
    }
    while (!ranks_are_found(&ranks)) {
        metric_walk(run, WALK_AMOUNTS, totals_add_rank, shares);
        ranks_narrow(run, &ranks);
    }
    totals_write(run, &totals[0]);
    return NULL;
}

/* --- repurchase --- */

struct repurchase {
    int64_t customers, two_days, two_orders, three_days, five_days;
    int64_t orders, max_orders, max_days;
};

static void repurchase_add(struct seen *seen, void *share)
{
    struct repurchase *repurchase = share;
    struct seen_customer customers[ENGINE_BLOCK];
    seen_orders(seen);
    seen_customers(seen, customers);
    for (uint32_t slot = 0; slot < ENGINE_BLOCK; slot++) {
        int64_t days = customers[slot].days, orders = customers[slot].orders;
        repurchase->customers += days > 0;
        repurchase->two_days += days >= 2;
        repurchase->three_days += days >= 3;
        repurchase->five_days += days >= 5;
        repurchase->two_orders += orders >= 2;
        repurchase->orders += orders;
        repurchase->max_orders = orders > repurchase->max_orders ? orders : repurchase->max_orders;
        repurchase->max_days = days > repurchase->max_days ? days : repurchase->max_days;
    }
}

static void repurchase_unite(struct repurchase *into, const struct repurchase *from)
{
    into->customers += from->customers;
    into->two_days += from->two_days;
    into->three_days += from->three_days;
    into->five_days += from->five_days;
    into->two_orders += from->two_orders;
    into->orders += from->orders;
    into->max_orders = from->max_orders > into->max_orders ? from->max_orders : into->max_orders;
    into->max_days = from->max_days > into->max_days ? from->max_days : into->max_days;
}

ERR_RESULT metric_run_repurchase(struct metric_run *run)
{
    struct repurchase sums[ENGINE_THREADS_MAX] = {{0}};
    void *shares[ENGINE_THREADS_MAX];
    for (int i = 0; i < run->threads; i++)
        shares[i] = &sums[i];
    metric_walk(run, WALK_AMOUNTS, repurchase_add, shares);
    for (int i = 1; i < run->threads; i++)
        repurchase_unite(&sums[0], &sums[i]);
    const struct repurchase *all = &sums[0];
    struct cell *row = report_row(run->report, 0);
    row[0] = cell_i(all->customers);
    row[1] = cell_i(all->two_days);
    row[2] = cell_ratio(all->two_days, all->customers);
    row[3] = cell_i(all->two_orders);
    row[4] = cell_ratio(all->two_orders, all->customers);
    row[5] = cell_i(all->three_days);
    row[6] = cell_i(all->five_days);
    row[7] = cell_ratio(all->orders, all->customers);
    if (all->customers == 0)
        return NULL;
    row[8] = cell_i(all->max_orders);
    row[9] = cell_i(all->max_days);
    return NULL;
}

/* --- frequency --- */

static void frequency_add(struct seen *seen, void *share)
{
    int64_t *customers_by_days = share;
    struct seen_customer customers[ENGINE_BLOCK];
    seen_orders(seen);
    seen_customers(seen, customers);
    for (uint32_t slot = 0; slot < ENGINE_BLOCK; slot++)
        customers_by_days[customers[slot].days]++;
}

ERR_RESULT metric_run_frequency(struct metric_run *run)
{
    size_t size = (size_t)run->engine->orders_max + 1;
    int64_t *counts[ENGINE_THREADS_MAX], customers = 0;
    if (!metric_sums(run, size, counts))
        return metric_no_memory(run);
    metric_walk(run, WALK_AMOUNTS, frequency_add, (void *const *)counts);
    metric_unite(run, size, counts);
    for (size_t days = 1; days < size; days++)
        customers += counts[0][days];
    for (size_t days = 1; days < size; days++) {
        if (counts[0][days] == 0)
            continue;
        struct cell *row = report_row(run->report, 0);
        row[0] = cell_i((int64_t)days);
        row[1] = cell_i(counts[0][days]);
        row[2] = cell_ratio(counts[0][days], customers);
    }
    return NULL;
}

/* --- monthly --- */

/* The sums of one month. */
enum { PAID_ORDERS, ORDERS, AMOUNT, ACTIVE, NEW_CUSTOMERS, REFUNDS, REFUNDED, MONTH_SUMS };

static void monthly_add_orders(const struct seen *seen, int64_t *sums)
{
    const struct block *block = seen->block;
    const uint16_t *month_of = seen->run->month_of;
    uint32_t first_month[ENGINE_BLOCK], last_month[ENGINE_BLOCK];
    for (uint32_t slot = 0; slot < ENGINE_BLOCK; slot++) {
        uint16_t first = seen->first_day[slot];
        first_month[slot] = first == ENGINE_DAY_NONE ? UINT32_MAX : month_of[first];
        last_month[slot] = UINT32_MAX;
    }
    const uint16_t *day = block->day;
    const uint8_t *is_counted = seen->is_counted;
    for (const uint32_t *at = seen->from, *end = seen->end; at < end; at++) {
        uint32_t row = entry_row(*at), slot = entry_slot(*at);
        uint32_t month = month_of[day[row]];
        int64_t *month_sums = &sums[(size_t)month * MONTH_SUMS];
        month_sums[PAID_ORDERS]++;
        sum_add(&month_sums[AMOUNT], block_amount(block, row));
        if (!is_counted[row])
            continue;
        uint32_t is_active_anew = month != last_month[slot];
        month_sums[ORDERS]++;
        month_sums[ACTIVE] += is_active_anew;
        month_sums[NEW_CUSTOMERS] += is_active_anew & (month == first_month[slot]);
        last_month[slot] = month;
    }
}

static void monthly_add(struct seen *seen, void *share)
{
    int64_t *sums = share;
    seen_orders(seen);
    seen_first_two_days(seen);
    monthly_add_orders(seen, sums);
    for (size_t i = 0; i < seen->block->refund_count; i++) {
        const struct refund *refund = &seen->block->refunds[i];
        if (!seen_looked_at(seen, refund->day))
            continue;
        int64_t *month = &sums[(size_t)seen->run->month_of[refund->day] * MONTH_SUMS];
        month[REFUNDS]++;
        sum_add(&month[REFUNDED], refund->amount);
    }
}

ERR_RESULT metric_run_monthly(struct metric_run *run)
{
    size_t size = (size_t)run->month_count * MONTH_SUMS;
    int64_t *sums[ENGINE_THREADS_MAX];
    if (!metric_sums(run, size, sums))
        return metric_no_memory(run);
    metric_walk(run, WALK_FIRST_DAYS | WALK_AMOUNTS, monthly_add, (void *const *)sums);
    metric_unite(run, size, sums);
    for (uint32_t i = 0; i < run->month_count; i++) {
        const int64_t *month = &sums[0][(size_t)i * MONTH_SUMS];
        if (month[PAID_ORDERS] == 0 && month[REFUNDS] == 0)
            continue;
        int64_t amount = month[AMOUNT];
        if (run->scope->net)
            sum_add(&amount, -month[REFUNDED]);
        struct cell *row = report_row(run->report, 0);
        row[0] = cell_i(run->month_min + (int32_t)i);
        row[1] = cell_i(month[ORDERS]);
        row[2] = cell_i(amount);
        row[3] = cell_i(month[ACTIVE]);
        row[4] = cell_i(month[NEW_CUSTOMERS]);
        row[5] = cell_i(month[ACTIVE] - month[NEW_CUSTOMERS]);
        row[6] = cell_i(month[REFUNDS]);
        row[7] = cell_i(month[REFUNDED]);
    }
    return NULL;
}
