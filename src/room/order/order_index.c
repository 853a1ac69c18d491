#include "room/order/order_index.h"

#include "base/arena.h"

/* Open addressing with linear probing, at most two thirds full. */
#define SLOTS_FIRST 64

struct index_slot {
    struct str key; /* p == NULL: free */
    uint64_t hash;
    size_t value;
};
struct order_index {
    struct arena *arena;
    struct index_slot *slots;
    size_t slot_count; /* a power of two */
    size_t used;
};

static uint64_t hash_of(struct str key);
static struct index_slot *slot_of(const struct order_index *index, struct str key, uint64_t hash);
static void grow(struct order_index *index);

struct order_index *order_index_new(struct arena *arena)
{
    struct order_index *index = ARENA_NEW(arena, struct order_index);
    index->arena = arena;
    index->slot_count = SLOTS_FIRST;
    index->slots = ARENA_ARRAY(arena, index->slot_count, struct index_slot);
    return index;
}

size_t *order_index_put(struct order_index *index, struct str key, bool *added)
{
    if ((index->used + 1) * 3 > index->slot_count * 2)
        grow(index);
    uint64_t hash = hash_of(key);
    struct index_slot *slot = slot_of(index, key, hash);
    *added = !slot->key.p;
    if (*added) {
        *slot = (struct index_slot){.key = key.p ? key : STR(""), .hash = hash};
        index->used++;
    }
    return &slot->value;
}

const size_t *order_index_get(const struct order_index *index, struct str key)
{
    const struct index_slot *slot = slot_of(index, key, hash_of(key));
    return slot->key.p ? &slot->value : NULL;
}

size_t order_index_count(const struct order_index *index)
{
    return index->used;
}

/* FNV-1a, then mixed (the finalizer of SplitMix64), since the low bits choose the slot. */
static uint64_t hash_of(struct str key)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < key.n; i++)
        hash = (hash ^ (uint8_t)key.p[i]) * UINT64_C(1099511628211);
    hash = (hash ^ (hash >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    hash = (hash ^ (hash >> 27)) * UINT64_C(0x94d049bb133111eb);
    return hash ^ (hash >> 31);
}

static struct index_slot *slot_of(const struct order_index *index, struct str key, uint64_t hash)
{
    size_t mask = index->slot_count - 1;
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        struct index_slot *slot = &index->slots[i];
        if (!slot->key.p || (slot->hash == hash && str_eq(slot->key, key)))
            return slot;
    }
}

static void grow(struct order_index *index)
{
    struct index_slot *old = index->slots;
    size_t old_count = index->slot_count;
    index->slot_count *= 2;
    index->slots = ARENA_ARRAY(index->arena, index->slot_count, struct index_slot);
    for (size_t i = 0; i < old_count; i++) {
        if (old[i].key.p)
            *slot_of(index, old[i].key, old[i].hash) = old[i];
    }
}
