/* Sorting of integers, on one thread and on several. */
#include <string.h>

#include "engine/metric.h"

#define SORT_SMALL 32
#define SORT_DIGITS 8
#define SORT_VALUES 256

/* The digit of a value, ascending also for negative ones. */
static unsigned sort_digit(int64_t value, int digit)
{
    uint64_t key = (uint64_t)value ^ (UINT64_C(1) << 63);
    return (unsigned)(key >> (8 * digit)) & (SORT_VALUES - 1);
}

static void sort_by_insertion(int64_t *values, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        int64_t value = values[i];
        size_t at = i;
        for (; at > 0 && values[at - 1] > value; at--)
            values[at] = values[at - 1];
        values[at] = value;
    }
}

static void sort_by_digit(const int64_t *from, int64_t *to, size_t n, int digit)
{
    size_t begin[SORT_VALUES + 1] = {0};
    for (size_t i = 0; i < n; i++)
        begin[sort_digit(from[i], digit) + 1]++;
    for (int value = 1; value < SORT_VALUES; value++)
        begin[value] += begin[value - 1];
    for (size_t i = 0; i < n; i++)
        to[begin[sort_digit(from[i], digit)]++] = from[i];
}

/* By radix, least digit first; a digit that all values share is skipped. */
void metric_sort(int64_t *values, int64_t *spare, size_t n)
{
    if (n <= SORT_SMALL) {
        sort_by_insertion(values, n);
        return;
    }
    uint64_t differing = 0;
    for (size_t i = 1; i < n; i++)
        differing |= (uint64_t)(values[i] ^ values[0]);
    int64_t *from = values, *to = spare;
    for (int digit = 0; digit < SORT_DIGITS; digit++) {
        if ((differing >> (8 * digit) & (SORT_VALUES - 1)) == 0)
            continue;
        sort_by_digit(from, to, n, digit);
        int64_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != values)
        memcpy(values, from, n * sizeof(*values));
}

/* --- On several threads: values go to the buckets of ranks, each of which is then sorted --- */

struct sort_share {
    int64_t *values, *spare;
    size_t from, to;             /* values to count and to place */
    int64_t *places;             /* by bucket: first how many values, then where the next goes */
    const int64_t *bucket_begin; /* RANK_BUCKETS + 1, when all is placed */
    uint32_t first_bucket, behind_buckets; /* to sort */
};

static void count_buckets(void *arg)
{
    struct sort_share *share = arg;
    for (size_t i = share->from; i < share->to; i++)
        share->places[rank_bucket(share->values[i])]++;
}

static void place_values(void *arg)
{
    struct sort_share *share = arg;
    for (size_t i = share->from; i < share->to; i++)
        share->spare[share->places[rank_bucket(share->values[i])]++] = share->values[i];
}

static void sort_buckets(void *arg)
{
    struct sort_share *share = arg;
    for (uint32_t bucket = share->first_bucket; bucket < share->behind_buckets; bucket++) {
        size_t begin = (size_t)share->bucket_begin[bucket];
        size_t n = (size_t)share->bucket_begin[bucket + 1] - begin;
        metric_sort(share->spare + begin, share->values + begin, n);
        memcpy(share->values + begin, share->spare + begin, n * sizeof(*share->values));
    }
}

/* Turns counts into places; in a bucket the values of a thread come behind those of the threads
 * before it. */
static void find_places(const struct metric_run *run, struct sort_share *shares,
                        int64_t *bucket_begin)
{
    int64_t at = 0;
    for (uint32_t bucket = 0; bucket < RANK_BUCKETS; bucket++) {
        bucket_begin[bucket] = at;
        for (int i = 0; i < run->threads; i++) {
            int64_t count = shares[i].places[bucket];
            shares[i].places[bucket] = at;
            at += count;
        }
    }
    bucket_begin[RANK_BUCKETS] = at;
}

bool metric_sort_on_threads(struct metric_run *run, int64_t *values, int64_t *spare, size_t n)
{
    int64_t *places[ENGINE_THREADS_MAX];
    int64_t *bucket_begin = metric_scratch(run, RANK_BUCKETS + 1, sizeof(*bucket_begin));
    if (!bucket_begin || !metric_sums(run, RANK_BUCKETS, places))
        return false;
    struct sort_share own[ENGINE_THREADS_MAX];
    void *shares[ENGINE_THREADS_MAX];
    size_t threads = (size_t)run->threads;
    for (size_t i = 0; i < threads; i++) {
        own[i] = (struct sort_share){.values = values,
                                     .spare = spare,
                                     .from = n * i / threads,
                                     .to = n * (i + 1) / threads,
                                     .places = places[i],
                                     .bucket_begin = bucket_begin};
        shares[i] = &own[i];
    }
    metric_on_threads(run, count_buckets, shares);
    find_places(run, own, bucket_begin);
    metric_on_threads(run, place_values, shares);
    uint32_t bucket = 0;
    for (size_t i = 0; i < threads; i++) {
        own[i].first_bucket = bucket;
        while (bucket < RANK_BUCKETS && (size_t)bucket_begin[bucket] < own[i].to)
            bucket++;
        own[i].behind_buckets = i + 1 < threads ? bucket : RANK_BUCKETS;
    }
    metric_on_threads(run, sort_buckets, shares);
    return true;
}
