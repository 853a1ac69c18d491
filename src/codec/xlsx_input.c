/* The parser of the sheet pauses behind each row element; a row's cells lie in one buffer by then.
 */
#include "codec/xlsx_input.h"

#include "base/arena.h"
#include "base/check.h"
#include "base/limits.h"
#include "codec/xlsx_book.h"
#include "codec/xlsx_format.h"
#include "codec/xlsx_text.h"
#include "codec/xlsx_xml.h"

#include <stdlib.h>
#include <string.h>

/* worksheet/sheetData/row/c/v */
#define DATA_DEPTH 2
#define ROW_DEPTH 3
#define CELL_DEPTH 4
#define VALUE_DEPTH 5
#define TABLE_ARENA_BYTES_MAX ((size_t)64 << 20)
#define BAD_ARENA_BYTES_MAX ((size_t)64 << 10)
#define COLUMN_LETTERS_MAX 3

enum cell_type { CELL_N, CELL_SHARED, CELL_STR, CELL_INLINE, CELL_BOOL, CELL_ERROR, CELL_ISO };

struct cell_place {
    size_t from, n; /* in cell_text */
};

struct xlsx_input {
    struct arena *owner;     /* closes the reader: its parts are closed before its container */
    struct arena *arena;     /* the reader's own */
    struct arena *bad_arena; /* why a row is bad; reset by each row */
    struct str path;
    struct xlsx_zip *zip;
    struct xlsx_book book;
    struct xlsx_styles *styles;
    struct xlsx_strings *strings;
    struct table_sheet *sheets; /* those of the book */
    int sheet;                  /* the one that is read */
    struct xlsx_xml *xml;       /* NULL: the sheet is not opened yet */
    bool end;                   /* of the sheet */
    bool hashed, closed;
    uint8_t hash[SECRET_HASH_BYTES];

    bool in_data, in_row, row_ended, row_hidden;
    int64_t row_number, last_row_number; /* 0: none yet */
    const struct err *bad;               /* of this row, the first */

    /* The cell that is being read. */
    int column, last_column; /* from 0; -1: none in this row yet */
    enum cell_type type;
    int64_t style;
    bool in_inline;
    struct xlsx_text value;

    struct buf cell_text;
    struct cell_place places[LIMIT_CELLS_MAX];
    uint8_t kinds[LIMIT_CELLS_MAX];
    struct str cells[LIMIT_CELLS_MAX];
    int cell_count; /* up to the last that is not blank */
    int cell_count_min;
    bool has_text; /* a cell with more than blanks */
    struct buf raw;
};

/* --- Places, for errors --- */

/* A column's letters: 0 is A, 26 is AA. */
static struct str column_letters(struct arena *arena, int column)
{
    char letters[COLUMN_LETTERS_MAX + 4];
    size_t at = sizeof(letters);
    for (int left = column + 1; left > 0; left = (left - 1) / 26)
        letters[--at] = (char)('A' + (left - 1) % 26);
    return str_copy(arena, (struct str){letters + at, sizeof(letters) - at});
}

static struct str row_place(const struct xlsx_input *input, struct arena *arena)
{
    struct str sheet =
        input->book.sheet_count > 1 ? input->book.sheets[input->sheet].name : STR_NONE;
    return table_place(arena, input->path, sheet, input->row_number);
}

/* orders.xlsx:12 (C12) */
static struct str cell_place(const struct xlsx_input *input, struct arena *arena)
{
    struct str letters = column_letters(arena, input->column);
    return str_fmt(arena, "%.*s (%.*s%lld)", STR_ARG(row_place(input, arena)), STR_ARG(letters),
                   (long long)input->row_number);
}

static void fail(struct xlsx_input *input, struct str place, struct str why)
{
    xlsx_xml_fail(input->xml, ERR_NEW(input->arena, ERR_WORKBOOK_BAD, place, why));
}

static struct str limit_of(enum err_code code, struct arena *arena)
{
    if (code == ERR_SHEET_COLUMNS)
        return column_letters(arena, LIMIT_CELLS_MAX - 1);
    return str_fmt(arena, "%u",
                   code == ERR_CELL_TOO_LONG ? LIMIT_CELL_BYTES_MAX : LIMIT_ROW_BYTES_MAX);
}

/* The cell that is being read makes its row a bad one; the first that does is told. */
static void row_is_bad(struct xlsx_input *input, enum err_code code)
{
    struct arena *arena = input->bad_arena;
    if (!input->bad)
        input->bad = ERR_NEW(arena, code, cell_place(input, arena), limit_of(code, arena));
}

/* --- Cells --- */

/* Nothing but blanks of any kind; the first byte mostly says that there is more. */
static bool is_blank(struct str text)
{
    bool begins_plain = text.n > 0 && text.p[0] > ' ' && text.p[0] < 0x7F;
    return !begins_plain && str_trim(text).n == 0;
}

static void cell_put(struct xlsx_input *input, struct str text, enum table_cell kind)
{
    bool blank = is_blank(text);
    if (input->column >= LIMIT_CELLS_MAX && !blank)
        row_is_bad(input, ERR_SHEET_COLUMNS);
    if (input->column >= LIMIT_CELLS_MAX || text.n == 0)
        return;
    if (text.n > LIMIT_ROW_BYTES_MAX - input->cell_text.n) {
        row_is_bad(input, ERR_SHEET_ROW_TOO_LONG);
        return;
    }
    /* Cells that were left out before this one. */
    for (; input->cell_count <= input->column; input->cell_count++) {
        input->places[input->cell_count] = (struct cell_place){0, 0};
        input->kinds[input->cell_count] = TABLE_CELL_TEXT;
    }
    input->places[input->column] = (struct cell_place){input->cell_text.n, text.n};
    input->kinds[input->column] = (uint8_t)kind;
    buf_str(&input->cell_text, text);
    input->has_text = input->has_text || !blank;
}

static void put_shared(struct xlsx_input *input, struct str value)
{
    int64_t index;
    struct str text;
    bool is_too_long, found;
    if (!str_to_i64(str_trim(value), &index)) {
        fail(input, cell_place(input, input->arena), STR("the number of a shared string"));
        return;
    }
    const struct err *err = xlsx_strings_get(input->strings, index, &text, &is_too_long, &found);
    if (err)
        xlsx_xml_fail(input->xml, err);
    else if (!found)
        fail(input, cell_place(input, input->arena), STR("a shared string is missing"));
    else if (is_too_long)
        row_is_bad(input, ERR_CELL_TOO_LONG);
    else
        cell_put(input, text, TABLE_CELL_TEXT);
}

static void put_number(struct xlsx_input *input, struct str value)
{
    char text[XLSX_VALUE_BYTES_MAX];
    size_t n;
    enum table_cell kind;
    if (value.n > XLSX_VALUE_BYTES_MAX) {
        cell_put(input, value, TABLE_CELL_TEXT);
        return;
    }
    if (input->type == CELL_ISO)
        kind = xlsx_iso_text(value, text, &n);
    else
        kind = xlsx_number_text(value, xlsx_styles_shown(input->styles, input->style),
                                input->book.epoch_1904, text, &n);
    cell_put(input, (struct str){text, n}, kind);
}

/* The cell's value is read: it lies in input->value. */
static void cell_end(struct xlsx_input *input)
{
    struct str value = xlsx_text_view(&input->value);
    if (input->value.too_long) {
        row_is_bad(input, ERR_CELL_TOO_LONG);
        return;
    }
    if (value.n == 0)
        return;
    switch (input->type) {
    case CELL_SHARED:
        put_shared(input, value);
        return;
    case CELL_N:
    case CELL_ISO:
        put_number(input, value);
        return;
    case CELL_BOOL:
        if (str_eq(value, STR("1")) || str_eq_nocase(value, STR("true")))
            cell_put(input, STR("TRUE"), TABLE_CELL_TEXT);
        else
            cell_put(input, STR("FALSE"), TABLE_CELL_TEXT);
        return;
    case CELL_STR:
    case CELL_INLINE:
    case CELL_ERROR:
        cell_put(input, value, TABLE_CELL_TEXT);
        return;
    }
}

static enum cell_type type_of(const char *type)
{
    static const struct {
        const char *name;
        enum cell_type type;
    } types[] = {
        {"n", CELL_N},    {"s", CELL_SHARED}, {"str", CELL_STR}, {"inlineStr", CELL_INLINE},
        {"b", CELL_BOOL}, {"e", CELL_ERROR},  {"d", CELL_ISO}};
    for (size_t i = 0; type && i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(type, types[i].name) == 0)
            return types[i].type;
    }
    return CELL_N;
}

/* The column of a reference such as "AB12", or -1. */
static int column_of(const char *reference)
{
    int column = 0, letters = 0;
    for (; reference[letters] && letters <= COLUMN_LETTERS_MAX; letters++) {
        char c = reference[letters];
        if (c >= 'a' && c <= 'z')
            c = (char)(c - 'a' + 'A');
        if (c < 'A' || c > 'Z')
            break;
        column = column * 26 + (c - 'A') + 1;
    }
    if (letters == 0 || letters > COLUMN_LETTERS_MAX || column > LIMIT_WORKBOOK_COLUMNS_MAX)
        return -1;
    return column - 1;
}

static void cell_start(struct xlsx_input *input, const char **attributes)
{
    const char *reference = xlsx_attribute(attributes, "r");
    const char *style = xlsx_attribute(attributes, "s");
    xlsx_text_begin(&input->value);
    input->in_inline = false;
    input->type = type_of(xlsx_attribute(attributes, "t"));
    input->style = 0;
    if (style && !str_to_i64(str_c(style), &input->style))
        input->style = 0;
    input->column = reference ? column_of(reference) : input->last_column + 1;
    if (input->column < 0 || input->column >= LIMIT_WORKBOOK_COLUMNS_MAX) {
        struct str name =
            reference ? str_copy(input->arena, str_fit(str_c(reference), 20)) : STR("");
        fail(input, row_place(input, input->arena),
             str_fmt(input->arena, "no such column: %.*s", STR_ARG(name)));
        return;
    }
    input->last_column = input->column;
}

/* --- Rows --- */

static void row_start(struct xlsx_input *input, const char **attributes)
{
    const char *number = xlsx_attribute(attributes, "r");
    const char *hidden = xlsx_attribute(attributes, "hidden");
    input->in_row = true;
    input->row_hidden = hidden && (strcmp(hidden, "1") == 0 || strcmp(hidden, "true") == 0);
    input->row_number = input->last_row_number + 1;
    if (number && !str_to_i64(str_trim(str_c(number)), &input->row_number))
        input->row_number = 0;
    if (input->row_number <= input->last_row_number ||
        input->row_number > LIMIT_WORKBOOK_ROWS_MAX) {
        fail(input, input->path,
             str_fmt(input->arena, "the row after row %lld", (long long)input->last_row_number));
        return;
    }
    input->last_row_number = input->row_number;
    input->last_column = -1;
    input->cell_count = 0;
    input->cell_text.n = 0;
    input->has_text = false;
    input->bad = NULL;
    arena_reset(input->bad_arena);
}

static void on_start(void *arg, int depth, const char *name, const char **attributes)
{
    struct xlsx_input *input = arg;
    if (depth == DATA_DEPTH) {
        input->in_data = strcmp(name, "sheetData") == 0;
        return;
    }
    if (!input->in_data)
        return;
    if (depth == ROW_DEPTH && strcmp(name, "row") == 0)
        row_start(input, attributes);
    if (!input->in_row)
        return;
    if (depth == CELL_DEPTH && strcmp(name, "c") == 0)
        cell_start(input, attributes);
    else if (depth == VALUE_DEPTH && strcmp(name, "v") == 0 && input->type != CELL_INLINE)
        xlsx_text_run_begin(&input->value, true);
    else if (depth == VALUE_DEPTH && strcmp(name, "is") == 0)
        input->in_inline = input->type == CELL_INLINE;
    else if (depth > VALUE_DEPTH && input->in_inline)
        xlsx_text_start(&input->value, depth - VALUE_DEPTH, name, attributes);
}

static void on_end(void *arg, int depth, const char *name)
{
    struct xlsx_input *input = arg;
    if (!input->in_row)
        return;
    if (depth > VALUE_DEPTH && input->in_inline) {
        xlsx_text_end(&input->value, depth - VALUE_DEPTH, name);
    } else if (depth == VALUE_DEPTH) {
        input->in_inline = false;
        if (input->value.in_run && strcmp(name, "v") == 0)
            xlsx_text_run_end(&input->value);
    } else if (depth == CELL_DEPTH && strcmp(name, "c") == 0) {
        cell_end(input);
    } else if (depth == ROW_DEPTH) {
        input->in_row = false;
        input->row_ended = input->has_text || input->bad;
        if (input->row_ended)
            xlsx_xml_pause(input->xml);
    }
}

static void on_text(void *arg, const char *bytes, size_t n)
{
    struct xlsx_input *input = arg;
    if (input->value.in_run)
        xlsx_text_add(&input->value, bytes, n);
}

/* --- Public --- */

struct xlsx_options xlsx_options_default(void)
{
    const char *directory = getenv("TMPDIR");
    bool is_named = directory && directory[0] != '\0';
    return (struct xlsx_options){.strings_memory_bytes = LIMIT_SHARED_STRINGS_MEMORY_BYTES,
                                 .spill_directory = is_named ? directory : "/var/tmp"};
}

static void close_deferred(void *arg)
{
    xlsx_input_close(arg);
}

const struct err *xlsx_input_open(struct arena *arena, struct str path,
                                  const struct xlsx_options *options, struct xlsx_input **out)
{
    struct xlsx_zip *zip;
    TRY(xlsx_zip_open(arena, path, &zip));
    struct xlsx_input *input = ARENA_NEW(arena, struct xlsx_input);
    input->owner = arena;
    input->zip = zip;
    input->path = xlsx_zip_path(zip);
    input->arena = arena_new("workbook", TABLE_ARENA_BYTES_MAX);
    input->bad_arena = arena_new("workbook row", BAD_ARENA_BYTES_MAX);
    arena_defer(arena, close_deferred, input);
    input->value = xlsx_text_new(input->arena);
    input->cell_text = buf_new(input->arena, LIMIT_ROW_BYTES_MAX);
    /* Quotes doubled, and around each cell, and commas. */
    input->raw = buf_new(input->arena, 2 * (size_t)LIMIT_ROW_BYTES_MAX + 3 * LIMIT_CELLS_MAX + 2);
    TRY(xlsx_book_read(arena, zip, &input->book));
    TRY(xlsx_styles_read(arena, zip, input->book.styles, &input->styles));
    TRY(xlsx_strings_open(arena, zip, input->book.strings, options, &input->strings));
    input->sheets = ARENA_ARRAY(arena, (size_t)input->book.sheet_count, struct table_sheet);
    for (int i = 0; i < input->book.sheet_count; i++)
        input->sheets[i] =
            (struct table_sheet){input->book.sheets[i].name, input->book.sheets[i].hidden};
    TRY(xlsx_input_select(input, input->book.first_visible));
    *out = input;
    return NULL;
}

const struct table_sheet *xlsx_input_sheets(const struct xlsx_input *input, int *count)
{
    *count = input->book.sheet_count;
    return input->sheets;
}

int xlsx_input_sheet(const struct xlsx_input *input)
{
    return input->sheet;
}

const struct err *xlsx_input_select(struct xlsx_input *input, int sheet)
{
    CHECK(sheet >= 0 && sheet < input->book.sheet_count);
    struct xlsx_xml_handler handler = {on_start, on_end, on_text, input};
    if (input->xml)
        xlsx_xml_close(input->xml);
    input->xml = NULL;
    input->sheet = sheet;
    input->end = false;
    input->in_data = input->in_row = false;
    input->last_row_number = 0;
    input->cell_count_min = 0;
    return xlsx_xml_open(input->owner, input->zip, input->book.sheets[sheet].part, INT64_MAX,
                         &handler, &input->xml);
}

static void row_give(struct xlsx_input *input, struct table_row *row)
{
    int count = input->cell_count;
    for (int i = 0; i < count; i++) {
        struct cell_place *place = &input->places[i];
        input->cells[i] =
            place->n > 0 ? (struct str){input->cell_text.p + place->from, place->n} : STR("");
    }
    for (; count < input->cell_count_min; count++) {
        input->cells[count] = STR("");
        input->kinds[count] = TABLE_CELL_TEXT;
    }
    input->raw.n = 0;
    csv_record(&input->raw, input->cells, count);
    struct str raw = buf_view(&input->raw);
    *row = (struct table_row){.cells = input->cells,
                              .kinds = input->kinds,
                              .cell_count = input->bad ? 0 : count,
                              .line_number = input->row_number,
                              .sheet = input->sheet,
                              .hidden = input->row_hidden,
                              .line_count = 1,
                              .raw = str_slice(raw, 0, raw.n - 2)};
}

const struct err *xlsx_input_next(struct xlsx_input *input, struct table_row *row,
                                  const struct err **bad)
{
    CHECK(!input->closed);
    *bad = NULL;
    input->row_ended = false;
    bool end = input->end;
    while (!end && !input->row_ended)
        TRY(xlsx_xml_step(input->xml, &end));
    if (!input->row_ended) {
        if (!input->hashed)
            TRY(xlsx_zip_hash(input->zip, input->hash));
        input->hashed = input->end = true;
        *row = (struct table_row){
            .cells = input->cells, .raw = STR_NONE, .sheet = input->sheet, .end = true};
        return NULL;
    }
    row_give(input, row);
    *bad = input->bad;
    return NULL;
}

void xlsx_input_widen(struct xlsx_input *input, int cell_count)
{
    CHECK(cell_count <= LIMIT_CELLS_MAX);
    input->cell_count_min = cell_count;
}

void xlsx_input_progress(const struct xlsx_input *input, int64_t *read_bytes, int64_t *total_bytes)
{
    int64_t sheet_done, sheet_all, strings_done, strings_all;
    xlsx_part_progress(xlsx_xml_part(input->xml), &sheet_done, &sheet_all);
    xlsx_strings_progress(input->strings, &strings_done, &strings_all);
    double done = (double)sheet_done + (double)strings_done;
    double all = (double)sheet_all + (double)strings_all;
    *total_bytes = xlsx_zip_file_bytes(input->zip);
    *read_bytes = *total_bytes;
    if (!input->end && done < all)
        *read_bytes = (int64_t)((double)*total_bytes * (done / all));
}

void xlsx_input_hash(const struct xlsx_input *input, uint8_t out[SECRET_HASH_BYTES])
{
    CHECK(input->hashed);
    memcpy(out, input->hash, SECRET_HASH_BYTES);
}

void xlsx_input_close(struct xlsx_input *input)
{
    if (input->closed)
        return;
    input->closed = true;
    if (input->xml)
        xlsx_xml_close(input->xml);
    if (input->strings)
        xlsx_strings_close(input->strings);
    xlsx_zip_close(input->zip);
    arena_free(input->bad_arena);
    arena_free(input->arena);
}
