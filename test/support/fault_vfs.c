/* See fault_vfs.h. */
#include "support/fault_vfs.h"

#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/splitmix.h"

/* What survives the loss of power. */
enum survival {
    SURVIVE_SYNCED_ONLY,
    SURVIVE_ALL,
    SURVIVE_SOME, /* each write by the toss of a coin: a later one may be there, an earlier one not
                   */
    SURVIVE_SECTORS_512, /* each sector of each write by the toss of a coin */
    SURVIVE_SECTORS_4096,
    SURVIVE_FIRST_ONES, /* in order up to some point, the next one torn at any byte */
    SURVIVAL_MAX
};
static const char *const survival_names[] = {"synced only", "all",          "some",
                                             "sectors 512", "sectors 4096", "first ones"};

/* A write or truncation that waits for a sync. */
struct waiting {
    int64_t serial; /* over all files: the order in which they happened */
    bool truncates;
    int64_t offset; /* truncates: the new size */
    int64_t n;
    unsigned char *bytes;
    struct waiting *next;
};

/* A file's content as the disk has it. Never freed: a process of this kind is short. */
struct node {
    unsigned char *bytes;
    int64_t n, capacity;
    struct waiting *first, *last;
};

struct name {
    char *path;
    bool met;
    struct node *now, *lasting; /* NULL: there is no such file */
    struct name *next;
};
/* A name that was given or taken away (node NULL) and waits for a sync of the directory. */
struct waiting_name {
    int64_t serial;
    struct name *name;
    struct node *node;
    struct waiting_name *next;
};

struct fault_file {
    sqlite3_file base;
    struct node *node; /* NULL: a temporary file, of which nothing is kept */
    const char *path;
    bool syncs_directory; /* at the next xSync */
    sqlite3_file *real;
};

static struct {
    pthread_mutex_t lock;
    const struct fault_plan *plan;
    sqlite3_vfs *real;
    sqlite3_vfs vfs;
    struct name *names;
    struct waiting_name *first_name, *last_name;
    int64_t serial, counts[FAULT_KIND_MAX], hits, room;
    bool full;
    uint64_t random;
} disk = {.lock = PTHREAD_MUTEX_INITIALIZER};

static const char *const kind_names[] = {
    "none",   "cut",      "cutsync", "cutdb",  "cutname", "read", "write", "writedb", "sync",
    "syncdb", "truncate", "open",    "delete", "size",    "shm",  "lock",  "full"};

const char *fault_kind_name(enum fault_kind kind)
{
    return kind_names[kind];
}

static _Noreturn void give_up(const char *what)
{
    fprintf(stderr, "fault_vfs: %s\n", what);
    _exit(70);
}

static void *must_alloc(void *old, int64_t n)
{
    void *p = realloc(old, (size_t)n + 1);
    if (!p)
        give_up("out of memory");
    return p;
}

static int64_t below(int64_t limit)
{
    return (int64_t)(random_next(&disk.random) % (uint64_t)limit);
}

/* --- The file as the disk has it -------------------------------------------------------------- */

static void node_resize(struct node *node, int64_t n, bool garbage)
{
    if (n > node->capacity) {
        node->capacity = n * 2;
        node->bytes = must_alloc(node->bytes, node->capacity);
    }
    for (int64_t i = node->n; i < n; i++)
        node->bytes[i] = garbage ? (unsigned char)random_next(&disk.random) : 0;
    node->n = n;
}

static void node_write(struct node *node, int64_t offset, const unsigned char *bytes, int64_t n,
                       bool garbage)
{
    if (n <= 0)
        return;
    if (offset > node->n)
        node_resize(node, offset, garbage);
    if (offset + n > node->n)
        node_resize(node, offset + n, false);
    memcpy(node->bytes + offset, bytes, (size_t)n);
}

static void node_wait(struct node *node, bool truncates, int64_t offset, const void *bytes,
                      int64_t n)
{
    struct waiting *w = must_alloc(NULL, sizeof(*w));
    *w =
        (struct waiting){.serial = ++disk.serial, .truncates = truncates, .offset = offset, .n = n};
    if (n > 0) {
        w->bytes = must_alloc(NULL, n);
        memcpy(w->bytes, bytes, (size_t)n);
    }
    if (node->last)
        node->last->next = w;
    else
        node->first = w;
    node->last = w;
}

static void apply_whole(struct node *node, const struct waiting *w, bool garbage)
{
    if (w->truncates)
        node_resize(node, w->offset, garbage);
    else
        node_write(node, w->offset, w->bytes, w->n, garbage);
}

static void forget_waiting(struct node *node)
{
    for (struct waiting *w = node->first; w;) {
        struct waiting *next = w->next;
        free(w->bytes);
        free(w);
        w = next;
    }
    node->first = node->last = NULL;
}

static void node_sync(struct node *node)
{
    for (const struct waiting *w = node->first; w; w = w->next)
        apply_whole(node, w, false);
    forget_waiting(node);
}

/* What waits is on the disk or never will be. */
static void node_sync_failed(struct node *node)
{
    for (const struct waiting *w = node->first; w; w = w->next) {
        if (below(2))
            apply_whole(node, w, false);
    }
    forget_waiting(node);
}

/* --- Names ------------------------------------------------------------------------------------ */

static struct name *name_of(const char *path)
{
    for (struct name *name = disk.names; name; name = name->next) {
        if (strcmp(name->path, path) == 0)
            return name;
    }
    struct name *name = must_alloc(NULL, sizeof(*name));
    *name = (struct name){.path = strdup(path), .next = disk.names};
    disk.names = name;
    return name;
}

static void name_wait(struct name *name, struct node *node)
{
    struct waiting_name *w = must_alloc(NULL, sizeof(*w));
    *w = (struct waiting_name){.serial = ++disk.serial, .name = name, .node = node};
    name->now = node;
    if (disk.last_name)
        disk.last_name->next = w;
    else
        disk.first_name = w;
    disk.last_name = w;
}

static void names_sync(void)
{
    for (struct waiting_name *w = disk.first_name; w;) {
        struct waiting_name *next = w->next;
        w->name->lasting = w->node;
        free(w);
        w = next;
    }
    disk.first_name = disk.last_name = NULL;
}

static struct node *node_new(void)
{
    struct node *node = must_alloc(NULL, sizeof(*node));
    *node = (struct node){0};
    return node;
}

/* What lies there before the program begins is on the disk. */
static struct node *node_load(const char *path)
{
    struct node *node = node_new();
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    off_t n = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
    if (n < 0)
        give_up(path);
    node_resize(node, n, false);
    for (int64_t at = 0; at < n;) {
        ssize_t got = pread(fd, node->bytes + at, (size_t)(n - at), at);
        if (got <= 0)
            give_up(path);
        at += got;
    }
    close(fd);
    return node;
}

/* --- The loss of power ------------------------------------------------------------------------ */

static void survive_torn(struct node *node, const struct waiting *w, int64_t sector, bool garbage)
{
    int64_t end = w->offset + w->n;
    for (int64_t at = w->offset; at < end;) {
        int64_t next = (at / sector + 1) * sector;
        if (next > end)
            next = end;
        if (below(2))
            node_write(node, at, w->bytes + (at - w->offset), next - at, garbage);
        at = next;
    }
}

static void survive_one(struct node *node, const struct waiting *w, enum survival survival,
                        int64_t last_serial, bool garbage)
{
    bool kept = survival == SURVIVE_ALL;
    if (survival == SURVIVE_FIRST_ONES)
        kept = w->serial < last_serial;
    else if (survival != SURVIVE_ALL && survival != SURVIVE_SYNCED_ONLY)
        kept = below(2);
    if (!w->truncates && survival == SURVIVE_SECTORS_512)
        survive_torn(node, w, 512, garbage);
    else if (!w->truncates && survival == SURVIVE_SECTORS_4096)
        survive_torn(node, w, 4096, garbage);
    else if (!w->truncates && survival == SURVIVE_FIRST_ONES && w->serial == last_serial)
        node_write(node, w->offset, w->bytes, below(w->n + 1), garbage);
    else if (kept)
        apply_whole(node, w, garbage);
}

static bool survives_name(const struct waiting_name *w, enum survival survival, int64_t last_serial)
{
    if (survival == SURVIVE_SYNCED_ONLY || survival == SURVIVE_ALL)
        return survival == SURVIVE_ALL;
    return survival == SURVIVE_FIRST_ONES ? w->serial <= last_serial : below(2);
}

static void write_survivor(const char *path, const struct node *node)
{
    const char *slash = strrchr(path, '/');
    char target[4096];
    snprintf(target, sizeof(target), "%s/%s", disk.plan->survivors, slash ? slash + 1 : path);
    FILE *file = fopen(target, "wb");
    if (!file)
        give_up(target);
    if (node->n > 0 && fwrite(node->bytes, 1, (size_t)node->n, file) != (size_t)node->n)
        give_up(target);
    if (fclose(file) != 0)
        give_up(target);
}

static void note_cut(const char *what, const char *path, enum survival survival, bool garbage)
{
    char target[4096];
    snprintf(target, sizeof(target), "%s/cut.txt", disk.plan->survivors);
    FILE *file = fopen(target, "w");
    if (!file)
        give_up(target);
    const char *slash = path ? strrchr(path, '/') : NULL;
    fprintf(file, "%s%s%s\n%s%s\n", what, slash ? " " : "", slash ? slash + 1 : "",
            survival_names[survival], garbage ? ", garbage" : "");
    fclose(file);
}

/* With the lock held, so that nothing more reaches the disk. */
static _Noreturn void lose_power(const char *what, const char *path)
{
    enum survival survival = (enum survival)below(SURVIVAL_MAX);
    bool garbage = below(2);
    int64_t synced = disk.serial; /* the oldest that waits */
    for (struct name *name = disk.names; name; name = name->next) {
        if (name->now && name->now->first && name->now->first->serial < synced)
            synced = name->now->first->serial;
    }
    int64_t last_serial = synced + below(disk.serial - synced + 2);
    for (const struct waiting_name *w = disk.first_name; w; w = w->next) {
        if (survives_name(w, survival, last_serial))
            w->name->lasting = w->node;
    }
    for (struct name *name = disk.names; name; name = name->next) {
        struct node *node = name->lasting;
        if (!node)
            continue;
        for (const struct waiting *w = node->first; w; w = w->next)
            survive_one(node, w, survival, last_serial, garbage);
        write_survivor(name->path, node);
    }
    note_cut(what, path, survival, garbage);
    _exit(FAULT_CUT_STATUS);
}

_Noreturn void fault_vfs_cut(void)
{
    pthread_mutex_lock(&disk.lock);
    lose_power("end", NULL);
}

/* --- Counting and failing --------------------------------------------------------------------- */

/* Counts an operation; true where it is planned to fail. */
static bool fails(enum fault_kind kind)
{
    int64_t n = ++disk.counts[kind];
    const struct fault_plan *plan = disk.plan;
    bool now = plan->kind == kind && (plan->lasting ? n >= plan->at : n == plan->at);
    disk.hits += now;
    return now;
}

static bool is_database(const char *path)
{
    size_t n = strlen(path);
    return n > 3 && strcmp(path + n - 3, ".db") == 0;
}

/* As fails, for one of two kinds that are counted apart where they meet the database file. */
static bool fails_at(enum fault_kind kind, enum fault_kind kind_db, const char *path)
{
    bool failed = is_database(path) && fails(kind_db);
    return fails(kind) || failed;
}

enum change { CHANGE_WRITE, CHANGE_SYNC, CHANGE_TRUNCATE, CHANGE_CREATE, CHANGE_DELETE };
static const char *const change_names[] = {"write", "sync", "truncate", "create", "delete"};

/* Counts a change of the disk; true where the power goes at it. */
static bool power_goes(enum change change, const char *path)
{
    bool cut = fails(FAULT_CUT);
    if (change == CHANGE_SYNC)
        cut = fails(FAULT_CUT_SYNC) || cut;
    if (is_database(path))
        cut = fails(FAULT_CUT_DB) || cut;
    if (change != CHANGE_SYNC && change != CHANGE_WRITE)
        cut = fails(FAULT_CUT_NAME) || cut;
    return cut;
}

static void cut_here(enum change change, const char *path)
{
    if (power_goes(change, path))
        lose_power(change_names[change], path);
}

/* How many of the bytes still fit. */
static int64_t fit(const struct fault_file *file, int64_t offset, int64_t n)
{
    sqlite3_int64 size = 0;
    if (!disk.full || file->real->pMethods->xFileSize(file->real, &size) != SQLITE_OK ||
        offset + n <= size)
        return n;
    int64_t more = offset + n - size;
    if (more <= disk.room) {
        disk.room -= more;
        return n;
    }
    disk.hits++;
    int64_t fits = n - (more - disk.room);
    disk.room = 0;
    return fits > 0 ? fits : 0;
}

/* --- Files ------------------------------------------------------------------------------------ */

static struct fault_file *of(sqlite3_file *file)
{
    return (struct fault_file *)(void *)file;
}

static sqlite3_file *real_of(sqlite3_file *file)
{
    return of(file)->real;
}

static int file_close(sqlite3_file *file)
{
    return real_of(file)->pMethods->xClose(real_of(file));
}

static int file_read(sqlite3_file *file, void *bytes, int n, sqlite3_int64 offset)
{
    pthread_mutex_lock(&disk.lock);
    bool failed = of(file)->node && fails(FAULT_READ);
    pthread_mutex_unlock(&disk.lock);
    if (failed)
        return SQLITE_IOERR_READ;
    return real_of(file)->pMethods->xRead(real_of(file), bytes, n, offset);
}

static int write_some(struct fault_file *file, const void *bytes, int64_t n, sqlite3_int64 offset)
{
    if (n <= 0)
        return SQLITE_OK;
    node_wait(file->node, false, offset, bytes, n);
    return file->real->pMethods->xWrite(file->real, bytes, (int)n, offset);
}

static int write_kept(struct fault_file *file, const void *bytes, int n, sqlite3_int64 offset)
{
    if (power_goes(CHANGE_WRITE, file->path)) {
        node_wait(file->node, false, offset, bytes, n); /* under way */
        lose_power(change_names[CHANGE_WRITE], file->path);
    }
    if (fails_at(FAULT_WRITE, FAULT_WRITE_DB, file->path)) {
        (void)write_some(file, bytes, below(n + 1), offset);
        return SQLITE_IOERR_WRITE;
    }
    int64_t fits = fit(file, offset, n);
    int code = write_some(file, bytes, fits, offset);
    return fits < n ? SQLITE_FULL : code;
}

static int file_write(sqlite3_file *file, const void *bytes, int n, sqlite3_int64 offset)
{
    if (!of(file)->node)
        return real_of(file)->pMethods->xWrite(real_of(file), bytes, n, offset);
    pthread_mutex_lock(&disk.lock);
    int code = write_kept(of(file), bytes, n, offset);
    pthread_mutex_unlock(&disk.lock);
    return code;
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    if (!of(file)->node)
        return real_of(file)->pMethods->xTruncate(real_of(file), size);
    pthread_mutex_lock(&disk.lock);
    int code = SQLITE_IOERR_TRUNCATE;
    if (!fails(FAULT_TRUNCATE)) {
        node_wait(of(file)->node, true, size, NULL, 0);
        cut_here(CHANGE_TRUNCATE, of(file)->path);
        code = real_of(file)->pMethods->xTruncate(real_of(file), size);
    }
    pthread_mutex_unlock(&disk.lock);
    return code;
}

/* The real file is not synced: the disk is in memory here, and so the tests are quick. */
static int file_sync(sqlite3_file *file, int flags)
{
    struct fault_file *f = of(file);
    (void)flags;
    if (!f->node)
        return SQLITE_OK;
    pthread_mutex_lock(&disk.lock);
    cut_here(CHANGE_SYNC, f->path);
    bool failed = fails_at(FAULT_SYNC, FAULT_SYNC_DB, f->path);
    if (failed) {
        node_sync_failed(f->node);
    } else {
        node_sync(f->node);
        if (f->syncs_directory)
            names_sync();
        f->syncs_directory = false;
    }
    pthread_mutex_unlock(&disk.lock);
    return failed ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}

static bool fails_locked(enum fault_kind kind)
{
    pthread_mutex_lock(&disk.lock);
    bool failed = fails(kind);
    pthread_mutex_unlock(&disk.lock);
    return failed;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    if (of(file)->node && fails_locked(FAULT_SIZE))
        return SQLITE_IOERR_FSTAT;
    return real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int file_lock(sqlite3_file *file, int level)
{
    if (of(file)->node && fails_locked(FAULT_LOCK))
        return SQLITE_IOERR_LOCK;
    return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int file_unlock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int file_check_lock(sqlite3_file *file, int *out)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), out);
}

static int file_control(sqlite3_file *file, int op, void *arg)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), op, arg);
}

static int file_sector(sqlite3_file *file)
{
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

/* The disk of the model promises nothing but that bytes next to a write are safe. */
static int file_character(sqlite3_file *file)
{
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file)) &
           SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static int file_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **out)
{
    if (fails_locked(FAULT_SHM))
        return SQLITE_IOERR_SHMMAP;
    return real_of(file)->pMethods->xShmMap(real_of(file), page, size, extend, out);
}

static int file_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    return real_of(file)->pMethods->xShmLock(real_of(file), offset, n, flags);
}

static void file_shm_barrier(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int file_shm_unmap(sqlite3_file *file, int delete)
{
    return real_of(file)->pMethods->xShmUnmap(real_of(file), delete);
}

/* Version 2: with shared memory, without memory-mapped reading. */
static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_lock,
    .xFileControl = file_control,
    .xSectorSize = file_sector,
    .xDeviceCharacteristics = file_character,
    .xShmMap = file_shm_map,
    .xShmLock = file_shm_lock,
    .xShmBarrier = file_shm_barrier,
    .xShmUnmap = file_shm_unmap,
};

/* --- The VFS ---------------------------------------------------------------------------------- */

#define KEPT_FLAGS (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)
#define LOG_FLAGS (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)

/* What is there when a name is first met is on the disk, whether it will ever be opened or not. */
static void meet(const char *path)
{
    struct name *name = name_of(path);
    if (!name->met && access(path, F_OK) == 0)
        name->now = name->lasting = node_load(path);
    name->met = true;
}

static void meet_all(const char *path, int flags)
{
    static const char *const beside[] = {"", "-wal", "-journal"};
    char other[4096];
    if (!(flags & SQLITE_OPEN_MAIN_DB)) /* its database was met before */
        return;
    for (size_t i = 0; i < sizeof(beside) / sizeof(*beside); i++) {
        snprintf(other, sizeof(other), "%s%s", path, beside[i]);
        meet(other);
    }
}

static int open_kept(struct fault_file *file, const char *path, int flags, int *out_flags)
{
    meet_all(path, flags);
    if (fails(FAULT_OPEN))
        return SQLITE_CANTOPEN;
    int code = disk.real->xOpen(disk.real, path, file->real, flags, out_flags);
    if (code != SQLITE_OK)
        return code;
    struct name *name = name_of(path);
    if (!name->now) {
        name_wait(name, node_new());
        cut_here(CHANGE_CREATE, path);
    }
    file->node = name->now;
    file->path = name->path;
    file->syncs_directory = (flags & SQLITE_OPEN_CREATE) && (flags & LOG_FLAGS);
    return SQLITE_OK;
}

static int vfs_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *out, int flags,
                    int *out_flags)
{
    struct fault_file *file = of(out);
    (void)vfs;
    memset(file, 0, sizeof(*file));
    file->real = (sqlite3_file *)(void *)(file + 1);
    memset(file->real, 0, (size_t)disk.real->szOsFile);
    if (!path || !(flags & KEPT_FLAGS)) {
        int code = disk.real->xOpen(disk.real, path, file->real, flags, out_flags);
        file->base.pMethods = code == SQLITE_OK ? &methods : NULL;
        return code;
    }
    pthread_mutex_lock(&disk.lock);
    int code = open_kept(file, path, flags, out_flags);
    pthread_mutex_unlock(&disk.lock);
    file->base.pMethods = code == SQLITE_OK ? &methods : NULL;
    return code;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *path, int syncs_directory)
{
    (void)vfs;
    pthread_mutex_lock(&disk.lock);
    int code = SQLITE_IOERR_DELETE;
    if (!fails(FAULT_DELETE)) {
        code = disk.real->xDelete(disk.real, path, 0);
        if (code == SQLITE_OK && name_of(path)->now) {
            name_wait(name_of(path), NULL);
            cut_here(CHANGE_DELETE, path);
        }
        if (code == SQLITE_OK && syncs_directory)
            names_sync();
    }
    pthread_mutex_unlock(&disk.lock);
    return code;
}

void fault_vfs_install(const struct fault_plan *plan)
{
    disk.plan = plan;
    disk.random = plan->seed;
    disk.full = plan->kind == FAULT_FULL;
    disk.room = plan->at;
    disk.real = sqlite3_vfs_find(NULL);
    disk.vfs = *disk.real;
    disk.vfs.zName = "fault";
    disk.vfs.szOsFile = (int)sizeof(struct fault_file) + disk.real->szOsFile;
    disk.vfs.pNext = NULL;
    disk.vfs.xOpen = vfs_open;
    disk.vfs.xDelete = vfs_delete;
    if (sqlite3_vfs_register(&disk.vfs, 1) != SQLITE_OK)
        give_up("cannot be registered");
}

void fault_vfs_make_room(void)
{
    pthread_mutex_lock(&disk.lock);
    disk.full = false;
    pthread_mutex_unlock(&disk.lock);
}

int64_t fault_vfs_count(enum fault_kind kind)
{
    pthread_mutex_lock(&disk.lock);
    int64_t n = disk.counts[kind];
    pthread_mutex_unlock(&disk.lock);
    return n;
}

int64_t fault_vfs_hits(void)
{
    pthread_mutex_lock(&disk.lock);
    int64_t n = disk.hits;
    pthread_mutex_unlock(&disk.lock);
    return n;
}
