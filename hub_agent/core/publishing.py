"""`mqtt.publish`: what a rule says on the broker."""

import ast
import json
from typing import Final

from hub_agent.model.action import Call, CallAnswered
from hub_agent.model.effects import Publish
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.report import Publication

TOPIC_BYTES_MAX: Final = 65_535
PAYLOAD_BYTES_MAX: Final = 256 * 1024


def publish(call: Call) -> list[Publish | CallAnswered]:
    try:
        publication = _publication(call.data)
    except ValueError as err:
        return [CallAnswered(call.id, error=f"mqtt.publish: {err}")]
    return [Publish(publication), CallAnswered(call.id)]


def _publication(data: JsonObject) -> Publication:
    """Raises ValueError in words."""
    # `…_template`: what was a template has been rendered by now.
    topic = data.get("topic", data.get("topic_template"))
    if not isinstance(topic, str) or not topic or set("+#\0") & set(topic):
        raise ValueError("it needs a topic without wildcards")
    if len(topic.encode()) > TOPIC_BYTES_MAX:
        raise ValueError(f"a topic has {TOPIC_BYTES_MAX} bytes at most")
    payload = _payload(
        data.get("payload", data.get("payload_template")), is_literal=data.get("evaluate_payload") is True
    )
    if len(payload) > PAYLOAD_BYTES_MAX:
        raise ValueError(f"a payload has {PAYLOAD_BYTES_MAX} bytes at most, this one {len(payload)}")
    return Publication(topic, payload, _qos(data.get("qos", 0)), _truth(data.get("retain", False)))


def _payload(value: JsonValue, *, is_literal: bool) -> bytes:
    if value is None:
        return b""
    if not isinstance(value, str):
        # What a template gave may read as a list or a mapping: devices want it as JSON, and numbers and truths as they were written.
        text = json.dumps(value, ensure_ascii=False) if isinstance(value, list | tuple | dict) else str(value)
        return text.encode()
    if is_literal and value[:2] in {"b'", 'b"'}:
        try:
            literal = ast.literal_eval(value)
        except (ValueError, SyntaxError, MemoryError, RecursionError) as err:
            raise ValueError(f"the payload is no bytes literal: {err}") from err
        return literal if isinstance(literal, bytes) else value.encode()
    return value.encode("utf-8", "replace")


def _qos(value: JsonValue) -> int:
    if str(value) not in {"0", "1", "2"}:
        raise ValueError(f"qos must be 0, 1 or 2, not {value!r}")
    return int(str(value))


def _truth(value: JsonValue) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in {"true", "yes", "on", "1"}:
        return True
    if word in {"false", "no", "off", "0"}:
        return False
    raise ValueError(f"retain must be true or false, not {value!r}")
