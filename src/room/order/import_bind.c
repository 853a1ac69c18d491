/* A map bound to the header of one file: columns by name, words ready to be compared. */
#include "base/arena.h"
#include "room/order/import_row.h"

#define MISSING_MAX 100
#define COLUMNS_SHOWN_MAX 8 /* of the file, in an error */

struct bind {
    struct err_list list;
    struct str path;
    const struct str *header;
    int count;
    struct str missing[MISSING_MAX]; /* each column once */
    int missing_count;
};

/* The map names this column, and the header another one of the same name: which is meant? A column
 * chosen by its number is not asked. */
static bool is_ambiguous(const struct bind *bind, struct str names, int column)
{
    if (column >= bind->count)
        return false;
    struct str name = str_trim(bind->header[column]);
    for (int i = column + 1; i < bind->count; i++) {
        if (str_eq(str_trim(bind->header[i]), name))
            return import_column_is(bind->list.arena, name, names);
    }
    return false;
}

static void note_missing(struct bind *bind, struct str names)
{
    names = import_first_name(names);
    for (int i = 0; i < bind->missing_count; i++) {
        if (str_eq(bind->missing[i], names))
            return;
    }
    if (bind->missing_count < MISSING_MAX)
        bind->missing[bind->missing_count++] = names;
}

/* All that is missing in one error: the file's columns are told once. */
static void add_missing(struct bind *bind, const struct import_map *map)
{
    struct arena *arena = bind->list.arena;
    if (bind->missing_count == 0)
        return;
    struct str missing = import_names_shown(arena, bind->missing, bind->missing_count, MISSING_MAX);
    struct str found = import_names_shown(arena, bind->header, bind->count, COLUMNS_SHOWN_MAX);
    err_list_add(&bind->list, ERR_NEW(arena, ERR_MAP_COLUMN_MISSING, bind->path, missing,
                                      found.n > 0 ? found : STR("-"), map->name));
}

static int bind_column(struct bind *bind, struct str names, bool needed)
{
    struct arena *arena = bind->list.arena;
    int column = import_column_read(arena, bind->header, bind->count, names);
    if (column == COLUMN_NONE && needed) {
        note_missing(bind, names);
    } else if (column != COLUMN_NONE && is_ambiguous(bind, names, column)) {
        err_list_add(&bind->list, ERR_NEW(arena, ERR_MAP_COLUMN_AMBIGUOUS, bind->path, names,
                                          str_fmt(arena, "%d", column + 1)));
    }
    return column;
}

static int *bind_conditions(struct bind *bind, const struct shape_list *conditions, bool needed)
{
    const struct import_condition *items = conditions->items;
    int *columns = ARENA_ARRAY(bind->list.arena, conditions->count, int);
    for (size_t i = 0; i < conditions->count; i++)
        columns[i] = bind_column(bind, items[i].column, needed);
    return columns;
}

static struct import_words bind_words(struct arena *arena, const struct shape_map *map)
{
    struct import_words words = {.items = ARENA_ARRAY(arena, map->count, struct import_word)};
    for (size_t i = 0; i < map->count; i++) {
        const struct shape_pair *pair = &map->pairs[i];
        struct import_word *word = &words.items[words.count++];
        word->word = pair->key;
        word->key = import_name_key(arena, pair->key);
        word->any_before = str_starts(pair->key, STR("*"));
        word->any_after = str_ends(pair->key, STR("*"));
        word->normal = pair->value;
        word->state = import_state_of_words(pair->value, &word->refunded);
        word->refund = import_refund_by_name(pair->value);
    }
    return words;
}

static void bind_kinds(struct bind *bind, struct import_columns *out)
{
    const struct import_map *map = out->map;
    const struct str *slashed = map->after_slash.items;
    for (int kind = 0; kind < IMPORT_KIND_MAX; kind++)
        out->of_kind[kind] = COLUMN_NONE;
    for (size_t i = 0; i < map->columns.count; i++) {
        const struct shape_pair *pair = &map->columns.pairs[i];
        enum import_kind kind = import_kind_by_name(pair->key);
        out->of_kind[kind] = bind_column(bind, pair->value, import_map_needs(map, kind));
    }
    for (size_t i = 0; i < map->constants.count; i++) {
        const struct shape_pair *pair = &map->constants.pairs[i];
        out->constant[import_kind_by_name(pair->key)] = str_trim(pair->value);
    }
    for (size_t i = 0; i < map->after_slash.count; i++)
        out->after_slash[import_kind_by_name(slashed[i])] = true;
    out->number_needed = map->needed.count > 0 && import_map_needs(map, IMPORT_ORDER_NUMBER);
}

ERR_RESULT import_columns_bind(struct arena *arena, struct str path, const struct import_map *map,
                               const struct str *header, int header_count,
                               struct import_columns *out)
{
    struct bind bind = {
        .list = {.arena = arena}, .path = path, .header = header, .count = header_count};
    *out = (struct import_columns){.map = map, .names = header, .name_count = header_count};
    bool all_needed = map->needed.count == 0;
    bind_kinds(&bind, out);
    out->refund_when = bind_conditions(&bind, &map->refund_when, all_needed);
    out->skip_when = bind_conditions(&bind, &map->skip_when, all_needed);
    add_missing(&bind, map);
    out->states = bind_words(arena, &map->states);
    out->refund_states = bind_words(arena, &map->refund_states);
    out->unread = ARENA_ARRAY(arena, (size_t)header_count, bool);
    for (int i = 0; i < header_count; i++)
        out->unread[i] = str_starts(str_trim(header[i]), STR("huitou_"));
    return bind.list.first;
}
