#!/usr/bin/env python3
"""The demo brand, on both databases: what it holds is counted from the CSV by this file, without any of our code; made twice it is
the same; removed it leaves nothing; a brand of one's own is never touched. And over HTTP: made from the set-up link, entered,
removed while others read, then one's own brand in its place.

    python3 test/reference/demo_test.py [--binary build/release/huitou]
"""
import csv
import datetime
import decimal
import gzip
import hashlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import zoneinfo

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import api  # noqa: E402
import program  # noqa: E402

ZONE = zoneinfo.ZoneInfo("Europe/London")
REPORTS = ["totals", "repurchase", "frequency", "nday", "cohorts", "cohort-revenue", "second-purchase", "rhythm", "monthly",
           "by-first-product", "by-channel", "concentration", "rfm", "overdue"]
PASSWORD = "a long sentence about tea"
WRONG_ROWS = 7       # demo_orders.c
SECOND_ACCOUNTS = 12  # demo_customers.c
SHARED_PHONES = 9

args = program.arguments(__doc__)
tally = program.Tally()
check = tally.check


class Facts:
    """Of the CSV: orders are invoices without a letter, with a customer, of lines with a quantity and a price above 0."""

    def __init__(self):
        cents = {}
        self.customers, self.by_day, self.all_last = set(), {}, None
        with gzip.open(program.ONLINE_RETAIL, "rt", encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                day = datetime.date.fromisoformat(row["InvoiceDate"][:10])
                self.all_last = max(self.all_last or day, day)
                price = decimal.Decimal(row["UnitPrice"])
                if not row["InvoiceNo"].isdigit() or not row["CustomerID"] or price <= 0 or int(row["Quantity"]) <= 0:
                    continue
                order = cents.setdefault(row["InvoiceNo"], [day, decimal.Decimal(0)])
                order[1] += price * int(row["Quantity"])
                self.customers.add(row["CustomerID"])
        self.orders = len(cents)
        # An order's amount is paid in whole pence.
        self.revenue = sum(amount.quantize(decimal.Decimal("0.01"), decimal.ROUND_HALF_UP) for _, amount in cents.values())
        for day, _ in cents.values():
            self.by_day[day] = self.by_day.get(day, 0) + 1


class Demo:
    """A demo brand in a temporary directory, made by the command line."""

    serial = 0

    def __init__(self, kind, seed=1, lang="en"):
        self.kind = kind
        self.base = pathlib.Path(tempfile.mkdtemp(prefix="huitou-demo-"))
        self.dir, self.database, self.store = self.base / "brand", None, []
        if kind == "postgres":
            Demo.serial += 1
            self.database = f"demo_test_{os.getpid()}_{Demo.serial}"
            program.postgres(f"CREATE DATABASE {self.database} TEMPLATE template0 ENCODING 'UTF8'")
            url = urllib.parse.urlsplit(program.postgres_url())._replace(path="/" + self.database)
            self.store = ["--store", urllib.parse.urlunsplit(url)]
        self.lang, self.seed = lang, seed

    def make(self):
        return self.try_run("demo", "--json", "--seed", str(self.seed), *self.store)

    def try_run(self, *words):
        command = [args.binary, "--lang", self.lang, "--dir", str(self.dir), *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=self.base)

    def json(self, *words):
        run = self.try_run(*words, "--json")
        if run.returncode:
            raise RuntimeError(run.stdout + run.stderr)
        return json.loads(run.stdout, parse_float=decimal.Decimal)

    sql = program.Brand.sql

    def close(self):
        shutil.rmtree(self.base, ignore_errors=True)
        if self.database:
            program.postgres(f"DROP DATABASE IF EXISTS {self.database} WITH (FORCE)")

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()


def yesterday():
    return datetime.datetime.now(ZONE).date() - datetime.timedelta(days=1)


def section(report, name):
    return report["sections"][name]


def check_counts(demo, facts, made):
    kind = demo.kind
    last = yesterday()
    check(made["last_day"] == str(last), f"{kind}: says that the last order was on {made['last_day']}, not {last}")
    totals = section(demo.json("report", "totals", "--amount", "gross"), "totals")[0]
    check(totals["customers"] == len(facts.customers), f"{kind}: {totals['customers']} customers")
    check(totals["orders"] == facts.orders, f"{kind}: {totals['orders']} orders")
    amount = totals["gross_amount"]
    check(amount == facts.revenue, f"{kind}: {amount} paid, the CSV has {facts.revenue}")
    epoch = datetime.date(1970, 1, 1)
    shift = last - facts.all_last
    rows = demo.sql("SELECT paid_day, COUNT(*) FROM orders o JOIN customer c ON c.customer_id = o.customer_id "
                    "WHERE c.placeholder = 0 AND o.amount_minor > 0 GROUP BY paid_day")
    got = {epoch + datetime.timedelta(days=int(day)): int(count) for day, count in rows}
    wanted = {day + shift: count for day, count in facts.by_day.items()}
    check(got == wanted, f"{kind}: orders by day differ on {sorted(set(got.items()) ^ set(wanted.items()))[:5]}")


def check_life(demo, made):
    kind = demo.kind
    check(made["staff"] == 7 and made["merged"] == SECOND_ACCOUNTS, f"{kind}: {made}")
    check(demo.sql("SELECT COUNT(*) FROM staff WHERE password_hash <> ''") == [["0"]], f"{kind}: somebody has a password")
    proposals = demo.json("customer", "proposals")["proposals"]
    check(len(proposals) == SHARED_PHONES, f"{kind}: {len(proposals)} proposals wait")
    runs = demo.sql("SELECT rejected_row_count FROM import_run ORDER BY import_id")
    check([int(row[0]) for row in runs] == [0, WRONG_ROWS], f"{kind}: imports rejected {runs}")
    tags = demo.sql("SELECT t.name, COUNT(*) FROM customer_tag c JOIN tag t ON t.tag_id = c.tag_id GROUP BY t.name ORDER BY t.name")
    check(len(tags) == 4 and all(int(count) >= 50 for _, count in tags), f"{kind}: tags {tags}")
    keepers = demo.sql("SELECT COUNT(DISTINCT staff_id), COUNT(*) FROM customer_keeper")
    check(int(keepers[0][0]) == 4 and int(keepers[0][1]) > 150, f"{kind}: keepers {keepers}")
    check(demo.sql("SELECT demo FROM brand") == [["2"]], f"{kind}: is not marked as a finished demo")
    consents = demo.sql("SELECT given, COUNT(DISTINCT customer_id) FROM consent GROUP BY given ORDER BY given")
    check([row[0] for row in consents] == ["0", "1"] and int(consents[1][1]) >= 100, f"{kind}: consents {consents}")
    verify = demo.try_run("verify")
    check(verify.returncode == 0, f"{kind}: verify: {verify.stdout}{verify.stderr}")
    late = demo.sql(f"SELECT COUNT(*) FROM event WHERE recorded_at > {int(time.time() * 1e6)}")
    check(late == [["0"]], f"{kind}: {late} events of the future")


def people(demo):
    """Of some customers: what the seed made of them."""
    found = {}
    for number in ("17850", "13047", "12583", "14688", "15311", "12346", "18287", "16029", "12748", "14911"):
        one = demo.json("customer", "find", number)["customers"]
        found[number] = [[c["name"], sorted((i["kind"], i["value"]) for i in c["identities"])] for c in one]
    return found


def without_ids(rows):
    """Ids are of the moment of making; where they part rows that are alike otherwise, the order is theirs too."""
    plain = [{key: value for key, value in row.items() if key != "customer_id"} for row in rows]
    return sorted(plain, key=lambda row: json.dumps(row, default=str))


def everything(demo):
    sections = {name: {key: without_ids(rows) for key, rows in demo.json("report", name)["sections"].items()}
                for name in REPORTS}
    return sections | {"people": people(demo)}


def check_removed(demo):
    kind = demo.kind
    run = demo.try_run("demo", "--remove")
    check(run.returncode == 0, f"{kind}: remove: {run.stdout}{run.stderr}")
    check(not demo.dir.exists(), f"{kind}: left on disk: {list(demo.dir.rglob('*')) if demo.dir.exists() else ''}")
    check(list(demo.base.iterdir()) == [], f"{kind}: left beside: {list(demo.base.iterdir())}")
    if kind == "postgres":
        left = program.postgres("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace", demo.database)
        check(left == [], f"left in the database: {left}")


def command_line(facts):
    for kind in program.KINDS:
        with Demo(kind) as demo:
            run = demo.make()
            if not check(run.returncode == 0, f"{kind}: demo: {run.stdout}{run.stderr}"):
                continue
            made = json.loads(run.stdout)
            print(f"{kind}: made in {made['took_ms']} ms", flush=True)
            check_counts(demo, facts, made)
            check_life(demo, made)
            first = everything(demo)
            again = demo.make()
            check(again.returncode == 1 and "DEMO_EXISTS" in again.stdout, f"{kind}: made over a demo: {again.stdout}")
            check_removed(demo)
            demo.make()
            second = everything(demo)
            check(second == first, f"{kind}: made again, it is not the same: {[k for k in first if first[k] != second[k]]}")
            check_removed(demo)
        with Demo(kind, seed=2, lang="zh") as other:
            other.make()
            second = everything(other)
            check(second["totals"] == first["totals"] and second["people"] != first["people"], f"{kind}: another seed")
            check("演示" in other.sql("SELECT name FROM brand")[0][0], f"{kind}: its name in Chinese")


def digest(folder):
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith(("lock", "huitou.db-"))}


def real_brands():
    for kind in program.KINDS:
        with program.Brand(args.binary, kind, name="My own") as brand:
            before = digest(brand.dir)
            for words, error in ((["demo"], "DEMO_REAL_BRAND"), (["demo", "--remove"], "DEMO_NOT")):
                run = brand.try_run(*words, "--json")
                check(run.returncode == 1 and error in run.stdout, f"{kind}: {words}: {run.stdout}{run.stderr}")
                check(digest(brand.dir) == before, f"{kind}: {words} changed a brand of one's own")
            run = brand.try_run("verify")
            check(run.returncode == 0, f"{kind}: one's own brand afterwards: {run.stderr}")
            server = Server(brand.dir)
            try:
                for path, error in (("/api/v1/demo", "DEMO_REAL_BRAND"), ("/api/v1/demo/session", "DEMO_NOT")):
                    status, reply, _ = server.ask("POST", path, {"token": server.token})
                    check(status == 409 and codes(reply) == [error], f"{kind}: {path}: {status} {reply}")
            finally:
                server.stop()
    with Demo("sqlite") as demo:
        demo.dir.mkdir()
        (demo.dir / "thesis.txt").write_text("mine")
        run = demo.make()
        check(run.returncode == 1 and "HOME_NOT_EMPTY" in run.stdout, f"a directory with something in it: {run.stdout}")
        check((demo.dir / "thesis.txt").read_text() == "mine", "what was in it")


def broken_off():
    """Killed while it was made, or removed: the next making begins anew."""
    for kind in program.KINDS:
        for after_s in (0.3, 1.5):
            with Demo(kind) as demo:
                command = [args.binary, "--dir", str(demo.dir), "demo", *demo.store]
                process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                time.sleep(after_s)
                process.send_signal(signal.SIGKILL)
                process.wait()
                run = demo.make()
                check(run.returncode == 0, f"{kind}: after a kill at {after_s} s: {run.stdout}{run.stderr}")
                (demo.dir / "huitou.json").rename(demo.dir / "removing.json")
                run = demo.try_run("demo", "--remove")
                check(run.returncode == 0 and not demo.dir.exists(), f"{kind}: a removal that was broken off: {run.stderr}")


KILLS = """
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int rename(const char *from, const char *to)
{
    size_t n = strlen(to), name_n = strlen(getenv("KILL_AT"));
    if (n >= name_n && strcmp(to + n - name_n, getenv("KILL_AT")) == 0)
        kill(getpid(), SIGKILL);
    return renameat(-100, from, -100, to); /* AT_FDCWD */
}
"""


def left_over():
    """Killed between writing a file and giving it its name: what is left of it is swept by the next making, the next removal."""
    with tempfile.TemporaryDirectory(prefix="huitou-kill-") as folder:
        source, library = pathlib.Path(folder) / "kill.c", pathlib.Path(folder) / "kill.so"
        source.write_text(KILLS)
        subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, source], check=True)
        for kind in program.KINDS:
            for name in ("removing.json", "huitou.json"):
                with Demo(kind) as demo:
                    command = [args.binary, "--dir", str(demo.dir), "demo", *demo.store]
                    env = os.environ | {"LD_PRELOAD": str(library), "KILL_AT": "/" + name}
                    run = subprocess.run(command, env=env, capture_output=True, check=False)
                    check(run.returncode == -signal.SIGKILL, f"{kind}: not killed at {name}: {run.returncode}")
                    parts = [one.name for one in demo.dir.iterdir() if one.name.startswith(name + ".")]
                    check(len(parts) == 1, f"{kind}: nothing was left of {name}, so this shows nothing: {parts}")
                    demo.try_run("demo", "--remove")  # with nothing but that in it there is no demo to remove
                    left = list(demo.dir.iterdir()) if demo.dir.exists() else []
                    check(not left, f"{kind}: a removal leaves {left}")
        with Demo("sqlite") as demo:
            demo.dir.mkdir()
            (demo.dir / "removing.json.Ab3dE9").write_text("{")
            run = demo.make()
            check(run.returncode == 0, f"making beside what was left: {run.stdout}{run.stderr}")
            check(not list(demo.dir.glob("removing.json*")), "the making sweeps")
            (demo.dir / "removing.json.Zz3dE9").write_text("{")
            server = Server(demo.dir)
            check(not list(demo.dir.glob("removing.json*")), "a server that starts sweeps")
            server.stop()
            (demo.dir / "removing.json.mine").write_text("mine")
            run = demo.try_run("demo", "--remove")
            check(run.returncode == 0 and [one.name for one in demo.dir.iterdir()] == ["removing.json.mine"],
                  f"what is somebody's own stays: {run.stdout}{run.stderr}")


# --- Over HTTP ---------------------------------------------------------------------------------------------------------

class Server:
    def __init__(self, folder):
        self.folder = folder
        self.contract = api.Contract.of(args.binary)
        self.process = subprocess.Popen([args.binary, "--dir", str(folder), "serve", "--port", "0", "--json"],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(self.process.stderr.read())
        said = json.loads(line)
        self.port = urllib.parse.urlsplit(said["url"]).port
        self.token = said["setup_url"].split("#")[1] if said["setup_url"] else None
        self.cookie = self.csrf = None

    def ask(self, method, path, body=None, cookie=True, csrf=True, lang="en"):
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Accept-Language": lang}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if cookie and self.cookie:
            headers["Cookie"] = self.cookie
        if csrf and self.csrf:
            headers["X-CSRF-Token"] = self.csrf
        raw = json.dumps(body).encode() if body is not None else None
        line.request(method, path, raw, headers)
        answer = line.getresponse()
        reply = api.Reply(answer.status, answer.getheaders(), answer.read())
        line.close()
        self.contract.check(self.operation_at(method, path), reply, api.Request(method, path, raw))
        return reply.status, reply.json, answer.headers.get("Set-Cookie")

    def operation_at(self, method, path):
        """What is asked there, as declared: a plain path before one with a number in it."""
        place = path.split("?")[0]
        fitting = [one for one in self.contract.operations.values()
                   if one.method == method and re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(one.path)), place)]
        return min(fitting, key=lambda one: one.path.count("{"))

    def begin_session(self, status, reply, set_cookie):
        if status == 201:
            self.cookie, self.csrf = set_cookie.split(";")[0], reply["csrf_token"]
        return status, reply

    def wait(self):
        began = time.monotonic()
        while True:
            status, demo, _ = self.ask("GET", "/api/v1/demo")
            if status != 200 or demo["state"] != "at_work":
                return demo, time.monotonic() - began
            time.sleep(0.05)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(30)
        check(code == 0, f"the server ended with {code}: {self.process.stderr.read()[-2000:]}")


def codes(reply):
    return [one["code"] for one in reply["errors"]] if reply and "errors" in reply else []


def wait_for_figures(server):
    for _ in range(200):
        if server.ask("GET", "/api/v1/status")[1]["columns_ready"]:
            return
        time.sleep(0.05)


def made_from_the_link(server):
    status, reply, _ = server.ask("POST", "/api/v1/demo", {"token": "guessed"})
    check(status == 403 and codes(reply) == ["SETUP_LINK"], f"a wrong link makes a demo: {status} {reply}")
    status, reply, _ = server.ask("POST", "/api/v1/demo/session", {"token": server.token})
    check(status == 409, f"entered before it was made: {status} {reply}")
    status, reply, _ = server.ask("POST", "/api/v1/demo", {"token": server.token})
    check(status == 202 and reply["state"] == "at_work", f"making: {status} {reply}")
    status, reply, _ = server.ask("POST", "/api/v1/demo", {"token": server.token})
    check(status == 202, f"asked twice: {status} {reply}")
    status, reply, _ = server.ask("POST", "/api/v1/demo/session", {"token": server.token})
    check(status == 409 and codes(reply) == ["DEMO_MAKING"], f"entered while it is made: {status} {reply}")
    own = {"token": server.token, "brand_name": "Own", "login": "owner", "name": "Owner", "password": PASSWORD}
    status, reply, _ = server.ask("POST", "/api/v1/setup", own)
    check(status == 409 and codes(reply) == ["DEMO_MAKING"], f"a brand set up while the demo is made: {status} {reply}")
    status, reply, _ = server.ask("GET", "/api/v1/demo", lang="zh-CN")
    check(any("\u4e00" <= c <= "\u9fff" for c in reply["step"]), f"the step in Chinese: {reply}")
    demo, seconds = server.wait()
    print(f"made from the link in {seconds:.1f} s", flush=True)
    check(demo["state"] == "ready", f"made: {demo}")
    status, reply, _ = server.ask("POST", "/api/v1/demo", {"token": server.token})
    check(status == 409 and codes(reply) == ["DEMO_EXISTS"], f"made twice: {status} {reply}")


def entered(server):
    status, reply, _ = server.ask("GET", "/api/v1/reports/totals")
    check(status == 401, f"the demo stands open to strangers: {status}")
    for login in ("demo.owner", "demo.agent1"):
        for password in ("", "demo", "demo.owner", PASSWORD):
            status, _, _ = server.ask("POST", "/api/v1/session", {"login": login, "password": password})
            check(status in (401, 422, 429), f"logged in as {login} with {password!r}: {status}")
    status, reply, set_cookie = server.ask("POST", "/api/v1/demo/session", {"token": server.token})
    check(server.begin_session(status, reply, set_cookie)[0] == 201, f"entering: {status} {reply}")
    status, reply, _ = server.ask("POST", "/api/v1/demo/session", {"token": server.token}, cookie=False)
    check(status == 403, f"the link worked twice: {status}")
    _, reply, _ = server.ask("GET", "/api/v1/status")
    check(reply["is_demo"] and reply["owner_exists"], f"status: {reply}")
    wait_for_figures(server)
    status, reply, _ = server.ask("GET", "/api/v1/reports/totals?amount=gross")
    check(status == 200 and reply["sections"]["totals"][0]["customers"] == 4338, f"figures: {status} {str(reply)[:200]}")
    _, reply, _ = server.ask("GET", "/api/v1/audit?limit=1")
    newest = reply["items"][0]
    check(newest["operation"] == "enterDemo" and newest["by_name"], f"audit: {newest}")


def leave_traces(server):
    """All that a brand in use leaves in its directory: a backup, an upload, the log of erasures."""
    status, reply, _ = server.ask("POST", "/api/v1/backups", {})
    check(status in (200, 201, 202), f"a backup of the demo: {status} {reply}")
    _, reply, _ = server.ask("GET", "/api/v1/customers?limit=1")
    customer = reply["items"][0]["customer_id"]
    status, reply, _ = server.ask("POST", f"/api/v1/customers/{customer}/erase", {"confirm": customer})
    check(status in (200, 204), f"a customer erased: {status} {reply}")
    left = {path.name for path in server.folder.iterdir()}
    check({"backups", "erasures.log", "uploads"} <= left, f"traces: {left}")


def removed(server):
    status, _, _ = server.ask("DELETE", "/api/v1/demo", cookie=False)
    check(status == 401, f"removed by a stranger: {status}")
    status, _, _ = server.ask("DELETE", "/api/v1/demo", csrf=False)
    check(status == 403, f"removed without the CSRF token: {status}")
    seen, stop = {}, threading.Event()

    def read():
        while not stop.is_set():
            status, reply, _ = server.ask("GET", "/api/v1/reports/rfm")
            if status not in (200, 401, 409, 503):
                check(False, f"while the demo is removed: {status} {reply}")
            seen[status] = seen.get(status, 0) + 1

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    time.sleep(0.3)
    status, reply, _ = server.ask("DELETE", "/api/v1/demo")
    check(status == 202 and reply["setup_token"], f"removing: {status} {reply}")
    old_cookie, server.token = server.cookie, reply["setup_token"]
    demo, seconds = server.wait()
    time.sleep(0.2)
    stop.set()
    for reader in readers:
        reader.join()
    print(f"removed in {seconds:.1f} s beside readers, who were answered {seen}", flush=True)
    check(demo["state"] == "idle" and seen.get(200) and seen.get(409), f"removed: {demo} {seen}")
    _, reply, _ = server.ask("GET", "/api/v1/status")
    check(not reply["brand_exists"], f"status: {reply}")
    check(list(server.folder.iterdir()) == [], f"left on disk: {list(server.folder.rglob('*'))}")
    return old_cookie


def own_brand(server, old_cookie):
    own = {"token": server.token, "brand_name": "Tea House", "currency": "CNY", "time_zone": "Asia/Shanghai",
           "login": "owner", "name": "林掌柜", "password": PASSWORD}
    status, reply, set_cookie = server.ask("POST", "/api/v1/setup", own)
    check(server.begin_session(status, reply, set_cookie)[0] == 201, f"one's own brand: {status} {reply}")
    _, reply, _ = server.ask("GET", "/api/v1/audit?limit=5")
    newest = reply["items"][-1]
    check(newest["operation"] == "setUp" and newest["by_name"] == "林掌柜", f"who set it up: {newest}")
    status, reply, _ = server.ask("DELETE", "/api/v1/demo")
    check(status == 409 and codes(reply) == ["DEMO_NOT"], f"one's own brand removed: {status} {reply}")
    own_cookie, server.cookie = server.cookie, old_cookie
    check(server.ask("GET", "/api/v1/session")[0] == 401, "the demo's session holds in one's own brand")
    server.cookie = own_cookie
    check(server.ask("GET", "/api/v1/session")[0] == 200, "one's own session")


def over_http():
    base = pathlib.Path(tempfile.mkdtemp(prefix="huitou-demo-"))
    server = Server(base / "data")
    try:
        made_from_the_link(server)
        entered(server)
        leave_traces(server)
        old_cookie = removed(server)
        own_brand(server, old_cookie)
    finally:
        server.stop()
        shutil.rmtree(base, ignore_errors=True)


def served_again():
    """A demo that was made by the command line, served twice: each start prints a link that leads into it."""
    for kind in program.KINDS:
        with Demo(kind) as demo:
            demo.make()
            server = Server(demo.dir)
            first = server.token
            server.stop()
            server = Server(demo.dir)
            try:
                check(first and server.token and first != server.token, f"{kind}: the link of each start")
                check(server.ask("POST", "/api/v1/demo/session", {"token": first})[0] == 403, f"{kind}: the link before")
                server.begin_session(*server.ask("POST", "/api/v1/demo/session", {"token": server.token}))
                run = demo.try_run("demo", "--remove")
                check(run.returncode == 1, f"{kind}: removed beside a server")
                check(server.ask("DELETE", "/api/v1/demo")[0] == 202, f"{kind}: removed over HTTP")
                state, _ = server.wait()
                check(state["state"] == "idle" and list(demo.dir.iterdir()) == [], f"{kind}: {state}")
            finally:
                server.stop()


def stopped_while_making():
    """A server that is ended while it makes the demo finishes it first; one that is killed leaves nothing to the next."""
    for how, after_s in ((signal.SIGTERM, 0.3), (signal.SIGKILL, 0.3), (signal.SIGKILL, 2)):
        base = pathlib.Path(tempfile.mkdtemp(prefix="huitou-demo-"))
        server = Server(base / "data")
        server.ask("POST", "/api/v1/demo", {"token": server.token})
        time.sleep(after_s)
        server.process.send_signal(how)
        server.process.wait(60)
        again = Server(base / "data")
        _, status, _ = again.ask("GET", "/api/v1/status")
        check(status["brand_exists"] == (how == signal.SIGTERM) and again.token, f"after {how.name} at {after_s} s: {status}")
        if how == signal.SIGKILL:
            said = again.ask("POST", "/api/v1/demo", {"token": again.token})
            demo, _ = again.wait()
            check(demo["state"] == "ready", f"made anew after {how.name} at {after_s} s: {said} {demo}")
        again.stop()
        shutil.rmtree(base, ignore_errors=True)


def main():
    facts = Facts()
    # test/data/online_retail/reference/totals.tsv (DuckDB) says the same as this file's own counting.
    check((len(facts.customers), facts.orders) == (4338, 18532), f"the CSV as counted here: {facts.orders}")
    over_http()
    stopped_while_making()
    command_line(facts)
    real_brands()
    broken_off()
    left_over()
    served_again()
    tally.finish()


if __name__ == "__main__":
    main()
