#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "codec/file.h"
#include "codec/table_input.h"
#include "import_maps.h"
#include "room/order/import_row.h"

static const char *const format_names[] = {"csv", "text", NULL};

#define CONDITION_FIELD(member, field_kind, needed, en, zh)                                        \
    {                                                                                              \
        .name = #member, .kind = (field_kind), .required = (needed),                               \
        .offset = offsetof(struct import_condition, member), .doc = TEXT(en, zh)                   \
    }
static const struct field condition_fields[] = {
    CONDITION_FIELD(column, FIELD_TEXT, true, "The column's name, or #3 for the third.",
                    "列名，或 #3 表示第三列。"),
    CONDITION_FIELD(starts_with, FIELD_TEXT, false, "The cell begins with this.",
                    "单元格以此开头。"),
    CONDITION_FIELD(equals, FIELD_TEXT, false, "The cell is exactly this.", "单元格正是此值。"),
    CONDITION_FIELD(contains, FIELD_TEXT, false, "The cell holds this.", "单元格包含此值。"),
    CONDITION_FIELD(number_equals, FIELD_TEXT, false, "The cell is this number: 0 also fits 0.00.",
                    "单元格等于此数：0 也符合 0.00。"),
    CONDITION_FIELD(empty, FIELD_BOOL, false, "The cell is empty.", "单元格为空。"),
    CONDITION_FIELD(negative, FIELD_BOOL, false, "The cell is a number below 0.",
                    "单元格是小于 0 的数。"),
};
static const struct shape condition_shape = {
    .name = "import_condition",
    .size = sizeof(struct import_condition),
    SHAPE_FIELDS(condition_fields),
    .doc = TEXT("A condition on a row; all parts that are given must hold.",
                "对一行的条件；给出的各项须同时成立。"),
};

#define MAP_FIELD(member, field_kind, en, zh)                                                      \
    .name = #member, .kind = (field_kind), .offset = offsetof(struct import_map, member),          \
    .doc = TEXT(en, zh)
static const struct field map_fields[] = {
    {MAP_FIELD(name, FIELD_TEXT, "The map's name.", "映射名。"), .required = true, .min = 1,
     .max = LIMIT_NAME_BYTES_MAX},
    {MAP_FIELD(title_en, FIELD_TEXT, "What it reads, in English.", "英文标题。")},
    {MAP_FIELD(title_zh, FIELD_TEXT, "What it reads, in Chinese.", "中文标题。")},
    {MAP_FIELD(format, FIELD_ENUM, "csv, or text: cells separated by white space.",
               "csv，或 text：以空白分隔的单元格。"),
     .values = format_names, .fallback = "csv"},
    {MAP_FIELD(delimiter, FIELD_TEXT, "One of , ; | or a tab.", "分隔符：, ; | 或制表符。"),
     .fallback = ","},
    {MAP_FIELD(header, FIELD_BOOL, "The first row names the columns.", "首行为列名。"),
     .fallback = "true"},
    {MAP_FIELD(encoding, FIELD_TEXT, "Character set of the file.", "文件的字符集。"),
     .fallback = "utf-8"},
    {MAP_FIELD(source, FIELD_TEXT, "Who gives the order numbers their meaning.",
               "订单号由谁赋予。"),
     .required = true, .min = 1, .max = LIMIT_NAME_BYTES_MAX},
    {MAP_FIELD(time_zone, FIELD_TEXT, "Zone of the file's times; absent: the brand's.",
               "文件时间所在时区；缺省为品牌时区。")},
    {MAP_FIELD(time_format, FIELD_TEXT, "How times are written: %Y-%m-%d %H:%M:%S.",
               "时间写法：%Y-%m-%d %H:%M:%S。"),
     .required = true},
    {MAP_FIELD(issuer, FIELD_TEXT, "Who gives buyer ids their meaning; absent: the source.",
               "买家账号由谁赋予；缺省为 source。"),
     .max = LIMIT_NAME_BYTES_MAX},
    {MAP_FIELD(columns, FIELD_MAP, "Kind of value to column.", "含义到列。"), .required = true},
    {MAP_FIELD(constants, FIELD_MAP, "Kind of value to one value for all rows.",
               "含义到各行相同的值。")},
    {MAP_FIELD(states, FIELD_MAP, "The file's word for a state to ours.",
               "文件中的状态到规范状态。")},
    {MAP_FIELD(state_default, FIELD_TEXT, "The state where none is named.", "没有写明时的状态。"),
     .fallback = "received"},
    {MAP_FIELD(refund_when, FIELD_LIST, "Any of these makes a row a refund.",
               "任一成立则该行为退款。"),
     .sub = &condition_shape},
    {MAP_FIELD(skip_when, FIELD_LIST, "Any of these leaves a row out.", "任一成立则略过该行。"),
     .sub = &condition_shape},
    {MAP_FIELD(skip_unknown_buyer, FIELD_BOOL, "Leave out orders that name no buyer.",
               "略过没有买家的订单。"),
     .fallback = "false"},
};
const struct shape import_map_shape = {
    .name = "import_map",
    .size = sizeof(struct import_map),
    SHAPE_FIELDS(map_fields),
    .doc = TEXT("How to read a merchant's file: docs/import-maps.md.",
                "如何读取商家文件：docs/import-maps.md。"),
};

static const struct import_kind_info kind_infos[IMPORT_KIND_MAX] = {
#define KIND(code, name, personal, en, zh) [IMPORT_##code] = {name, personal, TEXT(en, zh)},
    IMPORT_KIND_TABLE(KIND)
#undef KIND
};

static ERR_RESULT map_of_json(struct arena *arena, struct str field, struct str json,
                              struct import_map **out);
static const struct err *map_check(struct arena *arena, struct str field,
                                   const struct import_map *map);
static struct str builtin_names(struct arena *arena);
static ERR_RESULT map_fits(struct arena *arena, struct str path, const struct import_map *map,
                           bool *fits, struct str *header);

const int import_builtin_count = (int)(sizeof(import_map_texts) / sizeof(import_map_texts[0]));

void import_builtin(int index, struct str *name, struct str *json)
{
    CHECK(index >= 0 && index < import_builtin_count);
    *name = str_c(import_map_texts[index].name);
    *json = (struct str){import_map_texts[index].text, import_map_texts[index].size};
}

const struct import_kind_info *import_kind_info(enum import_kind kind)
{
    CHECK(kind < IMPORT_KIND_MAX);
    return &kind_infos[kind];
}

enum import_kind import_kind_by_name(struct str name)
{
    for (int kind = 0; kind < IMPORT_KIND_MAX; kind++) {
        if (str_eq(name, str_c(kind_infos[kind].name)))
            return (enum import_kind)kind;
    }
    return IMPORT_KIND_MAX;
}

ERR_RESULT import_map_read(struct arena *arena, struct str name_or_path, struct import_map **out)
{
    for (int i = 0; i < import_builtin_count; i++) {
        struct str name, json;
        import_builtin(i, &name, &json);
        if (str_eq(name, name_or_path))
            return map_of_json(arena, name, json, out);
    }
    if (!file_exists(arena, name_or_path))
        return ERR_NEW(arena, ERR_MAP_UNKNOWN, STR("map"), name_or_path, builtin_names(arena));
    struct str json;
    TRY(file_read(arena, name_or_path, LIMIT_MAP_BYTES_MAX, &json));
    return map_of_json(arena, name_or_path, json, out);
}

ERR_RESULT import_map_of_text(struct arena *arena, struct str field, struct str json,
                              struct import_map **out)
{
    return map_of_json(arena, field, json, out);
}

ERR_RESULT import_map_recognise(struct arena *arena, struct str path, struct import_map **out)
{
    struct str header = STR("");
    for (int i = 0; i < import_builtin_count; i++) {
        struct str name, json;
        bool fits = false;
        import_builtin(i, &name, &json);
        TRY(map_of_json(arena, name, json, out));
        /* Columns without names cannot be told apart from others. */
        if (!(*out)->header)
            continue;
        TRY(map_fits(arena, path, *out, &fits, &header));
        if (fits)
            return NULL;
    }
    return ERR_NEW(arena, ERR_MAP_NOT_RECOGNISED, path, header, builtin_names(arena));
}

static ERR_RESULT map_fits(struct arena *arena, struct str path, const struct import_map *map,
                           bool *fits, struct str *header)
{
    struct table_input *table;
    struct import_columns columns;
    struct table_options options = import_table_options(map, path);
    TRY(table_input_open(arena, &options, &table));
    int count;
    const struct str *cells = table_input_header(table, &count);
    *header = str_join(arena, cells, (size_t)count, STR(", "));
    *fits = import_columns_bind(arena, path, map, cells, count, &columns) == NULL;
    table_input_close(table);
    return NULL;
}

struct table_options import_table_options(const struct import_map *map, struct str path)
{
    return (struct table_options){
        .path = path,
        .encoding = map->encoding,
        .delimiter = map->format == IMPORT_FORMAT_TEXT ? 0 : map->delimiter.p[0],
        .has_header = map->header,
    };
}

static struct str builtin_names(struct arena *arena)
{
    struct str *names = ARENA_ARRAY(arena, (size_t)import_builtin_count, struct str);
    for (int i = 0; i < import_builtin_count; i++)
        names[i] = str_c(import_map_texts[i].name);
    return str_join(arena, names, (size_t)import_builtin_count, STR(", "));
}

/* --- Reading and checking
 * ------------------------------------------------------------------------------------------ */

static ERR_RESULT map_of_json(struct arena *arena, struct str field, struct str json,
                              struct import_map **out)
{
    const struct json_value *value;
    struct import_map *map = ARENA_NEW(arena, struct import_map);
    TRY(json_read(arena, field, json, &value));
    shape_clear(&import_map_shape, map);
    TRY(shape_read_json(arena, &import_map_shape, value, map));
    TRY(map_check(arena, field, map));
    *out = map;
    return NULL;
}

bool import_map_has(const struct import_map *map, enum import_kind kind)
{
    struct str name = str_c(kind_infos[kind].name);
    for (size_t i = 0; i < map->columns.count; i++) {
        if (str_eq(map->columns.pairs[i].key, name))
            return true;
    }
    for (size_t i = 0; i < map->constants.count; i++) {
        if (str_eq(map->constants.pairs[i].key, name))
            return true;
    }
    return false;
}

bool import_column_number(struct str name, int64_t *number)
{
    if (name.n < 2 || name.p[0] != '#')
        return false;
    return str_to_i64(str_slice(name, 1, name.n), number) && *number >= 1 &&
           *number <= LIMIT_CELLS_MAX;
}

enum order_state import_state_by_name(struct str name)
{
    for (int state = 0; state < ORDER_STATE_MAX; state++) {
        if (str_eq(name, str_c(order_state_name((enum order_state)state))))
            return (enum order_state)state;
    }
    return ORDER_STATE_MAX;
}

static struct str kind_names(struct arena *arena)
{
    struct str names[IMPORT_KIND_MAX];
    for (int i = 0; i < IMPORT_KIND_MAX; i++)
        names[i] = str_c(kind_infos[i].name);
    return str_join(arena, names, IMPORT_KIND_MAX, STR(", "));
}

static struct str pointer(struct arena *arena, struct str field, const char *member, struct str key)
{
    return str_fmt(arena, "%.*s:/%s/%.*s", STR_ARG(field), member, STR_ARG(key));
}

static void check_columns(struct err_list *list, struct str field, const struct import_map *map)
{
    for (size_t i = 0; i < map->columns.count; i++) {
        const struct shape_pair *pair = &map->columns.pairs[i];
        struct str at = pointer(list->arena, field, "columns", pair->key);
        int64_t number;
        if (import_kind_by_name(pair->key) == IMPORT_KIND_MAX)
            err_list_add(
                list, ERR_NEW(list->arena, ERR_MAP_KIND, at, pair->key, kind_names(list->arena)));
        if (!str_is(pair->value) || (!map->header && !import_column_number(pair->value, &number)))
            err_list_add(list, ERR_NEW(list->arena, ERR_MAP_COLUMN_NUMBER, at, pair->value));
    }
    for (size_t i = 0; i < map->constants.count; i++) {
        const struct shape_pair *pair = &map->constants.pairs[i];
        struct str at = pointer(list->arena, field, "constants", pair->key);
        if (import_kind_by_name(pair->key) == IMPORT_KIND_MAX)
            err_list_add(
                list, ERR_NEW(list->arena, ERR_MAP_KIND, at, pair->key, kind_names(list->arena)));
        for (size_t j = 0; j < map->columns.count; j++) {
            if (str_eq(map->columns.pairs[j].key, pair->key))
                err_list_add(list, ERR_NEW(list->arena, ERR_MAP_TWICE, at, pair->key));
        }
    }
}

static void check_conditions(struct err_list *list, struct str field, const struct import_map *map,
                             const char *member, const struct shape_list *conditions)
{
    const struct import_condition *items = conditions->items;
    for (size_t i = 0; i < conditions->count; i++) {
        const struct import_condition *c = &items[i];
        struct decimal ignored;
        int64_t number;
        struct str at = pointer(list->arena, field, member, str_fmt(list->arena, "%zu", i));
        bool asks = c->starts_with.p || c->equals.p || c->contains.p || c->number_equals.p ||
                    c->empty || c->negative;
        if (!asks)
            err_list_add(list, ERR_NEW(list->arena, ERR_MAP_CONDITION, at));
        if (c->number_equals.p && !decimal_parse(c->number_equals, &ignored))
            err_list_add(list, ERR_NEW(list->arena, ERR_MAP_NUMBER, at, c->number_equals));
        if (!str_is(c->column) || (!map->header && !import_column_number(c->column, &number)))
            err_list_add(list, ERR_NEW(list->arena, ERR_MAP_COLUMN_NUMBER, at, c->column));
    }
}

static bool contains(struct str s, struct str part)
{
    return part.n == 0 || (s.n >= part.n && memmem(s.p, s.n, part.p, part.n) != NULL);
}

static void check_times(struct err_list *list, struct str field, const struct import_map *map)
{
    struct str format = map->time_format;
    bool year = contains(format, STR("%Y")) || contains(format, STR("%y"));
    bool day = contains(format, STR("%d")) || contains(format, STR("%e"));
    if (!year || !contains(format, STR("%m")) || !day)
        err_list_add(list, ERR_NEW(list->arena, ERR_MAP_TIME_FORMAT,
                                   pointer(list->arena, field, "time_format", STR("")), format));
    const struct zone *zone;
    struct str at = pointer(list->arena, field, "time_zone", STR(""));
    if (str_is(map->time_zone))
        err_list_add(list, zone_open(list->arena, map->time_zone, at, &zone));
}

static void check_states(struct err_list *list, struct str field, const struct import_map *map)
{
    for (size_t i = 0; i < map->states.count; i++) {
        const struct shape_pair *pair = &map->states.pairs[i];
        if (import_state_by_name(pair->value) == ORDER_STATE_MAX)
            err_list_add(list,
                         ERR_NEW(list->arena, ERR_MAP_STATE,
                                 pointer(list->arena, field, "states", pair->key), pair->value));
    }
    if (import_state_by_name(map->state_default) == ORDER_STATE_MAX)
        err_list_add(list, ERR_NEW(list->arena, ERR_MAP_STATE,
                                   pointer(list->arena, field, "state_default", STR("")),
                                   map->state_default));
}

static const struct err *map_check(struct arena *arena, struct str field,
                                   const struct import_map *map)
{
    struct err_list list = {.arena = arena};
    struct str columns = str_fmt(arena, "%.*s:/columns", STR_ARG(field));
    bool delimiter_known = map->delimiter.n == 1 && memchr(",;|\t", map->delimiter.p[0], 4) != NULL;
    if (map->format == IMPORT_FORMAT_CSV && !delimiter_known)
        err_list_add(
            &list, ERR_NEW(arena, ERR_MAP_DELIMITER, pointer(arena, field, "delimiter", STR(""))));
    check_columns(&list, field, map);
    check_times(&list, field, map);
    check_states(&list, field, map);
    check_conditions(&list, field, map, "refund_when", &map->refund_when);
    check_conditions(&list, field, map, "skip_when", &map->skip_when);
    if (!import_map_has(map, IMPORT_ORDER_TIME))
        err_list_add(&list, ERR_NEW(arena, ERR_MAP_NEEDS, columns, STR("order_time")));
    bool from_price =
        import_map_has(map, IMPORT_QUANTITY) && import_map_has(map, IMPORT_UNIT_PRICE);
    if (!import_map_has(map, IMPORT_ORDER_AMOUNT) && !import_map_has(map, IMPORT_LINE_AMOUNT) &&
        !from_price)
        err_list_add(&list, ERR_NEW(arena, ERR_MAP_NEEDS, columns,
                                    STR("order_amount | line_amount | quantity + unit_price")));
    return list.first;
}
