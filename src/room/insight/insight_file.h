/* Reports as files: JSON and CSV for programs, workbooks for people. Every figure exact, amounts in the currency's unit. */
#ifndef HUITOU_ROOM_INSIGHT_INSIGHT_FILE_H
#define HUITOU_ROOM_INSIGHT_INSIGHT_FILE_H

#include "codec/json.h"
#include "contract/report.h"

/* A report and what is said with it. */
struct insight_view {
    const struct report *report;
    struct str brand_name, currency;
    struct str directory; /* in JSON only; absent: left out */
    struct str engine;    /* "columns" or "sql" */
    const struct str *notes;
    size_t note_count;
    int64_t limit; /* rows of a long list; 0: all in JSON, CSV and xlsx, INSIGHT_LIMIT_READER for a reader */
};
#define INSIGHT_LIMIT_READER 20

/* Called after every thousand rows or so: what the buffer holds may be written out and the buffer emptied. */
struct insight_flush {
    void (*fn)(void *arg); /* NULL: all is kept */
    void *arg;
};
/* Head, then "sections": each a list of rows, a row an object of its columns. */
void insight_json(struct json_writer *w, struct arena *arena, const struct insight_view *view, enum lang lang,
                  struct insight_flush flush);
/* The object of "sections" alone. */
void insight_put_sections(struct json_writer *w, struct arena *arena, const struct insight_view *view,
                          struct insight_flush flush);
/* Several sections are separated by an empty line. */
void insight_csv(struct buf *out, struct arena *arena, const struct insight_view *view, struct insight_flush flush);
/* A workbook: a sheet for each section, then one with what is looked at, the definition and the notes. A file that is there
 * is replaced. *rows: of all sections. Errors: as xlsx_output_open and xlsx_output_finish; SHEET_ROWS. */
ERR_RESULT insight_xlsx(struct arena *arena, const struct insight_view *view, enum lang lang, struct str path,
                        int64_t *rows);
/* One cell as JSON. */
void insight_put_cell(struct json_writer *w, struct arena *arena, enum cell_kind kind, const struct cell *cell,
                      int digits);

/* A text cell's code in words, where it is one. */
struct str insight_coded(const char *column, struct str s, enum lang lang);
/* Rows of a section that are shown: those of long lists are limited. */
size_t insight_row_count(const struct insight_view *view, const struct report_section *section, bool for_reader);

#endif
