/* What the files of the customer room share with each other and with nobody else. */
#ifndef HUITOU_ROOM_CUSTOMER_CUSTOMER_PART_H
#define HUITOU_ROOM_CUSTOMER_CUSTOMER_PART_H

#include "room/customer/customer.h"

/* What is encrypted is bound to what it is. */
#define CUSTOMER_NAME_CONTEXT STR("customer.name")
#define CUSTOMER_IDENTITY_CONTEXT STR("identity.value")
#define CUSTOMER_EVIDENCE_CONTEXT STR("consent.evidence")

#define CUSTOMER_NAME_PREFIX_MAX 4 /* a name is found by its first 1–4 characters */

/* merge_proposal.decided */
enum proposal_decided { PROPOSAL_OPEN, PROPOSAL_MERGED, PROPOSAL_REFUSED };

size_t customer_name_characters(struct str name); /* code points */
/* Trimmed and cut to the longest name that is kept; absent where nothing is left. */
struct str customer_name_tidy(struct str name);
/* kind 0: of the whole name; 1–4: of that many first characters. Without regard to ASCII case. */
void customer_name_hash(struct arena *arena, const struct keyring *keys, int kind, struct str name,
                        uint8_t out[SECRET_HASH_BYTES]);

/* The hashes that a customer of this name is found by; bounded by CUSTOMER_NAME_PREFIX_MAX + 1. */
struct customer_name_key {
    int kind;
    uint8_t hash[SECRET_HASH_BYTES];
};
int customer_name_keys(struct arena *arena, const struct keyring *keys, struct str name,
                       struct customer_name_key out[CUSTOMER_NAME_PREFIX_MAX + 1]);

/* A text that must be there: trimmed, UTF-8, at most LIMIT_NAME_BYTES_MAX. */
ERR_RESULT customer_text_check(struct tx *tx, enum err_code code, struct str field, struct str *text);
/* The root of a customer, locked: nobody else changes the person until the end of the transaction. */
ERR_RESULT customer_lock_root(struct tx *tx, struct str field, int64_t customer_id, int64_t *root_id);
/* The data key of a birth. Errors: CUSTOMER_UNKNOWN, CUSTOMER_ERASED. */
ERR_RESULT customer_data_key(struct tx *tx, int64_t customer_id, uint8_t key[SECRET_KEY_BYTES]);
/* The births of a root, ascending, locked with it. */
ERR_RESULT customer_lock_births(struct tx *tx, int64_t root_id, int64_t **births, size_t *count);
ERR_RESULT customer_root_of(struct tx *tx, struct str field, int64_t customer_id, int64_t *root_id);
/* Notes an event of a customer that happens now, with up to three members of text as payload (absent ones left out). */
struct customer_note {
    const char *key;
    struct str value;
};
void customer_note_event(struct tx *tx, int64_t customer_id, enum event_type type,
                         const struct customer_note *notes, int note_count);
struct str customer_text_or_empty(struct str text); /* for columns that are never NULL */
struct str customer_id_text(struct tx *tx, int64_t customer_id);

#endif
