/* Tags: set on the root, removed from all births of the person; the person has the union of what
 * its births have. */
#include "base/arena.h"
#include "room/customer/customer_part.h"
#include "sql_customer.h"

static const struct err *tag_by_name(struct tx *tx, struct str name, int64_t *tag_id, bool *found)
{
    struct sql_customer_tag_by_name_out row;
    TRY(sql_customer_tag_by_name_one(tx, &(struct sql_customer_tag_by_name_in){name}, &row, found));
    *tag_id = *found ? row.tag_id : 0;
    return NULL;
}

static const struct err *tag_take(struct tx *tx, struct str name, int64_t *tag_id)
{
    bool found;
    TRY(tag_by_name(tx, name, tag_id, &found));
    if (found)
        return NULL;
    struct sql_customer_tag_insert_name_in in = {id_next(tx_deps(tx)->ids), name, tx_now_us(tx)};
    TRY(sql_customer_tag_insert_name_run(tx, &in));
    TRY(tag_by_name(tx, name, tag_id, &found));
    if (!found)
        return ERR_NEW(tx_arena(tx), ERR_CUSTOMER_RACED, STR("tag"));
    return NULL;
}

/* Whether the person has the tag until this very day already. */
static const struct err *is_set(struct tx *tx, int64_t root_id, int64_t tag_id,
                                struct opt_i64 until_day, bool *set)
{
    struct stmt_cursor cursor;
    struct sql_customer_tag_rows_out row;
    bool has = true;
    *set = false;
    TRY(sql_customer_tag_rows_open(tx, &(struct sql_customer_tag_rows_in){root_id}, &cursor));
    for (;;) {
        TRY(sql_customer_tag_rows_next(&cursor, &row, &has));
        if (!has)
            return NULL;
        bool same_end = row.until_day.set == until_day.set &&
                        (!until_day.set || row.until_day.v == until_day.v);
        if (row.tag_id == tag_id && same_end)
            *set = true;
    }
}

ERR_RESULT customer_tag_set(struct tx *tx, int64_t customer_id, struct str tag, int32_t until_day,
                            struct str by)
{
    TRY(customer_text_check(tx, ERR_CUSTOMER_TAG_NAME, STR("tag"), &tag));
    int64_t root_id, tag_id;
    uint8_t key[SECRET_KEY_BYTES];
    TRY(customer_lock_root(tx, STR("customer"), customer_id, &root_id));
    TRY(customer_data_key(tx, root_id, key)); /* who was erased is told nothing about */
    TRY(tag_take(tx, tag, &tag_id));
    struct opt_i64 until = until_day == DAY_NONE ? (struct opt_i64){0} : some_i64(until_day);
    bool set;
    TRY(is_set(tx, root_id, tag_id, until, &set));
    if (set)
        return NULL;
    /* one end holds at a time: what was set until another day gives way */
    TRY(sql_customer_tag_end_run(
        tx, &(struct sql_customer_tag_end_in){root_id, tag_id, tx_now_us(tx)}));
    TRY(sql_customer_tag_insert_run(
        tx, &(struct sql_customer_tag_insert_in){.customer_id = root_id,
                                                 .tag_id = tag_id,
                                                 .set_at = tx_now_us(tx),
                                                 .set_by = customer_text_or_empty(by),
                                                 .until_day = until}));
    struct str until_text = until.set ? day_text(tx_arena(tx), until_day) : STR_NONE;
    struct customer_note notes[] = {{"set", tag}, {"until", until_text}, {"by", by}};
    customer_note_event(tx, root_id, EVENT_CUSTOMER_TAGGED, notes, 3);
    return NULL;
}

ERR_RESULT customer_tag_remove(struct tx *tx, int64_t customer_id, struct str tag, struct str by)
{
    TRY(customer_text_check(tx, ERR_CUSTOMER_TAG_NAME, STR("tag"), &tag));
    int64_t root_id, tag_id, removed;
    TRY(customer_lock_root(tx, STR("customer"), customer_id, &root_id));
    bool found;
    TRY(tag_by_name(tx, tag, &tag_id, &found));
    if (!found)
        return NULL;
    struct sql_customer_tag_end_in end = {root_id, tag_id, tx_now_us(tx)};
    TRY(sql_customer_tag_end_run_count(tx, &end, &removed));
    if (removed == 0)
        return NULL;
    struct customer_note notes[] = {{"removed", tag}, {"by", by}};
    customer_note_event(tx, root_id, EVENT_CUSTOMER_TAGGED, notes, 2);
    return NULL;
}
