/* second-purchase: the Kaplan–Meier estimate of the time from the first purchase day to the
 * second. Kaplan and Meier 1958; standard error: Greenwood 1926. */
#include <math.h>

#include "engine/metric.h"

static const int chosen_days[] = {7, 14, 30, 60, 90, 120, 180, 270, 365, 540};
#define CHOSEN_COUNT (int)(sizeof(chosen_days) / sizeof(chosen_days[0]))

/* Those watched, by the days that they were watched for. */
struct watched {
    int64_t *events, *censored;
    int64_t n;
    int64_t days_max; /* from the earliest first purchase day to the last day looked at */
};
/* The curve behind a day. */
struct step {
    double survival, greenwood;
};

static double standard_error(struct step step)
{
    return step.survival * sqrt(step.greenwood);
}

static void step_on(struct step *step, int64_t events, int64_t at_risk)
{
    if (events == 0)
        return;
    step->survival *= (double)(at_risk - events) / (double)at_risk;
    if (events < at_risk)
        step->greenwood += (double)events / ((double)at_risk * (double)(at_risk - events));
}

static void write_chosen(struct metric_run *run, int day, struct step step, int64_t at_risk)
{
    struct cell *row = report_row(run->report, 0);
    row[0] = cell_i(day);
    row[1] = cell_f(1 - step.survival);
    row[2] = cell_f(standard_error(step));
    row[3] = cell_i(at_risk);
}

static void write_curve(struct metric_run *run, int64_t day, int64_t events, int64_t at_risk,
                        struct step step)
{
    struct cell *row = report_row(run->report, 1);
    row[0] = cell_i(day);
    row[1] = cell_i(events);
    row[2] = cell_i(at_risk);
    row[3] = cell_f(step.survival);
    row[4] = cell_f(standard_error(step));
}

static void write_steps(struct metric_run *run, const struct watched *watched)
{
    struct step step = {.survival = 1};
    int64_t at_risk = watched->n;
    int chosen = 0;
    for (int64_t day = 0; day <= watched->days_max; day++) {
        int64_t events = watched->events[day];
        step_on(&step, events, at_risk);
        if (events > 0)
            write_curve(run, day, events, at_risk, step);
        if (chosen < CHOSEN_COUNT && chosen_days[chosen] == day) {
            write_chosen(run, chosen_days[chosen], step, at_risk);
            chosen++;
        }
        at_risk -= events + watched->censored[day];
    }
}

/* What one thread has met. */
struct second_share {
    int64_t *events, *censored;
    uint16_t first_day_min;
};

static void second_add(struct seen *seen, void *share)
{
    struct second_share *second_share = share;
    const struct metric_run *run = seen->run;
    seen_first_two_days(seen);
    for (uint32_t slot = 0; slot < ENGINE_BLOCK; slot++) {
        uint16_t first = seen->first_day[slot], second = seen->second_day[slot];
        if (first == ENGINE_DAY_NONE || !seen_looked_at(seen, first))
            continue;
        if (first < second_share->first_day_min)
            second_share->first_day_min = first;
        if (second < run->to_end)
            second_share->events[second - first]++;
        else
            second_share->censored[run->scope->to_day - engine_day(first)]++;
    }
}

ERR_RESULT metric_run_second_purchase(struct metric_run *run)
{
    /* The last day looked at may lie behind the last fact. */
    int64_t span = (int64_t)run->scope->to_day - run->engine->day_min + 1;
    size_t size = run->day_end == 0 || span < 1 ? 1 : (size_t)span;
    int64_t *sums[ENGINE_THREADS_MAX];
    if (!metric_sums(run, 2 * size, sums))
        return metric_no_memory(run);
    struct second_share own[ENGINE_THREADS_MAX];
    void *shares[ENGINE_THREADS_MAX];
    for (int i = 0; i < run->threads; i++) {
        own[i] = (struct second_share){sums[i], sums[i] + size, ENGINE_DAY_NONE};
        shares[i] = &own[i];
    }
    metric_walk(run, WALK_FIRST_DAYS, second_add, shares);
    metric_unite(run, 2 * size, sums);
    uint16_t first_day_min = ENGINE_DAY_NONE;
    for (int i = 0; i < run->threads; i++)
        if (own[i].first_day_min < first_day_min)
            first_day_min = own[i].first_day_min;
    if (first_day_min == ENGINE_DAY_NONE)
        return NULL;
    struct watched watched = {.events = sums[0], .censored = sums[0] + size};
    for (size_t i = 0; i < size; i++)
        watched.n += watched.events[i] + watched.censored[i];
    watched.days_max = (int64_t)run->scope->to_day - engine_day(first_day_min);
    write_steps(run, &watched);
    return NULL;
}
