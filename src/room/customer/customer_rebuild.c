/* What follows from the rows of people, made again. */
#include <stdlib.h>

#include "base/arena.h"
#include "room/customer/customer_part.h"
#include "sql_customer.h"

const struct err *customer_rebuild_claims(struct tx *tx)
{
    TRY(sql_customer_rebuild_prune_run(tx));
    return sql_customer_rebuild_claim_run(tx);
}

const struct err *customer_rebuild_names_begin(struct tx *tx)
{
    return sql_customer_rebuild_names_clear_run(tx);
}

static const struct err *open_name(struct tx *tx, const struct sql_customer_rebuild_named_out *row,
                                   struct str *name)
{
    uint8_t key[SECRET_KEY_BYTES];
    struct arena *arena = tx_arena(tx);
    TRY(secret_data_key_open(arena, tx_deps(tx)->keys, row->customer_id, row->data_key, key));
    const struct err *err = secret_open(arena, key, CUSTOMER_NAME_CONTEXT, row->name_sealed, name);
    secret_forget(key, sizeof(key));
    return err;
}

static int compare(const void *a, const void *b)
{
    const struct sql_customer_name_hash_insert_in *x = a, *y = b;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    int by_hash = str_cmp(x->hash, y->hash);
    return by_hash ? by_hash
                   : (x->customer_id > y->customer_id) - (x->customer_id < y->customer_id);
}

const struct err *customer_rebuild_names(struct tx *tx, size_t most, int64_t *after_id,
                                         int64_t *count)
{
    struct arena *arena = tx_arena(tx);
    size_t room = most * (CUSTOMER_NAME_PREFIX_MAX + 1), row_count = 0;
    struct sql_customer_name_hash_insert_in *rows =
        ARENA_ARRAY(arena, room, struct sql_customer_name_hash_insert_in);
    struct sql_customer_rebuild_named_in in = {*after_id, (int64_t)most};
    struct sql_customer_rebuild_named_out row;
    struct stmt_cursor cursor;
    bool has;
    int64_t last_id = *after_id, read = 0;
    TRY(sql_customer_rebuild_named_open(tx, &in, &cursor));
    for (;;) {
        struct str name;
        TRY(sql_customer_rebuild_named_next(&cursor, &row, &has));
        if (!has)
            break;
        TRY(open_name(tx, &row, &name));
        struct customer_name_key *keys =
            ARENA_ARRAY(arena, CUSTOMER_NAME_PREFIX_MAX + 1, struct customer_name_key);
        int key_count = customer_name_keys(arena, tx_deps(tx)->keys, name, keys);
        for (int i = 0; i < key_count; i++)
            rows[row_count++] = (struct sql_customer_name_hash_insert_in){
                keys[i].kind, {(const char *)keys[i].hash, SECRET_HASH_BYTES}, row.customer_id};
        last_id = row.customer_id;
        read++;
    }
    qsort(rows, row_count, sizeof(*rows), compare);
    if (row_count > 0)
        TRY(sql_customer_name_hash_insert_bulk(tx, rows, row_count));
    *after_id = last_id;
    *count = read;
    return NULL;
}
