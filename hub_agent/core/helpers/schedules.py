"""schedule: on at the times of the week that were set, off at others. The clocks of the home decide, also on the days that have 23 or 25 hours."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hub_agent.core.helpers.kind import Body, Kind, Settings, Told, bad_setting
from hub_agent.core.time_of_day import DAY, instant_of
from hub_agent.errors import NotPossible
from hub_agent.model.device import Capability
from hub_agent.model.json import JsonObject, JsonValue

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
BLOCKS_A_DAY_MAX = 100


@dataclass(frozen=True, slots=True)
class Block:
    """`to` is None at the end of the day."""

    since: time
    to: time | None
    data: JsonObject


@dataclass(frozen=True, slots=True)
class Schedule(Kind):
    blocks_by_day: tuple[tuple[Block, ...], ...]

    verbs = frozenset[str]()
    is_kept = False

    def begin(self, kept: JsonObject | None, local: datetime, *, is_start: bool) -> JsonObject:
        """It follows from the clock alone."""
        del kept, is_start
        now = local.astimezone(UTC)
        tz = local.tzinfo
        assert isinstance(tz, ZoneInfo), "the time is told in the time zone of the home"
        body: Body = {"is_on": False, "data": {}, "next_at": None}
        for since, to, block in self._ahead(local.date(), tz):
            if since <= now < to:
                body |= {"is_on": True, "data": block.data}
            nearest = since if since > now else to
            if nearest > now and (body["next_at"] is None or nearest.isoformat() < str(body["next_at"])):
                body["next_at"] = nearest.isoformat()
        return body

    def tell(self, body: JsonObject, verb: str, data: JsonObject, local: datetime) -> Told:
        del body, verb, data, local
        raise NotPossible("it follows the clock, and cannot be told")

    def show(self, body: JsonObject, local: datetime) -> tuple[str, JsonObject]:
        data, next_at = body["data"], body["next_at"]
        shown: Body = dict(data) if isinstance(data, Mapping) else {}
        shown["next_event"] = None if next_at is None else _at(body).astimezone(local.tzinfo).isoformat()
        return "on" if body["is_on"] is True else "off", shown

    def capabilities(self) -> Mapping[str, Capability]:
        return {"on": Capability("bool", "r")}

    def due(self, body: JsonObject) -> datetime | None:
        return None if body["next_at"] is None else _at(body)

    def elapse(self, body: JsonObject, local: datetime) -> Told:
        return Told(self.begin(body, local, is_start=False))

    def shift(self, body: JsonObject, by: timedelta, local: datetime) -> JsonObject:
        del by
        return self.begin(body, local, is_start=False)

    def _ahead(self, today: date, tz: ZoneInfo) -> Iterator[tuple[datetime, datetime, Block]]:
        """The blocks of a week and a day, as instants. One that lies in an hour that does not exist is none."""
        for offset in range(len(DAYS) + 1):
            day = today + offset * DAY
            for block in self.blocks_by_day[day.weekday()]:
                since = instant_of(day, block.since, tz)
                to = instant_of(day + DAY, time(), tz) if block.to is None else instant_of(day, block.to, tz)
                if since < to:
                    yield since, to, block


def _at(body: JsonObject) -> datetime:
    return datetime.fromisoformat(str(body["next_at"]))


def read_schedule(settings: Settings) -> Schedule:
    return Schedule(tuple(_read_day(settings.raw(day), day) for day in DAYS))


def _read_day(value: JsonValue, day: str) -> tuple[Block, ...]:
    if value is None:
        return ()
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) > BLOCKS_A_DAY_MAX:
        raise bad_setting(
            day, f"must be a list of at most {BLOCKS_A_DAY_MAX} times such as {{from: '08:00', to: '17:00'}}"
        )
    blocks = sorted((_read_block(each, day) for each in value), key=lambda block: block.since)
    for one, other in pairwise(blocks):
        if one.to is None or one.to > other.since:
            raise bad_setting(
                day, f"has times that overlap: the one from {other.since} begins before the one from {one.since} ends"
            )
    return tuple(blocks)


def _read_block(value: JsonValue, day: str) -> Block:
    if not isinstance(value, Mapping):
        raise bad_setting(day, f"must hold times such as {{from: '08:00', to: '17:00'}}, not {value!r:.80}")
    since, to = _read_clock(value.get("from"), day), None
    if value.get("to") not in {"24:00", "24:00:00"}:
        to = _read_clock(value.get("to"), day)
        if to <= since:
            raise bad_setting(day, f"has a time that ends at {to}, which is not after it begins at {since}")
    data = value.get("data")
    if data is not None and not isinstance(data, Mapping):
        raise bad_setting(day, f"has data that is no mapping: {data!r:.80}")
    return Block(since, to, data or {})


def _read_clock(value: JsonValue, day: str) -> time:
    try:
        clock = time.fromisoformat(value if isinstance(value, str) else "")
    except ValueError as err:
        raise bad_setting(day, f"has {value!r:.40}, which is no time such as '08:00:00'") from err
    if clock.tzinfo is not None:
        raise bad_setting(day, f"has {value!r:.40}: times of the home's clocks have no time zone")
    return clock
