"""What a device hangs on: what feeds it, the bridge it is reached through, whatever else its owner has named, the router. And by what it is reached."""

from collections.abc import Iterable

from hub_agent.core.healing.remedy import Home, fed_by, wishes_of
from hub_agent.model.device import BROKER_ORIGIN, Device, ProtocolType
from hub_agent.model.ids import DeviceId

PARENTS_MAX = 8
BY_THE_ROUTER = frozenset({ProtocolType.WIFI, ProtocolType.ETHERNET})


class Topology:
    """What hangs on what. `routers`: those that are known."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self.routers: set[DeviceId] = set()

    def parents(self, device: Device) -> tuple[DeviceId, ...]:
        """The nearest first. `devices.settings.healing.hangs_on` names others; where there is one router, all of Wi-Fi hangs on it."""
        found = [each for each in (fed_by(device), device.via) if each is not None]
        named = wishes_of(device).get("hangs_on")
        found += [DeviceId(each) for each in named if isinstance(each, str)] if isinstance(named, list | tuple) else []
        if device.protocol in BY_THE_ROUTER and device.via is None and len(self.routers) == 1:
            found += self.routers
        return tuple(each for each in dict.fromkeys(found) if each != device.id)[:PARENTS_MAX]

    def children(self, parent: DeviceId) -> Iterable[Device]:
        return (each for each in self._home.devices() if parent in self.parents(each))


def way_to(device: Device, home: Home) -> tuple[Device, ...]:
    """It, and what it is reached by from here: its bridges, and the broker."""
    found = {device.id: device}
    here = device
    while here.via is not None and here.via not in found and (bridge := home.device(here.via)) is not None:
        found[bridge.id] = here = bridge
    if not any("peer" in each.native for each in found.values()):
        found |= {each.id: each for each in home.devices() if each.origin == BROKER_ORIGIN}
    return tuple(found.values())


def is_switched_off(parent: DeviceId, device: Device, home: Home) -> bool:
    """It feeds the device, and somebody has switched it off: the device is well, and has no power."""
    plug = home.device(parent) if fed_by(device) == parent else None
    entities = () if plug is None else plug.entities
    states = [home.state(each.id) for each in entities if each.domain == "switch" and each.category is None]
    return bool(states) and all(state is not None and state.state == "off" for state in states)
