/* link: base */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "base/limits.h"
#include "support/splitmix.h"

/* The patterns are in a table. */
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

static struct arena *arena;

static int setup(void **state)
{
    (void)state;
    arena = arena_new("test", (size_t)16 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static void assert_str(struct str s, const char *expected)
{
    assert_string_equal(str_z(arena, s), expected);
}

/* Every day from 1900 to 2200 against glibc's gmtime_r. */
static void test_days_against_gmtime(void **state)
{
    (void)state;
    for (int32_t day = -25567; day <= 84371; day++) {
        time_t time_s = (time_t)day * 86400;
        struct tm tm;
        assert_non_null(gmtime_r(&time_s, &tm));
        int year, month, day_of_month;
        day_to_civil(day, &year, &month, &day_of_month);
        assert_int_equal(year, tm.tm_year + 1900);
        assert_int_equal(month, tm.tm_mon + 1);
        assert_int_equal(day_of_month, tm.tm_mday);
        assert_int_equal(day_of_civil(year, month, day_of_month), day);
        assert_int_equal(month_of_day(day), (tm.tm_year + 1900) * 12 + tm.tm_mon);
        assert_int_equal(month_first_day(month_of_day(day)), day - tm.tm_mday + 1);
        char text[32];
        strftime(text, sizeof text, "%Y-%m-%d", &tm);
        struct arena_mark mark = arena_mark(arena);
        assert_str(day_text(arena, day), text);
        int32_t again;
        assert_true(day_parse(str_c(text), &again));
        assert_int_equal(again, day);
        text[7] = '\0';
        assert_str(month_text(arena, month_of_day(day)), text);
        arena_rewind(arena, mark);
    }
}

static void test_limits_are_these_days(void **state)
{
    (void)state;
    assert_int_equal(day_of_civil(1990, 1, 1), LIMIT_DAY_MIN);
    assert_int_equal(day_of_civil(2099, 12, 31), LIMIT_DAY_MAX);
}

/* Random times in several patterns, written by glibc's strftime. */
static void test_parse_against_strftime(void **state)
{
    (void)state;
    static const char *const patterns[] = {
        "%Y-%m-%d %H:%M:%S",         "%Y%m%d%H%M%S",      "%d/%m/%Y %H.%M.%S",
        "%Y年%m月%d日 %H时%M分%S秒", "%H:%M:%S %m/%d/%Y", "%S%M%H%d%m%Y",
        "100%% %Y-%m-%dT%H:%M:%SZ",
    };
    uint64_t seed = 2;
    for (int i = 0; i < 70000; i++) {
        time_t time_s = (time_t)(random_next(&seed) % 7258118400u) - 2208988800; /* 1900–2129 */
        struct tm tm;
        assert_non_null(gmtime_r(&time_s, &tm));
        const char *pattern = patterns[i % (int)(sizeof patterns / sizeof patterns[0])];
        char text[100];
        assert_true(strftime(text, sizeof text, pattern, &tm) > 0);
        struct civil civil;
        if (!civil_parse(str_c(pattern), str_c(text), &civil))
            fail_msg("%s is not read by %s", text, pattern);
        assert_int_equal(civil.year, tm.tm_year + 1900);
        assert_int_equal(civil.month, tm.tm_mon + 1);
        assert_int_equal(civil.day, tm.tm_mday);
        assert_int_equal(civil.hour, tm.tm_hour);
        assert_int_equal(civil.minute, tm.tm_min);
        assert_int_equal(civil.second, tm.tm_sec);
        assert_int_equal(civil.microsecond, 0);
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
        struct arena_mark mark = arena_mark(arena);
        assert_str(time_text(arena, time_s * US_PER_SECOND), text);
        assert_str(time_text(arena, time_s * US_PER_SECOND + 999999), text);
        arena_rewind(arena, mark);
    }
}

static void test_parse_by_hand(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *text, *expected; /* NULL: not readable */
    } cases[] = {
        {"%Y-%m-%d", "2024-2-9", "2024-02-09 00:00:00.000000"},
        {"%Y/%m/%d", "2024/02/09", "2024-02-09 00:00:00.000000"},
        {"%d/%m/%Y %H:%M", "9/2/2024 8:05", "2024-02-09 08:05:00.000000"},
        {"%d/%m/%Y %H:%M", "9/2/2024 8:5", NULL},
        {"%m%d%Y", "2092024", NULL},
        {"%Y%m%d", "20240209", "2024-02-09 00:00:00.000000"},
        {"%Y%m%d", "2024029", NULL},
        {"%e.%m.%Y %k:%M", "1.12.2024 7:30", "2024-12-01 07:30:00.000000"},
        {"%e.%m.%Y %k:%M", "31.12.2024 17:30", "2024-12-31 17:30:00.000000"},
        {"%k%e%m%Y", "1731122024", "2024-12-31 17:00:00.000000"},
        {"%y%m%d", "680101", "2068-01-01 00:00:00.000000"},
        {"%y%m%d", "690101", "1969-01-01 00:00:00.000000"},
        {"%Y-%m-%d %H:%M:%S.%f", "2024-02-09 08:05:06.7", "2024-02-09 08:05:06.700000"},
        {"%Y-%m-%d %H:%M:%S.%f", "2024-02-09 08:05:06.000123", "2024-02-09 08:05:06.000123"},
        {"%Y-%m-%d %H:%M:%S.%f", "2024-02-09 08:05:06.0001234", NULL},
        {"%Y-%m-%d %H:%M:%S.%f", "2024-02-09 08:05:06.", NULL},
        {"%Y-%m-%d", "2023-02-29", NULL},
        {"%Y-%m-%d", "2024-02-29", "2024-02-29 00:00:00.000000"},
        {"%Y-%m-%d", "1900-02-29", NULL},
        {"%Y-%m-%d", "2000-02-29", "2000-02-29 00:00:00.000000"},
        {"%Y-%m-%d", "2024-04-31", NULL},
        {"%Y-%m-%d", "2024-13-01", NULL},
        {"%Y-%m-%d", "2024-00-01", NULL},
        {"%Y-%m-%d", "2024-01-00", NULL},
        {"%Y-%m-%d", "0000-01-01", NULL},
        {"%Y-%m-%d", "2024-02-09 ", NULL},
        {"%Y-%m-%d", " 2024-02-09", NULL},
        {"%Y-%m-%d", "+024-02-09", NULL},
        {"%Y-%m-%d", "24-02-09", NULL},
        {"%Y-%m-%d", "", NULL},
        {"%Y-%m", "2024-02", NULL},
        {"%Y-%m-%d %H:%M", "2024-02-09 24:00", NULL},
        {"%Y-%m-%d %H:%M", "2024-02-09 23:60", NULL},
        {"%Y-%m-%d %H:%M:%S", "2024-02-09 23:59:60", NULL},
        {"%Y-%m-%d%%", "2024-02-09%", "2024-02-09 00:00:00.000000"},
        {"%Y-%m-%d%%", "2024-02-9%", "2024-02-09 00:00:00.000000"}, /* %% is a literal */
        {"%Y-%m-%d%", "2024-02-09%", NULL},
        {"%Y-%m-%d%q", "2024-02-09q", NULL},
        {"%Y-%m-%d", "2024-02-0９", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct civil c;
        bool read = civil_parse(str_c(cases[i].pattern), str_c(cases[i].text), &c);
        if (read != (cases[i].expected != NULL))
            fail_msg("\"%s\" by \"%s\": %s", cases[i].text, cases[i].pattern,
                     read ? "read" : "not read");
        if (!read)
            continue;
        char text[120];
        snprintf(text, sizeof text, "%04d-%02d-%02d %02d:%02d:%02d.%06d", c.year, c.month, c.day,
                 c.hour, c.minute, c.second, c.microsecond);
        assert_string_equal(text, cases[i].expected);
    }
}

static void test_day_parse_is_strict(void **state)
{
    (void)state;
    static const char *const bad[] = {"2024-2-09", "2024-02-9",  "20240209",    "2024/02/09",
                                      "",          "2024-02-30", "2024-02-099", "2024-02-09T"};
    int32_t day = 5;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(day_parse(str_c(bad[i]), &day));
    assert_false(day_parse(STR_NONE, &day));
    assert_int_equal(day, 5);
    assert_true(day_parse(STR("1970-01-01"), &day));
    assert_int_equal(day, 0);
}

static void test_before_1970(void **state)
{
    (void)state;
    assert_str(time_text(arena, -1), "1969-12-31T23:59:59Z");
    assert_str(time_text(arena, -US_PER_DAY), "1969-12-31T00:00:00Z");
    assert_int_equal(day_of_civil(0, 3, 1), -719468);
    assert_int_equal(month_first_day(-1), day_of_civil(-1, 12, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_days_against_gmtime),    cmocka_unit_test(test_limits_are_these_days),
        cmocka_unit_test(test_parse_against_strftime), cmocka_unit_test(test_parse_by_hand),
        cmocka_unit_test(test_day_parse_is_strict),    cmocka_unit_test(test_before_1970),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
