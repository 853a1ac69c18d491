/* The values at given ranks, by counting in rounds; see metric.h. */
#include <string.h>

#include "engine/metric.h"

#define NARROW_BITS 14 /* a round narrows a range to one part in 2^NARROW_BITS */
#define NARROW_PARTS ((size_t)1 << NARROW_BITS)
#define BUCKET_BITS 8 /* of a value's leading bits that tell its bucket */

bool ranks_begin(struct metric_run *run, struct ranks *ranks, int rank_count)
{
    CHECK(rank_count <= RANKS_MAX);
    size_t narrow = (size_t)rank_count * NARROW_PARTS;
    *ranks = (struct ranks){.count = rank_count};
    ranks->count_size = narrow > RANK_BUCKETS ? narrow : RANK_BUCKETS;
    ranks->is_wanted = metric_scratch(run, RANK_BUCKETS, sizeof(*ranks->is_wanted));
    return ranks->is_wanted && metric_sums(run, ranks->count_size, ranks->counts);
}

/* The range of values of a bucket. */
static struct rank_search bucket_range(uint32_t bucket)
{
    bool is_negative = bucket < RANK_BUCKETS / 2;
    uint32_t size_bucket = is_negative ? RANK_BUCKETS / 2 - 1 - bucket : bucket - RANK_BUCKETS / 2;
    struct rank_search range = {.low = size_bucket};
    if (size_bucket >= 1 << BUCKET_BITS) {
        range.bits = (int)(size_bucket >> BUCKET_BITS) - 1;
        range.low = (int64_t)((size_bucket & 255) + 256) << range.bits;
    }
    if (is_negative) /* ~size, the largest size being the lowest value */
        range.low = ~(range.low + ((INT64_C(1) << range.bits) - 1));
    return range;
}

/* Where the values of a range lie below the rank, and how many lie below that part. */
static size_t find_part(const int64_t *counts, uint64_t *rank)
{
    size_t part = 0;
    for (; *rank >= (uint64_t)counts[part]; part++)
        *rank -= (uint64_t)counts[part];
    return part;
}

static void clear_counts(const struct metric_run *run, const struct ranks *ranks, size_t count)
{
    for (int i = 0; i < run->threads; i++)
        memset(ranks->counts[i], 0, count * sizeof(*ranks->counts[i]));
}

void ranks_look_for(const struct metric_run *run, struct ranks *ranks, const size_t *wanted)
{
    int64_t *counts[ENGINE_THREADS_MAX];
    memcpy(counts, ranks->counts, sizeof(counts));
    metric_unite(run, RANK_BUCKETS, counts);
    for (int i = 0; i < ranks->count; i++) {
        uint64_t rank = wanted[i];
        size_t bucket = find_part(counts[0], &rank);
        ranks->searches[i] = bucket_range((uint32_t)bucket);
        ranks->searches[i].rank = rank;
        ranks->is_wanted[bucket] = 1;
    }
    clear_counts(run, ranks, RANK_BUCKETS);
    ranks->low = INT64_MAX;
    ranks->high = INT64_MIN;
    for (int i = 0; i < ranks->count; i++) {
        const struct rank_search *search = &ranks->searches[i];
        int64_t high = search->low + ((INT64_C(1) << search->bits) - 1);
        ranks->low = search->low < ranks->low ? search->low : ranks->low;
        ranks->high = high > ranks->high ? high : ranks->high;
    }
}

static int shift_of(const struct rank_search *search)
{
    return search->bits > NARROW_BITS ? search->bits - NARROW_BITS : 0;
}

void ranks_add_narrowing(const struct ranks *ranks, int64_t *counts, int64_t value)
{
    for (int i = 0; i < ranks->count; i++) {
        const struct rank_search *search = &ranks->searches[i];
        uint64_t above = (uint64_t)value - (uint64_t)search->low;
        if (search->bits > 0 && above >> search->bits == 0)
            counts[(size_t)i * NARROW_PARTS + (above >> shift_of(search))]++;
    }
}

void ranks_narrow(const struct metric_run *run, struct ranks *ranks)
{
    size_t size = (size_t)ranks->count * NARROW_PARTS;
    metric_unite(run, size, ranks->counts);
    for (int i = 0; i < ranks->count; i++) {
        struct rank_search *search = &ranks->searches[i];
        if (search->bits == 0)
            continue;
        size_t part = find_part(ranks->counts[0] + (size_t)i * NARROW_PARTS, &search->rank);
        int shift = shift_of(search);
        search->low += (int64_t)(part << shift);
        search->bits = shift;
    }
    if (!ranks_are_found(ranks))
        clear_counts(run, ranks, size);
}

bool ranks_are_found(const struct ranks *ranks)
{
    for (int i = 0; i < ranks->count; i++)
        if (ranks->searches[i].bits > 0)
            return false;
    return true;
}
