"""The Hue bridge: its resources -> devices, groups and scenes; actions -> what is put to a resource. The README beside this has the frames."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from hub_agent.drivers import given
from hub_agent.drivers.hue import facets, reading, scenes
from hub_agent.drivers.hue.resources import (
    DEVICES,
    EVENTS_MAX,
    GROUPED,
    GROUPS,
    SCENES,
    Resources,
    first,
    followed,
    owner_of,
    plain,
    references,
)
from hub_agent.drivers.hue.writing import recall, write
from hub_agent.drivers.vocabulary import device_type_of
from hub_agent.errors import NotPossible
from hub_agent.model.device import (
    AdvertisedEntity,
    Advertisement,
    Alias,
    Device,
    DeviceType,
    Entity,
    Origin,
    ProtocolType,
)
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.link import Frame, Request
from hub_agent.model.report import (
    AvailabilityReported,
    Decoded,
    DeviceGone,
    EntityReport,
    Rejected,
    Reported,
    ScenesKept,
)
from hub_agent.model.scene import DesiredState, SceneCopy

DIALECT: Final = "hue"
PEERS_MAX: Final = 20
PLACES_MAX: Final = 1_000
ENTITIES_MAX: Final = 300
_REACHED: Final = frozenset({"connected", "unidirectional_incoming"})
_TOLD_BY_EVENT: Final = {"button": reading.pressed, "rotary": reading.turned}


@dataclass(slots=True)
class _Bridge:
    """`places`: the devices and groups that have been advertised, by resource id; with the entities of each by resource."""

    resources: Resources = field(default_factory=Resources)
    places: dict[str, Advertisement] = field(default_factory=dict)
    bridge_rid: str | None = None


@dataclass(slots=True)
class _News:
    """Of some events: places that are another shape now, resources that say something new."""

    shaped: dict[str, None] = field(default_factory=dict)
    changed: dict[str, None] = field(default_factory=dict)
    has_scenes: bool = False


class Hue:
    dialect = DIALECT

    def __init__(self) -> None:
        self._bridges: dict[str, _Bridge] = {}
        self._restored: dict[str, dict[str, Origin]] = {}

    def restore(self, devices: Iterable[Device]) -> tuple[str, ...]:
        for device in devices:
            peer, rid = given.text(device.native, "peer"), given.text(device.native, "rid")
            if peer is not None and rid is not None:
                self._restored.setdefault(peer, {})[rid] = device.origin
        return ()

    def release(self, device: Device) -> tuple[str, ...]:
        peer, rid = given.text(device.native, "peer"), given.text(device.native, "rid")
        if peer is not None and rid is not None:
            self._restored.get(peer, {}).pop(rid, None)
            if peer in self._bridges:
                self._bridges[peer].places.pop(rid, None)
        return ()

    def unexplained(self) -> Sequence[Rejected]:
        return ()

    # What it is asked.

    def encode(self, device: Device, entity: Entity, action: str, data: JsonObject) -> Sequence[Request]:
        rid, kind = given.text(entity.native, "rid"), given.text(entity.native, "type")
        if rid is None or kind is None:
            raise NotPossible("this was never heard of the bridge; it has to be found first.")
        peer = _peer_of(device)
        bridge = self._bridges.get(peer)
        known = bridge.resources.get(rid) if bridge is not None else given.NOTHING
        return [_put(peer, kind, rid, write(entity.native, known, action, data))]

    def encode_refresh(self, device: Device) -> Sequence[Request]:
        """The bridge tells everything at once."""
        return [Request(DIALECT, _peer_of(device), {"do": "refresh"})]

    def encode_reconfigure(self, device: Device) -> Sequence[Request]:
        return self.encode_refresh(device)

    # Copies of scenes.

    def can_keep(self, device: Device, entity: Entity, wish: DesiredState) -> bool:  # noqa: ARG002 the protocol's signature
        try:
            scenes.action_of(entity.native, wish)
        except NotPossible:
            return False
        return True

    def content_of(self, copy: SceneCopy) -> str:
        return scenes.content_of(copy)

    def encode_store(self, bridge: Device, copy: SceneCopy, external_id: str | None) -> Sequence[Request]:  # noqa: ARG002 the tag says it too
        peer = _peer_of(bridge)
        known = self._bridges.get(peer)
        if known is None or not known.resources:
            raise NotPossible("the Hue bridge is not connected.")
        there = next((each for each in known.resources.of_kind("scene") if scenes.tag_of(each) == copy.tag), None)
        group = scenes.group_for(copy, known.resources)
        if there is not None and scenes.has_all(known.resources.get(owner_of(there)), copy, known.resources):
            return [_put(peer, "scene", str(there["id"]), scenes.update_of(copy))]
        # A scene cannot move to another group: it is made anew.
        dropped = [_delete(peer, "scene", str(there["id"]))] if there is not None else []
        made: dict[str, JsonValue] = {"do": "post", "type": "scene", "body": scenes.body_of(copy, group)}
        if group is None:
            made["group_first"] = scenes.zone_of(copy)
        return [*dropped, Request(DIALECT, peer, made)]

    def encode_drop(self, bridge: Device, external_id: str) -> Sequence[Request]:
        peer = _peer_of(bridge)
        known = self._bridges.get(peer)
        dropped = [_delete(peer, "scene", external_id)]
        if known is not None:
            group = known.resources.get(owner_of(known.resources.get(external_id)))
            if scenes.is_our_zone(group):
                dropped.append(_delete(peer, "zone", str(group["id"])))
        return dropped

    def encode_recall(self, bridge: Device, external_id: str, transition_s: float | None) -> Sequence[Request]:
        return [_put(_peer_of(bridge), "scene", external_id, recall("scene", transition_s))]

    # What it hears.

    def hear(self, frame: Frame) -> Sequence[Decoded]:
        if frame.peer not in self._bridges and len(self._bridges) >= PEERS_MAX:
            return [_rejected(frame, "too_many_bridges", f"more than {PEERS_MAX} bridges are not followed")]
        if frame.kind == "resources":
            return list(self._hear_all(frame))
        if frame.kind == "events":
            return list(self._hear_events(frame))
        return [_rejected(frame, "kind_unknown", f"no frame of the Hue bridge is called {frame.kind!r:.40}")]

    def _hear_all(self, frame: Frame) -> Iterator[Decoded]:
        said = list(followed(given.at(frame.body, "data")))
        if first(said, "bridge") is given.NOTHING:
            yield _rejected(frame, "no_bridge", "what a bridge tells has a resource of type bridge in it")
            return
        before = self._bridges.get(frame.peer, _Bridge())
        bridge = _Bridge(places=before.places, bridge_rid=owner_of(first(said, "bridge")))
        for each in said:
            bridge.resources.put(each)
        self._bridges[frame.peer] = bridge
        places = list(_places(bridge))
        for place in places:
            yield from _meet(frame.peer, bridge, place)
        if any(plain(each) is None for each in given.listed(frame.body, "data")):
            # Whoever is missing may only be damaged.
            yield _rejected(frame, "resource_unread", "a resource with id and type was expected")
            return
        here = {str(place["id"]) for place in places}
        for rid, origin in self._gone(frame.peer, bridge, here):
            bridge.places.pop(rid, None)
            yield DeviceGone(origin)
        yield _kept(frame.peer, bridge)

    def _gone(self, peer: str, bridge: _Bridge, here: set[str]) -> list[tuple[str, Origin]]:
        known = {rid: place.origin for rid, place in bridge.places.items()} | self._restored.pop(peer, {})
        return [(rid, origin) for rid, origin in sorted(known.items()) if rid not in here]

    def _hear_events(self, frame: Frame) -> Iterator[Decoded]:
        bridge = self._bridges.get(frame.peer)
        events = given.listed(frame.body, "events")[:EVENTS_MAX]
        if bridge is None or not events:
            yield _rejected(frame, "events_unread", "events were expected, after all resources")
            return
        news = _News()
        for event in events:
            kind = given.text(event, "type") or ""
            for each in given.listed(event, "data")[:EVENTS_MAX]:
                resource = plain(each)
                if resource is None:
                    yield _rejected(frame, "resource_unread", "a resource with id and type was expected")
                    continue
                news.has_scenes |= resource["type"] == "scene"
                yield from self._take(bridge, kind, resource, news)
        for rid in news.shaped:
            yield from self._reshape(frame.peer, bridge, rid)
        for rid in news.changed:
            yield from _report(bridge, bridge.resources.get(rid))
        if news.has_scenes:
            yield _kept(frame.peer, bridge)

    def _take(self, bridge: _Bridge, kind: str, resource: JsonObject, news: _News) -> Iterator[Decoded]:
        """Notes whose shape or state is another now; what happened in this moment is told at once."""
        rid = str(resource["id"])
        if kind == "update":
            before = bridge.resources.get(rid)
            whole = bridge.resources.update(resource)
            if whole is None:
                return
            yield from _happened(bridge, whole, resource)
            if whole["type"] in GROUPS | {"device"} or (whole["type"] in SCENES and _named(before) != _named(whole)):
                news.shaped |= dict.fromkeys([*_touched(before), *_touched(whole)])
            news.changed[rid] = None
        elif kind == "add":
            known = next(followed([resource]), None)
            if known is not None:
                bridge.resources.put(known)
                news.shaped |= dict.fromkeys(_touched(known))
                news.changed[rid] = None
        elif kind == "delete":
            gone = bridge.resources.drop(rid)
            if gone is not None:
                news.shaped |= dict.fromkeys(_touched(gone))

    def _reshape(self, peer: str, bridge: _Bridge, rid: str) -> Iterator[Decoded]:
        place = bridge.resources.get(rid)
        if place is not given.NOTHING:
            if _is_place(bridge, place):
                yield from _meet(peer, bridge, place)
            return
        gone = bridge.places.pop(rid, None)
        if gone is not None:
            yield DeviceGone(gone.origin)


def _touched(resource: JsonObject) -> Iterator[str]:
    """The places whose shape a resource is part of. A room names the devices in it."""
    if resource["type"] in GROUPS:
        yield from (rid for kind, rid in references(resource, "children") if kind == "device")
    if resource["type"] in GROUPS | {"device"}:
        yield str(resource["id"])
    elif (owner := owner_of(resource)) is not None:
        yield owner


def _places(bridge: _Bridge) -> Iterator[JsonObject]:
    """The bridge first, which the others are behind."""
    found = [each for each in bridge.resources.of_kind("device", *GROUPS) if _is_place(bridge, each)]
    return iter(sorted(found, key=lambda each: each["id"] != bridge.bridge_rid)[:PLACES_MAX])


def _is_place(bridge: _Bridge, resource: JsonObject) -> bool:
    if resource["type"] == "device":
        return True
    has_parts = any(each["type"] in GROUPED | SCENES for each in bridge.resources.owned_by(str(resource["id"])))
    return resource["type"] in {"room", "zone"} and has_parts and not scenes.is_our_zone(resource)


def _meet(peer: str, bridge: _Bridge, place: JsonObject) -> Iterator[Decoded]:
    rid = str(place["id"])
    if rid not in bridge.places and len(bridge.places) >= PLACES_MAX:
        return
    parts = _parts(bridge, place)
    entities = tuple({entity.key: entity for entity in _entities(place, parts)}.values())[:ENTITIES_MAX]
    is_device = place["type"] == "device"
    advertisement = (_device if is_device else _group)(peer, bridge, place, entities)
    bridge.places[rid] = advertisement
    yield advertisement
    yield AvailabilityReported(advertisement.origin, is_available=_is_reached(parts))
    reports = tuple(report for entity in entities if (report := _entity_report(bridge, entity)) is not None)
    observed = {"firmware_version": advertisement.firmware_version} if advertisement.firmware_version else {}
    battery = reading.battery_of(first(parts, "device_power"))
    yield Reported(
        advertisement.origin, reports, observed | ({"battery_level": battery} if battery is not None else {})
    )


def _parts(bridge: _Bridge, place: JsonObject) -> list[JsonObject]:
    """A device's services, a group's services and scenes; the whole home's stand with the bridge."""
    rid = str(place["id"])
    wanted = DEVICES | {"zigbee_connectivity"} if place["type"] == "device" else GROUPED | SCENES
    parts = [each for each in bridge.resources.owned_by(rid) if each["type"] in wanted]
    if rid == bridge.bridge_rid:
        for home in bridge.resources.of_kind("bridge_home"):
            parts += [each for each in bridge.resources.owned_by(str(home["id"])) if each["type"] in GROUPED]
    return [each for each in parts if scenes.tag_of(each) is None]


def _entities(place: JsonObject, parts: Sequence[JsonObject]) -> Iterator[AdvertisedEntity]:
    counts: dict[object, int] = {}
    for part in parts:
        counts[part["type"]] = counts.get(part["type"], 0) + 1
    made: list[AdvertisedEntity] = []
    numbers: dict[object, int] = {}
    archetype = place.get("product_data")
    for part in parts:
        numbers[part["type"]] = numbers.get(part["type"], 0) + 1
        label = (
            given.text(part, "metadata", "name")
            or f"{str(part['type']).replace('_', ' ').capitalize()} {numbers[part['type']]}"
        )
        if place["type"] == "device" and part["type"] in GROUPED:
            label = f"All {str(part['type']).removeprefix('grouped_').replace('_', ' ')}s"
            made += facets.entities_of(part, is_only=False, label=label)
            continue
        # People may say that a plug is a lamp; what it was made as decides.
        made_as = {**part, "product_data": archetype} if part["type"] == "light" else part
        made += facets.entities_of(made_as, is_only=counts[part["type"]] == 1, label=label)
    yield from _with_main(made)
    if place["type"] == "device":
        yield facets.identify(str(place["id"]))


# The first of these is what a device is for.
_MAIN: Final = ("light", "switch", "binary_sensor", "event", "sensor")


def _with_main(made: Sequence[AdvertisedEntity]) -> list[AdvertisedEntity]:
    everyday = [entity for entity in made if entity.category is None]
    if any(entity.name is None for entity in everyday):
        return list(made)
    own = [entity for entity in everyday if entity.native.get("type") not in GROUPED]
    main = next((entity for domain in _MAIN for entity in own if entity.domain == domain), None)
    is_one_of_many = main is not None and main.domain == "event"
    if main is None or (is_one_of_many and sum(entity.domain == "event" for entity in everyday) > 1):
        return list(made)
    return [replace(entity, name=None) if entity is main else entity for entity in made]


def _device(peer: str, bridge: _Bridge, device: JsonObject, entities: tuple[AdvertisedEntity, ...]) -> Advertisement:
    rid = str(device["id"])
    is_bridge = rid == bridge.bridge_rid
    about = given.mapping(device, "product_data")
    connectivity = first(bridge.resources.owned_by(rid), "zigbee_connectivity")
    has_battery = first(bridge.resources.owned_by(rid), "device_power") is not given.NOTHING
    model = given.text(about, "model_id")
    name = given.text(device, "metadata", "name") or given.text(about, "product_name") or model or "Hue device"
    words = f"{given.text(about, 'product_name')} {given.text(about, 'product_archetype')}"
    return Advertisement(
        origin=_origin(peer, bridge, rid),
        aliases=_bridge_aliases(peer) if is_bridge else _aliases(peer, rid, connectivity),
        name=name,
        entities=entities,
        brand=given.text(about, "manufacturer_name"),
        model=model,
        device_type=DeviceType.BRIDGE if is_bridge else device_type_of(entities, words),
        protocol=ProtocolType.ETHERNET if is_bridge else ProtocolType.ZIGBEE,
        via=None if is_bridge else Origin(DIALECT, peer),
        suggested_area=_room_of(bridge, rid),
        firmware_version=given.text(about, "software_version"),
        power_source="battery" if has_battery else "mains",
        native={"peer": peer, "rid": rid, "kind": "bridge" if is_bridge else "device"},
    )


def _group(peer: str, bridge: _Bridge, group: JsonObject, entities: tuple[AdvertisedEntity, ...]) -> Advertisement:
    rid = str(group["id"])
    name = given.text(group, "metadata", "name") or "Hue group"
    is_room = group["type"] == "room"
    return Advertisement(
        origin=_origin(peer, bridge, rid),
        aliases=(Alias("hue", f"{peer}/{rid}"),),
        name=name,
        entities=entities,
        brand="Philips Hue",
        model="Room" if is_room else "Zone",
        device_type=device_type_of(entities),
        protocol=ProtocolType.ZIGBEE,
        via=Origin(DIALECT, peer),
        suggested_area=name if is_room else None,
        native={"peer": peer, "rid": rid, "kind": "group"},
    )


def _origin(peer: str, bridge: _Bridge, rid: str) -> Origin:
    return Origin(DIALECT, peer if rid == bridge.bridge_rid else f"{peer}/{rid}")


def _bridge_aliases(peer: str) -> tuple[Alias, ...]:
    """A bridge's id is its MAC with fffe in the middle."""
    mac = given.mac_of(peer[:6] + peer[10:]) if peer[6:10] == "fffe" else None
    return (*((Alias("mac", mac),) if mac is not None else ()), Alias("hue", peer))


def _aliases(peer: str, rid: str, connectivity: JsonObject) -> tuple[Alias, ...]:
    address = (given.text(connectivity, "mac_address") or "").replace(":", "").lower()
    is_ieee = len(address) == 16 and all(digit in "0123456789abcdef" for digit in address)
    own = Alias("hue", f"{peer}/{rid}")
    return (Alias("zigbee_ieee", f"0x{address}"), own) if is_ieee else (own,)


def _room_of(bridge: _Bridge, rid: str) -> str | None:
    for room in bridge.resources.of_kind("room"):
        if ("device", rid) in references(room, "children"):
            return given.text(room, "metadata", "name")
    return None


def _is_reached(parts: Sequence[JsonObject]) -> bool:
    status = given.text(first(parts, "zigbee_connectivity"), "status")
    return status is None or status in _REACHED


def _entity_report(bridge: _Bridge, entity: AdvertisedEntity) -> EntityReport | None:
    kind = given.text(entity.native, "kind") or ""
    resource = bridge.resources.get(given.text(entity.native, "rid"))
    said = reading.read(kind, resource) if kind not in _TOLD_BY_EVENT else None
    if said is None:
        return None
    attributes = said[1]
    if kind == "update":
        attributes = {**attributes, "installed_version": _installed(bridge, resource)}
    return EntityReport(entity.key, said[0], attributes)


def _installed(bridge: _Bridge, software: JsonObject) -> str | None:
    return given.text(bridge.resources.get(owner_of(software)), "product_data", "software_version")


def _place_of(bridge: _Bridge, resource: JsonObject) -> Advertisement | None:
    owner = owner_of(resource)
    if bridge.resources.get(owner).get("type") == "bridge_home":
        owner = bridge.bridge_rid
    return bridge.places.get(owner or "")


def _report(bridge: _Bridge, resource: JsonObject) -> Iterator[Decoded]:
    place = _place_of(bridge, resource)
    if place is None:
        return
    if resource.get("type") == "zigbee_connectivity":
        yield AvailabilityReported(place.origin, is_available=_is_reached([resource]))
    own = [entity for entity in place.entities if entity.native.get("rid") == resource["id"]]
    reports = tuple(report for entity in own if (report := _entity_report(bridge, entity)) is not None)
    battery = reading.battery_of(resource) if resource.get("type") == "device_power" else None
    if reports:
        yield Reported(place.origin, reports, {"battery_level": battery} if battery is not None else {})


def _happened(bridge: _Bridge, whole: JsonObject, news: JsonObject) -> Iterator[Decoded]:
    """Presses and turns: only what the event itself says."""
    place = _place_of(bridge, whole)
    for entity in place.entities if place is not None else ():
        tell = _TOLD_BY_EVENT.get(str(entity.native.get("kind")))
        if tell is not None and entity.native.get("rid") == whole["id"]:
            said = tell(news)
            if said is not None and place is not None:
                yield Reported(place.origin, (EntityReport(entity.key, *said),))


def _kept(peer: str, bridge: _Bridge) -> ScenesKept:
    found = (scenes.kept(each) for each in bridge.resources.of_kind("scene"))
    return ScenesKept(Origin(DIALECT, peer), tuple(each for each in found if each is not None))


def _named(scene: JsonObject) -> str | None:
    return given.text(scene, "metadata", "name")


def _peer_of(device: Device) -> str:
    peer = given.text(device.native, "peer")
    if peer is None:
        raise NotPossible("its Hue bridge is not known any more.")
    return peer


def _put(peer: str, kind: str, rid: str, body: JsonObject) -> Request:
    return Request(DIALECT, peer, {"do": "put", "type": kind, "id": rid, "body": body})


def _delete(peer: str, kind: str, rid: str) -> Request:
    return Request(DIALECT, peer, {"do": "delete", "type": kind, "id": rid})


def _rejected(frame: Frame, code: str, reason: str) -> Rejected:
    return Rejected(DIALECT, f"{frame.peer} {frame.kind}", code, reason)
