/* Orders whose buyer nobody knows: no report counts them, and each says what it leaves out. */
#include "engine/engine_internal.h"

static struct left_out held(const struct engine *engine, int64_t customer_id)
{
    uint32_t index = id_list_find(&engine->unknown_ids, customer_id);
    return index == ID_LIST_NONE ? (struct left_out){0} : engine->unknown[index];
}

static bool put_locked(struct engine *engine, int64_t customer_id, struct left_out orders)
{
    uint32_t index = id_list_find(&engine->unknown_ids, customer_id);
    if (index == ID_LIST_NONE && orders.orders == 0)
        return true;
    if (index == ID_LIST_NONE &&
        (!memory_grow(&engine->memory, (void **)&engine->unknown, &engine->unknown_capacity,
                      (size_t)engine->unknown_ids.count + 1, sizeof(*engine->unknown)) ||
         !id_list_put(&engine->unknown_ids, &engine->memory, customer_id, &index)))
        return false;
    struct left_out *place = &engine->unknown[index];
    engine->left_out.orders += orders.orders - place->orders;
    engine->left_out.amount_minor += orders.amount_minor - place->amount_minor;
    *place = orders;
    return true;
}

ERR_RESULT engine_put_unknown(struct engine *engine, int64_t customer_id, struct left_out orders)
{
    const struct err *err = NULL;
    CHECK(orders.orders > 0 || (orders.orders == 0 && orders.amount_minor == 0));
    CHECK(pthread_rwlock_wrlock(engine->lock) == 0);
    if (!put_locked(engine, customer_id, orders))
        err = ERR_NEW(engine->arena, ERR_CAPACITY, STR_NONE, STR("the columns"));
    CHECK(pthread_rwlock_unlock(engine->lock) == 0);
    return err;
}

struct left_out engine_left_out(const struct engine *engine)
{
    CHECK(pthread_rwlock_rdlock(engine->lock) == 0);
    struct left_out left_out = engine->left_out;
    CHECK(pthread_rwlock_unlock(engine->lock) == 0);
    return left_out;
}

bool unknown_absorb(struct engine *into, const struct engine *from)
{
    uint32_t count = from->unknown_ids.count;
    for (uint32_t i = 0; i < count; i++) {
        int64_t customer_id = id_list_at(&from->unknown_ids, i);
        if (from->unknown[i].orders == 0)
            continue;
        CHECK(held(into, customer_id).orders == 0);
        if (put_locked(into, customer_id, from->unknown[i]))
            continue;
        while (i-- > 0) /* what is there already goes without memory */
            CHECK(put_locked(into, id_list_at(&from->unknown_ids, i), (struct left_out){0}));
        return false;
    }
    return true;
}

void unknown_free(struct engine *engine)
{
    struct memory *memory = &engine->memory;
    memory_give(memory, engine->unknown, engine->unknown_capacity, sizeof(*engine->unknown));
    id_list_free(&engine->unknown_ids, memory);
    engine->unknown = NULL;
    engine->unknown_capacity = 0;
    engine->left_out = (struct left_out){0};
}

/* Of the ids of one engine's list; the lowest. */
static void lowest_difference(const struct id_list *ids, const struct engine *a,
                              const struct engine *b, bool *found, int64_t *lowest_id)
{
    for (uint32_t i = 0; i < ids->count; i++) {
        int64_t customer_id = id_list_at(ids, i);
        struct left_out in_a = held(a, customer_id), in_b = held(b, customer_id);
        if (in_a.orders == in_b.orders && in_a.amount_minor == in_b.amount_minor)
            continue;
        *lowest_id = *found && *lowest_id < customer_id ? *lowest_id : customer_id;
        *found = true;
    }
}

struct str unknown_difference(struct arena *arena, const struct engine *a, const struct engine *b)
{
    bool found = false;
    int64_t customer_id = 0;
    lowest_difference(&a->unknown_ids, a, b, &found, &customer_id);
    lowest_difference(&b->unknown_ids, a, b, &found, &customer_id);
    if (!found)
        return STR_NONE;
    struct left_out in_a = held(a, customer_id), in_b = held(b, customer_id);
    return str_fmt(arena,
                   "unknown buyer %lld: %lld orders of %lld in one and %lld of %lld in the other",
                   (long long)customer_id, (long long)in_a.orders, (long long)in_a.amount_minor,
                   (long long)in_b.orders, (long long)in_b.amount_minor);
}
