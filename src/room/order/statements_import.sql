-- Statements of imports over HTTP: uploads and the maps of a brand's own; the format is in store/stmt.h.
-- States are those of enum upload_state (import_queue.h).

-- name: order_upload_insert
-- doc: a file that was uploaded: it is to be checked.
-- in: upload_id i64, name text, byte_count i64, created_at i64, created_by text, created_by_name text
-- plan: search
INSERT INTO import_upload (upload_id, name, byte_count, is_kept, state, created_at, created_by, created_by_name, check_no,
                           attempt_count, queued_at, map_name, map_recognised, lang, reject_name, row_count, order_new_count,
                           order_changed_count, order_same_count, refund_count, rejected_row_count)
VALUES (:upload_id, :name, :byte_count, 1, 0, :created_at, :created_by, :created_by_name, 1,
        0, :created_at, '', 0, 0, '', 0, 0,
        0, 0, 0, 0);

-- name: order_upload_one
-- doc: an upload with all that is known of it.
-- in: upload_id i64
-- out: upload_id i64, name text, byte_count i64, is_kept i64, state i64, created_at i64, created_by text,
--      created_by_name text, check_no i64, attempt_count i64, queued_at i64, started_at i64?, finished_at i64?, wish text?,
--      map text?, map_name text, map_recognised i64, lang i64, columns text?, preview text?, candidates text?, result text?,
--      errors text?, reject_name text, row_count i64, order_new_count i64, order_changed_count i64, order_same_count i64,
--      refund_count i64, rejected_row_count i64
-- plan: search
SELECT upload_id, name, byte_count, is_kept, state, created_at, created_by,
       created_by_name, check_no, attempt_count, queued_at, started_at, finished_at, wish,
       map, map_name, map_recognised, lang, columns, preview, candidates, result,
       errors, reject_name, row_count, order_new_count, order_changed_count, order_same_count,
       refund_count, rejected_row_count
FROM import_upload WHERE upload_id = :upload_id;

-- name: order_upload_kept
-- doc: how much lies on the disk, before another file is taken.
-- out: file_count i64, byte_count i64
-- plan: scan, because it has one row per file ever uploaded
SELECT CAST(COUNT(*) AS BIGINT) AS file_count, CAST(COALESCE(SUM(byte_count), 0) AS BIGINT) AS byte_count
FROM import_upload WHERE is_kept = 1;

-- name: order_upload_holding
-- doc: uploads of which a file lies on the disk: itself, or its rejected rows.
-- out: upload_id i64, name text, is_kept i64, reject_name text, finished_at i64?
-- rows: many
-- plan: scan, because it has one row per file ever uploaded
SELECT upload_id, name, is_kept, reject_name, finished_at FROM import_upload
WHERE is_kept = 1 OR reject_name <> '' ORDER BY upload_id;

-- name: order_upload_next
-- doc: what waits longest in a state.
-- in: state i64
-- out: upload_id i64
-- plan: search
SELECT upload_id FROM import_upload WHERE state = :state ORDER BY queued_at, upload_id LIMIT 1;

-- name: order_upload_before
-- doc: how many imports wait before one that waits.
-- in: queued_at i64, upload_id i64
-- out: waiting_count i64
-- plan: search
SELECT CAST(COUNT(*) AS BIGINT) AS waiting_count FROM import_upload
WHERE state = 3 AND (queued_at < :queued_at OR (queued_at = :queued_at AND upload_id < :upload_id));

-- name: order_upload_wish
-- doc: a person says how to read the file: it is to be checked again. Changes nothing where its import waits, runs or is done.
-- in: upload_id i64, wish text?, queued_at i64
-- plan: search
UPDATE import_upload SET wish = :wish, state = 0, check_no = check_no + 1, queued_at = :queued_at, errors = NULL
WHERE upload_id = :upload_id AND state IN (0, 1, 2, 5, 6, 7);

-- name: order_upload_checked
-- doc: what a dry run found; changes nothing where another was asked for meanwhile.
-- in: upload_id i64, check_no i64, state i64, map text?, map_name text, map_recognised i64, columns text?, preview text?,
--     candidates text?, errors text?
-- plan: search
UPDATE import_upload SET state = :state, map = :map, map_name = :map_name, map_recognised = :map_recognised,
    columns = :columns, preview = :preview, candidates = :candidates, errors = :errors
WHERE upload_id = :upload_id AND check_no = :check_no AND state = 0;

-- name: order_upload_queue
-- doc: its import is to begin when those before it are done; changes nothing where that is not possible now.
-- in: upload_id i64, queued_at i64, lang i64
-- plan: search
UPDATE import_upload SET state = 3, queued_at = :queued_at, lang = :lang, errors = NULL
WHERE upload_id = :upload_id AND state IN (1, 5, 6, 7) AND map IS NOT NULL;

-- name: order_upload_unqueue
-- doc: its import is not to begin after all; changes nothing where it has begun.
-- in: upload_id i64, state i64
-- plan: search
UPDATE import_upload SET state = :state WHERE upload_id = :upload_id AND state = 3;

-- name: order_upload_begin
-- doc: its import begins; changes nothing where it no longer waits.
-- in: upload_id i64, started_at i64
-- plan: search
UPDATE import_upload SET state = 4, started_at = :started_at, finished_at = NULL, attempt_count = attempt_count + 1
WHERE upload_id = :upload_id AND state = 3;

-- name: order_upload_finish
-- doc: its import ended, in this way or that.
-- in: upload_id i64, state i64, finished_at i64, is_kept i64, result text?, errors text?, reject_name text, row_count i64,
--     order_new_count i64, order_changed_count i64, order_same_count i64, refund_count i64, rejected_row_count i64
-- plan: search
UPDATE import_upload SET state = :state, finished_at = :finished_at, is_kept = :is_kept, result = :result, errors = :errors,
    reject_name = :reject_name, row_count = :row_count, order_new_count = :order_new_count,
    order_changed_count = :order_changed_count, order_same_count = :order_same_count, refund_count = :refund_count,
    rejected_row_count = :rejected_row_count
WHERE upload_id = :upload_id AND state = 4;

-- name: order_upload_interrupted
-- doc: those that ran when the server ended.
-- in: finished_at i64
-- plan: search
UPDATE import_upload SET state = 6, finished_at = :finished_at WHERE state = 4;

-- name: order_upload_discard
-- doc: the file is not wanted any more; changes nothing where its import waits, runs or is done.
-- in: upload_id i64
-- plan: search
UPDATE import_upload SET state = 9, is_kept = 0, preview = NULL, columns = NULL, candidates = NULL
WHERE upload_id = :upload_id AND state IN (0, 1, 2, 5, 6, 7);

-- name: order_upload_delete
-- doc: a discarded file of which nothing was ever imported leaves no trace here.
-- in: upload_id i64
-- plan: search
DELETE FROM import_upload WHERE upload_id = :upload_id AND state = 9 AND attempt_count = 0;

-- name: order_upload_rejects_old
-- doc: files of rejected rows that have been there long enough.
-- in: finished_before i64
-- out: upload_id i64
-- rows: many
-- plan: scan, because it has one row per file ever uploaded
SELECT upload_id FROM import_upload WHERE reject_name <> '' AND is_kept = 0 AND finished_at < :finished_before;

-- name: order_upload_rejects_gone
-- doc: the file of rejected rows was removed.
-- in: upload_id i64
-- plan: search
UPDATE import_upload SET reject_name = '' WHERE upload_id = :upload_id;

-- name: order_upload_page
-- doc: imports, newest first: of uploads, and of the command line (is_upload 0; state then done or interrupted).
-- in: before_id i64, row_max i64
-- out: import_id i64, is_upload i64, name text, byte_count i64, state i64, created_at i64, created_by text,
--      created_by_name text, started_at i64?, finished_at i64?, map_name text, row_count i64, order_new_count i64,
--      order_changed_count i64, order_same_count i64, refund_count i64, rejected_row_count i64
-- rows: many
-- plan: search
SELECT upload_id AS import_id, CAST(1 AS BIGINT) AS is_upload, name, byte_count, state, created_at, created_by,
       created_by_name, started_at, finished_at, map_name, row_count, order_new_count,
       order_changed_count, order_same_count, refund_count, rejected_row_count
FROM import_upload WHERE upload_id < :before_id
UNION ALL
SELECT import_id, CAST(0 AS BIGINT), file_name, CAST(0 AS BIGINT), CASE WHEN finished_at IS NULL THEN 6 ELSE 8 END,
       started_at, started_by, '', started_at, finished_at, map_name, row_count, order_new_count,
       order_changed_count, order_same_count, refund_count, rejected_row_count
FROM import_run WHERE upload_id = 0 AND import_id < :before_id
ORDER BY import_id DESC LIMIT :row_max;

-- name: order_run_one
-- doc: an import of the command line.
-- in: import_id i64
-- out: import_id i64, name text, started_by text, started_at i64, finished_at i64?, map_name text, row_count i64,
--      order_new_count i64, order_changed_count i64, order_same_count i64, refund_count i64, rejected_row_count i64
-- plan: search
SELECT import_id, file_name AS name, started_by, started_at, finished_at, map_name, row_count,
       order_new_count, order_changed_count, order_same_count, refund_count, rejected_row_count
FROM import_run WHERE import_id = :import_id AND upload_id = 0;

-- name: order_own_map_put
-- doc: saves a map of the brand's own, in the place of one of the same name.
-- in: name text, map text, saved_at i64, saved_by_name text
-- plan: search
INSERT INTO import_own_map (name, map, saved_at, saved_by_name) VALUES (:name, :map, :saved_at, :saved_by_name)
ON CONFLICT (name) DO UPDATE SET map = :map, saved_at = :saved_at, saved_by_name = :saved_by_name;

-- name: order_own_map_delete
-- doc: removes a map of the brand's own.
-- in: name text
-- plan: search
DELETE FROM import_own_map WHERE name = :name;

-- name: order_own_map_all
-- doc: all maps of the brand's own.
-- out: name text, map text, saved_at i64, saved_by_name text
-- rows: many
-- plan: scan, because all are wanted: some tens
SELECT name, map, saved_at, saved_by_name FROM import_own_map ORDER BY name COLLATE "C";
