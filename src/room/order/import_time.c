/* Times in the forms that leave no doubt, read by hand: a form has parts that come in one order,
 * each of them digits followed by what may stand behind it. */
#include "base/calendar.h"
#include "room/order/import_clean.h"

#define SECONDS_PER_DAY 86400
/* A spreadsheet's numbers of days (ECMA-376 part 1, 18.17.4.1, the 1900 system). */
#define SERIAL_1970 25569
#define SERIAL_2010 40179
#define SERIAL_2100 73051
#define SERIAL_FRACTION INT64_C(10000000000) /* ten digits: finer than a second */

struct scan {
    struct str text;
    size_t at;
};

static bool at_end(const struct scan *s)
{
    return s->at >= s->text.n;
}

static char peek(const struct scan *s)
{
    return at_end(s) ? '\0' : s->text.p[s->at];
}

static bool take(struct scan *s, struct str part)
{
    if (!str_starts(str_slice(s->text, s->at, s->text.n), part))
        return false;
    s->at += part.n;
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* At least `least` digits, at most `most`. */
static bool take_digits(struct scan *s, int least, int most, int *out)
{
    int count = 0;
    *out = 0;
    while (count < most && is_digit(peek(s))) {
        *out = *out * 10 + (peek(s) - '0');
        s->at++;
        count++;
    }
    return count >= least;
}

static void skip_blanks(struct scan *s)
{
    while (peek(s) == ' ' || peek(s) == '\t')
        s->at++;
}

static int digits_at_start(struct str text)
{
    int n = 0;
    while ((size_t)n < text.n && is_digit(text.p[n]))
        n++;
    return n;
}

/* 2024-1-2, 2024/01/02, 2024.1.2, 2024年1月2日 */
static bool read_parted_date(struct scan *s, struct civil *civil)
{
    if (!take_digits(s, 4, 4, &civil->year))
        return false;
    if (take(s, STR("年")))
        return take_digits(s, 1, 2, &civil->month) && take(s, STR("月")) &&
               take_digits(s, 1, 2, &civil->day) && (take(s, STR("日")) || take(s, STR("号")));
    char between = peek(s);
    if (between != '-' && between != '/' && between != '.')
        return false;
    s->at++;
    if (!take_digits(s, 1, 2, &civil->month) || peek(s) != between)
        return false;
    s->at++;
    return take_digits(s, 1, 2, &civil->day);
}

/* 20240102 */
static bool read_joined_date(struct scan *s, struct civil *civil)
{
    return take_digits(s, 4, 4, &civil->year) && take_digits(s, 2, 2, &civil->month) &&
           take_digits(s, 2, 2, &civil->day);
}

/* Behind the seconds: at most six digits count, the rest is finer than we keep. */
static bool read_fraction(struct scan *s, struct civil *civil)
{
    int unit = 100000, digits = 0;
    for (; is_digit(peek(s)); s->at++, digits++, unit /= 10)
        civil->microsecond += (peek(s) - '0') * unit;
    return digits > 0 && digits <= 9;
}

enum half { HALF_NONE, HALF_MORNING, HALF_AFTERNOON };

static enum half take_half(struct scan *s)
{
    static const struct {
        struct str word;
        enum half half;
    } words[] = {{STR_INIT("上午"), HALF_MORNING},   {STR_INIT("AM"), HALF_MORNING},
                 {STR_INIT("am"), HALF_MORNING},     {STR_INIT("下午"), HALF_AFTERNOON},
                 {STR_INIT("PM"), HALF_AFTERNOON},   {STR_INIT("pm"), HALF_AFTERNOON}};
    skip_blanks(s);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (take(s, words[i].word))
            return words[i].half;
    }
    return HALF_NONE;
}

/* 3:04, 03:04:05, 03:04:05.678, 3时4分, 3时4分5秒 */
static bool read_hours(struct scan *s, struct civil *civil)
{
    if (!take_digits(s, 1, 2, &civil->hour))
        return false;
    if (take(s, STR("时")) || take(s, STR("点"))) {
        if (at_end(s))
            return true;
        if (!take_digits(s, 1, 2, &civil->minute) || !take(s, STR("分")))
            return false;
        return at_end(s) || (take_digits(s, 1, 2, &civil->second) && take(s, STR("秒")));
    }
    if (!(take(s, STR(":")) && take_digits(s, 2, 2, &civil->minute)))
        return false;
    if (!take(s, STR(":")))
        return true;
    if (!take_digits(s, 2, 2, &civil->second))
        return false;
    return !(take(s, STR(".")) || take(s, STR(","))) || read_fraction(s, civil);
}

/* Of twelve hours where a half of the day stands before or behind: 12 of the first is midnight. */
static bool read_time_of_day(struct scan *s, struct civil *civil)
{
    enum half before = take_half(s);
    skip_blanks(s);
    if (!read_hours(s, civil))
        return false;
    size_t at = s->at;
    enum half behind = take_half(s);
    if (behind == HALF_NONE)
        s->at = at;
    enum half half = before != HALF_NONE ? before : behind;
    if (half == HALF_NONE)
        return true;
    if ((before != HALF_NONE && behind != HALF_NONE) || civil->hour > 12)
        return false;
    civil->hour = civil->hour % 12 + (half == HALF_AFTERNOON ? 12 : 0);
    return true;
}

/* 45444.5: the day that a spreadsheet shows as 2024-06-01, at noon. Five digits and a fraction are
 * no other form of a time; of the days from 2010 to 2099 there is no doubt that they are meant. */
static bool read_serial(struct str text, struct civil *civil)
{
    struct scan s = {.text = text};
    int serial;
    int64_t fraction = 0, unit = SERIAL_FRACTION;
    if (!take_digits(&s, 5, 5, &serial) || serial < SERIAL_2010 || serial >= SERIAL_2100)
        return false;
    if (take(&s, STR(".")) && !is_digit(peek(&s)))
        return false;
    for (; is_digit(peek(&s)) && s.text.p[5] == '.'; s.at++) {
        unit /= 10;
        fraction += (peek(&s) - '0') * unit;
    }
    if (!at_end(&s))
        return false;
    int64_t second = (fraction * SECONDS_PER_DAY + SERIAL_FRACTION / 2) / SERIAL_FRACTION;
    int32_t day = serial - SERIAL_1970 + (int32_t)(second / SECONDS_PER_DAY);
    second %= SECONDS_PER_DAY;
    day_to_civil(day, &civil->year, &civil->month, &civil->day);
    civil->hour = (int)(second / 3600);
    civil->minute = (int)(second / 60 % 60);
    civil->second = (int)(second % 60);
    return true;
}

/* Z, +08:00, +0800, +08 */
static bool read_offset(struct scan *s, int32_t *offset_s)
{
    int hours, minutes = 0;
    skip_blanks(s);
    if (at_end(s))
        return true;
    if (take(s, STR("Z")) || take(s, STR("z"))) {
        *offset_s = 0;
        return at_end(s);
    }
    bool west = peek(s) == '-';
    if (!west && peek(s) != '+')
        return false;
    s->at++;
    if (!take_digits(s, 2, 2, &hours))
        return false;
    (void)take(s, STR(":"));
    if (!at_end(s) && !take_digits(s, 2, 2, &minutes))
        return false;
    if (!at_end(s) || hours > 14 || minutes > 59)
        return false;
    *offset_s = (hours * 60 + minutes) * 60 * (west ? -1 : 1);
    return true;
}

/* 1/2/2024, 1-2-24, 01.02.2024: which is the month? */
static bool is_ambiguous(struct str text)
{
    struct scan s = {.text = text};
    int a, b, c;
    if (!take_digits(&s, 1, 2, &a))
        return false;
    char between = peek(&s);
    if (between != '-' && between != '/' && between != '.')
        return false;
    s.at++;
    if (!take_digits(&s, 1, 2, &b) || peek(&s) != between)
        return false;
    s.at++;
    return take_digits(&s, 2, 4, &c) && !is_digit(peek(&s)) && peek(&s) != between;
}

static bool read_form(struct str text, struct civil *civil, int32_t *offset_s)
{
    struct scan s = {.text = text};
    int digits = digits_at_start(text);
    if (digits == 5)
        return read_serial(text, civil);
    bool joined = digits == 8 || digits == 12 || digits == 14;
    if (joined ? !read_joined_date(&s, civil) : !read_parted_date(&s, civil))
        return false;
    if (digits == 12 || digits == 14) {
        bool read = take_digits(&s, 2, 2, &civil->hour) && take_digits(&s, 2, 2, &civil->minute) &&
                    (digits == 12 || take_digits(&s, 2, 2, &civil->second));
        return read && read_offset(&s, offset_s);
    }
    if (peek(&s) == 'T' || peek(&s) == 't')
        s.at++;
    skip_blanks(&s);
    if (at_end(&s))
        return true;
    return read_time_of_day(&s, civil) && read_offset(&s, offset_s);
}

enum import_time import_time_auto(struct str text, struct civil *civil, int32_t *offset_s)
{
    *civil = (struct civil){0};
    *offset_s = INT32_MIN;
    if (!read_form(text, civil, offset_s))
        return is_ambiguous(text) ? IMPORT_TIME_AMBIGUOUS : IMPORT_TIME_UNKNOWN;
    return civil_is_valid(civil) ? IMPORT_TIME_READ : IMPORT_TIME_IMPOSSIBLE;
}
