/* huitou customer consent | export | erase: the rights of the person. */
#include "base/calendar.h"
#include "cli/cli_customer.h"
#include "cli/cli_table.h"
#include "codec/file.h"
#include "codec/json.h"
#include "room/order/import_queue.h"

#define PURGE_WAIT_MS 3000 /* for readers that are in the way */

struct consent_flags {
    int given, withdrawn, channel, how;
    struct str evidence;
    int64_t at_us;
};
static const struct field consent_fields[] = {
    SHAPE_FIELD(struct consent_flags, given, ENUM, "Record that this is allowed.", "记录：同意此用途。",
                .values = consent_purpose_names),
    SHAPE_FIELD(struct consent_flags, withdrawn, ENUM, "Record that this is taken back or refused.",
                "记录：撤回或拒绝此用途。", .values = consent_purpose_names),
    SHAPE_FIELD(struct consent_flags, channel, ENUM, "Over which channel.", "渠道。",
                .values = consent_channel_names, .fallback = "any"),
    SHAPE_FIELD(struct consent_flags, how, ENUM, "How it was said.", "方式。",
                .values = consent_how_names, .fallback = "other"),
    SHAPE_FIELD(struct consent_flags, evidence, TEXT, "What shows it; needed to allow.",
                "凭据；同意时必填。", .max = CONSENT_EVIDENCE_BYTES_MAX),
    SHAPE_FIELD_AS(struct consent_flags, at_us, "at", TIME, "When it was said. Default: now.",
                   "表示时间。默认现在。"),
};
const struct shape cli_consent_shape = {
    .name = "consent", .size = sizeof(struct consent_flags), SHAPE_FIELDS(consent_fields)};

static const char *const formats[] = {"json", "html", NULL};
struct export_flags {
    struct str output;
    int format;
};
static const struct field export_fields[] = {
    SHAPE_FIELD(struct export_flags, output, TEXT, "The file to write; readable by you alone.",
                "写入的文件；仅本人可读。", .required = true),
    SHAPE_FIELD(struct export_flags, format, ENUM, "html: a page to read; json: for programs.",
                "html 供人阅读；json 供程序读取。", .values = formats, .fallback = "html"),
};
const struct shape cli_export_shape = {
    .name = "export", .size = sizeof(struct export_flags), SHAPE_FIELDS(export_fields)};

struct erase_flags {
    struct str confirm;
};
static const struct field erase_fields[] = {
    SHAPE_FIELD(struct erase_flags, confirm, TEXT,
                "The customer's number or whole name once more. Without it nothing is done.",
                "再次输入客户编号或完整姓名。不给出则不执行。"),
};
const struct shape cli_erase_shape = {
    .name = "erase", .size = sizeof(struct erase_flags), SHAPE_FIELDS(erase_fields)};

struct work {
    struct cli *cli;
    struct home *home;
    const struct cli_call *call;
    int64_t id;
    struct person person;
    struct consent *consents;
    size_t consent_count;
    struct str bytes;
    struct erased erased;
    bool purge_left; /* the database's files still hold what was erased */
    struct import_holding *holdings;
    size_t holding_count;
};

static const struct err *in_write(struct work *work, const char *name, store_fn *fn)
{
    const struct store_job job = {.name = name, .fn = fn, .arg = work};
    return store_write(work->home->store, work->cli->arena, &job);
}

static const struct err *in_read(struct work *work, const char *name, store_fn *fn)
{
    const struct store_job job = {.name = name, .fn = fn, .arg = work};
    return store_read(work->home->store, work->cli->arena, &job);
}

static const struct err *with_id(struct cli *cli, const struct cli_call *call,
                                 enum home_use use, cli_home_fn *fn)
{
    struct work work = {.cli = cli, .call = call};
    TRY(cli_read_id(cli, call->args[0], STR("ID"), &work.id));
    return cli_with_home(cli, use, fn, &work);
}

static void put_text(struct json_writer *w, const char *key, struct str value)
{
    json_key(w, str_c(key));
    json_put_str(w, value);
}

/* --- consent --- */

static const struct err *record_tx(struct tx *tx, void *arg)
{
    struct work *work = arg;
    const struct consent_flags *flags = work->call->flags;
    bool given = flags->given >= 0;
    /* The tables' numbers follow each other from 1 (channels: 0), in the order of the names. */
    struct consent told = {
        .purpose = (enum consent_purpose)((given ? flags->given : flags->withdrawn) + 1),
        .channel = (enum consent_channel)flags->channel,
        .given = given,
        .how = (enum consent_how)(flags->how + 1),
        .evidence = flags->evidence,
        .occurred_at_us = flags->at_us};
    return customer_consent_set(tx, work->id, &told, cli_user(tx_arena(tx)));
}

static const struct err *read_consents_tx(struct tx *tx, void *arg)
{
    struct work *work = arg;
    TRY(person_read(tx, work->id, &work->person));
    return customer_consents(tx, work->person.view->customer_id, &work->consents,
                             &work->consent_count);
}

static void put_consents(struct work *work)
{
    struct cli *cli = work->cli;
    struct json_writer w = json_writer(&cli->page.out, true);
    json_open(&w, '{');
    put_text(&w, "directory", work->home->directory);
    json_key(&w, STR("customer_id"));
    json_put_id(&w, work->person.view->customer_id);
    json_key(&w, STR("consents"));
    json_open(&w, '[');
    for (size_t i = 0; i < work->consent_count; i++) {
        const struct consent *one = &work->consents[i];
        json_open(&w, '{');
        put_text(&w, "purpose", str_c(consent_purpose_name(one->purpose)));
        put_text(&w, "channel", str_c(consent_channel_name(one->channel)));
        json_key(&w, STR("given"));
        json_put_bool(&w, one->given);
        put_text(&w, "how", str_c(consent_how_name(one->how)));
        put_text(&w, "evidence", one->evidence);
        put_text(&w, "recorded_by", one->recorded_by);
        put_text(&w, "occurred_at", time_text(cli->arena, one->occurred_at_us));
        json_close(&w, '}');
    }
    json_close(&w, ']');
    json_close(&w, '}');
    page_char(&cli->page, '\n');
}

static void draw_consents(struct work *work)
{
    struct page *page = &work->cli->page;
    bool zh = page->lang == LANG_ZH;
    const struct cli_column columns[] = {{zh ? STR("时间") : STR("When"), COLUMN_WHOLE},
                                         {zh ? STR("用途") : STR("Purpose"), COLUMN_TEXT},
                                         {zh ? STR("渠道") : STR("Channel"), COLUMN_TEXT},
                                         {zh ? STR("表示") : STR("Answer"), COLUMN_TEXT},
                                         {zh ? STR("方式") : STR("How"), COLUMN_TEXT},
                                         {zh ? STR("凭据") : STR("Shown by"), COLUMN_TEXT}};
    struct cli_table table = cli_table_new(page->arena, columns, 6);
    for (size_t i = 0; i < work->consent_count; i++) {
        const struct consent *one = &work->consents[i];
        struct str *cells = cli_table_row(&table);
        cells[0] = zone_time_text(page->arena, work->home->brand->zone, one->occurred_at_us);
        cells[1] = str_c(consent_purpose_name(one->purpose));
        cells[2] = str_c(consent_channel_name(one->channel));
        cells[3] = one->given ? (zh ? STR("同意") : STR("allowed"))
                              : (zh ? STR("撤回") : STR("taken back"));
        cells[4] = str_c(consent_how_name(one->how));
        cells[5] = one->evidence.p ? text_clean(page->arena, one->evidence) : STR("–");
    }
    if (work->consent_count == 0) {
        PAGE_SAY(page, "Nothing was ever said, so nothing but service may be sent.",
                 "尚无任何表示：除服务所需外不得发送。");
        return;
    }
    cli_table_draw(page, &table);
}

static const struct err *consent(struct cli *cli, struct home *home, void *arg)
{
    struct work *work = arg;
    const struct consent_flags *flags = work->call->flags;
    work->home = home;
    if (flags->given >= 0 || flags->withdrawn >= 0)
        TRY(in_write(work, "customer.consent", record_tx));
    TRY(in_read(work, "customer.consents", read_consents_tx));
    if (cli->json)
        put_consents(work);
    else
        draw_consents(work);
    return NULL;
}

const struct err *cli_customer_consent(struct cli *cli, const struct cli_call *call)
{
    const struct consent_flags *flags = call->flags;
    if (flags->given >= 0 && flags->withdrawn >= 0)
        return ERR_NEW(cli->arena, ERR_FLAGS_EXCLUDE, STR_NONE, STR("--given"), STR("--withdrawn"));
    bool writes = flags->given >= 0 || flags->withdrawn >= 0;
    return with_id(cli, call, writes ? HOME_WRITE : HOME_READ, consent);
}

/* --- export --- */

static const struct err *export_tx(struct tx *tx, void *arg)
{
    struct work *work = arg;
    const struct export_flags *flags = work->call->flags;
    struct str bytes;
    bool html = flags->format == 1;
    TRY(customer_exported(tx, work->id, cli_user(tx_arena(tx))));
    TRY(person_read(tx, work->id, &work->person));
    TRY(person_export(tx, work->home->brand, work->person.view->customer_id, work->cli->lang, html,
                      &bytes));
    work->bytes = str_copy(work->cli->arena, bytes);
    return NULL;
}

static const struct err *export(struct cli *cli, struct home *home, void *arg)
{
    struct work *work = arg;
    const struct export_flags *flags = work->call->flags;
    work->home = home;
    TRY(in_write(work, "customer.export", export_tx));
    TRY(file_write(cli->arena, flags->output, work->bytes, 0600));
    if (!cli->json) {
        PAGE_SAY(&cli->page, "Written: {0}. It holds personal data in the clear.",
                 "已写入 {0}。其中含有明文个人信息。", text_clean(cli->arena, flags->output));
        return NULL;
    }
    struct json_writer w = json_writer(&cli->page.out, true);
    json_open(&w, '{');
    put_text(&w, "directory", home->directory);
    put_text(&w, "output", flags->output);
    json_key(&w, STR("bytes"));
    json_put_i64(&w, (int64_t)work->bytes.n);
    json_close(&w, '}');
    page_char(&cli->page, '\n');
    return NULL;
}

const struct err *cli_customer_export(struct cli *cli, const struct cli_call *call)
{
    return with_id(cli, call, HOME_WRITE, export);
}

/* --- erase --- */

static const struct err *erase_tx(struct tx *tx, void *arg)
{
    struct work *work = arg;
    const struct erase_flags *flags = work->call->flags;
    return customer_erase(tx, work->id, flags->confirm, cli_user(tx_arena(tx)), &work->erased);
}

static void say_what_would_happen(struct work *work)
{
    struct page *page = &work->cli->page;
    const struct person_show show = {.brand = work->home->brand};
    person_list_draw(page, &show, &work->person, 1);
    page_char(page, '\n');
    PAGE_SAY(page,
             "Nothing was changed. Erasing destroys name, identities, tags and evidence of this "
             "person for good; orders and money stay without a name, and reports stay as they "
             "are. To do it, say it again with --confirm {0}.",
             "尚未更改。删除后，此人的姓名、身份、标签与凭据将永久销毁；订单与金额匿名保留，报表不变。"
             "确认请加 --confirm {0}。",
             person_id_text(page->arena, work->person.view->customer_id));
}

static const struct err *read_holdings_tx(struct tx *tx, void *arg)
{
    struct work *work = arg;
    struct import_holding *files;
    TRY(import_holdings(tx, &files, &work->holding_count));
    work->holdings = ARENA_ARRAY(work->cli->arena, work->holding_count + 1, struct import_holding);
    for (size_t i = 0; i < work->holding_count; i++) {
        work->holdings[i] = files[i];
        work->holdings[i].name = str_copy(work->cli->arena, files[i].name);
    }
    return NULL;
}

static void say_what_is_left(struct work *work)
{
    struct page *page = &work->cli->page;
    PAGE_SAY(page, "Erased. Backups made before still hold the data until they are "
                   "deleted; huitou restore erases it again.",
             "已删除。此前的备份中仍有该信息，直至备份被删除；huitou restore 恢复时会再次删除。");
    if (work->purge_left)
        PAGE_SAY(page,
                 "The database's files may still hold bytes of it: somebody was reading, or the "
                 "brand is large. A running huitou serve tries again; huitou rebuild will in any "
                 "case.",
                 "有人正在读取，或品牌数据较大，数据库文件中可能仍留有残余；"
                 "运行中的 huitou serve 会再试，huitou rebuild 则一定清除。");
    else
        PAGE_SAY(page, "No file of the database holds anything of it any more.",
                 "数据库文件中已不再留有该信息。");
    for (size_t i = 0; i < work->holding_count; i++) {
        const struct import_holding *file = &work->holdings[i];
        if (file->is_rejects)
            PAGE_SAY(page, "Rejected rows of {0} may name the person; kept for 30 days.",
                     "{0} 的被拒行可能含有其信息；保留 30 天。", file->name);
        else
            PAGE_SAY(page,
                     "The uploaded file {0} may name the person, until it is imported or "
                     "discarded.",
                     "上传的文件 {0} 可能含有其信息，直到被导入或丢弃。", file->name);
    }
}

static void put_holdings(struct json_writer *w, const struct work *work)
{
    json_key(w, STR("files"));
    json_open(w, '[');
    for (size_t i = 0; i < work->holding_count; i++) {
        const struct import_holding *file = &work->holdings[i];
        json_open(w, '{');
        json_key(w, STR("import_id"));
        json_put_id(w, file->import_id);
        put_text(w, "name", file->name);
        put_text(w, "holds", file->is_rejects ? STR("rejected_rows") : STR("file"));
        json_close(w, '}');
    }
    json_close(w, ']');
}

static const struct err *erase(struct cli *cli, struct home *home, void *arg)
{
    struct work *work = arg;
    const struct erase_flags *flags = work->call->flags;
    work->home = home;
    if (!str_is(flags->confirm)) {
        TRY(in_read(work, "customer.erase_preview", read_consents_tx));
        if (cli->json)
            return ERR_NEW(cli->arena, ERR_CUSTOMER_ERASE_CONFIRM, STR("--confirm"),
                           work->call->args[0]);
        say_what_would_happen(work);
        return NULL;
    }
    TRY(in_write(work, "customer.erase", erase_tx));
    TRY(erasure_log_settle(home->store, cli->arena, home->directory));
    /* The person is erased, whatever this meets. */
    if (erasure_purge(home->store, cli->arena, PURGE_WAIT_MS, STORE_PURGE_BESIDE_BYTES_MAX,
                      &work->purge_left))
        work->purge_left = true;
    TRY(in_read(work, "customer.erase_files", read_holdings_tx));
    if (!cli->json) {
        say_what_is_left(work);
        return NULL;
    }
    struct json_writer w = json_writer(&cli->page.out, true);
    json_open(&w, '{');
    put_text(&w, "directory", home->directory);
    json_key(&w, STR("erasure_id"));
    json_put_id(&w, work->erased.erasure_id);
    json_key(&w, STR("births"));
    json_put_i64(&w, (int64_t)work->erased.birth_count);
    json_key(&w, STR("purged"));
    json_put_bool(&w, !work->purge_left);
    put_holdings(&w, work);
    json_close(&w, '}');
    page_char(&cli->page, '\n');
    return NULL;
}

const struct err *cli_customer_erase(struct cli *cli, const struct cli_call *call)
{
    const struct erase_flags *flags = call->flags;
    return with_id(cli, call, str_is(flags->confirm) ? HOME_WRITE : HOME_READ, erase);
}
