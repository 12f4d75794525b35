"""Identities. Ids of things are lower-case UUID strings; an entity's id is `domain.object_id`."""

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
