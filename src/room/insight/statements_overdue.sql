-- Overdue customers: SQL twins; what they have in common is told in statements.sql.

-- name: insight_overdue_summary
-- doc: customers and how many of them are overdue, by what they are measured against.
-- in: as_of i64, from_day i64, to_day i64, net i64, unit i64
-- out: basis text, customers i64, overdue i64, share f64?, amount i64
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
own_rank AS (
    SELECT customer, days,
        ROW_NUMBER() OVER (PARTITION BY customer ORDER BY days) AS place,
        COUNT(*) OVER (PARTITION BY customer) AS gaps
    FROM gap
),
own_around AS (
    SELECT customer, gaps,
        MAX(CASE WHEN place = (gaps - 1) * 9 / 10 + 1 THEN days END) AS low,
        MAX(CASE WHEN place = (gaps - 1) * 9 / 10 + 2 THEN days END) AS high
    FROM own_rank
    WHERE gaps >= 5
    GROUP BY customer, gaps
),
own AS (
    SELECT customer, low * 10 + (COALESCE(high, low) - low) * ((gaps - 1) * 9 % 10) AS tenfold FROM own_around
),
brand_count AS (
    SELECT from_purchase, days, COUNT(*) AS n FROM gap GROUP BY from_purchase, days
),
brand_running AS (
    SELECT from_purchase, days,
        CAST(SUM(n) OVER (PARTITION BY from_purchase ORDER BY days) AS BIGINT) AS upto,
        CAST(SUM(n) OVER (PARTITION BY from_purchase) AS BIGINT) AS gaps
    FROM brand_count
),
brand_around AS (
    SELECT from_purchase, gaps,
        MIN(CASE WHEN upto > (gaps - 1) * 9 / 10 THEN days END) AS low,
        MIN(CASE WHEN upto > (gaps - 1) * 9 / 10 + 1 THEN days END) AS high
    FROM brand_running
    GROUP BY from_purchase, gaps
),
brand_limit AS (
    SELECT from_purchase, low * 10 + (COALESCE(high, low) - low) * ((gaps - 1) * 9 % 10) AS tenfold
    FROM brand_around
),
standing AS (
    SELECT customer, COUNT(CASE WHEN day >= :from_day THEN 1 END) AS days, MAX(day) AS last_day,
        MAX(number) AS number
    FROM in_order
    WHERE day <= :to_day
    GROUP BY customer
    HAVING MAX(day) >= :from_day
),
trait AS (
    SELECT customer, days, last_day, number, CAST(0 AS BIGINT) AS amount, CAST(NULL AS BIGINT) AS tenfold
    FROM standing
    UNION ALL
    SELECT customer, NULL AS days, NULL AS last_day, NULL AS number, amount, NULL AS tenfold FROM buyer
    UNION ALL
    SELECT customer, NULL AS days, NULL AS last_day, NULL AS number, 0 AS amount, tenfold FROM own
),
profile AS (
    SELECT customer, MAX(days) AS days, MAX(last_day) AS last_day, :as_of - MAX(last_day) AS days_since,
        MAX(CASE WHEN number > 11 THEN 11 ELSE number END) AS from_purchase,
        CAST(SUM(amount) AS BIGINT) AS amount, MAX(tenfold) AS own_tenfold
    FROM trait
    GROUP BY customer
),
judged AS (
    SELECT p.customer, p.days, p.last_day, p.days_since, p.amount, COALESCE(p.own_tenfold, b.tenfold) AS tenfold,
        CASE WHEN p.own_tenfold IS NOT NULL THEN 1 WHEN b.tenfold IS NOT NULL THEN 2 ELSE 3 END AS basis,
        CASE WHEN p.days_since * 10 > COALESCE(p.own_tenfold, b.tenfold) THEN 1 ELSE 0 END AS overdue
    FROM profile p
    LEFT JOIN brand_limit b ON b.from_purchase = p.from_purchase
)
SELECT CASE judged.basis WHEN 1 THEN 'own' WHEN 2 THEN 'brand' ELSE 'none' END AS basis,
    COUNT(*) AS customers, CAST(SUM(overdue) AS BIGINT) AS overdue,
    CAST(SUM(overdue) AS DOUBLE PRECISION) / COUNT(*) AS share,
    CAST(SUM(CASE WHEN overdue = 1 THEN amount ELSE 0 END) AS BIGINT) AS amount
FROM judged
GROUP BY judged.basis
ORDER BY judged.basis;

-- name: insight_overdue_customers
-- doc: the overdue customers, the largest amount first.
-- in: as_of i64, from_day i64, to_day i64, net i64, unit i64
-- out: customer_id i64, purchase_days i64, last_day i64, days_since i64, limit_days f64?, basis text, amount i64
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
own_rank AS (
    SELECT customer, days,
        ROW_NUMBER() OVER (PARTITION BY customer ORDER BY days) AS place,
        COUNT(*) OVER (PARTITION BY customer) AS gaps
    FROM gap
),
own_around AS (
    SELECT customer, gaps,
        MAX(CASE WHEN place = (gaps - 1) * 9 / 10 + 1 THEN days END) AS low,
        MAX(CASE WHEN place = (gaps - 1) * 9 / 10 + 2 THEN days END) AS high
    FROM own_rank
    WHERE gaps >= 5
    GROUP BY customer, gaps
),
own AS (
    SELECT customer, low * 10 + (COALESCE(high, low) - low) * ((gaps - 1) * 9 % 10) AS tenfold FROM own_around
),
brand_count AS (
    SELECT from_purchase, days, COUNT(*) AS n FROM gap GROUP BY from_purchase, days
),
brand_running AS (
    SELECT from_purchase, days,
        CAST(SUM(n) OVER (PARTITION BY from_purchase ORDER BY days) AS BIGINT) AS upto,
        CAST(SUM(n) OVER (PARTITION BY from_purchase) AS BIGINT) AS gaps
    FROM brand_count
),
brand_around AS (
    SELECT from_purchase, gaps,
        MIN(CASE WHEN upto > (gaps - 1) * 9 / 10 THEN days END) AS low,
        MIN(CASE WHEN upto > (gaps - 1) * 9 / 10 + 1 THEN days END) AS high
    FROM brand_running
    GROUP BY from_purchase, gaps
),
brand_limit AS (
    SELECT from_purchase, low * 10 + (COALESCE(high, low) - low) * ((gaps - 1) * 9 % 10) AS tenfold
    FROM brand_around
),
standing AS (
    SELECT customer, COUNT(CASE WHEN day >= :from_day THEN 1 END) AS days, MAX(day) AS last_day,
        MAX(number) AS number
    FROM in_order
    WHERE day <= :to_day
    GROUP BY customer
    HAVING MAX(day) >= :from_day
),
trait AS (
    SELECT customer, days, last_day, number, CAST(0 AS BIGINT) AS amount, CAST(NULL AS BIGINT) AS tenfold
    FROM standing
    UNION ALL
    SELECT customer, NULL AS days, NULL AS last_day, NULL AS number, amount, NULL AS tenfold FROM buyer
    UNION ALL
    SELECT customer, NULL AS days, NULL AS last_day, NULL AS number, 0 AS amount, tenfold FROM own
),
profile AS (
    SELECT customer, MAX(days) AS days, MAX(last_day) AS last_day, :as_of - MAX(last_day) AS days_since,
        MAX(CASE WHEN number > 11 THEN 11 ELSE number END) AS from_purchase,
        CAST(SUM(amount) AS BIGINT) AS amount, MAX(tenfold) AS own_tenfold
    FROM trait
    GROUP BY customer
),
judged AS (
    SELECT p.customer, p.days, p.last_day, p.days_since, p.amount, COALESCE(p.own_tenfold, b.tenfold) AS tenfold,
        CASE WHEN p.own_tenfold IS NOT NULL THEN 1 WHEN b.tenfold IS NOT NULL THEN 2 ELSE 3 END AS basis,
        CASE WHEN p.days_since * 10 > COALESCE(p.own_tenfold, b.tenfold) THEN 1 ELSE 0 END AS overdue
    FROM profile p
    LEFT JOIN brand_limit b ON b.from_purchase = p.from_purchase
)
SELECT customer AS customer_id, days AS purchase_days, last_day, days_since,
    CAST(tenfold AS DOUBLE PRECISION) / 10 AS limit_days,
    CASE judged.basis WHEN 1 THEN 'own' WHEN 2 THEN 'brand' ELSE 'none' END AS basis, amount
FROM judged
WHERE overdue = 1
ORDER BY amount DESC, customer;
