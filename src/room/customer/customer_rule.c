#include "room/customer/customer_rule.h"

#include "base/check.h"

bool customer_rule_is_account(enum identity_kind kind)
{
    return kind >= IDENTITY_UNIONID && kind <= IDENTITY_BUYER_ID;
}

bool customer_rule_is_weak(enum identity_kind kind, bool weak)
{
    return weak || kind == IDENTITY_ANONYMOUS_ID;
}

/* The surest of all where none is sure: it stands in as if it were (rule 4). -1 where there is a
 * sure one. */
static int stand_in(const struct customer_rule_identity *identities, int count)
{
    int surest = -1;
    for (int i = 0; i < count; i++) {
        if (!customer_rule_is_weak(identities[i].kind, identities[i].weak))
            return -1;
        if (surest < 0 || identities[i].kind < identities[surest].kind)
            surest = i;
    }
    return surest;
}

/* Rule 2: the order carries a new account while the owner of this phone or mail address has another
 * of that sort. */
static bool gives_way(const struct customer_rule_identity *identities, int count, int found)
{
    if (identities[found].kind != IDENTITY_PHONE && identities[found].kind != IDENTITY_EMAIL)
        return false;
    for (int i = 0; i < count; i++) {
        const struct customer_rule_identity *account = &identities[i];
        if (!customer_rule_is_account(account->kind) || account->weak || account->owner_id != 0)
            continue;
        if (identities[found].owner_holds_other & (1u << i))
            return true;
    }
    return false;
}

/* Rule 5: told surely, while its owner, who is known by surer ones, claimed it only weakly. */
static bool is_taken_over(const struct customer_rule_identity *identity)
{
    return identity->owner_weak && identity->owner_sure &&
           !customer_rule_is_weak(identity->kind, identity->weak);
}

/* The identity that names the customer; -1 where none does. */
static int naming_identity(const struct customer_rule_identity *identities, int count)
{
    int as_if_sure = stand_in(identities, count);
    int naming = -1;
    for (int i = 0; i < count; i++) {
        const struct customer_rule_identity *identity = &identities[i];
        bool sure = i == as_if_sure || !customer_rule_is_weak(identity->kind, identity->weak);
        if (!sure || identity->owner_id == 0 || is_taken_over(identity) ||
            gives_way(identities, count, i))
            continue;
        if (naming < 0 || identity->kind < identities[naming].kind)
            naming = i;
    }
    return naming;
}

static void propose(struct customer_rule_decision *decision, int64_t root_id,
                    enum identity_kind kind)
{
    for (int i = 0; i < decision->proposal_count; i++) {
        struct customer_rule_proposal *known = &decision->proposals[i];
        if (known->root_id != root_id)
            continue;
        if (kind < known->kind)
            known->kind = kind;
        return;
    }
    decision->proposals[decision->proposal_count++] =
        (struct customer_rule_proposal){.root_id = root_id, .kind = kind};
}

void customer_rule_decide(const struct customer_rule_identity *identities, int count,
                          struct customer_rule_decision *decision)
{
    CHECK(count >= 0 && count <= LIMIT_IDENTITIES_PER_ORDER_MAX);
    *decision = (struct customer_rule_decision){.placeholder = count == 0};
    int naming = naming_identity(identities, count);
    if (naming >= 0) {
        decision->customer_id = identities[naming].owner_id;
        decision->root_id = identities[naming].owner_root_id;
    }
    for (int i = 0; i < count; i++) {
        const struct customer_rule_identity *identity = &identities[i];
        decision->weak[i] = customer_rule_is_weak(identity->kind, identity->weak);
        if (identity->owner_id == 0) {
            decision->use[i] = CUSTOMER_RULE_CLAIM;
        } else if (identity->owner_root_id == decision->root_id) {
            bool surer = identity->owner_weak && !decision->weak[i];
            decision->use[i] = surer ? CUSTOMER_RULE_CONFIRM : CUSTOMER_RULE_KNOWN;
        } else {
            decision->use[i] =
                is_taken_over(identity) ? CUSTOMER_RULE_TAKE : CUSTOMER_RULE_KEEP;
            propose(decision, identity->owner_root_id, identity->kind);
        }
    }
}
