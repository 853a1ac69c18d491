/* What making and restoring of backups share. */
#ifndef HUITOU_JOB_BACKUP_PART_H
#define HUITOU_JOB_BACKUP_PART_H

#include "codec/archive.h"
#include "job/backup.h"

#define BACKUP_FORMAT 1
#define BACKUP_SMALL_BYTES_MAX (64u << 10) /* of every part that is not the database */
#define BACKUP_PART_MANIFEST "manifest.json"
#define BACKUP_PART_CONFIG "huitou.json"
#define BACKUP_PART_KEY "master.key.locked"

struct str backup_hex(struct arena *arena, const uint8_t *bytes, size_t n);
struct str backup_key_check(struct arena *arena, const struct keyring *keys);
struct str backup_store_name(struct str store_url);
ERR_RESULT backup_bad(struct arena *arena, struct str path, struct str why);
/* The first part of an archive that was just opened. */
ERR_RESULT backup_read_manifest(struct arena *arena, struct str path, struct archive_reader *reader,
                                struct backup_manifest *manifest);

#endif
