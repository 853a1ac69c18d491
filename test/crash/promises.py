"""What the log of crash_driver promises (see driver.c), held against the rows of the database, read past the program.

Exports for it to import, with what each of them says of every order; and check(): every acknowledged command is there
exactly once, nothing that was begun is half there, nothing that was refused is there at all.
"""
import collections
import random

CUSTOMERS = 100  # buyers of the exports: phones 13900000000 … 13900000099; the driver's own orders name them too
MAP = """{
  "name": "kill", "source": "shop", "format": "csv", "header": true, "encoding": "utf-8",
  "time_format": "%Y-%m-%d %H:%M", "time_zone": "UTC",
  "columns": {"order_number": "number", "order_time": "time", "phone": "phone", "buyer_name": "name",
              "product_code": "product", "quantity": "quantity", "unit_price": "price", "state": "state",
              "channel": "channel", "refund_amount": "refund", "refund_time": "refund_time"},
  "states": {"paid": "paid", "done": "received", "new": "created"}
}
"""
# Errors that say: nothing was written. Orders are tried again where a commit's outcome is unknown, so that for them a
# store that stopped leaves it unknown too.
DEFINITE = {"STORE_FULL", "STATEMENT_FAILED", "STORE_BUSY", "STORE_CONSTRAINT", "STORE_STOPPED"}


def write_exports(folder, count, orders, seed):
    """export-0.csv … in the folder, each younger and with some orders changed, and map.json.

    Returns the phones in them, and for each export: number → (amount, lines, refunded)."""
    rng = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "map.json").write_text(MAP)
    book, told = {}, []
    for number in range(orders):
        book[f"N{number:06d}"] = {
            "time": f"2023-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d} 10:{rng.randrange(60):02d}",
            "buyer": rng.randrange(CUSTOMERS), "refund": 0,
            "lines": [[f"P{rng.randrange(20)}", rng.randrange(1, 4), rng.randrange(100, 9000)]
                      for _ in range(rng.randrange(1, 4))]}
    for export in range(count):
        for order in rng.sample(list(book.values()), orders // 4) if export else []:
            order["lines"][0][2] = rng.randrange(100, 9000)
            if rng.random() < 0.3:
                order["refund"] = rng.randrange(1, 100)
        rows = []
        for name, order in book.items():
            for place, (product, quantity, price) in enumerate(order["lines"]):
                refund = order["refund"] if place == 0 else 0
                rows.append([name, order["time"], f"139{order['buyer']:08d}", f"客户{order['buyer']}", product,
                             str(quantity), f"{price / 100:.2f}", "done", "online", f"{refund / 100:.2f}" if refund else "",
                             "2023-12-30 12:00" if refund else ""])
        rng.shuffle(rows)
        with open(folder / f"export-{export}.csv", "w", encoding="utf-8") as file:
            file.write("number,time,phone,name,product,quantity,price,state,channel,refund,refund_time\n")
            file.writelines(",".join(row) + "\n" for row in rows)
        told.append({name: (sum(line[1] * line[2] for line in order["lines"]), len(order["lines"]), order["refund"])
                     for name, order in book.items()})
    return {f"139{order['buyer']:08d}" for order in book.values()}, told


class Command:
    def __init__(self, words):
        self.words, self.acked, self.definite_no = words, False, False


class Log:
    """The driver's log, read."""

    def __init__(self, path):
        self.commands, self.import_begun, self.import_acked = {}, 0, 0
        self.answers, self.faults = collections.Counter(), []
        stopped = False
        begun_after_stop = set()
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
            words = line.split(" ")
            key = " ".join(words[1:3]) if words[1] == "import" else words[1]
            rest = words[3:] if words[1] == "import" else words[2:]
            if words[0] == "restart":
                stopped = False
                begun_after_stop = set()
            elif words[0] == "begin":
                self.begin(key, rest)
                if stopped:
                    begun_after_stop.add(key)
            else:
                self.answer(words[0], key, rest)
                if words[0] == "ack" and key in begun_after_stop:
                    self.faults.append(f"{key} was acknowledged after the store had stopped")
                stopped = stopped or (words[0] == "error" and rest[0] in ("STORE_STOPPED", "COMMIT_UNKNOWN"))

    def begin(self, key, words):
        if key.startswith("import"):
            self.import_begun = max(self.import_begun, int(key.split()[1]))
            return
        before = self.commands.get(key)
        if before and before.words != words:
            self.faults.append(f"{key} was begun as {before.words} and as {words}")
        if before:
            before.definite_no = False
        else:
            self.commands[key] = Command(words)

    def answer(self, word, key, rest):
        self.answers[word if word == "ack" else f"{word} {rest[0]}"] += 1
        if key.startswith("import"):
            if word == "ack":
                self.import_acked = max(self.import_acked, int(key.split()[1]))
            return
        command = self.commands.get(key)
        if command is None:  # of the opening
            return
        if word == "ack":
            command.acked = True
        elif word == "refuse" or rest[0] in DEFINITE - ({"STORE_STOPPED"} if command.words[0] == "orders" else set()):
            command.definite_no = True


TABLES = {
    "tags": "SELECT t.name, c.removed_at IS NULL FROM tag t LEFT JOIN customer_tag c ON c.tag_id = t.tag_id",
    "merges": "SELECT merged_by, customer_id, into_id FROM customer_merge",
    "splits": "SELECT split_by, customer_id FROM customer_merge WHERE split_at IS NOT NULL",
    "orders": "SELECT o.number, o.source, o.amount_minor, o.line_count, o.refunded_minor, "
              "(SELECT count(*) FROM order_line l WHERE l.customer_id = o.customer_id AND l.order_id = o.order_id) FROM orders o",
    "refunds": "SELECT number, amount_minor FROM refund WHERE source = 'till'",
    "phones": "SELECT count(DISTINCT hash), count(*) FROM identity WHERE kind = 5",
    "notes": "SELECT type, count(*) FROM event GROUP BY type",
}


def grouped(rows):
    out = collections.defaultdict(list)
    for row in rows:
        out[row[0]].append(tuple(str(cell) for cell in row[1:]))
    return out


def check(log, sql, exports):
    """The faults found, in words. sql(statement) → rows; exports as write_exports returned them."""
    buyers, told = exports
    faults = list(log.faults)
    tables = {name: grouped(sql(statement)) for name, statement in TABLES.items()}
    phones = set(buyers)
    removals = {c.words[2]: c for c in log.commands.values() if c.words[0] == "untag"}
    for key, command in log.commands.items():
        check_command(key, command, tables, removals, phones, faults)
    known = {number for command in log.commands.values() if command.words[0] == "orders"
             for number in (word.split("=")[0] for word in command.words[1:])}
    faults += [f"order {number}, which nobody gave" for number, rows in tables["orders"].items()
               if rows[0][0] == "till" and number not in known]
    check_exports(log, tables["orders"], told, faults)
    for distinct, rows in tables["phones"].items():
        if str(distinct) != str(len(phones)) or rows[0][0] != str(distinct):
            faults.append(f"{distinct} phones in {rows[0][0]} rows, should be {len(phones)}")
    return faults


def is_true(cell):
    return cell in ("1", "t", "True")


def check_command(key, command, tables, removals, phones, faults):
    kind, words = command.words[0], command.words[1:]
    if kind == "orders":
        check_orders(key, command, words, tables, phones, faults)
        return
    if kind in ("tag", "abort"):
        rows = tables["tags"].get(key, [])
        removal = removals.get(key)
        removed = bool(rows) and not is_true(rows[0][0])
        if removal and removal.acked and not removed:
            faults.append(f"{key}: its removal was acknowledged, it is there")
        if removed and (not removal or removal.definite_no):
            faults.append(f"{key}: removed, but not by an acknowledged command")
    elif kind == "merge":
        rows = tables["merges"].get(key, [])
    elif kind == "split":
        rows = tables["splits"].get(key, [])
    else:  # untag: seen from its tag
        return
    if len(rows) > 1:
        faults.append(f"{key} {kind}: there {len(rows)} times")
    if command.acked and not rows:
        faults.append(f"{key} {kind}: acknowledged, and not there")
    if rows and (kind == "abort" or (command.definite_no and not command.acked)):
        faults.append(f"{key} {kind}: refused, and there")


def check_orders(key, command, words, tables, phones, faults):
    there = 0
    for word in words:
        number, _, rest = word.partition("=")
        if ">" in rest:
            rows, want = tables["refunds"].get(number, []), (rest.split(">")[0],)
        else:
            amount, lines = rest.split("@")[0].split("/")
            refunded = sum(int(w.split("=")[1].split(">")[0]) for w in words if w.endswith(">" + number))
            rows, want = tables["orders"].get(number, []), ("till", amount, lines, str(refunded), lines)
        there += bool(rows)
        if len(rows) > 1:
            faults.append(f"{key}: {number} is there {len(rows)} times")
        if rows and rows[0] != want:
            faults.append(f"{key}: {number} is {rows[0]}, should be {want}")
    if there not in (0, len(words)):
        faults.append(f"{key}: half done, {there} of {len(words)} orders and refunds")
    if command.acked and there == 0:
        faults.append(f"{key} orders: acknowledged, and not there")
    if command.definite_no and not command.acked and there:
        faults.append(f"{key} orders: refused, and there")
    if there:
        phones.update(word.split("@")[1] for word in words if "@" in word)


def check_exports(log, orders, told, faults):
    """Each order of the exports is as the last acknowledged export or a later one that was begun tells it."""
    versions = told[log.import_acked:log.import_begun + 1]
    for number, last in told[log.import_acked].items():
        rows = orders.get(number, [])
        if len(rows) != 1:
            faults.append(f"order {number} of the exports is there {len(rows)} times")
            continue
        may = {("shop", str(amount), str(lines), str(refunded), str(lines))
               for amount, lines, refunded in (version[number] for version in versions)}
        # an export's refunds come after its orders, in batches of their own: between the two the sum is the older one
        amounts = {(row[0], row[1], row[2], row[4]) for row in may}
        refunds = {row[3] for row in may}
        row = rows[0]
        if (row[0], row[1], row[2], row[4]) not in amounts or row[3] not in refunds:
            faults.append(f"order {number} is {row}, should be one of {sorted(may)} ({last})")
