-- Statements of room setup; the format is in store/stmt.h.

-- name: setup_brand
-- doc: the brand of this store.
-- out: name text, currency text, currency_digits i64, time_zone text, key_check bytes, created_at i64,
--   demo i64
-- plan: scan, because the table has one row
SELECT name, currency, currency_digits, time_zone, key_check, created_at, demo FROM brand;

-- name: setup_brand_add
-- doc: writes the brand; changes nothing where there is one already.
-- in: name text, currency text, currency_digits i64, time_zone text, key_check bytes, created_at i64
-- plan: search
INSERT INTO brand (brand_id, name, currency, currency_digits, time_zone, key_check, last_node, created_at)
VALUES (1, :name, :currency, :currency_digits, :time_zone, :key_check, -1, :created_at)
ON CONFLICT (brand_id) DO NOTHING;

-- name: setup_demo_set
-- doc: marks the brand as a demo, or as a finished one.
-- in: demo i64
-- plan: search
UPDATE brand SET demo = :demo WHERE brand_id = 1;

-- name: setup_calendar_add
-- doc: one day of the calendar.
-- in: day i64, month i64
-- plan: search
-- bulk: yes
INSERT INTO calendar (day, month) VALUES (:day, :month);

-- name: setup_calendar_clear
-- doc: the calendar is written anew.
-- plan: scan, because all of it goes
DELETE FROM calendar;

-- name: setup_node_take
-- doc: takes the next node number, as long as there is one.
-- in: node_max i64
-- out: last_node i64
-- plan: search
UPDATE brand SET last_node = last_node + 1 WHERE brand_id = 1 AND last_node < :node_max RETURNING last_node;

-- name: setup_calendar_all
-- doc: the whole calendar, for verify.
-- out: day i64, month i64
-- plan: scan, because all of it is compared
-- rows: many
SELECT day, month FROM calendar ORDER BY day;

-- name: setup_backup_add
-- doc: a backup was made, or restored from.
-- in: backup_id i64, made_at i64, made_by text, path text, bytes i64, sha256 text, with_key i64, restored_at i64?
-- plan: search
INSERT INTO backup (backup_id, made_at, made_by, path, bytes, sha256, with_key, restored_at)
VALUES (:backup_id, :made_at, :made_by, :path, :bytes, :sha256, :with_key, :restored_at)
ON CONFLICT (sha256) DO NOTHING;

-- name: setup_backup_restored
-- doc: a backup was restored and found whole.
-- in: sha256 text, restored_at i64
-- plan: search
UPDATE backup SET restored_at = :restored_at WHERE sha256 = :sha256;

-- name: setup_backup_newest
-- doc: the backups made last.
-- in: most i64
-- out: backup_id i64, made_at i64, made_by text, path text, bytes i64, sha256 text, with_key i64, restored_at i64?
-- plan: scan, because it goes backwards along the key and stops
SELECT backup_id, made_at, made_by, path, bytes, sha256, with_key, restored_at
FROM backup ORDER BY backup_id DESC LIMIT :most;

-- name: setup_backup_one
-- doc: a backup, for its file.
-- in: backup_id i64
-- out: backup_id i64, made_at i64, made_by text, path text, bytes i64, sha256 text, with_key i64, restored_at i64?
-- plan: search
SELECT backup_id, made_at, made_by, path, bytes, sha256, with_key, restored_at FROM backup WHERE backup_id = :backup_id;
