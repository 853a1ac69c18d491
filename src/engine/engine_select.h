/* Selections: which customers, by what they bought and who they are. Every figure of a report that counts customers is the
 * count of a selection with the report's scope (metric_link.h says which); the same selections are the filters of the
 * list of customers. One walk over the columns for a page of any order; two or three where the answer to one customer
 * depends on all (R/F/M, overdue, the top). Words as in docs/definitions.md. */
#ifndef HUITOU_ENGINE_ENGINE_SELECT_H
#define HUITOU_ENGINE_ENGINE_SELECT_H

#include "engine/engine.h"

/* --- Who they are --- */

struct engine_tag {
    int64_t tag_id;
    int32_t until_day; /* its last day; DAY_NONE: for good */
};
struct engine_person {
    bool is_known; /* false: nobody (any more): no keeper, no tags */
    int64_t keeper_id; /* 0: nobody in particular */
    const struct engine_tag *tags;
    size_t tag_count;
};
/* Replaces what is known of who one customer (a root, no placeholder) is; idempotent, in any order with engine_put. Who is
 * known is selected also without orders and refunds. Errors: CAPACITY. */
ERR_RESULT engine_put_person(struct engine *engine, int64_t customer_id, const struct engine_person *person);
/* The names of all channels that have one, in the arena; in no order. */
struct str *engine_channel_names(struct arena *arena, const struct engine *engine, size_t *count);

/* --- Selecting --- */

struct select_range {
    int64_t min, max; /* both included; SELECT_ANY: not asked */
};
#define SELECT_ANY ((struct select_range){INT64_MIN, INT64_MAX})

enum select_overdue { OVERDUE_NOT_ASKED, OVERDUE_YES, OVERDUE_NO };
/* Against what somebody is overdue, as the report's basis. */
enum select_basis { BASIS_NOT_ASKED, BASIS_OWN, BASIS_BRAND, BASIS_NONE };

/* All that is asked must hold. "Looked at": in the scope's days, and where a channel is asked, in that channel. */
struct engine_selection {
    struct report_scope scope;
    bool by_channel;
    struct str channel; /* absent: none named */
    struct select_range days, orders;   /* purchase days and counted orders looked at */
    struct select_range amount;         /* minor units: as M of R/F/M, of what is looked at */
    struct select_range refunds;        /* how many, looked at */
    struct select_range movements;      /* paid orders, wholly refunded ones too, and refunds looked at */
    struct select_range first_day;      /* the first purchase day ever */
    struct select_range last_day;       /* the last one looked at */
    struct select_range days_since;     /* from it to the as-of date */
    struct select_range back_after;     /* days from the first purchase day ever to the second, not after to_day */
    int64_t not_back_within; /* no second purchase day up to to_day so many days after the first; -1: not asked */
    int64_t known_for;       /* the first purchase day ever + so many days is not after to_day; -1: not asked */
    bool is_new;             /* the first purchase day ever is in the scope's days */
    int gap_after; /* a gap between days looked at comes after this purchase number, 11: or a later one; 0: not asked */
    bool by_first_product;
    struct str first_product; /* code; absent: none named */
    int r, f, m;              /* scores 1 … 5 as in R/F/M, of all channels; 0: not asked */
    enum select_overdue overdue; /* of all channels */
    enum select_basis basis;
    int64_t top; /* among the so many customers of the largest M (of all channels; equals by id); 0: not asked */
    const int64_t *tag_ids; /* all of them, in force on `today` */
    size_t tag_count;
    int32_t today;
    bool by_keeper; /* kept by one of these; 0: by nobody */
    const int64_t *keeper_ids;
    size_t keeper_count;
    bool by_reach; /* likewise: what the asker may see */
    const int64_t *reach_ids;
    size_t reach_count;
    bool by_id; /* one of these */
    const int64_t *customer_ids;
    size_t customer_count;
};
/* Everybody. */
struct engine_selection engine_selection_all(const struct report_scope *scope);

enum select_sort {
    SELECT_BY_LAST,   /* last purchase day looked at */
    SELECT_BY_FIRST,  /* first purchase day ever */
    SELECT_BY_AMOUNT,
    SELECT_BY_ORDERS,
    SELECT_BY_DAYS,
};
/* Which of them: so many from behind a place on, in an order. Who has no such day comes last; equals by id. */
struct select_page {
    enum select_sort sort;
    bool descending;
    bool has_after; /* goes on behind the customer with this place */
    int64_t after_place, after_id;
    size_t limit;
};
struct engine_customer {
    int64_t customer_id, keeper_id;
    int64_t paid_minor, refunded_minor; /* looked at */
    int64_t place;                      /* in the order: for select_page.after_place */
    uint32_t orders, purchase_days, refunds;
    int32_t first_day, last_day; /* DAY_NONE: none */
};
struct engine_selected {
    /* Of the whole selection; amounts as in the scope: */
    int64_t customers, orders, purchase_days, refunds, paid_minor, refunded_minor;
    struct engine_customer *rows; /* of the page, in the arena */
    size_t row_count;
    bool more;
};
/* Errors: CAPACITY. */
ERR_RESULT engine_select(struct arena *arena, const struct engine *engine, const struct engine_selection *selection,
                         const struct select_page *page, struct engine_selected *out);

/* --- Periods --- */

/* So many days in a row: what they saw of customers. */
struct engine_period {
    int32_t from_day, to_day;
    int64_t customers, new_customers, orders; /* as in the report by month */
    int64_t paid_minor, refunded_minor;
    int64_t due, came_back; /* whose N-th day after their first purchase day lies in it; of them who had come back by it */
};
/* The periods of `days` days each before the as-of date, the latest first. Errors: CAPACITY. */
ERR_RESULT engine_periods(struct arena *arena, const struct engine *engine, int32_t as_of_day, int days, int within_days,
                          struct engine_period *periods, int count);

#endif
