/* How a workbook's numbers are shown, and their text. Sources: ECMA-376 part 1, 18.8.30 (built-in formats, also those of
 * Chinese, Japanese, Korean and Thai), 18.8.31 (format codes), 18.17.4 (dates and times). */
#ifndef HUITOU_CODEC_XLSX_FORMAT_H
#define HUITOU_CODEC_XLSX_FORMAT_H

#include "codec/table_input.h"
#include "codec/xlsx_zip.h"

enum xlsx_shown {
    XLSX_SHOWN_NUMBER,
    XLSX_SHOWN_TIME,     /* a date, a time of day, or both */
    XLSX_SHOWN_DURATION, /* hours, minutes or seconds that go beyond a day: [h]:mm */
};

/* The built-in formats; NUMBER for any other id. */
enum xlsx_shown xlsx_format_builtin(int64_t id);
/* A format code; its first section (that of positive numbers) decides. */
enum xlsx_shown xlsx_format_code(struct str code);

struct xlsx_styles; /* how the cells of each style are shown */
/* part: absent where the workbook has none. Errors: as xlsx_xml_step. */
ERR_RESULT xlsx_styles_read(struct arena *arena, struct xlsx_zip *zip, struct str part,
                            struct xlsx_styles **out);
/* Of a cell's s attribute; NUMBER where there is no such style. */
enum xlsx_shown xlsx_styles_shown(const struct xlsx_styles *styles, int64_t style);

#define XLSX_VALUE_BYTES_MAX 400 /* of what the two below write */

/* The text of a number cell, of at most XLSX_VALUE_BYTES_MAX bytes, into `out`:
 * - NUMBER: an integer as written; else the digits that Excel itself shows, 15 at most (17, so that it reads back the same,
 *   for an integer written with an exponent), never with an exponent. TEXT as written where it is no number.
 * - TIME "2024-03-01 09:05:00", rounded to the second. Serial 60 of the 1900 system is "1900-02-29", a day that Excel shows
 *   and never was. A serial below 1 is a time of day alone: TEXT "09:05:00". Beyond year 9999, or negative: as NUMBER.
 * - A duration: TEXT "36:00:00". */
enum table_cell xlsx_number_text(struct str value, enum xlsx_shown shown, bool epoch_1904,
                                 char out[XLSX_VALUE_BYTES_MAX], size_t *n);
/* A cell of type d (ISO 8601: "2024-03-01", "2024-03-01T09:05:00.5Z"): TIME as above, else TEXT as written. */
enum table_cell xlsx_iso_text(struct str value, char out[XLSX_VALUE_BYTES_MAX], size_t *n);

#endif
