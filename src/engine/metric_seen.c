/* A block of customers as a scope sees it. */
#include <string.h>

#include "engine/metric.h"

#define CACHE_LINE 64
#define COUNT_MAX 4096 /* days counted in 16 bits, of which a processor adds many at once */

void seen_is_counted(struct seen *seen)
{
    const struct rare_list *refunded = &seen->block->refunded_whole;
    uint8_t *is_counted = seen->is_counted_space;
    memset(is_counted, 1, seen->row_count);
    for (size_t i = 0; i < refunded->count; i++)
        if (refunded->items[i].value < seen->run->known_end)
            is_counted[refunded->items[i].row] = 0;
    seen->is_counted = is_counted;
}

/* How many of the days lie before the limit. In whatever order they lie: where the search in a
 * sorted column would wait for memory at each step, a walk has it brought in advance. */
static uint32_t count_before(const uint16_t *day, uint32_t rows, uint16_t limit)
{
    uint32_t count = 0;
    while (rows > 0) {
        uint32_t length = rows < COUNT_MAX ? rows : COUNT_MAX;
        uint16_t part = 0;
        for (uint32_t row = 0; row < length; row++)
            part += day[row] < limit;
        count += part;
        day += length;
        rows -= length;
    }
    return count;
}

static void find_by_day(struct seen *seen)
{
    const struct block *block = seen->block;
    seen->by_day = block->by_day;
    if (block->has_by_day || seen->row_count == 0)
        return;
    size_t days = (size_t)(block->day_max - block->day_min) + 1;
    memset(seen->place_space, 0, days * sizeof(*seen->place_space));
    block_sort_by_day(block, seen->by_day_space, seen->place_space);
    seen->by_day = seen->by_day_space;
}

void seen_orders(struct seen *seen)
{
    const struct metric_run *run = seen->run;
    const struct block *block = seen->block;
    uint32_t from = 0, end = seen->row_count;
    if (block->day_min < run->from)
        from = count_before(block->day, seen->row_count, run->from);
    if (block->day_max >= run->to_end)
        end = count_before(block->day, seen->row_count, run->to_end);
    find_by_day(seen);
    seen->from = seen->by_day + from;
    /* Where the days looked at end before they begin, nothing is looked at. */
    seen->end = seen->by_day + (end < from ? from : end);
    for (const uint32_t *at = seen->from; at < seen->end; at += CACHE_LINE / sizeof(*at))
        __builtin_prefetch(at); /* while is_counted is found */
    seen_is_counted(seen);
}

/* The first two purchase days of a customer, of whose orders this and perhaps later ones of the
 * list are wholly refunded. */
static void find_first_two_days(struct seen *seen, uint32_t slot, size_t refunded_from)
{
    const struct block *block = seen->block;
    const struct rare_list *refunded = &block->refunded_whole;
    uint16_t first = ENGINE_DAY_NONE, second = ENGINE_DAY_NONE, known_end = seen->run->known_end;
    size_t next = refunded_from;
    for (uint32_t row = block->begin[slot]; row < block->begin[slot + 1]; row++) {
        uint16_t day = block->day[row];
        if (day >= known_end || second != ENGINE_DAY_NONE)
            break;
        if (next < refunded->count && refunded->items[next].row == row)
            if (refunded->items[next++].value < known_end)
                continue;
        if (first == ENGINE_DAY_NONE)
            first = day;
        else if (day != first)
            second = day;
    }
    seen->first_day[slot] = first;
    seen->second_day[slot] = second;
}

void seen_first_two_days(struct seen *seen)
{
    const struct block *block = seen->block;
    const struct rare_list *refunded = &block->refunded_whole;
    uint16_t known_end = seen->run->known_end;
    for (uint32_t slot = 0; slot < ENGINE_BLOCK; slot++) {
        uint16_t first = block->first_day[slot], second = block->second_day[slot];
        seen->first_day[slot] = first < known_end ? first : ENGINE_DAY_NONE;
        seen->second_day[slot] = second < known_end ? second : ENGINE_DAY_NONE;
    }
    uint32_t last_slot = ENGINE_BLOCK;
    for (size_t i = 0; i < refunded->count; i++) {
        uint32_t slot = refunded->items[i].slot;
        /* A customer's refunded orders stand side by side: the first one finds the others, unless
         * it lies behind the two days. */
        if (slot != last_slot && block->day[refunded->items[i].row] <= block->second_day[slot])
            find_first_two_days(seen, slot, i);
        last_slot = slot;
    }
}

void seen_customers(const struct seen *seen, struct seen_customer customers[ENGINE_BLOCK])
{
    const struct block *block = seen->block;
    const uint16_t *days = block->day;
    const uint8_t *counted = seen->is_counted;
    for (uint32_t slot = 0; slot < ENGINE_BLOCK; slot++)
        customers[slot] = (struct seen_customer){.last_day = ENGINE_DAY_NONE};
    for (const uint32_t *at = seen->from, *end = seen->end; at < end; at++) {
        uint32_t row = entry_row(*at), is_counted = counted[row];
        struct seen_customer *customer = &customers[entry_slot(*at)];
        uint16_t day = is_counted ? days[row] : customer->last_day;
        sum_add(&customer->amount, block_amount(block, row));
        customer->orders += is_counted;
        customer->days += day != customer->last_day;
        customer->last_day = day;
    }
    for (size_t i = 0; i < block->refund_count && seen->run->scope->net; i++)
        if (seen_looked_at(seen, block->refunds[i].day))
            sum_add(&customers[block->refunds[i].slot].amount, -block->refunds[i].amount);
}
