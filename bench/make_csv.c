/* link: base */
/* Writes parts of the workload as CSV:
 *
 *   make_csv orders CUSTOMERS SEED FIRST LAST    of the customers from FIRST to LAST - 1, by customer
 *   make_csv refunds CUSTOMERS SEED FIRST LAST   and time, for the peers that count
 *   make_csv export CUSTOMERS SEED ORDERS        the first ORDERS orders by time, as a shop exports
 *                                                them, one line each, for the peers that load
 *
 * In the first two a customer is its index, a day is counted from 1970-01-01, a month is year * 12 +
 * month - 1; an empty cell is a refund that never made the order whole. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "workload.h"

static int month_of(int32_t day)
{
    int year, month, day_of_month;
    day_to_civil(day, &year, &month, &day_of_month);
    return year * 12 + month - 1;
}

static void put_order(int64_t customer, const struct workload_order *order)
{
    printf("%" PRId64 ",%d,%d,%" PRId64 ",", customer, order->paid_day, month_of(order->paid_day),
           order->amount_minor);
    if (order->refunded_minor == order->amount_minor)
        printf("%d", order->refunded_day);
    printf(",%d,%d,%" PRId64 "\n", order->channel, order->product, order->top_line_minor);
}

static void put_refund(int64_t customer, const struct workload_order *order)
{
    if (order->refunded_minor > 0)
        printf("%" PRId64 ",%d,%d,%" PRId64 ",%d\n", customer, order->refunded_day,
               month_of(order->refunded_day), order->refunded_minor, order->channel);
}

static void put_range(const struct workload *workload, bool refunds, int64_t first, int64_t last)
{
    struct workload_order orders[WORKLOAD_ORDERS_MAX];
    puts(refunds ? "customer,day,month,amount,channel"
                 : "customer,day,month,amount,whole,channel,product,top_line");
    for (int64_t i = first; i < last; i++) {
        int count = workload_customer(workload, i, orders);
        for (int k = 0; k < count; k++)
            (refunds ? put_refund : put_order)(i, &orders[k]);
    }
}

/* An order of the export: when, and whose which. */
struct place {
    int64_t time_s, customer;
    int number;
};

static int compare_places(const void *left, const void *right)
{
    const struct place *a = left, *b = right;
    if (a->time_s != b->time_s)
        return a->time_s < b->time_s ? -1 : 1;
    if (a->customer != b->customer)
        return a->customer < b->customer ? -1 : 1;
    return a->number - b->number;
}

static int64_t list_places(const struct workload *workload, struct place *places)
{
    struct workload_order orders[WORKLOAD_ORDERS_MAX];
    int64_t n = 0;
    for (int64_t i = 0; i < workload->customer_count; i++) {
        int count = workload_customer(workload, i, orders);
        for (int k = 0; k < count; k++, n++)
            if (places)
                places[n] = (struct place){
                    orders[k].paid_day * INT64_C(86400) + orders[k].second_of_day, i, k};
    }
    return n;
}

static void put_export(const struct workload *workload, int64_t order_count)
{
    struct workload_order orders[WORKLOAD_ORDERS_MAX];
    int64_t n = list_places(workload, NULL);
    struct place *places = calloc((size_t)n + 1, sizeof(*places));
    if (!places || n < order_count) {
        fprintf(stderr, "make_csv: %" PRId64 " orders cannot be made of these customers\n", order_count);
        exit(1);
    }
    list_places(workload, places);
    qsort(places, (size_t)n, sizeof(*places), compare_places);
    puts("order,time,buyer,amount,channel,product");
    for (int64_t i = 0; i < order_count; i++) {
        workload_customer(workload, places[i].customer, orders);
        const struct workload_order *order = &orders[places[i].number];
        int year, month, day, second = order->second_of_day;
        day_to_civil(order->paid_day, &year, &month, &day);
        printf("%010" PRId64 ",%04d-%02d-%02d %02d:%02d:%02d,b%09" PRId64 ",%" PRId64 ".%02d,c%d,p%d\n", i,
               year, month, day, second / 3600, second / 60 % 60, second % 60, places[i].customer,
               order->amount_minor / 100, (int)(order->amount_minor % 100), order->channel,
               order->product);
    }
    free(places);
}

int main(int argc, char **argv)
{
    struct workload workload;
    static char buffer[1 << 20];
    if (argc < 5) {
        fprintf(stderr, "usage: make_csv orders|refunds CUSTOMERS SEED FIRST LAST\n"
                        "       make_csv export CUSTOMERS SEED ORDERS\n");
        return 2;
    }
    setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
    workload_init(&workload, strtoll(argv[2], NULL, 10), strtoull(argv[3], NULL, 10));
    if (strcmp(argv[1], "export") == 0)
        put_export(&workload, strtoll(argv[4], NULL, 10));
    else if (argc == 6)
        put_range(&workload, strcmp(argv[1], "refunds") == 0, strtoll(argv[4], NULL, 10),
                  strtoll(argv[5], NULL, 10));
    return fflush(stdout) == 0 ? 0 : 1;
}
