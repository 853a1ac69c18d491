#!/usr/bin/env python3
"""docs/operations/nginx.conf in front of a server, as it stands but for names, ports and a certificate made here: TLS, the
client's address (and none that the client made up), cookies for TLS only, a large upload, live changes without delay, and
/metrics closed. Needs nginx (Debian: nginx-light) and openssl; without them it says that it did not run.
Then what other tools say: promtool of /metrics, systemd-analyze of the unit, where they are installed.
"""
import json
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import sys
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import program  # noqa: E402
from live import PASSWORD, Server  # noqa: E402

OPERATIONS = program.ROOT / "docs/operations"
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/sbin")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Proxy:
    """nginx with the documented configuration, in a directory of its own."""

    def __init__(self, base, upstream):
        self.port, plain = free_port(), free_port()
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-keyout",
                        base / "key.pem", "-out", base / "cert.pem"], check=True, capture_output=True)
        text = (OPERATIONS / "nginx.conf").read_text()
        text = re.sub(r"listen \[::\].*\n", "", text)
        text = text.replace("listen 443", f"listen 127.0.0.1:{self.port}").replace("listen 80", f"listen 127.0.0.1:{plain}")
        text = text.replace("huitou.example.com", "localhost").replace("127.0.0.1:8420", f"127.0.0.1:{upstream}")
        text = re.sub(r"/etc/letsencrypt/live/localhost/fullchain.pem", str(base / "cert.pem"), text)
        text = re.sub(r"/etc/letsencrypt/live/localhost/privkey.pem", str(base / "key.pem"), text)
        for name in ("body", "proxy", "fastcgi", "uwsgi", "scgi"):
            (base / name).mkdir()
        temporary = " ".join(f"{name if name != 'body' else 'client_body'}_temp_path {base / name};" for name in
                             ("body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (base / "nginx.conf").write_text(f"pid {base}/nginx.pid; error_log {base}/error.log; daemon off; events {{}}\n"
                                         f"http {{ access_log off; {temporary}\n{text}\n}}\n")
        checked = subprocess.run([NGINX, "-t", "-p", base, "-c", base / "nginx.conf"], capture_output=True, text=True, check=False)
        if checked.returncode:
            raise RuntimeError(checked.stderr)
        self.process = subprocess.Popen([NGINX, "-p", base, "-c", base / "nginx.conf"], stderr=subprocess.DEVNULL)
        self.context = ssl.create_default_context(cafile=base / "cert.pem")
        self.context.check_hostname = False
        until = time.monotonic() + 10
        while time.monotonic() < until:
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise RuntimeError("nginx does not listen")

    def ask(self, method, path, body=None, headers=None):
        request = urllib.request.Request(f"https://127.0.0.1:{self.port}{path}", body, headers or {}, method=method)
        try:
            with urllib.request.urlopen(request, context=self.context, timeout=60) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()

    def close(self):
        self.process.terminate()
        self.process.wait()


def test_nginx(check, binary):
    with program.Brand(binary, "sqlite") as brand, Server(brand, "--behind-proxy") as server:
        base = brand.base / "nginx"
        base.mkdir()
        proxy = Proxy(base, server.port)
        try:
            status, headers, _ = proxy.ask("GET", "/login")
            check(status == 200 and "max-age" in headers["Strict-Transport-Security"], f"the console by TLS: {status}")
            login = json.dumps({"login": "owner", "password": PASSWORD}).encode()
            kind = {"Content-Type": "application/json"}
            status, headers, content = proxy.ask("POST", "/api/v1/session", login, kind)
            check(status == 200 and "; Secure" in headers["Set-Cookie"], f"a cookie for TLS only: {headers['Set-Cookie']}")
            plain = server.raw("POST", "/api/v1/session", {"login": "owner", "password": PASSWORD})[1]["Set-Cookie"]
            check("; Secure" not in plain, f"without a proxy the cookie works without TLS: {plain}")
            cookie = {"Cookie": headers["Set-Cookie"].split(";")[0], "X-CSRF-Token": json.loads(content)["csrf_token"]}
            # What counts failed logins is the address that nginx saw: made-up ones do not help. 30 are let through in a quarter
            # of an hour, from one address, over many accounts.
            answers = []
            for i in range(40):
                bad = json.dumps({"login": f"nobody{i}", "password": "x" * 12}).encode()
                answers.append(proxy.ask("POST", "/api/v1/session", bad, kind | {"X-Forwarded-For": f"10.0.0.{i}"})[0])
            check(answers[0] == 401 and answers[-1] == 429, f"a made-up address is not believed: {answers}")
            big = b"x" * (40 << 20)
            status, _, content = proxy.ask("POST", "/api/v1/session", big, kind | cookie)
            check(status == 413, f"a body that is too large is refused in front: {status} {content[:100]}")
            check(proxy.ask("GET", "/metrics", headers=cookie)[0] == 403, "metrics are closed from outside")
            with urllib.request.urlopen(urllib.request.Request(f"https://127.0.0.1:{proxy.port}/api/v1/stream", headers=cookie),
                                        context=proxy.context, timeout=20) as stream:
                began = time.monotonic()
                (brand.base / "o.csv").write_text("订单号,下单时间,金额\n1,2025-01-01 10:00:00,3\n")
                brand.try_run("import", "orders", brand.base / "o.csv", "--map", "own")
                first = b""
                while b"event: changes" not in first and time.monotonic() - began < 15:
                    first += stream.readline()
                check(b"event: changes" in first, f"a change comes through at once: {first}")
        finally:
            proxy.close()


def test_tools(tally, binary):
    with program.Brand(binary, "sqlite") as brand, Server(brand) as server:
        _, _, metrics = server.raw("GET", "/metrics")
        promtool = shutil.which("promtool")
        if promtool:
            run = subprocess.run([promtool, "check", "metrics"], input=metrics, capture_output=True, check=False)
            tally.check(run.returncode == 0 and not run.stdout and not run.stderr,
                        f"promtool check metrics: {run.stdout.decode()}{run.stderr.decode()}")
        else:
            tally.did_not_run("promtool is not installed (Debian: prometheus)")
        analyze = shutil.which("systemd-analyze")
        if analyze:
            for unit in ("huitou.service", "huitou-backup.service", "huitou-backup.timer"):
                text = (OPERATIONS / unit).read_text().replace("/usr/local/bin/huitou", str(pathlib.Path(binary).resolve()))
                path = brand.base / unit
                path.write_text(text)
                run = subprocess.run([analyze, "verify", "--man=no", path], capture_output=True, text=True, check=False)
                ours = [line for line in run.stderr.splitlines() if unit in line]
                tally.check(not ours, f"systemd-analyze verify {unit}: {ours}")
        else:
            tally.did_not_run("systemd-analyze is not installed (Debian: systemd)")


def main():
    arguments = program.arguments(__doc__)
    tally = program.Tally()
    if NGINX and shutil.which("openssl"):
        test_nginx(tally.check, arguments.binary)
    else:
        tally.did_not_run("nginx or openssl is not installed (Debian: nginx-light, openssl)")
    test_tools(tally, arguments.binary)
    tally.finish()


if __name__ == "__main__":
    main()
