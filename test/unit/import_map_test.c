/* link: room_order */
/* Maps: the built-in ones, the example of docs/import-maps.md, and every error a person can make,
 * all at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/arena.h"
#include "codec/file.h"
#include "room/order/import_row.h"

static struct arena *arena;

static int setup(void **state)
{
    (void)state;
    secret_init();
    arena = arena_new("test", (size_t)1 << 28);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static bool has_error(const struct err *err, enum err_code code, const char *field_end)
{
    for (; err; err = err->next) {
        if (err->code == code && str_ends(err->field, str_c(field_end)))
            return true;
    }
    return false;
}

static const struct err *read_text(const char *json, struct import_map **map)
{
    return import_map_of_text(arena, STR("map"), str_c(json), map);
}

static void test_builtin(void **state)
{
    (void)state;
    struct import_map *map;
    assert_int_equal(import_builtin_count, 20);
    for (int i = 0; i < import_builtin_count; i++) {
        struct str name, json;
        import_builtin(i, &name, &json);
        assert_null(import_map_read(arena, name, &map));
        assert_true(str_eq(map->name, name));
        assert_true(str_is(map->title_en) && str_is(map->title_zh));
    }
    const struct err *err = import_map_read(arena, STR("no-such-map"), &map);
    assert_int_equal(err->code, ERR_MAP_UNKNOWN);
}

static bool names_column(const struct import_map *map, struct str column)
{
    const struct str *known = map->known.items;
    for (size_t i = 0; i < map->columns.count; i++) {
        if (import_column_is(arena, column, map->columns.pairs[i].value))
            return true;
    }
    for (size_t i = 0; i < map->known.count; i++) {
        if (import_column_is(arena, column, known[i]))
            return true;
    }
    return false;
}

/* What tells a platform's files from all others must be a column of its own map, and of no map of
 * another platform. */
static void test_distinctive(void **state)
{
    (void)state;
    int with = 0;
    struct import_map **maps =
        ARENA_ARRAY(arena, (size_t)import_builtin_count, struct import_map *);
    for (int i = 0; i < import_builtin_count; i++) {
        struct str name, json;
        import_builtin(i, &name, &json);
        assert_null(import_map_read(arena, name, &maps[i]));
    }
    for (int i = 0; i < import_builtin_count; i++) {
        const struct str *names = maps[i]->distinctive.items;
        with += maps[i]->distinctive.count > 0;
        for (size_t k = 0; k < maps[i]->distinctive.count; k++) {
            for (int j = 0; j < import_builtin_count; j++) {
                bool same = str_eq(maps[i]->source, maps[j]->source);
                bool named = names_column(maps[j], names[k]);
                if (i == j ? !named : named && !same)
                    fail_msg("%.*s of %.*s, map %.*s", STR_ARG(names[k]), STR_ARG(maps[i]->name),
                             STR_ARG(maps[j]->name));
            }
        }
    }
    assert_int_equal(with, 9); /* eight of the seven platforms, and own-lines */
}

/* By title or short name, as a person would say it. */
static void test_called(void **state)
{
    (void)state;
    static const char *const names[][2] = {
        {"淘宝", "taobao"},     {"天猫", "taobao"},        {"京东", "jd"},
        {"JD", "jd"},           {"拼多多", "pinduoduo"},   {"抖音", "douyin"},
        {"抖店", "douyin"},     {"微信小店", "wechat-shop"}, {"视频号", "wechat-shop"},
        {"有赞", "youzan"},     {"1688", "1688"},          {"阿里巴巴", "1688"},
        {"京东：订单导出", "jd"}, {"宝贝报表", "taobao-items"}, {"自制", "own"}};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct import_map *map;
        assert_null(import_map_read(arena, str_c(names[i][0]), &map));
        assert_string_equal(str_z(arena, map->name), names[i][1]);
    }
}

static void test_defaults(void **state)
{
    (void)state;
    struct import_map *map;
    assert_null(read_text("{\"name\":\"a\",\"source\":\"b\",\"time_format\":\"%Y%m%d\","
                          "\"columns\":{\"order_time\":\"t\",\"order_amount\":\"a\"}}",
                          &map));
    assert_int_equal(map->format, IMPORT_FORMAT_CSV);
    assert_true(map->header);
    assert_true(str_eq(map->delimiter, STR(",")));
    assert_true(str_eq(map->encoding, STR("utf-8")));
    assert_true(str_eq(map->state_default, STR("received")));
    assert_false(map->skip_unknown_buyer);
    assert_null(map->time_zone.p);
}

static void test_all_errors_at_once(void **state)
{
    (void)state;
    struct import_map *map;
    const struct err *err = read_text(
        "{\"name\":\"a\",\"source\":\"b\",\"time_format\":\"%H:%M\",\"delimiter\":\"ab\","
        "\"time_zone\":\"Mars/Base\",\"columns\":{\"colour\":\"c\",\"channel\":\"x\"},"
        "\"constants\":{\"channel\":\"web\",\"weight\":\"1\"},\"states\":{\"x\":\"eaten\"},"
        "\"state_default\":\"gone\",\"skip_when\":[{\"column\":\"a\"}],"
        "\"refund_when\":[{\"column\":\"a\",\"number_equals\":\"zero\"}]}",
        &map);
    assert_true(has_error(err, ERR_MAP_DELIMITER, "/delimiter/"));
    assert_true(has_error(err, ERR_MAP_KIND, "/columns/colour"));
    assert_true(has_error(err, ERR_MAP_KIND, "/constants/weight"));
    assert_true(has_error(err, ERR_MAP_TWICE, "/constants/channel"));
    assert_true(has_error(err, ERR_MAP_TIME_FORMAT, "/time_format/"));
    assert_true(has_error(err, ERR_ZONE_UNKNOWN, "/time_zone/"));
    assert_true(has_error(err, ERR_MAP_STATE, "/states/x"));
    assert_true(has_error(err, ERR_MAP_STATE, "/state_default/"));
    assert_true(has_error(err, ERR_MAP_CONDITION, "/skip_when/0"));
    assert_true(has_error(err, ERR_MAP_NUMBER, "/refund_when/0"));
    assert_true(has_error(err, ERR_MAP_NEEDS, "/columns"));
    err = read_text("{\"name\":\"a\",\"source\":\"b\",\"time_format\":\"%Y%m%d\",\"header\":false,"
                    "\"columns\":{\"order_time\":\"when\",\"order_amount\":\"#2\"}}",
                    &map);
    assert_true(has_error(err, ERR_MAP_COLUMN_NUMBER, "/columns/order_time"));
    assert_null(err->next);
    assert_non_null(read_text("{\"name\":\"a\",\"colour\":1}", &map));
    assert_non_null(read_text("[", &map));
}

/* Aliases, numbers, and what is missing. */
static void test_bind(void **state)
{
    (void)state;
    struct import_map *map;
    struct import_columns columns;
    const struct str header[] = {STR_INIT("时间"), STR_INIT(" 金额 "), STR_INIT("huitou_line")};
    assert_null(read_text("{\"name\":\"a\",\"source\":\"b\",\"time_format\":\"%Y%m%d\","
                          "\"columns\":{\"order_time\":\"date|时间\",\"order_amount\":\"#2\"},"
                          "\"skip_when\":[{\"column\":\"金额\",\"empty\":true}]}",
                          &map));
    assert_null(import_columns_bind(arena, STR("f"), map, header, 3, &columns));
    assert_int_equal(columns.of_kind[IMPORT_ORDER_TIME], 0);
    assert_int_equal(columns.of_kind[IMPORT_ORDER_AMOUNT], 1);
    assert_int_equal(columns.of_kind[IMPORT_PHONE], COLUMN_NONE);
    assert_int_equal(columns.skip_when[0], 1);
    assert_true(columns.unread[2]);
    const struct err *err = import_columns_bind(arena, STR("f"), map, header + 2, 1, &columns);
    assert_true(has_error(err, ERR_MAP_COLUMN_MISSING, "f"));
    assert_null(err->next); /* order_time, #2 and the condition's column are told together, once */
    assert_string_equal(str_z(arena, err->arg[0]), "date, #2, 金额");
    assert_string_equal(str_z(arena, err->arg[1]), "huitou_line");
    assert_string_equal(str_z(arena, err->arg[2]), "a");
}

/* Two columns of one name: the map must say which, by number. */
static void test_ambiguous_column(void **state)
{
    (void)state;
    struct import_map *map;
    struct import_columns columns;
    const struct str header[] = {STR_INIT("date"), STR_INIT("paid"), STR_INIT(" paid ")};
    assert_null(read_text("{\"name\":\"a\",\"source\":\"b\",\"time_format\":\"%Y%m%d\","
                          "\"columns\":{\"order_time\":\"date\",\"order_amount\":\"sum|paid\"}}",
                          &map));
    const struct err *err = import_columns_bind(arena, STR("f"), map, header, 3, &columns);
    assert_true(has_error(err, ERR_MAP_COLUMN_AMBIGUOUS, "f"));
    assert_null(err->next);
    assert_null(read_text("{\"name\":\"a\",\"source\":\"b\",\"time_format\":\"%Y%m%d\","
                          "\"columns\":{\"order_time\":\"date\",\"order_amount\":\"#3\"}}",
                          &map));
    assert_null(import_columns_bind(arena, STR("f"), map, header, 3, &columns));
    assert_int_equal(columns.of_kind[IMPORT_ORDER_AMOUNT], 2);
}

/* The example that people copy must be right. */
static void test_documented_example(void **state)
{
    (void)state;
    struct str text;
    assert_null(file_read(arena, STR(TEST_DATA "/../../docs/import-maps.md"), 1 << 20, &text));
    const char *from = strstr(str_z(arena, text), "```json\n");
    assert_non_null(from);
    from += strlen("```json\n");
    struct str json = str_copy(arena, (struct str){from, (size_t)(strstr(from, "```") - from)});
    struct import_map *map;
    assert_null(import_map_of_text(arena, STR("example"), json, &map));
    for (int kind = 0; kind < IMPORT_KIND_MAX; kind++) {
        const char *name = import_kind_info((enum import_kind)kind)->name;
        assert_non_null(strstr(str_z(arena, text), str_z(arena, str_fmt(arena, "`%s`", name))));
    }
    for (int i = 0; i < import_map_shape.field_count; i++) {
        const char *name = import_map_shape.fields[i].name;
        assert_non_null(strstr(str_z(arena, text), str_z(arena, str_fmt(arena, "`%s`", name))));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_builtin),
        cmocka_unit_test(test_distinctive),
        cmocka_unit_test(test_called),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_all_errors_at_once),
        cmocka_unit_test(test_bind),
        cmocka_unit_test(test_ambiguous_column),
        cmocka_unit_test(test_documented_example),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
