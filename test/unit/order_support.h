/* What the tests of the room order share: a brand on a fresh store, files made on the spot, imports, verify, and a dump of all
 * tables read by the databases' own libraries. Included after cmocka. */
#ifndef HUITOU_TEST_ORDER_SUPPORT_H
#define HUITOU_TEST_ORDER_SUPPORT_H

#include <ftw.h>
#include <libpq-fe.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "codec/file.h"
#include "room/order/import.h"
#include "room/order/import_row.h"
#include "room/order/order_rule.h"
#include "support/test_store.h"

struct shop {
    struct test_store *test;
    struct arena *arena;
    struct brand *brand;
    char directory[64];
    struct import_map *map;
    size_t sort_memory_bytes;
    int64_t batch_orders;
};

__attribute__((unused)) static int shop_remove(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
    (void)stat, (void)type, (void)ftw;
    return remove(path);
}

__attribute__((unused)) static void shop_must(struct arena *arena, const struct err *err)
{
    if (err)
        fail_msg("%s", str_z(arena, err_text(arena, err, LANG_EN)));
}

__attribute__((unused)) static struct shop *shop_open(enum store_kind kind, const char *currency, const char *zone)
{
    struct test_store *test = test_store_open(kind);
    struct shop *shop = ARENA_NEW(test->arena, struct shop);
    shop->test = test;
    shop->arena = test->arena;
    snprintf(shop->directory, sizeof(shop->directory), "/tmp/huitou-shop-XXXXXX");
    assert_non_null(mkdtemp(shop->directory));
    shop_must(shop->arena, setup_create(test->store, shop->arena, STR("Test"), str_c(currency), str_c(zone)));
    shop_must(shop->arena, setup_load(test->store, shop->arena, &shop->brand));
    return shop;
}

__attribute__((unused)) static void shop_close(struct shop *shop)
{
    assert_int_equal(nftw(shop->directory, shop_remove, 8, FTW_DEPTH | FTW_PHYS), 0);
    test_store_close(shop->test);
}

__attribute__((unused)) static void shop_map(struct shop *shop, const char *json)
{
    shop_must(shop->arena, import_map_of_text(shop->arena, STR("test map"), str_c(json), &shop->map));
}

__attribute__((unused)) static struct str shop_path(struct shop *shop, const char *name)
{
    return str_fmt(shop->arena, "%s/%s", shop->directory, name);
}

__attribute__((unused)) static struct str shop_file(struct shop *shop, const char *name, const char *text)
{
    struct str path = shop_path(shop, name);
    shop_must(shop->arena, file_write(shop->arena, path, str_c(text), 0600));
    return path;
}

__attribute__((unused)) static const struct err *shop_try(struct shop *shop, struct str path, bool dry_run,
                                                          int64_t exported_at_us, struct import_result *result)
{
    struct import_options options = {
        .path = path,
        .map = shop->map,
        .dry_run = dry_run,
        .exported_at_us = exported_at_us,
        .reject_path = str_fmt(shop->arena, "%.*s.rejects", STR_ARG(path)),
        .temporary_directory = str_c(shop->directory),
        .sort_memory_bytes = shop->sort_memory_bytes,
        .batch_orders = shop->batch_orders,
    };
    return import_orders(shop->test->store, shop->arena, shop->brand, &options, result);
}

__attribute__((unused)) static struct import_result shop_import_path(struct shop *shop, struct str path)
{
    struct import_result result;
    shop_must(shop->arena, shop_try(shop, path, false, INT64_MIN, &result));
    return result;
}

/* Writes the text to a file of this name, moves the clock on by a minute, and imports it. */
__attribute__((unused)) static struct import_result shop_import(struct shop *shop, const char *name, const char *text)
{
    shop->test->now_us += 60 * US_PER_SECOND;
    return shop_import_path(shop, shop_file(shop, name, text));
}

/* The same, and says that it was exported just now: surely later than what was imported before. */
__attribute__((unused)) static struct import_result shop_import_sure(struct shop *shop, const char *name, const char *text)
{
    struct import_result result;
    shop->test->now_us += 60 * US_PER_SECOND;
    struct str path = shop_file(shop, name, text);
    shop_must(shop->arena, shop_try(shop, path, false, shop->test->now_us, &result));
    return result;
}

struct shop_verify {
    const struct brand *brand;
    struct order_faults faults;
    char first[400];
};
__attribute__((unused)) static const struct err *shop_verify_fn(struct tx *tx, void *arg)
{
    struct shop_verify *v = arg;
    int64_t count = 0;
    struct str first = STR_NONE;
    TRY(order_verify(tx, v->brand, &v->faults));
    snprintf(v->first, sizeof(v->first), "%.*s", STR_ARG(v->faults.first));
    TRY(customer_verify(tx, &count, &first));
    if (count > 0 && v->faults.count == 0)
        snprintf(v->first, sizeof(v->first), "%.*s", STR_ARG(first));
    v->faults.count += count;
    return NULL;
}

__attribute__((unused)) static void shop_verify(struct shop *shop)
{
    struct shop_verify v = {.brand = shop->brand};
    test_read(shop->test, shop_verify_fn, &v);
    if (v.faults.count > 0)
        fail_msg("verify: %lld faults, the first: %s", (long long)v.faults.count, v.first);
}

/* --- SQL by the databases' own libraries --- */

static const char *const shop_tables[] = {"orders",     "order_line",    "refund",   "refund_waiting", "channel",
                                          "category",   "product",       "lookup",   "customer",       "identity",
                                          "event_head", "event",         "event_partition", "merge_proposal",
                                          "customer_merge", "customer_name_hash"};
#define SHOP_TABLE_COUNT (sizeof(shop_tables) / sizeof(shop_tables[0]))

struct shop_rows {
    struct arena *arena;
    char **rows;
    size_t count, capacity;
};

__attribute__((unused)) static void shop_add_row(struct shop_rows *rows, struct str row)
{
    if (rows->count == rows->capacity) {
        char **old = rows->rows;
        rows->capacity = rows->capacity ? rows->capacity * 2 : 64;
        rows->rows = arena_array(rows->arena, rows->capacity, sizeof(char *));
        for (size_t i = 0; i < rows->count; i++)
            rows->rows[i] = old[i];
    }
    rows->rows[rows->count++] = strdup(str_z(rows->arena, row));
}

__attribute__((unused)) static void shop_sql_sqlite(struct shop *shop, const char *sql, struct shop_rows *rows)
{
    sqlite3 *db;
    sqlite3_stmt *stmt;
    const char *path = str_z(shop->arena, shop->test->options.url) + strlen("sqlite:");
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 10000);
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        struct buf buf = buf_new(shop->arena, 1 << 20);
        for (int i = 0; i < sqlite3_column_count(stmt); i++) {
            if (i > 0)
                buf_char(&buf, '|');
            const unsigned char *bytes = sqlite3_column_blob(stmt, i);
            int n = sqlite3_column_bytes(stmt, i);
            bool hex = sqlite3_column_type(stmt, i) == SQLITE_BLOB;
            if (!hex)
                bytes = sqlite3_column_text(stmt, i);
            for (int j = 0; hex && j < n; j++)
                buf_fmt(&buf, "%02x", bytes[j]);
            if (!hex && bytes)
                buf_add(&buf, bytes, strlen((const char *)bytes));
        }
        shop_add_row(rows, buf_view(&buf));
    }
    assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
    sqlite3_close(db);
}

__attribute__((unused)) static void shop_sql_postgres(struct shop *shop, const char *sql, struct shop_rows *rows)
{
    PGconn *connection = PQconnectdb(str_z(shop->arena, shop->test->options.url));
    assert_int_equal(PQstatus(connection), CONNECTION_OK);
    PGresult *result = PQexec(connection, sql);
    if (PQresultStatus(result) != PGRES_TUPLES_OK && PQresultStatus(result) != PGRES_COMMAND_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(connection));
    for (int i = 0; i < PQntuples(result); i++) {
        struct buf buf = buf_new(shop->arena, 1 << 20);
        for (int j = 0; j < PQnfields(result); j++) {
            if (j > 0)
                buf_char(&buf, '|');
            const char *text = PQgetvalue(result, i, j);
            if (strncmp(text, "\\x", 2) == 0)
                text += 2;
            buf_add(&buf, text, strlen(text));
        }
        shop_add_row(rows, buf_view(&buf));
    }
    PQclear(result);
    PQfinish(connection);
}

__attribute__((unused)) static int shop_compare_rows(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The rows of a query, cells joined by |, rows sorted and joined by line feeds. */
__attribute__((unused)) static const char *shop_sql(struct shop *shop, const char *sql)
{
    struct shop_rows rows = {.arena = shop->arena};
    if (store_kind(shop->test->store) == STORE_SQLITE)
        shop_sql_sqlite(shop, sql, &rows);
    else
        shop_sql_postgres(shop, sql, &rows);
    if (rows.count > 1)
        qsort(rows.rows, rows.count, sizeof(char *), shop_compare_rows);
    struct buf buf = buf_new(shop->arena, (size_t)1 << 30);
    for (size_t i = 0; i < rows.count; i++) {
        buf_fmt(&buf, "%s%s", i > 0 ? "\n" : "", rows.rows[i]);
        free(rows.rows[i]);
    }
    return str_z(shop->arena, buf_view(&buf));
}

/* Every row of every table but import_run. */
__attribute__((unused)) static const char *shop_dump(struct shop *shop)
{
    struct buf buf = buf_new(shop->arena, (size_t)1 << 30);
    for (size_t i = 0; i < SHOP_TABLE_COUNT; i++) {
        struct str sql = str_fmt(shop->arena, "SELECT * FROM %s", shop_tables[i]);
        const char *rows = shop_sql(shop, str_z(shop->arena, sql));
        buf_fmt(&buf, "-- %s\n%s\n", shop_tables[i], rows);
    }
    return str_z(shop->arena, buf_view(&buf));
}

#endif
