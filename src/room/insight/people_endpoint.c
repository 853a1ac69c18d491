/* The list of customers, what it can be chosen by, and its export. */
#include "base/arena.h"
#include "base/calendar.h"
#include "base/decimal.h"
#include "room/insight/bulk.h"
#include "room/insight/people.h"
#include "room/insight/people_file.h"

#define CHOICES_MAX 1000 /* of a kind */

/* --- The list --- */

struct list_out {
    int64_t customers, orders, purchase_days, refunds;
    struct str paid, refunded, amount, net_or_gross, next_cursor;
    int32_t as_of_day, from_day, to_day;
    bool has_orders;
    struct shape_list items;
};
static const struct field list_fields[] = {
    SHAPE_FIELD(struct list_out, customers, I64, "How many the selection holds.",
                "符合条件的客户数。", .required = true),
    SHAPE_FIELD(struct list_out, orders, I64, "Their counted orders looked at.", "其计数订单。"),
    SHAPE_FIELD(struct list_out, purchase_days, I64, "Their purchase days looked at.",
                "其购买日数。"),
    SHAPE_FIELD(struct list_out, refunds, I64, "Their refunds looked at.", "其退款笔数。"),
    SHAPE_FIELD(struct list_out, paid, DECIMAL, "What they paid.", "其实付合计。",
                .required = true),
    SHAPE_FIELD(struct list_out, refunded, DECIMAL, "What they were given back.", "其退款合计。",
                .required = true),
    SHAPE_FIELD(struct list_out, amount, DECIMAL, "Paid; net: less given back.",
                "金额合计（按口径）。", .required = true),
    SHAPE_FIELD(struct list_out, net_or_gross, TEXT, "net or gross.", "net 或 gross。",
                .required = true),
    SHAPE_FIELD_AS(struct list_out, as_of_day, "as_of", DAY,
                   "What happened on it and later is unknown.", "截止日。", .required = true),
    SHAPE_FIELD_AS(struct list_out, from_day, "from", DAY, "First day looked at.", "所看的第一天。",
                   .required = true),
    SHAPE_FIELD_AS(struct list_out, to_day, "to", DAY, "Last day looked at.", "所看的最后一天。",
                   .required = true),
    SHAPE_FIELD(struct list_out, has_orders, BOOL, "The brand has orders of known buyers.",
                "品牌已有已知买家的订单。"),
    SHAPE_FIELD(struct list_out, items, LIST, "The page.", "本页客户。", .sub = &people_row_shape),
    SHAPE_FIELD(struct list_out, next_cursor, TEXT, "Give it as ?cursor to go on; null at the end.",
                "作为 ?cursor 传入以继续；到底时为空。"),
};
static const struct shape list_shape = {
    .name = "customer_page", .size = sizeof(struct list_out), SHAPE_FIELDS(list_fields)};

/* "PLACE_ID" */
static const struct err *read_cursor(struct call *call, struct str cursor, struct select_page *page)
{
    struct str id;
    if (!cursor.p)
        return NULL;
    struct str place = str_cut(cursor, '_', &id);
    page->has_after = true;
    if (str_to_i64(place, &page->after_place) && id.p && str_to_i64(id, &page->after_id))
        return NULL;
    return ERR_NEW(call->arena, ERR_PEOPLE_CURSOR, STR("?cursor"));
}

struct select_page people_page(const struct people_query *query)
{
    return (struct select_page){.sort = (enum select_sort)query->sort,
                                .descending = query->order == PEOPLE_DESCENDING,
                                .limit = (size_t)query->limit};
}

static void fill_head(struct call *call, const struct people *people,
                      const struct engine_selected *selected, struct list_out *out)
{
    const struct report_scope *scope = &people->selection.scope;
    struct arena *arena = call->arena;
    int digits = call->service->brand->currency_digits;
    int64_t net = selected->paid_minor - selected->refunded_minor;
    out->customers = selected->customers;
    out->orders = selected->orders;
    out->purchase_days = selected->purchase_days;
    out->refunds = selected->refunds;
    out->paid = minor_plain(arena, selected->paid_minor, digits);
    out->refunded = minor_plain(arena, selected->refunded_minor, digits);
    out->amount = minor_plain(arena, scope->net ? net : selected->paid_minor, digits);
    out->net_or_gross = scope->net ? STR("net") : STR("gross");
    out->as_of_day = scope->as_of_day;
    out->from_day = scope->from_day;
    out->to_day = scope->to_day;
    out->has_orders = people->has_orders;
}

static const struct err *list_tx(struct tx *tx, void *arg)
{
    struct call *call = arg;
    const struct people_query *query = call->query;
    struct list_out *out = call->out;
    struct people people;
    struct engine_selected selected;
    struct people_staff staff;
    const struct engine *engine;
    struct select_page page = people_page(query);
    TRY(read_cursor(call, query->cursor, &page));
    TRY(people_engine(call, &engine));
    TRY(people_read(tx, call, query, "?", &people));
    TRY(engine_select(call->arena, engine, &people.selection, &page, &selected));
    fill_head(call, &people, &selected, out);
    TRY(people_staff_read(tx, &staff));
    struct people_row *rows = ARENA_ARRAY(call->arena, selected.row_count + 1, struct people_row);
    out->items = (struct shape_list){rows, selected.row_count};
    bool masked = !principal_sees_names(&call->principal);
    for (size_t i = 0; i < selected.row_count; i++)
        TRY(people_row_read(tx, call, &staff, masked, &selected.rows[i], &rows[i]));
    if (!selected.more || selected.row_count == 0)
        return NULL;
    const struct engine_customer *last = &selected.rows[selected.row_count - 1];
    out->next_cursor =
        str_fmt(call->arena, "%lld_%lld", (long long)last->place, (long long)last->customer_id);
    return NULL;
}

static const struct err *list_customers(struct call *call)
{
    return call_read(call, list_tx, call);
}

/* --- What there is to choose from --- */

struct keeper_out {
    int64_t staff_id;
    struct str name;
};
static const struct field keeper_fields[] = {
    SHAPE_FIELD(struct keeper_out, staff_id, ID, "The person.", "员工编号。", .required = true),
    SHAPE_FIELD(struct keeper_out, name, TEXT, "Their name.", "姓名。", .required = true),
};
static const struct shape keeper_shape = {
    .name = "keeper", .size = sizeof(struct keeper_out), SHAPE_FIELDS(keeper_fields)};
struct choices_out {
    struct shape_list tags, channels, keepers;
};
static const struct field choices_fields[] = {
    SHAPE_FIELD(struct choices_out, tags, LIST, "Names of tags.", "标签名。"),
    SHAPE_FIELD(struct choices_out, channels, LIST, "Names of channels.", "渠道名。"),
    SHAPE_FIELD(struct choices_out, keepers, LIST, "Staff whom the asker may see the customers of.",
                "可查看其客户的员工。", .sub = &keeper_shape),
};
static const struct shape choices_shape = {
    .name = "customer_choices", .size = sizeof(struct choices_out), SHAPE_FIELDS(choices_fields)};

static const struct err *add_keepers(struct tx *tx, struct call *call, struct shape_list *list)
{
    struct people_staff staff;
    int64_t *below = NULL;
    size_t below_count = 0;
    TRY(people_staff_read(tx, &staff));
    if (call->reach == REACH_BELOW)
        TRY(staff_below(tx, call->principal.id, &below, &below_count));
    struct keeper_out *items = ARENA_ARRAY(call->arena, staff.count + 1, struct keeper_out);
    *list = (struct shape_list){items, 0};
    for (size_t i = 0; i < staff.count; i++) {
        const struct staff_name *one = &staff.names[i];
        bool may = call->reach == REACH_ALL || one->staff_id == call->principal.id;
        for (size_t k = 0; k < below_count; k++)
            may = may || below[k] == one->staff_id;
        if (may && !one->is_blocked)
            items[list->count++] =
                (struct keeper_out){one->staff_id, str_copy(call->arena, one->name)};
    }
    return NULL;
}

static const struct err *choices_tx(struct tx *tx, void *arg)
{
    struct call *call = arg;
    struct choices_out *out = call->out;
    const struct engine *engine;
    struct str *tags;
    TRY(people_engine(call, &engine));
    TRY(customer_tag_names(tx, call->arena, CHOICES_MAX, &tags, &out->tags.count));
    out->tags.items = tags;
    out->channels.items = engine_channel_names(call->arena, engine, &out->channels.count);
    if (out->channels.count > CHOICES_MAX)
        out->channels.count = CHOICES_MAX;
    return add_keepers(tx, call, &out->keepers);
}

static const struct err *list_choices(struct call *call)
{
    return call_read(call, choices_tx, call);
}

/* --- The table --- */

static const enum err_code list_errors[] = {ERR_PEOPLE_MONTH,     ERR_PEOPLE_KEEPER,
                                            ERR_PEOPLE_MONEY,     ERR_PEOPLE_IDS,
                                            ERR_PEOPLE_CURSOR,    ERR_REPORT_NOT_READY,
                                            ERR_REPORT_DAY_RANGE, ERR_REPORT_EMPTY_BEFORE,
                                            ERR_REPORT_DAYS,      ERR_NONE};
static const enum err_code choices_errors[] = {ERR_REPORT_NOT_READY, ERR_NONE};
static const enum err_code start_errors[] = {
    ERR_BULK_KEEPER,       ERR_BULK_NOBODY, ERR_CUSTOMER_TAG_NAME, ERR_STAFF_UNKNOWN,
    ERR_PEOPLE_MONTH,      ERR_PEOPLE_IDS,  ERR_PEOPLE_KEEPER,     ERR_PEOPLE_MONEY,
    ERR_REPORT_NOT_READY,  ERR_REPORT_DAYS, ERR_REPORT_DAY_RANGE,  ERR_REPORT_EMPTY_BEFORE,
    ERR_IDEMPOTENCY_OTHER, ERR_NONE};
static const enum err_code bulk_errors[] = {ERR_BULK_UNKNOWN, ERR_NONE};
static const enum err_code state_errors[] = {ERR_BULK_UNKNOWN, ERR_BULK_STATE,
                                             ERR_IDEMPOTENCY_OTHER, ERR_NONE};

static const struct endpoint endpoints[] = {
    {.name = "listCustomers",
     .method = METHOD_GET,
     .path = "/api/v1/customers",
     .scope = SCOPE_CUSTOMERS_READ,
     .reach = REACH_SEE,
     .query_shape = &people_list_query_shape,
     .out = &list_shape,
     .errors = list_errors,
     .handler = list_customers,
     .title = TEXT("Customers", "客户列表"),
     .doc = TEXT("Those whom all that is asked holds for. Numbers and addresses are masked.",
                 "满足全部条件的客户。号码与地址已脱敏。")},
    {.name = "listCustomerChoices",
     .method = METHOD_GET,
     .path = "/api/v1/customers/choices",
     .scope = SCOPE_CUSTOMERS_READ,
     .reach = REACH_SEE,
     .out = &choices_shape,
     .errors = choices_errors,
     .handler = list_choices,
     .title = TEXT("Tags, channels, keepers to choose customers by", "可选的标签、渠道与负责员工")},
    {.name = "exportCustomers",
     .method = METHOD_GET,
     .path = "/api/v1/customers/file",
     .scope = SCOPE_CUSTOMERS_READ,
     .reach = REACH_SEE,
     .flags = ENDPOINT_FILE | ENDPOINT_AUDITED,
     .query_shape = &people_file_query_shape,
     .errors = people_file_errors,
     .handler = people_file,
     .title = TEXT("Customers as a workbook or CSV", "导出客户（xlsx 或 CSV）"),
     .doc = TEXT("The whole selection, names and numbers masked. Leaves a row in the audit trail.",
                 "导出全部符合条件的客户，姓名与号码脱敏，并写入审计记录。")},
    {.name = "startBulk",
     .method = METHOD_POST,
     .path = "/api/v1/bulks",
     .scope = SCOPE_CUSTOMERS_WRITE,
     .reach = REACH_TOUCH,
     .flags = ENDPOINT_WRITES,
     .in = &bulk_in_shape,
     .out = &bulk_shape,
     .status = 201,
     .errors = start_errors,
     .handler = bulk_start,
     .title = TEXT("Tag, untag or hand over many customers", "批量打标签、移除标签或指定负责人"),
     .doc = TEXT("The selection is made once, when it begins; then the customers are changed bit "
                 "by bit in the background.",
                 "开始时确定客户名单，随后在后台分批处理。")},
    {.name = "listBulks",
     .method = METHOD_GET,
     .path = "/api/v1/bulks",
     .scope = SCOPE_CUSTOMERS_READ,
     .reach = REACH_TOUCH,
     .query_shape = &bulk_list_query_shape,
     .out = &bulk_list_shape,
     .handler = bulk_list,
     .title = TEXT("Bulk changes, the newest first", "批量操作列表，最新在前"),
     .doc = TEXT("Of everybody for those who see all customers, else one's own.",
                 "能看到全部客户者可见所有人的操作，其他人只见自己的。")},
    {.name = "getBulk",
     .method = METHOD_GET,
     .path = "/api/v1/bulks/{bulk_id}",
     .scope = SCOPE_CUSTOMERS_READ,
     .reach = REACH_TOUCH,
     .path_shape = &bulk_path_shape,
     .out = &bulk_shape,
     .errors = bulk_errors,
     .handler = bulk_get,
     .title = TEXT("How far a bulk change is", "批量操作进度")},
    {.name = "stopBulk",
     .method = METHOD_POST,
     .path = "/api/v1/bulks/{bulk_id}/stop",
     .scope = SCOPE_CUSTOMERS_WRITE,
     .reach = REACH_TOUCH,
     .flags = ENDPOINT_WRITES,
     .path_shape = &bulk_path_shape,
     .out = &bulk_shape,
     .errors = state_errors,
     .handler = bulk_stop,
     .title = TEXT("Stop a bulk change where it is", "停止批量操作")},
    {.name = "undoBulk",
     .method = METHOD_POST,
     .path = "/api/v1/bulks/{bulk_id}/undo",
     .scope = SCOPE_CUSTOMERS_WRITE,
     .reach = REACH_TOUCH,
     .flags = ENDPOINT_WRITES,
     .path_shape = &bulk_path_shape,
     .out = &bulk_shape,
     .status = 201,
     .errors = state_errors,
     .handler = bulk_undo,
     .title = TEXT("Undo a bulk change", "撤销批量操作"),
     .doc = TEXT("Gives back to each customer that it changed what was there before.",
                 "把被更改的客户恢复为操作前的状态。")},
};
const struct endpoint_table people_endpoints = {
    .tag = "people", .title = TEXT("Many customers", "客户列表与批量操作"), ENDPOINTS(endpoints)};
