-- Cohorts: SQL twins; what they have in common is told in statements.sql.

-- name: insight_cohorts
-- doc: retention: per cohort and month after it, who bought.
-- in: as_of i64, from_day i64, to_day i64, net i64, unit i64
-- out: cohort i64, month_offset i64, cohort_size i64, active i64, retention f64?
-- plan: scan, because a report reads all orders
-- rows: many
WITH unused AS (SELECT :net AS net, :unit AS unit),
paid AS (
    SELECT birth.root_id AS customer, o.customer_id, o.order_id, o.paid_day, o.amount_minor, o.channel_id,
        CASE WHEN o.refunded_whole_day IS NULL OR o.refunded_whole_day >= :as_of THEN 1 ELSE 0 END AS counted
    FROM orders o
    JOIN customer birth ON birth.customer_id = o.customer_id
    JOIN customer root ON root.customer_id = birth.root_id AND root.placeholder = 0
    WHERE o.paid_day < :as_of
),
first_day AS (
    SELECT customer, MIN(paid_day) AS day FROM paid WHERE counted = 1 GROUP BY customer
),
cohort_size AS (
    SELECT calendar.month AS cohort, COUNT(*) AS customers
    FROM first_day f
    JOIN calendar ON calendar.day = f.day
    GROUP BY calendar.month
),
dated AS (
    SELECT customer, paid_day AS day, MIN(paid_day) OVER (PARTITION BY customer) AS first_day
    FROM paid
    WHERE counted = 1
),
active_month AS (
    SELECT DISTINCT d.customer, born.month AS cohort, seen.month - born.month AS month_offset
    FROM dated d
    JOIN calendar born ON born.day = d.first_day
    JOIN calendar seen ON seen.day = d.day
    WHERE d.day BETWEEN :from_day AND :to_day
),
tally AS (
    SELECT cohort, month_offset, COUNT(*) AS active FROM active_month GROUP BY cohort, month_offset
)
SELECT t.cohort, t.month_offset, s.customers AS cohort_size, t.active,
    CAST(t.active AS DOUBLE PRECISION) / s.customers AS retention
FROM tally t
JOIN cohort_size s ON s.cohort = t.cohort
ORDER BY t.cohort, t.month_offset;

-- name: insight_cohort_revenue
-- doc: per cohort and month after it, counted orders and amount.
-- in: as_of i64, from_day i64, to_day i64, net i64, unit i64
-- out: cohort i64, month_offset i64, cohort_size i64, orders i64, amount i64, amount_per_customer f64?
-- plan: scan, because a report reads all orders
-- rows: many
WITH unused AS (SELECT :unit AS unit),
paid AS (
    SELECT birth.root_id AS customer, o.customer_id, o.order_id, o.paid_day, o.amount_minor, o.channel_id,
        CASE WHEN o.refunded_whole_day IS NULL OR o.refunded_whole_day >= :as_of THEN 1 ELSE 0 END AS counted
    FROM orders o
    JOIN customer birth ON birth.customer_id = o.customer_id
    JOIN customer root ON root.customer_id = birth.root_id AND root.placeholder = 0
    WHERE o.paid_day < :as_of
),
given_back AS (
    SELECT birth.root_id AS customer, f.customer_id, f.order_id, f.channel_id, f.refunded_day, f.amount_minor
    FROM refund f
    JOIN customer birth ON birth.customer_id = f.customer_id
    JOIN customer root ON root.customer_id = birth.root_id AND root.placeholder = 0
    WHERE f.refunded_day BETWEEN :from_day AND :to_day AND f.amount_minor <> 0
),
first_day AS (
    SELECT customer, MIN(paid_day) AS day FROM paid WHERE counted = 1 GROUP BY customer
),
cohort_size AS (
    SELECT calendar.month AS cohort, COUNT(*) AS customers
    FROM first_day f
    JOIN calendar ON calendar.day = f.day
    GROUP BY calendar.month
),
movement AS (
    SELECT customer, paid_day AS day, counted, amount_minor FROM paid
    UNION ALL
    SELECT customer, refunded_day AS day, 0 AS counted, -amount_minor AS amount_minor FROM given_back WHERE :net = 1
),
dated AS (
    SELECT day, counted, amount_minor,
        MIN(CASE WHEN counted = 1 THEN day END) OVER (PARTITION BY customer) AS first_day
    FROM movement
),
tally AS (
    SELECT born.month AS cohort, seen.month - born.month AS month_offset, SUM(d.counted) AS orders,
        CAST(SUM(d.amount_minor) AS BIGINT) AS amount
    FROM dated d
    JOIN calendar born ON born.day = d.first_day
    JOIN calendar seen ON seen.day = d.day
    WHERE d.day BETWEEN :from_day AND :to_day
    GROUP BY born.month, seen.month - born.month
)
SELECT t.cohort, t.month_offset, s.customers AS cohort_size, t.orders, t.amount,
    CAST(t.amount AS DOUBLE PRECISION) / s.customers AS amount_per_customer
FROM tally t
JOIN cohort_size s ON s.cohort = t.cohort
ORDER BY t.cohort, t.month_offset;
