-- Statements of the room order; the format is described in store/stmt.h.

-- --- Names in the whole brand ---

-- name: order_lookup_find
-- doc: which order or refund a source's number names; the import reads it before each write.
-- in: kind i64, hash bytes
-- out: customer_id i64, object_id i64
-- plan: search
SELECT customer_id, object_id FROM lookup WHERE kind = :kind AND hash = :hash;

-- name: order_lookup_claim
-- doc: claims a number; no row comes back where another transaction was faster.
-- in: kind i64, hash bytes, customer_id i64, object_id i64
-- out: object_id i64
-- plan: search
INSERT INTO lookup (kind, hash, customer_id, object_id) VALUES (:kind, :hash, :customer_id, :object_id)
ON CONFLICT (kind, hash) DO NOTHING RETURNING object_id;

-- name: order_lookup_insert
-- doc: claims at the end of a first load, in the order of their hashes; none of them can be there.
-- in: kind i64, hash bytes, customer_id i64, object_id i64
-- bulk: yes
-- plan: search
INSERT INTO lookup (kind, hash, customer_id, object_id) VALUES (:kind, :hash, :customer_id, :object_id);

-- name: order_lookup_release
-- doc: lets go of the number of an unknown order, which was claimed (with no object) so that no other transaction adds
--   the order while refunds of it are noted as waiting.
-- in: kind i64, hash bytes
-- plan: search
DELETE FROM lookup WHERE kind = :kind AND hash = :hash AND object_id = 0;

-- name: order_lookup_move
-- doc: the order or refund now hangs on another customer.
-- in: kind i64, hash bytes, customer_id i64
-- plan: search
UPDATE lookup SET customer_id = :customer_id WHERE kind = :kind AND hash = :hash;

-- --- The first load ---

-- name: order_first_load_hold
-- doc: which first load has claims behind (0: none); nobody changes the row before all who hold it have ended.
-- out: import_id i64
-- plan: search
-- dialect: sqlite
SELECT import_id FROM order_first_load WHERE row_no = 1;

-- name: order_first_load_hold
-- doc: which first load has claims behind (0: none); nobody changes the row before all who hold it have ended.
-- out: import_id i64
-- plan: search
-- dialect: postgres
SELECT import_id FROM order_first_load WHERE row_no = 1 FOR SHARE;

-- name: order_first_load_take
-- doc: as order_first_load_hold, for one alone who is going to change it.
-- out: import_id i64
-- plan: search
-- dialect: sqlite
SELECT import_id FROM order_first_load WHERE row_no = 1;

-- name: order_first_load_take
-- doc: as order_first_load_hold, for one alone who is going to change it.
-- out: import_id i64
-- plan: search
-- dialect: postgres
SELECT import_id FROM order_first_load WHERE row_no = 1 FOR UPDATE;

-- name: order_first_load_see
-- doc: which first load has claims behind (0: none), as it was at this moment.
-- out: import_id i64, batch_count i64
-- plan: search
SELECT import_id, batch_count FROM order_first_load WHERE row_no = 1;

-- name: order_first_load_set
-- doc: begins a first load (import_id of the import), takes one over, or ends it (0).
-- in: import_id i64
-- plan: search
UPDATE order_first_load SET import_id = :import_id, batch_count = 0 WHERE row_no = 1;

-- name: order_first_load_step
-- doc: counts a batch of the first load; no row comes back where it is another's or over, or the batch was counted before.
-- in: import_id i64, batch_count i64
-- out: batch_count i64
-- plan: search
UPDATE order_first_load SET batch_count = :batch_count
WHERE row_no = 1 AND import_id = :import_id AND batch_count = :batch_count - 1
RETURNING batch_count;

-- name: order_any
-- doc: an order of the brand, if there is one: a first load is for a brand without.
-- out: order_id i64
-- plan: scan, because one row of any is all that is asked
SELECT order_id FROM orders LIMIT 1;

-- name: order_refund_any
-- doc: a refund of the brand, if there is one.
-- out: refund_id i64
-- plan: scan, because one row of any is all that is asked
SELECT refund_id FROM refund LIMIT 1;

-- name: order_numbers_all
-- doc: every order's number, to claim those that a first load left behind.
-- out: customer_id i64, order_id i64, source text, number text
-- plan: scan, because a first load that was broken off is made good once
-- rows: many
SELECT customer_id, order_id, source, number FROM orders ORDER BY customer_id, order_id;

-- name: order_by_number_unclaimed
-- doc: the orders of a number while the claims of a first load are behind.
-- in: number text
-- out: customer_id i64
-- plan: scan, because it is asked only while a first load is not finished
SELECT customer_id FROM orders WHERE number = :number ORDER BY customer_id, order_id;

-- --- Orders ---

-- name: order_row_read
-- doc: one order as it stands; read before it is restated.
-- in: customer_id i64, order_id i64
-- out: customer_id i64, order_id i64, source text, number text, state i64, occurred_at i64, paid_at i64?, paid_day i64?,
--      amount_minor i64, refunded_minor i64, refunded_whole_day i64?, channel_id i64, top_product_id i64,
--      top_line_minor i64, line_count i64, identity_id i64, exported_at i64, told i64, told_at bytes?,
--      content_hash bytes, recorded_at i64
-- plan: search
SELECT customer_id, order_id, source, number, state, occurred_at, paid_at, paid_day, amount_minor, refunded_minor,
       refunded_whole_day, channel_id, top_product_id, top_line_minor, line_count, identity_id, exported_at,
       told, told_at, content_hash, recorded_at
FROM orders WHERE customer_id = :customer_id AND order_id = :order_id;

-- name: order_row_insert
-- doc: new orders, and those that move to another customer.
-- in: customer_id i64, order_id i64, source text, number text, state i64, occurred_at i64, paid_at i64?, paid_day i64?,
--     amount_minor i64, refunded_minor i64, refunded_whole_day i64?, channel_id i64, top_product_id i64,
--     top_line_minor i64, line_count i64, identity_id i64, exported_at i64, told i64, told_at bytes?,
--     content_hash bytes, recorded_at i64
-- plan: search
-- bulk: yes
INSERT INTO orders (customer_id, order_id, source, number, state, occurred_at, paid_at, paid_day, amount_minor,
                    refunded_minor, refunded_whole_day, channel_id, top_product_id, top_line_minor, line_count,
                    identity_id, exported_at, told, told_at, content_hash, recorded_at)
VALUES (:customer_id, :order_id, :source, :number, :state, :occurred_at, :paid_at, :paid_day, :amount_minor,
        :refunded_minor, :refunded_whole_day, :channel_id, :top_product_id, :top_line_minor, :line_count,
        :identity_id, :exported_at, :told, :told_at, :content_hash, :recorded_at);

-- name: order_row_update
-- doc: restates an order where it stands.
-- in: customer_id i64, order_id i64, state i64, occurred_at i64, paid_at i64?, paid_day i64?, amount_minor i64,
--     refunded_minor i64, refunded_whole_day i64?, channel_id i64, top_product_id i64, top_line_minor i64,
--     line_count i64, identity_id i64, exported_at i64, told i64, told_at bytes?, content_hash bytes, recorded_at i64
-- plan: search
UPDATE orders SET state = :state, occurred_at = :occurred_at, paid_at = :paid_at, paid_day = :paid_day,
    amount_minor = :amount_minor, refunded_minor = :refunded_minor, refunded_whole_day = :refunded_whole_day,
    channel_id = :channel_id, top_product_id = :top_product_id, top_line_minor = :top_line_minor,
    line_count = :line_count, identity_id = :identity_id, exported_at = :exported_at,
    told = :told, told_at = :told_at, content_hash = :content_hash, recorded_at = :recorded_at
WHERE customer_id = :customer_id AND order_id = :order_id;

-- name: order_row_exported
-- doc: a later file says the same; only who told it, and the age of the knowledge, move.
-- in: customer_id i64, order_id i64, exported_at i64, told i64, told_at bytes?
-- plan: search
UPDATE orders SET exported_at = :exported_at, told = :told, told_at = :told_at
WHERE customer_id = :customer_id AND order_id = :order_id;

-- name: order_row_delete
-- doc: the order moves to another customer.
-- in: customer_id i64, order_id i64
-- plan: search
DELETE FROM orders WHERE customer_id = :customer_id AND order_id = :order_id;

-- name: order_line_read
-- doc: one line; the lines of a restated order are read before they are replaced.
-- in: customer_id i64, order_id i64, line_no i64
-- out: product_id i64, quantity_milli i64, amount_minor i64
-- plan: search
SELECT product_id, quantity_milli, amount_minor FROM order_line
WHERE customer_id = :customer_id AND order_id = :order_id AND line_no = :line_no;

-- name: order_line_insert
-- doc: the lines of new and restated orders.
-- in: customer_id i64, order_id i64, line_no i64, product_id i64, quantity_milli i64, amount_minor i64
-- plan: search
-- bulk: yes
INSERT INTO order_line (customer_id, order_id, line_no, product_id, quantity_milli, amount_minor)
VALUES (:customer_id, :order_id, :line_no, :product_id, :quantity_milli, :amount_minor);

-- name: order_line_delete
-- doc: all lines of an order that is restated or moves.
-- in: customer_id i64, order_id i64
-- plan: search
DELETE FROM order_line WHERE customer_id = :customer_id AND order_id = :order_id;

-- --- Refunds ---

-- name: order_refund_read
-- doc: one refund as it stands; read before it is restated.
-- in: customer_id i64, refund_id i64
-- out: customer_id i64, refund_id i64, order_id i64, source text, number text, amount_minor i64, refunded_at i64,
--      refunded_day i64, channel_id i64, exported_at i64, told i64, time_told_at i64?, content_hash bytes,
--      recorded_at i64
-- plan: search
SELECT customer_id, refund_id, order_id, source, number, amount_minor, refunded_at, refunded_day, channel_id,
       exported_at, told, time_told_at, content_hash, recorded_at
FROM refund WHERE customer_id = :customer_id AND refund_id = :refund_id;

-- name: order_refund_of_order
-- doc: the refunds of an order that moves to another customer; they follow it.
-- in: customer_id i64, order_id i64
-- out: customer_id i64, refund_id i64
-- plan: search
SELECT customer_id, refund_id FROM refund WHERE customer_id = :customer_id AND order_id = :order_id ORDER BY refund_id;

-- name: order_refund_insert
-- doc: new refunds, and those that move to another customer.
-- in: customer_id i64, refund_id i64, order_id i64, source text, number text, amount_minor i64, refunded_at i64,
--     refunded_day i64, channel_id i64, exported_at i64, told i64, time_told_at i64?, content_hash bytes,
--     recorded_at i64
-- plan: search
-- bulk: yes
INSERT INTO refund (customer_id, refund_id, order_id, source, number, amount_minor, refunded_at, refunded_day,
                    channel_id, exported_at, told, time_told_at, content_hash, recorded_at)
VALUES (:customer_id, :refund_id, :order_id, :source, :number, :amount_minor, :refunded_at, :refunded_day,
        :channel_id, :exported_at, :told, :time_told_at, :content_hash, :recorded_at);

-- name: order_refund_update
-- doc: restates a refund where it stands, or links it to its order.
-- in: customer_id i64, refund_id i64, order_id i64, amount_minor i64, refunded_at i64, refunded_day i64,
--     channel_id i64, exported_at i64, told i64, time_told_at i64?, content_hash bytes, recorded_at i64
-- plan: search
UPDATE refund SET order_id = :order_id, amount_minor = :amount_minor, refunded_at = :refunded_at,
    refunded_day = :refunded_day, channel_id = :channel_id, exported_at = :exported_at, told = :told,
    time_told_at = :time_told_at, content_hash = :content_hash, recorded_at = :recorded_at
WHERE customer_id = :customer_id AND refund_id = :refund_id;

-- name: order_refund_exported
-- doc: a later file says the same; only who told it, and the age of the knowledge, move.
-- in: customer_id i64, refund_id i64, exported_at i64, told i64, time_told_at i64?
-- plan: search
UPDATE refund SET exported_at = :exported_at, told = :told, time_told_at = :time_told_at
WHERE customer_id = :customer_id AND refund_id = :refund_id;

-- name: order_refund_delete
-- doc: the refund moves to another customer.
-- in: customer_id i64, refund_id i64
-- plan: search
DELETE FROM refund WHERE customer_id = :customer_id AND refund_id = :refund_id;

-- name: order_refund_sum
-- doc: the sum of an order's refunds and the day on which they reached its amount; after refunds were written.
-- in: customer_id i64, order_id i64, amount_minor i64
-- out: refunded_minor i64, whole_day i64?
-- plan: search
SELECT CAST(COALESCE(SUM(amount_minor), 0) AS BIGINT) AS refunded_minor,
       MIN(CASE WHEN running >= :amount_minor THEN refunded_day END) AS whole_day
FROM (SELECT amount_minor, refunded_day, SUM(amount_minor) OVER (ORDER BY refunded_day) AS running
      FROM refund WHERE customer_id = :customer_id AND order_id = :order_id AND amount_minor <> 0) AS refunds;

-- name: order_waiting_any
-- doc: whether any refund waits for its order at all; spares the look-up per order.
-- out: refund_id i64
-- plan: scan, because one row of any is all that is asked
SELECT refund_id FROM refund_waiting LIMIT 1;

-- name: order_waiting_count
-- doc: how many refunds wait for an order.
-- in: order_hash bytes
-- out: waiting i64
-- plan: search
SELECT COUNT(*) AS waiting FROM refund_waiting WHERE order_hash = :order_hash GROUP BY order_hash;

-- name: order_waiting_of
-- doc: the refunds that wait for an order.
-- in: order_hash bytes
-- out: refund_id i64, customer_id i64
-- plan: search
SELECT refund_id, customer_id FROM refund_waiting WHERE order_hash = :order_hash ORDER BY refund_id;

-- name: order_waiting_insert
-- doc: a refund names an order that is not known yet.
-- in: order_hash bytes, refund_id i64, customer_id i64
-- plan: search
-- bulk: yes
INSERT INTO refund_waiting (order_hash, refund_id, customer_id) VALUES (:order_hash, :refund_id, :customer_id);

-- name: order_waiting_delete
-- doc: the refund's order is known, or the refund was restated.
-- in: refund_id i64
-- plan: search
DELETE FROM refund_waiting WHERE refund_id = :refund_id;

-- --- Names of channels, categories, products ---

-- name: order_channel_find
-- doc: the id of a channel's name.
-- in: name text
-- out: channel_id i64
-- plan: search
SELECT channel_id FROM channel WHERE name = :name;

-- name: order_channel_add
-- doc: a channel met for the first time; no row comes back where another transaction was faster.
-- in: channel_id i64, name text, recorded_at i64
-- out: channel_id i64
-- plan: search
INSERT INTO channel (channel_id, name, recorded_at) VALUES (:channel_id, :name, :recorded_at)
ON CONFLICT (name) DO NOTHING RETURNING channel_id;

-- name: order_category_find
-- doc: the id of a category's name.
-- in: name text
-- out: category_id i64
-- plan: search
SELECT category_id FROM category WHERE name = :name;

-- name: order_category_add
-- doc: a category met for the first time; no row comes back where another transaction was faster.
-- in: category_id i64, name text, recorded_at i64
-- out: category_id i64
-- plan: search
INSERT INTO category (category_id, name, recorded_at) VALUES (:category_id, :name, :recorded_at)
ON CONFLICT (name) DO NOTHING RETURNING category_id;

-- name: order_product_find
-- doc: the product of a code, and what is known of it.
-- in: code text
-- out: product_id i64, name text, named_at i64, category_id i64
-- plan: search
SELECT product_id, name, named_at, category_id FROM product WHERE code = :code;

-- name: order_product_add
-- doc: a product met for the first time; no row comes back where another transaction was faster.
-- in: product_id i64, code text, name text, named_at i64, category_id i64, recorded_at i64
-- out: product_id i64
-- plan: search
INSERT INTO product (product_id, code, name, named_at, category_id, recorded_at)
VALUES (:product_id, :code, :name, :named_at, :category_id, :recorded_at)
ON CONFLICT (code) DO NOTHING RETURNING product_id;

-- name: order_product_fill
-- doc: a product's category became known, or its name from an order that is no later than the one known.
-- in: product_id i64, name text, named_at i64, category_id i64
-- plan: search
UPDATE product SET name = CASE WHEN name = '' OR named_at >= :named_at THEN :name ELSE name END,
    named_at = CASE WHEN name = '' OR named_at >= :named_at THEN :named_at ELSE named_at END,
    category_id = CASE WHEN category_id = 0 THEN :category_id ELSE category_id END
WHERE product_id = :product_id;

-- --- Customers as the orders need them ---

-- name: order_customer_kind
-- doc: whether the customer of a known order only stands in for an unknown buyer, or was erased.
-- in: customer_id i64
-- out: placeholder i64, root_id i64, erased i64
-- plan: search
SELECT placeholder, root_id, CAST(CASE WHEN data_key IS NULL THEN 1 ELSE 0 END AS BIGINT) AS erased
FROM customer WHERE customer_id = :customer_id;

-- name: order_identity_find
-- doc: the identity that an order came through.
-- in: customer_id i64, kind i64, hash bytes
-- out: identity_id i64
-- plan: search
SELECT identity_id FROM identity WHERE customer_id = :customer_id AND kind = :kind AND hash = :hash
ORDER BY identity_id LIMIT 1;

-- --- Runs of the import ---

-- name: order_import_begin
-- doc: an import begins to write; again with the same id changes nothing.
-- in: import_id i64, file_hash bytes, file_name text, source text, map_name text, exported_at i64,
--     exported_at_from i64, exported_at_unsure i64, started_at i64, row_count i64, rejected_row_count i64,
--     skipped_row_count i64, started_by text, upload_id i64
-- plan: search
INSERT INTO import_run (import_id, file_hash, file_name, source, map_name, exported_at, exported_at_from,
                        exported_at_unsure, started_at, finished_at, row_count, order_new_count,
                        order_changed_count, order_same_count, refund_count, rejected_row_count, skipped_row_count,
                        started_by, upload_id)
VALUES (:import_id, :file_hash, :file_name, :source, :map_name, :exported_at, :exported_at_from,
        :exported_at_unsure, :started_at, NULL, :row_count, 0, 0, 0, 0, :rejected_row_count, :skipped_row_count,
        :started_by, :upload_id)
ON CONFLICT (import_id) DO NOTHING;

-- name: order_import_batch
-- doc: counts a batch of the import in its own transaction; changes nothing where the batch was counted before.
-- in: import_id i64, batch_count i64
-- plan: search
UPDATE import_run SET batch_count = :batch_count WHERE import_id = :import_id AND batch_count < :batch_count;

-- name: order_import_finish
-- doc: the import wrote all it had to write.
-- in: import_id i64, finished_at i64, order_new_count i64, order_changed_count i64, order_same_count i64,
--     refund_count i64
-- plan: search
UPDATE import_run SET finished_at = :finished_at, order_new_count = :order_new_count,
    order_changed_count = :order_changed_count, order_same_count = :order_same_count, refund_count = :refund_count
WHERE import_id = :import_id;

-- name: order_import_by_file
-- doc: the first run over this very file, to keep its exported_at.
-- in: file_hash bytes, source text
-- out: import_id i64, exported_at i64, exported_at_from i64, exported_at_unsure i64
-- plan: search
SELECT import_id, exported_at, exported_at_from, exported_at_unsure FROM import_run
WHERE file_hash = :file_hash AND source = :source
ORDER BY import_id LIMIT 1;

-- name: order_import_by_age
-- doc: whether the run that wrote a reject file was sure of the exported_at that the file carries.
-- in: source text, exported_at i64
-- out: exported_at_unsure i64
-- plan: scan, because import_run has one row per import
SELECT exported_at_unsure FROM import_run WHERE source = :source AND exported_at = :exported_at
ORDER BY import_id LIMIT 1;

-- --- Reads ---

-- name: order_view_of_customer
-- doc: a customer's orders, newest first, for people.
-- in: customer_id i64, row_max i64
-- out: customer_id i64, order_id i64, source text, number text, channel text?, state i64, occurred_at i64, paid_at i64?,
--      paid_day i64?, amount_minor i64, refunded_minor i64, line_count i64, recorded_at i64
-- plan: search
SELECT o.customer_id, o.order_id, o.source, o.number, c.name AS channel, o.state, o.occurred_at, o.paid_at, o.paid_day,
       o.amount_minor, o.refunded_minor, o.line_count, o.recorded_at
FROM orders AS o LEFT JOIN channel AS c ON c.channel_id = o.channel_id
WHERE o.customer_id = :customer_id
ORDER BY o.occurred_at DESC, o.order_id DESC LIMIT :row_max;

-- name: order_lines_view
-- doc: the lines of an order, for people.
-- in: customer_id i64, order_id i64
-- out: line_no i64, code text?, name text?, quantity_milli i64, amount_minor i64
-- plan: search
SELECT l.line_no, p.code, p.name, l.quantity_milli, l.amount_minor
FROM order_line AS l LEFT JOIN product AS p ON p.product_id = l.product_id
WHERE l.customer_id = :customer_id AND l.order_id = :order_id ORDER BY l.line_no;

-- name: order_refunds_view
-- doc: a customer's refunds but those taken back, newest first, for people.
-- in: customer_id i64
-- out: refund_id i64, order_id i64, source text, number text, amount_minor i64, refunded_at i64, refunded_day i64,
--      recorded_at i64
-- plan: search
SELECT refund_id, order_id, source, number, amount_minor, refunded_at, refunded_day, recorded_at
FROM refund WHERE customer_id = :customer_id AND amount_minor <> 0 ORDER BY refunded_at DESC, refund_id DESC;

-- name: order_imports_of
-- doc: the imports that were writing from a source when something of a customer was recorded, newest first.
-- in: source text, recorded_at i64
-- out: import_id i64, file_name text, map_name text, exported_at i64, started_at i64, finished_at i64?
-- plan: scan, because import_run has one row per import
SELECT import_id, file_name, map_name, exported_at, started_at, finished_at FROM import_run
WHERE source = :source AND started_at <= :recorded_at AND (finished_at IS NULL OR finished_at >= :recorded_at)
ORDER BY import_id DESC;

-- name: order_sources
-- doc: the sources that imports named; an order's number is looked up in each.
-- out: source text
-- plan: scan, because import_run has one row per import
SELECT DISTINCT source FROM import_run ORDER BY source;

-- name: order_fact_of_customer
-- doc: a customer's paid orders for the columns.
-- in: customer_id i64
-- out: order_id i64, amount_minor i64, paid_day i64, refunded_whole_day i64?, channel_id i64, top_product_id i64,
--      top_line_minor i64
-- plan: search
SELECT order_id, amount_minor, paid_day, refunded_whole_day, channel_id, top_product_id, top_line_minor
FROM orders WHERE customer_id = :customer_id AND paid_day IS NOT NULL ORDER BY order_id;

-- name: order_refund_fact_of_customer
-- doc: a customer's refunds for the columns, but those taken back; the channel is that of the order where it is known.
-- in: customer_id i64
-- out: amount_minor i64, refunded_day i64, channel_id i64
-- plan: search
SELECT r.amount_minor, r.refunded_day, COALESCE(o.channel_id, r.channel_id) AS channel_id
FROM refund AS r LEFT JOIN orders AS o ON o.customer_id = r.customer_id AND o.order_id = r.order_id
WHERE r.customer_id = :customer_id AND r.amount_minor <> 0 ORDER BY r.refund_id;

-- name: order_fact_range
-- doc: the paid orders of a range of births, by customer: the build of the columns.
-- in: after_id i64, last_id i64
-- out: customer_id i64, order_id i64, amount_minor i64, paid_day i64, refunded_whole_day i64?, channel_id i64,
--      top_product_id i64, top_line_minor i64
-- plan: search
-- rows: many
SELECT customer_id, order_id, amount_minor, paid_day, refunded_whole_day, channel_id, top_product_id, top_line_minor
FROM orders WHERE customer_id > :after_id AND customer_id <= :last_id AND paid_day IS NOT NULL
ORDER BY customer_id, order_id;

-- name: order_refund_fact_range
-- doc: the refunds of a range of births but those taken back, by customer: the build of the columns; the channel as for
--   one customer.
-- in: after_id i64, last_id i64
-- out: customer_id i64, amount_minor i64, refunded_day i64, channel_id i64
-- plan: search
-- rows: many
SELECT r.customer_id, r.amount_minor, r.refunded_day, COALESCE(o.channel_id, r.channel_id) AS channel_id
FROM refund AS r LEFT JOIN orders AS o ON o.customer_id = r.customer_id AND o.order_id = r.order_id
WHERE r.customer_id > :after_id AND r.customer_id <= :last_id AND r.amount_minor <> 0
ORDER BY r.customer_id, r.refund_id;

-- name: order_channel_all
-- doc: every channel's name, for the texts of reports.
-- out: channel_id i64, name text
-- plan: scan, because every name is wanted
-- rows: many
SELECT channel_id, name FROM channel;

-- name: order_product_all
-- doc: every product's code and name, for the texts of reports.
-- out: product_id i64, code text, name text
-- plan: scan, because every name is wanted
-- rows: many
SELECT product_id, code, name FROM product;

-- name: order_without_buyer
-- doc: paid orders that the reports leave out because their buyer is not known; by the placeholders that are nobody yet,
--   which have an index of their own.
-- out: order_count i64, amount_minor i64
-- plan: scan, because all of that index are wanted
SELECT COUNT(*) AS order_count, CAST(COALESCE(SUM(o.amount_minor), 0) AS BIGINT) AS amount_minor
FROM customer AS c JOIN orders AS o ON o.customer_id = c.customer_id
WHERE c.placeholder = 1 AND c.root_id = c.customer_id AND o.paid_day IS NOT NULL;

-- --- Verify ---

-- name: order_verify_orders
-- doc: every order by customer.
-- out: customer_id i64, order_id i64, source text, number text, state i64, occurred_at i64, paid_at i64?, paid_day i64?,
--      amount_minor i64, refunded_minor i64, refunded_whole_day i64?, channel_id i64, top_product_id i64,
--      top_line_minor i64, line_count i64, identity_id i64, exported_at i64, told i64, told_at bytes?,
--      content_hash bytes, recorded_at i64
-- plan: scan, because verify looks at every row
-- rows: many
SELECT customer_id, order_id, source, number, state, occurred_at, paid_at, paid_day, amount_minor, refunded_minor,
       refunded_whole_day, channel_id, top_product_id, top_line_minor, line_count, identity_id, exported_at,
       told, told_at, content_hash, recorded_at
FROM orders ORDER BY customer_id, order_id;

-- name: order_verify_lines
-- doc: every line by customer and order.
-- out: customer_id i64, order_id i64, line_no i64, product_id i64, quantity_milli i64, amount_minor i64
-- plan: scan, because verify looks at every row
-- rows: many
SELECT customer_id, order_id, line_no, product_id, quantity_milli, amount_minor
FROM order_line ORDER BY customer_id, order_id, line_no;

-- name: order_verify_refunds
-- doc: every refund by customer, order and day.
-- out: customer_id i64, refund_id i64, order_id i64, source text, number text, amount_minor i64, refunded_at i64,
--      refunded_day i64, channel_id i64, exported_at i64, told i64, time_told_at i64?, content_hash bytes,
--      recorded_at i64
-- plan: scan, because verify looks at every row
-- rows: many
SELECT customer_id, refund_id, order_id, source, number, amount_minor, refunded_at, refunded_day, channel_id,
       exported_at, told, time_told_at, content_hash, recorded_at
FROM refund ORDER BY customer_id, order_id, refunded_day, refund_id;

-- name: order_verify_heads
-- doc: every customer's fact sum.
-- out: customer_id i64, fact_sum i64
-- plan: scan, because verify looks at every row
-- rows: many
SELECT customer_id, fact_sum FROM event_head ORDER BY customer_id;

-- name: order_verify_lookups
-- doc: how many names of a kind are claimed.
-- in: kind i64
-- out: claimed i64
-- plan: search
SELECT COUNT(*) AS claimed FROM lookup WHERE kind = :kind;

-- name: order_verify_waiting
-- doc: refunds that wait although they are linked or their order is there, or whose row is gone.
-- in: kind i64
-- out: fault_count i64
-- plan: scan, because verify looks at every row
SELECT COUNT(*) AS fault_count
FROM refund_waiting AS w LEFT JOIN refund AS r ON r.customer_id = w.customer_id AND r.refund_id = w.refund_id
WHERE r.refund_id IS NULL OR r.order_id <> 0
   OR EXISTS (SELECT 1 FROM lookup AS l WHERE l.kind = :kind AND l.hash = w.order_hash);
