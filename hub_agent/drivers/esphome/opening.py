"""Entities that open and close: covers and valves. Nodes count from 0 (closed) to 1 (open)."""

from types import MappingProxyType
from typing import Final

from hub_agent.drivers import given
from hub_agent.drivers.esphome.kind import (
    NOT_KNOWN,
    Description,
    Fields,
    Kind,
    Said,
    named,
    not_understood,
    percent,
    short,
    whole,
)
from hub_agent.drivers.wishes import needed_number
from hub_agent.model.device import Capability
from hub_agent.model.json import JsonObject, JsonValue

_MOVING: Final = MappingProxyType({1: "opening", 2: "closing"})


class Cover(Kind):
    domain = "cover"

    def describe(self, info: JsonObject) -> Description:
        native: Fields = {
            name: given.flag(info, f"supports_{name}") for name in ("position", "tilt", "stop", "stop_tilt")
        }
        # API before 1.1: open or closed is all it says.
        native["is_legacy"] = given.flag(info, "is_legacy")
        capabilities = {"open": Capability("bool", "rw")}
        if native["position"]:
            capabilities["position"] = Capability("int", "rw", unit="%", min=0, max=100)
        if native["tilt"]:
            capabilities["tilt"] = Capability("int", "rw", unit="%", min=0, max=100)
        return Description(capabilities, native, short(info, "device_class"))

    def read(self, native: JsonObject, body: JsonObject) -> Said | None:
        position = percent(body, "position")
        if given.flag(native, "is_legacy"):
            position = 0 if whole(body, "legacy_state") == 1 else 100
        attributes: dict[str, JsonValue] = {}
        if given.flag(native, "position"):
            attributes["current_position"] = position
        if given.flag(native, "tilt"):
            attributes["current_tilt_position"] = percent(body, "tilt")
        moving = named(_MOVING, body, "current_operation")
        return moving or _at_rest(position), attributes

    def write(self, native: JsonObject, verb: str, data: JsonObject, _before: JsonObject) -> Fields:
        verbs = ["open_cover", "close_cover"]
        if given.flag(native, "stop"):
            verbs.append("stop_cover")
        if given.flag(native, "position"):
            verbs.append("set_cover_position")
        if given.flag(native, "tilt"):
            verbs += ["open_cover_tilt", "close_cover_tilt", "set_cover_tilt_position"]
        if given.flag(native, "stop_tilt"):
            verbs.append("stop_cover_tilt")
        if verb not in verbs:
            raise not_understood(self.domain, verb, verbs)
        if verb == "set_cover_position":
            return {"position": _part(data, "position")}
        if verb == "set_cover_tilt_position":
            return {"tilt": _part(data, "tilt_position")}
        return dict(_COVER_FIELDS[verb])


_COVER_FIELDS: Final = MappingProxyType[str, JsonObject](
    {
        "open_cover": {"position": 1.0},
        "close_cover": {"position": 0.0},
        "stop_cover": {"stop": True},
        "open_cover_tilt": {"tilt": 1.0},
        "close_cover_tilt": {"tilt": 0.0},
        "stop_cover_tilt": {"stop_tilt": True},
    }
)


class Valve(Kind):
    domain = "valve"

    def describe(self, info: JsonObject) -> Description:
        native: Fields = {name: given.flag(info, f"supports_{name}") for name in ("position", "stop")}
        capabilities = {"open": Capability("bool", "rw")}
        if native["position"]:
            capabilities["position"] = Capability("int", "rw", unit="%", min=0, max=100)
        return Description(capabilities, native, short(info, "device_class"))

    def read(self, native: JsonObject, body: JsonObject) -> Said | None:
        position = percent(body, "position")
        attributes: dict[str, JsonValue] = {"current_position": position} if given.flag(native, "position") else {}
        return named(_MOVING, body, "current_operation") or _at_rest(position), attributes

    def write(self, native: JsonObject, verb: str, data: JsonObject, _before: JsonObject) -> Fields:
        verbs = ["open_valve", "close_valve"]
        if given.flag(native, "stop"):
            verbs.append("stop_valve")
        if given.flag(native, "position"):
            verbs.append("set_valve_position")
        if verb not in verbs:
            raise not_understood(self.domain, verb, verbs)
        if verb == "set_valve_position":
            return {"position": _part(data, "position")}
        return {"stop": True} if verb == "stop_valve" else {"position": 1.0 if verb == "open_valve" else 0.0}


def _at_rest(position: int | None) -> str:
    if position is None:
        return NOT_KNOWN[0] or ""
    return "closed" if position == 0 else "open"


def _part(data: JsonObject, key: str) -> float:
    return max(0.0, min(1.0, needed_number(data, key) / 100))
