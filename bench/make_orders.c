/* Writes a CSV of generated orders for benchmarks: make_orders CUSTOMERS ORDERS SEED > orders.csv
 * Shape after the report workload (36 months, heavy-tailed order counts, 8 channels, 2,000 products), simplified to one
 * line an order. Sorted by nothing in particular, as an export is by time: orders come day by day. */
#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t state;

/* splitmix64 (Steele, Lea and Flood 2014) */
static uint64_t next(void)
{
    uint64_t z = (state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static double uniform(void)
{
    return (double)(next() >> 11) / 9007199254740992.0;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: make_orders CUSTOMERS ORDERS SEED > orders.csv\n");
        return 2;
    }
    int64_t customers = strtoll(argv[1], NULL, 10), orders = strtoll(argv[2], NULL, 10);
    state = strtoull(argv[3], NULL, 10);
    puts("order,time,buyer,amount,channel,product");
    for (int64_t i = 0; i < orders; i++) {
        /* A power of a uniform number makes few customers buy often and many seldom. */
        int64_t buyer = (int64_t)(pow(uniform(), 2.2) * (double)customers);
        int64_t day = i * 1080 / orders; /* 36 months of 30 days, in order of time */
        int month = (int)(day / 30), date = (int)(day % 30) + 1;
        if (month % 12 == 1 && date > 28)
            date = 28;
        int64_t amount = 100 + (int64_t)(-5000.0 * log(1.0 - uniform()));
        printf("%010" PRId64 ",%04d-%02d-%02d %02d:%02d:%02d,b%09" PRId64 ",%" PRId64 ".%02d,c%d,p%d\n", i,
               2021 + month / 12, month % 12 + 1, date, (int)(next() % 24), (int)(next() % 60),
               (int)(next() % 60), buyer, amount / 100, (int)(amount % 100), (int)(next() % 8),
               (int)(pow(uniform(), 3.0) * 2000));
    }
    return 0;
}
