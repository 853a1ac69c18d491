/* link: engine contract */
/* Selections on seeded random brands. Every figure that has a link: the selection behind it, from the link's declaration, has
 * exactly that count or sum, and whoever the report names. Further selections at random against a naive oracle over plain
 * arrays: who, in which order, over pages of any size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "base/limits.h"
#include "engine/engine_select.h"
#include "engine/metric_layout.h"
#include "engine/metric_link.h"

#define ROUNDS 60
#define SELECTIONS 30
#define CUSTOMERS_MAX 300
#define ORDERS_MAX 1500
#define REFUNDS_MAX 400
#define TAGS 4
#define BASE_DAY 14000 /* 2008-05-01 */

struct fact_order {
    int customer;
    struct engine_order is;
};
struct fact_refund {
    int customer;
    struct engine_refund is;
};
static struct world {
    int customers, orders, refunds, days;
    int64_t ids[CUSTOMERS_MAX], keepers[CUSTOMERS_MAX];
    bool has_tag[CUSTOMERS_MAX][TAGS];
    int32_t tag_until[CUSTOMERS_MAX][TAGS];
    struct fact_order order[ORDERS_MAX];
    struct fact_refund refund[REFUNDS_MAX];
} world;

static uint64_t random_state;

static int64_t random_below(int64_t n)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (int64_t)((random_state >> 33) % (uint64_t)n);
}

/* --- Random brands --- */

static int random_day(void)
{
    if (random_below(2))
        return (int)random_below(world.days);
    return (int)(random_below(world.days / 15 + 1) * 15 % world.days);
}

static void make_order(int i)
{
    struct fact_order *order = &world.order[i];
    /* Some customers have no orders at all, some very many. */
    int buyers = world.customers * 3 / 4 + 1;
    order->customer = (int)random_below(random_below(3) ? buyers : buyers / 8 + 1);
    order->is = (struct engine_order){
        .order_id = 1000 + i * 7,
        .amount_minor = random_below(9) == 0 ? 0 : random_below(15) * 500,
        .paid_day = BASE_DAY + random_day(),
        .refunded_whole_day = DAY_NONE,
        .channel_id = random_below(4),
        .top_product_id = random_below(5),
    };
    order->is.top_line_minor = order->is.top_product_id ? 1 + random_below(3) : 0;
    if (random_below(100) == 0)
        order->is.amount_minor = INT64_C(6000000000);
}

static void make_refund(int customer, int64_t amount, int32_t day, int64_t channel_id)
{
    if (amount <= 0 || world.refunds == REFUNDS_MAX || day >= BASE_DAY + world.days)
        return;
    world.refund[world.refunds++] =
        (struct fact_refund){customer, {amount, day, channel_id}};
}

static void make_facts(void)
{
    for (int i = 0; i < world.orders; i++) {
        make_order(i);
        struct fact_order *order = &world.order[i];
        int32_t day = order->is.paid_day + (int32_t)random_below(30);
        int64_t amount = order->is.amount_minor, kind = random_below(10);
        if (kind == 0 && amount > 0)
            order->is.refunded_whole_day = day;
        if (kind < 2)
            make_refund(order->customer, kind == 0 ? amount : amount / 3, day,
                        order->is.channel_id);
    }
    for (int64_t i = random_below(8); i > 0; i--)
        make_refund((int)random_below(world.customers), 100 + random_below(2000),
                    BASE_DAY + random_day(), random_below(5));
}

static void make_world(uint64_t seed)
{
    random_state = seed * 104729 + 17;
    world.days = 2 + (int)random_below(random_below(3) ? 500 : 40);
    world.customers = 1 + (int)random_below(CUSTOMERS_MAX - 1);
    world.orders = (int)random_below(random_below(3) ? ORDERS_MAX : 40);
    world.refunds = 0;
    memset(world.has_tag, 0, sizeof(world.has_tag));
    for (int c = 0; c < world.customers; c++) {
        world.ids[c] = 7000 + (c * 61 % 307) * 13;
        world.keepers[c] = random_below(3) ? 0 : 1 + random_below(3);
        for (int t = 0; t < TAGS; t++) {
            world.has_tag[c][t] = random_below(4) == 0;
            world.tag_until[c][t] = random_below(2) ? DAY_NONE : (int32_t)random_below(20);
        }
    }
    make_facts();
}

static void put_person(struct engine *engine, int c)
{
    struct engine_tag tags[TAGS];
    struct engine_person person = {.is_known = true, .keeper_id = world.keepers[c], .tags = tags};
    for (int t = 0; t < TAGS; t++)
        if (world.has_tag[c][t])
            tags[person.tag_count++] = (struct engine_tag){t + 1, world.tag_until[c][t]};
    assert_null(engine_put_person(engine, world.ids[c], &person));
}

static void put_facts(struct engine *engine, int c)
{
    static struct engine_order orders[ORDERS_MAX];
    static struct engine_refund refunds[REFUNDS_MAX];
    size_t order_count = 0, refund_count = 0;
    for (int i = 0; i < world.orders; i++)
        if (world.order[i].customer == c)
            orders[order_count++] = world.order[i].is;
    for (int i = 0; i < world.refunds; i++)
        if (world.refund[i].customer == c)
            refunds[refund_count++] = world.refund[i].is;
    assert_null(engine_put(engine, world.ids[c], orders, order_count, refunds, refund_count));
}

/* Put in any order, and several times: the last put holds. */
static struct engine *make_engine(struct arena *arena)
{
    static const char *const channels[] = {"", "shop", "live", "store", "other"};
    struct engine *engine = engine_new(arena);
    struct engine_tag stale = {1, DAY_NONE};
    for (int c = 0; c < world.customers; c++) {
        struct engine_person before = {true, 99, &stale, 1};
        if (random_below(3) == 0)
            assert_null(engine_put_person(engine, world.ids[c], &before));
        if (random_below(2))
            put_person(engine, c);
        put_facts(engine, c);
        put_person(engine, c);
    }
    for (int i = 1; i < 5; i++) {
        struct str name = str_c(channels[i]);
        engine_name_channel(engine, i, name);
        engine_name_product(engine, i, name, name);
    }
    /* Somebody who was merged away is nobody. */
    struct engine_person known = {true, 5, &stale, 1}, nobody = {0};
    assert_null(engine_put_person(engine, 3, &known));
    assert_null(engine_put_person(engine, 3, &nobody));
    engine_threads(engine, 1 + (int)random_below(3));
    return engine;
}

static struct report_scope random_scope(void)
{
    int32_t end = BASE_DAY + world.days;
    struct report_scope scope = {
        .as_of_day = end, .from_day = BASE_DAY, .currency_digits = 2, .net = random_below(2)};
    if (random_below(3) == 0)
        scope.as_of_day = BASE_DAY + 1 + (int32_t)random_below(world.days);
    scope.to_day = scope.as_of_day - 1;
    if (random_below(3) == 0)
        scope.to_day -= (int32_t)random_below(world.days / 3 + 1);
    if (random_below(2))
        scope.from_day += (int32_t)random_below(world.days / 2 + 1);
    return scope;
}

/* --- From a link to a selection --- */

static int64_t number_of(struct str text)
{
    int64_t number = 0;
    assert_true(str_to_i64(text, &number));
    return number;
}

static struct select_range month_of(struct str text)
{
    int32_t day;
    char buffer[16] = {0};
    memcpy(buffer, text.p, text.n);
    memcpy(buffer + text.n, "-01", 3);
    assert_true(day_parse(str_c(buffer), &day));
    return (struct select_range){day, month_first_day(month_of_day(day) + 1) - 1};
}

static void apply_month(struct engine_selection *s, struct str name, struct str value)
{
    struct select_range month = month_of(value);
    if (str_eq(name, STR("first_month"))) {
        s->first_day = month;
    } else if (str_eq(name, STR("first_before"))) {
        s->first_day = (struct select_range){INT64_MIN, month.min - 1};
    } else {
        s->scope.from_day =
            month.min > s->scope.from_day ? (int32_t)month.min : s->scope.from_day;
        s->scope.to_day = month.max < s->scope.to_day ? (int32_t)month.max : s->scope.to_day;
    }
}

static bool apply_word(struct engine_selection *s, struct str name, struct str value)
{
    if (str_eq(name, STR("channel")) || str_eq(name, STR("channel_unnamed"))) {
        s->by_channel = true;
        s->channel = str_eq(name, STR("channel")) ? value : STR_NONE;
    } else if (str_eq(name, STR("first_product")) || str_eq(name, STR("first_product_unnamed"))) {
        s->by_first_product = true;
        s->first_product = str_eq(name, STR("first_product")) ? value : STR_NONE;
    } else if (str_eq(name, STR("new"))) {
        s->is_new = true;
    } else if (str_eq(name, STR("overdue"))) {
        s->overdue = OVERDUE_YES;
    } else if (str_eq(name, STR("basis"))) {
        s->basis = str_eq(value, STR("own"))     ? BASIS_OWN
                   : str_eq(value, STR("brand")) ? BASIS_BRAND
                                                 : BASIS_NONE;
    } else if (str_ends(name, STR("month")) || str_eq(name, STR("first_before"))) {
        apply_month(s, name, value);
    } else {
        return false;
    }
    return true;
}

static void apply(struct engine_selection *s, struct str name, struct str value)
{
    if (apply_word(s, name, value))
        return;
    int64_t n = number_of(value);
    if (str_eq(name, STR("days_min")))
        s->days.min = n;
    else if (str_eq(name, STR("days_max")))
        s->days.max = n;
    else if (str_eq(name, STR("orders_min")))
        s->orders.min = n;
    else if (str_eq(name, STR("refunds_min")))
        s->refunds.min = n;
    else if (str_eq(name, STR("movements_min")))
        s->movements.min = n;
    else if (str_eq(name, STR("back_min")))
        s->back_after.min = n;
    else if (str_eq(name, STR("back_max")))
        s->back_after.max = n;
    else if (str_eq(name, STR("known_for")))
        s->known_for = n;
    else if (str_eq(name, STR("not_back_before")))
        s->not_back_within = n - 1;
    else if (str_eq(name, STR("gap_after")))
        s->gap_after = (int)n;
    else if (str_eq(name, STR("top")))
        s->top = n;
    else if (str_eq(name, STR("r")))
        s->r = (int)n;
    else if (str_eq(name, STR("f")))
        s->f = (int)n;
    else if (str_eq(name, STR("m")))
        s->m = (int)n;
    else
        fail_msg("a parameter that no selection has: %.*s", STR_ARG(name));
}

static int64_t equal_of(const struct metric_link *link, const struct report_scope *scope,
                        const struct engine_selected *is)
{
    int64_t net = is->paid_minor - is->refunded_minor;
    switch (link->equals) {
    case LINK_CUSTOMERS:
        return is->customers;
    case LINK_ORDERS:
        return is->orders;
    case LINK_DAYS:
        return is->purchase_days;
    case LINK_GAPS:
        return is->purchase_days - is->customers;
    case LINK_REFUNDS:
        return is->refunds;
    case LINK_PAID:
        return is->paid_minor;
    case LINK_REFUNDED:
        return is->refunded_minor;
    case LINK_NET:
        return net;
    case LINK_AMOUNT:
        return scope->net ? net : is->paid_minor;
    default:
        return is->customers;
    }
}

static size_t figures_held;

/* A share of 0.25 over 8 customers is that of 2 of them: any of the row's counts may be below it. */
static bool share_fits(const struct metric_section *section, const struct cell *row,
                       const struct cell *figure, int64_t customers)
{
    for (int c = 0; c < section->column_count; c++) {
        if (section->columns[c].kind != CELL_COUNT || row[c].i == 0)
            continue;
        double of = figure->f * (double)row[c].i - (double)customers;
        if (of > -1e-6 && of < 1e-6)
            return true;
    }
    return false;
}

static void hold_figure(struct arena *arena, const struct engine *engine,
                        const struct report *report, const struct metric_section *section,
                        const struct cell *row, const struct metric_link *link)
{
    const struct cell *figure = &row[layout_column(section, link->column)];
    enum cell_kind kind = section->columns[layout_column(section, link->column)].kind;
    struct engine_selection s = engine_selection_all(&report->scope);
    struct select_page page = {.limit = 0};
    struct engine_selected is;
    for (int i = 0; i < LINK_PARAMS_MAX && link->params[i].name; i++)
        apply(&s, str_c(link->params[i].name),
              link_param_text(arena, section, row, &link->params[i]));
    if (figure->null || (link->params[0].name && str_eq(str_c(link->params[0].name), STR("top")) && s.top == 0))
        return;
    assert_null(engine_select(arena, engine, &s, &page, &is));
    figures_held++;
    if (link->equals == LINK_INCLUDES) {
        bool exact = row[0].i < 11; /* the last row stands for many purchases */
        assert_true(exact ? is.customers == figure->i : is.customers <= figure->i);
        return;
    }
    if (link->equals == LINK_SHARE) {
        bool counted = kind == CELL_RATIO && strcmp(link->metric, "concentration") != 0 &&
                       strcmp(link->metric, "second-purchase") != 0 &&
                       strcmp(link->metric, "frequency") != 0;
        if (counted && !share_fits(section, row, figure, is.customers))
            fail_msg("%s.%s.%s: a share that is not theirs", link->metric, link->section,
                     link->column);
        return;
    }
    if (equal_of(link, &report->scope, &is) != figure->i)
        fail_msg("%s.%s.%s: the figure is %lld, behind it are %lld", link->metric, link->section,
                 link->column, (long long)figure->i,
                 (long long)equal_of(link, &report->scope, &is));
}

static const struct metric_link *link_of(const char *metric, const struct metric_section *section,
                                         const char *column, const struct cell *row)
{
    for (int i = 0; i < metric_link_count; i++) {
        const struct metric_link *link = &metric_links[i];
        if (strcmp(link->metric, metric) == 0 && strcmp(link->section, section->name) == 0 &&
            strcmp(link->column, column) == 0 && link_is_of_row(link, section, row))
            return link;
    }
    return NULL;
}

static void hold_report(struct arena *arena, const struct engine *engine,
                        const struct report *report)
{
    for (int s = 0; s < report->metric->section_count; s++) {
        const struct report_section *section = &report->sections[s];
        int columns = section->is->column_count;
        for (size_t r = 0; r < section->row_count; r++) {
            const struct cell *row = &section->cells[r * (size_t)columns];
            for (int c = 0; c < columns; c++) {
                const struct metric_link *link =
                    link_of(report->metric->name, section->is, section->is->columns[c].name, row);
                if (link)
                    hold_figure(arena, engine, report, section->is, row, link);
            }
        }
    }
}

static void test_figures(void **state)
{
    (void)state;
    figures_held = 0;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        struct arena *arena = arena_new("test", (size_t)1 << 30);
        make_world(seed);
        struct engine *engine = make_engine(arena);
        struct report_scope scope = random_scope();
        for (int m = 0; m < metric_count && scope.from_day <= scope.to_day; m++) {
            struct report *report;
            assert_null(engine_report(arena, engine, metric_all[m], &scope, &report));
            hold_report(arena, engine, report);
        }
        engine_free(engine);
        arena_free(arena);
    }
    assert_true(figures_held > 8000);
}

/* Whom the report of the overdue names are whom the selection holds. */
static void test_overdue_by_name(void **state)
{
    (void)state;
    size_t named = 0;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct arena *arena = arena_new("test", (size_t)1 << 30);
        make_world(seed);
        struct engine *engine = make_engine(arena);
        struct report_scope scope = random_scope();
        struct report *report;
        struct engine_selection s = engine_selection_all(&scope);
        struct select_page page = {.sort = SELECT_BY_AMOUNT, .descending = true, .limit = 1000};
        struct engine_selected is;
        s.overdue = OVERDUE_YES;
        if (scope.from_day <= scope.to_day) {
            assert_null(engine_report(arena, engine, metric_by_name(STR("overdue")), &scope, &report));
            assert_null(engine_select(arena, engine, &s, &page, &is));
            const struct report_section *late = &report->sections[1];
            assert_int_equal(is.row_count, late->row_count);
            for (size_t r = 0; r < late->row_count; r++, named++)
                assert_int_equal(is.rows[r].customer_id, late->cells[r * 7].i);
        }
        engine_free(engine);
        arena_free(arena);
    }
    assert_true(named > 300);
}

/* --- The oracle: a customer by plain loops --- */

struct known {
    bool exists;
    int64_t paid, refunded, refunds, orders, days, movements;
    int32_t first, second, last; /* ever, ever, looked at */
};

static bool in_channel(const struct engine_selection *s, int64_t channel_id)
{
    static const char *const names[] = {NULL, "shop", "live", "store", "other"};
    if (!s->by_channel)
        return true;
    return s->channel.p ? channel_id != 0 && str_eq(str_c(names[channel_id]), s->channel)
                        : channel_id == 0;
}

static bool looked_at(const struct engine_selection *s, int32_t day)
{
    return day >= s->scope.from_day && day <= s->scope.to_day;
}

static void know_day(const struct engine_selection *s, int c, int32_t day, struct known *k)
{
    bool any = false, in = false;
    for (int i = 0; i < world.orders; i++) {
        const struct fact_order *o = &world.order[i];
        bool whole = o->is.refunded_whole_day != DAY_NONE &&
                     o->is.refunded_whole_day < s->scope.as_of_day;
        if (o->customer != c || o->is.paid_day != day || whole)
            continue;
        any = true;
        if (in_channel(s, o->is.channel_id) && looked_at(s, day)) {
            in = true;
            k->orders++;
        }
    }
    if (!any)
        return;
    if (k->first == DAY_NONE)
        k->first = day;
    else if (k->second == DAY_NONE)
        k->second = day;
    k->days += in;
    k->last = in ? day : k->last;
}

static struct known know(const struct engine_selection *s, int c)
{
    struct known k = {.exists = true, .first = DAY_NONE, .second = DAY_NONE, .last = DAY_NONE};
    for (int32_t day = BASE_DAY; day < s->scope.as_of_day && day < BASE_DAY + world.days; day++)
        know_day(s, c, day, &k);
    for (int i = 0; i < world.orders; i++) {
        const struct fact_order *o = &world.order[i];
        if (o->customer == c && looked_at(s, o->is.paid_day) && in_channel(s, o->is.channel_id)) {
            k.paid += o->is.amount_minor;
            k.movements++;
        }
    }
    for (int i = 0; i < world.refunds; i++) {
        const struct fact_refund *r = &world.refund[i];
        if (r->customer == c && looked_at(s, r->is.refunded_day) &&
            in_channel(s, r->is.channel_id)) {
            k.refunded += r->is.amount_minor;
            k.refunds++;
            k.movements++;
        }
    }
    return k;
}

static bool within(struct select_range range, int64_t value)
{
    return value >= range.min && value <= range.max;
}
static bool asked(struct select_range range)
{
    return range.min != INT64_MIN || range.max != INT64_MAX;
}
static bool listed(const int64_t *ids, size_t count, int64_t id)
{
    for (size_t i = 0; i < count; i++)
        if (ids[i] == id)
            return true;
    return false;
}

static bool who_fits(const struct engine_selection *s, int c)
{
    for (size_t i = 0; i < s->tag_count; i++) {
        int64_t t = s->tag_ids[i] - 1;
        if (t >= TAGS || !world.has_tag[c][t] ||
            (world.tag_until[c][t] != DAY_NONE && world.tag_until[c][t] < s->today))
            return false;
    }
    if (s->by_keeper && !listed(s->keeper_ids, s->keeper_count, world.keepers[c]))
        return false;
    if (s->by_reach && !listed(s->reach_ids, s->reach_count, world.keepers[c]))
        return false;
    return !s->by_id || listed(s->customer_ids, s->customer_count, world.ids[c]);
}

static bool fits(const struct engine_selection *s, int c, const struct known *k)
{
    int64_t amount = k->paid - (s->scope.net ? k->refunded : 0);
    bool back = k->second != DAY_NONE && k->second <= s->scope.to_day;
    bool has_first = k->first != DAY_NONE, has_last = k->last != DAY_NONE;
    if (!who_fits(s, c))
        return false;
    if (!within(s->days, k->days) || !within(s->orders, k->orders) ||
        !within(s->amount, amount) || !within(s->refunds, k->refunds) ||
        !within(s->movements, k->movements))
        return false;
    if (asked(s->first_day) && (!has_first || !within(s->first_day, k->first)))
        return false;
    if (asked(s->last_day) && (!has_last || !within(s->last_day, k->last)))
        return false;
    if (asked(s->days_since) && (!has_last || !within(s->days_since, s->scope.as_of_day - k->last)))
        return false;
    if (asked(s->back_after) && (!back || !within(s->back_after, k->second - k->first)))
        return false;
    if (s->not_back_within >= 0 && back && k->second - k->first <= s->not_back_within)
        return false;
    if (s->known_for >= 0 && (!has_first || k->first + s->known_for > s->scope.to_day))
        return false;
    return !s->is_new || (has_first && looked_at(s, k->first));
}

/* --- Random selections --- */

static struct select_range random_range(int64_t low, int64_t high)
{
    struct select_range range = SELECT_ANY;
    int64_t a = low + random_below(high - low + 1), b = low + random_below(high - low + 1);
    if (random_below(3) > 0)
        range.min = a < b ? a : b;
    if (random_below(3) > 0)
        range.max = a < b ? b : a;
    return range;
}

static const int64_t some_tags[] = {1, 2, 3, 77};
static const int64_t some_keepers[] = {0, 1, 2, 3};
static int64_t some_ids[CUSTOMERS_MAX];

static void choose_who(struct engine_selection *s)
{
    s->today = (int32_t)random_below(20);
    if (random_below(4) == 0) {
        s->tag_ids = some_tags + random_below(4);
        s->tag_count = s->tag_ids == some_tags && random_below(2) ? 2 : 1;
    }
    if (random_below(6) == 0) {
        s->by_keeper = true;
        s->keeper_ids = some_keepers + random_below(3);
        s->keeper_count = 1 + (size_t)random_below(2);
    }
    if (random_below(6) == 0) {
        s->by_reach = true;
        s->reach_ids = some_keepers + 1;
        s->reach_count = 1 + (size_t)random_below(3);
    }
    if (random_below(8) == 0) {
        s->by_id = true;
        s->customer_ids = some_ids;
        s->customer_count = (size_t)random_below(world.customers + 1);
        for (size_t i = 0; i < s->customer_count; i++)
            some_ids[i] = random_below(5) ? world.ids[random_below(world.customers)] : 1;
    }
}

static struct engine_selection random_selection(void)
{
    static const char *const channels[] = {"shop", "live", "store", "nowhere"};
    struct report_scope scope = random_scope();
    struct engine_selection s = engine_selection_all(&scope);
    int32_t end = BASE_DAY + world.days;
    choose_who(&s);
    if (random_below(5) == 0) {
        s.by_channel = true;
        s.channel = random_below(4) ? str_c(channels[random_below(4)]) : STR_NONE;
    }
    if (random_below(4) == 0)
        s.days = random_range(0, 5);
    if (random_below(6) == 0)
        s.orders = random_range(0, 6);
    if (random_below(6) == 0)
        s.amount = random_range(-3000, 20000);
    if (random_below(8) == 0)
        s.refunds = random_range(0, 2);
    if (random_below(8) == 0)
        s.movements = random_range(0, 3);
    if (random_below(6) == 0)
        s.first_day = random_range(BASE_DAY, end);
    if (random_below(6) == 0)
        s.last_day = random_range(BASE_DAY, end);
    if (random_below(6) == 0)
        s.days_since = random_range(0, world.days);
    if (random_below(7) == 0)
        s.back_after = random_range(1, 60);
    if (random_below(7) == 0)
        s.not_back_within = random_below(60);
    if (random_below(7) == 0)
        s.known_for = random_below(world.days);
    s.is_new = random_below(7) == 0;
    return s;
}

struct expected {
    int64_t id, key; /* ascending by key, then id */
};

static int compare_expected(const void *left, const void *right)
{
    const struct expected *a = left, *b = right;
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return (a->id > b->id) - (a->id < b->id);
}

static int64_t key_of(const struct engine_selection *s, const struct select_page *page,
                      const struct known *k)
{
    int64_t value = k->days;
    if (page->sort == SELECT_BY_LAST || page->sort == SELECT_BY_FIRST) {
        int32_t day = page->sort == SELECT_BY_LAST ? k->last : k->first;
        if (day == DAY_NONE)
            return INT64_MAX; /* last in either direction */
        value = day;
    }
    if (page->sort == SELECT_BY_AMOUNT)
        value = k->paid - (s->scope.net ? k->refunded : 0);
    if (page->sort == SELECT_BY_ORDERS)
        value = k->orders;
    return page->descending ? -value : value;
}

static void hold_selection(struct arena *arena, const struct engine *engine)
{
    static struct expected expected[CUSTOMERS_MAX];
    struct engine_selection s = random_selection();
    struct select_page page = {.sort = (enum select_sort)random_below(5),
                               .descending = random_below(2),
                               .limit = 1 + (size_t)random_below(random_below(2) ? 7 : 400)};
    struct engine_selected is;
    size_t count = 0, at = 0;
    int64_t paid = 0, refunded = 0, orders = 0;
    for (int c = 0; c < world.customers; c++) {
        struct known k = know(&s, c);
        if (!fits(&s, c, &k))
            continue;
        expected[count++] = (struct expected){world.ids[c], key_of(&s, &page, &k)};
        paid += k.paid;
        refunded += k.refunded;
        orders += k.orders;
    }
    qsort(expected, count, sizeof(*expected), compare_expected);
    do {
        assert_null(engine_select(arena, engine, &s, &page, &is));
        assert_int_equal(is.customers, count);
        assert_int_equal(is.paid_minor, paid);
        assert_int_equal(is.refunded_minor, refunded);
        assert_int_equal(is.orders, orders);
        for (size_t i = 0; i < is.row_count; i++, at++)
            assert_int_equal(is.rows[i].customer_id, expected[at].id);
        assert_int_equal(is.more, at < count);
        if (is.row_count == 0)
            break;
        page.has_after = true;
        page.after_place = is.rows[is.row_count - 1].place;
        page.after_id = is.rows[is.row_count - 1].customer_id;
    } while (is.more);
    assert_int_equal(at, count);
}

static void test_selections(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        struct arena *arena = arena_new("test", (size_t)1 << 30);
        make_world(seed);
        struct engine *engine = make_engine(arena);
        for (int i = 0; i < SELECTIONS; i++)
            hold_selection(arena, engine);
        engine_free(engine);
        arena_free(arena);
    }
}

/* --- Periods --- */

static void hold_periods(struct arena *arena, const struct engine *engine)
{
    enum { COUNT = 5 };
    int days = 1 + (int)random_below(40), within_days = (int)random_below(100);
    int32_t as_of = BASE_DAY + 1 + (int32_t)random_below(world.days + 10);
    struct engine_period periods[COUNT];
    assert_null(engine_periods(arena, engine, as_of, days, within_days, periods, COUNT));
    for (int p = 0; p < COUNT; p++) {
        struct report_scope scope = {.as_of_day = as_of, .net = true};
        scope.to_day = as_of - 1 - p * days;
        scope.from_day = scope.to_day - days + 1;
        struct engine_selection s = engine_selection_all(&scope);
        struct engine_period want = {.from_day = scope.from_day, .to_day = scope.to_day};
        for (int c = 0; c < world.customers; c++) {
            struct known k = know(&s, c);
            bool due = k.first != DAY_NONE && looked_at(&s, k.first + within_days);
            want.customers += k.days > 0;
            want.new_customers += k.first != DAY_NONE && looked_at(&s, k.first);
            want.orders += k.orders;
            want.paid_minor += k.paid;
            want.refunded_minor += k.refunded;
            want.due += due;
            want.came_back += due && k.second != DAY_NONE && k.second - k.first <= within_days;
        }
        assert_memory_equal(&periods[p], &want, sizeof(want));
    }
}

static void test_periods(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct arena *arena = arena_new("test", (size_t)1 << 30);
        make_world(seed);
        struct engine *engine = make_engine(arena);
        for (int i = 0; i < 5; i++)
            hold_periods(arena, engine);
        engine_free(engine);
        arena_free(arena);
    }
}

/* Each link names a section and columns that there are; each of a figure's parameters is one of /customers' own (apply). */
static void test_links_are_declared(void **state)
{
    (void)state;
    for (int i = 0; i < metric_link_count; i++) {
        const struct metric_link *link = &metric_links[i];
        const struct metric *metric = metric_by_name(str_c(link->metric));
        const struct metric_section *section = NULL;
        assert_non_null(metric);
        for (int s = 0; s < metric->section_count; s++)
            if (strcmp(metric->sections[s].name, link->section) == 0)
                section = &metric->sections[s];
        assert_non_null(section);
        assert_true(layout_column(section, link->column) >= 0);
        assert_non_null(link->params[0].name);
        for (int p = 0; p < LINK_PARAMS_MAX && link->params[p].name; p++)
            assert_true(link->params[p].value ||
                        layout_column(section, link->params[p].column) >= 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_links_are_declared), cmocka_unit_test(test_figures),
        cmocka_unit_test(test_overdue_by_name),    cmocka_unit_test(test_selections),
        cmocka_unit_test(test_periods),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
