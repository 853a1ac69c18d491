/* huitou rebuild */
#include "cli/cli.h"
#include "codec/json.h"
#include "job/rebuild.h"
#include "room/customer/customer.h"

#define PURGE_WAIT_MS 60000 /* for a backup or a reader of the database's own */

static const struct err *rebuild(struct cli *cli, struct home *home, void *arg)
{
    struct rebuild_result *result = arg;
    bool erased_left;
    TRY(rebuild_all(home->store, cli->arena, result));
    /* What a server does not do beside people at work. */
    TRY(erasure_purge(home->store, cli->arena, PURGE_WAIT_MS, INT64_MAX, &erased_left));
    if (!cli->json) {
        PAGE_SAY(
            &cli->page,
            "Made again from the facts: the calendar, the claims of identities and order numbers, "
            "and the search by name of {0} people. `huitou verify` compares all of it.",
            "已由事实重建：日历、身份与订单号的登记，以及 {0} 人的姓名检索。可用 `huitou verify` "
            "核对。",
            text_count(cli->arena, result->names));
        if (erased_left)
            PAGE_SAY(
                &cli->page,
                "The database's files may still hold bytes of people who were erased: somebody "
                "was reading for a minute. Run this again.",
                "有人持续读取了一分钟，数据库文件中可能仍留有已删除者的残余；请再运行一次。");
        return NULL;
    }
    struct json_writer w = json_writer(&cli->page.out, true);
    json_open(&w, '{');
    json_key(&w, STR("directory"));
    json_put_str(&w, home->directory);
    json_key(&w, STR("names"));
    json_put_i64(&w, result->names);
    json_key(&w, STR("purged"));
    json_put_bool(&w, !erased_left);
    json_close(&w, '}');
    page_char(&cli->page, '\n');
    return NULL;
}

const struct err *cli_rebuild(struct cli *cli, const struct cli_call *call)
{
    struct rebuild_result result;
    (void)call;
    return cli_with_home(cli, HOME_ALONE, rebuild, &result);
}
