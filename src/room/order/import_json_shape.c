/* What import_json.c writes, as the OpenAPI document tells it: docs/import-json.md in shapes. */
#include "room/order/import_view.h"

#define SHAPE_OF(json_name, array)                                                                 \
    {                                                                                              \
        .name = json_name, .size = 0, SHAPE_FIELDS(array)                                          \
    }

/* --- The file's columns --- */

static const struct field column_fields[] = {
    SHAPE_TOLD("column", TEXT, "Its name in the file, or #3.", "文件中的列名，或 #3。",
               .required = true),
    SHAPE_TOLD("letter", TEXT, "As a spreadsheet names it: C.", "表格软件中的列号，如 C。",
               .required = true),
    SHAPE_TOLD("samples", LIST, "Some of its cells, masked where they may be personal.",
               "若干单元格；可能为个人信息的已脱敏。"),
};
const struct shape import_file_column_shape = SHAPE_OF("import_file_column", column_fields);

/* --- Why a map was chosen --- */

static const struct field candidate_fields[] = {
    SHAPE_TOLD("map", TEXT, "Its name.", "映射名。", .required = true),
    SHAPE_TOLD("title_en", TEXT, "As people call it, in English.", "英文名称。"),
    SHAPE_TOLD("title_zh", TEXT, "As people call it, in Chinese.", "中文名称。"),
    SHAPE_TOLD("columns", I64, "Columns of the file that it reads or knows.",
               "文件中它读取或认识的列数。"),
    SHAPE_TOLD("distinctive", BOOL, "One of them is in no other platform's files.",
               "其中有该平台独有的列。"),
    SHAPE_TOLD("missing", LIST, "Columns that it needs and the file does not have.",
               "它需要而文件没有的列。"),
};
const struct shape import_candidate_shape = SHAPE_OF("import_candidate", candidate_fields);

static const struct field recognition_fields[] = {
    SHAPE_TOLD("columns_read", LIST, "Columns of the file that the map reads.", "映射读取的列。"),
    SHAPE_TOLD("columns_known", LIST, "Those that it knows and does not read.",
               "认识但不读取的列。"),
    SHAPE_TOLD("columns_unknown", LIST, "Those that it does not know.", "不认识的列。"),
    SHAPE_TOLD("map_columns", I64, "Columns that the map reads or knows.",
               "映射读取或认识的列数。"),
    SHAPE_TOLD("common_names", BOOL, "No platform's file: read by names that any table may have.",
               "不是平台导出：按通用列名读取。"),
    SHAPE_TOLD("candidates", LIST, "Maps that were held against the file, the nearest first.",
               "比对过的映射，最接近的在前。", .sub = &import_candidate_shape),
    SHAPE_TOLD("next_map", TEXT, "The map that fits second best.", "第二接近的映射。"),
    SHAPE_TOLD("next_map_columns", I64, "Columns of the file that that one knows.",
               "它认识的列数。"),
};
static const struct shape recognition_shape = SHAPE_OF("import_recognition", recognition_fields);

/* --- How it is read --- */

static const struct field sheet_fields[] = {
    SHAPE_TOLD("name", TEXT, "The sheet.", "工作表。", .required = true),
    SHAPE_TOLD("read", BOOL, "Whether it was read.", "是否读取。"),
    SHAPE_TOLD("rows", I64, "Rows that hold something; -1: the sheet is damaged.",
               "有内容的行数；-1 为已损坏。"),
    SHAPE_TOLD("hidden_rows", I64, "Rows hidden in the workbook.", "隐藏的行数。"),
    SHAPE_TOLD("code", TEXT, "Error that says why it was not read.", "未读取的原因（错误名）。"),
    SHAPE_TOLD("message_en", TEXT, "That in English.", "英文原因。"),
    SHAPE_TOLD("message_zh", TEXT, "That in Chinese.", "中文原因。"),
};
static const struct shape sheet_shape = SHAPE_OF("import_sheet", sheet_fields);

static const struct field mapped_fields[] = {
    SHAPE_TOLD("column", TEXT, "Its name in the file, or #3.", "文件中的列名，或 #3。",
               .required = true),
    SHAPE_TOLD("letter", TEXT, "As a spreadsheet names it: C.", "表格软件中的列号，如 C。",
               .required = true),
    SHAPE_TOLD("kind", TEXT, "What it is read as: docs/import-maps.md.", "含义。",
               .required = true),
    SHAPE_TOLD("title_en", TEXT, "What that is called in English.", "含义的英文名称。",
               .required = true),
    SHAPE_TOLD("title_zh", TEXT, "What that is called in Chinese.", "含义的中文名称。",
               .required = true),
    SHAPE_TOLD("personal", BOOL, "Its values are masked wherever they are shown.",
               "显示时一律脱敏。"),
};
static const struct shape mapped_shape = SHAPE_OF("import_mapped_column", mapped_fields);

static const struct field value_fields[] = {
    SHAPE_TOLD("column", TEXT, "The column it stands in.", "所在列。", .required = true),
    SHAPE_TOLD("value", TEXT, "As it stands there.", "文件中的写法。", .required = true),
    SHAPE_TOLD("read_as", TEXT,
               "received, paid refunded, pending …; null: not known, its rows are rejected.",
               "如 received、paid refunded、pending；空为不认识，相应行被拒。"),
    SHAPE_TOLD("title_en", TEXT, "What that is called in English.", "含义的英文名称。"),
    SHAPE_TOLD("title_zh", TEXT, "What that is called in Chinese.", "含义的中文名称。"),
    SHAPE_TOLD("rows", I64, "Rows that have it.", "行数。"),
};
static const struct shape value_shape = SHAPE_OF("import_state_word", value_fields);

static const struct field kind_fields[] = {
    SHAPE_TOLD("kind", TEXT, "The kind.", "含义名。", .required = true),
    SHAPE_TOLD("title_en", TEXT, "As people call it, in English.", "英文名称。", .required = true),
    SHAPE_TOLD("title_zh", TEXT, "As people call it, in Chinese.", "中文名称。", .required = true),
    SHAPE_TOLD("doc_en", TEXT, "What it is, in English.", "英文说明。", .required = true),
    SHAPE_TOLD("doc_zh", TEXT, "What it is, in Chinese.", "中文说明。", .required = true),
    SHAPE_TOLD("personal", BOOL, "Its values are masked wherever they are shown.",
               "显示时一律脱敏。"),
};
static const struct shape kind_shape = SHAPE_OF("import_column_kind", kind_fields);

/* --- What is wrong --- */

static const struct field problem_fields[] = {
    SHAPE_TOLD("code", TEXT, "Name of the error: docs/errors.md.", "错误名。", .required = true),
    SHAPE_TOLD("number", I64, "Its number.", "错误编号。"),
    SHAPE_TOLD("sheet", TEXT, "Of a workbook of several sheets.", "多表工作簿中的工作表。"),
    SHAPE_TOLD("column", TEXT, "The column to look at; null: the row as a whole.",
               "要看的列；空为整行。"),
    SHAPE_TOLD("cell", TEXT, "C12: column C, line 12.", "如 C12。"),
    SHAPE_TOLD("value", TEXT,
               "What stands there, masked where it is personal; null: rows contradict one another.",
               "单元格内容，个人信息已脱敏；空为行间矛盾。"),
    SHAPE_TOLD("message_en", TEXT, "Where, what is wrong and what to do, in English.",
               "英文：何处、何错、如何处理。", .required = true),
    SHAPE_TOLD("message_zh", TEXT, "The same in Chinese.", "中文：何处、何错、如何处理。",
               .required = true),
    /* WRONG_FIELD_COUNT of them are of a row, too. */
    SHAPE_TOLD("rows", I64, "Rows rejected for it.", "因此被拒的行数。"),
    SHAPE_TOLD("first_line", I64, "The first of them, which the rest of this tells of.",
               "其中第一行，其余成员即该行的情况。"),
};
#define WRONG_FIELD_COUNT 8
static const struct shape wrong_shape = {
    .name = "import_wrong", .fields = problem_fields, .field_count = WRONG_FIELD_COUNT};
static const struct shape problem_shape = SHAPE_OF("import_problem", problem_fields);

static const struct field warning_fields[] = {
    SHAPE_TOLD("kind", TEXT, "What is missing.", "缺少的含义。", .required = true),
    SHAPE_TOLD("column", TEXT, "The column that the map looks for.", "映射所找的列。",
               .required = true),
    SHAPE_TOLD("message_en", TEXT, "What follows of it, in English.", "英文：影响。",
               .required = true),
    SHAPE_TOLD("message_zh", TEXT, "What follows of it, in Chinese.", "中文：影响。",
               .required = true),
};
static const struct shape warning_shape = SHAPE_OF("import_warning", warning_fields);

/* --- The first rows --- */

static const char *const verdicts[] = {"order", "refund", "skip", "repeated", "reject", NULL};
static const struct field row_fields[] = {
    SHAPE_TOLD("line", I64, "In the file, or in its sheet.", "文件（或工作表）中的行号。"),
    SHAPE_TOLD("sheet", TEXT, "Of a workbook of several sheets.", "多表工作簿中的工作表。"),
    SHAPE_TOLD("verdict", ENUM, "What becomes of it when the whole file is read.",
               "读完整个文件后如何处理该行。", .required = true, .values = verdicts),
    SHAPE_TOLD("title_en", TEXT, "What that is called in English.", "英文名称。", .required = true),
    SHAPE_TOLD("title_zh", TEXT, "What that is called in Chinese.", "中文名称。", .required = true),
    SHAPE_TOLD("wrong", JSON, "Why it is rejected; null: it is not.", "被拒的原因；未被拒为空。",
               .sub = &wrong_shape),
    SHAPE_TOLD("values", MAP,
               "By kind of column, as it is read: amounts as decimals, times local, people masked.",
               "按列的含义给出读到的值：金额为十进制数，时间为品牌当地时间，个人信息已脱敏。"),
};
static const struct shape row_shape = SHAPE_OF("import_preview_row", row_fields);

/* --- A file --- */

#define FROM(code, name, en, zh) name,
static const char *const exported_from[] = {IMPORT_EXPORTED_TABLE(FROM) NULL};
#undef FROM

static const struct field file_fields[] = {
    SHAPE_TOLD("file", TEXT, "Its name.", "文件名。", .required = true),
    SHAPE_TOLD("map", TEXT, "The map it is read by.", "所用映射。", .required = true),
    SHAPE_TOLD("map_recognised", BOOL, "Found by the file's columns, not named.",
               "按文件的列识别，而非指定。"),
    SHAPE_TOLD("map_title_en", TEXT, "As people call the map, in English.", "映射的英文名称。"),
    SHAPE_TOLD("map_title_zh", TEXT, "As people call the map, in Chinese.", "映射的中文名称。"),
    SHAPE_TOLD("recognition", JSON, "Why that map; null: it was named, or that was told before.",
               "识别依据；指定映射或已说明过时为空。", .sub = &recognition_shape),
    SHAPE_TOLD("encoding", TEXT, "utf-8, gb18030 …; xlsx for a workbook.",
               "编码，如 utf-8、gb18030；工作簿为 xlsx。", .required = true),
    SHAPE_TOLD("delimiter", TEXT, "Of a CSV file.", "CSV 的分隔符。"),
    SHAPE_TOLD("header_row", I64,
               "Which row names the columns, of those that are not blank; 0: none.",
               "第几个非空行为表头；0 为没有。"),
    SHAPE_TOLD("source", TEXT, "Who gives the order numbers their meaning.", "订单号的来源。",
               .required = true),
    SHAPE_TOLD("time_zone", TEXT, "Of all local times and days.", "时间与日期所用时区。",
               .required = true),
    SHAPE_TOLD("dry_run", BOOL, "Nothing was written.", "未写入。"),
    SHAPE_TOLD("file_known", BOOL, "This very file was imported before.", "同一文件曾导入过。"),
    SHAPE_TOLD("exported_at", TIME, "How old the file's knowledge is.", "文件内容的截止时间。"),
    SHAPE_TOLD("exported_at_from", ENUM, "How that was found.", "其由来。", .required = true,
               .values = exported_from),
    SHAPE_TOLD("exported_at_sure", BOOL, "Whether it is more than an upper bound.",
               "是否确切，而非仅为上限。"),
    SHAPE_TOLD("rows", I64, "Rows read; with the counts that follow.",
               "读到的行数，包含以下各项。"),
    SHAPE_TOLD("rows_skipped", I64, "Left out by the map.", "按映射略过的行。"),
    SHAPE_TOLD("rows_repeated", I64, "Say a sub-order once more.", "重复的子订单行。"),
    SHAPE_TOLD("rows_total", I64, "Of those left out: totals, repeated headers, empty rows.",
               "略过的行中的合计行、重复表头、空行。"),
    SHAPE_TOLD("rows_rejected", I64, "Rejected rows.", "被拒的行。"),
    SHAPE_TOLD("orders", I64, "Orders.", "订单。"),
    SHAPE_TOLD("orders_new", I64, "Not known before.", "新增订单。"),
    SHAPE_TOLD("orders_changed", I64, "Known, told otherwise now.", "更正的订单。"),
    SHAPE_TOLD("orders_same", I64, "Known and the same.", "已有且相同的订单。"),
    SHAPE_TOLD("orders_older", I64, "Older than what is known: nothing was changed.",
               "早于已知内容的订单：未作更改。"),
    SHAPE_TOLD("orders_kept", I64,
               "Say less than is known in a file of unsure age: nothing was changed.",
               "内容少于已知且文件时间不确定的订单：未作更改。"),
    SHAPE_TOLD("orders_lines_exceed", I64, "Their lines sum up to more than the order's amount.",
               "各行合计大于订单金额的订单。"),
    SHAPE_TOLD("orders_unpaid", I64, "In no sum of amounts.", "未付款的订单：不计金额。"),
    SHAPE_TOLD("orders_without_buyer", I64, "On placeholders, left out of the reports.",
               "没有买家的订单：不计入报表。"),
    SHAPE_TOLD("orders_by_receiver", I64, "Known by the receiver's phone only.",
               "仅凭收货人手机识别的订单。"),
    SHAPE_TOLD("zero_amount_orders", I64, "Of amount 0.", "金额为 0 的订单。"),
    SHAPE_TOLD("orders_rejected", I64, "Rejected orders.", "被拒的订单。"),
    SHAPE_TOLD("order_lines", I64, "Order lines.", "订单行。"),
    SHAPE_TOLD("refunds", I64, "Refunds.", "退款。"),
    SHAPE_TOLD("refunds_new", I64, "Not known before.", "新增退款。"),
    SHAPE_TOLD("refunds_changed", I64, "Known, told otherwise now.", "更正的退款。"),
    SHAPE_TOLD("refunds_same", I64, "Known and the same.", "已有且相同的退款。"),
    SHAPE_TOLD("refunds_kept", I64, "As orders_kept.", "同 orders_kept。"),
    SHAPE_TOLD("refunds_by_state", I64, "Whole, because a state says so and no column how much.",
               "按状态视为全额的退款：文件没有退款金额。"),
    SHAPE_TOLD("refunds_without_order", I64, "Without a known order.", "找不到订单的退款。"),
    SHAPE_TOLD("customers_seen", I64, "Buyers as the file names them.", "文件中的买家数。"),
    SHAPE_TOLD("masked_values", I64, "Values that name nobody because they are masked.",
               "打码的值，不作身份。"),
    SHAPE_TOLD("lost_values", I64, "Values for a person whose digits a spreadsheet lost.",
               "被表格软件丢失位数的个人信息。"),
    SHAPE_TOLD("rows_hidden", I64, "Rows hidden in the workbook; they were read.",
               "工作簿中隐藏的行，也已读取。"),
    SHAPE_TOLD("currency", TEXT, "ISO 4217 code of all amounts.", "金额币种。", .required = true),
    SHAPE_TOLD("amount", DECIMAL, "Of paid orders.", "已付订单金额。", .required = true),
    SHAPE_TOLD("refund_amount", DECIMAL, "Of refunds.", "退款金额。", .required = true),
    SHAPE_TOLD("changed_amount_before", DECIMAL, "What the changed orders were worth.",
               "更正前的订单金额。", .required = true),
    SHAPE_TOLD("changed_amount_after", DECIMAL, "And what they are worth now.",
               "更正后的订单金额。", .required = true),
    SHAPE_TOLD("changed_refund_before", DECIMAL, "The changed refunds, before.",
               "更正前的退款金额。", .required = true),
    SHAPE_TOLD("changed_refund_after", DECIMAL, "And now.", "更正后的退款金额。", .required = true),
    SHAPE_TOLD("first_day", DAY, "First day of the orders.", "订单首日。"),
    SHAPE_TOLD("last_day", DAY, "Last day of the orders.", "订单末日。"),
    SHAPE_TOLD("sheets", LIST, "Of a workbook, in its order; none of a text file.",
               "工作簿的各工作表；文本文件没有。", .sub = &sheet_shape),
    SHAPE_TOLD("columns", LIST, "The columns that are read, in the file's order.",
               "读取的列，按文件次序。", .sub = &mapped_shape),
    SHAPE_TOLD("columns_not_read", LIST, "The columns that are not.", "不读取的列。"),
    SHAPE_TOLD("values", LIST, "Each word that stands in the file for a state or refund state.",
               "文件中表示状态或售后状态的各个词。", .sub = &value_shape),
    SHAPE_TOLD("values_more_rows", I64, "Rows with words beyond those listed.",
               "所列之外的词所在的行数。"),
    SHAPE_TOLD("warnings", LIST,
               "Columns that the map reads and the file does not have, where money hangs on them.",
               "影响金额而文件缺少的列。", .sub = &warning_shape),
    SHAPE_TOLD("problems", LIST, "Why rows were rejected, a reason each.",
               "行被拒的原因，每种一条。", .sub = &problem_shape),
    SHAPE_TOLD("reject_file", TEXT, "Name of the file of rejected rows; null where there is none.",
               "被拒行文件名；没有则为空。"),
    /* PLAN_FIELD_COUNT more are of a dry run alone. */
    SHAPE_TOLD("kinds", LIST, "Every kind that a column can be read as.", "列可以有的全部含义。",
               .sub = &kind_shape),
    SHAPE_TOLD("preview", LIST, "The first ten rows.", "前十行。", .sub = &row_shape),
};
#define PLAN_FIELD_COUNT 2
#define FILE_FIELD_COUNT ((int)(sizeof(file_fields) / sizeof(file_fields[0])))
const struct shape import_plan_shape = SHAPE_OF("import_plan", file_fields);
const struct shape import_outcome_shape = {.name = "import_outcome",
                                           .fields = file_fields,
                                           .field_count = FILE_FIELD_COUNT - PLAN_FIELD_COUNT};
