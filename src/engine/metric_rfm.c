/* rfm, concentration: customers by recency, frequency and amount. */
#include "engine/metric.h"

#define CUTS 4
#define SCORES 5

enum dimension { DIMENSION_R, DIMENSION_F, DIMENSION_M, DIMENSION_MAX };

static struct str dimension_name(enum dimension dimension)
{
    switch (dimension) {
    case DIMENSION_R:
        return STR("R");
    case DIMENSION_F:
        return STR("F");
    default:
        return STR("M");
    }
}

struct buyer {
    int64_t value[DIMENSION_MAX];
};
struct rfm {
    struct buyer *buyers;
    size_t n;
    struct quantile cuts[DIMENSION_MAX][CUTS];
    int64_t by_score[DIMENSION_MAX][SCORES + 1];
    int64_t cells[SCORES + 1][SCORES + 1][SCORES + 1];
    int64_t amounts[SCORES + 1][SCORES + 1][SCORES + 1];
};

static void find_cuts(struct rfm *rfm, int64_t *values, int64_t *spare)
{
    for (int dimension = 0; dimension < DIMENSION_MAX && rfm->n > 0; dimension++) {
        for (size_t i = 0; i < rfm->n; i++)
            values[i] = rfm->buyers[i].value[dimension];
        metric_sort(values, spare, rfm->n);
        for (int cut = 0; cut < CUTS; cut++)
            rfm->cuts[dimension][cut] = quantile_of_sorted(values, rfm->n, cut + 1, CUTS + 1);
    }
}

static int score(const struct rfm *rfm, const struct buyer *buyer, enum dimension dimension)
{
    int exceeded = 0;
    for (int cut = 0; cut < CUTS; cut++)
        exceeded += quantile_is_exceeded(rfm->cuts[dimension][cut], buyer->value[dimension]);
    return dimension == DIMENSION_R ? SCORES - exceeded : 1 + exceeded;
}

static void count_scores(struct rfm *rfm)
{
    for (size_t i = 0; i < rfm->n; i++) {
        const struct buyer *buyer = &rfm->buyers[i];
        int r = score(rfm, buyer, DIMENSION_R);
        int f = score(rfm, buyer, DIMENSION_F);
        int m = score(rfm, buyer, DIMENSION_M);
        rfm->by_score[DIMENSION_R][r]++;
        rfm->by_score[DIMENSION_F][f]++;
        rfm->by_score[DIMENSION_M][m]++;
        rfm->cells[r][f][m]++;
        sum_add(&rfm->amounts[r][f][m], buyer->value[DIMENSION_M]);
    }
}

static void write_thresholds(struct metric_run *run, const struct rfm *rfm)
{
    for (int dimension = 0; dimension < DIMENSION_MAX; dimension++) {
        double unit = 1;
        for (int i = 0; dimension == DIMENSION_M && i < run->scope->currency_digits; i++)
            unit *= 10;
        struct cell *row = report_row(run->report, 0);
        row[0] = cell_s(dimension_name(dimension));
        for (int cut = 0; cut < CUTS && rfm->n > 0; cut++)
            row[1 + cut] = cell_f(quantile_value(rfm->cuts[dimension][cut]) / unit);
    }
}

static void write_scores(struct metric_run *run, const struct rfm *rfm)
{
    static const enum dimension by_name[] = {DIMENSION_F, DIMENSION_M, DIMENSION_R};
    for (int i = 0; i < DIMENSION_MAX; i++) {
        for (int points = 1; points <= SCORES; points++) {
            int64_t customers = rfm->by_score[by_name[i]][points];
            if (customers == 0)
                continue;
            struct cell *row = report_row(run->report, 1);
            row[0] = cell_s(dimension_name(by_name[i]));
            row[1] = cell_i(points);
            row[2] = cell_i(customers);
        }
    }
}

static void write_cells(struct metric_run *run, const struct rfm *rfm)
{
    for (int r = 1; r <= SCORES; r++) {
        for (int f = 1; f <= SCORES; f++) {
            for (int m = 1; m <= SCORES; m++) {
                if (rfm->cells[r][f][m] == 0)
                    continue;
                struct cell *row = report_row(run->report, 2);
                row[0] = cell_i(r);
                row[1] = cell_i(f);
                row[2] = cell_i(m);
                row[3] = cell_i(rfm->cells[r][f][m]);
                row[4] = cell_i(rfm->amounts[r][f][m]);
            }
        }
    }
}

ERR_RESULT metric_run_rfm(struct metric_run *run)
{
    size_t customer_count = (size_t)run->engine->customer_count;
    struct rfm rfm = {.buyers = metric_scratch(run, customer_count, sizeof(*rfm.buyers))};
    int64_t *values = metric_scratch(run, customer_count, sizeof(*values));
    int64_t *spare = metric_scratch(run, customer_count, sizeof(*spare));
    if (!rfm.buyers || !values || !spare)
        return metric_no_memory(run);
    struct seen_customer customer;
    for (uint32_t at = 0; metric_next(run, &at, &customer);) {
        if (customer.to == customer.from)
            continue;
        int64_t *value = rfm.buyers[rfm.n++].value;
        value[DIMENSION_R] = (int64_t)run->scope->as_of_day - customer.days[customer.to - 1];
        value[DIMENSION_F] = seen_order_count(run, &customer);
        value[DIMENSION_M] = seen_amount(run, &customer);
    }
    find_cuts(&rfm, values, spare);
    count_scores(&rfm);
    write_thresholds(run, &rfm);
    write_scores(run, &rfm);
    write_cells(run, &rfm);
    return NULL;
}

/* --- concentration --- */

static const int top_percents[] = {1, 5, 10, 20, 50};

/* amounts: ascending. */
static void write_top(struct metric_run *run, const int64_t *amounts, size_t n, int64_t total)
{
    for (size_t i = 0; i < sizeof(top_percents) / sizeof(top_percents[0]); i++) {
        size_t top = (n * (size_t)top_percents[i] + 99) / 100;
        int64_t sum = 0;
        for (size_t k = 0; k < top; k++)
            sum_add(&sum, amounts[n - 1 - k]);
        struct cell *row = report_row(run->report, 0);
        row[0] = cell_ratio(top_percents[i], 100);
        row[1] = cell_i((int64_t)top);
        row[2] = cell_i(sum);
        row[3] = cell_ratio(sum, total);
    }
}

/* The formula of the definition over one denominator, so that equal amounts give exactly 0:
 * (2 Σ i·x(i) - (n + 1) Σ x) ÷ (n Σ x). */
static void write_gini(struct metric_run *run, const int64_t *amounts, size_t n, int64_t total)
{
    __int128 weighted = 0;
    for (size_t i = 0; i < n; i++)
        weighted += (__int128)(i + 1) * amounts[i];
    struct cell *row = report_row(run->report, 1);
    row[0] = cell_i((int64_t)n);
    row[1] = cell_i(total);
    if (total == 0)
        return;
    __int128 above = 2 * weighted - (__int128)(n + 1) * total, below = (__int128)n * total;
    row[2] = cell_f((double)above / (double)below);
}

ERR_RESULT metric_run_concentration(struct metric_run *run)
{
    size_t customer_count = (size_t)run->engine->customer_count, n = 0;
    int64_t *amounts = metric_scratch(run, customer_count, sizeof(*amounts));
    int64_t *spare = metric_scratch(run, customer_count, sizeof(*spare));
    if (!amounts || !spare)
        return metric_no_memory(run);
    int64_t total = 0;
    struct seen_customer customer;
    for (uint32_t at = 0; metric_next(run, &at, &customer);) {
        if (customer.to == customer.from)
            continue;
        amounts[n] = seen_amount(run, &customer);
        sum_add(&total, amounts[n++]);
    }
    metric_sort(amounts, spare, n);
    write_top(run, amounts, n, total);
    write_gini(run, amounts, n, total);
    return NULL;
}
