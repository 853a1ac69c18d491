/* The engine's memory, its lists of ids and its rows; see engine_internal.h. */
#include <stdlib.h>
#include <string.h>

#include "engine/engine_internal.h"

void *memory_get(struct memory *memory, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > INT64_MAX / 2)
        return NULL;
    if (memory->bytes + (int64_t)bytes > memory->bytes_max)
        return NULL;
    void *block = calloc(count ? count : 1, size);
    if (block)
        memory->bytes += (int64_t)bytes;
    return block;
}

void memory_give(struct memory *memory, void *block, size_t count, size_t size)
{
    if (!block)
        return;
    memory->bytes -= (int64_t)(count * size);
    free(block);
}

bool memory_grow(struct memory *memory, void **array, size_t *capacity, size_t need, size_t size)
{
    if (need <= *capacity)
        return true;
    size_t wanted = *capacity * 2 > need ? *capacity * 2 : need;
    void *bigger = memory_get(memory, wanted, size);
    if (!bigger)
        return false;
    if (*array)
        memcpy(bigger, *array, *capacity * size);
    memory_give(memory, *array, *capacity, size);
    *array = bigger;
    *capacity = wanted;
    return true;
}

/* --- Ids --- */

#define ID_SLOTS_MIN 64

/* The finaliser of MurmurHash3: ids that differ in few bits end far apart. */
static size_t id_hash(int64_t id)
{
    uint64_t x = (uint64_t)id;
    x = (x ^ (x >> 33)) * UINT64_C(0xff51afd7ed558ccd);
    x = (x ^ (x >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
    return (size_t)(x ^ (x >> 33));
}

/* The slot that holds the id, or the free one where it belongs. */
static size_t id_slot(const struct id_list *list, int64_t id)
{
    size_t mask = list->slot_count - 1;
    size_t slot = id_hash(id) & mask;
    while (list->slots[slot] && id_list_at(list, list->slots[slot] - 1) != id)
        slot = (slot + 1) & mask;
    return slot;
}

uint32_t id_list_find(const struct id_list *list, int64_t id)
{
    if (list->count == 0)
        return ID_LIST_NONE;
    uint32_t held = list->slots[id_slot(list, id)];
    return held ? held - 1 : ID_LIST_NONE;
}

static bool id_list_rehash(struct id_list *list, struct memory *memory)
{
    struct id_list bigger = *list;
    bigger.slot_count = list->slot_count ? list->slot_count * 2 : ID_SLOTS_MIN;
    bigger.slots = memory_get(memory, bigger.slot_count, sizeof(*bigger.slots));
    if (!bigger.slots)
        return false;
    for (uint32_t i = 0; i < list->count; i++)
        bigger.slots[id_slot(&bigger, id_list_at(list, i))] = i + 1;
    memory_give(memory, list->slots, list->slot_count, sizeof(*list->slots));
    list->slots = bigger.slots;
    list->slot_count = bigger.slot_count;
    return true;
}

bool id_list_put(struct id_list *list, struct memory *memory, int64_t id, uint32_t *index)
{
    *index = id_list_find(list, id);
    if (*index != ID_LIST_NONE)
        return true;
    if (list->count == ID_LIST_NONE)
        return false;
    if (list->count >= list->slot_count / 4 * 3 && !id_list_rehash(list, memory))
        return false;
    size_t block = list->count >> ENGINE_BLOCK_BITS;
    if (!memory_grow(memory, (void **)&list->blocks, &list->block_capacity, block + 1,
                     sizeof(*list->blocks)))
        return false;
    if (!list->blocks[block]) {
        list->blocks[block] = memory_get(memory, ENGINE_BLOCK, sizeof(**list->blocks));
        if (!list->blocks[block])
            return false;
    }
    list->blocks[block][list->count & (ENGINE_BLOCK - 1)] = id;
    list->slots[id_slot(list, id)] = list->count + 1;
    *index = list->count++;
    return true;
}

void id_list_free(struct id_list *list, struct memory *memory)
{
    for (size_t i = 0; i < list->block_capacity; i++)
        memory_give(memory, list->blocks[i], ENGINE_BLOCK, sizeof(**list->blocks));
    memory_give(memory, list->blocks, list->block_capacity, sizeof(*list->blocks));
    memory_give(memory, list->slots, list->slot_count, sizeof(*list->slots));
    memset(list, 0, sizeof(*list));
}

/* --- Rows --- */

#define ROW_BYTES (3 * sizeof(uint32_t) + 3 * sizeof(uint16_t))

static struct chunk *chunk_new(struct memory *memory, uint32_t capacity)
{
    struct chunk *chunk = memory_get(memory, 1, sizeof(*chunk));
    if (!chunk)
        return NULL;
    chunk->capacity = capacity;
    chunk->amount = memory_get(memory, capacity, ROW_BYTES);
    if (!chunk->amount) {
        memory_give(memory, chunk, 1, sizeof(*chunk));
        return NULL;
    }
    chunk->product = chunk->amount + capacity;
    chunk->top_line = chunk->product + capacity;
    chunk->day = (uint16_t *)(chunk->top_line + capacity);
    chunk->refunded_whole_day = chunk->day + capacity;
    chunk->channel = chunk->refunded_whole_day + capacity;
    return chunk;
}

static void chunk_free(struct memory *memory, struct chunk *chunk)
{
    if (!chunk)
        return;
    memory_give(memory, chunk->wide, chunk->wide_capacity, sizeof(*chunk->wide));
    memory_give(memory, chunk->amount, chunk->capacity, ROW_BYTES);
    memory_give(memory, chunk, 1, sizeof(*chunk));
}

int64_t chunk_bytes(const struct chunk *chunk)
{
    return (int64_t)(sizeof(*chunk) + chunk->capacity * ROW_BYTES +
                     chunk->wide_capacity * sizeof(*chunk->wide));
}

uint32_t chunk_pack(struct chunk *chunk, int64_t amount)
{
    if (!amount_is_wide(amount))
        return (uint32_t)amount;
    CHECK(chunk->wide_count < chunk->wide_capacity);
    chunk->wide[chunk->wide_count] = amount;
    return ENGINE_WIDE | (uint32_t)chunk->wide_count++;
}

static struct chunk *rows_last(const struct rows *rows)
{
    return rows->chunk_count ? rows->chunks[rows->chunk_count - 1] : NULL;
}

bool rows_add_chunk(struct rows *rows, struct memory *memory, uint32_t count)
{
    if (rows->chunk_count == UINT32_MAX ||
        !memory_grow(memory, (void **)&rows->chunks, &rows->chunk_capacity, rows->chunk_count + 1,
                     sizeof(struct chunk *)))
        return false;
    struct chunk *chunk = chunk_new(memory, count > ENGINE_BLOCK ? count : ENGINE_BLOCK);
    if (!chunk)
        return false;
    struct chunk *full = rows_last(rows);
    if (full && full->live == 0) {
        rows->garbage -= full->used;
        chunk_free(memory, full);
        rows->chunks[rows->chunk_count - 1] = NULL;
    }
    rows->chunks[rows->chunk_count++] = chunk;
    return true;
}

bool rows_reserve(struct rows *rows, struct memory *memory, uint32_t count, size_t wide_count)
{
    struct chunk *last = rows_last(rows);
    if ((!last || last->capacity - last->used < count) && !rows_add_chunk(rows, memory, count))
        return false;
    last = rows_last(rows);
    return memory_grow(memory, (void **)&last->wide, &last->wide_capacity,
                       last->wide_count + wide_count, sizeof(*last->wide));
}

void rows_take(struct rows *rows, uint32_t count, uint32_t *chunk, uint32_t *offset)
{
    struct chunk *last = rows_last(rows);
    CHECK(last && last->capacity - last->used >= count);
    *chunk = (uint32_t)(rows->chunk_count - 1);
    *offset = last->used;
    last->used += count;
    last->live += count;
    rows->live += count;
}

void rows_release(struct rows *rows, struct memory *memory, uint32_t chunk_index, uint32_t count)
{
    struct chunk *chunk = rows->chunks[chunk_index];
    CHECK(chunk && chunk->live >= count);
    chunk->live -= count;
    rows->live -= count;
    rows->garbage += count;
    if (chunk->live > 0 || chunk == rows_last(rows))
        return;
    rows->garbage -= chunk->used;
    chunk_free(memory, chunk);
    rows->chunks[chunk_index] = NULL;
}

void rows_free(struct rows *rows, struct memory *memory)
{
    for (size_t i = 0; i < rows->chunk_count; i++)
        chunk_free(memory, rows->chunks[i]);
    memory_give(memory, rows->chunks, rows->chunk_capacity, sizeof(struct chunk *));
    memset(rows, 0, sizeof(*rows));
}
