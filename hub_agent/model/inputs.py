"""What the core is told, besides what drivers decode."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from hub_agent.model.action import Call, CallAnswered
from hub_agent.model.activity import Happened
from hub_agent.model.definition import Definition
from hub_agent.model.device import Room
from hub_agent.model.ids import CommandId, DeviceId, EntityId, RoomId, SceneId
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.link import DialectTroubled, LinkChanged
from hub_agent.model.measured import HubMeasured, WaysMeasured
from hub_agent.model.report import Decoded, MqttMessage
from hub_agent.model.security import AccessRefused, Scanned, ScanWanted
from hub_agent.model.state import Cause
from hub_agent.model.value import value


@value
class StateSet:
    """Write an entity's state directly (helpers, scenarios). None leaves that part as it is."""

    entity_id: EntityId
    state: str | None = None
    attributes: JsonObject | None = None
    is_forced: bool = False
    cause: Cause | None = None


@dataclass(frozen=True, slots=True)
class StateRemoved:
    entity_id: EntityId


@value
class EventFired:
    event_type: str
    data: JsonObject
    user_id: str | None = None
    cause: Cause | None = None


@dataclass(frozen=True, slots=True)
class WebhookCalled:
    webhook_id: str
    method: str
    json: JsonValue = None
    form: JsonObject | None = None
    query: JsonObject | None = None
    is_local: bool = True


@dataclass(frozen=True, slots=True)
class TopicHeard:
    """An MQTT message, for triggers on topics."""

    message: MqttMessage


@dataclass(frozen=True, slots=True)
class CallRequested:
    """A person, the cloud or the command line calls an action. The answer is an effect `Answer`, by the call's id."""

    call: Call


@dataclass(frozen=True, slots=True)
class ScenePressed:
    """`request_id` makes a repeat harmless and names the answer."""

    scene_id: SceneId
    cause: Cause
    source: str
    request_id: str


@dataclass(frozen=True, slots=True)
class DefinitionArrived:
    """A definition changed here or in the cloud. `is_from_cloud`: version and base are the cloud's.
    `disputed`: the columns that wait for a decision there; None where the cloud does not say. `by`: who changed it here.
    """

    definition: Definition
    is_from_cloud: bool
    disputed: frozenset[str] | None = None
    by: str | None = None


@dataclass(frozen=True, slots=True)
class ConflictDecided:
    """A person decides fields of a conflict: True for what the hub has, False for what the cloud wants."""

    kind: str
    id: str
    is_for_hub_by_field: Mapping[str, bool]
    by: str | None = None


@dataclass(frozen=True, slots=True)
class LostAnswered:
    """A person looks at a value that gave way: it is put back, or not needed any more."""

    kind: str
    id: str
    field: str
    at: datetime
    is_put_back: bool
    by: str | None = None


@dataclass(frozen=True, slots=True)
class DefinitionTaken:
    """The cloud's answer to a definition that was sent up. status: synced | pending | conflict | failed.

    `sent` holds the fields that were sent, None where a deletion was. `fields` is the cloud's row where it says something
    else than what was sent; `is_deleted`: the cloud has it no longer. `existing_id`: the home has a row of this name already.
    `changed_at`, `changed_by`: when and by whom it was last changed there.
    """

    kind: str
    id: str
    status: str
    version: int | None
    sent: JsonObject | None
    fields: JsonObject | None = None
    is_deleted: bool = False
    error: str | None = None
    existing_id: str | None = None
    changed_at: datetime | None = None
    changed_by: str | None = None


@dataclass(frozen=True, slots=True)
class DefinitionsForgotten:
    """The cloud does not have these (kind, id) any more, or an older version: it was put back to how it stood before."""

    keys: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class RepairWanted:
    """A person asks the hub to do what it can for an automation: names that were changed are put right."""

    automation_id: str
    request_id: str
    by: str | None = None


@dataclass(frozen=True, slots=True)
class RemedyAnswered:
    """A person says yes or no to a remedy that healing has asked about. The answer is an effect `Answer`."""

    execution_id: str
    is_approved: bool
    request_id: str
    by: str | None = None


@dataclass(frozen=True, slots=True)
class RemedyWanted:
    """A person wants a remedy to be tried now. `is_forced`: also in quiet hours, and on what is in use."""

    device_id: DeviceId
    remedy: str
    request_id: str
    is_forced: bool = False
    by: str | None = None


@dataclass(frozen=True, slots=True)
class DiagnosisWanted:
    """Somebody wants to know what is wrong with a device; None: with the home. The answer is an effect `Answer` by the request's id.

    `source`: manual | scheduled | alert | self_healing. `by`: the id of the person, if it is one of the home's.
    """

    device_id: DeviceId | None
    request_id: str
    source: str = "manual"
    by: str | None = None


@dataclass(frozen=True, slots=True)
class DeviceEdited:
    """A person changes what people own of a device; None leaves it as it is."""

    device_id: DeviceId
    name: str | None = None
    room_id: RoomId | None = None
    by: str | None = None


@dataclass(frozen=True, slots=True)
class RoomEdited:
    room: Room


@dataclass(frozen=True, slots=True)
class CloudCommand:
    """A row of hub_commands; done at most once."""

    id: str
    kind: str
    payload: JsonObject
    is_expired: bool = False


@dataclass(frozen=True, slots=True)
class AlertAnswered:
    """A person answers an open alert. verb: acknowledge | resolve | dismiss. `by`: the person's id, if it is one of the home's."""

    alert_id: str
    verb: str
    by: str | None
    request_id: str


@dataclass(frozen=True, slots=True)
class ChannelTested:
    """A person wants a message on this channel, to see whether it comes."""

    channel: str
    request_id: str


@dataclass(frozen=True, slots=True)
class CommandSent:
    command_id: CommandId


@dataclass(frozen=True, slots=True)
class CommandNotSent:
    """`may_try_again`: only the way is missing (no connection); otherwise it can never be sent."""

    command_id: CommandId
    reason: str
    may_try_again: bool = False


@dataclass(frozen=True, slots=True)
class BrokerConnected:
    pass


@dataclass(frozen=True, slots=True)
class BrokerLost:
    reason: str


@dataclass(frozen=True, slots=True)
class PeerWanted:
    """A person wants this peer, and has given or done what was missing: its link is opened, also if it was ignored before."""

    dialect: str
    key: str
    by: str | None = None


@dataclass(frozen=True, slots=True)
class PeerForgotten:
    """A person does not want this peer: its link is closed. `is_ignored`: it is not taken up again when it is met again."""

    dialect: str
    key: str
    is_ignored: bool = True
    by: str | None = None


@dataclass(frozen=True, slots=True)
class ClockStepped:
    """The wall clock was set by so much: what counts elapsed time moves with it, what follows the wall does not fire for what was jumped over."""

    by: timedelta
    is_trusted: bool


@dataclass(frozen=True, slots=True)
class ActivityTold:
    """Something for the list of what happened, by whoever else knows of it."""

    happened: Happened


# What monitors hear that nobody else does.
OfMonitors: TypeAlias = (
    ActivityTold
    | HubMeasured
    | WaysMeasured
    | DiagnosisWanted
    | AlertAnswered
    | ChannelTested
    | ScanWanted
    | Scanned
    | AccessRefused
)

Input: TypeAlias = (
    Decoded
    | StateSet
    | StateRemoved
    | EventFired
    | WebhookCalled
    | TopicHeard
    | CallRequested
    | CallAnswered
    | ScenePressed
    | DefinitionArrived
    | DefinitionTaken
    | DefinitionsForgotten
    | ConflictDecided
    | LostAnswered
    | DeviceEdited
    | RoomEdited
    | RepairWanted
    | RemedyAnswered
    | RemedyWanted
    | CloudCommand
    | CommandSent
    | CommandNotSent
    | BrokerConnected
    | BrokerLost
    | LinkChanged
    | DialectTroubled
    | PeerWanted
    | PeerForgotten
    | ClockStepped
    | OfMonitors
)
