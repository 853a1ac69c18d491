/* From what is asked to a selection of the columns, and from a selected customer to a row that is
 * shown. */
#include "room/insight/people.h"

#include <string.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "base/check.h"
#include "base/decimal.h"
#include "base/limits.h"

#define KEEPERS_MAX 10001

static const char *const amounts[] = {"net", "gross", NULL};
static const char *const yes_no[] = {"true", "false", NULL};
static const char *const bases[] = {"own", "brand", "none", NULL};
static const char *const sorts[] = {"last", "first", "amount", "orders", "days", NULL};
static const char *const orders[] = {"desc", "asc", NULL};
static const char *const formats[] = {"csv", "xlsx", NULL};

/* A bound on a number: -1 where it is not asked. */
#define BOUND(member, en, zh)                                                                      \
    SHAPE_FIELD(struct people_query, member, I64, en, zh, .min = -1, .max = PEOPLE_COUNT_MAX,      \
                .fallback = "-1")
#define SCORE(member, en, zh)                                                                      \
    SHAPE_FIELD(struct people_query, member, I64, en, zh, .min = 0, .max = 5, .fallback = "0")
#define WORD(member, en, zh)                                                                       \
    SHAPE_FIELD(struct people_query, member, TEXT, en, zh, .max = LIMIT_NAME_BYTES_MAX)

/* Each shape is a part of this list: those before and behind the selection belong to some only. */
enum { PAGE_FIELDS = 2, ORDER_FIELDS = 2, FILE_FIELDS = 1 };
static const struct field people_fields[] = {
    SHAPE_FIELD(struct people_query, cursor, TEXT, "Where to go on: next_cursor of the last page.",
                "上一页的 next_cursor。", .max = 60),
    SHAPE_FIELD(struct people_query, limit, I64, "Rows at most.", "最多多少行。", .min = 0,
                .max = 200, .fallback = "50"),
    SHAPE_FIELD(struct people_query, sort, ENUM,
                "By last or first purchase day, amount, orders or purchase days.",
                "排序：最近或首个购买日、金额、订单数、购买日数。", .values = sorts,
                .fallback = "last"),
    SHAPE_FIELD(struct people_query, order, ENUM,
                "The largest, latest first, or the other way round.", "降序或升序。",
                .values = orders, .fallback = "desc"),
    SHAPE_FIELD_AS(struct people_query, as_of_day, "as_of", DAY,
                   "What happened on it and later is unknown; else the day after the last order.",
                   "截止日：当日及以后的事不计；默认最后一单的次日。"),
    SHAPE_FIELD_AS(struct people_query, from_day, "from", DAY,
                   "First day looked at; else the first order's.", "所看的第一天；默认首单当日。"),
    SHAPE_FIELD_AS(struct people_query, to_day, "to", DAY,
                   "Last day looked at; else the day before as_of.",
                   "所看的最后一天；默认截止日前一天。"),
    WORD(month, "YYYY-MM: of the days looked at only those of this month.",
         "YYYY-MM：只看此月之内的日期。"),
    SHAPE_FIELD(struct people_query, amount, ENUM,
                "Amounts net of refunds, each on its own day, or gross.",
                "金额口径：net 扣除退款，gross 不扣。", .values = amounts, .fallback = "net"),
    SHAPE_FIELD(struct people_query, q, TEXT,
                "A phone, member card, buyer id, mail address or order number, whole; a name, "
                "whole or its first 1 to 4 "
                "characters.",
                "完整的手机号、会员卡号、买家账号、邮箱或订单号；姓名可为全名或前 1 至 4 个字。",
                .max = LIMIT_NAME_BYTES_MAX, .personal = true),
    SHAPE_FIELD(struct people_query, ids, TEXT,
                "Only these customers: their numbers, at most 200, with commas between.",
                "仅这些客户：编号以逗号分隔，最多 200 个。"),
    WORD(channel, "Looked at is only what was bought, and given back, in this channel.",
         "只看此渠道内的购买与退款。"),
    SHAPE_FIELD(struct people_query, channel_unnamed, BOOL,
                "Likewise: of orders that name no channel.", "只看未注明渠道的订单。"),
    BOUND(days_min, "Purchase days looked at, at least.", "所看日期内购买日数，至少。"),
    BOUND(days_max, "At most; 0: never bought.", "至多；0 为从未购买。"),
    BOUND(orders_min, "Counted orders looked at, at least.", "计数订单，至少。"),
    BOUND(orders_max, "At most.", "计数订单，至多。"),
    SHAPE_FIELD(struct people_query, amount_min, DECIMAL,
                "Amount looked at, in the currency's unit, at least.", "金额，至少。"),
    SHAPE_FIELD(struct people_query, amount_max, DECIMAL, "At most.", "金额，至多。"),
    BOUND(refunds_min, "Refunds looked at, at least.", "退款笔数，至少。"),
    BOUND(refunds_max, "At most.", "退款笔数，至多。"),
    BOUND(movements_min, "Paid orders, wholly refunded ones too, and refunds together, at least.",
          "已付款订单（含全额退款）与退款合计，至少。"),
    SHAPE_FIELD(struct people_query, first_from, DAY, "First purchase day ever, from.",
                "首个购买日，起。"),
    SHAPE_FIELD(struct people_query, first_to, DAY, "Until.", "首个购买日，止。"),
    WORD(first_month, "YYYY-MM: the month of the first purchase day ever.", "YYYY-MM：首购月份。"),
    WORD(first_before, "YYYY-MM: the first purchase day ever is before this month.",
         "YYYY-MM：首购早于此月。"),
    SHAPE_FIELD_AS(struct people_query, is_new, "new", BOOL,
                   "The first purchase day ever is looked at.", "首个购买日在所看日期内。"),
    SHAPE_FIELD(struct people_query, last_from, DAY, "Last purchase day looked at, from.",
                "最近购买日，起。"),
    SHAPE_FIELD(struct people_query, last_to, DAY, "Until.", "最近购买日，止。"),
    BOUND(since_min, "Days from it to as_of, at least.", "距截止日天数，至少。"),
    BOUND(since_max, "At most.", "距截止日天数，至多。"),
    BOUND(back_min, "Came back: days from the first purchase day ever to the second, at least.",
          "首购到二购天数，至少。"),
    BOUND(back_max, "At most.", "首购到二购天数，至多。"),
    BOUND(not_back_before, "Had not come back before so many days after the first.",
          "首购后此天数之前没有回购。"),
    BOUND(known_for,
          "The first purchase day ever lies at least so many days before the last day looked at.",
          "首购距所看最后一天至少此天数（满期）。"),
    SHAPE_FIELD(struct people_query, gap_after, I64,
                "A gap looked at comes after this purchase number; 11: after it or a later one.",
                "第几次购买之后有间隔；11 表示第 11 次及以后。", .min = 0, .max = 11,
                .fallback = "0"),
    WORD(first_product, "Code of the first product, as in the report by first product.",
         "首购商品编码，同按首购商品报表。"),
    SHAPE_FIELD(struct people_query, first_product_unnamed, BOOL, "No first product is named.",
                "首购商品未注明。"),
    SCORE(r, "R of R/F/M.", "R/F/M 的 R 得分。"),
    SCORE(f, "F of R/F/M.", "R/F/M 的 F 得分。"),
    SCORE(m, "M of R/F/M.", "R/F/M 的 M 得分。"),
    SHAPE_FIELD(struct people_query, overdue, ENUM,
                "Overdue against their own rhythm, as in the report, or not.",
                "按自身节奏逾期未购与否，同即将流失报表。", .values = yes_no),
    SHAPE_FIELD(struct people_query, basis, ENUM, "What their rhythm is measured against.",
                "节奏依据。", .values = bases),
    SHAPE_FIELD(struct people_query, top, I64, "Among the so many customers of the largest amount.",
                "金额最大的若干位客户。", .min = 0, .max = PEOPLE_COUNT_MAX, .fallback = "0"),
    SHAPE_FIELD_AS(struct people_query, tags, "tag", LIST,
                   "A tag that they have; several: all of them.",
                   "拥有此标签；可给多个，须全部拥有。", .max = 20),
    SHAPE_FIELD(struct people_query, keeper, TEXT,
                "Who of the staff looks after them: an id, me, or none.",
                "负责的员工：编号、me 或 none。", .max = 30),
    SHAPE_FIELD(struct people_query, format, ENUM, "Kind of file.", "文件格式。", .values = formats,
                .fallback = "xlsx"),
};
#define ALL_FIELDS ((int)(sizeof(people_fields) / sizeof(people_fields[0])))
const struct shape people_selection_shape = {
    .name = "customer_selection",
    .size = sizeof(struct people_query),
    .fields = people_fields + PAGE_FIELDS + ORDER_FIELDS,
    .field_count = ALL_FIELDS - PAGE_FIELDS - ORDER_FIELDS - FILE_FIELDS,
};
const struct shape people_list_query_shape = {
    .name = "customer_list_query",
    .size = sizeof(struct people_query),
    .fields = people_fields,
    .field_count = ALL_FIELDS - FILE_FIELDS,
};
const struct shape people_file_query_shape = {
    .name = "customer_file_query",
    .size = sizeof(struct people_query),
    .fields = people_fields + PAGE_FIELDS,
    .field_count = ALL_FIELDS - PAGE_FIELDS,
};

/* --- Texts into numbers --- */

/* What is wrong with a query, and how its fields are called in errors. */
struct faults {
    struct err_list list;
    const char *where;
};

static void add_fault(struct faults *faults, enum err_code code, const char *field, struct str text)
{
    struct arena *arena = faults->list.arena;
    struct str name = str_fmt(arena, "%s%s", faults->where, field);
    err_list_add(&faults->list, ERR_NEW(arena, code, name, text));
}

static bool month_parse(struct arena *arena, struct str text, int32_t *month)
{
    int32_t day;
    if (text.n != 7 || !day_parse(str_fmt(arena, "%.*s-01", STR_ARG(text)), &day) ||
        day < LIMIT_DAY_MIN || day > LIMIT_DAY_MAX)
        return false;
    *month = month_of_day(day);
    return true;
}

/* The first and last day of a month that is asked; all days where none is. */
static bool read_month(struct faults *faults, const char *field, struct str text,
                       struct select_range *days)
{
    int32_t month;
    *days = SELECT_ANY;
    if (!text.p)
        return false;
    if (!month_parse(faults->list.arena, text, &month)) {
        add_fault(faults, ERR_PEOPLE_MONTH, field, text);
        return false;
    }
    *days = (struct select_range){month_first_day(month), month_first_day(month + 1) - 1};
    return true;
}

static int64_t read_money(struct faults *faults, const char *field, struct str text, int digits,
                          int64_t otherwise)
{
    struct decimal decimal;
    int64_t minor;
    if (!text.p)
        return otherwise;
    if (decimal_parse(text, &decimal) && decimal_to_minor(decimal, digits, &minor))
        return minor;
    add_fault(faults, ERR_PEOPLE_MONEY, field, text);
    return otherwise;
}

static struct select_range range_of(int64_t min, int64_t max)
{
    return (struct select_range){min < 0 ? INT64_MIN : min, max < 0 ? INT64_MAX : max};
}

static struct select_range narrower(struct select_range a, struct select_range b)
{
    return (struct select_range){a.min > b.min ? a.min : b.min, a.max < b.max ? a.max : b.max};
}

static struct select_range days_range(int32_t from, int32_t to)
{
    return (struct select_range){from == DAY_NONE ? INT64_MIN : from,
                                 to == DAY_NONE ? INT64_MAX : to};
}

/* --- Days --- */

static int32_t today_of(const struct call *call)
{
    return zone_day(call->service->brand->zone, call->now_us);
}

static const struct err *read_scope(struct call *call, const struct engine *engine,
                                    const struct people_query *query, struct report_scope *scope,
                                    bool *has_orders)
{
    const struct brand *brand = call->service->brand;
    struct insight_request request = {.metric_name = str_c(metric_all[0]->name),
                                      .as_of_day = query->as_of_day,
                                      .from_day = query->from_day,
                                      .to_day = query->to_day,
                                      .net = query->amount == PEOPLE_NET};
    const struct metric *metric;
    int32_t first_day;
    const struct err *err =
        insight_scope_of_columns(call->arena, engine, brand, &request, &metric, scope, &first_day);
    *has_orders = !err;
    if (!err || err->code != ERR_REPORT_EMPTY)
        return err;
    *scope = (struct report_scope){.as_of_day = today_of(call) + 1,
                                   .from_day = today_of(call),
                                   .to_day = today_of(call),
                                   .net = request.net,
                                   .currency_digits = brand->currency_digits};
    return NULL;
}

/* The days looked at that lie in a month. */
static void narrow_scope(struct report_scope *scope, struct select_range month)
{
    if (month.min > scope->from_day)
        scope->from_day = (int32_t)month.min;
    if (month.max < scope->to_day)
        scope->to_day = (int32_t)month.max;
}

/* --- Who --- */

static const struct err *read_tags(struct tx *tx, struct call *call,
                                   const struct people_query *query, struct engine_selection *s)
{
    const struct str *names = query->tags.items;
    int64_t *ids = ARENA_ARRAY(call->arena, query->tags.count + 1, int64_t);
    for (size_t i = 0; i < query->tags.count; i++)
        TRY(customer_tag_id(tx, names[i], &ids[i]));
    s->tag_ids = ids;
    s->tag_count = query->tags.count;
    return NULL;
}

/* Whom the asker reaches: those kept by themselves, or by people below them too. */
static const struct err *read_reach(struct tx *tx, struct call *call, struct engine_selection *s)
{
    int64_t *below = NULL;
    size_t count = 0;
    if (call->reach == REACH_ALL)
        return NULL;
    if (call->reach == REACH_BELOW)
        TRY(staff_below(tx, call->principal.id, &below, &count));
    int64_t *ids = ARENA_ARRAY(call->arena, count + 1, int64_t);
    ids[0] = call->principal.id;
    for (size_t i = 0; i < count; i++)
        ids[i + 1] = below[i];
    s->by_reach = true;
    s->reach_ids = ids;
    s->reach_count = count + 1;
    return NULL;
}

static void read_keeper(struct call *call, struct faults *faults, const struct people_query *query,
                        struct engine_selection *s)
{
    int64_t *id = ARENA_NEW(call->arena, int64_t);
    if (!query->keeper.p)
        return;
    s->by_keeper = true;
    s->keeper_ids = id;
    s->keeper_count = 1;
    if (str_eq(query->keeper, STR("me")))
        *id = call->principal.id;
    else if (!str_eq(query->keeper, STR("none")) && (!str_to_i64(query->keeper, id) || *id <= 0))
        add_fault(faults, ERR_PEOPLE_KEEPER, "keeper", query->keeper);
}

/* "123,456" */
static void read_ids(struct call *call, struct faults *faults, const struct people_query *query,
                     struct engine_selection *s)
{
    struct str rest = query->ids;
    int64_t *ids = ARENA_ARRAY(call->arena, PEOPLE_IDS_MAX, int64_t);
    s->by_id = query->ids.p != NULL;
    s->customer_ids = ids;
    while (rest.p) {
        struct str one = str_trim(str_cut(rest, ',', &rest));
        if (s->customer_count < PEOPLE_IDS_MAX && str_to_i64(one, &ids[s->customer_count])) {
            s->customer_count++;
            continue;
        }
        add_fault(faults, ERR_PEOPLE_IDS, "ids", one);
        return;
    }
}

/* Those found by what was typed, of those named one by one where there are such. */
static const struct err *read_search(struct tx *tx, struct call *call,
                                     const struct people_query *query, struct engine_selection *s)
{
    int64_t *found;
    size_t found_count, count = 0;
    if (!query->q.p || str_trim(query->q).n == 0)
        return NULL;
    TRY(person_find(tx, str_trim(query->q), PEOPLE_FOUND_MAX, &found, &found_count));
    int64_t *ids = ARENA_ARRAY(call->arena, found_count + 1, int64_t);
    for (size_t i = 0; i < found_count; i++) {
        bool is_named = !s->by_id;
        for (size_t k = 0; k < s->customer_count; k++)
            is_named = is_named || s->customer_ids[k] == found[i];
        if (is_named)
            ids[count++] = found[i];
    }
    s->by_id = true;
    s->customer_ids = ids;
    s->customer_count = count;
    return NULL;
}

/* --- All together --- */

static void read_bounds(const struct people_query *query, struct engine_selection *s)
{
    s->days = range_of(query->days_min, query->days_max);
    s->orders = range_of(query->orders_min, query->orders_max);
    s->refunds = range_of(query->refunds_min, query->refunds_max);
    s->movements = range_of(query->movements_min, -1);
    s->days_since = range_of(query->since_min, query->since_max);
    s->back_after = range_of(query->back_min, query->back_max);
    s->last_day = days_range(query->last_from, query->last_to);
    s->not_back_within = query->not_back_before > 0 ? query->not_back_before - 1 : -1;
    s->known_for = query->known_for;
    s->is_new = query->is_new;
    s->gap_after = (int)query->gap_after;
    s->by_channel = query->channel.p || query->channel_unnamed;
    s->channel = query->channel;
    s->by_first_product = query->first_product.p || query->first_product_unnamed;
    s->first_product = query->first_product;
    s->r = (int)query->r;
    s->f = (int)query->f;
    s->m = (int)query->m;
    s->top = query->top;
    s->overdue = query->overdue < 0    ? OVERDUE_NOT_ASKED
                 : query->overdue == 0 ? OVERDUE_YES
                                       : OVERDUE_NO;
    s->basis = (enum select_basis)(query->basis + 1);
}

const struct err *people_engine(struct call *call, const struct engine **engine)
{
    *engine = call->service->engine(call->service);
    if (*engine)
        return NULL;
    return ERR_NEW(call->arena, ERR_REPORT_NOT_READY, STR_NONE, STR("5"));
}

const struct err *people_read(struct tx *tx, struct call *call, const struct people_query *query,
                              const char *where, struct people *people)
{
    struct faults faults = {.list = {.arena = call->arena}, .where = where};
    struct report_scope scope;
    struct select_range month, first_month, first_before;
    const struct engine *engine;
    int digits = call->service->brand->currency_digits;
    TRY(people_engine(call, &engine));
    TRY(read_scope(call, engine, query, &scope, &people->has_orders));
    if (read_month(&faults, "month", query->month, &month))
        narrow_scope(&scope, month);
    struct engine_selection *s = &people->selection;
    *s = engine_selection_all(&scope);
    s->today = today_of(call);
    read_bounds(query, s);
    read_month(&faults, "first_month", query->first_month, &first_month);
    s->first_day = narrower(days_range(query->first_from, query->first_to), first_month);
    if (read_month(&faults, "first_before", query->first_before, &first_before))
        s->first_day =
            narrower(s->first_day, (struct select_range){INT64_MIN, first_before.min - 1});
    s->amount.min = read_money(&faults, "amount_min", query->amount_min, digits, INT64_MIN);
    s->amount.max = read_money(&faults, "amount_max", query->amount_max, digits, INT64_MAX);
    read_keeper(call, &faults, query, s);
    read_ids(call, &faults, query, s);
    if (faults.list.first)
        return faults.list.first;
    TRY(read_tags(tx, call, query, s));
    TRY(read_reach(tx, call, s));
    return read_search(tx, call, query, s);
}

/* --- What is shown of a customer --- */

static const struct field row_fields[] = {
    SHAPE_FIELD(struct people_row, customer_id, ID, "The person.", "客户编号。", .required = true),
    SHAPE_FIELD(struct people_row, name, TEXT, "Masked for a key without personal:read.",
                "密钥没有 personal:read 时脱敏。", .personal = true),
    SHAPE_FIELD(struct people_row, identity, TEXT, "What names the person best, masked.",
                "主要身份，脱敏。", .personal = true),
    SHAPE_FIELD(struct people_row, orders, I64, "Counted orders looked at.", "计数订单。"),
    SHAPE_FIELD(struct people_row, purchase_days, I64, "Purchase days looked at.", "购买日数。"),
    SHAPE_FIELD(struct people_row, refunds, I64, "Refunds looked at.", "退款笔数。"),
    SHAPE_FIELD(struct people_row, paid, DECIMAL, "Paid, of what is looked at.", "实付。",
                .required = true),
    SHAPE_FIELD(struct people_row, refunded, DECIMAL, "Given back, of what is looked at.", "退款。",
                .required = true),
    SHAPE_FIELD(struct people_row, net, DECIMAL, "The difference.", "净额。", .required = true),
    SHAPE_FIELD(struct people_row, first_day, DAY, "First purchase day ever.", "首个购买日。"),
    SHAPE_FIELD(struct people_row, last_day, DAY, "Last purchase day looked at.", "最近购买日。"),
    SHAPE_FIELD(struct people_row, tags, LIST, "Tags in force.", "有效标签。"),
    SHAPE_FIELD(struct people_row, keeper_id, ID, "Who of the staff looks after them.",
                "负责的员工。"),
    SHAPE_FIELD(struct people_row, keeper_name, TEXT, "Their name.", "该员工的姓名。"),
};
const struct shape people_row_shape = {
    .name = "customer_row", .size = sizeof(struct people_row), SHAPE_FIELDS(row_fields)};

const struct err *people_staff_read(struct tx *tx, struct people_staff *staff)
{
    return staff_names(tx, &staff->names, &staff->count);
}

static struct str staff_name_of(const struct people_staff *staff, int64_t staff_id)
{
    for (size_t i = 0; staff_id != 0 && i < staff->count; i++)
        if (staff->names[i].staff_id == staff_id)
            return staff->names[i].name;
    return STR_NONE;
}

/* A phone where there is one, else the surest identity; after an erasure there is none. */
static struct str identity_of(struct arena *arena, const struct customer_view *view)
{
    const struct customer_identity *best = NULL;
    for (size_t i = 0; i < view->identity_count; i++) {
        const struct customer_identity *identity = &view->identities[i];
        bool better = !best || (identity->kind == IDENTITY_PHONE && best->kind != IDENTITY_PHONE);
        if (identity->claimed && identity->value.p && better)
            best = identity;
    }
    return best ? str_copy(arena, identity_mask(arena, best->kind, best->value)) : STR_NONE;
}

const struct err *people_row_read(struct tx *tx, struct call *call,
                                  const struct people_staff *staff, bool names_masked,
                                  const struct engine_customer *customer, struct people_row *row)
{
    struct arena *arena = call->arena;
    struct customer_view *view;
    int digits = call->service->brand->currency_digits;
    TRY(customer_view(tx, customer->customer_id, &view));
    struct str *tags = ARENA_ARRAY(arena, view->tag_count + 1, struct str);
    for (size_t i = 0; i < view->tag_count; i++)
        tags[i] = str_copy(arena, view->tags[i].name);
    struct str keeper_name = staff_name_of(staff, customer->keeper_id);
    struct str shown_name = STR_NONE;
    if (view->name.p)
        shown_name = names_masked ? customer_name_mask(arena, view->name) : view->name;
    *row = (struct people_row){
        .customer_id = customer->customer_id,
        .name = view->name.p ? str_copy(arena, shown_name) : STR_NONE,
        .identity = identity_of(arena, view),
        .orders = customer->orders,
        .purchase_days = customer->purchase_days,
        .refunds = customer->refunds,
        .paid = minor_plain(arena, customer->paid_minor, digits),
        .refunded = minor_plain(arena, customer->refunded_minor, digits),
        .net = minor_plain(arena, customer->paid_minor - customer->refunded_minor, digits),
        .first_day = customer->first_day,
        .last_day = customer->last_day,
        .tags = {tags, view->tag_count},
        .keeper_id = customer->keeper_id,
        .keeper_name = keeper_name.p ? str_copy(arena, keeper_name) : STR_NONE,
    };
    return NULL;
}
