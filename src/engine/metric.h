/* Inside the engine: the metrics' columns functions, and what they have in common: memory, the walk
 * over all customers on several threads, block by block, as a scope sees them; exact quantiles. A
 * columns function adds its rows to run->report. Section numbers are those of engine/metric.c.
 *
 * A walk calls a metric's function for every block with what the scope shows of it (struct seen)
 * and with the thread's own share of the sums. Shares are united after the walk; they hold integers
 * only, so that the answer does not depend on who counted what. */
#ifndef HUITOU_ENGINE_METRIC_H
#define HUITOU_ENGINE_METRIC_H

#include <stdatomic.h>

#include "engine/engine_internal.h"

#define METRIC_SCRATCH_MAX 128

/* One report being made. The engine's read lock is held. */
struct metric_run {
    struct arena *arena;
    const struct engine *engine;
    const struct report_scope *scope;
    struct report *report;
    int threads;
    /* The scope in days of the engine: known are the days before known_end, looked at are those
     * from `from` to before to_end. */
    uint16_t known_end, from, to_end;
    uint32_t day_end;   /* no order or refund lies on it or later … */
    uint32_t day_count; /* … or more days than this before it */
    int32_t month_min;
    uint32_t month_count;
    uint16_t *month_of; /* by day: month - month_min */
    struct seen *seen[ENGINE_THREADS_MAX];
    void *scratch[METRIC_SCRATCH_MAX];
    int scratch_count;
};

/* Zeroed memory until the report is done, not from the report's arena. NULL where there is none:
 * then return metric_no_memory(run). */
void *metric_scratch(struct metric_run *run, size_t count, size_t size);
ERR_RESULT metric_no_memory(struct metric_run *run);
/* For what is no report: days and memory of the threads, before a walk; and giving all memory back. The
 * engine's read lock is held from before the one to behind the other. */
ERR_RESULT metric_prepare(struct metric_run *run);
void metric_end(struct metric_run *run);

/* --- The walk --- */

/* A customer as the days looked at show them. */
struct seen_customer {
    int64_t amount;         /* M of R/F/M: paid for all orders; net: less all refunds */
    uint32_t orders, days;  /* purchase orders, and their days */
    uint16_t last_day;      /* ENGINE_DAY_NONE where there is none */
};
/* A block of customers as the scope sees it. What a metric needs it asks for by the functions
 * below, before it reads it. Orders are met in the order of days, whoever's they are: those looked
 * at lie side by side in by_day, and a loop over them costs what lies in the window. A customer's
 * own orders come ascending, so that an array by slot can tell what the customer's last one was. */
struct seen {
    const struct metric_run *run;
    const struct block *block;
    uint32_t index; /* of the block's first customer */
    uint32_t row_count;
    const uint32_t *by_day;     /* the block's rows (entry_row, entry_slot), from the earliest … */
    const uint32_t *from, *end; /* … of which these, from … end - 1, are looked at */
    const uint8_t *is_counted;  /* by row: not wholly refunded by the as-of date */
    /* By slot: the first and second purchase day ever; ENGINE_DAY_NONE where there is none. */
    uint16_t first_day[ENGINE_BLOCK], second_day[ENGINE_BLOCK];
    /* Memory of the thread, for engine->block_rows_max rows, and for every day: */
    uint32_t *by_day_space, *place_space;
    uint8_t *is_counted_space;
};
void seen_is_counted(struct seen *seen);
void seen_orders(struct seen *seen); /* by_day, from, to, and is_counted */
void seen_first_two_days(struct seen *seen);
/* After seen_orders. */
void seen_customers(const struct seen *seen, struct seen_customer customers[ENGINE_BLOCK]);

/* What stands in by_day. */
static inline uint32_t entry_row(uint32_t entry)
{
    return entry >> ENGINE_BLOCK_BITS;
}
static inline uint32_t entry_slot(uint32_t entry)
{
    return entry & (ENGINE_BLOCK - 1);
}
static inline int64_t seen_customer_id(const struct seen *seen, uint32_t slot)
{
    return id_list_at(&seen->run->engine->customer_ids, seen->index + slot);
}
static inline bool seen_looked_at(const struct seen *seen, uint16_t day)
{
    return day >= seen->run->from && day < seen->run->to_end;
}

/* What a walk is about. It passes over blocks without orders or refunds looked at; WALK_KNOWN:
 * without orders before the as-of date; WALK_EVERYBODY: over none. Columns that are named here are asked for in advance. */
enum {
    WALK_LOOKED_AT = 0,
    WALK_KNOWN = 1,
    WALK_FIRST_DAYS = 2,
    WALK_AMOUNTS = 4,
    WALK_CHANNELS = 8,
    WALK_EVERYBODY = 16,
    WALK_IDS = 32
};
typedef void metric_block_fn(struct seen *seen, void *share);
/* Calls the function for every block; shares: one for each of run->threads. */
void metric_walk(struct metric_run *run, unsigned about, metric_block_fn *function,
                 void *const *shares);
/* Calls the function once on each thread; arg is that thread's of args. */
typedef void metric_thread_fn(void *arg);
void metric_on_threads(const struct metric_run *run, metric_thread_fn *function, void *const *args);

/* Arrays of sums, one for each thread: zeroed; false where there is no memory. */
bool metric_sums(struct metric_run *run, size_t count, int64_t *sums[ENGINE_THREADS_MAX]);
/* Adds the other threads' to the first one's. */
void metric_unite(const struct metric_run *run, size_t count, int64_t *sums[ENGINE_THREADS_MAX]);

/* Adds to a sum; a sum beyond 64 bits stops the process. */
static inline void sum_add(int64_t *sum, int64_t amount)
{
    CHECK(add_i64(*sum, amount, sum));
}

/* --- Quantiles (type 7), exact: low + (high - low) * part / parts --- */

struct quantile {
    int64_t low, high, part, parts;
};
/* Of n > 0 ascending values, at numerator/denominator. */
struct quantile quantile_of_sorted(const int64_t *values, size_t n, int numerator, int denominator);
/* Of the values 0, 1, 2 …, each occurring counts[value] times; together n > 0. */
struct quantile quantile_of_counts(const int64_t *counts, size_t n, int numerator, int denominator);
double quantile_value(struct quantile quantile);
bool quantile_is_exceeded(struct quantile quantile, int64_t value); /* value > quantile, exactly */
/* The integer part: an integer exceeds the quantile exactly where it exceeds this. */
int64_t quantile_floor(struct quantile quantile);
/* Ascending. spare: room for n values. */
void metric_sort(int64_t *values, int64_t *spare, size_t n);

/* The same, each thread sorting its part; false where there is no memory. */
bool metric_sort_on_threads(struct metric_run *run, int64_t *values, int64_t *spare, size_t n);

/* Quantiles of many values that are met several times, in any order and on several threads, without
 * keeping them: each round counts the values by ranges and narrows those that hold the ranks looked
 * for, until they are single values. Two rounds do for values below 2^23, five for any. Memory: 128
 * KiB a thread and rank, at least 224 KiB a thread. */
#define RANKS_MAX 8
#define RANK_BUCKETS 28672 /* of the first round: 256 for each power of 2, both signs */
struct rank_search {
    uint64_t rank; /* of the value in its range */
    int64_t low;   /* the range: low … low + 2^bits - 1 */
    int bits;
};
struct ranks {
    struct rank_search searches[RANKS_MAX];
    int count;
    int64_t low, high;  /* after the first round: no range looked at lies outside */
    uint8_t *is_wanted; /* by bucket: it holds a rank */
    int64_t *counts[ENGINE_THREADS_MAX];
    size_t count_size;
};
/* False where there is no memory. */
bool ranks_begin(struct metric_run *run, struct ranks *ranks, int rank_count);
/* After the first round, when the number of values is known: the ranks (from 0) to look for. */
void ranks_look_for(const struct metric_run *run, struct ranks *ranks, const size_t *wanted);
/* After each later round. */
void ranks_narrow(const struct metric_run *run, struct ranks *ranks);
bool ranks_are_found(const struct ranks *ranks); /* their values: searches[i].low */

static inline uint32_t rank_bucket(int64_t value)
{
    uint64_t size = value < 0 ? ~(uint64_t)value : (uint64_t)value;
    uint32_t bucket = (uint32_t)size;
    if (size >= 256) {
        uint32_t exponent = 63 - (uint32_t)__builtin_clzll(size);
        bucket = (exponent - 7) * 256 + (uint32_t)((size >> (exponent - 8)) & 255);
    }
    return value < 0 ? RANK_BUCKETS / 2 - 1 - bucket : RANK_BUCKETS / 2 + bucket;
}
void ranks_add_narrowing(const struct ranks *ranks, int64_t *counts, int64_t value);
/* One value, into the counts of the thread: in the first round … */
static inline void ranks_add(int64_t *counts, int64_t value)
{
    counts[rank_bucket(value)]++;
}
/* … and in each later one. */
static inline void ranks_add_again(const struct ranks *ranks, int64_t *counts, int64_t value)
{
    if (value >= ranks->low && value <= ranks->high && ranks->is_wanted[rank_bucket(value)])
        ranks_add_narrowing(ranks, counts, value);
}

/* The ranks that a quantile of n values lies between, and the quantile when their values are known.
 */
void quantile_ranks(size_t n, int numerator, int denominator, size_t ranks[2]);
struct quantile quantile_between(size_t n, int numerator, int denominator, int64_t low,
                                 int64_t high);

/* --- What selections ask as the reports do --- */

#define RFM_CUTS 4
/* R/F/M of everybody with a purchase day looked at (metric_rfm.c); the memory is the run's. */
struct rfm_scores {
    const uint8_t *by_day;    /* R, by last purchase day looked at */
    const uint8_t *by_orders; /* F, by counted orders */
    int64_t amount_cuts[RFM_CUTS]; /* M: 1 + the number of them that the amount is above */
};
ERR_RESULT metric_rfm_scores(struct metric_run *run, struct rfm_scores *scores);
static inline int rfm_amount_score(const struct rfm_scores *scores, int64_t amount)
{
    int score = 1;
    for (int cut = 0; cut < RFM_CUTS; cut++)
        score += amount > scores->amount_cuts[cut];
    return score;
}

#define PURCHASE_NUMBER_MAX 11 /* stands for itself and all later (metric_rhythm.c) */
enum overdue_basis { OVERDUE_BY_OWN, OVERDUE_BY_BRAND, OVERDUE_BY_NONE, OVERDUE_BASIS_MAX };
/* Who is late, against what; last_day ENGINE_DAY_NONE: no purchase day looked at. */
struct overdue_verdict {
    enum overdue_basis basis;
    bool is_overdue;
    double limit_days;
    uint32_t purchase_number; /* of the last day looked at, from the first ever; at most PURCHASE_NUMBER_MAX */
    uint32_t purchase_days;
    uint16_t last_day;
};
/* Memory of one thread to judge with. */
struct overdue_judge {
    const struct quantile *limits; /* the brand's, by purchase number; parts 0: none */
    const struct quantile *medians; /* likewise, of the same gaps */
    int64_t *gap_counts;           /* summed up already: nobody reads them any more */
    int64_t *gaps, *spare;         /* a customer's own */
};
/* Walks once, for the brand's limits. */
ERR_RESULT overdue_judges(struct metric_run *run, struct overdue_judge judges[ENGINE_THREADS_MAX]);
/* By slot. Asks for the block's orders itself. */
void overdue_judge_block(struct seen *seen, const struct overdue_judge *judge,
                         struct overdue_verdict verdicts[ENGINE_BLOCK]);

/* A customer's own gaps between purchase days looked at, ascending, into judge->gaps; how many. After seen_orders. */
size_t rhythm_own_gaps(const struct overdue_judge *judge, const struct seen *seen, uint32_t slot);

/* The index of the product of the largest line of the first purchase day ever; after seen_is_counted and for who
 * has such a day (metric_group.c). */
uint32_t metric_first_product(const struct seen *seen, uint32_t slot);

/* --- The columns functions --- */

ERR_RESULT metric_run_totals(struct metric_run *run);
ERR_RESULT metric_run_repurchase(struct metric_run *run);
ERR_RESULT metric_run_frequency(struct metric_run *run);
ERR_RESULT metric_run_monthly(struct metric_run *run);
ERR_RESULT metric_run_nday(struct metric_run *run);
ERR_RESULT metric_run_cohorts(struct metric_run *run);
ERR_RESULT metric_run_cohort_revenue(struct metric_run *run);
ERR_RESULT metric_run_rhythm(struct metric_run *run);
ERR_RESULT metric_run_overdue(struct metric_run *run);
ERR_RESULT metric_run_second_purchase(struct metric_run *run);
ERR_RESULT metric_run_rfm(struct metric_run *run);
ERR_RESULT metric_run_concentration(struct metric_run *run);
ERR_RESULT metric_run_by_channel(struct metric_run *run);
ERR_RESULT metric_run_by_first_product(struct metric_run *run);

#endif
