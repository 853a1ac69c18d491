/* rfm, concentration: customers by recency, frequency and amount. */
#include <string.h>

#include "engine/metric.h"

#define CUTS RFM_CUTS
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

#define CELLS ((SCORES + 1) * (SCORES + 1) * (SCORES + 1))

static size_t cell_of(int r, int f, int m)
{
    return ((size_t)r * (SCORES + 1) + (size_t)f) * (SCORES + 1) + (size_t)m;
}

/* The buyers side by side, in whatever order the threads met them. */
struct rfm {
    struct metric_run *run;
    uint16_t *last_days;
    uint32_t *orders;
    int64_t *amounts;
    atomic_size_t buyer_count;
    size_t n;           /* buyers, when all are met */
    struct ranks ranks; /* of the amounts */
    struct quantile cuts[DIMENSION_MAX][CUTS];
    uint8_t *day_scores, *order_scores; /* by last day, by orders */
    int64_t amount_cuts[CUTS];          /* a higher amount exceeds the cut */
    const int64_t *cells, *cell_amounts;
};

/* What one thread has met. */
struct rfm_share {
    struct rfm *rfm;
    int64_t *rank_counts;
    int64_t *day_counts;   /* buyers by days from their last purchase day to the last of any fact */
    int64_t *order_counts; /* buyers by orders */
    int64_t *cells, *cell_amounts;
    size_t from, to; /* buyers to look at once all are met */
};

static void rfm_add(struct seen *seen, void *arg)
{
    struct rfm_share *share = arg;
    struct rfm *rfm = share->rfm;
    struct seen_customer customers[ENGINE_BLOCK];
    size_t count = 0;
    seen_orders(seen);
    seen_customers(seen, customers);
    for (uint32_t slot = 0; slot < ENGINE_BLOCK; slot++)
        count += customers[slot].orders > 0;
    size_t at = atomic_fetch_add(&rfm->buyer_count, count);
    for (uint32_t slot = 0; slot < ENGINE_BLOCK; slot++) {
        const struct seen_customer *customer = &customers[slot];
        if (customer->orders == 0)
            continue;
        rfm->last_days[at] = customer->last_day;
        rfm->orders[at] = customer->orders;
        rfm->amounts[at++] = customer->amount;
        share->day_counts[seen->run->day_end - 1 - customer->last_day]++;
        share->order_counts[customer->orders]++;
        ranks_add(share->rank_counts, customer->amount);
    }
}

static void rfm_add_ranks(void *arg)
{
    struct rfm_share *share = arg;
    for (size_t i = share->from; i < share->to; i++)
        ranks_add_again(&share->rfm->ranks, share->rank_counts, share->rfm->amounts[i]);
}

static void find_amount_cuts(struct rfm *rfm, void *const *shares)
{
    size_t wanted[2 * CUTS];
    for (int cut = 0; cut < CUTS; cut++)
        quantile_ranks(rfm->n, cut + 1, CUTS + 1, &wanted[2 * cut]);
    ranks_look_for(rfm->run, &rfm->ranks, wanted);
    while (!ranks_are_found(&rfm->ranks)) {
        metric_on_threads(rfm->run, rfm_add_ranks, shares);
        ranks_narrow(rfm->run, &rfm->ranks);
    }
    const struct rank_search *found = rfm->ranks.searches;
    for (int cut = 0; cut < CUTS; cut++)
        rfm->cuts[DIMENSION_M][cut] =
            quantile_between(rfm->n, cut + 1, CUTS + 1, found[2 * cut].low, found[2 * cut + 1].low);
}

/* From the united counts of buyers by day and by orders. */
static void find_day_and_order_cuts(struct rfm *rfm, const struct rfm_share *counts)
{
    const struct metric_run *run = rfm->run;
    int64_t days_min = (int64_t)run->scope->as_of_day - engine_day((uint16_t)(run->day_end - 1));
    for (int cut = 0; cut < CUTS; cut++) {
        struct quantile *r = &rfm->cuts[DIMENSION_R][cut];
        *r = quantile_of_counts(counts->day_counts, rfm->n, cut + 1, CUTS + 1);
        r->low += days_min;
        r->high += days_min;
        rfm->cuts[DIMENSION_F][cut] =
            quantile_of_counts(counts->order_counts, rfm->n, cut + 1, CUTS + 1);
    }
}

/* How many of the cuts a value exceeds; see quantile_floor. */
static int exceeded(const int64_t floors[CUTS], int64_t value)
{
    int count = 0;
    for (int cut = 0; cut < CUTS; cut++)
        count += value > floors[cut];
    return count;
}

static int score(enum dimension dimension, int cuts_exceeded)
{
    return dimension == DIMENSION_R ? SCORES - cuts_exceeded : 1 + cuts_exceeded;
}

static void prepare_scores(struct rfm *rfm)
{
    const struct metric_run *run = rfm->run;
    int64_t floors[DIMENSION_MAX][CUTS];
    for (int dimension = 0; dimension < DIMENSION_MAX; dimension++)
        for (int cut = 0; cut < CUTS; cut++)
            floors[dimension][cut] = quantile_floor(rfm->cuts[dimension][cut]);
    for (uint32_t day = 0; day < run->day_end; day++) {
        int64_t days_since = (int64_t)run->scope->as_of_day - engine_day((uint16_t)day);
        rfm->day_scores[day] =
            (uint8_t)score(DIMENSION_R, exceeded(floors[DIMENSION_R], days_since));
    }
    for (uint32_t orders = 0; orders <= run->engine->orders_max; orders++)
        rfm->order_scores[orders] =
            (uint8_t)score(DIMENSION_F, exceeded(floors[DIMENSION_F], orders));
    memcpy(rfm->amount_cuts, floors[DIMENSION_M], sizeof(rfm->amount_cuts));
}

static void rfm_add_cells(void *arg)
{
    struct rfm_share *share = arg;
    const struct rfm *rfm = share->rfm;
    for (size_t i = share->from; i < share->to; i++) {
        int64_t amount = rfm->amounts[i];
        int cuts_exceeded = 0;
        for (int cut = 0; cut < CUTS; cut++)
            cuts_exceeded += amount > rfm->amount_cuts[cut];
        size_t cell = cell_of(rfm->day_scores[rfm->last_days[i]], rfm->order_scores[rfm->orders[i]],
                              score(DIMENSION_M, cuts_exceeded));
        share->cells[cell]++;
        sum_add(&share->cell_amounts[cell], amount);
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

static int64_t customers_with_score(const struct rfm *rfm, enum dimension dimension, int points)
{
    int64_t customers = 0;
    for (int a = 1; a <= SCORES; a++) {
        for (int b = 1; b <= SCORES; b++) {
            if (dimension == DIMENSION_R)
                customers += rfm->cells[cell_of(points, a, b)];
            else if (dimension == DIMENSION_F)
                customers += rfm->cells[cell_of(a, points, b)];
            else
                customers += rfm->cells[cell_of(a, b, points)];
        }
    }
    return customers;
}

static void write_scores(struct metric_run *run, const struct rfm *rfm)
{
    static const enum dimension by_name[] = {DIMENSION_F, DIMENSION_M, DIMENSION_R};
    for (int i = 0; i < DIMENSION_MAX; i++) {
        for (int points = 1; points <= SCORES; points++) {
            int64_t customers = customers_with_score(rfm, by_name[i], points);
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
                if (rfm->cells[cell_of(r, f, m)] == 0)
                    continue;
                struct cell *row = report_row(run->report, 2);
                row[0] = cell_i(r);
                row[1] = cell_i(f);
                row[2] = cell_i(m);
                row[3] = cell_i(rfm->cells[cell_of(r, f, m)]);
                row[4] = cell_i(rfm->cell_amounts[cell_of(r, f, m)]);
            }
        }
    }
}

/* Sums of each thread: by day, by orders, cells, their amounts. */
static ERR_RESULT rfm_prepare(struct rfm *rfm, struct rfm_share own[ENGINE_THREADS_MAX],
                              int64_t *sums[ENGINE_THREADS_MAX], size_t *size)
{
    struct metric_run *run = rfm->run;
    size_t customers = (size_t)run->engine->customer_count;
    size_t days = run->day_end, orders = (size_t)run->engine->orders_max + 1;
    rfm->last_days = metric_scratch(run, customers, sizeof(*rfm->last_days));
    rfm->orders = metric_scratch(run, customers, sizeof(*rfm->orders));
    rfm->amounts = metric_scratch(run, customers, sizeof(*rfm->amounts));
    rfm->day_scores = metric_scratch(run, days, sizeof(*rfm->day_scores));
    rfm->order_scores = metric_scratch(run, orders, sizeof(*rfm->order_scores));
    *size = days + orders + 2 * CELLS;
    if (!rfm->last_days || !rfm->orders || !rfm->amounts || !rfm->day_scores ||
        !rfm->order_scores || !ranks_begin(run, &rfm->ranks, 2 * CUTS) ||
        !metric_sums(run, *size, sums))
        return metric_no_memory(run);
    for (int i = 0; i < run->threads; i++)
        own[i] = (struct rfm_share){
            .rfm = rfm,
            .rank_counts = rfm->ranks.counts[i],
            .day_counts = sums[i],
            .order_counts = sums[i] + days,
            .cells = sums[i] + days + orders,
            .cell_amounts = sums[i] + days + orders + CELLS,
        };
    return NULL;
}

/* Meets the buyers and finds the cuts and scores. */
static ERR_RESULT rfm_find(struct rfm *rfm, struct rfm_share own[ENGINE_THREADS_MAX],
                           void *shares[ENGINE_THREADS_MAX], int64_t *sums[ENGINE_THREADS_MAX])
{
    struct metric_run *run = rfm->run;
    size_t size;
    TRY(rfm_prepare(rfm, own, sums, &size));
    for (int i = 0; i < run->threads; i++)
        shares[i] = &own[i];
    metric_walk(run, WALK_AMOUNTS, rfm_add, shares);
    rfm->n = rfm->buyer_count;
    for (int i = 0; i < run->threads; i++) {
        own[i].from = rfm->n * (size_t)i / (size_t)run->threads;
        own[i].to = rfm->n * (size_t)(i + 1) / (size_t)run->threads;
    }
    metric_unite(run, size - 2 * CELLS, sums);
    if (rfm->n == 0)
        return NULL;
    find_amount_cuts(rfm, shares);
    find_day_and_order_cuts(rfm, &own[0]);
    prepare_scores(rfm);
    return NULL;
}

ERR_RESULT metric_rfm_scores(struct metric_run *run, struct rfm_scores *scores)
{
    struct rfm rfm = {.run = run};
    struct rfm_share own[ENGINE_THREADS_MAX];
    void *shares[ENGINE_THREADS_MAX];
    int64_t *sums[ENGINE_THREADS_MAX];
    TRY(rfm_find(&rfm, own, shares, sums));
    *scores = (struct rfm_scores){.by_day = rfm.day_scores, .by_orders = rfm.order_scores};
    memcpy(scores->amount_cuts, rfm.amount_cuts, sizeof(scores->amount_cuts));
    return NULL;
}

ERR_RESULT metric_run_rfm(struct metric_run *run)
{
    struct rfm rfm = {.run = run};
    struct rfm_share own[ENGINE_THREADS_MAX];
    void *shares[ENGINE_THREADS_MAX];
    int64_t *sums[ENGINE_THREADS_MAX];
    TRY(rfm_find(&rfm, own, shares, sums));
    metric_on_threads(run, rfm_add_cells, shares);
    for (int i = 0; i < run->threads; i++)
        sums[i] = own[i].cells;
    metric_unite(run, 2 * CELLS, sums);
    rfm.cells = own[0].cells;
    rfm.cell_amounts = own[0].cell_amounts;
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

struct concentration_share {
    int64_t *amounts; /* of all buyers, in whatever order the threads met them */
    atomic_size_t *buyer_count;
    int64_t total;
};

static void concentration_add(struct seen *seen, void *arg)
{
    struct concentration_share *share = arg;
    struct seen_customer customers[ENGINE_BLOCK];
    int64_t amounts[ENGINE_BLOCK];
    size_t count = 0;
    seen_orders(seen);
    seen_customers(seen, customers);
    for (uint32_t slot = 0; slot < ENGINE_BLOCK; slot++) {
        if (customers[slot].orders == 0)
            continue;
        amounts[count++] = customers[slot].amount;
        sum_add(&share->total, customers[slot].amount);
    }
    size_t at = atomic_fetch_add(share->buyer_count, count);
    memcpy(&share->amounts[at], amounts, count * sizeof(*amounts));
}

ERR_RESULT metric_run_concentration(struct metric_run *run)
{
    size_t customer_count = (size_t)run->engine->customer_count;
    int64_t *amounts = metric_scratch(run, customer_count, sizeof(*amounts));
    int64_t *spare = metric_scratch(run, customer_count, sizeof(*spare));
    if (!amounts || !spare)
        return metric_no_memory(run);
    atomic_size_t buyer_count = 0;
    struct concentration_share own[ENGINE_THREADS_MAX];
    void *shares[ENGINE_THREADS_MAX];
    for (int i = 0; i < run->threads; i++) {
        own[i] = (struct concentration_share){amounts, &buyer_count, 0};
        shares[i] = &own[i];
    }
    metric_walk(run, WALK_AMOUNTS, concentration_add, shares);
    for (int i = 1; i < run->threads; i++)
        sum_add(&own[0].total, own[i].total);
    size_t n = buyer_count;
    if (!metric_sort_on_threads(run, amounts, spare, n))
        return metric_no_memory(run);
    write_top(run, amounts, n, own[0].total);
    write_gini(run, amounts, n, own[0].total);
    return NULL;
}
