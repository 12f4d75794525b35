"""From nodes and properties to entities: a light where a node has what a light has, a cover likewise, and every other property by its datatype."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

from hub_agent.drivers import given
from hub_agent.drivers.homie.tree import Node, Property, Tree
from hub_agent.drivers.homie.values import STATE_CHARS_MAX, number_in, options_of, span_of, truth_in, unit_of, written
from hub_agent.drivers.vocabulary import slug
from hub_agent.drivers.wishes import needed_number, needed_text
from hub_agent.drivers.zigbee2mqtt.classes import BINARY, numeric_meaning, plain_name
from hub_agent.errors import NotPossible
from hub_agent.model.device import AdvertisedEntity, Capability
from hub_agent.model.json import JsonObject
from hub_agent.model.report import EntityReport

# A property's place and what is written there.
Setting: TypeAlias = tuple[str, str]
Act: TypeAlias = Callable[[JsonObject], Sequence[Setting]]


class Part:
    """`places`: the properties it is made of. `is_live_only`: what is heard once and does not last."""

    is_live_only = False

    def __init__(
        self, entity: AdvertisedEntity, properties: Sequence[Property], acts: Mapping[str, Act] | None = None
    ) -> None:
        self.entity = entity
        self.places = tuple(each.place for each in properties)
        self.acts = dict(acts or {})

    def hear(self, place: str, text: str) -> EntityReport | None:
        """None where it says nothing that can be understood."""
        raise NotImplementedError

    def write(self, verb: str, data: JsonObject) -> Sequence[Setting]:
        """Raises NotPossible."""
        act = self.acts.get(verb)
        if act is None:
            known = ", ".join(sorted(self.acts)) or "nothing: it can only be read"
            raise NotPossible(f"This {self.entity.domain} cannot do {verb!r:.60}. It can do {known}.")
        return act(data)


def access_of(known: Property) -> str:
    return ("r" if known.is_retained or not known.is_settable else "") + ("w" if known.is_settable else "")


class Single(Part):
    """One property, one entity. `shows`: each value that may be said is a state."""

    shows = True

    def __init__(
        self, known: Property, domain: str, name: str, capabilities: Mapping[str, Capability], *,
        device_class: str | None = None, unit: str | None = None, state_class: str | None = None, acts: Mapping[str, Act] | None = None,
    ) -> None:  # fmt: skip
        entity = AdvertisedEntity(
            # The domain is a part of it: a property that turns out to be settable is another entity.
            key=f"{domain}.{known.node}.{known.id}"[:255], domain=domain, name=name, device_class=device_class, unit=unit,
            state_class=state_class, capabilities=capabilities,
        )  # fmt: skip
        super().__init__(entity, [known], acts)
        self.known = known

    def hear(self, place: str, text: str) -> EntityReport | None:
        del place
        state = self.state_of(text)
        return EntityReport(self.entity.key, state) if state is not None else None

    def state_of(self, text: str) -> str | None:
        return text[:STATE_CHARS_MAX] or None


class Truth(Single):
    def __init__(self, known: Property, name: str) -> None:
        place = known.place
        domain = "switch" if known.is_settable else "binary_sensor"
        acts: dict[str, Act] = {}
        if known.is_settable:
            acts = {"turn_on": lambda _: [(place, "true")], "turn_off": lambda _: [(place, "false")]}
        device_class = None if known.is_settable else BINARY.get(plain_name(known.id.replace("-", "_")))
        super().__init__(
            known, domain, name, {"on": Capability("bool", access_of(known))}, device_class=device_class, acts=acts
        )

    def state_of(self, text: str) -> str | None:
        return {True: "on", False: "off", None: None}[truth_in(text)]


class Push(Single):
    """A truth that is set and not kept: a button."""

    shows = False

    def __init__(self, known: Property, name: str) -> None:
        device_class = {"identify": "identify", "restart": "restart", "reboot": "restart"}.get(known.id)
        super().__init__(
            known, "button", name, {"press": Capability("bool", "w")}, device_class=device_class,
            acts={"press": lambda _: [(known.place, "true")]},
        )  # fmt: skip

    def state_of(self, text: str) -> str | None:
        del text
        return None


class Happening(Single):
    """What is said and not kept: a press, a ring."""

    is_live_only = True
    shows = False

    def __init__(self, known: Property, name: str) -> None:
        self._words = options_of(known) if known.datatype == "enum" else ("true", "false")
        super().__init__(known, "event", name, {"event": Capability("enum", options=self._words)})

    def hear(self, place: str, text: str) -> EntityReport | None:
        del place
        return EntityReport(self.entity.key, None, {"event_type": text}) if text in self._words else None


class Number(Single):
    def __init__(self, known: Property, name: str) -> None:
        self._unit = unit = unit_of(known.unit)
        span = span_of(known)
        low, high = (unit.to_vocabulary(edge) if edge is not None else None for edge in (span.low, span.high))
        metric = slug(known.id) or "value"
        meaning = numeric_meaning(metric, unit.symbol)
        domain = "number" if known.is_settable else "sensor"
        kind = "int" if known.datatype == "integer" and unit.to_vocabulary(1) == 1 else "float"
        # A step is a distance: it has no zero that a unit could move.
        step = unit.to_vocabulary(span.step) - unit.to_vocabulary(0) if span.step is not None else None
        limits = (
            (low, high, given.tidy(step) if step is not None else None) if known.is_settable else (None, None, None)
        )
        capability = Capability(kind, access_of(known), unit=unit.symbol, min=limits[0], max=limits[1], step=limits[2])
        name_of_it = (meaning.device_class if meaning.device_class in _METRICS else None) or metric
        super().__init__(
            known, domain, name, {name_of_it: capability}, device_class=meaning.device_class, unit=unit.symbol,
            state_class=None if known.is_settable else meaning.state_class or "measurement",
            acts={"set_value": self._set} if known.is_settable else None,
        )  # fmt: skip

    def state_of(self, text: str) -> str | None:
        number = number_in(text)
        return str(given.tidy(self._unit.to_vocabulary(number))) if number is not None else None

    def _set(self, data: JsonObject) -> Sequence[Setting]:
        return [(self.known.place, written(self._unit.from_vocabulary(needed_number(data, "value")), self.known))]


# Kinds of numbers whose capability is named for what is measured, whatever the property is called.
_METRICS: Final = frozenset(
    {"temperature", "humidity", "illuminance", "power", "energy", "voltage", "current", "battery"}
)


class Choice(Single):
    def __init__(self, known: Property, name: str) -> None:
        words = options_of(known)
        domain = "select" if known.is_settable else "sensor"
        capability = Capability("enum", access_of(known), options=words)
        super().__init__(
            known, domain, name, {slug(known.id) or "option": capability}, device_class=None if known.is_settable else "enum",
            acts={"select_option": lambda data: [(known.place, needed_text(data, "option", words))]} if known.is_settable else None,
        )  # fmt: skip
        self._words = words

    def state_of(self, text: str) -> str | None:
        return text if not self._words or text in self._words else None


class Text(Single):
    def __init__(self, known: Property, name: str) -> None:
        domain = "text" if known.is_settable else "sensor"
        super().__init__(
            known, domain, name, {slug(known.id) or "value": Capability("text", access_of(known))},
            device_class="timestamp" if known.datatype == "datetime" and not known.is_settable else None,
            acts={"set_value": lambda data: [(known.place, needed_text(data, "value"))]} if known.is_settable else None,
        )  # fmt: skip


class Trouble(Part):
    """Whether the device asks for attention: its state is `alert`, or one of its alerts stands."""

    KEY: Final = "alert"

    def __init__(self) -> None:
        super().__init__(
            AdvertisedEntity(
                self.KEY,
                "binary_sensor",
                name="Alert",
                device_class="problem",
                category="diagnostic",
                capabilities={"on": Capability("bool")},
            ),
            [],
        )

    def hear(self, place: str, text: str) -> EntityReport | None:
        del place, text
        return None


def part_of(known: Property, name: str) -> Part:
    if known.datatype == "boolean":
        if not known.is_retained:
            return Push(known, name) if known.is_settable else Happening(known, name)
        return Truth(known, name)
    if known.datatype == "enum":
        return Choice(known, name) if known.is_retained or known.is_settable else Happening(known, name)
    return Number(known, name) if known.datatype in {"integer", "float"} else Text(known, name)


def names_in(tree: Tree, node: Node, known: Property) -> str:
    """Its own name where there is one node; else that of the node before it, unless it says so itself."""
    if len(tree.nodes) == 1 or known.name.lower().startswith(node.name.lower()):
        return known.name[:120]
    return f"{node.name} {known.name}"[:120]
