"""The shape of what is known about announcements: one `Row` for each kind of thing that announces itself, read from top to bottom.

A row fits when its service type does, the instance's name does, and the TXT keys it counts on are there and say what it expects. The first
row of a type that fits is taken; the last row of a type usually asks for nothing.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from hub_agent.model.device import Alias, DeviceType
from hub_agent.model.link import Need, Service

# Places to read from that are not TXT keys.
NAME: Final = "*name"
HOSTNAME: Final = "*hostname"


@dataclass(frozen=True, slots=True)
class From:
    """Something that an announcement says: a TXT key, NAME or HOSTNAME; with `pattern` its first group. `form`: as | lower | mac | bridge."""

    source: str
    pattern: str | None = None
    form: str = "as"

    def read(self, service: Service) -> str | None:
        said = {NAME: service.name, HOSTNAME: service.hostname or ""}.get(self.source)
        if said is None:
            said = service.txt.get(self.source)
        if not said:
            return None
        if self.pattern is not None:
            match = re.search(self.pattern, said, re.IGNORECASE)
            if match is None:
                return None
            said = match[1]
        return _FORMS[self.form](said.strip()) or None


@dataclass(frozen=True, slots=True)
class AliasFrom:
    kind: str
    where: From

    def read(self, service: Service) -> Alias | None:
        value = self.where.read(service)
        return Alias(self.kind, value) if value else None


@dataclass(frozen=True, slots=True)
class NeedIf:
    """What a person has to do when a TXT key says so (no key: always). The first that holds is meant."""

    need: Need
    key: str | None = None
    pattern: str = ""

    def holds(self, service: Service) -> bool:
        return self.key is None or (
            self.key in service.txt and re.search(self.pattern, service.txt[self.key], re.IGNORECASE) is not None
        )


@dataclass(frozen=True, slots=True)
class Row:
    kind: str
    # When it fits.
    name: str | None = None
    says: Mapping[str, str] = field(default_factory=dict)
    # What it is then.
    brand: str | None = None
    ecosystem: str | None = None
    device_type: DeviceType = DeviceType.OTHER
    model: str | None = None
    models: Mapping[str, str] = field(default_factory=dict)
    brand_from: tuple[From, ...] = ()
    brand_by: Mapping[str, str] = field(default_factory=dict)
    model_from: tuple[From, ...] = ()
    name_from: tuple[From, ...] = ()
    firmware_from: tuple[From, ...] = ()
    type_from: From | None = None
    type_by: Mapping[str, DeviceType] = field(default_factory=dict)
    aliases: tuple[AliasFrom, ...] = ()
    # Who can talk to it: the first key that can be read names the peer. `keeps`: TXT keys that the dialect connects by.
    dialect: str | None = None
    key_from: tuple[From, ...] = ()
    keeps: tuple[str, ...] = ()
    needs: tuple[NeedIf, ...] = ()
    # Not worth telling a home: what only says more about something that announces itself anyway.
    is_hidden: bool = False

    def fits(self, service: Service) -> bool:
        if self.name is not None and re.search(self.name, service.name, re.IGNORECASE) is None:
            return False
        return all(
            key in service.txt and re.search(pattern, service.txt[key], re.IGNORECASE) is not None
            for key, pattern in self.says.items()
        )


@dataclass(frozen=True, slots=True)
class Table:
    rows_by_kind: Mapping[str, tuple[Row, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: tuple[Row, ...]) -> "Table":
        by_kind: dict[str, list[Row]] = {}
        for row in rows:
            by_kind.setdefault(row.kind.lower(), []).append(row)
        return cls({kind: tuple(found) for kind, found in by_kind.items()})

    def find(self, service: Service) -> Row | None:
        return next((row for row in self.rows_by_kind.get(service.kind.lower(), ()) if row.fits(service)), None)


def mac(text: str) -> str:
    """Twelve hexadecimal digits in lower case; nothing if it is no address of a network card."""
    plain = re.sub(r"[:.\- ]", "", text).lower()
    return plain if _MAC.fullmatch(plain) and plain not in _NO_MACS else ""


def bridge_id(text: str) -> str:
    """Sixteen digits: a Hue bridge that says only its MAC means the same with fffe in the middle."""
    plain = text.lower()
    if _MAC.fullmatch(plain):
        return f"{plain[:6]}fffe{plain[6:]}"
    return plain if _BRIDGE_ID.fullmatch(plain) else ""


def _bridge_mac(text: str) -> str:
    whole = bridge_id(text)
    return mac(whole[:6] + whole[10:]) if whole[6:10] == "fffe" else ""


_MAC: Final = re.compile(r"[0-9a-f]{12}")
_NO_MACS: Final = frozenset({"0" * 12, "f" * 12})
_BRIDGE_ID: Final = re.compile(r"[0-9a-f]{16}")
_FORMS: Final[Mapping[str, Callable[[str], str]]] = MappingProxyType(
    {
        "as": str,
        "lower": str.lower,
        "title": lambda text: text.replace("-", " ").replace("_", " ").strip().title(),
        "mac": mac,
        "bridge": bridge_id,
        "bridge_mac": _bridge_mac,
        "upper": str.upper,
        # A Matter device that waits to be set up has no identity yet but its announcement.
        "commissionable": lambda text: f"commissionable/{text.lower()}",
        "bare": lambda text: re.sub(r"[:.\- ]", "", text).lower(),
    }
)
