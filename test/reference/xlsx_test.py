#!/usr/bin/env python3
"""Workbooks, whole program: orders imported from one give what those of the CSV file give; each report as a workbook, read
back by openpyxl, holds the values of its --json.

    /usr/bin/python3 test/reference/xlsx_test.py [--binary build/release/huitou]

Debian's python3-openpyxl belongs to /usr/bin/python3.
"""
import csv
import datetime
import decimal
import gzip
import json
import pathlib
import stat
import subprocess
import sys

import openpyxl

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from program import ONLINE_RETAIL, Brand, Tally, arguments  # noqa: E402

tally = Tally()
check = tally.check
WORDS = {"own": "own rhythm", "brand": "brand's rhythm", "none": "no limit known"}


def orders_workbook(path):
    """The rows of the CSV file with the types that a spreadsheet would give them."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("orders")
    with gzip.open(ONLINE_RETAIL, "rt", encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        header = next(rows)
        sheet.append(header)
        for row in rows:
            cells = dict(zip(header, row, strict=True))
            cells["Quantity"] = int(cells["Quantity"])
            cells["UnitPrice"] = float(cells["UnitPrice"])
            cells["CustomerID"] = int(cells["CustomerID"]) if cells["CustomerID"] else None
            time = openpyxl.cell.WriteOnlyCell(sheet, datetime.datetime.fromisoformat(cells["InvoiceDate"]))
            time.number_format = "yyyy/m/d h:mm"
            sheet.append([time if name == "InvoiceDate" else cells[name] for name in header])
    book.save(path)


def exact(text):
    return json.loads(text, parse_float=decimal.Decimal)


def reports_of(brand):
    """Without the ids and the order of equal rows by them, which differ from brand to brand."""
    return {name: {section: sorted(str({k: v for k, v in row.items() if k != "customer_id"}) for row in rows)
                   for section, rows in exact(brand.run("report", name, "--json"))["sections"].items()}
            for name in ("totals", "monthly", "rhythm", "by-first-product", "rfm")}


def test_import(args):
    """The same orders as CSV and as a workbook: order numbers, lines, times, amounts."""
    with Brand(args.binary, "sqlite") as plain, Brand(args.binary, "sqlite") as other:
        path = other.base / "orders.xlsx"
        orders_workbook(path)
        of_csv = plain.json("import", "orders", ONLINE_RETAIL, "--map", "online-retail")["files"][0]
        of_xlsx = other.json("import", "orders", path, "--map", "online-retail")["files"][0]
        counts = [k for k, v in of_csv.items() if isinstance(v, int) and not isinstance(v, bool) and "bytes" not in k]
        for name in counts:
            if name not in ("seconds", "import_id"):
                check(of_csv[name] == of_xlsx[name], f"{name} is {of_xlsx[name]}, of CSV {of_csv[name]}")
        check(of_csv.get("rows", 0) > 25000, f"{of_csv.get('rows')} rows")
        again = other.json("import", "orders", path, "--map", "online-retail")["files"][0]
        check(all(v == 0 for k, v in again.items() if k.endswith(("_new", "_changed"))), f"again: {again}")
        mine = reports_of(other)
        for name, sections in reports_of(plain).items():
            check(mine[name] == sections, f"{name}: {str(mine[name])[:200]}, of CSV {str(sections)[:200]}")


def cell_text(value):
    """A JSON value as the workbook shows it; numbers stay numbers."""
    return WORDS.get(value, value) if isinstance(value, str) else value


def same(want, cell):
    got = cell.value
    if want is None:
        return got is None
    if isinstance(got, datetime.datetime):
        return want == got.strftime("%Y-%m-%d" if cell.number_format == "yyyy-mm-dd" else "%Y-%m")
    if isinstance(want, str):
        return cell_text(want) == (got or "")
    if isinstance(want, decimal.Decimal) and len(want.as_tuple().digits) > 15:
        return abs(decimal.Decimal(got) - want) <= abs(want) * decimal.Decimal("1e-15")
    return float(want) == got


def compare(brand, name, book, data):
    sections = list(data["sections"].items())
    check(len(book.worksheets) == len(sections) + 1, f"{name}: sheets {book.sheetnames}")
    for (section, rows), sheet in zip(sections, book.worksheets):
        cells = list(sheet.iter_rows())
        check(len(cells) == len(rows) + 1, f"{name} {section}: {len(cells) - 1} rows, JSON has {len(rows)}")
        check(sheet.freeze_panes == "A2" and all(c.font.bold for c in cells[0]), f"{name} {section}: the header")
        wrong = [(want, c.value, c.coordinate) for row, line in zip(rows, cells[1:])
                 for want, c in zip(row.values(), line, strict=True) if not same(want, c)]
        check(not wrong, f"{name} {section}: {wrong[:3]}")
        formulas = [c.coordinate for line in cells for c in line if c.data_type == "f"]
        check(not formulas, f"{name} {section}: formulas at {formulas[:3]}")
    about = {a.value: b.value for a, b in book.worksheets[-1].iter_rows(max_col=2)}
    check(about.get("Definition") == data["definition"], f"{name}: the definition is {about.get('Definition')}")
    check((about.get("As of"), about.get("Purchase days from"), about.get("Purchase days to"), about.get("Currency"))
          == (data["as_of"], data["from"], data["to"], data["currency"]), f"{name}: {about}")
    notes = [b.value for a, b in book.worksheets[-1].iter_rows(max_col=2) if a.value == "Note"]
    check(notes == data["notes"], f"{name}: notes {notes}")


def test_reports(brand):
    path = brand.base / "report.xlsx"
    reports = [r["name"] for r in brand.json("report")["reports"]]
    check(len(reports) >= 14, f"{reports}")
    for name in reports:
        for flags in ([], ["--amount", "gross", "--as-of", "2011-06-15"])[:2 if name == "monthly" else 1]:
            said = brand.run("report", name, *flags, "--xlsx", path)
            data = exact(brand.run("report", name, *flags, "--json"))
            rows = sum(len(section) for section in data["sections"].values())
            check(f"{rows:,} rows" in " ".join(said.split()), f"{name}: said {said!r}, {rows} rows")
            compare(brand, name, openpyxl.load_workbook(path), data)
    check(stat.S_IMODE(path.stat().st_mode) == 0o600, f"mode {path.stat().st_mode:o}")
    check([p.name for p in brand.base.glob("report.xlsx*")] == ["report.xlsx"], "a temporary file is left")
    brand.run("report", "totals", "--xlsx", path)
    totals = openpyxl.load_workbook(path).worksheets[0]
    formats = {c.value: d.number_format for c, d in zip(*list(totals.iter_rows())[:2])}
    check((formats["Paid"], formats["Customers"], formats["Refunded ÷ paid"], formats["Last purchase day"])
          == ("#,##0.00", "#,##0", "0.0%", "yyyy-mm-dd"), f"{formats}")


def test_chinese(brand):
    path = brand.base / "总览.xlsx"
    subprocess.run([brand.binary, "--dir", brand.dir, "--lang", "zh", "report", "monthly", "--xlsx", path], check=True,
                   stdout=subprocess.DEVNULL)
    book = openpyxl.load_workbook(path)
    check(book.sheetnames[-1] == "说明", f"{book.sheetnames}")
    check(all("\u4e00" <= c.value[0] <= "\u9fff" for c in next(book.worksheets[0].iter_rows())), "titles in Chinese")


def test_refused(brand):
    for args, words in ((["--xlsx", brand.base / "none" / "r.xlsx"], "its folder"),
                        (["--xlsx", brand.base / "r.xlsx", "--json"], "--xlsx"),
                        (["--xlsx", brand.base / "r.xlsx", "--csv"], "--xlsx"),
                        (["--xlsx", brand.dir], "writing failed")):
        run = brand.try_run("report", "totals", *args)
        check(run.returncode != 0 and words in run.stderr + run.stdout, f"{args}: {run.returncode} {run.stderr}{run.stdout}")
    check(not list(brand.base.glob("r.xlsx*")) and not list(brand.base.glob("brand.*")), "nothing is left behind")


def main():
    args = arguments("workbooks")
    # Workbooks know nothing of the database: one will do.
    test_import(args)
    with Brand(args.binary, "sqlite") as brand:
        brand.run("import", "orders", ONLINE_RETAIL, "--map", "online-retail")
        test_reports(brand)
        test_chinese(brand)
        test_refused(brand)
    tally.finish()


main()
