/* Reports by their SQL twins, and what goes with every report: the days looked at and the notes. */
#include "room/insight/insight.h"

#include "base/arena.h"
#include "base/check.h"
#include "base/decimal.h"
#include "base/limits.h"
#include "contract/shape.h"
#include "sql_insight.h"

/* The parameters of every twin, in the order in which all of them declare them. */
struct twin_in {
    int64_t as_of, from_day, to_day, net, unit;
};
static const struct stmt_field twin_fields[] = {
    {"as_of", STMT_I64, false, offsetof(struct twin_in, as_of)},
    {"from_day", STMT_I64, false, offsetof(struct twin_in, from_day)},
    {"to_day", STMT_I64, false, offsetof(struct twin_in, to_day)},
    {"net", STMT_I64, false, offsetof(struct twin_in, net)},
    {"unit", STMT_I64, false, offsetof(struct twin_in, unit)},
};
#define TWIN_FIELD_COUNT (int)(sizeof(twin_fields) / sizeof(twin_fields[0]))

/* Reports in which it matters that a customer of earlier days looks new when the data begins. By
 * cohort the month is always among the rows; elsewhere only where it is among the days looked at.
 */
static const struct first_month_report {
    const char *name;
    bool always;
} first_month_reports[] = {
    {"cohorts", true}, {"cohort-revenue", true},   {"monthly", false},
    {"nday", false},   {"second-purchase", false}, {"by-first-product", false},
};

/* --- The days looked at --- */

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

static struct str nearest_metric_name(struct arena *arena, struct str name)
{
    struct str *names = ARENA_ARRAY(arena, (size_t)metric_count, struct str);
    for (int i = 0; i < metric_count; i++)
        names[i] = str_c(metric_all[i]->name);
    return nearest_word(name, names, metric_count);
}

static const struct err *check_day(struct arena *arena, struct str field, int32_t day,
                                   int32_t day_max)
{
    if (day == DAY_NONE || (day >= LIMIT_DAY_MIN && day <= day_max))
        return NULL;
    return ERR_NEW(arena, ERR_REPORT_DAY_RANGE, field, day_text(arena, day),
                   day_text(arena, LIMIT_DAY_MIN), day_text(arena, day_max));
}

const struct err *insight_check_request(struct arena *arena, const struct insight_request *request,
                                        const struct metric **metric)
{
    *metric = metric_by_name(request->metric_name);
    if (!*metric)
        return ERR_NEW(arena, ERR_REPORT_UNKNOWN, STR("report"), request->metric_name,
                       nearest_metric_name(arena, request->metric_name));
    TRY(check_day(arena, STR("--as-of"), request->as_of_day, LIMIT_DAY_MAX + 1));
    TRY(check_day(arena, STR("--from"), request->from_day, LIMIT_DAY_MAX));
    return check_day(arena, STR("--to"), request->to_day, LIMIT_DAY_MAX);
}

/* Where the days come from: the columns, or without them the tables. */
struct days_source {
    struct arena *arena;
    const struct engine *engine;
    struct tx *tx;
};
struct known_days {
    int32_t first, last; /* DAY_NONE: there are none */
};

/* First and last day with a counted order, as known on as_of_day. */
static const struct err *known_days(const struct days_source *source, int32_t as_of_day,
                                    struct known_days *days)
{
    if (source->engine) {
        engine_days(source->engine, as_of_day, &days->first, &days->last);
        return NULL;
    }
    struct sql_insight_days_in in = {.as_of = as_of_day};
    struct sql_insight_days_out out;
    bool found;
    TRY(sql_insight_days_one(source->tx, &in, &out, &found));
    CHECK(found);
    days->first = out.first_day.set ? (int32_t)out.first_day.v : DAY_NONE;
    days->last = out.last_day.set ? (int32_t)out.last_day.v : DAY_NONE;
    return NULL;
}

static const struct err *resolve_days(const struct days_source *source,
                                      const struct insight_request *request,
                                      struct report_scope *scope, int32_t *first_day)
{
    struct arena *arena = source->arena;
    struct known_days days;
    scope->as_of_day = request->as_of_day;
    if (scope->as_of_day == DAY_NONE) {
        TRY(known_days(source, LIMIT_DAY_MAX + 1, &days));
        if (days.last == DAY_NONE)
            return ERR_NEW(arena, ERR_REPORT_EMPTY, STR_NONE);
        scope->as_of_day = days.last + 1;
    }
    /* Asked again: an order refunded whole on that day or later still counts on it. */
    TRY(known_days(source, scope->as_of_day, &days));
    if (days.first == DAY_NONE)
        return ERR_NEW(arena, ERR_REPORT_EMPTY_BEFORE, STR("--as-of"),
                       day_text(arena, scope->as_of_day));
    *first_day = days.first;
    scope->from_day = request->from_day == DAY_NONE ? days.first : request->from_day;
    scope->to_day = scope->as_of_day - 1;
    if (request->to_day != DAY_NONE)
        scope->to_day = smaller(request->to_day, scope->to_day);
    if (scope->from_day > scope->to_day)
        return ERR_NEW(arena, ERR_REPORT_DAYS, STR("--from"), day_text(arena, scope->from_day),
                       day_text(arena, scope->to_day));
    return NULL;
}

static const struct err *resolve(const struct days_source *source, const struct brand *brand,
                                 const struct insight_request *request,
                                 const struct metric **metric, struct report_scope *scope,
                                 int32_t *first_day)
{
    TRY(insight_check_request(source->arena, request, metric));
    *scope = (struct report_scope){.net = request->net, .currency_digits = brand->currency_digits};
    return resolve_days(source, request, scope, first_day);
}

const struct err *insight_scope(struct tx *tx, const struct brand *brand,
                                const struct insight_request *request, const struct metric **metric,
                                struct report_scope *scope, int32_t *first_day)
{
    struct days_source source = {.arena = tx_arena(tx), .tx = tx};
    return resolve(&source, brand, request, metric, scope, first_day);
}

const struct err *insight_scope_of_columns(struct arena *arena, const struct engine *engine,
                                           const struct brand *brand,
                                           const struct insight_request *request,
                                           const struct metric **metric,
                                           struct report_scope *scope, int32_t *first_day)
{
    struct days_source source = {.arena = arena, .engine = engine};
    return resolve(&source, brand, request, metric, scope, first_day);
}

/* --- The twins --- */

static enum stmt_type type_of_kind(enum cell_kind kind)
{
    switch (kind) {
    case CELL_COUNT:
    case CELL_AMOUNT:
    case CELL_DAY:
    case CELL_MONTH:
    case CELL_ID:
        return STMT_I64;
    case CELL_MEAN_AMOUNT:
    case CELL_RATIO:
    case CELL_NUMBER:
        return STMT_F64;
    case CELL_TEXT:
        return STMT_TEXT;
    }
    CHECK(false);
    return STMT_I64;
}

static bool field_is(const struct stmt_field *field, const char *name, enum stmt_type type)
{
    return str_eq(str_c(field->name), str_c(name)) && field->type == type;
}

/* What is wrong between a section and its statement; absent where nothing is. */
static struct str section_fault(struct arena *arena, const struct metric_section *section)
{
    const char *name = section->statement;
    const struct stmt *stmt = stmt_by_name(name);
    if (!stmt)
        return str_fmt(arena, "%s: there is no such statement", name);
    if (stmt->in_count != TWIN_FIELD_COUNT || stmt->in_size != sizeof(struct twin_in))
        return str_fmt(arena, "%s: %d parameters, not %d", name, stmt->in_count, TWIN_FIELD_COUNT);
    for (int i = 0; i < stmt->in_count; i++) {
        const struct stmt_field *in = &stmt->in[i], *twin = &twin_fields[i];
        if (!field_is(in, twin->name, twin->type) || in->nullable || in->offset != twin->offset)
            return str_fmt(arena, "%s: parameter %d is not %s", name, i + 1, twin->name);
    }
    if (stmt->out_count != section->column_count)
        return str_fmt(arena, "%s: %d columns, not %d", name, stmt->out_count,
                       section->column_count);
    for (int i = 0; i < stmt->out_count; i++) {
        const struct metric_column *column = &section->columns[i];
        if (!field_is(&stmt->out[i], column->name, type_of_kind(column->kind)))
            return str_fmt(arena, "%s: column %d is not the declared %s", name, i + 1,
                           column->name);
    }
    return STR_NONE;
}

struct str insight_check(struct arena *arena)
{
    for (int m = 0; m < metric_count; m++) {
        for (int s = 0; s < metric_all[m]->section_count; s++) {
            struct str fault = section_fault(arena, &metric_all[m]->sections[s]);
            if (fault.p)
                return fault;
        }
    }
    return STR_NONE;
}

/* A column's value as a cell; text is copied, it does not outlast its row. */
static struct cell read_cell(struct arena *arena, const struct stmt_field *field, const char *row)
{
    const void *at = row + field->offset;
    const struct cell none = {.null = true};
    switch (field->type) {
    case STMT_I64:
        if (!field->nullable)
            return cell_i(*(const int64_t *)at);
        return ((const struct opt_i64 *)at)->set ? cell_i(((const struct opt_i64 *)at)->v) : none;
    case STMT_F64:
        if (!field->nullable)
            return cell_f(*(const double *)at);
        return ((const struct opt_f64 *)at)->set ? cell_f(((const struct opt_f64 *)at)->v) : none;
    case STMT_TEXT:
    case STMT_BYTES:
        break;
    }
    struct str text = *(const struct str *)at;
    return text.p ? cell_s(str_copy(arena, text)) : none;
}

static const struct err *run_section(struct tx *tx, const struct twin_in *in, struct report *report,
                                     int section)
{
    const struct metric_section *is = &report->metric->sections[section];
    CHECK(!section_fault(report->arena, is).p);
    const struct stmt *stmt = stmt_by_name(is->statement);
    char *row = arena_alloc(report->arena, stmt->out_size);
    struct stmt_cursor cursor;
    TRY(stmt_open(tx, stmt, in, &cursor));
    for (;;) {
        bool has;
        TRY(stmt_next(&cursor, row, &has));
        if (!has)
            return NULL;
        struct cell *cells = report_row(report, section);
        for (int i = 0; i < stmt->out_count; i++)
            cells[i] = read_cell(report->arena, &stmt->out[i], row);
    }
}

const struct err *insight_report_sql(struct tx *tx, struct arena *arena,
                                     const struct metric *metric, const struct report_scope *scope,
                                     struct report **out)
{
    struct twin_in in = {
        .as_of = scope->as_of_day,
        .from_day = scope->from_day,
        .to_day = scope->to_day,
        .net = scope->net,
        .unit = pow10_i64(scope->currency_digits),
    };
    struct report *report = report_new(arena, metric, scope);
    for (int i = 0; i < metric->section_count; i++)
        TRY(run_section(tx, &in, report, i));
    *out = report;
    return NULL;
}

const struct err *insight_why_empty(struct arena *arena, struct left_out left_out)
{
    if (left_out.orders == 0)
        return NULL;
    return ERR_NEW(arena, ERR_REPORT_NO_BUYERS, STR_NONE, minor_grouped(arena, left_out.orders, 0));
}

/* --- Notes --- */

static struct str left_out_note(struct arena *arena, const struct brand *brand,
                                struct left_out left_out, enum lang lang)
{
    struct str amount = minor_grouped(arena, left_out.amount_minor, brand->currency_digits);
    struct str orders = minor_grouped(arena, left_out.orders, 0);
    if (lang == LANG_ZH)
        return str_fmt(arena, "没有已知买家的订单未计入：%.*s 单，实付 %.*s %.*s。",
                       STR_ARG(orders),
                       STR_ARG(brand->currency), STR_ARG(amount));
    return str_fmt(arena, "Orders without a known buyer are left out: %.*s, with %.*s %.*s paid.",
                   STR_ARG(orders), STR_ARG(brand->currency), STR_ARG(amount));
}

static bool first_month_matters(const struct report *report, int32_t first_month)
{
    size_t count = sizeof(first_month_reports) / sizeof(first_month_reports[0]);
    for (size_t i = 0; i < count; i++) {
        if (str_eq(str_c(report->metric->name), str_c(first_month_reports[i].name)))
            return first_month_reports[i].always ||
                   month_of_day(report->scope.from_day) <= first_month;
    }
    return false;
}

static struct str first_month_note(struct arena *arena, int32_t first_month, enum lang lang)
{
    struct str month = month_text(arena, first_month);
    if (lang == LANG_ZH)
        return str_fmt(arena, "%.*s 是数据的第一个月，更早的老客在其中看起来像新客。",
                       STR_ARG(month));
    return str_fmt(arena, "In %.*s, the first month of the data, older customers look new.",
                   STR_ARG(month));
}

void insight_notes(struct arena *arena, const struct brand *brand, const struct report *report,
                   struct left_out left_out, int32_t first_day, enum lang lang, struct str **notes,
                   size_t *count)
{
    enum { NOTES_MAX = 2 };
    struct str *list = ARENA_ARRAY(arena, NOTES_MAX, struct str);
    size_t n = 0;
    if (left_out.orders > 0)
        list[n++] = left_out_note(arena, brand, left_out, lang);
    int32_t first_month = month_of_day(first_day);
    if (first_month_matters(report, first_month))
        list[n++] = first_month_note(arena, first_month, lang);
    *notes = list;
    *count = n;
}
