/* link: room_insight test_support */
/* Room insight on both databases: every declared section has its statement, the days a report looks
 * at, a few twins read into cells, and the notes. Expected values are worked out by hand from the
 * orders below; what the twins compute is held against an oracle by test/reference/twins_oracle.py.
 *
 *   buyer A: 2010-12-05 10.00, 2011-01-10 20.00        buyer B: 2011-01-12 7.00, given back whole
 * on 2011-03-01 nobody known: 2011-02-01 1,234.50 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/arena.h"
#include "base/limits.h"
#include "room/insight/insight.h"
#include "support/test_store.h"

#define NONE DAY_NONE

static int64_t noon(int year, int month, int day)
{
    return day_of_civil(year, month, day) * US_PER_DAY + US_PER_DAY / 2;
}

static struct order_fact order_of(struct customer_buyer *buyer, const char *number, int64_t time_us,
                                  int64_t amount_minor)
{
    return (struct order_fact){
        .source = STR("shop"),
        .number = str_c(number),
        .state = ORDER_PAID,
        .occurred_at_us = time_us,
        .paid_at_us = time_us,
        .amount_minor = amount_minor,
        .exported_at_us = noon(2012, 1, 1),
        .buyer = buyer,
    };
}

static struct customer_buyer buyer_of(const char *id)
{
    return (struct customer_buyer){
        .identities = {{.kind = IDENTITY_BUYER_ID, .issuer = STR("shop"), .value = str_c(id)}},
        .identity_count = 1,
        .met_at_us = noon(2010, 1, 1),
    };
}

static const struct err *apply(struct tx *tx, void *arg)
{
    return order_batch_apply(tx, arg);
}

static struct brand *open_brand(struct test_store *test)
{
    struct brand *brand;
    assert_null(setup_create(test->store, test->arena, STR("Test"), STR("CNY"), STR("UTC")));
    assert_null(setup_load(test->store, test->arena, &brand));
    return brand;
}

static void write_orders(struct test_store *test, const struct brand *brand)
{
    struct customer_buyer a = buyer_of("A"), b = buyer_of("B"),
                          nobody = {.met_at_us = noon(2011, 2, 1)};
    struct order_fact orders[] = {
        order_of(&a, "1", noon(2010, 12, 5), 1000),
        order_of(&a, "2", noon(2011, 1, 10), 2000),
        order_of(&b, "3", noon(2011, 1, 12), 700),
        order_of(&nobody, "4", noon(2011, 2, 1), 123450),
    };
    struct refund_fact refunds[] = {{.source = STR("shop"),
                                     .number = STR("R3"),
                                     .order_number = STR("3"),
                                     .refunded_at_us = noon(2011, 3, 1),
                                     .amount_minor = 700,
                                     .exported_at_us = noon(2012, 1, 1),
                                     .buyer = &b}};
    struct order_batch batch = {
        .brand = brand, .orders = orders, .order_count = 4, .refunds = refunds, .refund_count = 1};
    test_write(test, apply, &batch);
}

/* --- A report in one call --- */

struct ask {
    struct arena *arena;
    const struct brand *brand;
    struct insight_request request;
    const struct metric *metric; /* out, as what follows */
    struct report_scope scope;
    struct report *report;
    struct str *notes[LANG_MAX];
    size_t note_count;
    enum err_code refused;
    struct str refused_arg[2];
};

static const struct err *answer(struct tx *tx, void *arg)
{
    struct ask *ask = arg;
    int32_t first_day;
    const struct err *err =
        insight_scope(tx, ask->brand, &ask->request, &ask->metric, &ask->scope, &first_day);
    if (err) {
        ask->refused = err->code;
        ask->refused_arg[0] = str_copy(ask->arena, err->arg[0]);
        ask->refused_arg[1] = str_copy(ask->arena, err->arg[1]);
        return NULL;
    }
    TRY(insight_report_sql(tx, ask->arena, ask->metric, &ask->scope, &ask->report));
    struct left_out left_out;
    TRY(order_left_out(tx, &left_out));
    for (int lang = 0; lang < LANG_MAX; lang++)
        insight_notes(ask->arena, ask->brand, ask->report, left_out, first_day, (enum lang)lang,
                      &ask->notes[lang], &ask->note_count);
    return NULL;
}

static struct ask ask_for(struct test_store *test, const struct brand *brand, const char *name,
                          int32_t as_of, int32_t from, int32_t to)
{
    struct ask ask = {
        .arena = test->arena,
        .brand = brand,
        .request = {.metric_name = str_c(name), .as_of_day = as_of, .from_day = from, .to_day = to},
    };
    test_read(test, answer, &ask);
    return ask;
}

static struct report *report_for(struct test_store *test, const struct brand *brand,
                                 const char *name, int32_t as_of)
{
    struct ask ask = ask_for(test, brand, name, as_of, NONE, NONE);
    assert_int_equal(ask.refused, ERR_NONE);
    return ask.report;
}

/* Rows of whole numbers; -1 stands for null, reals are looked at in ten-thousandths. */
static void assert_rows(const struct report *report, int section, const int64_t *expected,
                        size_t rows)
{
    const struct report_section *s = &report->sections[section];
    assert_int_equal(s->row_count, rows);
    for (size_t i = 0; i < rows * (size_t)s->is->column_count; i++) {
        enum cell_kind kind = s->is->columns[i % (size_t)s->is->column_count].kind;
        bool real = kind == CELL_RATIO || kind == CELL_NUMBER || kind == CELL_MEAN_AMOUNT;
        int64_t value = real ? (int64_t)(s->cells[i].f * 10000 + 0.5) : s->cells[i].i;
        assert_int_equal(s->cells[i].null ? -1 : value, expected[i]);
    }
}

/* --- The tests --- */

static void test_every_section_has_its_statement(void **state)
{
    (void)state;
    struct arena *arena = arena_new("insight_test", 1 << 20);
    struct str fault = insight_check(arena);
    if (fault.p)
        fail_msg("%s", str_z(arena, fault));
    arena_free(arena);
}

static void check_names(enum store_kind kind)
{
    struct test_store *test = test_store_open(kind);
    struct brand *brand = open_brand(test);
    static const char *const typos[][2] = {
        {"repurchse", "repurchase"},          {"cohort", "cohorts"}, {"mounthly", "monthly"},
        {"cohort_revenue", "cohort-revenue"}, {"rmf", "rfm"},
    };
    for (size_t i = 0; i < sizeof(typos) / sizeof(typos[0]); i++) {
        struct ask ask = ask_for(test, brand, typos[i][0], NONE, NONE, NONE);
        assert_int_equal(ask.refused, ERR_REPORT_UNKNOWN);
        assert_true(str_eq(ask.refused_arg[0], str_c(typos[i][0])));
        assert_true(str_eq(ask.refused_arg[1], str_c(typos[i][1])));
    }
    char *endless = arena_alloc(test->arena, 5001);
    memset(endless, 'x', 5000);
    assert_int_equal(ask_for(test, brand, endless, NONE, NONE, NONE).refused, ERR_REPORT_UNKNOWN);
    assert_int_equal(ask_for(test, brand, "", NONE, NONE, NONE).refused, ERR_REPORT_UNKNOWN);
    assert_int_equal(ask_for(test, brand, "totals", NONE, NONE, NONE).refused, ERR_REPORT_EMPTY);
    test_store_close(test);
}

static void assert_days(struct ask ask, int32_t as_of, int32_t from, int32_t to)
{
    assert_int_equal(ask.refused, ERR_NONE);
    assert_int_equal(ask.scope.as_of_day, as_of);
    assert_int_equal(ask.scope.from_day, from);
    assert_int_equal(ask.scope.to_day, to);
    assert_int_equal(ask.scope.currency_digits, 2);
}

static void check_days(enum store_kind kind)
{
    struct test_store *test = test_store_open(kind);
    struct brand *brand = open_brand(test);
    write_orders(test, brand);
    const char *const name = "repurchase";
    int32_t first = day_of_civil(2010, 12, 5), last = day_of_civil(2011, 1, 10);
    assert_days(ask_for(test, brand, name, NONE, NONE, NONE), last + 1, first, last);
    assert_days(ask_for(test, brand, name, last + 30, NONE, NONE), last + 30, first, last + 29);
    assert_days(ask_for(test, brand, name, last, NONE, NONE), last, first, last - 1);
    assert_days(ask_for(test, brand, name, NONE, first + 1, first + 3), last + 1, first + 1,
                first + 3);
    assert_days(ask_for(test, brand, name, NONE, NONE, last + 100), last + 1, first, last);
    assert_int_equal(ask_for(test, brand, name, first, NONE, NONE).refused,
                     ERR_REPORT_EMPTY_BEFORE);
    assert_int_equal(ask_for(test, brand, name, NONE, first + 2, first + 1).refused,
                     ERR_REPORT_DAYS);
    assert_int_equal(ask_for(test, brand, name, NONE, last + 1, NONE).refused, ERR_REPORT_DAYS);
    assert_int_equal(ask_for(test, brand, name, LIMIT_DAY_MAX + 2, NONE, NONE).refused,
                     ERR_REPORT_DAY_RANGE);
    assert_int_equal(ask_for(test, brand, name, NONE, LIMIT_DAY_MIN - 1, NONE).refused,
                     ERR_REPORT_DAY_RANGE);
    test_store_close(test);
}

static void check_reports(enum store_kind kind)
{
    struct test_store *test = test_store_open(kind);
    struct brand *brand = open_brand(test);
    write_orders(test, brand);
    int32_t february = day_of_civil(2011, 2, 15), april = day_of_civil(2011, 4, 1);
    int64_t december = 2010 * 12 + 11;
    /* In February B's order still counts: 2 customers, A came back; by April it does not. */
    const int64_t as_of_february[] = {2, 1, 5000, 1, 5000, 0, 0, 15000, 2, 2};
    const int64_t as_of_april[] = {1, 1, 10000, 1, 10000, 0, 0, 20000, 2, 2};
    assert_rows(report_for(test, brand, "repurchase", february), 0, as_of_february, 1);
    assert_rows(report_for(test, brand, "repurchase", april), 0, as_of_april, 1);
    const int64_t monthly[] = {
        december,     1, 1000, 1, 1, 0, 0, 0,    /* A is new */
        december + 1, 1, 2700, 1, 0, 1, 0, 0,    /* A is back; B counts for the amount only */
        december + 3, 0, 0,    0, 0, 0, 1, 700}; /* B's refund */
    assert_rows(report_for(test, brand, "monthly", april), 0, monthly, 3);
    const int64_t cohorts[] = {december, 0, 1, 1, 10000, december, 1, 1, 1, 10000};
    assert_rows(report_for(test, brand, "cohorts", april), 0, cohorts, 2);
    struct report *channels = report_for(test, brand, "by-channel", april);
    assert_int_equal(channels->sections[0].row_count, 1);
    assert_true(channels->sections[0].cells[0].null); /* none named */
    assert_int_equal(channels->sections[0].cells[3].i, 3700);
    test_store_close(test);
}

static void check_all_run(enum store_kind kind)
{
    struct test_store *test = test_store_open(kind);
    struct brand *brand = open_brand(test);
    write_orders(test, brand);
    for (int i = 0; i < metric_count; i++) {
        struct report *report = report_for(test, brand, metric_all[i]->name, NONE);
        for (int s = 0; s < metric_all[i]->section_count; s++)
            assert_ptr_equal(report->sections[s].is, &metric_all[i]->sections[s]);
    }
    test_store_close(test);
}

static void check_calendar(enum store_kind kind)
{
    struct test_store *test = test_store_open(kind);
    struct brand *brand = open_brand(test);
    struct customer_buyer a = buyer_of("A");
    struct order_fact orders[] = {order_of(&a, "1", noon(1990, 1, 1), 100),
                                  order_of(&a, "2", noon(2099, 12, 31), 200)};
    struct order_batch batch = {.brand = brand, .orders = orders, .order_count = 2};
    test_write(test, apply, &batch);
    const int64_t monthly[] = {1990 * 12,      1, 100, 1, 1, 0, 0, 0,
                               2099 * 12 + 11, 1, 200, 1, 0, 1, 0, 0};
    assert_rows(report_for(test, brand, "monthly", NONE), 0, monthly, 2);
    test_store_close(test);
}

static void check_notes(enum store_kind kind)
{
    struct test_store *test = test_store_open(kind);
    struct brand *brand = open_brand(test);
    write_orders(test, brand);
    struct ask ask = ask_for(test, brand, "cohorts", NONE, NONE, NONE);
    assert_int_equal(ask.note_count, 2);
    assert_string_equal(str_z(test->arena, ask.notes[LANG_EN][0]),
                        "Orders without a known buyer are left out: 1, with CNY 1,234.50 paid.");
    assert_string_equal(str_z(test->arena, ask.notes[LANG_EN][1]),
                        "In 2010-12, the first month of the data, older customers look new.");
    assert_string_equal(str_z(test->arena, ask.notes[LANG_ZH][0]),
                        "没有已知买家的订单未计入：1 单，实付 CNY 1,234.50。");
    assert_string_equal(str_z(test->arena, ask.notes[LANG_ZH][1]),
                        "2010-12 是数据的第一个月，更早的老客在其中看起来像新客。");
    assert_int_equal(ask_for(test, brand, "totals", NONE, NONE, NONE).note_count, 1);
    int32_t january =
        day_of_civil(2011, 1, 1); /* the first month is not looked at, but a cohort stays */
    assert_int_equal(ask_for(test, brand, "monthly", NONE, NONE, NONE).note_count, 2);
    assert_int_equal(ask_for(test, brand, "monthly", NONE, january, NONE).note_count, 1);
    assert_int_equal(ask_for(test, brand, "cohorts", NONE, january, NONE).note_count, 2);
    test_store_close(test);
}

static void on_both(void (*check)(enum store_kind))
{
    check(STORE_SQLITE);
    check(STORE_POSTGRES);
}

#define BOTH(name)                                                                                 \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        (void)state;                                                                               \
        on_both(check_##name);                                                                     \
    }
BOTH(names)
BOTH(days)
BOTH(reports)
BOTH(all_run)
BOTH(calendar)
BOTH(notes)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_section_has_its_statement),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_days),
        cmocka_unit_test(test_reports),
        cmocka_unit_test(test_all_run),
        cmocka_unit_test(test_calendar),
        cmocka_unit_test(test_notes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
