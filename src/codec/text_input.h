/* A text file read line by line as UTF-8, whatever it is on disk: plain or gzip (by magic bytes), UTF-8 with or without
 * BOM, or a character set that iconv knows. Memory is bounded by one line. Owner: closes with the arena. One thread. */
#ifndef HUITOU_CODEC_TEXT_INPUT_H
#define HUITOU_CODEC_TEXT_INPUT_H

#include "base/err.h"
#include "base/secret.h"

struct text_input;
struct text_line {
    struct str text; /* without its line end (LF or CRLF); valid until the next call */
    int64_t number;  /* from 1 */
    bool end;        /* no more lines; text is absent */
};

/* encoding: "utf-8", "gb18030", another name of iconv, or "auto": by its BOM (UTF-8, 16 or 32), else UTF-8 where the
 * whole file is valid UTF-8 (it is read once for that), else GB18030. Errors: FILE_OPEN, ENCODING_UNKNOWN; with "auto"
 * also those of text_input_next but ENCODING_BAD. */
ERR_RESULT text_input_open(struct arena *arena, struct str path, struct str encoding, struct text_input **out);
/* Errors: FILE_READ; ENCODING_BAD, LINE_TOO_LONG and TEXT_NUL name file and line. A gzip file that ends too soon, or
 * has anything behind its end, is GZIP_BAD. After an error the reading is over: the same error comes again. */
ERR_RESULT text_input_next(struct text_input *input, struct text_line *line);
/* Bytes of the file on disk read so far, and in all: for progress. */
void text_input_progress(const struct text_input *input, int64_t *read_bytes, int64_t *total_bytes);
/* The content hash (secret_content_hash) of the whole file's bytes on disk; after the end was read. */
void text_input_hash(const struct text_input *input, uint8_t out[SECRET_HASH_BYTES]);
struct str text_input_path(const struct text_input *input);
/* The encoding it is read by: "auto" resolved. */
struct str text_input_encoding(const struct text_input *input);
void text_input_close(struct text_input *input);

#endif
