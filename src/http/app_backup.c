/* Backups from the console: the list, making one, its file. */
#include "http/app_part.h"

#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "codec/file.h"
#include "job/backup.h"

#define OWNER_ONLY                                                                                 \
    {                                                                                              \
        [ROLE_OWNER] = REACH_ALL                                                                   \
    }
#define LIST_MAX 200
#define BACKUP_BYTES_MAX ((size_t)64 << 20)
#define TEXT_BYTES_MAX 1024

/* One backup at a time. */
struct backup_work {
    pthread_mutex_t lock; /* guards all below */
    pthread_t thread;
    bool running, started;                /* started: there is a thread to be joined */
    char error[LANG_MAX][TEXT_BYTES_MAX]; /* of the last one; "": none */
    struct server_control *control;
    char passphrase[BACKUP_PASSPHRASE_BYTES_MAX + 1], made_by[TEXT_BYTES_MAX];
};

struct backup_work *backup_work_new(struct arena *arena)
{
    struct backup_work *work = ARENA_NEW(arena, struct backup_work);
    pthread_mutex_init(&work->lock, NULL);
    return work;
}

void backup_work_join(struct backup_work *work)
{
    if (work->started)
        pthread_join(work->thread, NULL);
    work->started = false;
}

void backup_work_stop(struct backup_work *work)
{
    backup_work_join(work);
    pthread_mutex_destroy(&work->lock);
}

/* --- Making one --- */

static void put_text(char out[TEXT_BYTES_MAX], struct str text)
{
    size_t n = text.n < TEXT_BYTES_MAX ? text.n : TEXT_BYTES_MAX - 1;
    memcpy(out, text.p, n);
    out[n] = '\0';
}

static const struct err *make(struct backup_work *work, struct arena *arena)
{
    const struct home *home = work->control->home;
    struct str directory = str_fmt(arena, "%.*s/backups", STR_ARG(home->directory));
    struct backup_result result;
    const struct backup_options options = {
        .directory = home->directory,
        .store_url = home->store_url,
        .deps = &home->deps,
        .store = home->store,
        .brand = home->brand,
        .path = directory,
        .passphrase = work->passphrase[0] ? str_c(work->passphrase) : STR_NONE,
        .made_by = str_c(work->made_by),
    };
    TRY(file_make_directory(arena, directory, 0700));
    return backup_make(arena, &options, &result);
}

static void *run(void *arg)
{
    struct backup_work *work = arg;
    struct arena *arena = arena_new("backup", BACKUP_BYTES_MAX);
    const struct err *err = make(work, arena);
    pthread_mutex_lock(&work->lock);
    for (int lang = 0; lang < LANG_MAX; lang++)
        put_text(work->error[lang], err ? err_text(arena, err, (enum lang)lang) : STR(""));
    secret_forget(work->passphrase, sizeof(work->passphrase));
    work->running = false;
    pthread_mutex_unlock(&work->lock);
    arena_free(arena);
    return NULL;
}

/* False where one is being made. */
static bool start(struct backup_work *work, struct server_control *control, struct str passphrase,
                  struct str made_by)
{
    pthread_mutex_lock(&work->lock);
    bool free = !work->running;
    if (free) {
        if (work->started)
            pthread_join(work->thread, NULL);
        work->control = control;
        work->running = work->started = true;
        work->passphrase[0] = '\0';
        if (passphrase.p) {
            memcpy(work->passphrase, passphrase.p, passphrase.n);
            work->passphrase[passphrase.n] = '\0';
        }
        put_text(work->made_by, made_by);
        CHECK(pthread_create(&work->thread, NULL, run, work) == 0);
    }
    pthread_mutex_unlock(&work->lock);
    return free;
}

struct create_in {
    struct str passphrase;
};
static const struct field create_fields[] = {
    SHAPE_FIELD(
        struct create_in, passphrase, TEXT,
        "Puts the master key into the backup too, locked by this passphrase of 12 to 200 bytes.",
        "同时放入主密钥，并用此口令（12 到 200 字节）锁住。", .max = 1000, .secret = true),
};
static const struct shape create_shape = {
    .name = "backup_new", .size = sizeof(struct create_in), SHAPE_FIELDS(create_fields)};
struct create_out {
    bool running;
};
static const struct field create_out_fields[] = {
    SHAPE_FIELD(struct create_out, running, BOOL,
                "It is being made; the list shows it when it is done.",
                "正在备份；完成后出现在列表中。"),
};
static const struct shape create_out_shape = {
    .name = "backup_begun", .size = sizeof(struct create_out), SHAPE_FIELDS(create_out_fields)};

static const struct err *create_tx(struct tx *tx, void *arg)
{
    struct call *call = arg;
    const struct create_in *in = call->in;
    (void)tx;
    ((struct create_out *)call->out)->running = true;
    call->audit_object = STR("backup");
    call->audit_after = in->passphrase.p ? STR("{\"with_key\":true}") : STR("{\"with_key\":false}");
    return NULL;
}

static const struct err *create_backup(struct call *call)
{
    struct server_control *control = call->service->control;
    const struct create_in *in = call->in;
    if (in->passphrase.p)
        TRY(backup_check_passphrase(call->arena, in->passphrase, STR("/passphrase")));
    if (in->passphrase.p && memchr(in->passphrase.p, '\0', in->passphrase.n))
        return ERR_NEW(call->arena, ERR_BACKUP_PASSPHRASE, STR("/passphrase"));
    pthread_mutex_lock(&control->backups->lock);
    bool running = control->backups->running;
    pthread_mutex_unlock(&control->backups->lock);
    if (running)
        return ERR_NEW(call->arena, ERR_BACKUP_RUNNING, STR_NONE);
    TRY(call_write(call, create_tx, call));
    if (!start(control->backups, control, in->passphrase, call->principal.name))
        return ERR_NEW(call->arena, ERR_BACKUP_RUNNING, STR_NONE);
    return NULL;
}

/* --- The list --- */

struct backup_out {
    int64_t backup_id, made_at_us, bytes, restored_at_us;
    struct str made_by, path, sha256;
    bool with_key, has_file;
};
static const struct field backup_fields[] = {
    SHAPE_FIELD(struct backup_out, backup_id, ID, "The backup.", "备份编号。", .required = true),
    SHAPE_FIELD_AS(struct backup_out, made_at_us, "made_at", TIME, "As of when it is.",
                   "备份时间。", .required = true),
    SHAPE_FIELD(struct backup_out, made_by, TEXT, "Who had it made.", "操作者。", .required = true),
    SHAPE_FIELD(struct backup_out, path, TEXT, "Where it was written to.", "写入位置。",
                .required = true),
    SHAPE_FIELD(struct backup_out, bytes, I64, "Its size.", "大小（字节）。", .required = true),
    SHAPE_FIELD(struct backup_out, sha256, TEXT, "Of its content.", "内容的 SHA-256。",
                .required = true),
    SHAPE_FIELD(struct backup_out, with_key, BOOL, "The master key is in it, locked.",
                "含有加锁的主密钥。"),
    SHAPE_FIELD(struct backup_out, has_file, BOOL, "Its file can be downloaded.", "文件可下载。"),
    SHAPE_FIELD_AS(struct backup_out, restored_at_us, "restored_at", TIME,
                   "When it was last restored, for good or on trial, and found whole; null: never.",
                   "最近一次恢复（含演练）并核对通过的时间；空表示从未。"),
};
static const struct shape backup_shape = {
    .name = "backup", .size = sizeof(struct backup_out), SHAPE_FIELDS(backup_fields)};
struct list_out {
    struct shape_list items;
    bool running;
    struct str error;
};
static const struct field list_fields[] = {
    SHAPE_FIELD(struct list_out, items, LIST, "The newest first, 200 at most.",
                "最新的在前，最多 200 个。", .sub = &backup_shape),
    SHAPE_FIELD(struct list_out, running, BOOL, "One is being made.", "正在备份。"),
    SHAPE_FIELD(struct list_out, error, TEXT,
                "What went wrong with the last one that was begun here; null: nothing.",
                "上一次由此发起的备份的错误；空表示没有。"),
};
static const struct shape list_shape = {
    .name = "backup_list", .size = sizeof(struct list_out), SHAPE_FIELDS(list_fields)};

/* Only what lies in the data directory's own folder is handed out: the record's paths are not a way
 * to other files. */
static bool is_ours(struct call *call, struct str path)
{
    const struct home *home = call->service->control->home;
    struct str folder = str_fmt(call->arena, "%.*s/backups/", STR_ARG(home->directory));
    return str_starts(path, folder) && !memchr(path.p + folder.n, '/', path.n - folder.n) &&
           file_exists(call->arena, path);
}

static const struct err *list_tx(struct tx *tx, void *arg)
{
    struct call *call = arg;
    struct list_out *out = call->out;
    struct backup_note *notes;
    size_t count;
    TRY(setup_backup_newest(tx, LIST_MAX, &notes, &count));
    struct backup_out *items = ARENA_ARRAY(call->arena, count + 1, struct backup_out);
    for (size_t i = 0; i < count; i++) {
        const struct backup_note *note = &notes[i];
        items[i] = (struct backup_out){
            .backup_id = note->backup_id,
            .made_at_us = note->made_at_us,
            .made_by = note->made_by,
            .path = note->path,
            .bytes = note->bytes,
            .sha256 = note->sha256,
            .with_key = note->with_key,
            .has_file = is_ours(call, note->path),
            .restored_at_us = note->restored_at_us.set ? note->restored_at_us.v : INT64_MIN,
        };
    }
    out->items = (struct shape_list){items, count};
    return NULL;
}

static const struct err *list_backups(struct call *call)
{
    struct backup_work *work = call->service->control->backups;
    struct list_out *out = call->out;
    TRY(call_read(call, list_tx, call));
    pthread_mutex_lock(&work->lock);
    out->running = work->running;
    out->error = STR_NONE;
    if (work->error[call->lang][0])
        out->error = str_copy(call->arena, str_c(work->error[call->lang]));
    pthread_mutex_unlock(&work->lock);
    return NULL;
}

/* --- The file --- */

struct backup_path {
    int64_t backup_id;
};
static const struct field backup_path_fields[] = {
    SHAPE_FIELD(struct backup_path, backup_id, ID, "The backup.", "备份编号。", .required = true),
};
static const struct shape backup_path_shape = {
    .name = "backup_path", .size = sizeof(struct backup_path), SHAPE_FIELDS(backup_path_fields)};

static struct str last_part(struct str path)
{
    size_t at = path.n;
    while (at > 0 && path.p[at - 1] != '/')
        at--;
    return str_slice(path, at, path.n);
}

static const struct err *download_tx(struct tx *tx, void *arg)
{
    struct call *call = arg;
    const struct backup_path *path = call->path;
    struct backup_note note;
    bool found;
    TRY(setup_backup_one(tx, path->backup_id, &note, &found));
    if (!found || !is_ours(call, note.path))
        return ERR_NEW(tx_arena(tx), ERR_BACKUP_UNKNOWN, STR_NONE);
    call->audit_object = str_fmt(call->arena, "backup:%lld", (long long)path->backup_id);
    call->file = (struct endpoint_file){
        .content_type = STR("application/x-tar"),
        .path = str_copy(call->arena, note.path),
        .name = str_copy(call->arena, last_part(note.path)),
        .keep = true,
    };
    return NULL;
}

static const struct err *download_backup(struct call *call)
{
    return call_write(call, download_tx, call);
}

static const enum err_code create_errors[] = {ERR_BACKUP_PASSPHRASE, ERR_BACKUP_RUNNING, ERR_NONE};
static const enum err_code download_errors[] = {ERR_BACKUP_UNKNOWN, ERR_NONE};

static const struct endpoint endpoints[] = {
    {.name = "listBackups",
     .method = METHOD_GET,
     .path = "/api/v1/backups",
     .scope = SCOPE_SETTINGS_READ,
     .reach = OWNER_ONLY,
     .out = &list_shape,
     .handler = list_backups,
     .title = TEXT("Backups that were made", "已做的备份")},
    {.name = "createBackup",
     .method = METHOD_POST,
     .path = "/api/v1/backups",
     .scope = SCOPE_SETTINGS_WRITE,
     .reach = OWNER_ONLY,
     .flags = ENDPOINT_WRITE | ENDPOINT_AUDITED,
     .in = &create_shape,
     .out = &create_out_shape,
     .status = 202,
     .errors = create_errors,
     .handler = create_backup,
     .title = TEXT("Make a backup", "备份"),
     .doc = TEXT("Begins one; it is made while all else goes on, into the data directory's folder "
                 "backups. The master key is "
                 "in it only where a passphrase is given.",
                 "开始备份：写入数据目录的 backups "
                 "文件夹，其他操作照常进行。仅在给出口令时才含有主密钥。")},
    {.name = "downloadBackup",
     .method = METHOD_GET,
     .path = "/api/v1/backups/{backup_id}/file",
     .scope = SCOPE_SETTINGS_WRITE,
     .reach = OWNER_ONLY,
     .flags = ENDPOINT_FILE | ENDPOINT_AUDITED,
     .path_shape = &backup_path_shape,
     .errors = download_errors,
     .handler = download_backup,
     .title = TEXT("Download a backup", "下载备份"),
     .doc =
         TEXT("The whole database, names and numbers encrypted. Leaves a row in the audit trail.",
              "整个数据库（姓名与号码已加密）。会记入审计记录。")},
};
const struct endpoint_table backup_endpoints = {
    .tag = "backups", .title = TEXT("Backups", "备份"), ENDPOINTS(endpoints)};
