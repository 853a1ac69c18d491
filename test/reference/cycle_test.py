#!/usr/bin/env python3
"""An operator's cycle of correction, whole program: a dry run, an import, the reject file opened and saved by other programs
(LibreOffice, openpyxl), mended and imported again; what is said in Chinese; the answer in JSON against docs/import-json.md, and that
against the OpenAPI document.

    /usr/bin/python3 test/reference/cycle_test.py [--binary PATH] [--only cycle|words|json]

Debian's python3-openpyxl belongs to /usr/bin/python3. Without LibreOffice (soffice) its part says DID NOT RUN.
"""
import csv
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import openpyxl

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from program import KINDS, ROOT, Brand, Tally, arguments  # noqa: E402

tally = Tally()
check = tally.check
MAP = {
    "name": "own", "format": "csv", "source": "shop", "time_format": "auto", "clean": True, "split_lines": True,
    "columns": {"order_number": "订单号", "order_time": "下单时间", "state": "状态", "line_amount": "实付", "quantity": "数量",
                "product_name": "商品", "currency": "币种", "buyer_id": "买家", "phone": "手机", "refund_state": "售后",
                "refund_amount": "退款", "refund_of": "原单"},
    "needed": ["order_number", "order_time", "line_amount"],
    "states": {"交易成功": "received", "已付款": "paid"},
    "refund_states": {"无": "none", "全额退款": "refunded", "部分退款": "partial"},
    "refund_when": [{"column": "类型", "equals": "退款"}],
}
HEADER = ["订单号", "下单时间", "状态", "实付", "数量", "商品", "币种", "买家", "手机", "售后", "退款", "原单", "类型"]
AT = {name: index for index, name in enumerate(HEADER)}


def right(n, day=1, **cells):
    """A row with nothing wrong: a number of 19 digits, seconds that a spreadsheet would drop, a phone."""
    row = {"订单号": f"69179{n:014d}", "下单时间": f"2025-03-{day:02d} 09:05:{n % 60:02d}", "状态": "交易成功", "实付": f"{10 + n}.50", "数量": "1",
           "商品": f"保湿霜{n % 3}", "币种": "CNY", "买家": f"甲乙丙丁{n:03d}", "手机": f"138{n:08d}", "售后": "无", "退款": "0", "原单": "",
           "类型": "订单", **cells}
    return [row[name] for name in HEADER]


# What is wrong: the problem's code, which right row, the column, what stands there instead.
WRONG = [
    ("IMPORT_EMPTY", 1, "下单时间", ""), ("IMPORT_TIME_UNKNOWN", 2, "下单时间", "昨天"),
    ("IMPORT_TIME_AMBIGUOUS", 3, "下单时间", "01/02/2025"), ("IMPORT_TIME_IMPOSSIBLE", 4, "下单时间", "2025-02-30 09:05:04"),
    ("IMPORT_DAY", 5, "下单时间", "1969-03-01 09:05:05"), ("IMPORT_FUTURE", 6, "下单时间", "2098-03-01 09:05:06"),
    ("IMPORT_NUMBER", 7, "实付", "十元"), ("IMPORT_NUMBER_RANGE", 8, "实付", "99999999999999999999"),
    ("IMPORT_STATE", 9, "状态", "待成团"), ("IMPORT_REFUND_STATE", 10, "售后", "等待处理"),
    ("IMPORT_REFUND_PARTIAL", 11, "售后", "部分退款"), ("IMPORT_CURRENCY", 12, "币种", "USD"),
    ("IMPORT_DIGITS_LOST", 13, "订单号", "6.91793E+18"), ("IMPORT_SPLIT", 14, "数量", "1;2;3"),
    ("IMPORT_TOO_LONG", 15, "买家", "长" * 100), ("IMPORT_NEGATIVE", 16, "实付", "-5"), ("IMPORT_REFUND_ZERO", 17, "退款", "0"),
    ("IMPORT_CONTRADICTS_DAY", 18, "下单时间", "2025-03-02 09:05:18"), ("IMPORT_CONTRADICTS_STATE", 20, "状态", "已付款"),
    ("IMPORT_CONTRADICTS_BUYER", 22, "买家", "别人"), ("IMPORT_CONTRADICTS_ORDER", 24, "原单", "别单"),
    ("IMPORT_NUMBER_RESERVED", 26, "订单号", "row:26"),
]
ROWS = [right(n) for n in range(30)]
ROWS[14] = right(14, 实付="1;2", 数量="1;1", 商品="皂;霜")
ROWS[17] = right(17, 类型="退款", 原单=ROWS[0][0], 退款="1.00")
for first in (18, 20, 22):   # two lines of one order
    ROWS[first + 1][:3] = ROWS[first][:3]
    ROWS[first + 1][AT["买家"]:AT["售后"]] = ROWS[first][AT["买家"]:AT["售后"]]
ROWS[24] = right(24, 类型="退款", 原单=ROWS[0][0], 退款="1.50")
ROWS[25] = right(25, 类型="退款", 原单=ROWS[0][0], 订单号=ROWS[24][0], 退款="0.50", 买家=ROWS[24][AT["买家"]], 手机=ROWS[24][AT["手机"]])


def wrong_rows():
    rows = [list(row) for row in ROWS]
    for _, n, column, value in WRONG:
        rows[n][AT[column]] = value
    return rows


def write_csv(path, rows, header=HEADER, encoding="utf-8", delimiter=","):
    with open(path, "w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows([header, *rows])
    return path


def write_xlsx(path, rows, header=HEADER):
    book = openpyxl.Workbook()
    for row in [header, *rows]:  # a number of 19 digits that the spreadsheet holds as a figure
        book.active.append([6917930000000000000 if cell == "6.91793E+18" else cell for cell in row])
    book.save(path)
    return path


def read_sheet(path):
    """Rows as text, with their worksheet, so that cells can be mended in place."""
    book = openpyxl.load_workbook(path)
    return book, [["" if cell.value is None else str(cell.value) for cell in row] for row in book.active.iter_rows()]


def map_of(brand, **changes):
    path = brand.base / "map.json"
    path.write_text(json.dumps({**MAP, **changes}, ensure_ascii=False))
    return path


FACTS = ("SELECT o.number, o.state, o.occurred_at, o.paid_at, o.amount_minor, o.refunded_minor, o.line_count FROM orders o ORDER BY 1",
         "SELECT p.name, l.quantity_milli, l.amount_minor FROM order_line l JOIN product p ON p.product_id = l.product_id ORDER BY 1, 2, 3",
         "SELECT number, amount_minor, refunded_at FROM refund ORDER BY 1", "SELECT COUNT(*) FROM customer", "SELECT COUNT(*) FROM identity")


def facts(brand):
    return [brand.sql(sql) for sql in FACTS]


def soffice(path, kind):
    """The file as LibreOffice opens it and saves it again."""
    out = pathlib.Path(tempfile.mkdtemp(prefix="office-", dir=path.parent))
    form = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1" if kind == "csv" else "xlsx"
    source = ["--infilter=CSV:44,34,76,1,,0,false,true"] if path.suffix == ".csv" else []
    run = subprocess.run(["soffice", f"-env:UserInstallation=file://{out}/profile", "--headless", *source, "--convert-to", form, "--outdir", out, path],
                         capture_output=True, text=True, check=False, timeout=180)
    made = [found for found in out.glob("*." + kind)]
    check(run.returncode == 0 and made, f"soffice {path.name} to {kind}: {run.stderr[:300]}")
    return made[0]


def mend_book(path, where):
    """The clerk puts the right value into each wrong cell of the reject workbook, and saves it."""
    book, table = read_sheet(path)
    own = table[0].index(HEADER[0])
    for number, cells in enumerate(table[1:], 2):
        line = int(cells[table[0].index("huitou_line")])
        for _, n, column, _ in WRONG:
            if n + 2 == line:
                book.active.cell(number, own + AT[column] + 1).value = ROWS[n][AT[column]]
    book.save(where)
    return where


def mend_csv(path, where):
    with open(path, encoding="utf-8-sig", newline="") as file:
        table = list(csv.reader(file))
    own, line_at = table[0].index(HEADER[0]), table[0].index("huitou_line")
    for cells in table[1:]:
        for _, n, column, _ in WRONG:
            if n + 2 == int(cells[line_at]):
                cells[own + AT[column]] = ROWS[n][AT[column]]
    return write_csv(where, table[1:], table[0], "utf-8-sig")


def test_cycle(binary, kind, make, suffix, ways):
    """Wrong rows, mended in the reject file, give the same as a file that was right from the start."""
    with Brand(binary, kind, "CNY", "Asia/Shanghai") as brand:
        fine = brand.json("import", "orders", make(brand.base / ("right" + suffix), ROWS), "--map", map_of(brand))["files"][0]
        check(fine["rows_rejected"] == 0, f"{kind} {suffix}: the right file is right: {fine['problems']}")
        expected = facts(brand)
    for way in ways:
        with Brand(binary, kind, "CNY", "Asia/Shanghai") as brand:
            title = f"{kind} {suffix} {way}"
            path, own = make(brand.base / ("wrong" + suffix), wrong_rows()), map_of(brand)
            rejects = brand.base / "r.csv" if way.startswith("csv") else brand.base / "wrong.rejects.xlsx"
            result = brand.json("import", "orders", path, "--map", own, "--rejects", rejects)["files"][0]
            codes = {problem["code"] for problem in result["problems"]}
            check({code for code, *_ in WRONG} <= codes, f"{title}: not every problem is there: {sorted({c for c, *_ in WRONG} - codes)}")
            text = rejects.read_bytes()
            check(str(brand.base).encode() not in text, f"{title}: the reject file tells where it was made")
            check(way[:3] != "csv" or text.startswith(b"\xef\xbb\xbfhuitou_reason,"), f"{title}: begins {text[:30]!r}")
            saved = rejects
            if "office" in way:
                saved = soffice(rejects, way.split("-")[-1])
            again = brand.try_run("import", "orders", saved, "--map", own, "--rejects", brand.base / "again.csv", "--json")
            again = json.loads(again.stdout)["files"][0]
            check(again["rows_rejected"] == again["rows"] == result["rows_rejected"] and
                  {p["code"] for p in again["problems"]} == codes, f"{title}: unchanged: {again['rows_rejected']} of {again['rows']}, "
                  f"{sorted(codes ^ {p['code'] for p in again['problems']})}")
            mend = mend_book if saved.suffix == ".xlsx" else mend_csv
            mended = brand.json("import", "orders", mend(saved, brand.base / ("mended" + saved.suffix)), "--map", own)["files"][0]
            check(mended["rows_rejected"] == 0, f"{title}: mended, and yet: {mended['problems']}")
            check(mended["exported_at_from"] == "reject_file" and mended["exported_at"] == result["exported_at"], f"{title}: as old as the first file")
            for known, got, sql in zip(expected, facts(brand), FACTS):
                check(known == got, f"{title}: {sql}: {[row for row in got if row not in known][:3]} not {[row for row in known if row not in got][:3]}")


def test_reasons(binary):
    """The reject file as a person opens it: reasons first, in one language, each with its cell, which is marked."""
    with Brand(binary, "sqlite", "CNY", "Asia/Shanghai") as brand:
        path = write_csv(brand.base / "wrong.csv", wrong_rows())
        subprocess.run([binary, "--lang", "zh", "--dir", brand.dir, "import", "orders", path, "--map", map_of(brand)], check=True, cwd=brand.base,
                       capture_output=True)
        book, table = read_sheet(brand.base / "wrong.csv.rejects.xlsx")
        check(table[0][:5] == ["huitou_原因", "huitou_单元格", "huitou_原行号", "huitou_导出时间", "订单号"], f"the added columns come first: {table[0][:5]}")
        of_line = {int(row[2]): (number, row) for number, row in enumerate(table[1:], 2)}
        again = json.loads(brand.try_run("import", "orders", brand.base / "wrong.csv.rejects.xlsx", "--map", map_of(brand), "--json").stdout)
        check(again["files"][0]["exported_at_from"] == "reject_file", f"its age is read: {again['files'][0]['exported_at_from']}")
        for code, n, column, value in WRONG:
            number, row = of_line[n + 2]
            letter = openpyxl.utils.get_column_letter(AT[column] + 1)
            if code != "IMPORT_REFUND_PARTIAL":  # about the amount that is missing elsewhere
                check(row[1] == f"{column} {letter}{n + 2}", f"{code}: cell {row[1]}")
                cell = book.active.cell(number, 5 + AT[column])
                check(cell.fill.fgColor.rgb == "FFFFE699" and cell.number_format == "@", f"{code}: its cell is marked and stays text")
            check(row[4 + AT[column]] == value, f"{code}: the cell is as it was: {row[4 + AT[column]]!r}")
            check(re.search("[\u4e00-\u9fff]", row[0]) and "Correct" not in row[0] and path.name not in row[0], f"{code}: in Chinese alone: {row[0]}")


def test_shapes(binary):
    """Files whose map wants something of the reject file too: a delimiter, the header's row, columns by number."""
    by_number = {kind: f"#{AT[name] + 1}" for kind, name in MAP["columns"].items()}
    plain = {kind: name for kind, name in MAP["columns"].items()}
    for title, delimiter, above, changes, ending in (
            ("semicolon", ";", 0, {"delimiter": ";"}, "csv"), ("header in row 3", ",", 2, {"header_row": 3}, "xlsx"), ("header in row 3", ",", 2, {"header_row": 3}, "csv"),
            ("by number", ",", 0, {"columns": by_number, "refund_when": []}, "xlsx"), ("by number", ",", 0, {"columns": by_number, "refund_when": []}, "csv"),
            ("as it is", ",", 0, {"columns": plain, "clean": False}, "csv")):
        with Brand(binary, "sqlite", "CNY", "Asia/Shanghai") as brand:
            own, rejects = map_of(brand, **changes), brand.base / ("r." + ending)
            path = write_csv(brand.base / "w.csv", [right(1), right(2, 实付="多"), right(3)], delimiter=delimiter)
            path.write_text("店铺订单\n2025 年\n" * (above // 2) + path.read_text())
            first = brand.json("import", "orders", path, "--map", own, "--rejects", rejects)["files"][0]
            again = json.loads(brand.try_run("import", "orders", rejects, "--map", own, "--rejects", brand.base / "a.csv", "--json").stdout)
            told = [(f["rows"], f["rows_rejected"], [(p["code"], p["value"]) for p in f["problems"]]) for f in [first, *again["files"]]]
            check(told == [(3, 1, [("IMPORT_NUMBER", "多")]), (1, 1, [("IMPORT_NUMBER", "多")])], f"{title}, {ending}: {told} {again['errors']}")


# --- Words ------------------------------------------------------------------------------------------------------------

# Names, codes and flags that stay as they are in Chinese.
ALLOWED = (r"[A-Za-z0-9._-]+\.(csv|xlsx)\b", r"6\.91793E\+18", r"\b[A-Z]{1,2}\d+\b", r"--[a-z-]+", r"docs/import-maps\.md", r"\b(refund_)?(states|when)\b",
           r"time_format", r"UTF-8|GB18030|xlsx|CSV|CNY|USD", r"Asia/Shanghai", r"row:(26)?|:r\b", r"%d/%m/%Y", r"（own）|（1688）")


def english(text):
    lines = [line for line in text.splitlines() if not line.startswith("  huitou ")]
    rest = "\n".join(lines)
    for pattern in ALLOWED:
        rest = re.sub(pattern, "", rest)
    return [line for line in rest.splitlines() if re.search("[A-Za-z]", line)]


def test_chinese(binary):
    platform = "订单号,下单时间,物流公司,实付款,运单号,买家,收货地址,货品标题,规格,数量,退款状态,订单状态".split(",")
    rows = [[f"20000000000000000{n:02d}", f"2025-03-{n:02d} 09:05:06", "顺丰", "10.50", str(n), f"买家{n}", "杭州", "霜", "大", "1", "", "交易成功"] for n in range(1, 9)]
    rows[3][11], rows[4][3] = "未曾见过", "很多"
    with Brand(binary, "sqlite", "CNY", "Asia/Shanghai", name="茶铺") as brand:
        own = map_of(brand, title_zh="我的店铺", title_en="My shop")
        files = [(write_csv(brand.base / "a.csv", wrong_rows()), ["--map", own]), (write_xlsx(brand.base / "b.xlsx", wrong_rows()), ["--map", own]),
                 (write_csv(brand.base / "c.csv", rows, platform), []), (write_csv(brand.base / "d.csv", rows, platform, "gb18030"), []),
                 (write_xlsx(brand.base / "e.xlsx", rows[:3], platform), [])]
        for path, flags in files:
            for dry in (["--dry-run"], []):
                run = subprocess.run([binary, "--lang", "zh", "--dir", str(brand.dir), "import", "orders", path.name, *map(str, flags), *dry],
                                     capture_output=True, text=True, check=False, cwd=brand.base, env={**os.environ, "COLUMNS": "300"})
                left = english(run.stdout)
                check(run.stdout and not left, f"Chinese, {path.name} {dry}: {left[:3]}")


def test_advice(binary):
    """An unknown state: what to write in the cell, then the flag with the very word, then the map. The flag does it."""
    with Brand(binary, "sqlite", "CNY", "Asia/Shanghai") as brand:
        path, own = write_csv(brand.base / "w.csv", [right(1, 状态="待成团"), right(2, 售后="等待处理"), right(3)]), map_of(brand)
        result = brand.json("import", "orders", path, "--map", own, "--dry-run")["files"][0]
        said = {problem["code"]: problem for problem in result["problems"]}
        for code, word, flag, known in (("IMPORT_STATE", "待成团", "--state '待成团=", "交易成功"), ("IMPORT_REFUND_STATE", "等待处理", "--refund-state '等待处理=", "全额退款")):
            for lang in ("message_en", "message_zh"):
                text = said[code][lang]
                places = [text.find(part) for part in (known, flag, "docs/import-maps.md")]
                check(-1 not in places and places == sorted(places), f"{code} {lang}: cell, flag, map in this order: {text}")
            check(said[code]["value"] == word, f"{code}: {said[code]}")
        flags = ["--state", "待成团=paid", "--refund-state", "等待处理=退款中"]
        result = brand.json("import", "orders", path, "--map", own, *flags, "--dry-run")["files"][0]
        read = {value["value"]: value["read_as"] for value in result["values"]}
        check(result["rows_rejected"] == 0 and read["待成团"] == "paid" and read["等待处理"] == "pending", f"--state: {read} {result['problems']}")
        over = brand.json("import", "orders", path, "--map", own, *flags, "--state", "交易成功=closed", "--dry-run")["files"][0]
        check({v["value"]: v["read_as"] for v in over["values"]}["交易成功"] == "closed", f"--state goes before the map: {over['values']}")
        for value, code in (("待成团", "MAP_WORD"), ("=paid", "MAP_WORD"), ("待成团=gone", "MAP_STATE")):
            run = brand.try_run("import", "orders", path, "--map", own, "--state", value, "--json")
            errors = json.loads(run.stdout)["errors"]
            check(run.returncode and [(e["code"], e["field"]) for e in errors] == [(code, "--state")], f"--state {value}: {errors}")


def test_steps(binary):
    """Several files: a closing line; and the command that is offered does the next step."""
    with Brand(binary, "sqlite", "CNY", "Asia/Shanghai") as brand:
        own = map_of(brand)
        write_csv(brand.base / "one file.csv", ROWS[:3])
        write_csv(brand.base / "two.csv", [right(4), right(5, 实付="很多")])
        (brand.base / "none.csv").write_text("a,b\n1,2\n")
        link = brand.base / "bin"
        link.mkdir()
        (link / "huitou").symlink_to(pathlib.Path(binary).resolve())
        env = {**os.environ, "PATH": f"{link}:{os.environ['PATH']}"}

        def shell(command):
            return subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, cwd=brand.base, env=env)

        def offered(run):
            return [line.strip() for line in run.stdout.splitlines() if line.startswith("  huitou ")]

        run = shell(f"huitou --dir brand import orders 'one file.csv' two.csv none.csv --map {own} --dry-run")
        check("All 2 files: 4 orders" in run.stdout and "With rejected rows: two.csv." in run.stdout and "Not imported at all: none.csv." in run.stdout
              and "1 rows rejected" in run.stdout and "49.00 CNY" in run.stdout, f"totals: {run.stdout[-700:]}")  # 10.50 + 11.50 + 12.50 + 14.50
        check(len(offered(run)) == 1 and "--dry-run" not in offered(run)[0], f"after a dry run: {offered(run)}")
        run = shell(offered(run)[0])
        check("4 orders (4 new" in run.stdout, f"the command offered imports: {run.stdout[-700:]}")
        shell(offered(run)[0])
        check((brand.base / "two.csv.rejects-2.xlsx").exists(), f"rejects of rejects are further ones of the file: {sorted(os.listdir(brand.base))}")
        book, table = read_sheet(brand.base / "two.csv.rejects.xlsx")
        book.active.cell(2, 5 + AT["实付"]).value = "7"
        book.save(brand.base / "two.csv.rejects.xlsx")
        run = shell(offered(run)[0])
        check(run.returncode == 0 and "Orders from 2025-03-01" in run.stdout and offered(run) == ["huitou report repurchase"], f"the mended file: {run.stdout[-700:]} {run.stderr}")
        check(brand.sql("SELECT COUNT(*), SUM(amount_minor) FROM orders") == [["5", "5600"]], "five orders")
        answer = json.loads(shell(f"huitou --dir brand import orders none.csv two.csv --json --dry-run --map {own}").stdout)
        check([f["file"] for f in answer["failed"]] == ["none.csv"] and answer["totals"]["files"] == 1 and answer["errors"], f"failed: {answer['failed']}")


# --- JSON -------------------------------------------------------------------------------------------------------------

TYPES = {
    "text": lambda v: isinstance(v, str), "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "boolean": lambda v: isinstance(v, bool), "object": lambda v: isinstance(v, dict),
    "decimal": lambda v: isinstance(v, str) and re.fullmatch(r"-?\d+(\.\d+)?", v),
    "time": lambda v: isinstance(v, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", v),
    "day": lambda v: isinstance(v, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", v),
}


def documented():
    """path → type, of both tables; those of a file below files[]."""
    text = (ROOT / "docs/import-json.md").read_text(encoding="utf-8")
    answer, file = text.split("## A file")
    rows = {path: kind for path, kind in re.findall(r"^\| `([^`]+)` \| ([a-z ]+) \|", answer, re.M)}
    return rows | {"files[]." + path: kind for path, kind in re.findall(r"^\| `([^`]+)` \| ([a-z ]+) \|", file, re.M)}


def leaves(value, path=""):
    if isinstance(value, list):
        for item in value:
            yield from leaves(item, path + "[]")
    elif isinstance(value, dict):
        if path:
            yield path, value
        for key, member in value.items():
            key = "{kind}" if path.endswith("preview[].values") else key
            yield from leaves(member, f"{path}.{key}" if path else key)
    else:
        yield path, value


def type_of(schema):
    """As the tables name it."""
    kinds = schema.get("type", "object")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    by_format = {"date": "day", "date-time": "time"}
    plain = {"string": by_format.get(schema.get("format"), "decimal" if "pattern" in schema else "text")}.get(kinds[0], kinds[0])
    return plain + (" or null" if "null" in kinds or "oneOf" in schema else "")


def declared(schemas, name, before=""):
    """path → type, of a schema of the OpenAPI document and all that it refers to."""
    for key, schema in schemas[name]["properties"].items():
        path = before + key + ("[]" if schema.get("type") == "array" else "")
        kind, one = type_of(schema), schema.get("items", schema)
        inside = one.get("$ref") or next((choice["$ref"] for choice in one.get("oneOf", []) if "$ref" in choice), None)
        if "additionalProperties" in schema:
            yield path + ".{kind}", type_of(schema["additionalProperties"])
        else:
            yield path, type_of(one) if kind == "array" else kind
        if inside:
            yield from declared(schemas, inside.rsplit("/", 1)[1], path + ".")


def test_schema():
    """What the OpenAPI document says of a file is what docs/import-json.md says."""
    schemas = json.loads((ROOT / "docs/api/openapi.json").read_text(encoding="utf-8"))["components"]["schemas"]
    of_file = {path.removeprefix("files[]."): kind for path, kind in documented().items() if path.startswith("files[].")}
    plan, outcome = dict(declared(schemas, "ImportPlan")), dict(declared(schemas, "ImportOutcome"))
    for path in sorted(set(plan) | set(of_file)):
        check(plan.get(path) == of_file.get(path), f"{path} is {plan.get(path)} in openapi.json, {of_file.get(path)} in import-json.md")
    dry = {path for path in plan if re.match(r"(kinds|preview)\[", path)}
    check(outcome == {path: kind for path, kind in plan.items() if path not in dry}, "an outcome is a plan without its dry run")
    check(set(schemas["ImportPlan"]["required"]) == set(schemas["ImportPlan"]["properties"]), "all of a plan is always there")


def test_json(binary):
    doc, met = documented(), set()

    def hold(title, answer):
        for path, value in leaves(answer):
            if path not in doc:
                check(any(p.startswith((path + ".", path + "[]")) for p in doc), f"{title}: {path} is not documented")
                continue
            met.add(path)
            allowed = doc[path].split(" or ")
            check((value is None and "null" in allowed) or (value is not None and TYPES[allowed[0]](value)), f"{title}: {path} is {value!r}, not {doc[path]}")

    with Brand(binary, "sqlite", "CNY", "Asia/Shanghai") as brand:
        own = map_of(brand)
        wrong = write_csv(brand.base / "wrong.csv", wrong_rows())
        twice = brand.base / "two.xlsx"
        book = openpyxl.Workbook()
        for name, rows in (("一月", ROWS[:3]), ("二月", [right(9, 实付="十元"), right(10)])):
            sheet = book.create_sheet(name)
            for row in [HEADER, *rows]:
                sheet.append(row)
        book.create_sheet("说明").append(["只是说明"])
        book.save(twice)
        platform = "订单号,下单时间,物流公司,实付款,运单号,买家,收货地址,货品标题,规格,数量,退款状态,订单状态".split(",")
        rows = [["2000000000000000001", "2025-03-01 09:05:06", "顺丰", "10.50", "1", "买家甲", "杭州", "霜", "大", "1", "", "交易成功"]]
        shop = write_csv(brand.base / "shop.csv", [row + ["好"] for row in rows], platform + ["店员自己加的"])
        nearly = write_csv(brand.base / "nearly.csv", [[cell for at, cell in enumerate(rows[0]) if at != 1]], [name for name in platform if name != "下单时间"])
        dry = brand.json("import", "orders", wrong, twice, "--map", own, "--dry-run")
        hold("dry run", dry)
        mixed = json.loads(brand.try_run("import", "orders", shop, nearly, "--dry-run", "--json").stdout)
        hold("recognised and not", mixed)
        hold("import", brand.json("import", "orders", wrong, twice, "--map", own))
        for path in sorted(set(doc) - met):
            check(False, f"{path} is documented and was never met")
        check(mixed["failed"][0]["candidates"] and any("下单时间" in c["missing"] for c in mixed["failed"][0]["candidates"]),
              f"candidates of a file that is not recognised: {mixed['failed'][0]['candidates']}")
        first = dry["files"][0]
        # Columns by hand: A 订单号 … D 实付 … I 手机; 1,000 rows would be the same.
        by_kind = {column["kind"]: column for column in first["columns"]}
        check(by_kind["phone"] == {"column": "手机", "letter": "I", "kind": "phone", "title_en": "Buyer's phone", "title_zh": "买家手机", "personal": True},
              f"the phone's column: {by_kind['phone']}")
        problem = {p["code"]: p for p in first["problems"]}
        for code, n, column, value in WRONG:
            if code in ("IMPORT_TOO_LONG", "IMPORT_REFUND_PARTIAL", "IMPORT_EMPTY") or code.startswith("IMPORT_CONTRADICTS"):
                continue
            wanted = (column, f"{openpyxl.utils.get_column_letter(AT[column] + 1)}{n + 2}")
            check((problem[code]["column"], problem[code]["cell"]) == wanted, f"{code}: {problem[code]} is not about {wanted}")
            check(problem[code]["value"] in (value, None), f"{code}: value {problem[code]['value']!r}")
        check(problem["IMPORT_TOO_LONG"]["value"].startswith("长*"), f"an account is masked: {problem['IMPORT_TOO_LONG']['value'][:40]}")
        second = dry["files"][1]
        check([(s["name"], s["read"], s["rows"]) for s in second["sheets"] if s["name"] != "Sheet"] ==
              [("一月", True, 3), ("二月", True, 2), ("说明", False, 1)], f"sheets: {second['sheets']}")
        at = {p["code"]: (p["sheet"], p["cell"], p["first_line"]) for p in second["problems"]}
        check(at == {"IMPORT_NUMBER": ("二月", "D2", 2)}, f"a problem in the second sheet: {at}")
        values = {v["value"]: (v["read_as"], v["title_zh"]) for v in first["values"]}
        check(values["交易成功"] == ("received", "已收货") and values["待成团"] == (None, None), f"values: {values}")
        # Paid, by hand: two sheets, 10.50 + 11.50 + 12.50 + 20.50.
        check(second["amount"] == "55.00" and second["currency"] == "CNY", f"amount: {second['amount']!r}")
        check(all("13800000" not in json.dumps(answer, ensure_ascii=False) for answer in (dry, mixed)), "no phone in the clear")


def test_preview(binary):
    """A row that the preview shows as an order is imported as one; rows that the grouping rejects are shown so."""
    with Brand(binary, "sqlite", "CNY", "Asia/Tokyo") as brand:
        rows = [right(1), right(2), right(2, day=2), right(3, 实付="", 状态="已付款"), right(4, 手机="13800138000", 实付="13800138000元x"), right(5)]
        path, own = write_csv(brand.base / "p.csv", rows), map_of(brand, time_zone="Asia/Shanghai")
        result = brand.json("import", "orders", path, "--map", own, "--dry-run")["files"][0]
        verdicts = [row["verdict"] for row in result["preview"]]
        check(verdicts == ["order", "reject", "reject", "reject", "reject", "order"], f"verdicts: {verdicts}")
        check([row["wrong"] and row["wrong"]["code"] for row in result["preview"]] ==
              [None, "IMPORT_CONTRADICTS_DAY", "IMPORT_CONTRADICTS_DAY", "IMPORT_EMPTY", "IMPORT_NUMBER", None], "why each is rejected")
        check(result["preview"][0]["values"]["order_time"] == "2025-03-01 10:05:01" and result["time_zone"] == "Asia/Tokyo",
              f"09:05 in Shanghai is 10:05 in Tokyo: {result['preview'][0]['values']}")
        text = json.dumps(result, ensure_ascii=False)
        check("13800138000" not in text and "138****8000" in text, "a phone that strayed into another column is masked in errors and values")
        imported = brand.json("import", "orders", path, "--map", own)["files"][0]
        check(imported["orders"] == verdicts.count("order"), f"{imported['orders']} orders")


def main():
    args = arguments(__doc__, only={"default": "", "help": "cycle, words or json"})
    args.binary = str(pathlib.Path(args.binary).resolve())
    if args.only in ("", "cycle"):
        test_reasons(args.binary)
        test_shapes(args.binary)
        office = shutil.which("soffice") is not None
        if not office:
            tally.did_not_run("LibreOffice: soffice is not installed")
        test_cycle(args.binary, "sqlite", write_csv, ".csv", ["openpyxl", "csv"] + (["office-xlsx", "office-csv", "csv-office-csv"] if office else []))
        test_cycle(args.binary, "sqlite", write_xlsx, ".xlsx", ["openpyxl"] + (["office-xlsx"] if office else []))
        test_cycle(args.binary, KINDS[-1], write_csv, ".csv", ["openpyxl"])
    if args.only in ("", "words"):
        test_chinese(args.binary)
        test_advice(args.binary)
        test_steps(args.binary)
        test_preview(args.binary)
    if args.only in ("", "json"):
        test_schema()
        test_json(args.binary)
    tally.finish()


if __name__ == "__main__":
    main()
