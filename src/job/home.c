#include "job/home.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "codec/file.h"
#include "contract/shape.h"
#include "room/customer/customer.h"

#define HOME_CONFIG_BYTES_MAX (64u << 10)
#define HOME_KEY_FILE_ENV "HUITOU_MASTER_KEY_FILE"

struct home_config {
    struct str store; /* absent: SQLite in the directory */
    int64_t node;
};
static const struct field home_config_fields[] = {
    {.name = "store",
     .kind = FIELD_TEXT,
     .offset = offsetof(struct home_config, store),
     .doc = TEXT("Where the facts are: postgres://…; without it, SQLite in this directory.",
                 "数据所在：postgres://…；缺省为本目录中的 SQLite。")},
    {.name = "node",
     .kind = FIELD_I64,
     .offset = offsetof(struct home_config, node),
     .required = true,
     .min = 0,
     .max = ID_NODE_MAX,
     .doc = TEXT("Number of this directory in ids.", "本目录在编号中的节点号。")},
};
static const struct shape home_config_shape = {
    .name = "home_config",
    .size = sizeof(struct home_config),
    SHAPE_FIELDS(home_config_fields),
    .doc =
        TEXT("huitou.json: what a data directory says of itself.", "huitou.json：数据目录的自述。"),
};

static struct str home_path(struct arena *arena, struct str directory, const char *name)
{
    return str_fmt(arena, "%.*s/%s", STR_ARG(directory), name);
}

/* Place 0 is the server's, the others the commands'. */
static struct str lock_path(struct arena *arena, struct str directory, int place)
{
    if (place == 0)
        return home_path(arena, directory, "lock");
    return str_fmt(arena, "%.*s/lock.%d", STR_ARG(directory), place);
}

static struct str store_url_of(struct arena *arena, struct str directory, struct str configured)
{
    if (str_is(configured))
        return configured;
    return str_fmt(arena, "sqlite:%.*s/huitou.db", STR_ARG(directory));
}

struct str home_key_path(struct arena *arena, struct str directory, bool *named)
{
    const char *path = getenv(HOME_KEY_FILE_ENV);
    *named = path && *path;
    return *named ? str_c(path) : home_path(arena, directory, "master.key");
}

static struct str key_path(struct arena *arena, struct str directory)
{
    bool named;
    return home_key_path(arena, directory, &named);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

static bool key_from_hex(struct str hex, uint8_t key[SECRET_KEY_BYTES])
{
    if (hex.n != (size_t)2 * SECRET_KEY_BYTES)
        return false;
    for (size_t i = 0; i < SECRET_KEY_BYTES; i++) {
        int high = hex_digit(hex.p[2 * i]), low = hex_digit(hex.p[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        key[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* A key that others can read protects nothing: refused rather than warned about. */
const struct err *home_key_read(struct arena *arena, struct str path, uint8_t key[SECRET_KEY_BYTES])
{
    struct stat info;
    if (stat(str_z(arena, path), &info) != 0)
        return ERR_NEW(arena, ERR_HOME_KEY, path, str_c(strerror(errno)));
    if (info.st_mode & (S_IRWXG | S_IRWXO))
        return ERR_NEW(arena, ERR_HOME_KEY_MODE, path, str_fmt(arena, "%03o", info.st_mode & 0777));
    struct str text;
    TRY(file_read(arena, path, 1024, &text));
    if (!key_from_hex(str_trim(text), key))
        return ERR_NEW(arena, ERR_HOME_KEY, path, STR("not 64 hexadecimal digits"));
    return NULL;
}

const struct err *home_key_write(struct arena *arena, struct str path,
                                 const uint8_t key[SECRET_KEY_BYTES])
{
    struct buf hex = buf_new(arena, 256);
    for (size_t i = 0; i < SECRET_KEY_BYTES; i++)
        buf_fmt(&hex, "%02x", key[i]);
    buf_char(&hex, '\n');
    return file_write(arena, path, buf_view(&hex), 0600);
}

/* Takes a key that is named from outside as it is; makes one where the directory's own is missing.
 */
static const struct err *key_make(struct arena *arena, struct str path)
{
    if (file_exists(arena, path))
        return NULL;
    uint8_t key[SECRET_KEY_BYTES];
    secret_random(key, sizeof key);
    return home_key_write(arena, path, key);
}

/* clock NULL: the system's. */
static const struct err *deps_make(struct arena *arena, struct str directory, int node,
                                   const struct clock *clock, struct deps *deps)
{
    uint8_t key[SECRET_KEY_BYTES];
    secret_init();
    TRY(home_key_read(arena, key_path(arena, directory), key));
    deps->clock = clock ? *clock : clock_system();
    deps->ids = id_maker_new(arena, &deps->clock, node);
    deps->keys = keyring_new(arena, key);
    return NULL;
}

#define HOME_CONFIG "huitou.json"
/* What the configuration is called while a demo brand is being made or removed: whoever finds it
 * takes away what is there. */
#define HOME_REMOVING "removing.json"

static const struct err *config_write(struct arena *arena, struct str directory, const char *name,
                                      struct str store_url, int node)
{
    struct buf text = buf_new(arena, HOME_CONFIG_BYTES_MAX);
    struct json_writer w = json_writer(&text, true);
    json_open(&w, '{');
    if (str_is(store_url)) {
        json_key(&w, STR("store"));
        json_put_str(&w, store_url);
    }
    json_key(&w, STR("node"));
    json_put_i64(&w, node);
    json_close(&w, '}');
    buf_char(&text, '\n');
    return file_write(arena, home_path(arena, directory, name), buf_view(&text), 0600);
}

const struct err *home_config_write(struct arena *arena, struct str directory, struct str store_url,
                                    int node)
{
    return config_write(arena, directory, HOME_CONFIG, store_url, node);
}

static const struct err *config_read(struct arena *arena, struct str directory, const char *name,
                                     struct home_config *config)
{
    struct str path = home_path(arena, directory, name);
    if (!file_exists(arena, path))
        return ERR_NEW(arena, ERR_HOME_MISSING, directory);
    struct str text;
    const struct json_value *value;
    TRY(file_read(arena, path, HOME_CONFIG_BYTES_MAX, &text));
    TRY(json_read(arena, path, text, &value));
    return shape_read_json(arena, &home_config_shape, value, config);
}

const struct err *home_node(struct arena *arena, struct str directory, int *node)
{
    struct home_config config;
    TRY(config_read(arena, directory, HOME_CONFIG, &config));
    *node = (int)config.node;
    return NULL;
}

/* "NAME.XXXXXX", with letters and digits: what file_write leaves where it is killed. */
static bool is_left_over(const char *entry, const char *name)
{
    size_t n = strlen(name), left_n = n + sizeof(".XXXXXX") - 1;
    if (strlen(entry) != left_n || strncmp(entry, name, n) != 0 || entry[n] != '.')
        return false;
    for (size_t i = n + 1; i < left_n; i++)
        if (!isalnum((unsigned char)entry[i]))
            return false;
    return true;
}

/* Removes what was left of writing one of these files (NULL ends them). Whoever may write one of
 * them now must have been kept away. */
static void sweep(struct arena *arena, struct str directory, const char *const *names)
{
    DIR *open = opendir(str_z(arena, directory));
    for (struct dirent *entry = open ? readdir(open) : NULL; entry; entry = readdir(open))
        for (int i = 0; names[i]; i++)
            if (is_left_over(entry->d_name, names[i]))
                (void)unlinkat(dirfd(open), entry->d_name, 0);
    if (open)
        closedir(open);
}

/* Written only where there is no brand yet. */
static const char *const written_before[] = {HOME_REMOVING, NULL};
static const char *const written_ever[] = {HOME_REMOVING, HOME_CONFIG, "master.key",
                                           ERASURE_LOG_NAME, NULL};

/* But for what file_write leaves where it is killed while it writes HOME_REMOVING. */
static bool directory_is_empty(struct arena *arena, struct str directory)
{
    DIR *open = opendir(str_z(arena, directory));
    if (!open)
        return true;
    int entries = 0;
    for (struct dirent *entry = readdir(open); entry; entry = readdir(open))
        entries += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
                   !is_left_over(entry->d_name, HOME_REMOVING);
    closedir(open);
    return entries == 0;
}

static const struct err *brand_make(struct arena *arena, const struct home_create *create,
                                    struct store_options *options)
{
    int applied = 0, node = 0;
    struct store *store;
    TRY(store_migrate(arena, options, &applied));
    TRY(store_open(arena, options, &store));
    const struct err *err =
        setup_create(store, arena, create->name, create->currency, create->time_zone);
    if (!err && create->is_demo)
        err = setup_demo_set(store, arena, BRAND_DEMO_UNFINISHED);
    if (!err)
        err = setup_take_node(store, arena, &node);
    store_close(store);
    if (err)
        return err;
    return home_config_write(arena, create->directory, create->store_url, node);
}

/* What was there before, so that an error leaves it as it was. */
struct before {
    struct str first_made; /* the topmost directory that has to be made; absent where none has */
    bool key_existed;
};

static struct str parent_of(struct str path)
{
    size_t n = path.n;
    while (n > 1 && path.p[n - 1] == '/')
        n--;
    while (n > 0 && path.p[n - 1] != '/')
        n--;
    while (n > 1 && path.p[n - 1] == '/')
        n--;
    return str_slice(path, 0, n);
}

static struct before look_before(struct arena *arena, struct str directory)
{
    struct before before = {.key_existed = file_exists(arena, key_path(arena, directory))};
    for (struct str path = directory; path.n > 0 && !file_exists(arena, path);
         path = parent_of(path))
        before.first_made = path;
    return before;
}

void home_remove(struct arena *arena, struct str directory)
{
    static const char *const ours[] = {
        "huitou.json",    "huitou.db",  "huitou.db-wal", "huitou.db-shm",
        "huitou.db-turn", "master.key", "erasures.log",  "lock"};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        unlink(str_z(arena, home_path(arena, directory, ours[i])));
    for (int place = 1; place <= HOME_COMMANDS_MAX; place++)
        unlink(str_z(arena, lock_path(arena, directory, place)));
    rmdir(str_z(arena, home_path(arena, directory, "tmp")));
}

/* The directory was empty or missing before, so all that is in it is ours. */
static void directory_undo(struct arena *arena, struct str directory, const struct before *before)
{
    home_remove(arena, directory);
    if (!before->key_existed)
        unlink(str_z(arena, key_path(arena, directory)));
    if (!before->first_made.p)
        return;
    for (struct str path = directory; path.n >= before->first_made.n; path = parent_of(path))
        rmdir(str_z(arena, path));
}

const struct err *home_check_empty(struct arena *arena, struct str directory)
{
    if (file_exists(arena, home_path(arena, directory, "huitou.json")))
        return ERR_NEW(arena, ERR_HOME_EXISTS, directory);
    if (!directory_is_empty(arena, directory))
        return ERR_NEW(arena, ERR_HOME_NOT_EMPTY, directory);
    return NULL;
}

const struct err *home_create(struct arena *arena, const struct home_create *create)
{
    struct str directory = create->directory;
    TRY(home_check_empty(arena, directory));
    TRY(setup_check(arena, create->name, create->currency, create->time_zone));
    struct before before = look_before(arena, directory);
    struct store_options options = {.url = store_url_of(arena, directory, create->store_url)};
    sweep(arena, directory, written_before);
    const struct err *err = file_make_directory(arena, directory, 0700);
    if (!err && create->is_demo)
        err = config_write(arena, directory, HOME_REMOVING, create->store_url, 0);
    if (!err)
        err = file_make_directory(arena, home_path(arena, directory, "tmp"), 0700);
    if (!err)
        err = key_make(arena, key_path(arena, directory));
    if (!err)
        err = deps_make(arena, directory, 0, create->clock, &options.deps);
    if (!err)
        err = brand_make(arena, create, &options);
    if (create->is_demo)
        unlink(str_z(arena, home_path(arena, directory, HOME_REMOVING)));
    if (err)
        directory_undo(arena, directory, &before);
    return err;
}

/* --- Locks --- */

/* What a lock file says: the process that holds it (for messages), and of a command's place the
 * node number that was taken for it; -1: none yet. */
struct lock_note {
    long process;
    int node;
};

static struct lock_note lock_read(int fd)
{
    struct lock_note note = {.node = -1};
    char text[64] = {0};
    if (pread(fd, text, sizeof text - 1, 0) > 0 &&
        sscanf(text, "%ld %d", &note.process, &note.node) < 2)
        note.node = -1;
    return note;
}

static const struct err *lock_write(struct arena *arena, struct str path, int fd, int node)
{
    char text[64];
    int n = node < 0 ? snprintf(text, sizeof text, "%ld\n", (long)getpid())
                     : snprintf(text, sizeof text, "%ld %d\n", (long)getpid(), node);
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)n, 0) != n)
        return ERR_NEW(arena, ERR_FILE_WRITE, path, str_c(strerrordesc_np(errno)));
    return NULL;
}

/* *process: 0 where the lock is taken now, else who has it. */
static const struct err *lock_try(struct arena *arena, struct home *home, int place, long *process)
{
    struct str path = lock_path(arena, home->directory, place);
    int fd = open(str_z(arena, path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return ERR_NEW(arena, ERR_FILE_OPEN, path, str_c(strerrordesc_np(errno)));
    struct lock_note note = lock_read(fd);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        *process = note.process > 0 ? note.process : -1;
        close(fd);
        return NULL;
    }
    *process = 0;
    home->lock_fds[place] = fd;
    note = lock_read(fd);
    return lock_write(arena, path, fd, note.node);
}

static const struct err *locked(struct arena *arena, const struct home *home, long process)
{
    struct str text = process > 0 ? str_fmt(arena, "%ld", process) : STR("?");
    return ERR_NEW(arena, ERR_HOME_LOCKED, home->directory, text);
}

static const struct err *lock_one(struct arena *arena, struct home *home, int place)
{
    long process;
    TRY(lock_try(arena, home, place, &process));
    return process ? locked(arena, home, process) : NULL;
}

/* The first free place of a command. */
static const struct err *lock_command(struct arena *arena, struct home *home)
{
    for (int place = 1; place <= HOME_COMMANDS_MAX; place++) {
        long process;
        TRY(lock_try(arena, home, place, &process));
        if (process == 0)
            return NULL;
    }
    return ERR_NEW(arena, ERR_HOME_COMMANDS, home->directory,
                   str_fmt(arena, "%d", HOME_COMMANDS_MAX));
}

static const struct err *lock_take(struct arena *arena, struct home *home, enum home_use use)
{
    if (use == HOME_SERVE)
        return lock_one(arena, home, 0);
    if (use == HOME_WRITE)
        return lock_command(arena, home);
    for (int place = 0; use == HOME_ALONE && place <= HOME_COMMANDS_MAX; place++)
        TRY(lock_one(arena, home, place));
    return NULL;
}

/* What stands in front of every use of the database: configuration, key, lock. */
static const struct err *home_prepare(struct arena *arena, struct home *home, enum home_use use)
{
    struct home_config config;
    TRY(config_read(arena, home->directory, HOME_CONFIG, &config));
    home->store_url = store_url_of(arena, home->directory, config.store);
    TRY(deps_make(arena, home->directory, (int)config.node, home->clock, &home->deps));
    TRY(lock_take(arena, home, use));
    if (use == HOME_SERVE || use == HOME_ALONE)
        sweep(arena, home->directory, written_before);
    return file_make_directory(arena, home->temporary_directory, 0700);
}

/* A command's place has a node number of its own; where it has none yet, it takes one. */
static const struct err *node_take(struct arena *arena, struct home *home, int place)
{
    int fd = home->lock_fds[place], node = lock_read(fd).node;
    if (node < 0) {
        struct store_options options = {.url = home->store_url, .deps = home->deps};
        struct store *store;
        TRY(store_open(arena, &options, &store));
        const struct err *err = setup_take_node(store, arena, &node);
        store_close(store);
        TRY(err);
        TRY(lock_write(arena, lock_path(arena, home->directory, place), fd, node));
    }
    home->deps.ids = id_maker_new(arena, &home->deps.clock, node);
    return NULL;
}

static const struct err *home_open_store(struct arena *arena, struct home *home, enum home_use use)
{
    TRY(home_prepare(arena, home, use));
    for (int place = 1; use == HOME_WRITE && place <= HOME_COMMANDS_MAX; place++)
        if (home->lock_fds[place] >= 0)
            TRY(node_take(arena, home, place));
    struct store_options options = {.url = home->store_url, .deps = home->deps};
    TRY(store_open(arena, &options, &home->store));
    return setup_load(home->store, arena, &home->brand);
}

static struct home *home_new(struct arena *arena, struct str directory)
{
    struct home *home = ARENA_NEW(arena, struct home);
    home->directory = str_copy(arena, directory);
    home->temporary_directory = home_path(arena, directory, "tmp");
    for (int place = 0; place <= HOME_COMMANDS_MAX; place++)
        home->lock_fds[place] = -1;
    return home;
}

static const struct err *open_new(struct arena *arena, struct home *home, enum home_use use,
                                  struct home **out)
{
    const struct err *err = home_open_store(arena, home, use);
    if (err) {
        home_close(home);
        return err;
    }
    *out = home;
    return NULL;
}

const struct err *home_open(struct arena *arena, struct str directory, enum home_use use,
                            struct home **out)
{
    return open_new(arena, home_new(arena, directory), use, out);
}

const struct err *home_open_at(struct arena *arena, struct str directory, const struct clock *clock,
                               struct home **out)
{
    struct home *home = home_new(arena, directory);
    home->clock = clock;
    return open_new(arena, home, HOME_ALONE, out);
}

const struct err *home_migrate(struct arena *arena, struct str directory, int *applied_count)
{
    struct home *home = home_new(arena, directory);
    *applied_count = 0;
    const struct err *err = home_prepare(arena, home, HOME_ALONE);
    if (!err) {
        struct store_options options = {.url = home->store_url, .deps = home->deps};
        err = store_migrate(arena, &options, applied_count);
    }
    home_close(home);
    return err;
}

void home_close(struct home *home)
{
    if (home->store)
        store_close(home->store);
    home->store = NULL;
    for (int place = 0; place <= HOME_COMMANDS_MAX; place++) {
        if (home->lock_fds[place] >= 0)
            close(home->lock_fds[place]);
        home->lock_fds[place] = -1;
    }
}

/* --- Taking a demo brand away ----------------------------------------------------------------- */

/* All folders that this program keeps in a data directory; its files are in home_remove, but for
 * the log of erasures. */
static const char *const home_folders[] = {"tmp", "uploads", "backups"};

enum home_state home_state(struct arena *arena, struct str directory)
{
    if (file_exists(arena, home_path(arena, directory, HOME_REMOVING)))
        return HOME_HALF_REMOVED;
    if (file_exists(arena, home_path(arena, directory, HOME_CONFIG)))
        return HOME_BRAND;
    return HOME_NOTHING;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info, (void)kind, (void)where;
    return remove(path);
}

static const struct err *remove_folders(struct arena *arena, struct str directory)
{
    for (size_t i = 0; i < sizeof home_folders / sizeof *home_folders; i++) {
        struct str path = home_path(arena, directory, home_folders[i]);
        int failed = nftw(str_z(arena, path), remove_entry, 8, FTW_DEPTH | FTW_PHYS);
        if (failed && errno != ENOENT)
            return ERR_NEW(arena, ERR_FILE_WRITE, path, str_c(strerrordesc_np(errno)));
    }
    return NULL;
}

/* Looks whether it is a demo, and takes the configuration out of the way, which is the point of no
 * return. Keeps the locks. */
static const struct err *begin_removal(struct arena *arena, struct home *home)
{
    const char *from = str_z(arena, home_path(arena, home->directory, HOME_CONFIG));
    const char *to = str_z(arena, home_path(arena, home->directory, HOME_REMOVING));
    TRY(home_open_store(arena, home, HOME_ALONE));
    store_close(home->store);
    home->store = NULL;
    if (home->brand->demo == BRAND_REAL)
        return ERR_NEW(arena, ERR_DEMO_NOT, home->directory, home->brand->name);
    if (rename(from, to) != 0)
        return ERR_NEW(arena, ERR_FILE_WRITE, str_c(to), str_c(strerrordesc_np(errno)));
    return NULL;
}

static const struct err *finish_removal(struct arena *arena, struct str directory)
{
    struct home_config config;
    struct str path = home_path(arena, directory, HOME_REMOVING);
    TRY(config_read(arena, directory, HOME_REMOVING, &config));
    TRY(store_remove(arena, store_url_of(arena, directory, config.store)));
    TRY(remove_folders(arena, directory));
    sweep(arena, directory, written_ever);
    home_remove(arena, directory);
    unlink(str_z(arena, home_path(arena, directory, ERASURE_LOG_NAME)));
    if (unlink(str_z(arena, path)) != 0)
        return ERR_NEW(arena, ERR_FILE_WRITE, path, str_c(strerrordesc_np(errno)));
    return NULL;
}

const struct err *home_demo_remove(struct arena *arena, struct str directory)
{
    struct home *home = home_new(arena, directory);
    if (home_state(arena, directory) == HOME_NOTHING) /* the making was killed at its beginning */
        sweep(arena, directory, written_before);
    const struct err *err = home_state(arena, directory) == HOME_HALF_REMOVED
                                ? lock_take(arena, home, HOME_ALONE)
                                : begin_removal(arena, home);
    if (!err)
        err = finish_removal(arena, directory);
    home_close(home);
    return err;
}
