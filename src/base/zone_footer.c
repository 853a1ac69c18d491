/* The TZ string of a TZif file's footer: POSIX.1-2017, Base Definitions 8.3, with the hours of
 * RFC 8536, 3.3.1 (from -167 to 167). */
#include <string.h>

#include "base/calendar.h"
#include "base/check.h"
#include "base/zone_tzif.h"

#define YEAR_MIN 1900 /* a rule is not followed further back */
#define YEAR_MAX 2101 /* its changes may lie in 2100 by hours before midnight */
#define CHANGES_MAX (2 * (YEAR_MAX - YEAR_MIN + 2))
#define HOUR_S 3600
#define DAY_S INT64_C(86400)
#define OFFSET_HOURS_MAX 24
#define TIME_HOURS_MAX 167
#define THURSDAY 4 /* 1970-01-01 was one; Sunday is 0 */
#define FEBRUARY_28_OR_BEFORE 59

enum rule_form {
    RULE_MONTH_WEEK_DAY, /* Mm.w.d: weekday d, for the w-th time in month m; 5 is the last time */
    RULE_DAY_NO_LEAP,    /* Jn: 1 to 365, 29 February is never counted */
    RULE_DAY,            /* n: 0 to 365 */
};

struct rule {
    enum rule_form form;
    int month, week, day;
    int32_t time_s; /* after local midnight */
};

struct footer {
    int32_t standard_s, daylight_s;
    bool has_daylight;
    struct rule start, end; /* of daylight saving time */
};

struct change {
    int64_t time_s;
    int32_t offset_s;
};

static bool take(struct str *text, char c)
{
    if (text->n == 0 || text->p[0] != c)
        return false;
    *text = (struct str){text->p + 1, text->n - 1};
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* One to three digits. */
static bool take_number(struct str *text, int min, int max, int *number)
{
    size_t n = 0;
    *number = 0;
    for (; n < text->n && n < 3 && is_digit(text->p[n]); n++)
        *number = *number * 10 + (text->p[n] - '0');
    *text = (struct str){text->p + n, text->n - n};
    return n > 0 && *number >= min && *number <= max;
}

static bool is_name_char(char c, bool quoted)
{
    return is_letter(c) || (quoted && (is_digit(c) || c == '+' || c == '-'));
}

/* "EST", or in angle brackets with digits and signs: "<-03>". What it says is of no use here. */
static bool take_name(struct str *text)
{
    bool quoted = take(text, '<');
    size_t n = 0;
    while (n < text->n && is_name_char(text->p[n], quoted))
        n++;
    *text = (struct str){text->p + n, text->n - n};
    return n >= 3 && (!quoted || take(text, '>'));
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(struct str *text, int hours_max, int32_t *seconds)
{
    bool minus = take(text, '-');
    int hour, minute = 0, second = 0;
    if (!minus)
        take(text, '+');
    if (!take_number(text, 0, hours_max, &hour))
        return false;
    if (take(text, ':')) {
        if (!take_number(text, 0, 59, &minute))
            return false;
        if (take(text, ':') && !take_number(text, 0, 59, &second))
            return false;
    }
    *seconds = (hour * 60 + minute) * 60 + second;
    if (minus)
        *seconds = -*seconds;
    return true;
}

/* In a TZ string an offset is what to add to local time to have UTC. */
static bool take_offset(struct str *text, int32_t *offset_s)
{
    if (!take_time(text, OFFSET_HOURS_MAX, offset_s))
        return false;
    *offset_s = -*offset_s;
    return true;
}

static bool take_day(struct str *text, struct rule *rule)
{
    if (take(text, 'M')) {
        rule->form = RULE_MONTH_WEEK_DAY;
        return take_number(text, 1, 12, &rule->month) && take(text, '.') &&
               take_number(text, 1, 5, &rule->week) && take(text, '.') &&
               take_number(text, 0, 6, &rule->day);
    }
    rule->form = take(text, 'J') ? RULE_DAY_NO_LEAP : RULE_DAY;
    return take_number(text, rule->form == RULE_DAY_NO_LEAP ? 1 : 0, 365, &rule->day);
}

static bool take_rule(struct str *text, struct rule *rule)
{
    *rule = (struct rule){.time_s = 2 * HOUR_S};
    if (!take(text, ',') || !take_day(text, rule))
        return false;
    return !take(text, '/') || take_time(text, TIME_HOURS_MAX, &rule->time_s);
}

static bool parse_footer(struct str text, struct footer *footer)
{
    *footer = (struct footer){0};
    if (!take_name(&text) || !take_offset(&text, &footer->standard_s))
        return false;
    if (text.n == 0)
        return true;
    footer->has_daylight = true;
    footer->daylight_s = footer->standard_s + HOUR_S;
    if (!take_name(&text))
        return false;
    if (text.n > 0 && text.p[0] != ',' && !take_offset(&text, &footer->daylight_s))
        return false;
    return take_rule(&text, &footer->start) && take_rule(&text, &footer->end) && text.n == 0;
}

static int32_t month_week_day(const struct rule *rule, int year)
{
    int32_t month = year * 12 + rule->month - 1;
    int32_t first = month_first_day(month);
    int32_t first_weekday = ((first + THURSDAY) % 7 + 7) % 7;
    int32_t day = first + (rule->day - first_weekday + 7) % 7 + (rule->week - 1) * 7;
    return day < month_first_day(month + 1) ? day : day - 7;
}

static int32_t rule_day(const struct rule *rule, int year)
{
    int32_t new_year = day_of_civil(year, 1, 1);
    if (rule->form == RULE_MONTH_WEEK_DAY)
        return month_week_day(rule, year);
    if (rule->form == RULE_DAY)
        return new_year + rule->day;
    bool is_leap_year = day_of_civil(year + 1, 1, 1) - new_year == 366;
    bool counts_leap_day = is_leap_year && rule->day > FEBRUARY_28_OR_BEFORE;
    return new_year + rule->day - 1 + (counts_leap_day ? 1 : 0);
}

/* offset_s: of the clock that the rule's time is read from. */
static int64_t rule_time_s(const struct rule *rule, int year, int32_t offset_s)
{
    return rule_day(rule, year) * DAY_S + rule->time_s - offset_s;
}

/* Sorted in; of two at the same instant the one put in later stays behind, and counts. */
static void put_change(struct change *changes, size_t *count, struct change change)
{
    CHECK(*count < CHANGES_MAX);
    size_t at = (*count)++;
    for (; at > 0 && changes[at - 1].time_s > change.time_s; at--)
        changes[at] = changes[at - 1];
    changes[at] = change;
}

static void put_year(const struct footer *footer, int year, struct change *changes, size_t *count)
{
    struct change start = {rule_time_s(&footer->start, year, footer->standard_s),
                           footer->daylight_s};
    struct change end = {rule_time_s(&footer->end, year, footer->daylight_s), footer->standard_s};
    int64_t next_start_s = rule_time_s(&footer->start, year + 1, footer->standard_s);
    if (start.time_s > end.time_s) {
        put_change(changes, count, end);
        put_change(changes, count, start);
        return;
    }
    put_change(changes, count, start);
    /* Daylight saving time that lasts until it begins anew lasts all year (RFC 8536, 3.3.1). */
    if (end.time_s < next_start_s)
        put_change(changes, count, end);
}

static int year_of(int64_t time_s)
{
    int year, month, day_of_month;
    if (time_s < day_of_civil(YEAR_MIN, 1, 1) * DAY_S)
        return YEAR_MIN;
    if (time_s >= ZONE_TO_S)
        return YEAR_MAX;
    int64_t day = time_s / DAY_S - (time_s % DAY_S < 0);
    day_to_civil((int32_t)day, &year, &month, &day_of_month);
    return year;
}

bool zone_footer_read(struct str text, int64_t after_s, struct zone_table *table)
{
    struct footer footer;
    if (!parse_footer(text, &footer))
        return false;
    if (after_s == INT64_MIN && !zone_table_add(table, after_s, footer.standard_s))
        return false;
    if (!footer.has_daylight)
        return true;
    struct change changes[CHANGES_MAX];
    size_t count = 0;
    for (int year = year_of(after_s) - 1; year <= YEAR_MAX; year++)
        put_year(&footer, year, changes, &count);
    for (size_t i = 0; i < count; i++) {
        if (changes[i].time_s <= after_s)
            continue;
        if (!zone_table_add(table, changes[i].time_s, changes[i].offset_s))
            return false;
    }
    return true;
}
