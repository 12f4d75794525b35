"""Reads fields of JSON that somebody else wrote, already parsed: what is missing, of another type or no number is None or empty, never an error."""

import math
from collections.abc import Mapping, Sequence
from typing import Final

from hub_agent.model.json import JsonObject, JsonValue

NOTHING: Final[JsonObject] = {}
TEXT_CHARS_MAX: Final = 255
# Beyond this a number is a fault: nothing in a home is measured so high, and far above it floats overflow.
NUMBER_MAX: Final = 1e15


def at(body: JsonValue, *path: str) -> JsonValue:
    """What stands at the end of the path; None if there is no such place."""
    for name in path:
        if not isinstance(body, Mapping):
            return None
        body = body.get(name)
    return body


def number_of(value: JsonValue) -> float | None:
    """A finite number of a sensible size; a bool is none, a text that is one is."""
    if isinstance(value, str):
        try:
            value = float(value[:32])
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if -NUMBER_MAX <= value <= NUMBER_MAX and not math.isnan(value) else None


def number(body: JsonValue, *path: str) -> float | None:
    return number_of(at(body, *path))


def text(body: JsonValue, *path: str) -> str | None:
    """A text that says something, cut to a bearable length."""
    value = at(body, *path)
    return value[:TEXT_CHARS_MAX] if isinstance(value, str) and value.strip() else None


def flag(body: JsonValue, *path: str) -> bool | None:
    """True, false, or None; 0 and 1 are taken for what they mean."""
    value = at(body, *path)
    if isinstance(value, bool):
        return value
    return bool(value) if isinstance(value, int) and value in {0, 1} else None


def mapping(body: JsonValue, *path: str) -> JsonObject:
    value = at(body, *path)
    return value if isinstance(value, Mapping) else NOTHING


def listed(body: JsonValue, *path: str) -> Sequence[JsonValue]:
    value = at(body, *path)
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()


def texts(body: JsonValue, *path: str) -> tuple[str, ...]:
    return tuple(value[:TEXT_CHARS_MAX] for value in listed(body, *path) if isinstance(value, str))


def is_shallow(value: JsonValue, levels: int = 6) -> bool:
    """Whether it is nested no deeper: what is deeper cannot be compared with what was before, and is no value of a device."""
    if not isinstance(value, Mapping | list | tuple):
        return True
    inside = value.values() if isinstance(value, Mapping) else value
    return levels > 0 and all(is_shallow(each, levels - 1) for each in inside)


def tidy(value: float) -> float:
    """21.0 is written 21, and what floating point adds at the far end is cut."""
    rounded = round(value, 6)
    return int(rounded) if rounded == int(rounded) else rounded


def mac_of(value: JsonValue) -> str | None:
    """12 hexadecimal digits in lower case, however they were written."""
    if not isinstance(value, str) or len(value) > 24:
        return None
    plain = value.lower().replace(":", "").replace("-", "")
    return plain if len(plain) == 12 and all(digit in "0123456789abcdef" for digit in plain) else None
