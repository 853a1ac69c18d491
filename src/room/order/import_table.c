#include "room/order/import_table.h"

#include <limits.h>

#include "base/arena.h"
#include "base/check.h"
#include "room/order/import_peek.h"
#include "room/order/import_sheets.h"

#define NAME_COLUMNS_MAX 24 /* of a terminal, for one column's name in an error */
#define WIDTH_ROWS_MAX 1000 /* rows that are looked at for the usual number of cells */

static struct table_options options_of(const struct import_map *map, struct str path)
{
    CHECK(map->format == IMPORT_FORMAT_TEXT || map->delimiter.n == 1);
    return (struct table_options){
        .path = path,
        .encoding = map->encoding,
        .delimiter = map->format == IMPORT_FORMAT_TEXT ? 0 : map->delimiter.p[0],
        .has_header = map->header && map->header_row == 1,
    };
}

static struct str *copy_cells(struct arena *arena, const struct table_row *row)
{
    struct str *cells = ARENA_ARRAY(arena, (size_t)row->cell_count, struct str);
    for (int i = 0; i < row->cell_count; i++)
        cells[i] = str_copy(arena, row->cells[i]);
    return cells;
}

int64_t import_line_number(int64_t line)
{
    return line % IMPORT_SHEET_LINES;
}

int import_line_sheet(int64_t line)
{
    return (int)(line / IMPORT_SHEET_LINES);
}

/* The header stands below rows of something else. */
static ERR_RESULT read_header(struct arena *arena, const struct import_map *map, struct str path,
                              struct import_table *out)
{
    struct table_row row = {0};
    const struct err *bad = NULL;
    for (int64_t i = 0; i < map->header_row && !row.end; i++)
        TRY(table_input_next(out->input, &row, &bad));
    if (row.end || bad)
        return ERR_NEW(arena, ERR_MAP_HEADER_ROW, path,
                       str_fmt(arena, "%lld", (long long)map->header_row));
    out->header = copy_cells(arena, &row);
    out->header_count = row.cell_count;
    return NULL;
}

ERR_RESULT import_table_open(struct arena *arena, const struct import_map *map, struct str path,
                             struct import_table *out)
{
    struct table_options options = options_of(map, path);
    *out = (struct import_table){0};
    TRY(table_input_open(arena, &options, &out->input));
    (void)table_input_sheets(out->input, &out->sheet_count);
    if (out->sheet_count > 0)
        return import_sheets_open(arena, map, path, out);
    out->header_row = map->header ? map->header_row : 0;
    if (map->header && !options.has_header)
        return read_header(arena, map, path, out);
    out->header = table_input_header(out->input, &out->header_count);
    return NULL;
}

ERR_RESULT import_table_next(struct import_table *table, struct table_row *row,
                             const struct err **bad)
{
    if (table->sheet_count > 0)
        return import_sheets_next(table, row, bad);
    return table_input_next(table->input, row, bad);
}

ERR_RESULT import_table_width(struct arena *arena, const struct import_map *map, struct str path,
                              int *cell_count)
{
    struct import_table table;
    struct table_row row;
    const struct err *bad;
    *cell_count = INT_MAX;
    TRY(import_table_open(arena, map, path, &table));
    for (int i = 0; i < WIDTH_ROWS_MAX && table.sheet_count == 0; i++) {
        TRY(table_input_next(table.input, &row, &bad));
        if (row.end)
            break;
        int width = row.cell_count > table.header_count ? row.cell_count : table.header_count;
        if (!bad && width < *cell_count)
            *cell_count = width;
    }
    table_input_close(table.input);
    return NULL;
}

/* --- The first rows --- */

ERR_RESULT import_peek_read(struct arena *arena, struct table_input *input,
                            struct import_peek *peek)
{
    struct table_row row;
    const struct err *bad;
    peek->encoding = str_copy(arena, table_input_encoding(input));
    while (peek->row_count < IMPORT_HEADER_ROW_MAX) {
        TRY(table_input_next(input, &row, &bad));
        if (row.end)
            break;
        struct str *keys = ARENA_ARRAY(arena, (size_t)row.cell_count, struct str);
        for (int i = 0; i < row.cell_count; i++)
            keys[i] = import_name_key(arena, row.cells[i]);
        peek->cell_count[peek->row_count] = row.cell_count;
        peek->keys[peek->row_count] = keys;
        peek->rows[peek->row_count++] = copy_cells(arena, &row);
    }
    return NULL;
}

ERR_RESULT import_peek_sheets(struct arena *arena, struct table_input *input,
                              struct import_peeks *out)
{
    int count;
    const struct table_sheet *sheets = table_input_sheets(input, &count);
    *out = (struct import_peeks){.items = ARENA_ARRAY(arena, (size_t)count, struct import_peek),
                                 .encoding = str_copy(arena, table_input_encoding(input))};
    for (int i = 0; i < count; i++) {
        if (sheets[i].hidden)
            continue;
        struct import_peek *peek = &out->items[out->count++];
        peek->sheet = i;
        TRY(table_input_select(input, i));
        TRY(import_peek_read(arena, input, peek));
    }
    return NULL;
}

ERR_RESULT import_peeks_read(struct arena *arena, struct str path, struct str encoding,
                             const char *delimiters, int count, struct import_peeks *out)
{
    *out = (struct import_peeks){.items = ARENA_ARRAY(arena, (size_t)count, struct import_peek)};
    for (int i = 0; i < count; i++) {
        struct table_options options = {path, encoding, delimiters[i], false};
        struct table_input *input;
        int sheet_count;
        TRY(table_input_open(arena, &options, &input));
        (void)table_input_sheets(input, &sheet_count);
        const struct err *err;
        out->items[out->count] = (struct import_peek){.delimiter = delimiters[i]};
        if (sheet_count > 0)
            err = import_peek_sheets(arena, input, out);
        else
            err = import_peek_read(arena, input, &out->items[out->count++]);
        table_input_close(input);
        if (err || sheet_count > 0)
            return err;
        /* A whole look at the file decides "auto": once is enough. */
        encoding = out->encoding = out->items[0].encoding;
    }
    return NULL;
}

struct str import_names_shown(struct arena *arena, const struct str *names, int count, int most)
{
    struct str *shown = ARENA_ARRAY(arena, (size_t)most + 1, struct str);
    int n = 0, named = 0;
    for (int i = 0; i < count; i++) {
        struct str name = str_trim(names[i]);
        struct str cut = str_fit(name, NAME_COLUMNS_MAX);
        if (name.n == 0 || named++ >= most)
            continue;
        shown[n++] = cut.n < name.n ? str_fmt(arena, "%.*s…", STR_ARG(cut)) : name;
    }
    if (named > most)
        shown[n++] = str_fmt(arena, "… (%d)", named);
    return str_join(arena, shown, (size_t)n, STR(", "));
}

bool import_column_is(struct arena *arena, struct str column, struct str names)
{
    struct str key = import_name_key(arena, column), rest = names;
    while (rest.p) {
        struct str name = str_trim(str_cut(rest, '|', &rest));
        if (str_eq(str_trim(column), name))
            return true;
        if (str_is(key) && str_eq(key, import_name_key(arena, name)))
            return true;
    }
    return false;
}

static int column_of_one(struct arena *arena, const struct str *header, int count, struct str name)
{
    int64_t number;
    if (import_column_number(name, &number))
        return count > 0 && number > count ? COLUMN_NONE : (int)number - 1;
    for (int i = 0; i < count; i++) {
        if (str_eq(str_trim(header[i]), name))
            return i;
    }
    struct str key = import_name_key(arena, name);
    for (int i = 0; i < count && str_is(key); i++) {
        if (str_eq(import_name_key(arena, header[i]), key))
            return i;
    }
    return COLUMN_NONE;
}

int import_column_of(struct arena *arena, const struct str *header, int count, struct str names)
{
    int column = import_column_read(arena, header, count, names);
    return column < count ? column : COLUMN_NONE;
}

int import_column_read(struct arena *arena, const struct str *header, int count, struct str names)
{
    struct str rest = names;
    while (rest.p) {
        int column = column_of_one(arena, header, count, str_trim(str_cut(rest, '|', &rest)));
        if (column != COLUMN_NONE)
            return column;
    }
    return COLUMN_NONE;
}

/* --- How a map fits --- */

/* One column of a map, by any of its names: their keys, or its number. */
struct wanted {
    struct str *keys;
    size_t key_count;
    int64_t number; /* of "#3"; 0: none */
    struct str names;
    bool needed;
};
struct wanted_list {
    struct wanted *items;
    size_t count;
};

static struct wanted wanted_of(struct arena *arena, struct str names, bool needed)
{
    struct wanted wanted = {.names = names, .needed = needed};
    struct str rest = names;
    size_t most = 1;
    for (size_t i = 0; i < names.n; i++)
        most += names.p[i] == '|';
    wanted.keys = ARENA_ARRAY(arena, most, struct str);
    while (rest.p) {
        struct str name = str_trim(str_cut(rest, '|', &rest));
        if (!import_column_number(name, &wanted.number))
            wanted.keys[wanted.key_count++] = import_name_key(arena, name);
    }
    return wanted;
}

bool import_map_needs(const struct import_map *map, enum import_kind kind)
{
    const struct str *needed = map->needed.items;
    struct str name = str_c(import_kind_info(kind)->name);
    for (size_t i = 0; i < map->needed.count; i++) {
        if (str_eq(needed[i], name))
            return true;
    }
    return map->needed.count == 0;
}

static struct wanted_list wanted_by(struct arena *arena, const struct import_map *map)
{
    const struct str *known = map->known.items;
    struct wanted_list list = {0};
    list.items = ARENA_ARRAY(arena, map->columns.count + map->known.count, struct wanted);
    for (size_t i = 0; i < map->columns.count; i++) {
        const struct shape_pair *pair = &map->columns.pairs[i];
        bool needed = import_map_needs(map, import_kind_by_name(pair->key));
        list.items[list.count++] = wanted_of(arena, pair->value, needed);
    }
    for (size_t i = 0; i < map->known.count; i++)
        list.items[list.count++] = wanted_of(arena, known[i], false);
    return list;
}

static bool is_wanted(const struct wanted *wanted, struct str key)
{
    for (size_t i = 0; str_is(key) && i < wanted->key_count; i++) {
        if (str_eq(wanted->keys[i], key))
            return true;
    }
    return false;
}

static bool is_there(const struct wanted *wanted, const struct str *keys, int count)
{
    for (int i = 0; i < count; i++) {
        if (is_wanted(wanted, keys[i]))
            return true;
    }
    return wanted->number > 0 && wanted->number <= count;
}

struct str import_first_name(struct str names)
{
    struct str rest;
    return str_trim(str_cut(names, '|', &rest));
}

static struct import_fit fit_of_row(struct arena *arena, const struct wanted_list *list,
                                    const struct import_peek *peek, int row)
{
    const struct str *keys = peek->keys[row];
    int count = peek->cell_count[row];
    struct import_fit fit = {.peek = peek, .row = row};
    fit.missing = ARENA_ARRAY(arena, list->count, struct str);
    for (int i = 0; i < count; i++) {
        bool found = false;
        for (size_t j = 0; j < list->count && !found; j++)
            found = is_wanted(&list->items[j], keys[i]);
        fit.found += found;
    }
    for (size_t j = 0; j < list->count; j++) {
        fit.needed += list->items[j].needed;
        if (list->items[j].needed && !is_there(&list->items[j], keys, count))
            fit.missing[fit.missing_count++] = import_first_name(list->items[j].names);
    }
    return fit;
}

static bool reads_delimiter(const struct import_map *map, const struct import_peek *peek)
{
    if (str_eq(peek->encoding, STR("xlsx")))
        return true;
    if (map->format == IMPORT_FORMAT_TEXT)
        return peek->delimiter == 0;
    return str_eq(map->delimiter, STR("auto")) ? peek->delimiter != 0
                                               : peek->delimiter == map->delimiter.p[0];
}

bool import_fit_is_better(const struct import_fit *a, const struct import_fit *b)
{
    if (a->row < 0 || b->row < 0)
        return a->row >= 0;
    if (!a->missing_count != !b->missing_count)
        return a->missing_count == 0;
    return a->found > b->found;
}

struct import_fit import_fit_best(struct arena *arena, const struct import_map *map,
                                  const struct import_peeks *peeks)
{
    struct import_fit best = {.map = map, .row = -1};
    struct wanted_list list = wanted_by(arena, map);
    for (int p = 0; p < peeks->count; p++) {
        const struct import_peek *peek = &peeks->items[p];
        if (!reads_delimiter(map, peek))
            continue;
        for (int row = 0; row < peek->row_count; row++) {
            if (map->header_row > 0 && row + 1 != map->header_row)
                continue;
            struct import_fit fit = fit_of_row(arena, &list, peek, row);
            if (import_fit_is_better(&fit, &best))
                best = fit;
        }
    }
    best.map = map;
    return best;
}

ERR_RESULT import_map_settle(struct arena *arena, struct str path, const struct import_map *map,
                             struct import_map *settled)
{
    static const char delimiters[] = {',', '\t', ';'};
    bool finds_delimiter = map->format == IMPORT_FORMAT_CSV && str_eq(map->delimiter, STR("auto"));
    *settled = *map;
    if (!finds_delimiter && (map->header_row > 0 || !map->header))
        return NULL;
    char own = map->format == IMPORT_FORMAT_TEXT ? 0 : map->delimiter.p[0];
    struct import_peeks peeks;
    TRY(import_peeks_read(arena, path, map->encoding, finds_delimiter ? delimiters : &own,
                          finds_delimiter ? (int)sizeof(delimiters) : 1, &peeks));
    struct import_fit fit = import_fit_best(arena, map, &peeks);
    import_fit_settle(arena, &fit, &peeks, settled);
    return NULL;
}

void import_fit_settle(struct arena *arena, const struct import_fit *fit,
                       const struct import_peeks *peeks, struct import_map *settled)
{
    bool workbook = str_eq(peeks->encoding, STR("xlsx"));
    if (settled->format == IMPORT_FORMAT_CSV && str_eq(settled->delimiter, STR("auto")))
        settled->delimiter =
            fit->row >= 0 && !workbook ? str_fmt(arena, "%c", fit->peek->delimiter) : STR(",");
    if (settled->header_row == 0 && !workbook)
        settled->header_row = fit->row >= 0 ? fit->row + 1 : 1;
    if (str_eq_nocase(settled->encoding, STR("auto")) && !workbook)
        settled->encoding = peeks->encoding;
}
