/* Physical lines are read into a queue and fed to the parser one at a time, so that a row which
 * turns out to be broken gives back all lines but its first. */
#include "codec/table_input.h"

#include "base/arena.h"
#include "base/check.h"
#include "base/limits.h"
#include "codec/file_kind.h"
#include "codec/xlsx_input.h"

#include <csv.h>
#include <string.h>

/* Of the queue: the lines of one row, and the one line that is found to be too much. */
#define QUEUE_BYTES_MAX ((size_t)LIMIT_ROW_BYTES_MAX + LIMIT_LINE_BYTES_MAX + 2)
#define ROW_ARENA_BYTES_MAX ((size_t)64 << 10)
#define TABLE_ARENA_BYTES_MAX ((size_t)64 << 20)

struct queued_line {
    size_t from, n; /* in queue_text; one LF follows */
    int64_t number;
};

struct table_input {
    struct xlsx_input *workbook; /* NULL: a text file, and all below is about it */
    struct arena *arena;         /* the table's own: queue, cells */
    struct arena *row_arena;     /* why a row is bad; reset by each row */
    struct text_input *text;
    struct str path;
    char delimiter;
    bool text_end;
    bool closed;

    struct queued_line queue[TABLE_ROW_LINES_MAX];
    int queue_at, queue_count; /* the lines before queue_at belong to the row last given out */
    struct buf queue_text;

    struct csv_parser parser;
    bool row_ended; /* said by the parser */
    struct buf cell_text;
    size_t cell_end[LIMIT_CELLS_MAX]; /* in cell_text */
    int cell_count;                   /* may go beyond LIMIT_CELLS_MAX: counted, not kept */
    bool cell_too_long;
    struct str cells[LIMIT_CELLS_MAX];

    struct str *header;
    int header_count;
};

/* --- The queue of physical lines --- */

/* Drops the lines given out. */
static void queue_compact(struct table_input *table)
{
    if (table->queue_at == 0)
        return;
    int left = table->queue_count - table->queue_at;
    size_t from = left > 0 ? table->queue[table->queue_at].from : table->queue_text.n;
    size_t bytes_left = table->queue_text.n - from;
    if (bytes_left > 0)
        memmove(table->queue_text.p, table->queue_text.p + from, bytes_left);
    table->queue_text.n = bytes_left;
    for (int i = 0; i < left; i++) {
        table->queue[i] = table->queue[table->queue_at + i];
        table->queue[i].from -= from;
    }
    table->queue_at = 0;
    table->queue_count = left;
}

/* Sees to it that line `index` is in the queue; *has is false where the file has no such line. */
static const struct err *queue_need(struct table_input *table, int index, bool *has)
{
    CHECK(index <= table->queue_count && index < TABLE_ROW_LINES_MAX);
    *has = index < table->queue_count;
    if (*has || table->text_end)
        return NULL;
    struct text_line line;
    TRY(text_input_next(table->text, &line));
    if (line.end) {
        table->text_end = true;
        return NULL;
    }
    struct queued_line *queued = &table->queue[table->queue_count++];
    *queued =
        (struct queued_line){.from = table->queue_text.n, .n = line.text.n, .number = line.number};
    buf_str(&table->queue_text, line.text);
    buf_char(&table->queue_text, '\n');
    *has = true;
    return NULL;
}

static struct str queue_line(const struct table_input *table, int index)
{
    const struct queued_line *line = &table->queue[index];
    return (struct str){table->queue_text.p + line->from, line->n};
}

/* In the white-space format a CR is blank too: what is left where lines end in CR CR LF. */
static bool is_blank(const struct table_input *table, char c)
{
    if (c == '\r')
        return table->delimiter == 0;
    return (c == ' ' || c == '\t') && c != table->delimiter;
}

static bool is_passed_over(const struct table_input *table, struct str line)
{
    size_t i = 0;
    while (i < line.n && is_blank(table, line.p[i]))
        i++;
    return i == line.n || (table->delimiter == 0 && line.p[i] == '#');
}

/* --- Rows given out --- */

/* Fills in what the first `line_count` lines of the queue say, and takes them out. */
static void row_take(struct table_input *table, struct table_row *row, int line_count)
{
    const struct queued_line *first = &table->queue[0];
    const struct queued_line *last = &table->queue[line_count - 1];
    row->line_number = first->number;
    row->line_count = line_count;
    row->raw = (struct str){table->queue_text.p + first->from, last->from + last->n - first->from};
    table->queue_at = line_count;
}

static struct str row_place(struct table_input *table)
{
    return str_fmt(table->row_arena, "%.*s:%lld", STR_ARG(table->path),
                   (long long)table->queue[0].number);
}

static void row_good(struct table_input *table, struct table_row *row, int line_count)
{
    size_t from = 0;
    for (int i = 0; i < table->cell_count; i++) {
        /* An empty cell is empty, not absent, even before the first byte was ever kept. */
        const char *p = table->cell_text.p ? table->cell_text.p + from : "";
        table->cells[i] = (struct str){p, table->cell_end[i] - from};
        from = table->cell_end[i];
    }
    row->cells = table->cells;
    row->kinds = NULL;
    row->cell_count = table->cell_count;
    row_take(table, row, line_count);
}

static void row_bad(struct table_input *table, struct table_row *row, int line_count)
{
    row->cells = table->cells;
    row->kinds = NULL;
    row->cell_count = 0;
    row_take(table, row, line_count);
}

static bool row_is_too_long(const struct table_input *table, int line_count)
{
    const struct queued_line *last = &table->queue[line_count - 1];
    return last->from + last->n > LIMIT_ROW_BYTES_MAX;
}

static const struct err *row_too_long(struct table_input *table)
{
    return ERR_NEW(table->row_arena, ERR_ROW_TOO_LONG, row_place(table),
                   str_fmt(table->row_arena, "%u", LIMIT_ROW_BYTES_MAX));
}

/* A row that was read to its end, good or too large. */
static const struct err *row_end(struct table_input *table, struct table_row *row, int line_count)
{
    const struct err *bad = NULL;
    struct arena *arena = table->row_arena;
    if (row_is_too_long(table, line_count))
        bad = row_too_long(table);
    else if (table->cell_count > LIMIT_CELLS_MAX)
        bad =
            ERR_NEW(arena, ERR_ROW_CELLS, row_place(table), str_fmt(arena, "%d", LIMIT_CELLS_MAX));
    else if (table->cell_too_long)
        bad = ERR_NEW(arena, ERR_CELL_TOO_LONG, row_place(table),
                      str_fmt(arena, "%u", LIMIT_CELL_BYTES_MAX));
    if (bad)
        row_bad(table, row, line_count);
    else
        row_good(table, row, line_count);
    return bad;
}

static void cells_clear(struct table_input *table)
{
    table->cell_text.n = 0;
    table->cell_count = 0;
    table->cell_too_long = false;
}

static void cell_add(struct table_input *table, const char *bytes, size_t n)
{
    if (n > LIMIT_CELL_BYTES_MAX) {
        table->cell_too_long = true;
        n = 0;
    }
    int index = table->cell_count++;
    if (index >= LIMIT_CELLS_MAX)
        return;
    buf_add(&table->cell_text, bytes, n);
    table->cell_end[index] = table->cell_text.n;
}

/* --- White space --- */

static const struct err *row_next_blank_separated(struct table_input *table, struct table_row *row)
{
    struct str line = queue_line(table, 0);
    cells_clear(table);
    size_t i = 0;
    for (;;) {
        while (i < line.n && is_blank(table, line.p[i]))
            i++;
        size_t from = i;
        while (i < line.n && !is_blank(table, line.p[i]))
            i++;
        if (i == from)
            break;
        cell_add(table, line.p + from, i - from);
    }
    return row_end(table, row, 1);
}

/* --- CSV --- */

static void on_cell(void *bytes, size_t n, void *arg)
{
    cell_add(arg, bytes, n);
}

static void on_row(int terminator, void *arg)
{
    (void)terminator;
    struct table_input *table = arg;
    table->row_ended = true;
}

/* libcsv trims blanks around a cell; ours are kept. */
static int is_space_never(unsigned char c)
{
    (void)c;
    return 0;
}

/* Lines come without their CR; a CR that is left stands inside a cell. */
static int is_line_end(unsigned char c)
{
    return c == '\n';
}

static void parser_open(struct table_input *table)
{
    CHECK(csv_init(&table->parser, CSV_STRICT) == 0);
    csv_set_delim(&table->parser, (unsigned char)table->delimiter);
    csv_set_space_func(&table->parser, is_space_never);
    csv_set_term_func(&table->parser, is_line_end);
    csv_set_blk_size(&table->parser, 4096);
    csv_set_realloc_func(&table->parser, memory_or_end);
}

/* Forgets a row that was begun: the cells that this ends are not wanted. */
static void parser_restart(struct table_input *table)
{
    csv_fini(&table->parser, NULL, NULL, NULL);
}

/* A quote at `at`, inside a cell that did not begin with one: is there nothing but blanks before
 * it? */
static bool only_blanks_before(const struct table_input *table, struct str line, size_t at)
{
    while (at > 0 && is_blank(table, line.p[at - 1]))
        at--;
    return at == 0 || line.p[at - 1] == table->delimiter;
}

static const struct err *stray_quote(struct table_input *table, enum err_code code, int index,
                                     size_t at)
{
    struct arena *arena = table->row_arena;
    return ERR_NEW(arena, code, row_place(table),
                   str_fmt(arena, "%lld", (long long)table->queue[index].number),
                   str_fmt(arena, "%zu", at + 1));
}

/* Feeds line `index` with its LF. The strict parser stops at each quote that RFC 4180 does not
 * allow: one inside an unquoted cell can only be meant literally and is let through; any other
 * leaves it open where the cell ends. */
static const struct err *feed_line(struct table_input *table, int index)
{
    struct csv_parser *parser = &table->parser;
    struct str line = queue_line(table, index);
    line.n++;
    size_t at = 0;
    while (at < line.n) {
        at += csv_parse(parser, line.p + at, line.n - at, on_cell, on_row, table);
        if (at == line.n)
            break;
        CHECK(csv_error(parser) == CSV_EPARSE);
        if (line.p[at] != '"')
            return stray_quote(table, ERR_CSV_STRAY_QUOTE, index, at);
        if (only_blanks_before(table, line, at))
            return stray_quote(table, ERR_CSV_BLANK_BEFORE_QUOTE, index, at);
        csv_set_opts(parser, 0);
        at += csv_parse(parser, line.p + at, 1, on_cell, on_row, table);
        csv_set_opts(parser, CSV_STRICT);
    }
    return NULL;
}

/* A row that is still open after `line_count` lines: *bad says why it cannot go on, NULL where it
 * can. */
static const struct err *row_go_on(struct table_input *table, int line_count,
                                   const struct err **bad)
{
    struct arena *arena = table->row_arena;
    if (row_is_too_long(table, line_count)) {
        *bad = row_too_long(table);
        return NULL;
    }
    bool has_more = false;
    if (line_count < TABLE_ROW_LINES_MAX)
        TRY(queue_need(table, line_count, &has_more));
    if (!has_more)
        *bad = ERR_NEW(arena, ERR_CSV_UNCLOSED_QUOTE, row_place(table),
                       str_fmt(arena, "%d", TABLE_ROW_LINES_MAX));
    return NULL;
}

static const struct err *row_next_csv(struct table_input *table, struct table_row *row,
                                      const struct err **bad)
{
    cells_clear(table);
    table->row_ended = false;
    for (int line_count = 1;; line_count++) {
        *bad = feed_line(table, line_count - 1);
        if (!*bad && table->row_ended) {
            *bad = row_end(table, row, line_count);
            return NULL;
        }
        if (!*bad)
            TRY(row_go_on(table, line_count, bad));
        if (*bad) {
            parser_restart(table);
            row_bad(table, row, 1);
            return NULL;
        }
    }
}

/* --- Public --- */

const struct err *table_input_next(struct table_input *table, struct table_row *row,
                                   const struct err **bad)
{
    CHECK(!table->closed);
    if (table->workbook)
        return xlsx_input_next(table->workbook, row, bad);
    *bad = NULL;
    *row = (struct table_row){.cells = table->cells, .raw = STR_NONE};
    arena_reset(table->row_arena);
    for (;;) {
        queue_compact(table);
        bool has;
        TRY(queue_need(table, 0, &has));
        if (!has) {
            row->end = true;
            return NULL;
        }
        if (!is_passed_over(table, queue_line(table, 0)))
            break;
        table->queue_at = 1;
    }
    if (table->delimiter != 0)
        return row_next_csv(table, row, bad);
    *bad = row_next_blank_separated(table, row);
    return NULL;
}

static const struct err *header_read(struct table_input *table, struct arena *arena)
{
    struct table_row row;
    const struct err *bad;
    TRY(table_input_next(table, &row, &bad));
    if (bad)
        return err_copy(arena, bad);
    table->header = ARENA_ARRAY(arena, (size_t)row.cell_count, struct str);
    table->header_count = row.cell_count;
    for (int i = 0; i < row.cell_count; i++)
        table->header[i] = str_copy(arena, row.cells[i]);
    return NULL;
}

static void close_deferred(void *arg)
{
    table_input_close(arg);
}

static const struct err *open_workbook(struct arena *arena, struct str path,
                                       struct table_input *table)
{
    struct xlsx_options options = xlsx_options_default();
    return xlsx_input_open(arena, path, &options, &table->workbook);
}

static const struct err *open_text(struct arena *arena, const struct table_options *options,
                                   struct table_input *table)
{
    TRY(text_input_open(arena, options->path, options->encoding, &table->text));
    table->path = text_input_path(table->text);
    table->delimiter = options->delimiter;
    table->arena = arena_new("table", TABLE_ARENA_BYTES_MAX);
    table->row_arena = arena_new("table row", ROW_ARENA_BYTES_MAX);
    table->queue_text = buf_new(table->arena, QUEUE_BYTES_MAX);
    table->cell_text = buf_new(table->arena, QUEUE_BYTES_MAX);
    parser_open(table);
    return NULL;
}

const struct err *table_input_open(struct arena *arena, const struct table_options *options,
                                   struct table_input **out)
{
    CHECK(options->delimiter == 0 || strchr(",\t;|", options->delimiter));
    struct table_input *table = ARENA_NEW(arena, struct table_input);
    bool is_zip;
    TRY(file_kind_look(arena, options->path, &is_zip));
    if (is_zip)
        TRY(open_workbook(arena, options->path, table));
    else
        TRY(open_text(arena, options, table));
    arena_defer(arena, close_deferred, table);
    if (options->has_header)
        TRY(header_read(table, arena));
    table_input_widen(table, table->header_count);
    *out = table;
    return NULL;
}

const struct str *table_input_header(const struct table_input *table, int *count)
{
    *count = table->header_count;
    return table->header;
}

const struct table_sheet *table_input_sheets(const struct table_input *table, int *count)
{
    *count = 0;
    return table->workbook ? xlsx_input_sheets(table->workbook, count) : NULL;
}

const struct err *table_input_select(struct table_input *table, int sheet)
{
    CHECK(table->workbook && !table->closed);
    return xlsx_input_select(table->workbook, sheet);
}

void table_input_widen(struct table_input *table, int cell_count)
{
    if (table->workbook)
        xlsx_input_widen(table->workbook, cell_count);
}

struct str table_place(struct arena *arena, struct str path, struct str sheet, int64_t line_number)
{
    if (!sheet.p)
        return str_fmt(arena, "%.*s:%lld", STR_ARG(path), (long long)line_number);
    return str_fmt(arena, "%.*s:%.*s:%lld", STR_ARG(path), STR_ARG(sheet), (long long)line_number);
}

void table_input_progress(const struct table_input *table, int64_t *read_bytes,
                          int64_t *total_bytes)
{
    if (table->workbook)
        xlsx_input_progress(table->workbook, read_bytes, total_bytes);
    else
        text_input_progress(table->text, read_bytes, total_bytes);
}

void table_input_hash(const struct table_input *table, uint8_t out[SECRET_HASH_BYTES])
{
    if (table->workbook)
        xlsx_input_hash(table->workbook, out);
    else
        text_input_hash(table->text, out);
}

struct str table_input_encoding(const struct table_input *table)
{
    return table->workbook ? STR("xlsx") : text_input_encoding(table->text);
}

void table_input_close(struct table_input *table)
{
    if (table->closed)
        return;
    table->closed = true;
    if (table->workbook) {
        xlsx_input_close(table->workbook);
        return;
    }
    csv_free(&table->parser);
    text_input_close(table->text);
    arena_free(table->row_arena);
    arena_free(table->arena);
}

/* Blanks at the ends too: some programs drop them. */
static bool needs_quotes(struct str cell, char delimiter)
{
    if (cell.n > 0 && (strchr(" \t", cell.p[0]) || strchr(" \t", cell.p[cell.n - 1])))
        return true;
    for (size_t i = 0; i < cell.n; i++) {
        if (cell.p[i] == '"' || cell.p[i] == delimiter || cell.p[i] == '\n' || cell.p[i] == '\r')
            return true;
    }
    return false;
}

void csv_record(struct buf *buf, const struct str *cells, int count)
{
    csv_record_by(buf, cells, count, ',');
}

void csv_record_by(struct buf *buf, const struct str *cells, int count, char delimiter)
{
    for (int i = 0; i < count; i++) {
        if (i > 0)
            buf_char(buf, delimiter);
        /* A record of one empty cell would read as a blank line. */
        if (!needs_quotes(cells[i], delimiter) && !(count == 1 && cells[i].n == 0)) {
            buf_str(buf, cells[i]);
            continue;
        }
        buf_char(buf, '"');
        for (size_t k = 0; k < cells[i].n; k++) {
            if (cells[i].p[k] == '"')
                buf_char(buf, '"');
            buf_char(buf, cells[i].p[k]);
        }
        buf_char(buf, '"');
    }
    buf_str(buf, STR("\r\n"));
}
