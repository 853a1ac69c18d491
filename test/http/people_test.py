#!/usr/bin/env python3
"""The customers behind every figure, selections against plain SQL, bulk changes, exports, today, by role:
/usr/bin/python3 test/http/people_test.py [--binary PATH] [--only empty,selections,figures] [--database sqlite|postgres]

On SQLite and PostgreSQL. Online Retail: each report's figures with a link, for whole history and for windows, net and gross;
behind each the list of customers has exactly that count or sum. A brand of random orders, refunds, merges, tags and keepers:
selections against SQL run straight in the database, past the program.
"""
import csv
import datetime
import io
import pathlib
import random
import sys
import time
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from api import Server, add_key, add_person  # noqa: E402
from program import ONLINE_RETAIL, Brand, Tally, arguments, chosen, wanted  # noqa: E402

CELLS_PER_COLUMN = 12
WINDOWS = [{}, {"from": "2011-02-10", "to": "2011-08-20"}, {"as_of": "2011-09-15", "from": "2011-01-05", "amount": "gross"}]
MAP = """{
  "name": "till", "source": "shop", "format": "csv", "header": true, "encoding": "utf-8",
  "time_format": "%Y-%m-%d %H:%M", "time_zone": "UTC",
  "columns": {"order_number": "number", "order_time": "time", "phone": "phone", "buyer_name": "name",
              "product_code": "product", "quantity": "quantity", "unit_price": "price", "state": "state",
              "channel": "channel", "refund_amount": "refund"},
  "states": {"paid": "paid", "new": "created"}
}
"""


# --- Figures ---

def later(month, months):
    count = int(month[:4]) * 12 + int(month[5:]) - 1 + months
    return f"{count // 12}-{count % 12 + 1:02d}"


def link_of(section, column, row):
    for link in section["links"]:
        when = link["when_column"]
        if link["column"] == column and (not when or row[when] == link["when_value"]):
            return link
    return None


def query_of(link, row):
    query = {}
    for param in link["params"]:
        value = param["value"] if param["value"] is not None else row[param["column"]]
        query[param["name"]] = later(value, row[param["plus"]]) if param["plus"] else value
    return query


def equal(link, page):
    cents = {name: round(float(page[name]) * 100) for name in ("paid", "refunded", "amount")}
    return {"customers": page["customers"], "orders": page["orders"], "days": page["purchase_days"],
            "gaps": page["purchase_days"] - page["customers"], "refunds": page["refunds"], "paid": cents["paid"],
            "refunded": cents["refunded"], "net": cents["paid"] - cents["refunded"],
            "amount": cents["amount"]}[link["equals"]]


def hold_figures(tally, owner, declared, window, dice):
    held = 0
    for report in declared:
        answer = owner.call("getReport", {"report": report["name"]}, {**window, "limit": 500}).json
        scope = {name: answer[name] for name in ("as_of", "from", "to", "amount")}
        for section in report["sections"]:
            rows = answer["sections"][section["name"]]
            kinds = {column["name"]: column["kind"] for column in section["columns"]}
            for column in kinds:
                some = rows if len(rows) <= CELLS_PER_COLUMN else dice.sample(rows, CELLS_PER_COLUMN)
                for row in some:
                    link = link_of(section, column, row)
                    if not link or row[column] in (None, 0) or link["equals"] in ("share", "includes"):
                        continue
                    query = {**scope, **query_of(link, row), "limit": 0}
                    page = owner.call("listCustomers", query=query).json
                    figure = row[column] if kinds[column] == "count" else round(row[column] * 100)
                    tally.check(equal(link, page) == figure,
                                f"{report['name']}.{section['name']}.{column} {window}: {figure}, behind it {equal(link, page)}: {query}")
                    held += 1
    return held


def test_figures(tally, binary, kind):
    dice = random.Random(20)
    with Brand(binary, kind) as brand:
        brand.run("import", "orders", "--map", "online-retail", ONLINE_RETAIL)
        with Server(brand.command("serve")) as server:
            owner = server.set_up()
            server.wait_ready()
            declared = owner.call("listReports")["items"]
            held = sum(hold_figures(tally, owner, declared, window, dice) for window in WINDOWS)
            tally.check(held > 600, f"{kind}: only {held} figures were held")
            test_today(tally, owner)
            test_tasks(tally, brand, owner)
            test_while_it_runs(tally, kind, owner)


def shifted(link, days):
    """The same customers so many days before: of each day in a link's query but the last that is known."""
    def one(name, value):
        is_day = name in ("from", "to", "first_from", "first_to")
        return str(datetime.date.fromisoformat(value) - datetime.timedelta(days=days)) if is_day else value
    return {param["name"]: one(param["name"], param["value"]) for param in link}


def behind(owner, name, query):
    """What the customers behind a figure say that it is."""
    page = owner.call("listCustomers", query={**query, "limit": 0}).json
    if name == "net_amount":
        return float(page["amount"])
    if name == "orders":
        return page["orders"]
    if name != "repurchase_90":
        return page["customers"]
    due = owner.call("listCustomers", query={**{k: v for k, v in query.items() if k != "back_max"}, "limit": 0})["customers"]
    return page["customers"] / due if due else None


def hold_trends(tally, owner, today):
    """Each point of a trend, and the period before, against the customers of those days; each change against the day before."""
    for figure in today["figures"]:
        for back, point in enumerate(reversed(figure["trend"])):
            query = shifted(figure["link"], back * today["period_days"])
            wanted = behind(owner, figure["name"], query)
            near = wanted is None if point["value"] is None else abs(wanted - point["value"]) < 0.005
            tally.check(near, f"today {figure['name']}, {back} back: {point}, {wanted}")
            if "from" in query:
                tally.check((point["from"], point["to"]) == (query["from"], query["to"]), f"today {figure['name']}: days of {point}")
            if back < 2:
                value = figure["value" if back == 0 else "previous"]
                tally.check(abs(wanted - value) < 0.005, f"today {figure['name']}, {back} back: {value}, {wanted}")
    for change in today["changes"]:
        wanted = behind(owner, change["name"], shifted(change["link"], 1))
        tally.check(abs(wanted - change["before"]) < 0.005, f"change {change['name']}, the day before: {change['before']}, {wanted}")


def test_today(tally, owner):
    today = owner.call("getToday").json
    by_name = {figure["name"]: figure for figure in today["figures"]}
    tally.check(today["last_day"] == "2011-12-09" and today["as_of"] == "2011-12-10", f"today: {today['as_of']}")
    tally.check(all(len(figure["trend"]) in (0, 13) for figure in today["figures"]), "a trend is not of 13 points")
    for name in ("returning_customers", "new_customers", "overdue_customers"):
        query = {one["name"]: one["value"] for one in by_name[name]["link"]}
        page = owner.call("listCustomers", query={**query, "limit": 0}).json
        tally.check(page["customers"] == by_name[name]["value"] > 0, f"today {name}: {by_name[name]['value']}, {page['customers']}")
    net = by_name["net_amount"]
    page = owner.call("listCustomers", query={**{one["name"]: one["value"] for one in net["link"]}, "limit": 0}).json
    tally.check(abs(float(page["amount"]) - net["value"]) < 0.005, f"today net: {net['value']}, {page['amount']}")
    back = by_name["repurchase_90"]
    query = {one["name"]: one["value"] for one in back["link"]}
    came = owner.call("listCustomers", query={**query, "limit": 0}).json["customers"]
    due = owner.call("listCustomers", query={**{k: v for k, v in query.items() if k != "back_max"}, "limit": 0}).json["customers"]
    tally.check(abs(came / due - back["value"]) < 1e-9, f"today rate: {back['value']}, {came} of {due}")
    for change in today["changes"]:
        page = owner.call("listCustomers", query={**{one["name"]: one["value"] for one in change["link"]}, "limit": 0}).json
        of = {"customers": page["customers"], "new_customers": page["customers"], "orders": page["orders"],
              "net_amount": float(page["amount"])}[change["name"]]
        tally.check(abs(of - change["value"]) < 0.005, f"change {change['name']}: {change['value']}, {of}")
    hold_trends(tally, owner, today)


def tasks_of(owner):
    return {task["name"]: task["count"] for task in owner.call("getToday")["tasks"]}


def test_tasks(tally, brand, owner):
    nobodys = brand.sql("SELECT COUNT(*) FROM orders o JOIN customer c ON c.customer_id = o.customer_id "
                        "WHERE c.placeholder = 1 AND o.paid_day IS NOT NULL")
    (brand.base / "map.json").write_text(MAP)
    (brand.base / "bad.csv").write_text("number,time,phone,name,product,quantity,price,state,channel,refund\n" + "".join(
        f"B{n},{'2024-01-02 10:00' if n > 2 else 'some day'},{phone(n)},Ann,P,1,5.00,paid,shop,\n" for n in range(5)))
    brand.try_run("import", "orders", brand.base / "bad.csv", "--map", brand.base / "map.json")
    tasks = tasks_of(owner)
    tally.check(tasks.get("orders_without_buyer") == int(nobodys[0][0]) > 1000, f"tasks: {tasks}, {nobodys}")
    tally.check(tasks.get("rejected_rows") == 3, f"tasks: {tasks}, three rows without a time")
    month_us = 30 * 86400 * 10**6
    brand.sql(f"UPDATE import_run SET finished_at = finished_at - {month_us} - 1")
    tally.check("rejected_rows" not in tasks_of(owner), "rows rejected more than 30 days ago wait still")
    hold_nobodys(tally, brand, owner)


NOBODYS = """SELECT COUNT(*), SUM(o.amount_minor) FROM orders o, customer b, customer r WHERE b.customer_id = o.customer_id
             AND r.customer_id = b.root_id AND r.placeholder = 1 AND o.paid_day IS NOT NULL"""


def hold_nobodys(tally, brand, owner):
    """What a report and Today say that they leave out is what the rows say, also once somebody has turned out to be whose."""
    def said(when):
        count, amount = map(int, brand.sql(NOBODYS)[0])
        note = f"left out: {count:,}, with GBP {amount // 100:,}.{amount % 100:02d} paid."
        told = until(lambda: tasks_of(owner).get("orders_without_buyer") == count)
        tally.check(told, f"{when}: Today tells of {tasks_of(owner)}, not of {count} orders of nobody")
        notes = owner.call("getReport", {"report": "totals"})["notes"]
        tally.check(any(note in one for one in notes), f"{when}: a report does not say {note}: {notes}")
        return count
    before = said("as imported")
    nobody = brand.sql("SELECT c.customer_id FROM customer c JOIN orders o ON o.customer_id = c.customer_id WHERE c.placeholder = 1 "
                       "AND o.paid_day IS NOT NULL AND o.amount_minor > 0 ORDER BY 1 LIMIT 1")[0][0]
    somebody = brand.sql("SELECT customer_id FROM customer WHERE placeholder = 0 AND root_id = customer_id ORDER BY 1 LIMIT 1")[0][0]
    owner.call("mergeCustomers", {"customer_id": nobody}, body={"into_id": somebody})
    tally.check(said("nobody turned out to be somebody") == before - 1, "an order less is nobody's")
    owner.call("splitCustomer", {"customer_id": nobody})
    tally.check(said("split again") == before, "it is nobody's again")


def test_while_it_runs(tally, kind, owner):
    """What runs is not undone; what is stopped stays where it is. Thousands of customers, so that it does run."""
    begun = {"bulk_id": owner.call("startBulk", body={"action": "tag", "tag": "all", "selection": {}})["bulk_id"]}
    undone = owner.call("undoBulk", begun, expect={201, "BULK_STATE"})
    tally.check(undone.status != 201 or owner.call("getBulk", begun)["state"] == "done", f"{kind}: undone while it runs")
    if owner.call("stopBulk", begun, expect={200, "BULK_STATE"}).status != 200:
        return
    stopped = owner.call("getBulk", begun).json
    wait_bulk(owner, owner.call("startBulk", body={"action": "tag", "tag": "next", "selection": {"days_min": 9}})["bulk_id"])
    tally.check(stopped["state"] == "stopped" and owner.call("getBulk", begun).json == stopped, f"{kind}: stopped, it goes on: {stopped}")


# --- Selections against SQL ---

def phone(number):
    return f"139{number:08d}"


def write_orders(folder, dice):
    rows = []
    for number in range(900):
        buyer = int(dice.random() ** 2 * 120)
        amount = dice.choice([5, 12.5, 80, 300])
        refund = dice.choice(["", "", "", "", f"{amount:.2f}", f"{amount / 4:.2f}"])
        paid = buyer < 110 and dice.random() < 0.9
        rows.append([f"N{number:05d}", f"2024-{dice.randint(1, 12):02d}-{dice.randint(1, 28):02d} 10:00",
                     phone(buyer), f"客户{buyer}号", f"P{dice.randint(0, 4)}", "1", f"{amount:.2f}", "paid" if paid else "new",
                     dice.choice(["online", "shop", "live"]), refund if paid else ""])
    (folder / "map.json").write_text(MAP)
    with open(folder / "orders.csv", "w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow("number,time,phone,name,product,quantity,price,state,channel,refund".split(","))
        writer.writerows(rows)


class Oracle:
    """What the tables say of each person, by SQL past the program: paid orders that count, their days, refunds, tags, keeper."""

    def __init__(self, brand):
        self.people = {}
        for one, in brand.sql("SELECT customer_id FROM customer WHERE customer_id = root_id AND placeholder = 0"):
            self.people[one] = {"days": set(), "orders": 0, "paid": 0, "refunded": 0, "channels": set(), "tags": set(), "keeper": "0",
                                "paid_orders": 0, "refunds": 0}
        root = "(SELECT c.root_id FROM customer c WHERE c.customer_id = o.customer_id)"
        for one, day, amount, whole, channel in brand.sql(
                f"SELECT {root}, paid_day, amount_minor, CASE WHEN refunded_whole_day IS NULL THEN 0 ELSE 1 END,"
                " (SELECT name FROM channel h WHERE h.channel_id = o.channel_id) FROM orders o WHERE paid_day IS NOT NULL"):
            person = self.people[one]
            person["paid"] += int(amount)
            person["paid_orders"] += 1
            if whole == "0":
                person["orders"] += 1
                person["days"].add(int(day))
                person["channels"].add(channel)
        for one, amount in brand.sql(f"SELECT {root}, amount_minor FROM refund o WHERE amount_minor > 0"):
            self.people[one]["refunded"] += int(amount)
            self.people[one]["refunds"] += 1
        for one, name in brand.sql(f"SELECT {root}, n.name FROM customer_tag o JOIN tag n ON n.tag_id = o.tag_id WHERE removed_at IS NULL"):
            self.people[one]["tags"].add(name)
        for one, staff in brand.sql("SELECT customer_id, staff_id FROM customer_keeper"):
            if one in self.people:
                self.people[one]["keeper"] = staff

    def ids(self, fits):
        return {one for one, person in self.people.items() if fits(person)}


def all_ids(client, query, limit=37):
    ids, cursor = [], None
    while True:
        page = client.call("listCustomers", query={**query, "limit": limit, **({"cursor": cursor} if cursor else {})}).json
        ids += [one["customer_id"] for one in page["items"]]
        cursor = page["next_cursor"]
        if not cursor:
            return ids, page["customers"]


def day_number(text):
    return (time.mktime(time.strptime(text, "%Y-%m-%d")) - time.mktime(time.strptime("1970-01-01", "%Y-%m-%d"))) // 86400


def hold_selections(tally, kind, brand, owner, keeper_id):
    oracle = Oracle(brand)
    march, april, july = (int(day_number(f"2024-{month}-01")) for month in ("03", "04", "07"))
    as_of = int(day_number(owner.call("listCustomers", query={"limit": 0})["as_of"]))

    def gap(person):
        """Days from the first purchase day to the second; None where there is none."""
        days = sorted(person["days"])
        return days[1] - days[0] if len(days) > 1 else None
    cases = [
        ({}, lambda p: True),
        ({"days_max": 0}, lambda p: not p["days"]),
        ({"days_min": 3}, lambda p: len(p["days"]) >= 3),
        ({"days_min": 2, "days_max": 2}, lambda p: len(p["days"]) == 2),
        ({"orders_min": 4, "orders_max": 9}, lambda p: 4 <= p["orders"] <= 9),
        ({"amount_min": "300", "amount_max": "900"}, lambda p: 30000 <= p["paid"] - p["refunded"] <= 90000),
        ({"amount_min": "300", "amount": "gross"}, lambda p: p["paid"] >= 30000),
        ({"refunds_min": 1}, lambda p: p["refunded"] > 0),
        ({"first_to": "2024-02-29"}, lambda p: p["days"] and min(p["days"]) < march),
        ({"first_before": "2024-03"}, lambda p: p["days"] and min(p["days"]) < march),
        ({"last_from": "2024-03-01"}, lambda p: p["days"] and max(p["days"]) >= march),
        ({"channel": "live", "days_min": 1}, lambda p: "live" in p["channels"]),
        ({"tag": "gold"}, lambda p: "gold" in p["tags"]),
        ({"tag": ["gold", "new"]}, lambda p: {"gold", "new"} <= p["tags"]),
        ({"tag": "no such tag"}, lambda p: False),
        ({"keeper": keeper_id}, lambda p: p["keeper"] == keeper_id),
        ({"keeper": "none", "days_min": 1}, lambda p: p["keeper"] == "0" and p["days"]),
        ({"refunds_max": 0, "days_min": 1}, lambda p: p["refunds"] == 0 and p["days"]),
        ({"refunds_min": 2, "refunds_max": 3}, lambda p: 2 <= p["refunds"] <= 3),
        ({"movements_min": 12}, lambda p: p["paid_orders"] + p["refunds"] >= 12),
        ({"since_min": 30, "since_max": 90}, lambda p: p["days"] and 30 <= as_of - max(p["days"]) <= 90),
        ({"last_to": "2024-06-30"}, lambda p: p["days"] and max(p["days"]) < july),
        ({"first_from": "2024-03-01"}, lambda p: p["days"] and min(p["days"]) >= march),
        ({"first_month": "2024-03"}, lambda p: p["days"] and march <= min(p["days"]) < april),
        ({"new": "true", "from": "2024-04-01"}, lambda p: p["days"] and min(p["days"]) >= april),
        ({"month": "2024-03", "days_min": 1}, lambda p: any(march <= day < april for day in p["days"])),
        ({"known_for": 200}, lambda p: p["days"] and min(p["days"]) + 200 <= as_of - 1),
        ({"gap_after": 2}, lambda p: len(p["days"]) >= 3),
        ({"amount_max": "100", "days_min": 1}, lambda p: p["paid"] - p["refunded"] <= 10000 and p["days"]),
        ({"back_min": 20}, lambda p: gap(p) is not None and gap(p) >= 20),
        ({"not_back_before": 15, "days_min": 1}, lambda p: p["days"] and (gap(p) is None or gap(p) >= 15)),
        ({"channel_unnamed": "true", "days_min": 1}, lambda p: False),
        ({"back_max": 10}, lambda p: len(p["days"]) > 1 and sorted(p["days"])[1] - min(p["days"]) <= 10),
    ]
    for query, fits in cases:
        wanted = oracle.ids(fits)
        ids, count = all_ids(owner, query)
        tally.check(set(ids) == wanted and len(ids) == count == len(wanted), f"{kind} {query}: {len(ids)} of {count}, SQL says {len(wanted)}")
    late, early, buyers = [owner.call("listCustomers", query={**query, "limit": 0})["customers"]
                           for query in ({"overdue": "true"}, {"overdue": "false"}, {"days_min": 1})]
    tally.check(late > 0 and early > 0 and late + early == buyers, f"{kind}: {late} overdue, {early} not, {buyers} buyers")
    page = owner.call("listCustomers", query={"limit": 0}).json
    paid = sum(person["paid"] for person in oracle.people.values())
    tally.check(float(page["paid"]) == paid / 100, f"{kind}: paid {page['paid']}, SQL says {paid}")


def wait_bulk(client, bulk_id):
    for _ in range(400):
        bulk = client.call("getBulk", {"bulk_id": bulk_id}).json
        if bulk["state"] != "running":
            return bulk
        time.sleep(0.05)
    raise RuntimeError("the bulk change does not end")


def until(check, seconds=10):
    """Columns follow within a fraction of a second."""
    end = time.monotonic() + seconds
    while not check() and time.monotonic() < end:
        time.sleep(0.05)
    return check()


def count(client, **query):
    return client.call("listCustomers", query={**query, "limit": 0})["customers"]


def mix(owner, people, dice, keeper_id):
    """Merges, a split, tags (one until yesterday), keepers; through the API."""
    for a, b in zip(people[0:12:2], people[1:12:2]):
        owner.call("mergeCustomers", {"customer_id": a}, body={"into_id": b})
    owner.call("splitCustomer", {"customer_id": people[0]})
    for one in dice.sample(people[12:], 20):
        owner.call("setTag", {"customer_id": one, "tag": "gold"}, body={})
    for one in dice.sample(people, 15):
        owner.call("setTag", {"customer_id": one, "tag": "new"}, body={})
    for one in dice.sample(people[20:], 10):
        owner.call("setKeeper", {"customer_id": one}, body={"staff_id": keeper_id})


def test_selections(tally, binary, kind):
    dice = random.Random(7)
    with Brand(binary, kind, currency="CNY", timezone="UTC") as brand:
        write_orders(brand.base, dice)
        brand.run("import", "orders", brand.base / "orders.csv", "--map", brand.base / "map.json")
        with Server(brand.command("serve")) as server:
            owner = server.set_up()
            server.wait_ready()
            manager = add_person(owner, "manager", "client_manager")
            agent = add_person(owner, "agent", "agent", manager)
            add_person(owner, "engineer", "engineer")
            people = [one["customer_id"] for one in owner.call("listCustomers", query={"limit": 200}).json["items"]]
            tally.check(len(people) > 110, f"{kind}: {len(people)} people")
            mix(owner, people, dice, agent)
            tally.check(until(lambda: count(owner, tag="gold") == 20 and count(owner, keeper=agent) >= 9), f"{kind}: columns do not follow")
            hold_selections(tally, kind, brand, owner, agent)
            # Built anew they say the same as kept by events.
            server.stop()
            server.restart()
            owner = server.logged_in("owner")
            server.wait_ready()
            hold_selections(tally, kind, brand, owner, agent)
            test_search(tally, kind, owner)
            test_roles(tally, kind, brand, server, owner, agent)
            test_bulk(tally, kind, server, owner, agent)
            test_at_once(tally, kind, server, owner, agent)
            test_files(tally, kind, server, owner)
            test_refused(tally, kind, owner)


def test_search(tally, kind, owner):
    page = owner.call("listCustomers", query={"q": phone(3)}).json
    tally.check(page["customers"] == 1 and "****" in page["items"][0]["identity"], f"{kind}: by phone: {page}")
    tally.check(count(owner, q="客户3号") == 1 and count(owner, q="客户") > 50, f"{kind}: by name")
    tally.check(count(owner, q="N00005") == 1 and count(owner, q="nobody") == 0, f"{kind}: by order number")
    tally.check(count(owner, q=phone(3), days_min=400) == 0, f"{kind}: search and filter")
    first = page["items"][0]["customer_id"]
    # Names are for people; a program needs personal:read. Numbers are masked for both until revealed.
    for who, name in ((owner, "客户3号"), (add_key(owner, ["customers:read"])[1], "客**"),
                      (add_key(owner, ["customers:read", "personal:read"])[1], "客户3号")):
        row = who.call("listCustomers", query={"q": phone(3)}).json["items"][0]
        one = who.call("getCustomer", {"customer_id": first}).json
        masked = "****" in row["identity"] and all("*" in each["value"] for each in one["identities"])
        tally.check(row["name"] == one["name"] == name and masked and not one["revealed"], f"{kind}: {name}: {row} {one}")
    tally.check(count(owner, ids=first) == 1 and count(owner, ids=f"{first},1", q=phone(4)) == 0, f"{kind}: by number")
    choices = owner.call("listCustomerChoices").json
    tally.check({"gold", "new"} <= set(choices["tags"]) and set(choices["channels"]) == {"online", "shop", "live"}
                and len(choices["keepers"]) == 4, f"{kind}: {choices}")
    gone = add_person(owner, "gone", "agent")
    owner.call("changeStaff", {"staff_id": gone}, body={"name": "Gone", "role": "agent", "manager_id": None, "blocked": True})
    tally.check(gone not in [one["staff_id"] for one in owner.call("listCustomerChoices")["keepers"]], f"{kind}: who is blocked is offered")


def test_roles(tally, kind, brand, server, owner, agent_id):
    own = count(owner, keeper=agent_id)
    agent, manager, engineer = (server.logged_in(login) for login in ("agent", "manager", "engineer"))
    for who in (agent, manager):
        ids, number = all_ids(who, {})
        tally.check(number == own == len(ids) > 0, f"{kind}: {number} of {own} kept")
        tally.check(count(who, keeper="none") == 0, f"{kind}: sees who is kept by nobody")
    tally.check(count(agent, keeper="me") == own and count(manager, keeper="me") == 0, f"{kind}: keeper=me")
    tally.check([one["staff_id"] for one in agent.call("listCustomerChoices")["keepers"]] == [agent_id], f"{kind}: the agent's choices")
    engineer.call("listCustomers", expect="HTTP_FORBIDDEN")
    engineer.call("getToday")
    agent.call("getToday", expect="HTTP_FORBIDDEN")
    agent.call("startBulk", body={"action": "keeper", "keeper_id": agent_id, "selection": {}}, expect="BULK_KEEPER")
    mine = agent.call("startBulk", body={"action": "tag", "tag": "mine", "selection": {}}).json
    tally.check(wait_bulk(agent, mine["bulk_id"])["changed"] == own, f"{kind}: an agent tagged others' customers")
    theirs = owner.call("startBulk", body={"action": "tag", "tag": "theirs", "selection": {}}).json
    wait_bulk(owner, theirs["bulk_id"])
    agent.call("getBulk", {"bulk_id": theirs["bulk_id"]}, expect="BULK_UNKNOWN")
    agent.call("undoBulk", {"bulk_id": theirs["bulk_id"]}, expect="BULK_UNKNOWN")
    tally.check([one["bulk_id"] for one in agent.call("listBulks")["items"]] == [mine["bulk_id"]], f"{kind}: an agent sees others' bulks")
    tally.check(len(owner.call("listBulks")["items"]) == 2, f"{kind}: the owner does not see all bulks")
    # However many others made since.
    columns = "action, state, tag, value, set_by, by_id, by_name, started_at, finished_at, customer_count, done_count, changed_count, undo_of, undone_by"
    brand.sql(f"INSERT INTO bulk (bulk_id, {columns}) WITH RECURSIVE more (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM more WHERE i < 300) "
              f"SELECT bulk_id + more.i, {columns} FROM bulk, more WHERE bulk_id = {theirs['bulk_id']}")
    tally.check([one["bulk_id"] for one in agent.call("listBulks")["items"]] == [mine["bulk_id"]], f"{kind}: an agent's own are crowded out")
    brand.sql(f"DELETE FROM bulk WHERE bulk_id > {theirs['bulk_id']}")
    tally.check(agent.call("listBulks", query={"limit": 1})["items"] != [], f"{kind}: others' newer bulks hide an agent's own")


def test_at_once(tally, kind, server, owner, agent_id):
    """Whom somebody was handed a moment ago, and nobody else, is meant by a change to all of theirs."""
    time.sleep(1)  # what went before is in the columns by then
    own = count(owner, keeper=agent_id)
    agent = server.logged_in("agent")
    for n in range(5):
        handed = owner.call("startBulk", body={"action": "keeper", "keeper_id": agent_id, "selection": {}}).json
        everybody = wait_bulk(owner, handed["bulk_id"])["customers"]
        mine = agent.call("startBulk", body={"action": "tag", "tag": f"at once {n}", "selection": {}}).json
        tally.check(wait_bulk(agent, mine["bulk_id"])["changed"] == everybody > own, f"{kind}: handed over at once: {mine}, {everybody}")
        wait_bulk(owner, owner.call("undoBulk", {"bulk_id": handed["bulk_id"]})["bulk_id"])
        mine = agent.call("startBulk", body={"action": "untag", "tag": f"at once {n}", "selection": {}}).json
        tally.check(wait_bulk(agent, mine["bulk_id"])["customers"] == own, f"{kind}: taken back at once: {mine}, {own}")


def test_bulk(tally, kind, server, owner, keeper_id):
    gold, all_of = count(owner, tag="gold"), count(owner)
    body = {"action": "tag", "tag": "gold", "selection": {"days_min": 1}}
    begun = owner.call("startBulk", body=body, key="gold-once").json
    again = owner.call("startBulk", body=body, key="gold-once").json
    tally.check(begun["bulk_id"] == again["bulk_id"], f"{kind}: the same key began two")
    owner.call("startBulk", body={**body, "tag": "silver"}, key="gold-once", expect="IDEMPOTENCY_OTHER")
    done = wait_bulk(owner, begun["bulk_id"])
    buyers = count(owner, days_min=1)
    before = set(all_ids(owner, {"tag": "gold"})[0])
    tally.check(done["customers"] == buyers == done["done"], f"{kind}: {done}")
    tally.check(until(lambda: count(owner, tag="gold", days_min=1) == buyers), f"{kind}: not all buyers are gold")
    owner.call("stopBulk", {"bulk_id": begun["bulk_id"]}, expect="BULK_STATE")
    undone = owner.call("undoBulk", {"bulk_id": begun["bulk_id"]}, key="back").json
    tally.check(owner.call("undoBulk", {"bulk_id": begun["bulk_id"]}, key="back")["bulk_id"] == undone["bulk_id"], f"{kind}: undone twice")
    wait_bulk(owner, undone["bulk_id"])
    tally.check(until(lambda: count(owner, tag="gold") == gold), f"{kind}: {count(owner, tag='gold')} gold, not {gold} as before")
    tally.check(set(all_ids(owner, {"tag": "gold"})[0]) <= before, f"{kind}: others are gold now")
    owner.call("undoBulk", {"bulk_id": begun["bulk_id"]}, expect="BULK_STATE")
    # Whose keeper changes is told back to each, who had none and who had one.
    kept = count(owner, keeper=keeper_id)
    over = owner.call("startBulk", body={"action": "keeper", "selection": {"days_min": 2}}).json
    wait_bulk(owner, over["bulk_id"])
    tally.check(until(lambda: count(owner, keeper="none", days_min=2) == count(owner, days_min=2)), f"{kind}: still kept")
    wait_bulk(owner, owner.call("undoBulk", {"bulk_id": over["bulk_id"]})["bulk_id"])
    tally.check(until(lambda: count(owner, keeper=keeper_id) == kept), f"{kind}: keepers are not as before")
    test_undone_as_it_was(tally, kind, owner)
    # Killed in its middle and started again it goes on; stopped it stays where it is.
    whole = owner.call("startBulk", body={"action": "tag", "tag": "everybody", "until": "2090-01-01", "selection": {}}).json
    server.kill()
    server.restart()
    owner = server.logged_in("owner")
    server.wait_ready()
    done = wait_bulk(owner, whole["bulk_id"])
    tally.check(done["changed"] == all_of and until(lambda: count(owner, tag="everybody") == all_of), f"{kind}: after a kill: {done}")
    over = owner.call("startBulk", body={"action": "keeper", "keeper_id": keeper_id, "selection": {"ids": all_ids(owner, {})[0][0]}}).json
    tally.check(over["keeper_name"] == "员工 agent", f"{kind}: {over}")
    wait_bulk(owner, over["bulk_id"])
    test_bulk_pages(tally, kind, owner, {begun["bulk_id"]: undone["bulk_id"]})
    objects = {row["object"] for row in owner.call("listAudit", query={"limit": 200})["items"]}
    tally.check({f"bulk:{one}" for one in (begun["bulk_id"], undone["bulk_id"], whole["bulk_id"])} <= objects, f"{kind}: not in the audit trail")


def tags_of(owner, customer_id):
    return {tag["name"]: tag["until"] for tag in owner.call("getCustomer", {"customer_id": customer_id})["tags"]}


def test_undone_as_it_was(tally, kind, owner):
    """Undone, a tag has the last day that it had; who was merged since is the person they are now; what runs is not undone."""
    first, second, third = [one["customer_id"] for one in owner.call("listCustomers", query={"days_max": 1, "limit": 3})["items"]]
    everybody = count(owner)
    owner.call("setTag", {"customer_id": first, "tag": "a while"}, body={"until": "2090-05-01"})
    begun = owner.call("startBulk", body={"action": "tag", "tag": "a while", "selection": {"ids": f"{first},{second}"}})
    done = wait_bulk(owner, begun["bulk_id"])
    tally.check(done["changed"] == 2 and tags_of(owner, first)["a while"] is None, f"{kind}: for good: {done}")
    wait_bulk(owner, owner.call("undoBulk", {"bulk_id": begun["bulk_id"]})["bulk_id"])
    tally.check(tags_of(owner, first).get("a while") == "2090-05-01" and "a while" not in tags_of(owner, second),
                f"{kind}: undone: {tags_of(owner, first)}")
    body = {"action": "tag", "tag": "for a time", "until": "2091-06-02", "selection": {"ids": second}}
    begun = owner.call("startBulk", body=body)
    wait_bulk(owner, begun["bulk_id"])
    tally.check(tags_of(owner, second).get("for a time") == "2091-06-02", f"{kind}: for a time: {tags_of(owner, second)}")
    again = wait_bulk(owner, owner.call("startBulk", body={**body, "selection": {"ids": f"{second},{third}"}})["bulk_id"])
    tally.check((again["customers"], again["changed"]) == (2, 1), f"{kind}: who was so before is not changed: {again}")
    owner.call("mergeCustomers", {"customer_id": second}, body={"into_id": third})
    wait_bulk(owner, owner.call("undoBulk", {"bulk_id": begun["bulk_id"]})["bulk_id"])
    tally.check("for a time" not in tags_of(owner, third), f"{kind}: who was merged since: {tags_of(owner, third)}")
    owner.call("splitCustomer", {"customer_id": second})
    tally.check(until(lambda: count(owner) == everybody), f"{kind}: {count(owner)} people after all this, {everybody} before")


def test_bulk_pages(tally, kind, owner, undone_by):
    """Page by page all of them, the newest first; each tells by which other it was undone, and who was to look after them."""
    whole = owner.call("listBulks", query={"limit": 200}).json
    pages, query = [], {"limit": 2}
    while True:
        page = owner.call("listBulks", query=query).json
        pages.append(page["items"])
        if not page["next_cursor"]:
            break
        query["cursor"] = page["next_cursor"]
    ids = [one["bulk_id"] for one in whole["items"]]
    tally.check([one for page in pages for one in page] == whole["items"] and whole["next_cursor"] is None, f"{kind}: pages differ from the whole list")
    tally.check(len(pages) > 2 and all(len(page) == 2 for page in pages[:-1]), f"{kind}: pages of {[len(page) for page in pages]}")
    tally.check(ids == sorted(ids, key=int, reverse=True), f"{kind}: not the newest first")
    for one in whole["items"]:
        if one["bulk_id"] in undone_by:
            tally.check(one["undone_by"] == undone_by[one["bulk_id"]], f"{kind}: {one}")
        tally.check((one["keeper_id"] is None) == (one["keeper_name"] is None), f"{kind}: {one}")
    owner.call("listBulks", query={"limit": 0}, expect="FIELD_RANGE")
    owner.call("listBulks", query={"limit": 201}, expect="FIELD_RANGE")


def test_files(tally, kind, server, owner):
    owner = server.logged_in("owner")
    reply = owner.call("exportCustomers", query={"format": "csv", "days_min": 2, "sort": "amount"})
    rows = list(csv.reader(io.StringIO(reply.body.decode("utf-8-sig"))))
    ids, number = all_ids(owner, {"days_min": 2, "sort": "amount"})
    tally.check(len(rows) == number + 1 and [row[0] for row in rows[1:]] == ids, f"{kind}: {len(rows)} lines for {number}")
    tally.check(all("****" in row[2] for row in rows[1:]) and b"13900000" not in reply.body, f"{kind}: phones in the clear")
    tally.check(rows[1:] and all("*" in row[1] for row in rows[1:]), f"{kind}: names in the clear in a file")
    book = owner.call("exportCustomers", query={"format": "xlsx", "days_min": 2}).body
    with zipfile.ZipFile(io.BytesIO(book)) as parts:
        sheet = parts.read("xl/worksheets/sheet1.xml").decode()
    tally.check(sheet.count("<row ") == number + 1, f"{kind}: {sheet.count('<row ')} rows in the workbook")
    exports = [row for row in owner.call("listAudit", query={"limit": 5})["items"] if row["operation"] == "exportCustomers"]
    tally.check(len(exports) == 2 and exports[0]["after"]["exported"] == number, f"{kind}: exports leave no trace")


def test_refused(tally, kind, owner):
    refused = [({"first_month": "2024-13"}, "PEOPLE_MONTH"), ({"keeper": "who"}, "PEOPLE_KEEPER"), ({"ids": "1,x"}, "PEOPLE_IDS"),
               ({"amount_min": "1e9"}, 422), ({"amount_max": "99999999999999999999999"}, {"PEOPLE_MONEY", "FIELD_NOT_DECIMAL"}),
               ({"from": "2024-06-01", "to": "2024-05-01"}, "REPORT_DAYS"), ({"as_of": "1995-01-01"}, "REPORT_EMPTY_BEFORE"),
               ({"days_min": "many"}, 422), ({"limit": 201}, 422)]
    for query, code in refused:
        for operation in ("listCustomers", "exportCustomers"):
            if operation == "listCustomers" or "limit" not in query:
                tally.check(owner.call(operation, query=query, expect=code).status >= 400, f"{kind}: {operation} {query}")
    owner.call("listCustomers", query={"cursor": "nonsense"}, expect="PEOPLE_CURSOR")
    for selection, code in [({"month": "x"}, "PEOPLE_MONTH"), ({"keeper": "x"}, "PEOPLE_KEEPER"), ({"ids": "x"}, "PEOPLE_IDS"),
                            ({"from": "2024-06-01", "to": "2024-05-01"}, "REPORT_DAYS"), ({"as_of": "1995-01-01"}, "REPORT_EMPTY_BEFORE"),
                            ({"days_min": 9999}, "BULK_NOBODY")]:
        owner.call("startBulk", body={"action": "tag", "tag": "x", "selection": selection}, expect=code)
    owner.call("startBulk", body={"action": "tag", "tag": " ", "selection": {}}, expect="CUSTOMER_TAG_NAME")
    owner.call("startBulk", body={"action": "keeper", "keeper_id": "1", "selection": {}}, expect="STAFF_UNKNOWN")
    for operation in ("getBulk", "stopBulk", "undoBulk"):
        owner.call(operation, {"bulk_id": "1"}, expect="BULK_UNKNOWN")
    begun = owner.call("startBulk", body={"action": "untag", "tag": "everybody", "selection": {}}).json
    stopped = owner.call("stopBulk", {"bulk_id": begun["bulk_id"]}, key="stop", expect={200, "BULK_STATE"})
    tally.check(stopped.status != 200 or stopped["state"] == "stopped", f"{kind}: {stopped.json}")
    if stopped.status == 200:
        owner.call("stopBulk", {"bulk_id": begun["bulk_id"]}, body=None, key="other", expect="BULK_STATE")


def test_empty(tally, binary, kind):
    with Brand(binary, kind) as brand, Server(brand.command("serve")) as server:
        owner = server.set_up()
        server.wait_ready()
        page, today = owner.call("listCustomers").json, owner.call("getToday").json
        tally.check(page["customers"] == 0 and not page["has_orders"] and page["next_cursor"] is None, f"{kind} empty: {page}")
        tally.check(not today["has_orders"] and not today["figures"] and not today["tasks"], f"{kind} empty: {today}")
        owner.call("startBulk", body={"action": "tag", "tag": "x", "selection": {}}, expect="BULK_NOBODY")
        owner.call("exportCustomers", query={"format": "csv"})


def main():
    args = arguments(__doc__, only={}, database={})
    tally = Tally()
    for kind in chosen(args):
        for name, test in (("empty", test_empty), ("selections", test_selections), ("figures", test_figures)):
            if wanted(args, name):
                test(tally, args.binary, kind)
    tally.finish()


if __name__ == "__main__":
    main()
