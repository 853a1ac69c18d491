#!/usr/bin/env python3
"""Backup, restore, drill, on both databases: made while a server writes and an import runs, restored elsewhere, the same
figures; damage in every region of the file noticed; refusals that leave nothing behind.

What a backup must hold is known from outside: rows read past the program (sqlite3, psql) before and after, the order numbers
that the API acknowledged, sha256sum and tar on the file itself.
"""
import gzip
import hashlib
import json
import os
import pathlib
import random
import shutil
import stat
import subprocess
import sys
import tarfile
import threading
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import api  # noqa: E402
import program  # noqa: E402
from live import Server  # noqa: E402

# A restore writes to these; when a migration was applied is told by each database of itself.
TABLES_APART = {"staff_session", "backup", "audit", "schema_migration"}
REPORTS = ("totals", "repurchase", "cohorts", "rfm", "overdue")


class Restored(program.Brand):
    """A directory that `huitou restore` is to make, and for PostgreSQL an empty database."""

    def __init__(self, binary, kind, base):
        self.binary, self.kind, self.base = binary, kind, base
        program.Brand.serial += 1
        self.dir = base / f"restored-{program.Brand.serial}"
        self.database, self.store = None, []
        if kind == "postgres":
            self.database = f"operations_{os.getpid()}_{program.Brand.serial}"
            program.postgres(f"CREATE DATABASE {self.database} TEMPLATE template0 ENCODING 'UTF8'")
            url = urllib.parse.urlsplit(program.postgres_url())._replace(path="/" + self.database)
            self.store = ["--store", urllib.parse.urlunsplit(url)]

    def close(self):
        shutil.rmtree(self.dir, ignore_errors=True)
        if self.database:
            program.postgres(f"DROP DATABASE IF EXISTS {self.database} WITH (FORCE)")


def codes(run):
    return [error["code"] for error in json.loads(run.stdout)["errors"]]


def tables_of(brand):
    if brand.kind == "postgres":
        rows = brand.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
    else:
        rows = brand.sql("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY 1")
    return [row[0] for row in rows]


def content_of(brand, table):
    """A hash of all rows of a table, in any order."""
    if brand.kind == "postgres":
        rows = brand.sql(f"SELECT * FROM {table}")
    else:
        columns = [row[1] for row in brand.sql(f"PRAGMA table_info({table})")]
        rows = brand.sql(f"SELECT {', '.join(f'quote({c})' for c in columns)} FROM {table}")
    return len(rows), hashlib.sha256("\n".join(sorted("\t".join(row) for row in rows)).encode()).hexdigest()


def reports_of(brand):
    return {name: brand.json("report", name)["sections"] for name in REPORTS}


def orders_file(path, first, count):
    """Orders of one's own, numbered from `first`; every third buyer comes back."""
    with open(path, "w", encoding="utf-8") as file:
        file.write("order,time,amount,buyer,name\n")
        for i in range(first, first + count):
            file.write(f"T{i},2025-{i % 12 + 1:02}-{i % 28 + 1:02} 10:00:00,{i % 97 + 1}.50,b{i % (count * 2 // 3 + 1)},Ann {i % 50}\n")
    return path


def map_file(path):
    path.write_text(json.dumps({
        "name": "t", "format": "csv", "source": "t", "time_format": "%Y-%m-%d %H:%M:%S", "time_zone": "Europe/London",
        "columns": {"order_number": "order", "order_time": "time", "line_amount": "amount", "buyer_id": "buyer",
                    "buyer_name": "name"},
        "constants": {"currency": "GBP"}, "state_default": "paid"}))
    return path


def whole(check, kind, brand, backup):
    """The file is what its description says, by other tools."""
    check(stat.S_IMODE(os.stat(backup).st_mode) == 0o600, f"{kind} only its owner may read a backup")
    content = backup.read_bytes()
    with tarfile.open(backup) as archive:
        names = archive.getnames()
        told = archive.extractfile("sha256").read().decode().strip()
        manifest = json.loads(archive.extractfile("manifest.json").read())
        config = json.loads(archive.extractfile("huitou.json").read())
        check(hashlib.sha256(content[:-2048]).hexdigest() == told, f"{kind} its SHA-256, computed by hand")
        check(manifest["store"] == brand.kind, f"{kind} the manifest names the database: {manifest}")
        check("store" not in config, f"{kind} no address of a database, which may hold a password: {config}")
        key = (brand.dir / "master.key").read_text().strip()
        check("master.key" not in names and "master.key.locked" not in names, f"{kind} no key: {names}")
        if brand.kind == "sqlite":
            image = gzip.decompress(archive.extractfile("huitou.db.gz").read())
            check(image.startswith(b"SQLite format 3\0"), f"{kind} the part is an SQLite file")
            plain = image
        else:
            tables = {name[6:-8] for name in names if name.startswith("table/")}
            check(tables == set(tables_of(brand)) - {"schema_migration"}, f"{kind} a part for each table: {tables}")
            plain = b"".join(gzip.decompress(archive.extractfile(n).read()) for n in names if n.endswith(".gz"))
        check(key.encode() not in plain and bytes.fromhex(key) not in plain and key.encode() not in content,
              f"{kind} the master key is nowhere in it")


def test_same(check, binary, kind):
    """Nothing at work: each table's rows, and the figures, are the same after a restore."""
    with program.Brand(binary, kind) as brand:
        brand.run("import", "orders", orders_file(brand.base / "o.csv", 0, 3000), "--map", map_file(brand.base / "m.json"))
        with Server(brand) as server:  # an owner, a session
            check(server.request("GET", "/api/v1/session")[0] == 200, f"{kind} the owner is logged in")
            server.stop()
        place = brand.base / "to"
        place.mkdir()
        made = brand.json("backup", place)
        backup = pathlib.Path(made["path"])
        check(backup.parent.resolve() == place.resolve() and backup.stat().st_size == made["bytes"], f"{kind} a name of its own")
        check(len(list(place.iterdir())) == 1, f"{kind} nothing else is left there: {list(place.iterdir())}")
        whole(check, kind, brand, backup)
        before = {table: content_of(brand, table) for table in tables_of(brand)}
        reports = reports_of(brand)
        again = Restored(binary, kind, brand.base)
        try:
            key = brand.base / "kept.key"
            shutil.copy(brand.dir / "master.key", key)
            run = again.try_run("restore", backup, "--key", key, *again.store, "--json")
            check(run.returncode == 0, f"{kind} restore: {run.stdout}{run.stderr}")
            told = json.loads(run.stdout)
            check(told["equal"] and told["orders"] == 3000, f"{kind} restore verifies: {told}")
            for table, content in before.items():
                if table not in TABLES_APART:
                    check(content_of(again, table) == content, f"{kind} table {table}: {content_of(again, table)} is not {content}")
            check(reports_of(again) == reports, f"{kind} the figures are the same")
            check(again.sql("SELECT COUNT(*) FROM staff_session") == [["0"]], f"{kind} all logins have ended")
            check(stat.S_IMODE(os.stat(again.dir / "master.key").st_mode) == 0o600 and
                  stat.S_IMODE(os.stat(again.dir).st_mode) == 0o700, f"{kind} modes of what was made")
            check(again.json("verify")["equal"], f"{kind} verify afterwards")
            again.run("import", "orders", orders_file(brand.base / "more.csv", 3000, 100), "--map", brand.base / "m.json")
            check(again.sql("SELECT COUNT(*) FROM orders") == [["3100"]], f"{kind} it takes orders on")
            with Server(again) as server:
                check(server.login()["name"] == "Owner", f"{kind} the owner logs in to what was restored")
            run = again.try_run("restore", backup, "--key", key, *again.store, "--json")
            check(codes(run) == ["HOME_EXISTS"], f"{kind} nothing is overwritten: {run.stdout}")
        finally:
            again.close()


LOAD_ORDERS = 100000  # more than an idle machine imports while it makes a backup


class Writers(threading.Thread):
    """Small commands through the API until told to stop; remembers what was acknowledged."""

    def __init__(self, server, customer_ids):
        super().__init__()
        self.server, self.customer_ids = server, customer_ids
        self.acknowledged, self.failed, self.over = [], [], threading.Event()

    def run(self):
        number = 0
        while not self.over.is_set():
            number += 1
            customer, tag = self.customer_ids[number % len(self.customer_ids)], f"t{number}"
            status, answer = self.server.request("PUT", f"/api/v1/customers/{customer}/tags/{tag}", {})
            if status in (200, 204):
                self.acknowledged.append((time.time(), tag))
            else:
                self.failed.append((status, answer))


def test_under_load(check, binary, kind):
    """Backups while the API writes and an import runs beside it: each restores, verifies, and holds all that was
    acknowledged before it began."""
    with program.Brand(binary, kind) as brand:
        brand.run("import", "orders", orders_file(brand.base / "o.csv", 0, 2000), "--map", map_file(brand.base / "m.json"))
        ids = [row[0] for row in brand.sql("SELECT customer_id FROM customer ORDER BY 1 LIMIT 50")]
        with Server(brand) as server:
            writers = Writers(server, ids)
            writers.start()
            imports = subprocess.Popen(brand.command("import", "orders", orders_file(brand.base / "big.csv", 5000, LOAD_ORDERS), "--map",
                                                     brand.base / "m.json", "--batch-orders", "300"),
                                       cwd=brand.base, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            backups = []
            time.sleep(0.5)
            for i in range(3):
                began = time.time()
                path = brand.base / f"load-{i}.backup"
                run = brand.try_run("backup", path, "--json")
                check(run.returncode == 0, f"{kind} backup under load: {run.stdout}{run.stderr}")
                backups.append((began, path, imports.poll() is None))
            check(backups[0][2], f"{kind} the import was still at work after the first backup")
            said = imports.communicate()[1].decode()
            writers.over.set()
            writers.join()
            check(imports.returncode == 0, f"{kind} the import beside the server: {said}")
            check(not writers.failed, f"{kind} no small command failed: {writers.failed[:3]}")
            check(len(writers.acknowledged) > 20, f"{kind} commands went on: {len(writers.acknowledged)}")
            listed = server.request("GET", "/api/v1/backups")[1]["items"]
            check(len(listed) == 3 and not any(one["has_file"] for one in listed), f"{kind} all are noted: {listed}")
            check(server.stop() == 0, f"{kind} the server ends well")
        check(brand.json("verify")["equal"], f"{kind} the brand verifies after all this")
        for began, path, _ in backups:
            again = Restored(binary, kind, brand.base)
            try:
                run = again.try_run("restore", path, "--key", brand.dir / "master.key", *again.store, "--json")
                told = json.loads(run.stdout)
                check(run.returncode == 0 and told["equal"], f"{kind} restore of a backup under load: {told}{run.stderr}")
                tags = {row[0] for row in again.sql("SELECT name FROM tag")}
                lost = [tag for at, tag in writers.acknowledged if at < began and tag not in tags]
                check(not lost, f"{kind} acknowledged before the backup and not in it: {lost[:5]}")
                check(2000 <= int(again.sql("SELECT COUNT(*) FROM orders")[0][0]) <= 2000 + LOAD_ORDERS, f"{kind} orders of the moment")
            finally:
                again.close()


def test_damage(check, binary, kind):
    """A byte changed in every region of the file, the file cut off or longer: refused before anything is made."""
    with program.Brand(binary, kind) as brand:
        brand.run("import", "orders", orders_file(brand.base / "o.csv", 0, 50), "--map", map_file(brand.base / "m.json"))
        backup = brand.base / "good.backup"
        brand.run("backup", backup)
        good = backup.read_bytes()
        regions = {0, 1, 100, 124, 136, 148, 156, 257, 345, 511, 512, 600, len(good) - 1, len(good) - 600, len(good) - 1024,
                   len(good) - 1025, len(good) - 1500, len(good) - 2047, len(good) - 2048, len(good) - 2049}
        dice = random.Random(7)
        regions |= {dice.randrange(len(good)) for _ in range(30)}
        bad = brand.base / "bad.backup"
        again = Restored(binary, kind, brand.base)

        def refused(what, allowed=("ARCHIVE_BAD",)):
            run = again.try_run("restore", bad, "--key", brand.dir / "master.key", *again.store, "--json")
            check(run.returncode == 1 and codes(run)[0] in allowed, f"{kind} {what}: exit {run.returncode} {run.stdout}")
            check(not again.dir.exists(), f"{kind} {what}: nothing is made")
        try:
            for at in sorted(regions):
                bad.write_bytes(good[:at] + bytes([good[at] ^ 1 << dice.randrange(8)]) + good[at + 1:])
                refused(f"a bit at byte {at} of {len(good)}")
            for n in (0, 1, 511, 512, 2048, len(good) // 2, len(good) - 512, len(good) - 1):
                bad.write_bytes(good[:n])
                refused(f"cut off at {n}", ("ARCHIVE_BAD", "ARCHIVE_OTHER"))
            bad.write_bytes(good + bytes(512))
            refused("longer by a block")
            bad.write_bytes(good + b"x")
            refused("longer by a byte")
            bad.write_text("order,time\n" * 100)
            refused("a CSV file", ("ARCHIVE_OTHER",))
            if kind == "postgres":
                check(program.postgres("SELECT COUNT(*) FROM pg_tables WHERE schemaname = 'public'", again.database) == [["0"]],
                      f"{kind} the database is as empty as before")
        finally:
            again.close()


def test_refusals(check, binary, kind):
    with program.Brand(binary, kind) as brand, program.Brand(binary, kind) as other:
        backup = brand.base / "one.backup"
        brand.run("backup", backup)
        run = brand.try_run("backup", backup, "--json")
        check(codes(run) == ["BACKUP_EXISTS"], f"{kind} a backup overwrites nothing: {run.stdout}")
        place = brand.base / "place"
        place.mkdir()
        made = {brand.json("backup", place)["path"] for _ in range(4)}  # some of them within one second
        check(len(made) == len(list(place.glob("huitou-*.backup"))) == 4, f"{kind} each backup into a folder has a name of its own: {made}")
        run = brand.try_run("backup", brand.base / "no" / "where", "--json")
        check(codes(run) == ["FILE_FOLDER"], f"{kind} a folder that is not there: {run.stdout}")
        again = Restored(binary, kind, brand.base)

        def refused(what, code, *flags):
            run = again.try_run("restore", backup, *flags, *again.store, "--json")
            check(run.returncode == 1 and codes(run) == [code], f"{kind} {what}: {run.stdout}{run.stderr}")
            check(not again.dir.exists(), f"{kind} {what}: nothing is made")
        try:
            refused("without a key", "BACKUP_KEY_NEEDED")
            refused("another brand's key", "BACKUP_KEY_OTHER", "--key", other.dir / "master.key")
            refused("no key at all", "HOME_KEY", "--key", brand.base / "none")
            open_key = brand.base / "open.key"
            shutil.copy(brand.dir / "master.key", open_key)
            open_key.chmod(0o644)
            refused("a key that others may read", "HOME_KEY_MODE", "--key", open_key)
            again.dir.mkdir()
            (again.dir / "mine").write_text("x")
            run = again.try_run("restore", backup, "--key", brand.dir / "master.key", *again.store, "--json")
            check(codes(run) == ["HOME_NOT_EMPTY"] and os.listdir(again.dir) == ["mine"], f"{kind} a directory in use: {run.stdout}")
            shutil.rmtree(again.dir)
            wrong = [] if kind == "postgres" else ["--store", program.postgres_url()]
            run = again.try_run("restore", backup, "--key", brand.dir / "master.key", *wrong, "--json")
            check(codes(run) == ["BACKUP_STORE"] and not again.dir.exists(), f"{kind} the other database: {run.stdout}")
            if kind == "postgres":
                url = urllib.parse.urlsplit(program.postgres_url())._replace(path="/" + brand.database)
                run = again.try_run("restore", backup, "--key", brand.dir / "master.key", "--store",
                                    urllib.parse.urlunsplit(url), "--json")
                check(codes(run) == ["STORE_NOT_EMPTY"] and not again.dir.exists(), f"{kind} a database in use: {run.stdout}")
                check(brand.json("verify")["equal"], f"{kind} which is as it was")
        finally:
            again.close()


def test_key(check, binary, kind):
    """The key inside, locked by a passphrase."""
    with program.Brand(binary, kind) as brand:
        brand.run("import", "orders", orders_file(brand.base / "o.csv", 0, 30), "--map", map_file(brand.base / "m.json"))
        words = brand.base / "words"
        words.write_text("correct horse battery staple\n")
        backup = brand.base / "keyed.backup"
        made = brand.json("backup", backup, "--with-key", "--passphrase-file", words)
        check(made["with_key"], f"{kind} with the key: {made}")
        key = (brand.dir / "master.key").read_text().strip()
        content = backup.read_bytes()
        check(key.encode() not in content and bytes.fromhex(key) not in content, f"{kind} not in the clear")
        short = brand.base / "short"
        short.write_text("too short")
        run = brand.try_run("backup", brand.base / "x.backup", "--with-key", "--passphrase-file", short, "--json")
        check(codes(run) == ["BACKUP_PASSPHRASE"], f"{kind} a short passphrase: {run.stdout}")
        again = Restored(binary, kind, brand.base)
        try:
            run = again.try_run("restore", backup, *again.store, "--json", stdin=subprocess.DEVNULL)
            check(codes(run) == ["BACKUP_PASSPHRASE_NEEDED"], f"{kind} without the passphrase: {run.stdout}{run.stderr}")
            words.write_text("correct horse battery stapler\n")
            run = again.try_run("restore", backup, "--passphrase-file", words, *again.store, "--json")
            check(codes(run) == ["SECRET_PASSPHRASE"] and not again.dir.exists(), f"{kind} another passphrase: {run.stdout}")
            words.write_text("correct horse battery staple\n")
            run = again.try_run("restore", backup, "--passphrase-file", words, *again.store, "--json")
            check(run.returncode == 0 and json.loads(run.stdout)["equal"], f"{kind} with it: {run.stdout}{run.stderr}")
            check((again.dir / "master.key").read_text().strip() == key, f"{kind} it is the same key")
        finally:
            again.close()


def test_drill(check, binary, kind):
    with program.Brand(binary, kind) as brand:
        brand.run("import", "orders", orders_file(brand.base / "o.csv", 0, 30), "--map", map_file(brand.base / "m.json"))
        backup = brand.base / "one.backup"
        brand.run("backup", backup)
        check(brand.sql("SELECT COUNT(*) FROM backup WHERE restored_at IS NULL") == [["1"]], f"{kind} not restored yet")
        again = Restored(binary, kind, brand.base)
        try:
            run = brand.try_run("drill", backup, *again.store, "--json")
            check(run.returncode == 0 and json.loads(run.stdout)["equal"], f"{kind} drill: {run.stdout}{run.stderr}")
            check(brand.sql("SELECT COUNT(*) FROM backup WHERE restored_at > made_at") == [["1"]], f"{kind} it is noted")
            check(os.listdir(brand.dir / "tmp") == [], f"{kind} nothing is left: {os.listdir(brand.dir / 'tmp')}")
        finally:
            again.close()


def altered(good, path, alter):
    """A whole backup whose parts are others: alter(name, content) → the part's content; None: it is left out."""
    out, trailer = b"", good.read_bytes()[-2048:]
    with tarfile.open(good) as archive:
        for info in archive.getmembers():
            data = None if info.name == "sha256" else alter(info.name, archive.extractfile(info).read())
            if data is None:
                continue
            info.size = len(data)
            out += info.tobuf(tarfile.USTAR_FORMAT) + data + bytes(-len(data) % 512)
    said = hashlib.sha256(out).hexdigest().encode() + b"\n"
    path.write_bytes(out + trailer[:512] + said + bytes(512 - len(said)) + bytes(1024))


def older(brand, good, path):
    """The same backup as the program of one migration ago would have made it: its newest column taken out by other tools, the
    archive put together anew."""
    last = int(brand.sql("SELECT MAX(number) FROM schema_migration")[0][0])

    def alter(name, data):
        if name == "manifest.json":
            manifest = json.loads(data)
            assert manifest["schema_number"] == last
            return json.dumps(manifest | {"schema_number": last - 1}).encode()
        if name == f"table/{program.NEWEST_COLUMN[0]}.copy.gz":
            rows = [row.split("\t") for row in gzip.decompress(data).decode().splitlines()]
            assert rows[0][-1] == program.NEWEST_COLUMN[1]
            return gzip.compress("".join("\t".join(row[:-1]) + "\n" for row in rows).encode())
        if name == "huitou.db.gz":
            image = path.with_suffix(".db")
            image.write_bytes(gzip.decompress(data))
            subprocess.run(["sqlite3", image, f"{program.WITHOUT_NEWEST}; "
                            f"DELETE FROM schema_migration WHERE number = {last}"], check=True)
            return gzip.compress(image.read_bytes())
        return data
    altered(good, path, alter)
    return last


def without_an_order(path, name, data):
    if name == "table/orders.copy.gz":
        rows = gzip.decompress(data).splitlines(keepends=True)
        return gzip.compress(b"".join(rows[:-1]))
    if name == "huitou.db.gz":
        image = path.with_suffix(".db")
        image.write_bytes(gzip.decompress(data))
        subprocess.run(["sqlite3", image, "DELETE FROM orders WHERE order_id = (SELECT MAX(order_id) FROM orders)"], check=True)
        return gzip.compress(image.read_bytes())
    return data


def test_older(check, binary, kind):
    """A backup of an older schema is restored and brought up; one of a newer schema is refused."""
    with program.Brand(binary, kind) as brand:
        brand.run("import", "orders", orders_file(brand.base / "o.csv", 0, 80), "--map", map_file(brand.base / "m.json"))
        good, old = brand.base / "good.backup", brand.base / "old.backup"
        brand.run("backup", good)
        last = older(brand, good, old)
        again = Restored(binary, kind, brand.base)
        try:
            run = again.try_run("restore", old, "--key", brand.dir / "master.key", *again.store, "--json")
            check(run.returncode == 0 and json.loads(run.stdout)["equal"], f"{kind} an older backup: {run.stdout}{run.stderr}")
            check(again.sql("SELECT MAX(number) FROM schema_migration") == [[str(last)]], f"{kind} is brought up")
            check(reports_of(again) == reports_of(brand), f"{kind} with the same figures")
        finally:
            again.close()
        # Whole as a file, and an order short: verify says so, and it does not count as restored.
        short = brand.base / "short.backup"
        altered(good, short, lambda name, data: without_an_order(short, name, data))
        again = Restored(binary, kind, brand.base)
        try:
            run = again.try_run("restore", short, "--key", brand.dir / "master.key", *again.store, "--json")
            check(run.returncode == 1 and not json.loads(run.stdout)["equal"], f"{kind} a backup that is an order short: {run.stdout}{run.stderr}")
            check(again.sql("SELECT COUNT(*) FROM backup WHERE restored_at IS NOT NULL") == [["0"]], f"{kind} it does not count as restored")
        finally:
            again.close()
        # Whole as a file, and no database inside: it is found while it is being restored, and nothing is left of that.
        torn = brand.base / "torn.backup"
        altered(good, torn, lambda name, data: gzip.compress(b"no\tdatabase\n" * 500) if name in ("huitou.db.gz", "table/orders.copy.gz")
                else data)
        again = Restored(binary, kind, brand.base)
        try:
            run = again.try_run("restore", torn, "--key", brand.dir / "master.key", *again.store, "--json")
            check(run.returncode == 1 and not again.dir.exists(), f"{kind} a backup of no database: {run.stdout}{run.stderr}")
        finally:
            again.close()
        text = good.read_bytes()
        name = b'"schema_number": %d' % last
        assert text.count(name) == 1
        text = text.replace(name, b'"schema_number": %d' % (last + 1))[:-2048]
        said = hashlib.sha256(text).hexdigest().encode() + b"\n"
        new = brand.base / "new.backup"
        new.write_bytes(text + good.read_bytes()[-2048:-1536] + said + bytes(512 - len(said)) + bytes(1024))
        again = Restored(binary, kind, brand.base)
        try:
            run = again.try_run("restore", new, "--key", brand.dir / "master.key", *again.store, "--json")
            check(codes(run) == ["BACKUP_VERSION"] and not again.dir.exists(), f"{kind} a newer backup: {run.stdout}")
        finally:
            again.close()


def test_erasures(check, binary, kind):
    """Who is erased after a backup is erased again when it is restored, by the log of the directory that was, or by that beside
    the backup; and comes back, which is said, where there is none."""
    with program.Brand(binary, kind) as brand:
        brand.run("import", "orders", orders_file(brand.base / "o.csv", 0, 60), "--map", map_file(brand.base / "m.json"))
        place = brand.base / "to"
        place.mkdir()
        backup = pathlib.Path(brand.json("backup", place)["path"])
        gone = brand.sql("SELECT customer_id FROM identity ORDER BY 1 LIMIT 1")[0][0]
        keyed = f"SELECT COUNT(*) FROM customer WHERE customer_id = {gone} AND data_key IS NOT NULL"
        check(brand.sql(keyed) == [["1"]], f"{kind} there is somebody to erase")
        with Server(brand) as server:  # something that the backup does not know of them
            status, _ = server.request("POST", f"/api/v1/customers/{gone}/identities", {"kind": "phone", "value": "13911112222"})
            check(status == 200, f"{kind} a phone: {status}")
            server.stop()
        torn = brand.dir / "erasures.log"
        torn.write_text('{"erasure_id": "12')  # as a power cut leaves a line
        torn.chmod(0o600)
        brand.run("customer", "erase", gone, "--confirm", gone)
        check(brand.sql(keyed) == [["0"]], f"{kind} who is erased")
        log = brand.dir / "erasures.log"
        totals = brand.json("report", "totals")["sections"]

        def restored(what, erased, known, *flags):
            again = Restored(binary, kind, brand.base)
            try:
                run = again.try_run("restore", backup, "--key", brand.dir / "master.key", *flags, *again.store, "--json")
                told = json.loads(run.stdout)
                check(run.returncode == 0 and told["equal"], f"{kind} {what}: {run.stdout}{run.stderr}")
                check((told["erased"], told["erasures_known"]) == (erased, known), f"{kind} {what}: it says so: {told}")
                check(again.sql(keyed) == [["0" if erased else "1"]], f"{kind} {what}: the key")
                if erased:
                    check(again.sql(f"SELECT COUNT(*) FROM identity WHERE customer_id = {gone}") == [["0"]], f"{kind} {what}: identities")
                    check(again.json("report", "totals")["sections"] == totals, f"{kind} {what}: the figures stay")
                    check(content_of(again, "erased_identity") == content_of(brand, "erased_identity") and
                          content_of(again, "erased_identity")[0] == 2, f"{kind} {what}: what must not bring them back")
                    check(gone in (again.dir / "erasures.log").read_text(), f"{kind} {what}: the new directory's own log has it")
            finally:
                again.close()
        restored("without a log", 0, False)
        restored("with the directory's log", 1, True, "--erasures", log)
        brand.run("backup", place)  # copies the log beside the backups
        check((place / "erasures.log").read_bytes() == log.read_bytes(), f"{kind} the log lies beside the backups")
        restored("with the log beside the backup", 1, True)
        again = Restored(binary, kind, brand.base)
        try:
            run = again.try_run("restore", backup, "--key", brand.dir / "master.key", "--erasures", brand.base / "none", *again.store,
                                "--json")
            check(codes(run) == ["FILE_OPEN"] and not again.dir.exists(), f"{kind} a log that is not there: {run.stdout}")
        finally:
            again.close()


def test_rebuild(check, binary, kind):
    """What follows from the facts, taken away by plain SQL, is made again as it was."""
    with program.Brand(binary, kind) as brand:
        brand.run("import", "orders", orders_file(brand.base / "o.csv", 0, 200), "--map", map_file(brand.base / "m.json"))
        before = {table: content_of(brand, table) for table in ("calendar", "lookup", "customer_name_hash")}
        found = brand.json("customer", "find", "Ann 7")["customers"]
        check(len(found) > 0, f"{kind} somebody is found by name")
        brand.sql("DELETE FROM calendar WHERE day > 20000")
        brand.sql("DELETE FROM lookup")
        brand.sql("DELETE FROM customer_name_hash WHERE kind <> 1")
        check(brand.try_run("verify").returncode == 1, f"{kind} verify sees that it is gone")
        check(brand.json("customer", "find", "Ann 7")["customers"] == [], f"{kind} nobody is found")
        check(brand.json("rebuild")["names"] > 0, f"{kind} rebuild")
        for table, content in before.items():
            check(content_of(brand, table) == content, f"{kind} {table} is as it was")
        check(brand.json("verify")["equal"], f"{kind} verify")
        check(brand.json("customer", "find", "Ann 7")["customers"] == found, f"{kind} and found again")
        brand.sql("UPDATE calendar SET month = month + 1 WHERE day = 19000")
        stray = "decode(repeat('ab', 16), 'hex')" if kind == "postgres" else f"x'{'ab' * 16}'"
        brand.sql(f"INSERT INTO lookup (kind, hash, customer_id, object_id) VALUES (5, {stray}, 1, 1)")
        check(brand.try_run("verify").returncode == 1, f"{kind} verify sees what is wrong")
        brand.run("rebuild")
        check(brand.json("verify")["equal"] and content_of(brand, "lookup") == before["lookup"], f"{kind} made good")


def test_console(check, binary, kind):
    """The same through the API: begun, listed, downloaded; in the audit trail."""
    with program.Brand(binary, kind) as brand, api.Server(brand.command("serve")) as server:
        owner = server.set_up()
        brand.run("import", "orders", orders_file(brand.base / "o.csv", 0, 30), "--map", map_file(brand.base / "m.json"))
        owner.call("createBackup", body={"passphrase": "short"}, expect="BACKUP_PASSPHRASE")
        owner.call("createBackup", body={"passphrase": "a" * 12 + chr(0)}, expect={"BACKUP_PASSPHRASE", "FIELD_TEXT", 400, 422})
        begun = owner.call("createBackup", body={"passphrase": "correct horse battery staple"})
        check(begun["running"], f"{kind} begun: {begun.json}")
        owner.call("createBackup", body={}, expect="BACKUP_RUNNING")  # the lock of the key takes its time
        until = time.monotonic() + 60
        while time.monotonic() < until and (listed := owner.call("listBackups"))["running"]:
            check(listed["items"] == [], f"{kind} listed before it is whole: {listed.json}")
            time.sleep(0.05)
        listed = owner.call("listBackups")
        check(listed["error"] is None and len(listed["items"]) == 1, f"{kind} listed: {listed.json}")
        one = listed["items"][0]
        check(one["has_file"] and one["with_key"] and not one["made_by"].startswith("cli:"), f"{kind} what it is: {one}")
        reply = owner.call("downloadBackup", {"backup_id": one["backup_id"]})
        content = reply.body
        check(len(content) == one["bytes"] and hashlib.sha256(content[:-2048]).hexdigest() == one["sha256"], f"{kind} downloaded")
        check(".backup" in reply.headers["content-disposition"], f"{kind} offered under its name: {reply.headers}")
        check(pathlib.Path(one["path"]).exists(), f"{kind} the file stays")
        trail = owner.call("listAudit")["items"]
        operations = [row["operation"] for row in trail]
        taken = [row["object"] for row in trail if row["operation"] == "downloadBackup"]
        check(taken == [f"backup:{one['backup_id']}"], f"{kind} which one was taken: {taken}")
        check(operations.count("createBackup") == 1 and "downloadBackup" in operations,
              f"{kind} in the audit trail, and nothing that was refused: {operations}")
        review = owner.call("getSecurityReview")
        check({point["check"]: point["state"] for point in review["items"]}["backup_place"] == "attend", f"{kind} the review sees it")
        file = brand.base / "downloaded.backup"
        file.write_bytes(content)
        (brand.base / "words").write_text("correct horse battery staple\n")
        again = Restored(binary, kind, brand.base)
        try:
            run = again.try_run("restore", file, "--passphrase-file", brand.base / "words", *again.store, "--json")
            check(run.returncode == 0 and json.loads(run.stdout)["equal"], f"{kind} what was downloaded restores: {run.stderr}")
        finally:
            again.close()
        # What cannot be made is told, not listed, and leaves nothing.
        config = brand.dir / "huitou.json"
        config.rename(brand.dir / "away.json")
        owner.call("createBackup", body={})
        until = time.monotonic() + 60
        while time.monotonic() < until and owner.call("listBackups")["running"]:
            time.sleep(0.05)
        (brand.dir / "away.json").rename(config)
        listed = owner.call("listBackups")
        check(listed["error"] and len(listed["items"]) == 1, f"{kind} a backup that could not be made: {listed.json}")
        check(len(list((brand.dir / "backups").iterdir())) == 1, f"{kind} and left a file: {list((brand.dir / 'backups').iterdir())}")
        # The record's path is not a way to other files.
        for path in (brand.dir / "huitou.json", f"{brand.dir}/backups/../master.key", f"{brand.dir}/backups/none"):
            brand.sql(f"UPDATE backup SET path = '{path}'")
            owner.call("downloadBackup", {"backup_id": one["backup_id"]}, expect="BACKUP_UNKNOWN")
        check(not owner.call("listBackups")["items"][0]["has_file"], f"{kind} the list offers none of them")


TESTS = (test_same, test_refusals, test_key, test_drill, test_erasures, test_older, test_rebuild, test_damage, test_console, test_under_load)


def main():
    arguments = program.arguments(__doc__, only={"default": ""}, database={})
    tally = program.Tally()
    for test in TESTS:
        for kind in program.chosen(arguments):
            if arguments.only in test.__name__:
                test(tally.check, arguments.binary, kind)
    tally.finish()


if __name__ == "__main__":
    main()
