#!/usr/bin/env python3
"""Files that no merchant meant to import: each is refused by name, and nothing else changes. On both databases.

    python3 test/reference/bad_input_test.py [--binary PATH] [--only CASE] [--database sqlite|postgres]

From the issue: truncated xlsx, zip bomb, a PNG, 10 MB in one cell, 2,000 columns, too few cells, ambiguous or impossible
dates, amounts beyond int64, an encoding that is none of the known; and their neighbours. Every file has the header of
1688 (../shared/facts/merchant-files.md) where it has one, and is imported without naming a map, in transactions of 50
orders, so that what is found late would show in the database.

A case says what the answer must be:
  refused   the whole file: exit code not 0, an error that names the file; the database is as it was.
  rejected  its bad rows: counted, each problem names file, line and column; the good rows are there, and nothing else.
  either    one or the other, whole: the rules do not say which.
The program must end by itself (no signal), within two minutes, and no import may take more than 600 MiB.
"""
import contextlib
import csv
import gzip
import hashlib
import io
import json
import pathlib
import random
import resource
import sqlite3
import struct
import subprocess
import sys
import tempfile
import zipfile
import zlib
from dataclasses import dataclass

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from program import KINDS, Brand, Tally, arguments  # noqa: E402

tally = Tally()
HEADER = "订单号,下单时间,物流公司,实付款,运单号,买家,收货地址,货品标题,规格,数量,退款状态,订单状态".split(",")
TIME, AMOUNT = HEADER.index("下单时间"), HEADER.index("实付款")
MEMORY_KIB = 600 * 1024
TABLES = ("orders", "order_line", "refund", "refund_waiting", "customer", "identity", "lookup", "event", "event_head", "channel", "product",
          "category", "merge_proposal")
INT64_MAX = 2 ** 63 - 1


@dataclass
class Case:
    name: str           # of the file
    expect: str         # refused, rejected, either
    data: bytes
    good: int = 0       # rows that are fine
    bad: int = 0        # rows that must be rejected, where rejected; -1: some, who knows how many
    line: int = 0       # of the first bad row, where rejected
    column: str = ""    # that its problem names, where there is one
    says: tuple = ()    # words of which one must be in the answer, lower case


def order(i, **cells):
    """One good row, unless cells say otherwise."""
    row = {"订单号": f"{2 * 10 ** 18 + i}", "下单时间": f"2025-03-{i % 28 + 1:02d} 09:05:06", "物流公司": "顺丰速运", "实付款": f"{i % 90 + 10}.50",
           "运单号": f"SF{i:013d}", "买家": f"buyer{i % 40}", "收货地址": "浙江省杭州市", "货品标题": "保湿霜", "规格": "50ml", "数量": "1",
           "退款状态": "", "订单状态": "交易成功", **cells}
    return [row[column] for column in HEADER]


def good_orders(count, start=0):
    return [order(i) for i in range(start, start + count)]


def to_csv(rows, header=HEADER, encoding="utf-8-sig"):
    text = io.StringIO(newline="")
    csv.writer(text).writerows([header, *rows])
    return text.getvalue().encode(encoding)


def bad_row(name, column, value, **more):
    """Two good rows around a bad one."""
    rows = [order(1), order(2, **{column: value}), order(3)]
    return Case(name, "rejected", to_csv(rows), good=2, bad=1, line=3, column=column, **more)


# --- xlsx by hand, so that it can be wrong ----------------------------------------------------------------------------

NAMESPACE = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
PARTS = {
    "[Content_Types].xml": '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
                           '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
                           '<Default Extension="xml" ContentType="application/xml"/>'
                           '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
                           '<Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>'
                           "</Types>",
    "_rels/.rels": '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
                   'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<?xml version="1.0"?><workbook {NAMESPACE} xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
                       '<sheets><sheet name="订单" sheetId="1" r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
                                  'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/>'
                                  "</Relationships>",
}
SHEET = "xl/worksheets/sheet1.xml"


def xml_text(value):
    return str(value).replace("&", "&amp;").replace("<", "&lt;")


def letters(index):
    name = ""
    index += 1
    while index:
        index, digit = divmod(index - 1, 26)
        name = chr(65 + digit) + name
    return name


def sheet_rows(rows):
    return "".join(f'<row r="{r}">' + "".join(f'<c r="{letters(c)}{r}" t="inlineStr"><is><t>{xml_text(v)}</t></is></c>' for c, v in enumerate(row)) + "</row>"
                   for r, row in enumerate(rows, 1))


def sheet_xml(rows, before="", after=""):
    return f'<?xml version="1.0" encoding="UTF-8"?>{before}<worksheet {NAMESPACE}><sheetData>{sheet_rows(rows)}{after}</sheetData></worksheet>'


def to_xlsx(sheet, parts=None):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as book:
        for name, text in {**PARTS, SHEET: sheet, **(parts or {})}.items():
            if text is not None:
                book.writestr(name, text)
    return data.getvalue()


def deflated(start, unit, times, end):
    """A raw deflate stream of start, times × unit, end; the unit is compressed once. Returns (stream, crc, length)."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    head = packer.compress(start) + packer.flush(zlib.Z_FULL_FLUSH)
    body = packer.compress(unit) + packer.flush(zlib.Z_FULL_FLUSH)
    tail = packer.compress(end) + packer.flush(zlib.Z_FINISH)
    crc = zlib.crc32(start)
    for _ in range(times):
        crc = zlib.crc32(unit, crc)
    return head + body * times + tail, zlib.crc32(end, crc), len(start) + len(unit) * times + len(end)


def bomb(start, unit, times, end, part=SHEET, claimed=None):
    """A workbook of which one part unpacks to times × unit; claimed is the length that the zip says it has."""
    stream, crc, length = deflated(start, unit, times, end)
    length = claimed or length
    sheet = sheet_xml([HEADER, order(1)], after='<row r="3"><c r="A3" t="s"><v>0</v></c></row>')
    strings = '<Relationship Id="r2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings" Target="sharedStrings.xml"/>'
    rels = PARTS["xl/_rels/workbook.xml.rels"].replace("</Relationships>", strings + "</Relationships>")
    parts = {**PARTS, SHEET: sheet, "xl/_rels/workbook.xml.rels": rels if "sharedStrings" in part else PARTS["xl/_rels/workbook.xml.rels"], part: None}
    out, directory, entries = io.BytesIO(), b"", 0
    for name, text in parts.items():
        packed = stream if text is None else zlib.compress(text.encode(), 9, -15)
        check, size = (crc, length) if text is None else (zlib.crc32(text.encode()), len(text.encode()))
        common = struct.pack("<HHHHHIIIHH", 20, 0x800, 8, 0, 0x5A21, check, len(packed), size, len(name.encode()), 0)
        directory += struct.pack("<IH", 0x02014B50, 20) + common + struct.pack("<HHHII", 0, 0, 0, 0, out.tell()) + name.encode()
        out.write(struct.pack("<I", 0x04034B50) + common + name.encode() + packed)
        entries += 1
    at = out.tell()
    out.write(directory + struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, entries, entries, len(directory), at, 0))
    return out.getvalue()


def gzip_bomb(start, unit, times):
    stream, crc, length = deflated(start, unit, times, b"")
    return b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03" + stream + struct.pack("<II", crc, length & 0xFFFFFFFF)


def png():
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    pixels = zlib.compress(b"\0" + b"\x7f" * 300)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 100, 1, 8, 2, 0, 0, 0)) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


# --- the cases --------------------------------------------------------------------------------------------------------

def sound_cases():
    """The same hand-made containers with nothing wrong: what follows is refused for what is wrong with it."""
    rows = [order(1), order(2), order(3)]
    yield Case("sound.csv", "rejected", to_csv(rows), good=3)
    yield Case("sound.csv.gz", "rejected", gzip.compress(to_csv(rows), mtime=0), good=3)
    yield Case("sound.xlsx", "rejected", to_xlsx(sheet_xml([HEADER, *rows])), good=3)
    small = f'<?xml version="1.0"?><worksheet {NAMESPACE}><sheetData>{sheet_rows([HEADER, *rows])}'.encode()
    yield Case("sound_streamed.xlsx", "rejected", bomb(small, b"<row/>" * 10, 10, b"</sheetData></worksheet>"), good=3)


def container_cases():
    book = to_xlsx(sheet_xml([HEADER, *good_orders(2000)]))
    unit = b"<row/>" * 175000   # 1 MB
    opening = f'<?xml version="1.0"?><worksheet {NAMESPACE}><sheetData>{sheet_rows([HEADER, order(1)])}'.encode()
    strings = f'<?xml version="1.0"?><sst {NAMESPACE}><si><t>'.encode()
    packed = gzip.compress(to_csv(good_orders(2000)), mtime=0)
    crc_at = book.rfind(SHEET.encode()) - 46 + 16   # in the entry of the zip's directory, the last to name the sheet
    crc_wrong = book[:crc_at] + bytes(4) + book[crc_at + 4:]
    middle = len(book) // 2
    yield Case("truncated_half.xlsx", "refused", book[:middle])
    yield Case("truncated_tail.xlsx", "refused", book[:-30])
    yield Case("scrambled.xlsx", "refused", book[:middle] + bytes(64) + book[middle + 64:])
    yield Case("wrong_checksum.xlsx", "refused", crc_wrong)
    yield Case("truncated.csv.gz", "refused", packed[:len(packed) * 2 // 3])
    yield Case("wrong_checksum.csv.gz", "refused", packed[:-8] + bytes(4) + packed[-4:])
    # What is unpacked: 1 GB of empty rows, said and unsaid; one string of 1 GB; one line of 4 GB.
    yield Case("bomb_rows.xlsx", "refused", bomb(opening, unit, 1000, b"</sheetData></worksheet>"))
    yield Case("bomb_rows_denied.xlsx", "refused", bomb(opening, unit, 1000, b"</sheetData></worksheet>", claimed=5000))
    yield Case("bomb_string.xlsx", "refused", bomb(strings, b"A" * 2 ** 20, 1000, b"</t></si></sst>", part="xl/sharedStrings.xml"))
    yield Case("bomb_line.csv.gz", "refused", gzip_bomb(to_csv([order(1)]), b"A" * 2 ** 20, 4000))
    yield Case("picture.csv", "refused", png())
    yield Case("picture.xlsx", "refused", png())
    yield Case("picture.csv.gz", "refused", png())
    yield Case("archive.xlsx", "refused", to_xlsx(None, {name: None for name in PARTS} | {"readme.txt": "hello"}))
    yield Case("no_sheet.xlsx", "refused", to_xlsx(None))
    yield Case("old_excel.xls", "refused", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(4000), says=("xlsx", "csv"))
    yield Case("with_password.xlsx", "refused", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(4000), says=("xlsx", "csv", "password"))
    yield Case("cut_xml.xlsx", "refused", to_xlsx(sheet_xml([HEADER, *good_orders(500)])[:-200]))
    laughs = '<!DOCTYPE lolz [<!ENTITY a "ha">' + "".join(
        f'<!ENTITY {chr(98 + i)} "{("&" + chr(97 + i) + ";") * 10}">' for i in range(9)) + "]>"
    yield Case("laughs.xlsx", "refused", to_xlsx(sheet_xml([HEADER], laughs, '<row r="2"><c r="A2" t="inlineStr"><is><t>&j;</t></is></c></row>')))
    yield Case("no_such_string.xlsx", "either", to_xlsx(sheet_xml([HEADER, order(1)], after='<row r="3"><c r="A3" t="s"><v>7</v></c></row>')), good=1, bad=1)
    yield Case("column_beyond.xlsx", "either", to_xlsx(sheet_xml([HEADER, order(1)], after='<row r="3"><c r="ZZZZZ3"><v>7</v></c></row>')), good=1, bad=1)


def shape_cases():
    wide = HEADER + [f"列{i}" for i in range(2000 - len(HEADER))]
    big = "长" * (10 * 2 ** 20 // 3)
    yield Case("empty.csv", "refused", b"")
    yield Case("empty.xlsx", "refused", b"")
    yield Case("empty.csv.gz", "refused", gzip.compress(b"", mtime=0))
    yield Case("only_a_mark.csv", "refused", b"\xef\xbb\xbf")
    yield Case("header_only.csv", "either", to_csv([]))
    yield Case("header_only.xlsx", "either", to_xlsx(sheet_xml([HEADER])))
    yield Case("columns_2000.csv", "refused", to_csv([row + ["1"] * (len(wide) - len(row)) for row in good_orders(3)], wide), says=("2000", "column"))
    yield Case("columns_2000.xlsx", "refused", to_xlsx(sheet_xml([wide, order(1)])), says=("2000", "column"))
    yield Case("cells_2000.csv", "either", to_csv([order(1), order(2) + ["1"] * 1988, order(3)]), good=2, bad=1)
    yield Case("cell_10mb.csv", "either", to_csv([order(1), order(2, 收货地址=big), order(3)]), good=2, bad=1)
    yield Case("cell_10mb.xlsx", "either", to_xlsx(sheet_xml([HEADER, order(1), order(2, 收货地址=big), order(3)])), good=2, bad=1)
    yield Case("cell_10mb_quoted.csv", "either", to_csv([order(1), order(2, 收货地址=big + '"\n,' + big), order(3)]), good=2, bad=1)
    yield Case("too_few_cells.csv", "rejected", to_csv([order(1), order(2)[:4], order(3)]), good=2, bad=1, line=3)
    yield Case("foreign_header.csv", "refused", to_csv([["1", "2", "3"]], ["name", "colour", "size"]), says=("column", "map"))


def encoding_cases():
    rows = good_orders(2000)
    noise = random.Random("huitou noise").randbytes(5000)
    utf8 = to_csv(rows, encoding="utf-8")
    late = utf8[:-4000] + b"\xff\xfe\xfa" + utf8[-4000:]
    yield Case("noise.csv", "refused", noise)
    yield Case("noise.xlsx", "refused", noise)
    yield Case("noise_no_zero.csv", "refused", noise.replace(b"\0", b"\x81"))
    yield Case("noise_after_header.csv", "either", to_csv([]) + noise.replace(b"\0", b"\x81"), bad=-1)
    yield Case("utf16_unmarked.csv", "refused", to_csv(rows, encoding="utf-16-le"))
    yield Case("big5.csv", "refused", to_csv([["1", "2"]], ["訂單編號", "下單時間"], "big5"))
    yield Case("shift_jis.csv", "refused", to_csv([["1", "2"]], ["注文番号", "注文日時"], "shift_jis"))
    # Neither strict UTF-8 nor GB18030: a few impossible bytes near the end, after 1,900 good rows.
    yield Case("bad_bytes_late.csv", "either", late, good=1999, bad=1)


def value_cases():
    for what, value in (("february_30", "2025-02-30 10:00:00"), ("month_13", "2025-13-01 10:00:00"), ("hour_25", "2025-03-01 25:00:00"), ("zeros", "0000-00-00 00:00:00"),
                        ("words", "昨天下午"), ("future", "2093-01-01 00:00:00"), ("two_digits", "25-3-1 9:05"), ("serial_2105", "75000.5"), ("half_twice", "2025-03-01 上午 9:05 AM")):
        yield bad_row(f"date_{what}.csv", "下单时间", value)
    for what, value in (("beyond_yuan", "99999999999999999999.00"), ("beyond_fen", "92233720368547758.08"), ("below", "-92233720368547758.09"), ("power", "1e30"),
                        ("words", "面议"), ("two_points", "1.2.3"), ("digits", "9" * 400)):
        yield bad_row(f"amount_{what}.csv", "实付款", value)
    yield bad_row("number_scientific.csv", "订单号", "2.00000E+18")
    yield Case("amounts_sum_beyond.csv", "either", to_csv([order(i, 实付款="92233720368547758.07") for i in range(3)]), good=0, bad=3)
    # Day or month first? Nothing in the file says: no value of it may be read.
    yield Case("date_ambiguous.csv", "either", to_csv([order(i, 下单时间=f"0{i % 9 + 1}/0{i % 7 + 2}/2025 10:00:00") for i in range(60)]), good=0, bad=60,
               column="下单时间")


def cases():
    for group in (sound_cases, container_cases, shape_cases, encoding_cases, value_cases):
        yield from group()


# --- running one --------------------------------------------------------------------------------------------------------

def dump(brand):
    """Every row of every table that an import writes, but the list of runs; a digest of each."""
    if brand.kind == "postgres":
        return brand.sql(" UNION ALL ".join(f"SELECT '{table}', md5(COALESCE(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {table} t"
                                            for table in TABLES))
    with contextlib.closing(sqlite3.connect(f"file:{brand.dir / 'huitou.db'}?mode=ro", uri=True)) as database:
        return [hashlib.sha256(repr(sorted(map(repr, database.execute(f"SELECT * FROM {table}")))).encode()).hexdigest() for table in TABLES]


def check_told(title, case, run, answer):
    """An error that names the file, in the JSON and for people."""
    messages = [error["message"] for error in answer.get("errors", [])]
    tally.check(messages and all(case.name in message for message in messages), f"{title}: not every error names the file: {messages or run.stdout[:300]}")
    tally.check(all(len(message) < 2000 for message in messages), f"{title}: a message of {max(map(len, messages), default=0)} characters")
    tally.check(len(messages) <= 3, f"{title}: {len(messages)} errors for one thing: {messages[:4]}")
    text = " ".join(messages).lower()
    tally.check(not case.says or any(word in text for word in case.says), f"{title}: none of {case.says} is in: {messages}")


def check_rejected(title, case, answer, brand, before):
    file = answer["files"][0]
    tally.check(file["rows_rejected"] == case.bad or (case.bad < 0 < file["rows_rejected"]), f"{title}: {case.bad} rows to be rejected, got {file['rows_rejected']}")
    tally.check(file["orders"] == case.good, f"{title}: {case.good} good orders, got {file['orders']}")
    if case.bad:
        first = file["problems"][0] if file["problems"] else {"message_en": "", "first_line": 0, "column": None}
        said = first["message_en"]
        named = case.name in said and (not case.line or (first["first_line"] == case.line and f"{case.name}:{case.line}" in said))
        tally.check(named and case.column in said and (not case.column or first["column"] == case.column),
                    f"{title}: the problem is to name {case.name}, line {case.line or '?'}, column {case.column or '?'}: {said[:300]}")
        tally.check(len(said) < 2000, f"{title}: a message of {len(said)} characters")
    count = brand.sql("SELECT COUNT(*), COALESCE(MIN(amount_minor), 0), COALESCE(MAX(amount_minor), 0) FROM orders")[0]
    tally.check(int(count[0]) == case.good and int(count[1]) >= 0 and int(count[2]) <= INT64_MAX // 100,
                f"{title}: {case.good} orders to be stored, with sane amounts: {count}")
    if not case.good:
        tally.check(dump(brand) == before, f"{title}: nothing was good, and yet the database changed")


def run_bounded(brand, path):
    command = brand.command("import", "orders", path, "--batch-orders", 50, "--json")
    if "san" not in brand.binary:   # a sanitizer reserves terabytes
        command = ["prlimit", f"--as={4 * 2 ** 30}", *command]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=brand.base, timeout=120)


def check_case(brand, case, path, before):
    """Returns whether the database is as it was before."""
    title = f"[{brand.kind}] {case.name}"
    try:
        run = run_bounded(brand, path)
    except subprocess.TimeoutExpired:
        tally.check(False, f"{title}: not done within two minutes")
        return False
    if not tally.check(run.returncode in (0, 1), f"{title}: ended with {run.returncode}: {run.stderr[:300]}"):
        return False
    tally.check("Sanitizer" not in run.stderr, f"{title}: {run.stderr[:2000]}")
    answer = json.loads(run.stdout)
    if run.returncode or case.expect == "refused":
        tally.check(run.returncode == 1, f"{title}: to be refused, and was imported: {json.dumps(answer, ensure_ascii=False)[:400]}")
        check_told(title, case, run, answer)
        same = dump(brand) == before
        tally.check(case.expect != "rejected", f"{title}: its good rows are to be imported, and it was refused: {answer.get('errors')}")
        return tally.check(same, f"{title}: refused, and yet the database changed")
    check_rejected(title, case, answer, brand, before)
    return dump(brand) == before


def check_all(binary, kind, chosen, directory):
    """One brand as long as it stays empty; a new one after a case that left something in it."""
    brand = None
    try:
        for case in chosen:
            if brand is None:
                brand = Brand(binary, kind, currency="CNY", timezone="Asia/Shanghai")
                before = dump(brand)
            if not check_case(brand, case, directory / case.name, before):
                brand.close()
                brand = None
    finally:
        if brand:
            brand.close()


def main():
    options = arguments(__doc__, only={}, database={})
    with tempfile.TemporaryDirectory(prefix="huitou-bad-") as directory:
        chosen = [case for case in cases() if options.only in (None, case.name)]
        for case in chosen:
            (pathlib.Path(directory) / case.name).write_bytes(case.data)
        for kind in [options.database] if options.database else KINDS:
            check_all(options.binary, kind, chosen, pathlib.Path(directory))
    # The largest of all that ran: the program, sqlite3, psql. (Under a sanitizer this says nothing.)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    tally.check(peak < MEMORY_KIB or "san" in options.binary, f"an import took {peak // 1024} MiB of memory")
    tally.finish()


if __name__ == "__main__":
    main()
