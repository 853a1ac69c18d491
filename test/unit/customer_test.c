/* link: room_customer test_support */
/* The customer room on both databases: normal forms and masks, resolution, search, encryption,
 * tags, merges, proposals, events. Expected values are written by hand from the header's words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "room/customer/customer.h"
#include "sql_customer.h"
#include "support/test_store.h"

/* --- Transactions in a line each --- */

enum what {
    RESOLVE,
    ROOTS,
    MERGE,
    MERGE_ALL,
    SPLIT,
    CREATE,
    RENAME,
    TAG,
    UNTAG,
    REVEAL,
    REFUSE,
    VIEW,
    FIND,
    PROPOSALS,
    EVENTS,
    VERIFY,
    ROWS,
    BREAK_ROOT,
    BREAK_LINK,
    BREAK_LOOKUP,
    BREAK_IDENTITY
};

struct move {
    enum what what;
    struct customer_buyer *buyers;
    size_t count;
    int64_t a, b;
    struct str text;
    int32_t until_day;
    int64_t id; /* out, as what follows */
    int64_t *ids;
    struct customer_view *view;
    struct merge_proposal *proposals;
    struct event *events;
    struct str first_fault;
};

static const struct err *break_something(struct tx *tx, struct move *c)
{
    if (c->what == BREAK_ROOT)
        return sql_customer_root_set_run(tx, &(struct sql_customer_root_set_in){c->a, c->b});
    if (c->what == BREAK_LINK)
        return sql_customer_link_run(tx, &(struct sql_customer_link_in){c->a, some_i64(c->b)});
    if (c->what == BREAK_LOOKUP) {
        struct sql_customer_claim_out out;
        bool won;
        return sql_customer_claim_one(
            tx, &(struct sql_customer_claim_in){IDENTITY_PHONE, STR("0123456789abcdef"), c->a, 1},
            &out, &won);
    }
    return sql_customer_identity_insert_run(
        tx, &(struct sql_customer_identity_insert_in){
                c->a, 1, IDENTITY_PHONE, STR(""), STR("0123456789abcdef"), 1, 0, STR("sealed"), 0});
}

/* As they are stored: customer_view lists each identity once. */
static const struct err *count_identity_rows(struct tx *tx, struct move *c)
{
    struct stmt_cursor cursor;
    struct sql_customer_identities_out row;
    bool has;
    TRY(sql_customer_identities_open(tx, &(struct sql_customer_identities_in){c->a}, &cursor));
    for (c->count = 0;; c->count++) {
        TRY(sql_customer_identities_next(&cursor, &row, &has));
        if (!has)
            return NULL;
    }
}

static const struct err *run_call(struct tx *tx, void *arg)
{
    struct move *c = arg;
    struct str by = STR("tester");
    switch (c->what) {
    case RESOLVE:
        return customer_resolve_many(tx, c->buyers, c->count);
    case ROOTS:
        return customer_roots(tx, c->ids, c->count, c->ids);
    case MERGE:
        return customer_merge(tx, c->a, c->b, by);
    case MERGE_ALL:
        for (size_t i = 0; i < c->count; i++)
            TRY(customer_merge(tx, c->ids[i], c->a, by));
        return NULL;
    case SPLIT:
        return customer_split(tx, c->a, by);
    case CREATE:
        return customer_create(tx, c->text, &c->id);
    case RENAME:
        return customer_rename(tx, c->a, c->text);
    case TAG:
        return customer_tag_set(tx, c->a, c->text, c->until_day, by);
    case UNTAG:
        return customer_tag_remove(tx, c->a, c->text, by);
    case REVEAL:
        return customer_reveal(tx, c->a, by);
    case REFUSE:
        return customer_proposal_refuse(tx, c->a, c->b);
    case VIEW:
        return customer_view(tx, c->a, &c->view);
    case FIND:
        return customer_find(tx, c->text, c->count ? c->count : 20, &c->ids, &c->count);
    case PROPOSALS:
        return customer_proposals(tx, 100, &c->proposals, &c->count);
    case EVENTS:
        return event_of_customer(tx, c->a, &c->events, &c->count);
    case VERIFY:
        return customer_verify(tx, &c->id, &c->first_fault);
    case ROWS:
        return count_identity_rows(tx, c);
    default:
        return break_something(tx, c);
    }
}

static enum err_code run(struct test_store *test, struct move *c)
{
    struct store_job job = {.name = "customer test", .fn = run_call, .arg = c};
    bool reads = c->what == ROOTS || (c->what >= VIEW && c->what <= ROWS);
    const struct err *err = reads ? store_read(test->store, test->arena, &job)
                                  : store_write(test->store, test->arena, &job);
    return err ? err->code : ERR_NONE;
}

static void ok(struct test_store *test, struct move *c)
{
    enum err_code code = run(test, c);
    if (code != ERR_NONE)
        print_error("error %s\n", err_info(code)->name);
    assert_int_equal(code, ERR_NONE);
}

static struct identity_value sure(enum identity_kind kind, const char *value)
{
    bool has_issuer = kind == IDENTITY_OPENID || kind == IDENTITY_BUYER_ID;
    return (struct identity_value){
        .kind = kind, .issuer = has_issuer ? STR("shop-a") : STR(""), .value = str_c(value)};
}

static struct identity_value weak(enum identity_kind kind, const char *value)
{
    struct identity_value identity = sure(kind, value);
    identity.weak = true;
    return identity;
}

static int64_t resolve_one(struct test_store *test, struct customer_buyer *buyer)
{
    ok(test, &(struct move){RESOLVE, .buyers = buyer, .count = 1});
    return buyer->customer_id;
}

static int64_t buyer_of(struct test_store *test, struct identity_value identity)
{
    return resolve_one(test,
                       &(struct customer_buyer){.identities = {identity}, .identity_count = 1});
}

static struct customer_view *view_of(struct test_store *test, int64_t customer_id)
{
    struct move c = {VIEW, .a = customer_id};
    ok(test, &c);
    return c.view;
}

static size_t proposal_count(struct test_store *test)
{
    struct move c = {.what = PROPOSALS};
    ok(test, &c);
    return c.count;
}

static size_t event_count(struct test_store *test, int64_t customer_id, enum event_type type)
{
    struct move c = {EVENTS, .a = customer_id};
    ok(test, &c);
    size_t count = 0;
    for (size_t i = 0; i < c.count; i++)
        count += c.events[i].type == type;
    return count;
}

static void check_found(struct test_store *test, const char *query, const int64_t *expected,
                        size_t count)
{
    struct move c = {FIND, .text = str_c(query)};
    ok(test, &c);
    if (c.count != count)
        print_error("find %s\n", query);
    assert_int_equal(c.count, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(c.ids[i], expected[i]);
}

static void check_sound(struct test_store *test)
{
    struct move c = {.what = VERIFY};
    ok(test, &c);
    if (c.id)
        print_error("%.*s\n", STR_ARG(c.first_fault));
    assert_int_equal(c.id, 0);
}

static void check_text(struct str is, const char *expected)
{
    assert_true(str_is(is) || expected[0] == '\0');
    assert_int_equal(is.n, strlen(expected));
    assert_memory_equal(is.p, expected, is.n);
}

/* --- Values --- */

static void kinds_have_names(void **state)
{
    (void)state;
    assert_string_equal(identity_kind_name(IDENTITY_MEMBER_CARD), "member_card");
    assert_int_equal(identity_kind_by_name(STR("anonymous_id")), 7);
    assert_int_equal(identity_kind_by_name(STR("phones")), IDENTITY_NONE);
}

static void values_are_normalised(void **state)
{
    struct test_store *test = *state;
    static const struct {
        enum identity_kind kind;
        const char *raw, *value; /* NULL: cannot be that kind */
    } cases[] = {
        {IDENTITY_PHONE, "13800138000", "13800138000"},
        {IDENTITY_PHONE, " 138-0013-8000 ", "13800138000"},
        {IDENTITY_PHONE, "+86 138 0013 8000", "13800138000"},
        {IDENTITY_PHONE, "8613800138000", "13800138000"},
        {IDENTITY_PHONE, "+44 20 7946 0958", "+442079460958"},
        {IDENTITY_PHONE, "861234567", "861234567"}, /* no mobile behind the 86 */
        {IDENTITY_PHONE, "(021) 6123-4567", "02161234567"},
        {IDENTITY_PHONE, "13800138000.0", "13800138000"},
        {IDENTITY_PHONE, "12345", "12345"},
        {IDENTITY_PHONE, "1234", NULL},
        {IDENTITY_PHONE, "1234567890123456", NULL},
        {IDENTITY_PHONE, "138****8000", NULL},
        {IDENTITY_PHONE, "138x0013800", NULL},
        {IDENTITY_PHONE, "86+13800138000", NULL},
        {IDENTITY_PHONE, "", NULL},
        {IDENTITY_EMAIL, " Jo.Bloggs@Example.COM", "jo.bloggs@example.com"},
        {IDENTITY_EMAIL, "jo.example.com", NULL},
        {IDENTITY_EMAIL, "jo@", NULL},
        {IDENTITY_EMAIL, "@example.com", NULL},
        {IDENTITY_EMAIL, "a@b@c", NULL},
        {IDENTITY_BUYER_ID, "\xE3\x80\x80tb_Nick \xC2\xA0",
         "tb_Nick"}, /* U+3000 before, U+00A0 behind */
        {IDENTITY_BUYER_ID, "t**k", NULL},
        {IDENTITY_MEMBER_CARD, "  ", NULL},
        {IDENTITY_OPENID, "oABC", "oABC"},
        {IDENTITY_OPENID, "o\tC", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct str value;
        bool is = identity_normalise(test->arena, cases[i].kind, str_c(cases[i].raw), &value);
        if (is != (cases[i].value != NULL))
            print_error("case %zu\n", i);
        assert_int_equal(is, cases[i].value != NULL);
        if (is)
            check_text(value, cases[i].value);
    }
    char long_value[LIMIT_IDENTITY_BYTES_MAX + 2];
    memset(long_value, 'x', sizeof(long_value));
    struct str value, text = {long_value, LIMIT_IDENTITY_BYTES_MAX};
    assert_true(identity_normalise(test->arena, IDENTITY_OPENID, text, &value));
    text.n++;
    assert_false(identity_normalise(test->arena, IDENTITY_OPENID, text, &value));
    assert_false(identity_normalise(test->arena, IDENTITY_OPENID, STR_NONE, &value));
}

static void values_are_masked(void **state)
{
    struct test_store *test = *state;
    struct arena *arena = test->arena;
    check_text(identity_mask(arena, IDENTITY_PHONE, STR("13812345678")), "138****5678");
    check_text(identity_mask(arena, IDENTITY_PHONE, STR("+442079460958")), "+44****0958");
    check_text(identity_mask(arena, IDENTITY_PHONE, STR("12345")), "1***5");
    check_text(identity_mask(arena, IDENTITY_PHONE, STR("61234567")), "61****67");
    check_text(identity_mask(arena, IDENTITY_EMAIL, STR("jo@example.com")), "j***@example.com");
    check_text(identity_mask(arena, IDENTITY_BUYER_ID, STR("17850")), "1***0");
    check_text(identity_mask(arena, IDENTITY_OPENID, STR("oABCDEFGHIJKxy")), "o****xy");
    check_text(identity_mask(arena, IDENTITY_OPENID, STR("ab")), "a*");
    check_text(identity_mask(arena, IDENTITY_OPENID, STR("a")), "*");
    check_text(customer_name_mask(arena, STR("王小明")), "王**");
    check_text(customer_name_mask(arena, STR("王明")), "王*");
    check_text(customer_name_mask(arena, STR("王")), "*");
    check_text(customer_name_mask(arena, STR("John Smith")), "J**");
}

static void hashes_differ_by_kind_and_issuer(void **state)
{
    struct test_store *test = *state;
    const struct keyring *keys = test->options.deps.keys;
    struct identity_value values[4] = {sure(IDENTITY_OPENID, "x"), sure(IDENTITY_BUYER_ID, "x"),
                                       sure(IDENTITY_OPENID, "x"), sure(IDENTITY_OPENID, "x")};
    values[2].issuer = STR("shop-b");
    uint8_t hash[4][SECRET_HASH_BYTES];
    for (int i = 0; i < 4; i++)
        identity_hash(keys, &values[i], hash[i]);
    assert_memory_not_equal(hash[0], hash[1], SECRET_HASH_BYTES);
    assert_memory_not_equal(hash[0], hash[2], SECRET_HASH_BYTES);
    assert_memory_equal(hash[0], hash[3], SECRET_HASH_BYTES);
}

/* --- Resolution --- */

static void a_buyer_is_met_and_met_again(void **state)
{
    struct test_store *test = *state;
    struct customer_buyer first = {
        .identities = {sure(IDENTITY_PHONE, "13900000001"), sure(IDENTITY_BUYER_ID, "u1")},
        .identity_count = 2,
        .name = STR("李雷"),
        .met_at_us = 5000};
    int64_t id = resolve_one(test, &first);
    assert_true(first.created);
    struct customer_buyer again = {.identities = {sure(IDENTITY_BUYER_ID, "u1")},
                                   .identity_count = 1,
                                   .name = STR("Someone Else"),
                                   .met_at_us = 9000};
    assert_int_equal(resolve_one(test, &again), id);
    assert_false(again.created);

    struct customer_view *view = view_of(test, id);
    assert_int_equal(view->customer_id, id);
    assert_false(view->placeholder);
    assert_int_equal(view->created_at_us, 5000);
    check_text(view->name, "李雷"); /* a name that is there stays */
    assert_int_equal(view->member_count, 1);
    assert_int_equal(view->identity_count, 2);
    assert_int_equal(view->identities[0].kind, IDENTITY_BUYER_ID); /* the surest first */
    check_text(view->identities[0].issuer, "shop-a");
    check_text(view->identities[0].value, "u1");
    check_text(view->identities[1].value, "13900000001");
    assert_true(view->identities[1].claimed && !view->identities[1].weak);
    assert_int_equal(event_count(test, id, EVENT_CUSTOMER_CREATED), 0); /* history is not news */
    check_sound(test);
}

static void a_name_is_added_where_there_is_none(void **state)
{
    struct test_store *test = *state;
    int64_t id = buyer_of(test, sure(IDENTITY_PHONE, "13900000002"));
    assert_null(view_of(test, id)->name.p);
    struct customer_buyer named = {.identities = {sure(IDENTITY_PHONE, "13900000002")},
                                   .identity_count = 1,
                                   .name = STR("韩梅梅")};
    resolve_one(test, &named);
    check_text(view_of(test, id)->name, "韩梅梅");
    check_found(test, "韩梅梅", &id, 1);
}

static void buyers_of_one_call_know_each_other(void **state)
{
    struct test_store *test = *state;
    struct customer_buyer buyers[] = {
        {.identities = {sure(IDENTITY_OPENID, "o-chain")}, .identity_count = 1, .met_at_us = 30},
        {.identities = {sure(IDENTITY_OPENID, "o-chain"), sure(IDENTITY_PHONE, "13900000003")},
         .identity_count = 2,
         .met_at_us = 10,
         .name = STR("链")},
        {.identities = {sure(IDENTITY_PHONE, "13900000003"), sure(IDENTITY_EMAIL, "c@x.cn")},
         .identity_count = 2,
         .met_at_us = 20},
        {.identities = {sure(IDENTITY_EMAIL, "c@x.cn")}, .identity_count = 1, .met_at_us = 40},
    };
    ok(test, &(struct move){RESOLVE, .buyers = buyers, .count = 4});
    for (int i = 0; i < 4; i++) {
        assert_int_equal(buyers[i].customer_id, buyers[0].customer_id);
        assert_int_equal(buyers[i].created, i == 0);
    }
    struct customer_view *view = view_of(test, buyers[0].customer_id);
    assert_int_equal(view->identity_count, 3);
    assert_int_equal(view->created_at_us, 10);
    check_text(view->name, "链");
    check_sound(test);
}

static void a_shared_phone_makes_a_proposal(void **state)
{
    struct test_store *test = *state;
    size_t before = proposal_count(test);
    struct customer_buyer mother = {
        .identities = {sure(IDENTITY_OPENID, "o-mother"), sure(IDENTITY_PHONE, "13900000004")},
        .identity_count = 2};
    struct customer_buyer child = {
        .identities = {sure(IDENTITY_OPENID, "o-child"), sure(IDENTITY_PHONE, "13900000004")},
        .identity_count = 2};
    int64_t mother_id = resolve_one(test, &mother);
    int64_t child_id = resolve_one(test, &child);
    assert_int_not_equal(mother_id, child_id);
    assert_int_equal(resolve_one(test, &child), child_id); /* said twice: nothing more */
    struct move rows = {.what = ROWS, .a = child_id};
    ok(test, &rows);
    assert_int_equal(rows.count, 2);
    struct customer_view *view = view_of(test, child_id);
    assert_int_equal(view->identity_count, 2);
    assert_int_equal(view->identities[1].kind, IDENTITY_PHONE);
    assert_false(view->identities[1].claimed);
    check_text(view->identities[1].value, "13900000004");

    struct move c = {.what = PROPOSALS};
    ok(test, &c);
    assert_int_equal(c.count, before + 1);
    const struct merge_proposal *last = &c.proposals[c.count - 1];
    assert_int_equal(last->customer_id, mother_id);
    assert_int_equal(last->other_id, child_id);
    assert_int_equal(last->identity_kind, IDENTITY_PHONE);
    assert_int_equal(event_count(test, mother_id, EVENT_MERGE_PROPOSED), 1);
    assert_int_equal(event_count(test, child_id, EVENT_MERGE_PROPOSED), 1);

    ok(test, &(struct move){REFUSE, .a = child_id, .b = mother_id});
    assert_int_equal(proposal_count(test), before);
    assert_int_equal(run(test, &(struct move){REFUSE, .a = child_id, .b = mother_id}),
                     ERR_CUSTOMER_PROPOSAL_UNKNOWN);
    resolve_one(test, &child); /* refused is refused */
    assert_int_equal(proposal_count(test), before);
    check_sound(test);
}

/* The phone's owner is the whole merged person: the openid hangs on another birth than the phone.
 */
static void a_merged_owner_counts_as_one_person(void **state)
{
    struct test_store *test = *state;
    int64_t by_phone = buyer_of(test, sure(IDENTITY_PHONE, "13900000005"));
    int64_t by_openid = buyer_of(test, sure(IDENTITY_OPENID, "o-five"));
    ok(test, &(struct move){MERGE, .a = by_phone, .b = by_openid});
    struct customer_buyer other = {
        .identities = {sure(IDENTITY_OPENID, "o-other"), sure(IDENTITY_PHONE, "13900000005")},
        .identity_count = 2};
    resolve_one(test, &other);
    assert_true(other.created);
    struct identity_value elsewhere = sure(IDENTITY_OPENID, "o-elsewhere");
    elsewhere.issuer = STR("shop-b"); /* another issuer's openid contradicts nothing */
    struct customer_buyer same = {.identities = {elsewhere, sure(IDENTITY_PHONE, "13900000005")},
                                  .identity_count = 2};
    assert_int_equal(resolve_one(test, &same), by_phone); /* born with the phone's own birth */
    assert_int_equal(view_of(test, by_phone)->customer_id, by_openid);
    check_sound(test);
}

static void an_unknown_buyer_gets_a_placeholder(void **state)
{
    struct test_store *test = *state;
    struct customer_buyer unknown[2] = {{.met_at_us = 1}, {.met_at_us = 2}};
    ok(test, &(struct move){RESOLVE, .buyers = unknown, .count = 2});
    assert_int_not_equal(unknown[0].customer_id, unknown[1].customer_id);
    assert_true(unknown[0].created && unknown[1].created);
    assert_true(view_of(test, unknown[1].customer_id)->placeholder);
    int64_t real = buyer_of(test, sure(IDENTITY_MEMBER_CARD, "C-1"));
    assert_int_equal(run(test, &(struct move){MERGE, .a = real, .b = unknown[0].customer_id}),
                     ERR_CUSTOMER_PLACEHOLDER);
    ok(test, &(struct move){MERGE, .a = unknown[0].customer_id, .b = real});
    assert_false(view_of(test, unknown[0].customer_id)->placeholder);
    ok(test, &(struct move){RESOLVE, .buyers = NULL, .count = 0});
    check_sound(test);
}

static void a_weak_phone_only_suggests(void **state)
{
    struct test_store *test = *state;
    size_t before = proposal_count(test);
    int64_t owner = buyer_of(test, sure(IDENTITY_PHONE, "13900000006"));
    struct customer_buyer gift = {
        .identities = {weak(IDENTITY_PHONE, "13900000006"), sure(IDENTITY_BUYER_ID, "giver")},
        .identity_count = 2};
    assert_int_not_equal(resolve_one(test, &gift), owner);
    assert_int_equal(proposal_count(test), before + 1);
    assert_int_equal(buyer_of(test, weak(IDENTITY_PHONE, "13900000006")), owner);
    /* the same identity twice in one order: it is sure */
    struct customer_buyer twice = {
        .identities = {weak(IDENTITY_PHONE, "13900000006"), sure(IDENTITY_PHONE, "13900000006")},
        .identity_count = 2};
    assert_int_equal(resolve_one(test, &twice), owner);
    check_sound(test);
}

/* --- Search --- */

static void persons_are_found(void **state)
{
    struct test_store *test = *state;
    struct customer_buyer buyer = {.identities = {sure(IDENTITY_PHONE, "13911110001"),
                                                  sure(IDENTITY_BUYER_ID, "TB-0007"),
                                                  sure(IDENTITY_EMAIL, "find@me.cn")},
                                   .identity_count = 3,
                                   .name = STR("Ada 欧阳娜娜")};
    int64_t id = resolve_one(test, &buyer);
    check_found(test, "+86 139-1111-0001", &id, 1);
    check_found(test, " TB-0007 ", &id, 1);
    check_found(test, "Find@Me.cn", &id, 1);
    check_found(test, "ada 欧阳娜娜", &id, 1); /* without regard to case */
    check_found(test, "A", &id, 1);
    check_found(test, "Ad", &id, 1);
    check_found(test, "Ada", &id, 1);
    check_found(test, "Ada ", &id, 1);    /* trimmed to three characters */
    check_found(test, "Ada 欧", NULL, 0); /* five characters that are no whole name */
    check_found(test, "13911110002", NULL, 0);
    check_found(test, "  ", NULL, 0);

    struct move second = {CREATE, .text = STR("Adam")};
    ok(test, &second);
    check_found(test, "Ada", (int64_t[]){id, second.id}, 2);
    struct move limited = {FIND, .text = STR("Ada"), .count = 1};
    ok(test, &limited);
    assert_int_equal(limited.count, 1);
    ok(test, &(struct move){MERGE, .a = second.id, .b = id});
    check_found(test, "Ada", &id, 1); /* one person, once */
    check_found(test, "adam", &id, 1);
}

static void a_new_name_replaces_the_old(void **state)
{
    struct test_store *test = *state;
    struct move created = {CREATE, .text = STR("Grace")};
    ok(test, &created);
    assert_int_equal(event_count(test, created.id, EVENT_CUSTOMER_CREATED), 1);
    ok(test,
       &(struct move){RENAME, .a = created.id, .text = STR("Grace")}); /* the same: no event */
    assert_int_equal(event_count(test, created.id, EVENT_CUSTOMER_CHANGED), 0);
    ok(test, &(struct move){RENAME, .a = created.id, .text = STR("Hopper")});
    check_text(view_of(test, created.id)->name, "Hopper");
    check_found(test, "Grace", NULL, 0);
    check_found(test, "Gr", NULL, 0);
    check_found(test, "hopp", &created.id, 1);
    assert_int_equal(event_count(test, created.id, EVENT_CUSTOMER_CHANGED), 1);
    assert_int_equal(run(test, &(struct move){RENAME, .a = created.id, .text = STR("  ")}),
                     ERR_CUSTOMER_NAME);
    assert_int_equal(run(test, &(struct move){RENAME, .a = 42, .text = STR("X")}),
                     ERR_CUSTOMER_UNKNOWN);
    ok(test, &(struct move){REVEAL, .a = created.id});
    assert_int_equal(event_count(test, created.id, EVENT_CUSTOMER_REVEALED), 1);
}

/* --- Merges and tags --- */

static void merges_link_and_splits_cut(void **state)
{
    struct test_store *test = *state;
    int64_t a = buyer_of(test, sure(IDENTITY_PHONE, "13922220001"));
    int64_t b = buyer_of(test, sure(IDENTITY_PHONE, "13922220002"));
    int64_t c = buyer_of(test, sure(IDENTITY_PHONE, "13922220003"));
    ok(test, &(struct move){MERGE, .a = a, .b = b});
    ok(test, &(struct move){MERGE, .a = a, .b = c}); /* a's root, b, goes below c */
    assert_int_equal(run(test, &(struct move){MERGE, .a = a, .b = c}), ERR_CUSTOMER_SAME);
    assert_int_equal(run(test, &(struct move){MERGE, .a = a, .b = 42}), ERR_CUSTOMER_UNKNOWN);
    struct customer_view *view = view_of(test, a);
    assert_int_equal(view->customer_id, c);
    assert_int_equal(view->member_count, 3);
    assert_int_equal(view->members[0], c); /* the root first, then by id */
    assert_int_equal(view->members[1], a);
    assert_int_equal(view->members[2], b);
    assert_int_equal(event_count(test, b, EVENT_CUSTOMER_MERGED), 2);
    check_sound(test);

    assert_int_equal(run(test, &(struct move){SPLIT, .a = c}), ERR_CUSTOMER_NOT_MERGED);
    assert_int_equal(run(test, &(struct move){SPLIT, .a = 42}), ERR_CUSTOMER_UNKNOWN);
    ok(test, &(struct move){SPLIT, .a = b}); /* b stands alone again, with a below it */
    int64_t ids[4] = {a, b, c, 42};
    ok(test, &(struct move){ROOTS, .ids = ids, .count = 4});
    assert_int_equal(ids[0], b);
    assert_int_equal(ids[1], b);
    assert_int_equal(ids[2], c);
    assert_int_equal(ids[3], 0);
    assert_int_equal(event_count(test, b, EVENT_CUSTOMER_SPLIT), 1);
    assert_int_equal(event_count(test, c, EVENT_CUSTOMER_SPLIT), 1);
    check_sound(test);
}

/* LIMIT_MERGE_MEMBERS_MAX births are one person; not one more. */
static void a_person_has_a_limit(void **state)
{
    struct test_store *test = *state;
    size_t count = LIMIT_MERGE_MEMBERS_MAX + 1;
    struct customer_buyer *buyers = ARENA_ARRAY(test->arena, count, struct customer_buyer);
    int64_t *ids = ARENA_ARRAY(test->arena, count, int64_t);
    for (size_t i = 0; i < count; i++) {
        buyers[i].identity_count = 1;
        buyers[i].identities[0] =
            sure(IDENTITY_MEMBER_CARD, str_z(test->arena, str_fmt(test->arena, "limit-%zu", i)));
    }
    ok(test, &(struct move){RESOLVE, .buyers = buyers, .count = count});
    for (size_t i = 0; i < count; i++)
        ids[i] = buyers[i].customer_id;
    struct move all = {MERGE_ALL, .a = ids[0], .ids = ids + 1, .count = count - 2};
    ok(test, &all);
    assert_int_equal(view_of(test, ids[5])->member_count, LIMIT_MERGE_MEMBERS_MAX);
    assert_int_equal(run(test, &(struct move){MERGE, .a = ids[count - 1], .b = ids[0]}),
                     ERR_CUSTOMER_MERGE_LIMIT);
    ok(test, &(struct move){SPLIT, .a = ids[7]});
    assert_int_equal(view_of(test, ids[5])->member_count, LIMIT_MERGE_MEMBERS_MAX - 1);
    check_sound(test);
}

static void a_merge_decides_the_proposal(void **state)
{
    struct test_store *test = *state;
    size_t before = proposal_count(test);
    int64_t x = buyer_of(test, sure(IDENTITY_PHONE, "13922220011"));
    struct customer_buyer both = {
        .identities = {sure(IDENTITY_MEMBER_CARD, "C-11"), weak(IDENTITY_PHONE, "13922220011")},
        .identity_count = 2};
    int64_t y = resolve_one(test, &both);
    assert_int_equal(proposal_count(test), before + 1);
    ok(test, &(struct move){MERGE, .a = y, .b = x});
    assert_int_equal(proposal_count(test), before);
    struct customer_view *view = view_of(test, x);
    assert_int_equal(view->identity_count, 2); /* the phone once, as the one who claims it has it */
    assert_true(view->identities[1].claimed);
    ok(test, &(struct move){SPLIT, .a = y});
    resolve_one(test, &both);
    assert_int_equal(proposal_count(test), before); /* it was decided once */
}

static void tags_belong_to_the_person(void **state)
{
    struct test_store *test = *state;
    int64_t a = buyer_of(test, sure(IDENTITY_PHONE, "13933330001"));
    int64_t b = buyer_of(test, sure(IDENTITY_PHONE, "13933330002"));
    /* the clock stands at 2024-06-01, day 19875 */
    ok(test, &(struct move){TAG, .a = a, .text = STR("备孕"), .until_day = DAY_NONE});
    ok(test, &(struct move){TAG, .a = a, .text = STR("备孕"), .until_day = DAY_NONE});
    assert_int_equal(event_count(test, a, EVENT_CUSTOMER_TAGGED), 1);
    ok(test, &(struct move){TAG, .a = a, .text = STR("past"), .until_day = 19874});
    ok(test, &(struct move){TAG, .a = a, .text = STR("today"), .until_day = 19875});
    ok(test, &(struct move){TAG, .a = b, .text = STR("vip"), .until_day = DAY_NONE});
    assert_int_equal(view_of(test, a)->tag_count, 2);
    ok(test, &(struct move){MERGE, .a = a, .b = b});
    struct customer_view *view = view_of(test, a);
    assert_int_equal(view->tag_count, 3);
    check_text(view->tags[0].set_by, "tester");
    ok(test, &(struct move){UNTAG, .a = b, .text = STR("备孕")});
    assert_int_equal(view_of(test, b)->tag_count, 2);
    ok(test, &(struct move){SPLIT, .a = a});
    view = view_of(test, a);
    assert_int_equal(view->tag_count, 1);
    check_text(view->tags[0].name, "today");
    ok(test,
       &(struct move){TAG, .a = a, .text = STR("today"), .until_day = DAY_NONE}); /* now for good */
    view = view_of(test, a);
    assert_int_equal(view->tag_count, 1);
    assert_int_equal(view->tags[0].until_day, DAY_NONE);
    ok(test, &(struct move){UNTAG, .a = a, .text = STR("never heard of")});
    assert_int_equal(run(test, &(struct move){TAG, .a = a, .text = STR(" ")}),
                     ERR_CUSTOMER_TAG_NAME);
    assert_int_equal(run(test, &(struct move){TAG, .a = 42, .text = STR("x")}),
                     ERR_CUSTOMER_UNKNOWN);
}

/* --- Verify, on stores of their own: what is broken stays broken --- */

static void check_broken(enum store_kind kind, enum what what, bool on_root)
{
    struct test_store *test = test_store_open(kind);
    int64_t a = buyer_of(test, sure(IDENTITY_PHONE, "13922220001"));
    int64_t b = buyer_of(test, sure(IDENTITY_PHONE, "13922220002"));
    ok(test, &(struct move){MERGE, .a = a, .b = b});
    check_sound(test);
    ok(test, &(struct move){what, .a = on_root ? b : a, .b = a});
    struct move verify = {.what = VERIFY};
    ok(test, &verify);
    assert_true(verify.id > 0);
    assert_true(str_is(verify.first_fault));
    test_store_close(test);
}

static void verify_sees_what_is_broken(void **state)
{
    struct test_store *test = *state;
    enum store_kind kind = store_kind(test->store);
    check_broken(kind, BREAK_ROOT, true);     /* a root that names another root */
    check_broken(kind, BREAK_ROOT, false);    /* a merged one that names itself */
    check_broken(kind, BREAK_LINK, true);     /* a circle */
    check_broken(kind, BREAK_LOOKUP, true);   /* a look-up without an identity */
    check_broken(kind, BREAK_IDENTITY, true); /* a claim without a look-up */
}

/* --- Encryption at rest --- */

static bool file_holds(const char *path, const char *needle)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    static char bytes[1 << 20];
    size_t n, kept = 0, length = strlen(needle);
    bool holds = false;
    while (!holds && (n = fread(bytes + kept, 1, sizeof(bytes) - kept, file)) > 0) {
        holds = memmem(bytes, kept + n, needle, length) != NULL;
        size_t all = kept + n;
        kept = all < length ? all : length - 1;
        memmove(bytes, bytes + all - kept, kept);
    }
    fclose(file);
    return holds;
}

static int files_that_hold(const struct test_store *test, const char *needle)
{
    DIR *directory = opendir(test->directory);
    assert_non_null(directory);
    int count = 0, seen = 0;
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (entry->d_type != DT_REG)
            continue;
        char path[400];
        snprintf(path, sizeof(path), "%s/%s", test->directory, entry->d_name);
        count += file_holds(path, needle);
        seen++;
    }
    closedir(directory);
    assert_true(seen > 0);
    return count;
}

static void nothing_personal_lies_open(void **state)
{
    (void)state;
    struct test_store *test = test_store_open(STORE_SQLITE);
    struct customer_buyer buyer = {.identities = {sure(IDENTITY_PHONE, "13987654321"),
                                                  sure(IDENTITY_EMAIL, "secret.person@example.cn")},
                                   .identity_count = 2,
                                   .name = STR("Zebedee Quartz")};
    int64_t id = resolve_one(test, &buyer);
    ok(test, &(struct move){TAG, .a = id, .text = STR("PLAINLY-TO-SEE"), .until_day = DAY_NONE});
    ok(test, &(struct move){RENAME, .a = id, .text = STR("Yolanda Quartz")});
    assert_true(files_that_hold(test, "PLAINLY-TO-SEE") >
                0); /* the search does find what is there */
    assert_int_equal(files_that_hold(test, "13987654321"), 0);
    assert_int_equal(files_that_hold(test, "secret.person"), 0);
    assert_int_equal(files_that_hold(test, "Zebedee"), 0);
    assert_int_equal(files_that_hold(test, "Yolanda"), 0);
    test_store_close(test);
}

/* --- Both databases --- */

static int open_sqlite(void **state)
{
    *state = test_store_open(STORE_SQLITE);
    return 0;
}

static int open_postgres(void **state)
{
    *state = test_store_open(STORE_POSTGRES);
    return 0;
}

static int close_store(void **state)
{
    test_store_close(*state);
    return 0;
}

static bool lists(const struct customer_view *view, const char *value, bool claimed, bool weak)
{
    for (size_t i = 0; i < view->identity_count; i++) {
        const struct customer_identity *identity = &view->identities[i];
        if (str_eq(identity->value, str_c(value)))
            return identity->claimed == claimed && identity->weak == weak;
    }
    return false;
}

/* A receives parcels under B's phone. Whether B's own order comes with the same call or later, B is
 * somebody else, who then owns the phone; A keeps it noted, once, however often it is told. */
static void a_weak_phone_goes_to_whom_it_is_sure(void **state)
{
    struct test_store *test = *state;
    for (int together = 0; together < 2; together++) {
        const char *card = together ? "take-2" : "take-1";
        const char *phone = together ? "13976543002" : "13976543001";
        size_t proposals = proposal_count(test);
        struct customer_buyer buyers[] = {
            {.identities = {sure(IDENTITY_MEMBER_CARD, card), weak(IDENTITY_PHONE, phone)},
             .identity_count = 2},
            {.identities = {sure(IDENTITY_PHONE, phone)}, .identity_count = 1},
            {.identities = {sure(IDENTITY_MEMBER_CARD, card), weak(IDENTITY_PHONE, phone)},
             .identity_count = 2},
        };
        for (size_t i = 0; i < 3 && !together; i++)
            resolve_one(test, &buyers[i]);
        if (together)
            ok(test, &(struct move){RESOLVE, .buyers = buyers, .count = 3});
        int64_t a = buyers[0].customer_id, b = buyers[1].customer_id;
        assert_true(a != b);
        assert_int_equal(buyers[2].customer_id, a);
        assert_true(lists(view_of(test, a), phone, false, true));
        assert_true(lists(view_of(test, b), phone, true, false));
        assert_int_equal(proposal_count(test), proposals + 1);
        struct move rows = {ROWS, .a = a};
        ok(test, &rows);
        assert_int_equal(rows.count, 2); /* card, phone */
        assert_int_equal(buyer_of(test, sure(IDENTITY_PHONE, phone)), b);
    }
    check_sound(test);
}

/* Known by nothing but a receiver's phone, whoever surely has that phone is the one. */
static void a_stand_in_becomes_sure(void **state)
{
    struct test_store *test = *state;
    int64_t a = buyer_of(test, weak(IDENTITY_PHONE, "13976543003"));
    assert_int_equal(buyer_of(test, sure(IDENTITY_PHONE, "13976543003")), a);
    assert_true(lists(view_of(test, a), "13976543003", true, false));
    /* Sure now: another's weak claim does not matter, another's sure one neither. */
    assert_int_equal(buyer_of(test, sure(IDENTITY_PHONE, "13976543003")), a);
    check_sound(test);
}

/* B has an openid and gets a phone; in the same call that phone comes with another openid of the
 * same issuer: as in a later call, that is not B. */
static void a_phone_met_in_one_call_gives_way_too(void **state)
{
    struct test_store *test = *state;
    struct customer_buyer b = {
        .identities = {sure(IDENTITY_OPENID, "same-1"), sure(IDENTITY_MEMBER_CARD, "same-card")},
        .identity_count = 2};
    resolve_one(test, &b);
    struct customer_buyer buyers[] = {
        {.identities = {sure(IDENTITY_MEMBER_CARD, "same-card"),
                        sure(IDENTITY_PHONE, "13976543004")},
         .identity_count = 2},
        {.identities = {sure(IDENTITY_OPENID, "same-2"), sure(IDENTITY_PHONE, "13976543004")},
         .identity_count = 2},
    };
    ok(test, &(struct move){RESOLVE, .buyers = buyers, .count = 2});
    assert_int_equal(buyers[0].customer_id, b.customer_id);
    assert_true(buyers[1].customer_id != b.customer_id);
    check_sound(test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_have_names),
        cmocka_unit_test(values_are_normalised),
        cmocka_unit_test(values_are_masked),
        cmocka_unit_test(hashes_differ_by_kind_and_issuer),
        cmocka_unit_test(a_buyer_is_met_and_met_again),
        cmocka_unit_test(a_name_is_added_where_there_is_none),
        cmocka_unit_test(buyers_of_one_call_know_each_other),
        cmocka_unit_test(a_shared_phone_makes_a_proposal),
        cmocka_unit_test(a_merged_owner_counts_as_one_person),
        cmocka_unit_test(an_unknown_buyer_gets_a_placeholder),
        cmocka_unit_test(a_weak_phone_only_suggests),
        cmocka_unit_test(a_weak_phone_goes_to_whom_it_is_sure),
        cmocka_unit_test(a_stand_in_becomes_sure),
        cmocka_unit_test(a_phone_met_in_one_call_gives_way_too),
        cmocka_unit_test(persons_are_found),
        cmocka_unit_test(a_new_name_replaces_the_old),
        cmocka_unit_test(merges_link_and_splits_cut),
        cmocka_unit_test(a_merge_decides_the_proposal),
        cmocka_unit_test(a_person_has_a_limit),
        cmocka_unit_test(tags_belong_to_the_person),
        cmocka_unit_test(verify_sees_what_is_broken),
        cmocka_unit_test(nothing_personal_lies_open),
    };
    return cmocka_run_group_tests_name("sqlite", tests, open_sqlite, close_store) +
           cmocka_run_group_tests_name("postgres", tests, open_postgres, close_store);
}
