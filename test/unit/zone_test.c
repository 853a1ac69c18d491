/* link: base */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/calendar.h"

/* The independent source is glibc's reading of /usr/share/zoneinfo. The zones here have settled
 * histories up to END_S, so that ICU's and the system's tzdata need not be of the same release. */
static const char *const names[] = {
    "Asia/Shanghai",     "Europe/London",       "America/New_York", "Australia/Lord_Howe",
    "Asia/Kathmandu",    "Asia/Kolkata",        "Asia/Tokyo",       "America/St_Johns",
    "America/Sao_Paulo", "Pacific/Apia",        "Africa/Monrovia",  "Asia/Hong_Kong",
    "Pacific/Kwajalein", "America/Los_Angeles", "Europe/Berlin",    "UTC",
};
#define NAME_COUNT (sizeof names / sizeof names[0])
#define END_S INT64_C(1640995200) /* 2022-01-01 */

static struct arena *arena;

static int setup(void **state)
{
    (void)state;
    arena = arena_new("test", (size_t)64 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static uint64_t random_next(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* Opens a zone here and makes it glibc's. */
static const struct zone *open_zone(const char *name)
{
    const struct zone *zone = NULL;
    const struct err *err = zone_open(arena, str_c(name), STR("zone"), &zone);
    if (err != NULL)
        fail_msg("%s", str_z(arena, err_text(arena, err, LANG_EN)));
    setenv("TZ", name, 1);
    tzset();
    return zone;
}

static struct tm glibc_local(int64_t time_s)
{
    struct tm tm;
    time_t time = (time_t)time_s;
    assert_non_null(localtime_r(&time, &tm));
    return tm;
}

static struct civil civil_of(const struct tm *tm)
{
    return (struct civil){.year = tm->tm_year + 1900,
                          .month = tm->tm_mon + 1,
                          .day = tm->tm_mday,
                          .hour = tm->tm_hour,
                          .minute = tm->tm_min,
                          .second = tm->tm_sec};
}

static int32_t day_of(const struct tm *tm)
{
    return day_of_civil(tm->tm_year + 1900, tm->tm_mon + 1, tm->tm_mday);
}

static void check_instant(const struct zone *zone, const char *name, int64_t time_s)
{
    struct tm tm = glibc_local(time_s);
    int64_t time_us = time_s * US_PER_SECOND;
    if (zone_offset_s(zone, time_us) != tm.tm_gmtoff)
        fail_msg("%s at %lld: offset %d, glibc says %ld", name, (long long)time_s,
                 zone_offset_s(zone, time_us), tm.tm_gmtoff);
    assert_int_equal(zone_day(zone, time_us), day_of(&tm));
    /* The local time leads back to this instant, or to the earlier one that shows the same. */
    struct civil civil = civil_of(&tm);
    civil.microsecond = 123456;
    int64_t back_us = zone_time_us(zone, &civil);
    if (back_us != time_us + 123456) {
        assert_true(back_us < time_us);
        struct tm earlier = glibc_local(back_us / US_PER_SECOND);
        assert_true(earlier.tm_gmtoff > tm.tm_gmtoff);
        assert_int_equal(earlier.tm_sec, tm.tm_sec);
        assert_int_equal(earlier.tm_min, tm.tm_min);
        assert_int_equal(earlier.tm_hour, tm.tm_hour);
        assert_int_equal(earlier.tm_yday, tm.tm_yday);
    }
}

/* Random instants, and each second around every change that glibc knows. */
static void test_instants_against_glibc(void **state)
{
    (void)state;
    uint64_t seed = 3;
    for (size_t i = 0; i < NAME_COUNT; i++) {
        const struct zone *zone = open_zone(names[i]);
        assert_string_equal(str_z(arena, zone_name(zone)), names[i]);
        for (int k = 0; k < 20000; k++)
            check_instant(zone, names[i], (int64_t)(random_next(&seed) % (uint64_t)END_S));
        long offset = glibc_local(0).tm_gmtoff;
        for (int64_t time_s = 0; time_s < END_S; time_s += 3600) {
            if (glibc_local(time_s).tm_gmtoff == offset)
                continue;
            for (int64_t near_s = time_s - 3600 - 7200; near_s < time_s + 7200; near_s += 61)
                check_instant(zone, names[i], near_s < 0 ? 0 : near_s);
            offset = glibc_local(time_s).tm_gmtoff;
        }
    }
}

/* China has not changed its clocks since 1991, and nobody expects it to. */
static void test_far_years(void **state)
{
    (void)state;
    const struct zone *zone = open_zone("Asia/Shanghai");
    uint64_t seed = 4;
    for (int i = 0; i < 10000; i++)
        check_instant(zone, "Asia/Shanghai", (int64_t)(random_next(&seed) % UINT64_C(4102444800)));
    assert_int_equal(zone_offset_s(zone, INT64_MAX / 2), 8 * 3600);
    assert_int_equal(zone_offset_s(zone, INT64_MIN / 2), 8 * 3600);
    /* The rules of today go on to the end of the table. */
    zone = open_zone("Europe/London");
    for (int i = 0; i < 10000; i++)
        check_instant(zone, "Europe/London", (int64_t)(random_next(&seed) % UINT64_C(4102444800)));
}

/* The day's first instant by looking at every minute of glibc's. */
static int64_t day_start_by_search(int32_t day)
{
    for (int64_t time_s = day * INT64_C(86400) - 26 * 3600;; time_s += 15) {
        struct tm tm = glibc_local(time_s);
        if (day_of(&tm) >= day)
            return time_s;
    }
}

static void test_day_start_by_search(void **state)
{
    (void)state;
    uint64_t seed = 5;
    for (size_t i = 0; i < NAME_COUNT; i++) {
        const struct zone *zone = open_zone(names[i]);
        int32_t days = (int32_t)(END_S / 86400);
        for (int k = 0; k < 60; k++) {
            /* From 1973: before, Monrovia's offset is no multiple of the search's step. */
            int32_t day = 1100 + (int32_t)(random_next(&seed) % (uint64_t)(days - 1100));
            if (zone_day_start_us(zone, day) != day_start_by_search(day) * US_PER_SECOND)
                fail_msg("%s, day %d", names[i], day);
        }
    }
}

static int64_t instant(int year, int month, int day, int hour, int minute)
{
    struct tm tm = {.tm_year = year - 1900,
                    .tm_mon = month - 1,
                    .tm_mday = day,
                    .tm_hour = hour,
                    .tm_min = minute};
    return (int64_t)timegm(&tm) * US_PER_SECOND;
}

/* RFC 5545, 3.3.5, has the New York cases: 2007-03-11 02:30 does not exist and means 03:30 EDT =
 * 07:30Z; 2007-11-04 01:30 happens twice and means the first, 01:30 EDT = 05:30Z. */
static void test_changes_by_hand(void **state)
{
    (void)state;
    const struct zone *new_york = open_zone("America/New_York");
    struct civil skipped = {2007, 3, 11, 2, 30, 0, 0};
    assert_int_equal(zone_time_us(new_york, &skipped), instant(2007, 3, 11, 7, 30));
    struct civil twice = {2007, 11, 4, 1, 30, 0, 0};
    assert_int_equal(zone_time_us(new_york, &twice), instant(2007, 11, 4, 5, 30));
    /* Shanghai's summer time of 1986 began on 4 May at 02:00 (tzdata, file asia, Rule PRC). */
    const struct zone *shanghai = open_zone("Asia/Shanghai");
    assert_int_equal(zone_offset_s(shanghai, instant(1986, 5, 3, 17, 59)), 8 * 3600);
    assert_int_equal(zone_offset_s(shanghai, instant(1986, 5, 3, 18, 0)), 9 * 3600);
    assert_int_equal(zone_offset_s(shanghai, instant(1991, 7, 1, 0, 0)), 9 * 3600);
    assert_int_equal(zone_offset_s(shanghai, instant(1992, 7, 1, 0, 0)), 8 * 3600);
    /* Lord Howe's summer time is half an hour: +10:30, and +11 from October to April. */
    const struct zone *lord_howe = open_zone("Australia/Lord_Howe");
    assert_int_equal(zone_offset_s(lord_howe, instant(2020, 7, 1, 0, 0)), 37800);
    assert_int_equal(zone_offset_s(lord_howe, instant(2020, 1, 1, 0, 0)), 39600);
    /* Apia left out 2011-12-30: its clock went from the 29th, 24:00 at -10 to the 31st at +14. */
    const struct zone *apia = open_zone("Pacific/Apia");
    int32_t day = day_of_civil(2011, 12, 30);
    assert_int_equal(zone_day_start_us(apia, day), instant(2011, 12, 30, 10, 0));
    assert_int_equal(zone_day_start_us(apia, day + 1), instant(2011, 12, 30, 10, 0));
    /* Sao Paulo's summer time of 2018 began on 4 November at midnight: the day began at 01:00 =
     * 03:00Z. */
    const struct zone *sao_paulo = open_zone("America/Sao_Paulo");
    assert_int_equal(zone_day_start_us(sao_paulo, day_of_civil(2018, 11, 4)),
                     instant(2018, 11, 4, 3, 0));
}

static void test_unknown_names(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "Mars/Base",
        "asia/shanghai",
        "Asia/Shanghai ",
        " Asia/Shanghai",
        "GMT+8",
        "+08",
        "Etc/Unknown",
        "Asia",
        "Asia/",
        "UTC+8",
        "utc",
        "/",
        "CST",
        "Asia/Shanghai/",
        "亚洲/上海",
        "Asia/Shang\xFF",
        "Asia\nShanghai",
        "UTC/x",
        "Asia/ShanghaiAsia/ShanghaiAsia/ShanghaiAsia/ShanghaiAsia/ShanghaiAsia/Shanghai",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const struct zone *zone = NULL;
        const struct err *err = zone_open(arena, str_c(bad[i]), STR("zone"), &zone);
        if (err == NULL)
            fail_msg("\"%s\" was accepted", bad[i]);
        assert_int_equal(err->code, ERR_ZONE_UNKNOWN);
        assert_string_equal(err->field.p, "zone");
        assert_string_equal(err->arg[0].p, bad[i]);
        assert_null(zone);
    }
    const struct zone *zone = NULL;
    assert_non_null(zone_open(arena, STR_NONE, STR("zone"), &zone));
    assert_non_null(zone_open(arena, STR("UTC\0"), STR("zone"), &zone));
    assert_non_null(zone_open(arena, STR("Asia/Shanghai\0x"), STR("zone"), &zone));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_instants_against_glibc), cmocka_unit_test(test_far_years),
        cmocka_unit_test(test_day_start_by_search),    cmocka_unit_test(test_changes_by_hand),
        cmocka_unit_test(test_unknown_names),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
