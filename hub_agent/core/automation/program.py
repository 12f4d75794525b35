"""A definition, read and compiled: what starts it, what must hold, which steps it takes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from hub_agent.core.automation.conditions.condition import Condition
from hub_agent.core.automation.triggers.trigger import Trigger
from hub_agent.core.automation.values import Value, Variables
from hub_agent.model.automation import Mode

if TYPE_CHECKING:
    from hub_agent.core.automation.interpreter import Execution
    from hub_agent.core.automation.runs import Frame

# The block that a run begins with.
TOP = "actions"


class Act(Protocol):
    """What one kind of step does. It may push a block, wait, or raise one of the signals of `signals.py`."""

    def enter(self, at: "Execution") -> None: ...


@runtime_checkable
class Owner(Act, Protocol):
    """A step whose block has more to do when it comes to its end: a loop."""

    def leave(self, at: "Execution", frame: "Frame") -> None: ...


@dataclass(frozen=True, slots=True)
class Step:
    path: str
    kind: str
    act: Act
    is_enabled: bool = True
    continues_on_error: bool = False
    is_traced: bool = True


@dataclass(frozen=True, slots=True)
class Block:
    """Steps in order. `owner` is asked when the last one is done."""

    path: str
    steps: tuple[Step, ...]
    owner: tuple[Step, Owner] | None = None


@dataclass(frozen=True, slots=True)
class CatchUp:
    """What happens to a time that was missed while the hub was down."""

    runs_once: bool = True
    age_max: timedelta = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Program:
    id: str
    name: str
    object_id: str
    is_script: bool
    fingerprint: str
    triggers: tuple[Trigger, ...] = ()
    trigger_variables: Variables = field(default_factory=dict)
    variables: tuple[tuple[str, Value], ...] = ()
    conditions: tuple[Condition, ...] = ()
    blocks: Mapping[str, Block] = field(default_factory=dict)
    mode: Mode = Mode.SINGLE
    runs_max: int = 10
    is_silent_when_dropped: bool = False
    initial_state: bool | None = None
    is_enabled: bool = True
    is_paused: bool = False
    pause_until: datetime | None = None
    retries_max: int = 0
    catch_up: CatchUp = CatchUp()
    # So many of its traces are kept.
    traces_max: int = 20
    # Its templates use `this`, the automation's own state when it was triggered.
    sees_itself: bool = False

    @property
    def entity_id(self) -> str:
        return f"{'script' if self.is_script else 'automation'}.{self.object_id}"
