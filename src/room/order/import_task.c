/* What the queue does with an upload: a dry run, the import. */
#include <unistd.h>

#include "base/arena.h"
#include "room/order/import_upload.h"
#include "sql_order.h"

/* An upload on its way through a lane. */
struct task {
    struct imports_lane *lane;
    struct imports *imports;
    struct arena *arena;
    struct sql_order_upload_one_out row;
    struct str folder, path;
    struct import_wish wish;
    /* Found: */
    struct import_map *map; /* NULL: it could not be found */
    struct import_view view;
    struct import_file_column *columns;
    int column_count;
    const struct err *err;
};

/* --- Reading --- */

struct upload_read {
    struct arena *arena;
    int64_t upload_id;
    struct sql_order_upload_one_out *row;
    bool *found;
};

static struct str keep(struct arena *arena, struct str text)
{
    return text.p ? str_copy(arena, text) : STR_NONE;
}

static const struct err *read_tx(struct tx *tx, void *arg)
{
    struct upload_read *read = arg;
    struct sql_order_upload_one_out *row = read->row;
    struct sql_order_upload_one_in in = {read->upload_id};
    TRY(sql_order_upload_one_one(tx, &in, row, read->found));
    if (!*read->found)
        return NULL;
    struct str *texts[] = {&row->name,    &row->created_by, &row->created_by_name,
                           &row->wish,    &row->map,        &row->map_name,
                           &row->columns, &row->preview,    &row->candidates,
                           &row->result,  &row->errors,     &row->reject_name};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        *texts[i] = keep(read->arena, *texts[i]);
    return NULL;
}

ERR_RESULT import_upload_read(struct store *store, struct arena *arena, int64_t upload_id,
                              struct sql_order_upload_one_out *row, bool *found)
{
    struct upload_read read = {arena, upload_id, row, found};
    struct store_job job = {.name = "import upload", .fn = read_tx, .arg = &read};
    return store_read(store, arena, &job);
}

static ERR_RESULT read_wish(struct arena *arena, struct str json, struct import_wish *wish)
{
    const struct json_value *value;
    shape_clear(&import_wish_shape, wish);
    if (!json.p)
        return NULL;
    TRY(json_read(arena, STR("wish"), json, &value));
    return shape_read_json(arena, &import_wish_shape, value, wish);
}

static struct task task_of(struct imports_lane *lane, struct arena *arena)
{
    return (struct task){.lane = lane, .imports = lane->imports, .arena = arena};
}

static ERR_RESULT open_task(struct task *task, int64_t upload_id, bool *found)
{
    struct imports *imports = task->imports;
    TRY(import_upload_read(imports->options.store, task->arena, upload_id, &task->row, found));
    if (!*found)
        return NULL;
    task->folder = imports_folder(task->arena, imports, upload_id);
    task->path = imports_file(task->arena, imports, upload_id, task->row.name);
    return read_wish(task->arena, task->row.wish, &task->wish);
}

/* --- What is told --- */

/* People know a file by its name: where it lies on the disk is nobody's business. */
static struct str without_folder(const struct task *task, struct str text)
{
    struct str folder = str_fmt(task->arena, "%.*s/", STR_ARG(task->folder));
    return text.p && str_starts(text, folder) ? str_slice(text, folder.n, text.n) : text;
}

static const struct err *told(const struct task *task, const struct err *first)
{
    struct err_list list = {.arena = task->arena};
    for (const struct err *err = first; err; err = err->next) {
        struct err copy = *err;
        copy.next = NULL;
        copy.field = without_folder(task, err->field);
        for (int i = 0; i < ERR_ARG_MAX; i++)
            copy.arg[i] = without_folder(task, err->arg[i]);
        err_list_add(&list, &copy);
    }
    return list.first;
}

static struct str errors_json(const struct task *task)
{
    if (!task->err)
        return STR_NONE;
    struct buf out = buf_new(task->arena, IMPORT_DOCUMENT_BYTES_MAX);
    struct json_writer w = json_writer(&out, false);
    import_errors_json(&w, task->arena, told(task, task->err));
    return buf_view(&out);
}

/* The same wherever it stands in a text, as in a message. */
static void take_folder_out(const struct task *task, struct str *text)
{
    struct str folder = str_fmt(task->arena, "%.*s/", STR_ARG(task->folder));
    struct buf out = buf_new(task->arena, IMPORT_DOCUMENT_BYTES_MAX);
    for (size_t at = 0; text->p && at < text->n;) {
        struct str rest = str_slice(*text, at, text->n);
        bool here = str_starts(rest, folder);
        if (!here)
            buf_char(&out, text->p[at]);
        at += here ? folder.n : 1;
    }
    if (out.n > 0)
        *text = buf_view(&out);
}

static void take_folder_out_of_result(struct task *task)
{
    struct import_result *result = &task->view.result;
    for (int lang = 0; lang < LANG_MAX; lang++) {
        for (int i = 0; i < result->problem_count; i++)
            take_folder_out(task, &result->problems[i].first.message[lang]);
        for (int i = 0; i < result->preview_count; i++) {
            if (result->preview[i].why)
                take_folder_out(task, &result->preview[i].why->message[lang]);
        }
    }
    for (int i = 0; i < result->sheet_count; i++) {
        take_folder_out(task, &result->sheets[i].why_en);
        take_folder_out(task, &result->sheets[i].why_zh);
    }
}

static struct str view_json(struct task *task)
{
    struct buf out = buf_new(task->arena, IMPORT_DOCUMENT_BYTES_MAX);
    struct json_writer w = json_writer(&out, false);
    take_folder_out_of_result(task);
    task->view.path = task->row.name;
    task->view.result.reject_path = without_folder(task, task->view.result.reject_path);
    import_view_json(&w, task->arena, &task->view);
    return buf_view(&out);
}

static struct str candidates_json(const struct task *task)
{
    struct buf out = buf_new(task->arena, IMPORT_DOCUMENT_BYTES_MAX);
    struct json_writer w = json_writer(&out, false);
    import_candidates_json(&w, &task->view.why);
    return buf_view(&out);
}

static struct str columns_json(const struct task *task)
{
    struct buf out = buf_new(task->arena, IMPORT_DOCUMENT_BYTES_MAX);
    struct json_writer w = json_writer(&out, false);
    json_open(&w, '[');
    for (int i = 0; i < task->column_count; i++) {
        const struct import_file_column *column = &task->columns[i];
        json_open(&w, '{');
        json_key(&w, STR("column"));
        json_put_str(&w, column->column);
        json_key(&w, STR("letter"));
        json_put_str(&w, column->letter);
        json_key(&w, STR("samples"));
        json_open(&w, '[');
        for (int s = 0; s < column->sample_count; s++)
            json_put_str(&w, column->samples[s]);
        json_close(&w, ']');
        json_close(&w, '}');
    }
    json_close(&w, ']');
    return buf_view(&out);
}

/* --- The check --- */

static struct import_options options_of(const struct task *task, bool dry_run)
{
    struct imports_options *options = &task->imports->options;
    return (struct import_options){
        .path = task->path,
        .map = task->map,
        .dry_run = dry_run,
        .exported_at_us = task->wish.exported_at_us,
        .reject_folder = task->folder,
        .lang = task->row.lang == LANG_ZH ? LANG_ZH : LANG_EN,
        .temporary_directory = options->temporary_directory,
        .sort_memory_bytes = options->sort_memory_bytes,
        .progress = imports_lane_progress,
        .progress_arg = task->lane,
        .stopped = imports_lane_stopped,
        .stopped_arg = task->lane,
        .started_by = task->row.created_by,
        .upload_id = task->row.upload_id,
    };
}

/* How the file is read, and what it holds; what is wrong with it goes to task->err. */
static void look_at(struct task *task)
{
    struct imports_options *options = &task->imports->options;
    struct import_own_maps own;
    struct import_view *view = &task->view;
    *view = (struct import_view){.brand = options->brand, .dry_run = true};
    task->err = import_own_maps(options->store, task->arena, &own);
    if (!task->err)
        task->err = import_wish_map(task->arena, task->path, &task->wish, &own, &task->map,
                                    &view->recognised, &view->why);
    if (task->err)
        task->map = NULL;
    view->map = task->map;
    const struct err *err = import_file_columns(task->arena, task->path, task->map, &task->columns,
                                                &task->column_count);
    if (!task->err)
        task->err = err;
    if (task->err)
        return;
    const struct import_options dry = options_of(task, true);
    task->err = import_orders(options->store, task->arena, options->brand, &dry, &view->result);
}

static const struct err *checked_tx(struct tx *tx, void *arg)
{
    return sql_order_upload_checked_run(tx, arg);
}

/* Where only what is known of its orders could not be read, it can be imported all the same. */
static enum upload_state state_of_check(const struct task *task)
{
    bool only_first_load = task->err && task->err->code == ERR_ORDER_FIRST_LOAD;
    return !task->err || only_first_load ? UPLOAD_READY : UPLOAD_REFUSED;
}

ERR_RESULT import_task_check(struct imports_lane *lane, struct arena *arena, int64_t upload_id)
{
    struct task task = task_of(lane, arena);
    bool found;
    TRY(open_task(&task, upload_id, &found));
    if (!found)
        return NULL;
    imports_tell(task.imports, upload_id, UPLOAD_CHECKING);
    look_at(&task);
    if (task.err && task.err->code == ERR_IMPORT_STOPPED)
        return NULL; /* it is asked for anew, or not wanted any more */
    if (task.err && task.err->code == ERR_ORDER_FIRST_LOAD && imports_wait_for_import(lane))
        return NULL; /* what is known could not be read beside a first load: now it can */
    enum upload_state state = state_of_check(&task);
    struct sql_order_upload_checked_in in = {
        .upload_id = upload_id,
        .check_no = task.row.check_no,
        .state = state,
        .map = task.map ? import_map_json(arena, task.map) : STR_NONE,
        .map_name = task.map ? task.map->name : STR(""),
        .map_recognised = task.view.recognised,
        .columns = columns_json(&task),
        .preview = task.err ? STR_NONE : view_json(&task),
        .candidates = candidates_json(&task),
        .errors = errors_json(&task),
    };
    struct store_job job = {
        .name = "import checked", .fn = checked_tx, .arg = &in, .again_if_ambiguous = true};
    TRY(store_write(task.imports->options.store, arena, &job));
    imports_tell(task.imports, upload_id, state);
    return NULL;
}

/* --- The import --- */

/* Where a first try was committed and its answer lost, this one changes nothing. */
static const struct err *begin_tx(struct tx *tx, void *arg)
{
    return sql_order_upload_begin_run(tx, arg);
}

static void run_import(struct task *task)
{
    struct imports_options *options = &task->imports->options;
    task->view =
        (struct import_view){.brand = options->brand, .recognised = task->row.map_recognised != 0};
    task->err = import_map_of_text(task->arena, STR("map"), task->row.map, &task->map);
    task->view.map = task->map;
    if (task->err)
        return;
    if (str_is(task->row.reject_name))
        (void)unlink(str_z(task->arena, imports_file(task->arena, task->imports,
                                                     task->row.upload_id, task->row.reject_name)));
    const struct import_options real = options_of(task, false);
    task->err =
        import_orders(options->store, task->arena, options->brand, &real, &task->view.result);
}

static enum upload_state state_of_run(const struct task *task)
{
    if (!task->err)
        return UPLOAD_DONE;
    if (task->err->code != ERR_IMPORT_STOPPED)
        return UPLOAD_FAILED;
    return atomic_load(&task->imports->closing) ? UPLOAD_INTERRUPTED : UPLOAD_STOPPED;
}

static const struct err *finish_tx(struct tx *tx, void *arg)
{
    struct sql_order_upload_finish_in *in = arg;
    in->finished_at = tx_now_us(tx);
    return sql_order_upload_finish_run(tx, in);
}

static ERR_RESULT note_end(struct task *task, enum upload_state state)
{
    const struct import_result *result = &task->view.result;
    struct str reject = without_folder(task, result->reject_path);
    struct sql_order_upload_finish_in in = {
        .upload_id = task->row.upload_id,
        .state = state,
        .is_kept = state != UPLOAD_DONE,
        .errors = errors_json(task),
        .reject_name = reject.p ? reject : STR(""),
        .row_count = result->rows,
        .order_new_count = result->orders_new,
        .order_changed_count = result->orders_changed,
        .order_same_count = result->orders_same,
        .refund_count = result->refunds,
        .rejected_row_count = result->rows_rejected,
    };
    if (state == UPLOAD_DONE)
        in.result = view_json(task);
    struct store_job job = {
        .name = "import ended", .fn = finish_tx, .arg = &in, .again_if_ambiguous = true};
    return store_write(task->imports->options.store, task->arena, &job);
}

/* --- Files of rejected rows that are old --- */

struct old {
    struct imports *imports;
    int64_t ids[100];
    int count;
};

static const struct err *old_tx(struct tx *tx, void *arg)
{
    struct old *old = arg;
    struct stmt_cursor cursor;
    struct sql_order_upload_rejects_old_in in = {tx_now_us(tx) - IMPORT_REJECTS_US};
    bool has = true;
    old->count = 0;
    TRY(sql_order_upload_rejects_old_open(tx, &in, &cursor));
    while (has && old->count < (int)(sizeof(old->ids) / sizeof(old->ids[0]))) {
        struct sql_order_upload_rejects_old_out row;
        TRY(stmt_next(&cursor, &row, &has));
        if (has)
            old->ids[old->count++] = row.upload_id;
    }
    if (has)
        stmt_close(&cursor);
    for (int i = 0; i < old->count; i++)
        TRY(sql_order_upload_rejects_gone_run(
            tx, &(struct sql_order_upload_rejects_gone_in){old->ids[i]}));
    return NULL;
}

ERR_RESULT imports_tidy(struct imports *imports, struct arena *arena)
{
    struct old old = {.imports = imports};
    struct store_job job = {
        .name = "import rejects", .fn = old_tx, .arg = &old, .again_if_ambiguous = true};
    TRY(store_write(imports->options.store, arena, &job));
    for (int i = 0; i < old.count; i++)
        imports_remove(imports, old.ids[i]);
    return NULL;
}

ERR_RESULT import_task_run(struct imports_lane *lane, struct arena *arena, int64_t upload_id)
{
    struct task task = task_of(lane, arena);
    struct sql_order_upload_begin_in begin = {upload_id, clock_now_us(&lane->imports->deps.clock)};
    struct store_job job = {
        .name = "import begins", .fn = begin_tx, .arg = &begin, .again_if_ambiguous = true};
    bool found;
    TRY(store_write(task.imports->options.store, arena, &job));
    TRY(open_task(&task, upload_id, &found));
    if (!found || task.row.state != UPLOAD_RUNNING ||
        task.row.started_at.v != begin.started_at)
        return NULL; /* stopped before it began, or another server has it */
    imports_tell(task.imports, upload_id, UPLOAD_RUNNING);
    run_import(&task);
    enum upload_state state = state_of_run(&task);
    TRY(note_end(&task, state));
    if (state == UPLOAD_DONE && !str_is(task.view.result.reject_path))
        imports_remove(task.imports, upload_id);
    else if (state == UPLOAD_DONE)
        (void)unlink(str_z(arena, task.path));
    imports_tell(task.imports, upload_id, state);
    return NULL;
}
