"""One Zigbee2MQTT: what it lists, and what became of what it listed before."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from typing import Final

import orjson

from hub_agent.drivers.vocabulary import device_type_of
from hub_agent.drivers.zigbee2mqtt import fields, keeping
from hub_agent.drivers.zigbee2mqtt.exposes import GROUP_KINDS, SCENES_MAX, entities_of, group_entities, scene_entities
from hub_agent.drivers.zigbee2mqtt.features import Feature, read_features
from hub_agent.drivers.zigbee2mqtt.fields import Fault
from hub_agent.drivers.zigbee2mqtt.member import DIALECT, Member
from hub_agent.drivers.zigbee2mqtt.options import option_entities, option_reports
from hub_agent.drivers.zigbee2mqtt.own_entities import ENTITIES, HEALTH_ENTITIES, health_reports, info_reports
from hub_agent.errors import NotPossible
from hub_agent.model.device import (
    AdvertisedEntity,
    Advertisement,
    Alias,
    Device,
    DeviceType,
    Origin,
    ProtocolType,
)
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
    Restarted,
    SceneNotKept,
    ScenesKept,
)
from hub_agent.model.scene import KeptScene, SceneCopy

DEVICES_MAX: Final = 1_000
GROUPS_MAX: Final = 500
ADDRESS_CHARS_MAX: Final = 64
NAME_CHARS_MAX: Final = 255
# Topics below the base that nobody listed: told once each.
UNKNOWN_TOLD_MAX: Final = 500
MEMBERS_MAX: Final = 250
ENDPOINTS_MAX: Final = 32
# A group that the program makes for its own bindings.
_INTERNAL_GROUPS: Final = frozenset({"default_bind_group"})
_LISTS: Final = frozenset({"info", "devices", "groups"})

# Parts of a device's entry that change without changing what the device is.
_VOLATILE: Final = frozenset({"endpoints", "network_address", "interviewing"})


@dataclass(slots=True)
class _Listed:
    """A device or group that the bridge lists. `digest` is None until the bridge itself has listed it."""

    member: Member | None
    digest: int | None = None
    is_disabled: bool = False
    # What a group that it is in needs to know of it.
    features: tuple[Feature, ...] = field(default=())


class Bridge:
    def __init__(self, base: str) -> None:
        self.base = base
        # Set when topics have to be looked up afresh.
        self.has_changed = False
        self._coordinator: str | None = None
        self._description: dict[str, JsonValue] = {}
        self._digests: dict[str, int] = {}
        self._devices: dict[str, _Listed] = {}
        self._groups: dict[str, _Listed] = {}
        self._group_entries: list[JsonObject] = []
        self._is_online: bool | None = None
        self._tells_health = False
        # None until the bridge has said them: before that, nothing is known to be as it is by default.
        self._settings_by_device: JsonObject | None = None
        self._kept_by_tag: dict[str, keeping.KeptGroup] = {}
        self._has_told_scenes = False
        # The copy that was stored last, and those of which some member is missing.
        self._storing_tag: str | None = None
        self._unfinished: set[str] = set()
        self._unknown_told: set[str] = set()

    @property
    def is_listed(self) -> bool:
        """Whether both lists have come: who is not in them now is not known to the bridge."""
        return {"devices", "groups"} <= self._digests.keys()

    def members(self) -> Iterator[Member]:
        for listed in (*self._devices.values(), *self._groups.values()):
            if listed.member is not None:
                yield listed.member

    def lists(self, native_id: str) -> bool:
        return native_id in self._devices or native_id in self._groups

    def tells_unknown(self, topic: str) -> bool:
        if topic in self._unknown_told or len(self._unknown_told) >= UNKNOWN_TOLD_MAX:
            return False
        self._unknown_told.add(topic)
        return True

    def restore(self, device: Device) -> Member | None:
        kind, name = device.native.get("kind"), fields.text(device.native, "name")
        native_id = device.origin.native_id
        if kind == "bridge":
            self._coordinator = native_id
            self._tells_health = any(entity.native.get("kind") == "health" for entity in device.entities)
            return None
        if name is None:
            return None
        member = Member(native_id, f"{self.base}/{name}", device.entities)
        (self._groups if kind == "group" else self._devices)[native_id] = _Listed(member)
        return member

    def release(self, native_id: str) -> bool:
        """Its entry stays, so that the next list does not bring it back unless it has changed."""
        for listed in (self._devices.get(native_id), self._groups.get(native_id)):
            if listed is not None:
                listed.member = None
                return True
        return False

    def decode(self, rest: str, message: MqttMessage) -> list[Decoded]:
        """`rest` is the topic below <base>/bridge/."""
        short = {
            "state": self._decode_state,
            "response/health_check": self._decode_health_check,
            "health": self._decode_health,
            "event": self._decode_event,
        }.get(rest)
        if short is not None:
            return short(message)
        if rest not in _LISTS:
            return []
        # Lists are long, retained, and often sent again unchanged. A cleared one takes nothing away: bridges get reinstalled.
        digest = hash(message.payload)
        if not message.payload or self._digests.get(rest) == digest:
            return []
        body = fields.parse(message.payload, is_deep=True)
        wanted = dict if rest == "info" else list
        if isinstance(body, Fault) or not isinstance(body, wanted):
            fault = (
                body
                if isinstance(body, Fault)
                else Fault(
                    "wrong_type", f"bridge/{rest} is not the JSON {'object' if wanted is dict else 'list'} it should be"
                )
            )
            return [Rejected(DIALECT, message.topic, fault.code, fault.reason)]
        self._digests[rest] = digest
        if isinstance(body, dict):
            return list(self._decode_info(body, is_retained=message.retained))
        entries = list(fields.objects(body))
        return list(
            self._decode_devices(entries, message) if rest == "devices" else self._decode_groups(entries, message)
        )

    # The bridge itself.

    def _decode_state(self, message: MqttMessage) -> list[Decoded]:
        word = fields.word_of(message.payload)
        if word not in {"online", "offline"}:
            if not message.payload:
                return []
            return [Rejected(DIALECT, message.topic, "invalid_availability", f"online or offline, not {word!r}")]
        self._is_online = word == "online"
        return list(self._report_state())

    def _decode_health_check(self, message: MqttMessage) -> list[Decoded]:
        body = fields.parse_object(message.payload)
        if isinstance(body, Fault) or not fields.flag(fields.mapping(body, "data"), "healthy"):
            return []
        self._is_online = True
        return list(self._report_state())

    def _decode_health(self, message: MqttMessage) -> list[Decoded]:
        if not message.payload:
            return []
        body = fields.parse_object(message.payload)
        if isinstance(body, Fault):
            return [Rejected(DIALECT, message.topic, body.code, body.reason)]
        if self._coordinator is None:
            return []
        decoded: list[Decoded] = []
        if not self._tells_health:
            self._tells_health = True
            decoded += self._advertise_bridge(self._coordinator)
        reports = tuple(health_reports(body))
        return [*decoded, Reported(Origin(DIALECT, self._coordinator), reports, retained=message.retained)]

    def _decode_event(self, message: MqttMessage) -> list[Decoded]:
        """Who joined, left or was renamed is said by the lists as well; that one was powered, or its interview failed, is not."""
        body = fields.parse_object(message.payload)
        if isinstance(body, Fault):
            return []
        said = fields.mapping(body, "data")
        ieee = _address(said)
        if ieee is None or message.retained:
            return []
        if body.get("type") == "device_announce":
            return [Restarted(Origin(DIALECT, ieee))]
        if body.get("type") != "device_interview" or said.get("status") != "failed":
            return []
        name = fields.text(said, "friendly_name") or ieee
        reason = f"the interview of {name[:NAME_CHARS_MAX]} failed: bring it near, reset it and let it join again"
        return [Rejected(DIALECT, message.topic, "interview_failed", reason, Origin(DIALECT, ieee))]

    def _report_state(self) -> Iterator[Decoded]:
        if self._coordinator is not None and self._is_online is not None:
            origin = Origin(DIALECT, self._coordinator)
            yield AvailabilityReported(origin, is_available=self._is_online)
            # That it is away is known, of all that is unknown then.
            yield AvailabilityReported(origin, is_available=True, key="connection")
            yield Reported(origin, (EntityReport("connection", "on" if self._is_online else "off"),))

    def _decode_info(self, info: JsonObject, *, is_retained: bool) -> Iterator[Decoded]:
        coordinator = fields.mapping(info, "coordinator")
        self._description = {
            "version": fields.text(info, "version"),
            "coordinator": fields.text(coordinator, "type"),
            "availability": bool(fields.mapping(info, "config").get("availability")),
        }
        ieee = _address(coordinator)
        if ieee is not None or self._coordinator is not None:
            yield from self._advertise_bridge(ieee or self._coordinator or "")
            yield Reported(Origin(DIALECT, self._coordinator or ""), tuple(info_reports(info)), retained=is_retained)
        yield from self._take_settings(fields.mapping(info, "config"), is_retained=is_retained)
        output = fields.text(fields.mapping(fields.mapping(info, "config"), "advanced"), "output")
        if output == "attribute":
            reason = (
                "Zigbee2MQTT is set to advanced.output: attribute; devices are heard with json or attribute_and_json"
            )
            yield Rejected(DIALECT, f"{self.base}/bridge/info", "attribute_output", reason)

    def _take_settings(self, config: JsonObject, *, is_retained: bool) -> Iterator[Decoded]:
        """Options of devices: told of those whose settings changed."""
        before, self._settings_by_device = self._settings_by_device, fields.mapping(config, "devices")
        for ieee, listed in self._devices.items():
            is_news = before is None or before.get(ieee) != self._settings_by_device.get(ieee)
            if is_news and listed.member is not None:
                yield from self._report_options(listed.member, is_retained=is_retained)

    def _report_options(self, member: Member, *, is_retained: bool) -> Iterator[Decoded]:
        if self._settings_by_device is None:
            return
        settings = fields.mapping(self._settings_by_device, member.native_id)
        reports = tuple(option_reports(member.facets, settings))
        if reports:
            yield Reported(member.origin, reports, retained=is_retained)

    def _advertise_bridge(self, ieee: str) -> Iterator[Decoded]:
        if self._coordinator not in {None, ieee}:
            yield DeviceGone(Origin(DIALECT, self._coordinator or ""))
        self._coordinator = ieee
        version = fields.text(self._description, "version")
        yield Advertisement(
            origin=Origin(DIALECT, ieee),
            aliases=(Alias("zigbee_ieee", ieee),),
            name="Zigbee2MQTT Bridge" if self.base == "zigbee2mqtt" else f"Zigbee2MQTT Bridge {self.base}",
            entities=(*ENTITIES, *HEALTH_ENTITIES) if self._tells_health else ENTITIES,
            brand="Zigbee2MQTT",
            model=fields.text(self._description, "coordinator"),
            device_type=DeviceType.BRIDGE,
            protocol=ProtocolType.ZIGBEE,
            firmware_version=version,
            native={"kind": "bridge", "base": self.base, "name": "bridge", **self._description},
        )
        yield from self._report_state()

    # Devices.

    def _decode_devices(self, entries: Sequence[JsonObject], message: MqttMessage) -> Iterator[Decoded]:
        if not entries:
            # Not even its coordinator: a bridge that has just lost its database, not a home without devices.
            yield Rejected(DIALECT, message.topic, "empty_device_list", "an empty list of devices takes none away")
            return
        if len(entries) > DEVICES_MAX:
            yield Rejected(DIALECT, message.topic, "too_many_devices", f"only the first {DEVICES_MAX} are taken up")
        seen: set[str] = set()
        # The coordinator first: the others are reached by it.
        for entry in sorted(entries[:DEVICES_MAX], key=lambda entry: entry.get("type") != "Coordinator"):
            ieee = _address(entry)
            if ieee is None:
                yield Rejected(DIALECT, message.topic, "device_without_address", "an entry has no ieee_address")
                continue
            seen.add(ieee)
            if entry.get("type") == "Coordinator":
                if ieee != self._coordinator:
                    yield from self._advertise_bridge(ieee)
            else:
                yield from self._decode_device(ieee, entry, message)
        for ieee in [ieee for ieee in self._devices if ieee not in seen]:
            del self._devices[ieee]
            self.has_changed = True
            yield DeviceGone(Origin(DIALECT, ieee))
        yield from self._advertise_groups()
        self.has_changed = True

    def _decode_device(self, ieee: str, entry: JsonObject, message: MqttMessage) -> Iterator[Decoded]:
        before = self._devices.get(ieee)
        lasting = {name: value for name, value in entry.items() if name not in _VOLATILE}
        scenes = tuple(_scenes_of_endpoints(fields.mapping(entry, "endpoints")))
        told: JsonObject = {"is": lasting, "keeps": _scene_endpoints(fields.mapping(entry, "endpoints"))}
        digest = hash((orjson.dumps(told, option=orjson.OPT_SORT_KEYS), scenes, self._coordinator))
        if before is not None and before.digest == digest:
            return
        name = _name(entry, ieee)
        if name is None:
            reason = f"the friendly name of {ieee} cannot be a topic"
            yield Rejected(DIALECT, message.topic, "bad_friendly_name", reason, Origin(DIALECT, ieee))
            return
        definition = fields.mapping(entry, "definition")
        features = read_features(definition.get("exposes"))
        entities = _each_once(
            entities_of(features, supports_ota=fields.flag(definition, "supports_ota")),
            option_entities(read_features(definition.get("options"))),
            scene_entities(scenes),
        )
        is_disabled = fields.flag(entry, "disabled")
        member = Member(ieee, f"{self.base}/{name}", entities)
        self._devices[ieee] = _Listed(
            member,
            digest,
            is_disabled,
            tuple(feature for feature in features if feature.kind in GROUP_KINDS or feature.name == "effect"),
        )
        yield self._advertisement(ieee, name, entry, definition, entities)
        if is_disabled or (before is not None and before.is_disabled):
            yield AvailabilityReported(Origin(DIALECT, ieee), is_available=not is_disabled)
        # What nobody has set says nothing of the device: as if it had been kept.
        yield from self._report_options(member, is_retained=True)

    def _advertisement(
        self,
        ieee: str,
        name: str,
        entry: JsonObject,
        definition: JsonObject,
        entities: tuple[AdvertisedEntity, ...],
    ) -> Advertisement:
        brand = fields.text(definition, "vendor") or fields.text(entry, "manufacturer")
        model = fields.text(definition, "model") or fields.text(entry, "model_id")
        words = f"{fields.text(definition, 'description') or ''} {model or ''}"
        native: dict[str, JsonValue] = {"kind": "device", "base": self.base, "name": name}
        if fields.flag(entry, "disabled"):
            native["disabled"] = True
        if entry.get("interview_completed") is False:
            native["is_interviewed"] = False
        if "interview_state" in entry:
            # Said by the versions that know updates by schedule, too.
            native["can_schedule"] = True
        keeping_scenes = _scene_endpoints(fields.mapping(entry, "endpoints"))
        if keeping_scenes:
            native["scene_endpoints"] = keeping_scenes
        return Advertisement(
            origin=Origin(DIALECT, ieee),
            aliases=(Alias("zigbee_ieee", ieee),),
            name=name,
            entities=entities,
            brand=_short(brand),
            model=_short(model),
            device_type=device_type_of(entities, words),
            protocol=ProtocolType.ZIGBEE,
            via=Origin(DIALECT, self._coordinator) if self._coordinator is not None else None,
            firmware_version=_short(fields.text(entry, "software_build_id")),
            power_source=_short(fields.text(entry, "power_source")),
            native=native,
        )

    # Groups.

    def _decode_groups(self, entries: Sequence[JsonObject], message: MqttMessage) -> Iterator[Decoded]:
        if len(entries) > GROUPS_MAX:
            yield Rejected(DIALECT, message.topic, "too_many_groups", f"only the first {GROUPS_MAX} are taken up")
        self._group_entries = list(entries[:GROUPS_MAX])
        yield from self._advertise_groups()
        self.has_changed = True

    def _advertise_groups(self) -> Iterator[Decoded]:
        """Once both lists are there: what a group can do is what its members can."""
        if not self.is_listed:
            return
        seen: set[str] = set()
        kept_by_tag: dict[str, keeping.KeptGroup] = {}
        for entry in self._group_entries:
            number = fields.whole(entry, "id")
            name = _name(entry, str(number))
            if number is None or name is None:
                reason = "an entry has no id, or a friendly name that cannot be a topic"
                yield Rejected(DIALECT, f"{self.base}/bridge/groups", "bad_group", reason)
                continue
            if name in _INTERNAL_GROUPS:
                continue
            tag = keeping.tag_of(name)
            if tag is not None:
                kept_by_tag[tag] = _kept(tag, number, entry)
                continue
            native_id = f"{self.base}/group/{number}"
            seen.add(native_id)
            yield from self._advertise_group(native_id, number, name, entry)
        for native_id in [native_id for native_id in self._groups if native_id not in seen]:
            del self._groups[native_id]
            yield DeviceGone(Origin(DIALECT, native_id))
        if kept_by_tag != self._kept_by_tag or not self._has_told_scenes:
            self._kept_by_tag = kept_by_tag
            yield from self._tell_scenes()

    # Copies of scenes that its groups keep.

    def store(self, copy: SceneCopy) -> list[Publication]:
        """Raises NotPossible."""
        if not self.is_listed:
            raise NotPossible(f"{self.base} has not told yet which groups it has.")
        self._storing_tag = copy.tag
        self._unfinished.discard(copy.tag)
        # The list that comes of it is told, also if it says what the last one said.
        self._has_told_scenes = False
        self._digests["groups"] = 0
        taken = [number for entry in self._group_entries if (number := fields.whole(entry, "id")) is not None]
        return keeping.store(self.base, copy, self._kept_by_tag.get(copy.tag), taken)

    def scene_refused(self, reason: str) -> Iterator[Decoded]:
        """A member did not take its part of what was stored last: the others have it, which is not enough."""
        if self._storing_tag is None or self._coordinator is None:
            return
        yield SceneNotKept(Origin(DIALECT, self._coordinator), self._storing_tag, reason)
        is_news = self._storing_tag not in self._unfinished
        self._unfinished.add(self._storing_tag)
        if is_news and self._storing_tag in self._kept_by_tag:
            yield from self._tell_scenes()

    def _tell_scenes(self) -> Iterator[Decoded]:
        if self._coordinator is None:
            return
        self._has_told_scenes = True
        kept = (
            replace(group, version="") if tag in self._unfinished else group
            for tag, group in sorted(self._kept_by_tag.items())
        )
        scenes = tuple(KeptScene(group.tag, keeping.name_of(group.tag), group.content) for group in kept)
        yield ScenesKept(Origin(DIALECT, self._coordinator), scenes)

    def _advertise_group(self, native_id: str, number: int, name: str, entry: JsonObject) -> Iterator[Decoded]:
        endpoints = sorted(_members(entry))[:MEMBERS_MAX]
        addresses = list(dict.fromkeys(ieee for ieee, _ in endpoints))
        members = [self._devices[ieee] for ieee in addresses if ieee in self._devices]
        scenes = tuple(_scenes(entry, None))[:SCENES_MAX]
        digest = hash((name, *endpoints, scenes, *(member.digest for member in members), self._coordinator))
        known = self._groups.get(native_id)
        if known is not None and known.digest == digest:
            return
        entities = _each_once(group_entities(member.features for member in members), scene_entities(scenes))
        self._groups[native_id] = _Listed(Member(native_id, f"{self.base}/{name}", entities), digest)
        yield Advertisement(
            origin=Origin(DIALECT, native_id),
            # By the second name its announcements for Home Assistant know it.
            aliases=(Alias("zigbee_group", native_id), Alias("discovery_id", _announced_as(self.base, number))),
            name=name,
            entities=entities,
            brand="Zigbee2MQTT",
            model="Group",
            device_type=device_type_of(entities),
            protocol=ProtocolType.ZIGBEE,
            via=Origin(DIALECT, self._coordinator) if self._coordinator is not None else None,
            native={
                "kind": "group",
                "base": self.base,
                "name": name,
                "number": number,
                "members": [[ieee, endpoint] for ieee, endpoint in endpoints],
            },
        )


def _address(entry: JsonObject) -> str | None:
    ieee = fields.text(entry, "ieee_address")
    return ieee.lower() if ieee and len(ieee) <= ADDRESS_CHARS_MAX else None


def _each_once(*several: Iterable[AdvertisedEntity]) -> tuple[AdvertisedEntity, ...]:
    """Lists of strangers may name something twice."""
    by_key: dict[str, AdvertisedEntity] = {}
    for entity in chain(*several):
        by_key.setdefault(entity.key, entity)
    return tuple(by_key.values())


def _announced_as(base: str, group: int) -> str:
    """How Zigbee2MQTT names a group in Home Assistant's discovery: its base topic as the codes of its letters."""
    return f"zigbee2mqtt_{''.join(str(ord(letter)) for letter in base)}_{group}"


def _members(group: JsonObject) -> Iterator[tuple[str, int]]:
    for member in fields.objects(group.get("members")):
        ieee = _address(member)
        if ieee is not None:
            yield ieee, fields.whole(member, "endpoint") or 1


def _kept(tag: str, number: int, entry: JsonObject) -> keeping.KeptGroup:
    scenes = [(scene, name) for scene, name, _ in _scenes(entry, None)]
    return keeping.kept_group(tag, number, sorted(_members(entry))[:MEMBERS_MAX], scenes)


def _scene_endpoints(endpoints: JsonObject) -> dict[str, JsonValue]:
    """Number -> name (or None) of those that can be in groups and keep scenes."""
    return {
        number: fields.text(body, "name")
        for number, body in islice(endpoints.items(), ENDPOINTS_MAX)
        if isinstance(body, Mapping)
        and {"genGroups", "genScenes"} <= set(fields.texts(fields.mapping(body, "clusters"), "input"))
    }


def _scenes_of_endpoints(endpoints: JsonObject) -> Iterator[tuple[int, str, str | None]]:
    """An endpoint is addressed by its name, or its number; the first one is the device itself."""
    first = next(iter(endpoints), None)
    found = (
        scene
        for number, body in endpoints.items()
        if isinstance(body, Mapping)
        for scene in _scenes(body, fields.text(body, "name") or (None if number == first else number))
    )
    yield from islice(found, SCENES_MAX)


def _scenes(body: JsonObject, endpoint: str | None) -> Iterator[tuple[int, str, str | None]]:
    for scene in fields.objects(body.get("scenes")):
        number = fields.whole(scene, "id")
        if number is not None:
            name = (fields.text(scene, "name") or "").strip()[:NAME_CHARS_MAX]
            yield number, name or f"Scene {number}", endpoint


def _name(entry: JsonObject, otherwise: str) -> str | None:
    name = fields.text(entry, "friendly_name") or otherwise
    is_topic = len(name) <= NAME_CHARS_MAX and not any(letter in name for letter in "+#\0")
    return name if is_topic else None


def _short(value: str | None) -> str | None:
    return value.strip()[:NAME_CHARS_MAX] or None if value is not None else None
