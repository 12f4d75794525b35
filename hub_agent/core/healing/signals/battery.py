"""A battery that is almost empty, or empty; and that somebody has changed it.

Levels are noisy, and devices sleep: the middle of the last three that were heard counts. A level that leaps up is a new battery, unless it does so
again and again: then it is charged, and an empty one is no news.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar, Final

from hub_agent.core.expectation import number_in
from hub_agent.core.healing.remedy import wishes_of
from hub_agent.core.healing.signals.signal import Given, Seen, Signal, Wrong
from hub_agent.model.device import Device, Entity, Presence
from hub_agent.model.healing import Passed, Symptom
from hub_agent.model.ids import DeviceId, NewId
from hub_agent.model.json import JsonObject, JsonValue

LOW: Final = 15
LOW_IS_OVER: Final = 25
CRITICAL: Final = 5
CRITICAL_IS_OVER: Final = 10
LEVELS_KEPT: Final = 3
LEAP: Final = 30
# Two leaps within this are not new batteries.
CHARGED_WITHIN: Final = timedelta(days=20)

_CHARGED_DOMAINS: Final = frozenset({"vacuum", "lawn_mower", "device_tracker"})
_CHARGING_CLASSES: Final = frozenset({"battery_charging"})


@dataclass(slots=True)
class _Cell:
    """`levels`: in percent, the newest last; of a device that says only whether it is low: 0 and 100."""

    levels: list[int] = field(default_factory=list)
    changed_at: datetime | None = None
    is_charged: bool = False
    was_above: bool = False

    @property
    def level(self) -> int | None:
        return sorted(self.levels)[LEVELS_KEPT // 2] if len(self.levels) >= LEVELS_KEPT else None


class Battery(Signal):
    name: ClassVar[str] = "battery"

    def __init__(self, seen: Seen, wrong: Wrong, new_id: NewId) -> None:
        super().__init__(seen, wrong, new_id)
        self._cells: dict[DeviceId, _Cell] = {}

    def changed_at(self, device_id: DeviceId) -> datetime | None:
        """When its battery was changed, as far as that was seen."""
        cell = self._cells.get(device_id)
        return None if cell is None else cell.changed_at

    def look(self, device: Device, presence: Presence, now: datetime, *, is_heard: bool) -> Iterable[Given]:
        if not is_heard:
            return ()
        level, is_exact = self._level_now(device, presence)
        if level is None:
            return ()
        cell = self._cells.setdefault(device.id, _Cell())
        before = cell.level
        cell.levels = [*cell.levels, level][-LEVELS_KEPT:]
        cell.was_above |= level > CRITICAL
        if cell.level is None:
            return ()
        if before is not None and cell.level - before >= LEAP:
            cell.is_charged = cell.changed_at is not None and now - cell.changed_at < CHARGED_WITHIN
            cell.changed_at = now
        if cell.is_charged or _is_charged(device):
            return self._all_well(device)
        return self._judge(device, cell, cell.level, is_exact=is_exact)

    def _judge(self, device: Device, cell: _Cell, level: int, *, is_exact: bool) -> list[Given]:
        if level == 0 and is_exact and not cell.was_above:
            return []  # it has never said anything else: it cannot tell
        details: JsonObject = {
            "level": f"{level} %" if is_exact else "a low level",
            "battery": words_for_battery(device),
        }
        is_critical = is_exact and level <= CRITICAL
        was_critical = self._wrong(device.id, Symptom.BATTERY_CRITICAL)
        if is_critical or (was_critical and level < CRITICAL_IS_OVER):
            return [*self._judged(device, Symptom.BATTERY_CRITICAL, details), *self._over(device, Symptom.BATTERY_LOW)]
        given = self._over(device, Symptom.BATTERY_CRITICAL)
        was_low = was_critical or self._wrong(device.id, Symptom.BATTERY_LOW)
        is_low = level <= LOW or (was_low and level < LOW_IS_OVER)
        # Of a level that only wavers nothing new is said.
        return [*self._judged(device, Symptom.BATTERY_LOW, details if is_low else None), *given]

    def _over(self, device: Device, symptom: Symptom) -> list[Given]:
        return [Passed(device.id, symptom)] if self._wrong(device.id, symptom) else []

    def _all_well(self, device: Device) -> list[Given]:
        return [*self._over(device, Symptom.BATTERY_LOW), *self._over(device, Symptom.BATTERY_CRITICAL)]

    def _level_now(self, device: Device, presence: Presence) -> tuple[int | None, bool]:
        """In percent; and whether it is a measured one."""
        for entity in device.entities:
            if entity.device_class != "battery":
                continue
            state = self._seen.state(entity.id)
            if state is None:
                continue
            if entity.domain == "binary_sensor" and state.state in {"on", "off"} and presence.battery_level is None:
                return (LOW, False) if state.state == "on" else (100, False)
            if entity.domain == "sensor" and entity.unit == "%" and (level := number_in(state.state)) is not None:
                return (round(level), True) if 0 <= level <= 100 else (None, True)
        return presence.battery_level, True

    def forget(self, device_id: DeviceId, now: datetime) -> Sequence[Given]:
        self._cells.pop(device_id, None)
        return ()

    def shift(self, by: timedelta) -> None:
        for cell in self._cells.values():
            if cell.changed_at is not None:
                cell.changed_at += by

    def memory(self) -> JsonObject:
        return {
            device_id: {
                "changed_at": None if cell.changed_at is None else cell.changed_at.isoformat(),
                "is_charged": cell.is_charged,
                "was_above": cell.was_above,
            }
            for device_id, cell in self._cells.items()
            if cell.was_above
        }

    def remember(self, memory: JsonObject) -> None:
        for device_id, known in memory.items():
            if not isinstance(known, dict):
                continue
            at = known.get("changed_at")
            changed_at = datetime.fromisoformat(at) if isinstance(at, str) else None
            self._cells[DeviceId(device_id)] = _Cell(
                [], changed_at, known.get("is_charged") is True, known.get("was_above") is True
            )


def words_for_battery(device: Device) -> str:
    """ "2 x AAA": as somebody has declared it in `devices.settings.healing.battery`, as a text or as {"type", "count"}."""
    said: JsonValue = wishes_of(device).get("battery")
    if isinstance(said, str) and said:
        return said
    if isinstance(said, dict) and isinstance(said.get("type"), str):
        count = number_in(said.get("count")) or 1
        return f"{count:g} x {said['type']}" if count > 1 else f"a {said['type']}"
    return "a fresh one"


def _is_charged(device: Device) -> bool:
    return any(_tells_charging(each) for each in device.entities)


def _tells_charging(entity: Entity) -> bool:
    return entity.domain in _CHARGED_DOMAINS or entity.device_class in _CHARGING_CLASSES
