/* Room insight: the reports, by either engine. Each is declared once (engine/metric.c); the columns function is the
 * engine's, the SQL twin is in this room's statements.sql, written apart. */
#ifndef HUITOU_ROOM_INSIGHT_INSIGHT_H
#define HUITOU_ROOM_INSIGHT_INSIGHT_H

#include "room/access/access.h"
#include "room/order/order.h"

/* As typed: DAY_NONE where not given. */
struct insight_request {
    struct str metric_name;
    int32_t as_of_day, from_day, to_day;
    bool net;
    bool use_sql; /* the SQL twin instead of the columns */
};
/* Resolves the days: as_of is the day after the last paid order not wholly refunded of a known buyer; from the first
 * such day known then; to the day before as_of, also where a later one was asked for. Errors: REPORT_UNKNOWN (with the
 * nearest name), REPORT_DAY_RANGE, REPORT_DAYS (from after to), REPORT_EMPTY (no paid order yet),
 * REPORT_EMPTY_BEFORE (none before the as-of date asked for). *first_day: the first such day known then, for the notes. */
ERR_RESULT insight_scope(struct tx *tx, const struct brand *brand, const struct insight_request *request,
                         const struct metric **metric, struct report_scope *scope, int32_t *first_day);
/* The same, asked of the columns: no order is read again. */
ERR_RESULT insight_scope_of_columns(struct arena *arena, const struct engine *engine, const struct brand *brand,
                                    const struct insight_request *request, const struct metric **metric,
                                    struct report_scope *scope, int32_t *first_day);
/* What can be refused before anything is read: REPORT_UNKNOWN, REPORT_DAY_RANGE. Both of the above look at it too. */
ERR_RESULT insight_check_request(struct arena *arena, const struct insight_request *request,
                                 const struct metric **metric);
/* After REPORT_EMPTY: REPORT_NO_BUYERS where paid orders are left out, all of unknown buyers; NULL where there are none. */
ERR_RESULT insight_why_empty(struct arena *arena, struct left_out left_out);
/* Runs the SQL twin of every section. */
ERR_RESULT insight_report_sql(struct tx *tx, struct arena *arena, const struct metric *metric,
                              const struct report_scope *scope, struct report **out);
/* What a reader must know beside the figures, each a sentence in the language: the orders left out because they have no
 * buyer; that in the first month of the data (that of first_day, see insight_scope) older customers look new. */
void insight_notes(struct arena *arena, const struct brand *brand, const struct report *report, struct left_out left_out,
                   int32_t first_day, enum lang lang, struct str **notes, size_t *count);

/* Says where a section's statement is missing or its parameters or columns are not those declared; absent where all
 * are. For a test: a report whose statement does not match ends the process. */
struct str insight_check(struct arena *arena);

/* Carries the oldest change to many customers on by some of them, in a transaction of its own; running it again does nothing
 * twice. told->worked false: none runs. */
struct bulk_step {
    bool worked;
    int64_t bulk_id, done, customers;
};
ERR_RESULT bulk_step(struct store *store, struct arena *arena, struct bulk_step *told);

extern const struct endpoint_table insight_endpoints, people_endpoints, today_endpoints, portrait_endpoints;

#endif
