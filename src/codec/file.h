/* Small whole files. */
#ifndef HUITOU_CODEC_FILE_H
#define HUITOU_CODEC_FILE_H

#include "base/err.h"

/* Errors: FILE_OPEN, FILE_READ, FILE_TOO_LARGE. */
ERR_RESULT file_read(struct arena *arena, struct str path, size_t bytes_max, struct str *out);
/* Writes to a temporary name beside it, syncs, renames, syncs the directory. mode as in chmod. */
ERR_RESULT file_write(struct arena *arena, struct str path, struct str content, int mode);
/* A directory with its parents, each new name synced; existing is fine. */
ERR_RESULT file_make_directory(struct arena *arena, struct str path, int mode);
bool file_exists(struct arena *arena, struct str path);

#endif
