"""The home as it stood at some instant, as far as that is known, and how instants are told to its people.

What has not changed since an instant was so at that instant. What has changed since is known if the records reach back that far; what stands in
no record (whether a rule was on) or is older than all of them is not. So an answer about the past says what it does not know.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hub_agent.core.automation.clock_text import to_clock_time
from hub_agent.core.automation.exchange import Exchange
from hub_agent.core.automation.world import Looked, World
from hub_agent.core.time_of_day import DAY, instant_of, zone
from hub_agent.model.ids import EntityId
from hub_agent.model.state import EntityState

_AGO = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)\s*([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

# The hub shows these as entities, but they belong to no device: there are no records of them.
UNRECORDED_DOMAINS = frozenset({"automation", "script", "sun", "zone"})


@dataclass(frozen=True, slots=True)
class Recorded:
    """The states of an instant as the records tell them. When `begins_at` is later than that instant, there are none."""

    states: Mapping[EntityId, EntityState]
    begins_at: datetime


@dataclass(slots=True)
class WorldAsOf:
    """Fills world.World with the states of `at` where they are known, else with the present ones; and notes which of those may have been others then."""

    world: World
    at: datetime
    past: Mapping[EntityId, EntityState] | None = None
    changed: set[str] = field(default_factory=set)
    attributes_changed: set[str] = field(default_factory=set)

    def state(self, entity_id: EntityId, /) -> EntityState | None:
        seen = self.world.state(entity_id)
        if self.past is not None:
            if entity_id in self.past:
                return self.past[entity_id]
            if seen is not None and seen.changed_at > self.at and _domain(entity_id) not in UNRECORDED_DOMAINS:
                return None  # it came to the home later
        if seen is not None and seen.changed_at > self.at:
            self.changed.add(entity_id)
        elif seen is not None and seen.updated_at > self.at:
            self.attributes_changed.add(entity_id)
        return seen

    def entity_ids(self) -> Iterable[EntityId]:
        if self.past is None:
            return self.world.entity_ids()
        present = (each for each in self.world.entity_ids() if _domain(each) in UNRECORDED_DOMAINS)
        return dict.fromkeys([*self.past, *present])


@dataclass(slots=True)
class AsOf:
    """`at` is what is asked about, `now` when it is asked."""

    exchange: Exchange
    at: datetime
    now: datetime
    recorded: Recorded | None = None

    @property
    def past(self) -> Mapping[EntityId, EntityState] | None:
        """The states of `at`, if the records reach back that far."""
        recorded = self.recorded
        return recorded.states if recorded is not None and recorded.begins_at <= self.at else None

    @property
    def is_past(self) -> bool:
        return self.at < self.now

    @contextmanager
    def looking(self) -> Iterator[WorldAsOf]:
        """Conditions and templates see that home inside; what they have looked at is in `exchange.outlook.looked`."""
        outlook = self.exchange.outlook
        before = outlook.world, outlook.now, outlook.looked
        world = WorldAsOf(outlook.world, self.at, self.past)
        outlook.world, outlook.now, outlook.looked = world, self.at, Looked()
        try:
            yield world
        finally:
            outlook.world, outlook.now, outlook.looked = before

    def state(self, entity_id: str) -> EntityState | None:
        return WorldAsOf(self.exchange.world, self.at, self.past).state(EntityId(entity_id))

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


def _domain(entity_id: str) -> str:
    return entity_id.partition(".")[0]


def read_since(text: str, now: datetime, time_zone: str) -> datetime:
    """`7d`, `36h`, `90m` ago, or an instant as `read_instant` takes it. Raises ValueError with words for people."""
    ago = _AGO.fullmatch(text.strip().lower())
    if ago is None:
        return read_instant(text, now, time_zone, "7d, 36h, 07:30")
    try:
        return now - timedelta(**{_UNITS[ago[2]]: float(ago[1])})
    except OverflowError as err:
        raise ValueError(f"'{text}' is before all time.") from err


def read_instant(text: str, now: datetime, time_zone: str, such_as: str = "07:30") -> datetime:
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
        raise ValueError(f"'{text}' is not a time such as {such_as} or '2026-01-14 07:30'.") from err
    if found.tzinfo is None:
        found = instant_of(found.date(), found.time(), tz)
    if found > now:
        raise ValueError(f"'{text}' has not come yet: it is {now.astimezone(tz):%Y-%m-%d %H:%M:%S} in this home.")
    return found
