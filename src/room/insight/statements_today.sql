-- What the page of today asks beside the columns.

-- name: insight_today_rejects
-- doc: imports since a time that rejected rows, and how many rows.
-- in: since i64
-- out: imports i64, rejected_rows i64
-- plan: scan, because import_run has one row per import
SELECT COUNT(*) AS imports, CAST(COALESCE(SUM(rejected_row_count), 0) AS BIGINT) AS rejected_rows
FROM import_run WHERE finished_at >= :since AND rejected_row_count > 0;

-- name: insight_today_proposals
-- doc: how many proposals to merge wait for a person.
-- out: waiting i64
-- plan: search
SELECT CAST(COUNT(*) AS BIGINT) AS waiting FROM merge_proposal WHERE decided = 0;
