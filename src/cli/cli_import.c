/* huitou import orders, huitou import maps */
#include "cli/cli_import.h"

#include <string.h>

#include "base/calendar.h"
#include "base/check.h"
#include "cli/cli_table.h"
#include "codec/json.h"
#include "job/home.h"

#define IMPORT_MEMORY_BYTES_MAX ((size_t)1 << 37)
#define PROGRESS_INTERVAL_US 100000
#define IMPORT_BATCH_ORDERS_MAX 100000

struct flags {
    struct str map, rejects;
    struct shape_list states, refund_states; /* struct str */
    bool dry_run;
    int64_t exported_at_us, batch_orders;
};
static const struct field fields[] = {
    {.name = "map",
     .kind = FIELD_TEXT,
     .offset = offsetof(struct flags, map),
     .doc = TEXT("A built-in map's name or a map file. Default: recognised by the file's header.",
                 "内置映射名或映射文件。默认按文件表头识别。")},
    {.name = "state",
     .kind = FIELD_LIST,
     .offset = offsetof(struct flags, states),
     .doc = TEXT(
         "What a state of the file means, as WORD=paid (or created, shipped, received, "
         "closed); may be given several times, and goes before the map.",
         "文件中某个状态的含义，写作 词=已付款（或 待付款、已发货、已收货、已关闭）；可多次给出，"
         "优先于映射。")},
    {.name = "refund_state",
     .kind = FIELD_LIST,
     .offset = offsetof(struct flags, refund_states),
     .doc = TEXT("The same of a refund state, as WORD=refunded (or none, pending, partial).",
                 "同上，用于售后状态，写作 词=已退款（或 无退款、退款中、部分退款）。")},
    {.name = "dry_run",
     .kind = FIELD_BOOL,
     .offset = offsetof(struct flags, dry_run),
     .doc = TEXT("Say what would happen and write nothing.", "只说明将会怎样，不写入。")},
    {.name = "exported_at",
     .kind = FIELD_TIME,
     .offset = offsetof(struct flags, exported_at_us),
     .doc = TEXT("When the file was exported: of two files the later export wins.",
                 "文件导出的时间：两份文件以较晚导出的为准。")},
    {.name = "rejects",
     .kind = FIELD_TEXT,
     .offset = offsetof(struct flags, rejects),
     .doc =
         TEXT("Where rejected lines go: a workbook where the name ends in .xlsx, else CSV. "
              "Default: FILE.rejects.xlsx in the working directory, numbered where there is one.",
              "被拒行写到何处：以 .xlsx 结尾为工作簿，否则为 CSV。默认为当前目录下的 "
              "文件名.rejects.xlsx，已有时加编号。")},
    {.name = "batch_orders",
     .kind = FIELD_I64,
     .offset = offsetof(struct flags, batch_orders),
     .min = 0,
     .max = IMPORT_BATCH_ORDERS_MAX,
     .fallback = "0",
     .doc = TEXT("Orders per transaction: fewer let other writers in sooner, more are faster. "
                 "0: as many as take less than a tenth of a second; 20000 while a brand is loaded "
                 "for the first time.",
                 "每个事务写入的订单数：小则其他写入等待更短，大则更快。"
                 "0：不超过十分之一秒所能写入的数量；首次导入品牌订单时为 20000。")},
};
const struct shape cli_import_shape = {
    .name = "import", .size = sizeof(struct flags), SHAPE_FIELDS(fields)};

/* --- Progress: one line on a terminal, rewritten --- */

/* What the import calls its phases, and what it counts in each. */
static const struct phase {
    const char *name;
    struct text title, speed;
    double unit;
} phases[] = {
    {"read", TEXT("reading", "读取"), TEXT("{0} MB/s", "{0} MB/秒"), 1e6},
    {"group", TEXT("putting orders together", "归并订单"), TEXT("{0} rows/s", "{0} 行/秒"), 1},
    {"write", TEXT("writing", "写入"), TEXT("{0} orders/s", "{0} 单/秒"), 1},
    {"claim", TEXT("noting order numbers", "登记订单号"), TEXT("{0} orders/s", "{0} 单/秒"), 1},
    {"reject", TEXT("writing the rejected lines", "写出被拒行"), TEXT("{0} MB/s", "{0} MB/秒"),
     1e6},
};

static const struct phase *phase_by_name(const char *name)
{
    for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]); i++)
        if (strcmp(phases[i].name, name) == 0)
            return &phases[i];
    return NULL;
}

struct progress {
    struct cli *cli;
    const struct clock *clock;
    const struct phase *phase; /* NULL: nothing shown yet */
    int64_t phase_began_us, shown_us;
};

static void show_progress(void *arg, const char *name, int64_t done, int64_t total)
{
    struct progress *progress = arg;
    struct cli *cli = progress->cli;
    const struct phase *phase = phase_by_name(name);
    int64_t now_us = clock_now_us(progress->clock);
    CHECK(phase);
    if (progress->phase != phase)
        progress->phase_began_us = now_us;
    else if (now_us - progress->shown_us < PROGRESS_INTERVAL_US)
        return;
    progress->phase = phase;
    progress->shown_us = now_us;
    struct arena_mark mark = arena_mark(cli->arena);
    double seconds = (double)(now_us - progress->phase_began_us) / (double)US_PER_SECOND;
    double rate = seconds > 0.2 ? (double)done / seconds / phase->unit : 0;
    struct str number =
        phase->unit > 1 ? str_fmt(cli->arena, "%.1f", rate) : text_count(cli->arena, (int64_t)rate);
    struct str speed = text_fill(cli->arena, phase->speed, cli->lang, &number, 1);
    fprintf(cli->err, "\r%s %5.1f %%  %.*s\033[K", phase->title.in[cli->lang],
            total > 0 ? 100.0 * (double)done / (double)total : 0.0, STR_ARG(speed));
    fflush(cli->err);
    arena_rewind(cli->arena, mark);
}

static void end_progress(struct progress *progress)
{
    if (progress->phase)
        fprintf(progress->cli->err, "\r\033[K");
}

/* --- The import --- */

struct run {
    const struct cli_call *call;
    const struct flags *flags;
    struct import_totals totals;
    struct str *reject_paths;
    int reject_count;
    struct json_writer json;
};

/* A saved map of this name goes before a file of it; no saved one is called as a built-in is. */
static ERR_RESULT choose_map(struct arena *arena, struct store *store, const struct flags *flags,
                             struct str path, struct import_view *view)
{
    struct import_own_maps own;
    struct import_map *map;
    TRY(import_own_maps(store, arena, &own));
    const struct import_map *saved = import_own_map(&own, flags->map), *chosen = saved;
    view->recognised = !str_is(flags->map);
    if (view->recognised)
        TRY(import_map_recognise(arena, path, &own, &map, &view->why));
    else if (!saved)
        TRY(import_map_read(arena, flags->map, &map));
    if (!saved)
        chosen = map;
    TRY(import_map_with_words(arena, chosen, &flags->states, &flags->refund_states, &map));
    view->map = map;
    return NULL;
}

static const struct err *import_file(struct cli *cli, struct home *home, struct arena *arena,
                                     const struct run *run, struct str path,
                                     struct import_view *view)
{
    struct progress progress = {.cli = cli, .clock = &home->deps.clock};
    *view =
        (struct import_view){.brand = home->brand, .dry_run = run->flags->dry_run, .path = path};
    TRY(choose_map(arena, home->store, run->flags, path, view));
    const struct import_options options = {
        .path = path,
        .map = view->map,
        .dry_run = run->flags->dry_run,
        .exported_at_us = run->flags->exported_at_us,
        .reject_path = run->flags->rejects,
        .lang = cli->lang,
        .batch_orders = run->flags->batch_orders,
        .temporary_directory = home->temporary_directory,
        .progress = cli->err_terminal ? show_progress : NULL,
        .progress_arg = &progress,
        .started_by = cli_user(arena),
    };
    const struct err *err = import_orders(home->store, arena, home->brand, &options, &view->result);
    end_progress(&progress);
    return err;
}

static bool nothing_imported(const struct import_result *result)
{
    return result->rows_rejected > 0 && result->orders == 0 && result->refunds == 0;
}

/* --- What comes next --- */

/* A word as a shell reads it. */
static void add_word(struct buf *command, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "-_=./:,+@%";
    if (command->n > 0)
        buf_char(command, ' ');
    if (*word && strspn(word, plain) == strlen(word)) {
        buf_str(command, str_c(word));
        return;
    }
    buf_char(command, '\'');
    for (; *word; word++) {
        if (*word == '\'')
            buf_str(command, STR("'\\'"));
        buf_char(command, *word);
    }
    buf_char(command, '\'');
}

static bool is_file(const struct cli_call *call, const char *word)
{
    for (int i = 0; i < call->arg_count; i++) {
        if (call->args[i].p == word)
            return true;
    }
    return false;
}

static bool is_flag(const char *word, const char *flag)
{
    size_t n = strlen(flag);
    return strncmp(word, flag, n) == 0 && (word[n] == '\0' || word[n] == '=');
}

/* The command as it was given, for other files: without what a reject file says itself. */
static struct str command_for(struct cli *cli, const struct cli_call *call, const struct str *files,
                              int count)
{
    struct buf command = buf_new(cli->arena, PAGE_BYTES_MAX);
    add_word(&command, "huitou");
    for (int i = 1; i < cli->argc; i++) {
        const char *word = cli->argv[i];
        if (is_flag(word, "--dry-run") || is_file(call, word))
            continue;
        if (is_flag(word, "--rejects") || is_flag(word, "--exported-at")) {
            i += strchr(word, '=') == NULL;
            continue;
        }
        add_word(&command, word);
    }
    for (int i = 0; i < count; i++)
        add_word(&command, str_z(cli->arena, files[i]));
    return buf_view(&command);
}

static struct str command_without_dry_run(struct cli *cli)
{
    struct buf command = buf_new(cli->arena, PAGE_BYTES_MAX);
    add_word(&command, "huitou");
    for (int i = 1; i < cli->argc; i++) {
        if (!is_flag(cli->argv[i], "--dry-run"))
            add_word(&command, cli->argv[i]);
    }
    return buf_view(&command);
}

static struct str next_command(struct cli *cli, const struct run *run)
{
    if (run->flags->dry_run)
        return command_without_dry_run(cli);
    if (run->reject_count > 0)
        return command_for(cli, run->call, run->reject_paths, run->reject_count);
    return STR("huitou report repurchase");
}

/* --- All files --- */

static void add_file(struct cli *cli, struct run *run, const struct import_view *view)
{
    struct import_totals *totals = &run->totals;
    import_totals_add(totals, &view->result);
    if (view->result.rows_rejected > 0)
        totals->rejecting[totals->rejecting_count++] = view->path;
    if (str_is(view->result.reject_path))
        run->reject_paths[run->reject_count++] = str_copy(cli->arena, view->result.reject_path);
}

static struct str *copy_names(struct arena *arena, const struct str *names, int count)
{
    struct str *copies = ARENA_ARRAY(arena, (size_t)count, struct str);
    for (int i = 0; i < count; i++)
        copies[i] = str_copy(arena, names[i]);
    return copies;
}

/* What is told of it outlives the file's arena. */
static void add_failure(struct cli *cli, struct run *run, const struct import_view *view,
                        const struct err *err)
{
    struct import_failure *failure = &run->totals.failed[run->totals.failed_count++];
    *failure = (struct import_failure){.path = view->path, .err = err_copy(cli->arena, err)};
    failure->why.candidate_count = view->why.candidate_count;
    for (int i = 0; i < view->why.candidate_count; i++) {
        struct import_candidate *to = &failure->why.candidates[i];
        *to = view->why.candidates[i];
        to->name = str_copy(cli->arena, to->name);
        to->title_en = str_copy(cli->arena, to->title_en);
        to->title_zh = str_copy(cli->arena, to->title_zh);
        to->missing = copy_names(cli->arena, to->missing, to->missing_count);
    }
}

/* Imports each file on its own: one that fails does not keep the others back. */
static const struct err *import_files(struct cli *cli, struct home *home, void *arg)
{
    struct run *run = arg;
    struct err_list errors = {.arena = cli->arena};
    run->totals.brand = home->brand;
    for (int i = 0; i < run->call->arg_count; i++) {
        struct str path = run->call->args[i];
        struct arena *arena = arena_new("import", IMPORT_MEMORY_BYTES_MAX);
        struct import_view view;
        const struct err *err = import_file(cli, home, arena, run, path, &view);
        if (err) {
            err_list_add(&errors, err_copy(cli->arena, err));
            add_failure(cli, run, &view, err);
        } else {
            add_file(cli, run, &view);
            if (cli->json)
                import_view_json(&run->json, arena, &view);
            else
                import_view_text(&cli->page, arena, &view);
            if (nothing_imported(&view.result))
                err_list_add(&errors, ERR_NEW(cli->arena, ERR_IMPORT_NOTHING, path,
                                              text_count(cli->arena, view.result.rows_rejected)));
        }
        page_flush(&cli->page);
        arena_free(arena);
    }
    run->totals.next = next_command(cli, run);
    if (cli->json)
        json_close(&run->json, ']');
    if (cli->json)
        import_totals_json(&run->json, cli->arena, &run->totals);
    else
        import_totals_text(&cli->page, &run->totals);
    return errors.first;
}

/* A day's grace: a day is given in UTC, and clocks differ. */
static const struct err *check_exported_at(struct cli *cli, int64_t exported_at_us)
{
    const struct clock clock = clock_system();
    if (exported_at_us <= clock_now_us(&clock) + US_PER_DAY)
        return NULL;
    return ERR_NEW(cli->arena, ERR_EXPORTED_AT_FUTURE, STR("--exported-at"),
                   time_text(cli->arena, exported_at_us));
}

/* Once, and not again for each file. */
static const struct err *check_words(struct cli *cli, const struct flags *flags)
{
    const struct import_map none = {.name = STR("")};
    struct err_list errors = {.arena = cli->arena};
    struct import_map *ignored;
    const struct err *err =
        import_map_with_words(cli->arena, &none, &flags->states, &flags->refund_states, &ignored);
    for (; err; err = err->next) {
        struct err named = *err;
        named.field = shape_flag_name(cli->arena, err->field);
        named.next = NULL;
        err_list_add(&errors, &named);
    }
    return errors.first;
}

static struct run run_of(struct cli *cli, const struct cli_call *call)
{
    size_t count = (size_t)call->arg_count;
    struct run run = {.call = call, .flags = call->flags};
    run.totals.dry_run = run.flags->dry_run;
    run.totals.rejecting = ARENA_ARRAY(cli->arena, count, struct str);
    run.totals.failed = ARENA_ARRAY(cli->arena, count, struct import_failure);
    run.reject_paths = ARENA_ARRAY(cli->arena, count, struct str);
    return run;
}

const struct err *cli_import_orders(struct cli *cli, const struct cli_call *call)
{
    struct run run = run_of(cli, call);
    if (call->arg_count > 1 && str_is(run.flags->rejects))
        return ERR_NEW(cli->arena, ERR_FILES_TOO_MANY, STR_NONE, STR("--rejects"));
    TRY(check_exported_at(cli, run.flags->exported_at_us));
    TRY(check_words(cli, run.flags));
    if (!cli->json)
        return cli_with_home(cli, run.flags->dry_run ? HOME_READ : HOME_WRITE, import_files, &run);
    run.json = json_writer(&cli->page.out, true);
    json_open(&run.json, '{');
    json_key(&run.json, STR("directory"));
    json_put_str(&run.json, cli->directory);
    json_key(&run.json, STR("files"));
    json_open(&run.json, '[');
    const struct err *err =
        cli_with_home(cli, run.flags->dry_run ? HOME_READ : HOME_WRITE, import_files, &run);
    if (!run.totals.brand) /* the directory could not be opened */
        json_close(&run.json, ']');
    if (err)
        cli_put_errors(cli, &run.json, err);
    json_close(&run.json, '}');
    page_char(&cli->page, '\n');
    return err;
}

/* --- Maps --- */

static const struct err *print_map(struct cli *cli, struct str wanted)
{
    struct str *names = ARENA_ARRAY(cli->arena, (size_t)import_builtin_count + 1, struct str);
    for (int i = 0; i < import_builtin_count; i++) {
        struct str json;
        import_builtin(i, &names[i], &json);
        if (!str_eq(names[i], wanted))
            continue;
        page_str(&cli->page, json);
        if (!str_ends(json, STR("\n")))
            page_char(&cli->page, '\n');
        return NULL;
    }
    return ERR_NEW(cli->arena, ERR_MAP_NAME, STR_NONE, wanted,
                   nearest_word(wanted, names, import_builtin_count));
}

static const struct err *list_maps(struct cli *cli)
{
    static const struct text titles[] = {TEXT("Map", "映射"), TEXT("For", "用于")};
    struct cli_column columns[] = {{str_c(titles[0].in[cli->lang]), COLUMN_TEXT},
                                   {str_c(titles[1].in[cli->lang]), COLUMN_TEXT}};
    struct cli_table table = cli_table_new(cli->arena, columns, 2);
    struct json_writer w = json_writer(&cli->page.out, true);
    if (cli->json) {
        json_open(&w, '{');
        json_key(&w, STR("maps"));
        json_open(&w, '[');
    }
    for (int i = 0; i < import_builtin_count; i++) {
        struct str name, json;
        struct import_map *map;
        import_builtin(i, &name, &json);
        TRY(import_map_read(cli->arena, name, &map));
        struct str title = cli->lang == LANG_ZH ? map->title_zh : map->title_en;
        if (!cli->json) {
            struct str *cells = cli_table_row(&table);
            cells[0] = name;
            cells[1] = title;
            continue;
        }
        json_open(&w, '{');
        json_key(&w, STR("name"));
        json_put_str(&w, name);
        json_key(&w, STR("title"));
        json_put_str(&w, title);
        json_close(&w, '}');
    }
    if (!cli->json) {
        cli_table_draw(&cli->page, &table);
        return NULL;
    }
    json_close(&w, ']');
    json_close(&w, '}');
    page_char(&cli->page, '\n');
    return NULL;
}

const struct err *cli_import_maps(struct cli *cli, const struct cli_call *call)
{
    if (call->arg_count == 1)
        return print_map(cli, call->args[0]);
    return list_maps(cli);
}
