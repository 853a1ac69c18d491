/* Dry run only: a refund row whose order stands in the same file, before or behind it. The import
 * itself writes the orders first and need not ask. Orders' numbers and refunds go through a sorter
 * by the order's number. */
#include "room/order/import_pack.h"
#include "room/order/import_run.h"

/* The number, then 0 for an order and 1 for a refund: an order comes before its refunds. */
static struct str key_of(struct arena *arena, struct str number, bool refund)
{
    struct buf key = buf_new(arena, LIMIT_ORDER_NUMBER_BYTES_MAX * 2);
    buf_str(&key, number);
    buf_char(&key, refund ? 1 : 0);
    return buf_view(&key);
}

ERR_RESULT import_match_order(struct import_run *run, struct arena *arena, struct str number)
{
    return sorter_add(run->numbers, key_of(arena, number, false), STR(""));
}

ERR_RESULT import_match_refund(struct import_run *run, struct arena *arena, struct str order_number,
                               struct str sort_key, struct str packed)
{
    struct buf value = buf_new(arena, SORTER_RECORD_BYTES_MAX);
    pack_str(&value, sort_key);
    pack_str(&value, packed);
    return sorter_add(run->numbers, key_of(arena, order_number, true), buf_view(&value));
}

/* The mark is the last thing in a refund's record (import_pack_refund). */
static ERR_RESULT pass_on(struct import_run *run, struct arena *arena, struct str value,
                          bool order_in_file)
{
    struct unpack u = {.p = value.p, .end = value.p + value.n, .arena = arena};
    struct str sort_key = unpack_str(&u), packed = unpack_str(&u);
    struct buf marked = buf_new(arena, SORTER_RECORD_BYTES_MAX);
    CHECK(packed.n >= sizeof(int64_t));
    buf_add(&marked, packed.p, packed.n - sizeof(int64_t));
    pack_i64(&marked, order_in_file);
    return sorter_add(run->refunds, sort_key, buf_view(&marked));
}

ERR_RESULT import_match_refunds(struct import_run *run)
{
    char order[LIMIT_ORDER_NUMBER_BYTES_MAX];
    struct str key, value, last = STR_NONE;
    bool has;
    TRY(sorter_finish(run->numbers));
    for (;;) {
        arena_reset(run->scratch);
        TRY(sorter_next(run->numbers, &key, &value, &has));
        if (!has)
            break;
        struct str number = str_slice(key, 0, key.n - 1);
        if (key.p[key.n - 1] == 0) {
            CHECK(number.n <= sizeof(order));
            memcpy(order, number.p, number.n);
            last = (struct str){order, number.n};
            continue;
        }
        TRY(pass_on(run, run->scratch, value, last.p && str_eq(last, number)));
    }
    sorter_close(run->numbers);
    return NULL;
}
