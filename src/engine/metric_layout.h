/* How each section of a report is shown to a reader, on a terminal and on a page; a section that is not listed is a plain
 * table. */
#ifndef HUITOU_ENGINE_METRIC_LAYOUT_H
#define HUITOU_ENGINE_METRIC_LAYOUT_H

#include "contract/report.h"

enum layout_kind {
    LAYOUT_TABLE,
    LAYOUT_LIST,   /* one row, a fact per line */
    LAYOUT_MATRIX, /* `value` (summed) by `row` and `key` */
    LAYOUT_COHORT, /* a matrix over months since the first purchase: a month without a row is 0, one not reached is empty */
    LAYOUT_CURVE,  /* day and survival as a rising curve */
};
struct layout {
    const char *metric, *section;
    enum layout_kind kind;
    const char *bar, *bar_second; /* columns that a bar shows; NULL: none */
    const char *row, *key, *size, *value; /* of a matrix; size NULL: none */
    bool rows_descending;
    bool long_list; /* a reader sees the first rows only */
};
const struct layout *layout_of(const struct metric *metric, const struct metric_section *section);
/* Index of a column; -1 where name is NULL or the section has none of that name. */
int layout_column(const struct metric_section *section, const char *name);

/* "table", "list", "matrix", "cohort", "curve" */
const char *layout_kind_name(enum layout_kind kind);

#endif
