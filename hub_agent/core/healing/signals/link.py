"""Bad reception: much worse than the device is used to, for hours, and bad by itself. Where many behind one parent have it, it is the parent's.

Strength comes in percent (the quality of a Zigbee link, Wi-Fi where its dialect says it so) or in dBm, as the dialect has it. A device that has always been
weak and works is left alone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final

from hub_agent.core.expectation import number_in
from hub_agent.core.healing.signals.signal import LOOKS_A_DAY, LOOKS_AN_HOUR, Given, Seen, Signal, Wrong
from hub_agent.core.healing.topology import Topology
from hub_agent.model.device import Device, Presence, ProtocolType
from hub_agent.model.healing import Noticed, Passed, Symptom
from hub_agent.model.ids import DeviceId, NewId
from hub_agent.model.json import JsonObject

LOOKS_LEARNT: Final = LOOKS_A_DAY
# How many looks its usual strength looks back, in the long run.
LOOKS_BACK: Final = 3 * LOOKS_A_DAY
# What many share is seen before each of them is told.
LOOKS_WEAK_SHARED: Final = 3 * LOOKS_AN_HOUR
LOOKS_WEAK: Final = 4 * LOOKS_AN_HOUR
LOOKS_WELL: Final = LOOKS_AN_HOUR
SHARED_DEVICES: Final = 3

# Below the first it is bad, if it used to be better by the second.
_PERCENT: Final = (15.0, 15.0)
_PERCENT_WIFI: Final = (25.0, 15.0)
_DBM: Final = (-84.0, 8.0)


@dataclass(slots=True)
class _Strength:
    """`usual`: its mean while it was not weak, of `count` looks."""

    usual: float = 0.0
    count: int = 0
    now: float = 0.0
    weak: int = 0
    well: int = 0

    def take(self, value: float, protocol: ProtocolType | None) -> None:
        if self.count and (value < 0) is not (self.usual < 0):
            self.usual, self.count = 0.0, 0  # another scale: nothing is known
        self.now = value
        if self.count >= LOOKS_LEARNT and self._is_weak(value, protocol):
            self.weak, self.well = self.weak + 1, 0
            return
        self.well += 1
        # A few good moments do not make a bad link good.
        if self.well >= LOOKS_WELL:
            self.weak = 0
        if self.weak == 0:
            self.count = min(self.count + 1, LOOKS_BACK)
            self.usual += (value - self.usual) / self.count

    def _is_weak(self, value: float, protocol: ProtocolType | None) -> bool:
        wifi = protocol is ProtocolType.WIFI
        floor, drop = _DBM if value < 0 else _PERCENT_WIFI if wifi else _PERCENT
        return value < floor and self.usual - value >= drop


class Link(Signal):
    name: ClassVar[str] = "link"

    def __init__(self, seen: Seen, wrong: Wrong, new_id: NewId) -> None:
        super().__init__(seen, wrong, new_id)
        self._topology = Topology(seen)
        self._strengths: dict[DeviceId, _Strength] = {}

    def usual(self, device_id: DeviceId) -> float | None:
        """How well it is heard as a rule; None: not known yet."""
        strength = self._strengths.get(device_id)
        return strength.usual if strength is not None and strength.count >= LOOKS_LEARNT else None

    def look(self, device: Device, presence: Presence, now: datetime, *, is_heard: bool) -> Iterable[Given]:
        if not is_heard or presence.signal_strength is None:
            return ()
        strength = self._strengths.setdefault(device.id, _Strength())
        strength.take(presence.signal_strength, device.protocol)
        if strength.weak >= LOOKS_WEAK_SHARED:
            return self._weak(device, strength)
        if strength.weak == 0:
            return [*self._judged(device, Symptom.LINK_WEAK, None), *self._fewer_behind_parents(device)]
        return ()

    def _weak(self, device: Device, strength: _Strength) -> list[Given]:
        for parent in self._topology.parents(device):
            weak, count = self._weak_behind(parent)
            if len(weak) >= SHARED_DEVICES and 2 * len(weak) >= count:
                names = ", ".join(sorted(each.name for each in weak))
                given: list[Given] = [Noticed(parent, Symptom.LINKS_WEAK, {"count": len(weak), "devices": names})]
                given += [
                    Passed(each.id, Symptom.LINK_WEAK) for each in weak if self._wrong(each.id, Symptom.LINK_WEAK)
                ]
                return given
        if strength.weak < LOOKS_WEAK or self._wrong(device.id, Symptom.LINK_WEAK):
            return []
        return self._judged(device, Symptom.LINK_WEAK, _details(strength))

    def _weak_behind(self, parent: DeviceId) -> tuple[list[Device], int]:
        """Those that are weak now, of how many whose usual strength is known."""
        weak, count = [], 0
        for each in self._topology.children(parent):
            strength = self._strengths.get(each.id)
            if strength is None or strength.count < LOOKS_LEARNT:
                continue
            count += 1
            if strength.weak >= LOOKS_WEAK_SHARED:
                weak.append(each)
        return weak, count

    def _fewer_behind_parents(self, device: Device) -> list[Given]:
        """A shared cause that only a few suffer from still is none any more."""
        return [
            Passed(parent, Symptom.LINKS_WEAK)
            for parent in self._topology.parents(device)
            if self._wrong(parent, Symptom.LINKS_WEAK) and len(self._weak_behind(parent)[0]) < SHARED_DEVICES
        ]

    def forget(self, device_id: DeviceId, now: datetime) -> Sequence[Given]:
        self._strengths.pop(device_id, None)
        return ()

    def memory(self) -> JsonObject:
        return {
            device_id: [round(strength.usual, 1), strength.count, strength.weak]
            for device_id, strength in self._strengths.items()
            if strength.count >= LOOKS_AN_HOUR
        }

    def remember(self, memory: JsonObject) -> None:
        for device_id, known in memory.items():
            match known:
                case [int() | float() as usual, int() as count, int() as weak] if number_in(usual) is not None:
                    self._strengths[DeviceId(device_id)] = _Strength(
                        float(usual), min(max(count, 0), LOOKS_BACK), weak=min(max(weak, 0), LOOKS_WEAK)
                    )
                case _:
                    continue


def _details(strength: _Strength) -> JsonObject:
    unit = " dBm" if strength.now < 0 else " %"
    return {"strength": f"{strength.now:.0f}{unit}", "usual": f"{strength.usual:.0f}{unit}"}
