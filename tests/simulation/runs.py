"""Runs of automations in a home of dials, killed at any moment: each ends once, and what it was to do is done in order."""

import asyncio
import random
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import async_solipsism

from hub_agent.home import Core
from hub_agent.model.automation import Place
from hub_agent.model.effects import SaveDefinition
from tests.fakes.home.dials import Dials, Ended, complaints, definitions, ended_runs, interrupted
from tests.simulation.world import CALM, Crash, CrashingMirror, Fate, SimulatedBroker, VirtualClock, Weather

CALM_S = 120.0
# A life ends after so many commits and messages, on average.
MEAN_LIFE_STEPS = 25


@dataclass
class Story:
    """What a campaign saw."""

    lives: int = 0
    runs: int = 0
    interrupted: int = 0
    commands: int = 0


class Campaign:
    def __init__(self, seed: int, folder: Path, runs: int) -> None:
        self.seed = seed
        self.wanted = runs
        self.clock = VirtualClock()
        self.chance = random.Random(seed)
        self.fate = Fate(random.Random(self.chance.getrandbits(64)))
        self.dials = Dials(self.chance.getrandbits(64), runs)
        self.broker = SimulatedBroker(self.dials, self.clock, self.fate)
        self.path = folder / "mirror.db"
        self.deaths: list[datetime] = []
        self._ids = random.Random(self.chance.getrandbits(64))

    def new_id(self) -> str:
        text = f"{self._ids.getrandbits(128):032x}"
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-8{text[17:20]}-{text[20:]}"

    async def run(self) -> Story:
        home = asyncio.ensure_future(self.broker.run())
        weather = asyncio.ensure_future(self._storm())
        try:
            while not await self._live_once(weather):
                pass
        finally:
            home.cancel()
            weather.cancel()
            await asyncio.gather(home, weather, return_exceptions=True)
        return await self._judge()

    async def _storm(self) -> None:
        """Death may come at any step, until enough runs have been seen; then time for what is under way to end."""
        await asyncio.sleep(3)
        self.fate.weather = Weather(crash=1 / MEAN_LIFE_STEPS)
        while not self.dials.counted_enough.is_set():  # noqa: ASYNC110 the dials live in a thread elsewhere
            await asyncio.sleep(10)
        self.fate.weather = CALM
        # Queued runs need their time one after another.
        await asyncio.sleep(CALM_S * 10)

    async def _live_once(self, storm: "asyncio.Future[None]") -> bool:
        mirror = CrashingMirror(self.path, self.new_id, self.fate)
        remembered = await mirror.open(self.clock.now())
        core = Core(
            identity=remembered.identity,
            place=Place("Europe/Berlin", 52.52, 13.405),
            store=mirror,
            clock=self.clock,
            broker=self.broker.connect(),
            new_id=self.new_id,
        )
        if not remembered.definitions:
            await mirror.commit([SaveDefinition(each) for each in definitions()], self.clock.now())
            await mirror.close(self.clock.now())
            return await self._live_once(storm)
        try:
            await core.start(remembered)
        except Crash:
            return await self._died(mirror)
        living = asyncio.ensure_future(core.loop.run())
        dying = asyncio.ensure_future(self.fate.died.wait())
        await asyncio.wait({living, dying, storm}, return_when=asyncio.FIRST_COMPLETED)
        is_over = storm.done()
        for task in (living, dying):
            task.cancel()
        ended = await asyncio.gather(living, dying, return_exceptions=True)
        for each in ended:
            if isinstance(each, Exception):
                raise each
        if self.fate.died.is_set():
            return await self._died(mirror)
        assert is_over
        await core.stop()
        await mirror.close(self.clock.now())
        return True

    async def _died(self, mirror: CrashingMirror) -> bool:
        mirror.abandon()
        self.fate.died.clear()
        self.deaths.append(self.clock.now().wall)
        await asyncio.sleep(self.chance.choice([0.0, 0.3, 2.0, 6.0]))
        return False

    # The verdict.

    async def _judge(self) -> Story:
        ended = await self._executions()
        wrong = complaints(self.dials.told, ended, self.deaths)
        if wrong:
            story = "; ".join(wrong[:5])
            raise AssertionError(f"seed {self.seed}: {story}. Replay: tests/check sim runs {self.wanted} {self.seed}")
        return Story(len(self.deaths) + 1, len(ended), interrupted(ended, self.deaths), len(self.dials.told))

    async def _executions(self) -> list[Ended]:
        """All that the mirror has recorded; nothing may be left of the runs themselves."""
        mirror = CrashingMirror(self.path, self.new_id, self.fate)
        remembered = await mirror.open(self.clock.now())
        left = [key for key in remembered.saved.get("automation", {}) if key.startswith("run/")]
        assert not left, f"seed {self.seed}: runs that are still kept: {left}"
        batch = await mirror.next_batch("automation_executions", 1_000_000, 1_000_000_000)
        assert batch is not None
        await mirror.close(self.clock.now())
        return ended_runs(batch.rows)


def kill_runs(seed: int, runs: int) -> Story:
    """Raises AssertionError with the story."""
    loop = async_solipsism.EventLoop()
    asyncio.set_event_loop(loop)
    try:
        with tempfile.TemporaryDirectory(prefix="nexa-runs-") as folder:
            return loop.run_until_complete(Campaign(seed, Path(folder), runs).run())
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        asyncio.set_event_loop(None)
        loop.close()
