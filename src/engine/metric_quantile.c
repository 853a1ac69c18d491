/* Quantiles by linear interpolation (Hyndman and Fan's type 7) of integers, exact. */
#include "engine/metric.h"

/* h = (n - 1) * numerator / denominator: rank and the part of a step behind it. */
static size_t quantile_rank(size_t n, int numerator, int denominator, int64_t *part)
{
    CHECK(n > 0 && numerator >= 0 && numerator <= denominator);
    uint64_t h = (uint64_t)(n - 1) * (uint64_t)numerator;
    *part = (int64_t)(h % (uint64_t)denominator);
    return (size_t)(h / (uint64_t)denominator);
}

struct quantile quantile_of_sorted(const int64_t *values, size_t n, int numerator, int denominator)
{
    struct quantile quantile = {.parts = denominator};
    size_t rank = quantile_rank(n, numerator, denominator, &quantile.part);
    quantile.low = values[rank];
    quantile.high = values[rank + 1 < n ? rank + 1 : rank];
    return quantile;
}

struct quantile quantile_of_counts(const int64_t *counts, size_t n, int numerator, int denominator)
{
    struct quantile quantile = {.parts = denominator};
    size_t rank = quantile_rank(n, numerator, denominator, &quantile.part);
    size_t high_rank = rank + 1 < n ? rank + 1 : rank;
    size_t below = 0;
    int64_t value = 0;
    for (; below + (size_t)counts[value] <= rank; value++)
        below += (size_t)counts[value];
    quantile.low = value;
    for (; below + (size_t)counts[value] <= high_rank; value++)
        below += (size_t)counts[value];
    quantile.high = value;
    return quantile;
}

double quantile_value(struct quantile quantile)
{
    __int128 step = (__int128)quantile.high - quantile.low;
    return (double)quantile.low + (double)(step * quantile.part) / (double)quantile.parts;
}

int64_t quantile_floor(struct quantile quantile)
{
    __int128 step = (__int128)quantile.high - quantile.low;
    return quantile.low + (int64_t)(step * quantile.part / quantile.parts);
}

bool quantile_is_exceeded(struct quantile quantile, int64_t value)
{
    return value > quantile_floor(quantile);
}

void quantile_ranks(size_t n, int numerator, int denominator, size_t ranks[2])
{
    int64_t part;
    ranks[0] = quantile_rank(n, numerator, denominator, &part);
    ranks[1] = ranks[0] + 1 < n ? ranks[0] + 1 : ranks[0];
}

struct quantile quantile_between(size_t n, int numerator, int denominator, int64_t low,
                                 int64_t high)
{
    struct quantile quantile = {.low = low, .high = high, .parts = denominator};
    quantile_rank(n, numerator, denominator, &quantile.part);
    return quantile;
}
