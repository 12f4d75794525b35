"""The dialect itself: which devices there are below `homie/`, what they say of themselves, and whose word counts for whom.

Convention 3 and 4: `homie/<device>/$homie`, `$nodes`, `<node>/$properties`, `<node>/<property>/$datatype` ... in any order. Convention 5:
`homie/5/<device>/$description`. In both, `$state` says whether the device is there, and a property is set at `<property>/set`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import orjson

from hub_agent.drivers import given
from hub_agent.drivers.homie.parts import Part, Single, Trouble, names_in, part_of
from hub_agent.drivers.homie.things import Cover, Light, cover_in, light_in
from hub_agent.drivers.homie.tree import OF_DEVICE, Gathered, Tree, is_id, read_tree
from hub_agent.drivers.homie.values import STATE_CHARS_MAX
from hub_agent.drivers.vocabulary import device_type_of
from hub_agent.errors import NotPossible
from hub_agent.model.device import Advertisement, Alias, Device, DeviceType, Entity, Origin
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.report import (
    AvailabilityReported,
    Decoded,
    DeviceGone,
    EntityReport,
    MqttMessage,
    Publication,
    Rejected,
    Reported,
    Subscribe,
    Unsubscribe,
)

DIALECT: Final = "homie"
DEVICES_MAX: Final = 1_000
RELEASED_MAX: Final = 2_000
VALUES_MAX: Final = 1_000
VALUE_BYTES_MAX: Final = 8 * 1024
DESCRIPTION_BYTES_MAX: Final = 256 * 1024
# What is kept of it has to be written down, and writers of JSON have an end.
DEPTH_MAX: Final = 16
ANCESTORS_MAX: Final = 8

_AVAILABLE: Final = {"ready": True, "alert": True, "sleeping": True, "disconnected": False, "lost": False}
_STATES: Final = frozenset({*_AVAILABLE, "init"})


@dataclass(slots=True)
class Known:
    """A device as the driver runs it. `gathered` only for conventions 3 and 4; `tree` once it is understood."""

    id: str
    base: str
    gathered: Gathered | None = None
    tree: Tree | None = None
    state: str | None = None
    alerts: set[str] = field(default_factory=set)
    parts: dict[str, Part] = field(default_factory=dict)
    parts_by_place: dict[str, list[Part]] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)

    @property
    def origin(self) -> Origin:
        return Origin(DIALECT, self.id)

    @property
    def topics(self) -> tuple[str, ...]:
        return (f"{self.base}/#",) if self.gathered is not None else (f"{self.base}/+/+",)

    def understand(self, tree: Tree) -> None:
        self.tree = tree
        self.parts = {part.entity.key: part for part in parts_of(tree)}
        self.parts_by_place = {}
        for part in self.parts.values():
            for place in part.places:
                self.parts_by_place.setdefault(place, []).append(part)


def parts_of(tree: Tree) -> list[Part]:
    """The main function of a device bears its name: its only light or cover, or its only property."""
    parts: list[Part] = []
    lights = [(node, light) for node in tree.nodes if (light := light_in(node)) is not None]
    covers = [(node, cover) for node in tree.nodes if light_in(node) is None and (cover := cover_in(node)) is not None]
    is_only = len(lights) + len(covers) == 1
    parts += [Light(tree, node, light, None if is_only else node.name) for node, light in lights]
    parts += [Cover(node, cover, None if is_only else node.name) for node, cover in covers]
    taken = {place for part in parts for place in part.places}
    parts += [
        part_of(known, names_in(tree, node, known))
        for node in tree.nodes
        for known in node.properties
        if known.place not in taken
    ]
    return [*parts, Trouble()]


class _Place:
    """A device of convention 5: its topic, and how it and its neighbours are called here."""

    def __init__(self, domain: str, own: str, prefix: str) -> None:
        self.base = f"{domain}/5/{own}"
        self._before = "" if f"{domain}/" == prefix else f"{domain}/"
        self.key = self.neighbour(own)

    def neighbour(self, own: str) -> str:
        return f"{self._before}{own}"


class Homie:
    dialect = DIALECT

    def __init__(self, topic: str = "homie") -> None:
        self._prefix = f"{topic}/"
        self._known_by_id: dict[str, Known] = {}
        self._released: dict[str, None] = {}

    # What the loop asks.

    def subscriptions(self) -> tuple[str, ...]:
        # Convention 5 leaves the first level to the device.
        return (f"{self._prefix}+/$homie", "+/5/+/$state", "+/5/+/$description")

    def wants(self, topic: str) -> bool:
        return topic.startswith(self._prefix) or topic.partition("/")[2].startswith("5/")

    def decode(self, message: MqttMessage) -> Sequence[Decoded]:
        domain, *levels = message.topic.split("/")
        if not levels or domain.startswith("$"):
            return ()
        if levels[0] == "5":
            is_device = len(levels) > 2 and is_id(levels[1])
            return self._hear_5(_Place(domain, levels[1], self._prefix), levels[2:], message) if is_device else ()
        is_ours = f"{domain}/" == self._prefix and len(levels) > 1 and is_id(levels[0])
        return self._hear_4(levels[0], levels[1:], message) if is_ours else ()

    def restore(self, devices: Iterable[Device]) -> tuple[str, ...]:
        topics: list[str] = []
        for device in devices:
            known = _known_from(device)
            if known is not None and len(self._known_by_id) < DEVICES_MAX:
                self._known_by_id[known.id] = known
                topics += known.topics
        return tuple(topics)

    def encode(self, device: Device, entity: Entity, action: str, data: JsonObject) -> Sequence[Publication]:
        known = self._known_by_id.get(device.origin.native_id)
        if known is None or known.tree is None:
            known = _known_from(device)
        part = known.parts.get(entity.key) if known is not None else None
        if known is None or part is None:
            raise NotPossible(f"{entity.id} has not announced itself yet.")
        settings = part.write(action.partition(".")[2], data)
        return [Publication(f"{known.base}/{place}/set", text.encode()) for place, text in settings]

    def encode_refresh(self, device: Device) -> Sequence[Publication]:  # noqa: ARG002 - its values are retained
        return ()

    def encode_reconfigure(self, device: Device) -> Sequence[Publication]:  # noqa: ARG002 - there is no bridge to ask
        return ()

    def release(self, device: Device) -> tuple[str, ...]:
        own = device.origin.native_id
        self._released[own] = None
        while len(self._released) > RELEASED_MAX:
            del self._released[next(iter(self._released))]
        known = self._known_by_id.pop(own, None)
        return known.topics if known is not None else ()

    def unexplained(self) -> tuple[Rejected, ...]:
        reason = "the device has not said all its nodes, properties and their kinds"
        waiting = (known for known in self._known_by_id.values() if known.tree is None)
        return tuple(Rejected(DIALECT, known.base, "description_missing", reason) for known in waiting)

    # Convention 3 and 4.

    def _hear_4(self, own: str, levels: list[str], message: MqttMessage) -> Sequence[Decoded]:
        known = self._known_by_id.get(own)
        if levels == ["$homie"]:
            return self._begin_4(own, known, message)
        if known is None or known.gathered is None or levels[-1] == "set":
            return ()
        text = _text(message)
        if text is None:
            return [_too_large(message, known.origin)]
        if levels == ["$state"]:
            return [*self._take_state(known, text, message), *self._advertise_4(known, is_settled=not message.retained)]
        if any(level.startswith("$") for level in levels):
            return self._take_attribute(known, levels, text)
        if len(levels) != 2 or not all(is_id(level) for level in levels):
            return ()
        # Who reports its values is done with describing itself.
        is_late = known.tree is None and not message.retained
        return [
            *self._take_value(known, "/".join(levels), text, message),
            *(self._advertise_4(known, is_settled=True) if is_late else ()),
        ]

    def _begin_4(self, own: str, known: Known | None, message: MqttMessage) -> Sequence[Decoded]:
        version = _text(message) or ""
        if not version:
            return self._remove(known) if known is not None and known.gathered is not None else ()
        if not version.startswith(("3", "4", "2")):
            return [
                Rejected(DIALECT, message.topic, "version_unknown", f"convention {version!r:.20} is none that is known")
            ]
        if own in self._released or (known is not None and known.gathered is None):
            return ()  # it speaks convention 5, too
        if known is None:
            if len(self._known_by_id) >= DEVICES_MAX:
                return [Rejected(DIALECT, message.topic, "too_many", f"there may be at most {DEVICES_MAX} devices")]
            gathered = Gathered()
            gathered.put("$homie", version)
            known = self._known_by_id[own] = Known(own, f"{self._prefix}{own}", gathered)
            return [Subscribe(known.topics)]
        assert known.gathered is not None  # sorted out above
        known.gathered.put("$homie", version)
        return ()

    def _take_attribute(self, known: Known, levels: list[str], text: str) -> Sequence[Decoded]:
        assert known.gathered is not None  # asked only of these
        if levels[0] in {"$stats", "$localip"}:
            return _observed(known, "/".join(levels), text)
        if not known.gathered.put("/".join(levels), text):
            return ()
        return self._advertise_4(known)

    def _advertise_4(self, known: Known, *, is_settled: bool = False) -> Sequence[Decoded]:
        """While it still describes itself nothing is told, unless it must be done by now: some devices leave things out."""
        gathered = known.gathered
        if (
            gathered is None
            or known.state in {None, "init"}
            or not (gathered.is_complete or (is_settled and gathered.is_begun))
        ):
            return ()
        body = gathered.describe()
        if known.tree is not None and known.tree.body == body:
            return ()
        known.understand(read_tree(known.id, known.base, body))
        return self._tell(known)

    # Convention 5.

    def _hear_5(self, where: "_Place", levels: list[str], message: MqttMessage) -> Sequence[Decoded]:
        own = where.key
        known = self._known_by_id.get(own)
        if own in self._released:
            return ()
        if levels == ["$description"]:
            return self._take_description(where, known, message)
        if known is None or known.gathered is not None:
            state = _text(message)
            if levels != ["$state"] or state not in _STATES or len(self._known_by_id) >= DEVICES_MAX:
                return ()
            replaced = self._replaced(known)
            known = self._known_by_id[own] = Known(own, where.base)
            return [*replaced, *self._take_state(known, state, message)]
        text = _text(message)
        if text is None:
            return [_too_large(message, known.origin)]
        if levels == ["$state"]:
            return self._take_state(known, text, message) if text else self._remove(known)
        if len(levels) != 2 or levels[1].startswith("$"):
            return ()
        if levels[0] == "$alert":
            return self._take_alert(known, levels[1], text, message)
        return self._take_value(known, "/".join(levels), text, message) if is_id(levels[0]) else ()

    def _take_description(self, where: "_Place", known: Known | None, message: MqttMessage) -> Sequence[Decoded]:
        own = where.key
        if not message.payload.strip():
            return self._remove(known) if known is not None and known.gathered is None else ()
        if len(message.payload) > DESCRIPTION_BYTES_MAX:
            return [_too_large(message, Origin(DIALECT, own))]
        try:
            body: JsonValue = orjson.loads(message.payload)
        except orjson.JSONDecodeError as err:
            return [Rejected(DIALECT, message.topic, "not_json", f"not JSON: {err}"[:200], Origin(DIALECT, own))]
        if not given.is_shallow(body, DEPTH_MAX):
            reason = f"a description may be nested {DEPTH_MAX} levels deep at most"
            return [Rejected(DIALECT, message.topic, "too_deep", reason, Origin(DIALECT, own))]
        if not isinstance(body, dict) or not str(body.get("homie", "")).startswith("5"):
            reason = "a description is a JSON object with `homie` 5.x"
            return [Rejected(DIALECT, message.topic, "key_wrong", reason, Origin(DIALECT, own))]
        if known is not None and known.tree is not None and known.tree.body == body:
            return ()
        if known is None and len(self._known_by_id) >= DEVICES_MAX:
            return [Rejected(DIALECT, message.topic, "too_many", f"there may be at most {DEVICES_MAX} devices")]
        replaced = self._replaced(known)
        if known is None or known.gathered is not None:
            known = self._known_by_id[own] = Known(own, where.base)
        is_new = known.tree is None
        known.understand(read_tree(own, known.base, body, where.neighbour))
        return [*replaced, *self._tell(known), *([Subscribe(known.topics)] if is_new else [])]

    @staticmethod
    def _replaced(known: Known | None) -> Sequence[Decoded]:
        """A device that has learned convention 5 stays what it is; its old topics are no longer needed."""
        return [Unsubscribe(known.topics)] if known is not None and known.gathered is not None else []

    # Both.

    def _tell(self, known: Known) -> Sequence[Decoded]:
        """All that is known of it: what it is, whether it is there, what it has said."""
        told: list[Decoded] = [_advertise(known)]
        is_available = self._is_available(known)
        if is_available is not None:
            told.append(AvailabilityReported(known.origin, is_available))
        reports = _merged(
            report for place, text in known.values.items() for report in _hear(known, place, text, is_retained=True)
        )
        trouble = EntityReport(Trouble.KEY, "on" if known.state == "alert" or known.alerts else "off")
        return [*told, Reported(known.origin, (*reports, trouble), retained=True)]

    def _take_state(self, known: Known, text: str, message: MqttMessage) -> Sequence[Decoded]:
        if text not in _STATES:
            return [
                Rejected(
                    DIALECT,
                    message.topic,
                    "key_wrong",
                    f"a state is {', '.join(sorted(_STATES))}, not {text!r:.40}",
                    known.origin,
                )
            ]
        was_alert, known.state = known.state == "alert", text
        if known.tree is None:
            return ()
        decoded: list[Decoded] = []
        for each in (known, *self._descendants(known)):
            is_available = self._is_available(each)
            if is_available is not None and each.tree is not None:
                decoded.append(AvailabilityReported(each.origin, is_available))
        if was_alert != (text == "alert"):
            decoded.append(self._trouble(known, message))
        return decoded

    def _take_alert(self, known: Known, own: str, text: str, message: MqttMessage) -> Sequence[Decoded]:
        if text and len(known.alerts) < VALUES_MAX:
            known.alerts.add(own)
        elif not text:
            known.alerts.discard(own)
        return [self._trouble(known, message)] if known.tree is not None else ()

    @staticmethod
    def _trouble(known: Known, message: MqttMessage) -> Reported:
        state = "on" if known.state == "alert" or known.alerts else "off"
        return Reported(known.origin, (EntityReport(Trouble.KEY, state),), retained=message.retained)

    def _take_value(self, known: Known, place: str, text: str, message: MqttMessage) -> Sequence[Decoded]:
        if place in known.values or len(known.values) < VALUES_MAX:
            # No state is longer, and what is cut there is understood as the whole would be.
            known.values[place] = text[: STATE_CHARS_MAX + 1]
        reports = _merged(_hear(known, place, text, is_retained=message.retained))
        if reports:
            return [Reported(known.origin, tuple(reports), retained=message.retained)]
        # A button's word and the colour of a light that is off have nothing to show; other properties do.
        parts = known.parts_by_place.get(place, [])
        if not text or not parts or not all(isinstance(part, Single) and part.shows for part in parts):
            return ()
        return [
            Rejected(
                DIALECT, message.topic, "not_understood", f"{text!r:.60} is no value of this property", known.origin
            )
        ]

    def _is_available(self, known: Known) -> bool | None:
        """A child is as far away as those that it hangs on."""
        state: str | None = known.state
        above: Known | None = known
        for _ in range(ANCESTORS_MAX):
            above = (
                self._known_by_id.get(above.tree.parent)
                if above is not None and above.tree is not None and above.tree.parent
                else None
            )
            if above is None:
                break
            if _AVAILABLE.get(above.state or "") is False:
                return False
        return _AVAILABLE.get(state or "")

    def _descendants(self, known: Known) -> Iterator[Known]:
        below = {known.id}
        for _ in range(ANCESTORS_MAX):
            found = [
                each for each in self._known_by_id.values()
                if each.tree is not None and each.tree.parent in below and each.id not in below
            ]  # fmt: skip
            if not found:
                return
            below |= {each.id for each in found}
            yield from found

    def _remove(self, known: Known) -> Sequence[Decoded]:
        self._known_by_id.pop(known.id, None)
        gone: list[Decoded] = [DeviceGone(known.origin)] if known.tree is not None else []
        return [*gone, Unsubscribe(known.topics)]


def _hear(known: Known, place: str, text: str, *, is_retained: bool) -> Iterator[EntityReport]:
    for part in known.parts_by_place.get(place, ()):
        if part.is_live_only and is_retained:
            continue
        report = part.hear(place, text)
        if report is not None:
            yield report


def _merged(reports: Iterable[EntityReport]) -> list[EntityReport]:
    """One report for each entity."""
    by_key: dict[str, EntityReport] = {}
    for report in reports:
        before = by_key.get(report.key)
        if before is not None:
            report = EntityReport(report.key, report.state or before.state, {**before.attributes, **report.attributes})  # noqa: PLW2901
        by_key[report.key] = report
    return list(by_key.values())


def _text(message: MqttMessage) -> str | None:
    return message.payload.decode(errors="replace") if len(message.payload) <= VALUE_BYTES_MAX else None


def _too_large(message: MqttMessage, origin: Origin) -> Rejected:
    return Rejected(
        DIALECT, message.topic, "too_large", f"the payload has {len(message.payload)} bytes, more than is read", origin
    )


_STATS: Final = {"$stats/signal": "signal_strength", "$stats/battery": "battery_level"}


def _observed(known: Known, place: str, text: str) -> Sequence[Decoded]:
    """What the extensions and convention 3 tell of the device itself."""
    if known.tree is None:
        return ()
    if place == "$localip":
        return [Reported(known.origin, (), {"ip_address": text})] if 6 < len(text) < 46 else ()
    number, name = given.number_of(text), _STATS.get(place)
    return (
        [Reported(known.origin, (), {name: round(number)})]
        if name and number is not None and 0 <= number <= 100
        else ()
    )


def _advertise(known: Known) -> Advertisement:
    tree = known.tree
    assert tree is not None  # told only once it is understood
    entities = tuple(part.entity for part in known.parts.values())
    mac = given.mac_of(given.at(tree.body, "mac"))
    aliases = (*((Alias("mac", mac),) if mac else ()), Alias("homie", known.id))
    words = " ".join((tree.name, *(node.kind for node in tree.nodes)))
    kind = device_type_of(entities, words)
    has_children = bool(given.listed(tree.body, "children"))
    return Advertisement(
        origin=known.origin,
        aliases=aliases,
        name=tree.name,
        entities=entities,
        model=given.text(tree.body, "implementation") or given.text(tree.body, "type"),
        device_type=DeviceType.BRIDGE if kind == DeviceType.OTHER and has_children else kind,
        via=Origin(DIALECT, tree.parent) if tree.parent is not None else None,
        firmware_version=given.text(tree.body, "firmware"),
        native={"base": known.base, "tree": tree.body, "is_gathered": known.gathered is not None},
    )


def _known_from(device: Device) -> Known | None:
    base, body = given.text(device.native, "base"), given.mapping(device.native, "tree")
    if base is None or not body:
        return None
    known = Known(device.origin.native_id, base)
    known.understand(read_tree(known.id, base, body, lambda own: f"{known.id.rpartition('/')[0]}/{own}".lstrip("/")))
    known.state = "ready"
    if device.native.get("is_gathered") is True:
        known.gathered = gather(body)
    return known


def gather(body: JsonObject) -> Gathered:
    """The attributes of a device of convention 3 or 4, from what was made of them."""
    gathered = Gathered()
    nodes = given.mapping(body, "nodes")
    gathered.put("$homie", given.text(body, "homie") or "4.0")
    gathered.put("$name", given.text(body, "name") or "")
    gathered.put("$nodes", ",".join(nodes))
    for place, key in OF_DEVICE.items():
        if (said := given.text(body, key)) is not None:
            gathered.put(place, said)
    for node, about in nodes.items():
        gathered.put(f"{node}/$name", given.text(about, "name") or "")
        gathered.put(f"{node}/$type", given.text(about, "type") or "")
        properties = given.mapping(about, "properties")
        gathered.put(f"{node}/$properties", ",".join(properties))
        for own, each in properties.items():
            for key, value in each.items() if isinstance(each, Mapping) else ():
                gathered.put(f"{node}/{own}/${key}", str(value).lower() if isinstance(value, bool) else str(value))
    return gathered
