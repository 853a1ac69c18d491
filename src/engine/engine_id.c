/* The engine's memory and its lists of ids; see engine_internal.h. */
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

/* Slots for `count` ids, at most three quarters of them taken. */
static bool id_list_reserve_slots(struct id_list *list, struct memory *memory, size_t count)
{
    struct id_list bigger = *list;
    while (bigger.slot_count / 4 * 3 < count)
        bigger.slot_count = bigger.slot_count ? bigger.slot_count * 2 : ID_SLOTS_MIN;
    if (bigger.slot_count == list->slot_count)
        return true;
    bigger.slots = memory_get(memory, bigger.slot_count, sizeof(*bigger.slots));
    if (!bigger.slots)
        return false;
    for (size_t i = 0; i < list->slot_count; i++)
        if (list->slots[i])
            bigger.slots[id_slot(&bigger, id_list_at(list, list->slots[i] - 1))] = list->slots[i];
    memory_give(memory, list->slots, list->slot_count, sizeof(*list->slots));
    list->slots = bigger.slots;
    list->slot_count = bigger.slot_count;
    return true;
}

static size_t blocks_for(size_t count)
{
    return (count + ENGINE_BLOCK - 1) >> ENGINE_BLOCK_BITS;
}

bool id_list_reserve(struct id_list *list, struct memory *memory, size_t count)
{
    return count < ID_LIST_NONE && id_list_reserve_slots(list, memory, count) &&
           memory_grow(memory, (void **)&list->blocks, &list->block_capacity, blocks_for(count),
                       sizeof(*list->blocks));
}

bool id_list_put(struct id_list *list, struct memory *memory, int64_t id, uint32_t *index)
{
    *index = id_list_find(list, id);
    if (*index != ID_LIST_NONE)
        return true;
    if (!id_list_reserve(list, memory, (size_t)list->count + 1))
        return false;
    size_t block = list->count >> ENGINE_BLOCK_BITS;
    if (!list->blocks[block])
        list->blocks[block] = memory_get(memory, ENGINE_BLOCK, sizeof(**list->blocks));
    if (!list->blocks[block])
        return false;
    list->blocks[block][list->count & (ENGINE_BLOCK - 1)] = id;
    *index = list->count++;
    id_list_point(list, *index);
    return true;
}

void id_list_pad(struct id_list *list)
{
    list->count = (uint32_t)(blocks_for(list->count) << ENGINE_BLOCK_BITS);
}

void id_list_take_block(struct id_list *list, struct id_list *from, size_t block)
{
    CHECK((list->count & (ENGINE_BLOCK - 1)) == 0);
    list->blocks[list->count >> ENGINE_BLOCK_BITS] = from->blocks[block];
    list->count += ENGINE_BLOCK;
    from->blocks[block] = NULL;
}

void id_list_point(struct id_list *list, uint32_t index)
{
    list->slots[id_slot(list, id_list_at(list, index))] = index + 1;
}

void id_list_free(struct id_list *list, struct memory *memory)
{
    for (size_t i = 0; i < list->block_capacity; i++)
        memory_give(memory, list->blocks[i], ENGINE_BLOCK, sizeof(**list->blocks));
    memory_give(memory, list->blocks, list->block_capacity, sizeof(*list->blocks));
    memory_give(memory, list->slots, list->slot_count, sizeof(*list->slots));
    memset(list, 0, sizeof(*list));
}
