"""The way out. People name the addresses their messages go to, so a connection is looked at when it is made: after names
are resolved and redirects read, where nothing can change any more. What answers is hostile too: little of it is read, and a
connection that outlives its deadline is cut.

All of it holds for threads inside `journey()` only; the rest of the process is left alone.
"""

import contextlib
import ipaddress
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import requests
from requests.adapters import HTTPAdapter

ANSWER_BYTES_MAX = 64 * 1024
# IPv4 addresses that travel inside IPv6 ones: a translating router would take them home.
NAT64 = ipaddress.ip_network("64:ff9b::/96")

_here = threading.local()


class Forbidden(PermissionError):
    """A connection to an address that messages may not go to."""


class Journey:
    """One message on its way: what it met, and until when it may take."""

    def __init__(self, timeout_s: float, *, is_guarded: bool) -> None:
        self.deadline = time.monotonic() + timeout_s
        self.is_guarded = is_guarded
        self.forbidden: str | None = None
        self.http_status: int | None = None
        self.failure: BaseException | None = None
        self.is_cut = False
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()

    def begin(self) -> None:
        """The next address: what the one before met is forgotten, the deadline is not."""
        self.forbidden = None
        self.http_status = None
        self.failure = None

    def is_overdue(self) -> bool:
        return time.monotonic() > self.deadline

    def remember(self, opened: socket.socket) -> None:
        # A duplicate, because TLS takes the first one's descriptor away.
        with self._lock, contextlib.suppress(OSError):
            self._sockets.append(socket.socket(fileno=os.dup(opened.fileno())))

    def cut(self) -> None:
        """Wakes the thread that waits on one of these connections."""
        with self._lock:
            self.is_cut = True
            for opened in self._sockets:
                with contextlib.suppress(OSError):
                    opened.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with self._lock:
            for opened in self._sockets:
                opened.close()
            self._sockets.clear()


@contextlib.contextmanager
def journey(ahead: Journey) -> Iterator[Journey]:
    """What this thread does inside is bound by `ahead`."""
    _here.journey = ahead
    try:
        yield ahead
    finally:
        _here.journey = None
        ahead.close()


def is_public(address: str) -> bool:
    """Is it an address of the world, and not of this machine or its network?"""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        if found in NAT64:
            found = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        else:
            found = found.ipv4_mapped or found.sixtofour or found
    return found.is_global and not found.is_multicast


def install() -> None:
    """Once a process; an audit hook cannot be taken out again."""
    if getattr(HTTPAdapter, "is_bounded_by_nexa", False):
        return
    sys.addaudithook(_look_at_connection)
    HTTPAdapter.send = _bounded(HTTPAdapter.send)  # type: ignore[method-assign]  # every HTTP service goes through it
    HTTPAdapter.is_bounded_by_nexa = True  # type: ignore[attr-defined]  # remembers that it is done


def _look_at_connection(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "socket.connect":
        return
    ahead: Journey | None = getattr(_here, "journey", None)
    if ahead is None:
        return
    opened, address = arguments
    host = address[0] if isinstance(address, tuple) and address else str(address)
    if ahead.is_guarded and not is_public(str(host)):
        ahead.forbidden = str(host)
        raise Forbidden(f"messages may not go to {host}")
    if ahead.is_cut:
        raise TimeoutError("out of time")
    ahead.remember(opened)


def _bounded(send: Any) -> Any:
    def bounded_send(self: HTTPAdapter, request: Any, **options: Any) -> requests.Response:
        ahead: Journey | None = getattr(_here, "journey", None)
        if ahead is None:
            unbounded: requests.Response = send(self, request, **options)
            return unbounded
        try:
            response: requests.Response = send(self, request, **{**options, "stream": True})
            response._content = _first_bytes(response, ahead)  # noqa: SLF001  # what `requests` itself does with stream=False
        except Exception as err:
            ahead.failure = err
            raise
        ahead.http_status = response.status_code
        return response

    return bounded_send


def _first_bytes(response: requests.Response, ahead: Journey) -> bytes:
    content = b""
    for piece in response.iter_content(4096):
        content += piece
        if len(content) >= ANSWER_BYTES_MAX or ahead.is_overdue():
            break
    response.close()
    return content[:ANSWER_BYTES_MAX]
