"""One node of a network: who it is, what it can do, how it is."""

from collections.abc import Iterator, Mapping
from typing import Final

from hub_agent.drivers import given
from hub_agent.drivers.vocabulary import device_type_of
from hub_agent.drivers.zwave import reading, values as cc
from hub_agent.drivers.zwave.entities import Words, entities_of
from hub_agent.drivers.zwave.values import Value, ValueId, Values, id_in_native, read_value, whole_of
from hub_agent.model.device import (
    AdvertisedEntity,
    Advertisement,
    Alias,
    Capability,
    Device,
    Entity,
    Origin,
    ProtocolType,
)
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.report import AvailabilityReported, Decoded, EntityReport, Reported

DIALECT: Final = "zwave"
NODE_ID_MAX: Final = 4_000  # Z-Wave Long Range

ASLEEP: Final = 1
_DEAD: Final = 3
_KNOWN_STATUS: Final = frozenset({ASLEEP, 2, _DEAD, 4})
_STATUS_WORDS: Final = {0: "unknown", ASLEEP: "asleep", 2: "awake", _DEAD: "dead", 4: "alive"}
_KEY_STATES: Final = {
    0: "KeyPressed",
    1: "KeyReleased",
    2: "KeyHeldDown",
    **{number + 1: f"KeyPressed{number}x" for number in range(2, 6)},
}
PING: Final = "ping"
STATUS: Final = "status"


class Node:
    def __init__(self, home: str, number: int) -> None:
        self.origin = Origin(DIALECT, f"{home}-{number}")
        self.number = number
        self.status: int | None = None
        self.is_ready = False
        self.home = home
        self._said: JsonObject = {}
        self._values = Values()
        self._entities: dict[str, AdvertisedEntity | Entity] = {}
        self._keys_by_id: dict[ValueId, list[str]] = {}
        self._signal: float | None = None
        self._is_stale = False

    def restore(self, device: Device) -> None:
        self._take({entity.key: entity for entity in device.entities})

    # What it says.

    def described(self, body: JsonObject, peer: str) -> Iterator[Decoded]:
        """A whole dump. One that is not interviewed yet says too little to take entities away."""
        self._said = {name: each for name, each in body.items() if name not in {"values", "endpoints", "statistics"}}
        self.is_ready = body.get("ready") is True
        found = [(value, one) for one in _objects(body.get("values")) if (value := read_value(one)) is not None]
        if found or self.is_ready:
            self._values = Values(value for value, _ in found)
            for value, one in found:
                self._values.set(value.id, one.get("value"))
        yield self.advertise(peer)
        self.status = _status(body.get("status"), self.status)
        yield from self.availability()
        yield from self.state(self._rssi(given.mapping(body, "statistics")))

    def advertise(self, peer: str) -> Advertisement:
        self._is_stale = False
        words = self._words()
        entities = (*entities_of(self._values, words), *_OWN)
        is_complete = self.is_ready
        self._take({entity.key: entity for entity in entities} if is_complete else self._entities)
        config = given.mapping(self._said, "deviceConfig")
        brand, model = (
            given.text(config, "manufacturer"),
            given.text(config, "label") or given.text(self._said, "label"),
        )
        native: JsonObject = {"peer": peer, "node": self.number, "home": self.home}
        return Advertisement(
            self.origin,
            tuple(self._aliases()),
            name=given.text(self._said, "name")
            or " ".join(word for word in (brand, model) if word)
            or f"Node {self.number}",
            entities=entities if is_complete else (),
            complete=is_complete,
            brand=brand,
            model=model,
            device_type=device_type_of(entities, f"{words.specific} {words.description}"),
            protocol=ProtocolType.ZWAVE,
            via=Origin(DIALECT, self.home),
            suggested_area=given.text(self._said, "location"),
            firmware_version=given.text(self._said, "firmwareVersion"),
            power_source=self._power_source(),
            native=native,
        )

    def _words(self) -> Words:
        classes = given.mapping(self._said, "deviceClass")
        return Words(
            given.text(classes, "generic", "label") or "",
            given.text(classes, "specific", "label") or "",
            given.text(self._said, "deviceConfig", "description") or "",
        )

    def _aliases(self) -> Iterator[Alias]:
        dsk = given.text(self._said, "dsk")
        if dsk is not None:
            yield Alias("zwave_dsk", dsk)
        serial = self._values.find(cc.MANUFACTURER, 0, "deviceId", "SerialNumber")
        number = self._values.get(serial.id) if serial is not None else None
        maker = whole_of(self._said.get("manufacturerId"))
        if isinstance(number, str) and number.strip() and maker is not None:
            yield Alias("serial", f"zwave-{maker:04x}-{number.strip()[:64]}")
        yield Alias("zwave", self.origin.native_id)

    def _power_source(self) -> str | None:
        listens = self._said.get("isListening")
        if not isinstance(listens, bool):
            return None
        return "mains" if listens else "battery"

    def _take(self, entities: Mapping[str, AdvertisedEntity | Entity]) -> None:
        self._entities = dict(entities)
        self._keys_by_id = {}
        for key, entity in entities.items():
            for named in given.mapping(entity.native, "values").values():
                identity = id_in_native(named)
                if identity is not None:
                    self._keys_by_id.setdefault(identity, []).append(key)

    # How it is.

    def availability(self) -> Iterator[Decoded]:
        if self.status in _KNOWN_STATUS:
            yield AvailabilityReported(self.origin, is_available=self.status != _DEAD)

    def state(self, observed: Mapping[str, JsonValue]) -> Iterator[Decoded]:
        """All of it."""
        events = {key for key, entity in self._entities.items() if entity.domain == "event"}
        yield from self._report([key for key in self._entities if key not in events], observed)

    def changed(self, identity: ValueId, value: JsonValue) -> Iterator[Decoded]:
        if self._values.set(identity, value):
            yield from self._report(self._keys_by_id.get(identity, ()), {})

    def describe(self, value: Value) -> None:
        """A value that comes after the dump: what the node is has to be looked at again, once it is interviewed."""
        if self._values.describe(value):
            self._is_stale = self.is_ready

    def removed(self, identity: ValueId) -> None:
        if self._values.forget(identity):
            self._is_stale = self.is_ready

    def renewed(self, peer: str) -> Iterator[Decoded]:
        """Its advertisement, if what it is has changed."""
        if self._is_stale:
            before = tuple(self._entities.values())
            advertisement = self.advertise(peer)
            if tuple(self._entities.values()) != before:
                yield advertisement
                yield from self.state({})

    def meet_scene(self, identity: ValueId | None) -> None:
        """Remotes that do not say beforehand which scenes they have."""
        if identity is None or identity.command_class != cc.CENTRAL_SCENE or identity.property != "scene":
            return
        if self._values.find(*identity) is None:
            self.describe(Value(identity, "number", f"Scene {identity.key}", states=_KEY_STATES))

    def event(self, identity: ValueId, value: JsonValue) -> Iterator[Decoded]:
        for key in self._keys_by_id.get(identity, ()):
            entity = self._entities[key]
            report = reading.read_event(key, entity.native, value) if entity.domain == "event" else None
            if report is not None:
                yield Reported(self.origin, (report,))

    def told_status(self, status: int) -> Iterator[Decoded]:
        if status != self.status:
            self.status = status
            yield from self.availability()
            yield from self._report([STATUS], {})

    def statistics(self, body: JsonObject) -> Iterator[Decoded]:
        observed = self._rssi(body)
        if observed:
            yield Reported(self.origin, (), observed)

    def _rssi(self, statistics: JsonObject) -> dict[str, JsonValue]:
        """In dBm; above zero are Z-Wave's words for "not measured"."""
        rssi = given.number(statistics, "rssi")
        if rssi is None or rssi >= 0 or rssi == self._signal:
            return {}
        self._signal = rssi
        return {"signal_strength": round(rssi)}

    def _report(self, keys: "list[str] | tuple[str, ...]", observed: Mapping[str, JsonValue]) -> Iterator[Decoded]:
        more = dict(observed)
        reports: list[EntityReport] = []
        for key in keys:
            entity = self._entities.get(key)
            if entity is None:
                continue
            report = self._read(key, entity.native)
            if report is not None:
                reports.append(report)
                if entity.native.get("battery") is True and report.state is not None:
                    more["battery_level"] = round(float(report.state))
        if reports or more:
            yield Reported(self.origin, tuple(reports), more)

    def _read(self, key: str, native: JsonObject) -> EntityReport | None:
        if key == STATUS:
            word = _STATUS_WORDS.get(self.status if self.status is not None else -1)
            return EntityReport(key, word) if word is not None else None
        return reading.read(key, native, self.now(native))

    def now(self, native: JsonObject) -> reading.Now:
        """What the values of an entity are now, by role."""
        named = given.mapping(native, "values")

        def value_of(role: str) -> JsonValue:
            identity = id_in_native(named.get(role))
            return self._values.get(identity) if identity is not None else None

        return value_of


# What every node has without a value of its own.
_OWN: Final = (
    AdvertisedEntity(
        key=STATUS,
        domain="sensor",
        name="Node status",
        device_class="enum",
        category="diagnostic",
        capabilities={STATUS: Capability("enum", options=tuple(_STATUS_WORDS.values()))},
        native={"kind": STATUS},
    ),
    AdvertisedEntity(
        key=PING,
        domain="button",
        name="Ping",
        category="config",
        capabilities={"press": Capability("enum", "w", options=("press",))},
        native={"kind": PING},
    ),
)


def _status(value: JsonValue, otherwise: int | None) -> int | None:
    number = whole_of(value)
    return number if number in _STATUS_WORDS else otherwise


def _objects(value: JsonValue) -> Iterator[JsonObject]:
    """A list since schema 1, an object by value id in node dumps of some versions."""
    each = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return (one for one in each if isinstance(one, Mapping))
