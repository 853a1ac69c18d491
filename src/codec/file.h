/* Small whole files. */
#ifndef HUITOU_CODEC_FILE_H
#define HUITOU_CODEC_FILE_H

#include "base/err.h"

/* Errors: FILE_OPEN, FILE_READ, FILE_TOO_LARGE. */
ERR_RESULT file_read(struct arena *arena, struct str path, size_t bytes_max, struct str *out);
/* Writes to a temporary name beside it, syncs, renames, syncs the directory. mode as in chmod. */
ERR_RESULT file_write(struct arena *arena, struct str path, struct str content, int mode);
/* The two steps of the above, for a library that writes a file by its name: an empty file of a temporary name beside
 * `path`; and, once that is written, what makes it `path` (which removes it where that fails). Errors: FILE_FOLDER,
 * FILE_WRITE. */
ERR_RESULT file_temporary(struct arena *arena, struct str path, const char **temporary);
ERR_RESULT file_put_in_place(struct arena *arena, const char *temporary, struct str path, int mode);
/* A directory with its parents, each new name synced; existing is fine. */
ERR_RESULT file_make_directory(struct arena *arena, struct str path, int mode);
bool file_exists(struct arena *arena, struct str path);

#endif
