/* link: codec */
/* First byte 0: the rest is a file. Else: the rest is the parts of a workbook, parted by 0xFF
 * (which no XML has): sheet, shared strings, styles, workbook, relationships; an empty one is a
 * plain one. Each row keeps what table_input.h says; its raw record reads back as its cells;
 * strings kept in memory and spilled to a file give the same rows. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "base/check.h"
#include "base/limits.h"
#include "codec/xlsx_input.h"
#include "../support/zip_stored.h"

#define SHEETS_READ_MAX 3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct str memory_file(struct arena *arena, struct str content, int *fd)
{
    *fd = memfd_create("fuzz", MFD_CLOEXEC);
    CHECK(*fd >= 0 && write(*fd, content.p, content.n) == (ssize_t)content.n);
    return str_fmt(arena, "/proc/self/fd/%d", *fd);
}

static struct str next_part(struct str *rest)
{
    struct str part = rest->p ? str_cut(*rest, '\xFF', rest) : STR_NONE;
    return part.n > 0 ? part : STR_NONE;
}

static struct str container(struct arena *arena, struct str rest)
{
    struct workbook_parts parts = {.sheet = next_part(&rest)};
    parts.strings = next_part(&rest);
    parts.styles = next_part(&rest);
    parts.workbook = next_part(&rest);
    parts.relations = next_part(&rest);
    return workbook_stored(arena, &parts);
}

static void check_raw(const struct table_row *row)
{
    struct arena *arena = arena_new("raw", (size_t)64 << 20);
    int fd;
    struct str file =
        str_fmt(arena, "x\r\n%.*s\r\n", STR_ARG(row->raw)); /* a BOM in the row is not the file's */
    struct table_options options = {.encoding = STR("utf-8"), .delimiter = ',', .has_header = true};
    options.path = memory_file(arena, file, &fd);
    struct table_input *table;
    struct table_row again;
    const struct err *bad;
    CHECK(table_input_open(arena, &options, &table) == NULL);
    CHECK(table_input_next(table, &again, &bad) == NULL && !bad);
    CHECK(again.cell_count == row->cell_count);
    for (int i = 0; i < row->cell_count; i++)
        CHECK(str_eq(again.cells[i], row->cells[i]));
    arena_free(arena);
    close(fd);
}

static void check_cell(enum table_cell kind, struct str cell)
{
    struct civil civil;
    CHECK(str_is_utf8(cell) && !memchr(cell.p, 0, cell.n) && cell.n <= LIMIT_CELL_BYTES_MAX);
    if (kind == TABLE_CELL_NUMBER) {
        double number;
        CHECK(!memchr(cell.p, 'e', cell.n) && (cell.n > 64 || str_to_f64(cell, &number)));
    }
    bool leap = str_starts(cell, STR("1900-02-29 "));
    if (kind == TABLE_CELL_TIME)
        CHECK(cell.n == 19 && (leap || civil_parse(STR("%Y-%m-%d %H:%M:%S"), cell, &civil)));
}

static void check_row(const struct table_row *row, const struct err *bad, int64_t number_before,
                      int *raws)
{
    CHECK(row->line_number > number_before && row->line_count == 1 &&
          row->cell_count <= LIMIT_CELLS_MAX);
    CHECK((row->cell_count == 0) == (bad != NULL));
    for (int i = 0; i < row->cell_count; i++)
        check_cell((enum table_cell)row->kinds[i], row->cells[i]);
    if (!bad && !memchr(row->raw.p, '\r', row->raw.n) && (*raws)++ < 3)
        check_raw(row);
}

/* Both readers come to the same row, and to the same end or error. */
static bool same_next(struct xlsx_input *one, struct xlsx_input *two, struct table_row *row,
                      const struct err **bad)
{
    struct table_row other;
    const struct err *other_bad;
    const struct err *err = xlsx_input_next(one, row, bad);
    const struct err *other_err = xlsx_input_next(two, &other, &other_bad);
    CHECK((err == NULL) == (other_err == NULL) && (err == NULL || err->code == other_err->code));
    if (err)
        return false;
    CHECK(row->end == other.end && row->cell_count == other.cell_count &&
          str_eq(row->raw, other.raw));
    return !row->end;
}

static void read_sheet(struct xlsx_input *one, struct xlsx_input *two)
{
    struct table_row row;
    const struct err *bad;
    int64_t number_before = 0, done, all;
    int raws = 0;
    while (same_next(one, two, &row, &bad)) {
        CHECK(row.sheet == xlsx_input_sheet(one));
        check_row(&row, bad, number_before, &raws);
        number_before = row.line_number;
        xlsx_input_progress(one, &done, &all);
        CHECK(done >= 0 && done <= all);
    }
}

static void read_book(struct arena *arena, struct str path)
{
    struct xlsx_options in_memory = {.strings_memory_bytes = 1 << 20,
                                     .spill_directory = "/dev/shm"};
    struct xlsx_options spilled = {.strings_memory_bytes = 8, .spill_directory = "/dev/shm"};
    struct xlsx_input *one, *two;
    const struct err *err = xlsx_input_open(arena, path, &in_memory, &one);
    if (err) {
        CHECK(err_text(arena, err, LANG_EN).n > 0 && err_text(arena, err, LANG_ZH).n > 0);
        return;
    }
    CHECK(xlsx_input_open(arena, path, &spilled, &two) == NULL);
    int sheet_count;
    (void)xlsx_input_sheets(one, &sheet_count);
    read_sheet(one, two);
    /* Once more from the beginning, wherever the reading ended, and the other sheets. */
    for (int i = 0; i < sheet_count && i < SHEETS_READ_MAX; i++) {
        err = xlsx_input_select(one, i);
        const struct err *other_err = xlsx_input_select(two, i);
        CHECK((err == NULL) == (other_err == NULL));
        if (!err)
            read_sheet(one, two);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    secret_init();
    struct arena *arena = arena_new("fuzz", (size_t)256 << 20);
    struct str rest = {(const char *)data + 1, size - 1};
    int fd;
    struct str path = memory_file(arena, data[0] == 0 ? rest : container(arena, rest), &fd);
    read_book(arena, path);
    arena_free(arena);
    close(fd);
    return 0;
}
