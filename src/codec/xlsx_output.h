/* A workbook for people, by libxlsxwriter: sheets with a bold header that stays in view, cells with types and formats,
 * columns as wide as their text. Rows go to a temporary file as they are written, so that memory is bounded. Written
 * under a temporary name and put in place when it is whole. One thread. */
#ifndef HUITOU_CODEC_XLSX_OUTPUT_H
#define HUITOU_CODEC_XLSX_OUTPUT_H

#include "base/err.h"

#define XLSX_ROWS_MAX 1048575  /* below a header: Excel's limit is 1,048,576 */
#define XLSX_COLUMNS_MAX 1100  /* our own: the cells of the widest row that is read, and more */
/* Beyond as text: a cell's number is a double, of which Excel shows 15 digits. */
#define XLSX_EXACT_MAX INT64_C(999999999999999)

struct xlsx_output;

/* What is not finished leaves no file. Errors: FILE_FOLDER, FILE_WRITE, MEMORY_OUT. */
ERR_RESULT xlsx_output_open(struct arena *arena, struct str path, struct xlsx_output **out);
/* Begins a sheet. What its name may not hold is replaced, what is too long cut, a name used before numbered. */
void xlsx_output_sheet(struct xlsx_output *output, struct str name);
/* The sheet's first row; before any other. */
void xlsx_output_header(struct xlsx_output *output, const struct str *titles, int count);
/* From here on every cell of the sheet is text, and stays text when a person types a number or a date over it. */
void xlsx_output_text_only(struct xlsx_output *output);
/* Begins a row; the cells that follow are its, from the left. At most XLSX_ROWS_MAX. */
void xlsx_output_row(struct xlsx_output *output);

void xlsx_output_blank(struct xlsx_output *output);
void xlsx_output_text(struct xlsx_output *output, struct str text); /* never a formula; cut at 32,767 characters */
void xlsx_output_paragraph(struct xlsx_output *output, struct str text); /* as text, wrapped, in a wide column */
void xlsx_output_marked(struct xlsx_output *output, struct str text);    /* as text, on a coloured ground; may be empty */
void xlsx_output_integer(struct xlsx_output *output, int64_t value);    /* 1,234 */
void xlsx_output_decimal(struct xlsx_output *output, int64_t minor, int digits); /* minor / 10^digits: 8,911,407.90 */
/* A number shown with so many decimals, kept whole. Blank where it is not finite. */
void xlsx_output_real(struct xlsx_output *output, double value, int decimals);
void xlsx_output_ratio(struct xlsx_output *output, double value); /* 0.25 is shown as 25.0% */
void xlsx_output_day(struct xlsx_output *output, int32_t day);    /* a date: 2011-12-09 */
void xlsx_output_month(struct xlsx_output *output, int32_t month); /* its first day, shown as 2011-12 */

/* Writes and puts in place, readable by the owner only. Errors: FILE_WRITE, MEMORY_OUT. */
ERR_RESULT xlsx_output_finish(struct xlsx_output *output);

#endif
