/* by-channel, by-first-product. */
#include <stdlib.h>

#include "engine/metric.h"

static int compare_i64(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

/* Ids grow with time: their order is the order of first meeting; 0, none named, comes first. */
struct channel {
    int64_t channel_id;
    int64_t paid_orders, orders, amount;
    int64_t customers, repeat_customers;
    uint32_t index;
    /* of the customer at hand: */
    uint32_t customer_at; /* 0: none yet */
    int32_t last_day;
    bool is_repeat;
};

static void channel_add_order(struct channel *channel, uint32_t customer_at,
                              const struct seen_order *order)
{
    channel->paid_orders++;
    sum_add(&channel->amount, order->amount);
    if (!order->counted)
        return;
    channel->orders++;
    if (channel->customer_at != customer_at) {
        channel->customer_at = customer_at;
        channel->last_day = order->day;
        channel->is_repeat = false;
        channel->customers++;
    }
    if (channel->last_day != order->day && !channel->is_repeat) {
        channel->is_repeat = true;
        channel->repeat_customers++;
    }
}

static void channel_add_customer(struct metric_run *run, struct channel *channels, uint32_t at,
                                 const struct seen_customer *customer)
{
    for (uint32_t i = 0; i < customer->order_count; i++) {
        struct seen_order order = seen_order(run, customer, i);
        if (order.looked_at)
            channel_add_order(&channels[order.channel], at, &order);
    }
    for (uint32_t i = 0; i < customer->refund_count && run->scope->net; i++) {
        struct seen_refund refund = seen_refund(run, customer, i);
        if (refund.looked_at)
            sum_add(&channels[refund.channel].amount, -refund.amount);
    }
}

static int compare_channels(const void *left, const void *right)
{
    const struct channel *a = left, *b = right;
    if (a->amount != b->amount)
        return compare_i64(b->amount, a->amount);
    return compare_i64(a->channel_id, b->channel_id);
}

/* A name, or an empty cell where there is none. */
static struct cell name_cell(struct metric_run *run, struct str name)
{
    return name.p ? cell_s(str_copy(run->arena, name)) : (struct cell){.null = true};
}

ERR_RESULT metric_run_by_channel(struct metric_run *run)
{
    uint32_t count = run->engine->channels.count;
    struct channel *channels = metric_scratch(run, count, sizeof(*channels));
    if (!channels)
        return metric_no_memory(run);
    for (uint32_t i = 0; i < count; i++) {
        channels[i].index = i;
        channels[i].channel_id = id_list_at(&run->engine->channels, i);
    }
    struct seen_customer customer;
    for (uint32_t at = 0; metric_next(run, &at, &customer);)
        channel_add_customer(run, channels, at, &customer);
    qsort(channels, count, sizeof(*channels), compare_channels);
    for (uint32_t i = 0; i < count; i++) {
        const struct channel *channel = &channels[i];
        if (channel->paid_orders == 0)
            continue;
        struct cell *row = report_row(run->report, 0);
        row[0] = name_cell(run, run->engine->channel_names[channel->index]);
        row[1] = cell_i(channel->customers);
        row[2] = cell_i(channel->orders);
        row[3] = cell_i(channel->amount);
        row[4] = cell_i(channel->repeat_customers);
        row[5] = cell_ratio(channel->repeat_customers, channel->customers);
    }
    return NULL;
}

/* --- by-first-product --- */

#define PRODUCT_WINDOW_DAYS 90

struct product {
    int64_t product_id;
    int64_t customers, repeat_customers;
    int64_t eligible, came_back, amount;
    uint32_t index;
};

static bool has_lines(const struct metric_run *run, const struct seen_order *order)
{
    return id_list_at(&run->engine->products, order->product) != 0 || order->top_line != 0;
}

/* The product of the largest line of the counted orders of the first purchase day; within a day
 * orders lie sorted by id, so that the earlier one wins among equals. */
static uint32_t first_product(const struct metric_run *run, const struct seen_customer *customer)
{
    struct seen_order best = {0};
    bool found = false;
    for (uint32_t i = 0; i < customer->order_count; i++) {
        struct seen_order order = seen_order(run, customer, i);
        if (order.day > customer->days[0])
            break;
        if (!order.counted)
            continue;
        bool is_better = !found || (has_lines(run, &order) &&
                                    (!has_lines(run, &best) || order.top_line > best.top_line));
        if (is_better)
            best = order;
        found = true;
    }
    CHECK(found);
    return best.product;
}

static void product_add(struct metric_run *run, struct product *product,
                        const struct seen_customer *customer)
{
    int32_t first_day = customer->days[0], second_day = seen_second_day(run, customer);
    bool came_back = second_day != DAY_NONE;
    bool eligible = first_day + PRODUCT_WINDOW_DAYS <= run->scope->to_day;
    product->customers++;
    product->repeat_customers += came_back;
    product->eligible += eligible;
    product->came_back += eligible && came_back && second_day - first_day <= PRODUCT_WINDOW_DAYS;
    sum_add(&product->amount, seen_amount(run, customer));
}

static int compare_products(const void *left, const void *right)
{
    const struct product *a = left, *b = right;
    if (a->customers != b->customers)
        return compare_i64(b->customers, a->customers);
    return compare_i64(a->product_id, b->product_id);
}

ERR_RESULT metric_run_by_first_product(struct metric_run *run)
{
    uint32_t count = run->engine->products.count;
    struct product *products = metric_scratch(run, count, sizeof(*products));
    if (!products)
        return metric_no_memory(run);
    for (uint32_t i = 0; i < count; i++) {
        products[i].index = i;
        products[i].product_id = id_list_at(&run->engine->products, i);
    }
    struct seen_customer customer;
    for (uint32_t at = 0; metric_next(run, &at, &customer);)
        if (seen_is_new(run, &customer))
            product_add(run, &products[first_product(run, &customer)], &customer);
    qsort(products, count, sizeof(*products), compare_products);
    for (uint32_t i = 0; i < count; i++) {
        const struct product *product = &products[i];
        if (product->customers == 0)
            continue;
        struct cell *row = report_row(run->report, 0);
        row[0] = name_cell(run, run->engine->product_codes[product->index]);
        row[1] = name_cell(run, run->engine->product_names[product->index]);
        row[2] = cell_i(product->customers);
        row[3] = cell_i(product->repeat_customers);
        row[4] = cell_ratio(product->repeat_customers, product->customers);
        row[5] = cell_i(product->eligible);
        row[6] = cell_i(product->came_back);
        row[7] = cell_ratio(product->came_back, product->eligible);
        row[8] = cell_i(product->amount);
    }
    return NULL;
}
