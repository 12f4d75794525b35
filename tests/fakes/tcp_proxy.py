"""A TCP proxy between two real processes that can be told to cut, to wait, and to end connections in the middle of what is said."""

import random
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass

CHUNK = 16_384
ACCEPT_S = 0.2


@dataclass(frozen=True)
class Ways:
    """What the proxy does to what passes: it waits up to `delay_s`, and never less than `least_s`. `ends` is the probability that a chunk is cut short and the connection ended with it."""

    is_cut: bool = False
    delay_s: float = 0.0
    least_s: float = 0.0
    ends: float = 0.0


GOOD = Ways()


class TcpProxy:
    """`to` is a port on this machine. Connections that are open when the ways change go on under the new ones; a cut ends them."""

    def __init__(self, to: int, seed: int) -> None:
        self._to = to
        self._chance = random.Random(seed)
        self._ways = GOOD
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._stopping = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(ACCEPT_S)
        self.port: int = self._listener.getsockname()[1]
        self.ended = 0

    def start(self) -> "TcpProxy":
        self._run(self._accept)
        return self

    def stop(self) -> None:
        self._stopping.set()
        self._end_all()
        for thread in self._threads:
            thread.join(10)
        self._listener.close()

    def become(self, ways: Ways) -> None:
        self._ways = ways
        if ways.is_cut:
            self._end_all()

    def _run(self, work: "object", *args: object) -> None:
        thread = threading.Thread(target=work, args=args, name="tcp-proxy")  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self._to), 5)
            except OSError:
                client.close()
                continue
            if self._ways.is_cut:
                client.close()
                server.close()
                continue
            for each in (client, server):
                each.settimeout(ACCEPT_S)
                with self._lock:
                    self._open.add(each)
            self._run(self._pump, client, server)
            self._run(self._pump, server, client)

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while not self._stopping.is_set():
                try:
                    chunk = source.recv(CHUNK)
                except TimeoutError:
                    continue
                if not chunk:
                    break
                ways = self._ways
                if ways.delay_s or ways.least_s:
                    self._stopping.wait(max(ways.least_s, self._chance.random() * ways.delay_s))
                if self._chance.random() < ways.ends:
                    sink.sendall(chunk[: self._chance.randrange(len(chunk))])
                    self.ended += 1
                    break
                sink.sendall(chunk)
        self._end(source)
        self._end(sink)

    def _end_all(self) -> None:
        with self._lock:
            ending = list(self._open)
        for each in ending:
            self._end(each)

    def _end(self, each: socket.socket) -> None:
        with self._lock:
            self._open.discard(each)
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()
