/* The engine: order facts as columns in memory, by customer, rebuilt from the store at start and kept by events. Derived,
 * never a source of facts; includes neither store nor any room. Days fit 16 bits (LIMIT_DAY_MIN based).
 * Threads: one writer (engine_put) and readers take turns through the engine's own lock, held per call. */
#ifndef HUITOU_ENGINE_ENGINE_H
#define HUITOU_ENGINE_ENGINE_H

#include "contract/report.h"

struct engine;

/* One paid order of a customer. */
struct engine_order {
    int64_t order_id;
    int64_t amount_minor; /* what was paid; may be 0 */
    int32_t paid_day;
    int32_t refunded_whole_day; /* the day its refunds reached the paid amount; DAY_NONE where they did not */
    int64_t channel_id;         /* 0: none named */
    int64_t top_product_id;     /* product of its largest line; 0: no lines, or none named */
    int64_t top_line_minor;     /* amount of that line; 0 where there are no lines */
};
/* One refund of a customer, with or without a known order. */
struct engine_refund {
    int64_t amount_minor; /* positive */
    int32_t refunded_day;
    int64_t channel_id;   /* of its order where known, else of its own row */
};

struct engine *engine_new(struct arena *arena);
void engine_free(struct engine *engine);
/* The columns may take at most so many bytes (no limit at first); past it engine_put answers CAPACITY. */
void engine_limit(struct engine *engine, int64_t bytes_max);
/* Reports count on so many threads (1 … 8), with the same answers; 0, as at first: as many as the machine has, at most two,
 * and one where there is little to count. */
void engine_threads(struct engine *engine, int threads);
/* Replaces all that is known of one customer (a root, no placeholder): idempotent. Orders and refunds in any order; no
 * orders and no refunds removes the customer. Days lie within LIMIT_DAY_MIN … LIMIT_DAY_MAX. Errors: CAPACITY,
 * CHANNELS_MAX (what was known of the customer stays; the error lives in the engine's arena). */
ERR_RESULT engine_put(struct engine *engine, int64_t customer_id, const struct engine_order *orders,
                      size_t order_count, const struct engine_refund *refunds, size_t refund_count);
/* What the reports leave out: paid orders whose buyer nobody knows. */
struct left_out {
    int64_t orders, amount_minor;
};
/* Replaces what is known of one placeholder's paid orders: idempotent; 0 orders: it is none (any more). Errors: CAPACITY. */
ERR_RESULT engine_put_unknown(struct engine *engine, int64_t customer_id, struct left_out orders);
/* The sum of them. */
struct left_out engine_left_out(const struct engine *engine);
/* Moves all that `from` holds into `into`; no customer may be in both (asserted). Channels, products and names are united.
 * `from` is empty afterwards and only to be freed. Errors: CAPACITY, CHANNELS_MAX (the facts of both stay as they were). */
ERR_RESULT engine_absorb(struct engine *into, struct engine *from);
/* The name of a channel, or code and name of a product, for report texts. */
void engine_name_channel(struct engine *engine, int64_t channel_id, struct str name);
void engine_name_product(struct engine *engine, int64_t product_id, struct str code, struct str name);

struct engine_size {
    int64_t customers, orders, refunds, bytes;
};
struct engine_size engine_size(const struct engine *engine);
/* First and last paid day of the orders that count as known on a day: paid before it and not wholly refunded by then;
 * LIMIT_DAY_MAX + 1: all that is known. False where there is none. */
bool engine_days(const struct engine *engine, int32_t as_of_day, int32_t *first_day, int32_t *last_day);
/* Says whether two engines hold the same facts (in whatever order they were put); absent where equal, else the first
 * customer (by id) that differs and how. Of order ids the engine keeps only the order that they give to the orders of one
 * day, and largest lines only of orders that share a day; names are not compared. Unknown buyers are compared where the
 * customers are equal. For verify and for tests. */
struct str engine_difference(struct arena *arena, const struct engine *a, const struct engine *b);

/* Every report of the product, declared once in engine/metric.c. */
extern const struct metric *const metric_all[];
extern const int metric_count;
const struct metric *metric_by_name(struct str name); /* NULL where unknown */
/* Runs the columns function of a metric. Errors: CAPACITY. */
ERR_RESULT engine_report(struct arena *arena, const struct engine *engine, const struct metric *metric,
                         const struct report_scope *scope, struct report **out);

#endif
