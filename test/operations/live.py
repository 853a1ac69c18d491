"""A server on a brand's directory, on loopback and a free port, and requests to it: for the tests of operations."""
import http.client
import json
import pathlib
import subprocess
import urllib.parse

PASSWORD = "a sentence that nobody guesses"


class Server:
    """Starts `huitou serve`; sets up the owner where there is none yet."""

    def __init__(self, brand, *flags, environment=None):
        self.brand = brand
        self.cookie = self.csrf = None
        self.log = open(brand.base / "server.log", "ab")
        self.process = subprocess.Popen(brand.command("serve", "--port", "0", "--json", *flags), stdout=subprocess.PIPE,
                                        stderr=self.log, cwd=brand.base, text=True, env=environment)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the server did not start: " + pathlib.Path(self.log.name).read_text())
        said = json.loads(line)
        url = urllib.parse.urlsplit(said["url"])
        self.host, self.port = url.hostname, url.port
        if said["setup_url"]:
            token = said["setup_url"].split("#")[1]
            status, answer = self.request("POST", "/api/v1/setup", {"token": token, "login": "owner", "name": "Owner",
                                                                    "password": PASSWORD})
            assert status == 201, answer
            self.csrf = answer["csrf_token"]

    def open(self):
        return http.client.HTTPConnection(self.host, self.port, timeout=60)

    def raw(self, method, path, body=None, headers=None):
        """Status, headers, bytes."""
        connection = self.open()
        head = {"Accept-Language": "en"} | (headers or {})
        if self.cookie:
            head["Cookie"] = self.cookie
        if self.csrf and method != "GET":
            head["X-CSRF-Token"] = self.csrf
        if body is not None:
            head["Content-Type"] = "application/json"
            body = json.dumps(body).encode()
        connection.request(method, path, body, head)
        answer = connection.getresponse()
        content = answer.read()
        if answer.getheader("Set-Cookie"):
            self.cookie = answer.getheader("Set-Cookie").split(";")[0]
        connection.close()
        return answer.status, answer.headers, content

    def request(self, method, path, body=None, headers=None):
        """Status and the JSON of the answer (None where it has none)."""
        status, _, content = self.raw(method, path, body, headers)
        return status, json.loads(content) if content else None

    def login(self, login="owner", password=PASSWORD):
        status, answer = self.request("POST", "/api/v1/session", {"login": login, "password": password})
        assert status == 200, answer
        self.csrf = answer["csrf_token"]
        return answer

    def stop(self):
        """Ends it as a person would; returns its exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        code = self.process.wait(60)
        self.process.stdout.close()
        self.log.close()
        return code

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
