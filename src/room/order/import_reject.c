/* What was rejected: noted by line while the file is read, written in a second pass over it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "codec/file.h"
#include "room/order/import_pack.h"
#include "room/order/import_run.h"

#define RECORD_BYTES_MAX (64u << 10)
#define OUTPUT_BYTES_MAX (32u << 20)
#define PROBLEM_BYTES_MAX ((size_t)1 << 20)
#define PEEK_LINES_MAX 20
#define ADDED_COLUMNS 3

static const char *const added_columns[ADDED_COLUMNS] = {"huitou_line", IMPORT_EXPORTED_AT,
                                                         "huitou_reason"};

struct reject_output {
    struct import_run *run;
    struct arena *arena; /* of one row */
    FILE *file;
    struct str path, part_path;
    struct str exported_at;
    const struct str *header;
    int header_count;
    struct import_table table;
    struct str key, value; /* the next rejected line */
    bool has;
};

static ERR_RESULT write_head(struct reject_output *out);
static ERR_RESULT write_rows(struct reject_output *out);
static ERR_RESULT write_row(struct reject_output *out, const struct table_row *row);
static ERR_RESULT put(struct reject_output *out, const struct buf *buf);
static ERR_RESULT finish(struct reject_output *out);

/* Rows are rejected in the order of their orders' numbers, so that an earlier line may come later
 * any number of times. */
static void keep_first(struct import_run *run, int64_t line_number, const struct err *why)
{
    struct arena **arena = &run->problem_arena[why->code];
    if (*arena) {
        arena_reset(*arena);
    } else {
        *arena = arena_new("import problem", PROBLEM_BYTES_MAX);
        arena_defer(run->arena, import_free_arena, *arena);
    }
    run->problem_line[why->code] = line_number;
    run->problem_first[why->code] = err_copy(*arena, why);
}

/* A row of merged lines is rejected line by line, and comes once: its lines stand together. */
ERR_RESULT import_reject(struct import_run *run, int64_t line_number, const struct err *why)
{
    if (line_number == run->rejected_line)
        return NULL;
    run->rejected_line = line_number;
    struct arena_mark mark = arena_mark(run->scratch);
    struct buf key = buf_new(run->scratch, 8), value = buf_new(run->scratch, RECORD_BYTES_MAX);
    pack_sorted(&key, line_number);
    import_pack_err(&value, why);
    TRY(sorter_add(run->rejects, buf_view(&key), buf_view(&value)));
    arena_rewind(run->scratch, mark);
    run->result->rows_rejected++;
    bool first = run->problem_count[why->code]++ == 0 || line_number < run->problem_line[why->code];
    if (!first)
        return NULL;
    keep_first(run, line_number, why);
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

static ERR_RESULT peek_csv(struct import_run *run, int64_t *exported_at_us)
{
    struct import_table table;
    struct table_row row;
    const struct err *bad;
    int column = 0;
    TRY(import_table_open(run->scratch, run->map, run->options->path, &table));
    while (column < table.header_count && !str_eq(table.header[column], STR(IMPORT_EXPORTED_AT)))
        column++;
    if (column < table.header_count)
        TRY(import_table_next(&table, &row, &bad));
    if (column < table.header_count && !row.end && column < row.cell_count)
        (void)parse_exported_at(str_trim(row.cells[column]), exported_at_us);
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

/* A name that is free: an earlier reject file may have been corrected by hand and wait for its
 * import. */
static struct str default_path(struct import_run *run)
{
    struct str name = run->result->file_name;
    const char *ending = run->map->format == IMPORT_FORMAT_TEXT ? "txt" : "csv";
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

ERR_RESULT import_reject_write(struct import_run *run)
{
    struct reject_output *out = ARENA_NEW(run->arena, struct reject_output);
    const struct import_options *options = run->options;
    out->run = run;
    out->path = str_is(options->reject_path) ? options->reject_path : default_path(run);
    out->part_path = str_fmt(run->arena, "%.*s.part", STR_ARG(out->path));
    if (str_eq(out->path, options->path))
        return ERR_NEW(run->arena, ERR_IMPORT_REJECT_PATH, out->path);
    out->file = fopen(str_z(run->arena, out->part_path), "wb");
    if (!out->file)
        return file_failed(out);
    arena_defer(run->arena, close_output, out);
    out->arena = arena_new("rejected rows", (size_t)256 << 20);
    arena_defer(run->arena, import_free_arena, out->arena);
    out->exported_at = exported_at_text(run->arena, run->exported_at_us);
    TRY(import_table_open(run->arena, run->map, options->path, &out->table));
    out->header = out->table.header;
    out->header_count = out->table.header_count;
    TRY(write_head(out));
    TRY(write_rows(out));
    return finish(out);
}

static bool is_added(struct str name)
{
    for (int i = 0; i < ADDED_COLUMNS; i++) {
        if (str_eq(str_trim(name), str_c(added_columns[i])))
            return true;
    }
    return false;
}

/* A rejected row of a reject file gets new reasons in place of its old ones. */
static int own_cells(struct reject_output *out, const struct str *cells, int count, struct str *own)
{
    int n = 0;
    for (int i = 0; i < count; i++) {
        if (i >= out->header_count || !is_added(out->header[i]))
            own[n++] = cells[i];
    }
    return n;
}

static ERR_RESULT write_head(struct reject_output *out)
{
    struct buf buf = buf_new(out->arena, OUTPUT_BYTES_MAX);
    if (out->run->map->format == IMPORT_FORMAT_TEXT) {
        buf_fmt(&buf, "# %s %.*s\n", IMPORT_EXPORTED_AT, STR_ARG(out->exported_at));
        struct str header = str_join(out->arena, out->header, (size_t)out->header_count, STR(" "));
        if (out->header_count > 0)
            buf_fmt(&buf, "%.*s\n", STR_ARG(header));
        return put(out, &buf);
    }
    if (out->header_count == 0)
        return NULL;
    struct str *cells =
        ARENA_ARRAY(out->arena, (size_t)out->header_count + ADDED_COLUMNS, struct str);
    int count = own_cells(out, out->header, out->header_count, cells);
    for (int i = 0; i < ADDED_COLUMNS; i++)
        cells[count++] = str_c(added_columns[i]);
    csv_record(&buf, cells, count);
    return put(out, &buf);
}

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
            TRY(write_row(out, &row));
    }
}

static ERR_RESULT write_row(struct reject_output *out, const struct table_row *row)
{
    arena_reset(out->arena);
    struct unpack u = {.p = out->value.p, .end = out->value.p + out->value.n, .arena = out->arena};
    const struct err *why = import_unpack_err(&u);
    struct str en = err_text(out->arena, why, LANG_EN), zh = err_text(out->arena, why, LANG_ZH);
    struct str reason = str_fmt(out->arena, "%.*s / %.*s", STR_ARG(en), STR_ARG(zh));
    struct str line = import_line_text(out->arena, &out->run->reader, row->line_number);
    struct buf buf = buf_new(out->arena, OUTPUT_BYTES_MAX);
    if (out->run->map->format == IMPORT_FORMAT_TEXT) {
        buf_fmt(&buf, "# line %.*s: %.*s\n%.*s\n", STR_ARG(line), STR_ARG(reason),
                STR_ARG(row->raw));
        return put(out, &buf);
    }
    /* What could not be parted into cells goes whole into the first one. */
    const struct str *cells = row->cell_count > 0 ? row->cells : &row->raw;
    int count = row->cell_count > 0 ? row->cell_count : 1;
    int width = count > out->header_count ? count : out->header_count;
    struct str *own = ARENA_ARRAY(out->arena, (size_t)width + ADDED_COLUMNS, struct str);
    int n = own_cells(out, cells, count, own);
    int own_width = own_cells(out, out->header, out->header_count,
                              ARENA_ARRAY(out->arena, (size_t)width, struct str));
    while (n < own_width)
        own[n++] = STR("");
    own[n++] = line;
    own[n++] = out->exported_at;
    own[n++] = reason;
    csv_record(&buf, own, n);
    return put(out, &buf);
}

static ERR_RESULT put(struct reject_output *out, const struct buf *buf)
{
    struct str bytes = buf_view(buf);
    if (fwrite(bytes.p, 1, bytes.n, out->file) != bytes.n)
        return file_failed(out);
    return NULL;
}

static ERR_RESULT finish(struct reject_output *out)
{
    struct import_run *run = out->run;
    uint8_t hash[SECRET_HASH_BYTES];
    table_input_hash(out->table.input, hash);
    table_input_close(out->table.input);
    FILE *file = out->file;
    bool written = fflush(file) == 0 && fsync(fileno(file)) == 0;
    out->file = NULL;
    written = fclose(file) == 0 && written;
    if (!written || rename(str_z(run->arena, out->part_path), str_z(run->arena, out->path)) != 0)
        return file_failed(out);
    run->result->reject_path = out->path;
    if (memcmp(hash, run->file_hash, sizeof(hash)) != 0)
        return ERR_NEW(run->arena, ERR_IMPORT_FILE_CHANGED, run->options->path);
    return NULL;
}
