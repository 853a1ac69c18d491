/* Which sheets of a workbook are read, and their rows one behind the other. A platform splits a
 * large export into sheets of one header, sometimes with columns in another order: the table has
 * the columns of all, and a row's cells are put where its sheet's columns stand in it. */
#include "room/order/import_sheets.h"

#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "room/order/import_peek.h"

#define MISSING_SHOWN_MAX 6

struct import_layout {
    int64_t header_row;
    const struct str *header;
    int header_count;
    int *places; /* in the table, of each of the sheet's columns; NULL: as they stand */
    struct str cells[LIMIT_CELLS_MAX];
    uint8_t kinds[LIMIT_CELLS_MAX];
};

struct sheets {
    struct arena *arena;
    const struct import_map *map;
    struct str path;
    struct import_table *table;
    struct import_peeks peeks;
    struct import_fit *fits; /* of each peek */
    struct str header[LIMIT_CELLS_MAX];
    int header_count;
    int first; /* the first sheet that is read; -1: none yet */
};

/* --- Which are read --- */

static struct import_sheet *sheet_of(const struct sheets *s, int index)
{
    return &s->table->sheets[s->peeks.items[index].sheet];
}

static void leave_out(const struct sheets *s, struct import_sheet *sheet, const struct err *why)
{
    sheet->code = why->code;
    sheet->why_en = err_text(s->arena, why, LANG_EN);
    sheet->why_zh = err_text(s->arena, why, LANG_ZH);
}

static void list_sheets(struct sheets *s)
{
    int count;
    const struct table_sheet *all = table_input_sheets(s->table->input, &count);
    s->table->sheets = ARENA_ARRAY(s->arena, (size_t)count, struct import_sheet);
    s->table->layouts = ARENA_ARRAY(s->arena, (size_t)count, struct import_layout);
    for (int i = 0; i < count; i++) {
        s->table->sheets[i] = (struct import_sheet){.name = str_copy(s->arena, all[i].name)};
        if (all[i].hidden)
            leave_out(s, &s->table->sheets[i],
                      ERR_NEW(s->arena, ERR_SHEET_HIDDEN, s->path, all[i].name));
    }
}

static bool names_columns(const struct import_map *map)
{
    int64_t number;
    for (size_t i = 0; i < map->columns.count && map->header; i++) {
        if (!import_column_number(map->columns.pairs[i].value, &number))
            return true;
    }
    return false;
}

/* The n-th column of this name, counted from 0; -1: there is none. */
static int nth_of_name(struct arena *arena, const struct str *header, int count, struct str name,
                       int n)
{
    struct str key = import_name_key(arena, name);
    for (int i = 0; i < count; i++) {
        if (str_eq(import_name_key(arena, header[i]), key) && n-- == 0)
            return i;
    }
    return COLUMN_NONE;
}

/* How many columns of the same name stand before this one. */
static int same_before(struct arena *arena, const struct str *header, int column)
{
    struct str key = import_name_key(arena, header[column]);
    int n = 0;
    for (int i = 0; i < column; i++)
        n += str_eq(import_name_key(arena, header[i]), key);
    return n;
}

static int place_of_column(struct sheets *s, const struct import_layout *layout, int column)
{
    int before = same_before(s->arena, layout->header, column);
    return nth_of_name(s->arena, s->header, s->header_count, layout->header[column], before);
}

/* A column that this sheet and those before it call differently; absent: there is none. */
static struct str other_name(const struct sheets *s, const struct import_layout *layout)
{
    for (size_t i = 0; i < s->map->columns.count; i++) {
        struct str names = s->map->columns.pairs[i].value;
        int here = import_column_of(s->arena, layout->header, layout->header_count, names);
        int there = import_column_of(s->arena, s->header, s->header_count, names);
        if (here == COLUMN_NONE || there == COLUMN_NONE)
            continue;
        if (!str_eq(import_name_key(s->arena, layout->header[here]),
                    import_name_key(s->arena, s->header[there])))
            return layout->header[here];
    }
    return STR_NONE;
}

static void add_columns(struct sheets *s, const struct import_layout *layout)
{
    for (int i = 0; i < layout->header_count; i++) {
        if (place_of_column(s, layout, i) == COLUMN_NONE && s->header_count < LIMIT_CELLS_MAX)
            s->header[s->header_count++] = layout->header[i];
    }
}

/* Takes a sheet with the header that was found in it, or none. */
static void take(struct sheets *s, int index)
{
    const struct import_fit *fit = &s->fits[index];
    int number = s->peeks.items[index].sheet;
    struct import_layout *layout = &s->table->layouts[number];
    if (s->map->header) {
        layout->header_row = fit->row + 1;
        layout->header = fit->peek->rows[fit->row];
        layout->header_count = fit->peek->cell_count[fit->row];
    }
    struct str other = s->first < 0 ? STR_NONE : other_name(s, layout);
    if (other.p) {
        leave_out(s, sheet_of(s, index),
                  ERR_NEW(s->arena, ERR_SHEET_OTHER_COLUMNS, s->path, sheet_of(s, index)->name,
                          other, s->table->sheets[s->first].name));
        return;
    }
    add_columns(s, layout);
    sheet_of(s, index)->read = true;
    if (s->first < 0)
        s->first = number;
}

static void take_fitting(struct sheets *s)
{
    for (int i = 0; i < s->peeks.count; i++) {
        const struct import_fit *fit = &s->fits[i];
        if (s->peeks.items[i].row_count == 0)
            leave_out(s, sheet_of(s, i),
                      ERR_NEW(s->arena, ERR_SHEET_EMPTY, s->path, sheet_of(s, i)->name));
        else if (fit->row >= 0 && fit->missing_count == 0 && fit->found > 0)
            take(s, i);
        else
            leave_out(s, sheet_of(s, i),
                      ERR_NEW(s->arena, ERR_SHEET_NO_TABLE, s->path, sheet_of(s, i)->name,
                              import_names_shown(s->arena, fit->missing, fit->missing_count,
                                                 MISSING_SHOWN_MAX)));
    }
}

/* Where no sheet fits: the nearest, which is held against the map by import_columns_bind. */
static void take_nearest(struct sheets *s)
{
    int best = 0;
    for (int i = 1; i < s->peeks.count; i++) {
        if (import_fit_is_better(&s->fits[i], &s->fits[best]))
            best = i;
    }
    if (s->fits[best].row < 0)
        return;
    take(s, best);
    sheet_of(s, best)->code = ERR_NONE;
}

static void take_by_number(struct sheets *s)
{
    for (int i = 1; i < s->peeks.count; i++)
        leave_out(s, sheet_of(s, i),
                  ERR_NEW(s->arena, ERR_SHEET_BY_NUMBER, s->path, sheet_of(s, i)->name));
    if (!s->map->header || s->fits[0].row >= 0)
        take(s, 0);
}

/* --- Their columns --- */

static void lay_out(struct sheets *s, struct import_layout *layout)
{
    bool as_they_stand = true;
    int *places = ARENA_ARRAY(s->arena, (size_t)layout->header_count, int);
    for (int i = 0; i < layout->header_count; i++) {
        places[i] = place_of_column(s, layout, i);
        as_they_stand = as_they_stand && places[i] == i;
    }
    layout->places = as_they_stand ? NULL : places;
}

/* Goes to the row behind a sheet's header. */
static ERR_RESULT enter(struct import_table *table, int sheet)
{
    const struct import_layout *layout = &table->layouts[sheet];
    struct table_row row = {0};
    const struct err *bad = NULL;
    TRY(table_input_select(table->input, sheet));
    for (int64_t i = 0; i < layout->header_row; i++)
        TRY(table_input_next(table->input, &row, &bad));
    table_input_widen(table->input, layout->places ? layout->header_count : table->header_count);
    return NULL;
}

ERR_RESULT import_sheets_open(struct arena *arena, const struct import_map *map, struct str path,
                              struct import_table *out)
{
    struct sheets *s = ARENA_NEW(arena, struct sheets);
    s->arena = arena;
    s->map = map;
    s->path = path;
    s->table = out;
    s->first = -1;
    list_sheets(s);
    TRY(import_peek_sheets(arena, out->input, &s->peeks));
    s->fits = ARENA_ARRAY(arena, (size_t)s->peeks.count, struct import_fit);
    for (int i = 0; i < s->peeks.count; i++) {
        struct import_peeks one = {&s->peeks.items[i], 1, s->peeks.encoding};
        s->fits[i] = import_fit_best(arena, map, &one);
    }
    if (names_columns(map))
        take_fitting(s);
    else
        take_by_number(s);
    if (s->first < 0 && names_columns(map))
        take_nearest(s);
    if (s->first < 0)
        return ERR_NEW(arena, ERR_MAP_HEADER_ROW, path,
                       str_fmt(arena, "%lld", (long long)(map->header_row ? map->header_row : 1)));
    out->header = s->header;
    out->header_count = s->header_count;
    out->header_row = out->layouts[s->first].header_row;
    for (int i = 0; i < out->sheet_count; i++) {
        if (out->sheets[i].read)
            lay_out(s, &out->layouts[i]);
    }
    return enter(out, s->first);
}

/* --- Their rows --- */

/* Puts the cells where the sheet's columns stand in the table; what stands beyond its header comes
 * behind the table's. */
static void arrange(const struct import_table *table, struct import_layout *layout,
                    struct table_row *row)
{
    int count = table->header_count + row->cell_count - layout->header_count;
    if (!layout->places || row->cell_count == 0)
        return;
    if (count < table->header_count)
        count = table->header_count;
    if (count > LIMIT_CELLS_MAX)
        count = LIMIT_CELLS_MAX;
    for (int i = 0; i < count; i++) {
        layout->cells[i] = STR("");
        layout->kinds[i] = TABLE_CELL_TEXT;
    }
    for (int i = 0; i < row->cell_count; i++) {
        int place = i < layout->header_count ? layout->places[i]
                                             : table->header_count + i - layout->header_count;
        if (place == COLUMN_NONE || place >= count)
            continue;
        layout->cells[place] = row->cells[i];
        layout->kinds[place] = row->kinds[i];
    }
    row->cells = layout->cells;
    row->kinds = layout->kinds;
    row->cell_count = count;
}

ERR_RESULT import_sheets_next(struct import_table *table, struct table_row *row,
                              const struct err **bad)
{
    TRY(table_input_next(table->input, row, bad));
    while (row->end) {
        int next = row->sheet + 1;
        while (next < table->sheet_count && !table->sheets[next].read)
            next++;
        if (next == table->sheet_count)
            return NULL;
        TRY(enter(table, next));
        TRY(table_input_next(table->input, row, bad));
    }
    struct import_sheet *sheet = &table->sheets[row->sheet];
    sheet->rows++;
    sheet->hidden_rows += row->hidden;
    row->line_number += row->sheet * IMPORT_SHEET_LINES;
    if (!*bad)
        arrange(table, &table->layouts[row->sheet], row);
    return NULL;
}

void import_table_count_rest(struct import_table *table)
{
    struct table_row row;
    const struct err *bad;
    for (int i = 0; i < table->sheet_count; i++) {
        struct import_sheet *sheet = &table->sheets[i];
        if (sheet->read)
            continue;
        const struct err *err = table_input_select(table->input, i);
        for (row.end = false; !err && !row.end; sheet->rows += !row.end && !err)
            err = table_input_next(table->input, &row, &bad);
        if (err)
            sheet->rows = -1;
    }
}

int import_table_sheet_column(const struct import_layout *layouts, int sheet, int column)
{
    const struct import_layout *layout = layouts ? &layouts[sheet] : NULL;
    for (int i = 0; layout && layout->places && i < layout->header_count; i++) {
        if (layout->places[i] == column)
            return i;
    }
    return column;
}
