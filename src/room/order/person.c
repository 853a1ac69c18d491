#include "room/order/person.h"

#include "base/arena.h"
#include "base/calendar.h"

ERR_RESULT person_read(struct tx *tx, int64_t customer_id, struct person *person)
{
    *person = (struct person){.first_day = DAY_NONE, .last_day = DAY_NONE};
    TRY(customer_view(tx, customer_id, &person->view));
    TRY(order_of_customer(tx, person->view->members, person->view->member_count, PERSON_ORDERS_MAX,
                          &person->orders, &person->order_count));
    for (size_t i = 0; i < person->order_count; i++) {
        const struct order_view *order = &person->orders[i];
        if (order->paid_at_us == INT64_MIN)
            continue;
        person->paid_order_count++;
        person->paid_minor += order->amount_minor;
        person->refunded_minor += order->refunded_minor;
        if (person->last_day == DAY_NONE || order->paid_day > person->last_day)
            person->last_day = order->paid_day;
        if (person->first_day == DAY_NONE || order->paid_day < person->first_day)
            person->first_day = order->paid_day;
    }
    return NULL;
}

static bool has_id(const int64_t *ids, size_t count, int64_t id)
{
    for (size_t i = 0; i < count; i++)
        if (ids[i] == id)
            return true;
    return false;
}

const struct err *person_find(struct tx *tx, struct str query, size_t max, int64_t **ids,
                              size_t *count)
{
    int64_t *found, *births;
    size_t found_count, birth_count;
    TRY(customer_find(tx, query, max, &found, &found_count));
    TRY(order_find_number(tx, query, &births, &birth_count));
    *ids = ARENA_ARRAY(tx_arena(tx), found_count + birth_count + 1, int64_t);
    *count = 0;
    for (size_t i = 0; i < found_count; i++)
        (*ids)[(*count)++] = found[i];
    int64_t *roots = ARENA_ARRAY(tx_arena(tx), birth_count + 1, int64_t);
    TRY(customer_roots(tx, births, birth_count, roots));
    for (size_t i = 0; i < birth_count && *count < max; i++)
        if (roots[i] != 0 && !has_id(*ids, *count, roots[i]))
            (*ids)[(*count)++] = roots[i];
    return NULL;
}

struct person person_united(struct arena *arena, const struct person *from,
                            const struct person *into)
{
    struct person person = *into;
    struct customer_view *view = ARENA_NEW(arena, struct customer_view);
    const struct customer_view *a = into->view, *b = from->view;
    *view = *a;
    view->name = str_is(a->name) ? a->name : b->name;
    view->placeholder = a->placeholder && b->placeholder;
    view->member_count = a->member_count + b->member_count;
    view->members = ARENA_ARRAY(arena, view->member_count + 1, int64_t);
    view->identity_count = a->identity_count + b->identity_count;
    view->identities = ARENA_ARRAY(arena, view->identity_count + 1, struct customer_identity);
    for (size_t i = 0; i < view->member_count; i++)
        view->members[i] = i < a->member_count ? a->members[i] : b->members[i - a->member_count];
    for (size_t i = 0; i < view->identity_count; i++)
        view->identities[i] =
            i < a->identity_count ? a->identities[i] : b->identities[i - a->identity_count];
    if (b->created_at_us < view->created_at_us)
        view->created_at_us = b->created_at_us;
    person.view = view;
    person.paid_order_count += from->paid_order_count;
    person.paid_minor += from->paid_minor;
    person.refunded_minor += from->refunded_minor;
    if (into->first_day == DAY_NONE ||
        (from->first_day != DAY_NONE && from->first_day < into->first_day))
        person.first_day = from->first_day;
    if (into->last_day == DAY_NONE || from->last_day > into->last_day)
        person.last_day = from->last_day;
    return person;
}
