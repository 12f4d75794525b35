"""What is looked at: real sockets on this machine, hostile ones among them."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from hub_agent.adapters import look_around
from hub_agent.adapters.look_around import LookAround
from hub_agent.errors import MirrorError
from hub_agent.model.definition import Definition
from hub_agent.model.inputs import Input
from hub_agent.model.security import KnownIssues, Look, Scanned

Conversation = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
HERE = "127.0.0.1"


class Catalogue:
    """The part of a store that is asked."""

    def __init__(self, *rows: Definition) -> None:
        self.rows = rows
        self.failing: MirrorError | None = None

    async def catalogue(self, kind: str) -> list[Definition]:
        if self.failing:
            raise self.failing
        return [each for each in self.rows if each.kind == kind]


@asynccontextmanager
async def listening(converse: Conversation) -> AsyncIterator[int]:
    async def taken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await converse(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(taken, HERE, 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def says(text: str) -> Conversation:
    async def converse(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(text.encode())
        await writer.drain()

    return converse


def answers(body: str, head: str = "200 OK") -> Conversation:
    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 {head}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode())
        await writer.drain()

    return converse


async def free_port() -> int:
    async with listening(says("")) as port:
        return port


async def looked_at(store: Any = None, **target: Any) -> Scanned:
    told: list[Input] = []
    errand = LookAround(store or Catalogue(), told.append, lambda: [HERE], pause_s=0)
    given = {"key": "camera", "address": HERE, **target}
    await errand.run({"scan_id": "scan", "targets": [given]}, wants_response=False)
    (scanned,) = told
    assert isinstance(scanned, Scanned)
    return scanned


async def look(**target: Any) -> Look:
    return (await looked_at(**target)).looks[0]


async def test_an_open_telnet_is_seen_and_a_closed_port_is_not() -> None:
    closed = await free_port()
    async with listening(says("login: ")) as telnet:
        assert await look(ports=[closed, telnet]) == Look("camera", is_there=True, open_ports=(telnet,))


async def test_nobody_at_the_address_is_told_from_nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    knocked: list[int] = []

    async def knock(_address: str, port: int) -> None:
        knocked.append(port)

    monkeypatch.setattr(look_around, "_knock", knock)
    assert await look(ports=[1, 2, 3, 4, 5]) == Look("camera", is_there=False)
    assert knocked == [1, 2, 3]


async def test_a_device_says_to_everybody_whether_it_has_a_login() -> None:
    async with listening(answers('{"auth_en": false, "mac": "A8032ABE1234"}')) as port:
        seen = await look(ports=[port], page_port=port, asks=["/shelly"])
    assert seen.pages["/shelly"].body["auth_en"] is False
    assert not seen.pages["/shelly"].asks


async def test_a_page_that_asks_for_a_login_is_seen_as_such() -> None:
    head = '401 Unauthorized\r\nWWW-Authenticate: Basic realm="admin"'
    async with listening(answers("", head)) as port:
        assert (await look(ports=[port], page_port=port, asks=["/"])).pages["/"].asks


async def test_a_redirect_is_not_followed() -> None:
    async def elsewhere(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise AssertionError("it was followed")

    async with listening(elsewhere) as other:
        head = f"302 Found\r\nLocation: http://{HERE}:{other}/"
        async with listening(answers("", head)) as port:
            assert (await look(ports=[port], page_port=port, asks=["/"])).pages["/"].status == 302


@pytest.mark.parametrize("kind", ["endless", "endless head", "silent", "nonsense", "mute"])
async def test_what_a_hostile_device_answers_is_bounded_in_bytes_and_time(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(look_around, "ANSWER_S_MAX", 0.5)
    sent = 0

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        if kind == "mute":
            return
        await reader.readuntil(b"\r\n\r\n")
        if kind == "nonsense":
            writer.write(b"\x00\xff" * 100)
        elif kind == "silent":
            await asyncio.Event().wait()
        else:
            writer.write(b"HTTP/1.1 200 OK\r\n" + (b"\r\n" if kind == "endless" else b""))
            while True:
                writer.write(b"a" * 4096 if kind == "endless" else b"X-More: " + b"a" * 4096 + b"\r\n")
                sent += 4096
                await writer.drain()
                await asyncio.sleep(0)

    async with listening(converse) as port:
        seen = await look(ports=[port], page_port=port, asks=["/"])
    assert seen.is_there
    # Of what has no end enough is read; the others ran into the time.
    assert ("/" in seen.pages) == (kind == "endless")
    assert all(len(page.text) <= look_around.TEXT_CHARS_MAX for page in seen.pages.values())
    assert sent < 50_000_000


async def test_a_listener_that_is_no_broker_is_no_open_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look_around, "ANSWER_S_MAX", 0.5)
    for said in ("", "SSH-2.0-OpenSSH\r\n", "\x20\x02\x00"):
        async with listening(says(said)) as port:
            assert (await look(ports=[port], broker_port=port)).brokers == ()


def mosquitto_settings(folder: Path, port: int, *, is_open: bool) -> Path:
    settings, passwords = folder / "mosquitto.conf", folder / "passwords"
    passwords.touch(mode=0o600)
    who = "allow_anonymous true" if is_open else f"allow_anonymous false\npassword_file {passwords}"
    settings.write_text(f"listener {port} {HERE}\n{who}\nuser {folder.owner()}\n", encoding="utf-8")
    return settings


@pytest.mark.skipif(shutil.which("mosquitto") is None, reason="mosquitto is not installed")
@pytest.mark.parametrize("is_open", [True, False])
async def test_a_real_mosquitto_with_a_password_is_told_from_one_without(tmp_path: Path, is_open: bool) -> None:
    port = await free_port()
    settings = mosquitto_settings(tmp_path, port, is_open=is_open)
    program = shutil.which("mosquitto")
    assert program is not None
    broker = await asyncio.create_subprocess_exec(
        program, "-c", str(settings), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(60):
            while await look_around._knock(HERE, port) is not True:  # noqa: ASYNC110 it says by nothing else that it is there
                await asyncio.sleep(0.05)
        seen = await look(key="hub", address=None, ports=[port], broker_port=port)
    finally:
        broker.terminate()
        await broker.wait()
    assert seen == Look("hub", is_there=True, open_ports=(port,), brokers=(port,) if is_open else ())


async def test_known_faults_of_the_catalogue_come_with_the_names_of_brand_and_model() -> None:
    fault = {"title": "The login can be gone round"}
    store = Catalogue(
        Definition("brand", "b1", {"name": "Shelly"}),
        Definition("device_model", "m1", {"brand_id": "b1", "model_number": "SNSW-1", "model_name": "Plus 1", "known_issues": [fault]}),
        Definition("device_model", "m2", {"brand_id": "b1", "model_number": "SNSW-2", "known_issues": []}),
        Definition("device_model", "m3", {"brand_id": "b9", "model_number": "SNSW-3", "known_issues": [fault, 7]}),
        Definition("device_model", "m4", {"brand_id": "b1", "model_number": "SNSW-4", "known_issues": "much"}),
    )  # fmt: skip
    scanned = await looked_at(store, ports=[])
    assert scanned.models == (KnownIssues("Shelly", "SNSW-1", (fault,)), KnownIssues("Shelly", "Plus 1", (fault,)))


async def test_a_mirror_that_cannot_be_read_ends_the_look_in_words() -> None:
    store = Catalogue()
    store.failing = MirrorError("the mirror cannot be read")
    assert await looked_at(store, ports=[]) == Scanned("scan", (), error="the mirror cannot be read")
