-- Rhythm and second purchase: SQL twins; what they have in common is told in statements.sql.

-- name: insight_rhythm_overall
-- doc: one row: quantiles of all gaps between purchase days.
-- in: as_of i64, from_day i64, to_day i64, net i64, unit i64
-- out: gaps i64, median f64?, mean f64?, p25 f64?, p75 f64?, p90 f64?, max i64?, median_of_customer_mean f64?,
--   median_days_to_second f64?
-- plan: scan, because a report reads all orders
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
        LAG(day) OVER (PARTITION BY customer ORDER BY day) AS day_before
    FROM purchase_day
),
gap AS (
    SELECT customer, day - day_before AS days, CASE WHEN number > 11 THEN 11 ELSE number - 1 END AS from_purchase
    FROM in_order
    WHERE day_before >= :from_day AND day <= :to_day
),
gap_count AS (
    SELECT days, COUNT(*) AS n FROM gap GROUP BY days
),
running AS (
    SELECT days, n, CAST(SUM(n) OVER (ORDER BY days) AS BIGINT) AS upto,
        CAST(SUM(n) OVER () AS BIGINT) AS gaps
    FROM gap_count
),
around AS (
    SELECT COALESCE(MAX(gaps), 0) AS gaps, SUM(days * n) AS sum_days, MAX(days) AS longest,
        MIN(CASE WHEN upto > (gaps - 1) * 25 / 100 THEN days END) AS low25,
        MIN(CASE WHEN upto > (gaps - 1) * 25 / 100 + 1 THEN days END) AS high25,
        MIN(CASE WHEN upto > (gaps - 1) * 50 / 100 THEN days END) AS low50,
        MIN(CASE WHEN upto > (gaps - 1) * 50 / 100 + 1 THEN days END) AS high50,
        MIN(CASE WHEN upto > (gaps - 1) * 75 / 100 THEN days END) AS low75,
        MIN(CASE WHEN upto > (gaps - 1) * 75 / 100 + 1 THEN days END) AS high75,
        MIN(CASE WHEN upto > (gaps - 1) * 90 / 100 THEN days END) AS low90,
        MIN(CASE WHEN upto > (gaps - 1) * 90 / 100 + 1 THEN days END) AS high90
    FROM running
),
own_mean AS (
    SELECT CAST(SUM(days) AS DOUBLE PRECISION) / COUNT(*) AS mean FROM gap GROUP BY customer
),
own_rank AS (
    SELECT mean, ROW_NUMBER() OVER (ORDER BY mean) AS place, COUNT(*) OVER () AS customers FROM own_mean
),
own_middle AS (
    SELECT MAX(CASE WHEN place = (customers + 1) / 2 THEN mean END) AS low,
        MAX(CASE WHEN place = customers / 2 + 1 THEN mean END) AS high
    FROM own_rank
),
second_count AS (
    SELECT days, COUNT(*) AS n FROM gap WHERE from_purchase = 1 GROUP BY days
),
second_running AS (
    SELECT days, CAST(SUM(n) OVER (ORDER BY days) AS BIGINT) AS upto, CAST(SUM(n) OVER () AS BIGINT) AS gaps
    FROM second_count
),
second_middle AS (
    SELECT MIN(CASE WHEN upto > (gaps - 1) / 2 THEN days END) AS low,
        MIN(CASE WHEN upto > gaps / 2 THEN days END) AS high
    FROM second_running
)
SELECT gaps,
    low50 + (COALESCE(high50, low50) - low50) * CAST((gaps - 1) * 50 % 100 AS DOUBLE PRECISION) / 100 AS median,
    CAST(sum_days AS DOUBLE PRECISION) / NULLIF(gaps, 0) AS mean,
    low25 + (COALESCE(high25, low25) - low25) * CAST((gaps - 1) * 25 % 100 AS DOUBLE PRECISION) / 100 AS p25,
    low75 + (COALESCE(high75, low75) - low75) * CAST((gaps - 1) * 75 % 100 AS DOUBLE PRECISION) / 100 AS p75,
    low90 + (COALESCE(high90, low90) - low90) * CAST((gaps - 1) * 90 % 100 AS DOUBLE PRECISION) / 100 AS p90,
    longest AS max,
    (own_middle.low + own_middle.high) / 2 AS median_of_customer_mean,
    CAST(second_middle.low + second_middle.high AS DOUBLE PRECISION) / 2 AS median_days_to_second
FROM around, own_middle, second_middle;

-- name: insight_rhythm_number
-- doc: quantiles of the gaps after each purchase number; 11 is the 11th and all later ones.
-- in: as_of i64, from_day i64, to_day i64, net i64, unit i64
-- out: from_purchase i64, gaps i64, median f64?, mean f64?, p25 f64?, p75 f64?, p90 f64?
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
        LAG(day) OVER (PARTITION BY customer ORDER BY day) AS day_before
    FROM purchase_day
),
gap AS (
    SELECT customer, day - day_before AS days, CASE WHEN number > 11 THEN 11 ELSE number - 1 END AS from_purchase
    FROM in_order
    WHERE day_before >= :from_day AND day <= :to_day
),
gap_count AS (
    SELECT from_purchase, days, COUNT(*) AS n FROM gap GROUP BY from_purchase, days
),
running AS (
    SELECT from_purchase, days, n,
        CAST(SUM(n) OVER (PARTITION BY from_purchase ORDER BY days) AS BIGINT) AS upto,
        CAST(SUM(n) OVER (PARTITION BY from_purchase) AS BIGINT) AS gaps
    FROM gap_count
),
around AS (
    SELECT from_purchase, gaps, SUM(days * n) AS sum_days,
        MIN(CASE WHEN upto > (gaps - 1) * 25 / 100 THEN days END) AS low25,
        MIN(CASE WHEN upto > (gaps - 1) * 25 / 100 + 1 THEN days END) AS high25,
        MIN(CASE WHEN upto > (gaps - 1) * 50 / 100 THEN days END) AS low50,
        MIN(CASE WHEN upto > (gaps - 1) * 50 / 100 + 1 THEN days END) AS high50,
        MIN(CASE WHEN upto > (gaps - 1) * 75 / 100 THEN days END) AS low75,
        MIN(CASE WHEN upto > (gaps - 1) * 75 / 100 + 1 THEN days END) AS high75,
        MIN(CASE WHEN upto > (gaps - 1) * 90 / 100 THEN days END) AS low90,
        MIN(CASE WHEN upto > (gaps - 1) * 90 / 100 + 1 THEN days END) AS high90
    FROM running
    GROUP BY from_purchase, gaps
)
SELECT from_purchase, gaps,
    low50 + (COALESCE(high50, low50) - low50) * CAST((gaps - 1) * 50 % 100 AS DOUBLE PRECISION) / 100 AS median,
    CAST(sum_days AS DOUBLE PRECISION) / gaps AS mean,
    low25 + (COALESCE(high25, low25) - low25) * CAST((gaps - 1) * 25 % 100 AS DOUBLE PRECISION) / 100 AS p25,
    low75 + (COALESCE(high75, low75) - low75) * CAST((gaps - 1) * 75 % 100 AS DOUBLE PRECISION) / 100 AS p75,
    low90 + (COALESCE(high90, low90) - low90) * CAST((gaps - 1) * 90 % 100 AS DOUBLE PRECISION) / 100 AS p90
FROM around
ORDER BY from_purchase;

-- name: insight_second_days
-- doc: Kaplan–Meier of the second purchase at chosen days.
-- in: as_of i64, from_day i64, to_day i64, net i64, unit i64
-- out: day i64, cum_repurchase f64?, standard_error f64?, at_risk i64
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
waited AS (
    SELECT CASE WHEN second_day IS NULL THEN :to_day - first_day ELSE second_day - first_day END AS days,
        CASE WHEN second_day IS NULL THEN 0 ELSE 1 END AS came
    FROM newcomer
),
by_days AS (
    SELECT days, SUM(came) AS events, COUNT(*) AS customers FROM waited GROUP BY days
),
watched AS (
    SELECT days, events, CAST(SUM(customers) OVER (ORDER BY days DESC) AS BIGINT) AS at_risk FROM by_days
),
step AS (
    SELECT days, events, at_risk,
        CASE WHEN events = at_risk THEN 1 ELSE 0 END AS all_came,
        CASE WHEN events = at_risk THEN 0
            ELSE LN(1 - CAST(events AS DOUBLE PRECISION) / at_risk) END AS log_stay,
        CASE WHEN events = at_risk THEN 0
            ELSE CAST(events AS DOUBLE PRECISION) / at_risk / (at_risk - events) END AS greenwood
    FROM watched
    WHERE events > 0
),
chosen (day) AS (VALUES (7), (14), (30), (60), (90), (120), (180), (270), (365), (540)),
reached AS (
    SELECT chosen.day FROM chosen WHERE chosen.day <= (SELECT :to_day - MIN(first_day) FROM newcomer)
),
reading AS (
    SELECT reached.day,
        CASE WHEN MAX(step.all_came) = 1 THEN 0 ELSE EXP(COALESCE(SUM(step.log_stay), 0)) END AS stay,
        COALESCE(SUM(step.greenwood), 0) AS greenwood
    FROM reached
    LEFT JOIN step ON step.days <= reached.day
    GROUP BY reached.day
)
SELECT CAST(r.day AS BIGINT) AS day, CAST(1 - r.stay AS DOUBLE PRECISION) AS cum_repurchase,
    CAST(r.stay * SQRT(r.greenwood) AS DOUBLE PRECISION) AS standard_error,
    (SELECT CAST(COALESCE(SUM(b.customers), 0) AS BIGINT) FROM by_days b WHERE b.days >= r.day) AS at_risk
FROM reading r
ORDER BY r.day;

-- name: insight_second_curve
-- doc: the steps of the Kaplan–Meier curve of the second purchase.
-- in: as_of i64, from_day i64, to_day i64, net i64, unit i64
-- out: day i64, events i64, at_risk i64, survival f64?, standard_error f64?
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
waited AS (
    SELECT CASE WHEN second_day IS NULL THEN :to_day - first_day ELSE second_day - first_day END AS days,
        CASE WHEN second_day IS NULL THEN 0 ELSE 1 END AS came
    FROM newcomer
),
by_days AS (
    SELECT days, SUM(came) AS events, COUNT(*) AS customers FROM waited GROUP BY days
),
watched AS (
    SELECT days, events, CAST(SUM(customers) OVER (ORDER BY days DESC) AS BIGINT) AS at_risk FROM by_days
),
step AS (
    SELECT days, events, at_risk,
        CASE WHEN events = at_risk THEN 1 ELSE 0 END AS all_came,
        CASE WHEN events = at_risk THEN 0
            ELSE LN(1 - CAST(events AS DOUBLE PRECISION) / at_risk) END AS log_stay,
        CASE WHEN events = at_risk THEN 0
            ELSE CAST(events AS DOUBLE PRECISION) / at_risk / (at_risk - events) END AS greenwood
    FROM watched
    WHERE events > 0
),
reading AS (
    SELECT days, events, at_risk,
        CASE WHEN all_came = 1 THEN 0 ELSE EXP(SUM(log_stay) OVER (ORDER BY days)) END AS stay,
        SUM(greenwood) OVER (ORDER BY days) AS greenwood
    FROM step
)
SELECT days AS day, events, at_risk, CAST(stay AS DOUBLE PRECISION) AS survival,
    CAST(stay * SQRT(greenwood) AS DOUBLE PRECISION) AS standard_error
FROM reading
ORDER BY days;
