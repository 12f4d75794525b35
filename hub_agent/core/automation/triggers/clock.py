"""What the kinds that follow the clock share: one alarm at a time, and what happened last is not repeated."""

from datetime import datetime, timedelta

from hub_agent.core.automation.exchange import Attachment
from hub_agent.core.automation.triggers.trigger import NeverHeld, Recurring
from hub_agent.core.time_of_day import zone

# A clock that is set back by more than this was wrong before; what it showed does not count as having happened.
SET_BACK_MAX = timedelta(hours=1)


class AttachedClock(NeverHeld):
    def __init__(self, source: Recurring, attachment: Attachment, now: datetime, *, name: str = "clock") -> None:
        self._source = source
        self._attachment = attachment
        self._name = name
        self._due: datetime | None = None
        self._last: datetime | None = None
        self.schedule(now)

    def schedule(self, now: datetime) -> None:
        after = now
        if self._last is not None and now < self._last <= now + SET_BACK_MAX:
            after = self._last
        self._due = self._source.next_after(after, self._attachment.exchange)
        if self._due is None:
            self._attachment.cancel_alarm(self._name)
        else:
            self._attachment.set_alarm(self._name, self._due, self._wake, is_elapsed=False)

    def _wake(self, now: datetime) -> None:
        due = self._due or now
        self._last = due
        self.schedule(max(due, now))
        self._attachment.fire(self.told(due), now)

    def told(self, due: datetime) -> dict[str, object]:
        """What the trigger tells of the time that was due."""
        return {"now": due.astimezone(zone(self._attachment.exchange.place.time_zone)), "entity_id": None}
