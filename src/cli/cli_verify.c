/* huitou verify */
#include "cli/cli.h"
#include "codec/json.h"
#include "job/columns.h"
#include "job/home.h"

static void put_json(struct cli *cli, const struct home *home, const struct verify_result *result)
{
    const struct {
        const char *key;
        int64_t count;
    } counts[] = {{"customers", result->customers},
                  {"orders", result->orders},
                  {"refunds", result->refunds},
                  {"events", result->events},
                  {"fault_count", result->fault_count}};
    struct json_writer w = json_writer(&cli->page.out, true);
    json_open(&w, '{');
    json_key(&w, STR("directory"));
    json_put_str(&w, home->directory);
    json_key(&w, STR("equal"));
    json_put_bool(&w, result->fault_count == 0);
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        json_key(&w, str_c(counts[i].key));
        json_put_i64(&w, counts[i].count);
    }
    json_key(&w, STR("first_load_open"));
    json_put_bool(&w, result->first_load_open);
    json_key(&w, STR("faults"));
    json_open(&w, '[');
    for (int i = 0; i < result->fault_text_count; i++)
        json_put_str(&w, result->faults[i]);
    json_close(&w, ']');
    json_close(&w, '}');
    page_char(&cli->page, '\n');
}

static void put_text(struct cli *cli, const struct verify_result *result)
{
    struct page *page = &cli->page;
    PAGE_SAY(page, "Recomputed: {0} customers, {1} orders, {2} refunds, {3} events.",
             "已重算：{0} 位客户、{1} 个订单、{2} 笔退款、{3} 个事件。",
             text_count(cli->arena, result->customers), text_count(cli->arena, result->orders),
             text_count(cli->arena, result->refunds), text_count(cli->arena, result->events));
    if (result->first_load_open)
        PAGE_SAY(page,
                 "A first load of orders is running or was broken off: not every order number is "
                 "looked up yet. The next import finishes that.",
                 "首次导入订单正在进行或曾中断：尚非每个订单号都可查找。下一次导入会补全。");
    if (result->fault_count == 0) {
        PAGE_SAY(page, "Everything is equal.", "全部一致。");
        return;
    }
    PAGE_SAY(page, "Not equal: {0} faults.", "不一致：{0} 处。",
             text_count(cli->arena, result->fault_count));
    for (int i = 0; i < result->fault_text_count; i++)
        page_paragraph(page, text_clean(cli->arena, result->faults[i]), 2);
}

static const struct err *verify(struct cli *cli, struct home *home, void *arg)
{
    struct verify_result *result = arg;
    TRY(columns_verify(home->store, cli->arena, home->brand, cli->lang, result));
    if (cli->json)
        put_json(cli, home, result);
    else
        put_text(cli, result);
    if (result->fault_count > 0)
        cli->exit_code = CLI_EXIT_FAILED;
    return NULL;
}

const struct err *cli_verify(struct cli *cli, const struct cli_call *call)
{
    struct verify_result result = {0};
    (void)call;
    return cli_with_home(cli, HOME_READ, verify, &result);
}
