/* A map from bytes to a number, for the names and hashes of one batch. Lives in an arena; keys are borrowed. */
#ifndef HUITOU_ROOM_ORDER_ORDER_INDEX_H
#define HUITOU_ROOM_ORDER_ORDER_INDEX_H

#include "base/str.h"

struct order_index;

struct order_index *order_index_new(struct arena *arena);
/* The place of the key's number, made with number 0 where the key is new; valid until the next call. */
size_t *order_index_put(struct order_index *index, struct str key, bool *added);
/* The key's number; NULL where it is unknown. */
const size_t *order_index_get(const struct order_index *index, struct str key);
size_t order_index_count(const struct order_index *index);

#endif
