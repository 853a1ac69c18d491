/* After an erasure: what it took from the rows goes from the files. */
#include "base/arena.h"
#include "room/customer/customer_part.h"
#include "sql_customer.h"

#define DUE_MAX 1000 /* more are found the next time */

/* All that customer_erase changes or deletes from. */
static const char *const touched[] = {
    "customer",        "identity", "lookup",      "customer_name_hash", "customer_tag", "consent",
    "customer_keeper", "audit",    "idempotency", "event",              NULL};

struct due {
    int64_t erasure_ids[DUE_MAX];
    int count;
};

static const struct err *due_tx(struct tx *tx, void *arg)
{
    struct due *due = arg;
    struct sql_customer_erasure_unpurged_out row;
    struct stmt_cursor cursor;
    bool has;
    due->count = 0;
    TRY(sql_customer_erasure_unpurged_open(tx, &cursor));
    for (;;) {
        TRY(sql_customer_erasure_unpurged_next(&cursor, &row, &has));
        if (!has)
            return NULL;
        if (due->count == DUE_MAX)
            break;
        due->erasure_ids[due->count++] = row.erasure_id;
    }
    stmt_close(&cursor);
    return NULL;
}

static const struct err *purged_tx(struct tx *tx, void *arg)
{
    const struct due *due = arg;
    for (int i = 0; i < due->count; i++) {
        struct sql_customer_erasure_purged_in in = {due->erasure_ids[i], tx_now_us(tx)};
        TRY(sql_customer_erasure_purged_run(tx, &in));
    }
    return NULL;
}

ERR_RESULT erasure_purge(struct store *store, struct arena *arena, int wait_ms, int64_t bytes_max,
                         bool *left)
{
    struct due *due = ARENA_NEW(arena, struct due);
    struct store_job look = {.name = "erasures to purge", .fn = due_tx, .arg = due};
    struct store_job note = {
        .name = "erasures purged", .fn = purged_tx, .arg = due, .again_if_ambiguous = true};
    bool gone;
    *left = false;
    TRY(store_read(store, arena, &look));
    if (due->count == 0)
        return NULL;
    *left = true;
    TRY(store_purge(store, arena, touched, wait_ms, bytes_max, &gone));
    if (!gone)
        return NULL;
    TRY(store_write(store, arena, &note));
    *left = due->count == DUE_MAX;
    return NULL;
}
