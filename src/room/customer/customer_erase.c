/* Erasure: nobody, we ourselves included, can say any more who it was. What was sealed goes with
 * its key; what finds the person goes; facts stay, as facts of somebody unknown. */
#include <string.h>

#include "base/arena.h"
#include "room/customer/customer_erasure.h"
#include "sql_customer.h"

static struct str hash_str(const uint8_t *hash)
{
    return (struct str){(const char *)hash, SECRET_HASH_BYTES};
}

/* --- One birth --- */

/* Only the name itself says by which hashes it is found. */
static const struct err *forget_name(struct tx *tx, const struct sql_customer_one_out *row,
                                     int64_t birth_id)
{
    uint8_t key[SECRET_KEY_BYTES];
    struct str name;
    struct customer_name_key names[CUSTOMER_NAME_PREFIX_MAX + 1];
    if (!row->name_sealed.p)
        return NULL;
    TRY(secret_data_key_open(tx_arena(tx), tx_deps(tx)->keys, birth_id, row->data_key, key));
    TRY(secret_open(tx_arena(tx), key, CUSTOMER_NAME_CONTEXT, row->name_sealed, &name));
    int count = customer_name_keys(tx_arena(tx), tx_deps(tx)->keys, name, names);
    for (int i = 0; i < count; i++) {
        struct sql_customer_name_hash_delete_in in = {names[i].kind, hash_str(names[i].hash),
                                                      birth_id};
        TRY(sql_customer_name_hash_delete_run(tx, &in));
    }
    return NULL;
}

struct held {
    int64_t birth_id, kind;
    struct str hash;
};

/* The claimed identities of a birth, in the transaction's arena. */
static const struct err *claimed_of(struct tx *tx, int64_t root_id, int64_t birth_id,
                                    struct held **out, size_t *count)
{
    struct stmt_cursor cursor;
    struct sql_customer_identities_out row;
    size_t capacity = 0;
    bool has;
    *out = NULL;
    *count = 0;
    TRY(sql_customer_identities_open(tx, &(struct sql_customer_identities_in){root_id}, &cursor));
    for (;;) {
        TRY(sql_customer_identities_next(&cursor, &row, &has));
        if (!has)
            return NULL;
        if (row.customer_id != birth_id || !row.claimed)
            continue;
        if (*count == capacity) {
            const struct held *old = *out;
            capacity = capacity ? 2 * capacity : 8;
            *out = ARENA_ARRAY(tx_arena(tx), capacity, struct held);
            if (*count > 0)
                memcpy(*out, old, *count * sizeof(*old));
        }
        (*out)[(*count)++] = (struct held){birth_id, row.kind, str_copy(tx_arena(tx), row.hash)};
    }
}

static const struct err *forget_identities(struct tx *tx, int64_t root_id, int64_t birth_id,
                                           const struct erasure_entry *entry)
{
    struct held *held;
    size_t count;
    TRY(claimed_of(tx, root_id, birth_id, &held, &count));
    for (size_t i = 0; i < count; i++) {
        struct sql_customer_unclaim_in unclaim = {held[i].kind, held[i].hash, birth_id};
        struct sql_customer_erasure_identity_in kept = {held[i].kind, held[i].hash,
                                                        entry->erased_at_us, entry->erasure_id};
        TRY(sql_customer_unclaim_run(tx, &unclaim));
        TRY(sql_customer_erasure_identity_run(tx, &kept));
    }
    return sql_customer_forget_identities_run(
        tx, &(struct sql_customer_forget_identities_in){birth_id});
}

static const struct err *forget_rest(struct tx *tx, int64_t birth_id)
{
    struct sql_customer_forget_proposals_in proposals = {birth_id, PROPOSAL_REFUSED,
                                                         tx_now_us(tx)};
    TRY(sql_customer_forget_proposals_run(tx, &proposals));
    TRY(sql_customer_forget_tags_run(tx, &(struct sql_customer_forget_tags_in){birth_id}));
    TRY(sql_customer_forget_evidence_run(tx, &(struct sql_customer_forget_evidence_in){birth_id}));
    TRY(sql_customer_keeper_clear_run(tx, &(struct sql_customer_keeper_clear_in){birth_id}));
    TRY(access_forget(tx, str_fmt(tx_arena(tx), "customer:%lld", (long long)birth_id)));
    return event_forget(tx, birth_id);
}

ERR_RESULT customer_erase_birth(struct tx *tx, int64_t birth_id, const struct erasure_entry *entry,
                                bool *erased)
{
    struct sql_customer_one_out row;
    TRY(sql_customer_one_one(tx, &(struct sql_customer_one_in){birth_id}, &row, erased));
    *erased = *erased && row.data_key.p;
    if (!*erased)
        return NULL;
    TRY(forget_name(tx, &row, birth_id));
    TRY(forget_identities(tx, row.root_id, birth_id, entry));
    TRY(sql_customer_forget_run(tx, &(struct sql_customer_forget_in){birth_id}));
    TRY(forget_rest(tx, birth_id));
    return sql_customer_erasure_birth_run(
        tx, &(struct sql_customer_erasure_birth_in){birth_id, entry->erasure_id});
}

ERR_RESULT customer_erasure_note(struct tx *tx, const struct erasure_entry *entry)
{
    struct sql_customer_erasure_insert_in row = {entry->erasure_id, entry->customer_id,
                                                 entry->erased_at_us,
                                                 customer_text_or_empty(entry->by)};
    return sql_customer_erasure_insert_run(tx, &row);
}

void customer_erasure_event(struct tx *tx, const struct erasure_entry *entry)
{
    struct customer_note notes[] = {{"by", entry->by}};
    customer_note_event(tx, entry->customer_id, EVENT_CUSTOMER_ERASED, notes, 1);
}

/* --- The person --- */

static const struct err *check_typed(struct tx *tx, int64_t customer_id, int64_t root_id,
                                     struct str typed)
{
    struct customer_view *view;
    struct str text = str_is(typed) ? str_trim(typed) : STR("");
    TRY(customer_view(tx, root_id, &view));
    if (view->erased)
        return ERR_NEW(tx_arena(tx), ERR_CUSTOMER_ERASED, STR("customer"),
                       customer_id_text(tx, root_id));
    bool is_id = str_eq(text, customer_id_text(tx, root_id)) ||
                 str_eq(text, customer_id_text(tx, customer_id));
    if (is_id || (str_is(view->name) && str_eq(text, view->name)))
        return NULL;
    return ERR_NEW(tx_arena(tx), ERR_CUSTOMER_ERASE_CONFIRM, STR("confirm"),
                   customer_id_text(tx, root_id));
}

ERR_RESULT customer_erase(struct tx *tx, int64_t customer_id, struct str typed, struct str by,
                          struct erased *out)
{
    int64_t root_id, *births;
    size_t count;
    TRY(customer_lock_root(tx, STR("customer"), customer_id, &root_id));
    TRY(check_typed(tx, customer_id, root_id, typed));
    TRY(customer_lock_births(tx, root_id, &births, &count));
    struct erasure_entry entry = {.erasure_id = id_next(tx_deps(tx)->ids),
                                  .customer_id = root_id,
                                  .erased_at_us = tx_now_us(tx),
                                  .by = by};
    *out = (struct erased){.erasure_id = entry.erasure_id};
    TRY(customer_erasure_note(tx, &entry));
    for (size_t i = 0; i < count; i++) {
        bool erased;
        TRY(customer_erase_birth(tx, births[i], &entry, &erased));
        out->birth_count += erased;
    }
    customer_erasure_event(tx, &entry);
    return NULL;
}

ERR_RESULT customer_exported(struct tx *tx, int64_t customer_id, struct str by)
{
    int64_t root_id;
    TRY(customer_lock_root(tx, STR("customer"), customer_id, &root_id));
    struct customer_note notes[] = {{"by", by}};
    customer_note_event(tx, root_id, EVENT_CUSTOMER_EXPORTED, notes, 1);
    return NULL;
}

/* --- What must not bring them back --- */

/* Sure identities say who it is; where there are none, the weak ones do (docs/decisions/0009). */
static bool says_who(const struct customer_buyer *buyer, int i)
{
    bool any_sure = false;
    for (int k = 0; k < buyer->identity_count; k++)
        any_sure = any_sure || !buyer->identities[k].weak;
    return !any_sure || !buyer->identities[i].weak;
}

struct question {
    size_t buyer;
    uint8_t hash[SECRET_HASH_BYTES];
};

ERR_RESULT customer_buyers_erased(struct tx *tx, struct customer_buyer *const *buyers, size_t count,
                                  int64_t *erased_at_us, bool *any)
{
    struct arena *arena = tx_arena(tx);
    struct sql_customer_erasure_any_out row;
    for (size_t b = 0; b < count; b++)
        erased_at_us[b] = INT64_MIN;
    TRY(sql_customer_erasure_any_one(tx, &row, any));
    if (!*any)
        return NULL;
    size_t max = count * LIMIT_IDENTITIES_PER_ORDER_MAX, asked = 0;
    struct question *questions = ARENA_ARRAY(arena, max, struct question);
    struct sql_customer_erased_identity_in *ins =
        ARENA_ARRAY(arena, max, struct sql_customer_erased_identity_in);
    for (size_t b = 0; b < count; b++) {
        for (int i = 0; buyers[b] && i < buyers[b]->identity_count; i++) {
            if (!says_who(buyers[b], i))
                continue;
            struct question *question = &questions[asked];
            question->buyer = b;
            if (buyers[b]->hashed)
                memcpy(question->hash, buyers[b]->hashes[i], SECRET_HASH_BYTES);
            else
                identity_hash(tx_deps(tx)->keys, &buyers[b]->identities[i], question->hash);
            ins[asked++] = (struct sql_customer_erased_identity_in){
                buyers[b]->identities[i].kind, hash_str(question->hash)};
        }
    }
    struct sql_customer_erased_identity_out *outs =
        ARENA_ARRAY(arena, asked, struct sql_customer_erased_identity_out);
    bool *found = ARENA_ARRAY(arena, asked, bool);
    TRY(sql_customer_erased_identity_many(tx, ins, asked, outs, found));
    for (size_t q = 0; q < asked; q++) {
        int64_t *erased_us = &erased_at_us[questions[q].buyer];
        if (found[q] && outs[q].erased_at > *erased_us)
            *erased_us = outs[q].erased_at;
    }
    return NULL;
}
