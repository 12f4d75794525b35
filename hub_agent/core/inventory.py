"""Which devices the home has. A device is known again by any of its native identities, so it keeps its id, names and history."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from hub_agent.model.device import AdvertisedEntity, Advertisement, Alias, Device, Entity, Origin, Presence
from hub_agent.model.effects import Durability, Effect, ForgetDevice, ReleaseDevice, Save, SaveDevice
from hub_agent.model.ids import DeviceId, EntityId, HomeId, RoomId, slugify
from hub_agent.model.issue import Issue
from hub_agent.model.json import JsonObject, JsonValue

# A device met in two dialects is served by the one that knows more of it.
RANK_BY_DIALECT = {"hub": -1, "homeassistant": 0, "homekit": 1, "matter": 1, "shelly_mqtt": 2}
RANK_OTHERWISE = 3

# More than this many advertisements of one device a minute are a fault of its own.
FLOOD_WINDOW = timedelta(minutes=1)
# A device of many parts announces each of them, and all of them again after the broker was away.
ADVERTISEMENTS_A_MINUTE_MAX = 600

DEVICES_MAX = 2000
GONE_MAX = 1000


@dataclass(frozen=True, slots=True)
class Known:
    """A device as its messages find it."""

    device: Device
    entity_by_key: Mapping[str, Entity]


@dataclass(frozen=True, slots=True)
class Advertised:
    """What an advertisement changed. `device` is None when it was ignored."""

    device: Device | None
    effects: tuple[Effect, ...] = ()
    is_new: bool = False
    added: tuple[Entity, ...] = ()
    removed: tuple[Entity, ...] = ()
    issue: Issue | None = None


class Inventory:
    def __init__(self, home_id: HomeId) -> None:
        self._home_id = home_id
        self._known_by_origin: dict[Origin, Known] = {}
        self._device_by_id: dict[DeviceId, Device] = {}
        self._device_id_by_alias: dict[Alias, DeviceId] = {}
        self._entity_by_id: dict[EntityId, Entity] = {}
        self._presence_by_id: dict[DeviceId, Presence] = {}
        self._gone_by_id: dict[DeviceId, JsonObject] = {}
        self._latest_by_origin: dict[Origin, Advertisement] = {}
        self._met_by_origin: dict[Origin, tuple[datetime, int]] = {}
        # Devices that announce themselves too often: under which subject that was told, and what they said last.
        self._flooding: dict[Origin, tuple[str, Advertisement]] = {}

    def restore(self, devices: Iterable[Device], saved: Mapping[str, JsonObject]) -> None:
        for device in devices:
            self._remember(device)
        for key, body in saved.items():
            kind, _, rest = key.partition("/")
            if kind == "gone":
                self._gone_by_id[DeviceId(rest)] = body
                for alias in _aliases_of(body):
                    self._device_id_by_alias.setdefault(alias, DeviceId(rest))
            elif kind == "presence":
                self._presence_by_id = {DeviceId(each): _presence_of(body[each]) for each in body}

    # Reading.

    def find(self, origin: Origin) -> Known | None:
        return self._known_by_origin.get(origin)

    def device(self, device_id: DeviceId) -> Device | None:
        return self._device_by_id.get(device_id)

    def devices(self) -> Iterable[Device]:
        return self._device_by_id.values()

    def entity(self, entity_id: EntityId) -> Entity | None:
        return self._entity_by_id.get(entity_id)

    def entity_count(self) -> int:
        return len(self._entity_by_id)

    def presence(self, device_id: DeviceId) -> Presence:
        """What is observed of it. Behind a bridge that is away nobody can be reached."""
        own = self._presence_by_id.get(device_id, _NOTHING_SEEN)
        device = self._device_by_id.get(device_id)
        bridge = self._presence_by_id.get(device.via) if device and device.via else None
        return replace(own, is_available=False) if bridge and bridge.is_available is False else own

    def children_of(self, bridge_id: DeviceId) -> list[Device]:
        return [device for device in self._device_by_id.values() if device.via == bridge_id]

    def is_served_otherwise(self, aliases: Iterable[Alias], peer_id: tuple[str, str]) -> bool:
        """Whether a device of one of these names is served by somebody else than this peer (dialect and key), and as well."""
        rank = RANK_BY_DIALECT.get(peer_id[0], RANK_OTHERWISE)
        ids = (self._device_id_by_alias.get(alias) for alias in aliases)
        devices = [device for each in ids if each is not None and (device := self._device_by_id.get(each)) is not None]
        return any(
            (device.origin.dialect, device.native.get("peer")) != peer_id
            and RANK_BY_DIALECT.get(device.origin.dialect, RANK_OTHERWISE) >= rank
            for device in devices
        )

    # Changes.

    def advertise(self, advertisement: Advertisement, now: datetime) -> Advertised:
        issue = self._count(advertisement, now)
        if advertisement.origin in self._flooding:
            self._flooding[advertisement.origin] = (self._flooding[advertisement.origin][0], advertisement)
            return Advertised(None, issue=issue)
        if self._latest_by_origin.get(advertisement.origin) == advertisement:
            return Advertised(None)
        device = self._meet(advertisement)
        if device is None and len(self._device_by_id) >= DEVICES_MAX:
            return Advertised(None)
        if device is not None and self._serves_better(device, advertisement):
            return Advertised(None, effects=(ReleaseDevice(self._described(advertisement, device.id, None)),))
        self._latest_by_origin[advertisement.origin] = advertisement
        return self._take(advertisement, device, now)

    def see(self, device: Device, observed: Mapping[str, JsonValue], now: datetime) -> None:
        """The device has said something by itself."""
        known = self._presence_by_id.get(device.id, _NOTHING_SEEN)
        if not observed:
            self._presence_by_id[device.id] = Presence(
                known.is_available,
                now,
                now,
                known.battery_level,
                known.signal_strength,
                known.firmware_version,
                known.ip_address,
            )
            return
        firmware = observed.get("firmware_version")
        address = observed.get("ip_address")
        self._presence_by_id[device.id] = Presence(
            known.is_available,
            now,
            now,
            _whole(observed.get("battery_level"), known.battery_level, 0, 100),
            _whole(observed.get("signal_strength"), known.signal_strength, -200, 100),
            firmware if isinstance(firmware, str) else known.firmware_version,
            address if isinstance(address, str) else known.ip_address,
        )

    def set_available(self, device_id: DeviceId, *, is_available: bool) -> bool:
        """Whether that is news."""
        known = self._presence_by_id.get(device_id, _NOTHING_SEEN)
        if known.is_available is is_available:
            return False
        self._presence_by_id[device_id] = replace(known, is_available=is_available)
        return True

    def assign(self, alias: Alias, device_id: DeviceId) -> None:
        """A definition made elsewhere names a device before it is met."""
        self._device_id_by_alias[alias] = device_id

    def edit(
        self, device_id: DeviceId, *, name: str | None, room_id: RoomId | None, settings: JsonObject | None = None
    ) -> Device:
        """A person's word. Entity ids stay: automations name them."""
        device = self._device_by_id[device_id]
        if name is not None:
            device = replace(device, name=name, named_by_person=True)
        if room_id is not None:
            device = replace(device, room_id=room_id)
        if settings is not None:
            device = replace(device, settings=settings)
        self._remember(device)
        return device

    def remove(self, origin: Origin, key: str | None = None) -> tuple[tuple[Entity, ...], tuple[Effect, ...]]:
        """Takes away a device, or one entity of it. Answers with the entities that are gone."""
        known = self._known_by_origin.get(origin)
        self._latest_by_origin.pop(origin, None)
        if known is None:
            return (), ()
        device = known.device
        gone = tuple(entity for entity in device.entities if key is None or entity.key == key)
        left = tuple(entity for entity in device.entities if entity not in gone)
        for entity in gone:
            self._entity_by_id.pop(entity.id, None)
        if left and key is not None:
            changed = replace(device, entities=left)
            self._remember(changed)
            return gone, (SaveDevice(changed, Durability.COMMIT),)
        return gone, self._forget(device)

    def calmed(self, now: datetime) -> list[tuple[str, Advertisement]]:
        """Devices that announced themselves too often and do so no longer: whom that was told of, and their last word."""
        calm = [
            origin
            for origin in self._flooding
            if now - self._met_by_origin[origin][0] > FLOOD_WINDOW
            or self._met_by_origin[origin][1] < ADVERTISEMENTS_A_MINUTE_MAX
        ]
        return [self._flooding.pop(origin) for origin in calm]

    def presences(self) -> Save:
        """Kept now and then, so that the page is not empty after a restart."""
        return Save("inventory", "presence/all", {each: _as_json(seen) for each, seen in self._presence_by_id.items()})

    # How.

    def _meet(self, advertisement: Advertisement) -> Device | None:
        known = self._known_by_origin.get(advertisement.origin)
        if known:
            return known.device
        for alias in advertisement.aliases:
            device_id = self._device_id_by_alias.get(alias)
            if device_id in self._device_by_id:
                return self._device_by_id[device_id]
        return None

    def _serves_better(self, device: Device, advertisement: Advertisement) -> bool:
        return device.origin != advertisement.origin and (
            RANK_BY_DIALECT.get(device.origin.dialect, RANK_OTHERWISE)
            > RANK_BY_DIALECT.get(advertisement.origin.dialect, RANK_OTHERWISE)
        )

    def _take(self, advertisement: Advertisement, old: Device | None, now: datetime) -> Advertised:
        device_id = old.id if old else self._id_for(advertisement)
        came_back = self._gone_by_id.pop(device_id, None) if old is None else None
        device = self._described(advertisement, device_id, old, came_back)
        if old is None:
            device = replace(device, added_at=now)
        effects: list[Effect] = [] if device == old else [SaveDevice(device, Durability.LAZY)]
        if came_back is not None:
            effects.append(Save("inventory", f"gone/{device_id}", None, Durability.LAZY))
        if old and old.origin != device.origin:
            self._known_by_origin.pop(old.origin, None)
            self._latest_by_origin.pop(old.origin, None)
            effects.append(ReleaseDevice(old))
        old_ids = {entity.id for entity in old.entities} if old else set()
        new_ids = {entity.id for entity in device.entities}
        removed = tuple(entity for entity in (old.entities if old else ()) if entity.id not in new_ids)
        for entity in removed:
            self._entity_by_id.pop(entity.id, None)
        self._remember(device)
        added = tuple(entity for entity in device.entities if entity.id not in old_ids)
        return Advertised(device, tuple(effects), old is None, added, removed)

    def _id_for(self, advertisement: Advertisement) -> DeviceId:
        for alias in advertisement.aliases:
            if (device_id := self._device_id_by_alias.get(alias)) is not None:
                return device_id
        strongest = advertisement.aliases[0] if advertisement.aliases else _alias_of(advertisement.origin)
        return device_id_in(self._home_id, strongest)

    def _described(
        self, said: Advertisement, device_id: DeviceId, old: Device | None, came_back: JsonObject | None = None
    ) -> Device:
        named = came_back or {}
        is_named = old.named_by_person if old else bool(named.get("named_by_person"))
        kept_name = old.name if old else str(named.get("name", ""))
        room = old.room_id if old else named.get("room_id")
        name = kept_name if is_named and kept_name else said.name
        aliases = tuple(dict.fromkeys((*said.aliases, *(old.aliases if old else ()), *_aliases_of(named))))
        via = self._known_by_origin.get(said.via) if said.via else None
        return Device(
            id=device_id,
            origin=said.origin,
            aliases=aliases or (_alias_of(said.origin),),
            name=name,
            named_by_person=is_named,
            room_id=RoomId(room) if isinstance(room, str) else None,
            brand=said.brand or (old.brand if old else None),
            model=said.model or (old.model if old else None),
            device_type=said.device_type,
            protocol=said.protocol or (old.protocol if old else None),
            via=via.device.id if via else (old.via if old else None),
            firmware_version=said.firmware_version or (old.firmware_version if old else None),
            power_source=said.power_source or (old.power_source if old else None),
            native=said.native,
            entities=self._entities(said, device_id, old, named),
            settings=old.settings if old else {},
            added_at=old.added_at if old else None,
        )

    def _entities(
        self, said: Advertisement, device_id: DeviceId, old: Device | None, named: JsonObject
    ) -> tuple[Entity, ...]:
        is_same_dialect = old is not None and old.origin.dialect == said.origin.dialect
        kept = {entity.key: entity for entity in old.entities} if old and is_same_dialect else {}
        own_ids = {entity.id for entity in old.entities} if old else set()
        earlier = named.get("entity_ids")
        earlier_ids = dict(earlier) if isinstance(earlier, Mapping) else {}
        entities = {} if said.complete else dict(kept)
        taken: set[EntityId] = {entity.id for entity in entities.values()}
        for facet in said.entities:
            entity_id = kept[facet.key].id if facet.key in kept else None
            if entity_id is None or not entity_id.startswith(f"{facet.domain}."):
                wanted = earlier_ids.get(facet.key) or _wanted_id(said.name, facet)
                entity_id = self._free_id(str(wanted), own_ids, taken)
            taken.add(entity_id)
            entities[facet.key] = _entity(entity_id, device_id, facet)
        return tuple(entities.values())

    def _free_id(self, wanted: str, own_ids: set[EntityId], taken: set[EntityId]) -> EntityId:
        candidate, number = EntityId(wanted), 2
        while candidate in taken or (candidate in self._entity_by_id and candidate not in own_ids):
            candidate, number = EntityId(f"{wanted}_{number}"), number + 1
        return candidate

    def _remember(self, device: Device) -> None:
        self._device_by_id[device.id] = device
        self._known_by_origin[device.origin] = Known(device, {entity.key: entity for entity in device.entities})
        for alias in device.aliases:
            self._device_id_by_alias.setdefault(alias, device.id)
        for entity in device.entities:
            self._entity_by_id[entity.id] = entity

    def _forget(self, device: Device) -> tuple[Effect, ...]:
        self._known_by_origin.pop(device.origin, None)
        self._met_by_origin.pop(device.origin, None)
        self._device_by_id.pop(device.id, None)
        self._presence_by_id.pop(device.id, None)
        body: JsonObject = {
            "name": device.name,
            "named_by_person": device.named_by_person,
            "room_id": device.room_id,
            "entity_ids": {entity.key: entity.id for entity in device.entities},
            "aliases": [[alias.kind, alias.value] for alias in device.aliases],
        }
        self._gone_by_id[device.id] = body
        effects: list[Effect] = [
            ForgetDevice(device.id),
            Save("inventory", f"gone/{device.id}", body, Durability.COMMIT),
        ]
        if len(self._gone_by_id) > GONE_MAX:
            oldest = next(iter(self._gone_by_id))
            del self._gone_by_id[oldest]
            effects.append(Save("inventory", f"gone/{oldest}", None, Durability.COMMIT))
        return tuple(effects)

    def _count(self, advertisement: Advertisement, now: datetime) -> Issue | None:
        origin = advertisement.origin
        known = self._known_by_origin.get(origin)
        if known is None:
            return None
        since, count = self._met_by_origin.get(origin, (now, 0))
        if now - since > FLOOD_WINDOW:
            since, count = now, 0
        count += 1
        self._met_by_origin[origin] = (since, count)
        if count != ADVERTISEMENTS_A_MINUTE_MAX or origin in self._flooding:
            return None
        self._flooding[origin] = (known.device.id, advertisement)
        return Issue("device_flooding", known.device.id, now, {"name": known.device.name, "count": count})


_NOTHING_SEEN = Presence()


def device_id_in(home_id: HomeId, alias: Alias) -> DeviceId:
    """The id of a device whose strongest native identity this is: the same on every hub that ever stands in the home."""
    return DeviceId(str(uuid5(UUID(home_id), f"{alias.kind}:{alias.value}")))


def room_id_in(home_id: HomeId, name: str) -> RoomId:
    """The id of a room that was made because a device suggested it."""
    return RoomId(str(uuid5(UUID(home_id), f"room:{name.strip().casefold()}")))


def _wanted_id(device_name: str, facet: AdvertisedEntity) -> str:
    if facet.object_id:
        return f"{facet.domain}.{slugify(facet.object_id)}"
    name = f"{device_name} {facet.name}" if facet.name else device_name
    return f"{facet.domain}.{slugify(name)}"


def _entity(entity_id: EntityId, device_id: DeviceId, facet: AdvertisedEntity) -> Entity:
    return Entity(
        id=entity_id,
        device_id=device_id,
        key=facet.key,
        domain=facet.domain,
        name=facet.name,
        device_class=facet.device_class,
        unit=facet.unit,
        state_class=facet.state_class,
        category=facet.category,
        capabilities=facet.capabilities,
        native=facet.native,
    )


def _alias_of(origin: Origin) -> Alias:
    return Alias(f"{origin.dialect}_id", origin.native_id)


def _aliases_of(body: JsonObject) -> list[Alias]:
    pairs = body.get("aliases")
    if not isinstance(pairs, list | tuple):
        return []
    return [Alias(str(pair[0]), str(pair[1])) for pair in pairs if isinstance(pair, list | tuple) and len(pair) == 2]


def _whole(value: JsonValue, known: int | None, least: int, most: int) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return known
    return max(least, min(most, round(value)))


def _as_json(seen: Presence) -> dict[str, JsonValue]:
    return {
        "is_available": seen.is_available,
        "last_seen_at": seen.last_seen_at.isoformat() if seen.last_seen_at else None,
        "last_event_at": seen.last_event_at.isoformat() if seen.last_event_at else None,
        "battery_level": seen.battery_level,
        "signal_strength": seen.signal_strength,
        "firmware_version": seen.firmware_version,
        "ip_address": seen.ip_address,
    }


def _presence_of(body: JsonValue) -> Presence:
    if not isinstance(body, Mapping):
        return _NOTHING_SEEN
    available, firmware, address = (body.get(name) for name in ("is_available", "firmware_version", "ip_address"))
    return Presence(
        is_available=available if isinstance(available, bool) else None,
        last_seen_at=_instant(body.get("last_seen_at")),
        last_event_at=_instant(body.get("last_event_at")),
        battery_level=_whole(body.get("battery_level"), None, 0, 100),
        signal_strength=_whole(body.get("signal_strength"), None, -200, 100),
        firmware_version=firmware if isinstance(firmware, str) else None,
        ip_address=address if isinstance(address, str) else None,
    )


def _instant(text: JsonValue) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
