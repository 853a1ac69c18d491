-- What reports say of all customers together: SQL twins; what they have in common is told in statements.sql.

-- name: insight_totals
-- doc: one row: what was sold and given back in the days looked at.
-- in: as_of i64, from_day i64, to_day i64, net i64, unit i64
-- out: customers i64, orders i64, purchase_days i64, first_day i64?, last_day i64?, gross_amount i64,
--   refund_amount i64, net_amount i64, mean_order_amount f64?, median_order_amount f64?, refunds i64,
--   refund_customers i64, refund_customers_without_purchase i64, refund_over_gross f64?, share_of_buyers_refunded
--   f64?
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
buyer AS (
    SELECT customer, COUNT(*) AS orders, COUNT(DISTINCT paid_day) AS days, MIN(paid_day) AS first_day,
        MAX(paid_day) AS last_day, SUM(amount_minor) AS amount
    FROM looked
    WHERE counted = 1
    GROUP BY customer
),
bought AS (
    SELECT COUNT(*) AS customers, CAST(COALESCE(SUM(orders), 0) AS BIGINT) AS orders,
        CAST(COALESCE(SUM(days), 0) AS BIGINT) AS days, MIN(first_day) AS first_day, MAX(last_day) AS last_day,
        SUM(amount) AS amount
    FROM buyer
),
gross AS (
    SELECT CAST(COALESCE(SUM(amount_minor), 0) AS BIGINT) AS amount FROM looked
),
either AS (
    SELECT customer, 0 AS refunds, CAST(0 AS BIGINT) AS given, 1 AS bought FROM buyer
    UNION ALL
    SELECT customer, 1 AS refunds, amount_minor AS given, 0 AS bought FROM given_back
),
customer_back AS (
    SELECT customer, SUM(refunds) AS refunds, CAST(SUM(given) AS BIGINT) AS given, MAX(bought) AS bought
    FROM either
    GROUP BY customer
    HAVING SUM(refunds) > 0
),
returned AS (
    SELECT COUNT(*) AS customers, COUNT(CASE WHEN bought = 1 THEN 1 END) AS buyers,
        CAST(COALESCE(SUM(refunds), 0) AS BIGINT) AS refunds, CAST(COALESCE(SUM(given), 0) AS BIGINT) AS amount
    FROM customer_back
),
amount_count AS (
    SELECT amount_minor AS amount, COUNT(*) AS n FROM looked WHERE counted = 1 GROUP BY amount_minor
),
running AS (
    SELECT amount, CAST(SUM(n) OVER (ORDER BY amount) AS BIGINT) AS upto,
        CAST(SUM(n) OVER () AS BIGINT) AS total
    FROM amount_count
),
middle AS (
    SELECT MIN(CASE WHEN upto > (total - 1) / 2 THEN amount END) AS low,
        MIN(CASE WHEN upto > total / 2 THEN amount END) AS high
    FROM running
)
SELECT bought.customers, bought.orders, bought.days AS purchase_days, bought.first_day, bought.last_day,
    gross.amount AS gross_amount, returned.amount AS refund_amount, gross.amount - returned.amount AS net_amount,
    CAST(bought.amount AS DOUBLE PRECISION) / NULLIF(bought.orders, 0) AS mean_order_amount,
    CAST(middle.low + middle.high AS DOUBLE PRECISION) / 2 AS median_order_amount,
    returned.refunds, returned.customers AS refund_customers,
    returned.customers - returned.buyers AS refund_customers_without_purchase,
    CAST(returned.amount AS DOUBLE PRECISION) / NULLIF(gross.amount, 0) AS refund_over_gross,
    CAST(returned.buyers AS DOUBLE PRECISION) / NULLIF(bought.customers, 0) AS share_of_buyers_refunded
FROM bought, gross, returned, middle;

-- name: insight_repurchase
-- doc: one row: who bought on two days or more, and by order.
-- in: as_of i64, from_day i64, to_day i64, net i64, unit i64
-- out: customers i64, repeat_customers i64, repurchase_rate f64?, repeat_customers_by_order i64,
--   repurchase_rate_by_order f64?, three_plus_days i64, five_plus_days i64, orders_per_customer f64?, max_orders
--   i64?, max_days i64?
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
buyer AS (
    SELECT customer, COUNT(*) AS orders, COUNT(DISTINCT paid_day) AS days
    FROM paid
    WHERE counted = 1 AND paid_day BETWEEN :from_day AND :to_day
    GROUP BY customer
)
SELECT COUNT(*) AS customers,
    COUNT(CASE WHEN days >= 2 THEN 1 END) AS repeat_customers,
    CAST(COUNT(CASE WHEN days >= 2 THEN 1 END) AS DOUBLE PRECISION) / NULLIF(COUNT(*), 0) AS repurchase_rate,
    COUNT(CASE WHEN orders >= 2 THEN 1 END) AS repeat_customers_by_order,
    CAST(COUNT(CASE WHEN orders >= 2 THEN 1 END) AS DOUBLE PRECISION) / NULLIF(COUNT(*), 0) AS repurchase_rate_by_order,
    COUNT(CASE WHEN days >= 3 THEN 1 END) AS three_plus_days,
    COUNT(CASE WHEN days >= 5 THEN 1 END) AS five_plus_days,
    CAST(SUM(orders) AS DOUBLE PRECISION) / NULLIF(COUNT(*), 0) AS orders_per_customer,
    MAX(orders) AS max_orders,
    MAX(days) AS max_days
FROM buyer;

-- name: insight_frequency
-- doc: customers by the number of their purchase days.
-- in: as_of i64, from_day i64, to_day i64, net i64, unit i64
-- out: purchase_days i64, customers i64, share f64?
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
buyer AS (
    SELECT customer, COUNT(DISTINCT paid_day) AS days
    FROM paid
    WHERE counted = 1 AND paid_day BETWEEN :from_day AND :to_day
    GROUP BY customer
)
SELECT days AS purchase_days, COUNT(*) AS customers,
    CAST(COUNT(*) AS DOUBLE PRECISION) / (SELECT COUNT(*) FROM buyer) AS share
FROM buyer
GROUP BY days
ORDER BY days;

-- name: insight_monthly
-- doc: month by month: orders, amount, new and returning customers, refunds.
-- in: as_of i64, from_day i64, to_day i64, net i64, unit i64
-- out: month i64, orders i64, amount i64, active_customers i64, new_customers i64, returning_customers i64,
--   refunds i64, refund_amount i64
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
dated AS (
    SELECT customer, paid_day AS day, MIN(paid_day) OVER (PARTITION BY customer) AS first_day
    FROM paid
    WHERE counted = 1
),
sold AS (
    SELECT calendar.month, SUM(l.counted) AS orders, CAST(SUM(l.amount_minor) AS BIGINT) AS amount
    FROM looked l
    JOIN calendar ON calendar.day = l.paid_day
    GROUP BY calendar.month
),
returned AS (
    SELECT calendar.month, COUNT(*) AS refunds, CAST(SUM(g.amount_minor) AS BIGINT) AS amount
    FROM given_back g
    JOIN calendar ON calendar.day = g.refunded_day
    GROUP BY calendar.month
),
active_month AS (
    SELECT DISTINCT d.customer, born.month AS cohort, seen.month
    FROM dated d
    JOIN calendar born ON born.day = d.first_day
    JOIN calendar seen ON seen.day = d.day
    WHERE d.day BETWEEN :from_day AND :to_day
),
visited AS (
    SELECT month, COUNT(*) AS customers, COUNT(CASE WHEN cohort = month THEN 1 END) AS new_customers,
        COUNT(CASE WHEN cohort < month THEN 1 END) AS returning_customers
    FROM active_month
    GROUP BY month
),
month_seen AS (
    SELECT month FROM sold
    UNION
    SELECT month FROM returned
)
SELECT m.month, COALESCE(sold.orders, 0) AS orders,
    COALESCE(sold.amount, 0) - CASE WHEN :net = 1 THEN COALESCE(returned.amount, 0) ELSE 0 END AS amount,
    COALESCE(visited.customers, 0) AS active_customers, COALESCE(visited.new_customers, 0) AS new_customers,
    COALESCE(visited.returning_customers, 0) AS returning_customers,
    COALESCE(returned.refunds, 0) AS refunds, COALESCE(returned.amount, 0) AS refund_amount
FROM month_seen m
LEFT JOIN sold ON sold.month = m.month
LEFT JOIN returned ON returned.month = m.month
LEFT JOIN visited ON visited.month = m.month
ORDER BY m.month;
