/* How the import shows what stands in a file: where a cell is, what of it may be seen. */
#include <string.h>

#include "base/arena.h"
#include "room/order/import_run.h"

#define MOBILE_DIGITS 11

/* --- Places --- */

struct str import_column_letters(struct arena *arena, int column)
{
    char letters[8];
    size_t at = sizeof(letters);
    for (int64_t rest = (int64_t)column + 1; rest > 0; rest = (rest - 1) / 26)
        letters[--at] = (char)('A' + (rest - 1) % 26);
    return str_copy(arena, (struct str){letters + at, sizeof(letters) - at});
}

struct str import_column_name(struct arena *arena, const struct import_columns *columns, int column)
{
    return column < columns->name_count ? str_copy(arena, str_trim(columns->names[column]))
                                        : str_fmt(arena, "#%d", column + 1);
}

enum import_kind import_kind_of_column(const struct import_columns *columns, int column,
                                       int from_kind)
{
    for (int kind = from_kind; kind < IMPORT_KIND_MAX; kind++) {
        if (columns->of_kind[kind] == column)
            return (enum import_kind)kind;
    }
    return IMPORT_KIND_MAX;
}

struct str import_cell_name(struct arena *arena, const struct import_reader *reader, int64_t line,
                            int column)
{
    int own = import_table_sheet_column(reader->layouts, import_line_sheet(line), column);
    struct str letters = import_column_letters(arena, own);
    return str_fmt(arena, "%.*s%lld", STR_ARG(letters), (long long)import_line_number(line));
}

struct str import_line_place(struct arena *arena, const struct import_reader *reader,
                             int64_t line_number, int column)
{
    struct str place = import_place(arena, reader, line_number);
    if (column == COLUMN_NONE)
        return place;
    struct str name = import_column_name(arena, &reader->columns, column),
               cell = import_cell_name(arena, reader, line_number, column);
    return str_fmt(arena, "%.*s, %.*s (%.*s)", STR_ARG(place), STR_ARG(name), STR_ARG(cell));
}

struct str import_row_place(struct arena *arena, const struct import_reader *reader,
                            const struct table_row *cells, enum import_kind kind)
{
    int column = reader->columns.of_kind[kind];
    struct str place = import_line_place(arena, reader, cells->line_number, column);
    if (reader->wrong_column)
        *reader->wrong_column = column;
    if (column != COLUMN_NONE)
        return place;
    return str_fmt(arena, "%.*s, %s", STR_ARG(place), import_kind_info(kind)->name);
}

/* --- Cells --- */

static enum identity_kind identity_of(enum import_kind kind)
{
    if (kind == IMPORT_RECEIVER_PHONE)
        return IDENTITY_PHONE;
    return identity_kind_by_name(str_c(import_kind_info(kind)->name));
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* 13800138000 as 138****8000, wherever a run of digits is as long as a mobile's and begins as one
 * does. */
static struct str without_mobiles(struct arena *arena, struct str text)
{
    char *shown = arena_alloc(arena, text.n + 1);
    if (text.n > 0)
        memcpy(shown, text.p, text.n);
    for (size_t from = 0; from < text.n;) {
        size_t end = from;
        while (end < text.n && is_digit(text.p[end]))
            end++;
        if (end - from == MOBILE_DIGITS && text.p[from] == '1' && text.p[from + 1] >= '3')
            memset(shown + from + 3, '*', 4);
        from = end + 1;
    }
    return (struct str){shown, text.n};
}

struct str import_cell_shown(struct arena *arena, enum import_kind kind, struct str cell)
{
    bool number =
        kind == IMPORT_ORDER_NUMBER || kind == IMPORT_REFUND_OF || kind == IMPORT_LINE_NUMBER;
    if (!str_is(cell) || number)
        return str_copy(arena, cell);
    if (kind == IMPORT_BUYER_NAME)
        return customer_name_mask(arena, cell);
    if (kind < IMPORT_KIND_MAX && import_kind_info(kind)->personal)
        return identity_mask(arena, identity_of(kind), cell);
    return without_mobiles(arena, cell);
}

/* --- Rows that are wrong together --- */

/* Which of the cells such an error is about: the first of these kinds that the file has. */
static const struct {
    enum err_code code;
    enum import_kind kinds[6];
    int count;
} places[] = {
    {ERR_IMPORT_CONTRADICTS_BUYER,
     {IMPORT_UNIONID, IMPORT_OPENID, IMPORT_MEMBER_CARD, IMPORT_BUYER_ID, IMPORT_PHONE,
      IMPORT_EMAIL},
     6},
    {ERR_IMPORT_IDENTITIES, {IMPORT_ORDER_NUMBER}, 1},
    {ERR_IMPORT_TOO_MANY_LINES, {IMPORT_ORDER_NUMBER}, 1},
    {ERR_IMPORT_CONTRADICTS_STATE, {IMPORT_STATE}, 1},
    {ERR_IMPORT_CONTRADICTS_DAY, {IMPORT_ORDER_TIME, IMPORT_PAID_TIME}, 2},
    {ERR_IMPORT_CONTRADICTS_ORDER, {IMPORT_REFUND_OF}, 1},
    {ERR_IMPORT_NO_AMOUNT, {IMPORT_ORDER_AMOUNT, IMPORT_LINE_AMOUNT, IMPORT_UNIT_PRICE}, 3},
    {ERR_IMPORT_NEGATIVE, {IMPORT_ORDER_AMOUNT, IMPORT_LINE_AMOUNT, IMPORT_UNIT_PRICE}, 3},
    {ERR_IMPORT_SUM_RANGE, {IMPORT_ORDER_AMOUNT, IMPORT_LINE_AMOUNT, IMPORT_REFUND_AMOUNT}, 3},
    {ERR_IMPORT_REFUND_ZERO, {IMPORT_REFUND_AMOUNT, IMPORT_LINE_AMOUNT, IMPORT_ORDER_AMOUNT}, 3},
};

struct import_fault import_fault_of_rows(const struct import_run *run, const struct err *why)
{
    struct import_fault fault = {.why = why, .column = COLUMN_NONE};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        for (int j = 0; places[i].code == why->code && j < places[i].count; j++) {
            if (fault.column == COLUMN_NONE)
                fault.column = run->reader.columns.of_kind[places[i].kinds[j]];
        }
    }
    return fault;
}

struct import_wrong import_wrong_of(struct arena *arena, const struct import_run *run,
                                    int64_t line_number, const struct import_fault *fault)
{
    struct import_wrong wrong = {.code = fault->why->code,
                                 .line_number = import_line_number(line_number),
                                 .sheet =
                                     str_copy(arena, import_sheet_of(&run->reader, line_number))};
    for (int lang = 0; lang < LANG_MAX; lang++)
        wrong.message[lang] = err_text(arena, fault->why, (enum lang)lang);
    if (fault->value.p)
        wrong.value = str_copy(arena, fault->value);
    if (fault->column == COLUMN_NONE)
        return wrong;
    wrong.column = import_column_name(arena, &run->reader.columns, fault->column);
    wrong.cell = import_cell_name(arena, &run->reader, line_number, fault->column);
    return wrong;
}
