-- The SQL twins of the reports: one statement per section declared in engine/metric.c, columns in exactly that
-- order. They are written from the definitions there and share nothing with the engine, nor with each other: each
-- stands alone.
--
-- Words that all of them use:
--   paid          the known paid orders of known buyers: customer is the root; counted 1 unless refunded whole before as_of
--   looked        those of them paid in the days looked at
--   given_back    the refunds of known buyers in the days looked at, but those taken back (amount 0)
--   purchase_day  distinct (customer, day) with a counted order; in_order numbers them from the first ever
--   newcomer      a customer whose first purchase day ever is looked at; second_day NULL: none up to to_day
--   gap           whole days between two consecutive purchase days, both looked at; 11 stands for the 11th and later
--   movement      what adds to the amount (orders) and, where net, what takes from it (refunds)
--   dated         counted orders with their customer's first purchase day ever
--   trait         what is known of a customer from several sides, brought together by GROUP BY
--   buyer         a customer with a purchase day looked at, usually with R, F and M
--   unused        parameters that the statement does not need: all take the same five
-- Facts of one customer are brought together by UNION ALL and GROUP BY or by windows, never by joining two
-- intermediate results:
-- a planner knows nothing of their size and may choose to compare each row with each.
-- Quantiles (type 7) of n values stand at h = (n - 1) * k / 100: low is the value at the whole part of h (counted
-- from 0), high the next one. From counts per value, the value at place p is the smallest one with more than p
-- values up to it. Where they decide something (fivefold, tenfold) they are kept multiplied by their denominator, in
-- integers, so that it is exact.

-- name: insight_days
-- doc: one row: the first and the last day with a counted order of a known buyer, as known on as_of.
-- in: as_of i64
-- out: first_day i64?, last_day i64?
-- plan: scan, because the days of all orders are looked at
SELECT MIN(o.paid_day) AS first_day, MAX(o.paid_day) AS last_day
FROM orders o
JOIN customer birth ON birth.customer_id = o.customer_id
JOIN customer root ON root.customer_id = birth.root_id AND root.placeholder = 0
WHERE o.paid_day < :as_of AND (o.refunded_whole_day IS NULL OR o.refunded_whole_day >= :as_of);

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
ORDER BY 4 DESC, sold.channel_id;

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
first_line AS (
    SELECT d.customer, l.product_id,
        ROW_NUMBER() OVER (PARTITION BY d.customer ORDER BY l.amount_minor DESC, l.order_id, l.line_no) AS place
    FROM dated d
    JOIN order_line l ON l.customer_id = d.customer_id AND l.order_id = d.order_id
    WHERE d.paid_day = d.first_day AND d.first_day BETWEEN :from_day AND :to_day
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
ORDER BY t.customers DESC, t.product_id;

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
