/* Room setup: the brand itself — its name, currency and time zone, the node numbers of its servers, and the calendar of
 * brand days that reports in SQL join. One row per store. */
#ifndef HUITOU_ROOM_SETUP_SETUP_H
#define HUITOU_ROOM_SETUP_SETUP_H

#include "base/calendar.h"
#include "store/store.h"

/* Whether a brand is one's own, or made to look around in; such a one may be taken away as it came. */
enum brand_demo { BRAND_REAL, BRAND_DEMO_UNFINISHED, BRAND_DEMO };
struct brand {
    struct str name;
    enum brand_demo demo;
    struct str currency; /* ISO 4217 */
    int currency_digits;
    struct str time_zone; /* IANA */
    const struct zone *zone;
    int64_t created_at_us;
};

/* What is wrong with these wishes, all at once: SETUP_NAME, SETUP_CURRENCY, ZONE_UNKNOWN. Needs no store, so that it can
 * be asked before anything is made. */
ERR_RESULT setup_check(struct arena *arena, struct str name, struct str currency, struct str time_zone);
/* Creates the brand. Errors, all at once: SETUP_NAME, SETUP_CURRENCY, ZONE_UNKNOWN, SETUP_EXISTS. */
ERR_RESULT setup_create(struct store *store, struct arena *arena, struct str name, struct str currency,
                        struct str time_zone);
/* Marks the brand as a demo; one's own never becomes one: only a brand without orders or people is given. */
ERR_RESULT setup_demo_set(struct store *store, struct arena *arena, enum brand_demo demo);
/* Errors: SETUP_MISSING where the store holds no brand; SETUP_KEY where the keys are not those it was made with. */
ERR_RESULT setup_load(struct store *store, struct arena *arena, struct brand **out);
/* The hash by which a brand knows its master key. */
void setup_key_check(const struct keyring *keys, uint8_t out[SECRET_HASH_BYTES]);
/* For verify: days of the calendar that are missing, too many, or of the wrong month. */
ERR_RESULT setup_verify(struct tx *tx, int64_t *fault_count);
/* Writes the calendar anew. */
ERR_RESULT setup_rebuild(struct tx *tx);
/* Takes the next node number for ids (0 … ID_NODE_MAX). Errors: SETUP_NODES. */
ERR_RESULT setup_take_node(struct store *store, struct arena *arena, int *node);

/* --- Backups that were made (job/backup.h makes them) --- */

struct backup_note {
    int64_t backup_id, made_at_us, bytes;
    struct str made_by; /* a person's name, or "cli:USER" */
    struct str path, sha256; /* sha256: hexadecimal */
    bool with_key;           /* the master key is in it, locked */
    struct opt_i64 restored_at_us;
};
/* Notes a backup; one that is noted already stays as it is. backup_id 0: a new one. */
ERR_RESULT setup_backup_add(struct tx *tx, const struct backup_note *note);
/* The backup of this content was restored and verified; changes nothing where it is not noted. */
ERR_RESULT setup_backup_restored(struct tx *tx, struct str sha256);
/* The newest first. */
ERR_RESULT setup_backup_newest(struct tx *tx, size_t most, struct backup_note **notes, size_t *count);
ERR_RESULT setup_backup_one(struct tx *tx, int64_t backup_id, struct backup_note *note, bool *found);

#endif
