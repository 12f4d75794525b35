"""`time`: at a time of day, or when a date-time helper or a timestamp says so."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from hub_agent.core.automation.clock_text import instant_of_entity, read_clock_time
from hub_agent.core.automation.exchange import Attachment, Exchange
from hub_agent.core.automation.reading import Fields, is_entity_id, items_of, kind_of, read_choices
from hub_agent.core.automation.triggers.clock import AttachedClock, told_at
from hub_agent.core.automation.triggers.trigger import NeverHeld, Reader
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
    """The time that an entity holds, plus an offset."""

    entity_id: str
    offset: timedelta = timedelta()


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
        found = [self.daily.next_after(after, exchange)]
        found += [_next_of_entity(each, after, exchange) for each in self.entities]
        return min((at for at in found if at is not None), default=None)

    def attach(self, attachment: Attachment, now: datetime) -> "AttachedTime":
        return AttachedTime(self, attachment, now)


class AttachedTime(NeverHeld):
    """Fixed times under one alarm; each entity under its own, set again when the entity changes."""

    def __init__(self, source: TimeSource, attachment: Attachment, now: datetime) -> None:
        self._source = source
        self._attachment = attachment
        self._clock = AttachedClock(source.daily, attachment, now) if source.daily.times else None
        attachment.listen_states({each.entity_id for each in source.entities}, self._handle)
        self._schedule_entities(now)

    def schedule(self, now: datetime) -> None:
        if self._clock is not None:
            self._clock.schedule(now)
        self._schedule_entities(now)

    def _schedule_entities(self, now: datetime, only: str | None = None) -> None:
        for each in self._source.entities:
            if only is None or each.entity_id == only:
                self._schedule_entity(each, now)

    def _handle(self, change: StateChanged, now: datetime) -> None:
        # Just before: an instant that is now, set now, is due; at a start it has been due already.
        self._schedule_entities(now - MICROSECOND, change.entity_id)

    def _schedule_entity(self, each: EntityTime, now: datetime) -> None:
        name = f"{each.entity_id}{each.offset}"
        due = _next_of_entity(each, now, self._attachment.exchange)
        if due is None:
            self._attachment.cancel_alarm(name)
            return

        def wake(at: datetime) -> None:
            self._schedule_entity(each, max(due, at))
            local = due.astimezone(zone(self._attachment.exchange.place.time_zone))
            if WEEKDAYS[local.weekday()] in self._source.daily.weekdays:
                told = told_at(due, self._attachment)
                words = f"time set in {each.entity_id}"
                self._attachment.fire({**told, "entity_id": each.entity_id, "description": words}, at)

        self._attachment.set_alarm(name, due, wake, is_elapsed=False)


def _next_of_entity(each: EntityTime, after: datetime, exchange: Exchange) -> datetime | None:
    seen = exchange.world.state(EntityId(each.entity_id))
    found = instant_of_entity(each.entity_id, seen, zone(exchange.place.time_zone))
    if isinstance(found, time):
        tz = zone(exchange.place.time_zone)
        wall = datetime(2000, 1, 1, found.hour, found.minute, found.second) + each.offset  # noqa: DTZ001 - wraps round midnight
        return next_daily(wall.time(), tz, after)
    if found is None or found + each.offset <= after:
        return None
    return found + each.offset


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
    return TimeSource(DailyTimes(tuple(times), weekdays), tuple(entities))


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
