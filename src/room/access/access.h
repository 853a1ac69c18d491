/* Room access: who may do what. Staff with roles and sessions, keys for programs, the audit trail, and idempotency: a
 * request that is said twice under one key happens once and answers the same. Every handler's write goes through
 * call_write, which puts what the handler writes, the audit row and the answer under the key into one transaction.
 *
 * Sources: OWASP ASVS 4.0 (2.1 passwords, 2.2 throttling, 3.2–3.3 sessions), NIST SP 800-63B (5.1.1.2: length, no
 * composition rules), RFC 9106 (argon2id). */
#ifndef HUITOU_ROOM_ACCESS_ACCESS_H
#define HUITOU_ROOM_ACCESS_ACCESS_H

#include <pthread.h>
#include <stdatomic.h>

#include "contract/endpoint.h"
#include "room/setup/setup.h"

#define ACCESS_SESSION_IDLE_US (12ll * 3600 * 1000000)         /* a session ends when not used so long */
#define ACCESS_SESSION_US (7ll * 24 * 3600 * 1000000)          /* and after this in any case */
#define ACCESS_SESSION_SEEN_US (5ll * 60 * 1000000)            /* its use is noted about so often */
#define ACCESS_PASSWORD_BYTES_MIN 10
#define ACCESS_PASSWORD_BYTES_MAX 200
#define ACCESS_FAILURE_WINDOW_US (15ll * 60 * 1000000)
#define ACCESS_FAILURES_PER_ACCOUNT 5   /* in the window; then the account waits for its end */
#define ACCESS_FAILURES_PER_ADDRESS 30  /* likewise */
#define ACCESS_FAILURES_PER_DEVICE 5    /* likewise, of a device that the account was used from before */
#define ACCESS_DEVICE_US (365ll * 24 * 3600 * 1000000) /* a device is known so long after a login */
#define ACCESS_SWEEP_US (3600ll * 1000000)             /* what is over is removed about so often */
#define ACCESS_IDEMPOTENCY_US (30ll * 24 * 3600 * 1000000)
#define ACCESS_SESSION_COOKIE "huitou_session"
#define ACCESS_DEVICE_COOKIE "huitou_device"
#define ACCESS_KEY_PREFIX "huitou_"

/* Passwords are hashed two at a time, so that logins cannot take the machine's memory. */
struct password_gate {
    pthread_mutex_t lock;
    pthread_cond_t free;
    int at_work;
};
void password_gate_init(struct password_gate *gate);

struct engine;
/* What handlers reach. Made by the server; immutable while requests run, except what says so. */
struct service {
    struct store *store; /* NULL before the brand was set up */
    const struct brand *brand;
    struct deps deps;
    struct engine *(*engine)(struct service *service); /* the live columns; NULL while they are being built */
    /* Another text whenever a report may have another answer; absent while they are being built. */
    struct str (*columns_stand)(struct service *service, struct arena *arena);
    struct kept_answers *kept; /* answers of reports (room insight) */
    /* Until what was committed before the call is in the columns, at most so long; false where it is not. */
    bool (*columns_wait)(struct service *service, int64_t timeout_ms);
    int64_t (*columns_behind_us)(struct service *service); /* how long ago they were last known to be up to date */
    void (*bulk_wake)(struct service *service); /* a bulk was begun: it need not wait for its next look */
    void (*purge_wake)(struct service *service); /* somebody was erased: the database's files are to be purged of it */
    struct imports *imports; /* the queue of imports (room order) */
    struct server_control *control; /* what only the server itself can do (job/server.h) */
    struct str upload_directory;
    struct str directory; /* the data directory */
    const struct endpoint_table *const *tables; /* all that is served */
    int table_count;
    struct password_gate passwords;
    _Atomic int64_t swept_at_us; /* when access_sweep last began; any thread */
    atomic_flag noting_use; /* a request is noting that its session or key is in use: others need not wait for that, too */
    /* Tells those who watch that something changed; any thread. */
    void (*publish)(void *arg, struct str topic, struct str data);
    void *publish_arg;
};

/* --- For handlers --- */

/* Runs fn(tx, arg) in a transaction; it fills call->out, call->audit_* and may run several times (out is cleared before).
 * Where the endpoint is audited a row of the audit trail is written with it; where the request has an idempotency key, the
 * answer too, or, where the key was used before, fn is not run and call->replay is that answer.
 * Errors: IDEMPOTENCY_OTHER (the key was used for another request); what fn and the store return. */
ERR_RESULT call_write(struct call *call, store_fn *fn, void *arg);
ERR_RESULT call_read(struct call *call, store_fn *fn, void *arg);
/* The audit trail of what is not a transaction of its own. */
ERR_RESULT access_audit(struct tx *tx, const struct call *call);

/* What was done to an object, the newest first, at most `max`. */
struct audit_row {
    int64_t at_us;
    struct str by, operation, before, after; /* before, after: JSON, absent where there is none */
};
ERR_RESULT access_audit_of(struct tx *tx, struct str object, size_t max, struct audit_row **out, size_t *count);
/* Takes what the audit trail and kept answers say of an object ("customer:ID") away; that something was done, by whom and
 * when stays. For erasures. */
ERR_RESULT access_forget(struct tx *tx, struct str object);

/* --- Who asks --- */

struct access_claim {
    struct str bearer, session_token, csrf_token, address;
};
/* Fills the principal; PRINCIPAL_NOBODY where nothing is claimed. Errors: ACCESS_KEY_BAD, ACCESS_SESSION_OVER, ACCESS_CSRF
 * (a write of a session without its token). */
ERR_RESULT access_principal(struct service *service, struct arena *arena, const struct access_claim *claim,
                            bool is_write, struct principal *principal);
/* The CSRF token that belongs to a session's token. */
struct str access_csrf_token(struct arena *arena, const struct keyring *keys, struct str session_token);

/* --- Commands --- */

struct staff_new {
    struct str login, name, password;
    bool no_password; /* nobody can log in as them before an owner gives them one */
    enum role role;
    int64_t manager_id; /* 0: none */
};
/* Errors, all at once: STAFF_LOGIN, STAFF_NAME, STAFF_PASSWORD; STAFF_LOGIN_TAKEN, STAFF_MANAGER. */
ERR_RESULT staff_create(struct tx *tx, const struct staff_new *wanted, struct str password_hash, int64_t *staff_id);
struct staff_change {
    struct str name;
    enum role role;
    int64_t manager_id; /* 0: none */
    bool blocked;
};
/* Errors: STAFF_UNKNOWN, STAFF_NAME, STAFF_MANAGER, STAFF_LAST_OWNER. */
ERR_RESULT staff_change(struct tx *tx, int64_t staff_id, const struct staff_change *wanted);
/* Ends all their sessions but one (0: all). */
ERR_RESULT staff_password_set(struct tx *tx, int64_t staff_id, struct str password_hash, int64_t keep_session_id);
/* What is wrong with them, before a password is hashed. */
ERR_RESULT staff_check(struct arena *arena, const struct staff_new *wanted);
struct str staff_password_hash(struct service *service, struct arena *arena, struct str password);
bool staff_password_fits(struct service *service, struct str password, struct str hash);
/* NULL where there is such a person, or staff_id is 0. Errors: STAFF_UNKNOWN. */
ERR_RESULT staff_known(struct tx *tx, int64_t staff_id);
/* Whether anybody can log in yet: has a password. */
ERR_RESULT staff_exists(struct tx *tx, bool *exists);
/* What people call whom the rooms note as having done something: "staff:7" → the name, "key:9" → the key's; anything
 * else ("cli:lin", "import") as it stands. */
ERR_RESULT access_name_of(struct tx *tx, struct str by, struct str *name);
/* The first owner without a password, whose session only the set-up link begins; 0: there is none. name: in tx's arena. */
ERR_RESULT staff_owner_without_password(struct tx *tx, int64_t *staff_id, struct str *name);
/* Everybody's name, in the transaction's arena. */
struct staff_name {
    int64_t staff_id;
    struct str name;
    bool is_blocked;
};
ERR_RESULT staff_names(struct tx *tx, struct staff_name **names, size_t *count);
/* All ids below a person (not the person), by who supervises whom. */
ERR_RESULT staff_below(struct tx *tx, int64_t staff_id, int64_t **ids, size_t *count);
/* Removes sessions, failed logins and idempotency keys that are over. Whoever asks does it, about once an hour. */
ERR_RESULT access_sweep(struct store *store, struct arena *arena);
/* All sessions end; API keys stay. After a restore: those who were logged in then may not be those who should be now. */
ERR_RESULT access_sessions_end(struct tx *tx);
/* Something that was done without a request: on the command line, or by a restore. operation: as the endpoint that does the
 * same. by: "cli:USER". */
struct audit_note {
    struct str by, operation, object, before, after; /* before, after: JSON, absent where there is none */
};
ERR_RESULT access_audit_note(struct tx *tx, const struct audit_note *note);

/* What a review of security looks at. */
struct access_review {
    int64_t people, owners, people_unseen; /* may log in; unseen: did not for ACCESS_UNSEEN_US */
    int64_t keys, keys_unused, keys_old;   /* that hold; not used for ACCESS_UNSEEN_US; older than ACCESS_KEY_OLD_US */
    int64_t sessions;
};
#define ACCESS_UNSEEN_US (90ll * 24 * 3600 * 1000000)
#define ACCESS_KEY_OLD_US (365ll * 24 * 3600 * 1000000)
ERR_RESULT access_review(struct tx *tx, struct access_review *review);

extern const struct endpoint_table access_endpoints;

#endif
