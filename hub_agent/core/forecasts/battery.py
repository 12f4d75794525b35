"""When a battery will be empty.

Of each device one median a day is kept, since its battery was put in. Coin cells stay where they are and then fall off a cliff,
cold lowers them for a winter, devices tell steps of ten per cent, and a bad packet says 100 once: so slopes are medians over pairs of
days a week apart, the last weeks count for themselves when they fall faster, and one day alone is never believed. Nothing is said of
what is charged, nor of what does not fall: a sensor may say 20 % for years.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median

from hub_agent.core.forecasts.robust import Slope, theil_sen, within
from hub_agent.model.json import JsonObject, JsonValue

DAYS_MAX = 180
RECENT_DAYS = 21
REPLACED_KEPT = 6
# What is better by a new battery's worth so often, within so many days, is charged.
CHARGED_TIMES = 2
CHARGED_WITHIN_DAYS = 150
# What loses more than this from the first day on is made to be charged: no battery that people change is empty within 45 days.
CHARGED_PER_DAY = -2.2
_APART_DAYS = 5.0
# From here on a prediction becomes an alert, on the hub and in the cloud.
LIKELY = 0.6


@dataclass(frozen=True, slots=True)
class Outlook:
    """In how many days from today a battery is empty: most likely, at the earliest, at the latest."""

    days: float
    earliest: float
    latest: float
    probability: float
    confidence: float
    level: float
    per_day: float
    indicators: tuple[JsonObject, ...]


@dataclass(slots=True)
class Battery:
    """(day, per cent): one a day, the oldest first. `replaced`: on which days it was found new."""

    days: list[tuple[int, int]] = field(default_factory=list)
    replaced: list[int] = field(default_factory=list)

    def note(self, day: int, level: float, replaced_rise: float) -> bool:
        """The median of a day. Whether the battery turns out to be a new one."""
        while self.days and self.days[-1][0] >= day:  # the clock was set back
            self.days.pop()
        self.days.append((day, round(within(0, level, 100))))
        del self.days[:-DAYS_MAX]
        if len(self.days) < 4:
            return False
        before = median(level for _, level in self.days[-5:-2])
        # Two days on end, so that one wrong value is no new battery.
        if min(level for _, level in self.days[-2:]) < before + replaced_rise:
            return False
        self.days = self.days[-2:]
        self.replaced = [*self.replaced, self.days[0][0]][-REPLACED_KEPT:]
        return True

    def level(self) -> float | None:
        return median(level for _, level in self.days[-3:]) if self.days else None

    def is_charged(self, today: int) -> bool:
        return sum(1 for day in self.replaced if today - day <= CHARGED_WITHIN_DAYS) >= CHARGED_TIMES

    def outlook(self, values: Mapping[str, float]) -> Outlook | None:
        """None: nothing can be said, or nothing but that it lasts."""
        if len(self.days) < values["min_days"] * 0.7 or self.days[-1][0] - self.days[0][0] < values["min_days"]:
            return None
        today = self.days[-1][0]
        if self.is_charged(today):
            return None
        first = median(level for _, level in self.days[:5])
        level = median(level for _, level in self.days[-3:])
        if first - level < values["min_drop"]:
            return None
        slope = self._slope(today)
        if slope is None or slope.per_day >= 0:
            return None
        return self._continued(slope, min(level, slope.at), values)

    def _slope(self, today: int) -> Slope | None:
        """That of the whole time, or that of the last weeks where those are steeper."""
        whole = theil_sen(self.days, _APART_DAYS)
        if whole is None or whole.per_day < CHARGED_PER_DAY:
            return None
        recent = theil_sen([each for each in self.days if each[0] > today - RECENT_DAYS], _APART_DAYS)
        if recent is None:
            return whole
        is_cliff = recent.per_day < 1.5 * whole.per_day and recent.agreement >= 0.9
        return recent if is_cliff and recent.per_day < 0 else whole

    def _continued(self, slope: Slope, level: float, values: Mapping[str, float]) -> Outlook | None:
        left = max(0.0, level - values["empty_at"])
        days = left / -slope.per_day
        horizon = values["horizon_days"]
        # Even a perfect line bends: a tenth of the way, and three days.
        margin = 3 + days / 10
        earliest = max(0.0, min(left / -slope.steep, days - margin))
        latest = max(left / -slope.flat if slope.flat < 0 else 3 * days + margin, days + margin)
        tell_days = values["tell_days"]
        soon = sum(1 for each in slope.slopes if each < 0 and left / -each <= tell_days) / len(slope.slopes)
        # That it is empty so soon: it becomes likely on the day on which people are told.
        probability = max(soon, LIKELY) if days <= tell_days else min(soon, LIKELY - 0.01)
        known = within(0, len(self.days) / values["min_days"], 1)
        unsteady = within(0, (latest - earliest) / (4 * days + 4 * margin), 1)
        confidence = slope.agreement * known * (1 - 0.5 * unsteady)
        if days > horizon or confidence < values["confidence_min"]:
            return None
        indicators: tuple[JsonObject, ...] = (
            {"name": "battery_level", "value": round(level), "unit": "%"},
            {"name": "battery_slope", "value": round(slope.per_day, 3), "unit": "% per day"},
            {"name": "days_observed", "value": self.days[-1][0] - self.days[0][0] + 1, "unit": "days"},
            {"name": "share_of_falling_pairs", "value": round(slope.agreement, 2)},
        )
        return Outlook(
            days, earliest, min(latest, 4 * horizon), probability, confidence, level, slope.per_day, indicators
        )

    # Memory: runs of equal days are written once.

    def as_json(self) -> JsonObject:
        runs: list[list[int]] = []
        for day, level in self.days:
            if runs and runs[-1][1] == day - 1 and runs[-1][2] == level:
                runs[-1][1] = day
            else:
                runs.append([day, day, level])
        return {"runs": [list(run) for run in runs], "replaced": list(self.replaced)}

    @classmethod
    def from_json(cls, body: JsonValue) -> "Battery":
        if not isinstance(body, Mapping):
            return cls()
        runs, replaced = body["runs"], body["replaced"]
        if not isinstance(runs, list | tuple) or not isinstance(replaced, list | tuple):
            raise TypeError("runs and replaced are lists")
        days: list[tuple[int, int]] = []
        for run in runs:
            if not isinstance(run, list | tuple):
                raise TypeError("a run is a list")
            first, last, level = (int(str(each)) for each in run)
            if last - first > DAYS_MAX:
                raise ValueError("a run is too long")
            days += [(day, level) for day in range(first, last + 1)]
        return cls(days[-DAYS_MAX:], [int(str(day)) for day in replaced][-REPLACED_KEPT:])
