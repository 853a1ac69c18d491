#include "room/customer/customer_map.h"

#include <string.h>

#include "base/arena.h"

struct slot {
    struct map_key key;
    size_t number;
    bool used;
};

struct customer_map {
    struct arena *arena;
    struct slot *slots;
    size_t slot_count; /* a power of two, at least twice `count` */
    size_t count;
};

struct map_key map_key_ids(int64_t a, int64_t b)
{
    return (struct map_key){(uint64_t)a, (uint64_t)b};
}

struct map_key map_key_hash(const uint8_t hash[16])
{
    struct map_key key;
    memcpy(&key, hash, sizeof(key));
    return key;
}

struct customer_map *customer_map_new(struct arena *arena, size_t expected_count)
{
    struct customer_map *map = ARENA_NEW(arena, struct customer_map);
    map->arena = arena;
    map->slot_count = 16;
    while (map->slot_count < 2 * expected_count)
        map->slot_count *= 2;
    map->slots = ARENA_ARRAY(arena, map->slot_count, struct slot);
    return map;
}

/* The slot of a key, or the free one where it would go (linear probing). */
static struct slot *slot_of(const struct customer_map *map, struct map_key key)
{
    uint64_t mixed =
        (key.a ^ (key.b * UINT64_C(0x9e3779b97f4a7c15))) * UINT64_C(0xff51afd7ed558ccd);
    size_t i = (size_t)(mixed ^ (mixed >> 32)) & (map->slot_count - 1);
    while (map->slots[i].used && (map->slots[i].key.a != key.a || map->slots[i].key.b != key.b))
        i = (i + 1) & (map->slot_count - 1);
    return &map->slots[i];
}

size_t *customer_map_get(const struct customer_map *map, struct map_key key)
{
    struct slot *slot = slot_of(map, key);
    return slot->used ? &slot->number : NULL;
}

static void grow(struct customer_map *map)
{
    struct slot *old = map->slots;
    size_t old_count = map->slot_count;
    map->slot_count *= 2;
    map->slots = ARENA_ARRAY(map->arena, map->slot_count, struct slot);
    for (size_t i = 0; i < old_count; i++) {
        if (old[i].used)
            *slot_of(map, old[i].key) = old[i];
    }
}

bool customer_map_put(struct customer_map *map, struct map_key key, size_t number)
{
    struct slot *slot = slot_of(map, key);
    if (slot->used)
        return false;
    if (2 * (map->count + 1) > map->slot_count) {
        grow(map);
        slot = slot_of(map, key);
    }
    *slot = (struct slot){.key = key, .number = number, .used = true};
    map->count++;
    return true;
}
