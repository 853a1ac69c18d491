/* link: engine contract */
/* The columns: putting, replacing, removing, comparing, absorbing, limits, threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "base/limits.h"
#include "engine/engine.h"

#define DAY_0 15000

static int set_up(void **state)
{
    *state = arena_new("engine test", (size_t)1 << 28);
    return 0;
}
static int tear_down(void **state)
{
    arena_free(*state);
    return 0;
}

static struct engine_order order(int64_t id, int32_t day, int64_t amount)
{
    return (struct engine_order){
        .order_id = id,
        .paid_day = day,
        .amount_minor = amount,
        .refunded_whole_day = DAY_NONE,
    };
}

static void put(struct engine *engine, int64_t customer_id, const struct engine_order *orders,
                size_t order_count)
{
    assert_null(engine_put(engine, customer_id, orders, order_count, NULL, 0));
}

static struct report *report_of(struct arena *arena, const struct engine *engine, const char *name)
{
    struct report_scope scope = {.as_of_day = LIMIT_DAY_MAX + 1,
                                 .from_day = LIMIT_DAY_MIN,
                                 .to_day = LIMIT_DAY_MAX,
                                 .currency_digits = 2};
    struct report *report;
    assert_null(engine_report(arena, engine, metric_by_name(str_c(name)), &scope, &report));
    return report;
}

/* Customers, orders, purchase days, paid. */
static void check_totals(struct arena *arena, const struct engine *engine, int64_t customers,
                         int64_t orders, int64_t days, int64_t gross)
{
    const struct cell *row = report_of(arena, engine, "totals")->sections[0].cells;
    assert_int_equal(row[0].i, customers);
    assert_int_equal(row[1].i, orders);
    assert_int_equal(row[2].i, days);
    assert_int_equal(row[5].i, gross);
}

static void empty_engine(void **state)
{
    struct engine *engine = engine_new(*state);
    int32_t first_day, last_day;
    assert_false(engine_days(engine, LIMIT_DAY_MAX + 1, &first_day, &last_day));
    struct engine_size size = engine_size(engine);
    assert_int_equal(size.customers + size.orders + size.refunds + size.bytes, 0);
    for (int i = 0; i < metric_count; i++)
        assert_non_null(report_of(*state, engine, metric_all[i]->name));
    check_totals(*state, engine, 0, 0, 0, 0);
    put(engine, 7, NULL, 0);
    assert_int_equal(engine_size(engine).customers, 0);
    engine_free(engine);
}

static void put_replaces_and_removes(void **state)
{
    struct engine *engine = engine_new(*state);
    struct engine_order first[] = {order(1, DAY_0, 100), order(2, DAY_0 + 3, 50)};
    struct engine_order second[] = {order(2, DAY_0 + 3, 50), order(3, DAY_0 + 4, 7),
                                    order(4, DAY_0 + 4, 5)};
    struct engine_refund refund = {.amount_minor = 3, .refunded_day = DAY_0 + 9};
    put(engine, 70, first, 2);
    put(engine, 71, first, 1);
    check_totals(*state, engine, 2, 3, 3, 250);
    put(engine, 70, first, 2); /* the same again changes nothing */
    check_totals(*state, engine, 2, 3, 3, 250);
    assert_null(engine_put(engine, 70, second, 3, &refund, 1));
    check_totals(*state, engine, 2, 4, 3, 162);
    assert_int_equal(engine_size(engine).orders, 4);
    assert_int_equal(engine_size(engine).refunds, 1);
    put(engine, 71, NULL, 0);
    check_totals(*state, engine, 1, 3, 2, 62);
    assert_int_equal(engine_size(engine).customers, 1);
    put(engine, 71, NULL, 0);
    put(engine, 71, first, 2);
    check_totals(*state, engine, 2, 5, 4, 212);
    int32_t first_day, last_day;
    assert_true(engine_days(engine, LIMIT_DAY_MAX + 1, &first_day, &last_day));
    assert_int_equal(first_day, DAY_0);
    assert_int_equal(last_day, DAY_0 + 4);
    engine_free(engine);
}

/* An order of day 10 was refunded whole on day 20, another is of day 15 and stands. */
static void days_as_known_on_a_day(void **state)
{
    static const struct {
        int32_t as_of, first, last; /* first 0: none is known */
    } expected[] = {{10, 0, 0}, {11, 10, 10}, {15, 10, 10}, {16, 10, 15},
                    {20, 10, 15}, {21, 15, 15}};
    struct engine *engine = engine_new(*state);
    struct engine_order orders[] = {order(1, DAY_0 + 10, 100), order(2, DAY_0 + 15, 50)};
    orders[0].refunded_whole_day = DAY_0 + 20;
    put(engine, 70, orders, 2);
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        int32_t first_day, last_day;
        bool known = engine_days(engine, DAY_0 + expected[i].as_of, &first_day, &last_day);
        assert_int_equal(known, expected[i].first != 0);
        assert_int_equal(first_day, known ? DAY_0 + expected[i].first : DAY_NONE);
        assert_int_equal(last_day, known ? DAY_0 + expected[i].last : DAY_NONE);
    }
    engine_free(engine);
}

/* Of customers in several blocks, in any order of their days: the same as by looking at each order. */
static void days_of_many(void **state)
{
    enum { CUSTOMERS = 700, DAYS = 210 };
    struct engine *engine = engine_new(*state);
    int32_t day[CUSTOMERS], refunded[CUSTOMERS];
    for (int i = 0; i < CUSTOMERS; i++) {
        /* Blocks of 128: each a little before or behind those that came before. */
        static const int from[] = {190, 187, 193, 186, 196, 189};
        day[i] = DAY_0 + from[i / 128] + i * 7 % 10;
        refunded[i] = i % 3 == 0 ? day[i] + i * 13 % 60 : DAY_NONE;
        struct engine_order one = order(1, day[i], 100);
        one.refunded_whole_day = refunded[i];
        put(engine, 70 + i, &one, 1);
    }
    for (int32_t as_of = DAY_0; as_of < DAY_0 + DAYS + 70; as_of++) {
        int32_t first = INT32_MAX, last = INT32_MIN, first_day, last_day;
        for (int i = 0; i < CUSTOMERS; i++) {
            if (day[i] >= as_of || (refunded[i] != DAY_NONE && refunded[i] < as_of))
                continue;
            first = day[i] < first ? day[i] : first;
            last = day[i] > last ? day[i] : last;
        }
        assert_int_equal(engine_days(engine, as_of, &first_day, &last_day), first <= last);
        assert_int_equal(first_day, first <= last ? first : DAY_NONE);
        assert_int_equal(last_day, first <= last ? last : DAY_NONE);
    }
    engine_free(engine);
}

static void days_and_amounts_at_both_ends(void **state)
{
    struct engine *engine = engine_new(*state);
    struct engine_order ends[] = {
        order(1, LIMIT_DAY_MIN, 0),
        order(2, LIMIT_DAY_MAX, UINT32_MAX),       /* 4294967295: the last that is not wide */
        order(3, LIMIT_DAY_MAX, INT64_C(1) << 32), /* 4294967296: the first that is */
        order(4, LIMIT_DAY_MAX, INT64_C(9000000000000000000)),
    };
    ends[0].refunded_whole_day = LIMIT_DAY_MAX;
    ends[1].top_line_minor = -1;
    ends[1].top_product_id = 9;
    put(engine, INT64_MAX, ends, 4);
    /* 4294967295 + 4294967296 + 9·10^18; the order of 1990 is wholly refunded before the as-of
     * day of 2100. */
    check_totals(*state, engine, 1, 3, 1, INT64_C(9000000008589934591));
    int32_t first_day, last_day;
    assert_true(engine_days(engine, LIMIT_DAY_MAX + 1, &first_day, &last_day));
    assert_int_equal(first_day, LIMIT_DAY_MAX);
    assert_int_equal(last_day, LIMIT_DAY_MAX);
    for (int i = 0; i < metric_count; i++)
        assert_non_null(report_of(*state, engine, metric_all[i]->name));
    engine_free(engine);
}

static void difference_of(void **state, struct engine_order *a, struct engine_order *b,
                          const char *wanted)
{
    struct arena *arena = *state;
    struct engine *one = engine_new(arena), *other = engine_new(arena);
    put(one, 5, a, 2);
    put(other, 5, b, 2);
    struct str difference = engine_difference(arena, one, other);
    if (wanted)
        assert_string_equal(str_z(arena, difference), wanted);
    else
        assert_null(difference.p);
    engine_free(one);
    engine_free(other);
}

static void difference_names_the_field(void **state)
{
    struct engine_order a[] = {order(1, DAY_0, 100), order(2, DAY_0, 200)};
    struct engine_order swapped[] = {a[1], a[0]};
    struct engine_order b[2];
    difference_of(state, a, swapped, NULL);
    memcpy(b, a, sizeof(a));
    b[1].amount_minor = 201;
    difference_of(state, a, b,
                  "customer 5, order 2: the amount is 200 in one and 201 in the other");
    memcpy(b, a, sizeof(a));
    b[0].paid_day++; /* now sorted behind the other: the first order has amount 200 */
    difference_of(state, a, b,
                  "customer 5, order 1: the amount is 100 in one and 200 in the other");
    memcpy(b, a, sizeof(a));
    b[1].paid_day++;
    difference_of(state, a, b,
                  "customer 5, order 2: the day is 15000 in one and 15001 in the "
                  "other");
    memcpy(b, a, sizeof(a));
    b[1].refunded_whole_day = DAY_0 + 1;
    difference_of(state, a, b,
                  "customer 5, order 2: the day of its whole refund is -2147483648 in one and "
                  "15001 in the other");
    memcpy(b, a, sizeof(a));
    b[0].channel_id = 3;
    difference_of(state, a, b, "customer 5, order 1: the channel is 0 in one and 3 in the other");
    memcpy(b, a, sizeof(a));
    b[0].top_product_id = 4;
    difference_of(state, a, b,
                  "customer 5, order 1: the top product is 0 in one and 4 in the other");
    memcpy(b, a, sizeof(a));
    b[0].top_line_minor = -7;
    difference_of(state, a, b, "customer 5, order 1: the top line is 0 in one and -7 in the other");
}

static void difference_in_customers_and_refunds(void **state)
{
    struct arena *arena = *state;
    struct engine *a = engine_new(arena), *b = engine_new(arena);
    struct engine_order orders[] = {order(1, DAY_0, 100)};
    struct engine_refund refunds[] = {{.amount_minor = 5, .refunded_day = DAY_0 + 1},
                                      {.amount_minor = 6, .refunded_day = DAY_0}};
    struct engine_refund turned[] = {refunds[1], refunds[0]};
    assert_null(engine_difference(arena, a, b).p);
    assert_null(engine_difference(arena, a, a).p);
    /* The same facts by different ways: another order of putting, a detour over other facts. */
    put(a, 1, orders, 1);
    assert_null(engine_put(a, 2, orders, 1, refunds, 2));
    assert_null(engine_put(b, 2, NULL, 0, turned, 2));
    assert_null(engine_put(b, 2, orders, 1, turned, 2));
    put(b, 3, orders, 1);
    put(b, 1, orders, 1);
    assert_string_equal(str_z(arena, engine_difference(arena, a, b)),
                        "customer 3: 0 orders in one and 1 in the other");
    assert_string_equal(str_z(arena, engine_difference(arena, b, a)),
                        "customer 3: 1 orders in one and 0 in the other");
    put(b, 3, NULL, 0);
    assert_null(engine_difference(arena, a, b).p);
    turned[1].amount_minor = 4;
    assert_null(engine_put(b, 2, orders, 1, turned, 2));
    assert_string_equal(str_z(arena, engine_difference(arena, a, b)),
                        "customer 2, refund 2: the amount is 5 in one and 4 in the other");
    assert_null(engine_put(b, 2, orders, 1, turned, 1));
    assert_string_equal(str_z(arena, engine_difference(arena, a, b)),
                        "customer 2: 2 refunds in one and 1 in the other");
    engine_free(a);
    engine_free(b);
}

/* Orders of customer c in version v. */
static size_t version(struct engine_order *orders, int64_t c, int v)
{
    size_t count = (size_t)((c * 7 + v) % 9) + (v == 0 ? 1 : 0);
    for (size_t i = 0; i < count; i++) {
        orders[i] = order((int64_t)i, DAY_0 + (int32_t)((c + v * 3 + (int64_t)i * 11) % 500),
                          (c * 31 + v * 17 + (int64_t)i) % 1000);
        orders[i].channel_id = (c + (int64_t)i) % 4;
        if ((c + v) % 50 == 0)
            orders[i].amount_minor += INT64_C(1) << 40; /* some wide ones move too */
    }
    return count;
}

static void putting_again_gives_memory_back(void **state)
{
    enum { CUSTOMERS = 40000, VERSIONS = 8 };
    struct engine *churned = engine_new(*state), *fresh = engine_new(*state);
    struct engine_order orders[16];
    for (int v = 0; v < VERSIONS; v++)
        for (int64_t i = 0; i < CUSTOMERS; i++) {
            int64_t c = i * 7919 % CUSTOMERS;
            if (v > c % VERSIONS)
                continue; /* each stays at a version of its own, so that blocks grow and shrink */
            put(churned, c, orders, version(orders, c, v));
        }
    for (int64_t c = 0; c < CUSTOMERS; c++)
        put(fresh, c, orders, version(orders, c, (int)(c % VERSIONS)));
    assert_null(engine_difference(*state, churned, fresh).p);
    struct engine_size a = engine_size(churned), b = engine_size(fresh);
    assert_int_equal(a.customers, b.customers);
    assert_int_equal(a.orders, b.orders);
    /* Rows leave no garbage: a block may keep as much room again as its rows take (13 bytes each,
     * and 16 for a wide amount, of 1 row in 50) and lists twice what they need. */
    assert_true(a.bytes < b.bytes + b.orders * (13 + 1));
    struct report *of_a = report_of(*state, churned, "totals");
    struct report *of_b = report_of(*state, fresh, "totals");
    assert_null(report_difference(*state, of_a, of_b).p);
    for (int64_t c = 0; c < CUSTOMERS; c++)
        put(churned, c, NULL, 0);
    assert_int_equal(engine_size(churned).orders, 0);
    /* Without rows: ids, slots and blocks' heads remain, below 30 bytes a customer. */
    assert_true(engine_size(churned).bytes < CUSTOMERS * 30 + 65536);
    check_totals(*state, churned, 0, 0, 0, 0);
    engine_free(churned);
    engine_free(fresh);
}

static void a_customer_of_many_orders(void **state)
{
    enum { ORDERS = 150000 };
    struct engine *engine = engine_new(*state);
    struct engine_order *orders = calloc(ORDERS, sizeof(*orders));
    assert_non_null(orders);
    int64_t sum = 0;
    for (int i = 0; i < ORDERS; i++) {
        orders[i] = order(i, DAY_0 + (i * 7 % 1000), i % 100);
        sum += i % 100;
    }
    put(engine, 1, orders, ORDERS);
    put(engine, 2, orders, 1);
    check_totals(*state, engine, 2, ORDERS + 1, 1001, sum);
    /* Of the 1000 days, each with 150 orders, the latter half: more orders lie before it than 16 bits
     * count. */
    struct report_scope half = {
        .as_of_day = DAY_0 + 1000, .from_day = DAY_0 + 500, .to_day = DAY_0 + 999};
    struct report *report;
    assert_null(engine_report(*state, engine, metric_by_name(STR("repurchase")), &half, &report));
    assert_int_equal(report->sections[0].cells[0].i, 1);
    assert_int_equal(report->sections[0].cells[8].i, ORDERS / 2);
    put(engine, 1, orders + 1, 1);
    check_totals(*state, engine, 2, 2, 2, 1); /* amounts 0 and 1 */
    free(orders);
    engine_free(engine);
}

/* Wherever memory ends, the put fails whole: what was known stays. */
static void capacity_changes_nothing(void **state)
{
    struct engine *engine = engine_new(*state), *kept = engine_new(*state);
    struct engine_order orders[16];
    struct engine_refund refund = {.amount_minor = 1, .refunded_day = DAY_0, .channel_id = 77};
    int64_t c = 0, refused = 0;
    int64_t limit = 0;
    for (; c < 120000; c++) {
        size_t count = version(orders, c, 0);
        orders[0].top_product_id = c;
        const struct err *err;
        while ((err = engine_put(engine, c, orders, count, &refund, 1))) {
            assert_int_equal(err->code, ERR_CAPACITY);
            assert_int_equal(engine_size(engine).customers, c);
            refused++;
            limit += 1000000;
            engine_limit(engine, limit);
        }
        assert_null(engine_put(kept, c, orders, count, &refund, 1));
        if (c == 0)
            engine_limit(engine, limit = engine_size(engine).bytes);
    }
    assert_true(refused > 5);
    assert_null(engine_difference(*state, engine, kept).p);
    engine_free(engine);
    engine_free(kept);
}

static void too_many_channels(void **state)
{
    struct engine *engine = engine_new(*state);
    struct engine_order one = order(1, DAY_0, 5);
    const struct err *err = NULL;
    for (int64_t channel = 0; channel < 70000 && !err; channel++) {
        one.channel_id = channel;
        err = engine_put(engine, channel, &one, 1, NULL, 0);
    }
    assert_non_null(err);
    assert_int_equal(err->code, ERR_CHANNELS_MAX);
    assert_int_equal(engine_size(engine).customers, 65536);
    engine_free(engine);
}

/* Two engines, each with every second customer, channels and products met in another order. */
static void absorbing_unites(void **state)
{
    enum { CUSTOMERS = 30000 };
    struct engine *even = engine_new(*state), *odd = engine_new(*state), *all = engine_new(*state);
    struct engine_order orders[16];
    struct engine_refund refund = {.amount_minor = 4, .refunded_day = DAY_0 + 7};
    for (int64_t i = 0; i < CUSTOMERS; i++) {
        int64_t c = i % 2 ? CUSTOMERS - i : i;
        struct engine *half = c % 2 ? odd : even;
        size_t count = version(orders, c, (int)(c % 5));
        for (size_t k = 0; k < count; k++)
            orders[k].top_product_id = (c + (int64_t)k) % 300;
        refund.channel_id = c % 11;
        assert_null(engine_put(half, c, orders, count, &refund, (size_t)(c % 3 == 0)));
        assert_null(engine_put(all, c, orders, count, &refund, (size_t)(c % 3 == 0)));
        if (c % 17 == 0) { /* removed again: a hole */
            put(half, c, NULL, 0);
            put(all, c, NULL, 0);
        }
    }
    for (int64_t channel = 1; channel <= 10; channel++) {
        struct str name = str_fmt(*state, "channel %d", (int)channel);
        engine_name_channel(odd, channel, name);
        engine_name_channel(all, channel, name);
    }
    for (int64_t product = 1; product < 300; product++) {
        struct str code = str_fmt(*state, "P%d", (int)product);
        engine_name_product(product % 2 ? odd : even, product, code, STR("Soap"));
        engine_name_product(all, product, code, STR("Soap"));
    }
    assert_null(engine_absorb(even, odd));
    assert_null(engine_difference(*state, even, all).p);
    assert_int_equal(engine_size(odd).customers + engine_size(odd).orders, 0);
    engine_free(odd);
    struct engine_size a = engine_size(even), b = engine_size(all);
    assert_int_equal(a.customers, b.customers);
    assert_int_equal(a.orders, b.orders);
    assert_int_equal(a.refunds, b.refunds);
    for (int i = 0; i < metric_count; i++)
        assert_null(report_difference(*state, report_of(*state, even, metric_all[i]->name),
                                      report_of(*state, all, metric_all[i]->name))
                        .p);
    for (int64_t c = 0; c < CUSTOMERS; c++) { /* what was absorbed can be put again */
        size_t count = version(orders, c, 6);
        put(even, c, orders, count);
        put(all, c, orders, count);
    }
    assert_null(engine_difference(*state, even, all).p);
    engine_free(even);
    engine_free(all);
}

/* --- Unknown buyers --- */

static void unknown(struct engine *engine, int64_t customer_id, int64_t orders, int64_t amount)
{
    assert_null(engine_put_unknown(engine, customer_id, (struct left_out){orders, amount}));
}

static void check_left_out(const struct engine *engine, int64_t orders, int64_t amount)
{
    struct left_out left_out = engine_left_out(engine);
    assert_int_equal(left_out.orders, orders);
    assert_int_equal(left_out.amount_minor, amount);
}

static void unknown_buyers_are_in_no_report(void **state)
{
    struct engine *engine = engine_new(*state);
    struct engine_order one = order(1, DAY_0, 100);
    int32_t first_day, last_day;
    unknown(engine, 9, 0, 0); /* was never there */
    assert_int_equal(engine_size(engine).bytes, 0);
    unknown(engine, 7, 1, 500);
    unknown(engine, 8, 2, 30);
    check_left_out(engine, 3, 530);
    unknown(engine, 8, 2, 30); /* the same again changes nothing */
    unknown(engine, 7, 1, 0);  /* free of charge */
    check_left_out(engine, 3, 30);
    check_totals(*state, engine, 0, 0, 0, 0);
    assert_false(engine_days(engine, LIMIT_DAY_MAX + 1, &first_day, &last_day));
    unknown(engine, 8, 0, 0); /* turned out to be somebody */
    put(engine, 8, &one, 1);
    check_left_out(engine, 1, 0);
    check_totals(*state, engine, 1, 1, 1, 100);
    unknown(engine, 8, 1, 7); /* and back */
    check_left_out(engine, 2, 7);
    engine_free(engine);
}

static void unknown_buyers_are_compared(void **state)
{
    struct engine *a = engine_new(*state), *b = engine_new(*state);
    unknown(a, 5, 1, 10);
    unknown(a, 6, 1, 10);
    unknown(b, 6, 1, 10);
    assert_string_equal(str_z(*state, engine_difference(*state, a, b)),
                        "unknown buyer 5: 1 orders of 10 in one and 0 of 0 in the other");
    assert_string_equal(str_z(*state, engine_difference(*state, b, a)),
                        "unknown buyer 5: 0 orders of 0 in one and 1 of 10 in the other");
    unknown(a, 5, 0, 0);
    assert_null(engine_difference(*state, a, b).p);
    unknown(b, 6, 1, 11);
    assert_string_equal(str_z(*state, engine_difference(*state, a, b)),
                        "unknown buyer 6: 1 orders of 10 in one and 1 of 11 in the other");
    engine_free(a);
    engine_free(b);
}

static void unknown_buyers_are_absorbed(void **state)
{
    enum { BUYERS = 5000 };
    struct engine *into = engine_new(*state), *from = engine_new(*state);
    struct engine *all = engine_new(*state);
    for (int64_t c = 0; c < BUYERS; c++) {
        struct engine *half = c % 3 ? from : into;
        unknown(half, c, 1, c);
        unknown(all, c, 1, c);
        if (c % 7 != 0)
            continue;
        unknown(half, c, 0, 0);
        unknown(all, c, 0, 0);
    }
    struct left_out before = engine_left_out(into), other = engine_left_out(from);
    /* Memory that lasts for none, for some, for nearly all of them: nothing is changed. */
    int64_t bytes = engine_size(into).bytes + engine_size(from).bytes;
    int failed = 0, on_the_way = 0;
    for (int64_t limit = bytes - 2000;; limit += 1000) {
        engine_limit(into, limit);
        const struct err *err = engine_absorb(into, from);
        if (!err)
            break;
        assert_int_equal(err->code, ERR_CAPACITY);
        check_left_out(into, before.orders, before.amount_minor);
        check_left_out(from, other.orders, other.amount_minor);
        failed++;
        on_the_way += limit >= bytes;
    }
    assert_true(failed > on_the_way && on_the_way > 0);
    engine_limit(into, INT64_MAX / 2);
    check_left_out(into, before.orders + other.orders, before.amount_minor + other.amount_minor);
    check_left_out(from, 0, 0);
    assert_null(engine_difference(*state, into, all).p);
    engine_limit(all, engine_size(all).bytes);
    const struct err *err = NULL;
    int64_t amount = engine_left_out(all).amount_minor, fits = engine_left_out(all).orders;
    for (int64_t c = BUYERS; !err && c < 3 * BUYERS; c++) {
        err = engine_put_unknown(all, c, (struct left_out){1, 0});
        fits += !err;
    }
    assert_non_null(err);
    assert_int_equal(err->code, ERR_CAPACITY);
    check_left_out(all, fits, amount);
    engine_free(into);
    engine_free(from);
    engine_free(all);
}

static void absorbing_at_the_limits(void **state)
{
    struct engine *into = engine_new(*state), *from = engine_new(*state);
    struct engine_order one = order(1, DAY_0, 5);
    assert_null(engine_absorb(into, from)); /* nothing into nothing */
    put(into, 1, &one, 1);
    put(from, 2, &one, 1);
    engine_limit(into, engine_size(into).bytes + 1);
    const struct err *err = engine_absorb(into, from);
    assert_non_null(err);
    assert_int_equal(err->code, ERR_CAPACITY);
    check_totals(*state, into, 1, 1, 1, 5);
    check_totals(*state, from, 1, 1, 1, 5);
    engine_limit(into, INT64_MAX / 2);
    for (int64_t channel = 1; channel < 40000; channel++) {
        one.channel_id = channel;
        put(into, 2 * channel + 1, &one, 1);
        one.channel_id = -channel;
        put(from, 2 * channel, &one, 1);
    }
    err = engine_absorb(into, from);
    assert_non_null(err);
    assert_int_equal(err->code, ERR_CHANNELS_MAX);
    check_totals(*state, into, 40000, 40000, 40000, 200000);
    check_totals(*state, from, 39999, 39999, 39999, 199995);
    engine_free(into);
    engine_free(from);
}

/* Reports of a scope in the middle of the facts and of all facts, gross and net. */
static void compare_reports(struct arena *arena, const struct engine *a, const struct engine *b)
{
    for (int i = 0; i < 4 * metric_count; i++) {
        const struct metric *metric = metric_all[i / 4];
        bool is_part = i % 2;
        struct report_scope scope = {
            .as_of_day = is_part ? DAY_0 + 400 : LIMIT_DAY_MAX + 1,
            .from_day = is_part ? DAY_0 + 50 : LIMIT_DAY_MIN,
            .to_day = is_part ? DAY_0 + 380 : LIMIT_DAY_MAX,
            .net = i % 4 / 2,
            .currency_digits = 2,
        };
        struct report *of_a, *of_b;
        assert_null(engine_report(arena, a, metric, &scope, &of_a));
        assert_null(engine_report(arena, b, metric, &scope, &of_b));
        struct str difference = report_difference(arena, of_a, of_b);
        if (difference.p)
            print_error("%s: %.*s\n", metric->name, STR_ARG(difference));
        assert_null(difference.p);
    }
}

/* The same answers on any number of threads; and where customers of later days, whom no report may
 * show, stand in every block, so that the bounds of its rows have to be looked for. */
static void threads_and_scopes_agree(void **state)
{
    enum { CUSTOMERS = 30000 };
    struct engine *one = engine_new(*state), *eight = engine_new(*state);
    struct engine *crowded = engine_new(*state);
    struct engine_order orders[16], late = order(1, DAY_0 + 5000, 1);
    struct engine_refund refund = {.amount_minor = 40};
    for (int64_t c = 0; c < CUSTOMERS; c++) {
        size_t count = version(orders, c, (int)(c % 5));
        for (size_t k = 0; k < count; k++) {
            orders[k].top_product_id = (c * 7 + (int64_t)k) % 50;
            if ((c + (int64_t)k) % 30 == 0)
                orders[k].refunded_whole_day = orders[k].paid_day + (int32_t)(c % 20);
        }
        refund.refunded_day = DAY_0 + (int32_t)(c % 500);
        refund.channel_id = c % 5;
        size_t refunds = c % 9 == 0;
        assert_null(engine_put(one, c, orders, count, &refund, refunds));
        assert_null(engine_put(eight, c, orders, count, &refund, refunds));
        assert_null(engine_put(crowded, c, orders, count, &refund, refunds));
        if (c % 60 == 0)
            put(crowded, CUSTOMERS + c, &late, 1);
    }
    engine_threads(one, 1);
    engine_threads(eight, 8);
    compare_reports(*state, one, eight);
    struct report_scope before = {
        .as_of_day = DAY_0 + 4000, .from_day = DAY_0, .to_day = DAY_0 + 3999, .currency_digits = 2};
    for (int i = 0; i < metric_count; i++) {
        struct report *of_one, *of_crowded;
        assert_null(engine_report(*state, one, metric_all[i], &before, &of_one));
        assert_null(engine_report(*state, crowded, metric_all[i], &before, &of_crowded));
        assert_null(report_difference(*state, of_one, of_crowded).p);
    }
    engine_free(one);
    engine_free(eight);
    engine_free(crowded);
}

/* --- Windows: what a block without anything to show may be passed over for --- */

enum { WINDOW_CUSTOMERS = 1280, WINDOW_BLOCK = 128, WINDOW_LATER = 700 };

/* Customer c buys on day c; customers whose number is even again WINDOW_LATER days later; of every
 * tenth the first order is refunded on that day, of every twentieth wholly. So customers put in
 * the order of their numbers lie in blocks of 128 days, and 128 days WINDOW_LATER days later. */
static void put_window_customer(struct engine *engine, int64_t c)
{
    struct engine_order orders[] = {order(2 * c, DAY_0 + (int32_t)c, 100 + c),
                                    order(2 * c + 1, DAY_0 + (int32_t)c + WINDOW_LATER, 7)};
    struct engine_refund refund = {.amount_minor = c % 20 == 0 ? 100 + c : 1,
                                   .refunded_day = DAY_0 + (int32_t)c + WINDOW_LATER,
                                   .channel_id = c % 3};
    orders[0].channel_id = orders[1].channel_id = c % 3;
    orders[0].top_product_id = 1 + c % 5;
    if (c % 20 == 0)
        orders[0].refunded_whole_day = refund.refunded_day;
    assert_null(engine_put(engine, c, orders, 1 + (c % 2 == 0), &refund, c % 10 == 0));
}

/* Equals of a report go by their names, so that engines which met them in another order agree. */
static struct engine *window_engine_new(struct arena *arena)
{
    struct engine *engine = engine_new(arena);
    for (int64_t channel = 1; channel <= 2; channel++)
        engine_name_channel(engine, channel, str_fmt(arena, "channel %d", (int)channel));
    for (int64_t product = 1; product <= 5; product++)
        engine_name_product(engine, product, str_fmt(arena, "P%d", (int)product), STR("Soap"));
    return engine;
}

/* Totals of a window by walking over the numbers: customers, orders, paid, refunds. */
static void check_window_totals(struct arena *arena, const struct engine *engine,
                                const struct report_scope *scope)
{
    int64_t customers = 0, orders = 0, paid = 0, refunds = 0;
    for (int32_t c = 0; c < WINDOW_CUSTOMERS; c++) {
        int32_t first = DAY_0 + c, later = first + WINDOW_LATER;
        bool sees_first = first >= scope->from_day && first <= scope->to_day;
        bool sees_later = later >= scope->from_day && later <= scope->to_day;
        bool is_whole = c % 20 == 0 && later < scope->as_of_day;
        int64_t counted = (sees_first && !is_whole) + (sees_later && c % 2 == 0);
        customers += counted > 0;
        orders += counted;
        paid += (sees_first ? 100 + c : 0) + (sees_later && c % 2 == 0 ? 7 : 0);
        refunds += sees_later && c % 10 == 0;
    }
    struct report *report;
    assert_null(engine_report(arena, engine, metric_by_name(STR("totals")), scope, &report));
    const struct cell *row = report->sections[0].cells;
    assert_int_equal(row[0].i, customers);
    assert_int_equal(row[1].i, orders);
    assert_int_equal(row[5].i, paid);
    assert_int_equal(row[10].i, refunds);
}

/* Each window of the ordered engine, where blocks are passed over, against a walk over the numbers
 * and against an engine whose blocks hold customers of all days, so that none may be. */
static void check_window(struct arena *arena, const struct engine *ordered,
                         const struct engine *mixed, int32_t from, int32_t to, int32_t as_of)
{
    struct report_scope scope = {.as_of_day = DAY_0 + as_of,
                                 .from_day = DAY_0 + from,
                                 .to_day = DAY_0 + to,
                                 .currency_digits = 2};
    for (int net = 0; net < 2; net++) {
        scope.net = net;
        check_window_totals(arena, ordered, &scope);
        for (int i = 0; i < metric_count; i++) {
            struct report *of_ordered, *of_mixed;
            assert_null(engine_report(arena, ordered, metric_all[i], &scope, &of_ordered));
            assert_null(engine_report(arena, mixed, metric_all[i], &scope, &of_mixed));
            struct str difference = report_difference(arena, of_ordered, of_mixed);
            if (difference.p)
                print_error("%s, days %d to %d, as of %d: %.*s\n", metric_all[i]->name, from, to,
                            as_of, STR_ARG(difference));
            assert_null(difference.p);
        }
    }
}

static void check_windows(struct arena *arena, const struct engine *ordered,
                          const struct engine *mixed)
{
    const int32_t last = WINDOW_CUSTOMERS + WINDOW_LATER;
    for (int32_t edge = 0; edge <= WINDOW_CUSTOMERS; edge += 2 * WINDOW_BLOCK) {
        for (int32_t day = edge - 1; day <= edge + 1; day++) {
            check_window(arena, ordered, mixed, day, day, last);        /* one day */
            check_window(arena, ordered, mixed, day, day, day + 1);     /* as of the next */
            check_window(arena, ordered, mixed, day, day - 1, last);    /* no day */
            check_window(arena, ordered, mixed, day, day + 127, last);  /* as long as a block */
            check_window(arena, ordered, mixed, -50, day, day + 1);     /* all that was known */
            check_window(arena, ordered, mixed, day + WINDOW_LATER, day + WINDOW_LATER, last + 9);
        }
    }
    check_window(arena, ordered, mixed, -90, -1, 0);             /* before the first order */
    check_window(arena, ordered, mixed, -90, -1, last);
    check_window(arena, ordered, mixed, last, last + 9, last + 10); /* behind the last one */
    check_window(arena, ordered, mixed, -90, last + 9, last + 10);  /* all */
    check_window(arena, ordered, mixed, 40, 10, last);              /* ends before it begins */
}

static void windows_at_block_edges(void **state)
{
    struct engine *ordered = window_engine_new(*state), *mixed = window_engine_new(*state);
    for (int64_t c = 0; c < WINDOW_CUSTOMERS; c++) {
        put_window_customer(ordered, c);
        put_window_customer(mixed, c * 7919 % WINDOW_CUSTOMERS);
    }
    check_windows(*state, ordered, mixed);
    /* Put elsewhere, with more orders and with fewer, and back: blocks that were full before. */
    struct engine *other = window_engine_new(*state);
    for (int64_t c = 0; c < WINDOW_CUSTOMERS; c += 5) {
        struct engine_order orders[8];
        for (int32_t i = 0; i < 8; i++)
            orders[i] = order(i, DAY_0 + 900 - i * (int32_t)(c % 50), 5);
        put(ordered, c, orders, (size_t)(c % 9));
        put(other, c, orders, (size_t)(c % 9));
    }
    for (int64_t c = WINDOW_CUSTOMERS - 1; c >= 0; c--)
        if (c % 5 != 0)
            put_window_customer(other, c);
    compare_reports(*state, ordered, other);
    for (int64_t c = 0; c < WINDOW_CUSTOMERS; c += 5)
        put_window_customer(ordered, c);
    check_windows(*state, ordered, mixed);
    engine_free(other);
    engine_free(ordered);
    engine_free(mixed);
}

/* The last block of what was absorbed is ordered by day; a customer who is taken out of it at once
 * is not met any more, and the others are met where they are now. */
static void windows_of_what_was_absorbed(void **state)
{
    enum { CUSTOMERS = 40 };
    struct engine *into = window_engine_new(*state), *from = window_engine_new(*state);
    struct engine *fresh = window_engine_new(*state);
    for (int64_t c = 0; c < CUSTOMERS; c++) {
        put_window_customer(c % 2 ? into : from, c);
        if (c % 4 != 0)
            put_window_customer(fresh, c);
    }
    assert_null(engine_absorb(into, from));
    for (int64_t c = 0; c < CUSTOMERS; c += 4)
        put(into, c, NULL, 0);
    compare_reports(*state, into, fresh);
    engine_free(into);
    engine_free(from);
    engine_free(fresh);
}

/* More products than 16 bits number, more channels than 8 bits do, met before and after. */
static void many_products_and_channels(void **state)
{
    enum { CUSTOMERS = 80000, CHANNELS = 300 };
    struct engine *half = engine_new(*state), *rest = engine_new(*state);
    for (int64_t c = 0; c < CUSTOMERS; c++) {
        struct engine_order one = order(1, DAY_0, c);
        one.top_product_id = c + 1;
        one.channel_id = (CUSTOMERS - 1 - c) % CHANNELS + 1;
        put(c < CUSTOMERS / 2 ? half : rest, c, &one, 1);
    }
    struct engine_order again = order(1, DAY_0, 7);
    again.top_product_id = CUSTOMERS; /* the last one, into the first block */
    again.channel_id = CHANNELS;
    put(half, 7, &again, 1);
    assert_null(engine_absorb(half, rest));
    engine_free(rest);
    for (int64_t c = 0; c < CUSTOMERS; c++) /* codes in the order of ids */
        engine_name_product(half, c + 1, str_fmt(*state, "%06d", (int)c), STR("a product"));
    const struct report_section *products =
        &report_of(*state, half, "by-first-product")->sections[0];
    /* Customer 7's own product is nobody's any more; the last product has two customers. */
    assert_int_equal(products->row_count, CUSTOMERS - 1);
    assert_int_equal(products->cells[2].i, 2);
    assert_int_equal(products->cells[8].i, CUSTOMERS - 1 + 7);
    for (size_t row = 1; row < products->row_count; row++) {
        int64_t amount = (int64_t)row - 1 + (row > 7); /* by code, as amounts are */
        assert_int_equal(products->cells[row * 9 + 2].i, 1);
        assert_int_equal(products->cells[row * 9 + 8].i, amount);
    }
    const struct report_section *channels = &report_of(*state, half, "by-channel")->sections[0];
    assert_int_equal(channels->row_count, CHANNELS);
    int64_t orders = 0, amount = 0;
    for (size_t row = 0; row < channels->row_count; row++) {
        int64_t count = channels->cells[row * 6 + 2].i;
        assert_in_range(count, CUSTOMERS / CHANNELS - 1, CUSTOMERS / CHANNELS + 2);
        orders += count;
        amount += channels->cells[row * 6 + 3].i;
    }
    assert_int_equal(orders, CUSTOMERS);
    assert_int_equal(amount, INT64_C(80000) * 79999 / 2);
    engine_free(half);
}

static void names_are_taken_over(void **state)
{
    struct arena *arena = *state;
    struct engine *engine = engine_new(arena);
    struct engine_order one = order(1, DAY_0, 5);
    one.channel_id = 3;
    one.top_product_id = 8;
    one.top_line_minor = 5;
    put(engine, 1, &one, 1);
    const struct cell *row = report_of(arena, engine, "by-channel")->sections[0].cells;
    assert_true(row[0].null); /* not named yet */
    char text[] = "shop";
    engine_name_channel(engine, 3, str_c(text));
    engine_name_product(engine, 8, STR("P8"), STR("Soap"));
    memcpy(text, "gone", 4);
    row = report_of(arena, engine, "by-channel")->sections[0].cells;
    assert_string_equal(str_z(arena, row[0].s), "shop");
    row = report_of(arena, engine, "by-first-product")->sections[0].cells;
    assert_string_equal(str_z(arena, row[0].s), "P8");
    assert_string_equal(str_z(arena, row[1].s), "Soap");
    engine_name_channel(engine, 3, STR("store"));
    row = report_of(arena, engine, "by-channel")->sections[0].cells;
    assert_string_equal(str_z(arena, row[0].s), "store");
    engine_free(engine);
}

static void metric_names(void **state)
{
    (void)state;
    assert_non_null(metric_by_name(STR("by-first-product")));
    assert_null(metric_by_name(STR("by-first")));
    assert_null(metric_by_name(STR_NONE));
}

/* --- Threads: every reader sees whole customers only --- */

struct reader {
    struct engine *engine;
    int faults;
};

/* The writer keeps two orders of the same amount per customer: an odd count or a half sum was
 * seen half-done. */
static void *read_for_a_while(void *arg)
{
    struct reader *reader = arg;
    for (int i = 0; i < 200; i++) {
        struct arena *arena = arena_new("reader", 1 << 20);
        const struct cell *row = report_of(arena, reader->engine, "totals")->sections[0].cells;
        struct engine_size size = engine_size(reader->engine);
        int32_t first_day, last_day;
        engine_days(reader->engine, LIMIT_DAY_MAX + 1, &first_day, &last_day);
        reader->faults += row[1].i != 2 * row[0].i || size.orders != 2 * size.customers;
        arena_free(arena);
    }
    return NULL;
}

static void readers_and_a_writer(void **state)
{
    enum { CUSTOMERS = 300 };
    struct engine *engine = engine_new(*state);
    struct reader readers[3];
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) {
        readers[i] = (struct reader){.engine = engine};
        assert_int_equal(pthread_create(&threads[i], NULL, read_for_a_while, &readers[i]), 0);
    }
    for (int64_t i = 0; i < 30000; i++) {
        struct engine_order two[] = {order(1, DAY_0 + (int32_t)(i % 50), i),
                                     order(2, DAY_0 + (int32_t)(i % 70), i)};
        two[0].channel_id = i % 1000;
        if (i % 10 == 0)
            engine_name_channel(engine, i % 2000, STR("name"));
        put(engine, i % CUSTOMERS, two, i % 7 == 0 ? 0 : 2);
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(readers[i].faults, 0);
    }
    engine_free(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(empty_engine, set_up, tear_down),
        cmocka_unit_test_setup_teardown(put_replaces_and_removes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(days_as_known_on_a_day, set_up, tear_down),
        cmocka_unit_test_setup_teardown(days_of_many, set_up, tear_down),
        cmocka_unit_test_setup_teardown(days_and_amounts_at_both_ends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(difference_names_the_field, set_up, tear_down),
        cmocka_unit_test_setup_teardown(difference_in_customers_and_refunds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(putting_again_gives_memory_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_customer_of_many_orders, set_up, tear_down),
        cmocka_unit_test_setup_teardown(capacity_changes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(too_many_channels, set_up, tear_down),
        cmocka_unit_test_setup_teardown(absorbing_unites, set_up, tear_down),
        cmocka_unit_test_setup_teardown(absorbing_at_the_limits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(unknown_buyers_are_in_no_report, set_up, tear_down),
        cmocka_unit_test_setup_teardown(unknown_buyers_are_compared, set_up, tear_down),
        cmocka_unit_test_setup_teardown(unknown_buyers_are_absorbed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(threads_and_scopes_agree, set_up, tear_down),
        cmocka_unit_test_setup_teardown(windows_at_block_edges, set_up, tear_down),
        cmocka_unit_test_setup_teardown(windows_of_what_was_absorbed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_products_and_channels, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_are_taken_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(metric_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(readers_and_a_writer, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
