-- N-day repurchase: SQL twins; what they have in common is told in statements.sql.

-- name: insight_nday_overall
-- doc: one row per N of the N-day repurchase.
-- in: as_of i64, from_day i64, to_day i64, net i64, unit i64
-- out: window_days i64, customers i64, repurchased i64, rate_all f64?, eligible i64, repurchased_eligible i64, rate f64?
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
purchase_day AS (
    SELECT DISTINCT customer, paid_day AS day FROM paid WHERE counted = 1
),
in_order AS (
    SELECT customer, day,
        ROW_NUMBER() OVER (PARTITION BY customer ORDER BY day) AS number,
        LEAD(day) OVER (PARTITION BY customer ORDER BY day) AS next_day
    FROM purchase_day
),
newcomer AS (
    SELECT customer, day AS first_day, CASE WHEN next_day <= :to_day THEN next_day END AS second_day
    FROM in_order
    WHERE number = 1 AND day BETWEEN :from_day AND :to_day
),
span (days) AS (VALUES (7), (14), (30), (60), (90), (180), (365)),
tally AS (
    SELECT span.days, COUNT(n.customer) AS customers,
        COUNT(CASE WHEN n.second_day - n.first_day <= span.days THEN 1 END) AS repurchased,
        COUNT(CASE WHEN n.first_day + span.days <= :to_day THEN 1 END) AS eligible,
        COUNT(CASE WHEN n.first_day + span.days <= :to_day AND n.second_day - n.first_day <= span.days THEN 1 END)
            AS repurchased_eligible
    FROM span
    LEFT JOIN newcomer n ON n.first_day IS NOT NULL
    GROUP BY span.days
)
SELECT CAST(days AS BIGINT) AS window_days, customers, repurchased,
    CAST(repurchased AS DOUBLE PRECISION) / NULLIF(customers, 0) AS rate_all, eligible, repurchased_eligible,
    CAST(repurchased_eligible AS DOUBLE PRECISION) / NULLIF(eligible, 0) AS rate
FROM tally
ORDER BY days;

-- name: insight_nday_cohort
-- doc: the N-day repurchase by month of the first purchase day, one row per month and N.
-- in: as_of i64, from_day i64, to_day i64, net i64, unit i64
-- out: cohort i64, window_days i64, customers i64, repurchased i64, eligible i64, repurchased_eligible i64, rate
--   f64?, repurchased_ever i64
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
purchase_day AS (
    SELECT DISTINCT customer, paid_day AS day FROM paid WHERE counted = 1
),
in_order AS (
    SELECT customer, day,
        ROW_NUMBER() OVER (PARTITION BY customer ORDER BY day) AS number,
        LEAD(day) OVER (PARTITION BY customer ORDER BY day) AS next_day
    FROM purchase_day
),
newcomer AS (
    SELECT customer, day AS first_day, CASE WHEN next_day <= :to_day THEN next_day END AS second_day
    FROM in_order
    WHERE number = 1 AND day BETWEEN :from_day AND :to_day
),
span (days) AS (VALUES (7), (14), (30), (60), (90), (180), (365)),
tally AS (
    SELECT calendar.month AS cohort, span.days, COUNT(*) AS customers,
        COUNT(CASE WHEN n.second_day - n.first_day <= span.days THEN 1 END) AS repurchased,
        COUNT(CASE WHEN n.first_day + span.days <= :to_day THEN 1 END) AS eligible,
        COUNT(CASE WHEN n.first_day + span.days <= :to_day AND n.second_day - n.first_day <= span.days THEN 1 END)
            AS repurchased_eligible,
        COUNT(n.second_day) AS repurchased_ever
    FROM newcomer n
    JOIN calendar ON calendar.day = n.first_day
    CROSS JOIN span
    GROUP BY calendar.month, span.days
)
SELECT cohort, CAST(days AS BIGINT) AS window_days, customers, repurchased, eligible, repurchased_eligible,
    CAST(repurchased_eligible AS DOUBLE PRECISION) / NULLIF(eligible, 0) AS rate, repurchased_ever
FROM tally
ORDER BY cohort, days;
