/* Writes what was decided for a batch of buyers. Locks first, then claims, then all that hangs on
 * them: a claim that somebody else took meanwhile (PostgreSQL) fails the transaction as
 * CUSTOMER_RACED; it is run again, sees the winner and leaves no ghost behind. */
#include <stdlib.h>

#include "base/arena.h"
#include "room/customer/customer_batch.h"
#include "sql_customer.h"

static struct str hash_str(const uint8_t *hash)
{
    return (struct str){(const char *)hash, SECRET_HASH_BYTES};
}

static const struct err *lock(struct customer_batch *batch)
{
    size_t count = 0, born_count = 0;
    int64_t *ids =
        ARENA_ARRAY(batch->arena, batch->customer_count + 2 * batch->proposal_count, int64_t);
    int64_t *born = ARENA_ARRAY(batch->arena, batch->customer_count, int64_t);
    for (size_t i = 0; i < batch->customer_count; i++) {
        if (batch->customers[i].created)
            born[born_count++] = batch->customers[i].customer_id;
        else
            ids[count++] = batch->customers[i].customer_id;
    }
    for (size_t i = 0; i < batch->proposal_count; i++) {
        ids[count++] = batch->proposals[i].low_id;
        ids[count++] = batch->proposals[i].high_id;
    }
    event_born(batch->tx, born, born_count);
    return event_lock(batch->tx, ids, count);
}

/* A root that was merged or split before the lock was ours would make a proposal wrong. */
static const struct err *check_roots(struct customer_batch *batch)
{
    size_t count = 2 * batch->proposal_count;
    int64_t *ids = ARENA_ARRAY(batch->arena, count, int64_t);
    int64_t *roots = ARENA_ARRAY(batch->arena, count, int64_t);
    for (size_t i = 0; i < batch->proposal_count; i++) {
        ids[2 * i] = batch->proposals[i].low_id;
        ids[2 * i + 1] = batch->proposals[i].high_id;
    }
    TRY(customer_roots(batch->tx, ids, count, roots));
    for (size_t i = 0; i < count; i++) {
        if (roots[i] != 0 && roots[i] != ids[i]) /* 0: born in this batch */
            return ERR_NEW(batch->arena, ERR_CUSTOMER_RACED, STR_NONE);
    }
    return NULL;
}

/* --- Identities --- */

static int compare_claims(const void *a, const void *b)
{
    const struct sql_customer_claim_in *x = a, *y = b;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return str_cmp(x->hash, y->hash);
}

/* In one order, so that two transactions that want the same never wait for each other in a circle.
 */
static const struct err *claim(struct customer_batch *batch,
                               const struct sql_customer_identity_insert_in *rows, size_t count)
{
    struct sql_customer_claim_in *ins =
        ARENA_ARRAY(batch->arena, count, struct sql_customer_claim_in);
    struct sql_customer_claim_out *outs =
        ARENA_ARRAY(batch->arena, count, struct sql_customer_claim_out);
    bool *won = ARENA_ARRAY(batch->arena, count, bool);
    size_t claim_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].claimed && batch->rows[i].taken_from == 0)
            ins[claim_count++] = (struct sql_customer_claim_in){.kind = rows[i].kind,
                                                                .hash = rows[i].hash,
                                                                .customer_id = rows[i].customer_id,
                                                                .object_id = rows[i].identity_id};
    }
    if (claim_count == 0)
        return NULL;
    qsort(ins, claim_count, sizeof(*ins), compare_claims);
    TRY(sql_customer_claim_many(batch->tx, ins, claim_count, outs, won));
    for (size_t i = 0; i < claim_count; i++) {
        if (!won[i])
            return ERR_NEW(batch->arena, ERR_CUSTOMER_RACED, STR_NONE);
    }
    return NULL;
}

static int compare_takes(const void *a, const void *b)
{
    const struct sql_customer_take_in *x = a, *y = b;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return str_cmp(x->hash, y->hash);
}

/* Claims that were weak move here; what was noted of them unclaimed is replaced. */
static const struct err *take_over(struct customer_batch *batch,
                                   const struct sql_customer_identity_insert_in *rows, size_t count)
{
    struct sql_customer_take_in *ins =
        ARENA_ARRAY(batch->arena, count, struct sql_customer_take_in);
    struct sql_customer_take_out out;
    size_t take_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (batch->rows[i].taken_from != 0)
            ins[take_count++] = (struct sql_customer_take_in){.kind = rows[i].kind,
                                                              .hash = rows[i].hash,
                                                              .from_id = batch->rows[i].taken_from,
                                                              .customer_id = rows[i].customer_id,
                                                              .object_id = rows[i].identity_id};
    }
    if (take_count > 0)
        qsort(ins, take_count, sizeof(*ins), compare_takes);
    for (size_t i = 0; i < take_count; i++) {
        const struct sql_customer_take_in *in = &ins[i];
        bool taken;
        TRY(sql_customer_take_one(batch->tx, in, &out, &taken));
        if (!taken)
            return ERR_NEW(batch->arena, ERR_CUSTOMER_RACED, STR_NONE);
        TRY(sql_customer_identity_unclaim_run(
            batch->tx,
            &(struct sql_customer_identity_unclaim_in){in->from_id, in->kind, in->hash}));
        TRY(sql_customer_identity_forget_run(
            batch->tx,
            &(struct sql_customer_identity_forget_in){in->customer_id, in->kind, in->hash}));
    }
    return NULL;
}

static const struct err *confirm(struct customer_batch *batch)
{
    for (size_t i = 0; i < batch->confirm_count; i++) {
        const struct batch_confirm *confirmed = &batch->confirms[i];
        const struct batch_identity *identity = &batch->identities[confirmed->identity];
        TRY(sql_customer_identity_confirm_run(
            batch->tx, &(struct sql_customer_identity_confirm_in){
                           confirmed->customer_id, identity->is.kind, hash_str(identity->hash)}));
    }
    return NULL;
}

static const struct err *note_issuers(struct customer_batch *batch)
{
    struct customer_map *noted = customer_map_new(batch->arena, 0);
    for (size_t i = 0; i < batch->row_count; i++) {
        if (!batch->rows[i].claimed)
            continue;
        const struct identity_value *is = &batch->identities[batch->rows[i].identity].is;
        uint8_t hash[SECRET_HASH_BYTES];
        secret_content_hash(is->issuer, hash);
        hash[0] ^= (uint8_t)is->kind;
        if (customer_map_put(noted, map_key_hash(hash), 0))
            TRY(sql_customer_issuer_insert_run(
                batch->tx, &(struct sql_customer_issuer_insert_in){is->kind, is->issuer}));
    }
    return NULL;
}

/* Drops the rows that note what a known customer has noted already. */
static const struct err *drop_kept(struct customer_batch *batch)
{
    size_t count = batch->row_count, asked = 0;
    struct sql_customer_kept_in *ins =
        ARENA_ARRAY(batch->arena, count, struct sql_customer_kept_in);
    struct sql_customer_kept_out *outs =
        ARENA_ARRAY(batch->arena, count, struct sql_customer_kept_out);
    bool *found = ARENA_ARRAY(batch->arena, count, bool);
    for (size_t i = 0; i < count; i++) {
        const struct batch_identity *identity = &batch->identities[batch->rows[i].identity];
        if (!batch->rows[i].claimed)
            ins[asked++] =
                (struct sql_customer_kept_in){batch->customers[batch->rows[i].customer].customer_id,
                                              identity->is.kind, hash_str(identity->hash)};
    }
    if (asked == 0)
        return NULL;
    TRY(sql_customer_kept_many(batch->tx, ins, asked, outs, found));
    size_t left = 0;
    for (size_t i = 0, question = 0; i < count; i++) {
        bool drop = !batch->rows[i].claimed && found[question++];
        if (!drop)
            batch->rows[left++] = batch->rows[i];
    }
    batch->row_count = left;
    return NULL;
}

/* --- Keys and names --- */

static void make_keys(struct customer_batch *batch)
{
    for (size_t i = 0; i < batch->customer_count; i++) {
        struct batch_customer *customer = &batch->customers[i];
        if (customer->created)
            customer->data_key = secret_data_key_new(batch->arena, batch->deps->keys,
                                                     customer->customer_id, customer->key);
    }
}

/* New customers have got a key; of the known ones it is read and opened where something is to be
 * sealed. Forgets the names of customers that have one. */
static const struct err *load_keys(struct customer_batch *batch)
{
    size_t count = batch->customer_count, asked = 0;
    struct sql_customer_key_in *ins = ARENA_ARRAY(batch->arena, count, struct sql_customer_key_in);
    struct sql_customer_key_out *outs =
        ARENA_ARRAY(batch->arena, count, struct sql_customer_key_out);
    bool *found = ARENA_ARRAY(batch->arena, count, bool);
    for (size_t i = 0; i < batch->row_count; i++)
        batch->customers[batch->rows[i].customer].writes_identities = true;
    for (size_t i = 0; i < count; i++) {
        const struct batch_customer *customer = &batch->customers[i];
        if (!customer->created && (customer->writes_identities || customer->name.p))
            ins[asked++].customer_id = customer->customer_id;
    }
    if (asked > 0)
        TRY(sql_customer_key_many(batch->tx, ins, asked, outs, found));
    for (size_t i = 0, answer = 0; i < count; i++) {
        struct batch_customer *customer = &batch->customers[i];
        if (customer->created)
            continue;
        if (customer->writes_identities || customer->name.p) {
            customer->data_key = found[answer] ? outs[answer].data_key : STR_NONE;
            if (found[answer] && outs[answer].named)
                customer->name = STR_NONE;
            answer++;
        }
        if (!customer->writes_identities && !customer->name.p)
            continue;
        if (!customer->data_key.p) /* erased since the look-up named them */
            return ERR_NEW(batch->arena, ERR_CUSTOMER_RACED, STR_NONE);
        TRY(secret_data_key_open(batch->arena, batch->deps->keys, customer->customer_id,
                                 customer->data_key, customer->key));
    }
    return NULL;
}

static struct str seal_name(const struct customer_batch *batch,
                            const struct batch_customer *customer)
{
    if (!customer->name.p)
        return STR_NONE;
    return secret_seal(batch->arena, customer->key, CUSTOMER_NAME_CONTEXT, customer->name);
}

/* Names of known customers that had none; one that got a name meanwhile keeps it. */
static const struct err *fill_names(struct customer_batch *batch)
{
    struct sql_customer_name_fill_in *ins =
        ARENA_ARRAY(batch->arena, batch->customer_count, struct sql_customer_name_fill_in);
    struct sql_customer_name_fill_out *outs =
        ARENA_ARRAY(batch->arena, batch->customer_count, struct sql_customer_name_fill_out);
    bool *set = ARENA_ARRAY(batch->arena, batch->customer_count, bool);
    size_t count = 0;
    for (size_t i = 0; i < batch->customer_count; i++) {
        const struct batch_customer *customer = &batch->customers[i];
        if (!customer->created && customer->name.p)
            ins[count++] = (struct sql_customer_name_fill_in){customer->customer_id,
                                                              seal_name(batch, customer)};
    }
    if (count == 0)
        return NULL;
    TRY(sql_customer_name_fill_many(batch->tx, ins, count, outs, set));
    for (size_t i = 0, answer = 0; i < batch->customer_count; i++) {
        struct batch_customer *customer = &batch->customers[i];
        if (!customer->created && customer->name.p && !set[answer++])
            customer->name = STR_NONE;
    }
    return NULL;
}

static int compare_name_hashes(const void *a, const void *b)
{
    const struct sql_customer_name_hash_insert_in *x = a, *y = b;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    int by_hash = str_cmp(x->hash, y->hash);
    return by_hash != 0 ? by_hash
                        : (x->customer_id > y->customer_id) - (x->customer_id < y->customer_id);
}

static const struct err *write_name_hashes(struct customer_batch *batch)
{
    size_t max = batch->customer_count * (CUSTOMER_NAME_PREFIX_MAX + 1), count = 0;
    struct sql_customer_name_hash_insert_in *rows =
        ARENA_ARRAY(batch->arena, max, struct sql_customer_name_hash_insert_in);
    for (size_t i = 0; i < batch->customer_count; i++) {
        const struct batch_customer *customer = &batch->customers[i];
        if (!customer->name.p)
            continue;
        struct customer_name_key *keys =
            ARENA_ARRAY(batch->arena, CUSTOMER_NAME_PREFIX_MAX + 1, struct customer_name_key);
        int key_count = customer_name_keys(batch->arena, batch->deps->keys, customer->name, keys);
        for (int k = 0; k < key_count; k++)
            rows[count++] = (struct sql_customer_name_hash_insert_in){
                keys[k].kind, hash_str(keys[k].hash), customer->customer_id};
    }
    if (count == 0)
        return NULL;
    qsort(rows, count, sizeof(*rows), compare_name_hashes);
    return sql_customer_name_hash_insert_bulk(batch->tx, rows, count);
}

/* --- Rows --- */

static const struct err *write_customers(struct customer_batch *batch)
{
    struct sql_customer_insert_in *rows =
        ARENA_ARRAY(batch->arena, batch->customer_count, struct sql_customer_insert_in);
    size_t count = 0;
    for (size_t i = 0; i < batch->customer_count; i++) {
        const struct batch_customer *customer = &batch->customers[i];
        if (!customer->created)
            continue;
        rows[count++] = (struct sql_customer_insert_in){.customer_id = customer->customer_id,
                                                        .root_id = customer->customer_id,
                                                        .placeholder = customer->placeholder,
                                                        .data_key = customer->data_key,
                                                        .name_sealed = seal_name(batch, customer),
                                                        .created_at = customer->met_at_us,
                                                        .recorded_at = tx_now_us(batch->tx)};
    }
    return count == 0 ? NULL : sql_customer_insert_bulk(batch->tx, rows, count);
}

static const struct err *write_identities(struct customer_batch *batch)
{
    size_t count = batch->row_count;
    if (count == 0)
        return NULL;
    struct sql_customer_identity_insert_in *rows =
        ARENA_ARRAY(batch->arena, count, struct sql_customer_identity_insert_in);
    for (size_t i = 0; i < count; i++) {
        const struct batch_row *row = &batch->rows[i];
        struct batch_identity *identity = &batch->identities[row->identity];
        const struct batch_customer *customer = &batch->customers[row->customer];
        rows[i] = (struct sql_customer_identity_insert_in){
            .customer_id = customer->customer_id,
            .identity_id = id_next(batch->deps->ids),
            .kind = identity->is.kind,
            .issuer = identity->is.issuer,
            .hash = hash_str(identity->hash),
            .claimed = row->claimed,
            .weak = row->weak,
            .value_sealed = secret_seal(batch->arena, customer->key, CUSTOMER_IDENTITY_CONTEXT,
                                        identity->is.value),
            .recorded_at = tx_now_us(batch->tx)};
        if (row->claimed)
            identity->claimed_as = rows[i].identity_id;
    }
    TRY(claim(batch, rows, count));
    TRY(take_over(batch, rows, count));
    TRY(note_issuers(batch));
    return sql_customer_identity_insert_bulk(batch->tx, rows, count);
}

static const struct err *write_proposals(struct customer_batch *batch)
{
    size_t count = batch->proposal_count;
    if (count == 0)
        return NULL;
    struct sql_customer_propose_in *ins =
        ARENA_ARRAY(batch->arena, count, struct sql_customer_propose_in);
    struct sql_customer_propose_out *outs =
        ARENA_ARRAY(batch->arena, count, struct sql_customer_propose_out);
    bool *written = ARENA_ARRAY(batch->arena, count, bool);
    for (size_t i = 0; i < count; i++)
        ins[i] = (struct sql_customer_propose_in){batch->proposals[i].low_id,
                                                  batch->proposals[i].high_id,
                                                  batch->proposals[i].kind, tx_now_us(batch->tx)};
    TRY(sql_customer_propose_many(batch->tx, ins, count, outs, written));
    for (size_t i = 0; i < count; i++) {
        if (!written[i])
            continue;
        int64_t pair[2] = {batch->proposals[i].low_id, batch->proposals[i].high_id};
        struct str kind = str_c(identity_kind_name(batch->proposals[i].kind));
        for (int side = 0; side < 2; side++) {
            struct customer_note notes[] = {{"other", customer_id_text(batch->tx, pair[1 - side])},
                                            {"identity_kind", kind}};
            customer_note_event(batch->tx, pair[side], EVENT_MERGE_PROPOSED, notes, 2);
        }
    }
    return NULL;
}

ERR_RESULT customer_batch_write(struct customer_batch *batch)
{
    if (batch->buyer_count == 0)
        return NULL;
    TRY(lock(batch));
    TRY(check_roots(batch));
    TRY(drop_kept(batch));
    make_keys(batch);
    TRY(load_keys(batch));
    TRY(write_customers(batch));
    TRY(confirm(batch));
    TRY(write_identities(batch));
    TRY(fill_names(batch));
    TRY(write_name_hashes(batch));
    return write_proposals(batch);
}
