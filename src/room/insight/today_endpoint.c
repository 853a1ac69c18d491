/* Today: the figures that say how the brand does, what the last day brought, and what waits for
 * somebody. */
#include <math.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "base/check.h"
#include "base/decimal.h"
#include "engine/engine_select.h"
#include "room/insight/people.h"
#include "sql_insight.h"

#define PERIOD_DAYS                                                                                \
    28 /* thirteen of them are a year, and each has every day of the week four times */
#define PERIODS 13
#define WITHIN_DAYS 90
#define REJECTS_DAYS 30
#define BEHIND_US (60 * US_PER_SECOND) /* columns older than this are told of */
#define PARAMS_MAX 8

/* --- Shapes --- */

struct param_out {
    struct str name, value;
};
static const struct field param_fields[] = {
    SHAPE_FIELD(struct param_out, name, TEXT, "Of the query of /customers.", "客户列表的查询参数。",
                .required = true),
    SHAPE_FIELD(struct param_out, value, TEXT, "Its value.", "取值。", .required = true),
};
static const struct shape param_shape = {
    .name = "customer_param", .size = sizeof(struct param_out), SHAPE_FIELDS(param_fields)};

struct point_out {
    int32_t from_day, to_day;
    double value;
};
static const struct field point_fields[] = {
    SHAPE_FIELD_AS(struct point_out, from_day, "from", DAY, "First day of the period.",
                   "期间首日。", .required = true),
    SHAPE_FIELD_AS(struct point_out, to_day, "to", DAY, "Last day.", "期间末日。",
                   .required = true),
    SHAPE_FIELD(struct point_out, value, F64, "The figure then; null: nothing to count.",
                "该期数值；空为无可统计。"),
};
static const struct shape point_shape = {
    .name = "trend_point", .size = sizeof(struct point_out), SHAPE_FIELDS(point_fields)};

struct figure_out {
    struct str name, title, definition, unit;
    double value, previous;
    struct shape_list trend, link;
};
static const struct field figure_fields[] = {
    SHAPE_FIELD(struct figure_out, name, TEXT, "Its name.", "名称。", .required = true),
    SHAPE_FIELD(struct figure_out, title, TEXT, "As people call it.", "标题。", .required = true),
    SHAPE_FIELD(struct figure_out, definition, TEXT, "What it means.", "定义。", .required = true),
    SHAPE_FIELD(struct figure_out, unit, TEXT, "count, ratio or amount (in the currency's unit).",
                "count、ratio 或 amount（货币单位）。", .required = true),
    SHAPE_FIELD(struct figure_out, value, F64, "Of the last period.", "最近一期。"),
    SHAPE_FIELD(struct figure_out, previous, F64, "Of the period before; null: not known.",
                "上一期；空为未知。"),
    SHAPE_FIELD(struct figure_out, trend, LIST, "The last periods, the oldest first.",
                "最近各期，最早在前。", .sub = &point_shape),
    SHAPE_FIELD(struct figure_out, link, LIST,
                "The customers behind it: a query of /customers; empty: none.",
                "背后的客户：客户列表的查询；空为没有。", .sub = &param_shape),
};
static const struct shape figure_shape = {
    .name = "today_figure", .size = sizeof(struct figure_out), SHAPE_FIELDS(figure_fields)};

struct change_out {
    struct str name, title, unit;
    double value, before;
    struct shape_list link;
};
static const struct field change_fields[] = {
    SHAPE_FIELD(struct change_out, name, TEXT, "Its name.", "名称。", .required = true),
    SHAPE_FIELD(struct change_out, title, TEXT, "As people call it.", "标题。", .required = true),
    SHAPE_FIELD(struct change_out, unit, TEXT, "count or amount.", "count 或 amount。",
                .required = true),
    SHAPE_FIELD(struct change_out, value, F64, "Of the last day.", "最后一天。"),
    SHAPE_FIELD(struct change_out, before, F64, "Of the day before.", "前一天。"),
    SHAPE_FIELD(struct change_out, link, LIST, "The customers behind it.", "背后的客户。",
                .sub = &param_shape),
};
static const struct shape change_shape = {
    .name = "today_change", .size = sizeof(struct change_out), SHAPE_FIELDS(change_fields)};

struct task_out {
    struct str name, title, what, place;
    int64_t count;
};
static const struct field task_fields[] = {
    SHAPE_FIELD(struct task_out, name, TEXT, "Its name.", "名称。", .required = true),
    SHAPE_FIELD(struct task_out, title, TEXT, "What is so.", "情况。", .required = true),
    SHAPE_FIELD(struct task_out, what, TEXT, "What to do about it.", "怎么办。", .required = true),
    SHAPE_FIELD(struct task_out, count, I64, "How many.", "数量。"),
    SHAPE_FIELD(struct task_out, place, TEXT, "The console's page for it; null: none.",
                "控制台中的相应页面；空为没有。"),
};
static const struct shape task_shape = {
    .name = "today_task", .size = sizeof(struct task_out), SHAPE_FIELDS(task_fields)};

struct today_out {
    bool has_orders;
    int32_t as_of_day, last_day;
    int64_t period_days;
    struct shape_list figures, changes, tasks;
};
static const struct field today_fields[] = {
    SHAPE_FIELD(struct today_out, has_orders, BOOL, "The brand has orders of known buyers.",
                "品牌已有已知买家的订单。"),
    SHAPE_FIELD_AS(struct today_out, as_of_day, "as_of", DAY, "The day after the last order.",
                   "截止日：最后一单的次日。"),
    SHAPE_FIELD(struct today_out, last_day, DAY, "The last day with an order.",
                "最后有订单的一天。"),
    SHAPE_FIELD(struct today_out, period_days, I64, "Days of a period.", "每期天数。"),
    SHAPE_FIELD(struct today_out, figures, LIST, "The figures.", "指标。", .sub = &figure_shape),
    SHAPE_FIELD(struct today_out, changes, LIST,
                "What the last day brought, beside the day before.", "最后一天与前一天对比。",
                .sub = &change_shape),
    SHAPE_FIELD(struct today_out, tasks, LIST, "What waits for somebody.", "待处理事项。",
                .sub = &task_shape),
};
static const struct shape today_shape = {
    .name = "today", .size = sizeof(struct today_out), SHAPE_FIELDS(today_fields)};

/* --- What the figures are --- */

enum figure_of { OF_REPURCHASE, OF_RETURNING, OF_NEW, OF_NET, OF_OVERDUE, FIGURE_MAX };
static const struct figure {
    const char *name, *unit;
    struct text title, definition;
} figures[FIGURE_MAX] = {
    [OF_REPURCHASE] =
        {"repurchase_90", "ratio", TEXT("90-day repurchase rate", "90 日复购率"),
         TEXT("Of the customers whose 90th day after their first purchase lies in the period: the "
              "share that had bought again by then.",
              "首购后第 90 天落在本期内的客户中，届时已再次购买者的占比。")},
    [OF_RETURNING] = {"returning_customers", "count", TEXT("Customers retained", "留存客户"),
                      TEXT("Customers who bought in the period and had bought before it.",
                           "本期内购买、且本期之前已购买过的客户。")},
    [OF_NEW] = {"new_customers", "count", TEXT("New customers", "新客户"),
                TEXT("Customers whose first purchase ever lies in the period.",
                     "有史以来首次购买在本期内的客户。")},
    [OF_NET] = {"net_amount", "amount", TEXT("Net paid", "净销售额"),
                TEXT("Paid in the period, less the refunds of its days.",
                     "本期实付减去本期退款。")},
    [OF_OVERDUE] = {"overdue_customers", "count", TEXT("About to be lost", "即将流失"),
                    TEXT("Customers whose time since the last purchase exceeds their own rhythm "
                         "(90th percentile of their "
                         "gaps, or of the brand's where they have fewer than five).",
                         "距上次购买的天数超过自身购买节奏的客户（本人间隔的 90 "
                         "分位；不足五个间隔时取全品牌的）。")},
};

static double ratio(int64_t a, int64_t b)
{
    return b > 0 ? (double)a / (double)b : (double)NAN;
}

static double unit_amount(const struct call *call, int64_t minor)
{
    return (double)minor / (double)pow10_i64(call->service->brand->currency_digits);
}

static double value_of(const struct call *call, enum figure_of of, const struct engine_period *p)
{
    switch (of) {
    case OF_REPURCHASE:
        return ratio(p->came_back, p->due);
    case OF_RETURNING:
        return (double)(p->customers - p->new_customers);
    case OF_NEW:
        return (double)p->new_customers;
    case OF_NET:
        return unit_amount(call, p->paid_minor - p->refunded_minor);
    default:
        return (double)NAN;
    }
}

/* --- The customers behind them --- */

static void add_param(struct shape_list *link, const char *name, struct str value)
{
    CHECK(link->count < PARAMS_MAX);
    ((struct param_out *)link->items)[link->count++] = (struct param_out){str_c(name), value};
}

static void add_day(struct arena *arena, struct shape_list *link, const char *name, int32_t day)
{
    add_param(link, name, day_text(arena, day));
}

static struct shape_list link_new(struct arena *arena)
{
    return (struct shape_list){ARENA_ARRAY(arena, PARAMS_MAX, struct param_out), 0};
}

static struct shape_list link_of_days(struct arena *arena, int32_t as_of_day, int32_t from_day,
                                      int32_t to_day)
{
    struct shape_list link = link_new(arena);
    add_day(arena, &link, "as_of", as_of_day);
    add_day(arena, &link, "from", from_day);
    add_day(arena, &link, "to", to_day);
    return link;
}

static struct shape_list link_of(struct arena *arena, enum figure_of of, int32_t as_of_day,
                                 const struct engine_period *p)
{
    struct shape_list link = link_new(arena);
    if (of == OF_REPURCHASE || of == OF_OVERDUE)
        add_day(arena, &link, "as_of", as_of_day);
    else
        link = link_of_days(arena, as_of_day, p->from_day, p->to_day);
    switch (of) {
    case OF_REPURCHASE:
        add_day(arena, &link, "first_from", p->from_day - WITHIN_DAYS);
        add_day(arena, &link, "first_to", p->to_day - WITHIN_DAYS);
        add_param(&link, "back_max", str_fmt(arena, "%d", WITHIN_DAYS));
        break;
    case OF_RETURNING:
        add_param(&link, "days_min", STR("1"));
        add_day(arena, &link, "first_to", p->from_day - 1);
        break;
    case OF_NEW:
        add_param(&link, "new", STR("true"));
        break;
    case OF_NET:
        add_param(&link, "movements_min", STR("1"));
        break;
    case OF_OVERDUE:
        add_param(&link, "overdue", STR("true"));
        break;
    case FIGURE_MAX:
        break;
    }
    return link;
}

/* --- Figures --- */

static struct figure_out figure_of(struct call *call, enum figure_of of, int32_t as_of_day,
                                   const struct engine_period periods[PERIODS])
{
    const struct figure *figure = &figures[of];
    struct point_out *points = ARENA_ARRAY(call->arena, PERIODS, struct point_out);
    struct figure_out out = {
        .name = str_c(figure->name),
        .title = str_c(figure->title.in[call->lang]),
        .definition = str_c(figure->definition.in[call->lang]),
        .unit = str_c(figure->unit),
        .value = value_of(call, of, &periods[0]),
        .previous = value_of(call, of, &periods[1]),
        .trend = {points, of == OF_OVERDUE ? 0 : PERIODS},
        .link = link_of(call->arena, of, as_of_day, &periods[0]),
    };
    for (int i = 0; i < PERIODS; i++) {
        const struct engine_period *period = &periods[PERIODS - 1 - i];
        points[i] =
            (struct point_out){period->from_day, period->to_day, value_of(call, of, period)};
    }
    return out;
}

static const struct err *count_overdue(struct call *call, const struct engine *engine,
                                       const struct report_scope *scope, double *count)
{
    struct engine_selection selection = engine_selection_all(scope);
    struct select_page page = {.limit = 0};
    struct engine_selected selected;
    selection.overdue = OVERDUE_YES;
    TRY(engine_select(call->arena, engine, &selection, &page, &selected));
    *count = (double)selected.customers;
    return NULL;
}

static const struct err *fill_figures(struct call *call, const struct engine *engine,
                                      const struct report_scope *scope, struct today_out *out)
{
    struct engine_period periods[PERIODS];
    struct figure_out *items = ARENA_ARRAY(call->arena, FIGURE_MAX, struct figure_out);
    TRY(engine_periods(call->arena, engine, scope->as_of_day, PERIOD_DAYS, WITHIN_DAYS, periods,
                       PERIODS));
    for (int of = 0; of < FIGURE_MAX; of++)
        items[of] = figure_of(call, (enum figure_of)of, scope->as_of_day, periods);
    out->figures = (struct shape_list){items, FIGURE_MAX};
    return count_overdue(call, engine, scope, &items[OF_OVERDUE].value);
}

/* --- The last day --- */

static void add_change(struct call *call, struct today_out *out, const char *name,
                       struct text title, double value, double before, struct shape_list link)
{
    bool is_amount = str_eq(str_c(name), STR("net_amount"));
    ((struct change_out *)out->changes.items)[out->changes.count++] = (struct change_out){
        .name = str_c(name),
        .title = str_c(title.in[call->lang]),
        .unit = is_amount ? STR("amount") : STR("count"),
        .value = value,
        .before = before,
        .link = link,
    };
}

static const struct err *fill_changes(struct call *call, const struct engine *engine,
                                      int32_t as_of_day, struct today_out *out)
{
    enum { CHANGES_MAX = 4 };
    struct engine_period days[2];
    struct arena *arena = call->arena;
    TRY(engine_periods(arena, engine, as_of_day, 1, WITHIN_DAYS, days, 2));
    const struct engine_period *now = &days[0], *before = &days[1];
    out->changes.items = ARENA_ARRAY(arena, CHANGES_MAX, struct change_out);
    struct shape_list bought = link_of_days(arena, as_of_day, now->from_day, now->to_day);
    add_param(&bought, "days_min", STR("1"));
    struct shape_list new = link_of_days(arena, as_of_day, now->from_day, now->to_day);
    add_param(&new, "new", STR("true"));
    struct shape_list moved = link_of_days(arena, as_of_day, now->from_day, now->to_day);
    add_param(&moved, "movements_min", STR("1"));
    add_change(call, out, "customers", (struct text)TEXT("Customers who bought", "购买客户"),
               (double)now->customers, (double)before->customers, bought);
    add_change(call, out, "orders", (struct text)TEXT("Orders", "订单"), (double)now->orders,
               (double)before->orders, bought);
    add_change(call, out, "new_customers", (struct text)TEXT("New customers", "新客户"),
               (double)now->new_customers, (double)before->new_customers, new);
    add_change(call, out, "net_amount", (struct text)TEXT("Net paid", "净销售额"),
               unit_amount(call, now->paid_minor - now->refunded_minor),
               unit_amount(call, before->paid_minor - before->refunded_minor), moved);
    return NULL;
}

/* --- What waits --- */

static void add_task(struct call *call, struct today_out *out, const char *name, int64_t count,
                     struct text title, struct text what, struct str place)
{
    if (count == 0)
        return;
    ((struct task_out *)out->tasks.items)[out->tasks.count++] = (struct task_out){
        .name = str_c(name),
        .title = str_c(title.in[call->lang]),
        .what = str_c(what.in[call->lang]),
        .place = place,
        .count = count,
    };
}

static const struct err *tasks_tx(struct tx *tx, void *arg)
{
    enum { TASKS_MAX = 4 };
    struct call *call = arg;
    struct today_out *out = call->out;
    struct sql_insight_today_rejects_in since = {call->now_us - REJECTS_DAYS * US_PER_DAY};
    struct sql_insight_today_rejects_out rejects;
    struct sql_insight_today_proposals_out proposals;
    const struct engine *engine = call->service->engine(call->service);
    bool found;
    TRY(sql_insight_today_rejects_one(tx, &since, &rejects, &found));
    TRY(sql_insight_today_proposals_one(tx, &proposals, &found));
    out->tasks = (struct shape_list){ARENA_ARRAY(call->arena, TASKS_MAX, struct task_out), 0};
    add_task(call, out, "rejected_rows", rejects.rejected_rows,
             (struct text)TEXT("rows rejected by imports of the last 30 days",
                               "行在近 30 天的导入中被拒绝"),
             (struct text)TEXT("Download the rejects, correct them and import them again.",
                               "请下载被拒绝的行，更正后重新导入。"),
             STR("/import"));
    add_task(call, out, "merge_proposals", proposals.waiting,
             (struct text)TEXT("pairs of customers who may be one person", "对客户可能是同一人"),
             (struct text)TEXT("Look at each pair and merge it, or say that they are two.",
                               "请逐对查看，合并或确认不是同一人。"),
             STR("/customers/proposals"));
    struct text what =
        TEXT("No figure counts them. An export with a member name, account or phone tells whose "
             "they are.",
             "各项指标均不含这些订单。导入含会员名、账号或手机号的文件即可识别客户。");
    add_task(call, out, "orders_without_buyer", engine_left_out(engine).orders,
             (struct text)TEXT("paid orders without a known customer", "个已付款订单没有已知客户"),
             what, STR_NONE);
    int64_t behind_us = call->service->columns_behind_us(call->service);
    add_task(call, out, "columns_behind", behind_us > BEHIND_US ? behind_us / US_PER_SECOND : 0,
             (struct text)TEXT("seconds that the figures are behind", "秒：数据更新滞后"),
             (struct text)TEXT("If this stays so, look at the system's health.",
                               "若持续如此，请查看系统状态。"),
             STR("/settings/system"));
    return NULL;
}

static const struct err *get_today(struct call *call)
{
    struct today_out *out = call->out;
    const struct engine *engine;
    struct insight_request request = {.metric_name = str_c(metric_all[0]->name),
                                      .as_of_day = DAY_NONE,
                                      .from_day = DAY_NONE,
                                      .to_day = DAY_NONE,
                                      .net = true};
    const struct metric *metric;
    struct report_scope scope;
    int32_t first_day;
    TRY(people_engine(call, &engine));
    TRY(call_read(call, tasks_tx, call));
    out->period_days = PERIOD_DAYS;
    out->as_of_day = out->last_day = DAY_NONE;
    const struct err *err = insight_scope_of_columns(call->arena, engine, call->service->brand,
                                                     &request, &metric, &scope, &first_day);
    if (err && err->code == ERR_REPORT_EMPTY)
        return NULL;
    TRY(err);
    out->has_orders = true;
    out->as_of_day = scope.as_of_day;
    out->last_day = scope.to_day;
    TRY(fill_figures(call, engine, &scope, out));
    return fill_changes(call, engine, scope.as_of_day, out);
}

static const enum err_code today_errors[] = {ERR_REPORT_NOT_READY, ERR_NONE};

static const struct endpoint endpoints[] = {
    {.name = "getToday",
     .method = METHOD_GET,
     .path = "/api/v1/today",
     .scope = SCOPE_REPORTS_READ,
     .reach = {[ROLE_OWNER] = REACH_ALL, [ROLE_OPERATOR] = REACH_ALL, [ROLE_ENGINEER] = REACH_ALL},
     .out = &today_shape,
     .errors = today_errors,
     .handler = get_today,
     .title = TEXT("How the brand does, and what waits for somebody", "今日概况与待办")},
};
const struct endpoint_table today_endpoints = {
    .tag = "today", .title = TEXT("Today", "今日"), ENDPOINTS(endpoints)};
