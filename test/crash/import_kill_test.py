#!/usr/bin/env python3
"""kill -9 at random phases of an import, and rows corrupted behind the program's back.

    python3 test/crash/import_kill_test.py [--binary PATH] [--rounds 20] [--seed 1]

Each round, on each database: a fresh brand, an import that is killed when its phase log (HUITOU_PHASE_LOG) reaches a
random line, after a random further delay; then `verify` must find nothing half-done; then the same import again must end
in exactly the state of an import that was never killed; and once more must change nothing.
Then `verify` must fail for each of a list of rows altered by plain SQL.
"""
import collections
import gzip
import os
import pathlib
import random
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from program import KINDS, Brand, Tally, arguments  # noqa: E402

tally = Tally()
# Small batches: more phases to be killed in.
IMPORT = ("import", "orders", "--batch-orders", "1500")
MAP = """{
  "name": "kill", "source": "shop", "format": "csv", "header": true, "encoding": "utf-8",
  "time_format": "%Y-%m-%d %H:%M", "time_zone": "UTC",
  "columns": {"order_number": "number", "order_time": "time", "phone": "phone", "buyer_name": "name",
              "product_code": "product", "quantity": "quantity", "unit_price": "price", "state": "state",
              "channel": "channel", "refund_amount": "refund", "refund_time": "refund_time"},
  "states": {"paid": "paid", "done": "received", "new": "created"}
}
"""


def make_file(path, seed, orders):
    """Orders of one to four lines, the lines far apart from each other, some bad, some refunded."""
    rng = random.Random(seed)
    rows = []
    for number in range(orders):
        day = rng.randrange(1, 29)
        month = rng.randrange(1, 13)
        buyer = rng.randrange(orders // 3)
        refund = rng.random() < 0.05
        for line in range(rng.randrange(1, 5)):
            price = f"{rng.randrange(0, 20000) / 100:.2f}"
            if rng.random() < 0.001:
                price = "oops"
            rows.append([f"N{number:07d}", f"2023-{month:02d}-{day:02d} 10:{rng.randrange(60):02d}",
                         f"139{buyer:08d}" if buyer % 50 else "", f"客户{buyer}" if buyer % 50 else "",
                         f"P{rng.randrange(200)}", str(rng.randrange(1, 4)), price,
                         rng.choice(["paid", "done"]) if line < 0 else "done", rng.choice(["online", "shop"]),
                         "1.00" if refund and line == 0 else "", f"2023-12-{day:02d} 12:00" if refund and line == 0 else ""])
    rng.shuffle(rows)
    with gzip.open(path, "wt", encoding="utf-8", compresslevel=1) as file:
        file.write("number,time,phone,name,product,quantity,price,state,channel,refund,refund_time\n")
        file.writelines(",".join(row) + "\n" for row in rows)


STATE = {
    "orders": "SELECT number, state, amount_minor, paid_day, line_count, refunded_minor, source FROM orders ORDER BY number",
    "lines": "SELECT number, line_no, code, order_line.amount_minor FROM order_line "
             "JOIN orders ON orders.customer_id = order_line.customer_id AND orders.order_id = order_line.order_id "
             "JOIN product ON product.product_id = order_line.product_id ORDER BY number, line_no",
    "refunds": "SELECT number, amount_minor, refunded_day FROM refund ORDER BY number",
    "customers": "SELECT placeholder, count(*) FROM customer GROUP BY placeholder ORDER BY placeholder",
    "identities": "SELECT kind, count(*) FROM identity GROUP BY kind ORDER BY kind",
    "lookups": "SELECT kind, count(*) FROM lookup GROUP BY kind ORDER BY kind",
    "claims": "SELECT l.kind, count(*) FROM lookup l JOIN orders o ON o.customer_id = l.customer_id "
              "AND o.order_id = l.object_id GROUP BY l.kind",
    "dictionaries": "SELECT (SELECT count(*) FROM product), (SELECT count(*) FROM channel)",
}


def state(brand):
    dump = {name: brand.sql(statement) for name, statement in STATE.items()}
    for report in ("cohorts", "monthly", "rfm"):
        dump[report] = brand.json("report", report)["sections"]
    return dump


def import_killed(brand, file, map_file, rng, expected_lines, phase):
    """Returns the phase at which the import was killed; None where it was faster than the killer. phase: its line in the
    log; None: any."""
    log = brand.base / "phases"
    log.write_text("")
    process = subprocess.Popen(brand.command(*IMPORT, file, "--map", map_file), stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, cwd=brand.base, env={**os.environ, "HUITOU_PHASE_LOG": str(log)})
    delay = rng.choice([0, 0, 0.001, 0.003, 0.01, 0.05]) * rng.random()
    target = rng.randrange(0, expected_lines) if phase is None else phase
    while process.poll() is None and len(log.read_text().splitlines()) <= target:
        time.sleep(0.0005)
    time.sleep(delay)
    process.kill()
    process.wait()
    lines = log.read_text().splitlines()
    return lines[-1] if process.returncode == -9 and lines else None


def phases_of(brand, file, map_file):
    log = brand.base / "phases"
    subprocess.run(brand.command(*IMPORT, file, "--map", map_file), check=False, capture_output=True,
                   cwd=brand.base, env={**os.environ, "HUITOU_PHASE_LOG": str(log)})
    return log.read_text().splitlines()


def rounds_on(kind, args, file, map_file):
    with Brand(args.binary, kind, "CNY", "Asia/Shanghai") as brand:
        phases = phases_of(brand, file, map_file)
        expected_lines = len(phases)
        clean = state(brand)
        # The first load's own steps are hit on purpose: its first rows, its last, its claims.
        aimed = [number for number, phase in enumerate(phases)
                 if phase in ("load open", "load done 1", "claims begin 7", "claims commit 8", "claims done 8")]
        tally.check(len(aimed) == 5, f"{kind}: the phases of a first load are {phases}")
        tally.check(expected_lines >= 6, f"{kind}: the phase log has {expected_lines} lines")
        tally.check(len(clean["orders"]) > 1000 and len(clean["refunds"]) > 10, f"{kind}: the clean import brought orders")
    killed_at, broken_off = collections.Counter(), 0
    for number in range(args.rounds):
        rng = random.Random(args.seed * 1000 + number)
        with Brand(args.binary, kind, "CNY", "Asia/Shanghai") as brand:
            phase = import_killed(brand, file, map_file, rng, expected_lines, aimed[number] if number < 5 else None)
            killed_at[phase or "finished first"] += 1
            label = f"{kind} round {number} killed at {phase}"
            verify = brand.try_run("verify")
            tally.check(verify.returncode == 0, f"{label}: verify after the kill: {verify.stdout}{verify.stderr}")
            behind = brand.sql("SELECT count(*) FROM order_first_load WHERE import_id <> 0") == [["1"]]
            tally.check(behind == ("first load" in verify.stdout), f"{label}: verify tells of a first load: {verify.stdout}")
            broken_off += behind
            again = brand.try_run(*IMPORT, file, "--map", map_file)
            tally.check(again.returncode == 0, f"{label}: again: {again.stdout}{again.stderr}")
            now = state(brand)
            for name, rows in clean.items():
                tally.check(now[name] == rows, f"{label}: {name} differ from an import that was not killed")
            verify = brand.try_run("verify")
            tally.check(verify.returncode == 0, f"{label}: verify at the end: {verify.stdout}{verify.stderr}")
            events = brand.sql("SELECT count(*) FROM event")
            same = brand.json(*IMPORT, file, "--map", map_file)["files"][0]
            tally.check(same["orders_new"] == 0 and same["orders_changed"] == 0 and same["refunds_new"] == 0,
                        f"{label}: the same file once more is not news: {same['orders_new']} new")
            tally.check(brand.sql("SELECT count(*) FROM event") == events, f"{label}: the same file wrote events")
    tally.check(broken_off > 1, f"{kind}: only {broken_off} kills left a first load behind")
    print(f"{kind}: killed at " + ", ".join(f"{phase} ({count})" for phase, count in sorted(killed_at.items())))


# What somebody with the database's password might do; each must be noticed.
CORRUPTIONS = (
    "UPDATE orders SET amount_minor = amount_minor + 1 WHERE number = '{order}'",
    "UPDATE orders SET paid_day = paid_day - 1 WHERE number = '{order}'",
    "UPDATE orders SET state = 1 WHERE number = '{order}'",
    "UPDATE orders SET channel_id = channel_id + 1 WHERE number = '{order}'",
    "UPDATE order_line SET amount_minor = amount_minor + 1 WHERE line_no = 1 AND order_id = {order_id}",
    "DELETE FROM order_line WHERE order_id = {order_id} AND line_no = 1",
    "DELETE FROM orders WHERE number = '{order}'",
    "UPDATE refund SET amount_minor = amount_minor - 1 WHERE refund_id = {refund_id}",
    "DELETE FROM refund WHERE refund_id = {refund_id}",
    "UPDATE customer SET root_id = customer_id + 1 WHERE customer_id = {customer_id}",
    "DELETE FROM event WHERE customer_id = {customer_id} AND version = 1",
    "UPDATE event_head SET version = version + 1 WHERE customer_id = {customer_id}",
    "DELETE FROM lookup WHERE kind = 32 AND object_id = {order_id}",
    "DELETE FROM identity WHERE customer_id = {customer_id}",
    "UPDATE calendar SET month = month + 1 WHERE day = 19500",
)


def corruptions_on(kind, args, file, map_file):
    for corruption in CORRUPTIONS:
        with Brand(args.binary, kind, "CNY", "Asia/Shanghai") as brand:
            brand.run("import", "orders", file, "--map", map_file)
            row = brand.sql("SELECT o.number, o.order_id, o.customer_id FROM orders o JOIN identity i "
                            "ON i.customer_id = o.customer_id WHERE o.line_count > 1 AND o.amount_minor > 0 "
                            "ORDER BY o.number LIMIT 1")[0]
            refund = brand.sql("SELECT refund_id FROM refund ORDER BY refund_id LIMIT 1")[0]
            tally.check(brand.try_run("verify").returncode == 0, f"{kind}: verify before {corruption}")
            brand.sql(corruption.format(order=row[0], order_id=row[1], customer_id=row[2], refund_id=refund[0]))
            verify = brand.try_run("verify")
            tally.check(verify.returncode == 1, f"{kind}: verify did not notice: {corruption}")


def main():
    args = arguments(__doc__, rounds={"type": int, "default": 20}, seed={"type": int, "default": 1},
                     orders={"type": int, "default": 9000})
    folder = pathlib.Path(os.environ.get("TMPDIR", "/tmp")) / f"huitou-kill-{os.getpid()}"
    folder.mkdir()
    file, small, map_file = folder / "orders.csv.gz", folder / "small.csv.gz", folder / "map.json"
    map_file.write_text(MAP)
    make_file(file, args.seed, args.orders)
    make_file(small, args.seed, 300)
    try:
        for kind in KINDS:
            rounds_on(kind, args, file, map_file)
            corruptions_on(kind, args, small, map_file)
    finally:
        for path in (file, small, map_file):
            path.unlink()
        folder.rmdir()
    tally.finish()


if __name__ == "__main__":
    main()
