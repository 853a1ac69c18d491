/* Whose orders are these? Reads what the store knows of all identities of a batch at once, then
 * decides buyer by buyer in the order of the array, so that what one buyer brings is known to the
 * next. */
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "room/customer/customer_batch.h"
#include "room/customer/customer_rule.h"
#include "sql_customer.h"

/* The identities of one buyer, each once. */
struct link {
    size_t told[LIMIT_IDENTITIES_PER_ORDER_MAX];     /* place of each as the buyer tells them */
    size_t identity[LIMIT_IDENTITIES_PER_ORDER_MAX]; /* places in batch->identities */
    bool weak[LIMIT_IDENTITIES_PER_ORDER_MAX];
    int count;
};

void customer_buyer_hash(const struct keyring *keys, struct customer_buyer *buyer)
{
    for (int i = 0; i < buyer->identity_count; i++)
        identity_hash(keys, &buyer->identities[i], buyer->hashes[i]);
    buyer->hashed = true;
}

static size_t identity_place(struct customer_batch *batch, const struct identity_value *identity,
                             const uint8_t hash[SECRET_HASH_BYTES])
{
    const size_t *known = customer_map_get(batch->identity_by_hash, map_key_hash(hash));
    if (known)
        return *known;
    size_t place = batch->identity_count++;
    batch->identities[place].is = *identity;
    batch->identities[place].is.issuer = customer_text_or_empty(identity->issuer);
    memcpy(batch->identities[place].hash, hash, SECRET_HASH_BYTES);
    customer_map_put(batch->identity_by_hash, map_key_hash(hash), place);
    return place;
}

/* An identity given twice is sure where either says so. */
static void link_identity(struct link *link, size_t place, bool weak)
{
    for (int i = 0; i < link->count; i++) {
        if (link->identity[i] != place)
            continue;
        link->weak[i] = link->weak[i] && weak;
        return;
    }
    link->identity[link->count] = place;
    link->weak[link->count++] = weak;
}

static struct link *collect(struct customer_batch *batch)
{
    struct link *links = ARENA_ARRAY(batch->arena, batch->buyer_count, struct link);
    for (size_t b = 0; b < batch->buyer_count; b++) {
        struct customer_buyer *buyer = &batch->buyers[b];
        if (!buyer->hashed)
            customer_buyer_hash(batch->deps->keys, buyer);
        for (int i = 0; i < buyer->identity_count; i++) {
            links[b].told[i] = identity_place(batch, &buyer->identities[i], buyer->hashes[i]);
            link_identity(&links[b], links[b].told[i], buyer->identities[i].weak);
        }
    }
    return links;
}

static const struct err *look_up(struct customer_batch *batch)
{
    size_t count = batch->identity_count;
    struct sql_customer_lookup_in *ins =
        ARENA_ARRAY(batch->arena, count, struct sql_customer_lookup_in);
    struct sql_customer_lookup_out *outs =
        ARENA_ARRAY(batch->arena, count, struct sql_customer_lookup_out);
    bool *found = ARENA_ARRAY(batch->arena, count, bool);
    for (size_t i = 0; i < count; i++) {
        const struct batch_identity *identity = &batch->identities[i];
        ins[i] = (struct sql_customer_lookup_in){identity->is.kind,
                                                 {(const char *)identity->hash, SECRET_HASH_BYTES}};
    }
    TRY(sql_customer_lookup_many(batch->tx, ins, count, outs, found));
    for (size_t i = 0; i < count; i++) {
        batch->identities[i].owner_id = found[i] ? outs[i].customer_id : 0;
        batch->identities[i].owner_root_id = found[i] ? outs[i].root_id : 0;
        batch->identities[i].owner_weak = found[i] && outs[i].weak;
        if (found[i] && outs[i].sure)
            customer_map_put(batch->sure, map_key_ids(outs[i].root_id, 0), 0);
    }
    return NULL;
}

/* --- What phone owners hold (rule 2) --- */

static struct map_key holding_key(const struct customer_batch *batch, int64_t root_id,
                                  enum identity_kind kind, struct str issuer)
{
    struct arena_mark mark = arena_mark(batch->arena);
    uint8_t hash[SECRET_HASH_BYTES];
    struct str text =
        str_fmt(batch->arena, "%lld %d %.*s", (long long)root_id, (int)kind, STR_ARG(issuer));
    secret_content_hash(text, hash);
    arena_rewind(batch->arena, mark);
    return map_key_hash(hash);
}

/* Whether identity i of the buyer must give way if its owner holds another of identity j's sort. */
static bool may_give_way(const struct customer_batch *batch, const struct link *link, int i, int j)
{
    const struct batch_identity *found = &batch->identities[link->identity[i]];
    const struct batch_identity *account = &batch->identities[link->identity[j]];
    return (found->is.kind == IDENTITY_PHONE || found->is.kind == IDENTITY_EMAIL) &&
           found->owner_id != 0 && customer_rule_is_account(account->is.kind) && !link->weak[j] &&
           account->owner_id == 0;
}

/* The questions of one buyer: each of its phones and addresses against each of its new accounts.
 * Returns how many there are; writes them where ins is given. */
static size_t holding_questions(const struct customer_batch *batch, const struct link *link,
                                struct sql_customer_holds_in *ins)
{
    size_t count = 0;
    for (int i = 0; i < link->count; i++) {
        for (int j = 0; j < link->count; j++) {
            if (!may_give_way(batch, link, i, j))
                continue;
            const struct identity_value *is = &batch->identities[link->identity[j]].is;
            int64_t root_id = batch->identities[link->identity[i]].owner_root_id;
            if (ins)
                ins[count] = (struct sql_customer_holds_in){root_id, is->kind, is->issuer};
            count++;
        }
    }
    return count;
}

/* Asks the store beforehand for all that the decisions may ask. */
static const struct err *load_holding(struct customer_batch *batch, const struct link *links)
{
    size_t count = 0;
    for (size_t b = 0; b < batch->buyer_count; b++)
        count += holding_questions(batch, &links[b], NULL);
    if (count == 0)
        return NULL;
    struct arena *arena = batch->arena;
    struct sql_customer_holds_in *ins = ARENA_ARRAY(arena, count, struct sql_customer_holds_in);
    struct sql_customer_holds_out *outs = ARENA_ARRAY(arena, count, struct sql_customer_holds_out);
    bool *found = ARENA_ARRAY(arena, count, bool);
    count = 0;
    for (size_t b = 0; b < batch->buyer_count; b++)
        count += holding_questions(batch, &links[b], ins + count);
    TRY(sql_customer_holds_many(batch->tx, ins, count, outs, found));
    for (size_t i = 0; i < count; i++) {
        struct map_key key =
            holding_key(batch, ins[i].root_id, (enum identity_kind)ins[i].kind, ins[i].issuer);
        customer_map_put(batch->asked, key, 0);
        if (found[i])
            customer_map_put(batch->holding, key, 0);
    }
    return NULL;
}

/* Whether the person holds another identity of this kind and issuer. The store is asked now where
 * the phone became the person's only in this batch. */
static const struct err *holds(struct customer_batch *batch, int64_t root_id,
                               const struct identity_value *is, bool *yes)
{
    struct map_key key = holding_key(batch, root_id, is->kind, is->issuer);
    *yes = customer_map_get(batch->holding, key) != NULL;
    if (*yes || !customer_map_put(batch->asked, key, 0))
        return NULL;
    struct sql_customer_holds_in in = {root_id, is->kind, is->issuer};
    struct sql_customer_holds_out out;
    TRY(sql_customer_holds_one(batch->tx, &in, &out, yes));
    if (*yes)
        customer_map_put(batch->holding, key, 0);
    return NULL;
}

/* --- Decisions --- */

static const struct err *ask_rule(struct customer_batch *batch, const struct link *link,
                                  struct customer_rule_decision *decision)
{
    struct customer_rule_identity facts[LIMIT_IDENTITIES_PER_ORDER_MAX];
    for (int i = 0; i < link->count; i++) {
        const struct batch_identity *identity = &batch->identities[link->identity[i]];
        facts[i] = (struct customer_rule_identity){.kind = identity->is.kind,
                                                   .weak = link->weak[i],
                                                   .owner_id = identity->owner_id,
                                                   .owner_root_id = identity->owner_root_id,
                                                   .owner_weak = identity->owner_weak};
        facts[i].owner_sure =
            identity->owner_weak &&
            customer_map_get(batch->sure, map_key_ids(identity->owner_root_id, 0));
        for (int j = 0; j < link->count; j++) {
            bool yes = false;
            if (may_give_way(batch, link, i, j))
                TRY(holds(batch, identity->owner_root_id,
                          &batch->identities[link->identity[j]].is, &yes));
            facts[i].owner_holds_other |= (unsigned)yes << j;
        }
    }
    customer_rule_decide(facts, link->count, decision);
    return NULL;
}

/* The place of the chosen customer in the batch; a new one where the rule found nobody. */
static size_t customer_place(struct customer_batch *batch,
                             const struct customer_rule_decision *decision)
{
    bool created = decision->customer_id == 0;
    int64_t id = created ? id_next(batch->deps->ids) : decision->customer_id;
    const size_t *known = customer_map_get(batch->customer_by_id, map_key_ids(id, 0));
    if (known)
        return *known;
    size_t place = batch->customer_count++;
    batch->customers[place] = (struct batch_customer){.customer_id = id,
                                                      .root_id = created ? id : decision->root_id,
                                                      .created = created,
                                                      .placeholder = decision->placeholder,
                                                      .met_at_us = INT64_MAX};
    customer_map_put(batch->customer_by_id, map_key_ids(id, 0), place);
    return place;
}

static void note_identity(struct customer_batch *batch, size_t customer_place, size_t place,
                          bool claimed, bool weak)
{
    struct batch_customer *customer = &batch->customers[customer_place];
    struct batch_identity *identity = &batch->identities[place];
    if (claimed) {
        identity->owner_id = customer->customer_id;
        identity->owner_root_id = customer->root_id;
        identity->owner_weak = weak;
        identity->claim_row = batch->row_count + 1;
    } else if (!customer_map_put(batch->kept, map_key_ids(customer->customer_id, (int64_t)place),
                                 0)) {
        return;
    }
    batch->rows[batch->row_count++] = (struct batch_row){customer_place, place, claimed, weak, 0};
}

static void confirm_identity(struct customer_batch *batch, size_t place)
{
    struct batch_identity *identity = &batch->identities[place];
    identity->owner_weak = false;
    if (identity->claim_row > 0)
        batch->rows[identity->claim_row - 1].weak = false;
    else
        batch->confirms[batch->confirm_count++] =
            (struct batch_confirm){identity->owner_id, place};
}

/* The owner keeps the identity unclaimed: its row of this batch, or the one in the store. */
static void take_identity(struct customer_batch *batch, size_t customer_place, size_t place)
{
    struct batch_identity *identity = &batch->identities[place];
    int64_t owner_id = identity->owner_id;
    size_t claim_row = identity->claim_row;
    customer_map_put(batch->kept, map_key_ids(owner_id, (int64_t)place), 0);
    if (claim_row > 0)
        batch->rows[claim_row - 1].claimed = false;
    note_identity(batch, customer_place, place, true, false);
    if (claim_row == 0)
        batch->rows[identity->claim_row - 1].taken_from = owner_id;
}

/* The person has an identity that is sure; of an account it then holds one of that sort (rule 2).
 */
static void note_sure(struct customer_batch *batch, int64_t root_id, size_t place)
{
    const struct identity_value *is = &batch->identities[place].is;
    if (batch->identities[place].owner_weak)
        return;
    customer_map_put(batch->sure, map_key_ids(root_id, 0), 0);
    if (customer_rule_is_account(is->kind))
        customer_map_put(batch->holding, holding_key(batch, root_id, is->kind, is->issuer), 0);
}

static void note_proposal(struct customer_batch *batch, int64_t root_id, int64_t other_root_id,
                          enum identity_kind kind)
{
    int64_t low_id = root_id < other_root_id ? root_id : other_root_id;
    int64_t high_id = root_id < other_root_id ? other_root_id : root_id;
    if (customer_map_put(batch->proposed, map_key_ids(low_id, high_id), 0))
        batch->proposals[batch->proposal_count++] = (struct batch_proposal){low_id, high_id, kind};
}

/* What is done with one identity of a buyer whose customer is chosen. */
static void use_identity(struct customer_batch *batch, size_t customer_place, size_t place,
                         enum customer_rule_use use, bool weak)
{
    switch (use) {
    case CUSTOMER_RULE_KNOWN:
        break;
    case CUSTOMER_RULE_CONFIRM:
        confirm_identity(batch, place);
        break;
    case CUSTOMER_RULE_TAKE:
        take_identity(batch, customer_place, place);
        break;
    case CUSTOMER_RULE_CLAIM:
    case CUSTOMER_RULE_KEEP:
        note_identity(batch, customer_place, place, use == CUSTOMER_RULE_CLAIM, weak);
        break;
    }
    if (use != CUSTOMER_RULE_KEEP)
        note_sure(batch, batch->customers[customer_place].root_id, place);
}

static const struct err *resolve_buyer(struct customer_batch *batch, struct customer_buyer *buyer,
                                       const struct link *link)
{
    struct customer_rule_decision decision;
    TRY(ask_rule(batch, link, &decision));
    size_t place = customer_place(batch, &decision);
    struct batch_customer *customer = &batch->customers[place];
    struct str name = customer_name_tidy(buyer->name);
    if (name.p && !customer->name.p)
        customer->name = name;
    if (buyer->met_at_us < customer->met_at_us)
        customer->met_at_us = buyer->met_at_us;
    for (int i = 0; i < link->count; i++)
        use_identity(batch, place, link->identity[i], decision.use[i], decision.weak[i]);
    for (int i = 0; i < decision.proposal_count; i++)
        note_proposal(batch, customer->root_id, decision.proposals[i].root_id,
                      decision.proposals[i].kind);
    buyer->customer_id = customer->customer_id;
    buyer->created = decision.customer_id == 0;
    return NULL;
}

/* What was claimed for the buyers' customers, so that nobody has to look it up. */
static void tell_claims(struct customer_batch *batch, const struct link *links)
{
    for (size_t b = 0; b < batch->buyer_count; b++) {
        struct customer_buyer *buyer = &batch->buyers[b];
        for (int i = 0; i < buyer->identity_count; i++) {
            const struct batch_identity *identity = &batch->identities[links[b].told[i]];
            bool own = identity->owner_id == buyer->customer_id;
            buyer->identity_ids[i] = own ? identity->claimed_as : 0;
        }
    }
}

ERR_RESULT customer_resolve_many(struct tx *tx, struct customer_buyer *buyers, size_t count)
{
    struct arena *arena = tx_arena(tx);
    struct customer_batch batch = {
        .tx = tx, .arena = arena, .deps = tx_deps(tx), .buyers = buyers, .buyer_count = count};
    size_t identity_max = 0;
    for (size_t b = 0; b < count; b++) {
        CHECK(buyers[b].identity_count >= 0 &&
              buyers[b].identity_count <= LIMIT_IDENTITIES_PER_ORDER_MAX);
        identity_max += (size_t)buyers[b].identity_count;
    }
    batch.identities = ARENA_ARRAY(arena, identity_max, struct batch_identity);
    batch.customers = ARENA_ARRAY(arena, count, struct batch_customer);
    batch.rows = ARENA_ARRAY(arena, identity_max, struct batch_row);
    batch.confirms = ARENA_ARRAY(arena, identity_max, struct batch_confirm);
    batch.proposals = ARENA_ARRAY(arena, identity_max, struct batch_proposal);
    batch.identity_by_hash = customer_map_new(arena, identity_max);
    batch.customer_by_id = customer_map_new(arena, count);
    batch.holding = customer_map_new(arena, 0);
    batch.asked = customer_map_new(arena, 0);
    batch.sure = customer_map_new(arena, 0);
    batch.kept = customer_map_new(arena, 0);
    batch.proposed = customer_map_new(arena, 0);

    const struct link *links = collect(&batch);
    TRY(look_up(&batch));
    TRY(load_holding(&batch, links));
    for (size_t b = 0; b < count; b++)
        TRY(resolve_buyer(&batch, &buyers[b], &links[b]));
    TRY(customer_batch_write(&batch));
    tell_claims(&batch, links);
    return NULL;
}
