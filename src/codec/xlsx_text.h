/* The text of a cell or shared string (ECMA-376 part 1, 18.4: CT_Rst): its t elements joined, those of phonetic runs
 * (rPh) left out; blanks at a run's ends kept only with xml:space="preserve", as Excel does; _xHHHH_ escapes (22.9.2.19)
 * resolved; a line break is LF. */
#ifndef HUITOU_CODEC_XLSX_TEXT_H
#define HUITOU_CODEC_XLSX_TEXT_H

#include "base/str.h"

struct xlsx_text {
    struct buf bytes; /* the text as written up to the run's begin, resolved; then the run as written */
    size_t run_from;
    bool in_run;   /* inside of t */
    bool preserve; /* of this run */
    bool in_phonetic;
    bool too_long; /* over LIMIT_CELL_BYTES_MAX as written; what is kept is cut */
};

struct xlsx_text xlsx_text_new(struct arena *arena);
void xlsx_text_begin(struct xlsx_text *text);
/* Of elements inside of si or is: `level` is 1 for their children. */
void xlsx_text_start(struct xlsx_text *text, int level, const char *name, const char **attributes);
void xlsx_text_end(struct xlsx_text *text, int level, const char *name);
void xlsx_text_add(struct xlsx_text *text, const char *bytes, size_t n);
/* A run without markup, for a formula's text in v. */
void xlsx_text_run_begin(struct xlsx_text *text, bool preserve);
void xlsx_text_run_end(struct xlsx_text *text);
/* Until the next begin; empty, not absent, where there was nothing. */
struct str xlsx_text_view(const struct xlsx_text *text);

#endif
