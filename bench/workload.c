#include "workload.h"

#include <math.h>
#include <stdlib.h>

/* More than k orders have (1 + k / SCALE)^-SHAPE of those that have any (a Lomax distribution, cut
 * off at WORKLOAD_ORDERS_MAX): found by bisection to give 4.82 orders a customer with a fifth
 * having none. */
#define COUNT_SHAPE 1.7
#define COUNT_SCALE 3.977053841339928
#define SHARE_WITH_ORDERS 0.8

/* splitmix64 (Steele, Lea and Flood 2014) */
static uint64_t next(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* 0 … below - 1 (Lemire's multiplication; the bias is below 1 in 2^32). */
static uint32_t next_below(uint64_t *state, uint32_t below)
{
    return (uint32_t)(((next(state) >> 32) * below) >> 32);
}

static double next_uniform(uint64_t *state)
{
    return (double)(next(state) >> 11) / 9007199254740992.0;
}

void workload_init(struct workload *workload, int64_t customer_count, uint64_t seed)
{
    workload->customer_count = customer_count;
    workload->seed = seed;
    for (int k = 0; k < WORKLOAD_ORDERS_MAX; k++) {
        double share = SHARE_WITH_ORDERS * pow(1.0 + k / COUNT_SCALE, -COUNT_SHAPE);
        workload->count_bounds[k] = (uint32_t)(share * 4294967296.0);
    }
}

static int order_count(const struct workload *workload, uint32_t draw)
{
    int low = 0, high = WORKLOAD_ORDERS_MAX;
    while (low < high) { /* bounds descend: the first k that the draw is not below */
        int middle = (low + high) / 2;
        if (draw < workload->count_bounds[middle])
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int compare_times(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

/* Whoever buys often began early enough to have had the time. */
static void draw_times(uint64_t *state, int count, uint32_t times[WORKLOAD_ORDERS_MAX])
{
    int32_t busy = 2 * count;
    int32_t first = (int32_t)next_below(state, (uint32_t)(WORKLOAD_DAY_COUNT - busy + 1));
    uint32_t days = (uint32_t)(WORKLOAD_DAY_COUNT - first);
    for (int i = 0; i < count; i++)
        times[i] = ((uint32_t)first + next_below(state, days)) << 17 | next_below(state, 86400);
    qsort(times, (size_t)count, sizeof(*times), compare_times);
}

static void draw_refund(uint64_t *state, struct workload_order *order)
{
    uint32_t draw = next_below(state, 100);
    if (draw >= 2)
        return;
    order->refunded_day = order->paid_day + (int32_t)next_below(state, 31);
    order->refunded_minor = order->amount_minor;
    if (draw == 1)
        order->refunded_minor = 1 + next_below(state, (uint32_t)order->amount_minor - 1);
}

static int32_t draw_product(uint64_t *state)
{
    double u = next_uniform(state);
    return (int32_t)(u * u * u * WORKLOAD_PRODUCTS);
}

static void draw_order(uint64_t *state, struct workload_order *order)
{
    double u = next_uniform(state);
    order->amount_minor = 100 + (int64_t)(-5000.0 * log(1.0 - u));
    order->top_line_minor = order->amount_minor;
    order->product = order->product_2 = draw_product(state);
    if (next_below(state, 100) < 30) {
        int64_t rest = next_below(state, (uint32_t)order->amount_minor / 2);
        order->top_line_minor -= rest;
        order->product_2 = draw_product(state);
    }
    u = next_uniform(state);
    order->channel = (int32_t)(u * u * WORKLOAD_CHANNELS);
    draw_refund(state, order);
}

int workload_customer(const struct workload *workload, int64_t index,
                      struct workload_order orders[WORKLOAD_ORDERS_MAX])
{
    uint64_t state = workload->seed;
    state = next(&state) ^ (uint64_t)index;
    uint32_t times[WORKLOAD_ORDERS_MAX];
    int count = order_count(workload, (uint32_t)(next(&state) >> 32));
    if (count == 0)
        return 0;
    draw_times(&state, count, times);
    for (int i = 0; i < count; i++) {
        orders[i] = (struct workload_order){
            .order_id = workload_customer_id(index) + 1 + i,
            .paid_day = WORKLOAD_DAY_FIRST + (int32_t)(times[i] >> 17),
            .second_of_day = (int32_t)(times[i] & 0x1ffff),
        };
        draw_order(&state, &orders[i]);
    }
    return count;
}
