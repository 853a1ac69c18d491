/* link: base */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/decimal.h"
#include "support/splitmix.h"

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

/* Of every size alike. */
static int64_t random_i64(uint64_t *seed)
{
    uint64_t value = random_next(seed) >> (random_next(seed) % 64);
    return (int64_t)(random_next(seed) % 2 ? value : -value);
}

/* --- The oracle works on strings of digits, as one does on paper. --- */

static void digits_reverse(char *digits)
{
    size_t n = strlen(digits);
    for (size_t i = 0; i < n / 2; i++) {
        char c = digits[i];
        digits[i] = digits[n - 1 - i];
        digits[n - 1 - i] = c;
    }
}

static void strip_leading_zeros(char *digits)
{
    size_t zeros = strspn(digits, "0");
    if (digits[zeros] == '\0' && zeros > 0)
        zeros--;
    memmove(digits, digits + zeros, strlen(digits + zeros) + 1);
}

static void paper_multiply(const char *a, const char *b, char *product)
{
    int sums[100] = {0};
    size_t a_n = strlen(a), b_n = strlen(b);
    for (size_t i = 0; i < a_n; i++) {
        for (size_t k = 0; k < b_n; k++)
            sums[i + k] += (a[a_n - 1 - i] - '0') * (b[b_n - 1 - k] - '0');
    }
    for (size_t i = 0; i < a_n + b_n; i++) {
        sums[i + 1] += sums[i] / 10;
        product[i] = (char)('0' + sums[i] % 10);
    }
    product[a_n + b_n] = '\0';
    digits_reverse(product);
    strip_leading_zeros(product);
}

static void paper_add_one(char *digits)
{
    digits_reverse(digits);
    size_t i = 0;
    while (digits[i] == '9')
        digits[i++] = '0';
    if (digits[i] == '\0')
        strcpy(digits + i, "1");
    else
        digits[i]++;
    digits_reverse(digits);
}

/* Magnitudes in digits: does the signed number fit an int64? */
static bool paper_fits(const char *digits, bool minus)
{
    const char *most = minus ? "9223372036854775808" : "9223372036854775807";
    size_t n = strlen(digits);
    return n < 19 || (n == 19 && strcmp(digits, most) <= 0);
}

static void magnitude(int64_t value, char digits[100])
{
    snprintf(digits, 100, "%llu",
             (unsigned long long)(value < 0 ? -(uint64_t)value : (uint64_t)value));
}

static void assert_is(int64_t value, const char *digits, bool minus)
{
    char expected[120], text[32];
    bool negative = minus && strcmp(digits, "0") != 0;
    snprintf(expected, sizeof expected, "%s%s", negative ? "-" : "", digits);
    snprintf(text, sizeof text, "%lld", (long long)value);
    assert_string_equal(text, expected);
}

static void test_mul_against_paper(void **state)
{
    (void)state;
    uint64_t seed = 6;
    int fitted = 0;
    for (int i = 0; i < 200000; i++) {
        struct decimal a = {random_i64(&seed), (int)(random_next(&seed) % 10)};
        struct decimal b = {random_i64(&seed), (int)(random_next(&seed) % 10)};
        char a_digits[100], b_digits[100], product[201];
        magnitude(a.mantissa, a_digits);
        magnitude(b.mantissa, b_digits);
        paper_multiply(a_digits, b_digits, product);
        int scale = a.scale + b.scale;
        while (scale > 0 && product[strlen(product) - 1] == '0') {
            product[strlen(product) - 1] = '\0';
            if (product[0] == '\0')
                strcpy(product, "0");
            scale--;
        }
        bool minus = (a.mantissa < 0) != (b.mantissa < 0);
        bool fits = scale <= DECIMAL_SCALE_MAX && paper_fits(product, minus);
        struct decimal out;
        assert_int_equal(decimal_mul(a, b, &out), fits);
        if (!fits)
            continue;
        fitted++;
        assert_int_equal(out.scale, scale);
        assert_is(out.mantissa, product, minus);
    }
    assert_in_range(fitted, 20000, 180000);
}

static void test_to_minor_against_paper(void **state)
{
    (void)state;
    uint64_t seed = 7;
    int fitted = 0;
    for (int i = 0; i < 200000; i++) {
        struct decimal value = {random_i64(&seed), (int)(random_next(&seed) % 10)};
        int digits = (int)(random_next(&seed) % 5);
        char text[140];
        magnitude(value.mantissa, text);
        for (int k = value.scale; k < digits; k++)
            strcat(text, "0");
        int cut = value.scale - digits;
        if (cut > 0) {
            char padded[160];
            snprintf(padded, sizeof padded, "0000000000%s", text);
            size_t kept = strlen(padded) - (size_t)cut;
            bool up = padded[kept] >= '5';
            padded[kept] = '\0';
            if (up)
                paper_add_one(padded);
            strcpy(text, padded);
        }
        strip_leading_zeros(text);
        bool minus = value.mantissa < 0;
        int64_t minor;
        assert_int_equal(decimal_to_minor(value, digits, &minor), paper_fits(text, minus));
        if (!paper_fits(text, minus))
            continue;
        fitted++;
        assert_is(minor, text, minus);
    }
    assert_in_range(fitted, 100000, 199999);
}

/* Writes value / 10^scale by hand from its digits, with commas where asked. */
static void write_by_hand(int64_t value, int scale, bool commas, char out[100])
{
    char digits[100], padded[140];
    magnitude(value, digits);
    snprintf(padded, sizeof padded, "%.*s%s",
             strlen(digits) > (size_t)scale ? 0 : scale + 1 - (int)strlen(digits),
             "0000000000000000000", digits);
    size_t whole = strlen(padded) - (size_t)scale;
    char *at = out;
    if (value < 0)
        *at++ = '-';
    for (size_t i = 0; i < whole; i++) {
        if (commas && i > 0 && (whole - i) % 3 == 0)
            *at++ = ',';
        *at++ = padded[i];
    }
    if (scale > 0)
        at += sprintf(at, ".%s", padded + whole);
    *at = '\0';
}

static void test_writing_and_reading_back(void **state)
{
    (void)state;
    uint64_t seed = 8;
    for (int i = 0; i < 200000; i++) {
        int64_t value = i == 0 ? INT64_MIN : i == 1 ? INT64_MAX : random_i64(&seed);
        int scale = (int)(random_next(&seed) % 10);
        char plain[100], grouped[100];
        write_by_hand(value, scale, false, plain);
        write_by_hand(value, scale, true, grouped);
        struct arena_mark mark = arena_mark(arena);
        assert_string_equal(str_z(arena, minor_plain(arena, value, scale)), plain);
        assert_string_equal(str_z(arena, minor_grouped(arena, value, scale)), grouped);
        struct decimal out;
        assert_true(decimal_parse(str_c(plain), &out));
        assert_true(out.mantissa == value && out.scale == scale);
        assert_true(decimal_parse(str_c(grouped), &out));
        assert_true(out.mantissa == value && out.scale == scale);
        arena_rewind(arena, mark);
    }
}

static void test_is_written(void **state)
{
    (void)state;
    static const char *const written[] = {"0", "-1,234.50", "+.5", "99999999999999999999.00",
                                          "0.12345678901"};
    static const char *const other[] = {"", "-", ".", "oops", "1e3", "1.2.3", "12 ", "1.5元"};
    for (size_t i = 0; i < sizeof written / sizeof written[0]; i++)
        assert_true(decimal_is_written(str_c(written[i])));
    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++)
        assert_false(decimal_is_written(str_c(other[i])));
}

static void test_parse_by_hand(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t mantissa;
        int scale;
    } good[] = {
        {"1234", 1234, 0},
        {"-1,234.50", -123450, 2},
        {"+0.5", 5, 1},
        {".5", 5, 1},
        {"-.05", -5, 2},
        {"0", 0, 0},
        {"-0", 0, 0},
        {"007", 7, 0},
        {"12,345,678", 12345678, 0},
        {"123,456.789", 123456789, 3},
        {"0.000000001", 1, 9},
        {"9223372036854775807", INT64_MAX, 0},
        {"-9223372036854775808", INT64_MIN, 0},
        {"9,223,372,036,854,775,807", INT64_MAX, 0},
        {"-9223372036.854775808", INT64_MIN, 9},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct decimal out;
        if (!decimal_parse(str_c(good[i].text), &out))
            fail_msg("%s is not read", good[i].text);
        assert_true(out.mantissa == good[i].mantissa);
        assert_int_equal(out.scale, good[i].scale);
    }
    static const char *const bad[] = {
        "",
        "-",
        "+",
        ".",
        "-.",
        ",",
        "1,",
        ",123",
        "12E3",
        "1e3",
        "1.",
        "1..2",
        "1.2.3",
        " 1",
        "1 ",
        "1,23",
        "1,2",
        "1234,567",
        "1,2345",
        "1,234,56",
        "1,23,456",
        "1,,234",
        "--1",
        "+-1",
        "0x10",
        "１２",
        "¥12",
        "12元",
        "1.234,5",
        "1.23,456",
        "nan",
        "-,123",
        "1,234,",
        "1-",
        "(12)",
        "1 234.5",
        "1'234",
        "1,234.5,6",
        ",.5",
        "1,.5",
        "0.1234567890",
        "9223372036854775808",
        "-9223372036854775809",
        "99999999999999999999999999",
        "9223372036.854775808",
    };
    struct decimal out = {77, 3};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (decimal_parse(str_c(bad[i]), &out))
            fail_msg("%s is read", bad[i]);
    }
    assert_false(decimal_parse(STR_NONE, &out));
    assert_true(out.mantissa == 77 && out.scale == 3);
}

static void test_rounding_by_hand(void **state)
{
    (void)state;
    static const struct {
        int64_t mantissa;
        int scale, digits;
        int64_t minor;
    } cases[] = {
        {125, 3, 2, 13},   {-125, 3, 2, -13}, {124, 3, 2, 12},
        {1005, 3, 2, 101}, {5, 1, 0, 1},      {-5, 1, 0, -1},
        {49, 2, 0, 0},     {15, 1, 3, 1500},  {INT64_MAX, 9, 0, 9223372037},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t minor;
        struct decimal value = {cases[i].mantissa, cases[i].scale};
        assert_true(decimal_to_minor(value, cases[i].digits, &minor));
        assert_int_equal(minor, cases[i].minor);
    }
    int64_t minor;
    assert_false(decimal_to_minor((struct decimal){INT64_MAX, 0}, 1, &minor));
    assert_false(decimal_to_minor((struct decimal){INT64_MIN, 0}, 2, &minor));
    assert_true(pow10_i64(0) == 1 && pow10_i64(18) == INT64_C(1000000000000000000));
}

/* ISO 4217's list one as published on 2024-06-25 (its XML), by <CcyMnrUnts>. After it came XCG;
 * HRK, SLL and ZWL had left it since 2021. Its "N.A." are XDR XUA XSU XBA XBB XBC XBD XTS XXX XAU
 * XPD XPT XAG. */
static int published_digits(const char *code)
{
    static const struct {
        int digits;
        const char *codes;
    } lists[] = {
        {0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"},
        {2, "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN "
            "BWP BYN BZD CAD CDF CHE CHF CHW CNY COP COU CRC CUC CUP CVE CZK DKK DOP DZD EGP ERN "
            "ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES "
            "KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK "
            "MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR "
            "SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD "
            "TZS UAH USD USN UYU UZS VED VES WST XCD YER ZAR ZMW ZWG"},
        {2, "XCG HRK SLL ZWL"},
        {3, "BHD IQD JOD KWD LYD OMR TND"},
        {4, "CLF UYW"},
    };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        if (strstr(lists[i].codes, code) != NULL)
            return lists[i].digits;
    }
    return -1;
}

static void test_currencies(void **state)
{
    (void)state;
    int count = 0;
    for (int i = 0; i < 26 * 26 * 26; i++) {
        char code[] = {(char)('A' + i / 676), (char)('A' + i / 26 % 26), (char)('A' + i % 26), 0};
        int expected = published_digits(code);
        int digits = currency_digits(str_c(code));
        if (digits != expected)
            fail_msg("%s: %d digits, published %d", code, digits, expected);
        count += digits >= 0;
    }
    assert_int_equal(count, 179 - 13 + 4);
    static const char *const unknown[] = {"",    "RMB", "QQQ", "cny", "CN",  "CNYX", "¥",
                                          "C1Y", "XYZ", "DEM", "ITL", "CNH", "XAU",  "XXX",
                                          "XTS", "Y U", "NY ", " CN", "BTC"};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        if (currency_digits(str_c(unknown[i])) != -1)
            fail_msg("%s is taken for a currency", unknown[i]);
    }
    assert_int_equal(currency_digits(STR_NONE), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mul_against_paper),
        cmocka_unit_test(test_to_minor_against_paper),
        cmocka_unit_test(test_writing_and_reading_back),
        cmocka_unit_test(test_is_written),
        cmocka_unit_test(test_parse_by_hand),
        cmocka_unit_test(test_rounding_by_hand),
        cmocka_unit_test(test_currencies),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
