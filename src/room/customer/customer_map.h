/* A map from 128-bit keys to numbers, in an arena: what a batch of buyers has met so far. Keys are ids or keyed hashes, so
 * they are spread evenly and no sender can choose them. Never shrinks. */
#ifndef HUITOU_ROOM_CUSTOMER_CUSTOMER_MAP_H
#define HUITOU_ROOM_CUSTOMER_CUSTOMER_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct customer_map;

struct map_key {
    uint64_t a, b;
};
struct map_key map_key_ids(int64_t a, int64_t b);
struct map_key map_key_hash(const uint8_t hash[16]);

struct customer_map *customer_map_new(struct arena *arena, size_t expected_count);
/* The number of a key, NULL where it was never put. Valid until the next put. */
size_t *customer_map_get(const struct customer_map *map, struct map_key key);
/* Puts a key with a number unless it is there; returns whether it was new. */
bool customer_map_put(struct customer_map *map, struct map_key key, size_t number);

#endif
