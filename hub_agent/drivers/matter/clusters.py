"""Numbers of the Matter specification: clusters, device types, and the attributes of a node by their paths (endpoint/cluster/attribute)."""

from collections.abc import Iterator, Mapping
from typing import Final

from hub_agent.drivers import given
from hub_agent.model.json import JsonObject, JsonValue

IDENTIFY: Final = 3
ON_OFF: Final = 6
LEVEL: Final = 8
DESCRIPTOR: Final = 29
BASIC: Final = 40
OTA: Final = 42
POWER_SOURCE: Final = 47
GENERAL_DIAGNOSTICS: Final = 51
WIFI_DIAGNOSTICS: Final = 54
BRIDGED_BASIC: Final = 57
SWITCH: Final = 59
BOOLEAN_STATE: Final = 69
MODE_SELECT: Final = 80
RVC_RUN_MODE: Final = 84
RVC_CLEAN_MODE: Final = 85
TEMPERATURE_CONTROL: Final = 86
AIR_QUALITY: Final = 91
SMOKE_CO_ALARM: Final = 92
OPERATIONAL_STATE: Final = 96
RVC_OPERATIONAL_STATE: Final = 97
HEPA_FILTER: Final = 113
CARBON_FILTER: Final = 114
VALVE: Final = 129
ELECTRICAL_POWER: Final = 144
ELECTRICAL_ENERGY: Final = 145
DOOR_LOCK: Final = 257
WINDOW_COVERING: Final = 258
THERMOSTAT: Final = 513
FAN: Final = 514
COLOUR: Final = 768
ILLUMINANCE: Final = 1024
TEMPERATURE: Final = 1026
PRESSURE: Final = 1027
FLOW: Final = 1028
HUMIDITY: Final = 1029
OCCUPANCY: Final = 1030

FEATURES: Final = 65532
ACCEPTED_COMMANDS: Final = 65529
ATTRIBUTE_LIST: Final = 65531

# Device types, by what they say that clusters do not.
LIGHTS: Final = frozenset({256, 257, 268, 269})
PLUGS: Final = frozenset({266, 267})
LEAK: Final = 67
FREEZE: Final = 65
RAIN: Final = 68
AGGREGATOR: Final = 14
BRIDGED: Final = 19
ROOT: Final = 22
APPLIANCES: Final = frozenset({112, 113, 115, 117, 120, 121, 122, 123, 124, 45, 114, 116, 43})

WORDS: Final = {
    256: "Light", 257: "Light", 268: "Light", 269: "Light", 266: "Plug", 267: "Plug", 259: "Switch", 260: "Switch",
    261: "Switch", 15: "Button", 21: "Contact", 263: "Occupancy", 770: "Temperature", 775: "Humidity", 262: "Light sensor",
    773: "Pressure", 774: "Flow", 118: "Smoke alarm", 10: "Lock", 514: "Cover", 769: "Thermostat", 43: "Fan",
    45: "Air purifier", 44: "Air quality", 114: "Air conditioner", 116: "Vacuum", 66: "Valve", 67: "Leak", 65: "Freeze",
    68: "Rain", 112: "Refrigerator", 113: "Cabinet", 115: "Washer", 117: "Dishwasher", 124: "Dryer", 121: "Microwave",
    120: "Cooktop", 119: "Cook surface", 122: "Extractor hood", 123: "Oven", 1296: "Electricity", 771: "Pump", 271: "Relay",
    272: "Dimmer", 1292: "Charger", 1295: "Water heater", 777: "Heat pump", 560: "Closure", 561: "Closure panel", 23: "Solar power",
    24: "Battery storage",
}  # fmt: skip

ATTRIBUTES_MAX: Final = 20_000
PATH_CHARS_MAX: Final = 40


class Attributes:
    """What a node's attributes are now."""

    def __init__(self, body: JsonObject | None = None) -> None:
        self._by_path: dict[str, JsonValue] = {}
        for path, value in (body or {}).items():
            self.put(path, value)

    def put(self, path: str, value: JsonValue) -> bool:
        """Whether it is another than before."""
        is_new = path not in self._by_path
        if is_new and (len(self._by_path) >= ATTRIBUTES_MAX or len(path) > PATH_CHARS_MAX):
            return False
        if not given.is_shallow(value):
            return False
        if not is_new and self._by_path[path] == value:
            return False
        self._by_path[path] = value
        return True

    def at(self, path: str) -> JsonValue:
        return self._by_path.get(path)

    def get(self, endpoint: int, cluster: int, attribute: int) -> JsonValue:
        return self._by_path.get(f"{endpoint}/{cluster}/{attribute}")

    def has(self, endpoint: int, cluster: int, attribute: int) -> bool:
        """Whether the device has it and it says something now, or may at another time."""
        return f"{endpoint}/{cluster}/{attribute}" in self._by_path

    def features(self, endpoint: int, cluster: int) -> int:
        return whole_of(self.get(endpoint, cluster, FEATURES)) or 0

    def number(self, endpoint: int, cluster: int, attribute: int) -> float | None:
        return given.number_of(self.get(endpoint, cluster, attribute))

    def text(self, endpoint: int, cluster: int, attribute: int) -> str | None:
        words = given.text({"": self.get(endpoint, cluster, attribute)}, "")
        return words.strip() if words is not None else None

    def clusters(self) -> dict[int, set[int]]:
        """The clusters of each endpoint."""
        found: dict[int, set[int]] = {}
        for path in self._by_path:
            endpoint, _, rest = path.partition("/")
            cluster = rest.partition("/")[0]
            if endpoint.isascii() and endpoint.isdigit() and cluster.isascii() and cluster.isdigit():
                found.setdefault(int(endpoint), set()).add(int(cluster))
        return found

    def device_types(self, endpoint: int) -> set[int]:
        return {
            kind for each in objects(self.get(endpoint, DESCRIPTOR, 0)) if (kind := whole_of(each.get("0"))) is not None
        }

    def parts(self, endpoint: int) -> list[int]:
        listed = given.listed({"": self.get(endpoint, DESCRIPTOR, 3)}, "")
        return [part for each in listed if (part := whole_of(each)) is not None]


def whole_of(value: JsonValue) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 64 else None


def objects(value: JsonValue) -> Iterator[JsonObject]:
    return (each for each in given.listed({"": value}, "") if isinstance(each, Mapping))
