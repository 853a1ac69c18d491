/* link: room_access test_support */
/* Sessions, keys and failed logins as time goes by, on both databases, with the clock moved by hand:
 * what ends when (the times are those that access.h promises), and what is removed. What they look
 * like from outside: test/http/access_test.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/arena.h"
#include "room/access/access_part.h"
#include "support/test_store.h"

#define MINUTE_US (60ll * 1000000)
#define HOUR_US (60 * MINUTE_US)
#define PASSWORD STR("a long sentence about tea")

static const struct endpoint log_in = {.name = "logIn", .flags = ENDPOINT_PUBLIC | ENDPOINT_WRITE};

struct fixture {
    struct test_store *test;
    struct service service;
};

struct person {
    struct staff_new wanted;
    struct str hash;
    int64_t staff_id;
};

static const struct err *make_person(struct tx *tx, void *arg)
{
    struct person *person = arg;
    return staff_create(tx, &person->wanted, person->hash, &person->staff_id);
}

static int64_t add_person(struct fixture *f, struct str login)
{
    struct person person = {
        .wanted = {.login = login, .name = login, .password = PASSWORD, .role = ROLE_OPERATOR}};
    person.hash = staff_password_hash(&f->service, f->test->arena, PASSWORD);
    test_write(f->test, make_person, &person);
    return person.staff_id;
}

static void begin(struct fixture *f, enum store_kind kind)
{
    f->test = test_store_open(kind);
    memset(&f->service, 0, sizeof(f->service));
    f->service.store = f->test->store;
    f->service.deps = *store_deps(f->test->store);
    password_gate_init(&f->service.passwords);
}

/* A login from an address; the session's token where it is let in. device: a cookie's value, absent: none. */
static const struct err *try_login(struct fixture *f, struct str login, struct str password,
                                   struct str address, struct str device, struct str *token)
{
    struct call call = {.arena = f->test->arena,
                        .service = &f->service,
                        .endpoint = &log_in,
                        .now_us = f->test->now_us,
                        .address = address,
                        .device_token = device};
    struct principal principal;
    return access_login(&call, login, password, token, &principal);
}

static struct str logged_in(struct fixture *f, struct str login)
{
    struct str token;
    assert_null(try_login(f, login, PASSWORD, STR("192.0.2.1"), STR_NONE, &token));
    return token;
}

static enum err_code asks(struct fixture *f, struct str token)
{
    struct access_claim claim = {.session_token = token, .address = STR("192.0.2.1")};
    struct principal principal;
    const struct err *err =
        access_principal(&f->service, f->test->arena, &claim, false, &principal);
    assert_true(err || principal.kind == PRINCIPAL_STAFF);
    return err ? err->code : ERR_NONE;
}

static enum err_code fails(struct fixture *f, const char *login, const char *address,
                           struct str device)
{
    struct str token;
    const struct err *err =
        try_login(f, str_c(login), STR("wrong"), str_c(address), device, &token);
    assert_non_null(err);
    return err->code;
}

/* --- Sessions --- */

static void check_idle_and_absolute_end(enum store_kind kind)
{
    struct fixture f;
    begin(&f, kind);
    add_person(&f, STR("anna"));
    struct str token = logged_in(&f, STR("anna"));
    f.test->now_us += 12 * HOUR_US - 1;
    assert_int_equal(asks(&f, token), ERR_NONE); /* its use is noted: twelve hours more */
    f.test->now_us += 12 * HOUR_US - 1;
    assert_int_equal(asks(&f, token), ERR_NONE);
    f.test->now_us += 12 * HOUR_US;
    assert_int_equal(asks(&f, token), ERR_ACCESS_SESSION_OVER);
    token = logged_in(&f, STR("anna"));
    for (int i = 0; i < 7 * 24 / 4 - 1; i++) { /* used every four hours */
        f.test->now_us += 4 * HOUR_US;
        assert_int_equal(asks(&f, token), ERR_NONE);
    }
    f.test->now_us += 4 * HOUR_US - 1;
    assert_int_equal(asks(&f, token), ERR_NONE); /* a microsecond before its seven days are over */
    f.test->now_us += 1;
    assert_int_equal(asks(&f, token), ERR_ACCESS_SESSION_OVER);
    test_store_close(f.test);
}

/* --- Failed logins --- */

static void check_account_waits(enum store_kind kind)
{
    struct fixture f;
    struct str token;
    begin(&f, kind);
    add_person(&f, STR("anna"));
    add_person(&f, STR("berta"));
    for (int i = 0; i < 5; i++) {
        f.test->now_us += MINUTE_US;
        assert_int_equal(fails(&f, "anna", "192.0.2.1", STR_NONE), ERR_LOGIN_WRONG);
    }
    /* The window began with the first failure, four minutes ago: eleven are left. */
    const struct err *err =
        try_login(&f, STR("anna"), PASSWORD, STR("192.0.2.2"), STR_NONE, &token);
    assert_int_equal(err->code, ERR_LOGIN_WAIT);
    assert_true(str_eq(err->arg[0], STR("661")));
    assert_null(try_login(&f, STR(" Berta "), PASSWORD, STR("192.0.2.1"), STR_NONE, &token));
    /* Who goes on trying does not lengthen it. */
    for (int i = 0; i < 20; i++)
        assert_int_equal(fails(&f, "anna", "192.0.2.3", STR_NONE), ERR_LOGIN_WAIT);
    f.test->now_us += 11 * MINUTE_US + 1;
    assert_null(try_login(&f, STR("anna"), PASSWORD, STR("192.0.2.2"), STR_NONE, &token));
    /* A good login forgets what failed. */
    for (int i = 0; i < 5; i++)
        assert_int_equal(fails(&f, "anna", "192.0.2.1", STR_NONE), ERR_LOGIN_WRONG);
    assert_int_equal(fails(&f, "anna", "192.0.2.1", STR_NONE), ERR_LOGIN_WAIT);
    test_store_close(f.test);
}

static struct str device_of_login(struct fixture *f, struct str login)
{
    struct call call = {.arena = f->test->arena, .service = &f->service, .endpoint = &log_in};
    struct str rest, cookie = access_device_cookie(&call, login);
    assert_true(str_starts(cookie, STR(ACCESS_DEVICE_COOKIE "=")));
    return str_slice(str_cut(cookie, ';', &rest), STR(ACCESS_DEVICE_COOKIE "=").n, cookie.n);
}

/* Somebody who fails all day cannot keep out who came before. */
static void check_device_is_let_in(enum store_kind kind)
{
    struct fixture f;
    struct str token;
    begin(&f, kind);
    add_person(&f, STR("anna"));
    add_person(&f, STR("berta"));
    struct str device = device_of_login(&f, STR("anna"));
    struct str value = str_cut(device, ';', &token);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 6; i++)
            fails(&f, "anna", "198.51.100.1", STR_NONE);
        assert_null(try_login(&f, STR("ANNA"), PASSWORD, STR("192.0.2.1"), value, &token));
        assert_int_equal(
            try_login(&f, STR("anna"), PASSWORD, STR("192.0.2.1"), STR_NONE, &token)->code,
            ERR_LOGIN_WAIT);
        f.test->now_us += 15 * MINUTE_US + 1;
    }
    /* It lets in nobody by itself, and its own failures count. */
    for (int i = 0; i < 5; i++)
        assert_int_equal(fails(&f, "anna", "192.0.2.1", value), ERR_LOGIN_WRONG);
    assert_int_equal(try_login(&f, STR("anna"), PASSWORD, STR("192.0.2.1"), value, &token)->code,
                     ERR_LOGIN_WAIT);
    /* Nor is it known to another account, nor when it was altered. */
    for (int i = 0; i < 6; i++)
        fails(&f, "berta", "198.51.100.1", STR_NONE);
    assert_int_equal(try_login(&f, STR("berta"), PASSWORD, STR("192.0.2.1"), value, &token)->code,
                     ERR_LOGIN_WAIT);
    test_store_close(f.test);
}

static void check_address_waits(enum store_kind kind)
{
    struct fixture f;
    struct str token;
    begin(&f, kind);
    add_person(&f, STR("anna"));
    for (int i = 0; i < 30; i++) {
        struct str login = str_fmt(f.test->arena, "guess-%d", i);
        const struct err *err =
            try_login(&f, login, STR("x"), STR("2001:db8::1"), STR_NONE, &token);
        assert_int_equal(err->code, ERR_LOGIN_WRONG);
    }
    /* The same network of 64 bits, and its neighbour. */
    assert_int_equal(
        try_login(&f, STR("anna"), PASSWORD, STR("2001:db8::ffff:1"), STR_NONE, &token)->code,
        ERR_LOGIN_WAIT);
    assert_null(
        try_login(&f, STR("anna"), PASSWORD, STR("2001:db8:0:1::1"), STR_NONE, &token));
    f.test->now_us += 15 * MINUTE_US + 1;
    assert_null(try_login(&f, STR("anna"), PASSWORD, STR("2001:db8::1"), STR_NONE, &token));
    test_store_close(f.test);
}

/* --- What is over is removed --- */

static void check_sweep(enum store_kind kind)
{
    struct fixture f;
    begin(&f, kind);
    add_person(&f, STR("anna"));
    struct str old = logged_in(&f, STR("anna"));
    fails(&f, "nobody", "192.0.2.9", STR_NONE);
    f.test->now_us += 6 * 24 * HOUR_US;
    struct str young = logged_in(&f, STR("anna"));
    f.test->now_us += 2 * 24 * HOUR_US; /* the first is over by age, the second by idleness */
    struct str now = logged_in(&f, STR("anna"));
    f.test->now_us += 6 * MINUTE_US; /* its use is noted, and whoever does that sweeps */
    assert_int_equal(asks(&f, now), ERR_NONE);
    assert_true(f.service.swept_at_us == f.test->now_us);
    assert_int_equal(asks(&f, old), ERR_ACCESS_SESSION_OVER);
    assert_int_equal(asks(&f, young), ERR_ACCESS_SESSION_OVER);
    f.test->now_us += 30 * MINUTE_US;
    assert_int_equal(asks(&f, now), ERR_NONE);
    assert_true(f.service.swept_at_us == f.test->now_us - 30 * MINUTE_US); /* not so soon */
    test_store_close(f.test);
}

#define BOTH(check)                                                                               \
    static void check##_sqlite(void **state)                                                       \
    {                                                                                              \
        (void)state;                                                                               \
        check(STORE_SQLITE);                                                                       \
    }                                                                                              \
    static void check##_postgres(void **state)                                                     \
    {                                                                                              \
        (void)state;                                                                               \
        check(STORE_POSTGRES);                                                                     \
    }
BOTH(check_idle_and_absolute_end)
BOTH(check_account_waits)
BOTH(check_device_is_let_in)
BOTH(check_address_waits)
BOTH(check_sweep)

int main(void)
{
    secret_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_idle_and_absolute_end_sqlite),
        cmocka_unit_test(check_idle_and_absolute_end_postgres),
        cmocka_unit_test(check_account_waits_sqlite),
        cmocka_unit_test(check_account_waits_postgres),
        cmocka_unit_test(check_device_is_let_in_sqlite),
        cmocka_unit_test(check_device_is_let_in_postgres),
        cmocka_unit_test(check_address_waits_sqlite),
        cmocka_unit_test(check_address_waits_postgres),
        cmocka_unit_test(check_sweep_sqlite),
        cmocka_unit_test(check_sweep_postgres),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
