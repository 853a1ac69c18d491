-- Statements of the access room; the format is in store/stmt.h.

-- --- Staff ---

-- name: access_staff_insert
-- doc: a new person; no row comes back where the login is taken.
-- in: staff_id i64, login text, name text, role i64, manager_id i64?, password_hash text, created_at i64
-- out: staff_id i64
-- plan: search
INSERT INTO staff (staff_id, login, name, role, manager_id, password_hash, created_at)
VALUES (:staff_id, :login, :name, :role, :manager_id, :password_hash, :created_at)
ON CONFLICT (login) DO NOTHING
RETURNING staff_id;

-- name: access_staff_by_login
-- doc: who logs in.
-- in: login text
-- out: staff_id i64, name text, role i64, password_hash text, blocked_at i64?
-- plan: search
SELECT staff_id, name, role, password_hash, blocked_at FROM staff WHERE login = :login;

-- name: access_staff_one
-- doc: a person.
-- in: staff_id i64
-- out: staff_id i64, login text, name text, role i64, manager_id i64?, password_hash text, blocked_at i64?, created_at i64
-- plan: search
SELECT staff_id, login, name, role, manager_id, password_hash, blocked_at, created_at FROM staff
WHERE staff_id = :staff_id;

-- name: access_staff_all
-- doc: everybody; the page of staff, who is below whom.
-- out: staff_id i64, login text, name text, role i64, manager_id i64?, blocked_at i64?, created_at i64
-- plan: scan, because it lists everybody: some hundreds
SELECT staff_id, login, name, role, manager_id, blocked_at, created_at FROM staff ORDER BY staff_id LIMIT 10000;

-- name: access_staff_set
-- doc: changes a person.
-- in: staff_id i64, name text, role i64, manager_id i64?, blocked_at i64?
-- plan: search
UPDATE staff SET name = :name, role = :role, manager_id = :manager_id, blocked_at = :blocked_at
WHERE staff_id = :staff_id;

-- name: access_staff_seen
-- doc: a person has logged in.
-- in: staff_id i64, seen_at i64
-- plan: search
UPDATE staff SET seen_at = :seen_at WHERE staff_id = :staff_id;

-- name: access_review_staff
-- doc: what the review of security asks of staff: who may log in, and when they last did.
-- out: role i64, created_at i64, seen_at i64?
-- plan: scan, because it looks at everybody: some hundreds
SELECT role, created_at, seen_at FROM staff WHERE blocked_at IS NULL ORDER BY staff_id LIMIT 10000;

-- name: access_review_keys
-- doc: what the review of security asks of keys that hold.
-- out: created_at i64, used_at i64?
-- plan: scan, because it looks at them all: some dozens
SELECT created_at, used_at FROM api_key WHERE revoked_at IS NULL ORDER BY key_id LIMIT 10000;

-- name: access_review_sessions
-- doc: how many sessions are open.
-- in: now i64, idle_from i64
-- out: session_count i64
-- plan: scan, because it counts them all: some hundreds
SELECT COUNT(*) FROM staff_session WHERE expires_at > :now AND seen_at > :idle_from;

-- name: access_session_delete_all
-- doc: everybody logs in anew, after a restore.
-- plan: scan, because all of them go
DELETE FROM staff_session;

-- name: access_staff_password_set
-- doc: a new password.
-- in: staff_id i64, password_hash text
-- plan: search
UPDATE staff SET password_hash = :password_hash WHERE staff_id = :staff_id;

-- name: access_staff_lock_owners
-- doc: locks those who own the brand, so that not all of them are taken away at once.
-- in: role i64
-- out: staff_id i64
-- dialect: sqlite
-- plan: scan, because there are some hundreds of people
SELECT staff_id FROM staff WHERE role = :role AND blocked_at IS NULL ORDER BY staff_id LIMIT 10000;

-- name: access_staff_lock_owners
-- doc: locks those who own the brand, so that not all of them are taken away at once.
-- in: role i64
-- out: staff_id i64
-- dialect: postgres
-- plan: scan, because there are some hundreds of people
SELECT staff_id FROM staff WHERE role = :role AND blocked_at IS NULL ORDER BY staff_id LIMIT 10000 FOR UPDATE;

-- name: access_staff_any
-- doc: whether anybody can log in yet: before, the set-up link makes the owner, or begins the session of a demo's.
-- out: staff_id i64
-- plan: scan, because one row is enough, and there are some hundreds
SELECT staff_id FROM staff WHERE password_hash <> '' LIMIT 1;

-- name: access_staff_without_password
-- doc: the first in a role whom nobody can log in as: the owner of a demo brand.
-- in: role i64
-- out: staff_id i64, name text
-- plan: scan, because there are some hundreds of people
SELECT staff_id, name FROM staff WHERE role = :role AND password_hash = '' AND blocked_at IS NULL
ORDER BY staff_id LIMIT 1;

-- --- Sessions ---

-- name: access_session_insert
-- doc: a login.
-- in: session_id i64, token_hash bytes, staff_id i64, created_at i64, seen_at i64, expires_at i64
-- plan: search
INSERT INTO staff_session (session_id, token_hash, staff_id, created_at, seen_at, expires_at)
VALUES (:session_id, :token_hash, :staff_id, :created_at, :seen_at, :expires_at);

-- name: access_session_by_token
-- doc: whose session it is; asked for each request.
-- in: token_hash bytes
-- out: session_id i64, staff_id i64, name text, role i64, blocked_at i64?, seen_at i64, expires_at i64
-- plan: search
SELECT s.session_id, s.staff_id, p.name, p.role, p.blocked_at, s.seen_at, s.expires_at
FROM staff_session s JOIN staff p ON p.staff_id = s.staff_id
WHERE s.token_hash = :token_hash;

-- name: access_session_seen
-- doc: the session is in use.
-- in: session_id i64, seen_at i64
-- plan: search
UPDATE staff_session SET seen_at = :seen_at WHERE session_id = :session_id AND seen_at < :seen_at;

-- name: access_session_delete
-- doc: the session is over.
-- in: session_id i64
-- plan: search
DELETE FROM staff_session WHERE session_id = :session_id;

-- name: access_session_delete_others
-- doc: all other sessions of a person are over; except_id 0: all.
-- in: staff_id i64, except_id i64
-- plan: search
DELETE FROM staff_session WHERE staff_id = :staff_id AND session_id <> :except_id;

-- name: access_session_delete_expired
-- doc: sessions that ended by themselves.
-- in: now i64
-- plan: search
DELETE FROM staff_session WHERE expires_at < :now;

-- name: access_session_of_staff
-- doc: one's own sessions.
-- in: staff_id i64
-- out: session_id i64, created_at i64, seen_at i64, expires_at i64
-- plan: search
SELECT session_id, created_at, seen_at, expires_at FROM staff_session WHERE staff_id = :staff_id ORDER BY session_id
LIMIT 1000;

-- --- Keys ---

-- name: access_key_insert
-- doc: a new key.
-- in: key_id i64, token_hash bytes, name text, hint text, scopes i64, created_by i64, created_at i64
-- plan: search
INSERT INTO api_key (key_id, token_hash, name, hint, scopes, created_by, created_at)
VALUES (:key_id, :token_hash, :name, :hint, :scopes, :created_by, :created_at);

-- name: access_key_by_token
-- doc: whose key it is; asked for each request.
-- in: token_hash bytes
-- out: key_id i64, name text, scopes i64, used_at i64?, revoked_at i64?
-- plan: search
SELECT key_id, name, scopes, used_at, revoked_at FROM api_key WHERE token_hash = :token_hash;

-- name: access_key_name
-- doc: what a key is called, for who did something.
-- in: key_id i64
-- out: name text
-- plan: search
SELECT name FROM api_key WHERE key_id = :key_id;

-- name: access_key_used
-- doc: the key is in use.
-- in: key_id i64, used_at i64
-- plan: search
UPDATE api_key SET used_at = :used_at WHERE key_id = :key_id;

-- name: access_key_all
-- doc: the page of keys.
-- out: key_id i64, name text, hint text, scopes i64, created_by i64, created_at i64, used_at i64?, revoked_at i64?
-- plan: scan, because it lists them all: some dozens
SELECT key_id, name, hint, scopes, created_by, created_at, used_at, revoked_at FROM api_key ORDER BY key_id LIMIT 10000;

-- name: access_key_revoke
-- doc: the key holds no longer; a row comes back where it did.
-- in: key_id i64, revoked_at i64
-- out: key_id i64
-- plan: search
UPDATE api_key SET revoked_at = :revoked_at WHERE key_id = :key_id AND revoked_at IS NULL
RETURNING key_id;

-- --- Failed logins ---

-- name: access_login_failed
-- doc: it failed once more; what is older than the window begins anew. How often it did, with this time, and since when.
-- in: kind i64, hash bytes, now i64, window_from i64
-- out: failure_count i64, since i64
-- plan: search
INSERT INTO login_failure (kind, hash, failure_count, since) VALUES (:kind, :hash, 1, :now)
ON CONFLICT (kind, hash) DO UPDATE SET
    failure_count = CASE WHEN login_failure.since < :window_from THEN 1 ELSE login_failure.failure_count + 1 END,
    since = CASE WHEN login_failure.since < :window_from THEN :now ELSE login_failure.since END
RETURNING failure_count, since;

-- name: access_login_succeeded
-- doc: forgets what failed before.
-- in: kind i64, hash bytes
-- plan: search
DELETE FROM login_failure WHERE kind = :kind AND hash = :hash;

-- name: access_login_not_failed
-- doc: a try that was counted turned out to be good.
-- in: kind i64, hash bytes
-- plan: search
UPDATE login_failure SET failure_count = failure_count - 1 WHERE kind = :kind AND hash = :hash AND failure_count > 0;

-- name: access_login_forget
-- doc: failures that are counted no longer.
-- in: before i64
-- plan: scan, because it is done once an hour, and the table holds only what failed since
DELETE FROM login_failure WHERE since < :before;

-- --- The audit trail ---

-- name: access_audit_insert
-- doc: something was done.
-- in: audit_id i64, at i64, by_kind i64, by_id i64, by_name text, endpoint text, object text, before text?, after text?,
--   request_id text
-- plan: search
INSERT INTO audit (audit_id, at, by_kind, by_id, by_name, endpoint, object, before, after, request_id)
VALUES (:audit_id, :at, :by_kind, :by_id, :by_name, :endpoint, :object, :before, :after, :request_id);

-- name: access_audit_page
-- doc: the newest rows before one.
-- in: before_id i64, most i64
-- out: audit_id i64, at i64, by_kind i64, by_id i64, by_name text, endpoint text, object text, before text?, after text?,
--   request_id text
-- plan: search
SELECT audit_id, at, by_kind, by_id, by_name, endpoint, object, before, after, request_id
FROM audit WHERE audit_id < :before_id ORDER BY audit_id DESC LIMIT :most;

-- name: access_audit_of_object
-- doc: the newest rows of one object before one.
-- in: object text, before_id i64, most i64
-- out: audit_id i64, at i64, by_kind i64, by_id i64, by_name text, endpoint text, object text, before text?, after text?,
--   request_id text
-- plan: search
SELECT audit_id, at, by_kind, by_id, by_name, endpoint, object, before, after, request_id
FROM audit WHERE object = :object AND audit_id < :before_id ORDER BY audit_id DESC LIMIT :most;

-- --- Idempotency ---

-- name: access_idempotency_find
-- doc: whether a key was used, and what was answered.
-- in: principal text, key_hash bytes
-- out: request_hash bytes, status i64, reply text?, location text?
-- plan: search
SELECT request_hash, status, reply, location FROM idempotency WHERE principal = :principal AND key_hash = :key_hash;

-- name: access_idempotency_insert
-- doc: what was done under a key; a second one at the same moment fails, and is run again.
-- in: principal text, key_hash bytes, request_hash bytes, status i64, reply text?, location text?, object text,
--   created_at i64
-- plan: search
INSERT INTO idempotency (principal, key_hash, request_hash, status, reply, location, object, created_at)
VALUES (:principal, :key_hash, :request_hash, :status, :reply, :location, :object, :created_at);

-- name: access_idempotency_erase
-- doc: the answers about somebody who was erased; that the requests were done stays known.
-- in: object text
-- plan: search
UPDATE idempotency SET reply = NULL WHERE object = :object;

-- name: access_audit_erase
-- doc: that something was done stays, what it was about somebody who was erased does not.
-- in: object text
-- plan: search
UPDATE audit SET before = NULL, after = NULL WHERE object = :object;

-- name: access_idempotency_forget
-- doc: what is older than is promised.
-- in: before i64
-- plan: search
DELETE FROM idempotency WHERE created_at < :before;
