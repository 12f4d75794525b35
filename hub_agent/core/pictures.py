"""`camera.snapshot`, `image.snapshot`: the picture that a device publishes, kept as a file where the settings allow it."""

from typing import Final

from hub_agent.model.action import Call, CallAnswered
from hub_agent.model.device import Entity
from hub_agent.model.effects import CallOutside

ACTIONS: Final = frozenset({"camera.snapshot", "image.snapshot"})
_TOPIC_KEY: Final = {"camera": "topic", "image": "image_topic"}


def snapshot(call: Call, entity: Entity | None) -> CallOutside | CallAnswered:
    """`entity`: the one that is named, if there is exactly one."""
    filename = call.data.get("filename")
    if not isinstance(filename, str) or not filename:
        return CallAnswered(call.id, error=f"{call.action} needs a filename")
    if entity is None:
        return CallAnswered(call.id, error=f"{call.action} needs one camera of this home")
    config = entity.native.get("config")
    topic = config.get(_TOPIC_KEY.get(entity.domain, "")) if isinstance(config, dict) else None
    if not isinstance(topic, str):
        return CallAnswered(call.id, error=f"{entity.id} publishes no pictures")
    is_base64 = isinstance(config, dict) and config.get("image_encoding") == "b64"
    data = {"topic": topic, "is_base64": is_base64, "filename": filename}
    return CallOutside(Call(call.id, call.action, (), data, call.cause, call.wants_response))
