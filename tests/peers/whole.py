"""A whole core with a real mirror and the real processes of its dialects, for peers that are announced to it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

from hub_agent.adapters.clock import SystemClock
from hub_agent.adapters.credentials import Credentials
from hub_agent.adapters.links.processes import LinkProcesses
from hub_agent.adapters.links.registry import LINKINGS
from hub_agent.home import Core
from hub_agent.model.automation import Place
from hub_agent.model.link import Service
from hub_agent.runtime.door import HubDoor
from hub_agent.runtime.figures import Figures
from tests.fakes.own import FakeKeeping
from tests.fakes.replayer import ReplayBeside
from tests.unit.runtime.conftest import MemoryBroker
from tests.unit.store.homes import counted_ids, mirror_in

WITHIN_S = 60.0


class WholeHome:
    def __init__(self, core: Core, door: HubDoor) -> None:
        self.core = core
        self.door = door

    def announce(self, service: Service) -> None:
        assert self.core.inbox.put_message(service)

    def entity(self, entity_id: str) -> dict[str, Any]:
        """As the page has it; empty as long as there is none."""
        for device in self.door.devices():
            entities: Any = device["entities"]
            for entity in entities:
                if entity["id"] == entity_id:
                    return dict(entity)
        return {}

    async def until(self, is_so: Callable[[], bool], within_s: float = WITHIN_S) -> None:
        """Looks whenever the page is told of a change."""
        async with asyncio.timeout(within_s), aclosing(self.core.changes.read()) as changes:
            while not is_so():
                await anext(changes)

    async def shows(self, entity_id: str, state: str | None = None, **attributes: object) -> None:
        def is_so() -> bool:
            entity = self.entity(entity_id)
            said: dict[str, Any] = entity.get("attributes") or {}
            is_there = bool(entity) and (state is None or entity["state"] == state)
            return is_there and all(said.get(name) == value for name, value in attributes.items())

        try:
            await self.until(is_so)
        except TimeoutError:
            raise AssertionError(f"{entity_id} is {self.entity(entity_id)}, not {state} {attributes}") from None


@asynccontextmanager
async def whole_home(folder: Path, dialects: Sequence[str]) -> AsyncIterator[WholeHome]:
    clock, broker, mirror = SystemClock(), MemoryBroker(), mirror_in(folder)
    remembered = await mirror.open(clock.now())
    links = LinkProcesses(Credentials(folder / "credentials.json"), {name: LINKINGS[name] for name in dialects})
    new_id = counted_ids()
    core = Core(
        identity=remembered.identity,
        place=Place("Europe/Berlin", 52.5, 13.4),
        store=mirror,
        clock=clock,
        broker=broker,
        links=links,
        new_id=new_id,
    )
    await core.start(remembered)
    broker.tell(True, "")
    door = HubDoor(
        hub=core.hub,
        inbox=core.inbox,
        effects=core.effects,
        changes=core.changes,
        store=mirror,
        broker=broker,
        links=links,
        dialects=tuple(dialects),
        clock=clock,
        replayer=ReplayBeside(mirror),
        new_id=new_id,
        broker_address="127.0.0.1:1883",
        sync_status=lambda: {"is_claimed": False},
        handled=lambda: core.loop.handled,
        figures=Figures(core.hub, core.loop.tally, core.dialects.heard_by_dialect, mirror.path).as_json,
        version="0.0.0",
        keeping=FakeKeeping([]),
    )
    tasks = [asyncio.create_task(core.loop.run()), asyncio.create_task(links.run())]
    try:
        yield WholeHome(core, door)
    finally:
        await core.loop.end()
        tasks[1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await core.stop()
        await mirror.close(clock.now())
