/* Past and present imports. */
#include "base/arena.h"
#include "room/order/import_queue.h"
#include "sql_order.h"

#define HOLDINGS_MAX 1000 /* a page shows no more */

static struct import_brief brief_of(struct arena *arena,
                                    const struct sql_order_upload_page_out *row)
{
    struct str by = row->is_upload ? row->created_by_name : row->created_by;
    return (struct import_brief){
        .import_id = row->import_id,
        .is_upload = row->is_upload != 0,
        .name = str_copy(arena, row->name),
        .by = str_copy(arena, by),
        .map_name = str_copy(arena, row->map_name),
        .state = (enum upload_state)row->state,
        .bytes = row->byte_count,
        .created_at_us = row->created_at,
        .started_at_us = row->started_at.set ? row->started_at.v : INT64_MIN,
        .finished_at_us = row->finished_at.set ? row->finished_at.v : INT64_MIN,
        .rows = row->row_count,
        .orders_new = row->order_new_count,
        .orders_changed = row->order_changed_count,
        .orders_same = row->order_same_count,
        .refunds = row->refund_count,
        .rows_rejected = row->rejected_row_count,
    };
}

ERR_RESULT import_list(struct tx *tx, int64_t before_id, int64_t most, struct import_brief **out,
                       size_t *count)
{
    struct sql_order_upload_page_in in = {before_id, most};
    struct stmt_cursor cursor;
    bool has = true;
    *out = ARENA_ARRAY(tx_arena(tx), (size_t)most + 1, struct import_brief);
    *count = 0;
    TRY(sql_order_upload_page_open(tx, &in, &cursor));
    while (has) {
        struct sql_order_upload_page_out row;
        TRY(stmt_next(&cursor, &row, &has));
        if (has)
            (*out)[(*count)++] = brief_of(tx_arena(tx), &row);
    }
    return NULL;
}

static void add_holding(struct import_holding *out, size_t *count, struct str name,
                        const struct sql_order_upload_holding_out *row, bool is_rejects)
{
    int64_t until_us = INT64_MIN;
    if (is_rejects && !row->is_kept && row->finished_at.set)
        until_us = row->finished_at.v + IMPORT_REJECTS_US;
    if (*count < HOLDINGS_MAX)
        out[(*count)++] = (struct import_holding){row->upload_id, name, is_rejects, until_us};
}

ERR_RESULT import_holdings(struct tx *tx, struct import_holding **out, size_t *count)
{
    struct stmt_cursor cursor;
    bool has;
    *out = ARENA_ARRAY(tx_arena(tx), HOLDINGS_MAX, struct import_holding);
    *count = 0;
    TRY(sql_order_upload_holding_open(tx, &cursor));
    for (;;) {
        struct sql_order_upload_holding_out row;
        TRY(stmt_next(&cursor, &row, &has));
        if (!has)
            return NULL;
        struct str name = str_copy(tx_arena(tx), row.name);
        if (row.is_kept)
            add_holding(*out, count, name, &row, false);
        if (str_is(row.reject_name))
            add_holding(*out, count, name, &row, true);
    }
}
