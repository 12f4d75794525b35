"""What devices say over their links. Frames:

    device  what it is: {"serial", "mac", "model", "label", "group", "location", "firmware", "has": {"color", "infrared", ...}, "kelvin": [low, high],
            "zones", "relays", "address"}
    state   how it is: {"power", "color": {"hue", "saturation", "brightness", "kelvin"}, "infrared", "relays": [...], "rssi"}

A device's peer key is its serial number. https://lan.developer.lifx.com/docs
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from hub_agent.drivers import given
from hub_agent.drivers.lifx import colour
from hub_agent.drivers.vocabulary import device_type_of
from hub_agent.drivers.wishes import FULL, Wish, needed_number, number_of
from hub_agent.errors import NotPossible
from hub_agent.model.device import (
    AdvertisedEntity,
    Advertisement,
    Alias,
    Capability,
    Device,
    Entity,
    Origin,
    ProtocolType,
)
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.link import Frame, Request
from hub_agent.model.report import Decoded, EntityReport, Rejected, Reported

DIALECT: Final = "lifx"

DEVICES_MAX: Final = 1000
RELAYS_MAX: Final = 8
ZONES_MAX: Final = 1024
TRANSITION_S_MAX: Final = 3600.0
# How long a flash is, and how often it comes.
_FLASHES: Final[dict[str, tuple[float, int]]] = {"short": (0.5, 2), "long": (1.0, 6)}
_IDENTIFY: Final = (1.0, 3)
_PRESSES: Final = ("identify", "reboot")


class Lifx:
    dialect: Final = DIALECT

    def __init__(self) -> None:
        self._natives: dict[str, JsonObject] = {}
        self._brightness: dict[str, int] = {}

    def restore(self, devices: Iterable[Device]) -> tuple[str, ...]:
        for device in devices:
            peer = given.text(device.native, "peer")
            if device.origin.dialect == DIALECT and peer is not None:
                self._natives[peer] = {**device.native, "serial": device.origin.native_id}
        return ()

    def hear(self, frame: Frame) -> Sequence[Decoded]:
        body = frame.body
        if isinstance(body, dict) and frame.kind == "device":
            return self._hear_device(frame, body)
        if isinstance(body, dict) and frame.kind == "state":
            return self._hear_state(frame.peer, body)
        return [_rejected(frame, "unknown_frame", "a device says `device` or `state`, and an object")]

    def _hear_device(self, frame: Frame, body: JsonObject) -> Sequence[Decoded]:
        serial = given.mac_of(body.get("serial"))
        if serial is None:
            return [_rejected(frame, "not_a_device", "a device has a serial number of 12 hexadecimal digits")]
        native = _native(frame.peer, body)
        self._natives.pop(frame.peer, None)
        while len(self._natives) >= DEVICES_MAX:
            self._forget(next(iter(self._natives)))
        self._natives[frame.peer] = {**native, "serial": serial}
        entities = tuple(_entities(native))
        model, label = given.text(body, "model"), given.text(body, "label")
        mac = given.mac_of(body.get("mac"))
        advertisement = Advertisement(
            origin=Origin(DIALECT, serial),
            aliases=((Alias("mac", mac),) if mac else ()) + (Alias("serial", serial),),
            name=label or model or f"LIFX {serial[-6:]}",
            entities=entities,
            brand="LIFX",
            model=model,
            device_type=device_type_of(entities, model or ""),
            protocol=ProtocolType.WIFI,
            # People sort lamps into groups, which are rooms; the location is the home.
            suggested_area=given.text(body, "group"),
            firmware_version=given.text(body, "firmware"),
            native=native,
        )
        address = given.text(body, "address")
        observed: dict[str, JsonValue] = {"ip_address": address} if address else {}
        return [advertisement, Reported(advertisement.origin, (), observed)] if observed else [advertisement]

    def _forget(self, peer: str) -> None:
        self._natives.pop(peer, None)
        self._brightness.pop(peer, None)

    def _hear_state(self, peer: str, body: JsonObject) -> Sequence[Decoded]:
        native = self._natives.get(peer)
        if native is None:
            return []
        reports = list(_reports(native, body))
        for report in reports:
            brightness = report.attributes.get("brightness")
            if isinstance(brightness, int):
                self._brightness[peer] = brightness
        rssi = given.number(body, "rssi")
        observed: dict[str, JsonValue] = (
            {"signal_strength": round(rssi)} if rssi is not None and -100 < rssi < 0 else {}
        )
        origin = Origin(DIALECT, given.text(native, "serial") or peer)
        return [Reported(origin, tuple(reports), observed)] if reports or observed else []

    def encode(self, device: Device, entity: Entity, action: str, data: JsonObject) -> Sequence[Request]:
        peer = given.text(device.native, "peer")
        domain, _, verb = action.partition(".")
        if peer is None:
            raise NotPossible(f"{device.name}: it has not been met yet.")
        if domain not in {entity.domain, "homeassistant"}:
            raise NotPossible(f"{device.name}: {action} cannot be done with {entity.id}, a {entity.domain}.")
        try:
            body = self._body(device.native, peer, entity, verb, data)
        except NotPossible as error:
            raise NotPossible(f"{device.name}: {error}") from error
        return [Request(DIALECT, peer, body)]

    def _body(self, native: JsonObject, peer: str, entity: Entity, verb: str, data: JsonObject) -> JsonObject:
        relay = given.number(entity.native, "relay")
        if relay is not None and verb in {"turn_on", "turn_off"}:
            return {"do": "relay", "index": round(relay), "on": verb == "turn_on"}
        if entity.domain == "light" and verb in {"turn_on", "turn_off"}:
            return _light(native, verb, data, self._brightness.get(peer, FULL))
        if entity.key == "infrared" and verb == "set_value":
            return {"do": "infrared", "level": max(0.0, min(1.0, needed_number(data, "value") / 100))}
        if entity.key in _PRESSES and verb == "press":
            period_s, times = _IDENTIFY
            return (
                {"do": "flash", "period_s": period_s, "times": times} if entity.key == "identify" else {"do": "reboot"}
            )
        raise NotPossible(f"This {entity.domain} cannot do {verb!r:.40}.")

    def encode_refresh(self, device: Device) -> Sequence[Request]:
        peer = given.text(device.native, "peer")
        return [Request(DIALECT, peer, {"do": "refresh"})] if peer is not None else []

    def encode_reconfigure(self, _device: Device) -> Sequence[Request]:
        return []

    def release(self, device: Device) -> tuple[str, ...]:
        self._forget(given.text(device.native, "peer") or "")
        return ()

    def unexplained(self) -> Sequence[Rejected]:
        return []


def _native(peer: str, body: JsonObject) -> dict[str, JsonValue]:
    low = given.number(body, "kelvin_min") or colour.KELVIN_MIN
    high = given.number(body, "kelvin_max") or colour.KELVIN_MAX
    return {
        "peer": peer,
        "relays": max(0, min(RELAYS_MAX, round(given.number(body, "relays") or 0))),
        "zones": max(0, min(ZONES_MAX, round(given.number(body, "zones") or 0))),
        "kelvin_min": round(min(low, high)),
        "kelvin_max": round(max(low, high)),
        **{name: given.flag(body, "has", name) is True for name in ("light", "color", "warmth", "infrared")},
    }


def _entities(native: JsonObject) -> Iterator[AdvertisedEntity]:
    if native["light"]:
        capabilities = {
            "on": Capability("bool", "rw"),
            "brightness": Capability("int", "rw", unit="%", min=0, max=100),
        }
        if native["warmth"]:
            low, high = given.number(native, "kelvin_min"), given.number(native, "kelvin_max")
            capabilities["color_temp"] = Capability("int", "rw", unit="K", min=low, max=high)
        if native["color"]:
            capabilities["color"] = Capability("text", "rw")
        yield AdvertisedEntity("light", "light", capabilities=capabilities)
        yield _button("identify", "Identify", "identify")
    for index in range(round(given.number(native, "relays") or 0)):
        yield AdvertisedEntity(
            f"relay_{index}",
            "switch",
            f"Relay {index + 1}",
            capabilities={"on": Capability("bool", "rw")},
            native={"relay": index},
        )
    if native["infrared"]:
        level = Capability("float", "rw", unit="%", min=0, max=100, step=1)
        yield AdvertisedEntity(
            "infrared", "number", "Infrared", unit="%", category="config", capabilities={"value": level}
        )
    yield _button("reboot", "Restart", "restart")


def _button(key: str, name: str, device_class: str) -> AdvertisedEntity:
    return AdvertisedEntity(
        key,
        "button",
        name,
        device_class=device_class,
        category="config",
        capabilities={"press": Capability("bool", "w")},
    )


def _reports(native: JsonObject, body: JsonObject) -> Iterator[EntityReport]:
    power, color = given.number(body, "power"), given.mapping(body, "color")
    if native["light"] and power is not None:
        attributes = colour.read(color, has_color=bool(native["color"]), has_warmth=bool(native["warmth"]))
        zones = given.number(native, "zones")
        yield EntityReport("light", "on" if power > 0 else "off", {**attributes, **({"zones": zones} if zones else {})})
    infrared = given.number(body, "infrared")
    if native["infrared"] and infrared is not None:
        yield EntityReport("infrared", str(round(max(0, min(1, infrared)) * 100)))
    levels = given.listed(body, "relays")[: round(given.number(native, "relays") or 0)]
    for index, level in enumerate(levels):
        number = given.number_of(level)
        if number is not None:
            yield EntityReport(f"relay_{index}", "on" if number > 0 else "off")


def _light(native: JsonObject, verb: str, data: JsonObject, known_brightness: int) -> JsonObject:
    flash = data.get("flash")
    if verb == "turn_on" and isinstance(flash, str):
        period_s, times = _FLASHES.get(flash, _FLASHES["short"])
        return {"do": "flash", "period_s": period_s, "times": times}
    transition = number_of(data, "transition")
    duration_s = max(0.0, min(TRANSITION_S_MAX, float(transition or 0)))
    if verb == "turn_off":
        return {"do": "light", "on": False, "duration_s": duration_s}
    wish = Wish(data, known_brightness)
    if wish.brightness == 0:
        return {"do": "light", "on": False, "duration_s": duration_s}
    kelvins = (
        given.number(native, "kelvin_min") or colour.KELVIN_MIN,
        given.number(native, "kelvin_max") or colour.KELVIN_MAX,
    )
    has_color, has_warmth = given.flag(native, "color") is True, given.flag(native, "warmth") is True
    color = colour.write(wish, kelvins, has_color=has_color, has_warmth=has_warmth)
    return {"do": "light", "on": True, "color": color, "duration_s": duration_s, **_zones(native, data)}


def _zones(native: JsonObject, data: JsonObject) -> dict[str, JsonValue]:
    """`zones`: numbers of the parts of a strip that are meant, from 0."""
    if data.get("zones") is None:
        return {}
    count = round(given.number(native, "zones") or 0)
    zones = [given.number_of(zone) for zone in given.listed(data, "zones")]
    if not zones or any(zone is None or not 0 <= zone < count or zone != round(zone) for zone in zones):
        raise NotPossible(f"`zones` must be a list of numbers from 0 to {count - 1}." if count else "It has no zones.")
    return {"zones": sorted({round(zone) for zone in zones if zone is not None})}


def _rejected(frame: Frame, code: str, reason: str) -> Rejected:
    return Rejected(DIALECT, f"{frame.peer[:64]} {frame.kind[:32]}", code, reason)
