/* Whom an order's identities name. Pure: what the look-up said goes in, what is to be written comes out.
 *
 * 1. Of the sure identities that somebody owns, the surest kind names the customer: the birth that owns it, not the root.
 * 2. But a phone or mail address does not name anybody where the order also carries a surer identity that is new while the
 *    owner already holds another value of that kind and issuer: a mother's phone used for the child.
 * 3. Sure identities of other roots: each such root is proposed for a merge with the one chosen.
 * 4. A weak identity never names a customer beside a sure one; its owner, if another, is proposed too. Where all are
 *    weak, the surest of them stands in as if it were sure.
 * 5. Identities that nobody owns are claimed for the chosen birth; those of another root are kept there unclaimed.
 *    A claim that was only weak is no obstacle to a sure one: where the owner has a sure identity besides, it does not
 *    name the owner and the claim moves to the chosen birth (the owner keeps it unclaimed, a merge is proposed); where
 *    the owner is known by weak identities only, it names the owner and is sure from now on.
 * 6. Nothing that names anybody: a new customer is born; without any identity it is a placeholder. */
#ifndef HUITOU_ROOM_CUSTOMER_CUSTOMER_RULE_H
#define HUITOU_ROOM_CUSTOMER_CUSTOMER_RULE_H

#include "room/customer/customer.h"

struct customer_rule_identity {
    enum identity_kind kind;
    bool weak;                /* as the source said */
    int64_t owner_id;         /* the birth that owns it; 0: nobody */
    int64_t owner_root_id;    /* the top of the owner's merges */
    unsigned owner_holds_other; /* bit j: the owner's person holds another value of identity j's kind and issuer */
    bool owner_weak; /* the owner claimed it as a weak one */
    bool owner_sure; /* the owner's person has a sure identity; only asked where owner_weak */
};

enum customer_rule_use {
    CUSTOMER_RULE_KNOWN,   /* it is the person's already */
    CUSTOMER_RULE_CONFIRM, /* it is the person's, so far weakly: it becomes sure */
    CUSTOMER_RULE_CLAIM,   /* nobody's so far: it becomes the chosen customer's */
    CUSTOMER_RULE_TAKE,    /* somebody else's, but weakly: its claim moves to the chosen customer */
    CUSTOMER_RULE_KEEP,    /* somebody else's: noted on the chosen customer, unclaimed */
};
struct customer_rule_proposal {
    int64_t root_id;         /* to be proposed for a merge with the chosen customer's root */
    enum identity_kind kind; /* the surest kind they share */
};
struct customer_rule_decision {
    int64_t customer_id; /* the birth that the facts hang on; 0: a new one */
    int64_t root_id;     /* its root; 0: a new one */
    bool placeholder;    /* the new one stands in for an unknown buyer */
    enum customer_rule_use use[LIMIT_IDENTITIES_PER_ORDER_MAX];
    bool weak[LIMIT_IDENTITIES_PER_ORDER_MAX]; /* to be stored as weak */
    struct customer_rule_proposal proposals[LIMIT_IDENTITIES_PER_ORDER_MAX];
    int proposal_count;
};

/* Kinds that a phone or mail address gives way to (rule 2). */
bool customer_rule_is_account(enum identity_kind kind);
/* Weak whatever the source says. */
bool customer_rule_is_weak(enum identity_kind kind, bool weak);
void customer_rule_decide(const struct customer_rule_identity *identities, int count,
                          struct customer_rule_decision *decision);

#endif
