"""What is known of one device, over its days: its battery, its link, its energy, its use."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from hub_agent.core.forecasts.battery import Battery
from hub_agent.core.forecasts.energy import Energy
from hub_agent.core.forecasts.link import Link
from hub_agent.core.forecasts.looking import Day, Facets
from hub_agent.core.forecasts.usage import Usage
from hub_agent.model.device import Device
from hub_agent.model.json import JsonObject, JsonValue

Series = TypeVar("Series")


@dataclass(slots=True)
class Known:
    """`energy` only of so many devices of a home: it is the largest."""

    facets: Facets
    battery: Battery = field(default_factory=Battery)
    link: Link = field(default_factory=Link)
    usage: Usage = field(default_factory=Usage)
    energy: Energy | None = None
    day: Day = field(default_factory=Day)

    @property
    def has_days(self) -> bool:
        return bool(self.battery.days or self.link.days or self.usage.days or self.energy is not None)

    def as_json(self) -> JsonObject:
        """What there is nothing of is left out."""
        body: dict[str, JsonValue] = {}
        if self.battery.days:
            body["battery"] = self.battery.as_json()
        if self.link.days:
            body["link"] = self.link.as_json()
        if self.usage.days:
            body["usage"] = self.usage.as_json()
        if self.energy is not None:
            body["energy"] = self.energy.as_json()
        return body

    @classmethod
    def from_json(cls, device: Device, body: JsonObject) -> "Known":
        known = cls(Facets.of(device))
        known.battery = _read(body, "battery", Battery.from_json) or known.battery
        known.link = _read(body, "link", Link.from_json) or known.link
        known.usage = _read(body, "usage", Usage.from_json) or known.usage
        known.energy = _read(body, "energy", Energy.from_json)
        return known


def _read(body: Mapping[str, JsonValue], name: str, read: Callable[[JsonValue], Series]) -> Series | None:
    return read(body[name]) if name in body else None
