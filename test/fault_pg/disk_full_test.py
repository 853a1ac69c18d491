#!/usr/bin/env python3
"""Disks that fill up: PostgreSQL's data and its log, SQLite's directory, the sorter's, the reject file's, standard output.

    python3 test/fault_pg/disk_full_test.py [--binary PATH] [--driver PATH] [--rounds 1] [--seed 1] [--only PART,PART]

Each disk is a small tmpfs in a mount namespace of this test's own, filled up with a file until little is free. Held
against the promise: a clear error that says the disk is full and what to do; what was acknowledged is there, nothing is
half-done; once there is room again, the same import ends in the state of one that met nothing.
Mounting needs root: without it the test says DID NOT RUN.
"""
import gzip
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "test"), str(ROOT / "test/crash"), str(ROOT / "test/fault_pg")]
import import_kill_test  # noqa: E402
import pg_line_test  # noqa: E402
from cluster import Cluster  # noqa: E402
from pg_line_test import run  # noqa: E402
from program import arguments  # noqa: E402

tally = pg_line_test.tally
INSIDE = "HUITOU_TEST_MOUNTS"
DISK_MIB = 160


class Disk:
    """A small disk, and the file that leaves it only so much free."""

    def __init__(self, path):
        self.path, self.ballast = pathlib.Path(path), pathlib.Path(path) / "ballast"
        self.path.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m,mode=755", "tmpfs", self.path], check=True)

    def leave(self, kib):
        self.clear()
        at = os.statvfs(self.path)
        left = at.f_bavail * at.f_frsize - kib * 1024
        with open(self.ballast, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(1, left))

    def clear(self):
        self.ballast.unlink(missing_ok=True)

    def close(self):
        subprocess.run(["umount", "-l", self.path], check=True)


class Place:
    """A brand on either database, without a proxy."""

    def __init__(self, around, directory, url=None):
        self.around, self.dir, self.kind = around, pathlib.Path(directory), "postgres" if url else "sqlite"
        self.base, self.url = around.base, url
        made = self.init()
        if made.returncode:
            raise RuntimeError(made.stderr)

    def init(self):
        return run([self.around.args.binary, "--lang", "en", "init", self.dir, "--name", "Test", "--currency", "CNY", "--timezone",
                    "Asia/Shanghai", *(("--store", self.url) if self.url else ())])

    def try_run(self, *args, **options):
        return run([self.around.args.binary, "--lang", "en", "--dir", self.dir, *args], cwd=self.base, **options)

    json = pg_line_test.Shop.json

    def sql(self, statement):
        command = ["psql", "-XqAt", "-F", "\t", self.url, "-c", statement] if self.url else \
            ["sqlite3", "-separator", "\t", self.dir / "huitou.db", statement]
        ran = subprocess.run(command, capture_output=True, text=True, check=True)
        return [row.split("\t") for row in ran.stdout.splitlines()]


class Around:
    def __init__(self, args, directory):
        self.args, self.base = args, pathlib.Path(directory)
        self.base.chmod(0o755)
        self.file, self.map = self.base / "orders.csv.gz", self.base / "map.json"
        import_kill_test.make_file(self.file, args.seed, 6000)
        self.map.write_text(import_kill_test.MAP)
        self.command = ("import", "orders", "--batch-orders", "200", self.file, "--map", self.map)
        clean = Place(self, self.base / "clean")
        clean.json(*self.command)
        self.state = import_kill_test.state(clean)

    def full_says(self, ran, label, *words):
        """It stops, names what is full and says what to do."""
        tally.check(ran.returncode == 1, f"{label}: exit {ran.returncode}: {ran.stdout}{ran.stderr}")
        known = "is full" in ran.stderr or "No space left on device" in ran.stderr
        tally.check(known, f"{label}: does not say that a disk is full: {ran.stderr}")
        advice = ("Make room", "Check free space", "See to the cause", "Check the disk", *words)
        tally.check(any(word in ran.stderr for word in advice), f"{label}: does not say what to do: {ran.stderr}")
        error = ran.stderr[ran.stderr.find("error: "):].splitlines()
        print(f"  {label}: {error[0][:300] if error else ran.stderr}")

    def continues(self, place, label):
        """There is room again."""
        verify = place.try_run("verify")
        tally.check(verify.returncode == 0, f"{label}: verify: {verify.stdout}{verify.stderr}")
        again = place.try_run(*self.command)
        tally.check(again.returncode == 0, f"{label}: again: {again.stdout}{again.stderr}")
        now = import_kill_test.state(place)
        for name, rows in self.state.items():
            tally.check(now[name] == rows, f"{label}: {name} differ from an import that met nothing")
        verify = place.try_run("verify")
        tally.check(verify.returncode == 0, f"{label}: verify at the end: {verify.stdout}{verify.stderr}")

    def import_until_full(self, place, disk, kib, label):
        disk.leave(kib)
        self.full_says(place.try_run(*self.command), label)


def part_sqlite(around):
    for kib in (0, 200, 1500, 4000):
        disk = Disk(around.base / f"sqlite-{kib}")
        place = Place(around, disk.path / "brand")
        label = f"SQLite, {kib} KiB left"
        around.import_until_full(place, disk, kib, label)
        disk.leave(0)
        for command in (("report", "totals"), ("verify",)):
            ran = place.try_run(*command)  # reading may do without room, or say that there is none
            tally.check(ran.returncode == 0 or "full" in ran.stderr or "space" in ran.stderr or "I/O" in ran.stderr,
                        f"{label}: {command}: {ran.returncode} {ran.stdout}{ran.stderr}")
        disk.clear()
        around.continues(place, label)
        disk.close()


def part_init(around):
    """Begun on a full disk: says so, leaves nothing behind, and can be begun again."""
    disk = Disk(around.base / "init")
    place = Place(around, disk.path / "first")
    place.dir = disk.path / "second"
    for kib in (0, 4, 40, 200):
        disk.leave(kib)
        around.full_says(place.init(), f"init, {kib} KiB left", "permissions")
        tally.check(not place.dir.exists(), f"init, {kib} KiB left: something is left behind")
    disk.clear()
    tally.check(place.init().returncode == 0, "init with room again")
    disk.close()


def part_temporary(around):
    """The sorter's runs: nothing is written yet when they are full."""
    place = Place(around, around.base / "temporary")
    rng = random.Random(around.args.seed)
    large = around.base / "large.csv.gz"
    with gzip.open(large, "wt", encoding="utf-8", compresslevel=1) as file:
        file.write("number,time,phone,name,product,quantity,price,state,channel,refund,refund_time\n")
        for n in range(500_000):
            file.write(f"N{rng.randrange(10**12):012d}{n},2023-01-01 10:00,139{n % 10**8:08d},N{n},P1,1,1.00,done,{'c' * 200},,\n")
    disk = Disk(around.base / "small")
    subprocess.run(["mount", "--bind", disk.path, place.dir / "tmp"], check=True)
    disk.leave(20 << 10)
    ran = place.try_run("import", "orders", large, "--map", around.map)
    around.full_says(ran, "the sorter's disk")
    tally.check(str(place.dir / "tmp") in ran.stderr, f"the sorter's disk: not named: {ran.stderr}")
    tally.check(place.sql("SELECT count(*) FROM orders") == [["0"]], "the sorter's disk: orders were written")
    tally.check([path.name for path in disk.path.iterdir()] == ["ballast"], "the sorter's disk: something is left behind")
    subprocess.run(["umount", "-l", place.dir / "tmp"], check=True)
    disk.close()
    large.unlink()
    around.continues(place, "the sorter's disk")


def part_rejects(around):
    """The orders are in when the reject file is written: it is told, and the same import writes it later."""
    place = Place(around, around.base / "rejects")
    bad = around.base / "bad.csv"
    with open(bad, "w", encoding="utf-8") as file:
        file.write("number,time,phone,name,product,quantity,price,state,channel,refund,refund_time\n")
        for n in range(3000):
            file.write(f"N{n},2023-01-01 10:00,139{n:08d},客户{n},P1,1,{'1.00' if n % 3 else 'oops'},done,online,,\n")
    disk = Disk(around.base / "reject-disk")
    rejects = disk.path / "rejects.csv"
    command = ("import", "orders", bad, "--map", around.map, "--rejects", rejects)
    for kib in (0, 4, 60):
        disk.leave(kib)
        ran = place.try_run(*command)
        around.full_says(ran, f"the reject file's disk, {kib} KiB left")
        tally.check(str(rejects) in ran.stderr, f"the reject file is not named: {ran.stderr}")
        tally.check([path.name for path in disk.path.iterdir()] == ["ballast"], f"{kib} KiB: something is left behind")
        tally.check(place.sql("SELECT count(*) FROM orders") == [["2000"]], "the good orders are in")
    disk.clear()
    ran = place.try_run(*command)
    tally.check(ran.returncode == 0 and len(rejects.read_text(encoding="utf-8").splitlines()) == 1001, f"rejects: {ran.stderr}")
    tally.check(place.try_run("verify").returncode == 0, "rejects: verify")
    disk.close()


def part_output(around):
    """A report that could not be written whole must not end well."""
    place = Place(around, around.base / "output")
    place.json(*around.command)
    for command in (("report", "cohorts"), ("report", "monthly", "--json"), ("report", "rfm", "--csv"), ("definitions",), ("help",)):
        with open("/dev/full", "wb") as full:
            ran = subprocess.run([around.args.binary, "--lang", "en", "--dir", str(place.dir), *command], stdout=full,
                                 stderr=subprocess.PIPE, text=True, check=False)
        tally.check(ran.returncode != 0, f"{command} into a full disk ends with 0: {ran.stderr}")


def server_on(around, name, log_elsewhere):
    """A cluster whose data, or whose log, lies on a small disk; a brand and the driver's tables in it."""
    disk = Disk(around.base / name)
    (disk.path / "cluster").mkdir()
    cluster = Cluster(disk.path / "cluster", "max_connections=20", "shared_buffers=16MB", "min_wal_size=2MB", "max_wal_size=64MB",
                      "autovacuum=off", "checkpoint_timeout=1d", "restart_after_crash=off",
                      "deadlock_timeout=20ms")
    if log_elsewhere:
        (around.base / f"{name}-log").mkdir()
        subprocess.run(["mv", cluster.data / "pg_wal", around.base / f"{name}-log"], check=True)
        (cluster.data / "pg_wal").symlink_to(around.base / f"{name}-log" / "pg_wal")
        subprocess.run(["chown", "-h", "postgres:", cluster.data / "pg_wal"], check=True)
    cluster.start()
    for database in ("brand", "stream"):
        subprocess.run(["psql", "-Xq", cluster.url(), "-c", f"CREATE DATABASE {database}"], check=True)
    return disk, cluster, Place(around, around.base / f"{name}-brand", cluster.url("brand"))


class Stream:
    """What pg_line_test.check_stream wants of its surroundings."""

    def __init__(self, cluster):
        self.cluster = cluster

    def sql(self, statement, database):
        ran = subprocess.run(["psql", "-XqAt", "-F", "\t", self.cluster.url(database), "-c", statement], capture_output=True,
                             text=True, check=True)
        return [row.split("\t") for row in ran.stdout.splitlines()]


def driver(around, cluster, threads, jobs, seed):
    return run([around.args.driver, cluster.url("stream"), seed, threads, jobs])


def part_postgres_data(around):
    """Tables that cannot grow: an error of the statement, the server goes on."""
    disk, cluster, place = server_on(around, "pg-data", log_elsewhere=True)
    try:
        for kib in (300, 3000):
            label = f"PostgreSQL's tables, {kib} KiB left"
            around.import_until_full(place, disk, kib, label)
        tally.check(driver(around, cluster, 1, 0, 1).returncode != 0, "the driver's tables need room")
        disk.clear()
        around.continues(place, "PostgreSQL's tables")
        driver(around, cluster, 1, 0, 1)
        disk.leave(500)
        ran = driver(around, cluster, 3, 300, 1)
        disk.clear()
        may_fail = {kind: ("STORE_FULL",) for kind in ("once", "keyed")}
        answers = pg_line_test.check_stream(Stream(cluster), "stream", ran, "commands until the tables are full", may_fail)
        full = sum(answer == "STORE_FULL" for _, _, answer, _ in answers)
        print(f"  commands until the tables are full: {len(answers) - full} done, {full} refused")
        tally.check(full > 10 and len(answers) - full > 10, f"commands until the tables are full: {full} of {len(answers)}")
    finally:
        cluster.stop()
        disk.close()


def forget_spare_segments(cluster):
    """The log's files that the server keeps to use again: with them a full disk would not be noticed for long."""
    told = subprocess.run([cluster.bin / "pg_controldata", cluster.data], capture_output=True, text=True, check=True).stdout
    last = next(row.split()[-1] for row in told.splitlines() if "REDO WAL file" in row)
    for segment in (cluster.data / "pg_wal").iterdir():
        if len(segment.name) == 24 and segment.name > last:
            segment.unlink()


def part_postgres_log(around):
    """A log that cannot grow ends the server (PANIC); it is started again once there is room."""
    disk, cluster, place = server_on(around, "pg-log", log_elsewhere=False)
    try:
        driver(around, cluster, 1, 0, 1)
        tables, log = cluster.data / "base", around.base / "tables"
        cluster.stop("fast")
        subprocess.run(["mv", tables, log], check=True)  # the log alone lies on the small disk
        tables.symlink_to(log)
        subprocess.run(["chown", "-h", "postgres:", tables], check=True)
        forget_spare_segments(cluster)
        cluster.start()
        disk.leave(1500)
        around.full_says(place.try_run(*around.command), "PostgreSQL's log", "repeat it if it is not")
        disk.clear()
        cluster.stop()
        cluster.start()
        around.continues(place, "PostgreSQL's log")
        disk.leave(500)
        ran = driver(around, cluster, 3, 2000, 1)
        disk.clear()
        cluster.stop()
        cluster.start()
        may_fail = {kind: ("STORE_GONE", "COMMIT_UNKNOWN") for kind in ("once", "keyed")}
        answers = pg_line_test.check_stream(Stream(cluster), "stream", ran, "commands until the log is full", may_fail)
        done = sum(answer == "done" for _, _, answer, _ in answers)
        print(f"  commands until the log is full: {done} done; {ran.stderr.splitlines()[0][:200]}")
        tally.check(0 < done < len(answers), f"commands until the log is full: {done} of {len(answers)} done")
    finally:
        cluster.stop()
        disk.close()


PARTS = {"sqlite": part_sqlite, "init": part_init, "temporary": part_temporary, "rejects": part_rejects, "output": part_output,
         "postgres-data": part_postgres_data, "postgres-log": part_postgres_log}


def in_namespace():
    """Runs this test again where its mounts are nobody else's and go with it."""
    probe = "mkdir -p \"$1\" && mount -t tmpfs -o size=1m tmpfs \"$1\""
    with tempfile.TemporaryDirectory(prefix="huitou-mount-") as directory:
        tried = subprocess.run(["unshare", "-m", "sh", "-c", probe, "sh", directory], capture_output=True, text=True, check=False)
    if tried.returncode:
        tally.did_not_run(f"full disks: a small disk cannot be mounted here ({tried.stderr.strip()}): needs root")
        print("1 passed, 0 failed")
        return 0
    return subprocess.run(["unshare", "-m", sys.executable, *sys.argv], env={**os.environ, INSIDE: "1"}, check=False).returncode


def main():
    args = arguments(__doc__, driver={"default": str(ROOT / "build/release/test/pg_driver")}, only={"default": ""},
                     rounds={"type": int, "default": 1}, seed={"type": int, "default": 1})
    if INSIDE not in os.environ:
        sys.exit(in_namespace())
    args.binary, args.driver = str(pathlib.Path(args.binary).resolve()), str(pathlib.Path(args.driver).resolve())
    with tempfile.TemporaryDirectory(prefix="huitou-full-") as directory:
        around = Around(args, directory)
        for name, part in PARTS.items():
            if not args.only or name in args.only.split(","):
                since = time.monotonic()
                try:
                    part(around)
                except pg_line_test.Hang:
                    break
                print(f"{name}: {time.monotonic() - since:.1f} s", flush=True)
    tally.finish()


if __name__ == "__main__":
    main()
