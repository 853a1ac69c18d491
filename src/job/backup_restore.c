/* A directory made of a backup. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "codec/file.h"
#include "job/backup_part.h"
#include "room/access/access.h"
#include "room/customer/customer.h"
#include "store/store_backup.h"

#define CHUNK_BYTES (256 << 10)

struct restore {
    struct arena *arena;
    const struct restore_options *options;
    struct restore_result *result;
    struct archive_reader *reader;
    uint8_t key[SECRET_KEY_BYTES];
    bool key_named; /* by HUITOU_MASTER_KEY_FILE: it stays where it is */
    struct str store_url;
    struct deps deps;
    int node;
    struct str part; /* the first one of the database */
};

/* With the slash at its end; "" where the path has none. */
static struct str folder_of(struct str path)
{
    size_t n = path.n;
    while (n > 0 && path.p[n - 1] != '/')
        n--;
    return str_slice(path, 0, n);
}

static bool part_has(const char *name, struct str part)
{
    return str_eq(part, str_c(name));
}

/* --- Before anything is made --- */

struct small {
    int64_t node;
};
static const struct field config_fields[] = {
    SHAPE_FIELD(struct small, node, I64, "Number of the directory in ids.",
                "本目录在编号中的节点号。", .required = true, .max = ID_NODE_MAX),
};
static const struct shape config_shape = {
    .name = "backup_config", .size = sizeof(struct small), SHAPE_FIELDS(config_fields)};

/* The small parts, up to the first one of the database. */
static const struct err *read_small(struct restore *r, struct str *locked)
{
    struct arena *arena = r->arena;
    struct small config = {0};
    const struct json_value *value;
    struct str text;
    bool has;
    *locked = STR_NONE;
    TRY(archive_next(r->reader, &r->part, &has));
    if (!has || !part_has(BACKUP_PART_CONFIG, r->part))
        return backup_bad(arena, r->options->path, STR("huitou.json is missing"));
    TRY(archive_read_all(r->reader, BACKUP_SMALL_BYTES_MAX, &text));
    if (json_read(arena, r->options->path, text, &value) ||
        shape_read_json(arena, &config_shape, value, &config))
        return backup_bad(arena, r->options->path, STR("huitou.json cannot be read"));
    r->node = (int)config.node;
    TRY(archive_next(r->reader, &r->part, &has));
    if (has && part_has(BACKUP_PART_KEY, r->part)) {
        TRY(archive_read_all(r->reader, BACKUP_SMALL_BYTES_MAX, locked));
        TRY(archive_next(r->reader, &r->part, &has));
    }
    return has ? NULL : backup_bad(arena, r->options->path, STR("the database is missing"));
}

static const struct err *unlock_key(struct restore *r, struct str locked)
{
    struct str plain;
    if (!r->options->passphrase.p)
        return ERR_NEW(r->arena, ERR_BACKUP_PASSPHRASE_NEEDED, r->options->path);
    TRY(secret_unlock(r->arena, r->options->passphrase, locked, &plain));
    if (plain.n != SECRET_KEY_BYTES)
        return backup_bad(r->arena, r->options->path, STR("its key has another length"));
    memcpy(r->key, plain.p, SECRET_KEY_BYTES);
    return NULL;
}

/* The key that is named goes before the one in the backup. */
static const struct err *find_key(struct restore *r, struct str locked)
{
    struct str path = home_key_path(r->arena, r->options->directory, &r->key_named);
    if (r->options->key_path.p)
        TRY(home_key_read(r->arena, r->options->key_path, r->key));
    else if (r->key_named)
        TRY(home_key_read(r->arena, path, r->key));
    else if (locked.p)
        TRY(unlock_key(r, locked));
    else
        return ERR_NEW(r->arena, ERR_BACKUP_KEY_NEEDED, r->options->path);
    const struct keyring *keys = keyring_new(r->arena, r->key);
    if (!str_eq(backup_key_check(r->arena, keys), r->result->manifest.key_check))
        return ERR_NEW(r->arena, ERR_BACKUP_KEY_OTHER, r->options->path);
    r->deps.clock = clock_system();
    r->deps.ids = id_maker_new(r->arena, &r->deps.clock, r->node);
    r->deps.keys = keys;
    return NULL;
}

static const struct err *check_store(struct restore *r)
{
    struct str kind = r->result->manifest.store;
    struct str wanted = r->options->store_url;
    r->store_url = wanted.p
                       ? wanted
                       : str_fmt(r->arena, "sqlite:%.*s/huitou.db", STR_ARG(r->options->directory));
    if (!str_eq(kind, backup_store_name(r->store_url)))
        return ERR_NEW(r->arena, ERR_BACKUP_STORE, STR("--store"), kind);
    return NULL;
}

static const struct err *look(struct restore *r)
{
    struct str locked, erasures = r->options->erasures_path;
    TRY(home_check_empty(r->arena, r->options->directory));
    if (erasures.p && !file_exists(r->arena, erasures))
        return ERR_NEW(r->arena, ERR_FILE_OPEN, erasures, str_c(strerrordesc_np(ENOENT)));
    TRY(backup_read_manifest(r->arena, r->options->path, r->reader, &r->result->manifest));
    r->result->sha256 = backup_hex(r->arena, archive_sha256(r->reader), SECRET_SHA256_BYTES);
    TRY(check_store(r));
    TRY(read_small(r, &locked));
    return find_key(r, locked);
}

/* --- The database --- */

static struct str without_gz(struct str name)
{
    return str_ends(name, STR(".gz")) ? str_slice(name, 0, name.n - strlen(".gz")) : name;
}

static const struct err *copy_parts(struct restore *r, struct store_restore *store)
{
    char *chunk = arena_alloc(r->arena, CHUNK_BYTES);
    for (bool has = true; has;) {
        size_t n = 1;
        TRY(store_restore_part(store, without_gz(r->part)));
        while (n > 0) {
            TRY(archive_read(r->reader, chunk, CHUNK_BYTES, &n));
            TRY(store_restore_bytes(store, chunk, n));
        }
        TRY(archive_next(r->reader, &r->part, &has));
    }
    return store_restore_finish(store);
}

static const struct err *make_database(struct restore *r)
{
    struct store_options options = {.url = r->store_url, .deps = r->deps};
    struct store_restore *store;
    int applied;
    TRY(store_restore_open(r->arena, &options, (int)r->result->manifest.schema_number, &store));
    const struct err *err = copy_parts(r, store);
    store_restore_close(store);
    TRY(err);
    return store_migrate(r->arena, &options, &applied);
}

/* --- The directory --- */

static const struct err *make_directory(struct restore *r)
{
    struct str directory = r->options->directory;
    TRY(file_make_directory(r->arena, directory, 0700));
    if (!r->key_named) {
        bool named;
        TRY(home_key_write(r->arena, home_key_path(r->arena, directory, &named), r->key));
    }
    TRY(make_database(r));
    /* Last: from here on it is a brand's. */
    return home_config_write(r->arena, directory, r->options->store_url, r->node);
}

static const struct err *begin_anew_tx(struct tx *tx, void *arg)
{
    const struct restore *r = arg;
    struct backup_note note = {
        .made_at_us = r->result->manifest.made_at_us,
        .made_by = r->options->restored_by,
        .path = r->options->path,
        .bytes = archive_bytes(r->reader),
        .sha256 = r->result->sha256,
        .with_key = r->result->manifest.with_key,
    };
    struct audit_note audit = {
        .by = r->options->restored_by, .operation = STR("restoreBackup"), .object = STR("backup")};
    TRY(access_sessions_end(tx));
    TRY(setup_backup_add(tx, &note));
    return access_audit_note(tx, &audit);
}

static const struct err *note_restored_tx(struct tx *tx, void *arg)
{
    const struct restore *r = arg;
    return setup_backup_restored(tx, r->result->sha256);
}

static const struct err *in_write(struct restore *r, struct home *home, const char *name,
                                  store_fn *fn)
{
    struct store_job job = {.name = name, .fn = fn, .arg = r, .again_if_ambiguous = true};
    return store_write(home->store, r->arena, &job);
}

/* Who was erased after the backup was made is in it still. */
static const struct err *erase_again(struct restore *r, struct home *home)
{
    struct erasure_replayed replayed = {0};
    struct str path = r->options->erasures_path;
    if (!path.p)
        path = str_fmt(r->arena, "%.*s" ERASURE_LOG_NAME, STR_ARG(folder_of(r->options->path)));
    r->result->erasures_known = file_exists(r->arena, path);
    TRY(erasure_replay(home->store, r->arena, path, &replayed));
    r->result->erased = replayed.erasures;
    return erasure_log_settle(home->store, r->arena, r->options->directory);
}

static const struct err *begin_anew(struct restore *r, struct home *home)
{
    TRY(in_write(r, home, "restore.begin", begin_anew_tx));
    TRY(erase_again(r, home));
    TRY(columns_verify(home->store, r->arena, home->brand, r->options->lang, &r->result->verified));
    if (r->result->verified.fault_count > 0)
        return NULL;
    return in_write(r, home, "restore.note", note_restored_tx);
}

static const struct err *make_all(struct restore *r)
{
    struct home *home;
    bool existed = file_exists(r->arena, r->options->directory);
    const struct err *err = make_directory(r);
    if (!err)
        err = home_open(r->arena, r->options->directory, HOME_SERVE, &home);
    if (!err) {
        err = begin_anew(r, home);
        home_close(home);
    }
    if (!err)
        return NULL;
    home_remove(r->arena, r->options->directory);
    if (!existed)
        rmdir(str_z(r->arena, r->options->directory));
    return err;
}

const struct err *backup_restore(struct arena *arena, const struct restore_options *options,
                                 struct restore_result *result)
{
    struct restore r = {.arena = arena, .options = options, .result = result};
    *result = (struct restore_result){0};
    secret_init();
    TRY(archive_open(arena, options->path, &r.reader));
    const struct err *err = look(&r);
    if (!err)
        err = make_all(&r);
    archive_close(r.reader);
    secret_forget(r.key, sizeof(r.key));
    return err;
}
