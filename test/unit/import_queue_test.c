/* link: room_order test_support */
/* The queue of imports on both databases: checked, claimed in order and once, stopped, failed, interrupted and gone on with,
 * two queues over one table. Counts are those of the files, which are made here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <semaphore.h>
#include <sys/stat.h>
#include <time.h>

#include "on_both.h"
#include "order_support.h"
#include "room/order/import_upload.h"
#include "sql_order.h"

#define WAIT_MS 120000
#define TOLD_MAX 4096
/* --- A server's queue over a store of its own --- */

struct server {
    struct shop *shop;
    struct store *store;
    struct brand *brand;
    struct imports *imports;
    _Atomic int64_t ticks; /* the clock goes on by a microsecond each time it is asked */
    pthread_mutex_t lock;
    char told[TOLD_MAX][24]; /* "ID state", as they came */
    int told_count;
    /* What happens when the first word about writing comes, in the thread that imports. */
    void (*on_write)(struct server *server, int64_t upload_id);
    bool wrote;
    sem_t *reached;
};

static int64_t tick(void *arg)
{
    struct server *server = arg;
    return 1717200000000000 + atomic_fetch_add(&server->ticks, 1); /* 2024-06-01T00:00:00Z */
}

static void told(void *arg, struct str topic, struct str data)
{
    struct server *server = arg;
    struct arena *arena = arena_new("told", (size_t)1 << 20);
    const struct json_value *value;
    int64_t upload_id;
    assert_true(str_eq(topic, STR("import")));
    assert_null(json_read(arena, STR("told"), data, &value));
    assert_true(str_to_i64(json_str(json_get(value, STR("import_id"))), &upload_id));
    const struct json_value *phase = json_get(value, STR("phase"));
    if (!phase) {
        pthread_mutex_lock(&server->lock);
        assert_true(server->told_count < TOLD_MAX);
        snprintf(server->told[server->told_count++], sizeof(server->told[0]), "%lld %.*s", (long long)upload_id,
                 STR_ARG(json_str(json_get(value, STR("state")))));
        pthread_mutex_unlock(&server->lock);
    } else if (server->on_write && !server->wrote && str_eq(json_str(phase), STR("write")) &&
               str_eq(json_str(json_get(value, STR("state"))), STR("running"))) {
        server->wrote = true;
        server->on_write(server, upload_id);
    }
    arena_free(arena);
}

static void server_open_imports(struct server *server)
{
    struct imports_options options = {.store = server->store,
                                      .brand = server->brand,
                                      .directory = shop_path(server->shop, "uploads"),
                                      .temporary_directory = str_c(server->shop->directory),
                                      .sort_memory_bytes = (size_t)8 << 20,
                                      .publish = told,
                                      .publish_arg = server};
    shop_must(server->shop->arena, imports_open(server->shop->arena, &options, &server->imports));
}

/* node: two servers make different ids. */
static struct server *server_open(struct shop *shop, int node)
{
    struct server *server = ARENA_NEW(shop->arena, struct server);
    struct store_options options = shop->test->options;
    server->shop = shop;
    pthread_mutex_init(&server->lock, NULL);
    options.deps.clock = (struct clock){tick, server};
    options.deps.ids = id_maker_new(shop->arena, &options.deps.clock, node);
    shop_must(shop->arena, store_open(shop->arena, &options, &server->store));
    shop_must(shop->arena, setup_load(server->store, shop->arena, &server->brand));
    server_open_imports(server);
    return server;
}

static void server_close(struct server *server)
{
    imports_close(server->imports);
    store_close(server->store);
    pthread_mutex_destroy(&server->lock);
}

/* --- What the handlers do --- */

struct given {
    int64_t upload_id, queued_at;
    struct str name, wish;
    int64_t changed;
};

static const struct err *insert_tx(struct tx *tx, void *arg)
{
    struct given *given = arg;
    struct sql_order_upload_insert_in in = {.upload_id = given->upload_id,
                                            .name = given->name,
                                            .byte_count = 1,
                                            .created_at = given->queued_at,
                                            .created_by = STR("staff:1"),
                                            .created_by_name = STR("林")};
    return sql_order_upload_insert_run(tx, &in);
}

static const struct err *wish_tx(struct tx *tx, void *arg)
{
    struct given *given = arg;
    struct sql_order_upload_wish_in in = {given->upload_id, given->wish, given->queued_at};
    return sql_order_upload_wish_run_count(tx, &in, &given->changed);
}

static const struct err *queue_tx(struct tx *tx, void *arg)
{
    struct given *given = arg;
    struct sql_order_upload_queue_in in = {given->upload_id, given->queued_at, LANG_EN};
    return sql_order_upload_queue_run_count(tx, &in, &given->changed);
}

static void give(struct server *server, int64_t upload_id, const char *text)
{
    struct shop *shop = server->shop;
    struct given given = {.upload_id = upload_id, .queued_at = upload_id, .name = STR("orders.csv")};
    struct str folder = imports_folder(shop->arena, server->imports, upload_id);
    shop_must(shop->arena, file_make_directory(shop->arena, folder, 0700));
    struct str path = imports_file(shop->arena, server->imports, upload_id, given.name);
    shop_must(shop->arena, file_write(shop->arena, path, str_c(text), 0600));
    test_write(shop->test, insert_tx, &given);
    imports_wake(server->imports);
}

static int64_t queue(struct server *server, int64_t upload_id, int64_t queued_at)
{
    struct given given = {.upload_id = upload_id, .queued_at = queued_at};
    test_write(server->shop->test, queue_tx, &given);
    return given.changed;
}

static struct sql_order_upload_one_out look(struct server *server, int64_t upload_id)
{
    struct sql_order_upload_one_out row;
    bool found;
    shop_must(server->shop->arena, import_upload_read(server->store, server->shop->arena, upload_id, &row, &found));
    assert_true(found);
    return row;
}

static struct sql_order_upload_one_out wait_until(struct server *server, int64_t upload_id, enum upload_state state)
{
    for (int ms = 0; ms < WAIT_MS; ms += 5) {
        struct arena_mark mark = arena_mark(server->shop->arena);
        struct sql_order_upload_one_out row = look(server, upload_id);
        if (row.state == (int64_t)state)
            return row;
        arena_rewind(server->shop->arena, mark);
        nanosleep(&(struct timespec){0, 5000000}, NULL);
    }
    struct sql_order_upload_one_out row = look(server, upload_id);
    fail_msg("upload %lld is %s and not %s", (long long)upload_id, upload_state_info((enum upload_state)row.state)->name,
             upload_state_info(state)->name);
    return row;
}

static struct sql_order_upload_one_out run_now(struct server *server, int64_t upload_id, enum upload_state state)
{
    assert_int_equal(queue(server, upload_id, upload_id), 1);
    imports_wake(server->imports);
    return wait_until(server, upload_id, state);
}

static bool has_file(struct server *server, int64_t upload_id, const char *name)
{
    struct arena *arena = server->shop->arena;
    return file_exists(arena, imports_file(arena, server->imports, upload_id, str_c(name)));
}

static bool has_folder(struct server *server, int64_t upload_id)
{
    return file_exists(server->shop->arena, imports_folder(server->shop->arena, server->imports, upload_id));
}

static int64_t number_of(struct shop *shop, const char *sql)
{
    int64_t number = -1;
    assert_true(str_to_i64(str_c(shop_sql(shop, sql)), &number));
    return number;
}

/* --- Files: the columns are those of the built-in map "own" --- */

static const char *orders_file(struct shop *shop, const char *prefix, int count, const char *more)
{
    struct buf out = buf_new(shop->arena, (size_t)64 << 20);
    buf_fmt(&out, "订单号,下单时间,手机号,实付金额\n");
    for (int i = 0; i < count; i++)
        buf_fmt(&out, "%s%d,2024-03-%02d 10:00,138%08d,%d.00\n", prefix, i, 1 + i % 28, i / 2, 1 + i % 90);
    buf_fmt(&out, "%s", more);
    return str_z(shop->arena, buf_view(&out));
}

/* --- Checked, then imported --- */

static void once_through(enum store_kind kind)
{
    struct shop *shop = shop_open(kind, "CNY", "Asia/Shanghai");
    struct server *server = server_open(shop, 1);
    give(server, 11, orders_file(shop, "A", 7, "X9,yesterday,13800000001,5\n"));
    struct sql_order_upload_one_out row = wait_until(server, 11, UPLOAD_READY);
    assert_true(str_eq(row.map_name, STR("own")) && row.map_recognised && row.map.p && row.preview.p && row.columns.p);
    assert_int_equal(number_of(shop, "SELECT COUNT(*) FROM orders"), 0); /* a dry run writes nothing */
    row = run_now(server, 11, UPLOAD_DONE);
    assert_int_equal(row.row_count, 8);
    assert_int_equal(row.order_new_count, 7);
    assert_int_equal(row.rejected_row_count, 1);
    assert_int_equal(row.attempt_count, 1);
    assert_false(row.is_kept);
    assert_true(row.result.p && !row.errors.p);
    assert_int_equal(number_of(shop, "SELECT COUNT(*) FROM orders"), 7);
    assert_false(has_file(server, 11, "orders.csv")); /* the rows that were read are not kept */
    assert_true(has_file(server, 11, str_z(shop->arena, row.reject_name)));
    struct stat info;
    assert_int_equal(stat(str_z(shop->arena, imports_file(shop->arena, server->imports, 11, row.reject_name)), &info), 0);
    assert_int_equal(info.st_mode & 077, 0);
    assert_int_equal(queue(server, 11, 99), 0); /* what is done is not begun again */
    give(server, 12, orders_file(shop, "A", 7, "")); /* the same orders, nothing rejected */
    wait_until(server, 12, UPLOAD_READY);
    row = run_now(server, 12, UPLOAD_DONE);
    assert_int_equal(row.order_same_count, 7);
    imports_close(server->imports); /* waits for the thread, which removes the folder after the note */
    assert_false(has_folder(server, 12));
    server_open_imports(server);
    server_close(server);
    shop_verify(shop);
    shop_close(shop);
}
ON_BOTH(once_through)

/* --- Those that wait are taken in the order in which they were queued --- */

static void in_order(enum store_kind kind)
{
    struct shop *shop = shop_open(kind, "CNY", "Asia/Shanghai");
    struct server *server = server_open(shop, 1);
    static const int64_t queued_at[] = {30, 10, 20, 10}; /* of uploads 21 … 24: so 22, 24, 23, 21 */
    static const char *const expected[] = {"22 running", "22 done", "24 running", "24 done",
                                           "23 running", "23 done", "21 running", "21 done"};
    char prefix[] = "A";
    for (int i = 0; i < 4; i++, prefix[0]++) {
        give(server, 21 + i, orders_file(shop, prefix, 3, ""));
        wait_until(server, 21 + i, UPLOAD_READY);
    }
    for (int i = 0; i < 4; i++)
        assert_int_equal(queue(server, 21 + i, queued_at[i]), 1);
    imports_wake(server->imports);
    for (int i = 0; i < 4; i++)
        wait_until(server, 21 + i, UPLOAD_DONE);
    server_close(server);
    int at = 0;
    for (int i = 0; i < server->told_count; i++) {
        if (!strstr(server->told[i], "running") && !strstr(server->told[i], "done"))
            continue;
        assert_true(at < 8);
        assert_string_equal(server->told[i], expected[at++]);
    }
    assert_int_equal(at, 8);
    assert_int_equal(number_of(shop, "SELECT COUNT(*) FROM orders"), 12);
    shop_close(shop);
}
ON_BOTH(in_order)

/* --- Stopped --- */

static void stop_it(struct server *server, int64_t upload_id)
{
    imports_stop(server->imports, upload_id);
}

/* 400 orders before, so that it is no first load: it is written in slices of 250 (order_slice_next). */
static struct server *busy_server(struct shop *shop)
{
    struct server *server = server_open(shop, 1);
    give(server, 30, orders_file(shop, "B", 400, ""));
    wait_until(server, 30, UPLOAD_READY);
    run_now(server, 30, UPLOAD_DONE);
    return server;
}

static void stopped_midway(enum store_kind kind)
{
    struct shop *shop = shop_open(kind, "CNY", "Asia/Shanghai");
    struct server *server = busy_server(shop);
    give(server, 31, orders_file(shop, "A", 3000, "X9,yesterday,13800000001,5\n"));
    wait_until(server, 31, UPLOAD_READY);
    server->on_write = stop_it;
    struct sql_order_upload_one_out row = run_now(server, 31, UPLOAD_STOPPED);
    int64_t before = row.order_new_count;
    assert_in_range(before, 250, 2999);
    assert_int_equal(number_of(shop, "SELECT COUNT(*) FROM orders"), 400 + before);
    assert_true(row.is_kept && has_file(server, 31, "orders.csv"));
    row = run_now(server, 31, UPLOAD_DONE); /* gone on with: what is there is the same */
    assert_int_equal(row.order_new_count, 3000 - before);
    assert_int_equal(row.order_same_count, before);
    assert_int_equal(row.attempt_count, 2);
    assert_int_equal(number_of(shop, "SELECT COUNT(*) FROM orders"), 3400);
    server_close(server);
    shop_verify(shop);
    shop_close(shop);
}
ON_BOTH(stopped_midway)

/* Pressed while the last order is imported: nothing was left out, so it is done, with all its counts and its rejects. */
static void stopped_too_late(enum store_kind kind)
{
    struct shop *shop = shop_open(kind, "CNY", "Asia/Shanghai");
    struct server *server = busy_server(shop);
    give(server, 32, orders_file(shop, "A", 40, "X9,yesterday,13800000001,5\n"));
    wait_until(server, 32, UPLOAD_READY);
    server->on_write = stop_it;
    struct sql_order_upload_one_out row = run_now(server, 32, UPLOAD_DONE);
    assert_true(server->wrote);
    assert_int_equal(row.row_count, 41);
    assert_int_equal(row.order_new_count, 40);
    assert_int_equal(row.rejected_row_count, 1);
    assert_true(row.reject_name.n > 0 && has_file(server, 32, str_z(shop->arena, row.reject_name)));
    assert_int_equal(number_of(shop, "SELECT COUNT(*) FROM import_run WHERE upload_id = 32 AND finished_at IS NOT NULL"), 1);
    server_close(server);
    shop_close(shop);
}
ON_BOTH(stopped_too_late)

/* With refunds still to come, the stop is one. */
static void stopped_before_refunds(enum store_kind kind)
{
    struct shop *shop = shop_open(kind, "CNY", "Asia/Shanghai");
    struct server *server = busy_server(shop);
    give(server, 33, "订单号,下单时间,手机号,实付金额,退款金额\nA1,2024-03-01 10:00,13800000001,9.00,4.00\n");
    wait_until(server, 33, UPLOAD_READY);
    server->on_write = stop_it;
    struct sql_order_upload_one_out row = run_now(server, 33, UPLOAD_STOPPED);
    assert_int_equal(row.order_new_count, 1);
    assert_int_equal(number_of(shop, "SELECT COUNT(*) FROM refund"), 0);
    row = run_now(server, 33, UPLOAD_DONE);
    assert_int_equal(row.refund_count, 1);
    assert_int_equal(number_of(shop, "SELECT COUNT(*) FROM refund"), 1);
    server_close(server);
    shop_close(shop);
}
ON_BOTH(stopped_before_refunds)

/* --- Failed --- */

static void failed(enum store_kind kind)
{
    struct shop *shop = shop_open(kind, "CNY", "Asia/Shanghai");
    struct server *server = server_open(shop, 1);
    const char *text = orders_file(shop, "A", 5, "");
    give(server, 41, text);
    give(server, 42, orders_file(shop, "B", 5, ""));
    wait_until(server, 41, UPLOAD_READY);
    wait_until(server, 42, UPLOAD_READY);
    struct str path = imports_file(shop->arena, server->imports, 41, STR("orders.csv"));
    assert_int_equal(unlink(str_z(shop->arena, path)), 0);
    struct sql_order_upload_one_out row = run_now(server, 41, UPLOAD_FAILED);
    assert_true(row.errors.p && row.is_kept);
    /* It says which file, and not where that lies. */
    assert_non_null(strstr(str_z(shop->arena, row.errors), "FILE_OPEN"));
    assert_null(strstr(str_z(shop->arena, row.errors), shop->directory));
    run_now(server, 42, UPLOAD_DONE); /* the queue goes on */
    shop_must(shop->arena, file_write(shop->arena, path, str_c(text), 0600));
    row = run_now(server, 41, UPLOAD_DONE);
    assert_int_equal(row.order_new_count, 5);
    assert_false(row.errors.p);
    give(server, 43, "no table at all");
    row = wait_until(server, 43, UPLOAD_REFUSED);
    assert_true(row.errors.p && !row.map.p);
    assert_int_equal(queue(server, 43, 43), 0); /* what cannot be read is not queued */
    server_close(server);
    shop_close(shop);
}
ON_BOTH(failed)

/* --- Interrupted --- */

/* Says that writing has begun, and goes on only when the server closes. */
static void wait_for_closing(struct server *server, int64_t upload_id)
{
    (void)upload_id;
    sem_post(server->reached);
    while (!atomic_load(&server->imports->closing))
        nanosleep(&(struct timespec){0, 1000000}, NULL);
}

static void interrupted(enum store_kind kind)
{
    struct shop *shop = shop_open(kind, "CNY", "Asia/Shanghai");
    struct server *server = busy_server(shop);
    sem_t reached;
    sem_init(&reached, 0, 0);
    server->reached = &reached;
    server->on_write = wait_for_closing;
    give(server, 51, orders_file(shop, "A", 3000, ""));
    give(server, 52, orders_file(shop, "C", 5, ""));
    wait_until(server, 51, UPLOAD_READY);
    wait_until(server, 52, UPLOAD_READY);
    assert_int_equal(queue(server, 51, 51), 1);
    assert_int_equal(queue(server, 52, 52), 1);
    imports_wake(server->imports);
    sem_wait(&reached);
    imports_close(server->imports);
    struct sql_order_upload_one_out row = look(server, 51);
    assert_int_equal(row.state, UPLOAD_INTERRUPTED);
    assert_in_range(row.order_new_count, 250, 2999);
    assert_int_equal(look(server, 52).state, UPLOAD_WAITING);
    server_open_imports(server);
    wait_until(server, 52, UPLOAD_DONE); /* what waited goes on by itself */
    row = look(server, 51);
    assert_int_equal(row.state, UPLOAD_INTERRUPTED); /* what ran, when somebody says so */
    assert_true(has_file(server, 51, "orders.csv"));
    row = run_now(server, 51, UPLOAD_DONE);
    assert_int_equal(row.order_new_count + row.order_same_count, 3000);
    assert_int_equal(number_of(shop, "SELECT COUNT(*) FROM orders"), 3405);
    sem_destroy(&reached);
    server_close(server);
    shop_verify(shop);
    shop_close(shop);
}
ON_BOTH(interrupted)

/* As a kill leaves it: a row that runs, a check that was asked for, a folder of an upload that was never noted, a file that
 * was still coming in. */
static void killed(enum store_kind kind)
{
    struct shop *shop = shop_open(kind, "CNY", "Asia/Shanghai");
    struct server *server = server_open(shop, 1);
    give(server, 61, orders_file(shop, "A", 5, ""));
    wait_until(server, 61, UPLOAD_READY);
    imports_close(server->imports);
    shop_sql(shop, "UPDATE import_upload SET state = 4, attempt_count = 1, started_at = 5 WHERE upload_id = 61");
    struct given given = {.upload_id = 62, .queued_at = 62, .name = STR("orders.csv")};
    struct str folder = imports_folder(shop->arena, server->imports, 62);
    shop_must(shop->arena, file_make_directory(shop->arena, folder, 0700));
    struct str path = imports_file(shop->arena, server->imports, 62, given.name);
    shop_must(shop->arena, file_write(shop->arena, path, str_c(orders_file(shop, "C", 2, "")), 0600));
    test_write(shop->test, insert_tx, &given);
    shop_must(shop->arena, file_make_directory(shop->arena, imports_folder(shop->arena, server->imports, 777), 0700));
    struct str part = shop_file(shop, "upload-0123", "half");
    server_open_imports(server);
    assert_int_equal(look(server, 61).state, UPLOAD_INTERRUPTED);
    assert_false(has_folder(server, 777));
    assert_false(file_exists(shop->arena, part));
    wait_until(server, 62, UPLOAD_READY); /* its check was not lost */
    assert_int_equal(run_now(server, 61, UPLOAD_DONE).order_new_count, 5);
    server_close(server);
    shop_close(shop);
}
ON_BOTH(killed)

/* --- A correction while it is checked: the last word holds --- */

static void corrected(enum store_kind kind)
{
    struct shop *shop = shop_open(kind, "CNY", "Asia/Shanghai");
    struct server *server = server_open(shop, 1);
    give(server, 71, orders_file(shop, "A", 2000, ""));
    for (int i = 0; i < 20; i++) {
        struct given given = {.upload_id = 71,
                              .queued_at = 72 + i,
                              .wish = str_fmt(shop->arena, "{\"map\": \"own\", \"source\": \"shop%d\"}", i)};
        test_write(shop->test, wish_tx, &given);
        assert_int_equal(given.changed, 1);
        imports_stop(server->imports, 71);
        imports_wake(server->imports);
    }
    struct sql_order_upload_one_out row = wait_until(server, 71, UPLOAD_READY);
    assert_int_equal(row.check_no, 21);
    assert_non_null(strstr(str_z(shop->arena, row.map), "\"shop19\""));
    server_close(server);
    shop_close(shop);
}
ON_BOTH(corrected)

/* --- Two queues over one table --- */

static void two_servers(enum store_kind kind)
{
    enum { UPLOADS = 40 };
    struct shop *shop = shop_open(kind, "CNY", "Asia/Shanghai");
    struct server *one = server_open(shop, 1), *two = server_open(shop, 2);
    for (int i = 0; i < UPLOADS; i++) {
        char prefix[8];
        snprintf(prefix, sizeof(prefix), "U%d_", i);
        give(one, 100 + i, orders_file(shop, prefix, 3, ""));
    }
    imports_wake(two->imports);
    for (int i = 0; i < UPLOADS; i++)
        wait_until(one, 100 + i, UPLOAD_READY);
    for (int i = 0; i < UPLOADS; i++)
        assert_int_equal(queue(one, 100 + i, i), 1);
    imports_wake(one->imports);
    imports_wake(two->imports);
    for (int i = 0; i < UPLOADS; i++) {
        struct sql_order_upload_one_out row = wait_until(one, 100 + i, UPLOAD_DONE);
        assert_int_equal(row.attempt_count, 1);
        assert_int_equal(row.order_new_count, 3);
    }
    server_close(one);
    server_close(two);
    /* Each was begun by one of them, and by one only. */
    assert_int_equal(number_of(shop, "SELECT COUNT(*) FROM import_run"), UPLOADS);
    assert_int_equal(number_of(shop, "SELECT COUNT(DISTINCT upload_id) FROM import_run"), UPLOADS);
    assert_int_equal(number_of(shop, "SELECT COUNT(*) FROM orders"), UPLOADS * 3);
    shop_verify(shop);
    shop_close(shop);
}
ON_BOTH(two_servers)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(once_through), BOTH(in_order), BOTH(stopped_midway), BOTH(stopped_too_late), BOTH(stopped_before_refunds),
        BOTH(failed),       BOTH(interrupted), BOTH(killed),      BOTH(corrected),        BOTH(two_servers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
