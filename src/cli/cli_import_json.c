/* The closing members of an import's answer for a program: docs/import-json.md. */
#include "base/decimal.h"
#include "cli/cli_import.h"
#include "codec/json.h"

void import_totals_json(struct json_writer *w, struct arena *arena,
                        const struct import_totals *totals)
{
    const struct {
        const char *key;
        int64_t n;
    } counts[] = {{"files", totals->files},
                  {"orders", totals->orders},
                  {"orders_new", totals->orders_new},
                  {"orders_changed", totals->orders_changed},
                  {"orders_same", totals->orders_same},
                  {"rows_rejected", totals->rows_rejected}};
    json_key(w, STR("totals"));
    json_open(w, '{');
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        json_key(w, str_c(counts[i].key));
        json_put_i64(w, counts[i].n);
    }
    json_key(w, STR("currency"));
    json_put_str(w, totals->brand->currency);
    json_key(w, STR("amount"));
    json_put_str(w, minor_plain(arena, totals->amount_minor, totals->brand->currency_digits));
    json_key(w, STR("files_with_rejects"));
    json_open(w, '[');
    for (int i = 0; i < totals->rejecting_count; i++)
        json_put_str(w, totals->rejecting[i]);
    json_close(w, ']');
    json_close(w, '}');
    json_key(w, STR("failed"));
    json_open(w, '[');
    for (int i = 0; i < totals->failed_count; i++)
        import_failure_json(w, arena, &totals->failed[i]);
    json_close(w, ']');
    json_key(w, STR("next_command"));
    json_put_str(w, totals->files > 0 ? totals->next : STR_NONE);
}
