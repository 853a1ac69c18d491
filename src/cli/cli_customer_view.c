#include "base/calendar.h"
#include "base/decimal.h"
#include "cli/cli_customer.h"
#include "cli/cli_table.h"

static struct str in(const struct page *page, const char *en, const char *zh)
{
    return str_c(page->lang == LANG_ZH ? zh : en);
}

struct str person_id_text(struct arena *arena, int64_t id)
{
    return str_fmt(arena, "%lld", (long long)id);
}

struct str person_name(struct arena *arena, const struct person_show *show,
                       const struct person *person)
{
    struct str name = person->view->name;
    if (!name.p)
        return STR_NONE;
    return text_clean(arena, show->reveal ? name : customer_name_mask(arena, name));
}

static struct str identity_text(struct arena *arena, const struct person_show *show,
                                const struct customer_identity *identity)
{
    struct str value = identity->value;
    if (!show->reveal)
        value = identity_mask(arena, identity->kind, value);
    return text_clean(arena, value);
}

static struct str or_dash(struct str s)
{
    return str_is(s) ? s : STR("–");
}

static struct str day_or_dash(struct arena *arena, int32_t day)
{
    return day == DAY_NONE ? STR("–") : day_text(arena, day);
}

static void draw_facts(struct page *page, const struct person_show *show,
                       const struct person *person)
{
    struct arena *arena = page->arena;
    int digits = show->brand->currency_digits;
    struct str currency = show->brand->currency;
    const struct cli_column columns[] = {
        {in(page, "Customer", "客户"), COLUMN_TEXT},
        {in(page, "Name", "姓名"), COLUMN_TEXT},
        {in(page, "Known since", "建档日期"), COLUMN_TEXT},
        {in(page, "Paid orders", "已付款订单"), COLUMN_TEXT},
        {in(page, "First and last", "首单与末单"), COLUMN_TEXT},
        {TEXT_FILL(arena, page->lang, "Paid, {0}", "实付（{0}）", currency), COLUMN_TEXT},
        {TEXT_FILL(arena, page->lang, "Refunded, {0}", "退款（{0}）", currency), COLUMN_TEXT},
    };
    const struct str values[] = {
        person_id_text(arena, person->view->customer_id),
        person->view->placeholder
            ? in(page, "(placeholder: orders without a buyer)", "（占位：没有买家的订单）")
            : or_dash(person_name(arena, show, person)),
        day_text(arena, zone_day(show->brand->zone, person->view->created_at_us)),
        text_count(arena, person->paid_order_count),
        str_fmt(arena, "%.*s … %.*s", STR_ARG(day_or_dash(arena, person->first_day)),
                STR_ARG(day_or_dash(arena, person->last_day))),
        minor_grouped(arena, person->paid_minor, digits),
        minor_grouped(arena, person->refunded_minor, digits),
    };
    cli_list_draw(page, columns, values, (int)(sizeof(values) / sizeof(values[0])));
}

static void draw_identities(struct page *page, const struct person_show *show,
                            const struct person *person)
{
    const struct cli_column columns[] = {{in(page, "Identity", "身份"), COLUMN_TEXT},
                                         {in(page, "From", "来源"), COLUMN_TEXT},
                                         {in(page, "Value", "值"), COLUMN_TEXT},
                                         {in(page, "Met with", "所属档案"), COLUMN_WHOLE},
                                         {in(page, "Remark", "说明"), COLUMN_TEXT}};
    struct cli_table table = cli_table_new(page->arena, columns, 5);
    for (size_t i = 0; i < person->view->identity_count; i++) {
        const struct customer_identity *identity = &person->view->identities[i];
        struct str *cells = cli_table_row(&table);
        cells[0] = str_c(identity_kind_name(identity->kind));
        cells[1] = or_dash(text_clean(page->arena, identity->issuer));
        cells[2] = identity_text(page->arena, show, identity);
        cells[3] = person_id_text(page->arena, identity->customer_id);
        cells[4] = identity->weak ? in(page, "only a hint", "仅为线索") : STR("");
        if (!identity->weak && !identity->claimed)
            cells[4] = in(page, "belongs to another", "归他人所有");
    }
    if (table.row_count == 0)
        return;
    page_char(page, '\n');
    cli_table_draw(page, &table);
}

static void draw_tags(struct page *page, const struct person *person)
{
    const struct cli_column columns[] = {{in(page, "Tag", "标签"), COLUMN_TEXT},
                                         {in(page, "Until", "有效至"), COLUMN_TEXT},
                                         {in(page, "Set by", "设置者"), COLUMN_TEXT}};
    struct cli_table table = cli_table_new(page->arena, columns, 3);
    for (size_t i = 0; i < person->view->tag_count; i++) {
        const struct customer_tag *tag = &person->view->tags[i];
        struct str *cells = cli_table_row(&table);
        cells[0] = text_clean(page->arena, tag->name);
        cells[1] = day_or_dash(page->arena, tag->until_day);
        cells[2] = text_clean(page->arena, tag->set_by);
    }
    if (table.row_count == 0)
        return;
    page_char(page, '\n');
    cli_table_draw(page, &table);
}

static void draw_orders(struct page *page, const struct person_show *show,
                        const struct person *person)
{
    struct arena *arena = page->arena;
    int digits = show->brand->currency_digits;
    const struct cli_column columns[] = {
        {in(page, "Paid on", "付款日"), COLUMN_WHOLE}, {in(page, "Source", "来源"), COLUMN_TEXT},
        {in(page, "Number", "订单号"), COLUMN_TEXT},   {in(page, "State", "状态"), COLUMN_TEXT},
        {in(page, "Lines", "行数"), COLUMN_NUMBER},    {in(page, "Amount", "金额"), COLUMN_NUMBER},
        {in(page, "Refunded", "已退"), COLUMN_NUMBER}, {in(page, "Channel", "渠道"), COLUMN_TEXT}};
    struct cli_table table = cli_table_new(arena, columns, 8);
    for (size_t i = 0; i < person->order_count && i < show->orders_max; i++) {
        const struct order_view *order = &person->orders[i];
        bool paid = order->paid_at_us != INT64_MIN;
        struct str *cells = cli_table_row(&table);
        cells[0] = paid ? day_text(arena, order->paid_day) : STR("–");
        cells[1] = text_clean(arena, order->source);
        cells[2] = text_clean(arena, order->number);
        cells[3] = str_c(order_state_name(order->state));
        cells[4] = text_count(arena, order->line_count);
        cells[5] = minor_grouped(arena, order->amount_minor, digits);
        cells[6] =
            order->refunded_minor ? minor_grouped(arena, order->refunded_minor, digits) : STR("–");
        cells[7] = or_dash(text_clean(arena, order->channel));
    }
    if (table.row_count == 0)
        return;
    page_char(page, '\n');
    cli_table_draw(page, &table);
    if (person->order_count > table.row_count)
        PAGE_SAY(page, "… and {0} older orders.", "…… 另有 {0} 个更早的订单。",
                 text_count(arena, (int64_t)(person->order_count - table.row_count)));
}

/* The ids that huitou customer split takes. */
static void draw_members(struct page *page, const struct person *person)
{
    size_t count = person->view->member_count;
    if (count < 2)
        return;
    struct str *ids = ARENA_ARRAY(page->arena, count, struct str);
    for (size_t i = 1; i < count; i++)
        ids[i - 1] = person_id_text(page->arena, person->view->members[i]);
    PAGE_SAY(page, "Merged into this customer: {0}", "并入本客户的档案：{0}",
             str_join(page->arena, ids, count - 1, STR(", ")));
}

void person_draw(struct page *page, const struct person_show *show, const struct person *person)
{
    draw_facts(page, show, person);
    draw_members(page, person);
    draw_identities(page, show, person);
    draw_tags(page, person);
    draw_orders(page, show, person);
}

void person_list_draw(struct page *page, const struct person_show *show,
                      const struct person *people, size_t count)
{
    struct arena *arena = page->arena;
    const struct cli_column columns[] = {
        {in(page, "Customer", "客户"), COLUMN_WHOLE},
        {in(page, "Name", "姓名"), COLUMN_TEXT},
        {in(page, "Identities", "身份"), COLUMN_TEXT},
        {in(page, "Paid orders", "已付款订单"), COLUMN_NUMBER},
        {in(page, "Last paid", "末单日期"), COLUMN_WHOLE},
        {TEXT_FILL(arena, page->lang, "Paid, {0}", "实付（{0}）", show->brand->currency),
         COLUMN_NUMBER}};
    struct cli_table table = cli_table_new(arena, columns, 6);
    for (size_t i = 0; i < count; i++) {
        const struct customer_view *view = people[i].view;
        struct str *identities = ARENA_ARRAY(arena, view->identity_count + 1, struct str);
        for (size_t k = 0; k < view->identity_count; k++)
            identities[k] = identity_text(arena, show, &view->identities[k]);
        struct str *cells = cli_table_row(&table);
        cells[0] = person_id_text(arena, view->customer_id);
        cells[1] = or_dash(person_name(arena, show, &people[i]));
        cells[2] = str_join(arena, identities, view->identity_count, STR(", "));
        cells[3] = text_count(arena, people[i].paid_order_count);
        cells[4] = day_or_dash(arena, people[i].last_day);
        cells[5] = minor_grouped(arena, people[i].paid_minor, show->brand->currency_digits);
    }
    cli_table_draw(page, &table);
}

/* --- JSON --- */

static void put_text(struct json_writer *w, const char *key, struct str value)
{
    json_key(w, str_c(key));
    json_put_str(w, value);
}

static void put_day(struct json_writer *w, struct arena *arena, const char *key, int32_t day)
{
    put_text(w, key, day == DAY_NONE ? STR_NONE : day_text(arena, day));
}

static void put_minor(struct json_writer *w, const char *key, int64_t minor, int digits)
{
    json_key(w, str_c(key));
    json_put_minor(w, minor, digits);
}

static void put_identities(struct json_writer *w, struct arena *arena,
                           const struct person_show *show, const struct customer_view *view)
{
    json_key(w, STR("identities"));
    json_open(w, '[');
    for (size_t i = 0; i < view->identity_count; i++) {
        const struct customer_identity *identity = &view->identities[i];
        json_open(w, '{');
        put_text(w, "kind", str_c(identity_kind_name(identity->kind)));
        put_text(w, "issuer", identity->issuer);
        put_text(w, "value",
                 show->reveal ? identity->value
                              : identity_mask(arena, identity->kind, identity->value));
        json_key(w, STR("customer_id"));
        json_put_id(w, identity->customer_id);
        json_key(w, STR("claimed"));
        json_put_bool(w, identity->claimed);
        json_key(w, STR("weak"));
        json_put_bool(w, identity->weak);
        json_close(w, '}');
    }
    json_close(w, ']');
}

static void put_tags(struct json_writer *w, struct arena *arena, const struct customer_view *view)
{
    json_key(w, STR("tags"));
    json_open(w, '[');
    for (size_t i = 0; i < view->tag_count; i++) {
        json_open(w, '{');
        put_text(w, "name", view->tags[i].name);
        put_text(w, "set_by", view->tags[i].set_by);
        put_text(w, "set_at", time_text(arena, view->tags[i].set_at_us));
        put_day(w, arena, "until", view->tags[i].until_day);
        json_close(w, '}');
    }
    json_close(w, ']');
}

static void put_orders(struct json_writer *w, struct arena *arena, const struct person_show *show,
                       const struct person *person)
{
    int digits = show->brand->currency_digits;
    json_key(w, STR("orders"));
    json_open(w, '[');
    for (size_t i = 0; i < person->order_count && i < show->orders_max; i++) {
        const struct order_view *order = &person->orders[i];
        bool paid = order->paid_at_us != INT64_MIN;
        json_open(w, '{');
        json_key(w, STR("order_id"));
        json_put_id(w, order->order_id);
        json_key(w, STR("customer_id"));
        json_put_id(w, order->customer_id);
        put_text(w, "source", order->source);
        put_text(w, "number", order->number);
        put_text(w, "channel", order->channel);
        put_text(w, "state", str_c(order_state_name(order->state)));
        put_text(w, "occurred_at", time_text(arena, order->occurred_at_us));
        put_day(w, arena, "paid_day", paid ? order->paid_day : DAY_NONE);
        put_minor(w, "amount", order->amount_minor, digits);
        put_minor(w, "refunded", order->refunded_minor, digits);
        json_close(w, '}');
    }
    json_close(w, ']');
}

void person_put(struct json_writer *w, struct arena *arena, const struct person_show *show,
                const struct person *person)
{
    const struct customer_view *view = person->view;
    int digits = show->brand->currency_digits;
    json_open(w, '{');
    json_key(w, STR("customer_id"));
    json_put_id(w, view->customer_id);
    put_text(w, "name",
             show->reveal || !view->name.p ? view->name : customer_name_mask(arena, view->name));
    json_key(w, STR("placeholder"));
    json_put_bool(w, view->placeholder);
    put_text(w, "created_at", time_text(arena, view->created_at_us));
    json_key(w, STR("members"));
    json_open(w, '[');
    for (size_t i = 0; i < view->member_count; i++)
        json_put_id(w, view->members[i]);
    json_close(w, ']');
    json_key(w, STR("paid_orders"));
    json_put_i64(w, person->paid_order_count);
    put_day(w, arena, "first_day", person->first_day);
    put_day(w, arena, "last_day", person->last_day);
    put_text(w, "currency", show->brand->currency);
    put_minor(w, "paid", person->paid_minor, digits);
    put_minor(w, "refunded", person->refunded_minor, digits);
    put_identities(w, arena, show, view);
    put_tags(w, arena, view);
    put_orders(w, arena, show, person);
    json_close(w, '}');
}
