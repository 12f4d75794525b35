"""What a kind of self-made device is to its room."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, TypeAlias

from hub_agent.core.expectation import number_in
from hub_agent.errors import DefinitionError, NotPossible
from hub_agent.model.device import Capability
from hub_agent.model.json import JsonObject, JsonValue

Body: TypeAlias = dict[str, JsonValue]

TEXT_CHARS_MAX = 255


@dataclass(frozen=True, slots=True)
class Told:
    """What is kept from now on, and the events that tell of it."""

    body: JsonObject
    events: tuple[tuple[str, JsonObject], ...] = ()


class Kind(ABC):
    """One device as it was set up. What it holds is passed in and out as `body`: plain JSON, kept over a restart.

    `local` is now, in the time zone of the home.
    """

    __slots__ = ()
    verbs: ClassVar[frozenset[str]]

    @abstractmethod
    def begin(self, kept: JsonObject | None, local: datetime, *, is_start: bool) -> JsonObject:
        """What it holds once it is set up so. `kept` is what it held, maybe set up otherwise; `is_start`: the agent starts."""

    @abstractmethod
    def tell(self, body: JsonObject, verb: str, data: JsonObject, local: datetime) -> Told:
        """Carries out one of `verbs`. Raises NotPossible."""

    @abstractmethod
    def show(self, body: JsonObject, local: datetime) -> tuple[str, JsonObject]:
        """State and attributes as Home Assistant has them."""

    @abstractmethod
    def capabilities(self) -> Mapping[str, Capability]: ...

    def due(self, body: JsonObject) -> datetime | None:  # noqa: ARG002 only what runs down falls due
        return None

    def elapse(self, body: JsonObject) -> Told:
        """It fell due."""
        return Told(body)

    def shift(self, body: JsonObject, by: timedelta) -> JsonObject:  # noqa: ARG002 only what counts elapsed time moves
        """The wall clock was set."""
        return body


class Settings:
    """The settings of a device, read with words about what is wrong. What nobody asks for is let be."""

    def __init__(self, fields: JsonObject) -> None:
        self._fields = fields

    def number(self, name: str) -> float | None:
        value = self._fields.get(name)
        found = number_in(value)
        if value is not None and found is None:
            raise _wrong(name, "a number", value)
        return found

    def whole(self, name: str) -> int | None:
        found = self.number(name)
        if found is not None and found != int(found):
            raise _wrong(name, "a whole number", found)
        return None if found is None else int(found)

    def text(self, name: str) -> str | None:
        value = self._fields.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise _wrong(name, "a text", value)
        return str(value)

    def flag(self, name: str) -> bool | None:
        value = self._fields.get(name)
        if value is not None and not isinstance(value, bool):
            raise _wrong(name, "true or false", value)
        return value

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        """The first is meant where nothing is said."""
        value = self._fields.get(name, choices[0])
        if value not in choices:
            raise _wrong(name, f"one of {', '.join(choices)}", value)
        return str(value)

    def raw(self, name: str) -> JsonValue:
        return self._fields.get(name)


def bad_setting(name: str, text: str) -> DefinitionError:
    return DefinitionError(text, f"settings/{name}")


def number_of(data: JsonObject, name: str) -> float:
    found = number_in(data.get(name))
    if found is None:
        raise NotPossible(f"{name} must be a number, not {data.get(name)!r}")
    return found


def text_of(data: JsonObject, name: str) -> str:
    value = data.get(name)
    if value is None or isinstance(value, bool) or not isinstance(value, str | int | float):
        raise NotPossible(f"{name} must be a text, not {value!r}")
    return str(value)


def _wrong(name: str, wanted: str, value: JsonValue) -> DefinitionError:
    return bad_setting(name, f"must be {wanted}, not {value!r}")
