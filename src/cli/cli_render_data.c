/* Reports for programs and spreadsheets: every figure exact, amounts in the currency's unit. */
#include "base/calendar.h"
#include "base/check.h"
#include "base/decimal.h"
#include "cli/cli_render.h"
#include "codec/json.h"
#include "codec/table_input.h"

#define ROWS_PER_FLUSH 1000

static void put_cell(struct json_writer *w, struct arena *arena, enum cell_kind kind,
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

static void put_section(struct page *page, struct json_writer *w, const struct render *render,
                        const struct report_section *section)
{
    const struct metric_section *is = section->is;
    int digits = render->report->scope.currency_digits;
    size_t shown = render_row_count(render, section, false);
    json_key(w, str_c(is->name));
    json_open(w, '[');
    for (size_t r = 0; r < shown; r++) {
        json_open(w, '{');
        for (int c = 0; c < is->column_count; c++) {
            json_key(w, str_c(is->columns[c].name));
            put_cell(w, page->arena, is->columns[c].kind,
                     &section->cells[r * (size_t)is->column_count + (size_t)c], digits);
        }
        json_close(w, '}');
        if (r % ROWS_PER_FLUSH == 0)
            page_flush(page);
    }
    json_close(w, ']');
}

static void put_text(struct json_writer *w, const char *key, struct str value)
{
    json_key(w, str_c(key));
    json_put_str(w, value);
}

static void put_head(struct page *page, struct json_writer *w, const struct render *render)
{
    const struct report *report = render->report;
    const struct report_scope *scope = &report->scope;
    put_text(w, "report", str_c(report->metric->name));
    put_text(w, "title", str_c(report->metric->title.in[page->lang]));
    put_text(w, "definition", str_c(report->metric->definition.in[page->lang]));
    if (render->directory.p)
        put_text(w, "directory", render->directory);
    put_text(w, "brand", render->brand_name);
    put_text(w, "as_of", day_text(page->arena, scope->as_of_day));
    put_text(w, "from", day_text(page->arena, scope->from_day));
    put_text(w, "to", day_text(page->arena, scope->to_day));
    put_text(w, "amount", scope->net ? STR("net") : STR("gross"));
    put_text(w, "currency", render->currency);
    put_text(w, "engine", render->engine);
    json_key(w, STR("notes"));
    json_open(w, '[');
    for (size_t n = 0; n < render->note_count; n++)
        json_put_str(w, render->notes[n]);
    json_close(w, ']');
}

void render_json(struct page *page, const struct render *render)
{
    struct json_writer w = json_writer(&page->out, true);
    json_open(&w, '{');
    put_head(page, &w, render);
    json_key(&w, STR("sections"));
    json_open(&w, '{');
    for (int s = 0; s < render->report->metric->section_count; s++)
        put_section(page, &w, render, &render->report->sections[s]);
    json_close(&w, '}');
    json_close(&w, '}');
    page_char(page, '\n');
    page_flush(page);
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

static void put_csv_section(struct page *page, const struct render *render,
                            const struct report_section *section)
{
    const struct metric_section *is = section->is;
    struct str *cells = ARENA_ARRAY(page->arena, (size_t)is->column_count, struct str);
    for (int c = 0; c < is->column_count; c++)
        cells[c] = str_c(is->columns[c].name);
    csv_record(&page->out, cells, is->column_count);
    size_t shown = render_row_count(render, section, false);
    for (size_t r = 0; r < shown; r++) {
        for (int c = 0; c < is->column_count; c++)
            cells[c] = csv_cell(page->arena, is->columns[c].kind,
                                &section->cells[r * (size_t)is->column_count + (size_t)c],
                                render->report->scope.currency_digits);
        csv_record(&page->out, cells, is->column_count);
        if (r % ROWS_PER_FLUSH == 0)
            page_flush(page);
    }
}

void render_csv(struct page *page, const struct render *render)
{
    for (int s = 0; s < render->report->metric->section_count; s++) {
        if (s > 0)
            page_str(page, STR("\r\n"));
        put_csv_section(page, render, &render->report->sections[s]);
    }
    page_flush(page);
}
