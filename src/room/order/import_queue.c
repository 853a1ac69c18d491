/* The queue of imports: its two threads, its files. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/check.h"
#include "codec/file.h"
#include "room/order/import_upload.h"
#include "sql_order.h"

#define TASK_MEMORY_BYTES_MAX ((size_t)1 << 37)
#define LOOK_MEMORY_BYTES_MAX ((size_t)64 << 20)
#define TELL_INTERVAL_US 250000 /* between two words about progress */
#define RETRY_US 5000000        /* after an error of the store */

static const struct upload_state_info states[UPLOAD_STATE_MAX] = {
#define STATE(code, name, en, zh) [UPLOAD_##code] = {name, TEXT(en, zh)},
    UPLOAD_STATE_TABLE(STATE)
#undef STATE
};

const struct upload_state_info *upload_state_info(enum upload_state state)
{
    CHECK(state < UPLOAD_STATE_MAX);
    return &states[state];
}

/* --- Files --- */

struct str imports_folder(struct arena *arena, const struct imports *imports, int64_t upload_id)
{
    return str_fmt(arena, "%.*s/%lld", STR_ARG(imports->options.directory), (long long)upload_id);
}

struct str imports_file(struct arena *arena, const struct imports *imports, int64_t upload_id,
                        struct str name)
{
    struct str folder = imports_folder(arena, imports, upload_id);
    return str_fmt(arena, "%.*s/%.*s", STR_ARG(folder), STR_ARG(name));
}

bool import_is_file_name(struct str name)
{
    if (name.n < 1 || name.n > LIMIT_FILE_NAME_BYTES_MAX || str_trim(name).n == 0)
        return false;
    for (size_t i = 0; i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i];
        if (c < 0x20 || c == 0x7f || c == '/' || c == '\\')
            return false;
    }
    return !str_eq(name, STR(".")) && !str_eq(name, STR(".."));
}

/* Removes the files of a folder whose names begin so; "" all of them. */
static void remove_files(struct arena *arena, struct str folder, const char *prefix)
{
    DIR *open = opendir(str_z(arena, folder));
    if (!open)
        return;
    for (struct dirent *entry = readdir(open); entry; entry = readdir(open)) {
        if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0 ||
            strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        (void)unlinkat(dirfd(open), entry->d_name, 0);
    }
    closedir(open);
}

void imports_remove(struct imports *imports, int64_t upload_id)
{
    struct arena *arena = arena_new("import files", LOOK_MEMORY_BYTES_MAX);
    struct str folder = imports_folder(arena, imports, upload_id);
    remove_files(arena, folder, "");
    (void)rmdir(str_z(arena, folder));
    arena_free(arena);
}

/* --- What is told of them --- */

static void publish(struct imports *imports, int64_t upload_id, enum upload_state state,
                    const struct import_progress *progress)
{
    if (!imports->options.publish)
        return;
    struct arena *arena = arena_new("import told", LOOK_MEMORY_BYTES_MAX);
    struct buf out = buf_new(arena, 4096);
    struct json_writer w = json_writer(&out, false);
    json_open(&w, '{');
    json_key(&w, STR("import_id"));
    json_put_id(&w, upload_id);
    json_key(&w, STR("state"));
    json_put_str(&w, str_c(upload_state_info(state)->name));
    if (progress) {
        json_key(&w, STR("phase"));
        json_put_str(&w, progress->phase);
        json_key(&w, STR("done"));
        json_put_i64(&w, progress->done);
        json_key(&w, STR("total"));
        json_put_i64(&w, progress->total);
    }
    json_close(&w, '}');
    imports->options.publish(imports->options.publish_arg, STR("import"), buf_view(&out));
    arena_free(arena);
}

void imports_tell(struct imports *imports, int64_t upload_id, enum upload_state state)
{
    publish(imports, upload_id, state, NULL);
}

void imports_lane_progress(void *arg, const char *phase, int64_t done, int64_t total)
{
    struct imports_lane *lane = arg;
    struct imports *imports = lane->imports;
    int64_t now_us = clock_now_us(&imports->deps.clock);
    pthread_mutex_lock(&imports->lock);
    bool tell = strcmp(lane->phase, phase) != 0 || now_us - lane->told_us >= TELL_INTERVAL_US;
    (void)snprintf(lane->phase, sizeof(lane->phase), "%s", phase);
    lane->done = done;
    lane->total = total;
    if (tell)
        lane->told_us = now_us;
    int64_t upload_id = lane->upload_id;
    pthread_mutex_unlock(&imports->lock);
    struct import_progress progress = {str_c(phase), done, total};
    if (tell)
        publish(imports, upload_id, lane->is_import ? UPLOAD_RUNNING : UPLOAD_CHECKING, &progress);
}

bool imports_lane_stopped(void *arg)
{
    struct imports_lane *lane = arg;
    return atomic_load(&lane->stopped) || atomic_load(&lane->imports->closing);
}

struct import_progress imports_progress(struct imports *imports, struct arena *arena,
                                        int64_t upload_id)
{
    struct imports_lane *lanes[] = {&imports->check, &imports->import};
    struct import_progress progress = {STR_NONE, 0, 0};
    pthread_mutex_lock(&imports->lock);
    for (int i = 0; i < 2; i++) {
        if (lanes[i]->upload_id != upload_id || lanes[i]->phase[0] == '\0')
            continue;
        progress.phase = str_copy(arena, str_c(lanes[i]->phase));
        progress.done = lanes[i]->done;
        progress.total = lanes[i]->total;
    }
    pthread_mutex_unlock(&imports->lock);
    return progress;
}

/* --- The threads --- */

void imports_wake(struct imports *imports)
{
    pthread_mutex_lock(&imports->lock);
    imports->check.wanted = imports->import.wanted = true;
    pthread_cond_broadcast(&imports->changed);
    pthread_mutex_unlock(&imports->lock);
}

void imports_stop(struct imports *imports, int64_t upload_id)
{
    struct imports_lane *lanes[] = {&imports->check, &imports->import};
    pthread_mutex_lock(&imports->lock);
    for (int i = 0; i < 2; i++) {
        if (lanes[i]->upload_id == upload_id)
            atomic_store(&lanes[i]->stopped, true);
    }
    pthread_cond_broadcast(&imports->changed);
    pthread_mutex_unlock(&imports->lock);
}

struct look {
    enum upload_state state;
    int64_t upload_id; /* 0: nothing waits */
};

static const struct err *next_tx(struct tx *tx, void *arg)
{
    struct look *look = arg;
    struct sql_order_upload_next_out row;
    bool found;
    TRY(sql_order_upload_next_one(tx, &(struct sql_order_upload_next_in){look->state}, &row,
                                  &found));
    look->upload_id = found ? row.upload_id : 0;
    return NULL;
}

static ERR_RESULT find_next(struct imports_lane *lane, struct arena *arena, int64_t *upload_id)
{
    struct look look = {.state = lane->is_import ? UPLOAD_WAITING : UPLOAD_CHECKING};
    struct store_job job = {.name = "import next", .fn = next_tx, .arg = &look};
    TRY(store_read(lane->imports->options.store, arena, &job));
    *upload_id = look.upload_id;
    return NULL;
}

static void take(struct imports_lane *lane, int64_t upload_id)
{
    pthread_mutex_lock(&lane->imports->lock);
    lane->upload_id = upload_id;
    lane->phase[0] = '\0';
    lane->done = lane->total = lane->told_us = 0;
    atomic_store(&lane->stopped, false);
    pthread_cond_broadcast(&lane->imports->changed);
    pthread_mutex_unlock(&lane->imports->lock);
}

bool imports_wait_for_import(struct imports_lane *lane)
{
    struct imports *imports = lane->imports;
    pthread_mutex_lock(&imports->lock);
    bool at_work = imports->import.upload_id != 0;
    while (imports->import.upload_id != 0 && !imports_lane_stopped(lane))
        pthread_cond_wait(&imports->changed, &imports->lock);
    pthread_mutex_unlock(&imports->lock);
    return at_work;
}

/* All that waits. False: an error of the store leaves the rest for later. */
static bool work_off(struct imports_lane *lane)
{
    for (;;) {
        struct arena *arena = arena_new("import task", TASK_MEMORY_BYTES_MAX);
        int64_t upload_id = 0;
        const struct err *err = find_next(lane, arena, &upload_id);
        bool nothing = !err && upload_id == 0;
        take(lane, upload_id);
        if (!err && !nothing)
            err = lane->is_import ? import_task_run(lane, arena, upload_id)
                                  : import_task_check(lane, arena, upload_id);
        take(lane, 0);
        bool failed = err != NULL;
        arena_free(arena);
        if (failed || nothing || atomic_load(&lane->imports->closing))
            return !failed;
    }
}

/* Until there may be something to do; after an error, at most RETRY_US. */
static void wait_for_work(struct imports_lane *lane, bool failed)
{
    struct imports *imports = lane->imports;
    int64_t until_us = clock_now_us(&imports->deps.clock) + RETRY_US;
    struct timespec until = {.tv_sec = (time_t)(until_us / 1000000),
                             .tv_nsec = (long)(until_us % 1000000) * 1000};
    int timed_out = 0;
    pthread_mutex_lock(&imports->lock);
    while (!lane->wanted && !atomic_load(&imports->closing) && timed_out == 0) {
        if (failed)
            timed_out = pthread_cond_timedwait(&imports->changed, &imports->lock, &until);
        else
            pthread_cond_wait(&imports->changed, &imports->lock);
    }
    lane->wanted = false;
    pthread_mutex_unlock(&imports->lock);
}

static const struct err *interrupted_tx(struct tx *tx, void *arg)
{
    (void)arg;
    struct sql_order_upload_interrupted_in in = {tx_now_us(tx)};
    return sql_order_upload_interrupted_run(tx, &in);
}

/* Imports of which it is not known how they ended: the server did before, or the store was away. */
static ERR_RESULT note_interrupted(struct imports *imports, struct arena *arena)
{
    struct store_job job = {
        .name = "import interrupted", .fn = interrupted_tx, .again_if_ambiguous = true};
    return store_write(imports->options.store, arena, &job);
}

/* After an error of the store. */
static bool recover(struct imports_lane *lane)
{
    struct arena *arena = arena_new("import recovery", LOOK_MEMORY_BYTES_MAX);
    bool done = !lane->is_import || note_interrupted(lane->imports, arena) == NULL;
    arena_free(arena);
    return done;
}

static void *run_lane(void *arg)
{
    struct imports_lane *lane = arg;
    bool failed = false;
    while (!atomic_load(&lane->imports->closing)) {
        wait_for_work(lane, failed);
        if (!atomic_load(&lane->imports->closing) && (!failed || recover(lane)))
            failed = !work_off(lane);
    }
    return NULL;
}

/* --- Opening --- */

struct sweep {
    struct imports *imports;
    struct str name; /* of a folder that may belong to no upload */
    bool known;
};

static const struct err *known_tx(struct tx *tx, void *arg)
{
    struct sweep *sweep = arg;
    struct sql_order_upload_one_out row;
    int64_t upload_id = 0;
    sweep->known = false;
    if (!str_to_i64(sweep->name, &upload_id))
        return NULL;
    struct sql_order_upload_one_in in = {upload_id};
    TRY(sql_order_upload_one_one(tx, &in, &row, &sweep->known));
    sweep->known = sweep->known && (row.is_kept || str_is(row.reject_name));
    return NULL;
}

/* Folders of uploads that were cut off before they were noted, or discarded before they were
 * removed. */
static ERR_RESULT remove_strays(struct imports *imports)
{
    struct arena *arena = arena_new("import strays", LOOK_MEMORY_BYTES_MAX);
    DIR *open = opendir(str_z(arena, imports->options.directory));
    const struct err *err = NULL;
    for (struct dirent *entry = open ? readdir(open) : NULL; entry && !err; entry = readdir(open)) {
        struct sweep sweep = {.imports = imports, .name = str_c(entry->d_name)};
        struct store_job job = {.name = "import stray", .fn = known_tx, .arg = &sweep};
        int64_t upload_id;
        if (!str_to_i64(sweep.name, &upload_id))
            continue;
        err = store_read(imports->options.store, arena, &job);
        if (!err && !sweep.known)
            imports_remove(imports, upload_id);
    }
    if (open)
        closedir(open);
    if (err)
        err = err_copy(imports->arena, err); /* before there are threads */
    arena_free(arena);
    return err;
}

static ERR_RESULT prepare(struct imports *imports)
{
    TRY(file_make_directory(imports->arena, imports->options.directory, 0700));
    remove_files(imports->arena, imports->options.temporary_directory, "upload-");
    TRY(note_interrupted(imports, imports->arena));
    return remove_strays(imports);
}

ERR_RESULT imports_open(struct arena *arena, const struct imports_options *options,
                        struct imports **out)
{
    struct imports *imports = ARENA_NEW(arena, struct imports);
    imports->options = *options;
    imports->deps = *store_deps(options->store);
    imports->arena = arena;
    TRY(prepare(imports));
    pthread_mutex_init(&imports->lock, NULL);
    pthread_cond_init(&imports->changed, NULL);
    imports->check = (struct imports_lane){.imports = imports, .wanted = true};
    imports->import = (struct imports_lane){.imports = imports, .wanted = true, .is_import = true};
    CHECK(pthread_create(&imports->check.thread, NULL, run_lane, &imports->check) == 0);
    CHECK(pthread_create(&imports->import.thread, NULL, run_lane, &imports->import) == 0);
    *out = imports;
    return NULL;
}

void imports_close(struct imports *imports)
{
    pthread_mutex_lock(&imports->lock);
    atomic_store(&imports->closing, true);
    pthread_cond_broadcast(&imports->changed);
    pthread_mutex_unlock(&imports->lock);
    pthread_join(imports->check.thread, NULL);
    pthread_join(imports->import.thread, NULL);
    pthread_mutex_destroy(&imports->lock);
    pthread_cond_destroy(&imports->changed);
}
