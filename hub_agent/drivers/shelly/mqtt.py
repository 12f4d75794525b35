"""Shelly over MQTT: devices of all generations whose MQTT is switched on, at the hub's broker.

Later generations, `<prefix>` being their id or what a person set:
    <prefix>/online        true or false, retained, the last will
    <prefix>/events/rpc    {"src", "method": "NotifyStatus" | "NotifyFullStatus" | "NotifyEvent", "params"}
    <prefix>/status/<component>    all of a component's status, if that is switched on
    <prefix>/rpc           requests; answered at <src>/rpc
The first: see mqtt_gen1.py; what it can be told stands below `command` and `set`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import orjson

from hub_agent.drivers import given
from hub_agent.drivers.shelly import gen1, mqtt_gen1, writing
from hub_agent.drivers.shelly.member import Description, Member
from hub_agent.drivers.shelly.mqtt_asking import REPLIES, SOURCE, Asking, Inquiry, Question
from hub_agent.drivers.shelly.notifying import notified
from hub_agent.errors import NotPossible
from hub_agent.model.device import AdvertisedEntity, Advertisement, Device, Entity
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.report import (
    AvailabilityReported,
    Decoded,
    Inquire,
    MqttMessage,
    Publication,
    Refused,
    Rejected,
    Reported,
    Subscribe,
    Unsubscribe,
)

DIALECT: Final = "shelly_mqtt"
FIRST: Final = "shellies/"
ANNOUNCED: Final = "shellies/announce"
EVERYBODY: Final = Publication("shellies/command", b"announce")
DEVICES_MAX: Final = 2_000
RELEASED_MAX: Final = 5_000
PAYLOAD_BYTES_MAX: Final = 64 * 1024
PREFIX_CHARS_MAX: Final = 300
# Parts that a topic prefix may have for its device to be found.
LEVELS_MAX: Final = 3
LEAVES_MAX: Final = 200

_CHANGED: Final = frozenset({"config_changed", "component_added", "component_removed"})


@dataclass(slots=True)
class Known:
    """A device as the driver runs it. What stands after `sleeps` is of the first generation only; `heard`: what it has spoken of."""

    prefix: str
    member: Member
    sleeps: bool
    info: JsonObject = field(default_factory=dict)
    natives: dict[str, JsonObject] = field(default_factory=dict)
    is_described: bool = False
    heard: set[str] = field(default_factory=set)

    @property
    def topics(self) -> tuple[str, ...]:
        if self.member.generation == 1:
            return (f"{self.prefix}/#",)
        own = (f"{self.prefix}/status/+",)
        return own if "/" not in self.prefix else (f"{self.prefix}/events/rpc", *own)


class ShellyMqtt:
    dialect: Final = DIALECT

    def __init__(self) -> None:
        self._known_by_prefix: dict[str, Known] = {}
        self._prefix_by_mac: dict[str, str] = {}
        self._released: dict[str, None] = {}
        self._asking = Asking()

    # What the loop asks.

    def subscriptions(self) -> tuple[str, ...]:
        """What tells that there is a device; the rest is subscribed to once it is known."""
        online = tuple("+/" * levels + "online" for levels in range(1, LEVELS_MAX + 1))
        return (ANNOUNCED, *online, "+/events/rpc", REPLIES)

    def greetings(self) -> Sequence[Publication]:
        """Devices of the first generation say who they are when they are asked."""
        return [EVERYBODY]

    def wants(self, topic: str) -> bool:
        if topic.startswith(FIRST) or topic == REPLIES:
            return True
        prefix, leaf = _split(topic)
        return leaf in {"online", "events/rpc"} or (bool(leaf) and prefix in self._known_by_prefix)

    def decode(self, message: MqttMessage) -> Sequence[Decoded]:
        if len(message.payload) > PAYLOAD_BYTES_MAX:
            reason = f"a message may have at most {PAYLOAD_BYTES_MAX} bytes, this one has {len(message.payload)}"
            return [Rejected(DIALECT, message.topic, "too_large", reason)]
        if message.topic == REPLIES:
            return self._reply(message)
        if message.topic.startswith(FIRST):
            prefix, _, leaf = message.topic.removeprefix(FIRST).partition("/")
            if message.topic == ANNOUNCED or leaf == "announce":
                return self._announced(message)
            known = self._known_by_prefix.get(FIRST + prefix)
            if known is not None and known.member.generation == 1 and leaf != "online":
                return _heard_gen1(known, leaf, message)
        prefix, leaf = _split(message.topic)
        if not leaf or prefix in self._released or prefix == SOURCE or len(prefix) > PREFIX_CHARS_MAX:
            return ()
        if leaf == "online":
            return self._online(prefix, message)
        if leaf == "events/rpc":
            return self._notified(prefix, message)
        return self._status(prefix, leaf.removeprefix("status/"), message)

    def restore(self, devices: Iterable[Device]) -> tuple[str, ...]:
        topics: list[str] = []
        for device in devices:
            known = _restored(device)
            if known is not None and known.prefix not in self._known_by_prefix:
                self._remember(known)
                topics += known.topics
        return tuple(dict.fromkeys(topics))

    def encode(self, device: Device, entity: Entity, action: str, data: JsonObject) -> Sequence[Publication]:
        known = self._known_by_prefix.get(_prefix_of(device)) or _restored(device)
        if known is None:
            raise NotPossible(f"{device.name}: how it is reached is not known yet.")
        member, native = known.member, entity.native
        kind, verb = given.text(native, "kind"), action.partition(".")[2]
        try:
            if (kind, verb) == ("reboot", "press"):
                body = writing.reboot(member.generation)
            elif (kind, verb) == ("update", "install"):
                body = writing.install(member.generation)
            else:
                status = member.status(given.text(native, "component") or "")
                body = writing.write(native, entity.domain, action, data, status)
            if member.generation == 1:
                leaf, payload = mqtt_gen1.command_of(native, body)
                return [Publication(f"{known.prefix}/{leaf}", payload)]
        except NotPossible as error:
            raise NotPossible(f"{device.name}: {error}") from error
        method, params = given.text(body, "method") or "", given.mapping(body, "params")
        return [self._asking.call(known.prefix, "command", method, params, entity.key)]

    def encode_refresh(self, device: Device) -> Sequence[Publication]:
        known = self._known_by_prefix.get(_prefix_of(device)) or _restored(device)
        if known is None:
            return ()
        if known.member.generation == 1:
            return [Publication(f"{known.prefix}/command", word) for word in (b"announce", b"update")]
        return [self._asking.call(known.prefix, "refresh", "Shelly.GetStatus")]

    def encode_reconfigure(self, _device: Device) -> Sequence[Publication]:
        return ()

    def release(self, device: Device) -> tuple[str, ...]:
        prefix = _prefix_of(device)
        if not prefix:
            return ()
        self._released[prefix] = None
        while len(self._released) > RELEASED_MAX:
            del self._released[next(iter(self._released))]
        self._asking.forget(prefix)
        known = self._known_by_prefix.get(prefix)
        return self._forget(known) if known is not None else ()

    def unexplained(self) -> Sequence[Rejected]:
        return ()

    # Devices come and go.

    def _remember(self, known: Known) -> list[Decoded]:
        """Answers with what is to be subscribed to, and what no longer: its prefix may have been changed."""
        changes: list[Decoded] = []
        mac = known.member.origin.native_id
        before = self._known_by_prefix.get(self._prefix_by_mac.get(mac, ""))
        if before is not None and before.prefix != known.prefix:
            changes.append(Unsubscribe(self._forget(before)))
        at_place = self._known_by_prefix.get(known.prefix)
        if at_place is not None and at_place.member.origin != known.member.origin:
            self._forget(at_place)
        if at_place is None:
            changes.append(Subscribe(known.topics))
        self._known_by_prefix[known.prefix] = known
        self._prefix_by_mac[mac] = known.prefix
        return changes

    def _forget(self, known: Known) -> tuple[str, ...]:
        self._known_by_prefix.pop(known.prefix, None)
        self._prefix_by_mac.pop(known.member.origin.native_id, None)
        return known.topics

    def _is_full(self, prefix: str) -> bool:
        return prefix not in self._known_by_prefix and len(self._known_by_prefix) >= DEVICES_MAX

    def _online(self, prefix: str, message: MqttMessage) -> Sequence[Decoded]:
        word = message.payload[:8]
        if word not in {b"true", b"false"}:
            return ()
        is_online, known = word == b"true", self._known_by_prefix.get(prefix)
        decoded: list[Decoded] = []
        if known is not None and (is_online or not known.sleeps):
            decoded.append(AvailabilityReported(known.member.origin, is_online))
        if is_online:
            return [*decoded, *self._ask(prefix)]
        self._asking.may_ask_again(prefix)
        return decoded

    def _ask(self, prefix: str) -> Sequence[Decoded]:
        """Who it is and how things are; whoever calls itself as the first generation does is asked in its way, too."""
        known = self._known_by_prefix.get(prefix)
        publications: list[Publication] = []
        if known is None or known.member.generation > 1:
            publications += self._asking.who_is(prefix)
        if prefix.startswith(FIRST) and (publications or known is not None):
            publications.append(Publication(f"{prefix}/command", b"announce"))
        return [Inquire(tuple(publications))] if publications else ()

    # The later generations.

    def _reply(self, message: MqttMessage) -> Sequence[Decoded]:
        body = _load(message)
        if isinstance(body, Rejected):
            return [body]
        question = self._asking.answered(body)
        if question is None or question.prefix in self._released:
            return ()
        if "error" in body:
            return self._refused(question, given.mapping(body, "error"))
        result = given.mapping(body, "result")
        known = self._known_by_prefix.get(question.prefix)
        if question.what == "info":
            return self._informed(question.prefix, result, message.topic)
        if question.what == "refresh":
            return [known.member.take(result)] if known is not None else ()
        return self._told(question, result) if question.what != "command" else ()

    def _refused(self, question: Question, error: JsonObject) -> Sequence[Decoded]:
        known = self._known_by_prefix.get(question.prefix)
        reason = given.text(error, "message") or "it does not say why"
        if given.number(error, "code") == 401:
            reason = "it asks for its password, which is not given over MQTT"
        if question.what == "command":
            keys = (question.key,) if question.key is not None else ()
            return [Refused(known.member.origin, f"It refuses: {reason}", keys)] if known is not None else ()
        if question.what in {"config", "components"}:
            return self._told(question, None)
        return [Rejected(DIALECT, f"{question.prefix}/rpc", "refused", reason)]

    def _informed(self, prefix: str, info: JsonObject, topic: str) -> Sequence[Decoded]:
        mac = given.mac_of(info.get("mac"))
        if mac is None:
            return [Rejected(DIALECT, topic, "no_mac", f"what answers for {prefix[:60]} does not say its MAC address")]
        if self._is_full(prefix):
            return [Rejected(DIALECT, topic, "too_many", f"more than {DEVICES_MAX} devices are not kept")]
        return [Inquire(tuple(self._asking.inquire(prefix, {"gen": 2, **_plain(info)})))]

    def _told(self, question: Question, result: JsonObject | None) -> Sequence[Decoded]:
        answer = self._asking.told(question, result)
        if isinstance(answer, Inquiry):
            return self._meet(question.prefix, answer.description())
        return [Inquire(tuple(answer))] if answer else ()

    def _meet(self, prefix: str, body: JsonObject) -> list[Decoded]:
        description = Description(body)
        if description.mac is None or description.generation < 2 or self._is_full(prefix):
            return []
        entities = description.entities()
        natives = [(entity.key, entity.native) for entity in entities]
        member = Member(prefix, description.mac, description.generation, natives, DIALECT)
        member.run(description.version)
        sleeps = bool(given.number(description.status, "sys", "wakeup_period"))
        known = Known(prefix, member, sleeps)
        changes = self._remember(known)
        reported = member.take(description.status)
        is_there = AvailabilityReported(member.origin, is_available=True)
        return [_advertisement(description, known, entities), *changes, reported, is_there]

    def _notified(self, prefix: str, message: MqttMessage) -> Sequence[Decoded]:
        body = _load(message)
        if isinstance(body, Rejected):
            return [body]
        method, params = given.text(body, "method") or "", given.mapping(body, "params")
        if not method.startswith("Notify"):
            return [Rejected(DIALECT, message.topic, "unknown_method", f"{method!r:.60} is no notification")]
        known = self._known_by_prefix.get(prefix)
        decoded: list[Decoded] = []
        if known is None:
            if method == "NotifyFullStatus":
                decoded += self._meet_sleeper(prefix, body)
            return [*decoded, *self._ask(prefix)]
        if known.member.generation == 1:
            return ()
        decoded += [_as_retained(each, message) for each in notified(known.member, body) or ()]
        events = given.listed(params, "events")[:LEAVES_MAX]
        if any(given.text(event, "event") in _CHANGED for event in events):
            decoded += self._ask(prefix)
        return decoded

    def _meet_sleeper(self, prefix: str, body: JsonObject) -> list[Decoded]:
        """It may sleep again before it can answer, and has said enough to be known."""
        params, source = given.mapping(body, "params"), given.text(body, "src") or ""
        if not given.number(params, "sys", "wakeup_period"):
            return []
        info: JsonObject = {"mac": given.text(params, "sys", "mac"), "gen": 2, "app": source.partition("-")[0]}
        return self._meet(prefix, {"shelly": info, "settings": {}, "status": params})

    def _status(self, prefix: str, component: str, message: MqttMessage) -> Sequence[Decoded]:
        known = self._known_by_prefix.get(prefix)
        if known is None or known.member.generation == 1:
            return ()
        body = _load(message)
        if isinstance(body, Rejected):
            return [body]
        return [_as_retained(known.member.take({component[:80]: body}), message)]

    # The first generation.

    def _announced(self, message: MqttMessage) -> Sequence[Decoded]:
        body = _load(message)
        if isinstance(body, Rejected):
            return [body]
        mac, name = given.mac_of(body.get("mac")), (given.text(body, "id") or "").removeprefix(FIRST)
        if mac is None or not name or any(sign in name for sign in "/+#\0"):
            reason = "it does not say its id and its MAC address"
            return [Rejected(DIALECT, message.topic, "no_mac", reason)]
        if (given.number(body, "gen") or 1) > 1:
            return self._ask(name) if name not in self._released else ()
        prefix = FIRST + name
        if prefix in self._released:
            return ()
        if self._is_full(prefix):
            return [Rejected(DIALECT, message.topic, "too_many", f"more than {DEVICES_MAX} devices are not kept")]
        kind = mqtt_gen1.type_of(body)
        info: JsonObject = {
            "mac": mac,
            "type": kind,
            "fw": given.text(body, "fw_ver"),
            "id": name,
            "mode": given.text(body, "mode"),
        }
        known = self._known_by_prefix.get(prefix)
        asked: tuple[Inquire, ...] = ()
        if known is None or known.member.origin.native_id != mac:
            known = Known(prefix, Member(prefix, mac, 1, (), DIALECT), kind in mqtt_gen1.SLEEPERS)
            # Old firmware never says all at once: what it says both times is all.
            asked = (Inquire((Publication(f"{prefix}/command", b"update"),) * 2),)
        known.info = info
        known.member.run(Description({"shelly": info}).version)
        observed: dict[str, JsonValue] = {}
        address = given.text(body, "ip")
        if address is not None:
            observed["ip_address"] = address
        changes = self._remember(known)
        is_met = bool(known.natives)
        return [*changes, *asked, *([Reported(known.member.origin, (), observed)] if observed and is_met else [])]


def _split(topic: str) -> tuple[str, str]:
    """The prefix of a device of the later generations, and what follows; nothing, if it is none of its topics."""
    for leaf in ("online", "events/rpc"):
        if topic.endswith(f"/{leaf}"):
            return topic.removesuffix(f"/{leaf}"), leaf
    prefix, between, component = topic.rpartition("/status/")
    return (prefix, f"status/{component}") if between and component else (topic, "")


def _heard_gen1(known: Known, leaf: str, message: MqttMessage) -> Sequence[Decoded]:
    member = known.member
    changes = mqtt_gen1.changes_of(leaf, message.payload, member.statuses)
    if not changes:
        return ()
    reported = member.take(changes)
    is_all = leaf == "info"
    # What is said a second time: all else has been said once.
    is_round = leaf in known.heard and not message.retained
    if len(known.heard) < LEAVES_MAX:
        known.heard.add(leaf)
    if is_all or known.is_described or is_round or known.sleeps:
        known.is_described = True
        met = _describe_gen1(known, is_all=is_all)
        if met is not None:
            whole = member.take(member.statuses)
            return [met, _as_retained(whole, message), AvailabilityReported(member.origin, is_available=True)]
    return [_as_retained(reported, message)] if known.natives else ()


def _describe_gen1(known: Known, *, is_all: bool) -> Advertisement | None:
    """None if that makes no entity that is not known yet."""
    if not known.info:
        return None  # what it is stays as it was until it announces itself
    statuses = known.member.statuses
    settings: JsonObject = {"mode": _mode(known)}
    entities = tuple(
        entity for entity in gen1.entities_of(known.info, settings, statuses) if entity.native.get("kind") != "reboot"
    )
    natives = {entity.key: entity.native for entity in entities}
    if natives.keys() <= known.natives.keys():
        return None
    description = Description({"shelly": known.info, "settings": settings})
    description.status = dict(statuses)
    advertisement = _advertisement(description, known, entities)
    # Without `info` it has not said all, it may be: what was known before stays.
    known.natives = natives if is_all else {**known.natives, **natives}
    known.member.speak_for(known.natives.items())
    return replace(advertisement, complete=is_all)


def _mode(known: Known) -> str | None:
    """A pair of relays may move a cover: it says so, or it is seen from what it talks of."""
    said = given.text(known.info, "mode")
    if said is None and any(leaf.startswith("roller/") for leaf in known.heard):
        return "roller"
    return said


def _advertisement(description: Description, known: Known, entities: tuple[AdvertisedEntity, ...]) -> Advertisement:
    member = known.member
    said = description.advertisement(known.prefix, entities)
    own = known.prefix.rpartition("/")[2]
    is_custom = not own.lower().endswith((member.origin.native_id, member.origin.native_id[-6:]))
    is_named = said.name != f"Shelly {description.model or description.mac}"
    native: dict[str, JsonValue] = {"topic": known.prefix, "generation": member.generation, "sleeps": known.sleeps}
    if member.generation == 1:
        native["info"] = dict(known.info)
    return replace(said, origin=member.origin, name=own if is_custom and not is_named else said.name, native=native)


def _restored(device: Device) -> Known | None:
    prefix, mac = _prefix_of(device), given.mac_of(device.origin.native_id)
    if not prefix or mac is None:
        return None
    generation = int(given.number(device.native, "generation") or 2)
    natives = [(entity.key, entity.native) for entity in device.entities]
    member = Member(prefix, mac, generation, natives, DIALECT)
    member.run(device.firmware_version)
    sleeps = given.flag(device.native, "sleeps") is True
    return Known(prefix, member, sleeps, given.mapping(device.native, "info"), dict(natives))


def _prefix_of(device: Device) -> str:
    return given.text(device.native, "topic") or ""


def _plain(info: JsonObject) -> dict[str, JsonValue]:
    """What a device says of itself, in bearable sizes."""
    plain: dict[str, JsonValue] = {
        name: value for name in ("name", "mac", "model", "gen", "ver", "app") if not isinstance(value := info.get(name), Mapping | list)
    }  # fmt: skip
    maker = given.text(info, "jwt", "n")
    return plain | ({"jwt": {"n": maker}} if maker is not None else {})


def _as_retained(reported: Reported, message: MqttMessage) -> Reported:
    return replace(reported, retained=True) if message.retained else reported


def _load(message: MqttMessage) -> JsonObject | Rejected:
    try:
        body: JsonValue = orjson.loads(message.payload)
    except orjson.JSONDecodeError as err:
        return Rejected(DIALECT, message.topic, "not_json", f"not JSON: {err}"[:200])
    if not isinstance(body, dict):
        return Rejected(DIALECT, message.topic, "not_object", "a JSON object was expected")
    return body
