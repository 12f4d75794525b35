"""The hub is measured now and then, and more often while something does not answer; nothing waits for it."""

# ruff: noqa: ASYNC110 - the lateness is looked up, nobody tells it

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest

from hub_agent.model.device import ROUTER_ORIGIN, Advertisement, Alias, DeviceType
from hub_agent.model.inputs import Input
from hub_agent.model.measured import HubMeasured, WaysMeasured, WayTo
from hub_agent.ports import Moment
from hub_agent.runtime import lag, measuring
from hub_agent.runtime.lag import LoopLag
from hub_agent.runtime.measuring import ROUTER_SEEN_MIN, Measuring
from tests.fakes.measured import FakeMachine, FakeWays

T = TypeVar("T")


class Untrusted:
    def now(self) -> Moment:
        return Moment(datetime(2026, 1, 14, tzinfo=UTC), 1.0, "boot", is_trusted=False)


class Told:
    """What the core is told, awaitable."""

    def __init__(self) -> None:
        self.all: asyncio.Queue[Input] = asyncio.Queue()
        self.heard: list[Input] = []

    def put(self, each: Input) -> None:
        self.heard.append(each)
        self.all.put_nowait(each)

    def routers(self) -> list[Input]:
        return [each for each in self.heard if isinstance(each, Advertisement)]

    async def next(self, kind: type[T]) -> T:
        async with asyncio.timeout(60):
            while True:
                each = await self.all.get()
                if isinstance(each, kind):
                    return each


class Mirror:
    def __init__(self) -> None:
        self.is_sound = True
        self.checks = 0

    async def check(self) -> bool:
        self.checks += 1
        return self.is_sound


class Flickering(FakeWays):
    """The router is there every other time."""

    async def measure(self) -> WaysMeasured:
        self.closed ^= {WayTo.ROUTER}
        return self.measured()


class Home:
    def __init__(self) -> None:
        self.machine, self.ways, self.mirror, self.told, self.hour = FakeMachine(), FakeWays(), Mirror(), Told(), 12


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Home:
    for name in ("FIRST_AFTER_S", "EVERY_S", "AGAIN_S"):
        monkeypatch.setattr(measuring, name, 0.0)
    return Home()


@asynccontextmanager
async def measured(home: Home, **more: Any) -> AsyncIterator[Told]:
    task = asyncio.create_task(
        Measuring(
            vitals=home.machine,
            ways=home.ways,
            clock=Untrusted(),
            put=home.told.put,
            check_mirror=home.mirror.check,
            local_hour=lambda: home.hour,
            **more,
        ).run()
    )
    try:
        yield home.told
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_what_the_machine_and_its_ways_say_is_told_again_and_again(home: Home) -> None:
    async with measured(home) as told:
        first = await told.next(HubMeasured)
        assert (first.cpu_celsius, first.is_clock_trusted, first.is_mirror_sound) == (52.3, False, None)
        assert first.loop_lag_s is not None
        home.machine.set(cpu_celsius=90.0)
        while (await told.next(HubMeasured)).cpu_celsius != 90.0:
            pass
        home.ways.closed = {WayTo.ROUTER}
        while (await told.next(WaysMeasured)).ways[WayTo.ROUTER].is_open:
            pass


async def test_a_router_that_stays_becomes_a_device_once(home: Home) -> None:
    async with measured(home) as told:
        router = await told.next(Advertisement)
        seen = [await told.next(WaysMeasured) for _ in range(10)]

    assert (router.origin, router.device_type) == (ROUTER_ORIGIN, DeviceType.ROUTER)
    assert router.aliases == (Alias("mac", "02fc00000005"),)
    assert len(seen) == 10
    assert home.told.routers() == [router]


async def test_a_router_that_is_there_for_a_moment_is_none_of_the_homes(home: Home) -> None:
    home.ways = Flickering()
    async with measured(home) as told:
        for _ in range(4 * ROUTER_SEEN_MIN):
            await told.next(WaysMeasured)

    assert home.told.routers() == []


async def test_the_mirror_is_read_once_a_night(home: Home) -> None:
    async with measured(home) as told:
        await told.next(HubMeasured)
        await told.next(HubMeasured)
        assert home.mirror.checks == 0
        home.hour, home.mirror.is_sound = 3, False
        while (await told.next(HubMeasured)).is_mirror_sound is not False:
            pass
        for _ in range(5):
            assert (await told.next(HubMeasured)).is_mirror_sound is None

    assert home.mirror.checks == 1


async def test_whether_a_damaged_mirror_was_mended_is_told_at_the_start(home: Home) -> None:
    async with measured(home, is_mirror_suspect=True) as told:
        assert (await told.next(HubMeasured)).is_mirror_sound is True
        assert (await told.next(HubMeasured)).is_mirror_sound is None


async def test_an_event_loop_that_is_held_up_is_late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lag, "EVERY_S", 0.01)
    late = LoopLag()
    task = asyncio.create_task(late.run())
    await asyncio.sleep(0)
    loop = asyncio.get_running_loop()
    until_s = loop.time() + 0.2
    while loop.time() < until_s:
        pass  # whoever computes for long
    while late.take() < 0.15:
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
