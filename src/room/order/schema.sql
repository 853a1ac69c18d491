-- Orders, refunds, products, imports; for the type tokens see event/schema.sql.

-- migration: 4 orders

-- row: one order of a customer (the birth it hangs on). state: order_state. amount_minor: what the buyer really paid.
-- paid_at, paid_day (brand day): NULL until paid. refunded_minor: sum of its refunds; refunded_whole_day: brand day on which
-- they reached the paid amount. channel_id 0: none named. top_product_id, top_line_minor: the line of the largest amount,
-- the earliest of equals (0, 0 where there are no lines). identity_id: the identity it came through, 0 for none.
-- number_sealed: none; order numbers are not personal. exported_at: how old the knowledge is. content_hash: of the order as
-- it was read, so that the same again is known without comparing.
-- read by: the build of the columns (primary key order), the SQL twins, customer show.
CREATE TABLE orders (
    customer_id INT64 NOT NULL,
    order_id INT64 NOT NULL,
    source TEXT NOT NULL,
    number TEXT NOT NULL,
    state INT64 NOT NULL,
    occurred_at INT64 NOT NULL,
    paid_at INT64,
    paid_day INT64,
    amount_minor INT64 NOT NULL,
    refunded_minor INT64 NOT NULL,
    refunded_whole_day INT64,
    channel_id INT64 NOT NULL,
    top_product_id INT64 NOT NULL,
    top_line_minor INT64 NOT NULL,
    line_count INT64 NOT NULL,
    identity_id INT64 NOT NULL,
    exported_at INT64 NOT NULL,
    content_hash BYTES NOT NULL,
    recorded_at INT64 NOT NULL,
    PRIMARY KEY (customer_id, order_id)
) STRICT CLUSTERED;

-- row: one line of an order, in the order of the file. quantity_milli: thousandths of a piece. product_id 0: not named.
-- read by: customer show, by-first-product (SQL twin), verify.
CREATE TABLE order_line (
    customer_id INT64 NOT NULL,
    order_id INT64 NOT NULL,
    line_no INT64 NOT NULL,
    product_id INT64 NOT NULL,
    quantity_milli INT64 NOT NULL,
    amount_minor INT64 NOT NULL,
    PRIMARY KEY (customer_id, order_id, line_no)
) STRICT CLUSTERED;

-- row: money given back. order_id 0: no order is known (a credit note standing alone). amount_minor: 0 where a later file took
-- the refund back; such a row is no refund, it only keeps how old that knowledge is.
-- read by: the build of the columns (primary key order), the SQL twins, customer show.
CREATE TABLE refund (
    customer_id INT64 NOT NULL,
    refund_id INT64 NOT NULL,
    order_id INT64 NOT NULL,
    source TEXT NOT NULL,
    number TEXT NOT NULL,
    amount_minor INT64 NOT NULL,
    refunded_at INT64 NOT NULL,
    refunded_day INT64 NOT NULL,
    channel_id INT64 NOT NULL,
    exported_at INT64 NOT NULL,
    content_hash BYTES NOT NULL,
    recorded_at INT64 NOT NULL,
    PRIMARY KEY (customer_id, refund_id)
) STRICT CLUSTERED;

-- row: a refund that names an order which is not known yet. order_hash: as the lookup's of LOOKUP_ORDER.
-- read by: the import, for each new order while this table is not empty.
CREATE TABLE refund_waiting (
    order_hash BYTES NOT NULL,
    refund_id INT64 NOT NULL,
    customer_id INT64 NOT NULL,
    PRIMARY KEY (order_hash, refund_id)
) STRICT CLUSTERED;

-- read by: the import, where a waiting refund is linked or restated.
CREATE INDEX refund_waiting_by_refund ON refund_waiting (refund_id);

-- row: a channel that orders name. read by: reports, customer show.
CREATE TABLE channel (
    channel_id INT64 NOT NULL,
    name TEXT NOT NULL,
    recorded_at INT64 NOT NULL,
    PRIMARY KEY (channel_id)
) STRICT;

-- read by: the import, by name; keeps names unique.
CREATE UNIQUE INDEX channel_by_name ON channel (name);

-- row: a category of products. read by: reports.
CREATE TABLE category (
    category_id INT64 NOT NULL,
    name TEXT NOT NULL,
    recorded_at INT64 NOT NULL,
    PRIMARY KEY (category_id)
) STRICT;

-- read by: the import, by name; keeps names unique.
CREATE UNIQUE INDEX category_by_name ON category (name);

-- row: a product. code: the merchant's own (or its name where the file has no code). category_id 0: none.
-- read by: reports, customer show.
CREATE TABLE product (
    product_id INT64 NOT NULL,
    code TEXT NOT NULL,
    name TEXT NOT NULL,
    category_id INT64 NOT NULL,
    recorded_at INT64 NOT NULL,
    PRIMARY KEY (product_id)
) STRICT;

-- read by: the import, by code; keeps codes unique.
CREATE UNIQUE INDEX product_by_code ON product (code);

-- row: one run of an import over one file. file_hash: content of the file as it lay on disk. exported_at: how old its
-- knowledge is; a file met again keeps the first one. finished_at NULL: it was broken off. Counts are of this run.
-- read by: the import (has this file been met?), reports (what was left out).
CREATE TABLE import_run (
    import_id INT64 NOT NULL,
    file_hash BYTES NOT NULL,
    file_name TEXT NOT NULL,
    source TEXT NOT NULL,
    map_name TEXT NOT NULL,
    exported_at INT64 NOT NULL,
    started_at INT64 NOT NULL,
    finished_at INT64,
    row_count INT64 NOT NULL,
    order_new_count INT64 NOT NULL,
    order_changed_count INT64 NOT NULL,
    order_same_count INT64 NOT NULL,
    refund_count INT64 NOT NULL,
    rejected_row_count INT64 NOT NULL,
    skipped_row_count INT64 NOT NULL,
    PRIMARY KEY (import_id)
) STRICT;

-- read by: the import, to know a file again.
CREATE INDEX import_run_by_file ON import_run (file_hash);

-- migration: 5 first load

-- row: the one row (row_no = 1) that says whether the numbers of all orders are claimed in `lookup`. import_id 0: they are.
-- Else a first load, begun by that import, writes orders whose claims follow at its end; batch_count: its steps so far.
-- Whoever writes orders locks the row first, so that no two writers differ about who claims.
-- read by: every transaction that writes orders, the dry run, find by order number, verify.
CREATE TABLE order_first_load (
    row_no INT64 NOT NULL,
    import_id INT64 NOT NULL,
    batch_count INT64 NOT NULL,
    PRIMARY KEY (row_no)
) STRICT;

INSERT INTO order_first_load (row_no, import_id, batch_count) VALUES (1, 0, 0);

-- migration: 6 who told what

-- orders.told: what of the order files told, and how well (bits of enum order_told, order.h); what else stands in for an aspect
-- that none told is said there. told_at: how old each aspect's knowledge is, eight bytes each (order_rule.h); NULL: all that was
-- told is as old as exported_at. content_hash is of parts since: lines, channel, buyer (order_rule.h).
-- What was written before told everything, well, at times that are not certain: 8324095 = 1023 + 127 * 65536.
-- read by: the import, which puts together what several files tell of one order.
ALTER TABLE orders ADD COLUMN told INT64 NOT NULL DEFAULT 8324095;
ALTER TABLE orders ADD COLUMN told_at BYTES;

-- refund.told: likewise (bits of enum refund_told). time_told_at: how old the knowledge of refunded_at is; NULL: as exported_at.
-- read by: the import.
ALTER TABLE refund ADD COLUMN told INT64 NOT NULL DEFAULT 196611;
ALTER TABLE refund ADD COLUMN time_told_at INT64;

-- import_run.exported_at_from: how exported_at was found (enum import_exported_from, import.h); before: not known, as if now.
-- exported_at_unsure: 1 where it is an upper bound. read by: the import, where it meets the file or its rejects again.
ALTER TABLE import_run ADD COLUMN exported_at_from INT64 NOT NULL DEFAULT 4;
ALTER TABLE import_run ADD COLUMN exported_at_unsure INT64 NOT NULL DEFAULT 1;

-- migration: 7 what a run has done

-- import_run.batch_count: the last batch of the run that is committed; moved on in the batch's own transaction, so that a
-- COMMIT whose answer was lost is known for what it was.
-- read by: the import, where a batch is tried again.
ALTER TABLE import_run ADD COLUMN batch_count INT64 NOT NULL DEFAULT 0;

-- product.named_at: when the earliest order that names the product occurred: its name is the one that is kept, of several in
-- one order's time the one whose bytes come first, so that the name follows from the files alone. 0: known from before.
-- read by: the import.
ALTER TABLE product ADD COLUMN named_at INT64 NOT NULL DEFAULT 0;

-- migration: 10 imports over HTTP

-- import_run.started_by: who began it ("staff:7", "key:9", "cli:lin"; '': before this was noted). upload_id: of
-- import_upload; 0: the command line. read by: the list of past imports.
ALTER TABLE import_run ADD COLUMN started_by TEXT NOT NULL DEFAULT '';
ALTER TABLE import_run ADD COLUMN upload_id INT64 NOT NULL DEFAULT 0;

-- read by: the list of past imports of the command line, newest first.
CREATE INDEX import_run_by_upload ON import_run (upload_id, import_id);

-- row: a file that somebody gave for an import, and what became of it: the queue of imports, and its history. state: enum
-- upload_state (import_queue.h). name: the file's; the file lies in the data directory, uploads/ID/NAME, while is_kept is 1.
-- created_by: principal; created_by_name: as they are called. check_no: counts the dry runs that were asked for, so that a
-- stale one is not taken. attempt_count: how often its import began. queued_at: since when it waits for what state says.
-- wish: what a person said of how to read it, JSON (NULL: nothing). map: the whole map it will be read by, JSON; map_name;
-- map_recognised. lang: of the file of rejected rows (enum lang). columns, preview, candidates, result, errors: what the page
-- shows, JSON, people masked. reject_name: the file of rejected rows beside it, '' where there is none. The counts are of the
-- last attempt.
-- read by: the queue, the page Import.
CREATE TABLE import_upload (
    upload_id INT64 NOT NULL,
    name TEXT NOT NULL,
    byte_count INT64 NOT NULL,
    is_kept INT64 NOT NULL,
    state INT64 NOT NULL,
    created_at INT64 NOT NULL,
    created_by TEXT NOT NULL,
    created_by_name TEXT NOT NULL,
    check_no INT64 NOT NULL,
    attempt_count INT64 NOT NULL,
    queued_at INT64 NOT NULL,
    started_at INT64,
    finished_at INT64,
    wish TEXT,
    map TEXT,
    map_name TEXT NOT NULL,
    map_recognised INT64 NOT NULL,
    lang INT64 NOT NULL,
    columns TEXT,
    preview TEXT,
    candidates TEXT,
    result TEXT,
    errors TEXT,
    reject_name TEXT NOT NULL,
    row_count INT64 NOT NULL,
    order_new_count INT64 NOT NULL,
    order_changed_count INT64 NOT NULL,
    order_same_count INT64 NOT NULL,
    refund_count INT64 NOT NULL,
    rejected_row_count INT64 NOT NULL,
    PRIMARY KEY (upload_id)
) STRICT;

-- read by: the queue: what waits longest in a state.
CREATE INDEX import_upload_by_state ON import_upload (state, queued_at, upload_id);

-- row: a map that a person saved for files of the brand's own. name: as it is called; map: JSON, as import_map_shape reads it.
-- read by: recognition, the list of maps.
CREATE TABLE import_own_map (
    name TEXT NOT NULL,
    map TEXT NOT NULL,
    saved_at INT64 NOT NULL,
    saved_by_name TEXT NOT NULL,
    PRIMARY KEY (name)
) STRICT;
