"""What a device measures, notices and can be set up with: clusters that are no main function, or one of sensors."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from hub_agent.drivers import given
from hub_agent.drivers.matter import clusters as c
from hub_agent.drivers.matter.clusters import Attributes
from hub_agent.model.device import AdvertisedEntity, Capability
from hub_agent.model.json import JsonValue

Made = Iterator[AdvertisedEntity]
Builder = Callable[[Attributes, int, set[int]], Made]
Place = tuple[int, int]


def paths(endpoint: int, roles: Mapping[str, Place]) -> dict[str, JsonValue]:
    return {role: f"{endpoint}/{cluster}/{attribute}" for role, (cluster, attribute) in roles.items()}


_NAMES: Final = {"co": "CO", "co2": "CO2", "no2": "NO2", "pm1": "PM1", "pm10": "PM10", "pm25": "PM2.5", "voc": "VOC"}


def sensor(
    endpoint: int,
    metric: str,
    place: Place,
    *,
    unit: str | None,
    device_class: str | None = None,
    state_class: str | None = "measurement",
    factor: float = 1,
    name: str | None = "",
    category: str | None = None,
    **more: JsonValue,
) -> AdvertisedEntity:
    """A number; `name` "": the metric's word."""
    return AdvertisedEntity(
        key=f"{metric}_{endpoint}",
        domain="sensor",
        name=_NAMES.get(metric, metric.replace("_", " ").capitalize()) if name == "" else name,
        device_class=device_class,
        unit=unit,
        state_class=state_class,
        category=category,
        capabilities={metric: Capability("float", unit=unit)},
        native={
            "kind": "number",
            "endpoint": endpoint,
            "paths": paths(endpoint, {"now": place}),
            "factor": factor,
            **more,
        },
    )


def flag(
    endpoint: int,
    key: str,
    name: str | None,
    device_class: str | None,
    place: Place,
    *,
    on: Sequence[JsonValue],
    category: str | None = None,
) -> AdvertisedEntity:
    """On while the attribute is one of `on`."""
    return AdvertisedEntity(
        key=f"{key}_{endpoint}",
        domain="binary_sensor",
        name=name,
        device_class=device_class,
        category=category,
        capabilities={key: Capability("bool")},
        native={"kind": "flag", "endpoint": endpoint, "paths": paths(endpoint, {"now": place}), "on": [*on]},
    )


def number(
    endpoint: int,
    key: str,
    name: str,
    place: Place,
    *,
    unit: str | None,
    limits: tuple[float, float],
    factor: float = 1,
) -> AdvertisedEntity:
    return AdvertisedEntity(
        key=f"{key}_{endpoint}",
        domain="number",
        name=name,
        unit=unit,
        category="config",
        capabilities={key: Capability("float", "rw", unit=unit, min=limits[0], max=limits[1])},
        native={
            "kind": "setting",
            "endpoint": endpoint,
            "paths": paths(endpoint, {"now": place}),
            "factor": factor,
            "limits": [*limits],
        },
    )


def words(endpoint: int, key: str, name: str, place: Place, names: Mapping[int, str]) -> AdvertisedEntity:
    """An attribute that counts words."""
    return AdvertisedEntity(
        key=f"{key}_{endpoint}",
        domain="sensor",
        name=name,
        device_class="enum",
        capabilities={key: Capability("enum", options=tuple(dict.fromkeys(names.values())))},
        native={
            "kind": "words",
            "endpoint": endpoint,
            "paths": paths(endpoint, {"now": place}),
            "words": {str(each): word for each, word in names.items()},
        },
    )


# Measurements: cluster -> (metric, device class, unit, factor), all of attribute 0.
_MEASURED: Final = {
    c.TEMPERATURE: ("temperature", "temperature", "°C", 0.01),
    c.HUMIDITY: ("humidity", "humidity", "%", 0.01),
    c.PRESSURE: ("pressure", "atmospheric_pressure", "hPa", 1),
    c.FLOW: ("flow", "volume_flow_rate", "m³/h", 0.1),
}


def _measured(cluster: int) -> Builder:
    metric, device_class, unit, factor = _MEASURED[cluster]

    def build(_attributes: Attributes, endpoint: int, _has: set[int]) -> Made:
        yield sensor(endpoint, metric, (cluster, 0), unit=unit, device_class=device_class, factor=factor)

    return build


def _illuminance(_attributes: Attributes, endpoint: int, _has: set[int]) -> Made:
    """A logarithm: 10000 * log10(lux) + 1."""
    yield sensor(endpoint, "illuminance", (c.ILLUMINANCE, 0), unit="lx", device_class="illuminance", scale="logarithm")


# Concentrations: cluster -> (metric, device class). The unit is an attribute.
_CONCENTRATIONS: Final = {
    1036: ("co", "carbon_monoxide"),
    1037: ("co2", "carbon_dioxide"),
    1043: ("no2", "nitrogen_dioxide"),
    1045: ("ozone", "ozone"),
    1066: ("pm25", "pm25"),
    1067: ("formaldehyde", None),
    1068: ("pm1", "pm1"),
    1069: ("pm10", "pm10"),
    1070: ("voc", "volatile_organic_compounds"),
    1071: ("radon", None),
}
# MeasurementUnit -> (unit, factor)
_UNITS: Final = {
    0: ("ppm", 1.0),
    1: ("ppm", 0.001),
    2: ("ppm", 0.000001),
    3: ("mg/m³", 1.0),
    4: ("µg/m³", 1.0),
    5: ("µg/m³", 0.001),
    6: ("p/m³", 1.0),
    7: ("Bq/m³", 1.0),
}
_GASES: Final = frozenset({"co", "co2"})


def _concentration(cluster: int) -> Builder:
    metric, device_class = _CONCENTRATIONS[cluster]

    def build(attributes: Attributes, endpoint: int, _has: set[int]) -> Made:
        said = c.whole_of(attributes.get(endpoint, cluster, 8))
        unit, factor = _UNITS.get(said if said is not None else 0, ("ppm", 1.0))
        fits = unit == "ppm" if metric in _GASES else unit == "µg/m³"
        if attributes.has(endpoint, cluster, 0):
            yield sensor(
                endpoint, metric, (cluster, 0), unit=unit, device_class=device_class if fits else None, factor=factor
            )

    return build


def _boolean(attributes: Attributes, endpoint: int, _has: set[int]) -> Made:
    types = attributes.device_types(endpoint)
    place = (c.BOOLEAN_STATE, 0)
    if c.LEAK in types:
        yield flag(endpoint, "water_leak", None, "moisture", place, on=[True])
    elif c.FREEZE in types:
        yield flag(endpoint, "freeze", None, "cold", place, on=[True])
    elif c.RAIN in types:
        yield flag(endpoint, "rain", None, "moisture", place, on=[True])
    else:
        # True means that the contact is closed.
        yield flag(endpoint, "contact", None, "door", place, on=[False])


def _occupancy(_attributes: Attributes, endpoint: int, _has: set[int]) -> Made:
    entity = flag(endpoint, "occupancy", None, "occupancy", (c.OCCUPANCY, 0), on=[1, 3, 5, 7])
    yield entity


_AIR: Final = {0: "unknown", 1: "good", 2: "fair", 3: "moderate", 4: "poor", 5: "very_poor", 6: "extremely_poor"}


def _air(_attributes: Attributes, endpoint: int, _has: set[int]) -> Made:
    yield words(endpoint, "air_quality", "Air quality", (c.AIR_QUALITY, 0), _AIR)


_ALARM: Final = (1, 2)  # warning, critical


def _smoke(attributes: Attributes, endpoint: int, _has: set[int]) -> Made:
    features = attributes.features(endpoint, c.SMOKE_CO_ALARM)
    if features & 1 or not features:
        yield flag(endpoint, "smoke", None, "smoke", (c.SMOKE_CO_ALARM, 1), on=_ALARM)
    if features & 2:
        name = "Carbon monoxide" if features & 1 else None
        yield flag(endpoint, "carbon_monoxide", name, "carbon_monoxide", (c.SMOKE_CO_ALARM, 2), on=_ALARM)
    for attribute, key, name, device_class, on in (
        (3, "battery_alert", "Battery alert", "battery", _ALARM),
        (5, "test_in_progress", "Test in progress", "running", (True,)),
        (6, "hardware_fault", "Hardware fault", "problem", (True,)),
        (7, "end_of_service", "End of service", "problem", (1,)),
        (8, "interconnected_smoke", "Smoke elsewhere", "smoke", _ALARM),
        (9, "interconnected_co", "Carbon monoxide elsewhere", "carbon_monoxide", _ALARM),
    ):
        if attributes.get(endpoint, c.SMOKE_CO_ALARM, attribute) is not None:
            yield flag(endpoint, key, name, device_class, (c.SMOKE_CO_ALARM, attribute), on=on, category="diagnostic")
    if 0 in given.listed({"": attributes.get(endpoint, c.SMOKE_CO_ALARM, c.ACCEPTED_COMMANDS)}, ""):
        yield press(endpoint, "self_test", "Self-test", c.SMOKE_CO_ALARM, "SelfTestRequest")


def press(endpoint: int, key: str, name: str, cluster: int, command: str) -> AdvertisedEntity:
    return AdvertisedEntity(
        key=f"{key}_{endpoint}",
        domain="button",
        name=name,
        category="config",
        capabilities={"press": Capability("enum", "w", options=("press",))},
        native={"kind": "press", "endpoint": endpoint, "paths": {}, "cluster": cluster, "command": command},
    )


_CHARGE: Final = {0: "ok", 1: "warning", 2: "critical"}


def _power_source(attributes: Attributes, endpoint: int, _has: set[int]) -> Made:
    if not attributes.features(endpoint, c.POWER_SOURCE) & 2:
        return  # the mains
    if attributes.number(endpoint, c.POWER_SOURCE, 12) is not None:
        yield sensor(
            endpoint, "battery", (c.POWER_SOURCE, 12), unit="%", device_class="battery", factor=0.5, category="diagnostic",
            battery=True,
        )  # fmt: skip
    else:
        yield flag(
            endpoint, "battery_low", "Battery low", "battery", (c.POWER_SOURCE, 14), on=[1, 2], category="diagnostic"
        )
    if attributes.number(endpoint, c.POWER_SOURCE, 11) is not None:
        yield sensor(
            endpoint, "battery_voltage", (c.POWER_SOURCE, 11), unit="V", device_class="voltage", factor=0.001, category="diagnostic"
        )  # fmt: skip
    if attributes.features(endpoint, c.POWER_SOURCE) & 4:
        yield flag(
            endpoint, "charging", "Charging", "battery_charging", (c.POWER_SOURCE, 26), on=[1], category="diagnostic"
        )


# Attributes of Electrical Power Measurement, in thousandths.
_POWERS: Final = (
    (8, "power", "power", "W"),
    (4, "voltage", "voltage", "V"),
    (11, "voltage", "voltage", "V"),
    (5, "current", "current", "A"),
    (12, "current", "current", "A"),
    (9, "reactive_power", None, "var"),
    (10, "apparent_power", "apparent_power", "VA"),
    (14, "frequency", "frequency", "Hz"),
)


def _power(attributes: Attributes, endpoint: int, _has: set[int]) -> Made:
    told: set[str] = set()
    for attribute, metric, device_class, unit in _POWERS:
        if metric not in told and attributes.has(endpoint, c.ELECTRICAL_POWER, attribute):
            if attributes.get(endpoint, c.ELECTRICAL_POWER, attribute) is None and attribute in {4, 5}:
                continue  # the root mean square may be told instead
            told.add(metric)
            place = (c.ELECTRICAL_POWER, attribute)
            yield sensor(endpoint, metric, place, unit=unit, device_class=device_class, factor=0.001)


def _energy(attributes: Attributes, endpoint: int, _has: set[int]) -> Made:
    for attribute, metric in ((1, "energy"), (2, "energy_produced")):
        if attributes.has(endpoint, c.ELECTRICAL_ENERGY, attribute):
            place = (c.ELECTRICAL_ENERGY, attribute)
            yield sensor(
                endpoint, metric, place, unit="kWh", device_class="energy", state_class="total_increasing", factor=1e-6, field="0"
            )  # fmt: skip


_STATES: Final = {0: "stopped", 1: "running", 2: "paused", 3: "error", 64: "seeking_charger", 65: "charging", 66: "docked",
                  67: "emptying_dust_bin", 68: "cleaning_mop", 69: "filling_water_tank", 70: "updating_maps"}  # fmt: skip


def operating(cluster: int) -> Builder:
    def build(attributes: Attributes, endpoint: int, has: set[int]) -> Made:
        listed = {}
        for each in c.objects(attributes.get(endpoint, cluster, 3)):
            state = c.whole_of(each.get("0"))
            if state is not None:
                listed[state] = _STATES.get(state) or given.text(each, "1") or f"state_{state}"
        name = None if not has & {c.RVC_RUN_MODE, c.FAN, c.ON_OFF} else "Operating state"
        yield words(endpoint, "operational_state", name or "Operating state", (cluster, 4), listed or _STATES)
        phases = [
            each for each in given.listed({"": attributes.get(endpoint, cluster, 0)}, "") if isinstance(each, str)
        ]
        if phases:
            yield words(endpoint, "phase", "Phase", (cluster, 1), dict(enumerate(phase[:100] for phase in phases[:50])))
        accepted = given.listed({"": attributes.get(endpoint, cluster, c.ACCEPTED_COMMANDS)}, "")
        if cluster == c.OPERATIONAL_STATE:
            for command, word in ((2, "Start"), (0, "Pause"), (3, "Resume"), (1, "Stop")):
                if command in accepted:
                    yield press(endpoint, word.lower(), word, cluster, word)

    return build


# Clusters with a list of modes and ChangeToMode. (modes, current)
_MODES: Final = {
    c.MODE_SELECT: ("Mode", 2, 3),
    73: ("Oven mode", 0, 1),
    81: ("Washing programme", 0, 1),
    82: ("Cabinet mode", 0, 1),
    89: ("Dishwasher programme", 0, 1),
    94: ("Microwave mode", 0, 1),
    157: ("Charging mode", 0, 1),
    158: ("Heating mode", 0, 1),
    159: ("Energy mode", 0, 1),
}


def mode(attributes: Attributes, endpoint: int, cluster: int, name: str, *, listed: int = 0, current: int = 1) -> Made:
    names: dict[str, JsonValue] = {}
    for each in c.objects(attributes.get(endpoint, cluster, listed)):
        label, raw = given.text(each, "0"), c.whole_of(each.get("1"))
        if label is not None and raw is not None and len(names) < 100:
            names[str(raw)] = label
    if not names:
        return
    key = f"mode_{cluster}"
    yield AdvertisedEntity(
        key=f"{key}_{endpoint}",
        domain="select",
        name=attributes.text(endpoint, cluster, 0) or name if cluster == c.MODE_SELECT else name,
        capabilities={
            "mode": Capability("enum", "rw", options=tuple(dict.fromkeys(str(word) for word in names.values())))
        },
        native={
            "kind": "mode",
            "endpoint": endpoint,
            "paths": paths(endpoint, {"now": (cluster, current)}),
            "words": names,
            "cluster": cluster,
        },
    )


def _mode(cluster: int) -> Builder:
    name, listed, current = _MODES[cluster]
    return lambda attributes, endpoint, _has: mode(attributes, endpoint, cluster, name, listed=listed, current=current)


def _temperature_control(attributes: Attributes, endpoint: int, _has: set[int]) -> Made:
    low, high = (attributes.number(endpoint, c.TEMPERATURE_CONTROL, each) for each in (1, 2))
    if attributes.features(endpoint, c.TEMPERATURE_CONTROL) & 1 and low is not None and high is not None and low < high:
        yield AdvertisedEntity(
            key=f"target_temperature_{endpoint}",
            domain="number",
            name="Target temperature",
            device_class="temperature",
            unit="°C",
            capabilities={"target_temperature": Capability("float", "rw", unit="°C", min=low / 100, max=high / 100)},
            native={
                "kind": "target_temperature",
                "endpoint": endpoint,
                "paths": paths(endpoint, {"now": (c.TEMPERATURE_CONTROL, 0)}),
                "factor": 0.01,
                "limits": [low / 100, high / 100],
            },
        )


def _filter(cluster: int, key: str, name: str) -> Builder:
    def build(attributes: Attributes, endpoint: int, _has: set[int]) -> Made:
        if attributes.has(endpoint, cluster, 0):
            yield sensor(endpoint, key, (cluster, 0), unit="%", name=name, category="diagnostic")

    return build


_POWER_ON: Final = {0: "off", 1: "on", 2: "toggle"}


def power_on(attributes: Attributes, endpoint: int) -> Made:
    """What it does when the power comes back; null is "as it was"."""
    if not attributes.has(endpoint, c.ON_OFF, 16387):
        return
    names = {**{str(number): word for number, word in _POWER_ON.items()}, "null": "previous"}
    yield AdvertisedEntity(
        key=f"power_on_behavior_{endpoint}",
        domain="select",
        name="Power-on behavior",
        category="config",
        capabilities={"power_on_behavior": Capability("enum", "rw", options=tuple(names.values()))},
        native={
            "kind": "choice",
            "endpoint": endpoint,
            "paths": paths(endpoint, {"now": (c.ON_OFF, 16387)}),
            "words": names,
        },
    )


_LATCHING, _MOMENTARY, _RELEASE, _LONG, _MULTI = 1, 2, 4, 8, 16
PRESSES_MAX: Final = 8


def presses(features: int, multi_max: int) -> tuple[str, ...]:
    """The events that a switch gives; with several presses the single ones are told by their count."""
    if features & _LATCHING:
        return ("switch_latched",)
    found: list[str] = []
    if features & _MULTI:
        found += [f"multi_press_{number}" for number in range(1, min(max(multi_max, 1), PRESSES_MAX) + 1)]
    elif features & _RELEASE:
        found += ["initial_press", "short_release"]
    elif features & _MOMENTARY:
        found += ["initial_press"]
    return (*found, *(("long_press", "long_release") if features & _LONG else ()))


def _update(attributes: Attributes, endpoint: int, _has: set[int]) -> Made:
    if endpoint:
        return
    yield AdvertisedEntity(
        key="update",
        domain="update",
        name="Firmware",
        device_class="firmware",
        category="config",
        capabilities={"install": Capability("bool", "w")},
        native={
            "kind": "update",
            "endpoint": 0,
            "paths": paths(0, {"version": (c.BASIC, 10), "state": (c.OTA, 2), "progress": (c.OTA, 3)}),
        },
    )
    del attributes


BUILDERS: Final[tuple[tuple[int, Builder], ...]] = (
    (c.BOOLEAN_STATE, _boolean),
    (c.OCCUPANCY, _occupancy),
    (c.SMOKE_CO_ALARM, _smoke),
    *((cluster, _measured(cluster)) for cluster in _MEASURED),
    (c.ILLUMINANCE, _illuminance),
    *((cluster, _concentration(cluster)) for cluster in _CONCENTRATIONS),
    (c.AIR_QUALITY, _air),
    (c.ELECTRICAL_POWER, _power),
    (c.ELECTRICAL_ENERGY, _energy),
    (c.OPERATIONAL_STATE, operating(c.OPERATIONAL_STATE)),
    (c.RVC_OPERATIONAL_STATE, operating(c.RVC_OPERATIONAL_STATE)),
    *((cluster, _mode(cluster)) for cluster in _MODES),
    (c.TEMPERATURE_CONTROL, _temperature_control),
    (c.HEPA_FILTER, _filter(c.HEPA_FILTER, "hepa_filter", "HEPA filter")),
    (c.CARBON_FILTER, _filter(c.CARBON_FILTER, "carbon_filter", "Carbon filter")),
    (c.POWER_SOURCE, _power_source),
    (c.OTA, _update),
)
