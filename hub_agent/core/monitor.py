"""What a room is that watches over the home: it notices, judges, foresees or tells, and touches nothing itself."""

# ruff: noqa: ARG002 the defaults do nothing with what they are told

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar, TypeAlias

from hub_agent.model.action import Call, CommandSettled
from hub_agent.model.definition import Definition
from hub_agent.model.device import Device
from hub_agent.model.effects import AppendCase, Effect, IssueCleared, IssueRaised
from hub_agent.model.healing import Noticed, Passed
from hub_agent.model.ids import DeviceId
from hub_agent.model.inputs import DefinitionArrived, EventFired, Input
from hub_agent.model.json import JsonObject
from hub_agent.model.report import Refused, Rejected
from hub_agent.model.state import StateChanged

Given: TypeAlias = Effect | Call | EventFired | DefinitionArrived | Noticed | Passed


class Monitor:
    """Overrides what it needs: only that is called. core/monitoring.py has the list of all.

    `room`: under which its effects `Save(room, key, body)` come back in `restore`. `INPUTS`: the inputs that are its own, see
    `take`. `KINDS`: the definitions that it lives by: it hears of each at the start and whenever one changes.
    """

    room: ClassVar[str] = ""
    INPUTS: ClassVar[frozenset[type]] = frozenset()
    KINDS: ClassVar[frozenset[str]] = frozenset()

    # Memory and time.

    def restore(self, saved: Mapping[str, JsonObject], now: datetime) -> Sequence[Given]:
        """By key what was saved. Devices and their states are known by now; the definitions follow."""
        return ()

    def get_timer(self) -> datetime | None:
        return None

    def handle_timer(self, now: datetime) -> Sequence[Given]:
        return ()

    def handle_stop(self, now: datetime) -> Sequence[Given]:
        """The hub is about to stop."""
        return ()

    def handle_clock_step(self, by: timedelta) -> None:
        """The wall clock was set: what counts elapsed time moves with it."""

    # What happens.

    def take(self, happened: Input, now: datetime) -> Sequence[Given]:
        """One of its INPUTS."""
        return ()

    def handle_change(self, changed: StateChanged, device: Device, now: datetime) -> Sequence[Given]:
        """A state or an attribute of one of the device's entities is another now. On the path of every message: be quick."""
        return ()

    def handle_report(self, device: Device, now: datetime) -> Sequence[Given]:
        """The device said something by itself. On the path of every message: be quick."""
        return ()

    def handle_availability(self, device: Device, now: datetime, *, is_available: bool) -> Sequence[Given]:
        return ()

    def handle_settled(self, settled: CommandSettled, device: Device, now: datetime) -> Sequence[Given]:
        """Every command's end."""
        return ()

    def handle_complaint(self, said: Refused | Rejected, device: Device, now: datetime) -> Sequence[Given]:
        """The device did not do what was asked of it, or said something that nobody understands."""
        return ()

    def handle_removed(self, device_id: DeviceId, now: datetime) -> Sequence[Given]:
        return ()

    def handle_connected(self, now: datetime) -> Sequence[Given]:
        """The broker is there (again)."""
        return ()

    def handle_disconnected(self, now: datetime) -> Sequence[Given]:
        return ()

    def handle_issue(self, told: IssueRaised | IssueCleared, now: datetime) -> Sequence[Given]:
        """Of whatever room. Raised again, an issue has other details."""
        return ()

    def handle_case(self, case: AppendCase, now: datetime) -> Sequence[Given]:
        """A case of whatever room was opened or has changed."""
        return ()

    def handle_definition(
        self, kind: str, definition_id: str, definition: Definition | None, now: datetime
    ) -> Sequence[Given]:
        """One of its KINDS; None: it is gone."""
        return ()

    # What is so now.

    def present_of(self, device_id: DeviceId) -> JsonObject:
        """Columns of the device's row that are this room's."""
        return {}
