"""The API as whole-program tests use it: a server, and clients whose every reply is held against the OpenAPI document.

    with Brand(binary, "sqlite") as brand, Server(brand.command("serve")) as server:
        owner = server.set_up()                          # the one-time link: an owner, logged in
        reply = owner.call("setTag", {"customer_id": id, "tag": "vip"}, body={})
        owner.call("setTag", {"customer_id": "1", "tag": "vip"}, body={}, expect="CUSTOMER_UNKNOWN")

A reply that its declaration does not cover raises ContractFault: an undeclared status, error code or content type, a body
that its schema refuses, a problem that RFC 9457 or RFC 6901 would not take, a header that is missing, an unmasked phone
where nobody asked for one. An answer that the test did not expect raises Unexpected.

Where HUITOU_API_SEEN names a folder, what was seen goes there; test/http/seen_test.py says what never was.
Needs python3-jsonschema (run by /usr/bin/python3, where Debian puts it).
"""
import datetime
import gzip
import http.client
import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import threading
import time
import urllib.parse

import jsonschema

PASSWORD = "a long sentence about tea"
METHODS = ("get", "post", "put", "patch", "delete")
# Before a request has an endpoint, any of these may be the answer.
NO_ROUTE = {"HTTP_PATH", "HTTP_NOT_FOUND", "HTTP_METHOD", "HTTP_FRAMING"}
EVERY_REPLY = {
    "x-content-type-options": "nosniff", "x-frame-options": "DENY", "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin", "cross-origin-resource-policy": "same-origin",
}
# Not within a word: a request id or a token has eleven digits in a row now and then.
PHONE = re.compile(rb"(?<![0-9A-Za-z])1[3-9][0-9]{9}(?![0-9A-Za-z])")
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


class ContractFault(AssertionError):
    """The program answered something that it does not declare."""


class Unexpected(AssertionError):
    """The program answered something declared, but not what the test asked for."""


def is_day(text):
    try:
        return bool(datetime.date.fromisoformat(text))
    except ValueError:
        return False


FORMATS = jsonschema.FormatChecker(formats=())
FORMATS.checks("date")(lambda value: not isinstance(value, str) or is_day(value))
FORMATS.checks("date-time")(
    lambda value: not isinstance(value, str) or bool(RFC3339.fullmatch(value)) and is_day(value[:10]))


class Operation:
    def __init__(self, path, method, declared):
        self.path, self.method, self.declared = path, method.upper(), declared
        self.name = declared["operationId"]
        self.public = not declared["security"]
        self.scope = None if self.public else next(way["apiKey"][0] for way in declared["security"] if "apiKey" in way)
        self.reach = declared.get("x-reach", {})
        self.parameters = declared["parameters"]
        self.content = declared.get("requestBody", {}).get("content", {})
        self.takes_json = "application/json" in self.content
        self.takes_file = bool(self.content) and not self.takes_json
        self.is_write = method != "get"
        self.idempotent = any(one["name"] == "Idempotency-Key" for one in self.parameters)
        self.responses = declared["responses"]
        self.success = next(int(status) for status in self.responses if status < "300")
        success_types = set(self.responses[str(self.success)].get("content", {}))
        self.is_file = "*/*" in success_types
        self.is_stream = "text/event-stream" in success_types

    def codes(self):
        return {code for response in self.responses.values() for code in response.get("x-error-codes", [])}

    def path_names(self):
        return re.findall(r"\{(\w+)\}", self.path)

    def target(self, path, query):
        text = re.sub(r"\{(\w+)\}", lambda m: urllib.parse.quote(str(path[m.group(1)]), safe=""), self.path)
        if isinstance(query, str):
            return f"{text}?{query}"
        return f"{text}?{urllib.parse.urlencode(query, doseq=True)}" if query else text


def strict_json(body):
    """RFC 8259: UTF-8, no member twice, no NaN."""
    def members(pairs):
        names = [name for name, _ in pairs]
        if len(names) != len(set(names)):
            raise ContractFault(f"a member twice: {names}")
        return dict(pairs)

    def constant(name):
        raise ContractFault(f"{name} is not JSON")
    return json.loads(body.decode("utf-8"), object_pairs_hook=members, parse_constant=constant)


def unescaped(token):
    return token.replace("~1", "/").replace("~0", "~")


class Contract:
    """The OpenAPI document of a binary, and what was seen of it."""
    known = {}

    def __init__(self, binary):
        run = subprocess.run([binary, "openapi"], capture_output=True, text=True, check=True)
        self.document = json.loads(run.stdout)
        self.operations, self.validators = {}, {}
        self.personal = [PHONE]  # what nobody may read who has not asked for it; tests add the names they use
        for path, methods in self.document["paths"].items():
            for method in METHODS:
                if method in methods:
                    operation = Operation(path, method, methods[method])
                    self.operations[operation.name] = operation
        self.roles = list(next(one.reach for one in self.operations.values() if one.reach))
        self.scopes = sorted({one.scope for one in self.operations.values() if one.scope})

    @classmethod
    def of(cls, binary):
        binary = str(binary)
        if binary not in cls.known:
            cls.known[binary] = cls(binary)
        return cls.known[binary]

    def validate(self, schema, value, what):
        key = json.dumps(schema, sort_keys=True)
        if key not in self.validators:
            whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", "components": self.document["components"],
                     **schema}
            jsonschema.Draft202012Validator.check_schema(whole)
            self.validators[key] = jsonschema.Draft202012Validator(whole, format_checker=FORMATS)
        error = jsonschema.exceptions.best_match(self.validators[key].iter_errors(value))
        if error:
            raise ContractFault(f"{what}: at {error.json_path}: {error.message[:300]}")

    # --- What was seen ---

    lock = threading.Lock()

    @classmethod
    def note(cls, operation, status, codes):
        folder = os.environ.get("HUITOU_API_SEEN")
        if not folder:
            return
        line = json.dumps({"operation": operation.name, "status": status, "codes": sorted(codes)})
        with cls.lock, open(pathlib.Path(folder) / f"{os.getpid()}.jsonl", "a", encoding="utf-8") as file:
            file.write(line + "\n")

    # --- Replies ---

    def check(self, operation, reply, request):
        what = f"{request.method} {request.target} ({operation.name if operation else 'no endpoint'}): {reply.status}"
        self.check_headers(reply, what)
        if operation is None:
            if reply.json is None or not set(reply.codes) <= NO_ROUTE:
                raise ContractFault(f"{what}: {reply.body[:300]!r}")
            self.check_problem(reply, request, what)
            return
        if reply.status == 304:
            if reply.body or not reply.headers.get("etag"):
                raise ContractFault(f"{what}: a 304 has an ETag and no body")
            return
        declared = operation.responses.get(str(reply.status))
        if declared is None:
            raise ContractFault(f"{what}: not among {list(operation.responses)}: {reply.body[:300]!r}")
        if request.method != "HEAD":
            self.check_content(operation, declared, reply, what)
        if reply.status >= 400 and request.method != "HEAD":
            self.check_problem(reply, request, what)
            undeclared = set(reply.codes) - operation.codes()
            if undeclared:
                raise ContractFault(f"{what}: {undeclared} not declared: {reply.body[:300]!r}")
        self.note(operation, reply.status, reply.codes)

    @staticmethod
    def check_headers(reply, what):
        for name, value in EVERY_REPLY.items():
            if reply.headers.get(name) != value:
                raise ContractFault(f"{what}: {name} is {reply.headers.get(name)}")
        policy = reply.headers.get("content-security-policy", "")
        if "default-src 'self'" not in policy or "frame-ancestors 'none'" not in policy or "unsafe-eval" in policy:
            raise ContractFault(f"{what}: Content-Security-Policy is {policy}")
        if not re.fullmatch(r"[0-9a-z]{20}", reply.headers.get("x-request-id", "")):
            raise ContractFault(f"{what}: X-Request-Id is {reply.headers.get('x-request-id')}")
        if "cache-control" not in reply.headers or "Accept-Encoding" not in reply.headers.get("vary", ""):
            raise ContractFault(f"{what}: no Cache-Control or no Vary")
        if reply.status == 401 and not reply.headers.get("www-authenticate"):
            raise ContractFault(f"{what}: a 401 says how to be let in (RFC 9110, 15.5.2)")
        if reply.status == 405 and not reply.headers.get("allow"):
            raise ContractFault(f"{what}: a 405 names what is allowed")
        if reply.status in (429, 503) and not reply.headers.get("retry-after", "").isdigit():
            raise ContractFault(f"{what}: Retry-After is {reply.headers.get('retry-after')}")

    def check_content(self, operation, declared, reply, what):
        content = declared.get("content", {})
        kind = reply.headers.get("content-type", "").split(";")[0]
        if not content:
            if reply.body:
                raise ContractFault(f"{what}: a body where none is declared: {reply.body[:100]!r}")
            return
        if "*/*" in content:
            if not kind:
                raise ContractFault(f"{what}: a file without Content-Type")
            return
        if kind not in content:
            raise ContractFault(f"{what}: {kind} is not among {list(content)}")
        if kind.endswith("json"):
            if reply.json is None:
                raise ContractFault(f"{what}: not JSON: {reply.body[:100]!r}")
            self.validate(content[kind]["schema"], reply.json, what)
            self.check_masked(operation, reply, what)

    def check_masked(self, operation, reply, what):
        found = next(filter(None, (one.search(reply.plain()) for one in self.personal)), None)
        if found and operation.scope != "personal:read":
            raise ContractFault(f"{what}: {found.group().decode()} in the clear")

    def check_problem(self, reply, request, what):
        """RFC 9457, and what this API promises beyond it: all errors at once, each with where it is."""
        if reply.headers.get("content-type") != "application/problem+json":
            raise ContractFault(f"{what}: {reply.headers.get('content-type')} for a problem")
        self.validate({"$ref": "#/components/schemas/Problem"}, reply.json, what)
        if reply.json["status"] != reply.status or reply.json["request_id"] != reply.headers["x-request-id"]:
            raise ContractFault(f"{what}: the problem says {reply.json['status']}, {reply.json['request_id']}")
        if not reply.codes or reply.json["title"] not in reply.codes:
            raise ContractFault(f"{what}: {reply.json['title']} is not among its errors {reply.codes}")
        for error in reply.json["errors"]:
            pointer = error["pointer"]
            if not error["detail"] or re.search(r"\{\w+\}", error["detail"]):
                raise ContractFault(f"{what}: the text of {error['code']} is {error['detail']!r}")
            if pointer and pointer.startswith("/") and request.json is not None:
                self.check_pointer(pointer, request.json, what)
            elif pointer and not re.match(r"/|\?|\{\w+\}$|(X-CSRF-Token|Authorization|Idempotency-Key)$", pointer):
                raise ContractFault(f"{what}: {error['code']} points to {pointer}")

    @staticmethod
    def check_pointer(pointer, document, what):
        """It leads to something in the body, or to where something is missing."""
        at = document
        tokens = [unescaped(token) for token in pointer.split("/")[1:]]
        for place, token in enumerate(tokens):
            last = place == len(tokens) - 1
            if isinstance(at, list) and token.isdigit() and int(token) < len(at):
                at = at[int(token)]
            elif isinstance(at, dict) and (token in at or last):
                at = at.get(token)
            else:
                raise ContractFault(f"{what}: {pointer} leads nowhere in {json.dumps(document)[:200]}")


class Request:
    def __init__(self, method, target, body):
        self.method, self.target, self.json = method, target, None
        if isinstance(body, bytes):
            try:
                self.json = json.loads(body)
            except (ValueError, RecursionError):
                pass


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.cookies = status, {}, {}
        for name, value in headers:
            if name.lower() == "set-cookie":
                self.cookies[value.split("=")[0]] = value
            else:
                self.headers[name.lower()] = value
        self.packed = self.headers.get("content-encoding") == "gzip"
        self.body = gzip.decompress(body) if self.packed and body else body
        self.json = None
        if self.headers.get("content-type", "").split(";")[0] in ("application/json", "application/problem+json") and self.body:
            self.json = strict_json(self.body)
        problem = status >= 400 and isinstance(self.json, dict)
        self.codes = [error["code"] for error in self.json.get("errors", [])] if problem else []

    @property
    def code(self):
        """The problem's name; None where it is none."""
        return self.json.get("title") if self.codes else None

    def plain(self):
        """Its text with what is escaped in JSON written out."""
        return self.body if self.json is None else json.dumps(self.json, ensure_ascii=False).encode()

    def __getitem__(self, name):
        return self.json[name]


class Client:
    """One who asks: nobody at first; a person after log_in; a program with a key. Not for several threads at once."""

    def __init__(self, server, key=None, language="en", address=None):
        self.server, self.contract, self.key, self.language = server, server.contract, key, language
        self.address = address  # as a proxy would tell it: only where the server believes it
        self.cookies, self.csrf, self.connection = {}, None, None
        self.packs = False  # whether the next answer may be packed: turn and turn about
        self.etags = set()

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def headers(self, is_write, csrf):
        out = {"Accept-Language": self.language, "Accept": "*/*"}
        if self.key:
            out["Authorization"] = f"Bearer {self.key}"
        if self.cookies:
            out["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if is_write and csrf and self.csrf:
            out["X-CSRF-Token"] = self.csrf
        if self.address:
            out["X-Forwarded-For"] = self.address
        self.packs = not self.packs
        if self.packs:
            out["Accept-Encoding"] = "gzip"
        return out

    def request(self, method, target, body, headers):
        """A server that refuses a body need not take all of it: what it says may be there already."""
        try:
            self.connection.request(method, target, body=body, headers=headers)
        except (BrokenPipeError, ConnectionResetError):
            if body is None or len(body) < 1 << 16:
                raise

    def send(self, method, target, headers, body=None):
        """One exchange, as it stands; a connection that the server closed meanwhile is opened anew."""
        for last in (False, True):
            if not self.connection:
                self.connection = http.client.HTTPConnection(self.server.host, self.server.port, timeout=60)
            try:
                self.request(method, target, body, headers)
                response = self.connection.getresponse()
                reply = Reply(response.status, response.getheaders(), response.read())
                break
            except (http.client.HTTPException, BrokenPipeError, ConnectionResetError):
                self.close()
                if last or not self.server.running():
                    raise
        if reply.headers.get("connection") == "close":
            self.close()
        for name, value in reply.cookies.items():
            content = value.split("=", 1)[1].split(";")[0]
            if content and "max-age=0" not in value.lower():
                self.cookies[name] = content
            else:
                self.cookies.pop(name, None)
        return reply

    def call(self, operation_name, path=None, query=None, body=None, raw=None, key=None, csrf=True, headers=None,
             content_type=None, expect=None, head=False):
        """body: JSON; raw: bytes as they are. key: of idempotency. expect: a status, an error code, a set of either; else
        the declared success."""
        operation = self.contract.operations[operation_name]
        out = self.headers(operation.is_write, csrf)
        out.update({"Idempotency-Key": key} if key else {})
        if body is not None:
            raw = json.dumps(body, ensure_ascii=False).encode()
        if raw is not None:
            out["Content-Type"] = content_type or ("application/json" if operation.takes_json else "application/octet-stream")
        out.update(headers or {})
        method = "HEAD" if head else operation.method
        target = operation.target(path or {}, query)
        reply = self.send(method, target, out, raw)
        self.contract.check(operation, reply, Request(method, target, raw))
        if reply.status == 200 and reply.headers.get("etag") and target not in self.etags:
            self.check_etag(operation, target, out, reply)
        self.expect(operation, reply, operation.success if expect is None else expect)
        return reply

    @staticmethod
    def expect(operation, reply, expect):
        wanted = expect if isinstance(expect, (set, tuple, list)) else {expect}
        if reply.status not in wanted and reply.code not in wanted:
            raise Unexpected(f"{operation.name}: {reply.status} {reply.code}, not {expect}: {reply.body[:400]!r}")

    def check_etag(self, operation, target, headers, reply):
        """RFC 9110, 8.8.3 and 13.1.2: what it names is not sent again; packed and plain have different strong ones."""
        self.etags.add(target)
        tag = reply.headers["etag"]
        for condition in (tag, f'"other", {tag}', "W/" + tag, "*"):
            again = self.send("GET", target, {**headers, "If-None-Match": condition})
            self.contract.check(operation, again, Request("GET", target, None))
            if again.status not in (304, 200) or (again.status == 200 and again.headers.get("etag") == tag):
                raise ContractFault(f"{operation.name}: If-None-Match {condition}: {again.status}")
        other = {name: value for name, value in headers.items() if name != "Accept-Encoding"}
        if "Accept-Encoding" not in headers:
            other["Accept-Encoding"] = "gzip"
        again = self.send("GET", target, other)
        if again.packed != reply.packed and again.headers.get("etag") == tag:
            raise ContractFault(f"{operation.name}: packed and plain share the strong ETag {tag}")

    def log_in(self, login, password=PASSWORD, expect=None):
        reply = self.call("logIn", body={"login": login, "password": password}, expect=expect)
        if reply.status == 200:
            self.csrf = reply["csrf_token"]
        return reply

    def stream(self, operation_name="watchChanges"):
        """An open stream of events: a response to read lines from. The caller closes it."""
        operation = self.contract.operations[operation_name]
        connection = http.client.HTTPConnection(self.server.host, self.server.port, timeout=60)
        connection.request("GET", operation.path, headers=self.headers(False, False))
        response = connection.getresponse()
        if response.status != 200 or response.getheader("Content-Type") != "text/event-stream":
            raise Unexpected(f"{operation_name}: {response.status} {response.read()[:300]!r}")
        self.contract.note(operation, 200, [])
        response.connection = connection
        return response


class Server:
    """A server of one brand's directory, on a free port. command: as Brand.command("serve") makes it, flags may follow."""

    def __init__(self, command, env=None):
        self.command = [str(word) for word in command]
        self.env = {**os.environ, **(env or {})}
        self.contract = Contract.of(self.command[0])
        self.log = tempfile.TemporaryFile()
        self.process = None
        self.start()

    def start(self, port=0):
        self.process = subprocess.Popen([*self.command, "--port", str(port), "--json", "--log"], stdout=subprocess.PIPE,
                                        stderr=self.log, env=self.env)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the server ended: {self.process.wait()}: {self.log_text()[-2000:]}")
        said = json.loads(line)
        self.url, self.setup_url = said["url"], said["setup_url"]
        parts = urllib.parse.urlsplit(self.url)
        self.host, self.port = parts.hostname, parts.port

    def running(self):
        return self.process.poll() is None

    def restart(self):
        """After kill() or stop(); on another port."""
        self.start()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self, timeout=30):
        """Ends it gracefully; what it returned."""
        if self.running():
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=timeout)

    def log_text(self):
        size = os.fstat(self.log.fileno()).st_size  # not by seeking: the server writes where this file stands
        return os.pread(self.log.fileno(), size, 0).decode("utf-8", "replace")

    def complaints(self):
        """What stands on standard error and is no line of the request log: nothing, where all is well."""
        return [line for line in self.log_text().splitlines() if not line.startswith('{"time":')]

    def memory_kib(self, which="VmRSS"):
        for line in open(f"/proc/{self.process.pid}/status", encoding="utf-8"):
            if line.startswith(which + ":"):
                return int(line.split()[1])
        return 0

    def client(self, **options):
        return Client(self, **options)

    def logged_in(self, login, **options):
        client = Client(self, **options)
        client.log_in(login)
        return client

    def set_up(self, brand_name=None, login="owner", name="林掌柜"):
        """Uses the set-up link: the owner's client, logged in."""
        token = urllib.parse.urlsplit(self.setup_url).fragment
        body = {"token": token, "login": login, "name": name, "password": PASSWORD}
        if brand_name:
            body.update({"brand_name": brand_name, "currency": "CNY", "time_zone": "Asia/Shanghai"})
        client = Client(self)
        client.csrf = client.call("setUp", body=body)["csrf_token"]
        return client

    def wait_ready(self, seconds=60):
        """Until figures can be asked for."""
        client = Client(self)
        until = time.monotonic() + seconds
        while client.call("getReadiness", expect={200, "HTTP_NOT_READY"}).status != 200:
            if time.monotonic() > until:
                raise RuntimeError("the columns are not ready")
            time.sleep(0.05)
        client.close()

    def __enter__(self):
        return self

    def __exit__(self, kind, *unused):
        if self.running():
            code = self.stop()
            if kind is None and (code != 0 or self.complaints()):
                raise RuntimeError(f"the server ended with {code}: {self.complaints()[:20]}")
        self.log.close()
        return False


# --- People ---

def add_person(owner, login, role, manager_id=None):
    """A person of a role; their id."""
    body = {"login": login, "name": f"员工 {login}", "password": PASSWORD, "role": role, "manager_id": manager_id}
    return owner.call("createStaff", body=body)["staff_id"]


def add_people(owner, server):
    """One of each role, and a second chain: login → (id, client). A service manager above a client manager above an agent,
    twice ("2" at the end); the two chains have nothing to do with each other."""
    people = {}

    def add(login, role, above=None):
        staff_id = add_person(owner, login, role, people[above][0] if above else None)
        people[login] = (staff_id, server.logged_in(login))
    add("operator", "operator")
    add("engineer", "engineer")
    for end in ("", "2"):
        add("service_manager" + end, "service_manager")
        add("client_manager" + end, "client_manager", "service_manager" + end)
        add("agent" + end, "agent", "client_manager" + end)
    return people


def start_import(client, name, content, key=None, patience_s=120):
    """Gives a file that a preset recognises, and starts its import; the import's id."""
    import_id = client.call("uploadImport", query={"name": name}, raw=content, key=key and key + " upload")["import_id"]
    until = time.monotonic() + patience_s
    while True:  # it is looked through first
        reply = client.call("startImport", {"import_id": import_id}, key=key and key + " start", expect={200, 409})
        if reply.status == 200:
            return import_id
        if time.monotonic() > until:
            raise Unexpected(f"the import does not start: {reply.body[:300]!r}")
        time.sleep(0.1)


def add_key(owner, scopes, name="test"):
    """A key with these scopes: (id, client)."""
    reply = owner.call("createKey", body={"name": name, "scopes": list(scopes)})
    return reply["key_id"], Client(owner.server, key=reply["key"])

