/* link: PkgConfig::SQLITE PkgConfig::PQ */
/* Fills a fresh brand (made by `huitou init`) with the workload, straight into its tables, past the
 * program:
 *
 *   make_store sqlite:BRAND/huitou.db CUSTOMERS SEED [lines]
 *   make_store postgres://… CUSTOMERS SEED [lines]
 *
 * For measuring what reads them: the build of the columns and the SQL twins. Customers, orders,
 * refunds, channels and products, and with `lines` the order lines (only by-first-product's twin
 * reads them), as large as real rows; no identities, look-up or events, so that `huitou verify`
 * must complain. Rows go in by primary key, table after table, so that they lie on disk in one
 * piece, as after a first load and a VACUUM. */
#include <endian.h>
#include <inttypes.h>
#include <libpq-fe.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "workload.h"

#define COPY_BYTES 65536
#define COPY_ROW_BYTES_MAX 1024
#define MADE_AT_US (INT64_C(19800) * 86400 * 1000000) /* 2024-03-18 */
#define ZONE_SECONDS 28800                            /* Asia/Shanghai, all year */

/* Where rows go: one of the two is open. */
struct store {
    sqlite3 *sqlite;
    sqlite3_stmt *insert;
    PGconn *postgres;
    char copy[COPY_BYTES];
    size_t copied;
    int columns, column; /* of the table being filled; of the row being put */
};

static _Noreturn void fail(const char *what, const char *why)
{
    fprintf(stderr, "make_store: %s: %s\n", what, why);
    exit(1);
}

static void run(struct store *store, const char *sql)
{
    if (store->sqlite) {
        if (sqlite3_exec(store->sqlite, sql, NULL, NULL, NULL) != SQLITE_OK)
            fail(sql, sqlite3_errmsg(store->sqlite));
        return;
    }
    PGresult *result = PQexec(store->postgres, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_COPY_IN && status != PGRES_TUPLES_OK)
        fail(sql, PQerrorMessage(store->postgres));
    PQclear(result);
}

/* --- COPY … (FORMAT binary) --- */

static void copy_flush(struct store *store)
{
    if (PQputCopyData(store->postgres, store->copy, (int)store->copied) != 1)
        fail("COPY", PQerrorMessage(store->postgres));
    store->copied = 0;
}

static void copy_bytes(struct store *store, const void *bytes, size_t n)
{
    memcpy(store->copy + store->copied, bytes, n);
    store->copied += n;
}

static void copy_i16(struct store *store, int16_t v)
{
    uint16_t bits = htobe16((uint16_t)v);
    copy_bytes(store, &bits, 2);
}

static void copy_i32(struct store *store, int32_t v)
{
    uint32_t bits = htobe32((uint32_t)v);
    copy_bytes(store, &bits, 4);
}

/* --- Rows --- */

/* `table` names its columns, `columns` of them: what later migrations added keeps its default. */
static void table_begin(struct store *store, const char *table, int columns)
{
    char sql[512];
    store->columns = columns;
    store->column = 0;
    if (store->sqlite) {
        size_t n = (size_t)snprintf(sql, sizeof(sql), "INSERT INTO %s VALUES (?", table);
        for (int i = 1; i < columns; i++)
            n += (size_t)snprintf(sql + n, sizeof(sql) - n, ",?");
        snprintf(sql + n, sizeof(sql) - n, ")");
        if (sqlite3_prepare_v2(store->sqlite, sql, -1, &store->insert, NULL) != SQLITE_OK)
            fail(sql, sqlite3_errmsg(store->sqlite));
        return;
    }
    snprintf(sql, sizeof(sql), "COPY %s FROM STDIN (FORMAT binary)", table);
    run(store, sql);
    copy_bytes(store, "PGCOPY\n\377\r\n", 11); /* the signature, with its NUL */
    copy_i32(store, 0);                        /* flags */
    copy_i32(store, 0);                        /* length of the header's extension */
}

/* Before each value; a row begins with its first. */
static void column_begin(struct store *store)
{
    if (!store->sqlite && store->column == 0) {
        if (store->copied > COPY_BYTES - COPY_ROW_BYTES_MAX)
            copy_flush(store);
        copy_i16(store, (int16_t)store->columns);
    }
    store->column++;
}

static void put_i64(struct store *store, int64_t v)
{
    column_begin(store);
    if (store->sqlite) {
        sqlite3_bind_int64(store->insert, store->column, v);
        return;
    }
    uint64_t bits = htobe64((uint64_t)v);
    copy_i32(store, 8);
    copy_bytes(store, &bits, 8);
}

static void put_null(struct store *store)
{
    column_begin(store);
    if (store->sqlite)
        sqlite3_bind_null(store->insert, store->column);
    else
        copy_i32(store, -1);
}

static void put_bytes(struct store *store, const void *bytes, int n, bool is_text)
{
    column_begin(store);
    if (!store->sqlite) {
        copy_i32(store, n);
        copy_bytes(store, bytes, (size_t)n);
    } else if (is_text) {
        sqlite3_bind_text(store->insert, store->column, bytes, n, SQLITE_TRANSIENT);
    } else {
        sqlite3_bind_blob(store->insert, store->column, bytes, n, SQLITE_TRANSIENT);
    }
}

static void put_text(struct store *store, const char *text)
{
    put_bytes(store, text, (int)strlen(text), true);
}

static void row_end(struct store *store)
{
    if (store->column != store->columns)
        fail("a row", "has another number of columns than its table");
    store->column = 0;
    if (!store->sqlite)
        return;
    if (sqlite3_step(store->insert) != SQLITE_DONE)
        fail("INSERT", sqlite3_errmsg(store->sqlite));
    sqlite3_reset(store->insert);
}

static void table_end(struct store *store)
{
    if (store->sqlite) {
        sqlite3_finalize(store->insert);
        return;
    }
    copy_i16(store, -1);
    copy_flush(store);
    if (PQputCopyEnd(store->postgres, NULL) != 1)
        fail("COPY", PQerrorMessage(store->postgres));
    PGresult *result;
    while ((result = PQgetResult(store->postgres))) {
        if (PQresultStatus(result) != PGRES_COMMAND_OK)
            fail("COPY", PQerrorMessage(store->postgres));
        PQclear(result);
    }
}

/* --- The tables: columns in the order of their CREATE TABLE --- */

static void put_names(struct store *store)
{
    char name[32];
    table_begin(store, "channel (channel_id, name, recorded_at)", 3);
    for (int32_t i = 0; i < WORKLOAD_CHANNELS; i++) {
        put_i64(store, workload_channel_id(i));
        snprintf(name, sizeof(name), "c%d", i);
        put_text(store, name);
        put_i64(store, MADE_AT_US);
        row_end(store);
    }
    table_end(store);
    table_begin(store, "product (product_id, code, name, category_id, recorded_at)", 5);
    for (int32_t i = 0; i < WORKLOAD_PRODUCTS; i++) {
        put_i64(store, workload_product_id(i));
        snprintf(name, sizeof(name), "p%04d", i);
        put_text(store, name);
        put_text(store, "");
        put_i64(store, 0);
        put_i64(store, MADE_AT_US);
        row_end(store);
    }
    table_end(store);
}

static void put_customers(struct store *store, const struct workload *workload)
{
    static const char data_key[72]; /* as long as a wrapped key; opens nothing */
    table_begin(store,
                "customer (customer_id, parent_id, root_id, placeholder, data_key, name_sealed, "
                "created_at, recorded_at)",
                8);
    for (int64_t i = 0; i < workload->customer_count; i++) {
        int64_t id = workload_customer_id(i);
        put_i64(store, id);
        put_null(store); /* parent_id */
        put_i64(store, id);
        put_i64(store, 0); /* placeholder */
        put_bytes(store, data_key, sizeof(data_key), false);
        put_null(store); /* name_sealed */
        put_i64(store, MADE_AT_US);
        put_i64(store, MADE_AT_US);
        row_end(store);
    }
    table_end(store);
}

static int64_t time_us(const struct workload_order *order)
{
    return (order->paid_day * INT64_C(86400) + order->second_of_day - ZONE_SECONDS) * 1000000;
}

static void put_order(struct store *store, int64_t customer_id, const struct workload_order *order)
{
    char number[32];
    uint64_t hash[2] = {(uint64_t)order->order_id * UINT64_C(0x9e3779b97f4a7c15),
                        (uint64_t)order->order_id};
    snprintf(number, sizeof(number), "%010" PRId64, order->order_id % 10000000000);
    put_i64(store, customer_id);
    put_i64(store, order->order_id);
    put_text(store, "bench");
    put_text(store, number);
    put_i64(store, 3); /* received */
    put_i64(store, time_us(order));
    put_i64(store, time_us(order));
    put_i64(store, order->paid_day);
    put_i64(store, order->amount_minor);
    put_i64(store, order->refunded_minor);
    if (order->refunded_minor == order->amount_minor)
        put_i64(store, order->refunded_day);
    else
        put_null(store);
    put_i64(store, workload_channel_id(order->channel));
    put_i64(store, workload_product_id(order->product));
    put_i64(store, order->top_line_minor);
    put_i64(store, order->top_line_minor < order->amount_minor ? 2 : 1);
    put_i64(store, customer_id + 1000); /* identity_id */
    put_i64(store, MADE_AT_US);
    put_bytes(store, hash, sizeof(hash), false);
    put_i64(store, MADE_AT_US);
    row_end(store);
}

static void put_refund(struct store *store, int64_t customer_id, const struct workload_order *order)
{
    static const char hash[16];
    char number[32];
    int64_t at_us = (order->refunded_day * INT64_C(86400) + 86399 - ZONE_SECONDS) * 1000000;
    if (order->refunded_minor == 0)
        return;
    snprintf(number, sizeof(number), "R%010" PRId64, order->order_id % 10000000000);
    put_i64(store, customer_id);
    put_i64(store, order->order_id);
    put_i64(store, order->order_id);
    put_text(store, "bench");
    put_text(store, number);
    put_i64(store, order->refunded_minor);
    put_i64(store, at_us);
    put_i64(store, order->refunded_day);
    put_i64(store, workload_channel_id(order->channel));
    put_i64(store, MADE_AT_US);
    put_bytes(store, hash, sizeof(hash), false);
    put_i64(store, MADE_AT_US);
    row_end(store);
}

static void put_line(struct store *store, int64_t customer_id, int64_t order_id, int64_t line_no,
                     int32_t product, int64_t amount_minor)
{
    put_i64(store, customer_id);
    put_i64(store, order_id);
    put_i64(store, line_no);
    put_i64(store, workload_product_id(product));
    put_i64(store, 1000);
    put_i64(store, amount_minor);
    row_end(store);
}

static void put_lines(struct store *store, int64_t customer_id, const struct workload_order *order)
{
    put_line(store, customer_id, order->order_id, 1, order->product, order->top_line_minor);
    int64_t rest = order->amount_minor - order->top_line_minor;
    if (rest > 0)
        put_line(store, customer_id, order->order_id, 2, order->product_2, rest);
}

static void put_of_orders(struct store *store, const struct workload *workload, const char *table,
                          int columns,
                          void (*put)(struct store *, int64_t, const struct workload_order *))
{
    struct workload_order orders[WORKLOAD_ORDERS_MAX];
    table_begin(store, table, columns);
    for (int64_t i = 0; i < workload->customer_count; i++) {
        int count = workload_customer(workload, i, orders);
        for (int k = 0; k < count; k++)
            put(store, workload_customer_id(i), &orders[k]);
    }
    table_end(store);
}

static void open_store(struct store *store, const char *url)
{
    if (strncmp(url, "sqlite:", 7) == 0) {
        int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
        if (sqlite3_open_v2(url + 7, &store->sqlite, flags, NULL) != SQLITE_OK)
            fail(url, sqlite3_errmsg(store->sqlite));
        run(store, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536");
        return;
    }
    store->postgres = PQconnectdb(url);
    if (PQstatus(store->postgres) != CONNECTION_OK)
        fail("PostgreSQL", PQerrorMessage(store->postgres));
}

static void close_store(struct store *store)
{
    if (store->sqlite) {
        run(store, "PRAGMA journal_mode = WAL");
        sqlite3_close(store->sqlite);
        return;
    }
    run(store, "VACUUM ANALYZE"); /* as autovacuum does soon after a load */
    PQfinish(store->postgres);
}

int main(int argc, char **argv)
{
    static struct store store;
    struct workload workload;
    bool lines = argc == 5 && strcmp(argv[4], "lines") == 0;
    if (argc != 4 && !lines) {
        fprintf(stderr, "usage: make_store URL CUSTOMERS SEED [lines]\n");
        return 2;
    }
    workload_init(&workload, strtoll(argv[2], NULL, 10), strtoull(argv[3], NULL, 10));
    open_store(&store, argv[1]);
    run(&store, "BEGIN");
    put_names(&store);
    put_customers(&store, &workload);
    put_of_orders(&store, &workload,
                  "orders (customer_id, order_id, source, number, state, occurred_at, paid_at, "
                  "paid_day, amount_minor, refunded_minor, refunded_whole_day, channel_id, "
                  "top_product_id, top_line_minor, line_count, identity_id, exported_at, "
                  "content_hash, recorded_at)",
                  19, put_order);
    put_of_orders(&store, &workload,
                  "refund (customer_id, refund_id, order_id, source, number, amount_minor, "
                  "refunded_at, refunded_day, channel_id, exported_at, content_hash, recorded_at)",
                  12, put_refund);
    if (lines)
        put_of_orders(&store, &workload,
                      "order_line (customer_id, order_id, line_no, product_id, quantity_milli, "
                      "amount_minor)",
                      6, put_lines);
    run(&store, "COMMIT");
    close_store(&store);
    return 0;
}
