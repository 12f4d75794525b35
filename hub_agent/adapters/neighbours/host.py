"""The process that listens to the network: `python -m hub_agent.adapters.neighbours.host`. It ends when its standard input does.

Of each service only the latest word waits to be read, so that a slow reader or a loud network costs a bounded memory.
"""

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Sequence
from typing import Any, Final, Protocol, TypeAlias

import orjson

from hub_agent.adapters.guest import become_a_guest
from hub_agent.adapters.neighbours import wire
from hub_agent.model.link import Service, ServiceGone

log = logging.getLogger(__name__)

MEMORY_BYTES_MAX: Final = 256 * 1024 * 1024

# What arrives at the agent in the long run, however loud the network is.
LINES_A_SECOND_MAX: Final = 200
LINES_AT_ONCE_MAX: Final = 2_000
WAITING_MAX: Final = 5_000
GOODBYE_S_MAX: Final = 2.0

_Id: TypeAlias = tuple[str, str, str]


class Outbox:
    """The latest word of each service. Full, the oldest is dropped: it is said again when it changes."""

    def __init__(self) -> None:
        self._latest: dict[_Id, Service | ServiceGone] = {}
        self._is_filled = asyncio.Event()

    def put(self, heard: Service | ServiceGone) -> None:
        self._latest.pop((heard.via, heard.kind, heard.name), None)
        self._latest[heard.via, heard.kind, heard.name] = heard
        if len(self._latest) > WAITING_MAX:
            self._latest.pop(next(iter(self._latest)))
        self._is_filled.set()

    async def take(self) -> Service | ServiceGone:
        while not self._latest:
            self._is_filled.clear()
            await self._is_filled.wait()
        return self._latest.pop(next(iter(self._latest)))


async def pass_on(outbox: Outbox, writer: asyncio.StreamWriter) -> None:
    loop = asyncio.get_running_loop()
    allowance, filled_at_s = float(LINES_AT_ONCE_MAX), loop.time()
    while True:
        writer.write(orjson.dumps(wire.as_json(await outbox.take())) + b"\n")
        await writer.drain()
        now_s = loop.time()
        allowance = min(allowance + (now_s - filled_at_s) * LINES_A_SECOND_MAX, float(LINES_AT_ONCE_MAX)) - 1
        filled_at_s = now_s
        if allowance < 0:
            await asyncio.sleep(-allowance / LINES_A_SECOND_MAX)


class Listener(Protocol):
    look_now: asyncio.Event

    async def run(self) -> None: ...


def listeners(orders: dict[str, Any], outbox: Outbox) -> list[Listener]:
    found: list[Listener] = []
    if orders["mdns"]:
        from hub_agent.adapters.neighbours.mdns import Mdns, Own, Pace

        own = Own(**orders["own"]) if orders["own"] else None
        found.append(Mdns(outbox.put, orders["interfaces"], own, Pace(**orders["pace"])))
    if orders["ssdp"]:
        try:
            from hub_agent.adapters.neighbours.ssdp import Ssdp
        except ImportError as err:
            log.warning("SSDP is not heard: %s (pip install nexa-hub[upnp])", err)
        else:
            found.append(Ssdp(outbox.put, orders["interfaces"]))
    return found


async def _follow(reader: asyncio.StreamReader, heard_by: Sequence[Listener]) -> None:
    """Each line wants a look round now. The end of them is the agent's."""
    while await reader.readline():
        for each in heard_by:
            each.look_now.set()


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until `reader` ends, or a listener fails."""
    orders = orjson.loads(await reader.readline())
    outbox = Outbox()
    heard_by = listeners(orders, outbox)
    tasks = [asyncio.create_task(each) for each in (pass_on(outbox, writer), *(each.run() for each in heard_by))]
    ending = asyncio.create_task(_follow(reader, heard_by))
    try:
        done, _ = await asyncio.wait({ending, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        for task in done - {ending}:
            task.result()
    finally:
        for task in (ending, *tasks):
            task.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_S_MAX):
                await asyncio.gather(ending, *tasks, return_exceptions=True)


async def _main(output: int) -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=wire.LINE_BYTES_MAX)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    transport, protocol = await loop.connect_write_pipe(
        asyncio.streams.FlowControlMixin, os.fdopen(output, "wb", buffering=0)
    )
    await serve(reader, asyncio.StreamWriter(transport, protocol, None, loop))


def main() -> None:
    output = become_a_guest(MEMORY_BYTES_MAX)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        asyncio.run(_main(output))


if __name__ == "__main__":
    main()
