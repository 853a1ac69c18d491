/* Changes to many customers, as they are asked for. */
#include <stdlib.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "base/limits.h"
#include "codec/json.h"
#include "room/insight/bulk.h"

#define LIST_MAX 200
#define AUDIT_BYTES_MAX 16384
#define COLUMNS_WAIT_MS 2000 /* before a selection is settled */

static const char *const actions[] = {"tag", "untag", "keeper", NULL};
enum { ACTION_TAG, ACTION_UNTAG, ACTION_KEEPER };
static const char *const states[] = {"running", "done", "stopped", NULL};

/* --- Shapes --- */

static const struct field path_fields[] = {
    SHAPE_FIELD(struct bulk_path, bulk_id, ID, "The bulk change.", "批量操作编号。",
                .required = true),
};
const struct shape bulk_path_shape = {
    .name = "bulk_path", .size = sizeof(struct bulk_path), SHAPE_FIELDS(path_fields)};

struct bulk_in {
    int action;
    struct str tag;
    int32_t until_day;
    int64_t keeper_id;
    struct people_query selection;
};
static const struct field in_fields[] = {
    SHAPE_FIELD(struct bulk_in, action, ENUM, "What to do.", "操作。", .required = true,
                .values = actions),
    SHAPE_FIELD(struct bulk_in, tag, TEXT, "The tag to set or remove.", "要设置或移除的标签。",
                .max = LIMIT_NAME_BYTES_MAX),
    SHAPE_FIELD_AS(struct bulk_in, until_day, "until", DAY, "The tag's last day; absent: for good.",
                   "标签最后有效日；不填为长期。"),
    SHAPE_FIELD(struct bulk_in, keeper_id, ID,
                "Who of the staff looks after them; absent: nobody in particular.",
                "负责的员工；不填为无人专门负责。"),
    SHAPE_FIELD(struct bulk_in, selection, OBJECT, "Whom: all of this selection.",
                "对象：符合条件的全部客户。", .required = true, .sub = &people_selection_shape),
};
const struct shape bulk_in_shape = {
    .name = "bulk_start", .size = sizeof(struct bulk_in), SHAPE_FIELDS(in_fields)};

struct bulk_out {
    int64_t bulk_id, keeper_id, started_at_us, finished_at_us, customers, done, changed, undo_of,
        undone_by;
    int action, state;
    struct str tag, keeper_name, by_name;
    int32_t until_day;
};
static const struct field out_fields[] = {
    SHAPE_FIELD(struct bulk_out, bulk_id, ID, "Its number.", "编号。", .required = true),
    SHAPE_FIELD(struct bulk_out, action, ENUM, "What is done.", "操作。", .required = true,
                .values = actions),
    SHAPE_FIELD(struct bulk_out, state, ENUM, "Whether it runs.", "状态。", .required = true,
                .values = states),
    SHAPE_FIELD(struct bulk_out, tag, TEXT, "The tag.", "标签。"),
    SHAPE_FIELD_AS(struct bulk_out, until_day, "until", DAY, "The tag's last day.",
                   "标签最后有效日。"),
    SHAPE_FIELD(struct bulk_out, keeper_id, ID, "The keeper.", "负责员工。"),
    SHAPE_FIELD(struct bulk_out, keeper_name, TEXT, "Their name.", "该员工的姓名。"),
    SHAPE_FIELD(struct bulk_out, by_name, TEXT, "Who began it.", "发起人。", .required = true),
    SHAPE_FIELD_AS(struct bulk_out, started_at_us, "started_at", TIME, "When.", "开始时间。",
                   .required = true),
    SHAPE_FIELD_AS(struct bulk_out, finished_at_us, "finished_at", TIME, "Its end.", "结束时间。"),
    SHAPE_FIELD(struct bulk_out, customers, I64, "Whom it is about.", "客户数。", .required = true),
    SHAPE_FIELD(struct bulk_out, done, I64, "Who had their turn.", "已处理。", .required = true),
    SHAPE_FIELD(struct bulk_out, changed, I64, "For whom something changed.", "已更改。",
                .required = true),
    SHAPE_FIELD(struct bulk_out, undo_of, ID, "What it undoes.", "所撤销的操作。"),
    SHAPE_FIELD(struct bulk_out, undone_by, ID, "What undid it.", "撤销它的操作。"),
};
const struct shape bulk_shape = {
    .name = "bulk", .size = sizeof(struct bulk_out), SHAPE_FIELDS(out_fields)};

struct list_query {
    int64_t cursor, limit;
};
static const struct field list_query_fields[] = {
    SHAPE_FIELD(struct list_query, cursor, ID, "Where to go on: next_cursor of the last page.",
                "上一页的 next_cursor。"),
    SHAPE_FIELD(struct list_query, limit, I64, "Rows at most.", "最多多少行。", .min = 1,
                .max = LIST_MAX, .fallback = "50"),
};
const struct shape bulk_list_query_shape = {
    .name = "bulk_list_query", .size = sizeof(struct list_query), SHAPE_FIELDS(list_query_fields)};
struct bulk_list_out {
    struct shape_list items;
    struct str next_cursor;
};
static const struct field list_fields[] = {
    SHAPE_FIELD(struct bulk_list_out, items, LIST, "The newest first.", "最新在前。",
                .sub = &bulk_shape),
    SHAPE_FIELD(struct bulk_list_out, next_cursor, TEXT,
                "Give it as ?cursor to go on; null at the end.",
                "作为 ?cursor 传入以继续；到底时为空。"),
};
const struct shape bulk_list_shape = {
    .name = "bulk_list", .size = sizeof(struct bulk_list_out), SHAPE_FIELDS(list_fields)};

static struct bulk_out out_of(const struct bulk *bulk)
{
    bool is_tag = bulk->action == BULK_TAG;
    bool sets_day = is_tag && bulk->value != BULK_NO_TAG && bulk->value != BULK_FOR_GOOD;
    int action = ACTION_KEEPER;
    if (is_tag)
        action = bulk->value == BULK_NO_TAG ? ACTION_UNTAG : ACTION_TAG;
    return (struct bulk_out){
        .bulk_id = bulk->bulk_id,
        .action = action,
        .state = bulk->state,
        .tag = is_tag ? bulk->tag : STR_NONE,
        .until_day = sets_day ? (int32_t)bulk->value : DAY_NONE,
        .keeper_id = is_tag ? 0 : bulk->value,
        .by_name = bulk->by_name,
        .started_at_us = bulk->started_at_us,
        .finished_at_us = bulk->finished_at_us,
        .customers = bulk->customers,
        .done = bulk->done,
        .changed = bulk->changed,
        .undo_of = bulk->undo_of,
        .undone_by = bulk->undone_by,
    };
}

/* With its keeper's name. */
static ERR_RESULT show(struct tx *tx, struct call *call, const struct bulk *bulk,
                       struct bulk_out *out)
{
    *out = out_of(bulk);
    if (out->keeper_id == 0)
        return NULL;
    struct str keeper = str_fmt(call->arena, "staff:%lld", (long long)out->keeper_id);
    TRY(access_name_of(tx, keeper, &out->keeper_name));
    out->keeper_name = str_copy(call->arena, out->keeper_name);
    return NULL;
}

/* Of others' only who sees everything knows. */
static const struct err *find(struct tx *tx, struct call *call, int64_t bulk_id, struct bulk *bulk)
{
    bool found;
    TRY(bulk_read(tx, bulk_id, bulk, &found));
    if (found && (call->reach == REACH_ALL || bulk->by_id == call->principal.id))
        return NULL;
    return ERR_NEW(tx_arena(tx), ERR_BULK_UNKNOWN, STR("/bulk_id"),
                   str_fmt(tx_arena(tx), "%lld", (long long)bulk_id));
}

static struct bulk bulk_by(struct call *call)
{
    return (struct bulk){
        .bulk_id = id_next(call->service->deps.ids),
        .by = call->principal.by,
        .by_name = call->principal.name.p ? call->principal.name : STR(""),
        .by_id = call->principal.kind == PRINCIPAL_STAFF ? call->principal.id : 0,
    };
}

static void audit(struct call *call, const struct bulk *bulk)
{
    struct buf out = buf_new(call->arena, AUDIT_BYTES_MAX);
    struct json_writer w = json_writer(&out, false);
    struct bulk_out told = out_of(bulk);
    shape_write_json(&w, &bulk_shape, &told);
    call->audit_object = str_fmt(call->arena, "bulk:%lld", (long long)bulk->bulk_id);
    call->audit_after = buf_view(&out);
}

/* What was written, as it stands now. */
static const struct err *answer(struct tx *tx, struct call *call, int64_t bulk_id)
{
    struct bulk bulk;
    TRY(find(tx, call, bulk_id, &bulk));
    audit(call, &bulk);
    call->location = str_fmt(call->arena, "/api/v1/bulks/%lld", (long long)bulk_id);
    return show(tx, call, &bulk, call->out);
}

/* --- Beginning --- */

struct start {
    struct call *call;
    struct bulk bulk;
    struct people people;
    struct bulk_pair *pairs;
};

static const struct err *read_start(struct tx *tx, void *arg)
{
    struct start *start = arg;
    const struct bulk_in *in = start->call->in;
    if (in->action == ACTION_KEEPER)
        TRY(staff_known(tx, in->keeper_id));
    return people_read(tx, start->call, &in->selection, "/selection/", &start->people);
}

static int compare_pairs(const void *left, const void *right)
{
    const struct bulk_pair *a = left, *b = right;
    return (a->customer_id > b->customer_id) - (a->customer_id < b->customer_id);
}

/* Whom it is about is settled now, in the order of ids, so that slices lock in one order. */
static const struct err *find_customers(struct start *start)
{
    struct call *call = start->call;
    const struct engine *engine;
    struct engine_selected selected;
    struct select_page page = {.sort = SELECT_BY_ORDERS, .limit = INT32_MAX};
    TRY(people_engine(call, &engine));
    TRY(engine_select(call->arena, engine, &start->people.selection, &page, &selected));
    start->pairs = ARENA_ARRAY(call->arena, selected.row_count + 1, struct bulk_pair);
    for (size_t i = 0; i < selected.row_count; i++)
        start->pairs[i] = (struct bulk_pair){selected.rows[i].customer_id, start->bulk.value};
    qsort(start->pairs, selected.row_count, sizeof(*start->pairs), compare_pairs);
    start->bulk.customers = (int64_t)selected.row_count;
    return NULL;
}

static const struct err *start_tx(struct tx *tx, void *arg)
{
    struct start *start = arg;
    /* Said here, where the same said twice is answered as before: by then perhaps nobody is left.
     */
    if (start->bulk.customers == 0)
        return ERR_NEW(tx_arena(tx), ERR_BULK_NOBODY, STR("/selection"));
    TRY(bulk_write(tx, &start->bulk, start->pairs));
    return answer(tx, start->call, start->bulk.bulk_id);
}

static const struct err *check_start(struct call *call, struct bulk *bulk)
{
    const struct bulk_in *in = call->in;
    bulk->action = in->action == ACTION_KEEPER ? BULK_KEEPER : BULK_TAG;
    bulk->tag = str_trim(in->tag);
    bulk->value = in->until_day == DAY_NONE ? BULK_FOR_GOOD : in->until_day;
    if (in->action == ACTION_UNTAG)
        bulk->value = BULK_NO_TAG;
    if (in->action == ACTION_KEEPER)
        bulk->value = in->keeper_id;
    if (in->action != ACTION_KEEPER && !str_is(bulk->tag))
        return ERR_NEW(call->arena, ERR_CUSTOMER_TAG_NAME, STR("/tag"),
                       str_fmt(call->arena, "%d", LIMIT_NAME_BYTES_MAX));
    /* Who looks after whom is for those to say who see everybody. */
    if (in->action == ACTION_KEEPER && call->reach != REACH_ALL)
        return ERR_NEW(call->arena, ERR_BULK_KEEPER, STR("/action"));
    return NULL;
}

const struct err *bulk_start(struct call *call)
{
    struct start start = {.call = call, .bulk = bulk_by(call)};
    TRY(check_start(call, &start.bulk));
    TRY(call_read(call, read_start, &start));
    /* Who was handed over a moment ago is meant, too: the columns are a fraction of a second
     * behind. Where an import keeps them busy, whoever they know by then. */
    call->service->columns_wait(call->service, COLUMNS_WAIT_MS);
    TRY(find_customers(&start));
    TRY(call_write(call, start_tx, &start));
    call->service->bulk_wake(call->service);
    return NULL;
}

/* --- Looking --- */

static const struct err *get_tx(struct tx *tx, void *arg)
{
    struct call *call = arg;
    const struct bulk_path *path = call->path;
    struct bulk bulk;
    TRY(find(tx, call, path->bulk_id, &bulk));
    return show(tx, call, &bulk, call->out);
}

const struct err *bulk_get(struct call *call)
{
    return call_read(call, get_tx, call);
}

static const struct err *list_tx(struct tx *tx, void *arg)
{
    struct call *call = arg;
    const struct list_query *query = call->query;
    struct bulk_list_out *out = call->out;
    struct bulk *bulks;
    size_t count, most = (size_t)query->limit;
    int64_t by_id = call->reach == REACH_ALL ? 0 : call->principal.id;
    TRY(bulk_read_page(tx, query->cursor ? query->cursor : INT64_MAX, by_id, most + 1, &bulks,
                       &count));
    size_t shown = count > most ? most : count;
    struct bulk_out *items = ARENA_ARRAY(call->arena, shown + 1, struct bulk_out);
    for (size_t i = 0; i < shown; i++)
        TRY(show(tx, call, &bulks[i], &items[i]));
    out->items = (struct shape_list){items, shown};
    out->next_cursor = STR_NONE;
    if (count > shown)
        out->next_cursor = str_fmt(call->arena, "%lld", (long long)items[shown - 1].bulk_id);
    return NULL;
}

const struct err *bulk_list(struct call *call)
{
    return call_read(call, list_tx, call);
}

/* --- Ending and undoing --- */

static const struct err *state_error(struct tx *tx)
{
    return ERR_NEW(tx_arena(tx), ERR_BULK_STATE, STR("/bulk_id"));
}

static const struct err *stop_tx(struct tx *tx, void *arg)
{
    struct call *call = arg;
    const struct bulk_path *path = call->path;
    struct bulk bulk;
    bool stopped;
    TRY(find(tx, call, path->bulk_id, &bulk));
    TRY(bulk_end(tx, path->bulk_id, &stopped));
    return stopped ? answer(tx, call, path->bulk_id) : state_error(tx);
}

const struct err *bulk_stop(struct call *call)
{
    return call_write(call, stop_tx, call);
}

static const struct err *undo_tx(struct tx *tx, void *arg)
{
    struct start *start = arg;
    const struct bulk_path *path = start->call->path;
    struct bulk done;
    size_t count;
    TRY(find(tx, start->call, path->bulk_id, &done));
    if (done.state == BULK_RUNNING || done.undone_by != 0)
        return state_error(tx);
    TRY(bulk_changed(tx, path->bulk_id, &start->pairs, &count));
    start->bulk.action = done.action;
    start->bulk.tag = done.tag;
    start->bulk.value = done.action == BULK_TAG && done.value != BULK_NO_TAG ? BULK_NO_TAG : 0;
    if (done.action == BULK_TAG && done.value == BULK_NO_TAG)
        start->bulk.value = BULK_FOR_GOOD;
    start->bulk.undo_of = done.bulk_id;
    start->bulk.customers = (int64_t)count;
    TRY(bulk_write(tx, &start->bulk, start->pairs));
    TRY(bulk_note_undone(tx, done.bulk_id, start->bulk.bulk_id));
    return answer(tx, start->call, start->bulk.bulk_id);
}

const struct err *bulk_undo(struct call *call)
{
    struct start start = {.call = call, .bulk = bulk_by(call)};
    TRY(call_write(call, undo_tx, &start));
    call->service->bulk_wake(call->service);
    return NULL;
}
