-- By channel, by first product: SQL twins; what they have in common is told in statements.sql.

-- name: insight_by_channel
-- doc: customers, orders and amount by the channel that orders name.
-- in: as_of i64, from_day i64, to_day i64, net i64, unit i64
-- out: channel text?, customers i64, orders i64, amount i64, repeat_customers i64, repurchase_rate f64?
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
sold AS (
    SELECT channel_id, SUM(counted) AS orders, CAST(SUM(amount_minor) AS BIGINT) AS amount
    FROM looked
    GROUP BY channel_id
),
buyer AS (
    SELECT channel_id, customer, COUNT(DISTINCT paid_day) AS days
    FROM looked
    WHERE counted = 1
    GROUP BY channel_id, customer
),
visited AS (
    SELECT channel_id, COUNT(*) AS customers, COUNT(CASE WHEN days >= 2 THEN 1 END) AS repeat_customers
    FROM buyer
    GROUP BY channel_id
),
placed AS (
    SELECT COALESCE(o.channel_id, g.channel_id) AS channel_id, g.amount_minor
    FROM given_back g
    LEFT JOIN orders o ON o.customer_id = g.customer_id AND o.order_id = g.order_id
    WHERE :net = 1
),
returned AS (
    SELECT channel_id, CAST(SUM(amount_minor) AS BIGINT) AS amount FROM placed GROUP BY channel_id
)
SELECT channel.name AS channel, COALESCE(visited.customers, 0) AS customers, sold.orders,
    sold.amount - COALESCE(returned.amount, 0) AS amount,
    COALESCE(visited.repeat_customers, 0) AS repeat_customers,
    CAST(visited.repeat_customers AS DOUBLE PRECISION) / NULLIF(visited.customers, 0) AS repurchase_rate
FROM sold
LEFT JOIN channel ON channel.channel_id = sold.channel_id
LEFT JOIN visited ON visited.channel_id = sold.channel_id
LEFT JOIN returned ON returned.channel_id = sold.channel_id
ORDER BY 4 DESC, COALESCE(channel.name, '') COLLATE "C";

-- name: insight_by_first_product
-- doc: new customers by the product of the largest line of their first day.
-- in: as_of i64, from_day i64, to_day i64, net i64, unit i64
-- out: product_code text?, product_name text?, customers i64, repeat_customers i64, repurchase_rate f64?,
--   eligible_90 i64, repurchased_90 i64, rate_90 f64?, amount i64
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
dated AS (
    SELECT customer, customer_id, order_id, paid_day, MIN(paid_day) OVER (PARTITION BY customer) AS first_day
    FROM paid
    WHERE counted = 1
),
largest_line AS (
    SELECT d.customer, l.product_id, l.amount_minor,
        ROW_NUMBER() OVER (PARTITION BY l.customer_id, l.order_id ORDER BY l.amount_minor DESC, l.line_no) AS place
    FROM dated d
    JOIN order_line l ON l.customer_id = d.customer_id AND l.order_id = d.order_id
    WHERE d.paid_day = d.first_day AND d.first_day BETWEEN :from_day AND :to_day
),
first_line AS (
    SELECT g.customer, g.product_id,
        ROW_NUMBER() OVER (PARTITION BY g.customer
                           ORDER BY g.amount_minor DESC, COALESCE(product.code, '') COLLATE "C") AS place
    FROM largest_line g
    LEFT JOIN product ON product.product_id = g.product_id
    WHERE g.place = 1
),
trait AS (
    SELECT customer, first_day, second_day, CAST(NULL AS BIGINT) AS product_id, CAST(0 AS BIGINT) AS amount
    FROM newcomer
    UNION ALL
    SELECT customer, NULL AS first_day, NULL AS second_day, product_id, 0 AS amount FROM first_line WHERE place = 1
    UNION ALL
    SELECT customer, NULL AS first_day, NULL AS second_day, NULL AS product_id, amount FROM buyer
),
started AS (
    SELECT COALESCE(MAX(product_id), 0) AS product_id, MAX(first_day) AS first_day, MAX(second_day) AS second_day,
        CAST(SUM(amount) AS BIGINT) AS amount
    FROM trait
    GROUP BY customer
    HAVING MAX(first_day) IS NOT NULL
),
tally AS (
    SELECT product_id, COUNT(*) AS customers, COUNT(second_day) AS repeat_customers,
        COUNT(CASE WHEN first_day + 90 <= :to_day THEN 1 END) AS eligible_90,
        COUNT(CASE WHEN first_day + 90 <= :to_day AND second_day - first_day <= 90 THEN 1 END) AS repurchased_90,
        CAST(SUM(amount) AS BIGINT) AS amount
    FROM started
    GROUP BY product_id
)
SELECT product.code AS product_code, NULLIF(product.name, '') AS product_name, t.customers, t.repeat_customers,
    CAST(t.repeat_customers AS DOUBLE PRECISION) / NULLIF(t.customers, 0) AS repurchase_rate, t.eligible_90, t.repurchased_90,
    CAST(t.repurchased_90 AS DOUBLE PRECISION) / NULLIF(t.eligible_90, 0) AS rate_90, t.amount
FROM tally t
LEFT JOIN product ON product.product_id = t.product_id
ORDER BY t.customers DESC, COALESCE(product.code, '') COLLATE "C";
