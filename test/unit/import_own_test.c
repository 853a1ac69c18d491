/* link: room_order test_support */
/* Maps that a brand saves for files of its own, on both databases: saved, found again, put in the place of one of the same
 * name, removed; which columns of the next file they want; and what a person says of how to read a file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "on_both.h"
#include "order_support.h"
#include "room/order/import_wish.h"

/* Columns that no built-in map reads an amount or a number from. */
#define HEAD "甲号,乙时,丙款,丁机,戊注\n"
#define ROW "K1,2024-03-01 10:00,10.50,13900000001,x\n"
#define MAP(name, zone)                                                                                                         \
    "{\"name\": \"" name "\", \"source\": \"本店\", \"time_format\": \"%Y-%m-%d %H:%M\", \"time_zone\": \"" zone "\","          \
    " \"state_default\": \"paid\", \"columns\": {\"order_number\": \"甲号\", \"order_time\": \"乙时\","                         \
    " \"order_amount\": \"丙款|金\", \"phone\": \"丁机\", \"email\": \"没有\"}}"

static const struct str columns[] = {STR_INIT("甲号"), STR_INIT("乙时"), STR_INIT("丙款"), STR_INIT("丁机"), STR_INIT("戊注")};

struct saving {
    struct str name, map;
    int column_count;
    enum err_code expected; /* ERR_NONE: none */
};

/* What is refused rolls its transaction back. */
static const struct err *save_tx(struct tx *tx, void *arg)
{
    struct saving *saving = arg;
    return import_own_map_save(tx, saving->name, saving->map, columns, saving->column_count, STR("林"));
}

static const struct err *delete_tx(struct tx *tx, void *arg)
{
    struct saving *saving = arg;
    return import_own_map_delete(tx, saving->name);
}

static void expect(struct shop *shop, store_fn *fn, struct saving saving)
{
    struct store_job job = {.name = "test", .fn = fn, .arg = &saving};
    const struct err *err = store_write(shop->test->store, shop->arena, &job);
    assert_int_equal(err ? err->code : ERR_NONE, saving.expected);
}

static struct import_own_maps saved(struct shop *shop)
{
    struct import_own_maps own;
    shop_must(shop->arena, import_own_maps(shop->test->store, shop->arena, &own));
    return own;
}

static enum err_code recognise(struct shop *shop, const char *text, struct import_map **map)
{
    struct import_own_maps own = saved(shop);
    struct import_recognition why;
    const struct err *err = import_map_recognise(shop->arena, shop_file(shop, "next.csv", text), &own, map, &why);
    return err ? err->code : ERR_NONE;
}

static void saved_and_found(enum store_kind kind)
{
    struct shop *shop = shop_open(kind, "CNY", "Asia/Shanghai");
    struct import_map *map;
    assert_int_equal(recognise(shop, HEAD ROW, &map), ERR_MAP_NOT_RECOGNISED);
    assert_int_equal(saved(shop).count, 0);
    expect(shop, save_tx, (struct saving){STR("本店的表"), STR(MAP("x", "Asia/Shanghai")), 5, ERR_NONE});
    struct import_own_maps own = saved(shop);
    assert_int_equal(own.count, 1);
    const struct import_map *one = import_own_map(&own, STR("本店的表"));
    assert_non_null(one);
    assert_null(import_own_map(&own, STR("x"))); /* it is called as it was saved */
    /* What the file has is read, by its one name; the email it has not is read no more; the fifth column is known. */
    assert_int_equal(one->columns.count, 4);
    assert_true(import_map_has(one, IMPORT_ORDER_AMOUNT) && !import_map_has(one, IMPORT_EMAIL));
    for (size_t i = 0; i < one->columns.count; i++)
        assert_false(str_eq(one->columns.pairs[i].value, STR("丙款|金")));
    assert_int_equal(one->known.count, 1);
    assert_true(str_eq(((const struct str *)one->known.items)[0], STR("戊注")));
    assert_int_equal(recognise(shop, HEAD ROW, &map), ERR_NONE);
    assert_true(str_eq(map->name, STR("本店的表")) && str_eq(map->source, STR("本店")));
    /* In another order of columns, with semicolons, below a line of its own: found again. */
    assert_int_equal(recognise(shop, "本店导出\n丁机;戊注;丙款;乙时;甲号\n13900000001;x;10.50;2024-03-01 10:00;K1\n", &map), ERR_NONE);
    assert_true(str_eq(map->name, STR("本店的表")));
    /* Without what it reads the amount from, it is not chosen. */
    assert_int_not_equal(recognise(shop, "甲号,乙时,丁机,戊注\nK1,2024-03-01 10:00,13900000001,x\n", &map), ERR_NONE);
    shop->map = map;
    assert_int_equal(recognise(shop, HEAD ROW, &shop->map), ERR_NONE);
    struct import_result result = shop_import(shop, "o.csv", HEAD ROW);
    assert_int_equal(result.orders_new, 1);
    assert_string_equal(shop_sql(shop, "SELECT amount_minor, source FROM orders"), "1050|本店");
    shop_close(shop);
}
ON_BOTH(saved_and_found)

static void put_in_place(enum store_kind kind)
{
    struct shop *shop = shop_open(kind, "CNY", "Asia/Shanghai");
    expect(shop, save_tx, (struct saving){STR("b"), STR(MAP("x", "Asia/Shanghai")), 5, ERR_NONE});
    expect(shop, save_tx, (struct saving){STR("a"), STR(MAP("x", "Asia/Shanghai")), 5, ERR_NONE});
    expect(shop, save_tx, (struct saving){STR("b"), STR(MAP("x", "Europe/London")), 3, ERR_NONE});
    struct import_own_maps own = saved(shop);
    assert_int_equal(own.count, 2);
    assert_true(str_eq(own.items[0].name, STR("a")) && str_eq(own.items[1].name, STR("b"))); /* by name */
    assert_true(str_eq(own.items[1].time_zone, STR("Europe/London")));
    assert_int_equal(own.items[1].columns.count, 3); /* of a file that has three of them */
    assert_true(str_eq(own.items[0].time_zone, STR("Asia/Shanghai")));
    expect(shop, delete_tx, (struct saving){.name = STR("b")});
    expect(shop, delete_tx, (struct saving){.name = STR("b"), .expected = ERR_OWN_MAP_UNKNOWN});
    expect(shop, delete_tx, (struct saving){.name = STR("taobao"), .expected = ERR_OWN_MAP_UNKNOWN});
    assert_int_equal(saved(shop).count, 1);
    shop_close(shop);
}
ON_BOTH(put_in_place)

static void names(enum store_kind kind)
{
    struct shop *shop = shop_open(kind, "CNY", "Asia/Shanghai");
    char longest[IMPORT_OWN_MAP_NAME_BYTES_MAX + 2];
    memset(longest, 'n', sizeof(longest));
    const struct str good[] = {STR("本店 2024/春"), {longest, IMPORT_OWN_MAP_NAME_BYTES_MAX}, STR("'; DROP TABLE orders; --")};
    const struct str bad[] = {STR(""), STR(" a"), STR("a "), STR("a\nb"), STR("a\x7f"), STR("taobao"), STR("own"),
                              {longest, IMPORT_OWN_MAP_NAME_BYTES_MAX + 1}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        expect(shop, save_tx, (struct saving){bad[i], STR(MAP("x", "UTC")), 5, ERR_OWN_MAP_NAME});
    assert_int_equal(saved(shop).count, 0);
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        expect(shop, save_tx, (struct saving){good[i], STR(MAP("x", "UTC")), 5, ERR_NONE});
    struct import_own_maps own = saved(shop);
    assert_int_equal(own.count, 3);
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_non_null(import_own_map(&own, good[i]));
    shop_close(shop);
}
ON_BOTH(names)

/* --- What a person says of one file --- */

static void wishes(enum store_kind kind)
{
    struct shop *shop = shop_open(kind, "CNY", "Asia/Shanghai");
    const struct json_value *value;
    struct import_wish wish;
    struct import_recognition why;
    struct import_map *map;
    bool recognised;
    expect(shop, save_tx, (struct saving){STR("本店的表"), STR(MAP("x", "Asia/Shanghai")), 5, ERR_NONE});
    struct import_own_maps own = saved(shop);
    struct str path = shop_file(shop, "w.csv", HEAD ROW);
    /* Columns by hand go before all that the map reads; its zone and source stay. */
    struct str json = STR("{\"map\": \"本店的表\", \"columns\": {\"order_number\": \"甲号\", \"order_time\": \"乙时\","
                          " \"order_amount\": \"丙款\"}}");
    shop_must(shop->arena, json_read(shop->arena, STR("wish"), json, &value));
    shape_clear(&import_wish_shape, &wish);
    shop_must(shop->arena, shape_read_json(shop->arena, &import_wish_shape, value, &wish));
    shop_must(shop->arena, import_wish_check(shop->arena, &wish, &own, INT64_MAX / 2));
    shop_must(shop->arena, import_wish_map(shop->arena, path, &wish, &own, &map, &recognised, &why));
    assert_false(recognised);
    assert_false(import_map_has(map, IMPORT_PHONE));
    assert_true(str_eq(map->source, STR("本店")));
    /* All that is wrong, at once. */
    json = STR("{\"map\": \"nobody\", \"columns\": {\"no_kind\": \"甲号\"}, \"states\": {\"x\": \"no_state\"},"
               " \"refund_states\": {\"x\": \"no_such\"}}");
    shop_must(shop->arena, json_read(shop->arena, STR("wish"), json, &value));
    shape_clear(&import_wish_shape, &wish);
    shop_must(shop->arena, shape_read_json(shop->arena, &import_wish_shape, value, &wish));
    static const enum err_code expected[] = {ERR_OWN_MAP_UNKNOWN, ERR_MAP_KIND, ERR_MAP_STATE, ERR_MAP_REFUND_STATE};
    size_t count = 0;
    for (const struct err *err = import_wish_check(shop->arena, &wish, &own, INT64_MAX / 2); err; err = err->next, count++)
        assert_in_range(err->code, 1, ERR_CODE_MAX);
    assert_int_equal(count, sizeof(expected) / sizeof(expected[0]));
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        bool told = false;
        for (const struct err *err = import_wish_check(shop->arena, &wish, &own, INT64_MAX / 2); err; err = err->next)
            told = told || err->code == expected[i];
        assert_true(told);
    }
    shop_close(shop);
}
ON_BOTH(wishes)

int main(void)
{
    const struct CMUnitTest tests[] = {BOTH(saved_and_found), BOTH(put_in_place), BOTH(names), BOTH(wishes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
