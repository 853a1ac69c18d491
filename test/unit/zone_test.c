/* link: base */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "base/zone_tzif.h"
#include "support/splitmix.h"

/* The independent source is glibc's reading of the same files, and of TZ strings. These zones have
 * restless histories; test_all_names takes every other one, too. */
static const char *const names[] = {
    "Asia/Shanghai",     "Europe/London",       "America/New_York", "Australia/Lord_Howe",
    "Asia/Kathmandu",    "Asia/Kolkata",        "Asia/Tokyo",       "America/St_Johns",
    "America/Sao_Paulo", "Pacific/Apia",        "Africa/Monrovia",  "Asia/Hong_Kong",
    "Pacific/Kwajalein", "America/Los_Angeles", "Europe/Berlin",    "UTC",
};
#define NAME_COUNT (sizeof names / sizeof names[0])
#define TZIF_CORPUS TEST_DATA "/../fuzz/corpus/tzif"
#define DAY_S INT64_C(86400)
#define FROM_S (-90 * 365 * DAY_S) /* about 1880, before the first changes */
#define YEAR_1971_S (365 * DAY_S)  /* glibc does not follow a TZ string further back */
#define YEAR_2100_S INT64_C(4102444800)
#define YEAR_2101_S INT64_C(4133980800)

static struct arena *arena;

static int setup(void **state)
{
    (void)state;
    arena = arena_new("test", (size_t)64 << 20);
    unsetenv("TZDIR");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
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
    char shown[32];
    assert_int_equal(strftime(shown, sizeof(shown), "%Y-%m-%d %H:%M:%S", &tm), 19);
    struct arena *memory = arena_new("time text", 4096);
    assert_string_equal(str_z(memory, zone_time_text(memory, zone, time_us)), shown);
    arena_free(memory);
    /* The local time leads back to this instant, or to the earlier one that shows the same. */
    struct civil civil = civil_of(&tm);
    civil.microsecond = 123456;
    int64_t back_us = zone_time_us(zone, &civil);
    if (back_us != time_us + 123456) {
        assert_true(back_us < time_us);
        struct tm earlier = glibc_local((back_us - 123456) / US_PER_SECOND);
        assert_true(earlier.tm_gmtoff > tm.tm_gmtoff);
        assert_int_equal(earlier.tm_sec, tm.tm_sec);
        assert_int_equal(earlier.tm_min, tm.tm_min);
        assert_int_equal(earlier.tm_hour, tm.tm_hour);
        assert_int_equal(earlier.tm_yday, tm.tm_yday);
    }
}

/* The instant of a change of glibc's offset that lies behind low_s, and not behind high_s. */
static int64_t change_between(int64_t low_s, int64_t high_s)
{
    long offset = glibc_local(low_s).tm_gmtoff;
    while (high_s - low_s > 1) {
        int64_t middle_s = low_s + (high_s - low_s) / 2;
        if (glibc_local(middle_s).tm_gmtoff == offset)
            low_s = middle_s;
        else
            high_s = middle_s;
    }
    return high_s;
}

/* One instant of every day from from_s on, and those around every change. Returns the changes. */
static int check_days(const struct zone *zone, const char *name, int64_t from_s)
{
    static const int64_t near_s[] = {-86400, -7201, -7200, -3601, -3600, -1800, -2,   -1,
                                     0,      1,     1799,  1800,  3599,  3600,  7199, 7200};
    int changes = 0;
    long offset = glibc_local(from_s).tm_gmtoff;
    for (int64_t time_s = from_s; time_s < YEAR_2101_S - DAY_S; time_s += DAY_S) {
        long now = glibc_local(time_s).tm_gmtoff;
        if (zone_offset_s(zone, time_s * US_PER_SECOND) != now)
            check_instant(zone, name, time_s);
        if (now == offset)
            continue;
        offset = now;
        changes++;
        int64_t change_s = change_between(time_s - DAY_S, time_s);
        for (size_t i = 0; i < sizeof near_s / sizeof near_s[0]; i++)
            check_instant(zone, name, change_s + near_s[i]);
    }
    return changes;
}

static void check_random(const struct zone *zone, const char *name, int count, uint64_t *seed)
{
    uint64_t range_s = (uint64_t)(YEAR_2100_S - YEAR_1971_S);
    for (int i = 0; i < count; i++)
        check_instant(zone, name, YEAR_1971_S + (int64_t)(random_next(seed) % range_s));
}

static void test_some_names_deeply(void **state)
{
    (void)state;
    uint64_t seed = 3;
    for (size_t i = 0; i < NAME_COUNT; i++) {
        const struct zone *zone = open_zone(names[i]);
        assert_string_equal(str_z(arena, zone_name(zone)), names[i]);
        check_random(zone, names[i], 20000, &seed);
    }
    /* The last offset goes on for ever. */
    const struct zone *zone = open_zone("Asia/Shanghai");
    assert_int_equal(zone_offset_s(zone, INT64_MAX / 2), 8 * 3600);
    /* The first is the sun's: tzdata has 8:05:43 for Shanghai. */
    assert_int_equal(zone_offset_s(zone, INT64_MIN / 2), (8 * 60 + 5) * 60 + 43);
}

/* Every name that tzdata's source defines: "Z name …" is a zone, "L target name" a link. */
static void test_all_names(void **state)
{
    (void)state;
    FILE *file = fopen("/usr/share/zoneinfo/tzdata.zi", "r");
    assert_non_null(file);
    char line[512], name[64];
    uint64_t seed = 6;
    int count = 0, changes = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "Z %63s", name) != 1 && sscanf(line, "L %*s %63s", name) != 1)
            continue;
        if (strchr(name, '/') == NULL && strcmp(name, "UTC") != 0) {
            const struct zone *zone;
            assert_non_null(zone_open(arena, str_c(name), STR("zone"), &zone));
            continue;
        }
        const struct zone *zone = open_zone(name);
        changes += check_days(zone, name, FROM_S);
        check_random(zone, name, 300, &seed);
        count++;
    }
    fclose(file);
    /* tzdata has 550 and more of them, and most have changed several times. */
    assert_true(count > 500);
    assert_true(changes > 20000);
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
        int32_t days = (int32_t)(YEAR_2100_S / DAY_S);
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
    /* What changed after 2022 (tzdata's NEWS): Mexico's summer time ended in 2022, Egypt's began
     * anew in 2023, Kazakhstan went to +05 on 2024-03-01. */
    int64_t july = instant(2024, 7, 1, 0, 0);
    assert_int_equal(zone_offset_s(open_zone("America/Mexico_City"), july), -6 * 3600);
    assert_int_equal(zone_offset_s(open_zone("Africa/Cairo"), july), 3 * 3600);
    assert_int_equal(zone_offset_s(open_zone("Asia/Almaty"), july), 5 * 3600);
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
        "../zoneinfo/Asia/Shanghai",
        "Asia/../Asia/Shanghai",
        "Asia/./Shanghai",
        "Asia//Shanghai",
        "/Asia/Shanghai",
        "/usr/share/zoneinfo/Asia/Shanghai",
        "posix/Asia/Shanghai",
        "right/Asia/Shanghai",
        "America/Argentina",
        "Europe/London/Soho",
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

static void put_number(FILE *file, uint64_t number, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--)
        fputc((int)(number >> (8 * i) & 255), file);
}

/* A block of one type at UTC and no changes, as RFC 8536, appendix B, writes it. */
static void put_block(FILE *file)
{
    fwrite("TZif3\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 1, 20, file);
    static const uint32_t counts[] = {0, 0, 0, 0, 1, 4};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        put_number(file, counts[i], 4);
    put_number(file, 0, 6);
    fwrite("UTC", 1, 4, file);
}

static char directory[32];

static FILE *create(const char *name)
{
    FILE *file = fopen(str_z(arena, str_fmt(arena, "%s/%s", directory, name)), "w");
    assert_non_null(file);
    return file;
}

static void make_directory(const char *name)
{
    assert_int_equal(mkdir(str_z(arena, str_fmt(arena, "%s/%s", directory, name)), 0700), 0);
}

/* A tzdata of our own, read by way of TZDIR. */
static int own_setup(void **state)
{
    (void)state;
    strcpy(directory, "/tmp/zone_test_XXXXXX");
    assert_non_null(mkdtemp(directory));
    make_directory("Own");
    return setenv("TZDIR", directory, 1);
}

static int own_teardown(void **state)
{
    (void)state;
    static const char *const left[] = {"Own/Zone", "Own/Text", "Own/Large", "Own/Inner", "Own", ""};
    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++)
        remove(str_z(arena, str_fmt(arena, "%s/%s", directory, left[i])));
    return unsetenv("TZDIR");
}

static const struct err *open_footer(const char *footer, const struct zone **zone)
{
    FILE *file = create("Own/Zone");
    put_block(file);
    put_block(file);
    fprintf(file, "\n%s\n", footer);
    fclose(file);
    return zone_open(arena, STR("Own/Zone"), STR("zone"), zone);
}

/* glibc reads the same string from TZ itself. */
static void test_footers_against_glibc(void **state)
{
    (void)state;
    static const char *const footers[] = {
        "CST-8",
        "<-0330>3:30",
        "AAA-5:30:15",
        "EST5EDT,M3.2.0,M11.1.0",
        "NZST-12NZDT,M9.5.0,M4.1.0/3",
        "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
        "IST-1GMT0,M10.5.0,M3.5.0/1",
        "<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
        "IST-2IDT,M3.4.4/26,M10.5.0",
        "EET-2EEST,M3.4.4/50,M10.4.4/50",
        "<-03>3<-02>,J59,J60",
        "AAA-3BBB,J60/0,J300/1:30",
        "AAA-3BBB,59/0,299/1:30:20",
        "AAA3BBB1:15,200,100/-5",
        "AAA3BBB,M2.5.6/167,M8.5.3/-167",
        "AAA3BBB,M2.1.6/+3,M12.4.1/24",
    };
    uint64_t seed = 7;
    for (size_t i = 0; i < sizeof footers / sizeof footers[0]; i++) {
        const struct zone *zone = NULL;
        assert_null(open_footer(footers[i], &zone));
        setenv("TZ", footers[i], 1);
        tzset();
        int changes = check_days(zone, footers[i], YEAR_1971_S);
        assert_true(strchr(footers[i], ',') != NULL ? changes > 250 : changes == 0);
        check_random(zone, footers[i], 2000, &seed);
    }
}

/* RFC 8536, 3.3.1: its example of daylight saving time all year, and two more ways to write it. */
static void test_footers_by_hand(void **state)
{
    (void)state;
    static const char *const all_year[] = {"EST5EDT,0/0,J365/25", "XXX3EDT4,0/0,J365/23",
                                           "EST5EDT,0/0,J365/26"};
    for (size_t i = 0; i < sizeof all_year / sizeof all_year[0]; i++) {
        const struct zone *zone = NULL;
        assert_null(open_footer(all_year[i], &zone));
        for (int64_t time_s = 0; time_s < YEAR_2101_S; time_s += 1800)
            assert_int_equal(zone_offset_s(zone, time_s * US_PER_SECOND), -4 * 3600);
    }
    static const char *const bad[] = {
        "E5",
        "EST",
        "EST5EDT",
        "EST25",
        "EST5:60",
        "<EST5",
        "<E>5",
        "EST5EDT,M3.2.0",
        "EST5EDT,J0,J9",
        "EST5EDT,366,1",
        "EST5 ",
        "5",
        "EST5EDT,1,2,3",
        "EST5EDT,1/168,2",
        "EST5EDT,M13.1.0,1",
        "EST--5",
        ":America/X",
        "EST5EDT,M1.6.0,1",
        "EST5EDT,M1.0.0,1",
        "EST5EDT,M1.1.7,1",
        "EST5EDT,J366,1",
        "EST-24EDT-26,1,2",
        "EST5EDT,1/,2",
        "EST5EDT,M1.1,2",
        "EST0005",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const struct zone *zone = NULL;
        const struct err *err = open_footer(bad[i], &zone);
        if (err == NULL)
            fail_msg("\"%s\" was accepted", bad[i]);
        assert_int_equal(err->code, ERR_ZONE_UNKNOWN);
    }
}

static void test_files_that_are_no_zones(void **state)
{
    (void)state;
    FILE *file = create("Own/Text");
    fputs("TZif is what this file does not hold, though it begins so.\n", file);
    fclose(file);
    file = create("Own/Large");
    put_block(file);
    put_block(file);
    fputs("\nUTC0\n", file);
    for (int i = 0; i < 1 << 20; i++)
        fputc('\n', file);
    fclose(file);
    make_directory("Own/Inner");
    static const char *const bad[] = {"Own/Text", "Own/Large", "Own/Inner", "Own/None", "UTC"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const struct zone *zone = NULL;
        const struct err *err = zone_open(arena, str_c(bad[i]), STR("zone"), &zone);
        assert_non_null(err);
        assert_int_equal(err->code, ERR_ZONE_UNKNOWN);
    }
    /* No tzdata at all is another error. */
    setenv("TZDIR", "/nowhere/zoneinfo", 1);
    const struct zone *zone = NULL;
    const struct err *err = zone_open(arena, STR("Asia/Shanghai"), STR("zone"), &zone);
    assert_non_null(err);
    assert_int_equal(err->code, ERR_FILE_OPEN);
    assert_string_equal(str_z(arena, err->field), "/nowhere/zoneinfo");
}

static struct zone_table table;

static bool reads_corpus(const char *name)
{
    FILE *file = fopen(str_z(arena, str_fmt(arena, "%s/%s", TZIF_CORPUS, name)), "r");
    assert_non_null(file);
    char bytes[8192];
    size_t n = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    assert_true(n > 0 && n < sizeof bytes);
    return zone_tzif_read((struct str){bytes, n}, &table);
}

/* What each of the fuzz target's files is says its name. */
static void test_corpus(void **state)
{
    (void)state;
    static const char *const bad[] = {"big_counts", "cut",         "cut_footer",
                                      "descending", "far_offset",  "footer_wrong",
                                      "leaps",      "type_beyond", "version_1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (reads_corpus(bad[i]))
            fail_msg("\"%s\" was accepted", bad[i]);
    }
    assert_true(reads_corpus("utc"));
    assert_int_equal(table.count, 1);
    /* No footer; a change at the Big Bang (-2^59) to UTC, one in 1970 to an hour ahead. */
    assert_true(reads_corpus("footer_none"));
    assert_int_equal(table.count, 2);
    assert_true(table.stretches[0].start_us == INT64_MIN && table.stretches[0].offset_s == 0);
    assert_true(table.stretches[1].start_us == 0 && table.stretches[1].offset_s == 3600);
}

/* A file cut anywhere is refused; one changed anywhere is read to its end and no further. */
static void test_broken_bytes(void **state)
{
    (void)state;
    FILE *file = fopen("/usr/share/zoneinfo/America/New_York", "r");
    assert_non_null(file);
    char bytes[8192];
    size_t n = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    assert_true(n > 100 && n < sizeof bytes);
    assert_true(zone_tzif_read((struct str){bytes, n}, &table));
    for (size_t cut = 0; cut < n; cut++) {
        char *exact = malloc(cut + 1);
        assert_non_null(exact);
        memcpy(exact + 1, bytes, cut);
        assert_false(zone_tzif_read((struct str){exact + 1, cut}, &table));
        free(exact);
    }
    uint64_t seed = 8;
    for (int i = 0; i < 50000; i++) {
        size_t at = random_next(&seed) % n;
        char kept = bytes[at];
        bytes[at] = (char)random_next(&seed);
        if (zone_tzif_read((struct str){bytes, n}, &table))
            assert_true(table.count >= 1 && table.stretches[0].start_us == INT64_MIN);
        bytes[at] = kept;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_some_names_deeply),
        cmocka_unit_test(test_all_names),
        cmocka_unit_test(test_day_start_by_search),
        cmocka_unit_test(test_changes_by_hand),
        cmocka_unit_test(test_unknown_names),
        cmocka_unit_test_setup_teardown(test_footers_against_glibc, own_setup, own_teardown),
        cmocka_unit_test_setup_teardown(test_footers_by_hand, own_setup, own_teardown),
        cmocka_unit_test_setup_teardown(test_files_that_are_no_zones, own_setup, own_teardown),
        cmocka_unit_test(test_corpus),
        cmocka_unit_test(test_broken_bytes),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
