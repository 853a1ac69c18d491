/* Named statements. They are written in the rooms' statements*.sql and made into C by tools/mksql: for each a struct of
 * its parameters, a struct of its columns and typed functions. Nothing else in the program holds SQL. Format:
 *
 *   -- name: order_by_number
 *   -- doc: which order a source's number names; the import reads it before each write.
 *   -- in: number_hash bytes
 *   -- out: customer_id i64, order_id i64, paid_day i64?
 *   -- plan: search
 *   SELECT customer_id, order_id, paid_day FROM orders WHERE … = :number_hash;
 *
 * Types: i64, f64, text, bytes; a trailing ? means NULL is possible. plan: "search" (every table is reached by an index)
 * or "scan, because …" (a full scan is meant, and why). Optional lines: "dialect: sqlite" / "dialect: postgres" for a
 * pair of the same name (in, out, rows and plan alike); "rows: many" for a result that must not be held in memory;
 * "bulk: yes" for a plain
 * INSERT INTO t(columns) VALUES (:columns), the parameters in the order of `in`, which PostgreSQL may run as COPY.
 * COLLATE "C" behind a text orders it by its bytes on both (SQLite does so without being told, and is not).
 * A line that begins with "--" and two or more spaces goes on with the one above. tools/mksql refuses everything else.
 *
 * The first error of a statement ends its transaction on both databases: every later statement answers with the same
 * error, and nothing is committed. Text must be UTF-8 without NUL bytes. */
#ifndef HUITOU_STORE_STMT_H
#define HUITOU_STORE_STMT_H

#include "base/err.h"

struct tx;

enum stmt_type { STMT_I64, STMT_F64, STMT_TEXT, STMT_BYTES };

/* Nullable integers and reals; a nullable text or bytes is a str with p == NULL. bytes are a struct str. */
struct opt_i64 {
    bool set;
    int64_t v;
};
struct opt_f64 {
    bool set;
    double v;
};
static inline struct opt_i64 some_i64(int64_t v)
{
    return (struct opt_i64){true, v};
}

struct stmt_field {
    const char *name;
    enum stmt_type type;
    bool nullable;
    size_t offset;
};

struct stmt {
    const char *name;
    const char *file; /* the .sql file it stands in */
    const char *sql_sqlite;   /* parameters as ?1 ?2 … in the order of `in` */
    const char *sql_postgres; /* parameters as $1 $2 … */
    const char *bulk_table, *bulk_columns; /* NULL unless bulk */
    const struct stmt_field *in, *out;
    int in_count, out_count;
    size_t in_size, out_size;
    bool rows_many;
    bool scan_meant;
    int index; /* its place in stmt_all */
};

extern const struct stmt *const stmt_all[]; /* made by tools/mksql, in the order of the files */
extern const int stmt_count;
const struct stmt *stmt_by_name(const char *name); /* NULL where unknown */

/* Runs a statement without a result. On PostgreSQL it is only queued: an error may come from a later call or from
 * the commit; it never gets lost. */
ERR_RESULT stmt_run(struct tx *tx, const struct stmt *stmt, const void *in);
/* As stmt_run, waits, and tells how many rows were changed. */
ERR_RESULT stmt_run_count(struct tx *tx, const struct stmt *stmt, const void *in, int64_t *changed);
/* At most one row (more is the error STATEMENT_RESULT); *found says whether there was one. Text and bytes are copied
 * into tx_arena. */
ERR_RESULT stmt_one(struct tx *tx, const struct stmt *stmt, const void *in, void *out, bool *found);
/* Runs the statement once for each of count parameter structs (in_size apart), at most one row each, into outs
 * (out_size apart; may be NULL for a statement without a result) and found[] (may be NULL; for a statement without a
 * result: whether it changed a row). A round trip on PostgreSQL for every 256. */
ERR_RESULT stmt_many(struct tx *tx, const struct stmt *stmt, const void *ins, size_t count, void *outs,
                     bool *found);
/* Rows one by one; text and bytes are valid until the next stmt_next. Several cursors may be open at once. */
struct stmt_cursor {
    struct tx *tx;
    const struct stmt *stmt;
    void *driver;
};
ERR_RESULT stmt_open(struct tx *tx, const struct stmt *stmt, const void *in, struct stmt_cursor *cursor);
ERR_RESULT stmt_next(struct stmt_cursor *cursor, void *out, bool *has);
void stmt_close(struct stmt_cursor *cursor); /* may be called before the end; needless after it */
/* Many rows through a `bulk: yes` statement, count structs in_size apart. */
ERR_RESULT stmt_bulk(struct tx *tx, const struct stmt *stmt, const void *ins, size_t count);

#endif
