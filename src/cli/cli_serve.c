/* huitou serve: the brand in a browser, until a signal ends it. */
#include "cli/cli.h"

#include <pthread.h>
#include <signal.h>

#include "base/check.h"
#include "http/app.h"

struct serve_flags {
    struct str address;
    int64_t port;
    bool behind_proxy, log;
};
static const struct field serve_fields[] = {
    SHAPE_FIELD(struct serve_flags, address, TEXT,
                "Address to listen on; others than this machine need a proxy with TLS.",
                "监听地址；对外服务请配合带 TLS 的反向代理。", .fallback = "127.0.0.1"),
    SHAPE_FIELD(struct serve_flags, port, I64, "Port to listen on; 0: a free one.",
                "监听端口；0 表示任选空闲端口。", .min = 0, .max = 65535, .fallback = "8420"),
    SHAPE_FIELD(struct serve_flags, behind_proxy, BOOL,
                "A proxy on this machine stands before: believe its X-Forwarded-For.",
                "本机前有反向代理：采信其 X-Forwarded-For。"),
    SHAPE_FIELD(struct serve_flags, log, BOOL, "A JSON line per request on standard error.",
                "每个请求在标准错误输出一行 JSON。"),
};
const struct shape cli_serve_shape = {
    .name = "serve", .size = sizeof(struct serve_flags), SHAPE_FIELDS(serve_fields)};

static void say_where(struct cli *cli, const struct app *app, struct str address)
{
    struct str base = str_fmt(cli->arena, "http://%.*s:%d", STR_ARG(address), app_port(app));
    struct str token = app_setup_token(app);
    if (cli->json) {
        struct json_writer w = json_writer(&cli->page.out, false);
        json_open(&w, '{');
        json_key(&w, STR("url"));
        json_put_str(&w, base);
        json_key(&w, STR("setup_url"));
        json_put_str(
            &w, token.p ? str_fmt(cli->arena, "%.*s/welcome#%.*s", STR_ARG(base), STR_ARG(token))
                        : STR_NONE);
        json_close(&w, '}');
        page_char(&cli->page, '\n');
        return;
    }
    /* One line, however narrow the terminal: it is to be copied. */
    if (token.p && app_is_demo(app))
        page_str(&cli->page,
                 TEXT_FILL(cli->arena, cli->lang,
                           "Open {0}/welcome#{1} to look around in the demo brand (the link works "
                           "once).\n",
                           "打开 {0}/welcome#{1} 查看演示品牌（链接只能用一次）。\n", base, token));
    else if (token.p)
        page_str(&cli->page,
                 TEXT_FILL(cli->arena, cli->lang,
                           "Open {0}/welcome#{1} to set up the brand (the link works once).\n",
                           "打开 {0}/welcome#{1} 建立品牌（链接只能用一次）。\n", base, token));
    else
        page_str(&cli->page, TEXT_FILL(cli->arena, cli->lang, "Open {0}\n", "打开 {0}\n", base));
    if (cli->err_terminal)
        fprintf(cli->err, "%s\n",
                cli->lang == LANG_ZH ? "按 Ctrl-C 结束服务；正在处理的请求会先完成。"
                                     : "Ctrl-C ends the server; it finishes what it is doing.");
}

const struct err *cli_serve(struct cli *cli, const struct cli_call *call)
{
    const struct serve_flags *flags = call->flags;
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    /* Before any thread is started: all of them leave these two to us. */
    CHECK(pthread_sigmask(SIG_BLOCK, &signals, NULL) == 0);
    signal(SIGPIPE, SIG_IGN);
    struct app_options options = {
        .directory = cli->directory,
        .address = flags->address,
        .port = (int)flags->port,
        .behind_proxy = flags->behind_proxy,
        .log = flags->log ? cli->err : NULL,
    };
    struct app *app;
    TRY(app_start(cli->arena, &options, &app));
    say_where(cli, app, flags->address);
    page_flush(&cli->page);
    fflush(cli->page.file);
    int received;
    sigwait(&signals, &received);
    app_stop(app);
    return NULL;
}
