-- The SQL twins of the reports, in statements_REPORT.sql: one statement per section declared in engine/metric.c, columns in
-- exactly that order. They are written from the definitions there and share nothing with the engine, nor with each other: each
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
