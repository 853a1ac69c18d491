/* Who a customer is, beside what they bought: for selections (engine_select.h). */
#include <string.h>

#include "engine/engine_internal.h"
#include "engine/engine_select.h"

void block_tags_of(const struct block *block, uint32_t slot, size_t *from, size_t *to)
{
    size_t low = 0, high = block->tag_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (block->tags[middle].slot < slot)
            low = middle + 1;
        else
            high = middle;
    }
    *from = low;
    while (low < block->tag_count && block->tags[low].slot == slot)
        low++;
    *to = low;
}

static bool reserve_person(struct block *block, struct memory *memory,
                           const struct engine_person *person)
{
    if (person->keeper_id != 0 && !block->keepers) {
        block->keepers = memory_get(memory, ENGINE_BLOCK, sizeof(*block->keepers));
        if (!block->keepers)
            return false;
    }
    return memory_grow(memory, (void **)&block->tags, &block->tag_capacity,
                       block->tag_count + person->tag_count, sizeof(*block->tags));
}

static void replace_person(struct block *block, uint32_t slot, const struct engine_person *person)
{
    size_t from, to, count = person->tag_count;
    block_tags_of(block, slot, &from, &to);
    block->is_person[slot] = person->is_known;
    if (block->keepers)
        block->keepers[slot] = person->keeper_id;
    if (count + to - from == 0)
        return;
    size_t behind = block->tag_count - to;
    memmove(block->tags + from + count, block->tags + to, behind * sizeof(*block->tags));
    block->tag_count = from + count + behind;
    for (size_t i = 0; i < count; i++)
        block->tags[from + i] =
            (struct block_tag){person->tags[i].tag_id, person->tags[i].until_day, (uint8_t)slot};
}

static enum err_code put_locked(struct engine *engine, int64_t customer_id,
                                const struct engine_person *person)
{
    uint32_t index = id_list_find(&engine->customer_ids, customer_id);
    if (index == ID_LIST_NONE && !person->is_known)
        return ERR_NONE;
    if (index == ID_LIST_NONE &&
        (!engine_reserve_blocks(engine, (size_t)engine->customer_ids.count + 1) ||
         !id_list_put(&engine->customer_ids, &engine->memory, customer_id, &index)))
        return ERR_CAPACITY;
    struct block *block = engine_block(engine, index);
    if (!reserve_person(block, &engine->memory, person))
        return ERR_CAPACITY;
    replace_person(block, engine_slot(index), person);
    return ERR_NONE;
}

ERR_RESULT engine_put_person(struct engine *engine, int64_t customer_id,
                             const struct engine_person *person)
{
    const struct err *err = NULL;
    CHECK(person->is_known || (person->keeper_id == 0 && person->tag_count == 0));
    CHECK(pthread_rwlock_wrlock(engine->lock) == 0);
    enum err_code code = put_locked(engine, customer_id, person);
    if (code != ERR_NONE)
        err = ERR_NEW(engine->arena, code, STR_NONE, STR("the columns"));
    CHECK(pthread_rwlock_unlock(engine->lock) == 0);
    return err;
}

/* --- What there is to choose from --- */

struct str *engine_channel_names(struct arena *arena, const struct engine *engine, size_t *count)
{
    CHECK(pthread_rwlock_rdlock(engine->lock) == 0);
    size_t all = engine->channels.count;
    struct str *names = ARENA_ARRAY(arena, all + 1, struct str);
    *count = 0;
    for (size_t i = 0; i < all; i++)
        if (engine->channel_names[i].p)
            names[(*count)++] = str_copy(arena, engine->channel_names[i]);
    CHECK(pthread_rwlock_unlock(engine->lock) == 0);
    return names;
}
