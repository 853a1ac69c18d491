#!/usr/bin/env python3
"""The line to PostgreSQL cut, torn, stalled; sessions ended; the server restarted or gone; conflicts.

    python3 test/fault_pg/pg_line_test.py [--binary PATH] [--driver PATH] [--rounds 1] [--seed 1] [--only PART,PART]

Behind a proxy (proxy.py), on a cluster of its own: `pg_driver` (a stream of small commands through one store, see there),
imports and customer commands by the program itself. Each round has every kind of fault once. Held against the promise:
every acknowledged change is there exactly once, none is half-done; what was refused is not there; what is told as unknown
is there once or not at all; nothing hangs; afterwards the same import ends in the state of one that met nothing.
"""
import collections
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "test"), str(ROOT / "test/crash"), str(ROOT / "test/fault_pg")]
import import_kill_test  # noqa: E402
import pooler  # noqa: E402
import proxy as line  # noqa: E402
from cluster import Cluster  # noqa: E402
from program import Tally, arguments  # noqa: E402

tally = Tally()
seen = collections.Counter()  # (part, outcome) → how often
PATIENCE_SECONDS = 120  # past this a command hangs; the longest that is meant takes a minute
THREADS, JOBS = 3, 40


class Hang(Exception):
    """Enough is known: what comes after would hang too."""


class Surroundings:
    def __init__(self, args, directory):
        self.args, self.base = args, pathlib.Path(directory)
        (self.base / "cluster").mkdir()
        self.base.chmod(0o755)
        # No power is lost here: fsync off only makes it faster. Deadlocks are found at once.
        self.cluster = Cluster(self.base / "cluster", "fsync=off", "deadlock_timeout=20ms", "max_connections=60")
        self.cluster.start()
        self.proxy = line.Proxy("127.0.0.1", self.cluster.port, self.terminate)
        self.serial = 0

    def sql(self, statement, database="postgres"):
        run = subprocess.run(["psql", "-XqAt", "-F", "\t", "-v", "ON_ERROR_STOP=1", self.cluster.url(database), "-c", statement],
                             capture_output=True, text=True, check=False)
        if run.returncode:
            raise RuntimeError(run.stderr)
        return [row.split("\t") for row in run.stdout.splitlines()]

    def terminate(self, pid):
        self.sql(f"SELECT pg_terminate_backend({pid}, 10000)")

    def database(self, template="template0"):
        self.serial += 1
        self.sql(f"CREATE DATABASE pgfault_{self.serial} TEMPLATE {template}")
        return f"pgfault_{self.serial}"

    def drop(self, database):
        self.sql(f"DROP DATABASE {database} WITH (FORCE)")

    def through_proxy(self, database):
        return f"postgres://huitou@127.0.0.1:{self.proxy.port}/{database}?connect_timeout=2"

    def close(self):
        self.proxy.close()
        self.cluster.close()


def run(command, **options):
    try:
        return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS,
                              **options)
    except subprocess.TimeoutExpired:
        tally.check(False, f"hangs: no end within {PATIENCE_SECONDS} s: {' '.join(map(str, command))[:200]}")
        raise Hang from None


# --- A stream of small commands ---------------------------------------------------------------------------------------------

def driver(around, database, seed, url=None):
    return run([around.args.driver, url or around.through_proxy(database), seed, THREADS, JOBS])


def check_stream(around, database, ran, label, may_fail):
    """What was answered against what is there. may_fail: beside "done"."""
    rows = around.sql("SELECT a.job, a.parts, count(p.part) FROM attempt a LEFT JOIN part p USING (attempt) "
                      "GROUP BY a.attempt ORDER BY a.job", database)
    done = collections.Counter(int(job) for job, _, _ in rows)
    tally.check(all(parts == there for _, parts, there in rows), f"{label}: half-done")
    orphans = around.sql("SELECT count(*) FROM part WHERE attempt NOT IN (SELECT attempt FROM attempt)", database)[0][0]
    added = around.sql("SELECT sum(n) FROM tally", database)[0][0]
    tally.check(orphans == "0" and int(added) == 2 * len(rows), f"{label}: half-done: {orphans} parts alone, {added} added")
    answers = [text.split() for text in ran.stdout.splitlines()]
    answered = {int(job) for job, _, _, _ in answers}
    # A line that is cut while the database is opened is told, and nothing is done.
    opening = ran.returncode == 1 and not answers and not rows and "connection" in ran.stderr
    seen["driver", "ran" if ran.returncode == 0 else "refused while opening"] += 1
    tally.check(ran.returncode == 0 or opening, f"{label}: the driver ends with {ran.returncode}: {ran.stderr[-600:]}")
    for job, kind, answer, _ in answers:
        count = done[int(job)]
        seen[f"{kind} commands", answer] += 1
        if answer == "done":
            tally.check(count == 1, f"{label}: job {job} ({kind}) was acknowledged and is there {count} times")
        elif answer == "COMMIT_UNKNOWN":
            tally.check(count <= 1, f"{label}: job {job} ({kind}), outcome unknown, is there {count} times")
        else:
            tally.check(count == 0, f"{label}: job {job} ({kind}) was refused ({answer}) and is there {count} times")
        allowed = answer in may_fail.get(kind, ()) or answer == "done"
        tally.check(allowed, f"{label}: job {job} ({kind}): {answer}: {ran.stderr[-600:]}")
    tally.check(all(job in answered for job in done), f"{label}: something nobody was told of is there")
    return answers


def prepare_stream(around):
    """A database with the driver's tables; how many messages an undisturbed run has."""
    template = around.database()
    ran = run([around.args.driver, around.cluster.url(template), 0, 1, 0])
    tally.check(ran.returncode == 0, f"driver: {ran.stderr}")
    database = around.database(template)
    around.proxy.arm(None)
    ran = driver(around, database, 0)
    answers = check_stream(around, database, ran, "undisturbed", {})
    tally.check(len(answers) == THREADS * JOBS, f"undisturbed: {len(answers)} answers")
    around.drop(database)
    return template, around.proxy.messages


def stream_round(around, template, seed, fault, may_fail):
    database = around.database(template)
    around.proxy.arm(fault)
    ran = driver(around, database, seed)
    fired = around.proxy.disarm()
    seen["moment: " + fault.name, "happened" if fired else "never came"] += 1
    answers = check_stream(around, database, ran, f"{fault.name}, seed {seed}", may_fail)
    around.drop(database)
    return answers


UNKNOWN = {"once": ("COMMIT_UNKNOWN",)}


def part_stream(around):
    template, messages = prepare_stream(around)
    for number in range(around.args.rounds):
        rng = line.generator(around.args.seed, number)
        for fault in line.moments(rng, messages):
            stream_round(around, template, around.args.seed * 1000 + number, fault, UNKNOWN)
    around.drop(template)


def part_stalls(around):
    template, messages = prepare_stream(around)
    for number in range(around.args.rounds):
        rng = line.generator(around.args.seed, f"stall {number}")
        for fault in line.stalls(rng, messages):
            stream_round(around, template, around.args.seed * 1000 + number, fault, UNKNOWN)
    around.drop(template)


def part_conflicts(around):
    """Serialization failures and deadlocks told at a statement, at the COMMIT (a constraint trigger), by the server."""
    template, _ = prepare_stream(around)
    around.sql("""
        CREATE SEQUENCE conflict;
        CREATE FUNCTION conflict() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
          IF nextval('conflict') % 7 = 0 THEN RAISE EXCEPTION 'injected' USING ERRCODE = TG_ARGV[0]; END IF;
          RETURN NEW; END $$;
        CREATE TRIGGER now BEFORE INSERT ON attempt FOR EACH ROW EXECUTE FUNCTION conflict('40P01');
        CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON attempt DEFERRABLE INITIALLY DEFERRED
          FOR EACH ROW EXECUTE FUNCTION conflict('40001')""", template)
    for number in range(around.args.rounds):
        database = around.database(template)
        around.proxy.arm(None)
        ran = driver(around, database, around.args.seed + number)
        check_stream(around, database, ran, f"conflicts, round {number}", {})
        retries = int(ran.stderr.rsplit(" ", 1)[-1])
        seen["conflicts", "run again"] += retries
        tally.check(retries > 10, f"conflicts: {retries} retries")
        around.drop(database)
    around.drop(template)


def part_restart(around):
    """The server restarted by force in the midst; everything goes on once it is back."""
    template, messages = prepare_stream(around)
    for number in range(around.args.rounds):
        rng = line.generator(around.args.seed, f"restart {number}")

        def restart(_connection):
            around.cluster.stop("immediate")
            around.cluster.start()
        fault = line.Fault("server restarted", line.nth(line.in_transaction, rng.randrange(messages // 2)), restart)
        stream_round(around, template, number, fault, UNKNOWN)
    around.drop(template)


def part_gone(around):
    """The server gone for good: a clear stop, within a minute, and nothing told wrong."""
    template, messages = prepare_stream(around)
    for gone in ("refuse", "silent")[:around.args.rounds]:
        rng = line.generator(around.args.seed, f"gone {gone}")
        fault = line.Fault(f"gone ({gone})", line.nth(line.is_committed, rng.randrange(20)), "cut", gone)
        answers = stream_round(around, template, 1, fault, {kind: ("COMMIT_UNKNOWN", "STORE_GONE") for kind in ("once", "keyed")})
        tally.check(any(answer != "done" for _, _, answer, _ in answers), f"gone ({gone}): nobody was told")
    around.drop(template)


# --- Silences that are none, and poolers ------------------------------------------------------------------------------------

HELD_SECONDS = 9  # the server is asked after 2 s (connect_timeout) and once more 2 s later; then a line counts as lost


def slow_stream(around, database, url, label, while_waiting=lambda: None):
    """A command waits for a lock, far longer than a silence: it is not given up. One thread: no deadlocks, no retries."""
    held = f"BEGIN; UPDATE tally SET n = n; SELECT pg_sleep({HELD_SECONDS}); COMMIT"
    holder = subprocess.Popen(["psql", "-Xq", around.cluster.url(database), "-c", held], stdout=subprocess.DEVNULL)
    waiting = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}' AND "
    await_one(around, waiting + "wait_event = 'PgSleep'")
    command = list(map(str, [around.args.driver, url, 1, 1, JOBS]))
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    await_one(around, waiting + "wait_event_type = 'Lock'")
    while_waiting()
    try:
        stdout, stderr = process.communicate(timeout=PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        tally.check(False, f"{label}: hangs")
        raise Hang from None
    holder.wait()
    ran = subprocess.CompletedProcess(command, process.returncode, stdout, stderr)
    answers = check_stream(around, database, ran, label, {})
    tally.check(len(answers) == JOBS, f"{label}: {len(answers)} answers")
    retries = int(stderr.rsplit(" ", 1)[-1])
    tally.check(retries == 0, f"{label}: a statement at work was given up: {retries} retries")
    seen["slow statements", label] += 1


def await_one(around, count):
    end = time.monotonic() + PATIENCE_SECONDS
    while around.sql(count) == [["0"]]:
        if time.monotonic() > end:
            raise RuntimeError(f"never came: {count}")
        time.sleep(0.05)


def part_slow(around):
    """Statements that take long, where the server tells nothing of what its sessions do, or the address names two servers."""
    template, messages = prepare_stream(around)
    direct = around.database(template)
    slow_stream(around, direct, around.cluster.url(direct, connect_timeout=2), "directly")
    around.drop(direct)

    untold = around.database(template)
    around.sql(f"ALTER DATABASE {untold} SET track_activities = off")
    slow_stream(around, untold, around.cluster.url(untold, connect_timeout=2), "track_activities = off")
    around.drop(untold)

    several = around.database(template)
    (around.base / "other").mkdir()
    other = Cluster(around.base / "other", "fsync=off")

    def other_starts():
        other.start()
        subprocess.run(["psql", "-Xq", other.url(), "-c", f"CREATE DATABASE {several}"], check=True)
    try:
        url = f"postgres://huitou@127.0.0.1:{other.port},127.0.0.1:{around.cluster.port}/{several}?connect_timeout=2"
        slow_stream(around, several, url, "two hosts, the first another server by now", other_starts)
    finally:
        other.close()
    around.drop(several)

    around.sql("ALTER SYSTEM SET track_activities = off")  # lost lines are noticed all the same
    around.sql("SELECT pg_reload_conf()")
    rng = line.generator(around.args.seed, "untold")
    for fault in line.stalls(rng, messages):
        stream_round(around, template, 1, fault, UNKNOWN)
    around.sql("ALTER SYSTEM RESET track_activities")
    around.sql("SELECT pg_reload_conf()")
    around.drop(template)


def through(around, bouncer):
    """The proxy of these tests in front of a pooler."""
    around.proxy = line.Proxy("127.0.0.1", bouncer.port, around.terminate)


def pooled_sessions(around, template, messages):
    """Session mode: all as without a pooler, but that the greeting's process number is the pooler's own."""
    bouncer, direct = pooler.Pooler(around.base / "sessions", around.cluster, "session"), around.proxy
    try:
        database = around.database(template)
        slow_stream(around, database, bouncer.url(database), "pgbouncer, session mode")
        around.drop(database)
        through(around, bouncer)
        rng = line.generator(around.args.seed, "sessions")
        ended = lambda fault: fault.does in ("kill", "backend")  # by the number of the greeting
        faults = line.stalls(rng, messages) + [fault for fault in line.moments(rng, messages) if not ended(fault)]
        for fault in faults:
            stream_round(around, template, 1, fault, UNKNOWN)
        around.proxy.close()
    finally:
        around.proxy = direct
        bouncer.close()


def pooled_transactions(around, template, label, warm, **settings):
    """Transaction mode is refused, at the opening or by each command that meets another process: that one is not done."""
    bouncer = pooler.Pooler(around.base / label.replace(" ", "-"), around.cluster, "transaction", **settings)
    database = around.database(template)
    try:
        sleep = ["psql", "-Xq", bouncer.url(database), "-c", "SELECT pg_sleep(1)"]
        for sleeping in [subprocess.Popen(sleep, stdout=subprocess.DEVNULL) for _ in range(warm)]:
            sleeping.wait()
        ran = driver(around, database, 1, bouncer.url(database))
        answers = check_stream(around, database, ran, label, {kind: ("STORE_POOLER",) for kind in ("once", "keyed")})
        refused = any(answer == "STORE_POOLER" for _, _, answer, _ in answers)
        tally.check((not answers or refused) and "pool_mode = session" in ran.stderr, f"{label}: not refused: {ran.stderr[-600:]}")
        seen["pgbouncer, " + label, "refused " + ("by the commands" if answers else "at the opening")] += 1
    finally:
        bouncer.close()
        around.drop(database)


def part_pooler(around):
    if not pooler.is_installed():
        tally.check(False, "pgbouncer is not installed (script/bootstrap)")
        return
    template, messages = prepare_stream(around)
    pooled_sessions(around, template, messages)
    pooled_transactions(around, template, "transaction mode", 0)
    # Each transaction goes to the next process: what the opening cannot notice, the commands do.
    pooled_transactions(around, template, "transaction mode, round robin", 6, server_round_robin=1)
    around.drop(template)


# --- The program itself -----------------------------------------------------------------------------------------------------

class Shop:
    """A brand on PostgreSQL whose address leads through the proxy; copies of it are cheap."""

    def __init__(self, around, of=None):
        self.around = around
        self.base = pathlib.Path(tempfile.mkdtemp(prefix="brand-", dir=around.base))
        self.dir, self.kind = self.base / "brand", "postgres"
        if of:
            self.database = around.database(of.database)
            subprocess.run(["cp", "-a", of.dir, self.dir], check=True)
        else:
            self.database = around.database()
            made = run([around.args.binary, "--lang", "en", "init", self.dir, "--name", "Test", "--currency", "CNY", "--timezone",
                        "Asia/Shanghai", "--store", around.cluster.url(self.database)])
            if made.returncode:
                raise RuntimeError(made.stderr)
        config = json.loads((self.dir / "huitou.json").read_text())
        config["store"] = around.through_proxy(self.database)
        (self.dir / "huitou.json").write_text(json.dumps(config))

    def try_run(self, *args):
        return run([self.around.args.binary, "--lang", "en", "--dir", self.dir, *args], cwd=self.base)

    def json(self, *args):
        ran = self.try_run(*args, "--json")
        if ran.returncode:
            raise RuntimeError(f"{args}: {ran.stdout}{ran.stderr}")
        return json.loads(ran.stdout)

    def sql(self, statement):
        return self.around.sql(statement, self.database)

    def close(self):
        self.around.drop(self.database)
        subprocess.run(["rm", "-r", self.base], check=True)


def counts_of(result):
    """What an import says that it did."""
    [told] = result["files"]
    return {name: value for name, value in told.items() if isinstance(value, int) and not isinstance(value, bool)}


class Import:
    """One file, its import undisturbed, and the state that it must end in. first_load: of a brand without orders."""

    def __init__(self, around, first_load=True):
        self.around = around
        self.file, map_file = around.base / "orders.csv.gz", around.base / "map.json"
        import_kill_test.make_file(self.file, around.args.seed, 1200)
        map_file.write_text(import_kill_test.MAP)
        self.command = ("import", "orders", "--batch-orders", "200", self.file, "--map", map_file)
        self.shop = Shop(around)
        if not first_load:
            import_kill_test.make_file(around.base / "known.csv.gz", around.args.seed, 40)  # numbers of the file itself
            self.shop.json("import", "orders", around.base / "known.csv.gz", "--map", map_file)
        clean = Shop(around, self.shop)
        around.proxy.arm(None)
        self.counts = counts_of(clean.json(*self.command))
        tally.check(self.counts["orders_new"] > 1000, f"the undisturbed import counted: {self.counts}")
        self.messages = around.proxy.messages
        self.state = import_kill_test.state(clean)
        tally.check(len(self.state["orders"]) > 1000, "the undisturbed import brought orders")
        clean.close()

    def round(self, fault, may_stop):
        around, shop = self.around, Shop(self.around, self.shop)
        around.proxy.arm(fault)
        ran = shop.try_run(*self.command, "--json")
        fired = around.proxy.disarm()
        seen["import: " + fault.name, f"exit {ran.returncode}" + ("" if fired else ", never came")] += 1
        label = f"import, {fault.name}"
        self.check_end(ran, label, may_stop)
        verify = shop.try_run("verify")
        tally.check(verify.returncode == 0, f"{label}: verify: {verify.stdout}{verify.stderr}")
        if ran.returncode:
            again = shop.try_run(*self.command)
            tally.check(again.returncode == 0, f"{label}: again: {again.stdout}{again.stderr}")
            verify = shop.try_run("verify")
            tally.check(verify.returncode == 0, f"{label}: verify at the end: {verify.stdout}{verify.stderr}")
        now = import_kill_test.state(shop)
        for name, rows in self.state.items():
            tally.check(now[name] == rows, f"{label}: {name} differ from an import that met nothing")
        shop.close()

    def check_end(self, ran, label, may_stop):
        """An end with 0, or a stop that says what to do."""
        if ran.returncode == 0:
            tally.check("error" not in ran.stderr, f"{label}: ends well and says {ran.stderr}")
            counts = counts_of(json.loads(ran.stdout))
            tally.check(counts == self.counts, f"{label}: did {self.counts} and says {counts}")
            return
        words = ("run the same again", "repeat it if it is not", "try again")
        tally.check(ran.returncode == 1 and any(word in ran.stderr for word in words), f"{label}: {ran.returncode}: {ran.stderr}")
        tally.check(may_stop, f"{label}: it could have gone on: {ran.stderr}")
        seen["stops", ran.stderr[ran.stderr.index("error: "):].split("(")[0].strip()[:100]] += 1


def part_import(around):
    import_rounds(around, Import(around), "import")
    import_rounds(around, Import(around, first_load=False), "import beside orders")


def import_rounds(around, imported, name):
    for number in range(around.args.rounds):
        rng = line.generator(around.args.seed, f"{name} {number}")
        faults = line.moments(rng, imported.messages)
        if around.args.rounds == 1:  # those whose outcome nobody is told, and some
            unknown = [fault for fault in faults if fault.name.startswith("COMMIT")]
            faults = unknown + rng.sample([fault for fault in faults if fault not in unknown], 5)
        for fault in faults:
            # While it opens the database there is nothing to go on with: that is told at once.
            opening = "any message of" in fault.name or fault.name == "while connecting"
            imported.round(fault, may_stop=opening)
        for fault in rng.sample(line.stalls(rng, imported.messages), 1 if around.args.rounds == 1 else 4):
            imported.round(fault, may_stop=False)


def part_import_gone(around):
    imported = Import(around)
    imported.round(line.Fault("gone", line.nth(line.is_committed, 3), "cut", "refuse"), may_stop=True)


def command_outcome(shop, fault, command, is_done):
    """Runs one command under a fault; what it says must be true."""
    around = shop.around
    before = is_done()
    around.proxy.arm(fault)
    ran = shop.try_run(*command)
    fired = around.proxy.disarm()
    after = is_done()
    label = f"{' '.join(map(str, command[:2]))}, {fault.name}"
    unknown = "may be done or not" in ran.stderr
    seen[f"huitou {command[0]} {command[1]}", ("done" if ran.returncode == 0 else "unknown" if unknown else "refused") + ("" if fired else ", fault never came")] += 1
    tally.check(not before, f"{label}: done before")
    tally.check(ran.returncode in (0, 1), f"{label}: exit {ran.returncode}: {ran.stderr}")
    if ran.returncode == 0:
        tally.check(after, f"{label}: acknowledged and not there")
    elif not unknown:
        tally.check(not after, f"{label}: refused ({ran.stderr.strip()}) and there")
    verify = shop.try_run("verify")
    tally.check(verify.returncode == 0, f"{label}: verify: {verify.stdout}{verify.stderr}")
    return after


def part_commands(around):
    """huitou customer tag, merge with the line cut in each."""
    imported = Import(around)
    shop = Shop(around, imported.shop)
    shop.json(*imported.command)
    rows = shop.sql("SELECT customer_id FROM customer WHERE placeholder = 0 ORDER BY customer_id LIMIT 400")
    ids = [row[0] for row in rows]
    rng = line.generator(around.args.seed, "commands")
    told = lambda fault: "COMMIT" in fault.name or "session" in fault.name
    for _ in range(around.args.rounds):
        for fault in filter(told, line.moments(rng, 60, 3)):
            one = ids.pop()
            tags = ("SELECT count(*) FROM tag JOIN customer_tag ON customer_tag.tag_id = tag.tag_id "
                    f"WHERE customer_id = {one} AND tag.name = 'vip'")
            command_outcome(shop, fault, ("customer", "tag", one, "vip"), lambda: shop.sql(tags) == [["1"]])
        for fault in filter(told, line.moments(rng, 60, 4)):
            one, other = ids.pop(), ids.pop()
            roots = f"SELECT count(DISTINCT root_id) FROM customer WHERE customer_id IN ({one}, {other})"
            merge = ("customer", "merge", one, other, "--yes")
            command_outcome(shop, fault, merge, lambda: shop.sql(roots) == [["1"]])
    shop.close()


PARTS = {"stream": part_stream, "conflicts": part_conflicts, "restart": part_restart, "stalls": part_stalls, "slow": part_slow, "pooler": part_pooler,
         "commands": part_commands, "import": part_import, "gone": part_gone, "import-gone": part_import_gone}


def main():
    args = arguments(__doc__, driver={"default": str(ROOT / "build/release/test/pg_driver")}, only={"default": ""},
                     rounds={"type": int, "default": 1}, seed={"type": int, "default": 1})
    args.binary, args.driver = str(pathlib.Path(args.binary).resolve()), str(pathlib.Path(args.driver).resolve())
    with tempfile.TemporaryDirectory(prefix="huitou-line-") as directory:
        around = Surroundings(args, directory)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the server goes too
        try:
            for name, part in PARTS.items():
                if not args.only or name in args.only.split(","):
                    since = time.monotonic()
                    part(around)
                    print(f"{name}: {time.monotonic() - since:.1f} s", flush=True)
        except Hang:
            pass
        finally:
            around.close()
    for (what, outcome), count in sorted(seen.items()):
        print(f"  {what}: {outcome} ({count})")
    tally.finish()


if __name__ == "__main__":
    main()
