/* What periods of equal length saw of customers, for trends; see engine_select.h. */
#include "engine/engine_select.h"

#include <string.h>

#include "engine/metric.h"

/* The sums of one period. */
enum { CUSTOMERS, NEW_CUSTOMERS, ORDERS, PAID, REFUNDED, DUE, CAME_BACK, PERIOD_SUMS };

struct period_share {
    int64_t *sums; /* PERIOD_SUMS for each period, the latest first */
    int32_t to_day, days, within_days, count;
};

/* The period of a day; -1 where it lies in none. */
static int32_t period_of(const struct period_share *share, int32_t day)
{
    int32_t back = share->to_day - day;
    if (back < 0 || back / share->days >= share->count)
        return -1;
    return back / share->days;
}

static void add_orders(const struct seen *seen, const struct period_share *share)
{
    int32_t last[ENGINE_BLOCK], first[ENGINE_BLOCK];
    for (uint32_t slot = 0; slot < ENGINE_BLOCK; slot++) {
        uint16_t day = seen->first_day[slot];
        last[slot] = -1;
        first[slot] = day == ENGINE_DAY_NONE ? -1 : period_of(share, engine_day(day));
    }
    for (const uint32_t *at = seen->from, *end = seen->end; at < end; at++) {
        uint32_t row = entry_row(*at), slot = entry_slot(*at);
        int32_t period = period_of(share, engine_day(seen->block->day[row]));
        int64_t *sums = &share->sums[(size_t)period * PERIOD_SUMS];
        sum_add(&sums[PAID], block_amount(seen->block, row));
        if (!seen->is_counted[row])
            continue;
        sums[ORDERS]++;
        sums[CUSTOMERS] += period != last[slot];
        sums[NEW_CUSTOMERS] += period != last[slot] && period == first[slot];
        last[slot] = period;
    }
}

static void period_add(struct seen *seen, void *arg)
{
    const struct period_share *share = arg;
    if (seen->row_count > 0) {
        seen_orders(seen);
        seen_first_two_days(seen);
        add_orders(seen, share);
    }
    for (size_t i = 0; i < seen->block->refund_count; i++) {
        const struct refund *refund = &seen->block->refunds[i];
        if (seen_looked_at(seen, refund->day))
            sum_add(&share->sums[(size_t)period_of(share, engine_day(refund->day)) * PERIOD_SUMS +
                                 REFUNDED],
                    refund->amount);
    }
    for (uint32_t slot = 0; seen->row_count > 0 && slot < ENGINE_BLOCK; slot++) {
        uint16_t first = seen->first_day[slot], second = seen->second_day[slot];
        if (first == ENGINE_DAY_NONE)
            continue;
        int32_t period = period_of(share, engine_day(first) + share->within_days);
        if (period < 0)
            continue;
        bool came_back = second != ENGINE_DAY_NONE && second - first <= share->within_days;
        share->sums[(size_t)period * PERIOD_SUMS + DUE]++;
        share->sums[(size_t)period * PERIOD_SUMS + CAME_BACK] += came_back;
    }
}

static ERR_RESULT periods_locked(struct metric_run *run, struct period_share *share,
                                 int64_t *sums[ENGINE_THREADS_MAX])
{
    struct period_share own[ENGINE_THREADS_MAX];
    void *shares[ENGINE_THREADS_MAX];
    size_t size = (size_t)share->count * PERIOD_SUMS;
    TRY(metric_prepare(run));
    if (!metric_sums(run, size, sums))
        return metric_no_memory(run);
    for (int i = 0; i < run->threads; i++) {
        own[i] = *share;
        own[i].sums = sums[i];
        shares[i] = &own[i];
    }
    metric_walk(run, WALK_EVERYBODY | WALK_FIRST_DAYS | WALK_AMOUNTS, period_add, shares);
    metric_unite(run, size, sums);
    return NULL;
}

const struct err *engine_periods(struct arena *arena, const struct engine *engine,
                                 int32_t as_of_day, int days, int within_days,
                                 struct engine_period *periods, int count)
{
    struct report_scope scope = {.as_of_day = as_of_day, .to_day = as_of_day - 1};
    scope.from_day = as_of_day - days * count;
    struct metric_run run = {.arena = arena, .engine = engine, .scope = &scope};
    struct period_share share = {
        .to_day = scope.to_day, .days = days, .within_days = within_days, .count = count};
    int64_t *all[ENGINE_THREADS_MAX];
    CHECK(pthread_rwlock_rdlock(engine->lock) == 0);
    const struct err *err = periods_locked(&run, &share, all);
    CHECK(pthread_rwlock_unlock(engine->lock) == 0);
    for (int i = 0; !err && i < count; i++) {
        const int64_t *sums = &all[0][(size_t)i * PERIOD_SUMS];
        periods[i] = (struct engine_period){
            .from_day = scope.to_day - (i + 1) * days + 1,
            .to_day = scope.to_day - i * days,
            .customers = sums[CUSTOMERS],
            .new_customers = sums[NEW_CUSTOMERS],
            .orders = sums[ORDERS],
            .paid_minor = sums[PAID],
            .refunded_minor = sums[REFUNDED],
            .due = sums[DUE],
            .came_back = sums[CAME_BACK],
        };
    }
    metric_end(&run);
    return err;
}
