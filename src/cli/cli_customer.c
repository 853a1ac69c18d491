/* huitou customer show | find | merge | split | tag | proposals | refuse */
#include "cli/cli_customer.h"

#include "base/calendar.h"
#include "base/decimal.h"
#include "cli/cli_table.h"
#include "codec/json.h"

#define ORDERS_SHOWN 20
#define LIST_MAX 10000

struct show_flags {
    bool reveal;
    int64_t limit;
};
static const struct field show_fields[] = {
    {.name = "reveal",
     .kind = FIELD_BOOL,
     .offset = offsetof(struct show_flags, reveal),
     .doc = TEXT("Show personal data in the clear. Leaves a trace with your user name.",
                 "显示未脱敏的个人信息。会留下带用户名的记录。")},
    {.name = "limit",
     .kind = FIELD_I64,
     .offset = offsetof(struct show_flags, limit),
     .min = 1,
     .max = PERSON_ORDERS_MAX,
     .fallback = "20",
     .doc = TEXT("Orders listed, the newest first.", "列出的订单数，最新在前。")},
};
const struct shape cli_show_shape = {
    .name = "show", .size = sizeof(struct show_flags), SHAPE_FIELDS(show_fields)};

struct find_flags {
    int64_t limit;
};
static const struct field find_fields[] = {
    {.name = "limit",
     .kind = FIELD_I64,
     .offset = offsetof(struct find_flags, limit),
     .min = 1,
     .max = LIST_MAX,
     .fallback = "20",
     .doc = TEXT("Rows listed at most.", "最多列出的行数。")},
};
const struct shape cli_find_shape = {
    .name = "find", .size = sizeof(struct find_flags), SHAPE_FIELDS(find_fields)};

struct change_flags {
    bool yes;
};
static const struct field change_fields[] = {
    {.name = "yes",
     .kind = FIELD_BOOL,
     .offset = offsetof(struct change_flags, yes),
     .doc = TEXT("Do it. Without this flag there is only a preview.", "真正执行。不加则仅预览。")},
};
const struct shape cli_change_shape = {
    .name = "change", .size = sizeof(struct change_flags), SHAPE_FIELDS(change_fields)};

struct tag_flags {
    int32_t until_day;
    bool remove;
};
static const struct field tag_fields[] = {
    {.name = "until",
     .kind = FIELD_DAY,
     .offset = offsetof(struct tag_flags, until_day),
     .doc = TEXT("Last day on which the tag holds. Default: for good.",
                 "标签有效的最后一天。默认长期有效。")},
    {.name = "remove",
     .kind = FIELD_BOOL,
     .offset = offsetof(struct tag_flags, remove),
     .doc = TEXT("Remove the tag instead.", "改为移除该标签。")},
};
const struct shape cli_tag_shape = {
    .name = "tag", .size = sizeof(struct tag_flags), SHAPE_FIELDS(tag_fields)};

/* What one of the commands works on: filled by its handler, used inside the transactions. */
struct work {
    struct cli *cli;
    struct home *home;
    const struct cli_call *call;
    int64_t ids[2];
    struct person person, other;
    struct person *people;
    size_t people_count;
    struct merge_proposal *proposals;
    size_t proposal_count;
    int64_t limit;
    bool reveal;
};

static const struct err *read_ids(struct work *work, int count)
{
    static const char *const names[] = {"ID", "OTHER_ID"};
    for (int i = 0; i < count; i++)
        TRY(cli_read_id(work->cli, work->call->args[i], str_c(names[i]), &work->ids[i]));
    return NULL;
}

static const struct err *in_read(struct work *work, const char *name, store_fn *fn)
{
    const struct store_job job = {.name = name, .fn = fn, .arg = work};
    return store_read(work->home->store, work->cli->arena, &job);
}

static const struct err *in_write(struct work *work, const char *name, store_fn *fn)
{
    const struct store_job job = {.name = name, .fn = fn, .arg = work};
    return store_write(work->home->store, work->cli->arena, &job);
}

/* The audit trail of what the console does too stands under the same operation. */
static const struct err *note_audit(struct tx *tx, const struct work *work, const char *operation,
                                    struct str after)
{
    struct arena *arena = tx_arena(tx);
    const struct audit_note note = {
        .by = cli_user(arena),
        .operation = str_c(operation),
        .object = str_fmt(arena, "customer:%lld", (long long)work->ids[0]),
        .after = after,
    };
    return access_audit_note(tx, &note);
}

static struct str other_json(struct tx *tx, const struct work *work)
{
    return str_fmt(tx_arena(tx), "{\"other_id\":\"%lld\"}", (long long)work->ids[1]);
}

static struct str tag_json(struct tx *tx, struct str tag)
{
    struct buf out = buf_new(tx_arena(tx), 1 << 16);
    struct json_writer w = json_writer(&out, false);
    json_open(&w, '{');
    json_key(&w, STR("tag"));
    json_put_str(&w, tag);
    json_close(&w, '}');
    return buf_view(&out);
}

static struct person_show show_of(const struct work *work)
{
    return (struct person_show){
        .brand = work->home->brand, .reveal = work->reveal, .orders_max = (size_t)work->limit};
}

/* --- show --- */

static const struct err *read_person(struct tx *tx, void *arg)
{
    struct work *work = arg;
    return person_read(tx, work->ids[0], &work->person);
}

static const struct err *leave_trace(struct tx *tx, void *arg)
{
    struct work *work = arg;
    TRY(customer_reveal(tx, work->ids[0], cli_user(tx_arena(tx))));
    return note_audit(tx, work, "revealCustomer", STR_NONE);
}

static void put_person(struct work *work)
{
    struct cli *cli = work->cli;
    const struct person_show show = show_of(work);
    if (!cli->json) {
        person_draw(&cli->page, &show, &work->person);
        return;
    }
    struct json_writer w = json_writer(&cli->page.out, true);
    json_open(&w, '{');
    json_key(&w, STR("directory"));
    json_put_str(&w, work->home->directory);
    json_key(&w, STR("customer"));
    person_put(&w, cli->arena, &show, &work->person);
    json_close(&w, '}');
    page_char(&cli->page, '\n');
}

static const struct err *show(struct cli *cli, struct home *home, void *arg)
{
    struct work *work = arg;
    (void)cli;
    work->home = home;
    if (work->reveal)
        TRY(in_write(work, "customer.reveal", leave_trace));
    TRY(in_read(work, "customer.show", read_person));
    put_person(work);
    return NULL;
}

const struct err *cli_customer_show(struct cli *cli, const struct cli_call *call)
{
    const struct show_flags *flags = call->flags;
    struct work work = {.cli = cli, .call = call, .limit = flags->limit, .reveal = flags->reveal};
    TRY(read_ids(&work, 1));
    return cli_with_home(cli, work.reveal ? HOME_WRITE : HOME_READ, show, &work);
}

/* --- find --- */

static const struct err *find_people(struct tx *tx, void *arg)
{
    struct work *work = arg;
    int64_t *ids;
    size_t count;
    TRY(person_find(tx, work->call->args[0], (size_t)work->limit, &ids, &count));
    work->people = ARENA_ARRAY(tx_arena(tx), count + 1, struct person);
    work->people_count = count;
    for (size_t i = 0; i < count; i++)
        TRY(person_read(tx, ids[i], &work->people[i]));
    return NULL;
}

static const struct err *find(struct cli *cli, struct home *home, void *arg)
{
    struct work *work = arg;
    work->home = home;
    TRY(in_read(work, "customer.find", find_people));
    struct person_show show = show_of(work);
    show.orders_max = 0;
    if (!cli->json) {
        if (work->people_count == 0)
            PAGE_SAY(&cli->page,
                     "Nobody found. Identities and order numbers must be whole; of a "
                     "name, the first 1 to 4 characters will do.",
                     "没有找到。身份与订单号须完整；姓名可只给前 1 至 4 个字。");
        else
            person_list_draw(&cli->page, &show, work->people, work->people_count);
        return NULL;
    }
    struct json_writer w = json_writer(&cli->page.out, true);
    json_open(&w, '{');
    json_key(&w, STR("directory"));
    json_put_str(&w, home->directory);
    json_key(&w, STR("customers"));
    json_open(&w, '[');
    for (size_t i = 0; i < work->people_count; i++)
        person_put(&w, cli->arena, &show, &work->people[i]);
    json_close(&w, ']');
    json_close(&w, '}');
    page_char(&cli->page, '\n');
    return NULL;
}

const struct err *cli_customer_find(struct cli *cli, const struct cli_call *call)
{
    const struct find_flags *flags = call->flags;
    struct work work = {.cli = cli, .call = call, .limit = flags->limit};
    return cli_with_home(cli, HOME_READ, find, &work);
}

/* --- proposals --- */

static const struct err *read_proposals(struct tx *tx, void *arg)
{
    struct work *work = arg;
    return customer_proposals(tx, (size_t)work->limit, &work->proposals, &work->proposal_count);
}

static void put_proposals(struct work *work)
{
    struct cli *cli = work->cli;
    struct json_writer w = json_writer(&cli->page.out, true);
    json_open(&w, '{');
    json_key(&w, STR("directory"));
    json_put_str(&w, work->home->directory);
    json_key(&w, STR("proposals"));
    json_open(&w, '[');
    for (size_t i = 0; i < work->proposal_count; i++) {
        const struct merge_proposal *proposal = &work->proposals[i];
        json_open(&w, '{');
        json_key(&w, STR("customer_id"));
        json_put_id(&w, proposal->customer_id);
        json_key(&w, STR("other_id"));
        json_put_id(&w, proposal->other_id);
        json_key(&w, STR("identity_kind"));
        json_put_str(&w, str_c(identity_kind_name(proposal->identity_kind)));
        json_key(&w, STR("recorded_at"));
        json_put_str(&w, time_text(cli->arena, proposal->recorded_at_us));
        json_close(&w, '}');
    }
    json_close(&w, ']');
    json_close(&w, '}');
    page_char(&cli->page, '\n');
}

static void draw_proposals(struct work *work)
{
    struct page *page = &work->cli->page;
    bool zh = page->lang == LANG_ZH;
    const struct cli_column columns[] = {
        {zh ? STR("客户") : STR("Customer"), COLUMN_WHOLE},
        {zh ? STR("可能同一人") : STR("Maybe the same as"), COLUMN_WHOLE},
        {zh ? STR("线索") : STR("Because of"), COLUMN_TEXT},
        {zh ? STR("发现于") : STR("Since"), COLUMN_TEXT}};
    struct cli_table table = cli_table_new(page->arena, columns, 4);
    for (size_t i = 0; i < work->proposal_count; i++) {
        const struct merge_proposal *proposal = &work->proposals[i];
        struct str *cells = cli_table_row(&table);
        cells[0] = person_id_text(page->arena, proposal->customer_id);
        cells[1] = person_id_text(page->arena, proposal->other_id);
        cells[2] = str_c(identity_kind_name(proposal->identity_kind));
        cells[3] =
            day_text(page->arena, zone_day(work->home->brand->zone, proposal->recorded_at_us));
    }
    if (work->proposal_count == 0) {
        PAGE_SAY(page, "No two customers look like one person.", "没有看起来像同一人的客户。");
        return;
    }
    cli_table_draw(page, &table);
    PAGE_SAY(page,
             "Look at a pair: huitou customer merge ID OTHER_ID. Not one person: huitou "
             "customer refuse ID OTHER_ID.",
             "查看一对：huitou customer merge ID OTHER_ID。不是同一人：huitou customer refuse ID "
             "OTHER_ID。");
}

static const struct err *proposals(struct cli *cli, struct home *home, void *arg)
{
    struct work *work = arg;
    work->home = home;
    TRY(in_read(work, "customer.proposals", read_proposals));
    if (cli->json)
        put_proposals(work);
    else
        draw_proposals(work);
    return NULL;
}

const struct err *cli_customer_proposals(struct cli *cli, const struct cli_call *call)
{
    const struct find_flags *flags = call->flags;
    struct work work = {.cli = cli, .call = call, .limit = flags->limit};
    return cli_with_home(cli, HOME_READ, proposals, &work);
}

static const struct err *refuse_proposal(struct tx *tx, void *arg)
{
    struct work *work = arg;
    TRY(customer_proposal_refuse(tx, work->ids[0], work->ids[1]));
    return note_audit(tx, work, "refuseProposal", other_json(tx, work));
}

/* What a change says when it is done: the ids in JSON, a sentence otherwise. */
static void put_done(struct work *work, const char *key, struct str sentence)
{
    struct cli *cli = work->cli;
    if (!cli->json) {
        page_paragraph(&cli->page, sentence, 0);
        return;
    }
    struct json_writer w = json_writer(&cli->page.out, true);
    json_open(&w, '{');
    json_key(&w, STR("directory"));
    json_put_str(&w, work->home->directory);
    json_key(&w, str_c(key));
    json_put_bool(&w, true);
    json_close(&w, '}');
    page_char(&cli->page, '\n');
}

static const struct err *refuse(struct cli *cli, struct home *home, void *arg)
{
    struct work *work = arg;
    work->home = home;
    TRY(in_write(work, "customer.refuse", refuse_proposal));
    put_done(work, "refused",
             TEXT_FILL(cli->arena, cli->lang, "Refused: {0} and {1} stay two people.",
                       "已否决：{0} 与 {1} 仍是两个人。", work->call->args[0],
                       work->call->args[1]));
    return NULL;
}

const struct err *cli_customer_refuse(struct cli *cli, const struct cli_call *call)
{
    struct work work = {.cli = cli, .call = call};
    TRY(read_ids(&work, 2));
    return cli_with_home(cli, HOME_WRITE, refuse, &work);
}

/* --- merge --- */

static const struct err *read_pair(struct tx *tx, void *arg)
{
    struct work *work = arg;
    TRY(person_read(tx, work->ids[0], &work->person));
    return person_read(tx, work->ids[1], &work->other);
}

static const struct err *merge_pair(struct tx *tx, void *arg)
{
    struct work *work = arg;
    TRY(customer_merge(tx, work->ids[0], work->ids[1], cli_user(tx_arena(tx))));
    return note_audit(tx, work, "mergeCustomers", other_json(tx, work));
}

static void put_merge_preview(struct work *work)
{
    struct cli *cli = work->cli;
    struct page *page = &cli->page;
    struct person_show show = show_of(work);
    struct person all[] = {work->person, work->other,
                           person_united(cli->arena, &work->person, &work->other)};
    static const char *const keys[] = {"from", "into", "merged"};
    if (cli->json) {
        struct json_writer w = json_writer(&page->out, true);
        show.orders_max = 0;
        json_open(&w, '{');
        json_key(&w, STR("directory"));
        json_put_str(&w, work->home->directory);
        json_key(&w, STR("preview"));
        json_put_bool(&w, true);
        for (int i = 0; i < 3; i++) {
            json_key(&w, str_c(keys[i]));
            person_put(&w, cli->arena, &show, &all[i]);
        }
        json_close(&w, '}');
        page_char(page, '\n');
        return;
    }
    PAGE_SAY(page, "These two:", "这两位：");
    person_list_draw(page, &show, all, 2);
    page_char(page, '\n');
    PAGE_SAY(page, "would be one person:", "将成为一个人：");
    person_list_draw(page, &show, all + 2, 1);
    page_char(page, '\n');
    PAGE_SAY(page,
             "Nothing was changed. To merge, say it again with --yes; huitou customer split {0} "
             "undoes it.",
             "尚未更改。确认合并请加 --yes；huitou customer split {0} 可撤销。",
             person_id_text(cli->arena, work->person.view->customer_id));
}

static const struct err *merge(struct cli *cli, struct home *home, void *arg)
{
    struct work *work = arg;
    const struct change_flags *flags = work->call->flags;
    work->home = home;
    TRY(in_read(work, "customer.merge_preview", read_pair));
    if (work->person.view->customer_id == work->other.view->customer_id)
        return ERR_NEW(cli->arena, ERR_CUSTOMER_SAME, STR("INTO_ID"), work->call->args[0],
                       work->call->args[1]);
    if (!flags->yes) {
        put_merge_preview(work);
        return NULL;
    }
    TRY(in_write(work, "customer.merge", merge_pair));
    put_done(work, "merged",
             TEXT_FILL(cli->arena, cli->lang,
                       "Merged. {0} now belongs to {1}; huitou customer split {0} undoes it.",
                       "已合并。{0} 现归入 {1}；huitou customer split {0} 可撤销。",
                       person_id_text(cli->arena, work->person.view->customer_id),
                       person_id_text(cli->arena, work->other.view->customer_id)));
    return NULL;
}

const struct err *cli_customer_merge(struct cli *cli, const struct cli_call *call)
{
    const struct change_flags *flags = call->flags;
    struct work work = {.cli = cli, .call = call, .limit = ORDERS_SHOWN};
    if (call->arg_count == 0)
        return cli_with_home(cli, HOME_READ, proposals, &work);
    if (call->arg_count == 1)
        return ERR_NEW(cli->arena, ERR_ARGUMENT_MISSING, STR_NONE, STR("INTO_ID"),
                       cli_usage(cli->arena, call->command));
    TRY(read_ids(&work, 2));
    return cli_with_home(cli, flags->yes ? HOME_WRITE : HOME_READ, merge, &work);
}

/* --- split --- */

static const struct err *split_person(struct tx *tx, void *arg)
{
    struct work *work = arg;
    TRY(customer_split(tx, work->ids[0], cli_user(tx_arena(tx))));
    return note_audit(tx, work, "splitCustomer", STR_NONE);
}

static const struct err *split(struct cli *cli, struct home *home, void *arg)
{
    struct work *work = arg;
    const struct change_flags *flags = work->call->flags;
    work->home = home;
    struct str id = work->call->args[0];
    if (!flags->yes) {
        TRY(in_read(work, "customer.split_preview", read_person));
        put_person(work);
        if (!cli->json)
            PAGE_SAY(
                &cli->page,
                "Nothing was changed. With --yes, {0} and what was merged below it stands alone "
                "again, with all that came through its identities.",
                "尚未更改。加 --yes 后，{0} 及并入其下的档案将重新独立，并带回经其身份而来的一切。",
                id);
        return NULL;
    }
    TRY(in_write(work, "customer.split", split_person));
    put_done(work, "split",
             TEXT_FILL(cli->arena, cli->lang, "Split: {0} stands alone again.",
                       "已拆分：{0} 重新独立。", id));
    return NULL;
}

const struct err *cli_customer_split(struct cli *cli, const struct cli_call *call)
{
    const struct change_flags *flags = call->flags;
    struct work work = {.cli = cli, .call = call, .limit = ORDERS_SHOWN};
    TRY(read_ids(&work, 1));
    return cli_with_home(cli, flags->yes ? HOME_WRITE : HOME_READ, split, &work);
}

/* --- tag --- */

static const struct err *change_tag(struct tx *tx, void *arg)
{
    struct work *work = arg;
    const struct tag_flags *flags = work->call->flags;
    struct str tag = work->call->args[1], by = cli_user(tx_arena(tx));
    TRY(flags->remove ? customer_tag_remove(tx, work->ids[0], tag, by)
                      : customer_tag_set(tx, work->ids[0], tag, flags->until_day, by));
    return note_audit(tx, work, flags->remove ? "removeTag" : "setTag", tag_json(tx, tag));
}

static const struct err *tag(struct cli *cli, struct home *home, void *arg)
{
    struct work *work = arg;
    const struct tag_flags *flags = work->call->flags;
    work->home = home;
    TRY(in_write(work, "customer.tag", change_tag));
    struct text done = flags->remove ? (struct text)TEXT("Tag {0} removed.", "已移除标签 {0}。")
                                     : (struct text)TEXT("Tag {0} set.", "已设置标签 {0}。");
    const struct str name = text_clean(cli->arena, work->call->args[1]);
    put_done(work, flags->remove ? "removed" : "set",
             text_fill(cli->arena, done, cli->lang, &name, 1));
    return NULL;
}

const struct err *cli_customer_tag(struct cli *cli, const struct cli_call *call)
{
    struct work work = {.cli = cli, .call = call};
    TRY(read_ids(&work, 1));
    return cli_with_home(cli, HOME_WRITE, tag, &work);
}
