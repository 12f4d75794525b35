"""Reading definitions: every wrong thing is named with its path; nothing unknown passes silently."""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta

from hub_agent.errors import DefinitionError
from hub_agent.model.json import JsonValue

DEPTH_MAX = 60
DURATION_MAX = timedelta(days=3660)

_ENTITY_ID = re.compile(r"^[a-z0-9_]+\.[a-z0-9_]+$")
_CLOCK = re.compile(r"^([+-]?)(\d+):(\d{1,2})(?::(\d{1,2}(?:\.\d+)?))?$")
_TRUE_WORDS = frozenset({"true", "yes", "on", "enable", "1"})
_FALSE_WORDS = frozenset({"false", "no", "off", "disable", "0"})
_PARTS = ("days", "hours", "minutes", "seconds", "milliseconds")


class Fields:
    """A mapping of a definition, read key by key. `finish` refuses what nobody asked for."""

    def __init__(self, value: object, where: str) -> None:
        if not isinstance(value, Mapping):
            raise DefinitionError(f"must be a mapping, not {kind_of(value)}", where)
        if where.count("/") > DEPTH_MAX:
            raise DefinitionError(f"nested more than {DEPTH_MAX} levels deep", where)
        self.where = where
        self._left: dict[str, JsonValue] = {str(key): item for key, item in value.items()}

    def has(self, key: str) -> bool:
        return key in self._left

    def names(self) -> Iterator[str]:
        return iter(tuple(self._left))

    def take(self, key: str, default: JsonValue = None) -> JsonValue:
        return self._left.pop(key, default)

    def require(self, key: str) -> JsonValue:
        if key not in self._left:
            raise DefinitionError(f"'{key}' is missing", self.where)
        return self._left.pop(key)

    def one_of(self, new: str, old: str, default: JsonValue = None) -> JsonValue:
        """A key in its new or its old spelling; both at once is an error."""
        if new in self._left and old in self._left:
            raise DefinitionError(f"has both '{new}' and '{old}'", self.where)
        return self.take(new, self.take(old, default))

    def path(self, key: str) -> str:
        return f"{self.where}/{key}" if self.where else key

    def text(self, key: str) -> str:
        value = self.require(key)
        if not isinstance(value, str):
            raise DefinitionError(f"must be text, not {kind_of(value)}", self.path(key))
        return value

    def word(self, key: str) -> str:
        """Text, also where it looks like a number and was left without quotes."""
        value = self.take(key) if isinstance(self._left.get(key), int | float) else self.text(key)
        if isinstance(value, bool):
            raise DefinitionError(f"must be text, not {kind_of(value)}", self.path(key))
        return str(value)

    def finish(self) -> None:
        if self._left:
            names = ", ".join(f"'{name}'" for name in sorted(self._left))
            raise DefinitionError(f"unknown key {names}", self.where)


def kind_of(value: object) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return "true or false (write it in quotes if text is meant)"
        case int() | float():
            return "a number (write it in quotes if text is meant)"
        case str():
            return "text"
        case Mapping():
            return "a mapping"
        case _:
            return "a list"


def items_of(value: JsonValue) -> Sequence[JsonValue]:
    """One thing or a list of things."""
    if value is None:
        return ()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return value
    return (value,)


def read_entity_ids(value: JsonValue, where: str) -> tuple[str, ...]:
    found: list[str] = []
    for item in items_of(value):
        if not isinstance(item, str):
            raise DefinitionError(f"must be an entity id, not {kind_of(item)}", where)
        found += (part.strip().lower() for part in item.split(",") if part.strip())
    if not found:
        raise DefinitionError("names no entity", where)
    for entity_id in found:
        if not is_entity_id(entity_id):
            raise DefinitionError(f"'{entity_id}' is not an entity id such as light.kitchen", where)
    return tuple(dict.fromkeys(found))


def is_entity_id(text: str) -> bool:
    return _ENTITY_ID.match(text) is not None


def read_texts(value: JsonValue, where: str) -> tuple[str, ...]:
    texts = items_of(value)
    for text in texts:
        if not isinstance(text, str):
            raise DefinitionError(f"must be text, not {kind_of(text)}", where)
    return tuple(text for text in texts if isinstance(text, str))


def read_choice(value: JsonValue, choices: Sequence[str], where: str) -> str:
    if not isinstance(value, str) or value not in choices:
        raise DefinitionError(f"'{value}' is none of {', '.join(choices)}", where)
    return value


def read_choices(value: JsonValue, choices: Sequence[str], where: str) -> tuple[str, ...]:
    found = tuple(read_choice(item, choices, where) for item in items_of(value))
    if not found:
        raise DefinitionError(f"must name one of {', '.join(choices)}", where)
    return found


def read_boolean(value: JsonValue, where: str) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return value != 0
    if isinstance(value, str) and value.lower() in _TRUE_WORDS:
        return True
    if isinstance(value, str) and value.lower() in _FALSE_WORDS:
        return False
    raise DefinitionError(f"must be true or false, not {value!r}", where)


def read_integer(value: JsonValue, where: str, least: int, most: int) -> int:
    if isinstance(value, str) and value.strip().lstrip("-").isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise DefinitionError(f"must be a whole number from {least} to {most}, not {value!r}", where)
    return value


def to_number(value: object) -> float | None:
    """A finite number, also one written as text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def to_duration(value: object, *, may_be_negative: bool = False) -> timedelta:
    """Seconds, "HH:MM", "HH:MM:SS" or a mapping of parts. Raises ValueError with words."""
    found = _duration_of(value)
    if abs(found) > DURATION_MAX:
        raise ValueError(f"{value!r} is longer than {DURATION_MAX.days} days")
    if found < timedelta() and not may_be_negative:
        raise ValueError(f"{value!r} is negative")
    return found


def _duration_of(value: object) -> timedelta:
    if isinstance(value, Mapping):
        return _duration_of_parts(value)
    number = to_number(value)
    if number is not None:
        return _seconds(number)
    clock = _CLOCK.match(value.strip()) if isinstance(value, str) else None
    if clock is None:
        raise ValueError(f"{value!r} is not a duration such as 30, '00:05:00' or {{minutes: 5}}")
    sign, hours, minutes, seconds = clock.groups()
    found = _seconds(float(hours) * 3600 + float(minutes) * 60 + float(seconds or 0))
    return -found if sign == "-" else found


def _duration_of_parts(parts: Mapping[object, object]) -> timedelta:
    if not parts or not set(parts) <= set(_PARTS):
        raise ValueError(f"a duration has {', '.join(_PARTS)}, not {', '.join(map(str, parts)) or 'nothing'}")
    total = 0.0
    for name, scale in zip(_PARTS, (86400, 3600, 60, 1, 0.001), strict=True):
        if name in parts:
            number = to_number(parts[name])
            if number is None:
                raise ValueError(f"{name}: {parts[name]!r} is not a number")
            total += number * scale
    return _seconds(total)


def _seconds(number: float) -> timedelta:
    try:
        return timedelta(seconds=number)
    except OverflowError as err:
        raise ValueError(f"{number} seconds are too long") from err


def in_words(read: Callable[[], timedelta], where: str) -> timedelta:
    """A ValueError of `read` as DefinitionError at `where`."""
    try:
        return read()
    except ValueError as err:
        raise DefinitionError(str(err), where) from err
