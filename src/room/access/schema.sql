-- Who may do what: staff, sessions, keys, the audit trail, idempotency; for the type tokens see event/schema.sql.

-- migration: 8 access

-- row: a person who works for the brand. login: what they type, in lower case. role: enum role. manager_id: who supervises
-- them (NULL: nobody). password_hash: argon2id, with its parameters; empty: no password fits, nobody can log in as them.
-- blocked_at NULL: may log in.
-- read by: login, every request of a session, the page of staff.
CREATE TABLE staff (
    staff_id INT64 NOT NULL,
    login TEXT NOT NULL,
    name TEXT NOT NULL,
    role INT64 NOT NULL,
    manager_id INT64,
    password_hash TEXT NOT NULL,
    blocked_at INT64,
    created_at INT64 NOT NULL,
    PRIMARY KEY (staff_id)
) STRICT;

-- read by: login; keeps logins unique.
CREATE UNIQUE INDEX staff_by_login ON staff (login);

-- read by: who is below whom.
CREATE INDEX staff_by_manager ON staff (manager_id);

-- row: a login that holds. token_hash: keyed, of the cookie. seen_at: about when it was last used (idle sessions end).
-- expires_at: it ends then in any case. client: the browser as it names itself, shortened.
-- read by: every request with a session cookie; the list of one's sessions.
CREATE TABLE staff_session (
    session_id INT64 NOT NULL,
    token_hash BYTES NOT NULL,
    staff_id INT64 NOT NULL,
    created_at INT64 NOT NULL,
    seen_at INT64 NOT NULL,
    expires_at INT64 NOT NULL,
    PRIMARY KEY (session_id)
) STRICT;

-- read by: every request with a session cookie.
CREATE UNIQUE INDEX staff_session_by_token ON staff_session (token_hash);

-- read by: ending all sessions of a person.
CREATE INDEX staff_session_by_staff ON staff_session (staff_id);

-- read by: the removal of sessions that ended.
CREATE INDEX staff_session_by_expiry ON staff_session (expires_at);

-- row: a key for programs. token_hash: keyed; the key itself is shown once and kept nowhere. hint: its last four characters.
-- scopes: bit per enum scope. used_at: about when it was last used. revoked_at NULL: it holds.
-- read by: every request with a key; the page of keys.
CREATE TABLE api_key (
    key_id INT64 NOT NULL,
    token_hash BYTES NOT NULL,
    name TEXT NOT NULL,
    hint TEXT NOT NULL,
    scopes INT64 NOT NULL,
    created_by INT64 NOT NULL,
    created_at INT64 NOT NULL,
    used_at INT64,
    revoked_at INT64,
    PRIMARY KEY (key_id)
) STRICT;

-- read by: every request with a key.
CREATE UNIQUE INDEX api_key_by_token ON api_key (token_hash);

-- row: failed logins of late, by account (kind 1), by address (kind 2), or of a device that an account was used from before
-- (kind 3), under a keyed hash. since: of the first one counted.
-- read by: login, before a password is looked at.
CREATE TABLE login_failure (
    kind INT64 NOT NULL,
    hash BYTES NOT NULL,
    failure_count INT64 NOT NULL,
    since INT64 NOT NULL,
    PRIMARY KEY (kind, hash)
) STRICT CLUSTERED;

-- row: something that a person or a program did. by_kind: enum principal_kind; by_id: of the staff or key (0: nobody). object:
-- what it was done to ("customer:123"), before and after: JSON without personal data in the clear, NULL where there is none.
-- read by: the audit trail.
CREATE TABLE audit (
    audit_id INT64 NOT NULL,
    at INT64 NOT NULL,
    by_kind INT64 NOT NULL,
    by_id INT64 NOT NULL,
    by_name TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    object TEXT NOT NULL,
    before TEXT,
    after TEXT,
    request_id TEXT NOT NULL,
    PRIMARY KEY (audit_id)
) STRICT;

-- read by: the audit trail of one object.
CREATE INDEX audit_by_object ON audit (object, audit_id);

-- row: a request that was done under an idempotency key, and its answer (personal data masked). kept for 30 days.
-- read by: every write with such a key, in its own transaction.
CREATE TABLE idempotency (
    principal TEXT NOT NULL,
    key_hash BYTES NOT NULL,
    request_hash BYTES NOT NULL,
    status INT64 NOT NULL,
    reply TEXT,
    location TEXT,
    created_at INT64 NOT NULL,
    PRIMARY KEY (principal, key_hash)
) STRICT CLUSTERED;

-- read by: the removal of old rows.
CREATE INDEX idempotency_by_age ON idempotency (created_at);

-- migration: 13 staff seen

-- when the person last logged in; NULL: never. read by: the review of security.
ALTER TABLE staff ADD COLUMN seen_at INT64;

-- migration: 15 what an answer was about

-- idempotency.object: what the request was done to, as in audit. read by: an erasure, which takes answers away.
ALTER TABLE idempotency ADD COLUMN object TEXT NOT NULL DEFAULT '';

-- read by: an erasure.
CREATE INDEX idempotency_by_object ON idempotency (object);
