"""Runs of automations, killed at any moment: each ends once, and what it was to do is done in order.

A home of dials. A counter beside each dial counts up now and then; that starts a rule which turns its dial to `count * 100 + step`, step by step,
with waits of all kinds in between. So every command that reaches the devices tells which run it is of, and which step.
"""

import asyncio
import random
import tempfile
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import async_solipsism

from hub_agent.agent import Core
from hub_agent.model.automation import Place
from hub_agent.model.definition import Definition
from hub_agent.model.effects import SaveDefinition
from hub_agent.model.report import Publication
from tests.fakes.home.peer import say
from tests.simulation.world import CALM, Crash, CrashingMirror, Fate, SimulatedBroker, VirtualClock, Weather

STEPS_A_RUN = 100
CALM_S = 120.0
# A life ends after so many commits and messages, on average.
MEAN_LIFE_STEPS = 25


def _turn(name: str, step: int | str) -> dict[str, Any]:
    value = f"{{{{ count * {STEPS_A_RUN} + {step} }}}}"
    return {"action": "number.set_value", "target": {"entity_id": f"number.{name}_dial"}, "data": {"value": value}}


@dataclass(frozen=True)
class Shape:
    """What a rule does (`actions`, with a script of its own under `script`), and the steps that come of it."""

    actions: Sequence[Mapping[str, Any]]
    steps: Sequence[int]
    metadata: Mapping[str, Any] = field(default_factory=dict)
    script: Sequence[Mapping[str, Any]] = ()


def _is_at(name: str, step: int) -> str:
    return f"{{{{ states('number.{name}_dial') | float(0) == count * {STEPS_A_RUN} + {step} }}}}"


SHAPES: Mapping[str, Shape] = {
    "delays": Shape(
        [_turn("delays", 1), {"delay": 3}, _turn("delays", 2), {"delay": 2}, _turn("delays", 3)], [1, 2, 3]
    ),
    "rounds": Shape(
        [
            {"repeat": {"count": 4, "sequence": [_turn("rounds", "repeat.index"), {"delay": 1}]}},
            _turn("rounds", 9),
        ],
        [1, 2, 3, 4, 9],
    ),
    "waits": Shape(
        [
            _turn("waits", 1),
            {"wait_template": _is_at("waits", 1), "timeout": 10},
            _turn("waits", 2),
            {
                "wait_for_trigger": [{"trigger": "event", "event_type": "never"}],
                "timeout": 2,
                "continue_on_timeout": True,
            },
            {"if": "{{ not wait.completed }}", "then": [_turn("waits", 3)], "else": [_turn("waits", 4)]},
        ],
        [1, 2, 3],
    ),
    "called": Shape(
        [
            _turn("called", 1),
            {"action": "script.called", "data": {"count": "{{ count }}"}},
            _turn("called", 4),
        ],
        [1, 2, 3, 4],
        script=[_turn("called", 2), {"delay": 2}, _turn("called", 3)],
    ),
    "nested": Shape(
        [
            {
                "choose": [
                    {
                        "conditions": ["{{ count > 0 }}"],
                        "sequence": [
                            {
                                "repeat": {
                                    "for_each": [1, 2],
                                    "sequence": [
                                        {"if": ["{{ true }}"], "then": [_turn("nested", "repeat.item"), {"delay": 2}]}
                                    ],
                                }
                            },
                            {"parallel": [{"delay": 1}, {"sequence": [{"delay": 2}, _turn("nested", 3)]}]},
                        ],
                    }
                ]
            },
            _turn("nested", 4),
        ],
        [1, 2, 3, 4],
    ),
    "queued": Shape(
        # The pause at the end: the next run begins at once, and would overtake the last step before it is sent.
        [_turn("queued", 1), {"delay": 8}, _turn("queued", 2), {"delay": 1}],
        [1, 2],
        metadata={"mode": "queued", "max": 100},
    ),
}


def _definitions() -> list[Definition]:
    found: list[Definition] = []
    for number, (name, shape) in enumerate(SHAPES.items()):
        row = {
            "name": name,
            "automation_type": "trigger_based",
            "triggers": [
                {"trigger": "state", "entity_id": f"sensor.{name}_count", "not_to": ["unknown", "unavailable"]}
            ],
            "conditions": [],
            "actions": list(shape.actions),
            "is_enabled": True,
            "metadata": {**shape.metadata, "variables": {"count": "{{ trigger.to_state.state | int }}"}},
        }
        found.append(Definition("automation", f"a0000000-0000-4000-8000-00000000000{number}", row, version=1, base=row))
        if shape.script:
            script = {
                "name": name,
                "automation_type": "condition_based",
                "triggers": [],
                "conditions": [],
                "actions": list(shape.script),
                "is_enabled": True,
                "metadata": {"kind": "script", "mode": "parallel"},
            }
            found.append(
                Definition("automation", f"b0000000-0000-4000-8000-00000000000{number}", script, version=1, base=script)
            )
    return found


class Dials:
    """Dials and counters that announce themselves by Home Assistant discovery. Fills what the simulated broker asks of a home."""

    def __init__(self, seed: int, runs: int) -> None:
        """`counted_enough` is set when so many runs must have begun: some counts fall into a run, and begin none."""
        self._chance = random.Random(seed)
        self._counts_wanted = 1.5 * runs / len(SHAPES)
        self.counted_enough = asyncio.Event()
        self._counts = dict.fromkeys(SHAPES, 1)
        self._next_at: dict[str, datetime] = {}
        self.is_counting = True
        self.dials: dict[str, str] = {}

    def start(self, now: datetime) -> list[Publication]:
        for name in SHAPES:
            self._next_at[name] = now + timedelta(seconds=self._chance.uniform(5, 20))
        said: list[Publication] = []
        for name in SHAPES:
            device = {"identifiers": [name], "name": name.capitalize()}
            dial = {
                "name": "Dial",
                "unique_id": f"{name}-dial",
                "command_topic": f"dials/{name}/set",
                "state_topic": f"dials/{name}",
                "min": 0,
                "max": 10_000_000,
                "device": device,
            }
            count = {"name": "Count", "unique_id": f"{name}-count", "state_topic": f"counts/{name}", "device": device}
            said += [
                say(f"homeassistant/number/{name}/config", dial, retain=True),
                say(f"homeassistant/sensor/{name}/config", count, retain=True),
                say(f"dials/{name}", "0", retain=True),
                say(f"counts/{name}", "1", retain=True),
            ]
        return said

    def handle(self, topic: str, payload: bytes, now: datetime) -> list[Publication]:
        del now
        name = topic.split("/")[1]
        self.dials[name] = payload.decode()
        return [say(f"dials/{name}", payload.decode(), retain=True)]

    def get_timer(self) -> datetime | None:
        return min(self._next_at.values()) if self.is_counting else None

    def handle_timer(self, now: datetime) -> list[Publication]:
        said = []
        for name, at in self._next_at.items():
            if at <= now:
                self._counts[name] += 1
                self._next_at[name] = now + timedelta(seconds=self._chance.uniform(4, 20))
                said.append(say(f"counts/{name}", str(self._counts[name]), retain=True))
        if min(self._counts.values()) >= self._counts_wanted:
            self.counted_enough.set()
        return said


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
        await self.dials.counted_enough.wait()
        self.fate.weather = CALM
        self.dials.is_counting = False
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
            await mirror.commit([SaveDefinition(each) for each in _definitions()], self.clock.now())
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
        rows = await self._executions()
        told: dict[str, list[tuple[datetime, int, int]]] = defaultdict(list)
        for at, topic, payload in self.broker.commands:
            told[topic.split("/")[1]].append((at, *divmod(round(float(payload)), STEPS_A_RUN)))
        ended = Counter((row["name"], row["count"]) for row in rows)
        twice = [key for key, times in ended.items() if times > 1]
        self._hold(not twice, f"runs ended twice: {twice}")
        never = {(name, count) for name, steps in told.items() for _, count, _ in steps} - ended.keys()
        self._hold(not never, f"runs that did something and never ended: {never}")
        # A step that fell due with the next one while the hub was dead is overtaken by it: such a run is `partial`.
        failed = [
            row
            for row in rows
            if row["status"] != "success" and not (row["status"] == "partial" and self._died_between(*row["span"]))
        ]
        self._hold(not failed, f"runs that did not succeed: {failed[:3]}")
        for name in SHAPES:
            self._check_steps(name, sorted(count for whose, count in ended if whose == name), told[name])
        interrupted = sum(
            any(at <= died <= until for died in self.deaths) for at, until in (row["span"] for row in rows)
        )
        return Story(len(self.deaths) + 1, len(rows), interrupted, len(self.broker.commands))

    def _check_steps(self, name: str, counts: Sequence[int], told: Sequence[tuple[datetime, int, int]]) -> None:
        """In order. Again only where death came between; left out only where the next one fell due before it could be sent."""
        wanted = [(count, step) for count in counts for step in SHAPES[name].steps]
        seen, before = -1, self.clock.now().wall
        for at, count, step in told:
            self._hold((count, step) in wanted, f"{name}: nobody wanted {count}/{step}")
            number = wanted.index((count, step))
            self._hold(number >= seen, f"{name}: {count}/{step} came after {wanted[seen]}")
            if number != seen + 1:
                self._hold(
                    self._died_between(before, at), f"{name}: {wanted[seen]}, then {count}/{step}, and nobody had died"
                )
            seen, before = number, at
        self._hold(seen == len(wanted) - 1, f"{name}: ended with {wanted[seen]}, not with {wanted[-1]}")

    def _died_between(self, after: datetime, until: datetime) -> bool:
        return any(after <= died <= until for died in self.deaths)

    async def _executions(self) -> list[dict[str, Any]]:
        """All that the mirror has recorded; nothing may be left of the runs themselves."""
        mirror = CrashingMirror(self.path, self.new_id, self.fate)
        remembered = await mirror.open(self.clock.now())
        left = [key for key in remembered.saved.get("automation", {}) if key.startswith("run/")]
        self._hold(not left, f"runs that are still kept: {left}")
        batch = await mirror.next_batch("automation_executions", 1_000_000, 1_000_000_000)
        assert batch is not None
        await mirror.close(self.clock.now())
        names = {each.id: str(each.fields["name"]) for each in _definitions() if each.fields["triggers"]}
        rows = [row for row in batch.rows if row["automation_id"] in names]
        return [
            {
                "name": names[row["automation_id"]],
                "count": int(row["trigger_data"]["to_state"]),
                "status": row["status"],
                "span": (_instant(row["started_at"]), _instant(row["completed_at"])),
                "error": row.get("error_message"),
            }
            for row in rows
        ]

    def _hold(self, is_so: bool, complaint: str) -> None:
        if not is_so:
            raise AssertionError(
                f"seed {self.seed}: {complaint}. Replay: tests/check sim runs {self.wanted} {self.seed}"
            )


def _instant(value: Any) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)


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
