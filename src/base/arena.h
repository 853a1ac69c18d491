/* Memory by lifetime: an arena per command, job step or import batch; freed all at once.
 * Owner: whoever called arena_new. Threads: an arena belongs to one thread at a time.
 * Errors: none returned; running out of memory, or past the arena's own limit, ends the process. */
#ifndef HUITOU_BASE_ARENA_H
#define HUITOU_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct arena_mark {
    void *chunk;
    size_t used;
    void *deferred;
};

/* A new arena that may hold at most bytes_max bytes; name appears in the message if it runs out. */
struct arena *arena_new(const char *name, size_t bytes_max);
/* Runs what was deferred, newest first, and gives all memory back. NULL is allowed. */
void arena_free(struct arena *arena);
/* Empties the arena and keeps its memory for the next use. */
void arena_reset(struct arena *arena);
/* Zeroed memory aligned for any type. Never NULL. */
void *arena_alloc(struct arena *arena, size_t bytes);
/* count × size zeroed bytes, overflow checked. */
void *arena_array(struct arena *arena, size_t count, size_t size);
/* As arena_alloc, but NULL where the limit or the machine's memory is reached: for sizes from outside. */
void *arena_try_alloc(struct arena *arena, size_t bytes);
/* What is allocated after a mark is given back by rewinding to it. */
struct arena_mark arena_mark(struct arena *arena);
void arena_rewind(struct arena *arena, struct arena_mark mark);
/* Calls fn(arg) when the arena is reset, freed, or rewound past this point. */
void arena_defer(struct arena *arena, void (*fn)(void *), void *arg);
/* Bytes handed out since the last reset. */
size_t arena_used(const struct arena *arena);

/* The end of the process where memory is refused outside of an arena: by a library, or to a sorter (decisions/0011).
 * Says on standard error who wanted how much (0: not known), and aborts. */
_Noreturn void memory_refused(const char *who, size_t bytes);
/* For libraries that may be given a malloc and a realloc: never NULL, but the end of the process. Owner: free(). */
void *memory_or_end(void *old, size_t bytes);

#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define ARENA_ARRAY(arena, count, type) ((type *)arena_array((arena), (count), sizeof(type)))

#endif
