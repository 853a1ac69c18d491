/* The container of a workbook: a zip (ECMA-376 part 2, "Open Packaging Conventions") whose parts are read as streams.
 * What is unpacked meets a limit of its ratio and of its sum (base/limits.h). Owner: closes with the arena. One thread. */
#ifndef HUITOU_CODEC_XLSX_ZIP_H
#define HUITOU_CODEC_XLSX_ZIP_H

#include "base/err.h"
#include "base/secret.h"

struct xlsx_zip;
struct xlsx_part; /* a stream of one part's bytes */

/* Errors: FILE_OPEN, FILE_READ, MEMORY_OUT; ZIP_BAD where the container is damaged or its list of entries too large. */
ERR_RESULT xlsx_zip_open(struct arena *arena, struct str path, struct xlsx_zip **out);
/* The file's path, for errors. */
struct str xlsx_zip_path(const struct xlsx_zip *zip);
/* Part names are compared without regard to case (OPC 9.1.1.2). */
bool xlsx_zip_has(struct xlsx_zip *zip, struct str part);
int64_t xlsx_zip_file_bytes(const struct xlsx_zip *zip);
/* The content hash of the whole file on disk, read for it. Errors: FILE_READ. */
ERR_RESULT xlsx_zip_hash(struct xlsx_zip *zip, uint8_t out[SECRET_HASH_BYTES]);
void xlsx_zip_close(struct xlsx_zip *zip); /* its parts first */

/* bytes_max: what this part may unpack to. Errors: WORKBOOK_BAD where there is no such part; FILE_PASSWORD; ZIP_BAD. */
ERR_RESULT xlsx_part_open(struct arena *arena, struct xlsx_zip *zip, struct str name, int64_t bytes_max,
                          struct xlsx_part **out);
/* Reads up to n bytes; *got is 0 at the end. Errors: ZIP_BAD (also where the checksum is wrong), WORKBOOK_UNPACKS. */
ERR_RESULT xlsx_part_read(struct xlsx_part *part, void *bytes, size_t n, size_t *got);
/* Bytes read so far, and in all as the container says (which may be wrong). */
void xlsx_part_progress(const struct xlsx_part *part, int64_t *read_bytes, int64_t *total_bytes);
void xlsx_part_close(struct xlsx_part *part);

#endif
