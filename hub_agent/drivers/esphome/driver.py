"""Nodes and what they say over their links. Frames:

    node    {"info", "entities", "services", "api", "address"}: at each connection, all that the node is and has
    state   one entity's state, as the node pushes it; `kind` and `key` say which entity

A node's peer key is its MAC address. https://esphome.io/components/api/
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from hub_agent.drivers import given
from hub_agent.drivers.esphome import writing
from hub_agent.drivers.esphome.describing import DIALECT, KINDS, SERVICE, devices_of
from hub_agent.drivers.esphome.kind import NOTHING, whole
from hub_agent.errors import NotPossible
from hub_agent.model.device import AdvertisedEntity, Device, Entity, Origin
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.link import Frame, Request
from hub_agent.model.report import Decoded, EntityReport, Rejected, Reported

# Nodes remembered; of more, the one met longest ago is met anew at its next connection.
NODES_MAX: Final = 1000

# (kind, key, device_id): how a node names an entity.
_Name = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class _Place:
    """Whose entity a state is of."""

    origin: Origin
    entity_key: str
    native: JsonObject
    device_class: str | None
    unit: str | None


class Esphome:
    dialect: Final = DIALECT

    def __init__(self) -> None:
        self._places_by_peer: dict[str, dict[_Name, _Place]] = {}
        # The newest state of the lamps and thermostats, as it came: what a command means may depend on it.
        self._before: dict[tuple[str, _Name], JsonObject] = {}

    def restore(self, devices: Iterable[Device]) -> tuple[str, ...]:
        for device in devices:
            peer = given.text(device.native, "peer")
            if device.origin.dialect == DIALECT and peer is not None:
                places = self._places_by_peer.setdefault(peer, {})
                places |= _places(device.origin, device.entities)
        return ()

    def hear(self, frame: Frame) -> Sequence[Decoded]:
        body = frame.body
        if isinstance(body, dict) and frame.kind == "state":
            return self._hear_state(frame.peer, body)
        if isinstance(body, dict) and frame.kind == "node":
            return self._hear_node(frame, body)
        return [_rejected(frame, "unknown_frame", "a node says `node` or `state`, and an object")]

    def _hear_node(self, frame: Frame, body: JsonObject) -> Sequence[Decoded]:
        advertisements = devices_of(frame.peer, body)
        if advertisements is None:
            return [_rejected(frame, "not_a_node", "a node has a name and a MAC address")]
        self._forget(frame.peer)
        while len(self._places_by_peer) >= NODES_MAX:
            self._forget(next(iter(self._places_by_peer)))
        places: dict[_Name, _Place] = {}
        for advertisement in advertisements:
            places |= _places(advertisement.origin, advertisement.entities)
        self._places_by_peer[frame.peer] = places
        address = given.text(body, "address")
        if address is None:
            return advertisements
        return [*advertisements, Reported(advertisements[0].origin, (), {"ip_address": address[:64]})]

    def _forget(self, peer: str) -> None:
        for name in self._places_by_peer.pop(peer, {}):
            self._before.pop((peer, name), None)

    def _hear_state(self, peer: str, body: JsonObject) -> Sequence[Decoded]:
        kind, key = given.text(body, "kind") or "", whole(body, "key")
        places = self._places_by_peer.get(peer)
        if places is None or key is None or kind not in KINDS:
            return []
        part = whole(body, "device_id") or 0
        name: _Name = (kind, key, part)
        place = places.get(name)
        if place is None:
            return []
        said = KINDS[kind].read(place.native, body)
        if said is None:
            return []
        if kind in {"light", "climate"}:
            self._before[peer, name] = body
        state, attributes = said
        report = EntityReport(place.entity_key, state, attributes)
        return [Reported(place.origin, (report,), _observed(place, state))]

    def encode(self, device: Device, entity: Entity, action: str, data: JsonObject) -> Sequence[Request]:
        peer, kind = given.text(device.native, "peer"), given.text(entity.native, "kind") or ""
        domain, _, verb = action.partition(".")
        if peer is None:
            raise NotPossible(f"{device.name}: it has not been met yet.")
        if domain not in {entity.domain, "homeassistant"}:
            raise NotPossible(f"{device.name}: {action} cannot be done with {entity.id}, a {entity.domain}.")
        try:
            if kind == SERVICE:
                return [Request(DIALECT, peer, writing.call_service(entity.native, verb, data))]
            before = self._before.get((peer, _name(entity.native)), NOTHING)
            return [Request(DIALECT, peer, writing.command(entity.native, verb, data, before))]
        except NotPossible as error:
            raise NotPossible(f"{device.name}: {error}") from error

    def encode_refresh(self, _device: Device) -> Sequence[Request]:
        """A node pushes every change while it is connected, and all at each connection."""
        return []

    def encode_reconfigure(self, _device: Device) -> Sequence[Request]:
        return []

    def release(self, device: Device) -> tuple[str, ...]:
        peer = given.text(device.native, "peer") or ""
        places = self._places_by_peer.get(peer, {})
        for name in [name for name, place in places.items() if place.origin == device.origin]:
            del places[name]
            self._before.pop((peer, name), None)
        if not places:
            self._places_by_peer.pop(peer, None)
        return ()

    def unexplained(self) -> Sequence[Rejected]:
        return []


def _places(origin: Origin, entities: Iterable[AdvertisedEntity | Entity]) -> dict[_Name, _Place]:
    return {
        _name(entity.native): _Place(origin, entity.key, entity.native, entity.device_class, entity.unit)
        for entity in entities
        if given.text(entity.native, "kind") in KINDS
    }


def _name(native: JsonObject) -> _Name:
    kind, key = given.text(native, "kind") or "", whole(native, "key") or 0
    return kind, key, whole(native, "device_id") or 0


_OBSERVED: Final = {
    ("battery", "%"): ("battery_level", 0, 100),
    ("signal_strength", "dBm"): ("signal_strength", -150, 0),
}


def _observed(place: _Place, state: str | None) -> dict[str, JsonValue]:
    observed = _OBSERVED.get((place.device_class or "", place.unit or ""))
    if observed is None or state is None or place.native.get("kind") != "sensor":
        return {}
    name, low, high = observed
    try:
        value = round(float(state))
    except ValueError:
        return {}
    return {name: value} if low <= value <= high else {}


def _rejected(frame: Frame, code: str, reason: str) -> Rejected:
    return Rejected(DIALECT, f"{frame.peer[:64]} {frame.kind[:32]}", code, reason)
