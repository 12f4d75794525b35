"""What is asked for: a call of an action, and the commands to devices that come of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from hub_agent.model.ids import CallId, CommandId, DeviceId, EntityId
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.state import Cause
from hub_agent.model.value import value

# Actions of these are answered outside, and take their time.
OUTSIDE_DOMAINS: Final = frozenset({"rest_command", "shell_command"})

# In the data of media_player.join, for drivers: the native ids of those that shall play with it, as far as they are of its own dialect.
NATIVE_MEMBERS: Final = "native_members"


@dataclass(frozen=True, slots=True)
class Recall:
    """A copy of a scene that the bridge keeps: one word to it moves all members at once. `activation`: of which press it is."""

    bridge: DeviceId
    external_id: str
    activation: str
    transition_s: float | None = None


@value
class Call:
    """ "light.turn_on, these entities, this data": from an automation, a scene, a person or the cloud.

    `target` holds entity ids only; areas, devices and groups are resolved before.
    `data` is rendered and never holds the target.
    """

    id: CallId
    action: str
    target: tuple[EntityId, ...]
    data: JsonObject
    cause: Cause
    wants_response: bool = False
    recall: Recall | None = None

    @property
    def domain(self) -> str:
        return self.action.partition(".")[0]


@value
class CallAnswered:
    """The outside has taken the call (or refused it). That a device has done it comes later: `commands` times a `CommandSettled`
    (for a scene: a `SceneSettled`).
    """

    call_id: CallId
    error: str | None = None
    response: JsonValue = None
    is_unknown_action: bool = False
    commands: int = 0


@value
class Command:
    """Please change: one call for one entity of one device; durable before it is sent.

    `expected` is what the next report must say for the command to be confirmed: `state` and attributes; empty if nothing can.
    """

    id: CommandId
    call_id: CallId
    device_id: DeviceId
    entity_id: EntityId
    action: str
    data: JsonObject
    cause: Cause
    issued_at: datetime
    expires_at: datetime
    expected: Mapping[str, JsonValue] = field(default_factory=dict)
    attempt: int = 1
    sent_at: datetime | None = None
    recall: Recall | None = None


@value
class CommandSettled:
    """A command's end. outcome: confirmed | sent (nothing could confirm it) | unconfirmed | failed | expired | superseded."""

    command: Command
    outcome: str
    at: datetime
    error: str | None = None

    @property
    def is_success(self) -> bool:
        return self.outcome in {"confirmed", "sent", "superseded"}
