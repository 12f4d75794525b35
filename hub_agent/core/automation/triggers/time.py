"""`time`: at a time of day, or when a date-time helper or a timestamp says so."""

from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta

from hub_agent.core.automation.clock_text import instant_of_entity, read_clock_time
from hub_agent.core.automation.exchange import Attachment, Exchange
from hub_agent.core.automation.reading import Fields, is_entity_id, items_of, kind_of, read_choices
from hub_agent.core.automation.triggers.clock import AttachedClock
from hub_agent.core.automation.triggers.trigger import NeverHeld, Reader, Recurring
from hub_agent.core.automation.values import read_duration, read_value
from hub_agent.core.time_of_day import WEEKDAYS, next_daily, zone
from hub_agent.errors import DefinitionError
from hub_agent.model.ids import EntityId
from hub_agent.model.json import JsonValue
from hub_agent.model.state import StateChanged

DAYS_AHEAD_MAX = 8
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class EntityTime:
    """The time that an entity holds, plus an offset, on some weekdays."""

    entity_id: str
    offset: timedelta = timedelta()
    weekdays: frozenset[str] = frozenset(WEEKDAYS)

    def next_after(self, after: datetime, exchange: Exchange) -> datetime | None:
        tz = zone(exchange.place.time_zone)
        found = instant_of_entity(self.entity_id, exchange.world.state(EntityId(self.entity_id)), tz)
        if isinstance(found, time):
            wall = datetime(2000, 1, 1, found.hour, found.minute, found.second) + self.offset  # noqa: DTZ001 - wraps round midnight
            return DailyTimes((wall.time(),), self.weekdays).next_after(after, exchange)
        if found is None or found + self.offset <= after:
            return None
        due = found + self.offset
        return due if WEEKDAYS[due.astimezone(tz).weekday()] in self.weekdays else None


@dataclass(frozen=True, slots=True)
class DailyTimes:
    """Fixed times of day, on some weekdays."""

    times: tuple[time, ...]
    weekdays: frozenset[str]
    time_zone: str | None = None

    def next_after(self, after: datetime, exchange: Exchange) -> datetime | None:
        tz = zone(self.time_zone or exchange.place.time_zone)
        found: list[datetime] = []
        for at in self.times:
            moment = after
            for _ in range(DAYS_AHEAD_MAX):
                moment = next_daily(at, tz, moment)
                if WEEKDAYS[moment.astimezone(tz).weekday()] in self.weekdays:
                    found.append(moment)
                    break
        return min(found, default=None)

    def attach(self, attachment: Attachment, now: datetime) -> AttachedClock:
        return AttachedClock(self, attachment, now)


@dataclass(frozen=True, slots=True)
class TimeSource:
    daily: DailyTimes
    entities: tuple[EntityTime, ...]

    def next_after(self, after: datetime, exchange: Exchange) -> datetime | None:
        sources: tuple[Recurring, ...] = (self.daily, *self.entities)
        found = [each.next_after(after, exchange) for each in sources]
        return min((at for at in found if at is not None), default=None)

    def attach(self, attachment: Attachment, now: datetime) -> "AttachedTime":
        return AttachedTime(self, attachment, now)


class AttachedEntity(AttachedClock):
    def __init__(self, source: EntityTime, attachment: Attachment, now: datetime) -> None:
        self.time = source
        super().__init__(source, attachment, now, name=f"{source.entity_id}{source.offset}")

    def told(self, due: datetime) -> dict[str, object]:
        name = self.time.entity_id
        return {**super().told(due), "entity_id": name, "description": f"time set in {name}"}


class AttachedTime(NeverHeld):
    """Fixed times under one alarm; each entity under its own, set again when the entity changes."""

    def __init__(self, source: TimeSource, attachment: Attachment, now: datetime) -> None:
        self._exchange = attachment.exchange
        self._fixed = AttachedClock(source.daily, attachment, now)
        self._entities = [AttachedEntity(each, attachment, now) for each in source.entities]
        attachment.listen_states({each.entity_id for each in source.entities}, self._handle)

    def schedule(self, now: datetime) -> None:
        for each in (self._fixed, *self._entities):
            each.schedule(now)

    def told(self, due: datetime) -> dict[str, object]:
        for each in self._entities:
            if each.time.next_after(due - MICROSECOND, self._exchange) == due:
                return each.told(due)
        return self._fixed.told(due)

    def _handle(self, change: StateChanged, now: datetime) -> None:
        for each in self._entities:
            if each.time.entity_id == change.entity_id:
                # Just before: an instant that is now, set now, is due; at a start it has been due already.
                each.schedule(now - MICROSECOND)


def read_time(fields: Fields, reader: Reader) -> TimeSource:
    where = fields.path("at")
    times: list[time] = []
    entities: list[EntityTime] = []
    for item in items_of(fields.require("at")):
        found = _read_at(item, reader, where)
        if isinstance(found, time):
            times.append(found)
        else:
            entities.append(found)
    if not times and not entities:
        raise DefinitionError("names no time", where)
    weekdays = frozenset(WEEKDAYS)
    if fields.has("weekday"):
        weekdays = frozenset(read_choices(fields.take("weekday"), WEEKDAYS, fields.path("weekday")))
    return TimeSource(DailyTimes(tuple(times), weekdays), tuple(replace(each, weekdays=weekdays) for each in entities))


def _read_at(item: JsonValue, reader: Reader, where: str) -> time | EntityTime:
    if isinstance(item, str):
        text = reader.limited(read_value(item, reader.templates, where), where)
        if isinstance(text, str) and is_entity_id(text):
            return EntityTime(_check_time_entity(text, where))
        return read_clock_time(text, where)
    if not isinstance(item, int | float | bool) and item is not None:
        fields = Fields(item, where)
        entity_id = _check_time_entity(fields.text("entity_id"), where)
        offset = read_duration(fields.take("offset", 0), reader.templates, fields.path("offset"), may_be_negative=True)
        fields.finish()
        if offset.known is None:
            raise DefinitionError("an offset cannot be a template here", fields.path("offset"))
        return EntityTime(entity_id, offset.known)
    raise DefinitionError(f"must be a time such as '07:30' in quotes, not {kind_of(item)}", where)


def _check_time_entity(entity_id: str, where: str) -> str:
    if not is_entity_id(entity_id) or entity_id.partition(".")[0] not in {"input_datetime", "sensor"}:
        raise DefinitionError(f"'{entity_id}' is neither a time nor an input_datetime nor a timestamp sensor", where)
    return entity_id
