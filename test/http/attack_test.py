#!/usr/bin/env python3
"""What strangers do to a server: /usr/bin/python3 test/http/attack_test.py [--binary PATH] [--connections 10000]

Slow connections by the thousand, slowhttptest, bodies without end, a million headers, tricks in paths, chunks, lengths and
methods, JSON of every bad kind, mutated requests by a seed, streams whose clients vanish, a stop while requests are at work.
The API goes on answering, memory stays bounded, and nothing stands on standard error (so run it with the sanitizers, too).
"""
import faulthandler
import json
import pathlib
import random
import re
import resource
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import shop  # noqa: E402
from api import ContractFault, Server, Unexpected, strict_json  # noqa: E402
from program import Brand, Tally, arguments  # noqa: E402

tally = Tally()
PATIENCE_S = 20  # for one answer, however busy the machine
MIB = 1024


def connected(server, source=None):
    plain = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    plain.settimeout(PATIENCE_S)
    if source:
        plain.bind((source, 0))
    plain.connect((server.host, server.port))
    return plain


def answers(server, sent, silence_s=1.5, most=1 << 20):
    """All that comes back for these bytes until the server closes or is silent for so long; b"" where it only closes."""
    plain, got = connected(server), b""
    try:
        plain.sendall(sent)
        plain.settimeout(silence_s)
        while len(got) < most:
            piece = plain.recv(65536)
            if not piece:
                break
            got += piece
    except (ConnectionError, socket.timeout, OSError):
        pass
    plain.close()
    return got


def statuses(got):
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] ([0-9]{3}) ", got)]


def lives(server, what):
    """The API answers whoever comes now."""
    try:
        fresh = server.client()
        fresh.call("getStatus")
        fresh.close()
        return tally.check(True, what)
    except (OSError, ContractFault, Unexpected) as fault:
        return tally.check(False, f"{what}: the API does not answer: {fault!r}")


def head(method, path, *lines):
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", *lines, "", ""]).encode("latin-1")


def is_page(got):
    """The console's page: it answers for every address that is no asset's and no endpoint's, and finds its own way."""
    return statuses(got) == [200] and b"Content-Type: text/html" in got and b"<!doctype html" in got.lower()


# --- Slow ones ---

def drip(server, count):
    """Heads that never end, from eight addresses, a byte more now and then."""
    before = server.memory_kib()
    drips, refused = [], 0
    for number in range(count):
        try:
            plain = connected(server, f"127.0.0.{2 + number % 8}")
            plain.sendall(b"GET /api/v1/sta")
            plain.setblocking(False)
            drips.append(plain)
        except OSError:
            refused += 1
        if number % 500 == 499:
            lives(server, f"{number + 1} slow connections")
    for _ in range(3):
        for plain in drips:
            try:
                plain.send(b"t")
            except OSError:
                pass
        lives(server, "slow connections that send a byte more")
    grown = server.memory_kib() - before
    tally.check(grown < 400 * MIB, f"memory grew by {grown} KiB")
    tally.check(len(drips) > count * 0.9, f"{refused} of {count} could not connect")
    owner = server.logged_in("owner")
    tally.check(owner.call("getMe")["role"] == "owner", "somebody logs in meanwhile")
    for plain in drips:
        plain.close()
    lives(server, "after the slow connections")
    print(f"drip: {count} connections, {refused} refused, memory {before} KiB and {grown} more")


def slowhttptest(server):
    if not shutil.which("slowhttptest"):
        tally.did_not_run("slowhttptest is not installed (script/bootstrap)")
        return
    common = ["-c", "1000", "-r", "300", "-l", "15", "-p", "3"]
    url = server.url
    runs = [["-H", "-i", "5", "-t", "GET", "-u", url + "/api/v1/status"],
            ["-B", "-i", "5", "-s", "100000", "-t", "POST", "-u", url + "/api/v1/session"],
            ["-X", "-w", "10", "-y", "20", "-n", "5", "-z", "32", "-k", "3", "-u", url + "/api/openapi.json"],
            ["-R", "-a", "1", "-b", "3000", "-t", "HEAD", "-u", url + "/api/openapi.json"]]
    started = [subprocess.Popen(["slowhttptest", *common, *run], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
               for run in runs]
    count = 0
    while any(run.poll() is None for run in started):
        lives(server, "beside slowhttptest")
        count += 1
        time.sleep(0.3)
    tally.check(count > 10, f"slowhttptest was over after {count} requests beside it")
    tally.check(all(run.returncode == 0 for run in started), f"slowhttptest: {[run.returncode for run in started]}")
    print(f"slowhttptest: {count} requests answered beside slow heads, bodies, readers and ranges")


# --- Too much ---

def too_much(server, owner):
    before = server.memory_kib()
    cookie = "; ".join(f"{name}={value}" for name, value in owner.cookies.items())
    common = (f"Cookie: {cookie}", f"X-CSRF-Token: {owner.csrf}", "Content-Type: application/json")
    target = "/api/v1/staff"
    got = answers(server, head("POST", target, *common, "Content-Length: 1073741824", "Expect: 100-continue"))
    tally.check(statuses(got) == [413], f"1 GB announced: {got[:300]!r}")
    for lines in (("Content-Length: 1073741824",), ("Transfer-Encoding: chunked",)):
        plain, sent, got = connected(server), 0, b""
        piece = b"x" * 65536
        if "chunked" in lines[0]:
            piece = b"10000\r\n" + piece + b"\r\n"
        try:
            plain.sendall(head("POST", target, *common, *lines))
            while sent < 1 << 30:
                plain.sendall(piece)
                sent += len(piece)
        except OSError:
            pass
        plain.settimeout(2)
        try:
            got = plain.recv(65536)
        except OSError:
            pass
        plain.close()
        tally.check(sent < 64 << 20, f"{lines[0]}: {sent} bytes were taken")
        tally.check(statuses(got) in ([413], []), f"{lines[0]}: {got[:200]!r}")
    plain, count = connected(server), 0
    try:
        plain.sendall(b"GET /api/v1/status HTTP/1.1\r\nHost: x\r\n")
        while count < 1_000_000:
            plain.sendall(b"".join(b"X-%d: y\r\n" % n for n in range(count, count + 1000)))
            count += 1000
        plain.sendall(b"\r\n")
    except OSError:
        pass
    plain.close()
    tally.check(count < 1_000_000, "a million headers were taken")
    for size in (40_000, 1_000_000):
        got = answers(server, head("GET", "/" + "a" * size))
        tally.check(not statuses(got) or statuses(got)[0] in (400, 414, 431), f"a path of {size}: {got[:100]!r}")
        got = answers(server, head("GET", "/api/v1/status", "X-Long: " + "a" * size))
        tally.check(not statuses(got) or statuses(got)[0] in (400, 413, 431), f"a header of {size}: {got[:100]!r}")
    lives(server, "after too much")
    grown = server.memory_kib() - before
    tally.check(grown < 128 * MIB, f"memory grew by {grown} KiB")


# --- Tricks ---

PATHS = ("/../../etc/passwd", "/api/v1/../../../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc%2fpasswd",
         "/api/v1/%00", "/api/v1/staff%00.html", "/%c0%ae%c0%ae/etc/passwd", "/api/v1/%c0%af", "/api/v1/%ff%fe", "/api/v1/\xff",
         "/api/v1/%ed%a0%80", "/api//v1/status", "/api/v1/./status", "/api/v1/status/", "/api/v1/status%2f", "/api/v1\\status",
         "/api/v1/%5c..%5c", "/api/v1/%zz", "/api/v1/%", "/api/v1/%4", "/api/v1/customers/" + "9" * 30, "/api/v1/customers/-1",
         "/api/v1/customers/1e3", "/api/v1/customers/%31%2f", "/API/V1/STATUS", "/api/v1/status%20", "/api/v1/" + "a/" * 4000,
         "/assets/../index.html", "/assets/%2e%2e/huitou.json", "/huitou.json", "/master.key", "/huitou.db", "/.git/config",
         "/api/v1/reports/totals%0d%0aSet-Cookie:%20a=b")


def paths(server, owner):
    cookie = "Cookie: " + "; ".join(f"{name}={value}" for name, value in owner.cookies.items())
    for path in PATHS:
        got = answers(server, head("GET", path, cookie, "Connection: close"), PATIENCE_S)
        status = statuses(got)
        tally.check(len(status) == 1 and status[0] in (400, 404, 414) or is_page(got), f"{path}: {got[:200]!r}")
        tally.check(b"root:" not in got and b"Set-Cookie" not in got, f"{path}: {got[:300]!r}")
        if status and b"problem+json" in got:
            strict_json(got.split(b"\r\n\r\n", 1)[1])
    for path in ("http://x/api/v1/status", "http://other.example:99/api/v1/status"):
        tally.check(statuses(answers(server, head("GET", path, "Connection: close"))) == [200], f"{path}: the absolute form (RFC 9112, 3.2.2)")


# What may come back: one refusal, or nothing but the end of the connection. Never a second answer: what follows the first
# request is its body to one reader and a request to another (request smuggling, RFC 9112, 11.2).
SMUGGLED = "GET /api/v1/status HTTP/1.1\r\nHost: x\r\n\r\n"
FRAMES = (
    ("length and chunks", ("Content-Length: 4", "Transfer-Encoding: chunked"), "0\r\n\r\n" + SMUGGLED),
    ("chunks and length", ("Transfer-Encoding: chunked", "Content-Length: 60"), "0\r\n\r\n" + SMUGGLED),
    ("two lengths", ("Content-Length: 0", "Content-Length: 45"), SMUGGLED),
    ("a list of lengths", ("Content-Length: 0, 45",), SMUGGLED),
    ("a signed length", ("Content-Length: +0",), SMUGGLED),
    ("a negative length", ("Content-Length: -1",), SMUGGLED),
    ("a length in hexadecimal", ("Content-Length: 0x0",), SMUGGLED),
    ("an empty length", ("Content-Length: ",), SMUGGLED),
    ("a length beyond 64 bits", ("Content-Length: 99999999999999999999999",), SMUGGLED),
    ("chunks that are not the last coding", ("Transfer-Encoding: chunked, identity",), "0\r\n\r\n" + SMUGGLED),
    ("an unknown coding", ("Transfer-Encoding: xchunked",), "0\r\n\r\n" + SMUGGLED),
    ("chunks twice", ("Transfer-Encoding: chunked", "Transfer-Encoding: identity"), "0\r\n\r\n" + SMUGGLED),
    ("a space before the colon", ("Transfer-Encoding : chunked",), "0\r\n\r\n" + SMUGGLED),
    ("a folded header", ("Transfer-Encoding:\r\n chunked",), "0\r\n\r\n" + SMUGGLED),
    ("a chunk without a size", ("Transfer-Encoding: chunked",), "\r\n\r\n" + SMUGGLED),
    ("a chunk size that is none", ("Transfer-Encoding: chunked",), "zz\r\n\r\n" + SMUGGLED),
    ("a negative chunk", ("Transfer-Encoding: chunked",), "-1\r\n\r\n" + SMUGGLED),
    ("a chunk beyond 64 bits", ("Transfer-Encoding: chunked",), "FFFFFFFFFFFFFFFFFF\r\nx\r\n0\r\n\r\n" + SMUGGLED),
    ("a chunk longer than said", ("Transfer-Encoding: chunked",), "1\r\nabc\r\n0\r\n\r\n" + SMUGGLED),
    ("a chunk that wraps", ("Transfer-Encoding: chunked",), "10000000000000000\r\n\r\n" + SMUGGLED),
)
FRAMED = ("length and chunks", "chunks and length", "two lengths", "chunks that are not the last coding", "an unknown coding",
          "chunks twice")  # what libmicrohttpd lets pass: refused for what it is, not because of what stands behind
BAD_HEADS = (
    b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"GET  / HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /\r\n\r\n",
    b"GET / HTTP/3.7\r\nHost: x\r\n\r\n", b"GET / HTTP/1.1 \r\nHost: x\r\n\r\n", b"GET / HTTPS/1.1\r\nHost: x\r\n\r\n",
    b"\r\n\r\n\r\n\r\n", b"\x00\x01\x02\x03\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n", b"GET / HTTP/1.1\nHost: x\n\n",
    b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nnothing\r\n\r\n",
    b"G" * 5000 + b" / HTTP/1.1\r\nHost: x\r\n\r\n", b"get /api/v1/status HTTP/1.1\r\nHost: x\r\n\r\n",
)


def refused(got, among):
    """Once, or with nothing but the end. What libmicrohttpd refuses by itself (no X-Request-Id) it says with its head sent
    twice over, 0.9.75 does; the connection ends there."""
    status = statuses(got)
    own = b"X-Request-Id" in got
    return len(status) <= (1 if own else 2) and len(set(status)) <= 1 and set(status) <= set(among)


def framing(server):
    for what, lines, body in FRAMES:
        got = answers(server, head("POST", "/api/v1/session", "Content-Type: application/json", *lines) + body.encode())
        status = statuses(got)
        tally.check(refused(got, (400, 411, 413, 501)), f"{what}: {status} {got[:300]!r}")
        tally.check(what not in FRAMED or b'"HTTP_FRAMING"' in got, f"{what}: {got[-300:]!r}")
    got = answers(server, head("GET", "/api/v1/status", "Host: y") + head("GET", "/api/v1/status", "Connection: close"))
    tally.check(statuses(got) == [400], f"two hosts, and a request behind: {statuses(got)}")
    for bad in BAD_HEADS:
        got = answers(server, bad)
        tally.check(is_page(got) or refused(got, (400, 404, 405, 414, 431, 501, 505)), f"{bad[:60]!r}: {got[:200]!r}")
    lives(server, "after bad frames")


def manners(server):
    """What is unusual, and right."""
    body = b'{"login":"x","password":"y"}'
    line = ("Content-Type: application/json", f"Content-Length: {len(body)}")
    plain = connected(server)
    plain.sendall(head("POST", "/api/v1/session", *line, "Expect: 100-continue"))
    first = plain.recv(65536)
    tally.check(first.startswith(b"HTTP/1.1 100 "), f"Expect: 100-continue: {first[:100]!r}")
    plain.sendall(body)
    tally.check(statuses(plain.recv(65536))[-1:] == [401], "and then the answer")
    plain.close()
    got = answers(server, head("POST", "/api/v1/session", "Content-Type: application/json", "Transfer-Encoding: chunked")
                  + b"5;ext=1\r\n" + body[:5] + b"\r\n" + f"{len(body) - 5:x}".encode() + b"\r\n" + body[5:] + b"\r\n0\r\nTrailer: x\r\n\r\n")
    tally.check(statuses(got) == [401], f"chunks as they should be: {got[:200]!r}")
    got = answers(server, head("GET", "/api/v1/status") * 99 + head("GET", "/api/v1/status", "Connection: close"))
    tally.check(statuses(got) == [200] * 100, f"a hundred requests at once: {len(statuses(got))} answers")
    got = answers(server, head("HEAD", "/api/v1/status", "Connection: close"))
    tally.check(statuses(got) == [200] and got.endswith(b"\r\n\r\n"), f"HEAD: {got[-100:]!r}")
    for method in ("OPTIONS", "TRACE", "CONNECT", "DEBUG", "PROPFIND"):
        got = answers(server, head(method, "/api/v1/status", "X-Secret: 4711", "Connection: close"))
        tally.check(statuses(got) in ([405], [400], [501]) and b"4711" not in got, f"{method}: {got[:200]!r}")
        tally.check(b"405" not in got[:20] or b"Allow: GET" in got, f"{method}: what is allowed: {got[:400]!r}")
    got = answers(server, head("GET", "/", "Accept-Encoding: gzip", "Connection: close"))
    tally.check(b"Content-Encoding: gzip" in got, "the page, packed")
    tag = re.search(rb"ETag: (\S+)", got).group(1).decode()
    got = answers(server, head("GET", "/", "Connection: close"))
    tally.check(b"Content-Encoding" not in got and b"<!doctype html" in got.lower(), "the page for who takes no gzip")
    tally.check(re.search(rb"ETag: (\S+)", got).group(1).decode() != tag, "packed and plain have different tags")
    for named in (tag, f'"x", W/{tag}', "*"):
        got = answers(server, head("GET", "/", "Accept-Encoding: gzip", f"If-None-Match: {named}", "Connection: close"))
        tally.check(statuses(got) == [304] and got.endswith(b"\r\n\r\n"), f"If-None-Match: {named}: {got[:100]!r}")


def bad_json(server, owner):
    """Refused with an error that is declared; the client checks that. Not one of them is taken for something else."""
    cases = [b"", b"{", b"}", b"[" * 100_000, b'{"a":' * 100_000, b'"' + b"a" * 900_000, b"{" + b'"a":1,' * 100_000 + b'"b":1}',
             b"[" + b"1," * 250_000 + b"1]", b'{"login":"a","login":"b"}', b'{"login":"\\ud800","password":"x"}', b'{"login":"\\u0000"}',
             b'{"login":1e400}', b'{"login":-0.0e-999999}', b'{"login":' + b"9" * 100_000 + b"}", b'{"login":NaN}', b'{"login":"\xff"}',
             b'{"login":"\xed\xa0\x80"}', b'{"login":"\xc0\xaf"}', b"\xff\xfe{\x00}\x00", b"\x00", b"{'login':1}", b'{"login":01}',
             b'{"login":"a",}', b"/**/{}", b'{"login":"' + b"\\u0041" * 100_000 + b'"}', b"null", b"true", b'{"a":{}}' * 50_000,
             b"{" + b",".join(b'"k%d":{}' % n for n in range(50_000)) + b"}", json.dumps({"~/" * 4000: 1}).encode()]
    before = server.memory_kib()
    for case in cases:
        for name in ("createStaff", "logIn"):
            try:
                reply = owner.call(name, raw=case, expect={400, 413, 422})
                tally.check(len(reply.body) < 1 << 20, f"{name} {case[:40]!r}: an answer of {len(reply.body)} bytes")
            except (ContractFault, Unexpected, OSError) as fault:
                tally.check(False, f"{name} {case[:40]!r}: {fault!r}")
    grown = server.memory_kib("VmHWM") - before
    tally.check(grown < 600 * MIB, f"memory grew by {grown} KiB")
    print(f"bad JSON: {len(cases) * 2} bodies, memory {before} KiB and at most {grown} more")


def mutated(server, owner, count, seed):
    """Good requests with bytes changed, cut, doubled."""
    rng = random.Random(seed)
    cookie = "Cookie: " + "; ".join(f"{name}={value}" for name, value in owner.cookies.items())
    body = '{"name":"a","scopes":["reports:read"]}'
    seeds = [head("GET", "/api/v1/reports/totals?from=2024-01-01&to=2024-02-01&limit=5", cookie, "Accept-Encoding: gzip;q=0.5, *"),
             head("POST", "/api/v1/staff", cookie, "Content-Type: application/json", f"Content-Length: {len(body)}") + body.encode(),
             head("POST", "/api/v1/session", "Content-Type: application/json", "Transfer-Encoding: chunked") + b"2\r\n{}\r\n0\r\n\r\n",
             head("GET", "/api/v1/customers/find?q=%E7%8E%8B&limit=2", cookie, 'If-None-Match: "a", W/"b"', "Accept-Language: zh")]
    faults, answered = 0, 0
    for _ in range(count):
        text = bytearray(rng.choice(seeds))
        for _ in range(rng.randrange(1, 6)):
            at = rng.randrange(len(text))
            kind = rng.randrange(4)
            if kind == 0:
                text[at] = rng.randrange(256)
            elif kind == 1:
                del text[at:at + rng.randrange(1, 30)]
            elif kind == 2:
                text[at:at] = text[at:at + rng.randrange(1, 60)]
            else:
                text[at:at] = rng.choice([b"\r\n", b"\x00", b"%00", b"\xff\xff", b"%", b"&&==", b"9" * 40, b";,", b"\t", b"\r"])
            text = text or bytearray(b"\r\n")
        plain = connected(server)
        try:
            plain.sendall(text)
            plain.settimeout(0.05)  # many never end their request: those are not waited for
            got = plain.recv(65536)
        except OSError:
            got = b""
        plain.close()
        answered += bool(got)
        faults += any(500 <= status < 600 and status not in (501, 505) for status in statuses(got))
    tally.check(faults == 0, f"seed {seed}: {faults} of {count} mutated requests were answered with 5xx")
    lives(server, f"after {count} mutated requests")
    print(f"mutated: {count} requests, {answered} answered at once")


# --- Streams, and the end ---

def metric(owner, name):
    text = owner.call("getMetrics").body.decode()
    return int(re.search(rf"^{name} (\d+)$", text, re.M).group(1))


def streams(server, owner):
    cookie = "Cookie: " + "; ".join(f"{name}={value}" for name, value in owner.cookies.items())
    opened, full = [], 0
    for _ in range(540):
        plain = connected(server)
        plain.sendall(head("GET", "/api/v1/stream", cookie))
        status = statuses(plain.recv(65536))
        opened.append(plain)
        full += status == [503]
        tally.check(status in ([200], [503]), f"a stream: {status}")
    tally.check(full > 0, "no end of streams")
    tally.check(metric(owner, "huitou_http_streams") <= 512 + 8, "streams open at once")
    lives(server, "beside streams")
    for plain in opened:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # vanish: no farewell
        plain.close()
    until = time.monotonic() + 90
    while metric(owner, "huitou_http_streams") > 0 and time.monotonic() < until:
        time.sleep(0.5)
    tally.check(metric(owner, "huitou_http_streams") == 0, "streams of vanished clients end")


def graceful_stop(server, owner):
    """Requests at work are answered, streams end, the program returns 0; nobody new is let in."""
    stream = owner.stream()
    replies, errors = [], []
    clients = [server.logged_in("owner") for _ in range(6)]
    ready, go = threading.Barrier(len(clients) + 1), threading.Event()

    def work(client):
        ready.wait()
        for _ in range(200):
            try:
                replies.append(client.call("listReports").status)
            except OSError as error:  # refused: the server takes no new connection any more
                errors.append(error)
                return
            except (ContractFault, Unexpected) as fault:
                if "HTTP_BUSY" not in str(fault):
                    tally.check(False, f"while stopping: {fault}")
                return
            if len(replies) > 60:
                go.set()
    threads = [threading.Thread(target=work, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    ready.wait()
    go.wait(PATIENCE_S)
    code = server.stop()
    for thread in threads:
        thread.join()
    tally.check(code == 0, f"stopped with {code}")
    tally.check(replies and all(status == 200 for status in replies), "what was answered was answered whole")
    rest = stream.read()
    tally.check(b"event:" not in rest or rest.endswith(b"\n\n"), "the stream ended after a whole event")
    print(f"stop: {len(replies)} answers, {len(errors)} connections refused or ended")


def main():
    faulthandler.dump_traceback_later(1500, exit=True)
    args = arguments(__doc__, connections={"type": int, "default": 10000}, mutations={"type": int, "default": 3000},
                     seed={"type": int, "default": 1}, only={"default": ""})
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard < args.connections + 1000:
        tally.did_not_run(f"{args.connections} connections: this shell allows {hard} descriptors")
        args.connections = max(100, hard - 1000)
    with tempfile.TemporaryDirectory(prefix="huitou-attack-") as folder, Brand(args.binary, "sqlite", "CNY", "Asia/Shanghai") as brand:
        file, map_file = shop.write(pathlib.Path(folder))
        brand.run("import", "orders", file, "--map", map_file)
        with Server(brand.command("serve")) as server:
            owner = server.set_up()
            server.wait_ready()
            for part, more in ((paths, (owner,)), (framing, ()), (manners, ()), (bad_json, (owner,)), (too_much, (owner,)),
                               (mutated, (owner, args.mutations, args.seed)), (streams, (owner,)), (slowhttptest, ()),
                               (drip, (args.connections,)), (graceful_stop, (owner,))):
                if part.__name__ in (args.only or part.__name__):
                    began = time.monotonic()
                    part(server, *more)
                    print(f"{part.__name__}: {time.monotonic() - began:.1f} s", flush=True)
            tally.check(not server.complaints(), f"on standard error: {server.complaints()[:10]}")
        tally.check(brand.try_run("verify").returncode == 0, "verify")
    tally.finish()


if __name__ == "__main__":
    main()
