/* link: job */
/* A file as listing, restore and drill read it. First byte 0: the rest is the file, as it is. 1: the rest is what stands
 * before the trailer, which is made as archive.h says, so that what lies behind the comparison is reached. Else: the rest is
 * parts, each a length of its name, the name, four bytes of its size as the head claims it and four as it is (low 20 bits),
 * its bytes; heads and trailer are made to fit.
 * No part reaches beyond the file; reading in small and in large pieces gives the same bytes; what is refused says why. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/check.h"
#include "codec/archive.h"
#include "job/backup.h"

#define BLOCK 512
#define UNPACKED_BYTES_MAX ((int64_t)64 << 10) /* of a part: gzip makes 1000 bytes of one */
#define PARTS_MAX 1000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* --- Making a file --- */

static void add_zeros(struct buf *out)
{
    while (out->n % BLOCK != 0)
        buf_char(out, '\0');
}

/* The head of a part as POSIX.1-1988 has it: name, mode, ids, size, time, checksum, kind, "ustar". */
static void add_head(struct buf *out, const char name[100], unsigned size)
{
    char head[BLOCK] = {0};
    unsigned sum = 0;
    memcpy(head, name, 99);
    snprintf(head + 100, 8, "%07o", 0600u);
    snprintf(head + 108, 8, "%07o", 0u);
    snprintf(head + 116, 8, "%07o", 0u);
    snprintf(head + 124, 12, "%011o", size);
    snprintf(head + 136, 12, "%011o", 0u);
    memset(head + 148, ' ', 8);
    head[156] = '0';
    memcpy(head + 257, "ustar", 6);
    memcpy(head + 263, "00", 2);
    for (int i = 0; i < BLOCK; i++)
        sum += (unsigned char)head[i];
    snprintf(head + 148, 7, "%06o", sum);
    buf_add(out, head, sizeof(head));
}

static unsigned take_number(const uint8_t **at, const uint8_t *end)
{
    unsigned number = 0;
    for (int i = 0; i < 4 && *at < end; i++)
        number = number << 8 | *(*at)++;
    return number & 0xfffff;
}

static void add_parts(struct buf *out, const uint8_t *at, const uint8_t *end)
{
    while (at < end) {
        char name[100] = {0};
        size_t name_n = *at++ % 100u, left = (size_t)(end - at);
        if (name_n > left)
            name_n = left;
        memcpy(name, at, name_n);
        at += name_n;
        unsigned claimed = take_number(&at, end), n = take_number(&at, end);
        left = (size_t)(end - at);
        n = n < left ? n : (unsigned)left;
        add_head(out, name, claimed);
        buf_add(out, (const char *)at, n);
        add_zeros(out);
        at += n;
    }
}

static void add_trailer(struct arena *arena, struct buf *out)
{
    struct secret_sha256 *hash = secret_sha256_new(arena);
    uint8_t sha256[SECRET_SHA256_BYTES];
    char name[100] = ARCHIVE_PART_SHA256;
    add_zeros(out);
    secret_sha256_add(hash, out->p, out->n);
    secret_sha256_end(hash, sha256);
    add_head(out, name, 2 * SECRET_SHA256_BYTES + 1);
    for (int i = 0; i < SECRET_SHA256_BYTES; i++)
        buf_fmt(out, "%02x", sha256[i]);
    buf_char(out, '\n');
    add_zeros(out);
    for (int i = 0; i < 2 * BLOCK; i++)
        buf_char(out, '\0');
}

static struct str file_of(struct arena *arena, const uint8_t *data, size_t size)
{
    struct buf out = buf_new(arena, (size_t)64 << 20);
    if (data[0] <= 1)
        buf_add(&out, (const char *)data + 1, size - 1);
    else
        add_parts(&out, data + 1, data + size);
    if (data[0] > 0)
        add_trailer(arena, &out);
    return out.n ? buf_view(&out) : STR("");
}

static struct str memory_file(struct arena *arena, struct str content, int *fd)
{
    *fd = memfd_create("fuzz", MFD_CLOEXEC);
    CHECK(*fd >= 0 && write(*fd, content.p, content.n) == (ssize_t)content.n);
    return str_fmt(arena, "/proc/self/fd/%d", *fd);
}

/* --- Reading it --- */

static void check_error(struct arena *arena, const struct err *err)
{
    CHECK(str_is_utf8(err_text(arena, err, LANG_EN)) && err_text(arena, err, LANG_EN).n > 0);
    CHECK(str_is_utf8(err_text(arena, err, LANG_ZH)) && err_text(arena, err, LANG_ZH).n > 0);
}

/* What reading came to: the same for pieces of any size. */
struct reading {
    int64_t bytes;
    unsigned sum; /* FNV-1a over names and bytes */
    int parts;
    bool whole, cut_short; /* cut_short: a part unpacks to more than is read here */
};

static void add_to_sum(struct reading *reading, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    for (size_t i = 0; i < n; i++)
        reading->sum = (reading->sum ^ p[i]) * 16777619u;
}

/* False: the part cannot be read to its end. */
static bool read_part(struct archive_reader *reader, char *piece, size_t piece_bytes, struct reading *reading)
{
    int64_t of_part = 0;
    for (;;) {
        size_t n = piece_bytes + 1;
        if (archive_read(reader, piece, piece_bytes, &n))
            return false;
        CHECK(n <= piece_bytes);
        if (n == 0)
            return true;
        add_to_sum(reading, piece, n);
        reading->bytes += (int64_t)n;
        of_part += (int64_t)n;
        if (of_part > UNPACKED_BYTES_MAX) {
            reading->cut_short = true;
            return false;
        }
    }
}

static struct reading read_all(struct arena *arena, struct str path, size_t piece_bytes)
{
    struct archive_reader *reader;
    struct reading reading = {.sum = 2166136261u};
    char *piece = arena_alloc(arena, piece_bytes);
    if (archive_open(arena, path, &reader))
        return reading;
    int64_t before = 0;
    for (;;) {
        struct str name;
        bool has = true;
        if (reading.parts == PARTS_MAX || archive_next(reader, &name, &has))
            break;
        reading.whole = !has;
        if (!has)
            break;
        CHECK(name.n <= ARCHIVE_NAME_BYTES_MAX);
        add_to_sum(&reading, name.p, name.n);
        reading.parts++;
        if (!read_part(reader, piece, piece_bytes, &reading))
            break;
        CHECK(str_ends(name, STR(".gz")) || reading.bytes - before <= archive_bytes(reader));
        before = reading.bytes;
    }
    archive_close(reader);
    return reading;
}

/* Parts that nobody reads are passed over. */
static void pass_over(struct arena *arena, struct str path)
{
    struct archive_reader *reader;
    struct str name, small;
    bool has = true;
    if (archive_open(arena, path, &reader))
        return;
    for (int i = 0; has && i < PARTS_MAX; i++) {
        if (archive_next(reader, &name, &has))
            break;
        if (has && i % 2 == 0 && archive_read_all(reader, 5000, &small))
            break;
        CHECK(!has || i % 2 != 0 || small.n <= 5000);
    }
    archive_close(reader);
}

/* As listing sees it, and restore up to where it wants a key: nothing is made before. */
static void look_and_restore(struct arena *arena, struct str path)
{
    struct backup_manifest manifest;
    struct restore_result result;
    struct restore_options options = {.path = path, .directory = STR("/nonexistent/huitou-fuzz"), .restored_by = STR("fuzz")};
    const struct err *looked = backup_look(arena, path, &manifest);
    if (looked)
        check_error(arena, looked);
    else
        CHECK(manifest.brand_name.p && manifest.key_check.p && str_is_utf8(manifest.brand_name));
    const struct err *err = backup_restore(arena, &options, &result);
    CHECK(err != NULL);
    CHECK(!looked || err->code == looked->code);
    check_error(arena, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    secret_init();
    unsetenv("HUITOU_MASTER_KEY_FILE");
    struct arena *arena = arena_new("fuzz", (size_t)512 << 20);
    int fd;
    struct str path = memory_file(arena, file_of(arena, data, size), &fd);
    struct reading small = read_all(arena, path, 7), large = read_all(arena, path, 1 << 20);
    CHECK(small.whole == large.whole && small.parts == large.parts);
    /* Where a packed part breaks off, how much of it came before the error depends on the pieces. */
    CHECK(!small.whole || (small.sum == large.sum && small.bytes == large.bytes));
    pass_over(arena, path);
    look_and_restore(arena, path);
    arena_free(arena);
    close(fd);
    return 0;
}
