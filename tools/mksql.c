/* mksql OUTDIR SRCDIR PLACE…: makes C out of SQL.
 *
 * Reads SRCDIR/PLACE/schema.sql and SRCDIR/PLACE/statements*.sql of each place (any may be
 * missing) and writes OUTDIR/sql_NAME.h (NAME is the place's last folder: structs and typed
 * functions of its statements) and OUTDIR/sql_all.c (every statement and every migration, for both
 * databases). The format of statements is described in store/stmt.h, that of migrations in
 * event/schema.sql.
 *
 * What it does not understand ends it with file:line; nothing is ever skipped. Memory is never
 * freed: it is a tool of one short run. */
#include <ctype.h>
#include <errno.h>
#include <glob.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIELDS_MAX 100
#define STATEMENTS_MAX 2000
#define MIGRATIONS_MAX 1000
#define MIGRATION_STATEMENTS_MAX 500
#define PLACES_MAX 100

struct slice {
    const char *p;
    size_t n;
};

enum field_type { TYPE_I64, TYPE_F64, TYPE_TEXT, TYPE_BYTES, TYPE_MAX };
static const struct type_names {
    const char *sql, *constant, *plain, *nullable;
} type_names[TYPE_MAX] = {
    [TYPE_I64] = {"i64", "STMT_I64", "int64_t", "struct opt_i64"},
    [TYPE_F64] = {"f64", "STMT_F64", "double", "struct opt_f64"},
    [TYPE_TEXT] = {"text", "STMT_TEXT", "struct str", "struct str"},
    [TYPE_BYTES] = {"bytes", "STMT_BYTES", "struct str", "struct str"},
};

struct field {
    const char *name;
    enum field_type type;
    bool nullable, used;
};

struct field_list {
    struct field items[FIELDS_MAX];
    int count;
    int line; /* of the annotation; 0 where there is none */
};

enum annotation { A_NAME, A_DOC, A_IN, A_OUT, A_PLAN, A_DIALECT, A_ROWS, A_BULK, A_MAX };
static const char *const annotation_names[A_MAX] = {"name", "doc",     "in",   "out",
                                                    "plan", "dialect", "rows", "bulk"};

enum dialect { DIALECT_BOTH, DIALECT_SQLITE, DIALECT_POSTGRES };

struct statement {
    const char *name, *place, *file;
    int line;
    const char *text[A_MAX]; /* the annotations as written; NULL where missing */
    int text_line[A_MAX];
    struct field_list in, out;
    enum dialect dialect;
    bool rows_many, bulk, scan_meant;
    const char *sql_sqlite, *sql_postgres;
    const char *bulk_table, *bulk_columns;
};

struct migration {
    int number, line;
    const char *title, *file;
    const char *sqlite[MIGRATION_STATEMENTS_MAX], *postgres[MIGRATION_STATEMENTS_MAX];
    int count;
};

struct tool {
    const char *out_dir, *src_dir;
    const char *places[PLACES_MAX];
    int place_count;
    struct statement *statements[STATEMENTS_MAX];
    int statement_count;
    struct migration *migrations[MIGRATIONS_MAX];
    int migration_count;
};

/* --- Small helpers -------------------------------------------------------------------------- */

__attribute__((noreturn, format(printf, 3, 4))) static void die(const char *file, int line,
                                                                const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "%s:%d: ", file, line);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

static void *allocate(size_t bytes)
{
    void *p = calloc(1, bytes);
    if (!p) {
        fprintf(stderr, "mksql: out of memory\n");
        exit(1);
    }
    return p;
}

__attribute__((format(printf, 1, 2))) static char *text_of(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int n = vasprintf(&text, format, args);
    va_end(args);
    if (n < 0) {
        fprintf(stderr, "mksql: out of memory\n");
        exit(1);
    }
    return text;
}

static char *slice_z(struct slice s)
{
    char *text = allocate(s.n + 1);
    memcpy(text, s.p, s.n);
    return text;
}

static bool slice_is(struct slice s, const char *text)
{
    return s.n == strlen(text) && memcmp(s.p, text, s.n) == 0;
}

static struct slice trim(struct slice s)
{
    while (s.n > 0 && isspace((unsigned char)s.p[0]))
        s = (struct slice){s.p + 1, s.n - 1};
    while (s.n > 0 && isspace((unsigned char)s.p[s.n - 1]))
        s.n--;
    return s;
}

static const char *last_folder(const char *place)
{
    const char *slash = strrchr(place, '/');
    return slash ? slash + 1 : place;
}

/* The whole file, or NULL where there is none. */
static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file && errno == ENOENT)
        return NULL;
    if (!file)
        die(path, 0, "cannot be opened: %s", strerror(errno));
    char *text = NULL;
    size_t used = 0, got;
    do {
        text = realloc(text, used + 65536 + 1);
        if (!text)
            die(path, 0, "out of memory");
        got = fread(text + used, 1, 65536, file);
        used += got;
    } while (got > 0);
    if (ferror(file))
        die(path, 0, "cannot be read");
    fclose(file);
    text[used] = '\0';
    if (strlen(text) != used)
        die(path, 0, "holds a NUL byte");
    return text;
}

/* Written only where it changes, so that what depends on it is not built again for nothing. */
static void write_file(const char *path, const char *text)
{
    const char *old = read_file(path);
    if (old && strcmp(old, text) == 0)
        return;
    FILE *file = fopen(path, "wb");
    if (!file)
        die(path, 0, "cannot be written: %s", strerror(errno));
    size_t n = strlen(text);
    if (fwrite(text, 1, n, file) != n || fclose(file) != 0)
        die(path, 0, "cannot be written");
}

/* --- Tokens of SQL -------------------------------------------------------------------------- */

enum token_kind { T_END, T_SPACE, T_COMMENT, T_QUOTED, T_WORD, T_NUMBER, T_SYMBOL };
struct token {
    enum token_kind kind;
    struct slice text;
    int line;
};
struct lexer {
    const char *file, *p;
    int line;
};

static bool is_word_char(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static const char *end_of_quoted(const struct lexer *lexer)
{
    const char *end = strchr(lexer->p + 1, lexer->p[0]);
    if (!end)
        die(lexer->file, lexer->line, "a quote is not closed");
    return end + 1; /* a doubled quote simply begins the next quoted token */
}

static const char *end_of_comment(const struct lexer *lexer)
{
    if (lexer->p[0] == '-')
        return lexer->p + strcspn(lexer->p, "\n");
    const char *end = strstr(lexer->p + 2, "*/");
    if (!end)
        die(lexer->file, lexer->line, "a comment is not closed");
    return end + 2;
}

static struct token next_token(struct lexer *lexer)
{
    const char *begin = lexer->p, *end = begin;
    enum token_kind kind;
    if (*begin == '\0') {
        kind = T_END;
    } else if (isspace((unsigned char)*begin)) {
        kind = T_SPACE;
        while (isspace((unsigned char)*end))
            end++;
    } else if (strncmp(begin, "--", 2) == 0 || strncmp(begin, "/*", 2) == 0) {
        kind = T_COMMENT;
        end = end_of_comment(lexer);
    } else if (*begin == '\'' || *begin == '"') {
        kind = T_QUOTED;
        end = end_of_quoted(lexer);
    } else if (is_word_char(*begin)) {
        kind = isdigit((unsigned char)*begin) ? T_NUMBER : T_WORD;
        while (is_word_char(*end))
            end++;
    } else {
        kind = T_SYMBOL;
        end++;
    }
    struct token token = {kind, {begin, (size_t)(end - begin)}, lexer->line};
    for (const char *p = begin; p < end; p++)
        lexer->line += *p == '\n';
    lexer->p = end;
    return token;
}

static bool token_is(struct token token, const char *text)
{
    return (token.kind == T_WORD || token.kind == T_SYMBOL) && slice_is(token.text, text);
}

/* --- The head of a statement ---------------------------------------------------------------- */

/* "-- key: value" → the annotation and its value; A_MAX where the comment is none that is known. */
static enum annotation annotation_of(struct slice comment, struct slice *value)
{
    if (comment.n < 3 || comment.p[0] != '-' || comment.p[2] != ' ')
        return A_MAX;
    struct slice rest = {comment.p + 3, comment.n - 3};
    for (int a = 0; a < A_MAX; a++) {
        size_t n = strlen(annotation_names[a]);
        if (rest.n > n && memcmp(rest.p, annotation_names[a], n) == 0 && rest.p[n] == ':') {
            *value = trim((struct slice){rest.p + n + 1, rest.n - n - 1});
            return (enum annotation)a;
        }
    }
    return A_MAX;
}

static void add_annotation(struct statement *s, enum annotation a, struct slice value, int line)
{
    if (s->text[a])
        die(s->file, line, "a second \"%s:\"", annotation_names[a]);
    if (value.n == 0)
        die(s->file, line, "\"%s:\" is empty", annotation_names[a]);
    s->text[a] = slice_z(value);
    s->text_line[a] = line;
}

/* Reads the comment lines below "-- name:". A line that begins with "--" and two or more spaces
 * continues the one above it. Stops before the first token of the SQL. */
static void read_head(struct lexer *lexer, struct statement *s)
{
    int last = A_NAME;
    for (;;) {
        struct lexer before = *lexer;
        struct token token = next_token(lexer);
        if (token.kind == T_SPACE) {
            if (lexer->line > token.line + 1)
                die(s->file, token.line + 1, "an empty line between \"-- name: %s\" and its SQL",
                    s->name);
            continue;
        }
        if (token.kind != T_COMMENT) {
            *lexer = before;
            return;
        }
        struct slice value;
        enum annotation a = annotation_of(token.text, &value);
        if (a != A_MAX) {
            add_annotation(s, a, value, token.line);
            last = (int)a;
        } else if (token.text.n > 4 && memcmp(token.text.p, "--  ", 4) == 0 && last != A_NAME) {
            struct slice more = trim((struct slice){token.text.p + 2, token.text.n - 2});
            s->text[last] = text_of("%s %s", s->text[last], slice_z(more));
        } else {
            die(s->file, token.line, "unknown annotation: %.*s", (int)token.text.n, token.text.p);
        }
    }
}

static struct field parse_field(const struct statement *s, int line, struct slice item)
{
    struct field field = {0};
    size_t n = 0;
    while (n < item.n && is_word_char(item.p[n]))
        n++;
    if (n == 0 || isdigit((unsigned char)item.p[0]))
        die(s->file, line, "not a \"name type\": %.*s", (int)item.n, item.p);
    field.name = slice_z((struct slice){item.p, n});
    struct slice type = trim((struct slice){item.p + n, item.n - n});
    if (type.n > 0 && type.p[type.n - 1] == '?') {
        field.nullable = true;
        type.n--;
    }
    for (int t = 0; t < TYPE_MAX; t++) {
        if (slice_is(type, type_names[t].sql)) {
            field.type = (enum field_type)t;
            return field;
        }
    }
    die(s->file, line, "%s: unknown type \"%.*s\" (i64, f64, text, bytes, or one of them with ?)",
        field.name, (int)type.n, type.p);
}

static void parse_fields(const struct statement *s, enum annotation a, struct field_list *list)
{
    if (!s->text[a])
        return;
    list->line = s->text_line[a];
    const char *p = s->text[a];
    for (;;) {
        size_t n = strcspn(p, ",");
        if (list->count == FIELDS_MAX)
            die(s->file, list->line, "more than %d fields", FIELDS_MAX);
        struct field field = parse_field(s, list->line, trim((struct slice){p, n}));
        for (int i = 0; i < list->count; i++) {
            if (strcmp(list->items[i].name, field.name) == 0)
                die(s->file, list->line, "%s is named twice", field.name);
        }
        list->items[list->count++] = field;
        if (p[n] == '\0')
            return;
        p += n + 1;
    }
}

static void check_name(const struct statement *s)
{
    const char *prefix = last_folder(s->place);
    size_t n = strlen(prefix);
    if (strncmp(s->name, prefix, n) != 0 || s->name[n] != '_' || s->name[n + 1] == '\0')
        die(s->file, s->line, "%s: the name must begin with \"%s_\"", s->name, prefix);
    for (const char *p = s->name; *p; p++) {
        if (!islower((unsigned char)*p) && !isdigit((unsigned char)*p) && *p != '_')
            die(s->file, s->line, "%s: a name is made of a-z, 0-9 and _", s->name);
    }
}

static void understand_head(struct statement *s)
{
    check_name(s);
    if (!s->text[A_DOC])
        die(s->file, s->line, "%s: no \"-- doc:\" that says what it is for", s->name);
    if (!s->text[A_PLAN])
        die(s->file, s->line, "%s: no \"-- plan:\" (search, or: scan, because …)", s->name);
    parse_fields(s, A_IN, &s->in);
    parse_fields(s, A_OUT, &s->out);
    const char *plan = s->text[A_PLAN], *reason = "scan, because ";
    s->scan_meant = strncmp(plan, reason, strlen(reason)) == 0 && plan[strlen(reason)] != '\0';
    if (!s->scan_meant && strcmp(plan, "search") != 0)
        die(s->file, s->text_line[A_PLAN], "plan is \"search\" or \"scan, because …\", not \"%s\"",
            plan);
    if (s->text[A_DIALECT]) {
        if (strcmp(s->text[A_DIALECT], "sqlite") == 0)
            s->dialect = DIALECT_SQLITE;
        else if (strcmp(s->text[A_DIALECT], "postgres") == 0)
            s->dialect = DIALECT_POSTGRES;
        else
            die(s->file, s->text_line[A_DIALECT], "dialect is \"sqlite\" or \"postgres\"");
    }
    if (s->text[A_ROWS] && strcmp(s->text[A_ROWS], "many") != 0)
        die(s->file, s->text_line[A_ROWS], "rows is \"many\" or missing");
    if (s->text[A_BULK] && strcmp(s->text[A_BULK], "yes") != 0)
        die(s->file, s->text_line[A_BULK], "bulk is \"yes\" or missing");
    s->rows_many = s->text[A_ROWS] != NULL;
    s->bulk = s->text[A_BULK] != NULL;
    if (s->rows_many && s->out.count == 0)
        die(s->file, s->text_line[A_ROWS], "rows: many without an \"-- out:\"");
}

/* --- The SQL of a statement ----------------------------------------------------------------- */

static int parameter_index(struct statement *s, int line, struct slice name)
{
    for (int i = 0; i < s->in.count; i++) {
        if (slice_is(name, s->in.items[i].name)) {
            s->in.items[i].used = true;
            return i + 1;
        }
    }
    die(s->file, line, "%s: parameter :%.*s is not in \"-- in:\"", s->name, (int)name.n, name.p);
}

/* After a colon: a parameter, or on PostgreSQL alone the second half of a cast. */
static void read_colon(struct lexer *lexer, struct statement *s, FILE *sqlite, FILE *postgres)
{
    struct token token = next_token(lexer);
    if (token.kind == T_WORD) {
        int index = parameter_index(s, token.line, token.text);
        fprintf(sqlite, "?%d", index);
        fprintf(postgres, "$%d", index);
        return;
    }
    if (!token_is(token, ":") || s->dialect != DIALECT_POSTGRES)
        die(s->file, token.line, "%s: a colon that begins no parameter", s->name);
    fputs("::", postgres);
}

/* The next token that is neither space nor comment. */
static struct token next_solid(struct lexer *lexer)
{
    struct token token;
    do
        token = next_token(lexer);
    while (token.kind == T_SPACE || token.kind == T_COMMENT);
    return token;
}

/* COLLATE "C": by the bytes, as SQLite compares unless told otherwise; PostgreSQL must be told. */
static void read_collate(struct lexer *lexer, const struct statement *s, FILE *postgres)
{
    struct token token = next_solid(lexer);
    if (token.kind != T_QUOTED || !slice_is(token.text, "\"C\""))
        die(s->file, token.line, "%s: the only COLLATE is \"C\"", s->name);
    fputs("COLLATE \"C\"", postgres);
}

/* Reads up to the semicolon and writes the statement for both databases. Comments are left out. */
static void read_sql(struct lexer *lexer, struct statement *s, FILE *sqlite, FILE *postgres)
{
    bool any = false;
    for (;;) {
        struct token token = next_token(lexer);
        struct slice ignored;
        if (token.kind == T_END)
            die(s->file, token.line, "%s: no ; at its end", s->name);
        if (token.kind == T_COMMENT) {
            if (annotation_of(token.text, &ignored) != A_MAX)
                die(s->file, token.line, "%s: an annotation inside its SQL; is a ; missing?",
                    s->name);
            continue;
        }
        if (token_is(token, ";"))
            break;
        if (token_is(token, "?") || token_is(token, "$"))
            die(s->file, token.line, "%s: parameters are written :name", s->name);
        if (token_is(token, ":")) {
            read_colon(lexer, s, sqlite, postgres);
            continue;
        }
        if (token_is(token, "COLLATE")) {
            read_collate(lexer, s, postgres);
            continue;
        }
        any = any || token.kind != T_SPACE;
        fwrite(token.text.p, 1, token.text.n, sqlite);
        fwrite(token.text.p, 1, token.text.n, postgres);
    }
    if (!any)
        die(s->file, s->line, "%s: has no SQL", s->name);
}

static void check_first_word(const struct statement *s, const char *sql)
{
    static const char *const allowed[] = {"SELECT", "INSERT", "UPDATE", "DELETE", "WITH"};
    size_t n = strspn(sql, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
        if (n == strlen(allowed[i]) && strncmp(sql, allowed[i], n) == 0)
            return;
    }
    die(s->file, s->line, "%s: begins with none of SELECT INSERT UPDATE DELETE WITH", s->name);
}

static void expect(const struct statement *s, struct lexer *lexer, const char *text)
{
    if (!token_is(next_solid(lexer), text))
        die(s->file, s->line,
            "%s: bulk needs INSERT INTO t (columns) VALUES (its parameters in order)", s->name);
}

/* bulk: yes is only for a plain INSERT whose values are its parameters in the order of "-- in:". */
static void understand_bulk(struct statement *s)
{
    if (s->out.count > 0 || s->in.count == 0)
        die(s->file, s->text_line[A_BULK], "%s: bulk with an out, or without an in", s->name);
    struct lexer lexer = {s->file, s->sql_sqlite, s->line};
    expect(s, &lexer, "INSERT");
    expect(s, &lexer, "INTO");
    s->bulk_table = slice_z(next_solid(&lexer).text);
    expect(s, &lexer, "(");
    char *columns = text_of("%s", "");
    for (int i = 0; i < s->in.count; i++) {
        struct token column = next_solid(&lexer);
        if (column.kind != T_WORD)
            expect(s, &lexer, "a column");
        columns = text_of("%s%s%s", columns, i ? ", " : "", slice_z(column.text));
        expect(s, &lexer, i + 1 < s->in.count ? "," : ")");
    }
    s->bulk_columns = columns;
    expect(s, &lexer, "VALUES");
    expect(s, &lexer, "(");
    for (int i = 1; i <= s->in.count; i++) {
        expect(s, &lexer, "?");
        if (atoi(slice_z(next_solid(&lexer).text)) != i)
            expect(s, &lexer, "the parameters in order");
        expect(s, &lexer, i < s->in.count ? "," : ")");
    }
    if (next_solid(&lexer).kind != T_END)
        expect(s, &lexer, "nothing more");
}

static void understand_sql(struct lexer *lexer, struct statement *s)
{
    char *sqlite = NULL, *postgres = NULL;
    size_t n;
    FILE *to_sqlite = open_memstream(&sqlite, &n), *to_postgres = open_memstream(&postgres, &n);
    if (!to_sqlite || !to_postgres)
        die(s->file, s->line, "out of memory");
    read_sql(lexer, s, to_sqlite, to_postgres);
    fclose(to_sqlite);
    fclose(to_postgres);
    check_first_word(s, sqlite);
    for (int i = 0; i < s->in.count; i++) {
        if (!s->in.items[i].used)
            die(s->file, s->in.line, "%s: %s is in \"-- in:\" but not in the SQL", s->name,
                s->in.items[i].name);
    }
    s->sql_sqlite = s->dialect == DIALECT_POSTGRES
                        ? NULL
                        : slice_z(trim((struct slice){sqlite, strlen(sqlite)}));
    s->sql_postgres = s->dialect == DIALECT_SQLITE
                          ? NULL
                          : slice_z(trim((struct slice){postgres, strlen(postgres)}));
    if (s->bulk && s->dialect != DIALECT_BOTH)
        die(s->file, s->text_line[A_BULK], "%s: bulk with a dialect", s->name);
    if (s->bulk)
        understand_bulk(s);
}

static bool same_fields(const struct field_list *a, const struct field_list *b)
{
    bool same = a->count == b->count;
    for (int i = 0; same && i < a->count; i++) {
        same = strcmp(a->items[i].name, b->items[i].name) == 0 &&
               a->items[i].type == b->items[i].type && a->items[i].nullable == b->items[i].nullable;
    }
    return same;
}

/* Takes a statement up; the second of a dialect pair completes the first. */
static void add_statement(struct tool *tool, struct statement *s)
{
    for (int i = 0; i < tool->statement_count; i++) {
        struct statement *other = tool->statements[i];
        if (strcmp(other->name, s->name) != 0)
            continue;
        bool pair = s->dialect != DIALECT_BOTH && other->dialect != DIALECT_BOTH &&
                    s->dialect != other->dialect;
        if (!pair || (other->sql_sqlite && other->sql_postgres))
            die(s->file, s->line, "%s stands also in %s:%d", s->name, other->file, other->line);
        if (!same_fields(&s->in, &other->in) || !same_fields(&s->out, &other->out) ||
            s->rows_many != other->rows_many || s->scan_meant != other->scan_meant)
            die(s->file, s->line, "%s: in, out, rows and plan differ from its pair in line %d",
                s->name, other->line);
        if (s->sql_sqlite)
            other->sql_sqlite = s->sql_sqlite;
        else
            other->sql_postgres = s->sql_postgres;
        return;
    }
    if (tool->statement_count == STATEMENTS_MAX)
        die(s->file, s->line, "more than %d statements", STATEMENTS_MAX);
    tool->statements[tool->statement_count++] = s;
}

static void read_statement_file(struct tool *tool, const char *place, const char *path)
{
    const char *text = read_file(path);
    if (!text)
        die(path, 0, "is gone");
    struct lexer lexer = {path, text, 1};
    for (;;) {
        struct token token = next_token(&lexer);
        struct slice value;
        if (token.kind == T_END)
            break;
        if (token.kind == T_SPACE)
            continue;
        if (token.kind != T_COMMENT)
            die(path, token.line, "SQL without a \"-- name:\" above it");
        enum annotation a = annotation_of(token.text, &value);
        if (a == A_MAX)
            continue;
        if (a != A_NAME)
            die(path, token.line, "\"%s:\" without a \"-- name:\" above it", annotation_names[a]);
        struct statement *s = allocate(sizeof(*s));
        s->name = slice_z(value);
        s->place = place;
        s->file = path;
        s->line = token.line;
        add_annotation(s, A_NAME, value, token.line);
        read_head(&lexer, s);
        understand_head(s);
        understand_sql(&lexer, s);
        add_statement(tool, s);
    }
}

/* By name; statements.sql comes first. */
static void read_statements(struct tool *tool, const char *place)
{
    char *pattern = text_of("%s/%s/statements*.sql", tool->src_dir, place);
    glob_t files;
    int failed = glob(pattern, 0, NULL, &files);
    if (failed == GLOB_NOMATCH)
        return;
    if (failed)
        die(pattern, 0, "cannot be read");
    for (size_t i = 0; i < files.gl_pathc; i++)
        read_statement_file(tool, place, files.gl_pathv[i]);
}

static void check_pairs(const struct tool *tool)
{
    for (int i = 0; i < tool->statement_count; i++) {
        const struct statement *s = tool->statements[i];
        if (!s->sql_sqlite || !s->sql_postgres)
            die(s->file, s->line, "%s: the other dialect of the pair is missing", s->name);
    }
}

/* --- Migrations ----------------------------------------------------------------------------- */

struct ddl_words {
    const char *token, *sqlite, *postgres; /* NULL: not allowed; say `token` instead */
};
static const struct ddl_words ddl_words[] = {
    {"INT64", "INTEGER", "BIGINT"}, {"TEXT", "TEXT", "TEXT"},
    {"BYTES", "BLOB", "BYTEA"},     {"FLOAT64", "REAL", "DOUBLE PRECISION"},
    {"INTEGER", NULL, NULL},        {"INT", NULL, NULL},
    {"BIGINT", NULL, NULL},         {"BLOB", NULL, NULL},
    {"BYTEA", NULL, NULL},          {"REAL", NULL, NULL},
    {"DOUBLE", NULL, NULL},         {"NUMERIC", NULL, NULL},
    {"VARCHAR", NULL, NULL},        {"BOOLEAN", NULL, NULL},
    {"TIMESTAMP", NULL, NULL},
};

static void write_ddl_word(const char *file, struct token token, FILE *sqlite, FILE *postgres)
{
    for (size_t i = 0; i < sizeof(ddl_words) / sizeof(ddl_words[0]); i++) {
        if (!slice_is(token.text, ddl_words[i].token))
            continue;
        if (!ddl_words[i].sqlite)
            die(file, token.line, "%s: types are INT64, TEXT, BYTES, FLOAT64", ddl_words[i].token);
        fputs(ddl_words[i].sqlite, sqlite);
        fputs(ddl_words[i].postgres, postgres);
        return;
    }
    fwrite(token.text.p, 1, token.text.n, sqlite);
    fwrite(token.text.p, 1, token.text.n, postgres);
}

/* "STRICT" or "STRICT CLUSTERED" at the end of a CREATE TABLE; the word STRICT has been read. */
static void read_strict(struct lexer *lexer, FILE *sqlite)
{
    struct lexer before = *lexer;
    fputs("STRICT", sqlite);
    if (token_is(next_solid(lexer), "CLUSTERED"))
        fputs(", WITHOUT ROWID", sqlite);
    else
        *lexer = before;
}

static void check_ddl(const char *file, int line, const char *sqlite)
{
    static const char *const allowed[] = {"CREATE TABLE ", "CREATE INDEX ", "CREATE UNIQUE INDEX ",
                                          "ALTER TABLE ",  "DROP TABLE ",   "DROP INDEX ",
                                          "INSERT INTO ",  "UPDATE ",       "DELETE FROM ",
                                          "WITH "};
    bool known = false;
    for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
        known = known || strncmp(sqlite, allowed[i], strlen(allowed[i])) == 0;
    if (!known)
        die(file, line,
            "a migration's statement begins with none of those that are known (CREATE TABLE, …)");
    if (strncmp(sqlite, "CREATE TABLE ", 13) == 0 && !strstr(sqlite, "STRICT"))
        die(file, line, "CREATE TABLE without STRICT");
}

/* Reads one statement of a migration up to its semicolon; `first` is its first token. */
static void read_ddl(struct lexer *lexer, struct migration *m, struct token first)
{
    char *sqlite = NULL, *postgres = NULL;
    size_t n;
    FILE *to_sqlite = open_memstream(&sqlite, &n), *to_postgres = open_memstream(&postgres, &n);
    if (!to_sqlite || !to_postgres)
        die(m->file, m->line, "out of memory");
    for (struct token token = first; !token_is(token, ";"); token = next_token(lexer)) {
        if (token.kind == T_END)
            die(m->file, token.line, "no ; at the end of the statement that begins in line %d",
                first.line);
        if (token.kind == T_COMMENT) {
            if (token.text.n > 13 && memcmp(token.text.p, "-- migration:", 13) == 0)
                die(m->file, token.line, "a migration inside a statement; is a ; missing?");
            continue;
        }
        if (token_is(token, "CLUSTERED"))
            die(m->file, token.line, "CLUSTERED without STRICT before it");
        if (token_is(token, "STRICT"))
            read_strict(lexer, to_sqlite);
        else
            write_ddl_word(m->file, token, to_sqlite, to_postgres);
    }
    fclose(to_sqlite);
    fclose(to_postgres);
    check_ddl(m->file, first.line, sqlite);
    if (m->count == MIGRATION_STATEMENTS_MAX)
        die(m->file, first.line, "more than %d statements in one migration",
            MIGRATION_STATEMENTS_MAX);
    m->sqlite[m->count] = slice_z(trim((struct slice){sqlite, strlen(sqlite)}));
    m->postgres[m->count] = slice_z(trim((struct slice){postgres, strlen(postgres)}));
    m->count++;
}

/* "-- migration: N title" */
static struct migration *begin_migration(struct tool *tool, const char *path, struct token token)
{
    struct migration *m = allocate(sizeof(*m));
    char *rest = slice_z(trim((struct slice){token.text.p + 13, token.text.n - 13}));
    char *title = NULL;
    long number = strtol(rest, &title, 10);
    if (title == rest || number < 1 || number > MIGRATIONS_MAX || *title != ' ' || title[1] == '\0')
        die(path, token.line, "a migration is announced by \"-- migration: NUMBER title\"");
    m->number = (int)number;
    m->line = token.line;
    m->file = path;
    m->title = title + 1;
    for (int i = 0; i < tool->migration_count; i++) {
        if (tool->migrations[i]->number == m->number)
            die(path, token.line, "migration %d stands also in %s:%d", m->number,
                tool->migrations[i]->file, tool->migrations[i]->line);
    }
    if (tool->migration_count == MIGRATIONS_MAX)
        die(path, token.line, "more than %d migrations", MIGRATIONS_MAX);
    tool->migrations[tool->migration_count++] = m;
    return m;
}

static void read_schema(struct tool *tool, const char *place)
{
    char *path = text_of("%s/%s/schema.sql", tool->src_dir, place);
    const char *text = read_file(path);
    if (!text)
        return;
    struct lexer lexer = {path, text, 1};
    struct migration *m = NULL;
    for (struct token token = next_token(&lexer); token.kind != T_END; token = next_token(&lexer)) {
        if (token.kind == T_SPACE)
            continue;
        if (token.kind == T_COMMENT) {
            if (token.text.n >= 13 && memcmp(token.text.p, "-- migration:", 13) == 0)
                m = begin_migration(tool, path, token);
            continue;
        }
        if (!m)
            die(path, token.line, "SQL without a \"-- migration: NUMBER title\" above it");
        read_ddl(&lexer, m, token);
    }
}

static int by_number(const void *a, const void *b)
{
    const struct migration *const *left = a, *const *right = b;
    return (*left)->number - (*right)->number;
}

static void sort_migrations(struct tool *tool)
{
    qsort(tool->migrations, (size_t)tool->migration_count, sizeof(tool->migrations[0]), by_number);
    for (int i = 0; i < tool->migration_count; i++) {
        const struct migration *m = tool->migrations[i];
        if (m->number != i + 1)
            die(m->file, m->line, "migration %d: there is no migration %d", m->number, i + 1);
        if (m->count == 0)
            die(m->file, m->line, "migration %d has no statement", m->number);
    }
}

/* --- What is written ------------------------------------------------------------------------ */

/* Writes a template in which @ stands for the statement's name. */
static void emit(FILE *out, const char *template, const char *name)
{
    for (const char *p = template; *p; p++) {
        if (*p == '@')
            fputs(name, out);
        else
            fputc(*p, out);
    }
}

/* A C string literal, one line of source for each line of SQL. */
static void emit_literal(FILE *out, const char *text)
{
    fputc('"', out);
    for (const char *p = text; *p; p++) {
        if (*p == '\n')
            fputs("\\n\"\n    \"", out);
        else if (*p == '"' || *p == '\\' || *p == '?')
            fprintf(out, "\\%c", *p); /* ? for the sake of trigraphs */
        else if (*p == '\t')
            fputs("\\t", out);
        else
            fputc(*p, out);
    }
    fputc('"', out);
}

static void emit_struct(FILE *out, const struct statement *s, const char *kind,
                        const struct field_list *list)
{
    if (list->count == 0)
        return;
    fprintf(out, "struct sql_%s_%s {\n", s->name, kind);
    for (int i = 0; i < list->count; i++) {
        const struct field *field = &list->items[i];
        const struct type_names *names = &type_names[field->type];
        fprintf(out, "    %s %s;\n", field->nullable ? names->nullable : names->plain, field->name);
    }
    fputs("};\n", out);
}

#define INLINE "__attribute__((unused)) static inline ERR_RESULT "

static void emit_wrappers(FILE *out, const struct statement *s)
{
    bool in = s->in.count > 0, has_out = s->out.count > 0;
    const char *parameter = in ? ", const struct sql_@_in *in" : "";
    const char *argument = in ? "in" : "NULL";
    if (has_out) {
        emit(out,
             text_of(INLINE
                     "sql_@_one(struct tx *tx%s, struct sql_@_out *out, bool *found)\n"
                     "{\n    return stmt_one(tx, &sql_@, %s, out, found);\n}\n" INLINE
                     "sql_@_open(struct tx *tx%s, struct stmt_cursor *cursor)\n"
                     "{\n    return stmt_open(tx, &sql_@, %s, cursor);\n}\n" INLINE
                     "sql_@_next(struct stmt_cursor *cursor, struct sql_@_out *out, bool *has)\n"
                     "{\n    return stmt_next(cursor, out, has);\n}\n",
                     parameter, argument, parameter, argument),
             s->name);
    } else {
        emit(out,
             text_of(INLINE "sql_@_run(struct tx *tx%s)\n"
                            "{\n    return stmt_run(tx, &sql_@, %s);\n}\n" INLINE
                            "sql_@_run_count(struct tx *tx%s, int64_t *changed)\n"
                            "{\n    return stmt_run_count(tx, &sql_@, %s, changed);\n}\n",
                     parameter, argument, parameter, argument),
             s->name);
    }
    if (in) {
        emit(out,
             text_of(
                 INLINE
                 "sql_@_many(struct tx *tx, const struct sql_@_in *ins, size_t count, %s *outs,\n"
                 "                      bool *found)\n"
                 "{\n    return stmt_many(tx, &sql_@, ins, count, outs, found);\n}\n",
                 has_out ? "struct sql_@_out" : "void"),
             s->name);
    }
    if (s->bulk) {
        emit(out,
             INLINE "sql_@_bulk(struct tx *tx, const struct sql_@_in *ins, size_t count)\n"
                    "{\n    return stmt_bulk(tx, &sql_@, ins, count);\n}\n",
             s->name);
    }
}

static void write_header(const struct tool *tool, const char *place)
{
    const char *name = last_folder(place);
    char *text = NULL;
    size_t n;
    FILE *out = open_memstream(&text, &n);
    if (!out)
        die(place, 0, "out of memory");
    fprintf(out, "/* Made by tools/mksql from src/%s/statements*.sql; do not edit. */\n", place);
    fprintf(
        out,
        "#ifndef HUITOU_GEN_SQL_%s_H\n#define HUITOU_GEN_SQL_%s_H\n\n#include \"store/stmt.h\"\n",
        name, name);
    for (int i = 0; i < tool->statement_count; i++) {
        const struct statement *s = tool->statements[i];
        if (strcmp(s->place, place) != 0)
            continue;
        fprintf(out, "\n/* line %d */\n", s->line);
        emit_struct(out, s, "in", &s->in);
        emit_struct(out, s, "out", &s->out);
        fprintf(out, "extern const struct stmt sql_%s;\n", s->name);
        emit_wrappers(out, s);
    }
    fputs("\n#endif\n", out);
    fclose(out);
    write_file(text_of("%s/sql_%s.h", tool->out_dir, name), text);
}

static void emit_fields(FILE *out, const struct statement *s, const char *kind,
                        const struct field_list *list)
{
    if (list->count == 0)
        return;
    fprintf(out, "static const struct stmt_field %s_%s[] = {\n", s->name, kind);
    for (int i = 0; i < list->count; i++) {
        const struct field *field = &list->items[i];
        fprintf(out, "    {\"%s\", %s, %s, offsetof(struct sql_%s_%s, %s)},\n", field->name,
                type_names[field->type].constant, field->nullable ? "true" : "false", s->name, kind,
                field->name);
    }
    fputs("};\n", out);
}

static void emit_field_members(FILE *out, const struct statement *s, const char *kind,
                               const struct field_list *list)
{
    if (list->count == 0)
        return;
    fprintf(out,
            "    .%s = %s_%s,\n    .%s_count = %d,\n    .%s_size = sizeof(struct sql_%s_%s),\n",
            kind, s->name, kind, kind, list->count, kind, s->name, kind);
}

static void emit_statement(FILE *out, const struct statement *s, int index)
{
    fputc('\n', out);
    emit_fields(out, s, "in", &s->in);
    emit_fields(out, s, "out", &s->out);
    fprintf(out,
            "const struct stmt sql_%s = {\n    .name = \"%s\",\n    .file = "
            "\"src/%s/%s\",\n",
            s->name, s->name, s->place, last_folder(s->file));
    fputs("    .sql_sqlite =\n    ", out);
    emit_literal(out, s->sql_sqlite);
    fputs(",\n    .sql_postgres =\n    ", out);
    emit_literal(out, s->sql_postgres);
    fputs(",\n", out);
    if (s->bulk)
        fprintf(out, "    .bulk_table = \"%s\",\n    .bulk_columns = \"%s\",\n", s->bulk_table,
                s->bulk_columns);
    emit_field_members(out, s, "in", &s->in);
    emit_field_members(out, s, "out", &s->out);
    fprintf(out, "    .rows_many = %s,\n    .scan_meant = %s,\n    .index = %d,\n};\n",
            s->rows_many ? "true" : "false", s->scan_meant ? "true" : "false", index);
}

static void emit_migration_texts(FILE *out, const struct migration *m, const char *kind,
                                 const char *const *statements)
{
    fprintf(out, "static const char *const migration_%d_%s[] = {\n", m->number, kind);
    for (int i = 0; i < m->count; i++) {
        fputs("    ", out);
        emit_literal(out, statements[i]);
        fputs(",\n", out);
    }
    fputs("};\n", out);
}

static void emit_migrations(FILE *out, const struct tool *tool)
{
    for (int i = 0; i < tool->migration_count; i++) {
        const struct migration *m = tool->migrations[i];
        fputc('\n', out);
        emit_migration_texts(out, m, "sqlite", m->sqlite);
        emit_migration_texts(out, m, "postgres", m->postgres);
    }
    fputs("\nconst struct migration migration_all[] = {\n", out);
    for (int i = 0; i < tool->migration_count; i++) {
        const struct migration *m = tool->migrations[i];
        fprintf(out, "    {%d, ", m->number);
        emit_literal(out, m->title);
        fprintf(out, ", migration_%d_sqlite, migration_%d_postgres, %d},\n", m->number, m->number,
                m->count);
    }
    if (tool->migration_count == 0)
        fputs("    {0, NULL, NULL, NULL, 0},\n", out);
    fprintf(out, "};\nconst int migration_count = %d;\n", tool->migration_count);
}

static void write_all(const struct tool *tool)
{
    char *text = NULL;
    size_t n;
    FILE *out = open_memstream(&text, &n);
    if (!out)
        die("sql_all.c", 0, "out of memory");
    fputs("/* Made by tools/mksql from every schema.sql and statements*.sql; do not edit. */\n",
          out);
    fputs("#include <stddef.h>\n\n#include \"store/migration.h\"\n#include \"store/stmt.h\"\n",
          out);
    for (int i = 0; i < tool->place_count; i++)
        fprintf(out, "#include \"sql_%s.h\"\n", last_folder(tool->places[i]));
    for (int i = 0; i < tool->statement_count; i++)
        emit_statement(out, tool->statements[i], i);
    fputs("\nconst struct stmt *const stmt_all[] = {\n", out);
    for (int i = 0; i < tool->statement_count; i++)
        fprintf(out, "    &sql_%s,\n", tool->statements[i]->name);
    fprintf(out, "    NULL,\n};\nconst int stmt_count = %d;\n", tool->statement_count);
    emit_migrations(out, tool);
    fclose(out);
    write_file(text_of("%s/sql_all.c", tool->out_dir), text);
}

int main(int argc, char **argv)
{
    if (argc < 4 || argc - 3 > PLACES_MAX) {
        fprintf(stderr, "mksql OUTDIR SRCDIR PLACE…\n");
        return 2;
    }
    struct tool *tool = allocate(sizeof(*tool));
    tool->out_dir = argv[1];
    tool->src_dir = argv[2];
    for (int i = 3; i < argc; i++)
        tool->places[tool->place_count++] = argv[i];
    for (int i = 0; i < tool->place_count; i++) {
        read_schema(tool, tool->places[i]);
        read_statements(tool, tool->places[i]);
    }
    check_pairs(tool);
    sort_migrations(tool);
    for (int i = 0; i < tool->place_count; i++)
        write_header(tool, tool->places[i]);
    write_all(tool);
    return 0;
}
