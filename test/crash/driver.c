/* A program to be killed: opens a brand on either database and, through one store, imports ever
 * newer exports in one thread while others give small commands. Every command has a key of its own.
 * What is begun, acknowledged, refused or failed is written to a log, a line and a write(2) each,
 * so that whoever reads the log afterwards knows what was promised. Begun again with the same log,
 * it takes up where it was killed: orders and tags whose answer is missing are said once more, the
 * import goes on with the export that was not acknowledged.
 *
 *   crash_driver --dir BRAND --log FILE --exports DIR [--seed N] [--threads N] [--commands N]
 *                [--imports N] [--pause-us N] [--verify] [--create] [--fault KIND:N[:lasting]]
 *                [--survivors DIR] [--hold]
 *
 * --commands 0: until the imports end. --exports: export-0.csv … and map.json. --verify: before and
 * after. --create: makes the brand, and does nothing else; the key of its answer is "create".
 * --hold: a reader keeps a snapshot from the middle to the end, so that checkpoints stay
 * unfinished.
 * --survivors: through the disk of fault_vfs.h, with what --fault plans; the power is cut at the
 * latest when all is done. Phases go to HUITOU_PHASE_LOG, as the import's do.
 * Exit status: 0; 1 verify found something or a setting is wrong; 3 the store stopped or was not
 * opened; FAULT_CUT_STATUS. The log's lines:
 *
 *   begin KEY tag CUSTOMER | untag CUSTOMER TAGKEY | merge FROM INTO | split CUSTOMER
 *   begin KEY abort CUSTOMER             (writes, then is refused)
 *   begin KEY orders NUMBER=AMOUNT/LINES@PHONE … NUMBER=AMOUNT>ORDER …    (the latter: a refund)
 *   begin import N | ack KEY | ack import N | refuse KEY CODE | error KEY CODE TEXT */
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/check.h"
#include "codec/file.h"
#include "job/columns.h"
#include "job/home.h"
#include "room/order/import.h"
#include "support/fault_vfs.h"
#include "support/splitmix.h"

#define THREADS_MAX 8
#define ARENA_BYTES_MAX ((size_t)2 << 30)
#define LINE_BYTES_MAX 8192
#define BATCH_ORDERS 150 /* of an import: small, for many phases */
#define AFTER_STOP 4     /* commands that a thread still tries once the store has stopped */
#define PROBE_AFTER_US 50000
#define HOLD_AFTER 90 /* commands, by when there is something in the log */
#define HOLD_STEP_US 200
#define FULL_REFUSALS 10 /* commands refused for want of room before there is room again */
#define EXPORTED_AT_US INT64_C(1704067200000000) /* 2024-01-01; export n is n days younger */
#define SOLD_AT_US INT64_C(1672531200000000)     /* 2023-01-01 */

enum command_kind {
    COMMAND_TAG,
    COMMAND_UNTAG,
    COMMAND_MERGE,
    COMMAND_SPLIT,
    COMMAND_ABORT,
    COMMAND_ORDERS
};
static const char *const command_names[] = {"tag", "untag", "merge", "split", "abort", "orders"};

struct settings {
    const char *dir, *log, *exports, *survivors;
    uint64_t seed;
    int threads, commands, imports, pause_us;
    bool verify, create, hold;
    struct fault_plan fault;
};

struct driver {
    struct settings settings;
    struct home *home;
    int log_fd, phase_fd;
    int64_t serial[THREADS_MAX]; /* of each thread, the last that the log names */
    int64_t first_import;
    int64_t *customers; /* ids, ascending */
    size_t customer_count;
    atomic_bool imports_ended, commands_ended, stopped;
    atomic_int commands_begun;
    atomic_int refusals_full, faults;
};

/* One thread that gives commands. */
struct worker {
    struct driver *driver;
    int number;
    uint64_t random;
    struct arena *arena;
    char tag_key[40];
    int64_t tagged_id, merged_id; /* 0: none */
};

struct command {
    struct worker *worker;
    enum command_kind kind;
    int64_t serial;
    char key[40];
    int64_t customer_id, into_id;
    char tag_key[40];
    struct order_batch batch;
};

static _Noreturn void give_up(const char *what)
{
    fprintf(stderr, "crash_driver: %s\n", what);
    exit(1);
}

static void must(struct arena *arena, const struct err *err)
{
    if (err)
        give_up(str_z(arena, err_text(arena, err, LANG_EN)));
}

static void put_line(int fd, const char *line)
{
    size_t n = strlen(line);
    CHECK(write(fd, line, n) == (ssize_t)n);
}

static void phase(struct driver *driver, enum command_kind kind, const char *where)
{
    char line[80];
    if (driver->phase_fd < 0)
        return;
    snprintf(line, sizeof(line), "%s %s\n", command_names[kind], where);
    put_line(driver->phase_fd, line);
}

/* --- What a command does ---------------------------------------------------------------------- */

static const struct err *note_commit(struct tx *tx, void *arg)
{
    struct command *c = arg;
    (void)tx;
    phase(c->worker->driver, c->kind, "commit");
    return NULL;
}

static const struct err *apply(struct tx *tx, struct command *c)
{
    struct str key = str_c(c->key);
    switch (c->kind) {
    case COMMAND_TAG:
        return customer_tag_set(tx, c->customer_id, key, DAY_NONE, key);
    case COMMAND_UNTAG:
        return customer_tag_remove(tx, c->customer_id, str_c(c->tag_key), key);
    case COMMAND_MERGE:
        return customer_merge(tx, c->customer_id, c->into_id, key);
    case COMMAND_SPLIT:
        return customer_split(tx, c->customer_id, key);
    case COMMAND_ABORT: /* writes, and is refused: nothing of it may stay */
        TRY(customer_tag_set(tx, c->customer_id, key, DAY_NONE, key));
        return customer_merge(tx, c->customer_id, c->customer_id, key);
    case COMMAND_ORDERS:
        return order_batch_apply(tx, &c->batch);
    }
    return NULL;
}

static const struct err *command_tx(struct tx *tx, void *arg)
{
    struct command *c = arg;
    phase(c->worker->driver, c->kind, "run");
    TRY(apply(tx, c));
    tx_before_commit(tx, note_commit, c);
    return NULL;
}

static bool is_stop(const struct err *err)
{
    return err->code == ERR_STORE_STOPPED || err->code == ERR_COMMIT_UNKNOWN;
}

static void note_answer(struct driver *driver, struct arena *arena, const char *key,
                        const struct err *err)
{
    char line[LINE_BYTES_MAX];
    const char *name = err ? err_info(err->code)->name : "";
    if (!err)
        snprintf(line, sizeof(line), "ack %s\n", key);
    else if (err_class(err) == ERR_CLASS_CALLER)
        snprintf(line, sizeof(line), "refuse %s %s\n", key, name);
    else
        snprintf(line, sizeof(line), "error %s %s %.1000s\n", key, name,
                 str_z(arena, err_text(arena, err, LANG_EN)));
    put_line(driver->log_fd, line);
    if (err && is_stop(err))
        atomic_store(&driver->stopped, true);
    if (err && err->code == ERR_STORE_FULL &&
        atomic_fetch_add(&driver->refusals_full, 1) + 1 == FULL_REFUSALS)
        fault_vfs_make_room();
}

static void command_run(struct command *c, const char *begin)
{
    struct driver *driver = c->worker->driver;
    struct store_job job = {.name = command_names[c->kind],
                            .fn = command_tx,
                            .arg = c,
                            .again_if_ambiguous = c->kind == COMMAND_ORDERS};
    put_line(driver->log_fd, begin);
    atomic_fetch_add(&driver->commands_begun, 1);
    phase(driver, c->kind, "begin");
    const struct err *err = store_write(driver->home->store, c->worker->arena, &job);
    phase(driver, c->kind, "done");
    note_answer(driver, c->worker->arena, c->key, err);
    phase(driver, c->kind, "acknowledged");
    if (!err && c->kind == COMMAND_TAG) {
        memcpy(c->worker->tag_key, c->key, sizeof(c->key));
        c->worker->tagged_id = c->customer_id;
    }
    if (!err && c->kind == COMMAND_MERGE)
        c->worker->merged_id = c->customer_id;
}

/* --- What a command says ---------------------------------------------------------------------- */

static int64_t below(uint64_t *random, int64_t limit)
{
    return (int64_t)(random_next(random) % (uint64_t)limit);
}

/* Threads keep out of each other's way by taking customers whose ids hash to their own class, and
 * tags keep out of the way of merges. */
static int64_t pick_customer(struct worker *w, bool for_merge)
{
    struct driver *driver = w->driver;
    uint64_t class = (uint64_t)w->number * 2 + for_merge;
    for (int tries = 0; tries < 1000; tries++) {
        int64_t id = driver->customers[below(&w->random, (int64_t)driver->customer_count)];
        uint64_t hash = (uint64_t)id;
        if (random_next(&hash) % ((uint64_t)driver->settings.threads * 2) == class)
            return id;
    }
    give_up("too few customers for so many threads");
}

static struct customer_buyer *make_buyer(struct arena *arena, uint64_t *random, int thread)
{
    struct customer_buyer *buyer = ARENA_NEW(arena, struct customer_buyer);
    bool known = below(random, 10) < 7; /* somebody of the exports */
    buyer->identity_count = 1;
    buyer->identities[0] = (struct identity_value){
        .kind = IDENTITY_PHONE,
        .issuer = STR(""),
        .value =
            str_fmt(arena, "%s%08lld", known ? "139" : "137",
                    (long long)(known ? below(random, 100) : thread * 100 + below(random, 100))),
    };
    buyer->met_at_us = SOLD_AT_US;
    return buyer;
}

static void make_order(struct command *c, uint64_t *random, int index, struct order_fact *order,
                       struct buf *line)
{
    struct arena *arena = c->worker->arena;
    int64_t time_us = SOLD_AT_US + below(random, 300) * US_PER_DAY;
    *order = (struct order_fact){
        .source = STR("till"),
        .number = str_fmt(arena, "%s-%d", c->key, index),
        .state = ORDER_PAID,
        .occurred_at_us = time_us,
        .paid_at_us = time_us,
        .channel = STR("till"),
        .line_count = (int)below(random, 4),
        .exported_at_us = EXPORTED_AT_US,
        .buyer = make_buyer(arena, random, c->worker->number),
    };
    order->lines = ARENA_ARRAY(arena, (size_t)order->line_count + 1, struct order_line_fact);
    for (int i = 0; i < order->line_count; i++) {
        order->lines[i] = (struct order_line_fact){
            .product_code = str_fmt(arena, "P%lld", (long long)below(random, 20)),
            .quantity_milli = 1000,
            .amount_minor = 1 + below(random, 5000),
        };
        order->amount_minor += order->lines[i].amount_minor;
    }
    if (order->line_count == 0)
        order->amount_minor = 1 + below(random, 5000);
    buf_fmt(line, " %.*s=%lld/%d@%.*s", STR_ARG(order->number), (long long)order->amount_minor,
            order->line_count, STR_ARG(order->buyer->identities[0].value));
}

/* One to five orders and the refunds of some of them. Said again it is the same: all follows from
 * the seed and the key. */
static void make_batch(struct command *c, struct buf *line)
{
    struct arena *arena = c->worker->arena;
    uint64_t random = c->worker->driver->settings.seed * 1000003 +
                      (uint64_t)c->worker->number * 1000000007 + (uint64_t)c->serial;
    int count = 1 + (int)below(&random, 5);
    struct order_batch *batch = &c->batch;
    batch->brand = c->worker->driver->home->brand;
    batch->orders = ARENA_ARRAY(arena, (size_t)count, struct order_fact);
    batch->refunds = ARENA_ARRAY(arena, (size_t)count, struct refund_fact);
    for (int i = 0; i < count; i++)
        make_order(c, &random, i, &batch->orders[batch->order_count++], line);
    for (int i = 0; i < count; i++) {
        const struct order_fact *order = &batch->orders[i];
        if (below(&random, 3) > 0)
            continue;
        struct refund_fact *refund = &batch->refunds[batch->refund_count++];
        *refund = (struct refund_fact){
            .source = STR("till"),
            .number = str_fmt(arena, "%s-r%d", c->key, i),
            .order_number = order->number,
            .refunded_at_us = order->paid_at_us + US_PER_DAY,
            .amount_minor = 1 + below(&random, order->amount_minor),
            .exported_at_us = EXPORTED_AT_US,
        };
        buf_fmt(line, " %.*s=%lld>%.*s", STR_ARG(refund->number), (long long)refund->amount_minor,
                STR_ARG(order->number));
    }
}

static void say(struct command *c)
{
    struct buf line = buf_new(c->worker->arena, LINE_BYTES_MAX);
    buf_fmt(&line, "begin %s %s", c->key, command_names[c->kind]);
    if (c->kind == COMMAND_ORDERS)
        make_batch(c, &line);
    else
        buf_fmt(&line, " %lld", (long long)c->customer_id);
    if (c->kind == COMMAND_MERGE)
        buf_fmt(&line, " %lld", (long long)c->into_id);
    if (c->kind == COMMAND_UNTAG)
        buf_fmt(&line, " %s", c->tag_key);
    buf_char(&line, '\n');
    command_run(c, str_z(c->worker->arena, buf_view(&line)));
}

static struct command command_new(struct worker *w, enum command_kind kind, int64_t serial)
{
    struct command c = {.worker = w, .kind = kind, .serial = serial};
    snprintf(c.key, sizeof(c.key), "t%d-%lld", w->number, (long long)serial);
    return c;
}

/* Reads without a trace, so that checkpoints and commits meet snapshots in use. */
static const struct err *look_tx(struct tx *tx, void *arg)
{
    struct customer_view *view;
    return customer_view(tx, *(int64_t *)arg, &view);
}

static void look(struct worker *w)
{
    int64_t id = pick_customer(w, false);
    struct store_job job = {.name = "look", .fn = look_tx, .arg = &id};
    const struct err *err = store_read(w->driver->home->store, w->arena, &job);
    (void)err; /* nothing is promised by it */
}

static void next_command(struct worker *w)
{
    static const enum command_kind mix[] = {
        COMMAND_TAG,    COMMAND_TAG,   COMMAND_TAG,    COMMAND_UNTAG,
        COMMAND_MERGE,  COMMAND_SPLIT, COMMAND_ORDERS, COMMAND_ORDERS,
        COMMAND_ORDERS, COMMAND_ABORT, COMMAND_MERGE,  COMMAND_ORDERS,
    };
    enum command_kind kind = mix[below(&w->random, sizeof(mix) / sizeof(*mix))];
    if (kind == COMMAND_UNTAG && w->tagged_id == 0)
        kind = COMMAND_TAG;
    if (kind == COMMAND_SPLIT && w->merged_id == 0)
        kind = COMMAND_MERGE;
    struct command c = command_new(w, kind, ++w->driver->serial[w->number]);
    c.customer_id = pick_customer(w, kind == COMMAND_MERGE || kind == COMMAND_SPLIT);
    c.into_id = pick_customer(w, true);
    if (kind == COMMAND_UNTAG) {
        c.customer_id = w->tagged_id;
        memcpy(c.tag_key, w->tag_key, sizeof(c.tag_key));
        w->tagged_id = 0;
    }
    if (kind == COMMAND_SPLIT) {
        c.customer_id = w->merged_id;
        w->merged_id = 0;
    }
    say(&c);
    if (below(&w->random, 8) == 0)
        look(w);
}

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    const struct settings *settings = &w->driver->settings;
    int after_stop = 0;
    for (int i = 0; settings->commands == 0 || i < settings->commands; i++) {
        if (settings->commands == 0 && atomic_load(&w->driver->imports_ended))
            break;
        if (atomic_load(&w->driver->stopped) && ++after_stop > AFTER_STOP)
            break;
        arena_reset(w->arena);
        next_command(w);
        if (settings->pause_us > 0)
            usleep((useconds_t)below(&w->random, settings->pause_us));
    }
    return NULL;
}

/* --- The imports ------------------------------------------------------------------------------ */

static void import_one(struct driver *driver, struct arena *arena, const struct import_map *map,
                       int64_t number)
{
    struct import_result result;
    struct import_options options = {
        .path = str_fmt(arena, "%s/export-%lld.csv", driver->settings.exports, (long long)number),
        .map = map,
        .exported_at_us = EXPORTED_AT_US + number * US_PER_DAY,
        .reject_path = str_fmt(arena, "%s.rejects", driver->settings.log),
        .temporary_directory = driver->home->temporary_directory,
        .batch_orders = BATCH_ORDERS,
    };
    char line[LINE_BYTES_MAX], key[40];
    snprintf(key, sizeof(key), "import %lld", (long long)number);
    snprintf(line, sizeof(line), "begin %s\n", key);
    put_line(driver->log_fd, line);
    const struct err *err =
        import_orders(driver->home->store, arena, driver->home->brand, &options, &result);
    note_answer(driver, arena, key, err);
}

static void *importer_main(void *arg)
{
    struct driver *driver = arg;
    const struct settings *settings = &driver->settings;
    struct arena *arena = arena_new("imports", ARENA_BYTES_MAX),
                 *one = arena_new("import", ARENA_BYTES_MAX);
    struct import_map *map;
    must(arena, import_map_read(arena, str_fmt(arena, "%s/map.json", settings->exports), &map));
    int64_t from = driver->first_import;
    for (int64_t n = from; n < from + settings->imports && !atomic_load(&driver->stopped); n++) {
        arena_reset(one);
        if (!file_exists(one, str_fmt(one, "%s/export-%lld.csv", settings->exports, (long long)n)))
            break;
        import_one(driver, one, map, n);
    }
    atomic_store(&driver->imports_ended, true);
    arena_free(one);
    arena_free(arena);
    return NULL;
}

/* --- The beginning ---------------------------------------------------------------------------- */

/* A line of the log that was begun and not answered. */
struct open_command {
    int thread;
    long long serial, customer_id;
    enum command_kind kind;
    bool answered;
};

static struct open_command *find_open(struct open_command *open, size_t count, int thread,
                                      long long serial)
{
    for (size_t i = count; i > 0; i--) {
        if (open[i - 1].thread == thread && open[i - 1].serial == serial)
            return &open[i - 1];
    }
    return NULL;
}

/* Takes in one line; a begun command goes to open[*count]. */
static void read_line(struct driver *driver, const char *line, struct open_command *open,
                      size_t *count)
{
    int thread;
    long long serial, customer_id = 0;
    char word[16], kind[16];
    if (sscanf(line, "ack import %lld", &serial) == 1) {
        driver->first_import = serial + 1;
    } else if (sscanf(line, "begin t%d-%lld %15s %lld", &thread, &serial, kind, &customer_id) >=
               3) {
        if (thread < 0 || thread >= THREADS_MAX)
            give_up("the log was not written by this program");
        if (serial > driver->serial[thread])
            driver->serial[thread] = serial;
        struct open_command *at = find_open(open, *count, thread, serial);
        at = at ? at : &open[(*count)++];
        *at = (struct open_command){.thread = thread, .serial = serial, .customer_id = customer_id};
        at->answered = strcmp(kind, "orders") != 0 && strcmp(kind, "tag") != 0;
        at->kind = strcmp(kind, "tag") == 0 ? COMMAND_TAG : COMMAND_ORDERS;
    } else if (sscanf(line, "%15s t%d-%lld", word, &thread, &serial) == 3) {
        struct open_command *at = find_open(open, *count, thread, serial);
        if (at)
            at->answered = true;
    }
}

static struct worker worker_new(struct driver *driver, int number)
{
    return (struct worker){
        .driver = driver,
        .number = number,
        .random = driver->settings.seed * 7919 + (uint64_t)number * 104729 +
                  (uint64_t)driver->serial[number],
        .arena = arena_new("commands", ARENA_BYTES_MAX),
    };
}

/* Says again what was begun and not answered. */
static void say_again(struct driver *driver, const struct open_command *open, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (open[i].answered)
            continue;
        struct worker w = worker_new(driver, open[i].thread);
        struct command c = command_new(&w, open[i].kind, open[i].serial);
        c.customer_id = open[i].customer_id;
        say(&c);
        arena_free(w.arena);
    }
}

static void take_up(struct driver *driver)
{
    size_t lines = 1, count = 0;
    char line[LINE_BYTES_MAX];
    FILE *file = fopen(driver->settings.log, "r");
    if (!file)
        return;
    while (fgets(line, sizeof(line), file))
        lines++;
    rewind(file);
    struct open_command *open = calloc(lines, sizeof(*open));
    CHECK(open);
    while (fgets(line, sizeof(line), file))
        read_line(driver, line, open, &count);
    fclose(file);
    say_again(driver, open, count);
    free(open);
}

static const struct err *list_customers(struct tx *tx, void *arg)
{
    struct driver *driver = arg;
    struct customer_scan scan;
    struct customer_scan_row row;
    size_t capacity = 0;
    driver->customer_count = 0;
    TRY(customer_scan_open(tx, &scan));
    for (;;) {
        bool has;
        TRY(customer_scan_next(&scan, &row, &has));
        if (!has)
            return NULL;
        if (row.placeholder)
            continue;
        if (driver->customer_count == capacity) {
            capacity = capacity ? capacity * 2 : 1024;
            driver->customers = realloc(driver->customers, capacity * sizeof(int64_t));
            CHECK(driver->customers);
        }
        driver->customers[driver->customer_count++] = row.customer_id;
    }
}

static void verify(struct driver *driver, struct arena *arena, const char *when)
{
    struct verify_result result;
    must(arena, columns_verify(driver->home->store, arena, driver->home->brand, LANG_EN, &result));
    for (int i = 0; i < result.fault_text_count; i++)
        fprintf(stderr, "verify, %s: %.*s\n", when, STR_ARG(result.faults[i]));
    atomic_fetch_add(&driver->faults, (int)result.fault_count);
}

/* After a write or sync that failed the store must have stopped, whoever met it. */
static void probe_stop(struct driver *driver)
{
    const struct settings *settings = &driver->settings;
    enum fault_kind kind = settings->fault.kind;
    bool written = kind == FAULT_WRITE || kind == FAULT_WRITE_DB || kind == FAULT_SYNC ||
                   kind == FAULT_SYNC_DB;
    if (!settings->survivors || !written || fault_vfs_hits() == 0 || atomic_load(&driver->stopped))
        return;
    usleep(PROBE_AFTER_US); /* a checkpoint's thread may just be about to say so */
    struct worker w = worker_new(driver, 0);
    struct command c = command_new(&w, COMMAND_TAG, ++driver->serial[0]);
    c.customer_id = pick_customer(&w, false);
    say(&c);
    if (!atomic_load(&driver->stopped))
        give_up("a write or sync failed, and the store goes on");
    arena_free(w.arena);
}

static const struct err *hold_tx(struct tx *tx, void *arg)
{
    struct driver *driver = arg;
    TRY(look_tx(tx, &driver->customers[0]));
    while (!atomic_load(&driver->commands_ended))
        usleep(HOLD_STEP_US);
    return NULL;
}

static void *holder_main(void *arg)
{
    struct driver *driver = arg;
    struct arena *arena = arena_new("holder", ARENA_BYTES_MAX);
    struct store_job job = {.name = "hold", .fn = hold_tx, .arg = driver};
    while (atomic_load(&driver->commands_begun) < HOLD_AFTER &&
           !atomic_load(&driver->commands_ended))
        usleep(HOLD_STEP_US);
    const struct err *err = store_read(driver->home->store, arena, &job);
    (void)err; /* nothing is promised by it */
    arena_free(arena);
    return NULL;
}

static void run_all(struct driver *driver)
{
    int threads = driver->settings.threads;
    struct worker workers[THREADS_MAX];
    pthread_t ids[THREADS_MAX], importer, holder;
    if (driver->settings.hold)
        CHECK(pthread_create(&holder, NULL, holder_main, driver) == 0);
    CHECK(pthread_create(&importer, NULL, importer_main, driver) == 0);
    for (int i = 0; i < threads; i++) {
        workers[i] = worker_new(driver, i);
        CHECK(pthread_create(&ids[i], NULL, worker_main, &workers[i]) == 0);
    }
    for (int i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
        arena_free(workers[i].arena);
    }
    pthread_join(importer, NULL);
    atomic_store(&driver->commands_ended, true);
    if (driver->settings.hold)
        pthread_join(holder, NULL);
}

static void read_fault(const char *text, struct fault_plan *fault)
{
    char name[16], how[16] = "";
    long long at;
    if (sscanf(text, "%15[a-z]:%lld:%15s", name, &at, how) < 2)
        give_up("--fault is KIND:N or KIND:N:lasting");
    fault->at = at;
    fault->lasting = strcmp(how, "lasting") == 0;
    for (int kind = 1; kind < FAULT_KIND_MAX; kind++) {
        if (strcmp(name, fault_kind_name((enum fault_kind)kind)) == 0)
            fault->kind = (enum fault_kind)kind;
    }
    if (!fault->kind && strcmp(name, "none") != 0)
        give_up("--fault names no kind of fault");
}

static bool read_settings(int argc, char **argv, struct settings *s)
{
    static const struct option options[] = {
        {"dir", 1, NULL, 'd'},     {"log", 1, NULL, 'l'},       {"exports", 1, NULL, 'e'},
        {"seed", 1, NULL, 's'},    {"threads", 1, NULL, 't'},   {"commands", 1, NULL, 'c'},
        {"imports", 1, NULL, 'i'}, {"pause-us", 1, NULL, 'p'},  {"verify", 0, NULL, 'v'},
        {"fault", 1, NULL, 'f'},   {"survivors", 1, NULL, 'o'}, {"create", 0, NULL, 'n'},
        {"hold", 0, NULL, 'h'},    {NULL, 0, NULL, 0},
    };
    *s = (struct settings){.seed = 1, .threads = 3, .imports = 1000000};
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (c) {
        case 'd':
            s->dir = optarg;
            break;
        case 'l':
            s->log = optarg;
            break;
        case 'e':
            s->exports = optarg;
            break;
        case 's':
            s->seed = strtoull(optarg, NULL, 10);
            break;
        case 't':
            s->threads = (int)strtol(optarg, NULL, 10);
            break;
        case 'c':
            s->commands = (int)strtol(optarg, NULL, 10);
            break;
        case 'i':
            s->imports = (int)strtol(optarg, NULL, 10);
            break;
        case 'p':
            s->pause_us = (int)strtol(optarg, NULL, 10);
            break;
        case 'v':
            s->verify = true;
            break;
        case 'f':
            read_fault(optarg, &s->fault);
            break;
        case 'h':
            s->hold = true;
            break;
        case 'n':
            s->create = true;
            break;
        case 'o':
            s->survivors = optarg;
            break;
        default:
            return false;
        }
    }
    return optind == argc && s->dir && s->log && s->exports && s->threads > 0 &&
           s->threads <= THREADS_MAX;
}

static int open_log(const char *path)
{
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    if (path && fd < 0)
        give_up(path);
    return fd;
}

static int create(struct driver *driver, struct arena *arena)
{
    struct home_create wanted = {.directory = str_c(driver->settings.dir),
                                 .name = STR("Test"),
                                 .currency = STR("CNY"),
                                 .time_zone = STR("Asia/Shanghai")};
    const struct err *err = home_create(arena, &wanted);
    note_answer(driver, arena, "create", err);
    return err ? 3 : 0;
}

/* Opens, works, closes. Where a fault is planned the opening may fail, which is no promise. */
static int work(struct driver *driver, struct arena *arena)
{
    const struct settings *settings = &driver->settings;
    const struct err *err = home_open(arena, str_c(settings->dir), HOME_WRITE, &driver->home);
    if (err && settings->survivors) {
        note_answer(driver, arena, "open", err);
        return 3;
    }
    must(arena, err);
    if (settings->verify)
        verify(driver, arena, "at the beginning");
    struct store_job job = {.name = "list", .fn = list_customers, .arg = driver};
    err = store_read(driver->home->store, arena, &job);
    if (err && settings->survivors) {
        note_answer(driver, arena, "list", err);
        home_close(driver->home);
        return 3;
    }
    must(arena, err);
    take_up(driver);
    run_all(driver);
    probe_stop(driver);
    if (settings->verify)
        verify(driver, arena, "at the end");
    home_close(driver->home);
    return atomic_load(&driver->faults) ? 1 : atomic_load(&driver->stopped) ? 3 : 0;
}

int main(int argc, char **argv)
{
    static struct driver driver;
    if (!read_settings(argc, argv, &driver.settings))
        give_up("a setting is missing or not known; see the top of driver.c");
    struct settings *settings = &driver.settings;
    if (settings->survivors) {
        settings->fault.seed = settings->seed;
        settings->fault.survivors = settings->survivors;
        fault_vfs_install(&settings->fault);
    }
    driver.log_fd = open_log(settings->log);
    driver.phase_fd = open_log(getenv("HUITOU_PHASE_LOG"));
    struct arena *arena = arena_new("driver", ARENA_BYTES_MAX);
    int status = settings->create ? create(&driver, arena) : work(&driver, arena);
    free(driver.customers);
    arena_free(arena);
    if (!settings->survivors)
        return status;
    printf("status %d hits %lld", status, (long long)fault_vfs_hits());
    for (int kind = FAULT_CUT; kind < FAULT_FULL; kind++)
        printf(" %s %lld", fault_kind_name((enum fault_kind)kind),
               (long long)fault_vfs_count((enum fault_kind)kind));
    printf("\n");
    fflush(stdout);
    fault_vfs_cut();
}
