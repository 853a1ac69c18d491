/* Sorts more than fits in memory: records are kept up to memory_bytes, then spilled as sorted runs to unnamed
 * temporary files (nothing is left behind by a kill) and merged. Keys compare bytewise; equal keys keep the order
 * they were added in. Owner: the caller closes it. Threads: one. */
#ifndef HUITOU_BASE_SORTER_H
#define HUITOU_BASE_SORTER_H

#include "base/err.h"

struct sorter;
struct sorter_options {
    struct str directory; /* for the runs */
    size_t memory_bytes;  /* at least 1 MiB */
};

ERR_RESULT sorter_open(struct arena *arena, const struct sorter_options *options, struct sorter **out);
/* Copies key and value. Errors: FILE_WRITE. Record limit: SORTER_RECORD_BYTES_MAX, asserted. */
#define SORTER_RECORD_BYTES_MAX (16u << 20)
ERR_RESULT sorter_add(struct sorter *sorter, struct str key, struct str value);
/* No more records; reading may begin. */
ERR_RESULT sorter_finish(struct sorter *sorter);
/* The next record in order; *has is false at the end. key and value are valid until the next call. */
ERR_RESULT sorter_next(struct sorter *sorter, struct str *key, struct str *value, bool *has);
/* Begins reading again from the first record (after sorter_finish). */
ERR_RESULT sorter_rewind(struct sorter *sorter);
int64_t sorter_count(const struct sorter *sorter);
void sorter_close(struct sorter *sorter);

#endif
