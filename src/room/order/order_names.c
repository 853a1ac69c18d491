#include "room/order/order_names.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/check.h"
#include "room/order/order_index.h"
#include "sql_order.h"

struct product_note {
    struct str code, name, category;
    int64_t product_id;
    int64_t named_at_us; /* of the order whose name it is */
};
struct name_note {
    struct str name;
    int64_t id;
};
struct name_list {
    struct order_index *index;
    struct name_note *notes;
    size_t count, capacity;
};
struct order_names {
    struct tx *tx;
    struct arena *arena;
    struct name_list channels, categories;
    struct order_index *product_index;
    struct product_note *products;
    size_t product_count, product_capacity;
};

static void note_name(struct order_names *names, struct name_list *list, struct str name);
static void note_product(struct order_names *names, const struct order_line_fact *line,
                         int64_t occurred_at_us);
static int64_t id_of(const struct name_list *list, struct str name);
static ERR_RESULT settle_channels(struct order_names *names);
static ERR_RESULT settle_categories(struct order_names *names);
static ERR_RESULT settle_products(struct order_names *names);
static ERR_RESULT add_products(struct order_names *names, const bool *found);
static ERR_RESULT fill_products(struct order_names *names,
                                const struct sql_order_product_find_out *outs, const bool *found);
static ERR_RESULT all_claimed(struct order_names *names, const bool *claimed, size_t count);

/* What names a product: the merchant's code, else its name. */
static struct str product_key(const struct order_line_fact *line)
{
    return str_is(line->product_code) ? line->product_code : line->product_name;
}

static struct str text_or_empty(struct str s)
{
    return s.p ? s : STR("");
}

struct order_names *order_names_new(struct tx *tx)
{
    struct arena *arena = tx_arena(tx);
    struct order_names *names = ARENA_NEW(arena, struct order_names);
    names->tx = tx;
    names->arena = arena;
    names->channels.index = order_index_new(arena);
    names->categories.index = order_index_new(arena);
    names->product_index = order_index_new(arena);
    return names;
}

void order_names_note_lines(struct order_names *names, const struct order_fact *fact)
{
    for (int i = 0; i < fact->line_count; i++) {
        if (!str_is(product_key(&fact->lines[i])))
            continue;
        note_name(names, &names->categories, fact->lines[i].category);
        note_product(names, &fact->lines[i], fact->occurred_at_us);
    }
}

void order_names_note_channel(struct order_names *names, struct str channel)
{
    note_name(names, &names->channels, channel);
}

ERR_RESULT order_names_settle(struct order_names *names)
{
    TRY(settle_channels(names));
    TRY(settle_categories(names));
    return settle_products(names);
}

int64_t order_names_channel(const struct order_names *names, struct str channel)
{
    return id_of(&names->channels, channel);
}

int64_t order_names_product(const struct order_names *names, const struct order_line_fact *line)
{
    struct str key = product_key(line);
    if (!str_is(key))
        return 0;
    const size_t *at = order_index_get(names->product_index, key);
    CHECK(at);
    return names->products[*at].product_id;
}

static void note_name(struct order_names *names, struct name_list *list, struct str name)
{
    if (!str_is(name))
        return;
    bool added;
    size_t *at = order_index_put(list->index, name, &added);
    if (!added)
        return;
    *at = list->count;
    if (list->count == list->capacity) {
        struct name_note *old = list->notes;
        list->capacity = list->capacity ? list->capacity * 2 : 64;
        list->notes = ARENA_ARRAY(names->arena, list->capacity, struct name_note);
        for (size_t i = 0; i < list->count; i++)
            list->notes[i] = old[i];
    }
    list->notes[list->count++] = (struct name_note){.name = name};
}

/* A product is called as the earliest order calls it, and among several names of one time by the
 * one whose bytes come first: what orders tell decides, not which of them was written first. */
static bool is_better_name(struct str name, int64_t named_at_us, struct str known,
                           int64_t known_at_us)
{
    if (!str_is(name) || !str_is(known))
        return str_is(name);
    if (named_at_us != known_at_us)
        return named_at_us < known_at_us;
    return str_cmp(name, known) < 0;
}

static void note_product(struct order_names *names, const struct order_line_fact *line,
                         int64_t occurred_at_us)
{
    bool added;
    size_t *at = order_index_put(names->product_index, product_key(line), &added);
    if (!added) {
        struct product_note *note = &names->products[*at];
        if (!str_is(note->category))
            note->category = line->category;
        if (is_better_name(line->product_name, occurred_at_us, note->name, note->named_at_us)) {
            note->name = line->product_name;
            note->named_at_us = occurred_at_us;
        }
        return;
    }
    *at = names->product_count;
    if (names->product_count == names->product_capacity) {
        struct product_note *old = names->products;
        names->product_capacity = names->product_capacity ? names->product_capacity * 2 : 256;
        names->products = ARENA_ARRAY(names->arena, names->product_capacity, struct product_note);
        for (size_t i = 0; i < names->product_count; i++)
            names->products[i] = old[i];
    }
    names->products[names->product_count++] = (struct product_note){
        .code = product_key(line),
        .name = line->product_name,
        .category = line->category,
        .named_at_us = occurred_at_us,
    };
}

static int64_t id_of(const struct name_list *list, struct str name)
{
    if (!str_is(name))
        return 0;
    const size_t *at = order_index_get(list->index, name);
    CHECK(at);
    return list->notes[*at].id;
}

static ERR_RESULT settle_channels(struct order_names *names)
{
    struct name_list *list = &names->channels;
    struct sql_order_channel_find_in *ins =
        ARENA_ARRAY(names->arena, list->count, struct sql_order_channel_find_in);
    struct sql_order_channel_find_out *outs =
        ARENA_ARRAY(names->arena, list->count, struct sql_order_channel_find_out);
    bool *found = ARENA_ARRAY(names->arena, list->count, bool);
    for (size_t i = 0; i < list->count; i++)
        ins[i].name = list->notes[i].name;
    TRY(sql_order_channel_find_many(names->tx, ins, list->count, outs, found));

    struct sql_order_channel_add_in *adds =
        ARENA_ARRAY(names->arena, list->count, struct sql_order_channel_add_in);
    struct sql_order_channel_add_out *added =
        ARENA_ARRAY(names->arena, list->count, struct sql_order_channel_add_out);
    bool *claimed = ARENA_ARRAY(names->arena, list->count, bool);
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++) {
        list->notes[i].id = found[i] ? outs[i].channel_id : id_next(tx_deps(names->tx)->ids);
        if (!found[i])
            adds[count++] = (struct sql_order_channel_add_in){
                .channel_id = list->notes[i].id,
                .name = list->notes[i].name,
                .recorded_at = tx_now_us(names->tx),
            };
    }
    TRY(sql_order_channel_add_many(names->tx, adds, count, added, claimed));
    return all_claimed(names, claimed, count);
}

static ERR_RESULT settle_categories(struct order_names *names)
{
    struct name_list *list = &names->categories;
    struct sql_order_category_find_in *ins =
        ARENA_ARRAY(names->arena, list->count, struct sql_order_category_find_in);
    struct sql_order_category_find_out *outs =
        ARENA_ARRAY(names->arena, list->count, struct sql_order_category_find_out);
    bool *found = ARENA_ARRAY(names->arena, list->count, bool);
    for (size_t i = 0; i < list->count; i++)
        ins[i].name = list->notes[i].name;
    TRY(sql_order_category_find_many(names->tx, ins, list->count, outs, found));

    struct sql_order_category_add_in *adds =
        ARENA_ARRAY(names->arena, list->count, struct sql_order_category_add_in);
    struct sql_order_category_add_out *added =
        ARENA_ARRAY(names->arena, list->count, struct sql_order_category_add_out);
    bool *claimed = ARENA_ARRAY(names->arena, list->count, bool);
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++) {
        list->notes[i].id = found[i] ? outs[i].category_id : id_next(tx_deps(names->tx)->ids);
        if (!found[i])
            adds[count++] = (struct sql_order_category_add_in){
                .category_id = list->notes[i].id,
                .name = list->notes[i].name,
                .recorded_at = tx_now_us(names->tx),
            };
    }
    TRY(sql_order_category_add_many(names->tx, adds, count, added, claimed));
    return all_claimed(names, claimed, count);
}

static ERR_RESULT settle_products(struct order_names *names)
{
    size_t count = names->product_count;
    struct sql_order_product_find_in *ins =
        ARENA_ARRAY(names->arena, count, struct sql_order_product_find_in);
    struct sql_order_product_find_out *outs =
        ARENA_ARRAY(names->arena, count, struct sql_order_product_find_out);
    bool *found = ARENA_ARRAY(names->arena, count, bool);
    for (size_t i = 0; i < count; i++)
        ins[i].code = names->products[i].code;
    TRY(sql_order_product_find_many(names->tx, ins, count, outs, found));
    for (size_t i = 0; i < count; i++)
        names->products[i].product_id =
            found[i] ? outs[i].product_id : id_next(tx_deps(names->tx)->ids);
    TRY(fill_products(names, outs, found));
    return add_products(names, found);
}

static ERR_RESULT add_products(struct order_names *names, const bool *found)
{
    size_t count = 0;
    struct sql_order_product_add_in *adds =
        ARENA_ARRAY(names->arena, names->product_count, struct sql_order_product_add_in);
    struct sql_order_product_add_out *added =
        ARENA_ARRAY(names->arena, names->product_count, struct sql_order_product_add_out);
    bool *claimed = ARENA_ARRAY(names->arena, names->product_count, bool);
    for (size_t i = 0; i < names->product_count; i++) {
        const struct product_note *note = &names->products[i];
        if (found[i])
            continue;
        adds[count++] = (struct sql_order_product_add_in){
            .product_id = note->product_id,
            .code = note->code,
            .name = text_or_empty(note->name),
            .named_at = note->named_at_us,
            .category_id = id_of(&names->categories, note->category),
            .recorded_at = tx_now_us(names->tx),
        };
    }
    TRY(sql_order_product_add_many(names->tx, adds, count, added, claimed));
    return all_claimed(names, claimed, count);
}

static int compare_fills(const void *a, const void *b)
{
    const struct sql_order_product_fill_in *x = a, *y = b;
    return (x->product_id > y->product_id) - (x->product_id < y->product_id);
}

/* A name or category that was not known until now, or a better name. In the order of ids: two
 * imports at once do not wait for each other crosswise. */
static ERR_RESULT fill_products(struct order_names *names,
                                const struct sql_order_product_find_out *outs, const bool *found)
{
    size_t count = 0;
    struct sql_order_product_fill_in *ins =
        ARENA_ARRAY(names->arena, names->product_count, struct sql_order_product_fill_in);
    bool *done = ARENA_ARRAY(names->arena, names->product_count, bool);
    for (size_t i = 0; i < names->product_count; i++) {
        const struct product_note *note = &names->products[i];
        int64_t category_id = id_of(&names->categories, note->category);
        if (!found[i])
            continue;
        bool better =
            is_better_name(note->name, note->named_at_us, outs[i].name, outs[i].named_at);
        bool category_new = outs[i].category_id == 0 && category_id != 0;
        if (!better && !category_new)
            continue;
        ins[count++] = (struct sql_order_product_fill_in){
            .product_id = note->product_id,
            .name = better ? note->name : outs[i].name,
            .named_at = better ? note->named_at_us : outs[i].named_at,
            .category_id = category_id,
        };
    }
    qsort(ins, count, sizeof(*ins), compare_fills);
    return sql_order_product_fill_many(names->tx, ins, count, NULL, done);
}

static ERR_RESULT all_claimed(struct order_names *names, const bool *claimed, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!claimed[i])
            return ERR_NEW(names->arena, ERR_ORDER_RACE, STR_NONE);
    }
    return NULL;
}
