#!/usr/bin/env python3
"""kill -9 while an import and a stream of small commands go through one store.

    python3 test/crash/kill_test.py [--rounds 20] [--seed 1] [--binary PATH] [--driver PATH]
                                    [--only sqlite|postgres] [--until-failure]

Each round, on each database: crash_driver (driver.c) takes up where the last one was killed, imports ever newer exports
and gives commands in three threads; it is killed when its phase log reaches a phase chosen at random, after a random
further delay. Then every acknowledged change must be there exactly once and none half-done (promises.py, by SQL past the
program), and `huitou verify` must find nothing. After ten rounds on one brand the driver runs to its end, and the
imported orders must be those of a brand that was never killed. Prints at which phases it was killed, and how often.
"""
import collections
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import promises  # noqa: E402
from program import KINDS, ROOT, Brand, Tally, arguments  # noqa: E402

tally = Tally()
ROUNDS_PER_BRAND = 10
EXPORTS, ORDERS = 40, 600
PAUSE_US = 4000
PHASE_SECONDS_MAX = 20
COMMANDS = ("tag", "untag", "merge", "split", "abort", "orders")
PHASES = [f"{command} {where}" for command in COMMANDS for where in ("begin", "run", "commit", "done", "acknowledged")
          if (command, where) != ("abort", "commit")]
PHASES += ["read", "sort", "group", "write begin", "write commit", "write done", "finish"] * 4
STATE = {
    "orders": "SELECT number, state, amount_minor, paid_day, line_count, refunded_minor FROM orders "
              "WHERE source = 'shop' ORDER BY number",
    "lines": "SELECT number, line_no, code, order_line.amount_minor FROM order_line "
             "JOIN orders ON orders.customer_id = order_line.customer_id AND orders.order_id = order_line.order_id "
             "JOIN product ON product.product_id = order_line.product_id WHERE source = 'shop' ORDER BY number, line_no",
    "refunds": "SELECT number, amount_minor, refunded_day FROM refund WHERE source = 'shop' ORDER BY number",
    "buyers": "SELECT min(number), max(number), count(*) FROM orders WHERE source = 'shop' GROUP BY customer_id ORDER BY 1, 2",
}


def phase_of(line):
    return line.rsplit(" ", 1)[0] if line.rsplit(" ", 1)[-1].isdigit() else line


def driver(args, brand, exports, seed, *more):
    return [args.driver, "--dir", str(brand.dir), "--log", str(brand.base / "log"), "--exports", str(exports),
            "--seed", str(seed), "--pause-us", str(PAUSE_US), *more]


def killed_run(args, brand, exports, seed, rng):
    """Returns the phase that the driver was killed at; None where it ended before."""
    phases = brand.base / "phases"
    phases.write_text("")
    with open(brand.base / "log", "a", encoding="utf-8") as log:
        log.write("restart now\n")
    process = subprocess.Popen(driver(args, brand, exports, seed), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                               env={**os.environ, "HUITOU_PHASE_LOG": str(phases)})
    wanted, skip = rng.choice(PHASES), rng.randrange(0, 4)
    delay = rng.choice([0, 0, 0, 0.0003, 0.001, 0.003, 0.02]) * rng.random()
    until = time.monotonic() + PHASE_SECONDS_MAX
    met = 0
    with open(phases, encoding="utf-8") as file:
        rest = ""
        while process.poll() is None and time.monotonic() < until and met <= skip:
            rest += file.read()
            *lines, rest = rest.split("\n")
            met += sum(phase_of(line) == wanted for line in lines)
            if not lines:
                time.sleep(0.0002)
    time.sleep(delay)
    process.kill()
    said = process.communicate()[1].decode()
    lines = phases.read_text().splitlines()
    if process.returncode == -9:
        return phase_of(lines[-1]) if lines else "opening"
    tally.check(process.returncode == 0, f"the driver ended with {process.returncode}: {said}")
    return None


def check_round(brand, told, label):
    log = promises.Log(brand.base / "log")
    faults = promises.check(log, brand.sql, told)
    tally.check(not faults, f"{label}: {len(faults)} broken promises: {'; '.join(faults[:5])}")
    verify = brand.try_run("verify")
    tally.check(verify.returncode == 0, f"{label}: verify: {verify.stdout}{verify.stderr}")
    return log


def state(brand):
    return {name: brand.sql(statement) for name, statement in STATE.items()}


def import_export(brand, exports, number):
    day = 1704067200 + number * 86400
    brand.run("import", "orders", exports / f"export-{number}.csv", "--map", exports / "map.json",
              "--exported-at", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(day)))


def never_killed(args, kind, exports, number):
    """What the imported orders are on a brand that imported each export up to this one, and was never killed."""
    with Brand(args.binary, kind, "CNY", "Asia/Shanghai") as brand:
        for export in range(number + 1):
            import_export(brand, exports, export)
        return state(brand)


def brand_rounds(args, kind, exports, told, first, count, killed_at, answers):
    with Brand(args.binary, kind, "CNY", "Asia/Shanghai") as brand:
        import_export(brand, exports, 0)
        for number in range(first, first + count):
            rng = random.Random(args.seed * 1000 + number)
            phase = killed_run(args, brand, exports, args.seed, rng)
            killed_at[phase or "ended before"] += 1
            log = check_round(brand, told, f"{kind} round {number} killed at {phase}")
            if args.until_failure and tally.failed:
                tally.finish()
        last = min(log.import_acked + 1, EXPORTS - 1)
        end = subprocess.run(driver(args, brand, exports, args.seed, "--imports", str(last - log.import_acked), "--verify"),
                             capture_output=True, text=True, check=False)
        tally.check(end.returncode == 0, f"{kind} round {number}: the driver at the end: {end.stderr}")
        log = check_round(brand, told, f"{kind} after round {number}")
        tally.check(log.import_acked == last, f"{kind}: export {last} was not acknowledged")
        answers.update(log.answers)
        if first == 0:
            clean = never_killed(args, kind, exports, last)
            for name, rows in state(brand).items():
                tally.check(rows == clean[name], f"{kind}: {name} differ from a brand that was never killed")


def main():
    args = arguments(__doc__, rounds={"type": int, "default": 20}, seed={"type": int, "default": 1},
                     driver={"default": str(ROOT / "build/release/test/crash_driver")}, only={"choices": KINDS},
                     until_failure={"action": "store_true"})
    with tempfile.TemporaryDirectory(prefix="huitou-kill-") as folder:
        exports = pathlib.Path(folder)
        told = promises.write_exports(exports, EXPORTS, ORDERS, args.seed)
        for kind in [args.only] if args.only else KINDS:
            killed_at, answers = collections.Counter(), collections.Counter()
            for first in range(0, args.rounds, ROUNDS_PER_BRAND):
                brand_rounds(args, kind, exports, told, first, min(ROUNDS_PER_BRAND, args.rounds - first), killed_at, answers)
            print(f"{kind}: killed at " + ", ".join(f"{phase} ({count})" for phase, count in sorted(killed_at.items())))
            print(f"{kind}: answers " + ", ".join(f"{answer} ({count})" for answer, count in sorted(answers.items())))
            tally.check(answers["ack"] > 20 * args.rounds, f"{kind}: only {answers['ack']} commands were acknowledged")
    tally.finish()


if __name__ == "__main__":
    main()
