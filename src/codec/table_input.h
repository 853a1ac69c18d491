/* Rows of cells from a text file: CSV (RFC 4180, by libcsv, any one-byte delimiter) or cells separated by runs of white
 * space. Every row keeps its physical lines as they stood, for the reject file. */
#ifndef HUITOU_CODEC_TABLE_INPUT_H
#define HUITOU_CODEC_TABLE_INPUT_H

#include "codec/text_input.h"

struct table_input;
struct table_options {
    struct str path;
    struct str encoding;
    char delimiter;  /* ',' '\t' ';' '|'; 0: runs of spaces and tabs */
    bool has_header; /* the first row that is not skipped is the header */
};
struct table_row {
    struct str *cells; /* valid until the next call; not trimmed */
    int cell_count;
    int64_t line_number; /* of the row's first physical line, from 1 */
    int line_count;
    struct str raw; /* the physical lines, UTF-8, joined by LF, without the last line end */
    bool end;
};

ERR_RESULT table_input_open(struct arena *arena, const struct table_options *options, struct table_input **out);
/* The header's cells, or count 0 where there is none. Valid as long as the table. */
const struct str *table_input_header(const struct table_input *table, int *count);
/* Next row; empty lines, and in white-space files lines that begin with '#', are passed over. A row that cannot be
 * read (an unclosed quote, LIMIT_ROW_BYTES_MAX, LIMIT_CELLS_MAX) comes back with cell_count 0 and *bad set to why,
 * and reading goes on behind it: at most 100 physical lines are given up to an unclosed quote. Errors of the file
 * itself (as text_input_next) are returned and end the reading. */
ERR_RESULT table_input_next(struct table_input *table, struct table_row *row, const struct err **bad);
struct text_input *table_input_text(struct table_input *table);
void table_input_close(struct table_input *table);

/* Appends one CSV record (RFC 4180: quoted where needed, CRLF at the end) to a buffer. */
void csv_record(struct buf *buf, const struct str *cells, int count);

#endif
