#include "base/calendar.h"
#include "base/decimal.h"
#include "cli/cli_import.h"
#include "cli/cli_table.h"

/* The counts of a result, in the order shown; those that are 0 and not `always` are left out for a
 * reader. */
struct count {
    const char *key;
    int64_t n;
    bool always;
    bool indent;
    struct text title;
};
#define COUNTS_MAX 28

static int counts_of(const struct import_result *r, struct count counts[COUNTS_MAX])
{
    const struct count all[] = {
        {"rows", r->rows, true, false, TEXT("Rows read", "读到的行")},
        {"rows_skipped", r->rows_skipped, false, true, TEXT("left out by the map", "按映射略过")},
        {"rows_repeated", r->rows_repeated, false, true,
         TEXT("a sub-order that comes again", "重复的子订单")},
        {"rows_total", r->rows_total, false, true,
         TEXT("totals, repeated headers, empty rows (among those left out)",
              "其中合计行、重复表头、空行")},
        {"rows_rejected", r->rows_rejected, true, true, TEXT("rejected", "被拒")},
        {"orders", r->orders, true, false, TEXT("Orders", "订单")},
        {"orders_new", r->orders_new, false, true, TEXT("new", "新增")},
        {"orders_changed", r->orders_changed, false, true, TEXT("changed", "更正")},
        {"orders_same", r->orders_same, false, true, TEXT("already known, the same", "已有且相同")},
        {"orders_older", r->orders_older, false, true,
         TEXT("older than what is known", "早于已知内容")},
        {"orders_kept", r->orders_kept, false, true,
         TEXT("that say less than is known: kept as they were", "内容少于已知：保持原样")},
        {"orders_lines_exceed", r->orders_lines_exceed, false, true,
         TEXT("whose lines sum up to more than the order's amount", "各行合计大于订单金额")},
        {"orders_unpaid", r->orders_unpaid, false, true,
         TEXT("not paid, or closed unpaid: no amount counts", "未付款或未付款即关闭：不计金额")},
        {"orders_without_buyer", r->orders_without_buyer, false, true,
         TEXT("without a buyer: on placeholders, left out of the reports",
              "没有买家：挂在占位客户上，不计入报表")},
        {"orders_by_receiver", r->orders_by_receiver, false, true,
         TEXT("known by the receiver's phone only (weak)", "仅凭收货人手机识别（弱线索）")},
        {"zero_amount_orders", r->zero_amount_orders, false, true,
         TEXT("of amount 0: they count as orders", "金额为 0：仍算订单")},
        {"orders_rejected", r->orders_rejected, false, false, TEXT("Orders rejected", "被拒订单")},
        {"order_lines", r->order_lines, true, false, TEXT("Order lines", "订单行")},
        {"refunds", r->refunds, true, false, TEXT("Refunds", "退款")},
        {"refunds_new", r->refunds_new, false, true, TEXT("new", "新增")},
        {"refunds_changed", r->refunds_changed, false, true, TEXT("changed", "更正")},
        {"refunds_same", r->refunds_same, false, true,
         TEXT("already known, the same", "已有且相同")},
        {"refunds_kept", r->refunds_kept, false, true,
         TEXT("of less than is known: kept as they were", "金额少于已知：保持原样")},
        {"refunds_by_state", r->refunds_by_state, false, true,
         TEXT("whole, because a state says so and no column how much",
              "按状态视为全额：文件没有退款金额")},
        {"refunds_without_order", r->refunds_without_order, false, true,
         TEXT("without a known order: they stand alone", "找不到订单：单独记账")},
        {"customers_seen", r->customers_seen, true, false, TEXT("Buyers", "买家")},
        {"masked_values", r->masked_values, false, false,
         TEXT("Masked values, which name nobody", "打码或加密的值（不作身份）")},
    };
    int n = (int)(sizeof(all) / sizeof(all[0]));
    for (int i = 0; i < n; i++)
        counts[i] = all[i];
    return n;
}

static void draw_head(struct page *page, const struct import_view *view)
{
    page_style(page, PAGE_BOLD);
    page_str(page, text_clean(page->arena, view->path));
    page_style(page, PAGE_PLAIN);
    page_char(page, '\n');
    const struct import_map *map = view->map;
    struct str title = page->lang == LANG_ZH ? map->title_zh : map->title_en;
    struct str name = str_is(title)
                          ? str_fmt(page->arena, "%.*s · %.*s", STR_ARG(map->name), STR_ARG(title))
                          : map->name;
    name = text_clean(page->arena, name);
    if (view->recognised)
        PAGE_SAY(page, "Map: {0}, recognised by the file's header.", "映射：{0}，按文件表头识别。",
                 name);
    else
        PAGE_SAY(page, "Map: {0}.", "映射：{0}。", name);
    if (view->result.file_known)
        PAGE_SAY(page, "This very file was imported before.", "这个文件以前导入过。");
    if (view->dry_run)
        PAGE_SAY(page, "Dry run: nothing was written.", "试运行：没有写入任何内容。");
    const struct text *from = &import_exported_info(view->result.exported_at_from)->text;
    PAGE_SAY(page, "Exported {0}: {1}.", "导出时间 {0}：{1}。",
             time_text(page->arena, view->result.exported_at_us), str_c(from->in[page->lang]));
}

/* Which map and why, and how the file is read: so that a wrong guess is seen at once. */
static void draw_reasons(struct page *page, struct arena *arena, const struct import_view *view)
{
    const struct import_result *result = &view->result;
    const struct import_recognition *why = &view->why;
    if (view->recognised) {
        struct str found = str_join(arena, why->found, (size_t)why->found_count, STR(", "));
        PAGE_SAY(page, "{0} of the file's columns are among the map's {1}. Read: {2}.",
                 "文件中有 {0} 列属于该映射的 {1} 列。读取：{2}。",
                 text_count(arena, why->found_count + why->unread_count),
                 text_count(arena, why->map_columns), text_clean(arena, found));
    }
    if (view->recognised && why->foreign_count > 0) {
        struct str foreign = str_join(arena, why->foreign, (size_t)why->foreign_count, STR(", "));
        PAGE_SAY(page, "Not known to the map: {0}.", "该映射不认识的列：{0}。",
                 text_clean(arena, foreign));
    }
    if (view->recognised && str_is(why->next))
        PAGE_SAY(page, "Next best: {0}, which knows {1} of the columns.",
                 "其次：{0}，认识其中 {1} 列。", why->next, text_count(arena, why->next_columns));
    struct str delimiter = result->delimiter == '\t' ? STR("TAB")
                           : result->delimiter       ? str_fmt(arena, "\"%c\"", result->delimiter)
                                                     : STR("-");
    PAGE_SAY(page, "Encoding {0}, delimiter {1}, header in row {2}.",
             "字符集 {0}，分隔符 {1}，表头在第 {2} 行。", result->encoding, delimiter,
             text_count(arena, result->header_row));
}

static void draw_values(struct page *page, struct arena *arena, const struct import_result *result)
{
    const bool zh = page->lang == LANG_ZH;
    const struct cli_column columns[] = {
        {zh ? STR("列") : STR("Column"), COLUMN_TEXT},
        {zh ? STR("文件中的值") : STR("value in the file"), COLUMN_TEXT},
        {zh ? STR("读作") : STR("read as"), COLUMN_TEXT},
        {zh ? STR("行数") : STR("rows"), COLUMN_NUMBER}};
    struct cli_table table = cli_table_new(arena, columns, 4);
    if (result->value_count == 0)
        return;
    for (int i = 0; i < result->value_count; i++) {
        const struct import_value *value = &result->values[i];
        struct str *cells = cli_table_row(&table);
        cells[0] = text_clean(arena, value->column);
        cells[1] = text_clean(arena, value->value);
        cells[2] = value->normal.p ? value->normal
                                   : (zh ? STR("！未知，被拒") : STR("! unknown: rejected"));
        cells[3] = text_count(arena, value->row_count);
    }
    page_char(page, '\n');
    cli_table_draw(page, &table);
    if (result->values_more_rows > 0)
        PAGE_SAY(page, "{0} rows have further values.", "另有 {0} 行为其他值。",
                 text_count(arena, result->values_more_rows));
}

static void draw_columns(struct page *page, struct arena *arena, const struct import_result *result)
{
    const struct cli_column columns[] = {
        {page->lang == LANG_ZH ? STR("文件中的列") : STR("Column in the file"), COLUMN_TEXT},
        {page->lang == LANG_ZH ? STR("读作") : STR("read as"), COLUMN_TEXT}};
    struct cli_table table = cli_table_new(arena, columns, 2);
    for (int i = 0; i < result->mapped_count; i++) {
        struct str *cells = cli_table_row(&table);
        cells[0] = text_clean(arena, result->mapped_columns[i]);
        cells[1] = result->mapped_kinds[i];
    }
    page_char(page, '\n');
    cli_table_draw(page, &table);
    if (result->unmapped_count == 0)
        return;
    struct str unread =
        str_join(arena, result->unmapped_columns, (size_t)result->unmapped_count, STR(", "));
    PAGE_SAY(page, "Not read: {0}", "没有读取的列：{0}", text_clean(arena, unread));
}

/* "order_number" as "order number", so that a title can be broken. */
static struct str spaced(struct arena *arena, struct str kind)
{
    struct buf out = buf_new(arena, PAGE_BYTES_MAX);
    for (size_t i = 0; i < kind.n; i++)
        buf_char(&out, kind.p[i] == '_' ? ' ' : kind.p[i]);
    return buf_view(&out);
}

static void draw_preview(struct page *page, struct arena *arena, const struct import_result *result)
{
    if (result->preview_count == 0)
        return;
    int count = result->mapped_count + 2;
    struct cli_column *columns = ARENA_ARRAY(arena, (size_t)count, struct cli_column);
    columns[0] =
        (struct cli_column){page->lang == LANG_ZH ? STR("行") : STR("Line"), COLUMN_NUMBER};
    columns[1].title = page->lang == LANG_ZH ? STR("作为") : STR("as");
    for (int c = 2; c < count; c++)
        columns[c].title = spaced(arena, result->mapped_kinds[c - 2]);
    struct cli_table table = cli_table_new(arena, columns, count);
    for (int r = 0; r < result->preview_count; r++) {
        const struct import_preview_row *row = &result->preview[r];
        struct str *cells = cli_table_row(&table);
        cells[0] = text_count(arena, row->line_number);
        cells[1] = text_clean(arena, row->verdict);
        for (int c = 2; c < count; c++)
            cells[c] = text_clean(arena, row->values[c - 2]);
    }
    page_char(page, '\n');
    PAGE_SAY(page, "The first rows, as they would be read (personal data masked):",
             "前几行将会这样读取（个人信息已脱敏）：");
    cli_table_draw(page, &table);
}

static void draw_counts(struct page *page, struct arena *arena, const struct import_view *view)
{
    const struct import_result *result = &view->result;
    struct count counts[COUNTS_MAX];
    struct cli_column columns[COUNTS_MAX + 4];
    struct str values[COUNTS_MAX + 4];
    int count = counts_of(result, counts), shown = 0;
    for (int i = 0; i < count; i++) {
        if (counts[i].n == 0 && !counts[i].always)
            continue;
        struct str title = str_c(counts[i].title.in[page->lang]);
        if (counts[i].indent)
            title = str_fmt(arena, "  %.*s", STR_ARG(title));
        columns[shown] = (struct cli_column){title, COLUMN_NUMBER};
        values[shown++] = text_count(arena, counts[i].n);
    }
    int digits = view->brand->currency_digits;
    struct str currency = view->brand->currency;
    columns[shown] = (struct cli_column){
        TEXT_FILL(arena, page->lang, "Paid, {0}", "实付（{0}）", currency), COLUMN_NUMBER};
    values[shown++] = minor_grouped(arena, result->amount_minor, digits);
    columns[shown] = (struct cli_column){
        TEXT_FILL(arena, page->lang, "Refunded, {0}", "退款（{0}）", currency), COLUMN_NUMBER};
    values[shown++] = minor_grouped(arena, result->refund_minor, digits);
    page_char(page, '\n');
    cli_list_draw(page, columns, values, shown);
    if (result->first_day != DAY_NONE)
        PAGE_SAY(page, "Orders from {0} to {1}.", "订单日期 {0} 至 {1}。",
                 day_text(arena, result->first_day), day_text(arena, result->last_day));
}

static struct str money_text(struct arena *arena, const struct import_view *view, int64_t minor)
{
    return minor_grouped(arena, minor, view->brand->currency_digits);
}

/* What the file did to what was known: a fall must be seen. */
static void draw_changed(struct page *page, struct arena *arena, const struct import_view *view)
{
    const struct import_result *result = &view->result;
    const struct order_money *money = &result->changed;
    if (result->orders_changed > 0)
        PAGE_SAY(page, "The changed orders: paid {0} before, {1} now.",
                 "更正的订单：实付原为 {0}，现为 {1}。",
                 money_text(arena, view, money->amount_before_minor),
                 money_text(arena, view, money->amount_after_minor));
    if (result->refunds_changed > 0)
        PAGE_SAY(page, "The changed refunds: {0} before, {1} now.",
                 "更正的退款：原为 {0}，现为 {1}。",
                 money_text(arena, view, money->refund_before_minor),
                 money_text(arena, view, money->refund_after_minor));
    if (result->orders_kept + result->refunds_kept > 0)
        PAGE_SAY(page,
                 "Kept: the file says less than is known (unpaid again, less given back, a step "
                 "undone), and does not say when it was exported. If it is newer than what is "
                 "known, import it with --exported-at.",
                 "保持原样：文件所述少于已知内容（又成未付款、退款变少、状态倒退），且没有说明导出时间。"
                 "若文件确实较新，请用 --exported-at 指定导出时间。");
}

static void draw_warnings(struct page *page, struct arena *arena,
                          const struct import_result *result)
{
    if (result->warning_count == 0)
        return;
    page_char(page, '\n');
    for (int i = 0; i < result->warning_count; i++) {
        const struct import_warning *warning = &result->warnings[i];
        struct str words = page->lang == LANG_ZH ? warning->zh : warning->en;
        PAGE_SAY(page, "Note: {0}", "注意：{0}", text_clean(arena, words));
    }
}

static void draw_problems(struct page *page, struct arena *arena,
                          const struct import_result *result)
{
    if (result->problem_count == 0)
        return;
    page_char(page, '\n');
    PAGE_SAY(page, "Why rows were rejected:", "行被拒的原因：");
    for (int i = 0; i < result->problem_count; i++) {
        const struct import_problem *problem = &result->problems[i];
        struct str words = page->lang == LANG_ZH ? problem->first_zh : problem->first;
        struct str line =
            TEXT_FILL(arena, page->lang, "{0} × {1}, first on line {2}: {3}",
                      "{0} 行 {1}，首见第 {2} 行：{3}", text_count(arena, problem->row_count),
                      str_c(err_info(problem->code)->name), text_count(arena, problem->first_line),
                      text_clean(arena, words));
        page_paragraph(page, line, 2);
    }
    if (str_is(result->reject_path))
        PAGE_SAY(page, "The rejected lines are in {0}: correct them there and import that file.",
                 "被拒的行在 {0}：改好后再导入该文件即可。",
                 text_clean(arena, result->reject_path));
}

void import_view_text(struct page *page, struct arena *arena, const struct import_view *view)
{
    draw_head(page, view);
    if (view->dry_run) {
        draw_reasons(page, arena, view);
        draw_columns(page, arena, &view->result);
        draw_values(page, arena, &view->result);
        draw_preview(page, arena, &view->result);
    }
    draw_counts(page, arena, view);
    draw_changed(page, arena, view);
    draw_warnings(page, arena, &view->result);
    draw_problems(page, arena, &view->result);
}

/* --- JSON --- */

static void put_text(struct json_writer *w, const char *key, struct str value)
{
    json_key(w, str_c(key));
    json_put_str(w, value);
}

static void put_columns(struct json_writer *w, const struct import_result *result)
{
    json_key(w, STR("columns"));
    json_open(w, '[');
    for (int i = 0; i < result->mapped_count; i++) {
        json_open(w, '{');
        put_text(w, "column", result->mapped_columns[i]);
        put_text(w, "kind", result->mapped_kinds[i]);
        json_close(w, '}');
    }
    json_close(w, ']');
    json_key(w, STR("columns_not_read"));
    json_open(w, '[');
    for (int i = 0; i < result->unmapped_count; i++)
        json_put_str(w, result->unmapped_columns[i]);
    json_close(w, ']');
}

static void put_names(struct json_writer *w, const char *key, const struct str *names, int count)
{
    json_key(w, str_c(key));
    json_open(w, '[');
    for (int i = 0; i < count; i++)
        json_put_str(w, names[i]);
    json_close(w, ']');
}

static void put_recognition(struct json_writer *w, const struct import_view *view)
{
    const struct import_recognition *why = &view->why;
    json_key(w, STR("recognition"));
    json_open(w, '{');
    put_names(w, "columns_read", why->found, why->found_count);
    put_names(w, "columns_known", why->unread, why->unread_count);
    put_names(w, "columns_unknown", why->foreign, why->foreign_count);
    json_key(w, STR("map_columns"));
    json_put_i64(w, why->map_columns);
    put_text(w, "next_map", why->next);
    json_key(w, STR("next_map_columns"));
    json_put_i64(w, why->next_columns);
    json_close(w, '}');
}

static void put_values(struct json_writer *w, const struct import_result *result)
{
    json_key(w, STR("values"));
    json_open(w, '[');
    for (int i = 0; i < result->value_count; i++) {
        const struct import_value *value = &result->values[i];
        json_open(w, '{');
        put_text(w, "column", value->column);
        put_text(w, "value", value->value);
        put_text(w, "read_as", value->normal);
        json_key(w, STR("rows"));
        json_put_i64(w, value->row_count);
        json_close(w, '}');
    }
    json_close(w, ']');
    json_key(w, STR("values_more_rows"));
    json_put_i64(w, result->values_more_rows);
}

static void put_format(struct json_writer *w, struct arena *arena,
                       const struct import_result *result)
{
    put_text(w, "encoding", result->encoding);
    put_text(w, "delimiter",
             result->delimiter ? str_fmt(arena, "%c", result->delimiter) : STR_NONE);
    json_key(w, STR("header_row"));
    json_put_i64(w, result->header_row);
}

static void put_preview(struct json_writer *w, const struct import_result *result)
{
    json_key(w, STR("preview"));
    json_open(w, '[');
    for (int r = 0; r < result->preview_count; r++) {
        const struct import_preview_row *row = &result->preview[r];
        json_open(w, '{');
        json_key(w, STR("line"));
        json_put_i64(w, row->line_number);
        put_text(w, "as", row->verdict);
        json_key(w, STR("values"));
        json_open(w, '{');
        for (int c = 0; c < result->mapped_count; c++) {
            json_key(w, result->mapped_kinds[c]);
            json_put_str(w, row->values[c]);
        }
        json_close(w, '}');
        json_close(w, '}');
    }
    json_close(w, ']');
}

static void put_problems(struct json_writer *w, const struct import_result *result)
{
    json_key(w, STR("problems"));
    json_open(w, '[');
    for (int i = 0; i < result->problem_count; i++) {
        const struct import_problem *problem = &result->problems[i];
        json_open(w, '{');
        put_text(w, "code", str_c(err_info(problem->code)->name));
        json_key(w, STR("rows"));
        json_put_i64(w, problem->row_count);
        json_key(w, STR("first_line"));
        json_put_i64(w, problem->first_line);
        put_text(w, "first", problem->first);
        put_text(w, "first_zh", problem->first_zh);
        json_close(w, '}');
    }
    json_close(w, ']');
}

static void put_warnings(struct json_writer *w, const struct import_result *result)
{
    json_key(w, STR("warnings"));
    json_open(w, '[');
    for (int i = 0; i < result->warning_count; i++) {
        const struct import_warning *warning = &result->warnings[i];
        json_open(w, '{');
        put_text(w, "kind", warning->kind);
        put_text(w, "column", warning->column);
        put_text(w, "en", warning->en);
        put_text(w, "zh", warning->zh);
        json_close(w, '}');
    }
    json_close(w, ']');
}

static void put_changed(struct json_writer *w, const struct import_view *view)
{
    const struct order_money *money = &view->result.changed;
    const struct {
        const char *key;
        int64_t minor;
    } sums[] = {{"changed_amount_before", money->amount_before_minor},
                {"changed_amount_after", money->amount_after_minor},
                {"changed_refund_before", money->refund_before_minor},
                {"changed_refund_after", money->refund_after_minor}};
    for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++) {
        json_key(w, str_c(sums[i].key));
        json_put_minor(w, sums[i].minor, view->brand->currency_digits);
    }
}

static void put_days(struct json_writer *w, struct arena *arena, const struct import_result *result)
{
    bool any = result->first_day != DAY_NONE;
    put_text(w, "first_day", any ? day_text(arena, result->first_day) : STR_NONE);
    put_text(w, "last_day", any ? day_text(arena, result->last_day) : STR_NONE);
}

void import_view_json(struct json_writer *w, struct arena *arena, const struct import_view *view)
{
    const struct import_result *result = &view->result;
    struct count counts[COUNTS_MAX];
    int count = counts_of(result, counts);
    json_open(w, '{');
    put_text(w, "file", view->path);
    put_text(w, "map", view->map->name);
    json_key(w, STR("map_recognised"));
    json_put_bool(w, view->recognised);
    put_text(w, "map_title_en", view->map->title_en);
    put_text(w, "map_title_zh", view->map->title_zh);
    if (view->recognised)
        put_recognition(w, view);
    put_format(w, arena, result);
    put_text(w, "source", result->source);
    json_key(w, STR("dry_run"));
    json_put_bool(w, view->dry_run);
    json_key(w, STR("file_known"));
    json_put_bool(w, result->file_known);
    put_text(w, "exported_at",
             result->exported_at_us == INT64_MIN ? STR_NONE
                                                 : time_text(arena, result->exported_at_us));
    put_text(w, "exported_at_from", str_c(import_exported_info(result->exported_at_from)->name));
    json_key(w, STR("exported_at_sure"));
    json_put_bool(w, !result->exported_at_unsure);
    for (int i = 0; i < count; i++) {
        json_key(w, str_c(counts[i].key));
        json_put_i64(w, counts[i].n);
    }
    put_text(w, "currency", view->brand->currency);
    json_key(w, STR("amount"));
    json_put_minor(w, result->amount_minor, view->brand->currency_digits);
    json_key(w, STR("refund_amount"));
    json_put_minor(w, result->refund_minor, view->brand->currency_digits);
    put_changed(w, view);
    put_days(w, arena, result);
    put_columns(w, result);
    put_values(w, result);
    if (view->dry_run)
        put_preview(w, result);
    put_warnings(w, result);
    put_problems(w, result);
    put_text(w, "reject_file", result->reject_path);
    json_close(w, '}');
}
