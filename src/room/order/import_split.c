/* Rows that merge the lines of an order: "A1;A2", "soap;cream", "1;2" (Douyin's merged sub-orders).
 */
#include "base/arena.h"
#include "room/order/import_row.h"

#define SPLIT_MAX 200 /* lines that one row may merge */

/* How a cell of a kind takes part in the splitting. */
enum split_part {
    SPLIT_NOT,   /* of the order: each line has the whole */
    SPLIT_WORD,  /* text that may hold a ';' of its own */
    SPLIT_COUNT, /* cannot hold a ';' of its own, so that it says how many lines there are */
    SPLIT_SUM,   /* as SPLIT_COUNT; one part is the sum of all lines */
};
static const enum split_part split_parts[IMPORT_KIND_MAX] = {
    [IMPORT_LINE_NUMBER] = SPLIT_COUNT, [IMPORT_UNIT_PRICE] = SPLIT_COUNT,
    [IMPORT_QUANTITY] = SPLIT_SUM,      [IMPORT_LINE_AMOUNT] = SPLIT_SUM,
    [IMPORT_REFUND_AMOUNT] = SPLIT_SUM, [IMPORT_PRODUCT_CODE] = SPLIT_WORD,
    [IMPORT_PRODUCT_NAME] = SPLIT_WORD, [IMPORT_CATEGORY] = SPLIT_WORD,
    [IMPORT_STATE] = SPLIT_WORD,        [IMPORT_REFUND_STATE] = SPLIT_WORD,
};

/* Bytes of the separator at `at`, ';' or '；'; 0 where there is none. */
static size_t separator_at(struct str text, size_t at)
{
    static const struct str wide = STR_INIT("；");
    if (text.p[at] == ';')
        return 1;
    return str_starts(str_slice(text, at, text.n), wide) ? wide.n : 0;
}

/* Part `index` of a text, or (where there is no such part) how many there are in *count. A
 * separator at the very end ends the last part. */
static struct str part_of(struct str text, int index, int *count)
{
    struct str part = STR_NONE;
    size_t from = 0;
    *count = 0;
    for (size_t at = 0; at <= text.n;) {
        size_t size = at < text.n ? separator_at(text, at) : 0;
        if (at < text.n && size == 0) {
            at++;
            continue;
        }
        bool trailing = at == text.n && from == text.n && *count > 0;
        if (!trailing && (*count)++ == index)
            part = str_slice(text, from, at);
        at += size > 0 ? size : 1;
        from = at;
    }
    return part;
}

struct split {
    struct arena *arena;
    const struct import_reader *reader;
    const struct table_row *cells;
    int lines;
};

/* The cell as it stands, without what a spreadsheet put around it; absent where it is not read. */
static struct str raw_cell(const struct split *split, enum import_kind kind)
{
    int column = split->reader->columns.of_kind[kind];
    if (column == COLUMN_NONE || column >= split->cells->cell_count)
        return STR_NONE;
    struct str cell = str_trim(split->cells->cells[column]);
    if (cell.n >= 3 && str_starts(cell, STR("=\"")) && str_ends(cell, STR("\"")))
        return str_slice(cell, 2, cell.n - 1);
    return cell;
}

static int count_parts(const struct split *split, enum import_kind kind)
{
    struct str cell = raw_cell(split, kind);
    int count;
    if (!str_is(cell))
        return 1;
    (void)part_of(cell, -1, &count);
    return count;
}

/* The numbers of the lines say how many; without them the cells that can only be merged ones do. */
static int count_lines(const struct split *split)
{
    int lines = count_parts(split, IMPORT_LINE_NUMBER);
    for (int kind = 0; lines == 1 && kind < IMPORT_KIND_MAX; kind++) {
        if (split_parts[kind] == SPLIT_COUNT || split_parts[kind] == SPLIT_SUM)
            lines = count_parts(split, (enum import_kind)kind);
    }
    return lines;
}

static ERR_RESULT uneven(const struct split *split, enum import_kind kind, int count)
{
    return ERR_NEW(split->arena, ERR_IMPORT_SPLIT,
                   import_row_place(split->arena, split->reader, split->cells, kind),
                   str_fmt(split->arena, "%d", count), str_fmt(split->arena, "%d", split->lines));
}

static ERR_RESULT check_even(const struct split *split)
{
    if (split->lines > SPLIT_MAX)
        return uneven(split, IMPORT_LINE_NUMBER, SPLIT_MAX);
    for (int kind = 0; kind < IMPORT_KIND_MAX; kind++) {
        if (split_parts[kind] == SPLIT_NOT)
            continue;
        int count = count_parts(split, (enum import_kind)kind);
        if (count != 1 && count != split->lines)
            return uneven(split, (enum import_kind)kind, count);
    }
    return NULL;
}

static void split_row(const struct split *split, int line, struct table_row *row)
{
    size_t count = (size_t)split->cells->cell_count;
    *row = *split->cells;
    row->cells = ARENA_ARRAY(split->arena, count, struct str);
    for (size_t i = 0; i < count; i++)
        row->cells[i] = split->cells->cells[i];
    for (int kind = 0; kind < IMPORT_KIND_MAX; kind++) {
        struct str cell = raw_cell(split, (enum import_kind)kind);
        int parts;
        if (split_parts[kind] == SPLIT_NOT || !str_is(cell))
            continue;
        struct str part = part_of(cell, line, &parts);
        int column = split->reader->columns.of_kind[kind];
        if (parts == split->lines)
            row->cells[column] = part;
        else if (split_parts[kind] == SPLIT_SUM && line > 0)
            row->cells[column] = STR("0");
    }
}

ERR_RESULT import_row_split(struct arena *arena, const struct import_reader *reader,
                            const struct table_row *cells, struct table_row **rows, int *count)
{
    struct split split = {.arena = arena, .reader = reader, .cells = cells, .lines = 1};
    *count = 1;
    *rows = ARENA_NEW(arena, struct table_row);
    **rows = *cells;
    if (reader->columns.map->split_lines)
        split.lines = count_lines(&split);
    if (split.lines <= 1)
        return NULL;
    TRY(check_even(&split));
    *count = split.lines;
    *rows = ARENA_ARRAY(arena, (size_t)split.lines, struct table_row);
    for (int i = 0; i < split.lines; i++)
        split_row(&split, i, &(*rows)[i]);
    return NULL;
}
