/* Customers as the console and programs ask for them: who it is, what they bought, and what a
 * person does to one. */
#include "base/arena.h"
#include "base/calendar.h"
#include "base/decimal.h"
#include "room/order/person_part.h"

#define FOUND_MAX 100
#define AUDIT_BYTES_MAX 8192

/* --- Shapes --- */

static const struct field customer_path_fields[] = {
    SHAPE_FIELD(struct customer_path, customer_id, ID, "The customer.", "客户。", .required = true),
};
const struct shape customer_path_shape = {.name = "customer_path",
                                          .size = sizeof(struct customer_path),
                                          SHAPE_FIELDS(customer_path_fields)};
static const struct field tag_path_fields[] = {
    SHAPE_FIELD(struct customer_path, customer_id, ID, "The customer.", "客户。", .required = true),
    SHAPE_FIELD(struct customer_path, tag, TEXT, "The tag's name.", "标签名。", .required = true,
                .min = 1, .max = LIMIT_NAME_BYTES_MAX),
};
static const struct shape tag_path_shape = {.name = "customer_tag_path",
                                            .size = sizeof(struct customer_path),
                                            SHAPE_FIELDS(tag_path_fields)};

struct identity_out {
    int64_t customer_id, identity_id;
    struct str kind, issuer, value;
    bool claimed, weak;
};
static const struct field identity_fields[] = {
    SHAPE_FIELD(struct identity_out, customer_id, ID, "The birth that it hangs on.",
                "所属的客户记录。", .required = true),
    SHAPE_FIELD(struct identity_out, identity_id, ID, "The identity.", "身份编号。",
                .required = true),
    SHAPE_FIELD(struct identity_out, kind, TEXT, "phone, buyer_id …", "phone、buyer_id 等。",
                .required = true),
    SHAPE_FIELD(struct identity_out, issuer, TEXT, "Who gives it its meaning; empty for phones.",
                "签发方；手机号为空。", .required = true),
    SHAPE_FIELD(struct identity_out, value, TEXT, "Masked, unless revealed.",
                "脱敏值；揭示后为明文。", .required = true, .personal = true),
    SHAPE_FIELD(struct identity_out, claimed, BOOL, "It names this customer; else another has it.",
                "归属该客户。"),
    SHAPE_FIELD(struct identity_out, weak, BOOL, "It only suggests who it is.", "仅为线索。"),
};
static const struct shape identity_shape = {
    .name = "identity", .size = sizeof(struct identity_out), SHAPE_FIELDS(identity_fields)};

struct tag_out {
    struct str name, set_by;
    int64_t set_at_us;
    int32_t until_day;
};
static const struct field tag_fields[] = {
    SHAPE_FIELD(struct tag_out, name, TEXT, "The tag.", "标签。", .required = true),
    SHAPE_FIELD(struct tag_out, set_by, TEXT, "Who set it.", "设置者。", .required = true),
    SHAPE_FIELD_AS(struct tag_out, set_at_us, "set_at", TIME, "When.", "设置时间。",
                   .required = true),
    SHAPE_FIELD_AS(struct tag_out, until_day, "until", DAY, "Its last day; null: for good.",
                   "最后有效日；空为长期。"),
};
static const struct shape tag_shape = {
    .name = "tag", .size = sizeof(struct tag_out), SHAPE_FIELDS(tag_fields)};

struct order_out {
    int64_t order_id, occurred_at_us, paid_at_us, lines;
    struct str source, number, channel, state, amount, refunded;
    int32_t paid_day;
};
static const struct field order_fields[] = {
    SHAPE_FIELD(struct order_out, order_id, ID, "The order.", "订单编号。", .required = true),
    SHAPE_FIELD(struct order_out, source, TEXT, "Where it comes from.", "来源。", .required = true),
    SHAPE_FIELD(struct order_out, number, TEXT, "Its number there.", "来源订单号。",
                .required = true),
    SHAPE_FIELD(struct order_out, channel, TEXT, "Where it was sold.", "渠道。"),
    SHAPE_FIELD(struct order_out, state, TEXT, "created, paid, shipped, received or closed.",
                "created、paid、shipped、received 或 closed。", .required = true),
    SHAPE_FIELD_AS(struct order_out, occurred_at_us, "ordered_at", TIME, "When it was ordered.",
                   "下单时间。", .required = true),
    SHAPE_FIELD_AS(struct order_out, paid_at_us, "paid_at", TIME, "When it was paid.",
                   "付款时间。"),
    SHAPE_FIELD(struct order_out, paid_day, DAY, "That day in the brand's zone.",
                "付款日（品牌时区）。"),
    SHAPE_FIELD(struct order_out, amount, DECIMAL, "What was paid.", "实付金额。",
                .required = true),
    SHAPE_FIELD(struct order_out, refunded, DECIMAL, "What was given back.", "已退金额。",
                .required = true),
    SHAPE_FIELD(struct order_out, lines, I64, "Its lines.", "订单行数。"),
};
static const struct shape order_shape = {
    .name = "order", .size = sizeof(struct order_out), SHAPE_FIELDS(order_fields)};

struct customer_out {
    int64_t customer_id, created_at_us, erased_at_us, purged_at_us, keeper_id, paid_orders;
    bool placeholder, revealed, erased;
    struct str name, keeper_name, paid, refunded, net;
    int32_t first_day, last_day;
    struct shape_list members, identities, tags, orders;
    bool orders_more;
};
static const struct field customer_fields[] = {
    SHAPE_FIELD(struct customer_out, customer_id, ID, "The person.", "客户编号。",
                .required = true),
    SHAPE_FIELD(struct customer_out, placeholder, BOOL, "Stands in for an unknown buyer.",
                "未知买家的占位客户。"),
    SHAPE_FIELD(struct customer_out, name, TEXT,
                "Masked for a key without personal:read, unless revealed.",
                "密钥没有 personal:read 时脱敏，揭示后为明文。", .personal = true),
    SHAPE_FIELD(struct customer_out, revealed, BOOL, "Personal data stands in the clear.",
                "个人信息为明文。"),
    SHAPE_FIELD(struct customer_out, erased, BOOL, "The personal data was erased.",
                "个人信息已删除。"),
    SHAPE_FIELD_AS(struct customer_out, erased_at_us, "erased_at", TIME, "When it was erased.",
                   "删除时间。"),
    SHAPE_FIELD_AS(struct customer_out, purged_at_us, "purged_at", TIME,
                   "When no file of the database held anything of it any more; null: not yet, or "
                   "not erased.",
                   "数据库文件中不再留有其信息的时间；空表示尚未清除，或未删除。"),
    SHAPE_FIELD_AS(struct customer_out, created_at_us, "created_at", TIME, "First met.",
                   "首次认识。", .required = true),
    SHAPE_FIELD(struct customer_out, keeper_id, ID, "Who of the staff looks after them.",
                "负责的员工。"),
    SHAPE_FIELD(struct customer_out, keeper_name, TEXT, "Their name.", "负责人的姓名。"),
    SHAPE_FIELD(struct customer_out, paid_orders, I64, "Paid orders.", "已付款订单数。"),
    SHAPE_FIELD(struct customer_out, paid, DECIMAL, "Paid in all.", "累计实付。", .required = true),
    SHAPE_FIELD(struct customer_out, refunded, DECIMAL, "Given back in all.", "累计退款。",
                .required = true),
    SHAPE_FIELD(struct customer_out, net, DECIMAL, "The difference.", "净额。", .required = true),
    SHAPE_FIELD(struct customer_out, first_day, DAY, "First purchase day.", "首个购买日。"),
    SHAPE_FIELD(struct customer_out, last_day, DAY, "Last purchase day.", "最近购买日。"),
    SHAPE_FIELD(struct customer_out, members, LIST,
                "Ids of the births that it unites, its own first.",
                "合并的客户记录编号，自身在前。"),
    SHAPE_FIELD(struct customer_out, identities, LIST, "What names the person.", "身份。",
                .sub = &identity_shape),
    SHAPE_FIELD(struct customer_out, tags, LIST, "Tags in force.", "有效标签。", .sub = &tag_shape),
    SHAPE_FIELD(struct customer_out, orders, LIST, "Orders, the newest first.", "订单，最新在前。",
                .sub = &order_shape),
    SHAPE_FIELD(struct customer_out, orders_more, BOOL, "There are further orders.",
                "还有更多订单。"),
};
const struct shape customer_shape = {
    .name = "customer", .size = sizeof(struct customer_out), SHAPE_FIELDS(customer_fields)};

struct customer_list_out {
    struct shape_list items;
};
static const struct field customer_list_fields[] = {
    SHAPE_FIELD(struct customer_list_out, items, LIST, "Customers.", "客户。",
                .sub = &customer_shape),
};
static const struct shape customer_list_shape = {.name = "customer_list",
                                                 .size = sizeof(struct customer_list_out),
                                                 SHAPE_FIELDS(customer_list_fields)};

/* --- From what is known to what is shown --- */

static struct str id_text(struct arena *arena, int64_t id)
{
    return str_fmt(arena, "%lld", (long long)id);
}

static struct shape_list members_of(struct arena *arena, const struct customer_view *view)
{
    struct str *items = ARENA_ARRAY(arena, view->member_count + 1, struct str);
    for (size_t i = 0; i < view->member_count; i++)
        items[i] = id_text(arena, view->members[i]);
    return (struct shape_list){items, view->member_count};
}

static struct shape_list identities_of(struct arena *arena, const struct customer_view *view,
                                       bool reveal)
{
    struct identity_out *items = ARENA_ARRAY(arena, view->identity_count + 1, struct identity_out);
    for (size_t i = 0; i < view->identity_count; i++) {
        const struct customer_identity *identity = &view->identities[i];
        struct str value =
            reveal ? identity->value : identity_mask(arena, identity->kind, identity->value);
        items[i] = (struct identity_out){
            .customer_id = identity->customer_id,
            .identity_id = identity->identity_id,
            .kind = str_c(identity_kind_name(identity->kind)),
            .issuer = str_copy(arena, identity->issuer.p ? identity->issuer : STR("")),
            .value = str_copy(arena, value),
            .claimed = identity->claimed,
            .weak = identity->weak,
        };
    }
    return (struct shape_list){items, view->identity_count};
}

static struct shape_list tags_of(struct arena *arena, const struct customer_view *view)
{
    struct tag_out *items = ARENA_ARRAY(arena, view->tag_count + 1, struct tag_out);
    for (size_t i = 0; i < view->tag_count; i++) {
        const struct customer_tag *tag = &view->tags[i];
        items[i] = (struct tag_out){str_copy(arena, tag->name), str_copy(arena, tag->set_by),
                                    tag->set_at_us, tag->until_day};
    }
    return (struct shape_list){items, view->tag_count};
}

static struct shape_list orders_of(struct call *call, const struct person *person, size_t most)
{
    struct arena *arena = call->arena;
    int digits = call->service->brand->currency_digits;
    size_t count = person->order_count < most ? person->order_count : most;
    struct order_out *items = ARENA_ARRAY(arena, count + 1, struct order_out);
    for (size_t i = 0; i < count; i++) {
        const struct order_view *order = &person->orders[i];
        items[i] = (struct order_out){
            .order_id = order->order_id,
            .source = str_copy(arena, order->source),
            .number = str_copy(arena, order->number),
            .channel = str_is(order->channel) ? str_copy(arena, order->channel) : STR_NONE,
            .state = str_c(order_state_name(order->state)),
            .occurred_at_us = order->occurred_at_us,
            .paid_at_us = order->paid_at_us,
            .paid_day = order->paid_day,
            .amount = minor_plain(arena, order->amount_minor, digits),
            .refunded = minor_plain(arena, order->refunded_minor, digits),
            .lines = order->line_count,
        };
    }
    return (struct shape_list){items, count};
}

static struct customer_out customer_of(struct call *call, const struct person *person, bool reveal,
                                       size_t orders_most)
{
    struct arena *arena = call->arena;
    const struct customer_view *view = person->view;
    int digits = call->service->brand->currency_digits;
    bool name_seen = reveal || principal_sees_names(&call->principal);
    struct str name = STR_NONE;
    if (view->name.p)
        name = str_copy(arena, name_seen ? view->name : customer_name_mask(arena, view->name));
    return (struct customer_out){
        .customer_id = view->customer_id,
        .placeholder = view->placeholder,
        .name = name,
        .revealed = reveal,
        .erased = view->erased,
        .erased_at_us = view->erased_at_us,
        .purged_at_us = view->purged_at_us,
        .created_at_us = view->created_at_us,
        .paid_orders = person->paid_order_count,
        .paid = minor_plain(arena, person->paid_minor, digits),
        .refunded = minor_plain(arena, person->refunded_minor, digits),
        .net = minor_plain(arena, person->paid_minor - person->refunded_minor, digits),
        .first_day = person->first_day,
        .last_day = person->last_day,
        .members = members_of(arena, view),
        .identities = identities_of(arena, view, reveal),
        .tags = tags_of(arena, view),
        .orders = orders_of(call, person, orders_most),
        .orders_more = person->order_count > orders_most,
    };
}

/* By the names of people, not as the rooms note them. */
static const struct err *name_taggers(struct tx *tx, struct arena *arena, struct customer_out *out)
{
    struct tag_out *tags = out->tags.items;
    for (size_t i = 0; i < out->tags.count; i++) {
        struct str name;
        TRY(access_name_of(tx, tags[i].set_by, &name));
        tags[i].set_by = str_copy(arena, name);
    }
    return NULL;
}

static const struct err *show(struct tx *tx, struct call *call, int64_t root_id, bool reveal,
                              size_t orders_most, struct customer_out *out)
{
    struct person person;
    TRY(person_read(tx, root_id, &person));
    *out = customer_of(call, &person, reveal, orders_most);
    TRY(name_taggers(tx, call->arena, out));
    TRY(customer_keeper(tx, root_id, &out->keeper_id));
    if (out->keeper_id == 0)
        return NULL;
    struct str by = str_fmt(tx_arena(tx), "staff:%lld", (long long)out->keeper_id);
    TRY(access_name_of(tx, by, &out->keeper_name));
    out->keeper_name = str_copy(call->arena, out->keeper_name);
    return NULL;
}

const struct err *customer_show(struct tx *tx, struct call *call, int64_t root_id, bool reveal)
{
    return show(tx, call, root_id, reveal, PERSON_ORDERS_SHOWN_MAX, call->out);
}

/* --- Reading --- */

struct find_query {
    struct str q;
    int64_t limit;
};
static const struct field find_fields[] = {
    SHAPE_FIELD(struct find_query, q, TEXT,
                "A phone, member card, buyer id, mail address or order number, whole; a name, "
                "whole or its first 1 to 4 "
                "characters.",
                "完整的手机号、会员卡号、买家账号、邮箱或订单号；姓名可为全名或前 1 至 4 个字。",
                .required = true, .min = 1, .max = LIMIT_NAME_BYTES_MAX, .personal = true),
    SHAPE_FIELD(struct find_query, limit, I64, "Customers at most.", "最多多少位。", .min = 1,
                .max = FOUND_MAX, .fallback = "20"),
};
static const struct shape find_shape = {
    .name = "customer_find_query", .size = sizeof(struct find_query), SHAPE_FIELDS(find_fields)};

static const struct err *find_tx(struct tx *tx, void *arg)
{
    struct call *call = arg;
    const struct find_query *query = call->query;
    int64_t *ids, root_id;
    size_t count;
    TRY(person_find(tx, query->q, (size_t)query->limit, &ids, &count));
    struct customer_out *items = ARENA_ARRAY(call->arena, count + 1, struct customer_out);
    struct shape_list list = {items, 0};
    for (size_t i = 0; i < count; i++) {
        if (customer_reach(tx, call, ids[i], &root_id))
            continue; /* not theirs to see */
        TRY(show(tx, call, root_id, false, 0, &items[list.count]));
        list.count++;
    }
    ((struct customer_list_out *)call->out)->items = list;
    return NULL;
}

static const struct err *find_customers(struct call *call)
{
    return call_read(call, find_tx, call);
}

static const struct err *get_tx(struct tx *tx, void *arg)
{
    struct call *call = arg;
    const struct customer_path *path = call->path;
    int64_t root_id;
    TRY(customer_reach(tx, call, path->customer_id, &root_id));
    return show(tx, call, root_id, false, PERSON_ORDERS_SHOWN_MAX, call->out);
}

static const struct err *get_customer(struct call *call)
{
    return call_read(call, get_tx, call);
}

/* --- What a person does --- */

void customer_audit(struct call *call, int64_t root_id)
{
    call->audit_object = str_fmt(call->arena, "customer:%lld", (long long)root_id);
}

static const struct err *reveal_tx(struct tx *tx, void *arg)
{
    struct call *call = arg;
    const struct customer_path *path = call->path;
    int64_t root_id;
    TRY(customer_reach(tx, call, path->customer_id, &root_id));
    TRY(customer_reveal(tx, root_id, call->principal.by));
    customer_audit(call, root_id);
    return show(tx, call, root_id, true, PERSON_ORDERS_SHOWN_MAX, call->out);
}

static const struct err *reveal(struct call *call)
{
    return call_write(call, reveal_tx, call);
}

struct rename_in {
    struct str name;
};
static const struct field rename_fields[] = {
    SHAPE_FIELD(struct rename_in, name, TEXT, "The right name.", "正确的姓名。", .required = true,
                .min = 1, .max = LIMIT_NAME_BYTES_MAX, .personal = true),
};
static const struct shape rename_shape = {
    .name = "customer_rename", .size = sizeof(struct rename_in), SHAPE_FIELDS(rename_fields)};

static const struct err *rename_tx(struct tx *tx, void *arg)
{
    struct call *call = arg;
    const struct customer_path *path = call->path;
    const struct rename_in *in = call->in;
    int64_t root_id;
    TRY(customer_reach(tx, call, path->customer_id, &root_id));
    TRY(customer_rename(tx, root_id, in->name));
    customer_audit(call, root_id);
    return show(tx, call, root_id, false, PERSON_ORDERS_SHOWN_MAX, call->out);
}

static const struct err *rename_customer(struct call *call)
{
    return call_write(call, rename_tx, call);
}

struct tag_in {
    int32_t until_day;
};
static const struct field tag_in_fields[] = {
    SHAPE_FIELD_AS(struct tag_in, until_day, "until", DAY,
                   "Last day on which it holds; else for good.", "最后有效日；缺省为长期。"),
};
static const struct shape tag_in_shape = {
    .name = "tag_set", .size = sizeof(struct tag_in), SHAPE_FIELDS(tag_in_fields)};

static void audit_tag(struct call *call, int64_t root_id, struct str *side)
{
    const struct customer_path *path = call->path;
    struct buf out = buf_new(call->arena, AUDIT_BYTES_MAX);
    struct json_writer w = json_writer(&out, false);
    json_open(&w, '{');
    json_key(&w, STR("tag"));
    json_put_str(&w, path->tag);
    json_close(&w, '}');
    *side = buf_view(&out);
    customer_audit(call, root_id);
}

static const struct err *tag_tx(struct tx *tx, void *arg)
{
    struct call *call = arg;
    const struct customer_path *path = call->path;
    const struct tag_in *in = call->in;
    int64_t root_id;
    TRY(customer_reach(tx, call, path->customer_id, &root_id));
    TRY(customer_tag_set(tx, root_id, path->tag, in->until_day, call->principal.by));
    audit_tag(call, root_id, &call->audit_after);
    return show(tx, call, root_id, false, PERSON_ORDERS_SHOWN_MAX, call->out);
}

static const struct err *set_tag(struct call *call)
{
    return call_write(call, tag_tx, call);
}

static const struct err *untag_tx(struct tx *tx, void *arg)
{
    struct call *call = arg;
    const struct customer_path *path = call->path;
    int64_t root_id;
    TRY(customer_reach(tx, call, path->customer_id, &root_id));
    TRY(customer_tag_remove(tx, root_id, path->tag, call->principal.by));
    audit_tag(call, root_id, &call->audit_before);
    return show(tx, call, root_id, false, PERSON_ORDERS_SHOWN_MAX, call->out);
}

static const struct err *remove_tag(struct call *call)
{
    return call_write(call, untag_tx, call);
}

struct keeper_in {
    int64_t staff_id;
};
static const struct field keeper_fields[] = {
    SHAPE_FIELD(struct keeper_in, staff_id, ID,
                "Who looks after them from now on; null: nobody in particular.",
                "今后负责的员工；空为无人专门负责。"),
};
static const struct shape keeper_shape = {
    .name = "keeper_set", .size = sizeof(struct keeper_in), SHAPE_FIELDS(keeper_fields)};

static const struct err *keeper_tx(struct tx *tx, void *arg)
{
    struct call *call = arg;
    const struct customer_path *path = call->path;
    const struct keeper_in *in = call->in;
    int64_t root_id, before;
    TRY(customer_reach(tx, call, path->customer_id, &root_id));
    TRY(staff_known(tx, in->staff_id));
    TRY(customer_keeper(tx, root_id, &before));
    TRY(customer_keeper_set(tx, root_id, in->staff_id, call->principal.by));
    customer_audit(call, root_id);
    call->audit_before = str_fmt(call->arena, "{\"keeper\":\"%lld\"}", (long long)before);
    call->audit_after = str_fmt(call->arena, "{\"keeper\":\"%lld\"}", (long long)in->staff_id);
    return show(tx, call, root_id, false, PERSON_ORDERS_SHOWN_MAX, call->out);
}

static const struct err *set_keeper(struct call *call)
{
    return call_write(call, keeper_tx, call);
}

/* --- Merging --- */

struct merge_query {
    int64_t into_id;
};
static const struct field merge_query_fields[] = {
    SHAPE_FIELD(struct merge_query, into_id, ID, "The customer that it would be merged into.",
                "将并入的客户。", .required = true),
};
static const struct shape merge_query_shape = {
    .name = "merge_query", .size = sizeof(struct merge_query), SHAPE_FIELDS(merge_query_fields)};
static const struct shape merge_in_shape = {
    .name = "merge", .size = sizeof(struct merge_query), SHAPE_FIELDS(merge_query_fields)};

struct preview_out {
    struct customer_out from, into, merged;
};
static const struct field preview_fields[] = {
    SHAPE_FIELD(struct preview_out, from, OBJECT, "The one.", "被并入者。", .sub = &customer_shape),
    SHAPE_FIELD(struct preview_out, into, OBJECT, "The other.", "并入对象。",
                .sub = &customer_shape),
    SHAPE_FIELD(struct preview_out, merged, OBJECT, "The person that they would be.",
                "合并后的客户。", .sub = &customer_shape),
};
static const struct shape preview_shape = {
    .name = "merge_preview", .size = sizeof(struct preview_out), SHAPE_FIELDS(preview_fields)};

/* The other one of two: what is wrong with it is wrong with the field that names it. */
static const struct err *reach_other(struct tx *tx, struct call *call, int64_t other_id,
                                     struct str field, int64_t *root_id)
{
    const struct err *err = customer_reach(tx, call, other_id, root_id);
    if (!err)
        return NULL;
    struct err *same = ARENA_NEW(tx_arena(tx), struct err);
    *same = *err;
    same->field = field;
    return same;
}

static const struct err *preview_tx(struct tx *tx, void *arg)
{
    struct call *call = arg;
    const struct customer_path *path = call->path;
    const struct merge_query *query = call->query;
    struct preview_out *out = call->out;
    int64_t from_id, into_id;
    struct person from, into;
    TRY(customer_reach(tx, call, path->customer_id, &from_id));
    TRY(reach_other(tx, call, query->into_id, STR("/into_id"), &into_id));
    TRY(person_read(tx, from_id, &from));
    TRY(person_read(tx, into_id, &into));
    struct person merged = person_united(tx_arena(tx), &from, &into);
    out->from = customer_of(call, &from, false, 5);
    out->into = customer_of(call, &into, false, 5);
    out->merged = customer_of(call, &merged, false, 0);
    return NULL;
}

static const struct err *preview_merge(struct call *call)
{
    return call_read(call, preview_tx, call);
}

static const struct err *merge_tx(struct tx *tx, void *arg)
{
    struct call *call = arg;
    const struct customer_path *path = call->path;
    const struct merge_query *in = call->in;
    int64_t from_id, into_id;
    TRY(customer_reach(tx, call, path->customer_id, &from_id));
    TRY(reach_other(tx, call, in->into_id, STR("/into_id"), &into_id));
    TRY(customer_merge(tx, from_id, into_id, call->principal.by));
    TRY(customer_reach(tx, call, into_id, &into_id));
    customer_audit(call, into_id);
    call->audit_after = str_fmt(call->arena, "{\"merged\":\"%lld\"}", (long long)from_id);
    return show(tx, call, into_id, false, PERSON_ORDERS_SHOWN_MAX, call->out);
}

static const struct err *merge(struct call *call)
{
    return call_write(call, merge_tx, call);
}

static const struct err *split_tx(struct tx *tx, void *arg)
{
    struct call *call = arg;
    const struct customer_path *path = call->path;
    int64_t root_id;
    TRY(customer_reach(tx, call, path->customer_id, &root_id));
    TRY(customer_split(tx, path->customer_id, call->principal.by));
    customer_audit(call, path->customer_id);
    call->audit_before = str_fmt(call->arena, "{\"merged_into\":\"%lld\"}", (long long)root_id);
    return show(tx, call, path->customer_id, false, PERSON_ORDERS_SHOWN_MAX, call->out);
}

static const struct err *split(struct call *call)
{
    return call_write(call, split_tx, call);
}

/* --- Proposals --- */

struct proposal_out {
    struct customer_out customer, other;
    struct str shared;
    int64_t recorded_at_us;
};
static const struct field proposal_fields[] = {
    SHAPE_FIELD(struct proposal_out, customer, OBJECT, "The one.", "其一。",
                .sub = &customer_shape),
    SHAPE_FIELD(struct proposal_out, other, OBJECT, "The other.", "其二。", .sub = &customer_shape),
    SHAPE_FIELD(struct proposal_out, shared, TEXT, "The kind of identity that they share.",
                "共用的身份种类。", .required = true),
    SHAPE_FIELD_AS(struct proposal_out, recorded_at_us, "recorded_at", TIME, "Since when.",
                   "发现时间。", .required = true),
};
static const struct shape proposal_shape = {
    .name = "merge_proposal", .size = sizeof(struct proposal_out), SHAPE_FIELDS(proposal_fields)};
struct proposals_out {
    struct shape_list items;
};
static const struct field proposals_fields[] = {
    SHAPE_FIELD(struct proposals_out, items, LIST, "The oldest first.", "最早的在前。",
                .sub = &proposal_shape),
};
static const struct shape proposals_shape = {.name = "merge_proposal_list",
                                             .size = sizeof(struct proposals_out),
                                             SHAPE_FIELDS(proposals_fields)};
struct limit_query {
    int64_t limit;
};
static const struct field limit_fields[] = {
    SHAPE_FIELD(struct limit_query, limit, I64, "Rows at most.", "最多多少行。", .min = 1,
                .max = FOUND_MAX, .fallback = "50"),
};
static const struct shape limit_shape = {
    .name = "limit_query", .size = sizeof(struct limit_query), SHAPE_FIELDS(limit_fields)};

static const struct err *proposals_tx(struct tx *tx, void *arg)
{
    struct call *call = arg;
    const struct limit_query *query = call->query;
    struct merge_proposal *proposals;
    size_t count;
    TRY(customer_proposals(tx, (size_t)query->limit, &proposals, &count));
    struct proposal_out *items = ARENA_ARRAY(call->arena, count + 1, struct proposal_out);
    for (size_t i = 0; i < count; i++) {
        items[i].shared = str_c(identity_kind_name(proposals[i].identity_kind));
        items[i].recorded_at_us = proposals[i].recorded_at_us;
        TRY(show(tx, call, proposals[i].customer_id, false, 3, &items[i].customer));
        TRY(show(tx, call, proposals[i].other_id, false, 3, &items[i].other));
    }
    ((struct proposals_out *)call->out)->items = (struct shape_list){items, count};
    return NULL;
}

static const struct err *list_proposals(struct call *call)
{
    return call_read(call, proposals_tx, call);
}

struct refuse_in {
    int64_t customer_id, other_id;
};
static const struct field refuse_fields[] = {
    SHAPE_FIELD(struct refuse_in, customer_id, ID, "The one.", "其一。", .required = true),
    SHAPE_FIELD(struct refuse_in, other_id, ID, "The other.", "其二。", .required = true),
};
static const struct shape refuse_shape = {
    .name = "proposal_refuse", .size = sizeof(struct refuse_in), SHAPE_FIELDS(refuse_fields)};

static const struct err *refuse_tx(struct tx *tx, void *arg)
{
    struct call *call = arg;
    const struct refuse_in *in = call->in;
    int64_t root_id;
    TRY(customer_reach(tx, call, in->customer_id, &root_id));
    TRY(reach_other(tx, call, in->other_id, STR("/other_id"), &root_id));
    TRY(customer_proposal_refuse(tx, in->customer_id, in->other_id));
    customer_audit(call, in->customer_id);
    call->audit_after =
        str_fmt(call->arena, "{\"not_the_same_as\":\"%lld\"}", (long long)in->other_id);
    return NULL;
}

static const struct err *refuse(struct call *call)
{
    return call_write(call, refuse_tx, call);
}

/* --- The table --- */

static const enum err_code unknown_errors[] = {ERR_CUSTOMER_UNKNOWN, ERR_NONE};
static const enum err_code reveal_errors[] = {ERR_CUSTOMER_UNKNOWN, ERR_CUSTOMER_ERASED, ERR_NONE};
static const enum err_code name_errors[] = {ERR_CUSTOMER_UNKNOWN,   ERR_CUSTOMER_ERASED,
                                            ERR_CUSTOMER_NAME,      ERR_IDEMPOTENCY_OTHER,
                                            ERR_IDEMPOTENCY_ERASED, ERR_NONE};
static const enum err_code tag_errors[] = {ERR_CUSTOMER_UNKNOWN,   ERR_CUSTOMER_ERASED,
                                           ERR_CUSTOMER_TAG_NAME,  ERR_IDEMPOTENCY_OTHER,
                                           ERR_IDEMPOTENCY_ERASED, ERR_NONE};
/* Who was erased has none that could be removed. */
static const enum err_code untag_errors[] = {ERR_CUSTOMER_UNKNOWN, ERR_CUSTOMER_TAG_NAME,
                                             ERR_IDEMPOTENCY_OTHER, ERR_IDEMPOTENCY_ERASED,
                                             ERR_NONE};
static const enum err_code keeper_errors[] = {ERR_CUSTOMER_UNKNOWN, ERR_STAFF_UNKNOWN,
                                              ERR_IDEMPOTENCY_OTHER, ERR_IDEMPOTENCY_ERASED,
                                              ERR_NONE};
static const enum err_code merge_errors[] = {
    ERR_CUSTOMER_UNKNOWN, ERR_CUSTOMER_SAME,     ERR_CUSTOMER_MERGE_LIMIT, ERR_CUSTOMER_PLACEHOLDER,
    ERR_CUSTOMER_ERASED,  ERR_IDEMPOTENCY_OTHER, ERR_IDEMPOTENCY_ERASED,   ERR_NONE};
static const enum err_code split_errors[] = {ERR_CUSTOMER_UNKNOWN, ERR_CUSTOMER_NOT_MERGED,
                                             ERR_IDEMPOTENCY_OTHER, ERR_IDEMPOTENCY_ERASED,
                                             ERR_NONE};
static const enum err_code refuse_errors[] = {ERR_CUSTOMER_UNKNOWN, ERR_CUSTOMER_SAME,
                                              ERR_CUSTOMER_PROPOSAL_UNKNOWN, ERR_IDEMPOTENCY_OTHER,
                                              ERR_NONE};

static const struct endpoint endpoints[] = {
    {.name = "findCustomers",
     .method = METHOD_GET,
     .path = "/api/v1/customers/find",
     .scope = SCOPE_CUSTOMERS_READ,
     .reach = REACH_SEE,
     .query_shape = &find_shape,
     .out = &customer_list_shape,
     .handler = find_customers,
     .title = TEXT("Find customers", "查找客户")},
    {.name = "getCustomer",
     .method = METHOD_GET,
     .path = "/api/v1/customers/{customer_id}",
     .scope = SCOPE_CUSTOMERS_READ,
     .reach = REACH_SEE,
     .path_shape = &customer_path_shape,
     .out = &customer_shape,
     .errors = unknown_errors,
     .handler = get_customer,
     .title = TEXT("A customer", "客户"),
     .doc = TEXT("Numbers and addresses are masked.", "号码与地址已脱敏。")},
    {.name = "revealCustomer",
     .method = METHOD_POST,
     .path = "/api/v1/customers/{customer_id}/reveal",
     .scope = SCOPE_PERSONAL_READ,
     .reach = REACH_TOUCH,
     .flags = ENDPOINT_WRITE | ENDPOINT_AUDITED,
     .path_shape = &customer_path_shape,
     .out = &customer_shape,
     .errors = reveal_errors,
     .handler = reveal,
     .title = TEXT("See personal data in the clear", "查看明文个人信息"),
     .doc = TEXT("Leaves a trace in the customer's history and in the audit trail.",
                 "会在客户时间线与审计记录中留痕。")},
    {.name = "renameCustomer",
     .method = METHOD_PUT,
     .path = "/api/v1/customers/{customer_id}/name",
     .scope = SCOPE_CUSTOMERS_WRITE,
     .reach = REACH_TOUCH,
     .flags = ENDPOINT_WRITES,
     .path_shape = &customer_path_shape,
     .in = &rename_shape,
     .out = &customer_shape,
     .errors = name_errors,
     .handler = rename_customer,
     .title = TEXT("Correct a name", "更正姓名")},
    {.name = "setTag",
     .method = METHOD_PUT,
     .path = "/api/v1/customers/{customer_id}/tags/{tag}",
     .scope = SCOPE_CUSTOMERS_WRITE,
     .reach = REACH_TOUCH,
     .flags = ENDPOINT_WRITES,
     .path_shape = &tag_path_shape,
     .in = &tag_in_shape,
     .out = &customer_shape,
     .errors = tag_errors,
     .handler = set_tag,
     .title = TEXT("Set a tag", "打标签")},
    {.name = "removeTag",
     .method = METHOD_DELETE,
     .path = "/api/v1/customers/{customer_id}/tags/{tag}",
     .scope = SCOPE_CUSTOMERS_WRITE,
     .reach = REACH_TOUCH,
     .flags = ENDPOINT_WRITES,
     .path_shape = &tag_path_shape,
     .out = &customer_shape,
     .errors = untag_errors,
     .handler = remove_tag,
     .title = TEXT("Remove a tag", "移除标签")},
    {.name = "setKeeper",
     .method = METHOD_PUT,
     .path = "/api/v1/customers/{customer_id}/keeper",
     .scope = SCOPE_CUSTOMERS_WRITE,
     .reach = REACH_RUN,
     .flags = ENDPOINT_WRITES,
     .path_shape = &customer_path_shape,
     .in = &keeper_shape,
     .out = &customer_shape,
     .errors = keeper_errors,
     .handler = set_keeper,
     .title = TEXT("Say who looks after a customer", "指定负责的员工")},
    {.name = "previewMerge",
     .method = METHOD_GET,
     .path = "/api/v1/customers/{customer_id}/merge",
     .scope = SCOPE_CUSTOMERS_READ,
     .reach = REACH_RUN,
     .path_shape = &customer_path_shape,
     .query_shape = &merge_query_shape,
     .out = &preview_shape,
     .errors = unknown_errors,
     .handler = preview_merge,
     .title = TEXT("What a merge would make", "合并预览")},
    {.name = "mergeCustomers",
     .method = METHOD_POST,
     .path = "/api/v1/customers/{customer_id}/merge",
     .scope = SCOPE_CUSTOMERS_WRITE,
     .reach = REACH_RUN,
     .flags = ENDPOINT_WRITES,
     .path_shape = &customer_path_shape,
     .in = &merge_in_shape,
     .out = &customer_shape,
     .errors = merge_errors,
     .handler = merge,
     .title = TEXT("Merge two customers who are one person", "合并属于同一人的两位客户")},
    {.name = "splitCustomer",
     .method = METHOD_POST,
     .path = "/api/v1/customers/{customer_id}/split",
     .scope = SCOPE_CUSTOMERS_WRITE,
     .reach = REACH_RUN,
     .flags = ENDPOINT_WRITES,
     .path_shape = &customer_path_shape,
     .out = &customer_shape,
     .errors = split_errors,
     .handler = split,
     .title = TEXT("Undo a merge", "撤销合并")},
    {.name = "listProposals",
     .method = METHOD_GET,
     .path = "/api/v1/merge-proposals",
     .scope = SCOPE_CUSTOMERS_READ,
     .reach = REACH_RUN,
     .query_shape = &limit_shape,
     .out = &proposals_shape,
     .handler = list_proposals,
     .title = TEXT("Who may be one person", "可能是同一人的客户")},
    {.name = "refuseProposal",
     .method = METHOD_POST,
     .path = "/api/v1/merge-proposals/refuse",
     .scope = SCOPE_CUSTOMERS_WRITE,
     .reach = REACH_RUN,
     .flags = ENDPOINT_WRITES,
     .in = &refuse_shape,
     .errors = refuse_errors,
     .handler = refuse,
     .title = TEXT("They are not one person", "不是同一人")},
};
const struct endpoint_table customer_endpoints = {
    .tag = "customers", .title = TEXT("Customers", "客户"), ENDPOINTS(endpoints)};
