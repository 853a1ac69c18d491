/* link: engine contract */
/* Every report of the columns against a naive oracle, on seeded random brands: few customers,
 * days that cluster, amounts that tie, refunds, whole refunds before and after the as-of date,
 * windows at random. The oracle is written straight from the definitions over plain arrays and a
 * table of (customer, day); it shares nothing with the engine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "engine/engine.h"

#define ROUNDS 400
#define CUSTOMERS_MAX 90
#define ORDERS_MAX 3000
#define DAYS_MAX 1000
#define IDS_MAX 8
#define BASE_DAY 14000 /* 2008-05-01 */

struct fact_order {
    int customer;
    bool has_lines;
    struct engine_order is;
};
struct fact_refund {
    int customer;
    struct engine_refund is;
};
static struct world {
    int customers, orders, refunds, days;
    int64_t ids[CUSTOMERS_MAX];
    struct fact_order order[ORDERS_MAX];
    struct fact_refund refund[ORDERS_MAX];
    struct report_scope scope;
    bool bought[CUSTOMERS_MAX][DAYS_MAX]; /* a purchase day, known by the as-of date */
} world;

/* --- Random brands --- */

static uint64_t random_state;

static int64_t random_below(int64_t n)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (int64_t)((random_state >> 33) % (uint64_t)n);
}

static int random_day(void)
{
    if (random_below(2) == 0)
        return (int)random_below(world.days);
    return (int)(random_below(world.days / 20 + 1) * 20 % world.days);
}

static void make_order(int i)
{
    static const int64_t top_lines[] = {1, 2, 3, 3, 3, -2, 5000000000};
    struct fact_order *order = &world.order[i];
    *order = (struct fact_order){.customer = (int)random_below(world.customers)};
    if (random_below(3) == 0)
        order->customer = order->customer % 3 % world.customers;
    order->is.order_id = 100 + i * 3;
    order->is.paid_day = BASE_DAY + random_day();
    order->is.refunded_whole_day = DAY_NONE;
    order->is.amount_minor = random_below(10) == 0 ? 0 : random_below(12) * 250;
    if (random_below(200) == 0)
        order->is.amount_minor = INT64_C(7000000000) + random_below(5);
    order->is.channel_id = random_below(5);
    order->has_lines = random_below(4) > 0;
    if (!order->has_lines)
        return;
    order->is.top_product_id = random_below(IDS_MAX);
    order->is.top_line_minor = top_lines[random_below(7)];
}

static void add_refund(int customer, int64_t amount, int32_t day, int64_t channel_id)
{
    if (amount <= 0 || world.refunds == ORDERS_MAX || day >= BASE_DAY + world.days)
        return;
    world.refund[world.refunds++] = (struct fact_refund){
        .customer = customer,
        .is = {.amount_minor = amount, .refunded_day = day, .channel_id = channel_id},
    };
}

static void make_refunds(void)
{
    for (int i = 0; i < world.orders; i++) {
        struct fact_order *order = &world.order[i];
        int32_t day = order->is.paid_day + (int32_t)random_below(40);
        int64_t kind = random_below(12);
        if (kind == 0 && order->is.amount_minor > 0) {
            order->is.refunded_whole_day = day;
            add_refund(order->customer, order->is.amount_minor, day, order->is.channel_id);
        }
        if (kind == 1)
            add_refund(order->customer, order->is.amount_minor / 2, day, order->is.channel_id);
    }
    for (int64_t i = random_below(10); i > 0; i--)
        add_refund((int)random_below(world.customers), 1 + random_below(3000),
                   BASE_DAY + random_day(), random_below(7));
}

static void make_world(uint64_t seed)
{
    static const int sizes[] = {1, 3, 10, 60, 300, 1200, ORDERS_MAX};
    random_state = seed * 7919 + 1;
    world.days = 1 + (int)random_below(random_below(2) ? DAYS_MAX : 60);
    world.customers = 1 + (int)random_below(CUSTOMERS_MAX);
    int size = sizes[random_below(7)];
    world.orders = (int)random_below(size) + (size > 1 ? 1 : 0);
    world.refunds = 0;
    for (int c = 0; c < world.customers; c++)
        world.ids[c] = 5000 + (c * 37 % 97) * 11; /* not in the order of putting */
    for (int i = 0; i < world.orders; i++)
        make_order(i);
    make_refunds();
}

static void make_scope(void)
{
    struct report_scope *scope = &world.scope;
    int32_t end = BASE_DAY + world.days;
    *scope = (struct report_scope){
        .as_of_day = end, .from_day = BASE_DAY, .to_day = end - 1, .currency_digits = 2};
    scope->net = random_below(2);
    if (random_below(4) == 0)
        scope->as_of_day = end + (int32_t)random_below(40);
    if (random_below(3) == 0)
        scope->as_of_day = BASE_DAY + 1 + (int32_t)random_below(world.days);
    scope->to_day = scope->as_of_day - 1;
    if (random_below(3) == 0)
        scope->to_day -= (int32_t)random_below(world.days / 3 + 1);
    if (random_below(2))
        scope->from_day += (int32_t)random_below(world.days / 2 + 1);
    if (random_below(8) == 0)
        scope->currency_digits = (int)random_below(4);
}

/* --- The oracle: words of the definitions --- */

static bool paid_known(const struct fact_order *o)
{
    return o->is.paid_day < world.scope.as_of_day;
}
static bool counted(const struct fact_order *o)
{
    return paid_known(o) && !(o->is.refunded_whole_day != DAY_NONE &&
                              o->is.refunded_whole_day < world.scope.as_of_day);
}
static bool looked_at(int32_t day)
{
    return day >= world.scope.from_day && day <= world.scope.to_day;
}
static bool day_looked_at(int d)
{
    return looked_at(BASE_DAY + d);
}
static void mark_purchase_days(void)
{
    memset(world.bought, 0, sizeof(world.bought));
    for (int i = 0; i < world.orders; i++)
        if (counted(&world.order[i]))
            world.bought[world.order[i].customer][world.order[i].is.paid_day - BASE_DAY] = true;
}
/* The k-th purchase day ever (k from 1), or -1. */
static int nth_day(int c, int k)
{
    for (int d = 0; d < world.days; d++)
        if (world.bought[c][d] && --k == 0)
            return d;
    return -1;
}
static int days_looked_at(int c)
{
    int n = 0;
    for (int d = 0; d < world.days; d++)
        n += world.bought[c][d] && day_looked_at(d);
    return n;
}
static int last_day(int c)
{
    int last = -1;
    for (int d = 0; d < world.days; d++)
        if (world.bought[c][d] && day_looked_at(d))
            last = d;
    return last;
}
static int64_t orders_of(int c)
{
    int64_t n = 0;
    for (int i = 0; i < world.orders; i++)
        n += world.order[i].customer == c && counted(&world.order[i]) &&
             looked_at(world.order[i].is.paid_day);
    return n;
}
static int64_t refunds_of(int c)
{
    int64_t sum = 0;
    for (int i = 0; i < world.refunds; i++)
        if (world.refund[i].customer == c && looked_at(world.refund[i].is.refunded_day))
            sum += world.refund[i].is.amount_minor;
    return sum;
}
static int64_t amount_of(int c)
{
    int64_t sum = 0;
    for (int i = 0; i < world.orders; i++)
        if (world.order[i].customer == c && paid_known(&world.order[i]) &&
            looked_at(world.order[i].is.paid_day))
            sum += world.order[i].is.amount_minor;
    return sum - (world.scope.net ? refunds_of(c) : 0);
}
static int month(int d)
{
    time_t seconds = (time_t)(BASE_DAY + d) * 86400;
    struct tm tm;
    gmtime_r(&seconds, &tm);
    return (tm.tm_year + 1900) * 12 + tm.tm_mon;
}
static int first_month(void)
{
    return month(0);
}
static int last_month(void)
{
    return month(world.days - 1);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}
static double type7(double *x, int n, double p)
{
    qsort(x, (size_t)n, sizeof(*x), ascending);
    double h = (n - 1) * p;
    int lo = (int)floor(h + 1e-9);
    double part = h - lo;
    return lo + 1 < n ? x[lo] + part * (x[lo + 1] - x[lo]) : x[lo];
}
static struct cell quotient(double a, double b)
{
    return b == 0 ? (struct cell){.null = true} : cell_f(a / b);
}

/* --- The oracle: the reports --- */

static double numbers[ORDERS_MAX];

static void oracle_totals(struct report *report)
{
    int64_t customers = 0, orders = 0, purchase_days = 0, gross = 0, refunded = 0, sum = 0;
    int first = -1, last = -1, n_refunds = 0, refunded_customers = 0, without = 0;
    for (int i = 0; i < world.orders; i++) {
        const struct fact_order *o = &world.order[i];
        if (!paid_known(o) || !looked_at(o->is.paid_day))
            continue;
        gross += o->is.amount_minor;
        if (counted(o)) {
            numbers[orders++] = (double)o->is.amount_minor;
            sum += o->is.amount_minor;
        }
    }
    for (int d = 0; d < world.days; d++)
        for (int c = 0; c < world.customers; c++)
            if (world.bought[c][d] && day_looked_at(d)) {
                purchase_days++;
                first = first < 0 ? d : first;
                last = d;
            }
    for (int i = 0; i < world.refunds; i++)
        n_refunds += looked_at(world.refund[i].is.refunded_day);
    for (int c = 0; c < world.customers; c++) {
        customers += days_looked_at(c) > 0;
        refunded += refunds_of(c);
        refunded_customers += refunds_of(c) > 0;
        without += refunds_of(c) > 0 && days_looked_at(c) == 0;
    }
    struct cell *row = report_row(report, 0);
    row[0] = cell_i(customers);
    row[1] = cell_i(orders);
    row[2] = cell_i(purchase_days);
    if (first >= 0) {
        row[3] = cell_i(BASE_DAY + first);
        row[4] = cell_i(BASE_DAY + last);
    }
    row[5] = cell_i(gross);
    row[6] = cell_i(refunded);
    row[7] = cell_i(gross - refunded);
    row[8] = quotient((double)sum, (double)orders);
    if (orders > 0)
        row[9] = cell_f(type7(numbers, (int)orders, 0.5));
    row[10] = cell_i(n_refunds);
    row[11] = cell_i(refunded_customers);
    row[12] = cell_i(without);
    row[13] = quotient((double)refunded, (double)gross);
    row[14] = quotient(refunded_customers - without, (double)customers);
}

static int customers_with(int days_min, int64_t orders_min)
{
    int n = 0;
    for (int c = 0; c < world.customers; c++)
        n += days_looked_at(c) >= days_min && orders_of(c) >= orders_min;
    return n;
}

static void oracle_repurchase(struct report *report)
{
    int all = customers_with(1, 0);
    int64_t orders = 0;
    struct cell *row = report_row(report, 0);
    row[0] = cell_i(all);
    row[1] = cell_i(customers_with(2, 0));
    row[2] = quotient(customers_with(2, 0), all);
    row[3] = cell_i(customers_with(0, 2));
    row[4] = quotient(customers_with(0, 2), all);
    row[5] = cell_i(customers_with(3, 0));
    row[6] = cell_i(customers_with(5, 0));
    for (int c = 0; c < world.customers; c++) {
        orders += orders_of(c);
        if (days_looked_at(c) > 0 && (row[8].null || orders_of(c) > row[8].i))
            row[8] = cell_i(orders_of(c));
        if (days_looked_at(c) > 0 && (row[9].null || days_looked_at(c) > row[9].i))
            row[9] = cell_i(days_looked_at(c));
    }
    row[7] = quotient((double)orders, all);
}

static void oracle_frequency(struct report *report)
{
    for (int k = 1; k <= DAYS_MAX; k++) {
        int n = customers_with(k, 0) - customers_with(k + 1, 0);
        if (n == 0 && customers_with(k, 0) == 0)
            return;
        if (n == 0)
            continue;
        struct cell *row = report_row(report, 0);
        row[0] = cell_i(k);
        row[1] = cell_i(n);
        row[2] = quotient(n, customers_with(1, 0));
    }
}

static bool is_new(int c)
{
    return nth_day(c, 1) >= 0 && day_looked_at(nth_day(c, 1));
}
static int days_to_second(int c)
{
    int second = nth_day(c, 2);
    return second >= 0 && BASE_DAY + second <= world.scope.to_day ? second - nth_day(c, 1) : -1;
}

static void oracle_nday_of(struct report *report, int section, int cohort)
{
    static const int windows[7] = {7, 14, 30, 60, 90, 180, 365};
    for (int w = 0; w < 7; w++) {
        int n = 0, back = 0, eligible = 0, both = 0, ever = 0;
        for (int c = 0; c < world.customers; c++) {
            if (!is_new(c) || (cohort >= 0 && month(nth_day(c, 1)) != cohort))
                continue;
            int gap = days_to_second(c);
            bool came = gap >= 1 && gap <= windows[w];
            bool old = BASE_DAY + nth_day(c, 1) + windows[w] <= world.scope.to_day;
            n++;
            back += came;
            eligible += old;
            both += came && old;
            ever += gap > 0;
        }
        if (cohort >= 0 && n == 0)
            return;
        struct cell *cell = report_row(report, section);
        if (cohort >= 0)
            *cell++ = cell_i(cohort);
        *cell++ = cell_i(windows[w]);
        *cell++ = cell_i(n);
        *cell++ = cell_i(back);
        if (cohort < 0)
            *cell++ = quotient(back, n);
        *cell++ = cell_i(eligible);
        *cell++ = cell_i(both);
        *cell++ = quotient(both, eligible);
        if (cohort >= 0)
            *cell = cell_i(ever);
    }
}

static void oracle_nday(struct report *report)
{
    oracle_nday_of(report, 0, -1);
    for (int cohort = first_month(); cohort <= last_month(); cohort++)
        oracle_nday_of(report, 1, cohort);
}

static bool in_cohort(int c, int cohort)
{
    return nth_day(c, 1) >= 0 && month(nth_day(c, 1)) == cohort;
}
static int cohort_size(int cohort)
{
    int n = 0;
    for (int c = 0; c < world.customers; c++)
        n += in_cohort(c, cohort);
    return n;
}
/* The months of the days, once per brand. */
static int month_table[DAYS_MAX];
static bool active_in(int c, int m)
{
    for (int d = 0; d < world.days; d++)
        if (month_table[d] == m && world.bought[c][d] && day_looked_at(d))
            return true;
    return false;
}

static void oracle_cohorts(struct report *report)
{
    for (int cohort = first_month(); cohort <= last_month(); cohort++) {
        int size = cohort_size(cohort);
        for (int m = cohort; m <= last_month() && size > 0; m++) {
            int n = 0;
            for (int c = 0; c < world.customers; c++)
                n += in_cohort(c, cohort) && active_in(c, m);
            if (n == 0)
                continue;
            struct cell *row = report_row(report, 0);
            row[0] = cell_i(cohort);
            row[1] = cell_i(m - cohort);
            row[2] = cell_i(size);
            row[3] = cell_i(n);
            row[4] = quotient(n, size);
        }
    }
}

static void oracle_cohort_revenue(struct report *report)
{
    for (int cohort = first_month(); cohort <= last_month(); cohort++) {
        bool member[CUSTOMERS_MAX];
        for (int c = 0; c < world.customers; c++)
            member[c] = in_cohort(c, cohort);
        for (int m = first_month(); m <= last_month(); m++) {
            int64_t orders = 0, amount = 0, facts = 0;
            for (int i = 0; i < world.orders; i++) {
                const struct fact_order *o = &world.order[i];
                if (!member[o->customer] || !paid_known(o) || !looked_at(o->is.paid_day) ||
                    month_table[o->is.paid_day - BASE_DAY] != m)
                    continue;
                facts++;
                orders += counted(o);
                amount += o->is.amount_minor;
            }
            for (int i = 0; i < world.refunds && world.scope.net; i++) {
                const struct fact_refund *r = &world.refund[i];
                if (!member[r->customer] || !looked_at(r->is.refunded_day) ||
                    month_table[r->is.refunded_day - BASE_DAY] != m)
                    continue;
                facts++;
                amount -= r->is.amount_minor;
            }
            if (facts == 0)
                continue;
            struct cell *row = report_row(report, 0);
            row[0] = cell_i(cohort);
            row[1] = cell_i(m - cohort);
            row[2] = cell_i(cohort_size(cohort));
            row[3] = cell_i(orders);
            row[4] = cell_i(amount);
            row[5] = quotient((double)amount, cohort_size(cohort));
        }
    }
}

static void oracle_monthly(struct report *report)
{
    for (int m = first_month(); m <= last_month(); m++) {
        int64_t paid = 0, orders = 0, amount = 0, active = 0, fresh = 0, refunds = 0, refunded = 0;
        for (int i = 0; i < world.orders; i++) {
            const struct fact_order *o = &world.order[i];
            if (!paid_known(o) || !looked_at(o->is.paid_day) ||
                month(o->is.paid_day - BASE_DAY) != m)
                continue;
            paid++;
            orders += counted(o);
            amount += o->is.amount_minor;
        }
        for (int i = 0; i < world.refunds; i++) {
            const struct fact_refund *r = &world.refund[i];
            if (!looked_at(r->is.refunded_day) || month(r->is.refunded_day - BASE_DAY) != m)
                continue;
            refunds++;
            refunded += r->is.amount_minor;
        }
        for (int c = 0; c < world.customers; c++) {
            active += active_in(c, m);
            fresh += active_in(c, m) && month(nth_day(c, 1)) == m;
        }
        if (paid == 0 && refunds == 0)
            continue;
        struct cell *row = report_row(report, 0);
        row[0] = cell_i(m);
        row[1] = cell_i(orders);
        row[2] = cell_i(amount - (world.scope.net ? refunded : 0));
        row[3] = cell_i(active);
        row[4] = cell_i(fresh);
        row[5] = cell_i(active - fresh);
        row[6] = cell_i(refunds);
        row[7] = cell_i(refunded);
    }
}

/* Gaps of one customer (c < 0: all) after one purchase number (0: all; 11: it and later) into
 * numbers. */
static int collect_gaps(int only, int number)
{
    int n = 0;
    for (int c = 0; c < world.customers; c++) {
        int before = -1, k = 0;
        if (only >= 0 && c != only)
            continue;
        for (int d = 0; d < world.days; d++) {
            if (!world.bought[c][d])
                continue;
            int at = k > 11 ? 11 : k;
            if (before >= 0 && day_looked_at(before) && day_looked_at(d) &&
                (number == 0 || at == number))
                numbers[n++] = d - before;
            before = d;
            k++;
        }
    }
    return n;
}

static double mean(const double *x, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += x[i];
    return sum / n;
}

static void oracle_rhythm(struct report *report)
{
    static double means[CUSTOMERS_MAX];
    int n = collect_gaps(-1, 0);
    struct cell *row = report_row(report, 0);
    row[0] = cell_i(n);
    if (n > 0) {
        row[1] = cell_f(type7(numbers, n, 0.5));
        row[2] = cell_f(mean(numbers, n));
        row[3] = cell_f(type7(numbers, n, 0.25));
        row[4] = cell_f(type7(numbers, n, 0.75));
        row[5] = cell_f(type7(numbers, n, 0.9));
        row[6] = cell_i((int64_t)numbers[n - 1]);
        int mean_count = 0;
        for (int c = 0; c < world.customers; c++) {
            int own = collect_gaps(c, 0);
            if (own > 0)
                means[mean_count++] = mean(numbers, own);
        }
        row[7] = cell_f(type7(means, mean_count, 0.5));
        int second = collect_gaps(-1, 1);
        if (second > 0)
            row[8] = cell_f(type7(numbers, second, 0.5));
    }
    for (int k = 1; k <= 11; k++) {
        n = collect_gaps(-1, k);
        if (n == 0)
            continue;
        row = report_row(report, 1);
        row[0] = cell_i(k);
        row[1] = cell_i(n);
        row[2] = cell_f(type7(numbers, n, 0.5));
        row[3] = cell_f(mean(numbers, n));
        row[4] = cell_f(type7(numbers, n, 0.25));
        row[5] = cell_f(type7(numbers, n, 0.75));
        row[6] = cell_f(type7(numbers, n, 0.9));
    }
}

/* How many are watched (came: of them those who came back) for exactly / at least t days. */
static int watched(int t, bool came_only, bool exactly)
{
    int n = 0;
    for (int c = 0; c < world.customers; c++) {
        if (!is_new(c))
            continue;
        bool came = days_to_second(c) > 0;
        int time_days =
            came ? days_to_second(c) : (int)(world.scope.to_day - BASE_DAY) - nth_day(c, 1);
        if (came_only && !came)
            continue;
        n += exactly ? time_days == t : time_days >= t;
    }
    return n;
}

static void oracle_second_purchase(struct report *report)
{
    static const int chosen[10] = {7, 14, 30, 60, 90, 120, 180, 270, 365, 540};
    long double log_survival = 0, greenwood = 0;
    bool all_back = false;
    int next = 0;
    for (int t = 0; t < 2 * DAYS_MAX && watched(t, false, false) > 0; t++) {
        int d = watched(t, true, true), n = watched(t, false, false);
        if (d > 0 && d == n)
            all_back = true;
        if (d > 0 && d < n) {
            log_survival += logl(1 - (long double)d / n);
            greenwood += (long double)d / ((long double)n * (n - d));
        }
        double survival = all_back ? 0 : (double)expl(log_survival);
        double error = survival * sqrt((double)greenwood);
        if (d > 0) {
            struct cell *row = report_row(report, 1);
            row[0] = cell_i(t);
            row[1] = cell_i(d);
            row[2] = cell_i(n);
            row[3] = cell_f(survival);
            row[4] = cell_f(error);
        }
    }
    int reach = -1;
    for (int c = 0; c < world.customers; c++)
        if (is_new(c) && world.scope.to_day - BASE_DAY - nth_day(c, 1) > reach)
            reach = (int)(world.scope.to_day - BASE_DAY) - nth_day(c, 1);
    const struct report_section *curve = &report->sections[1];
    for (; next < 10 && chosen[next] <= reach; next++) {
        double survival = 1, error = 0;
        for (size_t r = 0; r < curve->row_count; r++) {
            const struct cell *step = &curve->cells[r * 5];
            if (step[0].i > chosen[next])
                continue;
            survival = step[3].f;
            error = step[4].f;
        }
        struct cell *row = report_row(report, 0);
        row[0] = cell_i(chosen[next]);
        row[1] = cell_f(1 - survival);
        row[2] = cell_f(error);
        row[3] = cell_i(watched(chosen[next], false, false));
    }
}

/* R, F or M of a customer. */
static int64_t rfm_value(int c, char dimension)
{
    if (dimension == 'R')
        return world.scope.as_of_day - (BASE_DAY + last_day(c));
    return dimension == 'F' ? orders_of(c) : amount_of(c);
}
/* Five times the k-th 20 % quantile, in whole numbers: the value at place h = (n-1)k/5 of the
 * sorted. */
static int64_t threshold_times_5(char dimension, int k)
{
    int n = 0;
    for (int c = 0; c < world.customers; c++)
        if (days_looked_at(c) > 0)
            numbers[n++] = (double)rfm_value(c, dimension);
    qsort(numbers, (size_t)n, sizeof(*numbers), ascending);
    int64_t lo = (int64_t)numbers[(n - 1) * k / 5];
    int64_t hi = (n - 1) * k / 5 + 1 < n ? (int64_t)numbers[(n - 1) * k / 5 + 1] : lo;
    int64_t rest = (n - 1) * k % 5;
    return lo * (5 - rest) + hi * rest;
}

static void oracle_rfm(struct report *report)
{
    static const char order_of_rows[] = "RFM", names[] = "FMR";
    static int scores[128][CUSTOMERS_MAX];
    int64_t cut[128][5];
    bool any = customers_with(1, 0) > 0;
    for (int i = 0; i < 3; i++) {
        char name = order_of_rows[i];
        struct cell *row = report_row(report, 0);
        row[0] = cell_s(str_fmt(report->arena, "%c", name));
        for (int k = 1; k <= 4 && any; k++) {
            cut[(int)name][k] = threshold_times_5(name, k);
            double unit = name == 'M' ? pow(10, world.scope.currency_digits) : 1;
            row[k] = cell_f((double)cut[(int)name][k] / 5 / unit);
        }
    }
    for (int i = 0; i < 3 && any; i++) {
        char name = names[i];
        for (int points = 1; points <= 5; points++) {
            int n = 0;
            for (int c = 0; c < world.customers; c++) {
                if (days_looked_at(c) == 0)
                    continue;
                int above = 0;
                for (int k = 1; k <= 4; k++)
                    above += 5 * rfm_value(c, name) > cut[(int)name][k];
                scores[(int)name][c] = name == 'R' ? 5 - above : 1 + above;
                n += scores[(int)name][c] == points;
            }
            if (n == 0)
                continue;
            struct cell *row = report_row(report, 1);
            row[0] = cell_s(str_fmt(report->arena, "%c", name));
            row[1] = cell_i(points);
            row[2] = cell_i(n);
        }
    }
    for (int cell = 111; cell <= 555 && any; cell++) {
        int64_t n = 0, sum = 0;
        for (int c = 0; c < world.customers; c++) {
            if (days_looked_at(c) == 0 ||
                scores['R'][c] * 100 + scores['F'][c] * 10 + scores['M'][c] != cell)
                continue;
            n++;
            sum += amount_of(c);
        }
        if (n == 0)
            continue;
        struct cell *row = report_row(report, 2);
        row[0] = cell_i(cell / 100);
        row[1] = cell_i(cell / 10 % 10);
        row[2] = cell_i(cell % 10);
        row[3] = cell_i(n);
        row[4] = cell_i(sum);
    }
}

static void oracle_concentration(struct report *report)
{
    static const double shares[5] = {0.01, 0.05, 0.1, 0.2, 0.5};
    int n = 0;
    int64_t total = 0;
    for (int c = 0; c < world.customers; c++)
        if (days_looked_at(c) > 0) {
            numbers[n++] = (double)amount_of(c);
            total += amount_of(c);
        }
    qsort(numbers, (size_t)n, sizeof(*numbers), ascending);
    for (int s = 0; s < 5; s++) {
        int top = (int)ceil(shares[s] * n - 1e-9);
        double sum = 0;
        for (int i = 0; i < top; i++)
            sum += numbers[n - 1 - i];
        struct cell *row = report_row(report, 0);
        row[0] = cell_f(shares[s]);
        row[1] = cell_i(top);
        row[2] = cell_i((int64_t)sum);
        row[3] = quotient(sum, (double)total);
    }
    /* The other form of the Gini coefficient: mean absolute difference over twice the mean. */
    double differences = 0;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            differences += fabs(numbers[i] - numbers[j]);
    struct cell *row = report_row(report, 1);
    row[0] = cell_i(n);
    row[1] = cell_i(total);
    row[2] = quotient(differences, 2.0 * n * (double)total);
}

static void oracle_by_channel(struct report *report)
{
    struct {
        bool named;
        int customers, repeat;
        int64_t orders, amount;
    } at[IDS_MAX] = {0};
    for (int ch = 0; ch < IDS_MAX; ch++) {
        for (int c = 0; c < world.customers; c++) {
            bool day[DAYS_MAX] = {false};
            int days = 0;
            for (int i = 0; i < world.orders; i++) {
                const struct fact_order *o = &world.order[i];
                if (o->customer != c || o->is.channel_id != ch || !paid_known(o) ||
                    !looked_at(o->is.paid_day))
                    continue;
                at[ch].named = true;
                at[ch].amount += o->is.amount_minor;
                at[ch].orders += counted(o);
                if (counted(o) && !day[o->is.paid_day - BASE_DAY]) {
                    day[o->is.paid_day - BASE_DAY] = true;
                    days++;
                }
            }
            at[ch].customers += days >= 1;
            at[ch].repeat += days >= 2;
        }
        for (int i = 0; i < world.refunds && world.scope.net; i++)
            if (world.refund[i].is.channel_id == ch && looked_at(world.refund[i].is.refunded_day))
                at[ch].amount -= world.refund[i].is.amount_minor;
    }
    for (;;) {
        int best = -1;
        for (int ch = 0; ch < IDS_MAX; ch++)
            if (at[ch].named && (best < 0 || at[ch].amount > at[best].amount))
                best = ch;
        if (best < 0)
            return;
        at[best].named = false;
        struct cell *row = report_row(report, 0);
        if (best > 0)
            row[0] = cell_s(str_fmt(report->arena, "channel %d", best));
        row[1] = cell_i(at[best].customers);
        row[2] = cell_i(at[best].orders);
        row[3] = cell_i(at[best].amount);
        row[4] = cell_i(at[best].repeat);
        row[5] = quotient(at[best].repeat, at[best].customers);
    }
}

static int64_t oracle_first_product(int c)
{
    const struct fact_order *best = NULL;
    for (int i = 0; i < world.orders; i++) {
        const struct fact_order *o = &world.order[i];
        if (o->customer != c || !counted(o) || o->is.paid_day != BASE_DAY + nth_day(c, 1) ||
            !o->has_lines)
            continue;
        bool larger = best && o->is.top_line_minor > best->is.top_line_minor;
        bool equal = best && o->is.top_line_minor == best->is.top_line_minor;
        if (!best || larger || (equal && o->is.top_product_id < best->is.top_product_id))
            best = o; /* by code: "P1", "P2", …, and none before any */
    }
    return best ? best->is.top_product_id : 0;
}

static void oracle_by_first_product(struct report *report)
{
    struct {
        int64_t customers, back, eligible, back_90, amount;
    } of[IDS_MAX] = {0};
    for (int c = 0; c < world.customers; c++) {
        if (!is_new(c))
            continue;
        int64_t p = oracle_first_product(c);
        int gap = days_to_second(c);
        bool old = BASE_DAY + nth_day(c, 1) + 90 <= world.scope.to_day;
        of[p].customers++;
        of[p].back += gap > 0;
        of[p].eligible += old;
        of[p].back_90 += old && gap > 0 && gap <= 90;
        of[p].amount += amount_of(c);
    }
    for (;;) {
        int best = 0;
        for (int p = 1; p < IDS_MAX; p++)
            if (of[p].customers > of[best].customers)
                best = p;
        if (of[best].customers == 0)
            return;
        struct cell *row = report_row(report, 0);
        if (best > 0) {
            row[0] = cell_s(str_fmt(report->arena, "P%d", best));
            row[1] = cell_s(str_fmt(report->arena, "product %d", best));
        }
        row[2] = cell_i(of[best].customers);
        row[3] = cell_i(of[best].back);
        row[4] = quotient((double)of[best].back, (double)of[best].customers);
        row[5] = cell_i(of[best].eligible);
        row[6] = cell_i(of[best].back_90);
        row[7] = quotient((double)of[best].back_90, (double)of[best].eligible);
        row[8] = cell_i(of[best].amount);
        of[best].customers = 0;
    }
}

/* Ten times the 90 % quantile of the first n numbers. */
static int64_t p90_times_10(int n)
{
    qsort(numbers, (size_t)n, sizeof(*numbers), ascending);
    int64_t lo = (int64_t)numbers[(n - 1) * 9 / 10];
    int64_t hi = (n - 1) * 9 / 10 + 1 < n ? (int64_t)numbers[(n - 1) * 9 / 10 + 1] : lo;
    int64_t rest = (n - 1) * 9 % 10;
    return lo * (10 - rest) + hi * rest;
}

static int purchase_number_of_last(int c)
{
    int k = 0;
    for (int d = 0; d <= last_day(c); d++)
        k += world.bought[c][d];
    return k < 11 ? k : 11;
}

static void oracle_overdue(struct report *report)
{
    static const char *const names[3] = {"own", "brand", "none"};
    int64_t limit[CUSTOMERS_MAX], customers[3] = {0}, late[3] = {0}, amount[3] = {0};
    int basis[CUSTOMERS_MAX];
    bool is_late[CUSTOMERS_MAX] = {false};
    for (int c = 0; c < world.customers; c++) {
        if (days_looked_at(c) == 0)
            continue;
        int n = collect_gaps(c, 0);
        basis[c] = n >= 5 ? 0 : 1;
        if (n < 5)
            n = collect_gaps(-1, purchase_number_of_last(c));
        basis[c] = n == 0 ? 2 : basis[c];
        limit[c] = n > 0 ? p90_times_10(n) : 0;
        is_late[c] = n > 0 && 10 * rfm_value(c, 'R') > limit[c];
        customers[basis[c]]++;
        late[basis[c]] += is_late[c];
        amount[basis[c]] += is_late[c] ? amount_of(c) : 0;
    }
    for (int b = 0; b < 3; b++) {
        if (customers[b] == 0)
            continue;
        struct cell *row = report_row(report, 0);
        row[0] = cell_s(str_c(names[b]));
        row[1] = cell_i(customers[b]);
        row[2] = cell_i(late[b]);
        row[3] = quotient((double)late[b], (double)customers[b]);
        row[4] = cell_i(amount[b]);
    }
    for (;;) {
        int best = -1;
        for (int c = 0; c < world.customers; c++)
            if (is_late[c] && (best < 0 || amount_of(c) > amount_of(best) ||
                               (amount_of(c) == amount_of(best) && world.ids[c] < world.ids[best])))
                best = c;
        if (best < 0)
            return;
        is_late[best] = false;
        struct cell *row = report_row(report, 1);
        row[0] = cell_i(world.ids[best]);
        row[1] = cell_i(days_looked_at(best));
        row[2] = cell_i(BASE_DAY + last_day(best));
        row[3] = cell_i(rfm_value(best, 'R'));
        row[4] = cell_f((double)limit[best] / 10);
        row[5] = cell_s(str_c(names[basis[best]]));
        row[6] = cell_i(amount_of(best));
    }
}

static const struct {
    const char *name;
    void (*fill)(struct report *report);
} oracles[] = {
    {"totals", oracle_totals},
    {"repurchase", oracle_repurchase},
    {"frequency", oracle_frequency},
    {"nday", oracle_nday},
    {"cohorts", oracle_cohorts},
    {"cohort-revenue", oracle_cohort_revenue},
    {"monthly", oracle_monthly},
    {"rhythm", oracle_rhythm},
    {"second-purchase", oracle_second_purchase},
    {"rfm", oracle_rfm},
    {"concentration", oracle_concentration},
    {"by-channel", oracle_by_channel},
    {"by-first-product", oracle_by_first_product},
    {"overdue", oracle_overdue},
};
#define ORACLE_COUNT (int)(sizeof(oracles) / sizeof(oracles[0]))

/* --- The rounds --- */

static void put_customer(struct engine *engine, int c, int share)
{
    static struct engine_order orders[ORDERS_MAX];
    static struct engine_refund refunds[ORDERS_MAX];
    size_t order_count = 0, refund_count = 0;
    for (int i = 0; i < world.orders; i++)
        if (world.order[i].customer == c && (share == 1 || i % share == 0))
            orders[order_count++] = world.order[i].is;
    for (int i = 0; i < world.refunds; i++)
        if (world.refund[i].customer == c && (share == 1 || i % share == 0))
            refunds[refund_count++] = world.refund[i].is;
    for (size_t i = order_count; i > 1; i--) {
        size_t j = (size_t)random_below((int64_t)i);
        struct engine_order swap = orders[i - 1];
        orders[i - 1] = orders[j];
        orders[j] = swap;
    }
    assert_null(engine_put(engine, world.ids[c], orders, order_count, refunds, refund_count));
}

/* Customers that no report may show, so that those of the world lie in several blocks (of 128) and
 * the threads have something to share: bought and refunded after every as-of date, or put and
 * removed again. */
struct padding {
    int64_t customers_max; /* before each of the world's */
    bool stay;
    int64_t next_id;
};

static void pad(struct engine *engine, struct padding *padding)
{
    int32_t day = BASE_DAY + world.days + 100;
    struct engine_order late[] = {
        {.order_id = 1, .paid_day = day, .refunded_whole_day = day + 1, .amount_minor = 77},
        {.order_id = 2, .paid_day = day, .refunded_whole_day = DAY_NONE, .amount_minor = 78}};
    struct engine_refund refund = {.amount_minor = 77, .refunded_day = day + 1};
    for (int64_t i = random_below(padding->customers_max + 1); i > 0; i--) {
        int64_t id = padding->next_id++;
        assert_null(engine_put(engine, id, late, 1 + (size_t)(id % 2), &refund, 1));
        if (!padding->stay)
            assert_null(engine_put(engine, id, NULL, 0, NULL, 0));
    }
}

/* Every step-th customer from `first` on. */
static void fill_customers(struct engine *engine, int first, int step, struct padding *padding)
{
    for (int c = first; c < world.customers; c += step) {
        pad(engine, padding);
        put_customer(engine, c, 2);
    }
    for (int c = world.customers - 1; c >= 0; c--)
        if (c % step == first)
            put_customer(engine, c, 1);
}

/* In one engine, or in two that become one. */
static struct engine *fill_engine(struct arena *arena)
{
    struct engine *engine = engine_new(arena);
    struct padding padding = {
        .customers_max = random_below(3) * 30, .stay = random_below(2), .next_id = 100000};
    for (int ch = 1; ch < IDS_MAX; ch++)
        engine_name_channel(engine, ch, str_fmt(arena, "channel %d", ch));
    for (int p = 1; p < IDS_MAX; p++)
        engine_name_product(engine, p, str_fmt(arena, "P%d", p), str_fmt(arena, "product %d", p));
    if (random_below(2) == 0) {
        fill_customers(engine, 0, 1, &padding);
    } else {
        struct engine *other = engine_new(arena);
        fill_customers(engine, 0, 2, &padding);
        fill_customers(other, 1, 2, &padding);
        assert_null(engine_absorb(engine, other));
        engine_free(other);
    }
    engine_threads(engine, 1 + (int)random_below(3));
    return engine;
}

static int compare_scope(struct arena *arena, const struct engine *engine, int round)
{
    int faults = 0;
    mark_purchase_days();
    for (int i = 0; i < ORACLE_COUNT; i++) {
        const struct metric *metric = metric_by_name(str_c(oracles[i].name));
        struct report *wanted = report_new(arena, metric, &world.scope), *got;
        oracles[i].fill(wanted);
        assert_null(engine_report(arena, engine, metric, &world.scope, &got));
        struct str difference = report_difference(arena, wanted, got);
        if (!difference.p)
            continue;
        faults++;
        print_error("round %d, %s, as of %d, days %d to %d, %s: %.*s\n", round, metric->name,
                    world.scope.as_of_day - BASE_DAY, world.scope.from_day - BASE_DAY,
                    world.scope.to_day - BASE_DAY, world.scope.net ? "net" : "gross",
                    STR_ARG(difference));
    }
    return faults;
}

static void columns_equal_oracle(void **state)
{
    (void)state;
    const char *rounds_text = getenv("HUITOU_MODEL_ROUNDS");
    int rounds = rounds_text ? atoi(rounds_text) : ROUNDS;
    for (int round = 0; round < rounds; round++) {
        struct arena *arena = arena_new("metric model", (size_t)1 << 28);
        make_world((uint64_t)round);
        for (int d = 0; d < world.days; d++)
            month_table[d] = month(d);
        struct engine *engine = fill_engine(arena);
        int faults = 0;
        for (int i = 0; i < 3; i++) {
            make_scope();
            faults += compare_scope(arena, engine, round);
        }
        engine_free(engine);
        arena_free(arena);
        assert_int_equal(faults, 0);
    }
}

static void every_report_has_an_oracle(void **state)
{
    (void)state;
    assert_int_equal(metric_count, ORACLE_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_report_has_an_oracle),
        cmocka_unit_test(columns_equal_oracle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
