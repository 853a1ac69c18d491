/* The orders that the demo brand is made of, as the program carries them: share/demo/orders.bin.gz, whose format
 * script/demo-orders tells. Read only; one thread at a time may open it. */
#ifndef HUITOU_JOB_DEMO_DEMO_DATA_H
#define HUITOU_JOB_DEMO_DEMO_DATA_H

#include "base/calendar.h"

#define DEMO_NONE UINT32_MAX

struct demo_row {
    uint32_t product, price;
    int64_t quantity;
};
/* Rows of one invoice, minute, customer and country, one behind the other as the data set has them. */
struct demo_run {
    int kind; /* 0: an order, 1: a credit note ("C"), 2: an adjustment ("A") */
    int64_t serial, minute; /* the invoice's number; minutes since 1970-01-01T00:00, by the shop's own clock */
    uint32_t customer; /* DEMO_NONE: the shop did not know */
    uint32_t country, first_row, row_count;
};
/* What the orders say of a customer; orders, not credit notes. */
struct demo_customer {
    struct str number;
    uint32_t country;
    int order_count;
    double amount;
    int32_t first_day, last_day; /* of the data set; DAY_NONE where there is no order */
};
struct demo_data {
    struct str *product_codes, *product_names, *prices, *countries;
    struct demo_customer *customers;
    struct demo_run *runs;
    struct demo_row *rows;
    uint32_t product_count, price_count, country_count, customer_count, run_count, row_count;
    int32_t last_day; /* of an order */
};

/* Unpacks what the program carries into the arena: some 30 MB. Errors: DEMO_DATA (damaged: the program itself is). */
ERR_RESULT demo_data_open(struct arena *arena, struct demo_data **out);
/* The same from bytes as they are before packing. */
ERR_RESULT demo_data_read(struct arena *arena, struct str bytes, struct demo_data **out);
static inline int32_t demo_run_day(const struct demo_run *run)
{
    return (int32_t)(run->minute / (24 * 60));
}
/* "536365", "C536379": as the data set has it. */
struct str demo_run_number(struct arena *arena, const struct demo_run *run);

#endif
