/* link: codec */
/* First byte: the delimiter. The rest is a file. Every physical line that is not blank comes back
 * in exactly one row, as it stood; what is written from a row's cells reads back the same. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/limits.h"
#include "codec/table_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct str memory_file(struct arena *arena, struct str content, int *fd)
{
    *fd = memfd_create("fuzz", MFD_CLOEXEC);
    CHECK(*fd >= 0 && write(*fd, content.p, content.n) == (ssize_t)content.n);
    return str_fmt(arena, "/proc/self/fd/%d", *fd);
}

static void check_raw(struct text_input *lines, const struct table_row *row)
{
    struct text_line line = {.number = 0};
    struct str raw = row->raw;
    for (int i = 0; i < row->line_count; i++) {
        do
            CHECK(text_input_next(lines, &line) == NULL && !line.end);
        while (line.number < row->line_number);
        struct str part = str_slice(raw, 0, line.text.n);
        CHECK(raw.n >= line.text.n && str_eq(part, line.text));
        raw = str_slice(raw, line.text.n, raw.n);
        CHECK(i == row->line_count - 1 ? raw.n == 0 : raw.n > 0 && raw.p[0] == '\n');
        if (raw.n > 0)
            raw = str_slice(raw, 1, raw.n);
    }
}

static void check_written(const struct table_row *row)
{
    struct arena *arena = arena_new("written", (size_t)64 << 20);
    struct buf buf = buf_new(arena, (size_t)16 << 20);
    struct str first = STR("x"); /* a BOM in the row is not the file's */
    csv_record(&buf, &first, 1);
    csv_record(&buf, row->cells, row->cell_count);
    int fd;
    struct table_options options = {.encoding = STR("utf-8"), .delimiter = ',', .has_header = true};
    options.path = memory_file(arena, buf_view(&buf), &fd);
    struct table_input *table;
    struct table_row again;
    const struct err *bad;
    const struct err *err = table_input_open(arena, &options, &table);
    if (!err)
        err = table_input_next(table, &again, &bad);
    CHECK(!err && !bad && again.cell_count == row->cell_count);
    for (int i = 0; i < row->cell_count; i++)
        CHECK(str_eq(again.cells[i], row->cells[i]));
    arena_free(arena);
    close(fd);
}

static void read_table(struct arena *arena, const struct table_options *options)
{
    struct table_input *table;
    struct text_input *lines;
    if (table_input_open(arena, options, &table))
        return;
    CHECK(text_input_open(arena, options->path, options->encoding, &lines) == NULL);
    int64_t next_line = 1;
    int written = 0;
    for (;;) {
        struct table_row row;
        const struct err *bad;
        if (table_input_next(table, &row, &bad) || row.end)
            return;
        CHECK(row.line_number >= next_line && row.line_count >= 1);
        CHECK(row.line_count <= TABLE_ROW_LINES_MAX && row.cell_count <= LIMIT_CELLS_MAX);
        CHECK((row.cell_count == 0) == (bad != NULL));
        next_line = row.line_number + row.line_count;
        check_raw(lines, &row);
        /* A CR before a line's end is not kept by reading; all other bytes are. */
        if (!bad && !memchr(row.raw.p, '\r', row.raw.n) && written++ < 5)
            check_written(&row);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char delimiters[] = {',', '\t', ';', '|', 0};
    if (size == 0)
        return 0;
    secret_init();
    struct arena *arena = arena_new("fuzz", (size_t)128 << 20);
    int fd;
    struct table_options options = {.encoding = STR("utf-8"), .delimiter = delimiters[data[0] % 5]};
    options.path = memory_file(arena, (struct str){(const char *)data + 1, size - 1}, &fd);
    read_table(arena, &options);
    arena_free(arena);
    close(fd);
    return 0;
}
