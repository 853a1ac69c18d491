-- Statements of the event log; for the format see store/stmt.h.

-- name: event_head_lock
-- doc: locks a customer's head, making it where it is missing; before anything of the customer is checked or written.
-- in: customer_id i64
-- out: version i64, fact_sum i64
-- plan: search
INSERT INTO event_head (customer_id, version, fact_sum) VALUES (:customer_id, 0, 0)
ON CONFLICT (customer_id) DO UPDATE SET version = event_head.version
RETURNING version, fact_sum;

-- name: event_head_insert
-- doc: the heads of customers made in this transaction.
-- in: customer_id i64, version i64, fact_sum i64
-- bulk: yes
-- plan: search
INSERT INTO event_head (customer_id, version, fact_sum) VALUES (:customer_id, :version, :fact_sum);

-- name: event_head_update
-- doc: the head after the transaction's events and changes of facts.
-- in: version i64, fact_sum i64, customer_id i64
-- plan: search
UPDATE event_head SET version = :version, fact_sum = :fact_sum WHERE customer_id = :customer_id;

-- name: event_partition_take
-- doc: takes the next numbers of a partition; its row stays locked until the commit, so that numbers appear in order.
-- in: count i64, partition_no i64
-- out: last_number i64
-- plan: search
UPDATE event_partition SET last_number = last_number + :count WHERE partition_no = :partition_no
RETURNING last_number;

-- name: event_insert
-- doc: one event.
-- in: customer_id i64, version i64, partition_no i64, number i64, type text, type_version i64, occurred_at i64,
--     recorded_at i64, payload bytes?
-- bulk: yes
-- plan: search
INSERT INTO event (customer_id, version, partition_no, number, type, type_version, occurred_at, recorded_at, payload)
VALUES (:customer_id, :version, :partition_no, :number, :type, :type_version, :occurred_at, :recorded_at, :payload);

-- name: event_partition_all
-- doc: the last number of every partition; the cursor behind the newest event, and where a reader has news.
-- out: partition_no i64, last_number i64
-- plan: scan, because the table has 64 rows and all are wanted
SELECT partition_no, last_number FROM event_partition ORDER BY partition_no;

-- name: event_of_partition
-- doc: the events of a partition behind a number, for the pumps.
-- in: partition_no i64, after_number i64, row_max i64
-- out: customer_id i64, version i64, partition_no i64, number i64, type text, type_version i64, occurred_at i64,
--      recorded_at i64, payload bytes?
-- plan: search
SELECT customer_id, version, partition_no, number, type, type_version, occurred_at, recorded_at, payload
FROM event
WHERE partition_no = :partition_no AND number > :after_number
ORDER BY number
LIMIT :row_max;

-- name: event_of_customer
-- doc: the timeline of one customer.
-- in: customer_id i64
-- out: customer_id i64, version i64, partition_no i64, number i64, type text, type_version i64, occurred_at i64,
--      recorded_at i64, payload bytes?
-- plan: search
SELECT customer_id, version, partition_no, number, type, type_version, occurred_at, recorded_at, payload
FROM event
WHERE customer_id = :customer_id
ORDER BY version;

-- name: event_forget
-- doc: what the events of an erased customer say.
-- in: customer_id i64
-- plan: search
UPDATE event SET payload = NULL WHERE customer_id = :customer_id;

-- name: event_verify_customers
-- doc: customers whose head is not the newest of gapless versions 1…n, or who have events and no head.
-- out: fault_count i64
-- plan: scan, because verify looks at every event
WITH stream AS (
    SELECT customer_id, COUNT(*) AS event_count, MIN(version) AS oldest, MAX(version) AS newest
    FROM event
    GROUP BY customer_id
)
SELECT CAST(
    (SELECT COUNT(*) FROM event_head AS h LEFT JOIN stream AS s ON s.customer_id = h.customer_id
     WHERE h.version <> COALESCE(s.event_count, 0) OR h.version <> COALESCE(s.newest, 0)
        OR COALESCE(s.oldest, 1) <> 1)
    + (SELECT COUNT(*) FROM stream AS s LEFT JOIN event_head AS h ON h.customer_id = s.customer_id
       WHERE h.customer_id IS NULL) AS BIGINT) AS fault_count;

-- name: event_verify_partitions
-- doc: partitions whose numbers are not 1…last_number, each once, and partitions that do not exist.
-- out: fault_count i64
-- plan: scan, because verify looks at every event
WITH numbers AS (
    SELECT partition_no, COUNT(*) AS event_count, COUNT(DISTINCT number) AS number_count,
        MIN(number) AS oldest, MAX(number) AS newest
    FROM event
    GROUP BY partition_no
)
SELECT CAST(
    (SELECT COUNT(*) FROM event_partition AS p LEFT JOIN numbers AS n ON n.partition_no = p.partition_no
     WHERE p.last_number <> COALESCE(n.event_count, 0) OR p.last_number <> COALESCE(n.number_count, 0)
        OR p.last_number <> COALESCE(n.newest, 0) OR COALESCE(n.oldest, 1) <> 1)
    + (SELECT COUNT(*) FROM numbers AS n LEFT JOIN event_partition AS p ON p.partition_no = n.partition_no
       WHERE p.partition_no IS NULL) AS BIGINT) AS fault_count;
