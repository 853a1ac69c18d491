/* by-channel, by-first-product. */
#include <stdlib.h>

#include "engine/metric.h"

static int compare_i64(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

/* --- by-channel --- */

/* The sums of one channel. Customers and repeat customers share a sum, the latter times
 * REPEAT_UNIT: an engine holds fewer customers than that. */
enum { REFUNDED_ORDERS, ORDERS, AMOUNT, CUSTOMERS, CHANNEL_SUMS };
#define REPEAT_UNIT (INT64_C(1) << 32)

/* What one thread has met. A channel remembers of each slot the customer that it met there last:
 * the index, the first day, and whether the customer has come on another day since. */
struct channel_share {
    int64_t *sums;  /* CHANNEL_SUMS for each channel */
    int64_t *lasts; /* by channel, then slot: (index + 1) << 17 | day << 1 | has come again */
};

/* The column that is not the block's is NULL. */
static uint32_t channel_at(const uint8_t *narrow, const uint16_t *wide, uint32_t row)
{
    return narrow ? narrow[row] : wide[row];
}

static void channel_add_orders(const struct seen *seen, const struct channel_share *share)
{
    const struct block *block = seen->block;
    const uint8_t *narrow = block->channel_bytes == 1 ? block->channel : NULL;
    const uint16_t *wide = block->channel_bytes == 2 ? block->channel : NULL;
    const uint16_t *day = block->day;
    const uint8_t *is_counted = seen->is_counted;
    int64_t *lasts = share->lasts, *all_sums = share->sums;
    for (const uint32_t *at = seen->from, *end = seen->end; at < end; at++) {
        uint32_t row = entry_row(*at), slot = entry_slot(*at);
        uint32_t channel = channel_at(narrow, wide, row);
        int64_t *sums = &all_sums[(size_t)channel * CHANNEL_SUMS];
        sum_add(&sums[AMOUNT], block_amount(block, row));
        if (!is_counted[row]) {
            sums[REFUNDED_ORDERS]++;
            continue;
        }
        sums[ORDERS]++;
        int64_t *last = &lasts[(size_t)channel * ENGINE_BLOCK + slot];
        int64_t customer = (int64_t)seen->index + slot + 1;
        int64_t now = customer << 17 | (int64_t)day[row] << 1;
        /* Without branches: whether a channel is new to a customer cannot be foreseen. */
        int64_t is_known = *last >> 17 == customer;
        int64_t comes_again = is_known & ~*last & (*last != now);
        sums[CUSTOMERS] += (1 - is_known) + comes_again * REPEAT_UNIT;
        *last = (now & (is_known - 1)) | ((*last | comes_again) & -is_known);
    }
}

static void channel_add(struct seen *seen, void *arg)
{
    const struct channel_share *share = arg;
    seen_orders(seen);
    channel_add_orders(seen, share);
    for (size_t i = 0; i < seen->block->refund_count && seen->run->scope->net; i++) {
        const struct refund *refund = &seen->block->refunds[i];
        if (seen_looked_at(seen, refund->day))
            sum_add(&share->sums[(size_t)refund->channel * CHANNEL_SUMS + AMOUNT], -refund->amount);
    }
}

struct channel {
    struct str name; /* absent: none named */
    const int64_t *sums;
};

static int compare_channels(const void *left, const void *right)
{
    const struct channel *a = left, *b = right;
    if (a->sums[AMOUNT] != b->sums[AMOUNT])
        return compare_i64(b->sums[AMOUNT], a->sums[AMOUNT]);
    return str_cmp(a->name, b->name);
}

/* A name, or an empty cell where there is none. */
static struct cell name_cell(struct metric_run *run, struct str name)
{
    return name.p ? cell_s(str_copy(run->arena, name)) : (struct cell){.null = true};
}

ERR_RESULT metric_run_by_channel(struct metric_run *run)
{
    uint32_t count = run->engine->channels.count;
    size_t size = (size_t)count * CHANNEL_SUMS;
    int64_t *sums[ENGINE_THREADS_MAX], *lasts[ENGINE_THREADS_MAX];
    struct channel *channels = metric_scratch(run, count, sizeof(*channels));
    if (!channels || !metric_sums(run, size, sums) ||
        !metric_sums(run, (size_t)count * ENGINE_BLOCK, lasts))
        return metric_no_memory(run);
    struct channel_share own[ENGINE_THREADS_MAX];
    void *shares[ENGINE_THREADS_MAX];
    for (int i = 0; i < run->threads; i++) {
        own[i] = (struct channel_share){sums[i], lasts[i]};
        shares[i] = &own[i];
    }
    metric_walk(run, WALK_AMOUNTS | WALK_CHANNELS, channel_add, shares);
    metric_unite(run, size, sums);
    for (uint32_t i = 0; i < count; i++)
        channels[i] = (struct channel){
            .name = run->engine->channel_names[i],
            .sums = sums[0] + (size_t)i * CHANNEL_SUMS,
        };
    qsort(channels, count, sizeof(*channels), compare_channels);
    for (uint32_t i = 0; i < count; i++) {
        const struct channel *channel = &channels[i];
        if (channel->sums[ORDERS] + channel->sums[REFUNDED_ORDERS] == 0)
            continue;
        int64_t customers = channel->sums[CUSTOMERS] % REPEAT_UNIT;
        int64_t repeat_customers = channel->sums[CUSTOMERS] / REPEAT_UNIT;
        struct cell *row = report_row(run->report, 0);
        row[0] = name_cell(run, channel->name);
        row[1] = cell_i(customers);
        row[2] = cell_i(channel->sums[ORDERS]);
        row[3] = cell_i(channel->sums[AMOUNT]);
        row[4] = cell_i(repeat_customers);
        row[5] = cell_ratio(repeat_customers, customers);
    }
    return NULL;
}

/* --- by-first-product --- */

#define PRODUCT_WINDOW_DAYS 90

/* The sums of one product. */
enum {
    PRODUCT_CUSTOMERS,
    PRODUCT_REPEAT_CUSTOMERS,
    PRODUCT_ELIGIBLE,
    PRODUCT_CAME_BACK,
    PRODUCT_AMOUNT,
    PRODUCT_SUMS
};

static bool has_lines(const struct seen *seen, uint32_t row)
{
    const struct engine *engine = seen->run->engine;
    return id_list_at(&engine->products, block_product(seen->block, row)) != 0 ||
           block_top_line(seen->block, row) != 0;
}

static struct str product_code(const struct seen *seen, uint32_t row)
{
    return seen->run->engine->product_codes[block_product(seen->block, row)];
}

/* Whether an order's largest line is rather the first product than another order's of that day:
 * the code decides between equals, as ids differ from one import of a file to the next. */
static bool goes_before(const struct seen *seen, uint32_t row, uint32_t other)
{
    const struct block *block = seen->block;
    if (!has_lines(seen, row) || !has_lines(seen, other))
        return has_lines(seen, row);
    if (block_top_line(block, row) != block_top_line(block, other))
        return block_top_line(block, row) > block_top_line(block, other);
    return str_cmp(product_code(seen, row), product_code(seen, other)) < 0;
}

/* The product of the largest line of the counted orders of the first purchase day. Largest lines
 * are known where a day has several orders. */
uint32_t metric_first_product(const struct seen *seen, uint32_t slot)
{
    const struct block *block = seen->block;
    uint32_t best = block->begin[slot], end = block->begin[slot + 1];
    while (!seen->is_counted[best])
        best++;
    for (uint32_t row = best + 1; row < end && block->day[row] == block->day[best]; row++) {
        if (seen->is_counted[row] && goes_before(seen, row, best))
            best = row;
    }
    return block_product(block, best);
}

static void product_add(struct seen *seen, void *share)
{
    int64_t *sums = share;
    struct seen_customer customers[ENGINE_BLOCK];
    seen_orders(seen);
    seen_first_two_days(seen);
    seen_customers(seen, customers);
    for (uint32_t slot = 0; slot < ENGINE_BLOCK; slot++) {
        uint16_t first = seen->first_day[slot], second = seen->second_day[slot];
        if (first == ENGINE_DAY_NONE || !seen_looked_at(seen, first))
            continue;
        int64_t *product = &sums[(size_t)metric_first_product(seen, slot) * PRODUCT_SUMS];
        bool came_back = second < seen->run->to_end;
        bool eligible = engine_day(first) + PRODUCT_WINDOW_DAYS <= seen->run->scope->to_day;
        product[PRODUCT_CUSTOMERS]++;
        product[PRODUCT_REPEAT_CUSTOMERS] += came_back;
        product[PRODUCT_ELIGIBLE] += eligible;
        product[PRODUCT_CAME_BACK] +=
            eligible && came_back && second - first <= PRODUCT_WINDOW_DAYS;
        sum_add(&product[PRODUCT_AMOUNT], customers[slot].amount);
    }
}

struct product {
    struct str code, name; /* absent: none named */
    const int64_t *sums;
};

static int compare_products(const void *left, const void *right)
{
    const struct product *a = left, *b = right;
    if (a->sums[PRODUCT_CUSTOMERS] != b->sums[PRODUCT_CUSTOMERS])
        return compare_i64(b->sums[PRODUCT_CUSTOMERS], a->sums[PRODUCT_CUSTOMERS]);
    return str_cmp(a->code, b->code);
}

ERR_RESULT metric_run_by_first_product(struct metric_run *run)
{
    uint32_t count = run->engine->products.count;
    size_t size = (size_t)count * PRODUCT_SUMS;
    int64_t *sums[ENGINE_THREADS_MAX];
    struct product *products = metric_scratch(run, count, sizeof(*products));
    if (!products || !metric_sums(run, size, sums))
        return metric_no_memory(run);
    metric_walk(run, WALK_FIRST_DAYS | WALK_AMOUNTS, product_add, (void *const *)sums);
    metric_unite(run, size, sums);
    for (uint32_t i = 0; i < count; i++)
        products[i] = (struct product){
            .code = run->engine->product_codes[i],
            .name = run->engine->product_names[i],
            .sums = sums[0] + (size_t)i * PRODUCT_SUMS,
        };
    qsort(products, count, sizeof(*products), compare_products);
    for (uint32_t i = 0; i < count; i++) {
        const struct product *product = &products[i];
        if (product->sums[PRODUCT_CUSTOMERS] == 0)
            continue;
        struct cell *row = report_row(run->report, 0);
        row[0] = name_cell(run, product->code);
        row[1] = name_cell(run, product->name);
        row[2] = cell_i(product->sums[PRODUCT_CUSTOMERS]);
        row[3] = cell_i(product->sums[PRODUCT_REPEAT_CUSTOMERS]);
        row[4] =
            cell_ratio(product->sums[PRODUCT_REPEAT_CUSTOMERS], product->sums[PRODUCT_CUSTOMERS]);
        row[5] = cell_i(product->sums[PRODUCT_ELIGIBLE]);
        row[6] = cell_i(product->sums[PRODUCT_CAME_BACK]);
        row[7] = cell_ratio(product->sums[PRODUCT_CAME_BACK], product->sums[PRODUCT_ELIGIBLE]);
        row[8] = cell_i(product->sums[PRODUCT_AMOUNT]);
    }
    return NULL;
}
