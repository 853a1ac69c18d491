/* The reports as the console and programs ask for them. */
#include "base/arena.h"
#include "base/calendar.h"
#include "engine/engine.h"
#include "engine/metric_layout.h"
#include "engine/metric_link.h"
#include "room/insight/insight.h"
#include "room/insight/insight_file.h"
#include "room/insight/insight_kept.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SECTIONS_BYTES_MAX (16u << 20)
#define CELL_BYTES_MAX 40                /* of one that is no text, as JSON, with its comma */
#define FILE_PIECE_BYTES_MAX (64u << 20) /* of a CSV file, between two flushes */

/* --- Which reports there are --- */

struct column_out {
    struct str name, title, kind;
};
static const struct field column_fields[] = {
    SHAPE_FIELD(struct column_out, name, TEXT, "As in the rows.", "行中的字段名。",
                .required = true),
    SHAPE_FIELD(struct column_out, title, TEXT, "As people call it.", "名称。", .required = true),
    SHAPE_FIELD(struct column_out, kind, TEXT,
                "count, amount, mean_amount, ratio, number, day, month, text or id.",
                "count、amount、mean_amount、ratio、number、day、month、text 或 id。",
                .required = true),
};
static const struct shape column_shape = {
    .name = "report_column", .size = sizeof(struct column_out), SHAPE_FIELDS(column_fields)};

struct param_out {
    struct str name, value, column, plus;
};
static const struct field param_fields[] = {
    SHAPE_FIELD(struct param_out, name, TEXT, "Of the query of /customers.", "客户列表的查询参数。",
                .required = true),
    SHAPE_FIELD(struct param_out, value, TEXT,
                "Its value; null: what stands in the column of the row.",
                "取值；空为取该行该列的值。"),
    SHAPE_FIELD(struct param_out, column, TEXT, "The column.", "列。"),
    SHAPE_FIELD(struct param_out, plus, TEXT,
                "A month so many months later as stands in this column.", "月份再加此列的月数。"),
};
static const struct shape param_shape = {
    .name = "report_link_param", .size = sizeof(struct param_out), SHAPE_FIELDS(param_fields)};
struct link_out {
    struct str column, equals, when_column, when_value;
    struct shape_list params;
};
static const struct field link_fields[] = {
    SHAPE_FIELD(struct link_out, column, TEXT, "The column of the figure.", "指标所在列。",
                .required = true),
    SHAPE_FIELD(
        struct link_out, equals, TEXT,
        "What of those customers equals the figure: customers, orders, days, gaps, refunds, paid, "
        "refunded, net or amount; "
        "share: it is the share that they are; includes: they may count several times in it.",
        "这些客户的哪一项等于该数值：customers、orders、days、gaps、refunds、paid、refunded、net、a"
        "mount；share 为其占比；"
        "includes 表示同一客户可能计多次。",
        .required = true),
    SHAPE_FIELD(struct link_out, when_column, TEXT, "Only of rows where this column …",
                "仅当该行此列……"),
    SHAPE_FIELD(struct link_out, when_value, TEXT, "… is this; null: is empty.",
                "……为此值；空表示该列为空。"),
    SHAPE_FIELD(struct link_out, params, LIST,
                "Beside the report's own as_of, from, to and amount.",
                "此外带上报表的 as_of、from、to 与 amount。", .sub = &param_shape),
};
static const struct shape link_shape = {
    .name = "report_link", .size = sizeof(struct link_out), SHAPE_FIELDS(link_fields)};

struct section_out {
    struct str name, title, layout, row, key, size, value, bar, bar_second;
    bool rows_descending, long_list;
    struct shape_list columns, links;
};
static const struct field section_fields[] = {
    SHAPE_FIELD(struct section_out, name, TEXT, "As in the report's sections.", "部分的名称。",
                .required = true),
    SHAPE_FIELD(struct section_out, title, TEXT, "As people call it.", "标题。", .required = true),
    SHAPE_FIELD(struct section_out, layout, TEXT,
                "How it is best shown: table, list, matrix, cohort or curve.",
                "适合的呈现：table、list、matrix、cohort 或 curve。", .required = true),
    SHAPE_FIELD(struct section_out, row, TEXT, "Of a matrix: the column of its rows.",
                "矩阵的行。"),
    SHAPE_FIELD(struct section_out, key, TEXT, "Of a matrix: the column of its columns.",
                "矩阵的列。"),
    SHAPE_FIELD(struct section_out, size, TEXT, "Of a matrix: the column with the size of a row.",
                "矩阵每行的规模。"),
    SHAPE_FIELD(struct section_out, value, TEXT, "Of a matrix: the column of its values.",
                "矩阵的值。"),
    SHAPE_FIELD(struct section_out, bar, TEXT, "The column that a bar shows.", "用条形表示的列。"),
    SHAPE_FIELD(struct section_out, bar_second, TEXT, "And the one behind it.", "其后的列。"),
    SHAPE_FIELD(struct section_out, rows_descending, BOOL,
                "The rows of the matrix from high to low.", "矩阵的行由高到低。"),
    SHAPE_FIELD(struct section_out, long_list, BOOL, "May have very many rows: ask with a limit.",
                "可能有很多行：请给出 limit。"),
    SHAPE_FIELD(struct section_out, columns, LIST, "Its columns.", "列。", .sub = &column_shape),
    SHAPE_FIELD(struct section_out, links, LIST,
                "The customers behind its figures, as a query of /customers; of several for a "
                "column the first whose "
                "condition holds. A figure without one has no customers of its own behind it.",
                "指标背后的客户（客户列表的查询）；同一列有多个时取第一个条件成立者。没有链接的指标"
                "背后没有对应的客户。",
                .sub = &link_shape),
};
static const struct shape section_shape = {
    .name = "report_section", .size = sizeof(struct section_out), SHAPE_FIELDS(section_fields)};

struct declaration_out {
    struct str name, title, definition;
    struct shape_list sections;
};
static const struct field declaration_fields[] = {
    SHAPE_FIELD(struct declaration_out, name, TEXT, "As in its address.", "地址中的名称。",
                .required = true),
    SHAPE_FIELD(struct declaration_out, title, TEXT, "As people call it.", "标题。",
                .required = true),
    SHAPE_FIELD(struct declaration_out, definition, TEXT, "What its figures mean.", "指标定义。",
                .required = true),
    SHAPE_FIELD(struct declaration_out, sections, LIST, "Its parts.", "各部分。",
                .sub = &section_shape),
};
static const struct shape declaration_shape = {.name = "report_declaration",
                                               .size = sizeof(struct declaration_out),
                                               SHAPE_FIELDS(declaration_fields)};
struct declarations_out {
    struct shape_list items;
};
static const struct field declarations_fields[] = {
    SHAPE_FIELD(struct declarations_out, items, LIST, "All reports.", "全部报表。",
                .sub = &declaration_shape),
};
static const struct shape declarations_shape = {.name = "report_list",
                                                .size = sizeof(struct declarations_out),
                                                SHAPE_FIELDS(declarations_fields)};

static struct str text_or_none(const char *text)
{
    return text ? str_c(text) : STR_NONE;
}

static struct shape_list columns_of(struct arena *arena, const struct metric_section *section,
                                    enum lang lang)
{
    static const char *const kinds[] = {"count", "amount", "mean_amount", "ratio", "number",
                                        "day",   "month",  "text",        "id"};
    struct column_out *items = ARENA_ARRAY(arena, (size_t)section->column_count, struct column_out);
    for (int c = 0; c < section->column_count; c++) {
        const struct metric_column *column = &section->columns[c];
        items[c] = (struct column_out){str_c(column->name), str_c(column->title.in[lang]),
                                       str_c(kinds[column->kind])};
    }
    return (struct shape_list){items, (size_t)section->column_count};
}

static struct shape_list params_of(struct arena *arena, const struct metric_link *link)
{
    struct param_out *items = ARENA_ARRAY(arena, LINK_PARAMS_MAX, struct param_out);
    struct shape_list list = {items, 0};
    for (size_t i = 0; i < LINK_PARAMS_MAX && link->params[i].name; i++) {
        const struct link_param *param = &link->params[i];
        items[list.count++] =
            (struct param_out){str_c(param->name), text_or_none(param->value),
                               text_or_none(param->column), text_or_none(param->plus)};
    }
    return list;
}

static struct shape_list links_of(struct arena *arena, const struct metric *metric,
                                  const struct metric_section *section)
{
    struct link_out *items = ARENA_ARRAY(arena, (size_t)metric_link_count, struct link_out);
    struct shape_list list = {items, 0};
    for (int i = 0; i < metric_link_count; i++) {
        const struct metric_link *link = &metric_links[i];
        if (!str_eq(str_c(link->metric), str_c(metric->name)) ||
            !str_eq(str_c(link->section), str_c(section->name)))
            continue;
        items[list.count++] = (struct link_out){
            str_c(link->column), str_c(link_equals_name(link->equals)), text_or_none(link->when),
            text_or_none(link->when_value), params_of(arena, link)};
    }
    return list;
}

static struct section_out section_of(struct arena *arena, const struct metric *metric,
                                     const struct metric_section *section, enum lang lang)
{
    const struct layout *layout = layout_of(metric, section);
    return (struct section_out){
        .name = str_c(section->name),
        .title = str_c(section->title.in[lang]),
        .layout = str_c(layout_kind_name(layout->kind)),
        .row = text_or_none(layout->row),
        .key = text_or_none(layout->key),
        .size = text_or_none(layout->size),
        .value = text_or_none(layout->value),
        .bar = text_or_none(layout->bar),
        .bar_second = text_or_none(layout->bar_second),
        .rows_descending = layout->rows_descending,
        .long_list = layout->long_list,
        .columns = columns_of(arena, section, lang),
        .links = links_of(arena, metric, section),
    };
}

static const struct err *list_reports(struct call *call)
{
    struct declaration_out *items =
        ARENA_ARRAY(call->arena, (size_t)metric_count, struct declaration_out);
    for (int m = 0; m < metric_count; m++) {
        const struct metric *metric = metric_all[m];
        struct section_out *sections =
            ARENA_ARRAY(call->arena, (size_t)metric->section_count, struct section_out);
        for (int s = 0; s < metric->section_count; s++)
            sections[s] = section_of(call->arena, metric, &metric->sections[s], call->lang);
        items[m] = (struct declaration_out){str_c(metric->name),
                                            str_c(metric->title.in[call->lang]),
                                            str_c(metric->definition.in[call->lang]),
                                            {sections, (size_t)metric->section_count}};
    }
    ((struct declarations_out *)call->out)->items =
        (struct shape_list){items, (size_t)metric_count};
    return NULL;
}

/* --- One report --- */

enum { AMOUNT_NET, AMOUNT_GROSS };
static const char *const amounts[] = {"net", "gross", NULL};
enum { FORMAT_CSV, FORMAT_XLSX };
static const char *const formats[] = {"csv", "xlsx", NULL};

struct report_path {
    struct str report;
};
static const struct field report_path_fields[] = {
    SHAPE_FIELD(struct report_path, report, TEXT, "The report's name.", "报表名称。",
                .required = true, .max = 60),
};
static const struct shape report_path_shape = {
    .name = "report_path", .size = sizeof(struct report_path), SHAPE_FIELDS(report_path_fields)};

struct report_query {
    int32_t as_of_day, from_day, to_day;
    int amount, format;
    int64_t limit;
};
#define SCOPE_FIELDS                                                                               \
    SHAPE_FIELD_AS(struct report_query, as_of_day, "as_of", DAY,                                   \
                   "What happened on it and later is unknown; else the day after the last order.", \
                   "截止日：当日及以后的事不计；默认最后一单的次日。"),                            \
        SHAPE_FIELD_AS(struct report_query, from_day, "from", DAY,                                 \
                       "First purchase day looked at; else the first order's.",                    \
                       "所看的第一个购买日；默认首单当日。"),                                      \
        SHAPE_FIELD_AS(struct report_query, to_day, "to", DAY,                                     \
                       "Last purchase day looked at; else the day before as_of.",                  \
                       "所看的最后一个购买日；默认截止日前一天。"),                                \
        SHAPE_FIELD(struct report_query, amount, ENUM,                                             \
                    "Amounts net of refunds, each on its own day, or gross.",                      \
                    "金额口径：net 扣除退款，gross 不扣。", .values = amounts, .fallback = "net"), \
        SHAPE_FIELD(struct report_query, limit, I64, "Rows of a long list; 0: all.",               \
                    "长列表的行数；0 为全部。", .min = 0, .max = INT32_MAX, .fallback = "0")
static const struct field report_query_fields[] = {SCOPE_FIELDS};
static const struct shape report_query_shape = {
    .name = "report_query", .size = sizeof(struct report_query), SHAPE_FIELDS(report_query_fields)};
static const struct field file_query_fields[] = {
    SCOPE_FIELDS,
    SHAPE_FIELD(struct report_query, format, ENUM, "Kind of file.", "文件格式。", .values = formats,
                .fallback = "xlsx"),
};
static const struct shape file_query_shape = {.name = "report_file_query",
                                              .size = sizeof(struct report_query),
                                              SHAPE_FIELDS(file_query_fields)};

struct report_out {
    struct str report, title, definition, amount, currency, sections;
    int32_t as_of_day, from_day, to_day;
    struct shape_list notes;
};
static const struct field report_fields[] = {
    SHAPE_FIELD(struct report_out, report, TEXT, "Its name.", "报表名称。", .required = true),
    SHAPE_FIELD(struct report_out, title, TEXT, "As people call it.", "标题。", .required = true),
    SHAPE_FIELD(struct report_out, definition, TEXT, "What its figures mean.", "指标定义。",
                .required = true),
    SHAPE_FIELD_AS(struct report_out, as_of_day, "as_of", DAY,
                   "What happened on it and later is unknown.", "截止日。", .required = true),
    SHAPE_FIELD_AS(struct report_out, from_day, "from", DAY, "First purchase day looked at.",
                   "起始购买日。", .required = true),
    SHAPE_FIELD_AS(struct report_out, to_day, "to", DAY, "Last purchase day looked at.",
                   "结束购买日。", .required = true),
    SHAPE_FIELD(struct report_out, amount, TEXT, "net or gross.", "net 或 gross。",
                .required = true),
    SHAPE_FIELD(struct report_out, currency, TEXT, "ISO 4217 code of the amounts.", "金额币种。",
                .required = true),
    SHAPE_FIELD(struct report_out, notes, LIST, "What a reader must know beside the figures.",
                "看数须知。"),
    SHAPE_FIELD(struct report_out, sections, JSON_ROWS,
                "By section's name a list of rows; a row is an object by column's name. Amounts "
                "are numbers in the currency's "
                "unit with all their digits, ratios are fractions, days and months are texts, ids "
                "are strings.",
                "按部分名称给出各行；每行按列名给值。金额为货币单位的数，比率为小数，日期与月份为文"
                "本，编号为字符串。"),
};
static const struct shape report_shape = {
    .name = "report", .size = sizeof(struct report_out), SHAPE_FIELDS(report_fields)};

struct asked {
    struct call *call;
    struct report *report;
    int32_t first_day;
    struct str *notes;
    size_t note_count;
};

static const struct err *ask(struct call *call, struct asked *asked)
{
    const struct report_path *path = call->path;
    const struct report_query *query = call->query;
    const struct engine *engine = call->service->engine(call->service);
    struct insight_request request = {.metric_name = path->report,
                                      .as_of_day = query->as_of_day,
                                      .from_day = query->from_day,
                                      .to_day = query->to_day,
                                      .net = query->amount == AMOUNT_NET};
    const struct metric *metric;
    struct report_scope scope;
    TRY(insight_check_request(call->arena, &request, &metric));
    if (!engine)
        return ERR_NEW(call->arena, ERR_REPORT_NOT_READY, STR_NONE, STR("5"));
    const struct err *err = insight_scope_of_columns(call->arena, engine, call->service->brand,
                                                     &request, &metric, &scope, &asked->first_day);
    if (err && err->code == ERR_REPORT_EMPTY)
        TRY(insight_why_empty(call->arena, engine_left_out(engine)));
    TRY(err);
    TRY(engine_report(call->arena, engine, metric, &scope, &asked->report));
    insight_notes(call->arena, call->service->brand, asked->report, engine_left_out(engine),
                  asked->first_day, call->lang, &asked->notes, &asked->note_count);
    return NULL;
}

static struct insight_view view_of(struct call *call, const struct asked *asked)
{
    const struct report_query *query = call->query;
    return (struct insight_view){.report = asked->report,
                                 .brand_name = call->service->brand->name,
                                 .currency = call->service->brand->currency,
                                 .engine = STR("columns"),
                                 .notes = asked->notes,
                                 .note_count = asked->note_count,
                                 .limit = query->limit};
}

/* No more than so many bytes as JSON: a control character takes six. */
static size_t row_bytes_bound(const struct metric_section *is, const struct cell *cells)
{
    size_t bytes = 2;
    for (int c = 0; c < is->column_count; c++)
        bytes += str_c(is->columns[c].name).n + CELL_BYTES_MAX + 6 * cells[c].s.n;
    return bytes;
}

/* An answer is made in memory: what does not fit is refused before it is begun. */
static const struct err *check_size(struct call *call, const struct insight_view *view)
{
    size_t bytes = 0, rows = 0;
    for (int s = 0; s < view->report->metric->section_count; s++) {
        const struct report_section *section = &view->report->sections[s];
        size_t shown = insight_row_count(view, section, false);
        rows += shown;
        for (size_t r = 0; r < shown && bytes < SECTIONS_BYTES_MAX; r++)
            bytes += row_bytes_bound(section->is,
                                     section->cells + r * (size_t)section->is->column_count);
    }
    if (bytes < SECTIONS_BYTES_MAX / 2)
        return NULL;
    return ERR_NEW(call->arena, ERR_REPORT_ROWS, STR("?limit"), str_fmt(call->arena, "%zu", rows));
}

/* Of all that the answer depends on; false where the columns do not stand yet. */
static bool key_of(struct call *call, uint8_t key[SECRET_HASH_BYTES])
{
    const struct report_path *path = call->path;
    const struct report_query *query = call->query;
    struct str stand = call->service->columns_stand(call->service, call->arena);
    struct str text = str_fmt(call->arena, "%.*s %d %d %d %d %lld %d %.*s", STR_ARG(stand),
                              query->as_of_day, query->from_day, query->to_day, query->amount,
                              (long long)query->limit, (int)call->lang, STR_ARG(path->report));
    secret_content_hash(text, key);
    return stand.p != NULL;
}

static const struct err *make_report(struct call *call)
{
    struct asked asked = {.call = call};
    TRY(ask(call, &asked));
    const struct report *report = asked.report;
    struct insight_view view = view_of(call, &asked);
    TRY(check_size(call, &view));
    struct buf sections = buf_new(call->arena, SECTIONS_BYTES_MAX);
    struct json_writer w = json_writer(&sections, false);
    insight_put_sections(&w, call->arena, &view, (struct insight_flush){NULL, NULL});
    *(struct report_out *)call->out = (struct report_out){
        .report = str_c(report->metric->name),
        .title = str_c(report->metric->title.in[call->lang]),
        .definition = str_c(report->metric->definition.in[call->lang]),
        .as_of_day = report->scope.as_of_day,
        .from_day = report->scope.from_day,
        .to_day = report->scope.to_day,
        .amount = report->scope.net ? STR("net") : STR("gross"),
        .currency = view.currency,
        .notes = {asked.notes, asked.note_count},
        .sections = buf_view(&sections),
    };
    return NULL;
}

static void answer_kept(struct call *call, const struct kept_answer *answer)
{
    call->replay = answer->body;
    call->replay_packed = answer->packed;
    call->etag = answer->etag;
}

static const struct err *get_report(struct call *call)
{
    struct kept_answers *kept = call->service->kept;
    uint8_t key[SECRET_HASH_BYTES];
    struct kept_answer answer;
    if (!key_of(call, key))
        return make_report(call); /* says why not */
    if (!kept_find(kept, call->arena, key, &answer)) {
        const struct err *err = make_report(call);
        if (err) {
            kept_leave(kept, key);
            return err;
        }
        kept_put(kept, call->arena, key, endpoint_reply_json(call), &answer);
    }
    answer_kept(call, &answer);
    return NULL;
}

static struct str file_name(struct call *call, const struct report *report, const char *ending)
{
    return str_fmt(call->arena, "%s-%.*s.%s", report->metric->name,
                   STR_ARG(day_text(call->arena, report->scope.as_of_day)), ending);
}

/* A CSV file on its way to disk: rows of a brand of millions are never in memory all at once. */
struct csv_file {
    FILE *file;
    struct buf out;
};

static void write_piece(void *arg)
{
    struct csv_file *csv = arg;
    fwrite(csv->out.p, 1, csv->out.n, csv->file); /* ferror tells at the end */
    csv->out.n = 0;
}

static const struct err *write_csv(struct call *call, const struct insight_view *view,
                                   struct str path)
{
    struct csv_file csv = {.file = fopen(str_z(call->arena, path), "wbx"),
                           .out = buf_new(call->arena, FILE_PIECE_BYTES_MAX)};
    if (!csv.file)
        return ERR_NEW(call->arena, ERR_FILE_WRITE, path, str_c(strerror(errno)));
    buf_str(&csv.out, STR("\xEF\xBB\xBF")); /* what makes Excel read UTF-8 */
    insight_csv(&csv.out, call->arena, view, (struct insight_flush){write_piece, &csv});
    write_piece(&csv);
    bool failed = ferror(csv.file) != 0;
    failed = fclose(csv.file) != 0 || failed;
    if (!failed)
        return NULL;
    const struct err *err = ERR_NEW(call->arena, ERR_FILE_WRITE, path, str_c(strerror(errno)));
    unlink(str_z(call->arena, path));
    return err;
}

static const struct err *get_report_file(struct call *call)
{
    const struct report_query *query = call->query;
    struct asked asked = {.call = call};
    TRY(ask(call, &asked));
    struct insight_view view = view_of(call, &asked);
    int64_t rows;
    struct str path = str_fmt(call->arena, "%.*s/report-%.*s",
                              STR_ARG(call->service->upload_directory), STR_ARG(call->request_id));
    if (query->format == FORMAT_CSV) {
        call->file = (struct endpoint_file){.content_type = STR("text/csv; charset=utf-8"),
                                            .name = file_name(call, asked.report, "csv"),
                                            .path = path};
        return write_csv(call, &view, path);
    }
    TRY(insight_xlsx(call->arena, &view, call->lang, path, &rows));
    call->file = (struct endpoint_file){
        .content_type = STR("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        .name = file_name(call, asked.report, "xlsx"),
        .path = path};
    return NULL;
}

#define WHO_SEES_FIGURES                                                                           \
    {                                                                                              \
        [ROLE_OWNER] = REACH_ALL, [ROLE_OPERATOR] = REACH_ALL, [ROLE_ENGINEER] = REACH_ALL         \
    }

#define REPORT_ERRORS                                                                              \
    ERR_REPORT_UNKNOWN, ERR_REPORT_NOT_READY, ERR_REPORT_DAYS, ERR_REPORT_EMPTY,                   \
        ERR_REPORT_EMPTY_BEFORE, ERR_REPORT_NO_BUYERS
static const enum err_code report_errors[] = {REPORT_ERRORS, ERR_REPORT_ROWS, ERR_NONE};
static const enum err_code file_errors[] = {REPORT_ERRORS, ERR_SHEET_ROWS, ERR_FILE_WRITE,
                                            ERR_NONE};

static const struct endpoint endpoints[] = {
    {.name = "listReports",
     .method = METHOD_GET,
     .path = "/api/v1/reports",
     .scope = SCOPE_REPORTS_READ,
     .reach = WHO_SEES_FIGURES,
     .out = &declarations_shape,
     .handler = list_reports,
     .title = TEXT("Reports and their definitions", "报表与定义")},
    {.name = "getReport",
     .method = METHOD_GET,
     .path = "/api/v1/reports/{report}",
     .scope = SCOPE_REPORTS_READ,
     .reach = WHO_SEES_FIGURES,
     .path_shape = &report_path_shape,
     .query_shape = &report_query_shape,
     .out = &report_shape,
     .errors = report_errors,
     .handler = get_report,
     .title = TEXT("A report", "报表")},
    {.name = "getReportFile",
     .method = METHOD_GET,
     .path = "/api/v1/reports/{report}/file",
     .scope = SCOPE_REPORTS_READ,
     .reach = WHO_SEES_FIGURES,
     .flags = ENDPOINT_FILE,
     .path_shape = &report_path_shape,
     .query_shape = &file_query_shape,
     .errors = file_errors,
     .handler = get_report_file,
     .title = TEXT("A report as a workbook or CSV", "报表文件（xlsx 或 CSV）")},
};
const struct endpoint_table insight_endpoints = {
    .tag = "insight", .title = TEXT("Figures", "洞察"), ENDPOINTS(endpoints)};
