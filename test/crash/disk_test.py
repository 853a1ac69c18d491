#!/usr/bin/env python3
"""Power that goes, disks that fail, disks that fill up: SQLite under support/fault_vfs.c.

    python3 test/crash/disk_test.py [--cuts 150] [--failures 77] [--fills 12] [--births 18] [--seed 1]
                                    [--until-failure] [--driver PATH] [--binary PATH]

A round: a copy of a small brand; crash_driver imports exports and gives commands in three threads through a disk that
keeps for sure only what was synced. A cut: at the n-th write, sync, truncation, new or removed name the power goes; in
every third round it goes once more while the store is opened again or soon after. A failure: the n-th read, write,
sync … fails, once or from then on; when all is done the power goes too. A fill: there is room for n more bytes, and
after ten refusals there is room again. A birth: the brand itself is made through cuts and failed syncs.
What the disk has then is opened with the real VFS. Every acknowledged command must be there exactly once, none half-done
(promises.py, through Python's sqlite3, which also checks the file's integrity); the driver must open it, `verify` must
find nothing, and it must go on working. After a failed write or sync the store must refuse all further writes; a full
disk must be called full.
"""
import collections
import concurrent.futures
import os
import pathlib
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import promises  # noqa: E402
from program import ROOT, Brand, Tally, arguments  # noqa: E402

tally = Tally()
CUT_STATUS = 77
EXPORTS, ORDERS = 4, 200
THREADS = 3
SMALL, LARGE = 10, 70  # commands of each thread; in a large run the log is checkpointed and begun again on the way
CUTS = ("cut", "cutdb", "cutsync", "cut", "cutdb", "cutsync", "cutname")
FAILURES = ("read", "write", "sync", "writedb", "syncdb", "truncate", "open", "delete", "size", "shm", "lock")
FULL_TEXT = "The disk of the database is full: "
SECONDS_MAX = 60
MEMORY = "/dev/shm"  # the disk is in the model: the real one need not be waited for


class World:
    """What the rounds share: the brand that each begins with, and the exports."""

    def __init__(self, args, folder):
        self.args, self.folder = args, folder
        self.exports = promises.write_exports(folder / "exports", EXPORTS, ORDERS, args.seed)
        with Brand(args.binary, "sqlite", "CNY", "Asia/Shanghai") as brand:
            brand.run("import", "orders", folder / "exports/export-0.csv", "--map", folder / "exports/map.json",
                      "--exported-at", "2024-01-01T00:00:00Z")
            shutil.copytree(brand.dir, folder / "brand")

    def driver(self, brand, log, seed, *more):
        return subprocess.run([self.args.driver, "--dir", str(brand), "--log", str(log), "--exports",
                               str(self.folder / "exports"), "--seed", str(seed), "--threads", str(THREADS), *more],
                              capture_output=True, text=True, check=False, timeout=SECONDS_MAX)


class Round:
    def __init__(self, world, name, seed, commands, *faults):
        self.world, self.name, self.seed, self.commands, self.fault = world, name, seed, commands, " ".join(faults)
        self.faults, self.cut, self.counts, self.answers = [], "", {}, collections.Counter()

    def run(self):
        with tempfile.TemporaryDirectory(dir=self.world.folder, prefix=self.name) as folder:
            try:
                self.run_in(pathlib.Path(folder))
            except (subprocess.TimeoutExpired, sqlite3.Error, OSError) as error:
                self.faults.append(f"{type(error).__name__}: {error}")
        return self

    def run_in(self, folder):
        brand, log = folder / "brand", folder / "log"
        shutil.copytree(self.world.folder / "brand", brand)
        for number, fault in enumerate(self.fault.split(" ")):
            brand = self.suffer(folder / f"survivors-{number}", brand, log, fault)
            if brand is None:
                return
            self.look(log, brand, "after the fault")
            with open(log, "a", encoding="utf-8") as file:
                file.write("restart now\n")
        before = self.answers["ack"]
        on = self.world.driver(brand, log, self.seed, "--verify", "--commands", "3", "--imports", "1")
        if on.returncode != 0:
            self.faults.append(f"opened again the driver ended with {on.returncode}: {on.stderr.strip()[-600:]}")
        self.look(log, brand, "after going on")
        if self.answers["ack"] < before + THREADS:
            self.faults.append("opened again it did not go on")

    def suffer(self, survivors, brand, log, fault):
        """Runs the driver through a fault; the brand as the disk has it then."""
        survivors.mkdir()
        for file in brand.iterdir():
            if file.is_file() and not file.name.startswith("huitou.db"):
                shutil.copy2(file, survivors)
        ran = self.world.driver(brand, log, self.seed, "--commands", str(self.commands), "--fault", fault, "--survivors",
                                str(survivors))
        if ran.returncode != CUT_STATUS:
            self.faults.append(f"the driver ended with {ran.returncode}: {ran.stderr.strip()[-600:]}")
            return None
        self.cut += (survivors / "cut.txt").read_text().replace("\n", "; ")
        words = ran.stdout.split()
        self.counts = dict(zip(words[::2], map(int, words[1::2])))
        return survivors

    def look(self, log, survivors, when):
        """On a copy, so that what the driver opens next is what the disk had."""
        with tempfile.TemporaryDirectory(dir=self.world.folder) as folder:
            for file in survivors.glob("huitou.db*"):
                if not file.name.endswith("-shm"):
                    shutil.copy2(file, folder)
            with sqlite3.connect(folder + "/huitou.db") as database:
                integrity = database.execute("PRAGMA integrity_check").fetchall()
                if integrity != [("ok",)]:
                    self.faults.append(f"{when}: integrity_check: {integrity[:3]}")
                read = promises.Log(log)
                self.answers = read.answers
                self.faults += [f"{when}: {fault}" for fault in promises.check(
                    read, lambda statement: database.execute(statement).fetchall(), self.world.exports)]
            database.close()
        if "full" in self.fault:
            self.faults += [f"not called full: {line}" for line in log.read_text().splitlines()
                            if " STORE_FULL " in line and FULL_TEXT not in line]


class Birth(Round):
    """The brand is made through the fault; where that was acknowledged it must be whole and usable."""

    def run_in(self, folder):
        brand, survivors, log = folder / "brand", folder / "survivors", folder / "log"
        survivors.mkdir()
        ran = self.world.driver(brand, log, self.seed, "--create", "--fault", self.fault, "--survivors", str(survivors))
        if ran.returncode != CUT_STATUS:
            self.faults.append(f"the driver ended with {ran.returncode}: {ran.stderr.strip()[-600:]}")
            return
        self.cut = (survivors / "cut.txt").read_text().replace("\n", "; ")
        words = ran.stdout.split()
        self.counts = dict(zip(words[::2], map(int, words[1::2])))
        self.answers["made"] = log.exists() and "ack create" in log.read_text()
        if not (brand / "huitou.json").exists():  # written last: before it nothing was promised
            if self.answers["made"]:
                self.faults.append("made, and not there")
            return
        for name in ("huitou.json", "master.key"):
            shutil.copy2(brand / name, survivors)
        exports = self.world.folder / "exports"
        for command in (["verify"], ["import", "orders", str(exports / "export-0.csv"), "--map", str(exports / "map.json")],
                        ["verify"]):
            done = subprocess.run([self.world.args.binary, "--dir", str(survivors), "--lang", "en", *command],
                                  capture_output=True, text=True, check=False, cwd=folder, timeout=SECONDS_MAX)
            if done.returncode != 0:
                self.faults.append(f"a new brand, {command[0]}: {done.stdout}{done.stderr}")


def judge(done):
    first = "; ".join(done.faults[:4])
    return tally.check(not done.faults, f"{done.name} ({done.fault}, seed {done.seed}, {done.cut}): {first}")


def run_all(rounds):
    args = rounds[0].world.args if rounds else None
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        for done in pool.map(Round.run, rounds):
            if not judge(done) and args.until_failure:
                pool.shutdown(cancel_futures=True)
                tally.finish()
            yield done


def baseline(world, commands):
    """How many operations of each kind a run makes; that nothing fails where nothing is planned."""
    done = Round(world, "none", world.args.seed, commands, "none:0").run()
    judge(done)
    tally.check(done.counts.get("status") == 0 and done.counts.get("cut", 0) > 100, f"a whole run: {done.counts}")
    print(f"a run of {commands} commands a thread: " + ", ".join(f"{name} {n}" for name, n in done.counts.items()))
    return done.counts


def cuts(world, counts, rng):
    """In turn at any change of the disk, in the database file, at a sync, at a name; in each spread over the run."""
    rounds, turns = [], -(-world.args.cuts // len(CUTS))
    for i in range(world.args.cuts):
        kind, commands = CUTS[i % len(CUTS)], rng.choice((SMALL, LARGE))
        point = 1 + int((i // len(CUTS) + rng.random()) * counts[commands][kind] / turns)
        again = [f"cut:{rng.randrange(1, 80)}"] if i % 3 == 0 else []
        rounds.append(Round(world, f"cut-{i}", world.args.seed * 100000 + i, commands, f"{kind}:{point}", *again))
    where, what = collections.Counter(), collections.Counter()
    for done in run_all(rounds):
        places = done.cut.rstrip("; ").split("; ")
        where.update(places[::2])
        what.update(places[1::2])
    print("power cut at: " + ", ".join(f"{place} ({n})" for place, n in sorted(where.items())))
    print("what survived: " + ", ".join(f"{name} ({n})" for name, n in sorted(what.items())))


def failures(world, counts, rng):
    rounds = []
    for i in range(world.args.failures):
        kind, commands = FAILURES[i % len(FAILURES)], rng.choice((SMALL, LARGE))
        n = rng.randrange(1, max(2, counts[commands][kind] + 1))
        rounds.append(Round(world, f"fail-{i}", world.args.seed * 100000 + 50000 + i, commands,
                            f"{kind}:{n}" + (":lasting" if rng.random() < 0.5 else "")))
    answers, hit = collections.Counter(), collections.Counter()
    for done in run_all(rounds):
        kind = done.fault.split(":")[0]
        hit[kind] += done.counts.get("hits", 0) > 0
        answers.update({answer: n for answer, n in done.answers.items() if answer.startswith("error")})
    print("failed: " + ", ".join(f"{kind} ({hit[kind]})" for kind in FAILURES))
    print("answers: " + ", ".join(f"{answer} ({n})" for answer, n in sorted(answers.items())))
    for kind in FAILURES[:world.args.failures]:
        tally.check(hit[kind] > 0, f"no round in which {kind} failed")


def fills(world, rng):
    full = 0
    for done in run_all([Round(world, f"fill-{i}", world.args.seed * 100000 + 90000 + i, LARGE,
                               f"full:{rng.randrange(0, 5000000)}") for i in range(world.args.fills)]):
        told = done.answers["error STORE_FULL"]
        full += told > 0
        if done.counts.get("hits", 0) > 0:
            others = [answer for answer in done.answers if re.match("error (?!STORE_FULL)", answer)]
            tally.check(not others, f"{done.name} ({done.fault}): a full disk was answered by {others}")
            tally.check(done.counts["status"] == 0, f"{done.name} ({done.fault}): the store stopped on a full disk")
    print(f"disk full: {full} of {world.args.fills} rounds")
    tally.check(full > 0 or not world.args.fills, "the disk was never full")


def births(world, rng):
    seed, count = world.args.seed * 100000 + 95000, world.args.births
    whole = Birth(world, "birth", seed, 0, "none:0").run()
    judge(whole)
    rounds = [Birth(world, f"birth-{i}", seed + i, 0, ("none:0", f"cut:{rng.randrange(1, whole.counts['cut'] + 1)}",
                                                      f"sync:{rng.randrange(1, whole.counts['sync'] + 1)}")[i % 3])
              for i in range(count)]
    made = sum(done.answers["made"] for done in run_all(rounds))
    print(f"a new brand: {made} of {count} made; a whole run: " +
          ", ".join(f"{name} {n}" for name, n in whole.counts.items()))
    tally.check(made > 0 or not count, "no brand was made")


def main():
    args = arguments(__doc__, seed={"type": int, "default": 1}, cuts={"type": int, "default": 150},
                     failures={"type": int, "default": 77}, fills={"type": int, "default": 12},
                     births={"type": int, "default": 18}, until_failure={"action": "store_true"},
                     driver={"default": str(ROOT / "build/release/test/crash_driver")})
    with tempfile.TemporaryDirectory(prefix="huitou-disk-", dir=MEMORY if os.access(MEMORY, os.W_OK) else None) as folder:
        world = World(args, pathlib.Path(folder))
        rng = random.Random(args.seed)
        counts = {commands: baseline(world, commands) for commands in (SMALL, LARGE)}
        cuts(world, counts, rng)
        failures(world, counts, rng)
        fills(world, rng)
        births(world, rng)
    tally.finish()


if __name__ == "__main__":
    main()
