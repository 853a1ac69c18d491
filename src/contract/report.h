/* Reports as values: a metric's declaration says which sections and columns it has; a report holds the rows. Both engines
 * fill the same declaration, so that they can be compared cell by cell. */
#ifndef HUITOU_CONTRACT_REPORT_H
#define HUITOU_CONTRACT_REPORT_H

#include "base/err.h"

enum cell_kind {
    CELL_COUNT,  /* i */
    CELL_AMOUNT, /* i: minor units */
    CELL_MEAN_AMOUNT, /* f: minor units, with a fraction (a mean or a quantile of money) */
    CELL_RATIO,  /* f: 0.25 is 25 % */
    CELL_NUMBER, /* f */
    CELL_DAY,    /* i: days since 1970-01-01 */
    CELL_MONTH,  /* i: year * 12 + month - 1 */
    CELL_TEXT,   /* s */
    CELL_ID,     /* i */
};

struct cell {
    bool null;
    int64_t i;
    double f;
    struct str s;
};

struct metric_column {
    const char *name; /* as in JSON and CSV */
    enum cell_kind kind;
    struct text title;
};
struct metric_section {
    const char *name;
    struct text title;
    const struct metric_column *columns;
    int column_count;
    const char *statement; /* the SQL twin that gives its rows, columns in this order */
};
struct metric {
    const char *name; /* as on the command line */
    struct text title;
    struct text definition;
    const struct metric_section *sections;
    int section_count;
};

/* What is looked at. All days are brand days. */
struct report_scope {
    int32_t as_of_day; /* facts of this day and later are unknown to the report */
    int32_t from_day, to_day; /* purchase days looked at, both included; to_day < as_of_day */
    bool net; /* amounts: net of refunds, each on its own day; else gross */
    int currency_digits;
};

struct report_section {
    const struct metric_section *is;
    struct cell *cells; /* row_count × is->column_count */
    size_t row_count, row_capacity;
};
struct report {
    const struct metric *metric;
    struct report_scope scope;
    struct report_section *sections; /* metric->section_count */
    struct arena *arena;
};

struct report *report_new(struct arena *arena, const struct metric *metric, const struct report_scope *scope);
/* Adds a row of nulls and returns its cells. */
struct cell *report_row(struct report *report, int section);
/* Room for so many rows at once, where their number is known and large. */
void report_reserve(struct report *report, int section, size_t row_count);
struct cell cell_i(int64_t i);
struct cell cell_f(double f);
struct cell cell_s(struct str s);
/* a ÷ b as a ratio; null where b is 0. */
struct cell cell_ratio(int64_t a, int64_t b);
/* Compares two reports of one metric cell by cell: counts, amounts, days, text exactly, CELL_RATIO, CELL_NUMBER and
 * CELL_MEAN_AMOUNT to a relative 1e-9. Returns absent where equal, else where they differ first and how. */
struct str report_difference(struct arena *arena, const struct report *a, const struct report *b);

#endif
