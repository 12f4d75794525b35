"""Serving for real: addresses that are taken, sockets that were left, and a stop that nobody can hold up."""

import asyncio
import contextlib
import socket
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from hub_agent.errors import AddressInUse
from hub_agent.web.guard import trusted
from hub_agent.web.server import bind_tcp, bind_unix, serve


@pytest.fixture
def socket_path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "hub.sock"


@contextlib.asynccontextmanager
async def served(app, listener) -> AsyncIterator["asyncio.Task[None]"]:
    task = asyncio.ensure_future(serve(app, listener))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def over(path: Path) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(uds=str(path), retries=5), base_url="http://localhost")


async def test_the_app_is_served_on_both_doors(app, access, socket_path) -> None:
    tcp = bind_tcp("127.0.0.1", 0)
    port = tcp.getsockname()[1]
    async with (
        served(app, tcp),
        served(trusted(app), bind_unix(socket_path)),
        over(socket_path) as local,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as browser,
    ):
        assert (await local.get("/api/v1/devices")).status_code == 200
        assert (await browser.get("/api/v1/devices")).status_code == 401
        answer = await browser.post("/api/v1/pair", json={"code": access.offer_code()})
        assert answer.status_code == 200
        assert (await browser.get("/api/v1/devices")).status_code == 200
        assert "server" not in answer.headers


def test_a_port_in_use_is_told_with_what_to_set() -> None:
    with bind_tcp("127.0.0.1", 0) as taken:
        taken.listen()
        with pytest.raises(AddressInUse, match=r"Address already in use.*web\.port"):
            bind_tcp("127.0.0.1", taken.getsockname()[1])


@pytest.mark.parametrize("host", ["203.0.113.7", "no such host"])
def test_an_address_that_is_not_ours_is_told(host) -> None:
    with pytest.raises(AddressInUse, match=r"web\.host"):
        bind_tcp(host, 8380)


def test_the_socket_is_for_its_owner_and_group(socket_path) -> None:
    with bind_unix(socket_path):
        assert stat.S_IMODE(socket_path.stat().st_mode) == 0o660


def test_a_socket_that_a_dead_agent_left_is_replaced(socket_path) -> None:
    with bind_unix(socket_path):
        pass
    assert socket_path.is_socket()
    with bind_unix(socket_path) as listener:
        listener.listen()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(socket_path))


def test_a_socket_at_which_another_agent_answers_is_left_alone(socket_path) -> None:
    with bind_unix(socket_path) as living:
        living.listen()
        with pytest.raises(AddressInUse, match=r"Another agent.*agent\.socket"):
            bind_unix(socket_path)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(socket_path))


def test_a_file_that_is_no_socket_is_not_thrown_away(tmp_path) -> None:
    precious = tmp_path / "precious.txt"
    precious.write_text("mine")
    with pytest.raises(AddressInUse, match=r"no socket.*agent\.socket"):
        bind_unix(precious)
    assert precious.read_text() == "mine"


def test_a_path_that_is_too_long_is_told(tmp_path) -> None:
    with pytest.raises(AddressInUse, match=r"too long.*agent\.socket"):
        bind_unix(tmp_path / ("x" * 120) / "hub.sock")


async def test_a_stop_ends_open_streams_at_once(app, socket_path, monkeypatch) -> None:
    """And so does every other connection: nobody's page may hold up the agent."""
    monkeypatch.setattr("hub_agent.web.server.SHUTDOWN_S_MAX", 3600)
    async with (
        served(trusted(app), bind_unix(socket_path)) as task,
        over(socket_path) as client,
        client.stream("GET", "/api/v1/events", timeout=30) as events,
    ):
        lines = events.aiter_lines()
        assert await anext(lines) == "retry: 1500"
        task.cancel()
        async with asyncio.timeout(60):
            assert {line.partition(":")[0] async for line in lines if line} <= {"id", "event", "data"}
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def test_a_client_that_says_nothing_does_not_hold_up_the_stop(app, socket_path) -> None:
    async with served(app, bind_unix(socket_path)) as task:
        async with over(socket_path) as client:
            await client.get("/live")
        _, silent = await asyncio.open_unix_connection(str(socket_path))
        silent.write(b"GET / HTTP/1.1\r\nhost: x\r\n")
        await silent.drain()
        task.cancel()
        async with asyncio.timeout(60):
            with contextlib.suppress(asyncio.CancelledError):
                await task
        silent.close()


async def test_a_reader_that_vanishes_is_forgotten(app, door, socket_path) -> None:
    async with served(trusted(app), bind_unix(socket_path)), over(socket_path) as client:
        async with client.stream("GET", "/api/v1/events", timeout=30) as events:
            assert await anext(events.aiter_lines()) == "retry: 1500"
            assert door.told.has_readers
        async with asyncio.timeout(60):
            while door.told.has_readers:  # noqa: ASYNC110 nobody is told when a reader is forgotten
                await asyncio.sleep(0)


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01",
        b"x" * 100_000,
        b"GET / HTTP/1.1\r\nhost: h\r\n" + b"a: b\r\n" * 10_000,
    ],
)
async def test_what_is_no_request_is_refused_and_the_next_one_served(app, socket_path, garbage) -> None:
    async with served(trusted(app), bind_unix(socket_path)), over(socket_path) as client:
        await client.get("/live")
        with socket.socket(socket.AF_UNIX) as rude:
            rude.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(rude, str(socket_path))
            with contextlib.suppress(ConnectionError):
                await loop.sock_sendall(rude, garbage)
                async with asyncio.timeout(60):
                    assert (await loop.sock_recv(rude, 64)).startswith(b"HTTP/1.1 400")
        assert (await client.get("/live")).status_code == 200
