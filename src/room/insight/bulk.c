/* One change to many customers: its rows, and the step that carries it on. A step is a transaction
 * of its own with some of the customers, so that others get in between and a restart loses nothing:
 * what it did is noted with it. */
#include "room/insight/bulk.h"

#include <string.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "base/check.h"
#include "sql_insight.h"

#define PART_CUSTOMERS 100
#define PAIR_BYTES 16
#define PARTS_AT_ONCE 1000

/* --- Pairs as bytes, least first --- */

static void put_number(uint8_t *at, int64_t value)
{
    for (int i = 0; i < 8; i++)
        at[i] = (uint8_t)((uint64_t)value >> (8 * i));
}

static int64_t get_number(const uint8_t *at)
{
    uint64_t value = 0;
    for (int i = 7; i >= 0; i--)
        value = value << 8 | at[i];
    return (int64_t)value;
}

static struct str pairs_bytes(struct arena *arena, const struct bulk_pair *pairs, size_t count)
{
    uint8_t *bytes = arena_alloc(arena, count * PAIR_BYTES + 1);
    for (size_t i = 0; i < count; i++) {
        put_number(bytes + i * PAIR_BYTES, pairs[i].customer_id);
        put_number(bytes + i * PAIR_BYTES + 8, pairs[i].value);
    }
    return (struct str){(const char *)bytes, count * PAIR_BYTES};
}

static size_t pairs_of(struct str bytes, struct bulk_pair *pairs)
{
    const uint8_t *at = (const uint8_t *)bytes.p;
    size_t count = bytes.n / PAIR_BYTES;
    for (size_t i = 0; i < count; i++, at += PAIR_BYTES)
        pairs[i] = (struct bulk_pair){get_number(at), get_number(at + 8)};
    return count;
}

/* --- Rows --- */

ERR_RESULT bulk_write(struct tx *tx, const struct bulk *bulk, const struct bulk_pair *pairs)
{
    struct arena *arena = tx_arena(tx);
    struct sql_insight_bulk_insert_in row = {
        .bulk_id = bulk->bulk_id,
        .action = bulk->action,
        .state = bulk->customers > 0 ? BULK_RUNNING : BULK_DONE,
        .tag = bulk->tag.p ? bulk->tag : STR(""),
        .value = bulk->value,
        .set_by = bulk->by,
        .by_id = bulk->by_id,
        .by_name = bulk->by_name,
        .started_at = tx_now_us(tx),
        .customer_count = bulk->customers,
        .undo_of = bulk->undo_of,
    };
    TRY(sql_insight_bulk_insert_run(tx, &row));
    struct sql_insight_bulk_part_insert_in *parts =
        ARENA_ARRAY(arena, PARTS_AT_ONCE, struct sql_insight_bulk_part_insert_in);
    size_t customers = (size_t)bulk->customers, count = 0;
    for (size_t i = 0; i < customers; i += PART_CUSTOMERS) {
        size_t n = customers - i < PART_CUSTOMERS ? customers - i : PART_CUSTOMERS;
        parts[count++] = (struct sql_insight_bulk_part_insert_in){
            bulk->bulk_id, (int64_t)(i / PART_CUSTOMERS), pairs_bytes(arena, pairs + i, n)};
        if (count < PARTS_AT_ONCE && i + n < customers)
            continue;
        TRY(sql_insight_bulk_part_insert_bulk(tx, parts, count));
        count = 0;
    }
    return NULL;
}

static struct bulk bulk_of(struct arena *arena, const struct sql_insight_bulk_one_out *row)
{
    return (struct bulk){
        .bulk_id = row->bulk_id,
        .action = (enum bulk_action)row->action,
        .state = (enum bulk_state)row->state,
        .tag = str_copy(arena, row->tag),
        .by = str_copy(arena, row->set_by),
        .by_name = str_copy(arena, row->by_name),
        .by_id = row->by_id,
        .value = row->value,
        .started_at_us = row->started_at,
        .finished_at_us = row->finished_at.set ? row->finished_at.v : INT64_MIN,
        .customers = row->customer_count,
        .done = row->done_count,
        .changed = row->changed_count,
        .undo_of = row->undo_of,
        .undone_by = row->undone_by,
    };
}

ERR_RESULT bulk_read(struct tx *tx, int64_t bulk_id, struct bulk *bulk, bool *found)
{
    struct sql_insight_bulk_one_out row;
    TRY(sql_insight_bulk_one_one(tx, &(struct sql_insight_bulk_one_in){bulk_id}, &row, found));
    if (*found)
        *bulk = bulk_of(tx_arena(tx), &row);
    return NULL;
}

/* Both statements give the same columns. */
_Static_assert(sizeof(struct sql_insight_bulk_page_out) == sizeof(struct sql_insight_bulk_one_out),
               "rows of bulk changes");

ERR_RESULT bulk_read_page(struct tx *tx, int64_t before_id, int64_t by_id, size_t max,
                          struct bulk **bulks, size_t *count)
{
    struct stmt_cursor cursor;
    struct sql_insight_bulk_page_in in = {before_id, by_id, (int64_t)max};
    bool has;
    *bulks = ARENA_ARRAY(tx_arena(tx), max + 1, struct bulk);
    *count = 0;
    TRY(sql_insight_bulk_page_open(tx, &in, &cursor));
    for (;;) {
        struct sql_insight_bulk_one_out row;
        TRY(stmt_next(&cursor, &row, &has));
        if (!has)
            return NULL;
        (*bulks)[(*count)++] = bulk_of(tx_arena(tx), &row);
    }
}

ERR_RESULT bulk_end(struct tx *tx, int64_t bulk_id, bool *stopped)
{
    int64_t changed;
    struct sql_insight_bulk_end_in in = {bulk_id, BULK_RUNNING, BULK_STOPPED, tx_now_us(tx)};
    TRY(sql_insight_bulk_end_run_count(tx, &in, &changed));
    *stopped = changed > 0;
    return NULL;
}

ERR_RESULT bulk_changed(struct tx *tx, int64_t bulk_id, struct bulk_pair **pairs, size_t *count)
{
    struct stmt_cursor cursor;
    struct sql_insight_bulk_changed_out row;
    struct bulk bulk;
    bool has, found;
    *count = 0;
    TRY(bulk_read(tx, bulk_id, &bulk, &found));
    size_t room = found ? (size_t)bulk.changed : 0;
    *pairs = ARENA_ARRAY(tx_arena(tx), room + PART_CUSTOMERS, struct bulk_pair);
    TRY(sql_insight_bulk_changed_open(tx, &(struct sql_insight_bulk_changed_in){bulk_id}, &cursor));
    for (;;) {
        TRY(sql_insight_bulk_changed_next(&cursor, &row, &has));
        if (!has)
            return NULL;
        CHECK(*count + row.changed.n / PAIR_BYTES <= room);
        *count += pairs_of(row.changed, *pairs + *count);
    }
}

ERR_RESULT bulk_note_undone(struct tx *tx, int64_t bulk_id, int64_t undone_by)
{
    struct sql_insight_bulk_undone_in in = {bulk_id, undone_by};
    return sql_insight_bulk_undone_run(tx, &in);
}

/* --- Carrying it on --- */

static const struct err *tag_before(struct tx *tx, int64_t customer_id, int64_t tag_id,
                                    int64_t *before)
{
    struct customer_marks marks;
    *before = BULK_NO_TAG;
    TRY(customer_marks(tx, customer_id, &marks));
    for (size_t i = 0; i < marks.tag_count; i++) {
        if (marks.tags[i].tag_id != tag_id)
            continue;
        *before = marks.tags[i].until_day == DAY_NONE ? BULK_FOR_GOOD : marks.tags[i].until_day;
        return NULL;
    }
    return NULL;
}

static const struct err *apply_tag(struct tx *tx, const struct bulk *bulk, struct bulk_pair pair,
                                   int64_t *before)
{
    int64_t tag_id;
    TRY(customer_tag_id(tx, bulk->tag, &tag_id));
    TRY(tag_before(tx, pair.customer_id, tag_id, before));
    if (*before == pair.value)
        return NULL;
    if (pair.value == BULK_NO_TAG)
        return customer_tag_remove(tx, pair.customer_id, bulk->tag, bulk->by);
    int32_t until_day = pair.value == BULK_FOR_GOOD ? DAY_NONE : (int32_t)pair.value;
    return customer_tag_set(tx, pair.customer_id, bulk->tag, until_day, bulk->by);
}

static const struct err *apply_keeper(struct tx *tx, const struct bulk *bulk, struct bulk_pair pair,
                                      int64_t *before)
{
    TRY(customer_keeper(tx, pair.customer_id, before));
    if (*before == pair.value)
        return NULL;
    return customer_keeper_set(tx, pair.customer_id, pair.value, bulk->by);
}

/* Who was merged into another since it began is that person now. */
static const struct err *apply_part(struct tx *tx, const struct bulk *bulk, struct str bytes,
                                    struct bulk_pair *changed, size_t *changed_count, size_t *count)
{
    struct bulk_pair pairs[PART_CUSTOMERS];
    int64_t ids[PART_CUSTOMERS], roots[PART_CUSTOMERS];
    CHECK(bytes.n <= PART_CUSTOMERS * PAIR_BYTES);
    *count = pairs_of(bytes, pairs);
    *changed_count = 0;
    for (size_t i = 0; i < *count; i++)
        ids[i] = pairs[i].customer_id;
    TRY(customer_roots(tx, ids, *count, roots));
    for (size_t i = 0; i < *count; i++) {
        struct bulk_pair pair = {roots[i], pairs[i].value};
        int64_t before;
        if (pair.customer_id == 0)
            continue;
        TRY(bulk->action == BULK_TAG ? apply_tag(tx, bulk, pair, &before)
                                     : apply_keeper(tx, bulk, pair, &before));
        if (before != pair.value)
            changed[(*changed_count)++] = (struct bulk_pair){pair.customer_id, before};
    }
    return NULL;
}

static const struct err *find_running(struct tx *tx, struct bulk *bulk, bool *found)
{
    struct sql_insight_bulk_running_in in = {BULK_RUNNING};
    struct sql_insight_bulk_running_out row;
    TRY(sql_insight_bulk_running_one(tx, &in, &row, found));
    return *found ? bulk_read(tx, row.bulk_id, bulk, found) : NULL;
}

static const struct err *progress(struct tx *tx, struct bulk *bulk, int64_t done, int64_t changed)
{
    bulk->done += done;
    bulk->changed += changed;
    bool ends = bulk->done >= bulk->customers;
    int64_t rows;
    struct sql_insight_bulk_progress_in in = {
        .bulk_id = bulk->bulk_id,
        .running = BULK_RUNNING,
        .state = ends ? BULK_DONE : BULK_RUNNING,
        .finished_at = ends ? some_i64(tx_now_us(tx)) : (struct opt_i64){0},
        .done = done,
        .changed = changed,
    };
    TRY(sql_insight_bulk_progress_run_count(tx, &in, &rows));
    /* Stopped at this very moment: what was done above is not kept. */
    return rows > 0 ? NULL : ERR_NEW(tx_arena(tx), ERR_CUSTOMER_RACED, STR("bulk"));
}

static const struct err *step_tx(struct tx *tx, void *arg)
{
    struct bulk_step *told = arg;
    struct bulk bulk;
    struct bulk_pair changed[PART_CUSTOMERS];
    size_t changed_count, count;
    bool found;
    TRY(find_running(tx, &bulk, &found));
    *told = (struct bulk_step){0};
    if (!found)
        return NULL;
    int64_t part_no = bulk.done / PART_CUSTOMERS;
    struct sql_insight_bulk_next_part_in in = {bulk.bulk_id, part_no};
    struct sql_insight_bulk_next_part_out part;
    TRY(sql_insight_bulk_next_part_one(tx, &in, &part, &found));
    CHECK(found); /* as many parts as customers need */
    TRY(apply_part(tx, &bulk, part.pairs, changed, &changed_count, &count));
    int64_t rows;
    struct sql_insight_bulk_part_done_in done = {bulk.bulk_id, part.part_no,
                                                 pairs_bytes(tx_arena(tx), changed, changed_count)};
    TRY(sql_insight_bulk_part_done_run_count(tx, &done, &rows));
    TRY(progress(tx, &bulk, (int64_t)count, (int64_t)changed_count));
    CHECK(rows == 1);
    *told = (struct bulk_step){true, bulk.bulk_id, bulk.done, bulk.customers};
    return NULL;
}

const struct err *bulk_step(struct store *store, struct arena *arena, struct bulk_step *told)
{
    struct store_job job = {.name = "customers.bulk",
                            .fn = step_tx,
                            .arg = told,
                            .again_if_ambiguous = true,
                            .takes_long = true};
    return store_write(store, arena, &job);
}
