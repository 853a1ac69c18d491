#include "codec/xlsx_zip.h"

#include "base/arena.h"
#include "base/check.h"
#include "base/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>

#define BLOCK_BYTES 65536
/* APPNOTE.TXT 4.3.16: the end of central directory record, whose comment has at most 65,535
 * bytes; 4.3.15: the zip64 locator before it; 4.3.14: the zip64 record. */
#define END_BYTES 22
#define END_SIZE_AT 12
#define LOCATOR_BYTES 20
#define LOCATOR_OFFSET_AT 8
#define END64_BYTES 56
#define END64_SIZE_AT 40
#define TAIL_BYTES (LOCATOR_BYTES + END_BYTES + 65535)

struct xlsx_zip {
    struct arena *arena;
    struct str path;
    int fd; /* -1: closed */
    int64_t file_bytes;
    zip_t *zip;
    int64_t unpacked_bytes; /* of all parts */
};

struct xlsx_part {
    struct arena *arena;
    struct xlsx_zip *zip;
    struct str name;
    zip_file_t *file; /* NULL: closed */
    int64_t packed_bytes, total_bytes, read_bytes, bytes_max;
};

/* --- The file --- */

static const struct err *file_open(struct xlsx_zip *zip)
{
    struct arena *arena = zip->arena;
    zip->fd = open(str_z(arena, zip->path), O_RDONLY | O_CLOEXEC);
    struct stat info;
    if (zip->fd < 0 || fstat(zip->fd, &info) != 0)
        return ERR_NEW(arena, ERR_FILE_OPEN, zip->path, str_c(strerrordesc_np(errno)));
    zip->file_bytes = info.st_size;
    return NULL;
}

static const struct err *read_at(struct xlsx_zip *zip, void *bytes, size_t n, int64_t offset,
                                 size_t *got)
{
    *got = 0;
    while (*got < n) {
        ssize_t part = pread(zip->fd, (char *)bytes + *got, n - *got, offset + (off_t)*got);
        if (part < 0 && errno == EINTR)
            continue;
        if (part < 0)
            return ERR_NEW(zip->arena, ERR_FILE_READ, zip->path, str_c(strerrordesc_np(errno)));
        if (part == 0)
            break;
        *got += (size_t)part;
    }
    return NULL;
}

static uint64_t little_endian(const uint8_t *bytes, size_t n)
{
    uint64_t value = 0;
    for (size_t i = n; i > 0; i--)
        value = value << 8 | bytes[i - 1];
    return value;
}

/* The size of the list of entries by the zip64 record that a locator points to; 0 where there is
 * none. */
static const struct err *directory64_bytes(struct xlsx_zip *zip, const uint8_t *locator,
                                           uint64_t *bytes)
{
    *bytes = 0;
    uint64_t offset = little_endian(locator + LOCATOR_OFFSET_AT, 8);
    if (offset > INT64_MAX / 2)
        return NULL;
    uint8_t record[END64_BYTES];
    size_t got;
    TRY(read_at(zip, record, sizeof(record), (int64_t)offset, &got));
    if (got == sizeof(record) && memcmp(record, "PK\6\6", 4) == 0)
        *bytes = little_endian(record + END64_SIZE_AT, 8);
    return NULL;
}

/* libzip reads the whole list of entries into memory, so its size is looked at before. Whatever may
 * be taken for the end record is looked at: which of them libzip chooses does not matter. */
static const struct err *check_directory(struct xlsx_zip *zip)
{
    uint8_t tail[TAIL_BYTES];
    int64_t from = zip->file_bytes > TAIL_BYTES ? zip->file_bytes - TAIL_BYTES : 0;
    size_t n;
    TRY(read_at(zip, tail, sizeof(tail), from, &n));
    for (size_t i = 0; i + LOCATOR_BYTES <= n; i++) {
        uint64_t bytes = 0;
        if (memcmp(tail + i, "PK\6\7", 4) == 0)
            TRY(directory64_bytes(zip, tail + i, &bytes));
        else if (memcmp(tail + i, "PK\5\6", 4) == 0)
            bytes = little_endian(tail + i + END_SIZE_AT, 4);
        bool is_zip64_mark = bytes == UINT32_MAX && tail[i + 2] == 5;
        if (bytes > LIMIT_WORKBOOK_DIRECTORY_BYTES_MAX && !is_zip64_mark)
            return ERR_NEW(zip->arena, ERR_ZIP_BAD, zip->path, STR("too many entries"));
    }
    return NULL;
}

/* --- libzip --- */

/* libzip often gives another reason where it had no memory ("Not a zip archive"), but malloc leaves
 * its word in errno, which is set to 0 before each call. */
static const struct err *zip_failed(struct xlsx_zip *zip, zip_error_t *error, struct str part)
{
    struct arena *arena = zip->arena;
    int code = zip_error_code_zip(error);
    if (errno == ENOMEM || code == ZIP_ER_MEMORY)
        return ERR_NEW(arena, ERR_MEMORY_OUT, zip->path);
    if (code == ZIP_ER_NOPASSWD || code == ZIP_ER_WRONGPASSWD || code == ZIP_ER_ENCRNOTSUPP)
        return ERR_NEW(arena, ERR_FILE_PASSWORD, zip->path);
    if (zip_error_system_type(error) == ZIP_ET_SYS && zip_error_code_system(error) != 0)
        return ERR_NEW(arena, ERR_FILE_READ, zip->path,
                       str_c(strerrordesc_np(zip_error_code_system(error))));
    struct str why = str_c(zip_error_strerror(error));
    if (str_is(part))
        why = str_fmt(arena, "%.*s: %.*s", STR_ARG(part), STR_ARG(why));
    return ERR_NEW(arena, ERR_ZIP_BAD, zip->path, str_copy(arena, why));
}

static const struct err *container_open(struct xlsx_zip *zip)
{
    int fd = fcntl(zip->fd, F_DUPFD_CLOEXEC, 0); /* libzip takes it */
    if (fd < 0)
        return ERR_NEW(zip->arena, ERR_FILE_OPEN, zip->path, str_c(strerrordesc_np(errno)));
    int code;
    errno = 0;
    zip->zip = zip_fdopen(fd, 0, &code);
    if (zip->zip)
        return NULL;
    close(fd);
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    const struct err *err = zip_failed(zip, &error, STR_NONE);
    zip_error_fini(&error);
    return err;
}

static void close_deferred(void *arg)
{
    xlsx_zip_close(arg);
}

const struct err *xlsx_zip_open(struct arena *arena, struct str path, struct xlsx_zip **out)
{
    struct xlsx_zip *zip = ARENA_NEW(arena, struct xlsx_zip);
    zip->arena = arena;
    zip->path = str_copy(arena, path);
    zip->fd = -1;
    arena_defer(arena, close_deferred, zip);
    TRY(file_open(zip));
    TRY(check_directory(zip));
    TRY(container_open(zip));
    *out = zip;
    return NULL;
}

struct str xlsx_zip_path(const struct xlsx_zip *zip)
{
    return zip->path;
}

static zip_int64_t locate(struct xlsx_zip *zip, struct str part)
{
    char name[1024];
    if (part.n >= sizeof(name))
        return -1;
    memcpy(name, part.p, part.n);
    name[part.n] = '\0';
    zip_int64_t index = zip_name_locate(zip->zip, name, 0);
    return index >= 0 ? index : zip_name_locate(zip->zip, name, ZIP_FL_NOCASE);
}

bool xlsx_zip_has(struct xlsx_zip *zip, struct str part)
{
    return locate(zip, part) >= 0;
}

int64_t xlsx_zip_file_bytes(const struct xlsx_zip *zip)
{
    return zip->file_bytes;
}

const struct err *xlsx_zip_hash(struct xlsx_zip *zip, uint8_t out[SECRET_HASH_BYTES])
{
    struct secret_stream_hash *hash = secret_stream_new(zip->arena);
    char block[BLOCK_BYTES];
    size_t n;
    int64_t offset = 0;
    do {
        TRY(read_at(zip, block, sizeof(block), offset, &n));
        secret_stream_add(hash, block, n);
        offset += (int64_t)n;
    } while (n == sizeof(block));
    secret_stream_end(hash, out);
    return NULL;
}

void xlsx_zip_close(struct xlsx_zip *zip)
{
    if (zip->zip)
        zip_discard(zip->zip);
    zip->zip = NULL;
    if (zip->fd >= 0)
        close(zip->fd);
    zip->fd = -1;
}

/* --- A part --- */

static void close_part_deferred(void *arg)
{
    xlsx_part_close(arg);
}

const struct err *xlsx_part_open(struct arena *arena, struct xlsx_zip *zip, struct str name,
                                 int64_t bytes_max, struct xlsx_part **out)
{
    zip_int64_t index = locate(zip, name);
    if (index < 0)
        return ERR_NEW(arena, ERR_WORKBOOK_BAD, zip->path,
                       str_fmt(arena, "%.*s is missing", STR_ARG(name)));
    struct xlsx_part *part = ARENA_NEW(arena, struct xlsx_part);
    part->arena = arena;
    part->zip = zip;
    part->name = str_copy(arena, name);
    part->bytes_max = bytes_max;
    zip_stat_t stat;
    errno = 0;
    if (zip_stat_index(zip->zip, (zip_uint64_t)index, 0, &stat) != 0)
        return zip_failed(zip, zip_get_error(zip->zip), name);
    /* What is not there cannot have been packed. */
    part->packed_bytes =
        stat.comp_size > (zip_uint64_t)zip->file_bytes ? zip->file_bytes : (int64_t)stat.comp_size;
    part->total_bytes = stat.size > INT64_MAX / 2 ? INT64_MAX / 2 : (int64_t)stat.size;
    part->file = zip_fopen_index(zip->zip, (zip_uint64_t)index, 0);
    if (!part->file)
        return zip_failed(zip, zip_get_error(zip->zip), name);
    arena_defer(arena, close_part_deferred, part);
    *out = part;
    return NULL;
}

static const struct err *check_unpacked(const struct xlsx_part *part)
{
    int64_t by_ratio =
        LIMIT_WORKBOOK_RATIO_FREE_BYTES + part->packed_bytes * LIMIT_WORKBOOK_RATIO_MAX;
    int64_t bytes_max = part->bytes_max < by_ratio ? part->bytes_max : by_ratio;
    if (part->zip->unpacked_bytes > LIMIT_WORKBOOK_UNPACKED_BYTES_MAX)
        bytes_max = LIMIT_WORKBOOK_UNPACKED_BYTES_MAX;
    else if (part->read_bytes <= bytes_max)
        return NULL;
    return ERR_NEW(part->arena, ERR_WORKBOOK_UNPACKS, part->zip->path, part->name,
                   str_fmt(part->arena, "%lld", (long long)bytes_max));
}

const struct err *xlsx_part_read(struct xlsx_part *part, void *bytes, size_t n, size_t *got)
{
    CHECK(part->file);
    errno = 0;
    zip_int64_t result = zip_fread(part->file, bytes, n);
    if (result < 0)
        return zip_failed(part->zip, zip_file_get_error(part->file), part->name);
    *got = (size_t)result;
    part->read_bytes += result;
    part->zip->unpacked_bytes += result;
    return check_unpacked(part);
}

void xlsx_part_progress(const struct xlsx_part *part, int64_t *read_bytes, int64_t *total_bytes)
{
    *read_bytes = part->read_bytes;
    *total_bytes = part->total_bytes;
}

void xlsx_part_close(struct xlsx_part *part)
{
    if (part->file)
        zip_fclose(part->file);
    part->file = NULL;
}
