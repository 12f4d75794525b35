"""A mail server and a web server on loopback that keep what they get, and can be told to misbehave."""

import email
import email.policy
import json
import socket
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller


class MailSink:
    """`refusals` maps a recipient to the reply it gets instead of being taken."""

    def __init__(self) -> None:
        self.received: list[tuple[str, EmailMessage]] = []
        self.refusals: dict[str, str] = {}

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802  # the protocol's word
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802  # the protocol's word
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.received.extend((address, message) for address in envelope.rcpt_tos)
        return "250 OK"

    def mail_to(self, address: str) -> list[EmailMessage]:
        return [message for recipient, message in self.received if recipient == address]


@contextmanager
def running_mail_sink() -> Iterator[tuple[MailSink, str]]:
    """The sink, and the URL by which the notifier reaches it."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    sink = MailSink()
    controller = Controller(sink, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield sink, f"mailto://127.0.0.1:{port}?from=nexa@example.com&name=NEXA"
    finally:
        controller.stop()


Answer = Callable[[BaseHTTPRequestHandler], None]


class WebSink:
    """Keeps what is posted, by path. What a path answers is a status, a list of them one after the other, or a function."""

    def __init__(self, port: int) -> None:
        self.address = f"127.0.0.1:{port}"
        self.received: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.headers: dict[str, list[dict[str, str]]] = defaultdict(list)
        self.answers: dict[str, int | list[int] | Answer] = {}
        self.arrived = threading.Semaphore(0)
        self._lock = threading.Lock()

    def take(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        with self._lock:
            self.received[handler.path].append(json.loads(body) if body else {})
            self.headers[handler.path].append(dict(handler.headers))
            answer = self.answers.get(handler.path, 200)
            if isinstance(answer, list):
                answer = answer.pop(0)
        self.arrived.release()
        if not isinstance(answer, int):
            answer(handler)
            return
        handler.send_response(answer)
        handler.send_header("Content-Length", "2")
        handler.end_headers()
        handler.wfile.write(b"{}")


@contextmanager
def running_web_sink() -> Iterator[WebSink]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sink.take(self)

        def log_message(self, *_words: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_about: Any) -> None:
            """Who posted has gone away; some tests want just that."""

    with Server(("127.0.0.1", 0), Handler) as server:
        sink = WebSink(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield sink
        finally:
            server.shutdown()
            thread.join()
