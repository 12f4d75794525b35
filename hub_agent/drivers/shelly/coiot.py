"""CoIoT, version 2: what the first generation sends by itself when something changes. `{"G": [[0, id, value], ...]}`.

An id has four digits: what it is about, the channel (from 1; 0 is no channel), and two for the property.
https://shelly-api-docs.shelly.cloud/gen1/#coiot-protocol
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from hub_agent.drivers import given
from hub_agent.model.json import JsonObject, JsonValue

PROPERTIES_MAX: Final = 200

# (what, property) -> the components it may belong to, the first that the device has; and the place within its status.
_PLACES: Final = MappingProxyType(
    {
        (1, 1): (("relay", "light"), ("ison",)),
        (1, 2): (("roller",), ("state",)),
        (1, 3): (("roller",), ("current_pos",)),
        (2, 1): (("input",), ("input",)),
        (2, 2): (("input",), ("event",)),
        (2, 3): (("input",), ("event_cnt",)),
        (4, 1): (("meter",), ("power",)),
        (4, 2): (("meter", "roller"), ("power",)),
        (4, 3): (("meter",), ("total",)),
        (4, 4): (("meter",), ("total",)),
        (4, 5): (("emeter",), ("power",)),
        (4, 6): (("emeter",), ("total",)),
        (4, 7): (("emeter",), ("total_returned",)),
        (4, 8): (("emeter", "device"), ("voltage",)),
        (4, 9): (("emeter",), ("current",)),
        (4, 10): (("emeter",), ("pf",)),
        (5, 1): (("light",), ("brightness",)),
        (5, 2): (("light",), ("gain",)),
        (5, 3): (("light",), ("temp",)),
        (5, 5): (("light",), ("red",)),
        (5, 6): (("light",), ("green",)),
        (5, 7): (("light",), ("blue",)),
        (5, 8): (("light",), ("white",)),
        (6, 1): (("relay", "device"), ("overtemperature",)),
        (6, 2): (("relay",), ("overpower",)),
        (6, 5): (("device",), ("smoke",)),
        (6, 6): (("device",), ("flood",)),
        (6, 7): (("device",), ("sensor", "motion")),
    }
)
# The sensors: an add-on's have a channel each, a sensor's own stand in the device.
_SENSORS: Final = MappingProxyType(
    {
        1: ("tmp", "tC"),
        3: ("hum", "value"),
        4: ("tmp", "tC"),
        6: ("lux", "value"),
        8: ("sensor", "state"),
        9: ("accel", "tilt"),
        11: ("bat", "value"),
        12: ("charger",),
    }
)
_NOT_KNOWN: Final = (-1, 999)


def changes_of(body: JsonValue, components: Mapping[str, JsonObject]) -> dict[str, dict[str, JsonValue]]:
    """What is new, by component, in the form of `/status`."""
    changes: dict[str, dict[str, JsonValue]] = {}
    for entry in given.listed(body, "G")[:PROPERTIES_MAX]:
        triple: Sequence[JsonValue] = entry if isinstance(entry, Sequence) and not isinstance(entry, str) else ()
        number = given.number_of(triple[1]) if len(triple) == 3 else None
        if number is None or not 1000 <= number <= 9999 or triple[2] in _NOT_KNOWN:
            continue
        found = _place(int(number), components)
        if found is not None:
            component, path = found
            _put(changes.setdefault(component, {}), path, _worded(path, triple[2]))
    return changes


def _place(number: int, components: Mapping[str, JsonObject]) -> tuple[str, tuple[str, ...]] | None:
    what, channel, which = number // 1000, max(number // 100 % 10, 1) - 1, number % 100
    if what == 3:
        return _sensor(channel, which, components)
    kinds, path = _PLACES.get((what, which), ((), ()))
    for kind in kinds:
        component = kind if kind == "device" else f"{kind}:{channel}"
        if component in components:
            return component, path
    if (what, which) == (6, 10) and "device" in components:
        return "device", ("accel" if "accel" in components["device"] else "sensor", "vibration")
    return None


def _sensor(channel: int, which: int, components: Mapping[str, JsonObject]) -> tuple[str, tuple[str, ...]] | None:
    if "trv:0" in components and which in {1, 3, 21}:
        return "trv:0", {1: ("tmp", "value"), 3: ("target_t", "value"), 21: ("pos",)}[which]
    if which == 1 and f"ext_temperature:{channel}" in components:
        return f"ext_temperature:{channel}", ("tC",)
    if which == 3 and f"ext_humidity:{channel}" in components:
        return f"ext_humidity:{channel}", ("hum",)
    path = _SENSORS.get(which)
    return ("device", path) if path is not None and "device" in components else None


def _worded(path: tuple[str, ...], value: JsonValue) -> JsonValue:
    if path == ("sensor", "state"):
        return {0: "close", 1: "open"}.get(value) if isinstance(value, int) else None
    return value


def _put(body: dict[str, JsonValue], path: tuple[str, ...], value: JsonValue) -> None:
    if len(path) == 1:
        body[path[0]] = value
        return
    inner = dict(given.mapping(body, path[0]))
    inner[path[1]] = value
    body[path[0]] = inner
