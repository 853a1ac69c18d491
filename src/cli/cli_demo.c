/* huitou demo: a brand to look around in, made or taken away. */
#include "cli/cli.h"

#include <unistd.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "codec/json.h"
#include "job/demo/demo.h"

struct flags {
    struct str store;
    int64_t seed;
    bool remove;
};
static const struct field fields[] = {
    SHAPE_FIELD(struct flags, store, TEXT,
                "postgres://… to keep the data there. Default: an SQLite file in the directory.",
                "postgres://… 则数据存于该处。默认是目录中的 SQLite 文件。"),
    SHAPE_FIELD(
        struct flags, seed, I64,
        "Other people are made up by another number; the same number makes the same people.",
        "换一个数，编造的人就不同；同一个数编造同样的人。", .fallback = "1"),
    SHAPE_FIELD(struct flags, remove, BOOL, "Take the demo brand away, with everything in it.",
                "移除演示品牌及其全部内容。"),
};
const struct shape cli_demo_shape = {
    .name = "demo", .size = sizeof(struct flags), SHAPE_FIELDS(fields)};

/* One line on a terminal, rewritten. */
static void show_progress(void *arg, const struct text *step, int percent)
{
    struct cli *cli = arg;
    fprintf(cli->err, "\r%s %d %%\033[K", step->in[cli->lang], percent);
    fflush(cli->err);
}

static void put_json(struct cli *cli, const struct demo_result *result)
{
    const struct {
        const char *name;
        int64_t value;
    } figures[] = {{"orders", result->orders},
                   {"refunds", result->refunds},
                   {"staff", result->staff},
                   {"tagged", result->tagged},
                   {"consents", result->consents},
                   {"merged", result->merged},
                   {"merge_proposals", result->proposals},
                   {"rows_rejected", result->rows_rejected},
                   {"took_ms", result->took_us / 1000}};
    struct json_writer w = json_writer(&cli->page.out, true);
    json_open(&w, '{');
    json_key(&w, STR("directory"));
    json_put_str(&w, cli->directory);
    json_key(&w, STR("name"));
    json_put_str(&w, result->name);
    json_key(&w, STR("last_day"));
    json_put_str(&w, day_text(cli->arena, result->last_day));
    for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
        json_key(&w, str_c(figures[i].name));
        json_put_i64(&w, figures[i].value);
    }
    json_close(&w, '}');
    page_char(&cli->page, '\n');
}

static const struct err *make(struct cli *cli, const struct flags *flags)
{
    struct demo_result result;
    const struct demo_options options = {.directory = cli->directory,
                                         .store_url = flags->store,
                                         .lang = cli->lang,
                                         .seed = flags->seed,
                                         .progress = cli->err_terminal ? show_progress : NULL,
                                         .progress_arg = cli};
    const struct err *err = demo_make(cli->arena, &options, &result);
    if (cli->err_terminal)
        fprintf(cli->err, "\r\033[K");
    TRY(err);
    cli_say_directory(cli);
    if (cli->json) {
        put_json(cli, &result);
        return NULL;
    }
    PAGE_SAY(&cli->page,
             "The demo brand is ready: {0} orders of a real gift shop (Online Retail, CC BY 4.0), "
             "the last one on {1}. Names, "
             "phones and mail addresses are made up.",
             "演示品牌已就绪：一家真实礼品店的 {0} 个订单（Online Retail，CC BY 4.0），最后一单在 "
             "{1}。姓名、手机与邮箱均为虚构。",
             text_count(cli->arena, result.orders), day_text(cli->arena, result.last_day));
    struct str directory = text_clean(cli->arena, cli->directory);
    PAGE_SAY(&cli->page, "Next: huitou --dir {0} serve, or huitou --dir {0} report repurchase",
             "下一步：huitou --dir {0} serve，或 huitou --dir {0} report repurchase", directory);
    PAGE_SAY(&cli->page, "Take it away again: huitou --dir {0} demo --remove",
             "移除：huitou --dir {0} demo --remove", directory);
    return NULL;
}

static const struct err *take_away(struct cli *cli)
{
    cli_say_directory(cli);
    TRY(home_demo_remove(cli->arena, cli->directory));
    rmdir(str_z(cli->arena, cli->directory)); /* where nobody else keeps something there */
    if (cli->json) {
        struct json_writer w = json_writer(&cli->page.out, true);
        json_open(&w, '{');
        json_key(&w, STR("removed"));
        json_put_str(&w, cli->directory);
        json_close(&w, '}');
        page_char(&cli->page, '\n');
        return NULL;
    }
    PAGE_SAY(&cli->page, "The demo brand is gone; nothing of it is left.",
             "演示品牌已移除，未留下任何内容。");
    return NULL;
}

const struct err *cli_demo(struct cli *cli, const struct cli_call *call)
{
    const struct flags *flags = call->flags;
    return flags->remove ? take_away(cli) : make(cli, flags);
}
