"""Whether a device is about to lose its connection: it drops out far more often than it used to, or its signal fades.

Kept per day: how often it dropped out by itself (not with its bridge, the broker or others), and the median of its signal.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median

from hub_agent.core.forecasts.robust import theil_sen, within
from hub_agent.model.json import JsonObject, JsonValue

DAYS_MAX = 60
WEEK = 7
# A device that never dropped out may do so now and then: as if it had so many times a day.
_PRIOR_PER_DAY = 0.1
# So unlikely must this week's number be if nothing had changed: once in a thousand devices' lives.
_BY_CHANCE = 1e-6
_SURE_AGREEMENT = 0.85


@dataclass(frozen=True, slots=True)
class Decline:
    """`days`: until it is gone; None where nobody can say when."""

    reason: str
    probability: float
    confidence: float
    days: float | None
    earliest: float | None
    latest: float | None
    indicators: tuple[JsonObject, ...]


@dataclass(slots=True)
class Link:
    """(day, dropouts, signal or None): one for each day that it was watched."""

    days: list[tuple[int, int, int | None]] = field(default_factory=list)

    def note(self, day: int, dropouts: int, signal: float | None) -> None:
        while self.days and self.days[-1][0] >= day:  # the clock was set back
            self.days.pop()
        self.days.append((day, min(dropouts, 999), None if signal is None else round(signal)))
        del self.days[:-DAYS_MAX]

    def decline(self, values: Mapping[str, float]) -> Decline | None:
        if len(self.days) < values["min_days"]:
            return None
        return self._fading(values) or self._dropping(values)

    def _dropping(self, values: Mapping[str, float]) -> Decline | None:
        counts = [count for _, count, _ in self.days]
        week, before = counts[-WEEK:], counts[:-WEEK]
        usual = sum(before) / len(before) + _PRIOR_PER_DAY
        many = sum(week)
        # One bad day is a bad day: without it there must still be too many, on most days.
        lasting = many - max(week)
        is_often = sum(1 for each in week if each) >= 4 and lasting >= values["dropouts_min"]
        if not is_often or lasting < values["dropouts_times"] * usual * (WEEK - 1):
            return None
        chance = at_least(lasting, usual * (WEEK - 1))
        if chance > _BY_CHANCE:
            return None
        indicators: tuple[JsonObject, ...] = (
            {"name": "dropouts_last_week", "value": many},
            {"name": "dropouts_per_week_before", "value": round(usual * WEEK - _PRIOR_PER_DAY * WEEK, 1)},
            {"name": "days_observed", "value": len(counts), "unit": "days"},
        )
        often = many / WEEK
        reason = f"dropped out {many} times in a week"
        return Decline(reason, within(0.6, often / (often + 1), 0.95), 0.9, None, None, None, indicators)

    def _fading(self, values: Mapping[str, float]) -> Decline | None:
        points = [(day, signal) for day, _, signal in self.days if signal is not None][-2 * int(values["min_days"]) :]
        if len(points) < values["min_days"]:
            return None
        first, last = (median(value for _, value in part) for part in (points[:WEEK], points[-WEEK:]))
        if first - last < values["signal_drop"]:
            return None
        slope = theil_sen(points, WEEK)
        weak = values["weak_percent"] if max(value for _, value in points) > 0 else values["weak_dbm"]
        is_falling = slope is not None and slope.per_day < 0 and slope.agreement >= _SURE_AGREEMENT
        if slope is None or not is_falling:
            return None
        left = max(0.0, min(last, slope.at) - weak)
        days = left / -slope.per_day
        confidence = slope.agreement
        if days > values["horizon_days"] or confidence < values["confidence_min"]:
            return None
        margin = 5 + days / 5
        unit = "%" if weak > 0 else "dBm"
        indicators: tuple[JsonObject, ...] = (
            {"name": "signal_strength", "value": round(last), "unit": unit},
            {"name": "signal_slope", "value": round(slope.per_day, 3), "unit": f"{unit} per day"},
            {"name": "share_of_falling_pairs", "value": round(slope.agreement, 2)},
        )
        reason = f"hears less and less: {last:.0f} {unit}, {first:.0f} {unit} before"
        return Decline(reason, 0.6, confidence, days, max(0.0, days - margin), days + margin, indicators)

    def as_json(self) -> JsonObject:
        return {"days": [list(each) for each in self.days]}

    @classmethod
    def from_json(cls, body: JsonValue) -> "Link":
        if not isinstance(body, Mapping):
            return cls()
        days = body["days"]
        if not isinstance(days, list | tuple):
            raise TypeError("days is a list")
        read: list[tuple[int, int, int | None]] = []
        for each in days:
            if not isinstance(each, list | tuple):
                raise TypeError("a day is a list")
            day, count, signal = each
            read.append((int(str(day)), int(str(count)), None if signal is None else int(str(signal))))
        return cls(read[-DAYS_MAX:])


def at_least(count: int, mean: float) -> float:
    """How likely so many or more are, where `mean` are usual (Poisson)."""
    below = sum(math.exp(-mean + each * math.log(mean) - math.lgamma(each + 1)) for each in range(count))
    return max(0.0, 1.0 - below)
