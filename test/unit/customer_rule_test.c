/* link: room_customer */
/* The rule of resolution as a table of cases. The expected decisions were worked out by hand from
 * the rule's six sentences (customer_rule.h); births have small ids, roots are the birth × 100
 * where merged, else the birth itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "room/customer/customer_rule.h"

#define UNIONID IDENTITY_UNIONID
#define OPENID IDENTITY_OPENID
#define CARD IDENTITY_MEMBER_CARD
#define BUYER IDENTITY_BUYER_ID
#define PHONE IDENTITY_PHONE
#define EMAIL IDENTITY_EMAIL
#define ANONYMOUS IDENTITY_ANONYMOUS_ID

enum { SURE, WEAK };

struct rule_case {
    const char *name;
    struct customer_rule_identity given[4];
    int given_count;
    int64_t customer_id, root_id; /* 0: a new one */
    bool placeholder;
    const char *uses;  /* a letter per identity: k known, s known and sure from now on, c claim,
                          t taken over, o kept as other's */
    const char *weaks; /* a letter per identity: s sure, w weak */
    struct customer_rule_proposal proposals[3];
    int proposal_count;
};

/* kind, weak, owner, owner's root, which identities of the order the owner holds another of,
 * whether the owner claimed it weakly and has a sure identity besides */
static const struct rule_case cases[] = {
    {.name = "nothing told: a placeholder", .placeholder = true, .uses = "", .weaks = ""},
    {.name = "6: nobody owns anything: a new customer claims all",
     .given = {{PHONE, SURE, 0, 0, 0}, {OPENID, SURE, 0, 0, 0}},
     .given_count = 2,
     .uses = "cc",
     .weaks = "ss"},
    {.name = "1: the surest owned identity names, whatever its place in the order",
     .given = {{PHONE, SURE, 7, 7, 0}, {OPENID, SURE, 8, 8, 0}},
     .given_count = 2,
     .customer_id = 8,
     .root_id = 8,
     .uses = "ok",
     .weaks = "ss",
     .proposals = {{7, PHONE}},
     .proposal_count = 1},
    {.name = "1: born with the identity's own birth, not with its root",
     .given = {{CARD, SURE, 7, 700, 0}},
     .given_count = 1,
     .customer_id = 7,
     .root_id = 700,
     .uses = "k",
     .weaks = "s"},
    {.name = "1: two births of one person are no other person",
     .given = {{BUYER, SURE, 7, 700, 0}, {PHONE, SURE, 9, 700, 0}},
     .given_count = 2,
     .customer_id = 7,
     .root_id = 700,
     .uses = "kk",
     .weaks = "ss"},
    {.name = "1: among equals of one kind the first",
     .given = {{PHONE, SURE, 7, 7, 0}, {PHONE, SURE, 8, 8, 0}},
     .given_count = 2,
     .customer_id = 7,
     .root_id = 7,
     .uses = "ko",
     .weaks = "ss",
     .proposals = {{8, PHONE}},
     .proposal_count = 1},
    {.name = "1: the order of kinds: unionid before openid before card before buyer id",
     .given = {{BUYER, SURE, 4, 4, 0},
               {CARD, SURE, 3, 3, 0},
               {OPENID, SURE, 2, 2, 0},
               {UNIONID, SURE, 1, 1, 0}},
     .given_count = 4,
     .customer_id = 1,
     .root_id = 1,
     .uses = "oook",
     .weaks = "ssss",
     .proposals = {{4, BUYER}, {3, CARD}, {2, OPENID}},
     .proposal_count = 3},
    {.name = "1: phone before mail address",
     .given = {{EMAIL, SURE, 6, 6, 0}, {PHONE, SURE, 5, 5, 0}},
     .given_count = 2,
     .customer_id = 5,
     .root_id = 5,
     .uses = "ok",
     .weaks = "ss",
     .proposals = {{6, EMAIL}},
     .proposal_count = 1},
    {.name = "5: a new openid of a known phone is claimed where the phone's owner has none",
     .given = {{OPENID, SURE, 0, 0, 0}, {PHONE, SURE, 7, 7, 0}},
     .given_count = 2,
     .customer_id = 7,
     .root_id = 7,
     .uses = "ck",
     .weaks = "ss"},
    {.name = "2: a mother's phone used for the child: a new customer and a proposal",
     .given = {{OPENID, SURE, 0, 0, 0}, {PHONE, SURE, 7, 700, 1u << 0}},
     .given_count = 2,
     .uses = "co",
     .weaks = "ss",
     .proposals = {{700, PHONE}},
     .proposal_count = 1},
    {.name = "2: so for a mail address and a new buyer id",
     .given = {{EMAIL, SURE, 7, 7, 1u << 1}, {BUYER, SURE, 0, 0, 0}},
     .given_count = 2,
     .uses = "oc",
     .weaks = "ss",
     .proposals = {{7, EMAIL}},
     .proposal_count = 1},
    {.name = "2: not where the surer identity is known: it names",
     .given = {{OPENID, SURE, 8, 8, 0}, {PHONE, SURE, 7, 7, 1u << 0}},
     .given_count = 2,
     .customer_id = 8,
     .root_id = 8,
     .uses = "ko",
     .weaks = "ss",
     .proposals = {{7, PHONE}},
     .proposal_count = 1},
    {.name = "2: not where the surer identity is only weak",
     .given = {{CARD, WEAK, 0, 0, 0}, {PHONE, SURE, 7, 7, 1u << 0}},
     .given_count = 2,
     .customer_id = 7,
     .root_id = 7,
     .uses = "ck",
     .weaks = "ws"},
    {.name = "2: another phone of the owner is no reason",
     .given = {{PHONE, SURE, 0, 0, 0}, {EMAIL, SURE, 7, 7, 1u << 0}},
     .given_count = 2,
     .customer_id = 7,
     .root_id = 7,
     .uses = "ck",
     .weaks = "ss"},
    {.name = "2: a card that is new does not keep a known openid from naming",
     .given = {{OPENID, SURE, 7, 7, 1u << 1}, {CARD, SURE, 0, 0, 0}},
     .given_count = 2,
     .customer_id = 7,
     .root_id = 7,
     .uses = "kc",
     .weaks = "ss"},
    {.name = "2: where the phone gives way the mail address may still name",
     .given = {{OPENID, SURE, 0, 0, 0}, {PHONE, SURE, 7, 7, 1u << 0}, {EMAIL, SURE, 8, 8, 0}},
     .given_count = 3,
     .customer_id = 8,
     .root_id = 8,
     .uses = "cok",
     .weaks = "sss",
     .proposals = {{7, PHONE}},
     .proposal_count = 1},
    {.name = "3: each other root is proposed once, by the surest kind they share",
     .given = {{UNIONID, SURE, 1, 1, 0},
               {EMAIL, SURE, 7, 700, 0},
               {CARD, SURE, 8, 700, 0},
               {PHONE, SURE, 9, 9, 0}},
     .given_count = 4,
     .customer_id = 1,
     .root_id = 1,
     .uses = "kooo",
     .weaks = "ssss",
     .proposals = {{700, CARD}, {9, PHONE}},
     .proposal_count = 2},
    {.name = "4: a weak phone does not name beside a new sure identity",
     .given = {{BUYER, SURE, 0, 0, 0}, {PHONE, WEAK, 7, 7, 0}},
     .given_count = 2,
     .uses = "co",
     .weaks = "sw",
     .proposals = {{7, PHONE}},
     .proposal_count = 1},
    {.name = "4: a weak openid does not name beside a known sure phone",
     .given = {{OPENID, WEAK, 7, 7, 0}, {PHONE, SURE, 8, 8, 0}},
     .given_count = 2,
     .customer_id = 8,
     .root_id = 8,
     .uses = "ok",
     .weaks = "ws",
     .proposals = {{7, OPENID}},
     .proposal_count = 1},
    {.name = "4: a weak identity of the same person proposes nothing",
     .given = {{BUYER, SURE, 7, 700, 0}, {PHONE, WEAK, 9, 700, 0}},
     .given_count = 2,
     .customer_id = 7,
     .root_id = 700,
     .uses = "kk",
     .weaks = "sw"},
    {.name = "4: where all are weak the surest names",
     .given = {{EMAIL, WEAK, 6, 6, 0}, {PHONE, WEAK, 5, 5, 0}},
     .given_count = 2,
     .customer_id = 5,
     .root_id = 5,
     .uses = "ok",
     .weaks = "ww",
     .proposals = {{6, EMAIL}},
     .proposal_count = 1},
    {.name = "4: where all are weak and the surest is new, the others still do not name",
     .given = {{PHONE, WEAK, 0, 0, 0}, {EMAIL, WEAK, 6, 6, 0}},
     .given_count = 2,
     .uses = "co",
     .weaks = "ww",
     .proposals = {{6, EMAIL}},
     .proposal_count = 1},
    {.name = "4: an anonymous id is weak whatever the source says",
     .given = {{ANONYMOUS, SURE, 7, 7, 0}, {PHONE, SURE, 0, 0, 0}},
     .given_count = 2,
     .uses = "oc",
     .weaks = "ws",
     .proposals = {{7, ANONYMOUS}},
     .proposal_count = 1},
    {.name = "4: an anonymous id alone names its owner",
     .given = {{ANONYMOUS, SURE, 7, 700, 0}},
     .given_count = 1,
     .customer_id = 7,
     .root_id = 700,
     .uses = "k",
     .weaks = "w"},
    {.name = "5: a sure phone that another, surely known, claimed weakly names nobody and is taken",
     .given = {{PHONE, SURE, 7, 700, 0, true, true}},
     .given_count = 1,
     .uses = "t",
     .weaks = "s",
     .proposals = {{700, PHONE}},
     .proposal_count = 1},
    {.name = "5: it moves to whom the order's surer identity names",
     .given = {{CARD, SURE, 8, 8, 0, false, false}, {PHONE, SURE, 7, 7, 0, true, true}},
     .given_count = 2,
     .customer_id = 8,
     .root_id = 8,
     .uses = "kt",
     .weaks = "ss",
     .proposals = {{7, PHONE}},
     .proposal_count = 1},
    {.name = "5: the mail address names instead of the phone that is taken",
     .given = {{PHONE, SURE, 7, 7, 0, true, true}, {EMAIL, SURE, 8, 8, 0, false, false}},
     .given_count = 2,
     .customer_id = 8,
     .root_id = 8,
     .uses = "tk",
     .weaks = "ss",
     .proposals = {{7, PHONE}},
     .proposal_count = 1},
    {.name = "5: whoever is known by weak identities only is named and becomes sure",
     .given = {{PHONE, SURE, 7, 700, 0, true, false}},
     .given_count = 1,
     .customer_id = 7,
     .root_id = 700,
     .uses = "s",
     .weaks = "s"},
    {.name = "5: but stays another where a surer identity names: nothing is taken from it",
     .given = {{CARD, SURE, 8, 8, 0, false, false}, {PHONE, SURE, 7, 7, 0, true, false}},
     .given_count = 2,
     .customer_id = 8,
     .root_id = 8,
     .uses = "ko",
     .weaks = "ss",
     .proposals = {{7, PHONE}},
     .proposal_count = 1},
    {.name = "5: told weakly again, it stays where and what it was",
     .given = {{CARD, SURE, 8, 8, 0, false, false}, {PHONE, WEAK, 7, 7, 0, true, true}},
     .given_count = 2,
     .customer_id = 8,
     .root_id = 8,
     .uses = "ko",
     .weaks = "sw",
     .proposals = {{7, PHONE}},
     .proposal_count = 1},
    {.name = "5: told weakly alone, it names its owner",
     .given = {{PHONE, WEAK, 7, 7, 0, true, true}},
     .given_count = 1,
     .customer_id = 7,
     .root_id = 7,
     .uses = "k",
     .weaks = "w"},
    {.name = "5: the person's own weak phone becomes sure when the person is named otherwise",
     .given = {{CARD, SURE, 8, 700, 0, false, false}, {PHONE, SURE, 7, 700, 0, true, true}},
     .given_count = 2,
     .customer_id = 8,
     .root_id = 700,
     .uses = "ks",
     .weaks = "ss"},
    {.name = "5: an anonymous id is never sure: nothing is taken",
     .given = {{CARD, SURE, 0, 0, 0, false, false}, {ANONYMOUS, SURE, 7, 7, 0, true, true}},
     .given_count = 2,
     .uses = "co",
     .weaks = "sw",
     .proposals = {{7, ANONYMOUS}},
     .proposal_count = 1},
};

static void check_case(const struct rule_case *c)
{
    struct customer_rule_decision decision;
    print_message("  %s\n", c->name);
    customer_rule_decide(c->given, c->given_count, &decision);
    assert_int_equal(decision.customer_id, c->customer_id);
    assert_int_equal(decision.root_id, c->root_id);
    assert_int_equal(decision.placeholder, c->placeholder);
    for (int i = 0; i < c->given_count; i++) {
        static const char use_letters[] = {
            [CUSTOMER_RULE_KNOWN] = 'k', [CUSTOMER_RULE_CONFIRM] = 's', [CUSTOMER_RULE_CLAIM] = 'c',
            [CUSTOMER_RULE_TAKE] = 't',  [CUSTOMER_RULE_KEEP] = 'o'};
        assert_int_equal(use_letters[decision.use[i]], c->uses[i]);
        assert_int_equal(decision.weak[i] ? 'w' : 's', c->weaks[i]);
    }
    assert_int_equal(decision.proposal_count, c->proposal_count);
    for (int i = 0; i < c->proposal_count; i++) {
        assert_int_equal(decision.proposals[i].root_id, c->proposals[i].root_id);
        assert_int_equal(decision.proposals[i].kind, c->proposals[i].kind);
    }
}

static void rule_decides_every_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check_case(&cases[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(rule_decides_every_case)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
