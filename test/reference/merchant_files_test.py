#!/usr/bin/env python3
"""Merchants' export files against a count made by somebody who has not seen the import maps, on both databases.

    python3 test/reference/merchant_files_test.py [--binary PATH] [--only PLATFORM] [--database sqlite|postgres]
                                                 [--keep DIRECTORY]

merchant_files.py invents the files of seven platforms and notes what is in them. Here every file is imported without
naming a map, and held against that: what the dry run and the import say, each order, refund and customer in the
database, and the reports. The same file again, and the same content as xlsx, must change nothing.

A failure names the file, the figure, both values, the orders that differ grouped by what is special about them, and the
reading of the facts that the expectation rests on (READINGS in merchant_files.py).
"""
import datetime
import json
import pathlib
import sys
import tempfile
from collections import Counter, defaultdict
from decimal import Decimal

import openpyxl

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import merchant_files as merchant  # noqa: E402
from program import KINDS, Brand, Tally, arguments  # noqa: E402

tally = Tally()
EPOCH = datetime.date(1970, 1, 1)
FIGURES = ("rows", "rows_rejected", "rows_skipped", "orders", "orders_without_buyer", "customers_seen", "amount", "refunds",
           "refund_amount", "first_day", "last_day")
READING_OF = {"rows": "rows", "rows_rejected": "rows", "rows_skipped": "rows", "orders": "rows", "orders_without_buyer": "buyer",
              "customers_seen": "buyer", "amount": "paid", "refunds": "refund", "refund_amount": "refund", "first_day": "time",
              "last_day": "time", "refund": "refund", "day": "time", "customers": "buyer", "gross_amount": "paid",
              "repeat_customers": "time"}


class Case:
    """One file in one brand: checks that name it when they fail."""

    def __init__(self, brand, file):
        self.brand, self.file = brand, file
        self.title = f"[{brand.kind}] {file.platform}/{file.name}"

    def reading(self, what):
        kind = READING_OF.get(what, what)
        readings = merchant.READINGS[self.file.platform]
        return merchant.ROWS_READING if kind == "rows" else readings.get(kind, "what is known already changes nothing.")

    def same(self, step, what, expected, got):
        return tally.check(expected == got, f"{self.title}: {step}: {what}: expected {expected}, got {got}. Reading: {self.reading(what)}")


def run_import(case, path, *flags):
    """The answer of the program for one file, or None (and a failed check) where it refuses it."""
    run = case.brand.try_run("import", "orders", path, "--json", *flags)
    step = "dry run" if "--dry-run" in flags else "import"
    if not tally.check(run.returncode == 0, f"{case.title}: {step} of {path.name}: exit {run.returncode}: {(run.stdout + run.stderr)[:600]}"):
        return None
    return json.loads(run.stdout, parse_float=Decimal)["files"][0]


def fen(amount):
    return int(Decimal(amount) * 100)


def snapshot(brand):
    """Everything that a repeated import could add to."""
    tables = ("orders", "order_line", "refund", "customer", "identity", "event", "refund_waiting", "merge_proposal")
    counts = ",".join(f"(SELECT COUNT(*) FROM {table})" for table in tables)
    sums = "(SELECT COALESCE(SUM(amount_minor), 0) FROM orders), (SELECT COALESCE(SUM(refunded_minor), 0) FROM orders)"
    return brand.sql(f"SELECT {counts}, {sums}")[0]


def check_answer(case, step, answer):
    expected = case.file.figures()
    tally.check(answer["map_recognised"] is True, f"{case.title}: {step}: the platform was not recognised from the header but named {answer['map']}")
    for what in FIGURES:
        got = fen(answer[what]) if what in ("amount", "refund_amount") else answer[what]
        case.same(step, what, expected[what], got)
    if case.file.rejected:
        tally.check(answer["problems"] and all(case.file.name in p["message_en"] and p["first_line"] > 1 for p in answer["problems"]),
                    f"{case.title}: {step}: not every problem names file and line: {answer['problems']}")


def check_rejects(case, answer):
    """The reject file has every rejected row, except that a line with an unclosed quote cannot be counted by a reader of CSV."""
    if not answer["reject_file"]:
        tally.check(not case.file.rejected, f"{case.title}: no reject file")
        return
    if any(what == "unclosed" for what, _ in case.file.lines):
        return
    sheet = openpyxl.load_workbook(case.brand.base / answer["reject_file"], read_only=True).active
    case.same("reject file", "rows_rejected", case.file.rejected, sum(1 for _ in sheet.iter_rows()) - 1)


ORDERS_SQL = """SELECT o.number, CASE WHEN o.paid_at IS NULL THEN 0 ELSE 1 END, o.amount_minor, o.refunded_minor,
  COALESCE(o.paid_day, (o.occurred_at / 1000000 + 28800) / 86400), r.placeholder, c.root_id
  FROM orders o JOIN customer c ON c.customer_id = o.customer_id JOIN customer r ON r.customer_id = c.root_id"""


def stored_orders(brand):
    found = {}
    for number, paid, amount, refund, day, placeholder, root in brand.sql(ORDERS_SQL):
        found[number] = {"paid": paid == "1", "amount": int(amount), "refund": int(refund),
                         "day": str(EPOCH + datetime.timedelta(days=int(day))), "placeholder": placeholder in ("1", "t"), "root": root}
    return found


def tell(case, what, different):
    """One failed check for all orders that differ in one thing, grouped by what is special about them."""
    tags = Counter(tag for order, *_ in different for tag in order.tags)
    examples = "; ".join(f"{order.number} ({', '.join(sorted(order.tags))}): expected {expected}, got {got}" for order, expected, got in different[:3])
    tally.check(not different, f"{case.title}: {len(different)} orders differ in {what}, with {dict(tags.most_common(6))}. {examples}. "
                               f"Reading: {case.reading(what)}")


def check_orders(case, stored, known):
    """Each order of the file as the database has it. known: all orders of the brand so far, by number."""
    orders = case.file.orders
    missing = [(o, "an order", "none") for o in orders if o.number not in stored]
    tell(case, "rows", missing)
    here = [(o, stored[o.number]) for o in orders if o.number in stored]
    tell(case, "paid", [(o, o.paid, s["paid"]) for o, s in here if o.paid != s["paid"]])
    tell(case, "amount", [(o, o.amount, s["amount"]) for o, s in here if o.paid and s["paid"] and o.amount != s["amount"]])
    tell(case, "refund", [(o, o.refund, s["refund"]) for o, s in here if o.refund != s["refund"]])
    tell(case, "day", [(o, str(o.day), s["day"]) for o, s in here if o.paid == s["paid"] and str(o.day) != s["day"]])
    tell(case, "orders_without_buyer", [(o, o.buyer, "a placeholder" if s["placeholder"] else "a customer") for o, s in here
                                        if (o.buyer is None) != s["placeholder"]])
    stray = sorted(set(stored) - set(known))
    tally.check(not stray, f"{case.title}: orders that should not be there: {stray[:5]} ({len(stray)}). Reading: {merchant.ROWS_READING}")


def check_customers(case, stored, known):
    """One customer per buyer, one buyer per customer, over all files of the brand so far."""
    roots, buyers = defaultdict(set), defaultdict(set)
    for order in known.values():
        if order.number in stored and order.buyer and not stored[order.number]["placeholder"]:
            roots[order.buyer].add(stored[order.number]["root"])
            buyers[stored[order.number]["root"]].add(order.buyer)
    split = {buyer: len(of) for buyer, of in roots.items() if len(of) > 1}
    joined = [sorted(of) for of in buyers.values() if len(of) > 1]
    reading = case.reading("buyer")
    tally.check(not split, f"{case.title}: {len(split)} buyers are several customers, such as {list(split.items())[:3]}. Reading: {reading}")
    tally.check(not joined, f"{case.title}: {len(joined)} customers are several buyers, such as {joined[:3]}. Reading: {reading}")


def check_weak(case, stored):
    """A buyer known by the receiver's phone alone is marked so: all identities of that customer are weak."""
    roots = {stored[o.number]["root"] for o in case.file.orders if o.weak and o.number in stored}
    strong = {row[0] for row in case.brand.sql("SELECT DISTINCT c.root_id FROM identity i JOIN customer c ON c.customer_id = i.customer_id WHERE i.weak = 0")}
    tally.check(not roots & strong, f"{case.title}: {len(roots & strong)} of {len(roots)} customers known by a receiver's phone only are not "
                                    f"marked weak. Reading: {case.reading('buyer')}")


def check_refunds(case, known):
    count, amount = case.brand.sql("SELECT COUNT(*), COALESCE(SUM(amount_minor), 0) FROM refund WHERE amount_minor <> 0")[0]
    case.same("refund table", "refunds", sum(o.refund > 0 for o in known.values()), int(count))
    case.same("refund table", "refund_amount", sum(o.refund for o in known.values()), int(amount))


def check_reports(case, known):
    """The reports over all files of the brand: orders on placeholders are left out of them, and said."""
    of_buyers = [o for o in known.values() if o.buyer and o.paid]
    counted = [o for o in of_buyers if o.amount == 0 or o.refund < o.amount]
    days = defaultdict(set)
    for order in counted:
        days[order.buyer].add(order.day)
    expected = {"customers": len(days), "orders": len(counted), "gross_amount": sum(o.amount for o in of_buyers),
                "refund_amount": sum(o.refund for o in of_buyers), "refunds": sum(o.refund > 0 for o in of_buyers)}
    hanging = sum(o.buyer is None and o.paid for o in known.values())
    if not days:
        for engine in ("columns", "sql"):
            run = case.brand.try_run("report", "totals", "--engine", engine, "--json")
            error = json.loads(run.stdout)["errors"][0]
            case.same(f"report totals ({engine}) where no buyer is known", "error", "REPORT_NO_BUYERS", error["code"])
            tally.check(f" {hanging:,} " in error["message"], f"{case.title}: {hanging} paid orders, not in: {error['message']}")
        return
    report = json.loads(case.brand.run("report", "totals", "--json"), parse_float=Decimal)
    totals = report["sections"]["totals"][0]
    for what, value in expected.items():
        got = fen(totals[what]) if what.endswith("amount") else totals[what]
        case.same("report totals", what, value, got)
    tally.check(not hanging or any(f" {hanging:,}," in note or f" {hanging}," in note for note in report["notes"]),
                f"{case.title}: report totals: no note says that {hanging} paid orders hang on placeholders: {report['notes']}")
    repurchase = case.brand.json("report", "repurchase")["sections"]["repurchase"][0]
    case.same("report repurchase", "repeat_customers", sum(len(d) > 1 for d in days.values()), repurchase["repeat_customers"])


def check_again(case, step, answer, before):
    """An import of what is known already: nothing new, nothing changed."""
    if answer is None:
        return
    case.same(step, "orders_new", 0, answer["orders_new"])
    case.same(step, "orders_changed", 0, answer["orders_changed"])
    case.same(step, "orders_same", len(case.file.orders), answer["orders_same"])
    case.same(step, "database", before, snapshot(case.brand))


def check_file(brand, file, path, twin, known):
    case = Case(brand, file)
    before = snapshot(brand)
    answer = run_import(case, path, "--dry-run")
    if answer is None:
        return None
    check_answer(case, "dry run", answer)
    case.same("dry run", "database", before, snapshot(brand))
    answer = run_import(case, path)
    if answer is None:
        return None
    check_answer(case, "import", answer)
    check_rejects(case, answer)
    known.update({order.number: order for order in file.orders})
    stored = stored_orders(brand)
    check_orders(case, stored, known)
    check_customers(case, stored, known)
    check_weak(case, stored)
    check_refunds(case, known)
    before = snapshot(brand)
    check_again(case, "the same file again", run_import(case, path), before)
    if twin:
        answer = run_import(case, twin)
        check_again(case, "the same content as xlsx", answer, before)
        if answer:
            case.same("the same content as xlsx", "rows_rejected", file.rejected, answer["rows_rejected"])
    return answer and answer["source"]


def check_platform(options, kind, files, paths):
    with Brand(options.binary, kind, currency="CNY", timezone="Asia/Shanghai") as brand:
        known, sources = {}, set()
        for file in files:
            sources.add(check_file(brand, file, *paths[file.platform, file.name], known))
        sources.discard(None)
        tally.check(len(sources) <= 1, f"[{kind}] {files[0].platform}: files of one platform have several sources: {sources}")
        if known:
            check_reports(Case(brand, files[-1]), known)


def check_both(options, kind, files, paths):
    """The order list and the items file of the same orders, either first: no buyer is lost, no money counted twice. (The
    facts name both files as one platform's; that they are about the same orders is this test's reading.)"""
    for first, second in (files, files[::-1]):
        with Brand(options.binary, kind, currency="CNY", timezone="Asia/Shanghai") as brand:
            for file in (first, second):
                if run_import(Case(brand, file), paths[file.platform, file.name][0]) is None:
                    return
            stored = stored_orders(brand)
            case = Case(brand, second)
            case.title += f" after {first.name}"
            case.file = next(f for f in files if f.platform == "taobao")
            known = {o.number: o for file in files[::-1] for o in file.orders}
            check_orders(case, stored, known)
            check_customers(case, stored, known)


def main():
    options = arguments(__doc__, only={}, database={}, keep={})
    platforms = merchant.all_files()
    if options.only:
        platforms = {options.only: platforms[options.only]}
    digests = json.loads((merchant.FIXTURES / "digests.json").read_text())
    with tempfile.TemporaryDirectory(prefix="huitou-merchant-") as directory:
        directory = options.keep or directory
        pathlib.Path(directory).mkdir(exist_ok=True)
        paths = {}
        for file in (f for files in platforms.values() for f in files):
            if file.writer == "libreoffice" and digests[merchant.fixture_path(file).name] != merchant.digest(file):
                sys.exit(f"{merchant.fixture_path(file)} is not what the generator says now: merchant_files.py --fixtures")
            paths[file.platform, file.name] = (merchant.write_file(file, directory), merchant.write_twin(file, directory) if file.twin else None)
        for kind in [options.database] if options.database else KINDS:
            for platform, files in platforms.items():
                (check_both if platform == "taobao_both" else check_platform)(options, kind, files, paths)
    tally.finish()


if __name__ == "__main__":
    main()
