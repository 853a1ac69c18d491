/* The customers behind the figures: for a figure of a report the selection (engine_select.h) that holds them, declared once
 * as data. Programs get it with the report's declaration and ask for /customers with it; a test holds each selection against
 * its figure. A figure without a link has no customers of its own behind it (a mean, a quantile, a threshold). */
#ifndef HUITOU_ENGINE_METRIC_LINK_H
#define HUITOU_ENGINE_METRIC_LINK_H

#include "contract/report.h"

/* What of the selection equals the figure. */
enum link_equals {
    LINK_CUSTOMERS, /* how many they are */
    LINK_ORDERS,    /* their counted orders looked at */
    LINK_DAYS,      /* their purchase days looked at */
    LINK_GAPS,      /* these less one for each of them */
    LINK_REFUNDS,   /* how many refunds they had */
    LINK_PAID,
    LINK_REFUNDED,
    LINK_NET,
    LINK_AMOUNT,   /* paid; net: less refunded */
    LINK_SHARE,    /* nothing by itself: the figure is a share, and these are who it counts */
    LINK_INCLUDES, /* at most the figure: a customer may count several times in it */
};
/* A parameter of the selection: a value, or what stands in a column of the figure's row (for months so many later as
 * stands in `plus`). */
struct link_param {
    const char *name;
    const char *value;  /* NULL: from the column */
    const char *column; /* NULL: the value */
    const char *plus;   /* NULL: none */
};
#define LINK_PARAMS_MAX 4
struct metric_link {
    const char *metric, *section, *column;
    enum link_equals equals;
    /* Only of rows where this column has this value (NULL: is empty); when NULL: of every row. */
    const char *when, *when_value;
    struct link_param params[LINK_PARAMS_MAX];
};
extern const struct metric_link metric_links[];
extern const int metric_link_count;
const char *link_equals_name(enum link_equals equals); /* "customers" … */
/* The value of a parameter in a row, as the query of /customers takes it. */
struct str link_param_text(struct arena *arena, const struct metric_section *section, const struct cell *row,
                           const struct link_param *param);
/* Whether the link is one of this row's. */
bool link_is_of_row(const struct metric_link *link, const struct metric_section *section, const struct cell *row);

#endif
