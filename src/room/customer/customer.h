/* Room customer: the archive of people. A customer is a person, one row however many identities. Merges link; facts keep
 * the customer they were born with, reading goes through the link (root). What hangs on an identity is born with the
 * identity's own customer, so that undoing a merge gives everybody back what came through their identities.
 * Personal fields are encrypted with a data key per customer and found by keyed hash. */
#ifndef HUITOU_ROOM_CUSTOMER_CUSTOMER_H
#define HUITOU_ROOM_CUSTOMER_CUSTOMER_H

#include "event/event.h"
#include "room/access/access.h"
#include "room/setup/setup.h"

/* Kinds of identity, the surest first. IDENTITY(CODE, "name", number): the number is stored. */
#define IDENTITY_TABLE(IDENTITY)             \
    IDENTITY(UNIONID, "unionid", 1)          \
    IDENTITY(OPENID, "openid", 2)            \
    IDENTITY(MEMBER_CARD, "member_card", 3)  \
    IDENTITY(BUYER_ID, "buyer_id", 4)        \
    IDENTITY(PHONE, "phone", 5)              \
    IDENTITY(EMAIL, "email", 6)              \
    IDENTITY(ANONYMOUS_ID, "anonymous_id", 7)
enum identity_kind {
    IDENTITY_NONE,
#define IDENTITY(code, name, number) IDENTITY_##code = number,
    IDENTITY_TABLE(IDENTITY)
#undef IDENTITY
    IDENTITY_KIND_MAX
};
const char *identity_kind_name(enum identity_kind kind);
enum identity_kind identity_kind_by_name(struct str name); /* IDENTITY_NONE where unknown */

/* Kinds of the lookup table: identities use their own number; the others begin at 32. */
enum lookup_kind { LOOKUP_ORDER = 32, LOOKUP_REFUND = 33 };

/* An identity as met in a file or typed by a person. */
struct identity_value {
    enum identity_kind kind;
    struct str issuer; /* source of a buyer id or openid; "" else */
    struct str value;  /* normalised (identity_normalise) */
    bool weak;         /* only suggests the person */
};
/* Normal form of a value: phones to digits with an optional leading + (86 and +86 before an 11-digit Chinese mobile are
 * dropped), emails lower-case, others trimmed. Returns false where it cannot be that kind (masked with *, empty,
 * too long, a phone without 5–15 digits). */
bool identity_normalise(struct arena *arena, enum identity_kind kind, struct str raw, struct str *value);
void identity_hash(const struct keyring *keys, const struct identity_value *identity,
                   uint8_t out[SECRET_HASH_BYTES]);

/* --- Buyers of many orders at once (the import's way in) --- */

struct customer_buyer {
    struct identity_value identities[LIMIT_IDENTITIES_PER_ORDER_MAX]; /* none: a placeholder is born */
    int identity_count;
    struct str name; /* of the buyer; absent where unknown */
    int64_t met_at_us;
    bool hashed; /* hashes are filled in: customer_buyer_hash */
    uint8_t hashes[LIMIT_IDENTITIES_PER_ORDER_MAX][SECRET_HASH_BYTES];
    /* out: */
    int64_t customer_id; /* birth that the facts of this buyer hang on: the owner of the identity they came through */
    bool created;
    int64_t identity_ids[LIMIT_IDENTITIES_PER_ORDER_MAX]; /* those that this call claimed for customer_id; else 0 */
};
/* Hashes a buyer's identities (identity_hash) outside of any transaction, so that the resolution need not. */
void customer_buyer_hash(const struct keyring *keys, struct customer_buyer *buyer);
/* Finds or creates the customers of `count` buyers in this transaction, by the rule in customer_rule.h; writes customers,
 * identities, name hashes, merge proposals and their events. Buyers with equal identities get the same customer; what
 * one buyer brings is known to the next. Values are normalised before (identity_normalise), issuers at most
 * LIMIT_NAME_BYTES_MAX long. Locks the customers it returns (event_lock). Where another transaction takes an identity at
 * the same moment it fails as CUSTOMER_RACED, upon which the store runs the transaction again. */
ERR_RESULT customer_resolve_many(struct tx *tx, struct customer_buyer *buyers, size_t count);
/* The root of each customer; unknown ids come back as 0. */
ERR_RESULT customer_roots(struct tx *tx, const int64_t *customer_ids, size_t count, int64_t *root_ids);

/* --- Commands --- */

/* Links the root of from_id below the root of into_id. Errors: CUSTOMER_UNKNOWN, CUSTOMER_SAME, CUSTOMER_MERGE_LIMIT,
 * CUSTOMER_PLACEHOLDER (into_id stands in for an unknown buyer; the other way round is fine), CUSTOMER_ERASED. */
ERR_RESULT customer_merge(struct tx *tx, int64_t from_id, int64_t into_id, struct str by);
/* Undoes the merge that linked customer_id below another: it and all that was merged below it stand alone again.
 * Errors: CUSTOMER_UNKNOWN, CUSTOMER_NOT_MERGED. */
ERR_RESULT customer_split(struct tx *tx, int64_t customer_id, struct str by);
/* A customer without identities yet (typed in by a person, or a test). */
ERR_RESULT customer_create(struct tx *tx, struct str name, int64_t *customer_id);
ERR_RESULT customer_rename(struct tx *tx, int64_t customer_id, struct str name);
/* Sets or removes a tag on the root; setting one that is there changes nothing. until_day DAY_NONE: for good. */
ERR_RESULT customer_tag_set(struct tx *tx, int64_t customer_id, struct str tag, int32_t until_day, struct str by);
ERR_RESULT customer_tag_remove(struct tx *tx, int64_t customer_id, struct str tag, struct str by);
/* Notes that somebody looked at the unmasked personal data (event customer.revealed). */
ERR_RESULT customer_reveal(struct tx *tx, int64_t customer_id, struct str by);
/* Refuses the open proposals between two persons, whichever of their births are given. Errors: CUSTOMER_UNKNOWN,
 * CUSTOMER_SAME, CUSTOMER_PROPOSAL_UNKNOWN. */
ERR_RESULT customer_proposal_refuse(struct tx *tx, int64_t a_id, int64_t b_id);

/* --- Correcting what names a person (PIPL article 46, GDPR article 16) --- */

/* Gives the person an identity that nobody has; sure from then on. Errors: CUSTOMER_UNKNOWN, CUSTOMER_ERASED,
 * IDENTITY_VALUE, IDENTITY_TAKEN (names whose it is: the two may be one person), IDENTITY_HAS (it is theirs already). */
ERR_RESULT customer_identity_add(struct tx *tx, int64_t customer_id, const struct identity_value *identity, struct str by);
/* Puts the right value in place of a wrong one; orders that came through it stay. Errors: as above, IDENTITY_UNKNOWN. */
ERR_RESULT customer_identity_correct(struct tx *tx, int64_t customer_id, int64_t identity_id, struct str value,
                                     struct str by);
/* The identity is not the person's. Errors: CUSTOMER_UNKNOWN, IDENTITY_UNKNOWN. */
ERR_RESULT customer_identity_remove(struct tx *tx, int64_t customer_id, int64_t identity_id, struct str by);

/* --- Consent (PIPL articles 13 to 16, 23: by purpose, taken back as easily as given; GDPR article 7: to be shown) --- */

/* PURPOSE(CODE, "name", number, has channels): the number is stored. */
#define CONSENT_PURPOSE_TABLE(PURPOSE)             \
    PURPOSE(MARKETING, "marketing", 1, true)       \
    PURPOSE(SERVICE, "service", 2, true)           \
    PURPOSE(PROFILING, "profiling", 3, false)      \
    PURPOSE(SHARING, "sharing", 4, false)
/* CHANNEL(CODE, "name", number): ANY is every channel of the purpose, and the one of purposes without channels. */
#define CONSENT_CHANNEL_TABLE(CHANNEL) \
    CHANNEL(ANY, "any", 0)             \
    CHANNEL(PHONE, "phone", 1)         \
    CHANNEL(SMS, "sms", 2)             \
    CHANNEL(EMAIL, "email", 3)         \
    CHANNEL(CHAT, "chat", 4)           \
    CHANNEL(POST, "post", 5)
/* HOW(CODE, "name", number): how it was told. */
#define CONSENT_HOW_TABLE(HOW) \
    HOW(FORM, "form", 1)       \
    HOW(SPOKEN, "spoken", 2)   \
    HOW(MESSAGE, "message", 3) \
    HOW(CONTRACT, "contract", 4) \
    HOW(IMPORT, "import", 5)   \
    HOW(OTHER, "other", 6)
enum consent_purpose {
    CONSENT_PURPOSE_NONE,
#define PURPOSE(code, name, number, channels) CONSENT_##code = number,
    CONSENT_PURPOSE_TABLE(PURPOSE)
#undef PURPOSE
    CONSENT_PURPOSE_MAX
};
enum consent_channel {
#define CHANNEL(code, name, number) CONSENT_BY_##code = number,
    CONSENT_CHANNEL_TABLE(CHANNEL)
#undef CHANNEL
    CONSENT_CHANNEL_MAX
};
enum consent_how {
    CONSENT_HOW_NONE,
#define HOW(code, name, number) CONSENT_HOW_##code = number,
    CONSENT_HOW_TABLE(HOW)
#undef HOW
    CONSENT_HOW_MAX
};
/* For shapes: a NULL ends each. */
extern const char *const consent_purpose_names[], *const consent_channel_names[], *const consent_how_names[];
const char *consent_purpose_name(enum consent_purpose purpose);
const char *consent_channel_name(enum consent_channel channel);
const char *consent_how_name(enum consent_how how);
bool consent_has_channels(enum consent_purpose purpose);

struct consent {
    int64_t consent_id;
    enum consent_purpose purpose;
    enum consent_channel channel;
    bool given; /* false: taken back, or refused */
    enum consent_how how;
    struct str evidence; /* what shows it; absent where there is none */
    struct str recorded_by;
    int64_t occurred_at_us, recorded_at_us;
};
#define CONSENT_EVIDENCE_BYTES_MAX 2000
/* Notes what a person allowed or took back. A giving needs its evidence (GDPR 7(1)). Giving stands on the root; taking back
 * on every birth, so that it holds for both when a merge is undone. Errors: CUSTOMER_UNKNOWN, CUSTOMER_ERASED,
 * CONSENT_CHANNEL (a purpose without channels), CONSENT_EVIDENCE, CONSENT_FUTURE. */
ERR_RESULT customer_consent_set(struct tx *tx, int64_t customer_id, const struct consent *told, struct str by);
/* All that was told of a person, what happened last first (told of the same moment: what was recorded last). */
ERR_RESULT customer_consents(struct tx *tx, int64_t root_id, struct consent **out, size_t *count);
/* What holds for a purpose over a channel: the first of the list that is about it, or about all channels of the purpose;
 * NULL: nothing was ever told, so nothing is allowed. */
const struct consent *consent_newest(const struct consent *consents, size_t count, enum consent_purpose purpose,
                                     enum consent_channel channel);

/* --- Erasure (PIPL article 47, GDPR article 17; docs/decisions/0016-erasure.md) --- */

struct erased {
    int64_t erasure_id;
    size_t birth_count;
};
/* Erases a person, with all births: destroys the data keys, the sealed fields, identities, look-ups, name hashes, tags,
 * evidence, the keeper, what events, audit rows and kept answers say; orders, money and what was consented to stay, without
 * a name. typed: the customer's id or whole name, typed by who asks for it. Cannot be undone. Then call
 * erasure_log_settle and erasure_purge. Errors: CUSTOMER_UNKNOWN, CUSTOMER_ERASED, CUSTOMER_ERASE_CONFIRM. */
ERR_RESULT customer_erase(struct tx *tx, int64_t customer_id, struct str typed, struct str by, struct erased *out);
/* When each buyer was erased, as far as an order of then must not bring them back: the latest erasure of one of the sure
 * identities that the buyer tells (of any, where all are weak); INT64_MIN: never. buyers may be NULL, and hashed or not.
 * *any: somebody was ever erased here. */
ERR_RESULT customer_buyers_erased(struct tx *tx, struct customer_buyer *const *buyers, size_t count, int64_t *erased_at_us,
                                  bool *any);

/* Makes what erasures took away gone from the database's files too (store_purge), for all of which that is not noted yet,
 * and notes it. *left: something is still to be done, since somebody was in the way for wait_ms, again later; or since the
 * tables are larger than bytes_max. */
ERR_RESULT erasure_purge(struct store *store, struct arena *arena, int wait_ms, int64_t bytes_max, bool *left);

/* The log of erasures: DIRECTORY/erasures.log, a JSON line each (ids and keyed hashes, no personal data), outside the
 * database and its backup, so that an older backup that is restored is erased again. */
#define ERASURE_LOG_NAME "erasures.log"
struct erasure_entry {
    int64_t erasure_id, customer_id, erased_at_us;
    struct str by;
    int64_t *births;
    size_t birth_count;
    struct erased_identity_hash {
        int kind;
        uint8_t hash[SECRET_HASH_BYTES];
    } *identities;
    size_t identity_count;
};
/* Adds a line, durably. Errors: FILE_WRITE. */
ERR_RESULT erasure_log_append(struct arena *arena, struct str path, const struct erasure_entry *entry);
/* Adds those erasures of the store that the log lacks. After every erasure, and when a directory is opened for writing: the
 * process may have ended in between. Errors: of the store, FILE_READ, FILE_WRITE. */
ERR_RESULT erasure_log_settle(struct store *store, struct arena *arena, struct str directory);
struct erasure_replayed {
    int64_t erasures, births; /* erased now */
    int64_t unreadable_lines; /* torn by a power cut: the erasure follows in a later line, or was never acknowledged */
};
/* Erases again, in a store that was restored, all that the log names: births that are there and not erased. Doing it twice
 * does no harm. A log that is missing is an empty one. */
ERR_RESULT erasure_replay(struct store *store, struct arena *arena, struct str path, struct erasure_replayed *out);

/* Notes that all that is kept of a person was handed out (PIPL article 45, GDPR articles 15 and 20). */
ERR_RESULT customer_exported(struct tx *tx, int64_t customer_id, struct str by);

/* Who of the staff looks after a customer (its root); 0: nobody. */
ERR_RESULT customer_keeper_set(struct tx *tx, int64_t customer_id, int64_t staff_id, struct str by);
ERR_RESULT customer_keeper(struct tx *tx, int64_t root_id, int64_t *staff_id);
/* The root of a customer, where the call's principal reaches it; who does not is answered as if it were not there.
 * Errors: CUSTOMER_UNKNOWN. */
ERR_RESULT customer_reach(struct tx *tx, const struct call *call, int64_t customer_id, int64_t *root_id);

/* --- Reads --- */

struct customer_identity {
    int64_t customer_id, identity_id;
    enum identity_kind kind;
    struct str issuer, value; /* value in the clear: mask it before showing (identity_mask) */
    bool claimed, weak;
};
struct customer_tag {
    struct str name, set_by;
    int64_t set_at_us;
    int32_t until_day; /* DAY_NONE: for good */
};
struct customer_view {
    int64_t customer_id; /* the root */
    bool placeholder;
    bool erased; /* the root's data key is destroyed: name and identities are gone */
    int64_t erased_at_us; /* INT64_MIN: not erased */
    int64_t purged_at_us; /* when no file of the database held anything of it any more; INT64_MIN: not yet */
    struct str name; /* in the clear; absent where unknown */
    int64_t created_at_us;
    int64_t *members; /* all births, the root first, then by id */
    size_t member_count;
    struct customer_identity *identities;
    size_t identity_count;
    struct customer_tag *tags; /* those in force */
    size_t tag_count;
};
/* The whole person behind any of their ids. Errors: CUSTOMER_UNKNOWN. */
ERR_RESULT customer_view(struct tx *tx, int64_t customer_id, struct customer_view **out);
/* The births that a root unites, the root first; *placeholder: the root stands in for an unknown buyer. The light part
 * of customer_view, for the columns. An id that is no root has none. */
ERR_RESULT customer_members(struct tx *tx, int64_t root_id, int64_t **members, size_t *member_count,
                            bool *placeholder);
struct str identity_mask(struct arena *arena, enum identity_kind kind, struct str value);
struct str customer_name_mask(struct arena *arena, struct str name);
/* Roots found by any identity's value (every kind and issuer is tried), by whole name, or by the first 1–4 characters
 * of a name; at most `max`, no duplicates. */
ERR_RESULT customer_find(struct tx *tx, struct str query, size_t max, int64_t **root_ids, size_t *count);
struct merge_proposal {
    int64_t customer_id, other_id;
    enum identity_kind identity_kind;
    int64_t recorded_at_us;
};
ERR_RESULT customer_proposals(struct tx *tx, size_t max, struct merge_proposal **out, size_t *count);

/* All births with their roots, ascending by customer_id: for building the columns. */
struct customer_scan {
    struct stmt_cursor cursor;
};
struct customer_scan_row {
    int64_t customer_id, root_id;
    bool placeholder; /* of this birth; a person is unknown where the root is a placeholder */
};
ERR_RESULT customer_scan_open(struct tx *tx, struct customer_scan *scan);
ERR_RESULT customer_scan_next(struct customer_scan *scan, struct customer_scan_row *row, bool *has);
void customer_scan_close(struct customer_scan *scan);

/* Who a customer is for selections: keeper, and tags that were not removed (a name may be there twice, from two births). */
struct customer_tag_mark {
    int64_t tag_id;
    int32_t until_day; /* DAY_NONE: for good */
};
struct customer_marks {
    int64_t customer_id; /* the root */
    int64_t keeper_id;   /* 0: nobody in particular */
    struct customer_tag_mark *tags;
    size_t tag_count;
};
ERR_RESULT customer_marks(struct tx *tx, int64_t root_id, struct customer_marks *marks);
/* Calls fn for every person (root, no placeholder), ascending by id; the marks, and what fn takes from tx_arena, are gone
 * when it returns. */
typedef const struct err *customer_marks_fn(struct tx *tx, void *arg, const struct customer_marks *marks);
ERR_RESULT customer_marks_all(struct tx *tx, customer_marks_fn *fn, void *arg);
/* 0 where there is no such tag. */
ERR_RESULT customer_tag_id(struct tx *tx, struct str name, int64_t *tag_id);
/* The names of all tags, by name, in the arena; at most `max`. */
ERR_RESULT customer_tag_names(struct tx *tx, struct arena *arena, size_t max, struct str **names, size_t *count);

/* For verify: rows that contradict each other (root_id against parent links, claims without identity, …). */
ERR_RESULT customer_verify(struct tx *tx, int64_t *fault_count, struct str *first_fault);

/* Makes again what follows from the rows of people. Claims of identities (lookup): those that lead nowhere go, those that
 * are missing come. Then the hashes that names are found by: all go, and come again from the names, page by page. */
ERR_RESULT customer_rebuild_claims(struct tx *tx);
ERR_RESULT customer_rebuild_names_begin(struct tx *tx);
/* The names of the next `most` customers after *after_id, which moves; *count is 0 at the end. Errors: SECRET_OPEN. */
ERR_RESULT customer_rebuild_names(struct tx *tx, size_t most, int64_t *after_id, int64_t *count);

#endif
