/* All that is kept of one person, as JSON and as a page. */
#include "base/arena.h"
#include "base/calendar.h"
#include "base/decimal.h"
#include "codec/json.h"
#include "room/order/person_part.h"
#include "room/order/person_text.h"

#define FILE_BYTES_MAX ((size_t)256 << 20)

/* --- JSON --- */

struct out {
    struct json_writer w;
    struct arena *arena;
    const struct person_file *file;
};

static void put_text(struct out *out, const char *key, struct str value)
{
    json_key(&out->w, str_c(key));
    json_put_str(&out->w, value);
}

static void put_id(struct out *out, const char *key, int64_t id)
{
    json_key(&out->w, str_c(key));
    if (id == 0)
        json_put_null(&out->w);
    else
        json_put_id(&out->w, id);
}

static void put_time(struct out *out, const char *key, int64_t time_us)
{
    put_text(out, key, time_us == INT64_MIN ? STR_NONE : time_text(out->arena, time_us));
}

static void put_money(struct out *out, const char *key, int64_t minor)
{
    put_text(out, key, minor_plain(out->arena, minor, out->file->brand->currency_digits));
}

static void put_flag(struct out *out, const char *key, bool value)
{
    json_key(&out->w, str_c(key));
    json_put_bool(&out->w, value);
}

static void open_list(struct out *out, const char *key)
{
    json_key(&out->w, str_c(key));
    json_open(&out->w, '[');
}

static void put_identities(struct out *out)
{
    const struct customer_view *view = out->file->person.view;
    open_list(out, "identities");
    for (size_t i = 0; i < view->identity_count; i++) {
        const struct customer_identity *identity = &view->identities[i];
        json_open(&out->w, '{');
        put_id(out, "customer_id", identity->customer_id);
        put_text(out, "kind", str_c(identity_kind_name(identity->kind)));
        put_text(out, "issuer", identity->issuer);
        put_text(out, "value", identity->value);
        put_flag(out, "claimed", identity->claimed);
        put_flag(out, "weak", identity->weak);
        json_close(&out->w, '}');
    }
    json_close(&out->w, ']');
}

static struct str quantity_text(struct arena *arena, int64_t milli)
{
    return minor_plain(arena, milli, 3);
}

static void put_orders(struct out *out)
{
    const struct person_file *file = out->file;
    open_list(out, "orders");
    for (size_t i = 0; i < file->person.order_count; i++) {
        const struct person_order *one = &file->orders[i];
        const struct order_view *order = one->order;
        json_open(&out->w, '{');
        put_id(out, "order_id", order->order_id);
        put_text(out, "source", order->source);
        put_text(out, "number", order->number);
        put_text(out, "channel", str_is(order->channel) ? order->channel : STR_NONE);
        put_text(out, "state", str_c(order_state_name(order->state)));
        put_time(out, "ordered_at", order->occurred_at_us);
        put_time(out, "paid_at", order->paid_at_us);
        put_money(out, "amount", order->amount_minor);
        put_money(out, "refunded", order->refunded_minor);
        open_list(out, "lines");
        for (size_t line = 0; line < one->line_count; line++) {
            json_open(&out->w, '{');
            put_text(out, "product_code", one->lines[line].product_code);
            put_text(out, "product", one->lines[line].product_name);
            put_text(out, "quantity", quantity_text(out->arena, one->lines[line].quantity_milli));
            put_money(out, "amount", one->lines[line].amount_minor);
            json_close(&out->w, '}');
        }
        json_close(&out->w, ']');
        json_close(&out->w, '}');
    }
    json_close(&out->w, ']');
    open_list(out, "refunds");
    for (size_t i = 0; i < file->refund_count; i++) {
        const struct order_refund_view *refund = &file->refunds[i];
        json_open(&out->w, '{');
        put_id(out, "order_id", refund->order_id);
        put_text(out, "source", refund->source);
        put_text(out, "number", refund->number);
        put_time(out, "refunded_at", refund->refunded_at_us);
        put_money(out, "amount", refund->amount_minor);
        json_close(&out->w, '}');
    }
    json_close(&out->w, ']');
}

static void put_said(struct out *out)
{
    const struct person_file *file = out->file;
    const struct customer_view *view = file->person.view;
    open_list(out, "tags");
    for (size_t i = 0; i < view->tag_count; i++) {
        const struct customer_tag *tag = &view->tags[i];
        json_open(&out->w, '{');
        put_text(out, "name", tag->name);
        put_text(out, "until", tag->until_day == DAY_NONE ? STR_NONE
                                                          : day_text(out->arena, tag->until_day));
        put_text(out, "set_by", tag->set_by);
        put_time(out, "set_at", tag->set_at_us);
        json_close(&out->w, '}');
    }
    json_close(&out->w, ']');
    open_list(out, "consents");
    for (size_t i = 0; i < file->consent_count; i++) {
        const struct consent *consent = &file->consents[i];
        json_open(&out->w, '{');
        put_text(out, "purpose", str_c(consent_purpose_name(consent->purpose)));
        put_text(out, "channel", str_c(consent_channel_name(consent->channel)));
        put_flag(out, "given", consent->given);
        put_text(out, "how", str_c(consent_how_name(consent->how)));
        put_text(out, "evidence", consent->evidence);
        put_text(out, "recorded_by", consent->recorded_by);
        put_time(out, "occurred_at", consent->occurred_at_us);
        put_time(out, "recorded_at", consent->recorded_at_us);
        json_close(&out->w, '}');
    }
    json_close(&out->w, ']');
    put_text(out, "looked_after_by", file->keeper);
}

static void put_history(struct out *out)
{
    const struct person_file *file = out->file;
    open_list(out, "events");
    for (size_t i = 0; i < file->event_count; i++) {
        const struct event *event = &file->events[i].event;
        json_open(&out->w, '{');
        put_id(out, "customer_id", event->customer_id);
        put_text(out, "type", str_c(event_type_info(event->type)->name));
        put_time(out, "occurred_at", event->occurred_at_us);
        put_time(out, "recorded_at", event->recorded_at_us);
        json_key(&out->w, STR("particulars"));
        json_put_raw(&out->w, str_is(event->payload) ? event->payload : STR_NONE);
        json_close(&out->w, '}');
    }
    json_close(&out->w, ']');
    open_list(out, "handled");
    for (size_t i = 0; i < file->audit_count; i++) {
        const struct audit_row *row = &file->audits[i];
        json_open(&out->w, '{');
        put_time(out, "at", row->at_us);
        put_text(out, "by", row->by);
        put_text(out, "operation", row->operation);
        json_key(&out->w, STR("before"));
        json_put_raw(&out->w, row->before);
        json_key(&out->w, STR("after"));
        json_put_raw(&out->w, row->after);
        json_close(&out->w, '}');
    }
    json_close(&out->w, ']');
    open_list(out, "imports");
    for (size_t i = 0; i < file->import_count; i++) {
        const struct order_import_view *import = &file->imports[i];
        json_open(&out->w, '{');
        put_text(out, "file", import->file_name);
        put_text(out, "source", import->source);
        put_text(out, "map", import->map_name);
        put_time(out, "exported_at", import->exported_at_us);
        put_time(out, "imported_at", import->started_at_us);
        json_close(&out->w, '}');
    }
    json_close(&out->w, ']');
}

static struct str person_file_json(struct arena *arena, const struct person_file *file)
{
    const struct customer_view *view = file->person.view;
    struct buf buf = buf_new(arena, FILE_BYTES_MAX);
    struct out out = {json_writer(&buf, true), arena, file};
    json_open(&out.w, '{');
    put_text(&out, "document", STR("huitou.person"));
    put_text(&out, "brand", file->brand->name);
    put_text(&out, "currency", file->brand->currency);
    put_time(&out, "exported_at", file->now_us);
    put_id(&out, "customer_id", view->customer_id);
    open_list(&out, "births");
    for (size_t i = 0; i < view->member_count; i++)
        json_put_id(&out.w, view->members[i]);
    json_close(&out.w, ']');
    put_text(&out, "name", view->name);
    put_time(&out, "first_met_at", view->created_at_us);
    put_money(&out, "paid", file->person.paid_minor);
    put_money(&out, "refunded", file->person.refunded_minor);
    put_identities(&out);
    put_said(&out);
    put_orders(&out);
    put_history(&out);
    json_close(&out.w, '}');
    buf_char(&buf, '\n');
    return buf_view(&buf);
}

/* --- A page --- */

struct html {
    struct buf buf;
    struct arena *arena;
    const struct person_file *file;
};

static void html_text(struct html *html, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '&')
            buf_str(&html->buf, STR("&amp;"));
        else if (c == '<')
            buf_str(&html->buf, STR("&lt;"));
        else if (c == '>')
            buf_str(&html->buf, STR("&gt;"));
        else if (c == '"')
            buf_str(&html->buf, STR("&quot;"));
        else if ((unsigned char)c >= 0x20 || c == '\n')
            buf_char(&html->buf, c);
    }
}

static struct str say(const struct html *html, const char *en, const char *zh)
{
    return str_c(html->file->lang == LANG_ZH ? zh : en);
}

static struct str moment(const struct html *html, int64_t time_us)
{
    if (time_us == INT64_MIN)
        return STR("");
    return zone_time_text(html->arena, html->file->brand->zone, time_us);
}

static struct str money(const struct html *html, int64_t minor)
{
    return minor_grouped(html->arena, minor, html->file->brand->currency_digits);
}

static void cell(struct html *html, const char *tag, struct str text)
{
    buf_fmt(&html->buf, "<%s>", tag);
    html_text(html, text.p ? text : STR(""));
    buf_fmt(&html->buf, "</%s>", tag);
}

/* A heading, and a table under it with these column heads. */
static void open_table(struct html *html, struct str title, const struct str *heads, int count)
{
    cell(html, "h2", title);
    buf_str(&html->buf, STR("<table><thead><tr>"));
    for (int i = 0; i < count; i++)
        cell(html, "th", heads[i]);
    buf_str(&html->buf, STR("</tr></thead><tbody>\n"));
}

static void row(struct html *html, const struct str *cells, int count)
{
    buf_str(&html->buf, STR("<tr>"));
    for (int i = 0; i < count; i++)
        cell(html, "td", cells[i]);
    buf_str(&html->buf, STR("</tr>\n"));
}

static void close_table(struct html *html)
{
    buf_str(&html->buf, STR("</tbody></table>\n"));
}

static void page_facts(struct html *html)
{
    const struct person *person = &html->file->person;
    const struct str heads[] = {say(html, "What", "项目"), say(html, "Value", "内容")};
    struct str id = str_fmt(html->arena, "%lld", (long long)person->view->customer_id);
    open_table(html, say(html, "Who you are to us", "基本信息"), heads, 2);
    row(html, (struct str[]){say(html, "Number", "客户编号"), id}, 2);
    row(html, (struct str[]){say(html, "Name", "姓名"), person->view->name}, 2);
    row(html, (struct str[]){say(html, "First met", "首次认识"),
                             moment(html, person->view->created_at_us)}, 2);
    row(html, (struct str[]){say(html, "Paid in all", "累计实付"), money(html, person->paid_minor)},
        2);
    row(html, (struct str[]){say(html, "Given back in all", "累计退款"),
                             money(html, person->refunded_minor)}, 2);
    row(html, (struct str[]){say(html, "Looked after by", "负责人"), html->file->keeper}, 2);
    close_table(html);
}

static void page_identities(struct html *html)
{
    const struct customer_view *view = html->file->person.view;
    const struct str heads[] = {say(html, "Kind", "类别"), say(html, "Given out by", "签发方"),
                                say(html, "Value", "内容"), say(html, "Remark", "备注")};
    open_table(html, say(html, "What we know you by", "身份标识"), heads, 4);
    for (size_t i = 0; i < view->identity_count; i++) {
        const struct customer_identity *is = &view->identities[i];
        struct str remark = STR("");
        if (is->weak)
            remark = say(html, "only a hint", "仅为线索");
        else if (!is->claimed)
            remark = say(html, "is also somebody else's", "同时属于他人");
        row(html, (struct str[]){identity_kind_title(is->kind, html->file->lang), is->issuer,
                                 is->value, remark}, 4);
    }
    close_table(html);
}

static void page_said(struct html *html)
{
    const struct person_file *file = html->file;
    const struct customer_view *view = file->person.view;
    const struct str tags[] = {say(html, "Tag", "标签"), say(html, "Since", "设置于"),
                               say(html, "Until", "有效至")};
    open_table(html, say(html, "Tags", "标签"), tags, 3);
    for (size_t i = 0; i < view->tag_count; i++) {
        const struct customer_tag *tag = &view->tags[i];
        struct str until = tag->until_day == DAY_NONE ? STR("")
                                                      : day_text(html->arena, tag->until_day);
        row(html, (struct str[]){tag->name, moment(html, tag->set_at_us), until}, 3);
    }
    close_table(html);
    const struct str heads[] = {say(html, "When", "时间"), say(html, "For what", "用途"),
                                say(html, "Over which channel", "渠道"),
                                say(html, "Answer", "意思表示"), say(html, "How", "方式"),
                                say(html, "Shown by", "凭据")};
    open_table(html, say(html, "What you allowed", "同意与撤回"), heads, 6);
    for (size_t i = 0; i < file->consent_count; i++) {
        const struct consent *one = &file->consents[i];
        struct str answer = one->given ? say(html, "allowed", "同意")
                                       : say(html, "taken back or refused", "撤回或拒绝");
        row(html, (struct str[]){moment(html, one->occurred_at_us),
                                 consent_purpose_title(one->purpose, file->lang),
                                 consent_channel_title(one->channel, file->lang), answer,
                                 consent_how_title(one->how, file->lang), one->evidence}, 6);
    }
    close_table(html);
}

static struct str goods_of(const struct html *html, const struct person_order *one)
{
    struct buf text = buf_new(html->arena, 4u << 20);
    for (size_t i = 0; i < one->line_count; i++) {
        const struct order_line_view *line = &one->lines[i];
        struct str name = line->product_name.p ? line->product_name : line->product_code;
        bool whole = line->quantity_milli % 1000 == 0;
        struct str quantity = minor_plain(html->arena, line->quantity_milli / (whole ? 1000 : 1),
                                          whole ? 0 : 3);
        buf_fmt(&text, "%s%.*s × %.*s", i > 0 ? "; " : "", STR_ARG(name.p ? name : STR("?")),
                STR_ARG(quantity));
    }
    return buf_view(&text);
}

static void page_orders(struct html *html)
{
    const struct person_file *file = html->file;
    const struct str heads[] = {say(html, "Ordered", "下单时间"), say(html, "Where", "来源"),
                                say(html, "Number", "订单号"), say(html, "State", "状态"),
                                say(html, "Goods", "商品"), say(html, "Paid", "实付"),
                                say(html, "Given back", "已退")};
    open_table(html, say(html, "Orders", "订单"), heads, 7);
    for (size_t i = 0; i < file->person.order_count; i++) {
        const struct order_view *order = file->orders[i].order;
        row(html, (struct str[]){moment(html, order->occurred_at_us), order->source, order->number,
                                 order_state_title(order->state, file->lang),
                                 goods_of(html, &file->orders[i]),
                                 money(html, order->amount_minor),
                                 money(html, order->refunded_minor)}, 7);
    }
    close_table(html);
    const struct str refund_heads[] = {say(html, "When", "时间"), say(html, "Where", "来源"),
                                       say(html, "Number", "退款编号"), say(html, "Amount", "金额")};
    open_table(html, say(html, "Refunds", "退款"), refund_heads, 4);
    for (size_t i = 0; i < file->refund_count; i++) {
        const struct order_refund_view *refund = &file->refunds[i];
        row(html, (struct str[]){moment(html, refund->refunded_at_us), refund->source,
                                 refund->number, money(html, refund->amount_minor)}, 4);
    }
    close_table(html);
}

static void page_history(struct html *html)
{
    const struct person_file *file = html->file;
    const struct str heads[] = {say(html, "When", "时间"), say(html, "What happened", "事项"),
                                say(html, "Who", "操作者")};
    open_table(html, say(html, "What happened", "经过"), heads, 3);
    for (size_t i = 0; i < file->event_count; i++) {
        const struct person_event *one = &file->events[i];
        row(html, (struct str[]){moment(html, one->event.occurred_at_us), one->sentence, one->by},
            3);
    }
    close_table(html);
    const struct str audit_heads[] = {say(html, "When", "时间"), say(html, "Operation", "操作"),
                                      say(html, "Who", "操作者")};
    open_table(html, say(html, "Who handled your data", "谁处理过你的信息"), audit_heads, 3);
    for (size_t i = 0; i < file->audit_count; i++) {
        const struct audit_row *one = &file->audits[i];
        row(html, (struct str[]){moment(html, one->at_us), one->operation, one->by}, 3);
    }
    close_table(html);
    const struct str import_heads[] = {say(html, "Imported", "导入时间"), say(html, "File", "文件"),
                                       say(html, "From", "来源")};
    open_table(html, say(html, "Where it came from", "信息来源"), import_heads, 3);
    for (size_t i = 0; i < file->import_count; i++) {
        const struct order_import_view *one = &file->imports[i];
        row(html, (struct str[]){moment(html, one->started_at_us), one->file_name, one->source},
            3);
    }
    close_table(html);
}

static struct str person_file_html(struct arena *arena, const struct person_file *file)
{
    struct html html = {buf_new(arena, FILE_BYTES_MAX), arena, file};
    struct str title = say(&html, "What we keep about you", "我们保存的您的信息");
    buf_fmt(&html.buf, "<!doctype html>\n<html lang=\"%s\"><head><meta charset=\"utf-8\">",
            file->lang == LANG_ZH ? "zh-CN" : "en");
    buf_str(&html.buf, STR("<meta name=\"viewport\" content=\"width=device-width\">"));
    cell(&html, "title", title);
    buf_str(&html.buf,
            STR("<style>body{font:15px/1.6 system-ui,'PingFang SC','Microsoft YaHei',sans-serif;"
                "max-width:960px;margin:32px auto;padding:0 16px;color:#26221f}"
                "h1{font-size:26px;margin:0}h2{font-size:18px;margin:32px 0 8px}"
                "table{border-collapse:collapse;width:100%;font-size:14px}"
                "th,td{text-align:left;vertical-align:top;padding:6px 12px 6px 0;"
                "border-bottom:1px solid #e4ddd4;overflow-wrap:anywhere}"
                "th{font-weight:500;color:#635a53}</style></head><body>\n"));
    cell(&html, "h1", title);
    cell(&html, "p",
         str_fmt(arena, "%.*s · %.*s · %.*s", STR_ARG(file->brand->name),
                 STR_ARG(moment(&html, file->now_us)), STR_ARG(file->brand->currency)));
    page_facts(&html);
    page_identities(&html);
    page_said(&html);
    page_orders(&html);
    page_history(&html);
    buf_str(&html.buf, STR("</body></html>\n"));
    return buf_view(&html.buf);
}

ERR_RESULT person_export(struct tx *tx, const struct brand *brand, int64_t root_id, enum lang lang,
                         bool html, struct str *bytes)
{
    struct person_file file;
    TRY(person_file_read(tx, brand, root_id, lang, &file));
    *bytes = html ? person_file_html(tx_arena(tx), &file) : person_file_json(tx_arena(tx), &file);
    return NULL;
}
