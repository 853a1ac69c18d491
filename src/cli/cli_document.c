/* huitou definitions, huitou errors, huitou openapi: the files of docs/ that are made from the
 * program's own tables. Both languages stand on each page, whatever the language of the reader, so
 * that the committed file is one. */
#include "cli/cli.h"
#include "codec/json.h"
#include "engine/engine.h"
#include "http/app.h"

static const char *kind_name(enum cell_kind kind, enum lang lang)
{
    static const struct text names[] = {
        [CELL_COUNT] = TEXT("count", "个数"),
        [CELL_AMOUNT] = TEXT("amount", "金额"),
        [CELL_MEAN_AMOUNT] = TEXT("amount (mean or quantile)", "金额（平均或分位）"),
        [CELL_RATIO] = TEXT("ratio", "比率"),
        [CELL_NUMBER] = TEXT("number", "数值"),
        [CELL_DAY] = TEXT("day", "日期"),
        [CELL_MONTH] = TEXT("month", "月份"),
        [CELL_TEXT] = TEXT("text", "文字"),
        [CELL_ID] = TEXT("id", "编号"),
    };
    return names[kind].in[lang];
}

static void add(struct cli *cli, struct str text)
{
    page_str(&cli->page, text);
    page_char(&cli->page, '\n');
}

static void add_section(struct cli *cli, const struct metric_section *section)
{
    add(cli, str_fmt(cli->arena, "\n`%s` — %s %s\n", section->name, section->title.in[LANG_EN],
                     section->title.in[LANG_ZH]));
    add(cli, STR("| column | title | 名称 | kind |\n| --- | --- | --- | --- |"));
    for (int c = 0; c < section->column_count; c++) {
        const struct metric_column *column = &section->columns[c];
        add(cli, str_fmt(cli->arena, "| `%s` | %s | %s | %s %s |", column->name,
                         column->title.in[LANG_EN], column->title.in[LANG_ZH],
                         kind_name(column->kind, LANG_EN), kind_name(column->kind, LANG_ZH)));
    }
}

/* Both languages, as on the page. */
static void put_both(struct json_writer *w, const char *key, const struct text *text)
{
    json_key(w, str_c(key));
    json_open(w, '{');
    json_key(w, STR("en"));
    json_put_str(w, str_c(text->in[LANG_EN]));
    json_key(w, STR("zh"));
    json_put_str(w, str_c(text->in[LANG_ZH]));
    json_close(w, '}');
}

static void put_text(struct json_writer *w, const char *key, const char *text)
{
    json_key(w, str_c(key));
    json_put_str(w, str_c(text));
}

static void put_section(struct json_writer *w, const struct metric_section *section)
{
    json_open(w, '{');
    put_text(w, "name", section->name);
    put_both(w, "title", &section->title);
    json_key(w, STR("columns"));
    json_open(w, '[');
    for (int c = 0; c < section->column_count; c++) {
        json_open(w, '{');
        put_text(w, "name", section->columns[c].name);
        put_both(w, "title", &section->columns[c].title);
        put_text(w, "kind", kind_name(section->columns[c].kind, LANG_EN));
        json_close(w, '}');
    }
    json_close(w, ']');
    json_close(w, '}');
}

static void put_definitions(struct cli *cli)
{
    struct json_writer w = json_writer(&cli->page.out, true);
    json_open(&w, '{');
    json_key(&w, STR("reports"));
    json_open(&w, '[');
    for (int m = 0; m < metric_count; m++) {
        json_open(&w, '{');
        put_text(&w, "name", metric_all[m]->name);
        put_both(&w, "title", &metric_all[m]->title);
        put_both(&w, "definition", &metric_all[m]->definition);
        json_key(&w, STR("sections"));
        json_open(&w, '[');
        for (int s = 0; s < metric_all[m]->section_count; s++)
            put_section(&w, &metric_all[m]->sections[s]);
        json_close(&w, ']');
        json_close(&w, '}');
    }
    json_close(&w, ']');
    json_close(&w, '}');
    page_char(&cli->page, '\n');
}

const struct err *cli_definitions(struct cli *cli, const struct cli_call *call)
{
    (void)call;
    if (cli->json) {
        put_definitions(cli);
        return NULL;
    }
    add(cli,
        STR("# Definitions 定义\n\n"
            "Made by `huitou definitions`; do not edit. 由 `huitou definitions` "
            "生成，请勿手改。\n\n"
            "Purchase day: a calendar day in the brand's time zone with at least one counted "
            "order. "
            "Counted order: paid, and not wholly refunded by the as-of date. What happened on the "
            "as-of date or later is unknown to a report. Amounts are in the currency's unit; an "
            "order's is what a file tells for the whole of it, freight included, else the sum of "
            "its lines.\n\n"
            "购买日：品牌时区内至少有一个计数订单的自然日。计数订单：已付款，且截止日之前未被全额退"
            "款。"
            "截止日当日及以后的事不计入报表。金额以货币单位计；"
            "订单金额为文件所述整单金额（含运费），没有时为各行之和。"));
    for (int m = 0; m < metric_count; m++) {
        const struct metric *metric = metric_all[m];
        add(cli, str_fmt(cli->arena, "\n## %s — %s %s\n\n%s\n\n%s", metric->name,
                         metric->title.in[LANG_EN], metric->title.in[LANG_ZH],
                         metric->definition.in[LANG_EN], metric->definition.in[LANG_ZH]));
        for (int s = 0; s < metric->section_count; s++)
            add_section(cli, &metric->sections[s]);
    }
    return NULL;
}

static const char *class_name(enum err_class class)
{
    switch (class) {
    case ERR_CLASS_CALLER:
        return "caller";
    case ERR_CLASS_RETRY:
        return "retry";
    case ERR_CLASS_AMBIGUOUS:
        return "ambiguous";
    case ERR_CLASS_INTERNAL:
        return "internal";
    }
    return "";
}

static void put_errors(struct cli *cli)
{
    struct json_writer w = json_writer(&cli->page.out, true);
    json_open(&w, '{');
    json_key(&w, STR("errors"));
    json_open(&w, '[');
    for (int code = ERR_NONE + 1; code < ERR_CODE_MAX; code++) {
        const struct err_info *info = err_info((enum err_code)code);
        json_open(&w, '{');
        json_key(&w, STR("number"));
        json_put_i64(&w, info->number);
        put_text(&w, "code", info->name);
        put_text(&w, "class", class_name(info->class));
        put_both(&w, "message", &info->message);
        json_close(&w, '}');
    }
    json_close(&w, ']');
    json_close(&w, '}');
    page_char(&cli->page, '\n');
}

const struct err *cli_errors(struct cli *cli, const struct cli_call *call)
{
    (void)call;
    if (cli->json) {
        put_errors(cli);
        return NULL;
    }
    add(cli, STR("# Errors 错误\n\n"
                 "Made by `huitou errors`; do not edit. 由 `huitou errors` 生成，请勿手改。\n\n"
                 "Numbers are never reused. 编号不会重复使用。\n\n"
                 "| number | code | class | message |\n| --- | --- | --- | --- |"));
    for (int code = ERR_NONE + 1; code < ERR_CODE_MAX; code++) {
        const struct err_info *info = err_info((enum err_code)code);
        add(cli,
            str_fmt(cli->arena, "| %d | `%s` | %s | %s<br>%s |", info->number, info->name,
                    class_name(info->class), info->message.in[LANG_EN], info->message.in[LANG_ZH]));
    }
    return NULL;
}

const struct err *cli_openapi(struct cli *cli, const struct cli_call *call)
{
    int count;
    const struct endpoint_table *const *tables = app_tables(&count);
    (void)call;
    add(cli, http_openapi(cli->arena, tables, count));
    return NULL;
}
