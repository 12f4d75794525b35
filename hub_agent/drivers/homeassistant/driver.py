"""The dialect itself: who is announced where, who listens to which topic, and what a message says to whom."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from hub_agent.drivers.homeassistant.announcement import (
    Announcement,
    Component,
    DeviceBlock,
    Reader,
    read_device,
)
from hub_agent.drivers.homeassistant.availability import Availability, read_availability
from hub_agent.drivers.homeassistant.climate import Climate, Fan, Humidifier, WaterHeater
from hub_agent.drivers.homeassistant.facet import Facet, Feed, Heard, Unreadable
from hub_agent.drivers.homeassistant.lighting import make_light
from hub_agent.drivers.homeassistant.opening import Cover, LawnMower, Vacuum, Valve
from hub_agent.drivers.homeassistant.options import Options, Wrong
from hub_agent.drivers.homeassistant.sensing import (
    BinarySensor,
    Camera,
    DeviceTracker,
    DeviceTrigger,
    Event,
    Image,
    Sensor,
    Tag,
    Update,
)
from hub_agent.drivers.homeassistant.switching import (
    AlarmControlPanel,
    Button,
    DeviceScene,
    Lock,
    Notify,
    Number,
    Select,
    Siren,
    Switch,
    Text,
)
from hub_agent.drivers.vocabulary import device_type_of
from hub_agent.errors import NotPossible, TemplateError
from hub_agent.model.device import (
    AdvertisedEntity,
    Advertisement,
    Alias,
    Device,
    Entity,
    Origin,
    ProtocolType,
)
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.report import (
    AvailabilityReported,
    Decoded,
    DeviceGone,
    EntityGone,
    EntityReport,
    MqttMessage,
    Publication,
    Rejected,
    Reported,
    Subscribe,
    Unsubscribe,
)
from hub_agent.templating import Templates

DIALECT: Final = "homeassistant"
PAYLOAD_BYTES_MAX: Final = 1024 * 1024
DEVICES_MAX: Final = 5_000
ENTITIES_MAX: Final = 50_000
ENTITIES_OF_DEVICE_MAX: Final = 1_000
REMEMBERED_TOPICS_MAX: Final = 100_000
RELEASED_MAX: Final = 20_000
MATCHES_MAX: Final = 10_000

_MAKERS: Final[Mapping[str, Callable[[Options], Facet]]] = {
    "alarm_control_panel": AlarmControlPanel,
    "binary_sensor": BinarySensor,
    "button": Button,
    "camera": Camera,
    "climate": Climate,
    "cover": Cover,
    "device_automation": DeviceTrigger,
    "device_tracker": DeviceTracker,
    "event": Event,
    "fan": Fan,
    "humidifier": Humidifier,
    "image": Image,
    "lawn_mower": LawnMower,
    "light": make_light,
    "lock": Lock,
    "notify": Notify,
    "number": Number,
    "scene": DeviceScene,
    "select": Select,
    "sensor": Sensor,
    "siren": Siren,
    "switch": Switch,
    "tag": Tag,
    "text": Text,
    "update": Update,
    "vacuum": Vacuum,
    "valve": Valve,
    "water_heater": WaterHeater,
}
_CATEGORIES: Final = frozenset({"config", "diagnostic"})
# What the entity does not need again once its device is known.
_NOT_KEPT: Final = frozenset({"device", "origin", "icon", "entity_picture"})
_NO_REPORT: Final[tuple[Decoded, ...]] = ()


@dataclass(slots=True)
class _Member:
    """An entity as the driver runs it."""

    entity: AdvertisedEntity
    facet: Facet
    availability: Availability | None
    topic: str


@dataclass(slots=True)
class _Known:
    """A device as the driver runs it."""

    origin: Origin
    aliases: tuple[Alias, ...]
    block: DeviceBlock
    members: dict[str, _Member] = field(default_factory=dict)


@dataclass(slots=True)
class _Listener:
    """One device's interest in a topic."""

    known: _Known
    feeds: list[tuple[_Member, Feed]] = field(default_factory=list)
    sources: list[tuple[_Member, int]] = field(default_factory=list)


class HomeAssistantDiscovery:
    """Home Assistant's MQTT discovery. `templates` must know `now` if templates of devices are to use it."""

    dialect = DIALECT

    def __init__(self, prefix: str = DIALECT, templates: Templates | None = None) -> None:
        self._prefix = prefix
        self._reader = Reader(prefix)
        self._templates = templates if templates is not None else Templates()
        self._known_by_id: dict[str, _Known] = {}
        self._id_by_alias: dict[Alias, str] = {}
        self._released: dict[Alias, None] = {}
        self._keys_by_topic: dict[str, dict[str, str]] = {}
        self._hash_by_topic: dict[str, int] = {}
        self._migrating: set[str] = set()
        self._listeners: dict[str, dict[str, _Listener]] = {}
        self._wildcards: dict[str, list[str]] = {}
        self._matches: dict[str, tuple[_Listener, ...]] = {}
        self._entities = 0

    # What the loop asks.

    def subscriptions(self) -> tuple[str, ...]:
        return (f"{self._prefix}/+/+/config", f"{self._prefix}/+/+/+/config")

    def wants(self, topic: str) -> bool:
        return self._reader.is_discovery(topic) or bool(self._match(topic))

    def restore(self, devices: Iterable[Device]) -> tuple[str, ...]:
        for device in devices:
            if device.origin.dialect == DIALECT:
                self._restore(device)
        return tuple(sorted(self._listeners))

    def decode(self, message: MqttMessage) -> Sequence[Decoded]:
        listeners = self._matches.get(message.topic)
        if listeners is None:
            if self._reader.is_discovery(message.topic):
                return self._discover(message)
            listeners = self._match(message.topic)
        return self._hear(message, listeners) if listeners else _NO_REPORT

    def encode(self, device: Device, entity: Entity, action: str, data: JsonObject) -> Sequence[Publication]:
        known = self._known_by_id.get(device.origin.native_id)
        member = known.members.get(entity.key) if known is not None else None
        if member is not None:
            return member.facet.encode(action, data)
        return self._make_again(entity).encode(action, data)

    def encode_refresh(self, device: Device) -> Sequence[Publication]:  # noqa: ARG002 - the dialect cannot ask
        return ()

    def encode_reconfigure(self, device: Device) -> Sequence[Publication]:  # noqa: ARG002 - the dialect cannot ask
        return ()

    def release(self, device: Device) -> tuple[str, ...]:
        """Its announcements are ignored from now on."""
        for alias in device.aliases:
            self._released[alias] = None
            if len(self._released) > RELEASED_MAX:
                del self._released[next(iter(self._released))]
        ids = {self._id_by_alias[alias] for alias in device.aliases if alias in self._id_by_alias}
        if device.origin.dialect == DIALECT:
            ids.add(device.origin.native_id)
        unused: list[str] = []
        for native_id in sorted(ids):
            known = self._known_by_id.get(native_id)
            if known is not None:
                unused += self._forget_device(known)
        return tuple(sorted(set(unused)))

    # Discovery.

    def _discover(self, message: MqttMessage) -> Sequence[Decoded]:
        topic = message.topic
        fingerprint = hash(message.payload)
        if self._hash_by_topic.get(topic) == fingerprint:
            return _NO_REPORT
        place = self._reader.read_place(topic)
        if place is None:
            return [Rejected(DIALECT, topic, "illegal_topic", "a discovery topic is made of letters, digits, - and _")]
        if len(self._hash_by_topic) >= REMEMBERED_TOPICS_MAX:
            self._hash_by_topic.clear()
        self._hash_by_topic[topic] = fingerprint
        try:
            announcement = self._reader.read(place, message.payload)
        except Wrong as err:
            return [Rejected(DIALECT, topic, err.code, str(err))]
        if announcement.is_migrating:
            self._migrating.add(topic)
            return _NO_REPORT
        return self._apply(topic, announcement)

    def _apply(self, topic: str, announcement: Announcement) -> Sequence[Decoded]:
        decoded: list[Decoded] = []
        before = set(self._listeners)
        owned = self._keys_by_topic.get(topic, {})
        keys_now: dict[str, str] = {}
        found: dict[str, tuple[_Known, list[str]]] = {}
        for component in announcement.components:
            if component.config is None:
                continue
            try:
                known, key = self._take(topic, component)
            except _Released:
                continue
            except Wrong as err:
                decoded.append(Rejected(DIALECT, topic, err.code, f"{component.discovery_id}: {err}"))
                # What was understood before stays until it is taken away or understood again.
                keys_now |= {full: owner for full, owner in owned.items() if full.endswith(f"\n{_key(component)}")}
                continue
            keys_now[f"{known.origin.native_id}\n{key}"] = known.origin.native_id
            found.setdefault(known.origin.native_id, (known, []))[1].append(key)
        is_whole_failure = bool(decoded) and not keys_now
        gone = [] if is_whole_failure else self._drop(owned, keys_now, topic)
        if not is_whole_failure:
            self._keys_by_topic[topic] = keys_now
        if not keys_now and not is_whole_failure:
            self._keys_by_topic.pop(topic, None)
            self._migrating.discard(topic)
        advertised = [self._advertise(known, keys) for known, keys in found.values()]
        self._matches.clear()
        return [*gone, *advertised, *decoded, *self._topic_changes(before)]

    def _topic_changes(self, before: set[str]) -> list[Decoded]:
        now = set(self._listeners)
        changes: list[Decoded] = []
        if now - before:
            changes.append(Subscribe(tuple(sorted(now - before))))
        if before - now:
            changes.append(Unsubscribe(tuple(sorted(before - now))))
        return changes

    def _take(self, topic: str, component: Component) -> tuple[_Known, str]:
        config = component.config
        assert config is not None  # removals are sorted out before
        if not component.kind:
            raise Wrong("key_missing", "`platform` is missing" if len(config) > 1 else "a component must be a mapping")
        if component.kind not in _MAKERS:
            raise Wrong("unknown_component", f"there is no component {component.kind!r:.40}")
        if component.kind == "device_automation" and not config.get("device"):
            raise Wrong("key_missing", "`device` is missing")
        block = read_device(config, component.kind, component.discovery_id)
        if any(alias in self._released for alias in block.aliases):
            raise _Released
        member = self._make(component.kind, component.discovery_id, config, block, topic)
        known = self._find(block)
        key = member.entity.key
        other = known.members.get(key)
        if (
            other is not None
            and other.topic != topic
            and other.topic not in self._migrating
            and other.topic in self._keys_by_topic
        ):
            raise Wrong("unique_id_taken", f"`unique_id` is taken by {other.topic}")
        if other is None and (len(known.members) >= ENTITIES_OF_DEVICE_MAX or self._entities >= ENTITIES_MAX):
            raise Wrong("too_many", f"a device may have {ENTITIES_OF_DEVICE_MAX} entities, all together {ENTITIES_MAX}")
        self._put(known, member)
        return known, key

    def _make(
        self, kind: str, discovery_id: str, config: dict[str, JsonValue], block: DeviceBlock, topic: str
    ) -> _Member:
        options = Options(config, self._templates)
        facet = _MAKERS[kind](options)
        availability = read_availability(options, self._templates)
        name = _entity_name(options, facet, block)
        # Each entity repeats the whole device block; one copy, of the device, is enough.
        options.config = {key: value for key, value in config.items() if key not in _NOT_KEPT}
        entity = AdvertisedEntity(
            key=_key(Component(kind, discovery_id, config)),
            domain=facet.domain,
            name=name,
            object_id=_object_id(options),
            device_class=facet.device_class,
            unit=facet.unit,
            state_class=facet.state_class,
            category=_category(options),
            capabilities=facet.capabilities,
            native={"component": kind, "discovery_id": discovery_id, "topic": topic, "config": options.config},
        )
        return _Member(entity, facet, availability, topic)

    def _find(self, block: DeviceBlock) -> _Known:
        native_id = next((self._id_by_alias[alias] for alias in block.aliases if alias in self._id_by_alias), None)
        known = self._known_by_id.get(native_id) if native_id is not None else None
        if known is None:
            if len(self._known_by_id) >= DEVICES_MAX:
                raise Wrong("too_many", f"there may be at most {DEVICES_MAX} devices")
            # The first identifier names the device, as long as it is here; which alias is the strongest is the inventory's question.
            first = next((alias for alias in block.aliases if alias.kind == "discovery_id"), block.aliases[0])
            known = _Known(Origin(DIALECT, first.value), block.aliases, block)
            self._known_by_id[known.origin.native_id] = known
        known.aliases = tuple(dict.fromkeys((*known.aliases, *block.aliases)))[:100]
        known.block = _merge(known.block, block)
        for alias in known.aliases:
            self._id_by_alias[alias] = known.origin.native_id
        return known

    def _put(self, known: _Known, member: _Member) -> None:
        before = known.members.get(member.entity.key)
        if before is not None:
            self._stop_listening(known, before)
            if (
                before.availability is not None
                and member.availability is not None
                and before.availability.signature == member.availability.signature
            ):
                member.availability = before.availability
        else:
            self._entities += 1
        known.members[member.entity.key] = member
        for feed in member.facet.feeds:
            self._listener(feed.topic, known).feeds.append((member, feed))
        if member.availability is not None:
            for place, source in enumerate(member.availability.sources):
                self._listener(source.topic, known).sources.append((member, place))

    def _listener(self, topic: str, known: _Known) -> _Listener:
        listeners = self._listeners.get(topic)
        if listeners is None:
            listeners = self._listeners[topic] = {}
            if "+" in topic or "#" in topic:
                self._wildcards[topic] = topic.split("/")
        native_id = known.origin.native_id
        listener = listeners.get(native_id)
        if listener is None:
            listener = listeners[native_id] = _Listener(known)
        return listener

    def _stop_listening(self, known: _Known, member: _Member) -> None:
        topics = {feed.topic for feed in member.facet.feeds}
        if member.availability is not None:
            topics |= {source.topic for source in member.availability.sources}
        for topic in topics:
            listener = self._listeners[topic][known.origin.native_id]
            listener.feeds = [pair for pair in listener.feeds if pair[0] is not member]
            listener.sources = [pair for pair in listener.sources if pair[0] is not member]
            if not listener.feeds and not listener.sources:
                del self._listeners[topic][known.origin.native_id]
            if not self._listeners[topic]:
                del self._listeners[topic]
                self._wildcards.pop(topic, None)

    def _drop(self, owned: Mapping[str, str], keys_now: Mapping[str, str], topic: str) -> list[Decoded]:
        """Entities that this topic announced before and does not any more."""
        gone: list[Decoded] = []
        for full_key, native_id in owned.items():
            known = self._known_by_id.get(native_id)
            key = full_key.partition("\n")[2]
            member = known.members.get(key) if known is not None else None
            # An entity that has moved to another topic is that topic's now.
            if full_key in keys_now or known is None or member is None or member.topic != topic:
                continue
            self._stop_listening(known, member)
            del known.members[key]
            self._entities -= 1
            if known.members:
                gone.append(EntityGone(known.origin, key))
            else:
                self._forget_device(known)
                gone.append(DeviceGone(known.origin))
        return gone

    def _forget_device(self, known: _Known) -> list[str]:
        before = set(self._listeners)
        for member in known.members.values():
            self._stop_listening(known, member)
            self._entities -= 1
            self._hash_by_topic.pop(member.topic, None)
        self._known_by_id.pop(known.origin.native_id, None)
        for alias in known.aliases:
            if self._id_by_alias.get(alias) == known.origin.native_id:
                del self._id_by_alias[alias]
        self._matches.clear()
        return sorted(before - set(self._listeners))

    def _advertise(self, known: _Known, keys: list[str]) -> Advertisement:
        block = known.block
        entities = [member.entity for member in known.members.values()]
        name = block.name or _name_for(known)
        words = " ".join(word for word in (block.model, name) if word)
        via = next((self._id_by_alias[alias] for alias in block.via if alias in self._id_by_alias), None)
        if via is None and block.via:
            via = block.via[-1].value
        is_zigbee = any(alias.kind == "zigbee_ieee" for alias in known.aliases)
        return Advertisement(
            origin=known.origin,
            aliases=known.aliases,
            name=name,
            entities=tuple(known.members[key].entity for key in dict.fromkeys(keys)),
            complete=False,
            brand=block.brand,
            model=block.model,
            device_type=device_type_of(entities, words),
            protocol=ProtocolType.ZIGBEE if is_zigbee else None,
            via=Origin(DIALECT, via) if via is not None else None,
            suggested_area=block.area,
            firmware_version=block.firmware_version,
            native={
                "identities": [[alias.kind, alias.value] for alias in known.aliases],
                "block": _block_as_json(block),
            },
        )

    # What is known from before.

    def _restore(self, device: Device) -> None:
        known = _Known(device.origin, device.aliases, _block_from(device))
        for entity in device.entities:
            try:
                member = self._make_member(entity, known.block)
            except (Wrong, KeyError, TypeError, ValueError):
                continue  # its announcement is retained and comes again
            self._put(known, member)
            full_key = f"{device.origin.native_id}\n{entity.key}"
            self._keys_by_topic.setdefault(member.topic, {})[full_key] = device.origin.native_id
        self._known_by_id[device.origin.native_id] = known
        for alias in device.aliases:
            self._id_by_alias.setdefault(alias, device.origin.native_id)
        self._matches.clear()

    def _make_member(self, entity: Entity, block: DeviceBlock) -> _Member:
        native = entity.native
        config = native["config"]
        if not isinstance(config, Mapping):
            raise Wrong("key_wrong", "`config` must be a mapping")
        member = self._make(
            str(native["component"]), str(native["discovery_id"]), dict(config), block, str(native["topic"])
        )
        return replace(member, entity=replace(member.entity, key=entity.key, name=entity.name))

    def _make_again(self, entity: Entity) -> Facet:
        try:
            return self._make_member(entity, DeviceBlock(())).facet
        except (Wrong, KeyError, TypeError, ValueError):
            raise NotPossible(f"{entity.id} has not announced itself yet.") from None

    # Messages of devices.

    def _match(self, topic: str) -> tuple[_Listener, ...]:
        """Those who listen to a topic, by its name or by wildcards; remembered up to a bound."""
        known = self._matches.get(topic)
        if known is not None:
            return known
        names = [topic] if topic in self._listeners else []
        if self._wildcards:
            levels = topic.split("/")
            names += [name for name, wanted in self._wildcards.items() if _fits(wanted, levels)]
        found = tuple(listener for name in dict.fromkeys(names) for listener in self._listeners[name].values())
        if len(self._matches) >= MATCHES_MAX:
            self._matches.clear()
        self._matches[topic] = found
        return found

    def _hear(self, message: MqttMessage, listeners: tuple[_Listener, ...]) -> Sequence[Decoded]:
        if len(message.payload) > PAYLOAD_BYTES_MAX:
            reason = f"a message may have at most {PAYLOAD_BYTES_MAX} bytes, this one has {len(message.payload)}"
            return [Rejected(DIALECT, message.topic, "too_large", reason)]
        heard = Heard(message.payload, retained=message.retained)
        decoded: list[Decoded] = []
        for listener in listeners:
            if listener.sources:
                self._hear_availability(heard, listener, decoded)
            if listener.feeds:
                self._hear_states(message, heard, listener, decoded)
        return decoded

    def _hear_states(self, message: MqttMessage, heard: Heard, listener: _Listener, decoded: list[Decoded]) -> None:
        reports: dict[str, EntityReport] = {}
        observed: dict[str, JsonValue] = {}
        for member, feed in listener.feeds:
            if feed.is_live_only and message.retained:
                continue
            try:
                said = feed.apply(heard.read(feed.template, feed.encoding))
            except (TemplateError, Unreadable) as err:
                if isinstance(err, TemplateError) and err.is_value_missing and heard.is_json:
                    continue  # this message is not about that value
                decoded.append(_reject(message.topic, listener.known.origin, member, err))
                continue
            if said is None:
                continue
            state, attributes = said
            key = member.entity.key
            before = reports.get(key)
            if before is not None:
                state = before.state if state is None else state
                attributes = {**before.attributes, **attributes}
            reports[key] = EntityReport(key, state, attributes)
            if state is not None and member.entity.device_class is not None:
                _observe(member.entity, state, observed)
        if reports:
            decoded.append(Reported(listener.known.origin, tuple(reports.values()), observed, message.retained))

    def _hear_availability(self, heard: Heard, listener: _Listener, decoded: list[Decoded]) -> None:
        known = listener.known
        changed: dict[str, bool] = {}
        for member, place in listener.sources:
            availability = member.availability
            assert availability is not None  # it has sources
            source = availability.sources[place]
            try:
                said = source.read(heard.read(source.template, "utf-8" if member.facet.encoding else ""))
            except (TemplateError, Unreadable):
                continue  # other messages on this topic say nothing about it
            if said is not None:
                is_available = availability.hear(place, is_available=said)
                if is_available is not None:
                    changed[member.entity.key] = is_available
        if changed:
            decoded += _availability_of(known, changed)


# Home Assistant gives these no availability: they neither have a say nor need one.
_WITHOUT_AVAILABILITY: Final = frozenset({"device_automation", "tag"})


def _availability_of(known: _Known, changed: Mapping[str, bool]) -> list[Decoded]:
    """One word for the whole device where its entities share their topics, else one for each."""
    members = [
        member for member in known.members.values() if member.entity.native["component"] not in _WITHOUT_AVAILABILITY
    ]
    told = [member.availability for member in members if member.availability is not None]
    reports: list[Decoded] = []
    if len(told) == len(members):
        reports.append(AvailabilityReported(known.origin, any(each.is_available is not False for each in told)))
    if len(told) < len(members) or len({each.signature for each in told}) > 1:
        reports += [AvailabilityReported(known.origin, is_available, key) for key, is_available in changed.items()]
    return reports


def _reject(topic: str, origin: Origin, member: _Member, err: Exception) -> Rejected:
    code = "template_failed" if isinstance(err, TemplateError) else "not_understood"
    return Rejected(DIALECT, topic, code, f"{member.entity.key}: {err}"[:500], origin)


def _observe(entity: AdvertisedEntity, state: str, observed: dict[str, JsonValue]) -> None:
    if entity.domain != "sensor" or entity.device_class not in {"battery", "signal_strength"}:
        return
    try:
        number = round(float(state))
    except ValueError:
        return
    if entity.device_class == "signal_strength":
        observed["signal_strength"] = number
    elif entity.unit == "%" and 0 <= number <= 100:
        observed["battery_level"] = number


def _fits(wanted: Sequence[str], levels: Sequence[str]) -> bool:
    if levels[0].startswith("$") and wanted[0] in {"+", "#"}:
        return False
    for place, level in enumerate(wanted):
        if level == "#":
            return True
        if place >= len(levels) or (level not in {"+", levels[place]}):
            return False
    return len(wanted) == len(levels)


def _key(component: Component) -> str:
    unique = component.config.get("unique_id") if component.config is not None else None
    own = str(unique) if isinstance(unique, str | int) and unique != "" else component.discovery_id
    return f"{component.kind}.{own}"[:255]


def _entity_name(options: Options, facet: Facet, block: DeviceBlock) -> str | None:
    if "name" in options.config and options.config["name"] is None:
        return None
    name = options.optional_text("name")
    if options.config.get("device") is None:
        return None  # it is its own device, which bears the name
    if not name:
        label: str | None = getattr(facet, "label", None)
        return label or (facet.device_class or facet.domain).replace("_", " ").capitalize()
    name = name[:255]
    if block.name and name == block.name:
        return None
    if block.name and name.startswith(f"{block.name} "):
        return name[len(block.name) + 1 :].strip() or None
    return name


def _object_id(options: Options) -> str | None:
    wanted = options.optional_text("default_entity_id")
    if wanted:
        return wanted.partition(".")[2] or wanted
    return options.optional_text("object_id") or None


def _category(options: Options) -> str | None:
    category = options.optional_text("entity_category")
    if category and category not in _CATEGORIES:
        raise Wrong("key_wrong", f"`entity_category` must be config or diagnostic, not {category!r:.40}")
    return category or None


def _name_for(known: _Known) -> str:
    """A device that does not say its name: its model, its address, or, where an entity is its own device, that one's name."""
    if known.block.model:
        return known.block.model
    member = next(iter(known.members.values()))
    is_own_device = known.origin.native_id == member.entity.key
    name = member.facet.options.optional_text("name") if is_own_device else None
    return name[:255] if name else known.origin.native_id


def _merge(before: DeviceBlock, now: DeviceBlock) -> DeviceBlock:
    """Not every entity repeats all about its device."""
    return DeviceBlock(
        now.aliases,
        now.name or before.name,
        now.brand or before.brand,
        now.model or before.model,
        now.firmware_version or before.firmware_version,
        now.area or before.area,
        now.via or before.via,
    )


def _block_as_json(block: DeviceBlock) -> JsonObject:
    return {
        "name": block.name,
        "area": block.area,
        "via": [[alias.kind, alias.value] for alias in block.via],
    }


def _block_from(device: Device) -> DeviceBlock:
    body = device.native.get("block")
    name = body.get("name") if isinstance(body, Mapping) else None
    area = body.get("area") if isinstance(body, Mapping) else None
    via = body.get("via") if isinstance(body, Mapping) else None
    pairs = [pair for pair in via if isinstance(pair, list) and len(pair) == 2] if isinstance(via, list) else []
    return DeviceBlock(
        device.aliases,
        name if isinstance(name, str) else None,
        device.brand,
        device.model,
        device.firmware_version,
        area if isinstance(area, str) else None,
        tuple(Alias(str(kind), str(value)) for kind, value in pairs),
    )


class _Released(Exception):
    """The device is another dialect's."""
