"""What the whole-program tests share: the binary under test, brands on both databases, counting of results.

A test names its binary by --binary (default build/release/huitou) and its PostgreSQL by HUITOU_TEST_POSTGRES
(script/test starts one). Both databases are always used; a missing one fails the test.
"""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[1]
SHARED = pathlib.Path(os.environ.get("HUITOU_SHARED_DATA", ROOT.parent / "shared" / "data"))
ONLINE_RETAIL = ROOT / "test/data/online_retail/online_retail.csv.gz"
# What the newest migration added (a table's last column, an index), for tests that take it back.
NEWEST_COLUMN = ("erasure", "purged_at")
WITHOUT_NEWEST = "ALTER TABLE erasure DROP COLUMN purged_at; DROP INDEX customer_placeholder"


def arguments(description, **more):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--binary", default=str(ROOT / "build/release/huitou"))
    for name, options in more.items():
        parser.add_argument("--" + name.replace("_", "-"), **options)
    args = parser.parse_args()
    args.binary = str(pathlib.Path(args.binary).resolve())  # brands are worked on in their own folder
    return args


def chosen(options, kinds=("sqlite", "postgres")):
    """The databases that --database asks for; without it both."""
    return [kind for kind in kinds if options.database in (None, kind)]


def wanted(options, name):
    """Whether --only (names with commas between; without it all) asks for a part of the test."""
    return not options.only or name in options.only.split(",")


class Tally:
    """Counts checks; prints each failure; finish() prints the closing line and ends the program."""

    def __init__(self):
        self.passed, self.failed, self.notes = 0, 0, []

    def check(self, condition, what):
        if condition:
            self.passed += 1
        else:
            self.failed += 1
            if self.failed <= 40:
                print("FAILED:", what, flush=True)
        return condition

    def did_not_run(self, what):
        self.notes.append(what)
        print("DID NOT RUN:", what, flush=True)

    def finish(self):
        print(f"{self.passed} passed, {self.failed} failed")
        sys.exit(1 if self.failed or not self.passed else 0)


def postgres_url():
    url = os.environ.get("HUITOU_TEST_POSTGRES")
    if not url:
        sys.exit("HUITOU_TEST_POSTGRES is not set: these tests need a PostgreSQL server; script/test starts one")
    return url


def postgres(sql, database=None):
    """Runs SQL through psql; returns the rows as lists of text."""
    url = urllib.parse.urlsplit(postgres_url())
    if database:
        url = url._replace(path="/" + database)
    run = subprocess.run(["psql", "-XqAt", "-F", "\t", "-v", "ON_ERROR_STOP=1", urllib.parse.urlunsplit(url), "-c", sql],
                         capture_output=True, text=True, check=False)
    if run.returncode:
        raise RuntimeError(run.stderr)
    return [line.split("\t") for line in run.stdout.splitlines()]


class Brand:
    """A brand in a temporary directory, on SQLite or in a PostgreSQL database of its own."""

    serial = 0

    def __init__(self, binary, kind, currency="GBP", timezone="Europe/London", name="Test"):
        self.binary, self.kind = binary, kind
        self.base = pathlib.Path(tempfile.mkdtemp(prefix="huitou-test-"))
        self.dir = self.base / "brand"
        command = ["init", str(self.dir), "--name", name, "--currency", currency, "--timezone", timezone]
        self.database = None
        if kind == "postgres":
            Brand.serial += 1
            self.database = f"huitou_test_{os.getpid()}_{Brand.serial}"
            postgres(f"CREATE DATABASE {self.database} TEMPLATE template0 ENCODING 'UTF8'")
            url = urllib.parse.urlsplit(postgres_url())._replace(path="/" + self.database)
            command += ["--store", urllib.parse.urlunsplit(url)]
        self.run(*command)

    def command(self, *args):
        return [self.binary, "--lang", "en", "--dir", str(self.dir), *map(str, args)]

    def try_run(self, *args, **options):
        return subprocess.run(self.command(*args), capture_output=True, text=True, check=False, cwd=self.base, **options)

    def run(self, *args):
        run = self.try_run(*args)
        if run.returncode:
            raise RuntimeError(f"huitou {' '.join(map(str, args))}: exit {run.returncode}\n{run.stdout}{run.stderr}")
        return run.stdout

    def json(self, *args):
        return json.loads(self.run(*args, "--json"))

    def sql(self, statement):
        """Rows of a statement run straight in the database, past the program, as lists of text."""
        if self.kind == "postgres":
            return postgres(statement, self.database)
        run = subprocess.run(["sqlite3", "-separator", "\t", str(self.dir / "huitou.db"), statement],
                             capture_output=True, text=True, check=False)
        if run.returncode:
            raise RuntimeError(run.stderr)
        return [line.split("\t") for line in run.stdout.splitlines()]

    def close(self):
        shutil.rmtree(self.base, ignore_errors=True)
        if self.database:
            postgres(f"DROP DATABASE IF EXISTS {self.database} WITH (FORCE)")

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()


KINDS = ("sqlite", "postgres")
