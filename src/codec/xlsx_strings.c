/* Texts lie one behind the other; where each ends is kept in memory, 8 bytes a string. The first
 * that does not fit into the memory allowed is the first of the file. */
#include "codec/xlsx_strings.h"

#include "base/arena.h"
#include "base/check.h"
#include "base/limits.h"
#include "codec/xlsx_text.h"
#include "codec/xlsx_xml.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CACHE_BLOCKS 64
#define CACHE_BLOCK_BYTES 65536
#define TEXT_ARENA_BYTES_MAX ((size_t)16 << 20)
/* The depth of a string in its part: sst/si. */
#define SI_DEPTH 2
/* In ends[]: the string was too long and nothing of it is kept. */
#define TOO_LONG (UINT64_C(1) << 63)

struct cached_block {
    int64_t number; /* + 1; 0: none */
    char *bytes;
};

struct xlsx_strings {
    struct arena *arena;
    struct arena *text_arena;
    struct str path;
    struct xlsx_options options;
    struct xlsx_xml *xml; /* NULL: no such part */
    bool end, closed;
    struct xlsx_text text;
    bool in_string;

    uint64_t *ends;
    size_t count, capacity;
    uint64_t bytes; /* of all texts */

    char *memory;
    size_t memory_bytes, memory_capacity;
    bool spilled;

    int fd;        /* -1: none */
    char *waiting; /* the file's last block, not written yet, in CACHE_BLOCK_BYTES */
    uint64_t spilled_bytes;
    struct cached_block cache[CACHE_BLOCKS];
    char *joined; /* a text that lies in several blocks */
};

/* --- Keeping --- */

static const struct err *memory_out(struct xlsx_strings *strings)
{
    return ERR_NEW(strings->arena, ERR_MEMORY_OUT, strings->path);
}

static const struct err *spill_failed(struct xlsx_strings *strings)
{
    return ERR_NEW(strings->arena, ERR_FILE_WRITE, str_c(strings->options.spill_directory),
                   str_c(strerrordesc_np(errno)));
}

static const struct err *spill_open(struct xlsx_strings *strings)
{
    const char *directory = strings->options.spill_directory;
    strings->fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (strings->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
        /* Not every file system makes files without a name. */
        struct str path = str_fmt(strings->arena, "%s/huitou-xlsx-XXXXXX", directory);
        char *name = ARENA_ARRAY(strings->arena, path.n + 1, char);
        memcpy(name, path.p, path.n);
        strings->fd = mkostemp(name, O_CLOEXEC);
        if (strings->fd >= 0)
            unlink(name);
    }
    if (strings->fd < 0)
        return spill_failed(strings);
    strings->waiting = malloc(CACHE_BLOCK_BYTES);
    /* A text has at most LIMIT_CELL_BYTES_MAX. */
    strings->joined = malloc(LIMIT_CELL_BYTES_MAX);
    if (!strings->waiting || !strings->joined)
        return memory_out(strings);
    strings->spilled = true;
    return NULL;
}

static const struct err *spill_flush(struct xlsx_strings *strings)
{
    uint64_t from = strings->spilled_bytes - CACHE_BLOCK_BYTES;
    size_t done = 0;
    while (done < CACHE_BLOCK_BYTES) {
        ssize_t n = pwrite(strings->fd, strings->waiting + done, CACHE_BLOCK_BYTES - done,
                           (off_t)(from + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return spill_failed(strings);
        done += (size_t)n;
    }
    return NULL;
}

static const struct err *spill_add(struct xlsx_strings *strings, struct str text)
{
    while (text.n > 0) {
        size_t used = strings->spilled_bytes % CACHE_BLOCK_BYTES;
        size_t n = CACHE_BLOCK_BYTES - used < text.n ? CACHE_BLOCK_BYTES - used : text.n;
        memcpy(strings->waiting + used, text.p, n);
        strings->spilled_bytes += n;
        text = str_slice(text, n, text.n);
        if (used + n == CACHE_BLOCK_BYTES)
            TRY(spill_flush(strings));
    }
    return NULL;
}

static const struct err *memory_add(struct xlsx_strings *strings, struct str text)
{
    size_t wanted = strings->memory_bytes + text.n;
    if (wanted > strings->memory_capacity) {
        size_t capacity = strings->memory_capacity ? strings->memory_capacity * 2 : 65536;
        while (capacity < wanted)
            capacity *= 2;
        char *memory = realloc(strings->memory, capacity);
        if (!memory)
            return memory_out(strings);
        strings->memory = memory;
        strings->memory_capacity = capacity;
    }
    if (text.n > 0)
        memcpy(strings->memory + strings->memory_bytes, text.p, text.n);
    strings->memory_bytes = wanted;
    return NULL;
}

static const struct err *ends_grow(struct xlsx_strings *strings)
{
    if (strings->count < strings->capacity)
        return NULL;
    size_t capacity = strings->capacity ? strings->capacity * 2 : 1024;
    uint64_t *ends = realloc(strings->ends, capacity * sizeof(ends[0]));
    if (!ends)
        return memory_out(strings);
    strings->ends = ends;
    strings->capacity = capacity;
    return NULL;
}

static const struct err *keep(struct xlsx_strings *strings, struct str text, bool too_long)
{
    if (strings->count == LIMIT_SHARED_STRINGS_MAX)
        return ERR_NEW(
            strings->arena, ERR_WORKBOOK_BAD, strings->path,
            str_fmt(strings->arena, "more than %u shared strings", LIMIT_SHARED_STRINGS_MAX));
    TRY(ends_grow(strings));
    if (too_long)
        text = STR("");
    bool fits = strings->memory_bytes + text.n <= strings->options.strings_memory_bytes;
    if (!strings->spilled && !fits)
        TRY(spill_open(strings));
    if (strings->spilled)
        TRY(spill_add(strings, text));
    else
        TRY(memory_add(strings, text));
    strings->bytes += text.n;
    strings->ends[strings->count++] = strings->bytes | (too_long ? TOO_LONG : 0);
    return NULL;
}

/* --- The part --- */

static void on_start(void *arg, int depth, const char *name, const char **attributes)
{
    struct xlsx_strings *strings = arg;
    if (depth == SI_DEPTH) {
        strings->in_string = strcmp(name, "si") == 0;
        xlsx_text_begin(&strings->text);
    } else if (depth > SI_DEPTH && strings->in_string) {
        xlsx_text_start(&strings->text, depth - SI_DEPTH, name, attributes);
    }
}

static void on_end(void *arg, int depth, const char *name)
{
    struct xlsx_strings *strings = arg;
    if (!strings->in_string)
        return;
    if (depth > SI_DEPTH)
        xlsx_text_end(&strings->text, depth - SI_DEPTH, name);
    if (depth != SI_DEPTH)
        return;
    strings->in_string = false;
    const struct err *err = keep(strings, xlsx_text_view(&strings->text), strings->text.too_long);
    if (err)
        xlsx_xml_fail(strings->xml, err);
}

static void on_text(void *arg, const char *bytes, size_t n)
{
    struct xlsx_strings *strings = arg;
    if (strings->in_string)
        xlsx_text_add(&strings->text, bytes, n);
}

static void close_deferred(void *arg)
{
    xlsx_strings_close(arg);
}

const struct err *xlsx_strings_open(struct arena *arena, struct xlsx_zip *zip, struct str part,
                                    const struct xlsx_options *options, struct xlsx_strings **out)
{
    struct xlsx_strings *strings = ARENA_NEW(arena, struct xlsx_strings);
    strings->arena = arena;
    strings->path = xlsx_zip_path(zip);
    strings->options = *options;
    strings->fd = -1;
    strings->text_arena = arena_new("shared string", TEXT_ARENA_BYTES_MAX);
    strings->text = xlsx_text_new(strings->text_arena);
    arena_defer(arena, close_deferred, strings);
    struct xlsx_xml_handler handler = {on_start, on_end, on_text, strings};
    if (part.p)
        TRY(xlsx_xml_open(arena, zip, part, INT64_MAX, &handler, &strings->xml));
    *out = strings;
    return NULL;
}

/* --- Finding --- */

/* A whole block of the file, by the cache. */
static const struct err *block_get(struct xlsx_strings *strings, uint64_t number,
                                   const char **bytes)
{
    if (number == strings->spilled_bytes / CACHE_BLOCK_BYTES) {
        *bytes = strings->waiting;
        return NULL;
    }
    struct cached_block *block = &strings->cache[number % CACHE_BLOCKS];
    if (!block->bytes)
        block->bytes = malloc(CACHE_BLOCK_BYTES);
    if (!block->bytes)
        return memory_out(strings);
    *bytes = block->bytes;
    if (block->number == (int64_t)number + 1)
        return NULL;
    block->number = 0;
    for (size_t done = 0; done < CACHE_BLOCK_BYTES;) {
        ssize_t n = pread(strings->fd, block->bytes + done, CACHE_BLOCK_BYTES - done,
                          (off_t)(number * CACHE_BLOCK_BYTES + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return ERR_NEW(strings->arena, ERR_FILE_READ, str_c(strings->options.spill_directory),
                           str_c(n < 0 ? strerrordesc_np(errno) : "too short"));
        done += (size_t)n;
    }
    block->number = (int64_t)number + 1;
    return NULL;
}

static const struct err *spill_get(struct xlsx_strings *strings, uint64_t from, size_t n,
                                   struct str *text)
{
    const char *block;
    size_t at = from % CACHE_BLOCK_BYTES;
    if (at + n <= CACHE_BLOCK_BYTES) {
        TRY(block_get(strings, from / CACHE_BLOCK_BYTES, &block));
        *text = (struct str){block + at, n};
        return NULL;
    }
    for (size_t done = 0; done < n;) {
        at = (from + done) % CACHE_BLOCK_BYTES;
        size_t part = CACHE_BLOCK_BYTES - at < n - done ? CACHE_BLOCK_BYTES - at : n - done;
        TRY(block_get(strings, (from + done) / CACHE_BLOCK_BYTES, &block));
        memcpy(strings->joined + done, block + at, part);
        done += part;
    }
    *text = (struct str){strings->joined, n};
    return NULL;
}

const struct err *xlsx_strings_get(struct xlsx_strings *strings, int64_t index, struct str *text,
                                   bool *too_long, bool *found)
{
    CHECK(!strings->closed);
    *found = *too_long = false;
    *text = STR("");
    while (index >= (int64_t)strings->count && strings->xml && !strings->end)
        TRY(xlsx_xml_step(strings->xml, &strings->end));
    if (index < 0 || index >= (int64_t)strings->count)
        return NULL;
    *found = true;
    uint64_t from = index > 0 ? strings->ends[index - 1] & ~TOO_LONG : 0;
    uint64_t to = strings->ends[index] & ~TOO_LONG;
    *too_long = (strings->ends[index] & TOO_LONG) != 0;
    size_t n = (size_t)(to - from);
    if (n == 0)
        return NULL;
    if (from >= strings->memory_bytes)
        return spill_get(strings, from - strings->memory_bytes, n, text);
    *text = (struct str){strings->memory + from, n};
    return NULL;
}

void xlsx_strings_progress(const struct xlsx_strings *strings, int64_t *read_bytes,
                           int64_t *total_bytes)
{
    *read_bytes = *total_bytes = 0;
    if (strings->xml)
        xlsx_part_progress(xlsx_xml_part(strings->xml), read_bytes, total_bytes);
}

void xlsx_strings_close(struct xlsx_strings *strings)
{
    if (strings->closed)
        return;
    strings->closed = true;
    if (strings->xml)
        xlsx_xml_close(strings->xml);
    if (strings->fd >= 0)
        close(strings->fd);
    for (int i = 0; i < CACHE_BLOCKS; i++)
        free(strings->cache[i].bytes);
    free(strings->joined);
    free(strings->waiting);
    free(strings->memory);
    free(strings->ends);
    arena_free(strings->text_arena);
}
