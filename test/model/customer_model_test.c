/* link: room_customer test_support */
/* Random buyers, merges, splits and tags against a naive oracle of plain arrays, on both databases,
 * and several threads at once. A fixed list of seeds runs always; HUITOU_MODEL_ROUNDS=n runs n
 * more, from HUITOU_MODEL_SEED on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "room/customer/customer.h"
#include "support/test_store.h"

/* --- The oracle's world: a few values of each kind, numbered --- */

#define VALUE_COUNT 60
#define BIRTH_MAX 4000
#define TAG_COUNT 4
#define FACT_MAX 4000

struct value {
    enum identity_kind kind;
    int issuer; /* 0: none, 1, 2 */
    char text[24];
};

struct birth {
    int64_t customer_id;
    int parent; /* -1: none */
    bool placeholder;
    bool kept[VALUE_COUNT];
    bool tag[TAG_COUNT];
};

struct pair {
    int a, b;    /* births */
    int decided; /* 0 open, 1 merged, 2 refused */
};

struct fact {
    int birth;
    int through; /* the value that named the birth; -1: none did */
};

struct oracle {
    struct value values[VALUE_COUNT];
    int owner[VALUE_COUNT]; /* birth; -1: nobody */
    bool owned_weakly[VALUE_COUNT];
    bool taken[VALUE_COUNT]; /* its weak claim moved to another person since this was cleared */
    struct birth births[BIRTH_MAX];
    int birth_count;
    struct pair pairs[BIRTH_MAX];
    int pair_count;
    struct fact facts[FACT_MAX];
    int fact_count;
};

/* A buyer as the oracle sees it. */
struct told {
    int value[LIMIT_IDENTITIES_PER_ORDER_MAX];
    bool weak[LIMIT_IDENTITIES_PER_ORDER_MAX];
    int count;
};

static void make_values(struct oracle *oracle)
{
    static const struct {
        enum identity_kind kind;
        int issuer, count;
    } plan[] = {
        {IDENTITY_UNIONID, 0, 5},     {IDENTITY_OPENID, 1, 6},   {IDENTITY_OPENID, 2, 6},
        {IDENTITY_MEMBER_CARD, 0, 8}, {IDENTITY_BUYER_ID, 1, 6}, {IDENTITY_BUYER_ID, 2, 6},
        {IDENTITY_PHONE, 0, 10},      {IDENTITY_EMAIL, 0, 8},    {IDENTITY_ANONYMOUS_ID, 0, 5}};
    int n = 0;
    for (size_t p = 0; p < sizeof(plan) / sizeof(plan[0]); p++) {
        for (int i = 0; i < plan[p].count; i++, n++) {
            oracle->values[n].kind = plan[p].kind;
            oracle->values[n].issuer = plan[p].issuer;
            char *text = oracle->values[n].text;
            size_t size = sizeof(oracle->values[n].text);
            if (plan[p].kind == IDENTITY_PHONE)
                snprintf(text, size, "1390000%04d", i);
            else if (plan[p].kind == IDENTITY_EMAIL)
                snprintf(text, size, "p%d@x.cn", i);
            else
                snprintf(text, size, "v%d", i);
        }
    }
    assert_int_equal(n, VALUE_COUNT);
    for (int i = 0; i < VALUE_COUNT; i++)
        oracle->owner[i] = -1;
}

static struct identity_value identity_of(const struct oracle *oracle, int value)
{
    static const char *const issuers[] = {"", "shop-a", "shop-b"};
    const struct value *v = &oracle->values[value];
    return (struct identity_value){
        .kind = v->kind, .issuer = str_c(issuers[v->issuer]), .value = str_c(v->text)};
}

static int root_of(const struct oracle *oracle, int birth)
{
    while (oracle->births[birth].parent >= 0)
        birth = oracle->births[birth].parent;
    return birth;
}

static bool told_sure(const struct oracle *oracle, const struct told *told, int i)
{
    return !told->weak[i] && oracle->values[told->value[i]].kind != IDENTITY_ANONYMOUS_ID;
}

/* The mother's phone: does the owner of `value` give way to a new account in what was told? */
static bool oracle_gives_way(const struct oracle *oracle, const struct told *told, int value)
{
    enum identity_kind kind = oracle->values[value].kind;
    if (kind != IDENTITY_PHONE && kind != IDENTITY_EMAIL)
        return false;
    for (int i = 0; i < told->count; i++) {
        const struct value *account = &oracle->values[told->value[i]];
        if (!told_sure(oracle, told, i) || oracle->owner[told->value[i]] >= 0 ||
            account->kind > IDENTITY_BUYER_ID)
            continue;
        for (int other = 0; other < VALUE_COUNT; other++) {
            const struct value *held = &oracle->values[other];
            if (held->kind == account->kind && held->issuer == account->issuer &&
                oracle->owner[other] >= 0 && !oracle->owned_weakly[other] &&
                root_of(oracle, oracle->owner[other]) == root_of(oracle, oracle->owner[value]))
                return true;
        }
    }
    return false;
}

/* Told surely, of somebody who is known by sure identities but claimed this one weakly. */
static bool oracle_takes(const struct oracle *oracle, const struct told *told, int i)
{
    int value = told->value[i];
    if (!told_sure(oracle, told, i) || oracle->owner[value] < 0 || !oracle->owned_weakly[value])
        return false;
    for (int other = 0; other < VALUE_COUNT; other++) {
        if (oracle->owner[other] >= 0 && !oracle->owned_weakly[other] &&
            root_of(oracle, oracle->owner[other]) == root_of(oracle, oracle->owner[value]))
            return true;
    }
    return false;
}

/* Which value names the person; -1: none. */
static int oracle_naming(const struct oracle *oracle, const struct told *told)
{
    bool any_sure = false;
    for (int i = 0; i < told->count; i++)
        any_sure = any_sure || told_sure(oracle, told, i);
    for (int kind = 1; kind < IDENTITY_KIND_MAX; kind++) {
        for (int i = 0; i < told->count; i++) {
            int value = told->value[i];
            if ((int)oracle->values[value].kind != kind ||
                (any_sure && !told_sure(oracle, told, i)))
                continue;
            bool owned = oracle->owner[value] >= 0;
            if (!any_sure) /* only the first of the surest kind stands in */
                return owned ? value : -1;
            if (owned && !oracle_gives_way(oracle, told, value) && !oracle_takes(oracle, told, i))
                return value;
        }
    }
    return -1;
}

static void oracle_propose(struct oracle *oracle, int a, int b)
{
    for (int i = 0; i < oracle->pair_count; i++) {
        const struct pair *pair = &oracle->pairs[i];
        if ((pair->a == a && pair->b == b) || (pair->a == b && pair->b == a))
            return;
    }
    assert_true(oracle->pair_count < BIRTH_MAX);
    oracle->pairs[oracle->pair_count++] = (struct pair){a, b, 0};
}

/* What the room should answer for one buyer: the birth, and whether it is new. */
static int oracle_resolve(struct oracle *oracle, const struct told *told, bool *created)
{
    int naming = oracle_naming(oracle, told);
    *created = naming < 0;
    int birth = naming >= 0 ? oracle->owner[naming] : oracle->birth_count++;
    assert_true(oracle->birth_count < BIRTH_MAX && oracle->fact_count < FACT_MAX);
    if (*created) {
        oracle->births[birth].parent = -1;
        oracle->births[birth].placeholder = told->count == 0;
    }
    bool takes[LIMIT_IDENTITIES_PER_ORDER_MAX];
    for (int i = 0; i < told->count; i++)
        takes[i] = oracle_takes(oracle, told, i);
    for (int i = 0; i < told->count; i++) {
        int value = told->value[i];
        if (oracle->owner[value] < 0) {
            oracle->owner[value] = birth;
            oracle->owned_weakly[value] = !told_sure(oracle, told, i);
        } else if (root_of(oracle, oracle->owner[value]) == root_of(oracle, birth)) {
            if (told_sure(oracle, told, i))
                oracle->owned_weakly[value] = false;
        } else if (takes[i]) {
            oracle_propose(oracle, root_of(oracle, birth), root_of(oracle, oracle->owner[value]));
            oracle->births[oracle->owner[value]].kept[value] = true;
            oracle->births[birth].kept[value] = false;
            oracle->taken[value] = true;
            oracle->owner[value] = birth;
            oracle->owned_weakly[value] = false;
        } else if (root_of(oracle, oracle->owner[value]) != root_of(oracle, birth)) {
            oracle->births[birth].kept[value] = true;
            oracle_propose(oracle, root_of(oracle, birth), root_of(oracle, oracle->owner[value]));
        }
    }
    int through = naming >= 0 ? naming : -1;
    for (int i = 0; i < told->count && through < 0; i++)
        through = oracle->owner[told->value[i]] == birth ? told->value[i] : -1;
    oracle->facts[oracle->fact_count++] = (struct fact){birth, through};
    return birth;
}

/* --- The room, called --- */

enum what { RESOLVE, MERGE, SPLIT, TAG, UNTAG, REFUSE, CHECK_ALL };

struct world {
    struct test_store *test;
    struct arena *arena;
    struct oracle *oracle;
    struct test_random random;
    uint64_t seed;
    int step;
};

struct move {
    enum what what;
    struct customer_buyer *buyers;
    size_t count;
    int64_t a, b;
    struct str text;
    struct world *world;
};

static const struct err *check_all(struct tx *tx, struct world *world);

static const struct err *run_call(struct tx *tx, void *arg)
{
    struct move *c = arg;
    switch (c->what) {
    case RESOLVE:
        return customer_resolve_many(tx, c->buyers, c->count);
    case MERGE:
        return customer_merge(tx, c->a, c->b, STR("model"));
    case SPLIT:
        return customer_split(tx, c->a, STR("model"));
    case TAG:
        return customer_tag_set(tx, c->a, c->text, DAY_NONE, STR("model"));
    case UNTAG:
        return customer_tag_remove(tx, c->a, c->text, STR("model"));
    case REFUSE:
        return customer_proposal_refuse(tx, c->a, c->b);
    case CHECK_ALL:
        return check_all(tx, c->world);
    }
    return NULL;
}

static enum err_code run_in(struct store *store, struct arena *arena, struct move *c)
{
    struct store_job job = {.name = "customer model", .fn = run_call, .arg = c};
    const struct err *err =
        c->what == CHECK_ALL ? store_read(store, arena, &job) : store_write(store, arena, &job);
    if (err && err_class(err) != ERR_CLASS_CALLER)
        print_error("%.*s\n", STR_ARG(err_text(arena, err, LANG_EN)));
    return err ? err->code : ERR_NONE;
}

static void expect(struct world *world, struct move *c, enum err_code expected)
{
    struct arena_mark mark = arena_mark(world->arena);
    enum err_code code = run_in(world->test->store, world->arena, c);
    arena_rewind(world->arena, mark);
    if (code != expected)
        print_error("seed %llu step %d: %s instead of %s\n", (unsigned long long)world->seed,
                    world->step, code ? err_info(code)->name : "success",
                    expected ? err_info(expected)->name : "success");
    assert_int_equal(code, expected);
}

static void same(const struct world *world, const char *what, int64_t is, int64_t expected)
{
    if (is != expected)
        print_error("seed %llu step %d: %s is %lld, should be %lld\n",
                    (unsigned long long)world->seed, world->step, what, (long long)is,
                    (long long)expected);
    assert_int_equal(is, expected);
}

static int64_t id_of(const struct world *world, int birth)
{
    return world->oracle->births[birth].customer_id;
}

static int birth_of(const struct world *world, int64_t customer_id)
{
    for (int i = 0; i < world->oracle->birth_count; i++) {
        if (world->oracle->births[i].customer_id == customer_id)
            return i;
    }
    return -1;
}

static int value_of(const struct world *world, const struct customer_identity *identity)
{
    for (int i = 0; i < VALUE_COUNT; i++) {
        struct identity_value value = identity_of(world->oracle, i);
        if (value.kind == identity->kind && str_eq(value.issuer, identity->issuer) &&
            str_eq(value.value, identity->value))
            return i;
    }
    return -1;
}

/* --- Comparing --- */

static void check_identities(const struct world *world, int root, const struct customer_view *view)
{
    const struct oracle *oracle = world->oracle;
    bool claimed[VALUE_COUNT] = {false}, kept[VALUE_COUNT] = {false};
    for (size_t i = 0; i < view->identity_count; i++) {
        const struct customer_identity *identity = &view->identities[i];
        int value = value_of(world, identity);
        assert_true(value >= 0);
        assert_false(claimed[value] || kept[value]);
        if (identity->claimed) {
            claimed[value] = true;
            same(world, "owner", identity->customer_id, id_of(world, oracle->owner[value]));
            same(world, "weak", identity->weak, oracle->owned_weakly[value]);
        } else {
            kept[value] = true;
        }
    }
    for (int value = 0; value < VALUE_COUNT; value++) {
        bool owns = oracle->owner[value] >= 0 && root_of(oracle, oracle->owner[value]) == root;
        bool keeps = false;
        for (int b = 0; b < oracle->birth_count && !owns && !keeps; b++)
            keeps = oracle->births[b].kept[value] && root_of(oracle, b) == root;
        same(world, "claimed identity", claimed[value], owns);
        same(world, "kept identity", kept[value], keeps);
    }
}

static const char *const tag_names[TAG_COUNT] = {"备孕", "vip", "gift", "silent"};

static void check_person(const struct world *world, int root, const struct customer_view *view)
{
    const struct oracle *oracle = world->oracle;
    same(world, "root", view->customer_id, id_of(world, root));
    same(world, "placeholder", view->placeholder, oracle->births[root].placeholder);
    size_t members = 0;
    bool tags[TAG_COUNT] = {false};
    for (int b = 0; b < oracle->birth_count; b++) {
        if (root_of(oracle, b) != root)
            continue;
        members++;
        for (int t = 0; t < TAG_COUNT; t++)
            tags[t] = tags[t] || oracle->births[b].tag[t];
    }
    same(world, "members", (int64_t)view->member_count, (int64_t)members);
    for (size_t i = 0; i < view->member_count; i++) {
        int member = birth_of(world, view->members[i]);
        assert_true(member >= 0);
        same(world, "member's root", root_of(oracle, member), root);
    }
    size_t tag_count = 0;
    for (int t = 0; t < TAG_COUNT; t++) {
        bool has = false;
        for (size_t i = 0; i < view->tag_count; i++)
            has = has || str_eq(view->tags[i].name, str_c(tag_names[t]));
        same(world, tag_names[t], has, tags[t]);
        tag_count += tags[t];
    }
    same(world, "tags", (int64_t)view->tag_count, (int64_t)tag_count);
    check_identities(world, root, view);
}

static const struct err *check_proposals(struct tx *tx, struct world *world)
{
    const struct oracle *oracle = world->oracle;
    struct merge_proposal *proposals;
    size_t count, open = 0;
    TRY(customer_proposals(tx, BIRTH_MAX, &proposals, &count));
    for (int i = 0; i < oracle->pair_count; i++)
        open += oracle->pairs[i].decided == 0;
    same(world, "open proposals", (int64_t)count, (int64_t)open);
    for (size_t i = 0; i < count; i++) {
        int a = birth_of(world, proposals[i].customer_id),
            b = birth_of(world, proposals[i].other_id);
        bool known = false;
        for (int p = 0; p < oracle->pair_count; p++) {
            const struct pair *pair = &oracle->pairs[p];
            known = known || (pair->decided == 0 &&
                              ((pair->a == a && pair->b == b) || (pair->a == b && pair->b == a)));
        }
        assert_true(known);
        assert_true(proposals[i].customer_id < proposals[i].other_id);
    }
    return NULL;
}

static const struct err *check_all(struct tx *tx, struct world *world)
{
    struct customer_scan scan;
    struct customer_scan_row row;
    bool has;
    int seen = 0;
    TRY(customer_scan_open(tx, &scan));
    for (int64_t before = 0;; before = row.customer_id, seen++) {
        TRY(customer_scan_next(&scan, &row, &has));
        if (!has)
            break;
        assert_true(row.customer_id > before);
        int birth = birth_of(world, row.customer_id);
        assert_true(birth >= 0); /* else a ghost */
        same(world, "scanned root", row.root_id, id_of(world, root_of(world->oracle, birth)));
    }
    same(world, "births", seen, world->oracle->birth_count);
    for (int b = 0; b < world->oracle->birth_count; b++) {
        struct customer_view *view;
        if (world->oracle->births[b].parent >= 0)
            continue;
        TRY(customer_view(tx, id_of(world, b), &view));
        check_person(world, b, view);
    }
    TRY(check_proposals(tx, world));
    int64_t faults;
    struct str first;
    TRY(customer_verify(tx, &faults, &first));
    if (faults)
        print_error("%.*s\n", STR_ARG(first));
    same(world, "faults", faults, 0);
    return NULL;
}

static void compare(struct world *world)
{
    expect(world, &(struct move){.what = CHECK_ALL, .world = world}, ERR_NONE);
}

/* --- Random steps --- */

static int below(struct world *world, int limit)
{
    return (int)test_random_below(&world->random, limit);
}

static int random_birth(struct world *world)
{
    return below(world, world->oracle->birth_count);
}

/* Up to four identities, sometimes one of them twice, as sure and as weak. */
static void random_told(struct world *world, struct told *told, struct customer_buyer *buyer)
{
    *told = (struct told){.count = 0};
    *buyer = (struct customer_buyer){.met_at_us = below(world, 1000000)};
    int wanted = below(world, 20) == 0 ? 0 : 1 + below(world, 4);
    for (int i = 0; i < wanted; i++) {
        int value = below(world, VALUE_COUNT);
        bool weak = below(world, 5) == 0;
        int at = 0;
        while (at < told->count && told->value[at] != value)
            at++;
        told->weak[at] = at == told->count ? weak : told->weak[at] && weak;
        told->value[at] = value;
        told->count = at == told->count ? at + 1 : told->count;
        struct identity_value identity = identity_of(world->oracle, value);
        identity.weak = weak;
        buyer->identities[buyer->identity_count++] = identity;
    }
}

#define BATCH_MAX 12

static void step_resolve(struct world *world)
{
    struct customer_buyer buyers[BATCH_MAX];
    struct told told[BATCH_MAX];
    int count = 1 + below(world, BATCH_MAX);
    for (int i = 0; i < count; i++)
        random_told(world, &told[i], &buyers[i]);
    expect(world, &(struct move){.what = RESOLVE, .buyers = buyers, .count = (size_t)count},
           ERR_NONE);
    for (int i = 0; i < count; i++) {
        bool created;
        int birth = oracle_resolve(world->oracle, &told[i], &created);
        same(world, "created", buyers[i].created, created);
        if (created) {
            same(world, "new", birth_of(world, buyers[i].customer_id), -1);
            world->oracle->births[birth].customer_id = buyers[i].customer_id;
        }
        same(world, "customer", buyers[i].customer_id, id_of(world, birth));
    }
}

static void merge(struct world *world, int from, int into)
{
    struct oracle *oracle = world->oracle;
    int from_root = root_of(oracle, from), into_root = root_of(oracle, into);
    enum err_code expected = from_root == into_root                  ? ERR_CUSTOMER_SAME
                             : oracle->births[into_root].placeholder ? ERR_CUSTOMER_PLACEHOLDER
                                                                     : ERR_NONE;
    expect(world, &(struct move){.what = MERGE, .a = id_of(world, from), .b = id_of(world, into)},
           expected);
    if (expected != ERR_NONE)
        return;
    oracle->births[from_root].parent = into_root;
    for (int i = 0; i < oracle->pair_count; i++) {
        struct pair *pair = &oracle->pairs[i];
        if (pair->decided == 0 && root_of(oracle, pair->a) == into_root &&
            root_of(oracle, pair->b) == into_root)
            pair->decided = 1;
    }
}

static void split(struct world *world, int birth)
{
    bool merged = world->oracle->births[birth].parent >= 0;
    expect(world, &(struct move){.what = SPLIT, .a = id_of(world, birth)},
           merged ? ERR_NONE : ERR_CUSTOMER_NOT_MERGED);
    world->oracle->births[birth].parent = -1;
}

static void step_tag(struct world *world)
{
    struct oracle *oracle = world->oracle;
    int birth = random_birth(world), tag = below(world, TAG_COUNT), root = root_of(oracle, birth);
    bool set = below(world, 3) > 0, has = false;
    expect(world,
           &(struct move){
               .what = set ? TAG : UNTAG, .a = id_of(world, birth), .text = str_c(tag_names[tag])},
           ERR_NONE);
    for (int b = 0; b < oracle->birth_count; b++) {
        if (root_of(oracle, b) != root)
            continue;
        has = has || oracle->births[b].tag[tag];
        if (!set)
            oracle->births[b].tag[tag] = false;
    }
    if (set && !has)
        oracle->births[root].tag[tag] = true;
}

static void step_refuse(struct world *world)
{
    struct oracle *oracle = world->oracle;
    if (oracle->pair_count == 0)
        return;
    const struct pair *chosen = &oracle->pairs[below(world, oracle->pair_count)];
    int a = root_of(oracle, chosen->a), b = root_of(oracle, chosen->b), open = 0;
    for (int i = 0; i < oracle->pair_count && a != b; i++) {
        struct pair *pair = &oracle->pairs[i];
        int x = root_of(oracle, pair->a), y = root_of(oracle, pair->b);
        if (pair->decided == 0 && ((x == a && y == b) || (x == b && y == a))) {
            pair->decided = 2;
            open++;
        }
    }
    expect(
        world,
        &(struct move){.what = REFUSE, .a = id_of(world, chosen->a), .b = id_of(world, chosen->b)},
        a == b     ? ERR_CUSTOMER_SAME
        : open > 0 ? ERR_NONE
                   : ERR_CUSTOMER_PROPOSAL_UNKNOWN);
}

/* Merge, then anything but another merge or split of these two, then split: each side has its
 * members back, and each fact told since is with the person whose identity it came through (but for
 * identities that were only weak and went to another person meanwhile). */
static void step_merge_and_back(struct world *world)
{
    struct oracle *oracle = world->oracle;
    int from = root_of(oracle, random_birth(world)), into = root_of(oracle, random_birth(world));
    if (from == into || oracle->births[into].placeholder)
        return;
    static int owner_before[VALUE_COUNT], root_before[BIRTH_MAX];
    int births_before = oracle->birth_count, facts_before = oracle->fact_count;
    memcpy(owner_before, oracle->owner, sizeof(owner_before));
    memset(oracle->taken, 0, sizeof(oracle->taken));
    for (int b = 0; b < births_before; b++)
        root_before[b] = root_of(oracle, b);
    merge(world, from, into);
    for (int i = below(world, 4); i >= 0; i--)
        step_resolve(world);
    split(world, from);
    compare(world); /* the room agrees with the oracle; what follows looks at the oracle */
    for (int b = 0; b < births_before; b++)
        same(world, "root after split", root_of(oracle, b), root_before[b]);
    for (int v = 0; v < VALUE_COUNT; v++) {
        if (owner_before[v] >= 0 && !oracle->taken[v])
            same(world, "owner after split", oracle->owner[v], owner_before[v]);
    }
    for (int f = facts_before; f < oracle->fact_count; f++) {
        const struct fact *fact = &oracle->facts[f];
        if (fact->through >= 0 && !oracle->taken[fact->through])
            same(world, "fact's person", root_of(oracle, fact->birth),
                 root_of(oracle, oracle->owner[fact->through]));
    }
}

static void step(struct world *world)
{
    int choice = below(world, 100);
    if (choice < 45 || world->oracle->birth_count == 0)
        step_resolve(world);
    else if (choice < 58)
        merge(world, random_birth(world), random_birth(world));
    else if (choice < 72)
        split(world, random_birth(world));
    else if (choice < 85)
        step_tag(world);
    else if (choice < 92)
        step_refuse(world);
    else
        step_merge_and_back(world);
}

static void run_seed(enum store_kind kind, uint64_t seed, int steps)
{
    struct world world = {.test = test_store_open(kind), .seed = seed, .random = test_random(seed)};
    world.arena = arena_new("customer model", (size_t)1 << 30);
    world.oracle = calloc(1, sizeof(*world.oracle));
    assert_non_null(world.oracle);
    make_values(world.oracle);
    for (world.step = 0; world.step < steps; world.step++) {
        step(&world);
        if (world.step % 10 == 9)
            compare(&world);
    }
    compare(&world);
    free(world.oracle);
    arena_free(world.arena);
    test_store_close(world.test);
}

static void run_seeds(enum store_kind kind)
{
    static const uint64_t seeds[] = {1, 2, 3, 20240601, 77777};
    for (size_t i = 0; i < sizeof(seeds) / sizeof(seeds[0]); i++)
        run_seed(kind, seeds[i], 150);
    const char *rounds = getenv("HUITOU_MODEL_ROUNDS"), *first = getenv("HUITOU_MODEL_SEED");
    uint64_t seed = first ? strtoull(first, NULL, 10) : 1000;
    for (int i = 0; rounds && i < atoi(rounds); i++)
        run_seed(kind, seed + (uint64_t)i, 150);
}

static void model_on_sqlite(void **state)
{
    (void)state;
    run_seeds(STORE_SQLITE);
}

static void model_on_postgres(void **state)
{
    (void)state;
    run_seeds(STORE_POSTGRES);
}

/* --- Several threads at once --- */

#define THREAD_COUNT 4
#define THREAD_ROUNDS 25
#define THREAD_BATCH 8
#define SHARED_COUNT 40 /* identities that all threads fight for */

struct answer {
    struct identity_value identity;
    int64_t customer_id;
};

struct worker {
    pthread_t thread;
    struct test_store *test;
    int number;
    int64_t made[THREAD_ROUNDS * THREAD_BATCH];
    struct answer answers[THREAD_ROUNDS * THREAD_BATCH];
    int answer_count;
    enum err_code failed;
};

/* Buyers with one sure identity each, so that the answer must be its owner: half are shared, half
 * the thread's own. */
static void fill_batch(struct worker *worker, struct arena *arena, struct test_random *random,
                       struct customer_buyer *buyers)
{
    for (int i = 0; i < THREAD_BATCH; i++) {
        bool shared = test_random_below(random, 2) == 0;
        int64_t n =
            shared ? test_random_below(random, SHARED_COUNT) : test_random_below(random, 1000);
        struct str value = shared ? str_fmt(arena, "shared-%lld", (long long)n)
                                  : str_fmt(arena, "own-%d-%lld", worker->number, (long long)n);
        buyers[i] = (struct customer_buyer){.identity_count = 1};
        buyers[i].identities[0] = (struct identity_value){
            .kind = IDENTITY_MEMBER_CARD, .issuer = STR(""), .value = value};
        if (test_random_below(random, 4) == 0) {
            buyers[i].identities[1] = (struct identity_value){
                .kind = IDENTITY_PHONE,
                .issuer = STR(""),
                .value = str_fmt(arena, "13900%06lld",
                                 (long long)test_random_below(random, SHARED_COUNT)),
                .weak = true};
            buyers[i].identity_count = 2;
        }
    }
}

static void *work(void *arg)
{
    struct worker *worker = arg;
    struct arena *arena = arena_new("customer worker", (size_t)1 << 30);
    struct test_random random = test_random(900 + (uint64_t)worker->number);
    for (int round = 0; round < THREAD_ROUNDS && !worker->failed; round++) {
        struct customer_buyer *buyers = ARENA_ARRAY(arena, THREAD_BATCH, struct customer_buyer);
        fill_batch(worker, arena, &random, buyers);
        struct move resolve = {.what = RESOLVE, .buyers = buyers, .count = THREAD_BATCH};
        worker->failed = run_in(worker->test->store, arena, &resolve);
        for (int i = 0; i < THREAD_BATCH; i++) {
            worker->answers[worker->answer_count] =
                (struct answer){buyers[i].identities[0], buyers[i].customer_id};
            worker->made[worker->answer_count++] = buyers[i].customer_id;
        }
        int64_t a = worker->made[test_random_below(&random, worker->answer_count)];
        int64_t b = worker->made[test_random_below(&random, worker->answer_count)];
        struct move link = {
            .what = test_random_below(&random, 3) > 0 ? MERGE : SPLIT, .a = a, .b = b};
        enum err_code code = worker->failed ? ERR_NONE : run_in(worker->test->store, arena, &link);
        if (code && code != ERR_CUSTOMER_SAME && code != ERR_CUSTOMER_NOT_MERGED)
            worker->failed = code;
    }
    return arena; /* the answers' values live in it */
}

static const struct err *check_threads(struct tx *tx, void *arg)
{
    const struct worker *workers = arg;
    int64_t faults;
    struct str first;
    TRY(customer_verify(tx, &faults, &first));
    if (faults)
        print_error("%.*s\n", STR_ARG(first));
    assert_int_equal(faults, 0);
    for (int w = 0; w < THREAD_COUNT; w++) {
        for (int i = 0; i < workers[w].answer_count; i++) {
            const struct answer *answer = &workers[w].answers[i];
            struct customer_view *view;
            bool owns = false;
            TRY(customer_view(tx, answer->customer_id, &view));
            for (size_t k = 0; k < view->identity_count; k++)
                owns = owns || (view->identities[k].claimed &&
                                view->identities[k].kind == IDENTITY_MEMBER_CARD &&
                                view->identities[k].customer_id == answer->customer_id &&
                                str_eq(view->identities[k].value, answer->identity.value));
            assert_true(owns); /* whoever asked got the one owner */
        }
    }
    struct customer_scan scan;
    struct customer_scan_row row;
    bool has;
    TRY(customer_scan_open(tx, &scan));
    for (;;) {
        TRY(customer_scan_next(&scan, &row, &has));
        if (!has)
            return NULL;
        struct customer_view *view;
        bool claims = false;
        TRY(customer_view(tx, row.customer_id, &view));
        for (size_t k = 0; k < view->identity_count; k++)
            claims = claims || (view->identities[k].claimed &&
                                view->identities[k].customer_id == row.customer_id);
        assert_true(claims); /* else a ghost */
    }
}

static void threads_on(enum store_kind kind)
{
    struct test_store *test = test_store_open(kind);
    static struct worker workers[THREAD_COUNT];
    memset(workers, 0, sizeof(workers));
    for (int i = 0; i < THREAD_COUNT; i++) {
        workers[i].test = test;
        workers[i].number = i;
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    void *arenas[THREAD_COUNT];
    for (int i = 0; i < THREAD_COUNT; i++)
        pthread_join(workers[i].thread, &arenas[i]);
    for (int i = 0; i < THREAD_COUNT; i++)
        assert_int_equal(workers[i].failed, ERR_NONE);
    test_read(test, check_threads, workers);
    print_message("  %lld retries\n", (long long)store_counters(test->store).retries);
    for (int i = 0; i < THREAD_COUNT; i++)
        arena_free(arenas[i]);
    test_store_close(test);
}

static void threads_on_sqlite(void **state)
{
    (void)state;
    threads_on(STORE_SQLITE);
}

static void threads_on_postgres(void **state)
{
    (void)state;
    threads_on(STORE_POSTGRES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(model_on_sqlite),
        cmocka_unit_test(model_on_postgres),
        cmocka_unit_test(threads_on_sqlite),
        cmocka_unit_test(threads_on_postgres),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
