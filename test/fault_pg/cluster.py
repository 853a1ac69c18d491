"""A PostgreSQL cluster of a test's own: in a directory, on loopback and a free port, never as root."""
import os
import pathlib
import pwd
import shutil
import socket
import subprocess


class Cluster:
    def __init__(self, directory, *settings):
        """directory must be there; a server of PostgreSQL's user makes its own below it."""
        self.base, self.settings = pathlib.Path(directory), settings
        self.data = self.base / "data"
        programs = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
        self.bin, self.serving = programs[-1], False
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        if os.getuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.base, user.pw_uid, user.pw_gid)
        self.control("initdb", "-D", self.data, "-U", "huitou", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8",
                     "--no-sync", "--wal-segsize=1")

    def control(self, program, *args, check=True):
        command = [str(self.bin / program), *map(str, args)]
        if os.getuid() == 0:
            command = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--init-groups"] + command
        run = subprocess.run(command, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
        if check and run.returncode:
            raise RuntimeError(f"{program}: {run.stderr}{self.log()[-2000:]}")
        return run

    def start(self):
        options = f"-p {self.port} -k {self.base} -c listen_addresses=127.0.0.1 " + " ".join("-c " + s for s in self.settings)
        self.control("pg_ctl", "-D", self.data, "-l", self.base / "log", "-w", "-o", options, "start")
        self.serving = True

    def stop(self, mode="immediate"):
        self.control("pg_ctl", "-D", self.data, "-m", mode, "-w", "stop", check=False)
        self.serving = False

    def log(self):
        path = self.base / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def url(self, database="postgres", **parameters):
        query = "&".join(f"{name}={value}" for name, value in parameters.items())
        return f"postgres://huitou@127.0.0.1:{self.port}/{database}" + ("?" + query if query else "")

    def close(self):
        self.stop()
        shutil.rmtree(self.data, ignore_errors=True)
