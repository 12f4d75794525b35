"""Entities that only tell: sensors, events, trackers, update notices."""

import math
from datetime import datetime
from typing import ClassVar, Final

from hub_agent.drivers.given import TEXT_CHARS_MAX
from hub_agent.drivers.homeassistant.facet import (
    ATTRIBUTES_MAX,
    NONE,
    NOTHING,
    Facet,
    Said,
    Unreadable,
    load_object,
    off_delay,
    on_off,
    plain,
    read_number,
    read_one_of,
    read_text,
)
from hub_agent.drivers.homeassistant.options import Wrong
from hub_agent.drivers.vocabulary import slug
from hub_agent.model.device import Capability
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.report import Publication
from hub_agent.model.state import UNAVAILABLE, UNKNOWN

_NOT_NUMERIC: Final = frozenset({"date", "enum", "timestamp"})
URL_CHARS_MAX: Final = 2_000
_NO_VALUE: Final = frozenset({NONE, UNKNOWN, UNAVAILABLE, "none", "null"})


class Sensor(Facet):
    domain = "sensor"
    required = ("state_topic",)

    def fill(self) -> None:
        options = self.options
        self.unit = options.optional_text("unit_of_measurement") or None
        self.state_class = options.optional_text("state_class")
        self.expire()
        words = options.texts("options")
        self.is_numeric = self.device_class not in _NOT_NUMERIC and any(
            (self.device_class, self.unit, self.state_class, options.has("suggested_display_precision"))
        )
        apply = (
            self._read_number
            if self.is_numeric
            else self._read_moment
            if self.device_class in {"date", "timestamp"}
            else plain
        )
        if words and not self.is_numeric:
            read = read_one_of(words)
            apply = lambda text: plain(read(text)) if text and text != NONE else plain(text)  # noqa: E731 - one of four readings
        self.listen("state_topic", "value_template", apply)
        kind = "float" if self.is_numeric else "enum" if words else "text"
        name = self.device_class or slug(options.text("name", "")) or "value"
        self.capabilities[name] = Capability(
            kind, unit=self.unit if self.is_numeric else None, options=words if kind == "enum" else ()
        )

    def _read_number(self, text: str) -> Said | None:
        try:
            if math.isfinite(float(text)):
                return text, NOTHING
        except ValueError:
            if not text:
                return None
            if text not in _NO_VALUE:
                raise Unreadable(f"{text!r:.60} is not a number") from None
        return UNKNOWN, NOTHING

    def _read_moment(self, text: str) -> Said | None:
        if not text or text in _NO_VALUE:
            return (UNKNOWN, NOTHING) if text else None
        try:
            return datetime.fromisoformat(text).isoformat(), NOTHING
        except ValueError:
            raise Unreadable(f"{text!r:.60} is not a moment in ISO 8601") from None


class BinarySensor(Facet):
    domain = "binary_sensor"
    required = ("state_topic",)

    def fill(self) -> None:
        on, off = self.options.text("payload_on", "ON"), self.options.text("payload_off", "OFF")
        self.listen("state_topic", "value_template", lambda text: on_off(text, on, off))
        self.expire()
        self.lapses_when_on = off_delay(self.options)
        self.capabilities[self.device_class or slug(self.options.text("name", "")) or "on"] = Capability("bool")


class Event(Facet):
    """Its state is the moment, which the hub adds; a retained event has happened long ago."""

    domain = "event"
    required = ("state_topic", "event_types")

    def fill(self) -> None:
        self._types = self.options.texts("event_types")
        self.listen("state_topic", "value_template", self._read, is_live_only=True)
        self.capabilities["event"] = Capability("enum", options=self._types)

    def _read(self, text: str) -> Said | None:
        if not text or text in {NONE, "{}", "null"}:
            return None
        body = load_object(text)
        if body is None or not isinstance(body.get("event_type"), str):
            raise Unreadable(f"an event is a JSON object with `event_type`, not {text!r:.60}")
        if body["event_type"] not in self._types:
            raise Unreadable(f"`event_type` {body['event_type']!r:.60} is none of {', '.join(self._types)[:200]}")
        return None, dict(list(body.items())[:ATTRIBUTES_MAX])


class DeviceTrigger(Facet):
    """A device automation: pressed, turned, shaken. An event entity with one type of event."""

    domain = "event"
    required = ("automation_type", "topic", "type", "subtype")

    def fill(self) -> None:
        options = self.options
        if options.text("automation_type", "") != "trigger":
            raise Wrong(
                "key_wrong", f"`automation_type` must be 'trigger', not {options.text('automation_type', '')!r:.40}"
            )
        self._payload = options.render_limited("payload")
        self._type = options.needed_text("type")[:TEXT_CHARS_MAX]
        self._subtype = options.needed_text("subtype")[:TEXT_CHARS_MAX]
        topic = options.render_limited("topic")
        self.options.config = {**options.config, "topic": topic}
        self.listen("topic", "value_template", self._read, is_live_only=True)
        self.capabilities["event"] = Capability("enum", options=(self._type,))
        self.label = f"{self._subtype} {self._type}".replace("_", " ")[:TEXT_CHARS_MAX]

    def _read(self, text: str) -> Said | None:
        if self._payload is not None and text != self._payload:
            return None
        return None, {"event_type": self._type, "subtype": self._subtype}


class Tag(Facet):
    """A tag reader: each scan is an event."""

    domain = "event"
    required = ("topic",)

    def fill(self) -> None:
        self.listen("topic", "value_template", self._read, is_live_only=True)
        self.capabilities["event"] = Capability("enum", options=("tag_scanned",))
        self.label = "Tag"

    def _read(self, text: str) -> Said | None:
        return (None, {"event_type": "tag_scanned", "tag_id": read_text(text)}) if text else None


class DeviceTracker(Facet):
    domain = "device_tracker"

    def fill(self) -> None:
        options = self.options
        if not options.has("state_topic", "json_attributes_topic"):
            raise Wrong("key_missing", "`state_topic` is missing (or `json_attributes_topic`)")
        self._words = {
            options.text("payload_home", "home"): "home",
            options.text("payload_not_home", "not_home"): "not_home",
            options.text("payload_reset", NONE): UNKNOWN,
        }
        self.listen("state_topic", "value_template", self._read)
        self.capabilities["location"] = Capability("text")

    def _read(self, text: str) -> Said | None:
        state = self._words.get(text)
        return (state, NOTHING) if state is not None else plain(text)


class Update(Facet):
    """On while the newest version is not the installed one."""

    domain = "update"
    attributes: ClassVar[tuple[str, ...]] = (
        "title",
        "release_summary",
        "release_url",
        "entity_picture",
        "in_progress",
        "update_percentage",
    )

    def fill(self) -> None:
        options = self.options
        self._installed: str | None = None
        self._latest: str | None = None
        self._fixed: dict[str, JsonValue] = {
            key: options.text(key, "") for key in ("title", "release_summary", "release_url") if options.has(key)
        }
        self.listen("state_topic", "value_template", self._read)
        self.listen("latest_version_topic", "latest_version_template", self._read_latest)
        self.capabilities["available"] = Capability("bool")
        sender = self.sender("command_topic")
        install = options.optional_text("payload_install")
        if sender is not None and install is not None:
            self.capabilities["install"] = Capability("bool", "w")
            self.commands["install"] = lambda _data: self._install(install)
            self._sender = sender

    def _install(self, payload: str) -> list[Publication]:
        return [self._sender.publish(payload)]

    def _read(self, text: str) -> Said | None:
        if not text:
            return None
        body = load_object(text)
        if body is None:
            self._installed = None if text == NONE else read_text(text)
            return self._say({})
        for key, known in (("installed_version", "_installed"), ("latest_version", "_latest")):
            if key in body:
                setattr(self, known, read_text(str(body[key])) if body[key] is not None else None)
        return self._say({key: body[key] for key in self.attributes if key in body})

    def _read_latest(self, text: str) -> Said | None:
        if not text:
            return None
        self._latest = None if text == NONE else read_text(text)
        return self._say({})

    def _say(self, more: JsonObject) -> Said:
        state = UNKNOWN
        if self._installed is not None and self._latest is not None:
            state = "off" if self._installed == self._latest else "on"
        return state, {**self._fixed, **more, "installed_version": self._installed, "latest_version": self._latest}


class Camera(Facet):
    """Its pictures are not kept; who wants them finds them at the broker. That there is one is told."""

    domain = "camera"
    required = ("topic",)

    def fill(self) -> None:
        self.capabilities["picture"] = Capability("text")


class Image(Facet):
    """The address of the picture is told; of pictures that come themselves, only their topic is known."""

    domain = "image"

    def fill(self) -> None:
        options = self.options
        if not options.has("url_topic", "image_topic"):
            raise Wrong("key_missing", "`url_topic` is missing (or `image_topic`)")
        self.listen("url_topic", "url_template", self._read_url)
        self.capabilities["picture"] = Capability("text")

    def _read_url(self, text: str) -> Said | None:
        if not text or text == NONE:
            return None
        if len(text) > URL_CHARS_MAX:
            raise Unreadable(f"an address may have at most {URL_CHARS_MAX} characters, this one has {len(text)}")
        return None, {"picture": text}


__all__ = [
    "BinarySensor",
    "Camera",
    "DeviceTracker",
    "DeviceTrigger",
    "Event",
    "Image",
    "Sensor",
    "Tag",
    "Update",
    "read_number",
]
