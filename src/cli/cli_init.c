/* huitou init */
#include "cli/cli.h"
#include "codec/json.h"
#include "job/home.h"

struct flags {
    struct str name, currency, time_zone, store;
};
static const struct field fields[] = {
    {.name = "name",
     .kind = FIELD_TEXT,
     .offset = offsetof(struct flags, name),
     .required = true,
     .doc = TEXT("The brand's name.", "品牌名称。")},
    {.name = "currency",
     .kind = FIELD_TEXT,
     .offset = offsetof(struct flags, currency),
     .required = true,
     .doc = TEXT("ISO 4217 code, such as CNY. Fixed after the first order.",
                 "ISO 4217 币种代码，如 CNY。有订单后不可更改。")},
    {.name = "timezone",
     .kind = FIELD_TEXT,
     .offset = offsetof(struct flags, time_zone),
     .required = true,
     .doc = TEXT("IANA name, such as Asia/Shanghai: in it a purchase day begins and ends.",
                 "IANA 时区名，如 Asia/Shanghai：购买日按它划分。")},
    {.name = "store",
     .kind = FIELD_TEXT,
     .offset = offsetof(struct flags, store),
     .doc = TEXT("postgres://… to keep the data there. Default: an SQLite file in the directory.",
                 "postgres://… 则数据存于该处。默认是目录中的 SQLite 文件。")},
};
const struct shape cli_init_shape = {
    .name = "init", .size = sizeof(struct flags), SHAPE_FIELDS(fields)};

const struct err *cli_init(struct cli *cli, const struct cli_call *call)
{
    const struct flags *flags = call->flags;
    cli->directory = call->args[0];
    const struct home_create create = {.directory = cli->directory,
                                       .name = flags->name,
                                       .currency = flags->currency,
                                       .time_zone = flags->time_zone,
                                       .store_url = flags->store};
    TRY(home_create(cli->arena, &create));
    cli_say_directory(cli);
    if (cli->json) {
        struct json_writer w = json_writer(&cli->page.out, true);
        json_open(&w, '{');
        json_key(&w, STR("directory"));
        json_put_str(&w, cli->directory);
        json_key(&w, STR("name"));
        json_put_str(&w, flags->name);
        json_close(&w, '}');
        page_char(&cli->page, '\n');
        return NULL;
    }
    struct str directory = text_clean(cli->arena, cli->directory);
    PAGE_SAY(&cli->page,
             "The brand {0} is ready. Keep a copy of {1}/master.key apart from the data: "
             "without it names and phone numbers cannot be read again.",
             "品牌 {0} 已就绪。请把 {1}/master.key "
             "另存一份，与数据分开：没有它，姓名与手机号无法再读出。",
             text_clean(cli->arena, flags->name), directory);
    PAGE_SAY(&cli->page, "Next: huitou --dir {0} import orders FILE --dry-run",
             "下一步：huitou --dir {0} import orders 文件 --dry-run", directory);
    return NULL;
}
