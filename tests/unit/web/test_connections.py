"""Nobody on the network holds the page's connections: those that ask nothing are closed, and of one address there are only so many."""

import asyncio
from contextlib import AsyncExitStack

import httpx
import pytest

from hub_agent.web import connections, guard
from hub_agent.web.connections import PatientProtocol
from hub_agent.web.server import bind_tcp
from tests.unit.web.test_server import served

WITHIN_S = 60


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes a quarter of a minute at home."""
    monkeypatch.setattr(PatientProtocol, "idle_s_max", 0.2)
    monkeypatch.setattr(guard, "BODY_S_MAX", 0.2)


@pytest.mark.parametrize(
    "sent",
    [b"", b"GET /live HTTP/1.1\r\nhost: localhost\r\nx-", b"GET /live HTTP/1.1\r\nhost: localhost\r\n\r\nGET /l"],
)
async def test_a_connection_over_which_nobody_asks_is_closed(app, soon, sent) -> None:
    listener = bind_tcp("127.0.0.1", 0)
    listener.listen()
    async with served(app, listener):
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        writer.write(sent)
        async with asyncio.timeout(WITHIN_S):
            await reader.read()
        writer.close()


async def test_a_body_that_does_not_come_to_its_end_is_not_waited_for(app, soon) -> None:
    listener = bind_tcp("127.0.0.1", 0)
    listener.listen()
    async with served(app, listener):
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        writer.write(
            b"POST /api/v1/pair HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 20\r\n\r\n{"
        )
        async with asyncio.timeout(WITHIN_S):
            answer = await reader.read(4096)
        writer.close()
    assert b" 408 " in answer.splitlines()[0]


async def test_of_one_address_there_are_only_so_many_and_the_next_may_come_when_one_has_gone(app, monkeypatch) -> None:
    monkeypatch.setattr(connections, "OF_ONE_ADDRESS_MAX", 3)
    listener = bind_tcp("127.0.0.1", 0)
    listener.listen()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with served(app, listener), AsyncExitStack() as stack:
        held = [await stack.enter_async_context(httpx.AsyncClient(base_url=url)) for _ in range(4)]
        for client in held[:3]:
            assert (await client.get("/live")).status_code == 200
        with pytest.raises(httpx.TransportError):
            await held[3].get("/live")
        await held[0].aclose()
        async with asyncio.timeout(WITHIN_S):
            while PatientProtocol.open_by_address["127.0.0.1"] >= 3:  # noqa: ASYNC110 the server sees it a moment later
                await asyncio.sleep(0)
        assert (await held[3].get("/live")).status_code == 200
