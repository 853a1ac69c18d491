/* One customer: what happened, what they bought, what they allowed, and their rights over what is
 * kept of them. */
#include "base/arena.h"
#include "base/calendar.h"
#include "base/decimal.h"
#include "room/order/import_queue.h"
#include "room/order/person_part.h"
#include "room/order/person_text.h"

#include <stdlib.h>

#define TIMELINE_MAX 2000
#define AUDIT_BYTES_MAX 8192

/* --- What happened --- */

struct moment_out {
    int64_t occurred_at_us, recorded_at_us, customer_id, order_id, version;
    struct str group, type, title, by, amount, number, payload;
};
static const struct field moment_fields[] = {
    SHAPE_FIELD(struct moment_out, customer_id, ID, "The birth that it happened to.",
                "所属客户记录。", .required = true),
    SHAPE_FIELD(struct moment_out, group, TEXT,
                "order, refund, import, tag, merge, consent, access, change or created.",
                "order、refund、import、tag、merge、consent、access、change 或 created。",
                .required = true),
    SHAPE_FIELD(struct moment_out, type, TEXT, "Of events: what kind; else order or refund.",
                "事件类型；订单与退款为 order、refund。", .required = true),
    SHAPE_FIELD(struct moment_out, title, TEXT, "In words.", "说明。", .required = true),
    SHAPE_FIELD(struct moment_out, by, TEXT, "Who did it, by name.", "操作者。"),
    SHAPE_FIELD_AS(struct moment_out, occurred_at_us, "occurred_at", TIME, "When it happened.",
                   "发生时间。", .required = true),
    SHAPE_FIELD_AS(struct moment_out, recorded_at_us, "recorded_at", TIME, "When it was recorded.",
                   "记录时间。", .required = true),
    SHAPE_FIELD(struct moment_out, order_id, ID, "Of orders and refunds: the order.", "订单编号。"),
    SHAPE_FIELD(struct moment_out, number, TEXT, "Of orders and refunds: the source's number.",
                "来源单号。"),
    SHAPE_FIELD(struct moment_out, amount, DECIMAL, "Of orders and refunds.", "金额。"),
    SHAPE_FIELD(struct moment_out, version, I64, "Of events: the place in the birth's history.",
                "事件在该记录历史中的序号。"),
    SHAPE_FIELD(struct moment_out, payload, JSON, "Of events: the particulars.", "事件详情。"),
};
static const struct shape moment_shape = {
    .name = "moment", .size = sizeof(struct moment_out), SHAPE_FIELDS(moment_fields)};
struct timeline_out {
    struct shape_list items;
    bool more;
};
static const struct field timeline_fields[] = {
    SHAPE_FIELD(struct timeline_out, items, LIST, "The newest first.", "最新在前。",
                .sub = &moment_shape),
    SHAPE_FIELD(struct timeline_out, more, BOOL, "There is more: ask with a greater limit.",
                "还有更多：请增大 limit。"),
};
static const struct shape timeline_shape = {
    .name = "timeline", .size = sizeof(struct timeline_out), SHAPE_FIELDS(timeline_fields)};

enum { GROUP_ORDER, GROUP_REFUND };
static const char *const groups[] = {"order",   "refund", "import", "tag",     "merge",
                                     "consent", "access", "change", "created", NULL};
struct timeline_query {
    int group;
    int64_t limit;
};
static const struct field timeline_query_fields[] = {
    SHAPE_FIELD(struct timeline_query, group, ENUM, "Only these.", "只看此类。", .values = groups),
    SHAPE_FIELD(struct timeline_query, limit, I64, "Rows at most.", "最多多少行。", .min = 1,
                .max = TIMELINE_MAX, .fallback = "200"),
};
static const struct shape timeline_query_shape = {
    .name = "timeline_query",
    .size = sizeof(struct timeline_query),
    SHAPE_FIELDS(timeline_query_fields)};

struct timeline {
    struct call *call;
    struct tx *tx;
    struct moment_out *items;
    size_t count, capacity;
};

static struct moment_out *next_moment(struct timeline *timeline)
{
    if (timeline->count == timeline->capacity) {
        const struct moment_out *old = timeline->items;
        timeline->capacity = timeline->capacity ? 2 * timeline->capacity : 64;
        timeline->items =
            ARENA_ARRAY(timeline->call->arena, timeline->capacity, struct moment_out);
        for (size_t i = 0; i < timeline->count; i++)
            timeline->items[i] = old[i];
    }
    return &timeline->items[timeline->count++];
}

static bool is_asked(const struct timeline *timeline, const char *group)
{
    const struct timeline_query *query = timeline->call->query;
    return query->group < 0 || str_eq(str_c(groups[query->group]), str_c(group));
}

static void add_order(struct timeline *timeline, const struct order_view *order)
{
    struct arena *arena = timeline->call->arena;
    struct str state = order_state_title(order->state, timeline->call->lang);
    *next_moment(timeline) = (struct moment_out){
        .occurred_at_us = order->occurred_at_us,
        .recorded_at_us = order->recorded_at_us,
        .customer_id = order->customer_id,
        .order_id = order->order_id,
        .group = STR("order"),
        .type = STR("order"),
        .title = str_fmt(arena, "%.*s · %.*s", STR_ARG(order->source), STR_ARG(state)),
        .amount = minor_plain(arena, order->amount_minor,
                              timeline->call->service->brand->currency_digits),
        .number = str_copy(arena, order->number),
    };
}

static void add_refund(struct timeline *timeline, const struct order_refund_view *refund)
{
    struct arena *arena = timeline->call->arena;
    bool zh = timeline->call->lang == LANG_ZH;
    *next_moment(timeline) = (struct moment_out){
        .occurred_at_us = refund->refunded_at_us,
        .recorded_at_us = refund->recorded_at_us,
        .customer_id = refund->customer_id,
        .order_id = refund->order_id,
        .group = STR("refund"),
        .type = STR("refund"),
        .title = str_fmt(arena, "%.*s · %s", STR_ARG(refund->source), zh ? "退款" : "Refund"),
        .amount = minor_plain(arena, refund->amount_minor,
                              timeline->call->service->brand->currency_digits),
        .number = str_copy(arena, refund->number),
    };
}

static const struct err *add_event(struct timeline *timeline, const struct event *event)
{
    struct arena *arena = timeline->call->arena;
    struct str by = event_by(timeline->tx ? tx_arena(timeline->tx) : arena, event);
    if (by.p)
        TRY(access_name_of(timeline->tx, by, &by));
    struct str title = event_sentence(timeline->tx, event, timeline->call->lang);
    *next_moment(timeline) = (struct moment_out){
        .occurred_at_us = event->occurred_at_us,
        .recorded_at_us = event->recorded_at_us,
        .customer_id = event->customer_id,
        .version = event->version,
        .group = str_c(event_group(event)),
        .type = str_c(event_type_info(event->type)->name),
        .title = str_copy(arena, title),
        .by = by.p ? str_copy(arena, by) : STR_NONE,
        .payload = str_is(event->payload) ? str_copy(arena, event->payload) : STR_NONE,
    };
    return NULL;
}

/* A merge stands in the histories of both births: it is one. */
static bool is_told(const struct timeline *timeline, const struct event *event)
{
    struct str type = str_c(event_type_info(event->type)->name);
    for (size_t i = 0; i < timeline->count; i++) {
        const struct moment_out *other = &timeline->items[i];
        if (other->occurred_at_us == event->occurred_at_us && str_eq(other->type, type) &&
            other->customer_id != event->customer_id && str_eq(other->payload, event->payload))
            return true;
    }
    return false;
}

static const struct err *add_facts(struct timeline *timeline, const struct person *person)
{
    const struct customer_view *view = person->view;
    struct order_refund_view *refunds;
    size_t count;
    for (size_t i = 0; is_asked(timeline, "order") && i < person->order_count; i++)
        add_order(timeline, &person->orders[i]);
    TRY(order_refunds(timeline->tx, view->members, view->member_count, &refunds, &count));
    for (size_t i = 0; is_asked(timeline, "refund") && i < count; i++)
        add_refund(timeline, &refunds[i]);
    for (size_t m = 0; m < view->member_count; m++) {
        struct event *events;
        TRY(event_of_customer(timeline->tx, view->members[m], &events, &count));
        for (size_t i = 0; i < count; i++)
            if (is_asked(timeline, event_group(&events[i])) && !is_told(timeline, &events[i]))
                TRY(add_event(timeline, &events[i]));
    }
    return NULL;
}

static int newer_first(const void *a, const void *b)
{
    const struct moment_out *x = a, *y = b;
    if (x->occurred_at_us != y->occurred_at_us)
        return x->occurred_at_us < y->occurred_at_us ? 1 : -1;
    if (x->order_id != y->order_id)
        return x->order_id < y->order_id ? 1 : -1;
    return (x->version < y->version) - (x->version > y->version);
}

static const struct err *timeline_tx(struct tx *tx, void *arg)
{
    struct call *call = arg;
    const struct customer_path *path = call->path;
    const struct timeline_query *query = call->query;
    struct timeline_out *out = call->out;
    struct timeline timeline = {.call = call, .tx = tx};
    struct person person;
    int64_t root_id;
    TRY(customer_reach(tx, call, path->customer_id, &root_id));
    TRY(person_read(tx, root_id, &person));
    TRY(add_facts(&timeline, &person));
    if (timeline.count > 1)
        qsort(timeline.items, timeline.count, sizeof(*timeline.items), newer_first);
    out->more = timeline.count > (size_t)query->limit;
    out->items = (struct shape_list){timeline.items,
                                     out->more ? (size_t)query->limit : timeline.count};
    return NULL;
}

static const struct err *get_timeline(struct call *call)
{
    return call_read(call, timeline_tx, call);
}

/* --- What they bought --- */

struct line_out {
    struct str product_code, product, quantity, amount;
};
static const struct field line_fields[] = {
    SHAPE_FIELD(struct line_out, product_code, TEXT, "The merchant's code.", "商品编码。"),
    SHAPE_FIELD(struct line_out, product, TEXT, "The product's name.", "商品名称。"),
    SHAPE_FIELD(struct line_out, quantity, DECIMAL, "How many.", "数量。", .required = true),
    SHAPE_FIELD(struct line_out, amount, DECIMAL, "What they cost.", "金额。", .required = true),
};
static const struct shape line_shape = {
    .name = "order_line", .size = sizeof(struct line_out), SHAPE_FIELDS(line_fields)};
struct refund_out {
    int64_t refund_id, refunded_at_us;
    struct str source, number, amount;
};
static const struct field refund_fields[] = {
    SHAPE_FIELD(struct refund_out, refund_id, ID, "The refund.", "退款编号。", .required = true),
    SHAPE_FIELD(struct refund_out, source, TEXT, "Where it comes from.", "来源。",
                .required = true),
    SHAPE_FIELD(struct refund_out, number, TEXT, "Its number there.", "来源退款号。",
                .required = true),
    SHAPE_FIELD_AS(struct refund_out, refunded_at_us, "refunded_at", TIME, "When.", "退款时间。",
                   .required = true),
    SHAPE_FIELD(struct refund_out, amount, DECIMAL, "How much.", "金额。", .required = true),
};
static const struct shape refund_shape = {
    .name = "refund", .size = sizeof(struct refund_out), SHAPE_FIELDS(refund_fields)};
struct bought_out {
    int64_t order_id, occurred_at_us, paid_at_us;
    struct str source, number, channel, state, state_title, amount, refunded;
    struct shape_list lines, refunds;
};
static const struct field bought_fields[] = {
    SHAPE_FIELD(struct bought_out, order_id, ID, "The order.", "订单编号。", .required = true),
    SHAPE_FIELD(struct bought_out, source, TEXT, "Where it comes from.", "来源。",
                .required = true),
    SHAPE_FIELD(struct bought_out, number, TEXT, "Its number there.", "来源订单号。",
                .required = true),
    SHAPE_FIELD(struct bought_out, channel, TEXT, "Where it was sold.", "渠道。"),
    SHAPE_FIELD(struct bought_out, state, TEXT, "created, paid, shipped, received or closed.",
                "created、paid、shipped、received 或 closed。", .required = true),
    SHAPE_FIELD(struct bought_out, state_title, TEXT, "In words.", "状态名称。", .required = true),
    SHAPE_FIELD_AS(struct bought_out, occurred_at_us, "ordered_at", TIME, "When it was ordered.",
                   "下单时间。", .required = true),
    SHAPE_FIELD_AS(struct bought_out, paid_at_us, "paid_at", TIME, "When it was paid.",
                   "付款时间。"),
    SHAPE_FIELD(struct bought_out, amount, DECIMAL, "What was paid.", "实付金额。",
                .required = true),
    SHAPE_FIELD(struct bought_out, refunded, DECIMAL, "What was given back.", "已退金额。",
                .required = true),
    SHAPE_FIELD(struct bought_out, lines, LIST, "What was bought.", "商品明细。",
                .sub = &line_shape),
    SHAPE_FIELD(struct bought_out, refunds, LIST, "Money given back for it.", "退款记录。",
                .sub = &refund_shape),
};
static const struct shape bought_shape = {
    .name = "bought_order", .size = sizeof(struct bought_out), SHAPE_FIELDS(bought_fields)};
struct bought_list_out {
    struct shape_list items, alone;
    int64_t total;
    struct str next_cursor;
};
static const struct field bought_list_fields[] = {
    SHAPE_FIELD(struct bought_list_out, items, LIST, "Orders, the newest first.",
                "订单，最新在前。", .sub = &bought_shape),
    SHAPE_FIELD(struct bought_list_out, alone, LIST,
                "Refunds whose order is not known; on the first page.", "找不到订单的退款；见首页。",
                .sub = &refund_shape),
    SHAPE_FIELD(struct bought_list_out, total, I64, "Orders in all.", "订单总数。"),
    SHAPE_FIELD(struct bought_list_out, next_cursor, TEXT,
                "Give it as ?cursor to go on; null at the end.", "下一页的 cursor；末页为空。"),
};
static const struct shape bought_list_shape = {
    .name = "bought_order_list",
    .size = sizeof(struct bought_list_out),
    SHAPE_FIELDS(bought_list_fields)};
struct bought_query {
    int64_t cursor, limit;
};
static const struct field bought_query_fields[] = {
    SHAPE_FIELD(struct bought_query, cursor, I64, "Where to go on: next_cursor of the last page.",
                "上一页的 next_cursor。", .min = 0, .max = PERSON_ORDERS_MAX, .fallback = "0"),
    SHAPE_FIELD(struct bought_query, limit, I64, "Orders at most.", "最多多少单。", .min = 1,
                .max = PERSON_ORDERS_SHOWN_MAX, .fallback = "20"),
};
static const struct shape bought_query_shape = {
    .name = "bought_order_query",
    .size = sizeof(struct bought_query),
    SHAPE_FIELDS(bought_query_fields)};

static struct shape_list refunds_of(struct call *call, const struct order_refund_view *refunds,
                                    size_t count, int64_t order_id)
{
    struct arena *arena = call->arena;
    struct refund_out *items = ARENA_ARRAY(arena, count + 1, struct refund_out);
    struct shape_list list = {items, 0};
    for (size_t i = 0; i < count; i++) {
        if (refunds[i].order_id != order_id)
            continue;
        items[list.count++] = (struct refund_out){
            .refund_id = refunds[i].refund_id,
            .refunded_at_us = refunds[i].refunded_at_us,
            .source = str_copy(arena, refunds[i].source),
            .number = str_copy(arena, refunds[i].number),
            .amount = minor_plain(arena, refunds[i].amount_minor,
                                  call->service->brand->currency_digits)};
    }
    return list;
}

static const struct err *lines_of(struct tx *tx, struct call *call, const struct order_view *order,
                                  struct shape_list *list)
{
    struct arena *arena = call->arena;
    struct order_line_view *lines;
    size_t count;
    TRY(order_lines_of(tx, order->customer_id, order->order_id, &lines, &count));
    struct line_out *items = ARENA_ARRAY(arena, count + 1, struct line_out);
    for (size_t i = 0; i < count; i++) {
        const struct order_line_view *line = &lines[i];
        items[i] = (struct line_out){
            .product_code = line->product_code.p ? str_copy(arena, line->product_code) : STR_NONE,
            .product = line->product_name.p ? str_copy(arena, line->product_name) : STR_NONE,
            .quantity = minor_plain(arena, line->quantity_milli, 3),
            .amount = minor_plain(arena, line->amount_minor,
                                  call->service->brand->currency_digits)};
    }
    *list = (struct shape_list){items, count};
    return NULL;
}

static const struct err *bought_of(struct tx *tx, struct call *call,
                                   const struct order_view *order, struct bought_out *out)
{
    struct arena *arena = call->arena;
    int digits = call->service->brand->currency_digits;
    *out = (struct bought_out){
        .order_id = order->order_id,
        .occurred_at_us = order->occurred_at_us,
        .paid_at_us = order->paid_at_us,
        .source = str_copy(arena, order->source),
        .number = str_copy(arena, order->number),
        .channel = str_is(order->channel) ? str_copy(arena, order->channel) : STR_NONE,
        .state = str_c(order_state_name(order->state)),
        .state_title = order_state_title(order->state, call->lang),
        .amount = minor_plain(arena, order->amount_minor, digits),
        .refunded = minor_plain(arena, order->refunded_minor, digits),
    };
    return lines_of(tx, call, order, &out->lines);
}

static const struct err *bought_tx(struct tx *tx, void *arg)
{
    struct call *call = arg;
    const struct customer_path *path = call->path;
    const struct bought_query *query = call->query;
    struct bought_list_out *out = call->out;
    struct order_refund_view *refunds;
    size_t refund_count, from = (size_t)query->cursor;
    struct person person;
    int64_t root_id;
    TRY(customer_reach(tx, call, path->customer_id, &root_id));
    TRY(person_read(tx, root_id, &person));
    TRY(order_refunds(tx, person.view->members, person.view->member_count, &refunds,
                      &refund_count));
    struct bought_out *items = ARENA_ARRAY(call->arena, (size_t)query->limit, struct bought_out);
    size_t count = 0;
    for (; count < (size_t)query->limit && from + count < person.order_count; count++) {
        const struct order_view *order = &person.orders[from + count];
        TRY(bought_of(tx, call, order, &items[count]));
        items[count].refunds = refunds_of(call, refunds, refund_count, order->order_id);
    }
    out->items = (struct shape_list){items, count};
    out->total = (int64_t)person.order_count;
    if (from == 0)
        out->alone = refunds_of(call, refunds, refund_count, 0);
    if (from + count < person.order_count)
        out->next_cursor = str_fmt(call->arena, "%zu", from + count);
    return NULL;
}

static const struct err *list_bought(struct call *call)
{
    return call_read(call, bought_tx, call);
}

/* --- What they allowed --- */

struct consent_out {
    int64_t consent_id, occurred_at_us, recorded_at_us;
    struct str purpose, channel, how, evidence, recorded_by;
    bool given;
};
static const struct field consent_fields[] = {
    SHAPE_FIELD(struct consent_out, consent_id, ID, "What was said.", "记录编号。",
                .required = true),
    SHAPE_FIELD(struct consent_out, purpose, TEXT, "marketing, service, profiling or sharing.",
                "marketing、service、profiling 或 sharing。", .required = true),
    SHAPE_FIELD(struct consent_out, channel, TEXT, "any, phone, sms, email, chat or post.",
                "any、phone、sms、email、chat 或 post。", .required = true),
    SHAPE_FIELD(struct consent_out, given, BOOL, "Allowed; else taken back or refused.",
                "同意；否则为撤回或拒绝。"),
    SHAPE_FIELD(struct consent_out, how, TEXT, "form, spoken, message, contract, import or other.",
                "form、spoken、message、contract、import 或 other。", .required = true),
    SHAPE_FIELD(struct consent_out, evidence, TEXT, "What shows it.", "凭据。", .personal = true),
    SHAPE_FIELD(struct consent_out, recorded_by, TEXT, "Who recorded it, by name.", "记录者。",
                .required = true),
    SHAPE_FIELD_AS(struct consent_out, occurred_at_us, "occurred_at", TIME, "When it was said.",
                   "表示时间。", .required = true),
    SHAPE_FIELD_AS(struct consent_out, recorded_at_us, "recorded_at", TIME, "When it was recorded.",
                   "记录时间。", .required = true),
};
static const struct shape consent_shape = {
    .name = "consent", .size = sizeof(struct consent_out), SHAPE_FIELDS(consent_fields)};

struct standing_out {
    int64_t since_us;
    struct str purpose, channel;
    bool told, given;
};
static const struct field standing_fields[] = {
    SHAPE_FIELD(struct standing_out, purpose, TEXT, "For what.", "用途。", .required = true),
    SHAPE_FIELD(struct standing_out, channel, TEXT, "Over which channel; any where it has none.",
                "渠道；不分渠道时为 any。", .required = true),
    SHAPE_FIELD(struct standing_out, told, BOOL, "Something was ever said.", "有过表示。"),
    SHAPE_FIELD(struct standing_out, given, BOOL, "It is allowed now.", "目前同意。"),
    SHAPE_FIELD_AS(struct standing_out, since_us, "since", TIME, "Since when; null: never said.",
                   "自何时起；空为从未表示。"),
};
static const struct shape standing_shape = {
    .name = "consent_standing", .size = sizeof(struct standing_out), SHAPE_FIELDS(standing_fields)};
struct consents_out {
    struct shape_list standing, history;
};
static const struct field consents_fields[] = {
    SHAPE_FIELD(struct consents_out, standing, LIST,
                "What holds now, for every purpose and channel: what was said last decides.",
                "各用途、各渠道目前的状态：以最近一次表示为准。", .sub = &standing_shape),
    SHAPE_FIELD(struct consents_out, history, LIST, "All that was said, the latest first.",
                "全部表示，最近在前。", .sub = &consent_shape),
};
static const struct shape consents_shape = {
    .name = "consent_list", .size = sizeof(struct consents_out), SHAPE_FIELDS(consents_fields)};

static void add_standing(struct call *call, const struct consent *consents, size_t count,
                         enum consent_purpose purpose, enum consent_channel channel)
{
    struct consents_out *out = call->out;
    const struct consent *newest = consent_newest(consents, count, purpose, channel);
    ((struct standing_out *)out->standing.items)[out->standing.count++] = (struct standing_out){
        .since_us = newest ? newest->occurred_at_us : INT64_MIN,
        .purpose = str_c(consent_purpose_name(purpose)),
        .channel = str_c(consent_channel_name(channel)),
        .told = newest != NULL,
        .given = newest && newest->given,
    };
}

static const struct err *show_consents(struct tx *tx, struct call *call, int64_t root_id)
{
    struct arena *arena = call->arena;
    struct consents_out *out = call->out;
    struct consent *consents;
    size_t count, places = (size_t)CONSENT_PURPOSE_MAX * CONSENT_CHANNEL_MAX;
    TRY(customer_consents(tx, root_id, &consents, &count));
    out->standing = (struct shape_list){ARENA_ARRAY(arena, places, struct standing_out), 0};
    for (int p = CONSENT_PURPOSE_NONE + 1; p < CONSENT_PURPOSE_MAX; p++) {
        bool apart = consent_has_channels((enum consent_purpose)p);
        for (int c = apart ? 1 : 0; c < (apart ? CONSENT_CHANNEL_MAX : 1); c++)
            add_standing(call, consents, count, (enum consent_purpose)p, (enum consent_channel)c);
    }
    struct consent_out *items = ARENA_ARRAY(arena, count + 1, struct consent_out);
    for (size_t i = 0; i < count; i++) {
        const struct consent *one = &consents[i];
        struct str by;
        TRY(access_name_of(tx, one->recorded_by, &by));
        items[i] = (struct consent_out){
            .consent_id = one->consent_id,
            .occurred_at_us = one->occurred_at_us,
            .recorded_at_us = one->recorded_at_us,
            .purpose = str_c(consent_purpose_name(one->purpose)),
            .channel = str_c(consent_channel_name(one->channel)),
            .how = str_c(consent_how_name(one->how)),
            .evidence = one->evidence.p ? str_copy(arena, one->evidence) : STR_NONE,
            .recorded_by = str_copy(arena, by),
            .given = one->given,
        };
    }
    out->history = (struct shape_list){items, count};
    return NULL;
}

static const struct err *consents_tx(struct tx *tx, void *arg)
{
    struct call *call = arg;
    const struct customer_path *path = call->path;
    int64_t root_id;
    TRY(customer_reach(tx, call, path->customer_id, &root_id));
    return show_consents(tx, call, root_id);
}

static const struct err *get_consents(struct call *call)
{
    return call_read(call, consents_tx, call);
}

struct consent_in {
    int purpose, channel, how;
    bool given;
    struct str evidence;
    int64_t occurred_at_us;
};
static const struct field consent_in_fields[] = {
    SHAPE_FIELD(struct consent_in, purpose, ENUM, "For what.", "用途。", .required = true,
                .values = consent_purpose_names),
    SHAPE_FIELD(struct consent_in, channel, ENUM, "Over which channel; any: all of the purpose.",
                "渠道；any 为全部渠道。", .values = consent_channel_names, .fallback = "any"),
    SHAPE_FIELD(struct consent_in, given, BOOL, "Allowed; false: taken back or refused.",
                "同意；false 为撤回或拒绝。", .required = true),
    SHAPE_FIELD(struct consent_in, how, ENUM, "How it was said.", "方式。", .required = true,
                .values = consent_how_names),
    SHAPE_FIELD(struct consent_in, evidence, TEXT,
                "What shows it (the form, the message, what was said). Needed to allow.",
                "凭据（表单、消息、原话）。同意时必填。", .max = CONSENT_EVIDENCE_BYTES_MAX,
                .personal = true),
    SHAPE_FIELD_AS(struct consent_in, occurred_at_us, "occurred_at", TIME,
                   "When it was said; else now.", "表示时间；缺省为现在。"),
};
static const struct shape consent_in_shape = {
    .name = "consent_record", .size = sizeof(struct consent_in), SHAPE_FIELDS(consent_in_fields)};

static const struct err *consent_tx(struct tx *tx, void *arg)
{
    struct call *call = arg;
    const struct customer_path *path = call->path;
    const struct consent_in *in = call->in;
    int64_t root_id;
    /* The tables' numbers follow each other from 1 (channels: 0), in the order of the names. */
    struct consent told = {.purpose = (enum consent_purpose)(in->purpose + 1),
                           .channel = (enum consent_channel)in->channel,
                           .given = in->given,
                           .how = (enum consent_how)(in->how + 1),
                           .evidence = in->evidence,
                           .occurred_at_us = in->occurred_at_us};
    TRY(customer_reach(tx, call, path->customer_id, &root_id));
    TRY(customer_consent_set(tx, root_id, &told, call->principal.by));
    customer_audit(call, root_id);
    call->audit_after = str_fmt(
        call->arena, "{\"purpose\":\"%s\",\"channel\":\"%s\",\"given\":%s,\"how\":\"%s\"}",
        consent_purpose_name(told.purpose), consent_channel_name(told.channel),
        told.given ? "true" : "false", consent_how_name(told.how));
    return show_consents(tx, call, root_id);
}

static const struct err *record_consent(struct call *call)
{
    return call_write(call, consent_tx, call);
}

/* --- What names them --- */

static const char *const identity_kinds[] = {
#define IDENTITY(code, name, number) name,
    IDENTITY_TABLE(IDENTITY)
#undef IDENTITY
        NULL};
struct identity_in {
    int kind;
    struct str issuer, value;
};
static const struct field identity_in_fields[] = {
    SHAPE_FIELD(struct identity_in, kind, ENUM, "What it is.", "类别。", .required = true,
                .values = identity_kinds),
    SHAPE_FIELD(struct identity_in, issuer, TEXT,
                "Who gives it out; of buyer accounts and open ids.", "签发方；买家账号与 OpenID 必填。",
                .max = LIMIT_NAME_BYTES_MAX),
    SHAPE_FIELD(struct identity_in, value, TEXT, "Whole and unmasked.", "完整的明文。",
                .required = true, .min = 1, .max = LIMIT_IDENTITY_BYTES_MAX, .personal = true),
};
static const struct shape identity_in_shape = {
    .name = "identity_add", .size = sizeof(struct identity_in), SHAPE_FIELDS(identity_in_fields)};
static const struct field value_in_fields[] = {
    SHAPE_FIELD(struct identity_in, value, TEXT, "The right one, whole and unmasked.",
                "正确的完整明文。", .required = true, .min = 1, .max = LIMIT_IDENTITY_BYTES_MAX,
                .personal = true),
};
static const struct shape value_in_shape = {
    .name = "identity_correct", .size = sizeof(struct identity_in), SHAPE_FIELDS(value_in_fields)};
static const struct field identity_path_fields[] = {
    SHAPE_FIELD(struct customer_path, customer_id, ID, "The customer.", "客户。",
                .required = true),
    SHAPE_FIELD(struct customer_path, identity_id, ID, "The identity.", "身份。",
                .required = true),
};
static const struct shape identity_path_shape = {.name = "customer_identity_path",
                                                 .size = sizeof(struct customer_path),
                                                 SHAPE_FIELDS(identity_path_fields)};

static const struct err *add_identity_tx(struct tx *tx, void *arg)
{
    struct call *call = arg;
    const struct customer_path *path = call->path;
    const struct identity_in *in = call->in;
    int64_t root_id;
    enum identity_kind kind = identity_kind_by_name(str_c(identity_kinds[in->kind]));
    struct identity_value identity = {.kind = kind,
                                      .issuer = in->issuer,
                                      .value = in->value};
    TRY(customer_reach(tx, call, path->customer_id, &root_id));
    TRY(customer_identity_add(tx, root_id, &identity, call->principal.by));
    customer_audit(call, root_id);
    call->audit_after = str_fmt(call->arena, "{\"added\":\"%s\"}", identity_kinds[in->kind]);
    return customer_show(tx, call, root_id, false);
}

static const struct err *add_identity(struct call *call)
{
    return call_write(call, add_identity_tx, call);
}

static const struct err *correct_identity_tx(struct tx *tx, void *arg)
{
    struct call *call = arg;
    const struct customer_path *path = call->path;
    const struct identity_in *in = call->in;
    int64_t root_id;
    TRY(customer_reach(tx, call, path->customer_id, &root_id));
    TRY(customer_identity_correct(tx, root_id, path->identity_id, in->value, call->principal.by));
    customer_audit(call, root_id);
    call->audit_after =
        str_fmt(call->arena, "{\"corrected\":\"%lld\"}", (long long)path->identity_id);
    return customer_show(tx, call, root_id, false);
}

static const struct err *correct_identity(struct call *call)
{
    return call_write(call, correct_identity_tx, call);
}

static const struct err *remove_identity_tx(struct tx *tx, void *arg)
{
    struct call *call = arg;
    const struct customer_path *path = call->path;
    int64_t root_id;
    TRY(customer_reach(tx, call, path->customer_id, &root_id));
    TRY(customer_identity_remove(tx, root_id, path->identity_id, call->principal.by));
    customer_audit(call, root_id);
    call->audit_before =
        str_fmt(call->arena, "{\"removed\":\"%lld\"}", (long long)path->identity_id);
    return customer_show(tx, call, root_id, false);
}

static const struct err *remove_identity(struct call *call)
{
    return call_write(call, remove_identity_tx, call);
}

/* --- All that is kept --- */

enum { FORMAT_JSON, FORMAT_HTML };
static const char *const formats[] = {"json", "html", NULL};
struct export_in {
    int format;
};
static const struct field export_in_fields[] = {
    SHAPE_FIELD(struct export_in, format, ENUM,
                "json: for programs; html: a page to read, in the language of the request.",
                "json 供程序读取；html 为可阅读的网页，语言随请求。", .values = formats,
                .fallback = "html"),
};
static const struct shape export_in_shape = {
    .name = "customer_export", .size = sizeof(struct export_in), SHAPE_FIELDS(export_in_fields)};

static const struct err *export_tx(struct tx *tx, void *arg)
{
    struct call *call = arg;
    const struct customer_path *path = call->path;
    const struct export_in *in = call->in;
    struct str bytes;
    int64_t root_id;
    bool html = in->format == FORMAT_HTML;
    TRY(customer_reach(tx, call, path->customer_id, &root_id));
    TRY(customer_exported(tx, root_id, call->principal.by));
    TRY(person_export(tx, call->service->brand, root_id, call->lang, html, &bytes));
    customer_audit(call, root_id);
    call->audit_after = str_fmt(call->arena, "{\"format\":\"%s\"}", formats[in->format]);
    call->file = (struct endpoint_file){
        .content_type = html ? STR("text/html; charset=utf-8") : STR("application/json"),
        .name = str_fmt(call->arena, "customer-%lld.%s", (long long)root_id, formats[in->format]),
        .bytes = str_copy(call->arena, bytes)};
    return NULL;
}

static const struct err *export_customer(struct call *call)
{
    return call_write(call, export_tx, call);
}

struct erase_in {
    struct str confirm;
};
static const struct field erase_in_fields[] = {
    SHAPE_FIELD(struct erase_in, confirm, TEXT,
                "The customer's number or whole name, typed by the person who asks for it.",
                "由操作人输入的客户编号或完整姓名。", .required = true, .max = LIMIT_NAME_BYTES_MAX,
                .personal = true),
};
static const struct shape erase_in_shape = {
    .name = "customer_erase", .size = sizeof(struct erase_in), SHAPE_FIELDS(erase_in_fields)};
enum { HOLDS_UPLOAD, HOLDS_REJECTS };
static const char *const holds[] = {"file", "rejected_rows", NULL};
struct holding_out {
    int64_t import_id, until_us;
    struct str name;
    int holds;
};
static const struct field holding_fields[] = {
    SHAPE_FIELD(struct holding_out, import_id, ID, "The import.", "导入编号。", .required = true),
    SHAPE_FIELD(struct holding_out, name, TEXT, "The file's name.", "文件名。", .required = true),
    SHAPE_FIELD(struct holding_out, holds, ENUM, "The file that was given, or its rejected rows.",
                "上传的文件，或其被拒的行。", .required = true, .values = holds),
    SHAPE_FIELD_AS(struct holding_out, until_us, "until", TIME,
                   "When it is removed; null: when somebody imports or discards it.",
                   "何时移除；空表示直到被导入或丢弃。"),
};
static const struct shape holding_shape = {
    .name = "erase_holding", .size = sizeof(struct holding_out), SHAPE_FIELDS(holding_fields)};
struct erase_out {
    int64_t customer_id, erasure_id, births;
    struct shape_list files;
};
static const struct field erase_out_fields[] = {
    SHAPE_FIELD(struct erase_out, customer_id, ID, "Who it was; orders stay under this number.",
                "客户编号；订单以此编号匿名保留。", .required = true),
    SHAPE_FIELD(struct erase_out, erasure_id, ID, "The erasure, as in the log of erasures.",
                "删除记录编号。", .required = true),
    SHAPE_FIELD(struct erase_out, births, I64, "Births that were erased.", "删除的客户记录数。"),
    SHAPE_FIELD(struct erase_out, files, LIST,
                "Files of imports on this server that may still name the person.",
                "本服务器上可能仍含有其信息的导入文件。", .sub = &holding_shape),
};
static const struct shape erase_out_shape = {
    .name = "customer_erased", .size = sizeof(struct erase_out), SHAPE_FIELDS(erase_out_fields)};

static const struct err *read_holdings(struct tx *tx, struct call *call, struct shape_list *out)
{
    struct import_holding *files;
    size_t count;
    TRY(import_holdings(tx, &files, &count));
    struct holding_out *items = ARENA_ARRAY(call->arena, count + 1, struct holding_out);
    for (size_t i = 0; i < count; i++)
        items[i] =
            (struct holding_out){.import_id = files[i].import_id,
                                 .name = str_copy(call->arena, files[i].name),
                                 .holds = files[i].is_rejects ? HOLDS_REJECTS : HOLDS_UPLOAD,
                                 .until_us = files[i].until_us};
    *out = (struct shape_list){items, count};
    return NULL;
}

static const struct err *erase_tx(struct tx *tx, void *arg)
{
    struct call *call = arg;
    const struct customer_path *path = call->path;
    const struct erase_in *in = call->in;
    struct erase_out *out = call->out;
    struct erased erased;
    int64_t root_id;
    TRY(customer_reach(tx, call, path->customer_id, &root_id));
    TRY(customer_erase(tx, root_id, in->confirm, call->principal.by, &erased));
    customer_audit(call, root_id);
    call->audit_after = str_fmt(call->arena, "{\"births\":%zu}", erased.birth_count);
    *out = (struct erase_out){.customer_id = root_id,
                              .erasure_id = erased.erasure_id,
                              .births = (int64_t)erased.birth_count};
    return read_holdings(tx, call, &out->files);
}

/* Answered only when the log outside the database has it too. */
static const struct err *erase_customer(struct call *call)
{
    TRY(call_write(call, erase_tx, call));
    call->service->purge_wake(call->service);
    return erasure_log_settle(call->service->store, call->arena, call->service->directory);
}

/* --- The table --- */

#define OWNER {[ROLE_OWNER] = REACH_ALL}

static const enum err_code see_errors[] = {ERR_CUSTOMER_UNKNOWN, ERR_NONE};
static const enum err_code consent_errors[] = {
    ERR_CUSTOMER_UNKNOWN, ERR_CUSTOMER_ERASED,    ERR_CONSENT_CHANNEL,    ERR_CONSENT_EVIDENCE,
    ERR_CONSENT_FUTURE,   ERR_IDEMPOTENCY_OTHER, ERR_IDEMPOTENCY_ERASED, ERR_NONE};
static const enum err_code identity_errors[] = {
    ERR_CUSTOMER_UNKNOWN, ERR_CUSTOMER_ERASED, ERR_IDENTITY_VALUE,    ERR_IDENTITY_TAKEN,
    ERR_IDENTITY_HAS,     ERR_IDENTITY_KIND,   ERR_IDEMPOTENCY_OTHER, ERR_IDEMPOTENCY_ERASED,
    ERR_NONE};
static const enum err_code correct_errors[] = {
    ERR_CUSTOMER_UNKNOWN, ERR_CUSTOMER_ERASED, ERR_IDENTITY_UNKNOWN,  ERR_IDENTITY_VALUE,
    ERR_IDENTITY_TAKEN,   ERR_IDENTITY_HAS,    ERR_IDEMPOTENCY_OTHER, ERR_IDEMPOTENCY_ERASED,
    ERR_NONE};
static const enum err_code remove_errors[] = {ERR_CUSTOMER_UNKNOWN, ERR_IDENTITY_UNKNOWN,
                                              ERR_IDEMPOTENCY_OTHER, ERR_IDEMPOTENCY_ERASED,
                                              ERR_NONE};
static const enum err_code export_errors[] = {ERR_CUSTOMER_UNKNOWN, ERR_CUSTOMER_ERASED, ERR_NONE};
static const enum err_code erase_errors[] = {ERR_CUSTOMER_UNKNOWN, ERR_CUSTOMER_ERASED,
                                             ERR_CUSTOMER_ERASE_CONFIRM, ERR_IDEMPOTENCY_OTHER,
                                             ERR_NONE};

static const struct endpoint endpoints[] = {
    {.name = "getTimeline", .method = METHOD_GET,
     .path = "/api/v1/customers/{customer_id}/timeline",
     .scope = SCOPE_CUSTOMERS_READ, .reach = REACH_SEE, .path_shape = &customer_path_shape,
     .query_shape = &timeline_query_shape, .out = &timeline_shape, .errors = see_errors,
     .handler = get_timeline, .title = TEXT("What happened to a customer", "客户时间线"),
     .doc = TEXT("Orders, refunds, and everything that was done.", "订单、退款与一切操作。")},
    {.name = "listCustomerOrders", .method = METHOD_GET,
     .path = "/api/v1/customers/{customer_id}/orders", .scope = SCOPE_CUSTOMERS_READ,
     .reach = REACH_SEE,
     .path_shape = &customer_path_shape, .query_shape = &bought_query_shape,
     .out = &bought_list_shape, .errors = see_errors, .handler = list_bought,
     .title = TEXT("A customer's orders, with lines and refunds", "客户的订单、明细与退款")},
    {.name = "getConsents", .method = METHOD_GET,
     .path = "/api/v1/customers/{customer_id}/consents",
     .scope = SCOPE_CUSTOMERS_READ, .reach = REACH_SEE, .path_shape = &customer_path_shape,
     .out = &consents_shape, .errors = see_errors, .handler = get_consents,
     .title = TEXT("What a customer allowed", "客户的同意")},
    {.name = "recordConsent", .method = METHOD_POST,
     .path = "/api/v1/customers/{customer_id}/consents", .scope = SCOPE_CUSTOMERS_WRITE,
     .reach = REACH_TOUCH, .flags = ENDPOINT_WRITES, .path_shape = &customer_path_shape,
     .in = &consent_in_shape,
     .out = &consents_shape, .errors = consent_errors, .handler = record_consent,
     .title = TEXT("Record what a customer allowed or took back", "记录同意或撤回"),
     .doc = TEXT("Nothing is overwritten: what was said last decides.",
                 "不会覆盖旧记录：以最近一次表示为准。")},
    {.name = "addIdentity", .method = METHOD_POST,
     .path = "/api/v1/customers/{customer_id}/identities", .scope = SCOPE_CUSTOMERS_WRITE,
     .reach = REACH_RUN, .flags = ENDPOINT_WRITES, .path_shape = &customer_path_shape,
     .in = &identity_in_shape,
     .out = &customer_shape, .errors = identity_errors, .handler = add_identity,
     .title = TEXT("Add what names a customer", "新增客户身份")},
    {.name = "correctIdentity", .method = METHOD_PUT,
     .path = "/api/v1/customers/{customer_id}/identities/{identity_id}",
     .scope = SCOPE_CUSTOMERS_WRITE, .reach = REACH_RUN, .flags = ENDPOINT_WRITES,
     .path_shape = &identity_path_shape, .in = &value_in_shape, .out = &customer_shape,
     .errors = correct_errors, .handler = correct_identity,
     .title = TEXT("Correct what names a customer", "更正客户身份")},
    {.name = "removeIdentity", .method = METHOD_DELETE,
     .path = "/api/v1/customers/{customer_id}/identities/{identity_id}",
     .scope = SCOPE_CUSTOMERS_WRITE, .reach = REACH_RUN, .flags = ENDPOINT_WRITES,
     .path_shape = &identity_path_shape, .out = &customer_shape, .errors = remove_errors,
     .handler = remove_identity, .title = TEXT("It is not the customer's", "移除客户身份")},
    {.name = "exportCustomer", .method = METHOD_POST,
     .path = "/api/v1/customers/{customer_id}/export", .scope = SCOPE_PERSONAL_READ,
     .reach = REACH_RUN,
     .flags = ENDPOINT_WRITE | ENDPOINT_AUDITED | ENDPOINT_FILE, .path_shape = &customer_path_shape,
     .in = &export_in_shape, .errors = export_errors, .handler = export_customer,
     .title = TEXT("All that is kept of a customer, to hand out", "导出所保存的客户全部信息"),
     .doc = TEXT("In the clear. Leaves a trace in the customer's history and in the audit trail.",
                 "明文。会在客户时间线与审计记录中留痕。")},
    {.name = "eraseCustomer", .method = METHOD_POST,
     .path = "/api/v1/customers/{customer_id}/erase", .scope = SCOPE_CUSTOMERS_ERASE,
     .reach = OWNER, .flags = ENDPOINT_WRITES, .path_shape = &customer_path_shape,
     .in = &erase_in_shape, .out = &erase_out_shape, .errors = erase_errors,
     .handler = erase_customer,
     .title = TEXT("Erase a customer's personal data", "删除客户的个人信息"),
     .doc = TEXT("Cannot be undone. Orders and money stay, without a name.",
                 "不可恢复。订单与金额匿名保留。")},
};
const struct endpoint_table person_endpoints = {
    .tag = "person", .title = TEXT("One customer", "客户档案"), ENDPOINTS(endpoints)};
