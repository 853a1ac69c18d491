/* nday: came back within N days, overall and by month of the first purchase day. */
#include "engine/metric.h"

static const int windows[] = {7, 14, 30, 60, 90, 180, 365};
#define WINDOW_COUNT (int)(sizeof(windows) / sizeof(windows[0]))

struct nday {
    int64_t customers, came_back_ever;
    struct {
        int64_t came_back, eligible, came_back_eligible;
    } within[WINDOW_COUNT];
};

static void nday_add(struct nday *nday, int32_t first_day, int32_t second_day, int32_t to_day)
{
    nday->customers++;
    nday->came_back_ever += second_day != DAY_NONE;
    for (int i = 0; i < WINDOW_COUNT; i++) {
        bool came_back = second_day != DAY_NONE && second_day - first_day <= windows[i];
        bool eligible = first_day + windows[i] <= to_day;
        nday->within[i].came_back += came_back;
        nday->within[i].eligible += eligible;
        nday->within[i].came_back_eligible += came_back && eligible;
    }
}

static void nday_write_overall(struct metric_run *run, const struct nday *nday)
{
    for (int i = 0; i < WINDOW_COUNT; i++) {
        struct cell *row = report_row(run->report, 0);
        row[0] = cell_i(windows[i]);
        row[1] = cell_i(nday->customers);
        row[2] = cell_i(nday->within[i].came_back);
        row[3] = cell_ratio(nday->within[i].came_back, nday->customers);
        row[4] = cell_i(nday->within[i].eligible);
        row[5] = cell_i(nday->within[i].came_back_eligible);
        row[6] = cell_ratio(nday->within[i].came_back_eligible, nday->within[i].eligible);
    }
}

static void nday_write_cohort(struct metric_run *run, int32_t month, const struct nday *nday)
{
    for (int i = 0; i < WINDOW_COUNT; i++) {
        struct cell *row = report_row(run->report, 1);
        row[0] = cell_i(month);
        row[1] = cell_i(windows[i]);
        row[2] = cell_i(nday->customers);
        row[3] = cell_i(nday->within[i].came_back);
        row[4] = cell_i(nday->within[i].eligible);
        row[5] = cell_i(nday->within[i].came_back_eligible);
        row[6] = cell_ratio(nday->within[i].came_back_eligible, nday->within[i].eligible);
        row[7] = cell_i(nday->came_back_ever);
    }
}

ERR_RESULT metric_run_nday(struct metric_run *run)
{
    struct nday *cohorts = metric_scratch(run, run->month_count, sizeof(*cohorts));
    if (!cohorts)
        return metric_no_memory(run);
    struct nday overall = {0};
    struct seen_customer customer;
    for (uint32_t at = 0; metric_next(run, &at, &customer);) {
        if (!seen_is_new(run, &customer))
            continue;
        int32_t first_day = customer.days[0], second_day = seen_second_day(run, &customer);
        nday_add(&overall, first_day, second_day, run->scope->to_day);
        nday_add(&cohorts[metric_month(run, first_day)], first_day, second_day, run->scope->to_day);
    }
    nday_write_overall(run, &overall);
    for (uint32_t i = 0; i < run->month_count; i++)
        if (cohorts[i].customers > 0)
            nday_write_cohort(run, run->month_min + (int32_t)i, &cohorts[i]);
    return NULL;
}
