"""Dials, turned by rules: every command that reaches one tells which run it is of, and which step.

A counter beside each dial counts up now and then. That starts a rule which turns its dial to `count * 100 + step`, step by step, with waits of
all kinds in between. The hub may be killed at any moment: `complaints` says what should not have come of it.
"""

import random
import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from hub_agent.model.definition import Definition
from hub_agent.model.report import Publication
from tests.fakes.home.peer import say

STEPS_A_RUN = 100
# A command may reach its dial after the hub that sent it has died.
UNDER_WAY = timedelta(seconds=0.5)


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
        [_turn("queued", 1), {"delay": 5}, _turn("queued", 2), {"delay": 1}],
        [1, 2],
        metadata={"mode": "queued", "max": 100},
    ),
}


def definitions() -> list[Definition]:
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


@dataclass(frozen=True)
class Told:
    """A command that a dial has got."""

    at: datetime
    name: str
    count: int
    step: int


class Dials:
    """Announce themselves by Home Assistant discovery. Fills Peer."""

    name = "dials"
    subscriptions = ("dials/+/set",)
    will = say("dials", "offline")

    def __init__(self, seed: int, runs: int, pause_s: tuple[float, float] = (4, 20)) -> None:
        """Counts until so many runs have begun (some counts fall into a run, and begin none); then `counted_enough` is set."""
        self._chance = random.Random(seed)
        self._pause_s = pause_s
        self._runs_wanted = runs
        self._counts_wanted = 1.5 * runs / len(SHAPES)
        self.counted_enough = threading.Event()
        self._counts = dict.fromkeys(SHAPES, 1)
        self._next_at: dict[str, datetime] = {}
        self.told: list[Told] = []

    def start(self, now: datetime) -> list[Publication]:
        for name in SHAPES:
            self._next_at[name] = now + timedelta(seconds=self._chance.uniform(*self._pause_s))
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
        if not topic.startswith("dials/"):
            return []  # what dialects ask of everybody at the broker
        name = topic.split("/")[1]
        self.told.append(Told(now, name, *divmod(round(float(payload)), STEPS_A_RUN)))
        return [say(f"dials/{name}", payload.decode(), retain=True)]

    def get_timer(self) -> datetime | None:
        return None if self.counted_enough.is_set() else min(self._next_at.values(), default=None)

    def handle_timer(self, now: datetime) -> list[Publication]:
        said = []
        for name, at in self._next_at.items():
            if at <= now:
                self._counts[name] += 1
                self._next_at[name] = now + timedelta(seconds=self._chance.uniform(*self._pause_s))
                said.append(say(f"counts/{name}", str(self._counts[name]), retain=True))
        # Counts that came while the hub was away began no run.
        begun = {(each.name, each.count) for each in self.told}
        if min(self._counts.values()) >= self._counts_wanted and len(begun) >= self._runs_wanted:
            self.counted_enough.set()
        return said


@dataclass(frozen=True)
class Ended:
    """What the hub recorded of a run."""

    name: str
    count: int
    status: str
    started_at: datetime
    ended_at: datetime


def ended_runs(rows: Iterable[Mapping[str, Any]]) -> list[Ended]:
    """From rows of `automation_executions`; a script's run is part of the run that called it."""
    names = {each.id: str(each.fields["name"]) for each in definitions() if each.fields["triggers"]}
    return [
        Ended(
            names[row["automation_id"]],
            int(row["trigger_data"]["to_state"]),
            row["status"],
            datetime.fromisoformat(row["started_at"]),
            datetime.fromisoformat(row["completed_at"]),
        )
        for row in rows
        if row["automation_id"] in names
    ]


def complaints(told: Iterable[Told], ended: Sequence[Ended], deaths: Sequence[datetime]) -> list[str]:
    """Each run ends once and succeeds; its steps come in order. A step may come again where death came between, and may be left out
    where the next one fell due before it could be sent: such a run is `partial`.
    """
    found: list[str] = []

    def died_between(after: datetime, until: datetime) -> bool:
        return any(after - UNDER_WAY <= died <= until for died in deaths)

    times = Counter((run.name, run.count) for run in ended)
    found += [f"{name}: run {count} ended {n} times" for (name, count), n in times.items() if n > 1]
    for run in ended:
        # The last command may have gone out, and death come before the dial had answered.
        is_overtaken = run.status == "partial" and died_between(run.started_at, run.ended_at + UNDER_WAY)
        if run.status != "success" and not is_overtaken:
            found.append(f"{run.name}: run {run.count} is {run.status}")
    by_name: dict[str, list[Told]] = defaultdict(list)
    for each in told:
        by_name[each.name].append(each)
    for name, shape in SHAPES.items():
        wanted = [(count, step) for who, count in sorted(times) if who == name for step in shape.steps]
        seen, before = -1, datetime.min.replace(tzinfo=UTC)
        for each in by_name[name]:
            if (each.count, each.step) not in wanted:
                found.append(f"{name}: {each.count}/{each.step} is of no run that ended")
                continue
            number = wanted.index((each.count, each.step))
            if number < seen:
                found.append(f"{name}: {each.count}/{each.step} came after {wanted[seen]}")
            elif number != seen + 1 and not died_between(before, each.at):
                found.append(f"{name}: {each.count}/{each.step} came after {wanted[seen]}, and nobody had died")
            seen, before = number, each.at
        if seen != len(wanted) - 1:
            found.append(f"{name}: the last step was {wanted[seen]}, not {wanted[-1]}")
    return found


def interrupted(ended: Iterable[Ended], deaths: Sequence[datetime]) -> int:
    return sum(any(run.started_at <= died <= run.ended_at for died in deaths) for run in ended)
