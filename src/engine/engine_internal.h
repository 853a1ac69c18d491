/* Inside the engine: how the columns lie in memory. Every customer has an index; ENGINE_BLOCK
 * indices that follow each other share a block, whose orders lie side by side in columns, by
 * customer, then day, then order id, without gaps. A customer that is put again pushes the rows
 * behind it in its block to their new place. What few orders have lies apart, in lists by row; so
 * do refunds, by customer, day, channel, amount. Beside them each block keeps its rows in the order
 * of days, so that a report on a window reads what lies in the window, and the first two days of
 * each customer. An order takes 13 bytes (16 where the brand has many channels and products), a
 * customer about 30 more. */
#ifndef HUITOU_ENGINE_ENGINE_INTERNAL_H
#define HUITOU_ENGINE_ENGINE_INTERNAL_H

#include <pthread.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "base/check.h"
#include "base/limits.h"
#include "engine/engine.h"

#define ENGINE_BLOCK_BITS 7
#define ENGINE_BLOCK (UINT32_C(1) << ENGINE_BLOCK_BITS) /* customers of a block */
/* A day inside the engine counts from LIMIT_DAY_MIN; this one is none. */
#define ENGINE_DAY_NONE UINT16_MAX
/* Channels that orders and refunds may name, none named included. */
#define ENGINE_CHANNELS_MAX (UINT16_MAX + 1)
#define ENGINE_ROWS_MAX (UINT32_C(1) << 30) /* orders, and refunds, of one customer */
#define ENGINE_BLOCK_ROWS_MAX (UINT32_C(1) << (32 - ENGINE_BLOCK_BITS)) /* see block->by_day */
#define ENGINE_THREADS_MAX 8                /* of one report */

/* The engine's own memory, counted. */
struct memory {
    int64_t bytes, bytes_max;
};
/* Zeroed; NULL where there is none left. */
void *memory_get(struct memory *memory, size_t count, size_t size);
void memory_give(struct memory *memory, void *block, size_t count, size_t size);
/* An array of at least `need` elements that keeps what it held; false where there is no memory. */
bool memory_grow(struct memory *memory, void **array, size_t *capacity, size_t need, size_t size);

/* Gives ids the indices 0, 1, 2 … and finds them again (open addressing). Ids are never taken
 * out. */
struct id_list {
    int64_t **blocks; /* ENGINE_BLOCK ids each */
    size_t block_capacity;
    uint32_t count;    /* indices given, those passed over by id_list_pad included */
    uint32_t *slots;   /* index + 1, and bits of the hash; 0 is free */
    size_t slot_count; /* a power of two */
};
#define ID_LIST_NONE UINT32_MAX
uint32_t id_list_find(const struct id_list *list, int64_t id);
/* The index of an id, new where it was unknown; false where there is no memory. */
bool id_list_put(struct id_list *list, struct memory *memory, int64_t id, uint32_t *index);
/* Room for indices below `count`, and slots to find them all; false where there is no memory. */
bool id_list_reserve(struct id_list *list, struct memory *memory, size_t count);
/* Passes over the indices up to the next block. */
void id_list_pad(struct id_list *list);
/* Takes one block of another list over, to the indices that come next (the first of a block; room
 * must be reserved). Nothing in it is found before id_list_point. */
void id_list_take_block(struct id_list *list, struct id_list *from, size_t block);
/* Says that this id will be looked for soon: its slot is seldom in the processor's cache. */
void id_list_prefetch(const struct id_list *list, int64_t id);
/* The id of this index is found there from now on; room must be reserved. */
void id_list_point(struct id_list *list, uint32_t index);
void id_list_free(struct id_list *list, struct memory *memory);
static inline int64_t id_list_at(const struct id_list *list, uint32_t index)
{
    return list->blocks[index >> ENGINE_BLOCK_BITS][index & (ENGINE_BLOCK - 1)];
}

/* Values that few rows of a block have, ascending by row. */
struct rare {
    int64_t value;
    uint32_t row, slot;
};
struct rare_list {
    struct rare *items;
    size_t count, capacity;
};
/* The first item whose row is not before `row`, or count. */
size_t rare_find(const struct rare_list *list, uint32_t row);
/* What a row has, else `otherwise`. */
int64_t rare_at(const struct rare_list *list, uint32_t row, int64_t otherwise);

struct refund {
    int64_t amount;
    uint16_t day;
    uint16_t channel; /* index of engine->channels */
    uint8_t slot;     /* of its customer in the block */
};

struct block {
    uint32_t capacity; /* rows */
    uint16_t day_min, day_max;   /* no order ever lay outside; day_max < day_min: none yet */
    uint16_t refund_day_min, refund_day_max; /* no refund ever lay outside; likewise */
    uint8_t product_bytes, channel_bytes; /* of one row: 2 or 4, 1 or 2 */
    bool has_by_day; /* not while the block is being filled, or where there was no memory */
    uint32_t *amount; /* 0 where it is wide; the other columns lie behind it, in one allocation */
    uint32_t *by_day; /* row << ENGINE_BLOCK_BITS | slot: by day, then row */
    void *product;    /* index of engine->products */
    uint16_t *day;
    void *channel;         /* index of engine->channels */
    struct rare_list wide; /* amounts that do not fit 32 bits */
    struct rare_list
        top_line; /* amount of the largest line where a report can ask for it: the
                   * customer has another order that day, and it is not all of the order */
    struct rare_list refunded_whole; /* the day */
    struct refund *refunds;
    size_t refund_count, refund_capacity;
    uint16_t first_day[ENGINE_BLOCK];  /* by slot: of any order; ENGINE_DAY_NONE: no orders */
    uint16_t second_day[ENGINE_BLOCK]; /* by slot: the first other day of any order; likewise */
    uint32_t
        begin[ENGINE_BLOCK + 1]; /* a customer's orders: rows begin[slot] … begin[slot + 1] - 1 */
    /* Who they are, for selections (engine_put_person); no report reads it. */
    uint8_t is_person[ENGINE_BLOCK];
    int64_t *keepers; /* by slot; NULL: nobody of the block has one */
    struct block_tag *tags; /* ascending by slot */
    size_t tag_count, tag_capacity;
};
struct block_tag {
    int64_t tag_id;
    int32_t until_day; /* DAY_NONE: for good */
    uint8_t slot;
};
struct block *block_new(struct memory *memory);
void block_free(struct block *block, struct memory *memory);
int64_t block_bytes(const struct block *block);
static inline uint32_t block_row_count(const struct block *block)
{
    return block->begin[ENGINE_BLOCK];
}
static inline uint32_t block_channel(const struct block *block, uint32_t row)
{
    if (block->channel_bytes == 1)
        return ((const uint8_t *)block->channel)[row];
    return ((const uint16_t *)block->channel)[row];
}
static inline uint32_t block_product(const struct block *block, uint32_t row)
{
    if (block->product_bytes == 2)
        return ((const uint16_t *)block->product)[row];
    return ((const uint32_t *)block->product)[row];
}
static inline bool amount_is_wide(int64_t amount)
{
    return amount < 0 || amount > UINT32_MAX;
}
static inline int64_t block_amount(const struct block *block, uint32_t row)
{
    uint32_t narrow = block->amount[row];
    return narrow ? (int64_t)narrow : rare_at(&block->wide, row, 0);
}
static inline int64_t block_top_line(const struct block *block, uint32_t row)
{
    return rare_at(&block->top_line, row, block_amount(block, row));
}
static inline uint16_t block_refunded_whole(const struct block *block, uint32_t row)
{
    return (uint16_t)rare_at(&block->refunded_whole, row, ENGINE_DAY_NONE);
}

/* What is put of one customer: sorted, with indices instead of ids. */
struct block_put {
    const struct engine_order *orders;
    const struct engine_refund *refunds;
    const uint32_t *order_channels, *order_products, *refund_channels;
    uint32_t order_count, refund_count;
};
/* Room for it in place of what the customer has; `spare`: some more, for a block that is being
 * filled. False where there is no memory. */
bool block_reserve(struct block *block, struct memory *memory, uint32_t slot,
                   const struct block_put *put, bool spare);
/* Replaces what the customer has; room must be reserved. */
void block_replace(struct block *block, uint32_t slot, const struct block_put *put);
/* Writes the block's rows as block->by_day describes them. places: zeroed, one for each day from
 * day_min to day_max. */
void block_sort_by_day(const struct block *block, uint32_t *by_day, uint32_t *places);
/* Finds block->by_day anew after block_replace, as far as there is memory to sort. */
void block_order_by_day(struct block *block);
/* For a block that is full, or holds much less than it did: gives back what is reserved and not
 * used, as far as there is memory to move to, and orders it by day. */
void block_settle(struct block *block, struct memory *memory);
/* Other indices for all channels and products; false, and nothing changed, where there is no memory
 * for wider ones. */
bool block_widen(struct block *block, struct memory *memory, uint8_t product_bytes,
                 uint8_t channel_bytes);
void block_remap(struct block *block, const uint32_t *channels, const uint32_t *products);
/* The refunds of a customer: [*from, *to). */
void block_refunds_of(const struct block *block, uint32_t slot, size_t *from, size_t *to);
/* Likewise the tags. */
void block_tags_of(const struct block *block, uint32_t slot, size_t *from, size_t *to);

static inline uint8_t channel_bytes_for(size_t index_count)
{
    return index_count > UINT8_MAX + 1 ? 2 : 1;
}
static inline uint8_t product_bytes_for(size_t index_count)
{
    return index_count > UINT16_MAX + 1 ? 4 : 2;
}

struct engine {
    struct arena *arena; /* names and errors */
    pthread_rwlock_t *lock;
    struct memory memory;
    struct id_list customer_ids, channels, products;
    struct block **blocks; /* by index of customer_ids */
    size_t block_count, block_capacity;
    struct str *channel_names, *product_codes, *product_names; /* by index */
    size_t channel_name_capacity, product_code_capacity, product_name_capacity;
    uint32_t *put_indices; /* of the put at hand */
    size_t put_index_capacity;
    int64_t customer_count, order_count, refund_count;
    uint32_t orders_max;      /* no customer ever had more */
    uint32_t block_rows_max;  /* no block ever had more orders */
    int32_t day_min, day_max; /* no order or refund ever lay outside; day_max < day_min: none yet */
    struct id_list unknown_ids; /* placeholders with orders; they are in nothing else */
    struct left_out *unknown;   /* by index of unknown_ids; orders 0: somebody by now */
    size_t unknown_capacity;
    struct left_out left_out;   /* the sum of these */
    int threads;              /* of one report; 0: by the machine and the number of orders */
};
/* Adds the unknown buyers of `from`; false, and nothing changed, where there is no memory. */
bool unknown_absorb(struct engine *into, const struct engine *from);
void unknown_free(struct engine *engine);
/* See engine_difference. */
struct str unknown_difference(struct arena *arena, const struct engine *a, const struct engine *b);
/* Room for blocks of the customers' indices below `count`; false where there is no memory. */
bool engine_reserve_blocks(struct engine *engine, size_t count);
static inline struct block *engine_block(const struct engine *engine, uint32_t index)
{
    return engine->blocks[index >> ENGINE_BLOCK_BITS];
}
static inline uint32_t engine_slot(uint32_t index)
{
    return index & (ENGINE_BLOCK - 1);
}
static inline int32_t engine_day(uint16_t day)
{
    return day == ENGINE_DAY_NONE ? DAY_NONE : LIMIT_DAY_MIN + (int32_t)day;
}
static inline uint16_t engine_day_pack(int32_t day)
{
    if (day == DAY_NONE)
        return ENGINE_DAY_NONE;
    CHECK(day >= LIMIT_DAY_MIN && day <= LIMIT_DAY_MAX);
    return (uint16_t)(day - LIMIT_DAY_MIN);
}

#endif
