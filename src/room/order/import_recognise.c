/* Which built-in map a file is for: every one is held against the file's first rows. */
#include <string.h>

#include "base/arena.h"
#include "room/order/import_peek.h"

struct candidates {
    struct arena *arena;
    struct str file_name;
    struct import_peeks csv, text; /* text: cells parted by white space */
    struct import_fit best, second, nearest;
    bool tie;
};

static bool name_hints(const struct candidates *c, const struct import_map *map)
{
    return str_is(map->file_hint) && c->file_name.n >= map->file_hint.n &&
           memmem(c->file_name.p, c->file_name.n, map->file_hint.p, map->file_hint.n);
}

static int columns_of(const struct import_map *map)
{
    return (int)(map->columns.count + map->known.count);
}

/* More columns win; then the file's name. 0: nothing decides, and nothing is guessed. */
static int compare_fits(const struct candidates *c, const struct import_fit *a,
                        const struct import_fit *b)
{
    if (a->found != b->found)
        return a->found - b->found;
    return name_hints(c, a->map) - name_hints(c, b->map);
}

static void consider(struct candidates *c, const struct import_map *map)
{
    const struct import_peeks *peeks = map->format == IMPORT_FORMAT_TEXT ? &c->text : &c->csv;
    struct import_fit fit = import_fit_best(c->arena, map, peeks);
    if (fit.row < 0)
        return;
    if (fit.missing.p) {
        if (!c->nearest.map || fit.found > c->nearest.found)
            c->nearest = fit;
        return;
    }
    int order = c->best.map ? compare_fits(c, &fit, &c->best) : 1;
    if (order > 0) {
        c->second = c->best;
        c->best = fit;
        c->tie = false;
        return;
    }
    c->tie = c->tie || order == 0;
    if (!c->second.map || compare_fits(c, &fit, &c->second) > 0)
        c->second = fit;
}

static ERR_RESULT consider_all(struct candidates *c)
{
    for (int i = 0; i < import_builtin_count; i++) {
        struct str name, json;
        struct import_map *map;
        import_builtin(i, &name, &json);
        TRY(import_map_of_text(c->arena, name, json, &map));
        /* Columns without names cannot be told apart from others. */
        if (map->header)
            consider(c, map);
    }
    return NULL;
}

static struct str builtin_names(struct arena *arena)
{
    struct str *names = ARENA_ARRAY(arena, (size_t)import_builtin_count, struct str), json;
    for (int i = 0; i < import_builtin_count; i++)
        import_builtin(i, &names[i], &json);
    return str_join(arena, names, (size_t)import_builtin_count, STR(", "));
}

static ERR_RESULT not_recognised(struct candidates *c, struct str path)
{
    struct str header = STR("-"), nearest = STR("-"), missing = STR("-");
    const struct import_peek *peek = c->csv.count > 0 ? &c->csv.items[0] : NULL;
    if (c->nearest.map && c->nearest.found > 0) {
        peek = c->nearest.peek;
        nearest = str_fmt(c->arena, "%.*s (%d)", STR_ARG(c->nearest.map->name), c->nearest.found);
        missing = c->nearest.missing;
    }
    int row = c->nearest.map && c->nearest.found > 0 ? c->nearest.row : 0;
    if (peek && peek->row_count > row)
        header = str_join(c->arena, peek->rows[row], (size_t)peek->cell_count[row], STR(", "));
    return ERR_NEW(c->arena, ERR_MAP_NOT_RECOGNISED, path, header, builtin_names(c->arena), nearest,
                   missing);
}

static bool is_named(struct arena *arena, const struct import_map *map, struct str column)
{
    const struct str *known = map->known.items;
    for (size_t i = 0; i < map->columns.count; i++) {
        if (import_column_is(arena, column, map->columns.pairs[i].value))
            return true;
    }
    for (size_t i = 0; i < map->known.count; i++) {
        if (import_column_is(arena, column, known[i]))
            return true;
    }
    return false;
}

/* Each column of the file: read, known but not read, or foreign to the map. */
static void explain(const struct candidates *c, struct import_recognition *why)
{
    const struct import_fit *fit = &c->best;
    const struct str *header = fit->peek->rows[fit->row];
    int count = fit->peek->cell_count[fit->row];
    const struct import_map *map = fit->map;
    bool *read = ARENA_ARRAY(c->arena, (size_t)count, bool);
    why->found = ARENA_ARRAY(c->arena, (size_t)count, struct str);
    why->unread = ARENA_ARRAY(c->arena, (size_t)count, struct str);
    why->foreign = ARENA_ARRAY(c->arena, (size_t)count, struct str);
    why->map_columns = columns_of(map);
    for (size_t i = 0; i < map->columns.count; i++) {
        int column = import_column_of(c->arena, header, count, map->columns.pairs[i].value);
        if (column != COLUMN_NONE)
            read[column] = true;
    }
    for (int i = 0; i < count; i++) {
        struct str name = str_trim(header[i]);
        if (read[i])
            why->found[why->found_count++] = name;
        else if (is_named(c->arena, map, name))
            why->unread[why->unread_count++] = name;
        else if (str_is(name))
            why->foreign[why->foreign_count++] = name;
    }
    if (c->second.map) {
        why->next = c->second.map->name;
        why->next_columns = c->second.found;
    }
}

ERR_RESULT import_map_recognise(struct arena *arena, struct str path, struct import_map **out,
                                struct import_recognition *why)
{
    static const char delimiters[] = {',', '\t', ';'}, white_space = 0;
    struct candidates c = {.arena = arena, .file_name = path};
    const char *slash = memrchr(path.p, '/', path.n);
    if (slash)
        c.file_name = str_slice(path, (size_t)(slash - path.p) + 1, path.n);
    *why = (struct import_recognition){0};
    TRY(import_peeks_read(arena, path, STR("auto"), delimiters, (int)sizeof(delimiters), &c.csv));
    if (!str_eq(c.csv.encoding, STR("xlsx")))
        TRY(import_peeks_read(arena, path, c.csv.encoding, &white_space, 1, &c.text));
    TRY(consider_all(&c));
    if (!c.best.map)
        return not_recognised(&c, path);
    if (c.tie)
        return ERR_NEW(arena, ERR_MAP_TIE, path, c.best.map->name, c.second.map->name,
                       str_fmt(arena, "%d", c.best.found));
    if (str_is(c.best.map->instead))
        return ERR_NEW(arena, ERR_MAP_NO_ORDERS, path, c.best.map->title_en, c.best.map->title_zh,
                       c.best.map->instead);
    explain(&c, why);
    *out = ARENA_NEW(arena, struct import_map);
    **out = *c.best.map;
    import_fit_settle(arena, &c.best, c.best.map->format == IMPORT_FORMAT_TEXT ? &c.text : &c.csv,
                      *out);
    return NULL;
}
