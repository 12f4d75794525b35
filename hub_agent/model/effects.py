"""What the core asks for. First everything that is to be kept is committed, then the rest is carried out.

`durability` of an effect: LAZY waits for company (at most a second), COMMIT survives a crash of the process, FSYNC a power cut.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar, TypeAlias

from hub_agent.model.action import Call, CallAnswered, Command
from hub_agent.model.activity import Happened
from hub_agent.model.definition import Definition
from hub_agent.model.device import Device
from hub_agent.model.ids import DeviceId
from hub_agent.model.issue import Issue
from hub_agent.model.json import JsonObject, Row
from hub_agent.model.link import Peer
from hub_agent.model.report import Publication, Subscribe
from hub_agent.model.scene import SceneCopy
from hub_agent.model.value import value


class Durability(IntEnum):
    LAZY = 0
    COMMIT = 1
    FSYNC = 2


@value
class Save:
    """Keep a state machine's own memory (a run, a hold, a healing) under room and key; None forgets it."""

    room: str
    key: str
    body: JsonObject | None
    durability: Durability = Durability.FSYNC


@value
class SaveCommand:
    """Keep a pending command; `is_settled` forgets it."""

    command: Command
    is_settled: bool = False
    durability: Durability = Durability.COMMIT


@dataclass(frozen=True, slots=True)
class SaveDevice:
    """What only the device says of itself may be LAZY: it says it again. What a person says may not."""

    device: Device
    durability: Durability = Durability.FSYNC


@dataclass(frozen=True, slots=True)
class ForgetDevice:
    """The device left; its id stays with its aliases, so that it comes back as itself."""

    device_id: DeviceId
    durability: ClassVar[Durability] = Durability.COMMIT


@dataclass(frozen=True, slots=True)
class SaveDefinition:
    definition: Definition
    durability: Durability = Durability.FSYNC


@value
class SaveTrace:
    """The story of a run, kept on the hub by count (`kept_max` of this automation) and age. `body` is what `automations trace` shows."""

    automation_id: str
    run_id: str
    body: JsonObject
    kept_max: int = 20
    durability: ClassVar[Durability] = Durability.COMMIT


@value
class NoteActivity:
    """A line of what happened, for people; it never leaves the hub."""

    happened: Happened
    durability: ClassVar[Durability] = Durability.LAZY


@value
class AppendRecord:
    """Owed to the cloud; the mirror gives it the stream's next number."""

    stream: str
    row: Row
    durability: Durability = Durability.LAZY


@dataclass(frozen=True, slots=True)
class AppendCase:
    """A record that changes after it was made: the higher revision replaces the lower one."""

    table: str
    id: str
    revision: int
    row: Row
    durability: ClassVar[Durability] = Durability.FSYNC


@dataclass(frozen=True, slots=True)
class CloudCommandDone:
    """Remember that a cloud command is done (never again), and tell the cloud. status: done | failed."""

    command_id: str
    status: str
    result: JsonObject
    durability: ClassVar[Durability] = Durability.FSYNC


Persistent: TypeAlias = (
    Save
    | SaveCommand
    | SaveDevice
    | ForgetDevice
    | SaveDefinition
    | SaveTrace
    | NoteActivity
    | AppendRecord
    | AppendCase
    | CloudCommandDone
)


@value
class SendCommand:
    """Encode and publish; answer with CommandSent or CommandNotSent."""

    command: Command


@dataclass(frozen=True, slots=True)
class AskState:
    device_id: DeviceId


@dataclass(frozen=True, slots=True)
class Reconfigure:
    device_id: DeviceId


@dataclass(frozen=True, slots=True)
class Interview:
    """Has the bridge ask the device anew what it is and can do."""

    device_id: DeviceId


@dataclass(frozen=True, slots=True)
class LookAround:
    """Ask the network now who is there, and where. What it answers is heard as always."""


@dataclass(frozen=True, slots=True)
class Publish:
    publication: Publication


@dataclass(frozen=True, slots=True)
class ReleaseDevice:
    """Another dialect serves this device: its driver need not listen to it."""

    device: Device


@dataclass(frozen=True, slots=True)
class OpenLink:
    """Keep a link to this peer from now on; known already, its address is renewed. Answers with LinkChanged, again and again."""

    peer: Peer


@dataclass(frozen=True, slots=True)
class CloseLink:
    dialect: str
    key: str


@dataclass(frozen=True, slots=True)
class StoreScene:
    """Have the bridge keep this copy; kept already, it is made as it should be. `external_id`: under which it is known there."""

    bridge: DeviceId
    copy: SceneCopy
    external_id: str | None


@dataclass(frozen=True, slots=True)
class DropScene:
    bridge: DeviceId
    external_id: str


@dataclass(frozen=True, slots=True)
class CallOutside:
    """A call nobody inside the hub answers; the outside answers with CallAnswered."""

    call: Call


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a CallRequested or ScenePressed, for whoever waits for it."""

    request_id: str
    answer: CallAnswered | JsonObject


@dataclass(frozen=True, slots=True)
class IssueRaised:
    issue: Issue


@dataclass(frozen=True, slots=True)
class IssueCleared:
    code: str
    subject: str


@value
class Announce:
    """Something the page may want to show at once. topic: state | device | scene | run | issue | notice | sync | home."""

    topic: str
    body: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Warn:
    """A line for the log. `key` limits repeats: first WARNING, then DEBUG."""

    key: str
    text: str


@dataclass(frozen=True, slots=True)
class LogLine:
    """What a rule wants written into the log. level: debug | info | warning | error | critical."""

    level: str
    text: str


Outward: TypeAlias = (
    SendCommand
    | AskState
    | Reconfigure
    | Interview
    | LookAround
    | Publish
    | Subscribe
    | ReleaseDevice
    | StoreScene
    | DropScene
    | OpenLink
    | CloseLink
    | CallOutside
    | Answer
    | IssueRaised
    | IssueCleared
    | Announce
    | Warn
    | LogLine
)

Effect: TypeAlias = Persistent | Outward
