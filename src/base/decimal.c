#include "base/decimal.h"

#include <string.h>

#include "base/arena.h"
#include "base/check.h"

#define POW10_MAX 18
#define THOUSANDS_GROUP 3

/* ISO 4217, list one (2026), without its metals, units of account and tests. Each code has a blank
 * behind it. Not from ICU: its digits follow use in shops, and its dates of currencies are wrong.
 */
static const char digits_0[] =
    "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF ";
static const char digits_2[] =
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD "
    "CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP "
    "GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK "
    "LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO "
    "NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS "
    "SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST "
    "XCD XCG YER ZAR ZMW ZWG ";
static const char digits_3[] = "BHD IQD JOD KWD LYD OMR TND ";
static const char digits_4[] = "CLF UYW ";
/* Withdrawn since 2021, and in the orders of these years; all have two digits. */
static const char digits_2_withdrawn[] = "ANG BGN CUC HRK SLL ZWL ";

int64_t pow10_i64(int digits)
{
    CHECK(digits >= 0 && digits <= POW10_MAX);
    int64_t power = 1;
    for (int i = 0; i < digits; i++)
        power *= 10;
    return power;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Counted downwards: the smallest int64 has no positive counterpart. */
static bool push_digit(int64_t *negative, char c)
{
    return !__builtin_mul_overflow(*negative, 10, negative) &&
           !__builtin_sub_overflow(*negative, c - '0', negative);
}

/* Reads the digits before the point, with or without thousands commas. */
static bool read_whole(struct str text, size_t *at, int64_t *negative)
{
    int group = 0; /* digits since the start or the last comma */
    bool grouped = false;
    for (; *at < text.n; *at += 1) {
        char c = text.p[*at];
        if (c == ',') {
            if (grouped ? group != THOUSANDS_GROUP : group < 1 || group > THOUSANDS_GROUP)
                return false;
            grouped = true;
            group = 0;
        } else if (is_digit(c)) {
            if (!push_digit(negative, c))
                return false;
            group++;
        } else {
            break;
        }
    }
    return !grouped || group == THOUSANDS_GROUP;
}

bool decimal_parse(struct str text, struct decimal *out)
{
    size_t at = 0;
    bool minus = text.n > 0 && text.p[0] == '-';
    if (minus || (text.n > 0 && text.p[0] == '+'))
        at++;
    size_t start = at;
    int64_t negative = 0;
    if (!read_whole(text, &at, &negative))
        return false;
    bool has_whole = at > start;
    int scale = 0;
    if (at < text.n && text.p[at] == '.') {
        for (at++; at < text.n && is_digit(text.p[at]); at++) {
            if (scale == DECIMAL_SCALE_MAX || !push_digit(&negative, text.p[at]))
                return false;
            scale++;
        }
        if (scale == 0)
            return false;
    }
    if (at != text.n || (!has_whole && scale == 0))
        return false;
    if (!minus && negative == INT64_MIN)
        return false;
    *out = (struct decimal){.mantissa = minus ? negative : -negative, .scale = scale};
    return true;
}

bool decimal_is_written(struct str text)
{
    size_t at = text.n > 0 && (text.p[0] == '-' || text.p[0] == '+') ? 1 : 0, digits = 0;
    for (; at < text.n && (is_digit(text.p[at]) || text.p[at] == ','); at++)
        digits += is_digit(text.p[at]);
    if (at < text.n && text.p[at] == '.')
        for (at++; at < text.n && is_digit(text.p[at]); at++)
            digits++;
    return at == text.n && digits > 0;
}

bool decimal_mul(struct decimal a, struct decimal b, struct decimal *out)
{
    __int128 product = (__int128)a.mantissa * b.mantissa;
    int scale = a.scale + b.scale;
    /* Zeros at the end say nothing: without them more products fit. */
    while (scale > 0 && product % 10 == 0) {
        product /= 10;
        scale--;
    }
    if (scale > DECIMAL_SCALE_MAX || product < INT64_MIN || product > INT64_MAX)
        return false;
    *out = (struct decimal){.mantissa = (int64_t)product, .scale = scale};
    return true;
}

bool decimal_to_minor(struct decimal value, int digits, int64_t *minor)
{
    CHECK(value.scale >= 0 && value.scale <= DECIMAL_SCALE_MAX);
    if (digits >= value.scale)
        return !__builtin_mul_overflow(value.mantissa, pow10_i64(digits - value.scale), minor);
    CHECK(digits >= 0);
    int64_t divisor = pow10_i64(value.scale - digits);
    int64_t quotient = value.mantissa / divisor;
    int64_t remainder = value.mantissa % divisor;
    if (remainder >= divisor / 2)
        quotient++;
    else if (remainder <= -(divisor / 2))
        quotient--;
    *minor = quotient;
    return true;
}

static bool has_code(const char *codes, struct str code)
{
    for (; *codes != '\0'; codes += 4) {
        if (memcmp(codes, code.p, 3) == 0)
            return true;
    }
    return false;
}

int currency_digits(struct str code)
{
    if (code.n != 3)
        return -1;
    if (has_code(digits_2, code) || has_code(digits_2_withdrawn, code))
        return 2;
    if (has_code(digits_0, code))
        return 0;
    if (has_code(digits_3, code))
        return 3;
    return has_code(digits_4, code) ? 4 : -1;
}

static struct str minor_text(struct arena *arena, int64_t minor, int digits, bool grouped)
{
    CHECK(digits >= 0 && digits <= POW10_MAX);
    /* Filled from the end: 20 digits, 6 separators, a point, a sign. */
    char text[32];
    size_t at = sizeof text;
    uint64_t rest = minor < 0 ? -(uint64_t)minor : (uint64_t)minor;
    for (int place = 0; rest > 0 || place <= digits; place++) {
        if (place == digits && digits > 0)
            text[--at] = '.';
        else if (grouped && place > digits && (place - digits) % THOUSANDS_GROUP == 0)
            text[--at] = ',';
        text[--at] = (char)('0' + rest % 10);
        rest /= 10;
    }
    if (minor < 0)
        text[--at] = '-';
    return str_copy(arena, (struct str){text + at, sizeof text - at});
}

struct str minor_plain(struct arena *arena, int64_t minor, int digits)
{
    return minor_text(arena, minor, digits, false);
}

struct str minor_grouped(struct arena *arena, int64_t minor, int digits)
{
    return minor_text(arena, minor, digits, true);
}
