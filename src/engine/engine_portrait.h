/* How one customer stands by the measures of the reports: R/F/M, the own rhythm of purchases, what is expected next. Made by
 * the reports' own functions, so that it says what their rows say (docs/definitions.md: rfm, rhythm, overdue). */
#ifndef HUITOU_ENGINE_ENGINE_PORTRAIT_H
#define HUITOU_ENGINE_ENGINE_PORTRAIT_H

#include "engine/engine.h"

enum portrait_basis { PORTRAIT_BY_OWN, PORTRAIT_BY_BRAND, PORTRAIT_BY_NONE };
const char *portrait_basis_name(enum portrait_basis basis); /* "own" … as in the report overdue */

struct engine_portrait {
    bool is_buyer; /* has a purchase day in the days looked at; else nothing below is filled in */
    int32_t *days; /* purchase days looked at, ascending; in the arena */
    size_t day_count;
    int64_t orders, amount_minor;     /* F and M of R/F/M */
    int64_t days_since;               /* R: from the last purchase day to the as-of date */
    int r_score, f_score, m_score;    /* 1 … 5 */
    double own_median_days;           /* of the own gaps; NaN where there is none */
    enum portrait_basis basis;        /* of limit and expectation: the report overdue's */
    double limit_days;                /* 90th percentile (type 7) of the gaps of the basis; NaN: none */
    double expected_days;             /* median (type 7) of the same gaps; NaN: none */
    int32_t expected_day;             /* the first day at least so many days after the last purchase; DAY_NONE */
    int32_t overdue_from_day;         /* the first as-of date on which it is overdue; DAY_NONE: never */
    bool is_overdue;                  /* on the as-of date */
};
/* Of a root. Two or three walks over everybody: what the brand does is part of the answer. Errors: CAPACITY. */
ERR_RESULT engine_portrait(struct arena *arena, const struct engine *engine, const struct report_scope *scope,
                           int64_t customer_id, struct engine_portrait *out);

#endif
