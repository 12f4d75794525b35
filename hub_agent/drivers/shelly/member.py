"""One device: what it is, what its components said last, and which entities that makes."""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Final

from hub_agent.drivers import given
from hub_agent.drivers.shelly import components, gen1, reading
from hub_agent.drivers.vocabulary import device_type_of
from hub_agent.model.device import AdvertisedEntity, Advertisement, Alias, Device, Origin, ProtocolType
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.report import EntityReport, Reported

DIALECT: Final = "shelly"
FIELDS_MAX: Final = 64
LIST_MAX: Final = 16

_VERSION: Final = re.compile(r"v?(\d+\.\d+\.\d+[\w.-]*)")


class Member:
    """Its native identity is its MAC; `peer` is the key of the link that it is heard by."""

    def __init__(
        self,
        peer: str,
        mac: str,
        generation: int,
        natives: Iterable[tuple[str, JsonObject]],
        dialect: str = DIALECT,
    ) -> None:
        self.peer = peer
        self.generation = generation
        self.origin = Origin(dialect, mac)
        self._statuses: dict[str, JsonObject] = {}
        self._presses: dict[str, JsonValue] = {}
        self._natives_by_component: dict[str, list[tuple[str, JsonObject]]] = {}
        self.speak_for(natives)
        self._installed: str | None = None

    def speak_for(self, natives: Iterable[tuple[str, JsonObject]]) -> None:
        """From now on it reports of these entities."""
        self._natives_by_component = {}
        for key, native in natives:
            component = given.text(native, "component")
            if component is not None:
                self._natives_by_component.setdefault(component, []).append((key, native))

    def status(self, component: str) -> JsonObject:
        return self._statuses.get(component, given.NOTHING)

    @property
    def statuses(self) -> Mapping[str, JsonObject]:
        return self._statuses

    def run(self, version: str | None) -> None:
        """Told which firmware runs on it: a status names only what is offered."""
        self._installed = version

    def remember(self, before: "Member") -> None:
        """It has described itself anew: presses that were counted are not counted again."""
        self._presses = before._presses  # noqa: SLF001 -- of the same class

    def take(self, changes: Mapping[str, JsonValue]) -> Reported:
        """`changes`: by component, whole or only what is new."""
        reports: list[EntityReport] = []
        for component, body in islice(changes.items(), components.COMPONENTS_MAX):
            if isinstance(body, Mapping) and self._is_kept(component):
                self._statuses[component] = _merged(self.status(component), body)
                reports += self._reports(component)
        return Reported(self.origin, tuple(reports), self._observed(changes))

    def press(self, component: str, event: str) -> Reported | None:
        reports = tuple(
            EntityReport(key, None, {"event_type": event})
            for key, native in self._natives_by_component.get(component, ())
            if native.get("kind") == "event"
        )
        return Reported(self.origin, reports) if reports else None

    def _is_kept(self, component: str) -> bool:
        return component in self._statuses or len(self._statuses) < components.COMPONENTS_MAX

    def _reports(self, component: str) -> Iterator[EntityReport]:
        status = self._statuses[component]
        if component == "sys" and self._installed is not None:
            status = {**status, "installed_version": self._installed}
        for key, native in self._natives_by_component.get(component, ()):
            if native.get("kind") == "presses":
                report = self._pressed(key, component, status)
            else:
                report = reading.read(key, native, status)
            if report is not None:
                yield report

    def _pressed(self, key: str, component: str, status: JsonObject) -> EntityReport | None:
        """The first generation counts: the first count that is heard is of presses long past."""
        count = status.get("event_cnt")
        before = self._presses.get(component)
        if given.number_of(count) is None or count == before:
            return None
        self._presses[component] = count
        press = gen1.PRESS_BY_CODE.get(given.text(status, "event") or "")
        if before is None or press is None:
            return None
        return EntityReport(key, None, {"event_type": press})

    def _observed(self, changes: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        battery = given.number(changes, "devicepower:0", "battery", "percent")
        battery = battery if battery is not None else given.number(changes, "device", "bat", "value")
        rssi = given.number(changes, "wifi", "rssi") or given.number(changes, "device", "wifi_sta", "rssi")
        address = (
            given.text(changes, "wifi", "sta_ip")
            or given.text(changes, "eth", "ip")
            or given.text(changes, "device", "wifi_sta", "ip")
        )
        observed: dict[str, JsonValue] = {}
        if battery is not None and 0 <= battery <= 100:
            observed["battery_level"] = round(battery)
        if rssi is not None and -200 < rssi < 0:
            observed["signal_strength"] = round(rssi)
        if address is not None:
            observed["ip_address"] = address
        if self._installed is not None and ("sys" in changes or "device" in changes):
            observed["firmware_version"] = self._installed
        return observed


def _merged(old: JsonObject, new: JsonObject) -> JsonObject:
    """What is new stands over what was known, also one level down; bounded."""
    merged: dict[str, JsonValue] = dict(old)
    for name, value in islice(new.items(), FIELDS_MAX):
        if name not in merged and len(merged) >= FIELDS_MAX:
            continue
        if isinstance(value, Mapping):
            inner: dict[str, JsonValue] = {**given.mapping(merged, name), **_trimmed(value)}
            merged[name] = dict(islice(inner.items(), FIELDS_MAX))
        else:
            merged[name] = _plain(value)
    return merged


def _trimmed(body: JsonObject) -> dict[str, JsonValue]:
    return {
        name: {inner: _plain(each) for inner, each in islice(value.items(), LIST_MAX)}
        if isinstance(value, Mapping)
        else _plain(value)
        for name, value in islice(body.items(), FIELDS_MAX)
    }


def _plain(value: JsonValue) -> JsonValue:
    """A value of a bearable size; what is none is nothing."""
    if isinstance(value, str):
        return value[: given.TEXT_CHARS_MAX]
    if isinstance(value, list | tuple):
        return [each for each in value[:LIST_MAX] if isinstance(each, bool | int | float)]
    return value if isinstance(value, bool | int | float) else None


class Description:
    """Everything that a device tells of itself when it is met: `{"shelly", "settings", "status", "components"}`, of any generation."""

    def __init__(self, body: JsonObject) -> None:
        self.info = given.mapping(body, "shelly")
        self.settings = given.mapping(body, "settings")
        status = given.mapping(body, "status")
        self.generation = int(given.number(self.info, "gen") or 1)
        self.mac = given.mac_of(self.info.get("mac"))
        config: dict[str, JsonValue] = dict(self.settings)
        parts: dict[str, JsonValue] = dict(status) if self.generation > 1 else dict(gen1.components_of(status))
        if self.generation > 1:
            for component in given.listed(body, "components")[: components.COMPONENTS_MAX]:
                key = given.text(component, "key")
                if key is not None:
                    parts[key] = given.mapping(component, "status")
                    config[key] = given.mapping(component, "config")
        self.config: JsonObject = config
        self.status: JsonObject = {
            name: _merged({}, part)
            for name, part in islice(parts.items(), components.COMPONENTS_MAX)
            if isinstance(part, Mapping)
        }

    def entities(self) -> tuple[AdvertisedEntity, ...]:
        if self.generation == 1:
            return gen1.entities_of(
                self.info, self.settings, {name: given.mapping(self.status, name) for name in self.status}
            )
        return components.entities_of(self.status, self.config)

    @property
    def version(self) -> str | None:
        if self.generation > 1:
            return given.text(self.info, "ver")
        found = _VERSION.search(given.text(self.info, "fw") or "")
        return found[1] if found else None

    @property
    def model(self) -> str | None:
        if self.generation > 1:
            # Devices of other makers with its module in them say their name in a certificate.
            return given.text(self.info, "jwt", "n") or given.text(self.info, "app") or given.text(self.info, "model")
        kind = given.text(self.info, "type")
        return gen1.MODELS.get(kind or "", kind)

    @property
    def name(self) -> str:
        named = (
            given.text(self.settings, "sys", "device", "name")
            or given.text(self.info, "name")
            or given.text(self.settings, "name")
        )
        return named or f"Shelly {self.model or self.mac}"

    def advertisement(self, peer: str, entities: tuple[AdvertisedEntity, ...]) -> Advertisement:
        assert self.mac is not None  # asked before
        is_battery = (
            given.number(self.status, "devicepower:0", "battery", "percent") is not None
            or given.number(self.status, "device", "bat", "value") is not None
        )
        words = f"{self.model} plug" if "plug" in (self.model or "").lower() else self.model or ""
        return Advertisement(
            origin=Origin(DIALECT, self.mac),
            aliases=(Alias("mac", self.mac),),
            name=self.name,
            entities=entities,
            brand="Shelly",
            model=self.model,
            device_type=device_type_of(entities, words),
            protocol=ProtocolType.WIFI,
            firmware_version=self.version,
            power_source="battery" if is_battery else "wired",
            native={"peer": peer, "generation": self.generation},
        )


def restored(device: Device) -> Member | None:
    peer, mac = given.text(device.native, "peer"), given.mac_of(device.origin.native_id)
    if peer is None or mac is None:
        return None
    generation = int(given.number(device.native, "generation") or 2)
    return Member(peer, mac, generation, ((entity.key, entity.native) for entity in device.entities))
