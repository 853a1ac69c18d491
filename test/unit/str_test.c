/* link: base */
#include <iconv.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/lang.h"
#include "base/str.h"

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

static void assert_str(struct str s, const char *expected)
{
    assert_non_null(s.p);
    assert_string_equal(str_z(arena, s), expected);
    assert_int_equal(s.n, strlen(expected));
}

static void test_absent_and_empty(void **state)
{
    (void)state;
    assert_null(str_c(NULL).p);
    assert_false(str_is(STR_NONE));
    assert_false(str_is(STR("")));
    assert_true(str_is(STR(" ")));
    assert_null(str_copy(arena, STR_NONE).p);
    assert_non_null(str_copy(arena, STR("")).p);
    assert_null(str_trim(STR_NONE).p);
    assert_null(str_slice(STR_NONE, 0, 5).p);
    assert_true(str_eq(STR_NONE, STR("")));
    assert_string_equal(str_z(arena, STR_NONE), "");
    assert_int_equal(str_width(STR_NONE), 0);
    assert_true(str_is_utf8(STR_NONE));
    struct str rest = STR("x");
    assert_null(str_cut(STR_NONE, ',', &rest).p);
    assert_null(rest.p);
}

static void test_comparing(void **state)
{
    (void)state;
    assert_true(str_eq(STR("abc"), STR("abc")));
    assert_false(str_eq(STR("abc"), STR("abd")));
    assert_false(str_eq(STR("abc"), STR("ab")));
    assert_true(str_eq_nocase(STR("AbZ[é"), STR("aBz[é")));
    assert_false(str_eq_nocase(STR("["), STR("{"))); /* 0x5B and 0x7B are no letters */
    assert_false(str_eq_nocase(STR("É"), STR("é")));
    assert_true(str_cmp(STR("ab"), STR("abc")) < 0);
    assert_true(str_cmp(STR("b"), STR("abc")) > 0);
    assert_true(str_cmp(STR("\x7F"), STR("\x80")) < 0);
    assert_true(str_cmp(STR("a"), STR("a\0")) < 0);
    assert_int_equal(str_cmp(STR("a"), STR("a")), 0);
    assert_int_equal(str_cmp(STR_NONE, STR("")), 0);
    assert_true(str_starts(STR("abc"), STR("ab")));
    assert_true(str_starts(STR("abc"), STR("")));
    assert_false(str_starts(STR("ab"), STR("abc")));
    assert_true(str_ends(STR("abc"), STR("bc")));
    assert_false(str_ends(STR("abc"), STR("b")));
    assert_false(str_ends(STR("c"), STR("bc")));
}

static void test_taking_apart(void **state)
{
    (void)state;
    assert_str(str_trim(STR(" \t\r\n\v\f a b \xC2\xA0")), "a b");
    assert_str(str_trim(STR("\xEF\xBB\xBF\xE3\x80\x80张 三\xE3\x80\x80")), "张 三");
    assert_str(str_trim(STR(" \xE3\x80\x80 ")), "");
    assert_str(str_trim(STR("\x80")), "\x80");
    assert_str(str_slice(STR("abcdef"), 2, 4), "cd");
    assert_str(str_slice(STR("abc"), 1, 9), "bc");
    assert_str(str_slice(STR("abc"), 7, 9), "");
    assert_str(str_slice(STR("abc"), 2, 1), "");
    struct str rest;
    assert_str(str_cut(STR("a,b,c"), ',', &rest), "a");
    assert_str(rest, "b,c");
    assert_str(str_cut(STR("a,"), ',', &rest), "a");
    assert_str(rest, "");
    assert_str(str_cut(STR(",a"), ',', &rest), "");
    assert_str(rest, "a");
    assert_str(str_cut(STR("abc"), ',', &rest), "abc");
    assert_null(rest.p);
}

static void test_putting_together(void **state)
{
    (void)state;
    assert_str(str_fmt(arena, "%d-%s", 42, "x"), "42-x");
    assert_str(str_fmt(arena, "%s", ""), "");
    struct str parts[] = {STR("a"), STR_NONE, STR("ccc")};
    assert_str(str_join(arena, parts, 3, STR(", ")), "a, , ccc");
    assert_str(str_join(arena, parts, 1, STR(", ")), "a");
    assert_str(str_join(arena, NULL, 0, STR(", ")), "");
    struct str copy = str_copy(arena, STR("a\0b"));
    assert_int_equal(copy.n, 3);
    assert_memory_equal(copy.p, "a\0b", 4);
}

static void test_buf(void **state)
{
    (void)state;
    static char expected[100000];
    size_t n = 0;
    struct buf buf = buf_new(arena, sizeof expected);
    assert_str(buf_view(&buf), "");
    for (int i = 0; n < sizeof expected - 40; i++) {
        int added = snprintf(expected + n, 30, "%d;", i * i);
        n += (size_t)added;
        if (i % 3 == 0)
            buf_fmt(&buf, "%d;", i * i);
        else if (i % 3 == 1)
            buf_add(&buf, expected + n - added, (size_t)added);
        else
            for (int k = added; k > 0; k--)
                buf_char(&buf, expected[n - (size_t)k]);
    }
    assert_int_equal(buf_view(&buf).n, n);
    assert_memory_equal(buf_view(&buf).p, expected, n);
    /* A buffer may be filled to its last byte, formatted text included. */
    const char *text = "0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF";
    struct buf exact = buf_new(arena, 64);
    buf_fmt(&exact, "%s", text);
    buf_str(&exact, STR_NONE);
    assert_str(buf_view(&exact), text);
}

static void test_to_i64(void **state)
{
    (void)state;
    int64_t value = 7;
    assert_true(str_to_i64(STR("0"), &value));
    assert_int_equal(value, 0);
    assert_true(str_to_i64(STR("-0012"), &value));
    assert_int_equal(value, -12);
    assert_true(str_to_i64(STR("+5"), &value));
    assert_int_equal(value, 5);
    assert_true(str_to_i64(STR("9223372036854775807"), &value));
    assert_true(value == INT64_MAX);
    assert_true(str_to_i64(STR("-9223372036854775808"), &value));
    assert_true(value == INT64_MIN);
    static const char *const bad[] = {"",
                                      "-",
                                      "+",
                                      "1 ",
                                      " 1",
                                      "1.0",
                                      "1e3",
                                      "0x1",
                                      "--1",
                                      "１",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "99999999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(str_to_i64(str_c(bad[i]), &value));
    assert_false(str_to_i64(STR_NONE, &value));
    assert_false(str_to_i64(STR("1\0"), &value));
    assert_true(value == INT64_MIN);
}

static void test_to_f64(void **state)
{
    (void)state;
    double value = 7;
    assert_true(str_to_f64(STR("1234.5"), &value) && value == 1234.5);
    assert_true(str_to_f64(STR("-.5"), &value) && value == -0.5);
    assert_true(str_to_f64(STR("+2.5E-1"), &value) && value == 0.25);
    assert_true(str_to_f64(STR("0.1"), &value) && value == 0.1);
    assert_true(str_to_f64(STR("1e308"), &value) && value == 1e308);
    assert_true(str_to_f64(STR("4."), &value) && value == 4);
    static const char *const bad[] = {"",    "-",   ".",  "1e",    "1e+", "nan",  "inf",
                                      "0x1", "1,0", "1 ", "1e400", "e5",  "1.2.3"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(str_to_f64(str_c(bad[i]), &value));
    assert_false(str_to_f64(STR_NONE, &value));
    assert_true(value == 4);
    /* A decimal comma in the process's locale changes nothing. */
    if (setlocale(LC_NUMERIC, "de_DE.UTF-8") != NULL) {
        assert_true(str_to_f64(STR("1.5"), &value) && value == 1.5);
        setlocale(LC_NUMERIC, "C");
    }
}

static bool iconv_accepts(iconv_t converter, const char *p, size_t n)
{
    char in[8], out[64];
    memcpy(in, p, n);
    char *in_at = in, *out_at = out;
    size_t in_left = n, out_left = sizeof out;
    iconv(converter, NULL, NULL, NULL, NULL);
    size_t result = iconv(converter, &in_at, &in_left, &out_at, &out_left);
    return result != (size_t)-1 && in_left == 0;
}

/* Against glibc's iconv: all sequences of one and two bytes, and of more all with interesting
 * bytes. */
static void test_utf8_against_iconv(void **state)
{
    (void)state;
    static const unsigned char edges[] = {0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF,
                                          0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE,
                                          0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xF8, 0xFE, 0xFF};
    enum { EDGES = sizeof edges };
    iconv_t converter = iconv_open("UTF-32LE", "UTF-8");
    assert_true(converter != (iconv_t)-1);
    for (int i = 0; i < 65536; i++) {
        char p[2] = {(char)(i >> 8), (char)i};
        assert_int_equal(str_is_utf8((struct str){p, 2}), iconv_accepts(converter, p, 2));
        assert_int_equal(str_is_utf8((struct str){p + 1, 1}), iconv_accepts(converter, p + 1, 1));
    }
    for (int i = 0; i < EDGES * EDGES * EDGES * EDGES; i++) {
        char p[4] = {(char)edges[i % EDGES], (char)edges[i / EDGES % EDGES],
                     (char)edges[i / EDGES / EDGES % EDGES],
                     (char)edges[i / EDGES / EDGES / EDGES]};
        assert_int_equal(str_is_utf8((struct str){p, 3}), iconv_accepts(converter, p, 3));
        assert_int_equal(str_is_utf8((struct str){p, 4}), iconv_accepts(converter, p, 4));
    }
    iconv_close(converter);
}

/* Against glibc's wcwidth over the scripts that reports hold: Latin, combining marks, Greek,
 * Cyrillic, kana, Chinese, Hangul syllables, full and half width forms. */
static void test_width_against_wcwidth(void **state)
{
    (void)state;
    static const struct {
        wchar_t from, to;
    } blocks[] = {{0x20, 0x7E},      {0xA1, 0xAC},     {0xAE, 0x36F},    {0x386, 0x3CE},
                  {0x400, 0x481},    {0x2010, 0x2027}, {0x3000, 0x3029}, {0x3041, 0x3096},
                  {0x30A0, 0x30FF},  {0x4E00, 0x9FFF}, {0xAC00, 0xD7A3}, {0xFF01, 0xFFBE},
                  {0x20000, 0x2A6DF}};
    assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        for (wchar_t c = blocks[i].from; c <= blocks[i].to; c++) {
            if (wcwidth(c) < 0)
                continue; /* not assigned */
            char bytes[8];
            int n = snprintf(bytes, sizeof bytes, "%lc", (wint_t)c);
            assert_true(n > 0);
            int width = str_width((struct str){bytes, (size_t)n});
            if (width != wcwidth(c))
                fail_msg("U+%04X: %d columns, wcwidth says %d", (unsigned)c, width, wcwidth(c));
        }
    }
    setlocale(LC_CTYPE, "C");
}

static void test_width_and_fit(void **state)
{
    (void)state;
    assert_int_equal(str_width(STR("客户abc")), 7);
    assert_int_equal(str_width(STR("e\xCC\x81")), 1);        /* e and a combining acute accent */
    assert_int_equal(str_width(STR("\xC2\xB1")), 1);         /* U+00B1 is ambiguous */
    assert_int_equal(str_width(STR("\xFF\xFE")), 2);         /* not UTF-8: one each */
    assert_int_equal(str_width(STR("\xF0\x9F\x98\x80")), 2); /* U+1F600 */
    assert_str(str_fit(STR("客户abc"), 5), "客户a");
    assert_str(str_fit(STR("客户abc"), 3), "客");
    assert_str(str_fit(STR("客户"), 1), "");
    assert_str(str_fit(STR("abc"), 3), "abc");
    assert_str(str_fit(STR("e\xCC\x81x"), 1), "e\xCC\x81");
    assert_str(str_fit(STR("abc"), 0), "");
}

static void test_lang_of_locale(void **state)
{
    (void)state;
    assert_int_equal(lang_of_locale("zh_CN.UTF-8"), LANG_ZH);
    assert_int_equal(lang_of_locale("zh"), LANG_ZH);
    assert_int_equal(lang_of_locale("en_GB.UTF-8"), LANG_EN);
    assert_int_equal(lang_of_locale("C"), LANG_EN);
    assert_int_equal(lang_of_locale("z"), LANG_EN);
    assert_int_equal(lang_of_locale(""), LANG_EN);
    assert_int_equal(lang_of_locale(NULL), LANG_EN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_absent_and_empty),
        cmocka_unit_test(test_comparing),
        cmocka_unit_test(test_taking_apart),
        cmocka_unit_test(test_putting_together),
        cmocka_unit_test(test_buf),
        cmocka_unit_test(test_to_i64),
        cmocka_unit_test(test_to_f64),
        cmocka_unit_test(test_utf8_against_iconv),
        cmocka_unit_test(test_width_against_wcwidth),
        cmocka_unit_test(test_width_and_fit),
        cmocka_unit_test(test_lang_of_locale),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
