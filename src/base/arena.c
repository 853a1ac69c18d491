#include "base/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#endif

#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
#endif

#define ALIGNMENT _Alignof(max_align_t)
#define CHUNK_BYTES_FIRST ((size_t)4 << 10)
#define CHUNK_BYTES_LAST ((size_t)4 << 20)

/* Chunks form one list. Those up to arena->current are in use, those behind it are kept. */
struct chunk {
    struct chunk *next;
    size_t capacity;
    size_t used;
    size_t used_before; /* bytes in use in the chunks before this one */
    _Alignas(max_align_t) char bytes[];
};

struct deferred {
    struct deferred *next;
    void (*fn)(void *);
    void *arg;
};

struct arena {
    const char *name;
    size_t bytes_max;
    size_t chunk_bytes; /* how large the next chunk is */
    struct chunk *first;
    struct chunk *current; /* NULL: nothing is in use */
    struct deferred *deferred;
};

/* Freed space must not be touched: AddressSanitizer reports who does. */
static void forbid(void *p, size_t n)
{
#ifdef ARENA_ASAN
    ASAN_POISON_MEMORY_REGION(p, n);
#else
    (void)p;
    (void)n;
#endif
}

static void permit(void *p, size_t n)
{
#ifdef ARENA_ASAN
    ASAN_UNPOISON_MEMORY_REGION(p, n);
#else
    (void)p;
    (void)n;
#endif
}

static _Noreturn void out_of_memory(const char *name, size_t bytes, size_t used, size_t bytes_max)
{
    fprintf(stderr, "huitou: out of memory in arena %s: %zu more bytes after %zu, of at most %zu\n",
            name, bytes, used, bytes_max);
    abort();
}

void memory_refused(const char *who, size_t bytes)
{
    if (bytes > 0)
        fprintf(stderr, "huitou: out of memory in %s: %zu more bytes\n", who, bytes);
    else
        fprintf(stderr, "huitou: out of memory in %s\n", who);
    abort();
}

void *memory_or_end(void *old, size_t bytes)
{
    void *p = realloc(old, bytes);
    if (p == NULL && bytes > 0)
        memory_refused("a library", bytes);
    return p;
}

static void chunk_free(struct chunk *chunk)
{
    permit(chunk->bytes, chunk->capacity);
    free(chunk);
}

static void chunks_free(struct chunk *chunk)
{
    while (chunk != NULL) {
        struct chunk *next = chunk->next;
        chunk_free(chunk);
        chunk = next;
    }
}

struct arena *arena_new(const char *name, size_t bytes_max)
{
    struct arena *arena = malloc(sizeof *arena);
    if (arena == NULL)
        out_of_memory(name, sizeof *arena, 0, bytes_max);
    *arena = (struct arena){
        .name = name,
        .bytes_max = bytes_max,
        .chunk_bytes = CHUNK_BYTES_FIRST,
    };
    return arena;
}

void arena_free(struct arena *arena)
{
    if (arena == NULL)
        return;
    arena_reset(arena);
    chunks_free(arena->first);
    free(arena);
}

void arena_reset(struct arena *arena)
{
    arena_rewind(arena, (struct arena_mark){NULL, 0, NULL});
}

/* The place in the chunk list that leads to the chunk after the current one. */
static struct chunk **chunk_after_current(struct arena *arena)
{
    return arena->current != NULL ? &arena->current->next : &arena->first;
}

/* Makes a chunk current that has room for `bytes`: a kept one if large enough, else a new one. */
static struct chunk *chunk_advance(struct arena *arena, size_t bytes)
{
    struct chunk **place = chunk_after_current(arena);
    while (*place != NULL && (*place)->capacity < bytes) {
        struct chunk *too_small = *place;
        *place = too_small->next;
        chunk_free(too_small);
    }
    if (*place == NULL) {
        size_t capacity = bytes > arena->chunk_bytes ? bytes : arena->chunk_bytes;
        struct chunk *chunk = malloc(sizeof *chunk + capacity);
        if (chunk == NULL)
            return NULL;
        chunk->next = NULL;
        chunk->capacity = capacity;
        forbid(chunk->bytes, capacity);
        *place = chunk;
        if (arena->chunk_bytes < CHUNK_BYTES_LAST)
            arena->chunk_bytes *= 2;
    }
    struct chunk *chunk = *place;
    chunk->used = 0;
    chunk->used_before = arena_used(arena);
    arena->current = chunk;
    return chunk;
}

void *arena_try_alloc(struct arena *arena, size_t bytes)
{
    if (bytes > SIZE_MAX / 2)
        return NULL;
    /* Something of no size still has an address of its own. */
    size_t wanted = bytes == 0 ? 1 : bytes;
    size_t rounded = (wanted + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    size_t used = arena_used(arena);
    if (used > arena->bytes_max || rounded > arena->bytes_max - used)
        return NULL;
    struct chunk *chunk = arena->current;
    if (chunk == NULL || rounded > chunk->capacity - chunk->used) {
        chunk = chunk_advance(arena, rounded);
        if (chunk == NULL)
            return NULL;
    }
    char *p = chunk->bytes + chunk->used;
    chunk->used += rounded;
    permit(p, wanted);
    memset(p, 0, wanted);
    return p;
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
    void *p = arena_try_alloc(arena, bytes);
    if (p == NULL)
        out_of_memory(arena->name, bytes, arena_used(arena), arena->bytes_max);
    return p;
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        out_of_memory(arena->name, SIZE_MAX, arena_used(arena), arena->bytes_max);
    return arena_alloc(arena, bytes);
}

struct arena_mark arena_mark(struct arena *arena)
{
    return (struct arena_mark){
        .chunk = arena->current,
        .used = arena->current != NULL ? arena->current->used : 0,
        .deferred = arena->deferred,
    };
}

void arena_rewind(struct arena *arena, struct arena_mark mark)
{
    while (arena->deferred != mark.deferred) {
        struct deferred *deferred = arena->deferred;
        CHECK(deferred != NULL);
        arena->deferred = deferred->next;
        deferred->fn(deferred->arg);
    }
    struct chunk *kept = mark.chunk;
    struct chunk *end = arena->current != NULL ? arena->current->next : NULL;
    struct chunk *chunk = kept != NULL ? kept->next : arena->first;
    for (; chunk != end; chunk = chunk->next)
        forbid(chunk->bytes, chunk->capacity);
    if (kept != NULL) {
        CHECK(mark.used <= kept->used);
        forbid(kept->bytes + mark.used, kept->capacity - mark.used);
        kept->used = mark.used;
    }
    arena->current = kept;
}

void arena_defer(struct arena *arena, void (*fn)(void *), void *arg)
{
    struct deferred *deferred = ARENA_NEW(arena, struct deferred);
    *deferred = (struct deferred){arena->deferred, fn, arg};
    arena->deferred = deferred;
}

size_t arena_used(const struct arena *arena)
{
    if (arena->current == NULL)
        return 0;
    return arena->current->used_before + arena->current->used;
}
