#!/usr/bin/env python3
"""The API held to its contract, on both databases: /usr/bin/python3 test/http/contract_test.py [--binary PATH]
[--only walk_all,customers,...] [--database sqlite|postgres]

The committed OpenAPI document is the program's; every endpoint is asked in every wrong way that its declaration allows for
(walk.py), by nobody, by those who may not, before there is a brand; then the errors that only some endpoints know. Each reply
is held against the document (test/api.py). What was never seen: seen_test.py.
"""
import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import shop  # noqa: E402
from api import PASSWORD, Client, Contract, ContractFault, Server, Unexpected, add_key, add_person  # noqa: E402
from program import ROOT, Brand, Tally, arguments, chosen, wanted  # noqa: E402
from walk import ANY, Walk  # noqa: E402

tally = Tally()


def attempt(what, fn, *args, **options):
    """fn's value; a fault of the contract is a failed check, and not the end."""
    try:
        value = fn(*args, **options)
        tally.check(True, what)
        return value
    except (ContractFault, Unexpected) as fault:
        tally.check(False, f"{what}: {fault}")
        return None


# --- In every wrong way ---

def who_may(contract, operation):
    """A role that reaches it."""
    return next((role for role in contract.roles if operation.reach.get(role, "none") != "none"), None)


def ask_as_strangers(operation, walk, strangers):
    path, body = walk.path(operation), {} if operation.takes_json else None
    call = operation.name
    if operation.public:
        return
    attempt(call, strangers["nobody"].call, call, path, body=body, expect="HTTP_LOGIN")
    attempt(call, strangers["old session"].call, call, path, body=body, expect="ACCESS_SESSION_OVER")
    attempt(call, strangers["bad key"].call, call, path, body=body, expect="ACCESS_KEY_BAD")
    other = next(client for scope, client in strangers["keys"].items() if scope != operation.scope)
    attempt(call, other.call, call, path, body=body, expect="HTTP_FORBIDDEN")


def ask_wrongly(operation, walk, client):
    call, path, takes = operation.name, walk.path(operation), operation.takes_json
    body = walk.sample(operation.content["application/json"]["schema"]) if takes else None
    for query in walk.queries(operation):
        # What is wrong beside it keeps it from being done.
        attempt(f"{call}?{query[:60]}", client.call, call, path, query, body={} if takes else None,
                expect=ANY) if query or takes else None
    attempt(call, client.call, call, path, body=body, headers={"Content-Length": str(10**13)}, raw=b"" if body is None else None,
            expect="HTTP_BODY_TOO_LARGE")
    if operation.is_write and not operation.public:
        attempt(call, client.call, call, path, body=body, csrf=False, expect="ACCESS_CSRF")
    if operation.idempotent:
        for key in ("k" * 201,):
            attempt(call, client.call, call, path, body=body, key=key, expect="HTTP_IDEMPOTENCY_KEY")
        attempt(call, client.call, call, path, body=body, key="used for another", expect=ANY)
    if path:
        attempt(call, client.call, call, walk.path(operation, good=False), body=body, expect="HTTP_NOT_FOUND")
        attempt(call, client.call, call, path, body=body, expect=ANY)
    if not takes:
        return
    plain, raw = walk.bodies(operation.content["application/json"]["schema"])
    for one in plain:
        attempt(f"{call} {str(one)[:60]}", client.call, call, path, body=one, expect=ANY)
    for one in raw:
        attempt(f"{call} {one[:60]}", client.call, call, path, raw=one, expect=ANY)
    attempt(call, client.call, call, path, raw=b"{}", content_type="text/plain", expect="HTTP_CONTENT_TYPE")


def walk_all(server, owner):
    contract, walk = server.contract, Walk(server.contract)
    keys = {scope: add_key(owner, [scope])[1] for scope in contract.scopes}
    old = server.client()
    old.cookies["huitou_session"] = "x" * 43
    strangers = {"nobody": server.client(), "old session": old, "bad key": Client(server, key="huitou_" + "x" * 43),
                 "keys": keys}
    customer = owner.call("findCustomers", query={"q": shop.phone(1)})["items"][0]["customer_id"]
    owner.call("setTag", {"customer_id": customer, "tag": "walked"}, body={}, key="used for another")
    by_role = {"owner": owner}
    for operation in contract.operations.values():
        if operation.is_stream:
            ask_as_strangers(operation, walk, strangers)
            attempt(operation.name, owner.call, operation.name, query="no_such_field=1", expect="FIELD_UNKNOWN")
            attempt(operation.name, owner.call, operation.name, query="%zz", expect="HTTP_QUERY")
            attempt(operation.name, owner.call, operation.name, headers={"Content-Length": "7"}, raw=b"1234567",
                    expect="HTTP_BODY_TOO_LARGE")
            continue
        ask_as_strangers(operation, walk, strangers)
        role = "owner" if operation.public else who_may(contract, operation)
        if role not in by_role:
            add_person(owner, role, role)
            by_role[role] = server.logged_in(role)
        ask_wrongly(operation, walk, server.client() if operation.public else by_role[role])
    for path, code in (("/api/v1/nothing", 404), ("/api/v1/customers/%2e%2e/x", 400), ("/api/v1/customers//x", 400)):
        reply = owner.send("GET", path, owner.headers(False, False))
        attempt(path, contract.check, None, reply, type("", (), {"method": "GET", "target": path, "json": None}))
        tally.check(reply.status == code, f"{path}: {reply.status}")
    reply = owner.send("PATCH", "/api/v1/session", owner.headers(False, False))
    tally.check(reply.status == 405 and set(reply.headers["allow"].split(", ")) == {"GET", "POST", "DELETE"},
                f"PATCH /api/v1/session: {reply.status} {reply.headers.get('allow')}")


def before_a_brand(binary, folder):
    """Only those who need no brand answer; then the set-up link is used, rightly and wrongly."""
    command = [binary, "--lang", "en", "--dir", str(folder), "serve"]
    with Server(command) as server:
        contract, walk, nobody = server.contract, Walk(server.contract), server.client()
        for operation in contract.operations.values():
            if "SETUP_NEEDED" in operation.codes():
                body = walk.sample(operation.content["application/json"]["schema"]) if operation.takes_json else None
                # Of what strangers may ask some things answer before a brand is, with errors of their own.
                attempt(operation.name, nobody.call, operation.name, walk.path(operation), body=body,
                        raw=b"x" if operation.takes_file else None, expect=ANY if operation.public else "SETUP_NEEDED")
        tally.check(nobody.call("getStatus")["brand_exists"] is False, "there is no brand yet")
        tally.check(nobody.call("getHealth")["state"] == "ok", "health without a brand")
        tally.check(nobody.call("getStatus")["owner_exists"] is False, "nor an owner")
        token = server.setup_url.rsplit("#", 1)[1]
        good = {"token": token, "brand_name": "茶舍", "currency": "CNY", "time_zone": "Asia/Shanghai", "login": "owner",
                "name": "林掌柜", "password": PASSWORD}
        for change, code in (({"token": "x"}, "SETUP_LINK"), ({"brand_name": ""}, "SETUP_NAME"), ({"currency": "XX"}, "SETUP_CURRENCY"),
                             ({"time_zone": "Mars/Base"}, "ZONE_UNKNOWN"), ({"login": "a b"}, "STAFF_LOGIN"),
                             ({"name": "\n"}, "STAFF_NAME"), ({"password": "1234567890"}, "STAFF_PASSWORD")):
            reply = attempt(f"setUp {change}", nobody.call, "setUp", body={**good, **change}, expect=ANY)
            tally.check(reply is not None and code in reply.codes, f"setUp {change}: {reply and reply.codes}")
        owner = server.set_up("茶舍")
        tally.check(owner.call("getMe")["role"] == "owner", "the set-up link's user is the owner")
        attempt("the link works once", nobody.call, "setUp", body=good, expect="SETUP_LINK")
        tally.check(nobody.call("getStatus")["owner_exists"] is True, "there is an owner now")
        server.wait_ready()
        attempt("a brand without orders", owner.call, "getReport", {"report": "totals"}, expect="REPORT_EMPTY")
        attempt("a brand without orders", owner.call, "getReportFile", {"report": "totals"}, expect="REPORT_EMPTY")


def the_link(binary):
    """The set-up link makes the first who can log in, and nobody after that: not where somebody came in between, past this
    server, and not when it is started again."""
    with Brand(binary, "sqlite") as brand, Server(brand.command("serve")) as server:
        brand.sql("INSERT INTO staff (staff_id, login, name, role, password_hash, created_at) VALUES (7, 'first', 'First', 0, 'x', 0)")
        token = server.setup_url.rsplit("#", 1)[1]
        body = {"token": token, "login": "second", "name": "Second", "password": PASSWORD}
        attempt("somebody was there first", server.client().call, "setUp", body=body, expect="SETUP_LINK")
        tally.check(brand.sql("SELECT login FROM staff") == [["first"]], "nobody was added")
        server.stop()
        server.restart()
        tally.check(server.setup_url is None, f"a link where somebody can log in: {server.setup_url}")


# --- What only some endpoints know ---

def people_and_keys(server, owner):
    new = {"login": "agent", "name": "小李", "password": PASSWORD, "role": "agent"}
    made = owner.call("createStaff", body=new, key="staff 1")
    again = owner.call("createStaff", body=new, key="staff 1")
    tally.check(made.json == again.json, "the same key answers the same")
    tally.check(made.headers["location"] == again.headers["location"] == f"/api/v1/staff/{made['staff_id']}", "its address")
    attempt("another body", owner.call, "createStaff", body={**new, "login": "other"}, key="staff 1", expect="IDEMPOTENCY_OTHER")
    attempt("a password that is the login", owner.call, "createStaff",
            body={**new, "login": "anna.of.the.shop", "password": "Anna.of.the.Shop"}, expect="STAFF_PASSWORD")
    for change, code in (({}, "STAFF_LOGIN_TAKEN"), ({"login": "x"}, "STAFF_LOGIN"), ({"login": "b1b", "name": "\t"}, "STAFF_NAME"),
                         ({"login": "b1b", "password": "short"}, "STAFF_PASSWORD"),
                         ({"login": "b1b", "manager_id": "77"}, "STAFF_MANAGER")):
        attempt(f"createStaff {change}", owner.call, "createStaff", body={**new, **change}, expect=code)
    path, same = {"staff_id": made["staff_id"]}, {"name": "小李", "role": "agent", "manager_id": None, "blocked": False}
    owner.call("changeStaff", path, body={**same, "name": "李"})
    attempt("changeStaff", owner.call, "changeStaff", {"staff_id": "77"}, body=same, expect="STAFF_UNKNOWN")
    attempt("changeStaff", owner.call, "changeStaff", path, body={**same, "name": " "}, expect="STAFF_NAME")
    attempt("changeStaff", owner.call, "changeStaff", path, body={**same, "manager_id": made["staff_id"]}, expect="STAFF_MANAGER")
    me = owner.call("getMe")["staff_id"]
    attempt("the last owner", owner.call, "changeStaff", {"staff_id": me}, body={**same, "role": "agent"}, expect="STAFF_LAST_OWNER")
    owner.call("resetPassword", path, body={"password": PASSWORD + "!"})
    attempt("resetPassword", owner.call, "resetPassword", {"staff_id": "77"}, body={"password": PASSWORD}, expect="STAFF_UNKNOWN")
    attempt("resetPassword", owner.call, "resetPassword", path, body={"password": "short"}, expect="STAFF_PASSWORD")
    long_name = owner.call("createStaff", body={**new, "login": "berta.of.the.shop"})["staff_id"]
    attempt("reset to the login", owner.call, "resetPassword", {"staff_id": long_name}, body={"password": "berta.of.the.SHOP"},
            expect="STAFF_PASSWORD")
    tally.check(made["staff_id"] in [one["staff_id"] for one in owner.call("listStaff")["items"]], "listStaff")
    agent = server.client()
    agent.log_in("agent", PASSWORD + "!")
    attempt("changePassword", agent.call, "changePassword", body={"old_password": "wrong one", "new_password": PASSWORD},
            expect="PASSWORD_OLD_WRONG")
    attempt("changePassword", agent.call, "changePassword", body={"old_password": PASSWORD + "!", "new_password": "1234567890"},
            expect="STAFF_PASSWORD")
    agent.call("changePassword", body={"old_password": PASSWORD + "!", "new_password": PASSWORD})
    agent.call("logOut")
    attempt("after logging out", agent.call, "getMe", expect={"HTTP_LOGIN", "ACCESS_SESSION_OVER"})
    attempt("a scope that is none", owner.call, "createKey", body={"name": "k", "scopes": ["no:such"]}, expect="KEY_SCOPE")
    key_id, key = add_key(owner, ["settings:write"])
    attempt("a key has no password", key.call, "changePassword", body={"old_password": PASSWORD, "new_password": PASSWORD},
            expect="STAFF_UNKNOWN")
    tally.check(all(one["key"] is None for one in owner.call("listKeys")["items"]), "keys are shown once")
    owner.call("revokeKey", {"key_id": key_id})
    attempt("revoked twice", owner.call, "revokeKey", {"key_id": key_id}, expect="KEY_UNKNOWN")
    logins(server)


def logins(server):
    stranger = server.client()
    for _ in range(5):
        attempt("a login that nobody has", stranger.call, "logIn", body={"login": "nobody", "password": "x"}, expect="LOGIN_WRONG")
    attempt("too many", stranger.call, "logIn", body={"login": "nobody", "password": "x"}, expect="LOGIN_WAIT")


def customers(owner):
    """Each write once under a key, said twice, and its errors."""
    ids = [owner.call("findCustomers", query={"q": shop.phone(n)})["items"][0]["customer_id"] for n in range(4)]
    first, second = {"customer_id": ids[0]}, {"customer_id": ids[1]}
    staff = owner.call("getMe")["staff_id"]
    preview = owner.call("previewMerge", first, {"into_id": ids[1]})
    sums = [sum(float(preview[which][name]) for which in ("from", "into")) for name in ("paid", "refunded", "paid_orders")]
    tally.check([float(preview["merged"][name]) for name in ("paid", "refunded", "paid_orders")] == sums and sums[0] > 0 and
                set(preview["merged"]["members"]) == {ids[0], ids[1]}, f"what a merge would make: {preview.json}")
    writes = (("setTag", {**first, "tag": "常客"}, {"until": "2030-01-01"}), ("removeTag", {**first, "tag": "常客"}, None),
              ("renameCustomer", first, {"name": "王小明"}), ("setKeeper", first, {"staff_id": staff}),
              ("mergeCustomers", first, {"into_id": ids[1]}), ("splitCustomer", first, None))
    for name, path, body in writes:
        reply = owner.call(name, path, body=body, key=f"{name} 1")
        again = owner.call(name, path, body=body, key=f"{name} 1")
        tally.check(reply.json == again.json, f"{name}: said twice, it answers the same")
        other = {**path, "customer_id": ids[2]}
        attempt(name, owner.call, name, other, body=body, key=f"{name} 1", expect="IDEMPOTENCY_OTHER")
        attempt(name, owner.call, name, {**path, "customer_id": "77"}, body=body, expect="CUSTOMER_UNKNOWN")
    told = {(row["operation"], row["object"]): (row["before"], row["after"])
            for one in ids[:2] for row in owner.call("listAudit", query={"object": f"customer:{one}"})["items"]}
    tally.check(told.get(("mergeCustomers", f"customer:{ids[1]}")) == (None, {"merged": ids[0]}), f"who was merged: {told}")
    tally.check(told.get(("splitCustomer", f"customer:{ids[0]}")) == ({"merged_into": ids[1]}, None), f"split from whom: {told}")
    attempt("renameCustomer", owner.call, "renameCustomer", first, body={"name": " \t "}, expect="CUSTOMER_NAME")
    for name, body in (("setTag", {}), ("removeTag", None)):
        attempt(name, owner.call, name, {**first, "tag": " "}, body=body, expect="CUSTOMER_TAG_NAME")
    attempt("setKeeper", owner.call, "setKeeper", first, body={"staff_id": "77"}, expect="STAFF_UNKNOWN")
    attempt("splitCustomer", owner.call, "splitCustomer", first, expect="CUSTOMER_NOT_MERGED")
    attempt("mergeCustomers", owner.call, "mergeCustomers", first, body={"into_id": ids[0]}, expect="CUSTOMER_SAME")
    nameless = owner.call("findCustomers", query={"q": "A00000"})["items"][0]["customer_id"]
    attempt("mergeCustomers", owner.call, "mergeCustomers", first, body={"into_id": nameless}, expect="CUSTOMER_PLACEHOLDER")
    reply = attempt("mergeCustomers", owner.call, "mergeCustomers", first, body={"into_id": "77"}, expect="CUSTOMER_UNKNOWN")
    tally.check(reply is not None and reply["errors"][0]["pointer"] == "/into_id", f"which one: {reply and reply.json}")
    for name, query in (("getCustomer", None), ("getTimeline", None), ("previewMerge", {"into_id": ids[1]}), ("revealCustomer", None)):
        owner.call(name, first, query)
        attempt(name, owner.call, name, {"customer_id": "77"}, query, expect="CUSTOMER_UNKNOWN")
    refuse(owner, ids, second)


def waiting(owner):
    return {task["name"]: task["count"] for task in owner.call("getToday")["tasks"]}.get("merge_proposals")


def refuse(owner, ids, second):
    """Two accounts with one phone may be one person, or not."""
    proposed = owner.call("listProposals")["items"]
    if tally.check(len(proposed) == 2, f"two merges are proposed: {len(proposed)}"):
        pair = {"customer_id": proposed[0]["customer"]["customer_id"], "other_id": proposed[0]["other"]["customer_id"]}
        tally.check(waiting(owner) == 2, f"Today knows of them: {waiting(owner)}")
        owner.call("refuseProposal", body=pair, key="refuse 1")
        owner.call("refuseProposal", body=pair, key="refuse 1")
        tally.check(waiting(owner) == 1, f"what was refused waits no more: {waiting(owner)}")
        tally.check(len(owner.call("listProposals")["items"]) == 1, "what was refused is not proposed any more")
    attempt("no such proposal", owner.call, "refuseProposal", body={"customer_id": ids[2], "other_id": ids[3]},
            expect="CUSTOMER_PROPOSAL_UNKNOWN")
    attempt("nobody", owner.call, "refuseProposal", body={"customer_id": "77", "other_id": ids[3]},
            expect={"CUSTOMER_UNKNOWN", "CUSTOMER_PROPOSAL_UNKNOWN"})
    attempt("one person", owner.call, "refuseProposal", body={"customer_id": ids[1], "other_id": second["customer_id"]},
            expect={"CUSTOMER_SAME", "CUSTOMER_PROPOSAL_UNKNOWN"})


def reports(owner):
    for one in owner.call("listReports")["items"]:
        owner.call("getReport", {"report": one["name"]})
        for format_ in ("csv", "xlsx"):
            reply = owner.call("getReportFile", {"report": one["name"]}, {"format": format_})
            tally.check(reply.body[:3] == (b"\xef\xbb\xbf" if format_ == "csv" else b"PK\x03"), f"{one['name']}.{format_}")
    for name in ("getReport", "getReportFile"):
        attempt(name, owner.call, name, {"report": "nothing"}, expect="REPORT_UNKNOWN")
        for query, code in (({"from": "2024-05-01", "to": "2024-04-01"}, "REPORT_DAYS"), ({"as_of": "1999-01-01"}, "REPORT_EMPTY_BEFORE")):
            attempt(f"{name} {query}", owner.call, name, {"report": "totals"}, query, expect=code)


def selections(owner):
    """An amount that no money has."""
    huge = {"amount_min": "999999999999999999"}
    for name in ("listCustomers", "exportCustomers"):
        attempt(name, owner.call, name, query=huge, expect="PEOPLE_MONEY")
    attempt("startBulk", owner.call, "startBulk", body={"action": "tag", "tag": "x", "selection": huge}, expect="PEOPLE_MONEY")


def kept_reports(owner):
    """A report's answer is kept while nothing changes, and not a moment longer than the columns take to follow."""
    def total():
        reply = owner.call("getReport", {"report": "totals"})
        return reply["sections"]["totals"][0], reply.headers["etag"].replace("-gzip", "")
    before, tag = total()
    tally.check(total() == (before, tag), "the same answer again")
    chinese = owner.call("getReport", {"report": "totals"}, headers={"Accept-Language": "zh-CN"})
    tally.check(chinese["title"] != owner.call("getReport", {"report": "totals"})["title"], "another language, another answer")
    ids = [owner.call("findCustomers", query={"q": shop.phone(n)})["items"][0]["customer_id"] for n in (10, 11)]
    owner.call("mergeCustomers", {"customer_id": ids[0]}, body={"into_id": ids[1]})
    until = time.monotonic() + 30
    while total()[1] == tag and time.monotonic() < until:
        time.sleep(0.05)
    after, _ = total()
    tally.check(int(after["customers"]) == int(before["customers"]) - 1, f"two people became one: {before} and then {after}")


def the_rest(server, owner):
    for name in ("getMe", "getStatus", "getHealth", "getMetrics", "getSystem", "getOpenapi", "listRoles", "listAudit", "listKeys"):
        owner.call(name)
        owner.call(name, head=True)
    served = owner.call("getOpenapi")
    tally.check(served.json == server.contract.document, "the document that is served is the program's")
    for number in range(4):
        add_key(owner, ["reports:read"], f"the rest {number}")
    page = owner.call("listAudit", query={"limit": "2"})
    onward = owner.call("listAudit", query={"limit": "2", "cursor": page["next_cursor"]})
    ids = [int(row["audit_id"]) for row in page["items"] + onward["items"]]
    tally.check(ids == sorted(ids, reverse=True) and len(set(ids)) == 4, f"pages of the audit trail: {ids}")
    object_ = page["items"][0]["object"]
    tally.check(all(row["object"] == object_ for row in owner.call("listAudit", query={"object": object_})["items"]), "of one object")
    stream = owner.stream()
    tally.check(stream.readline() == b"retry: 3000\n", "a stream begins")
    stream.connection.close()


def no_buyers(binary, kind, folder):
    file, map_file = shop.write(folder, customers=3, anonymous=3, with_buyers=False)
    with Brand(binary, kind, "CNY", "Asia/Shanghai") as brand:
        brand.run("import", "orders", file, "--map", map_file)
        with Server(brand.command("serve")) as server:
            owner = server.set_up()
            server.wait_ready()
            for name in ("getReport", "getReportFile"):
                attempt("nobody is known", owner.call, name, {"report": "totals"}, expect="REPORT_NO_BUYERS")


def run_on(args, kind, folder):
    file, map_file = shop.write(folder, proposals=2)
    with Brand(args.binary, kind, "CNY", "Asia/Shanghai") as brand:
        brand.run("import", "orders", file, "--map", map_file)
        with Server(brand.command("serve")) as server:
            owner = server.set_up()
            server.wait_ready()
            parts = {"walk_all": lambda: walk_all(server, owner), "people_and_keys": lambda: people_and_keys(server, owner),
                     "customers": lambda: customers(owner), "reports": lambda: reports(owner),
                     "kept_reports": lambda: kept_reports(owner), "selections": lambda: selections(owner),
                     "the_rest": lambda: the_rest(server, owner)}
            for name, part in parts.items():
                if wanted(args, name):
                    part()
            log = server.log_text()
            tally.check("139000000" not in log and "王小明" not in log, f"{kind}: the log holds no personal data")
        tally.check(brand.try_run("verify").returncode == 0, f"{kind}: verify")


def main():
    args = arguments(__doc__, only={}, database={})
    committed = (ROOT / "docs/api/openapi.json").read_text(encoding="utf-8")
    import json  # the text may be laid out as it likes
    tally.check(json.loads(committed) == Contract.of(args.binary).document,
                "docs/api/openapi.json is not fresh: huitou openapi > docs/api/openapi.json")
    with tempfile.TemporaryDirectory(prefix="huitou-contract-") as folder:
        for kind in chosen(args):
            place = pathlib.Path(folder) / kind
            place.mkdir()
            run_on(args, kind, place)
            if wanted(args, "no_buyers"):
                no_buyers(args.binary, kind, place)
        if wanted(args, "the_link"):
            the_link(args.binary)
        if wanted(args, "before_a_brand"):
            empty = pathlib.Path(folder) / "empty"
            empty.mkdir()
            before_a_brand(args.binary, empty)
    tally.finish()


if __name__ == "__main__":
    main()
