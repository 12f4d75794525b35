"""Which entities of a device say how much energy passes through it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from hub_agent.model.device import Device, Entity
from hub_agent.model.ids import EntityId
from hub_agent.model.json import JsonObject

Role = Literal["device", "grid", "solar", "battery", "ignored"]
ROLES: Final[tuple[Role, ...]] = ("device", "grid", "solar", "battery", "ignored")
COUNTERS: Final = frozenset({"total", "total_increasing"})
# The other way: fed back into the grid, taken out of a battery.
RETURNED: Final = "/returned"

_WH_BY_UNIT: Final[Mapping[str, float]] = {"Wh": 1.0, "kWh": 1000.0, "MWh": 1_000_000.0}
_W_BY_UNIT: Final[Mapping[str, float]] = {"W": 1.0, "kW": 1000.0, "MW": 1_000_000.0}
_OTHER_WAY: Final = re.compile(r"return|produc|export|inject|fed.?in|feed.?in|discharg")
# Of these there is a longer counter beside them, or they are parts of one.
_PERIOD: Final = re.compile(r"today|yesterday|daily|weekly|monthly|yearly|(this|last)[ _](day|week|month|year)|period")
_PHASE: Final = re.compile(r"phase|(^|[_ .:])([abc]|l[123])([_ .:]|$)")


@dataclass(frozen=True, slots=True)
class Meter:
    """One entity. `series`: what it adds to; `factor`: to Wh, or to W. A net counter may fall: then energy goes the other way."""

    entity_id: EntityId
    series: str
    is_counter: bool
    factor: float
    is_net: bool = False


def meters_of(device: Device) -> tuple[Meter, ...]:
    """Counters; power where nothing counts. Phases only where nobody tells their sum."""
    sensors = [each for each in device.entities if each.domain == "sensor"]
    counters = [*_counters(sensors)]
    forward = [each for each in counters if not _is_other_way(each)]
    if forward:
        chosen = [*_wholes(forward), *_wholes([each for each in counters if _is_other_way(each)])]
        return tuple(_counter(device, each) for each in chosen)
    powers = [each for each in sensors if each.device_class == "power" and each.unit in _W_BY_UNIT]
    backward = tuple(_counter(device, each) for each in _wholes(counters))
    measured = _wholes([each for each in powers if not _is_other_way(each)])
    return (*backward, *(Meter(each.id, device.id, False, _W_BY_UNIT[each.unit or "W"]) for each in measured))


def role_of(device: Device) -> Role:
    """What a person said that it measures."""
    told = device.settings.get("energy")
    role = told.get("role") if isinstance(told, Mapping) else None
    return next((each for each in ROLES if each == role), "device")


def with_role(settings: JsonObject, role: Role) -> JsonObject:
    """The whole `settings` of a device."""
    others = {name: value for name, value in settings.items() if name != "energy"}
    return others if role == "device" else {**others, "energy": {"role": role}}


def _counters(sensors: Sequence[Entity]) -> Iterator[Entity]:
    for each in sensors:
        is_energy = each.device_class == "energy" and each.unit in _WH_BY_UNIT
        if is_energy and each.state_class in COUNTERS and not _PERIOD.search(_named(each)):
            yield each


def _counter(device: Device, entity: Entity) -> Meter:
    series = f"{device.id}{RETURNED}" if _is_other_way(entity) else device.id
    return Meter(entity.id, series, True, _WH_BY_UNIT[entity.unit or "kWh"], entity.state_class == "total")


def _wholes(entities: Sequence[Entity]) -> Sequence[Entity]:
    return [each for each in entities if not _PHASE.search(_named(each))] or entities


def _is_other_way(entity: Entity) -> bool:
    return _OTHER_WAY.search(_named(entity)) is not None


def _named(entity: Entity) -> str:
    return f"{entity.key} {entity.name or ''}".casefold()
