"""pgbouncer, of a test's own, in front of a cluster: on loopback and a free port, never as root."""
import os
import pwd
import shutil
import socket
import subprocess
import time

PATIENCE_SECONDS = 20


def is_installed():
    return shutil.which("pgbouncer", path="/usr/sbin:/usr/bin") is not None


class Pooler:
    def __init__(self, directory, cluster, pool_mode, **settings):
        """directory is made; it goes with the cluster's."""
        directory.mkdir()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        lines = {"listen_addr": "127.0.0.1", "listen_port": self.port, "unix_socket_dir": "", "auth_type": "any",
                 "pool_mode": pool_mode, "logfile": directory / "log", **settings}
        file = directory / "pgbouncer.ini"
        file.write_text(f"[databases]\n* = host=127.0.0.1 port={cluster.port} user=huitou\n[pgbouncer]\n" +
                        "".join(f"{name} = {value}\n" for name, value in lines.items()))
        command = ["pgbouncer", "-q", str(file)]
        if os.getuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(directory, user.pw_uid, user.pw_gid)
            command = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--init-groups"] + command
        environment = {**os.environ, "PATH": "/usr/sbin:/usr/bin:/bin"}
        self.process = subprocess.Popen(command, cwd="/", env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.wait_until_it_listens()

    def wait_until_it_listens(self):
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                if time.monotonic() > end or self.process.poll() is not None:
                    raise
                time.sleep(0.02)

    def url(self, database):
        return f"postgres://huitou@127.0.0.1:{self.port}/{database}?connect_timeout=2"

    def close(self):
        self.process.terminate()
        self.process.wait()
