"""input_datetime: a date, a time of day, or both, as the wall clock of the home shows them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time

from hub_agent.core.expectation import number_in
from hub_agent.core.helpers.kind import Body, Kind, Settings, Told, bad_setting
from hub_agent.errors import NotPossible
from hub_agent.model.device import Capability
from hub_agent.model.json import JsonObject, JsonValue

_MIDNIGHT = time(0)


@dataclass(frozen=True, slots=True)
class Date(Kind):
    has_date: bool
    has_time: bool
    initial: str | None

    verbs = frozenset({"set_datetime"})

    def begin(self, kept: JsonObject | None, local: datetime, *, is_start: bool) -> JsonObject:
        today = datetime.combine(local.date(), _MIDNIGHT)
        held = None if kept is None else _parsed(kept.get("wall"), today)
        if held is None or (is_start and self.initial is not None):
            held = _parsed(self.initial, today) or today
        return self._body(held.date(), held.time())

    def tell(self, body: JsonObject, verb: str, data: JsonObject, local: datetime) -> Told:
        del verb
        held = datetime.fromisoformat(str(body["wall"]))
        day: date | None = None
        at: time | None = None
        if "timestamp" in data or "datetime" in data:
            whole = (
                _from_timestamp(data["timestamp"], local) if "timestamp" in data else _parsed(data["datetime"], held)
            )
            if whole is None:
                raise NotPossible(f"{data.get('timestamp', data.get('datetime'))!r} is no date and time")
            day, at = whole.date(), whole.time()
        if "date" in data:
            day = _date_of(data["date"])
        if "time" in data:
            at = _time_of(data["time"])
        if (day is None or not self.has_date) and (at is None or not self.has_time):
            raise NotPossible(f"it holds {self._what()}: give {self._needs()}")
        return Told(self._body(day or held.date(), at or held.time()))

    def show(self, body: JsonObject, local: datetime) -> tuple[str, JsonObject]:
        wall = datetime.fromisoformat(str(body["wall"]))
        shown: Body = {"has_date": self.has_date, "has_time": self.has_time}
        if self.has_date:
            shown |= {"year": wall.year, "month": wall.month, "day": wall.day}
        if self.has_time:
            shown |= {"hour": wall.hour, "minute": wall.minute, "second": wall.second}
        if self.has_date:
            shown["timestamp"] = wall.replace(tzinfo=local.tzinfo).timestamp()
        else:
            shown["timestamp"] = wall.hour * 3600 + wall.minute * 60 + wall.second
        return wall.strftime(self._form()), shown

    def capabilities(self) -> Mapping[str, Capability]:
        return {"datetime": Capability("text", "rw")}

    def _body(self, day: date, at: time) -> JsonObject:
        """A device without a time stands at midnight."""
        time_then = at.replace(microsecond=0, tzinfo=None) if self.has_time else _MIDNIGHT
        return {"wall": datetime.combine(day, time_then).isoformat()}

    def _form(self) -> str:
        return " ".join([*(["%Y-%m-%d"] if self.has_date else []), *(["%H:%M:%S"] if self.has_time else [])])

    def _what(self) -> str:
        if self.has_date and self.has_time:
            return "a date and a time"
        return "a date" if self.has_date else "a time"

    def _needs(self) -> str:
        both = [*(["date"] if self.has_date else []), *(["time"] if self.has_time else []), "datetime", "timestamp"]
        return f"{', '.join(both[:-1])} or {both[-1]}"


def read_date(settings: Settings) -> Date:
    has_date, has_time = settings.flag("has_date") is True, settings.flag("has_time") is True
    if not has_date and not has_time:
        raise bad_setting("has_date", "it needs has_date or has_time")
    initial = settings.text("initial")
    if initial is not None and _parsed(initial, datetime(2000, 1, 1)) is None:  # noqa: DTZ001 any day will do
        raise bad_setting("initial", "must be such as '2026-11-22', '07:30:00' or '2026-11-22 07:30:00'")
    return Date(has_date, has_time, initial)


def _parsed(value: JsonValue, otherwise: datetime) -> datetime | None:
    """A date, a time or both; what is missing is taken from `otherwise`."""
    if not isinstance(value, str):
        return None
    for read in (
        lambda text: datetime.combine(otherwise.date(), time.fromisoformat(text)),
        lambda text: datetime.combine(date.fromisoformat(text), otherwise.time()),
        datetime.fromisoformat,
    ):
        try:
            found = read(value.strip())
        except ValueError:
            continue
        return found.replace(microsecond=0, tzinfo=None)
    return None


def _from_timestamp(value: JsonValue, local: datetime) -> datetime | None:
    seconds = number_in(value)
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(seconds, local.tzinfo).replace(microsecond=0, tzinfo=None)
    except (OverflowError, ValueError, OSError):
        return None


def _date_of(value: JsonValue) -> date:
    try:
        return date.fromisoformat(str(value))
    except ValueError as err:
        raise NotPossible(f"{value!r} is no date such as 2026-11-22") from err


def _time_of(value: JsonValue) -> time:
    try:
        return time.fromisoformat(str(value))
    except ValueError as err:
        raise NotPossible(f"{value!r} is no time such as 07:30:00") from err
