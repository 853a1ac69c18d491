#include "base/calendar.h"

#include "base/arena.h"
#include "base/check.h"

#define DAYS_PER_ERA 146097 /* 400 years */
#define YEAR_MAX 9999
#define CENTURY_PIVOT 69 /* %y: 69–99 are 1969–1999, 00–68 are 2000–2068 (POSIX strptime) */

/* Division towards minus infinity, for a divisor above 0. */
static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Years begin in March here, so that the leap day is the last of its year. */
int32_t day_of_civil(int year, int month, int day)
{
    CHECK(month >= 1 && month <= 12);
    int64_t march_year = (int64_t)year - (month <= 2);
    int64_t era = floor_div(march_year, 400);
    int64_t year_of_era = march_year - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    int64_t result = era * DAYS_PER_ERA + day_of_era - 719468;
    CHECK(result > INT32_MIN && result <= INT32_MAX);
    return (int32_t)result;
}

void day_to_civil(int32_t day, int *year, int *month, int *day_of_month)
{
    int64_t shifted = (int64_t)day + 719468;
    int64_t era = floor_div(shifted, DAYS_PER_ERA);
    int64_t day_of_era = shifted - era * DAYS_PER_ERA;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t march_month = (5 * day_of_year + 2) / 153;
    *day_of_month = (int)(day_of_year - (153 * march_month + 2) / 5 + 1);
    *month = (int)(march_month < 10 ? march_month + 3 : march_month - 9);
    *year = (int)(year_of_era + era * 400 + (*month <= 2));
}

int32_t month_of_day(int32_t day)
{
    int year, month, day_of_month;
    day_to_civil(day, &year, &month, &day_of_month);
    return year * 12 + (month - 1);
}

int32_t month_first_day(int32_t month)
{
    int64_t year = floor_div(month, 12);
    return day_of_civil((int)year, (int)(month - year * 12) + 1, 1);
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

bool civil_is_valid(const struct civil *civil)
{
    if (civil->year < 1 || civil->year > YEAR_MAX || civil->month < 1 || civil->month > 12)
        return false;
    if (civil->day < 1 || civil->day > days_in_month(civil->year, civil->month))
        return false;
    return civil->hour >= 0 && civil->hour <= 23 && civil->minute >= 0 && civil->minute <= 59 &&
           civil->second >= 0 && civil->second <= 59 && civil->microsecond >= 0 &&
           civil->microsecond < US_PER_SECOND;
}

struct str day_text(struct arena *arena, int32_t day)
{
    int year, month, day_of_month;
    day_to_civil(day, &year, &month, &day_of_month);
    return str_fmt(arena, "%04d-%02d-%02d", year, month, day_of_month);
}

struct str month_text(struct arena *arena, int32_t month)
{
    int year = (int)floor_div(month, 12);
    return str_fmt(arena, "%04d-%02d", year, month - year * 12 + 1);
}

bool day_parse(struct str text, int32_t *day)
{
    struct civil civil;
    if (text.n != STR("YYYY-MM-DD").n || !civil_parse(STR("%Y-%m-%d"), text, &civil))
        return false;
    *day = day_of_civil(civil.year, civil.month, civil.day);
    return true;
}

struct str time_text(struct arena *arena, int64_t time_us)
{
    int64_t time_s = floor_div(time_us, US_PER_SECOND);
    int64_t day = floor_div(time_s, 86400);
    int second = (int)(time_s - day * 86400);
    int year, month, day_of_month;
    day_to_civil((int32_t)day, &year, &month, &day_of_month);
    return str_fmt(arena, "%04d-%02d-%02dT%02d:%02d:%02dZ", year, month, day_of_month,
                   second / 3600, second / 60 % 60, second % 60);
}

/* Reads between digits_min and digits_max digits, as many as there are; the count, or 0. */
static int read_digits(struct str text, size_t *at, int digits_min, int digits_max, int *value)
{
    int count = 0;
    *value = 0;
    while (count < digits_max && *at < text.n && text.p[*at] >= '0' && text.p[*at] <= '9') {
        *value = *value * 10 + (text.p[*at] - '0');
        *at += 1;
        count++;
    }
    return count >= digits_min ? count : 0;
}

/* Reads what one conversion character stands for. may_be_short: one digit will do. */
static bool read_conversion(char conversion, bool may_be_short, struct str text, size_t *at,
                            struct civil *out)
{
    int least = may_be_short ? 1 : 2;
    switch (conversion) {
    case 'Y':
        return read_digits(text, at, 4, 4, &out->year) > 0;
    case 'y':
        if (read_digits(text, at, 2, 2, &out->year) == 0)
            return false;
        out->year += out->year < CENTURY_PIVOT ? 2000 : 1900;
        return true;
    case 'm':
        return read_digits(text, at, least, 2, &out->month) > 0;
    case 'd':
        return read_digits(text, at, least, 2, &out->day) > 0;
    case 'e':
        return read_digits(text, at, 1, 2, &out->day) > 0;
    case 'H':
        return read_digits(text, at, least, 2, &out->hour) > 0;
    case 'k':
        return read_digits(text, at, 1, 2, &out->hour) > 0;
    case 'M':
        return read_digits(text, at, 2, 2, &out->minute) > 0;
    case 'S':
        return read_digits(text, at, 2, 2, &out->second) > 0;
    case 'f': {
        int digits = read_digits(text, at, 1, 6, &out->microsecond);
        for (int i = digits; digits > 0 && i < 6; i++)
            out->microsecond *= 10;
        return digits > 0;
    }
    default:
        return false;
    }
}

static bool is_conversion(struct str pattern, size_t i)
{
    return i + 1 < pattern.n && pattern.p[i] == '%' && pattern.p[i + 1] != '%';
}

bool civil_parse(struct str pattern, struct str text, struct civil *out)
{
    struct civil civil = {0};
    size_t at = 0;
    bool after_conversion = false;
    for (size_t i = 0; i < pattern.n;) {
        if (is_conversion(pattern, i)) {
            bool may_be_short = !after_conversion && !is_conversion(pattern, i + 2);
            if (!read_conversion(pattern.p[i + 1], may_be_short, text, &at, &civil))
                return false;
            i += 2;
            after_conversion = true;
            continue;
        }
        bool percent = pattern.p[i] == '%';
        if (percent && i + 1 == pattern.n)
            return false;
        if (at == text.n || text.p[at] != pattern.p[i])
            return false;
        at++;
        after_conversion = false;
        i += percent ? 2 : 1;
    }
    if (at != text.n || !civil_is_valid(&civil))
        return false;
    *out = civil;
    return true;
}
