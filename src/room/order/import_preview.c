/* The first rows of a dry run, as they would be read, and what becomes of each. */
#include "base/arena.h"
#include "base/check.h"
#include "room/order/import_run.h"

#define PREVIEW_VALUE_COLUMNS_MAX 200 /* of a cell, as it is shown */

static const struct {
    const char *name;
    struct text title;
} verdicts[IMPORT_VERDICT_MAX] = {
    [IMPORT_ROW_ORDER] = {"order", TEXT("order", "订单")},
    [IMPORT_ROW_REFUND] = {"refund", TEXT("refund", "退款")},
    [IMPORT_ROW_SKIP] = {"skip", TEXT("left out", "略过")},
    [IMPORT_ROW_REPEATED] = {"repeated", TEXT("repeated", "重复")},
    [IMPORT_ROW_REJECTED] = {"reject", TEXT("rejected", "被拒")},
};

const char *import_verdict_name(enum import_verdict verdict)
{
    CHECK(verdict < IMPORT_VERDICT_MAX);
    return verdicts[verdict].name;
}

struct text import_verdict_title(enum import_verdict verdict)
{
    CHECK(verdict < IMPORT_VERDICT_MAX);
    return verdicts[verdict].title;
}

/* As the row reads it; a cell that is wrong as it stands. */
static struct str value_of(struct import_run *run, const struct table_row *cells,
                           const struct import_row *row, enum import_kind kind, int wrong_column)
{
    const struct {
        enum import_kind kind;
        int64_t time_us;
    } times[] = {{IMPORT_ORDER_TIME, row->time_us},
                 {IMPORT_PAID_TIME, row->paid_us},
                 {IMPORT_REFUND_TIME, row->refund_us}};
    const struct {
        enum import_kind kind;
        bool has;
        int64_t minor;
    } amounts[] = {{IMPORT_ORDER_AMOUNT, row->has_order_amount, row->order_amount_minor},
                   {IMPORT_LINE_AMOUNT, row->has_line_amount, row->line_amount_minor},
                   {IMPORT_REFUND_AMOUNT, row->has_refund_amount, row->refund_amount_minor}};
    bool masked;
    struct str cell =
        import_row_cell(run->result_arena, &run->reader.columns, cells, kind, &masked);
    if (masked)
        return STR("****");
    bool wrong = wrong_column != COLUMN_NONE && run->reader.columns.of_kind[kind] == wrong_column;
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]) && !wrong; i++) {
        if (times[i].kind == kind && times[i].time_us > 0)
            return zone_time_text(run->result_arena, run->brand->zone, times[i].time_us);
    }
    for (size_t i = 0; i < sizeof(amounts) / sizeof(amounts[0]) && !wrong; i++) {
        if (amounts[i].kind == kind && amounts[i].has)
            return minor_plain(run->result_arena, amounts[i].minor, run->brand->currency_digits);
    }
    cell = str_fit(cell, PREVIEW_VALUE_COLUMNS_MAX);
    return str_is(cell) ? import_cell_shown(run->result_arena, kind, cell) : STR("");
}

static void reject(struct import_run *run, int index, const struct import_fault *fault)
{
    struct import_preview_row *preview = &run->result->preview[index];
    preview->verdict = IMPORT_ROW_REJECTED;
    preview->why = ARENA_NEW(run->result_arena, struct import_wrong);
    *preview->why = import_wrong_of(run->result_arena, run, run->preview_lines[index], fault);
}

void import_preview_add(struct import_run *run, const struct table_row *cells,
                        const struct import_row *row, const struct import_fault *fault)
{
    struct import_result *result = run->result;
    if (!run->options->dry_run || result->preview_count == IMPORT_PREVIEW_ROWS)
        return;
    if (!result->preview)
        result->preview =
            ARENA_ARRAY(run->result_arena, IMPORT_PREVIEW_ROWS, struct import_preview_row);
    int index = result->preview_count++;
    struct import_preview_row *preview = &result->preview[index];
    run->preview_lines[index] = cells->line_number;
    *preview = (struct import_preview_row){
        .line_number = import_line_number(cells->line_number),
        .sheet = str_copy(run->result_arena, import_sheet_of(&run->reader, cells->line_number)),
        .verdict = row->verdict};
    preview->values = ARENA_ARRAY(run->result_arena, (size_t)result->mapped_count, struct str);
    for (int i = 0; i < result->mapped_count; i++)
        preview->values[i] = value_of(run, cells, row, import_kind_by_name(result->mapped_kinds[i]),
                                      fault ? fault->column : COLUMN_NONE);
    if (fault)
        reject(run, index, fault);
}

void import_preview_settle(struct import_run *run, int64_t line_number, enum import_verdict verdict,
                           const struct import_fault *fault)
{
    for (int i = 0; i < run->result->preview_count; i++) {
        struct import_preview_row *preview = &run->result->preview[i];
        if (run->preview_lines[i] != line_number || preview->verdict == IMPORT_ROW_REJECTED)
            continue;
        preview->verdict = verdict;
        if (fault)
            reject(run, i, fault);
    }
}
