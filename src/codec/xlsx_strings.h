/* The shared strings of a workbook (ECMA-376 part 1, 18.4.9), read as far as they are asked for. Their text lies in memory
 * up to a limit and beyond it in a file without a name, of which the blocks last used are kept. Owner: closes with the
 * arena. */
#ifndef HUITOU_CODEC_XLSX_STRINGS_H
#define HUITOU_CODEC_XLSX_STRINGS_H

#include "codec/xlsx_zip.h"

struct xlsx_strings;
struct xlsx_options {
    size_t strings_memory_bytes; /* text of shared strings that is kept in memory */
    const char *spill_directory; /* of the file for the rest */
};

/* part: absent where the workbook has none. */
ERR_RESULT xlsx_strings_open(struct arena *arena, struct xlsx_zip *zip, struct str part,
                             const struct xlsx_options *options, struct xlsx_strings **out);
/* String `index`, until the next call; *too_long: over LIMIT_CELL_BYTES_MAX and not kept; *found false: there is none.
 * Errors: as xlsx_xml_step, FILE_WRITE and FILE_READ of the file without a name, MEMORY_OUT, WORKBOOK_BAD where there
 * are more than LIMIT_SHARED_STRINGS_MAX. */
ERR_RESULT xlsx_strings_get(struct xlsx_strings *strings, int64_t index, struct str *text, bool *too_long,
                            bool *found);
/* As xlsx_part_progress. */
void xlsx_strings_progress(const struct xlsx_strings *strings, int64_t *read_bytes, int64_t *total_bytes);
void xlsx_strings_close(struct xlsx_strings *strings);

#endif
