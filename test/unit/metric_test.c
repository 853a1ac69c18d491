/* link: engine contract */
/* Each report on cases small enough to compute by hand; the computation stands beside what is
 * expected. Rows are compared as text: cells between blanks, "-" for an empty one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "engine/metric.h"

struct brand {
    struct arena *arena;
    struct engine *engine;
    struct report_scope scope;
};

static int32_t day(const char *text)
{
    int32_t out;
    assert_true(day_parse(str_c(text), &out));
    return out;
}

static int set_up(void **state)
{
    struct arena *arena = arena_new("metric test", (size_t)1 << 26);
    struct brand *brand = ARENA_NEW(arena, struct brand);
    brand->arena = arena;
    brand->engine = engine_new(arena);
    brand->scope.currency_digits = 2;
    *state = brand;
    return 0;
}

static int tear_down(void **state)
{
    struct brand *brand = *state;
    engine_free(brand->engine);
    arena_free(brand->arena);
    return 0;
}

static void look(struct brand *brand, const char *from, const char *to, const char *as_of, bool net)
{
    brand->scope.from_day = day(from);
    brand->scope.to_day = day(to);
    brand->scope.as_of_day = day(as_of);
    brand->scope.net = net;
}

static void add_cell(struct buf *buf, struct arena *arena, enum cell_kind kind,
                     const struct cell *cell)
{
    if (cell->null) {
        buf_str(buf, STR("-"));
        return;
    }
    switch (kind) {
    case CELL_TEXT:
        buf_str(buf, cell->s);
        return;
    case CELL_DAY:
        buf_str(buf, day_text(arena, (int32_t)cell->i));
        return;
    case CELL_MONTH:
        buf_str(buf, month_text(arena, (int32_t)cell->i));
        return;
    case CELL_RATIO:
    case CELL_NUMBER:
    case CELL_MEAN_AMOUNT:
        buf_fmt(buf, "%.6g", cell->f);
        return;
    default:
        buf_fmt(buf, "%" PRId64, cell->i);
    }
}

static void check(struct brand *brand, const char *metric, int section, const char *wanted)
{
    struct report *report;
    assert_null(engine_report(brand->arena, brand->engine, metric_by_name(str_c(metric)),
                              &brand->scope, &report));
    const struct report_section *rows = &report->sections[section];
    struct buf buf = buf_new(brand->arena, 1 << 20);
    for (size_t i = 0; i < rows->row_count; i++) {
        for (int k = 0; k < rows->is->column_count; k++) {
            const struct cell *cell = &rows->cells[i * (size_t)rows->is->column_count + (size_t)k];
            if (k > 0)
                buf_char(&buf, ' ');
            add_cell(&buf, brand->arena, rows->is->columns[k].kind, cell);
        }
        buf_char(&buf, '\n');
    }
    assert_string_equal(str_z(brand->arena, buf_view(&buf)), wanted);
}

/* --- A little shop ---
 * customer  day         paid  channel  largest line     refunds
 * 1         2024-01-10  1000  1        P1 900
 * 1         2024-01-10   500  2        P2 500
 * 1         2024-01-20  2000  1
 * 1         2024-03-05   300  1                         200 on 2024-03-06 (channel 1)
 * 2         2024-01-31   700  2                         wholly on 2024-02-10 (channel 2)
 * 2         2024-02-15   800  2        P2 800
 * 3         2024-02-01   100  none
 * 4         none                                        50 on 2024-02-03 (channel 9), no order */
static void open_shop(struct brand *brand)
{
    struct engine_order one[] = {
        {4, 300, day("2024-03-05"), DAY_NONE, 1, 0, 0},
        {1, 1000, day("2024-01-10"), DAY_NONE, 1, 1, 900},
        {3, 2000, day("2024-01-20"), DAY_NONE, 1, 0, 0},
        {2, 500, day("2024-01-10"), DAY_NONE, 2, 2, 500},
    };
    struct engine_order two[] = {
        {5, 700, day("2024-01-31"), day("2024-02-10"), 2, 0, 0},
        {6, 800, day("2024-02-15"), DAY_NONE, 2, 2, 800},
    };
    struct engine_order three[] = {{7, 100, day("2024-02-01"), DAY_NONE, 0, 0, 0}};
    struct engine_refund of_one[] = {{200, day("2024-03-06"), 1}};
    struct engine_refund of_two[] = {{700, day("2024-02-10"), 2}};
    struct engine_refund of_four[] = {{50, day("2024-02-03"), 9}};
    struct engine *engine = brand->engine;
    assert_null(engine_put(engine, 3, three, 1, NULL, 0));
    assert_null(engine_put(engine, 1, one, 4, of_one, 1));
    assert_null(engine_put(engine, 4, NULL, 0, of_four, 1));
    assert_null(engine_put(engine, 2, two, 2, of_two, 1));
    engine_name_channel(engine, 1, STR("shop"));
    engine_name_channel(engine, 2, STR("web"));
    engine_name_channel(engine, 9, STR("fair"));
    engine_name_product(engine, 1, STR("P1"), STR("Soap"));
    engine_name_product(engine, 2, STR("P2"), STR("Oil"));
    look(brand, "2024-01-01", "2024-03-09", "2024-03-10", false);
}

static void totals(void **state)
{
    struct brand *brand = *state;
    open_shop(brand);
    /* Counted: 4 of customer 1, the second of 2, 1 of 3. Paid 1000+500+2000+300+700+800+100.
     * Refunded 200+700+50. Mean (3800+800+100)/6; median of 100 300 500 800 1000 2000 =
     * (500+800)/2. 950/5400; customers 1 and 2 of 3. */
    check(brand, "totals", 0,
          "3 6 5 2024-01-10 2024-03-05 5400 950 4450 783.333 650 3 3 1 0.175926 0.666667\n");
    /* As of the day of the whole refund it is not known yet, and the order of 01-31 still counts:
     * 5 orders of paid 1000 500 2000 700 100. The only refund known is that of customer 4. */
    look(brand, "2024-01-01", "2024-02-09", "2024-02-10", false);
    check(brand, "totals", 0,
          "3 5 4 2024-01-10 2024-02-01 4300 50 4250 860 700 1 1 1 0.0116279 0\n");
    /* A day later it is known: customer 2 has paid and has no purchase day. Counted: 1000 500
     * 2000 100. */
    look(brand, "2024-01-01", "2024-02-10", "2024-02-11", false);
    check(brand, "totals", 0,
          "2 4 3 2024-01-10 2024-02-01 4300 750 3550 900 750 2 2 2 0.174419 0\n");
    /* Nothing in the days looked at. */
    look(brand, "2024-02-16", "2024-02-20", "2024-03-10", false);
    check(brand, "totals", 0, "0 0 0 - - 0 0 0 - - 0 0 0 - -\n");
}

static void repurchase_and_frequency(void **state)
{
    struct brand *brand = *state;
    open_shop(brand);
    check(brand, "repurchase", 0, "3 1 0.333333 1 0.333333 1 0 2 4 3\n");
    check(brand, "frequency", 0, "1 2 0.666667\n3 1 0.333333\n");
    /* Only 01-10: two orders on one day repeat by order, not by day. */
    look(brand, "2024-01-01", "2024-01-15", "2024-03-10", false);
    check(brand, "repurchase", 0, "1 0 0 1 1 0 0 2 2 1\n");
    look(brand, "2024-02-16", "2024-02-20", "2024-03-10", false);
    check(brand, "repurchase", 0, "0 0 - 0 - 0 0 - - -\n");
    check(brand, "frequency", 0, "");
}

static void monthly(void **state)
{
    struct brand *brand = *state;
    open_shop(brand);
    /* The wholly refunded order of January is paid but not counted, and customer 2 is new in
     * February. */
    check(brand, "monthly", 0,
          "2024-01 3 4200 1 1 0 0 0\n2024-02 2 900 2 2 0 2 750\n2024-03 1 300 1 0 1 1 200\n");
    look(brand, "2024-01-01", "2024-03-09", "2024-03-10", true);
    check(brand, "monthly", 0,
          "2024-01 3 4200 1 1 0 0 0\n2024-02 2 150 2 2 0 2 750\n2024-03 1 100 1 0 1 1 200\n");
    /* A month with a refund only has its row; one without either has none. */
    look(brand, "2024-02-02", "2024-02-14", "2024-03-10", true);
    check(brand, "monthly", 0, "2024-02 0 -750 0 0 0 2 750\n");
}

static void nday(void **state)
{
    struct brand *brand = *state;
    open_shop(brand);
    /* Firsts: 01-10 (back after 10 days), 02-15, 02-01; the last day is 03-09. 02-15 + 30 = 03-16
     * and 01-10 + 60 = 03-10 lie behind it, 02-01 + 30 = 03-02 does not. */
    check(brand, "nday", 0,
          "7 3 0 0 3 0 0\n14 3 1 0.333333 3 1 0.333333\n30 3 1 0.333333 2 1 0.5\n"
          "60 3 1 0.333333 0 0 -\n90 3 1 0.333333 0 0 -\n180 3 1 0.333333 0 0 -\n"
          "365 3 1 0.333333 0 0 -\n");
    check(brand, "nday", 1,
          "2024-01 7 1 0 1 0 0 1\n2024-01 14 1 1 1 1 1 1\n2024-01 30 1 1 1 1 1 1\n"
          "2024-01 60 1 1 0 0 - 1\n2024-01 90 1 1 0 0 - 1\n2024-01 180 1 1 0 0 - 1\n"
          "2024-01 365 1 1 0 0 - 1\n"
          "2024-02 7 2 0 2 0 0 0\n2024-02 14 2 0 2 0 0 0\n2024-02 30 2 0 1 0 0 0\n"
          "2024-02 60 2 0 0 0 - 0\n2024-02 90 2 0 0 0 - 0\n2024-02 180 2 0 0 0 - 0\n"
          "2024-02 365 2 0 0 0 - 0\n");
    /* The last day is that of the return, then the day before it: eligible and back at 7 days
     * needs both. */
    struct engine_order week[] = {{1, 5, day("2024-05-01"), DAY_NONE, 0, 0, 0},
                                  {2, 5, day("2024-05-08"), DAY_NONE, 0, 0, 0}};
    assert_null(engine_put(brand->engine, 8, week, 2, NULL, 0));
    look(brand, "2024-05-01", "2024-05-08", "2024-06-01", false);
    check(brand, "nday", 0,
          "7 1 1 1 1 1 1\n14 1 1 1 0 0 -\n30 1 1 1 0 0 -\n60 1 1 1 0 0 -\n90 1 1 1 0 0 -\n"
          "180 1 1 1 0 0 -\n365 1 1 1 0 0 -\n");
    look(brand, "2024-05-01", "2024-05-07", "2024-06-01", false);
    check(brand, "nday", 0,
          "7 1 0 0 0 0 -\n14 1 0 0 0 0 -\n30 1 0 0 0 0 -\n60 1 0 0 0 0 -\n90 1 0 0 0 0 -\n"
          "180 1 0 0 0 0 -\n365 1 0 0 0 0 -\n");
    /* First purchases before the days looked at do not enter. */
    look(brand, "2024-05-02", "2024-05-08", "2024-06-01", false);
    check(brand, "nday", 1, "");
}

static void cohorts(void **state)
{
    struct brand *brand = *state;
    open_shop(brand);
    check(brand, "cohorts", 0, "2024-01 0 1 1 1\n2024-01 2 1 1 1\n2024-02 0 2 2 1\n");
    /* From February: the January cohort keeps its size, its first month is not looked at. */
    look(brand, "2024-02-01", "2024-03-09", "2024-03-10", false);
    check(brand, "cohorts", 0, "2024-01 2 1 1 1\n2024-02 0 2 2 1\n");
    /* Looked at from 02-10: customer 3 of the cohort of two is not seen. */
    look(brand, "2024-02-10", "2024-03-09", "2024-03-10", false);
    check(brand, "cohorts", 0, "2024-01 2 1 1 1\n2024-02 0 2 1 0.5\n");
}

static void cohort_revenue(void **state)
{
    struct brand *brand = *state;
    open_shop(brand);
    /* Customer 2's first purchase day is in February, so that what it paid (and got back) in
     * January is k = -1. */
    check(brand, "cohort-revenue", 0,
          "2024-01 0 1 3 3500 3500\n2024-01 2 1 1 300 300\n2024-02 -1 2 0 700 350\n"
          "2024-02 0 2 2 900 450\n");
    look(brand, "2024-01-01", "2024-03-09", "2024-03-10", true);
    check(brand, "cohort-revenue", 0,
          "2024-01 0 1 3 3500 3500\n2024-01 2 1 1 100 100\n2024-02 -1 2 0 700 350\n"
          "2024-02 0 2 2 200 100\n");
    /* Only a refund: a row where net, none where gross. */
    look(brand, "2024-03-06", "2024-03-09", "2024-03-10", true);
    check(brand, "cohort-revenue", 0, "2024-01 2 1 0 -200 -200\n");
    look(brand, "2024-03-06", "2024-03-09", "2024-03-10", false);
    check(brand, "cohort-revenue", 0, "");
}

static void rhythm(void **state)
{
    struct brand *brand = *state;
    open_shop(brand);
    /* Gaps of customer 1: 10 and 45. p25 = 10 + 35/4, p90 = 10 + 35 · 0.9. */
    check(brand, "rhythm", 0, "2 27.5 27.5 18.75 36.25 41.5 45 27.5 10\n");
    check(brand, "rhythm", 1, "1 1 10 10 10 10 10\n2 1 45 45 45 45 45\n");
    /* From 01-15 only the second gap is looked at; it still follows purchase number 2. */
    look(brand, "2024-01-15", "2024-03-09", "2024-03-10", false);
    check(brand, "rhythm", 0, "1 45 45 45 45 45 45 45 -\n");
    check(brand, "rhythm", 1, "2 1 45 45 45 45 45\n");
    look(brand, "2024-01-15", "2024-03-04", "2024-03-10", false);
    check(brand, "rhythm", 0, "0 - - - - - - - -\n");
    check(brand, "rhythm", 1, "");
}

/* n purchases, `step` days apart, the gap before the last longer by `more`. */
static void put_regular(struct brand *brand, int64_t customer_id, const char *first, int n,
                        int step, int more)
{
    struct engine_order *orders = calloc((size_t)n, sizeof(*orders));
    assert_non_null(orders);
    for (int i = 0; i < n; i++)
        orders[i] = (struct engine_order){
            .order_id = i + 1,
            .amount_minor = 100,
            .paid_day = day(first) + i * step + (i == n - 1 ? more : 0),
            .refunded_whole_day = DAY_NONE,
        };
    assert_null(engine_put(brand->engine, customer_id, orders, (size_t)n, NULL, 0));
    free(orders);
}

static void rhythm_joins_late_purchases(void **state)
{
    struct brand *brand = *state;
    /* 13 gaps of 2; 3 of them after purchases 11, 12, 13 */
    put_regular(brand, 1, "2024-01-01", 14, 2, 0);
    look(brand, "2024-01-01", "2024-03-09", "2024-03-10", false);
    check(brand, "rhythm", 1,
          "1 1 2 2 2 2 2\n2 1 2 2 2 2 2\n3 1 2 2 2 2 2\n4 1 2 2 2 2 2\n5 1 2 2 2 2 2\n"
          "6 1 2 2 2 2 2\n7 1 2 2 2 2 2\n8 1 2 2 2 2 2\n9 1 2 2 2 2 2\n10 1 2 2 2 2 2\n"
          "11 3 2 2 2 2 2\n");
}

static void second_purchase(void **state)
{
    struct brand *brand = *state;
    open_shop(brand);
    /* Times: 10 (came back), 02-15 to 03-09 = 23, 02-01 to 03-09 = 37 (both still watched). Day
     * 10: 2/3 left, error 2/3 · √(1/(3·2)) = 0.272166. From 01-10 to 03-09 are 59 days: the
     * row of 60 days is not reached. */
    check(brand, "second-purchase", 0, "7 0 0 3\n14 0.333333 0.272166 2\n30 0.333333 0.272166 1\n");
    check(brand, "second-purchase", 1, "10 1 3 0.666667 0.272166\n");
    look(brand, "2024-01-01", "2024-03-10", "2024-03-11", false); /* 60 days: nobody else */
    check(brand, "second-purchase", 0,
          "7 0 0 3\n14 0.333333 0.272166 2\n30 0.333333 0.272166 1\n60 0.333333 0.272166 0\n");
    look(brand, "2023-01-01", "2023-03-10", "2023-03-11", false);
    check(brand, "second-purchase", 0, "");
}

static void second_purchase_of_all(void **state)
{
    struct brand *brand = *state;
    put_regular(brand, 1, "2024-01-01", 2, 5, 0);
    put_regular(brand, 2, "2024-01-01", 2, 9, 0);
    look(brand, "2024-01-01", "2024-01-15", "2024-01-16", false);
    /* Day 5: 1/2, error 1/2 · √(1/(2·1)) = 0.353553. Day 9: everybody is back, 0 and 0. */
    check(brand, "second-purchase", 1, "5 1 2 0.5 0.353553\n9 1 1 0 0\n");
    check(brand, "second-purchase", 0, "7 0.5 0.353553 1\n14 1 0 0\n");
}

static void put_one(struct brand *brand, int64_t customer_id, const char *on, int64_t amount,
                    int64_t refunded)
{
    struct engine_order order = {1, amount, day(on), DAY_NONE, 0, 0, 0};
    struct engine_refund refund = {refunded, day(on), 0};
    assert_null(engine_put(brand->engine, customer_id, &order, 1, &refund, refunded > 0));
}

static void rfm(void **state)
{
    struct brand *brand = *state;
    put_one(brand, 1, "2024-01-01", 100, 0);
    put_one(brand, 2, "2024-01-02", 200, 0);
    put_one(brand, 3, "2024-01-03", 300, 0);
    put_one(brand, 4, "2024-01-04", 400, 0);
    put_one(brand, 5, "2024-01-05", 500, 0);
    put_one(brand, 6, "2024-01-06", 600, 100);
    look(brand, "2024-01-01", "2024-01-06", "2024-01-07", false);
    /* Six values: h = 5k/5 = k, the thresholds are the 2nd to 5th value; who equals one does not
     * exceed it. R is 6 … 1, F always 1. */
    check(brand, "rfm", 0, "R 2 3 4 5\nF 1 1 1 1\nM 2 3 4 5\n");
    check(brand, "rfm", 1,
          "F 1 6\nM 1 2\nM 2 1\nM 3 1\nM 4 1\nM 5 1\nR 1 1\nR 2 1\nR 3 1\nR 4 1\nR 5 2\n");
    check(brand, "rfm", 2,
          "1 1 1 1 100\n2 1 1 1 200\n3 1 2 1 300\n4 1 3 1 400\n5 1 4 1 500\n5 1 5 1 600\n");
    look(brand, "2024-01-01", "2024-01-06", "2024-01-07", true); /* 6 has 500 as 5 has: M 4 both */
    check(brand, "rfm", 2, "1 1 1 1 100\n2 1 1 1 200\n3 1 2 1 300\n4 1 3 1 400\n5 1 4 2 1000\n");
    brand->scope.currency_digits = 0;
    check(brand, "rfm", 0, "R 2 3 4 5\nF 1 1 1 1\nM 200 300 400 500\n");
    /* Last purchase looked at: two days, R counts to the as-of date. h = 1/5: R 6.2 = 6 + 1/5 …
     * */
    look(brand, "2024-01-01", "2024-01-02", "2024-01-08", false);
    check(brand, "rfm", 0, "R 6.2 6.4 6.6 6.8\nF 1 1 1 1\nM 120 140 160 180\n");
    look(brand, "2023-01-01", "2023-01-02", "2024-01-08", false);
    check(brand, "rfm", 0, "R - - - -\nF - - - -\nM - - - -\n");
    check(brand, "rfm", 1, "");
}

/* Of 1 2 2 2 2 7 all four thresholds (h = 1 … 4) are 2: the 2s exceed none, 7 exceeds all. */
static void rfm_ties(void **state)
{
    struct brand *brand = *state;
    static const int64_t amounts[] = {2, 7, 2, 1, 2, 2};
    for (int i = 0; i < 6; i++)
        put_one(brand, i + 1, "2024-01-01", amounts[i], 0);
    look(brand, "2024-01-01", "2024-01-01", "2024-01-02", false);
    check(brand, "rfm", 2, "5 1 1 5 9\n5 1 5 1 7\n");
}

static void concentration(void **state)
{
    struct brand *brand = *state;
    put_one(brand, 1, "2024-01-01", 30, 0);
    put_one(brand, 2, "2024-01-01", 10, 0);
    put_one(brand, 3, "2024-01-01", 40, 20);
    put_one(brand, 4, "2024-01-01", 20, 0);
    look(brand, "2024-01-01", "2024-01-01", "2024-01-02", false);
    /* 2 (1·10 + 2·20 + 3·30 + 4·40) / (4 · 100) - 5/4 = 600/400 - 1.25 */
    check(brand, "concentration", 0,
          "0.01 1 40 0.4\n0.05 1 40 0.4\n0.1 1 40 0.4\n0.2 1 40 0.4\n0.5 2 70 0.7\n");
    check(brand, "concentration", 1, "4 100 0.25\n");
    /* Net 10 20 20 30: 2 (10 + 40 + 60 + 120) / (4 · 80) - 1.25 = 0.1875 */
    look(brand, "2024-01-01", "2024-01-01", "2024-01-02", true);
    check(brand, "concentration", 1, "4 80 0.1875\n");
    check(brand, "concentration", 0,
          "0.01 1 30 0.375\n0.05 1 30 0.375\n0.1 1 30 0.375\n0.2 1 30 0.375\n0.5 2 50 0.625\n");
}

static void concentration_of_nothing(void **state)
{
    struct brand *brand = *state;
    look(brand, "2024-01-01", "2024-01-01", "2024-01-02", true);
    check(brand, "concentration", 0, "0.01 0 0 -\n0.05 0 0 -\n0.1 0 0 -\n0.2 0 0 -\n0.5 0 0 -\n");
    check(brand, "concentration", 1, "0 0 -\n");
    put_one(brand, 1, "2024-01-01", 30, 40);
    put_one(brand, 2, "2024-01-01", 10, 0);
    /* -10 and 10: the sum is 0. */
    check(brand, "concentration", 0,
          "0.01 1 10 -\n0.05 1 10 -\n0.1 1 10 -\n0.2 1 10 -\n0.5 1 10 -\n");
    check(brand, "concentration", 1, "2 0 -\n");
}

static void by_channel(void **state)
{
    struct brand *brand = *state;
    open_shop(brand);
    check(brand, "by-channel", 0, "shop 1 3 3300 1 1\nweb 2 2 2000 0 0\n- 1 1 100 0 0\n");
    /* Less 200 in the shop, 700 on the web; the fair has a refund and no order. */
    look(brand, "2024-01-01", "2024-03-09", "2024-03-10", true);
    check(brand, "by-channel", 0, "shop 1 3 3100 1 1\nweb 2 2 1300 0 0\n- 1 1 100 0 0\n");
    /* The web's only paid order is wholly refunded: a row without customers. */
    look(brand, "2024-01-30", "2024-02-09", "2024-03-10", false);
    check(brand, "by-channel", 0, "web 0 0 700 0 -\n- 1 1 100 0 0\n");
    /* Equal amounts: by name. */
    struct engine_order equal[] = {{1, 700, day("2024-01-31"), DAY_NONE, 9, 0, 0},
                                   {2, 700, day("2024-01-31"), DAY_NONE, 1, 0, 0}};
    assert_null(engine_put(brand->engine, 5, equal, 2, NULL, 0));
    check(brand, "by-channel", 0,
          "fair 1 1 700 0 0\nshop 1 1 700 0 0\nweb 0 0 700 0 -\n- 1 1 100 0 0\n");
}

static void by_first_product(void **state)
{
    struct brand *brand = *state;
    open_shop(brand);
    /* One customer each: in the order of codes, none named first. */
    check(brand, "by-first-product", 0,
          "- - 1 0 0 0 0 - 100\nP1 Soap 1 1 1 0 0 - 3800\nP2 Oil 1 0 0 0 0 - 1500\n");
    /* Customer 5 buys Soap and Oil on one day, lines of equal amount: the code decides (Soap's is
     * P1), although Oil's order has the earlier id; a wholly refunded order and one without lines
     * do not count. Back after exactly 90 days. */
    struct engine_order equal[] = {{31, 10, day("2024-01-01"), DAY_NONE, 0, 0, 0},
                                   {34, 10, day("2024-01-01"), DAY_NONE, 0, 1, 10},
                                   {33, 10, day("2024-01-01"), DAY_NONE, 0, 2, 10},
                                   {32, 99, day("2024-01-01"), day("2024-01-02"), 0, 1, 99},
                                   {35, 10, day("2024-03-31"), DAY_NONE, 0, 1, 10}};
    assert_null(engine_put(brand->engine, 5, equal, 5, NULL, 0));
    look(brand, "2024-01-01", "2024-03-31", "2024-04-01", true);
    check(brand, "by-first-product", 0,
          "P1 Soap 2 2 1 1 1 1 3739\n- - 1 0 0 0 0 - 100\nP2 Oil 1 0 0 0 0 - 800\n");
}

static void overdue(void **state)
{
    struct brand *brand = *state;
    open_shop(brand);
    /* The brand has one gap of 10 after purchase 1, one of 45 after purchase 2, none after
     * purchase 3, where customer 1 stands. 02-15 is 24 days before 03-10, 02-01 is 38. */
    check(brand, "overdue", 0, "brand 2 2 1 1600\nnone 1 0 0 0\n");
    check(brand, "overdue", 1, "2 1 2024-02-15 24 10 brand 1500\n3 1 2024-02-01 38 10 brand 100\n");
    /* Net; as of 02-25 customer 2 is 10 days away: exactly the limit is not over it. Customer 1
     * stands at purchase 2, after which no gap is looked at yet. */
    look(brand, "2024-01-01", "2024-02-24", "2024-02-25", true);
    check(brand, "overdue", 0, "brand 2 1 0.5 100\nnone 1 0 0 0\n");
    check(brand, "overdue", 1, "3 1 2024-02-01 24 10 brand 100\n");
}

static void overdue_by_own_gaps(void **state)
{
    struct brand *brand = *state;
    /* Gaps 1 1 1 1 11: h = 4 · 0.9 = 3.6, limit 1 + 0.6 · 10 = 7. The last day is 01-01 + 15 =
     * 01-16. */
    put_regular(brand, 9, "2024-01-01", 6, 1, 10);
    put_regular(brand, 8, "2024-01-01", 6, 1, 10);
    look(brand, "2024-01-01", "2024-01-22", "2024-01-23", false);
    check(brand, "overdue", 0, "own 2 0 0 0\n");
    look(brand, "2024-01-01", "2024-01-23", "2024-01-24", false);
    check(brand, "overdue", 0, "own 2 2 1 1200\n");
    check(brand, "overdue", 1,
          "8 6 2024-01-16 8 7 own 600\n9 6 2024-01-16 8 7 own 600\n"); /* equals: by id */
    /* From 01-02 four gaps of their own are looked at: the brand's after purchase 6, of which
     * there are none. */
    look(brand, "2024-01-02", "2024-01-23", "2024-01-24", false);
    check(brand, "overdue", 0, "none 2 0 0 0\n");
}

/* --- Sorting and ranks, against qsort --- */

static uint64_t random_state;

/* Of every size, small ones and ties most, some negative. */
static int64_t random_value(void)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    uint64_t bits = random_state >> 58; /* 0 … 63 */
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    int64_t value = (int64_t)(random_state >> 1 >> (bits % 4 ? 63 - bits % 24 : bits));
    return random_state % 7 == 0 ? -value : value;
}

static int compare_values(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static void free_scratch(struct metric_run *run)
{
    for (int i = 0; i < run->scratch_count; i++)
        free(run->scratch[i]);
}

static void find_ranks(struct metric_run *run, struct ranks *ranks, const int64_t *values, size_t n,
                       const size_t *wanted)
{
    for (size_t i = 0; i < n; i++)
        ranks_add(ranks->counts[i % 2], values[i]);
    ranks_look_for(run, ranks, wanted);
    int rounds = 1;
    for (; !ranks_are_found(ranks); rounds++) {
        for (size_t i = 0; i < n; i++)
            ranks_add_again(ranks, ranks->counts[i % 2], values[i]);
        ranks_narrow(run, ranks);
    }
    assert_in_range(rounds, 1, 5);
}

static void sorts_and_finds_ranks(void **state)
{
    enum { VALUES = 50000 };
    (void)state;
    int64_t *values = calloc(VALUES, sizeof(*values)), *spare = calloc(VALUES, sizeof(*spare));
    int64_t *sorted = calloc(VALUES, sizeof(*sorted));
    assert_true(values && spare && sorted);
    for (size_t round = 0; round < 40; round++) {
        size_t n = round < 20 ? 1 + round * 3 : VALUES / (1 + round % 5);
        random_state = round;
        for (size_t i = 0; i < n; i++)
            values[i] = round % 8 == 3 ? 9900 : random_value();
        if (round == 39) {
            values[0] = INT64_MAX;
            values[1] = INT64_MIN;
        }
        memcpy(sorted, values, n * sizeof(*values));
        qsort(sorted, n, sizeof(*sorted), compare_values);
        struct metric_run run = {.threads = 2};
        struct ranks ranks;
        size_t wanted[RANKS_MAX] = {0,     n / 5,         n / 2, n / 2,
                                    n - 1, n - 1 - n / 9, n / 3, n / 3 + (n > 3)};
        assert_true(ranks_begin(&run, &ranks, RANKS_MAX));
        find_ranks(&run, &ranks, values, n, wanted);
        for (int i = 0; i < RANKS_MAX; i++)
            assert_true(ranks.searches[i].low == sorted[wanted[i]]);
        assert_true(metric_sort_on_threads(&run, values, spare, n));
        assert_memory_equal(values, sorted, n * sizeof(*values));
        for (size_t i = 0; i < n; i++)
            values[i] = sorted[(i * 7919 + round) % n];
        qsort(memcpy(sorted, values, n * sizeof(*values)), n, sizeof(*sorted), compare_values);
        metric_sort(values, spare, n);
        assert_memory_equal(values, sorted, n * sizeof(*values));
        free_scratch(&run);
    }
    free(values);
    free(spare);
    free(sorted);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(totals),
        TEST(repurchase_and_frequency),
        TEST(monthly),
        TEST(nday),
        TEST(cohorts),
        TEST(cohort_revenue),
        TEST(rhythm),
        TEST(rhythm_joins_late_purchases),
        TEST(second_purchase),
        TEST(second_purchase_of_all),
        TEST(rfm),
        TEST(rfm_ties),
        TEST(concentration),
        TEST(concentration_of_nothing),
        TEST(by_channel),
        TEST(by_first_product),
        TEST(overdue),
        TEST(overdue_by_own_gaps),
        cmocka_unit_test(sorts_and_finds_ranks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
