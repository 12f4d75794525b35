"""What an accessory says of itself (`GET /accessories`), read into services and characteristics.

Types are Apple's short ids without leading zeros ("25" is On), or a maker's whole UUID in capital letters.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from hub_agent.drivers import given
from hub_agent.model.json import JsonObject, JsonValue

# The specification's own bounds: 150 accessories behind a bridge, 100 services each, 100 characteristics each.
ACCESSORIES_MAX: Final = 150
SERVICES_MAX: Final = 100
CHARACTERISTICS_MAX: Final = 100
ID_MAX: Final = 2**64

INFORMATION: Final = "3E"
NAME: Final = "23"
CONFIGURED_NAME: Final = "E3"

_APPLE: Final = "-0000-1000-8000-0026BB765291"
_SHORT: Final = re.compile(r"0*([0-9A-F]{1,8})")

# Formats that the specification gives, for accessories that leave them out.
_FORMAT_BY_KIND: Final = {"25": "bool", "8": "int", "13": "float", "2F": "float", "CE": "uint32", "14": "bool"}


@dataclass(frozen=True, slots=True)
class Characteristic:
    iid: int
    kind: str
    format: str
    perms: tuple[str, ...]
    unit: str | None
    low: float | None
    high: float | None
    step: float | None
    allowed: tuple[int, ...]
    description: str | None
    value: JsonValue

    @property
    def is_written(self) -> bool:
        return "pw" in self.perms

    @property
    def is_read(self) -> bool:
        return "pr" in self.perms

    def as_native(self) -> dict[str, JsonValue]:
        """What is needed again to read and write it."""
        body: dict[str, JsonValue] = {"iid": self.iid, "format": self.format}
        limits = (("min", self.low), ("max", self.high), ("step", self.step), ("allowed", list(self.allowed) or None))
        return body | {name: limit for name, limit in limits if limit is not None}

    def choices(self, words: Mapping[int, str]) -> dict[str, int]:
        """Word -> value, of those that this one takes."""
        low = 0 if self.low is None else self.low
        high = max(words) if self.high is None else self.high
        allowed = self.allowed or tuple(value for value in words if low <= value <= high)
        return {words[value]: value for value in words if value in allowed}


@dataclass(frozen=True, slots=True)
class Service:
    iid: int
    kind: str
    is_primary: bool
    linked: tuple[int, ...]
    by_kind: Mapping[str, Characteristic]

    @property
    def name(self) -> str | None:
        return self.text(CONFIGURED_NAME) or self.text(NAME)

    def text(self, kind: str) -> str | None:
        found = self.by_kind.get(kind)
        return given.text({"value": found.value}, "value") if found is not None else None


@dataclass(frozen=True, slots=True)
class Accessory:
    """`is_whole`: nothing of it had to be left out."""

    aid: int
    services: tuple[Service, ...]
    is_whole: bool

    def of_kind(self, *kinds: str) -> Iterator[Service]:
        return (service for service in self.services if service.kind in kinds)

    def information(self, kind: str) -> str | None:
        return next((said for service in self.of_kind(INFORMATION) if (said := service.text(kind)) is not None), None)

    def characteristic(self, kind: str) -> Characteristic | None:
        return next((service.by_kind[kind] for service in self.services if kind in service.by_kind), None)


def read_accessories(body: JsonValue) -> tuple[list[Accessory], bool]:
    """The accessories, and whether that is all there are, none damaged."""
    said = given.listed(body, "accessories")
    found = [accessory for each in said[:ACCESSORIES_MAX] if (accessory := _accessory(each)) is not None]
    by_aid = {accessory.aid: accessory for accessory in found}
    is_whole = bool(said) and len(by_aid) == len(said) and all(each.is_whole for each in by_aid.values())
    return list(by_aid.values()), is_whole


def whole_id(value: JsonValue) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < ID_MAX else None


def short(uuid: JsonValue) -> str | None:
    if not isinstance(uuid, str) or not 0 < len(uuid) <= 36:
        return None
    kind = uuid.upper().removesuffix(_APPLE)
    matched = _SHORT.fullmatch(kind)
    return matched[1] if matched else kind


def _accessory(body: JsonValue) -> Accessory | None:
    aid = whole_id(given.at(body, "aid"))
    if aid is None:
        return None
    said = given.listed(body, "services")
    services = [service for each in said[:SERVICES_MAX] if (service := _service(each)) is not None]
    return Accessory(aid, tuple(services), is_whole=bool(said) and len(services) == len(said))


def _service(body: JsonValue) -> Service | None:
    iid, kind = whole_id(given.at(body, "iid")), short(given.at(body, "type"))
    if iid is None or kind is None:
        return None
    by_kind: dict[str, Characteristic] = {}
    for each in given.listed(body, "characteristics")[:CHARACTERISTICS_MAX]:
        characteristic = _characteristic(each)
        if characteristic is not None:
            by_kind.setdefault(characteristic.kind, characteristic)
    linked = tuple(
        found for each in given.listed(body, "linked")[:SERVICES_MAX] if (found := whole_id(each)) is not None
    )
    return Service(iid, kind, given.flag(body, "primary") is True, linked, by_kind)


def _characteristic(body: JsonValue) -> Characteristic | None:
    iid, kind = whole_id(given.at(body, "iid")), short(given.at(body, "type"))
    if iid is None or kind is None or not isinstance(body, Mapping):
        return None
    low, high, step = (given.number(body, name) for name in ("minValue", "maxValue", "minStep"))
    has_range = low is None or high is None or low < high
    return Characteristic(
        iid,
        kind,
        given.text(body, "format") or _FORMAT_BY_KIND.get(kind, ""),
        given.texts(body, "perms")[:10],
        given.text(body, "unit"),
        low if has_range else None,
        high if has_range else None,
        step if step is not None and step > 0 else None,
        _allowed(given.listed(body, "valid-values")),
        given.text(body, "description"),
        plain(body.get("value")),
    )


def _allowed(values: Sequence[JsonValue]) -> tuple[int, ...]:
    return tuple(value for value in values[:64] if isinstance(value, int) and not isinstance(value, bool))


def plain(value: JsonValue) -> JsonValue:
    """A value that can be kept: structures are nothing that is read here, texts are cut."""
    if isinstance(value, str):
        return value[: given.TEXT_CHARS_MAX]
    return value if isinstance(value, bool) or given.number_of(value) is not None else None


def native_of(characteristics: Mapping[str, Characteristic | None]) -> JsonObject:
    return {role: found.as_native() for role, found in characteristics.items() if found is not None}
