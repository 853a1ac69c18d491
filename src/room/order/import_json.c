/* What an import did, or would do, for a program: docs/import-json.md says what each member is. */
#include "base/calendar.h"
#include "base/check.h"
#include "base/decimal.h"
#include "codec/json.h"
#include "room/order/import_view.h"

static void put_text(struct json_writer *w, const char *key, struct str value)
{
    json_key(w, str_c(key));
    json_put_str(w, value);
}

static void put_count(struct json_writer *w, const char *key, int64_t n)
{
    json_key(w, str_c(key));
    json_put_i64(w, n);
}

static void put_bool(struct json_writer *w, const char *key, bool value)
{
    json_key(w, str_c(key));
    json_put_bool(w, value);
}

/* Money travels as a decimal in a string: a reader's numbers may be binary. */
static void put_amount(struct json_writer *w, struct arena *arena, const char *key, int64_t minor,
                       const struct brand *brand)
{
    put_text(w, key, minor_plain(arena, minor, brand->currency_digits));
}

/* "title_en" and "title_zh", or another name in front. */
static void put_both(struct json_writer *w, struct arena *arena, const char *key, struct text text)
{
    json_key(w, str_fmt(arena, "%s_en", key));
    json_put_str(w, str_c(text.in[LANG_EN]));
    json_key(w, str_fmt(arena, "%s_zh", key));
    json_put_str(w, str_c(text.in[LANG_ZH]));
}

static void put_columns(struct json_writer *w, struct arena *arena,
                        const struct import_result *result)
{
    json_key(w, STR("columns"));
    json_open(w, '[');
    for (int i = 0; i < result->mapped_count; i++) {
        const struct import_kind_info *kind =
            import_kind_info(import_kind_by_name(result->mapped_kinds[i]));
        json_open(w, '{');
        put_text(w, "column", result->mapped_columns[i]);
        put_text(w, "letter", import_column_letters(arena, result->mapped_indexes[i]));
        put_text(w, "kind", result->mapped_kinds[i]);
        put_both(w, arena, "title", kind->title);
        put_bool(w, "personal", kind->personal);
        json_close(w, '}');
    }
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

/* Every kind that a column can have, so that a page can offer them. */
static void put_kinds(struct json_writer *w, struct arena *arena)
{
    json_key(w, STR("kinds"));
    json_open(w, '[');
    for (int i = 0; i < IMPORT_KIND_MAX; i++) {
        const struct import_kind_info *kind = import_kind_info((enum import_kind)i);
        json_open(w, '{');
        put_text(w, "kind", str_c(kind->name));
        put_both(w, arena, "title", kind->title);
        put_both(w, arena, "doc", kind->doc);
        put_bool(w, "personal", kind->personal);
        json_close(w, '}');
    }
    json_close(w, ']');
}

/* The maps that were held against the file, the nearest first. */
void import_candidates_json(struct json_writer *w, const struct import_recognition *why)
{
    json_open(w, '[');
    for (int i = 0; i < why->candidate_count; i++) {
        const struct import_candidate *candidate = &why->candidates[i];
        json_open(w, '{');
        put_text(w, "map", candidate->name);
        put_text(w, "title_en", candidate->title_en);
        put_text(w, "title_zh", candidate->title_zh);
        put_count(w, "columns", candidate->columns);
        put_bool(w, "distinctive", candidate->is_distinctive);
        put_names(w, "missing", candidate->missing, candidate->missing_count);
        json_close(w, '}');
    }
    json_close(w, ']');
}

static void put_recognition(struct json_writer *w, const struct import_view *view)
{
    const struct import_recognition *why = &view->why;
    json_key(w, STR("recognition"));
    if (!view->recognised || why->map_columns == 0) {
        json_put_null(w);
        return;
    }
    json_open(w, '{');
    put_names(w, "columns_read", why->found, why->found_count);
    put_names(w, "columns_known", why->unread, why->unread_count);
    put_names(w, "columns_unknown", why->foreign, why->foreign_count);
    put_count(w, "map_columns", why->map_columns);
    put_bool(w, "common_names", why->common);
    json_key(w, STR("candidates"));
    import_candidates_json(w, why);
    put_text(w, "next_map", why->next);
    json_key(w, STR("next_map_columns"));
    json_put_i64(w, why->next_columns);
    json_close(w, '}');
}

static void put_values(struct json_writer *w, struct arena *arena,
                       const struct import_result *result)
{
    json_key(w, STR("values"));
    json_open(w, '[');
    for (int i = 0; i < result->value_count; i++) {
        const struct import_value *value = &result->values[i];
        json_open(w, '{');
        put_text(w, "column", value->column);
        put_text(w, "value", value->value);
        struct text title = TEXT(NULL, NULL); /* not known: null */
        if (value->normal.p)
            CHECK(import_word_title(value->normal, &title));
        put_text(w, "read_as", value->normal);
        put_both(w, arena, "title", title);
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

/* Where and what is wrong; of a problem, of a row. */
static void put_wrong(struct json_writer *w, const struct import_wrong *wrong)
{
    put_text(w, "code", str_c(err_info(wrong->code)->name));
    put_count(w, "number", err_info(wrong->code)->number);
    put_text(w, "sheet", wrong->sheet);
    put_text(w, "column", wrong->column);
    put_text(w, "cell", wrong->cell);
    put_text(w, "value", wrong->value);
    put_text(w, "message_en", wrong->message[LANG_EN]);
    put_text(w, "message_zh", wrong->message[LANG_ZH]);
}

static void put_preview(struct json_writer *w, struct arena *arena,
                        const struct import_result *result)
{
    json_key(w, STR("preview"));
    json_open(w, '[');
    for (int r = 0; r < result->preview_count; r++) {
        const struct import_preview_row *row = &result->preview[r];
        json_open(w, '{');
        put_count(w, "line", row->line_number);
        put_text(w, "sheet", row->sheet);
        put_text(w, "verdict", str_c(import_verdict_name(row->verdict)));
        put_both(w, arena, "title", import_verdict_title(row->verdict));
        json_key(w, STR("wrong"));
        if (row->why) {
            json_open(w, '{');
            put_wrong(w, row->why);
            json_close(w, '}');
        } else {
            json_put_null(w);
        }
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
        put_count(w, "rows", problem->row_count);
        put_count(w, "first_line", problem->first_line);
        put_wrong(w, &problem->first);
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
        put_text(w, "message_en", warning->en);
        put_text(w, "message_zh", warning->zh);
        json_close(w, '}');
    }
    json_close(w, ']');
}

static void put_changed(struct json_writer *w, struct arena *arena, const struct import_view *view)
{
    const struct order_money *money = &view->result.changed;
    const struct brand *brand = view->brand;
    put_amount(w, arena, "changed_amount_before", money->amount_before_minor, brand);
    put_amount(w, arena, "changed_amount_after", money->amount_after_minor, brand);
    put_amount(w, arena, "changed_refund_before", money->refund_before_minor, brand);
    put_amount(w, arena, "changed_refund_after", money->refund_after_minor, brand);
}

static void put_sheets(struct json_writer *w, const struct import_result *result)
{
    json_key(w, STR("sheets"));
    json_open(w, '[');
    for (int i = 0; i < result->sheet_count; i++) {
        const struct import_sheet *sheet = &result->sheets[i];
        json_open(w, '{');
        put_text(w, "name", sheet->name);
        put_bool(w, "read", sheet->read);
        put_count(w, "rows", sheet->rows);
        put_count(w, "hidden_rows", sheet->hidden_rows);
        put_text(w, "code", sheet->read ? STR_NONE : str_c(err_info(sheet->code)->name));
        put_text(w, "message_en", sheet->why_en);
        put_text(w, "message_zh", sheet->why_zh);
        json_close(w, '}');
    }
    json_close(w, ']');
}

static void put_days(struct json_writer *w, struct arena *arena, const struct import_result *result)
{
    bool any = result->first_day != DAY_NONE;
    put_text(w, "first_day", any ? day_text(arena, result->first_day) : STR_NONE);
    put_text(w, "last_day", any ? day_text(arena, result->last_day) : STR_NONE);
}

static void put_counts(struct json_writer *w, struct arena *arena, const struct import_view *view)
{
    const struct import_result *result = &view->result;
    struct import_count counts[IMPORT_COUNTS_MAX];
    int count = import_view_counts(result, counts);
    for (int i = 0; i < count; i++)
        put_count(w, counts[i].key, counts[i].n);
    put_text(w, "currency", view->brand->currency);
    put_amount(w, arena, "amount", result->amount_minor, view->brand);
    put_amount(w, arena, "refund_amount", result->refund_minor, view->brand);
    put_changed(w, arena, view);
    put_days(w, arena, result);
}

void import_view_json(struct json_writer *w, struct arena *arena, const struct import_view *view)
{
    const struct import_result *result = &view->result;
    bool dated = result->exported_at_us != INT64_MIN;
    json_open(w, '{');
    put_text(w, "file", view->path);
    put_text(w, "map", view->map->name);
    put_bool(w, "map_recognised", view->recognised);
    put_text(w, "map_title_en", view->map->title_en);
    put_text(w, "map_title_zh", view->map->title_zh);
    put_recognition(w, view);
    put_format(w, arena, result);
    put_text(w, "source", result->source);
    put_text(w, "time_zone", zone_name(view->brand->zone));
    put_bool(w, "dry_run", view->dry_run);
    put_bool(w, "file_known", result->file_known);
    put_text(w, "exported_at", dated ? time_text(arena, result->exported_at_us) : STR_NONE);
    put_text(w, "exported_at_from", str_c(import_exported_info(result->exported_at_from)->name));
    put_bool(w, "exported_at_sure", !result->exported_at_unsure);
    put_counts(w, arena, view);
    put_sheets(w, result);
    put_columns(w, arena, result);
    put_names(w, "columns_not_read", result->unmapped_columns, result->unmapped_count);
    put_values(w, arena, result);
    if (view->dry_run) {
        put_kinds(w, arena);
        put_preview(w, arena, result);
    }
    put_warnings(w, result);
    put_problems(w, result);
    put_text(w, "reject_file", result->reject_path);
    json_close(w, '}');
}

void import_errors_json(struct json_writer *w, struct arena *arena, const struct err *first)
{
    json_open(w, '[');
    for (const struct err *err = first; err; err = err->next) {
        json_open(w, '{');
        put_text(w, "code", str_c(err_info(err->code)->name));
        put_count(w, "number", err_info(err->code)->number);
        put_text(w, "field", err->field);
        put_text(w, "message_en", err_text(arena, err, LANG_EN));
        put_text(w, "message_zh", err_text(arena, err, LANG_ZH));
        json_close(w, '}');
    }
    json_close(w, ']');
}

void import_failure_json(struct json_writer *w, struct arena *arena,
                         const struct import_failure *failure)
{
    json_open(w, '{');
    put_text(w, "file", failure->path);
    json_key(w, STR("candidates"));
    import_candidates_json(w, &failure->why);
    json_key(w, STR("errors"));
    import_errors_json(w, arena, failure->err);
    json_close(w, '}');
}
