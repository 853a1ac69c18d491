/* The export of a selection: read in slices, so that no transaction lasts long and memory stays
 * small. */
#include "room/insight/people_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "base/check.h"
#include "codec/table_input.h"
#include "codec/xlsx_output.h"

#define SLICE_CUSTOMERS 500
#define SLICE_BYTES_MAX (64u << 20)
#define SELECTED_BYTES_MAX ((size_t)4 << 30)
#define COLUMN_COUNT 12

const enum err_code people_file_errors[] = {
    ERR_PEOPLE_MONTH,        ERR_PEOPLE_KEEPER,    ERR_PEOPLE_MONEY, ERR_REPORT_DAYS,
    ERR_REPORT_EMPTY_BEFORE, ERR_REPORT_DAY_RANGE, ERR_SHEET_ROWS,   ERR_REPORT_NOT_READY,
    ERR_PEOPLE_IDS,          ERR_FILE_WRITE,       ERR_NONE};

static const struct text titles[COLUMN_COUNT] = {
    TEXT("Customer", "客户编号"),
    TEXT("Name", "姓名"),
    TEXT("Identity", "身份"),
    TEXT("First purchase day", "首个购买日"),
    TEXT("Last purchase day", "最近购买日"),
    TEXT("Purchase days", "购买日数"),
    TEXT("Orders", "订单数"),
    TEXT("Paid", "实付"),
    TEXT("Refunded", "退款"),
    TEXT("Net", "净额"),
    TEXT("Tags", "标签"),
    TEXT("Kept by", "负责员工"),
};

struct export
{
    struct call *call;
    struct arena *arena; /* of the selection */
    struct people people;
    struct engine_selected selected;
    size_t at; /* rows written */
    FILE *csv;
    struct xlsx_output *xlsx;
    struct str path;
};

static const struct err *select_tx(struct tx *tx, void *arg)
{
    struct export *export = arg;
    return people_read(tx, export->call, export->call->query, "?", &export->people);
}

static struct str list_text(struct arena *arena, const struct shape_list *tags)
{
    return str_join(arena, tags->items, tags->count, STR(", "));
}

static struct str day_or_nothing(struct arena *arena, int32_t day)
{
    return day == DAY_NONE ? STR("") : day_text(arena, day);
}

static struct str or_empty(struct str text)
{
    return text.p ? text : STR("");
}

/* A text that a spreadsheet would take for a formula gets an apostrophe before it (OWASP, CSV
 * injection). */
static struct str plain(struct arena *arena, struct str text)
{
    bool is_formula = text.n > 0 && memchr("=+-@\t\r", text.p[0], 6) != NULL;
    return is_formula ? str_fmt(arena, "'%.*s", STR_ARG(text)) : or_empty(text);
}

static const struct err *write_csv(struct export *export, const struct buf *out)
{
    if (fwrite(out->p, 1, out->n, export->csv) != out->n)
        return ERR_NEW(export->call->arena, ERR_FILE_WRITE, export->path, str_c(strerror(errno)));
    return NULL;
}

static void put_csv_row(struct arena *arena, const struct people_row *row, struct buf *out)
{
    struct str cells[COLUMN_COUNT] = {
        str_fmt(arena, "%lld", (long long)row->customer_id),
        plain(arena, row->name),
        plain(arena, row->identity),
        day_or_nothing(arena, row->first_day),
        day_or_nothing(arena, row->last_day),
        str_fmt(arena, "%lld", (long long)row->purchase_days),
        str_fmt(arena, "%lld", (long long)row->orders),
        row->paid,
        row->refunded,
        row->net,
        plain(arena, list_text(arena, &row->tags)),
        plain(arena, row->keeper_name),
    };
    csv_record(out, cells, COLUMN_COUNT);
}

static void put_day(struct xlsx_output *xlsx, int32_t day)
{
    if (day == DAY_NONE)
        xlsx_output_blank(xlsx);
    else
        xlsx_output_day(xlsx, day);
}

static void put_xlsx_row(struct export *export, struct arena *arena, const struct people_row *row,
                         const struct engine_customer *customer)
{
    struct xlsx_output *xlsx = export->xlsx;
    int digits = export->call->service->brand->currency_digits;
    xlsx_output_row(xlsx);
    xlsx_output_text(xlsx, str_fmt(arena, "%lld", (long long)row->customer_id));
    xlsx_output_text(xlsx, or_empty(row->name));
    xlsx_output_text(xlsx, or_empty(row->identity));
    put_day(xlsx, row->first_day);
    put_day(xlsx, row->last_day);
    xlsx_output_integer(xlsx, row->purchase_days);
    xlsx_output_integer(xlsx, row->orders);
    xlsx_output_decimal(xlsx, customer->paid_minor, digits);
    xlsx_output_decimal(xlsx, customer->refunded_minor, digits);
    xlsx_output_decimal(xlsx, customer->paid_minor - customer->refunded_minor, digits);
    xlsx_output_text(xlsx, list_text(arena, &row->tags));
    xlsx_output_text(xlsx, or_empty(row->keeper_name));
}

/* What one transaction reads. */
struct slice {
    struct export *export;
    struct call call; /* as the export's, with memory of its own */
    struct people_row *rows;
    size_t count;
};

static const struct err *slice_tx(struct tx *tx, void *arg)
{
    struct slice *slice = arg;
    struct people_staff staff;
    TRY(people_staff_read(tx, &staff));
    for (size_t i = 0; i < slice->count; i++)
        TRY(people_row_read(tx, &slice->call, &staff, true,
                            &slice->export->selected.rows[slice->export->at + i], &slice->rows[i]));
    return NULL;
}

static const struct err *write_slice(struct export *export, struct arena *arena)
{
    size_t left = export->selected.row_count - export->at;
    struct slice slice = {.export = export, .call = *export->call};
    slice.call.arena = arena;
    slice.count = left < SLICE_CUSTOMERS ? left : SLICE_CUSTOMERS;
    slice.rows = ARENA_ARRAY(arena, slice.count + 1, struct people_row);
    struct store_job job = {.name = "customers.export", .fn = slice_tx, .arg = &slice};
    TRY(store_read(export->call->service->store, arena, &job));
    struct buf out = buf_new(arena, SLICE_BYTES_MAX);
    for (size_t i = 0; i < slice.count; i++) {
        if (export->csv)
            put_csv_row(arena, &slice.rows[i], &out);
        else
            put_xlsx_row(export, arena, &slice.rows[i], &export->selected.rows[export->at + i]);
    }
    export->at += slice.count;
    return export->csv ? write_csv(export, &out) : NULL;
}

static const struct err *write_slices(struct export *export)
{
    const struct err *err = NULL;
    while (!err && export->at < export->selected.row_count) {
        struct arena *arena = arena_new("customers of an export", SLICE_BYTES_MAX * 2);
        err = write_slice(export, arena);
        if (err)
            err = err_copy(export->call->arena, err);
        arena_free(arena);
    }
    return err;
}

static const struct err *write_csv_file(struct export *export)
{
    struct call *call = export->call;
    struct str names[COLUMN_COUNT];
    struct buf head = buf_new(call->arena, 4096);
    for (int c = 0; c < COLUMN_COUNT; c++)
        names[c] = str_c(titles[c].in[call->lang]);
    buf_str(&head, STR("\xEF\xBB\xBF")); /* what makes Excel read UTF-8 */
    csv_record(&head, names, COLUMN_COUNT);
    export->csv = fopen(str_z(call->arena, export->path), "wxe");
    if (!export->csv)
        return ERR_NEW(call->arena, ERR_FILE_WRITE, export->path, str_c(strerror(errno)));
    const struct err *err = write_csv(export, &head);
    if (!err)
        err = write_slices(export);
    if (fclose(export->csv) != 0 && !err)
        err = ERR_NEW(call->arena, ERR_FILE_WRITE, export->path, str_c(strerror(errno)));
    if (err)
        remove(str_z(call->arena, export->path));
    return err;
}

static const struct err *write_xlsx_file(struct export *export)
{
    struct call *call = export->call;
    struct str names[COLUMN_COUNT];
    struct text title = TEXT("Customers", "客户");
    if (export->selected.row_count > XLSX_ROWS_MAX)
        return ERR_NEW(call->arena, ERR_SHEET_ROWS, STR("?format"),
                       str_fmt(call->arena, "%d", XLSX_ROWS_MAX),
                       str_fmt(call->arena, "%zu", export->selected.row_count));
    for (int c = 0; c < COLUMN_COUNT; c++)
        names[c] = str_c(titles[c].in[call->lang]);
    TRY(xlsx_output_open(call->arena, export->path, &export->xlsx));
    xlsx_output_sheet(export->xlsx, str_c(title.in[call->lang]));
    xlsx_output_header(export->xlsx, names, COLUMN_COUNT);
    TRY(write_slices(export)); /* an unfinished one leaves no file */
    return xlsx_output_finish(export->xlsx);
}

static const struct err *audit_tx(struct tx *tx, void *arg)
{
    struct export *export = arg;
    struct call *call = export->call;
    (void)tx; /* the row itself is written around this */
    call->audit_object = STR("customers");
    call->audit_after =
        str_fmt(call->arena, "{\"exported\":%zu,\"masked\":true}", export->selected.row_count);
    return NULL;
}

static const struct err *export_all(struct export *export)
{
    struct call *call = export->call;
    const struct people_query *query = call->query;
    const struct engine *engine;
    struct select_page page = people_page(query);
    bool is_csv = query->format == PEOPLE_CSV;
    const char *ending = is_csv ? "csv" : "xlsx";
    page.limit = INT32_MAX;
    TRY(people_engine(call, &engine));
    TRY(call_read(call, select_tx, export));
    TRY(engine_select(export->arena, engine, &export->people.selection, &page, &export->selected));
    export->path =
        str_fmt(call->arena, "%.*s/customers-%.*s.%s", STR_ARG(call->service->upload_directory),
                STR_ARG(call->request_id), ending);
    TRY(is_csv ? write_csv_file(export) : write_xlsx_file(export));
    const struct err *err = call_write(call, audit_tx, export);
    if (err) {
        remove(str_z(call->arena, export->path));
        return err;
    }
    call->file = (struct endpoint_file){
        .content_type =
            is_csv ? STR("text/csv; charset=utf-8")
                   : STR("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        .name = str_fmt(call->arena, "customers-%.*s.%s",
                        STR_ARG(day_text(call->arena, export->people.selection.scope.as_of_day)),
                        ending),
        .path = export->path};
    return NULL;
}

const struct err *people_file(struct call *call)
{
    struct export export = {.call = call};
    export.arena = arena_new("selection of an export", SELECTED_BYTES_MAX);
    const struct err *err = export_all(&export);
    if (err)
        err = err_copy(call->arena, err);
    arena_free(export.arena);
    return err;
}
