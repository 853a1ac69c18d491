#include "room/customer/customer_part.h"

#include "base/arena.h"
#include "codec/json.h"
#include "sql_customer.h"

struct str customer_id_text(struct tx *tx, int64_t customer_id)
{
    return str_fmt(tx_arena(tx), "%lld", (long long)customer_id);
}

struct str customer_text_or_empty(struct str text)
{
    return text.p ? text : STR("");
}

ERR_RESULT customer_text_check(struct tx *tx, enum err_code code, struct str field,
                               struct str *text)
{
    struct str tidy = str_is(*text) ? str_trim(*text) : STR_NONE;
    if (!str_is(tidy) || tidy.n > LIMIT_NAME_BYTES_MAX || !str_is_utf8(tidy))
        return ERR_NEW(tx_arena(tx), code, field,
                       str_fmt(tx_arena(tx), "%d", LIMIT_NAME_BYTES_MAX));
    *text = tidy;
    return NULL;
}

ERR_RESULT customer_root_of(struct tx *tx, struct str field, int64_t customer_id, int64_t *root_id)
{
    struct sql_customer_root_out row;
    bool found;
    TRY(sql_customer_root_one(tx, &(struct sql_customer_root_in){customer_id}, &row, &found));
    if (!found)
        return ERR_NEW(tx_arena(tx), ERR_CUSTOMER_UNKNOWN, field,
                       customer_id_text(tx, customer_id));
    *root_id = row.root_id;
    return NULL;
}

ERR_RESULT customer_lock_root(struct tx *tx, struct str field, int64_t customer_id,
                              int64_t *root_id)
{
    TRY(customer_root_of(tx, field, customer_id, root_id));
    int64_t locked = *root_id;
    TRY(event_lock(tx, &locked, 1));
    TRY(customer_root_of(tx, field, customer_id, root_id));
    if (*root_id != locked)
        return ERR_NEW(tx_arena(tx), ERR_CUSTOMER_RACED, field);
    return NULL;
}

ERR_RESULT customer_data_key(struct tx *tx, int64_t customer_id, uint8_t key[SECRET_KEY_BYTES])
{
    struct sql_customer_one_out row;
    bool found;
    TRY(sql_customer_one_one(tx, &(struct sql_customer_one_in){customer_id}, &row, &found));
    if (!found)
        return ERR_NEW(tx_arena(tx), ERR_CUSTOMER_UNKNOWN, STR("customer"),
                       customer_id_text(tx, customer_id));
    if (!row.data_key.p)
        return ERR_NEW(tx_arena(tx), ERR_CUSTOMER_ERASED, STR("customer"),
                       customer_id_text(tx, customer_id));
    return secret_data_key_open(tx_arena(tx), tx_deps(tx)->keys, customer_id, row.data_key, key);
}

ERR_RESULT customer_lock_births(struct tx *tx, int64_t root_id, int64_t **births, size_t *count)
{
    struct stmt_cursor cursor;
    struct sql_customer_members_out row;
    bool has;
    *births = ARENA_ARRAY(tx_arena(tx), LIMIT_MERGE_MEMBERS_MAX, int64_t);
    *count = 0;
    TRY(sql_customer_members_open(tx, &(struct sql_customer_members_in){root_id}, &cursor));
    for (;;) {
        TRY(sql_customer_members_next(&cursor, &row, &has));
        if (!has)
            return event_lock(tx, *births, *count);
        if (*count == LIMIT_MERGE_MEMBERS_MAX) {
            stmt_close(&cursor);
            return ERR_NEW(tx_arena(tx), ERR_INTERNAL, STR_NONE,
                           STR("a merged customer has too many members"));
        }
        (*births)[(*count)++] = row.customer_id;
    }
}

void customer_note_event(struct tx *tx, int64_t customer_id, enum event_type type,
                         const struct customer_note *notes, int note_count)
{
    struct buf buf = buf_new(tx_arena(tx), 1 << 16);
    struct json_writer w = json_writer(&buf, false);
    json_open(&w, '{');
    for (int i = 0; i < note_count; i++) {
        if (!notes[i].value.p)
            continue;
        json_key(&w, str_c(notes[i].key));
        json_put_str(&w, notes[i].value);
    }
    json_close(&w, '}');
    event_append(tx, customer_id, type, tx_now_us(tx), buf_view(&buf));
}
