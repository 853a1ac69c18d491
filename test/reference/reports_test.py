#!/usr/bin/env python3
"""Every report, by both engines and on both databases, against answers computed by DuckDB without our code.

    python3 test/reference/reports_test.py [--binary PATH]

Online Retail travels in the repository. CDNOW states no licence, so it is read from ../shared/data (or
HUITOU_SHARED_DATA); where that is absent this says plainly that it did not run.
Counts are compared to the last digit, money to 0.01 in total, ratios to 1e-6 (the references are rounded to six
decimals, so that half of one of their last digits is allowed on top).
"""
import csv
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from program import KINDS, ONLINE_RETAIL, SHARED, Brand, Tally, arguments  # noqa: E402

tally = Tally()


def tsv(folder, name):
    with open(folder / f"{name}.tsv", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))


class Report:
    def __init__(self, brand, engine, name, label, *flags):
        self.label = f"{label} {name} {' '.join(flags)}"
        self.data = brand.json("report", name, "--engine", engine, *flags)
        self.sections = self.data["sections"]

    def row(self, section):
        tally.check(len(self.sections[section]) == 1, f"{self.label} {section}: one row")
        return self.sections[section][0]

    def same(self, what, ours, reference, kind):
        where = f"{self.label}: {what}: {ours!r} is not {reference!r}"
        if reference in ("", None):
            return tally.check(ours is None, where)
        if ours is None:
            return tally.check(False, where)
        if kind == "count":
            return tally.check(isinstance(ours, int) and ours == int(float(reference)), where)
        if kind == "text":
            return tally.check(str(ours) == reference, where)
        slack = {"money": 0.005, "money4": 5e-5 + 1e-9, "ratio": 1e-6 + 5e-7, "number": 1e-6, "number4": 5e-5 + 1e-9,
                 "exact": 1e-9}[kind]
        return tally.check(abs(float(ours) - float(reference)) <= slack + 1e-12 * abs(float(reference)), where)

    def columns(self, section, row_name, row, reference, mapping):
        for ours, (theirs, kind) in mapping.items():
            self.same(f"{section} {row_name} {ours}", row[ours], reference[theirs], kind)

    def table(self, section, reference, keys, mapping, money=None):
        """Rows matched by keys (ours → theirs); both sides must have the same keys. money: a column's total."""
        ours = {tuple(str(row[k]) for k in keys): row for row in self.sections[section]}
        theirs = {tuple(row[k] for k in keys.values()): row for row in reference}
        tally.check(list(ours) == list(theirs) or set(ours) == set(theirs),
                    f"{self.label} {section}: rows {sorted(set(ours) ^ set(theirs))[:5]}")
        for key in theirs:
            if key in ours:
                self.columns(section, "/".join(key), ours[key], theirs[key], mapping)
        if money:
            total = sum(float(row[money[0]]) for row in ours.values())
            expected = sum(float(row[money[1]]) for row in reference)
            tally.check(abs(total - expected) <= 0.01 + 1e-6, f"{self.label} {section}: total {total} is not {expected}")


# Money of one cell: the references sum exact decimals and round once, we round each line to the minor unit; four lines of
# Online Retail have a third decimal, so a cell may differ by up to two hundredths while the totals hold to 0.01.
CELL = "cell"


def check_simple(brand, engine, label, folder):
    report = Report(brand, engine, "totals", label, "--amount", "gross")
    report.columns("totals", "", report.row("totals"), tsv(folder, "totals")[0], {
        "customers": ("customers", "count"), "orders": ("orders", "count"), "purchase_days": ("purchase_days", "count"),
        "first_day": ("first_order_date", "text"), "last_day": ("last_order_date", "text"),
        "gross_amount": ("revenue", "money"), "mean_order_amount": ("mean_order_value", "money4"),
        "median_order_amount": ("median_order_value", "money4")})
    tally.check(report.data["as_of"] == tsv(folder, "totals")[0]["asof_date"], f"{report.label}: as-of date")
    report = Report(brand, engine, "repurchase", label, "--amount", "gross")
    report.columns("repurchase", "", report.row("repurchase"), tsv(folder, "repurchase")[0], {
        "customers": ("customers", "count"), "repeat_customers": ("repeat_customers_by_day", "count"),
        "repurchase_rate": ("repurchase_rate", "ratio"),
        "repeat_customers_by_order": ("repeat_customers_by_order", "count"),
        "repurchase_rate_by_order": ("repurchase_rate_by_order", "ratio"),
        "three_plus_days": ("three_plus_days", "count"), "five_plus_days": ("five_plus_days", "count"),
        "orders_per_customer": ("orders_per_customer", "ratio"), "max_orders": ("max_orders", "count"),
        "max_days": ("max_days", "count")})
    report = Report(brand, engine, "frequency", label)
    report.table("frequency", tsv(folder, "frequency_distribution"), {"purchase_days": "purchase_days"},
                 {"customers": ("customers", "count")})


def check_nday(brand, engine, label, folder):
    report = Report(brand, engine, "nday", label)
    report.table("overall", tsv(folder, "windows_overall"), {"window_days": "window_days"}, {
        "customers": ("customers", "count"), "repurchased": ("repurchased_any", "count"),
        "rate_all": ("rate_all", "ratio"), "eligible": ("eligible", "count"),
        "repurchased_eligible": ("repurchased_eligible", "count"), "rate": ("rate_eligible", "ratio")})
    rows = {(row["cohort"], row["window_days"]): row for row in report.sections["by_cohort"]}
    reference = tsv(folder, "windows_by_cohort")
    tally.check(len(rows) == 7 * len(reference), f"{report.label}: every cohort has seven windows")
    for cohort in reference:
        for days in (30, 60, 90):
            row = rows[(cohort["cohort"], days)]
            report.columns("by_cohort", f"{cohort['cohort']}/{days}", row, cohort, {
                "customers": ("customers", "count"), "repurchased": (f"rep{days}", "count"),
                "eligible": (f"elig{days}", "count"), "repurchased_eligible": (f"elig_rep{days}", "count"),
                "repurchased_ever": ("rep_ever", "count")})
            if int(cohort[f"elig{days}"]):
                rate = int(cohort[f"elig_rep{days}"]) / int(cohort[f"elig{days}"])
                report.same(f"by_cohort {cohort['cohort']}/{days} rate", row["rate"], repr(rate), "ratio")


def check_cohorts(brand, engine, label, folder):
    report = Report(brand, engine, "cohorts", label)
    report.table("retention", tsv(folder, "cohort_retention_long"), {"cohort": "cohort", "month_offset": "month_offset"}, {
        "cohort_size": ("cohort_size", "count"), "active": ("active", "count"), "retention": ("retention", "ratio")})
    wide = {row["cohort"]: row for row in tsv(folder, "cohort_retention_wide")}
    for row in report.sections["retention"]:
        report.same(f"wide {row['cohort']}", row["active"], wide[row["cohort"]][f"m{row['month_offset']}"], "count")
    report = Report(brand, engine, "cohort-revenue", label, "--amount", "gross")
    reference = tsv(folder, "cohort_revenue_long")
    report.table("revenue", reference, {"cohort": "cohort", "month_offset": "month_offset"},
                 {"orders": ("orders", "count")}, money=("amount", "revenue"))
    check_cells(report, "revenue", reference, ("cohort", "month_offset"), "amount", "revenue")
    report = Report(brand, engine, "monthly", label, "--amount", "gross")
    reference = tsv(folder, "monthly")
    report.table("monthly", reference, {"month": "month"}, {
        "orders": ("orders", "count"), "active_customers": ("active_customers", "count"),
        "new_customers": ("new_customers", "count"), "returning_customers": ("returning_customers", "count")},
        money=("amount", "revenue"))
    check_cells(report, "monthly", reference, ("month",), "amount", "revenue")


def check_cells(report, section, reference, keys, ours, theirs):
    expected = {tuple(row[k] for k in keys): float(row[theirs]) for row in reference}
    for row in report.sections[section]:
        key = tuple(str(row[k]) for k in keys)
        tally.check(key in expected and abs(float(row[ours]) - expected[key]) <= 0.0201,
                    f"{report.label} {section} {key}: {row[ours]} is not {expected.get(key)}")


def check_rhythm(brand, engine, label, folder):
    report = Report(brand, engine, "rhythm", label)
    report.columns("overall", "", report.row("overall"), tsv(folder, "interpurchase")[0], {
        "gaps": ("gaps", "count"), "median": ("median_gap", "number"), "mean": ("mean_gap", "ratio"),
        "p25": ("p25", "number"), "p75": ("p75", "number"), "p90": ("p90", "number"), "max": ("max_gap", "count"),
        "median_of_customer_mean": ("median_of_customer_mean_gap", "ratio"),
        "median_days_to_second": ("median_days_to_second", "number")})
    rows = {row["from_purchase"]: row for row in report.sections["by_number"]}
    for reference in tsv(folder, "interpurchase_by_order_number"):
        report.columns("by_number", reference["from_day_no"], rows[int(reference["from_day_no"])], reference, {
            "gaps": ("n", "count"), "median": ("median_gap", "number"), "mean": ("mean_gap", "number4")})
    report = Report(brand, engine, "second-purchase", label)
    report.table("at_days", tsv(folder, "km_second_purchase"), {"day": "day"}, {
        "cum_repurchase": ("cum_repurchase", "ratio"), "standard_error": ("greenwood_se", "ratio"),
        "at_risk": ("at_risk", "count")})


def check_rfm(brand, engine, label, folder):
    report = Report(brand, engine, "rfm", label, "--amount", "gross")
    rows = {row["dimension"]: row for row in report.sections["thresholds"]}
    for reference in tsv(folder, "rfm_cut_thresholds"):
        dimension = reference["dim"]
        for quantile in ("q20", "q40", "q60", "q80"):
            report.same(f"threshold {dimension} {quantile}", rows[dimension][quantile], reference[quantile],
                        "money" if dimension == "M" else "number")
    report.table("scores", tsv(folder, "rfm_cut_quintiles"), {"dimension": "dim", "score": "score"},
                 {"customers": ("customers", "count")})
    report.table("cells", tsv(folder, "rfm_cut_cells"), {"r": "r", "f": "f", "m": "m"},
                 {"customers": ("customers", "count")})
    total = sum(float(row["amount"]) for row in report.sections["cells"])
    tally.check(abs(total - float(tsv(folder, "totals")[0]["revenue"])) <= 0.01 + 1e-6, f"{report.label}: sum of M {total}")
    report = Report(brand, engine, "concentration", label, "--amount", "gross")
    check_concentration(report, tsv(folder, "concentration"), "top_revenue", "revenue_share")
    report.same("gini", report.row("gini")["gini"], tsv(folder, "gini")[0]["gini"], "ratio")


def check_concentration(report, reference, amount, share):
    for ours, theirs in zip(report.sections["top"], reference, strict=True):
        report.columns("top", theirs["top_share_of_customers"], ours, theirs, {
            "top_share": ("top_share_of_customers", "ratio"), "top_customers": ("top_customers", "count"),
            "amount_share": (share, "ratio")})
        tally.check(abs(float(ours["amount"]) - float(theirs[amount])) <= 0.01 + 1e-6,
                    f"{report.label} top {theirs['top_share_of_customers']}: {ours['amount']} is not {theirs[amount]}")


def check_refunds(brand, engine, label, folder):
    """Online Retail only: credit notes without a known order."""
    total = tsv(folder, "refunds_total")[0]
    report = Report(brand, engine, "totals", label, "--amount", "net")
    row = report.row("totals")
    report.columns("refunds", "", row, total, {
        "refunds": ("refund_invoices", "count"), "refund_customers": ("refund_customers", "count"),
        "refund_customers_without_purchase": ("refund_customers_without_any_order", "count"),
        "refund_over_gross": ("refund_over_gross", "ratio"),
        "share_of_buyers_refunded": ("share_of_buyers_with_a_refund", "ratio")})
    tally.check(abs(float(row["refund_amount"]) + float(total["refund_amount"])) <= 0.01, f"{report.label}: refund amount")
    tally.check(abs(float(row["net_amount"]) - float(total["net_revenue"])) <= 0.01, f"{report.label}: net amount")
    report = Report(brand, engine, "monthly", label, "--amount", "net")
    gross = {r["month"]: float(r["revenue"]) for r in tsv(folder, "monthly")}
    for reference in tsv(folder, "refunds_by_month"):
        ours = next(r for r in report.sections["monthly"] if r["month"] == reference["month"])
        report.same(f"refunds {reference['month']}", ours["refunds"], reference["refund_invoices"], "count")
        tally.check(abs(float(ours["refund_amount"]) + float(reference["refund_amount"])) <= 0.0101,
                    f"{report.label} refund amount {reference['month']}")
        tally.check(abs(float(ours["amount"]) - gross[reference["month"]] - float(reference["refund_amount"])) <= 0.0201,
                    f"{report.label} net amount {reference['month']}")
    report = Report(brand, engine, "concentration", label, "--amount", "net")
    check_concentration(report, tsv(folder, "concentration_net"), "top_net_revenue", "net_share")
    report = Report(brand, engine, "by-channel", label, "--amount", "gross")
    reference = tsv(folder, "by_country")
    report.table("by_channel", reference, {"channel": "country"},
                 {"customers": ("customers", "count"), "orders": ("orders", "count")}, money=("amount", "revenue"))
    check_cells(report, "by_channel", [{**r, "channel": r["country"]} for r in reference], ("channel",), "amount", "revenue")


def check_notes(brand, engine, label, month):
    notes = " ".join(Report(brand, engine, "cohorts", label).data["notes"])
    tally.check(month in notes, f"{label}: the first month carries a warning: {notes!r}")


def check_import(brand, label, expected):
    """What the import itself says, against the data sets' own READMEs."""
    said = brand.imported
    for name, value in expected.items():
        tally.check(said.get(name) == value, f"{label}: import says {name} = {said.get(name)!r}, not {value!r}")


def check_all(brand, label, folder, month):
    for engine in ("columns", "sql"):
        name = f"{label} {engine}"
        check_simple(brand, engine, name, folder)
        check_nday(brand, engine, name, folder)
        check_cohorts(brand, engine, name, folder)
        check_rhythm(brand, engine, name, folder)
        check_rfm(brand, engine, name, folder)
        check_notes(brand, engine, name, month)
    compare_engines(brand, label)
    verify = brand.try_run("verify")
    tally.check(verify.returncode == 0, f"{label}: verify: {verify.stdout}{verify.stderr}")


REPORTS = ("totals", "repurchase", "frequency", "nday", "cohorts", "cohort-revenue", "monthly", "rhythm",
           "second-purchase", "rfm", "concentration", "by-channel", "by-first-product", "overdue")


def near(a, b):
    if isinstance(a, (int, float)) and isinstance(b, (int, float)) and not isinstance(a, bool):
        return abs(a - b) <= 1e-9 * max(1.0, abs(a), abs(b))
    return a == b


def compare_engines(brand, label):
    """The columns function and the SQL twin of every report say the same, in windows with no reference too."""
    scopes = ([], ["--amount", "gross"], ["--from", "2011-03-15", "--to", "2011-08-20"], ["--as-of", "2011-07-01"]) \
        if "online" in label else ([], ["--amount", "gross"], ["--from", "1997-03-15", "--to", "1997-12-20"],
                                   ["--as-of", "1997-11-01"])
    for scope in scopes:
        for name in REPORTS:
            columns = brand.json("report", name, "--engine", "columns", *scope)["sections"]
            sql = brand.json("report", name, "--engine", "sql", *scope)["sections"]
            same = columns.keys() == sql.keys() and all(
                len(columns[s]) == len(sql[s]) and all(
                    a.keys() == b.keys() and all(near(a[k], b[k]) for k in a)
                    for a, b in zip(columns[s], sql[s])) for s in columns)
            tally.check(same, f"{label} {name} {' '.join(scope)}: the engines differ")


def bring(kind, args, currency, timezone, path, map_name):
    brand = Brand(args.binary, kind, currency, timezone, name=map_name)
    brand.imported = brand.json("import", "orders", path, "--map", map_name)["files"][0]
    return brand


def main():
    args = arguments(__doc__, only={"default": "", "help": "online-retail, cdnow or cdnow-sample"})
    for kind in KINDS:
        if args.only in ("", "online-retail"):
            folder = ONLINE_RETAIL.parent / "reference"
            with bring(kind, args, "GBP", "Europe/London", ONLINE_RETAIL, "online-retail") as brand:
                label = f"online-retail {kind}"
                check_all(brand, label, folder, "2010-12")
                for engine in ("columns", "sql"):
                    check_refunds(brand, engine, f"{label} {engine}", folder)
                check_import(brand, label, {"rows": 541909, "rows_rejected": 0})
        for name, folder, rows, orders in (("cdnow", "reference_master", 69659, 69659),
                                           ("cdnow-sample", "reference_sample", 6919, 6919)):
            if args.only not in ("", name):
                continue
            path = SHARED / "cdnow" / ("CDNOW_master.txt.gz" if name == "cdnow" else "CDNOW_sample.txt.gz")
            if not path.exists():
                tally.did_not_run(f"{name} on {kind}: {path} is absent")
                continue
            with bring(kind, args, "USD", "America/New_York", path, name) as brand:
                check_all(brand, f"{name} {kind}", SHARED / "cdnow" / folder, "1997-01")
                check_import(brand, f"{name} {kind}", {"rows": rows, "orders": orders, "rows_rejected": 0})
    tally.finish()


if __name__ == "__main__":
    main()
