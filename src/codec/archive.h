/* A file of named parts that says whether all of it is as it was written: a tar file (POSIX ustar; sizes from 8 GiB on in
 * GNU's base-256 form) whose last part, "sha256", holds the SHA-256 of every byte before it. The bytes behind that hash
 * follow from it, so that reading compares all of them: no byte of the file can change unnoticed. By hand, without
 * huitou: head -c -2048 FILE | sha256sum, and tar -xf FILE.
 * Parts may be packed (gzip, RFC 1952; their names end in .gz).
 * The hash shows damage, not malice: who can write the file can write another hash. */
#ifndef HUITOU_CODEC_ARCHIVE_H
#define HUITOU_CODEC_ARCHIVE_H

#include "base/secret.h"

#define ARCHIVE_NAME_BYTES_MAX 99
#define ARCHIVE_PART_SHA256 "sha256"
#define ARCHIVE_TRAILER_BYTES 2048 /* head and content of the last part, two empty blocks */

/* --- Writing --- */

struct archive_writer;
/* A new file of a temporary name beside `path`, mode 0600. The arena outlives the writer. Errors: FILE_FOLDER,
 * FILE_WRITE. */
ERR_RESULT archive_create(struct arena *arena, struct str path, int64_t time_s, struct archive_writer **out);
/* The path of the temporary file: what else is needed may be put beside it. */
struct str archive_temporary(const struct archive_writer *writer);
/* Begins a part, which ends the one before. packed: what is added is packed on the way. Errors: FILE_WRITE. */
ERR_RESULT archive_part(struct archive_writer *writer, struct str name, bool packed);
ERR_RESULT archive_add(struct archive_writer *writer, const void *bytes, size_t n);
/* Ends the last part, reads all back for the hash, syncs and gives the file its name. Errors: FILE_READ, FILE_WRITE. */
ERR_RESULT archive_finish(struct archive_writer *writer, int64_t *bytes, uint8_t sha256[SECRET_SHA256_BYTES]);
/* Removes what was written, unless it was finished. */
void archive_abandon(struct archive_writer *writer);

/* --- Reading --- */

struct archive_reader;
/* Opens the file and compares all of it with its hash before anything is told of it. Errors: FILE_OPEN, FILE_READ,
 * ARCHIVE_OTHER (no tar file of ours), ARCHIVE_BAD. */
ERR_RESULT archive_open(struct arena *arena, struct str path, struct archive_reader **out);
int64_t archive_bytes(const struct archive_reader *reader);
const uint8_t *archive_sha256(const struct archive_reader *reader);
/* The next part, in the order written; *has is false at the end. What is left of the part before is passed over.
 * Errors: FILE_READ, ARCHIVE_BAD. */
ERR_RESULT archive_next(struct archive_reader *reader, struct str *name, bool *has);
/* Up to n bytes of the part, unpacked; *read is 0 at its end. Errors: FILE_READ, ARCHIVE_BAD. */
ERR_RESULT archive_read(struct archive_reader *reader, void *bytes, size_t n, size_t *read);
/* The whole of a small part. Errors: also ARCHIVE_BAD where it is larger. */
ERR_RESULT archive_read_all(struct archive_reader *reader, size_t bytes_max, struct str *out);
void archive_close(struct archive_reader *reader);

#endif
