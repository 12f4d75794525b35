"""Scenes: named desired states, and what came of pressing one."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from hub_agent.model.device import Device, Entity
from hub_agent.model.ids import CallId, DeviceId, EntityId, SceneId, slugify
from hub_agent.model.json import JsonObject
from hub_agent.model.state import Cause


@dataclass(frozen=True, slots=True)
class DesiredState:
    """How a scene wants one entity. `device_id` is None where only the entity is known (`scene.apply`)."""

    entity_id: EntityId
    state: str
    attributes: JsonObject
    device_id: DeviceId | None = None
    transition_s: float | None = None

    @property
    def device_key(self) -> str:
        """What counts as one device in the outcome."""
        return self.device_id or self.entity_id


@dataclass(frozen=True, slots=True)
class Scene:
    """Desired states in sending order. `row_id` is None for scenes made by `scene.create`: they have no row to record against."""

    entity_id: EntityId
    name: str
    desired: tuple[DesiredState, ...]
    row_id: SceneId | None = None
    transition_s: float | None = None
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class FailedDevice:
    """A device that a scene could not bring to its state, and why, in words."""

    id: str
    name: str
    error: str


@dataclass(frozen=True, slots=True)
class SceneSettled:
    """The end of a scene that a call (an automation's step) activated. status: success | partial | failed."""

    call_id: CallId
    scene_id: EntityId
    status: str
    failed: tuple[FailedDevice, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class SceneEnded:
    """The end of any activation of a scene of the home. `devices`: ids; `failed`: what they are called that did not follow."""

    scene_id: SceneId
    name: str
    cause: Cause
    devices: tuple[str, ...]
    failed: tuple[str, ...]


# Copies of scenes that an ecosystem keeps by itself.


@dataclass(frozen=True, slots=True)
class SceneMember:
    """How a copy wants one entity of one of the bridge's devices."""

    device: Device
    entity: Entity
    wish: DesiredState


@dataclass(frozen=True, slots=True)
class SceneCopy:
    """The part of a scene that one bridge can keep. `tag`: eight hexadecimal digits by which the copy is known again there.
    `version`: six digits that change with what it is to keep, for bridges that do not tell the values.
    """

    tag: str
    name: str
    members: tuple[SceneMember, ...]
    transition_s: float | None = None
    version: str = ""


@dataclass(frozen=True, slots=True)
class KeptScene:
    """A copy as its bridge tells of it. `content`: what it keeps, in the words of the dialect, as far as the bridge tells that; "" where not."""

    tag: str
    external_id: str
    content: str = ""


class SceneKeeper(Protocol):
    """A dialect whose bridges keep scenes. Pure."""

    def can_keep(self, device: Device, entity: Entity, wish: DesiredState) -> bool: ...

    def content_of(self, copy: SceneCopy) -> str:
        """What `KeptScene.content` says once the copy is kept as it should be: whoever is a member, and what else the bridge tells."""


def scene_entity_id(name: str) -> EntityId:
    """`scene.movie_night`, as Home Assistant names it."""
    return EntityId(f"scene.{slugify(name)}")
