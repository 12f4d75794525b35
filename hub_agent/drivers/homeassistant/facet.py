"""What every kind of entity shares: topics it listens to, what it makes of a message, and how a command is written."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, TypeAlias

import orjson

from hub_agent.drivers.given import is_shallow
from hub_agent.drivers.homeassistant.options import Options, Wrong, require
from hub_agent.errors import NotPossible, TemplateError
from hub_agent.model.device import Capability
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.report import Lapse, Publication
from hub_agent.model.state import UNAVAILABLE, UNKNOWN
from hub_agent.templating import Template

STATE_CHARS_MAX: Final = 255
ATTRIBUTES_MAX: Final = 100
OBJECT_CHARS_MAX: Final = 64 * 1024
# Deeper objects are not read: what becomes of them has to be written down and compared, and both have an end.
DEPTH_MAX: Final = 16
NONE: Final = "None"  # what a template prints when there is no value

_THIS: Final = re.compile(r"\bthis\b")

# What an entity's state is now, None if the message does not say; and attributes that changed.
Said: TypeAlias = tuple[str | None, JsonObject]
Apply: TypeAlias = Callable[[str], Said | None]
NOTHING: Final[JsonObject] = {}


class Unreadable(Exception):
    """A message that an entity cannot make sense of."""


class Heard:
    """A message on its way through the templates of those who listen; read as JSON once, if anybody asks."""

    __slots__ = ("_by_encoding", "payload")

    def __init__(self, payload: bytes) -> None:
        self.payload = payload
        self._by_encoding: dict[str, tuple[str, dict[str, Any]]] = {}

    def read(self, template: Template | None, encoding: str, this: dict[str, Any] | None) -> str:
        """The text that the template makes of the message. `this`: the entity's own state, for templates that look at it."""
        known = self._by_encoding.get(encoding)
        text, variables = known if known is not None else self._decode(encoding)
        if template is None:
            return text
        if not variables:
            variables["value"] = self.payload if not encoding else text
            _add_json(variables, text)
        return template.render(**variables) if this is None else template.render(**variables, this=this)

    @property
    def is_json(self) -> bool:
        return any("value_json" in variables for _, variables in self._by_encoding.values())

    def _decode(self, encoding: str) -> tuple[str, dict[str, Any]]:
        try:
            text = self.payload.decode(encoding or "latin-1")
        except UnicodeDecodeError as err:
            raise Unreadable(f"the payload is not {encoding}") from err
        known: tuple[str, dict[str, Any]] = (text, {})
        self._by_encoding[encoding] = known
        return known


def _add_json(variables: dict[str, Any], text: str) -> None:
    if text and text[0] in '{["-0123456789tfn \n\r\t':
        try:
            variables["value_json"] = orjson.loads(text)
        except orjson.JSONDecodeError:
            return


@dataclass(frozen=True, slots=True)
class Feed:
    """One topic of an entity, what to take from its messages, and what that means."""

    topic: str
    template: Template | None
    apply: Apply
    encoding: str = "utf-8"
    is_live_only: bool = False


class Facet:
    """One entity of a device. Subclasses name its domain and fill in feeds, capabilities and commands.

    A facet remembers of its state what later messages or commands need (the brightness to come back to, the position).
    """

    domain: ClassVar[str]
    required: ClassVar[tuple[str, ...]] = ()

    def __init__(self, options: Options) -> None:
        require(options, *self.required)
        self.options = options
        self.encoding = _encoding(options)
        self.feeds: list[Feed] = []
        self.capabilities: dict[str, Capability] = {}
        self.commands: dict[str, Callable[[JsonObject], list[Publication]]] = {}
        # The entity's own last state, kept only where a template looks at it.
        self.this: dict[str, Any] | None = None
        self.unit: str | None = None
        self.state_class: str | None = None
        self.device_class = _short(options, "device_class")
        # How long a state holds; by the state that was said, None for any.
        self.lapses: tuple[Lapse, ...] = ()
        self.lapses_when_on: tuple[Lapse, ...] = ()
        self._qos = 1 if options.number("qos", 0) else 0
        self._retain = options.flag("retain")
        self.fill()
        self._listen_to_attributes()

    def fill(self) -> None:
        raise NotImplementedError

    def listen(self, topic_key: str, template_key: str, apply: Apply, *, is_live_only: bool = False) -> bool:
        """Whether there is such a topic. The template is checked in any case."""
        template = self.options.template(template_key)
        topic = self.options.filter(topic_key)
        if topic is None:
            return False
        if template is not None and _THIS.search(template.source):
            self.this = {"state": UNKNOWN, "attributes": {}}
        self.feeds.append(Feed(topic, template, apply, self.encoding, is_live_only))
        return True

    def lapses_of(self, state: str | None) -> tuple[Lapse, ...]:
        if state is None or not (self.lapses or self.lapses_when_on):
            return ()
        return (*self.lapses, *self.lapses_when_on) if state == "on" else self.lapses

    def expire(self) -> None:
        """A device that is silent for so long counts as lost."""
        after_s = _duration(self.options, "expire_after")
        self.lapses = (Lapse(after_s, UNAVAILABLE),) if after_s else ()

    def remember(self, state: str | None, attributes: JsonObject) -> None:
        before = self.this or {}
        self.this = {
            "state": state if state is not None else before.get("state", UNKNOWN),
            "attributes": {**before.get("attributes", {}), **attributes},
        }

    def sender(self, topic_key: str, template_key: str | None = None) -> "Sender | None":
        template = self.options.template(template_key) if template_key is not None else None
        topic = self.options.target(topic_key)
        return None if topic is None else Sender(topic, template, self._qos, self._retain)

    def access(self, *, can_read: bool, can_write: bool = True) -> str:
        return ("r" if can_read else "") + ("w" if can_write else "")

    def encode(self, action: str, data: JsonObject) -> list[Publication]:
        """Raises NotPossible."""
        verb = action.partition(".")[2]
        command = self.commands.get(verb)
        if command is None:
            known = ", ".join(sorted(self.commands)) or "nothing: it can only be read"
            raise NotPossible(f"This {self.domain} cannot do {verb!r}. It can do {known}.")
        try:
            return command(data)
        except TemplateError as err:
            raise NotPossible(f"The device's own template fails for this command: {err}") from err

    def _listen_to_attributes(self) -> None:
        self.listen("json_attributes_topic", "json_attributes_template", _read_attributes)


@dataclass(frozen=True, slots=True)
class Sender:
    """A topic to command, and the template that writes the payload."""

    topic: str
    template: Template | None
    qos: int
    retain: bool

    def send(self, value: JsonValue, **variables: JsonValue) -> list[Publication]:
        """Nothing is sent where the template gives nothing."""
        if self.template is None:
            return [self.publish(write(value))]
        text = self.template.render(value=value, **variables)
        return [self.publish(text)] if text else []

    def publish(self, text: str) -> Publication:
        return Publication(self.topic, text.encode(), self.qos, self.retain)


def write(value: JsonValue) -> str:
    """As Home Assistant writes a value on the wire: whole numbers without a point."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, Mapping | list | tuple):
        return orjson.dumps(value).decode()
    return str(value)


def on_off(text: str, on: str, off: str) -> Said | None:
    if text == on:
        return "on", NOTHING
    if text == off:
        return "off", NOTHING
    if text == NONE:
        return UNKNOWN, NOTHING
    if not text:
        return None
    raise Unreadable(f"{text!r:.60} is neither {on!r:.60} nor {off!r:.60}")


def plain(text: str) -> Said | None:
    """The text is the state."""
    if not text:
        return None
    if text == NONE:
        return UNKNOWN, NOTHING
    if len(text) > STATE_CHARS_MAX:
        raise Unreadable(f"a state may have at most {STATE_CHARS_MAX} characters, this one has {len(text)}")
    return text, NOTHING


def attribute(name: str, read: Callable[[str], JsonValue]) -> Apply:
    """The text is an attribute; `None` takes it away."""

    def apply(text: str) -> Said | None:
        if not text:
            return None
        return None, {name: None if text == NONE else read(text)}

    return apply


def read_number(text: str) -> float | int:
    try:
        number = float(text)
    except ValueError:
        raise Unreadable(f"{text!r:.60} is not a number") from None
    if not abs(number) < 1e300:
        raise Unreadable(f"{text!r:.60} is not a number to work with")
    return int(number) if number.is_integer() and abs(number) < 1e15 else number


def read_one_of(options: tuple[str, ...]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if options and text not in options:
            raise Unreadable(f"{text!r:.60} is none of {', '.join(options)[:200]}")
        return text

    return read


def read_text(text: str) -> str:
    return text[:STATE_CHARS_MAX]


def load_object(text: str) -> JsonObject | None:
    """A JSON object that is neither too long nor too deep, or None."""
    if not text.startswith("{") or len(text) > OBJECT_CHARS_MAX:
        return None
    try:
        body = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    # As many brackets as levels are needed to be too deep: most messages are cleared by counting alone.
    if text.count("{") + text.count("[") > DEPTH_MAX and not is_shallow(body, DEPTH_MAX):
        return None
    return body if isinstance(body, dict) else None


# Ours or Home Assistant's own; a device may not overwrite them by its free attributes.
_RESERVED: Final = frozenset(
    {
        "assumed_state",
        "attribution",
        "device_class",
        "editable",
        "entity_id",
        "entity_picture",
        "event_type",
        "friendly_name",
        "icon",
        "id",
    }
    | {"restored", "state", "state_class", "supported_features", "unique_id", "unit_of_measurement"}
)


def _read_attributes(text: str) -> Said | None:
    if not text:
        return None
    body = load_object(text)
    if body is None:
        raise Unreadable("attributes must be a JSON object")
    free = {key: value for key, value in body.items() if key not in _RESERVED}
    return None, dict(list(free.items())[:ATTRIBUTES_MAX])


# Python knows stranger ones, some of them slow.
_ENCODING = re.compile(
    r"utf[-_]?(8|16|32)([-_]?[bl]e)?|(us[-_]?)?ascii|latin[-_]?\d{1,2}|iso[-_]?8859[-_]\d{1,2}|cp\d{3,4}|windows[-_]\d{4}"
)


def _encoding(options: Options) -> str:
    encoding = options.text("encoding", "utf-8").lower()
    if encoding and not _is_encoding(encoding):
        raise Wrong("key_wrong", f"`encoding` {encoding!r:.40} is not known")
    return encoding


def _is_encoding(name: str) -> bool:
    try:
        return _ENCODING.fullmatch(name) is not None and not b"".decode(name)
    except LookupError:
        return False


def _short(options: Options, key: str) -> str | None:
    value = options.optional_text(key)
    # Firmware in C++ and Python writes "None" where it means nothing.
    return value[:STATE_CHARS_MAX].lower() if value and value.lower() not in {"none", "null"} else None


DURATION_S_MAX: Final = 31 * 86_400


def _duration(options: Options, key: str) -> float:
    seconds = options.number(key, 0)
    if seconds < 0:
        raise Wrong("key_wrong", f"`{key}` must be a number of seconds, not {seconds:g}")
    return min(seconds, DURATION_S_MAX)


def off_delay(options: Options) -> tuple[Lapse, ...]:
    """Devices that say when something begins, and nothing when it ends."""
    after_s = _duration(options, "off_delay")
    return (Lapse(after_s, "off"),) if after_s else ()
