/* Inside room insight: a selection of customers as the console and programs ask for it, and what is shown of them. */
#ifndef HUITOU_ROOM_INSIGHT_PEOPLE_H
#define HUITOU_ROOM_INSIGHT_PEOPLE_H

#include "engine/engine_select.h"
#include "room/insight/insight.h"

#define PEOPLE_FOUND_MAX 1000 /* of a search by name, phone, number */
#define PEOPLE_IDS_MAX 200   /* named one by one */
#define PEOPLE_COUNT_MAX 1000000000 /* of a bound on a count */

/* As decoded; numbers of -1, days of DAY_NONE, choices of -1 and absent texts are not asked. */
struct people_query {
    int32_t as_of_day, from_day, to_day;
    int amount;
    struct str q, ids, month, first_month, first_before, channel, first_product, amount_min, amount_max, keeper;
    bool channel_unnamed, first_product_unnamed, is_new;
    int64_t days_min, days_max, orders_min, orders_max, refunds_min, refunds_max, movements_min, since_min, since_max;
    int64_t back_min, back_max, not_back_before, known_for, gap_after, r, f, m, top;
    int32_t first_from, first_to, last_from, last_to;
    int overdue, basis;
    struct shape_list tags;
    /* How they are shown: */
    int sort, order, format;
    int64_t limit;
    struct str cursor;
};
enum { PEOPLE_NET, PEOPLE_GROSS };
enum { PEOPLE_DESCENDING, PEOPLE_ASCENDING };
enum { PEOPLE_CSV, PEOPLE_XLSX };
/* All of struct people_query, but each with the fields that it needs: the selection alone (of a body), with order and page
 * (of a list), with order and kind of file (of an export). */
extern const struct shape people_selection_shape, people_list_query_shape, people_file_query_shape;

/* A selection made ready to be asked of the columns. */
struct people {
    struct engine_selection selection;
    bool has_orders; /* else the brand has none of a known buyer yet, and the days are those of now */
};
/* In a transaction; the columns must be there. Fills in what the asker may reach. where: what a field's name stands behind
 * in errors, "?" or a JSON pointer. Errors: PEOPLE_MONTH, PEOPLE_KEEPER, PEOPLE_MONEY,
 * PEOPLE_IDS (all at once); REPORT_DAY_RANGE, REPORT_DAYS, REPORT_EMPTY_BEFORE. */
ERR_RESULT people_read(struct tx *tx, struct call *call, const struct people_query *query, const char *where,
                       struct people *people);
/* The live columns. Errors: REPORT_NOT_READY. */
ERR_RESULT people_engine(struct call *call, const struct engine **engine);

/* Who a selected customer is; the identity is masked. */
struct people_row {
    int64_t customer_id, keeper_id, orders, purchase_days, refunds;
    struct str name, keeper_name, identity, paid, refunded, net;
    int32_t first_day, last_day;
    struct shape_list tags;
};
extern const struct shape people_row_shape;
/* Names of the staff, read once for many rows. */
struct people_staff {
    struct staff_name *names;
    size_t count;
};
ERR_RESULT people_staff_read(struct tx *tx, struct people_staff *staff);
/* In the call's arena. names_masked: in files for all, on pages where principal_sees_names() says no. */
ERR_RESULT people_row_read(struct tx *tx, struct call *call, const struct people_staff *staff, bool names_masked,
                           const struct engine_customer *customer, struct people_row *row);

#endif
