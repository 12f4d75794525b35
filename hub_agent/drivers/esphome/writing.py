"""Commands, as the adapter gives them to the node: {"command": kind, "fields": {...}}, or {"command": "service", ...}."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from hub_agent.drivers import given
from hub_agent.drivers.esphome.describing import KINDS, SERVICE
from hub_agent.drivers.esphome.kind import Fields, not_understood, objects, whole
from hub_agent.drivers.wishes import needed_number
from hub_agent.errors import NotPossible
from hub_agent.model.json import JsonObject, JsonValue

LIST_MAX: Final = 1000


def command(native: JsonObject, verb: str, data: JsonObject, before: JsonObject) -> JsonObject:
    kind = given.text(native, "kind") or ""
    if kind not in KINDS:
        raise NotPossible("The node has not said what this is.")
    written = KINDS[kind].write(native, verb, data, before)
    named: Fields = {"key": whole(native, "key"), "device_id": whole(native, "device_id") or 0}
    return {"command": kind, "fields": {**named, **written}}


def call_service(native: JsonObject, verb: str, data: JsonObject) -> JsonObject:
    if verb != "press":
        raise not_understood("button", verb, ("press",))
    arguments = list(objects(native, "args"))
    arguments_given: dict[str, JsonValue] = {}
    for argument in arguments:
        name = given.text(argument, "name") or ""
        if name in data:
            arguments_given[name] = _value(name, data[name], whole(argument, "type") or 0)
        elif not given.flag(argument, "optional"):
            names = ", ".join(given.text(each, "name") or "" for each in arguments)
            raise NotPossible(f"`{name}` is missing: this asks for {names}.")
    return {
        "command": SERVICE,
        "name": given.text(native, "name"),
        "key": whole(native, "key") or 0,
        "args": [{"name": argument.get("name"), "type": argument.get("type")} for argument in arguments],
        "data": arguments_given,
    }


def _value(name: str, value: JsonValue, kind: int) -> JsonValue:
    read = _READERS.get(kind % 4)
    if kind < 0 or kind > 7 or read is None:
        raise NotPossible(f"`{name}` is of a type that is not known here.")
    if kind < 4:
        return read(name, value)
    if not isinstance(value, list | tuple) or len(value) > LIST_MAX:
        raise NotPossible(f"`{name}` must be a list, not {value!r:.60}")
    return [read(name, each) for each in value]


def _flag(name: str, value: JsonValue) -> JsonValue:
    if not isinstance(value, bool):
        raise NotPossible(f"`{name}` must be true or false, not {value!r:.60}")
    return value


def _whole(name: str, value: JsonValue) -> JsonValue:
    number = needed_number({name: value}, name)
    if not float(number).is_integer() or not -(2**31) <= number < 2**31:
        raise NotPossible(f"`{name}` must be a whole number, not {value!r:.60}")
    return int(number)


def _number(name: str, value: JsonValue) -> JsonValue:
    return float(needed_number({name: value}, name))


def _text(name: str, value: JsonValue) -> JsonValue:
    if not isinstance(value, str):
        raise NotPossible(f"`{name}` must be a text, not {value!r:.60}")
    return value


# The API's types of arguments; four more of them are lists of these.
_READERS: Final[Mapping[int, Callable[[str, JsonValue], JsonValue]]] = MappingProxyType(
    {0: _flag, 1: _whole, 2: _number, 3: _text}
)
