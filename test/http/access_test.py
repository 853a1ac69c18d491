#!/usr/bin/env python3
"""Who may do what, on both databases: /usr/bin/python3 test/http/access_test.py [--binary PATH]
[--only doors,csrf,...] [--database sqlite|postgres]

Every endpoint of the OpenAPI document × every role, a key of every scope, and nobody: what the declaration says is what
happens. Every endpoint about a customer × every role × customers kept by oneself, by those below, by others and by nobody:
what is not yours answers as what is not there. Then sessions, CSRF, cookies, throttling, keys, and the trail of every write.
"""
import pathlib
import re
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import shop  # noqa: E402
from api import PASSWORD, ContractFault, Server, Unexpected, add_key, add_people, add_person  # noqa: E402
from program import Brand, Tally, arguments, chosen, wanted  # noqa: E402
from walk import ANY, Walk  # noqa: E402

tally = Tally()
NEVER_DONE = "no_such_field=1"  # refused once it is known who asks, before anything is done
# By whom each of five customers is kept, and who of the people keeps or supervises whom.
KEEPERS = ("agent", "client_manager", "agent2", "client_manager2", None)
BELOW = {"service_manager": {"client_manager", "agent"}, "client_manager": {"agent"},
         "service_manager2": {"client_manager2", "agent2"}, "client_manager2": {"agent2"}}


def attempt(what, fn, *args, **options):
    try:
        value = fn(*args, **options)
        tally.check(True, what)
        return value
    except (ContractFault, Unexpected) as fault:
        tally.check(False, f"{what}: {fault}")
        return None


def asked(client, operation, walk, path=None, query=NEVER_DONE, **options):
    body = walk.sample(operation.content["application/json"]["schema"]) if operation.takes_json else None
    raw = b"x" if operation.takes_file else None
    return attempt(operation.name, client.call, operation.name, path or walk.path(operation), query, body=body, raw=raw, **options)


# --- Every endpoint × everybody ---

def doors(server, owner, people):
    walk, contract = Walk(server.contract), server.contract
    by_role = {"owner": owner, **{role: people[role][1] for role in contract.roles if role != "owner"}}
    keys = {scope: add_key(owner, [scope])[1] for scope in contract.scopes}
    for operation in contract.operations.values():
        if operation.public:
            continue
        asked(server.client(), operation, walk, expect="HTTP_LOGIN")
        for role, client in by_role.items():
            may = operation.reach[role] != "none"
            asked(client, operation, walk, expect="FIELD_UNKNOWN" if may else "HTTP_FORBIDDEN")
        for scope, client in keys.items():
            asked(client, operation, walk, expect="FIELD_UNKNOWN" if scope == operation.scope else "HTTP_FORBIDDEN")
    for role, client in by_role.items():
        may = {name for name, one in contract.operations.items() if one.public or one.reach[role] != "none"}
        tally.check(set(client.call("getMe")["may"]) == may, f"{role}: getMe says what they may")
    told = {one["role"]: {reach["operation"]: reach["reach"] for reach in one["reaches"]} for one in owner.call("listRoles")["items"]}
    for role in contract.roles:
        declared = {one.name: one.reach[role] for one in contract.operations.values()
                    if not one.public and one.reach[role] != "none"}
        tally.check(told[role] == declared, f"{role}: listRoles says what they reach")


def csrf(server, owner, people):
    walk, other = Walk(server.contract), people["operator"][1].csrf
    mine = owner.csrf
    for operation in server.contract.operations.values():
        if operation.public or not operation.is_write:
            continue
        for token in (None, "", other, mine[:-1] + ("0" if mine[-1] != "0" else "1"), mine.upper() + "x"):
            owner.csrf = token
            asked(owner, operation, walk, expect="ACCESS_CSRF")
    owner.csrf = mine


# --- Rows ---

def reaches(login, keeper, reach):
    if reach == "all":
        return True
    return keeper is not None and (keeper == login or (reach == "below" and keeper in BELOW.get(login, ())))


def told_apart(reply, customer_id):
    """A reply without what must differ: its own id, its length, and the id that was asked for."""
    text = reply.body.decode().replace(reply.headers["x-request-id"], "REQUEST").replace(customer_id, "ID")
    return reply.status, text, {name: value for name, value in reply.headers.items()
                                if name not in ("x-request-id", "date", "content-length")}


def rows(server, owner, people, ids):
    walk, taken = Walk(server.contract), iter(ids)
    staff = {login: staff_id for login, (staff_id, _) in people.items()}
    logins = [login for login in people if login != "engineer"]
    for operation in server.contract.operations.values():
        if "customer_id" not in operation.path_names():
            continue
        for login in logins:
            role = login.rstrip("2")
            if operation.reach[role] == "none":
                continue
            for keeper in KEEPERS:
                customer_id = next(taken)
                owner.call("setKeeper", {"customer_id": customer_id}, body={"staff_id": staff[keeper] if keeper else None})
                one_row(operation, walk, login, people[login][1], customer_id, keeper, operation.reach[role])


def one_row(operation, walk, login, client, customer_id, keeper, reach):
    path = {**walk.path(operation), "customer_id": customer_id}
    query = {one["name"]: walk.sample(one["schema"]) for one in operation.parameters if one["in"] == "query" and one["required"]}
    what = f"{operation.name} by {login} of a customer of {keeper}"
    client.packs = True  # turn and turn about: the next two are both plain
    reply = asked(client, operation, walk, path, query, expect=ANY)
    if reaches(login, keeper, reach):
        unknown = reply is not None and reply.code == "CUSTOMER_UNKNOWN" and reply["errors"][0]["pointer"] == "{customer_id}"
        tally.check(reply is not None and not unknown and reply.status != 403, f"{what}: {reply and reply.body[:200]}")
        return
    client.packs = True
    nobody = "1" * len(customer_id)
    absent = asked(client, operation, walk, {**path, "customer_id": nobody}, query, expect=ANY)
    tally.check(reply is not None and reply.code == "CUSTOMER_UNKNOWN", f"{what}: {reply and reply.body[:200]}")
    tally.check(told_apart(reply, customer_id) == told_apart(absent, nobody), f"{what}: not yours is told apart from not there")


def customer_ids(value):
    """Every customer that an answer names."""
    if isinstance(value, dict):
        for name, one in value.items():
            if name == "customer_id" and one:
                yield one
            yield from customer_ids(one)
    elif isinstance(value, list):
        for one in value:
            yield from customer_ids(one)


def lists(server, owner, people, ids):
    """What lists show: only what one reaches, and all of it."""
    walk = Walk(server.contract)
    keeper_of = dict(zip(ids, KEEPERS))
    staff = {login: staff_id for login, (staff_id, _) in people.items()}
    for customer_id, keeper in keeper_of.items():
        owner.call("setKeeper", {"customer_id": customer_id}, body={"staff_id": staff[keeper] if keeper else None})
    phones = {owner.call("findCustomers", query={"q": shop.phone(n)})["items"][0]["customer_id"]: shop.phone(n) for n in range(5)}
    for operation in server.contract.operations.values():
        if operation.is_write or operation.path_names() or operation.is_file or operation.is_stream or operation.public:
            continue
        needed = [one["name"] for one in operation.parameters if one["in"] == "query" and one["required"]]
        for login in people:
            reach = operation.reach[login.rstrip("2")]
            if reach == "none":
                continue
            client = people[login][1]
            for customer_id, phone in phones.items():
                query = {name: phone if name == "q" else walk.sample(one["schema"])
                         for one in operation.parameters for name in [one["name"]] if name in needed}
                reply = attempt(operation.name, client.call, operation.name, query=query, expect=ANY)
                shown = set(customer_ids(reply.json)) if reply is not None and reply.status == 200 else set()
                bad = [one for one in shown if one in keeper_of and not reaches(login, keeper_of[one], reach)]
                tally.check(not bad, f"{operation.name} shows {login} customers of others")
                if operation.name == "findCustomers":
                    tally.check((customer_id in shown) == reaches(login, keeper_of[customer_id], reach),
                                f"findCustomers, {login}, a customer of {keeper_of[customer_id]}: {shown}")


# --- Sessions ---

def sessions(server, owner):
    add_person(owner, "somebody", "operator")
    thief = server.client()
    thief.cookies["huitou_session"] = "a-session-that-was-planted-beforehand-000000"
    reply = thief.log_in("somebody")
    first = thief.cookies["huitou_session"]
    tally.check(first != "a-session-that-was-planted-beforehand-000000", "a login makes a new session")
    flags = {flag.strip().lower() for flag in reply.cookies["huitou_session"].split(";")[1:]}
    tally.check({"httponly", "samesite=lax", "path=/"} <= flags and not any("domain" in flag for flag in flags), f"flags: {flags}")
    device = {flag.strip().lower() for flag in reply.cookies["huitou_device"].split(";")[1:]}
    tally.check({"httponly", "samesite=strict"} <= device, f"flags of the device: {device}")
    thief.log_in("somebody")
    tally.check(thief.cookies["huitou_session"] != first, "a second login, too")
    old = server.client()
    old.cookies["huitou_session"] = first
    old.csrf = old.call("getMe")["csrf_token"]
    thief.call("changePassword", body={"old_password": PASSWORD, "new_password": PASSWORD + " 2"})
    attempt("a new password ends the other sessions", old.call, "getMe", expect="ACCESS_SESSION_OVER")
    attempt("and not one's own", thief.call, "getMe")
    attempt("the old password", server.client().log_in, "somebody", PASSWORD, expect="LOGIN_WRONG")
    token = thief.cookies["huitou_session"]
    reply = thief.call("logOut")
    tally.check("max-age=0" in reply.cookies["huitou_session"].lower(), "logging out takes the cookie away")
    old.cookies["huitou_session"] = token
    attempt("the session is over for whoever has its cookie", old.call, "getMe", expect="ACCESS_SESSION_OVER")
    attempt("and writes", old.call, "logOut", expect="ACCESS_SESSION_OVER")


def changed_people(server, owner):
    staff_id = add_person(owner, "changing", "operator")
    client = server.logged_in("changing")
    as_is = {"name": "Changing", "role": "operator", "manager_id": None, "blocked": False}
    client.call("findCustomers", query={"q": "nobody"})
    owner.call("changeStaff", {"staff_id": staff_id}, body={**as_is, "role": "engineer"})
    attempt("another role holds at once", client.call, "findCustomers", query={"q": "nobody"}, expect="HTTP_FORBIDDEN")
    owner.call("changeStaff", {"staff_id": staff_id}, body={**as_is, "blocked": True})
    attempt("who is blocked is out", client.call, "getMe", expect="ACCESS_SESSION_OVER")
    answers = []
    for login, password in (("changing", PASSWORD), ("changing", "wrong"), ("nobody-at-all", "wrong"), ("owner", "wrong")):
        reply = attempt(login, server.client().log_in, login, password, expect="LOGIN_WRONG")
        answers.append(told_apart(reply, login) if reply else None)
    tally.check(all(one == answers[0] for one in answers), "who is blocked, unknown or mistaken gets the same answer")
    owner.call("changeStaff", {"staff_id": staff_id}, body=as_is)
    attempt("let in again, the old session stays over", client.call, "getMe", expect="ACCESS_SESSION_OVER")
    client.cookies.clear()
    client.log_in("changing")
    owner.call("resetPassword", {"staff_id": staff_id}, body={"password": PASSWORD + " 3"})
    attempt("a password that was reset ends all sessions", client.call, "getMe", expect="ACCESS_SESSION_OVER")


def keys(owner):
    key_id, key = add_key(owner, ["customers:read"])
    attempt("a key reads", key.call, "findCustomers", query={"q": shop.phone(1)})
    attempt("a key needs no CSRF token, and its scope", key.call, "logOut", expect="HTTP_FORBIDDEN")
    owner.call("revokeKey", {"key_id": key_id})
    attempt("a revoked key", key.call, "findCustomers", query={"q": shop.phone(1)}, expect="ACCESS_KEY_BAD")
    for bad in ("", "huitou_", key.key[:-1], key.key + "x", key.key.upper()):
        key.key = bad or " "
        attempt(f"the key {bad}", key.call, "findCustomers", query={"q": "x"}, expect="ACCESS_KEY_BAD")


def throttling(brand):
    """Behind a proxy that tells who asks: one account, one address, and those who came before."""
    with Server([*brand.command("serve"), "--behind-proxy"]) as server:
        owner = server.logged_in("owner", address="10.0.0.1")
        add_person(owner, "target", "agent")
        known = server.logged_in("target", address="10.0.0.2")
        for number in range(5):
            attempt("wrong", server.client(address=f"10.1.0.{number}").log_in, "target", "wrong", expect="LOGIN_WRONG")
        stranger = server.client(address="10.1.0.9")
        reply = attempt("the right password, from a strange device", stranger.log_in, "target", expect="LOGIN_WAIT")
        tally.check(reply is not None and 0 < int(reply.headers["retry-after"]) <= 900, "how long to wait")
        attempt("another account is not concerned", server.client(address="10.1.0.1").log_in, "owner")
        attempt("nor is a device that the owner has used", known.log_in, "target")
        for _ in range(5):
            attempt("whose own mistakes count", known.log_in, "target", "wrong", expect="LOGIN_WRONG")
        attempt("five of them", known.log_in, "target", expect="LOGIN_WAIT")
        forged = server.client(address="10.1.0.9")
        forged.cookies["huitou_device"] = known.cookies["huitou_device"][:-1] + "0"
        attempt("a forged device", forged.log_in, "target", expect="LOGIN_WAIT")
        forged.cookies["huitou_device"] = owner.cookies["huitou_device"]
        attempt("a device of another account", forged.log_in, "target", expect="LOGIN_WAIT")
        noise = server.client(address="10.2.0.1")
        for number in range(30):
            attempt("an address", noise.log_in, f"guess-{number}", "wrong", expect="LOGIN_WRONG")
        attempt("an address that fails thirty times", noise.log_in, "owner", expect="LOGIN_WAIT")
        attempt("others are not concerned", server.client(address="10.2.0.2").log_in, "owner")
        for number in range(30):
            v6 = server.client(address=f"2001:db8:0:1::{number:x}")
            attempt("an IPv6 network", v6.log_in, f"guess6-{number}", "wrong", expect="LOGIN_WRONG")
        attempt("is one address", server.client(address="2001:db8:0:1:ffff::1").log_in, "owner", expect="LOGIN_WAIT")
        attempt("its neighbour is another", server.client(address="2001:db8:0:2::1").log_in, "owner")


def tls(brand):
    """What came by TLS goes back by TLS only; what is said of it is believed of a proxy on this machine alone."""
    body = {"login": "owner", "password": PASSWORD}
    for flags, secure in ((["--behind-proxy"], 1), ([], 0)):
        with Server([*brand.command("serve"), *flags]) as server:
            reply = server.client().call("logIn", body=body, headers={"X-Forwarded-Proto": "https"})
            tally.check([cookie.count("; Secure") for cookie in reply.cookies.values()] == [secure] * 2, f"{flags}: {reply.cookies}")


# --- The trail ---

def check_before_and_after(server, owner, path, newest):
    """What it was, what it became, by whom; of a key all but the key."""
    new = {"login": "trailed", "name": "小陈", "password": PASSWORD, "role": "agent"}
    staff_id = owner.call("createStaff", body=new)["staff_id"]
    owner.call("changeStaff", {"staff_id": staff_id}, body={"name": "陈", "role": "operator", "manager_id": None, "blocked": False})
    row, me = newest(), owner.call("getMe")
    tally.check((row["before"]["name"], row["before"]["role"]) == ("小陈", "agent") and
                (row["after"]["name"], row["after"]["role"]) == ("陈", "operator"), f"of a person: {row}")
    tally.check(row["by_id"] == me["staff_id"] and row["by_name"] == me["name"] and row["request_id"], f"by whom: {row}")
    owner.call("setKeeper", path, body={"staff_id": staff_id})
    owner.call("setKeeper", path, body={"staff_id": None})
    row = newest()
    tally.check(row["before"] == {"keeper": staff_id} and row["after"] == {"keeper": "0"}, f"of a keeper: {row}")
    _, program = add_key(owner, ["reports:read"], "trailed key")
    row = newest()
    tally.check(row["operation"] == "createKey" and row["after"]["name"] == "trailed key" and program.key not in str(row)
                and program.key[7:20] not in str(row), f"of a key: {row}")
    server.logged_in("trailed")
    row = newest()
    tally.check(row["operation"] == "logIn" and row["object"] == f"staff:{staff_id}" and row["by_id"] == staff_id, f"of a login: {row}")


def below_an_agent(server, owner, people, customer_id):
    """An agent reaches their own customers, whoever is put below them."""
    agent_id, agent = people["agent"]
    apprentice = add_person(owner, "apprentice", "agent", agent_id)
    owner.call("setKeeper", {"customer_id": customer_id}, body={"staff_id": apprentice})
    server.logged_in("apprentice").call("getCustomer", {"customer_id": customer_id})
    attempt("kept below an agent", agent.call, "getCustomer", {"customer_id": customer_id}, expect="CUSTOMER_UNKNOWN")
    until = time.monotonic() + 20
    while owner.call("listCustomers", query={"keeper": apprentice, "limit": 0})["customers"] == 0 and time.monotonic() < until:
        time.sleep(0.05)
    shown = [one["customer_id"] for one in agent.call("listCustomers", query={"keeper": apprentice})["items"]]
    tally.check(customer_id not in shown, "an agent's list has what is kept below them")
    tally.check(people["client_manager"][1].call("getCustomer", {"customer_id": customer_id}).status == 200, "a manager's manager does")

def trail(server, owner, ids):
    """Every write that is done leaves a row of the audit trail, and what is refused none; revealing shows in the history."""
    def newest():
        return owner.call("listAudit", query={"limit": "1"})["items"][0]
    path = {"customer_id": ids[0]}
    for name, where, body in (("setTag", {**path, "tag": "trail"}, {}), ("renameCustomer", path, {"name": "顾客900号"}),
                              ("revealCustomer", path, None), ("removeTag", {**path, "tag": "trail"}, None)):
        owner.call(name, where, body=body)
        row = newest()
        tally.check(row["operation"] == name and row["object"] == f"customer:{ids[0]}" and row["by_kind"] == "staff",
                    f"{name} leaves {row}")
    check_before_and_after(server, owner, path, newest)
    before = newest()["audit_id"]
    owner.call("setTag", {**path, "tag": " "}, body={}, expect="CUSTOMER_TAG_NAME")
    tally.check(newest()["audit_id"] == before, "what is refused leaves none")
    revealed = owner.call("revealCustomer", path)
    tally.check(any(one["kind"] == "phone" and one["value"].startswith("139") and one["value"].isdigit()
                    for one in revealed["identities"]), "revealed: a phone in the clear")
    events = owner.call("getTimeline", path)["items"]
    tally.check(any("reveal" in event["type"] for event in events), f"revealing shows: {[event['type'] for event in events]}")


def run_on(args, kind, folder):
    file, map_file = shop.write(folder, customers=900, orders_each=1)
    with Brand(args.binary, kind, "CNY", "Asia/Shanghai") as brand:
        brand.run("import", "orders", file, "--map", map_file)
        with Server(brand.command("serve")) as server:
            owner = server.set_up()
            server.wait_ready()
            people = add_people(owner, server)
            ids = [row[0] for row in brand.sql("SELECT customer_id FROM identity WHERE kind = 5 ORDER BY customer_id")]
            first = [owner.call("findCustomers", query={"q": shop.phone(n)})["items"][0]["customer_id"] for n in range(5)]
            parts = {"doors": lambda: doors(server, owner, people), "csrf": lambda: csrf(server, owner, people),
                     "lists": lambda: lists(server, owner, people, first),
                     "rows": lambda: rows(server, owner, people, [one for one in ids if one not in first]),
                     "below": lambda: below_an_agent(server, owner, people, first[0]),
                     "trail": lambda: trail(server, owner, first), "sessions": lambda: sessions(server, owner),
                     "changed_people": lambda: changed_people(server, owner), "keys": lambda: keys(owner)}
            for name, part in parts.items():
                if wanted(args, name):
                    part()
            log = server.log_text()
            personal = [*server.contract.personal, re.compile(shop.NAME.encode())]
            tally.check(not any(one.search(log.encode()) for one in personal), f"{kind}: no personal data in the log")
        if wanted(args, "throttling"):
            throttling(brand)
        if wanted(args, "tls"):
            tls(brand)


def main():
    args = arguments(__doc__, only={}, database={})
    with tempfile.TemporaryDirectory(prefix="huitou-access-") as folder:
        for kind in chosen(args):
            place = pathlib.Path(folder) / kind
            place.mkdir()
            run_on(args, kind, place)
    tally.finish()


if __name__ == "__main__":
    main()
