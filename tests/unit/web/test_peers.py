"""Who is at the other end of the Unix socket: the kernel says it, and only root, the agent's user and its group may command."""

import asyncio
import json
import os
import pwd
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hub_agent.web.guard import trusted
from hub_agent.web.server import bind_unix
from tests.unit.web.test_server import served

DAEMON = 1
NOBODY_KNOWN = 54321

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can connect as somebody else")


@pytest.fixture
def path() -> Iterator[Path]:
    """Where everybody can reach it, as pytest's own folders are not."""
    with tempfile.TemporaryDirectory(prefix="nexa-hub-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder) / "hub.sock"


@contextmanager
def acting_as(uid: int, groups: list[int]) -> Iterator[None]:
    """The kernel notes who connects when they connect."""
    before = os.getgroups()
    os.setgroups(groups)
    os.setegid(uid)
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(before)


async def ask(connection: socket.socket) -> tuple[int, dict]:
    def exchange() -> bytes:
        connection.sendall(b"GET /api/v1/access/me HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        return b"".join(iter(lambda: connection.recv(65536), b""))

    head, _, body = (await asyncio.to_thread(exchange)).partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


def listening(path: Path, mode: int) -> socket.socket:
    listener = bind_unix(path)
    listener.listen()
    path.chmod(mode)
    return listener


async def asked_as(app, path: Path, uid: int, groups: list[int]) -> tuple[int, dict]:
    """At a socket that somebody has opened to all."""
    async with served(trusted(app), listening(path, 0o666)):
        with socket.socket(socket.AF_UNIX) as connection:
            with acting_as(uid, groups):
                connection.connect(str(path))
            return await ask(connection)


async def test_who_calls_is_known_by_the_name_of_their_user(app, path) -> None:
    async with served(trusted(app), listening(path, 0o660)):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(path))
            _, me = await ask(connection)
    assert me["name"] == f"local: {pwd.getpwuid(os.geteuid()).pw_name}"


@needs_root
async def test_a_member_of_the_agents_group_may_command(app, path) -> None:
    status, me = await asked_as(app, path, DAEMON, [DAEMON, os.getegid()])
    assert (status, me["name"], me["scope"]) == (200, f"local: {pwd.getpwuid(DAEMON).pw_name}", "configure")


@needs_root
async def test_a_user_without_a_name_is_known_by_number(app, path) -> None:
    _, me = await asked_as(app, path, NOBODY_KNOWN, [os.getegid()])
    assert me["name"] == f"local: user {NOBODY_KNOWN}"


@needs_root
async def test_anybody_else_is_refused_also_where_the_file_lets_them_in(app, path) -> None:
    status, answer = await asked_as(app, path, DAEMON, [DAEMON])
    assert (status, answer["error"]["code"]) == (403, "not_allowed")
    assert "nexa-hub" in answer["error"]["hint"]
