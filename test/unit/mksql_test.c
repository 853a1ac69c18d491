/* link: store */
/* tools/mksql: what it makes of a good input, and that it refuses each bad one with file and line.
 * Runs the program itself, which the build puts beside the folder of the tests. */
#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/huitou-mksql-XXXXXX";

static void write_text(const char *name, const char *text)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void read_text(const char *name, char *text, size_t size)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, size - 1, file)] = '\0';
    fclose(file);
}

/* Runs mksql over the places "one" and "room/two"; returns its exit code and what it said. */
static int run(char *said, size_t size)
{
    char self[PATH_MAX], command[3 * PATH_MAX + 100];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    assert_true(n > 0);
    self[n] = '\0';
    *strrchr(self, '/') = '\0';
    snprintf(command, sizeof(command), "%s/../mksql %s/gen %s/src one room/two 2>&1", self, folder,
             folder);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t got = fread(said, 1, size - 1, pipe);
    said[got] = '\0';
    int status = pclose(pipe);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static const char good_schema[] =
    "-- About these tables; a ; in a comment\n"
    "-- migration: 1 the first\n"
    "CREATE TABLE a (id INT64 NOT NULL, t TEXT, b BYTES, f FLOAT64, -- INT64 here; no\n"
    "    PRIMARY KEY (id)) STRICT CLUSTERED;\n"
    "CREATE TABLE b (id INT64 NOT NULL) STRICT;\n"
    "-- migration: 2 the second\n"
    "INSERT INTO a (id, t) VALUES (1, 'INT64; STRICT ''quoted''');\n";
static const char good_statements[] =
    "-- Head of the file, free words: nothing.\n\n"
    "-- name: one_get\n-- doc: looks.\n-- in: id i64, t text?\n-- out: b bytes?, f f64\n-- plan: "
    "search\n"
    "SELECT b, f FROM a\nWHERE t = :t AND id = :id -- not :this\n  AND t <> ':not \"this\" --' /* "
    "nor :that */ AND id = :id ORDER BY t COLLATE \"C\", id;\n\n"
    "-- name: one_put\n-- doc: adds.\n-- in: id i64,\n--     t text?\n-- bulk: yes\n-- plan: "
    "search\n"
    "INSERT INTO a (id, t) VALUES (:id, :t);\n";

static void write_good(void)
{
    write_text("src/one/schema.sql", good_schema);
    write_text("src/one/statements.sql", good_statements);
    write_text("src/room/two/schema.sql", "-- migration: 3 x\nCREATE INDEX i ON a (t);\n");
    write_text("src/room/two/statements.sql", "");
}

static void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("missing: %s\nin:\n%s", part, text);
}

static void good_input_is_made_into_c(void **state)
{
    static char text[100000];
    (void)state;
    write_good();
    assert_int_equal(run(text, sizeof(text)), 0);
    assert_string_equal(text, "");
    read_text("gen/sql_all.c", text, sizeof(text));
    assert_has(text, "WHERE t = \\?2 AND id = \\?1 \\n");
    assert_has(text, "AND t <> ':not \\\"this\\\" --'  AND id = \\?1 ORDER BY t , id\"");
    assert_has(text, "WHERE t = $2 AND id = $1 \\n");
    assert_has(text, "AND id = $1 ORDER BY t COLLATE \\\"C\\\", id\"");
    assert_has(text, "(id INTEGER NOT NULL, t TEXT, b BLOB, f REAL, \\n");
    assert_has(text, "PRIMARY KEY (id)) STRICT, WITHOUT ROWID\"");
    assert_has(text, "(id BIGINT NOT NULL, t TEXT, b BYTEA, f DOUBLE PRECISION, \\n");
    assert_has(text, "PRIMARY KEY (id))\"");
    assert_has(text, "VALUES (1, 'INT64; STRICT ''quoted''')\"");
    assert_has(text, ".bulk_table = \"a\"");
    assert_has(text, ".bulk_columns = \"id, t\"");
    assert_has(text, "{\"f\", STMT_F64, false, offsetof(struct sql_one_get_out, f)}");
    assert_has(text, "const int stmt_count = 2;");
    assert_has(text, "const int migration_count = 3;");
    read_text("gen/sql_one.h", text, sizeof(text));
    assert_has(text, "struct sql_one_get_in {\n    int64_t id;\n    struct str t;\n};");
    assert_has(text, "sql_one_get_one(struct tx *tx, const struct sql_one_get_in *in,");
    assert_has(text, "sql_one_put_bulk(");
    read_text("gen/sql_two.h", text, sizeof(text));
    assert_has(text, "#include \"store/stmt.h\"");
}

#define HEAD "-- name: one_x\n-- doc: d.\n-- plan: search\n"
#define ONE "src/one/statements.sql"
#define SCHEMA "src/one/schema.sql"

static const struct bad {
    const char *file, *text, *said; /* said: what follows the folder */
} bads[] = {
    {ONE, "-- name: one_x\n-- doc: d.\n-- plam: search\nSELECT 1;", ONE ":3: unknown annotation"},
    {ONE, "-- name: two_x\n-- doc: d.\n-- plan: search\nSELECT 1;",
     ONE ":1: two_x: the name must begin"},
    {ONE, "-- name: one_X\n-- doc: d.\n-- plan: search\nSELECT 1;",
     ONE ":1: one_X: a name is made of"},
    {ONE, HEAD "SELECT :a;", ONE ":4: one_x: parameter :a is not in"},
    {ONE, "-- name: one_x\n-- doc: d.\n-- in: a i64, b i64\n-- plan: search\nSELECT :a;",
     ONE ":3: one_x: b is in"},
    {ONE, "-- name: one_x\n-- doc: d.\n-- in: a i64, a i64\n-- plan: search\nSELECT :a;",
     ONE ":3: a is named twice"},
    {ONE, "-- name: one_x\n-- doc: d.\n-- in: a int\n-- plan: search\nSELECT :a;",
     ONE ":3: a: unknown type"},
    {ONE, "-- name: one_x\n-- doc: d.\nSELECT 1;", ONE ":1: one_x: no \"-- plan:\""},
    {ONE, "-- name: one_x\n-- plan: search\nSELECT 1;", ONE ":1: one_x: no \"-- doc:\""},
    {ONE, "-- name: one_x\n-- doc: d.\n-- plan: scan\nSELECT 1;", ONE ":3: plan is"},
    {ONE, HEAD "SELECT 1;\n" HEAD "SELECT 2;", ONE ":5: one_x stands also in"},
    {ONE, HEAD "SELECT 1", ONE ":4: one_x: no ; at its end"},
    {ONE, HEAD "SELECT 1\n" HEAD "SELECT 2;", ONE ":5: one_x: an annotation inside its SQL"},
    {ONE, HEAD "SELECT 'x;", ONE ":4: a quote is not closed"},
    {ONE, HEAD "SELECT /* x;", ONE ":4: a comment is not closed"},
    {ONE, HEAD "SELECT ?1;", ONE ":4: one_x: parameters are written :name"},
    {ONE, HEAD "SELECT $1;", ONE ":4: one_x: parameters are written :name"},
    {ONE, HEAD "SELECT 1::bigint;", ONE ":4: one_x: a colon that begins no parameter"},
    {ONE, HEAD "SELECT 1 COLLATE NOCASE;", ONE ":4: one_x: the only COLLATE is"},
    {ONE, HEAD "DROP TABLE a;", ONE ":1: one_x: begins with none of"},
    {ONE, HEAD "  ;", ONE ":1: one_x: has no SQL"},
    {ONE, HEAD "\nSELECT 1;", ONE ":4: an empty line between"},
    {ONE, "SELECT 1;", ONE ":1: SQL without a \"-- name:\""},
    {ONE, "-- plan: search\n", ONE ":1: \"plan:\" without a \"-- name:\""},
    {ONE, HEAD "-- plan: search\nSELECT 1;", ONE ":4: a second \"plan:\""},
    {ONE, HEAD "-- rows: few\nSELECT 1;", ONE ":4: rows is"},
    {ONE, HEAD "-- rows: many\nSELECT 1;", ONE ":4: rows: many without"},
    {ONE, HEAD "-- dialect: oracle\nSELECT 1;", ONE ":4: dialect is"},
    {ONE, HEAD "-- dialect: sqlite\nSELECT 1;", ONE ":1: one_x: the other dialect"},
    {ONE, HEAD "-- in: a i64, b i64\n-- bulk: yes\nINSERT INTO t (a, b) VALUES (:b, :a);",
     ONE ":1: one_x: bulk needs"},
    {ONE, HEAD "-- in: a i64\n-- bulk: yes\nINSERT INTO t (a) VALUES (:a) ON CONFLICT DO NOTHING;",
     ONE ":1: one_x: bulk needs"},
    {ONE, HEAD "-- bulk: yes\nSELECT 1;", ONE ":4: one_x: bulk with an out"},
    {SCHEMA, "CREATE TABLE a (id INT64) STRICT;", SCHEMA ":1: SQL without a \"-- migration:"},
    {SCHEMA, "-- migration: two\nCREATE TABLE a (id INT64) STRICT;",
     SCHEMA ":1: a migration is announced by"},
    {SCHEMA, "-- migration: 1\nCREATE TABLE a (id INT64) STRICT;",
     SCHEMA ":1: a migration is announced by"},
    {SCHEMA, "-- migration: 2 x\nCREATE TABLE a (id INT64) STRICT;",
     SCHEMA ":1: migration 2: there is no migration 1"},
    {SCHEMA, "-- migration: 1 x\n-- migration: 2 y\nDROP TABLE a;",
     SCHEMA ":1: migration 1 has no statement"},
    {SCHEMA, "-- migration: 1 x\nDROP TABLE a;\n-- migration: 1 y\nDROP TABLE a;",
     SCHEMA ":3: migration 1 stands also"},
    {SCHEMA, "-- migration: 1 x\nDROP TABLE a;\n-- migration: 3 y\nDROP TABLE a;",
     "src/room/two/schema.sql:1: migration 3 "},
    {SCHEMA, "-- migration: 1 x\nCREATE TABLE a (id INT64);",
     SCHEMA ":2: CREATE TABLE without STRICT"},
    {SCHEMA, "-- migration: 1 x\nCREATE TABLE a (id BIGINT) STRICT;",
     SCHEMA ":2: BIGINT: types are"},
    {SCHEMA, "-- migration: 1 x\nCREATE TABLE a (id INT64) CLUSTERED;",
     SCHEMA ":2: CLUSTERED without STRICT"},
    {SCHEMA, "-- migration: 1 x\nCREATE VIEW a AS SELECT 1;",
     SCHEMA ":2: a migration's statement begins"},
    {SCHEMA, "-- migration: 1 x\nDROP TABLE a", SCHEMA ":2: no ; at the end"},
    {SCHEMA, "-- migration: 1 x\nDROP TABLE a\n-- migration: 2 y\nDROP TABLE b;",
     SCHEMA ":3: a migration inside"},
};

static void each_bad_input_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
        char said[4000], wanted[1000];
        write_good();
        write_text(bads[i].file, bads[i].text);
        int code = run(said, sizeof(said));
        snprintf(wanted, sizeof(wanted), "%s/%s", folder, bads[i].said);
        if (code != 1 || !strstr(said, wanted))
            fail_msg("case %zu: exit code %d\nwanted: %s\nsaid:   %s", i, code, wanted, said);
    }
}

static void dialects_come_in_pairs(void **state)
{
    static char text[100000];
    (void)state;
    write_good();
    write_text(ONE, HEAD "-- out: a i64\n-- dialect: sqlite\nSELECT 1;\n" HEAD
                         "-- out: a i64\n-- dialect: postgres\nSELECT 1::bigint;\n");
    assert_int_equal(run(text, sizeof(text)), 0);
    read_text("gen/sql_all.c", text, sizeof(text));
    assert_has(text, "\"SELECT 1\"");
    assert_has(text, "\"SELECT 1::bigint\"");
    assert_has(text, "const int stmt_count = 1;");
    write_text(ONE, HEAD "-- out: a i64\n-- dialect: sqlite\nSELECT 1;\n" HEAD
                         "-- out: a text\n-- dialect: postgres\nSELECT 'a';\n");
    assert_int_equal(run(text, sizeof(text)), 1);
    assert_has(text, "differ from its pair");
}

static int make_folders(void **state)
{
    static const char *const names[] = {"gen", "src", "src/one", "src/room", "src/room/two"};
    char path[PATH_MAX];
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        if (mkdir(path, 0700) != 0)
            return -1;
    }
    return 0;
}

static int remove_one(const char *path, const struct stat *stat, int flag, struct FTW *walk)
{
    (void)stat;
    (void)flag;
    (void)walk;
    return remove(path);
}

static int remove_folders(void **state)
{
    (void)state;
    return nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_input_is_made_into_c),
        cmocka_unit_test(each_bad_input_is_refused),
        cmocka_unit_test(dialects_come_in_pairs),
    };
    return cmocka_run_group_tests(tests, make_folders, remove_folders);
}
