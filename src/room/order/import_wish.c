/* From what was recognised and what a person said to the map by which a file is read. */
#include "room/order/import_wish.h"

#include "base/arena.h"
#include "base/calendar.h"

#define WISH_SOURCE_BYTES_MAX LIMIT_NAME_BYTES_MAX
#define OWN_TABLE STR("own") /* the built-in map that a map by hand begins with */

static const struct field wish_fields[] = {
    SHAPE_FIELD(struct import_wish, map, TEXT,
                "A built-in or saved map; absent: recognised by the file's columns.",
                "内置或已保存的映射；缺省按文件的列识别。", .max = LIMIT_NAME_BYTES_MAX),
    SHAPE_FIELD(struct import_wish, columns, MAP,
                "Kind of value to column of the file, in the place of all that the map reads; "
                "absent: as the map.",
                "含义到文件列，替代映射读取的全部列；缺省按映射。"),
    SHAPE_FIELD(
        struct import_wish, states, MAP,
        "What words of the file mean: created, paid, shipped, received, closed, also with \" "
        "refunded\" behind it.",
        "文件中状态词的含义：created、paid、shipped、received、closed，后面可加“ refunded”。"),
    SHAPE_FIELD(struct import_wish, refund_states, MAP,
                "The same for refunds: none, pending, partial, refunded.",
                "售后状态词的含义：none、pending、partial、refunded。"),
    SHAPE_FIELD(struct import_wish, source, TEXT,
                "Who gives the order numbers their meaning; absent: as the map.",
                "订单号由谁赋予；缺省按映射。", .max = WISH_SOURCE_BYTES_MAX),
    SHAPE_FIELD_AS(struct import_wish, exported_at_us, "exported_at", TIME,
                   "When the file was exported: of two files the later export wins. Absent: found.",
                   "文件导出的时间：两份文件以较晚导出的为准。缺省为自动判断。"),
};
const struct shape import_wish_shape = {
    .name = "import_wish", .size = sizeof(struct import_wish), SHAPE_FIELDS(wish_fields)};

/* --- What is wrong with a wish by itself --- */

/* A JSON pointer (RFC 6901). */
static struct str at(struct arena *arena, const char *member, struct str key)
{
    struct buf out = buf_new(arena, 4 * SHAPE_TEXT_BYTES_MAX);
    buf_fmt(&out, "/%s/", member);
    for (size_t i = 0; i < key.n; i++) {
        if (key.p[i] == '~')
            buf_str(&out, STR("~0"));
        else if (key.p[i] == '/')
            buf_str(&out, STR("~1"));
        else
            buf_char(&out, key.p[i]);
    }
    return buf_view(&out);
}

static void check_columns(struct err_list *errors, const struct import_wish *wish)
{
    struct str names[IMPORT_KIND_MAX];
    for (int i = 0; i < IMPORT_KIND_MAX; i++)
        names[i] = str_c(import_kind_info((enum import_kind)i)->name);
    for (size_t i = 0; i < wish->columns.count; i++) {
        struct str kind = wish->columns.pairs[i].key;
        if (import_kind_by_name(kind) == IMPORT_KIND_MAX)
            err_list_add(errors,
                         ERR_NEW(errors->arena, ERR_MAP_KIND, at(errors->arena, "columns", kind),
                                 kind, str_join(errors->arena, names, IMPORT_KIND_MAX, STR(", "))));
    }
}

static void check_words(struct err_list *errors, const struct import_wish *wish)
{
    bool refunded;
    for (size_t i = 0; i < wish->states.count; i++) {
        const struct shape_pair *pair = &wish->states.pairs[i];
        if (import_state_of_words(pair->value, &refunded) == ORDER_STATE_MAX)
            err_list_add(errors, ERR_NEW(errors->arena, ERR_MAP_STATE,
                                         at(errors->arena, "states", pair->key), pair->value));
    }
    for (size_t i = 0; i < wish->refund_states.count; i++) {
        const struct shape_pair *pair = &wish->refund_states.pairs[i];
        if (import_refund_by_name(pair->value) == IMPORT_REFUND_UNTOLD)
            err_list_add(errors,
                         ERR_NEW(errors->arena, ERR_MAP_REFUND_STATE,
                                 at(errors->arena, "refund_states", pair->key), pair->value));
    }
}

ERR_RESULT import_wish_check(struct arena *arena, const struct import_wish *wish,
                             const struct import_own_maps *own, int64_t now_us)
{
    struct err_list errors = {.arena = arena};
    check_columns(&errors, wish);
    check_words(&errors, wish);
    if (str_is(wish->map) && !import_is_builtin(wish->map) && !import_own_map(own, wish->map))
        err_list_add(&errors, ERR_NEW(arena, ERR_OWN_MAP_UNKNOWN, STR("/map")));
    /* A day's grace, as on the command line. */
    if (wish->exported_at_us != INT64_MIN && wish->exported_at_us > now_us + US_PER_DAY)
        err_list_add(&errors, ERR_NEW(arena, ERR_EXPORTED_AT_FUTURE, STR("/exported_at"),
                                      time_text(arena, wish->exported_at_us)));
    return errors.first;
}

/* --- The map --- */

/* The map that a wish begins with. */
static ERR_RESULT base_of(struct arena *arena, struct str path, const struct import_wish *wish,
                          const struct import_own_maps *own, struct import_map **out,
                          bool *recognised, struct import_recognition *why)
{
    *recognised = false;
    *why = (struct import_recognition){0};
    if (str_is(wish->map)) {
        const struct import_map *saved = import_own_map(own, wish->map);
        if (!saved)
            return import_map_read(arena, wish->map, out);
        *out = ARENA_NEW(arena, struct import_map);
        **out = *saved;
        return NULL;
    }
    const struct err *err = import_map_recognise(arena, path, own, out, why);
    *recognised = !err;
    if (err && wish->columns.count > 0 && err_info(err->code)->class == ERR_CLASS_CALLER)
        return import_map_read(arena, OWN_TABLE, out);
    return err;
}

static bool has_key(const struct shape_map *map, struct str key)
{
    for (size_t i = 0; i < map->count; i++) {
        if (str_eq(map->pairs[i].key, key))
            return true;
    }
    return false;
}

/* Only the columns that were chosen are read; all of them must be there. */
static void take_columns(struct arena *arena, const struct import_wish *wish,
                         struct import_map *map)
{
    struct shape_map columns = {ARENA_ARRAY(arena, wish->columns.count, struct shape_pair), 0};
    struct shape_map constants = {ARENA_ARRAY(arena, map->constants.count + 1, struct shape_pair),
                                  0};
    for (size_t i = 0; i < wish->columns.count; i++) {
        if (str_is(wish->columns.pairs[i].value))
            columns.pairs[columns.count++] = wish->columns.pairs[i];
    }
    for (size_t i = 0; i < map->constants.count; i++) {
        if (!has_key(&columns, map->constants.pairs[i].key))
            constants.pairs[constants.count++] = map->constants.pairs[i];
    }
    map->columns = columns;
    map->constants = constants;
    map->needed = (struct shape_list){NULL, 0};
    map->instead = STR_NONE;
}

static void put_before(struct arena *arena, const struct shape_map *first, struct shape_map *words)
{
    struct shape_map all = {ARENA_ARRAY(arena, first->count + words->count + 1, struct shape_pair),
                            0};
    for (size_t i = 0; i < first->count; i++)
        all.pairs[all.count++] = first->pairs[i];
    for (size_t i = 0; i < words->count; i++) {
        if (!has_key(first, words->pairs[i].key))
            all.pairs[all.count++] = words->pairs[i];
    }
    *words = all;
}

ERR_RESULT import_wish_map(struct arena *arena, struct str path, const struct import_wish *wish,
                           const struct import_own_maps *own, struct import_map **out,
                           bool *recognised, struct import_recognition *why)
{
    struct import_map *map;
    TRY(base_of(arena, path, wish, own, &map, recognised, why));
    if (wish->columns.count > 0)
        take_columns(arena, wish, map);
    put_before(arena, &wish->states, &map->states);
    put_before(arena, &wish->refund_states, &map->refund_states);
    if (str_is(wish->source))
        map->source = map->issuer = wish->source;
    /* Written and read again, so that it is checked as a map that a person wrote. */
    return import_map_of_text(arena, STR("map"), import_map_json(arena, map), out);
}

struct str import_map_json(struct arena *arena, const struct import_map *map)
{
    struct buf out = buf_new(arena, IMPORT_MAP_JSON_BYTES_MAX);
    struct json_writer w = json_writer(&out, false);
    struct import_map whole = *map;
    whole.extends = STR_NONE; /* what it takes over from there is in it */
    shape_write_json(&w, &import_map_shape, &whole);
    return buf_view(&out);
}
