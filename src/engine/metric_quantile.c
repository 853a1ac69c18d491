/* Quantiles by linear interpolation (Hyndman and Fan's type 7) of integers, exact; sorting. */
#include <string.h>

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

bool quantile_is_exceeded(struct quantile quantile, int64_t value)
{
    __int128 step = (__int128)quantile.high - quantile.low;
    return ((__int128)value - quantile.low) * quantile.parts > step * quantile.part;
}

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

/* By radix, least digit first; a digit that all values share is skipped. */
void metric_sort(int64_t *values, int64_t *spare, size_t n)
{
    if (n <= SORT_SMALL) {
        sort_by_insertion(values, n);
        return;
    }
    size_t counts[SORT_DIGITS][SORT_VALUES] = {{0}};
    for (size_t i = 0; i < n; i++)
        for (int digit = 0; digit < SORT_DIGITS; digit++)
            counts[digit][sort_digit(values[i], digit)]++;
    int64_t *from = values, *to = spare;
    for (int digit = 0; digit < SORT_DIGITS; digit++) {
        if (counts[digit][sort_digit(from[0], digit)] == n)
            continue;
        size_t begin[SORT_VALUES] = {0};
        for (int value = 1; value < SORT_VALUES; value++)
            begin[value] = begin[value - 1] + counts[digit][value - 1];
        for (size_t i = 0; i < n; i++)
            to[begin[sort_digit(from[i], digit)]++] = from[i];
        int64_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != values)
        memcpy(values, from, n * sizeof(*values));
}
