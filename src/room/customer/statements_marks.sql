-- Who a customer is, as selections ask for it: keeper and tags of everybody, and of one; see customer.h.

-- name: customer_mark_keepers
-- doc: who is kept by whom; the build of the live columns.
-- out: customer_id i64, staff_id i64
-- plan: scan, because the columns hold everybody
-- rows: many
SELECT customer_id, staff_id FROM customer_keeper ORDER BY customer_id;

-- name: customer_mark_tags
-- doc: the tags that were not removed, by person; the build of the live columns.
-- out: root_id i64, tag_id i64, until_day i64?
-- plan: scan, because the columns hold everybody
-- rows: many
SELECT c.root_id, t.tag_id, t.until_day
FROM customer_tag t JOIN customer c ON c.customer_id = t.customer_id
WHERE t.removed_at IS NULL
ORDER BY c.root_id, t.tag_id;

-- name: customer_tag_names
-- doc: the names of tags, for those who choose one.
-- in: limit i64
-- out: tag_id i64, name text
-- plan: scan, because a brand has some hundreds of tags
SELECT tag_id, name FROM tag ORDER BY name LIMIT :limit;
