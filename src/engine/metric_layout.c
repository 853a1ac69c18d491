#include "engine/metric_layout.h"

#include <string.h>

static const struct layout layouts[] = {
    {.metric = "totals", .section = "totals", .kind = LAYOUT_LIST},
    {.metric = "repurchase", .section = "repurchase", .kind = LAYOUT_LIST},
    {.metric = "frequency", .section = "frequency", .bar = "customers", .long_list = true},
    {.metric = "nday", .section = "overall", .bar = "rate"},
    {.metric = "nday",
     .section = "by_cohort",
     .kind = LAYOUT_MATRIX,
     .row = "cohort",
     .key = "window_days",
     .size = "customers",
     .value = "rate"},
    {.metric = "cohorts",
     .section = "retention",
     .kind = LAYOUT_COHORT,
     .row = "cohort",
     .key = "month_offset",
     .size = "cohort_size",
     .value = "retention"},
    {.metric = "cohort-revenue",
     .section = "revenue",
     .kind = LAYOUT_COHORT,
     .row = "cohort",
     .key = "month_offset",
     .size = "cohort_size",
     .value = "amount_per_customer"},
    {.metric = "monthly",
     .section = "monthly",
     .bar = "new_customers",
     .bar_second = "returning_customers"},
    {.metric = "rhythm", .section = "overall", .kind = LAYOUT_LIST},
    {.metric = "rhythm", .section = "by_number", .bar = "median"},
    {.metric = "second-purchase", .section = "at_days"},
    {.metric = "second-purchase", .section = "curve", .kind = LAYOUT_CURVE},
    {.metric = "rfm",
     .section = "scores",
     .kind = LAYOUT_MATRIX,
     .row = "dimension",
     .key = "score",
     .value = "customers"},
    {.metric = "rfm",
     .section = "cells",
     .kind = LAYOUT_MATRIX,
     .row = "r",
     .key = "f",
     .value = "customers",
     .rows_descending = true},
    {.metric = "concentration", .section = "top", .bar = "amount_share"},
    {.metric = "concentration", .section = "gini", .kind = LAYOUT_LIST},
    {.metric = "by-channel", .section = "by_channel", .bar = "repurchase_rate", .long_list = true},
    {.metric = "by-first-product",
     .section = "by_first_product",
     .bar = "rate_90",
     .long_list = true},
    {.metric = "overdue", .section = "customers", .long_list = true},
};

const struct layout *layout_of(const struct metric *metric, const struct metric_section *section)
{
    static const struct layout plain = {.kind = LAYOUT_TABLE};
    for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++)
        if (strcmp(layouts[i].metric, metric->name) == 0 &&
            strcmp(layouts[i].section, section->name) == 0)
            return &layouts[i];
    return &plain;
}

int layout_column(const struct metric_section *section, const char *name)
{
    for (int c = 0; name && c < section->column_count; c++)
        if (strcmp(section->columns[c].name, name) == 0)
            return c;
    return -1;
}

const char *layout_kind_name(enum layout_kind kind)
{
    static const char *const names[] = {"table", "list", "matrix", "cohort", "curve"};
    return names[kind];
}
