/* How one customer stands by the measures of the reports. */
#include "base/arena.h"
#include "base/calendar.h"
#include "base/decimal.h"
#include "engine/engine_portrait.h"
#include "room/insight/people.h"

#include <math.h>

struct portrait_path {
    int64_t customer_id;
};
static const struct field portrait_path_fields[] = {
    SHAPE_FIELD(struct portrait_path, customer_id, ID, "The customer.", "客户。", .required = true),
};
static const struct shape portrait_path_shape = {.name = "portrait_path",
                                                 .size = sizeof(struct portrait_path),
                                                 SHAPE_FIELDS(portrait_path_fields)};

struct portrait_out {
    bool is_buyer, is_overdue;
    int32_t as_of_day, expected_day, overdue_from_day;
    int64_t r, f, m, days_since, orders;
    double median_days, limit_days, expected_days;
    struct str amount, basis;
    struct shape_list days;
};
static const struct field portrait_fields[] = {
    SHAPE_FIELD_AS(
        struct portrait_out, as_of_day, "as_of", DAY,
        "What happened on it and later is unknown to these figures; null: no orders yet.",
        "截止日：当日及以后的事不计；空为尚无订单。"),
    SHAPE_FIELD(struct portrait_out, is_buyer, BOOL, "Has a purchase day.", "有购买日。"),
    SHAPE_FIELD(struct portrait_out, days, LIST, "Purchase days, the first first.",
                "购买日，从早到晚。"),
    SHAPE_FIELD(struct portrait_out, r, I64, "Score of R, 1 to 5; 0: no buyer.",
                "R 得分，1 至 5；0 为未购买。"),
    SHAPE_FIELD(struct portrait_out, f, I64, "Score of F, 1 to 5; 0: no buyer.",
                "F 得分，1 至 5；0 为未购买。"),
    SHAPE_FIELD(struct portrait_out, m, I64, "Score of M, 1 to 5; 0: no buyer.",
                "M 得分，1 至 5；0 为未购买。"),
    SHAPE_FIELD(struct portrait_out, days_since, I64, "R: days since the last purchase day.",
                "R：距最后购买日的天数。"),
    SHAPE_FIELD(struct portrait_out, orders, I64, "F: counted orders.", "F：计数订单。"),
    SHAPE_FIELD(struct portrait_out, amount, DECIMAL, "M: net of refunds.", "M：扣除退款的金额。"),
    SHAPE_FIELD(struct portrait_out, median_days, F64, "Median of the own gaps, days.",
                "本人间隔的中位数（天）。"),
    SHAPE_FIELD(
        struct portrait_out, basis, TEXT,
        "What limit and expectation go by: own gaps (five at least), the brand's after this "
        "purchase number, none.",
        "界限与预期的依据：own 本人间隔（至少五个）、brand 全品牌该次购买之后的间隔、"
        "none 没有。"),
    SHAPE_FIELD(struct portrait_out, expected_days, F64, "Median of those gaps, days.",
                "所依据间隔的中位数（天）。"),
    SHAPE_FIELD(struct portrait_out, expected_day, DAY, "When the next purchase is expected.",
                "预计下次购买日。"),
    SHAPE_FIELD(struct portrait_out, limit_days, F64, "90th percentile of those gaps, days.",
                "所依据间隔的 90 分位（天）。"),
    SHAPE_FIELD(struct portrait_out, overdue_from_day, DAY, "From when on it is overdue.",
                "自何日起逾期。"),
    SHAPE_FIELD(struct portrait_out, is_overdue, BOOL, "It is overdue, as in the report overdue.",
                "已逾期（同报表“即将流失”）。"),
};
static const struct shape portrait_shape = {
    .name = "portrait", .size = sizeof(struct portrait_out), SHAPE_FIELDS(portrait_fields)};

struct reaching {
    struct call *call;
    int64_t root_id;
};

static const struct err *reach_tx(struct tx *tx, void *arg)
{
    struct reaching *reaching = arg;
    const struct portrait_path *path = reaching->call->path;
    return customer_reach(tx, reaching->call, path->customer_id, &reaching->root_id);
}

static struct shape_list days_of(struct arena *arena, const struct engine_portrait *portrait)
{
    struct str *days = ARENA_ARRAY(arena, portrait->day_count + 1, struct str);
    for (size_t i = 0; i < portrait->day_count; i++)
        days[i] = day_text(arena, portrait->days[i]);
    return (struct shape_list){days, portrait->day_count};
}

static void fill(struct call *call, const struct engine_portrait *portrait,
                 struct portrait_out *out)
{
    out->is_buyer = portrait->is_buyer;
    if (!portrait->is_buyer)
        return;
    out->days = days_of(call->arena, portrait);
    out->r = portrait->r_score;
    out->f = portrait->f_score;
    out->m = portrait->m_score;
    out->days_since = portrait->days_since;
    out->orders = portrait->orders;
    out->amount =
        minor_plain(call->arena, portrait->amount_minor, call->service->brand->currency_digits);
    out->median_days = portrait->own_median_days;
    out->basis = str_c(portrait_basis_name(portrait->basis));
    out->expected_days = portrait->expected_days;
    out->expected_day = portrait->expected_day;
    out->limit_days = portrait->limit_days;
    out->overdue_from_day = portrait->overdue_from_day;
    out->is_overdue = portrait->is_overdue;
}

/* With the scope that the reports have where none is asked for. */
static const struct err *get_portrait(struct call *call)
{
    struct portrait_out *out = call->out;
    struct insight_request request = {.metric_name = STR("overdue"),
                                      .as_of_day = DAY_NONE,
                                      .from_day = DAY_NONE,
                                      .to_day = DAY_NONE,
                                      .net = true};
    const struct engine *engine;
    const struct metric *metric;
    struct report_scope scope;
    struct engine_portrait portrait;
    int32_t first_day;
    struct reaching reaching = {.call = call};
    out->median_days = out->expected_days = out->limit_days = (double)NAN;
    TRY(call_read(call, reach_tx, &reaching));
    TRY(people_engine(call, &engine));
    const struct err *err = insight_scope_of_columns(call->arena, engine, call->service->brand,
                                                     &request, &metric, &scope, &first_day);
    if (err && err->code == ERR_REPORT_EMPTY)
        return NULL;
    TRY(err);
    out->as_of_day = scope.as_of_day;
    TRY(engine_portrait(call->arena, engine, &scope, reaching.root_id, &portrait));
    fill(call, &portrait, out);
    return NULL;
}

static const enum err_code portrait_errors[] = {ERR_CUSTOMER_UNKNOWN, ERR_REPORT_NOT_READY,
                                                ERR_NONE};

static const struct endpoint endpoints[] = {
    {.name = "getPortrait",
     .method = METHOD_GET,
     .path = "/api/v1/customers/{customer_id}/portrait",
     .scope = SCOPE_CUSTOMERS_READ,
     .reach = {[ROLE_OWNER] = REACH_ALL,
               [ROLE_OPERATOR] = REACH_ALL,
               [ROLE_SERVICE_MANAGER] = REACH_BELOW,
               [ROLE_CLIENT_MANAGER] = REACH_BELOW,
               [ROLE_AGENT] = REACH_OWN},
     .path_shape = &portrait_path_shape,
     .out = &portrait_shape,
     .errors = portrait_errors,
     .handler = get_portrait,
     .title = TEXT("A customer's scores and rhythm", "客户画像"),
     .doc = TEXT("By the definitions of the reports rfm, rhythm and overdue.",
                 "口径同报表 R/F/M、购买节奏与即将流失。")},
};
const struct endpoint_table portrait_endpoints = {
    .tag = "portrait", .title = TEXT("A customer's figures", "客户画像"), ENDPOINTS(endpoints)};
