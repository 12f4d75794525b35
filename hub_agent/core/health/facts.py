"""What is remembered of a device for its score. Bounded, and small on the disk."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

from hub_agent.core.expectation import number_in
from hub_agent.core.health import score
from hub_agent.core.health.score import REMEMBERED, Factor
from hub_agent.model.json import JsonObject, JsonValue

DROPOUTS_MAX: Final = 10
# Of each kind: more cost no more points.
CASES_MAX: Final = 50
SLOW: Final = timedelta(seconds=5)


@dataclass(slots=True)
class Open:
    """Something that is foreseen (`prediction`), out of the ordinary (`anomaly`) or a `vulnerability`, while it stands."""

    kind: str
    severity: str
    at: datetime
    probability: float = 0.0
    is_monitored: bool = False

    def as_json(self) -> JsonObject:
        at = self.at.isoformat()
        said: JsonObject = {"kind": self.kind, "severity": self.severity, "at": at, "probability": self.probability}
        return {**said, "is_monitored": self.is_monitored}


@dataclass(slots=True)
class Facts:
    """`commands`: by day how many were confirmed, slowly, and not. `recorded_at`: when `recorded` went into the history."""

    away_since: datetime | None = None
    dropouts: list[datetime] = field(default_factory=list)
    commands: dict[str, list[int]] = field(default_factory=dict)
    open: dict[str, Open] = field(default_factory=dict)
    recorded: int | None = None
    recorded_at: datetime | None = None

    def left(self, now: datetime) -> None:
        if self.away_since is None:
            self.away_since = now
            self.dropouts = [*self.dropouts, now][-DROPOUTS_MAX:]

    def settled(self, took: timedelta | None, now: datetime) -> None:
        """`took`: until it was confirmed; None: it was not."""
        today = now.date()
        counts = self.commands.setdefault(today.isoformat(), [0, 0, 0])
        counts[0 if took is not None else 2] += 1
        if took is not None and took > SLOW:
            counts[1] += 1
        first = (today - REMEMBERED).isoformat()
        self.commands = {day: each for day, each in self.commands.items() if day > first}

    def noted(self, case_id: str, case: Open | None) -> None:
        if case is None:
            self.open.pop(case_id, None)
            return
        self.open[case_id] = case
        while len(self.open) > CASES_MAX:
            del self.open[next(iter(self.open))]

    def factors(self, now: datetime) -> list[Factor]:
        found = [score.dropouts(self.dropouts, now)] if self.dropouts else []
        return [*found, *self._of_commands(now), *self._of_cases(now)]

    def _of_commands(self, now: datetime) -> list[Factor]:
        if not self.commands:
            return []
        first = (now.date() - REMEMBERED).isoformat()
        counts = [each for day, each in self.commands.items() if day > first]
        confirmed, slow, failed = (sum(each[place] for each in counts) for place in range(3))
        return [score.commands(confirmed, failed), score.latency(slow, confirmed)]

    def _of_cases(self, now: datetime) -> list[Factor]:
        if not self.open:
            return []
        unusual = [(each.severity, each.at) for each in self.open.values() if each.kind == "anomaly"]
        weak = [each.severity for each in self.open.values() if each.kind == "vulnerability"]
        found = [score.anomalies(unusual, now), score.vulnerabilities(weak)]
        foreseen = [
            score.prediction(each.probability, is_monitored=each.is_monitored)
            for each in self.open.values()
            if each.kind == "prediction"
        ]
        return [*found, max(foreseen, key=lambda each: each.points)] if foreseen else found

    def shift(self, by: timedelta) -> None:
        if self.away_since is not None:
            self.away_since += by
        if self.recorded_at is not None:
            self.recorded_at += by
        self.dropouts = [each + by for each in self.dropouts]

    def as_json(self) -> JsonObject:
        return {
            "away_since": _iso(self.away_since),
            "dropouts": [each.isoformat() for each in self.dropouts],
            "commands": {day: list(each) for day, each in self.commands.items()},
            "open": {case_id: each.as_json() for case_id, each in self.open.items()},
            "recorded": self.recorded,
            "recorded_at": _iso(self.recorded_at),
        }

    @classmethod
    def from_json(cls, body: JsonObject) -> "Facts":
        """Raises what reading a damaged body raises."""
        facts = cls(_instant(body["away_since"]))
        facts.dropouts = [datetime.fromisoformat(str(each)) for each in _list(body["dropouts"])][-DROPOUTS_MAX:]
        for day, counts in _mapping(body["commands"]).items():
            confirmed, slow, failed = (max(0, int(number_in(each) or 0)) for each in _list(counts))
            facts.commands[date.fromisoformat(day).isoformat()] = [confirmed, slow, failed]
        for case_id, each in _mapping(body["open"]).items():
            said = _mapping(each)
            at = datetime.fromisoformat(str(said["at"]))
            probability = float(number_in(said["probability"]) or 0.0)
            case = Open(str(said["kind"]), str(said["severity"]), at, probability, said["is_monitored"] is True)
            facts.noted(case_id, case)
        recorded = number_in(body["recorded"])
        facts.recorded = None if recorded is None else int(recorded)
        facts.recorded_at = _instant(body["recorded_at"])
        return facts


def _list(value: JsonValue) -> list[JsonValue]:
    if not isinstance(value, list | tuple):
        raise TypeError(value)
    return list(value)


def _mapping(value: JsonValue) -> Mapping[str, JsonValue]:
    if not isinstance(value, Mapping):
        raise TypeError(value)
    return value


def _instant(value: JsonValue) -> datetime | None:
    return None if value is None else datetime.fromisoformat(str(value))


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
