"""Entities with one thing to set: switches, buttons, numbers, choices, texts, moments, locks, sirens, alarms."""

from datetime import UTC, date, datetime, time
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
    bit,
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
from hub_agent.drivers.wishes import needed_number, needed_text, number_of
from hub_agent.errors import NotPossible
from hub_agent.model.device import Capability
from hub_agent.model.json import JsonObject

_ON_OFF: Final = MappingProxyType({"turn_on": True, "turn_off": False})


class Switch(Kind):
    domain = "switch"

    def describe(self, info: JsonObject) -> Description:
        return Description({"on": Capability("bool", "rw")}, device_class=short(info, "device_class"))

    def read(self, _native: JsonObject, body: JsonObject) -> Said | None:
        return on_off(body)

    def write(self, _native: JsonObject, verb: str, _data: JsonObject, _before: JsonObject) -> Fields:
        if verb not in _ON_OFF:
            raise not_understood(self.domain, verb, _ON_OFF)
        return {"state": _ON_OFF[verb]}


class Button(Kind):
    domain = "button"

    def describe(self, info: JsonObject) -> Description:
        device_class = short(info, "device_class")
        category = "config" if device_class in {"restart", "identify", "update"} else None
        return Description({"press": Capability("bool", "w")}, device_class=device_class, category=category)

    def read(self, _native: JsonObject, _body: JsonObject) -> Said | None:
        return None

    def write(self, _native: JsonObject, verb: str, _data: JsonObject, _before: JsonObject) -> Fields:
        if verb != "press":
            raise not_understood(self.domain, verb, ("press",))
        return {}


class Number(Kind):
    domain = "number"

    def describe(self, info: JsonObject) -> Description:
        device_class = short(info, "device_class")
        unit = measured_in(None, short(info, "unit_of_measurement")).symbol
        low, high = number(info, "min_value"), number(info, "max_value")
        capability = Capability("float", "rw", unit=unit, min=low, max=high, step=number(info, "step") or None)
        native: Fields = {"min": low, "max": high}
        return Description({"value": capability}, native, device_class, unit)

    def read(self, _native: JsonObject, body: JsonObject) -> Said | None:
        value = number(body, "state")
        if value is None or given.flag(body, "missing_state"):
            return NOT_KNOWN
        return number_text(value), NOTHING

    def write(self, native: JsonObject, verb: str, data: JsonObject, _before: JsonObject) -> Fields:
        if verb != "set_value":
            raise not_understood(self.domain, verb, ("set_value",))
        wanted = needed_number(data, "value")
        low, high = number(native, "min"), number(native, "max")
        if (low is not None and wanted < low) or (high is not None and wanted > high):
            raise NotPossible(f"`value` must be between {low or 0:g} and {high or 0:g}, not {wanted:g}")
        return {"state": float(wanted)}


class Select(Kind):
    domain = "select"

    def describe(self, info: JsonObject) -> Description:
        options = words(info, "options")
        return Description({"option": Capability("enum", "rw", options=options)}, {"options": options})

    def read(self, _native: JsonObject, body: JsonObject) -> Said | None:
        text = None if given.flag(body, "missing_state") else short(body, "state")
        return NOT_KNOWN if text is None else (text, NOTHING)

    def write(self, native: JsonObject, verb: str, data: JsonObject, _before: JsonObject) -> Fields:
        if verb != "select_option":
            raise not_understood(self.domain, verb, ("select_option",))
        return {"state": needed_text(data, "option", words(native, "options"))}


class Text(Kind):
    domain = "text"

    def describe(self, info: JsonObject) -> Description:
        low, high = whole(info, "min_length"), whole(info, "max_length")
        is_secret = whole(info, "mode") == 1
        return Description(
            {"value": Capability("text", "w" if is_secret else "rw")},
            {"min": low, "max": high, "is_secret": is_secret},
        )

    def read(self, native: JsonObject, body: JsonObject) -> Said | None:
        if given.flag(native, "is_secret"):
            return None
        text = body.get("state")
        if given.flag(body, "missing_state") or not isinstance(text, str):
            return NOT_KNOWN
        return text[:STATE_CHARS_MAX], NOTHING

    def write(self, native: JsonObject, verb: str, data: JsonObject, _before: JsonObject) -> Fields:
        if verb != "set_value":
            raise not_understood(self.domain, verb, ("set_value",))
        text = needed_text(data, "value")
        low, high = whole(native, "min") or 0, whole(native, "max") or 255
        if not low <= len(text) <= high:
            raise NotPossible(f"`value` must have {low} to {high} characters, this one has {len(text)}")
        return {"state": text}


class Date(Kind):
    domain = "date"

    def describe(self, _info: JsonObject) -> Description:
        return Description({"value": Capability("text", "rw")})

    def read(self, _native: JsonObject, body: JsonObject) -> Said | None:
        parts = [whole(body, name) for name in ("year", "month", "day")]
        try:
            return date(*(part or 0 for part in parts)).isoformat(), NOTHING
        except (ValueError, OverflowError):
            return NOT_KNOWN

    def write(self, _native: JsonObject, verb: str, data: JsonObject, _before: JsonObject) -> Fields:
        if verb != "set_value":
            raise not_understood(self.domain, verb, ("set_value",))
        text = _one_text(data, "date")
        try:
            wanted = date.fromisoformat(text)
        except ValueError:
            raise NotPossible(f"`date` must be like 2026-12-31, not {text!r:.40}") from None
        return {"year": wanted.year, "month": wanted.month, "day": wanted.day}


class Time(Kind):
    domain = "time"

    def describe(self, _info: JsonObject) -> Description:
        return Description({"value": Capability("text", "rw")})

    def read(self, _native: JsonObject, body: JsonObject) -> Said | None:
        parts = [whole(body, name) for name in ("hour", "minute", "second")]
        if given.flag(body, "missing_state"):
            return NOT_KNOWN
        try:
            return time(parts[0] or 0, parts[1] or 0, parts[2] or 0).isoformat(), NOTHING
        except (ValueError, OverflowError):
            return NOT_KNOWN

    def write(self, _native: JsonObject, verb: str, data: JsonObject, _before: JsonObject) -> Fields:
        if verb != "set_value":
            raise not_understood(self.domain, verb, ("set_value",))
        text = _one_text(data, "time")
        try:
            wanted = time.fromisoformat(text)
        except ValueError:
            raise NotPossible(f"`time` must be like 07:30:00, not {text!r:.40}") from None
        return {"hour": wanted.hour, "minute": wanted.minute, "second": wanted.second}


class DateTime(Kind):
    domain = "datetime"

    def describe(self, _info: JsonObject) -> Description:
        return Description({"value": Capability("text", "rw")})

    def read(self, _native: JsonObject, body: JsonObject) -> Said | None:
        seconds = number(body, "epoch_seconds")
        if seconds is None or not 0 < seconds < 2**32 or given.flag(body, "missing_state"):
            return NOT_KNOWN
        return datetime.fromtimestamp(seconds, UTC).isoformat(), NOTHING

    def write(self, _native: JsonObject, verb: str, data: JsonObject, _before: JsonObject) -> Fields:
        if verb != "set_value":
            raise not_understood(self.domain, verb, ("set_value",))
        text = _one_text(data, "datetime")
        try:
            wanted = datetime.fromisoformat(text)
        except ValueError:
            raise NotPossible(f"`datetime` must be like 2026-12-31T07:30:00+01:00, not {text!r:.40}") from None
        if wanted.tzinfo is None:
            raise NotPossible("`datetime` must say its offset from UTC, as in 2026-12-31T07:30:00+01:00")
        seconds = int(wanted.timestamp())
        if not 0 <= seconds < 2**32:
            raise NotPossible("`datetime` must be between 1970 and 2106")
        return {"epoch_seconds": seconds}


def _one_text(data: JsonObject, key: str) -> str:
    """By its own name, or as the `value` that people set."""
    return needed_text(data, key if data.get(key) is not None or data.get("value") is None else "value")


_LOCK_STATES: Final = MappingProxyType(
    {1: "locked", 2: "unlocked", 3: "jammed", 4: "locking", 5: "unlocking", 6: "opening", 7: "open"}
)
_LOCK_COMMANDS: Final = MappingProxyType({"unlock": 0, "lock": 1, "open": 2})


class Lock(Kind):
    domain = "lock"

    def describe(self, info: JsonObject) -> Description:
        native: Fields = {
            "can_open": given.flag(info, "supports_open"),
            "needs_code": given.flag(info, "requires_code"),
        }
        return Description({"locked": Capability("bool", "rw")}, native)

    def read(self, _native: JsonObject, body: JsonObject) -> Said | None:
        state = named(_LOCK_STATES, body, "state")
        return NOT_KNOWN if state is None else (state, NOTHING)

    def write(self, native: JsonObject, verb: str, data: JsonObject, _before: JsonObject) -> Fields:
        if verb not in _LOCK_COMMANDS or (verb == "open" and not given.flag(native, "can_open")):
            raise not_understood(self.domain, verb, ("lock", "unlock"))
        return {"command": _LOCK_COMMANDS[verb], **_code(native, data)}


def _code(native: JsonObject, data: JsonObject) -> Fields:
    if data.get("code") is None:
        if given.flag(native, "needs_code"):
            raise NotPossible("`code` is missing")
        return {}
    return {"code": needed_text(data, "code")}


class Siren(Kind):
    domain = "siren"

    def describe(self, info: JsonObject) -> Description:
        tones = words(info, "tones")
        capabilities = {"on": Capability("bool", "rw")}
        if tones:
            capabilities["tone"] = Capability("enum", "w", options=tones)
        native: Fields = {
            "tones": tones,
            "volume": given.flag(info, "supports_volume"),
            "duration": given.flag(info, "supports_duration"),
        }
        return Description(capabilities, native)

    def read(self, _native: JsonObject, body: JsonObject) -> Said | None:
        return on_off(body)

    def write(self, native: JsonObject, verb: str, data: JsonObject, _before: JsonObject) -> Fields:
        if verb not in _ON_OFF:
            raise not_understood(self.domain, verb, _ON_OFF)
        wanted: Fields = {"state": _ON_OFF[verb]}
        if verb == "turn_off":
            return wanted
        tones = words(native, "tones")
        if data.get("tone") is not None and tones:
            wanted["tone"] = needed_text(data, "tone", tones)
        volume, duration = number_of(data, "volume_level"), number_of(data, "duration")
        if volume is not None and given.flag(native, "volume"):
            wanted["volume"] = float(max(0, min(1, volume)))
        if duration is not None and given.flag(native, "duration"):
            wanted["duration"] = round(max(0, min(2**31, duration)))
        return wanted


_ALARM_STATES: Final = MappingProxyType(
    {
        0: "disarmed", 1: "armed_home", 2: "armed_away", 3: "armed_night", 4: "armed_vacation", 5: "armed_custom_bypass",
        6: "pending", 7: "arming", 8: "disarming", 9: "triggered",
    }
)  # fmt: skip
# verb -> (its command, the bit that says that the panel can do it)
_ALARM_COMMANDS: Final = MappingProxyType(
    {
        "alarm_disarm": (0, 0),
        "alarm_arm_away": (1, 1 << 1),
        "alarm_arm_home": (2, 1 << 0),
        "alarm_arm_night": (3, 1 << 2),
        "alarm_arm_vacation": (4, 1 << 5),
        "alarm_arm_custom_bypass": (5, 1 << 4),
        "alarm_trigger": (6, 1 << 3),
    }
)


class Alarm(Kind):
    domain = "alarm_control_panel"

    def describe(self, info: JsonObject) -> Description:
        verbs = [
            verb for verb, (_, mask) in _ALARM_COMMANDS.items() if mask == 0 or bit(info, "supported_features", mask)
        ]
        native: Fields = {
            "verbs": verbs,
            "needs_code": given.flag(info, "requires_code"),
            "needs_code_to_arm": given.flag(info, "requires_code_to_arm"),
        }
        return Description({"mode": Capability("enum", "r", options=tuple(_ALARM_STATES.values()))}, native)

    def read(self, _native: JsonObject, body: JsonObject) -> Said | None:
        state = named(_ALARM_STATES, body, "state")
        return NOT_KNOWN if state is None else (state, NOTHING)

    def write(self, native: JsonObject, verb: str, data: JsonObject, _before: JsonObject) -> Fields:
        verbs = given.texts(native, "verbs")
        if verb not in verbs or verb not in _ALARM_COMMANDS:
            raise not_understood(self.domain, verb, verbs)
        is_needed = given.flag(native, "needs_code_to_arm" if verb.startswith("alarm_arm") else "needs_code")
        is_needed = is_needed and verb != "alarm_trigger"
        return {"command": _ALARM_COMMANDS[verb][0], **_code({"needs_code": is_needed}, data)}
