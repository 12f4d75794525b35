"""The home as it stood at some instant, as far as that is known, and how instants are told to its people.

What has not changed since an instant was so at that instant. What has changed since is not known: the mirror keeps states as packed
records for the cloud, not to look them up by time. So an answer about the past says what it does not know.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from hub_agent.core.automation.clock_text import to_clock_time
from hub_agent.core.automation.exchange import Exchange
from hub_agent.core.automation.world import Looked, World
from hub_agent.core.time_of_day import DAY, instant_of, zone
from hub_agent.model.ids import EntityId
from hub_agent.model.state import EntityState


@dataclass(slots=True)
class WorldAsOf:
    """Fills world.World with the present states, and notes which of them may have been others at `at`."""

    world: World
    at: datetime
    changed: set[str] = field(default_factory=set)
    attributes_changed: set[str] = field(default_factory=set)

    def state(self, entity_id: EntityId, /) -> EntityState | None:
        seen = self.world.state(entity_id)
        if seen is not None and seen.changed_at > self.at:
            self.changed.add(entity_id)
        elif seen is not None and seen.updated_at > self.at:
            self.attributes_changed.add(entity_id)
        return seen

    def entity_ids(self) -> Iterable[EntityId]:
        return self.world.entity_ids()


@dataclass(slots=True)
class AsOf:
    """`at` is what is asked about, `now` when it is asked."""

    exchange: Exchange
    at: datetime
    now: datetime

    @property
    def is_past(self) -> bool:
        return self.at < self.now

    @contextmanager
    def looking(self) -> Iterator[WorldAsOf]:
        """Conditions and templates see that home inside; what they have looked at is in `exchange.outlook.looked`."""
        outlook = self.exchange.outlook
        before = outlook.world, outlook.now, outlook.looked
        world = WorldAsOf(outlook.world, self.at)
        outlook.world, outlook.now, outlook.looked = world, self.at, Looked()
        try:
            yield world
        finally:
            outlook.world, outlook.now, outlook.looked = before

    def state(self, entity_id: str) -> EntityState | None:
        return self.exchange.world.state(EntityId(entity_id))

    def clock(self, instant: datetime) -> str:
        """As the clocks of the home show it; with the day if that is not the day asked about."""
        tz = zone(self.exchange.place.time_zone)
        local = instant.astimezone(tz)
        is_same_day = local.date() == self.at.astimezone(tz).date()
        return local.strftime("%H:%M:%S" if is_same_day else "%Y-%m-%d %H:%M:%S")

    def plain(self, value: object) -> str:
        """A value for people to read: instants by their clocks."""
        if isinstance(value, str) and len(value) > len("2026-01-14"):
            try:
                at = datetime.fromisoformat(value)
            except ValueError:
                return value
            return value if at.tzinfo is None else self.clock(at)
        return str(value)


def read_instant(text: str, now: datetime, time_zone: str) -> datetime:
    """`07:30` (the latest such time), `2026-01-14 07:30`, or with an offset. Raises ValueError with words for people."""
    tz = zone(time_zone)
    today = now.astimezone(tz).date()
    at = to_clock_time(text)
    if at is not None:
        found = instant_of(today, at, tz)
        return found if found <= now else instant_of(today - DAY, at, tz)
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError as err:
        raise ValueError(f"'{text}' is not a time such as 07:30 or '2026-01-14 07:30'.") from err
    if found.tzinfo is None:
        found = instant_of(found.date(), found.time(), tz)
    if found > now:
        raise ValueError(f"'{text}' has not come yet: it is {now.astimezone(tz):%Y-%m-%d %H:%M:%S} in this home.")
    return found
