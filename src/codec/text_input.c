/* The way of the bytes: disk → (inflate) → raw → (iconv) → text → lines. Each stage has
 * a buffer of fixed size. */
#include "codec/text_input.h"

#include "base/arena.h"
#include "base/check.h"
#include "base/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <iconv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define BLOCK_BYTES 65536
/* A line, its CR LF, and room to read a block behind it. */
#define TEXT_BYTES (LIMIT_LINE_BYTES_MAX + 2 + BLOCK_BYTES)
#define GZIP_WINDOW_BITS (16 + MAX_WBITS) /* 16: expect a gzip header */

enum packing { PACKING_UNKNOWN, PACKING_NONE, PACKING_GZIP };

struct text_input {
    struct arena *arena;
    struct str path, encoding;
    int fd; /* -1: closed */
    int64_t read_bytes, total_bytes;
    struct secret_stream_hash *stream_hash;
    uint8_t hash[SECRET_HASH_BYTES];
    bool disk_end;
    uint8_t disk[BLOCK_BYTES];
    size_t disk_at, disk_n;

    enum packing packing;
    bool inflating; /* z is open */
    bool in_member; /* the end of a gzip member is still to come */
    z_stream z;

    iconv_t converter; /* (iconv_t)-1: UTF-8, nothing to convert */
    char raw[BLOCK_BYTES];
    size_t raw_at, raw_n;
    int64_t raw_offset; /* of raw[0] in the unpacked file */
    bool raw_end;
    bool raw_bad; /* raw[raw_at] begins a sequence that is not valid */

    char text[TEXT_BYTES];
    size_t text_at, text_n;
    int64_t text_offset; /* of text[0] in the unpacked file; UTF-8 only */
    bool text_end;
    bool text_begun;
    int64_t line_number;
    const struct err *failed;
};

static const iconv_t NO_CONVERTER = (iconv_t)-1;

/* --- Disk --- */

static const struct err *disk_open(struct text_input *input)
{
    struct arena *arena = input->arena;
    input->fd = open(str_z(arena, input->path), O_RDONLY | O_CLOEXEC);
    if (input->fd < 0)
        return ERR_NEW(arena, ERR_FILE_OPEN, input->path, str_c(strerrordesc_np(errno)));
    struct stat info;
    if (fstat(input->fd, &info) != 0)
        return ERR_NEW(arena, ERR_FILE_OPEN, input->path, str_c(strerrordesc_np(errno)));
    if (S_ISDIR(info.st_mode))
        return ERR_NEW(arena, ERR_FILE_OPEN, input->path, str_c(strerrordesc_np(EISDIR)));
    if (!S_ISREG(info.st_mode)) /* "auto" and the reject file read it a second time */
        return ERR_NEW(arena, ERR_FILE_OPEN, input->path, STR("Not a regular file"));
    input->total_bytes = info.st_size;
    return NULL;
}

/* Refills disk[] once it is used up. */
static const struct err *disk_fill(struct text_input *input)
{
    if (input->disk_at < input->disk_n || input->disk_end)
        return NULL;
    ssize_t n;
    do
        n = read(input->fd, input->disk, BLOCK_BYTES);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return ERR_NEW(input->arena, ERR_FILE_READ, input->path, str_c(strerrordesc_np(errno)));
    input->disk_at = 0;
    input->disk_n = (size_t)n;
    input->read_bytes += n;
    if (n > 0) {
        secret_stream_add(input->stream_hash, input->disk, (size_t)n);
        return NULL;
    }
    input->disk_end = true;
    secret_stream_end(input->stream_hash, input->hash);
    return NULL;
}

/* --- Unpacking --- */

static const struct err *gzip_bad(struct text_input *input, const char *why)
{
    return ERR_NEW(input->arena, ERR_GZIP_BAD, input->path, str_c(why));
}

/* zlib takes its window when the first block comes: a good file must not be called bad then. */
static void *allocate(void *unused, uInt count, uInt size)
{
    (void)unused;
    return memory_or_end(NULL, (size_t)count * size);
}

static void release(void *unused, void *p)
{
    (void)unused;
    free(p);
}

static const struct err *packing_find(struct text_input *input)
{
    TRY(disk_fill(input));
    input->packing = PACKING_NONE;
    if (input->disk_n < 2 || input->disk[0] != 0x1f || input->disk[1] != 0x8b)
        return NULL;
    input->packing = PACKING_GZIP;
    input->z.zalloc = allocate;
    input->z.zfree = release;
    if (inflateInit2(&input->z, GZIP_WINDOW_BITS) != Z_OK)
        return ERR_NEW(input->arena, ERR_INTERNAL, input->path, STR("zlib"));
    input->inflating = true;
    input->in_member = true;
    return NULL;
}

static const struct err *raw_inflate(struct text_input *input)
{
    z_stream *z = &input->z;
    z->next_out = (Bytef *)input->raw + input->raw_n;
    z->avail_out = (uInt)(BLOCK_BYTES - input->raw_n);
    while (z->avail_out > 0) {
        TRY(disk_fill(input));
        if (input->disk_end && input->in_member)
            return gzip_bad(input, "it ends too soon");
        if (input->disk_end) {
            input->raw_end = true;
            break;
        }
        if (!input->in_member) { /* gzip files may be joined end to end */
            inflateReset(z);
            input->in_member = true;
        }
        z->next_in = input->disk + input->disk_at;
        z->avail_in = (uInt)(input->disk_n - input->disk_at);
        int result = inflate(z, Z_NO_FLUSH);
        input->disk_at = input->disk_n - z->avail_in;
        if (result == Z_STREAM_END)
            input->in_member = false;
        else if (result != Z_OK)
            return gzip_bad(input, z->msg ? z->msg : "it cannot be unpacked");
    }
    input->raw_n = BLOCK_BYTES - z->avail_out;
    return NULL;
}

/* Adds bytes to raw[] (at least one, or raw_end is set); what is unread moves to its front. */
static const struct err *raw_fill(struct text_input *input)
{
    if (input->raw_end)
        return NULL;
    memmove(input->raw, input->raw + input->raw_at, input->raw_n - input->raw_at);
    input->raw_n -= input->raw_at;
    input->raw_offset += (int64_t)input->raw_at;
    input->raw_at = 0;
    if (input->packing == PACKING_UNKNOWN)
        TRY(packing_find(input));
    if (input->packing == PACKING_GZIP)
        return raw_inflate(input);
    TRY(disk_fill(input));
    size_t n = input->disk_n - input->disk_at;
    if (n > BLOCK_BYTES - input->raw_n)
        n = BLOCK_BYTES - input->raw_n;
    memcpy(input->raw + input->raw_n, input->disk + input->disk_at, n);
    input->raw_n += n;
    input->disk_at += n;
    input->raw_end = input->disk_end;
    return NULL;
}

/* --- Character set --- */

static const struct err *encoding_bad(struct text_input *input, int64_t offset, char byte,
                                      struct str encoding)
{
    struct arena *arena = input->arena;
    struct str field =
        str_fmt(arena, "%.*s:%lld", STR_ARG(input->path), (long long)input->line_number);
    return ERR_NEW(arena, ERR_ENCODING_BAD, field, str_fmt(arena, "%lld", (long long)offset + 1),
                   str_fmt(arena, "%02X", (unsigned char)byte), encoding);
}

/* Moves bytes from raw[] to text[] as far as there is room. */
static const struct err *text_convert(struct text_input *input)
{
    char *in = input->raw + input->raw_at;
    size_t in_n = input->raw_n - input->raw_at;
    char *out = input->text + input->text_n;
    size_t out_n = TEXT_BYTES - input->text_n;
    errno = 0;
    size_t result = iconv(input->converter, &in, &in_n, &out, &out_n);
    int why = result == (size_t)-1 ? errno : 0;
    if (why == 0 && input->raw_end) { /* a set with shift states may hold characters back */
        result = iconv(input->converter, NULL, NULL, &out, &out_n);
        why = result == (size_t)-1 ? errno : 0;
        input->text_end = why == 0;
    }
    input->raw_at = input->raw_n - in_n;
    input->text_n = TEXT_BYTES - out_n;
    if (why == 0 || why == E2BIG)
        return NULL;
    if (why == EINVAL && !input->raw_end) /* the rest of the character comes with the next bytes */
        return NULL;
    if (why != EILSEQ && why != EINVAL)
        return ERR_NEW(input->arena, ERR_FILE_READ, input->path, str_c(strerrordesc_np(why)));
    /* The lines before it are still good: the error is told when its own line is due. */
    input->raw_bad = true;
    input->text_end = true;
    return NULL;
}

static void text_pass_on(struct text_input *input)
{
    size_t n = input->raw_n - input->raw_at;
    if (n > TEXT_BYTES - input->text_n)
        n = TEXT_BYTES - input->text_n;
    memcpy(input->text + input->text_n, input->raw + input->raw_at, n);
    input->text_n += n;
    input->raw_at += n;
    input->text_end = input->raw_end && input->raw_at == input->raw_n;
}

/* Adds to text[] (or sets text_end); what is unread moves to its front. */
static const struct err *text_fill(struct text_input *input)
{
    memmove(input->text, input->text + input->text_at, input->text_n - input->text_at);
    input->text_n -= input->text_at;
    input->text_offset += (int64_t)input->text_at;
    input->text_at = 0;
    TRY(raw_fill(input));
    if (input->converter == NO_CONVERTER)
        text_pass_on(input);
    else
        TRY(text_convert(input));
    struct str bom = STR("\xEF\xBB\xBF");
    bool enough = input->text_n >= bom.n || input->text_end;
    if (!input->text_begun && enough) {
        input->text_begun = true;
        if (str_starts((struct str){input->text, input->text_n}, bom))
            input->text_at = bom.n;
    }
    return NULL;
}

/* Where the first character that is not UTF-8 begins in a line known to have one. */
static size_t utf8_bad_at(struct str s)
{
    size_t at = 0;
    while (at < s.n) {
        size_t n = 1;
        while (n <= 4 && at + n <= s.n && !str_is_utf8(str_slice(s, at, at + n)))
            n++;
        if (n > 4 || at + n > s.n)
            break;
        at += n;
    }
    return at;
}

/* --- Lines --- */

static bool line_is_good(struct str text)
{
    return text.n <= LIMIT_LINE_BYTES_MAX && !memchr(text.p, 0, text.n) && str_is_utf8(text);
}

/* Why a line is not good. */
static const struct err *line_error(struct text_input *input, struct str text)
{
    struct arena *arena = input->arena;
    struct str field =
        str_fmt(arena, "%.*s:%lld", STR_ARG(input->path), (long long)input->line_number);
    if (text.n > LIMIT_LINE_BYTES_MAX)
        return ERR_NEW(arena, ERR_LINE_TOO_LONG, field, str_fmt(arena, "%u", LIMIT_LINE_BYTES_MAX));
    if (memchr(text.p, 0, text.n))
        return ERR_NEW(arena, ERR_TEXT_NUL, field);
    size_t at = utf8_bad_at(text);
    int64_t offset = input->text_offset + (text.p - input->text) + (int64_t)at;
    return encoding_bad(input, offset, text.p[at], STR("utf-8"));
}

/* Finds the next LF, reading as needed. *length: the line's bytes up to it; *has false: nothing is
 * left. */
static const struct err *line_find(struct text_input *input, size_t *length, bool *has)
{
    size_t searched = 0;
    for (;;) {
        size_t n = input->text_n - input->text_at;
        const char *line = input->text + input->text_at;
        const char *lf = memchr(line + searched, '\n', n - searched);
        if (lf || input->text_end || n > LIMIT_LINE_BYTES_MAX + 1) {
            *length = lf ? (size_t)(lf - line) : n;
            *has = lf || n > 0;
            return NULL;
        }
        searched = input->text_begun ? n : 0;
        TRY(text_fill(input));
    }
}

static const struct err *next_line(struct text_input *input, struct text_line *line)
{
    size_t length;
    bool has;
    input->line_number++;
    TRY(line_find(input, &length, &has));
    bool whole = has && input->text_at + length < input->text_n; /* has its LF */
    if (!whole && input->raw_bad) {
        int64_t offset = input->raw_offset + (int64_t)input->raw_at;
        return encoding_bad(input, offset, input->raw[input->raw_at], input->encoding);
    }
    if (!has) {
        *line = (struct text_line){.text = STR_NONE, .number = input->line_number, .end = true};
        return NULL;
    }
    struct str text = {input->text + input->text_at, length};
    if (whole && length > 0 && text.p[length - 1] == '\r')
        text.n--;
    if (!line_is_good(text))
        return line_error(input, text);
    input->text_at += length + (whole ? 1 : 0);
    *line = (struct text_line){.text = text, .number = input->line_number, .end = false};
    return NULL;
}

const struct err *text_input_next(struct text_input *input, struct text_line *line)
{
    CHECK(input->fd >= 0);
    if (!input->failed)
        input->failed = next_line(input, line);
    return input->failed;
}

/* --- Opening and closing --- */

static void close_deferred(void *arg)
{
    text_input_close(arg);
}

/* glibc says EINVAL too where it has no memory for a character set's module, or no such file: of
 * those that "auto" finds it would be wrong to say that nobody knows them. */
static bool is_known_to_glibc(struct str encoding)
{
    return str_eq_nocase(encoding, STR("gb18030")) || str_eq_nocase(encoding, STR("gbk")) ||
           str_eq_nocase(encoding, STR("utf-16"));
}

/* "utf-8" and "auto" are ours; a name with '/' could switch iconv to dropping what it cannot read.
 */
static const struct err *converter_open(struct text_input *input, struct str encoding)
{
    input->encoding = str_copy(input->arena, encoding);
    if (str_eq_nocase(encoding, STR("utf-8")) || str_eq_nocase(encoding, STR("utf8")))
        return NULL;
    bool plain = str_is(encoding) && !memchr(encoding.p, '/', encoding.n);
    if (plain)
        input->converter = iconv_open("UTF-8", str_z(input->arena, encoding));
    if (input->converter == NO_CONVERTER && is_known_to_glibc(encoding))
        return ERR_NEW(input->arena, ERR_ENCODING_NOT_LOADED, input->path, encoding);
    if (input->converter == NO_CONVERTER)
        return ERR_NEW(input->arena, ERR_ENCODING_UNKNOWN, input->path, encoding);
    return NULL;
}

static const struct err *open_as(struct arena *arena, struct str path, struct str encoding,
                                 struct text_input **out)
{
    struct text_input *input = ARENA_NEW(arena, struct text_input);
    input->arena = arena;
    input->path = str_copy(arena, path);
    input->fd = -1;
    input->converter = NO_CONVERTER;
    input->stream_hash = secret_stream_new(arena);
    arena_defer(arena, close_deferred, input);
    TRY(disk_open(input));
    TRY(converter_open(input, encoding));
    *out = input;
    return NULL;
}

/* What "auto" is for this file. The look at it is done in an arena of its own, given back at once.
 */
static const struct err *encoding_find(struct arena *scratch, struct str path, struct str *encoding)
{
    struct text_input *input;
    TRY(open_as(scratch, path, STR("utf-8"), &input));
    *encoding = STR("utf-8");
    TRY(raw_fill(input));
    struct str start = {input->raw, input->raw_n};
    if (str_starts(start, STR("\xEF\xBB\xBF")))
        return NULL;
    /* Before UTF-16, whose little-endian BOM begins alike. */
    if (str_starts(start, STR("\xFF\xFE\0\0")) || str_starts(start, STR("\0\0\xFE\xFF"))) {
        *encoding = STR("utf-32");
        return NULL;
    }
    if (str_starts(start, STR("\xFF\xFE")) || str_starts(start, STR("\xFE\xFF"))) {
        *encoding = STR("utf-16");
        return NULL;
    }
    struct text_line line = {.end = false};
    const struct err *err = NULL;
    while (!err && !line.end)
        err = text_input_next(input, &line);
    if (err && err->code == ERR_ENCODING_BAD) {
        *encoding = STR("gb18030");
        return NULL;
    }
    return err;
}

const struct err *text_input_open(struct arena *arena, struct str path, struct str encoding,
                                  struct text_input **out)
{
    if (!str_eq_nocase(encoding, STR("auto")))
        return open_as(arena, path, encoding, out);
    struct arena *scratch = arena_new("look at encoding", (size_t)16 << 20);
    struct str found;
    const struct err *err = encoding_find(scratch, path, &found);
    if (err)
        err = err_copy(arena, err);
    arena_free(scratch);
    if (err)
        return err;
    return open_as(arena, path, found, out);
}

void text_input_progress(const struct text_input *input, int64_t *read_bytes, int64_t *total_bytes)
{
    *read_bytes = input->read_bytes;
    *total_bytes = input->total_bytes;
}

void text_input_hash(const struct text_input *input, uint8_t out[SECRET_HASH_BYTES])
{
    CHECK(input->disk_end);
    memcpy(out, input->hash, SECRET_HASH_BYTES);
}

struct str text_input_path(const struct text_input *input)
{
    return input->path;
}

struct str text_input_encoding(const struct text_input *input)
{
    return input->encoding;
}

void text_input_close(struct text_input *input)
{
    if (input->fd >= 0)
        close(input->fd);
    input->fd = -1;
    if (input->inflating)
        inflateEnd(&input->z);
    input->inflating = false;
    if (input->converter != NO_CONVERTER)
        iconv_close(input->converter);
    input->converter = NO_CONVERTER;
}
