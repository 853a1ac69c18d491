/* A block of customers as a scope sees it. The loops over rows are flat (not by customer) and
 * without branches, so that they cost the same however many orders each customer has. */
#include <string.h>

#include "engine/metric.h"

/* out[slot]: the customer's first row whose day is not before `limit`, or the row behind the last.
 */
static void find_limit(struct seen *seen, const uint16_t *day, const uint32_t *begin,
                       uint16_t limit, uint32_t *out)
{
    uint32_t *below = seen->row_space, count = 0, rows = begin[ENGINE_BLOCK];
    for (uint32_t row = 0; row < rows; row++) {
        below[row] = count;
        count += day[row] < limit;
    }
    below[rows] = count;
    for (uint32_t slot = 0; slot < ENGINE_BLOCK; slot++)
        out[slot] = begin[slot] + below[begin[slot + 1]] - below[begin[slot]];
}

/* What of the rows is known and looked at. */
static struct seen_rows bound(struct seen *seen, const uint16_t *day, const uint32_t *begin,
                              struct seen_space *space)
{
    const struct metric_run *run = seen->run;
    const struct block *block = seen->block;
    struct seen_rows rows = {.day = day, .begin = begin, .end = begin + 1, .from = begin};
    if (block->day_max >= run->known_end) {
        find_limit(seen, day, begin, run->known_end, space->end);
        rows.end = space->end;
    }
    rows.to = rows.end;
    if (block->day_max >= run->to_end) {
        find_limit(seen, day, begin, run->to_end, space->to);
        rows.to = space->to;
    }
    if (block->day_min < run->from) {
        find_limit(seen, day, begin, run->from, space->from);
        rows.from = space->from;
    }
    /* Where the days looked at end before they begin, nothing is looked at. */
    if (run->to_end < run->from)
        rows.to = rows.from;
    return rows;
}

void seen_paid(struct seen *seen)
{
    seen->paid = bound(seen, seen->block->day, seen->block->begin, &seen->paid_space);
}

/* Copies the days of the rows that are not wholly refunded; the rows left out come ascending into
 * row_space. */
static uint32_t leave_out_refunded(struct seen *seen)
{
    const struct rare_list *refunded = &seen->block->refunded_whole;
    const uint16_t *day = seen->block->day;
    uint16_t *to = seen->counted_space.day;
    uint32_t count = 0, from = 0;
    for (size_t i = 0; i < refunded->count; i++) {
        uint32_t row = refunded->items[i].row;
        if (refunded->items[i].value >= seen->run->known_end)
            continue;
        memcpy(to, day + from, (row - from) * sizeof(*to));
        to += row - from;
        from = row + 1;
        seen->row_space[count++] = row;
    }
    memcpy(to, day + from, (seen->row_count - from) * sizeof(*to));
    return count;
}

void seen_counted(struct seen *seen)
{
    const struct block *block = seen->block;
    uint32_t left_out = seen->row_count > 0 ? leave_out_refunded(seen) : 0, before = 0;
    if (left_out == 0) {
        seen->counted = bound(seen, block->day, block->begin, &seen->counted_space);
        return;
    }
    uint32_t *begin = seen->counted_space.begin;
    for (uint32_t slot = 0; slot <= ENGINE_BLOCK; slot++) {
        while (before < left_out && seen->row_space[before] < block->begin[slot])
            before++;
        begin[slot] = block->begin[slot] - before;
    }
    seen->counted = bound(seen, seen->counted_space.day, begin, &seen->counted_space);
}

/* A customer's rows lie by day, so that a row is a new purchase day where the one before it has
 * another day or belongs to somebody else. */
void seen_days(struct seen *seen)
{
    seen_counted(seen);
    const struct seen_rows *counted = &seen->counted;
    struct seen_space *space = &seen->days_space;
    uint8_t *is_first = seen->is_first_space; /* of its customer */
    uint32_t *days_before = seen->row_space, rows = counted->begin[ENGINE_BLOCK], count = 0;
    memset(is_first, 0, rows);
    for (uint32_t slot = 0; slot < ENGINE_BLOCK; slot++)
        is_first[counted->begin[slot]] = 1;
    const uint16_t *from = counted->day;
    uint16_t *to = space->day, last = ENGINE_DAY_NONE;
    for (uint32_t row = 0; row < rows; row++) {
        uint16_t day = from[row];
        days_before[row] = count;
        to[count] = day;
        count += (day != last) | is_first[row];
        last = day;
    }
    days_before[rows] = count;
    for (uint32_t slot = 0; slot <= ENGINE_BLOCK; slot++)
        space->begin[slot] = days_before[counted->begin[slot]];
    for (uint32_t slot = 0; slot < ENGINE_BLOCK; slot++) {
        space->end[slot] = days_before[counted->end[slot]];
        space->from[slot] = days_before[counted->from[slot]];
        space->to[slot] = days_before[counted->to[slot]];
    }
    seen->days = (struct seen_rows){.day = space->day,
                                    .begin = space->begin,
                                    .end = space->end,
                                    .from = space->from,
                                    .to = space->to};
}

void seen_first_two_days(struct seen *seen)
{
    seen_counted(seen);
    const struct seen_rows *counted = &seen->counted;
    for (uint32_t slot = 0; slot < ENGINE_BLOCK; slot++) {
        uint32_t row = counted->begin[slot], end = counted->end[slot];
        seen->first_day[slot] = row < end ? counted->day[row] : ENGINE_DAY_NONE;
        while (row < end && counted->day[row] == seen->first_day[slot])
            row++;
        seen->second_day[slot] = row < end ? counted->day[row] : ENGINE_DAY_NONE;
    }
}

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

void seen_amounts(struct seen *seen)
{
    const uint32_t *narrow = seen->block->amount;
    const struct rare_list *wide = &seen->block->wide;
    int64_t *amount = seen->amount_space;
    uint32_t rows = seen->row_count;
    for (uint32_t row = 0; row < rows; row++)
        amount[row] = narrow[row];
    for (size_t i = 0; i < wide->count; i++)
        amount[wide->items[i].row] = wide->items[i].value;
    seen->amount = amount;
}

/* A block's amounts that are not wide add up to less than 2^63. */
static void sum_narrow(struct seen *seen, int64_t amounts[ENGINE_BLOCK])
{
    const uint32_t *amount = seen->block->amount;
    int64_t *sum_before = seen->amount_space, sum = 0;
    uint32_t rows = seen->row_count;
    for (uint32_t row = 0; row < rows; row++) {
        sum_before[row] = sum;
        sum += amount[row];
    }
    sum_before[rows] = sum;
    for (uint32_t slot = 0; slot < ENGINE_BLOCK; slot++)
        amounts[slot] = sum_before[seen->paid.to[slot]] - sum_before[seen->paid.from[slot]];
}

static void sum_wide(const struct seen *seen, int64_t amounts[ENGINE_BLOCK])
{
    for (uint32_t slot = 0; slot < ENGINE_BLOCK; slot++) {
        amounts[slot] = 0;
        for (uint32_t row = seen->paid.from[slot]; row < seen->paid.to[slot]; row++)
            sum_add(&amounts[slot], block_amount(seen->block, row));
    }
}

void seen_amount_of_customers(struct seen *seen, int64_t amounts[ENGINE_BLOCK])
{
    const struct block *block = seen->block;
    if (block->wide.count == 0)
        sum_narrow(seen, amounts);
    else
        sum_wide(seen, amounts);
    for (size_t i = 0; i < block->refund_count && seen->run->scope->net; i++)
        if (seen_looked_at(seen, block->refunds[i].day))
            sum_add(&amounts[block->refunds[i].slot], -block->refunds[i].amount);
}

void seen_channels(struct seen *seen)
{
    const struct block *block = seen->block;
    seen->channel = block->channel;
    if (block->channel_bytes == 2)
        return;
    const uint8_t *narrow = block->channel;
    uint16_t *channel = seen->channel_space;
    uint32_t rows = seen->row_count;
    for (uint32_t row = 0; row < rows; row++)
        channel[row] = narrow[row];
    seen->channel = channel;
}
