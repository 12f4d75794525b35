"""What a node holds: values of command classes, each with an identity, what it means, and what it is now.

A value is addressed by command class, endpoint, property and, for some, a key of the property:
https://zwave-js.github.io/zwave-js/#/api/valueid
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from hub_agent.drivers import given
from hub_agent.model.json import JsonObject, JsonValue

VALUES_MAX: Final = 2_000
STATES_MAX: Final = 300

BASIC: Final = 32
SWITCH_BINARY: Final = 37
SWITCH_MULTILEVEL: Final = 38
SCENE_ACTIVATION: Final = 43
SENSOR_BINARY: Final = 48
SENSOR_MULTILEVEL: Final = 49
METER: Final = 50
SWITCH_COLOUR: Final = 51
THERMOSTAT_MODE: Final = 64
THERMOSTAT_OPERATING_STATE: Final = 66
THERMOSTAT_SETPOINT: Final = 67
THERMOSTAT_FAN_MODE: Final = 68
THERMOSTAT_FAN_STATE: Final = 69
CENTRAL_SCENE: Final = 91
DOOR_LOCK: Final = 98
USER_CODE: Final = 99
HUMIDITY_SETPOINT: Final = 100
BARRIER: Final = 102
WINDOW_COVERING: Final = 106
HUMIDITY_MODE: Final = 109
HUMIDITY_OPERATING_STATE: Final = 110
CONFIGURATION: Final = 112
NOTIFICATION: Final = 113
MANUFACTURER: Final = 114
PROTECTION: Final = 117
LOCK: Final = 118
SOUND_SWITCH: Final = 121
BATTERY: Final = 128
WAKE_UP: Final = 132
VERSION: Final = 134
INDICATOR: Final = 135
ENERGY_PRODUCTION: Final = 144


class ValueId(NamedTuple):
    command_class: int
    endpoint: int
    property: str | int
    key: str | int | None = None

    def as_native(self) -> list[JsonValue]:
        return list(self)

    def as_wire(self) -> dict[str, JsonValue]:
        body: dict[str, JsonValue] = {
            "commandClass": self.command_class,
            "endpoint": self.endpoint,
            "property": self.property,
        }
        return body if self.key is None else body | {"propertyKey": self.key}


def id_in_native(value: JsonValue) -> ValueId | None:
    parts = value if isinstance(value, list | tuple) else ()
    return _id_of(*parts) if len(parts) == 4 else None


def id_in_wire(body: JsonObject) -> ValueId | None:
    return _id_of(body.get("commandClass"), body.get("endpoint", 0), body.get("property"), body.get("propertyKey"))


def _id_of(command_class: JsonValue, endpoint: JsonValue, name: JsonValue, key: JsonValue) -> ValueId | None:
    number, where, said = whole_of(command_class), whole_of(endpoint), _word(name)
    if number is None or where is None or said is None:
        return None
    return ValueId(number, where, said, _word(key))


def _word(value: JsonValue) -> str | int | None:
    whole = whole_of(value)
    return whole if whole is not None else given.text({"": value}, "")


def whole_of(value: JsonValue) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < given.NUMBER_MAX else None


@dataclass(frozen=True, slots=True)
class Value:
    """`states`: words for single numbers, where there are some. `specific`: what the command class says of it: sensor type, scale ..."""

    id: ValueId
    kind: str
    label: str
    is_readable: bool = True
    is_writable: bool = False
    unit: str | None = None
    min: float | None = None
    max: float | None = None
    states: Mapping[int, str] = field(default_factory=dict)
    is_free: bool = True
    specific: JsonObject = field(default_factory=dict)


def read_value(body: JsonObject) -> Value | None:
    """From a value of a node's dump, or from the arguments of `value added` and `metadata updated`."""
    identity = id_in_wire(body)
    if identity is None:
        return None
    metadata = given.mapping(body, "metadata")
    name = given.text(body, "propertyKeyName") or given.text(body, "propertyName")
    return Value(
        identity,
        kind=given.text(metadata, "type") or "any",
        label=given.text(metadata, "label") or name or str(identity.property),
        is_readable=metadata.get("readable") is not False,
        is_writable=metadata.get("writeable") is True,
        unit=given.text(metadata, "unit"),
        min=given.number(metadata, "min"),
        max=given.number(metadata, "max"),
        states=_states(metadata.get("states")),
        is_free=metadata.get("allowManualEntry") is not False,
        specific={
            name: said for name, said in given.mapping(metadata, "ccSpecific").items() if whole_of(said) is not None
        },
    )


def _states(body: JsonValue) -> dict[int, str]:
    states: dict[int, str] = {}
    for number in list(given.mapping(body))[:STATES_MAX]:
        text = given.text(body, number)
        if text is not None and _is_whole(number):
            states[int(number)] = text
    return states


def _is_whole(text: str) -> bool:
    digits = text.removeprefix("-")
    return len(digits) <= 12 and digits.isascii() and digits.isdigit()


class Values:
    """All values of one node, and what they are now."""

    def __init__(self, described: Iterable[Value] = ()) -> None:
        self.described: dict[ValueId, Value] = {}
        self._now: dict[ValueId, JsonValue] = {}
        for value in described:
            self.describe(value)

    def describe(self, value: Value) -> bool:
        """Whether it is new, or means something else than before."""
        if value.id not in self.described and len(self.described) >= VALUES_MAX:
            return False
        has_changed = self.described.get(value.id) != value
        self.described[value.id] = value
        return has_changed

    def forget(self, identity: ValueId) -> bool:
        self._now.pop(identity, None)
        return self.described.pop(identity, None) is not None

    def set(self, identity: ValueId, value: JsonValue) -> bool:
        """Whether it is another than before."""
        if identity not in self.described or not given.is_shallow(value):
            return False
        if identity in self._now and self._now[identity] == value:
            return False
        self._now[identity] = value
        return True

    def get(self, identity: ValueId) -> JsonValue:
        return self._now.get(identity)

    def of(self, command_class: int, endpoint: int | None = None) -> list[Value]:
        return [
            value
            for identity, value in self.described.items()
            if identity.command_class == command_class and endpoint in {None, identity.endpoint}
        ]

    def find(self, command_class: int, endpoint: int, name: str | int, key: str | int | None = None) -> Value | None:
        return self.described.get(ValueId(command_class, endpoint, name, key))

    def endpoints(self) -> list[int]:
        return sorted({identity.endpoint for identity in self.described})
