#include "base/sorter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/check.h"

#define MEMORY_BYTES_MIN ((size_t)1 << 20)
#define RUNS_MERGED_MAX 64 /* at once; more are merged in levels */
#define WRITE_BYTES ((size_t)256 << 10)

/* A record in memory and in a run: this head, then the key, then the value. */
struct record_head {
    uint32_t key_bytes;
    uint32_t value_bytes;
};

/* A record in memory. The key's first bytes as a number spare most comparisons the record. */
struct entry {
    uint64_t key_start;
    const char *record;
};
/* What a record's entry takes: its own place and its place in qsort's copy. */
#define ENTRY_BYTES (2 * sizeof(struct entry))

struct run {
    int64_t from, to; /* in its file */
};

/* The sorted runs of one level, one behind the other in an unnamed file. */
struct run_file {
    int fd; /* -1: none */
    int64_t bytes;
    struct run *runs;
    size_t count, capacity;
    char *waiting; /* WRITE_BYTES that are not written yet */
    size_t waiting_bytes;
};

struct run_reader {
    int64_t at, to; /* what is to be read from the file yet */
    char *buffer;
    size_t capacity, start,
        end; /* buffer[start, end) is read, and holds the current record first */
    struct str key, value;
    uint64_t key_start;
    bool done;
};

struct merge {
    const struct run_file *file;
    struct run_reader readers[RUNS_MERGED_MAX];
    int heap[RUNS_MERGED_MAX]; /* readers; none comes before its parent */
    int heap_count;
};

struct sorter {
    struct arena *arena;
    const char *directory;
    size_t memory_bytes;
    int64_t count;
    bool finished, closed;
    /* Records from the front of memory, entries from its end downwards: entries[-1] is the first
     * added. */
    char *memory;
    size_t used;
    struct entry *entries_end;
    size_t entry_count;
    size_t entry_next;
    struct run_file runs;   /* what is read in the end */
    struct run_file merged; /* the next level, while it is made */
    struct merge merge;
    bool merge_begun; /* the reader on top of the heap holds the record that was handed out */
};

/* --- Memory --- */

static void *must_alloc(void *old, size_t bytes)
{
    void *p = realloc(old, bytes);
    if (p == NULL)
        memory_refused("sorter", bytes);
    return p;
}

static uint64_t key_start_of(struct str key)
{
    uint64_t start = 0;
    for (size_t i = 0; i < sizeof start; i++)
        start = start << 8 | (i < key.n ? (unsigned char)key.p[i] : 0);
    return start;
}

/* The key and value of the record that lies at p. */
static void record_at(const char *p, struct str *key, struct str *value)
{
    struct record_head head;
    memcpy(&head, p, sizeof head);
    *key = (struct str){p + sizeof head, head.key_bytes};
    *value = (struct str){p + sizeof head + head.key_bytes, head.value_bytes};
}

static void record_put(char *p, struct str key, struct str value)
{
    struct record_head head = {(uint32_t)key.n, (uint32_t)value.n};
    memcpy(p, &head, sizeof head);
    if (key.n > 0)
        memcpy(p + sizeof head, key.p, key.n);
    if (value.n > 0)
        memcpy(p + sizeof head + key.n, value.p, value.n);
}

static int entry_compare(const void *a_void, const void *b_void)
{
    const struct entry *a = a_void, *b = b_void;
    if (a->key_start != b->key_start)
        return a->key_start < b->key_start ? -1 : 1;
    struct str a_key, b_key, value;
    record_at(a->record, &a_key, &value);
    record_at(b->record, &b_key, &value);
    int order = str_cmp(a_key, b_key);
    if (order != 0)
        return order;
    /* Records lie in the order they were added in. */
    return a->record < b->record ? -1 : a->record > b->record;
}

static struct entry *entries_sorted(struct sorter *sorter)
{
    struct entry *entries = sorter->entries_end - sorter->entry_count;
    qsort(entries, sorter->entry_count, sizeof entries[0], entry_compare);
    return entries;
}

/* --- Writing runs --- */

static const struct err *write_failed(struct sorter *sorter)
{
    return ERR_NEW(sorter->arena, ERR_FILE_WRITE, str_c(sorter->directory), str_c(strerror(errno)));
}

static const struct err *run_file_open(struct sorter *sorter, struct run_file *file)
{
    CHECK(file->fd < 0);
    file->fd = open(sorter->directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (file->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
        /* Not every file system makes files without a name. */
        struct str path = str_fmt(sorter->arena, "%s/huitou-sort-XXXXXX", sorter->directory);
        char *name = ARENA_ARRAY(sorter->arena, path.n + 1, char);
        memcpy(name, path.p, path.n);
        file->fd = mkostemp(name, O_CLOEXEC);
        if (file->fd >= 0)
            unlink(name);
    }
    if (file->fd < 0)
        return write_failed(sorter);
    file->waiting = must_alloc(NULL, WRITE_BYTES);
    return NULL;
}

static void run_file_close(struct run_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    free(file->waiting);
    free(file->runs);
    *file = (struct run_file){.fd = -1};
}

static const struct err *run_file_flush(struct sorter *sorter, struct run_file *file)
{
    size_t done = 0;
    while (done < file->waiting_bytes) {
        ssize_t n = write(file->fd, file->waiting + done, file->waiting_bytes - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return write_failed(sorter);
        done += (size_t)n;
    }
    file->waiting_bytes = 0;
    return NULL;
}

static const struct err *run_file_add(struct sorter *sorter, struct run_file *file, const char *p,
                                      size_t n)
{
    file->bytes += (int64_t)n;
    while (n > 0) {
        size_t part = WRITE_BYTES - file->waiting_bytes;
        if (part > n)
            part = n;
        memcpy(file->waiting + file->waiting_bytes, p, part);
        file->waiting_bytes += part;
        p += part;
        n -= part;
        if (file->waiting_bytes == WRITE_BYTES)
            TRY(run_file_flush(sorter, file));
    }
    return NULL;
}

/* Notes that what was added since `from` is a run. */
static void run_file_end_run(struct run_file *file, int64_t from)
{
    if (file->count == file->capacity) {
        file->capacity = file->capacity == 0 ? RUNS_MERGED_MAX : file->capacity * 2;
        file->runs = must_alloc(file->runs, file->capacity * sizeof file->runs[0]);
    }
    file->runs[file->count++] = (struct run){from, file->bytes};
}

/* Writes the records in memory as one sorted run. */
static const struct err *spill(struct sorter *sorter)
{
    if (sorter->entry_count == 0)
        return NULL;
    if (sorter->runs.fd < 0)
        TRY(run_file_open(sorter, &sorter->runs));
    struct run_file *file = &sorter->runs;
    int64_t from = file->bytes;
    struct entry *entries = entries_sorted(sorter);
    for (size_t i = 0; i < sorter->entry_count; i++) {
        struct str key, value;
        record_at(entries[i].record, &key, &value);
        size_t n = sizeof(struct record_head) + key.n + value.n;
        TRY(run_file_add(sorter, file, entries[i].record, n));
    }
    run_file_end_run(file, from);
    sorter->used = 0;
    sorter->entry_count = 0;
    return NULL;
}

/* A record larger than the whole memory is a run of its own. */
static const struct err *spill_large(struct sorter *sorter, struct str key, struct str value)
{
    TRY(spill(sorter));
    if (sorter->runs.fd < 0)
        TRY(run_file_open(sorter, &sorter->runs));
    struct record_head head = {(uint32_t)key.n, (uint32_t)value.n};
    int64_t from = sorter->runs.bytes;
    TRY(run_file_add(sorter, &sorter->runs, (const char *)&head, sizeof head));
    TRY(run_file_add(sorter, &sorter->runs, key.p, key.n));
    TRY(run_file_add(sorter, &sorter->runs, value.p, value.n));
    run_file_end_run(&sorter->runs, from);
    return NULL;
}

/* --- Reading and merging runs --- */

static const struct err *read_failed(struct sorter *sorter, const char *why)
{
    return ERR_NEW(sorter->arena, ERR_FILE_READ, str_c(sorter->directory), str_c(why));
}

/* Sees to it that at least `wanted` bytes lie at buffer[start]. */
static const struct err *reader_fill(struct sorter *sorter, struct run_reader *reader,
                                     size_t wanted)
{
    if (reader->end - reader->start >= wanted)
        return NULL;
    if (reader->start > 0) {
        memmove(reader->buffer, reader->buffer + reader->start, reader->end - reader->start);
        reader->end -= reader->start;
        reader->start = 0;
    }
    if (reader->capacity < wanted) {
        reader->buffer = must_alloc(reader->buffer, wanted);
        reader->capacity = wanted;
    }
    while (reader->end < wanted) {
        size_t room = reader->capacity - reader->end;
        if ((int64_t)room > reader->to - reader->at)
            room = (size_t)(reader->to - reader->at);
        if (room == 0)
            return read_failed(sorter, "a run ends within a record");
        ssize_t n = pread(sorter->merge.file->fd, reader->buffer + reader->end, room, reader->at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return read_failed(sorter, strerror(errno));
        if (n == 0)
            return read_failed(sorter, "the file is shorter than what was written");
        reader->end += (size_t)n;
        reader->at += n;
    }
    return NULL;
}

/* Makes the record at buffer[start] the current one; done where the run has no more. */
static const struct err *reader_load(struct sorter *sorter, struct run_reader *reader)
{
    if (reader->start == reader->end && reader->at == reader->to) {
        reader->done = true;
        return NULL;
    }
    struct record_head head;
    TRY(reader_fill(sorter, reader, sizeof head));
    memcpy(&head, reader->buffer + reader->start, sizeof head);
    size_t n = (size_t)head.key_bytes + head.value_bytes;
    if (n > SORTER_RECORD_BYTES_MAX)
        return read_failed(sorter, "a record is damaged");
    TRY(reader_fill(sorter, reader, sizeof head + n));
    record_at(reader->buffer + reader->start, &reader->key, &reader->value);
    reader->key_start = key_start_of(reader->key);
    return NULL;
}

static const struct err *reader_advance(struct sorter *sorter, struct run_reader *reader)
{
    reader->start += sizeof(struct record_head) + reader->key.n + reader->value.n;
    return reader_load(sorter, reader);
}

/* Of equal keys the earlier run's was added first. */
static bool comes_before(const struct merge *merge, int a, int b)
{
    const struct run_reader *a_reader = &merge->readers[a], *b_reader = &merge->readers[b];
    if (a_reader->key_start != b_reader->key_start)
        return a_reader->key_start < b_reader->key_start;
    int order = str_cmp(a_reader->key, b_reader->key);
    return order != 0 ? order < 0 : a < b;
}

static void heap_sink(struct merge *merge, int place)
{
    for (;;) {
        int child = 2 * place + 1;
        if (child >= merge->heap_count)
            return;
        if (child + 1 < merge->heap_count &&
            comes_before(merge, merge->heap[child + 1], merge->heap[child]))
            child++;
        if (!comes_before(merge, merge->heap[child], merge->heap[place]))
            return;
        int moved = merge->heap[place];
        merge->heap[place] = merge->heap[child];
        merge->heap[child] = moved;
        place = child;
    }
}

/* Begins to merge `count` runs of a file. */
static const struct err *merge_begin(struct sorter *sorter, const struct run_file *file,
                                     size_t first, size_t count)
{
    struct merge *merge = &sorter->merge;
    CHECK(count <= RUNS_MERGED_MAX);
    merge->file = file;
    merge->heap_count = 0;
    sorter->merge_begun = false;
    for (size_t i = 0; i < count; i++) {
        struct run_reader *reader = &merge->readers[i];
        if (reader->buffer == NULL) {
            reader->capacity = sorter->memory_bytes / RUNS_MERGED_MAX;
            reader->buffer = must_alloc(NULL, reader->capacity);
        }
        reader->at = file->runs[first + i].from;
        reader->to = file->runs[first + i].to;
        reader->start = reader->end = 0;
        reader->done = false;
        TRY(reader_load(sorter, reader));
        CHECK(!reader->done);
        merge->heap[merge->heap_count++] = (int)i;
    }
    for (int place = merge->heap_count / 2 - 1; place >= 0; place--)
        heap_sink(merge, place);
    return NULL;
}

/* The reader that holds the next record, or NULL at the end. */
static const struct err *merge_next(struct sorter *sorter, const struct run_reader **next)
{
    struct merge *merge = &sorter->merge;
    if (sorter->merge_begun && merge->heap_count > 0) {
        struct run_reader *top = &merge->readers[merge->heap[0]];
        TRY(reader_advance(sorter, top));
        if (top->done)
            merge->heap[0] = merge->heap[--merge->heap_count];
        heap_sink(merge, 0);
    }
    sorter->merge_begun = true;
    *next = merge->heap_count > 0 ? &merge->readers[merge->heap[0]] : NULL;
    return NULL;
}

/* Merges a group of runs into one run of the next level. */
static const struct err *merge_group(struct sorter *sorter, size_t first, size_t count)
{
    int64_t from = sorter->merged.bytes;
    TRY(merge_begin(sorter, &sorter->runs, first, count));
    for (;;) {
        const struct run_reader *next;
        TRY(merge_next(sorter, &next));
        if (next == NULL)
            break;
        size_t n = sizeof(struct record_head) + next->key.n + next->value.n;
        TRY(run_file_add(sorter, &sorter->merged, next->buffer + next->start, n));
    }
    run_file_end_run(&sorter->merged, from);
    return NULL;
}

static const struct err *merge_level(struct sorter *sorter)
{
    TRY(run_file_open(sorter, &sorter->merged));
    for (size_t first = 0; first < sorter->runs.count; first += RUNS_MERGED_MAX) {
        size_t rest = sorter->runs.count - first;
        TRY(merge_group(sorter, first, rest < RUNS_MERGED_MAX ? rest : RUNS_MERGED_MAX));
    }
    TRY(run_file_flush(sorter, &sorter->merged));
    run_file_close(&sorter->runs);
    sorter->runs = sorter->merged;
    sorter->merged = (struct run_file){.fd = -1};
    return NULL;
}

/* --- The sorter --- */

static void close_deferred(void *sorter)
{
    sorter_close(sorter);
}

const struct err *sorter_open(struct arena *arena, const struct sorter_options *options,
                              struct sorter **out)
{
    CHECK(options->memory_bytes >= MEMORY_BYTES_MIN);
    struct sorter *sorter = ARENA_NEW(arena, struct sorter);
    sorter->arena = arena;
    sorter->directory = str_z(arena, options->directory);
    sorter->memory_bytes = options->memory_bytes / sizeof(struct entry) * sizeof(struct entry);
    sorter->runs.fd = -1;
    sorter->merged.fd = -1;
    sorter->memory = must_alloc(NULL, sorter->memory_bytes);
    sorter->entries_end = (struct entry *)(void *)(sorter->memory + sorter->memory_bytes);
    /* For a caller that an error takes away before it closes. */
    arena_defer(arena, close_deferred, sorter);
    *out = sorter;
    return NULL;
}

const struct err *sorter_add(struct sorter *sorter, struct str key, struct str value)
{
    CHECK(!sorter->finished && !sorter->closed);
    CHECK(key.n <= SORTER_RECORD_BYTES_MAX && value.n <= SORTER_RECORD_BYTES_MAX - key.n);
    size_t n = sizeof(struct record_head) + key.n + value.n;
    sorter->count++;
    if (n + ENTRY_BYTES > sorter->memory_bytes)
        return spill_large(sorter, key, value);
    if (sorter->used + n + (sorter->entry_count + 1) * ENTRY_BYTES > sorter->memory_bytes)
        TRY(spill(sorter));
    char *record = sorter->memory + sorter->used;
    record_put(record, key, value);
    sorter->used += n;
    sorter->entry_count++;
    *(sorter->entries_end - sorter->entry_count) = (struct entry){key_start_of(key), record};
    return NULL;
}

const struct err *sorter_finish(struct sorter *sorter)
{
    CHECK(!sorter->finished && !sorter->closed);
    sorter->finished = true;
    if (sorter->runs.fd < 0) {
        entries_sorted(sorter);
        return NULL;
    }
    TRY(spill(sorter));
    TRY(run_file_flush(sorter, &sorter->runs));
    free(sorter->memory);
    sorter->memory = NULL;
    while (sorter->runs.count > RUNS_MERGED_MAX)
        TRY(merge_level(sorter));
    return sorter_rewind(sorter);
}

const struct err *sorter_next(struct sorter *sorter, struct str *key, struct str *value, bool *has)
{
    CHECK(sorter->finished && !sorter->closed);
    *has = false;
    if (sorter->runs.fd < 0) {
        if (sorter->entry_next == sorter->entry_count)
            return NULL;
        struct entry *entries = sorter->entries_end - sorter->entry_count;
        record_at(entries[sorter->entry_next++].record, key, value);
        *has = true;
        return NULL;
    }
    const struct run_reader *next;
    TRY(merge_next(sorter, &next));
    if (next == NULL)
        return NULL;
    *key = next->key;
    *value = next->value;
    *has = true;
    return NULL;
}

const struct err *sorter_rewind(struct sorter *sorter)
{
    CHECK(sorter->finished && !sorter->closed);
    sorter->entry_next = 0;
    if (sorter->runs.fd < 0)
        return NULL;
    return merge_begin(sorter, &sorter->runs, 0, sorter->runs.count);
}

int64_t sorter_count(const struct sorter *sorter)
{
    return sorter->count;
}

void sorter_close(struct sorter *sorter)
{
    if (sorter->closed)
        return;
    sorter->closed = true;
    free(sorter->memory);
    run_file_close(&sorter->runs);
    run_file_close(&sorter->merged);
    for (int i = 0; i < RUNS_MERGED_MAX; i++)
        free(sorter->merge.readers[i].buffer);
}
