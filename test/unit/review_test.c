/* link: job */
/* The review of security, judged: each condition, made alone in facts that are all good, changes the state of its own point
 * and of no other. The conditions and states are those of the page's description (docs/operations.md, "The review"). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "job/review.h"

#define DAY_US (24ll * 3600 * 1000000)
#define NOW_US (20000 * DAY_US)

static struct review_facts all_good(void)
{
    return (struct review_facts){
        .now_us = NOW_US,
        .address = STR("127.0.0.1"),
        .loopback = true,
        .directory_mode = 0700,
        .key_mode = 0600,
        .database_mode = 0600,
        .disk_free_bytes = 50ll << 30,
        .disk_bytes = 100ll << 30,
        .store = {.version = STR("3.40.1"), .tls_mode = STR("")},
        .access = {.people = 5, .owners = 2, .keys = 2, .sessions = 5},
        .backup_made_at_us = some_i64(NOW_US - DAY_US / 2),
        .backup_restored_at_us = some_i64(NOW_US - 30 * DAY_US),
        .backup_on_other_place = true,
    };
}

static enum review_state state_of(const struct review_point *points, int count, const char *check)
{
    for (int i = 0; i < count; i++)
        if (strcmp(points[i].check, check) == 0)
            return points[i].state;
    fail_msg("no point %s", check);
    return REVIEW_GOOD;
}

/* All points but `check` are good, and that is in this state; both languages say why. */
static void expect(const struct review_facts *facts, const char *check, enum review_state state)
{
    struct arena *arena = arena_new("test", 1 << 20);
    struct review_point points[REVIEW_POINTS_MAX];
    for (int lang = 0; lang < LANG_MAX; lang++) {
        int count = review_judge(arena, facts, (enum lang)lang, points);
        assert_true(count > 10);
        for (int i = 0; i < count; i++) {
            bool own = check && strcmp(points[i].check, check) == 0;
            if (points[i].state != (own ? state : REVIEW_GOOD))
                fail_msg("%s is %d while %s is looked at", points[i].check, (int)points[i].state, check ? check : "none");
            assert_true(str_is(points[i].title) && str_is(points[i].finding) && str_is(points[i].why));
            assert_int_equal(str_is(points[i].what_to_do), points[i].state != REVIEW_GOOD);
            assert_true(str_is_utf8(points[i].finding));
        }
        if (check)
            assert_int_equal(state_of(points, count, check), state);
    }
    arena_free(arena);
}

static void test_all_good(void **state)
{
    (void)state;
    struct review_facts facts = all_good();
    expect(&facts, NULL, REVIEW_GOOD);
    facts.behind_proxy = true;
    expect(&facts, NULL, REVIEW_GOOD);
    facts = all_good();
    facts.postgres = true;
    facts.database_mode = 0;
    expect(&facts, NULL, REVIEW_GOOD);
    facts.store.remote = facts.store.encrypted = true;
    facts.store.tls_mode = STR("verify-full");
    expect(&facts, NULL, REVIEW_GOOD);
    facts = all_good();
    facts.disk_bytes = facts.disk_free_bytes = 0; /* not known */
    expect(&facts, NULL, REVIEW_GOOD);
}

#define EXPECT(change, check, wanted)          \
    do {                                       \
        struct review_facts facts = all_good(); \
        change;                                \
        expect(&facts, check, wanted);         \
    } while (0)

static void test_each_condition(void **state)
{
    (void)state;
    EXPECT((facts.loopback = false, facts.address = STR("0.0.0.0")), "listening", REVIEW_ACT);
    EXPECT(facts.runs_as_root = true, "system_user", REVIEW_ATTEND);
    EXPECT(facts.directory_mode = 0750, "directory_mode", REVIEW_ACT);
    EXPECT(facts.directory_mode = 0701, "directory_mode", REVIEW_ACT);
    EXPECT(facts.database_mode = 0640, "database_mode", REVIEW_ACT);
    EXPECT(facts.key_mode = 0604, "key_mode", REVIEW_ACT);
    EXPECT(facts.key_beside_data = true, "key_place", REVIEW_ATTEND);
    EXPECT(facts.disk_free_bytes = 10ll << 30, "disk", REVIEW_ATTEND);
    EXPECT(facts.disk_free_bytes = 1ll << 29, "disk", REVIEW_ACT);
    EXPECT((facts.postgres = facts.store.remote = true), "database_connection", REVIEW_ACT);
    EXPECT((facts.postgres = facts.store.remote = facts.store.encrypted = true, facts.store.tls_mode = STR("require")),
           "database_connection", REVIEW_ATTEND);
    EXPECT(facts.access.owners = 1, "owners", REVIEW_ATTEND);
    EXPECT(facts.access.people_unseen = 1, "staff_unseen", REVIEW_ATTEND);
    EXPECT(facts.access.sessions = 21, "sessions", REVIEW_ATTEND);
    EXPECT(facts.access.keys_unused = 1, "keys_unused", REVIEW_ATTEND);
    EXPECT(facts.access.keys_old = 1, "keys_old", REVIEW_ATTEND);
    EXPECT(facts.backup_made_at_us.v = NOW_US - 3 * DAY_US, "backup_age", REVIEW_ATTEND);
    EXPECT(facts.backup_made_at_us.v = NOW_US - 9 * DAY_US, "backup_age", REVIEW_ACT);
    EXPECT(facts.backup_made_at_us.set = false, "backup_age", REVIEW_ACT);
    EXPECT(facts.backup_on_other_place = false, "backup_place", REVIEW_ATTEND);
    EXPECT(facts.backup_restored_at_us.set = false, "backup_drill", REVIEW_ATTEND);
    EXPECT(facts.backup_restored_at_us.v = NOW_US - 100 * DAY_US, "backup_drill", REVIEW_ATTEND);
}

/* A proxy that others can pass by is worse than none; listening is wrong then, too. */
static void test_proxy_passed_by(void **state)
{
    (void)state;
    struct arena *arena = arena_new("test", 1 << 20);
    struct review_point points[REVIEW_POINTS_MAX];
    struct review_facts facts = all_good();
    facts.loopback = false;
    facts.behind_proxy = true;
    int count = review_judge(arena, &facts, LANG_EN, points);
    assert_int_equal(state_of(points, count, "proxy"), REVIEW_ACT);
    assert_int_equal(state_of(points, count, "listening"), REVIEW_ACT);
    facts.behind_proxy = false;
    count = review_judge(arena, &facts, LANG_EN, points);
    assert_int_equal(state_of(points, count, "proxy"), REVIEW_GOOD);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_good),
        cmocka_unit_test(test_each_condition),
        cmocka_unit_test(test_proxy_passed_by),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
