/* The transaction runner and its retry loop; everything that both databases share. */
#include "store/store_internal.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/limits.h"

#define UNIQUE_TRIES_MAX 4
#define BACKOFF_US_MIN 500
#define BACKOFF_US_MAX 1000000
/* A server that is started again needs seconds: 12 tries take about a quarter of a minute. */
#define RECONNECT_US_MIN 50000
#define RECONNECT_US_MAX 2500000
#define REASON_BYTES 600

/* --- Opening ---------------------------------------------------------------------------------- */

const struct err *store_driver_of(struct arena *arena, struct str url,
                                  const struct store_driver **out)
{
    if (str_starts(url, STR("sqlite:")) && url.n > strlen("sqlite:")) {
        *out = &sqlite_driver;
        return NULL;
    }
    if (str_starts(url, STR("postgres://")) || str_starts(url, STR("postgresql://"))) {
        *out = &postgres_driver;
        return NULL;
    }
    return ERR_NEW(arena, ERR_STORE_OPEN, STR("store"),
                   STR("its address begins neither with sqlite: nor with postgres://"));
}

const struct err *store_open(struct arena *arena, const struct store_options *options,
                             struct store **out)
{
    struct store *store = ARENA_NEW(arena, struct store);
    store->options = *options;
    store->options.url = str_copy(arena, options->url);
    if (store->options.reader_count <= 0)
        store->options.reader_count = STORE_READER_COUNT_DEFAULT;
    TRY(store_driver_of(arena, options->url, &store->driver));
    TRY(store_check_schema(arena, store->driver, &store->options));
    TRY(store->driver->open(arena, store));
    *out = store;
    return NULL;
}

void store_close(struct store *store)
{
    if (store)
        store->driver->close(store);
}

enum store_kind store_kind(const struct store *store)
{
    return store->driver->kind;
}

const struct deps *store_deps(const struct store *store)
{
    return &store->options.deps;
}

struct store_counters store_counters(struct store *store)
{
    return (struct store_counters){
        .commits = atomic_load(&store->commits),
        .commands = atomic_load(&store->commands),
        .retries = atomic_load(&store->retries),
        .checkpoints = atomic_load(&store->checkpoints),
    };
}

const struct err *store_explain(struct store *store, struct arena *arena, const struct stmt *stmt,
                                struct str *plan, bool *full_scan)
{
    return store->driver->explain(store, arena, stmt, plan, full_scan);
}

void store_drop_log(struct store *store)
{
    if (store->driver->drop_log)
        store->driver->drop_log(store);
}

const struct err *store_purge(struct store *store, struct arena *arena, const char *const *tables,
                              int wait_ms, int64_t bytes_max, bool *gone)
{
    *gone = false;
    return store->driver->purge(store, arena, tables, wait_ms, bytes_max, gone);
}

struct str store_message(struct arena *arena, const char *message)
{
    struct str text = str_trim(str_c(message));
    if (text.n > STORE_MESSAGE_BYTES_MAX)
        text.n = STORE_MESSAGE_BYTES_MAX;
    char *copy = arena_alloc(arena, text.n + 1);
    for (size_t i = 0; i < text.n; i++)
        copy[i] = (unsigned char)text.p[i] < 0x20 ? ' ' : text.p[i]; /* line ends, tabs */
    return (struct str){copy, text.n};
}

/* --- The runner ------------------------------------------------------------------------------- */

/* Waits longer with each try, by an amount that differs from thread to thread. */
static void back_off(int tries, bool disconnected)
{
    int64_t us = disconnected ? RECONNECT_US_MIN : BACKOFF_US_MIN;
    int64_t us_max = disconnected ? RECONNECT_US_MAX : BACKOFF_US_MAX;
    for (int i = 1; i < tries && us < us_max; i++)
        us *= 2;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    us += now.tv_nsec / 7 % us;
    if (us > us_max)
        us = us_max;
    nanosleep(&(struct timespec){us / 1000000, us % 1000000 * 1000}, NULL);
}

/* What is kept of the tries that failed; the errors themselves are rewound with the arena. */
struct tries {
    int count;
    bool unknown;              /* the outcome of one of them */
    char reason[REASON_BYTES]; /* why the line was lost first: later ones only say that nobody
                                  answers */
};

static void note_try(struct tries *tries, const struct err *err)
{
    bool unknown = err_class(err) == ERR_CLASS_AMBIGUOUS;
    tries->count++;
    tries->unknown = tries->unknown || unknown;
    if (tries->reason[0] || !(unknown || err->code == ERR_STORE_DISCONNECTED))
        return;
    struct str text = unknown ? err->arg[1] : err->arg[0];
    snprintf(tries->reason, sizeof(tries->reason), "%.*s", STR_ARG(text));
}

/* What is told after the last try of something that could not be done. */
static const struct err *give_up(struct arena *arena, const struct store_job *job,
                                 const struct tries *tries, const struct err *last)
{
    struct str name = str_c(job->name), count = str_fmt(arena, "%d", tries->count);
    /* fn itself has looked, and says no: what it asked for is not done. */
    if (err_class(last) == ERR_CLASS_CALLER || err_class(last) == ERR_CLASS_AMBIGUOUS)
        return last;
    if (tries->unknown)
        return ERR_NEW(arena, ERR_COMMIT_UNKNOWN, STR_NONE, name, str_c(tries->reason));
    if (err_class(last) != ERR_CLASS_RETRY)
        return last;
    if (last->code == ERR_STORE_UNIQUE)
        return ERR_NEW(arena, ERR_STORE_CONSTRAINT, last->field, last->arg[0], last->arg[1]);
    if (last->code == ERR_STORE_DISCONNECTED)
        return ERR_NEW(arena, ERR_STORE_GONE, STR_NONE, name, str_c(tries->reason), count,
                       last->arg[0]);
    return ERR_NEW(arena, ERR_STORE_BUSY, last->field, name, count, err_text(arena, last, LANG_EN));
}

/* The only retry loop of the program. */
static const struct err *run(struct store *store, struct arena *arena, const struct store_job *job,
                             store_try_fn *try_once)
{
    CHECK(job->name && job->fn);
    struct arena_mark mark = arena_mark(arena);
    struct tries tries = {0};
    for (;;) {
        const struct err *err = try_once(store, arena, job);
        if (!err)
            return NULL;
        note_try(&tries, err);
        bool ambiguous = err_class(err) == ERR_CLASS_AMBIGUOUS;
        bool again = err_class(err) == ERR_CLASS_RETRY || (ambiguous && job->again_if_ambiguous);
        int tries_max = err->code == ERR_STORE_UNIQUE ? UNIQUE_TRIES_MAX : LIMIT_TX_RETRY_MAX;
        if (!again || tries.count >= tries_max)
            return give_up(arena, job, &tries, err);
        back_off(tries.count, ambiguous || err->code == ERR_STORE_DISCONNECTED);
        arena_rewind(arena, mark);
        atomic_fetch_add(&store->retries, 1);
    }
}

const struct err *store_write(struct store *store, struct arena *arena, const struct store_job *job)
{
    return run(store, arena, job, store->driver->write);
}

const struct err *store_read(struct store *store, struct arena *arena, const struct store_job *job)
{
    return run(store, arena, job, store->driver->read);
}

/* --- A transaction ---------------------------------------------------------------------------- */

void tx_init(struct tx *tx, struct store *store, struct arena *arena, const struct store_job *job)
{
    *tx = (struct tx){
        .store = store,
        .arena = arena,
        .job_name = job->name,
        .now_us = clock_now_us(&store->options.deps.clock),
    };
}

const struct err *tx_run(struct tx *tx, const struct store_job *job)
{
    TRY(job->fn(tx, job->arg));
    for (struct before_commit *b = tx->first; b; b = b->next)
        TRY(b->fn(tx, b->arg));
    return tx->failure; /* even where fn let a statement's error pass */
}

struct arena *tx_arena(struct tx *tx)
{
    return tx->arena;
}

struct store *tx_store(struct tx *tx)
{
    return tx->store;
}

const struct deps *tx_deps(struct tx *tx)
{
    return &tx->store->options.deps;
}

int64_t tx_now_us(struct tx *tx)
{
    return tx->now_us;
}

void tx_before_commit(struct tx *tx, store_fn *fn, void *arg)
{
    for (struct before_commit *b = tx->first; b; b = b->next) {
        if (b->fn == fn && b->arg == arg)
            return;
    }
    struct before_commit *b = ARENA_NEW(tx->arena, struct before_commit);
    *b = (struct before_commit){fn, arg, NULL};
    if (tx->last)
        tx->last->next = b;
    else
        tx->first = b;
    tx->last = b;
}

void **tx_slot(struct tx *tx, enum tx_slot slot)
{
    CHECK((int)slot >= 0 && slot < TX_SLOT_MAX);
    return &tx->slots[slot];
}

/* --- Statements ------------------------------------------------------------------------------- */

const struct stmt *stmt_by_name(const char *name)
{
    for (int i = 0; i < stmt_count; i++) {
        if (strcmp(stmt_all[i]->name, name) == 0)
            return stmt_all[i];
    }
    return NULL;
}

static const struct err *bad_parameter(struct tx *tx, const struct stmt *stmt,
                                       const struct stmt_field *field, struct str what)
{
    return ERR_NEW(tx->arena, ERR_STATEMENT_PARAMETER, STR_NONE, str_c(stmt->name),
                   str_c(field->name), what);
}

/* The two databases differ in what they refuse: what one of them would not take, neither gets. */
static const struct err *check_in(struct tx *tx, const struct stmt *stmt, const void *in)
{
    CHECK(stmt->in_count == 0 || in);
    for (int i = 0; i < stmt->in_count; i++) {
        const struct stmt_field *field = &stmt->in[i];
        if (field->type != STMT_TEXT && field->type != STMT_BYTES)
            continue;
        struct str s = stmt_get_str(field, in);
        if (!s.p && !field->nullable)
            return bad_parameter(tx, stmt, field, STR("is absent but may not be NULL"));
        if (!s.p || field->type == STMT_BYTES)
            continue;
        if (!str_is_utf8(s))
            return bad_parameter(tx, stmt, field, STR("is not UTF-8"));
        if (memchr(s.p, '\0', s.n))
            return bad_parameter(tx, stmt, field, STR("holds a NUL byte"));
    }
    return NULL;
}

static const struct err *check_ins(struct tx *tx, const struct stmt *stmt, const void *ins,
                                   size_t count)
{
    for (size_t i = 0; i < count; i++)
        TRY(check_in(tx, stmt, (const char *)ins + i * stmt->in_size));
    return NULL;
}

/* The first error of a transaction ends it, on both databases alike. */
static const struct err *settle(struct tx *tx, const struct err *err)
{
    if (err)
        tx->failure = err;
    return err;
}

const struct err *stmt_run(struct tx *tx, const struct stmt *stmt, const void *in)
{
    TRY(tx->failure);
    TRY(settle(tx, check_in(tx, stmt, in)));
    return settle(tx, tx->store->driver->run(tx, stmt, in, NULL));
}

const struct err *stmt_run_count(struct tx *tx, const struct stmt *stmt, const void *in,
                                 int64_t *changed)
{
    TRY(tx->failure);
    TRY(settle(tx, check_in(tx, stmt, in)));
    return settle(tx, tx->store->driver->run(tx, stmt, in, changed));
}

const struct err *stmt_one(struct tx *tx, const struct stmt *stmt, const void *in, void *out,
                           bool *found)
{
    TRY(tx->failure);
    TRY(settle(tx, check_in(tx, stmt, in)));
    return settle(tx, tx->store->driver->one(tx, stmt, in, out, found));
}

const struct err *stmt_many(struct tx *tx, const struct stmt *stmt, const void *ins, size_t count,
                            void *outs, bool *found)
{
    TRY(tx->failure);
    TRY(settle(tx, check_ins(tx, stmt, ins, count)));
    CHECK(!outs || stmt->out_count > 0);
    return settle(tx, tx->store->driver->many(tx, stmt, ins, count, outs, found));
}

const struct err *stmt_bulk(struct tx *tx, const struct stmt *stmt, const void *ins, size_t count)
{
    TRY(tx->failure);
    CHECK(stmt->bulk_table);
    TRY(settle(tx, check_ins(tx, stmt, ins, count)));
    return settle(tx, tx->store->driver->bulk(tx, stmt, ins, count));
}

const struct err *stmt_open(struct tx *tx, const struct stmt *stmt, const void *in,
                            struct stmt_cursor *cursor)
{
    *cursor = (struct stmt_cursor){tx, stmt, NULL};
    TRY(tx->failure);
    TRY(settle(tx, check_in(tx, stmt, in)));
    return settle(tx, tx->store->driver->open_cursor(tx, stmt, in, &cursor->driver));
}

const struct err *stmt_next(struct stmt_cursor *cursor, void *out, bool *has)
{
    struct tx *tx = cursor->tx;
    *has = false;
    TRY(tx->failure);
    if (!cursor->driver)
        return NULL;
    TRY(settle(tx, tx->store->driver->next(tx, cursor->stmt, cursor->driver, out, has)));
    if (!*has)
        stmt_close(cursor);
    return NULL;
}

void stmt_close(struct stmt_cursor *cursor)
{
    if (cursor->driver)
        cursor->tx->store->driver->close_cursor(cursor->tx, cursor->driver);
    cursor->driver = NULL;
}

/* --- Fields ----------------------------------------------------------------------------------- */

static const void *place_of(const struct stmt_field *field, const void *base)
{
    return (const char *)base + field->offset;
}

struct str stmt_get_str(const struct stmt_field *field, const void *base)
{
    return *(const struct str *)place_of(field, base);
}

bool stmt_get_i64(const struct stmt_field *field, const void *base, int64_t *v)
{
    if (!field->nullable) {
        *v = *(const int64_t *)place_of(field, base);
        return true;
    }
    const struct opt_i64 *opt = place_of(field, base);
    *v = opt->v;
    return opt->set;
}

bool stmt_get_f64(const struct stmt_field *field, const void *base, double *v)
{
    if (!field->nullable) {
        *v = *(const double *)place_of(field, base);
        return true;
    }
    const struct opt_f64 *opt = place_of(field, base);
    *v = opt->v;
    return opt->set;
}

void stmt_put_null(const struct stmt_field *field, void *base)
{
    void *place = (char *)base + field->offset;
    if (field->type == STMT_I64)
        *(struct opt_i64 *)place = (struct opt_i64){false, 0};
    else if (field->type == STMT_F64)
        *(struct opt_f64 *)place = (struct opt_f64){false, 0};
    else
        *(struct str *)place = STR_NONE;
}

void stmt_put_i64(const struct stmt_field *field, void *base, int64_t v)
{
    void *place = (char *)base + field->offset;
    if (field->nullable)
        *(struct opt_i64 *)place = (struct opt_i64){true, v};
    else
        *(int64_t *)place = v;
}

void stmt_put_f64(const struct stmt_field *field, void *base, double v)
{
    void *place = (char *)base + field->offset;
    if (field->nullable)
        *(struct opt_f64 *)place = (struct opt_f64){true, v};
    else
        *(double *)place = v;
}

void stmt_put_str(const struct stmt_field *field, void *base, struct str v)
{
    *(struct str *)(void *)((char *)base + field->offset) = v;
}
