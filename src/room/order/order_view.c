/* Orders, refunds and imports of one person, for people. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "room/order/order.h"
#include "sql_order.h"

/* Room for one more; what was there is kept. */
static void *grown(struct arena *arena, void *items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return items;
    *capacity = *capacity ? 2 * *capacity : 16;
    void *wider = arena_array(arena, *capacity, size);
    if (count > 0)
        memcpy(wider, items, count * size);
    return wider;
}

ERR_RESULT order_lines_of(struct tx *tx, int64_t customer_id, int64_t order_id,
                       struct order_line_view **out, size_t *count)
{
    struct arena *arena = tx_arena(tx);
    struct sql_order_lines_view_in in = {customer_id, order_id};
    struct sql_order_lines_view_out row;
    struct stmt_cursor cursor;
    size_t capacity = 0;
    bool has;
    *out = NULL;
    *count = 0;
    TRY(sql_order_lines_view_open(tx, &in, &cursor));
    for (;;) {
        TRY(sql_order_lines_view_next(&cursor, &row, &has));
        if (!has)
            return NULL;
        *out = grown(arena, *out, *count, &capacity, sizeof(**out));
        (*out)[(*count)++] = (struct order_line_view){
            .product_code = str_is(row.code) ? str_copy(arena, row.code) : STR_NONE,
            .product_name = str_is(row.name) ? str_copy(arena, row.name) : STR_NONE,
            .quantity_milli = row.quantity_milli,
            .amount_minor = row.amount_minor};
    }
}

static int newer_first(const void *a, const void *b)
{
    const struct order_refund_view *x = a, *y = b;
    if (x->refunded_at_us != y->refunded_at_us)
        return x->refunded_at_us < y->refunded_at_us ? 1 : -1;
    return (x->refund_id < y->refund_id) - (x->refund_id > y->refund_id);
}

ERR_RESULT order_refunds(struct tx *tx, const int64_t *members, size_t member_count,
                         struct order_refund_view **out, size_t *count)
{
    struct arena *arena = tx_arena(tx);
    struct sql_order_refunds_view_out row;
    size_t capacity = 0;
    *out = NULL;
    *count = 0;
    for (size_t i = 0; i < member_count; i++) {
        struct sql_order_refunds_view_in in = {members[i]};
        struct stmt_cursor cursor;
        bool has;
        TRY(sql_order_refunds_view_open(tx, &in, &cursor));
        for (;;) {
            TRY(sql_order_refunds_view_next(&cursor, &row, &has));
            if (!has)
                break;
            *out = grown(arena, *out, *count, &capacity, sizeof(**out));
            (*out)[(*count)++] =
                (struct order_refund_view){.customer_id = members[i],
                                           .refund_id = row.refund_id,
                                           .order_id = row.order_id,
                                           .source = str_copy(arena, row.source),
                                           .number = str_copy(arena, row.number),
                                           .amount_minor = row.amount_minor,
                                           .refunded_at_us = row.refunded_at,
                                           .recorded_at_us = row.recorded_at,
                                           .refunded_day = (int32_t)row.refunded_day};
        }
    }
    if (*count > 1)
        qsort(*out, *count, sizeof(**out), newer_first);
    return NULL;
}

ERR_RESULT order_imports_at(struct tx *tx, struct str source, int64_t recorded_at_us,
                            struct order_import_view **out, size_t *count)
{
    struct arena *arena = tx_arena(tx);
    struct sql_order_imports_of_in in = {source, recorded_at_us};
    struct sql_order_imports_of_out row;
    struct stmt_cursor cursor;
    size_t capacity = 0;
    bool has;
    *out = NULL;
    *count = 0;
    TRY(sql_order_imports_of_open(tx, &in, &cursor));
    for (;;) {
        TRY(sql_order_imports_of_next(&cursor, &row, &has));
        if (!has)
            return NULL;
        *out = grown(arena, *out, *count, &capacity, sizeof(**out));
        (*out)[(*count)++] =
            (struct order_import_view){.import_id = row.import_id,
                                       .exported_at_us = row.exported_at,
                                       .started_at_us = row.started_at,
                                       .file_name = str_copy(arena, row.file_name),
                                       .map_name = str_copy(arena, row.map_name),
                                       .source = source};
    }
}
