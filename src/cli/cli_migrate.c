/* huitou migrate */
#include "cli/cli.h"
#include "codec/json.h"
#include "job/home.h"

const struct err *cli_migrate(struct cli *cli, const struct cli_call *call)
{
    int applied;
    (void)call;
    cli_say_directory(cli);
    TRY(home_migrate(cli->arena, cli->directory, &applied));
    if (!cli->json) {
        if (applied == 0)
            PAGE_SAY(&cli->page, "Nothing to do: the schema is this program's.",
                     "无需升级：数据库结构已是本版。");
        else
            PAGE_SAY(&cli->page, "Migrations applied: {0}.", "已执行的迁移：{0} 个。",
                     text_count(cli->arena, applied));
        return NULL;
    }
    struct json_writer w = json_writer(&cli->page.out, true);
    json_open(&w, '{');
    json_key(&w, STR("directory"));
    json_put_str(&w, cli->directory);
    json_key(&w, STR("applied"));
    json_put_i64(&w, applied);
    json_close(&w, '}');
    page_char(&cli->page, '\n');
    return NULL;
}
