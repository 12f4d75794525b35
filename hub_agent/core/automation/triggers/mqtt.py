"""`mqtt`: a message on a topic."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from hub_agent.core.automation.exchange import Attachment
from hub_agent.core.automation.reading import Fields, kind_of, read_integer
from hub_agent.core.automation.triggers.trigger import NeverHeld, Reader
from hub_agent.core.automation.values import read_template, read_value
from hub_agent.errors import DefinitionError, TemplateError
from hub_agent.model.effects import Warn
from hub_agent.model.report import MqttMessage
from hub_agent.templating import Template


@dataclass(frozen=True, slots=True)
class MqttSource:
    topic: str
    payload: str | None
    value_template: Template | None
    encoding: str | None
    qos: int

    def attach(self, attachment: Attachment, _now: datetime) -> NeverHeld:
        def handle(message: MqttMessage, now: datetime) -> None:
            try:
                told = self._told(message)
            except TemplateError as err:
                attachment.exchange.emit(Warn(f"mqtt/{self.topic}", f"A trigger on {self.topic} failed: {err}"))
                return
            if told is not None:
                attachment.fire(told, now)

        attachment.listen_topic(self.topic, handle)
        return NeverHeld()

    def _told(self, message: MqttMessage) -> dict[str, object] | None:
        text = _decode(message.payload, self.encoding)
        if text is None:
            return None
        parsed, is_json = _parse(text)
        if self.payload is not None:
            value = text
            if self.value_template is not None:
                more = {"value_json": parsed} if is_json else {}
                value = self.value_template.render(value=text, **more)
            if value != self.payload:
                return None
        told: dict[str, object] = {"topic": message.topic, "payload": text, "qos": self.qos}
        told["description"] = f"mqtt topic {message.topic}"
        return {**told, "payload_json": parsed} if is_json else told


def _decode(payload: bytes, encoding: str | None) -> str | None:
    try:
        return payload.decode(encoding) if encoding else payload.hex()
    except (UnicodeDecodeError, LookupError):
        return None


def _parse(text: str) -> tuple[Any, bool]:
    try:
        return orjson.loads(text), True
    except orjson.JSONDecodeError:
        return None, False


def topic_matches(pattern: str, topic: str) -> bool:
    """MQTT 5 §4.7: `+` is one level, a final `#` the parent and all below; neither matches a leading `$`."""
    wanted, given = pattern.split("/"), topic.split("/")
    if topic.startswith("$") and wanted[0] in {"+", "#"}:
        return False
    for index, level in enumerate(wanted):
        if level == "#":
            return True
        if index >= len(given) or (level not in {"+", given[index]}):
            return False
    return len(wanted) == len(given)


def read_mqtt(fields: Fields, reader: Reader) -> MqttSource:
    topic = reader.limited(
        read_value(fields.text("topic"), reader.templates, fields.path("topic")), fields.path("topic")
    )
    if not isinstance(topic, str) or not _is_topic_filter(topic):
        raise DefinitionError(f"{topic!r} is not a topic filter", fields.path("topic"))
    payload = None
    if fields.has("payload"):
        value = fields.take("payload")
        if not isinstance(value, str | int | float):
            raise DefinitionError(f"must be text, not {kind_of(value)}", fields.path("payload"))
        payload = str(
            reader.limited(read_value(value, reader.templates, fields.path("payload")), fields.path("payload"))
        )
    template = None
    if fields.has("value_template"):
        template = read_template(fields.take("value_template"), reader.templates, fields.path("value_template"))
    encoding = fields.take("encoding", "utf-8")
    if encoding is not None and not isinstance(encoding, str):
        raise DefinitionError("must be the name of an encoding", fields.path("encoding"))
    _check_encoding(encoding, fields.path("encoding"))
    return MqttSource(
        topic, payload, template, encoding or None, read_integer(fields.take("qos", 0), fields.path("qos"), 0, 2)
    )


def _check_encoding(encoding: str | None, where: str) -> None:
    decode: Callable[[str], bytes] = "".encode
    try:
        decode(encoding or "utf-8")
    except LookupError as err:
        raise DefinitionError(f"{encoding!r} is not an encoding", where) from err


def _is_topic_filter(topic: str) -> bool:
    levels = topic.split("/")
    return (
        bool(topic)
        and all(level == "+" or "+" not in level for level in levels)
        and all("#" not in level for level in levels[:-1])
        and (levels[-1] == "#" or "#" not in levels[-1])
    )
