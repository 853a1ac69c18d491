/* The event log. What a transaction appends is kept in memory and written by flush() just before
 * the commit. */
#include "event/event.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "sql_event.h"

#define BULK_EVENTS_MIN 32

/* A customer whose head this transaction holds, or will at its end. */
struct head {
    int64_t customer_id;
    bool locked, changed;
    bool born; /* made in this transaction: there is no row yet */
    int64_t version, fact_sum; /* known once it is locked */
    int64_t fact_delta;        /* to be added, modulo FACT_SUM_MODULUS */
};

struct pending {
    size_t head; /* index of its customer */
    enum event_type type;
    int64_t occurred_at_us;
    struct str payload;
};

/* What a transaction has to do with events; in TX_SLOT_EVENT. */
struct event_tx {
    struct head *heads;
    size_t head_count, head_capacity;
    size_t *table; /* open addressing: index of a head + 1, or 0 */
    size_t table_size;
    struct pending *pending;
    size_t pending_count, pending_capacity;
};

static const struct event_type_info type_infos[EVENT_TYPE_MAX] = {
#define EVENT_TYPE(code, name, version, en, zh) [EVENT_##code] = {name, version, TEXT(en, zh)},
#include "event/event_type.def"
#undef EVENT_TYPE
};

const struct event_type_info *event_type_info(enum event_type type)
{
    CHECK((int)type >= 0 && type < EVENT_TYPE_MAX);
    return &type_infos[type];
}

/* The finaliser of SplitMix64 (Steele, Lea, Flood 2014). Written into every event: never to be
 * changed. */
static uint64_t mix(int64_t customer_id)
{
    uint64_t z = (uint64_t)customer_id;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

int event_partition(int64_t customer_id)
{
    return (int)(mix(customer_id) % EVENT_PARTITION_COUNT);
}

/* --- What a transaction holds -------------------------------------------------------------------
 */

static const struct err *flush(struct tx *tx, void *arg);

static struct event_tx *event_tx_of(struct tx *tx)
{
    void **slot = tx_slot(tx, TX_SLOT_EVENT);
    if (!*slot) {
        *slot = ARENA_NEW(tx_arena(tx), struct event_tx);
        tx_before_commit(tx, flush, *slot);
    }
    return *slot;
}

/* Makes room for one more item; a grown array leaves the old one to the arena. */
static void *grow(struct arena *arena, void *items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return items;
    size_t wanted = *capacity ? *capacity * 2 : 16;
    void *grown = arena_array(arena, wanted, size);
    if (count > 0)
        memcpy(grown, items, count * size);
    *capacity = wanted;
    return grown;
}

static void table_put(struct event_tx *e, size_t index)
{
    size_t at = mix(e->heads[index].customer_id) & (e->table_size - 1);
    while (e->table[at])
        at = (at + 1) & (e->table_size - 1);
    e->table[at] = index + 1;
}

static void table_grow(struct arena *arena, struct event_tx *e)
{
    if (e->head_count * 2 < e->table_size)
        return;
    e->table_size = e->table_size ? e->table_size * 4 : 64;
    e->table = ARENA_ARRAY(arena, e->table_size, size_t);
    for (size_t i = 0; i < e->head_count; i++)
        table_put(e, i);
}

/* The index of a customer's head, noted where it is new. */
static size_t head_of(struct arena *arena, struct event_tx *e, int64_t customer_id)
{
    table_grow(arena, e);
    size_t at = mix(customer_id) & (e->table_size - 1);
    for (; e->table[at]; at = (at + 1) & (e->table_size - 1)) {
        if (e->heads[e->table[at] - 1].customer_id == customer_id)
            return e->table[at] - 1;
    }
    e->heads = grow(arena, e->heads, e->head_count, &e->head_capacity, sizeof(*e->heads));
    e->heads[e->head_count] = (struct head){.customer_id = customer_id};
    e->table[at] = e->head_count + 1;
    return e->head_count++;
}

static int by_id(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return left < right ? -1 : left > right;
}

/* Locks every head that is noted and not locked yet, in ascending order of customers. */
static const struct err *lock_heads(struct tx *tx, struct event_tx *e)
{
    struct arena *arena = tx_arena(tx);
    struct sql_event_head_lock_in *ins =
        ARENA_ARRAY(arena, e->head_count + 1, struct sql_event_head_lock_in);
    size_t count = 0;
    for (size_t i = 0; i < e->head_count; i++) {
        if (!e->heads[i].locked)
            ins[count++].customer_id = e->heads[i].customer_id;
    }
    if (count == 0)
        return NULL;
    qsort(ins, count, sizeof(*ins), by_id);
    struct sql_event_head_lock_out *outs =
        ARENA_ARRAY(arena, count, struct sql_event_head_lock_out);
    bool *found = ARENA_ARRAY(arena, count, bool);
    TRY(sql_event_head_lock_many(tx, ins, count, outs, found));
    for (size_t i = 0; i < count; i++) {
        CHECK(found[i]);
        size_t index = head_of(arena, e, ins[i].customer_id);
        struct head *head = &e->heads[index];
        head->locked = true;
        head->version = outs[i].version;
        head->fact_sum = outs[i].fact_sum;
    }
    return NULL;
}

const struct err *event_lock(struct tx *tx, const int64_t *customer_ids, size_t count)
{
    struct event_tx *e = event_tx_of(tx);
    for (size_t i = 0; i < count; i++)
        head_of(tx_arena(tx), e, customer_ids[i]);
    return lock_heads(tx, e);
}

void event_born(struct tx *tx, const int64_t *customer_ids, size_t count)
{
    struct event_tx *e = event_tx_of(tx);
    for (size_t i = 0; i < count; i++) {
        size_t index = head_of(tx_arena(tx), e, customer_ids[i]); /* may move the heads */
        struct head *head = &e->heads[index];
        CHECK(!head->locked);
        head->locked = true;
        head->born = true;
    }
}

void event_append(struct tx *tx, int64_t customer_id, enum event_type type, int64_t occurred_at_us,
                  struct str payload)
{
    struct arena *arena = tx_arena(tx);
    struct event_tx *e = event_tx_of(tx);
    size_t head = head_of(arena, e, customer_id);
    CHECK((int)type >= 0 && type < EVENT_TYPE_MAX);
    e->pending =
        grow(arena, e->pending, e->pending_count, &e->pending_capacity, sizeof(*e->pending));
    e->pending[e->pending_count++] = (struct pending){
        head, type, occurred_at_us, payload.p ? str_copy(arena, payload) : STR_NONE};
    e->heads[head].changed = true;
}

static int64_t add_modulo(int64_t a, int64_t b)
{
    return (int64_t)(((uint64_t)a + (uint64_t)b) % (uint64_t)FACT_SUM_MODULUS);
}

void event_fact_changed(struct tx *tx, int64_t customer_id, struct str before, struct str after)
{
    const struct keyring *keys = tx_deps(tx)->keys;
    struct event_tx *e = event_tx_of(tx);
    size_t index = head_of(tx_arena(tx), e, customer_id); /* may move the heads */
    struct head *head = &e->heads[index];
    if (before.p)
        head->fact_delta =
            add_modulo(head->fact_delta, FACT_SUM_MODULUS - secret_fact_number(keys, before));
    if (after.p)
        head->fact_delta = add_modulo(head->fact_delta, secret_fact_number(keys, after));
    head->changed = true;
}

/* --- The end of a transaction -------------------------------------------------------------------
 */

static const struct err *insert_heads(struct tx *tx, const struct event_tx *e)
{
    struct sql_event_head_insert_in *ins =
        ARENA_ARRAY(tx_arena(tx), e->head_count + 1, struct sql_event_head_insert_in);
    size_t count = 0;
    for (size_t i = 0; i < e->head_count; i++) {
        const struct head *head = &e->heads[i];
        if (head->born)
            ins[count++] = (struct sql_event_head_insert_in){head->customer_id, head->version,
                                                             head->fact_delta};
    }
    if (count == 0)
        return NULL;
    qsort(ins, count, sizeof(*ins), by_id); /* customer_id comes first */
    return sql_event_head_insert_bulk(tx, ins, count);
}

static int by_customer(const void *a, const void *b)
{
    const struct sql_event_head_update_in *left = a, *right = b;
    return left->customer_id < right->customer_id ? -1 : left->customer_id > right->customer_id;
}

static const struct err *update_heads(struct tx *tx, struct event_tx *e)
{
    struct sql_event_head_update_in *ins =
        ARENA_ARRAY(tx_arena(tx), e->head_count + 1, struct sql_event_head_update_in);
    size_t count = 0;
    for (size_t i = 0; i < e->head_count; i++) {
        struct head *head = &e->heads[i];
        if (!head->changed || head->born)
            continue;
        head->fact_sum = add_modulo(head->fact_sum, head->fact_delta);
        ins[count++] =
            (struct sql_event_head_update_in){head->version, head->fact_sum, head->customer_id};
    }
    if (count == 0)
        return NULL;
    qsort(ins, count, sizeof(*ins), by_customer);
    return sql_event_head_update_many(tx, ins, count, NULL, NULL);
}

/* Takes as many numbers of each partition as rows need; last[p] is the number before the first that
 * was taken. */
static const struct err *take_numbers(struct tx *tx, const struct sql_event_insert_in *rows,
                                      size_t count, int64_t last[EVENT_PARTITION_COUNT])
{
    struct sql_event_partition_take_in ins[EVENT_PARTITION_COUNT];
    struct sql_event_partition_take_out outs[EVENT_PARTITION_COUNT];
    bool found[EVENT_PARTITION_COUNT];
    int64_t needed[EVENT_PARTITION_COUNT] = {0};
    size_t touched = 0;
    for (size_t i = 0; i < count; i++)
        needed[rows[i].partition_no]++;
    for (int p = 0; p < EVENT_PARTITION_COUNT; p++) {
        if (needed[p] > 0)
            ins[touched++] =
                (struct sql_event_partition_take_in){.count = needed[p], .partition_no = p};
    }
    TRY(sql_event_partition_take_many(tx, ins, touched, outs, found));
    for (size_t i = 0; i < touched; i++) {
        CHECK(found[i]);
        last[ins[i].partition_no] = outs[i].last_number - ins[i].count;
    }
    return NULL;
}

static const struct err *insert_events(struct tx *tx, const struct sql_event_insert_in *rows,
                                       size_t count)
{
    if (count >= BULK_EVENTS_MIN)
        return sql_event_insert_bulk(tx, rows, count);
    for (size_t i = 0; i < count; i++)
        TRY(sql_event_insert_run(tx, &rows[i]));
    return NULL;
}

/* Partitions come last but for the events themselves: their rows are what all writers share. */
static const struct err *flush(struct tx *tx, void *arg)
{
    struct event_tx *e = arg;
    size_t count = e->pending_count;
    struct sql_event_insert_in *rows =
        ARENA_ARRAY(tx_arena(tx), count + 1, struct sql_event_insert_in);
    int64_t last[EVENT_PARTITION_COUNT] = {0};
    TRY(lock_heads(tx, e));
    for (size_t i = 0; i < count; i++) {
        const struct pending *event = &e->pending[i];
        struct head *head = &e->heads[event->head];
        const struct event_type_info *info = event_type_info(event->type);
        rows[i] = (struct sql_event_insert_in){
            .customer_id = head->customer_id,
            .version = ++head->version,
            .partition_no = event_partition(head->customer_id),
            .type = str_c(info->name),
            .type_version = info->version,
            .occurred_at = event->occurred_at_us,
            .recorded_at = tx_now_us(tx),
            .payload = event->payload,
        };
    }
    TRY(insert_heads(tx, e));
    TRY(update_heads(tx, e));
    if (count == 0)
        return NULL;
    TRY(take_numbers(tx, rows, count, last));
    for (size_t i = 0; i < count; i++)
        rows[i].number = ++last[rows[i].partition_no];
    return insert_events(tx, rows, count);
}

/* --- Reading ------------------------------------------------------------------------------------
 */

const struct err *event_cursor_now(struct tx *tx, struct event_cursor *cursor)
{
    struct stmt_cursor rows;
    struct sql_event_partition_all_out row;
    bool has;
    *cursor = (struct event_cursor){{0}};
    TRY(sql_event_partition_all_open(tx, &rows));
    for (;;) {
        TRY(sql_event_partition_all_next(&rows, &row, &has));
        if (!has)
            return NULL;
        CHECK(row.partition_no >= 0 && row.partition_no < EVENT_PARTITION_COUNT);
        cursor->number[row.partition_no] = row.last_number;
    }
}

static bool type_of_name(struct str name, enum event_type *type)
{
    for (int t = 0; t < EVENT_TYPE_MAX; t++) {
        if (str_eq(name, str_c(type_infos[t].name))) {
            *type = (enum event_type)t;
            return true;
        }
    }
    return false;
}

/* The columns of event_of_partition and of event_of_customer are the same. */
struct event_list {
    struct event *items;
    size_t count, capacity;
};

static const struct err *add_event(struct tx *tx, struct event_list *list,
                                   const struct sql_event_of_partition_out *row)
{
    struct arena *arena = tx_arena(tx);
    struct event event = {
        .customer_id = row->customer_id,
        .version = row->version,
        .partition = (int)row->partition_no,
        .number = row->number,
        .occurred_at_us = row->occurred_at,
        .recorded_at_us = row->recorded_at,
        .payload = row->payload.p ? str_copy(arena, row->payload) : STR_NONE,
    };
    if (!type_of_name(row->type, &event.type)) {
        return ERR_NEW(arena, ERR_EVENT_TYPE_UNKNOWN, STR_NONE,
                       str_fmt(arena, "%lld", (long long)row->version),
                       str_fmt(arena, "%lld", (long long)row->customer_id),
                       str_copy(arena, row->type));
    }
    list->items = grow(arena, list->items, list->count, &list->capacity, sizeof(*list->items));
    list->items[list->count++] = event;
    return NULL;
}

static const struct err *read_partition(struct tx *tx, int partition, int64_t after, size_t max,
                                        struct event_list *list)
{
    struct stmt_cursor rows;
    struct sql_event_of_partition_out row;
    bool has;
    TRY(sql_event_of_partition_open(
        tx, &(struct sql_event_of_partition_in){partition, after, (int64_t)max}, &rows));
    for (;;) {
        TRY(sql_event_of_partition_next(&rows, &row, &has));
        if (!has)
            return NULL;
        TRY(add_event(tx, list, &row));
    }
}

const struct err *event_read(struct tx *tx, struct event_cursor *cursor, size_t max,
                             struct event **events, size_t *count)
{
    struct event_cursor now, moved = *cursor;
    struct event_list list = {0};
    uint64_t read_ever = 0;
    TRY(event_cursor_now(tx, &now));
    for (int p = 0; p < EVENT_PARTITION_COUNT; p++)
        read_ever += (uint64_t)cursor->number[p];
    for (int i = 0; i < EVENT_PARTITION_COUNT && list.count < max; i++) {
        /* Begins elsewhere each time, so that a busy partition cannot keep the others from being
         * read. */
        int p = (int)((read_ever + (uint64_t)i) % EVENT_PARTITION_COUNT);
        if (now.number[p] <= cursor->number[p])
            continue;
        TRY(read_partition(tx, p, cursor->number[p], max - list.count, &list));
        if (list.count > 0 && list.items[list.count - 1].partition == p)
            moved.number[p] = list.items[list.count - 1].number;
    }
    *cursor = moved;
    *events = list.items;
    *count = list.count;
    return NULL;
}

const struct err *event_of_customer(struct tx *tx, int64_t customer_id, struct event **events,
                                    size_t *count)
{
    struct stmt_cursor rows;
    struct sql_event_of_customer_out row;
    struct event_list list = {0};
    bool has;
    TRY(sql_event_of_customer_open(tx, &(struct sql_event_of_customer_in){customer_id}, &rows));
    for (;;) {
        TRY(sql_event_of_customer_next(&rows, &row, &has));
        if (!has)
            break;
        struct sql_event_of_partition_out same = {
            row.customer_id,  row.version,     row.partition_no, row.number, row.type,
            row.type_version, row.occurred_at, row.recorded_at,  row.payload};
        TRY(add_event(tx, &list, &same));
    }
    *events = list.items;
    *count = list.count;
    return NULL;
}

const struct err *event_forget(struct tx *tx, int64_t customer_id)
{
    return sql_event_forget_run(tx, &(struct sql_event_forget_in){customer_id});
}

const struct err *event_verify(struct tx *tx, struct event_faults *faults)
{
    struct sql_event_verify_customers_out customers;
    struct sql_event_verify_partitions_out partitions;
    bool found;
    TRY(sql_event_verify_customers_one(tx, &customers, &found));
    TRY(sql_event_verify_partitions_one(tx, &partitions, &found));
    *faults = (struct event_faults){customers.fault_count, partitions.fault_count};
    return NULL;
}
