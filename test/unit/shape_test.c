/* link: contract */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "contract/shape.h"

struct part {
    struct str name;
    int64_t weight;
};
static const struct field part_fields[] = {
    {.name = "name",
     .kind = FIELD_TEXT,
     .offset = offsetof(struct part, name),
     .required = true,
     .min = 1,
     .max = 5},
    {.name = "weight", .kind = FIELD_I64, .offset = offsetof(struct part, weight), .fallback = "7"},
};
static const struct shape part_shape = {
    .name = "part", .size = sizeof(struct part), SHAPE_FIELDS(part_fields)};

struct whole {
    struct str title;
    int64_t count;
    bool yes, on;
    int32_t day;
    int64_t time_us;
    int choice;
    struct part part;
    struct shape_list parts, words;
    struct shape_map map;
};
static const char *const choices[] = {"net", "gross", NULL};
static const struct field whole_fields[] = {
    {.name = "title",
     .kind = FIELD_TEXT,
     .offset = offsetof(struct whole, title),
     .required = true},
    {.name = "count",
     .kind = FIELD_I64,
     .offset = offsetof(struct whole, count),
     .min = 1,
     .max = 10,
     .fallback = "3"},
    {.name = "yes", .kind = FIELD_BOOL, .offset = offsetof(struct whole, yes)},
    {.name = "on", .kind = FIELD_BOOL, .offset = offsetof(struct whole, on), .fallback = "true"},
    {.name = "day", .kind = FIELD_DAY, .offset = offsetof(struct whole, day)},
    {.name = "time", .kind = FIELD_TIME, .offset = offsetof(struct whole, time_us)},
    {.name = "choice",
     .kind = FIELD_ENUM,
     .offset = offsetof(struct whole, choice),
     .values = choices},
    {.name = "part",
     .kind = FIELD_OBJECT,
     .offset = offsetof(struct whole, part),
     .sub = &part_shape},
    {.name = "parts",
     .kind = FIELD_LIST,
     .offset = offsetof(struct whole, parts),
     .sub = &part_shape,
     .max = 3},
    {.name = "words", .kind = FIELD_LIST, .offset = offsetof(struct whole, words)},
    {.name = "map", .kind = FIELD_MAP, .offset = offsetof(struct whole, map)},
};
static const struct shape whole_shape = {
    .name = "whole", .size = sizeof(struct whole), SHAPE_FIELDS(whole_fields)};

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

static const struct err *read_json(struct arena *arena, const char *text, struct whole *out)
{
    const struct json_value *value;
    assert_null(json_read(arena, STR("t"), str_c(text), &value));
    return shape_read_json(arena, &whole_shape, value, out);
}

/* The errors as "CODE place" lines. */
static void assert_errors(struct arena *arena, const struct err *err, const char *expected)
{
    struct buf buf = buf_new(arena, 1 << 20);
    for (; err; err = err->next)
        buf_fmt(&buf, "%s %.*s\n", err_info(err->code)->name, STR_ARG(err->field));
    assert_string_equal(str_z(arena, buf_view(&buf)), expected);
}

static void test_clear(void **state)
{
    (void)state;
    struct whole out;
    memset(&out, 0xAA, sizeof(out));
    shape_clear(&whole_shape, &out);
    assert_null(out.title.p);
    assert_int_equal(out.count, 3);
    assert_false(out.yes);
    assert_true(out.on);
    assert_int_equal(out.day, DAY_NONE);
    assert_true(out.time_us == INT64_MIN);
    assert_int_equal(out.choice, -1);
    assert_int_equal(out.part.weight, 7);
    assert_int_equal(out.parts.count + out.words.count + out.map.count, 0);
}

static void test_json_good(void **state)
{
    struct whole out;
    assert_null(read_json(*state,
                          "{\"title\": \"订单\", \"count\": 10, \"yes\": true, \"on\": false, "
                          "\"day\": \"2011-12-09\","
                          " \"time\": \"2011-12-09T12:50:00+08:00\", \"choice\": \"gross\","
                          " \"part\": {\"name\": \"a\", \"weight\": -1},"
                          " \"parts\": [{\"name\": \"b\"}, {\"name\": \"c\", \"weight\": 9}],"
                          " \"words\": [\"x\", \"\"], \"map\": {\"k1\": \"v1\", \"\": \"\"}}",
                          &out));
    assert_true(str_eq(out.title, STR("订单")));
    assert_int_equal(out.count, 10);
    assert_true(out.yes);
    assert_false(out.on);
    assert_int_equal(out.day, 15317); /* date -d 2011-12-09 +%s ÷ 86400 */
    assert_true(out.time_us == INT64_C(1323406200000000));
    assert_int_equal(out.choice, 1);
    assert_true(str_eq(out.part.name, STR("a")));
    assert_int_equal(out.part.weight, -1);
    const struct part *parts = out.parts.items;
    assert_int_equal(out.parts.count, 2);
    assert_true(str_eq(parts[0].name, STR("b")) && str_eq(parts[1].name, STR("c")));
    assert_int_equal(parts[0].weight, 7);
    assert_int_equal(parts[1].weight, 9);
    const struct str *words = out.words.items;
    assert_int_equal(out.words.count, 2);
    assert_true(str_eq(words[0], STR("x")) && words[1].p && words[1].n == 0);
    assert_int_equal(out.map.count, 2);
    assert_true(str_eq(out.map.pairs[0].key, STR("k1")) &&
                str_eq(out.map.pairs[0].value, STR("v1")));
}

static void test_json_missing_and_null(void **state)
{
    struct whole out;
    assert_null(read_json(
        *state, "{\"title\": \"\", \"count\": null, \"part\": null, \"day\": null}", &out));
    assert_true(out.title.p && out.title.n == 0);
    assert_int_equal(out.count, 3);
    assert_int_equal(out.day, DAY_NONE);
    assert_errors(*state, read_json(*state, "{\"title\": null}", &out), "FIELD_MISSING /title\n");
    assert_errors(*state, read_json(*state, "{\"title\": \"x\", \"part\": {}}", &out),
                  "FIELD_MISSING /part/name\n");
    const struct err *err = read_json(*state, "[]", &out);
    assert_errors(*state, err, "DOCUMENT_NOT_OBJECT \n");
    assert_int_equal(out.count, 3);
}

static void test_json_all_errors_at_once(void **state)
{
    struct whole out;
    const struct err *err =
        read_json(*state,
                  "{\"count\": 11, \"yes\": 1, \"on\": \"true\", \"day\": \"2011-02-29\", "
                  "\"time\": \"yesterday\","
                  " \"choice\": \"Net\", \"part\": {\"name\": \"toolong\", \"wieght\": 1}, "
                  "\"parts\": [{\"name\": \"\"}, 5],"
                  " \"words\": [\"x\", 1], \"map\": {\"a/b~c\": 1, \"ok\": \"x\"}, \"a~/b\": 0}",
                  &out);
    assert_errors(*state, err,
                  "FIELD_MISSING /title\n"
                  "FIELD_RANGE /count\n"
                  "FIELD_NOT_BOOL /yes\n"
                  "FIELD_NOT_BOOL /on\n"
                  "FIELD_NOT_DAY /day\n"
                  "FIELD_NOT_TIME /time\n"
                  "FIELD_NOT_CHOICE /choice\n"
                  "FIELD_LENGTH /part/name\n"
                  "FIELD_UNKNOWN /part/wieght\n"
                  "FIELD_LENGTH /parts/0/name\n"
                  "FIELD_NOT_OBJECT /parts/1\n"
                  "FIELD_NOT_TEXT /words/1\n"
                  "FIELD_NOT_TEXT /map/a~1b~0c\n"
                  "FIELD_UNKNOWN /a~0~1b\n");
    /* What could be read is there. */
    assert_true(str_eq(out.map.pairs[1].value, STR("x")));
}

static void test_json_messages(void **state)
{
    struct arena *arena = *state;
    struct whole out;
    static const struct {
        const char *json, *en;
    } cases[] = {
        {"{\"title\": \"x\", \"cuont\": 1}",
         "/cuont: not known here. The nearest known name is count."},
        {"{\"title\": \"x\", \"count\": 0}", "/count: must be a number from 1 to 10."},
        {"{\"title\": \"x\", \"choice\": \"n\"}", "/choice: must be one of net, gross."},
        {"{\"title\": \"x\", \"day\": \"1980-01-01\"}",
         "/day: must be a day such as 2011-12-09, from 1990-01-01 to 2099-12-31."},
        {"{\"title\": \"x\", \"part\": {\"name\": \"\"}}",
         "/part/name: needs 1 to 5 characters (a Chinese one counts as 3); it has 0."},
        {"{\"title\": \"x\", \"parts\": [{}, {}, {}, {}]}",
         "/parts: must have 0 to 3 items; it has 4."},
        {"{\"title\": 1}", "/title: must be text, in double quotes."},
        {"{\"title\": \"x\", \"count\": 1.0}", "/count: must be a whole number such as 30."},
        {"7", "whole: the whole must be one JSON object in braces."},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct err *err = read_json(arena, cases[i].json, &out);
        assert_non_null(err);
        assert_null(err->next);
        assert_string_equal(str_z(arena, err_text(arena, err, LANG_EN)), cases[i].en);
        assert_int_equal(err_class(err), ERR_CLASS_CALLER);
    }
}

static void test_json_error_limit(void **state)
{
    struct buf buf = buf_new(*state, 1 << 20);
    buf_str(&buf, STR("{\"title\":\"x\""));
    for (int i = 0; i < 500; i++)
        buf_fmt(&buf, ",\"u%d\":0", i);
    buf_char(&buf, '}');
    struct whole out;
    int count = 0;
    for (const struct err *err = read_json(*state, str_z(*state, buf_view(&buf)), &out); err;
         err = err->next)
        count++;
    assert_int_equal(count, SHAPE_ERRORS_MAX);
}

/* Microseconds from Python's datetime. */
static void test_times(void **state)
{
    static const struct {
        const char *text;
        int64_t time_us; /* 0: refused */
    } cases[] = {
        {"2011-12-09", INT64_C(1323388800000000)},
        {"2011-12-09T00:00:00Z", INT64_C(1323388800000000)},
        {"2011-12-09 00:00:00z", INT64_C(1323388800000000)},
        {"2011-12-09T12:50:00+08:00", INT64_C(1323406200000000)},
        {"2011-12-09t12:50:00.25Z", INT64_C(1323435000250000)},
        {"2011-12-09T12:50:00.123456789Z", INT64_C(1323435000123456)},
        {"2011-12-09T23:59:59-05:30", INT64_C(1323494999000000)},
        {"2011-12-09T12:50:00", 0},
        {"2011-12-09T12:50Z", 0},
        {"2011-12-09T24:00:00Z", 0},
        {"2011-12-09T12:60:00Z", 0},
        {"2011-12-09T12:50:60Z", 0},
        {"2011-02-29T12:50:00Z", 0},
        {"2011-12-09T12:50:00.Z", 0},
        {"2011-12-09T12:50:00.1234567890Z", 0},
        {"2011-12-09T12:50:00+0800", 0},
        {"2011-12-09T12:50:00+08:60", 0},
        {"2011-12-09T12:50:00+24:00", 0},
        {"2011-12-09T12:50:00+08:00x", 0},
        {"2011-12-09x12:50:00Z", 0},
        {"2011-12-09T12-50-00Z", 0},
        {"2011-12-09T-2:50:00Z", 0},
        {"11-12-09", 0},
        {"1989-12-31T23:59:59Z", 0},
        {"2100-01-01", 0},
        {"", 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct whole out;
        const char *json =
            str_z(*state, str_fmt(*state, "{\"title\":\"x\",\"time\":\"%s\"}", cases[i].text));
        const struct err *err = read_json(*state, json, &out);
        if (cases[i].time_us == 0) {
            assert_errors(*state, err, "FIELD_NOT_TIME /time\n");
            continue;
        }
        assert_null(err);
        assert_true(out.time_us == cases[i].time_us);
    }
}

/* --- Flags --- */

struct flags {
    struct str map_name;
    int64_t limit;
    bool json;
    int32_t as_of;
    int amount;
    struct shape_list tags;
};
static const struct field flag_fields[] = {
    {.name = "map_name",
     .kind = FIELD_TEXT,
     .offset = offsetof(struct flags, map_name),
     .required = true,
     .doc = TEXT("The map.", "映射。")},
    {.name = "limit",
     .kind = FIELD_I64,
     .offset = offsetof(struct flags, limit),
     .fallback = "20",
     .doc = TEXT("Rows.", "行数。")},
    {.name = "json",
     .kind = FIELD_BOOL,
     .offset = offsetof(struct flags, json),
     .doc = TEXT("As JSON.", "输出 JSON。")},
    {.name = "as_of",
     .kind = FIELD_DAY,
     .offset = offsetof(struct flags, as_of),
     .doc = TEXT("Day.", "日期。")},
    {.name = "amount",
     .kind = FIELD_ENUM,
     .offset = offsetof(struct flags, amount),
     .values = choices,
     .doc = TEXT("Which.", "口径。")},
    {.name = "tag",
     .kind = FIELD_LIST,
     .offset = offsetof(struct flags, tags),
     .max = 2,
     .doc = TEXT("Tags.", "标签。")},
};
static const struct shape flags_shape = {
    .name = "flags", .size = sizeof(struct flags), SHAPE_FIELDS(flag_fields)};

#define ARGS_MAX 16
struct move {
    struct flags out;
    struct str rest[ARGS_MAX];
    int rest_count;
};

/* words: arguments separated by one space each. */
static const struct err *read_flags(struct arena *arena, const char *words, struct move *call)
{
    char *argv[ARGS_MAX];
    int argc = 0;
    struct str left = str_c(words);
    while (left.p && words[0]) {
        struct str word = str_cut(left, ' ', &left);
        char *copy = arena_alloc(arena, word.n + 1);
        memcpy(copy, word.p, word.n);
        argv[argc++] = copy;
    }
    return shape_read_flags(arena, &flags_shape, argc, argv, &call->out, call->rest,
                            &call->rest_count);
}

static void test_flags_good(void **state)
{
    struct move call;
    assert_null(read_flags(
        *state, "a --map-name x --json --as-of=2011-12-09 b --amount net --tag 1 --tag=2 - -- --c",
        &call));
    assert_true(str_eq(call.out.map_name, STR("x")));
    assert_int_equal(call.out.limit, 20);
    assert_true(call.out.json);
    assert_int_equal(call.out.as_of, 15317);
    assert_int_equal(call.out.amount, 0);
    const struct str *tags = call.out.tags.items;
    assert_int_equal(call.out.tags.count, 2);
    assert_true(str_eq(tags[0], STR("1")) && str_eq(tags[1], STR("2")));
    assert_int_equal(call.rest_count, 4);
    assert_true(str_eq(call.rest[0], STR("a")) && str_eq(call.rest[1], STR("b")));
    assert_true(str_eq(call.rest[2], STR("-")) && str_eq(call.rest[3], STR("--c")));

    assert_null(read_flags(*state, "--map-name= --json=false --limit -5", &call));
    assert_true(call.out.map_name.p && call.out.map_name.n == 0);
    assert_false(call.out.json);
    assert_int_equal(call.out.limit, -5);
    assert_int_equal(call.out.as_of, DAY_NONE);
    assert_int_equal(call.out.amount, -1);
    assert_null(read_flags(*state, "--map-name=--x=y --json=true x", &call));
    assert_true(str_eq(call.out.map_name, STR("--x=y")));
    assert_true(call.out.json);
    assert_true(str_eq(call.rest[0], STR("x")));
}

static void test_flags_bad(void **state)
{
    struct move call;
    const struct err *err =
        read_flags(*state,
                   "--limit ten --amuont=net --as-of today --json=yes -x --tag a --tag b --tag c"
                   " --limit",
                   &call);
    assert_errors(*state, err,
                  "FIELD_NOT_NUMBER --limit\n"
                  "FLAG_UNKNOWN --amuont\n"
                  "FIELD_NOT_DAY --as-of\n"
                  "FIELD_NOT_BOOL --json\n"
                  "FLAG_UNKNOWN -x\n"
                  "FLAG_VALUE --limit\n"
                  "FIELD_MISSING --map-name\n"
                  "FIELD_COUNT --tag\n");
    assert_true(str_eq(err->next->arg[0], STR("--amount")));
    assert_string_equal(
        str_z(*state, err_text(*state, err->next, LANG_EN)),
        "--amuont: not an option here. The nearest known option is --amount; --help lists all.");

    assert_errors(*state, read_flags(*state, "--map-name --json", &call),
                  "FLAG_VALUE --map-name\n");
    assert_true(call.out.json);
    assert_errors(*state, read_flags(*state, "--map-name a --map-name b", &call),
                  "FLAG_TWICE --map-name\n");
    assert_errors(*state, read_flags(*state, "--map_name a --as_off 1 --map-name b", &call),
                  "FLAG_UNKNOWN --map_name\nFLAG_UNKNOWN --as_off\n");
    assert_errors(*state, read_flags(*state, "--map-name \xFF", &call),
                  "FIELD_NOT_UTF8 --map-name\n");
    assert_errors(*state, read_flags(*state, "--map-name=x --json --json", &call),
                  "FLAG_TWICE --json\n");
    assert_errors(*state, read_flags(*state, "", &call), "FIELD_MISSING --map-name\n");
}

/* By hand: "reprot" is two changes from "report", more from the others; of equals the first. */
static void test_nearest_word(void **state)
{
    const struct str names[] = {STR("import"), STR("report"), STR("verify"), STR("by-channel")};
    (void)state;
    assert_true(str_eq(nearest_word(STR("reprot"), names, 4), STR("report")));
    assert_true(str_eq(nearest_word(STR("by_chanel"), names, 4), STR("by-channel")));
    assert_true(str_eq(nearest_word(STR(""), names, 3), STR("import")));
    assert_null(nearest_word(STR("report"), names, 0).p);
}

static void test_nearest_flag(void **state)
{
    static const struct {
        const char *words, *nearest;
    } cases[] = {
        {"--mapname x", "--map-name"}, {"--map_name x", "--map-name"},
        {"--jsn", "--json"},           {"--asof x", "--as-of"},
        {"--tags", "--tag"},           {"-limit", "--limit"},
        {"--amounts", "--amount"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct move call;
        const struct err *err = read_flags(*state, cases[i].words, &call);
        assert_int_equal(err->code, ERR_FLAG_UNKNOWN);
        assert_string_equal(str_z(*state, err->arg[0]), cases[i].nearest);
    }
}

static void test_flags_of_empty_shape(void **state)
{
    static const struct shape none = {.name = "none", .size = 1};
    char out;
    char *argv[] = {(char[]){"x"}, (char[]){"--y"}};
    struct str rest[2];
    int rest_count;
    const struct err *err = shape_read_flags(*state, &none, 2, argv, &out, rest, &rest_count);
    assert_errors(*state, err, "FLAG_UNKNOWN --y\n");
    assert_true(str_eq(err->arg[0], STR("--help")));
    assert_int_equal(rest_count, 1);
}

static void test_help(void **state)
{
    assert_string_equal(str_z(*state, shape_flags_help(*state, &flags_shape, LANG_EN)),
                        "  --map-name TEXT     The map. (required)\n"
                        "  --limit NUMBER      Rows. (default 20)\n"
                        "  --json              As JSON.\n"
                        "  --as-of YYYY-MM-DD  Day.\n"
                        "  --amount net|gross  Which.\n"
                        "  --tag TEXT…         Tags.\n");
    struct str chinese = shape_flags_help(*state, &flags_shape, LANG_ZH);
    assert_true(str_starts(
        chinese,
        STR("  --map-name TEXT     映射。（必填）\n  --limit NUMBER      行数。（默认 20）\n")));
}

/* --- JSON texts that are written as they stand --- */

struct told {
    struct str one, either, many, any, rows;
};
static const struct field inner_fields[] = {
    SHAPE_TOLD("n", I64, NULL, NULL),
};
static const struct shape inner_shape = {.name = "inner", SHAPE_FIELDS(inner_fields)};
static const struct field told_fields[] = {
    SHAPE_FIELD(struct told, one, JSON, NULL, NULL, .required = true, .sub = &inner_shape),
    SHAPE_FIELD(struct told, either, JSON, NULL, NULL, .sub = &inner_shape),
    SHAPE_FIELD(struct told, many, JSON_LIST, NULL, NULL, .sub = &inner_shape),
    SHAPE_FIELD(struct told, any, JSON, NULL, NULL),
    SHAPE_FIELD(struct told, rows, JSON_ROWS, NULL, NULL),
};
static const struct shape told_shape = {
    .name = "told", .size = sizeof(struct told), SHAPE_FIELDS(told_fields)};

/* Expected: JSON Schema 2020-12 by hand; a reference beside null is a choice of two (OpenAPI 3.1
 * has no "nullable"). */
static void test_schema_of_json_texts(void **state)
{
#define INNER "{\"$ref\":\"#/components/schemas/Inner\"}"
    static const char *const expected[] = {
        INNER,
        "{\"oneOf\":[" INNER ",{\"type\":\"null\"}]}",
        "{\"type\":[\"array\",\"null\"],\"items\":" INNER "}",
        "{\"type\":[\"object\",\"null\"],\"additionalProperties\":true}",
        "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"array\",\"items\":{\"type\":"
        "\"object\","
        "\"additionalProperties\":{\"type\":[\"string\",\"number\",\"null\"]}}}}",
    };
    for (int i = 0; i < told_shape.field_count; i++) {
        struct buf out = buf_new(*state, 4096);
        struct json_writer w = json_writer(&out, false);
        shape_write_field_schema(&w, &told_fields[i], true, LANG_EN);
        assert_string_equal(str_z(*state, buf_view(&out)), expected[i]);
    }
#undef INNER
}

static void test_json_texts_stand_as_they_are(void **state)
{
    const struct told told = {.one = STR("{\"n\":1}"), .many = STR("[{\"n\":2}]")};
    struct buf out = buf_new(*state, 4096);
    struct json_writer w = json_writer(&out, false);
    shape_write_json(&w, &told_shape, &told);
    assert_string_equal(str_z(*state, buf_view(&out)),
                        "{\"one\":{\"n\":1},\"either\":null,\"many\":[{\"n\":2}],"
                        "\"any\":null,\"rows\":null}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clear),
        cmocka_unit_test(test_json_good),
        cmocka_unit_test(test_json_missing_and_null),
        cmocka_unit_test(test_json_all_errors_at_once),
        cmocka_unit_test(test_json_messages),
        cmocka_unit_test(test_json_error_limit),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_flags_good),
        cmocka_unit_test(test_flags_bad),
        cmocka_unit_test(test_nearest_word),
        cmocka_unit_test(test_nearest_flag),
        cmocka_unit_test(test_flags_of_empty_shape),
        cmocka_unit_test(test_help),
        cmocka_unit_test(test_schema_of_json_texts),
        cmocka_unit_test(test_json_texts_stand_as_they_are),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
