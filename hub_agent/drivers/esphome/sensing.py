"""Entities that only tell: sensors, contacts, events, firmware, cameras."""

from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from hub_agent.drivers import given
from hub_agent.drivers.esphome.kind import (
    NOT_KNOWN,
    NOTHING,
    STATE_CHARS_MAX,
    Description,
    Fields,
    Kind,
    Said,
    named,
    not_understood,
    number,
    number_text,
    on_off,
    short,
    whole,
    words,
)
from hub_agent.drivers.esphome.units import measured_in
from hub_agent.drivers.vocabulary import slug
from hub_agent.model.device import Capability
from hub_agent.model.json import JsonObject, JsonValue

_STATE_CLASSES: Final = MappingProxyType({1: "measurement", 2: "total_increasing", 3: "total", 4: "measurement_angle"})
DECIMALS_MAX: Final = 10
# 9999-12-31: later moments have no date.
_EPOCH_S_MAX: Final = 253_402_300_799
_INSTALL: Final = 1


class Sensor(Kind):
    domain = "sensor"

    def describe(self, info: JsonObject) -> Description:
        device_class = short(info, "device_class")
        if device_class == "timestamp":
            return Description({"timestamp": Capability("text")}, {"is_moment": True}, device_class)
        unit = measured_in(device_class, short(info, "unit_of_measurement"))
        decimals = whole(info, "accuracy_decimals") or 0
        native: Fields = {"decimals": max(0, min(DECIMALS_MAX, decimals + unit.more_decimals))}
        if unit.factor != 1 or unit.offset:
            native |= {"factor": unit.factor, "offset": unit.offset}
        return Description(
            {device_class or slug(short(info, "name") or "") or "value": Capability("float", unit=unit.symbol)},
            native,
            device_class,
            unit.symbol,
            named(_STATE_CLASSES, info, "state_class"),
        )

    def read(self, native: JsonObject, body: JsonObject) -> Said | None:
        value = number(body, "state")
        if value is None or given.flag(body, "missing_state"):
            return NOT_KNOWN
        if given.flag(native, "is_moment"):
            if not 0 <= value <= _EPOCH_S_MAX:
                return NOT_KNOWN
            return datetime.fromtimestamp(value, UTC).isoformat(), NOTHING
        factor, offset = number(native, "factor"), number(native, "offset")
        converted = value * (1 if factor is None else factor) + (offset or 0)
        return number_text(round(converted, whole(native, "decimals") or 0)), NOTHING

    def write(self, _native: JsonObject, verb: str, _data: JsonObject, _before: JsonObject) -> Fields:
        raise not_understood(self.domain, verb, ())


class BinarySensor(Kind):
    domain = "binary_sensor"

    def describe(self, info: JsonObject) -> Description:
        is_status = given.flag(info, "is_status_binary_sensor")
        device_class = short(info, "device_class") or ("connectivity" if is_status else None)
        capability = device_class or slug(short(info, "name") or "") or "on"
        return Description(
            {capability: Capability("bool")},
            device_class=device_class,
            category="diagnostic" if is_status else None,
        )

    def read(self, _native: JsonObject, body: JsonObject) -> Said | None:
        return on_off(body)

    def write(self, _native: JsonObject, verb: str, _data: JsonObject, _before: JsonObject) -> Fields:
        raise not_understood(self.domain, verb, ())


class TextSensor(Kind):
    domain = "sensor"

    def describe(self, info: JsonObject) -> Description:
        device_class = short(info, "device_class")
        capability = device_class or slug(short(info, "name") or "") or "value"
        return Description({capability: Capability("text")}, device_class=device_class)

    def read(self, _native: JsonObject, body: JsonObject) -> Said | None:
        if given.flag(body, "missing_state"):
            return NOT_KNOWN
        text = body.get("state")
        return (text[:STATE_CHARS_MAX], NOTHING) if isinstance(text, str) else NOT_KNOWN

    def write(self, _native: JsonObject, verb: str, _data: JsonObject, _before: JsonObject) -> Fields:
        raise not_understood(self.domain, verb, ())


class Event(Kind):
    """Its state is the moment, which the hub adds."""

    domain = "event"

    def describe(self, info: JsonObject) -> Description:
        types = words(info, "event_types")
        return Description({"event": Capability("enum", options=types)}, device_class=short(info, "device_class"))

    def read(self, _native: JsonObject, body: JsonObject) -> Said | None:
        event_type = short(body, "event_type")
        return None if event_type is None else (None, {"event_type": event_type})

    def write(self, _native: JsonObject, verb: str, _data: JsonObject, _before: JsonObject) -> Fields:
        raise not_understood(self.domain, verb, ())


class Update(Kind):
    """On while the newest version is not the installed one."""

    domain = "update"

    def describe(self, info: JsonObject) -> Description:
        capabilities = {"available": Capability("bool"), "install": Capability("bool", "w")}
        return Description(capabilities, device_class=short(info, "device_class") or "firmware", category="config")

    def read(self, _native: JsonObject, body: JsonObject) -> Said | None:
        if given.flag(body, "missing_state"):
            return NOT_KNOWN
        installed, latest = short(body, "current_version"), short(body, "latest_version")
        progress = number(body, "progress") if given.flag(body, "has_progress") else None
        attributes: dict[str, JsonValue] = {
            "installed_version": installed,
            "latest_version": latest,
            "in_progress": given.flag(body, "in_progress"),
            "update_percentage": None if progress is None else round(progress),
        }
        attributes |= {name: short(body, name) for name in ("title", "release_summary", "release_url")}
        if installed is None or latest is None:
            return NOT_KNOWN[0], attributes
        return "off" if installed == latest else "on", attributes

    def write(self, _native: JsonObject, verb: str, _data: JsonObject, _before: JsonObject) -> Fields:
        if verb != "install":
            raise not_understood(self.domain, verb, ("install",))
        return {"command": _INSTALL}


class Camera(Kind):
    """Known, so that it is not a riddle; its pictures are not fetched."""

    domain = "camera"

    def describe(self, _info: JsonObject) -> Description:
        return Description()

    def read(self, _native: JsonObject, _body: JsonObject) -> Said | None:
        return None

    def write(self, _native: JsonObject, verb: str, _data: JsonObject, _before: JsonObject) -> Fields:
        raise not_understood(self.domain, verb, ())
