-- Changes to many customers at once.

-- name: insight_bulk_insert
-- doc: a bulk change begins.
-- in: bulk_id i64, action i64, state i64, tag text, value i64, set_by text, by_id i64, by_name text, started_at i64,
--   customer_count i64, undo_of i64
-- plan: search
INSERT INTO bulk (bulk_id, action, state, tag, value, set_by, by_id, by_name, started_at, customer_count, done_count,
                  changed_count, undo_of, undone_by)
VALUES (:bulk_id, :action, :state, :tag, :value, :set_by, :by_id, :by_name, :started_at, :customer_count, 0, 0, :undo_of, 0);

-- name: insight_bulk_part_insert
-- doc: its customers, some in each row.
-- in: bulk_id i64, part_no i64, pairs bytes
-- bulk: yes
-- plan: search
INSERT INTO bulk_part (bulk_id, part_no, pairs) VALUES (:bulk_id, :part_no, :pairs);

-- name: insight_bulk_one
-- doc: a bulk change.
-- in: bulk_id i64
-- out: bulk_id i64, action i64, state i64, tag text, value i64, set_by text, by_id i64, by_name text, started_at i64,
--   finished_at i64?, customer_count i64, done_count i64, changed_count i64, undo_of i64, undone_by i64
-- plan: search
SELECT bulk_id, action, state, tag, value, set_by, by_id, by_name, started_at, finished_at, customer_count, done_count,
       changed_count, undo_of, undone_by
FROM bulk WHERE bulk_id = :bulk_id;

-- name: insight_bulk_page
-- doc: the last bulk changes, the newest first; of one person, or (by_id 0) of everybody.
-- in: before_id i64, by_id i64, limit i64
-- out: bulk_id i64, action i64, state i64, tag text, value i64, set_by text, by_id i64, by_name text, started_at i64,
--   finished_at i64?, customer_count i64, done_count i64, changed_count i64, undo_of i64, undone_by i64
-- plan: search
SELECT bulk_id, action, state, tag, value, set_by, by_id, by_name, started_at, finished_at, customer_count, done_count,
       changed_count, undo_of, undone_by
FROM bulk WHERE bulk_id < :before_id AND (:by_id = 0 OR by_id = :by_id) ORDER BY bulk_id DESC LIMIT :limit;

-- name: insight_bulk_running
-- doc: the oldest one that runs.
-- in: state i64
-- out: bulk_id i64
-- plan: search
SELECT bulk_id FROM bulk WHERE state = :state ORDER BY bulk_id LIMIT 1;

-- name: insight_bulk_next_part
-- doc: customers that have not had their turn.
-- in: bulk_id i64, from_part_no i64
-- out: part_no i64, pairs bytes
-- plan: search
SELECT part_no, pairs FROM bulk_part
WHERE bulk_id = :bulk_id AND part_no >= :from_part_no AND changed IS NULL
ORDER BY part_no LIMIT 1;

-- name: insight_bulk_part_done
-- doc: they had it; no row is changed where they had it before.
-- in: bulk_id i64, part_no i64, changed bytes
-- plan: search
UPDATE bulk_part SET changed = :changed WHERE bulk_id = :bulk_id AND part_no = :part_no AND changed IS NULL;

-- name: insight_bulk_progress
-- doc: some more are done, and perhaps all; no row is changed where it does not run any more.
-- in: bulk_id i64, running i64, state i64, finished_at i64?, done i64, changed i64
-- plan: search
UPDATE bulk SET done_count = done_count + :done, changed_count = changed_count + :changed, state = :state,
                finished_at = :finished_at
WHERE bulk_id = :bulk_id AND state = :running;

-- name: insight_bulk_end
-- doc: a bulk change is stopped where it is; no row is changed where it does not run.
-- in: bulk_id i64, running i64, state i64, finished_at i64
-- plan: search
UPDATE bulk SET state = :state, finished_at = :finished_at WHERE bulk_id = :bulk_id AND state = :running;

-- name: insight_bulk_changed
-- doc: what was there before, of those that it changed.
-- in: bulk_id i64
-- out: changed bytes
-- plan: search
-- rows: many
SELECT changed FROM bulk_part WHERE bulk_id = :bulk_id AND changed IS NOT NULL ORDER BY part_no;

-- name: insight_bulk_undone
-- doc: another one undoes it.
-- in: bulk_id i64, undone_by i64
-- plan: search
UPDATE bulk SET undone_by = :undone_by WHERE bulk_id = :bulk_id;
