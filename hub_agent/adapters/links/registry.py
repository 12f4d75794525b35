"""Which dialects have links, where their adapters are, and what they need installed. A new one is one line."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Place:
    """`module` has a class `class_name` that fills Linking. `extra`: `pip install nexa-hub[extra]` brings its libraries; None: the base does.
    `searches`: the process is started even if no peer is known, to look for some. `asks_at_once`: so many requests to one peer may be under way.
    """

    module: str
    class_name: str
    extra: str | None = None
    searches: bool = False
    asks_at_once: int = 1


LINKINGS: Final[Mapping[str, Place]] = MappingProxyType(
    {
        "cast": Place("hub_agent.adapters.links.cast", "CastLinking", "cast"),
        "esphome": Place("hub_agent.adapters.links.esphome", "EsphomeLinking", "esphome"),
        "homekit": Place("hub_agent.adapters.links.homekit", "HomeKitLinking", "homekit"),
        "hue": Place("hub_agent.adapters.links.hue", "HueLinking", asks_at_once=3),
        "matter": Place("hub_agent.adapters.links.matter", "MatterLinking", asks_at_once=8),
        "shelly": Place("hub_agent.adapters.links.shelly", "ShellyLinking", asks_at_once=4),
        "sonos": Place("hub_agent.adapters.links.sonos", "SonosLinking", "sonos"),
        "wled": Place("hub_agent.adapters.links.wled", "WledLinking"),
        "zwave": Place("hub_agent.adapters.links.zwave", "ZWaveLinking", asks_at_once=8),
        "lifx": Place("hub_agent.adapters.links.lifx", "LifxLinking", "lifx", searches=True),
    }
)


def without_search(places: Mapping[str, Place]) -> Mapping[str, Place]:
    """The same, where nobody may look for devices by broadcasts."""
    return {dialect: replace(place, searches=False) for dialect, place in places.items()}
