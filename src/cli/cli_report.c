/* huitou report */
#include "base/calendar.h"
#include "cli/cli.h"
#include "cli/cli_render.h"
#include "codec/json.h"
#include "job/columns.h"
#include "job/home.h"
#include "room/insight/insight.h"

struct flags {
    struct str as_of;
    int32_t from_day, to_day;
    int amount, engine;
    int64_t limit;
    bool csv;
    struct str xlsx;
};
enum { AMOUNT_NET, AMOUNT_GROSS };
enum { ENGINE_COLUMNS, ENGINE_SQL };
static const char *const amounts[] = {"net", "gross", NULL};
static const char *const engines[] = {"columns", "sql", NULL};

static const struct field fields[] = {
    {.name = "as_of",
     .kind = FIELD_TEXT,
     .offset = offsetof(struct flags, as_of),
     .doc = TEXT(
         "As-of date (YYYY-MM-DD or today): what happened on it and later is unknown. Default: "
         "the day after the last order.",
         "截止日（YYYY-MM-DD 或 today）：当日及以后的事不计。默认为最后一单的次日。")},
    {.name = "from",
     .kind = FIELD_DAY,
     .offset = offsetof(struct flags, from_day),
     .doc = TEXT("First purchase day looked at. Default: the first order's.",
                 "所看的第一个购买日。默认为首单当日。")},
    {.name = "to",
     .kind = FIELD_DAY,
     .offset = offsetof(struct flags, to_day),
     .doc = TEXT("Last purchase day looked at. Default: the day before the as-of date.",
                 "所看的最后一个购买日。默认为截止日的前一天。")},
    {.name = "amount",
     .kind = FIELD_ENUM,
     .offset = offsetof(struct flags, amount),
     .values = amounts,
     .fallback = "net",
     .doc = TEXT("Amounts net of refunds (each on its own day), or gross.",
                 "金额口径：net 扣除退款（按退款当日），gross 不扣。")},
    {.name = "engine",
     .kind = FIELD_ENUM,
     .offset = offsetof(struct flags, engine),
     .values = engines,
     .fallback = "columns",
     .doc = TEXT("Columns in memory, or the SQL twin: both give the same figures.",
                 "columns 用内存列，sql 用对应的 SQL；两者结果相同。")},
    {.name = "limit",
     .kind = FIELD_I64,
     .offset = offsetof(struct flags, limit),
     .min = 0,
     .max = INT32_MAX,
     .fallback = "0",
     .doc = TEXT(
         "Rows of a long list. Default: 20 on a terminal, all in --json, --csv and --xlsx.",
                 "长列表的行数。默认终端 20 行，--json、--csv、--xlsx 为全部。")},
    {.name = "csv",
     .kind = FIELD_BOOL,
     .offset = offsetof(struct flags, csv),
     .doc = TEXT("CSV; several sections are separated by an empty line.",
                 "输出 CSV；多个部分之间空一行。")},
    {.name = "xlsx",
     .kind = FIELD_TEXT,
     .offset = offsetof(struct flags, xlsx),
     .doc = TEXT("Write a workbook (Excel, WPS) of this name: a sheet per section, and one with "
                 "the definition. A file that is there is replaced.",
                 "写成此名的工作簿（Excel、WPS）：每个部分一张表，另附一张说明。已有的同名文件会被替换。")},
};
const struct shape cli_report_shape = {
    .name = "report", .size = sizeof(struct flags), SHAPE_FIELDS(fields)};

static void list_reports_json(struct cli *cli)
{
    struct json_writer w = json_writer(&cli->page.out, true);
    json_open(&w, '{');
    json_key(&w, STR("reports"));
    json_open(&w, '[');
    for (int m = 0; m < metric_count; m++) {
        json_open(&w, '{');
        json_key(&w, STR("name"));
        json_put_str(&w, str_c(metric_all[m]->name));
        json_key(&w, STR("title"));
        json_put_str(&w, str_c(metric_all[m]->title.in[cli->lang]));
        json_key(&w, STR("definition"));
        json_put_str(&w, str_c(metric_all[m]->definition.in[cli->lang]));
        json_close(&w, '}');
    }
    json_close(&w, ']');
    json_close(&w, '}');
    page_char(&cli->page, '\n');
}

static void list_reports(struct cli *cli)
{
    struct page *page = &cli->page;
    for (int m = 0; m < metric_count; m++) {
        page_style(page, PAGE_BOLD);
        page_str(page, str_c(metric_all[m]->name));
        page_style(page, PAGE_PLAIN);
        page_str(page, str_fmt(cli->arena, "  %s\n", metric_all[m]->title.in[cli->lang]));
        page_paragraph(page, str_c(metric_all[m]->definition.in[cli->lang]), 4);
    }
}

static const struct err *check_name(struct cli *cli, struct str name)
{
    if (metric_by_name(name))
        return NULL;
    struct str *names = ARENA_ARRAY(cli->arena, (size_t)metric_count, struct str);
    for (int m = 0; m < metric_count; m++)
        names[m] = str_c(metric_all[m]->name);
    return ERR_NEW(cli->arena, ERR_REPORT_NAME, STR_NONE, name,
                   nearest_word(name, names, metric_count));
}

/* "today" is DAY_NONE for the time being, with *today set: which day it is depends on the brand's
 * zone. */
static const struct err *read_as_of(struct cli *cli, struct str text, int32_t *day, bool *today)
{
    *day = DAY_NONE;
    *today = text.p && str_eq(text, STR("today"));
    if (!text.p || *today || day_parse(text, day))
        return NULL;
    return ERR_NEW(cli->arena, ERR_DAY_OR_TODAY, STR("--as-of"), text);
}

struct run {
    const struct flags *flags;
    struct insight_request request;
    bool as_of_today;
    struct home *home;
    struct cli *cli;
    const struct metric *metric;
    struct report_scope scope;
    int32_t first_day;
    struct report *report;
    struct str *notes;
    size_t note_count;
};

static const struct err *run_sql(struct tx *tx, void *arg)
{
    struct run *run = arg;
    TRY(insight_scope(tx, run->home->brand, &run->request, &run->metric, &run->scope,
                      &run->first_day));
    return insight_report_sql(tx, run->cli->arena, run->metric, &run->scope, &run->report);
}

static const struct err *find_notes(struct tx *tx, void *arg)
{
    struct run *run = arg;
    struct left_out left_out;
    TRY(order_left_out(tx, &left_out));
    insight_notes(run->cli->arena, run->home->brand, run->report, left_out, run->first_day,
                  run->cli->lang, &run->notes, &run->note_count);
    return NULL;
}

static const struct err *run_columns(struct run *run)
{
    struct arena *arena = run->cli->arena;
    struct columns columns;
    TRY(insight_check_request(arena, &run->request, &run->metric));
    TRY(columns_build(run->home->store, arena, &columns));
    const struct err *err = insight_scope_of_columns(
        arena, columns.engine, run->home->brand, &run->request, &run->metric, &run->scope,
        &run->first_day);
    if (!err)
        err = engine_report(arena, columns.engine, run->metric, &run->scope, &run->report);
    engine_free(columns.engine);
    return err;
}

static const struct err *read(struct run *run, const char *name, store_fn *fn)
{
    const struct store_job job = {.name = name, .fn = fn, .arg = run};
    return store_read(run->home->store, run->cli->arena, &job);
}

static const struct err *write_workbook(struct run *run, const struct insight_view *render)
{
    struct page *page = &run->cli->page;
    struct str path = run->flags->xlsx;
    int64_t rows;
    TRY(insight_xlsx(run->cli->arena, render, page->lang, path, &rows));
    PAGE_SAY(page, "Written to {0}: {1} rows.", "已写入 {0}：{1} 行。", path,
             text_count(page->arena, rows));
    return NULL;
}

static void flush_page(void *page)
{
    page_flush(page);
}

static const struct err *show(struct run *run)
{
    const struct brand *brand = run->home->brand;
    struct page *page = &run->cli->page;
    struct insight_view render = {
        .report = run->report,
        .brand_name = brand->name,
        .currency = brand->currency,
        .directory = run->home->directory,
        .engine = str_c(engines[run->flags->engine]),
        .notes = run->notes,
        .note_count = run->note_count,
        .limit = run->flags->limit,
    };
    if (run->flags->xlsx.p)
        return write_workbook(run, &render);
    struct insight_flush flush = {flush_page, page};
    struct json_writer w = json_writer(&page->out, true);
    if (run->cli->json) {
        insight_json(&w, page->arena, &render, page->lang, flush);
        page_char(page, '\n');
    } else if (run->flags->csv)
        insight_csv(&page->out, page->arena, &render, flush);
    else
        render_text(page, &render);
    return NULL;
}

static const struct err *why_empty(struct tx *tx, void *arg)
{
    struct left_out left_out;
    (void)arg;
    TRY(order_left_out(tx, &left_out));
    return insight_why_empty(tx_arena(tx), left_out);
}

static const struct err *run_report(struct cli *cli, struct home *home, void *arg)
{
    struct run *run = arg;
    run->home = home;
    if (run->as_of_today)
        run->request.as_of_day = zone_day(home->brand->zone, clock_now_us(&home->deps.clock));
    const struct err *err =
        run->request.use_sql ? read(run, "report.sql", run_sql) : run_columns(run);
    if (err && err->code == ERR_REPORT_EMPTY)
        TRY(read(run, "report.empty", why_empty));
    TRY(err);
    TRY(read(run, "report.notes", find_notes));
    (void)cli;
    return show(run);
}

const struct err *cli_report(struct cli *cli, const struct cli_call *call)
{
    const struct flags *flags = call->flags;
    struct run run = {.flags = flags, .cli = cli};
    if (call->arg_count == 0) {
        if (cli->json)
            list_reports_json(cli);
        else
            list_reports(cli);
        return NULL;
    }
    TRY(check_name(cli, call->args[0]));
    if (cli->json && flags->csv)
        return ERR_NEW(cli->arena, ERR_FLAGS_EXCLUDE, STR_NONE, STR("--json"), STR("--csv"));
    if (flags->xlsx.p && (cli->json || flags->csv))
        return ERR_NEW(cli->arena, ERR_FLAGS_EXCLUDE, STR_NONE, STR("--xlsx"),
                       cli->json ? STR("--json") : STR("--csv"));
    run.request = (struct insight_request){.metric_name = call->args[0],
                                           .from_day = flags->from_day,
                                           .to_day = flags->to_day,
                                           .net = flags->amount == AMOUNT_NET,
                                           .use_sql = flags->engine == ENGINE_SQL};
    TRY(read_as_of(cli, flags->as_of, &run.request.as_of_day, &run.as_of_today));
    return cli_with_home(cli, HOME_READ, run_report, &run);
}
