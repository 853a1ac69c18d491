/* Maps that a person saved for files of the brand's own. */
#include "base/arena.h"
#include "room/order/import_wish.h"
#include "sql_order.h"

#include <string.h>

#define OWN_MAPS_MAX 500

struct own_read {
    struct arena *arena;
    struct import_own_maps *out;
};

static const struct err *read_all(struct tx *tx, void *arg)
{
    struct own_read *read = arg;
    struct stmt_cursor cursor;
    struct sql_order_own_map_all_out row;
    bool has = true;
    read->out->items = ARENA_ARRAY(read->arena, OWN_MAPS_MAX, struct import_map);
    read->out->count = 0;
    TRY(stmt_open(tx, &sql_order_own_map_all, NULL, &cursor));
    for (;;) {
        struct import_map *map;
        TRY(stmt_next(&cursor, &row, &has));
        if (!has)
            return NULL;
        if (read->out->count == OWN_MAPS_MAX)
            break;
        struct str json = str_copy(read->arena, row.map);
        TRY(import_map_of_text(read->arena, str_copy(read->arena, row.name), json, &map));
        read->out->items[read->out->count++] = *map;
    }
    stmt_close(&cursor);
    return NULL;
}

ERR_RESULT import_own_maps(struct store *store, struct arena *arena, struct import_own_maps *out)
{
    struct own_read read = {arena, out};
    struct store_job job = {.name = "import own maps", .fn = read_all, .arg = &read};
    return store_read(store, arena, &job);
}

const struct import_map *import_own_map(const struct import_own_maps *own, struct str name)
{
    for (size_t i = 0; i < own->count; i++) {
        if (str_eq(own->items[i].name, name))
            return &own->items[i];
    }
    return NULL;
}

bool import_is_builtin(struct str wanted)
{
    for (int i = 0; i < import_builtin_count; i++) {
        struct str name, json;
        import_builtin(i, &name, &json);
        if (str_eq(name, wanted))
            return true;
    }
    return false;
}

static bool is_own_name(struct str name)
{
    if (name.n < 1 || name.n > IMPORT_OWN_MAP_NAME_BYTES_MAX || str_trim(name).n != name.n)
        return false;
    for (size_t i = 0; i < name.n; i++) {
        if ((unsigned char)name.p[i] < 0x20 || name.p[i] == 0x7f)
            return false;
    }
    return !import_is_builtin(name);
}

/* What was found of one file is open again: the next file of the kind may differ in it. */
static void open_again(struct import_map *map)
{
    if (map->format == IMPORT_FORMAT_CSV)
        map->delimiter = STR("auto");
    if (map->header)
        map->header_row = 0;
    map->encoding = STR("auto");
}

/* Reads of the file's columns those that the map reads; the others are known. */
static void narrow(struct arena *arena, struct import_map *map, const struct str *columns,
                   int count)
{
    struct shape_map read = {ARENA_ARRAY(arena, map->columns.count + 1, struct shape_pair), 0};
    bool *used = ARENA_ARRAY(arena, (size_t)count + 1, bool);
    struct str *known = ARENA_ARRAY(arena, (size_t)count + 1, struct str);
    for (size_t i = 0; i < map->columns.count; i++) {
        const struct shape_pair *pair = &map->columns.pairs[i];
        int column = import_column_of(arena, columns, count, pair->value);
        if (column == COLUMN_NONE)
            continue;
        used[column] = true;
        read.pairs[read.count++] = (struct shape_pair){pair->key, columns[column]};
    }
    map->columns = read;
    map->known = (struct shape_list){known, 0};
    for (int i = 0; i < count; i++) {
        int64_t number;
        if (!used[i] && !import_column_number(columns[i], &number))
            known[map->known.count++] = columns[i];
    }
}

/* Of what the map needs, what it still reads; nothing named: all that it reads. */
static void need_what_is_read(struct arena *arena, struct import_map *map)
{
    const struct str *needed = map->needed.items;
    struct str *kept = ARENA_ARRAY(arena, map->needed.count + 1, struct str);
    size_t count = 0;
    for (size_t i = 0; i < map->needed.count; i++) {
        if (import_map_has(map, import_kind_by_name(needed[i])))
            kept[count++] = needed[i];
    }
    map->needed = (struct shape_list){kept, count};
}

ERR_RESULT import_own_map_save(struct tx *tx, struct str name, struct str map_json,
                               const struct str *columns, int column_count, struct str by_name)
{
    struct arena *arena = tx_arena(tx);
    struct import_map *map;
    if (!is_own_name(name))
        return ERR_NEW(arena, ERR_OWN_MAP_NAME, STR("/name"));
    TRY(import_map_of_text(arena, STR("map"), map_json, &map));
    narrow(arena, map, columns, column_count);
    need_what_is_read(arena, map);
    open_again(map);
    map->name = map->title_en = map->title_zh = name;
    map->common = false;
    map->distinctive = map->aliases = map->plain = map->doubts = (struct shape_list){NULL, 0};
    map->menu = map->file_hint = STR_NONE;
    map->notes = (struct shape_map){NULL, 0};
    return sql_order_own_map_put_run(
        tx, &(struct sql_order_own_map_put_in){name, import_map_json(arena, map), tx_now_us(tx),
                                               by_name});
}

ERR_RESULT import_own_map_delete(struct tx *tx, struct str name)
{
    int64_t changed;
    TRY(sql_order_own_map_delete_run_count(tx, &(struct sql_order_own_map_delete_in){name},
                                           &changed));
    return changed > 0 ? NULL : ERR_NEW(tx_arena(tx), ERR_OWN_MAP_UNKNOWN, STR_NONE);
}
