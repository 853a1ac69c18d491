#!/usr/bin/env python3
"""The SQL twins of the reports against a naive oracle, on seeded random brands, on SQLite and PostgreSQL.

    python3 test/reference/twins_oracle.py [--rounds N] [--seed S] [--keep-going]

Standard library only; PostgreSQL (HUITOU_TEST_POSTGRES) through the psql command line, in a database of its own that is
dropped at the end. Needs nothing that is built: it reads the .sql files themselves. The oracle below is
written from the definitions in src/engine/metric.c, slowly and plainly, with fractions instead of floating point.
Each section of each round is one test per database. Exit code 0 where all passed; the last line counts them."""
import argparse
import datetime
import math
import os
import random
import re
import sqlite3
import subprocess
import sys
from fractions import Fraction

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.join(HERE, "..", "..", "src")
SCHEMAS = ["room/setup/schema.sql", "room/customer/schema.sql", "room/order/schema.sql"]
TABLES = ["customer", "orders", "order_line", "refund", "channel", "product"]
PARAMETERS = ["as_of", "from_day", "to_day", "net", "unit"]
CALENDAR = (7305, 47481)
EPOCH = datetime.date(1970, 1, 1)

# --- The statements and tables as they stand in the source ---------------------------------------------------------------


class Statement:
    def __init__(self, name, columns, sql):
        self.name, self.columns, self.sql = name, columns, sql  # columns: [(name, type, nullable)]


# Statements of the room that are no twin of a report.
OTHERS = {"statements_bulk.sql", "statements_today.sql"}


def read_statements():
    statements = {}
    folder, parts = os.path.join(SOURCE, "room/insight"), []
    for name in sorted(os.listdir(folder)):
        if name.startswith("statements") and name.endswith(".sql") and name not in OTHERS:
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                parts += re.split(r"^-- name: ", file.read(), flags=re.M)[1:]
    for part in parts:
        # A comment line of "--" and two or more spaces goes on with the one above.
        lines = re.sub(r"\n-- {2,}", " ", part).split("\n")
        columns = []
        for line in lines:
            if line.startswith("-- out: "):
                for item in line[len("-- out: "):].split(","):
                    name, kind = item.split()
                    columns.append((name, kind.rstrip("?"), kind.endswith("?")))
        sql = "\n".join(line for line in lines[1:] if not line.startswith("--")).strip().rstrip(";")
        statements[lines[0].strip()] = Statement(lines[0].strip(), columns, sql)
    return statements


def schema_for(postgres):
    text = ""
    for path in SCHEMAS:
        with open(os.path.join(SOURCE, path), encoding="utf-8") as file:
            text += "\n".join(line for line in file.read().split("\n") if not line.startswith("--")) + "\n"
    if postgres:
        text = text.replace(") STRICT CLUSTERED", ")").replace(") STRICT", ")")
        swap = {"INT64": "BIGINT", "BYTES": "BYTEA", "FLOAT64": "DOUBLE PRECISION"}
    else:
        text = text.replace(") STRICT CLUSTERED", ") STRICT, WITHOUT ROWID")
        swap = {"INT64": "INTEGER", "BYTES": "BLOB", "FLOAT64": "REAL"}
    return re.sub(r"\b(INT64|BYTES|FLOAT64)\b", lambda match: swap[match.group(1)], text)


def month_of(day):
    date = EPOCH + datetime.timedelta(days=day)
    return date.year * 12 + date.month - 1


# --- Random brands ------------------------------------------------------------------------------------------------------


class Order:
    def __init__(self, **fields):
        self.__dict__.update(fields)


class World:
    """births: [(id, root, placeholder)]; the placeholder flag that matters is the root's."""

    def __init__(self):
        self.births, self.orders, self.refunds = [], [], []
        self.channels, self.products = {}, {}

    def root(self, birth):
        return self.root_of[birth]

    def settle(self):
        self.root_of = {birth: root for birth, root, _ in self.births}
        flag = {birth: placeholder for birth, _, placeholder in self.births}
        self.hidden = {birth: flag[root] == 1 for birth, root, _ in self.births}


def random_world(rng):
    world = World()
    people = rng.choice([0, 1, 3, 8, 20, 40])
    birth_count = people + rng.randint(0, 4)
    births = list(range(1, birth_count + 1))
    for birth in births:
        root = birth
        world.births.append([birth, root, 1 if rng.random() < 0.1 else 0])
    for birth in world.births:  # one level of links is what root_id shows
        if rng.random() < 0.2:
            top = rng.choice(world.births)
            if top[0] == top[1] and not any(other[1] == birth[0] and other is not birth for other in world.births):
                birth[1] = top[0]
    world.settle()
    for number in range(1, rng.randint(0, 4) + 1):
        world.channels[number] = "channel %d" % (9 - number)
    for number in range(1, rng.randint(0, 5) + 1):
        world.products[number] = ("code %d" % (9 - number), "name %d" % number)
    start = day_of(2010, rng.randint(1, 12), rng.randint(1, 28))
    length = rng.choice([10, 60, 200, 700, 1500])  # the longest window is a year
    step = rng.choice([1, 1, 5, 15])  # days that lie 5 or 15 apart meet the ends of windows
    amounts = rng.choice([[0, 100], [999, 1000, 2500], list(range(0, 5000)), [100]])
    next_id = 1000
    for birth in births:
        for _ in range(rng.choice([0, 1, 1, 2, 3, 8, 20])):
            next_id += rng.randint(1, 3)
            paid_day = start + int(length * rng.random() ** 1.5) // step * step
            add_order(rng, world, birth, next_id, paid_day, amounts)
        if rng.random() < 0.25:
            next_id += 1
            world.refunds.append(Order(customer=birth, id=next_id, order_id=0, amount=rng.choice(amounts) + 1,
                                       day=start + rng.randint(0, length), channel=some(rng, world.channels)))
    return world, start, length


def day_of(year, month, day):
    return (datetime.date(year, month, day) - EPOCH).days


def some(rng, numbered):
    return rng.choice([0] + list(numbered))


def add_order(rng, world, birth, order_id, paid_day, amounts):
    order = Order(customer=birth, id=order_id, amount=rng.choice(amounts), channel=some(rng, world.channels),
                  paid_day=paid_day, whole_day=None, lines=[])
    for number in range(1, rng.choice([0, 1, 1, 2, 4]) + 1):
        order.lines.append((number, some(rng, world.products), rng.choice(amounts)))
    if rng.random() < 0.08:
        order.paid_day = None
    world.orders.append(order)
    if rng.random() < 0.1:
        world.refunds.append(taken_back(rng, world, order, paid_day + rng.choice([0, 1, 30, 200])))
    if order.paid_day is None or rng.random() > 0.25:
        return
    day = order.paid_day + rng.choice([0, 1, 30, 200])
    if rng.random() < 0.6:
        order.whole_day = day
    world.refunds.append(Order(customer=birth, id=order_id + 500000, order_id=order_id, day=day,
                               channel=some(rng, world.channels),
                               amount=max(1, order.amount if order.whole_day else order.amount // 3)))


def taken_back(rng, world, order, day):
    """A later file took this refund back: its row says 0, and no report knows of it."""
    return Order(customer=order.customer, id=order.id + 900000, order_id=order.id, day=day,
                 channel=some(rng, world.channels), amount=0)


class Scope:
    def __init__(self, as_of, from_day, to_day, net, digits):
        self.as_of, self.from_day, self.to_day, self.net = as_of, from_day, to_day, net
        self.unit = 10 ** digits

    def values(self):
        return {"as_of": self.as_of, "from_day": self.from_day, "to_day": self.to_day, "net": int(self.net),
                "unit": self.unit}

    def __str__(self):
        return str(self.values())


def random_scope(rng, world, start, length):
    """Days at random, often exactly where something happens: on a whole refund, N days after a purchase."""
    as_of = start + length + rng.choice([1, 1, 1, 40]) if rng.random() < 0.6 else start + rng.randint(1, length)
    whole_days = [order.whole_day for order in world.orders if order.whole_day is not None]
    if whole_days and rng.random() < 0.3:
        as_of = max(start + 1, rng.choice(whole_days))
    from_day, to_day = start, as_of - 1
    if rng.random() < 0.4:
        from_day = rng.randint(start - 5, as_of - 1)
    ends = [order.paid_day + window for order in world.orders if order.paid_day for window in [0] + WINDOWS]
    ends = [day for day in ends if from_day <= day < as_of]
    if ends and rng.random() < 0.4:
        to_day = rng.choice(ends)
    elif rng.random() < 0.2:
        to_day = rng.randint(from_day, as_of - 1)
    return Scope(as_of, from_day, to_day, rng.random() < 0.5, rng.choice([0, 2, 3]))


# --- The oracle ---------------------------------------------------------------------------------------------------------


def quantile(values, share):
    """Type 7."""
    values = sorted(values)
    if not values:
        return None
    place = (len(values) - 1) * Fraction(share)
    low = math.floor(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (place - low)


def ratio(a, b):
    return None if not b else Fraction(a) / Fraction(b)


class Look:
    """What a report knows: the base vocabulary of the definitions."""

    def __init__(self, world, scope):
        self.world, self.scope = world, scope
        self.known = [order for order in world.orders if order.paid_day is not None
                      and order.paid_day < scope.as_of and not world.hidden[order.customer]]
        self.looked = [order for order in self.known if self.in_view(order.paid_day)]
        self.refunds = [refund for refund in world.refunds if self.in_view(refund.day)
                        and refund.amount != 0 and not world.hidden[refund.customer]]
        self.days_ever = {}
        for order in self.known:
            if self.counted(order):
                self.days_ever.setdefault(self.who(order), set()).add(order.paid_day)
        self.days_ever = {customer: sorted(days) for customer, days in self.days_ever.items()}
        self.days = {customer: [day for day in days if self.in_view(day)]
                     for customer, days in self.days_ever.items()}
        self.days = {customer: days for customer, days in self.days.items() if days}
        self.customers = sorted(self.days)

    def who(self, fact):
        return self.world.root(fact.customer)

    def in_view(self, day):
        return self.scope.from_day <= day <= self.scope.to_day

    def counted(self, order):
        return order.whole_day is None or order.whole_day >= self.scope.as_of

    def orders_of(self, customer):
        return [order for order in self.looked if self.who(order) == customer and self.counted(order)]

    def amount_of(self, customer):
        paid = sum(order.amount for order in self.looked if self.who(order) == customer)
        if not self.scope.net:
            return paid
        return paid - sum(refund.amount for refund in self.refunds if self.who(refund) == customer)

    def newcomers(self):
        """customer → (first day, second day or None)"""
        found = {}
        for customer, days in self.days_ever.items():
            if self.in_view(days[0]):
                second = days[1] if len(days) > 1 and days[1] <= self.scope.to_day else None
                found[customer] = (days[0], second)
        return found

    def gaps(self):
        """(customer, purchase number it follows, days)"""
        found = []
        for customer, days in self.days_ever.items():
            for number, (a, b) in enumerate(zip(days, days[1:]), 1):
                if self.in_view(a) and self.in_view(b):
                    found.append((customer, min(number, 11), b - a))
        return found


def totals(look):
    amounts = [order.amount for order in look.looked if look.counted(order)]
    gross = sum(order.amount for order in look.looked)
    back = sum(refund.amount for refund in look.refunds)
    all_days = [day for days in look.days.values() for day in days]
    refunded = {look.who(refund) for refund in look.refunds}
    buyers = refunded & set(look.customers)
    return [(len(look.customers), len(amounts), len(all_days), min(all_days, default=None),
             max(all_days, default=None), gross, back, gross - back, ratio(sum(amounts), len(amounts)),
             quantile(amounts, Fraction(1, 2)), len(look.refunds), len(refunded), len(refunded - buyers),
             ratio(back, gross), ratio(len(buyers), len(look.customers)))]


def repurchase(look):
    days = [len(look.days[customer]) for customer in look.customers]
    orders = [len(look.orders_of(customer)) for customer in look.customers]
    n = len(days)
    by_day, by_order = sum(d >= 2 for d in days), sum(o >= 2 for o in orders)
    return [(n, by_day, ratio(by_day, n), by_order, ratio(by_order, n), sum(d >= 3 for d in days),
             sum(d >= 5 for d in days), ratio(sum(orders), n), max(orders, default=None), max(days, default=None))]


def frequency(look):
    days = [len(look.days[customer]) for customer in look.customers]
    return [(k, days.count(k), ratio(days.count(k), len(days))) for k in sorted(set(days))]


WINDOWS = [7, 14, 30, 60, 90, 180, 365]


def nday_counts(look, people, window):
    back = [1 if second is not None and 1 <= second - first <= window else 0 for first, second in people]
    full = [1 if first + window <= look.scope.to_day else 0 for first, _ in people]
    return sum(back), sum(full), sum(b * f for b, f in zip(back, full))


def nday_overall(look):
    people = list(look.newcomers().values())
    rows = []
    for window in WINDOWS:
        back, full, both = nday_counts(look, people, window)
        rows.append((window, len(people), back, ratio(back, len(people)), full, both, ratio(both, full)))
    return rows


def nday_cohort(look):
    newcomers = look.newcomers().values()
    rows = []
    for cohort in sorted({month_of(first) for first, _ in newcomers}):
        people = [person for person in newcomers if month_of(person[0]) == cohort]
        ever = sum(second is not None for _, second in people)
        for window in WINDOWS:
            back, full, both = nday_counts(look, people, window)
            rows.append((cohort, window, len(people), back, full, both, ratio(both, full), ever))
    return rows


def cohort_of(look):
    return {customer: month_of(days[0]) for customer, days in look.days_ever.items()}


def cohorts(look):
    cohort = cohort_of(look)
    size = list(cohort.values())
    active = {(cohort[customer], month_of(day) - cohort[customer], customer)
              for customer, days in look.days.items() for day in days}
    cells = [(c, k) for c, k, _ in active]
    return [(c, k, size.count(c), cells.count((c, k)), ratio(cells.count((c, k)), size.count(c)))
            for c, k in sorted(set(cells))]


def cohort_revenue(look):
    cohort = cohort_of(look)
    size = list(cohort.values())
    cells = {}
    for order in look.looked:
        if look.who(order) in cohort:
            c = cohort[look.who(order)]
            cell = cells.setdefault((c, month_of(order.paid_day) - c), [0, 0])
            cell[0] += look.counted(order)
            cell[1] += order.amount
    for refund in look.refunds if look.scope.net else []:
        if look.who(refund) in cohort:
            c = cohort[look.who(refund)]
            cells.setdefault((c, month_of(refund.day) - c), [0, 0])[1] -= refund.amount
    return [(c, k, size.count(c), orders, amount, ratio(amount, size.count(c)))
            for (c, k), (orders, amount) in sorted(cells.items())]


def monthly(look):
    cohort = cohort_of(look)
    months = {month_of(order.paid_day) for order in look.looked} | {month_of(refund.day) for refund in look.refunds}
    rows = []
    for month in sorted(months):
        orders = [order for order in look.looked if month_of(order.paid_day) == month]
        refunds = [refund.amount for refund in look.refunds if month_of(refund.day) == month]
        active = {customer for customer, days in look.days.items() if any(month_of(day) == month for day in days)}
        amount = sum(order.amount for order in orders) - (sum(refunds) if look.scope.net else 0)
        rows.append((month, sum(look.counted(order) for order in orders), amount, len(active),
                     sum(cohort[customer] == month for customer in active),
                     sum(cohort[customer] < month for customer in active), len(refunds), sum(refunds)))
    return rows


def gap_figures(days):
    return [quantile(days, Fraction(1, 2)), ratio(sum(days), len(days))] + \
        [quantile(days, Fraction(k, 100)) for k in (25, 75, 90)]


def rhythm_overall(look):
    gaps = look.gaps()
    days = [gap for _, _, gap in gaps]
    own = {}
    for customer, _, gap in gaps:
        own.setdefault(customer, []).append(gap)
    means = [ratio(sum(values), len(values)) for values in own.values()]
    return [tuple([len(days)] + gap_figures(days) + [max(days, default=None), quantile(means, Fraction(1, 2)),
            quantile([gap for _, number, gap in gaps if number == 1], Fraction(1, 2))])]


def rhythm_number(look):
    rows = []
    for number in range(1, 12):
        days = [gap for _, k, gap in look.gaps() if k == number]
        if days:
            rows.append(tuple([number, len(days)] + gap_figures(days)))
    return rows


def survival(look):
    """times of all, and the steps (day, events, at risk, survival, Greenwood's sum)"""
    people = look.newcomers().values()
    times = [((second or look.scope.to_day) - first, second is not None) for first, second in people]
    stay, greenwood, steps = Fraction(1), Fraction(0), []
    for day in sorted({t for t, came in times if came}):
        events = sum(came and t == day for t, came in times)
        at_risk = sum(t >= day for t, _ in times)
        stay *= 1 - Fraction(events, at_risk)
        if events < at_risk:
            greenwood += Fraction(events, at_risk * (at_risk - events))
        steps.append((day, events, at_risk, stay, greenwood))
    return times, steps


def second_days(look):
    times, steps = survival(look)
    if not times:
        return []
    reach = look.scope.to_day - min(first for first, _ in look.newcomers().values())
    rows = []
    for day in (7, 14, 30, 60, 90, 120, 180, 270, 365, 540):
        if day <= reach:
            stay, greenwood = ([(Fraction(1), Fraction(0))] + [step[3:] for step in steps if step[0] <= day])[-1]
            rows.append((day, 1 - stay, float(stay) * math.sqrt(greenwood), sum(t >= day for t, _ in times)))
    return rows


def second_curve(look):
    return [(day, events, at_risk, stay, float(stay) * math.sqrt(greenwood))
            for day, events, at_risk, stay, greenwood in survival(look)[1]]


def rfm(look):
    """value per dimension and customer, and the four thresholds per dimension"""
    value = {"R": {}, "F": {}, "M": {}}
    for customer in look.customers:
        value["R"][customer] = look.scope.as_of - look.days[customer][-1]
        value["F"][customer] = len(look.orders_of(customer))
        value["M"][customer] = look.amount_of(customer)
    cuts = {dimension: [quantile(values.values(), Fraction(k, 5)) for k in (1, 2, 3, 4)]
            for dimension, values in value.items()}
    return value, cuts


def score(look, value, cuts, dimension, customer):
    exceeded = sum(value[dimension][customer] > cut for cut in cuts[dimension])
    return 5 - exceeded if dimension == "R" else 1 + exceeded


def rfm_thresholds(look):
    _, cuts = rfm(look)
    unit = {"R": 1, "F": 1, "M": look.scope.unit}
    return [tuple([d] + [None if cut is None else Fraction(cut) / unit[d] for cut in cuts[d]]) for d in "RFM"]


def rfm_scores(look):
    value, cuts = rfm(look)
    scores = [(d, score(look, value, cuts, d, customer)) for d in "FMR" for customer in look.customers]
    return [(d, s, scores.count((d, s))) for d, s in sorted(set(scores))]


def rfm_cells(look):
    value, cuts = rfm(look)
    cells = {}
    for customer in look.customers:
        key = tuple(score(look, value, cuts, d, customer) for d in "RFM")
        cells.setdefault(key, []).append(value["M"][customer])
    return [key + (len(amounts), sum(amounts)) for key, amounts in sorted(cells.items())]


def concentration_top(look):
    amounts = sorted((look.amount_of(customer) for customer in look.customers), reverse=True)
    rows = []
    for percent in (1, 5, 10, 20, 50):
        top = math.ceil(Fraction(percent, 100) * len(amounts))
        rows.append((Fraction(percent, 100), top, sum(amounts[:top]), ratio(sum(amounts[:top]), sum(amounts))))
    return rows


def concentration_gini(look):
    x = sorted(look.amount_of(customer) for customer in look.customers)
    n = len(x)
    gini = None
    if sum(x):
        gini = Fraction(2 * sum(i * v for i, v in enumerate(x, 1)), n * sum(x)) - Fraction(n + 1, n)
    return [(n, sum(x), gini)]


def by_channel(look):
    order_channel = {order.id: order.channel for order in look.world.orders}
    rows = []
    for channel in {order.channel for order in look.looked}:
        orders = [order for order in look.looked if order.channel == channel]
        amount = sum(order.amount for order in orders)
        if look.scope.net:
            amount -= sum(refund.amount for refund in look.refunds
                          if order_channel.get(refund.order_id, refund.channel) == channel)
        days = {}
        for order in orders:
            if look.counted(order):
                days.setdefault(look.who(order), set()).add(order.paid_day)
        repeat = sum(len(d) >= 2 for d in days.values())
        rows.append((-amount, (look.world.channels.get(channel) or "").encode(), (look.world.channels.get(channel), len(days),
                     sum(look.counted(order) for order in orders), amount, repeat, ratio(repeat, len(days)))))
    return [row[2] for row in sorted(rows, key=lambda row: row[:2])]


def first_product(look, customer, day):
    orders = [order for order in look.orders_of(customer) if order.paid_day == day and order.lines]
    tops = [min((-amount, number, product) for number, product, amount in order.lines) for order in orders]
    return min((amount, code_of(look, product), product) for amount, _, product in tops)[2] if tops else 0


def code_of(look, product):
    return look.world.products.get(product, ("", ""))[0].encode()


def by_first_product(look):
    groups = {}
    for customer, (first, second) in look.newcomers().items():
        groups.setdefault(first_product(look, customer, first), []).append((customer, first, second))
    rows = []
    for product, people in groups.items():
        back = sum(second is not None for _, _, second in people)
        _, full, both = nday_counts(look, [person[1:] for person in people], 90)
        code, name = look.world.products.get(product, (None, None))
        rows.append((-len(people), code_of(look, product), (code, name, len(people), back, ratio(back, len(people)), full, both,
                     ratio(both, full), sum(look.amount_of(person[0]) for person in people))))
    return [row[2] for row in sorted(rows, key=lambda row: row[:2])]


def overdue(look):
    """(basis, customer, purchase days, last day, days since, limit, overdue, amount)"""
    gaps = look.gaps()
    judged = []
    for customer in look.customers:
        own = [gap for who, _, gap in gaps if who == customer]
        last = look.days[customer][-1]
        number = min(look.days_ever[customer].index(last) + 1, 11)
        brand = [gap for _, k, gap in gaps if k == number]
        if len(own) >= 5:
            basis, limit = "own", quantile(own, Fraction(9, 10))
        elif brand:
            basis, limit = "brand", quantile(brand, Fraction(9, 10))
        else:
            basis, limit = "none", None
        since = look.scope.as_of - last
        judged.append((basis, customer, len(look.days[customer]), last, since, limit,
                       limit is not None and since > limit, look.amount_of(customer)))
    return judged


def overdue_summary(look):
    rows = []
    for basis in ("own", "brand", "none"):
        people = [person for person in overdue(look) if person[0] == basis]
        late = [person for person in people if person[6]]
        if people:
            rows.append((basis, len(people), len(late), ratio(len(late), len(people)),
                         sum(person[7] for person in late)))
    return rows


def overdue_customers(look):
    late = sorted((person for person in overdue(look) if person[6]), key=lambda person: (-person[7], person[1]))
    return [(customer, days, last, since, limit, basis, amount)
            for basis, customer, days, last, since, limit, _, amount in late]


ORACLE = {"insight_" + f.__name__: f for f in (
    totals, repurchase, frequency, nday_overall, nday_cohort, cohorts, cohort_revenue, monthly, rhythm_overall,
    rhythm_number, second_days, second_curve, rfm_thresholds, rfm_scores, rfm_cells, concentration_top,
    concentration_gini, by_channel, by_first_product, overdue_summary, overdue_customers)}

# --- Both databases -----------------------------------------------------------------------------------------------------


def table_rows(world):
    rows = {table: [] for table in TABLES}
    for birth, root, placeholder in world.births:
        rows["customer"].append((birth, None if birth == root else root, root, placeholder, None, None, 0, 0))
    for order in world.orders:
        top = max(order.lines, key=lambda line: line[2], default=(0, 0, 0))
        rows["orders"].append((order.customer, order.id, "s", str(order.id), 1, 0, order.paid_day and 0,
                               order.paid_day, order.amount, 0, order.whole_day, order.channel, top[1], top[2],
                               len(order.lines), 0, 0, b"", 0))
        for number, product, amount in order.lines:
            rows["order_line"].append((order.customer, order.id, number, product, 1000, amount))
    for refund in world.refunds:
        rows["refund"].append((refund.customer, refund.id, refund.order_id, "s", str(refund.id), refund.amount, 0,
                               refund.day, refund.channel, 0, b"", 0))
    rows["channel"] = [(number, name, 0) for number, name in world.channels.items()]
    rows["product"] = [(number, code, name, 0, 0) for number, (code, name) in world.products.items()]
    return rows


class Sqlite:
    name = "sqlite"

    def __init__(self, path=":memory:"):
        self.db = sqlite3.connect(path)
        self.db.executescript(schema_for(postgres=False))
        self.db.executemany("INSERT INTO calendar VALUES (?, ?)",
                            [(day, month_of(day)) for day in range(CALENDAR[0], CALENDAR[1] + 1)])

    def load(self, rows):
        for table in TABLES:
            self.db.execute("DELETE FROM " + table)
            if rows[table]:  # columns that came later have their defaults, as on PostgreSQL
                columns = [column[1] for column in self.db.execute("PRAGMA table_info(%s)" % table)][:len(rows[table][0])]
                marks = ", ".join("?" * len(columns))
                self.db.executemany("INSERT INTO %s (%s) VALUES (%s)" % (table, ", ".join(columns), marks), rows[table])
        self.db.commit()

    def query(self, statements, scope):
        return {s.name: list(self.db.execute(s.sql.replace(' COLLATE "C"', ''), scope.values())) for s in statements}

    def close(self):
        self.db.close()


def postgres_literal(value):
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return "'\\x%s'" % value.hex()
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return str(value)


class Postgres:
    """Through psql: one process per call; statements are prepared with declared types, as the program does."""
    name = "postgres"
    SEPARATOR = "\x1f"

    def __init__(self, server, database):
        self.server, self.database = server, database
        self.url = re.sub(r"/[^/?]*(\?|$)", "/%s\\1" % database, server.split("://", 1)[1])
        self.url = server.split("://", 1)[0] + "://" + self.url
        self.psql(server, 'DROP DATABASE IF EXISTS "%s"; ' % database)
        self.psql(server, 'CREATE DATABASE "%s"; ' % database)
        days = ", ".join("(%d, %d)" % (day, month_of(day)) for day in range(CALENDAR[0], CALENDAR[1] + 1))
        self.psql(self.url, schema_for(postgres=True) + "INSERT INTO calendar VALUES %s; ANALYZE;" % days)

    def psql(self, url, script):
        run = subprocess.run(["psql", "-X", "-q", "-A", "-t", "-F", self.SEPARATOR, "-P", "null=\\N", "-v",
                              "ON_ERROR_STOP=1", url], input=script, capture_output=True, text=True)
        if run.returncode != 0:
            raise RuntimeError("psql: " + run.stderr[:2000])
        return run.stdout

    def load(self, rows):
        script = "BEGIN;\n"
        for table in TABLES:
            script += "DELETE FROM %s;\n" % table
            for at in range(0, len(rows[table]), 1000):
                script += "INSERT INTO %s VALUES %s;\n" % (table, ", ".join(
                    "(%s)" % ", ".join(postgres_literal(v) for v in row) for row in rows[table][at:at + 1000]))
        self.psql(self.url, script + "COMMIT;")

    def query(self, statements, scope):
        script = ""
        for s in statements:
            numbered = s.sql
            for number, parameter in enumerate(PARAMETERS, 1):
                numbered = re.sub(r":%s\b" % parameter, "$%d" % number, numbered)
            values = scope.values()
            script += "\\echo @%s\nPREPARE %s (int8, int8, int8, int8, int8) AS %s;\nEXECUTE %s (%s);\n" % (
                s.name, s.name, numbered, s.name, ", ".join(str(values[parameter]) for parameter in PARAMETERS))
        found = {}
        for part in re.split(r"^@", self.psql(self.url, script), flags=re.M)[1:]:
            name, *lines = part.rstrip("\n").split("\n")
            columns = next(s for s in statements if s.name == name).columns
            found[name] = [tuple(self.value(text, kind) for text, (_, kind, _) in
                                 zip(line.split(self.SEPARATOR), columns, strict=True)) for line in lines if line]
        return found

    @staticmethod
    def value(text, kind):
        if text == "\\N":
            return None
        return int(text) if kind == "i64" else float(text) if kind == "f64" else text

    def column_types(self, statement):
        """What the result's columns are: int8, float8, text."""
        numbered = statement.sql
        for parameter in PARAMETERS:
            numbered = re.sub(r":%s\b" % parameter, "CAST(1 AS int8)", numbered)
        return [tuple(line.split(self.SEPARATOR)) for line in
                self.psql(self.url, numbered + " \\gdesc\n").strip().split("\n")]

    def close(self):
        self.psql(self.server, 'DROP DATABASE IF EXISTS "%s"; ' % self.database)


# --- Comparing ----------------------------------------------------------------------------------------------------------


def cell_difference(mine, theirs, kind, nullable):
    """mine: the oracle's. Counts, amounts and texts must be equal, reals to a relative 1e-9."""
    if mine is None or theirs is None:
        if theirs is None and not nullable:
            return "NULL in a column that is not declared nullable"
        return None if mine is theirs else "%r, should be %r" % (theirs, mine)
    if kind == "f64":
        if not isinstance(theirs, float):
            return "%r is not a real" % (theirs,)
        expected = float(mine)
        return None if math.isclose(expected, theirs, rel_tol=1e-9, abs_tol=1e-12) else "%r, should be %r" % (
            theirs, expected)
    if not isinstance(theirs, int if kind == "i64" else str):
        return "%r is not %s" % (theirs, kind)
    return None if mine == theirs else "%r, should be %r" % (theirs, mine)


def difference(statement, mine, theirs):
    for number, (row, found) in enumerate(zip(mine, theirs), 1):
        if len(row) != len(found) or len(row) != len(statement.columns):
            return "row %d: %d columns, should be %d" % (number, len(found), len(row))
        for (name, kind, nullable), expected, value in zip(statement.columns, row, found):
            wrong = cell_difference(expected, value, kind, nullable)
            if wrong:
                return "row %d, %s: %s" % (number, name, wrong)
    if len(mine) != len(theirs):
        return "%d rows, should be %d" % (len(theirs), len(mine))
    return None


class Tally:
    def __init__(self):
        self.passed = self.failed = 0

    def note(self, wrong, what):
        if wrong is None:
            self.passed += 1
            return
        self.failed += 1
        print("FAILED %s: %s" % (what, wrong))


def check_types(tally, postgres, statements):
    names = {"i64": "bigint", "f64": "double precision", "text": "text"}
    for statement in statements:
        declared = [(name, names[kind]) for name, kind, _ in statement.columns]
        found = postgres.column_types(statement)
        tally.note(None if found == declared else "%r, declared %r" % (
            [f for f, d in zip(found, declared) if f != d] or found, [d for f, d in zip(found, declared) if f != d]),
            "%s, column names and types on postgres" % statement.name)


def run(options, databases, statements):
    tally = Tally()
    wanted = [statements[name] for name in ORACLE]
    for database in databases:
        if database.name == "postgres":
            check_types(tally, database, wanted)
    for number in range(options.rounds):
        seed = options.seed + number
        rng = random.Random(seed)
        world, start, length = random_world(rng)
        scopes = [random_scope(rng, world, start, length) for _ in range(2)]
        rows = table_rows(world)
        for database in databases:
            database.load(rows)
        for scope in scopes:
            look = Look(world, scope)
            expected = {name: oracle(look) for name, oracle in ORACLE.items()}
            for database in databases:
                found = database.query(wanted, scope)
                for s in wanted:
                    tally.note(difference(s, expected[s.name], found[s.name]),
                               "%s on %s, seed %d, %s" % (s.name, database.name, seed, scope))
        if tally.failed and not options.keep_going:
            break
    return tally


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep-going", action="store_true", help="do not stop after the first round that fails")
    options = parser.parse_args()
    server = os.environ.get("HUITOU_TEST_POSTGRES")
    if not server:
        print("HUITOU_TEST_POSTGRES is not set: the address of a PostgreSQL server, e.g. postgres://huitou@host/postgres")
        print("0 passed, 1 failed")
        return 1
    statements = read_statements()
    # insight_days resolves the scope; every other statement is a twin and needs an oracle.
    without = sorted(set(statements) - set(ORACLE) - {"insight_days"})
    if without:
        print("FAILED: no oracle for " + ", ".join(without))
        print("0 passed, %d failed" % len(without))
        return 1
    databases = [Sqlite(), Postgres(server, "huitou_twins_%d" % os.getpid())]
    try:
        tally = run(options, databases, statements)
    finally:
        for database in databases:
            database.close()
    print("%d passed, %d failed" % (tally.passed, tally.failed))
    return 1 if tally.failed or not tally.passed else 0


if __name__ == "__main__":
    sys.exit(main())
