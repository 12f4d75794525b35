"""What rules cost, decided alone: by how many there are, by event, by match; loading them, taking up a run, and a year in `simulate`.

Times are those of this process alone (`time.process_time`), so that what else the machine does counts less.
"""

import gc
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import orjson

from hub_agent.agent import GARBAGE_AFTER
from hub_agent.core.automation.runs import run_from_json
from hub_agent.core.hub import Hub
from hub_agent.core.services import Given
from hub_agent.model.action import Call, CallAnswered
from hub_agent.model.automation import Place
from hub_agent.model.definition import Definition
from hub_agent.model.effects import Effect, IssueRaised, Save
from hub_agent.model.ids import EntityId, HomeId
from hub_agent.model.inputs import DefinitionArrived, StateSet
from hub_agent.model.state import EntityState
from tests.bench.table import Measure
from tests.bench.year import write_year

MANY = 10_000
FEW = 10
BROKEN = 500
STEPS_OF_A_SAVED_RUN = 50
NOON = datetime(2026, 1, 14, 11, tzinfo=UTC)
TICK = timedelta(milliseconds=1)


class AnswersAtOnce:
    """An outside that takes every call."""

    takes_whole_calls = True

    def call(self, call: Call, _now: datetime) -> Sequence[Given]:
        return [CallAnswered(call.id)]


class RuleHome:
    """A hub with so many rules, each of which waits for an entity of its own. Every `1 / broken_share`th cannot be understood."""

    def __init__(self, count: int, broken: int = 0) -> None:
        self._ids = 0
        self.now = NOON
        self.effects: list[Effect] = []
        self.hub = Hub(
            home_id=HomeId(self.new_id()),
            place=Place("Europe/Berlin", 52.5, 13.4),
            new_id=self.new_id,
            services=AnswersAtOnce(),
        )
        self.effects += self.hub.restore(
            devices=(),
            states=_states(count),
            saved={},
            commands=(),
            definitions=list(_rules(count, broken)),
            cloud_commands_done=(),
            last_alive_at=None,
            now=self.now,
        )
        self.effects += self.hub.start(self.now)

    def new_id(self) -> str:
        self._ids += 1
        return f"00000000-0000-4000-8000-{self._ids:012x}"

    def set(self, entity_id: str, state: str) -> list[Effect]:
        self.now += TICK
        return self.hub.handle(StateSet(EntityId(entity_id), state), self.now)

    def take_in(self, changes: Sequence[tuple[str, str]]) -> float:
        """Seconds of this process that it takes to decide on each of them."""
        handle, now = self.hub.handle, self.now
        inputs = [StateSet(EntityId(entity_id), state) for entity_id, state in changes]
        begun = time.process_time()
        for each in inputs:
            now += TICK
            handle(each, now)
        taken = time.process_time() - begun
        self.now = now
        return taken


def _rules(count: int, broken: int) -> Iterator[Definition]:
    every = count // broken if broken else 0
    for number in range(count):
        row = _rule(number)
        if every and number % every == 0:
            row["triggers"][0]["colour"] = "blue"
        yield Definition("automation", str(uuid5(NAMESPACE_OID, row["name"])), row, 1, row)


def _rule(number: int) -> dict[str, Any]:
    """Light at motion, if it is dark: one trigger, one condition, one call."""
    return {
        "name": f"Light {number}",
        "is_enabled": True,
        "metadata": {"mode": "single"},
        "triggers": [{"trigger": "state", "entity_id": [_motion(number)], "to": "on"}],
        "conditions": [{"condition": "state", "entity_id": ["input_boolean.dark"], "state": "on"}],
        "actions": [
            {
                "action": "light.turn_on",
                "target": {"entity_id": [f"light.lamp_{number}"]},
                "data": {"brightness_pct": 60},
            }
        ],
    }


def _motion(number: int) -> str:
    return f"binary_sensor.motion_{number}"


def _states(count: int) -> dict[str, EntityState]:
    states = {_motion(number): EntityState("off", {}, NOON, NOON) for number in range(count)}
    states |= {f"light.lamp_{number}": EntityState("off", {}, NOON, NOON) for number in range(count)}
    states |= {f"sensor.climate_{number}": EntityState("20.0", {}, NOON, NOON) for number in range(500)}
    states["input_boolean.dark"] = EntityState("on", {}, NOON, NOON)
    return states


# Events.


def events(*, is_quick: bool) -> Iterator[Measure]:
    few, many = RuleHome(FEW), RuleHome(MANY)
    gc.collect()
    gc.freeze()  # both as the agent does when it has started
    threshold = gc.get_threshold()
    gc.set_threshold(GARBAGE_AFTER)
    try:
        yield _by_number_of_rules(few, many, is_quick=is_quick)
        yield _without_match(many, is_quick=is_quick)
        yield from _with_match(many, is_quick=is_quick)
    finally:
        gc.set_threshold(*threshold)
        gc.unfreeze()


def _by_number_of_rules(few: RuleHome, many: RuleHome, *, is_quick: bool) -> Measure:
    """In turns, so that a slow moment of the machine meets both."""
    rounds, times = (15, 50) if is_quick else (60, 100)
    costs: dict[RuleHome, list[float]] = {few: [], many: []}
    for _ in range(rounds):
        for home in (few, many):
            costs[home].append(_cost_of_firing(home, range(FEW), times))
    among_few, among_many = (median(costs[home]) for home in (few, many))
    return Measure(
        f"an event that fires one rule among {MANY:,} (floor: among {FEW})", among_many * 1e6, "µs", floor=among_few * 1e6,
        ratio_at_most=1.2, note=f"median of {rounds} rounds of {times * FEW} firings",
    )  # fmt: skip


def _cost_of_firing(home: RuleHome, numbers: Sequence[int], times: int) -> float:
    """Of one motion with its run, without the change back to quiet."""
    taken = 0.0
    for _ in range(times):
        taken += home.take_in([(_motion(number), "on") for number in numbers])
        home.take_in([(_motion(number), "off") for number in numbers])
    return taken / (times * len(numbers))


def _without_match(home: RuleHome, *, is_quick: bool) -> Measure:
    """Sensors that no rule looks at."""
    rounds = 5 if is_quick else 30
    rates = []
    for turn in range(rounds):
        changes = [(f"sensor.climate_{number % 500}", f"{20 + turn + number // 500 / 10}") for number in range(10_000)]
        rates.append(len(changes) / home.take_in(changes))
    return Measure(
        "events a second that match no rule, decided alone", median(rates), "/s", at_least=50_000,
        note=f"changes of state with {MANY:,} rules loaded; median of {rounds} rounds of 10,000",
    )  # fmt: skip


def _with_match(home: RuleHome, *, is_quick: bool) -> Iterator[Measure]:
    rounds = 5 if is_quick else 25
    in_turn = [_rate_of_firing(home, range(FEW), 200) for _ in range(rounds)]
    yield Measure(
        "events a second with one match each, decided alone", median(in_turn), "/s", at_least=10_000,
        note=f"trigger, condition, call and answer, record, trace; {FEW} rules of {MANY:,} in turn; median of {rounds} rounds",
    )  # fmt: skip
    spread = [_rate_of_firing(home, range(0, MANY, 5), 1) for _ in range(rounds)]
    yield Measure(
        "the same, each time another rule", median(spread), "/s",
        note="what the processor has to fetch from memory anew counts too",
    )  # fmt: skip


def _rate_of_firing(home: RuleHome, numbers: Sequence[int], times: int) -> float:
    return 1 / _cost_of_firing(home, numbers, times)


# Loading.


def loading() -> Iterator[Measure]:
    """In a process of its own, so that its memory is that of the rules."""
    script = "from tests.bench.rules import tell_loading; tell_loading()"
    told = subprocess.run([sys.executable, "-c", script], check=True, stdout=subprocess.PIPE)
    seconds, mebibytes, loaded = orjson.loads(told.stdout)
    assert loaded == MANY - BROKEN, loaded
    note = f"{loaded:,} of {MANY:,} run; {BROKEN} are refused, each with its reason"
    yield Measure(f"loading {MANY:,} rules, {BROKEN} of them broken", seconds, "s", at_most=10, note=note)
    yield Measure(f"memory of {MANY:,} rules", mebibytes, "MiB")


def tell_loading() -> None:
    before = _resident_mib()
    begun = time.process_time()
    home = RuleHome(MANY, BROKEN)
    seconds = time.process_time() - begun
    refused = sum(isinstance(each, IssueRaised) for each in home.effects)
    del home.effects
    gc.collect()
    print(orjson.dumps([seconds, _resident_mib() - before, MANY - refused]).decode())


def _resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


# A saved run.


def saved_run(*, is_quick: bool) -> Measure:
    """From the bytes that the mirror keeps to a run that can go on: it has taken fifty steps and waits."""
    key, body = _saved_after_fifty_steps()
    content = orjson.dumps(body)
    times = []
    for _ in range(50 if is_quick else 500):
        begun = time.process_time_ns()
        run = run_from_json(key, orjson.loads(content))
        times.append((time.process_time_ns() - begun) / 1e6)
    assert len(run.steps) >= STEPS_OF_A_SAVED_RUN, len(run.steps)
    return Measure(
        f"loading a saved run of {STEPS_OF_A_SAVED_RUN} steps", median(times), "ms", at_most=1,
        note=f"{len(content):,} bytes",
    )  # fmt: skip


def _saved_after_fifty_steps() -> tuple[str, Any]:
    home = RuleHome(FEW)
    row = _rule(FEW)
    row["actions"] = [*row["actions"] * STEPS_OF_A_SAVED_RUN, {"delay": 60}]
    row["triggers"][0]["entity_id"] = [_motion(0)]
    row["name"] = "Fifty steps"
    home.effects += home.hub.handle(
        DefinitionArrived(
            Definition("automation", str(uuid5(NAMESPACE_OID, row["name"])), row, 1, row), is_from_cloud=True
        ),
        home.now,
    )
    for effect in home.set(_motion(0), "on"):
        if isinstance(effect, Save) and effect.key.startswith("run/"):
            return effect.key.removeprefix("run/"), effect.body
    raise AssertionError("no run was saved")


# A year.


def year(folder: Path, *, is_quick: bool) -> Measure:
    """`nexa-hub simulate` of a busy home's year, the start of Python and the file's reading included."""
    changes = 300_000 if is_quick else 3_000_000
    file = folder / "year.json"
    write_year(file, changes)
    begun = time.perf_counter()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    told = subprocess.run(
        [sys.executable, "-m", "hub_agent", "simulate", "--json", str(file)], check=False, stdout=subprocess.PIPE
    )
    seconds = time.perf_counter() - begun
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    verdict = orjson.loads(told.stdout)
    assert verdict["error"] is None, verdict["error"]
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    size = file.stat().st_size / 2**20
    return Measure(
        f"simulate {changes:,} changes of state", cpu, "s", at_most=60 * changes / 3_000_000,
        note=f"{len(verdict['observed']):,} calls came out; {size:,.0f} MiB of JSON, {seconds:.1f} s by the wall's clock, {after.ru_maxrss / 1024:,.0f} MiB of memory",
    )  # fmt: skip
