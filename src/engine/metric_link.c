#include "engine/metric_link.h"

#include <string.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "base/check.h"
#include "engine/metric_layout.h"

/* Parameters that many figures share; `days_min` 1: somebody with a purchase day looked at. */
#define IS(name_, value_)                                                                          \
    {                                                                                              \
        .name = (name_), .value = value_                                                           \
    }
#define OF(name_, column_)                                                                         \
    {                                                                                              \
        .name = (name_), .column = column_                                                         \
    }
#define BOUGHT IS("days_min", "1")
#define NEW IS("new", "true")
#define MOVED IS("movements_min", "1")
#define COHORT_MONTH                                                                               \
    {                                                                                              \
        .name = "month", .column = "cohort", .plus = "month_offset"                                \
    }
#define LINK(metric_, section_, column_, equals_, ...)                                             \
    {                                                                                              \
        .metric = (metric_), .section = (section_), .column = (column_), .equals = LINK_##equals_, \
        .params = {                                                                                \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define LINK_WHEN(metric_, section_, column_, equals_, when_, value_, ...)                         \
    {                                                                                              \
        .metric = (metric_), .section = (section_), .column = (column_), .equals = LINK_##equals_, \
        .when = (when_), .when_value = value_, .params = {                                         \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }

/* The first link of a figure whose `when` holds is its link. */
const struct metric_link metric_links[] = {
    LINK("totals", "totals", "customers", CUSTOMERS, BOUGHT),
    LINK("totals", "totals", "orders", ORDERS, BOUGHT),
    LINK("totals", "totals", "purchase_days", DAYS, BOUGHT),
    LINK("totals", "totals", "gross_amount", PAID, MOVED),
    LINK("totals", "totals", "refund_amount", REFUNDED, IS("refunds_min", "1")),
    LINK("totals", "totals", "net_amount", NET, MOVED),
    LINK("totals", "totals", "refunds", REFUNDS, IS("refunds_min", "1")),
    LINK("totals", "totals", "refund_customers", CUSTOMERS, IS("refunds_min", "1")),
    LINK("totals", "totals", "refund_customers_without_purchase", CUSTOMERS, IS("refunds_min", "1"),
         IS("days_max", "0")),
    LINK("totals", "totals", "share_of_buyers_refunded", SHARE, IS("refunds_min", "1"), BOUGHT),

    LINK("repurchase", "repurchase", "customers", CUSTOMERS, BOUGHT),
    LINK("repurchase", "repurchase", "repeat_customers", CUSTOMERS, IS("days_min", "2")),
    LINK("repurchase", "repurchase", "repurchase_rate", SHARE, IS("days_min", "2")),
    LINK("repurchase", "repurchase", "repeat_customers_by_order", CUSTOMERS, IS("orders_min", "2")),
    LINK("repurchase", "repurchase", "repurchase_rate_by_order", SHARE, IS("orders_min", "2")),
    LINK("repurchase", "repurchase", "three_plus_days", CUSTOMERS, IS("days_min", "3")),
    LINK("repurchase", "repurchase", "five_plus_days", CUSTOMERS, IS("days_min", "5")),

    LINK("frequency", "frequency", "customers", CUSTOMERS, OF("days_min", "purchase_days"),
         OF("days_max", "purchase_days")),
    LINK("frequency", "frequency", "share", SHARE, OF("days_min", "purchase_days"),
         OF("days_max", "purchase_days")),

    LINK("nday", "overall", "customers", CUSTOMERS, NEW),
    LINK("nday", "overall", "repurchased", CUSTOMERS, NEW, OF("back_max", "window_days")),
    LINK("nday", "overall", "rate_all", SHARE, NEW, OF("back_max", "window_days")),
    LINK("nday", "overall", "eligible", CUSTOMERS, NEW, OF("known_for", "window_days")),
    LINK("nday", "overall", "repurchased_eligible", CUSTOMERS, NEW, OF("back_max", "window_days"),
         OF("known_for", "window_days")),
    LINK("nday", "overall", "rate", SHARE, NEW, OF("back_max", "window_days"),
         OF("known_for", "window_days")),
    LINK("nday", "by_cohort", "customers", CUSTOMERS, NEW, OF("first_month", "cohort")),
    LINK("nday", "by_cohort", "repurchased", CUSTOMERS, NEW, OF("first_month", "cohort"),
         OF("back_max", "window_days")),
    LINK("nday", "by_cohort", "eligible", CUSTOMERS, NEW, OF("first_month", "cohort"),
         OF("known_for", "window_days")),
    LINK("nday", "by_cohort", "repurchased_eligible", CUSTOMERS, NEW, OF("first_month", "cohort"),
         OF("back_max", "window_days"), OF("known_for", "window_days")),
    LINK("nday", "by_cohort", "rate", SHARE, NEW, OF("first_month", "cohort"),
         OF("back_max", "window_days"), OF("known_for", "window_days")),
    LINK("nday", "by_cohort", "repurchased_ever", CUSTOMERS, NEW, OF("first_month", "cohort"),
         IS("back_min", "1")),

    LINK("cohorts", "retention", "cohort_size", CUSTOMERS, OF("first_month", "cohort")),
    LINK("cohorts", "retention", "active", CUSTOMERS, OF("first_month", "cohort"), COHORT_MONTH,
         BOUGHT),
    LINK("cohorts", "retention", "retention", SHARE, OF("first_month", "cohort"), COHORT_MONTH,
         BOUGHT),

    LINK("cohort-revenue", "revenue", "cohort_size", CUSTOMERS, OF("first_month", "cohort")),
    LINK("cohort-revenue", "revenue", "orders", ORDERS, OF("first_month", "cohort"), COHORT_MONTH,
         BOUGHT),
    LINK("cohort-revenue", "revenue", "amount", AMOUNT, OF("first_month", "cohort"), COHORT_MONTH,
         MOVED),
    LINK("cohort-revenue", "revenue", "amount_per_customer", SHARE, OF("first_month", "cohort"),
         COHORT_MONTH, MOVED),

    LINK("monthly", "monthly", "orders", ORDERS, OF("month", "month"), BOUGHT),
    LINK("monthly", "monthly", "amount", AMOUNT, OF("month", "month"), MOVED),
    LINK("monthly", "monthly", "active_customers", CUSTOMERS, OF("month", "month"), BOUGHT),
    LINK("monthly", "monthly", "new_customers", CUSTOMERS, OF("month", "month"), BOUGHT,
         OF("first_month", "month")),
    LINK("monthly", "monthly", "returning_customers", CUSTOMERS, OF("month", "month"), BOUGHT,
         OF("first_before", "month")),
    LINK("monthly", "monthly", "refunds", REFUNDS, OF("month", "month"), IS("refunds_min", "1")),
    LINK("monthly", "monthly", "refund_amount", REFUNDED, OF("month", "month"),
         IS("refunds_min", "1")),

    LINK("rhythm", "overall", "gaps", GAPS, IS("days_min", "2")),
    LINK("rhythm", "by_number", "gaps", INCLUDES, OF("gap_after", "from_purchase")),

    LINK("second-purchase", "at_days", "cum_repurchase", SHARE, NEW, OF("back_max", "day")),
    LINK("second-purchase", "at_days", "at_risk", CUSTOMERS, NEW, OF("known_for", "day"),
         OF("not_back_before", "day")),
    LINK("second-purchase", "curve", "events", CUSTOMERS, NEW, OF("back_min", "day"),
         OF("back_max", "day")),
    LINK("second-purchase", "curve", "at_risk", CUSTOMERS, NEW, OF("known_for", "day"),
         OF("not_back_before", "day")),

    LINK_WHEN("rfm", "scores", "customers", CUSTOMERS, "dimension", "R", OF("r", "score")),
    LINK_WHEN("rfm", "scores", "customers", CUSTOMERS, "dimension", "F", OF("f", "score")),
    LINK_WHEN("rfm", "scores", "customers", CUSTOMERS, "dimension", "M", OF("m", "score")),
    LINK("rfm", "cells", "customers", CUSTOMERS, OF("r", "r"), OF("f", "f"), OF("m", "m")),
    LINK("rfm", "cells", "amount", AMOUNT, OF("r", "r"), OF("f", "f"), OF("m", "m")),

    LINK("concentration", "top", "top_share", SHARE, OF("top", "top_customers")),
    LINK("concentration", "top", "top_customers", CUSTOMERS, OF("top", "top_customers")),
    LINK("concentration", "top", "amount", AMOUNT, OF("top", "top_customers")),
    LINK("concentration", "top", "amount_share", SHARE, OF("top", "top_customers")),
    LINK("concentration", "gini", "customers", CUSTOMERS, BOUGHT),
    LINK("concentration", "gini", "amount", AMOUNT, BOUGHT),

    LINK_WHEN("by-channel", "by_channel", "customers", CUSTOMERS, "channel", NULL,
              IS("channel_unnamed", "true"), BOUGHT),
    LINK("by-channel", "by_channel", "customers", CUSTOMERS, OF("channel", "channel"), BOUGHT),
    LINK_WHEN("by-channel", "by_channel", "orders", ORDERS, "channel", NULL,
              IS("channel_unnamed", "true"), BOUGHT),
    LINK("by-channel", "by_channel", "orders", ORDERS, OF("channel", "channel"), BOUGHT),
    LINK_WHEN("by-channel", "by_channel", "amount", AMOUNT, "channel", NULL,
              IS("channel_unnamed", "true"), MOVED),
    LINK("by-channel", "by_channel", "amount", AMOUNT, OF("channel", "channel"), MOVED),
    LINK_WHEN("by-channel", "by_channel", "repeat_customers", CUSTOMERS, "channel", NULL,
              IS("channel_unnamed", "true"), IS("days_min", "2")),
    LINK("by-channel", "by_channel", "repeat_customers", CUSTOMERS, OF("channel", "channel"),
         IS("days_min", "2")),
    LINK_WHEN("by-channel", "by_channel", "repurchase_rate", SHARE, "channel", NULL,
              IS("channel_unnamed", "true"), IS("days_min", "2")),
    LINK("by-channel", "by_channel", "repurchase_rate", SHARE, OF("channel", "channel"),
         IS("days_min", "2")),

#define UNNAMED IS("first_product_unnamed", "true")
#define NAMED OF("first_product", "product_code")
#define KNOWN_90 IS("known_for", "90")
    LINK_WHEN("by-first-product", "by_first_product", "customers", CUSTOMERS, "product_code", NULL,
              UNNAMED, NEW),
    LINK("by-first-product", "by_first_product", "customers", CUSTOMERS, NAMED, NEW),
    LINK_WHEN("by-first-product", "by_first_product", "repeat_customers", CUSTOMERS, "product_code",
              NULL, UNNAMED, NEW, IS("back_min", "1")),
    LINK("by-first-product", "by_first_product", "repeat_customers", CUSTOMERS, NAMED, NEW,
         IS("back_min", "1")),
    LINK_WHEN("by-first-product", "by_first_product", "repurchase_rate", SHARE, "product_code",
              NULL, UNNAMED, NEW, IS("back_min", "1")),
    LINK("by-first-product", "by_first_product", "repurchase_rate", SHARE, NAMED, NEW,
         IS("back_min", "1")),
    LINK_WHEN("by-first-product", "by_first_product", "eligible_90", CUSTOMERS, "product_code",
              NULL, UNNAMED, NEW, KNOWN_90),
    LINK("by-first-product", "by_first_product", "eligible_90", CUSTOMERS, NAMED, NEW, KNOWN_90),
    LINK_WHEN("by-first-product", "by_first_product", "repurchased_90", CUSTOMERS, "product_code",
              NULL, UNNAMED, NEW, KNOWN_90, IS("back_max", "90")),
    LINK("by-first-product", "by_first_product", "repurchased_90", CUSTOMERS, NAMED, NEW, KNOWN_90,
         IS("back_max", "90")),
    LINK_WHEN("by-first-product", "by_first_product", "rate_90", SHARE, "product_code", NULL,
              UNNAMED, NEW, KNOWN_90, IS("back_max", "90")),
    LINK("by-first-product", "by_first_product", "rate_90", SHARE, NAMED, NEW, KNOWN_90,
         IS("back_max", "90")),
    LINK_WHEN("by-first-product", "by_first_product", "amount", AMOUNT, "product_code", NULL,
              UNNAMED, NEW),
    LINK("by-first-product", "by_first_product", "amount", AMOUNT, NAMED, NEW),

    LINK("overdue", "summary", "customers", CUSTOMERS, OF("basis", "basis"), BOUGHT),
    LINK("overdue", "summary", "overdue", CUSTOMERS, OF("basis", "basis"), IS("overdue", "true")),
    LINK("overdue", "summary", "share", SHARE, OF("basis", "basis"), IS("overdue", "true")),
    LINK("overdue", "summary", "amount", AMOUNT, OF("basis", "basis"), IS("overdue", "true")),
};
const int metric_link_count = (int)(sizeof(metric_links) / sizeof(metric_links[0]));

const char *link_equals_name(enum link_equals equals)
{
    static const char *const names[] = {"customers", "orders", "days",   "gaps",  "refunds", "paid",
                                        "refunded",  "net",    "amount", "share", "includes"};
    return names[equals];
}

static const struct cell *cell_of(const struct metric_section *section, const struct cell *row,
                                  const char *column, enum cell_kind *kind)
{
    int index = layout_column(section, column);
    CHECK(index >= 0);
    *kind = section->columns[index].kind;
    return &row[index];
}

struct str link_param_text(struct arena *arena, const struct metric_section *section,
                           const struct cell *row, const struct link_param *param)
{
    if (param->value)
        return str_c(param->value);
    enum cell_kind kind;
    const struct cell *cell = cell_of(section, row, param->column, &kind);
    int64_t value = cell->i;
    if (kind == CELL_TEXT)
        return cell->s;
    if (param->plus) {
        enum cell_kind plus_kind;
        value += cell_of(section, row, param->plus, &plus_kind)->i;
    }
    if (kind == CELL_MONTH)
        return month_text(arena, (int32_t)value);
    return str_fmt(arena, "%lld", (long long)value);
}

bool link_is_of_row(const struct metric_link *link, const struct metric_section *section,
                    const struct cell *row)
{
    if (!link->when)
        return true;
    enum cell_kind kind;
    const struct cell *cell = cell_of(section, row, link->when, &kind);
    if (!link->when_value)
        return cell->null;
    return !cell->null && str_eq(cell->s, str_c(link->when_value));
}
