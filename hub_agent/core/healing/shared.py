"""Whether several devices fail for one reason: what they hang on is away, or enough of them began to fail at once."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from hub_agent.core.healing.remedy import Home, is_battery
from hub_agent.core.healing.topology import Topology, is_switched_off
from hub_agent.core.healing.watch import OWN, Watch
from hub_agent.model.device import BROKER_ORIGIN, Device, DeviceType, ProtocolType
from hub_agent.model.healing import Symptom
from hub_agent.model.ids import DeviceId

SHARED_DEVICES = 3
SHARED_WITHIN = timedelta(minutes=2)

# Through whose nodes others speak; who has not found another way by then does not speak through that one.
MESHES = frozenset({ProtocolType.ZIGBEE, ProtocolType.ZWAVE, ProtocolType.THREAD})
LOST_WITHIN = timedelta(days=2)
# What is not at the broker: the hub's own, and what is only made up.
NO_CLIENTS = frozenset({OWN, "helper"})
NO_CLIENT_TYPES = frozenset({DeviceType.HUB, DeviceType.BRIDGE, DeviceType.ROUTER})
# How the way is called that clients of the broker share where no router is known.
WAY_TO_BROKER = "the Wi-Fi"


class Shared:
    """Reads what healing knows of each device; `troubled`: those that something is wrong with."""

    def __init__(self, home: Home, watches: Mapping[DeviceId, Watch], troubled: Mapping[DeviceId, Watch]) -> None:
        self._home = home
        self._watches = watches
        self._troubled = troubled
        self._topology = Topology(home)
        self.routers = self._topology.routers
        self._broker: DeviceId | None = None

    def describe(self, device: Device) -> None:
        if device.device_type is DeviceType.ROUTER:
            self.routers.add(device.id)
        if device.origin == BROKER_ORIGIN:
            self._broker = device.id

    def parents(self, device: Device) -> tuple[DeviceId, ...]:
        """What it hangs on, the nearest first. Of a client of the broker of which nothing is known: the way that it shares with the others."""
        return self._topology.parents(device) or self._way_to_broker(device)

    def _way_to_broker(self, device: Device) -> tuple[DeviceId, ...]:
        if device.origin.dialect in NO_CLIENTS or device.device_type in NO_CLIENT_TYPES or "peer" in device.native:
            return ()
        if len(self.routers) == 1:
            return tuple(self.routers)
        return () if self._broker is None else (self._broker,)

    def is_away(self, parent: DeviceId) -> bool:
        watch = self._watches.get(parent)
        return watch is not None and (
            watch.unavailable_since is not None or watch.has(Symptom.TOGETHER) or watch.has(Symptom.ROUTER_UNREACHABLE)
        )

    def away_before(self, device: Device) -> DeviceId | None:
        """What it hangs on and cannot work without now."""
        return next(
            (
                parent
                for parent in self.parents(device)
                if self.is_away(parent) or is_switched_off(parent, device, self._home)
            ),
            None,
        )

    def held_by(self, watch: Watch, now: datetime) -> DeviceId | None:
        return self.away_before(watch.device) or self._lost_with(watch, now)

    def _lost_with(self, watch: Watch, now: datetime) -> DeviceId | None:
        """A node of its mesh is gone, and since then it was not heard: what sleeps speaks through one node for long. That one's power is the matter."""
        device = watch.device
        if device.via is None or not is_battery(device):
            return None
        for each in self._troubled.values():
            gone_at, node = each.unavailable_since, each.device
            is_node = node.via == device.via and node.protocol in MESHES and not is_battery(node)
            if is_node and gone_at is not None and watch.rhythm.last_at <= gone_at and now - gone_at <= LOST_WITHIN:
                return node.id
        return None

    def behind(self, parent: DeviceId) -> list[Watch]:
        """The devices in trouble that hang on it."""
        return [watch for watch in self._troubled.values() if watch.trouble and parent in self.parents(watch.device)]

    def names_behind(self, bridge: Device) -> list[str]:
        """Of all devices that are reached through it."""
        if bridge.device_type is not DeviceType.BRIDGE:
            return []
        return sorted(each.name for each in self._home.devices() if each.via == bridge.id)

    def failing_with(self, parent: DeviceId, now: datetime) -> list[Watch]:
        """Those of them that cannot be reached as they should, and that began at the same time."""
        return [
            watch
            for watch in self.behind(parent)
            if watch.trouble and (since := watch.trouble.unreached_since) is not None and now - since <= SHARED_WITHIN
        ]

    def cause_of(self, device: Device, now: datetime) -> DeviceId | None:
        """What enough devices hang on that fail together; of several the one that most of whose devices fail, then the nearest."""
        failing = {parent: len(self.failing_with(parent, now)) for parent in self.parents(device)}
        shared = [parent for parent, count in failing.items() if count >= SHARED_DEVICES]
        if len(shared) < 2:
            return shared[0] if shared else None
        return max(shared, key=lambda parent: failing[parent] / sum(1 for _ in self._topology.children(parent)))
