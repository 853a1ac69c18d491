/* Inside the engine: how the columns lie in memory. Every customer has an index; its orders
 * (sorted by day, then order id) and behind them its refunds (sorted by day, channel, amount) are
 * one run of rows in one chunk. Rows are only appended: a customer that is put again gets a new
 * run, the old one is garbage until its chunk is freed or compacted. A row takes 18 bytes, a
 * customer about 30 more. */
#ifndef HUITOU_ENGINE_ENGINE_INTERNAL_H
#define HUITOU_ENGINE_ENGINE_INTERNAL_H

#include <pthread.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "base/check.h"
#include "base/limits.h"
#include "engine/engine.h"

#define ENGINE_BLOCK_BITS 16
/* Rows of a chunk, customers of a block. */
#define ENGINE_BLOCK (UINT32_C(1) << ENGINE_BLOCK_BITS)
#define ENGINE_DAY_NONE UINT16_MAX
/* An amount with this bit set is an index into chunk->wide. */
#define ENGINE_WIDE (UINT32_C(1) << 31)
/* Channels that orders and refunds may name, none named included. */
#define ENGINE_CHANNELS_MAX (UINT16_MAX + 1)
#define ENGINE_ROWS_MAX (UINT32_C(1) << 30) /* orders and refunds of one customer */

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
    uint32_t count;
    uint32_t *slots;   /* index + 1; 0 is free */
    size_t slot_count; /* a power of two */
};
#define ID_LIST_NONE UINT32_MAX
uint32_t id_list_find(const struct id_list *list, int64_t id);
/* The index of an id, new where it was unknown; false where there is no memory. */
bool id_list_put(struct id_list *list, struct memory *memory, int64_t id, uint32_t *index);
void id_list_free(struct id_list *list, struct memory *memory);
static inline int64_t id_list_at(const struct id_list *list, uint32_t index)
{
    return list->blocks[index >> ENGINE_BLOCK_BITS][index & (ENGINE_BLOCK - 1)];
}

/* Rows of orders and refunds; of a refund row only day, amount and channel mean something. */
struct chunk {
    uint32_t capacity, used;
    uint32_t live;                         /* rows that a customer still points at */
    uint32_t *amount, *product, *top_line; /* amounts packed; product: index of engine->products */
    uint16_t *day, *refunded_whole_day;    /* since LIMIT_DAY_MIN */
    uint16_t *channel;                     /* index of engine->channels */
    int64_t *wide;                         /* amounts that do not fit 31 bits */
    size_t wide_count, wide_capacity;
};
struct rows {
    struct chunk **chunks; /* NULL where a chunk held garbage only and was freed */
    size_t chunk_count, chunk_capacity;
    int64_t live, garbage;
};
/* Room for `count` rows, `wide_count` of their amounts wide, in the last chunk: false where there
 * is no memory. */
bool rows_reserve(struct rows *rows, struct memory *memory, uint32_t count, size_t wide_count);
/* Begins a new chunk that the rows to come go to. */
bool rows_add_chunk(struct rows *rows, struct memory *memory, uint32_t count);
/* Takes reserved rows; they begin at *offset of chunk *chunk. */
void rows_take(struct rows *rows, uint32_t count, uint32_t *chunk, uint32_t *offset);
/* The rows are garbage from now on; a chunk without living rows is freed (but the last one). */
void rows_release(struct rows *rows, struct memory *memory, uint32_t chunk, uint32_t count);
void rows_free(struct rows *rows, struct memory *memory);
static inline bool amount_is_wide(int64_t amount)
{
    return amount < 0 || amount >= ENGINE_WIDE;
}
int64_t chunk_bytes(const struct chunk *chunk);
uint32_t chunk_pack(struct chunk *chunk, int64_t amount); /* wide room must be reserved */
static inline int64_t chunk_amount(const struct chunk *chunk, uint32_t packed)
{
    return packed & ENGINE_WIDE ? chunk->wide[packed & ~ENGINE_WIDE] : (int64_t)packed;
}

struct customer {
    uint32_t chunk, offset;
    uint32_t order_count, refund_count; /* both 0: nothing is known (any more) */
};

struct engine {
    struct arena *arena; /* names and errors */
    pthread_rwlock_t *lock;
    struct memory memory;
    struct id_list customer_ids, channels, products;
    struct customer **customers; /* blocks of ENGINE_BLOCK, by index of customer_ids */
    size_t customer_block_capacity, customer_block_count;
    struct str *channel_names, *product_codes, *product_names; /* by index */
    size_t channel_name_capacity, product_code_capacity, product_name_capacity;
    struct rows rows;
    int64_t customer_count, order_count, refund_count;
    uint32_t orders_max;      /* no customer ever had more */
    int32_t day_min, day_max; /* no order or refund ever lay outside; day_max < day_min: none yet */
};
static inline struct customer *engine_customer(const struct engine *engine, uint32_t index)
{
    return &engine->customers[index >> ENGINE_BLOCK_BITS][index & (ENGINE_BLOCK - 1)];
}
/* Room for customers of the indices below `count`; false where there is no memory. */
bool engine_reserve_customers(struct engine *engine, size_t count);
static inline int32_t engine_day(uint16_t day)
{
    return day == ENGINE_DAY_NONE ? DAY_NONE : LIMIT_DAY_MIN + (int32_t)day;
}

#endif
