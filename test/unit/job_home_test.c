/* link: job */
/* The data directory: made whole or not at all, the key kept from others, one writer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "codec/file.h"
#include "job/home.h"

struct place {
    struct arena *arena;
    char base[64];
    struct str directory;
};

static int place_open(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    snprintf(place->base, sizeof place->base, "/tmp/huitou-home-XXXXXX");
    assert_non_null(mkdtemp(place->base));
    place->arena = arena_new("test", (size_t)64 << 20);
    place->directory = str_fmt(place->arena, "%s/brand", place->base);
    *state = place;
    return 0;
}

static int place_close(void **state)
{
    struct place *place = *state;
    static const char *const files[] = {
        "brand/huitou.json",   "brand/master.key", "brand/huitou.db", "brand/huitou.db-wal",
        "brand/huitou.db-shm", "brand/lock",       "brand/notes.txt", "brand/huitou.db-turn",
        "key"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        unlink(str_z(place->arena, str_fmt(place->arena, "%s/%s", place->base, files[i])));
    for (int i = 1; i <= HOME_COMMANDS_MAX; i++)
        unlink(str_z(place->arena, str_fmt(place->arena, "%s/brand/lock.%d", place->base, i)));
    rmdir(str_z(place->arena, str_fmt(place->arena, "%s/brand/tmp", place->base)));
    rmdir(str_z(place->arena, place->directory));
    assert_int_equal(rmdir(place->base), 0);
    arena_free(place->arena);
    free(place);
    return 0;
}

static struct home_create wish(struct place *place)
{
    return (struct home_create){.directory = place->directory,
                                .name = STR("好物"),
                                .currency = STR("CNY"),
                                .time_zone = STR("Asia/Shanghai")};
}

static void must(struct place *place, const struct err *err)
{
    if (err)
        fail_msg("%s", str_z(place->arena, err_text(place->arena, err, LANG_EN)));
}

static void test_create_and_open(void **state)
{
    struct place *place = *state;
    struct home_create create = wish(place);
    must(place, home_create(place->arena, &create));
    struct stat info;
    assert_int_equal(
        stat(str_z(place->arena, str_fmt(place->arena, "%s/brand/master.key", place->base)), &info),
        0);
    assert_int_equal(info.st_mode & 0777, 0600);
    struct home *home;
    must(place, home_open(place->arena, place->directory, HOME_SERVE, &home));
    assert_true(str_eq(home->brand->name, STR("好物")));
    assert_true(str_eq(home->brand->currency, STR("CNY")));
    assert_int_equal(home->brand->currency_digits, 2);
    home_close(home);
}

static void test_create_twice_is_refused(void **state)
{
    struct place *place = *state;
    struct home_create create = wish(place);
    must(place, home_create(place->arena, &create));
    const struct err *err = home_create(place->arena, &create);
    assert_non_null(err);
    assert_int_equal(err->code, ERR_HOME_EXISTS);
    struct home *home;
    must(place, home_open(place->arena, place->directory, HOME_READ, &home));
    home_close(home);
}

static void test_wrong_wishes_leave_nothing(void **state)
{
    struct place *place = *state;
    struct home_create create = wish(place);
    create.currency = STR("XQQ");
    create.time_zone = STR("Mars/Olympus");
    create.name = STR("");
    const struct err *err = home_create(place->arena, &create);
    int count = 0;
    for (const struct err *each = err; each; each = each->next)
        count++;
    assert_int_equal(count, 3);
    assert_false(file_exists(place->arena, place->directory));
}

static void test_foreign_files_are_left_alone(void **state)
{
    struct place *place = *state;
    struct str notes = str_fmt(place->arena, "%s/brand/notes.txt", place->base);
    must(place, file_make_directory(place->arena, place->directory, 0700));
    must(place, file_write(place->arena, notes, STR("mine"), 0600));
    struct home_create create = wish(place);
    const struct err *err = home_create(place->arena, &create);
    assert_non_null(err);
    assert_int_equal(err->code, ERR_HOME_NOT_EMPTY);
    assert_true(file_exists(place->arena, notes));
}

/* What a kill left of a file that was being written goes; a file of the same beginning that is somebody's own stays. */
static void test_left_over_is_swept(void **state)
{
    struct place *place = *state;
    struct str part = str_fmt(place->arena, "%s/brand/removing.json.aB3xY9", place->base);
    struct str own = str_fmt(place->arena, "%s/brand/removing.json.mine.txt", place->base);
    struct home *home;
    must(place, file_make_directory(place->arena, place->directory, 0700));
    must(place, file_write(place->arena, part, STR("{"), 0600));
    must(place, file_write(place->arena, own, STR("mine"), 0600));
    struct home_create create = wish(place);
    const struct err *err = home_create(place->arena, &create);
    assert_non_null(err);
    assert_int_equal(err->code, ERR_HOME_NOT_EMPTY);
    assert_int_equal(unlink(str_z(place->arena, own)), 0);
    must(place, home_create(place->arena, &create));
    assert_false(file_exists(place->arena, part));
    must(place, file_write(place->arena, part, STR("{"), 0600));
    must(place, file_write(place->arena, own, STR("mine"), 0600));
    must(place, home_open(place->arena, place->directory, HOME_WRITE, &home));
    home_close(home);
    assert_true(file_exists(place->arena, part)); /* a command beside a server touches nothing */
    must(place, home_open(place->arena, place->directory, HOME_SERVE, &home));
    home_close(home);
    assert_false(file_exists(place->arena, part));
    assert_int_equal(unlink(str_z(place->arena, own)), 0); /* it was there */
}

static void test_key_that_others_can_read(void **state)
{
    struct place *place = *state;
    struct home_create create = wish(place);
    must(place, home_create(place->arena, &create));
    const char *key =
        str_z(place->arena, str_fmt(place->arena, "%s/brand/master.key", place->base));
    assert_int_equal(chmod(key, 0644), 0);
    struct home *home;
    const struct err *err = home_open(place->arena, place->directory, HOME_READ, &home);
    assert_non_null(err);
    assert_int_equal(err->code, ERR_HOME_KEY_MODE);
    assert_int_equal(chmod(key, 0600), 0);
    must(place, file_write(place->arena, str_c(key), STR("not a key"), 0600));
    err = home_open(place->arena, place->directory, HOME_READ, &home);
    assert_non_null(err);
    assert_int_equal(err->code, ERR_HOME_KEY);
}

static void test_key_from_the_environment(void **state)
{
    struct place *place = *state;
    struct str key = str_fmt(place->arena, "%s/key", place->base);
    setenv("HUITOU_MASTER_KEY_FILE", str_z(place->arena, key), 1);
    struct home_create create = wish(place);
    must(place, home_create(place->arena, &create));
    assert_true(file_exists(place->arena, key));
    assert_false(
        file_exists(place->arena, str_fmt(place->arena, "%s/brand/master.key", place->base)));
    struct home *home;
    must(place, home_open(place->arena, place->directory, HOME_READ, &home));
    home_close(home);
    unsetenv("HUITOU_MASTER_KEY_FILE");
    const struct err *err = home_open(place->arena, place->directory, HOME_READ, &home);
    assert_non_null(err);
    assert_int_equal(err->code, ERR_HOME_KEY);
}

/* A key of another brand must not be used: every identity would be met as a new one. */
static void test_key_of_another_brand(void **state)
{
    struct place *place = *state;
    struct home_create create = wish(place);
    must(place, home_create(place->arena, &create));
    struct str key = str_fmt(place->arena, "%s/brand/master.key", place->base);
    struct buf other = buf_new(place->arena, 100);
    for (int i = 0; i < SECRET_KEY_BYTES; i++)
        buf_str(&other, STR("5a"));
    must(place, file_write(place->arena, key, buf_view(&other), 0600));
    struct home *home;
    const struct err *err = home_open(place->arena, place->directory, HOME_SERVE, &home);
    assert_non_null(err);
    assert_int_equal(err->code, ERR_SETUP_KEY);
}

static void test_one_writer(void **state)
{
    struct place *place = *state;
    struct home_create create = wish(place);
    must(place, home_create(place->arena, &create));
    struct home *writer, *second, *reader;
    must(place, home_open(place->arena, place->directory, HOME_SERVE, &writer));
    const struct err *err = home_open(place->arena, place->directory, HOME_SERVE, &second);
    assert_non_null(err);
    assert_int_equal(err->code, ERR_HOME_LOCKED);
    assert_true(str_eq(err->arg[0], str_fmt(place->arena, "%ld", (long)getpid())));
    must(place, home_open(place->arena, place->directory, HOME_READ, &reader));
    home_close(reader);
    home_close(writer);
    must(place, home_open(place->arena, place->directory, HOME_SERVE, &second));
    home_close(second);
}

/* A server and as many commands as there are places: each makes ids of a node of its own; the next one is refused; who
 * wants to be alone is, too. */
static void test_commands_beside_a_server(void **state)
{
    struct place *place = *state;
    struct home_create create = wish(place);
    must(place, home_create(place->arena, &create));
    struct home *server, *commands[HOME_COMMANDS_MAX], *more;
    int nodes[HOME_COMMANDS_MAX + 1];
    must(place, home_open(place->arena, place->directory, HOME_SERVE, &server));
    nodes[HOME_COMMANDS_MAX] = (int)(id_next(server->deps.ids) >> 12 & ID_NODE_MAX);
    for (int i = 0; i < HOME_COMMANDS_MAX; i++) {
        must(place, home_open(place->arena, place->directory, HOME_WRITE, &commands[i]));
        nodes[i] = (int)(id_next(commands[i]->deps.ids) >> 12 & ID_NODE_MAX);
    }
    for (int i = 0; i <= HOME_COMMANDS_MAX; i++)
        for (int k = 0; k < i; k++)
            assert_int_not_equal(nodes[i], nodes[k]);
    const struct err *err = home_open(place->arena, place->directory, HOME_WRITE, &more);
    assert_non_null(err);
    assert_int_equal(err->code, ERR_HOME_COMMANDS);
    int node = nodes[2];
    home_close(commands[2]);
    must(place, home_open(place->arena, place->directory, HOME_WRITE, &more));
    assert_int_equal((int)(id_next(more->deps.ids) >> 12 & ID_NODE_MAX), node); /* the place keeps its number */
    home_close(server);
    int applied;
    err = home_migrate(place->arena, place->directory, &applied);
    assert_non_null(err);
    assert_int_equal(err->code, ERR_HOME_LOCKED);
    home_close(more);
    for (int i = 0; i < HOME_COMMANDS_MAX; i++)
        if (i != 2)
            home_close(commands[i]);
    must(place, home_migrate(place->arena, place->directory, &applied));
}

static void test_no_brand_here(void **state)
{
    struct place *place = *state;
    struct home *home;
    const struct err *err = home_open(place->arena, place->directory, HOME_READ, &home);
    assert_non_null(err);
    assert_int_equal(err->code, ERR_HOME_MISSING);
}

#define PLACE_TEST(fn) cmocka_unit_test_setup_teardown(fn, place_open, place_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(test_create_and_open),
        PLACE_TEST(test_create_twice_is_refused),
        PLACE_TEST(test_wrong_wishes_leave_nothing),
        PLACE_TEST(test_foreign_files_are_left_alone),
        PLACE_TEST(test_left_over_is_swept),
        PLACE_TEST(test_key_that_others_can_read),
        PLACE_TEST(test_key_from_the_environment),
        PLACE_TEST(test_key_of_another_brand),
        PLACE_TEST(test_one_writer),
        PLACE_TEST(test_commands_beside_a_server),
        PLACE_TEST(test_no_brand_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
