/* Imports as the console and programs ask for them: a file is given, looked at, corrected,
 * imported. */
#include "base/arena.h"
#include "room/order/import_upload.h"
#include "room/order/import_view.h"
#include "sql_order.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define AUDIT_BYTES_MAX 8192
#define LIST_MAX 200
#define COLUMNS_MAX LIMIT_CELLS_MAX

/* --- Shapes --- */

struct import_path {
    int64_t import_id;
};
static const struct field path_fields[] = {
    SHAPE_FIELD(struct import_path, import_id, ID, "The import.", "导入。", .required = true),
};
static const struct shape path_shape = {
    .name = "import_path", .size = sizeof(struct import_path), SHAPE_FIELDS(path_fields)};

struct progress_out {
    struct str phase;
    int64_t done, total;
};
static const struct field progress_fields[] = {
    SHAPE_FIELD(struct progress_out, phase, TEXT,
                "read, group, write, claim or reject; null: not at work.",
                "read、group、write、claim 或 reject；空为未在进行。"),
    SHAPE_FIELD(struct progress_out, done, I64, "Bytes, rows or orders so far.",
                "已处理的字节、行或订单数。"),
    SHAPE_FIELD(struct progress_out, total, I64, "Of so many.", "总数。"),
};
static const struct shape progress_shape = {
    .name = "import_progress", .size = sizeof(struct progress_out), SHAPE_FIELDS(progress_fields)};

struct error_out {
    struct str code, field, message;
};
static const struct field error_fields[] = {
    SHAPE_FIELD(struct error_out, code, TEXT, "Name of the error: docs/errors.md.", "错误名。",
                .required = true),
    SHAPE_FIELD(struct error_out, field, TEXT, "File, line, column, or the place in a map.",
                "文件、行、列，或映射中的位置。"),
    SHAPE_FIELD(struct error_out, message, TEXT, "What is wrong and what to do.",
                "哪里有误、如何处理。", .required = true),
};
static const struct shape error_shape = {
    .name = "import_error", .size = sizeof(struct error_out), SHAPE_FIELDS(error_fields)};

struct import_out {
    int64_t import_id;
    bool is_upload;
    struct str name, state, state_title, by, map;
    int64_t bytes, created_at_us, started_at_us, finished_at_us;
    int64_t rows, orders_new, orders_changed, orders_same, refunds, rows_rejected;
    /* Of one import alone: */
    bool map_recognised;
    int64_t attempts, ahead;
    struct progress_out progress;
    struct import_wish wish;
    struct str columns, preview, candidates, result, rejects;
    struct shape_list errors;
};
static const struct field import_fields[] = {
    /* BRIEF_FIELD_COUNT of them are of a list, too. */
    SHAPE_FIELD(struct import_out, import_id, ID, "The import.", "导入编号。", .required = true),
    SHAPE_FIELD(struct import_out, is_upload, BOOL,
                "It came over HTTP; else from the command line.", "来自上传；否则来自命令行。"),
    SHAPE_FIELD(struct import_out, name, TEXT, "The file's name.", "文件名。", .required = true),
    SHAPE_FIELD(struct import_out, state, TEXT,
                "checking, ready, refused, waiting, running, stopped, interrupted, failed, "
                "done or discarded.",
                "checking、ready、refused、waiting、running、stopped、interrupted、failed、"
                "done 或 discarded。",
                .required = true),
    SHAPE_FIELD(struct import_out, state_title, TEXT, "The state in words.", "状态说明。",
                .required = true),
    SHAPE_FIELD(struct import_out, by, TEXT, "Who gave the file.", "导入者。", .required = true),
    SHAPE_FIELD(struct import_out, map, TEXT, "The map it is read by.", "所用映射。"),
    SHAPE_FIELD(struct import_out, bytes, I64, "Size of the file; 0: not known.",
                "文件大小；0 为未知。"),
    SHAPE_FIELD_AS(struct import_out, created_at_us, "created_at", TIME, "Given at.", "上传时间。",
                   .required = true),
    SHAPE_FIELD_AS(struct import_out, started_at_us, "started_at", TIME, "Import begun at.",
                   "开始时间。"),
    SHAPE_FIELD_AS(struct import_out, finished_at_us, "finished_at", TIME, "Ended at.",
                   "结束时间。"),
    SHAPE_FIELD(struct import_out, rows, I64, "Rows read by the import.", "读取的行数。"),
    SHAPE_FIELD(struct import_out, orders_new, I64, "Orders not known before.", "新增订单数。"),
    SHAPE_FIELD(struct import_out, orders_changed, I64, "Known orders, told otherwise.",
                "更正的订单数。"),
    SHAPE_FIELD(struct import_out, orders_same, I64, "Known and the same.", "已有且相同的订单数。"),
    SHAPE_FIELD(struct import_out, refunds, I64, "Refunds.", "退款数。"),
    SHAPE_FIELD(struct import_out, rows_rejected, I64, "Rows rejected.", "被拒行数。"),
    /* Of one import alone: */
    SHAPE_FIELD(struct import_out, map_recognised, BOOL, "Found by the file's columns.",
                "按文件的列识别。"),
    SHAPE_FIELD(struct import_out, attempts, I64, "How often the import began.",
                "导入开始的次数。"),
    SHAPE_FIELD(struct import_out, ahead, I64, "Imports that wait before it.",
                "排在前面的导入数。"),
    SHAPE_FIELD(struct import_out, progress, OBJECT, "How far the check or import has come.",
                "检查或导入的进度。", .sub = &progress_shape),
    SHAPE_FIELD(struct import_out, wish, OBJECT, "What a person said of how to read it.",
                "人工指定的读法。", .sub = &import_wish_shape),
    SHAPE_FIELD(struct import_out, columns, JSON_LIST,
                "The file's columns; null until it was looked at.", "文件的列；查看之前为空。",
                .sub = &import_file_column_shape),
    SHAPE_FIELD(struct import_out, preview, JSON,
                "What the import would do, nothing written. Null while it is checked or cannot be "
                "read.",
                "试运行的结果（未写入）。检查中或无法读取时为空。", .sub = &import_plan_shape),
    SHAPE_FIELD(struct import_out, candidates, JSON_LIST, "Maps that come near, the nearest first.",
                "接近的映射，最接近的在前。", .sub = &import_candidate_shape),
    SHAPE_FIELD(struct import_out, result, JSON, "What the import did. Null until then.",
                "导入的结果。完成前为空。", .sub = &import_outcome_shape),
    SHAPE_FIELD(struct import_out, errors, LIST, "Why it cannot be read, or how it failed.",
                "无法读取或失败的原因。", .sub = &error_shape),
    SHAPE_FIELD(struct import_out, rejects, TEXT,
                "Name of the file of rejected rows; null where there is none.",
                "被拒行文件名；没有则为空。"),
};
static const struct shape import_shape = {
    .name = "import", .size = sizeof(struct import_out), SHAPE_FIELDS(import_fields)};

#define BRIEF_FIELD_COUNT 17
static const struct shape brief_shape = {.name = "import_brief",
                                         .size = sizeof(struct import_out),
                                         .fields = import_fields,
                                         .field_count = BRIEF_FIELD_COUNT};

/* --- From the row to what is shown --- */

static struct str keep(struct arena *arena, struct str text)
{
    return text.p ? str_copy(arena, text) : STR_NONE;
}

static int64_t time_or_none(struct opt_i64 time)
{
    return time.set ? time.v : INT64_MIN;
}

static struct str text_of(const struct json_value *object, const char *key)
{
    const struct json_value *value = json_get(object, str_c(key));
    return value && json_kind(value) == JSON_KIND_STRING ? json_str(value) : STR_NONE;
}

/* Kept in both languages, shown in the reader's. */
static ERR_RESULT errors_of(struct call *call, struct str json, struct shape_list *out)
{
    const struct json_value *list;
    *out = (struct shape_list){NULL, 0};
    if (!json.p)
        return NULL;
    TRY(json_read(call->arena, STR("errors"), json, &list));
    struct error_out *items = ARENA_ARRAY(call->arena, json_count(list) + 1, struct error_out);
    const char *message = call->lang == LANG_ZH ? "message_zh" : "message_en";
    for (size_t i = 0; i < json_count(list); i++) {
        const struct json_value *one = json_at(list, i);
        items[i] =
            (struct error_out){text_of(one, "code"), text_of(one, "field"), text_of(one, message)};
    }
    *out = (struct shape_list){items, json_count(list)};
    return NULL;
}

static ERR_RESULT wish_of(struct call *call, struct str json, struct import_wish *out)
{
    const struct json_value *value;
    shape_clear(&import_wish_shape, out);
    if (!json.p)
        return NULL;
    TRY(json_read(call->arena, STR("wish"), str_copy(call->arena, json), &value));
    return shape_read_json(call->arena, &import_wish_shape, value, out);
}

static struct import_out brief_of(const struct call *call, const struct import_brief *brief)
{
    const struct upload_state_info *state = upload_state_info(brief->state);
    return (struct import_out){
        .import_id = brief->import_id,
        .is_upload = brief->is_upload,
        .name = keep(call->arena, brief->name),
        .state = str_c(state->name),
        .state_title = str_c(state->title.in[call->lang]),
        .by = keep(call->arena, brief->by),
        .map = str_is(brief->map_name) ? str_copy(call->arena, brief->map_name) : STR_NONE,
        .bytes = brief->bytes,
        .created_at_us = brief->created_at_us,
        .started_at_us = brief->started_at_us,
        .finished_at_us = brief->finished_at_us,
        .rows = brief->rows,
        .orders_new = brief->orders_new,
        .orders_changed = brief->orders_changed,
        .orders_same = brief->orders_same,
        .refunds = brief->refunds,
        .rows_rejected = brief->rows_rejected,
    };
}

static struct import_brief brief_of_upload(const struct sql_order_upload_one_out *row)
{
    return (struct import_brief){
        .import_id = row->upload_id,
        .is_upload = true,
        .name = row->name,
        .by = row->created_by_name,
        .map_name = row->map_name,
        .state = (enum upload_state)row->state,
        .bytes = row->byte_count,
        .created_at_us = row->created_at,
        .started_at_us = time_or_none(row->started_at),
        .finished_at_us = time_or_none(row->finished_at),
        .rows = row->row_count,
        .orders_new = row->order_new_count,
        .orders_changed = row->order_changed_count,
        .orders_same = row->order_same_count,
        .refunds = row->refund_count,
        .rows_rejected = row->rejected_row_count,
    };
}

static ERR_RESULT show_ahead(struct tx *tx, const struct sql_order_upload_one_out *row,
                             int64_t *ahead)
{
    struct sql_order_upload_before_out out = {0};
    bool found;
    *ahead = 0;
    if (row->state != UPLOAD_WAITING)
        return NULL;
    TRY(sql_order_upload_before_one(
        tx, &(struct sql_order_upload_before_in){row->queued_at, row->upload_id}, &out, &found));
    *ahead = out.waiting_count;
    return NULL;
}

static ERR_RESULT show_upload(struct tx *tx, struct call *call,
                              const struct sql_order_upload_one_out *row)
{
    const struct import_brief brief = brief_of_upload(row);
    struct import_out *out = call->out;
    struct arena *arena = call->arena;
    *out = brief_of(call, &brief);
    struct import_progress progress =
        imports_progress(call->service->imports, arena, row->upload_id);
    out->progress = (struct progress_out){progress.phase, progress.done, progress.total};
    out->map_recognised = row->map_recognised != 0;
    out->attempts = row->attempt_count;
    out->columns = keep(arena, row->columns);
    /* While it is checked anew, what was found before stands beside nothing. */
    bool checked = row->state != UPLOAD_CHECKING;
    out->preview = checked ? keep(arena, row->preview) : STR_NONE;
    out->candidates = keep(arena, row->candidates);
    out->result = keep(arena, row->result);
    out->rejects = str_is(row->reject_name) ? str_copy(arena, row->reject_name) : STR_NONE;
    TRY(show_ahead(tx, row, &out->ahead));
    TRY(errors_of(call, row->errors, &out->errors));
    return wish_of(call, row->wish, &out->wish);
}

static ERR_RESULT read_upload(struct tx *tx, int64_t upload_id,
                              struct sql_order_upload_one_out *row)
{
    bool found;
    struct sql_order_upload_one_in in = {upload_id};
    TRY(sql_order_upload_one_one(tx, &in, row, &found));
    return found ? NULL : ERR_NEW(tx_arena(tx), ERR_IMPORT_UNKNOWN, STR_NONE);
}

static ERR_RESULT show(struct tx *tx, struct call *call, int64_t upload_id)
{
    struct sql_order_upload_one_out row;
    TRY(read_upload(tx, upload_id, &row));
    return show_upload(tx, call, &row);
}

static void audit(struct call *call, int64_t upload_id)
{
    call->audit_object = str_fmt(call->arena, "import:%lld", (long long)upload_id);
}

static const struct err *not_now(const struct call *call, int64_t state)
{
    struct text title = upload_state_info((enum upload_state)state)->title;
    return ERR_NEW(call->arena, ERR_IMPORT_NOT_NOW, STR_NONE, str_c(title.in[call->lang]));
}

/* A statement changed nothing: there is no such upload, or its state does not allow it. */
static ERR_RESULT check_changed(struct tx *tx, struct call *call, int64_t upload_id,
                                int64_t changed)
{
    struct sql_order_upload_one_out row;
    TRY(read_upload(tx, upload_id, &row));
    return changed > 0 ? NULL : not_now(call, row.state);
}

/* --- Giving a file --- */

struct upload_query {
    struct str name;
    int64_t modified_at_us;
};
static const struct field upload_query_fields[] = {
    SHAPE_FIELD(
        struct upload_query, name, TEXT,
        "The file's name: it may say which platform it comes from and when it was exported.",
        "文件名：可能说明来自哪个平台、何时导出。", .required = true, .max = 1000),
    SHAPE_FIELD_AS(struct upload_query, modified_at_us, "modified_at", TIME,
                   "When the file was last changed on the giver's machine: at least as old as its "
                   "export.",
                   "文件在上传者机器上的最后修改时间：导出不会晚于它。"),
};
static const struct shape upload_query_shape = {.name = "import_upload_query",
                                                .size = sizeof(struct upload_query),
                                                SHAPE_FIELDS(upload_query_fields)};

static const struct err *put_aside_failed(struct call *call)
{
    return ERR_NEW(call->arena, ERR_HTTP_UPLOAD, STR_NONE, str_c(strerror(errno)));
}

static bool sync_path(struct call *call, struct str path, int flags)
{
    int fd = open(str_z(call->arena, path), O_RDONLY | O_CLOEXEC | flags);
    bool synced = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return synced;
}

/* The file's own time says how old its export may be; a time to come says nothing. */
static void set_file_time(struct call *call, const char *path, int64_t modified_at_us)
{
    if (modified_at_us == INT64_MIN || modified_at_us > call->now_us)
        return;
    struct timespec time = {.tv_sec = (time_t)(modified_at_us / 1000000),
                            .tv_nsec = (long)(modified_at_us % 1000000) * 1000};
    const struct timespec both[] = {time, time};
    (void)utimensat(AT_FDCWD, path, both, 0);
}

/* Into a folder of its own, durably. */
static ERR_RESULT take_file(struct call *call, int64_t upload_id)
{
    const struct upload_query *query = call->query;
    struct imports *imports = call->service->imports;
    struct str folder = imports_folder(call->arena, imports, upload_id);
    struct str file = imports_file(call->arena, imports, upload_id, query->name);
    const char *path = str_z(call->arena, file);
    if (mkdir(str_z(call->arena, folder), 0700) != 0)
        return put_aside_failed(call);
    if (rename(str_z(call->arena, call->upload_path), path) != 0 || chmod(path, 0600) != 0)
        return put_aside_failed(call);
    set_file_time(call, path, query->modified_at_us);
    if (!sync_path(call, file, 0) || !sync_path(call, folder, O_DIRECTORY) ||
        !sync_path(call, imports->options.directory, O_DIRECTORY))
        return put_aside_failed(call);
    return NULL;
}

struct upload {
    struct call *call;
    int64_t upload_id;
};

static ERR_RESULT check_room(struct tx *tx, struct call *call)
{
    struct sql_order_upload_kept_out kept = {0};
    bool found;
    TRY(sql_order_upload_kept_one(tx, &kept, &found));
    if (kept.file_count < LIMIT_UPLOADS_MAX &&
        kept.byte_count <= LIMIT_UPLOADS_BYTES_MAX - call->upload_bytes)
        return NULL;
    return ERR_NEW(call->arena, ERR_IMPORT_UPLOADS_FULL, STR_NONE,
                   str_fmt(call->arena, "%lld", (long long)kept.file_count),
                   str_fmt(call->arena, "%lld", (long long)(kept.byte_count / 1000000)));
}

static const struct err *upload_tx(struct tx *tx, void *arg)
{
    struct upload *upload = arg;
    struct call *call = upload->call;
    const struct upload_query *query = call->query;
    TRY(check_room(tx, call));
    struct sql_order_upload_insert_in in = {
        .upload_id = upload->upload_id,
        .name = query->name,
        .byte_count = call->upload_bytes,
        .created_at = tx_now_us(tx),
        .created_by = call->principal.by,
        .created_by_name = call->principal.name.p ? call->principal.name : STR(""),
    };
    TRY(sql_order_upload_insert_run(tx, &in));
    audit(call, upload->upload_id);
    call->audit_after = str_fmt(call->arena, "{\"bytes\":%lld}", (long long)call->upload_bytes);
    call->location = str_fmt(call->arena, "/api/v1/imports/%lld", (long long)upload->upload_id);
    return show(tx, call, upload->upload_id);
}

static const struct err *upload_import(struct call *call)
{
    const struct upload_query *query = call->query;
    struct imports *imports = call->service->imports;
    struct upload upload = {.call = call, .upload_id = id_next(call->service->deps.ids)};
    if (!import_is_file_name(query->name))
        return ERR_NEW(call->arena, ERR_IMPORT_FILE_NAME, STR("?name"));
    const struct err *err = take_file(call, upload.upload_id);
    if (!err)
        err = call_write(call, upload_tx, &upload);
    if (err || call->replay.p)
        imports_remove(imports, upload.upload_id);
    if (!err)
        imports_wake(imports);
    return err;
}

/* --- Looking --- */

static const struct err *show_run(struct tx *tx, struct call *call, int64_t import_id)
{
    struct sql_order_run_one_out row;
    bool found;
    TRY(sql_order_run_one_one(tx, &(struct sql_order_run_one_in){import_id}, &row, &found));
    if (!found)
        return ERR_NEW(tx_arena(tx), ERR_IMPORT_UNKNOWN, STR_NONE);
    const struct import_brief brief = {
        .import_id = row.import_id,
        .name = row.name,
        .by = row.started_by,
        .map_name = row.map_name,
        .state = row.finished_at.set ? UPLOAD_DONE : UPLOAD_INTERRUPTED,
        .created_at_us = row.started_at,
        .started_at_us = row.started_at,
        .finished_at_us = time_or_none(row.finished_at),
        .rows = row.row_count,
        .orders_new = row.order_new_count,
        .orders_changed = row.order_changed_count,
        .orders_same = row.order_same_count,
        .refunds = row.refund_count,
        .rows_rejected = row.rejected_row_count,
    };
    struct import_out *out = call->out;
    *out = brief_of(call, &brief);
    return wish_of(call, STR_NONE, &out->wish);
}

static const struct err *get_tx(struct tx *tx, void *arg)
{
    struct call *call = arg;
    const struct import_path *path = call->path;
    struct sql_order_upload_one_out row;
    bool found;
    struct sql_order_upload_one_in in = {path->import_id};
    TRY(sql_order_upload_one_one(tx, &in, &row, &found));
    return found ? show_upload(tx, call, &row) : show_run(tx, call, path->import_id);
}

static const struct err *get_import(struct call *call)
{
    return call_read(call, get_tx, call);
}

struct list_query {
    int64_t cursor, limit;
};
static const struct field list_query_fields[] = {
    SHAPE_FIELD(struct list_query, cursor, ID, "Where to go on: next_cursor of the last page.",
                "上一页的 next_cursor。"),
    SHAPE_FIELD(struct list_query, limit, I64, "Rows at most.", "最多多少行。", .min = 1,
                .max = LIST_MAX, .fallback = "50"),
};
static const struct shape list_query_shape = {.name = "import_list_query",
                                              .size = sizeof(struct list_query),
                                              SHAPE_FIELDS(list_query_fields)};
struct list_out {
    struct shape_list items;
    struct str next_cursor;
};
static const struct field list_fields[] = {
    SHAPE_FIELD(struct list_out, items, LIST, "The newest first.", "最新的在前。",
                .sub = &brief_shape),
    SHAPE_FIELD(struct list_out, next_cursor, TEXT, "Give it as ?cursor to go on; null at the end.",
                "作为 ?cursor 传入以继续；到底时为空。"),
};
static const struct shape list_shape = {
    .name = "import_list", .size = sizeof(struct list_out), SHAPE_FIELDS(list_fields)};

static const struct err *list_tx(struct tx *tx, void *arg)
{
    struct call *call = arg;
    const struct list_query *query = call->query;
    struct list_out *out = call->out;
    struct import_brief *briefs;
    size_t count;
    int64_t before_id = query->cursor ? query->cursor : INT64_MAX;
    TRY(import_list(tx, before_id, query->limit + 1, &briefs, &count));
    size_t shown = count > (size_t)query->limit ? (size_t)query->limit : count;
    struct import_out *items = ARENA_ARRAY(call->arena, shown + 1, struct import_out);
    for (size_t i = 0; i < shown; i++)
        items[i] = brief_of(call, &briefs[i]);
    out->items = (struct shape_list){items, shown};
    if (count > shown)
        out->next_cursor = str_fmt(call->arena, "%lld", (long long)items[shown - 1].import_id);
    return NULL;
}

static const struct err *list_imports(struct call *call)
{
    return call_read(call, list_tx, call);
}

/* --- Saying how to read it --- */

static const struct err *wish_tx(struct tx *tx, void *arg)
{
    struct call *call = arg;
    const struct import_path *path = call->path;
    struct buf json = buf_new(tx_arena(tx), LIMIT_HTTP_REPLY_BYTES_MAX);
    struct json_writer w = json_writer(&json, false);
    int64_t changed;
    shape_write_json(&w, &import_wish_shape, call->in);
    struct sql_order_upload_wish_in in = {path->import_id, buf_view(&json), tx_now_us(tx)};
    TRY(sql_order_upload_wish_run_count(tx, &in, &changed));
    TRY(check_changed(tx, call, path->import_id, changed));
    audit(call, path->import_id);
    return show(tx, call, path->import_id);
}

static const struct err *correct_import(struct call *call)
{
    const struct import_path *path = call->path;
    struct service *service = call->service;
    struct import_own_maps own;
    TRY(import_own_maps(service->store, call->arena, &own));
    TRY(import_wish_check(call->arena, call->in, &own, call->now_us));
    TRY(call_write(call, wish_tx, call));
    imports_stop(service->imports, path->import_id);
    imports_wake(service->imports);
    return NULL;
}

/* --- Maps of the brand's own --- */

struct save_in {
    struct str name;
};
static const struct field save_fields[] = {
    SHAPE_FIELD(struct save_in, name, TEXT, "What the map is to be called.", "映射的名称。",
                .required = true, .max = 1000),
};
static const struct shape save_shape = {
    .name = "import_map_save", .size = sizeof(struct save_in), SHAPE_FIELDS(save_fields)};

static ERR_RESULT columns_of(struct tx *tx, struct str json, struct str **out, int *count)
{
    const struct json_value *list;
    *count = 0;
    TRY(json_read(tx_arena(tx), STR("columns"), json, &list));
    *out = ARENA_ARRAY(tx_arena(tx), json_count(list) + 1, struct str);
    for (size_t i = 0; i < json_count(list) && i < COLUMNS_MAX; i++)
        (*out)[(*count)++] = text_of(json_at(list, i), "column");
    return NULL;
}

static const struct err *save_tx(struct tx *tx, void *arg)
{
    struct call *call = arg;
    const struct import_path *path = call->path;
    const struct save_in *in = call->in;
    struct sql_order_upload_one_out row;
    struct str *columns;
    int count;
    TRY(read_upload(tx, path->import_id, &row));
    if (!row.map.p || !row.columns.p)
        return not_now(call, row.state);
    TRY(columns_of(tx, row.columns, &columns, &count));
    TRY(import_own_map_save(tx, in->name, row.map, columns, count,
                            call->principal.name.p ? call->principal.name : STR("")));
    call->audit_object = str_fmt(call->arena, "import-map:%.*s", STR_ARG(in->name));
    return NULL;
}

static const struct err *save_map(struct call *call)
{
    return call_write(call, save_tx, call);
}

struct map_path {
    struct str map;
};
static const struct field map_path_fields[] = {
    SHAPE_FIELD(struct map_path, map, TEXT, "The saved map's name.", "已保存映射的名称。",
                .required = true, .max = 1000),
};
static const struct shape map_path_shape = {
    .name = "import_map_path", .size = sizeof(struct map_path), SHAPE_FIELDS(map_path_fields)};

static const struct err *delete_map_tx(struct tx *tx, void *arg)
{
    struct call *call = arg;
    const struct map_path *path = call->path;
    TRY(import_own_map_delete(tx, path->map));
    call->audit_object = str_fmt(call->arena, "import-map:%.*s", STR_ARG(path->map));
    return NULL;
}

static const struct err *delete_map(struct call *call)
{
    return call_write(call, delete_map_tx, call);
}

/* --- What a file can be read as --- */

struct choice_out {
    struct str name, title, doc;
    bool personal, is_own;
};
static const struct field map_choice_fields[] = {
    SHAPE_FIELD(struct choice_out, name, TEXT, "The map's name.", "映射名。", .required = true),
    SHAPE_FIELD(struct choice_out, title, TEXT, "As people call it.", "标题。", .required = true),
    SHAPE_FIELD(struct choice_out, is_own, BOOL, "Saved here; else built in.",
                "在此保存；否则为内置。"),
};
static const struct shape map_choice_shape = {.name = "import_map_choice",
                                              .size = sizeof(struct choice_out),
                                              SHAPE_FIELDS(map_choice_fields)};
static const struct field kind_choice_fields[] = {
    SHAPE_FIELD(struct choice_out, name, TEXT, "The kind.", "含义名。", .required = true),
    SHAPE_FIELD(struct choice_out, title, TEXT, "As people call it.", "标题。", .required = true),
    SHAPE_FIELD(struct choice_out, doc, TEXT, "What it is.", "说明。", .required = true),
    SHAPE_FIELD(struct choice_out, personal, BOOL, "Masked wherever it is shown.",
                "显示时一律脱敏。"),
};
static const struct shape kind_choice_shape = {
    .name = "import_kind", .size = sizeof(struct choice_out), SHAPE_FIELDS(kind_choice_fields)};
static const struct field word_choice_fields[] = {
    SHAPE_FIELD(struct choice_out, name, TEXT, "As a map has it.", "映射中的写法。",
                .required = true),
    SHAPE_FIELD(struct choice_out, title, TEXT, "As people call it.", "标题。", .required = true),
};
static const struct shape word_choice_shape = {
    .name = "import_word", .size = sizeof(struct choice_out), SHAPE_FIELDS(word_choice_fields)};
struct choices_out {
    struct shape_list maps, kinds, states, refund_states;
};
static const struct field choices_fields[] = {
    SHAPE_FIELD(struct choices_out, maps, LIST, "Maps: the saved ones first.",
                "映射，已保存的在前。", .sub = &map_choice_shape),
    SHAPE_FIELD(struct choices_out, kinds, LIST, "What a column can be.", "列的含义。",
                .sub = &kind_choice_shape),
    SHAPE_FIELD(struct choices_out, states, LIST, "What a word for a state can mean.",
                "状态词的含义。", .sub = &word_choice_shape),
    SHAPE_FIELD(struct choices_out, refund_states, LIST, "The same for refunds.",
                "售后状态词的含义。", .sub = &word_choice_shape),
};
static const struct shape choices_shape = {
    .name = "import_choices", .size = sizeof(struct choices_out), SHAPE_FIELDS(choices_fields)};

static struct shape_list kinds_of(const struct call *call)
{
    struct choice_out *items = ARENA_ARRAY(call->arena, IMPORT_KIND_MAX, struct choice_out);
    for (int i = 0; i < IMPORT_KIND_MAX; i++) {
        const struct import_kind_info *kind = import_kind_info((enum import_kind)i);
        items[i] = (struct choice_out){.name = str_c(kind->name),
                                       .title = str_c(kind->title.in[call->lang]),
                                       .doc = str_c(kind->doc.in[call->lang]),
                                       .personal = kind->personal};
    }
    return (struct shape_list){items, IMPORT_KIND_MAX};
}

static struct shape_list words_of(const struct call *call, const char *const *names)
{
    size_t count = 0;
    while (names[count])
        count++;
    struct choice_out *items = ARENA_ARRAY(call->arena, count + 1, struct choice_out);
    for (size_t i = 0; i < count; i++) {
        struct text title = TEXT("", "");
        (void)import_word_title(str_c(names[i]), &title);
        items[i] =
            (struct choice_out){.name = str_c(names[i]), .title = str_c(title.in[call->lang])};
    }
    return (struct shape_list){items, count};
}

static struct str title_of(const struct call *call, const struct import_map *map)
{
    struct str title = call->lang == LANG_ZH ? map->title_zh : map->title_en;
    return str_is(title) ? title : map->name;
}

/* Those of files without orders are known only so that they are not taken for others. */
static ERR_RESULT maps_of(struct call *call, struct shape_list *out)
{
    struct import_own_maps own;
    TRY(import_own_maps(call->service->store, call->arena, &own));
    size_t room = own.count + (size_t)import_builtin_count;
    struct choice_out *items = ARENA_ARRAY(call->arena, room + 1, struct choice_out);
    size_t count = 0;
    for (size_t i = 0; i < own.count; i++)
        items[count++] = (struct choice_out){
            .name = own.items[i].name, .title = own.items[i].name, .is_own = true};
    for (int i = 0; i < import_builtin_count; i++) {
        struct str name, json;
        struct import_map *map;
        import_builtin(i, &name, &json);
        TRY(import_map_read(call->arena, name, &map));
        if (!str_is(map->instead))
            items[count++] = (struct choice_out){.name = name, .title = title_of(call, map)};
    }
    *out = (struct shape_list){items, count};
    return NULL;
}

static const struct err *get_choices(struct call *call)
{
    static const char *const states[] = {"created",          "paid",
                                         "shipped",          "received",
                                         "closed",           "paid refunded",
                                         "shipped refunded", "received refunded",
                                         "closed refunded",  NULL};
    static const char *const refund_states[] = {"none", "pending", "partial", "refunded", NULL};
    struct choices_out *out = call->out;
    out->kinds = kinds_of(call);
    out->states = words_of(call, states);
    out->refund_states = words_of(call, refund_states);
    return maps_of(call, &out->maps);
}

/* --- Importing --- */

static const struct err *start_tx(struct tx *tx, void *arg)
{
    struct call *call = arg;
    const struct import_path *path = call->path;
    struct sql_order_upload_one_out row;
    int64_t changed;
    TRY(read_upload(tx, path->import_id, &row));
    audit(call, path->import_id);
    /* Said twice, it begins once. */
    if (row.state == UPLOAD_WAITING || row.state == UPLOAD_RUNNING)
        return show_upload(tx, call, &row);
    struct sql_order_upload_queue_in in = {path->import_id, tx_now_us(tx), call->lang};
    TRY(sql_order_upload_queue_run_count(tx, &in, &changed));
    TRY(check_changed(tx, call, path->import_id, changed));
    return show(tx, call, path->import_id);
}

static const struct err *start_import(struct call *call)
{
    const struct import_path *path = call->path;
    TRY(call_write(call, start_tx, call));
    imports_tell(call->service->imports, path->import_id, UPLOAD_WAITING);
    imports_wake(call->service->imports);
    return NULL;
}

static const struct err *stop_tx(struct tx *tx, void *arg)
{
    struct call *call = arg;
    const struct import_path *path = call->path;
    struct sql_order_upload_one_out row;
    int64_t changed;
    TRY(read_upload(tx, path->import_id, &row));
    audit(call, path->import_id);
    if (row.state == UPLOAD_RUNNING)
        return show_upload(tx, call, &row); /* it ends at its next slice */
    struct sql_order_upload_unqueue_in in = {path->import_id,
                                             row.attempt_count > 0 ? UPLOAD_STOPPED : UPLOAD_READY};
    TRY(sql_order_upload_unqueue_run_count(tx, &in, &changed));
    TRY(check_changed(tx, call, path->import_id, changed));
    return show(tx, call, path->import_id);
}

static const struct err *stop_import(struct call *call)
{
    const struct import_path *path = call->path;
    TRY(call_write(call, stop_tx, call));
    imports_stop(call->service->imports, path->import_id);
    imports_wake(call->service->imports);
    return NULL;
}

static const struct err *discard_tx(struct tx *tx, void *arg)
{
    struct call *call = arg;
    const struct import_path *path = call->path;
    struct sql_order_upload_discard_in in = {path->import_id};
    int64_t changed;
    TRY(sql_order_upload_discard_run_count(tx, &in, &changed));
    TRY(check_changed(tx, call, path->import_id, changed));
    TRY(sql_order_upload_delete_run(tx, &(struct sql_order_upload_delete_in){path->import_id}));
    audit(call, path->import_id);
    return NULL;
}

static const struct err *discard_import(struct call *call)
{
    const struct import_path *path = call->path;
    struct imports *imports = call->service->imports;
    TRY(call_write(call, discard_tx, call));
    imports_stop(imports, path->import_id);
    imports_remove(imports, path->import_id);
    imports_tell(imports, path->import_id, UPLOAD_DISCARDED);
    return NULL;
}

/* --- Rejected rows --- */

struct rejects {
    struct call *call;
    struct str name;
};

static const struct err *rejects_tx(struct tx *tx, void *arg)
{
    struct rejects *rejects = arg;
    struct call *call = rejects->call;
    const struct import_path *path = call->path;
    struct sql_order_upload_one_out row;
    TRY(read_upload(tx, path->import_id, &row));
    if (!str_is(row.reject_name))
        return ERR_NEW(tx_arena(tx), ERR_IMPORT_NO_REJECTS, STR_NONE);
    rejects->name = str_copy(call->arena, row.reject_name);
    audit(call, path->import_id);
    return NULL;
}

static struct str content_type_of(struct str name)
{
    if (str_ends(name, STR(".xlsx")))
        return STR("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet");
    return str_ends(name, STR(".csv")) ? STR("text/csv; charset=utf-8")
                                       : STR("text/plain; charset=utf-8");
}

/* Its rows stand there in the clear, which is why it is noted who took it. What is sent is removed
 * afterwards: a second name of the file. */
static const struct err *get_rejects(struct call *call)
{
    const struct import_path *path = call->path;
    struct rejects rejects = {.call = call};
    TRY(call_write(call, rejects_tx, &rejects));
    struct imports *imports = call->service->imports;
    struct str file = imports_file(call->arena, imports, path->import_id, rejects.name);
    struct str sent = str_fmt(call->arena, "%.*s/upload-rejects-%.*s",
                              STR_ARG(call->service->upload_directory), STR_ARG(call->request_id));
    if (link(str_z(call->arena, file), str_z(call->arena, sent)) != 0)
        return ERR_NEW(call->arena, ERR_IMPORT_NO_REJECTS, STR_NONE);
    call->file = (struct endpoint_file){
        .content_type = content_type_of(rejects.name), .name = rejects.name, .path = sent};
    return NULL;
}

/* --- The table --- */

static const enum err_code upload_errors[] = {ERR_IMPORT_FILE_NAME, ERR_IMPORT_UPLOADS_FULL,
                                              ERR_IDEMPOTENCY_OTHER, ERR_NONE};
static const enum err_code unknown_errors[] = {ERR_IMPORT_UNKNOWN, ERR_NONE};
static const enum err_code wish_errors[] = {
    ERR_IMPORT_UNKNOWN,     ERR_IMPORT_NOT_NOW,    ERR_MAP_KIND,
    ERR_MAP_STATE,          ERR_MAP_REFUND_STATE,  ERR_OWN_MAP_UNKNOWN,
    ERR_EXPORTED_AT_FUTURE, ERR_IDEMPOTENCY_OTHER, ERR_NONE};
static const enum err_code save_errors[] = {ERR_IMPORT_UNKNOWN, ERR_IMPORT_NOT_NOW,
                                            ERR_OWN_MAP_NAME, ERR_IDEMPOTENCY_OTHER, ERR_NONE};
static const enum err_code delete_errors[] = {ERR_OWN_MAP_UNKNOWN, ERR_IDEMPOTENCY_OTHER, ERR_NONE};
static const enum err_code move_errors[] = {ERR_IMPORT_UNKNOWN, ERR_IMPORT_NOT_NOW,
                                            ERR_IDEMPOTENCY_OTHER, ERR_NONE};
static const enum err_code rejects_errors[] = {ERR_IMPORT_UNKNOWN, ERR_IMPORT_NO_REJECTS, ERR_NONE};

static const struct endpoint endpoints[] = {
    {.name = "uploadImport",
     .method = METHOD_POST,
     .path = "/api/v1/imports",
     .scope = SCOPE_ORDERS_IMPORT,
     .reach = REACH_RUN,
     .flags = ENDPOINT_WRITES | ENDPOINT_UPLOAD,
     .query_shape = &upload_query_shape,
     .out = &import_shape,
     .status = 201,
     .errors = upload_errors,
     .handler = upload_import,
     .title = TEXT("Give a file to be imported", "上传待导入文件"),
     .doc = TEXT("The body is the file as it is: CSV, text or xlsx, gzip or not. It is checked at "
                 "once, and imported when "
                 "startImport says so. Several files: one request each.",
                 "请求体为文件原样：CSV、文本或 xlsx，可为 gzip。上传后立即检查，startImport "
                 "后才导入。多个文件逐个上传。")},
    {.name = "listImports",
     .method = METHOD_GET,
     .path = "/api/v1/imports",
     .scope = SCOPE_ORDERS_IMPORT,
     .reach = REACH_RUN,
     .query_shape = &list_query_shape,
     .out = &list_shape,
     .handler = list_imports,
     .title = TEXT("Imports, present and past", "导入记录")},
    {.name = "getImport",
     .method = METHOD_GET,
     .path = "/api/v1/imports/{import_id}",
     .scope = SCOPE_ORDERS_IMPORT,
     .reach = REACH_RUN,
     .path_shape = &path_shape,
     .out = &import_shape,
     .errors = unknown_errors,
     .handler = get_import,
     .title = TEXT("An import", "导入"),
     .doc = TEXT("What was recognised, what the import would do or did, how far it has come.",
                 "识别结果、将会怎样或已经怎样、进度。")},
    {.name = "correctImport",
     .method = METHOD_PUT,
     .path = "/api/v1/imports/{import_id}/wish",
     .scope = SCOPE_ORDERS_IMPORT,
     .reach = REACH_RUN,
     .flags = ENDPOINT_WRITES,
     .path_shape = &path_shape,
     .in = &import_wish_shape,
     .out = &import_shape,
     .errors = wish_errors,
     .handler = correct_import,
     .title = TEXT("Say how to read the file", "指定文件的读法"),
     .doc = TEXT("In the place of what was said before; an empty object: as it is recognised. The "
                 "file is checked again.",
                 "替代此前的指定；空对象表示按识别结果。文件随即重新检查。")},
    {.name = "saveImportMap",
     .method = METHOD_POST,
     .path = "/api/v1/imports/{import_id}/save-map",
     .scope = SCOPE_ORDERS_IMPORT,
     .reach = REACH_RUN,
     .flags = ENDPOINT_WRITES,
     .path_shape = &path_shape,
     .in = &save_shape,
     .errors = save_errors,
     .handler = save_map,
     .title = TEXT("Save how the file is read", "保存读法"),
     .doc = TEXT("Files with the same columns are recognised by it from then on. A saved map of "
                 "the same name is replaced.",
                 "此后列相同的文件按它识别。同名的已保存映射会被替换。")},
    {.name = "startImport",
     .method = METHOD_POST,
     .path = "/api/v1/imports/{import_id}/start",
     .scope = SCOPE_ORDERS_IMPORT,
     .reach = REACH_RUN,
     .flags = ENDPOINT_WRITES,
     .path_shape = &path_shape,
     .out = &import_shape,
     .errors = move_errors,
     .handler = start_import,
     .title = TEXT("Import the file", "开始导入"),
     .doc = TEXT("One import runs at a time; others wait. Also goes on with one that was stopped "
                 "or interrupted.",
                 "同一时间只运行一个导入，其余排队。已停止或中断的导入也由此继续。")},
    {.name = "stopImport",
     .method = METHOD_POST,
     .path = "/api/v1/imports/{import_id}/stop",
     .scope = SCOPE_ORDERS_IMPORT,
     .reach = REACH_RUN,
     .flags = ENDPOINT_WRITES,
     .path_shape = &path_shape,
     .out = &import_shape,
     .errors = move_errors,
     .handler = stop_import,
     .title = TEXT("Stop an import", "停止导入"),
     .doc = TEXT("It ends at its next slice; what was written stays.",
                 "在当前一批写完后停止；已写入的保留。")},
    {.name = "discardImport",
     .method = METHOD_DELETE,
     .path = "/api/v1/imports/{import_id}",
     .scope = SCOPE_ORDERS_IMPORT,
     .reach = REACH_RUN,
     .flags = ENDPOINT_WRITES,
     .path_shape = &path_shape,
     .errors = move_errors,
     .handler = discard_import,
     .title = TEXT("Discard a file that is not imported", "丢弃未导入的文件")},
    {.name = "getImportRejects",
     .method = METHOD_GET,
     .path = "/api/v1/imports/{import_id}/rejects",
     .scope = SCOPE_ORDERS_IMPORT,
     .reach = REACH_RUN,
     .flags = ENDPOINT_FILE | ENDPOINT_AUDITED,
     .path_shape = &path_shape,
     .errors = rejects_errors,
     .handler = get_rejects,
     .title = TEXT("The rejected rows, with reasons", "被拒的行及原因"),
     .doc = TEXT(
         "A workbook (CSV where it has no room) to be mended and given again. Its rows stand in "
         "the clear: who takes "
         "it is noted in the audit trail. Kept for 30 days.",
         "工作簿（放不下时为 CSV），改正后可再次上传。行内为明文：谁下载会记入审计。保留 30 天。")},
    {.name = "getImportChoices",
     .method = METHOD_GET,
     .path = "/api/v1/import-choices",
     .scope = SCOPE_ORDERS_IMPORT,
     .reach = REACH_RUN,
     .out = &choices_shape,
     .handler = get_choices,
     .title = TEXT("What a file can be read as", "文件可以怎样读取")},
    {.name = "deleteImportMap",
     .method = METHOD_DELETE,
     .path = "/api/v1/import-maps/{map}",
     .scope = SCOPE_ORDERS_IMPORT,
     .reach = REACH_RUN,
     .flags = ENDPOINT_WRITES,
     .path_shape = &map_path_shape,
     .errors = delete_errors,
     .handler = delete_map,
     .title = TEXT("Remove a saved map", "删除已保存的映射")},
};
const struct endpoint_table import_endpoints = {
    .tag = "imports", .title = TEXT("Import", "导入"), ENDPOINTS(endpoints)};
