#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "codec/file.h"
#include "import_maps.h"
#include "room/order/import_clean.h"
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
    {MAP_FIELD(extends, FIELD_TEXT, "A built-in map; this one says only what differs.",
               "所扩展的内置映射；本映射只写不同之处。")},
    {MAP_FIELD(delimiter, FIELD_TEXT, "One of , ; | or a tab; auto: found in the file.",
               "分隔符：, ; | 或制表符；auto 为自动识别。"),
     .fallback = ","},
    {MAP_FIELD(header, FIELD_BOOL, "A row names the columns.", "有一行是列名。"),
     .fallback = "true"},
    {MAP_FIELD(header_row, FIELD_I64, "Which row names the columns; 0: found by the names.",
               "第几行是列名；0 为按列名自动寻找。"),
     .min = 0, .max = IMPORT_HEADER_ROW_MAX, .fallback = "1"},
    {MAP_FIELD(encoding, FIELD_TEXT, "Character set of the file; auto: found in the file.",
               "文件的字符集；auto 为自动识别。"),
     .fallback = "utf-8"},
    {MAP_FIELD(source, FIELD_TEXT, "Who gives the order numbers their meaning.",
               "订单号由谁赋予。"),
     .min = 1, .max = LIMIT_NAME_BYTES_MAX},
    {MAP_FIELD(time_zone, FIELD_TEXT, "Zone of the file's times; absent: the brand's.",
               "文件时间所在时区；缺省为品牌时区。")},
    {MAP_FIELD(time_format, FIELD_TEXT, "How times are written: %Y-%m-%d %H:%M:%S, or auto.",
               "时间写法：%Y-%m-%d %H:%M:%S，或 auto。")},
    {MAP_FIELD(issuer, FIELD_TEXT, "Who gives buyer ids their meaning; absent: the source.",
               "买家账号由谁赋予；缺省为 source。"),
     .max = LIMIT_NAME_BYTES_MAX},
    {MAP_FIELD(columns, FIELD_MAP, "Kind of value to column.", "含义到列。")},
    {MAP_FIELD(needed, FIELD_LIST, "Kinds whose columns must be there; none named: all.",
               "必须有列的含义；未列出时全部必须有。")},
    {MAP_FIELD(known, FIELD_LIST, "Columns that belong to such a file and are not read.",
               "此类文件中已知但不读取的列。")},
    {MAP_FIELD(constants, FIELD_MAP, "Kind of value to one value for all rows.",
               "含义到各行相同的值。")},
    {MAP_FIELD(states, FIELD_MAP,
               "The file's word for a state to ours; \"paid refunded\": all was given back.",
               "文件中的状态到规范状态；“paid refunded”表示已全额退款。")},
    {MAP_FIELD(state_default, FIELD_TEXT, "The state where none is named.", "没有写明时的状态。"),
     .fallback = "received"},
    {MAP_FIELD(refund_states, FIELD_MAP,
               "The file's word for how a refund stands to none, pending, partial or refunded.",
               "文件中的售后状态到 none、pending、partial 或 refunded。")},
    {MAP_FIELD(refund_when, FIELD_LIST, "Any of these makes a row a refund.",
               "任一成立则该行为退款。"),
     .sub = &condition_shape},
    {MAP_FIELD(skip_when, FIELD_LIST, "Any of these leaves a row out.", "任一成立则略过该行。"),
     .sub = &condition_shape},
    {MAP_FIELD(skip_unknown_buyer, FIELD_BOOL, "Leave out orders that name no buyer.",
               "略过没有买家的订单。"),
     .fallback = "false"},
    {MAP_FIELD(clean, FIELD_BOOL, "Clean cells of what exports leave in them.",
               "清理导出文件单元格中的杂质。"),
     .fallback = "false"},
    {MAP_FIELD(split_lines, FIELD_BOOL, "A row may merge several lines, split by ;.",
               "一行可能以 ; 合并了多个子订单。"),
     .fallback = "false"},
    {MAP_FIELD(fill_down, FIELD_BOOL, "A row without a number belongs to the order above it.",
               "没有订单号的行属于上一行的订单。"),
     .fallback = "false"},
    {MAP_FIELD(mixed_states, FIELD_BOOL, "Lines of one order may be in different states.",
               "同一订单的各行状态可以不同。"),
     .fallback = "false"},
    {MAP_FIELD(closed_is_refunded, FIELD_BOOL, "A closed order that was paid was given back whole.",
               "已付款又关闭即为全额退款。"),
     .fallback = "false"},
    {MAP_FIELD(after_slash, FIELD_LIST, "Kinds whose cells hold each/total: the total is read.",
               "单元格为“单件/总共”的含义：取总共。")},
    {MAP_FIELD(number_time, FIELD_TEXT, "The time that an order's number begins with: %y%m%d-.",
               "订单号开头的时间：%y%m%d-。")},
    {MAP_FIELD(aliases, FIELD_LIST, "Short names that a person may call the map by.",
               "映射的简称，可用于 --map。")},
    {MAP_FIELD(distinctive, FIELD_LIST,
               "Columns that only this platform's files have: recognised only where one is there.",
               "只有该平台的文件才有的列：至少有其一才会被识别。")},
    {MAP_FIELD(common, FIELD_BOOL, "Names that any table may have: only where no other map fits.",
               "列名常见于任何表格：仅在没有其他映射适合时选用。"),
     .fallback = "false"},
    {MAP_FIELD(plain, FIELD_LIST, "Names that do not say enough beside one of `doubts`.",
               "笼统的列名：旁边有 doubts 中的列时无法确定含义。")},
    {MAP_FIELD(doubts, FIELD_LIST, "Columns beside which a plain name is not sure: see plain.",
               "使笼统列名无法确定的列：见 plain。")},
    {MAP_FIELD(menu, FIELD_TEXT, "Where the platform exports such a file.",
               "平台后台从哪里导出此类文件。")},
    {MAP_FIELD(file_hint, FIELD_TEXT, "Part of the usual file name: decides between equals.",
               "文件名中常见的部分：仅在两个映射同样合适时参考。")},
    {MAP_FIELD(instead, FIELD_TEXT, "Such a file holds no orders: what to export instead.",
               "此类文件不含订单：应改为导出什么。")},
    {MAP_FIELD(notes, FIELD_MAP, "Why it is read this way, by topic and language.",
               "这样读取的理由，按主题与语言。")},
};
const struct shape import_map_shape = {
    .name = "import_map",
    .size = sizeof(struct import_map),
    SHAPE_FIELDS(map_fields),
    .doc = TEXT("How to read a merchant's file: docs/import-maps.md.",
                "如何读取商家文件：docs/import-maps.md。"),
};

static const struct import_kind_info kind_infos[IMPORT_KIND_MAX] = {
#define KIND(code, name, personal, title_en, title_zh, en, zh)                                     \
    [IMPORT_##code] = {name, personal, TEXT(title_en, title_zh), TEXT(en, zh)},
    IMPORT_KIND_TABLE(KIND)
#undef KIND
};

static ERR_RESULT map_of_json(struct arena *arena, struct str field, struct str json,
                              struct import_map **out);
static const struct err *map_check(struct arena *arena, struct str field,
                                   const struct import_map *map);
static struct str builtin_names(struct arena *arena);

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

static bool is_called(struct arena *arena, const struct import_map *map, struct str key)
{
    const struct str *aliases = map->aliases.items;
    if (str_eq(import_name_key(arena, map->title_zh), key) ||
        str_eq(import_name_key(arena, map->title_en), key))
        return true;
    for (size_t i = 0; i < map->aliases.count; i++) {
        if (str_eq(import_name_key(arena, aliases[i]), key))
            return true;
    }
    return false;
}

/* A built-in by its title or a short name; NULL where none is called so. */
static ERR_RESULT builtin_called(struct arena *arena, struct str wanted, struct import_map **out)
{
    struct str key = import_name_key(arena, wanted);
    *out = NULL;
    for (int i = 0; i < import_builtin_count && str_is(key); i++) {
        struct str name, json;
        struct import_map *map;
        import_builtin(i, &name, &json);
        TRY(map_of_json(arena, name, json, &map));
        if (!is_called(arena, map, key) && !str_eq(import_name_key(arena, name), key))
            continue;
        *out = map;
        return NULL;
    }
    return NULL;
}

ERR_RESULT import_map_read(struct arena *arena, struct str name_or_path, struct import_map **out)
{
    for (int i = 0; i < import_builtin_count; i++) {
        struct str name, json;
        import_builtin(i, &name, &json);
        if (str_eq(name, name_or_path))
            return map_of_json(arena, name, json, out);
    }
    TRY(builtin_called(arena, name_or_path, out));
    if (*out)
        return NULL;
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

static struct str builtin_names(struct arena *arena)
{
    struct str *names = ARENA_ARRAY(arena, (size_t)import_builtin_count, struct str);
    for (int i = 0; i < import_builtin_count; i++)
        names[i] = str_c(import_map_texts[i].name);
    return str_join(arena, names, (size_t)import_builtin_count, STR(", "));
}

/* --- Reading and checking
 * ------------------------------------------------------------------------------------------ */

/* Bytes of a field's value in the struct, so that it can be taken over as it is. */
static size_t size_of_field(const struct field *field)
{
    switch (field->kind) {
    case FIELD_I64:
        return sizeof(int64_t);
    case FIELD_BOOL:
        return sizeof(bool);
    case FIELD_ENUM:
        return sizeof(int);
    default:
        CHECK(field->kind == FIELD_TEXT);
        return sizeof(struct str);
    }
}

static bool has_key(const struct shape_map *map, struct str key)
{
    for (size_t i = 0; i < map->count; i++) {
        if (str_eq(map->pairs[i].key, key))
            return true;
    }
    return false;
}

/* The own pairs first; of the base's those with keys that the own ones do not have. */
static void extend_map(struct arena *arena, struct shape_map *own, const struct shape_map *base)
{
    struct shape_map all = {.pairs =
                                ARENA_ARRAY(arena, own->count + base->count, struct shape_pair)};
    for (size_t i = 0; i < own->count; i++)
        all.pairs[all.count++] = own->pairs[i];
    for (size_t i = 0; i < base->count; i++) {
        if (!has_key(own, base->pairs[i].key))
            all.pairs[all.count++] = base->pairs[i];
    }
    *own = all;
}

static void extend_list(struct arena *arena, struct shape_list *own, const struct shape_list *base,
                        size_t size)
{
    char *items = arena_alloc(arena, (own->count + base->count) * size + 1);
    if (base->count > 0)
        memcpy(items, base->items, base->count * size);
    if (own->count > 0)
        memcpy(items + base->count * size, own->items, own->count * size);
    *own = (struct shape_list){items, own->count + base->count};
}

static bool is_given(const struct json_value *value, const struct field *field)
{
    const struct json_value *member = json_get(value, str_c(field->name));
    return member && json_kind(member) != JSON_KIND_NULL;
}

/* What the own map does not say is as in the base. */
static void extend_fields(struct arena *arena, const struct json_value *value,
                          struct import_map *own, const struct import_map *base)
{
    for (int i = 0; i < import_map_shape.field_count; i++) {
        const struct field *field = &import_map_shape.fields[i];
        void *to = (char *)own + field->offset;
        const void *from = (const char *)base + field->offset;
        if (field->kind == FIELD_MAP)
            extend_map(arena, to, from);
        else if (field->kind == FIELD_LIST)
            extend_list(arena, to, from, field->sub ? field->sub->size : sizeof(struct str));
        else if (!is_given(value, field))
            memcpy(to, from, size_of_field(field));
    }
}

static ERR_RESULT builtin_by_name(struct arena *arena, struct str field, struct str wanted,
                                  struct import_map **out)
{
    for (int i = 0; i < import_builtin_count; i++) {
        struct str name, json;
        import_builtin(i, &name, &json);
        if (str_eq(name, wanted))
            return map_of_json(arena, name, json, out);
    }
    return ERR_NEW(arena, ERR_MAP_EXTENDS, str_fmt(arena, "%.*s:/extends", STR_ARG(field)), wanted,
                   builtin_names(arena));
}

static ERR_RESULT map_of_json(struct arena *arena, struct str field, struct str json,
                              struct import_map **out)
{
    const struct json_value *value;
    struct import_map *map = ARENA_NEW(arena, struct import_map), *base;
    TRY(json_read(arena, field, json, &value));
    shape_clear(&import_map_shape, map);
    TRY(shape_read_json(arena, &import_map_shape, value, map));
    if (str_is(map->extends)) {
        TRY(builtin_by_name(arena, field, map->extends, &base));
        extend_fields(arena, value, map, base);
    }
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
    if (str_eq(format, STR("auto")))
        format = STR("%Y%m%d");
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

enum order_state import_state_of_words(struct str words, bool *refunded)
{
    static const struct str behind = STR_INIT(" refunded");
    *refunded = str_ends(words, behind);
    return import_state_by_name(*refunded ? str_slice(words, 0, words.n - behind.n) : words);
}

enum import_refund import_refund_by_name(struct str name)
{
    static const struct str names[] = {[IMPORT_REFUND_NONE] = STR_INIT("none"),
                                       [IMPORT_REFUND_PENDING] = STR_INIT("pending"),
                                       [IMPORT_REFUND_PARTIAL] = STR_INIT("partial"),
                                       [IMPORT_REFUND_GIVEN] = STR_INIT("refunded")};
    for (int i = IMPORT_REFUND_NONE; i <= IMPORT_REFUND_GIVEN; i++) {
        if (str_eq(name, names[i]))
            return (enum import_refund)i;
    }
    return IMPORT_REFUND_UNTOLD;
}

static void check_states(struct err_list *list, struct str field, const struct import_map *map)
{
    bool refunded;
    for (size_t i = 0; i < map->states.count; i++) {
        const struct shape_pair *pair = &map->states.pairs[i];
        if (import_state_of_words(pair->value, &refunded) == ORDER_STATE_MAX)
            err_list_add(list,
                         ERR_NEW(list->arena, ERR_MAP_STATE,
                                 pointer(list->arena, field, "states", pair->key), pair->value));
    }
    for (size_t i = 0; i < map->refund_states.count; i++) {
        const struct shape_pair *pair = &map->refund_states.pairs[i];
        if (import_refund_by_name(pair->value) == IMPORT_REFUND_UNTOLD)
            err_list_add(list, ERR_NEW(list->arena, ERR_MAP_REFUND_STATE,
                                       pointer(list->arena, field, "refund_states", pair->key),
                                       pair->value));
    }
    if (import_state_by_name(map->state_default) == ORDER_STATE_MAX)
        err_list_add(list, ERR_NEW(list->arena, ERR_MAP_STATE,
                                   pointer(list->arena, field, "state_default", STR("")),
                                   map->state_default));
}

static void check_kinds(struct err_list *list, struct str field, const char *member,
                        const struct shape_list *kinds)
{
    const struct str *names = kinds->items;
    for (size_t i = 0; i < kinds->count; i++) {
        struct str at = pointer(list->arena, field, member, str_fmt(list->arena, "%zu", i));
        if (import_kind_by_name(names[i]) == IMPORT_KIND_MAX)
            err_list_add(list,
                         ERR_NEW(list->arena, ERR_MAP_KIND, at, names[i], kind_names(list->arena)));
    }
}

/* What a map must have in itself or from the one that it extends. */
static void check_there(struct err_list *list, struct str field, const struct import_map *map)
{
    const struct {
        const char *member;
        bool there;
    } parts[] = {{"source", str_is(map->source)},
                 {"time_format", str_is(map->time_format)},
                 {"columns", map->columns.count > 0}};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (!parts[i].there)
            err_list_add(
                list, ERR_NEW(list->arena, ERR_FIELD_MISSING,
                              str_fmt(list->arena, "%.*s:/%s", STR_ARG(field), parts[i].member)));
    }
}

static void check_needs(struct err_list *list, struct str field, const struct import_map *map)
{
    struct str columns = str_fmt(list->arena, "%.*s:/columns", STR_ARG(field));
    if (!import_map_has(map, IMPORT_ORDER_TIME))
        err_list_add(list, ERR_NEW(list->arena, ERR_MAP_NEEDS, columns, STR("order_time")));
    bool from_price =
        import_map_has(map, IMPORT_QUANTITY) && import_map_has(map, IMPORT_UNIT_PRICE);
    if (!import_map_has(map, IMPORT_ORDER_AMOUNT) && !import_map_has(map, IMPORT_LINE_AMOUNT) &&
        !from_price)
        err_list_add(list, ERR_NEW(list->arena, ERR_MAP_NEEDS, columns,
                                   STR("order_amount | line_amount | quantity + unit_price")));
}

static const struct err *map_check(struct arena *arena, struct str field,
                                   const struct import_map *map)
{
    struct err_list list = {.arena = arena};
    bool delimiter_known = str_eq(map->delimiter, STR("auto")) ||
                           (map->delimiter.n == 1 && memchr(",;|\t", map->delimiter.p[0], 4));
    if (map->format == IMPORT_FORMAT_CSV && !delimiter_known)
        err_list_add(
            &list, ERR_NEW(arena, ERR_MAP_DELIMITER, pointer(arena, field, "delimiter", STR(""))));
    check_there(&list, field, map);
    check_columns(&list, field, map);
    if (str_is(map->time_format))
        check_times(&list, field, map);
    check_states(&list, field, map);
    check_conditions(&list, field, map, "refund_when", &map->refund_when);
    check_conditions(&list, field, map, "skip_when", &map->skip_when);
    check_kinds(&list, field, "needed", &map->needed);
    check_kinds(&list, field, "after_slash", &map->after_slash);
    if (map->columns.count > 0 && !str_is(map->instead))
        check_needs(&list, field, map);
    return list.first;
}
