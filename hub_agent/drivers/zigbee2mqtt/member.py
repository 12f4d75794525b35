"""One device or group behind a bridge, as the driver knows it: how its payloads are read."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Final, Protocol

from hub_agent.drivers.zigbee2mqtt import fields
from hub_agent.drivers.zigbee2mqtt.fields import Fault
from hub_agent.drivers.zigbee2mqtt.reading import Compound, Single, reader_of
from hub_agent.model.device import Origin
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.report import Decoded, EntityReport, MqttMessage, Rejected, Reported

DIALECT: Final = "zigbee2mqtt"

# Faults told of one device; more are silently the same trouble.
TOLD_MAX: Final = 64
# What Zigbee2MQTT adds to the properties of the model.
_ADDED: Final = frozenset(
    {"device", "elapsed", "update", "update_available", "color_mode", "last_seen", "linkquality"}
    # A plug that keeps a scene together with lamps is told their colour when the scene is recalled.
    | {"color", "color_temp"}
)
LAST_SEEN_CHARS_MAX: Final = 40


class Facet(Protocol):
    """An entity as it was advertised, or as the mirror gives it back."""

    @property
    def key(self) -> str: ...

    @property
    def native(self) -> JsonObject: ...


class Member:
    """`told` are the faults already reported: a device repeats its strange properties with every message."""

    __slots__ = (
        "_compounds",
        "_events",
        "_has_action",
        "_readers",
        "_told",
        "facets",
        "native_id",
        "origin",
        "state_topic",
    )

    def __init__(self, native_id: str, state_topic: str, facets: Iterable[Facet]) -> None:
        self.native_id = native_id
        self.origin = Origin(DIALECT, native_id)
        self.state_topic = state_topic
        self.facets = tuple((facet.key, facet.native) for facet in facets)
        self._told: set[tuple[str, str]] = set()
        readers = [reader for key, native in self.facets if (reader := reader_of(key, native)) is not None]
        self._compounds = tuple(r for r in readers if isinstance(r, Compound) and not r.is_event)
        self._events = tuple(r for r in readers if isinstance(r, Compound) and r.is_event)
        self._has_action = bool(self._events)
        self._readers = _by_property(readers)

    @property
    def availability_topic(self) -> str:
        return f"{self.state_topic}/availability"

    def keys_of(self, name: str) -> tuple[str, ...]:
        """The entities that are set by this property, whatever the endpoint."""
        return tuple(
            key
            for key, native in self.facets
            if any(used == name or used.startswith(f"{name}_") for used in _properties_of(native))
        )

    def decode(self, message: MqttMessage) -> list[Decoded]:
        """A state payload."""
        if not message.payload:
            # The retained state was cleared, as it is before a rename.
            return []
        body = fields.parse_object(message.payload)
        if isinstance(body, Fault):
            return list(self._reject(message.topic, body.code, body.reason))
        decoded: list[Decoded] = []
        reports: list[EntityReport] = []
        faults: list[str] = []
        readers = self._readers
        for name, value in body.items():
            if value is None:
                continue
            singles = readers.get(name)
            if singles is None:
                if not (self._has_action and name.startswith("action_")):
                    decoded += self._unknown(message.topic, name)
                continue
            for single in singles:
                # The payload repeats what has not changed; this is the hottest line of the driver.
                is_same = value == single.value and type(value) is single.kind
                report = single.last if is_same else single.report(value)
                if report is None:
                    faults.append(name)
                else:
                    reports.append(report)
        self._read_compounds(message, body, reports, faults)
        for name in faults:
            decoded += self._invalid(message.topic, name, body.get(name))
        decoded.append(Reported(self.origin, tuple(reports), _observed(body), message.retained))
        return decoded

    def _read_compounds(
        self, message: MqttMessage, body: JsonObject, reports: list[EntityReport], faults: list[str]
    ) -> None:
        # A press that the broker kept has long been answered.
        for compound in self._compounds if message.retained else (*self._compounds, *self._events):
            if not compound.properties.isdisjoint(body):
                report = compound.report(body, faults)
                if report is not None:
                    reports.append(report)

    def _unknown(self, topic: str, name: str) -> Iterator[Rejected]:
        if ("unknown_property", name) not in self._told:
            yield from self._reject(
                topic, "unknown_property", f"the model does not list the property {name[:80]!r}", name
            )

    def _invalid(self, topic: str, name: str, value: JsonValue) -> Iterator[Rejected]:
        if ("invalid_value", name) not in self._told:
            yield from self._reject(topic, "invalid_value", f"{name[:80]!r} cannot be {str(value)[:80]!r}", name)

    def _reject(self, topic: str, code: str, reason: str, name: str = "") -> Iterator[Rejected]:
        told = (code, name)
        if name and (told in self._told or len(self._told) >= TOLD_MAX):
            return
        self._told.add(told)
        yield Rejected(DIALECT, topic, code, reason, self.origin)


def _by_property(readers: Iterable[Single | Compound]) -> Mapping[str, tuple[Single, ...]]:
    """Every known property; those that only compounds read have no singles."""
    by_property: dict[str, tuple[Single, ...]] = dict.fromkeys(_ADDED, ())
    for reader in readers:
        if isinstance(reader, Single):
            by_property[reader.property_name] = (*by_property.get(reader.property_name, ()), reader)
        else:
            for name in reader.properties:
                by_property.setdefault(name, ())
    return by_property


def _properties_of(native: JsonObject) -> Iterator[str]:
    single = fields.text(native, "property")
    if single is not None:
        yield single
    for name in fields.mapping(native, "properties").values():
        if isinstance(name, str):
            yield name


def _observed(body: JsonObject) -> dict[str, JsonValue]:
    observed: dict[str, JsonValue] = {}
    quality = body.get("linkquality")
    if type(quality) is int and 0 <= quality <= 255:
        observed["signal_strength"] = round(quality * 100 / 255)
    battery = body.get("battery")
    if type(battery) in {int, float} and isinstance(battery, int | float) and 0 <= battery <= 100:
        observed["battery_level"] = round(battery)
    if "last_seen" in body:
        seen = _instant(body["last_seen"])
        if seen is not None:
            observed["last_seen"] = seen
    return observed


def _instant(value: JsonValue) -> str | None:
    """As ISO text; the bridge writes ISO texts or milliseconds, as it is set."""
    if isinstance(value, str):
        return value[:LAST_SEEN_CHARS_MAX]
    if isinstance(value, int | float) and 0 < value < 1e14:
        return datetime.fromtimestamp(value / 1000, UTC).isoformat()
    return None
