#include "job/backup.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "codec/archive.h"
#include "codec/file.h"
#include "job/backup_part.h"
#include "room/access/access.h"
#include "room/customer/customer.h"
#include "store/store_backup.h"

#define ERASURES_BYTES_MAX ((size_t)1 << 30)

/* --- The manifest --- */

static const struct field manifest_fields[] = {
    SHAPE_FIELD(struct backup_manifest, format, I64, "Of this file.", "本文件的格式。",
                .required = true, .min = 1, .max = BACKUP_FORMAT),
    SHAPE_FIELD(struct backup_manifest, schema_number, I64, "Of the database.", "数据库结构版本。",
                .required = true, .min = 1, .max = 100000),
    SHAPE_FIELD_AS(struct backup_manifest, made_at_us, "made_at", TIME, "When.", "备份时间。",
                   .required = true),
    SHAPE_FIELD(struct backup_manifest, program_version, TEXT, "Of huitou.", "程序版本。",
                .required = true),
    SHAPE_FIELD(struct backup_manifest, store, TEXT, "sqlite or postgres.", "sqlite 或 postgres。",
                .required = true),
    SHAPE_FIELD(struct backup_manifest, brand_name, TEXT, "The brand.", "品牌。", .required = true),
    SHAPE_FIELD(struct backup_manifest, key_check, TEXT, "By which the master key is known.",
                "用于核对主密钥。", .required = true),
    SHAPE_FIELD(struct backup_manifest, with_key, BOOL, "The master key is here, locked.",
                "含有加锁的主密钥。"),
};
static const struct shape manifest_shape = {
    .name = "manifest", .size = sizeof(struct backup_manifest), SHAPE_FIELDS(manifest_fields)};

struct str backup_hex(struct arena *arena, const uint8_t *bytes, size_t n)
{
    struct buf hex = buf_new(arena, 2 * n + 1);
    for (size_t i = 0; i < n; i++)
        buf_fmt(&hex, "%02x", bytes[i]);
    return buf_view(&hex);
}

struct str backup_key_check(struct arena *arena, const struct keyring *keys)
{
    uint8_t check[SECRET_HASH_BYTES];
    setup_key_check(keys, check);
    return backup_hex(arena, check, sizeof(check));
}

static struct str manifest_json(struct arena *arena, const struct backup_options *options,
                                int64_t now_us)
{
    struct backup_manifest manifest = {
        .format = BACKUP_FORMAT,
        .schema_number = store_schema_number(),
        .made_at_us = now_us,
        .program_version = STR(HUITOU_VERSION),
        .store = backup_store_name(options->store_url),
        .brand_name = options->brand->name,
        .key_check = backup_key_check(arena, options->deps->keys),
        .with_key = options->passphrase.p != NULL,
    };
    struct buf text = buf_new(arena, BACKUP_SMALL_BYTES_MAX);
    struct json_writer w = json_writer(&text, true);
    shape_write_json(&w, &manifest_shape, &manifest);
    buf_char(&text, '\n');
    return buf_view(&text);
}

struct str backup_store_name(struct str store_url)
{
    return str_starts(store_url, STR("sqlite:")) ? STR("sqlite") : STR("postgres");
}

/* --- Making --- */

static bool is_directory(struct arena *arena, struct str path)
{
    struct stat info;
    return stat(str_z(arena, path), &info) == 0 && S_ISDIR(info.st_mode);
}

/* "2026-11-22T08:30:00.123456Z" → "20261122T083000Z" */
static struct str stamp_of(struct arena *arena, int64_t now_us)
{
    struct str text = time_text(arena, now_us / 1000000 * 1000000);
    struct buf stamp = buf_new(arena, 64);
    for (size_t i = 0; i < text.n && text.p[i] != '.'; i++)
        if (text.p[i] != '-' && text.p[i] != ':' && text.p[i] != 'Z')
            buf_char(&stamp, text.p[i]);
    buf_char(&stamp, 'Z');
    return buf_view(&stamp);
}

static const struct err *path_of(struct arena *arena, struct str wanted, int64_t now_us,
                                 struct str *path)
{
    *path = wanted;
    if (!is_directory(arena, wanted))
        return file_exists(arena, wanted) ? ERR_NEW(arena, ERR_BACKUP_EXISTS, wanted) : NULL;
    struct str stamp = stamp_of(arena, now_us);
    *path = str_fmt(arena, "%.*s/huitou-%.*s.backup", STR_ARG(wanted), STR_ARG(stamp));
    for (int n = 2; file_exists(arena, *path); n++) /* another one of this second */
        *path = str_fmt(arena, "%.*s/huitou-%.*s-%d.backup", STR_ARG(wanted), STR_ARG(stamp), n);
    return NULL;
}

const struct err *backup_check_passphrase(struct arena *arena, struct str passphrase,
                                          struct str field)
{
    if (passphrase.n >= BACKUP_PASSPHRASE_BYTES_MIN && passphrase.n <= BACKUP_PASSPHRASE_BYTES_MAX)
        return NULL;
    return ERR_NEW(arena, ERR_BACKUP_PASSPHRASE, field);
}

static const struct err *sink_part(void *arg, struct str name)
{
    char packed[ARCHIVE_NAME_BYTES_MAX + 1];
    int n = snprintf(packed, sizeof(packed), "%.*s.gz", STR_ARG(name));
    return archive_part(arg, (struct str){packed, (size_t)n}, true);
}

static const struct err *sink_bytes(void *arg, const void *bytes, size_t n)
{
    return archive_add(arg, bytes, n);
}

static const struct err *add_small(struct archive_writer *writer, const char *name,
                                   struct str content)
{
    TRY(archive_part(writer, str_c(name), false));
    return archive_add(writer, content.p, content.n);
}

static const struct err *add_key(struct arena *arena, struct archive_writer *writer,
                                 const struct backup_options *options)
{
    bool named;
    uint8_t key[SECRET_KEY_BYTES];
    TRY(home_key_read(arena, home_key_path(arena, options->directory, &named), key));
    struct str plain = {(const char *)key, sizeof(key)};
    struct str locked = secret_lock(arena, options->passphrase, plain);
    secret_forget(key, sizeof(key));
    return add_small(writer, BACKUP_PART_KEY, locked);
}

static const struct err *write_parts(struct arena *arena, struct archive_writer *writer,
                                     const struct backup_options *options, int64_t now_us)
{
    int node;
    TRY(home_node(arena, options->directory, &node));
    TRY(add_small(writer, BACKUP_PART_MANIFEST, manifest_json(arena, options, now_us)));
    TRY(add_small(writer, BACKUP_PART_CONFIG, str_fmt(arena, "{\"node\": %d}\n", node)));
    if (options->passphrase.p)
        TRY(add_key(arena, writer, options));
    struct str copy = str_fmt(arena, "%.*s.db", STR_ARG(archive_temporary(writer)));
    struct store_options store = {.url = options->store_url, .deps = *options->deps};
    struct store_sink sink = {sink_part, sink_bytes, writer, options->progress,
                              options->progress_arg};
    return store_backup(arena, &store, copy, &sink);
}

static const struct err *note_tx(struct tx *tx, void *arg)
{
    const struct backup_note *note = arg;
    struct audit_note audit = {
        .by = note->made_by,
        .operation = STR("createBackup"),
        .object = str_fmt(tx_arena(tx), "backup:%lld", (long long)note->backup_id),
    };
    TRY(setup_backup_add(tx, note));
    /* What a person asks for in the console has its row already. */
    return str_starts(note->made_by, STR("cli:")) ? access_audit_note(tx, &audit) : NULL;
}

static const struct err *note_made(struct arena *arena, const struct backup_options *options,
                                   const struct backup_result *result)
{
    struct backup_note note = {
        .backup_id = result->backup_id,
        .made_at_us = result->made_at_us,
        .made_by = options->made_by,
        .path = result->path,
        .bytes = result->bytes,
        .sha256 = result->sha256,
        .with_key = result->with_key,
    };
    struct store_job job = {
        .name = "backup.note", .fn = note_tx, .arg = &note, .again_if_ambiguous = true};
    return store_write(options->store, arena, &job);
}

/* Beside backups in a directory lies the log of erasures as it is now, for who restores an older
 * one of them. */
static const struct err *copy_erasures(struct arena *arena, const struct backup_options *options)
{
    struct str log = str_fmt(arena, "%.*s/" ERASURE_LOG_NAME, STR_ARG(options->directory)), text;
    if (!is_directory(arena, options->path) || !file_exists(arena, log))
        return NULL;
    TRY(file_read(arena, log, ERASURES_BYTES_MAX, &text));
    return file_write(arena, str_fmt(arena, "%.*s/" ERASURE_LOG_NAME, STR_ARG(options->path)), text,
                      0600);
}

const struct err *backup_make(struct arena *arena, const struct backup_options *options,
                              struct backup_result *result)
{
    int64_t now_us = clock_now_us(&options->deps->clock);
    struct archive_writer *writer;
    uint8_t sha256[SECRET_SHA256_BYTES];
    *result = (struct backup_result){.made_at_us = now_us, .with_key = options->passphrase.p};
    if (options->passphrase.p)
        TRY(backup_check_passphrase(arena, options->passphrase, STR("passphrase")));
    TRY(path_of(arena, options->path, now_us, &result->path));
    TRY(archive_create(arena, result->path, now_us / 1000000, &writer));
    const struct err *err = write_parts(arena, writer, options, now_us);
    if (!err)
        err = archive_finish(writer, &result->bytes, sha256);
    archive_abandon(writer);
    TRY(err);
    TRY(copy_erasures(arena, options));
    result->sha256 = backup_hex(arena, sha256, sizeof(sha256));
    result->backup_id = id_next(options->deps->ids);
    return note_made(arena, options, result);
}

/* --- Looking --- */

const struct err *backup_bad(struct arena *arena, struct str path, struct str why)
{
    return ERR_NEW(arena, ERR_ARCHIVE_BAD, path, why);
}

const struct err *backup_read_manifest(struct arena *arena, struct str path,
                                       struct archive_reader *reader,
                                       struct backup_manifest *manifest)
{
    struct str name, text;
    const struct json_value *value;
    bool has;
    TRY(archive_next(reader, &name, &has));
    if (!has || !str_eq(name, STR(BACKUP_PART_MANIFEST)))
        return ERR_NEW(arena, ERR_ARCHIVE_OTHER, path);
    TRY(archive_read_all(reader, BACKUP_SMALL_BYTES_MAX, &text));
    if (json_read(arena, path, text, &value) ||
        shape_read_json(arena, &manifest_shape, value, manifest))
        return backup_bad(arena, path, STR("its manifest cannot be read"));
    if (manifest->schema_number > store_schema_number())
        return ERR_NEW(arena, ERR_BACKUP_VERSION, path,
                       str_fmt(arena, "%lld", (long long)manifest->schema_number),
                       str_fmt(arena, "%d", store_schema_number()));
    return NULL;
}

const struct err *backup_look(struct arena *arena, struct str path,
                              struct backup_manifest *manifest)
{
    struct archive_reader *reader;
    TRY(archive_open(arena, path, &reader));
    const struct err *err = backup_read_manifest(arena, path, reader, manifest);
    archive_close(reader);
    return err;
}
