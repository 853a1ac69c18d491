/* link: job_demo */
/* The made-up people of the demo brand, and the packed orders that it is made of. What the orders say is known from
 * test/data/online_retail/reference (DuckDB); that they are the CSV's, cell by cell, script/demo-orders --check says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "job/demo/demo_life.h"

#define CUSTOMERS 4372 /* reference/integrity.tsv */

static int setup(void **state)
{
    *state = arena_new("test", (size_t)1 << 30);
    return 0;
}

static int teardown(void **state)
{
    arena_free(*state);
    return 0;
}

/* Ofcom, "Telephone numbers for use in TV and radio drama programmes", as international numbers. */
static bool is_for_drama(struct str phone)
{
    static const char *const before[] = {"+447700900", "+441134960", "+441144960", "+441154960",
                                         "+441164960", "+441174960", "+441184960", "+441214960",
                                         "+441314960", "+441414960", "+441514960", "+441614960"};
    for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++)
        if (phone.n == 13 && str_starts(phone, str_c(before[i])))
            return true;
    return false;
}

static int by_text(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static void phones_are_nobodys_and_differ(void **state)
{
    struct str phones[CUSTOMERS];
    for (int64_t seed = 1; seed <= 3; seed++) {
        for (uint32_t i = 0; i < CUSTOMERS; i++) {
            struct demo_person person = demo_person(*state, seed, i);
            phones[i] = person.phone;
            assert_true(is_for_drama(person.phone));
            assert_true(!person.email.p || str_ends(person.email, STR("@example.com")));
        }
        qsort(phones, CUSTOMERS, sizeof(phones[0]), by_text);
        for (int i = 1; i < CUSTOMERS; i++)
            assert_false(str_eq(phones[i - 1], phones[i]));
    }
}

static void names_are_of_both_kinds(void **state)
{
    int latin = 0, emails = 0, other_seed = 0;
    for (uint32_t i = 0; i < CUSTOMERS; i++) {
        struct demo_person person = demo_person(*state, 1, i);
        assert_true(str_is_utf8(person.name));
        latin += (person.name.p[0] & 0x80) == 0;
        emails += person.email.p != NULL;
        other_seed += !str_eq(person.name, demo_person(*state, 2, i).name);
    }
    /* Half and two fifths; a fair draw is within 4 standard deviations (32) but once in 15,000 times. */
    assert_in_range(latin, CUSTOMERS / 2 - 132, CUSTOMERS / 2 + 132);
    assert_in_range(emails, CUSTOMERS * 2 / 5 - 130, CUSTOMERS * 2 / 5 + 130);
    assert_true(other_seed > CUSTOMERS * 9 / 10);
}

static void a_seed_makes_the_same_people(void **state)
{
    for (uint32_t i = 0; i < 100; i++) {
        struct demo_person a = demo_person(*state, 7, i), b = demo_person(*state, 7, i);
        assert_true(str_eq(a.name, b.name) && str_eq(a.phone, b.phone) && str_eq(a.email, b.email));
    }
}

/* 541,909 rows of 25,900 invoices, 4,372 customers, 38 countries, the last order on 2011-12-09 (integrity.tsv, totals.tsv). */
static void the_packed_orders_are_whole(void **state)
{
    struct demo_data *data;
    assert_null(demo_data_open(*state, &data));
    assert_int_equal(data->row_count, 541909);
    assert_int_equal(data->customer_count, CUSTOMERS);
    assert_int_equal(data->country_count, 38);
    assert_int_equal(data->last_day, day_of_civil(2011, 12, 9));
    int64_t units = 0;
    for (uint32_t i = 0; i < data->row_count; i++)
        units += data->rows[i].quantity;
    assert_int_equal(units, 5176450);
    /* The first row: 536365,85123A,WHITE HANGING HEART T-LIGHT HOLDER,6,2010-12-01 08:26:00,2.55,17850,United Kingdom */
    const struct demo_run *run = &data->runs[0];
    const struct demo_row *row = &data->rows[0];
    assert_true(str_eq(demo_run_number(*state, run), STR("536365")));
    assert_int_equal(demo_run_day(run), day_of_civil(2010, 12, 1));
    assert_int_equal(run->minute % 1440, 8 * 60 + 26);
    assert_true(str_eq(data->customers[run->customer].number, STR("17850")));
    assert_true(str_eq(data->countries[run->country], STR("United Kingdom")));
    assert_true(str_eq(data->product_codes[row->product], STR("85123A")));
    assert_true(str_eq(data->product_names[row->product], STR("WHITE HANGING HEART T-LIGHT HOLDER")));
    assert_true(str_eq(data->prices[row->price], STR("2.55")));
    assert_int_equal(row->quantity, 6);
}

static void damaged_orders_are_refused(void **state)
{
    struct demo_data *data;
    static const char *const damaged[] = {
        "", "HTDEMO1", "HTDEMO1\n", "HTDEMO2\n\1", "HTDEMO1\n\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        "HTDEMO1\n\1\3AB", "HTDEMO1\n\1\2AB\2CD\1\2.5\1\1\1", "HTDEMO1\n\x7f"};
    for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
        const struct err *err = demo_data_read(*state, str_c(damaged[i]), &data);
        assert_non_null(err);
        assert_int_equal(err->code, ERR_DEMO_DATA);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(phones_are_nobodys_and_differ), cmocka_unit_test(names_are_of_both_kinds),
        cmocka_unit_test(a_seed_makes_the_same_people),  cmocka_unit_test(the_packed_orders_are_whole),
        cmocka_unit_test(damaged_orders_are_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
