"""What every kind of entity gives: what it can do, what its state means, and how a command is written."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final, TypeAlias

from hub_agent.drivers import given
from hub_agent.errors import NotPossible
from hub_agent.model.device import Capability
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.state import UNKNOWN

STATE_CHARS_MAX: Final = 255
OPTIONS_MAX: Final = 200
# Keys and numbers of parts are unsigned with 32 bits.
_WHOLE_MAX: Final = 2**53

# What the state is now, None if it is not said; and attributes that changed.
Said: TypeAlias = tuple[str | None, JsonObject]
Fields: TypeAlias = dict[str, JsonValue]
NOTHING: Final[JsonObject] = {}
NOT_KNOWN: Final[Said] = (UNKNOWN, NOTHING)


@dataclass(frozen=True, slots=True)
class Description:
    """What one entity can do. `native`: what `read` and `write` need again."""

    capabilities: Mapping[str, Capability] = field(default_factory=dict)
    native: JsonObject = field(default_factory=dict)
    device_class: str | None = None
    unit: str | None = None
    state_class: str | None = None
    category: str | None = None


class Kind:
    """One kind of entity. Stateless: what was said before is passed in."""

    domain: ClassVar[str]

    def describe(self, info: JsonObject) -> Description:
        """From the node's own description of the entity."""
        raise NotImplementedError

    def read(self, native: JsonObject, body: JsonObject) -> Said | None:
        """What a state means; None if it says nothing."""
        raise NotImplementedError

    def write(self, native: JsonObject, verb: str, data: JsonObject, before: JsonObject) -> Fields:
        """The fields of the node's command. `before`: the state last said, as it came. Raises NotPossible."""
        raise NotImplementedError


def not_understood(domain: str, verb: str, known: Iterable[str]) -> NotPossible:
    words = ", ".join(sorted(known)) or "nothing: it can only be read"
    return NotPossible(f"This {domain} cannot do {verb!r}. It can do {words}.")


def number(body: JsonObject, name: str) -> float | None:
    """A finite number of a size to work with."""
    return given.number(body, name)


def whole(body: JsonObject, name: str) -> int | None:
    value = body.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _WHOLE_MAX else None


def objects(body: JsonObject, name: str) -> Iterator[JsonObject]:
    return (value for value in given.listed(body, name) if isinstance(value, Mapping))


def fraction(body: JsonObject, name: str) -> float | None:
    """A number between 0 and 1."""
    value = number(body, name)
    return None if value is None else max(0.0, min(1.0, value))


def percent(body: JsonObject, name: str) -> int | None:
    value = fraction(body, name)
    return None if value is None else round(value * 100)


def short(body: JsonObject, name: str) -> str | None:
    """A text that says something."""
    return given.text(body, name)


def words(body: JsonObject, name: str) -> tuple[str, ...]:
    known = dict.fromkeys(word[:STATE_CHARS_MAX] for word in given.texts(body, name)[:OPTIONS_MAX] if word)
    return tuple(known)


def numbers(body: JsonObject, name: str) -> tuple[int, ...]:
    values = given.listed(body, name)[:OPTIONS_MAX]
    return tuple(value for value in values if isinstance(value, int) and not isinstance(value, bool))


def number_text(value: float) -> str:
    """Whole numbers without a point."""
    return str(int(value)) if float(value).is_integer() else str(value)


def on_off(body: JsonObject) -> Said:
    is_on = given.flag(body, "state")
    if is_on is None or given.flag(body, "missing_state"):
        return NOT_KNOWN
    return "on" if is_on else "off", NOTHING


def named(names: Mapping[int, str], body: JsonObject, name: str) -> str | None:
    """An enumerated value by its name in Home Assistant's vocabulary; None for one that is not known."""
    value = whole(body, name)
    return None if value is None else names.get(value)


def number_of_name(names: Mapping[int, str], name: str) -> int:
    return next(value for value, known in names.items() if known == name)


def bit(body: JsonObject, name: str, mask: int) -> bool:
    value = whole(body, name)
    return value is not None and bool(value & mask)
