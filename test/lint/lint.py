#!/usr/bin/env python3
"""The project's own rules, run as a test: python3 test/lint/lint.py [--binary build/release/huitou]

Reads the source as text. Each finding names file, line and rule. Rules: CONTRIBUTING.md.
"""
import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SRC = ROOT / "src"

# The floors from the bottom up; a file may include its own floor and those before it.
FLOORS = ["base", "codec", "contract", "store", "event", "engine", "room", "job", "http", "cli"]
# engine knows neither store nor any room nor the event log.
ENGINE_MAY = {"base", "codec", "contract", "engine"}
# A room may include the rooms before it.
ROOMS = ["setup", "access", "customer", "order", "insight"]
# What other floors and rooms may include of a room, beside its header of its own name.
ROOM_HEADERS = {"access_session.h", "import.h", "import_view.h", "import_queue.h", "person.h", "insight_file.h", "insight_kept.h"}

LIBRARY_HOMES = {
    "sqlite3.h": "store", "libpq-fe.h": "store", "jansson.h": "codec", "csv.h": "codec", "zlib.h": "codec",
    "iconv.h": "codec", "zip.h": "codec", "expat.h": "codec", "xlsxwriter.h": "codec", "sodium.h": "base", "unicode/": "base", "microhttpd.h": "http",
}
BANNED_CALLS = {
    "strcpy": "str_copy", "strcat": "buf_str", "sprintf": "str_fmt", "gets": "text_input", "strtok": "str_cut",
    "atoi": "str_to_i64", "atol": "str_to_i64", "alloca": "an arena", "system": "nothing", "assert": "CHECK",
    "localtime": "zone_*", "gmtime": "day_to_civil", "mktime": "zone_time_us", "rand": "deps", "time": "deps.clock",
    "gettimeofday": "deps.clock",
}
# The system's clock is read where the injected one is made, and where waiting is measured: between tries, for requests.
CLOCK_ALLOWED_IN = {"base", "store", "job", "http"}
FUNCTION_LINES_MAX = 70
C_COLUMNS_MAX = 100
H_COLUMNS_MAX = 125
SQL_BANNED = [
    (r"\bnow\s*\(", "times come from C"), (r"\brandom\s*\(", "randomness comes from C"),
    (r"\bLIKE\b", "search goes through keyed hashes"), (r"\bILIKE\b", "search goes through keyed hashes"),
    (r"\bINSERT\s+OR\b", "use ON CONFLICT"), (r"\bjson", "JSON stays in C"), (r"\bAUTOINCREMENT\b", "ids come from C"),
    (r"\bSERIAL\b", "ids come from C"), (r"\bdate_trunc\b|\bstrftime\b|\bextract\s*\(", "join calendar"),
    (r"::", "use CAST"),
]
# Statements that exist once per database. A new one needs a reason beside it and a change here.
DIALECT_PAIRS_MAX = 4

findings = []
checked = 0


def finding(path, line, rule):
    findings.append(f"{path.relative_to(ROOT)}:{line}: {rule}")


def strip_comments_and_strings(text):
    """Same line structure, with comments and literals blanked."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)


def place_of(path):
    parts = path.relative_to(SRC).parts
    floor = parts[0] if len(parts) > 1 else "main"
    room = parts[1] if floor == "room" else None
    return floor, room


def check_includes(path, text):
    floor, room = place_of(path)
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r'\s*#\s*include\s+([<"])([^>"]+)[>"]', line)
        if not match:
            continue
        target = match.group(2)
        for header, home in LIBRARY_HOMES.items():
            if (target == header or (header.endswith("/") and target.startswith(header))) and floor != home:
                finding(path, number, f"only src/{home} may include {target}")
        if match.group(1) == "<" or floor == "main":
            continue
        if "/" not in target:
            if not re.match(r"(sql_\w+|import_maps)\.h$", target):
                finding(path, number, f'includes are written from src/: "{target}"')
            elif target.startswith("sql_"):
                owner = target[4:-2]
                if owner != (room or floor):
                    finding(path, number, f"the statements of {owner} are its own: {target}")
            continue
        parts = target.split("/")
        if parts[0] not in FLOORS:
            finding(path, number, f"unknown floor in include {target}")
            continue
        if floor == "engine" and parts[0] not in ENGINE_MAY:
            finding(path, number, f"engine includes neither store nor rooms: {target}")
        if FLOORS.index(parts[0]) > FLOORS.index(floor):
            finding(path, number, f"include points up: {target}")
        if floor in ("job", "http", "cli") and parts[0] == "room" and parts[2] not in {f"{parts[1]}.h", *ROOM_HEADERS}:
            finding(path, number, f"a room's inside: {target}")
        if floor == "room" and parts[0] == "room":
            if parts[1] not in ROOMS or room not in ROOMS:
                finding(path, number, f"unknown room in {target}: add it to test/lint/lint.py")
            elif ROOMS.index(parts[1]) > ROOMS.index(room):
                finding(path, number, f"a room includes only rooms to its left: {target}")
            elif parts[1] != room and parts[2] not in {f"{parts[1]}.h", *ROOM_HEADERS}:
                finding(path, number, f"another room's inside: {target}")


def check_lines(path, text, columns_max):
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > columns_max:
            finding(path, number, f"line of {len(line)} columns (at most {columns_max})")
        if line.rstrip() != line:
            finding(path, number, "white space at the line's end")
        if "\t" in line:
            finding(path, number, "a tab")
        if re.search(r"\b(TODO|FIXME|XXX)\b", line):
            finding(path, number, "unfinished work belongs in an issue")


def check_functions(path, bare):
    name, start = None, None
    for number, line in enumerate(bare.splitlines(), 1):
        if re.match(r"^[A-Za-z_].*\)\s*$", line) or re.match(r"^\s+.*\)\s*$", line):
            name = line.strip()
        if line == "{":
            start = number
        elif line == "}" and start:
            if number - start - 1 > FUNCTION_LINES_MAX:
                finding(path, start, f"function of {number - start - 1} lines (at most {FUNCTION_LINES_MAX}): {name}")
            start = None


def check_calls(path, bare):
    floor, _ = place_of(path)
    for number, line in enumerate(bare.splitlines(), 1):
        for match in re.finditer(r"(?<![\w.>])([a-z_]\w*)\s*\(", line):
            call = match.group(1)
            if call in BANNED_CALLS:
                finding(path, number, f"{call}() is banned; use {BANNED_CALLS[call]}")
            if call == "clock_gettime" and floor not in CLOCK_ALLOWED_IN:
                finding(path, number, "the clock is injected: deps.clock")
            if call in ("malloc", "calloc", "realloc") and floor in ("room", "job", "cli", "event"):
                finding(path, number, f"{call}() above the store: use an arena")
        if re.search(r"\bNDEBUG\b", line):
            finding(path, number, "assertions stay on: no NDEBUG")


def check_sql_in_c(path, text):
    floor, _ = place_of(path)
    if floor == "store":
        return
    for number, line in enumerate(text.splitlines(), 1):
        for literal in re.findall(r'"((?:\\.|[^"\\])*)"', line):
            if re.search(r"\b(SELECT\s+\w|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|CREATE\s+TABLE)\b", literal):
                finding(path, number, "SQL belongs in statements.sql")


def check_sql_file(path):
    text = path.read_text()
    lines = text.splitlines()
    comment = []
    for number, line in enumerate(lines, 1):
        if len(line) > 130:
            finding(path, number, f"line of {len(line)} columns")
        bare = line.split("--")[0] if not line.lstrip().startswith("--") else ""
        for pattern, why in SQL_BANNED:
            if re.search(pattern, bare, re.I):
                finding(path, number, f"{bare.strip()[:50]}: {why}")
        if line.startswith("--"):
            comment.append(line)
            continue
        if re.match(r"\s*CREATE\s+TABLE", line):
            if not any("row:" in c for c in comment) or not any("read by:" in c for c in comment):
                finding(path, number, "a table's comment says what a row is (row:) and who reads it (read by:)")
        if re.match(r"\s*CREATE\s+(UNIQUE\s+)?INDEX", line) and not any("read by:" in c for c in comment):
            finding(path, number, "an index's comment says who reads by it (read by:)")
        if line.strip():
            comment = []
    return len(re.findall(r"^-- dialect: sqlite", text, re.M))


def check_errors():
    numbers, names = {}, {}
    for path in sorted((SRC / "base/error").glob("*.def")):
        text = path.read_text()
        body = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
        for match in re.finditer(r'ERROR\(\s*(\w+),\s*(\d+),\s*(\d+),\s*(\w+),\s*((?:"(?:\\.|[^"\\])*"\s*)+),\s*'
                                 r'((?:"(?:\\.|[^"\\])*"\s*)+)\)', body):
            name, number, en, zh = match.group(1), int(match.group(2)), match.group(5), match.group(6)
            line = text[:text.find(f"ERROR({name},")].count("\n") + 1
            if number in numbers:
                finding(path, line, f"error number {number} is used twice: {numbers[number]} and {name}")
            if name in names:
                finding(path, line, f"error {name} is declared twice")
            numbers[number], names[name] = name, path
            if sorted(set(re.findall(r"\{\w+\}", en))) != sorted(set(re.findall(r"\{\w+\}", zh))):
                finding(path, line, f"{name}: the two languages name different fields")
            if not re.search(r"[\u4e00-\u9fff]", zh) or re.search(r"[\u4e00-\u9fff]", en):
                finding(path, line, f"{name}: one of the two languages is missing")
        declared = body.count("ERROR(")
        matched = len(re.findall(r"ERROR\(\s*\w+,\s*\d+", body))
        if declared != matched:
            finding(path, 1, "an ERROR(…) line is not of the usual form")
    used = set()
    for path in [*SRC.rglob("*.c"), *SRC.rglob("*.h")]:
        used |= set(re.findall(r"\bERR_([A-Z][A-Z0-9_]+)\b", path.read_text()))
    for name, path in names.items():
        if name not in used:
            finding(path, 1, f"error {name} is never made")
    return len(names)


def check_headers_alone():
    for path in sorted(SRC.rglob("*.h")):
        with tempfile.NamedTemporaryFile("w", suffix=".c") as file:
            file.write(f'#include "{path.relative_to(SRC)}"\n')
            file.flush()
            run = subprocess.run(["gcc", "-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", f"-I{SRC}",
                                  "-fsyntax-only", file.name], capture_output=True, text=True, check=False)
            if run.returncode:
                finding(path, 1, "does not compile alone: " + run.stderr.splitlines()[0])
        text = path.read_text()
        if not text.startswith("/*"):
            finding(path, 1, "a header begins with a comment that says what it is for")
        guard = "HUITOU_" + re.sub(r"[^A-Z0-9]", "_", str(path.relative_to(SRC)).upper())
        if guard not in text:
            finding(path, 1, f"include guard {guard}")


def check_generated(binary):
    for command, name in (("definitions", "docs/definitions.md"), ("errors", "docs/errors.md"),
                          ("presets", "docs/presets.md")):
        path = ROOT / name
        run = subprocess.run([binary, command], capture_output=True, text=True, check=False)
        if run.returncode or not path.exists() or path.read_text() != run.stdout:
            finding(path, 1, f"not fresh: run `huitou {command} > {name}`")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", help="the program, to check that generated documents are fresh")
    args = parser.parse_args()
    count, pairs = 0, 0
    for path in sorted(SRC.rglob("*.[ch]")) + sorted((ROOT / "tools").glob("*.c")):
        text = path.read_text()
        bare = strip_comments_and_strings(text)
        count += 1
        check_lines(path, text, C_COLUMNS_MAX if path.suffix == ".c" and path != SRC / "engine/metric.c"
                    else 140 if path == SRC / "engine/metric.c" else H_COLUMNS_MAX)
        check_functions(path, bare)
        if path.is_relative_to(SRC):
            check_includes(path, text)
            check_calls(path, bare)
            check_sql_in_c(path, text)
    for path in sorted(SRC.rglob("*.sql")):
        pairs += check_sql_file(path)
        count += 1
    if pairs > DIALECT_PAIRS_MAX:
        finding(SRC, 0, f"{pairs} statements exist once per database (at most {DIALECT_PAIRS_MAX})")
    errors = check_errors()
    check_headers_alone()
    if args.binary:
        check_generated(args.binary)
    for line in findings:
        print(line)
    print(f"lint: {count} files, {errors} errors in two languages")
    print(f"{0 if findings else 1} passed, {1 if findings else 0} failed")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
