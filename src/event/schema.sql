-- The event log's tables. Type tokens: INT64, TEXT, BYTES, FLOAT64; "STRICT" and "STRICT CLUSTERED" (rows stored in the
-- order of the primary key) become what each database calls it. Applied by store_migrate.

-- migration: 1 event log

-- row: the head of one customer's stream: last version, and the sum of the customer's facts (event_fact_changed).
-- read by: every write (it is the customer's lock), huitou verify.
CREATE TABLE event_head (
    customer_id INT64 NOT NULL,
    version INT64 NOT NULL,
    fact_sum INT64 NOT NULL,
    PRIMARY KEY (customer_id)
) STRICT;

-- row: one of the 64 partitions and the last number given out in it.
-- read by: the end of every write; event_cursor_now.
CREATE TABLE event_partition (
    partition_no INT64 NOT NULL,
    last_number INT64 NOT NULL,
    PRIMARY KEY (partition_no)
) STRICT;

INSERT INTO event_partition (partition_no, last_number)
WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 63)
SELECT i, 0 FROM n;

-- row: one event of one customer.
-- read by: the customer's timeline (primary key).
CREATE TABLE event (
    customer_id INT64 NOT NULL,
    version INT64 NOT NULL,
    partition_no INT64 NOT NULL,
    number INT64 NOT NULL,
    type TEXT NOT NULL,
    type_version INT64 NOT NULL,
    occurred_at INT64 NOT NULL,
    recorded_at INT64 NOT NULL,
    payload BYTES,
    PRIMARY KEY (customer_id, version)
) STRICT CLUSTERED;

-- read by: event_read, the pumps of columns, journeys and webhooks.
CREATE INDEX event_by_number ON event (partition_no, number);
