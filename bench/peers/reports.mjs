// Each report as DuckDB queries, written from docs/definitions.md; the program's own statements are not used. Several
// wordings where more than one was promising: script/bench times each and keeps the best one.
//
//   orders(customer, day, month, amount, whole, channel, product, top_line)   whole: the day refunded wholly, or NULL
//   refund(customer, day, month, amount, channel)
//
// Both lie in the order of customer and time, with the narrowest types; the month stands beside the day, so that no
// calendar is needed. A scope is {A, F, T, net}: as-of day, first and last day looked at (T < A), net of refunds or gross.
//
// Wordings: "hash" groups by customer. "stream" looks at the row before and after (window functions over no partition,
// which DuckDB runs without sorting): it leans on the rows' lying by customer and time, and on DuckDB's keeping that order.
// A wording is {steps, sections}: statements to run first (temporary tables), then one query for each section.

const counted = ({ A }) => `day < ${A} AND (whole IS NULL OR whole >= ${A})`;
const looked = ({ F, T }) => `day BETWEEN ${F} AND ${T}`;
const ratio = (a, b) => `(${a})::DOUBLE / NULLIF(${b}, 0)`;
const spans = [7, 14, 30, 60, 90, 180, 365];
const chosen = [7, 14, 30, 60, 90, 120, 180, 270, 365, 540];
const values = (list) => list.map((v) => `(${v})`).join(', ');

// Type 7 quantiles of a table of (value, n) as fractions: low + (high - low) * part / parts, all integers.
const quantile = (part, parts, table, where = 'true') => `(SELECT low + (COALESCE(high, low) - low) * rest / ${parts}.0
  FROM (SELECT min(value) FILTER (upto > (total - 1) * ${part} // ${parts}) AS low,
               min(value) FILTER (upto > (total - 1) * ${part} // ${parts} + 1) AS high,
               any_value((total - 1) * ${part} % ${parts}) AS rest
        FROM (SELECT value, sum(n) OVER (ORDER BY value) AS upto, sum(n) OVER () AS total
              FROM ${table} WHERE ${where})))`;

// --- Purchase days ---

// One row a purchase day: customer, day, month, the purchase day before it (NULL on the first), in order.
const dayStream = (s) => `(SELECT customer, day, month, CASE WHEN pc = customer THEN pd END AS before
  FROM (SELECT customer, day, month, lag(customer) OVER () AS pc, lag(day) OVER () AS pd FROM orders WHERE ${counted(s)})
  WHERE pc IS DISTINCT FROM customer OR pd <> day)`;
const dayHash = (s) => `(SELECT customer, day FROM orders WHERE ${counted(s)} GROUP BY customer, day)`;

// Newcomers: how many by first purchase day and gap to the second (NULL: none up to T), as the table waited.
const waitedStream = (s) => `CREATE OR REPLACE TEMP TABLE waited AS
  SELECT day AS first_day, month, CASE WHEN nc = customer AND nd <= ${s.T} THEN nd - day END AS gap, count(*) AS n
  FROM (SELECT customer, day, month, before, lead(customer) OVER () AS nc, lead(day) OVER () AS nd FROM ${dayStream(s)})
  WHERE before IS NULL AND ${looked(s)} GROUP BY ALL`;
const waitedHash = (s) => `CREATE OR REPLACE TEMP TABLE waited AS
  WITH first AS (SELECT customer, min(day) AS first_day, min(month) AS month FROM orders WHERE ${counted(s)} GROUP BY customer
                 HAVING min(day) BETWEEN ${s.F} AND ${s.T}),
  second AS (SELECT f.customer, any_value(f.first_day) AS first_day, any_value(f.month) AS month,
                    min(o.day) - any_value(f.first_day) AS gap
             FROM first f LEFT JOIN (SELECT customer, day FROM orders WHERE ${counted(s)} AND day <= ${s.T}) o
               ON o.customer = f.customer AND o.day > f.first_day
             GROUP BY f.customer)
  SELECT first_day, month, gap, count(*) AS n FROM second GROUP BY ALL`;

const nday = (waited) => (s) => {
  const tally = `COALESCE(sum(n), 0) AS customers, COALESCE(sum(n) FILTER (gap <= span), 0) AS repurchased,
    COALESCE(sum(n) FILTER (first_day + span <= ${s.T}), 0) AS eligible,
    COALESCE(sum(n) FILTER (first_day + span <= ${s.T} AND gap <= span), 0) AS repurchased_eligible`;
  const rate = ratio('repurchased_eligible', 'eligible');
  return {
    steps: [waited(s)],
    sections: {
      overall: `WITH tally AS (SELECT span, ${tally} FROM (VALUES ${values(spans)}) v(span) LEFT JOIN waited ON true GROUP BY span)
        SELECT span, customers, repurchased, ${ratio('repurchased', 'customers')}, eligible, repurchased_eligible, ${rate}
        FROM tally ORDER BY span`,
      by_cohort: `WITH tally AS (SELECT month, span, ${tally}, COALESCE(sum(n) FILTER (gap IS NOT NULL), 0) AS ever
          FROM waited, (VALUES ${values(spans)}) v(span) GROUP BY month, span)
        SELECT month, span, customers, repurchased, eligible, repurchased_eligible, ${rate}, ever FROM tally ORDER BY month, span`,
    },
  };
};

const secondPurchase = (waited) => (s) => {
  const step = `WITH by_days AS (SELECT COALESCE(gap, ${s.T} - first_day) AS days, COALESCE(sum(n) FILTER (gap IS NOT NULL), 0) AS events,
      sum(n) AS customers FROM waited GROUP BY 1),
    step AS (SELECT days, events, at_risk, events = at_risk AS all_came,
        CASE WHEN events = at_risk THEN 0 ELSE ln(1 - events::DOUBLE / at_risk) END AS log_stay,
        CASE WHEN events = at_risk THEN 0 ELSE events::DOUBLE / at_risk / (at_risk - events) END AS greenwood
      FROM (SELECT days, events, sum(customers) OVER (ORDER BY days DESC) AS at_risk FROM by_days) WHERE events > 0)`;
  return {
    steps: [waited(s)],
    sections: {
      at_days: `${step}, reading AS (
          SELECT day, CASE WHEN bool_or(all_came) THEN 0 ELSE exp(COALESCE(sum(log_stay), 0)) END AS stay,
            COALESCE(sum(greenwood), 0) AS greenwood
          FROM (VALUES ${values(chosen)}) v(day) LEFT JOIN step ON days <= day
          WHERE day <= (SELECT ${s.T} - min(first_day) FROM waited) GROUP BY day)
        SELECT day, 1 - stay, stay * sqrt(greenwood), (SELECT COALESCE(sum(customers), 0) FROM by_days WHERE days >= day)
        FROM reading ORDER BY day`,
      curve: `${step}, reading AS (SELECT days, events, at_risk,
            CASE WHEN all_came THEN 0 ELSE exp(sum(log_stay) OVER (ORDER BY days)) END AS stay,
            sum(greenwood) OVER (ORDER BY days) AS greenwood FROM step)
        SELECT days, events, at_risk, stay, stay * sqrt(greenwood) FROM reading ORDER BY days`,
    },
  };
};

// --- Months after the first ---

// active(cohort, month, n): customers of a cohort with a purchase day looked at in a month; size(cohort, n).
const activeMask = (s) => [`CREATE OR REPLACE TEMP TABLE cohort_mask AS
  SELECT cohort, mask, count(*) AS n FROM (
    SELECT min(month) AS cohort, COALESCE(bit_or(1::BIGINT << (month - ${s.month_min})) FILTER (${looked(s)}), 0) AS mask
    FROM orders WHERE ${counted(s)} GROUP BY customer)
  GROUP BY cohort, mask`,
`CREATE OR REPLACE TEMP TABLE active AS SELECT cohort, (m + ${s.month_min})::INTEGER AS month, sum(n) AS n
  FROM cohort_mask, range(63) t(m) WHERE (mask >> m) & 1 = 1 GROUP BY ALL`,
`CREATE OR REPLACE TEMP TABLE size AS SELECT cohort, sum(n) AS n FROM cohort_mask GROUP BY cohort`];
const activeStream = (s) => [`CREATE OR REPLACE TEMP TABLE seen AS
  SELECT cohort, month, count(*) FILTER (is_first) AS born,
         count(*) FILTER (${looked(s)} AND (is_first OR pm <> month OR pd < ${s.F})) AS n
  FROM (SELECT day, month, pm, pd, is_first,
           max(CASE WHEN is_first THEN customer::BIGINT << 16 | month END) OVER (ROWS UNBOUNDED PRECEDING) & 65535 AS cohort
        FROM (SELECT customer, day, month, pm, pd, pc IS DISTINCT FROM customer AS is_first
              FROM (SELECT customer, day, month, lag(customer) OVER () AS pc, lag(month) OVER () AS pm, lag(day) OVER () AS pd
                    FROM orders WHERE ${counted(s)})))
  GROUP BY ALL`,
`CREATE OR REPLACE TEMP TABLE active AS SELECT cohort, month, n FROM seen WHERE n > 0`,
`CREATE OR REPLACE TEMP TABLE size AS SELECT cohort, sum(born) AS n FROM seen GROUP BY cohort`];

const cohorts = (active) => (s) => ({
  steps: active(s),
  sections: {
    retention: `SELECT cohort, month - cohort, size.n, active.n, ${ratio('active.n', 'size.n')}
      FROM active JOIN size USING (cohort) ORDER BY 1, 2`,
  },
});

const monthly = (active) => (s) => ({
  steps: active(s),
  sections: {
    monthly: `WITH sold AS (SELECT month, count(*) FILTER (${counted(s)}) AS orders, sum(amount) AS amount FROM orders
        WHERE ${looked(s)} GROUP BY month),
      returned AS (SELECT month, count(*) AS refunds, sum(amount) AS amount FROM refund WHERE ${looked(s)} GROUP BY month),
      visited AS (SELECT month, sum(n) AS customers, COALESCE(sum(n) FILTER (cohort = month), 0) AS new FROM active GROUP BY month)
      SELECT month, COALESCE(orders, 0), COALESCE(sold.amount, 0) - ${s.net ? 'COALESCE(returned.amount, 0)' : '0'},
        COALESCE(customers, 0), COALESCE(new, 0), COALESCE(customers - new, 0), COALESCE(refunds, 0), COALESCE(returned.amount, 0)
      FROM sold FULL JOIN returned USING (month) LEFT JOIN visited USING (month) ORDER BY month`,
  },
});

// first: how the first month of each customer is brought to its orders and refunds.
const revenueTail = (s, moved) => ({
  revenue: `WITH tally AS (SELECT cohort, month - cohort AS k, sum(counted) AS orders, sum(amount) AS amount FROM ${moved} GROUP BY ALL),
    size AS (SELECT cohort, count(*) AS n FROM first GROUP BY cohort)
    SELECT cohort, k, size.n, orders, amount, ${ratio('amount', 'size.n')} FROM tally JOIN size USING (cohort) ORDER BY 1, 2`,
});
const revenueJoin = (s) => ({
  steps: [`CREATE OR REPLACE TEMP TABLE first AS SELECT customer, min(month)::INTEGER AS cohort FROM orders WHERE ${counted(s)} GROUP BY customer`],
  sections: revenueTail(s, `(
    SELECT cohort, month, count(*) FILTER (${counted(s)}) AS counted, sum(amount) AS amount
    FROM orders JOIN first USING (customer) WHERE ${looked(s)} GROUP BY ALL
    ${s.net ? `UNION ALL SELECT cohort, month, 0, -sum(amount) FROM refund JOIN first USING (customer) WHERE ${looked(s)} GROUP BY ALL` : ''})`),
});
// The customer's months are gathered first, so that fewer rows are joined.
const revenueMonths = (s) => ({
  steps: [`CREATE OR REPLACE TEMP TABLE by_month AS
      SELECT customer, month, count(*) FILTER (${counted(s)}) AS known, count(*) FILTER (${counted(s)} AND ${looked(s)}) AS counted,
        sum(amount) FILTER (${looked(s)}) AS amount FROM orders WHERE day < ${s.A} GROUP BY customer, month`,
  `CREATE OR REPLACE TEMP TABLE first AS SELECT customer, min(month)::INTEGER AS cohort FROM by_month WHERE known > 0 GROUP BY customer`],
  sections: revenueTail(s, `(
    SELECT cohort, month, sum(counted) AS counted, sum(amount) AS amount FROM by_month JOIN first USING (customer)
    WHERE amount IS NOT NULL GROUP BY ALL
    ${s.net ? `UNION ALL SELECT cohort, month, 0, -sum(amount) FROM refund JOIN first USING (customer) WHERE ${looked(s)} GROUP BY ALL` : ''})`),
});

// --- Gaps ---

// gap: customer, days, from_purchase (11 for the 11th and later).
const gapStream = (s) => `(SELECT customer, day, day - before AS days, least(rn - start, 11) AS from_purchase
  FROM (SELECT customer, day, before, rn, max(CASE WHEN before IS NULL THEN rn END) OVER (ROWS UNBOUNDED PRECEDING) AS start
        FROM (SELECT customer, day, before, row_number() OVER () AS rn FROM ${dayStream(s)}))
  WHERE before >= ${s.F} AND day <= ${s.T})`;
const gapHash = (s) => `(SELECT customer, day, day - before AS days, least(number - 1, 11) AS from_purchase
  FROM (SELECT customer, day, lag(day) OVER w AS before, row_number() OVER w AS number FROM ${dayHash(s)}
        WINDOW w AS (PARTITION BY customer ORDER BY day))
  WHERE before >= ${s.F} AND day <= ${s.T})`;

// In one pass over the gaps (kept in a table), or in two.
const rhythm = (gap, kept) => (s) => ({
  steps: [
    ...(kept ? [`CREATE OR REPLACE TEMP TABLE gap AS SELECT customer, days::SMALLINT AS days, from_purchase::TINYINT AS from_purchase FROM ${gap(s)}`] : []),
    `CREATE OR REPLACE TEMP TABLE gap_count AS SELECT from_purchase, days AS value, count(*) AS n FROM ${kept ? 'gap' : gap(s)} GROUP BY ALL`,
    'CREATE OR REPLACE TEMP TABLE all_count AS SELECT value, sum(n) AS n FROM gap_count GROUP BY value'],
  sections: {
    overall: `SELECT COALESCE(sum(n), 0), ${quantile(50, 100, 'all_count')}, ${ratio('sum(value * n)', 'sum(n)')}, ${quantile(25, 100, 'all_count')},
        ${quantile(75, 100, 'all_count')}, ${quantile(90, 100, 'all_count')}, max(value),
        (SELECT quantile_cont(mean, 0.5) FROM (SELECT sum(days)::DOUBLE / count(*) AS mean FROM ${kept ? 'gap' : gap(s)} GROUP BY customer)),
        ${quantile(50, 100, 'gap_count', 'from_purchase = 1')}
      FROM all_count`,
    by_number: `WITH running AS (SELECT from_purchase, value, n, sum(n) OVER (PARTITION BY from_purchase ORDER BY value) AS upto,
          sum(n) OVER (PARTITION BY from_purchase) AS total FROM gap_count),
        around AS (SELECT from_purchase, total, sum(value * n) AS days,
          ${[25, 50, 75, 90].map((p) => `min(value) FILTER (upto > (total - 1) * ${p} // 100) AS low${p},
            min(value) FILTER (upto > (total - 1) * ${p} // 100 + 1) AS high${p}`).join(', ')}
          FROM running GROUP BY ALL)
      SELECT from_purchase, total, ${[50, 0, 25, 75, 90].map((p) => p === 0 ? 'days::DOUBLE / total'
          : `low${p} + (COALESCE(high${p}, low${p}) - low${p}) * ((total - 1) * ${p} % 100) / 100.0`).join(', ')}
      FROM around ORDER BY from_purchase`,
  },
});

// --- Customers' worth ---

// buyer: customer, last (purchase day), orders, amount.
const buyer = (s) => {
  const sold = `SELECT customer, max(day) FILTER (${counted(s)}) AS last, count(*) FILTER (${counted(s)}) AS orders,
      sum(amount)::BIGINT AS amount FROM orders WHERE ${looked(s)} GROUP BY customer HAVING count(*) FILTER (${counted(s)}) > 0`;
  if (!s.net)
    return `CREATE OR REPLACE TEMP TABLE buyer AS ${sold}`;
  return `CREATE OR REPLACE TEMP TABLE buyer AS SELECT customer, last, orders, amount - COALESCE(given, 0)::BIGINT AS amount
    FROM (${sold}) LEFT JOIN (SELECT customer, sum(amount) AS given FROM refund WHERE ${looked(s)} GROUP BY customer) USING (customer)`;
};

// Five times each threshold, an integer; rounded because quantile_cont's own arithmetic is not exact.
const rfm = (s) => ({
  steps: [buyer(s),
  `CREATE OR REPLACE TEMP TABLE edge AS SELECT ${[['r', `${s.A} - last`], ['f', 'orders'], ['m', 'amount']].map(([d, v]) =>
      `list_transform(quantile_cont((5 * (${v}))::DOUBLE, [0.2, 0.4, 0.6, 0.8]), lambda q: round(q)::BIGINT) AS ${d}`).join(', ')} FROM buyer`,
  `CREATE OR REPLACE TEMP TABLE cell AS
    SELECT 5 - (${[1, 2, 3, 4].map((i) => `(5 * (${s.A} - last) > e.r[${i}])::INTEGER`).join(' + ')}) AS r,
      1 + ${[1, 2, 3, 4].map((i) => `(5 * orders > e.f[${i}])::INTEGER`).join(' + ')} AS f,
      1 + ${[1, 2, 3, 4].map((i) => `(5 * b.amount > e.m[${i}])::INTEGER`).join(' + ')} AS m, count(*) AS customers, sum(b.amount) AS amount
    FROM buyer b, edge e GROUP BY 1, 2, 3`],
  sections: {
    thresholds: [['R', 'r', 1], ['F', 'f', 1], ['M', 'm', 100]].map(([name, d, unit]) =>
      `SELECT '${name}', ${[1, 2, 3, 4].map((i) => `${d}[${i}] / ${5 * unit}.0`).join(', ')} FROM edge`).join(' UNION ALL '),
    scores: ['f', 'm', 'r'].map((d) => `(SELECT '${d.toUpperCase()}', ${d}, sum(customers) FROM cell GROUP BY ${d} ORDER BY ${d})`).join(' UNION ALL '),
    cells: 'SELECT r, f, m, customers, amount FROM cell ORDER BY r, f, m',
  },
});

const concentration = (s) => ({
  steps: [buyer(s),
  `CREATE OR REPLACE TEMP TABLE ranked AS SELECT amount, n, sum(n) OVER (ORDER BY amount DESC) - n AS above,
    sum(n) OVER (ORDER BY amount) - n AS below FROM (SELECT amount, count(*) AS n FROM buyer GROUP BY amount)`,
  'CREATE OR REPLACE TEMP TABLE whole AS SELECT COALESCE(sum(n), 0)::BIGINT AS n, COALESCE(sum(n * amount), 0) AS amount FROM ranked'],
  sections: {
    top: `WITH top AS (SELECT percent, (n * percent + 99) // 100 AS k, amount FROM (VALUES (1), (5), (10), (20), (50)) v(percent), whole)
      SELECT percent / 100.0, k, COALESCE(sum(greatest(least(r.n, k - r.above), 0) * r.amount), 0),
        ${ratio('sum(greatest(least(r.n, k - r.above), 0) * r.amount)', 'any_value(top.amount)')}
      FROM top LEFT JOIN ranked r ON r.above < k GROUP BY percent, k ORDER BY percent`,
    gini: `SELECT whole.n, whole.amount, (SELECT sum(r.n::DOUBLE * (2 * r.below + r.n - whole.n) * r.amount) FROM ranked r) /
      NULLIF(whole.n::DOUBLE * whole.amount, 0) FROM whole`,
  },
});

// --- Totals and counts ---

const totals = (s) => ({
  steps: [`CREATE OR REPLACE TEMP TABLE sold AS
      SELECT count(*) AS orders, sum(amount) AS amount, count(*) FILTER (pc IS DISTINCT FROM customer) AS buyers,
        count(*) FILTER (pc IS DISTINCT FROM customer OR pd <> day) AS days, min(day) AS first_day, max(day) AS last_day
      FROM (SELECT customer, day, amount, lag(customer) OVER () AS pc, lag(day) OVER () AS pd FROM orders WHERE ${counted(s)} AND ${looked(s)})`,
  `CREATE OR REPLACE TEMP TABLE amount_count AS SELECT amount AS value, count(*) AS n FROM orders WHERE ${counted(s)} AND ${looked(s)} GROUP BY amount`,
  `CREATE OR REPLACE TEMP TABLE given AS SELECT customer, count(*) AS n, sum(amount) AS amount FROM refund WHERE ${looked(s)} GROUP BY customer`],
  sections: {
    totals: `WITH gross AS (SELECT COALESCE(sum(amount), 0) AS amount FROM orders WHERE ${looked(s)}),
      back AS (SELECT count(*) AS customers, COALESCE(sum(n), 0) AS n, COALESCE(sum(amount), 0) AS amount FROM given),
      either AS (SELECT count(*) AS n FROM given WHERE customer IN (SELECT customer FROM orders WHERE ${counted(s)} AND ${looked(s)}))
      SELECT buyers, orders, days, first_day, last_day, gross.amount, back.amount, gross.amount - back.amount,
        ${ratio('sold.amount', 'orders')}, ${quantile(1, 2, 'amount_count')}, back.n, customers, customers - either.n,
        ${ratio('back.amount', 'gross.amount')}, ${ratio('either.n', 'buyers')} FROM sold, gross, back, either`,
  },
});

// counts: customers by (orders, days).
const countsStream = (s) => `CREATE OR REPLACE TEMP TABLE counts AS SELECT orders, days, count(*) AS n
  FROM (SELECT rn - (start >> 32) + 1 AS orders, dn - (start & 4294967295) + 1 AS days, customer, lead(customer) OVER () AS nc
        FROM (SELECT customer, rn, dn, max(CASE WHEN is_first THEN rn << 32 | dn::BIGINT END) OVER (ROWS UNBOUNDED PRECEDING) AS start
              FROM (SELECT customer, pc IS DISTINCT FROM customer AS is_first, row_number() OVER () AS rn,
                      sum(CASE WHEN pc IS DISTINCT FROM customer OR pd <> day THEN 1 ELSE 0 END) OVER (ROWS UNBOUNDED PRECEDING) AS dn
                    FROM (SELECT customer, day, lag(customer) OVER () AS pc, lag(day) OVER () AS pd FROM orders
                          WHERE ${counted(s)} AND ${looked(s)}))))
  WHERE nc IS DISTINCT FROM customer GROUP BY ALL`;
const countsHash = (s) => `CREATE OR REPLACE TEMP TABLE counts AS SELECT orders, days, count(*) AS n
  FROM (SELECT sum(n) AS orders, count(*) AS days FROM (SELECT customer, day, count(*) AS n FROM orders WHERE ${counted(s)} AND ${looked(s)}
        GROUP BY customer, day) GROUP BY customer) GROUP BY ALL`;
const countsFlag = (s) => `CREATE OR REPLACE TEMP TABLE counts AS SELECT orders, days, count(*) AS n
  FROM (SELECT count(*) AS orders, count(*) FILTER (pc IS DISTINCT FROM customer OR pd <> day) AS days
        FROM (SELECT customer, day, lag(customer) OVER () AS pc, lag(day) OVER () AS pd FROM orders WHERE ${counted(s)} AND ${looked(s)})
        GROUP BY customer) GROUP BY ALL`;
const repurchase = (counts) => (s) => ({
  steps: [counts(s)],
  sections: {
    repurchase: `WITH c AS (SELECT COALESCE(sum(n), 0) AS customers, ${[2, 3, 5].map((k) =>
        `COALESCE(sum(n) FILTER (days >= ${k}), 0) AS d${k}`).join(', ')}, COALESCE(sum(n) FILTER (orders >= 2), 0) AS o2,
        sum(n * orders) AS orders, max(orders) AS max_orders, max(days) AS max_days FROM counts)
      SELECT customers, d2, ${ratio('d2', 'customers')}, o2, ${ratio('o2', 'customers')}, d3, d5, ${ratio('orders', 'customers')}, max_orders, max_days FROM c`,
  },
});
const frequency = (counts) => (s) => ({
  steps: [counts(s)],
  sections: {
    frequency: `SELECT days, sum(n), ${ratio('sum(n)', '(SELECT sum(n) FROM counts)')} FROM counts GROUP BY days ORDER BY days`,
  },
});

// --- By channel and by product ---

const channelTail = (s) => `SELECT 'c' || channel, customers, orders, amount - COALESCE(given, 0), repeats, ${ratio('repeats', 'customers')}
  FROM tally LEFT JOIN (SELECT channel, sum(amount) AS given FROM refund WHERE ${s.net} AND ${looked(s)} GROUP BY channel) USING (channel)
  ORDER BY 4 DESC, channel`;
// Two or more days: the first is not the last.
const channelHash = (s) => ({
  steps: [`CREATE OR REPLACE TEMP TABLE tally AS SELECT channel, count(last) AS customers, sum(orders) AS orders, sum(amount) AS amount,
      count(*) FILTER (first < last) AS repeats
    FROM (SELECT channel, customer, count(*) FILTER (${counted(s)}) AS orders, sum(amount) AS amount, min(day) FILTER (${counted(s)}) AS first,
            max(day) FILTER (${counted(s)}) AS last FROM orders WHERE ${looked(s)} GROUP BY channel, customer) GROUP BY channel`],
  sections: { by_channel: channelTail(s) },
});
// Channel by channel, each a stream of its own: a customer is new where the row before is another's, and comes back where
// the day differs for the first time.
const channelStream = (s) => ({
  steps: [`CREATE OR REPLACE TEMP TABLE tally AS
    WITH visit AS (${Array.from({ length: 8 }, (_, c) => `
      SELECT ${c} AS channel, count(*) FILTER (is_first) AS customers, count(*) FILTER (NOT is_first AND pd = first AND day > first) AS repeats
      FROM (SELECT day, pd, is_first, max(CASE WHEN is_first THEN customer::BIGINT << 16 | day END) OVER (ROWS UNBOUNDED PRECEDING) & 65535 AS first
            FROM (SELECT customer, day, pd, pc IS DISTINCT FROM customer AS is_first
                  FROM (SELECT customer, day, lag(customer) OVER () AS pc, lag(day) OVER () AS pd FROM orders
                        WHERE channel = ${c} AND ${counted(s)} AND ${looked(s)})))`).join(' UNION ALL ')}),
    sold AS (SELECT channel, count(*) FILTER (${counted(s)}) AS orders, sum(amount) AS amount FROM orders WHERE ${looked(s)} GROUP BY channel)
    SELECT channel, customers, orders, amount, repeats FROM sold JOIN visit USING (channel)`],
  sections: { by_channel: channelTail(s) },
});

// Between equal largest lines of a day the smaller code decides; codes have four digits, so that it is the smaller number.
const productJoin = (s) => ({
  steps: [`CREATE OR REPLACE TEMP TABLE first AS SELECT customer, min(day) AS first_day FROM orders WHERE ${counted(s)} GROUP BY customer
      HAVING min(day) BETWEEN ${s.F} AND ${s.T}`,
  `CREATE OR REPLACE TEMP TABLE started AS
    SELECT customer, any_value(first_day) AS first_day, min(day) FILTER (${counted(s)} AND day > first_day) AS second_day, sum(amount) AS amount,
      arg_max(product, top_line::BIGINT << 32 | (4294967295 - product)) FILTER (${counted(s)} AND day = first_day) AS product
    FROM orders o JOIN first USING (customer) WHERE ${looked(s)} GROUP BY customer`],
  sections: productTail(s),
});
const productOne = (s) => ({ // the first day and its product found in one grouping: the earliest day, then the largest line
  steps: [`CREATE OR REPLACE TEMP TABLE first AS SELECT customer, min(day) AS first_day,
      arg_max(product, ((65535 - day)::HUGEINT << 64) | (top_line::HUGEINT << 32) | (4294967295 - product)) AS product
    FROM orders WHERE ${counted(s)} GROUP BY customer HAVING min(day) BETWEEN ${s.F} AND ${s.T}`,
  `CREATE OR REPLACE TEMP TABLE started AS
    SELECT customer, any_value(first_day) AS first_day, min(day) FILTER (${counted(s)} AND day > first_day) AS second_day,
      sum(amount) AS amount, any_value(first.product) AS product
    FROM (SELECT customer, day, amount, whole FROM orders WHERE ${looked(s)}) JOIN first USING (customer) GROUP BY customer`],
  sections: productTail(s),
});
function productTail(s) {
  return {
    by_first_product: `SELECT printf('p%04d', product), NULL, count(*) AS customers, count(second_day) AS repeats, ${ratio('count(second_day)', 'count(*)')},
        count(*) FILTER (first_day + 90 <= ${s.T}) AS eligible, count(*) FILTER (first_day + 90 <= ${s.T} AND second_day - first_day <= 90) AS back,
        ${ratio(`count(*) FILTER (first_day + 90 <= ${s.T} AND second_day - first_day <= 90)`, `count(*) FILTER (first_day + 90 <= ${s.T})`)},
        sum(amount - ${s.net ? 'COALESCE(given, 0)' : '0'})
      FROM started ${s.net ? `LEFT JOIN (SELECT customer, sum(amount) AS given FROM refund WHERE ${looked(s)} GROUP BY customer) USING (customer)` : ''}
      GROUP BY product ORDER BY customers DESC, product`,
  };
}

// --- Overdue ---

const overdue = (gap) => (s) => ({
  steps: [buyer(s),
  `CREATE OR REPLACE TEMP TABLE gap AS SELECT customer, days, from_purchase FROM ${gap(s)}`,
  `CREATE OR REPLACE TEMP TABLE own AS SELECT customer, CASE WHEN count(*) >= 5 THEN round(quantile_cont((10 * days)::DOUBLE, 0.9))::BIGINT END AS tenfold,
     count(*) + 1 AS days FROM gap GROUP BY customer`,
  `CREATE OR REPLACE TEMP TABLE number AS SELECT customer, least(count(*), 11) AS number, count(*) FILTER (day >= ${s.F}) AS days
     FROM ${dayHash(s)} WHERE day <= ${s.T} GROUP BY customer`,
  `CREATE OR REPLACE TEMP TABLE brand AS SELECT from_purchase, round(quantile_cont((10 * days)::DOUBLE, 0.9))::BIGINT AS tenfold FROM gap GROUP BY from_purchase`,
  `CREATE OR REPLACE TEMP TABLE judged AS
    SELECT customer, number.days, last, ${s.A} - last AS since, amount, COALESCE(own.tenfold, brand.tenfold) AS tenfold,
      CASE WHEN own.tenfold IS NOT NULL THEN 1 WHEN brand.tenfold IS NOT NULL THEN 2 ELSE 3 END AS basis,
      COALESCE(10 * (${s.A} - last) > COALESCE(own.tenfold, brand.tenfold), false) AS overdue
    FROM buyer JOIN number USING (customer) LEFT JOIN own USING (customer) LEFT JOIN brand ON brand.from_purchase = number.number`],
  sections: {
    summary: `SELECT ['own', 'brand', 'none'][basis], count(*), count(*) FILTER (overdue), ${ratio('count(*) FILTER (overdue)', 'count(*)')},
      COALESCE(sum(amount) FILTER (overdue), 0) FROM judged GROUP BY basis ORDER BY basis`,
    customers: `SELECT customer, days, last, since, tenfold / 10.0, ['own', 'brand', 'none'][basis], amount FROM judged WHERE overdue
      ORDER BY amount DESC, customer`,
  },
});

export const reports = {
  totals: { stream: totals },
  repurchase: { stream: repurchase(countsStream), flag: repurchase(countsFlag), hash: repurchase(countsHash) },
  frequency: { stream: frequency(countsStream), flag: frequency(countsFlag), hash: frequency(countsHash) },
  nday: { stream: nday(waitedStream), hash: nday(waitedHash) },
  cohorts: { stream: cohorts(activeStream), mask: cohorts(activeMask) },
  'cohort-revenue': { join: revenueJoin, months: revenueMonths },
  monthly: { stream: monthly(activeStream), mask: monthly(activeMask) },
  rhythm: { stream: rhythm(gapStream, false), 'stream kept': rhythm(gapStream, true), hash: rhythm(gapHash, true) },
  'second-purchase': { stream: secondPurchase(waitedStream), hash: secondPurchase(waitedHash) },
  rfm: { hash: rfm },
  concentration: { hash: concentration },
  'by-channel': { hash: channelHash, stream: channelStream },
  'by-first-product': { join: productJoin, one: productOne },
  overdue: { stream: overdue(gapStream), hash: overdue(gapHash) },
};
