"""What a kind of self-made device is to its room."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Protocol, TypeAlias

from hub_agent.core.expectation import number_in
from hub_agent.errors import DefinitionError, NotPossible
from hub_agent.model.device import Capability
from hub_agent.model.ids import EntityId
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.state import UNKNOWN, EntityState

Body: TypeAlias = dict[str, JsonValue]

TEXT_CHARS_MAX = 255
MEMBERS_MAX = 1000


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
    # What follows from others, or from the clock, need not be kept.
    is_kept: ClassVar[bool] = True

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

    def elapse(self, body: JsonObject, local: datetime) -> Told:  # noqa: ARG002 what is due need not look at the clock
        """It fell due."""
        return Told(body)

    def shift(self, body: JsonObject, by: timedelta, local: datetime) -> JsonObject:  # noqa: ARG002 only what counts elapsed time moves
        """The wall clock was set."""
        return body


class Surroundings(Protocol):
    """What devices that follow others may know of the home."""

    def state(self, entity_id: EntityId, /) -> EntityState | None: ...

    def zones(self) -> Iterable[tuple[EntityId, EntityState]]: ...


class Following(Kind):
    """One that holds nothing itself: what it is follows from other entities. Its body is what is to be shown."""

    __slots__ = ()
    verbs = frozenset[str]()
    is_kept = False

    @abstractmethod
    def watched(self) -> frozenset[EntityId]: ...

    @abstractmethod
    def follow(self, home: Surroundings) -> tuple[str, JsonObject]:
        """State and attributes."""

    def begin(self, kept: JsonObject | None, local: datetime, *, is_start: bool) -> JsonObject:
        del kept, local, is_start
        return {}

    def tell(self, body: JsonObject, verb: str, data: JsonObject, local: datetime) -> Told:
        del body, verb, data, local
        raise NotPossible("it follows others, and cannot be told")

    def show(self, body: JsonObject, local: datetime) -> tuple[str, JsonObject]:
        del local
        attributes = body.get("attributes")
        return str(body.get("state", UNKNOWN)), attributes if isinstance(attributes, Mapping) else {}


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

    def entity_ids(self, name: str) -> tuple[EntityId, ...]:
        value = self._fields.get(name, [])
        named = [value] if isinstance(value, str) else value
        if not isinstance(named, list | tuple) or len(named) > MEMBERS_MAX:
            raise _wrong(name, f"a list of at most {MEMBERS_MAX} entity ids", value)
        for each in named:
            if not isinstance(each, str) or not re.fullmatch(r"[a-z0-9_]+\.[a-z0-9_]+", each.lower()):
                raise _wrong(name, "a list of entity ids", each)
        return tuple(dict.fromkeys(EntityId(str(each).lower()) for each in named))

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
