#!/usr/bin/env python3
"""The command line as an operator meets it, on both databases: init, import, reports, customers, misuse.

    python3 test/reference/cli_test.py [--binary PATH] [--only PART]

Expected figures are worked out by hand beside the orders below, or by this file's own arithmetic.
"""
import csv
import gzip
import io
import json
import os
import pathlib
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
import unicodedata
from datetime import datetime, timedelta, timezone

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from program import KINDS, ONLINE_RETAIL, WITHOUT_NEWEST, Brand, Tally, arguments, postgres  # noqa: E402

tally = Tally()
check = tally.check
REPORTS = ("totals", "repurchase", "frequency", "nday", "cohorts", "cohort-revenue", "monthly", "rhythm",
           "second-purchase", "rfm", "concentration", "by-channel", "by-first-product", "overdue")
LONG = "江南古镇明前手工炒制狮峰龙井茶礼盒装（大）送长辈生日节日商务礼品瓷罐两罐共五百克"


def huitou(binary, *args, env=None, **options):
    """The program without any of Brand's flags, in an environment that decides no language."""
    surroundings = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG", "HUITOU_", "COLUMNS"))}
    surroundings.update(env or {})
    return subprocess.run([binary, *map(str, args)], capture_output=True, text=True, check=False,
                          env=surroundings, **options)


def codes(run):
    """The names of the errors of a --json run."""
    try:
        return [error["code"] for error in json.loads(run.stdout).get("errors", [])]
    except ValueError:
        return [f"no JSON: {run.stdout!r}"]


def said(run):
    return f"exit {run.returncode}: {run.stdout[-300:]!r} {run.stderr[-300:]!r}"


def width(line):
    return sum(0 if unicodedata.category(c) in ("Mn", "Me", "Cf") else 2 if unicodedata.east_asian_width(c) in "WF" else 1
               for c in line)


def fits(run, what, columns=80):
    """A command that is to be copied stands on one line, however long."""
    wide = [line for line in run.stdout.splitlines() if width(line) > columns and not line.startswith("  huitou ")]
    check(run.returncode == 0 and run.stdout and not wide, f"{what}: lines wider than {columns}: {wide[:2]} {said(run)}")


def dump(brand):
    """Every row of every table as text, by table, past the program."""
    rows = {}
    if brand.kind == "postgres":
        names = [r[0] for r in postgres("SELECT tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog',"
                                        " 'information_schema') ORDER BY 1", brand.database)]
        every = " UNION ALL ".join(f"SELECT '{n}' AS name, replace(t::text, chr(10), ' ') AS line FROM {n} t" for n in names)
        for name, line in postgres(every, brand.database):
            rows.setdefault(name, []).append(line)
        return {name: sorted(rows.get(name, [])) for name in names}
    run = subprocess.run(["sqlite3", str(brand.dir / "huitou.db"), ".dump"], capture_output=True, text=True, check=True)
    for line in run.stdout.splitlines():
        match = re.match(r'(?:INSERT INTO|CREATE TABLE) "?(\w+)"?', line)
        if match:
            rows.setdefault(match[1], [])
            if line.startswith("INSERT"):
                rows[match[1]].append(line)
    return {name: sorted(lines) for name, lines in rows.items()}


def difference(before, after, *leave_out):
    names = (before.keys() | after.keys()) - set(leave_out)
    return sorted(n for n in names if before.get(n) != after.get(n))


def write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


def verified(brand, what):
    run = brand.try_run("verify")
    check(run.returncode == 0 and "Everything is equal" in run.stdout, f"{brand.kind} {what}: verify: {said(run)}")


# --- A shop's file -----------------------------------------------------------------------------------------------------

HEADER = ["订单号", "下单时间", "状态", "实付", "数量", "编码", "商品", "币种", "买家", "手机", "姓名", "店铺", "退款", "退款时间",
          "类型", "原单", "备注"]
MAP = {
    "name": "my-shop", "format": "csv", "source": "shop", "time_format": "%Y-%m-%d %H:%M:%S",
    "columns": {"order_number": "订单号", "order_time": "下单时间", "state": "状态", "line_amount": "实付", "quantity": "数量",
                "product_code": "编码", "product_name": "商品", "currency": "币种", "buyer_id": "买家", "phone": "手机",
                "buyer_name": "姓名", "channel": "店铺", "refund_amount": "退款", "refund_time": "退款时间",
                "refund_of": "原单"},
    "states": {"交易成功": "received", "已付款": "paid", "待付款": "created"},
    "refund_when": [{"column": "类型", "equals": "退款"}],
    "skip_when": [{"column": "备注", "contains": "测试单"}],
}
PEOPLE = {"A": ("taobao_alice_01", "13800138001", "欧阳文静"), "B": ("taobao_bob_02", "13800138002", "张三丰"),
          "C": ("taobao_carol_03", "13800138003", "李雷"), "D": ("taobao_dora_04", "13800138004", "阿卜杜拉·艾合买提江"),
          "": ("", "", "")}
PERSONAL = [value for person in PEOPLE.values() for value in person if value]


def row(number, time_, amount, who="", state="交易成功", product="P1", name="明前茶", currency="CNY", shop="天猫", refund="",
        refund_time="", kind="订单", of="", note=""):
    buyer, phone, person = PEOPLE[who]
    return [number, time_, state, amount, "1", product, name, currency, buyer, phone, person, shop, refund, refund_time,
            kind, of, note]


FUTURE = (datetime.now() + timedelta(days=400)).strftime("%Y-%m-%d 12:00:00")
GOOD = [
    row("O1", "2024-01-05 10:00:00", "60.00", "A", product="P1", name=LONG),  # + 40.00 of 09:30 at the end of the file
    row("O2", "2024-02-10 12:00:00", "50.00", "A", product="P3", name="茶\n礼,\"盒\""),
    row("O3", "2024-01-20 23:59:59", "200", "B", shop="江南古镇明前手工炒制狮峰龙井茶官方旗舰店杭州湖滨银泰二期专柜"),
    row("O4", "2024-03-01 00:00:01", "30.00", "B", refund="30.00", refund_time="2024-03-03 09:00:00"),  # whole refund
    row("O5", "2024-02-15 08:00:00", "80.00", "C"),
    row("O6", "2024-03-10 08:00:00", "90.00", "C", refund="20.00", refund_time="2024-04-02 09:00:00"),  # partial
    row("O7", "2024-04-20 08:00:00", "0.00", "D"),  # of amount 0: an order
    row("O8", "2024-04-21 08:00:00", "15.00", "D", state="待付款"),  # never paid
    row("O9", "2024-03-15 08:00:00", "12.34"),  # nobody's
    row("R1", "2024-03-20 08:00:00", "25.00", "A", kind="退款"),  # stands alone
    row("R2", "2024-04-10 08:00:00", "-70.00", "C", kind="退款", of="O99"),  # of an order that is not known yet
    row("T1", "2024-01-01 08:00:00", "999.00", "A", note="内部测试单"),  # the map leaves it out
]
# What is wrong, the row's code by order number and the rows; X5's first and third line are good.
BAD = [
    row("X1", "2024-02-01 08:00:00", "10.00", "B"), row("X1", "2024-02-01 08:00:00", "11.00", "C"),
    row("X2", "2024-02-01 08:00:00", "10.00", "B"), row("X2", "2024-02-01 08:00:00", "11.00", "B", state="已付款"),
    row("X3", "2024-02-01 08:00:00", "10.00", "B"), row("X3", "2024-02-01 08:00:00", "11.00", "B", currency="USD"),
    row("X4", "2024-02-01 23:59:59", "10.00", "B"), row("X4", "2024-02-02 00:00:00", "11.00", "B"),
    row("X5", "2024-02-01 08:00:00", "10.00", "B"), row("X5", "2024-02-01 08:00:00", "abc", "B"),
    row("X5", "2024-02-01 08:00:00", "12.00", "B"),
    row("X6", "2024-02-01 08:00:00", "10.00", "B", state="莫名其妙"),
    row("X7", "2024-02-01 08:00:00", "99999999999999999999.00", "B"),
    row("X8", "2024-02-30 08:00:00", "10.00", "B"),
    row("X9", FUTURE, "10.00", "B"),
    row("X10", "", "10.00", "B"),
    row("X11", "2024-02-01 08:00:00", "10.00", "B")[:5],
    row("X12", "2024-02-01 08:00:00", "99999999999.99", "B"), row("X12", "2024-02-01 08:00:00", "99999999999.99", "B"),
    row("X13", "2024-02-01 08:00:00", "-5.00", "B"),
]
WRONG = {"IMPORT_CONTRADICTS_BUYER": 2, "IMPORT_CONTRADICTS_STATE": 2, "IMPORT_CURRENCY": 1, "IMPORT_CONTRADICTS_DAY": 2,
         "IMPORT_NUMBER": 1, "IMPORT_STATE": 1, "IMPORT_NUMBER_RANGE": 1, "IMPORT_TIME": 1, "IMPORT_FUTURE": 1,
         "IMPORT_EMPTY": 1, "IMPORT_CELLS": 1, "IMPORT_SUM_RANGE": 2, "IMPORT_NEGATIVE": 1, "IMPORT_OTHER_LINE": 3}
ROWS = GOOD + BAD + [row("O1", "2024-01-05 09:30:00", "40.00", "A", product="P2")]


def text_of(rows, header=HEADER, last_newline=True):
    """CSV text and the line on which each row begins."""
    out, lines = io.StringIO(), []
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    for cells in rows:
        lines.append(out.getvalue().count("\n") + 1)
        writer.writerow(cells)
    text = out.getvalue()
    return (text if last_newline else text[:-1]), lines


def map_file(brand, name="map.json", **changes):
    return write(brand.base / name, json.dumps({**MAP, **changes}, ensure_ascii=False))


def bring(brand, rows, *flags, name="more.csv", map_path=None):
    path = write(brand.base / name, text_of(rows)[0])
    return brand.json("import", "orders", path, "--map", map_path or map_file(brand), *flags)["files"][0]


def problems_are(where, result, expected):
    found = {problem["code"]: problem["rows"] for problem in result["problems"]}
    wrong = {code: f"{found.get(code, 0)} rows, not {expected.get(code, 0)}" for code in found.keys() | expected.keys()
             if found.get(code) != expected.get(code)}
    check(not wrong, f"{where}: rejected: {wrong}")


def counts_are(where, result, **expected):
    for name, value in expected.items():
        check(result.get(name) == value, f"{where}: {name} is {result.get(name)!r}, not {value!r}")


ADDED = ["huitou_reason", "huitou_cell", "huitou_line", "huitou_exported_at"]


def sheet_of(path):
    """The rows of a workbook's first sheet as text, read by openpyxl, which Debian has in its own Python."""
    code = ("import json, openpyxl, sys\n"
            "rows = openpyxl.load_workbook(sys.argv[1]).active.iter_rows(values_only=True)\n"
            "print(json.dumps([['' if v is None else v for v in row] for row in rows]))")
    run = subprocess.run(["/usr/bin/python3", "-c", code, str(path)], capture_output=True, text=True, check=True)
    return json.loads(run.stdout)


# --- init --------------------------------------------------------------------------------------------------------------

def test_init(binary):
    base = pathlib.Path(tempfile.mkdtemp(prefix="huitou-test-"))
    good = ["--name", "茶铺", "--currency", "CNY", "--timezone", "Asia/Shanghai"]
    run = huitou(binary, "init", base / "b", *good)
    check(run.returncode == 0, f"init: {said(run)}")
    mode = stat.S_IMODE((base / "b/master.key").stat().st_mode)
    check(mode == 0o600, f"master.key has mode {mode:o}")
    check(re.fullmatch(r"[0-9a-f]{64}\n", (base / "b/master.key").read_text()), "master.key: 64 hexadecimal digits")
    check(stat.S_IMODE((base / "b").stat().st_mode) == 0o700, "the data directory is its owner's alone")
    before = sorted((p.name, p.stat().st_mtime_ns) for p in (base / "b").iterdir())
    run = huitou(binary, "init", base / "b", *good, "--json")
    check(run.returncode == 1 and codes(run) == ["HOME_EXISTS"], f"init twice: {said(run)}")
    check(before == sorted((p.name, p.stat().st_mtime_ns) for p in (base / "b").iterdir()), "init twice touches nothing")
    run = huitou(binary, "init", base / "c", "--name", "", "--currency", "XQX", "--timezone", "Asia/Atlantis", "--json")
    check(run.returncode == 1 and len(codes(run)) == 3 and {"SETUP_NAME", "SETUP_CURRENCY"} < set(codes(run)),
          f"init tells three errors at once: {said(run)}")
    check(not (base / "c").exists(), "a refused init leaves nothing behind")
    run = huitou(binary, "init", base / "d", *good, "--store", "postgres://nobody:s3cret@127.0.0.1:1/none")
    check(run.returncode == 1 and "database cannot be opened" in run.stderr, f"init, unreachable: {said(run)}")
    check("s3cret" not in run.stdout + run.stderr, f"the password is not shown: {said(run)}")
    check(not (base / "d").exists(), "init with an unreachable database leaves nothing behind")
    (base / "e").mkdir()
    write(base / "e/mine.txt", "mine")
    run = huitou(binary, "init", base / "e", *good, "--json")
    check(run.returncode == 1 and codes(run) == ["HOME_NOT_EMPTY"], f"init in a full directory: {said(run)}")
    check(os.listdir(base / "e") == ["mine.txt"], "the full directory is as it was")
    run = huitou(binary, "init", base / "made/on/the/way", *good)
    check(run.returncode == 0 and (base / "made/on/the/way/huitou.json").exists(),
          f"init makes the directories above: {said(run)}")
    run = huitou(binary, "init", base / "no/such/parent", "--name", "x", "--currency", "XQX", "--timezone", "UTC")
    check(run.returncode == 1 and not (base / "no").exists(),
          f"a refused init leaves {list(base.glob('no/**/*'))}: {said(run)}")
    run = huitou(binary, "init", base / "f")
    check(run.returncode == 2 and all(f in run.stderr for f in ("--name", "--currency", "--timezone")),
          f"init without flags: {said(run)}")
    run = huitou(binary, "init", base / "g", *good, env={"HUITOU_MASTER_KEY_FILE": str(base / "key")})
    check(run.returncode == 0 and not (base / "g/master.key").exists(), f"init with a key from outside: {said(run)}")
    (base / "b/master.key").chmod(0o644)
    run = huitou(binary, "--dir", base / "b", "verify", "--json")
    check(run.returncode == 1 and codes(run) == ["HOME_KEY_MODE"], f"a key that others can read: {said(run)}")
    (base / "b/master.key").chmod(0o600)
    write(base / "b/master.key", "0" * 63 + "\n")
    run = huitou(binary, "--dir", base / "b", "verify", "--json")
    check(run.returncode == 1 and codes(run) == ["HOME_KEY"], f"a broken key: {said(run)}")
    shutil.rmtree(base)


def test_init_postgres(binary):
    """A refused wish leaves nothing in the database either: the next one succeeds in the same database."""
    base = pathlib.Path(tempfile.mkdtemp(prefix="huitou-test-"))
    with Brand(binary, "postgres", "CNY", "Asia/Shanghai") as brand:
        url = json.loads((brand.dir / "huitou.json").read_text())["store"]
        run = huitou(binary, "init", base / "b", "--name", "x", "--currency", "CNY", "--timezone", "UTC",
                     "--store", url, "--json")
        check(run.returncode == 1 and codes(run) == ["SETUP_EXISTS"], f"init into a full database: {said(run)}")
        check(not (base / "b").exists(), "init into a full database leaves no directory")
        postgres("DROP SCHEMA public CASCADE; CREATE SCHEMA public", brand.database)
        run = huitou(binary, "init", base / "b", "--name", "x", "--currency", "XQX", "--timezone", "UTC", "--store", url)
        check(run.returncode == 1, f"init with a wrong currency: {said(run)}")
        left = postgres("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", brand.database)
        check(left == [["0"]], f"a refused init leaves {left} tables in PostgreSQL")
        run = huitou(binary, "init", base / "b", "--name", "x", "--currency", "CNY", "--timezone", "UTC", "--store", url)
        check(run.returncode == 0, f"init after a refused one: {said(run)}")
    shutil.rmtree(base)


# --- Words and surroundings ---------------------------------------------------------------------------------------------

def test_help(binary):
    overview = huitou(binary, "help").stdout
    commands = re.findall(r"^  ([a-z]+(?: [a-z]+)?)\s{2,}", overview, re.M)
    check({"init", "import orders", "report", "customer merge", "verify", "migrate"} <= set(commands),
          f"the overview names the commands: {commands}")
    for command in set(commands):
        for lang, example, usage in (("en", "Example", "Usage"), ("zh", "示例", "用法")):
            run = huitou(binary, *command.split(), "--help", "--lang", lang, env={"COLUMNS": "80"})
            complete = all(part in run.stdout for part in (example, usage, f"huitou {command}"))
            check(run.returncode == 0 and complete, f"help of {command} in {lang}: {said(run)}")
            fits(run, f"help of {command} in {lang}")
    for lang in ("en", "zh"):
        for words in (["help"], ["report"], ["import", "maps"], ["help", "customer"]):
            fits(huitou(binary, *words, "--lang", lang, env={"COLUMNS": "80"}), f"{' '.join(words)} in {lang}")
    check(huitou(binary).returncode == 2, "no words: usage")
    for words, nearest in ((["reprot"], "report"), (["import", "order", "x"], "import orders"), (["report", "cohort"],
                                                                                                 "cohorts"),
                           (["report", "totals", "--as-off", "today"], "--as-of"), (["customer", "fnid", "x"],
                                                                                    "customer find"),
                           (["report", "totals", "--amount", "gros"], "gross"), (["import", "maps", "cd-now"], "cdnow")):
        run = huitou(binary, *words)
        check(run.returncode == 2 and nearest in run.stderr and not run.stdout, f"{words} names {nearest}: {said(run)}")
    run = huitou(binary, "report", "nosuch", "--json")
    check(run.returncode == 2 and codes(run) == ["REPORT_NAME"], f"errors as JSON: {said(run)}")
    for args in (["help"], ["report"], ["import", "maps"], ["import", "maps", "cdnow"], ["definitions"], ["errors"]):
        run = huitou(binary, *args, "--json")
        try:
            json.loads(run.stdout)
            parsed = True
        except ValueError:
            parsed = False
        check(run.returncode == 0 and parsed, f"{args} --json parses: {said(run)}")


def test_surroundings(brand):
    binary, kind = brand.binary, brand.kind
    elsewhere = tempfile.mkdtemp(prefix="huitou-test-")
    ways = [(["--dir", brand.dir, "verify"], {}, elsewhere), (["verify"], {"HUITOU_DIR": str(brand.dir)}, elsewhere),
            (["verify"], {}, brand.dir), (["verify"], {}, brand.base)]
    for args, env, cwd in ways:
        run = huitou(binary, *args, env=env, cwd=cwd)
        check(run.returncode == 0 and str(brand.dir) in run.stderr, f"{kind} {args} {env} {cwd}: {said(run)}")
    run = huitou(binary, "verify", "--json", cwd=elsewhere)
    check(run.returncode == 1 and codes(run) == ["HOME_MISSING"], f"{kind} no brand here: {said(run)}")
    run = huitou(binary, "--dir", brand.dir, "verify", env={"HUITOU_DIR": elsewhere})
    check(run.returncode == 0, f"{kind} --dir goes before HUITOU_DIR: {said(run)}")
    for env, args, word in (({"LANG": "zh_CN.UTF-8"}, [], "一致"), ({"LANG": "en_GB.UTF-8"}, [], "equal"), ({}, [], "equal"),
                            ({"LANG": "zh_CN.UTF-8"}, ["--lang", "en"], "equal"), ({"LANG": "C"}, ["--lang=zh"], "一致"),
                            ({"LANG": "en_GB.UTF-8", "LC_ALL": "zh_CN"}, [], "一致")):
        run = huitou(binary, "--dir", brand.dir, *args, "verify", env=env)
        check(word in run.stdout, f"{kind} language {env} {args}: {said(run)}")
    os.rmdir(elsewhere)


# --- import ------------------------------------------------------------------------------------------------------------

def test_maps(brand):
    kind, path = brand.kind, write(brand.base / "small.csv", text_of([GOOD[0]])[0])

    def errors(name="bad.json", text=None, **changes):
        broken = write(brand.base / name, text if text is not None else json.dumps({**MAP, **changes}, ensure_ascii=False))
        run = brand.try_run("import", "orders", path, "--map", broken, "--json")
        check(run.returncode == 1, f"{kind} map {changes}: {said(run)}")
        try:
            return {(e["code"], e["field"].split(":")[-1]) for e in json.loads(run.stdout)["errors"]}
        except ValueError:
            return set()

    found = errors(format="xls", header="yes", colums={}, columns=7, skip_when=[{"colum": "x"}])
    expected = {("FIELD_UNKNOWN", "/colums"), ("FIELD_UNKNOWN", "/skip_when/0/colum"), ("FIELD_MISSING",
                                                                                        "/skip_when/0/column")}
    check(expected <= found, f"{kind} map errors: {found} holds not all of {expected}")
    check({"/format", "/header", "/columns"} <= {pointer for _, pointer in found},
          f"{kind} map errors: wrong kinds in {found}")
    found = errors(columns={"order_time": "下单时间", "price": "x", "line_amount": "实付"}, states={"a": "lost"},
                   time_format="%H:%M", time_zone="Mars/Base", delimiter="::", skip_when=[{"column": "x"}])
    expected = {"/columns/price", "/states/a", "/time_format", "/time_zone", "/delimiter", "/skip_when/0"}
    check(expected <= {pointer.rstrip("/") for _, pointer in found}, f"{kind} map errors: {found} lacks some of {expected}")
    check(errors(columns={"order_time": "下单时间"}) == {("MAP_NEEDS", "/columns")}, f"{kind} a map without amounts")
    found = errors(columns={**MAP["columns"], "category": "类目", "email": "邮箱"})
    check([code for code, _ in found] == ["MAP_COLUMN_MISSING"] * len(found) and found, f"{kind} columns missing: {found}")
    run = brand.try_run("import", "orders", path, "--map", brand.base / "bad.json")
    check("类目" in run.stderr and "邮箱" in run.stderr, f"{kind} both missing columns are named: {said(run)}")
    check("JSON_BAD" in {code for code, _ in errors(text='{"name": "x",')}, f"{kind} a map that is no JSON")
    run = brand.try_run("import", "orders", path, "--map", "no-such-map", "--json")
    check(run.returncode == 1 and codes(run) == ["MAP_UNKNOWN"], f"{kind} unknown map: {said(run)}")
    foreign = write(brand.base / "foreign.csv", "a,b,c\n1,2,3\n")
    run = brand.try_run("import", "orders", foreign, "--json")
    check(run.returncode == 1 and codes(run) == ["MAP_NOT_RECOGNISED"], f"{kind} no map fits: {said(run)}")
    run = brand.try_run("import", "orders", brand.base / "absent.csv", "--map", map_file(brand), "--json")
    check(run.returncode == 1 and codes(run) == ["FILE_OPEN"], f"{kind} absent file: {said(run)}")
    run = brand.try_run("import", "orders", path, "--map", map_file(brand, "usd.json", constants={"currency": "USD"},
                        columns={k: v for k, v in MAP["columns"].items() if k != "currency"}), "--json")
    check(run.returncode == 1 and codes(run) == ["MAP_CURRENCY"], f"{kind} a map in another currency: {said(run)}")


def test_dry_run(brand, path):
    kind, before = brand.kind, dump(brand)
    run = brand.try_run("import", "orders", path, "--map", map_file(brand), "--dry-run", env={**os.environ,
                                                                                              "COLUMNS": "200"})
    check(run.returncode == 0 and "nothing was written" in run.stdout, f"{kind} dry run: {said(run)}")
    for part in ("订单号", "Order number", "Buyer account", "Not read: 类型, 备注", "times in Asia/Shanghai"):
        check(part in run.stdout, f"{kind} dry run says {part}: {said(run)}")
    result = brand.json("import", "orders", path, "--map", map_file(brand), "--dry-run")["files"][0]
    check(len(result["preview"]) == 10 and result["preview"][0]["line"] == 2, f"{kind} dry run: first rows")
    check(result["preview"][9]["verdict"] == "refund", f"{kind} dry run: row 10 is a refund: {result['preview'][9]}")
    check(result["preview"][0]["values"]["order_time"] == "2024-01-05 10:00:00" and result["time_zone"] == "Asia/Shanghai",
          f"{kind} dry run: times in the brand's zone")
    problems_are(f"{kind} dry run", result, WRONG)
    counts_are(f"{kind} dry run", result, dry_run=True, rows=len(ROWS), rows_rejected=len(BAD), rows_skipped=1, orders=9,
               orders_new=9, orders_rejected=13, refunds=4, refunds_without_order=2, customers_seen=4, zero_amount_orders=1,
               orders_without_buyer=1, reject_file=None)
    for lang in ("en", "zh"):
        run = huitou(brand.binary, "--dir", brand.dir, "--lang", lang, "import", "orders", path, "--map", map_file(brand),
                     "--dry-run", env={"COLUMNS": "80"}, cwd=brand.base)
        shown = [value for value in PERSONAL if value in run.stdout + run.stderr + json.dumps(result, ensure_ascii=False)]
        check(not shown, f"{kind} dry run in {lang} shows {shown}")
        fits(run, f"{kind} dry run in {lang}")
    check(difference(before, dump(brand)) == [], f"{kind} dry run changed {difference(before, dump(brand))}")
    check(list(brand.base.glob("*.rejects*")) == [], f"{kind} dry run writes no reject file")


def test_import(brand, path, lines):
    kind = brand.kind
    run = brand.try_run("import", "orders", path, "--map", map_file(brand), "--json")
    check(run.returncode == 0, f"{kind} import: {said(run)}")
    result = json.loads(run.stdout)["files"][0]
    counts_are(f"{kind} import", result, rows=len(ROWS), rows_rejected=len(BAD), rows_skipped=1, orders=9, orders_new=9,
               orders_rejected=13, refunds=4, refunds_new=4, refunds_without_order=2, zero_amount_orders=1, order_lines=10,
               orders_without_buyer=1, amount="562.34", refund_amount="145.00", first_day="2024-01-05", last_day="2024-04-21")
    problems_are(f"{kind} import", result, WRONG)
    found = brand.sql("SELECT number, amount_minor, line_count, occurred_at FROM orders ORDER BY number")
    time_us = int(datetime(2024, 1, 5, 1, 30, tzinfo=timezone.utc).timestamp()) * 1_000_000
    check([r[0] for r in found] == [f"O{n}" for n in range(1, 10)], f"{kind} orders {found}")
    check(found[0] == ["O1", "10000", "2", str(time_us)],
          f"{kind} O1 unites its scattered lines at the earliest time: {found[0]}")
    name = brand.sql("SELECT name FROM product WHERE code = 'P3'")
    check("\n".join("\t".join(r) for r in name).replace("\\n", "\n") == "茶\n礼,\"盒\"",
          f"{kind} a quoted line break is kept: {name}")
    check(os.listdir(brand.dir / "tmp") == [], f"{kind} nothing is left in tmp/")
    rejects = brand.base / "orders.csv.rejects.xlsx"
    if not check(rejects.exists(), f"{kind} reject file"):
        return
    table = sheet_of(rejects)
    check(table[0] == [*ADDED, *HEADER], f"{kind} reject file's header {table[0]}")
    expected = [(cells + [""] * (len(HEADER) - len(cells)), str(line)) for cells, line in zip(ROWS,
                                                                                              lines) if cells[0].startswith("X")]
    check([(cells[4:], cells[2]) for cells in table[1:]] == expected, f"{kind} reject file: original lines and their numbers")
    check(all(cells[0] for cells in table[1:]), f"{kind} reject file: a reason each")
    reasons = {cells[4]: cells[0] for cells in table[1:]}
    check("莫名其妙" in reasons["X6"] and "2024-02-30" in reasons["X8"], f"{kind} reasons say what is wrong: {reasons}")
    cells = {cells[4]: cells[1].split() for cells in table[1:]}
    check(cells["X6"] == ["状态", f"C{dict(zip((r[0] for r in ROWS), lines))['X6']}"], f"{kind} the wrong cell is named: {cells['X6']}")


def correct(cells, index):
    """What a clerk would do to each rejected line."""
    cells = list(cells)
    buyer = PEOPLE["B"]
    cells += [""] * (len(HEADER) - len(cells))
    cells[1] = "2024-02-01 08:00:00"
    cells[2], cells[4], cells[5], cells[7] = "交易成功", "1", "P1", "CNY"
    cells[8:11] = buyer
    cells[3] = f"{10 + index}.00"
    return cells


def test_correct(brand):
    """The reject file, corrected, imports cleanly with the same map; nothing is doubled, whatever is imported again."""
    kind, rejects = brand.kind, brand.base / "orders.csv.rejects.xlsx"
    table = sheet_of(rejects)
    with open(brand.base / "corrected.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(table[0])
        for index, cells in enumerate(table[1:]):
            writer.writerow(cells[:4] + correct(cells[4:], index))
    result = brand.json("import", "orders", brand.base / "corrected.csv", "--map", map_file(brand))["files"][0]
    counts_are(f"{kind} corrected", result, rows=len(BAD), rows_rejected=0, orders_new=13, orders_changed=0,
               order_lines=len(BAD))
    total = sum(10 + index for index in range(len(BAD)))
    found = brand.sql("SELECT COUNT(*), SUM(amount_minor) FROM orders WHERE number > 'X'")
    check(found == [["13", str(total * 100)]], f"{kind} corrected orders {found}, not 13 of {total}")
    before, told = dump(brand), rejects.read_bytes()
    for name in ("corrected.csv", "orders.csv"):
        brand.try_run("import", "orders", brand.base / name, "--map", map_file(brand))
        changed = difference(before, dump(brand), "import_run")
        check(changed == [], f"{kind} {name} again changed {changed}")
    check(rejects.read_bytes() == told, f"{kind}: a reject file that may be half corrected was overwritten")
    check((brand.base / "orders.csv.rejects-2.xlsx").exists(), f"{kind}: the second reject file has a number")


def test_again(brand, path):
    """Neither the same file, nor the same compressed, nor the same rows in another order changes anything."""
    kind, before = brand.kind, dump(brand)
    result = brand.json("import", "orders", path, "--map", map_file(brand))["files"][0]
    counts_are(f"{kind} again", result, file_known=True, orders=9, orders_new=0, orders_changed=0, orders_same=9,
               refunds_new=0,
               refunds_same=4)
    changed = difference(before, dump(brand), "import_run")
    check(changed == [], f"{kind} the same file again changed {changed}")
    windows = text_of(GOOD[2:] + [ROWS[0], ROWS[-1]])[0].replace("\n", "\r\n")
    for name, data in (("again.csv.gz", gzip.compress(path.read_bytes())),
                       ("no-last-line-end.csv", text_of(ROWS, last_newline=False)[0].encode()),
                       ("bom-crlf.csv", b"\xef\xbb\xbf" + windows.encode())):
        (brand.base / name).write_bytes(data)
        result = brand.json("import", "orders", brand.base / name, "--map", map_file(brand),
                            "--rejects", brand.base / "r.csv",
                            "--exported-at", "2024-05-01T00:00:00Z")["files"][0]
        counts_are(f"{kind} {name}", result, orders_new=0, orders_changed=0, refunds_new=0, refunds_changed=0)
    gb = write(brand.base / "gb.csv", text_of(GOOD + [ROWS[-1]])[0], "gb18030")
    result = brand.json("import", "orders", gb, "--map", map_file(brand, "gb.json", encoding="gb18030"))["files"][0]
    counts_are(f"{kind} GB18030", result, orders_new=0, orders_changed=0, rows_rejected=0)
    run = brand.try_run("import", "orders", gb, "--map", map_file(brand), "--rejects", brand.base / "r.csv")
    check(run.returncode == 1, f"{kind} GB18030 read as UTF-8 fails: {said(run)}")
    changed = difference(before, dump(brand), "import_run", "orders", "refund")  # these note the later export
    check(changed == [], f"{kind} the same orders in other files changed {changed}")
    numbers = brand.sql("SELECT number, amount_minor, refunded_minor FROM orders ORDER BY number")
    check(len(numbers) == 9 and sum(int(r[1]) for r in numbers) == 57734, f"{kind} orders after all that: {numbers}")


def test_later_wins(brand):
    kind, o5 = brand.kind, "SELECT amount_minor FROM orders WHERE number = 'O5'"
    counts_are(f"{kind} later", bring(brand, [row("O5", "2024-02-15 08:00:00", "88.00",
                                                  "C")]), orders_changed=1, orders_new=0)
    check(brand.sql(o5) == [["8800"]], f"{kind} the later file wins: {brand.sql(o5)}")
    before = dump(brand)
    counts_are(f"{kind} older", bring(brand, [row("O5", "2024-02-15 08:00:00", "11.00", "C")], "--exported-at",
                                      "2020-01-01"),
               orders_older=1, orders_changed=0)
    check(difference(before, dump(brand), "import_run") == [], f"{kind} an older export changes nothing")
    run = brand.try_run("import", "orders", brand.base / "more.csv", "--map", map_file(brand), "--exported-at",
                        "2099-01-01", "--json")
    check(run.returncode == 2 and codes(run) == ["EXPORTED_AT_FUTURE"], f"{kind} an export of the future: {said(run)}")
    check(difference(before, dump(brand), "import_run") == [], f"{kind} an export of the future changes nothing")
    counts_are(f"{kind} back", bring(brand, [row("O5", "2024-02-15 08:00:00", "80.00",
                                                 "C")], name="back.csv"), orders_changed=1)
    check(brand.sql(o5) == [["8000"]], f"{kind} O5 is as it was: {brand.sql(o5)}")


# --- Reports ------------------------------------------------------------------------------------------------------------

def row_is(brand, name, flags, expected, section=None):
    for engine in ("columns", "sql"):
        data = brand.json("report", name, "--engine", engine, *flags)
        found = data["sections"][section or name][0]
        for key, value in expected.items():
            same = found[key] == value if not isinstance(value, float) else abs(found[key] - value) < 1e-6
            check(same, f"{brand.kind} {name} {flags} {engine}: {key} is {found[key]!r}, not {value!r}")


def months_are(brand, flags, expected):
    keys = ("month", "orders", "active_customers", "new_customers", "returning_customers", "amount", "refunds",
            "refund_amount")
    for engine in ("columns", "sql"):
        rows = brand.json("report", "monthly", "--engine", engine, *flags)["sections"]["monthly"]
        found = [tuple(r[k] for k in keys) for r in rows]
        check(found == expected, f"{brand.kind} monthly {flags} {engine}: {found} is not {expected}")


def test_reports(brand):
    """By hand. Purchase days: A 01-05 02-10; B 01-20 (03-01 undone on 03-03); C 02-15 03-10; D 04-20."""
    row_is(brand, "repurchase", [], {"customers": 4, "repeat_customers": 2, "repurchase_rate": 0.5, "max_days": 2,
                                     "orders_per_customer": 1.5, "repeat_customers_by_order": 2})
    # Paid 100+50+200+30+80+90+0; refunded 30+20+25+70; median of 0 50 80 90 100 200.
    totals = {"customers": 4, "orders": 6, "purchase_days": 6, "first_day": "2024-01-05", "last_day": "2024-04-20",
              "gross_amount": 550, "refund_amount": 145, "net_amount": 405, "mean_order_amount": 520 / 6,
              "median_order_amount": 85, "refunds": 4, "refund_customers": 3, "refund_customers_without_purchase": 0,
              "refund_over_gross": 145 / 550, "share_of_buyers_refunded": 0.75}
    row_is(brand, "totals", [], totals)
    months_are(brand, [], [("2024-01", 2, 2, 2, 0, 300, 0, 0), ("2024-02", 2, 2, 1, 1, 130, 0, 0),
                           ("2024-03", 1, 1, 0, 1, 65, 2, 55), ("2024-04", 1, 1, 1, 0, -90, 2, 90)])
    months_are(brand, ["--amount", "gross", "--from", "2024-03-01"],
               [("2024-03", 1, 1, 0, 1, 120, 2, 55), ("2024-04", 1, 1, 1, 0, 0, 2, 90)])
    # On 03-03 the whole refund of that day is not known yet: B has two purchase days; on 03-04 it is.
    for as_of, days, repeat, refunded in (("2024-03-02", 5, 2, 0), ("2024-03-03", 5, 2, 0), ("2024-03-04", 4, 1, 30)):
        row_is(brand, "repurchase", ["--as-of", as_of], {"customers": 3, "repeat_customers": repeat})
        row_is(brand, "totals", ["--as-of", as_of], {"purchase_days": days, "gross_amount": 460, "refund_amount": refunded})
    row_is(brand, "totals", ["--from", "2024-02-01", "--to", "2024-02-29"],
           {"customers": 2, "orders": 2, "gross_amount": 130, "refund_amount": 0})
    row_is(brand, "repurchase", ["--from", "2024-02-10", "--to", "2024-02-10"], {"customers": 1, "repeat_customers": 0})
    cells = brand.json("report", "cohorts")["sections"]["retention"]
    found = {(c["cohort"], c["month_offset"]): (c["cohort_size"], c["active"]) for c in cells if c["active"]}
    check(found == {("2024-01", 0): (2, 2), ("2024-01", 1): (2, 1), ("2024-02", 0): (1, 1), ("2024-02", 1): (1, 1),
                    ("2024-04", 0): (1, 1)}, f"{brand.kind} cohorts {found}")
    # Known by 04-20: A 106 days, B 91, C 65, D 0. Came back: A after 36, C after 24. So within 30: C of A, B, C; within
    # 60: A, C of A, B, C; within 90: A of A, B.
    windows = {w["window_days"]: w for w in brand.json("report", "nday")["sections"]["overall"]}
    for days, back, eligible in ((30, 1, 3), (60, 2, 3), (90, 1, 2)):
        got = windows[days]["repurchased_eligible"], windows[days]["eligible"]
        check(got == (back, eligible), f"{brand.kind} nday {days}: {got}")
    data = brand.json("report", "cohorts")
    check(data["as_of"] == "2024-04-21", f"{brand.kind} as-of is printed: {data.get('as_of')}")
    notes = " ".join(data["notes"])
    check("12.34" in notes and "2024-01" in notes, f"{brand.kind} notes {notes}")
    for flags, code in ((["--as-of", "2024-01-05"], "REPORT_EMPTY_BEFORE"), (["--from", "2024-05-01"], "REPORT_DAYS"),
                        (["--from", "1066-10-14"], None), (["--as-of", "2024-02-30"], None)):
        run = brand.try_run("report", "totals", *flags, "--json")
        check(run.returncode in (1, 2) and (code is None or codes(run) == [code]), f"{brand.kind} {flags}: {said(run)}")
    run = brand.try_run("report", "totals", "--as-of", "today", "--json")
    days = {(datetime.now(timezone.utc) + timedelta(hours=8) - timedelta(seconds=s)).strftime("%Y-%m-%d") for s in (0, 60)}
    check(json.loads(run.stdout)["as_of"] in days, f"{brand.kind} today is a day of the brand: {said(run)}")


def test_refund_meets_order(brand):
    """O99 comes after its refund R2: 70 paid on 04-01, all of it given back on 04-10. C's day 04-01 is undone by then."""
    counts_are(f"{brand.kind} O99", bring(brand, [row("O99", "2024-04-01 08:00:00", "70.00",
                                                      "C")], name="o99.csv"), orders_new=1)
    row_is(brand, "totals", [], {"gross_amount": 620, "refund_amount": 145, "net_amount": 475, "purchase_days": 6,
                                 "refunds": 4})
    row_is(brand, "frequency", ["--as-of", "2024-04-10"], {"purchase_days": 1, "customers": 1})
    row_is(brand, "repurchase", ["--as-of", "2024-04-10"], {"max_days": 3, "three_plus_days": 1})
    row_is(brand, "repurchase", ["--as-of", "2024-04-11"], {"max_days": 2, "three_plus_days": 0})


def sections_of_csv(text):
    sections, rows = [], []
    for cells in csv.reader(io.StringIO(text)):
        if cells:
            rows.append(cells)
        elif rows:
            sections.append(rows)
            rows = []
    return sections + ([rows] if rows else [])


def same_cell(value, cell):
    if value is None:
        return cell == ""
    if isinstance(value, (int, float)):
        return cell != "" and abs(float(cell) - value) <= 1e-9 * max(1, abs(value))
    return value == cell


def test_csv(brand):
    for name in REPORTS:
        data = brand.json("report", name)["sections"]
        tables = sections_of_csv(brand.run("report", name, "--csv"))
        check(len(tables) == len(data), f"{brand.kind} {name}: {len(tables)} sections in CSV, {len(data)} in JSON")
        for (section, rows), table in zip(data.items(), tables):
            table = [cells for cells in table if cells != [section]]
            same = len(table) == len(rows) + 1 and all(
                table[0] == list(r) and all(same_cell(v, c) for v, c in zip(r.values(), cells, strict=True))
                for r, cells in zip(rows, table[1:]))
            check(same, f"{brand.kind} {name} {section}: CSV {table[:3]} is not JSON {rows[:2]}")


def test_width(brand):
    for lang in ("en", "zh"):
        for name in REPORTS:
            for columns in (80, 60):
                run = huitou(brand.binary, "--dir", brand.dir, "--lang", lang, "report", name, env={"COLUMNS": str(columns)})
                fits(run, f"{brand.kind} report {name} in {lang}", columns)
        ids = [c["customer_id"] for c in brand.json("customer", "find", "李雷")["customers"]]
        for words in (["find", "阿"], ["show", ids[0]], ["proposals"], ["show", ids[0], "--reveal"]):
            run = huitou(brand.binary, "--dir", brand.dir, "--lang", lang, "customer", *words, env={"COLUMNS": "80"})
            fits(run, f"{brand.kind} customer {words[0]} in {lang}")
        run = huitou(brand.binary, "--dir", brand.dir, "--lang", lang, "verify", env={"COLUMNS": "80"})
        fits(run, f"{brand.kind} verify in {lang}")


# --- Customers ----------------------------------------------------------------------------------------------------------

def find(brand, query):
    return [c["customer_id"] for c in brand.json("customer", "find", query)["customers"]]


def state_of(brand, name):
    return brand.json("report", name)["sections"]


def test_find(brand):
    kind = brand.kind
    alice = find(brand, "13800138001")
    check(len(alice) == 1, f"{kind} find by phone: {alice}")
    for query in ("欧阳文静", "欧", "欧阳", "taobao_alice_01", "+86 138 0013 8001", "O1"):
        check(find(brand, query) == alice, f"{kind} find {query}: {find(brand, query)} is not {alice}")
    for query in ("王", "1380013800", "taobao_alice", "O1000", "'; DROP TABLE customer; --", "%", "", "文静"):
        run = brand.try_run("customer", "find", query, "--json")
        found = json.loads(run.stdout).get("customers", []) if run.returncode == 0 else []
        check(run.returncode in (0, 1, 2) and found == [], f"{kind} find {query!r}: {said(run)}")
    run = brand.try_run("customer", "show", alice[0])
    shown = [value for value in PEOPLE["A"] if value in run.stdout]
    check(run.returncode == 0 and not shown and "O1" in run.stdout, f"{kind} show masks: {shown} {said(run)}")
    before = brand.sql("SELECT COUNT(*) FROM event WHERE type = 'customer.revealed'")
    check(before == [["0"]], f"{kind} nothing revealed yet: {before}")
    run = brand.try_run("customer", "show", alice[0], "--reveal")
    check(all(value in run.stdout for value in PEOPLE["A"]), f"{kind} --reveal: {said(run)}")
    after = brand.sql("SELECT customer_id FROM event WHERE type = 'customer.revealed'")
    check(after == [[alice[0]]], f"{kind} --reveal leaves a trace: {after}")
    customer = brand.json("customer", "show", alice[0])["customer"]
    counts_are(f"{kind} show", customer, paid_orders=2, paid=150, first_day="2024-01-05", last_day="2024-02-10",
               placeholder=False)
    check(isinstance(customer["customer_id"], str), f"{kind} ids are text in JSON, so that no program rounds them")
    for words, exit_code, code in ((["show", "1"], 1, "CUSTOMER_UNKNOWN"), (["show", "Ann"], 2, "ARGUMENT_ID"),
                                   (["show", "0"], 2, "ARGUMENT_ID"), (["show", "99999999999999999999"], 2, "ARGUMENT_ID"),
                                   (["merge", alice[0], alice[0]], 1, "CUSTOMER_SAME"), (["split", alice[0]], 1,
                                                                                         "CUSTOMER_NOT_MERGED")):
        flags = ["--yes"] if words[0] == "split" else []
        run = brand.try_run("customer", *words, *flags, "--json")
        check(run.returncode == exit_code and codes(run) == [code], f"{kind} customer {words}: {said(run)}")


def test_merge(brand):
    kind = brand.kind
    alice, bob = find(brand, "13800138001")[0], find(brand, "13800138002")[0]
    before, reports = dump(brand), state_of(brand, "repurchase")
    run = brand.try_run("customer", "merge", bob, alice)
    check(run.returncode == 0 and "--yes" in run.stdout, f"{kind} merge preview: {said(run)}")
    check(not [v for v in PERSONAL if v in run.stdout], f"{kind} merge preview is masked: {said(run)}")
    preview = brand.json("customer", "merge", bob, alice)
    counts_are(f"{kind} preview", preview["merged"], paid_orders=4, paid=380)
    check(difference(before, dump(brand)) == [], f"{kind} the preview changed {difference(before, dump(brand))}")
    people = [brand.json("customer", "show", who)["customer"] for who in (alice, bob)]
    run = brand.try_run("customer", "merge", bob, alice, "--yes", "--json")
    check(run.returncode == 0 and json.loads(run.stdout).get("merged") is True, f"{kind} merge: {said(run)}")
    merged = brand.json("customer", "show", bob)["customer"]
    counts_are(f"{kind} merged", merged, customer_id=alice, paid_orders=4, paid=380, members=[alice, bob])
    check(find(brand, "13800138002") == [alice], f"{kind} the merged one is found by his phone")
    # A and B as one: days 01-05 01-20 02-10 (03-01 undone).
    row_is(brand, "repurchase", [], {"customers": 3, "repeat_customers": 2, "max_days": 3})
    verified(brand, "merged")
    run = brand.try_run("customer", "merge", alice, bob, "--yes", "--json")
    check(run.returncode == 1 and codes(run) == ["CUSTOMER_SAME"], f"{kind} merged already: {said(run)}")
    counts_are(f"{kind} while merged", bring(brand, [row("M1", "2024-04-03 08:00:00", "5.00",
                                                         "B")], name="m1.csv"), orders_new=1)
    check(brand.json("customer", "show", alice)["customer"]["paid_orders"] == 5,
          f"{kind} an order of the merged one is shown")
    before = dump(brand)
    brand.run("customer", "split", bob)
    check(difference(before, dump(brand)) == [], f"{kind} split without --yes changes nothing")
    run = brand.try_run("customer", "split", bob, "--yes", "--json")
    check(run.returncode == 0, f"{kind} split: {said(run)}")
    after = [brand.json("customer", "show", who)["customer"] for who in (alice, bob)]
    check(after[0] == people[0], f"{kind} split restores the one: {after[0]} is not {people[0]}")
    counts_are(f"{kind} split gives M1 to its own", after[1], paid_orders=people[1]["paid_orders"] + 1, members=[bob])
    brand.run("import", "orders", write(brand.base / "m1-closed.csv", text_of([row("M1", "2024-04-03 08:00:00", "5.00", "B",
              state="待付款")])[0]), "--map", map_file(brand))
    check(state_of(brand, "repurchase") != reports, f"{kind} a file of unknown age does not make M1 unpaid")
    time.sleep(1)  # the time below is cut to its second, and must still be later than the files above
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    brand.run("import", "orders", brand.base / "m1-closed.csv", "--map", map_file(brand), "--exported-at", now)
    check(state_of(brand, "repurchase") == reports, f"{kind} without M1 the report is as before the merge")


def test_tags_and_proposals(brand):
    kind, alice = brand.kind, find(brand, "13800138001")[0]

    def tags():
        return [t["name"] for t in brand.json("customer", "show", alice)["customer"]["tags"]]

    brand.run("customer", "tag", alice, "批发", "--until", "2099-12-31")
    brand.run("customer", "tag", alice, "old", "--until", "2020-01-01")
    check(tags() == ["批发"], f"{kind} tags in force: {tags()}")
    before = dump(brand)
    brand.run("customer", "tag", alice, "批发", "--until", "2099-12-31")
    check(difference(before, dump(brand)) == ["audit"], f"{kind} the same tag again changes {difference(before, dump(brand))}")
    check(brand.json("customer", "tag", alice, "批发", "--remove").get("removed") is True and tags() == [],
          f"{kind} tag removed")
    run = brand.try_run("customer", "tag", alice, "", "--json")
    check(run.returncode == 1, f"{kind} an empty tag: {said(run)}")
    check(brand.json("customer", "proposals")["proposals"] == [], f"{kind} no proposals yet")
    # Two member cards with one phone: only a hint, since each card is an account of its own.
    columns = {"order_number": "订单号", "order_time": "下单时间", "line_amount": "实付", "member_card": "卡", "phone": "手机"}
    cards = write(brand.base / "cards.csv", "订单号,下单时间,实付,卡,手机\nK1,2024-04-05 08:00:00,0.50,card-1,13900139000\n"
                                            "K2,2024-04-06 08:00:00,0.50,card-2,13900139000\n")
    cards_map = map_file(brand, "cards.json", columns=columns, states={}, refund_when=[], skip_when=[])
    brand.run("import", "orders", cards, "--map", cards_map)
    one, two = find(brand, "card-1"), find(brand, "card-2")
    check(len(one) == 1 and len(two) == 1 and one != two, f"{kind} two cards are two people: {one} {two}")
    proposals = brand.json("customer", "proposals")["proposals"]
    pairs = [({p["customer_id"], p["other_id"]}, p["identity_kind"]) for p in proposals]
    check(pairs == [({one[0], two[0]}, "phone")], f"{kind} proposals {pairs}")
    refuse = brand.json("customer", "refuse", one[0], two[0])
    check(refuse.get("refused") is True and brand.json("customer", "proposals")["proposals"] == [],
          f"{kind} refuse: {refuse}")
    brand.run("import", "orders", cards, "--map", brand.base / "cards.json")
    check(brand.json("customer", "proposals")["proposals"] == [], f"{kind} a refused proposal does not come back")
    brand.run("import", "orders", write(brand.base / "cards2.csv", "订单号,下单时间,实付,卡,手机\n"
              "K3,2024-04-05 08:00:00,0.50,card-3,13900139001\nK4,2024-04-06 08:00:00,0.50,card-4,13900139001\n"),
              "--map", brand.base / "cards.json")
    three, four = find(brand, "card-3"), find(brand, "card-4")
    check(len(brand.json("customer", "proposals")["proposals"]) == 1, f"{kind} another proposal")
    brand.run("customer", "merge", three[0], four[0], "--yes")
    check(brand.json("customer", "proposals")["proposals"] == [], f"{kind} a merge settles its proposal")
    days = brand.json("customer", "show", three[0])["customer"]
    counts_are(f"{kind} card-3 and card-4 as one", days, customer_id=four[0], paid_orders=2, paid=1)


def test_privacy(brand):
    """No name, phone or account in the database, neither as text nor as the bytes of it."""
    text = "\n".join(line for lines in dump(brand).values() for line in lines)
    lower = text.lower()
    for value in PERSONAL + ["13900139000", "card-1"]:
        check(value not in text and value.encode().hex() not in lower, f"{brand.kind} {value} stands in the database")
    if brand.kind == "sqlite":
        data = b"".join(p.read_bytes() for p in brand.dir.iterdir() if p.is_file() and p.name.startswith("huitou.db"))
        check(not [v for v in PERSONAL if v.encode() in data], "sqlite: personal values in the file's bytes")
    key = (brand.dir / "master.key").read_text().strip()
    check(key not in text and key not in lower, f"{brand.kind} the master key stands in the database")


# --- Running side by side, and output that cannot be written ---------------------------------------------------------------

def test_text(binary, kind):
    """Cells parted by white space; no order number, so that a row is an order; two files, one of them absent."""
    with Brand(binary, kind, "JPY", "Asia/Tokyo") as brand:
        columns = {"buyer_id": "who", "order_time": "day", "order_amount": "yen"}
        own = {"name": "till", "source": "till", "format": "text", "time_format": "%Y%m%d", "columns": columns}
        map_path = write(brand.base / "till.json", json.dumps(own))
        text = "who day yen\nann 20240101 1,200\n  ann   20240101\t1,200\nbob 20240231 500\nbob 20240301 0\n"
        path = write(brand.base / "till.txt", text)
        run = brand.try_run("import", "orders", brand.base / "absent.txt", path, "--map", map_path, "--json")
        result = json.loads(run.stdout)["files"]
        check(run.returncode == 1 and codes(run) == ["FILE_OPEN"] and len(result) == 1,
              f"{kind} one file is absent: {said(run)}")
        counts_are(f"{kind} text", result[0], rows=4, orders_new=3, rows_rejected=1, zero_amount_orders=1, amount="2400")
        rejects = brand.base / "till.txt.rejects.txt"
        lines = [line for line in rejects.read_text().splitlines() if not line.startswith("#")]
        check(lines == ["who day yen", "bob 20240231 500"], f"{kind} text rejects {lines}")
        write(rejects, rejects.read_text().replace("bob 20240231", "bob 20240229"))
        result = brand.json("import", "orders", rejects, "--map", map_path)["files"][0]
        counts_are(f"{kind} text corrected", result, rows=1, orders_new=1, rows_rejected=0)
        again = brand.json("import", "orders", path, "--map", map_path)["files"][0]
        counts_are(f"{kind} text again", again, orders_new=0, orders_same=3)
        row_is(brand, "totals", [], {"customers": 2, "orders": 4, "purchase_days": 3, "gross_amount": 2900})
        row_is(brand, "repurchase", [], {"repeat_customers": 1, "repeat_customers_by_order": 2})  # ann twice on one day
        verified(brand, "text")


def test_lock(binary, kind):
    with Brand(binary, kind, "GBP", "Europe/London") as brand:
        writer = subprocess.Popen(brand.command("import", "orders", ONLINE_RETAIL), stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, cwd=brand.base)
        until = time.monotonic() + 20
        lock = brand.dir / "lock.1"
        while time.monotonic() < until and not (lock.exists() and lock.read_text().split()[:1] == [str(writer.pid)]):
            time.sleep(0.005)
        writer.send_signal(signal.SIGSTOP)
        check(writer.poll() is None, f"{kind} the writer still runs")
        check(brand.try_run("verify").returncode == 0, f"{kind} reading goes on")
        run = brand.try_run("migrate", "--json")
        check(run.returncode == 1 and codes(run) == ["HOME_LOCKED"], f"{kind} migrate wants to be alone: {said(run)}")
        check(str(writer.pid) in run.stdout, f"{kind} the message names the process: {said(run)}")
        writer.send_signal(signal.SIGCONT)
        path = write(brand.base / "few.csv", text_of([GOOD[0]])[0])
        gbp = map_file(brand, "gbp.json", constants={"currency": "GBP"}, states={}, columns={
            "order_number": "订单号", "order_time": "下单时间", "line_amount": "实付", "buyer_id": "买家"}, state_default="paid")
        run = brand.try_run("import", "orders", path, "--map", gbp, "--json")
        check(run.returncode == 0, f"{kind} a second writer beside the first: {said(run)}")
        check(lock.read_text().split()[1:] and (brand.dir / "lock.2").read_text().split()[1:] != lock.read_text().split()[1:],
              f"{kind} each place has a node number of its own")
        writer.kill()
        writer.wait()
        run = brand.try_run("customer", "tag", "1", "x", "--json")
        check(codes(run) == ["CUSTOMER_UNKNOWN"], f"{kind} a killed writer's lock is gone: {said(run)}")
        brand.run("import", "orders", path, "--map", gbp)
        check(os.listdir(brand.dir / "tmp") == [],
              f"{kind} what a killed import left in tmp/: {os.listdir(brand.dir / 'tmp')}")
        verified(brand, "after a killed import")


def test_migrate(binary, kind):
    """A brand of one migration ago is refused with advice, and the advice helps."""
    with Brand(binary, kind, "CNY", "Asia/Shanghai") as brand:
        last = int(brand.sql("SELECT MAX(number) FROM schema_migration")[0][0])
        brand.sql(WITHOUT_NEWEST + f"; DELETE FROM schema_migration WHERE number = {last}")
        run = brand.try_run("report", "totals", "--json")
        check(run.returncode == 1 and codes(run) == ["SCHEMA_OLD"], f"{kind} an older schema: {said(run)}")
        check("huitou migrate" in run.stdout, f"{kind} what to do about it: {said(run)}")
        check(brand.json("migrate").get("applied") == 1, f"{kind} migrate applies one")
        check(brand.json("migrate").get("applied") == 0, f"{kind} migrate again applies none")
        counts_are(f"{kind} after migrate", bring(brand, GOOD[2:3]), orders_new=1)
        verified(brand, "after migrate")
        brand.sql("INSERT INTO schema_migration SELECT number + 1, title, applied_at FROM schema_migration"
                  f" WHERE number = {last}")
        run = brand.try_run("migrate", "--json")
        check(run.returncode == 1 and codes(run) == ["SCHEMA_NEW"], f"{kind} a newer schema: {said(run)}")


TIES = [row(f"E{n}{p}", "2024-05-01 08:00:00", "10.00", product=p, name=f"茶 {p}") for n in range(8) for p in ("P9", "P3", "P7")] + [
    row("E8", "2024-05-02 08:00:00", "10.00", product="P9", name="龙井"), row("E9", "2024-05-03 08:00:00", "10.00", product="P2")]


def test_ties(binary, kind):
    """What two brands (each with its own key and ids) make of one file is the same, and follows from the file: eight people
    bought P3, P7 and P9 on one day for the same amount, two others P9 and P2, P9 under another name."""
    rows = [line[:8] + ["b" + line[0][1], ""] + line[10:] for line in TIES]  # a buyer for each digit
    expected = [("P3", "茶 P3", 8), ("P2", "明前茶", 1), ("P9", "茶 P9", 1)]
    for _ in range(2):
        with Brand(binary, kind, "CNY", "Asia/Shanghai") as brand:
            counts_are(f"{kind} ties", bring(brand, rows, "--batch-orders", "5"), orders_new=len(TIES))
            for engine in ("columns", "sql"):
                flags = ("--as-of", "2024-06-01", "--engine", engine)
                table = brand.json("report", "by-first-product", *flags)["sections"]["by_first_product"]
                told = [(line["product_code"], line["product_name"], line["customers"]) for line in table]
                check(told == expected, f"{kind} ties, {engine}: {told}")


def test_output(brand):
    for words in (["report"], ["report", "cohorts"], ["report", "rfm", "--json"], ["errors"]):
        command = " ".join(brand.command(*words))
        run = subprocess.run(["bash", "-c",
                              f"{command} | head -1; echo ${{PIPESTATUS[0]}}"], capture_output=True, text=True, check=False)
        exit_code = int(run.stdout.splitlines()[-1])
        check(exit_code in (0, 1, 141) and len(run.stdout.splitlines()) == 2, f"{words} | head -1: {said(run)}")
        check("error" not in run.stderr, f"{words} | head -1 is quiet: {said(run)}")
        run = subprocess.run(["bash", "-c", f"{command} > /dev/full"], capture_output=True, text=True, check=False)
        check(run.returncode == 1 and "error" in run.stderr, f"{words} > /dev/full: {said(run)}")
    run = brand.try_run("report", "--version")
    check(run.returncode == 2, f"an unknown flag: {said(run)}")


def test_empty(brand):
    for name in ("totals", "cohorts"):
        run = brand.try_run("report", name, "--json")
        check(run.returncode == 1 and codes(run) == ["REPORT_EMPTY"], f"{brand.kind} report without orders: {said(run)}")
    verified(brand, "empty")
    for text in ("", HEADER[0] + "\n"):
        run = brand.try_run("import", "orders", write(brand.base / "empty.csv", text), "--map", map_file(brand), "--json")
        check(run.returncode == 1 and codes(run), f"{brand.kind} import of {text!r}: {said(run)}")
    result = bring(brand, [], name="header-only.csv")
    counts_are(f"{brand.kind} header only", result, rows=0, orders=0)
    run = brand.try_run("import", "orders", write(brand.base / "bad-only.csv", text_of(BAD[:2])[0]),
                        "--map", map_file(brand), "--json")
    check(run.returncode == 1 and codes(run) == ["IMPORT_NOTHING"], f"{brand.kind} nothing but rejects: {said(run)}")
    check((brand.base / "bad-only.csv.rejects.xlsx").exists(), f"{brand.kind} its reject file is there")


def test_progress(binary):
    """On a terminal every phase of an import has its words, those of a first load too."""
    with Brand(binary, "sqlite", "CNY", "Asia/Shanghai") as brand:
        path = write(brand.base / "orders.csv", text_of(ROWS + BAD[:2])[0])
        master, slave = os.openpty()
        process = subprocess.Popen(brand.command("import", "orders", path, "--map", map_file(brand)),
                                   stdout=subprocess.DEVNULL, stderr=slave, cwd=brand.base)
        os.close(slave)
        shown = b""
        try:
            while chunk := os.read(master, 4096):
                shown += chunk
        except OSError:  # the other end of the terminal is closed
            pass
        os.close(master)
        check(process.wait() == 0, f"import on a terminal: {shown[-300:]!r}")
        for words in (b"putting orders together", b"writing", b"noting order numbers"):
            check(words in shown, f"import on a terminal shows {words!r}: {shown[-600:]!r}")


def test_brand(binary, kind):
    with Brand(binary, kind, "CNY", "Asia/Shanghai", name="江南" * 25) as brand:
        text, lines = text_of(ROWS, last_newline=False)
        path = write(brand.base / "orders.csv", text)
        test_empty(brand)
        test_surroundings(brand)
        test_maps(brand)
        for reject in brand.base.glob("*.rejects*"):
            reject.unlink()
        test_dry_run(brand, path)
        test_import(brand, path, lines)
        test_again(brand, path)
        test_later_wins(brand)
        test_reports(brand)
        test_find(brand)
        test_merge(brand)
        test_refund_meets_order(brand)
        test_csv(brand)
        test_width(brand)
        test_correct(brand)
        test_tags_and_proposals(brand)
        test_privacy(brand)
        test_output(brand)
        verified(brand, "at the end")


def main():
    args = arguments(__doc__, only={"default": "", "help": "init, help (and progress), sqlite or postgres"})
    if args.only in ("", "init"):
        test_init(args.binary)
        test_init_postgres(args.binary)
    if args.only in ("", "help"):
        test_help(args.binary)
        test_progress(args.binary)
    for kind in KINDS:
        if args.only in ("", kind):
            test_brand(args.binary, kind)
            test_text(args.binary, kind)
            test_lock(args.binary, kind)
            test_migrate(args.binary, kind)
            test_ties(args.binary, kind)
    tally.finish()


if __name__ == "__main__":
    main()
