"""Functions of time in one time zone. None of them knows what time it is: `now` is the caller's."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from hub_agent.templating.bounds import TooLarge, check_size
from hub_agent.templating.defaults import NOT_GIVEN, or_default
from hub_agent.templating.numbers import is_number
from hub_agent.templating.plain import in_words

_DATE_AND_TIME = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6})\d*)?)?")
_ISO_LENGTH = re.compile(
    r"([-+]?)P(?:(\d{1,9}(?:\.\d{1,9})?)D)?"
    r"(?:T(?:(\d{1,9}(?:\.\d{1,9})?)H)?(?:(\d{1,9}(?:\.\d{1,9})?)M)?(?:(\d{1,9}(?:\.\d{1,9})?)S)?)?"
)
_LENGTH = re.compile(
    r"(?:(-?\d{1,9}) (?:days?,? ?)?)?(?:(-?)(?:(\d{1,9}):(?=\d+:\d+))?(?:(\d{1,9}):)?(\d{1,9}(?:\.\d{1,6})?)?)?"
)


class Times:
    def __init__(self, time_zone: tzinfo) -> None:
        self._time_zone = time_zone

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "as_datetime": _as_datetime,
            "as_local": self.as_local,
            "as_timedelta": _as_timedelta,
            "as_timestamp": self._as_timestamp,
            "strptime": _strptime,
            "timedelta_string": _timedelta_string,
            "timestamp_custom": self._timestamp_custom,
            "timestamp_local": self._timestamp_local,
            "timestamp_utc": _timestamp_utc,
        }

    def globals(self) -> dict[str, Any]:
        functions: dict[str, Any] = self.filters()
        return functions | {"timedelta": timedelta}

    def as_local(self, value: Any) -> Any:
        return self._aware(value).astimezone(self._time_zone)

    def _as_timestamp(self, value: Any, default: Any = NOT_GIVEN) -> Any:
        try:
            if isinstance(value, int | float) and not isinstance(value, bool):
                return float(value)
            return self._aware(value if isinstance(value, datetime) else _parsed(value)).timestamp()
        except (ValueError, TypeError, OverflowError, OSError):
            return or_default("as_timestamp", value, default)

    def _timestamp_custom(
        self,
        value: Any,
        date_format: str = "%Y-%m-%d %H:%M:%S",
        local: Any = True,  # noqa: FBT002 - Home Assistant's signature
        default: Any = NOT_GIVEN,
    ) -> Any:
        try:
            moment = datetime.fromtimestamp(float(value), self._time_zone if local else UTC)
            return check_size(moment.strftime(_check_format(date_format)))
        except (ValueError, TypeError, OverflowError, OSError):
            return or_default("timestamp_custom", value, default)

    def _timestamp_local(self, value: Any, default: Any = NOT_GIVEN) -> Any:
        try:
            return datetime.fromtimestamp(float(value), self._time_zone).isoformat()
        except (ValueError, TypeError, OverflowError, OSError):
            return or_default("timestamp_local", value, default)

    def _aware(self, moment: datetime) -> datetime:
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=self._time_zone)


def _timestamp_utc(value: Any, default: Any = NOT_GIVEN) -> Any:
    try:
        return datetime.fromtimestamp(float(value), UTC).isoformat()
    except (ValueError, TypeError, OverflowError, OSError):
        return or_default("timestamp_utc", value, default)


def _as_datetime(value: Any, default: Any = NOT_GIVEN) -> Any:
    """A timestamp is in UTC; what is said without a time zone stays without one."""
    try:
        if isinstance(value, datetime):
            return value
        if isinstance(value, date):
            return datetime.combine(value, time())
        return datetime.fromtimestamp(float(value), UTC) if is_number(value) else _parsed(value)
    except (ValueError, TypeError, OverflowError, OSError):
        if default is NOT_GIVEN and isinstance(value, str):
            return None
        return or_default("as_datetime", value, default)


def _parsed(text: Any) -> datetime:
    """ISO 8601, or such as `2026-1-9 7:05`. Raises ValueError, TypeError."""
    match = _DATE_AND_TIME.fullmatch(text)
    if match is None:
        return datetime.fromisoformat(text)
    *parts, fraction = match.groups()
    year, month, day, hour, minute, second = (int(part or 0) for part in parts)
    return datetime(year, month, day, hour, minute, second, int((fraction or "").ljust(6, "0")))  # noqa: DTZ001 - said without one


def _timedelta_string(value: Any, precision: int = 1) -> Any:
    return in_words(value, precision) if isinstance(value, timedelta) else value


def _check_format(text: str) -> str:
    if len(text) > 200 or re.search(r"%[-_0^#]*\d", text):  # `%999999Y` pads without end
        raise TooLarge("a format of time is too long or pads")
    return text


def _strptime(value: Any, date_format: str, default: Any = NOT_GIVEN) -> Any:
    try:
        return datetime.strptime(value, _check_format(date_format))  # noqa: DTZ007 - naive as in Home Assistant
    except (ValueError, TypeError, re.error):
        return or_default("strptime", value, default)


def _as_timedelta(value: Any) -> timedelta | None:
    """`1 day, 2:03:04`, `3:04` (minutes and seconds), `90`, `PT10M`; None for what is no length of time."""
    text = str(value).strip()
    try:
        if match := _ISO_LENGTH.fullmatch(text):
            sign, *parts = match.groups()
            length = _length(*parts) if any(parts) else None
            return -length if length is not None and sign == "-" else length
        match = _LENGTH.fullmatch(text)
        if match is None or not any(match.groups()):
            return None
        days, sign, *parts = match.groups()
        length = _length(None, *parts)
        return timedelta(days=int(days or 0)) + (-length if sign else length)
    except OverflowError:
        return None


def _length(days: str | None, hours: str | None, minutes: str | None, seconds: str | None) -> timedelta:
    return timedelta(*(float(days or 0), float(seconds or 0)), minutes=float(minutes or 0), hours=float(hours or 0))
