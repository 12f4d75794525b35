"""What chargers, heaters, pumps, white goods and settings of common devices tell, and can be set to: attribute by attribute, as tables.

Only what a device has becomes an entity: it lists the attribute.
"""

from collections.abc import Mapping
from typing import Final

from hub_agent.drivers import given
from hub_agent.drivers.matter import clusters as c
from hub_agent.drivers.matter.clusters import Attributes
from hub_agent.drivers.matter.sensing import Builder, Made, Place, flag, number, operating, paths, sensor, words
from hub_agent.model.device import AdvertisedEntity, Capability
from hub_agent.model.json import JsonValue

_CHARGER: Final = 153
_WATER_HEATER: Final = 148
_PUMP: Final = 512
_USER_INTERFACE: Final = 516
_SENSITIVITY: Final = 128
_FRIDGE_ALARM: Final = 87
_DISHWASHER_ALARM: Final = 93
_WASHER: Final = 83
_DRYER: Final = 74
_MICROWAVE: Final = 95
_CAVITY: Final = 72
_SOIL: Final = 1072
_CLOSURE: Final = 260

# Attributes that count words: (key, name, words).
_WORDS: Final[Mapping[Place, tuple[str, str, tuple[str, ...]]]] = {
    (_CHARGER, 0): (
        "charger_state", "Charger state",
        ("not_plugged_in", "plugged_in", "ready_to_charge", "charging", "discharging", "session_ending", "fault"),
    ),
    (_CHARGER, 1): (
        "supply_state", "Supply state",
        ("disabled", "charging_enabled", "discharging_enabled", "disabled_error", "disabled_diagnostics", "enabled"),
    ),
    (_CHARGER, 2): (
        "charger_fault", "Charger fault",
        (
            "none", "meter_failure", "over_voltage", "under_voltage", "over_current", "contact_wet_failure", "contact_dry_failure",
            "ground_fault", "power_loss", "power_quality", "pilot_short_circuit", "emergency_stop", "vehicle_disconnected",
            "wrong_power_supply", "live_neutral_swap", "over_temperature",
        ),
    ),
    (_WATER_HEATER, 5): ("boost_state", "Boost", ("inactive", "active")),
    (_PUMP, 17): ("operation_mode", "Operation mode", ("normal", "minimum", "maximum", "local")),
    (_PUMP, 18): (
        "control_mode", "Control mode",
        ("constant_speed", "constant_pressure", "proportional_pressure", "constant_flow", "", "constant_temperature", "", "automatic"),
    ),
    (_CLOSURE, 1): (
        "closure_state", "State",
        ("stopped", "moving", "waiting", "error", "calibrating", "protected", "disengaged", "setup_required"),
    ),
}  # fmt: skip
# Numbers: (metric, name, device class, unit, factor).
_NUMBERS: Final[Mapping[Place, tuple[str, str, str | None, str | None, float]]] = {
    (_CHARGER, 5): ("circuit_capacity", "Circuit capacity", "current", "A", 0.001),
    (_CHARGER, 6): ("charge_current_min", "Lowest charge current", "current", "A", 0.001),
    (_CHARGER, 7): ("charge_current_max", "Highest charge current", "current", "A", 0.001),
    (_CHARGER, 48): ("state_of_charge", "State of charge", "battery", "%", 1),
    (_CHARGER, 65): ("session_duration", "Session duration", "duration", "s", 1),
    (_CHARGER, 66): ("session_energy", "Session energy", None, "kWh", 1e-6),
    (_WATER_HEATER, 2): ("tank_volume", "Tank volume", "volume_storage", "L", 1),
    (_WATER_HEATER, 3): ("heat_required", "Heat required", None, "kWh", 1e-6),
    (_WATER_HEATER, 4): ("hot_water", "Hot water", None, "%", 1),
    (_PUMP, 19): ("capacity", "Capacity", None, "%", 0.01),
    (_PUMP, 20): ("speed", "Speed", None, "rpm", 1),
    (_PUMP, 22): ("power", "Power", "power", "W", 1),
    (c.THERMOSTAT, 1): ("outdoor_temperature", "Outdoor temperature", "temperature", "°C", 0.01),
    (c.THERMOSTAT, 8): ("heating_demand", "Heating demand", None, "%", 1),
    (c.THERMOSTAT, 7): ("cooling_demand", "Cooling demand", None, "%", 1),
    (_MICROWAVE, 0): ("cook_time", "Cook time", "duration", "s", 1),
    (_SOIL, 1): ("moisture", "Soil moisture", "moisture", "%", 1),
}
# Conditions: (key, name, device class, the values that mean on).
_FLAGS: Final[Mapping[Place, tuple[str, str, str | None, tuple[int, ...]]]] = {
    (_WATER_HEATER, 1): ("heating", "Heating", "heat", tuple(range(1, 32))),
    (_FRIDGE_ALARM, 2): ("door_alarm", "Door open", "door", (1,)),
    (_DISHWASHER_ALARM, 2): ("alarm", "Alarm", "problem", tuple(range(1, 64))),
}
# Settings: (key, name, unit, lowest, highest, factor).
_SETTINGS: Final[Mapping[Place, tuple[str, str, str | None, float, float, float]]] = {
    (_CHARGER, 9): ("charge_current", "Charge current", "A", 0, 80, 0.001),
    (c.THERMOSTAT, 16): ("temperature_calibration", "Temperature calibration", "°C", -12.7, 12.7, 0.1),
    (c.OCCUPANCY, 3): ("hold_time", "Hold time", "s", 0, 65534, 1),
    (c.LEVEL, 16): ("transition_time", "Transition time", "s", 0, 6553.4, 0.1),
    (c.LEVEL, 17): ("on_level", "On level", None, 1, 254, 1),
}
# Choices: (key, name, words).
_CHOICES: Final[Mapping[Place, tuple[str, str, tuple[str, ...]]]] = {
    (_PUMP, 32): ("pump_mode", "Mode", ("normal", "minimum", "maximum", "local")),
    (_USER_INTERFACE, 0): ("temperature_display", "Temperature display", ("celsius", "fahrenheit")),
    (_USER_INTERFACE, 1): (
        "keypad_lockout",
        "Keypad lockout",
        ("off", "level_1", "level_2", "level_3", "level_4", "level_5"),
    ),
}
# Choices among what another attribute lists: (key, name, list, words of its numbers; none: it lists words itself).
_LISTED: Final[Mapping[Place, tuple[str, str, int, tuple[str, ...]]]] = {
    (_WASHER, 1): ("spin_speed", "Spin speed", 0, ()),
    (_WASHER, 2): ("rinses", "Rinses", 3, ("none", "normal", "extra", "max")),
    (_DRYER, 1): ("dryness", "Dryness", 0, ("low", "normal", "extra", "max")),
}


def _build(cluster: int) -> Builder:
    def build(attributes: Attributes, endpoint: int, _has: set[int]) -> Made:
        for place in _PLACES:
            if place[0] == cluster and attributes.has(endpoint, *place):
                yield from _entity(attributes, endpoint, place)
        if cluster == _SENSITIVITY:
            yield from _sensitivity(attributes, endpoint)

    return build


def _entity(attributes: Attributes, endpoint: int, place: Place) -> Made:
    if place in _WORDS:
        key, name, listed = _WORDS[place]
        yield words(endpoint, key, name, place, {each: word for each, word in enumerate(listed) if word})
    elif place in _NUMBERS:
        metric, name, device_class, unit, factor = _NUMBERS[place]
        yield sensor(endpoint, metric, place, unit=unit, device_class=device_class, factor=factor, name=name)
    elif place in _FLAGS:
        key, name, device_class, on = _FLAGS[place]
        yield flag(endpoint, key, name, device_class, place, on=on)
    elif place in _SETTINGS:
        key, name, unit, low, high, factor = _SETTINGS[place]
        low, high = _limits(attributes, endpoint, place, (low, high))
        yield number(endpoint, key, name, place, unit=unit, limits=(low, high), factor=factor)
    elif place in _CHOICES:
        key, name, listed = _CHOICES[place]
        yield _choice(endpoint, key, name, place, {str(each): word for each, word in enumerate(listed)})
    else:
        key, name, where, known = _LISTED[place]
        names = _names(attributes, endpoint, place[0], where, known)
        if names:
            yield _choice(endpoint, key, name, place, names)


def _limits(attributes: Attributes, endpoint: int, place: Place, usual: tuple[float, float]) -> tuple[float, float]:
    """The device's own where it tells them."""
    if place == (c.OCCUPANCY, 3):
        said = given.mapping({"": attributes.get(endpoint, c.OCCUPANCY, 4)}, "")
        low, high = given.number_of(said.get("0")), given.number_of(said.get("1"))
    elif place == (_CHARGER, 9):
        low, high = (attributes.number(endpoint, _CHARGER, each) for each in (6, 7))
        low, high = (None if each is None else each / 1000 for each in (low, high))
    else:
        return usual
    return (low, high) if low is not None and high is not None and low < high else usual


def _names(
    attributes: Attributes, endpoint: int, cluster: int, where: int, known: tuple[str, ...]
) -> dict[str, JsonValue]:
    names: dict[str, JsonValue] = {}
    for place, each in enumerate(given.listed({"": attributes.get(endpoint, cluster, where)}, "")[:50]):
        if not known and isinstance(each, str) and each:
            names[str(place)] = each[:100]
        elif known and isinstance(each, int) and not isinstance(each, bool) and 0 <= each < len(known):
            names[str(each)] = known[each]
    return names


def _sensitivity(attributes: Attributes, endpoint: int) -> Made:
    levels = c.whole_of(attributes.get(endpoint, _SENSITIVITY, 1))
    if levels is not None and 2 <= levels <= 10 and attributes.has(endpoint, _SENSITIVITY, 0):
        names: dict[str, JsonValue] = {str(each): f"level_{each + 1}" for each in range(levels)}
        yield _choice(endpoint, "sensitivity", "Sensitivity", (_SENSITIVITY, 0), names)


def _choice(endpoint: int, key: str, name: str, place: Place, names: Mapping[str, JsonValue]) -> AdvertisedEntity:
    return AdvertisedEntity(
        key=f"{key}_{endpoint}",
        domain="select",
        name=name,
        category="config",
        capabilities={
            key: Capability("enum", "rw", options=tuple(dict.fromkeys(str(word) for word in names.values())))
        },
        native={"kind": "choice", "endpoint": endpoint, "paths": paths(endpoint, {"now": place}), "words": dict(names)},
    )


_PLACES: Final = (*_WORDS, *_NUMBERS, *_FLAGS, *_SETTINGS, *_CHOICES, *_LISTED)
BUILDERS: Final[tuple[tuple[int, Builder], ...]] = (
    *((cluster, _build(cluster)) for cluster in dict.fromkeys((*(place[0] for place in _PLACES), _SENSITIVITY))),
    (_CAVITY, operating(_CAVITY)),
)
