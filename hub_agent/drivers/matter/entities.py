"""What the clusters of a device's endpoints are, as entities.

Each entity's `native` says what reading.py and writing.py need: `kind` (which of their functions), `endpoint`, `paths` (role -> attribute
path), and what is fixed: features, limits, words.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from hub_agent.drivers import given
from hub_agent.drivers.matter import clusters as c, equipment, sensing
from hub_agent.drivers.matter.clusters import Attributes
from hub_agent.drivers.vocabulary import kelvin_of
from hub_agent.model.device import AdvertisedEntity, Capability
from hub_agent.model.json import JsonValue

ENTITIES_MAX: Final = 250

_ON_OFF: Final = {"on": Capability("bool", "rw")}
Made = Iterator[AdvertisedEntity]
Builder = Callable[[Attributes, int, set[int]], Made]


def entities_of(
    attributes: Attributes, endpoints: Sequence[int], has: Mapping[int, set[int]]
) -> tuple[AdvertisedEntity, ...]:
    """Of one device, which has these endpoints of its node."""
    made: dict[str, AdvertisedEntity] = {}
    for endpoint in endpoints:
        clusters = has.get(endpoint, set())
        for cluster, build in _BUILDERS:
            if cluster in clusters:
                for entity in build(attributes, endpoint, clusters):
                    if len(made) < ENTITIES_MAX:
                        made.setdefault(entity.key, entity)
    return tuple(_named(attributes, list(made.values())))


def _named(attributes: Attributes, entities: list[AdvertisedEntity]) -> Made:
    """Main functions have no name of their own, unless there are several of a kind."""
    mains = [entity for entity in entities if entity.name is None]
    domains = [entity.domain for entity in mains]
    for entity in entities:
        if entity.name is not None or domains.count(entity.domain) == 1:
            yield entity
            continue
        endpoint = c.whole_of(entity.native.get("endpoint")) or 0
        types = sorted(attributes.device_types(endpoint) & c.WORDS.keys())
        word = c.WORDS[types[0]] if types else entity.domain.replace("_", " ").capitalize()
        yield replace(entity, name=_label(attributes, endpoint) or f"{word} {endpoint}")


def _label(attributes: Attributes, endpoint: int) -> str | None:
    """What the maker calls this part: a tag of its descriptor."""
    tags = c.objects(attributes.get(endpoint, c.DESCRIPTOR, 4))
    return next((label for tag in tags if (label := given.text(tag, "3")) is not None), None)


def _main(
    domain: str, endpoint: int, kind: str, roles: Mapping[str, tuple[int, int]], capabilities: Mapping[str, Capability], **more: JsonValue
) -> AdvertisedEntity:  # fmt: skip
    """`roles`: (cluster, attribute)."""
    return AdvertisedEntity(
        key=f"{domain}_{endpoint}",
        domain=domain,
        capabilities=capabilities,
        native={"kind": kind, "endpoint": endpoint, "paths": sensing.paths(endpoint, roles), **more},
    )


# What is done by a cluster of its own is not a switch besides.
_ON_OFF_OF_OTHERS: Final = frozenset({c.DOOR_LOCK, c.WINDOW_COVERING, c.THERMOSTAT, c.FAN, c.VALVE, c.RVC_RUN_MODE})


def _on_off(attributes: Attributes, endpoint: int, has: set[int]) -> Made:
    types = attributes.device_types(endpoint)
    if has & _ON_OFF_OF_OTHERS and not types & (c.LIGHTS | c.PLUGS):
        if c.FAN in has or c.THERMOSTAT in has:
            power = _main("switch", endpoint, "switch", {"on": (c.ON_OFF, 0)}, _ON_OFF)
            yield replace(power, name="Power", category="config")
        return
    is_light = bool(types & c.LIGHTS) or (
        (c.LEVEL in has or c.COLOUR in has) and not types & c.PLUGS and not types & {771}
    )
    if is_light:
        yield _light(attributes, endpoint, has)
    else:
        switch = _main("switch", endpoint, "switch", {"on": (c.ON_OFF, 0)}, _ON_OFF)
        yield replace(switch, device_class="outlet" if types & c.PLUGS else None)
    yield from sensing.power_on(attributes, endpoint)


_HUE_SATURATION, _XY, _WARMTH = 1, 8, 16
# Firmware that was never set up says 0 to 65279.
_MIREDS_MAX: Final = 1_000


def _light(attributes: Attributes, endpoint: int, has: set[int]) -> AdvertisedEntity:
    roles: dict[str, tuple[int, int]] = {"on": (c.ON_OFF, 0)}
    capabilities = dict(_ON_OFF)
    more: dict[str, JsonValue] = {}
    types = attributes.device_types(endpoint)
    if c.LEVEL in has and types != {256}:
        roles["level"] = (c.LEVEL, 0)
        capabilities["brightness"] = Capability("int", "rw", unit="%", min=0, max=100)
    features = _colour_features(attributes, endpoint) if c.COLOUR in has and types != {256} else 0
    if features & _WARMTH:
        roles["mireds"] = (c.COLOUR, 7)
        coolest, warmest = (attributes.number(endpoint, c.COLOUR, number) or 0 for number in (16395, 16396))
        low, high = (coolest, warmest) if 0 < coolest < warmest <= _MIREDS_MAX else (153, 500)
        capabilities["color_temp"] = Capability("int", "rw", unit="K", min=kelvin_of(high), max=kelvin_of(low))
        more["mireds"] = [low, high]
    if features & (_HUE_SATURATION | _XY):
        capabilities["color"] = Capability("text", "rw")
        roles |= {"x": (c.COLOUR, 3), "y": (c.COLOUR, 4)} if features & _XY else {}
        roles |= {"hue": (c.COLOUR, 0), "saturation": (c.COLOUR, 1)} if features & _HUE_SATURATION else {}
    if features:
        roles["mode"] = (c.COLOUR, 8)
    return _main("light", endpoint, "light", roles, capabilities, **more)


def _colour_features(attributes: Attributes, endpoint: int) -> int:
    """What it says it can; firmware that says nothing is known by its attributes."""
    said = attributes.features(endpoint, c.COLOUR) or c.whole_of(attributes.get(endpoint, c.COLOUR, 16394)) or 0
    if said:
        return said
    said |= _WARMTH if attributes.number(endpoint, c.COLOUR, 7) is not None else 0
    return said | (_XY if attributes.number(endpoint, c.COLOUR, 3) is not None else 0)


def _lock(attributes: Attributes, endpoint: int, _has: set[int]) -> Made:
    roles = {"state": (c.DOOR_LOCK, 0)}
    can_unbolt = bool(attributes.features(endpoint, c.DOOR_LOCK) & 0x1000)
    yield _main("lock", endpoint, "lock", roles, {"locked": Capability("bool", "rw")}, unbolts=can_unbolt)
    if attributes.number(endpoint, c.DOOR_LOCK, 3) is not None:
        yield sensing.flag(endpoint, "door", "Door", "door", (c.DOOR_LOCK, 3), on=[0, 3, 5])
    if attributes.number(endpoint, c.DOOR_LOCK, 35) is not None:
        yield sensing.number(endpoint, "auto_relock", "Auto-relock time", (c.DOOR_LOCK, 35), unit="s", limits=(0, 3600))


def _covering(attributes: Attributes, endpoint: int, _has: set[int]) -> Made:
    features = attributes.features(endpoint, c.WINDOW_COVERING)
    capabilities = {"open": Capability("bool", "rw")}
    roles = {"moving": (c.WINDOW_COVERING, 10)}
    if features & 4:
        capabilities["position"] = Capability("int", "rw", unit="%", min=0, max=100)
        fine = attributes.has(endpoint, c.WINDOW_COVERING, 14)
        roles["lift" if fine else "lift_percent"] = (c.WINDOW_COVERING, 14 if fine else 8)
    if features & 16:
        capabilities["tilt"] = Capability("int", "rw", unit="%", min=0, max=100)
        fine = attributes.has(endpoint, c.WINDOW_COVERING, 15)
        roles["tilt" if fine else "tilt_percent"] = (c.WINDOW_COVERING, 15 if fine else 9)
    kind = c.whole_of(attributes.get(endpoint, c.WINDOW_COVERING, 0))
    cover = _main("cover", endpoint, "cover", roles, capabilities, features=features)
    yield replace(cover, device_class=_COVERS.get(kind if kind is not None else -1))


_COVERS: Final = {
    0: "shade",
    1: "shade",
    2: "shade",
    3: "shade",
    4: "curtain",
    5: "awning",
    6: "shutter",
    7: "blind",
    8: "blind",
}
_HEAT, _COOL, _AUTO = 1, 2, 32


def _thermostat(attributes: Attributes, endpoint: int, has: set[int]) -> Made:
    features = attributes.features(endpoint, c.THERMOSTAT)
    can_heat, can_cool = bool(features & _HEAT), bool(features & _COOL)
    roles: dict[str, tuple[int, int]] = {"current": (c.THERMOSTAT, 0), "mode": (c.THERMOSTAT, 28)}
    limits: dict[str, JsonValue] = {}
    for is_there, role, attribute, lows, highs in (
        (can_heat, "heat", 18, (21, 3), (22, 4)),
        (can_cool, "cool", 17, (23, 5), (24, 6)),
    ):
        if is_there or (not features and attributes.has(endpoint, c.THERMOSTAT, attribute)):
            roles[role] = (c.THERMOSTAT, attribute)
            found = [[attributes.number(endpoint, c.THERMOSTAT, each) for each in names] for names in (lows, highs)]
            low, high = (next((value / 100 for value in each if value is not None), None) for each in found)
            limits[role] = [7.0 if low is None else low, 35.0 if high is None else high]
    if attributes.number(endpoint, c.THERMOSTAT, 41) is not None:
        roles["running"] = (c.THERMOSTAT, 41)
    modes = ["off", *(["heat"] if "heat" in roles else []), *(["cool"] if "cool" in roles else [])]
    modes += ["heat_cool"] if features & _AUTO else []
    if 114 in attributes.device_types(endpoint):  # an air conditioner
        modes += ["dry", "fan_only"]
    capabilities = {"temperature": Capability("float", unit="°C")}
    spans = [each for each in limits.values() if isinstance(each, list)]
    if spans:
        low, high = min(each[0] for each in spans), max(each[1] for each in spans)
        capabilities["target_temperature"] = Capability("float", "rw", unit="°C", min=low, max=high, step=0.1)
    capabilities["mode"] = Capability("enum", "rw", options=tuple(modes))
    yield _main("climate", endpoint, "climate", roles, capabilities, modes=modes, limits=limits)
    del has


def _fan(attributes: Attributes, endpoint: int, _has: set[int]) -> Made:
    sequence = c.whole_of(attributes.get(endpoint, c.FAN, 1)) or 0
    presets = [
        word
        for word in ("low", "medium", "high", "auto")
        if word in _FAN_SEQUENCES.get(sequence, ("low", "medium", "high"))
    ]
    capabilities = {
        **_ON_OFF,
        "speed": Capability("int", "rw", unit="%", min=0, max=100),
        "preset": Capability("enum", "rw", options=tuple(presets)),
    }
    roles = {"mode": (c.FAN, 0), "percent": (c.FAN, 3), "setting": (c.FAN, 2)}
    if attributes.features(endpoint, c.FAN) & 4:
        capabilities["oscillating"] = Capability("bool", "rw")
        roles["rock"] = (c.FAN, 8)
    if attributes.features(endpoint, c.FAN) & 32:
        capabilities["direction"] = Capability("enum", "rw", options=("forward", "reverse"))
        roles["direction"] = (c.FAN, 11)
    rock = c.whole_of(attributes.get(endpoint, c.FAN, 7)) or 1
    yield _main("fan", endpoint, "fan", roles, capabilities, presets=[*presets], rock=rock)


# FanModeSequence: which modes there are.
_FAN_SEQUENCES: Final[dict[int, tuple[str, ...]]] = {
    0: ("low", "medium", "high"),
    1: ("low", "high"),
    2: ("low", "medium", "high", "auto"),
    3: ("low", "high", "auto"),
    4: ("high", "auto"),
    5: ("high",),
}


def _valve(attributes: Attributes, endpoint: int, _has: set[int]) -> Made:
    capabilities = {"open": Capability("bool", "rw")}
    roles = {"state": (c.VALVE, 4), "target": (c.VALVE, 5)}
    if attributes.features(endpoint, c.VALVE) & 2:
        capabilities["position"] = Capability("int", "rw", unit="%", min=0, max=100)
        roles["level"] = (c.VALVE, 6)
    yield replace(_main("valve", endpoint, "valve", roles, capabilities), device_class="water")


def _vacuum(attributes: Attributes, endpoint: int, has: set[int]) -> Made:
    modes = _modes(attributes, endpoint, c.RVC_RUN_MODE)
    roles = {"state": (c.RVC_OPERATIONAL_STATE, 4), "run": (c.RVC_RUN_MODE, 1)}
    cleans: list[JsonValue] = [number for number, tags in modes.items() if _CLEANING in tags]
    idles: list[JsonValue] = [number for number, tags in modes.items() if _IDLE in tags]
    entity = _main("vacuum", endpoint, "vacuum", roles, _ON_OFF, cleans=cleans, idles=idles)
    yield entity
    if c.RVC_CLEAN_MODE in has:
        yield from sensing.mode(attributes, endpoint, c.RVC_CLEAN_MODE, "Cleaning mode")


_IDLE: Final = 16384
_CLEANING: Final = 16385


def _modes(attributes: Attributes, endpoint: int, cluster: int) -> dict[int, set[int]]:
    """Mode -> its tags."""
    found: dict[int, set[int]] = {}
    for each in c.objects(attributes.get(endpoint, cluster, 0)):
        number = c.whole_of(each.get("1"))
        if number is not None:
            found[number] = {tag for one in c.objects(each.get("2")) if (tag := c.whole_of(one.get("1"))) is not None}
    return found


def _switch(attributes: Attributes, endpoint: int, _has: set[int]) -> Made:
    if attributes.get(endpoint, c.SWITCH, 0) is None:
        return  # an empty one of a root endpoint
    features = attributes.features(endpoint, c.SWITCH)
    words = sensing.presses(features, c.whole_of(attributes.get(endpoint, c.SWITCH, 2)) or 2)
    if not words:
        return
    capabilities = {"action": Capability("enum", options=words)}
    entity = _main("event", endpoint, "event", {}, capabilities, features=features, cluster=c.SWITCH)
    yield replace(entity, device_class="button")


def _identify(_attributes: Attributes, endpoint: int, _has: set[int]) -> Made:
    yield AdvertisedEntity(
        key="identify",
        domain="button",
        name="Identify",
        device_class="identify",
        category="config",
        capabilities={"press": Capability("enum", "w", options=("press",))},
        native={"kind": "identify", "endpoint": endpoint, "paths": {}},
    )


_BUILDERS: Final[tuple[tuple[int, Builder], ...]] = (
    (c.ON_OFF, _on_off),
    (c.DOOR_LOCK, _lock),
    (c.WINDOW_COVERING, _covering),
    (c.THERMOSTAT, _thermostat),
    (c.FAN, _fan),
    (c.VALVE, _valve),
    (c.RVC_RUN_MODE, _vacuum),
    (c.SWITCH, _switch),
    *sensing.BUILDERS,
    *equipment.BUILDERS,
    (c.IDENTIFY, _identify),
)
