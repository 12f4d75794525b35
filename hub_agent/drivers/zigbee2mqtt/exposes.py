"""What a model exposes, as entities.

Each entity's `native` says what reading.py and writing.py need: `kind` (which of their functions), `properties` (role -> property in the
payload) or `property`, `get` (properties that the device can be asked for), and raw values where they are not Home Assistant's.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from hub_agent.drivers.vocabulary import kelvin_of
from hub_agent.drivers.zigbee2mqtt.classes import BINARY, DIAGNOSTIC, EVERYDAY, numeric_meaning, plain_name, title
from hub_agent.drivers.zigbee2mqtt.features import Feature, Scalar
from hub_agent.model.device import AdvertisedEntity, Capability
from hub_agent.model.json import JsonObject, JsonValue

ENTITIES_MAX: Final = 320
SCENES_MAX: Final = 64

_OPENING: Final = frozenset({"opening", "open", "forward", "up", "rising"})
_CLOSING: Final = frozenset({"closing", "close", "backward", "back", "reverse", "down", "declining"})
_FAN_SPEEDS: Final = ("low", "medium", "high", *map(str, range(1, 10)))
_HVAC_MODES: Final = ("off", "heat", "cool", "heat_cool", "auto", "dry", "fan_only")


def entities_of(features: Sequence[Feature], *, supports_ota: bool = False) -> tuple[AdvertisedEntity, ...]:
    """The entities of one device."""
    made: dict[str, AdvertisedEntity] = {}
    for entity in _entities(features):
        # Converters list some properties twice; and a property may be called "light" where there is a light, too.
        known = made.get(entity.key)
        if known is not None and known.domain == entity.domain:
            continue
        key = entity.key if known is None else f"{entity.key}_{entity.domain}"
        if len(made) < ENTITIES_MAX:
            made.setdefault(key, entity if known is None else replace(entity, key=key))
    if supports_ota and len(made) < ENTITIES_MAX:
        made.setdefault("update", _update())
    if not any(entity.device_class == "identify" for entity in made.values()):
        blinking = next(filter(None, map(_identify, features)), None)
        if blinking is not None and len(made) < ENTITIES_MAX:
            made.setdefault(blinking.key, blinking)
    return tuple(made.values())


def scene_entities(scenes: Iterable[tuple[int, str, str | None]]) -> tuple[AdvertisedEntity, ...]:
    """Scenes that a device or group keeps itself: (number, name, endpoint)."""
    return tuple(
        AdvertisedEntity(
            key=f"scene_{number}_{endpoint}" if endpoint else f"scene_{number}",
            domain="scene",
            name=f"{name} {endpoint}" if endpoint else name,
            capabilities={"activate": Capability("bool", "w")},
            native={"kind": "scene", "property": "scene_recall", "scene": number, "endpoint": endpoint},
        )
        for number, name, endpoint in scenes
    )


GROUP_KINDS: Final = ("light", "switch", "cover", "lock")


def group_entities(members: Iterable[Sequence[Feature]]) -> tuple[AdvertisedEntity, ...]:
    """One entity per kind, with everything that any member can do; a group's payloads name no endpoints."""
    features = [feature for member in members for feature in member]
    effects = tuple(feature for feature in features if _is_effect(feature))
    union = [_union(kind, [f for f in features if f.kind == kind]) for kind in GROUP_KINDS]
    return tuple(
        entity
        for feature in union
        if feature is not None
        for entity in _BUILDERS[feature.kind](feature, [*effects, feature])
        if entity.key == feature.kind
    )


def _union(kind: str, members: Sequence[Feature]) -> Feature | None:
    roles: dict[str, Feature] = {}
    for feature in (feature for member in members for feature in member.features):
        known = roles.get(feature.name)
        plain = replace(feature, property_name=_without_endpoint(feature), endpoint=None)
        if known is not None:
            limits = [value for value in (known.min, feature.min) if value is not None]
            uppers = [value for value in (known.max, feature.max) if value is not None]
            plain = replace(known, min=max(limits, default=None), max=min(uppers, default=None))
        roles[feature.name] = plain
    if not roles:
        return None
    return Feature(kind=kind, name=kind, property_name="", label=title(kind), access=0, features=tuple(roles.values()))


def _without_endpoint(feature: Feature) -> str:
    return feature.property_name.removesuffix(f"_{feature.endpoint}") if feature.endpoint else feature.property_name


def _entities(features: Sequence[Feature]) -> Iterator[AdvertisedEntity]:
    has_light = any(feature.kind == "light" for feature in features)
    for feature in features:
        if has_light and _is_effect(feature):
            continue
        builder = _BUILDERS.get(feature.kind)
        if builder is not None:
            yield from builder(feature, features)


def _is_effect(feature: Feature) -> bool:
    return feature.kind == "enum" and feature.name == "effect"


# Effects by which a thing is found among its like, the gentlest first.
_IDENTIFYING: Final = ("blink", "okay", "breathe")


def _identify(feature: Feature) -> AdvertisedEntity | None:
    """For what cannot identify itself by that name, but can blink."""
    effect = next((word for word in _IDENTIFYING if word in feature.values), None)
    if effect is None or not _is_effect(feature) or not feature.is_settable:
        return None
    return AdvertisedEntity(
        key="identify",
        domain="button",
        name="Identify",
        device_class="identify",
        category="config",
        capabilities={"press": Capability("enum", "w", options=("identify",))},
        native={"kind": "button", "property": feature.property_name, "press": effect},
    )


# Things with features of their own.


def _light(light: Feature, siblings: Sequence[Feature]) -> Iterator[AdvertisedEntity]:
    state, brightness, warmth = light.role("state"), light.role("brightness"), light.role("color_temp")
    xy, hs = light.role("color_xy"), light.role("color_hs")
    colour = xy or hs
    effect = next((f for f in siblings if _is_effect(f) and f.endpoint in {None, light.endpoint}), None)
    suffix = f"_{light.endpoint}" if light.endpoint else ""
    properties: dict[str, JsonValue] = {}
    native: dict[str, JsonValue] = {"kind": "light", "properties": properties}
    capabilities: dict[str, Capability] = {}
    if state is not None:
        capabilities["on"] = Capability("bool", _access(state))
        native |= _on_off(state)
    if brightness is not None:
        capabilities["brightness"] = Capability("int", _access(brightness), unit="%", min=0, max=100)
        native["brightness_max"] = brightness.max or 254
    if warmth is not None:
        coldest, warmest = _kelvin(warmth.min), _kelvin(warmth.max)
        capabilities["color_temp"] = Capability("int", _access(warmth), unit="K", min=warmest, max=coldest)
        native |= _limits(warmth)
    if colour is not None:
        capabilities["color"] = Capability("text", _access(colour))
    if colour is not None or warmth is not None:
        properties["color_mode"] = f"color_mode{suffix}"
    if effect is not None:
        capabilities["effect"] = Capability("enum", _access(effect), options=_options(effect))
        properties["effect"] = effect.property_name
    roles = {"state": state, "brightness": brightness, "color_temp": warmth, "color": colour}
    properties |= {role: feature.property_name for role, feature in roles.items() if feature is not None}
    native["get"] = _gettable(roles.values())
    yield _main("light", light, capabilities, native)
    yield from _rest(light, {"state", "brightness", "color_temp", "color_xy", "color_hs"})


def _switch(switch: Feature, _siblings: Sequence[Feature]) -> Iterator[AdvertisedEntity]:
    state = switch.role("state") or next(iter(switch.features), None)
    if state is None:
        return
    native = {"kind": "switch", "property": state.property_name, "get": _gettable([state]), **_on_off(state)}
    entity = _main("switch", switch, {"on": Capability("bool", _access(state))}, native)
    if _without_endpoint(state) != "state" and not switch.endpoint:
        # "window_detection" of a thermostat and the like: a setting in the form of a switch.
        entity = replace(entity, key=state.property_name, name=title(state.property_name), category="config")
    yield entity
    yield from _rest(switch, {state.name})


def _cover(cover: Feature, siblings: Sequence[Feature]) -> Iterator[AdvertisedEntity]:
    state, position, tilt = cover.role("state"), cover.role("position"), cover.role("tilt")
    capabilities: dict[str, Capability] = {}
    if state is not None:
        capabilities["open"] = Capability("bool", "rw")
    if position is not None:
        capabilities["position"] = Capability("int", _access(position), unit="%", min=0, max=100)
    if tilt is not None:
        capabilities["tilt"] = Capability("int", _access(tilt), unit="%", min=0, max=100)
    roles = {"state": state, "position": position, "tilt": tilt, "motion": _motion(siblings)}
    native: dict[str, JsonValue] = {
        "kind": "cover",
        "properties": {role: feature.property_name for role, feature in roles.items() if feature is not None},
        "get": _gettable([state, position, tilt]),
        "states": [str(value) for value in state.values] if state is not None else [],
    }
    yield _main("cover", cover, capabilities, native)
    yield from _rest(cover, {"state", "position", "tilt"})


def _motion(siblings: Sequence[Feature]) -> Feature | None:
    """The property in which a motor says which way it is going."""
    for feature in siblings:
        if feature.kind == "enum" and feature.name in {"motor_state", "moving"} and not feature.is_settable:
            words = {str(value).lower() for value in feature.values}
            if words & _OPENING and words & _CLOSING:
                return feature
    return None


def _lock(lock: Feature, _siblings: Sequence[Feature]) -> Iterator[AdvertisedEntity]:
    state = lock.role("state", "binary")
    if state is None:
        return
    native = {"kind": "lock", "property": state.property_name, "get": _gettable([state]), **_on_off(state)}
    entity = _main("lock", lock, {"locked": Capability("bool", _access(state))}, native)
    if state.property_name in {"child_lock", "keypad_lockout"}:
        entity = replace(entity, key=state.property_name, name=title(state.property_name), category="config")
    yield entity
    yield from _rest(lock, {"state"})


_CLIMATE_ROLES: Final = {
    "current": ("local_temperature",),
    "heat": ("occupied_heating_setpoint", "current_heating_setpoint"),
    "cool": ("occupied_cooling_setpoint",),
    "mode": ("system_mode",),
    "action": ("running_state",),
    "preset": ("preset",),
    "fan": ("fan_mode",),
    "swing": ("swing_mode",),
}


def _climate(climate: Feature, _siblings: Sequence[Feature]) -> Iterator[AdvertisedEntity]:
    roles: dict[str, Feature] = {}
    for role, names in _CLIMATE_ROLES.items():
        found = next((feature for name in names if (feature := climate.role(name)) is not None), None)
        if found is not None:
            roles[role] = found
    native: dict[str, JsonValue] = {
        "kind": "climate",
        "properties": {role: feature.property_name for role, feature in roles.items()},
        "settable": [role for role, feature in roles.items() if feature.is_settable],
        "get": _gettable(roles.values()),
    }
    for role in ("heat", "cool"):
        if role in roles:
            native[f"{role}_limits"] = _limits(roles[role])
    for role in ("mode", "preset", "fan", "swing"):
        if role in roles:
            native[f"{role}_values"] = list(_options(roles[role]))
    yield _main("climate", climate, dict(_climate_capabilities(roles)), native)
    yield from _rest(climate, {feature.name for feature in roles.values()})


def _climate_capabilities(roles: Mapping[str, Feature]) -> Iterator[tuple[str, Capability]]:
    current, heat, cool = roles.get("current"), roles.get("heat"), roles.get("cool")
    target = heat or cool
    if current is not None:
        yield "temperature", Capability("float", "r", unit="°C")
    if target is not None:
        yield (
            "target_temperature",
            Capability("float", _access(target), unit="°C", min=target.min, max=target.max, step=target.step),
        )
    for role, name in (("mode", "mode"), ("preset", "preset"), ("fan", "fan_mode"), ("swing", "swing_mode")):
        feature = roles.get(role)
        if feature is not None:
            options = _options(feature)
            if role == "mode":
                options = tuple(option for option in options if option in _HVAC_MODES)
            yield name, Capability("enum", _access(feature), options=options)


def _fan(fan: Feature, _siblings: Sequence[Feature]) -> Iterator[AdvertisedEntity]:
    state, mode, speed = fan.role("state"), fan.role("mode", "enum"), fan.role("speed", "numeric")
    options = _options(mode) if mode is not None else ()
    speeds = [value for value in _FAN_SPEEDS if value in options]
    presets = tuple(value for value in options if value not in speeds and value != "off")
    roles = {"state": state, "mode": mode, "speed": speed}
    native: dict[str, JsonValue] = {
        "kind": "fan",
        "properties": {role: feature.property_name for role, feature in roles.items() if feature is not None},
        "get": _gettable(roles.values()),
        "speeds": speeds,
        "presets": list(presets),
        "modes": list(options),
        **(_on_off(state) if state is not None else {}),
        **({"speed_limits": _limits(speed)} if speed is not None else {}),
    }
    capabilities: dict[str, Capability] = {}
    if state is not None or "off" in options:
        capabilities["on"] = Capability("bool", "rw")
    if speeds or speed is not None:
        capabilities["speed"] = Capability("int", "rw", unit="%", min=0, max=100)
    if presets:
        capabilities["preset"] = Capability("enum", "rw", options=presets)
    yield _main("fan", fan, capabilities, native)
    yield from _rest(fan, {"state", "mode", "speed"})


def _rest(parent: Feature, claimed: set[str]) -> Iterator[AdvertisedEntity]:
    """Features that the main entity has no place for become entities of their own."""
    for feature in parent.features:
        builder = _GENERIC.get(feature.kind)
        if feature.name not in claimed and builder is not None:
            yield from builder(feature if feature.endpoint else replace(feature, endpoint=parent.endpoint), ())


# Single properties.


def _binary(binary: Feature, _siblings: Sequence[Feature]) -> Iterator[AdvertisedEntity]:
    native: dict[str, JsonValue] = {"property": binary.property_name, "get": _gettable([binary]), **_on_off(binary)}
    if binary.is_settable:
        native["kind"] = "switch"
        entity = _single("switch", binary, {"on": Capability("bool", _access(binary))}, native)
        yield replace(entity, name=None) if _is_plain_state(binary) else entity
        return
    native["kind"] = "binary"
    device_class = BINARY.get(binary.name) or BINARY.get(plain_name(binary.name))
    entity = _single("binary_sensor", binary, {binary.property_name: Capability("bool")}, native)
    yield replace(entity, device_class=device_class)


def _is_plain_state(feature: Feature) -> bool:
    return feature.property_name == "state" and feature.endpoint is None


def _numeric(numeric: Feature, _siblings: Sequence[Feature]) -> Iterator[AdvertisedEntity]:
    capability = Capability(
        "float", _access(numeric), unit=numeric.unit, min=numeric.min, max=numeric.max, step=numeric.step
    )
    native: dict[str, JsonValue] = {"kind": "numeric", "property": numeric.property_name, "get": _gettable([numeric])}
    meaning = numeric_meaning(numeric.name, numeric.unit)
    if numeric.is_settable:
        entity = _single("number", numeric, {numeric.property_name: capability}, native | {"limits": _limits(numeric)})
        device_class = meaning.device_class if meaning.device_class == "temperature" else None
        yield replace(entity, unit=numeric.unit, device_class=device_class)
        return
    entity = _single("sensor", numeric, {numeric.property_name: capability}, native)
    yield replace(entity, unit=numeric.unit, device_class=meaning.device_class, state_class=meaning.state_class)


def _enum(enum: Feature, _siblings: Sequence[Feature]) -> Iterator[AdvertisedEntity]:
    options = _options(enum)
    if enum.name == "action" and enum.is_published:
        yield _action(enum, options)
        return
    native: dict[str, JsonValue] = {"kind": "enum", "property": enum.property_name, "get": _gettable([enum])}
    if any(not isinstance(value, str) for value in enum.values):
        native["values"] = list(enum.values)
    capability = Capability("enum", _access(enum), options=options)
    if not enum.is_settable:
        yield replace(_single("sensor", enum, {enum.property_name: capability}, native), device_class="enum")
    elif not enum.is_published and len(options) == 1:
        pressed: dict[str, JsonValue] = native | {"kind": "button", "press": enum.values[0]}
        entity = _single("button", enum, {"press": Capability("enum", "w", options=options)}, pressed)
        yield replace(entity, device_class="identify" if enum.name == "identify" else None)
    else:
        yield _single("select", enum, {enum.property_name: capability}, native)


def _action(action: Feature, options: tuple[str, ...]) -> AdvertisedEntity:
    native: dict[str, JsonValue] = {"kind": "event", "property": action.property_name}
    entity = _single("event", action, {action.property_name: Capability("enum", options=options)}, native)
    # A button's presses are its main function, even where converters file them under diagnostics.
    return replace(entity, category=None, device_class="button")


def _text(text: Feature, _siblings: Sequence[Feature]) -> Iterator[AdvertisedEntity]:
    if text.name == "action" and not text.is_settable:
        yield _action(text, ())
        return
    native: dict[str, JsonValue] = {"kind": "text", "property": text.property_name, "get": _gettable([text])}
    domain = "text" if text.is_settable else "sensor"
    yield _single(domain, text, {text.property_name: Capability("text", _access(text))}, native)


def _composite(composite: Feature, siblings: Sequence[Feature]) -> Iterator[AdvertisedEntity]:
    mode = composite.role("mode", "enum")
    if composite.name == "warning" and composite.is_settable and mode is not None:
        tones = tuple(option for option in _options(mode) if option != "stop")
        names = [feature.name for feature in composite.features]
        level = composite.role("level", "enum")
        native: dict[str, JsonValue] = {
            "kind": "siren",
            "property": composite.property_name,
            "tones": list(tones),
            "fields": names,
        }
        if level is not None:
            native["levels"] = list(_options(level))
        capabilities = {"on": Capability("bool", "w"), "tone": Capability("enum", "w", options=tones)}
        yield replace(_single("siren", composite, capabilities, native), name=None, category=None)
        return
    yield from _json(composite, siblings)


def _json(feature: Feature, _siblings: Sequence[Feature]) -> Iterator[AdvertisedEntity]:
    """Lists and composites without a domain of their own: their JSON as text, which can be set, too."""
    native: dict[str, JsonValue] = {"kind": "json", "property": feature.property_name, "get": _gettable([feature])}
    domain = "text" if feature.is_settable else "sensor"
    yield _single(domain, feature, {feature.property_name: Capability("text", _access(feature))}, native)


def _update() -> AdvertisedEntity:
    return AdvertisedEntity(
        key="update",
        domain="update",
        name="Firmware",
        device_class="firmware",
        category="config",
        capabilities={"install": Capability("bool", "w")},
        native={"kind": "update", "property": "update"},
    )


_GENERIC: Final = {
    "binary": _binary,
    "numeric": _numeric,
    "enum": _enum,
    "text": _text,
    "composite": _composite,
    "list": _json,
}
_BUILDERS: Final = {
    "light": _light,
    "switch": _switch,
    "cover": _cover,
    "lock": _lock,
    "climate": _climate,
    "fan": _fan,
    **_GENERIC,
}


def _main(
    domain: str, feature: Feature, capabilities: Mapping[str, Capability], native: JsonObject
) -> AdvertisedEntity:
    """The device's main function; one of several where there are endpoints."""
    endpoint = feature.endpoint
    if endpoint:
        native = {**native, "at": endpoint}
    return AdvertisedEntity(
        key=f"{domain}_{endpoint}" if endpoint else domain,
        domain=domain,
        name=title(endpoint) if endpoint else None,
        category=feature.category,
        capabilities=capabilities,
        native=native,
    )


def _single(
    domain: str, feature: Feature, capabilities: Mapping[str, Capability], native: JsonObject
) -> AdvertisedEntity:
    return AdvertisedEntity(
        key=feature.property_name,
        domain=domain,
        name=f"{feature.label} {feature.endpoint}" if feature.endpoint else feature.label,
        category=_category(domain, feature),
        capabilities=capabilities,
        native=native,
    )


def _category(domain: str, feature: Feature) -> str | None:
    if domain in {"sensor", "binary_sensor", "event"}:
        # What cannot be set configures nothing.
        return "diagnostic" if feature.category or feature.name in DIAGNOSTIC else None
    return feature.category or (None if feature.name in EVERYDAY else "config")


def _access(feature: Feature) -> str:
    return ("r" if feature.is_published else "") + ("w" if feature.is_settable else "") or "r"


def _options(feature: Feature) -> tuple[str, ...]:
    return tuple(dict.fromkeys(option_of(value) for value in feature.values))


def option_of(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _on_off(feature: Feature) -> dict[str, JsonValue]:
    """Raw values; the first versions of exposes left the usual ones out."""
    on: JsonValue = feature.on
    off: JsonValue = feature.off
    if on is None or off is None:
        on, off = ("ON", "OFF") if feature.is_settable else (feature.name != "contact", feature.name == "contact")
    values: dict[str, JsonValue] = {"on": on, "off": off}
    if feature.toggle is not None:
        values["toggle"] = feature.toggle
    return values


def _limits(feature: Feature) -> dict[str, JsonValue]:
    limits: dict[str, JsonValue] = {"min": feature.min, "max": feature.max, "step": feature.step}
    return {name: limit for name, limit in limits.items() if limit is not None}


def _gettable(features: Iterable[Feature | None]) -> list[str]:
    return [feature.property_name for feature in features if feature is not None and feature.is_gettable]


def _kelvin(mireds: float | None) -> float | None:
    return kelvin_of(mireds) if mireds is not None and mireds > 0 else None
