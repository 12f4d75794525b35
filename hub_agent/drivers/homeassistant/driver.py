"""The dialect itself: what is announced where, by whom, and what becomes of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from hub_agent.drivers.homeassistant.announcement import Announcement, Component, DeviceBlock, Reader, read_device
from hub_agent.drivers.homeassistant.facet import Facet
from hub_agent.drivers.homeassistant.listening import Listeners, hear
from hub_agent.drivers.homeassistant.members import (
    DIALECT,
    MAKERS,
    Known,
    Maker,
    Member,
    advertise,
    block_from,
    key_of,
    merge_blocks,
)
from hub_agent.drivers.homeassistant.options import Wrong
from hub_agent.drivers.vocabulary import OWN_GROUP
from hub_agent.errors import NotPossible
from hub_agent.model.device import Alias, Device, Entity, Origin
from hub_agent.model.json import JsonObject
from hub_agent.model.report import (
    Decoded,
    DeviceGone,
    EntityGone,
    MqttMessage,
    Publication,
    Rejected,
    Unsubscribe,
)
from hub_agent.templating import Templates

DEVICES_MAX: Final = 5_000
ENTITIES_MAX: Final = 50_000
ENTITIES_OF_DEVICE_MAX: Final = 1_000
ALIASES_OF_DEVICE_MAX: Final = 100
# Full, it is emptied: the next repeats are read once more.
# Brokers repeat what they retain at each connection; more than that is the device's own doing.
REPEATS_UNTOLD: Final = 10
REMEMBERED_TOPICS_MAX: Final = 100_000
RELEASED_MAX: Final = 20_000

_NO_REPORT: Final[tuple[Decoded, ...]] = ()


class HomeAssistantDiscovery:
    """Home Assistant's MQTT discovery. `templates` must know `now` if templates of devices are to use it."""

    dialect = DIALECT

    def __init__(self, prefix: str = DIALECT, templates: Templates | None = None) -> None:
        self._prefix = prefix
        self._reader = Reader(prefix)
        self._maker = Maker(templates if templates is not None else Templates())
        self._listeners = Listeners()
        self._known_by_id: dict[str, Known] = {}
        self._id_by_alias: dict[Alias, str] = {}
        self._released: dict[Alias, None] = {}
        # What each discovery topic has announced: (device's native id, entity's key).
        self._owned_by_topic: dict[str, set[tuple[str, str]]] = {}
        self._hash_by_topic: dict[str, int] = {}
        self._repeats_by_topic: dict[str, int] = {}
        self._migrating: set[str] = set()
        self._entities = 0

    # What the loop asks.

    def subscriptions(self) -> tuple[str, ...]:
        return (f"{self._prefix}/+/+/config", f"{self._prefix}/+/+/+/config")

    def wants(self, topic: str) -> bool:
        return self._reader.is_discovery(topic) or bool(self._listeners.match(topic))

    def restore(self, devices: Iterable[Device]) -> tuple[str, ...]:
        for device in devices:
            if device.origin.dialect == DIALECT:
                self._restore(device)
        self._listeners.changes()
        return self._listeners.topics()

    def decode(self, message: MqttMessage) -> Sequence[Decoded]:
        if self._reader.is_discovery(message.topic):
            return self._discover(message)
        listeners = self._listeners.match(message.topic)
        return hear(message, listeners) if listeners else _NO_REPORT

    def encode(self, device: Device, entity: Entity, action: str, data: JsonObject) -> Sequence[Publication]:
        known = self._known_by_id.get(device.origin.native_id)
        member = known.members.get(entity.key) if known is not None else None
        facet = member.facet if member is not None else self._make_facet(entity)
        return facet.encode(action, data)

    def encode_refresh(self, device: Device) -> Sequence[Publication]:  # noqa: ARG002 - the dialect cannot ask
        return ()

    def encode_reconfigure(self, device: Device) -> Sequence[Publication]:  # noqa: ARG002 - the dialect cannot ask
        return ()

    def unexplained(self) -> tuple[Rejected, ...]:
        """Nothing: a topic is listened to only once it is announced."""
        return ()

    def release(self, device: Device) -> tuple[str, ...]:
        """Its announcements are ignored from now on."""
        own = device.origin.native_id if device.origin.dialect == DIALECT else None
        for alias in device.aliases:
            if self._id_by_alias.get(alias, own) == own or own is None:
                self._released[alias] = None
        while len(self._released) > RELEASED_MAX:
            del self._released[next(iter(self._released))]
        ids = (
            {own}
            if own is not None
            else {self._id_by_alias[each] for each in device.aliases if each in self._id_by_alias}
        )
        for native_id in sorted(ids):
            known = self._known_by_id.get(native_id)
            if known is not None:
                self._forget_device(known)
        changes = self._listeners.changes()
        return tuple(topic for change in changes if isinstance(change, Unsubscribe) for topic in change.topics)

    # Announcements.

    def _discover(self, message: MqttMessage) -> Sequence[Decoded]:
        topic = message.topic
        fingerprint = hash(message.payload)
        if self._hash_by_topic.get(topic) == fingerprint:
            return self._repeat(topic)
        self._repeats_by_topic.pop(topic, None)
        place = self._reader.read_place(topic)
        if place is None:
            return [Rejected(DIALECT, topic, "illegal_topic", "a discovery topic is made of letters, digits, - and _")]
        if len(self._hash_by_topic) >= REMEMBERED_TOPICS_MAX:
            self._hash_by_topic.clear()
            self._repeats_by_topic.clear()
        self._hash_by_topic[topic] = fingerprint
        try:
            announcement = self._reader.read(place, message.payload)
        except Wrong as err:
            return [Rejected(DIALECT, topic, err.code, str(err))]
        if not announcement.is_migrating:
            return self._apply(topic, announcement)
        if topic in self._owned_by_topic:
            self._migrating.add(topic)
        return _NO_REPORT

    def _repeat(self, topic: str) -> Sequence[Decoded]:
        """Nothing new; but whoever says it over and over is passed on, so that somebody counts."""
        self._repeats_by_topic[topic] = repeats = self._repeats_by_topic.get(topic, 0) + 1
        if repeats <= REPEATS_UNTOLD:
            return _NO_REPORT
        turn = _Turn(topic)
        owned = sorted(self._owned_by_topic.get(topic, ()))
        turn.told = dict.fromkeys(pair for pair in owned if pair[0] in self._known_by_id)
        return list(self._advertise(turn))

    def _apply(self, topic: str, announcement: Announcement) -> Sequence[Decoded]:
        """What is new or changed, then what is gone, then what was wrong."""
        before = self._owned_by_topic.get(topic, set())
        turn = _Turn(topic)
        for component in announcement.components:
            if component.config is None:
                continue
            try:
                self._take(component, turn)
            except _Released:
                continue
            except Wrong as err:
                turn.rejected.append(Rejected(DIALECT, topic, err.code, f"{component.discovery_id}: {err}"))
                # What was understood before stays until it is taken away or understood again.
                turn.owned |= {pair for pair in before if pair[1] == key_of(component)}
        if turn.rejected and not turn.owned:
            turn.owned |= before
        gone = self._drop(before - turn.owned, topic)
        if turn.owned:
            self._owned_by_topic[topic] = turn.owned
        else:
            self._owned_by_topic.pop(topic, None)
            self._migrating.discard(topic)
        return [*turn.decoded, *gone, *self._advertise(turn), *turn.rejected, *self._listeners.changes()]

    def _advertise(self, turn: "_Turn") -> Iterable[Decoded]:
        keys_by_id: dict[str, list[str]] = {}
        for native_id, key in turn.told:
            keys_by_id.setdefault(native_id, []).append(key)
        for native_id, keys in keys_by_id.items():
            known = self._known_by_id[native_id]
            yield advertise(known, keys, self._via(known.block))

    def _take(self, component: Component, turn: "_Turn") -> None:
        config = component.config
        assert config is not None  # removals are sorted out before
        if not component.kind:
            raise Wrong("key_missing", "`platform` is missing" if len(config) > 1 else "a component must be a mapping")
        if component.kind not in MAKERS:
            raise Wrong("unknown_component", f"there is no component {component.kind!r:.40}")
        if component.kind == "device_automation" and not config.get("device"):
            raise Wrong("key_missing", "`device` is missing")
        block = read_device(config, component.kind, component.discovery_id)
        if any(alias in self._released for alias in block.aliases) or OWN_GROUP.fullmatch(block.name or ""):
            raise _Released
        member = self._maker.make(component.kind, component.discovery_id, config, block, turn.topic)
        ids = list(dict.fromkeys(self._id_by_alias[alias] for alias in block.aliases if alias in self._id_by_alias))
        self._check_free(ids, member.entity.key, turn.topic)
        known = self._known_by_id[ids[0]] if ids else self._meet(block)
        for other in ids[1:]:
            self._merge(known, self._known_by_id[other], turn)
        self._learn(known, block)
        self._put(known, member)
        turn.take(known, member.entity.key)

    def _check_free(self, ids: Sequence[str], key: str, topic: str) -> None:
        for known in (self._known_by_id[native_id] for native_id in ids):
            other = known.members.get(key)
            if other is not None:
                if other.topic != topic and other.topic not in self._migrating and other.topic in self._owned_by_topic:
                    raise Wrong("unique_id_taken", f"`unique_id` is taken by {other.topic}")
                return
            if len(known.members) >= ENTITIES_OF_DEVICE_MAX:
                raise Wrong("too_many", f"a device may have at most {ENTITIES_OF_DEVICE_MAX} entities")
        if self._entities >= ENTITIES_MAX or (not ids and len(self._known_by_id) >= DEVICES_MAX):
            raise Wrong("too_many", f"there may be at most {DEVICES_MAX} devices with {ENTITIES_MAX} entities")

    def _meet(self, block: DeviceBlock) -> Known:
        # Named by its first identifier; which alias is the strongest is the inventory's question.
        first = next((alias for alias in block.aliases if alias.kind == "discovery_id"), block.aliases[0])
        native_id = first.value
        if native_id in self._known_by_id:  # another kind of alias with the same words
            native_id = f"{first.kind}:{first.value}"
        known = Known(Origin(DIALECT, native_id), block.aliases, block)
        self._known_by_id[native_id] = known
        return known

    def _learn(self, known: Known, block: DeviceBlock) -> None:
        """Not every entity says all about its device."""
        known.aliases = tuple(dict.fromkeys((*known.aliases, *block.aliases)))[:ALIASES_OF_DEVICE_MAX]
        known.block = merge_blocks(known.block, block)
        for alias in known.aliases:
            self._id_by_alias[alias] = known.origin.native_id

    def _merge(self, known: Known, other: Known, turn: "_Turn") -> None:
        """Two devices turn out to be one: the other's entities move over."""
        for key, member in list(other.members.items()):
            self._take_out(other, key)
            for owned in (self._owned_by_topic.get(member.topic, set()), turn.owned):
                if (other.origin.native_id, key) in owned:
                    owned.remove((other.origin.native_id, key))
                    owned.add((known.origin.native_id, key))
            turn.told.pop((other.origin.native_id, key), None)
            if key not in known.members:
                self._put(known, member)
                turn.told[known.origin.native_id, key] = None
        known.aliases = tuple(dict.fromkeys((*known.aliases, *other.aliases)))
        del self._known_by_id[other.origin.native_id]
        turn.decoded.append(DeviceGone(other.origin))

    def _put(self, known: Known, member: Member) -> None:
        key = member.entity.key
        before = known.members.get(key)
        if before is not None:
            self._take_out(known, key)
            member.keep_availability(before)
        known.members[key] = member
        self._entities += 1
        self._listeners.add(known, member)

    def _take_out(self, known: Known, key: str) -> None:
        self._listeners.remove(known, known.members.pop(key))
        self._entities -= 1

    def _drop(self, left: Iterable[tuple[str, str]], topic: str) -> list[Decoded]:
        """Entities that this topic announced before and does not any more."""
        gone: list[Decoded] = []
        for native_id, key in sorted(left):
            known = self._known_by_id.get(native_id)
            member = known.members.get(key) if known is not None else None
            # An entity that has moved to another topic is that topic's now.
            if known is None or member is None or member.topic != topic:
                continue
            self._take_out(known, key)
            if known.members:
                gone.append(EntityGone(known.origin, key))
            else:
                self._forget_device(known)
                gone.append(DeviceGone(known.origin))
        return gone

    def _forget_device(self, known: Known) -> None:
        for key, member in list(known.members.items()):
            self._take_out(known, key)
            self._hash_by_topic.pop(member.topic, None)
        self._known_by_id.pop(known.origin.native_id, None)
        for alias in known.aliases:
            if self._id_by_alias.get(alias) == known.origin.native_id:
                del self._id_by_alias[alias]

    def _via(self, block: DeviceBlock) -> str | None:
        if not block.via:
            return None
        return next(
            (self._id_by_alias[alias] for alias in block.via if alias in self._id_by_alias), block.via[-1].value
        )

    # What the mirror kept.

    def _restore(self, device: Device) -> None:
        native_id = device.origin.native_id
        known = Known(device.origin, device.aliases, block_from(device))
        for entity in device.entities:
            try:
                member = self._maker.make_again(entity, known.block)
            except (Wrong, KeyError, TypeError, ValueError):
                continue  # its announcement is retained and comes again
            self._put(known, member)
            self._owned_by_topic.setdefault(member.topic, set()).add((native_id, entity.key))
        self._known_by_id[native_id] = known
        for alias in device.aliases:
            self._id_by_alias.setdefault(alias, native_id)

    def _make_facet(self, entity: Entity) -> Facet:
        try:
            return self._maker.make_again(entity, DeviceBlock(())).facet
        except (Wrong, KeyError, TypeError, ValueError):
            raise NotPossible(f"{entity.id} has not announced itself yet.") from None


@dataclass(slots=True)
class _Turn:
    """What one announcement does, while it is being done."""

    topic: str
    owned: set[tuple[str, str]] = field(default_factory=set)
    told: dict[tuple[str, str], None] = field(default_factory=dict)
    decoded: list[Decoded] = field(default_factory=list)
    rejected: list[Decoded] = field(default_factory=list)

    def take(self, known: Known, key: str) -> None:
        self.owned.add((known.origin.native_id, key))
        self.told[known.origin.native_id, key] = None


class _Released(Exception):
    """The device is another dialect's."""
