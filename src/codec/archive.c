#include "codec/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#define ZLIB_CONST
#include <zlib.h>

#include "base/arena.h"
#include "base/check.h"
#include "codec/file.h"

#define BLOCK_BYTES 512
#define CHUNK_BYTES (256 << 10)
#define WINDOW_GZIP (15 + 16) /* zlib: 16 more asks for gzip's frame */
#define PACK_LEVEL 1          /* a backup waits for the disk rather than for zlib */
#define OCTAL_SIZE_MAX 077777777777ll

/* POSIX.1-1988 ustar, IEEE Std 1003.1 "pax", section "ustar Interchange Format". */
struct tar_head {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100];
    char magic[6], version[2], user[32], group[32], major[8], minor[8], prefix[155], rest[12];
};
_Static_assert(sizeof(struct tar_head) == BLOCK_BYTES, "a block of a tar file");

/* --- Heads --- */

static unsigned checksum_of(const struct tar_head *head)
{
    const unsigned char *bytes = (const unsigned char *)head;
    unsigned sum = 0;
    for (size_t i = 0; i < sizeof(*head); i++) {
        bool own = i >= offsetof(struct tar_head, checksum) &&
                   i < offsetof(struct tar_head, checksum) + sizeof(head->checksum);
        sum += own ? ' ' : bytes[i];
    }
    return sum;
}

static void put_octal(char *field, size_t n, int64_t value)
{
    for (size_t i = n - 1; i > 0; i--, value >>= 3)
        field[i - 1] = (char)('0' + (value & 7));
    field[n - 1] = '\0';
}

static void put_size(char field[12], int64_t size)
{
    if (size <= OCTAL_SIZE_MAX) {
        put_octal(field, 12, size);
        return;
    }
    for (int i = 11; i > 0; i--, size >>= 8)
        field[i] = (char)(size & 0xff);
    field[0] = (char)0x80;
}

static struct tar_head head_of(struct str name, int64_t size, int64_t time_s)
{
    struct tar_head head = {.type = '0', .magic = "ustar", .version = {'0', '0'}};
    CHECK(name.n > 0 && name.n <= ARCHIVE_NAME_BYTES_MAX);
    memcpy(head.name, name.p, name.n);
    put_octal(head.mode, sizeof(head.mode), 0600);
    put_octal(head.uid, sizeof(head.uid), 0);
    put_octal(head.gid, sizeof(head.gid), 0);
    put_size(head.size, size);
    put_octal(head.mtime, sizeof(head.mtime), time_s);
    put_octal(head.checksum, sizeof(head.checksum) - 1, checksum_of(&head));
    head.checksum[7] = ' ';
    return head;
}

static bool get_octal(const char *field, size_t n, int64_t *value)
{
    *value = 0;
    for (size_t i = 0; i + 1 < n; i++) {
        if (field[i] < '0' || field[i] > '7')
            return false;
        *value = *value << 3 | (field[i] - '0');
    }
    return true;
}

static bool get_size(const char field[12], int64_t *size)
{
    if ((unsigned char)field[0] != 0x80)
        return get_octal(field, 12, size);
    *size = 0;
    for (int i = 4; i < 12; i++)
        *size = *size << 8 | (unsigned char)field[i];
    return field[1] == 0 && field[2] == 0 && field[3] == 0 && *size >= 0;
}

/* The bytes behind those that the hash is of. */
static void make_trailer(const uint8_t sha256[SECRET_SHA256_BYTES],
                         unsigned char trailer[ARCHIVE_TRAILER_BYTES])
{
    char content[BLOCK_BYTES] = {0};
    int n = 0;
    for (int i = 0; i < SECRET_SHA256_BYTES; i++)
        n += snprintf(content + n, sizeof(content) - (size_t)n, "%02x", sha256[i]);
    content[n++] = '\n';
    struct tar_head head = head_of(STR(ARCHIVE_PART_SHA256), n, 0);
    memset(trailer, 0, ARCHIVE_TRAILER_BYTES);
    memcpy(trailer, &head, BLOCK_BYTES);
    memcpy(trailer + BLOCK_BYTES, content, BLOCK_BYTES);
}

/* --- Writing --- */

struct archive_writer {
    struct arena *arena;
    struct str path;
    const char *temporary;
    int fd;                      /* -1: finished or given up */
    int64_t time_s, at, part_at; /* part_at: where the head of the part at work stands; -1: none */
    struct str part_name;
    bool packed;
    z_stream stream;
    unsigned char *chunk;
};

static const struct err *cannot_write(const struct archive_writer *w)
{
    return ERR_NEW(w->arena, ERR_FILE_WRITE, w->path, str_c(strerrordesc_np(errno)));
}

static const struct err *put(struct archive_writer *w, const void *bytes, size_t n)
{
    const char *p = bytes;
    while (n > 0) {
        ssize_t put = pwrite(w->fd, p, n, w->at);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return cannot_write(w);
        p += put;
        n -= (size_t)put;
        w->at += put;
    }
    return NULL;
}

const struct err *archive_create(struct arena *arena, struct str path, int64_t time_s,
                                 struct archive_writer **out)
{
    struct archive_writer *w = ARENA_NEW(arena, struct archive_writer);
    *w = (struct archive_writer){
        .arena = arena, .path = str_copy(arena, path), .time_s = time_s, .fd = -1, .part_at = -1};
    TRY(file_temporary(arena, path, &w->temporary));
    w->fd = open(w->temporary, O_RDWR | O_CLOEXEC);
    if (w->fd < 0) {
        const struct err *err = cannot_write(w);
        unlink(w->temporary);
        return err;
    }
    w->chunk = arena_alloc(arena, CHUNK_BYTES);
    *out = w;
    return NULL;
}

struct str archive_temporary(const struct archive_writer *w)
{
    return str_c(w->temporary);
}

static const struct err *pack(struct archive_writer *w, int flush)
{
    int code;
    do {
        w->stream.next_out = w->chunk;
        w->stream.avail_out = CHUNK_BYTES;
        code = deflate(&w->stream, flush);
        CHECK(code != Z_STREAM_ERROR);
        TRY(put(w, w->chunk, CHUNK_BYTES - w->stream.avail_out));
    } while (w->stream.avail_out == 0 || (flush == Z_FINISH && code != Z_STREAM_END));
    return NULL;
}

static const struct err *end_part(struct archive_writer *w)
{
    static const char zeros[BLOCK_BYTES];
    if (w->part_at < 0)
        return NULL;
    const struct err *err = w->packed ? pack(w, Z_FINISH) : NULL;
    if (w->packed)
        deflateEnd(&w->stream);
    w->packed = false;
    TRY(err);
    int64_t size = w->at - w->part_at - BLOCK_BYTES;
    TRY(put(w, zeros, (size_t)((BLOCK_BYTES - size % BLOCK_BYTES) % BLOCK_BYTES)));
    struct tar_head head = head_of(w->part_name, size, w->time_s);
    int64_t end = w->at;
    w->at = w->part_at;
    err = put(w, &head, sizeof(head));
    w->at = end;
    w->part_at = -1;
    return err;
}

const struct err *archive_part(struct archive_writer *w, struct str name, bool packed)
{
    struct tar_head empty = {0}; /* filled in when the size is known */
    TRY(end_part(w));
    w->part_name = str_copy(w->arena, name);
    w->part_at = w->at;
    TRY(put(w, &empty, sizeof(empty)));
    if (!packed)
        return NULL;
    w->stream = (z_stream){0};
    if (deflateInit2(&w->stream, PACK_LEVEL, Z_DEFLATED, WINDOW_GZIP, 8, Z_DEFAULT_STRATEGY) !=
        Z_OK)
        memory_refused("zlib", 0);
    w->packed = true;
    return NULL;
}

const struct err *archive_add(struct archive_writer *w, const void *bytes, size_t n)
{
    CHECK(w->part_at >= 0 && n <= UINT32_MAX);
    if (!w->packed)
        return put(w, bytes, n);
    if (n == 0)
        return NULL;
    w->stream.next_in = bytes;
    w->stream.avail_in = (uInt)n;
    return pack(w, Z_NO_FLUSH);
}

/* What the disk, or its cache, holds, and not what was meant to be written. */
static const struct err *hash_file(struct arena *arena, struct str path, int fd, int64_t n,
                                   unsigned char *chunk, uint8_t sha256[SECRET_SHA256_BYTES])
{
    struct secret_sha256 *hash = secret_sha256_new(arena);
    for (int64_t at = 0; at < n;) {
        size_t want = n - at < CHUNK_BYTES ? (size_t)(n - at) : CHUNK_BYTES;
        ssize_t got = pread(fd, chunk, want, at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return ERR_NEW(arena, ERR_FILE_READ, path, str_c(strerrordesc_np(errno)));
        if (got == 0)
            return ERR_NEW(arena, ERR_ARCHIVE_BAD, path, STR("it ends too early"));
        secret_sha256_add(hash, chunk, (size_t)got);
        at += got;
    }
    secret_sha256_end(hash, sha256);
    return NULL;
}

const struct err *archive_finish(struct archive_writer *w, int64_t *bytes,
                                 uint8_t sha256[SECRET_SHA256_BYTES])
{
    unsigned char trailer[ARCHIVE_TRAILER_BYTES];
    TRY(end_part(w));
    TRY(hash_file(w->arena, w->path, w->fd, w->at, w->chunk, sha256));
    make_trailer(sha256, trailer);
    TRY(put(w, trailer, sizeof(trailer)));
    if (close(w->fd) != 0) {
        w->fd = -1;
        const struct err *err = cannot_write(w);
        unlink(w->temporary);
        return err;
    }
    w->fd = -1;
    *bytes = w->at;
    return file_put_in_place(w->arena, w->temporary, w->path, 0600);
}

void archive_abandon(struct archive_writer *w)
{
    if (w->fd < 0)
        return;
    if (w->packed)
        deflateEnd(&w->stream);
    close(w->fd);
    unlink(w->temporary);
    w->fd = -1;
}

/* --- Reading --- */

struct archive_reader {
    struct arena *arena;
    struct str path;
    int fd;
    int64_t bytes, end;   /* end: of the parts; behind it stands the trailer */
    int64_t at, part_end; /* inside the part; after it, with its padding, comes the next */
    bool packed, part_over;
    z_stream stream;
    unsigned char *chunk;
    uint8_t sha256[SECRET_SHA256_BYTES];
};

static const struct err *bad(const struct archive_reader *r, struct str why)
{
    return ERR_NEW(r->arena, ERR_ARCHIVE_BAD, r->path, why);
}

static const struct err *read_at(struct archive_reader *r, int64_t at, void *bytes, size_t n)
{
    char *p = bytes;
    while (n > 0) {
        ssize_t got = pread(r->fd, p, n, at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return ERR_NEW(r->arena, ERR_FILE_READ, r->path, str_c(strerrordesc_np(errno)));
        if (got == 0)
            return bad(r, STR("it ends too early"));
        p += got;
        n -= (size_t)got;
        at += got;
    }
    return NULL;
}

static const struct err *compare_all(struct archive_reader *r)
{
    unsigned char trailer[ARCHIVE_TRAILER_BYTES], expected[ARCHIVE_TRAILER_BYTES];
    struct tar_head first;
    struct stat info;
    if (fstat(r->fd, &info) != 0 || !S_ISREG(info.st_mode))
        return ERR_NEW(r->arena, ERR_ARCHIVE_OTHER, r->path);
    r->bytes = info.st_size;
    r->end = r->bytes - ARCHIVE_TRAILER_BYTES;
    if (r->bytes < BLOCK_BYTES)
        return ERR_NEW(r->arena, ERR_ARCHIVE_OTHER, r->path);
    TRY(read_at(r, 0, &first, sizeof(first)));
    /* A damaged head is told as damage, where any of what makes it ours is left. */
    if (memcmp(first.magic, "ustar", 5) != 0 && strncmp(first.name, "manifest", 8) != 0)
        return ERR_NEW(r->arena, ERR_ARCHIVE_OTHER, r->path);
    if (r->end < BLOCK_BYTES || r->bytes % BLOCK_BYTES != 0)
        return bad(r, STR("it was cut off"));
    TRY(hash_file(r->arena, r->path, r->fd, r->end, r->chunk, r->sha256));
    TRY(read_at(r, r->end, trailer, sizeof(trailer)));
    make_trailer(r->sha256, expected);
    if (memcmp(trailer, expected, sizeof(trailer)) != 0)
        return bad(r, STR("its checksum does not fit"));
    return NULL;
}

const struct err *archive_open(struct arena *arena, struct str path, struct archive_reader **out)
{
    struct archive_reader *r = ARENA_NEW(arena, struct archive_reader);
    *r = (struct archive_reader){.arena = arena, .path = str_copy(arena, path), .part_over = true};
    r->fd = open(str_z(arena, path), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (r->fd < 0)
        return ERR_NEW(arena, ERR_FILE_OPEN, path, str_c(strerrordesc_np(errno)));
    r->chunk = arena_alloc(arena, CHUNK_BYTES);
    const struct err *err = compare_all(r);
    if (err) {
        archive_close(r);
        return err;
    }
    *out = r;
    return NULL;
}

int64_t archive_bytes(const struct archive_reader *r)
{
    return r->bytes;
}

const uint8_t *archive_sha256(const struct archive_reader *r)
{
    return r->sha256;
}

static void leave_part(struct archive_reader *r)
{
    if (r->packed)
        inflateEnd(&r->stream);
    r->packed = false;
    r->part_over = true;
    r->at = (r->part_end + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES;
}

const struct err *archive_next(struct archive_reader *r, struct str *name, bool *has)
{
    struct tar_head head;
    int64_t size, checksum;
    leave_part(r);
    *has = r->at < r->end;
    if (!*has)
        return NULL;
    TRY(read_at(r, r->at, &head, sizeof(head)));
    if (memcmp(head.magic, "ustar", 6) != 0 || head.type != '0' || head.name[99] != '\0' ||
        !get_octal(head.checksum, 7, &checksum) || checksum != (int64_t)checksum_of(&head) ||
        !get_size(head.size, &size) || size > r->end - r->at - BLOCK_BYTES)
        return bad(r, STR("a part has no proper head"));
    *name = str_copy(r->arena, str_c(head.name));
    r->at += BLOCK_BYTES;
    r->part_end = r->at + size;
    r->part_over = false;
    if (!str_ends(*name, STR(".gz")))
        return NULL;
    r->stream = (z_stream){0};
    if (inflateInit2(&r->stream, WINDOW_GZIP) != Z_OK)
        memory_refused("zlib", 0);
    r->packed = true;
    return NULL;
}

static const struct err *unpack(struct archive_reader *r, void *bytes, size_t n, size_t *read)
{
    r->stream.next_out = bytes;
    r->stream.avail_out = (uInt)n;
    while (r->stream.avail_out > 0 && !r->part_over) {
        if (r->stream.avail_in == 0) {
            int64_t left = r->part_end - r->at;
            size_t want = left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES;
            if (want == 0)
                return bad(r, STR("a packed part ends too early"));
            TRY(read_at(r, r->at, r->chunk, want));
            r->at += (int64_t)want;
            r->stream.next_in = r->chunk;
            r->stream.avail_in = (uInt)want;
        }
        int code = inflate(&r->stream, Z_NO_FLUSH);
        if (code == Z_STREAM_END)
            r->part_over = true;
        else if (code != Z_OK && code != Z_BUF_ERROR)
            return bad(r, STR("a packed part cannot be unpacked"));
    }
    *read = n - r->stream.avail_out;
    return NULL;
}

const struct err *archive_read(struct archive_reader *r, void *bytes, size_t n, size_t *read)
{
    *read = 0;
    if (r->part_over || n == 0)
        return NULL;
    if (n > CHUNK_BYTES)
        n = CHUNK_BYTES;
    if (r->packed)
        return unpack(r, bytes, n, read);
    int64_t left = r->part_end - r->at;
    size_t want = left < (int64_t)n ? (size_t)left : n;
    TRY(read_at(r, r->at, bytes, want));
    r->at += (int64_t)want;
    r->part_over = r->at == r->part_end;
    *read = want;
    return NULL;
}

const struct err *archive_read_all(struct archive_reader *r, size_t bytes_max, struct str *out)
{
    struct buf buf = buf_new(r->arena, bytes_max + CHUNK_BYTES);
    char chunk[4096];
    size_t n = 1;
    while (n > 0) {
        TRY(archive_read(r, chunk, sizeof(chunk), &n));
        if (buf.n + n > bytes_max)
            return bad(r, STR("a part is larger than it can be"));
        buf_add(&buf, chunk, n);
    }
    *out = buf.n ? buf_view(&buf) : STR("");
    return NULL;
}

void archive_close(struct archive_reader *r)
{
    if (r->fd < 0)
        return;
    if (r->packed)
        inflateEnd(&r->stream);
    r->packed = false;
    close(r->fd);
    r->fd = -1;
}
