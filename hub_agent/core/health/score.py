"""A hundred, less points for what is wrong. Each part is bounded, so that one bad thing does not hide the others.

The points are those of the cloud for homes without a hub (cloud_schema/FLOWS.md), where both know the same thing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from hub_agent.model.json import JsonObject

REMEMBERED: Final = timedelta(days=7)
# The most that a part can cost.
PARTS: Final = {"connectivity": 35.0, "performance": 30.0, "reliability": 55.0, "security": 20.0}
RECOMMENDED: Final = {
    "connectivity": "check_connection",
    "link": "check_connection",
    "dropouts": "check_connection",
    "battery": "replace_battery",
    "firmware": "update_firmware",
    "vulnerabilities": "close_vulnerabilities",
    "issues": "run_diagnosis",
    "commands": "run_diagnosis",
    "latency": "check_connection",
    "anomalies": "plan_maintenance",
    "predictions": "plan_maintenance",
}
BATTERY_LOW: Final = 20
_BATTERY = ((5, 15.0), (10, 10.0), (BATTERY_LOW, 6.0))
_ISSUE = {"critical": 15.0, "error": 8.0, "warning": 3.0}
_VULNERABILITY = {"critical": 10.0, "error": 6.0, "warning": 2.0}
_ANOMALY = {"critical": 8.0, "error": 4.0, "warning": 2.0}


@dataclass(frozen=True, slots=True)
class Factor:
    """`part` of the score that it belongs to; `text` for people."""

    name: str
    part: str
    points: float
    text: str

    def as_json(self) -> JsonObject:
        return {"factor": self.name, "part": self.part, "points": round(self.points, 1), "text": self.text}


@dataclass(frozen=True, slots=True)
class Score:
    total: int
    parts: dict[str, int]
    factors: tuple[Factor, ...]

    @property
    def recommendations(self) -> list[str]:
        return list(dict.fromkeys(RECOMMENDED[each.name] for each in self.factors))


WELL: Final = Score(100, dict.fromkeys(PARTS, 100), ())


def score(factors: Sequence[Factor]) -> Score:
    if not factors:
        return WELL
    found = sorted((each for each in factors if each.points >= 0.05), key=lambda each: (-each.points, each.name))
    lost = {part: min(most, sum(each.points for each in found if each.part == part)) for part, most in PARTS.items()}
    parts = {part: round(100 * (1 - lost[part] / most)) for part, most in PARTS.items()}
    return Score(max(0, round(100 - sum(lost.values()))), parts, tuple(found))


def decay(happened: datetime, now: datetime) -> float:
    """1 now, 0 after a week."""
    return min(1.0, max(0.0, 1 - (now - happened) / REMEMBERED))


# Factors. Each says in words what it stands for.


def away(since: datetime, now: datetime) -> Factor:
    gone = now - since
    points = 35.0 if gone > timedelta(days=7) else 30.0 if gone > timedelta(days=1) else 25.0
    days = gone // timedelta(days=1)
    how_long = "" if days < 1 else " for a day" if days == 1 else f" for {days} days"
    return Factor("connectivity", "connectivity", points, f"It cannot be reached{how_long}.")


def weak_link(text: str) -> Factor:
    return Factor("link", "connectivity", 8.0, text)


def dropouts(at: Iterable[datetime], now: datetime) -> Factor:
    seen = [each for each in at if now - each < REMEMBERED]
    points = min(15.0, sum(2.0 * decay(each, now) for each in seen))
    return Factor("dropouts", "reliability", points, f"It was away {_times(len(seen))} within a week.")


def battery(level: int) -> Factor:
    points = next((points for limit, points in _BATTERY if level <= limit), 0.0)
    return Factor("battery", "reliability", points, f"Its battery is at {level} %.")


def issues(severities: Iterable[str], texts: Iterable[str]) -> Factor:
    points = min(25.0, sum(_ISSUE.get(each, 0.0) for each in severities))
    return Factor("issues", "reliability", points, " ".join(texts))


def commands(confirmed: int, failed: int) -> Factor:
    """Of fewer than three nothing can be said."""
    total = confirmed + failed
    points = 10.0 * failed / total if total >= 3 else 0.0
    return Factor("commands", "performance", points, f"{failed} of {total} commands of a week failed.")


def latency(slow: int, confirmed: int) -> Factor:
    points = 5.0 * slow / confirmed if confirmed >= 3 else 0.0
    return Factor("latency", "performance", points, f"{slow} of {confirmed} commands of a week took longer than 5 s.")


def anomalies(found: Iterable[tuple[str, datetime]], now: datetime) -> Factor:
    seen = [(severity, at) for severity, at in found if now - at < REMEMBERED]
    points = min(15.0, sum(_ANOMALY.get(severity, 0.0) * decay(at, now) for severity, at in seen))
    return Factor("anomalies", "performance", points, f"{_counted(len(seen), 'thing')} out of the ordinary in a week.")


def prediction(probability: float, *, is_monitored: bool) -> Factor:
    points = 15.0 * min(1.0, max(0.0, probability)) * (0.5 if is_monitored else 1.0)
    return Factor("predictions", "reliability", points, f"It may fail soon ({round(100 * probability)} %).")


def firmware(version: str | None) -> Factor:
    named = f" ({version})" if version else ""
    return Factor("firmware", "security", 5.0, f"Newer firmware waits for it{named}.")


def vulnerabilities(severities: Iterable[str]) -> Factor:
    known = list(severities)
    points = min(15.0, sum(_VULNERABILITY.get(each, 0.0) for each in known))
    return Factor(
        "vulnerabilities", "security", points, f"{_counted(len(known), 'weakness', 'weaknesses')} known of it."
    )


def _times(count: int) -> str:
    return "once" if count == 1 else "twice" if count == 2 else f"{count} times"


def _counted(count: int, one: str, many: str | None = None) -> str:
    return f"{count} {one if count == 1 else many or f'{one}s'}"
