#include "engine/engine_portrait.h"

#include <math.h>

#include "engine/metric.h"

const char *portrait_basis_name(enum portrait_basis basis)
{
    static const char *const names[] = {"own", "brand", "none"};
    return names[basis];
}

/* The block's customers as the scope shows them; *slot is ours. */
static bool look_at(struct metric_run *run, int64_t customer_id, struct seen **seen, uint32_t *slot)
{
    uint32_t index = id_list_find(&run->engine->customer_ids, customer_id);
    if (index == ID_LIST_NONE)
        return false;
    *seen = run->seen[0];
    *slot = engine_slot(index);
    (*seen)->block = engine_block(run->engine, index);
    (*seen)->index = index - *slot;
    (*seen)->row_count = block_row_count((*seen)->block);
    return true;
}

static void fill_days(struct arena *arena, const struct seen *seen, uint32_t slot,
                      struct engine_portrait *out)
{
    const struct block *block = seen->block;
    uint16_t last = ENGINE_DAY_NONE;
    uint32_t from = block->begin[slot], to = block->begin[slot + 1];
    out->days = ARENA_ARRAY(arena, to - from + 1, int32_t);
    for (uint32_t row = from; row < to; row++) {
        uint16_t day = block->day[row];
        if (!seen->is_counted[row] || !seen_looked_at(seen, day) || day == last)
            continue;
        out->days[out->day_count++] = engine_day(day);
        last = day;
    }
}

static void fill_rhythm(const struct overdue_judge *judge, const struct overdue_verdict *verdict,
                        size_t gap_count, struct engine_portrait *out)
{
    int32_t last_day = engine_day(verdict->last_day);
    struct quantile expected = judge->medians[verdict->purchase_number];
    out->own_median_days = out->limit_days = out->expected_days = (double)NAN;
    out->expected_day = out->overdue_from_day = DAY_NONE;
    if (gap_count > 0)
        out->own_median_days = quantile_value(quantile_of_sorted(judge->gaps, gap_count, 1, 2));
    out->basis = (enum portrait_basis)verdict->basis;
    if (verdict->basis == OVERDUE_BY_NONE)
        return;
    if (verdict->basis == OVERDUE_BY_OWN)
        expected = quantile_of_sorted(judge->gaps, gap_count, 1, 2);
    out->is_overdue = verdict->is_overdue;
    out->limit_days = verdict->limit_days;
    out->expected_days = quantile_value(expected);
    out->expected_day = last_day + (int32_t)ceil(out->expected_days);
    out->overdue_from_day = last_day + (int32_t)floor(out->limit_days) + 1;
}

static ERR_RESULT portrait_locked(struct metric_run *run, int64_t customer_id,
                                  struct engine_portrait *out)
{
    struct overdue_judge judges[ENGINE_THREADS_MAX];
    struct overdue_verdict verdicts[ENGINE_BLOCK];
    struct seen_customer customers[ENGINE_BLOCK];
    struct rfm_scores scores;
    struct seen *seen;
    uint32_t slot;
    TRY(metric_prepare(run));
    if (!look_at(run, customer_id, &seen, &slot))
        return NULL;
    TRY(overdue_judges(run, judges));
    TRY(metric_rfm_scores(run, &scores));
    look_at(run, customer_id, &seen, &slot); /* the walks looked at everybody since */
    overdue_judge_block(seen, &judges[0], verdicts);
    if (verdicts[slot].last_day == ENGINE_DAY_NONE)
        return NULL;
    seen_customers(seen, customers);
    out->is_buyer = true;
    fill_days(run->arena, seen, slot, out);
    fill_rhythm(&judges[0], &verdicts[slot], rhythm_own_gaps(&judges[0], seen, slot), out);
    out->orders = customers[slot].orders;
    out->amount_minor = customers[slot].amount;
    out->days_since = (int64_t)run->scope->as_of_day - engine_day(customers[slot].last_day);
    out->r_score = scores.by_day[customers[slot].last_day];
    out->f_score = scores.by_orders[customers[slot].orders];
    out->m_score = rfm_amount_score(&scores, customers[slot].amount);
    return NULL;
}

const struct err *engine_portrait(struct arena *arena, const struct engine *engine,
                                  const struct report_scope *scope, int64_t customer_id,
                                  struct engine_portrait *out)
{
    CHECK(scope->to_day < scope->as_of_day);
    struct metric_run run = {.arena = arena, .engine = engine, .scope = scope};
    *out = (struct engine_portrait){0};
    CHECK(pthread_rwlock_rdlock(engine->lock) == 0);
    const struct err *err = portrait_locked(&run, customer_id, out);
    CHECK(pthread_rwlock_unlock(engine->lock) == 0);
    metric_end(&run);
    return err;
}
