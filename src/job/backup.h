/* Backups: one file that holds the database and huitou.json as they are at one moment, made while others write, and a
 * directory made of one (decisions/0015). The file is an archive (codec/archive.h) of
 *
 *     manifest.json        what it is: struct backup_manifest
 *     huitou.json          the node number; PostgreSQL's address, which may hold a password, is left out
 *     master.key.locked    only where a passphrase was given: the master key, locked by it (base/secret.h)
 *     huitou.db.gz | table/NAME.copy.gz    the database (store/store_backup.h)
 *
 * The master key is never in it in the clear: who has the database and the key can read every name and phone number. */
#ifndef HUITOU_JOB_BACKUP_H
#define HUITOU_JOB_BACKUP_H

#include "job/columns.h"
#include "job/home.h"

#define BACKUP_PASSPHRASE_BYTES_MIN 12
#define BACKUP_PASSPHRASE_BYTES_MAX 200

struct backup_manifest {
    int64_t format, schema_number, made_at_us;
    struct str program_version, store, brand_name, key_check; /* store: "sqlite", "postgres"; key_check: hexadecimal */
    bool with_key;
};
struct backup_options {
    struct str directory, store_url;
    const struct deps *deps;
    struct store *store;      /* where the backup is noted */
    const struct brand *brand;
    struct str path;          /* a file that is not there, or a directory that is: huitou-20261122T083000Z.backup */
    struct str passphrase;    /* absent: the key is not in it */
    void (*progress)(void *arg, int64_t done, int64_t total); /* of copying the database; NULL: nobody wants to know */
    void *progress_arg;
    struct str made_by;       /* a person's name, or "cli:USER" */
};
struct backup_result {
    struct str path, sha256;
    int64_t bytes, made_at_us, backup_id;
    bool with_key;
};
/* Errors: BACKUP_EXISTS, BACKUP_PASSPHRASE, HOME_KEY, FILE_*, STORE_*. Leaves nothing behind on error. */
ERR_RESULT backup_make(struct arena *arena, const struct backup_options *options, struct backup_result *result);
/* NULL where the passphrase is long enough. Errors: BACKUP_PASSPHRASE with this field. */
ERR_RESULT backup_check_passphrase(struct arena *arena, struct str passphrase, struct str field);
/* What a backup is, after all its bytes were compared with its checksum. Errors: FILE_*, ARCHIVE_*, BACKUP_VERSION. */
ERR_RESULT backup_look(struct arena *arena, struct str path, struct backup_manifest *manifest);

struct restore_options {
    struct str path;
    struct str directory; /* empty or missing */
    struct str store_url; /* PostgreSQL: of an empty database; absent: SQLite in the directory */
    /* The master key that was kept apart; absent: that of HUITOU_MASTER_KEY_FILE, else of the backup. */
    struct str key_path;
    struct str passphrase; /* of the key in the backup; absent: none */
    /* The log of erasures (customer.h) of the directory that was; absent: that beside the backup. */
    struct str erasures_path;
    struct str restored_by;
    enum lang lang; /* of what verify finds */
};
struct restore_result {
    struct backup_manifest manifest;
    struct str sha256;
    bool erasures_known; /* there was a log of erasures */
    int64_t erased;      /* people erased since the backup was made, erased again */
    struct verify_result verified;
};
/* Compares the whole backup and looks at the key before anything is made; then makes the directory, brings the schema up to
 * this program's, ends all sessions, erases again who was erased since, and verifies. Leaves nothing in the directory on
 * error; a PostgreSQL database may keep empty tables. What verify finds is no error. Errors: HOME_EXISTS, HOME_NOT_EMPTY,
 * BACKUP_*, SECRET_PASSPHRASE, ARCHIVE_*, HOME_KEY, HOME_KEY_MODE, STORE_*, FILE_*. */
ERR_RESULT backup_restore(struct arena *arena, const struct restore_options *options, struct restore_result *result);

#endif
