/* What an import did, or would do, for a reader. */
#include "base/calendar.h"
#include "base/check.h"
#include "base/decimal.h"
#include "cli/cli_import.h"
#include "cli/cli_table.h"

static struct str joined(struct page *page, const struct str *names, int count)
{
    return str_join(page->arena, names, (size_t)count,
                    page->lang == LANG_ZH ? STR("、") : STR(", "));
}

static void draw_head(struct page *page, const struct import_view *view)
{
    page_style(page, PAGE_BOLD);
    page_str(page, text_clean(page->arena, view->path));
    page_style(page, PAGE_PLAIN);
    page_char(page, '\n');
    const struct import_map *map = view->map;
    struct str title = page->lang == LANG_ZH ? map->title_zh : map->title_en;
    struct str name = str_is(title) ? TEXT_FILL(page->arena, page->lang, "{1} ({0})", "{1}（{0}）",
                                                map->name, title)
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
             zone_time_text(page->arena, view->brand->zone, view->result.exported_at_us),
             str_c(from->in[page->lang]));
}

/* utf-8 as UTF-8. */
static struct str upper(struct arena *arena, struct str name)
{
    struct buf out = buf_new(arena, PAGE_BYTES_MAX);
    for (size_t i = 0; i < name.n; i++) {
        bool small = name.p[i] >= 'a' && name.p[i] <= 'z';
        buf_char(&out, small ? (char)(name.p[i] - 'a' + 'A') : name.p[i]);
    }
    return buf_view(&out);
}

static struct str delimiter_text(struct page *page, char delimiter)
{
    if (delimiter == '\t')
        return TEXT_FILL(page->arena, page->lang, "TAB", "制表符");
    if (delimiter == 0)
        return TEXT_FILL(page->arena, page->lang, "white space", "空白");
    return str_fmt(page->arena, "\"%c\"", delimiter);
}

static void draw_format(struct page *page, struct arena *arena, const struct import_result *result)
{
    struct str row = text_count(arena, result->header_row);
    struct str encoding = upper(arena, result->encoding);
    if (str_eq(result->encoding, STR("xlsx")))
        PAGE_SAY(page, "A workbook (xlsx), header in row {0}.", "工作簿（xlsx），表头在第 {0} 行。",
                 row);
    else
        PAGE_SAY(page, "Encoding {0}, delimiter {1}, header in row {2}.",
                 "字符集 {0}，分隔符 {1}，表头在第 {2} 行。", encoding,
                 delimiter_text(page, result->delimiter), row);
}

/* Which map and why, and how the file is read: so that a wrong guess is seen at once. */
static void draw_reasons(struct page *page, struct arena *arena, const struct import_view *view)
{
    const struct import_result *result = &view->result;
    const struct import_recognition *why = &view->why;
    if (view->recognised) {
        struct str found = joined(page, why->found, why->found_count);
        PAGE_SAY(page, "{0} of the file's columns are among the map's {1}. Read: {2}.",
                 "文件中有 {0} 列属于该映射的 {1} 列。读取：{2}。",
                 text_count(arena, why->found_count + why->unread_count),
                 text_count(arena, why->map_columns), text_clean(arena, found));
    }
    if (view->recognised && why->foreign_count > 0) {
        struct str foreign = joined(page, why->foreign, why->foreign_count);
        PAGE_SAY(page, "Not known to the map: {0}.", "该映射不认识的列：{0}。",
                 text_clean(arena, foreign));
    }
    if (view->recognised && str_is(why->next))
        PAGE_SAY(page, "Next best: {0}, which knows {1} of the columns.",
                 "其次：{0}，认识其中 {1} 列。", why->next, text_count(arena, why->next_columns));
    draw_format(page, arena, result);
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
        struct text title;
        cells[2] = zh ? STR("！未知，被拒") : STR("! unknown: rejected");
        if (value->normal.p && import_word_title(value->normal, &title))
            cells[2] = str_c(title.in[page->lang]);
        cells[3] = text_count(arena, value->row_count);
    }
    page_char(page, '\n');
    cli_table_draw(page, &table);
    if (result->values_more_rows > 0)
        PAGE_SAY(page, "{0} rows have further values.", "另有 {0} 行为其他值。",
                 text_count(arena, result->values_more_rows));
}

static struct str kind_title(const struct page *page, struct str kind)
{
    return str_c(import_kind_info(import_kind_by_name(kind))->title.in[page->lang]);
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
        cells[1] = kind_title(page, result->mapped_kinds[i]);
    }
    page_char(page, '\n');
    cli_table_draw(page, &table);
    if (result->unmapped_count == 0)
        return;
    struct str unread = joined(page, result->unmapped_columns, result->unmapped_count);
    PAGE_SAY(page, "Not read: {0}", "没有读取的列：{0}", text_clean(arena, unread));
}

/* "rejected D4": why is said below the counts. */
static struct str verdict_text(struct page *page, const struct import_preview_row *row)
{
    struct str title = str_c(import_verdict_title(row->verdict).in[page->lang]);
    if (!row->why || !row->why->cell.p)
        return title;
    return str_fmt(page->arena, "%.*s %.*s", STR_ARG(title), STR_ARG(row->why->cell));
}

static void draw_preview(struct page *page, struct arena *arena, const struct import_view *view)
{
    const struct import_result *result = &view->result;
    if (result->preview_count == 0)
        return;
    int count = result->mapped_count + 2;
    struct cli_column *columns = ARENA_ARRAY(arena, (size_t)count, struct cli_column);
    columns[0] =
        (struct cli_column){page->lang == LANG_ZH ? STR("行") : STR("Line"), COLUMN_NUMBER};
    columns[1].title = page->lang == LANG_ZH ? STR("作为") : STR("as");
    for (int c = 2; c < count; c++)
        columns[c].title = kind_title(page, result->mapped_kinds[c - 2]);
    struct cli_table table = cli_table_new(arena, columns, count);
    for (int r = 0; r < result->preview_count; r++) {
        const struct import_preview_row *row = &result->preview[r];
        struct str *cells = cli_table_row(&table);
        cells[0] = text_count(arena, row->line_number);
        cells[1] = text_clean(arena, verdict_text(page, row));
        for (int c = 2; c < count; c++)
            cells[c] = text_clean(arena, row->values[c - 2]);
    }
    page_char(page, '\n');
    PAGE_SAY(page, "The first rows, as they would be read (times in {0}, personal data masked):",
             "前几行将会这样读取（时间为 {0} 时区，个人信息已脱敏）：",
             zone_name(view->brand->zone));
    cli_table_draw(page, &table);
}

static void draw_counts(struct page *page, struct arena *arena, const struct import_view *view)
{
    const struct import_result *result = &view->result;
    struct import_count counts[IMPORT_COUNTS_MAX];
    struct cli_column columns[IMPORT_COUNTS_MAX + 4];
    struct str values[IMPORT_COUNTS_MAX + 4];
    int count = import_view_counts(result, counts), shown = 0;
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
        PAGE_SAY(
            page,
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
        struct str line = TEXT_FILL(arena, page->lang, "{0} × error {1}, first on line {2}: {3}",
                                    "{0} 行（错误 {1}），首见第 {2} 行：{3}",
                                    text_count(arena, problem->row_count),
                                    str_fmt(arena, "%d", err_info(problem->code)->number),
                                    text_count(arena, problem->first_line),
                                    text_clean(arena, problem->first.message[page->lang]));
        page_paragraph(page, line, 2);
    }
    if (str_is(result->reject_path))
        PAGE_SAY(page, "The rejected lines are in {0}.", "被拒的行在 {0}。",
                 text_clean(arena, result->reject_path));
}

/* A workbook's sheets that were read, where there are several, and those that were not. */
static void draw_sheets(struct page *page, struct arena *arena, const struct import_result *result)
{
    for (int i = 0; i < result->sheet_count && result->sheet_count > 1; i++) {
        const struct import_sheet *sheet = &result->sheets[i];
        struct str name = text_clean(arena, sheet->name);
        struct str why = page->lang == LANG_ZH ? sheet->why_zh : sheet->why_en;
        if (sheet->read)
            PAGE_SAY(page, "Sheet {0}: {1} rows read.", "工作表“{0}”：读取 {1} 行。", name,
                     text_count(arena, sheet->rows));
        else if (sheet->rows != 0)
            PAGE_SAY(page, "Sheet {0}: not read, {1} rows. {2}",
                     "工作表“{0}”：未读取，共 {1} 行。{2}", name,
                     sheet->rows < 0 ? STR("?") : text_count(arena, sheet->rows),
                     text_clean(arena, why));
    }
}

void import_view_text(struct page *page, struct arena *arena, const struct import_view *view)
{
    draw_head(page, view);
    if (view->dry_run) {
        draw_reasons(page, arena, view);
        draw_columns(page, arena, &view->result);
        draw_values(page, arena, &view->result);
        draw_preview(page, arena, view);
    }
    draw_counts(page, arena, view);
    draw_changed(page, arena, view);
    draw_warnings(page, arena, &view->result);
    draw_sheets(page, arena, &view->result);
    if (view->recognised && view->why.common)
        PAGE_SAY(page,
                 "No platform's export: a table of your own, read by common column names ({0}). "
                 "Look at the columns of a dry run before you rely on it.",
                 "不是平台导出文件：按常见列名读取的自制表格（{0}）。"
                 "请先用 --dry-run 核对各列的含义。",
                 view->map->name);
    draw_problems(page, arena, &view->result);
}

/* --- All files together, and what comes next --- */

void import_totals_add(struct import_totals *totals, const struct import_result *result)
{
    totals->files++;
    totals->orders += result->orders;
    totals->orders_new += result->orders_new;
    totals->orders_changed += result->orders_changed;
    totals->orders_same += result->orders_same;
    totals->rows_rejected += result->rows_rejected;
    if (!add_i64(totals->amount_minor, result->amount_minor, &totals->amount_minor))
        totals->amount_minor = INT64_MAX;
}

static void draw_totals(struct page *page, const struct import_totals *totals)
{
    struct arena *arena = page->arena;
    struct str amount = minor_grouped(arena, totals->amount_minor, totals->brand->currency_digits);
    page_char(page, '\n');
    PAGE_SAY(page,
             "All {0} files: {1} orders ({2} new, {3} changed, {4} the same), paid {5} {6}, {7} "
             "rows rejected.",
             "共 {0} 个文件：订单 {1}（新增 {2}，更正 {3}，相同 {4}），实付 {5} {6}，被拒 {7} 行。",
             text_count(arena, totals->files), text_count(arena, totals->orders),
             text_count(arena, totals->orders_new), text_count(arena, totals->orders_changed),
             text_count(arena, totals->orders_same), amount, totals->brand->currency,
             text_count(arena, totals->rows_rejected));
    if (totals->rejecting_count > 0)
        PAGE_SAY(page, "With rejected rows: {0}.", "有被拒行的文件：{0}。",
                 text_clean(arena, joined(page, totals->rejecting, totals->rejecting_count)));
    struct str *failed = ARENA_ARRAY(arena, (size_t)totals->failed_count, struct str);
    for (int i = 0; i < totals->failed_count; i++)
        failed[i] = totals->failed[i].path;
    if (totals->failed_count > 0)
        PAGE_SAY(page, "Not imported at all: {0}.", "完全没有导入的文件：{0}。",
                 text_clean(arena, joined(page, failed, totals->failed_count)));
}

/* On a line of its own and never broken, so that it can be copied. */
static void draw_command(struct page *page, struct str command)
{
    page_str(page, STR("  "));
    page_str(page, text_clean(page->arena, command));
    page_char(page, '\n');
}

void import_totals_text(struct page *page, const struct import_totals *totals)
{
    if (totals->files + totals->failed_count > 1)
        draw_totals(page, totals);
    if (totals->files == 0)
        return;
    page_char(page, '\n');
    if (totals->dry_run) {
        PAGE_SAY(page, "Next step: if this is right, import it:", "下一步：确认无误后正式导入：");
    } else if (totals->rows_rejected > 0) {
        PAGE_SAY(
            page,
            "Next step: open the file of rejected lines, mend the cells that its first columns "
            "name, save it, and import it:",
            "下一步：打开被拒行文件，按前几列的说明改正单元格，保存后导入它：");
    } else {
        PAGE_SAY(page, "Next step: look at who comes back:", "下一步：查看复购情况：");
    }
    draw_command(page, totals->next);
}
