/* What a person does to one customer: enter, rename, look at the unmasked data. */
#include "base/arena.h"
#include "room/customer/customer_part.h"
#include "sql_customer.h"

static const struct err *write_name_keys(struct tx *tx, int64_t customer_id, struct str name)
{
    struct customer_name_key keys[CUSTOMER_NAME_PREFIX_MAX + 1];
    struct sql_customer_name_hash_insert_in rows[CUSTOMER_NAME_PREFIX_MAX + 1];
    int count = customer_name_keys(tx_arena(tx), tx_deps(tx)->keys, name, keys);
    for (int i = 0; i < count; i++)
        rows[i] = (struct sql_customer_name_hash_insert_in){
            keys[i].kind, {(const char *)keys[i].hash, SECRET_HASH_BYTES}, customer_id};
    return sql_customer_name_hash_insert_bulk(tx, rows, (size_t)count);
}

static const struct err *delete_name_keys(struct tx *tx, int64_t customer_id, struct str name)
{
    struct customer_name_key keys[CUSTOMER_NAME_PREFIX_MAX + 1];
    int count = customer_name_keys(tx_arena(tx), tx_deps(tx)->keys, name, keys);
    for (int i = 0; i < count; i++) {
        struct sql_customer_name_hash_delete_in row = {
            keys[i].kind, {(const char *)keys[i].hash, SECRET_HASH_BYTES}, customer_id};
        TRY(sql_customer_name_hash_delete_run(tx, &row));
    }
    return NULL;
}

ERR_RESULT customer_create(struct tx *tx, struct str name, int64_t *customer_id)
{
    struct arena *arena = tx_arena(tx);
    const struct deps *deps = tx_deps(tx);
    if (str_is(name))
        TRY(customer_text_check(tx, ERR_CUSTOMER_NAME, STR("name"), &name));
    int64_t id = id_next(deps->ids);
    TRY(event_lock(tx, &id, 1));
    struct str data_key = secret_data_key_new(arena, deps->keys, id, NULL);
    struct str name_sealed = STR_NONE;
    if (str_is(name)) {
        uint8_t key[SECRET_KEY_BYTES];
        TRY(secret_data_key_open(arena, deps->keys, id, data_key, key));
        name_sealed = secret_seal(arena, key, CUSTOMER_NAME_CONTEXT, name);
    }
    struct sql_customer_insert_in row = {.customer_id = id,
                                         .root_id = id,
                                         .placeholder = 0,
                                         .data_key = data_key,
                                         .name_sealed = name_sealed,
                                         .created_at = tx_now_us(tx),
                                         .recorded_at = tx_now_us(tx)};
    TRY(sql_customer_insert_run(tx, &row));
    if (str_is(name))
        TRY(write_name_keys(tx, id, name));
    customer_note_event(tx, id, EVENT_CUSTOMER_CREATED, NULL, 0);
    *customer_id = id;
    return NULL;
}

ERR_RESULT customer_rename(struct tx *tx, int64_t customer_id, struct str name)
{
    struct arena *arena = tx_arena(tx);
    TRY(customer_text_check(tx, ERR_CUSTOMER_NAME, STR("name"), &name));
    int64_t root_id;
    TRY(customer_lock_root(tx, STR("customer"), customer_id, &root_id));
    struct sql_customer_one_out row;
    bool found;
    TRY(sql_customer_one_one(tx, &(struct sql_customer_one_in){root_id}, &row, &found));
    if (!found)
        return ERR_NEW(arena, ERR_CUSTOMER_UNKNOWN, STR("customer"), customer_id_text(tx, root_id));
    uint8_t key[SECRET_KEY_BYTES];
    TRY(customer_data_key(tx, root_id, key));
    if (row.name_sealed.p) {
        struct str old;
        TRY(secret_open(arena, key, CUSTOMER_NAME_CONTEXT, row.name_sealed, &old));
        if (str_eq(old, name))
            return NULL;
        TRY(delete_name_keys(tx, root_id, old));
    }
    struct sql_customer_name_set_in set = {root_id,
                                           secret_seal(arena, key, CUSTOMER_NAME_CONTEXT, name)};
    TRY(sql_customer_name_set_run(tx, &set));
    TRY(write_name_keys(tx, root_id, name));
    struct customer_note notes[] = {{"field", STR("name")}};
    customer_note_event(tx, root_id, EVENT_CUSTOMER_CHANGED, notes, 1);
    return NULL;
}

ERR_RESULT customer_reveal(struct tx *tx, int64_t customer_id, struct str by)
{
    int64_t root_id;
    uint8_t key[SECRET_KEY_BYTES];
    TRY(customer_lock_root(tx, STR("customer"), customer_id, &root_id));
    TRY(customer_data_key(tx, root_id, key)); /* of who was erased there is nothing to see */
    struct customer_note notes[] = {{"by", by}};
    customer_note_event(tx, root_id, EVENT_CUSTOMER_REVEALED, notes, 1);
    return NULL;
}
