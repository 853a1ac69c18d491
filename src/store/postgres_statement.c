/* Running statements on PostgreSQL: parameters and results in binary, cursors, COPY. */
#include <endian.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "store/postgres_internal.h"

#define COPY_ROWS_MIN 64 /* below, the three round trips of a COPY cost more than it saves */
#define COPY_CHUNK_BYTES 32768
#define FETCH_ROWS 5000
#define FETCH_ROWS_TEXT "5000"

/* --- Parameters ---------------------------------------------------------------------------------
 */

/* A value as PostgreSQL's binary format has it; false: NULL. Numbers are written into number[8]. */
static bool encode(const struct stmt_field *field, const void *in, char number[8], const char **p,
                   size_t *n)
{
    int64_t i64;
    double f64;
    uint64_t bits;
    *n = 8;
    *p = number;
    if (field->type == STMT_I64) {
        if (!stmt_get_i64(field, in, &i64))
            return false;
        bits = htobe64((uint64_t)i64);
        memcpy(number, &bits, 8);
        return true;
    }
    if (field->type == STMT_F64) {
        if (!stmt_get_f64(field, in, &f64))
            return false;
        memcpy(&bits, &f64, 8);
        bits = htobe64(bits);
        memcpy(number, &bits, 8);
        return true;
    }
    struct str s = stmt_get_str(field, in);
    *p = s.p;
    *n = s.n;
    return s.p != NULL;
}

static void encode_all(const struct stmt *stmt, const void *in,
                       struct postgres_parameters *parameters)
{
    parameters->count = stmt->in_count;
    for (int i = 0; i < stmt->in_count; i++) {
        size_t n;
        const char *p;
        bool set = encode(&stmt->in[i], in, parameters->numbers[i], &p, &n);
        CHECK(n <= INT32_MAX);
        parameters->values[i] = set ? p : NULL;
        parameters->lengths[i] = (int)n;
        parameters->formats[i] = 1;
        parameters->types[i] = postgres_oid(stmt->in[i].type);
    }
}

static const struct err *queue(struct tx *tx, const struct stmt *stmt, const void *in,
                               postgres_read_fn *read, void *arg, size_t index)
{
    struct postgres_queued entry = {stmt->name, read, arg, index};
    struct postgres_parameters parameters;
    encode_all(stmt, in, &parameters);
    return postgres_queue_prepared(tx->connection, &entry, stmt->index, &parameters);
}

/* --- Results ------------------------------------------------------------------------------------
 */

static const struct err *bad_result(struct arena *arena, const struct stmt *stmt,
                                    const char *column, const char *what)
{
    return ERR_NEW(arena, ERR_STATEMENT_RESULT, STR_NONE, str_c(stmt->name),
                   str_fmt(arena, "%s %s", column, what));
}

static uint64_t read_big_endian(const char *p, int n)
{
    uint64_t v = 0;
    for (int i = 0; i < n; i++)
        v = v << 8 | (unsigned char)p[i];
    return v;
}

static bool decode_i64(const char *p, int n, int64_t *v)
{
    uint64_t bits = read_big_endian(p, n);
    if (n == 8)
        *v = (int64_t)bits;
    else if (n == 4)
        *v = (int32_t)(uint32_t)bits;
    else if (n == 2)
        *v = (int16_t)(uint16_t)bits;
    else
        return false;
    return true;
}

static const struct err *decode_column(struct arena *arena, const struct stmt *stmt,
                                       const PGresult *result, int row, int i, void *out, bool copy)
{
    const struct stmt_field *field = &stmt->out[i];
    const char *p = PQgetvalue(result, row, i);
    int n = PQgetlength(result, row, i);
    if (PQgetisnull(result, row, i)) {
        if (!field->nullable)
            return bad_result(arena, stmt, field->name, "is NULL");
        stmt_put_null(field, out);
    } else if (field->type == STMT_I64) {
        int64_t v;
        if (!decode_i64(p, n, &v))
            return bad_result(arena, stmt, field->name, "is no integer");
        stmt_put_i64(field, out, v);
    } else if (field->type == STMT_F64) {
        double v;
        uint64_t bits = read_big_endian(p, 8);
        if (n != 8)
            return bad_result(arena, stmt, field->name, "is no real number");
        memcpy(&v, &bits, 8);
        stmt_put_f64(field, out, v);
    } else {
        struct str s = {p, (size_t)n};
        stmt_put_str(field, out, copy ? str_copy(arena, s) : s);
    }
    return NULL;
}

static const struct err *decode_row(struct arena *arena, const struct stmt *stmt,
                                    const PGresult *result, int row, void *out, bool copy)
{
    if (PQnfields(result) != stmt->out_count)
        return bad_result(arena, stmt, "the row", "has another number of columns");
    for (int i = 0; i < stmt->out_count; i++)
        TRY(decode_column(arena, stmt, result, row, i, out, copy));
    return NULL;
}

/* Where the results of a statement that was queued once or many times go. */
struct destination {
    const struct stmt *stmt;
    char *outs;  /* NULL: the rows are not wanted */
    bool *found; /* NULL: not wanted */
    int64_t changed;
};

static const struct err *read_into(struct postgres_connection *c, PGresult **result, void *arg,
                                   size_t index)
{
    struct destination *d = arg;
    int rows = PQntuples(*result);
    d->changed = strtoll(PQcmdTuples(*result), NULL, 10);
    if (d->found)
        d->found[index] = d->stmt->out_count > 0 ? rows > 0 : d->changed > 0;
    if (d->stmt->out_count > 0 && rows > 1)
        return bad_result(c->arena, d->stmt, "there", "is more than one row");
    if (!d->outs || rows == 0)
        return NULL;
    return decode_row(c->arena, d->stmt, *result, 0, d->outs + index * d->stmt->out_size, true);
}

/* --- What the runner calls ----------------------------------------------------------------------
 */

const struct err *postgres_run(struct tx *tx, const struct stmt *stmt, const void *in,
                               int64_t *changed)
{
    struct destination d = {.stmt = stmt};
    if (!changed)
        return queue(tx, stmt, in, NULL, NULL, 0);
    TRY(queue(tx, stmt, in, read_into, &d, 0));
    TRY(postgres_finish(tx->connection));
    *changed = d.changed;
    return NULL;
}

const struct err *postgres_one(struct tx *tx, const struct stmt *stmt, const void *in, void *out,
                               bool *found)
{
    struct destination d = {.stmt = stmt, .outs = out, .found = found};
    *found = false;
    TRY(queue(tx, stmt, in, read_into, &d, 0));
    return postgres_finish(tx->connection);
}

const struct err *postgres_many(struct tx *tx, const struct stmt *stmt, const void *ins,
                                size_t count, void *outs, bool *found)
{
    struct destination d = {.stmt = stmt, .outs = outs, .found = found};
    const struct err *err = NULL;
    for (size_t i = 0; i < count && !err; i++)
        err = queue(tx, stmt, (const char *)ins + i * stmt->in_size, read_into, &d, i);
    const struct err *last =
        postgres_finish(tx->connection); /* before d goes out of scope, whatever happened */
    return err ? err : last;
}

/* --- COPY ---------------------------------------------------------------------------------------
 */

/* The stream of COPY … (FORMAT binary), sent in chunks. */
struct copy {
    struct postgres_connection *connection;
    bool failed;
    size_t used;
    char chunk[COPY_CHUNK_BYTES];
};

static void copy_send(struct copy *copy)
{
    struct postgres_connection *c = copy->connection;
    if (copy->used > 0 && !copy->failed)
        copy->failed =
            PQputCopyData(c->pg, copy->chunk, (int)copy->used) != 1 || !postgres_flush(c);
    copy->used = 0;
}

static void copy_put(struct copy *copy, const void *bytes, size_t n)
{
    const char *p = bytes;
    while (n > 0) {
        size_t room = sizeof(copy->chunk) - copy->used, part = n < room ? n : room;
        memcpy(copy->chunk + copy->used, p, part);
        copy->used += part;
        p += part;
        n -= part;
        if (copy->used == sizeof(copy->chunk))
            copy_send(copy);
    }
}

static void copy_put_i32(struct copy *copy, int32_t v)
{
    uint32_t bits = htobe32((uint32_t)v);
    copy_put(copy, &bits, sizeof(bits));
}

static void copy_put_i16(struct copy *copy, int16_t v)
{
    uint16_t bits = htobe16((uint16_t)v);
    copy_put(copy, &bits, sizeof(bits));
}

static void copy_put_row(struct copy *copy, const struct stmt *stmt, const void *in)
{
    copy_put_i16(copy, (int16_t)stmt->in_count);
    for (int i = 0; i < stmt->in_count; i++) {
        char number[8];
        const char *p;
        size_t n;
        if (!encode(&stmt->in[i], in, number, &p, &n)) {
            copy_put_i32(copy, -1);
            continue;
        }
        CHECK(n <= INT32_MAX);
        copy_put_i32(copy, (int32_t)n);
        copy_put(copy, p, n);
    }
}

static void copy_rows(struct copy *copy, const struct stmt *stmt, const char *ins, size_t count)
{
    static const char signature[] = "PGCOPY\n\377\r\n"; /* with the NUL at its end: 11 bytes */
    copy_put(copy, signature, sizeof(signature));
    copy_put_i32(copy, 0); /* flags */
    copy_put_i32(copy, 0); /* length of the header's extension */
    for (size_t i = 0; i < count && !copy->failed; i++)
        copy_put_row(copy, stmt, ins + i * stmt->in_size);
    copy_put_i16(copy, -1);
    copy_send(copy);
    struct postgres_connection *c = copy->connection;
    if (!copy->failed)
        copy->failed = PQputCopyEnd(c->pg, NULL) != 1 || !postgres_flush(c);
}

/* Reads the results of a COPY to the last one. */
static const struct err *copy_result(struct postgres_connection *c, const struct stmt *stmt)
{
    const struct err *err = NULL;
    PGresult *result;
    while ((result = postgres_result(c))) {
        if (PQresultStatus(result) != PGRES_COMMAND_OK && !err)
            err = postgres_error(c, stmt->name, result);
        PQclear(result);
        if (c->broken)
            break;
    }
    return err;
}

static const struct err *copy_in(struct postgres_connection *c, const struct stmt *stmt,
                                 const char *ins, size_t count)
{
    const char *sql = str_z(c->arena, str_fmt(c->arena, "COPY %s (%s) FROM STDIN (FORMAT binary)",
                                              stmt->bulk_table, stmt->bulk_columns));
    PGresult *result = postgres_exec(c, sql);
    const struct err *err =
        PQresultStatus(result) == PGRES_COPY_IN ? NULL : postgres_error(c, stmt->name, result);
    PQclear(result);
    if (err)
        return err;
    struct copy copy;
    copy.connection = c;
    copy.failed = false;
    copy.used = 0;
    copy_rows(&copy, stmt, ins, count);
    err = copy_result(c, stmt);
    if (!err && (copy.failed || c->silent))
        err = postgres_error(c, stmt->name, NULL);
    return err;
}

const struct err *postgres_bulk(struct tx *tx, const struct stmt *stmt, const void *ins,
                                size_t count)
{
    struct postgres_connection *c = tx->connection;
    if (count < COPY_ROWS_MIN) {
        for (size_t i = 0; i < count; i++)
            TRY(postgres_run(tx, stmt, (const char *)ins + i * stmt->in_size, NULL));
        return NULL;
    }
    TRY(postgres_leave_pipeline(c));
    const struct err *err = copy_in(c, stmt, ins, count);
    postgres_enter_pipeline(c);
    return err;
}

/* --- Cursors ------------------------------------------------------------------------------------
 */

/* Rows that were fetched; more are on the server where the statement has "rows: many". */
struct postgres_cursor {
    PGresult *rows;
    int row;
    bool on_server, at_end;
    char name[24];
    struct postgres_cursor *next;
};

static const struct err *keep_rows(struct postgres_connection *c, PGresult **result, void *arg,
                                   size_t index)
{
    struct postgres_cursor *k = arg;
    (void)c;
    (void)index;
    k->rows = *result;
    k->row = 0;
    *result = NULL;
    return NULL;
}

static const struct err *declare(struct tx *tx, const struct stmt *stmt, const void *in,
                                 struct postgres_cursor *k)
{
    struct postgres_connection *c = tx->connection;
    struct postgres_parameters parameters;
    struct postgres_queued entry = {.name = stmt->name};
    snprintf(k->name, sizeof(k->name), "c%d", c->cursors_named++);
    encode_all(stmt, in, &parameters);
    struct str sql =
        str_fmt(tx->arena, "DECLARE %s NO SCROLL CURSOR FOR %s", k->name, stmt->sql_postgres);
    return postgres_queue_text(c, &entry, str_z(tx->arena, sql), &parameters, true);
}

const struct err *postgres_open_cursor(struct tx *tx, const struct stmt *stmt, const void *in,
                                       void **cursor)
{
    struct postgres_connection *c = tx->connection;
    struct postgres_cursor *k = ARENA_NEW(tx->arena, struct postgres_cursor);
    k->on_server = stmt->rows_many;
    k->at_end = !stmt->rows_many;
    k->next = c->cursors;
    c->cursors = k;
    *cursor = k;
    if (k->on_server)
        return declare(tx, stmt, in, k);
    TRY(queue(tx, stmt, in, keep_rows, k, 0));
    return postgres_finish(c);
}

static const struct err *fetch(struct postgres_connection *c, const struct stmt *stmt,
                               struct postgres_cursor *k)
{
    struct postgres_queued entry = {stmt->name, keep_rows, k, 0};
    char sql[64];
    PQclear(k->rows);
    k->rows = NULL;
    snprintf(sql, sizeof(sql), "FETCH FORWARD " FETCH_ROWS_TEXT " FROM %s", k->name);
    TRY(postgres_queue_text(c, &entry, sql, NULL, true));
    TRY(postgres_finish(c));
    k->at_end = PQntuples(k->rows) < FETCH_ROWS;
    return NULL;
}

const struct err *postgres_next(struct tx *tx, const struct stmt *stmt, void *cursor, void *out,
                                bool *has)
{
    struct postgres_cursor *k = cursor;
    if (!k->at_end && (!k->rows || k->row == PQntuples(k->rows)))
        TRY(fetch(tx->connection, stmt, k));
    *has = k->row < PQntuples(k->rows);
    if (!*has)
        return NULL;
    return decode_row(tx->arena, stmt, k->rows, k->row++, out, false);
}

void postgres_close_cursor(struct tx *tx, void *cursor)
{
    struct postgres_connection *c = tx->connection;
    struct postgres_cursor *k = cursor;
    for (struct postgres_cursor **link = &c->cursors; *link; link = &(*link)->next) {
        if (*link == k) {
            *link = k->next;
            break;
        }
    }
    PQclear(k->rows);
    if (!k->on_server || c->broken || tx->failure)
        return;
    char sql[64];
    struct postgres_queued entry = {.name = "CLOSE"};
    snprintf(sql, sizeof(sql), "CLOSE %s", k->name);
    const struct err *err = postgres_queue_text(c, &entry, sql, NULL, false);
    if (err)
        tx->failure = err;
}

void postgres_forget_cursors(struct postgres_connection *c)
{
    for (struct postgres_cursor *k = c->cursors; k; k = k->next)
        PQclear(k->rows);
    c->cursors = NULL;
    c->cursors_named = 0;
}
