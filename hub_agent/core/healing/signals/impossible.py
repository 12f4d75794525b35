"""A value that cannot be true: a sensor that is broken, cut off, or not read right. One glitch is nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final

from hub_agent.core.healing.signals.signal import LOOKS_AN_HOUR, Given, Seen, Signal, Wrong
from hub_agent.model.device import Device, Entity, Presence
from hub_agent.model.healing import Symptom
from hub_agent.model.ids import DeviceId, EntityId, NewId
from hub_agent.model.json import JsonObject
from hub_agent.model.state import StateChanged

# It says so at so many looks one after the other, or as a glitch so often within a day.
LOOKS: Final = 3
GLITCHES: Final = 5
GLITCHES_WITHIN: Final = timedelta(days=1)
# So many looks at which it was heard and right end it.
GOOD_LOOKS: Final = 2 * LOOKS_AN_HOUR

# By device class and unit: what is possible, with room for how sensors are adjusted.
_LIMITS: Final = {
    ("temperature", "°C"): (-100.0, 1500.0),
    ("temperature", "°F"): (-148.0, 2732.0),
    ("temperature", "K"): (0.0, 1773.0),
    ("humidity", "%"): (-2.0, 103.0),
    ("moisture", "%"): (-2.0, 103.0),
    ("battery", "%"): (0.0, 101.0),
    ("illuminance", "lx"): (-1.0, 250_000.0),
    ("atmospheric_pressure", "hPa"): (300.0, 1200.0),
    ("pressure", "hPa"): (0.0, 100_000.0),
    ("carbon_dioxide", "ppm"): (0.0, 100_000.0),
    ("pm25", "µg/m³"): (-1.0, 20_000.0),
    ("pm10", "µg/m³"): (-1.0, 20_000.0),
}
_AIR: Final = {("temperature", "°C"): (-80.0, 150.0), ("temperature", "°F"): (-112.0, 302.0)}
# What a DS18B20 says that has just been powered, and has not measured yet. Heating has 85 °C as well, but not from one report to the next.
_POWERED: Final = 85.0
_JUMP: Final = 25.0


@dataclass(slots=True)
class _Doubt:
    """Of one entity. `said`: the last impossible value."""

    said: str
    since: datetime
    glitches: int = 0
    looks: int = 0
    good_looks: int = 0

    @property
    def is_sure(self) -> bool:
        return self.looks >= LOOKS or self.glitches >= GLITCHES


class Impossible(Signal):
    name: ClassVar[str] = "impossible"

    def __init__(self, seen: Seen, wrong: Wrong, new_id: NewId) -> None:
        super().__init__(seen, wrong, new_id)
        self._doubts: dict[EntityId, _Doubt] = {}
        self._good_looks: dict[DeviceId, int] = {}

    def watches(self, entity: Entity, device: Device) -> bool:
        return limits_of(entity, device) is not None

    def handle_change(self, changed: StateChanged, entity: Entity, device: Device, now: datetime) -> Sequence[Given]:
        limits = limits_of(entity, device)
        if changed.new is None or limits is None:
            return ()
        value = _number(changed.new.state)
        if value is None or (limits[0] <= value <= limits[1] and not _is_unmeasured(value, changed, entity)):
            return ()
        doubt = self._doubts.get(entity.id)
        if doubt is None or (now - doubt.since > GLITCHES_WITHIN and not doubt.is_sure):
            doubt = self._doubts[entity.id] = _Doubt(changed.new.state, now)
        doubt.said, doubt.good_looks = changed.new.state, 0
        doubt.glitches += 1
        self._good_looks.pop(device.id, None)
        return self._judged(device, Symptom.IMPOSSIBLE, _details(doubt, entity, limits)) if doubt.is_sure else ()

    def look(self, device: Device, presence: Presence, now: datetime, *, is_heard: bool) -> Iterable[Given]:
        if not is_heard:
            return ()
        found: JsonObject | None = None
        for entity in device.entities:
            if entity.domain == "sensor" and (limits := limits_of(entity, device)) is not None:
                found = self._judge(entity, limits, now) or found
        if found is not None:
            self._good_looks[device.id] = 0
            return self._judged(device, Symptom.IMPOSSIBLE, found)
        if not self._wrong(device.id, Symptom.IMPOSSIBLE):
            return ()
        # After a restart nothing is known of the doubt any more: it ends when enough was right.
        self._good_looks[device.id] = self._good_looks.get(device.id, 0) + 1
        if self._good_looks[device.id] < GOOD_LOOKS:
            return ()
        del self._good_looks[device.id]
        return self._judged(device, Symptom.IMPOSSIBLE, None)

    def _judge(self, entity: Entity, limits: tuple[float, float], now: datetime) -> JsonObject | None:
        state, doubt = self._seen.state(entity.id), self._doubts.get(entity.id)
        value = None if state is None else _number(state.state)
        if state is None or value is None:
            return None
        is_still_said = doubt is not None and state.state == doubt.said and state.changed_at >= doubt.since
        if limits[0] <= value <= limits[1] and not is_still_said:
            if doubt is not None:
                doubt.looks, doubt.good_looks = 0, doubt.good_looks + 1
                if doubt.good_looks >= GOOD_LOOKS and (doubt.is_sure or now - doubt.since > GLITCHES_WITHIN):
                    del self._doubts[entity.id]
            return None
        if doubt is None:
            doubt = self._doubts[entity.id] = _Doubt(state.state, now)
        doubt.looks, doubt.good_looks = doubt.looks + 1, 0
        return _details(doubt, entity, limits) if doubt.is_sure else None

    def forget(self, device_id: DeviceId, now: datetime) -> Sequence[Given]:
        self._good_looks.pop(device_id, None)
        self._doubts = {each: doubt for each, doubt in self._doubts.items() if self._seen.entity(each) is not None}
        return ()

    def shift(self, by: timedelta) -> None:
        for doubt in self._doubts.values():
            doubt.since += by


def limits_of(entity: Entity, device: Device) -> tuple[float, float] | None:
    """Between which its value can be true; None: nothing is known of it."""
    if entity.domain != "sensor" or entity.device_class is None:
        return None
    key = entity.device_class, entity.unit or ""
    if key in _AIR and entity.category is None and _is_in_air(device):
        return _AIR[key]
    return _LIMITS.get(key)


def _is_in_air(device: Device) -> bool:
    """What measures humidity as well, or heats a room, is not an oven's probe."""
    return any(each.device_class == "humidity" or each.domain == "climate" for each in device.entities)


def _is_unmeasured(value: float, changed: StateChanged, entity: Entity) -> bool:
    if value != _POWERED or entity.device_class != "temperature" or entity.unit != "°C" or changed.old is None:
        return False
    before = _number(changed.old.state)
    return before is not None and abs(value - before) > _JUMP


def _number(text: str) -> float | None:
    """Also `nan` and `inf`, which are numbers that no sensor can mean: they lie within no limits."""
    try:
        return float(text)
    except ValueError:
        return None


def _details(doubt: _Doubt, entity: Entity, limits: tuple[float, float]) -> JsonObject:
    unit = f" {entity.unit}" if entity.unit else ""
    return {
        "value": f"{doubt.said}{unit}",
        "limits": f"{limits[0]:g} to {limits[1]:g}{unit}",
        "entity_id": entity.id,
    }
