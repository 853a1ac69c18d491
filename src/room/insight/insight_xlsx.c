/* A report as a workbook. */
#include "base/arena.h"
#include "base/calendar.h"
#include "base/check.h"
#include "base/decimal.h"
#include "codec/xlsx_output.h"
#include "room/insight/insight_file.h"

#include <string.h>

static void put_ratio(struct xlsx_output *output, const char *column, double ratio)
{
    /* A coefficient between 0 and 1, which nobody reads as a share. */
    if (strcmp(column, "gini") == 0)
        xlsx_output_real(output, ratio, 3);
    else
        xlsx_output_ratio(output, ratio);
}

static void put_cell(struct xlsx_output *output, struct arena *arena,
                     const struct metric_column *column, const struct cell *cell, int digits,
                     enum lang lang)
{
    if (cell->null) {
        xlsx_output_blank(output);
        return;
    }
    switch (column->kind) {
    case CELL_COUNT:
        xlsx_output_integer(output, cell->i);
        return;
    case CELL_AMOUNT:
        xlsx_output_decimal(output, cell->i, digits);
        return;
    case CELL_MEAN_AMOUNT:
        xlsx_output_real(output, cell->f / (double)pow10_i64(digits), digits);
        return;
    case CELL_RATIO:
        put_ratio(output, column->name, cell->f);
        return;
    case CELL_NUMBER:
        xlsx_output_real(output, cell->f, 2);
        return;
    case CELL_DAY:
        xlsx_output_day(output, (int32_t)cell->i);
        return;
    case CELL_MONTH:
        xlsx_output_month(output, (int32_t)cell->i);
        return;
    case CELL_TEXT:
        xlsx_output_text(output, insight_coded(column->name, cell->s, lang));
        return;
    case CELL_ID: /* of more digits than a number in a sheet keeps */
        xlsx_output_text(output, str_fmt(arena, "%lld", (long long)cell->i));
        return;
    }
    CHECK(!"a cell kind that is not known");
}

static void put_section(struct xlsx_output *output, struct arena *arena,
                        const struct insight_view *view, const struct report_section *section,
                        enum lang lang)
{
    const struct metric_section *is = section->is;
    int digits = view->report->scope.currency_digits;
    struct str *titles = ARENA_ARRAY(arena, (size_t)is->column_count, struct str);
    for (int c = 0; c < is->column_count; c++)
        titles[c] = str_c(is->columns[c].title.in[lang]);
    xlsx_output_sheet(output, str_c(is->title.in[lang]));
    xlsx_output_header(output, titles, is->column_count);
    size_t shown = insight_row_count(view, section, false);
    for (size_t r = 0; r < shown; r++) {
        struct arena_mark mark = arena_mark(arena);
        xlsx_output_row(output);
        for (int c = 0; c < is->column_count; c++)
            put_cell(output, arena, &is->columns[c],
                     &section->cells[r * (size_t)is->column_count + (size_t)c], digits, lang);
        arena_rewind(arena, mark);
    }
}

static void put_pair(struct xlsx_output *output, enum lang lang, struct text name, struct str value)
{
    xlsx_output_row(output);
    xlsx_output_text(output, str_c(name.in[lang]));
    xlsx_output_paragraph(output, value);
}

/* What a reader of the figures must know, in the file with them. */
static void put_about(struct xlsx_output *output, struct arena *arena,
                      const struct insight_view *view, enum lang lang)
{
    const struct report *report = view->report;
    const struct report_scope *scope = &report->scope;
    struct text about = TEXT("About", "说明");
    struct text net = TEXT("net of refunds", "已扣除退款的净额");
    struct text gross = TEXT("gross", "实付，未扣退款");
    struct str titles[] = {str_c(about.in[lang]), str_c(report->metric->title.in[lang])};
    xlsx_output_sheet(output, str_c(about.in[lang]));
    xlsx_output_header(output, titles, 2);
    put_pair(output, lang, (struct text)TEXT("Definition", "定义"),
             str_c(report->metric->definition.in[lang]));
    put_pair(output, lang, (struct text)TEXT("Brand", "品牌"), view->brand_name);
    put_pair(output, lang, (struct text)TEXT("As of", "截止"), day_text(arena, scope->as_of_day));
    put_pair(output, lang, (struct text)TEXT("Purchase days from", "购买日自"),
             day_text(arena, scope->from_day));
    put_pair(output, lang, (struct text)TEXT("Purchase days to", "购买日至"),
             day_text(arena, scope->to_day));
    put_pair(output, lang, (struct text)TEXT("Amounts", "金额口径"),
             str_c(scope->net ? net.in[lang] : gross.in[lang]));
    put_pair(output, lang, (struct text)TEXT("Currency", "币种"), view->currency);
    for (size_t n = 0; n < view->note_count; n++)
        put_pair(output, lang, (struct text)TEXT("Note", "注"), view->notes[n]);
}

const struct err *insight_xlsx(struct arena *arena, const struct insight_view *view, enum lang lang,
                               struct str path, int64_t *rows)
{
    const struct report *report = view->report;
    struct xlsx_output *output;
    *rows = 0;
    for (int s = 0; s < report->metric->section_count; s++) {
        size_t shown = insight_row_count(view, &report->sections[s], false);
        if (shown > XLSX_ROWS_MAX)
            return ERR_NEW(arena, ERR_SHEET_ROWS, path, str_fmt(arena, "%d", XLSX_ROWS_MAX),
                           str_fmt(arena, "%zu", shown));
        *rows += (int64_t)shown;
    }
    TRY(xlsx_output_open(arena, path, &output));
    for (int s = 0; s < report->metric->section_count; s++)
        put_section(output, arena, view, &report->sections[s], lang);
    put_about(output, arena, view, lang);
    return xlsx_output_finish(output);
}
