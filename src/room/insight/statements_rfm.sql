-- R/F/M and concentration: SQL twins; what they have in common is told in statements.sql.

-- name: insight_rfm_thresholds
-- doc: the 20/40/60/80 % quantiles of R, F and M.
-- in: as_of i64, from_day i64, to_day i64, net i64, unit i64
-- out: dimension text, q20 f64?, q40 f64?, q60 f64?, q80 f64?
-- plan: scan, because a report reads all orders
-- rows: many
WITH paid AS (
    SELECT birth.root_id AS customer, o.customer_id, o.order_id, o.paid_day, o.amount_minor, o.channel_id,
        CASE WHEN o.refunded_whole_day IS NULL OR o.refunded_whole_day >= :as_of THEN 1 ELSE 0 END AS counted
    FROM orders o
    JOIN customer birth ON birth.customer_id = o.customer_id
    JOIN customer root ON root.customer_id = birth.root_id AND root.placeholder = 0
    WHERE o.paid_day < :as_of
),
looked AS (
    SELECT customer, customer_id, order_id, paid_day, amount_minor, channel_id, counted
    FROM paid
    WHERE paid_day BETWEEN :from_day AND :to_day
),
given_back AS (
    SELECT birth.root_id AS customer, f.customer_id, f.order_id, f.channel_id, f.refunded_day, f.amount_minor
    FROM refund f
    JOIN customer birth ON birth.customer_id = f.customer_id
    JOIN customer root ON root.customer_id = birth.root_id AND root.placeholder = 0
    WHERE f.refunded_day BETWEEN :from_day AND :to_day AND f.amount_minor <> 0
),
movement AS (
    SELECT customer, counted, CASE WHEN counted = 1 THEN paid_day END AS day, amount_minor FROM looked
    UNION ALL
    SELECT customer, 0 AS counted, CAST(NULL AS BIGINT) AS day, -amount_minor AS amount_minor
    FROM given_back
    WHERE :net = 1
),
buyer AS (
    SELECT customer, MAX(day) AS last_day, SUM(counted) AS orders, CAST(SUM(amount_minor) AS BIGINT) AS amount
    FROM movement
    GROUP BY customer
    HAVING SUM(counted) > 0
),
measure AS (
    SELECT 'R' AS dimension, :as_of - last_day AS value FROM buyer
    UNION ALL
    SELECT 'F' AS dimension, orders AS value FROM buyer
    UNION ALL
    SELECT 'M' AS dimension, amount AS value FROM buyer
),
value_count AS (
    SELECT dimension, value, COUNT(*) AS customers FROM measure GROUP BY dimension, value
),
running AS (
    SELECT dimension, value,
        CAST(SUM(customers) OVER (PARTITION BY dimension ORDER BY value) AS BIGINT) AS upto,
        CAST(SUM(customers) OVER (PARTITION BY dimension) AS BIGINT) AS total
    FROM value_count
),
around AS (
    SELECT dimension, total,
        MIN(CASE WHEN upto > (total - 1) / 5 THEN value END) AS low1,
        MIN(CASE WHEN upto > (total - 1) / 5 + 1 THEN value END) AS high1,
        MIN(CASE WHEN upto > (total - 1) * 2 / 5 THEN value END) AS low2,
        MIN(CASE WHEN upto > (total - 1) * 2 / 5 + 1 THEN value END) AS high2,
        MIN(CASE WHEN upto > (total - 1) * 3 / 5 THEN value END) AS low3,
        MIN(CASE WHEN upto > (total - 1) * 3 / 5 + 1 THEN value END) AS high3,
        MIN(CASE WHEN upto > (total - 1) * 4 / 5 THEN value END) AS low4,
        MIN(CASE WHEN upto > (total - 1) * 4 / 5 + 1 THEN value END) AS high4
    FROM running
    GROUP BY dimension, total
),
fivefold AS (
    SELECT dimension,
        low1 * 5 + (COALESCE(high1, low1) - low1) * ((total - 1) % 5) AS t1,
        low2 * 5 + (COALESCE(high2, low2) - low2) * ((total - 1) * 2 % 5) AS t2,
        low3 * 5 + (COALESCE(high3, low3) - low3) * ((total - 1) * 3 % 5) AS t3,
        low4 * 5 + (COALESCE(high4, low4) - low4) * ((total - 1) * 4 % 5) AS t4
    FROM around
),
shown (dimension, place, unit) AS (
    SELECT 'R', 1, CAST(1 AS BIGINT)
    UNION ALL
    SELECT 'F', 2, CAST(1 AS BIGINT)
    UNION ALL
    SELECT 'M', 3, :unit
)
SELECT s.dimension,
    CAST(t.t1 AS DOUBLE PRECISION) / (5 * s.unit) AS q20,
    CAST(t.t2 AS DOUBLE PRECISION) / (5 * s.unit) AS q40,
    CAST(t.t3 AS DOUBLE PRECISION) / (5 * s.unit) AS q60,
    CAST(t.t4 AS DOUBLE PRECISION) / (5 * s.unit) AS q80
FROM shown s
LEFT JOIN fivefold t ON t.dimension = s.dimension
ORDER BY s.place;

-- name: insight_rfm_scores
-- doc: customers by dimension and score.
-- in: as_of i64, from_day i64, to_day i64, net i64, unit i64
-- out: dimension text, score i64, customers i64
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
looked AS (
    SELECT customer, customer_id, order_id, paid_day, amount_minor, channel_id, counted
    FROM paid
    WHERE paid_day BETWEEN :from_day AND :to_day
),
given_back AS (
    SELECT birth.root_id AS customer, f.customer_id, f.order_id, f.channel_id, f.refunded_day, f.amount_minor
    FROM refund f
    JOIN customer birth ON birth.customer_id = f.customer_id
    JOIN customer root ON root.customer_id = birth.root_id AND root.placeholder = 0
    WHERE f.refunded_day BETWEEN :from_day AND :to_day AND f.amount_minor <> 0
),
movement AS (
    SELECT customer, counted, CASE WHEN counted = 1 THEN paid_day END AS day, amount_minor FROM looked
    UNION ALL
    SELECT customer, 0 AS counted, CAST(NULL AS BIGINT) AS day, -amount_minor AS amount_minor
    FROM given_back
    WHERE :net = 1
),
buyer AS (
    SELECT customer, MAX(day) AS last_day, SUM(counted) AS orders, CAST(SUM(amount_minor) AS BIGINT) AS amount
    FROM movement
    GROUP BY customer
    HAVING SUM(counted) > 0
),
measure AS (
    SELECT 'R' AS dimension, :as_of - last_day AS value FROM buyer
    UNION ALL
    SELECT 'F' AS dimension, orders AS value FROM buyer
    UNION ALL
    SELECT 'M' AS dimension, amount AS value FROM buyer
),
value_count AS (
    SELECT dimension, value, COUNT(*) AS customers FROM measure GROUP BY dimension, value
),
running AS (
    SELECT dimension, value,
        CAST(SUM(customers) OVER (PARTITION BY dimension ORDER BY value) AS BIGINT) AS upto,
        CAST(SUM(customers) OVER (PARTITION BY dimension) AS BIGINT) AS total
    FROM value_count
),
around AS (
    SELECT dimension, total,
        MIN(CASE WHEN upto > (total - 1) / 5 THEN value END) AS low1,
        MIN(CASE WHEN upto > (total - 1) / 5 + 1 THEN value END) AS high1,
        MIN(CASE WHEN upto > (total - 1) * 2 / 5 THEN value END) AS low2,
        MIN(CASE WHEN upto > (total - 1) * 2 / 5 + 1 THEN value END) AS high2,
        MIN(CASE WHEN upto > (total - 1) * 3 / 5 THEN value END) AS low3,
        MIN(CASE WHEN upto > (total - 1) * 3 / 5 + 1 THEN value END) AS high3,
        MIN(CASE WHEN upto > (total - 1) * 4 / 5 THEN value END) AS low4,
        MIN(CASE WHEN upto > (total - 1) * 4 / 5 + 1 THEN value END) AS high4
    FROM running
    GROUP BY dimension, total
),
fivefold AS (
    SELECT dimension,
        low1 * 5 + (COALESCE(high1, low1) - low1) * ((total - 1) % 5) AS t1,
        low2 * 5 + (COALESCE(high2, low2) - low2) * ((total - 1) * 2 % 5) AS t2,
        low3 * 5 + (COALESCE(high3, low3) - low3) * ((total - 1) * 3 % 5) AS t3,
        low4 * 5 + (COALESCE(high4, low4) - low4) * ((total - 1) * 4 % 5) AS t4
    FROM around
),
graded AS (
    SELECT v.dimension, v.customers,
        CASE WHEN v.value * 5 > t.t1 THEN 1 ELSE 0 END
            + CASE WHEN v.value * 5 > t.t2 THEN 1 ELSE 0 END
            + CASE WHEN v.value * 5 > t.t3 THEN 1 ELSE 0 END
            + CASE WHEN v.value * 5 > t.t4 THEN 1 ELSE 0 END AS exceeded
    FROM value_count v
    JOIN fivefold t ON t.dimension = v.dimension
)
SELECT dimension, CAST(CASE WHEN dimension = 'R' THEN 5 - exceeded ELSE 1 + exceeded END AS BIGINT) AS score,
    CAST(SUM(customers) AS BIGINT) AS customers
FROM graded
GROUP BY dimension, exceeded
ORDER BY CASE dimension WHEN 'F' THEN 1 WHEN 'M' THEN 2 ELSE 3 END, 2;

-- name: insight_rfm_cells
-- doc: customers and amount by r, f, m.
-- in: as_of i64, from_day i64, to_day i64, net i64, unit i64
-- out: r i64, f i64, m i64, customers i64, amount i64
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
looked AS (
    SELECT customer, customer_id, order_id, paid_day, amount_minor, channel_id, counted
    FROM paid
    WHERE paid_day BETWEEN :from_day AND :to_day
),
given_back AS (
    SELECT birth.root_id AS customer, f.customer_id, f.order_id, f.channel_id, f.refunded_day, f.amount_minor
    FROM refund f
    JOIN customer birth ON birth.customer_id = f.customer_id
    JOIN customer root ON root.customer_id = birth.root_id AND root.placeholder = 0
    WHERE f.refunded_day BETWEEN :from_day AND :to_day AND f.amount_minor <> 0
),
movement AS (
    SELECT customer, counted, CASE WHEN counted = 1 THEN paid_day END AS day, amount_minor FROM looked
    UNION ALL
    SELECT customer, 0 AS counted, CAST(NULL AS BIGINT) AS day, -amount_minor AS amount_minor
    FROM given_back
    WHERE :net = 1
),
buyer AS (
    SELECT customer, MAX(day) AS last_day, SUM(counted) AS orders, CAST(SUM(amount_minor) AS BIGINT) AS amount
    FROM movement
    GROUP BY customer
    HAVING SUM(counted) > 0
),
measure AS (
    SELECT 'R' AS dimension, :as_of - last_day AS value FROM buyer
    UNION ALL
    SELECT 'F' AS dimension, orders AS value FROM buyer
    UNION ALL
    SELECT 'M' AS dimension, amount AS value FROM buyer
),
value_count AS (
    SELECT dimension, value, COUNT(*) AS customers FROM measure GROUP BY dimension, value
),
running AS (
    SELECT dimension, value,
        CAST(SUM(customers) OVER (PARTITION BY dimension ORDER BY value) AS BIGINT) AS upto,
        CAST(SUM(customers) OVER (PARTITION BY dimension) AS BIGINT) AS total
    FROM value_count
),
around AS (
    SELECT dimension, total,
        MIN(CASE WHEN upto > (total - 1) / 5 THEN value END) AS low1,
        MIN(CASE WHEN upto > (total - 1) / 5 + 1 THEN value END) AS high1,
        MIN(CASE WHEN upto > (total - 1) * 2 / 5 THEN value END) AS low2,
        MIN(CASE WHEN upto > (total - 1) * 2 / 5 + 1 THEN value END) AS high2,
        MIN(CASE WHEN upto > (total - 1) * 3 / 5 THEN value END) AS low3,
        MIN(CASE WHEN upto > (total - 1) * 3 / 5 + 1 THEN value END) AS high3,
        MIN(CASE WHEN upto > (total - 1) * 4 / 5 THEN value END) AS low4,
        MIN(CASE WHEN upto > (total - 1) * 4 / 5 + 1 THEN value END) AS high4
    FROM running
    GROUP BY dimension, total
),
fivefold AS (
    SELECT dimension,
        low1 * 5 + (COALESCE(high1, low1) - low1) * ((total - 1) % 5) AS t1,
        low2 * 5 + (COALESCE(high2, low2) - low2) * ((total - 1) * 2 % 5) AS t2,
        low3 * 5 + (COALESCE(high3, low3) - low3) * ((total - 1) * 3 % 5) AS t3,
        low4 * 5 + (COALESCE(high4, low4) - low4) * ((total - 1) * 4 % 5) AS t4
    FROM around
),
graded AS (
    SELECT b.amount,
        5 - (CASE WHEN (:as_of - b.last_day) * 5 > r.t1 THEN 1 ELSE 0 END
            + CASE WHEN (:as_of - b.last_day) * 5 > r.t2 THEN 1 ELSE 0 END
            + CASE WHEN (:as_of - b.last_day) * 5 > r.t3 THEN 1 ELSE 0 END
            + CASE WHEN (:as_of - b.last_day) * 5 > r.t4 THEN 1 ELSE 0 END) AS r,
        1 + CASE WHEN b.orders * 5 > f.t1 THEN 1 ELSE 0 END
            + CASE WHEN b.orders * 5 > f.t2 THEN 1 ELSE 0 END
            + CASE WHEN b.orders * 5 > f.t3 THEN 1 ELSE 0 END
            + CASE WHEN b.orders * 5 > f.t4 THEN 1 ELSE 0 END AS f,
        1 + CASE WHEN b.amount * 5 > m.t1 THEN 1 ELSE 0 END
            + CASE WHEN b.amount * 5 > m.t2 THEN 1 ELSE 0 END
            + CASE WHEN b.amount * 5 > m.t3 THEN 1 ELSE 0 END
            + CASE WHEN b.amount * 5 > m.t4 THEN 1 ELSE 0 END AS m
    FROM buyer b
    JOIN fivefold r ON r.dimension = 'R'
    JOIN fivefold f ON f.dimension = 'F'
    JOIN fivefold m ON m.dimension = 'M'
)
SELECT CAST(r AS BIGINT) AS r, CAST(f AS BIGINT) AS f, CAST(m AS BIGINT) AS m, COUNT(*) AS customers,
    CAST(SUM(amount) AS BIGINT) AS amount
FROM graded
GROUP BY graded.r, graded.f, graded.m
ORDER BY graded.r, graded.f, graded.m;

-- name: insight_concentration_top
-- doc: the share of the amount that the top 1, 5, 10, 20 and 50 % of customers brought.
-- in: as_of i64, from_day i64, to_day i64, net i64, unit i64
-- out: top_share f64?, top_customers i64, amount i64, amount_share f64?
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
looked AS (
    SELECT customer, customer_id, order_id, paid_day, amount_minor, channel_id, counted
    FROM paid
    WHERE paid_day BETWEEN :from_day AND :to_day
),
given_back AS (
    SELECT birth.root_id AS customer, f.customer_id, f.order_id, f.channel_id, f.refunded_day, f.amount_minor
    FROM refund f
    JOIN customer birth ON birth.customer_id = f.customer_id
    JOIN customer root ON root.customer_id = birth.root_id AND root.placeholder = 0
    WHERE f.refunded_day BETWEEN :from_day AND :to_day AND f.amount_minor <> 0
),
movement AS (
    SELECT customer, counted, CASE WHEN counted = 1 THEN paid_day END AS day, amount_minor FROM looked
    UNION ALL
    SELECT customer, 0 AS counted, CAST(NULL AS BIGINT) AS day, -amount_minor AS amount_minor
    FROM given_back
    WHERE :net = 1
),
buyer AS (
    SELECT customer, MAX(day) AS last_day, SUM(counted) AS orders, CAST(SUM(amount_minor) AS BIGINT) AS amount
    FROM movement
    GROUP BY customer
    HAVING SUM(counted) > 0
),
ranked AS (
    SELECT ROW_NUMBER() OVER (ORDER BY amount DESC, customer) AS place,
        CAST(SUM(amount) OVER (ORDER BY amount DESC, customer ROWS UNBOUNDED PRECEDING) AS BIGINT) AS upto
    FROM buyer
),
whole AS (
    SELECT COUNT(*) AS customers, CAST(COALESCE(SUM(amount), 0) AS BIGINT) AS amount FROM buyer
),
top (percent) AS (VALUES (1), (5), (10), (20), (50)),
share_of AS (
    SELECT top.percent, (whole.customers * top.percent + 99) / 100 AS customers, whole.amount FROM top, whole
)
SELECT CAST(s.percent AS DOUBLE PRECISION) / 100 AS top_share, s.customers AS top_customers,
    COALESCE(ranked.upto, 0) AS amount,
    CAST(ranked.upto AS DOUBLE PRECISION) / NULLIF(s.amount, 0) AS amount_share
FROM share_of s
LEFT JOIN ranked ON ranked.place = s.customers
ORDER BY s.percent;

-- name: insight_concentration_gini
-- doc: one row: the Gini coefficient of the customers' amounts.
-- in: as_of i64, from_day i64, to_day i64, net i64, unit i64
-- out: customers i64, amount i64, gini f64?
-- plan: scan, because a report reads all orders
WITH unused AS (SELECT :unit AS unit),
paid AS (
    SELECT birth.root_id AS customer, o.customer_id, o.order_id, o.paid_day, o.amount_minor, o.channel_id,
        CASE WHEN o.refunded_whole_day IS NULL OR o.refunded_whole_day >= :as_of THEN 1 ELSE 0 END AS counted
    FROM orders o
    JOIN customer birth ON birth.customer_id = o.customer_id
    JOIN customer root ON root.customer_id = birth.root_id AND root.placeholder = 0
    WHERE o.paid_day < :as_of
),
looked AS (
    SELECT customer, customer_id, order_id, paid_day, amount_minor, channel_id, counted
    FROM paid
    WHERE paid_day BETWEEN :from_day AND :to_day
),
given_back AS (
    SELECT birth.root_id AS customer, f.customer_id, f.order_id, f.channel_id, f.refunded_day, f.amount_minor
    FROM refund f
    JOIN customer birth ON birth.customer_id = f.customer_id
    JOIN customer root ON root.customer_id = birth.root_id AND root.placeholder = 0
    WHERE f.refunded_day BETWEEN :from_day AND :to_day AND f.amount_minor <> 0
),
movement AS (
    SELECT customer, counted, CASE WHEN counted = 1 THEN paid_day END AS day, amount_minor FROM looked
    UNION ALL
    SELECT customer, 0 AS counted, CAST(NULL AS BIGINT) AS day, -amount_minor AS amount_minor
    FROM given_back
    WHERE :net = 1
),
buyer AS (
    SELECT customer, MAX(day) AS last_day, SUM(counted) AS orders, CAST(SUM(amount_minor) AS BIGINT) AS amount
    FROM movement
    GROUP BY customer
    HAVING SUM(counted) > 0
),
ranked AS (
    SELECT amount, ROW_NUMBER() OVER (ORDER BY amount, customer) AS place, COUNT(*) OVER () AS customers FROM buyer
),
tally AS (
    SELECT COUNT(*) AS customers, CAST(COALESCE(SUM(amount), 0) AS BIGINT) AS amount,
        SUM(CAST(2 * place - customers - 1 AS DOUBLE PRECISION) * amount) AS tilt
    FROM ranked
)
SELECT customers, amount, tilt / NULLIF(CAST(customers AS DOUBLE PRECISION) * amount, 0) AS gini
FROM tally;
