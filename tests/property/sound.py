"""What may come of a decoder, whatever went in: values of the right types, finite, shallow, of bearable size. Each fault is a line of words."""

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

from hub_agent.model.device import AdvertisedEntity, Advertisement, Capability
from hub_agent.model.link import PeerFound
from hub_agent.model.report import AvailabilityReported, Decoded, DeviceGone, EntityGone, Rejected, Reported

STATE_CHARS_MAX: Final = 255
NAME_CHARS_MAX: Final = 512
TEXT_CHARS_MAX: Final = 64 * 1024
# What a driver keeps of a configuration to read messages by.
CONFIG_CHARS_MAX: Final = 512 * 1024
DEPTH_MAX: Final = 33
PIECES_MAX: Final = 20_000
ENTITIES_MAX: Final = 1_000

_AWAY: Final = {"unknown", "unavailable"}
_STATES: Final[Mapping[str, set[str]]] = {
    "light": {"on", "off"},
    "switch": {"on", "off"},
    "binary_sensor": {"on", "off"},
    "fan": {"on", "off"},
    "siren": {"on", "off"},
    "humidifier": {"on", "off"},
    "update": {"on", "off"},
    "cover": {"open", "closed", "opening", "closing"},
    "valve": {"open", "closed", "opening", "closing"},
    "lock": {"locked", "unlocked", "locking", "unlocking", "jammed", "open", "opening"},
    "climate": {"off", "heat", "cool", "heat_cool", "auto", "dry", "fan_only"},
    "media_player": {"off", "on", "idle", "playing", "paused", "buffering", "standby"},
}
# Attribute -> least and most. Of light, cover, fan and player only: sensors may call theirs as they like.
_RANGES: Final = {
    "brightness": (0, 255),
    "color_temp_kelvin": (0, 1_000_000),
    "percentage": (0, 100),
    "current_position": (0, 100),
    "current_tilt_position": (0, 100),
    "volume_level": (0, 1),
}
_LISTS: Final = {"rgb_color": (3, 0, 255), "hs_color": (2, 0, 360), "xy_color": (2, 0, 1)}
_RANGED: Final = {"light", "cover", "valve", "fan", "media_player"}


def faults(decoded: Decoded) -> Iterator[str]:
    match decoded:
        case Rejected():
            if decoded.code == "driver_error":
                yield f"a driver raised: {decoded.reason}"
            if not decoded.code.isidentifier() or len(decoded.reason) > TEXT_CHARS_MAX:
                yield f"rejected without measure: {decoded.code} {decoded.reason[:100]}"
        case Reported():
            yield from _name("native_id", decoded.origin.native_id)
            for report in decoded.entities:
                yield from _state(report.key, report.state)
                yield from _json(f"attributes of {report.key}", report.attributes)
                for lapse in report.lapses:
                    if not 0 < lapse.after_s < 1e9:
                        yield f"{report.key} lapses after {lapse.after_s}"
            yield from _json("observed", decoded.observed)
        case Advertisement():
            yield from _advertised(decoded)
        case AvailabilityReported() | DeviceGone() | EntityGone():
            yield from _name("native_id", decoded.origin.native_id)
        case PeerFound():
            yield from _peer(decoded)
        case _:
            pass


def state_faults(domain: str, state: str, attributes: Mapping[str, Any]) -> Iterator[str]:
    """Of what the hub holds of an entity."""
    yield from _state(domain, state)
    yield from _json("attributes", attributes)
    if domain in _STATES and state not in _STATES[domain] | _AWAY:
        yield f"a {domain} is {state!r}"
    if domain not in _RANGED:
        return
    for name, (least, most) in _RANGES.items():
        value = attributes.get(name)
        if value is not None and (
            isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most
        ):
            yield f"{name} of a {domain} is {value!r}"
    for name, (length, least, most) in _LISTS.items():
        value = attributes.get(name)
        if value is None:
            continue
        if not isinstance(value, list | tuple) or len(value) != length or not all(_is_number(each) and least <= each <= most for each in value):  # fmt: skip
            yield f"{name} of a {domain} is {value!r}"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _advertised(said: Advertisement) -> Iterator[str]:
    yield from _name("native_id", said.origin.native_id)
    yield from _name("name", said.name)
    for word in (said.brand, said.model, said.suggested_area, said.firmware_version, said.power_source):
        if word is not None:
            yield from _name("a word of the device", word)
    for alias in said.aliases:
        yield from _name(f"alias {alias.kind}", alias.value)
    if len(said.entities) > ENTITIES_MAX:
        yield f"{len(said.entities)} entities"
    if len({entity.key for entity in said.entities}) != len(said.entities):
        yield "two entities of one key"
    yield from _json("native of the device", said.native)
    for entity in said.entities:
        yield from _entity(entity)


def _entity(entity: AdvertisedEntity) -> Iterator[str]:
    yield from _name("key", entity.key)
    for word in (entity.name, entity.object_id, entity.device_class, entity.unit, entity.state_class, entity.category):
        if word is not None:
            yield from _name(f"a word of {entity.key}", word)
    yield from _json(f"native of {entity.key}", entity.native)
    for name, capability in entity.capabilities.items():
        yield from _name("capability", name)
        yield from _capability(entity.key, capability)


def _capability(key: str, capability: Capability) -> Iterator[str]:
    for bound in (capability.min, capability.max, capability.step):
        if bound is not None and (not _is_number(bound) or not math.isfinite(bound)):
            yield f"{key} is bounded by {bound!r}"
    if len(capability.options) > TEXT_CHARS_MAX:
        yield f"{key} has {len(capability.options)} options"
    for option in capability.options:
        yield from _name(f"option of {key}", option)


def _peer(found: PeerFound) -> Iterator[str]:
    for word in (
        found.service,
        found.name,
        found.brand,
        found.model,
        found.firmware_version,
        found.key,
        found.hostname,
    ):
        if word is not None:
            yield from _name("a word of the peer", word)
    if found.port is not None and not 0 < found.port < 65_536:
        yield f"port {found.port}"
    for host in found.hosts:
        yield from _name("host", host)
    if len(found.hosts) > 64 or len(found.txt) > 128:
        yield f"{len(found.hosts)} hosts, {len(found.txt)} keys"
    for key, value in found.txt.items():
        yield from _name("txt", key)
        yield from _name("txt", value)


def _state(key: str, state: object) -> Iterator[str]:
    if state is not None and (not isinstance(state, str) or len(state) > STATE_CHARS_MAX):
        yield f"state of {key} is {str(state)[:60]!r}"


def _name(what: str, name: object) -> Iterator[str]:
    if not isinstance(name, str) or len(name) > NAME_CHARS_MAX:
        yield f"{what} is {str(name)[:60]!r} ({type(name).__name__})"
    elif "\ud800" <= max(name, default="") <= "\udfff":
        yield f"{what} cannot be written: {name[:60]!r}"


def _json(what: str, body: object) -> Iterator[str]:
    """Plain JSON: finite, not too deep, not too much, and to be written as UTF-8."""
    level: list[object] = [body]
    pieces = 0
    for _ in range(DEPTH_MAX):
        inside: list[object] = []
        for value in level:
            match value:
                case None | bool():
                    pass
                case float():
                    if not math.isfinite(value):
                        yield f"{what} hold {value}"
                case int():
                    if not -(2**63) <= value < 2**64:
                        yield f"{what} hold a whole number that cannot be written"
                case str():
                    if len(value) > (CONFIG_CHARS_MAX if "native" in what else TEXT_CHARS_MAX):
                        yield f"{what} hold {len(value)} letters: {value[:40]!r}"
                    if any("\ud800" <= letter <= "\udfff" for letter in value):
                        yield f"{what} hold half a letter"
                case Mapping():
                    inside += [*value.keys(), *value.values()]
                    if not all(isinstance(key, str) for key in value):
                        yield f"{what} hold keys that are no text"
                case list() | tuple():
                    inside += value
                case _:
                    yield f"{what} hold {type(value).__name__}"
        pieces += len(inside)
        level = inside
    if level:
        yield f"{what} are nested deeper than {DEPTH_MAX}"
    if pieces > PIECES_MAX:
        yield f"{what} have {pieces} pieces"
