"""What a node measures, notices and can be set up with, as entities: values that are no main function."""

import re
from collections.abc import Iterator, Set as AbstractSet
from typing import Any, Final

from hub_agent.drivers.vocabulary import slug
from hub_agent.drivers.zwave import meanings, values as cc
from hub_agent.drivers.zwave.meanings import Meaning
from hub_agent.drivers.zwave.values import Value, ValueId, Values, whole_of
from hub_agent.model.device import AdvertisedEntity, Capability
from hub_agent.model.json import JsonObject, JsonValue

SETTINGS_MAX: Final = 150


def key_of(identity: ValueId, word: str | None = None) -> str:
    parts = (word,) if word is not None else (identity.command_class, identity.property, identity.key)
    plain = slug("_".join(str(part) for part in parts if part is not None)) or str(identity.command_class)
    return f"{plain}_{identity.endpoint}" if identity.endpoint else plain


def _named(label: str, identity: ValueId) -> str:
    return f"{label} {identity.endpoint}" if identity.endpoint else label


def _one(value: Value, kind: str, **more: JsonValue) -> JsonObject:
    return {"kind": kind, "values": {"current": value.id.as_native()}, **more}


def entities(values: Values, endpoint: int, description: str) -> Iterator[AdvertisedEntity]:
    for value in values.of(cc.SENSOR_MULTILEVEL, endpoint):
        yield _sensor(value, meanings.sensor_meaning(str(value.id.property), value.unit), str(value.id.property))
    for value in values.of(cc.METER, endpoint):
        yield from _meter(value)
    for value in values.of(cc.SENSOR_BINARY, endpoint):
        key, device_class = meanings.BINARY.get(str(value.id.property), (slug(str(value.id.property)), None))
        device_class = device_class or meanings.class_in_words(description)
        yield _binary(value, key_of(value.id, key), str(value.id.property), device_class, "binary")
    for value in values.of(cc.NOTIFICATION, endpoint):
        yield from _notification(value)
    for value in values.of(cc.CENTRAL_SCENE, endpoint):
        if value.id.property == "scene":
            yield _scene(value)
    yield from _battery(values, endpoint)
    yield from _identify(values, endpoint)


def _sensor(value: Value, meaning: Meaning, name: str) -> AdvertisedEntity:
    return AdvertisedEntity(
        key=key_of(value.id, meaning.metric),
        domain="sensor",
        name=_named(name, value.id),
        device_class=meaning.device_class,
        unit=meaning.unit,
        state_class=meaning.state_class,
        capabilities={meaning.metric: Capability("float", unit=meaning.unit)},
        native=_one(value, "number", factor=meaning.factor, offset=meaning.offset),
    )


def _meter(value: Value) -> Iterator[AdvertisedEntity]:
    if value.id.property == "reset" and value.is_writable:
        yield AdvertisedEntity(
            key=key_of(value.id, f"reset_meter_{value.id.key or ''}"),
            domain="button",
            name=_named("Reset meter", value.id),
            category="config",
            capabilities={"press": Capability("enum", "w", options=("press",))},
            native={"kind": "press", "values": {"target": value.id.as_native()}, "press": True},
        )
    if value.id.property != "value":
        return  # what was measured before, and when
    kind, scale, rate = (whole_of(value.specific.get(name)) for name in ("meterType", "scale", "rateType"))
    meaning = meanings.meter_meaning(kind, scale, rate, value.unit)
    yield _sensor(value, meaning, meaning.metric.replace("_", " ").capitalize())


def _binary(value: Value, key: str, name: str, device_class: str | None, kind: str, **more: Any) -> AdvertisedEntity:
    is_diagnostic = more.pop("is_diagnostic", False)
    return AdvertisedEntity(
        key=key,
        domain="binary_sensor",
        name=_named(name, value.id),
        device_class=device_class,
        category="diagnostic" if is_diagnostic or device_class in {"tamper", "battery"} else None,
        capabilities={key: Capability("bool")},
        native=_one(value, kind, **more),
    )


def _notification(value: Value) -> Iterator[AdvertisedEntity]:
    kind = whole_of(value.specific.get("notificationType"))
    variable = str(value.id.key) if value.id.key is not None else ""
    states = dict(value.states)
    if not states or not variable:
        return
    alarm = meanings.alarm_meaning(kind, variable, states)
    if alarm is not None:
        name = alarm.key.replace("_", " ").capitalize()
        key = key_of(value.id, f"{alarm.key}_alarm")
        on: list[JsonValue] = [*sorted(alarm.on)]
        yield _binary(value, key, name, alarm.device_class, "alarm", on=on, is_diagnostic=alarm.is_diagnostic)
        return
    yield _enumerated(value, f"{value.id.property} {variable}")


def _enumerated(value: Value, name: str) -> AdvertisedEntity:
    key = key_of(value.id, slug(name))
    options = tuple(dict.fromkeys(value.states[number] for number in sorted(value.states)))
    return AdvertisedEntity(
        key=key,
        domain="sensor",
        name=_named(name, value.id),
        device_class="enum",
        category="diagnostic",
        capabilities={key: Capability("enum", options=options)},
        native=_one(value, "words", words={str(number): words for number, words in value.states.items()}),
    )


def _scene(value: Value) -> AdvertisedEntity:
    number = str(value.id.key).lstrip("0") or "0"
    words = {str(raw): slug(_spaced(name)) for raw, name in value.states.items()}
    key = key_of(value.id, f"scene_{number}")
    return AdvertisedEntity(
        key=key,
        domain="event",
        name=_named(f"Scene {number}", value.id),
        device_class="button",
        capabilities={"action": Capability("enum", options=tuple(dict.fromkeys(words.values())))},
        native=_one(value, "event", words=words),
    )


def _spaced(name: str) -> str:
    """KeyPressed2x -> Key Pressed 2x."""
    return re.sub(r"(?<=[a-z])(?=[A-Z0-9])", " ", name)


def _battery(values: Values, endpoint: int) -> Iterator[AdvertisedEntity]:
    level, low = values.find(cc.BATTERY, endpoint, "level"), values.find(cc.BATTERY, endpoint, "isLow")
    if level is not None:
        yield AdvertisedEntity(
            key=key_of(level.id, "battery"),
            domain="sensor",
            name=_named("Battery", level.id),
            device_class="battery",
            unit="%",
            state_class="measurement",
            category="diagnostic",
            capabilities={"battery": Capability("int", unit="%", min=0, max=100)},
            native=_one(level, "number", factor=1, offset=0, battery=not endpoint),
        )
    if low is not None:
        yield _binary(low, key_of(low.id, "battery_low"), "Battery low", "battery", "binary")


_IDENTIFY_INDICATOR: Final = 0x50


def _identify(values: Values, endpoint: int) -> Iterator[AdvertisedEntity]:
    """Indicator 0x50 says "here I am"; Z-Wave JS knows how."""
    identify = values.find(cc.INDICATOR, endpoint, "identify")
    if identify is None or endpoint:
        return
    yield AdvertisedEntity(
        key="identify",
        domain="button",
        name="Identify",
        device_class="identify",
        category="config",
        capabilities={"press": Capability("enum", "w", options=("press",))},
        native={"kind": "press", "values": {"target": identify.id.as_native()}, "press": True},
    )


def door_lock_parts(values: Values, endpoint: int) -> Iterator[AdvertisedEntity]:
    """The door's own contact, and how many codes are in use; the codes themselves never leave the bridge's process."""
    for name, on in (("doorStatus", "open"), ("boltStatus", "unlocked"), ("latchStatus", "open")):
        value = values.find(cc.DOOR_LOCK, endpoint, name)
        # Locks without such a sensor list the value and never say it.
        if value is not None and isinstance(values.get(value.id), str):
            part = name.removesuffix("Status")
            device_class = "door" if part == "door" else "lock" if part == "bolt" else "opening"
            yield _binary(value, key_of(value.id, part), part.capitalize(), device_class, "word", on=on)
    codes = [value for value in values.of(cc.USER_CODE, endpoint) if value.id.property == "userIdStatus"]
    if codes:
        key = key_of(codes[0].id, "user_codes")
        roles: dict[str, JsonValue] = {f"code_{value.id.key}": value.id.as_native() for value in codes}
        yield AdvertisedEntity(
            key=key,
            domain="sensor",
            name=_named("User codes in use", codes[0].id),
            category="diagnostic",
            capabilities={"user_codes": Capability("int", min=0, max=len(codes))},
            native={"kind": "count", "values": roles},
        )


# Values that say nothing to people, that repeat others, or whose meaning is told elsewhere.
_UNTOLD: Final = frozenset(
    {cc.BASIC, cc.SCENE_ACTIVATION, 44, 45, cc.MANUFACTURER, cc.VERSION, 96, cc.USER_CODE, 89, 133, 142, 94, 119, 138, 139,
     129, 115, cc.DOOR_LOCK, cc.SENSOR_MULTILEVEL, cc.SENSOR_BINARY, cc.METER, cc.CENTRAL_SCENE, cc.NOTIFICATION,
     cc.SWITCH_COLOUR, cc.SWITCH_MULTILEVEL, cc.SWITCH_BINARY, cc.BARRIER, cc.THERMOSTAT_SETPOINT, cc.THERMOSTAT_MODE,
     cc.WINDOW_COVERING, 86, 85, 152, 159}
)  # fmt: skip
_KNOWN_SETTINGS: Final = frozenset({cc.CONFIGURATION, cc.PROTECTION, cc.WAKE_UP, cc.SOUND_SWITCH, cc.INDICATOR})


def rest(values: Values, taken: AbstractSet[ValueId]) -> Iterator[AdvertisedEntity]:
    """Whatever else is a number, one of several words, or yes and no."""
    count = 0
    for value in values.described.values():
        if value.id in taken or value.id.command_class in _UNTOLD or count >= SETTINGS_MAX:
            continue
        made = _setting(value) if value.is_writable else _told(value)
        if made is not None:
            count += 1
            yield made


def _setting(value: Value) -> AdvertisedEntity | None:
    if not value.is_readable:
        return None  # resets and other deeds that nobody should set off by mistake
    key, name = key_of(value.id), _named(value.label, value.id)
    roles: JsonObject = {"target": value.id.as_native(), "current": value.id.as_native()}
    if value.kind == "number" and value.states and not (value.is_free and _has_range(value)):
        options = tuple(dict.fromkeys(value.states[number] for number in sorted(value.states)))
        words: JsonObject = {str(number): said for number, said in value.states.items()}
        return AdvertisedEntity(key, "select", name, category="config",
                                capabilities={key: Capability("enum", "rw", options=options)},
                                native={"kind": "select", "values": roles, "words": words})  # fmt: skip
    if value.kind == "number":
        capability = Capability("float", "rw", unit=value.unit, min=value.min, max=value.max, step=1)
        limits: JsonObject = {"min": value.min, "max": value.max}
        return AdvertisedEntity(key, "number", name, unit=value.unit, category="config", capabilities={key: capability},
                                native={"kind": "setting", "values": roles, "limits": limits})  # fmt: skip
    if value.kind == "boolean":
        return AdvertisedEntity(key, "switch", name, category="config", capabilities={"on": Capability("bool", "rw")},
                                native={"kind": "switch", "values": roles})  # fmt: skip
    return None


def _has_range(value: Value) -> bool:
    """Whether numbers besides those with words can be set."""
    if value.min is None or value.max is None:
        return True
    return value.max - value.min + 1 > len(value.states)


def _told(value: Value) -> AdvertisedEntity | None:
    if value.kind == "number" and value.states:
        return _enumerated(value, value.label)
    if value.kind == "number" and value.id.command_class in {
        cc.ENERGY_PRODUCTION,
        cc.CONFIGURATION,
        cc.SOUND_SWITCH,
        67,
        100,
    }:
        key = key_of(value.id)
        return AdvertisedEntity(key, "sensor", _named(value.label, value.id), unit=value.unit, category="diagnostic",
                                capabilities={key: Capability("float", unit=value.unit)},
                                native=_one(value, "number", factor=1, offset=0))  # fmt: skip
    if value.kind == "boolean":
        return _binary(value, key_of(value.id), value.label, None, "binary", is_diagnostic=True)
    return None
