/* The rows of a workbook's sheets (SpreadsheetML, ECMA-376 part 1, 18.3). Behind codec/table_input.h, which
 * says what a row is; nothing else includes this but tests. Owner: closes with the arena. */
#ifndef HUITOU_CODEC_XLSX_INPUT_H
#define HUITOU_CODEC_XLSX_INPUT_H

#include "codec/table_input.h"
#include "codec/xlsx_strings.h"

struct xlsx_input;

/* How a program reads: LIMIT_SHARED_STRINGS_MEMORY_BYTES, the rest in the directory of the environment variable TMPDIR or
 * in /var/tmp. */
struct xlsx_options xlsx_options_default(void);

/* Errors: FILE_OPEN, FILE_READ, FILE_PASSWORD, ZIP_BAD, FILE_NOT_TABLE, FILE_FORMAT_OTHER, FILE_ARCHIVE,
 * WORKBOOK_BAD, WORKBOOK_NO_SHEET, WORKBOOK_UNPACKS, XML_BAD, XML_DOCTYPE, MEMORY_OUT. */
ERR_RESULT xlsx_input_open(struct arena *arena, struct str path, const struct xlsx_options *options,
                           struct xlsx_input **out);
/* As table_input_sheets and table_input_select. Opened, a workbook stands before its first visible sheet. */
const struct table_sheet *xlsx_input_sheets(const struct xlsx_input *input, int *count);
int xlsx_input_sheet(const struct xlsx_input *input);
ERR_RESULT xlsx_input_select(struct xlsx_input *input, int sheet);
/* As table_input_next; the errors of xlsx_input_open and FILE_WRITE end the reading. A row that has a value beyond
 * LIMIT_CELLS_MAX columns, a cell or all cells too long comes back as bad (SHEET_COLUMNS, CELL_TOO_LONG,
 * SHEET_ROW_TOO_LONG), with what of it was kept as raw. */
ERR_RESULT xlsx_input_next(struct xlsx_input *input, struct table_row *row, const struct err **bad);
/* Rows from now on have at least so many cells: a sheet leaves out blank ones, and so does a row at its end. */
void xlsx_input_widen(struct xlsx_input *input, int cell_count);
/* Of the file on disk: as far as the sheet that is read and its strings are unpacked. */
void xlsx_input_progress(const struct xlsx_input *input, int64_t *read_bytes, int64_t *total_bytes);
/* After the end of a sheet. */
void xlsx_input_hash(const struct xlsx_input *input, uint8_t out[SECRET_HASH_BYTES]);
void xlsx_input_close(struct xlsx_input *input);

#endif
