"""A connection pooler in transaction mode, as PgBouncer is: a client has a backend for the length of a transaction only,
and the backends outlive the clients. Small: no authentication, no cancelling.
"""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import LifoQueue

import psycopg
from psycopg.conninfo import conninfo_to_dict

MADE_UP_KEY = struct.pack("!ii", 4711, 42)


class Backend:
    """A connection to the server that nobody has logged in on but the pooler itself."""

    def __init__(self, dsn: str) -> None:
        with psycopg.connect(dsn) as probe:
            host, port = probe.info.host, probe.info.port
        if host.startswith("/"):
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect(f"{host}/.s.PGSQL.{port}")
        else:
            self.socket = socket.create_connection((host, port))
        settings = conninfo_to_dict(dsn)
        words = b"".join(
            f"{key}\0{settings[name]}\0".encode() for key, name in (("user", "user"), ("database", "dbname"))
        )
        body = struct.pack("!i", 196608) + words + b"\0"
        self.socket.sendall(struct.pack("!i", len(body) + 4) + body)
        self.greeting = b""
        for kind, message in messages(self.socket):
            if kind in b"RS":
                self.greeting += message
            if kind == b"Z":
                return


@contextmanager
def pooling(dsn: str, backends: int) -> Iterator[str]:
    """Answers the connection string of the pooler."""
    free: LifoQueue[Backend] = LifoQueue()
    made = [Backend(dsn) for _ in range(backends)]
    for one in made:
        free.put(one)
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(client, free, made[0].greeting), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"postgresql://postgres@127.0.0.1:{listener.getsockname()[1]}/x?sslmode=disable&gssencmode=disable"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for one in made:
            one.socket.close()


def serve(client: socket.socket, free: LifoQueue[Backend], greeting: bytes) -> None:
    with client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        length = struct.unpack("!i", exactly(client, 4))[0]
        exactly(client, length - 4)
        client.sendall(greeting + b"K" + struct.pack("!i", 12) + MADE_UP_KEY + b"Z" + struct.pack("!i", 5) + b"I")
        backend: Backend | None = None
        answered_at = b"QS"
        for kind, message in messages(client):
            if kind == b"X":
                break
            backend = backend or free.get()
            backend.socket.sendall(message)
            # What the extended protocol collects is answered at Sync, a simple query at once, and so is the end of its COPY.
            if kind not in answered_at:
                continue
            answered_at = b"QScf" if kind == b"Q" else b"QS"
            answers = b""
            for answer_kind, answer in messages(backend.socket):
                answers += answer
                if answer_kind in b"ZG":  # or it waits for the rows of a COPY
                    break
            client.sendall(answers)
            if answers.endswith(b"I"):
                free.put(backend)
                backend = None


def messages(peer: socket.socket) -> Iterator[tuple[bytes, bytes]]:
    while head := exactly(peer, 5):
        yield head[:1], head + exactly(peer, struct.unpack("!i", head[1:])[0] - 4)


def exactly(peer: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        chunk = peer.recv(count - len(received))
        if not chunk:
            return b""
        received += chunk
    return received
