"""A proxy that cuts the line to PostgreSQL at a chosen message.

It stands between the program and a server and reads the frames of the protocol, version 3 (PostgreSQL's manual, "Frontend/
Backend Protocol": message formats), in both directions. A Fault says at which message something happens, and what. Nothing
is decided by time alone, so that a seed says what was tried.
"""
import random
import socket
import struct
import threading

CLIENT, SERVER = "client", "server"  # who sent a message
SSL_REQUEST, GSS_REQUEST = 80877103, 80877104


class Fault:
    """What goes wrong, once: the first message that `meets` accepts triggers `does`.

    does: "cut" (both sides are closed before the message is passed on), "reset" (the same by RST), "torn" (half of the
    message is passed on, then cut), "after" (passed on, then cut), "stall" (nothing is passed on any more, in both
    directions, and the connections stay open), "kill" (the server's session is ended first, then cut: what was sent is
    never done), "backend" (only the server's session is ended: it says goodbye), or a function that is called with the
    connection before the message is passed on.
    gone: afterwards nobody is let in ("refuse": connections are closed at once; "silent": accepted, and no word).
    """

    def __init__(self, name, meets, does, gone=None):
        self.name, self.meets, self.does, self.gone = name, meets, does, gone


def is_commit(connection, sender, kind, body):
    """The message that asks for COMMIT: huitou sends it through Parse, being in a pipeline."""
    return sender == CLIENT and kind == b"P" and body.split(b"\0")[1] == b"COMMIT"


def is_commit_sync(connection, sender, kind, body):
    """The end of the batch of messages in which a COMMIT was."""
    if is_commit(connection, sender, kind, body):
        connection.commit_asked = True
    if sender != CLIENT or kind != b"S" or not connection.commit_asked:
        return False
    connection.commit_asked = False
    return True


def is_committed(connection, sender, kind, body):
    """The server's word that it has committed (what opening the database commits does not count)."""
    return sender == SERVER and kind == b"C" and body == b"COMMIT\0" and connection.began


def is_ready_after_commit(connection, sender, kind, body):
    if is_committed(connection, sender, kind, body):
        connection.committed = True
    if sender != SERVER or kind != b"Z" or not connection.committed:
        return False
    connection.committed = False
    return True


def is_copy_data(connection, sender, kind, body):
    return sender == CLIENT and kind == b"d"


def nth(meets, n):
    """The n-th message (counted from 0, over all connections) that `meets` accepts."""
    lock, left = threading.Lock(), [n]

    def meets_nth(connection, sender, kind, body):
        if not meets(connection, sender, kind, body):
            return False
        with lock:
            left[0] -= 1
            return left[0] < 0
    return meets_nth


def is_startup(connection, sender, kind, body):
    return kind == b"startup"


def from_client(connection, sender, kind, body):
    return sender == CLIENT


def from_server(connection, sender, kind, body):
    return sender == SERVER


def in_transaction(connection, sender, kind, body):
    """Anything once the session's first BEGIN was sent: no connecting, no preparing."""
    return connection.began


class Connection:
    def __init__(self, proxy, client):
        self.proxy, self.client = proxy, client
        self.server = None
        self.backend = None  # the server's process id
        self.began = self.commit_asked = self.committed = False
        self.stalled = self.closed = False
        self.lock = threading.Lock()

    def close(self, reset=False):
        with self.lock:
            if self.closed:
                return
            self.closed = True
        for side in (self.client, self.server):
            if side is None:
                continue
            try:
                if reset:
                    side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                else:
                    side.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            side.close()

    def run(self):
        try:
            if not self.begin():
                return
            threading.Thread(target=self.pump, args=(SERVER, self.server, self.client), daemon=True).start()
            self.pump(CLIENT, self.client, self.server)
        except OSError:
            self.close()

    def begin(self):
        """The first message has no type. Encryption is declined here."""
        while True:
            head = self.read(self.client, 8)
            if head is None:
                self.close()
                return False
            length, code = struct.unpack("!II", head)
            rest = self.read(self.client, length - 8)
            if code not in (SSL_REQUEST, GSS_REQUEST):
                break
            self.client.sendall(b"N")
        if self.proxy.consider(self, CLIENT, b"startup", rest) is not None:
            self.close()
            return False
        self.server = socket.create_connection(self.proxy.upstream)
        self.server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.server.sendall(head + rest)
        return True

    @staticmethod
    def read(side, count):
        parts = []
        while count > 0:
            part = side.recv(min(count, 1 << 16))
            if not part:
                return None
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def pump(self, sender, source, sink):
        """Whole messages from source to sink; those that came together go on together."""
        source.settimeout(0.05)  # a socket that is being read is not closed by another thread
        buffer, out = b"", []
        while True:
            try:
                data = source.recv(1 << 16)
            except TimeoutError:
                continue
            except OSError:
                data = b""
            if not data:
                if not self.stalled:
                    self.close()
                return
            buffer += data
            at = 0
            while len(buffer) - at >= 5:
                length = struct.unpack_from("!I", buffer, at + 1)[0] + 1
                if len(buffer) - at < length:
                    break
                message = buffer[at:at + length]
                at += length
                if not self.message(sender, sink, message, out):
                    return
            buffer = buffer[at:]
            if not self.send(sink, out):
                return

    def send(self, sink, out):
        try:
            if out and not self.stalled:
                self.send_all(sink, b"".join(out))
            out.clear()
            return True
        except OSError:
            self.close()
            return False

    def send_all(self, sink, data):
        while data and not self.closed:
            try:
                data = data[sink.send(data):]
            except TimeoutError:
                continue

    def message(self, sender, sink, message, out):
        """Passes one message on, or lets the fault happen; False where the line is cut."""
        kind, body = message[:1], message[5:]
        if sender == SERVER and kind == b"K":
            self.backend = struct.unpack_from("!I", body)[0]
        if sender == CLIENT and kind == b"P" and b"\0BEGIN" in body:
            self.began = True
        does = None if self.stalled else self.proxy.consider(self, sender, kind, body)
        if does is None:
            out.append(message)
            return True
        if does == "stall":
            self.send(sink, out)
            self.stalled = True
            return True
        if does == "backend" or callable(does):
            self.send(sink, out)
            self.proxy.terminate(self.backend) if does == "backend" else does(self)
            out.append(message)
            return True
        if does == "kill":
            self.stalled = True  # not even the server's last words
            self.proxy.terminate(self.backend)
        if does == "torn":
            out.append(message[:max(1, len(message) // 2)])
        if does == "after":
            out.append(message)
        self.send(sink, out)
        self.close(reset=does == "reset")
        return False


class Proxy:
    def __init__(self, host, port, terminate):
        """terminate(pid): ends a session of the server, and returns once it is ended."""
        self.upstream, self.terminate = (host, port), terminate
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.lock = threading.Lock()
        self.fault, self.fired, self.gone, self.messages = None, False, None, 0
        self.connections = []
        threading.Thread(target=self.accept, daemon=True).start()

    def arm(self, fault):
        with self.lock:
            self.fault, self.fired, self.gone, self.messages = fault, False, None, 0

    def disarm(self):
        """Ends what is stalled too; tells whether the fault happened."""
        with self.lock:
            fired, self.fault, self.gone = self.fired, None, None
            connections, self.connections = self.connections, []
        for connection in connections:
            connection.close()
        return fired

    def consider(self, connection, sender, kind, body):
        """What happens to a message: None, or what the fault does."""
        with self.lock:
            self.messages += 1
            if not self.fault or self.fired or not self.fault.meets(connection, sender, kind, body):
                return None
            self.fired, self.gone = True, self.fault.gone
            return self.fault.does

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(self, client)
            with self.lock:
                self.connections.append(connection)
                gone = self.gone
            if gone == "refuse":
                connection.close(reset=True)
            elif gone != "silent":
                threading.Thread(target=connection.run, daemon=True).start()

    def close(self):
        self.disarm()
        self.listener.close()


def moments(rng, messages, commits=6):
    """Every kind of fault, at a random one of so many messages, of so many COMMITs."""
    anywhere = lambda: nth(in_transaction, rng.randrange(messages // 2))
    some = lambda: rng.randrange(commits)
    return [
        Fault("before COMMIT", nth(is_commit, some()), "cut"),
        Fault("before COMMIT, by a reset", nth(is_commit, some()), "reset"),
        Fault("COMMIT sent, never done", nth(is_commit, some()), "kill"),
        Fault("COMMIT torn", nth(is_commit, some()), "torn"),
        Fault("COMMIT sent, answer lost", nth(is_commit_sync, some()), "after"),
        Fault("COMMIT done, answer lost", nth(is_committed, some()), "cut"),
        Fault("COMMIT done, answer lost by a reset", nth(is_committed, some()), "reset"),
        Fault("COMMIT's answer torn", nth(is_committed, some()), "torn"),
        Fault("after COMMIT's answer", nth(is_committed, some()), "after"),
        Fault("after COMMIT, ready", nth(is_ready_after_commit, some()), "after"),
        Fault("in a COPY", nth(is_copy_data, rng.randrange(4)), "cut"),
        Fault("in a COPY, torn", nth(is_copy_data, rng.randrange(4)), "torn"),
        Fault("in a COPY, session ended", nth(is_copy_data, rng.randrange(4)), "backend"),
        Fault("any message of ours", nth(from_client, rng.randrange(messages // 2)), "cut"),
        Fault("any message of ours torn", nth(from_client, rng.randrange(messages // 2)), "torn"),
        Fault("any message of the server", nth(from_server, rng.randrange(messages // 2)), "cut"),
        Fault("any message of the server torn", nth(from_server, rng.randrange(messages // 2)), "torn"),
        Fault("any message in a transaction, reset", anywhere(), "reset"),
        Fault("any message, session ended", anywhere(), "backend"),
        Fault("any message, killed", anywhere(), "kill"),
        Fault("while connecting", nth(is_startup, rng.randrange(5)), "cut"),
    ]


def stalls(rng, messages):
    """The line stays open and says nothing."""
    return [
        Fault("stalled at any message", nth(in_transaction, rng.randrange(messages // 2)), "stall"),
        Fault("stalled before COMMIT", nth(is_commit, rng.randrange(3)), "stall"),
        Fault("COMMIT done, answer stalled", nth(is_committed, rng.randrange(3)), "stall"),
        Fault("stalled in a COPY", nth(is_copy_data, rng.randrange(4)), "stall"),
    ]


def generator(seed, number):
    return random.Random(f"{seed} {number}")
