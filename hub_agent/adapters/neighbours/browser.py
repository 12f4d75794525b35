"""Fills ports.Browser: starts the process that listens, and passes on what it hears; says the addresses that people gave."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

import orjson

from hub_agent.adapters.neighbours import wire
from hub_agent.errors import ListenerLost
from hub_agent.model.link import Service, ServiceGone

Take: TypeAlias = Callable[[Service | ServiceGone], bool]

END_S_MAX: Final = 3.0
# So long a full agent is left alone before it is told again.
PAUSE_S: Final = 0.2
# What a process said that has ended, and the next one does not say within this time, is gone.
HEARD_AGAIN_S_MAX: Final = 180.0
SERVICES_MAX: Final = 5_000

_Id: TypeAlias = tuple[str, str, str]


class Neighbours:
    """`given`: addresses that a person gave."""

    def __init__(
        self,
        orders: wire.Orders,
        given: Sequence[Service] = (),
        python: str = sys.executable,
        heard_again_s_max: float = HEARD_AGAIN_S_MAX,
    ) -> None:
        self._orders = orders
        self._given = tuple(given)
        self._python = python
        self._heard_again_s_max = heard_again_s_max
        # What has been heard, so that what ended with its listener can be told gone.
        self._heard: dict[_Id, Service] = {}
        self._silent: dict[_Id, Service] = {}
        self._listener: asyncio.StreamWriter | None = None

    def look_around(self) -> None:
        """Asks everybody now who and where they are."""
        if self._listener is not None:
            self._listener.write(wire.LOOK)

    async def run(self, take: Take) -> None:
        """Until cancelled. Raises ListenerLost when the process ends. Run anew, it tells what is not heard again as gone."""
        for service in self._given:
            await _pass_on(take, service)
        if not self._orders.mdns and not self._orders.ssdp:
            await asyncio.Event().wait()
        code = await self._listen(take)
        raise ListenerLost(f"The process that listens to the network ended ({code}).")

    async def _listen(self, take: Take) -> int:
        # Nothing of the settings: they may hold secrets of others.
        environment = {name: said for name, said in os.environ.items() if not name.startswith("NEXA_")}
        try:
            process = await asyncio.create_subprocess_exec(
                self._python,
                "-P",
                "-m",
                "hub_agent.adapters.neighbours.host",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=wire.LINE_BYTES_MAX,
                env=environment,
            )
        except OSError as err:
            raise ListenerLost(f"The process that listens to the network could not be started: {err}") from err
        assert process.stdin is not None
        forgetting = asyncio.create_task(self._forget_the_silent(take))
        try:
            process.stdin.write(orjson.dumps(self._orders.as_json()) + b"\n")
            self._listener = process.stdin
            await self._read(process, take)
            return await process.wait()
        finally:
            self._listener = None
            forgetting.cancel()
            await _end(process)

    async def _read(self, process: asyncio.subprocess.Process, take: Take) -> None:
        """While the agent can take no more, the process is left unread."""
        assert process.stdout is not None
        while line := await process.stdout.readline():
            heard = wire.heard_of(orjson.loads(line))
            if self._note(heard):
                await _pass_on(take, heard)

    def _note(self, heard: Service | ServiceGone) -> bool:
        """False: there are too many."""
        which = (heard.via, heard.kind, heard.name)
        self._silent.pop(which, None)
        if isinstance(heard, ServiceGone):
            self._heard.pop(which, None)
            return True
        if which not in self._heard and len(self._heard) >= SERVICES_MAX:
            return False
        self._heard[which] = heard
        return True

    async def _forget_the_silent(self, take: Take) -> None:
        """What the last process said and this one does not."""
        self._silent = dict(self._heard)
        await asyncio.sleep(self._heard_again_s_max)
        for which in list(self._silent):
            gone = ServiceGone(*which)
            self._note(gone)
            await _pass_on(take, gone)


async def _pass_on(take: Take, heard: Service | ServiceGone) -> None:
    """It is taken in any case; a full inbox gets a pause after it."""
    if not take(heard):
        await asyncio.sleep(PAUSE_S)


async def _end(process: asyncio.subprocess.Process) -> None:
    """It is given the time to say goodbye to the network."""
    assert process.stdin is not None
    process.stdin.close()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(END_S_MAX):
            # What it still says is not wanted, but it must not wait for a reader.
            assert process.stdout is not None
            while await process.stdout.read(65536):
                pass
            await process.wait()
    if process.returncode is None:
        process.kill()
        await process.wait()
