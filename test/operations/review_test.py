#!/usr/bin/env python3
"""The review of security on a live server: what the tests of the judgement (test/unit/review_test.c) cannot see, that the
facts are those of the machine. Each condition is made with the machine's own means (chmod, rows past the program) and must
change the point that it concerns, and no other; and the security page is for owner and engineer only.
"""
import os
import pathlib
import shutil
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import program  # noqa: E402
from live import PASSWORD, Server  # noqa: E402

DAY_US = 24 * 3600 * 1_000_000


def states(server):
    status, answer = server.request("GET", "/api/v1/security-review")
    assert status == 200, answer
    assert answer["attend_count"] == sum(p["state"] == "attend" for p in answer["items"])
    assert answer["act_count"] == sum(p["state"] == "act" for p in answer["items"])
    return {point["check"]: point["state"] for point in answer["items"]}


def changed(before, after):
    return {name: (before.get(name), after.get(name)) for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def test_live(check, binary, kind):
    with program.Brand(binary, kind) as brand, Server(brand) as server:
        first = states(server)
        check(first["listening"] == "good" and first["directory_mode"] == "good" and first["key_mode"] == "good",
              f"{kind} a fresh brand: {first}")
        check(first["backup_age"] == "act" and first["owners"] == "attend" and first["key_place"] == "attend",
              f"{kind} what a fresh brand lacks: {first}")
        check(("database_mode" in first) == (kind == "sqlite"), f"{kind} a database file only where there is one")
        check(first["system_user"] == ("attend" if os.geteuid() == 0 else "good"), f"{kind} the system user")

        def flips(what, do, undo, expected):
            do()
            after = states(server)
            check(changed(first, after) == expected, f"{kind} {what}: {changed(first, after)}")
            undo()
            check(states(server) == first, f"{kind} {what}, undone: {changed(first, states(server))}")

        flips("the directory open to others", lambda: brand.dir.chmod(0o755), lambda: brand.dir.chmod(0o700),
              {"directory_mode": ("good", "act")})
        key = brand.dir / "master.key"
        flips("the key open to others", lambda: key.chmod(0o640), lambda: key.chmod(0o600), {"key_mode": ("good", "act")})
        if kind == "sqlite":
            file = brand.dir / "huitou.db"
            flips("the database open to others", lambda: file.chmod(0o644), lambda: file.chmod(0o600),
                  {"database_mode": ("good", "act")})
        now = time.time_ns() // 1000
        old = now - 100 * DAY_US
        flips("an owner not seen for long", lambda: brand.sql(f"UPDATE staff SET seen_at = {old}"),
              lambda: brand.sql(f"UPDATE staff SET seen_at = {now}"), {"staff_unseen": ("good", "attend")})
        status, made = server.request("POST", "/api/v1/keys", {"name": "till", "scopes": ["reports:read"]})
        assert status == 201, made
        flips("a key not in use", lambda: brand.sql(f"UPDATE api_key SET created_at = {old}"),
              lambda: brand.sql(f"UPDATE api_key SET created_at = {now}"), {"keys_unused": ("good", "attend")})
        ancient = now - 400 * DAY_US
        flips("a key of last year", lambda: brand.sql(f"UPDATE api_key SET created_at = {ancient}, used_at = {now}"),
              lambda: brand.sql(f"UPDATE api_key SET created_at = {now}"), {"keys_old": ("good", "attend")})
        sessions = "INSERT INTO staff_session (session_id, token_hash, staff_id, created_at, seen_at, expires_at) SELECT {n}, " \
                   "{hash}, staff_id, {now}, {now}, {later} FROM staff"
        for n in range(1, 6):
            hash_ = f"decode('{n:032x}', 'hex')" if kind == "postgres" else f"x'{n:032x}'"
            brand.sql(sessions.format(n=n, hash=hash_, now=now, later=now + DAY_US))
        check(changed(first, states(server)) == {"sessions": ("good", "attend")}, f"{kind} many logins of one person")
        brand.sql("DELETE FROM staff_session WHERE session_id < 10")

        brand.run("backup", brand.base / "b.backup")
        after = states(server)
        check(after["backup_age"] == "good" and after["backup_place"] == "good" and after["backup_drill"] == "attend",
              f"{kind} after a backup: {after}")
        brand.sql(f"UPDATE backup SET restored_at = {now}")
        check(states(server)["backup_drill"] == "good", f"{kind} after a drill")
        brand.sql(f"UPDATE backup SET restored_at = {now - 100 * DAY_US}")
        check(states(server)["backup_drill"] == "attend", f"{kind} a drill of long ago")
        brand.sql(f"UPDATE backup SET made_at = {now - 4 * DAY_US}")
        check(states(server)["backup_age"] == "attend", f"{kind} a backup of four days ago")
        brand.sql(f"UPDATE backup SET made_at = {now - 20 * DAY_US}")
        check(states(server)["backup_age"] == "act", f"{kind} a backup of twenty days ago")
        brand.sql(f"UPDATE backup SET path = '{brand.dir}/backups/x.backup'")
        check(states(server)["backup_place"] == "attend", f"{kind} a backup beside the data")

        password = {"password": PASSWORD, "manager_id": None}
        people = {}
        for role in ("owner", "operator", "service_manager", "client_manager", "agent", "engineer"):
            status, answer = server.request("POST", "/api/v1/staff", {"login": "x-" + role, "name": role, "role": role} | password)
            assert status == 201, answer
        check(states(server)["owners"] == "good", f"{kind} two owners")
        for role in ("owner", "operator", "service_manager", "client_manager", "agent", "engineer"):
            server.cookie = server.csrf = None
            server.login("x-" + role)
            people[role] = server.request("GET", "/api/v1/security-review")[0]
        check(people == {"owner": 200, "engineer": 200, "operator": 403, "service_manager": 403, "client_manager": 403, "agent": 403},
              f"{kind} who may see it: {people}")


def test_server(check, binary, kind):
    """How it listens, and where the key lies."""
    with program.Brand(binary, kind) as brand:
        with Server(brand, "--address", "0.0.0.0") as server:
            server.host = "127.0.0.1"
            check(states(server)["listening"] == "act", f"{kind} open to the network")
        with Server(brand, "--address", "0.0.0.0", "--behind-proxy") as server:
            server.host = "127.0.0.1"
            server.login()
            found = states(server)
            check(found["listening"] == "act" and found["proxy"] == "act", f"{kind} a proxy that others pass by: {found}")
        with Server(brand, "--behind-proxy") as server:
            server.login()
            check(states(server)["proxy"] == "good", f"{kind} a proxy on this machine")
        apart = brand.base / "apart.key"
        shutil.move(brand.dir / "master.key", apart)
        with Server(brand, environment=os.environ | {"HUITOU_MASTER_KEY_FILE": str(apart)}) as server:
            server.login()
            check(states(server)["key_place"] == "good", f"{kind} the key apart")


def main():
    arguments = program.arguments(__doc__)
    tally = program.Tally()
    for test in (test_live, test_server):
        for kind in program.KINDS:
            test(tally.check, arguments.binary, kind)
    tally.finish()


if __name__ == "__main__":
    main()
