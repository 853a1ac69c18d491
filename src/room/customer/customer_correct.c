/* What names a person, put right by hand: the claims in the look-up go with it. Orders stay with
 * the birth that they came to. */
#include "base/arena.h"
#include "room/customer/customer_part.h"
#include "sql_customer.h"

#include <string.h>

static struct str hash_str(const uint8_t hash[SECRET_HASH_BYTES])
{
    return (struct str){(const char *)hash, SECRET_HASH_BYTES};
}

/* Openids and buyer ids mean something only with who gave them out; other kinds have no issuer. */
static bool needs_issuer(enum identity_kind kind)
{
    return kind == IDENTITY_OPENID || kind == IDENTITY_BUYER_ID;
}

/* The value as it is kept. */
static const struct err *normal_value(struct tx *tx, struct identity_value *identity)
{
    struct arena *arena = tx_arena(tx);
    struct str kind = str_c(identity_kind_name(identity->kind));
    struct str issuer = str_is(identity->issuer) ? str_trim(identity->issuer) : STR("");
    if (needs_issuer(identity->kind) && (issuer.n == 0 || issuer.n > LIMIT_NAME_BYTES_MAX))
        return ERR_NEW(arena, ERR_IDENTITY_KIND, STR("issuer"), kind);
    identity->issuer = needs_issuer(identity->kind) ? issuer : STR("");
    if (!identity_normalise(arena, identity->kind, identity->value, &identity->value))
        return ERR_NEW(arena, ERR_IDENTITY_VALUE, STR("value"), kind);
    return NULL;
}

/* Refuses what somebody has. */
static const struct err *check_free(struct tx *tx, int64_t root_id, int64_t kind, struct str hash)
{
    struct sql_customer_lookup_out owner;
    bool found;
    TRY(sql_customer_lookup_one(tx, &(struct sql_customer_lookup_in){kind, hash}, &owner, &found));
    if (!found)
        return NULL;
    if (owner.root_id == root_id)
        return ERR_NEW(tx_arena(tx), ERR_IDENTITY_HAS, STR("value"));
    return ERR_NEW(tx_arena(tx), ERR_IDENTITY_TAKEN, STR("value"),
                   customer_id_text(tx, owner.root_id));
}

static const struct err *claim(struct tx *tx, int64_t kind, struct str hash, int64_t customer_id,
                               int64_t identity_id)
{
    struct sql_customer_claim_in in = {kind, hash, customer_id, identity_id};
    struct sql_customer_claim_out out;
    bool won;
    TRY(sql_customer_claim_one(tx, &in, &out, &won));
    return won ? NULL : ERR_NEW(tx_arena(tx), ERR_CUSTOMER_RACED, STR("value"));
}

static void note_change(struct tx *tx, int64_t root_id, const char *what, enum identity_kind kind,
                        struct str by)
{
    struct customer_note notes[] = {{"field", STR("identity")},
                                    {"change", str_c(what)},
                                    {"kind", str_c(identity_kind_name(kind))},
                                    {"by", by}};
    customer_note_event(tx, root_id, EVENT_CUSTOMER_CHANGED, notes, 4);
}

ERR_RESULT customer_identity_add(struct tx *tx, int64_t customer_id,
                                 const struct identity_value *identity, struct str by)
{
    struct arena *arena = tx_arena(tx);
    struct identity_value is = *identity;
    int64_t root_id, identity_id = id_next(tx_deps(tx)->ids);
    uint8_t key[SECRET_KEY_BYTES], hash[SECRET_HASH_BYTES];
    TRY(customer_lock_root(tx, STR("customer"), customer_id, &root_id));
    TRY(customer_data_key(tx, root_id, key));
    TRY(normal_value(tx, &is));
    identity_hash(tx_deps(tx)->keys, &is, hash);
    TRY(check_free(tx, root_id, is.kind, hash_str(hash)));
    TRY(claim(tx, is.kind, hash_str(hash), root_id, identity_id));
    TRY(sql_customer_identity_forget_run(
        tx, &(struct sql_customer_identity_forget_in){root_id, is.kind, hash_str(hash)}));
    TRY(sql_customer_issuer_insert_run(
        tx, &(struct sql_customer_issuer_insert_in){is.kind, is.issuer}));
    struct sql_customer_identity_insert_in row = {
        .customer_id = root_id,
        .identity_id = identity_id,
        .kind = is.kind,
        .issuer = is.issuer,
        .hash = hash_str(hash),
        .claimed = 1,
        .weak = 0,
        .value_sealed = secret_seal(arena, key, CUSTOMER_IDENTITY_CONTEXT, is.value),
        .recorded_at = tx_now_us(tx)};
    TRY(sql_customer_identity_insert_run(tx, &row));
    note_change(tx, root_id, "added", is.kind, by);
    return NULL;
}

/* An identity of the person, and the birth that has it; both locked. */
static const struct err *find_identity(struct tx *tx, int64_t customer_id, int64_t identity_id,
                                       int64_t *root_id, int64_t *birth_id,
                                       struct sql_customer_identity_one_out *row)
{
    struct sql_customer_identity_owner_out owner;
    bool found;
    TRY(customer_lock_root(tx, STR("customer"), customer_id, root_id));
    struct sql_customer_identity_owner_in in = {*root_id, identity_id};
    TRY(sql_customer_identity_owner_one(tx, &in, &owner, &found));
    *birth_id = found ? owner.customer_id : 0;
    if (found) {
        TRY(event_lock(tx, birth_id, 1));
        struct sql_customer_identity_one_in one = {*birth_id, identity_id};
        TRY(sql_customer_identity_one_one(tx, &one, row, &found));
    }
    if (!found)
        return ERR_NEW(tx_arena(tx), ERR_IDENTITY_UNKNOWN, STR("identity_id"),
                       customer_id_text(tx, *root_id));
    return NULL;
}

static const struct err *unclaim(struct tx *tx, int64_t birth_id,
                                 const struct sql_customer_identity_one_out *row)
{
    if (!row->claimed)
        return NULL;
    return sql_customer_unclaim_run(
        tx, &(struct sql_customer_unclaim_in){row->kind, row->hash, birth_id});
}

ERR_RESULT customer_identity_correct(struct tx *tx, int64_t customer_id, int64_t identity_id,
                                     struct str value, struct str by)
{
    int64_t root_id, birth_id;
    struct sql_customer_identity_one_out row;
    uint8_t key[SECRET_KEY_BYTES], hash[SECRET_HASH_BYTES];
    TRY(find_identity(tx, customer_id, identity_id, &root_id, &birth_id, &row));
    TRY(customer_data_key(tx, birth_id, key));
    struct identity_value is = {.kind = (enum identity_kind)row.kind,
                                .issuer = row.issuer,
                                .value = value};
    TRY(normal_value(tx, &is));
    identity_hash(tx_deps(tx)->keys, &is, hash);
    if (str_eq(hash_str(hash), row.hash))
        return NULL;
    TRY(check_free(tx, root_id, is.kind, hash_str(hash)));
    TRY(unclaim(tx, birth_id, &row));
    TRY(claim(tx, is.kind, hash_str(hash), birth_id, identity_id));
    TRY(sql_customer_identity_forget_run(
        tx, &(struct sql_customer_identity_forget_in){birth_id, is.kind, hash_str(hash)}));
    TRY(sql_customer_identity_set_run(
        tx, &(struct sql_customer_identity_set_in){
                birth_id, identity_id, hash_str(hash), 1,
                secret_seal(tx_arena(tx), key, CUSTOMER_IDENTITY_CONTEXT, is.value)}));
    note_change(tx, root_id, "corrected", is.kind, by);
    return NULL;
}

ERR_RESULT customer_identity_remove(struct tx *tx, int64_t customer_id, int64_t identity_id,
                                    struct str by)
{
    int64_t root_id, birth_id;
    struct sql_customer_identity_one_out row;
    TRY(find_identity(tx, customer_id, identity_id, &root_id, &birth_id, &row));
    TRY(unclaim(tx, birth_id, &row));
    TRY(sql_customer_identity_delete_run(
        tx, &(struct sql_customer_identity_delete_in){birth_id, identity_id}));
    note_change(tx, root_id, "removed", (enum identity_kind)row.kind, by);
    return NULL;
}
