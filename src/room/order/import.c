#include "room/order/import.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/check.h"
#include "room/order/import_run.h"
#include "sql_order.h"

#define SORT_MEMORY_BYTES ((size_t)256 << 20)
#define IMPORT_BYTES_MAX ((size_t)4 << 30)
#define WRONG_VALUE_COLUMNS_MAX 200 /* of a cell that is wrong, as it is shown */
#define PHASE_LOG_VARIABLE "HUITOU_PHASE_LOG"

static ERR_RESULT import_file(struct import_run *run);
static ERR_RESULT open_run(struct import_run *run);
static ERR_RESULT read_all(struct import_run *run);
static ERR_RESULT read_row(struct import_run *run, const struct table_row *cells,
                           const struct err *bad);
static ERR_RESULT sort_rows(struct import_run *run);
static ERR_RESULT sort_orders(struct import_run *run);
static ERR_RESULT count_customers(struct import_run *run);
static ERR_RESULT begin_writing(struct import_run *run);
static ERR_RESULT finish_writing(struct import_run *run);
static void list_problems(struct import_run *run);
static void describe_columns(struct import_run *run);

ERR_RESULT import_orders(struct store *store, struct arena *arena, const struct brand *brand,
                         const struct import_options *options, struct import_result *result)
{
    struct arena *own = arena_new("import", IMPORT_BYTES_MAX);
    struct import_run *run = ARENA_NEW(own, struct import_run);
    *result = (struct import_result){.first_day = DAY_NONE, .last_day = DAY_NONE};
    run->store = store;
    run->arena = own;
    run->result_arena = arena;
    run->brand = brand;
    run->options = options;
    run->map = &run->settled;
    run->result = result;
    const struct err *err = import_file(run);
    if (err)
        err = err_copy(arena, err);
    arena_free(own);
    return err;
}

static ERR_RESULT import_file(struct import_run *run)
{
    bool dry_run = run->options->dry_run;
    TRY(open_run(run));
    import_phase(run, "read", 0);
    TRY(read_all(run));
    TRY(import_exported_settle(run));
    import_phase(run, "sort", 0);
    TRY(sort_rows(run));
    import_phase(run, "group", 0);
    TRY(import_group_all(run));
    if (dry_run)
        TRY(import_match_refunds(run));
    TRY(sort_orders(run));
    TRY(count_customers(run));
    TRY(import_go_on(run));
    if (!dry_run)
        TRY(begin_writing(run));
    TRY(import_write_all(run));
    list_problems(run);
    if (dry_run)
        return NULL;
    import_phase(run, "rejects", 0);
    const struct err *rejects = run->result->rows_rejected > 0 ? import_reject_write(run) : NULL;
    import_phase(run, "finish", 0);
    TRY(finish_writing(run));
    return rejects;
}

/* --- The beginning --- */

void import_free_arena(void *arena)
{
    arena_free(arena);
}

static void close_fd(void *arg)
{
    int *fd = arg;
    if (*fd >= 0)
        (void)close(*fd);
}

/* For crash tests: which phase a killed import was in. */
static void open_phase_log(struct import_run *run)
{
    const char *path = getenv(PHASE_LOG_VARIABLE);
    run->phase_log = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    arena_defer(run->arena, close_fd, &run->phase_log);
}

void import_phase(struct import_run *run, const char *phase, int64_t number)
{
    if (run->phase_log < 0)
        return;
    char line[80];
    int n = number > 0 ? snprintf(line, sizeof(line), "%s %lld\n", phase, (long long)number)
                       : snprintf(line, sizeof(line), "%s\n", phase);
    ssize_t written = write(run->phase_log, line, (size_t)n);
    CHECK(written == n);
}

void import_progress(struct import_run *run, const char *phase, int64_t done, int64_t total)
{
    if (run->options->progress)
        run->options->progress(run->options->progress_arg, phase, done, total);
}

bool import_is_stopped(const struct import_run *run)
{
    return run->options->stopped && run->options->stopped(run->options->stopped_arg);
}

ERR_RESULT import_go_on(const struct import_run *run)
{
    return import_is_stopped(run) ? ERR_NEW(run->arena, ERR_IMPORT_STOPPED, STR_NONE) : NULL;
}

static const struct err *read_deps(struct tx *tx, void *arg)
{
    struct import_run *run = arg;
    run->deps = *tx_deps(tx);
    return NULL;
}

static struct str base_name(struct str path)
{
    size_t from = path.n;
    while (from > 0 && path.p[from - 1] != '/')
        from--;
    return str_slice(path, from, path.n);
}

static void close_sorter(void *arg)
{
    sorter_close(arg);
}

static ERR_RESULT open_sorter(struct import_run *run, size_t parts, struct sorter **out)
{
    size_t memory =
        run->options->sort_memory_bytes ? run->options->sort_memory_bytes : SORT_MEMORY_BYTES;
    struct sorter_options options = {
        .directory = run->options->temporary_directory,
        .memory_bytes = memory / parts > (1u << 20) ? memory / parts : 1u << 20,
    };
    TRY(sorter_open(run->arena, &options, out));
    arena_defer(run->arena, close_sorter, *out);
    return NULL;
}

/* A map that says its file's currency is refused whole where the brand counts in another. */
static ERR_RESULT check_currency(struct import_run *run)
{
    struct str currency = run->reader.columns.constant[IMPORT_CURRENCY];
    if (!str_is(currency) || str_eq_nocase(currency, run->brand->currency))
        return NULL;
    return ERR_NEW(run->arena, ERR_MAP_CURRENCY, run->options->path, currency,
                   run->brand->currency);
}

static ERR_RESULT open_run(struct import_run *run)
{
    struct store_job job = {.name = "import.deps", .fn = read_deps, .arg = run};
    open_phase_log(run);
    run->scratch = arena_new("import row", (size_t)256 << 20);
    arena_defer(run->arena, import_free_arena, run->scratch);
    const struct import_map *map = run->options->map;
    if (str_is(map->instead))
        return ERR_NEW(run->arena, ERR_MAP_NO_ORDERS, run->options->path, map->title_en,
                       map->title_zh, map->instead);
    TRY(store_read(run->store, run->arena, &job));
    TRY(import_map_settle(run->result_arena, run->options->path, map, &run->settled));
    run->latest_us = INT64_MIN;
    run->began_us = clock_now_us(&run->deps.clock);
    run->result->file_name = base_name(run->options->path);
    run->result->map_name = run->map->name;
    run->result->source = run->map->source;
    run->reader.brand = run->brand;
    run->reader.path = run->result->file_name;
    run->reader.wrong_column = &run->wrong_column;
    run->reader.now_us = run->began_us;
    run->reader.state_default = import_state_by_name(run->map->state_default);
    run->reader.above = &run->above;
    run->reader.zone = run->brand->zone;
    if (str_is(run->map->time_zone))
        TRY(zone_open(run->arena, run->map->time_zone, STR("time_zone"), &run->reader.zone));
    /* Of the sorters that fill at the same time, rows takes half of the memory. */
    TRY(open_sorter(run, 2, &run->rows));
    TRY(open_sorter(run, 4, &run->orders));
    TRY(open_sorter(run, 8, &run->refunds));
    if (run->options->dry_run)
        TRY(open_sorter(run, 8, &run->numbers));
    return open_sorter(run, 8, &run->rejects);
}

/* --- Reading --- */

static void describe_file(struct import_run *run, const struct import_table *table)
{
    struct import_result *result = run->result;
    result->encoding = str_copy(run->result_arena, table_input_encoding(table->input));
    result->header_row = table->header_row;
    if (run->map->format == IMPORT_FORMAT_CSV && !str_eq(result->encoding, STR("xlsx")))
        result->delimiter = run->map->delimiter.p[0];
    result->values = ARENA_ARRAY(run->result_arena, IMPORT_VALUES_MAX, struct import_value);
}

/* All sheets of a workbook, with what became of them. */
static void describe_sheets(struct import_run *run, struct import_table *table)
{
    struct import_result *result = run->result;
    struct arena *arena = run->result_arena;
    import_table_count_rest(table);
    result->sheets = ARENA_ARRAY(arena, (size_t)table->sheet_count, struct import_sheet);
    for (int i = 0; i < table->sheet_count; i++) {
        struct import_sheet sheet = table->sheets[i];
        sheet.name = str_copy(arena, sheet.name);
        sheet.why_en = str_copy(arena, sheet.why_en);
        sheet.why_zh = str_copy(arena, sheet.why_zh);
        result->rows_hidden += sheet.hidden_rows;
        result->sheets[result->sheet_count++] = sheet;
    }
}

static ERR_RESULT read_all(struct import_run *run)
{
    struct import_columns *columns = &run->reader.columns;
    struct import_table table;
    struct table_row cells;
    const struct err *bad;
    int64_t done, total;
    TRY(import_table_width(run->arena, run->map, run->options->path, &run->reader.usual_cells));
    TRY(import_table_open(run->arena, run->map, run->options->path, &table));
    run->reader.sheets = table.sheets;
    run->reader.layouts = table.layouts;
    run->reader.sheet_count = table.sheet_count;
    TRY(import_columns_bind(run->arena, run->options->path, run->map, table.header,
                            table.header_count, columns));
    TRY(check_currency(run));
    run->tells_paid_time = columns->of_kind[IMPORT_PAID_TIME] != COLUMN_NONE;
    run->lacks_balance = import_map_has(run->map, IMPORT_BALANCE_AMOUNT) &&
                         columns->of_kind[IMPORT_BALANCE_AMOUNT] == COLUMN_NONE &&
                         !columns->constant[IMPORT_BALANCE_AMOUNT].p;
    run->tells_refunds = columns->of_kind[IMPORT_REFUND_AMOUNT] != COLUMN_NONE ||
                         columns->of_kind[IMPORT_REFUND_STATE] != COLUMN_NONE ||
                         columns->constant[IMPORT_REFUND_AMOUNT].p;
    describe_file(run, &table);
    describe_columns(run);
    import_warn(run);
    for (;;) {
        arena_reset(run->scratch);
        TRY(import_table_next(&table, &cells, &bad));
        if (cells.end)
            break;
        TRY(read_row(run, &cells, bad));
        if (run->result->rows % 4096 != 0)
            continue;
        table_input_progress(table.input, &done, &total);
        import_progress(run, "read", done, total);
        TRY(import_go_on(run));
    }
    describe_sheets(run, &table);
    table_input_hash(table.input, run->file_hash);
    table_input_close(table.input);
    return NULL;
}

/* One more row with this word for a state; the words that come first are kept. */
static void count_value(struct import_run *run, enum import_kind kind, struct str value,
                        struct str normal)
{
    struct import_result *result = run->result;
    const struct import_columns *columns = &run->reader.columns;
    int column = columns->of_kind[kind];
    struct str name = column != COLUMN_NONE ? import_column_name(run->scratch, columns, column)
                                            : str_c(import_kind_info(kind)->name);
    value = import_cell_shown(run->scratch, kind, value);
    for (int i = 0; i < result->value_count; i++) {
        struct import_value *known = &result->values[i];
        if (str_eq(known->value, value) && str_eq(known->column, name)) {
            known->row_count++;
            return;
        }
    }
    if (result->value_count == IMPORT_VALUES_MAX || value.n > LIMIT_NAME_BYTES_MAX) {
        result->values_more_rows++;
        return;
    }
    result->values[result->value_count++] = (struct import_value){
        .column = str_copy(run->result_arena, name),
        .value = str_copy(run->result_arena, value),
        .normal = normal.p ? str_copy(run->result_arena, normal) : STR_NONE,
        .row_count = 1,
    };
}

static void count_values(struct import_run *run, const struct import_row *row)
{
    struct str state = row->state_word ? row->state_word->normal : STR_NONE;
    struct str refund = row->refund_word ? row->refund_word->normal : STR_NONE;
    if (!state.p && import_state_by_name(row->state_cell) != ORDER_STATE_MAX)
        state = row->state_cell;
    if (!refund.p && import_refund_by_name(row->refund_cell) != IMPORT_REFUND_UNTOLD)
        refund = row->refund_cell;
    if (str_is(row->state_cell))
        count_value(run, IMPORT_STATE, row->state_cell, state);
    if (str_is(row->refund_cell))
        count_value(run, IMPORT_REFUND_STATE, row->refund_cell, refund);
}

static struct import_fault fault_of(const struct import_run *run, const struct table_row *cells,
                                    const struct err *why)
{
    struct import_fault fault = {.why = why, .column = run->wrong_column};
    if (fault.column == COLUMN_NONE || fault.column >= cells->cell_count)
        return fault;
    enum import_kind kind = import_kind_of_column(&run->reader.columns, fault.column, 0);
    struct str cell = str_fit(str_trim(cells->cells[fault.column]), WRONG_VALUE_COLUMNS_MAX);
    fault.value = import_cell_shown(run->scratch, kind, cell.p ? cell : STR(""));
    return fault;
}

static void note_moments(struct import_run *run, const struct import_row *row)
{
    const int64_t moments[] = {row->time_us, row->paid_us, row->refund_us};
    for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++) {
        if (moments[i] > run->latest_us)
            run->latest_us = moments[i];
    }
}

/* A row of the file is one row, or (merged lines) several; if one of them is wrong, all are. */
static ERR_RESULT read_row(struct import_run *run, const struct table_row *cells,
                           const struct err *bad)
{
    struct import_result *result = run->result;
    struct table_row *parts = NULL;
    int count = 0;
    const struct err *why = bad;
    result->rows++;
    run->wrong_column = COLUMN_NONE;
    if (!bad)
        why = import_row_split(run->scratch, &run->reader, cells, &parts, &count);
    struct import_row *rows = ARENA_ARRAY(run->scratch, (size_t)count + 1, struct import_row);
    const struct import_row *row = &rows[0];
    const struct import_row merged = {.verdict = IMPORT_ROW_ORDER}; /* shown as its cells stand */
    for (int i = 0; i < count && !why; i++) {
        why = import_row_read(run->scratch, &run->reader, &parts[i], &rows[i]);
        if (why)
            row = &rows[i];
        count_values(run, &rows[i]);
    }
    const struct import_fault fault = fault_of(run, cells, why);
    import_preview_add(run, cells, count > 1 ? &merged : row, why ? &fault : NULL);
    result->masked_values += rows[0].masked_values;
    result->lost_values += rows[0].lost_values;
    if (why)
        return str_is(row->number) ? import_group_add(run, row, &fault)
                                   : import_reject(run, cells->line_number, &fault);
    if (row->verdict == IMPORT_ROW_SKIP) {
        result->rows_skipped++;
        result->rows_total += row->is_total;
        return NULL;
    }
    for (int i = 0; i < count; i++) {
        note_moments(run, &rows[i]);
        TRY(import_group_add(run, &rows[i], NULL));
    }
    return NULL;
}

static ERR_RESULT sort_rows(struct import_run *run)
{
    return sorter_finish(run->rows);
}

static ERR_RESULT sort_orders(struct import_run *run)
{
    sorter_close(run->rows);
    TRY(sorter_finish(run->orders));
    TRY(sorter_finish(run->refunds));
    return sorter_finish(run->rejects);
}

static ERR_RESULT next_buyer(struct sorter *sorter, uint8_t hash[SECRET_HASH_BYTES], bool *has)
{
    struct str key, value;
    TRY(sorter_next(sorter, &key, &value, has));
    if (*has)
        memcpy(hash, key.p, SECRET_HASH_BYTES);
    return NULL;
}

/* Distinct buyers: both sorters are in the order of their hashes. Those without one have a hash of
 * all ones. */
static ERR_RESULT count_customers(struct import_run *run)
{
    uint8_t order[SECRET_HASH_BYTES], refund[SECRET_HASH_BYTES], last[SECRET_HASH_BYTES],
        nobody[SECRET_HASH_BYTES];
    bool order_has, refund_has, first = true;
    memset(nobody, 0xff, sizeof(nobody));
    TRY(next_buyer(run->orders, order, &order_has));
    TRY(next_buyer(run->refunds, refund, &refund_has));
    while (order_has || refund_has) {
        bool take_order = order_has && (!refund_has || memcmp(order, refund, sizeof(order)) <= 0);
        const uint8_t *hash = take_order ? order : refund;
        bool named = memcmp(hash, nobody, sizeof(nobody)) != 0;
        bool again = !first && memcmp(hash, last, sizeof(last)) == 0;
        run->result->customers_seen += named && !again;
        memcpy(last, hash, sizeof(last));
        first = false;
        if (take_order)
            TRY(next_buyer(run->orders, order, &order_has));
        else
            TRY(next_buyer(run->refunds, refund, &refund_has));
    }
    TRY(sorter_rewind(run->orders));
    return sorter_rewind(run->refunds);
}

/* --- The run's own row
 * ---------------------------------------------------------------------------------------------- */

static const struct err *insert_run(struct tx *tx, void *arg)
{
    struct import_run *run = arg;
    struct sql_order_import_begin_in in = {
        .import_id = run->import_id,
        .file_hash = {(const char *)run->file_hash, sizeof(run->file_hash)},
        .file_name = run->result->file_name,
        .source = run->map->source,
        .map_name = run->map->name,
        .exported_at = run->exported_at_us,
        .exported_at_from = run->result->exported_at_from,
        .exported_at_unsure = run->result->exported_at_unsure,
        .started_at = run->began_us,
        .row_count = run->result->rows,
        .rejected_row_count = run->result->rows_rejected,
        .skipped_row_count = run->result->rows_skipped,
        .started_by = run->options->started_by.p ? run->options->started_by : STR(""),
        .upload_id = run->options->upload_id,
    };
    return sql_order_import_begin_run(tx, &in);
}

/* Before the first batch, so that a run that is killed leaves its exported_at to the next one over
 * the same file. */
static ERR_RESULT begin_writing(struct import_run *run)
{
    run->import_id = id_next(run->deps.ids);
    struct store_job job = {
        .name = "import.begin", .fn = insert_run, .arg = run, .again_if_ambiguous = true};
    return store_write(run->store, run->arena, &job);
}

static const struct err *update_run(struct tx *tx, void *arg)
{
    struct import_run *run = arg;
    struct sql_order_import_finish_in in = {
        .import_id = run->import_id,
        .finished_at = tx_now_us(tx),
        .order_new_count = run->result->orders_new,
        .order_changed_count = run->result->orders_changed,
        .order_same_count = run->result->orders_same,
        .refund_count = run->result->refunds,
    };
    return sql_order_import_finish_run(tx, &in);
}

static ERR_RESULT finish_writing(struct import_run *run)
{
    struct store_job job = {
        .name = "import.finish", .fn = update_run, .arg = run, .again_if_ambiguous = true};
    return store_write(run->store, run->arena, &job);
}

/* --- What is told about it
 * ------------------------------------------------------------------------------------------ */

static struct import_wrong copy_wrong(struct arena *arena, const struct import_wrong *wrong)
{
    struct import_wrong copy = *wrong;
    for (int lang = 0; lang < LANG_MAX; lang++)
        copy.message[lang] = str_copy(arena, wrong->message[lang]);
    copy.sheet = str_copy(arena, wrong->sheet);
    copy.column = str_copy(arena, wrong->column);
    copy.cell = str_copy(arena, wrong->cell);
    copy.value = str_copy(arena, wrong->value);
    return copy;
}

static void list_problems(struct import_run *run)
{
    struct import_result *result = run->result;
    result->problems = ARENA_ARRAY(run->result_arena, ERR_CODE_MAX, struct import_problem);
    for (int code = 0; code < ERR_CODE_MAX; code++) {
        if (run->problem_count[code] == 0)
            continue;
        result->problems[result->problem_count++] = (struct import_problem){
            .code = (enum err_code)code,
            .row_count = run->problem_count[code],
            .first_line = import_line_number(run->problem_line[code]),
            .first = copy_wrong(run->result_arena, &run->problem_first[code]),
        };
    }
}

static int last_column(const struct import_columns *columns)
{
    int last = columns->name_count - 1;
    for (int kind = 0; kind < IMPORT_KIND_MAX; kind++) {
        if (columns->of_kind[kind] > last)
            last = columns->of_kind[kind];
    }
    return last;
}

static void describe_columns(struct import_run *run)
{
    const struct import_columns *columns = &run->reader.columns;
    struct import_result *result = run->result;
    int last = last_column(columns);
    result->mapped_kinds = ARENA_ARRAY(run->result_arena, IMPORT_KIND_MAX, struct str);
    result->mapped_columns = ARENA_ARRAY(run->result_arena, IMPORT_KIND_MAX, struct str);
    result->unmapped_columns = ARENA_ARRAY(run->result_arena, (size_t)last + 1, struct str);
    result->mapped_indexes = ARENA_ARRAY(run->result_arena, IMPORT_KIND_MAX, int);
    for (int column = 0; column <= last; column++) {
        struct str name = import_column_name(run->result_arena, columns, column);
        int kind = import_kind_of_column(columns, column, 0);
        if (kind == IMPORT_KIND_MAX && !(column < columns->name_count && columns->unread[column]))
            result->unmapped_columns[result->unmapped_count++] = name;
        for (; kind < IMPORT_KIND_MAX; kind = import_kind_of_column(columns, column, kind + 1)) {
            result->mapped_indexes[result->mapped_count] = column;
            result->mapped_columns[result->mapped_count] = name;
            result->mapped_kinds[result->mapped_count++] =
                str_c(import_kind_info((enum import_kind)kind)->name);
        }
    }
}
