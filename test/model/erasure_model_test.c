/* link: room_customer test_support */
/* Random consents, merges, splits and erasures against a naive oracle of plain arrays, on both databases; then the log of
 * erasures replayed into a store in which nobody was erased. HUITOU_MODEL_ROUNDS=n runs n more seeds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "room/customer/customer.h"
#include "support/test_store.h"

#define VALUES 24
#define BIRTHS 400
#define ROWS 6000
#define STEPS 260

struct birth {
    int64_t id;
    int parent; /* -1: none */
    bool erased;
    int value; /* the member card that it was born with */
};
struct row {
    int birth, purpose, channel;
    bool given, has_evidence;
    int64_t at_us;
    int said; /* counts what was said */
};
struct oracle {
    struct birth births[BIRTHS];
    int birth_count;
    int owner[VALUES]; /* birth; -1: nobody */
    int64_t value_erased_us[VALUES];
    struct row rows[ROWS];
    int row_count, said;
};

/* --- One step in a transaction --- */

enum what { MEET, MERGE, SPLIT, SAY, ERASE, SEE, ASK, VERIFY };
struct step {
    enum what what;
    struct customer_buyer buyer;
    struct customer_buyer *buyer_at;
    int64_t a, b, erased_us, faults;
    struct consent told;
    struct str typed, first_fault;
    enum err_code code; /* of what may be refused */
    struct customer_view *view;
    struct consent *consents;
    size_t consent_count, found_count;
    int64_t *found;
    bool any;
};

static const struct err *refusable(struct step *step, const struct err *err)
{
    step->code = err ? err->code : ERR_NONE;
    return NULL;
}

static const struct err *run_step(struct tx *tx, void *arg)
{
    struct step *step = arg;
    struct erased erased;
    switch (step->what) {
    case MEET:
        return customer_resolve_many(tx, &step->buyer, 1);
    case MERGE:
        return refusable(step, customer_merge(tx, step->a, step->b, STR("tester")));
    case SPLIT:
        return refusable(step, customer_split(tx, step->a, STR("tester")));
    case SAY:
        return refusable(step, customer_consent_set(tx, step->a, &step->told, STR("tester")));
    case ERASE:
        return refusable(step, customer_erase(tx, step->a, step->typed, STR("tester"), &erased));
    case SEE:
        TRY(customer_find(tx, step->typed, 20, &step->found, &step->found_count));
        TRY(customer_view(tx, step->a, &step->view));
        return customer_consents(tx, step->view->customer_id, &step->consents, &step->consent_count);
    case ASK:
        return customer_buyers_erased(tx, &step->buyer_at, 1, &step->erased_us, &step->any);
    default:
        return customer_verify(tx, &step->faults, &step->first_fault);
    }
}

/* --- The oracle --- */

static int root_of(const struct oracle *o, int birth)
{
    while (o->births[birth].parent >= 0)
        birth = o->births[birth].parent;
    return birth;
}

static bool below(const struct oracle *o, int birth, int top)
{
    for (; birth >= 0; birth = o->births[birth].parent)
        if (birth == top)
            return true;
    return false;
}

static int index_of(const struct oracle *o, int64_t id)
{
    for (int i = 0; i < o->birth_count; i++)
        if (o->births[i].id == id)
            return i;
    return -1;
}

static const struct row *newest(const struct oracle *o, int root, int purpose, int channel)
{
    const struct row *best = NULL;
    for (int i = 0; i < o->row_count; i++) {
        const struct row *row = &o->rows[i];
        bool fits = row->channel == channel || row->channel == CONSENT_BY_ANY;
        if (root_of(o, row->birth) != root || row->purpose != purpose || !fits)
            continue;
        if (!best || row->at_us > best->at_us || (row->at_us == best->at_us && row->said > best->said))
            best = row;
    }
    return best;
}

static struct identity_value card(struct arena *arena, int value)
{
    return (struct identity_value){.kind = IDENTITY_MEMBER_CARD,
                                   .issuer = STR(""),
                                   .value = str_fmt(arena, "card-%d", value)};
}

/* --- Steps, taken by both --- */

static void meet(struct test_store *test, struct oracle *o, int value)
{
    struct step step = {.what = MEET,
                        .buyer = {.identity_count = 1, .name = STR("某人"), .met_at_us = test->now_us}};
    step.buyer.identities[0] = card(test->arena, value);
    test_write(test, run_step, &step);
    if (o->owner[value] >= 0) {
        assert_int_equal(step.buyer.customer_id, o->births[o->owner[value]].id);
        return;
    }
    assert_true(step.buyer.created);
    assert_true(o->birth_count < BIRTHS);
    o->owner[value] = o->birth_count;
    o->births[o->birth_count++] = (struct birth){step.buyer.customer_id, -1, false, value};
}

static void merge(struct test_store *test, struct oracle *o, int a, int b)
{
    struct step step = {.what = MERGE, .a = o->births[a].id, .b = o->births[b].id};
    int from = root_of(o, a), into = root_of(o, b);
    test_write(test, run_step, &step);
    enum err_code wanted = from == into ? ERR_CUSTOMER_SAME : ERR_NONE;
    if (from != into && (o->births[from].erased || o->births[into].erased))
        wanted = ERR_CUSTOMER_ERASED;
    assert_int_equal(step.code, wanted);
    if (wanted == ERR_NONE)
        o->births[from].parent = into;
}

static void split(struct test_store *test, struct oracle *o, int a)
{
    struct step step = {.what = SPLIT, .a = o->births[a].id};
    test_write(test, run_step, &step);
    assert_int_equal(step.code, o->births[a].parent < 0 ? ERR_CUSTOMER_NOT_MERGED : ERR_NONE);
    o->births[a].parent = -1;
}

static void say(struct test_store *test, struct oracle *o, struct test_random *random, int a)
{
    int purpose = 1 + (int)test_random_below(random, CONSENT_PURPOSE_MAX - 1);
    bool apart = consent_has_channels((enum consent_purpose)purpose);
    int channel = apart ? (int)test_random_below(random, CONSENT_CHANNEL_MAX) : 0;
    bool given = test_random_below(random, 2) == 0;
    /* now and then of the same moment, or long ago */
    int64_t at_us = test->now_us - test_random_below(random, 4) * US_PER_DAY;
    struct step step = {.what = SAY,
                        .a = o->births[a].id,
                        .told = {.purpose = (enum consent_purpose)purpose,
                                 .channel = (enum consent_channel)channel,
                                 .given = given,
                                 .how = CONSENT_HOW_FORM,
                                 .evidence = given ? STR("seen") : STR_NONE,
                                 .occurred_at_us = at_us}};
    int root = root_of(o, a);
    test_write(test, run_step, &step);
    assert_int_equal(step.code, o->births[root].erased ? ERR_CUSTOMER_ERASED : ERR_NONE);
    if (step.code != ERR_NONE)
        return;
    o->said++;
    for (int i = 0; i < o->birth_count; i++) {
        bool theirs = given ? i == root : root_of(o, i) == root;
        assert_true(o->row_count < ROWS);
        if (theirs)
            o->rows[o->row_count++] =
                (struct row){i, purpose, channel, given, given, at_us, o->said};
    }
}

static void erase(struct test_store *test, struct oracle *o, int a)
{
    int root = root_of(o, a);
    struct step step = {.what = ERASE,
                        .a = o->births[a].id,
                        .typed = str_fmt(test->arena, "%lld", (long long)o->births[root].id)};
    test_write(test, run_step, &step);
    assert_int_equal(step.code, o->births[root].erased ? ERR_CUSTOMER_ERASED : ERR_NONE);
    if (step.code != ERR_NONE)
        return;
    for (int i = 0; i < o->birth_count; i++) {
        if (root_of(o, i) != root)
            continue;
        o->births[i].erased = true;
        int value = o->births[i].value;
        if (o->owner[value] == i) {
            o->owner[value] = -1;
            o->value_erased_us[value] = test->now_us;
        }
    }
    for (int i = 0; i < o->row_count; i++)
        if (o->births[o->rows[i].birth].erased)
            o->rows[i].has_evidence = false;
}

/* --- What must hold --- */

static void check_person(struct test_store *test, const struct oracle *o, int a)
{
    struct step step = {.what = SEE, .a = o->births[a].id};
    int root = root_of(o, a), value = o->births[a].value, members = 0;
    step.typed = card(test->arena, value).value;
    struct store_job job = {.name = "see", .fn = run_step, .arg = &step};
    assert_null(store_read(test->store, test->arena, &job));
    int owner = o->owner[value];
    assert_int_equal(step.found_count, owner >= 0 ? 1 : 0);
    if (owner >= 0)
        assert_int_equal(step.found[0], o->births[root_of(o, owner)].id);
    assert_int_equal(step.view->customer_id, o->births[root].id);
    assert_int_equal(step.view->erased, o->births[root].erased);
    for (int i = 0; i < o->birth_count; i++)
        members += below(o, i, root);
    assert_int_equal(step.view->member_count, members);
    if (o->births[root].erased)
        assert_true(!step.view->name.p && step.view->identity_count == 0);
    for (int p = 1; p < CONSENT_PURPOSE_MAX; p++) {
        for (int c = 0; c < CONSENT_CHANNEL_MAX; c++) {
            const struct row *wanted = newest(o, root, p, c);
            const struct consent *got = consent_newest(step.consents, step.consent_count,
                                                       (enum consent_purpose)p, (enum consent_channel)c);
            assert_int_equal(got != NULL, wanted != NULL);
            if (!got)
                continue;
            assert_int_equal(got->given, wanted->given);
            assert_int_equal(got->occurred_at_us, wanted->at_us);
            assert_int_equal(got->evidence.p != NULL, wanted->has_evidence);
        }
    }
}

static void check_value(struct test_store *test, const struct oracle *o, int value)
{
    struct customer_buyer buyer = {.identity_count = 1};
    struct step step = {.what = ASK, .buyer_at = &buyer};
    buyer.identities[0] = card(test->arena, value);
    test_read(test, run_step, &step);
    assert_int_equal(step.erased_us, o->value_erased_us[value]);
}

static void check_all(struct test_store *test, const struct oracle *o)
{
    for (int i = 0; i < o->birth_count; i++)
        check_person(test, o, i);
    for (int i = 0; i < VALUES; i++)
        check_value(test, o, i);
    struct step step = {.what = VERIFY};
    struct store_job job = {.name = "verify", .fn = run_step, .arg = &step};
    assert_null(store_read(test->store, test->arena, &job));
    if (step.faults)
        fail_msg("verify: %.*s", STR_ARG(step.first_fault));
}

static struct oracle *oracle_new(struct arena *arena)
{
    struct oracle *o = ARENA_NEW(arena, struct oracle);
    for (int i = 0; i < VALUES; i++) {
        o->owner[i] = -1;
        o->value_erased_us[i] = INT64_MIN;
    }
    return o;
}

static void one_step(struct test_store *test, struct oracle *o, struct test_random *random)
{
    test->now_us += US_PER_SECOND;
    int64_t dice = test_random_below(random, 100);
    if (o->birth_count < 4 || dice < 25) {
        meet(test, o, (int)test_random_below(random, VALUES));
        return;
    }
    int a = (int)test_random_below(random, o->birth_count);
    int b = (int)test_random_below(random, o->birth_count);
    if (dice < 45)
        merge(test, o, a, b);
    else if (dice < 58)
        split(test, o, a);
    else if (dice < 94)
        say(test, o, random, a);
    else
        erase(test, o, a);
}

/* A birth that is erased again, in a store in which nobody was: as after a restore. */
static void check_replay(struct test_store *test, struct oracle *o)
{
    struct erasure_replayed replayed;
    char folder[] = "/tmp/erasure_model.XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct str directory = str_c(folder), path = str_fmt(test->arena, "%s/" ERASURE_LOG_NAME, folder);
    assert_null(erasure_log_settle(test->store, test->arena, directory));
    assert_null(erasure_log_settle(test->store, test->arena, directory)); /* adds nothing */
    int victim = -1;
    test->now_us += US_PER_SECOND;
    for (int i = 0; i < VALUES && victim < 0; i++)
        if (o->owner[i] >= 0 && o->births[o->owner[i]].parent < 0)
            victim = o->owner[i];
    assert_true(victim >= 0);
    struct erasure_entry entry = {.erasure_id = 77,
                                  .customer_id = o->births[victim].id,
                                  .erased_at_us = test->now_us,
                                  .by = STR("before"),
                                  .births = ARENA_ARRAY(test->arena, BIRTHS, int64_t)};
    for (int i = 0; i < o->birth_count; i++)
        if (root_of(o, i) == victim)
            entry.births[entry.birth_count++] = o->births[i].id;
    entry.births[entry.birth_count++] = 12345; /* not in this store */
    assert_null(erasure_log_append(test->arena, path, &entry));
    FILE *torn = fopen(folder[0] ? str_z(test->arena, path) : "", "a");
    assert_non_null(torn);
    fputs("\n{\"erasure_id\":\"9", torn);
    fclose(torn);
    assert_null(erasure_replay(test->store, test->arena, path, &replayed));
    assert_int_equal(replayed.erasures, 1);
    assert_int_equal(replayed.births, entry.birth_count - 1);
    assert_int_equal(replayed.unreadable_lines, 1);
    assert_null(erasure_replay(test->store, test->arena, path, &replayed));
    assert_int_equal(replayed.erasures, 0);
    for (int i = 0; i < o->birth_count; i++) {
        if (root_of(o, i) != victim)
            continue;
        o->births[i].erased = true;
        if (o->owner[o->births[i].value] == i) {
            o->owner[o->births[i].value] = -1;
            o->value_erased_us[o->births[i].value] = test->now_us;
        }
    }
    for (int i = 0; i < o->row_count; i++)
        if (o->births[o->rows[i].birth].erased)
            o->rows[i].has_evidence = false;
    check_all(test, o);
    unlink(str_z(test->arena, path));
    assert_int_equal(rmdir(folder), 0);
}

static void run_seed(enum store_kind kind, uint64_t seed)
{
    struct test_store *test = test_store_open(kind);
    struct test_random random = test_random(seed);
    struct oracle *o = oracle_new(test->arena);
    for (int i = 0; i < STEPS; i++) {
        one_step(test, o, &random);
        if (i % 20 == 19)
            check_all(test, o);
    }
    check_replay(test, o);
    assert_true(index_of(o, o->births[0].id) == 0);
    test_store_close(test);
}

static void run_kind(enum store_kind kind)
{
    const char *more = getenv("HUITOU_MODEL_ROUNDS");
    int rounds = 3 + (more ? atoi(more) : 0);
    for (int seed = 1; seed <= rounds; seed++)
        run_seed(kind, (uint64_t)seed);
}

static void test_sqlite(void **state)
{
    (void)state;
    run_kind(STORE_SQLITE);
}

static void test_postgres(void **state)
{
    (void)state;
    run_kind(STORE_POSTGRES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sqlite), cmocka_unit_test(test_postgres)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
