"""What is read of a device now and then, and gathered until an hour, or a day, is over. No message costs anything for it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median
from typing import Protocol

from hub_agent.core.expectation import number_in
from hub_agent.core.telemetry import FACTOR_BY_UNIT
from hub_agent.model.device import Device, Entity, Presence
from hub_agent.model.ids import DeviceId, EntityId
from hub_agent.model.state import UNAVAILABLE, UNKNOWN, EntityState

LOOK_EVERY = timedelta(minutes=5)
SEEN_WITHIN = timedelta(hours=24)
USED_DOMAINS = frozenset({"light", "switch", "media_player", "fan"})
OCCUPANCY_CLASSES = frozenset({"motion", "occupancy", "presence"})
USED_STATES = frozenset({"on", "playing"})
_LOOKS_PER_HOUR = 12


class Home(Protocol):
    """What forecasts read of the home."""

    def device(self, device_id: DeviceId) -> Device | None: ...

    def state(self, entity_id: EntityId) -> EntityState | None: ...

    def presence(self, device_id: DeviceId) -> Presence: ...


@dataclass(frozen=True, slots=True)
class Facets:
    """Which entities of a device say what is wanted."""

    battery: EntityId | None
    power: Entity | None
    energy: Entity | None
    switches: tuple[EntityId, ...]
    used: EntityId | None
    is_occupancy: bool

    @classmethod
    def of(cls, device: Device) -> "Facets":
        by_class = {each.device_class: each for each in reversed(device.entities) if each.domain == "sensor"}
        battery = by_class.get("battery")
        main = [each for each in device.entities if each.category is None]
        occupancy = next((e for e in main if e.domain == "binary_sensor" and e.device_class in OCCUPANCY_CLASSES), None)
        used = next((e for e in main if e.domain in USED_DOMAINS), None) or occupancy
        return cls(
            battery.id if battery else None,
            by_class.get("power"),
            by_class.get("energy"),
            tuple(each.id for each in main if each.domain == "switch"),
            used.id if used else None,
            used is not None and used is occupancy,
        )


@dataclass(slots=True)
class Day:
    """What is gathered of one device until the day, and the hour, are over."""

    levels: list[float] = field(default_factory=list)
    signals: list[float] = field(default_factory=list)
    dropouts: int = 0
    slots: int = 0
    minutes: int = 0
    watched: int = 0  # half hours, as bits
    watts: list[float] = field(default_factory=list)
    counted_from: float | None = None
    is_hour_whole: bool = True


def look(device: Device, facets: Facets, home: Home, day: Day, now: datetime) -> None:
    """`now`: as the clock of the home has it."""
    presence = home.presence(device.id)
    if presence.is_available is False:
        day.is_hour_whole = False
        return
    _look_at_use(facets, home, day, now)
    _look_at_power(facets, home, day)
    if now.minute < LOOK_EVERY.total_seconds() / 60 and _is_fresh(presence, now):
        level = presence.battery_level if presence.battery_level is not None else _number(facets.battery, home)
        if level is not None and 0 <= level <= 100:
            day.levels.append(level)
        if presence.signal_strength is not None:
            day.signals.append(presence.signal_strength)


def _is_fresh(presence: Presence, now: datetime) -> bool:
    return presence.last_seen_at is not None and now - presence.last_seen_at <= SEEN_WITHIN


def _look_at_use(facets: Facets, home: Home, day: Day, now: datetime) -> None:
    state = home.state(facets.used) if facets.used is not None else None
    if state is None or state.state in {UNAVAILABLE, UNKNOWN}:
        return
    slot = 1 << (now.hour * 2 + now.minute // 30)
    day.watched |= slot
    # A motion sensor may have been on and off again since the last look.
    is_used = state.state in USED_STATES or (facets.is_occupancy and now - state.changed_at <= LOOK_EVERY)
    if is_used:
        day.slots |= slot
        day.minutes += int(LOOK_EVERY.total_seconds() // 60)


def _look_at_power(facets: Facets, home: Home, day: Day) -> None:
    if facets.power is None and facets.energy is None:
        return
    # What somebody has switched off is not used less than usual.
    if any((state := home.state(each)) is not None and state.state == "off" for each in facets.switches):
        day.is_hour_whole = False
    drawn = _measured(facets.power, home, "W")
    if drawn is not None:
        day.watts.append(max(0.0, drawn))


def hour_over(facets: Facets, home: Home, day: Day) -> float | None:
    """What was used in the hour, Wh; None: not known, or it was switched off in it."""
    watts, day.watts = day.watts, []
    counted, before = _measured(facets.energy, home, "kWh"), day.counted_from
    day.counted_from = counted
    is_whole, day.is_hour_whole = day.is_hour_whole, True
    if not is_whole:
        return None
    if len(watts) >= _LOOKS_PER_HOUR - 2:
        return sum(watts) / len(watts)
    if facets.power is None and counted is not None and before is not None and counted >= before:
        return (counted - before) * 1000
    return None


def _measured(entity: Entity | None, home: Home, unit: str) -> float | None:
    if entity is None:
        return None
    value = _number(entity.id, home)
    return None if value is None else value * (FACTOR_BY_UNIT.get(entity.unit or unit, 1.0))


def _number(entity_id: EntityId | None, home: Home) -> float | None:
    state = home.state(entity_id) if entity_id is not None else None
    return number_in(state.state) if state is not None else None


def middle(values: list[float]) -> float | None:
    return median(values) if values else None
