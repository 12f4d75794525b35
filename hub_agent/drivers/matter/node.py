"""One node of the server's fabric: the devices that it is, what they can do, how they are. A bridge is one device, and one for each it bridges."""

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Final

from hub_agent.drivers import given
from hub_agent.drivers.matter import clusters as c, reading
from hub_agent.drivers.matter.clusters import Attributes, whole_of
from hub_agent.drivers.matter.entities import entities_of
from hub_agent.drivers.vocabulary import device_type_of, slug
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
from hub_agent.model.report import AvailabilityReported, Decoded, DeviceGone, EntityReport, Reported

DIALECT: Final = "matter"
BRIDGED_MAX: Final = 500
ENDPOINTS_MAX: Final = 1_000

_REACHABLE: Final = 17


class Part:
    """A device of a node: the node itself (`endpoint` 0), or one that it bridges."""

    def __init__(self, origin: Origin, endpoint: int) -> None:
        self.origin = origin
        self.endpoint = endpoint
        self.is_available: bool | None = None
        self.entities: dict[str, AdvertisedEntity | Entity] = {}


class Node:
    def __init__(self, fabric: str, number: int) -> None:
        self.number = number
        self.fabric = fabric
        self._is_available: bool | None = None
        self._attributes = Attributes()
        self._parts: dict[int, Part] = {}
        self._keys_by_path: dict[str, list[tuple[int, str]]] = {}
        # The newest version on offer: (number for the server, words).
        self.offered: tuple[int, str] | None = None

    def _origin(self, endpoint: int) -> Origin:
        end = f"-{endpoint}" if endpoint else ""
        return Origin(DIALECT, f"{self.fabric}-{self.number}{end}")

    def restore(self, device: Device) -> None:
        endpoint = whole_of(device.native.get("endpoint")) or 0
        part = Part(device.origin, endpoint)
        part.entities = {entity.key: entity for entity in device.entities}
        self._parts[endpoint] = part
        self._index()

    def release(self, endpoint: int) -> None:
        self._parts.pop(endpoint, None)
        self._index()

    # What it says.

    def described(self, body: JsonObject, peer: str) -> Iterator[Decoded]:
        """A whole node, as the server has it after an interview."""
        attributes = given.mapping(body, "attributes")
        if attributes:
            self._attributes = Attributes(attributes)
            yield from self._advertise(peer)
        available = body.get("available")
        if isinstance(available, bool):
            self._is_available = available
        yield from self._availability()
        for part in self._parts.values():
            yield from self._report(part, [key for key in part.entities if part.entities[key].domain != "event"])

    def _advertise(self, peer: str) -> Iterator[Decoded]:
        has = self._attributes.clusters()
        owners = self._owners(has)
        for gone in sorted(self._parts.keys() - {0, *owners.values()}):
            yield DeviceGone(self._parts.pop(gone).origin)
        for endpoint in sorted({0, *owners.values()})[: BRIDGED_MAX + 1]:
            own = sorted(each for each, owner in owners.items() if owner == endpoint)
            entities = entities_of(self._attributes, own, has)
            part = self._parts.setdefault(endpoint, Part(self._origin(endpoint), endpoint))
            part.entities = {entity.key: entity for entity in entities}
            yield self._advertisement(part, entities, own, peer)
        self._index()

    def _owners(self, has: Mapping[int, set[int]]) -> dict[int, int]:
        """Endpoint -> the endpoint of the device that it is a part of."""
        bridged = {endpoint for endpoint, clusters in has.items() if endpoint and c.BRIDGED_BASIC in clusters}
        owners = dict.fromkeys(sorted(has)[:ENDPOINTS_MAX], 0)
        for endpoint in sorted(bridged & owners.keys()):
            waiting, seen = [endpoint], set[int]()
            while waiting:
                part = waiting.pop()
                if part in seen or part not in owners or (part in bridged and part != endpoint):
                    continue
                seen.add(part)
                owners[part] = endpoint
                waiting += self._attributes.parts(part)
        return owners

    def _advertisement(
        self, part: Part, entities: tuple[AdvertisedEntity, ...], endpoints: list[int], peer: str
    ) -> Advertisement:
        at, cluster = part.endpoint, c.BRIDGED_BASIC if part.endpoint else c.BASIC
        text = self._attributes.text
        brand, model = text(at, cluster, 1), text(at, cluster, 3)
        types = {kind for endpoint in endpoints for kind in self._attributes.device_types(endpoint)}
        native: JsonObject = {"peer": peer, "fabric": self.fabric, "node": self.number, "endpoint": at}
        return Advertisement(
            part.origin,
            tuple(self._aliases(part.endpoint, cluster)),
            name=text(at, cluster, 5) or text(at, cluster, 14) or model or f"Matter node {self.number}",
            entities=entities,
            brand=brand,
            model=model,
            device_type=_type_of(entities, types, model or ""),
            protocol=ProtocolType.MATTER if part.endpoint else self._protocol(),
            via=self._origin(0) if part.endpoint else Origin(DIALECT, self.fabric),
            firmware_version=text(at, cluster, 10),
            power_source=self._power_source(endpoints),
            native=native,
        )

    def _aliases(self, endpoint: int, cluster: int) -> Iterator[Alias]:
        if endpoint == 0:
            yield Alias("matter_node", f"{self.fabric}-{self.number:016x}")
            # A bridge is a program on a computer, whose address is that of other things, too.
            is_bridge = any(
                c.AGGREGATOR in self._attributes.device_types(part) for part in (0, *self._attributes.parts(0))
            )
            for mac in () if is_bridge else self._macs():
                yield Alias("mac", mac)
        else:
            yield Alias("matter_endpoint", f"{self.fabric}-{self.number:016x}-{endpoint}")
        unique = self._attributes.text(endpoint, cluster, 18)
        if unique is not None:
            numbers = [whole_of(self._attributes.get(endpoint, cluster, each)) or 0 for each in (2, 4)]
            # Example programs of the SDK share unique ids: the product's name tells them apart.
            product = slug(self._attributes.text(endpoint, cluster, 3) or "")
            yield Alias("matter_unique", f"{numbers[0]}-{numbers[1]}-{product}-{unique[:64]}")

    def _interfaces(self) -> Iterator[JsonObject]:
        return c.objects(self._attributes.get(0, c.GENERAL_DIAGNOSTICS, 0))

    def _macs(self) -> Iterator[str]:
        for interface in self._interfaces():
            raw = interface.get("4")
            if interface.get("7") not in {1, 2} or interface.get("1") is not True or not isinstance(raw, str):
                continue
            try:
                address = base64.b64decode(raw[:64], validate=True)
            except binascii.Error:
                continue
            if len(address) == 6 and any(address):
                yield address.hex()

    def _protocol(self) -> ProtocolType:
        kinds = {interface.get("7") for interface in self._interfaces() if interface.get("1") is True}
        for kind, protocol in ((4, ProtocolType.THREAD), (1, ProtocolType.WIFI), (2, ProtocolType.ETHERNET)):
            if kind in kinds:
                return protocol
        return ProtocolType.MATTER

    def _power_source(self, endpoints: list[int]) -> str | None:
        features = [self._attributes.features(endpoint, c.POWER_SOURCE) for endpoint in endpoints]
        if any(each & 2 for each in features):
            return "battery"
        return "mains" if any(each & 1 for each in features) else None

    def _index(self) -> None:
        self._keys_by_path = {}
        for part in self._parts.values():
            for key, entity in part.entities.items():
                for path in given.mapping(entity.native, "paths").values():
                    if isinstance(path, str):
                        self._keys_by_path.setdefault(path, []).append((part.endpoint, key))

    # How it is.

    def changed(self, path: str, value: JsonValue) -> Iterator[Decoded]:
        if not self._attributes.put(path, value):
            return
        parts = path.split("/")
        if len(parts) == 3 and parts[1] == str(c.BRIDGED_BASIC) and parts[2] == str(_REACHABLE):
            yield from self._availability()
        keys: dict[int, list[str]] = {}
        for endpoint, key in self._keys_by_path.get(path, ()):
            keys.setdefault(endpoint, []).append(key)
        for endpoint, changed in keys.items():
            yield from self._report(self._parts[endpoint], changed)
        if path == f"0/{c.WIFI_DIAGNOSTICS}/4" and 0 in self._parts:
            observed = self._signal()
            if observed:
                yield Reported(self._parts[0].origin, (), observed)

    def _availability(self) -> Iterator[Decoded]:
        if self._is_available is None:
            return
        for endpoint, part in self._parts.items():
            reachable = self._attributes.get(endpoint, c.BRIDGED_BASIC, _REACHABLE) if endpoint else True
            is_available = self._is_available and reachable is not False
            part.is_available = is_available
            yield AvailabilityReported(part.origin, is_available=is_available)

    def all_gone(self) -> Iterator[Decoded]:
        for endpoint in sorted(self._parts, reverse=True):
            yield DeviceGone(self._parts[endpoint].origin)
        self._parts.clear()

    def event(self, endpoint: int, cluster: int, event: int, data: JsonObject) -> Iterator[Decoded]:
        for part in self._parts.values():
            for key, entity in part.entities.items():
                native = entity.native
                if entity.domain == "event" and native.get("endpoint") == endpoint and native.get("cluster") == cluster:
                    report = reading.read_event(key, native, event, data)
                    if report is not None:
                        yield Reported(part.origin, (report,))

    def told_update(self, version: int | None, words: str | None) -> Iterator[Decoded]:
        """What the server found when it was asked for a newer version; None: there is none."""
        self.offered = (version, words) if version is not None and words is not None else None
        part = self._parts.get(0)
        if part is not None and "update" in part.entities:
            installed = self._attributes.text(0, c.BASIC, 10)
            attributes: JsonObject = {"latest_version": words or installed, "installed_version": installed}
            state = "on" if self.offered is not None else "off"
            yield Reported(part.origin, (EntityReport("update", state, attributes),))

    def _signal(self) -> dict[str, JsonValue]:
        rssi = self._attributes.number(0, c.WIFI_DIAGNOSTICS, 4)
        return {"signal_strength": round(rssi)} if rssi is not None and -120 <= rssi < 0 else {}

    def _report(self, part: Part, keys: list[str]) -> Iterator[Decoded]:
        reports: list[EntityReport] = []
        observed: dict[str, JsonValue] = {}
        for key in keys:
            entity = part.entities[key]
            report = reading.read(key, entity.native, self.now(entity.native))
            if report is None:
                continue
            if key == "update" and self.offered is not None and report.state == "off":
                report = EntityReport(key, "on", report.attributes)
            reports.append(report)
            if entity.native.get("battery") is True and report.state is not None:
                observed["battery_level"] = round(float(report.state))
        if part.endpoint == 0 and len(keys) > 1:
            observed |= self._signal()
        if reports or observed:
            yield Reported(part.origin, tuple(reports), observed)

    def now(self, native: JsonObject) -> reading.Now:
        """What the attributes of an entity are now, by role."""
        named = given.mapping(native, "paths")

        def value_of(role: str) -> JsonValue:
            path = named.get(role)
            return self._attributes.at(path) if isinstance(path, str) else None

        return value_of


def _type_of(entities: tuple[AdvertisedEntity, ...], types: set[int], model: str) -> DeviceType:
    if c.AGGREGATOR in types:
        return DeviceType.BRIDGE
    guess = device_type_of(entities, model)
    if types & {114, 772}:
        return DeviceType.HVAC
    if guess in {DeviceType.OTHER, DeviceType.SWITCH, DeviceType.SENSOR_TEMPERATURE} and types & c.APPLIANCES:
        return DeviceType.APPLIANCE
    return guess
