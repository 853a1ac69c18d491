/* Reports for programs and spreadsheets: every figure exact, amounts in the currency's unit. */
#include <string.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "base/check.h"
#include "base/decimal.h"
#include "codec/table_input.h"
#include "engine/metric_layout.h"
#include "room/insight/insight_file.h"

#define ROWS_PER_FLUSH 1000

/* Codes that stand in text cells, in words. */
static const struct {
    const char *column, *code;
    struct text words;
} coded[] = {
    {"basis", "own", TEXT("own rhythm", "本人节奏")},
    {"basis", "brand", TEXT("brand's rhythm", "品牌节奏")},
    {"basis", "none", TEXT("no limit known", "没有界限")},
};

struct str insight_coded(const char *column, struct str s, enum lang lang)
{
    for (size_t i = 0; i < sizeof(coded) / sizeof(coded[0]); i++)
        if (strcmp(coded[i].column, column) == 0 && str_eq(s, str_c(coded[i].code)))
            return str_c(coded[i].words.in[lang]);
    return s;
}

size_t insight_row_count(const struct insight_view *view, const struct report_section *section,
                        bool for_reader)
{
    const struct layout *layout = layout_of(view->report->metric, section->is);
    int64_t limit = view->limit;
    if (limit == 0 && for_reader)
        limit = INSIGHT_LIMIT_READER;
    if (!layout->long_list || limit == 0 || (size_t)limit >= section->row_count)
        return section->row_count;
    return (size_t)limit;
}

void insight_put_cell(struct json_writer *w, struct arena *arena, enum cell_kind kind,
                      const struct cell *cell, int digits)
{
    if (cell->null) {
        json_put_null(w);
        return;
    }
    switch (kind) {
    case CELL_COUNT:
        json_put_i64(w, cell->i);
        return;
    case CELL_AMOUNT:
        json_put_minor(w, cell->i, digits);
        return;
    case CELL_MEAN_AMOUNT:
        json_put_f64(w, cell->f / (double)pow10_i64(digits));
        return;
    case CELL_RATIO:
    case CELL_NUMBER:
        json_put_f64(w, cell->f);
        return;
    case CELL_DAY:
        json_put_str(w, day_text(arena, (int32_t)cell->i));
        return;
    case CELL_MONTH:
        json_put_str(w, month_text(arena, (int32_t)cell->i));
        return;
    case CELL_TEXT:
        json_put_str(w, cell->s);
        return;
    case CELL_ID:
        json_put_id(w, cell->i);
        return;
    }
    CHECK(!"a cell kind that is not known");
}

static void flush_now(struct insight_flush flush, size_t row)
{
    if (flush.fn && row % ROWS_PER_FLUSH == 0)
        flush.fn(flush.arg);
}

static void put_section(struct json_writer *w, struct arena *arena, const struct insight_view *view,
                        const struct report_section *section, struct insight_flush flush)
{
    const struct metric_section *is = section->is;
    int digits = view->report->scope.currency_digits;
    size_t shown = insight_row_count(view, section, false);
    json_key(w, str_c(is->name));
    json_open(w, '[');
    for (size_t r = 0; r < shown; r++) {
        json_open(w, '{');
        for (int c = 0; c < is->column_count; c++) {
            json_key(w, str_c(is->columns[c].name));
            insight_put_cell(w, arena, is->columns[c].kind,
                             &section->cells[r * (size_t)is->column_count + (size_t)c], digits);
        }
        json_close(w, '}');
        flush_now(flush, r);
    }
    json_close(w, ']');
}

static void put_text(struct json_writer *w, const char *key, struct str value)
{
    json_key(w, str_c(key));
    json_put_str(w, value);
}

static void put_head(struct json_writer *w, struct arena *arena, const struct insight_view *view,
                     enum lang lang)
{
    const struct report *report = view->report;
    const struct report_scope *scope = &report->scope;
    put_text(w, "report", str_c(report->metric->name));
    put_text(w, "title", str_c(report->metric->title.in[lang]));
    put_text(w, "definition", str_c(report->metric->definition.in[lang]));
    if (view->directory.p)
        put_text(w, "directory", view->directory);
    put_text(w, "brand", view->brand_name);
    put_text(w, "as_of", day_text(arena, scope->as_of_day));
    put_text(w, "from", day_text(arena, scope->from_day));
    put_text(w, "to", day_text(arena, scope->to_day));
    put_text(w, "amount", scope->net ? STR("net") : STR("gross"));
    put_text(w, "currency", view->currency);
    put_text(w, "engine", view->engine);
    json_key(w, STR("notes"));
    json_open(w, '[');
    for (size_t n = 0; n < view->note_count; n++)
        json_put_str(w, view->notes[n]);
    json_close(w, ']');
}

void insight_put_sections(struct json_writer *w, struct arena *arena,
                          const struct insight_view *view, struct insight_flush flush)
{
    json_open(w, '{');
    for (int s = 0; s < view->report->metric->section_count; s++)
        put_section(w, arena, view, &view->report->sections[s], flush);
    json_close(w, '}');
}

void insight_json(struct json_writer *w, struct arena *arena, const struct insight_view *view,
                  enum lang lang, struct insight_flush flush)
{
    json_open(w, '{');
    put_head(w, arena, view, lang);
    json_key(w, STR("sections"));
    insight_put_sections(w, arena, view, flush);
    json_close(w, '}');
}

/* Shortest digits that read back the same: the JSON writer's. */
static struct str f64_text(struct arena *arena, double x)
{
    struct buf out = buf_new(arena, 64);
    struct json_writer w = json_writer(&out, false);
    json_put_f64(&w, x);
    return buf_view(&out);
}

static struct str csv_cell(struct arena *arena, enum cell_kind kind, const struct cell *cell,
                           int digits)
{
    if (cell->null)
        return STR("");
    switch (kind) {
    case CELL_COUNT:
    case CELL_ID:
        return str_fmt(arena, "%lld", (long long)cell->i);
    case CELL_AMOUNT:
        return minor_plain(arena, cell->i, digits);
    case CELL_MEAN_AMOUNT:
        return f64_text(arena, cell->f / (double)pow10_i64(digits));
    case CELL_RATIO:
    case CELL_NUMBER:
        return f64_text(arena, cell->f);
    case CELL_DAY:
        return day_text(arena, (int32_t)cell->i);
    case CELL_MONTH:
        return month_text(arena, (int32_t)cell->i);
    case CELL_TEXT:
        return cell->s;
    }
    CHECK(!"a cell kind that is not known");
    return STR_NONE;
}

static void put_csv_section(struct buf *out, struct arena *arena, const struct insight_view *view,
                            const struct report_section *section, struct insight_flush flush)
{
    const struct metric_section *is = section->is;
    struct str *cells = ARENA_ARRAY(arena, (size_t)is->column_count, struct str);
    for (int c = 0; c < is->column_count; c++)
        cells[c] = str_c(is->columns[c].name);
    csv_record(out, cells, is->column_count);
    size_t shown = insight_row_count(view, section, false);
    for (size_t r = 0; r < shown; r++) {
        for (int c = 0; c < is->column_count; c++)
            cells[c] = csv_cell(arena, is->columns[c].kind,
                                &section->cells[r * (size_t)is->column_count + (size_t)c],
                                view->report->scope.currency_digits);
        csv_record(out, cells, is->column_count);
        flush_now(flush, r);
    }
}

void insight_csv(struct buf *out, struct arena *arena, const struct insight_view *view,
                 struct insight_flush flush)
{
    for (int s = 0; s < view->report->metric->section_count; s++) {
        if (s > 0)
            buf_str(out, STR("\r\n"));
        put_csv_section(out, arena, view, &view->report->sections[s], flush);
    }
}
