#!/usr/bin/env python3
"""Imports over HTTP, on both databases: what the command line makes of the same files, the console's server makes, too.

    /usr/bin/python3 test/http/imports_test.py [--binary PATH] [--only same,hand,...] [--database sqlite|postgres] [--rounds 4]

same     exports of merchants (test/reference/merchant_files.py: GB18030, xlsx, gzip …): dry run, result, database, reports and
         reject workbooks equal those of a brand that the command line filled
hand     a table that nothing recognises: mapped by hand, saved, recognised the next time, by the command line too
words    a state that is not known: rows rejected; told what it means: imported
refused  files that are no tables, requests that are wrong
once     one key, one upload; started twice, imported once; what lies on the disk, who may read it, and what is gone when done
queue    several at once: one runs, others wait; a waiting one and a running one stopped; progress told while it goes
rejects  rejected rows: who may take them and is noted, how long they stay, and what is left of the file they came from
killed   the server killed (kill -9) while it imports, at random moments: interrupted, gone on with, the same in the end
"""
import csv
import datetime
import gzip
import io
import json
import pathlib
import random
import stat
import sys
import tempfile
import time

import openpyxl

HERE = pathlib.Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parents[1] / "reference"), str(HERE.parents[1] / "crash")]
import merchant_files as merchant  # noqa: E402
from api import Client, Server, add_key, add_person  # noqa: E402
from import_kill_test import state  # noqa: E402
from program import Brand, Tally, arguments, chosen, wanted  # noqa: E402

tally = Tally()
check = tally.check
UPLOADS_MAX = 500  # files that wait to be imported (base/limits.h)
ENDED = {"ready", "refused", "stopped", "interrupted", "failed", "done"}
# What the two ways may say differently: where the file lies, and where its rejects.
OF_THE_WAY = {"file", "reject_file"}
# Why a map was recognised is told once, by the check.
OF_THE_CHECK = {"recognition"}


def cny_brand(options, kind):
    return Brand(options.binary, kind, currency="CNY", timezone="Asia/Shanghai", name="茶舍")


def when(path):
    moment = datetime.datetime.fromtimestamp(path.stat().st_mtime_ns // 1000 / 1e6, datetime.timezone.utc)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def upload(client, path, name=None, **more):
    query = {"name": name or path.name, "modified_at": when(path)}
    return client.call("uploadImport", query=query, raw=path.read_bytes(), **more)["import_id"]


def look(client, import_id):
    return client.call("getImport", {"import_id": import_id}).json


def wait(client, import_id, states=ENDED, seconds=120):
    until = time.monotonic() + seconds
    while (one := look(client, import_id))["state"] not in states:
        if time.monotonic() > until:
            raise RuntimeError(f"{one['name']} is still {one['state']}: {one['progress']}")
        time.sleep(0.02)
    return one


def start(client, import_id, **more):
    return client.call("startImport", {"import_id": import_id}, **more).json


def correct(client, import_id, **wish):
    client.call("correctImport", {"import_id": import_id}, body=wish)
    return wait(client, import_id)


def import_whole(client, path, **wish):
    import_id = upload(client, path)
    one = wait(client, import_id)
    if wish:
        one = correct(client, import_id, **wish)
    assert one["state"] == "ready", one
    start(client, import_id)
    return wait(client, import_id, {"done", "failed"})


def codes(one):
    return [error["code"] for error in one["errors"]]


def without_way(answer):
    return {name: value for name, value in answer.items() if name not in OF_THE_WAY}


# --- same -------------------------------------------------------------------------------------------------------------

def workbook(data):
    rows = openpyxl.load_workbook(io.BytesIO(data), read_only=True).active.iter_rows(values_only=True)
    return [list(row) for row in rows]


def same_rejects(client, one, told, by_hand):
    title = f"{one['name']}: rejects"
    if not told["reject_file"]:
        client.call("getImportRejects", {"import_id": one["import_id"]}, expect="IMPORT_NO_REJECTS")
        return
    reply = client.call("getImportRejects", {"import_id": one["import_id"]})
    expected = (by_hand.base / told["reject_file"]).read_bytes()
    if told["reject_file"].endswith(".xlsx"):
        check(workbook(reply.body) == workbook(expected), f"{title}: the workbooks differ")
    else:
        check(reply.body == expected, f"{title}: the files differ")
    again = client.call("getImportRejects", {"import_id": one["import_id"]})
    check(again.body == reply.body, f"{title}: gone after the first download")


def named_only(answer, path):
    """The server knows a file by its name only, the command line by its path."""
    return json.loads(json.dumps(answer).replace(json.dumps(f"{path.parent}/")[1:-1], ""))


def same_file(client, by_hand, path):
    """One file through both ways; the twin brand has the same orders before."""
    dry = named_only(by_hand.json("import", "orders", path, "--dry-run")["files"][0], path)
    import_id = upload(client, path)
    one = wait(client, import_id)
    if not check(one["state"] == "ready", f"{path.name}: {one['state']}: {one['errors']}"):
        return
    check(without_way(one["preview"]) == without_way(dry), f"{path.name}: the dry runs differ: {difference(one['preview'], dry)}")
    check(len(one["columns"]) >= len(dry["columns"]), f"{path.name}: {len(one['columns'])} columns of the file")
    told = named_only(by_hand.json("import", "orders", path)["files"][0], path)
    start(client, import_id)
    one = wait(client, import_id, {"done", "failed"})
    if check(one["state"] == "done", f"{path.name}: {one['state']}: {one['errors']}"):
        told.update(dict.fromkeys(OF_THE_CHECK))
        check(without_way(one["result"]) == without_way(told), f"{path.name}: the results differ: {difference(one['result'], told)}")
        counts = {name: one[name] for name in ("rows", "orders_new", "orders_changed", "orders_same", "refunds", "rows_rejected")}
        check(counts == {name: told[name] for name in counts}, f"{path.name}: {counts}")
        same_rejects(client, one, told, by_hand)


def difference(a, b):
    return {name: (a.get(name), b.get(name)) for name in {*a, *b} if name not in OF_THE_WAY and a.get(name) != b.get(name)}


def test_same(options, kind):
    platforms = merchant.all_files()
    files = [file for name in ("taobao", "youzan", "wechat", "pdd") for file in platforms[name][:2]]
    with tempfile.TemporaryDirectory(prefix="huitou-imports-") as directory, cny_brand(options, kind) as by_hand, \
            cny_brand(options, kind) as brand, Server(brand.command("serve")) as server:
        owner = server.set_up()
        paths = [merchant.write_file(file, directory) for file in files]
        check(any("gb18030" == getattr(file, "encoding", "") for file in files), "no file is GB18030")
        for path in paths:
            same_file(owner, by_hand, pathlib.Path(path))
        check(state(brand) == state(by_hand), f"{kind}: the databases or reports differ")
        server.wait_ready()
        shown = owner.call("getReport", {"report": "repurchase"}).json["sections"]["repurchase"]
        check(shown == by_hand.json("report", "repurchase")["sections"]["repurchase"], f"{kind}: the served report differs: {shown}")
        listed = owner.call("listImports", query={"limit": 3}).json
        check([one["name"] for one in listed["items"]] == [pathlib.Path(path).name for path in paths[:-4:-1]], f"{kind}: {listed['items']}")
        rest = owner.call("listImports", query={"cursor": listed["next_cursor"]}).json
        check(len(rest["items"]) == len(paths) - 3 and rest["next_cursor"] is None, f"{kind}: the second page has {len(rest['items'])}")
        by_cli = by_hand.json("import", "list")["imports"]
        check([one["file"] for one in by_cli] == [pathlib.Path(path).name for path in paths[::-1]], f"{kind}: import list: {by_cli}")
        check(all(one["by"].startswith("cli:") and one["state"] == "done" for one in by_cli), f"{kind}: import list: {by_cli[:2]}")
        check([one["by"] for one in brand.json("import", "list")["imports"]] == ["林掌柜"] * len(paths), f"{kind}: import list of uploads")
        log = server.log_text()
        check('"uploadImport"' in log and not any(path.name in log for path in map(pathlib.Path, paths))
              and not any("\u4e00" <= letter <= "\u9fff" for letter in log), f"{kind}: the log names files or people")


# --- hand -------------------------------------------------------------------------------------------------------------

ODD = "编号甲,日期乙,付了丙,电话丁,品丁,状况戊,收货人姓名".split(",")
BY_HAND = {"order_number": "编号甲", "order_time": "日期乙", "order_amount": "付了丙", "phone": "电话丁", "product_name": "品丁", "state": "状况戊"}


def odd_file(path, count=40, first=0):
    with open(path, "w", encoding="gb18030", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(ODD)
        for n in range(first, first + count):
            writer.writerow([f"K{n:05d}", f"2025-0{n % 9 + 1}-11 10:00", f"{10 + n}.50", f"1390000{n % 20:04d}", "茶", "完毕", f"王大锤{n}"])
    return path


def test_hand(options, kind):
    with cny_brand(options, kind) as brand, Server(brand.command("serve")) as server:
        owner = server.set_up()
        path = odd_file(brand.base / "本店.csv")
        import_id = upload(owner, path)
        one = wait(owner, import_id)
        check(one["state"] == "refused" and codes(one) == ["MAP_NOT_RECOGNISED"], f"{kind}: {one['state']} {one['errors']}")
        check(all(str(brand.base) not in error["message"] and error["field"] == "本店.csv" for error in one["errors"]), f"{kind}: {one['errors']}")
        check([column["column"] for column in one["columns"]] == ODD, f"{kind}: {one['columns']}")
        samples = {column["column"]: column["samples"] for column in one["columns"]}
        check(samples["付了丙"] == ["10.50", "11.50", "12.50"] and samples["电话丁"][0] != "13900000000" and "*" in samples["电话丁"][0]
              and "王大锤" not in json.dumps(samples, ensure_ascii=False), f"{kind}: samples {samples}")
        owner.call("startImport", {"import_id": import_id}, expect="IMPORT_NOT_NOW")
        one = correct(owner, import_id, columns=BY_HAND)
        check(one["state"] == "ready" and one["preview"]["rows_rejected"] == 40 and one["preview"]["problems"][0]["code"] == "IMPORT_STATE",
              f"{kind}: {one['state']} {one['errors']} {one['preview'] and one['preview']['problems']}")
        one = correct(owner, import_id, columns=BY_HAND, states={"完毕": "received"}, source="本店")
        preview = one["preview"]
        check((preview["orders_new"], preview["rows_rejected"], preview["source"]) == (40, 0, "本店"), f"{kind}: {preview['orders_new']} {preview['problems']}")
        check(preview["amount"] == f"{sum(10.5 + n for n in range(40)):.2f}" and preview["customers_seen"] == 20, f"{kind}: {preview['amount']}")
        check(one["wish"]["columns"] == BY_HAND and one["wish"]["states"] == {"完毕": "received"}, f"{kind}: {one['wish']}")
        owner.call("saveImportMap", {"import_id": import_id}, body={"name": "taobao"}, expect="OWN_MAP_NAME")
        owner.call("saveImportMap", {"import_id": import_id}, body={"name": "本店的表"})
        start(owner, import_id)
        one = wait(owner, import_id, {"done", "failed"})
        check(one["orders_new"] == 40, f"{kind}: {one}")
        import_id = upload(owner, odd_file(brand.base / "本店2.csv", first=30))
        one = wait(owner, import_id)
        check(one["state"] == "ready" and one["map"] == "本店的表" and one["map_recognised"] and one["preview"]["rows_rejected"] == 0
              and (one["preview"]["orders_new"], one["preview"]["orders_same"]) == (30, 10), f"{kind}: {one['state']} {one['map']} {one['errors']}")
        told = brand.json("import", "orders", brand.base / "本店2.csv", "--dry-run")["files"][0]
        check(without_way(told)["map"] == "本店的表" and told["orders_new"] == 30, f"{kind}: the command line: {told['map']}")
        names = [one["name"] for one in owner.call("getImportChoices").json["maps"] if one["is_own"]]
        check(names == ["本店的表"], f"{kind}: saved maps {names}")
        owner.call("deleteImportMap", {"map": "本店的表"})
        owner.call("deleteImportMap", {"map": "本店的表"}, expect="OWN_MAP_UNKNOWN")
        one = correct(owner, import_id)
        check(one["state"] == "refused" and codes(one) == ["MAP_NOT_RECOGNISED"], f"{kind}: after the map was deleted: {one['state']}")
        owner.call("discardImport", {"import_id": import_id})
        owner.call("getImport", {"import_id": import_id}, expect="IMPORT_UNKNOWN")


# --- words ------------------------------------------------------------------------------------------------------------

def test_words(options, kind):
    with tempfile.TemporaryDirectory() as directory, cny_brand(options, kind) as brand, Server(brand.command("serve")) as server:
        owner = server.set_up()
        path = pathlib.Path(directory) / "table.csv"
        rows = [[f"W{n}", "2025-03-01 10:00", "20.00", f"1380000{n:04d}", "未曾见过" if n < 3 else "已付款"] for n in range(10)]
        path.write_text("订单号,下单时间,实付金额,手机号,订单状态\n" + "".join(",".join(row) + "\n" for row in rows))
        import_id = upload(owner, path)
        one = wait(owner, import_id)
        words = {word["value"]: word["read_as"] for word in one["preview"]["values"]}
        check(one["preview"]["rows_rejected"] == 3 and words == {"未曾见过": None, "已付款": "paid"}, f"{kind}: {words}")
        for wish, code in (({"states": {"待成团": "lost"}}, "MAP_STATE"), ({"refund_states": {"x/y~z": "lost"}}, "MAP_REFUND_STATE"),
                           ({"columns": {"colour": "订单号"}}, "MAP_KIND"), ({"map": "no such map"}, "OWN_MAP_UNKNOWN"),
                           ({"exported_at": "2099-01-01T00:00:00Z"}, "EXPORTED_AT_FUTURE")):
            owner.call("correctImport", {"import_id": import_id}, body=wish, expect=code)
        one = correct(owner, import_id, states={"未曾见过": "paid"}, exported_at="2025-03-05T00:00:00Z")
        check(one["preview"]["rows_rejected"] == 0 and one["preview"]["orders_new"] == 10, f"{kind}: {one['preview']['problems']}")
        check(one["preview"]["exported_at"].startswith("2025-03-05T00:00:00") and one["preview"]["exported_at_from"] == "told", f"{kind}: exported at")
        one = correct(owner, import_id, columns={"order_number": "订单号", "order_time": "下单时间", "order_amount": "nowhere"})
        check(one["state"] == "refused" and codes(one) == ["MAP_COLUMN_MISSING"], f"{kind}: {one['errors']}")
        one = correct(owner, import_id, columns={"order_number": "订单号", "order_time": "下单时间"})
        check(one["state"] == "refused" and codes(one) == ["MAP_NEEDS"], f"{kind}: {one['errors']}")


# --- refused ----------------------------------------------------------------------------------------------------------

def test_refused(options, kind):
    files = {"empty.csv": b"", "one-word.csv": b"hello", "report.pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "torn.xlsx": b"PK\x03\x04" + bytes(200),
             "noise.csv": random.Random(7).randbytes(5000), "torn.csv.gz": gzip.compress(b"a,b\n" * 5000)[:60],
             "wide.csv": ",".join("列" * 60 + str(n) for n in range(900)).encode() + b"\n1,2\n"}
    with cny_brand(options, kind) as brand, Server(brand.command("serve")) as server:
        owner = server.set_up()
        for name, data in files.items():
            import_id = owner.call("uploadImport", query={"name": name}, raw=data)["import_id"]
            one = wait(owner, import_id)
            check(one["state"] == "refused" and one["errors"] and one["preview"] is None, f"{kind}: {name}: {one['state']} {one['errors']}")
            check(all(str(brand.dir) not in json.dumps(one) for _ in [0]), f"{kind}: {name}: says where it lies")
            owner.call("saveImportMap", {"import_id": import_id}, body={"name": "x"}, expect="IMPORT_NOT_NOW")
            owner.call("discardImport", {"import_id": import_id})
        check(list((brand.dir / "uploads").iterdir()) == [], f"{kind}: what was discarded is there still")
        for name in ("", "a/b.csv", "..", "a\x01b", "长" * 70, "a\\b"):
            owner.call("uploadImport", query={"name": name}, raw=b"x", expect={"IMPORT_FILE_NAME", "FIELD_MISSING"})
        for operation in ("getImport", "startImport", "stopImport", "discardImport", "getImportRejects"):
            owner.call(operation, {"import_id": "12345"}, expect="IMPORT_UNKNOWN")
        owner.call("correctImport", {"import_id": "12345"}, body={}, expect="IMPORT_UNKNOWN")
        owner.call("saveImportMap", {"import_id": "12345"}, body={"name": "x"}, expect="IMPORT_UNKNOWN")
        check(owner.call("listImports").json["items"] == [], f"{kind}: discarded files are listed")
        import_id = owner.call("uploadImport", query={"name": "a.csv"}, raw=b"x")["import_id"]
        wait(owner, import_id)
        brand.sql("UPDATE import_upload SET byte_count = 17179869184")
        owner.call("uploadImport", query={"name": "b.csv"}, raw=b"x", expect="IMPORT_UPLOADS_FULL")
        brand.sql("UPDATE import_upload SET byte_count = 1")
        columns = ("name, byte_count, is_kept, state, created_at, created_by, created_by_name, check_no, attempt_count, queued_at, map_name, "
                   "map_recognised, lang, reject_name, row_count, order_new_count, order_changed_count, order_same_count, refund_count, "
                   "rejected_row_count")
        brand.sql(f"INSERT INTO import_upload (upload_id, {columns}) WITH RECURSIVE more (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM more "
                  f"WHERE i < {UPLOADS_MAX - 1}) SELECT more.i, {columns} FROM import_upload, more WHERE upload_id = {import_id}")
        owner.call("uploadImport", query={"name": "b.csv"}, raw=b"x", expect="IMPORT_UPLOADS_FULL")
        brand.sql(f"DELETE FROM import_upload WHERE upload_id < {UPLOADS_MAX}")
        owner.call("discardImport", {"import_id": import_id})
        _, stranger = add_key(owner, ["reports:read"])
        stranger.call("listImports", expect=403)
        _, program = add_key(owner, ["orders:import"])
        check(program.call("listImports").json["items"] == [], f"{kind}: a key with the scope")
        Client(server).call("uploadImport", query={"name": "a.csv"}, raw=b"x", expect=401)


# --- once -------------------------------------------------------------------------------------------------------------

def in_pieces(data, size):
    """As chunks that come one after the other: the server reads them apart."""
    for at in range(0, len(data), size):
        yield data[at:at + size]
        time.sleep(0.05)


def test_once(options, kind):
    with cny_brand(options, kind) as brand, Server(brand.command("serve")) as server:
        owner = server.set_up()
        path = odd_file(brand.base / "一次.csv")
        first = upload(owner, path, key="the-same")
        check(upload(owner, path, key="the-same") == first, f"{kind}: two uploads of one key")
        query = {"name": path.name, "modified_at": when(path)}
        again = owner.call("uploadImport", query=query, raw=in_pieces(path.read_bytes(), 700), key="the-same")
        check(again["import_id"] == first, f"{kind}: the same file, sent in other pieces, is another")
        owner.call("uploadImport", query={**query, "name": "二次.csv"}, raw=path.read_bytes(), key="the-same", expect="IDEMPOTENCY_OTHER")
        owner.call("uploadImport", query={"name": path.name, "modified_at": when(path)}, raw=b"other", key="the-same", expect="IDEMPOTENCY_OTHER")
        check(len(owner.call("listImports").json["items"]) == 1, f"{kind}: more than one upload")
        kept = [file for file in (brand.dir / "uploads").rglob("*") if file.is_file()]
        check([file.name for file in kept] == ["一次.csv"] and kept[0].read_bytes() == path.read_bytes(), f"{kind}: on the disk: {kept}")
        modes = [stat.S_IMODE(at.stat().st_mode) for at in (kept[0], kept[0].parent, kept[0].parent.parent)]
        check(modes == [0o600, 0o700, 0o700], f"{kind}: modes {[oct(mode) for mode in modes]}")
        correct(owner, first, columns=BY_HAND, states={"完毕": "received"})
        one, two = start(owner, first, key="go"), start(owner, first, key="go")
        check(one == two and one["state"] in ("waiting", "running"), f"{kind}: {one['state']} {two['state']}")
        start_again = owner.call("startImport", {"import_id": first}, expect={200, "IMPORT_NOT_NOW"})
        check(start_again.status == 409 or start_again["state"] in ("waiting", "running"), f"{kind}: {start_again.json}")
        one = wait(owner, first, {"done"})
        check(one["attempts"] == 1 and brand.sql("SELECT count(*) FROM import_run") == [["1"]], f"{kind}: imported {one['attempts']} times")
        check(list((brand.dir / "uploads").iterdir()) == [] and list((brand.dir / "tmp").iterdir()) == [], f"{kind}: files are left")
        for operation in ("startImport", "stopImport", "discardImport"):
            owner.call(operation, {"import_id": first}, expect="IMPORT_NOT_NOW")
            owner.call(operation, {"import_id": first}, key="go" if operation == "startImport" else "the-same",
                       expect=200 if operation == "startImport" else "IDEMPOTENCY_OTHER")
        owner.call("correctImport", {"import_id": first}, body={}, expect="IMPORT_NOT_NOW")
        trail = [row["operation"] for row in owner.call("listAudit", query={"object": f"import:{first}"}).json["items"]]
        check(list(dict.fromkeys(trail)) == ["startImport", "correctImport", "uploadImport"], f"{kind}: audit trail {trail}")


# --- queue ------------------------------------------------------------------------------------------------------------

BIG = "单号,时间,实付,手机,商品\n"


def big_file(path, prefix, count, seed=1):
    rng = random.Random(seed)
    with open(path, "w", encoding="utf-8") as file:
        file.write("订单号,下单时间,实付金额,手机号,商品名称\n")
        for n in range(count):
            file.write(f"{prefix}{n:07d},2024-{n % 12 + 1:02d}-{n % 28 + 1:02d} 10:{n % 60:02d},{rng.randrange(1, 90000) / 100:.2f},"
                       f"139{n % (count // 3):08d},商品{n % 50}\n")
    return path


def events_of(stream, topic):
    """The data of the next event of that topic."""
    kind = None
    while line := stream.readline().decode().strip("\n"):
        if line.startswith("event: "):
            kind = line[7:]
        if line.startswith("data: ") and kind == topic:
            return json.loads(line[6:])
    return events_of(stream, topic)


def test_queue(options, kind):
    with cny_brand(options, kind) as brand, Server(brand.command("serve")) as server:
        owner = server.set_up()
        ids = [upload(owner, big_file(brand.base / f"big{n}.csv", f"Q{n}-", count)) for n, count in enumerate((90000, 400, 300))]
        for import_id in ids:
            check(wait(owner, import_id)["state"] == "ready", f"{kind}: not ready")
        with owner.stream() as stream:
            for import_id in ids:
                start(owner, import_id)
            check(owner.call("stopImport", {"import_id": ids[2]})["state"] == "ready", f"{kind}: a waiting one that is stopped is ready")
            start(owner, ids[2])
            told = events_of(stream, "import")
            while not (told["import_id"] == ids[0] and told.get("phase") == "write"):
                told = events_of(stream, "import")
            check(told["state"] == "running" and 0 <= told["done"] <= told["total"], f"{kind}: {told}")
            stream.connection.close()
        states = [look(owner, import_id) for import_id in ids]
        check([one["state"] for one in states] == ["running", "waiting", "waiting"] and [one["ahead"] for one in states] == [0, 0, 1],
              f"{kind}: {[(one['state'], one['ahead']) for one in states]}")
        owner.call("discardImport", {"import_id": ids[0]}, expect="IMPORT_NOT_NOW")
        owner.call("stopImport", {"import_id": ids[0]})
        one = wait(owner, ids[0], {"stopped", "done"})
        check(one["state"] == "stopped" and 0 < one["orders_new"] < 90000, f"{kind}: {one['state']} after {one['orders_new']} orders")
        check(brand.sql("SELECT count(*) FROM orders WHERE number LIKE 'Q0-%'") == [[str(one["orders_new"])]], f"{kind}: not what was said")
        behind = [wait(owner, import_id, {"done"}) for import_id in ids[1:]]
        check([one["orders_new"] for one in behind] == [400, 300], f"{kind}: those behind it")
        turns = [brand.sql(f"SELECT started_at, finished_at FROM import_upload WHERE upload_id = {import_id}")[0] for import_id in ids[1:]]
        check(int(turns[0][1]) <= int(turns[1][0]), f"{kind}: in their turn, one at a time: {turns}")
        start(owner, ids[0])
        last = wait(owner, ids[0], {"done", "failed"})
        check(last["state"] == "done" and last["orders_new"] + last["orders_same"] == 90000 and last["orders_same"] == one["orders_new"]
              and last["attempts"] == 2, f"{kind}: gone on: {last['state']} {last['orders_new']} {last['orders_same']} {last['errors']}")
        check(brand.sql("SELECT count(*) FROM orders") == [["90700"]], f"{kind}: orders in the end")
        brand.run("verify")


# --- rejects ----------------------------------------------------------------------------------------------------------

DAY_US = 86400 * 10**6


def test_rejects(options, kind):
    with cny_brand(options, kind) as brand, Server(brand.command("serve")) as server:
        owner = server.set_up()
        path = brand.base / "some.csv"
        path.write_text("订单号,下单时间,实付金额,手机号,商品名称\n" + "".join(
            f"R{n},{'2025-03-01 10:00' if n > 2 else 'some day'},20.00,1380000{n:04d},茶\n" for n in range(9)))
        one = import_whole(owner, path)
        check((one["orders_new"], one["rows_rejected"]) == (6, 3), f"{kind}: {one['orders_new']} new, {one['rows_rejected']} rejected")
        import_id = one["import_id"]
        folder = brand.dir / "uploads" / import_id
        check([file.name for file in folder.iterdir()] != ["some.csv"] and not (folder / "some.csv").exists(), f"{kind}: the file is there still")
        owner.call("getImportRejects", {"import_id": import_id})
        row = owner.call("listAudit", query={"limit": 1})["items"][0]
        check((row["operation"], row["object"]) == ("getImportRejects", f"import:{import_id}"), f"{kind}: who took them is noted: {row}")
        again = brand.base / "again.csv"
        again.write_text(path.read_text().replace("R3,2025-03-01 10:00,20.00", "R3,2025-03-01 10:00,25.00"))
        one = import_whole(owner, again)  # the later file restates
        check((one["orders_new"], one["orders_changed"], one["orders_same"], one["rows_rejected"]) == (0, 1, 5, 3), f"{kind}: once more: {one}")
        add_person(owner, "agent", "agent")
        server.logged_in("agent").call("getImportRejects", {"import_id": import_id}, expect="HTTP_FORBIDDEN")
        for days, there in ((29, True), (2, False)):
            brand.sql(f"UPDATE import_upload SET finished_at = finished_at - {days * DAY_US} WHERE upload_id = {import_id}")
            # A server looks for what is to go when it starts, and then each minute.
            server.stop()
            server.restart()
            owner = server.logged_in("owner")
            until = time.monotonic() + 10
            while folder.exists() != there and time.monotonic() < until:
                time.sleep(0.05)
            check(folder.exists() == there, f"{kind}: after {days} days more: {list(brand.dir.rglob('uploads/*'))}")
            owner.call("getImportRejects", {"import_id": import_id}, expect=200 if there else "IMPORT_NO_REJECTS")


# --- killed -----------------------------------------------------------------------------------------------------------

def test_killed(options, kind):
    rng = random.Random(options.seed)
    orders = 30000
    with tempfile.TemporaryDirectory() as directory, cny_brand(options, kind) as clean:
        path = big_file(pathlib.Path(directory) / "killed.csv", "X", orders)
        with Server(clean.command("serve")) as server:
            began = time.monotonic()
            check(import_whole(server.set_up(), path)["orders_new"] == orders, f"{kind}: the clean import")
            took = time.monotonic() - began
        expected = state(clean)
        clean_customers = clean.sql("SELECT count(*) FROM customer")
        check_goes_on(options, kind, path)
        interrupted = 0
        for number in range(options.rounds):
            with cny_brand(options, kind) as brand, Server(brand.command("serve")) as server:
                owner = server.set_up()
                import_id = upload(owner, path)
                wait(owner, import_id)
                other = upload(owner, big_file(brand.base / "after.csv", "Y", 200))
                wait(owner, other)
                start(owner, import_id)
                start(owner, other)
                time.sleep(rng.random() * took * 0.5)
                server.kill()
                strays = brand.dir / "uploads" / "4711", brand.dir / "tmp" / "upload-cut-off"
                strays[0].mkdir()  # as an upload leaves them that the kill cut off
                (strays[0] / "half.csv").write_text("half")
                strays[1].write_text("half")
                server.restart()
                check(not strays[0].exists() and not strays[1].exists(), f"{kind}: what was cut off lies there still")
                owner = server.logged_in("owner")
                one = look(owner, import_id)
                title = f"{kind}, round {number}: {one['state']}"
                if one["state"] != "done":
                    interrupted += one["state"] == "interrupted"
                    check(wait(owner, other, {"done"})["state"] == "done", f"{title}: what waited goes on by itself")
                    start(owner, import_id) if one["state"] == "interrupted" else None
                one = wait(owner, import_id, {"done", "failed"})
                check(one["state"] == "done", f"{title}: {one['errors']}")
                wait(owner, other, {"done"})
                same_but_other(brand, expected, clean_customers, title)
                check(list((brand.dir / "uploads").iterdir()) == [], f"{title}: files are left")
                brand.run("verify")
        check(interrupted > 0, f"{kind}: in {options.rounds} rounds no import was interrupted")


def check_goes_on(options, kind, path):
    """Killed while it looks a file through (once in five times at least): that is done anew, though nobody asks for anything."""
    with cny_brand(options, kind) as brand, Server(brand.command("serve")) as server:
        owner, found = server.set_up(), None
        for number in range(5):
            import_id = upload(owner, path, name=f"{number}.csv")
            server.kill()
            found = brand.sql(f"SELECT state FROM import_upload WHERE upload_id = {import_id}")
            server.restart()
            owner = server.logged_in("owner")
            one = wait(owner, import_id)
            check(one["state"] == "ready", f"{kind}: killed while being checked ({found}): {one['state']}")
            if found == [["0"]]:
                break
        check(found == [["0"]], f"{kind}: was never killed while being checked")


def same_but_other(brand, expected, customers, title):
    """The killed import's orders, lines and buyers as in the clean brand; the other file's are known by their numbers."""
    got = [row for row in brand.sql("SELECT number, state, amount_minor, paid_day, line_count, refunded_minor, source FROM orders ORDER BY number")
           if row[0].startswith("X")]
    check(got == expected["orders"], f"{title}: {len(got)} orders, expected {len(expected['orders'])}")
    lines = brand.sql("SELECT count(*) FROM order_line JOIN orders ON orders.customer_id = order_line.customer_id AND "
                      "orders.order_id = order_line.order_id WHERE number >= 'X' AND number < 'Y'")
    check(lines == [[str(len(expected["lines"]))]], f"{title}: {lines} lines")
    check(brand.sql("SELECT count(*) FROM customer") == customers, f"{title}: customers, some twice?")


TESTS = {"same": test_same, "hand": test_hand, "words": test_words, "refused": test_refused, "once": test_once, "queue": test_queue,
         "rejects": test_rejects, "killed": test_killed}


def main():
    options = arguments(__doc__, only={}, database={}, rounds={"type": int, "default": 4}, seed={"type": int, "default": 1})
    for kind in chosen(options):
        for name, test in TESTS.items():
            if wanted(options, name):
                began = time.monotonic()
                test(options, kind)
                print(f"{kind} {name}: {time.monotonic() - began:.1f} s", flush=True)
    tally.finish()


if __name__ == "__main__":
    main()
