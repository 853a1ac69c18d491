/* Which map a file is for: every one is held against the file's first rows. */
#include <string.h>

#include "base/arena.h"
#include "room/order/import_peek.h"

#define COLUMNS_SHOWN_MAX 8 /* of the file, in an error */
#define MISSING_SHOWN_MAX 5
/* Of the columns of a saved map four in five must be there: a platform drops one now and then. */
#define OWN_FIT 4
#define OWN_FIT_OF 5
#define PAID_COLUMN "实付金额" /* a name of the map "own" that is never too plain */

/* A map held against the file. */
struct held {
    struct import_fit fit; /* fit.map NULL: none */
    bool is_distinctive;
};
struct candidates {
    struct arena *arena;
    struct str file_name;
    struct import_peeks csv, text; /* text: cells parted by white space */
    struct held *all;              /* every map of which a column is there */
    int count;
    struct import_fit best, second, common, common_tied;
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

static bool is_key_in(struct arena *arena, struct str key, const struct shape_list *names)
{
    const struct str *items = names->items;
    for (size_t i = 0; str_is(key) && i < names->count; i++) {
        if (str_eq(import_name_key(arena, items[i]), key))
            return true;
    }
    return false;
}

static bool has_distinctive(struct arena *arena, const struct import_fit *fit)
{
    for (int i = 0; i < fit->peek->cell_count[fit->row]; i++) {
        if (is_key_in(arena, fit->peek->keys[fit->row][i], &fit->map->distinctive))
            return true;
    }
    return fit->map->distinctive.count == 0;
}

/* More columns win; then the file's name. 0: nothing decides, and nothing is guessed. */
static int compare_fits(const struct candidates *c, const struct import_fit *a,
                        const struct import_fit *b)
{
    if (a->found != b->found)
        return a->found - b->found;
    return name_hints(c, a->map) - name_hints(c, b->map);
}

/* A column that is read by a plain name, and one beside it that leaves in doubt what it is. */
static bool find_doubt(struct arena *arena, const struct import_fit *fit, struct str *column,
                       struct str *beside)
{
    const struct import_map *map = fit->map;
    const struct str *header = fit->peek->rows[fit->row], *keys = fit->peek->keys[fit->row];
    int count = fit->peek->cell_count[fit->row];
    for (size_t i = 0; i < map->columns.count; i++) {
        int read = import_column_of(arena, header, count, map->columns.pairs[i].value);
        if (read == COLUMN_NONE || !is_key_in(arena, keys[read], &map->plain))
            continue;
        for (int other = 0; other < count; other++) {
            if (other == read || (!is_key_in(arena, keys[other], &map->doubts) &&
                                  !is_key_in(arena, keys[other], &map->plain)))
                continue;
            *column = str_trim(header[read]);
            *beside = str_trim(header[other]);
            return true;
        }
    }
    return false;
}

static bool is_doubtful(struct arena *arena, const struct import_fit *fit)
{
    struct str column, beside;
    return find_doubt(arena, fit, &column, &beside);
}

/* Of maps of common names one that leaves no doubt goes before one that does. */
static void consider_common(struct candidates *c, const struct import_fit *fit)
{
    int order = 1;
    if (c->common.map)
        order = is_doubtful(c->arena, &c->common) - is_doubtful(c->arena, fit);
    if (c->common.map && order == 0)
        order = fit->found - c->common.found;
    if (order == 0)
        c->common_tied = *fit;
    if (order <= 0)
        return;
    c->common = *fit;
    c->common_tied.map = NULL;
}

static void consider_fitting(struct candidates *c, const struct import_fit *fit)
{
    int order = c->best.map ? compare_fits(c, fit, &c->best) : 1;
    if (order > 0) {
        c->second = c->best;
        c->best = *fit;
        c->tie = false;
        return;
    }
    c->tie = c->tie || order == 0;
    if (!c->second.map || compare_fits(c, fit, &c->second) > 0)
        c->second = *fit;
}

static void consider(struct candidates *c, const struct import_map *map)
{
    const struct import_peeks *peeks = map->format == IMPORT_FORMAT_TEXT ? &c->text : &c->csv;
    struct held *held = &c->all[c->count];
    *held = (struct held){.fit = import_fit_best(c->arena, map, peeks)};
    if (held->fit.row < 0 || held->fit.found == 0)
        return;
    held->is_distinctive = has_distinctive(c->arena, &held->fit);
    c->count++;
    if (held->fit.missing_count > 0 || !held->is_distinctive)
        return;
    if (map->common)
        consider_common(c, &held->fit);
    else
        consider_fitting(c, &held->fit);
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

/* --- Where none fits --- */

/* A map of orders that has at least half of what it needs. */
static bool is_near(const struct held *held)
{
    return !str_is(held->fit.map->instead) && held->fit.needed > 0 &&
           2 * held->fit.missing_count <= held->fit.needed;
}

/* The nearer first: one that has half of what it needs; of these one that names what only its
 * platform has, then the one that misses least, then the one that knows most. */
static bool is_nearer(const struct held *a, const struct held *b)
{
    bool a_own = a->is_distinctive && a->fit.map->distinctive.count > 0;
    bool b_own = b->is_distinctive && b->fit.map->distinctive.count > 0;
    if (is_near(a) != is_near(b))
        return is_near(a);
    if (a_own != b_own)
        return a_own;
    if (a->fit.missing_count != b->fit.missing_count)
        return a->fit.missing_count < b->fit.missing_count;
    return a->fit.found > b->fit.found;
}

static void sort_by_nearness(struct candidates *c)
{
    for (int i = 1; i < c->count; i++) {
        for (int j = i; j > 0 && is_nearer(&c->all[j], &c->all[j - 1]); j--) {
            struct held swap = c->all[j];
            c->all[j] = c->all[j - 1];
            c->all[j - 1] = swap;
        }
    }
}

static void list_candidates(const struct candidates *c, struct import_recognition *why)
{
    for (int i = 0; i < c->count && why->candidate_count < IMPORT_CANDIDATES_MAX; i++) {
        const struct held *held = &c->all[i];
        const struct import_map *map = held->fit.map;
        why->candidates[why->candidate_count++] =
            (struct import_candidate){.name = map->name,
                                      .title_en = map->title_en,
                                      .title_zh = map->title_zh,
                                      .columns = held->fit.found,
                                      .is_distinctive = held->is_distinctive,
                                      .missing = held->fit.missing,
                                      .missing_count = held->fit.missing_count};
    }
}

static struct str header_shown(const struct candidates *c, const struct held *nearest)
{
    const struct import_peek *peek = nearest ? nearest->fit.peek : &c->csv.items[0];
    int row = nearest ? nearest->fit.row : 0;
    if (c->csv.count == 0 || peek->row_count <= row)
        return STR("-");
    return import_names_shown(c->arena, peek->rows[row], peek->cell_count[row], COLUMNS_SHOWN_MAX);
}

static ERR_RESULT not_recognised(struct candidates *c, struct str path)
{
    const struct held *nearest = c->count > 0 ? &c->all[0] : NULL;
    if (!nearest || !is_near(nearest))
        return ERR_NEW(c->arena, ERR_MAP_NOT_RECOGNISED, path, header_shown(c, nearest),
                       STR("订单号, 下单时间, " PAID_COLUMN));
    const struct import_map *map = nearest->fit.map;
    struct str missing = import_names_shown(c->arena, nearest->fit.missing,
                                            nearest->fit.missing_count, MISSING_SHOWN_MAX);
    if (!nearest->is_distinctive && nearest->fit.missing_count == 0)
        missing = import_names_shown(c->arena, map->distinctive.items, (int)map->distinctive.count,
                                     MISSING_SHOWN_MAX);
    return ERR_NEW(c->arena, ERR_MAP_NEARLY_FITS, path, header_shown(c, nearest),
                   str_fmt(c->arena, "%.*s (%.*s)", STR_ARG(map->name), STR_ARG(map->title_zh)),
                   missing, str_is(map->menu) ? map->menu : STR("-"));
}

/* --- Why one does --- */

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
    why->common = map->common;
    if (c->second.map) {
        why->next = c->second.map->name;
        why->next_columns = c->second.found;
    }
}

/* A platform's map goes before one of common names; so does another kind of export that is known,
 * unless the common names say more of the file. */
static ERR_RESULT choose(struct candidates *c, struct str path)
{
    struct arena *arena = c->arena;
    struct str column, beside;
    bool refused = c->best.map && str_is(c->best.map->instead);
    if (c->common.map && (!c->best.map || (refused && c->common.found > c->best.found))) {
        if (find_doubt(arena, &c->common, &column, &beside))
            return ERR_NEW(arena, ERR_MAP_DOUBTFUL, path, column, beside, c->common.map->name,
                           STR(PAID_COLUMN));
        c->second = c->common_tied.map ? c->common_tied : c->best;
        c->best = c->common;
        c->tie = c->common_tied.map != NULL;
        refused = false;
    }
    if (!c->best.map)
        return not_recognised(c, path);
    if (refused)
        return ERR_NEW(arena, ERR_MAP_NO_ORDERS, path, c->best.map->title_en,
                       c->best.map->title_zh, c->best.map->instead);
    if (c->tie)
        return ERR_NEW(arena, ERR_MAP_TIE, path, c->best.map->name, c->second.map->name,
                       str_fmt(arena, "%d", c->best.found));
    return NULL;
}

/* --- The brand's own maps --- */

/* A map that was saved by a person goes before all others, where the file is really of its kind. */
static bool fits_own(const struct import_fit *fit)
{
    return fit->row >= 0 && fit->missing_count == 0 && fit->found > 0 &&
           fit->found * OWN_FIT_OF >= columns_of(fit->map) * OWN_FIT;
}

static bool choose_own(struct candidates *c, const struct import_own_maps *own)
{
    struct import_fit best = {.row = -1};
    for (size_t i = 0; own && i < own->count; i++) {
        const struct import_map *map = &own->items[i];
        struct import_fit fit =
            import_fit_best(c->arena, map, map->format == IMPORT_FORMAT_TEXT ? &c->text : &c->csv);
        if (fits_own(&fit) && (best.row < 0 || fit.found > best.found))
            best = fit;
    }
    if (best.row < 0)
        return false;
    c->second = c->best;
    c->best = best;
    return true;
}

ERR_RESULT import_map_recognise(struct arena *arena, struct str path,
                                const struct import_own_maps *own, struct import_map **out,
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
    c.all = ARENA_ARRAY(arena, (size_t)import_builtin_count, struct held);
    TRY(consider_all(&c));
    sort_by_nearness(&c);
    list_candidates(&c, why);
    if (!choose_own(&c, own))
        TRY(choose(&c, path));
    explain(&c, why);
    *out = ARENA_NEW(arena, struct import_map);
    **out = *c.best.map;
    import_fit_settle(arena, &c.best, c.best.map->format == IMPORT_FORMAT_TEXT ? &c.text : &c.csv,
                      *out);
    return NULL;
}
