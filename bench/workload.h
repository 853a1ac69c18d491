/* The workload that the benches measure on, the same bytes for every program and peer: after "The report workload" of
 * facts/measured.md. Of 10 million customers a fifth has no orders, the others 6.02 on average and at most 500, heavy-
 * tailed; 36 months of 30 days; 8 channels and 2,000 products, some much commoner than others; 2 of 100 orders are
 * refunded, half of these wholly. Tags, cities and agents are left out: no report reads them.
 *
 * Made by customer, from the seed and the customer's index alone, so that threads can share the customers out. */
#ifndef HUITOU_BENCH_WORKLOAD_H
#define HUITOU_BENCH_WORKLOAD_H

#include <stdint.h>

#define WORKLOAD_ORDERS_MAX 500 /* of one customer */
#define WORKLOAD_DAY_FIRST 18628 /* 2021-01-01 */
#define WORKLOAD_DAY_COUNT 1080  /* orders are paid on these days; refunds come up to 30 days later */
#define WORKLOAD_CHANNELS 8
#define WORKLOAD_PRODUCTS 2000

struct workload {
    int64_t customer_count;
    uint64_t seed;
    uint32_t count_bounds[WORKLOAD_ORDERS_MAX]; /* [k]: how many of 2^32 customers have more than k orders */
};

struct workload_order {
    int64_t order_id;
    int32_t paid_day;          /* days since 1970-01-01 */
    int32_t second_of_day;     /* 0 … 86399, by the brand's clock */
    int64_t amount_minor;      /* at least 100 */
    int64_t top_line_minor;    /* of its largest line; where less than the amount, a second line has the rest */
    int32_t product, product_2; /* 0 … WORKLOAD_PRODUCTS - 1, of the first and the second line */
    int32_t channel;           /* 0 … WORKLOAD_CHANNELS - 1 */
    int64_t refunded_minor;    /* 0: never refunded; the amount: wholly */
    int32_t refunded_day;      /* where refunded */
};

void workload_init(struct workload *workload, int64_t customer_count, uint64_t seed);
/* The orders of the customer at index (0 … customer_count - 1), by time; returns how many. */
int workload_customer(const struct workload *workload, int64_t index, struct workload_order orders[WORKLOAD_ORDERS_MAX]);

/* Ids as large as real ones (58 bits), ascending by index; an order's follow its customer's. */
#define WORKLOAD_ID_FIRST (INT64_C(90000000000) << 22)
static inline int64_t workload_customer_id(int64_t index)
{
    return WORKLOAD_ID_FIRST + (index + 16) * 1024;
}
static inline int64_t workload_channel_id(int32_t channel)
{
    return WORKLOAD_ID_FIRST + channel;
}
static inline int64_t workload_product_id(int32_t product)
{
    return WORKLOAD_ID_FIRST + 1024 + product;
}

#endif
