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
#include <time.h>

#include "base/arena.h"
#include "room/access/access_part.h"
#include "sql_access.h"
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

struct entry {
    int64_t staff_id;
    struct str token;
    bool blocks;
};

static const struct err *enter(struct tx *tx, void *arg)
{
    const struct entry *entry = arg;
    struct staff_change change = {
        .name = STR("anna"), .role = ROLE_OPERATOR, .blocked = entry->blocks};
    TRY(staff_change(tx, entry->staff_id, &change));
    return access_session_new(tx, entry->staff_id, entry->token);
}

/* Whose password was looked at just before they were blocked gets a session, and is out all the same. */
static void check_blocked_while_logging_in(enum store_kind kind)
{
    struct fixture f;
    begin(&f, kind);
    struct entry entry = {.staff_id = add_person(&f, STR("anna")), .token = STR("one")};
    test_write(f.test, enter, &entry);
    assert_int_equal(asks(&f, STR("one")), ERR_NONE);
    entry = (struct entry){entry.staff_id, STR("two"), true};
    test_write(f.test, enter, &entry);
    assert_int_equal(asks(&f, STR("two")), ERR_ACCESS_SESSION_OVER);
    test_store_close(f.test);
}

/* --- Failed logins --- */

static int64_t cpu_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* The work, not the time, that a login costs: nothing tells whether somebody has that name. Hashing is nearly all of it, so
 * that a quarter is left only where it was done in earnest. */
static void check_nobody_costs_as_much(enum store_kind kind)
{
    struct fixture f;
    begin(&f, kind);
    add_person(&f, STR("anna"));
    int64_t began_us = cpu_us();
    assert_int_equal(fails(&f, "anna", "192.0.2.1", STR_NONE), ERR_LOGIN_WRONG);
    int64_t wrong_us = cpu_us() - began_us;
    began_us = cpu_us();
    assert_int_equal(fails(&f, "nobody", "192.0.2.1", STR_NONE), ERR_LOGIN_WRONG);
    int64_t nobody_us = cpu_us() - began_us;
    assert_true(nobody_us > wrong_us / 4 && wrong_us > nobody_us / 4);
    test_store_close(f.test);
}

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
    /* Nor is one known to another account, nor when it was altered or made up; none of these has failed itself. */
    for (int i = 0; i < 6; i++)
        fails(&f, "berta", "198.51.100.1", STR_NONE);
    struct str annas = device_of_login(&f, STR("anna")), bertas = device_of_login(&f, STR("berta"));
    struct str bad[] = {annas, str_slice(bertas, 0, bertas.n - 1), str_fmt(f.test->arena, "x%.*s", STR_ARG(bertas)),
                        STR("made.up"), STR("made"), STR(".")};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const struct err *err = try_login(&f, STR("berta"), PASSWORD, STR("192.0.2.1"), bad[i], &token);
        assert_true(err && err->code == ERR_LOGIN_WAIT);
    }
    assert_null(try_login(&f, STR("berta"), PASSWORD, STR("192.0.2.1"), bertas, &token));
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
    /* A shop's people come from one address: who logs in well does not use up its tries. */
    for (int i = 0; i < 31; i++)
        assert_null(try_login(&f, STR("anna"), PASSWORD, STR("192.0.2.7"), STR_NONE, &token));
    test_store_close(f.test);
}

/* --- What is over is removed --- */

struct left {
    int64_t failures;
    int64_t sessions, answers;
};

static const struct err *count_left(struct tx *tx, void *arg)
{
    struct left *left = arg;
    struct sql_access_session_of_staff_out session;
    struct sql_access_idempotency_find_out answer;
    struct stmt_cursor cursor;
    bool has = true, found;
    struct sql_access_session_of_staff_in in = {left->sessions};
    left->sessions = left->answers = 0;
    TRY(sql_access_session_of_staff_open(tx, &in, &cursor));
    while (has) {
        TRY(sql_access_session_of_staff_next(&cursor, &session, &has));
        left->sessions += has;
    }
    for (int day = 0; day < 40; day++) {
        const uint8_t hash[16] = {(uint8_t)day};
        struct sql_access_idempotency_find_in find = {STR("staff:1"), {(const char *)hash, 16}};
        TRY(sql_access_idempotency_find_one(tx, &find, &answer, &found));
        left->answers += found;
    }
    return NULL;
}

static const struct err *keep_answer(struct tx *tx, void *arg)
{
    const int *day = arg;
    const uint8_t hash[16] = {(uint8_t)*day};
    struct sql_access_idempotency_insert_in row = {.principal = STR("staff:1"),
                                                   .key_hash = {(const char *)hash, 16},
                                                   .request_hash = {(const char *)hash, 16},
                                                   .status = 200,
                                                   .object = STR(""),
                                                   .created_at = tx_now_us(tx)};
    return sql_access_idempotency_insert_run(tx, &row);
}

/* The next failure of an account is its first again where the earlier ones were removed or are old: so how often it failed is
 * asked by failing once more within the window. */
static const struct err *fail_again(struct tx *tx, void *arg)
{
    struct left *left = arg;
    uint8_t hash[SECRET_HASH_BYTES];
    secret_lookup_hash(tx_deps(tx)->keys, ACCESS_DOMAIN_ACCOUNT, STR("nobody"), hash);
    struct sql_access_login_failed_in in = {
        1, {(const char *)hash, SECRET_HASH_BYTES}, tx_now_us(tx), 0};
    struct sql_access_login_failed_out row;
    bool found;
    TRY(sql_access_login_failed_one(tx, &in, &row, &found));
    left->failures = row.failure_count;
    return NULL;
}

/* What ends: a session after seven days, a failure's window after a quarter of an hour, an answer after 30 days. */
static void check_what_is_over_goes(enum store_kind kind)
{
    struct fixture f;
    begin(&f, kind);
    int64_t anna = add_person(&f, STR("anna"));
    fails(&f, "nobody", "192.0.2.9", STR_NONE);
    for (int day = 0; day < 40; day++) {
        test_write(f.test, keep_answer, &day);
        if (day % 8 == 0)
            logged_in(&f, STR("anna"));
        f.test->now_us += 24 * HOUR_US;
    }
    struct left left = {.sessions = anna};
    test_read(f.test, count_left, &left);
    assert_int_equal(left.sessions, 5);
    assert_int_equal(left.answers, 40);
    assert_null(access_sweep(f.test->store, f.test->arena));
    left.sessions = anna;
    test_read(f.test, count_left, &left);
    assert_int_equal(left.sessions, 0); /* the last of them began eight days ago */
    assert_int_equal(left.answers, 30); /* those of 1 to 30 days ago */
    test_write(f.test, fail_again, &left);
    assert_int_equal(left.failures, 1);
    test_store_close(f.test);
}

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

/* --- Said twice under one key --- */

struct thing {
    struct str name;
    int64_t weight;
};
static const struct field thing_fields[] = {
    {.name = "name", .kind = FIELD_TEXT, .offset = offsetof(struct thing, name), .max = 100},
    {.name = "weight", .kind = FIELD_I64, .offset = offsetof(struct thing, weight)},
};
static const struct shape thing_shape = {
    .name = "thing", .size = sizeof(struct thing), SHAPE_FIELDS(thing_fields)};
static const struct endpoint make_thing = {.name = "makeThing",
                                           .flags = ENDPOINT_WRITE | ENDPOINT_IDEMPOTENT | ENDPOINT_AUDITED,
                                           .out = &thing_shape};

struct making {
    struct call call;
    struct thing thing;
    int runs;
    bool key_is_taken_once; /* another request takes the key while the first try runs */
};

static const struct err *take_key(struct tx *tx, const struct call *call)
{
    uint8_t hash[SECRET_HASH_BYTES];
    secret_lookup_hash(tx_deps(tx)->keys, STR("idempotency"), call->idempotency_key, hash);
    struct sql_access_idempotency_insert_in row = {.principal = call->principal.by,
                                                   .key_hash = {(const char *)hash, sizeof(hash)},
                                                   .request_hash = {"0123456789abcdef", 16},
                                                   .status = 200,
                                                   .object = STR(""),
                                                   .created_at = tx_now_us(tx)};
    return sql_access_idempotency_insert_run(tx, &row);
}

static const struct err *make(struct tx *tx, void *arg)
{
    struct making *making = arg;
    struct call *call = &making->call;
    struct thing *out = call->out;
    making->runs++;
    assert_false(out->name.p || call->location.p || call->audit_object.p || call->audit_before.p ||
                 call->audit_after.p || call->status); /* nothing of an earlier try */
    out->name = str_fmt(call->arena, "run %d", making->runs);
    call->audit_object = STR("thing:1");
    call->audit_before = STR("{\"was\":1}");
    call->audit_after = STR("{\"is\":2}");
    call->location = STR("/things/1");
    call->status = 201;
    return making->key_is_taken_once && making->runs == 1 ? take_key(tx, call) : NULL;
}

static struct making making_by(struct fixture *f, struct str by, const char *body)
{
    struct making making = {.call = {.arena = f->test->arena,
                                     .service = &f->service,
                                     .endpoint = &make_thing,
                                     .principal = {.kind = PRINCIPAL_STAFF, .id = 7, .name = STR("Anna"), .by = by},
                                     .request_id = STR("abc"),
                                     .idempotency_key = STR("the key")}};
    memcpy(making.call.request_hash, body, strlen(body));
    return making;
}

static enum err_code makes(struct making *making)
{
    making->call.out = &making->thing;
    const struct err *err = call_write(&making->call, make, making);
    return err ? err->code : ERR_NONE;
}

static const struct err *count_trail(struct tx *tx, void *arg)
{
    int *count = arg;
    struct sql_access_audit_page_in in = {INT64_MAX, 100};
    struct sql_access_audit_page_out row;
    struct stmt_cursor cursor;
    bool has;
    *count = 0;
    TRY(sql_access_audit_page_open(tx, &in, &cursor));
    for (;;) {
        TRY(sql_access_audit_page_next(&cursor, &row, &has));
        if (!has)
            return NULL;
        assert_true(row.by_id == 7 && row.by_kind == PRINCIPAL_STAFF && str_eq(row.by_name, STR("Anna")));
        assert_true(str_eq(row.endpoint, STR("makeThing")) && str_eq(row.object, STR("thing:1")));
        assert_true(str_eq(row.before, STR("{\"was\":1}")) && str_eq(row.after, STR("{\"is\":2}")));
        assert_true(str_eq(row.request_id, STR("abc")));
        (*count)++;
    }
}

static int trail_of(struct fixture *f)
{
    int count;
    test_read(f->test, count_trail, &count);
    return count;
}

static void check_said_twice(enum store_kind kind)
{
    struct fixture f;
    begin(&f, kind);
    struct making first = making_by(&f, STR("staff:7"), "one body");
    assert_int_equal(makes(&first), ERR_NONE);
    struct making again = making_by(&f, STR("staff:7"), "one body");
    assert_int_equal(makes(&again), ERR_NONE);
    assert_int_equal(again.runs, 0);
    assert_true(str_eq(again.call.replay, STR("{\"name\":\"run 1\",\"weight\":0}")));
    assert_int_equal(again.call.status, 201);
    assert_true(str_eq(again.call.location, STR("/things/1")));
    struct making other = making_by(&f, STR("staff:7"), "another");
    assert_int_equal(makes(&other), ERR_IDEMPOTENCY_OTHER);
    assert_int_equal(other.runs, 0);
    assert_int_equal(trail_of(&f), 1);
    /* The key is whoever's said it: another's is another. */
    struct making others = making_by(&f, STR("staff:8"), "another");
    assert_int_equal(makes(&others), ERR_NONE);
    assert_int_equal(others.runs, 1);
    assert_int_equal(trail_of(&f), 2);
    test_store_close(f.test);
}

/* What is done and the key are one transaction: where the key cannot be kept nothing was done. On PostgreSQL, where another may
 * have been quicker, it is run again; on SQLite nobody can have been. */
static void check_key_and_deed_are_one(enum store_kind kind)
{
    struct fixture f;
    begin(&f, kind);
    struct making making = making_by(&f, STR("staff:7"), "one body");
    making.key_is_taken_once = true;
    bool again = kind == STORE_POSTGRES;
    assert_int_equal(makes(&making), again ? ERR_NONE : ERR_STORE_CONSTRAINT);
    assert_int_equal(making.runs, again ? 2 : 1);
    assert_int_equal(trail_of(&f), again ? 1 : 0);
    if (again)
        assert_true(str_eq(making.thing.name, STR("run 2")));
    test_store_close(f.test);
}

/* --- Staff --- */

static enum err_code wrong_with(struct fixture *f, struct str login, struct str password)
{
    struct staff_new wanted = {.login = login, .name = STR("Anna"), .password = password};
    const struct err *err = staff_check(f->test->arena, &wanted);
    return err ? err->code : ERR_NONE;
}

/* NIST SP 800-63B, 5.1.1.2: a least length, nothing that is common, repeated, or of the account. */
static void check_passwords(enum store_kind kind)
{
    struct fixture f;
    begin(&f, kind);
    assert_int_equal(wrong_with(&f, STR("anna"), STR("ninebytes")), ERR_STAFF_PASSWORD);
    assert_int_equal(wrong_with(&f, STR("anna"), STR("ten bytes!")), ERR_NONE);
    assert_int_equal(wrong_with(&f, STR("anna"), STR("1234567890")), ERR_STAFF_PASSWORD);
    assert_int_equal(wrong_with(&f, STR("anna"), STR("QwertyUiop")), ERR_STAFF_PASSWORD);
    assert_int_equal(wrong_with(&f, STR("anna"), STR("zzzzzzzzzzzz")), ERR_STAFF_PASSWORD);
    assert_int_equal(wrong_with(&f, STR("anna.of.the.shop"), STR("Anna.of.the.shop")), ERR_STAFF_PASSWORD);
    struct buf longest = buf_new(f.test->arena, 1000);
    for (int i = 0; i < 200; i++)
        buf_char(&longest, (char)('a' + i % 26));
    assert_int_equal(wrong_with(&f, STR("anna"), buf_view(&longest)), ERR_NONE);
    buf_char(&longest, 'x');
    assert_int_equal(wrong_with(&f, STR("anna"), buf_view(&longest)), ERR_STAFF_PASSWORD);
    test_store_close(f.test);
}

struct changing {
    int64_t staff_id;
    struct staff_change change;
    const struct err *err;
};

static const struct err *change_tx(struct tx *tx, void *arg)
{
    struct changing *changing = arg;
    return staff_change(tx, changing->staff_id, &changing->change);
}

static enum err_code changed(struct fixture *f, int64_t staff_id, enum role role, int64_t manager_id, bool blocked)
{
    struct changing changing = {
        staff_id, {.name = STR("somebody"), .role = role, .manager_id = manager_id, .blocked = blocked}, NULL};
    struct store_job job = {.name = "change", .fn = change_tx, .arg = &changing};
    const struct err *err = store_write(f->test->store, f->test->arena, &job);
    return err ? err->code : ERR_NONE;
}

static void check_who_is_above(enum store_kind kind)
{
    struct fixture f;
    begin(&f, kind);
    int64_t a = add_person(&f, STR("anna")), b = add_person(&f, STR("berta")), c = add_person(&f, STR("cora"));
    assert_int_equal(changed(&f, b, ROLE_OPERATOR, a, false), ERR_NONE);
    assert_int_equal(changed(&f, c, ROLE_OPERATOR, b, false), ERR_NONE);
    assert_int_equal(changed(&f, a, ROLE_OPERATOR, b, false), ERR_STAFF_MANAGER); /* a circle of two */
    assert_int_equal(changed(&f, a, ROLE_OPERATOR, c, false), ERR_STAFF_MANAGER); /* and of three */
    assert_int_equal(changed(&f, a, ROLE_OPERATOR, a, false), ERR_STAFF_MANAGER);
    /* Somebody who can log in owns the brand, whatever is done. */
    assert_int_equal(changed(&f, a, ROLE_OWNER, 0, false), ERR_NONE);
    assert_int_equal(changed(&f, b, ROLE_OWNER, 0, true), ERR_NONE); /* an owner who is blocked */
    assert_int_equal(changed(&f, a, ROLE_AGENT, 0, false), ERR_STAFF_LAST_OWNER);
    assert_int_equal(changed(&f, a, ROLE_OWNER, 0, true), ERR_STAFF_LAST_OWNER);
    assert_int_equal(changed(&f, b, ROLE_OWNER, 0, false), ERR_NONE);
    assert_int_equal(changed(&f, a, ROLE_AGENT, 0, false), ERR_NONE);
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
BOTH(check_blocked_while_logging_in)
BOTH(check_nobody_costs_as_much)
BOTH(check_what_is_over_goes)
BOTH(check_said_twice)
BOTH(check_key_and_deed_are_one)
BOTH(check_passwords)
BOTH(check_who_is_above)
BOTH(check_idle_and_absolute_end)
BOTH(check_account_waits)
BOTH(check_device_is_let_in)
BOTH(check_address_waits)
BOTH(check_sweep)

/* access_test [PATTERN]: only the tests whose names fit it ("*sqlite"). */
int main(int argc, char **argv)
{
    secret_init();
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_blocked_while_logging_in_sqlite),
        cmocka_unit_test(check_blocked_while_logging_in_postgres),
        cmocka_unit_test(check_nobody_costs_as_much_sqlite),
        cmocka_unit_test(check_nobody_costs_as_much_postgres),
        cmocka_unit_test(check_what_is_over_goes_sqlite),
        cmocka_unit_test(check_what_is_over_goes_postgres),
        cmocka_unit_test(check_said_twice_sqlite),
        cmocka_unit_test(check_said_twice_postgres),
        cmocka_unit_test(check_key_and_deed_are_one_sqlite),
        cmocka_unit_test(check_key_and_deed_are_one_postgres),
        cmocka_unit_test(check_passwords_sqlite),
        cmocka_unit_test(check_passwords_postgres),
        cmocka_unit_test(check_who_is_above_sqlite),
        cmocka_unit_test(check_who_is_above_postgres),
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
