"""The dialect itself: which devices have announced themselves, whose message it is, and what becomes of it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import orjson

from hub_agent.drivers.tasmota.actuators import CeilingFan, Relay, Shutter, buttons, inputs, services
from hub_agent.drivers.tasmota.lights import ON_OFF, Light, Shape, shape_of
from hub_agent.drivers.tasmota.part import Command, Part, number_in
from hub_agent.drivers.tasmota.sensors import own_sensors, sensors
from hub_agent.drivers.tasmota.setup import LIGHT, RELAY, SHUTTER, Setup, Wrong, kept, read_setup
from hub_agent.drivers.vocabulary import device_type_of
from hub_agent.errors import NotPossible
from hub_agent.model.device import Advertisement, Alias, Device, Entity, Origin, ProtocolType
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.report import (
    AvailabilityReported,
    Decoded,
    DeviceGone,
    EntityReport,
    MqttMessage,
    Publication,
    Rejected,
    Reported,
    Subscribe,
    Unsubscribe,
)

DIALECT: Final = "tasmota"
PREFIX: Final = "tasmota/discovery/"
DEVICES_MAX: Final = 2_000
RELEASED_MAX: Final = 5_000
# Sensors whose device has not said its setup yet.
WAITING_MAX: Final = 500
PAYLOAD_BYTES_MAX: Final = 64 * 1024
SHUTTERS_MAX: Final = 16

_JSON_LEAVES: Final = frozenset({"STATE", "SENSOR", "RESULT"})


@dataclass(slots=True)
class Known:
    """A device as the driver runs it."""

    origin: Origin
    setup: Setup
    config: JsonObject
    sensors: JsonObject
    parts: dict[str, Part] = field(default_factory=dict)

    def build(self) -> None:
        self.parts = {part.entity.key: part for part in parts_of(self.setup, self.sensors)}


def parts_of(setup: Setup, sn: JsonObject) -> list[Part]:
    """All that the device is made of; if one of them is its only function, that one bears the device's name."""
    makers = [*_lights_and_relays(setup), *_shutters(setup)]
    names: dict[int, str | None] = {}
    for place, (number, word, make) in enumerate(makers):
        friendly = setup.friendly_names[number - 1] if 0 < number <= len(setup.friendly_names) else None
        names[place] = (
            None if len(makers) == 1 or make is CeilingFan else friendly if friendly not in {None, setup.name} else word
        )
    main = [make(names[place]) for place, (_, _, make) in enumerate(makers)]
    light = next((int(part.entity.key.rpartition("_")[2]) for part in main if part.entity.domain == "light"), None)
    return [*main, *inputs(setup), *buttons(setup), *sensors(setup, sn), *own_sensors(setup), *services(light)]


_Maker = tuple[int, str, Callable[[str | None], Part]]


def _lights_and_relays(setup: Setup) -> list[_Maker]:
    makers: list[_Maker] = []
    for place, kind in enumerate(setup.relays):
        number = place + 1
        is_fan_light = setup.is_fan and place == 0
        if kind == LIGHT and not is_fan_light:
            shape = shape_of(setup, place)
        elif kind in {LIGHT, RELAY} and (is_fan_light or setup.option(30)):
            shape = Shape(number, ON_OFF)
        elif kind == RELAY:
            makers.append((number, f"Switch {number}", lambda name, number=number: Relay(setup, number, name)))  # type: ignore[misc]
            continue
        else:
            continue
        makers.append((number, f"Light {number}", lambda name, shape=shape: Light(setup, shape, name)))  # type: ignore[misc]
    if setup.is_fan:
        makers.append((0, "Fan", CeilingFan))
    return makers


def _shutters(setup: Setup) -> list[_Maker]:
    """Two relays in a row make a shutter; they are counted by themselves."""
    count = min(sum(kind == SHUTTER for kind in setup.relays) // 2, SHUTTERS_MAX)
    return [
        (0, f"Cover {number}", lambda name, number=number: Shutter(setup, number, name))  # type: ignore[misc]
        for number in range(1, count + 1)
    ]


class Tasmota:
    dialect = DIALECT

    def __init__(self) -> None:
        self._known_by_mac: dict[str, Known] = {}
        self._mac_by_base: dict[str, str] = {}
        self._hash_by_topic: dict[str, int] = {}
        self._waiting: dict[str, JsonObject] = {}
        self._released: dict[str, None] = {}

    # What the loop asks.

    def subscriptions(self) -> tuple[str, ...]:
        return (f"{PREFIX}+/config", f"{PREFIX}+/sensors")

    def wants(self, topic: str) -> bool:
        return topic.startswith(PREFIX) or f"{topic.rpartition('/')[0]}/" in self._mac_by_base

    def decode(self, message: MqttMessage) -> Sequence[Decoded]:
        if message.topic.startswith(PREFIX):
            return self._discover(message)
        base, _, leaf = message.topic.rpartition("/")
        known = self._known_by_mac.get(self._mac_by_base.get(f"{base}/", ""))
        return _hear(known, leaf, message) if known is not None else ()

    def restore(self, devices: Iterable[Device]) -> tuple[str, ...]:
        topics: list[str] = []
        for device in devices:
            known = _known_from(device)
            if known is not None and known.setup.mac not in self._known_by_mac:
                self._remember(known)
                topics += known.setup.topics
        return tuple(dict.fromkeys(topics))

    def encode(self, device: Device, entity: Entity, action: str, data: JsonObject) -> Sequence[Publication]:
        known = self._known_by_mac.get(device.origin.native_id) or _known_from(device)
        part = known.parts.get(entity.key) if known is not None else None
        if known is None or part is None:
            raise NotPossible(f"{entity.id} has not announced itself yet.")
        return _publications(known.setup, part.write(action.partition(".")[2], data))

    def encode_refresh(self, device: Device) -> Sequence[Publication]:
        known = self._known_by_mac.get(device.origin.native_id) or _known_from(device)
        if known is None:
            return ()
        asked = ("STATE", ""), ("STATUS", "10"), ("STATUS", "")
        return [Publication(known.setup.command + word, text.encode()) for word, text in asked]

    def encode_reconfigure(self, device: Device) -> Sequence[Publication]:  # noqa: ARG002 - there is no bridge to ask
        return ()

    def release(self, device: Device) -> tuple[str, ...]:
        mac = next((alias.value.upper() for alias in device.aliases if alias.kind == "mac"), device.origin.native_id)
        self._released[mac] = None
        while len(self._released) > RELEASED_MAX:
            del self._released[next(iter(self._released))]
        known = self._known_by_mac.get(mac)
        return self._forget(known) if known is not None else ()

    def unexplained(self) -> tuple[Rejected, ...]:
        reason = "the device has said which sensors it has, but not what it is"
        return tuple(Rejected(DIALECT, f"{PREFIX}{mac}/sensors", "config_missing", reason) for mac in self._waiting)

    # Announcements.

    def _discover(self, message: MqttMessage) -> Sequence[Decoded]:
        mac, _, kind = message.topic.removeprefix(PREFIX).partition("/")
        if kind not in {"config", "sensors"} or not mac:
            return ()
        mac = mac.upper()
        fingerprint = hash(message.payload)
        if mac in self._released or self._hash_by_topic.get(message.topic) == fingerprint:
            return ()
        if len(self._hash_by_topic) >= 2 * DEVICES_MAX:
            self._hash_by_topic.clear()
        self._hash_by_topic[message.topic] = fingerprint
        if not message.payload.strip():
            return self._remove(mac) if kind == "config" else self._take_sensors(mac, {})
        body = _load(message)
        if isinstance(body, Rejected):
            return [body]
        if kind == "sensors":
            sn = body.get("sn")
            return self._take_sensors(mac, sn if isinstance(sn, dict) else {})
        try:
            return self._take_config(mac, read_setup(body), kept(body))
        except Wrong as err:
            return [Rejected(DIALECT, message.topic, err.code, str(err), self._origin_of(mac))]

    def _take_config(self, mac: str, setup: Setup, config: JsonObject) -> Sequence[Decoded]:
        if setup.mac != mac:
            raise Wrong("mac_differs", f"`mac` is {setup.mac}, the topic says {mac[:20]}")
        taken = {self._mac_by_base.get(base, mac) for base in (setup.stat, setup.tele)} - {mac}
        if taken:
            raise Wrong("topic_taken", f"the topic {setup.tele} is that of {min(taken)}, too: give one of them another")
        before = self._known_by_mac.get(mac)
        if before is None and len(self._known_by_mac) >= DEVICES_MAX:
            raise Wrong("too_many", f"there may be at most {DEVICES_MAX} devices")
        sn = before.sensors if before is not None else self._waiting.pop(mac, {})
        old_topics = self._forget(before) if before is not None else ()
        known = Known(Origin(DIALECT, mac), setup, config, sn)
        known.build()
        self._remember(known)
        gone = tuple(topic for topic in old_topics if topic not in setup.topics)
        new = tuple(topic for topic in setup.topics if topic not in old_topics)
        changes: list[Decoded] = [Unsubscribe(gone)] if gone else []
        return [*changes, _advertise(known), *([Subscribe(new)] if new else [])]

    def _take_sensors(self, mac: str, sn: JsonObject) -> Sequence[Decoded]:
        known = self._known_by_mac.get(mac)
        if known is None:
            while len(self._waiting) >= WAITING_MAX:
                del self._waiting[next(iter(self._waiting))]
            self._waiting[mac[:40]] = sn
            return ()
        known.sensors = sn
        known.build()
        return [_advertise(known)]

    def _remove(self, mac: str) -> Sequence[Decoded]:
        self._waiting.pop(mac, None)
        known = self._known_by_mac.get(mac)
        if known is None:
            return ()
        return [DeviceGone(known.origin), Unsubscribe(self._forget(known))]

    def _remember(self, known: Known) -> None:
        self._known_by_mac[known.setup.mac] = known
        for base in (known.setup.stat, known.setup.tele):
            self._mac_by_base[base] = known.setup.mac

    def _forget(self, known: Known) -> tuple[str, ...]:
        self._known_by_mac.pop(known.setup.mac, None)
        for base in (known.setup.stat, known.setup.tele):
            self._mac_by_base.pop(base, None)
        return known.setup.topics

    def _origin_of(self, mac: str) -> Origin | None:
        known = self._known_by_mac.get(mac)
        return known.origin if known is not None else None


def _known_from(device: Device) -> Known | None:
    config, sn = device.native.get("config"), device.native.get("sensors")
    if not isinstance(config, Mapping):
        return None
    try:
        setup = read_setup(config)
    except Wrong:
        return None  # its announcement is retained and comes again
    known = Known(device.origin, setup, config, sn if isinstance(sn, Mapping) else {})
    known.build()
    return known


def _advertise(known: Known) -> Advertisement:
    setup = known.setup
    entities = tuple(part.entity for part in known.parts.values())
    words = " ".join(word for word in (setup.model, setup.name) if word)
    return Advertisement(
        origin=known.origin,
        # The second is how the device names itself where it speaks Home Assistant's discovery, too (option 19).
        aliases=(Alias("mac", setup.mac.lower()), Alias("discovery_id", setup.mac[-6:])),
        name=setup.name,
        entities=entities,
        brand="Tasmota",
        model=setup.model,
        device_type=device_type_of(entities, words),
        protocol=ProtocolType.WIFI,
        firmware_version=setup.version,
        native={"config": known.config, "sensors": known.sensors},
    )


# Messages of devices.


def _hear(known: Known, leaf: str, message: MqttMessage) -> Sequence[Decoded]:
    if leaf == "LWT":
        return _availability(known, message)
    body = _body_of(known.setup, leaf, message)
    if isinstance(body, Rejected):
        return [body] if leaf in _JSON_LEAVES or leaf.startswith("STATUS") else ()
    observed = _observed(body)
    body = _unwrapped(body)
    reports: list[EntityReport] = []
    for part in known.parts.values():
        if part.is_live_only and message.retained:
            continue
        report = part.read(body)
        if report is not None:
            reports.append(report)
    observed |= _observed_state(body)
    return [Reported(known.origin, tuple(reports), observed, message.retained)] if reports or observed else ()


def _availability(known: Known, message: MqttMessage) -> Sequence[Decoded]:
    word = message.payload.decode(errors="replace")
    if word == known.setup.online:
        return [AvailabilityReported(known.origin, is_available=True)]
    # One that sleeps between its reports says goodbye each time.
    if word != known.setup.offline or known.setup.is_sleeper:
        return ()
    return [AvailabilityReported(known.origin, is_available=False)]


def _body_of(setup: Setup, leaf: str, message: MqttMessage) -> JsonObject | Rejected:
    if leaf.startswith("POWER") and message.payload[:1] != b"{":
        return {leaf: message.payload[:40].decode(errors="replace")}
    return _load(message, Origin(DIALECT, setup.mac))


def _load(message: MqttMessage, origin: Origin | None = None) -> JsonObject | Rejected:
    if len(message.payload) > PAYLOAD_BYTES_MAX:
        reason = f"a message may have at most {PAYLOAD_BYTES_MAX} bytes, this one has {len(message.payload)}"
        return Rejected(DIALECT, message.topic, "too_large", reason, origin)
    try:
        body: JsonValue = orjson.loads(message.payload)
    except orjson.JSONDecodeError as err:
        return Rejected(DIALECT, message.topic, "not_json", f"not JSON: {err}"[:200], origin)
    if not isinstance(body, dict):
        return Rejected(DIALECT, message.topic, "not_object", "a JSON object was expected", origin)
    return body


def _unwrapped(body: JsonObject) -> JsonObject:
    """Answers to STATUS wrap what else is said in STATE and SENSOR."""
    for name in ("StatusSNS", "StatusSTS"):
        inner = body.get(name)
        if isinstance(inner, dict):
            return inner
    return body


_OBSERVED: Final = (
    ("StatusFWR", "Version", "firmware_version"),
    ("Info1", "Version", "firmware_version"),
    ("StatusNET", "IPAddress", "ip_address"),
    ("Info2", "IPAddress", "ip_address"),
)


def _observed(body: JsonObject) -> dict[str, JsonValue]:
    observed: dict[str, JsonValue] = {}
    for block, name, said in _OBSERVED:
        inner = body.get(block)
        value = inner.get(name) if isinstance(inner, dict) else None
        if isinstance(value, str) and 0 < len(value) <= 60:
            observed[said] = value.partition("(")[0] if said == "firmware_version" else value
    return observed


def _observed_state(body: JsonObject) -> dict[str, JsonValue]:
    observed: dict[str, JsonValue] = {}
    wifi = body.get("Wifi")
    quality = number_in(wifi.get("RSSI")) if isinstance(wifi, dict) else None
    if quality is not None and 0 <= quality <= 100:  # Tasmota's RSSI is in percent
        observed["signal_strength"] = round(quality)
    battery = number_in(body.get("BatteryPercentage"))
    if battery is not None and 0 <= battery <= 100:
        observed["battery_level"] = round(battery)
    return observed


def _publications(setup: Setup, commands: Sequence[Command]) -> list[Publication]:
    """Several commands travel as one, so that they take effect together."""
    if not commands:
        return []
    if len(commands) == 1:
        word, text = commands[0]
        return [Publication(setup.command + word, text.encode())]
    steps = [f"{word} {text}" if word == "Delay" else f"NoDelay;{word} {text}" for word, text in commands]
    return [Publication(f"{setup.command}Backlog", ";".join(steps).encode())]
