#!/usr/bin/env python3
"""kill -9 of a server at random moments while clients write through its API, and an import runs where there is one.

    /usr/bin/python3 test/crash/api_kill_test.py [--binary PATH] [--rounds 20] [--seed 1]

On each database, one brand for all rounds. A round: four clients write with idempotency keys (tags set and removed, names
corrected, keepers, merges, splits, people); the server is killed; it is started again; every request that was not answered
is said again under its key, and so are some that were. Then no acknowledged write is missing and none was done twice: a tag,
a name, a person, a merge each stands there once, and the audit trail has one row for each key. At the end `verify`.
"""
import collections
import http.client
import pathlib
import random
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "http"))
import shop  # noqa: E402
from api import PASSWORD, Contract, Server, add_key, start_import  # noqa: E402
from program import KINDS, Brand, Tally, arguments  # noqa: E402

tally = Tally()
CLIENTS = 4
CUSTOMERS_EACH = 60
GONE = (OSError, http.client.HTTPException, ValueError)  # the line broke, before or within the answer


class Write:
    """One request under one key, and what became of it."""

    def __init__(self, key, name, path, body):
        self.key, self.name, self.path, self.body = key, name, path, body
        self.reply = None  # the first whole answer

    def say(self, client):
        """False where the line broke."""
        try:
            reply = client.call(self.name, self.path, body=self.body, key=self.key, expect={200, 201, 204, "STORE_STOPPED", "HTTP_BUSY"})
        except GONE:
            client.close()
            return False
        if reply.status >= 500:
            return False
        if self.reply is None:
            self.reply = reply
        else:
            same = (reply.status, reply.body) == (self.reply.status, self.reply.body)
            tally.check(same, f"{self.key} {self.name} answered {self.reply.body[:200]!r} and then {reply.body[:200]!r}")
        return True


class Writer:
    """A client with customers of its own, so that what must be there can be told."""

    def __init__(self, number, client, ids, rng):
        self.number, self.client, self.ids, self.rng = number, client, ids, rng
        self.writes, self.count = [], 0
        self.tags, self.merged, self.into, self.pairs = {}, None, None, set()

    def next_write(self):
        """The next one is only made where the last one was answered: it may need what that did."""
        self.count += 1
        key = f"w{self.number}-{self.count}"
        customer = self.rng.choice(self.ids)
        kind = self.rng.randrange(10)
        if kind < 5:
            # What is said of a merged person is said of the one that they were merged into, and stays there after a split.
            self.tags[key] = self.into if customer == self.merged else customer
            return Write(key, "setTag", {"customer_id": customer, "tag": key}, {})
        if kind < 6 and self.tags:
            tag = self.rng.choice(list(self.tags))
            return Write(key, "removeTag", {"customer_id": self.tags.pop(tag), "tag": tag}, None)
        if kind < 7:
            return Write(key, "renameCustomer", {"customer_id": customer}, {"name": f"名字 {key}"})
        if kind < 8 and self.merged:
            write = Write(key, "splitCustomer", {"customer_id": self.merged}, None)
            self.merged = None
            return write
        if kind < 9:
            other = self.rng.choice([one for one in self.ids if one != customer])
            if not self.merged and (customer, other) not in self.pairs:
                self.merged, self.into = customer, other
                self.pairs.add((customer, other))
                return Write(key, "mergeCustomers", {"customer_id": customer}, {"into_id": other})
        return Write(key, "setTag", {"customer_id": customer, "tag": key}, {})

    def run(self, until):
        while not until.is_set():
            if not self.writes or self.writes[-1].reply is not None:
                self.writes.append(self.next_write())
            if not self.writes[-1].say(self.client):
                return


class PeopleWriter(Writer):
    """Makes people: their passwords are hashed before anything is written, so that it is slow."""

    def next_write(self):
        self.count += 1
        key = f"w{self.number}-{self.count}"
        return Write(key, "createStaff", {}, {"login": key, "name": f"员工 {key}", "password": PASSWORD, "role": "agent"})


class Imports:
    """Imports beside the writes, where the API has them: each an export of orders of other people, with new amounts. A new one
    is given when the last one is done; the server's end interrupts it, and it is started again."""

    def __init__(self, client, orders):
        self.client, self.orders, self.count, self.import_id = client, orders, 0, None
        self.there = "startImport" in client.contract.operations
        self.finished = 0

    def begin(self):
        if not self.there:
            return
        try:
            state = self.client.call("getImport", {"import_id": self.import_id})["state"] if self.import_id else "done"
            if state == "done":
                self.finished += self.import_id is not None
                self.count += 1
                rows = "".join(f"I{n:06d},2024-03-{n % 28 + 1:02d} 09:00:00,{n % 97 + self.count}.50,138{n % 4000:08d},买家{n % 4000}\n"
                               for n in range(self.orders))
                content = "order id,order time,amount,phone,customer name\n" + rows
                self.import_id = start_import(self.client, f"orders-{self.count}.csv", content.encode())
            elif state in ("interrupted", "stopped"):
                self.client.call("startImport", {"import_id": self.import_id})
        except GONE:
            self.client.close()

    def settle(self):
        """Runs the last one to its end."""
        until = time.monotonic() + 120
        while self.there and self.import_id and time.monotonic() < until:
            state = self.client.call("getImport", {"import_id": self.import_id})["state"]
            if state == "done":
                self.finished += 1
                return
            if state in ("interrupted", "stopped"):
                self.client.call("startImport", {"import_id": self.import_id})
            time.sleep(0.2)
        tally.check(not self.there, "the last import does not end")


def there(brand, writes):
    """What the database holds, read past the program, against what was answered."""
    keys = {write.key: write for write in writes}
    tags = {name: removed for name, removed in brand.sql(
        "SELECT t.name, CASE WHEN c.removed_at IS NULL THEN 0 ELSE 1 END FROM tag t JOIN customer_tag c ON c.tag_id = t.tag_id")}
    counts = collections.Counter(name for name, in brand.sql(
        "SELECT t.name FROM tag t JOIN customer_tag c ON c.tag_id = t.tag_id"))
    removed = {write.path["tag"] for write in writes if write.name == "removeTag"}
    people = collections.Counter(login for login, in brand.sql("SELECT login FROM staff"))
    for key, write in keys.items():
        if write.name == "setTag":
            tally.check(counts[key] == 1, f"{key}: its tag is there {counts[key]} times")
            tally.check((str(tags.get(key)) == "1") == (key in removed), f"{key}: removed: {tags.get(key)}, asked: {key in removed}")
        if write.name == "createStaff":
            tally.check(people[key] == 1, f"{key}: that person is there {people[key]} times")
    audited = collections.Counter((endpoint, object_) for endpoint, object_ in brand.sql("SELECT endpoint, object FROM audit"))
    asked = collections.Counter((write.name, f"customer:{write.path['customer_id']}") for write in writes
                                if write.name in ("setTag", "removeTag", "renameCustomer"))
    rows = brand.sql("SELECT count(*) FROM audit WHERE endpoint IN ('setTag', 'removeTag', 'renameCustomer', 'mergeCustomers', "
                     "'splitCustomer', 'createStaff')")[0][0]
    tally.check(int(rows) == len(writes), f"{rows} rows of the audit trail for {len(writes)} writes")
    merged_now = sum(audited[one] != count for one, count in asked.items())
    merges = brand.sql("SELECT count(*) FROM customer_merge")[0][0]
    wanted = sum(write.name == "mergeCustomers" for write in writes)
    tally.check(int(merges) == wanted, f"{merges} merges, {wanted} asked for")
    kept = brand.sql("SELECT count(*) FROM idempotency WHERE reply IS NOT NULL OR status = 204")[0][0]
    tally.check(int(kept) == len(writes), f"{kept} answers kept for {len(writes)} keys")
    return merged_now


def round_on(server, writers, rng, imports):
    stop = threading.Event()
    threads = [threading.Thread(target=writer.run, args=(stop,)) for writer in writers]
    imports.begin()
    for thread in threads:
        thread.start()
    time.sleep(rng.choice([0.02, 0.1, 0.3, 0.6]) * rng.random() + 0.01)
    server.kill()
    stop.set()
    for thread in threads:
        thread.join()
    server.restart()
    open_, again = 0, 0
    for writer in writers:
        writer.client.close()
        for write in writer.writes:
            if write.reply is None:
                open_ += 1
                tally.check(write.say(writer.client), f"{write.key} {write.name}: said again, it is answered")
        for write in rng.sample(writer.writes, min(3, len(writer.writes))):
            again += 1
            tally.check(write.say(writer.client), f"{write.key} {write.name}: said once more, it is answered")
    return open_


def rounds_on(kind, args, folder):
    file, map_file = shop.write(folder, customers=CLIENTS * CUSTOMERS_EACH, orders_each=1)
    rng = random.Random(args.seed)
    with Brand(args.binary, kind, "CNY", "Asia/Shanghai") as brand:
        brand.run("import", "orders", file, "--map", map_file)
        ids = [row[0] for row in brand.sql("SELECT customer_id FROM identity WHERE kind = 5 ORDER BY customer_id")]
        server = Server(brand.command("serve"))
        try:
            owner = server.set_up()
            writers = []
            for number in range(CLIENTS - 1):
                client = server.logged_in("owner") if number else add_key(owner, ["customers:write"])[1]
                mine = ids[number * CUSTOMERS_EACH:(number + 1) * CUSTOMERS_EACH]
                writers.append(Writer(number, client, mine, random.Random(args.seed * 100 + number)))
            writers.append(PeopleWriter(CLIENTS - 1, server.logged_in("owner"), ids, random.Random(args.seed)))
            imports, open_ = Imports(server.logged_in("owner"), args.orders), 0
            for _ in range(args.rounds):
                open_ += round_on(server, writers, rng, imports)
            imports.settle()
            code = server.stop()
            tally.check(code == 0, f"{kind}: stopped with {code}")
            tally.check(not server.complaints(), f"{kind}: on standard error: {server.complaints()[:5]}")
        finally:
            if server.running():
                server.kill()
        writes = [write for writer in writers for write in writer.writes]
        there(brand, writes)
        if imports.there:
            orders = brand.sql("SELECT count(*), count(DISTINCT number) FROM orders WHERE source = 'own'")[0]
            tally.check(list(map(int, orders)) == [args.orders, args.orders], f"{kind}: {orders} orders of {args.orders} imported")
        verify = brand.try_run("verify")
        tally.check(verify.returncode == 0, f"{kind}: verify: {verify.stdout}{verify.stderr}")
        counts = collections.Counter(write.name for write in writes)
        tally.check(open_ >= args.rounds // 4, f"{kind}: only {open_} requests were open when the server was killed")
        print(f"{kind}: {args.rounds} kills, {len(writes)} writes, {open_} of them open at a kill, "
              f"{imports.finished} imports of {args.orders} orders; "
              + ", ".join(f"{name} {count}" for name, count in sorted(counts.items())))


def main():
    args = arguments(__doc__, rounds={"type": int, "default": 20}, seed={"type": int, "default": 1},
                     orders={"type": int, "default": 20000})
    if "startImport" not in Contract.of(args.binary).operations:
        tally.did_not_run("an import beside the writes: the API has none yet")
    with tempfile.TemporaryDirectory(prefix="huitou-api-kill-") as folder:
        for kind in KINDS:
            place = pathlib.Path(folder) / kind
            place.mkdir()
            rounds_on(kind, args, place)
    tally.finish()


if __name__ == "__main__":
    main()
