/* link: room_setup test_support */
/* The brand on both databases: created once, refused with all errors at once, read back, node
 * numbers. Digits of currencies are those of ISO 4217 (CNY 2, JPY 0, KWD 3). The calendar's ends
 * are looked at by insight_test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/arena.h"
#include "room/setup/setup.h"
#include "support/test_store.h"

static const struct err *create(struct test_store *test, const char *name, const char *currency,
                                const char *zone)
{
    return setup_create(test->store, test->arena, str_c(name), str_c(currency), str_c(zone));
}

static void assert_created(struct test_store *test, const char *name, const char *currency)
{
    assert_null(create(test, name, currency, "Asia/Shanghai"));
}

static void assert_codes(const struct err *err, const enum err_code *codes, size_t count)
{
    size_t n = 0;
    for (; err; err = err->next) {
        assert_true(n < count);
        assert_int_equal(err->code, codes[n++]);
    }
    assert_int_equal(n, count);
}

static void check_round_trip(enum store_kind kind, const char *currency, int digits)
{
    struct test_store *test = test_store_open(kind);
    struct brand *brand;
    assert_int_equal(setup_load(test->store, test->arena, &brand)->code, ERR_SETUP_MISSING);
    assert_created(test, "回头 & Söhne", currency);
    assert_null(setup_load(test->store, test->arena, &brand));
    assert_true(str_eq(brand->name, STR("回头 & Söhne")));
    assert_true(str_eq(brand->currency, str_c(currency)));
    assert_int_equal(brand->currency_digits, digits);
    assert_true(str_eq(brand->time_zone, STR("Asia/Shanghai")));
    assert_true(str_eq(zone_name(brand->zone), STR("Asia/Shanghai")));
    assert_true(brand->created_at_us == test->now_us);
    test_store_close(test);
}

static void check_refusals(enum store_kind kind)
{
    struct test_store *test = test_store_open(kind);
    const enum err_code all[] = {ERR_SETUP_NAME, ERR_SETUP_CURRENCY, ERR_ZONE_UNKNOWN};
    assert_codes(create(test, "", "RMB", "Mars/Olympus"), all, 3);
    assert_codes(create(test, "tab\there", "CNY", "UTC"), all, 1);
    assert_codes(create(test, "\xff", "CNY", "UTC"), all, 1);
    char *long_name = arena_alloc(test->arena, 402);
    memset(long_name, 'a', 401);
    assert_codes(create(test, long_name, "CNY", "UTC"), all, 1);
    const char *const wrong_currencies[] = {"", "cny", "CN", "CNYX", "C1Y", "QQQ"};
    for (size_t i = 0; i < sizeof(wrong_currencies) / sizeof(wrong_currencies[0]); i++)
        assert_codes(create(test, "b", wrong_currencies[i], "UTC"), all + 1, 1);
    struct brand *brand; /* nothing was written by any of them */
    assert_int_equal(setup_load(test->store, test->arena, &brand)->code, ERR_SETUP_MISSING);
    test_store_close(test);
}

static void check_exists(enum store_kind kind)
{
    struct test_store *test = test_store_open(kind);
    assert_created(test, "first", "EUR");
    const struct err *err = create(test, "second", "CNY", "UTC");
    const enum err_code exists[] = {ERR_SETUP_EXISTS},
                        both[] = {ERR_SETUP_CURRENCY, ERR_SETUP_EXISTS};
    assert_codes(err, exists, 1);
    assert_true(str_eq(err->arg[0], STR("first")));
    assert_codes(create(test, "second", "?", "UTC"), both, 2);
    struct brand *brand;
    assert_null(setup_load(test->store, test->arena, &brand));
    assert_true(str_eq(brand->name, STR("first")));
    assert_true(str_eq(brand->currency, STR("EUR")));
    test_store_close(test);
}

static void check_nodes(enum store_kind kind)
{
    struct test_store *test = test_store_open(kind);
    int node = -7;
    assert_int_equal(setup_take_node(test->store, test->arena, &node)->code, ERR_SETUP_MISSING);
    assert_created(test, "b", "CNY");
    for (int expected = 0; expected <= ID_NODE_MAX; expected++) {
        assert_null(setup_take_node(test->store, test->arena, &node));
        assert_int_equal(node, expected);
    }
    assert_int_equal(setup_take_node(test->store, test->arena, &node)->code, ERR_SETUP_NODES);
    test_store_close(test);
}

static void on_both(void (*check)(enum store_kind))
{
    check(STORE_SQLITE);
    check(STORE_POSTGRES);
}

static void test_round_trip(void **state)
{
    (void)state;
    check_round_trip(STORE_SQLITE, "CNY", 2);
    check_round_trip(STORE_POSTGRES, "JPY", 0);
    check_round_trip(STORE_SQLITE, "KWD", 3);
}

static void test_refusals(void **state)
{
    (void)state;
    on_both(check_refusals);
}

static void test_exists(void **state)
{
    (void)state;
    on_both(check_exists);
}

static void test_nodes(void **state)
{
    (void)state;
    on_both(check_nodes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_exists),
        cmocka_unit_test(test_nodes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
