"""Identities. Ids of things are lower-case UUID strings; an entity's id is `domain.object_id`."""

import re
import unicodedata
from typing import NewType, Protocol

HomeId = NewType("HomeId", str)
HubId = NewType("HubId", str)
DeviceId = NewType("DeviceId", str)
RoomId = NewType("RoomId", str)
AutomationId = NewType("AutomationId", str)
SceneId = NewType("SceneId", str)
EntityId = NewType("EntityId", str)
RunId = NewType("RunId", str)
CallId = NewType("CallId", str)
CommandId = NewType("CommandId", str)


class NewId(Protocol):
    """Makes a fresh UUID string; random on a hub, counted from the seed in a simulation."""

    def __call__(self) -> str: ...


def slugify(text: str) -> str:
    """Lower-case ASCII letters, digits and underscores, as Home Assistant makes object ids of names."""
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss")).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_") or "unnamed"
