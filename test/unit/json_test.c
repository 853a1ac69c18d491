/* link: codec */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <math.h>
#include <string.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/limits.h"
#include "codec/json.h"

static int setup(void **state)
{
    *state = arena_new("test", (size_t)64 << 20);
    return 0;
}

static int teardown(void **state)
{
    arena_free(*state);
    return 0;
}

static const struct json_value *read_good(struct arena *arena, struct str text)
{
    const struct json_value *value = NULL;
    assert_null(json_read(arena, STR("t"), text, &value));
    return value;
}

static const struct err *read_bad(struct arena *arena, struct str text)
{
    const struct json_value *value = NULL;
    const struct err *err = json_read(arena, STR("t"), text, &value);
    assert_non_null(err);
    assert_true(str_eq(err->field, STR("t")));
    assert_null(value);
    return err;
}

static void test_values(void **state)
{
    const struct json_value *value =
        read_good(*state, STR("\xEF\xBB\xBF{\"z\": [1, -9223372036854775808, 2.5, true, false, "
                              "null, \"订\\u5355\\n\"],"
                              " \"a\": {}, \"\": \"\"}"));
    assert_int_equal(json_kind(value), JSON_KIND_OBJECT);
    assert_int_equal(json_count(value), 3);
    struct str key;
    const struct json_value *list = json_member(value, 0, &key);
    assert_true(str_eq(key, STR("z")));
    assert_ptr_equal(list, json_get(value, STR("z")));
    assert_int_equal(json_count(list), 7);
    assert_int_equal(json_i64(json_at(list, 0)), 1);
    assert_true(json_f64(json_at(list, 0)) == 1.0);
    assert_true(json_i64(json_at(list, 1)) == INT64_MIN);
    assert_int_equal(json_kind(json_at(list, 2)), JSON_KIND_REAL);
    assert_true(json_f64(json_at(list, 2)) == 2.5);
    assert_int_equal(json_kind(json_at(list, 3)), JSON_KIND_TRUE);
    assert_int_equal(json_kind(json_at(list, 4)), JSON_KIND_FALSE);
    assert_int_equal(json_kind(json_at(list, 5)), JSON_KIND_NULL);
    assert_true(str_eq(json_str(json_at(list, 6)), STR("订单\n")));
    json_member(value, 1, &key);
    assert_true(str_eq(key, STR("a")));
    assert_int_equal(json_count(json_get(value, STR("a"))), 0);
    assert_true(str_eq(json_str(json_get(value, STR(""))), STR("")));
    assert_non_null(json_str(json_get(value, STR(""))).p);
    assert_null(json_get(value, STR("b")));
    assert_null(json_get(value, STR("zz")));
}

static void test_bad(void **state)
{
    struct arena *arena = *state;
    const struct err *err = read_bad(arena, STR("{\n  \"a\": 1,\n  \"b\": x\n}"));
    assert_int_equal(err->code, ERR_JSON_BAD);
    assert_true(str_eq(err->arg[0], STR("3")));

    static const struct str bad[] = {
        STR_INIT(""),
        STR_INIT("{"),
        STR_INIT("[1,]"),
        STR_INIT("{\"a\":1}x"),
        STR_INIT("[1] [2]"),
        STR_INIT("{\"a\":1,\"a\":2}"),
        STR_INIT("[01]"),
        STR_INIT("[NaN]"),
        STR_INIT("['a']"),
        STR_INIT("[\"\\u0000\"]"),
        STR_INIT("[\"\\ud800\"]"),
        STR_INIT("[\"\xFF\"]"),
        STR_INIT("[1e999]"),
        STR_INIT("[9223372036854775808]"),
        STR_INIT("[\"a\nb\"]"),
        STR_INIT("// c\n[]"),
        {"[1,\0]", 5},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(read_bad(arena, bad[i])->code, ERR_JSON_BAD);
    assert_int_equal(read_bad(arena, STR_NONE)->code, ERR_JSON_BAD);
    /* The parser's message ends in the middle of a character; ours does not. */
    for (int shift = 0; shift < 3; shift++) {
        struct buf buf = buf_new(arena, 4096);
        buf_str(&buf, str_slice(STR("xxx"), 0, (size_t)shift));
        for (int i = 0; i < 200; i++)
            buf_str(&buf, STR("订"));
        assert_true(str_is_utf8(read_bad(arena, buf_view(&buf))->arg[2]));
    }
}

static struct str nested(struct arena *arena, int depth)
{
    struct buf buf = buf_new(arena, 1 << 20);
    buf_str(&buf, STR("[\n"));
    for (int i = 1; i < depth; i++)
        buf_char(&buf, '[');
    for (int i = 0; i < depth; i++)
        buf_char(&buf, ']');
    return buf_view(&buf);
}

static void test_depth(void **state)
{
    read_good(*state, nested(*state, LIMIT_JSON_DEPTH_MAX));
    const struct err *err = read_bad(*state, nested(*state, LIMIT_JSON_DEPTH_MAX + 1));
    assert_int_equal(err->code, ERR_JSON_TOO_DEEP);
    assert_true(str_eq(err->arg[1], STR("2")) && str_eq(err->arg[2], STR("64")));
    /* Brackets in strings do not nest, those after an escaped quote neither. */
    struct buf buf = buf_new(*state, 1 << 20);
    buf_str(&buf, STR("[\"\\\""));
    for (int i = 0; i < 200; i++)
        buf_char(&buf, '[');
    buf_str(&buf, STR("\\\\\"]"));
    read_good(*state, buf_view(&buf));
}

static void test_writer(void **state)
{
    struct arena *arena = *state;
    for (int indent = 0; indent < 2; indent++) {
        struct buf buf = buf_new(arena, 1 << 20);
        struct json_writer w = json_writer(&buf, indent == 1);
        json_open(&w, '{');
        json_key(&w, STR("a\"\\\n\x01\x7f订"));
        json_put_str(&w, STR("x"));
        json_key(&w, STR("list"));
        json_open(&w, '[');
        json_put_i64(&w, INT64_MIN);
        json_put_id(&w, 380217684721139712);
        json_put_bool(&w, true);
        json_put_bool(&w, false);
        json_put_null(&w);
        json_put_str(&w, STR_NONE);
        json_open(&w, '{');
        json_close(&w, '}');
        json_close(&w, ']');
        json_key(&w, STR("none"));
        json_open(&w, '[');
        json_close(&w, ']');
        json_close(&w, '}');
        const char *compact =
            "{\"a\\\"\\\\\\n\\u0001\\u007f订\":\"x\",\"list\":[-9223372036854775808,"
            "\"380217684721139712\",true,false,null,null,{}],\"none\":[]}";
        const char *indented = "{\n  \"a\\\"\\\\\\n\\u0001\\u007f订\": \"x\",\n  \"list\": [\n"
                               "    -9223372036854775808,\n    \"380217684721139712\",\n    true,\n"
                               "    false,\n    null,\n    null,\n    {}\n  ],\n  \"none\": []\n}";
        assert_string_equal(str_z(arena, buf_view(&buf)), indent ? indented : compact);
        const struct json_value *value = read_good(arena, buf_view(&buf));
        struct str key;
        json_member(value, 0, &key);
        assert_true(str_eq(key, STR("a\"\\\n\x01\x7f订")));
    }
}

static struct str written_f64(struct arena *arena, double x)
{
    struct buf buf = buf_new(arena, 64);
    struct json_writer w = json_writer(&buf, false);
    json_put_f64(&w, x);
    return buf_view(&buf);
}

/* Expected digits: repr() of Python, which writes the shortest (its exponent and ".0" are spelled
 * otherwise). */
static void test_f64(void **state)
{
    struct arena *arena = *state;
    static const struct {
        double x;
        struct str text;
    } cases[] = {
        {0.1, STR_INIT("0.1")},
        {1.0 / 3, STR_INIT("0.3333333333333333")},
        {2.0 / 3, STR_INIT("0.6666666666666666")},
        {0.1 + 0.2, STR_INIT("0.30000000000000004")},
        {1e22, STR_INIT("1e+22")},
        {1.7976931348623157e308, STR_INIT("1.7976931348623157e+308")},
        {100, STR_INIT("100")},
        {-2.5, STR_INIT("-2.5")},
        {0, STR_INIT("0")},
        {(double)NAN, STR_INIT("null")},
        {(double)INFINITY, STR_INIT("null")},
        {-(double)INFINITY, STR_INIT("null")},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct str text = written_f64(arena, cases[i].x);
        assert_string_equal(str_z(arena, text), cases[i].text.p);
    }
    /* Whatever the bits: valid JSON that reads back the same. */
    uint64_t seed = 1;
    for (int i = 0; i < 100000; i++) {
        struct arena_mark mark = arena_mark(arena);
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        double x;
        memcpy(&x, &seed, sizeof(x));
        if (isfinite(x)) {
            const struct json_value *value = read_good(arena, written_f64(arena, x));
            assert_true(json_f64(value) == x);
        }
        arena_rewind(arena, mark);
    }
}

static void test_minor(void **state)
{
    static const struct {
        int64_t minor;
        int digits;
        const char *text;
    } cases[] = {
        {891140790, 2, "8911407.90"},
        {5, 2, "0.05"},
        {-5, 2, "-0.05"},
        {0, 2, "0.00"},
        {7, 0, "7"},
        {-1234, 3, "-1.234"},
        {100, 2, "1.00"},
        {-100, 2, "-1.00"},
        {INT64_MIN, 2, "-92233720368547758.08"},
        {INT64_MAX, 0, "9223372036854775807"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf buf = buf_new(*state, 64);
        struct json_writer w = json_writer(&buf, false);
        json_put_minor(&w, cases[i].minor, cases[i].digits);
        assert_string_equal(str_z(*state, buf_view(&buf)), cases[i].text);
    }
}

/* Bytes that are not UTF-8 (a file name may have them) still give valid JSON. */
static void test_not_utf8(void **state)
{
    struct buf buf = buf_new(*state, 64);
    struct json_writer w = json_writer(&buf, false);
    json_put_str(&w, STR("a\xFF订\xE8\xAE\n\""
                         "b\xE8"));
    const struct json_value *value = read_good(*state, buf_view(&buf));
    assert_true(str_eq(json_str(value), STR("a\uFFFD订\uFFFD\uFFFD\n\"b\uFFFD")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),   cmocka_unit_test(test_bad), cmocka_unit_test(test_depth),
        cmocka_unit_test(test_writer),   cmocka_unit_test(test_f64), cmocka_unit_test(test_minor),
        cmocka_unit_test(test_not_utf8),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
