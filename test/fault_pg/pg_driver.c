/* link: store */
/* Small commands in a stream, from several threads through one store on PostgreSQL; what was
 * answered is written to standard output, a line each, once store_write has returned.
 * pg_line_test.py cuts the line meanwhile and holds the answers against the tables.
 *
 *   pg_driver URL SEED THREADS JOBS_PER_THREAD
 *
 * Lines: "JOB KIND ANSWER PARTS"; KIND is "keyed" (looks by its own key whether it was done; run
 * again where a commit's outcome is unknown) or "once" (never run again then); ANSWER is "done" or
 * an error's name. Each try inserts an attempt of its own and all its parts, so that a command that
 * was done twice, or half, shows. This program has statements and migrations of its own: it defines
 * stmt_all and migration_all, so that the linker leaves out those that mksql made. */
#include <inttypes.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/secret.h"
#include "store/migration.h"
#include "store/store.h"
#include "support/splitmix.h"

#define ARENA_BYTES_MAX ((size_t)256 << 20)
#define PARTS_MAX 300 /* more than what the pipeline holds at once */
#define TALLIES 4

/* --- Statements and the schema ------------------------------------------------------------------
 */

struct number {
    int64_t n;
};
struct attempt {
    int64_t attempt, job, parts;
};
struct part {
    int64_t attempt, part;
};

#define FIELD(type_name, field)                                                                    \
    {                                                                                              \
#field, STMT_I64, false, offsetof(struct type_name, field)                                 \
    }
#define IN(type_name, fields, count)                                                               \
    .in = fields, .in_count = count, .in_size = sizeof(struct type_name)
#define OUT(type_name, fields, count)                                                              \
    .out = fields, .out_count = count, .out_size = sizeof(struct type_name)
#define SQL(text) .file = "pg_driver.c", .sql_sqlite = text, .sql_postgres = text

static const struct stmt_field number_fields[] = {FIELD(number, n)};
static const struct stmt_field attempt_fields[] = {FIELD(attempt, attempt), FIELD(attempt, job),
                                                   FIELD(attempt, parts)};
static const struct stmt_field part_fields[] = {FIELD(part, attempt), FIELD(part, part)};

static const struct stmt attempt_insert = {
    .name = "attempt_insert",
    .index = 0,
    IN(attempt, attempt_fields, 3),
    SQL("INSERT INTO attempt (attempt, job, parts) VALUES ($1, $2, $3)")};
static const struct stmt attempt_of_job = {
    .name = "attempt_of_job",
    .index = 1,
    IN(number, number_fields, 1),
    OUT(number, number_fields, 1),
    SQL("SELECT attempt FROM attempt WHERE job = $1 LIMIT 1")};
static const struct stmt part_insert = {.name = "part_insert",
                                        .index = 2,
                                        IN(part, part_fields, 2),
                                        SQL("INSERT INTO part (attempt, part) VALUES ($1, $2)"),
                                        .bulk_table = "part",
                                        .bulk_columns = "attempt, part"};
static const struct stmt tally_add = {.name = "tally_add",
                                      .index = 3,
                                      IN(number, number_fields, 1),
                                      OUT(number, number_fields, 1),
                                      SQL("UPDATE tally SET n = n + 1 WHERE id = $1 RETURNING n")};

const struct stmt *const stmt_all[] = {&attempt_insert, &attempt_of_job, &part_insert, &tally_add};
const int stmt_count = sizeof(stmt_all) / sizeof(stmt_all[0]);

static const char *const schema[] = {
    "CREATE TABLE attempt (attempt BIGINT PRIMARY KEY, job BIGINT NOT NULL, parts BIGINT NOT NULL)",
    "CREATE INDEX attempt_by_job ON attempt (job)",
    "CREATE TABLE part (attempt BIGINT, part BIGINT, PRIMARY KEY (attempt, part))",
    "CREATE TABLE tally (id BIGINT PRIMARY KEY, n BIGINT NOT NULL)",
    "INSERT INTO tally VALUES (0, 0), (1, 0), (2, 0), (3, 0)",
};
const struct migration migration_all[] = {
    {1, "attempts", schema, schema, sizeof(schema) / sizeof(schema[0])}};
const int migration_count = 1;

/* --- Commands -----------------------------------------------------------------------------------
 */

enum how { HOW_FEW, HOW_COPY, HOW_QUEUE, HOW_MANY, HOWS };
static const int64_t parts_of[HOWS] = {
    [HOW_FEW] = 2, [HOW_COPY] = 100, [HOW_QUEUE] = PARTS_MAX, [HOW_MANY] = 30};

struct command {
    int64_t job;
    bool keyed;
    enum how how;
    int64_t tallies[2];
};

static const struct err *insert_parts(struct tx *tx, enum how how, int64_t attempt)
{
    struct part parts[PARTS_MAX];
    size_t count = (size_t)parts_of[how];
    for (size_t i = 0; i < count; i++)
        parts[i] = (struct part){attempt, (int64_t)i};
    if (how == HOW_COPY)
        return stmt_bulk(tx, &part_insert, parts, count);
    if (how == HOW_MANY)
        return stmt_many(tx, &part_insert, parts, count, NULL, NULL);
    for (size_t i = 0; i < count; i++)
        TRY(stmt_run(tx, &part_insert, &parts[i]));
    return NULL;
}

static const struct err *add_to_tally(struct tx *tx, int64_t id)
{
    struct number in = {id}, out;
    bool found;
    return stmt_one(tx, &tally_add, &in, &out, &found);
}

static const struct err *apply(struct tx *tx, void *arg)
{
    const struct command *command = arg;
    struct number job = {command->job}, known;
    bool found = false;
    if (command->keyed)
        TRY(stmt_one(tx, &attempt_of_job, &job, &known, &found));
    if (found)
        return NULL;
    struct attempt attempt = {id_next(tx_deps(tx)->ids), command->job, parts_of[command->how]};
    TRY(stmt_run(tx, &attempt_insert, &attempt));
    TRY(add_to_tally(tx, command->tallies[0]));
    TRY(insert_parts(tx, command->how, attempt.attempt));
    return add_to_tally(tx, command->tallies[1]);
}

struct worker {
    struct store *store;
    int64_t first_job, count;
    uint64_t random;
};

static void answer(const struct command *command, const char *word)
{
    char line[120];
    int n = snprintf(line, sizeof(line), "%" PRId64 " %s %s %" PRId64 "\n", command->job,
                     command->keyed ? "keyed" : "once", word, parts_of[command->how]);
    CHECK(write(STDOUT_FILENO, line, (size_t)n) == n);
}

static void *work(void *arg)
{
    struct worker *worker = arg;
    struct arena *arena = arena_new("job", ARENA_BYTES_MAX);
    for (int64_t i = 0; i < worker->count; i++) {
        uint64_t random = random_next(&worker->random);
        struct command command = {
            .job = worker->first_job + i,
            .keyed = random % 2 == 0,
            .how = (enum how)(random / 2 % HOWS),
            .tallies = {(int64_t)(random / 16 % TALLIES), (int64_t)(random / 64 % TALLIES)}};
        struct store_job job = {
            .name = "command", .fn = apply, .arg = &command, .again_if_ambiguous = command.keyed};
        const struct err *err = store_write(worker->store, arena, &job);
        answer(&command, err ? err_info(err->code)->name : "done");
        bool gone = err && err->code == ERR_STORE_GONE;
        if (err)
            fprintf(stderr, "%" PRId64 ": %s\n", command.job,
                    str_z(arena, err_text(arena, err, LANG_EN)));
        arena_reset(arena);
        if (gone)
            break;
    }
    arena_free(arena);
    return NULL;
}

/* --- The program --------------------------------------------------------------------------------
 */

static void must(struct arena *arena, const struct err *err)
{
    if (!err)
        return;
    fprintf(stderr, "%s\n", str_z(arena, err_text(arena, err, LANG_EN)));
    exit(1);
}

int main(int argc, char **argv)
{
    static const uint8_t master[SECRET_KEY_BYTES] = "a master key for tests, public";
    static struct worker workers[16];
    pthread_t threads[16];
    struct arena *arena = arena_new("driver", ARENA_BYTES_MAX);
    CHECK(argc == 5);
    int count = (int)strtol(argv[3], NULL, 10);
    int64_t jobs = strtoll(argv[4], NULL, 10);
    CHECK(count > 0 && count <= 16);
    secret_init();
    struct store_options options = {.url = str_c(argv[1]), .reader_count = count};
    options.deps.clock = clock_system();
    options.deps.ids = id_maker_new(arena, &options.deps.clock, 1);
    options.deps.keys = keyring_new(arena, master);
    struct store *store;
    must(arena, store_migrate(arena, &options, NULL));
    must(arena, store_open(arena, &options, &store));
    for (int i = 0; i < count; i++) {
        workers[i] = (struct worker){.store = store,
                                     .first_job = i * jobs,
                                     .count = jobs,
                                     .random = strtoull(argv[2], NULL, 10) * 16 + (uint64_t)i};
        CHECK(pthread_create(&threads[i], NULL, work, &workers[i]) == 0);
    }
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    struct store_counters counters = store_counters(store);
    fprintf(stderr, "retries %" PRId64 "\n", counters.retries);
    store_close(store);
    arena_free(arena);
    return 0;
}
