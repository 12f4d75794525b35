"""All that is heard through a bridge, whichever of its devices says it: how long nobody spoke, at the longest."""

from datetime import datetime, timedelta

from hub_agent.core.expectation import number_in
from hub_agent.model.json import JsonObject

DAY = timedelta(days=1)
# Only where some device speaks by the clock is it known at night, and while people are away, that somebody must speak.
LONGEST_MAX = timedelta(minutes=30)


class Stream:
    """`note` is on the path of every message from behind a bridge. Believed after a whole day, so that the night is in it."""

    __slots__ = ("_counted_at", "_day_ends_at", "_days", "_longest_today", "_longest_yesterday", "last_at")

    def __init__(self, now: datetime) -> None:
        self.last_at = now
        self._counted_at: datetime | None = None
        self._longest_today = self._longest_yesterday = timedelta(0)
        self._day_ends_at = now + DAY
        self._days = 0

    def note(self, now: datetime) -> None:
        self.last_at = now
        before, self._counted_at = self._counted_at, now
        if before is None:
            return
        self._longest_today = max(self._longest_today, now - before)
        if now >= self._day_ends_at:
            self._longest_yesterday, self._longest_today = self._longest_today, timedelta(0)
            self._day_ends_at = now + DAY
            self._days += 1

    def pause(self, now: datetime) -> None:
        """The next gap is no one's doing: it was ours, or that of the bridge."""
        self.last_at = max(self.last_at, now)
        self._counted_at = None

    def shift(self, by: timedelta) -> None:
        self.last_at += by
        self._day_ends_at += by
        if self._counted_at is not None:
            self._counted_at += by

    def longest(self) -> timedelta | None:
        """None: not known yet, or nobody there speaks by the clock."""
        longest = max(self._longest_today, self._longest_yesterday)
        return longest if self._days and longest <= LONGEST_MAX else None

    def as_json(self) -> JsonObject:
        return {"longest_s": round(max(self._longest_today, self._longest_yesterday).total_seconds(), 1)}

    @classmethod
    def from_json(cls, body: JsonObject, now: datetime) -> "Stream":
        stream = cls(now)
        longest_s = number_in(body.get("longest_s"))
        if longest_s is not None and longest_s > 0:
            stream._longest_yesterday, stream._days = timedelta(seconds=longest_s), 1
        return stream
