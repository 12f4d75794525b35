"""What a remedy is, and what it sees of the home."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Protocol, TypeAlias

from hub_agent.core.expectation import number_in
from hub_agent.model.action import Call, Command
from hub_agent.model.device import Device, Entity
from hub_agent.model.effects import CallOutside, Effect
from hub_agent.model.healing import SettingTold, Symptom
from hub_agent.model.ids import CallId, DeviceId, EntityId, NewId
from hub_agent.model.inputs import DefinitionArrived
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.link import LinkStatus, Peer
from hub_agent.model.state import Cause, EntityState

Given: TypeAlias = Effect | Call | DefinitionArrived

# From the gentlest on.
RISKS = ("low", "medium", "high")
IN_USE = frozenset({"on", "playing", "opening", "closing", "unlocking", "locking", "cleaning", "heat", "cool", "open"})
# What a plug feeds is in use when it draws more than this.
STANDBY_W = 8.0


class Home(Protocol):
    """What healing reads of the home."""

    def device(self, device_id: DeviceId) -> Device | None: ...

    def devices(self) -> Iterable[Device]: ...

    def state(self, entity_id: EntityId) -> EntityState | None: ...

    def is_commanded(self, entity_id: EntityId) -> bool:
        """Whether a command for it is under way."""

    def healing_wishes(self) -> JsonObject:
        """`homes.metadata.healing`: what the owner has declared for the whole home."""

    def remedy_row(self, name: str) -> JsonObject:
        """The columns of the catalogue's row of this remedy; empty while none has come down."""

    def link(self, device: Device) -> tuple[Peer, LinkStatus] | None:
        """The link that it is reached by, and how that is; None: it is reached in another way."""

    def settings_of(self, device: Device) -> Sequence[SettingTold]:
        """What its settings were last set to from here."""

    def repair(self, now: datetime) -> tuple[str, JsonObject] | None:
        """The automation whose broken name healing was told of, and its columns put right."""

    def local_time(self, now: datetime) -> time: ...


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """The newest command that the device did not confirm."""

    entity_id: EntityId
    action: str
    data: JsonObject
    expected: Mapping[str, JsonValue]
    sent_at: datetime

    @classmethod
    def of(cls, command: Command) -> "Unconfirmed":
        sent_at = command.sent_at or command.issued_at
        return cls(command.entity_id, command.action, command.data, command.expected, sent_at)

    def as_json(self) -> JsonObject:
        return {
            "entity_id": self.entity_id,
            "action": self.action,
            "data": self.data,
            "expected": self.expected,
            "sent_at": self.sent_at.isoformat(),
        }

    @classmethod
    def from_json(cls, body: JsonObject) -> "Unconfirmed":
        return cls(
            EntityId(str(body["entity_id"])),
            str(body["action"]),
            _mapping(body["data"]),
            _mapping(body["expected"]),
            datetime.fromisoformat(str(body["sent_at"])),
        )


@dataclass(frozen=True, slots=True)
class Patient:
    """A device that something is wrong with, as a remedy sees it. `are_others_heard`: it is a bridge whose other devices are."""

    device: Device
    command: Unconfirmed | None
    home: Home
    now: datetime
    # What is wrong with it, each with what fills the words of the issue.
    symptoms: Mapping[Symptom, JsonObject] = field(default_factory=dict)
    are_others_heard: bool = False

    @property
    def is_battery(self) -> bool:
        """Runs on a battery, as far as one can tell: it sleeps, and cannot be asked."""
        return is_battery(self.device)

    @property
    def plug(self) -> Device | None:
        """The plug that feeds it, where somebody has said so."""
        plug_id = fed_by(self.device)
        return None if plug_id is None else self.home.device(plug_id)

    @property
    def peer(self) -> tuple[Peer, LinkStatus] | None:
        """The link of its own, not one that others hang on it with."""
        return None if self.device.via is not None else self.home.link(self.device)

    def button(self, device_class: str) -> Entity | None:
        """One of its own buttons."""
        return next(
            (each for each in self.device.entities if each.domain == "button" and each.device_class == device_class),
            None,
        )


@dataclass(frozen=True, slots=True)
class Treated:
    """What a step of a remedy is done with. What it calls for carries the execution as its cause."""

    patient: Patient
    cause: Cause
    new_id: NewId

    def call(self, action: str, entity_id: EntityId, data: JsonObject | None = None) -> Call:
        return Call(CallId(self.new_id()), action, (entity_id,), data or {}, self.cause)

    def errand(self, action: str, data: JsonObject | None = None) -> list[Given]:
        """What runtime/mending.py does to the hub itself. By the name of its call its answer finds the attempt again."""
        return [CallOutside(Call(CallId(self.cause.id or ""), action, (), data or {}, self.cause))]

    def press(self, device_class: str) -> list[Given]:
        """Presses a button of its own; nothing where there is none any more."""
        button = self.patient.button(device_class)
        return [] if button is None else [self.call("button.press", button.id)]


Step: TypeAlias = Callable[[Treated], Sequence[Given]]


def _always(_patient: Patient) -> bool:
    return True


def _nobody_else(_patient: Patient) -> tuple[Device, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Remedy:
    """One thing to try: a row of `self_healing_actions`, and how it is done.

    `cooldown` stands between two tries on one device, whatever happened in between; `attempts_max` counts within one trouble.
    `verify_within`: how long it may take to show an effect; zero: nothing to wait for. `verification`: report | expected_state | measurement | connection |
    person. `cost`: of a try, in minutes of somebody's patience. `prior`: how often it is thought to help before anything is known.
    `then`: further steps, each so long after the one before; once begun they are done, also after a crash in between.
    `touches`: what else feels it. `through`: what has to be well for it to be done. `asks`: a person is asked first, unless the catalogue or the owner
    says otherwise. `words` end "Tried: ...". `restarts_agent`: whether it helped shows after the restart.
    """

    name: str
    words: str
    action_type: str
    risk: str
    symptoms: frozenset[Symptom]
    cooldown: timedelta
    attempts_max: int
    verify_within: timedelta
    verification: str
    cost: float
    prior: float
    act: Step
    then: tuple[tuple[timedelta, Step], ...] = ()
    fits: Callable[[Patient], bool] = _always
    touches: Callable[[Patient], tuple[Device, ...]] = _nobody_else
    through: Callable[[Patient], tuple[Device, ...]] = _nobody_else
    interrupts: bool = False
    asks: bool = False
    category: str = "connectivity"
    restarts_agent: bool = False

    @property
    def steps(self) -> tuple[tuple[timedelta, Step], ...]:
        """All of them, each with how long after the one before."""
        return (timedelta(0), self.act), *self.then


def is_battery(device: Device) -> bool:
    if device.power_source:
        return "batter" in device.power_source.lower()
    return any(entity.device_class == "battery" for entity in device.entities)


def wishes_of(device: Device) -> JsonObject:
    """`devices.settings.healing`: what its owner has declared of it."""
    return _mapping(device.settings.get("healing"))


def fed_by(device: Device) -> DeviceId | None:
    plug = wishes_of(device).get("powered_by")
    return DeviceId(plug) if isinstance(plug, str) and plug != device.id else None


def is_in_use(device: Device, home: Home) -> bool:
    """As far as is known: what it last said, or what the plug that feeds it draws."""
    if any(_is_active(entity, home) for entity in device.entities):
        return True
    plug_id = fed_by(device)
    plug = home.device(plug_id) if plug_id is not None else None
    return plug is not None and (drawn_w(plug, home) or 0.0) > STANDBY_W


def drawn_w(device: Device, home: Home) -> float | None:
    """What it measures as power, in watts."""
    for entity in device.entities:
        state = home.state(entity.id) if entity.device_class == "power" else None
        if state is not None and (drawn := number_in(state.state)) is not None:
            return drawn
    return None


def _is_active(entity: Entity, home: Home) -> bool:
    if entity.category is not None or entity.domain in {
        "sensor",
        "binary_sensor",
        "button",
        "event",
        "update",
    }:
        return False
    state = home.state(entity.id)
    return state is not None and state.state in IN_USE


def _mapping(value: JsonValue) -> JsonObject:
    return value if isinstance(value, Mapping) else {}
