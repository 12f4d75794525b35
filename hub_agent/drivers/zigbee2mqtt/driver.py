"""The topics below a bridge's base: which one says what.

    <base>/bridge/info, /devices, /groups, /state     the bridge, its devices and groups (retained)
    <base>/bridge/health, /event, /logging, /response what it says of itself, of joining, and of what failed
    <base>/<friendly name>                            the state of a device or group
    <base>/<friendly name>/availability               whether it can be reached
    <base>/<friendly name>/set, /get                  what we send

A friendly name may hold spaces, slashes and any letter. A state may arrive before the list that tells what it means: it waits.
https://www.zigbee2mqtt.io/guide/usage/mqtt_topics_and_messages.html
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from hub_agent.drivers.zigbee2mqtt import answers, fields, keeping, options, requests, writing
from hub_agent.drivers.zigbee2mqtt.bridge import Bridge
from hub_agent.drivers.zigbee2mqtt.member import DIALECT, Member
from hub_agent.errors import NotPossible
from hub_agent.model.device import Device, Entity
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.report import (
    AvailabilityReported,
    Decoded,
    DeviceGone,
    MqttMessage,
    Publication,
    Rejected,
    Subscribe,
)
from hub_agent.model.scene import DesiredState, SceneCopy

__all__ = ["DIALECT", "Zigbee2Mqtt"]

# Bridges in one home; topics of more are not adopted.
BRIDGES_MAX: Final = 8
# States that wait for the list of devices: the newest of each topic; the oldest gives way.
WAITING_MAX: Final = 2_000
WAITING_BYTES_MAX: Final = 4 * 1024
GET_PROPERTIES_MAX: Final = 8

_DISCOVERY: Final = ("info", "devices", "groups", "state")
_SPOKEN_TO_BRIDGE: Final = ("/set", "/get")
_HEARD_OF_BRIDGE: Final = frozenset({*_DISCOVERY, "health", "event", "logging"})
_RESPONSE: Final = "response/"
_SCENE_ADD: Final = "scene_add"


class Zigbee2Mqtt:
    """Every Zigbee2MQTT in the home: those named in the settings, and any other with a base topic of one level."""

    dialect: Final = DIALECT

    def __init__(self, base_topics: Sequence[str] = ("zigbee2mqtt",)) -> None:
        self._bridges = {base: Bridge(base) for base in base_topics}
        self._members: dict[str, Member] = {}
        self._topics_by_base: dict[str, set[str]] = {}
        self._waiting: dict[str, MqttMessage] = {}

    def subscriptions(self) -> tuple[str, ...]:
        return (*(f"+/bridge/{name}" for name in _DISCOVERY), *(f"{base}/#" for base in self._bridges))

    def restore(self, devices: Iterable[Device]) -> tuple[str, ...]:
        topics: list[str] = []
        for device in devices:
            base = fields.text(device.native, "base")
            if device.origin.dialect != DIALECT or base is None:
                continue
            if base not in self._bridges:
                self._bridges[base] = Bridge(base)
                topics.append(f"{base}/#")
            member = self._bridges[base].restore(device)
            if member is not None:
                self._members[member.state_topic] = member
                self._topics_by_base.setdefault(base, set()).add(member.state_topic)
        return tuple(topics)

    def wants(self, topic: str) -> bool:
        base, _, rest = topic.partition("/bridge/")
        if rest in _DISCOVERY and "/" not in base:
            return True
        if topic.endswith(_SPOKEN_TO_BRIDGE) or "/set/" in topic or "/get/" in topic:
            return False
        bridge = self._bridge_of(topic)
        if bridge is None:
            return False
        below = topic[len(bridge.base) + 1 :]
        if not below.startswith("bridge/"):
            # Groups of ours that keep scenes are none of the home's devices.
            return keeping.tag_of(below.removesuffix("/availability")) is None
        return below[7:] in _HEARD_OF_BRIDGE or below.startswith(_RESPONSE, 7)

    def decode(self, message: MqttMessage) -> Sequence[Decoded]:
        member = self._members.get(message.topic)
        return member.decode(message) if member is not None else self._decode_other(message)

    def _decode_other(self, message: MqttMessage) -> list[Decoded]:
        topic = message.topic
        base, _, rest = topic.partition("/bridge/")
        bridge = self._bridges.get(base)
        if rest and bridge is not None:
            return self._decode_bridge(bridge, rest, message)
        if rest in _DISCOVERY and "/" not in base:
            return self._meet(base, rest, message)
        bridge = self._bridge_of(topic)
        if bridge is None or not self.wants(topic):
            return []
        name, _, last = topic.rpartition("/")
        if last == "availability":
            member = self._members.get(name)
            if member is not None:
                return _availability(member, message)
        return self._wait(bridge, message)

    def _bridge_of(self, topic: str) -> Bridge | None:
        base, slash, _ = topic.partition("/")
        if slash and base in self._bridges:
            return self._bridges[base]
        # Base topics of several levels are few, if any: they are named in the settings.
        for deep, bridge in self._bridges.items():
            if "/" in deep and topic.startswith(f"{deep}/"):
                return bridge
        return None

    def _meet(self, base: str, rest: str, message: MqttMessage) -> list[Decoded]:
        """A bridge that nobody named: adopted once it has said something that only Zigbee2MQTT says."""
        if len(self._bridges) >= BRIDGES_MAX or rest not in {"info", "devices"} or not message.payload:
            return []
        body = fields.parse(message.payload, is_deep=True)
        is_info = isinstance(body, dict) and "version" in body and "coordinator" in body
        is_list = isinstance(body, list) and any("ieee_address" in entry for entry in fields.objects(body))
        if not is_info and not is_list:
            return []
        self._bridges[base] = Bridge(base)
        return [Subscribe((f"{base}/#",)), *self._decode_bridge(self._bridges[base], rest, message)]

    def _decode_bridge(self, bridge: Bridge, rest: str, message: MqttMessage) -> list[Decoded]:
        if rest == "logging":
            return self._decode_log(bridge, message)
        if rest.startswith(_RESPONSE) and rest != "response/health_check":
            return [*answers.refused_by_response(message)]
        decoded = [decoded for decoded in bridge.decode(rest, message) if not self._has_moved(bridge, decoded)]
        if bridge.has_changed:
            self._route(bridge)
            decoded += self._catch_up(bridge)
        return decoded

    def _decode_log(self, bridge: Bridge, message: MqttMessage) -> list[Decoded]:
        decoded: list[Decoded] = []
        for refused in answers.refused_by_log(bridge.base, message, self._members):
            if refused.keys == (_SCENE_ADD,):
                decoded += bridge.scene_refused(refused.reason)
            else:
                decoded.append(refused)
        return decoded

    def _has_moved(self, bridge: Bridge, decoded: Decoded) -> bool:
        """A device that left one bridge for another is not gone."""
        if not isinstance(decoded, DeviceGone):
            return False
        return any(other.lists(decoded.origin.native_id) for other in self._bridges.values() if other is not bridge)

    def _route(self, bridge: Bridge) -> None:
        """Friendly names change: topics follow the list, and the newest list of a device is where it is."""
        bridge.has_changed = False
        listed = {member.state_topic: member for member in bridge.members()}
        for topic in self._topics_by_base.get(bridge.base, set()) - listed.keys():
            self._members.pop(topic, None)
        self._topics_by_base[bridge.base] = set(listed)
        self._members |= listed

    def _catch_up(self, bridge: Bridge) -> list[Decoded]:
        """What waited for the list and is understood now, as old as it is."""
        decoded: list[Decoded] = []
        for topic in [topic for topic in self._waiting if self._is_known(topic)]:
            decoded += self.decode(self._waiting.pop(topic))
        if bridge.is_listed:
            # The lists are complete, and still nobody knows these: they are told as they come.
            for topic in [topic for topic in self._waiting if topic.startswith(f"{bridge.base}/")]:
                decoded += self._unknown(bridge, self._waiting.pop(topic))
        return decoded

    def _is_known(self, topic: str) -> bool:
        return topic in self._members or topic.removesuffix("/availability") in self._members

    def unexplained(self) -> list[Rejected]:
        return [
            Rejected(
                DIALECT,
                topic,
                "no_device_list",
                f"the list of devices ({topic.partition('/')[0]}/bridge/devices) that would explain it has not come",
            )
            for topic in self._waiting
            if (bridge := self._bridge_of(topic)) is not None and not bridge.is_listed
        ]

    def _wait(self, bridge: Bridge, message: MqttMessage) -> list[Decoded]:
        if self._is_below_member(message.topic):
            # The Home Assistant extension repeats single endpoints and actions one level below a device.
            return []
        self._waiting.pop(message.topic, None)
        if not message.payload or len(message.payload) > WAITING_BYTES_MAX:
            return []
        told = self._unknown(bridge, message) if bridge.is_listed else []
        if len(self._waiting) >= WAITING_MAX:
            del self._waiting[next(iter(self._waiting))]
        self._waiting[message.topic] = message
        return told

    def _is_below_member(self, topic: str) -> bool:
        return topic.rpartition("/")[0] in self._members

    def _unknown(self, bridge: Bridge, message: MqttMessage) -> list[Decoded]:
        # After a rename a device's availability may be ahead of the list.
        if message.topic.endswith("/availability") or not bridge.tells_unknown(message.topic):
            return []
        reason = f"{bridge.base} lists no device or group of this name"
        return [Rejected(DIALECT, message.topic, "unknown_device", reason)]

    # Commands.

    def encode(self, device: Device, entity: Entity, action: str, data: JsonObject) -> Sequence[Publication]:
        base, name = _address(device)
        if action.partition(".")[0] not in {entity.domain, "homeassistant"}:
            raise NotPossible(f"{device.name}: {action} cannot be done with {entity.id}, a {entity.domain}.")
        kind = fields.text(entity.native, "kind") or ""
        try:
            if kind in _REQUESTS:
                request, body = _REQUESTS[kind](device, entity, action, data)
                return [requests.ask(base, request, body, answers.transaction_of(device.origin, entity.key))]
            body = writing.write(entity.native, action, data)
        except NotPossible as error:
            raise NotPossible(f"{device.name}: {error}") from error
        endpoint = fields.text(entity.native, "endpoint")
        return [requests.set_of(f"{base}/{name}/{endpoint}" if endpoint else f"{base}/{name}", body)]

    def encode_refresh(self, device: Device) -> Sequence[Publication]:
        base, name = _address(device)
        if device.native.get("kind") == "bridge":
            return [requests.ask(base, "health_check", {})]
        # Each property is a message over the air: settings are asked for only where there is nothing else.
        everyday = [name for entity in device.entities if entity.category is None for name in _gettable(entity)]
        wanted = everyday or [name for entity in device.entities for name in _gettable(entity)]
        properties = list(dict.fromkeys(wanted))[:GET_PROPERTIES_MAX]
        return [requests.get_of(f"{base}/{name}", properties)] if properties else []

    def encode_reconfigure(self, device: Device) -> Sequence[Publication]:
        base, _ = _address(device)
        kind = device.native.get("kind")
        if kind == "device":
            return [requests.ask(base, "device/configure", {"id": device.origin.native_id})]
        return [requests.ask(base, "restart", {})] if kind == "bridge" else []

    def encode_interview(self, device: Device) -> Sequence[Publication]:
        base, _ = _address(device)
        is_device = device.native.get("kind") == "device"
        return [requests.ask(base, "device/interview", {"id": device.origin.native_id})] if is_device else []

    # Copies of scenes of the home.

    def can_keep(self, device: Device, entity: Entity, wish: DesiredState) -> bool:
        return keeping.can_keep(device, entity, wish)

    def content_of(self, copy: SceneCopy) -> str:
        return keeping.content_of(copy)

    def encode_store(self, bridge: Device, copy: SceneCopy, external_id: str | None) -> Sequence[Publication]:  # noqa: ARG002 -- the tag says it, too
        known = self._bridges.get(_address(bridge)[0])
        if known is None:
            raise NotPossible(f"{bridge.name} has not been heard yet.")
        return known.store(copy)

    def encode_drop(self, bridge: Device, external_id: str) -> Sequence[Publication]:
        return keeping.drop(_address(bridge)[0], external_id)

    def encode_recall(self, bridge: Device, external_id: str, transition_s: float | None) -> Sequence[Publication]:
        if transition_s is not None:
            raise NotPossible(f"{bridge.name} recalls a scene with the transition that it was stored with.")
        return [keeping.recall(_address(bridge)[0], external_id)]

    def release(self, device: Device) -> tuple[str, ...]:
        """The bridge's own topics stay subscribed: its other devices are heard by them."""
        for bridge in self._bridges.values():
            if bridge.release(device.origin.native_id):
                self._route(bridge)
        return ()


def _availability(member: Member, message: MqttMessage) -> list[Decoded]:
    """`online`, or since 1.30 {"state": "online"}."""
    if not message.payload:
        return []
    word = fields.word_of(message.payload)
    if word not in {"online", "offline"}:
        reason = f"availability is online or offline, not {word!r}"
        return [Rejected(DIALECT, message.topic, "invalid_availability", reason, member.origin)]
    return [AvailabilityReported(member.origin, is_available=word == "online")]


def _address(device: Device) -> tuple[str, str]:
    base, name = fields.text(device.native, "base"), fields.text(device.native, "name")
    if base is None or name is None:
        raise NotPossible(f"{device.name}: the address below its bridge is not known yet.")
    return base, name


def _gettable(entity: Entity) -> tuple[str, ...]:
    return fields.texts(entity.native, "get")


# Requests to the bridge: which one, and its body.

_Asked = tuple[str, dict[str, JsonValue]]


def _install(device: Device, _entity: Entity, action: str, _data: JsonObject) -> _Asked:
    if action != "update.install":
        raise NotPossible(f"{action} is nothing that firmware understands; it understands update.install.")
    # What sleeps is not there when it is asked: it is updated when it asks for it the next time.
    is_asleep = device.power_source == "Battery" and device.native.get("can_schedule") is True
    return f"device/ota_update/{'schedule' if is_asleep else 'update'}", {"id": device.origin.native_id}


def _of_bridge(_device: Device, entity: Entity, action: str, _data: JsonObject) -> _Asked:
    request = fields.text(entity.native, "request")
    bodies = fields.mapping(entity.native, "bodies")
    verb = action.partition(".")[2]
    if request is None or verb not in bodies:
        raise NotPossible(f"{action} is nothing that the bridge understands.")
    return request, dict(fields.mapping(bodies, verb))


def _option_of_bridge(_device: Device, entity: Entity, action: str, data: JsonObject) -> _Asked:
    allowed = fields.texts(entity.native, "options")
    if action != "select.select_option" or data.get("option") not in allowed:
        raise NotPossible(f"this is set by select.select_option, to one of {', '.join(allowed)}.")
    value: JsonValue = data["option"]
    for name in reversed(fields.texts(entity.native, "path")):
        value = {name: value}
    return "options", {"options": value}


def _option_of_device(device: Device, entity: Entity, action: str, data: JsonObject) -> _Asked:
    value = options.option_value(entity.native, action, data)
    return "device/options", {"id": device.origin.native_id, "options": value}


_REQUESTS: Final[Mapping[str, Callable[[Device, Entity, str, JsonObject], _Asked]]] = {
    "update": _install,
    "bridge": _of_bridge,
    "bridge_option": _option_of_bridge,
    options.KIND: _option_of_device,
}
