"""HomeKit accessories: what they say -> reports, actions -> values of characteristics. The README beside this has the frames."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from hub_agent.drivers import given
from hub_agent.drivers.homekit.accessory import ACCESSORIES_MAX, Accessory, plain, read_accessories, whole_id
from hub_agent.drivers.homekit.facets import entities_of
from hub_agent.drivers.homekit.reading import Values, iids_of, read
from hub_agent.drivers.homekit.writing import write
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
from hub_agent.model.report import AvailabilityReported, Decoded, DeviceGone, EntityReport, Rejected, Reported

DIALECT: Final = "homekit"
PEERS_MAX: Final = 200
VALUES_MAX: Final = 100_000
_BRIDGE: Final = 1
# A bridge says of an accessory that it does not reach (HAP status codes).
_UNREACHABLE: Final = frozenset({-70402, -70408, -70409})
_NO_SERIAL: Final = frozenset({"", "0", "1", "default-serialnumber", "unknown", "none", "serialnumber"})
_SERIAL_CHARS_MIN: Final = 6
_HUE_SERIAL_CHARS_MIN: Final = 15


@dataclass(slots=True)
class _Known:
    """An accessory, what its entities are, and the last value of each characteristic."""

    origin: Origin
    natives: dict[str, JsonObject]
    values: dict[int, JsonValue] = field(default_factory=dict)
    memory_by_key: dict[str, dict[str, JsonValue]] = field(default_factory=dict)
    keys_by_iid: dict[int, tuple[str, ...]] = field(default_factory=dict)
    is_reached: bool = True

    def __post_init__(self) -> None:
        for key, native in self.natives.items():
            for iid in iids_of(native):
                self.keys_by_iid[iid] = (*self.keys_by_iid.get(iid, ()), key)

    def reports(self, changed: frozenset[int], keys: Iterable[str]) -> tuple[EntityReport, ...]:
        made = []
        for key in keys:
            said = read(Values(self.natives[key], self.values, changed), self.memory_by_key.setdefault(key, {}))
            if said is not None:
                made.append(EntityReport(key, said[0], said[1]))
        return tuple(made)


class HomeKit:
    dialect = DIALECT

    def __init__(self) -> None:
        self._known_by_peer: dict[str, dict[int, _Known]] = {}

    def restore(self, devices: Iterable[Device]) -> tuple[str, ...]:
        for device in devices:
            peer, aid = given.text(device.native, "peer"), whole_id(device.native.get("aid"))
            if peer is not None and aid is not None:
                natives = {entity.key: entity.native for entity in device.entities}
                self._known_by_peer.setdefault(peer, {})[aid] = _Known(device.origin, natives)
        return ()

    def release(self, device: Device) -> tuple[str, ...]:
        peer, aid = given.text(device.native, "peer"), whole_id(device.native.get("aid"))
        if peer is not None and aid is not None:
            self._known_by_peer.get(peer, {}).pop(aid, None)
        return ()

    def unexplained(self) -> Sequence[Rejected]:
        return ()

    def hear(self, frame: Frame) -> Sequence[Decoded]:
        if frame.kind == "accessories":
            return self._hear_accessories(frame)
        if frame.kind in {"read", "event"}:
            return self._hear_values(frame, is_event=frame.kind == "event")
        return [_rejected(frame, "kind_unknown", f"no frame of HomeKit is called {frame.kind!r:.40}")]

    # What it is asked.

    def encode(self, device: Device, entity: Entity, action: str, data: JsonObject) -> Sequence[Request]:
        peer, aid = given.text(device.native, "peer"), whole_id(device.native.get("aid"))
        if peer is None or aid is None:
            raise NotPossible("this accessory was never heard; it has to be found first.")
        known = self._known_by_peer.get(peer, {}).get(aid)
        written = write(Values(entity.native, known.values if known is not None else {}), action, data)
        values = [{"aid": aid, "iid": iid, "value": value} for iid, value in written]
        return [Request(DIALECT, peer, {"do": "put", "values": values})]

    def encode_refresh(self, device: Device) -> Sequence[Request]:
        peer, aid = given.text(device.native, "peer"), whole_id(device.native.get("aid"))
        if peer is None or aid is None:
            return []
        return [Request(DIALECT, peer, {"do": "read", "aid": aid})]

    def encode_reconfigure(self, device: Device) -> Sequence[Request]:
        """All accessories are asked for again."""
        peer = given.text(device.native, "peer")
        return [Request(DIALECT, peer, {"do": "accessories"})] if peer is not None else []

    # What it hears.

    def _hear_accessories(self, frame: Frame) -> Sequence[Decoded]:
        accessories, is_whole = read_accessories(frame.body)
        if not accessories:
            return [_rejected(frame, "no_accessories", "a list of accessories was expected")]
        if frame.peer not in self._known_by_peer and len(self._known_by_peer) >= PEERS_MAX:
            return [_rejected(frame, "too_many_peers", f"more than {PEERS_MAX} accessories are not followed")]
        before = self._known_by_peer.setdefault(frame.peer, {})
        decoded: list[Decoded] = []
        for accessory in sorted(accessories, key=lambda each: each.aid != _BRIDGE):
            decoded += self._meet(frame.peer, accessory, accessories, before)
        if is_whole:
            for aid in sorted(before.keys() - {accessory.aid for accessory in accessories}):
                decoded.append(DeviceGone(before.pop(aid).origin))
        else:
            decoded.append(_rejected(frame, "accessory_damaged", "a part of the accessories was left out"))
        return decoded

    def _meet(
        self, peer: str, accessory: Accessory, accessories: Sequence[Accessory], before: dict[int, _Known]
    ) -> Iterable[Decoded]:
        if accessory.aid not in before and len(before) >= ACCESSORIES_MAX:
            return
        entities = tuple(entities_of(accessory))
        known = _Known(_origin(peer, accessory.aid), {entity.key: entity.native for entity in entities})
        iids = known.keys_by_iid.keys()
        known.values = {
            each.iid: each.value
            for service in accessory.services
            for each in service.by_kind.values()
            if each.iid in iids and each.value is not None
        }
        earlier = before.get(accessory.aid)
        if earlier is not None:
            known.memory_by_key = earlier.memory_by_key
        before[accessory.aid] = known
        yield _advertisement(peer, accessory, accessories, entities)
        yield AvailabilityReported(known.origin, is_available=True)
        # A press is not something that was: buttons are heard by events only.
        keys = [key for key, native in known.natives.items() if native.get("kind") != "event"]
        reports = known.reports(frozenset(known.values), keys)
        yield Reported(known.origin, reports, _observed(accessory))

    def _hear_values(self, frame: Frame, *, is_event: bool) -> Sequence[Decoded]:
        said_by_aid: dict[int, dict[int, JsonValue]] = {}
        unreached: set[int] = set()
        faults = 0
        for each in given.listed(frame.body, "characteristics")[:VALUES_MAX]:
            aid, iid = whole_id(given.at(each, "aid")), whole_id(given.at(each, "iid"))
            if aid is None or iid is None or not isinstance(each, Mapping):
                faults += 1
            elif "value" in each:
                said_by_aid.setdefault(aid, {})[iid] = plain(each["value"])
            elif each.get("status") in _UNREACHABLE:
                unreached.add(aid)
        decoded: list[Decoded] = []
        known_by_aid = self._known_by_peer.get(frame.peer, {})
        for aid, said in said_by_aid.items():
            known = known_by_aid.get(aid)
            if known is not None:
                decoded += _report(known, said, is_event=is_event)
        for aid in sorted(unreached - said_by_aid.keys()):
            known = known_by_aid.get(aid)
            if known is not None and known.is_reached:
                known.is_reached = False
                decoded.append(AvailabilityReported(known.origin, is_available=False))
        if faults or (not said_by_aid and not unreached):
            decoded.append(
                _rejected(frame, "values_unreadable", "characteristics with aid, iid and value were expected")
            )
        return decoded


def _report(known: _Known, said: Mapping[int, JsonValue], *, is_event: bool) -> Iterable[Decoded]:
    if not known.is_reached:
        known.is_reached = True
        yield AvailabilityReported(known.origin, is_available=True)
    ours = {iid: value for iid, value in said.items() if iid in known.keys_by_iid and value is not None}
    known.values |= ours
    keys = dict.fromkeys(key for iid in ours for key in known.keys_by_iid[iid])
    wanted = [key for key in keys if is_event or known.natives[key].get("kind") != "event"]
    reports = known.reports(frozenset(ours), wanted)
    if reports:
        battery = _battery(known, ours)
        yield Reported(known.origin, reports, {"battery_level": battery} if battery is not None else {})


def _battery(known: _Known, said: Mapping[int, JsonValue]) -> int | None:
    for key, native in known.natives.items():
        if key.startswith("battery_") and native.get("kind") == "sensor":
            level = next((given.number_of(said[iid]) for iid in iids_of(native) if iid in said), None)
            return None if level is None else max(0, min(100, round(level)))
    return None


def _advertisement(
    peer: str, accessory: Accessory, accessories: Sequence[Accessory], entities: tuple[AdvertisedEntity, ...]
) -> Advertisement:
    name, model = accessory.information("23"), accessory.information("21")
    is_bridge = (
        accessory.aid == _BRIDGE and len(accessories) > 1 and all(entity.name is not None for entity in entities)
    )
    via = None if accessory.aid == _BRIDGE else _origin(peer, _BRIDGE)
    has_bridge = any(each.aid == _BRIDGE for each in accessories)
    return Advertisement(
        origin=_origin(peer, accessory.aid),
        aliases=_aliases(peer, accessory, accessories),
        name=name or model or "HomeKit accessory",
        entities=entities,
        brand=accessory.information("20"),
        model=model,
        device_type=DeviceType.BRIDGE if is_bridge else device_type_of(entities, f"{name} {model}"),
        protocol=ProtocolType.WIFI if accessory.aid == _BRIDGE else None,
        via=via if has_bridge else None,
        firmware_version=accessory.information("52"),
        native={"peer": peer, "aid": accessory.aid},
    )


def _origin(peer: str, aid: int) -> Origin:
    return Origin(DIALECT, peer if aid == _BRIDGE else f"{peer}/{aid}")


def _aliases(peer: str, accessory: Accessory, accessories: Sequence[Accessory]) -> tuple[Alias, ...]:
    """A serial number is one only where it is not one of the fillers that bridges give to all their children."""
    aliases = [Alias("homekit", peer if accessory.aid == _BRIDGE else f"{peer}/{accessory.aid}")]
    serial = (accessory.information("30") or "").strip()
    mac = given.mac_of(serial)
    if mac is not None and not serial.isdigit():
        aliases.insert(0, Alias("mac", mac))
    elif (ieee := _ieee_of_hue(accessory, serial)) is not None:
        aliases.insert(0, Alias("zigbee_ieee", ieee))
    elif _is_serial(serial) and sum(each.information("30") == serial for each in accessories) == 1:
        aliases.append(Alias("serial", serial))
    return tuple(aliases)


def _ieee_of_hue(accessory: Accessory, serial: str) -> str | None:
    """A Hue bridge numbers what is behind it by their Zigbee addresses, written as decimal numbers."""
    is_hue = (accessory.information("20") or "").casefold().startswith(("philips", "signify"))
    if not is_hue or serial != str(accessory.aid) or len(serial) < _HUE_SERIAL_CHARS_MIN:
        return None
    return f"0x{accessory.aid:016x}"


def _is_serial(serial: str) -> bool:
    has_digit = any(letter.isdigit() for letter in serial)
    is_entity = "." in serial or "*" in serial or " " in serial
    return len(serial) >= _SERIAL_CHARS_MIN and has_digit and not is_entity and serial.lower() not in _NO_SERIAL


def _observed(accessory: Accessory) -> dict[str, JsonValue]:
    battery, firmware = accessory.characteristic("68"), accessory.information("52")
    level = given.number_of(battery.value) if battery is not None else None
    observed: dict[str, JsonValue] = {}
    if level is not None:
        observed["battery_level"] = max(0, min(100, round(level)))
    if firmware is not None:
        observed["firmware_version"] = firmware
    return observed


def _rejected(frame: Frame, code: str, reason: str) -> Rejected:
    return Rejected(DIALECT, f"{frame.peer} {frame.kind}", code, reason)
