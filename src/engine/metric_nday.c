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

/* Customers are counted by cohort, by the first window that they came back in, and by how many
 * windows they are old enough for; windows grow, so that all figures follow from these counts. */
enum { BACK_LATER = WINDOW_COUNT, BACK_NEVER, BACK_CLASSES, AGE_CLASSES = WINDOW_COUNT + 1 };
#define COHORT_COUNTS (BACK_CLASSES * AGE_CLASSES)

struct nday_share {
    const uint8_t *back_class; /* by days from the first purchase day to the second */
    const uint8_t *age_class;  /* by first purchase day */
    int64_t *counts;           /* COHORT_COUNTS for each cohort */
};

static void nday_add(struct seen *seen, void *share)
{
    const struct nday_share *nday = share;
    const struct metric_run *run = seen->run;
    seen_first_two_days(seen);
    for (uint32_t slot = 0; slot < ENGINE_BLOCK; slot++) {
        uint16_t first = seen->first_day[slot], second = seen->second_day[slot];
        if (first == ENGINE_DAY_NONE || !seen_looked_at(seen, first))
            continue;
        size_t back = second < run->to_end ? nday->back_class[second - first] : BACK_NEVER;
        size_t at = (run->month_of[first] * (size_t)BACK_CLASSES + back) * AGE_CLASSES;
        nday->counts[at + nday->age_class[first]]++;
    }
}

/* What one count stands for. */
static void nday_sum(struct nday *nday, int back, int age, int64_t customers)
{
    nday->customers += customers;
    nday->came_back_ever += back != BACK_NEVER ? customers : 0;
    for (int i = 0; i < WINDOW_COUNT; i++) {
        bool came_back = back <= i, eligible = i < age;
        nday->within[i].came_back += came_back ? customers : 0;
        nday->within[i].eligible += eligible ? customers : 0;
        nday->within[i].came_back_eligible += came_back && eligible ? customers : 0;
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

static bool nday_classes(struct metric_run *run, struct nday_share *share)
{
    uint8_t *back_class = metric_scratch(run, run->day_end, sizeof(*back_class));
    uint8_t *age_class = metric_scratch(run, run->day_end, sizeof(*age_class));
    if (!back_class || !age_class)
        return false;
    for (uint32_t day = 0; day < run->day_end; day++) {
        while (back_class[day] < BACK_LATER && day > (uint32_t)windows[back_class[day]])
            back_class[day]++;
        int32_t first_day = engine_day((uint16_t)day);
        for (int i = 0; i < WINDOW_COUNT; i++)
            age_class[day] += first_day + windows[i] <= run->scope->to_day;
    }
    share->back_class = back_class;
    share->age_class = age_class;
    return true;
}

ERR_RESULT metric_run_nday(struct metric_run *run)
{
    size_t size = (size_t)run->month_count * COHORT_COUNTS;
    int64_t *counts[ENGINE_THREADS_MAX];
    struct nday_share share;
    if (!metric_sums(run, size, counts) || !nday_classes(run, &share))
        return metric_no_memory(run);
    struct nday_share own[ENGINE_THREADS_MAX];
    void *shares[ENGINE_THREADS_MAX];
    for (int i = 0; i < run->threads; i++) {
        own[i] = share;
        own[i].counts = counts[i];
        shares[i] = &own[i];
    }
    metric_walk(run, WALK_FIRST_DAYS, nday_add, shares);
    metric_unite(run, size, counts);
    struct nday *cohorts = metric_scratch(run, run->month_count, sizeof(*cohorts));
    if (!cohorts)
        return metric_no_memory(run);
    struct nday overall = {0};
    for (size_t i = 0; i < size; i++) {
        int back = (int)(i % COHORT_COUNTS) / AGE_CLASSES, age = (int)(i % AGE_CLASSES);
        nday_sum(&overall, back, age, counts[0][i]);
        nday_sum(&cohorts[i / COHORT_COUNTS], back, age, counts[0][i]);
    }
    nday_write_overall(run, &overall);
    for (uint32_t i = 0; i < run->month_count; i++)
        if (cohorts[i].customers > 0)
            nday_write_cohort(run, run->month_min + (int32_t)i, &cohorts[i]);
    return NULL;
}
