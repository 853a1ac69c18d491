#!/usr/bin/env python3
"""Makes the workbooks beside this file with openpyxl 3.0.9 (Debian's python3-openpyxl), and expected.json: what is in
them, from the values that were written, not from reading them back.

    /usr/bin/python3 test/data/xlsx/make_workbooks.py
"""
import datetime
import decimal
import json
import pathlib
import random

import openpyxl
import openpyxl.chart
from openpyxl.utils.datetime import CALENDAR_MAC_1904

HERE = pathlib.Path(__file__).parent
expected = []


def number(value):
    """A number as Excel shows it: at most 15 significant digits, no exponent."""
    if isinstance(value, int):
        return str(value)
    return format(decimal.Decimal(f"{value:.15g}"), "f")


def cell_of(value):
    """[kind, text] as table_input.h says."""
    if value is None:
        return ["text", ""]
    if isinstance(value, bool):
        return ["text", "TRUE" if value else "FALSE"]
    if isinstance(value, (int, float)):
        return ["number", number(value)]
    if isinstance(value, datetime.datetime):
        return ["time", (value + datetime.timedelta(microseconds=500000)).strftime("%Y-%m-%d %H:%M:%S")]
    if isinstance(value, datetime.date):
        return ["time", value.strftime("%Y-%m-%d 00:00:00")]
    if isinstance(value, datetime.timedelta):
        seconds = int(value.total_seconds())
        return ["text", f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"]
    if isinstance(value, datetime.time):
        return ["text", value.strftime("%H:%M:%S")]
    return ["text", value.replace("\r\n", "\n").replace("\r", "\n")]


def is_blank(row):
    return all(value is None or (isinstance(value, str) and not value.strip()) for value in row)


def note(name, rows):
    """The first row is the header; each is as wide as it."""
    width = len(rows[0])
    kept = [[i + 1, [cell_of(value) for value in row] + [["text", ""]] * (width - len(row))]
            for i, row in enumerate(rows) if not is_blank(row)]
    expected.append({"file": name, "rows": kept})


def save(workbook, name, rows, sheet=None):
    sheet = sheet or workbook.active
    for row in rows:
        sheet.append(list(row))
    workbook.save(HERE / name)
    note(name, rows)


def kinds():
    rows = [
        ["订单号", "金额", "数量", "时间", "日期", "备注", "已付", "时刻", "时长"],
        ["A-1", 12.5, 3, datetime.datetime(2024, 2, 29, 23, 59, 58), datetime.date(2024, 3, 1), "加急", True,
         datetime.time(9, 5, 7), datetime.timedelta(hours=36, minutes=1)],
        ["A-2", 0.1 + 0.2, 123456789012345, datetime.datetime(1999, 12, 31, 0, 0, 1), datetime.date(1900, 3, 1),
         "两行\n的备注", False, datetime.time(23, 59, 59), datetime.timedelta(seconds=1)],
        [None, None, None, None, None, None, None, None, None],
        ["  前后空格  ", -0.000012345, -7, datetime.datetime(2099, 12, 31, 12, 0), datetime.date(1900, 1, 31),
         'quote " comma , <&>', None, None, None],
        ["   ", None, None, None, None, None, None, None, None],
        ["末", 1e15, 1.25e-7 * 1e7, datetime.datetime(2024, 1, 1), None, "😀 Ｆｕｌｌ", None, None, None],
    ]
    save(openpyxl.Workbook(), "kinds.xlsx", rows)


def epoch_1904():
    workbook = openpyxl.Workbook()
    workbook.epoch = CALENDAR_MAC_1904
    save(workbook, "epoch_1904.xlsx", [["时间"], [datetime.datetime(2024, 5, 6, 7, 8, 9)], [datetime.date(1904, 1, 2)]])


def hidden_sheets():
    """The first visible sheet is the third."""
    workbook = openpyxl.Workbook()
    workbook.active.append(["hidden"])
    workbook.active.sheet_state = "hidden"
    very = workbook.create_sheet("very")
    very.append(["very hidden"])
    very.sheet_state = "veryHidden"
    shown = workbook.create_sheet("订单")
    workbook.create_sheet("more").append(["another"])
    workbook.active = 2
    save(workbook, "hidden_sheets.xlsx", [["看得见", "b"], ["x", 1]], shown)


def chart_first():
    """A chart sheet is no sheet of cells."""
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    chart = workbook.create_chartsheet("chart", 0)
    chart.add_chart(openpyxl.chart.BarChart())
    save(workbook, "chart_first.xlsx", [["a"], [1]], sheet)


def sparse():
    """Rows and cells that are left out; a merged order number; formats alone make no cell."""
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    sheet["B3"], sheet["D3"], sheet["Z3"] = "单号", "金额", "备注"
    sheet["B5"], sheet["D5"] = "A", 5
    sheet["D6"] = 6
    sheet.merge_cells("B5:B6")
    sheet["AD9"] = "far"
    for column in range(1, 1200):
        sheet.cell(5, column).font = openpyxl.styles.Font(bold=True)
        sheet.cell(20, column).font = openpyxl.styles.Font(bold=True)
    workbook.save(HERE / "sparse.xlsx")

    def row(number, width, **cells):
        texts = [["text", ""] for _ in range(width)]
        for column, value in cells.items():
            texts[openpyxl.utils.column_index_from_string(column) - 1] = cell_of(value)
        return [number, texts]
    expected.append({"file": "sparse.xlsx", "rows": [
        row(3, 26, B="单号", D="金额", Z="备注"), row(5, 26, B="A", D=5), row(6, 26, D=6), row(9, 30, AD="far")]})


def formats():
    """Which number formats are times: the name of each format says what its numbers become."""
    times = ["yyyy-mm-dd", "yyyy/m/d h:mm", 'yyyy"年"m"月"d"日"', "[$-804]yyyy年m月d日", "d-mmm-yy", "[Red]mm/dd/yy",
             "m/d/yyyy h:mm:ss AM/PM", "yyyy\\-mm\\-dd\\ hh:mm:ss", "[$-F800]dddd\\,\\ mmmm\\ dd\\,\\ yyyy", "e/m/d"]
    numbers = ["General", "0.00", "#,##0.00;[Red]-#,##0.00", '0.00"元/天 dhms"', "0.00E+00", "0%", "@", "[$¥-804]#,##0.00",
               "[>=100]0;0.0", "_ * #,##0.00_ ;\\d0", '"y"0', '0;yyyy', 'General"元"', "# ?/?"]
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    rows = [["format", "value"]]
    for code in times + numbers:
        sheet.append([])
        at = len(rows) + 1
        sheet.cell(at, 1, code if code != "@" else "at")
        sheet.cell(at, 2, 45292.25).number_format = code
        rows.append([sheet.cell(at, 1).value,
                     datetime.datetime(2024, 1, 1, 6) if code in times else 45292.25])
    sheet["A1"], sheet["B1"] = "format", "value"
    workbook.save(HERE / "formats.xlsx")
    note("formats.xlsx", rows)


def random_table():
    rng = random.Random(20240301)
    words = ["订单", "买家留言：尽快", "a b", "1,234.50", "'001", "-1+1x", "\t制表", "x" * 300, "\"", "<b>&amp;</b>"]
    rows = [[f"c{i}" for i in range(12)]]
    for _ in range(150):
        row = []
        for _ in range(rng.randint(1, 12)):
            kind = rng.randrange(6)
            row.append(None if kind == 0 else rng.choice(words) + str(rng.randrange(50)) if kind < 3
                       else rng.randrange(-10**9, 10**15) if kind == 3 else round(rng.uniform(-1e6, 1e6), rng.randrange(1, 6))
                       if kind == 4 else datetime.datetime(1990, 1, 1) + datetime.timedelta(seconds=rng.randrange(3 * 10**9)))
        rows.append(row)
    save(openpyxl.Workbook(), "random.xlsx", rows)


def write_only():
    """As a stream: cells without styles, in one go."""
    workbook = openpyxl.Workbook(write_only=True)
    save(workbook, "write_only.xlsx", [["a", "b"], ["x", 1], ["y", 2.5]], workbook.create_sheet("s"))


for make in (kinds, epoch_1904, hidden_sheets, chart_first, sparse, formats, random_table, write_only):
    make()
(HERE / "expected.json").write_text(json.dumps(expected, ensure_ascii=False, separators=(",", ":")).replace("],[", "],\n[") + "\n")
