#!/usr/bin/env python3
"""Every command of `huitou help` beside a running server, on both databases; and that neither keeps the other from its turn.

What must be there afterwards is read past the program, and through the API: that the server sees what a command wrote.
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import program  # noqa: E402
from backup_test import Restored, map_file, orders_file  # noqa: E402
from live import Server  # noqa: E402


def figures(server):
    """Orders as the server's columns have them, once these are ready."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        status, answer = server.request("GET", "/api/v1/system")
        if status == 200 and answer["columns_ready"]:
            return answer["orders"]
        time.sleep(0.1)
    raise RuntimeError("the columns were not made ready")


def wait_for(probe, wanted, seconds=20):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = probe()
        if found == wanted:
            return found
        time.sleep(0.1)
    return found


def test_every_command(check, binary, kind):
    with program.Brand(binary, kind) as brand, Server(brand) as server:
        base = brand.base
        maps = map_file(base / "m.json")
        again = Restored(binary, kind, base)
        done = set()

        def run(*words, code=0, name=None):
            done.add(name or " ".join(words[:2]))
            result = brand.try_run(*words)
            check(result.returncode == code, f"{kind} beside a server: {words}: {result.returncode} {result.stdout}{result.stderr}")
            return result.stdout

        try:
            run("import", "orders", orders_file(base / "o.csv", 0, 300), "--map", maps)
            check(wait_for(lambda: figures(server), 300) == 300, f"{kind} the server sees what a command imported")
            run("import", "maps")
            run("report", "totals", name="report")
            ids = [row[0] for row in brand.sql("SELECT customer_id FROM customer ORDER BY 1 LIMIT 6")]
            run("customer", "show", ids[0], "--reveal")
            run("customer", "find", "b1")
            run("customer", "tag", ids[0], "wholesale")
            status, seen = server.request("GET", f"/api/v1/customers/{ids[0]}")
            check(status == 200 and "wholesale" in json.dumps(seen), f"{kind} the server shows the tag: {seen}")
            run("customer", "merge", ids[1], ids[0], "--yes")
            status, seen = server.request("GET", f"/api/v1/customers/{ids[1]}")
            check(status == 200 and seen["customer_id"] == ids[0], f"{kind} the server follows the merge: {seen}")
            run("customer", "split", ids[1], "--yes")
            run("customer", "proposals")
            run("customer", "refuse", ids[2], ids[3], code=1)  # there is no proposal between them: answered, not locked out
            run("customer", "consent", ids[4], "--given", "service", "--how", "spoken", "--evidence", "by phone")
            run("customer", "export", ids[4], "--output", base / "person.json", "--format", "json")
            run("customer", "erase", ids[5], "--confirm", ids[5])
            run("import", "list")
            run("demo", code=1, name="demo")  # there is a brand here
            run("backup", base / "b.backup", name="backup")
            run("drill", base / "b.backup", *again.store, name="drill")
            again.close()
            again = Restored(binary, kind, base)
            restored = again.try_run("restore", base / "b.backup", "--key", brand.dir / "master.key", *again.store)
            done.add("restore")
            check(restored.returncode == 0, f"{kind} restore: {restored.stderr}")
            run("verify", name="verify")
            run("rebuild", code=1, name="rebuild")  # wants to be alone, and says who is in the way
            run("migrate", code=1, name="migrate")  # likewise
            check(str(server.process.pid) in brand.try_run("migrate").stderr, f"{kind} migrate names the server's process")
            run("serve", "--port", "0", code=1, name="serve")  # a second server is refused
            for word in ("definitions", "errors", "presets", "openapi", "access", "help"):
                run(word, name=word)
            done.add("init")  # makes another directory: nothing to do with this server
            told = {one["command"] for one in json.loads(brand.run("help", "--json"))["commands"]}
            check(not told - done, f"{kind} commands not tried beside a server: {told - done}")
            rows = server.request("GET", "/api/v1/audit")[1]["items"]
            by_cli = {row["operation"] for row in rows if row["by_name"].startswith("cli:")}
            check({"setTag", "mergeCustomers", "splitCustomer", "revealCustomer", "createBackup"} <= by_cli,
                  f"{kind} the audit trail has what was done on the command line: {by_cli}")
            check(server.process.poll() is None and server.stop() == 0, f"{kind} the server never minded")
        finally:
            again.close()
        check(brand.json("verify")["equal"], f"{kind} all is equal")
        check(brand.try_run("rebuild").returncode == 0, f"{kind} rebuild, once the server is gone")


def test_turns(check, binary, kind):
    """While a command imports without a pause, the server's own writes get their turn, and the other way round: small
    commands of the server never stop, and the import ends."""
    with program.Brand(binary, kind) as brand, Server(brand) as server:
        maps = map_file(brand.base / "m.json")
        brand.run("import", "orders", orders_file(brand.base / "o.csv", 0, 500), "--map", maps)
        ids = [row[0] for row in brand.sql("SELECT customer_id FROM customer ORDER BY 1 LIMIT 20")]
        over, failed, count = threading.Event(), [], [0, 0, 0]

        def write(which):
            n = 0
            while not over.is_set():
                n += 1
                status, answer = server.request("PUT", f"/api/v1/customers/{ids[n % 20]}/tags/w{which}-{n}", {})
                if status not in (200, 204):
                    failed.append((status, answer))
                count[which] += 1
        threads = [threading.Thread(target=write, args=(which,)) for which in range(3)]
        for thread in threads:
            thread.start()
        began = list(count)
        run = brand.try_run("import", "orders", orders_file(brand.base / "big.csv", 1000, 15000), "--map", maps, "--batch-orders",
                            "500")
        ended = list(count)
        over.set()
        for thread in threads:
            thread.join()
        check(run.returncode == 0, f"{kind} the import ends beside writers: {run.stderr}")
        check(not failed, f"{kind} no write of the server failed: {failed[:2]}")
        check(all(b - a >= 5 for a, b in zip(began, ended)), f"{kind} each of the server's writers went on: {began} {ended}")
        brand.json("verify")


def test_ids(check, binary, kind):
    """Many processes write at once: no id is made twice (each row has its own key), and none beyond the places gets in."""
    with program.Brand(binary, kind) as brand, Server(brand) as server:
        maps = map_file(brand.base / "m.json")
        runs = [subprocess.Popen(brand.command("import", "orders", orders_file(brand.base / f"o{i}.csv", i * 1000, 1000), "--map",
                                               maps, "--json"), cwd=brand.base, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                for i in range(5)]
        outs = [run.communicate() for run in runs]
        check(all(run.returncode == 0 for run in runs), f"{kind} five imports at once: {[o[1][-200:] for o in outs]}")
        check(brand.sql("SELECT COUNT(*), COUNT(DISTINCT order_id) FROM orders") == [["5000", "5000"]], f"{kind} all orders")
        nodes = {row[0] for row in brand.sql("SELECT DISTINCT order_id / 4096 % 1024 FROM orders")}
        check(len(nodes) >= 2, f"{kind} from nodes of their own: {nodes}")
        check(server.request("GET", "/health")[0] == 200, f"{kind} the server answers")
        check(brand.json("verify")["equal"], f"{kind} verify")


def test_stopped(check, binary, kind):
    """A command that is stopped (Ctrl-Z) in the middle of its work: the server still answers reads, and its writes either are
    done or say why not; once the command goes on, all is well."""
    with program.Brand(binary, kind) as brand, Server(brand) as server:
        maps = map_file(brand.base / "m.json")
        brand.run("import", "orders", orders_file(brand.base / "o.csv", 0, 100), "--map", maps)
        customer = brand.sql("SELECT customer_id FROM customer ORDER BY 1 LIMIT 1")[0][0]
        run = subprocess.Popen(brand.command("import", "orders", orders_file(brand.base / "big.csv", 1000, 20000), "--map", maps),
                               cwd=brand.base, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.7)
        run.send_signal(signal.SIGSTOP)
        check(server.request("GET", f"/api/v1/customers/{customer}")[0] == 200, f"{kind} reads go on")
        timer = threading.Timer(3, lambda: run.send_signal(signal.SIGCONT))
        timer.start()
        status, answer = server.request("PUT", f"/api/v1/customers/{customer}/tags/patient", {})
        check(status in (200, 204), f"{kind} a write waits until it goes on: {status} {answer}")
        timer.join()
        check(run.wait(120) == 0, f"{kind} the import ends")
        check(brand.json("verify")["equal"], f"{kind} verify")


TESTS = (test_every_command, test_turns, test_ids, test_stopped)


def main():
    arguments = program.arguments(__doc__, only={"default": ""})
    tally = program.Tally()
    for test in TESTS:
        for kind in program.KINDS:
            if arguments.only in test.__name__:
                test(tally.check, arguments.binary, kind)
    tally.finish()


if __name__ == "__main__":
    main()
