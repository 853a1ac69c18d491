#!/usr/bin/env python3
"""Which file, and which sheet of it, is read: workbooks of several sheets, covers, hidden sheets and rows, tables of one's
own, lists that hold no orders; and how short the answer is where nothing fits. Written by openpyxl, whole program.

    /usr/bin/python3 test/reference/sheets_test.py [--binary build/release/huitou]

Debian's python3-openpyxl belongs to /usr/bin/python3.
"""
import csv
import datetime
import json
import pathlib
import re
import subprocess
import sys
import textwrap
import zipfile

import openpyxl

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from program import KINDS, Brand, Tally, arguments  # noqa: E402

tally = Tally()
check = tally.check
# The header of 1688 (../shared/facts/merchant-files.md).
HEADER = "订单号,下单时间,物流公司,实付款,运单号,买家,收货地址,货品标题,规格,数量,退款状态,订单状态".split(",")


def order(i, amount="10.50", **cells):
    row = {"订单号": f"{2 * 10 ** 18 + i}", "下单时间": f"2025-03-{i % 28 + 1:02d} 09:05:06", "实付款": amount, "买家": f"buyer{i}",
           "货品标题": "保湿霜", "数量": "1", "订单状态": "交易成功", **cells}
    return [row.get(column, "") for column in HEADER]


def save(path, sheets, hidden=(), hidden_rows=()):
    """sheets: name → rows. hidden: names of sheets; hidden_rows: (name, row)."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
        if name in hidden:
            sheet.sheet_state = "hidden"
    for name, row in hidden_rows:
        book[name].row_dimensions[row].hidden = True
    book.save(path)
    return path


def one(brand, path, *flags):
    return brand.json("import", "orders", path, *flags)["files"][0]


def refused(brand, path, *flags):
    """The codes of a refusal, and its errors."""
    run = brand.try_run("import", "orders", path, "--dry-run", "--json", *flags)
    check(run.returncode == 1, f"{path.name}: exit code {run.returncode}")
    errors = json.loads(run.stdout).get("errors", [])
    return [error["code"] for error in errors], errors


def sheet_of(result, name):
    return next(sheet for sheet in result["sheets"] if sheet["name"] == name)


def test_split_export(brand):
    """A cover, two sheets of one header (the second with its columns in another order and one more), a pivot table, a hidden
    sheet, an empty one. 3 + 2 orders of 10.50, one row hidden by a filter; the hidden sheet's order counts nowhere."""
    turned = [*reversed(HEADER), "退款金额"]
    second = [[row for row in reversed(order(i))] + ([""] if i == 4 else ["2.50"]) for i in (4, 5)]
    path = save(brand.base / "split.xlsx", {
        "封面": [["店铺导出"], ["导出时间", "2025-04-01"]],
        "Sheet1": [["以下为订单"], HEADER, order(1), order(2), order(3)],
        "Sheet2": [turned, *second],
        "透视表": [["买家", "合计"], ["buyer1", 10.5], ["buyer2", 10.5]],
        "旧数据": [HEADER, order(9)],
        "Sheet9": []}, hidden=("旧数据",), hidden_rows=(("Sheet1", 4),))
    dry = one(brand, path, "--dry-run")
    check((dry["map"], dry["orders"], dry["amount"], dry["rows_hidden"]) == ("1688", 5, "52.50", 1),
          f"split: {dry['map']}, {dry['orders']} orders, {dry['amount']}, {dry['rows_hidden']} hidden rows")
    check([(s["name"], s["read"], s["rows"], s["code"]) for s in dry["sheets"]]
          == [("封面", False, 2, "SHEET_NO_TABLE"), ("Sheet1", True, 3, None), ("Sheet2", True, 2, None),
              ("透视表", False, 3, "SHEET_NO_TABLE"), ("旧数据", False, 2, "SHEET_HIDDEN"), ("Sheet9", False, 0, "SHEET_EMPTY")],
          f"split: {dry['sheets']}")
    check(dry["refund_amount"] == "2.50", f"split: refunds {dry['refund_amount']}, told by a column of the second sheet only")
    check(dry["header_row"] == 2 and [row["sheet"] for row in dry["preview"]] == ["Sheet1"] * 3 + ["Sheet2"] * 2
          and [row["line"] for row in dry["preview"]] == [3, 4, 5, 2, 3], f"split: {dry['preview']}")
    text = brand.run("import", "orders", path, "--dry-run")
    check(all(words in text for words in ("封面", "透视表", "旧数据", "is hidden")), f"split, text: {text}")
    zh = subprocess.run([brand.binary, "--lang", "zh", "--dir", brand.dir, "import", "orders", path, "--dry-run"],
                        capture_output=True, text=True, check=False)
    check("被隐藏" in zh.stdout and "没有读取" in zh.stdout, f"split, zh: {zh.stdout}")
    real = one(brand, path)
    check((real["orders_new"], real["amount"]) == (5, "52.50"), f"split: imported {real['orders_new']}, {real['amount']}")
    again = one(brand, path)
    check((again["orders_new"], again["orders_changed"], again["orders_same"]) == (0, 0, 5), f"split again: {again}")


def test_places(brand):
    """An error in the second sheet: problem and reject file name it with the row, and the corrected reject file is read."""
    path = save(brand.base / "places.xlsx", {"一月": [HEADER, order(11), order(12)],
                                             "二月": [HEADER, order(13), order(14, amount="五元"), order(15)]})
    result = one(brand, path)
    problem = result["problems"][0]
    check((result["orders_new"], result["rows_rejected"]) == (4, 1), f"places: {result['orders_new']}, {result['rows_rejected']}")
    check((problem["sheet"], problem["first_line"]) == ("二月", 3), f"places: {problem}")
    check("places.xlsx:二月:3" in problem["message_en"], f"places: {problem['message_en']}")
    rejects = brand.base / pathlib.Path(result["reject_file"]).name
    book = openpyxl.load_workbook(rejects)
    head, *rows = ([cell.value for cell in row] for row in book.active.iter_rows())
    rows = [dict(zip(head, row)) for row in rows]
    check(len(rows) == 1 and rows[0]["huitou_line"] == "二月:3" and rows[0]["订单号"] == str(2 * 10 ** 18 + 14), f"places: {rows}")
    wrong = next(cell for cell in book.active[2] if cell.value == "五元")
    wrong.value = "5"
    mended = brand.base / "mended.xlsx"
    book.save(mended)
    check(one(brand, mended)["orders_new"] == 1, "places: the corrected reject file")


def test_contradiction(brand):
    """Rows of one order in two sheets that name different buyers: both rows are rejected, each by its own place."""
    path = save(brand.base / "two.xlsx", {"A": [HEADER, order(21)], "B": [HEADER, order(22), order(21, 买家="other")]})
    problem = one(brand, path, "--dry-run")["problems"][0]
    check(problem["rows"] == 2 and "A:2" in problem["message_en"] and "B:3" in problem["message_en"], f"contradiction: {problem}")


def test_other_names(brand):
    """A sheet that calls a column differently is named, not read as empty cells; alone it is read."""
    renamed = ["订单编号" if name == "订单号" else name for name in HEADER]
    path = save(brand.base / "names.xlsx", {"A": [HEADER, order(31)], "B": [renamed, order(32)]})
    result = one(brand, path, "--dry-run")
    check(result["orders"] == 1 and sheet_of(result, "B")["code"] == "SHEET_OTHER_COLUMNS", f"other names: {result['sheets']}")
    check("订单编号" in sheet_of(result, "B")["message_en"], f"other names: {sheet_of(result, 'B')}")
    alone = one(brand, save(brand.base / "alone.xlsx", {"B": [renamed, order(32)]}), "--dry-run")
    check(alone["orders"] == 1, f"other names: alone {alone['orders']}")


def test_named_map(brand):
    """With --map a sheet that fits is found behind a cover; where none fits the missing columns are told once."""
    path = save(brand.base / "named.xlsx", {"说明": [["说明"]], "订单": [HEADER, order(41)]})
    check(one(brand, path, "--dry-run", "--map", "阿里巴巴")["orders"] == 1, "named: behind a cover")
    codes, errors = refused(brand, path, "--map", "淘宝")
    check(codes == ["MAP_COLUMN_MISSING"], f"named: {codes}")
    message = json.dumps(errors, ensure_ascii=False)
    check("买家实际支付金额" in message and message.count("货品标题") == 1, f"named: {message}")


def lines_of(run):
    """As an 80-column terminal shows them; Chinese characters are two wide."""
    text = run.stderr.strip()
    wide = re.sub(r"[\u2e80-\uffef]", "MM", text)
    return sum(max(1, len(textwrap.wrap(line, 80))) for line in wide.splitlines())


def table(path, header, *rows):
    with open(path, "w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def test_not_recognised(brand):
    wide = table(brand.base / "wide.csv", [f"第{i}列的名字相当地长" for i in range(80)])
    for name, path, code in (("wide", wide, "MAP_NOT_RECOGNISED"),
                             ("nearly", table(brand.base / "nearly.csv", [*(n for n in HEADER if n != "实付款"), *(f"列{i}" for i in range(60))]),
                              "MAP_NEARLY_FITS")):
        codes, _ = refused(brand, path)
        check(codes == [code], f"{name}: {codes}")
        run = brand.try_run("import", "orders", path)
        check(run.returncode == 1 and lines_of(run) <= 8, f"{name}: {lines_of(run)} lines:\n{run.stderr}")
    check("实付款" in run.stderr and "1688" in run.stderr and "导出" in run.stderr, f"nearly: {run.stderr}")


def test_own(brand):
    """A table of one's own with dates as numbers and as a spreadsheet's dates: read, and said to be one."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["单号", "日期", "姓名", "电话", "商品", "金额"])
    sheet.append(["X1", datetime.datetime(2025, 6, 1, 12, 0), "王小明", "13912345678", "霜", 59.9])
    sheet.append(["X2", 45809.5, "李四", "13912345679", "霜", 10])  # 2025-06-01 12:00
    sheet.append(["X3", "2025/6/1 3:05:00 PM", "赵六", 13912345670, "霜", 10])
    sheet.append(["合计 3 单", None, None, None, None, 79.9])
    path = brand.base / "own.xlsx"
    book.save(path)
    result = one(brand, path, "--dry-run")
    check((result["map"], result["orders"], result["amount"], result["customers_seen"]) == ("own", 3, "79.90", 3), f"own: {result}")
    check(result["recognition"]["common_names"] and result["rows_total"] == 1, f"own: {result['recognition']}")
    check((result["first_day"], result["last_day"]) == ("2025-06-01", "2025-06-01"), f"own: {result['first_day']}, {result['last_day']}")
    check("common column names" in brand.run("import", "orders", path, "--dry-run"), "own: the answer says it")
    doubtful = table(brand.base / "doubtful.csv", ["单号", "日期", "姓名", "单价", "数量", "金额"], ["1", "2025-06-01", "a", "5", "2", "10"])
    codes, errors = refused(brand, doubtful)
    check(codes == ["MAP_DOUBTFUL"] and "单价" in str(errors) and "金额" in str(errors), f"doubtful: {errors}")
    check(one(brand, doubtful, "--map", "own", "--dry-run")["amount"] == "10.00", "doubtful: named, it is read")


def test_lists(brand):
    """A product list in a workbook, an Alipay bill in GB18030 below its comments."""
    goods = save(brand.base / "goods.xlsx", {"商品": [["商品ID", "商品名称", "售价", "库存", "上架时间"], [1, "霜", 10, 5, "2025-01-01"]]})
    codes, errors = refused(brand, goods)
    check(codes == ["MAP_NO_ORDERS"] and "商品列表" in str(errors), f"goods: {errors}")
    bill = brand.base / "alipay.csv"
    bill.write_bytes("\r\n".join([
        "#支付宝账务明细查询", "#账号：[20881234567890120156]", "#起始日期：[2025年06月01日 00:00:00]   终止日期：[2025年07月01日 00:00:00]",
        "#-----------------------------------------账务明细列表----------------------------------------",
        "账务流水号,业务流水号,商户订单号,商品名称,发生时间,对方账号,收入金额（+元）,支出金额（-元）,账户余额（元）,交易渠道,业务类型,备注",
        "1234\t,2345\t,3456\t,霜,2025-06-01 09:05:06,a***@b.c,10.00,0.00,10.00,支付宝,在线支付,\t"]).encode("gb18030"))
    codes, errors = refused(brand, bill)
    check(codes == ["MAP_NO_ORDERS"] and "支付宝账单" in str(errors), f"bill: {errors}")


def test_broken_sheet(brand):
    """A sheet that is not read may be damaged: its rows are not known, the others are read."""
    path = save(brand.base / "damaged.xlsx", {"订单": [HEADER, order(51)], "旧": [["x"]]}, hidden=("旧",))
    broken = brand.base / "broken.xlsx"
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(broken, "w") as target:
        for item in source.infolist():
            data = source.read(item)
            target.writestr(item, data[:len(data) // 2] if item.filename.endswith("sheet2.xml") else data)
    result = one(brand, broken, "--dry-run")
    check(result["orders"] == 1 and sheet_of(result, "旧")["rows"] == -1, f"broken: {result['sheets']}")


def main():
    args = arguments(__doc__.splitlines()[0])
    for kind in KINDS:
        with Brand(args.binary, kind, "CNY", "Asia/Shanghai") as brand:
            test_split_export(brand)
            test_places(brand)
    with Brand(args.binary, "sqlite", "CNY", "Asia/Shanghai") as brand:
        for test in (test_contradiction, test_other_names, test_named_map, test_not_recognised, test_own, test_lists,
                     test_broken_sheet):
            test(brand)
    tally.finish()


if __name__ == "__main__":
    main()
