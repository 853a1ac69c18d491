/* What was rejected: noted by line while the file is read, written in a second pass over it so that
 * a person mends it where it stands and imports it as it is. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "codec/file.h"
#include "codec/xlsx_output.h"
#include "room/order/import_pack.h"
#include "room/order/import_run.h"

#define RECORD_BYTES_MAX (64u << 10)
#define OUTPUT_BYTES_MAX (32u << 20)
#define PROBLEM_BYTES_MAX ((size_t)1 << 20)
#define PEEK_LINES_MAX 20
#define WORKBOOK_ROWS_MAX (XLSX_ROWS_MAX - IMPORT_HEADER_ROW_MAX)
#define LONG_DIGITS 10       /* that a spreadsheet would show as a figure, or nearly */
#define NUMBER_DIGITS_MAX 15 /* that a spreadsheet's number keeps (IEEE 754 double) */

/* The columns that are added. They begin with "huitou_": what is not read, nor part of a row. */
enum added { ADDED_REASON, ADDED_CELL, ADDED_LINE, ADDED_EXPORTED_AT, ADDED_COLUMNS };
static const struct text added_columns[ADDED_COLUMNS] = {
    [ADDED_REASON] = TEXT("huitou_reason", "huitou_原因"),
    [ADDED_CELL] = TEXT("huitou_cell", "huitou_单元格"),
    [ADDED_LINE] = TEXT("huitou_line", "huitou_原行号"),
    [ADDED_EXPORTED_AT] = TEXT(IMPORT_EXPORTED_AT, "huitou_导出时间"),
};
#define ADDED_PREFIX STR("huitou_")

struct reject_output {
    struct import_run *run;
    struct arena *arena; /* of one row */
    FILE *file;          /* of text; NULL: a workbook */
    struct xlsx_output *book;
    struct str path, part_path;
    struct str exported_at;
    const struct str *header;
    int header_count;
    bool added_first; /* the added columns stand before the others */
    struct import_table table;
    struct str key, value; /* the next rejected line */
    bool has;
};
/* One row of the reject file. */
struct reject_row {
    struct str *cells;
    int count;
    int wrong; /* which of them is wrong; COLUMN_NONE: none by itself */
};

static ERR_RESULT write_head(struct reject_output *out);
static ERR_RESULT write_rows(struct reject_output *out);
static ERR_RESULT write_rejected(struct reject_output *out, const struct table_row *row);
static ERR_RESULT put(struct reject_output *out, const struct buf *buf);
static ERR_RESULT finish(struct reject_output *out);

/* Rows are rejected in the order of their orders' numbers, so that an earlier line may come later
 * any number of times. */
static void keep_first(struct import_run *run, int64_t line_number,
                       const struct import_fault *fault)
{
    enum err_code code = fault->why->code;
    struct arena **arena = &run->problem_arena[code];
    if (*arena) {
        arena_reset(*arena);
    } else {
        *arena = arena_new("import problem", PROBLEM_BYTES_MAX);
        arena_defer(run->arena, import_free_arena, *arena);
    }
    run->problem_line[code] = line_number;
    run->problem_first[code] = import_wrong_of(*arena, run, line_number, fault);
}

/* A row of merged lines is rejected line by line, and comes once: its lines stand together. */
ERR_RESULT import_reject(struct import_run *run, int64_t line_number,
                         const struct import_fault *fault)
{
    enum err_code code = fault->why->code;
    if (line_number == run->rejected_line)
        return NULL;
    run->rejected_line = line_number;
    struct arena_mark mark = arena_mark(run->scratch);
    struct buf key = buf_new(run->scratch, 8), value = buf_new(run->scratch, RECORD_BYTES_MAX);
    pack_sorted(&key, line_number);
    import_pack_fault(&value, fault);
    TRY(sorter_add(run->rejects, buf_view(&key), buf_view(&value)));
    arena_rewind(run->scratch, mark);
    run->result->rows_rejected++;
    import_preview_settle(run, line_number, IMPORT_ROW_REJECTED, fault);
    if (run->problem_count[code]++ == 0 || line_number < run->problem_line[code])
        keep_first(run, line_number, fault);
    return NULL;
}

/* --- The age that a reject file carries
 * ----------------------------------------------------------------------------- */

static bool parse_exported_at(struct str text, int64_t *time_us)
{
    struct civil civil;
    bool read = civil_parse(STR("%Y-%m-%dT%H:%M:%S.%fZ"), text, &civil) ||
                civil_parse(STR("%Y-%m-%dT%H:%M:%SZ"), text, &civil);
    if (!read)
        return false;
    int64_t day = day_of_civil(civil.year, civil.month, civil.day);
    int64_t seconds = (civil.hour * 60 + civil.minute) * 60 + civil.second;
    *time_us = day * US_PER_DAY + seconds * US_PER_SECOND + civil.microsecond;
    return true;
}

static struct str exported_at_text(struct arena *arena, int64_t time_us)
{
    struct str seconds = time_text(arena, time_us);
    int64_t rest_us = ((time_us % US_PER_SECOND) + US_PER_SECOND) % US_PER_SECOND;
    return str_fmt(arena, "%.*s.%06dZ", (int)seconds.n - 1, seconds.p, (int)rest_us);
}

static ERR_RESULT peek_text(struct import_run *run, int64_t *exported_at_us)
{
    struct text_input *input;
    struct text_line line;
    TRY(text_input_open(run->scratch, run->options->path, run->map->encoding, &input));
    for (int i = 0; i < PEEK_LINES_MAX; i++) {
        TRY(text_input_next(input, &line));
        if (line.end)
            break;
        struct str prefix = STR("# " IMPORT_EXPORTED_AT " ");
        struct str text = str_trim(line.text);
        if (str_starts(text, prefix) &&
            parse_exported_at(str_slice(text, prefix.n, text.n), exported_at_us))
            break;
    }
    text_input_close(input);
    return NULL;
}

static bool is_called(struct str name, enum added column)
{
    return str_eq(str_trim(name), str_c(added_columns[column].in[LANG_EN])) ||
           str_eq(str_trim(name), str_c(added_columns[column].in[LANG_ZH]));
}

static ERR_RESULT peek_csv(struct import_run *run, int64_t *exported_at_us)
{
    struct import_table table;
    struct table_row row = {0};
    const struct err *bad;
    int column = 0;
    TRY(import_table_open(run->scratch, run->map, run->options->path, &table));
    while (column < table.header_count && !is_called(table.header[column], ADDED_EXPORTED_AT))
        column++;
    bool found = column >= table.header_count;
    for (int i = 0; i < PEEK_LINES_MAX && !found && !row.end; i++) {
        TRY(import_table_next(&table, &row, &bad));
        found = !row.end && column < row.cell_count &&
                parse_exported_at(str_trim(row.cells[column]), exported_at_us);
    }
    table_input_close(table.input);
    return NULL;
}

ERR_RESULT import_reject_exported_at(struct import_run *run, int64_t *exported_at_us)
{
    *exported_at_us = INT64_MIN;
    if (run->map->format == IMPORT_FORMAT_TEXT)
        return peek_text(run, exported_at_us);
    return peek_csv(run, exported_at_us);
}

/* --- The second pass --- */

/* A workbook keeps what a person sees, and what they type, as it is: numbers of 19 digits, seconds,
 * characters. It has no room for everything. */
static bool is_workbook(const struct import_run *run, int header_count)
{
    struct str path = run->options->reject_path;
    if (run->map->format == IMPORT_FORMAT_TEXT || (str_is(path) && !str_ends(path, STR(".xlsx"))))
        return false;
    return str_is(path) ||
           (run->result->rows_rejected <= WORKBOOK_ROWS_MAX && header_count <= LIMIT_CELLS_MAX);
}

/* The rejects of orders.csv.rejects.xlsx are further ones of orders.csv. */
static struct str without_rejects(struct str name)
{
    static const struct str part = STR_INIT(".rejects");
    for (size_t at = name.n; at > 0; at--) {
        struct str rest = str_slice(name, at, name.n);
        bool ending = str_ends(rest, STR(".xlsx")) || str_ends(rest, STR(".csv")) ||
                      str_ends(rest, STR(".txt"));
        if (ending && str_starts(rest, part))
            return str_slice(name, 0, at);
    }
    return name;
}

/* A name that is free: an earlier reject file may have been corrected by hand and wait for its
 * import. */
static struct str default_path(struct import_run *run, bool workbook)
{
    struct str name = without_rejects(run->result->file_name);
    if (str_is(run->options->reject_folder))
        name = str_fmt(run->arena, "%.*s/%.*s", STR_ARG(run->options->reject_folder),
                       STR_ARG(name));
    const char *ending = workbook ? "xlsx" : run->map->format == IMPORT_FORMAT_TEXT ? "txt" : "csv";
    struct str path = str_fmt(run->result_arena, "%.*s.rejects.%s", STR_ARG(name), ending);
    for (int n = 2; file_exists(run->arena, path); n++)
        path = str_fmt(run->result_arena, "%.*s.rejects-%d.%s", STR_ARG(name), n, ending);
    return path;
}

static ERR_RESULT file_failed(struct reject_output *out)
{
    return ERR_NEW(out->run->arena, ERR_FILE_WRITE, out->path,
                   str_copy(out->run->arena, str_c(strerror(errno))));
}

static void close_output(void *arg)
{
    struct reject_output *out = arg;
    if (!out->file)
        return;
    fclose(out->file);
    (void)unlink(str_z(out->run->arena, out->part_path));
    out->file = NULL;
}

static ERR_RESULT open_output(struct reject_output *out)
{
    struct import_run *run = out->run;
    bool workbook = is_workbook(run, out->header_count);
    out->path =
        str_is(run->options->reject_path) ? run->options->reject_path : default_path(run, workbook);
    if (str_eq(out->path, run->options->path))
        return ERR_NEW(run->arena, ERR_IMPORT_REJECT_PATH, out->path);
    if (workbook) {
        TRY(xlsx_output_open(run->arena, out->path, &out->book));
        xlsx_output_sheet(out->book,
                          run->options->lang == LANG_ZH ? STR("被拒的行") : STR("rejected rows"));
        xlsx_output_text_only(out->book);
        return NULL;
    }
    out->part_path = str_fmt(run->arena, "%.*s.part", STR_ARG(out->path));
    out->file = fopen(str_z(run->arena, out->part_path), "wb");
    if (!out->file)
        return file_failed(out);
    arena_defer(run->arena, close_output, out);
    return NULL;
}

/* Columns that the map names by number must stay where they are. */
static bool is_by_number(const struct import_map *map)
{
    const struct import_condition *refunds = map->refund_when.items, *skips = map->skip_when.items;
    int64_t number;
    for (size_t i = 0; i < map->columns.count; i++) {
        if (import_column_number(map->columns.pairs[i].value, &number))
            return true;
    }
    for (size_t i = 0; i < map->refund_when.count; i++) {
        if (import_column_number(refunds[i].column, &number))
            return true;
    }
    for (size_t i = 0; i < map->skip_when.count; i++) {
        if (import_column_number(skips[i].column, &number))
            return true;
    }
    return false;
}

static bool is_added(const struct reject_output *out, int column)
{
    return column < out->header_count && str_starts(str_trim(out->header[column]), ADDED_PREFIX);
}

static bool is_asked(const struct reject_output *out, int column)
{
    const struct import_columns *columns = &out->run->reader.columns;
    for (size_t i = 0; i < out->run->map->refund_when.count; i++) {
        if (columns->refund_when[i] == column)
            return true;
    }
    for (size_t i = 0; i < out->run->map->skip_when.count; i++) {
        if (columns->skip_when[i] == column)
            return true;
    }
    return false;
}

static ERR_RESULT open_table(struct reject_output *out)
{
    struct import_run *run = out->run;
    TRY(import_table_open(run->arena, run->map, run->options->path, &out->table));
    out->header = out->table.header;
    out->header_count = out->table.header_count;
    out->added_first = out->header_count > 0 && !is_by_number(run->map);
    return NULL;
}

ERR_RESULT import_reject_write(struct import_run *run)
{
    struct reject_output *out = ARENA_NEW(run->arena, struct reject_output);
    out->run = run;
    out->exported_at = exported_at_text(run->arena, run->exported_at_us);
    out->arena = arena_new("rejected rows", (size_t)256 << 20);
    arena_defer(run->arena, import_free_arena, out->arena);
    TRY(open_table(out));
    TRY(open_output(out));
    TRY(write_head(out));
    TRY(write_rows(out));
    return finish(out);
}

/* --- Rows of the reject file --- */

static ERR_RESULT put(struct reject_output *out, const struct buf *buf)
{
    struct str bytes = buf_view(buf);
    if (fwrite(bytes.p, 1, bytes.n, out->file) != bytes.n)
        return file_failed(out);
    return NULL;
}

static ERR_RESULT put_csv(struct reject_output *out, const struct reject_row *row)
{
    struct buf buf = buf_new(out->arena, OUTPUT_BYTES_MAX);
    csv_record_by(&buf, row->cells, row->count, out->run->map->delimiter.p[0]);
    return put(out, &buf);
}

static void put_book(struct reject_output *out, const struct reject_row *row)
{
    for (int i = 0; i < row->count; i++) {
        if (out->added_first && i == ADDED_REASON)
            xlsx_output_paragraph(out->book, row->cells[i]);
        else if (i == row->wrong)
            xlsx_output_marked(out->book, row->cells[i]);
        else
            xlsx_output_text(out->book, row->cells[i]);
    }
}

static ERR_RESULT put_row(struct reject_output *out, const struct reject_row *row)
{
    if (!out->book)
        return put_csv(out, row);
    xlsx_output_row(out->book);
    put_book(out, row);
    return NULL;
}

/* --- Cells --- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* What a spreadsheet that opens a CSV file would make a number or a date of, and so spoil: long
 * numbers, those with zeros before them, times. */
static bool is_spoilt(struct str cell)
{
    size_t digits = 0, signs = 0;
    for (size_t i = 0; i < cell.n; i++) {
        digits += is_digit(cell.p[i]);
        signs += memchr("-/:. T", cell.p[i], 6) != NULL;
    }
    if (cell.n < 2 || !is_digit(cell.p[0]) || digits + signs != cell.n)
        return false;
    bool time =
        memchr(cell.p, '-', cell.n) || memchr(cell.p, '/', cell.n) || memchr(cell.p, ':', cell.n);
    return time || (signs == 0 && (digits >= LONG_DIGITS || cell.p[0] == '0'));
}

/* Digits that a workbook's figure has lost stay lost for whoever reads the cell as text. */
static struct str as_figure(struct arena *arena, struct str digits)
{
    return str_fmt(arena, "%c.%.*sE+%zu", digits.p[0], NUMBER_DIGITS_MAX - 1, digits.p + 1,
                   digits.n - 1);
}

static bool is_long_number(const struct table_row *row, int column)
{
    if (!row->kinds || column >= row->cell_count || row->kinds[column] != TABLE_CELL_NUMBER)
        return false;
    struct str cell = row->cells[column];
    size_t digits = 0;
    while (digits < cell.n && is_digit(cell.p[digits]))
        digits++;
    return digits == cell.n && digits > NUMBER_DIGITS_MAX;
}

/* A cell as it is written: read again it says the same. Only a map that cleans cells takes what
 * keeps digits away again. */
static struct str own_cell(const struct reject_output *out, const struct table_row *row, int column)
{
    struct str cell = row->cells[column];
    const struct import_columns *columns = &out->run->reader.columns;
    if (is_long_number(row, column))
        return as_figure(out->arena, cell);
    if (!out->run->map->clean || import_kind_of_column(columns, column, 0) == IMPORT_KIND_MAX ||
        is_asked(out, column))
        return cell;
    cell = str_trim(cell);
    bool wrapped = cell.n >= 3 && str_starts(cell, STR("=\"")) && str_ends(cell, STR("\""));
    if (wrapped)
        cell = str_slice(cell, 2, cell.n - 1);
    return !out->book && is_spoilt(cell) ? str_fmt(out->arena, "=\"%.*s\"", STR_ARG(cell)) : cell;
}

/* The cells that are the row's own, without those of an earlier reject file, and as many as the
 * header has. */
static void add_own(const struct reject_output *out, const struct table_row *cells,
                    int wrong_column, struct reject_row *row)
{
    int count = cells->cell_count > out->header_count ? cells->cell_count : out->header_count;
    for (int i = 0; i < count; i++) {
        if (is_added(out, i))
            continue;
        if (i == wrong_column)
            row->wrong = row->count;
        row->cells[row->count++] = i < cells->cell_count ? own_cell(out, cells, i) : STR("");
    }
}

static void add_added(const struct str added[ADDED_COLUMNS], struct reject_row *row)
{
    for (int i = 0; i < ADDED_COLUMNS; i++)
        row->cells[row->count++] = added[i];
}

static struct reject_row row_of(const struct reject_output *out, const struct table_row *cells,
                                int wrong_column, const struct str added[ADDED_COLUMNS])
{
    int most = cells->cell_count > out->header_count ? cells->cell_count : out->header_count;
    struct reject_row row = {.wrong = COLUMN_NONE};
    row.cells = ARENA_ARRAY(out->arena, (size_t)most + ADDED_COLUMNS, struct str);
    if (out->added_first)
        add_added(added, &row);
    add_own(out, cells, wrong_column, &row);
    if (!out->added_first)
        add_added(added, &row);
    return row;
}

/* --- The head --- */

/* The header stays in its row, since the map may say which that is. */
static ERR_RESULT write_above(struct reject_output *out)
{
    struct str name = out->run->result->file_name;
    for (int64_t i = 1; i < out->table.header_row; i++)
        TRY(put_row(out, &(struct reject_row){&name, 1, COLUMN_NONE}));
    return NULL;
}

static ERR_RESULT write_text_head(struct reject_output *out)
{
    struct buf buf = buf_new(out->arena, OUTPUT_BYTES_MAX);
    buf_fmt(&buf, "# %s %.*s\n", IMPORT_EXPORTED_AT, STR_ARG(out->exported_at));
    struct str header = str_join(out->arena, out->header, (size_t)out->header_count, STR(" "));
    if (out->header_count > 0)
        buf_fmt(&buf, "%.*s\n", STR_ARG(header));
    return put(out, &buf);
}

static ERR_RESULT write_head(struct reject_output *out)
{
    if (out->run->map->format == IMPORT_FORMAT_TEXT)
        return write_text_head(out);
    struct buf mark = buf_new(out->arena, OUTPUT_BYTES_MAX);
    buf_str(&mark, STR("\xEF\xBB\xBF")); /* without it Excel takes UTF-8 for the system's own */
    if (!out->book)
        TRY(put(out, &mark));
    if (out->header_count == 0)
        return NULL;
    struct str *names = ARENA_ARRAY(out->arena, (size_t)out->header_count, struct str);
    struct str added[ADDED_COLUMNS];
    for (int i = 0; i < ADDED_COLUMNS; i++)
        added[i] = str_c(added_columns[i].in[out->run->options->lang]);
    for (int i = 0; i < out->header_count; i++)
        names[i] = out->header[i];
    struct table_row header = {.cells = names, .cell_count = out->header_count};
    struct reject_row row = row_of(out, &header, COLUMN_NONE, added);
    if (out->table.header_row > 1) {
        TRY(write_above(out));
        return put_row(out, &row);
    }
    if (!out->book)
        return put_csv(out, &row);
    xlsx_output_header(out->book, row.cells, row.count);
    return NULL;
}

/* --- The rejected rows --- */

static ERR_RESULT next_reject(struct reject_output *out)
{
    return sorter_next(out->run->rejects, &out->key, &out->value, &out->has);
}

static ERR_RESULT write_rows(struct reject_output *out)
{
    struct table_row row;
    const struct err *bad;
    int64_t rows = 0, done, total;
    TRY(next_reject(out));
    for (;;) {
        TRY(import_table_next(&out->table, &row, &bad));
        if (row.end)
            return NULL;
        if (++rows % 4096 == 0) {
            table_input_progress(out->table.input, &done, &total);
            import_progress(out->run, "reject", done, total);
        }
        /* A line that the first pass met and this one did not: the file changed; the hash will
         * tell. */
        while (out->has && unpack_sorted(out->key) < row.line_number)
            TRY(next_reject(out));
        if (out->has && unpack_sorted(out->key) == row.line_number)
            TRY(write_rejected(out, &row));
    }
}

/* The reason alone: file, line and cell have columns of their own. */
static struct str reason_of(const struct reject_output *out, const struct err *why)
{
    struct err alone = *why;
    alone.field = STR_NONE;
    return err_text(out->arena, &alone, out->run->options->lang);
}

static ERR_RESULT write_rejected(struct reject_output *out, const struct table_row *row)
{
    arena_reset(out->arena);
    struct unpack u = {.p = out->value.p, .end = out->value.p + out->value.n, .arena = out->arena};
    struct import_fault fault = import_unpack_fault(&u);
    struct import_wrong wrong = import_wrong_of(out->arena, out->run, row->line_number, &fault);
    struct str reason = reason_of(out, fault.why);
    struct str line = import_line_text(out->arena, &out->run->reader, row->line_number);
    if (out->run->map->format == IMPORT_FORMAT_TEXT) {
        struct buf buf = buf_new(out->arena, OUTPUT_BYTES_MAX);
        buf_fmt(&buf, "# %.*s: %.*s\n%.*s\n", STR_ARG(line), STR_ARG(reason), STR_ARG(row->raw));
        return put(out, &buf);
    }
    struct str added[ADDED_COLUMNS] = {
        [ADDED_REASON] = reason,
        [ADDED_CELL] = wrong.cell.p ? str_fmt(out->arena, "%.*s %.*s", STR_ARG(wrong.column),
                                              STR_ARG(wrong.cell))
                                    : STR(""),
        [ADDED_LINE] = line,
        [ADDED_EXPORTED_AT] = out->exported_at,
    };
    /* What could not be parted into cells goes whole into the first one. */
    struct str raw = row->raw;
    struct table_row whole = {.cells = &raw, .cell_count = 1};
    struct reject_row own = row_of(out, row->cell_count > 0 ? row : &whole, fault.column, added);
    return put_row(out, &own);
}

/* --- The end --- */

static ERR_RESULT finish_text(struct reject_output *out)
{
    FILE *file = out->file;
    bool written = fflush(file) == 0 && fsync(fileno(file)) == 0;
    out->file = NULL;
    written = fclose(file) == 0 && written;
    if (!written ||
        rename(str_z(out->run->arena, out->part_path), str_z(out->run->arena, out->path)) != 0)
        return file_failed(out);
    return NULL;
}

static ERR_RESULT finish(struct reject_output *out)
{
    struct import_run *run = out->run;
    uint8_t hash[SECRET_HASH_BYTES];
    table_input_hash(out->table.input, hash);
    table_input_close(out->table.input);
    TRY(out->book ? xlsx_output_finish(out->book) : finish_text(out));
    run->result->reject_path = out->path;
    if (memcmp(hash, run->file_hash, sizeof(hash)) != 0)
        return ERR_NEW(run->arena, ERR_IMPORT_FILE_CHANGED, run->options->path);
    return NULL;
}
