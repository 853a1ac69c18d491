/* What a file is short of: a column that its map reads, that is not needed to read it at all, and
 * that money hangs on. */
#include "base/arena.h"
#include "room/order/import_run.h"

struct warning {
    enum import_kind kind;
    enum import_kind beside; /* only where this one's column is there; IMPORT_KIND_MAX: always */
    enum import_kind without; /* only where this one's column is not there either */
    struct text text; /* what follows */
};
static const struct warning warnings[] = {
    {IMPORT_STATE, IMPORT_KIND_MAX, IMPORT_KIND_MAX,
     TEXT("the state is taken for that of the map, and a new order counts as paid.",
          "订单状态按映射的缺省值，新订单视为已付款。")},
    {IMPORT_PAID_TIME, IMPORT_KIND_MAX, IMPORT_KIND_MAX,
     TEXT("the time of the order stands in for that of the payment, and a closed "
          "order counts as never paid.",
          "以下单时间代替付款时间，已关闭的订单视为从未付款。")},
    {IMPORT_BALANCE_AMOUNT, IMPORT_KIND_MAX, IMPORT_KIND_MAX,
     TEXT("what was paid from a balance is missing, amounts may be too low.",
          "不含余额支付的部分，金额可能偏低。")},
    {IMPORT_LINE_NUMBER, IMPORT_KIND_MAX, IMPORT_KIND_MAX,
     TEXT("a sub-order that stands in the file twice counts twice.",
          "文件中重复出现的子订单会重复计算。")},
    {IMPORT_REFUND_AMOUNT, IMPORT_KIND_MAX, IMPORT_REFUND_STATE,
     TEXT("nor one that says how a refund stands; refunds are known only where the order's state "
          "says so, and then as the whole.",
          "也没有售后状态列；只有订单状态表明时才知道退款，且视为全额。")},
    {IMPORT_REFUND_AMOUNT, IMPORT_REFUND_STATE, IMPORT_KIND_MAX,
     TEXT("a refund counts as the whole of its line or order.",
          "退款视为该行或整单全额。")},
    {IMPORT_REFUND_STATE, IMPORT_REFUND_AMOUNT, IMPORT_KIND_MAX,
     TEXT("amounts of refunds that were refused or are under way count too.",
          "被拒绝或进行中的退款金额也会计入。")},
    {IMPORT_REFUND_TIME, IMPORT_REFUND_AMOUNT, IMPORT_KIND_MAX,
     TEXT("a refund counts on the day of its order.",
          "退款计入下单当日。")},
};
#define WARNING_COUNT (sizeof(warnings) / sizeof(warnings[0]))

static bool is_bound(const struct import_columns *columns, enum import_kind kind)
{
    return columns->of_kind[kind] != COLUMN_NONE || columns->constant[kind].p;
}

static bool applies(const struct import_run *run, const struct warning *warning)
{
    const struct import_columns *columns = &run->reader.columns;
    if (!import_map_has(run->map, warning->kind) || is_bound(columns, warning->kind))
        return false;
    if (warning->beside != IMPORT_KIND_MAX && !is_bound(columns, warning->beside))
        return false;
    return warning->without == IMPORT_KIND_MAX || !is_bound(columns, warning->without);
}

/* The name that the map looks for first. */
static struct str column_of(const struct import_map *map, const char *kind)
{
    for (size_t i = 0; i < map->columns.count; i++) {
        struct str names = map->columns.pairs[i].value;
        size_t end = 0;
        if (!str_eq(map->columns.pairs[i].key, str_c(kind)))
            continue;
        while (end < names.n && names.p[end] != '|')
            end++;
        return str_trim(str_slice(names, 0, end));
    }
    return str_c(kind);
}

void import_warn(struct import_run *run)
{
    struct import_result *result = run->result;
    struct arena *arena = run->result_arena;
    result->warnings = ARENA_ARRAY(arena, WARNING_COUNT, struct import_warning);
    for (size_t i = 0; i < WARNING_COUNT; i++) {
        const struct text *text = &warnings[i].text;
        const char *kind = import_kind_info(warnings[i].kind)->name;
        if (!applies(run, &warnings[i]))
            continue;
        struct str column = str_copy(arena, column_of(run->map, kind));
        result->warnings[result->warning_count++] = (struct import_warning){
            .kind = str_c(kind),
            .column = column,
            .en = str_fmt(arena, "No column %.*s: %s", STR_ARG(column), text->in[LANG_EN]),
            .zh = str_fmt(arena, "没有“%.*s”列：%s", STR_ARG(column), text->in[LANG_ZH]),
        };
    }
}
