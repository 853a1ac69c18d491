#!/usr/bin/env python3
"""Export files as merchants have them from seven platforms, and what an importer must find in each.

    python3 test/reference/merchant_files.py DIRECTORY     writes every file, prints what it holds
    python3 test/reference/merchant_files.py --fixtures    writes those that LibreOffice makes to test/data/merchant

Written from ../shared/facts/merchant-files.md and the rules of the issue alone, without a look at the program's import
maps: the two readings are held against each other by merchant_files_test.py. What is expected is noted while an order is
invented, never by reading a file back. READINGS says per platform which column is taken for what, and where the facts
are silent; a difference with the program is settled by argument, not by bending either side.

Everything is seeded: the same files each time. All times are of Asia/Shanghai, all amounts in fen.
"""
import base64
import datetime
import gzip
import hashlib
import io
import json
import pathlib
import random
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field

try:
    import openpyxl
except ImportError:  # a Python that is not Debian's; the package is pure Python
    sys.path.append("/usr/lib/python3/dist-packages")
    import openpyxl

FIXTURES = pathlib.Path(__file__).resolve().parents[1] / "data/merchant"
ORDERS_PER_FILE = 2050
FIRST, LAST = datetime.datetime(2024, 3, 1, 8, 0, 0), datetime.datetime(2026, 2, 27, 21, 30, 0)

# Which column says what, by the facts file; "silent" marks what it leaves open and what public importers or the
# platform's own documents suggest instead.
READINGS = {
    "taobao": {
        "paid": "买家实际支付金额 (newer 买家实付金额): what the buyer paid, postage included; not 总金额 (before discounts), not "
                "打款商家金额 (what the merchant got). Paid = there is a time of payment.",
        "refund": "2016 layout has no refund column: 交易关闭 with a time of payment is paid and wholly refunded, partial "
                  "refunds cannot be known. Newer files: 退款金额.",
        "buyer": "买家会员名 is the member's unique login name, a marketplace buyer id (silent: the facts call only nicknames no "
                 "identity). Masked (t**3): it names nobody; then an unmasked 联系手机 (the receiver's) stands in, weak; "
                 "then a placeholder. A receiver's phone shared by two members leaves two customers.",
        "time": "订单付款时间 (买家付款时间) gives the day of purchase, 订单创建时间 (买家下单时间) the day of an unpaid order.",
    },
    "taobao_items": {
        "paid": "买家实际支付金额 of each sub-order, summed over the 主订单编号; a sub-order twice in the file counts once. (silent on "
                "whether the column is the sub-order's: every row has a 子订单编号 of its own, so it is taken to be.)",
        "refund": "退款金额 where 退款状态 is 退款成功, per sub-order; an application that was closed (退款关闭) gives nothing back "
                  "(silent on the words). One sub-order refunded and closed beside one that succeeded: the order is paid.",
        "buyer": "The file names no buyer: placeholders, unless the order list has named them.",
        "time": "订单付款时间, else 订单创建时间.",
    },
    "jd": {
        "paid": "应付金额 + 余额支付: JD's order API defines the amount payable as goods - discounts - balance + freight, so the "
                "balance is money the buyer paid, too (silent in the facts). Amounts are the order's, repeated on each row "
                "of its goods: they count once. Not 订单金额 or 结算金额.",
        "refund": "No refund column: (删除)… with 付款确认时间 is paid and wholly refunded; without it, closed unpaid (the words are "
                  "those of public importers; the facts are silent).",
        "buyer": "下单帐号; masked: an unmasked 联系电话 (the receiver's) stands in, weak; else a placeholder.",
        "time": "付款确认时间, else 下单时间. 货到付款 that is 完成 is paid though no time of payment is given (silent).",
    },
    "pdd": {
        "paid": "用户实付金额(元): what the buyer paid; not 商家实收金额(元), which contains the platform's discount.",
        "refund": "No refund column: 售后状态 退款成功 is a whole refund of what was paid; 售后处理中 is none (yet).",
        "buyer": "None: every order hangs on a placeholder.",
        "time": "订单成交时间; where it is empty, the day in the order number, YYMMDD-.",
    },
    "douyin": {
        "paid": "订单应付金额 (after all discounts) of each sub-order row, summed over 主订单编号; a sub-order twice counts once. A row "
                "whose 子订单编号 is a;b;c has the sum of them. 运费 is in it (silent).",
        "refund": "No refund column: 售后状态 退款成功 is a whole refund of that sub-order; the order stays paid. 已关闭 without it was "
                  "never paid.",
        "buyer": "Nothing but the receiver: an unmasked 收件人手机号 stands in, weak; masked or ciphertext: a placeholder.",
        "time": "订单提交时间.",
    },
    "wechat": {
        "paid": "订单实际支付金额, the order's, repeated on each of its goods' rows: counts once. Not 订单实际收款金额 (the merchant's). "
                "Paid = there is 支付时间.",
        "refund": "商品已退款金额 of each row, summed over the order. 已取消 with 支付时间 is paid and refunded as that column says.",
        "buyer": "Nothing but the receiver: an unmasked 收件人手机 stands in, weak; else a placeholder. 带货账号昵称 is not the buyer.",
        "time": "支付时间, else 订单下单时间. An unpaid order may have - for the amount (silent): it is unpaid, not wrong.",
    },
    "youzan": {
        "paid": "订单实付金额. Paid = there is 买家付款时间.",
        "refund": "No refund column: 交易关闭 with 买家付款时间 is paid and wholly refunded; without it, never paid.",
        "buyer": "买家手机号, not the receiver's; 买家昵称 never. Without a readable one an unmasked 收货人手机号/提货人手机号 stands "
                 "in, weak; else a placeholder.",
        "time": "买家付款时间; empty (never paid): the moment in the order number, EYYYYMMDDHHMMSS… (silent: the facts show the form "
                "only). An unpaid order is not an error.",
    },
    "1688": {
        "paid": "实付款, the order's, repeated on each of its goods' rows (silent; there is no sub-order): counts once.",
        "refund": "退款状态 退款成功: whole refund of 实付款 (there is no amount). 交易关闭 without it was never paid (silent).",
        "buyer": "买家, the member's login name; masked: a placeholder, the file has no phone.",
        "time": "下单时间.",
    },
}
ROWS_READING = ("Rejected: impossible date, amount that is no number or beyond int64, too few cells, order number destroyed into "
                "scientific notation, a quote that is never closed (its line only). Skipped: 总计 rows. An identical row twice "
                "counts once. One bad row rejects its whole order (docs/import-maps.md).")


# --- cells ---------------------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Id:
    """A number that is a name: order, tracking or goods number."""
    text: str


@dataclass(frozen=True)
class Phone:
    text: str


@dataclass(frozen=True)
class Money:
    fen: int


@dataclass(frozen=True)
class Raw:
    """Written as it stands, whatever the style of the file."""
    text: str


@dataclass
class Style:
    """How a file writes its cells."""
    id: str = "plain"       # plain, eq (="1"), eq_quoted ("=""1"""), tab (a tab before it), tab_after, number (xlsx)
    phone: str = "plain"    # plain, apostrophe ('138…), tab, number (xlsx)
    money: str = "plain"    # plain, yuan (…元), thousands, mixed, number (xlsx)
    time: str = "%Y-%m-%d %H:%M:%S"  # or excel (2025/3/1 9:05:07), excel_minutes, date (xlsx: a real date)
    empty: str = ""
    quote_all: bool = False
    newline: str = "\r\n"


def yuan(fen):
    return f"{fen // 100}.{fen % 100:02d}"


def money_text(fen, how, rng):
    if how == "mixed":
        how = rng.choice(("plain", "plain", "yuan", "thousands"))
    text = f"{fen // 100:,}.{fen % 100:02d}" if how == "thousands" else yuan(fen)
    return text + "元" if how == "yuan" else text


def time_text(when, how):
    if how == "excel":
        return f"{when.year}/{when.month}/{when.day} {when.hour}:{when.minute:02d}:{when.second:02d}"
    if how == "excel_minutes":
        return f"{when.year}/{when.month}/{when.day} {when.hour}:{when.minute:02d}"
    return when.strftime("%Y-%m-%d %H:%M:%S" if how == "date" else how)


def cell_text(cell, style, rng):
    """The text of a cell, and whether it is already quoted for CSV."""
    if cell is None:
        return style.empty, False
    if isinstance(cell, Raw):
        return cell.text, False
    if isinstance(cell, Id):
        if style.id == "eq":
            return f'="{cell.text}"', True
        if style.id == "eq_quoted":
            return f'="{cell.text}"', False
        return {"tab": "\t" + cell.text, "tab_after": cell.text + "\t"}.get(style.id, cell.text), False
    if isinstance(cell, Phone):
        return {"apostrophe": "'", "tab": "\t"}.get(style.phone, "") + cell.text, False
    if isinstance(cell, Money):
        return money_text(cell.fen, style.money, rng), False
    if isinstance(cell, datetime.datetime):
        return time_text(cell, style.time), False
    return str(cell), False


def csv_line(cells, style, rng):
    parts = []
    for cell in cells:
        text, quoted = cell_text(cell, style, rng)
        if not quoted and (style.quote_all or any(c in text for c in ',"\r\n\t')):
            text = '"' + text.replace('"', '""') + '"'
        parts.append(text)
    return ",".join(parts) + style.newline


def xlsx_value(cell, style, rng):
    if isinstance(cell, Id) and style.id == "number" and cell.text.isdigit() and len(cell.text) <= 15:
        return int(cell.text)
    if isinstance(cell, Phone) and style.phone == "number" and cell.text.isdigit():
        return int(cell.text)
    if isinstance(cell, Money) and style.money == "number":
        return cell.fen / 100
    if isinstance(cell, datetime.datetime) and style.time == "date":
        return cell
    if isinstance(cell, int):
        return cell
    text = cell_text(cell, style, rng)[0]
    return text if text != "" else None


# --- what is expected ----------------------------------------------------------------------------------------------

@dataclass
class Order:
    number: str
    paid: bool
    amount: int             # what the buyer paid; 0 where unpaid
    refund: int
    buyer: str | None       # who; None: a placeholder
    weak: bool              # known by a stand-in only
    day: datetime.date      # of payment, or of the order where unpaid
    rows: list
    tags: set


@dataclass
class File:
    platform: str
    name: str
    columns: list
    style: Style
    orders: list            # what must be accepted
    lines: list             # ("row" | "cut" | "unclosed", cells by column)
    rejected: int = 0
    skipped: int = 0
    encoding: str = "utf-8-sig"
    writer: str = "csv"     # csv, csv.gz, xlsx, libreoffice
    twin: Style | None = None   # also written as xlsx in this style
    identities: set = field(default_factory=set)

    def figures(self):
        paid = [o for o in self.orders if o.paid]
        return {
            "rows": len(self.lines),
            "rows_rejected": self.rejected,
            "rows_skipped": self.skipped,
            "orders": len(self.orders),
            "orders_paid": len(paid),
            "orders_without_buyer": sum(o.buyer is None for o in self.orders),
            "customers_seen": len({o.buyer for o in self.orders} - {None}),
            "amount": sum(o.amount for o in paid),
            "refunds": sum(o.refund > 0 for o in self.orders),
            "refund_amount": sum(o.refund for o in self.orders),
            "first_day": str(min(o.day for o in self.orders)),
            "last_day": str(max(o.day for o in self.orders)),
        }


# --- people, goods, sales ------------------------------------------------------------------------------------------

SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢傅钟姜崔谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤镕"
GIVEN = ("伟 芳 娜 敏 静 丽 强 磊 军 洋 勇 艳 杰 娟 涛 明 超 秀兰 霞 平 刚 桂英 建华 玉兰 梓涵 子轩 欣怡 浩然 诗涵 宇航 雨桐 一诺 沐宸 朵朵 "
         "志强 海燕 晓东 春梅 佳琪 思远 若曦 嘉懿 俊熙 𠮷祥").split()
CITIES = (("浙江省", "杭州市", "西湖区"), ("广东省", "深圳市", "南山区"), ("上海市", "上海市", "浦东新区"), ("四川省", "成都市", "武侯区"),
          ("北京市", "北京市", "海淀区"), ("山东省", "济南市", "历城区"), ("江苏省", "苏州市", "工业园区"), ("陕西省", "西安市", "雁塔区"))
GOODS = (("保湿霜 50ml", "HF-001", 5990), ("面膜,补水 10片", "HF-002", 3990), ("儿童益生菌(30袋)", "YY-103", 12800), ("滤芯 RO-400G", "LX-400", 21900),
         ("羊毛衫/女款", "FZ-22", 26900), ("猫粮 2kg", "CW-02", 8800), ("洗发水“去屑”500ml", "XH-5", 4550), ("坚果礼盒", "SP-88", 13900),
         ("手机壳", "SJ-1", 1990), ("蓝牙耳机 Pro", "SJ-9", 19900), ("婴儿湿巾80抽*6", "MY-6", 2970), ("净水器 𠮷品", "LX-1", 129900))
REMARKS = (None, None, None, "尽快发货", "放门卫,谢谢", "送货前请打电话", '他说"要红色"', "生日礼物😊", "不要发xx快递\n谢谢")
COURIERS = ("顺丰速运", "中通快递", "圆通速递", "韵达快递", "EMS")


@dataclass(frozen=True)
class Person:
    account: str
    name: str
    phone: str
    address: tuple


def people(platform, what, count, prefix):
    """The same people in all files of a platform. Phones of different pools never meet."""
    rng = random.Random(f"huitou people {platform} {what}")
    found = []
    for i in range(count):
        account = rng.choice((f"tb{rng.randrange(10**7, 10**8)}_{i}", f"小鱼儿{i}", f"jd_{rng.randrange(16**8):08x}{i}",
                              f"爱吃辣的{rng.choice(SURNAMES)}{i}", f"happy{i}day"))
        phone = f"{prefix}{rng.randrange(1000):03d}{i:05d}"
        found.append(Person(account, rng.choice(SURNAMES) + rng.choice(GIVEN), phone,
                            rng.choice(CITIES) + (f"文三路{rng.randrange(1, 999)}号{rng.randrange(1, 30)}幢{rng.randrange(101, 2400)}室",)))
    return found


@dataclass
class Line:
    goods: tuple
    quantity: int
    paid: int
    refund: int = 0


@dataclass
class Sale:
    kind: str
    placed: datetime.datetime
    paid_at: datetime.datetime | None
    sent_at: datetime.datetime | None
    done_at: datetime.datetime | None
    lines: list
    goods: int
    shipping: int
    shop_off: int
    platform_off: int
    paid: int       # what the buyer paid, or would have to pay where unpaid
    person: Person | None
    account: str | None     # as the file shows it
    phone: str | None       # the receiver's, as the file shows it
    buyer: str | None
    weak: bool
    tags: set

    @property
    def is_paid(self):
        return self.kind not in ("unpaid", "closed")

    @property
    def refund(self):
        return sum(line.refund for line in self.lines)


KINDS = {"unpaid": 2, "closed": 5, "paid": 7, "shipped": 12, "done": 60, "refunded": 5, "returned": 2, "partial": 4, "zero": 2, "mixed": 1}


def masked_account(account, rng):
    return rng.choice((f"{account[0]}**{account[-1]}", f"{account[0]}***", "****"))


def masked_phone(phone, rng):
    cipher = base64.b64encode(hashlib.sha256(phone.encode()).digest()[:12]).decode()
    return rng.choice((f"{phone[:3]}****{phone[7:]}", f"1******{phone[7:]}", f"*******{phone[7:]}", "****", "##" + cipher))


class Market:
    """Invents the sales of one file."""

    def __init__(self, platform, name, has_account, count):
        self.platform = platform
        self.rng = random.Random(f"huitou file {platform} {name}")
        self.has_account = has_account
        number = sorted(READINGS).index(platform.split("_")[0])
        # Members; every tenth shares the phone of the one before (a household). Strangers are met by their phone alone.
        self.members = people(platform, "members", 700, f"13{number}")
        self.strangers = people(platform, "strangers", 250 if has_account else 900, f"15{number}")
        self.count = count

    def receiver(self, member):
        """The phone on the parcel of a member whose account is known: own, shared, another's, masked, or none."""
        rng, roll = self.rng, self.rng.random()
        index = self.members.index(member) if roll < 0.2 else 0
        if roll < 0.2 and index % 10 == 1:
            return self.members[index - 1].phone, "shared-phone"
        if roll < 0.7:
            return member.phone, None
        if roll < 0.78:
            return rng.choice(self.members).phone, "gift"
        if roll < 0.97:
            return masked_phone(member.phone, rng), "masked-phone"
        return None, None

    def party(self):
        """(person, account shown, phone shown, buyer, weak, tags) of one order."""
        rng = self.rng
        roll = rng.random()
        if self.has_account and roll < 0.8:
            person = self.members[int(len(self.members) * rng.random() ** 2)]
            phone, tag = self.receiver(person)
            return person, person.account, phone, "account " + person.account, False, {tag} - {None}
        person = self.strangers[int(len(self.strangers) * rng.random() ** 1.5)]
        account = masked_account(person.account, rng) if self.has_account and rng.random() < 0.8 else None
        if roll < (0.9 if self.has_account else 0.55):
            return person, account, person.phone, "phone " + person.phone, True, {"stand-in-phone"}
        return person, account, masked_phone(person.phone, rng), None, False, {"placeholder"}

    def lines(self, most):
        rng = self.rng
        count = rng.choices((1, 2, 3, 4), (70, 18, 8, 4))[0]
        return [Line(goods, rng.choice((1, 1, 1, 2, 3)), 0) for goods in rng.sample(GOODS, min(count, most))]

    def sale(self, kind, placed, most_lines=4):
        rng = self.rng
        lines = self.lines(most_lines)
        if kind == "mixed" and len(lines) < 2:
            lines = [Line(goods, 1, 0) for goods in rng.sample(GOODS, 2)]
        goods = sum(line.goods[2] * line.quantity for line in lines)
        shipping = rng.choice((0, 0, 0, 600, 1000, 1250))
        shop_off = rng.choice((0, 0, 100, 500, 1099))
        platform_off = rng.choice((0, 0, 0, 300, 777))
        paid = goods + shipping - shop_off - platform_off
        if kind == "zero":
            shop_off, platform_off, shipping, paid = goods, 0, 0, 0
        left = paid
        for line in lines[:0:-1]:
            line.paid = paid * line.goods[2] * line.quantity // goods
            left -= line.paid
        lines[0].paid = left
        if kind in ("refunded", "returned"):
            for line in lines:
                line.refund = line.paid
        if kind == "mixed":
            lines[-1].refund = lines[-1].paid
        if kind == "partial":
            lines[0].refund = rng.randrange(1, lines[0].paid)
        paid_at = placed + datetime.timedelta(seconds=rng.randrange(5, 900)) if kind not in ("unpaid", "closed") else None
        sent_at = paid_at + datetime.timedelta(hours=rng.randrange(2, 60)) if kind not in ("unpaid", "closed", "paid", "refunded") else None
        done_at = sent_at + datetime.timedelta(hours=rng.randrange(40, 240)) if kind in ("done", "returned", "partial", "zero", "mixed") else None
        person, account, phone, buyer, weak, tags = self.party()
        if paid_at and paid_at.date() != placed.date():
            tags = tags | {"paid-after-midnight"}
        return Sale(kind, placed, paid_at, sent_at, done_at, lines, goods, shipping, shop_off, platform_off, paid,
                    person, account, phone, buyer, weak, tags | {kind})

    def sales(self, kinds, most_lines=4):
        """Sales in order of time; the first and the last are paid, so that days read alike from any column."""
        weights = [KINDS[kind] for kind in kinds]
        seconds = int((LAST - FIRST).total_seconds())
        moments = sorted(self.rng.randrange(86400, seconds - 86400) for _ in range(self.count - 2))
        yield self.sale("done", FIRST, most_lines)
        for moment in moments:
            kind = self.rng.choices(kinds, weights)[0]
            yield self.sale(kind, FIRST + datetime.timedelta(seconds=moment), most_lines)
        yield self.sale("done", LAST, most_lines)

    def digits(self, count):
        return str(self.rng.randrange(10 ** (count - 1), 10 ** count))


# --- assembling a file: order of rows, repeated rows, total row, bad rows ----------------------------------------------

def assemble(market, file, number_column, time_column, amount_column, totals, bad=("date", "huge", "text", "short", "science"),
             repeats=12, unclosed=None):
    """Lays the rows of file.orders out, and adds what a real file has beside them."""
    rng = market.rng
    lines = []
    for order in file.orders:
        lines.append([("row", row) for row in order.rows])
    # Rows of one order stand together or, for a third of the orders of several rows, apart.
    placed = []
    for i, rows in enumerate(lines):
        apart = len(rows) > 1 and rng.random() < 0.33
        for k, row in enumerate(rows):
            placed.append((i + (rng.randrange(1, 400) if apart and k else 0), i, k, row))
    flat = [row for *_, row in sorted(placed, key=lambda p: p[:3])]
    for order in rng.sample([o for o in file.orders if o.refund == 0], repeats):
        order.tags.add("repeated-row")
        row = ("row", order.rows[0])
        at = next(k for k, line in enumerate(flat) if line[1] is row[1])
        flat.insert(at + rng.choice((1, 1, rng.randrange(1, 300))), row)
    singles = [o for o in file.orders[50:-50] if len(o.rows) == 1 and o.paid and not o.refund and "repeated-row" not in o.tags]
    victims = rng.sample(singles, len(bad) + (1 if unclosed else 0))
    breaks = {"date": (time_column, Raw("2025-02-30 10:11:12")), "huge": (amount_column, Raw("99999999999999999999.00")),
              "text": (amount_column, Raw("面议")), "science": (number_column, Raw("6.91793E+18"))}
    for victim, what in zip(victims, bad):
        at = next(k for k, line in enumerate(flat) if line[1] is victim.rows[0])
        if what == "short":
            flat[at] = ("cut", victim.rows[0])
        else:
            flat[at] = ("row", {**victim.rows[0], breaks[what][0]: breaks[what][1]})
    if unclosed:
        victim = victims[-1]
        at = next(k for k, line in enumerate(flat) if line[1] is victim.rows[0])
        flat[at] = ("unclosed", {**victim.rows[0], unclosed: Raw('"急用,明天发')})
    for victim in victims:
        file.orders.remove(victim)
    file.rejected = len(victims)
    # One order of several rows of which one is bad: all its rows are rejected.
    several = [o for o in file.orders[50:-50] if len(o.rows) > 1 and o.paid and not o.refund and "repeated-row" not in o.tags]
    if several:
        victim = rng.choice(several)
        at = next(k for k, line in enumerate(flat) if line[1] is victim.rows[1])
        flat[at] = ("row", {**victim.rows[1], time_column: Raw("2025-13-01 10:00:00")})
        file.orders.remove(victim)
        file.rejected += len(victim.rows)
    if totals:
        total = {column: None for column in file.columns}
        total[amount_column] = Money(sum(o.amount for o in file.orders))
        total[file.columns[0]] = Raw("总计")
        flat.append(("row", total))
        file.skipped = 1
    file.lines = flat
    return file


def order_of(sale, number, rows, *, day=None, amount=None, refund=None, tags=()):
    paid = sale.is_paid
    when = sale.paid_at if paid else sale.placed
    return Order(number, paid, (sale.paid if amount is None else amount) if paid else 0,
                 sale.refund if refund is None else refund, sale.buyer, sale.weak, day or when.date(), rows, sale.tags | set(tags))


def choose(columns, market, shuffled=False, without=(), extra=()):
    columns = [c for c in columns if c not in without] + list(extra)
    if shuffled:
        market.rng.shuffle(columns)
    return columns


# --- Taobao / Tmall --------------------------------------------------------------------------------------------------

TAOBAO_2016 = ("订单编号,买家会员名,买家支付宝账号,买家应付货款,买家应付邮费,买家支付积分,总金额,返点积分,买家实际支付金额,买家实际支付积分,订单状态,买家留言,收货人姓名,收货地址,运送方式,联系电话,"
               "联系手机,订单创建时间,订单付款时间,宝贝标题,宝贝种类,物流单号,物流公司,订单备注,宝贝总数量,店铺Id,店铺名称,订单关闭原因,卖家服务费,买家服务费,发票抬头,是否手机订单,分阶段订单信息,特权订金订单id,"
               "定金排名,修改后的sku,修改后的收货地址,异常信息,天猫卡券抵扣,集分宝抵扣,是否是O2O交易").split(",")
TAOBAO_NEW = ("订单编号,买家会员名,买家支付宝账号,买家应付货款,买家应付邮费,总金额,买家实付金额,退款金额,打款商家金额,订单状态,买家留言,收货人姓名,收货地址,联系手机,买家下单时间,买家付款时间,宝贝标题,宝贝规格,"
              "运单号,物流公司,确认收货时间,宝贝总数量,店铺名称,订单关闭原因").split(",")
TAOBAO_ITEMS = "子订单编号,主订单编号,标题,价格,购买数量,外部系统编号,商品属性,套餐信息,备注,订单状态,商家编码,支付单号,买家应付货款,买家实际支付金额,退款状态,退款金额,订单创建时间,订单付款时间".split(",")
TAOBAO_STATES = {"unpaid": "等待买家付款", "closed": "交易关闭", "paid": "买家已付款，等待卖家发货", "shipped": "卖家已发货，等待买家确认", "refunded": "交易关闭"}


def taobao_row(sale, number, market):
    rng = market.rng
    person, paid = sale.person, sale.paid if sale.is_paid else 0
    account = person.phone if rng.random() < 0.5 else f"{person.phone[3:]}@example.com"
    known = sale.account == person.account
    return {
        "订单编号": Id(number), "买家会员名": sale.account, "买家支付宝账号": account if known else "****", "买家应付货款": Money(sale.goods - sale.shop_off),
        "买家应付邮费": Money(sale.shipping), "买家支付积分": 0, "总金额": Money(sale.goods + sale.shipping), "返点积分": 0,
        "买家实际支付金额": Money(paid), "买家实付金额": Money(paid), "买家实际支付积分": 0,
        "退款金额": Money(sale.refund) if sale.refund else rng.choice((None, Money(0))),
        "打款商家金额": Money(paid - sale.refund + sale.platform_off) if sale.done_at else None,
        "订单状态": TAOBAO_STATES.get(sale.kind, "交易成功"), "买家留言": rng.choice(REMARKS),
        "收货人姓名": person.name if known else person.name[0] + "**", "收货地址": " ".join(person.address), "运送方式": "快递", "联系电话": None,
        "联系手机": Phone(sale.phone) if sale.phone else None, "订单创建时间": sale.placed, "买家下单时间": sale.placed, "订单付款时间": sale.paid_at,
        "买家付款时间": sale.paid_at, "宝贝标题": "，".join(line.goods[0] for line in sale.lines), "宝贝种类": len(sale.lines), "宝贝规格": "颜色:红色;尺码:L",
        "物流单号": f"No:{market.digits(12)}" if sale.sent_at else None, "运单号": Id(market.digits(13)) if sale.sent_at else None,
        "物流公司": rng.choice(COURIERS) if sale.sent_at else None, "订单备注": rng.choice(REMARKS), "确认收货时间": sale.done_at,
        "宝贝总数量": sum(line.quantity for line in sale.lines), "店铺Id": 0, "店铺名称": "回头旗舰店",
        "订单关闭原因": {"closed": "买家未付款", "refunded": "退款"}.get(sale.kind, "订单未关闭"), "卖家服务费": Money(0), "买家服务费": Money(0),
        "是否手机订单": "手机订单", "是否是O2O交易": "否", "天猫卡券抵扣": Money(sale.platform_off),
    }


def taobao_list(name, layout, with_items=False, **how):
    market = Market("taobao", name, True, ORDERS_PER_FILE)
    newer = "买家实付金额" in layout
    # The 2016 layout cannot say that something was refunded unless the whole order was closed.
    kinds = [k for k in KINDS if k != "mixed"] if newer else [k for k in KINDS if k not in ("mixed", "partial", "returned")]
    sales = [(sale, market.digits(18 if newer else 15 + i % 5)) for i, sale in enumerate(market.sales(kinds))]
    orders = [order_of(sale, number, [taobao_row(sale, number, market)]) for sale, number in sales]
    columns = choose(layout, market, how.pop("shuffled", False), how.pop("without", ()))
    unclosed = how.pop("unclosed", None)
    file = File("taobao", name, columns, how.pop("style"), orders, [], **how)
    names = ("买家下单时间", "买家实付金额") if newer else ("订单创建时间", "买家实际支付金额")
    assemble(market, file, "订单编号", *names, totals=name[0] in "AD", unclosed=unclosed)
    return (file, sales) if with_items else file


def items_orders(sales, market):
    for sale, number in sales:
        rows = []
        for k, line in enumerate(sale.lines):
            refused = not line.refund and sale.done_at and market.rng.random() < 0.02
            closed = sale.kind in ("closed", "refunded") or (sale.kind == "mixed" and line.refund)
            rows.append({
                "子订单编号": Id(number if len(sale.lines) == 1 else market.digits(18)), "主订单编号": Id(number), "标题": line.goods[0],
                "价格": Money(line.goods[2]), "购买数量": line.quantity, "外部系统编号": line.goods[1], "商品属性": "颜色分类:白色;尺寸:M", "套餐信息": None,
                "备注": market.rng.choice(REMARKS), "订单状态": "交易关闭" if closed else TAOBAO_STATES.get(sale.kind, "交易成功"), "商家编码": line.goods[1],
                "支付单号": Id(market.digits(24)) if sale.paid_at else None, "买家应付货款": Money(line.goods[2] * line.quantity),
                "买家实际支付金额": Money(line.paid if sale.is_paid else 0),
                "退款状态": "退款成功" if line.refund else "退款关闭" if refused else "没有申请退款",
                "退款金额": Money(line.refund) if line.refund else Money(line.paid // 2) if refused else None,
                "订单创建时间": sale.placed, "订单付款时间": sale.paid_at,
            })
        order = order_of(sale, number, rows, tags={"items", f"{len(rows)}-rows"})
        if any(row["退款状态"] == "退款关闭" for row in rows):
            order.tags.add("refund-refused")
        order.buyer, order.weak = None, False
        yield order


def taobao_items(name, sales=None, **how):
    market = Market("taobao_items", name, True, 1450)
    if sales is None:
        sales = [(sale, market.digits(19)) for sale in market.sales(list(KINDS))]
    columns = choose(TAOBAO_ITEMS, market, how.pop("shuffled", False), how.pop("without", ()))
    file = File("taobao_items", name, columns, how.pop("style"), list(items_orders(sales, market)), [], **how)
    return assemble(market, file, "主订单编号", "订单创建时间", "买家实际支付金额", totals=False)


# --- JD ----------------------------------------------------------------------------------------------------------------

JD = ("订单号,商品ID,商品名称,订购数量,支付方式,下单时间,京东价,订单金额,结算金额,余额支付,应付金额,订单状态,订单类型,下单帐号,客户姓名,客户地址,联系电话,订单备注,发票类型,发票抬头,发票内容,商家备注,"
      "商家备注等级（等级1-5为由高到低）,运费金额,付款确认时间,增值税发票,货号,订单完成时间,订单来源,订单渠道").split(",")
JD_NEWER = ("送装服务", "服务费", "仓库id", "仓库名称")


def jd_file(name, balance=False, **how):
    market = Market("jd", name, True, 1600)
    rng, orders = market.rng, []
    for i, sale in enumerate(market.sales([k for k in KINDS if k not in ("partial", "returned", "mixed")])):
        number = market.digits(12)
        sent = rng.random() < 0.4
        state = {"unpaid": "等待付款", "closed": "(删除)等待付款", "paid": "等待出库", "shipped": "等待确认收货",
                 "refunded": "(删除)等待确认收货" if sent else "(删除)等待出库"}.get(sale.kind, "完成")
        if sale.kind == "paid" and i % 9 == 0:
            state = "(锁定)等待出库"
            sale.tags.add("locked")
        cash = sale.kind == "done" and 20 < i < ORDERS_PER_FILE and i % 100 == 7
        if cash:
            sale.tags.add("cash-on-delivery")
        pocket = min(1000, sale.paid) if balance and i % 40 == 3 else 0
        if pocket:
            sale.tags.add("balance-payment")
        rows = []
        for line in sale.lines:
            rows.append({
                "订单号": Id(number), "商品ID": Id(str(10 ** 10 + GOODS.index(line.goods))), "商品名称": line.goods[0], "订购数量": line.quantity,
                "支付方式": "货到付款" if cash else "在线支付", "下单时间": sale.placed, "京东价": Money(line.goods[2]), "订单金额": Money(sale.goods),
                "结算金额": Money(sale.goods - sale.shop_off), "余额支付": Money(pocket), "应付金额": Money(sale.paid - pocket), "订单状态": state,
                "订单类型": "销售订单", "下单帐号": sale.account, "客户姓名": sale.person.name, "客户地址": "".join(sale.person.address),
                "联系电话": Phone(sale.phone) if sale.phone else None, "订单备注": REMARKS[i % len(REMARKS)], "发票类型": "不需要开具发票", "运费金额": Money(sale.shipping),
                "付款确认时间": None if cash else sale.paid_at, "增值税发票": None, "货号": line.goods[1], "订单完成时间": sale.done_at, "订单来源": "移动端",
                "订单渠道": "京东商城", "服务费": Money(0), "仓库id": 0, "仓库名称": None,
            })
        orders.append(order_of(sale, number, rows, day=sale.placed.date() if cash else None))
    columns = choose(JD, market, how.pop("shuffled", False), how.pop("without", ()), how.pop("extra", ()))
    unclosed, totals = how.pop("unclosed", None), how.pop("totals", False)
    file = File("jd", name, columns, how.pop("style"), orders, [], **how)
    return assemble(market, file, "订单号", "下单时间", "应付金额", totals, unclosed=unclosed)


# --- Pinduoduo ------------------------------------------------------------------------------------------------------------

PDD = ("订单成交时间,商品,订单号,订单状态,商品总价(元),邮费(元),店铺优惠折扣(元),平台优惠折扣(元),多多支付立减金额(元),用户实付金额(元),商家实收金额(元),商品数量(件),发货时间,确认收货时间,商品id,商品规格,样式ID,"
       "商家编码-规格维度,商家编码-商品维度,商家备注,售后状态,快递单号,快递公司").split(",")


def pdd_file(name, **how):
    market = Market("pdd", name, False, 2150)
    rng, orders = market.rng, []
    for i, sale in enumerate(market.sales([k for k in KINDS if k not in ("partial", "mixed")], most_lines=1)):
        number = f"{sale.placed:%y%m%d}-{market.digits(15)}"
        state = {"unpaid": "待支付", "closed": "已取消", "paid": "待发货", "shipped": "已发货，待收货", "returned": "已收货，退款成功",
                 "refunded": rng.choice(("未发货，退款成功", "已发货，退款成功"))}.get(sale.kind, "已收货")
        after = "退款成功" if sale.refund else "售后处理中" if sale.kind == "shipped" and i % 10 == 0 else "无售后或售后取消"
        timeless = not sale.is_paid or (1 < i < 2100 and i % 97 == 0)
        if timeless:
            sale.tags.add("time-from-number")
        line, rebate = sale.lines[0], rng.choice((0, 0, 5, 50)) if sale.paid > 100 else 0
        paid = sale.paid - rebate
        line.refund = paid if sale.refund else 0
        rows = [{
            "订单成交时间": None if timeless else sale.placed, "商品": line.goods[0], "订单号": Id(number), "订单状态": state,
            "商品总价(元)": Money(sale.goods), "邮费(元)": Money(sale.shipping), "店铺优惠折扣(元)": Money(sale.shop_off), "平台优惠折扣(元)": Money(sale.platform_off),
            "多多支付立减金额(元)": Money(rebate), "用户实付金额(元)": Money(paid), "商家实收金额(元)": Money(paid + rebate + sale.platform_off),
            "商品数量(件)": line.quantity, "发货时间": sale.sent_at, "确认收货时间": sale.done_at, "商品id": Id(market.digits(12)), "商品规格": "默认,1件",
            "样式ID": Id(market.digits(13)), "商家编码-规格维度": line.goods[1], "商家编码-商品维度": line.goods[1], "商家备注": rng.choice(REMARKS), "售后状态": after,
            "快递单号": Id(market.digits(14)) if sale.sent_at else None, "快递公司": rng.choice(COURIERS) if sale.sent_at else None,
            "省": "****", "市": "****", "区": "****",
        }]
        order = order_of(sale, number, rows, day=sale.placed.date(), amount=paid)
        order.buyer, order.weak = None, False
        orders.append(order)
    columns = choose(PDD, market, how.pop("shuffled", False), how.pop("without", ()), how.pop("extra", ()))
    unclosed = how.pop("unclosed", None)
    file = File("pdd", name, columns, how.pop("style"), orders, [], **how)
    return assemble(market, file, "订单号", "订单成交时间", "用户实付金额(元)", totals=name[0] != "B", unclosed=unclosed)


# --- Douyin ----------------------------------------------------------------------------------------------------------------

DOUYIN = ("主订单编号,子订单编号,选购商品,商品规格,商品数量,商家编码,订单应付金额,运费,收件人,收件人手机号,详细地址,订单提交时间,商家备注,订单完成时间,订单状态,售后状态,取消原因,发货时间,平台实际承担优惠金额,"
          "商家实际承担优惠金额,达人实际承担优惠金额").split(",")
DOUYIN_NEWER = ("商品ID", "商品金额", "支付方式", "达人ID", "达人昵称", "流量渠道", "流量类型", "快递信息")


def douyin_file(name, merged_quantities=False, **how):
    market = Market("douyin", name, False, 1600)
    rng, orders = market.rng, []
    for i, sale in enumerate(market.sales([k for k in KINDS if k != "partial"])):
        number = "69" + market.digits(17)
        merged = len(sale.lines) > 1 and sale.kind != "mixed" and i % 3 == 0
        groups = [sale.lines] if merged else [[line] for line in sale.lines]
        if merged:
            sale.tags.add("merged-sub-orders")
        rows = []
        for group in groups:
            back = group[0].refund > 0
            state = {"unpaid": "待支付", "closed": "已关闭", "paid": rng.choice(("待发货", "备货中")), "shipped": "已发货",
                     "refunded": "已关闭", "mixed": "已关闭" if back else "已完成"}.get(sale.kind, "已完成")
            subs = [number] if len(sale.lines) == 1 else ["69" + market.digits(17) for _ in group]
            count = ";".join(str(line.quantity) for line in group) if merged_quantities else sum(line.quantity for line in group)
            rows.append({
                "主订单编号": Id(number), "子订单编号": Id(";".join(subs)), "选购商品": ";".join(line.goods[0] for line in group), "商品规格": ";".join("默认" for _ in group),
                "商品数量": count, "商家编码": ";".join(line.goods[1] for line in group), "订单应付金额": Money(sum(line.paid for line in group)),
                "运费": Money(sale.shipping if group[0] is sale.lines[0] else 0), "收件人": sale.person.name[0] + "**", "收件人手机号": Phone(sale.phone),
                "详细地址": "".join(sale.person.address[:3]) + "****", "订单提交时间": sale.placed, "商家备注": rng.choice(REMARKS), "订单完成时间": sale.done_at,
                "订单状态": state, "售后状态": "退款成功" if back else "售后处理中" if sale.kind == "shipped" and i % 10 == 0 else "-",
                "取消原因": "超时未支付" if sale.kind == "closed" else "不想要了" if back else None, "发货时间": sale.sent_at,
                "平台实际承担优惠金额": Money(sale.platform_off), "商家实际承担优惠金额": Money(sale.shop_off), "达人实际承担优惠金额": Money(0),
                "商品ID": Id(";".join(str(3 * 10 ** 18 + GOODS.index(line.goods)) for line in group)), "商品金额": Money(sum(line.goods[2] * line.quantity for line in group)),
                "支付方式": "微信" if sale.is_paid else None, "达人ID": Id("7592255573464597541") if i % 2 else Id("0"), "达人昵称": "黄飞" if i % 2 else None,
                "流量渠道": "直播", "流量类型": "自然流量", "快递信息": f"SF{market.digits(12)}-顺丰速运" if sale.sent_at else None,
            })
        orders.append(order_of(sale, number, rows, day=sale.placed.date(), tags={f"{len(rows)}-rows"}))
    columns = choose(DOUYIN, market, how.pop("shuffled", False), how.pop("without", ()), how.pop("extra", ()))
    unclosed = how.pop("unclosed", None)
    file = File("douyin", name, columns, how.pop("style"), orders, [], **how)
    return assemble(market, file, "主订单编号", "订单提交时间", "订单应付金额", totals=name[0] == "B", unclosed=unclosed)


# --- WeChat shop ------------------------------------------------------------------------------------------------------------

WECHAT = ("订单号,订单下单时间,订单发货时间,订单确认收货时间,订单完成结算时间,订单状态,发货方式,收件人姓名,收件人地址,省,市,区,收件人手机,买家备注,商家备注,打标颜色,商品总价,订单实际支付金额,订单实际收款金额,订单运费,商品优惠,"
          "跨店优惠,商品改价,积分抵扣,支付方式,支付时间,交易单号,物流公司,快递单号,技术服务费,运费险预计投保费用,带货方式,带货账号类型,带货账号昵称,带货费用类型,带货费用,带货佣金率,礼物单号,商品名称,商品编码(平台),商品编码(自定义),"
          "SKU编码(自定义),商品属性,商品价格(单件),商品实际价格(单件),商品实际价格(总共),是否预售,商品数量,商品平台券优惠,商品平均运费,商品发货,商品售后,商品已退款金额").split(",")


def wechat_file(name, **how):
    market = Market("wechat", name, False, 1500)
    rng, orders = market.rng, []
    for i, sale in enumerate(market.sales(list(KINDS))):
        number = "37" + market.digits(17)
        state = {"unpaid": "待付款", "closed": "已取消", "refunded": "已取消", "paid": "待发货", "shipped": "待收货"}.get(sale.kind, "已完成")
        nothing = not sale.is_paid and i % 3 == 0
        if nothing:
            sale.tags.add("unpaid-no-amount")
        rows = []
        for line in sale.lines:
            rows.append({
                "订单号": Id(number), "订单下单时间": sale.placed, "订单发货时间": sale.sent_at, "订单确认收货时间": sale.done_at, "订单完成结算时间": sale.done_at,
                "订单状态": state, "发货方式": "快递", "收件人姓名": sale.person.name[0] + "*", "收件人地址": sale.person.address[3], "省": sale.person.address[0],
                "市": sale.person.address[1], "区": sale.person.address[2], "收件人手机": Phone(sale.phone), "买家备注": rng.choice(REMARKS),
                "商家备注": None, "商品总价": Money(sale.goods), "订单实际支付金额": None if nothing else Money(sale.paid if sale.is_paid else 0),
                "订单实际收款金额": Money((sale.paid + sale.platform_off) if sale.is_paid else 0), "订单运费": Money(sale.shipping), "商品优惠": Money(sale.shop_off),
                "跨店优惠": Money(0), "商品改价": Money(0), "积分抵扣": Money(0), "支付方式": "微信支付" if sale.is_paid else None, "支付时间": sale.paid_at,
                "交易单号": Id("42000" + market.digits(23)) if sale.is_paid else None, "物流公司": rng.choice(COURIERS) if sale.sent_at else None,
                "快递单号": Id(market.digits(15)) if sale.sent_at else None, "技术服务费": Money(sale.paid // 20), "带货方式": "直播", "带货账号昵称": "小美推荐官",
                "带货费用": Money(0), "商品名称": line.goods[0], "商品编码(平台)": Id(market.digits(14)), "商品编码(自定义)": line.goods[1], "SKU编码(自定义)": line.goods[1],
                "商品属性": "白色;M", "商品价格(单件)": Money(line.goods[2]), "商品实际价格(单件)": Money(line.paid // line.quantity), "商品实际价格(总共)": Money(line.paid),
                "是否预售": "否", "商品数量": line.quantity, "商品平台券优惠": Money(sale.platform_off), "商品平均运费": Money(sale.shipping // len(sale.lines)),
                "商品发货": "已发货" if sale.sent_at else "待发货", "商品售后": "已退款" if line.refund else None,
                "商品已退款金额": Money(line.refund) if line.refund else Money(0),
            })
        orders.append(order_of(sale, number, rows, tags={f"{len(rows)}-rows"}))
    columns = choose(WECHAT, market, how.pop("shuffled", False), how.pop("without", ()))
    unclosed = how.pop("unclosed", None)
    file = File("wechat", name, columns, how.pop("style"), orders, [], **how)
    return assemble(market, file, "订单号", "订单下单时间", "订单实际支付金额", totals=name[0] == "A", unclosed=unclosed)


# --- Youzan ------------------------------------------------------------------------------------------------------------------

YOUZAN = "订单号,订单状态,买家付款时间,订单实付金额,全部商品名称,商品种类数,收货人/提货人,收货人手机号/提货人手机号,收货人省份,收货人地区,详细收货地址/提货地址,买家昵称,买家手机号,优惠券码名称,分销员".split(",")


def youzan_file(name, done_word, **how):
    market = Market("youzan", name, True, 2100)
    rng, orders = market.rng, []
    for sale in market.sales([k for k in KINDS if k not in ("partial", "mixed", "returned")]):
        number = f"E{sale.placed:%Y%m%d%H%M%S}{market.digits(9)}"
        known = sale.buyer is not None and not sale.weak
        if not sale.is_paid:
            sale.tags.add("time-from-number")
        buyer_phone = sale.person.phone if known else rng.choice((None, masked_phone(sale.person.phone, rng)))
        if known and sale.phone and sale.phone != buyer_phone:
            sale.tags.add("receiver-is-not-buyer")
        state = {"unpaid": "待付款", "closed": "交易关闭", "refunded": "交易关闭", "paid": "待发货", "shipped": "已发货"}.get(sale.kind, done_word)
        rows = [{
            "订单号": Id(number), "订单状态": state, "买家付款时间": sale.paid_at, "订单实付金额": Money(sale.paid if sale.is_paid else 0),
            "全部商品名称": "；".join(line.goods[0] for line in sale.lines), "商品种类数": len(sale.lines), "收货人/提货人": sale.person.name,
            "收货人手机号/提货人手机号": Phone(sale.phone) if sale.phone else None, "收货人省份": sale.person.address[0], "收货人地区": sale.person.address[2],
            "详细收货地址/提货地址": "".join(sale.person.address), "买家昵称": rng.choice(("微信用户", "微信用户", sale.person.account, "A😊")),
            "买家手机号": Phone(buyer_phone) if buyer_phone else None, "优惠券码名称": None, "分销员": rng.choice((None, "店主小李", "导购A")),
        }]
        order = order_of(sale, number, rows)
        if known:
            order.buyer = "phone " + sale.person.phone
        orders.append(order)
    columns = choose(YOUZAN, market, how.pop("shuffled", False), how.pop("without", ()))
    unclosed = how.pop("unclosed", None)
    file = File("youzan", name, columns, how.pop("style"), orders, [], **how)
    return assemble(market, file, "订单号", "买家付款时间", "订单实付金额", totals=name[0] == "A", unclosed=unclosed)


# --- 1688 ----------------------------------------------------------------------------------------------------------------------

ALI = "订单号,下单时间,物流公司,实付款,运单号,买家,收货地址,货品标题,规格,数量,退款状态,订单状态".split(",")


def ali_file(name, **how):
    market = Market("1688", name, True, 1600)
    rng, orders = market.rng, []
    for sale in market.sales([k for k in KINDS if k not in ("partial", "mixed")]):
        number = market.digits(19)
        state = {"unpaid": "等待买家付款", "closed": "交易关闭", "refunded": "交易关闭", "paid": "等待卖家发货", "shipped": "等待买家确认收货"}.get(sale.kind, "交易成功")
        rows = []
        for line in sale.lines:
            rows.append({
                "订单号": Id(number), "下单时间": sale.placed, "物流公司": rng.choice(COURIERS) if sale.sent_at else None, "实付款": Money(sale.paid),
                "运单号": Id(market.digits(13)) if sale.sent_at else None, "买家": sale.account, "收货地址": "".join(sale.person.address),
                "货品标题": line.goods[0], "规格": "白色", "数量": line.quantity, "退款状态": "退款成功" if sale.refund else None, "订单状态": state,
            })
        order = order_of(sale, number, rows, day=sale.placed.date(), tags={f"{len(rows)}-rows"})
        if sale.weak:
            order.buyer, order.weak = None, False
        orders.append(order)
    columns = choose(ALI, market, how.pop("shuffled", False), how.pop("without", ()))
    unclosed = how.pop("unclosed", None)
    file = File("1688", name, columns, how.pop("style"), orders, [], **how)
    return assemble(market, file, "订单号", "下单时间", "实付款", totals=name[0] == "A", unclosed=unclosed)


# --- the files -----------------------------------------------------------------------------------------------------------------

BARE_TAOBAO = ("买家支付积分", "返点积分", "买家实际支付积分", "卖家服务费", "买家服务费", "发票抬头", "特权订金订单id", "定金排名", "修改后的sku", "修改后的收货地址", "异常信息",
               "集分宝抵扣", "是否是O2O交易", "店铺Id", "分阶段订单信息")
BARE_WECHAT = ("打标颜色", "带货账号类型", "带货费用类型", "带货佣金率", "礼物单号", "运费险预计投保费用", "商品平均运费", "订单完成结算时间", "交易单号", "商品改价", "跨店优惠")
BARER_WECHAT = BARE_WECHAT + ("商品编码(平台)", "快递单号", "收件人地址", "订单发货时间", "订单确认收货时间", "商品平台券优惠", "技术服务费", "积分抵扣", "商品实际价格(单件)",
                              "带货方式", "带货账号昵称", "带货费用", "商品优惠", "SKU编码(自定义)", "是否预售", "商品属性")


def all_files():
    """Every file, by platform. In a name: A the facts' order, then other writers and layouts."""
    xlsx_dates = Style(id="plain", phone="number", money="number", time="date")
    xlsx_text = Style(id="tab", phone="apostrophe", money="mixed", empty="-")
    first, first_sales = taobao_list("A_2016.csv", TAOBAO_2016, with_items=True, encoding="gb18030", unclosed="订单备注",
                                     style=Style(id="eq", phone="apostrophe"))
    return {
        "taobao": [
            first,
            taobao_list("B_2016_shuffled.csv", TAOBAO_2016, shuffled=True, without=BARE_TAOBAO, twin=Style(phone="apostrophe", money="number", time="date"),
                        style=Style(id="eq_quoted", phone="apostrophe", money="mixed", empty="-", quote_all=True)),
            taobao_list("C_2016_saved_by_excel.csv", TAOBAO_2016, without=BARE_TAOBAO, encoding="gb18030",
                        style=Style(id="eq_quoted", time="excel_minutes", newline="\n")),
            taobao_list("D_newer.csv.gz", TAOBAO_NEW, writer="csv.gz", style=Style(id="eq", phone="apostrophe", money="yuan", empty="-")),
            taobao_list("E_newer.xlsx", TAOBAO_NEW, writer="libreoffice", without=("宝贝规格", "物流公司", "买家留言", "店铺名称"), style=Style()),
            taobao_list("F_newer_shuffled.xlsx", TAOBAO_NEW, writer="xlsx", shuffled=True, style=xlsx_text),
        ],
        "taobao_items": [
            taobao_items("A_items.csv", encoding="gb18030", style=Style(id="eq", empty="-")),
            taobao_items("B_items.xlsx", writer="xlsx", shuffled=True, style=Style(money="number", time="date")),
            taobao_items("C_items.csv", without=("套餐信息", "备注", "支付单号"), style=Style(id="eq_quoted", money="mixed"), twin=xlsx_dates),
        ],
        "taobao_both": [first, taobao_items("A_items_of_A.csv", sales=first_sales, encoding="gb18030", style=Style(id="eq", empty="-"))],
        "jd": [
            jd_file("A_jd.csv", encoding="gb18030", style=Style(id="eq_quoted", phone="apostrophe"), unclosed="订单备注"),
            jd_file("B_jd_newer.csv", shuffled=True, extra=JD_NEWER, totals=True, style=Style(id="tab", money="mixed", empty="-"),
                    twin=Style(id="number", phone="number", money="number", time="date")),
            jd_file("C_jd.csv.gz", balance=True, writer="libreoffice", encoding="gb18030", without=("发票抬头", "发票内容", "增值税发票"), style=Style()),
        ],
        "pdd": [
            pdd_file("A_pdd.csv", style=Style(id="tab_after"), unclosed="商家备注", extra=("省", "市", "区")),
            pdd_file("B_pdd.xlsx", writer="libreoffice", without=("样式ID", "商家编码-商品维度", "商家备注"), style=Style()),
            pdd_file("C_pdd.csv", encoding="gb18030", shuffled=True, without=("样式ID", "商家编码-商品维度"), style=Style(money="yuan", empty="-"),
                     twin=Style(money="number", time="date")),
        ],
        "douyin": [
            douyin_file("A_1791430000_douyin.csv", style=Style(id="tab", phone="tab", empty="-", quote_all=True)),
            douyin_file("B_douyin.csv", encoding="gb18030", shuffled=True, extra=DOUYIN_NEWER, merged_quantities=True, unclosed="商家备注",
                        style=Style(id="tab", phone="apostrophe", money="mixed")),
            douyin_file("C_douyin.csv", extra=DOUYIN_NEWER, without=("商品规格", "商家实际承担优惠金额"), style=Style(id="tab"), twin=xlsx_text),
        ],
        "wechat": [
            wechat_file("A_wechat.xlsx", writer="xlsx", style=Style(phone="number", money="number", time="date")),
            wechat_file("B_wechat.xlsx", writer="libreoffice", without=BARER_WECHAT, style=Style(empty="-")),
            wechat_file("C_wechat.csv", shuffled=True, unclosed="买家备注", style=Style(id="tab", phone="apostrophe", money="mixed", empty="-")),
            wechat_file("D_wechat.csv", without=BARE_WECHAT, style=Style(id="tab"), twin=Style(id="tab", time="excel")),
        ],
        "youzan": [
            youzan_file("A_youzan.csv", "交易完成", style=Style(empty="-")),
            youzan_file("B_youzan.csv", "交易完成", encoding="gb18030", shuffled=True, style=Style(id="tab", phone="apostrophe", money="yuan"), unclosed="优惠券码名称"),
            youzan_file("C_youzan.csv", "交易成功", encoding="utf-8", without=("商品种类数", "优惠券码名称"), style=Style(money="mixed"), twin=xlsx_dates),
        ],
        "1688": [
            ali_file("A_1688.xlsx", writer="xlsx", style=Style(money="number", time="date")),
            ali_file("B_1688.xlsx", writer="libreoffice", style=Style()),
            ali_file("C_1688.csv", encoding="gb18030", shuffled=True, unclosed="规格", style=Style(id="eq", money="mixed", empty="-")),
            ali_file("D_1688.csv", style=Style(id="tab", time="excel"), twin=xlsx_text),
        ],
    }


# --- writing ---------------------------------------------------------------------------------------------------------------------

def csv_text(file, style):
    rng = random.Random("huitou writer " + file.name)
    parts = [csv_line(file.columns, Style(newline=style.newline, quote_all=style.quote_all), rng)]
    for what, row in file.lines:
        cells = [row.get(column) for column in file.columns]
        if what == "cut":
            cells = cells[:3]
        line = csv_line(cells, style, rng)
        if what == "unclosed":
            # The cell with the quote that never closes stands bare; all others as usual.
            bare = next(cell for cell in cells if isinstance(cell, Raw))
            line = line.replace('"' + bare.text.replace('"', '""') + '"', bare.text)
        parts.append(line)
    return "".join(parts) + style.newline


def write_csv(file, path, style=None, encoding=None):
    data = csv_text(file, style or file.style).encode(encoding or file.encoding)
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)


def write_xlsx(file, path, style):
    rng = random.Random("huitou writer " + file.name)
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("订单")
    sheet.append(file.columns)
    for what, row in file.lines:
        cells = [xlsx_value(row.get(column), style, rng) for column in file.columns]
        sheet.append(cells[:3] if what == "cut" else cells)
    book.save(path)


def digest(file):
    return hashlib.sha256(csv_text(file, file.style).encode()).hexdigest()


def fixture_path(file):
    return FIXTURES / f"{file.platform}_{file.name}"


def write_file(file, directory):
    """Writes the file to the directory, or names the committed one that LibreOffice wrote."""
    if file.writer == "libreoffice":
        return fixture_path(file)
    path = pathlib.Path(directory) / f"{file.platform}_{file.name}"
    if file.writer == "xlsx":
        write_xlsx(file, path, file.style)
    else:
        write_csv(file, path)
    return path


def write_twin(file, directory):
    """The same content as xlsx."""
    path = pathlib.Path(directory) / f"{file.platform}_{file.name.split('.')[0]}_twin.xlsx"
    write_xlsx(file, path, file.twin)
    return path


# --- fixtures of LibreOffice -----------------------------------------------------------------------------------------------------

TEXT_COLUMNS = ("订单编号", "订单号", "主订单编号", "子订单编号", "联系手机", "运单号", "快递单号", "商品id", "商品ID", "样式ID", "商品编码(平台)", "收件人手机", "联系电话")


def libreoffice(*args):
    subprocess.run(["soffice", "--headless", *args], check=True, capture_output=True)


def write_fixtures():
    """Needs LibreOffice Calc (Debian: libreoffice-calc-nogui 7.4); made once, committed. Numbers and dates become real
    ones, as when a merchant opens a file and saves it again; order numbers and phones are kept as text."""
    FIXTURES.mkdir(parents=True, exist_ok=True)
    digests = {}
    for file in (f for files in all_files().values() for f in files if f.writer == "libreoffice"):
        with tempfile.TemporaryDirectory() as directory:
            stem = fixture_path(file).name.split(".")[0]
            source = pathlib.Path(directory) / f"{stem}.csv"
            write_csv(file, source, encoding="utf-8")
            formats = "/".join(f"{i + 1}/{2 if column in TEXT_COLUMNS else 1}" for i, column in enumerate(file.columns))
            read = f"CSV:44,34,76,1,{formats},2052,false,true"
            out = pathlib.Path(directory) / "out"
            libreoffice("--infilter=" + read, "--convert-to", "xlsx:Calc MS Excel 2007 XML", "--outdir", str(out), str(source))
            if file.name.endswith(".xlsx"):
                fixture_path(file).write_bytes((out / f"{stem}.xlsx").read_bytes())
            else:
                # 85 is GB18030; cells as shown. The workbook just made, saved as CSV.
                libreoffice("--convert-to", "csv:Text - txt - csv (StarCalc):44,34,85,1,,0,false,true,false", "--outdir", str(out),
                            str(out / f"{stem}.xlsx"))
                fixture_path(file).write_bytes(gzip.compress((out / f"{stem}.csv").read_bytes(), mtime=0))
        digests[fixture_path(file).name] = digest(file)
        print(fixture_path(file), fixture_path(file).stat().st_size)
    (FIXTURES / "digests.json").write_text(json.dumps(digests, indent=2) + "\n")


def main():
    if sys.argv[1:] == ["--fixtures"]:
        write_fixtures()
        return
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    pathlib.Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    for files in all_files().values():
        for file in files:
            print(write_file(file, sys.argv[1]), json.dumps(file.figures()))
            if file.twin:
                print(write_twin(file, sys.argv[1]))


if __name__ == "__main__":
    main()
