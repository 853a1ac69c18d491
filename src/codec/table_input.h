/* Rows of cells from a text file: CSV (RFC 4180, by libcsv, any one-byte delimiter) or cells separated by runs of white
 * space; or from the sheets of a workbook (xlsx, ECMA-376), which is known by its first bytes. Every row of a
 * text keeps its physical lines as they stood, for the reject file. Owner: closes with the arena. */
#ifndef HUITOU_CODEC_TABLE_INPUT_H
#define HUITOU_CODEC_TABLE_INPUT_H

#include "codec/text_input.h"

#define TABLE_ROW_LINES_MAX 100 /* physical lines of one row, and so what an unclosed quote can reach */

struct table_input;
struct table_options {
    struct str path;
    struct str encoding; /* as in text_input_open; a workbook has its own */
    char delimiter;      /* ',' '\t' ';' '|'; 0: runs of spaces and tabs */
    bool has_header;     /* the first row that is not skipped is the header */
};
/* What a cell is in the file; everything in a text file is TEXT. */
enum table_cell {
    TABLE_CELL_TEXT,
    TABLE_CELL_NUMBER, /* a workbook's number: plain digits, no exponent; those that Excel shows, so a fraction has at most
                        * 15 significant ones; an integer in full, as written (codec/xlsx_format.h) */
    TABLE_CELL_TIME,   /* a workbook's number shown as date: "2024-03-01 09:05:00". A time of day alone or a duration is
                        * TEXT "09:05:00", a boolean TEXT "TRUE", an error TEXT "#N/A" */
};
struct table_row {
    struct str *cells; /* valid until the next call; not trimmed; a line break inside a cell is LF */
    const uint8_t *kinds; /* enum table_cell of each; NULL: all TEXT */
    int cell_count;
    int64_t line_number; /* of the row's first physical line, from 1; of a workbook the row's own number */
    int line_count;
    struct str raw; /* the physical lines, UTF-8, joined by LF, without the last line end (a workbook's cells as a CSV
                     * record); until the next call */
    int sheet;   /* of a workbook: index of its sheet; else 0 */
    bool hidden; /* a workbook's row that is not shown: by a filter or by hand */
    bool end;
};
/* A sheet of a workbook. */
struct table_sheet {
    struct str name;
    bool hidden; /* the whole sheet is not shown */
};

/* Errors: those of text_input_open, of file_kind_look (what is no table is called by its name), of xlsx_input_open, and of
 * reading the header. */
ERR_RESULT table_input_open(struct arena *arena, const struct table_options *options, struct table_input **out);
/* The header's cells, or count 0 where there is none. Valid as long as the table. */
const struct str *table_input_header(const struct table_input *table, int *count);
/* The sheets of a workbook that hold cells, in its order; count 0 for a text file. Valid as long as the table. */
const struct table_sheet *table_input_sheets(const struct table_input *table, int *count);
/* Goes to the beginning of a workbook's sheet; opened, a workbook stands before its first visible one (behind the header
 * where has_header was given). Shared strings that were read stay. Errors: as xlsx_input_open. */
ERR_RESULT table_input_select(struct table_input *table, int sheet);
/* Of a workbook: rows from now on, of this sheet, have at least so many cells. */
void table_input_widen(struct table_input *table, int cell_count);
/* Where a row is, for errors: "orders.csv:12", or "orders.xlsx:Sheet2:12" where a sheet is named. */
struct str table_place(struct arena *arena, struct str path, struct str sheet, int64_t line_number);
/* Next row; of a workbook, of the sheet it stands in, with `end` at that one's end. Blank lines (nothing but spaces and
 * tabs that are no delimiter), and in white-space files lines whose first cell begins with '#', are passed over. A row
 * that cannot be read comes back with cell_count 0 and *bad set to why (valid until the next call: err_copy to keep it),
 * and reading goes on behind it. Behind means: after its first
 * physical line where a quote was left open for TABLE_ROW_LINES_MAX lines, LIMIT_ROW_BYTES_MAX or to the file's end,
 * or is followed by text (so that one lost quote costs one line); after the row where it has too many cells or too
 * long ones. A quote inside a cell that does not begin with one is a plain character: 12" ruler. Errors of the file
 * itself (as text_input_next, xlsx_input_next) are returned and end the reading.
 * Of a workbook, rows without any text are passed over; a row has at least as many cells as the header, and blank ones at
 * its end are left out beyond that. */
ERR_RESULT table_input_next(struct table_input *table, struct table_row *row, const struct err **bad);
/* As text_input_progress, text_input_hash (of the whole file on disk, after the end was read) and text_input_encoding
 * ("xlsx" for a workbook). */
void table_input_progress(const struct table_input *table, int64_t *read_bytes, int64_t *total_bytes);
void table_input_hash(const struct table_input *table, uint8_t out[SECRET_HASH_BYTES]);
struct str table_input_encoding(const struct table_input *table);
void table_input_close(struct table_input *table);

/* Appends one CSV record (RFC 4180: quoted where needed, CRLF at the end) to a buffer. */
void csv_record(struct buf *buf, const struct str *cells, int count);
/* The same with another delimiter: ',' '\t' ';' or '|'. */
void csv_record_by(struct buf *buf, const struct str *cells, int count, char delimiter);

#endif
