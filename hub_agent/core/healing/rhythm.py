"""When is a device silent? Judged against its own rhythm, and only if it has one.

A device that reports by the clock (a plug every 30 s, a climate sensor every few minutes and at least hourly) shows gaps
of the same order. One that reports only when something happens (a lamp, a door contact) shows gaps from seconds to days:
its silence says nothing, and only its dialect's availability can tell. So a rhythm is believed when there are enough gaps
and the longest is not out of all proportion to the usual one; the limit is then three times the longest of two days.
Sleepy battery sensors report more by day than by night, so they are given a full day before a shorter limit is believed.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from hub_agent.core.expectation import number_in
from hub_agent.model.json import JsonObject, JsonValue

GAPS_KEPT = 16
GAPS_NEEDED = 8
LONGEST_TO_USUAL_MAX = 12
PATIENCE = 3
LOOSE_TIMES = 3
LIMIT_MAINS_MIN = timedelta(minutes=10)
LIMIT_BATTERY_MIN = timedelta(hours=1)
LIMIT_BATTERY_UNKNOWN = timedelta(hours=25)
DAY = timedelta(days=1)
# Reports nearer together than this are one: a device tells its entities one after the other.
BURST = timedelta(seconds=1)
NO_GAP = timedelta(0)


class Rhythm:
    """The gaps between a device's reports. `note` is on the path of every message: it only remembers."""

    __slots__ = ("_counted_at", "_day_ends_at", "_gaps", "_longest_today", "_longest_yesterday", "_since", "last_at")

    def __init__(self, now: datetime) -> None:
        self.last_at = now
        self._counted_at: datetime | None = now
        self._since = now
        self._gaps: list[timedelta] = []
        self._longest_today = NO_GAP
        self._longest_yesterday = NO_GAP
        self._day_ends_at = now + DAY

    def note(self, now: datetime) -> None:
        self.last_at = now
        if self._counted_at is None:
            self._counted_at = now
            return
        gap = now - self._counted_at
        if gap < BURST:
            return
        self._counted_at = now
        if now >= self._day_ends_at:
            self._begin_day(now)
        self._longest_today = max(self._longest_today, gap)
        gaps = self._gaps
        if len(gaps) >= GAPS_KEPT:
            del gaps[0]
        gaps.append(gap)

    def pause(self, now: datetime) -> None:
        """The next gap is not the device's doing (we were away, or it was broken): do not learn from it."""
        self.last_at = max(self.last_at, now)
        self._counted_at = None

    def shift(self, by: timedelta) -> None:
        """The clock was set."""
        self.last_at += by
        self._since += by
        self._day_ends_at += by
        if self._counted_at is not None:
            self._counted_at += by

    def usual(self) -> timedelta | None:
        """The usual gap, if there is a rhythm to speak of."""
        if len(self._gaps) < GAPS_NEEDED:
            return None
        usual = sorted(self._gaps)[len(self._gaps) // 2]
        return usual if self._longest() <= usual * LONGEST_TO_USUAL_MAX else None

    @property
    def is_loose(self) -> bool:
        """It may speak when it is used, which has happened to be often: then longer silences are to be learnt."""
        usual = self.usual()
        return usual is not None and self._longest() > usual * LOOSE_TIMES

    def limit(self, now: datetime, *, is_battery: bool) -> timedelta | None:
        """Silence longer than this is wrong; None: its silence says nothing."""
        if self.usual() is None:
            return None
        if not is_battery:
            least = LIMIT_MAINS_MIN
        else:
            least = LIMIT_BATTERY_MIN if now - self._since >= DAY else LIMIT_BATTERY_UNKNOWN
        return max(self._longest() * PATIENCE, least)

    def as_json(self) -> JsonObject:
        return {
            "since": self._since.isoformat(),
            "gaps_s": [round(gap.total_seconds(), 1) for gap in self._gaps],
            "longest_s": round(self._longest().total_seconds(), 1),
        }

    @classmethod
    def from_json(cls, body: JsonObject, now: datetime) -> "Rhythm":
        rhythm = cls(now)
        rhythm._counted_at = None
        since = body.get("since")
        if isinstance(since, str):
            rhythm._since = min(now, datetime.fromisoformat(since))
        rhythm._gaps = [timedelta(seconds=gap) for gap in _numbers(body.get("gaps_s"))][-GAPS_KEPT:]
        longest_s = number_in(body.get("longest_s")) or 0.0
        rhythm._longest_yesterday = timedelta(seconds=longest_s)
        return rhythm

    def _longest(self) -> timedelta:
        return max(self._longest_today, self._longest_yesterday)

    def _begin_day(self, now: datetime) -> None:
        self._longest_yesterday = self._longest_today
        self._longest_today = NO_GAP
        self._day_ends_at = now + DAY


def _numbers(values: JsonValue) -> list[float]:
    if not isinstance(values, Sequence) or isinstance(values, str):
        return []
    return [number for value in values if (number := number_in(value)) is not None]
