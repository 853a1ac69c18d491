#!/usr/bin/env python3
"""The rights of the person, over HTTP and on the command line, on both databases:
/usr/bin/python3 test/http/person_test.py [--binary PATH] [--only rights,portrait] [--database sqlite|postgres]

Consent, correction, export, erasure; what an old file, an older database and the log of erasures make of somebody who was erased;
no byte of the erased in SQLite's file and log, nor in the server's own log; the portrait against the reports.
"""
import csv
import datetime
import html.parser
import json
import pathlib
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from api import Server, add_key, add_people  # noqa: E402
from program import ONLINE_RETAIL, Brand, Tally, arguments, chosen, wanted  # noqa: E402

tally = Tally()
MAP = json.dumps({
    "name": "till", "source": "shop", "format": "csv", "header": True, "encoding": "utf-8", "time_format": "%Y-%m-%d %H:%M",
    "time_zone": "UTC", "states": {"paid": "paid", "done": "received"},
    "columns": {"order_number": "number", "order_time": "time", "phone": "phone", "buyer_name": "name", "product_code": "product",
                "quantity": "quantity", "unit_price": "price", "state": "state", "channel": "channel", "refund_amount": "refund"}})
HEAD = "number,time,phone,name,product,quantity,price,state,channel,refund".split(",")
LIN, LIN_NAME, LIN_OTHER = "13800138000", "林小月", "13700137000"
WU = "13900139000"


def write_orders(path, rows):
    with open(path, "w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(HEAD)
        writer.writerows(row + [""] * (len(HEAD) - len(row)) for row in rows)


def rows_of(state="paid"):
    """Lin under two phones, Wu; the amounts of Lin are 10, 40 and 7.50; 4 of 30 were given back to Wu."""
    return [["A1", "2024-05-01 10:00", LIN, LIN_NAME, "tea", "1", "10.00", state, "online"],
            ["A2", "2024-05-11 10:00", LIN, LIN_NAME, "tea", "2", "20.00", state, "online"],
            ["A3", "2024-05-12 10:00", LIN_OTHER, LIN_NAME, "cup", "1", "7.50", state, "shop"],
            ["A4", "2024-05-12 10:00", WU, "吴大有", "cup", "1", "30.00", state, "online", "4.00"]]


def filled(brand):
    (brand.base / "map.json").write_text(MAP)
    write_orders(brand.base / "orders.csv", rows_of())
    brand.run("import", "orders", brand.base / "orders.csv", "--map", brand.base / "map.json",
              "--exported-at", "2024-06-01")


def find(client, text):
    return [one["customer_id"] for one in client.call("findCustomers", query={"q": text})["items"]]


class Text(html.parser.HTMLParser):
    """The words of a page."""

    def __init__(self, page):
        super().__init__()
        self.words = []
        self.feed(page)

    def handle_data(self, data):
        self.words.append(data)


# --- Consent ---

def standing(reply):
    return {(one["purpose"], one["channel"]): one["given"] if one["told"] else None for one in reply["standing"]}


def check_consent(owner, lin):
    path = {"customer_id": lin}
    before = standing(owner.call("getConsents", path))
    tally.check(len(before) == 2 * 5 + 2 and set(before.values()) == {None}, "nothing was said yet")
    say = {"purpose": "marketing", "channel": "sms", "given": True, "how": "form", "evidence": "form of 1 May, box 2",
           "occurred_at": "2024-05-01T09:00:00Z"}
    owner.call("recordConsent", path, body=say, key="consent-1")
    again = owner.call("recordConsent", path, body=say, key="consent-1")
    tally.check(len(again["history"]) == 1, "said twice under one key: once")
    now = standing(again)
    tally.check(now["marketing", "sms"] is True and now["marketing", "phone"] is None, "one channel")
    reply = owner.call("recordConsent", path, body={"purpose": "marketing", "given": False, "how": "spoken"})
    tally.check(standing(reply)["marketing", "sms"] is False and standing(reply)["marketing", "post"] is False, "all channels")
    older = {"purpose": "marketing", "channel": "email", "given": True, "how": "import", "evidence": "old list",
             "occurred_at": "2023-01-01T00:00:00Z"}
    reply = owner.call("recordConsent", path, body=older)
    tally.check(standing(reply)["marketing", "email"] is False, "what happened last decides, not what was recorded last")
    tally.check([one["given"] for one in reply["history"]] == [False, True, True], "the history, the latest first")
    tally.check(reply["history"][1]["evidence"] == "form of 1 May, box 2", "the evidence")
    tally.check(reply["history"][0]["recorded_by"] == "林掌柜", "who recorded it, by name")
    audit = owner.call("listAudit", query={"object": f"customer:{lin}", "limit": 1})["items"][0]
    tally.check(audit["operation"] == "recordConsent" and
                audit["after"] == {"purpose": "marketing", "channel": "email", "given": True, "how": "import"}, f"in the trail: {audit}")
    owner.call("recordConsent", path, body={**say, "evidence": " "}, expect="CONSENT_EVIDENCE")
    owner.call("recordConsent", path, body={**say, "purpose": "sharing"}, expect="CONSENT_CHANNEL")
    owner.call("recordConsent", path, body={**say, "occurred_at": "2099-01-01T00:00:00Z"}, expect="CONSENT_FUTURE")


def check_consent_of_one_person(owner, one, other):
    """Taken back while two births are one person, it is taken back for both, when they are parted again, too."""
    yes = {"purpose": "profiling", "given": True, "how": "form", "evidence": "form of 2 May"}
    owner.call("recordConsent", {"customer_id": other}, body={**yes, "occurred_at": "2024-05-02T09:00:00Z"})
    owner.call("mergeCustomers", {"customer_id": other}, body={"into_id": one})
    tally.check(standing(owner.call("getConsents", {"customer_id": one}))["profiling", "any"] is True, "a birth's yes is the person's")
    owner.call("recordConsent", {"customer_id": one}, body={"purpose": "profiling", "given": False, "how": "spoken"})
    owner.call("splitCustomer", {"customer_id": other})
    for birth in (one, other):
        tally.check(standing(owner.call("getConsents", {"customer_id": birth}))["profiling", "any"] is False, "a no is of both births")


# --- Correction ---

def check_correction(owner, lin, wu):
    path = {"customer_id": lin}
    add = {"kind": "email", "value": "Lin@Example.com"}
    reply = owner.call("addIdentity", path, body=add)
    email = next(one for one in reply["identities"] if one["kind"] == "email")
    tally.check(find(owner, "lin@example.com") == [lin], "found by what was added")
    owner.call("addIdentity", path, body=add, expect="IDENTITY_HAS")
    owner.call("addIdentity", {"customer_id": wu}, body=add, expect="IDENTITY_TAKEN")
    owner.call("addIdentity", path, body={"kind": "phone", "value": "138****8000"}, expect="IDENTITY_VALUE")
    owner.call("addIdentity", path, body={"kind": "buyer_id", "value": "lin"}, expect="IDENTITY_KIND")
    at = {"customer_id": lin, "identity_id": email["identity_id"]}
    owner.call("correctIdentity", at, body={"value": "lin@example.org"})
    tally.check(find(owner, "lin@example.com") == [] and find(owner, "lin@example.org") == [lin], "found by the right one")
    owner.call("correctIdentity", at, body={"value": WU}, expect="IDENTITY_VALUE")
    items = owner.call("getTimeline", path)["items"]
    tally.check("corrected" in str(items[0]["payload"]), f"what was corrected is in the history: {items[0]}")
    owner.call("addIdentity", path, body={"kind": "email", "value": "lin@example.net"})
    owner.call("correctIdentity", at, body={"value": "lin@example.net"}, expect="IDENTITY_HAS")
    phone = next(one for one in reply["identities"] if one["kind"] == "phone")
    there = {"customer_id": lin, "identity_id": phone["identity_id"]}
    owner.call("correctIdentity", there, body={"value": WU}, expect="IDENTITY_TAKEN")
    owner.call("correctIdentity", there, body={"value": LIN_OTHER}, expect={"IDENTITY_HAS", "IDENTITY_TAKEN"})
    owner.call("removeIdentity", at)
    tally.check(find(owner, "lin@example.org") == [], "found no more by what was removed")
    owner.call("removeIdentity", at, expect="IDENTITY_UNKNOWN")
    owner.call("correctIdentity", at, body={"value": "x@y.z"}, expect="IDENTITY_UNKNOWN")


# --- What is shown ---

def check_timeline(owner, lin):
    items = owner.call("getTimeline", {"customer_id": lin})["items"]
    kinds = {one["type"] for one in items}
    wanted = {"order", "customer.tagged", "customer.merged", "customer.consented", "customer.changed", "order.imported",
              "customer.revealed", "customer.exported"}
    tally.check(wanted <= kinds, f"the timeline shows {wanted - kinds}")
    times = [one["occurred_at"] for one in items]
    tally.check(times == sorted(times, reverse=True), "the newest first")
    for group in ("order", "tag", "merge", "consent", "access", "change", "import"):
        some = owner.call("getTimeline", {"customer_id": lin}, query={"group": group})["items"]
        tally.check(some and some == [one for one in items if one["group"] == group], f"only {group}")
    first = owner.call("getTimeline", {"customer_id": lin}, query={"limit": 2})
    tally.check(first["items"] == items[:2] and first["more"], "a limit")


def check_orders(owner, lin):
    reply = owner.call("listCustomerOrders", {"customer_id": lin})
    got = [(one["number"], one["amount"], [(line["product_code"], line["quantity"]) for line in one["lines"]])
           for one in reply["items"]]
    tally.check(got == [("A3", "7.50", [("cup", "1.000")]), ("A2", "40.00", [("tea", "2.000")]),
                        ("A1", "10.00", [("tea", "1.000")])], f"orders with their lines: {got}")
    page = owner.call("listCustomerOrders", {"customer_id": lin}, query={"limit": 2})
    rest = owner.call("listCustomerOrders", {"customer_id": lin}, query={"limit": 2, "cursor": page["next_cursor"]})
    tally.check(page["items"] + rest["items"] == reply["items"] and rest["next_cursor"] is None, "in pages")


def check_export(owner, lin, brand):
    known = [LIN, LIN_OTHER, LIN_NAME, "form of 1 May, box 2", "vip", "A1", "A2", "A3", "orders.csv"]
    reply = owner.call("exportCustomer", {"customer_id": lin}, body={"format": "json"})
    document = json.loads(reply.body)
    text = json.dumps(document, ensure_ascii=False)
    tally.check(all(word in text for word in known), f"the export lacks {[word for word in known if word not in text]}")
    tally.check({one["number"]: one["amount"] for one in document["orders"]} == {"A1": "10.00", "A2": "40.00", "A3": "7.50"},
                "its orders")
    tally.check(len(document["births"]) == 2 and document["paid"] == "57.50", "its births and money")
    tally.check({"mergeCustomers", "setTag", "splitCustomer"} <= {one["operation"] for one in document["handled"]},
                "who handled it, under either birth")
    tally.check({one["customer_id"] for one in document["events"]} == set(document["births"]), "what happened to both births")
    tagged = [one["particulars"] for one in document["events"] if one["type"] == "customer.tagged"]
    tally.check(tagged and tagged[-1]["set"] == "vip", f"what happened, with its particulars: {tagged}")
    corrected = {one["particulars"].get("change") for one in document["events"] if one["type"] == "customer.changed"}
    tally.check({"added", "corrected", "removed"} <= corrected, f"each correction: {corrected}")
    tally.check([one["file"] for one in document["imports"]] == ["orders.csv"], "whence it came")
    tally.check(WU not in text and "吴大有" not in text, "nothing of others")
    for language, title in (("en", "What we keep about you"), ("zh-CN", "我们保存的您的信息")):
        client = owner.server.logged_in("owner", language=language)
        page = client.call("exportCustomer", {"customer_id": lin}, body={"format": "html"})
        words = "\n".join(Text(page.body.decode()).words)
        tally.check(title in words and all(word in words for word in known), f"the page in {language}")
        tally.check("attachment" in page.headers.get("content-disposition", ""), "to be saved")


def check_export_of_wu(owner, wu):
    """Refunds, who looks after them, and what a page must not run."""
    path = {"customer_id": wu}
    me = owner.call("getMe")
    owner.call("setTag", {**path, "tag": "<b onclick=x>&\"bold"}, body={})
    owner.call("setKeeper", path, body={"staff_id": me["staff_id"]})
    document = json.loads(owner.call("exportCustomer", path, body={"format": "json"}).body)
    tally.check([one["amount"] for one in document["refunds"]] == ["4.00"] and document["refunded"] == "4.00", f"refunds: {document['refunds']}")
    tally.check(document["looked_after_by"] == me["name"], f"looked after by {document['looked_after_by']}")
    tally.check([one["name"] for one in document["tags"]] == ["<b onclick=x>&\"bold"], f"tags: {document['tags']}")
    page = owner.call("exportCustomer", path, body={"format": "html"}).body.decode()
    words = "\n".join(Text(page).words)
    tally.check("<b onclick=x>&\"bold" in words and "<b onclick" not in page, "what a tag says is text")
    tally.check(me["name"] in words and words.count("4.00") >= 3, "the page has the refund, of the order and by itself")
    owner.call("removeTag", {**path, "tag": "<b onclick=x>&\"bold"})


def check_portrait(owner, brand, server):
    """Against the reports: scores by the thresholds of rfm, overdue and limits by the rows of overdue."""
    report = {name: owner.call("getReport", {"report": name})["sections"] for name in ("rfm", "overdue", "rhythm")}
    late = {one["customer_id"]: one for one in report["overdue"]["customers"]}
    cuts = {one["dimension"]: [one[q] for q in ("q20", "q40", "q60", "q80")] for one in report["rfm"]["thresholds"]}
    by_number = {one["from_purchase"]: one for one in report["rhythm"]["by_number"]}
    page, ids = None, []
    while page is None or page["next_cursor"]:
        query = {"limit": 200, **({"cursor": page["next_cursor"]} if page else {})}
        page = owner.call("listCustomers", query=query)
        ids += [one["customer_id"] for one in page["items"]]
    checked = {"own": 0, "brand": 0, "none": 0, "overdue": 0}
    for customer in ids[::7] + [one for one in ids if one in late][:60]:
        got = owner.call("getPortrait", {"customer_id": customer}).json
        if not got["is_buyer"]:
            continue
        days = [datetime.date.fromisoformat(day) for day in got["days"]]
        gaps = [(b - a).days for a, b in zip(days, days[1:])]
        r = sum(got["days_since"] > cut for cut in cuts["R"])
        f = sum(got["orders"] > cut for cut in cuts["F"])
        m = sum(float(got["amount"]) > cut + 1e-9 for cut in cuts["M"])
        tally.check((got["r"], got["f"], got["m"]) == (5 - r, 1 + f, 1 + m), f"{customer}: scores {got}")
        tally.check(got["median_days"] == (statistics.median(gaps) if gaps else None), f"{customer}: own median {got}")
        tally.check(got["is_overdue"] == (customer in late), f"{customer}: overdue {got}")
        basis = "own" if len(gaps) >= 5 else "brand"
        row = by_number.get(min(len(days), 11))
        if basis == "own":
            expected, limit = statistics.median(gaps), statistics.quantiles(gaps, n=10, method="inclusive")[8]
        else:
            basis = "brand" if row else "none"
            expected, limit = (row["median"], row["p90"]) if row else (None, None)
        checked[basis] += 1
        tally.check(got["basis"] == basis, f"{customer}: basis {got}")
        if basis != "none":
            near = abs(got["expected_days"] - expected) < 1e-9 and abs(got["limit_days"] - limit) < 1e-9
            tally.check(near, f"{customer}: {got} against {expected}, {limit}")
            to_late = (datetime.date.fromisoformat(got["overdue_from_day"]) - days[-1]).days
            tally.check(to_late > limit >= to_late - 1, f"{customer}: overdue from {got}")
        if customer in late:
            checked["overdue"] += 1
            tally.check(abs(late[customer]["limit_days"] - got["limit_days"]) < 1e-9 and late[customer]["basis"] == basis,
                        f"{customer}: as in the report overdue")
    tally.check(checked["own"] > 5 and checked["brand"] > 20 and checked["overdue"] > 20, f"met: {checked}")


# --- Erasure ---

def figures(client):
    return {name: client.call("getReport", {"report": name})["sections"] for name in
            ("totals", "repurchase", "monthly", "cohorts", "rfm", "by-channel", "by-first-product")}


def secrets_of(brand, births):
    """What lies in the database of these births and must be gone: keys, sealed fields, hashes; as bytes."""
    ids = ",".join(births)
    hexed = "hex(%s)" if brand.kind == "sqlite" else "encode(%s, 'hex')"
    found = []
    for column, table in (("data_key", "customer"), ("name_sealed", "customer"), ("value_sealed", "identity"),
                          ("hash", "customer_name_hash"), ("evidence_sealed", "consent")):
        rows = brand.sql(f"SELECT {hexed % column} FROM {table} WHERE customer_id IN ({ids}) AND {column} IS NOT NULL")
        found += [bytes.fromhex(row[0]) for row in rows if row and row[0]]
    return found


def check_no_bytes(brand, server, secrets):
    words = [word.encode() for word in (LIN, LIN_OTHER, LIN_NAME, "form of 1 May, box 2")]
    until = time.monotonic() + 20
    while True:
        files = [path for path in brand.dir.iterdir() if path.name.startswith("huitou.db")]
        left = [(path.name, one[:8]) for path in files for one in secrets + words if one in path.read_bytes()]
        if not left or time.monotonic() > until:
            break
        time.sleep(0.2)
    tally.check(not left, f"left in the files of SQLite: {left[:5]}")
    tally.check(files and any(path.stat().st_size > 0 for path in files), "there are files to look into")
    for path in brand.dir.rglob("*"):
        if path.is_file() and not path.name.startswith("huitou.db"):
            content = path.read_bytes()
            tally.check(not any(one in content for one in secrets + words), f"left in {path.name}")
    log = server.log_text()
    tally.check(log and not any(word.decode() in log for word in words), "left in the server's log")


def relation_files(brand):
    """The files of a PostgreSQL database on this machine, as they lie on its disk now."""
    brand.sql("CHECKPOINT")
    folder = brand.sql("SHOW data_directory")[0][0]
    oid = brand.sql("SELECT oid FROM pg_database WHERE datname = current_database()")[0][0]
    return [path for path in (pathlib.Path(folder) / "base" / oid).iterdir() if path.is_file()]


def files_with(brand, secrets):
    contents = [(path.name, path.read_bytes()) for path in relation_files(brand)]
    return {one: [name for name, content in contents if one in content] for one in secrets}


def check_purged(owner, brand, lin, secrets):
    """Soon after, nothing of it lies in the relations' files, the planner's statistics among them."""
    until = time.monotonic() + 60
    while not owner.call("getCustomer", {"customer_id": lin})["purged_at"] and time.monotonic() < until:
        time.sleep(0.1)
    tally.check(owner.call("getCustomer", {"customer_id": lin})["purged_at"], "the page says that the files are purged")
    if brand.kind == "postgres":
        left = {one.hex()[:16]: where for one, where in files_with(brand, secrets).items() if where}
        tally.check(not left, f"left in the files of PostgreSQL: {left}")


WRITES = {
    "setTag": {"path": {"tag": "kept"}, "body": {}},
    "removeTag": {"path": {"tag": "kept"}},
    "renameCustomer": {"body": {"name": LIN_NAME}},
    "setKeeper": {"body": {}},
    "recordConsent": {"body": {"purpose": "service", "given": True, "how": "other", "evidence": "said so"}},
    "addIdentity": {"body": {"kind": "member_card", "value": "M-1"}},
}


def write_under_keys(owner, lin, expect=None):
    for name, args in WRITES.items():
        owner.call(name, {"customer_id": lin, **args.get("path", {})}, body=args.get("body"), key=f"before-{name}", expect=expect)


def touch_identity_under_keys(owner, lin, identity_id, expect=None):
    at = {"customer_id": lin, "identity_id": identity_id}
    owner.call("correctIdentity", at, body={"value": "M-2"}, key="before-correct", expect=expect)
    owner.call("removeIdentity", at, key="before-remove", expect=expect)


def check_erased_is_refused(owner, lin, wu):
    path = {"customer_id": lin}
    owner.call("revealCustomer", path, expect="CUSTOMER_ERASED")
    owner.call("exportCustomer", path, body={}, expect="CUSTOMER_ERASED")
    owner.call("renameCustomer", path, body={"name": "x"}, expect="CUSTOMER_ERASED")
    owner.call("setTag", {**path, "tag": "x"}, body={}, expect="CUSTOMER_ERASED")
    owner.call("recordConsent", path, body=WRITES["recordConsent"]["body"], expect="CUSTOMER_ERASED")
    owner.call("addIdentity", path, body={"kind": "phone", "value": "13611112222"}, expect="CUSTOMER_ERASED")
    owner.call("mergeCustomers", path, body={"into_id": wu}, expect="CUSTOMER_ERASED")
    owner.call("mergeCustomers", {"customer_id": wu}, body={"into_id": lin}, expect="CUSTOMER_ERASED")
    owner.call("eraseCustomer", path, body={"confirm": lin}, expect="CUSTOMER_ERASED")


def check_erasure(owner, brand, server, lin, births, wu):
    path = {"customer_id": lin}
    write_under_keys(owner, lin)
    shown = owner.call("addIdentity", path, body={"kind": "member_card", "value": "M-3"})
    card = max((one["identity_id"] for one in shown["identities"] if one["kind"] == "member_card"), key=int)
    touch_identity_under_keys(owner, lin, card)
    owner.call("setKeeper", path, body={"staff_id": owner.call("getMe")["staff_id"]})
    pair = sorted((lin, wu), key=int)
    brand.sql(f"INSERT INTO merge_proposal (customer_id, other_id, identity_kind, recorded_at, decided) VALUES ({pair[0]}, {pair[1]}, 1, 1, 0)")
    tally.check(len(owner.call("listProposals")["items"]) == 1, "a merge is proposed")
    secrets = secrets_of(brand, births)
    tally.check(len(secrets) > 10, f"there is something to erase: {len(secrets)}")
    if brand.kind == "postgres":
        brand.sql("ANALYZE")
        unseen = [one.hex()[:16] for one, where in files_with(brand, secrets).items() if not where]
        tally.check(not unseen, f"these files are where it lies: {unseen}")
    owner.call("eraseCustomer", path, body={"confirm": "somebody"}, expect="CUSTOMER_ERASE_CONFIRM")
    before = figures(owner)
    reply = owner.call("eraseCustomer", path, body={"confirm": LIN_NAME}, key="erase")
    logged = [json.loads(line) for line in (brand.dir / "erasures.log").read_text().splitlines() if line]
    tally.check(len(logged) == 1 and set(logged[0]["births"]) == set(births) and logged[0]["erasure_id"] == reply["erasure_id"],
                f"answered when the log outside the database has it: {logged}")
    again = owner.call("eraseCustomer", path, body={"confirm": LIN_NAME}, key="erase", expect={200, "IDEMPOTENCY_ERASED"})
    tally.check(again.status == 200 and again.json == reply.json, "asked twice under one key: once")
    tally.check(reply["births"] == 2, "both births")
    tally.check(figures(owner) == before, "reports before = after")
    shown = owner.call("getCustomer", path)
    tally.check(shown["erased"] and shown["name"] is None and shown["identities"] == [] and shown["tags"] == []
                and shown["paid"] == "57.50" and shown["paid_orders"] == 3, f"nothing but orders: {shown.json}")
    tally.check(shown["keeper_id"] is None and owner.call("listProposals")["items"] == [], "nobody looks after them, nobody compares them")
    tally.check(all(find(owner, word) == [] for word in (LIN, LIN_OTHER, LIN_NAME, "林", "M-1")), "nobody is found")
    tally.check(find(owner, "A1") == [lin], "its order is found by its number")
    items = owner.call("getTimeline", path)["items"]
    tally.check(items[0]["type"] == "customer.erased" and "vip" not in json.dumps(items), "the timeline says no more")
    tally.check(all(one["payload"] is None for one in items if one["type"] != "customer.erased"), "no particulars")
    trail = owner.call("listAudit", query={"object": f"customer:{lin}"})["items"]
    tally.check(trail and trail[0]["operation"] == "eraseCustomer" and
                all(one["before"] is None and one["after"] is None for one in trail[1:]), "the audit trail keeps who and when")
    said = owner.call("getConsents", path)
    tally.check([one["evidence"] for one in said["history"]] == [None] * len(said["history"]) and said["history"],
                "consents without evidence")
    check_erased_is_refused(owner, lin, wu)
    write_under_keys(owner, lin, expect="IDEMPOTENCY_ERASED")
    touch_identity_under_keys(owner, lin, card, expect="IDEMPOTENCY_ERASED")
    owner.call("mergeCustomers", {"customer_id": births[1]}, body={"into_id": lin}, key="merge", expect="IDEMPOTENCY_ERASED")
    owner.call("splitCustomer", {"customer_id": births[1]}, key="split", expect="IDEMPOTENCY_ERASED")
    check_purged(owner, brand, lin, secrets)
    if brand.kind == "sqlite":
        check_no_bytes(brand, server, secrets)


def check_old_file(brand, lin):
    """The same file, its orders restated by a later one, and orders of before that were never imported: nobody comes back."""
    arguments_of = ["--map", brand.base / "map.json"]
    brand.run("import", "orders", brand.base / "orders.csv", *arguments_of)
    write_orders(brand.base / "later.csv", rows_of("done") + [
        ["A0", "2023-05-01 10:00", LIN, LIN_NAME, "tea", "1", "3.00", "paid", "online"]])
    brand.run("import", "orders", brand.base / "later.csv", *arguments_of, "--exported-at", "2024-07-01")
    for word in (LIN, LIN_OTHER, LIN_NAME):
        tally.check(brand.json("customer", "find", word)["customers"] == [], f"{word} is not found")
    shown = brand.json("customer", "show", lin)["customer"]
    tally.check(shown["paid_orders"] == 3 and shown["orders"][0]["state"] == "received" and shown["name"] is None,
                "the orders were restated, and stay nobody's")
    tally.check(brand.json("customer", "find", "A0")["customers"][0]["placeholder"], "an older order is of an unknown buyer")
    new = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    write_orders(brand.base / "new.csv", [["B1", new.strftime("%Y-%m-%d %H:%M"), LIN, "林", "tea", "1", "5.00", "paid", "online"]])
    brand.run("import", "orders", brand.base / "new.csv", *arguments_of)
    found = brand.json("customer", "find", LIN)["customers"]
    tally.check(len(found) == 1 and found[0]["customer_id"] != lin and found[0]["paid_orders"] == 1,
                "who buys after the erasure is a new customer")
    tally.check(brand.try_run("verify").returncode == 0, "verify")


def check_command_line(brand):
    found = brand.json("customer", "find", WU)["customers"][0]["customer_id"]
    brand.run("customer", "consent", found, "--given", "marketing", "--channel", "chat", "--how", "message", "--evidence", "yes!")
    told = brand.json("customer", "consent", found, "--withdrawn", "profiling")["consents"]
    tally.check([(one["purpose"], one["channel"], one["given"]) for one in told] ==
                [("profiling", "any", False), ("marketing", "chat", True)], "consents on the command line")
    brand.run("customer", "export", found, "--output", brand.base / "wu.json", "--format", "json")
    tally.check(WU in (brand.base / "wu.json").read_text() and (brand.base / "wu.json").stat().st_mode & 0o77 == 0,
                "an export, readable by its owner alone")
    tally.check("Nothing was changed" in brand.run("customer", "erase", found), "without --confirm only a preview")
    tally.check(brand.try_run("customer", "erase", found, "--confirm", "nobody").returncode == 1, "a wrong word")
    tally.check(len(brand.json("customer", "find", WU)["customers"]) == 1, "still there")
    said = brand.run("customer", "erase", found, "--confirm", found)
    tally.check("No file of the database holds anything of it any more" in said, f"what is left: {said}")
    tally.check(brand.sql("SELECT COUNT(*) FROM erasure WHERE purged_at IS NULL") == [["0"]], "it is noted")
    tally.check(brand.json("customer", "find", WU)["customers"] == [], "gone")
    lines = [json.loads(line) for line in (brand.dir / "erasures.log").read_text().splitlines() if line]
    tally.check(len(lines) == 2 and lines[1]["births"] == [found] and WU not in json.dumps(lines), "the log of erasures")
    tally.check((brand.dir / "erasures.log").stat().st_mode & 0o77 == 0, "the log is its owner's alone")


def check_log_is_made_good(brand):
    """The process ended between commit and line: the next one that starts writes it."""
    log = brand.dir / "erasures.log"
    text = log.read_text()
    log.unlink()
    with Server(brand.command("serve")) as server:
        server.wait_ready()
    tally.check(log.read_text() == text, "a lost log is written anew from the database")


def check_roles(server, owner, people, lin):
    path = {"customer_id": lin}
    for role in ("operator", "service_manager", "client_manager", "agent", "engineer"):
        client = people[role][1]
        client.call("eraseCustomer", path, body={"confirm": lin}, expect="HTTP_FORBIDDEN")
        if role != "operator":
            client.call("exportCustomer", path, body={}, expect="HTTP_FORBIDDEN")
    for name in ("getTimeline", "listCustomerOrders", "getConsents", "getPortrait"):
        people["agent"][1].call(name, path, expect="CUSTOMER_UNKNOWN")
    owner.call("setKeeper", path, body={"staff_id": people["agent"][0]})
    for name in ("getTimeline", "listCustomerOrders", "getConsents", "getPortrait"):
        people["agent"][1].call(name, path)
    people["agent"][1].call("recordConsent", path, body=WRITES["recordConsent"]["body"])
    for scope in ("customers:write", "personal:read"):
        add_key(owner, [scope])[1].call("eraseCustomer", path, body={"confirm": lin}, expect="HTTP_FORBIDDEN")


def uploaded(owner, name, text):
    import_id = owner.call("uploadImport", query={"name": name}, raw=text.encode())["import_id"]
    until = time.monotonic() + 30
    while owner.call("getImport", {"import_id": import_id})["state"] == "checking" and time.monotonic() < until:
        time.sleep(0.05)
    return import_id


def check_files_are_told(binary, kind):
    """The answer to an erasure names the files of imports that lie on the server, and until when."""
    good = "order id,order time,phone,amount\nE1,2025-05-01 10:00,13800138000,9.00\n"
    with Brand(binary, kind, currency="CNY", timezone="Asia/Shanghai") as brand:
        with Server(brand.command("serve")) as server:
            done = ask_which_files(brand, server, good)
        # Their time is over: a server that runs removes them, whether anybody imports or not.
        brand.sql(f"UPDATE import_upload SET finished_at = finished_at - {31 * 24 * 3600 * 1000000} WHERE upload_id = {done}")
        folder, until = brand.dir / "uploads" / done, time.monotonic() + 30
        tally.check(folder.exists(), "they are kept")
        with Server(brand.command("serve")):
            while folder.exists() and time.monotonic() < until:
                time.sleep(0.05)
            tally.check(not folder.exists(), "rejected rows that were kept for long enough are gone")


def ask_which_files(brand, server, good):
    owner = server.set_up()
    server.wait_ready()
    done = uploaded(owner, "done.csv", good + "E2,never,13800138000,9.00\n")
    owner.call("startImport", {"import_id": done})
    until = time.monotonic() + 30
    while (one := owner.call("getImport", {"import_id": done}))["state"] != "done" and time.monotonic() < until:
        time.sleep(0.05)
    tally.check(one["rows_rejected"] == 1, f"one row is rejected: {one.json}")
    held = uploaded(owner, "held.csv", good)
    gone = uploaded(owner, "gone.csv", good)
    owner.call("discardImport", {"import_id": gone})
    (lin,) = find(owner, LIN)
    files = owner.call("eraseCustomer", {"customer_id": lin}, body={"confirm": lin})["files"]
    tally.check([(file["import_id"], file["name"], file["holds"]) for file in files] ==
                [(done, "done.csv", "rejected_rows"), (held, "held.csv", "file")], f"the files: {files}")
    kept = datetime.datetime.fromisoformat(files[0]["until"]) - datetime.datetime.fromisoformat(one["finished_at"])
    tally.check(kept == datetime.timedelta(days=30) and files[1]["until"] is None, f"until when: {files}")
    check_purged(owner, brand, lin, [])
    return done


def run_kind(binary, kind):
    with Brand(binary, kind, currency="CNY", timezone="Asia/Shanghai") as brand:
        filled(brand)
        with Server(brand.command("serve")) as server:
            owner = server.set_up()
            server.wait_ready()
            (one,), (other,), (wu,) = find(owner, LIN), find(owner, LIN_OTHER), find(owner, WU)
            check_consent(owner, one)
            check_correction(owner, one, wu)
            check_consent_of_one_person(owner, one, other)
            check_export_of_wu(owner, wu)
            owner.call("setTag", {"customer_id": other, "tag": "vip"}, body={})
            owner.call("mergeCustomers", {"customer_id": other}, body={"into_id": one}, key="merge")
            owner.call("splitCustomer", {"customer_id": other}, key="split")
            owner.call("mergeCustomers", {"customer_id": other}, body={"into_id": one})
            owner.call("revealCustomer", {"customer_id": one})
            check_export(owner, one, brand)
            check_timeline(owner, one)
            check_orders(owner, one)
            check_roles(server, owner, add_people(owner, server), one)
            check_erasure(owner, brand, server, one, [one, other], wu)
        check_old_file(brand, one)
        check_command_line(brand)
        check_log_is_made_good(brand)
    check_files_are_told(binary, kind)


def run_portrait(binary):
    with Brand(binary, "sqlite") as brand:
        brand.run("import", "orders", ONLINE_RETAIL, "--map", "online-retail")
        with Server(brand.command("serve")) as server:
            owner = server.set_up()
            server.wait_ready()
            check_portrait(owner, brand, server)


def main():
    args = arguments(__doc__, only={}, database={})
    for kind in chosen(args):
        if wanted(args, "rights"):
            run_kind(args.binary, kind)
    if wanted(args, "portrait"):
        run_portrait(args.binary)
    tally.finish()


if __name__ == "__main__":
    main()
