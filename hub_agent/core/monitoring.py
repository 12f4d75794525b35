"""All that watches over the home: healing, and the monitors that notice, judge, foresee and tell. Each is registered here once."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from hub_agent.core.activity import Activity
from hub_agent.core.alerting import Alerting
from hub_agent.core.diagnosis import Diagnosis
from hub_agent.core.diagnosis.facts import Facts
from hub_agent.core.energy import Energy
from hub_agent.core.forecasts import Forecasts
from hub_agent.core.healing import Healing
from hub_agent.core.healing.by_hand import ByHand
from hub_agent.core.healing.signals import Signals
from hub_agent.core.health import Health
from hub_agent.core.monitor import Given, Monitor
from hub_agent.core.reachability import Reachability
from hub_agent.core.security import Security
from hub_agent.core.vitals import Vitals
from hub_agent.core.what_healing_sees import WhatHealingSees
from hub_agent.model.action import CallAnswered, CommandSettled
from hub_agent.model.definition import Definition
from hub_agent.model.device import Device
from hub_agent.model.effects import AppendCase, IssueCleared, IssueRaised
from hub_agent.model.healing import Noticed, Passed
from hub_agent.model.ids import DeviceId, EntityId, NewId
from hub_agent.model.inputs import Input
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.report import Refused, Rejected
from hub_agent.model.state import StateChanged


class Monitoring:
    def __init__(
        self,
        seen: WhatHealingSees,
        device_of: Callable[[EntityId], Device | None],
        new_id: NewId,
        diagnosed: Callable[[Healing, Callable[[str], JsonObject]], Facts],
        *,
        security: Security,
        alerting: Callable[[Healing], Alerting],
        activity: Activity,
        others: Sequence[Monitor] = (),
    ) -> None:
        self._device_of = device_of
        self.healing = Healing(seen, new_id)
        self.alerting = alerting(self.healing)
        self.security = security
        # In the order in which they are told what happened.
        self.health = Health(seen)
        self.vitals = Vitals(seen.with_origin, new_id)
        self.reachability = Reachability(seen.with_origin)
        self.diagnosis = Diagnosis(diagnosed(self.healing, self._measured), new_id)
        self.forecasts = Forecasts(seen, new_id)
        self.energy = Energy(seen)
        self.activity = activity
        self.signals = Signals(seen, self.healing.has, new_id)
        monitors: list[Monitor] = [
            self.health,
            self.vitals,
            self.reachability,
            self.signals,
            self.diagnosis,
            self.alerting,
            self.security,
            self.forecasts,
            self.energy,
            activity,
            *others,
        ]
        self._join(monitors)

    def leave_out(self, rooms: frozenset[str]) -> None:
        """Before `restore`: what they remember stays where it is. Those that others need answer as if nothing had happened yet."""
        self._join([each for each in self.monitors if each.room not in rooms])

    def _join(self, monitors: Iterable[Monitor]) -> None:
        self.monitors = tuple(monitors)
        self.taker_by_input: Mapping[type, Callable[[Input, datetime], Sequence[Given]]] = {
            kind: each.take for each in self.monitors for kind in each.INPUTS
        } | dict.fromkeys(ByHand.INPUTS, ByHand(self.healing).take)
        self.kinds: frozenset[str] = frozenset(kind for each in self.monitors for kind in each.KINDS)
        self._of_changes = self._with(Monitor.handle_change)
        self._of_reports = self._with(Monitor.handle_report)
        self._of_issues = self._with(Monitor.handle_issue)
        self._of_cases = self._with(Monitor.handle_case)
        self._of_time = self._with(Monitor.get_timer)
        self._of_presents = self._with(Monitor.present_of)

    def _with(self, handler: Callable[..., object]) -> tuple[Monitor, ...]:
        """Those that have more than the empty default."""
        name: str = handler.__name__
        return tuple(each for each in self.monitors if getattr(type(each), name) is not handler)

    def _measured(self, way: str) -> JsonObject:
        """What was last measured of the hub itself, or of the ways."""
        match way:
            case "hub":
                return self.vitals.as_json()
            case "network" | "cloud":
                return self.reachability.as_json()
        return {}

    # Memory and time.

    def restore(
        self, saved: Mapping[str, Mapping[str, JsonObject]], definitions: Iterable[Definition], now: datetime
    ) -> list[Given]:
        """`definitions`: those of the kinds that monitors live by."""
        given: list[Given] = [*self.healing.restore(saved.get("healing", {}), now)]
        for each in self.monitors:
            given += each.restore(saved.get(each.room, {}), now)
        for definition in definitions:
            given += self.handle_definition(definition.kind, definition.id, definition, now)
        return given

    def get_timer(self) -> datetime | None:
        soonest = self.healing.get_timer()
        for each in self._of_time:
            due = each.get_timer()
            if due is not None and (soonest is None or due < soonest):
                soonest = due
        return soonest

    def handle_timer(self, now: datetime) -> list[Given]:
        given: list[Given] = [*self.healing.handle_timer(now)]
        for each in self._of_time:
            due = each.get_timer()
            if due is not None and due <= now:
                given += each.handle_timer(now)
        return given

    def handle_stop(self, now: datetime) -> list[Given]:
        return self._all(self.monitors, "handle_stop", now)

    def handle_clock_step(self, by: timedelta) -> None:
        self.healing.handle_clock_step(by)
        for each in self.monitors:
            each.handle_clock_step(by)

    # What was noticed, whoever noticed it.

    def noticed(self, noticed: Noticed, now: datetime) -> Sequence[Given]:
        return self.healing.handle_noticed(noticed, now)

    def passed(self, passed: Passed, now: datetime) -> Sequence[Given]:
        return self.healing.handle_passed(passed, now)

    # What happens.

    def handle_answered(self, answered: CallAnswered, now: datetime) -> Sequence[Given] | None:
        """The outside has answered; None: it was not asked from here."""
        if answered.call_id in self.alerting:
            return self.alerting.handle_answered(answered, now)
        return self.healing.handle_answered(answered, now)

    def handle_report(self, device: Device, now: datetime) -> Sequence[Given]:
        healed = self.healing.handle_report(device, now)
        return [*healed, *self._all(self._of_reports, "handle_report", device, now)] if self._of_reports else healed

    def handle_change(self, changed: StateChanged, now: datetime) -> Sequence[Given]:
        if not self._of_changes:
            return ()
        device = self._device_of(changed.entity_id)
        return () if device is None else self._all(self._of_changes, "handle_change", changed, device, now)

    def handle_availability(self, device: Device, now: datetime, *, is_available: bool) -> list[Given]:
        given: list[Given] = [*self.healing.handle_availability(device, is_available, now)]
        for each in self.monitors:
            given += each.handle_availability(device, now, is_available=is_available)
        return given

    def handle_settled(self, settled: CommandSettled, device: Device | None, now: datetime) -> Sequence[Given]:
        given = self.healing.handle_settled(settled, device, now)
        return given if device is None else [*given, *self._all(self.monitors, "handle_settled", settled, device, now)]

    def handle_complaint(self, said: Refused | Rejected, device: Device, now: datetime) -> Sequence[Given]:
        return self._all(self.monitors, "handle_complaint", said, device, now)

    def handle_removed(self, device_id: DeviceId, now: datetime) -> list[Given]:
        given: list[Given] = [*self.healing.handle_removed(device_id, now)]
        return [*given, *self._all(self.monitors, "handle_removed", device_id, now)]

    def handle_connected(self, now: datetime) -> list[Given]:
        return [*self.healing.handle_connected(now), *self._all(self.monitors, "handle_connected", now)]

    def handle_disconnected(self, now: datetime) -> list[Given]:
        return [*self.healing.handle_disconnected(now), *self._all(self.monitors, "handle_disconnected", now)]

    def handle_issue(self, told: IssueRaised | IssueCleared, now: datetime) -> list[Given]:
        return self._all(self._of_issues, "handle_issue", told, now)

    def handle_case(self, case: AppendCase, now: datetime) -> list[Given]:
        return self._all(self._of_cases, "handle_case", case, now)

    def handle_definition(
        self, kind: str, definition_id: str, definition: Definition | None, now: datetime
    ) -> list[Given]:
        given: list[Given] = []
        for each in self.monitors:
            if kind in each.KINDS:
                given += each.handle_definition(kind, definition_id, definition, now)
        return given

    # What is so now.

    def present_of(self, device_id: DeviceId) -> dict[str, JsonValue]:
        present: dict[str, JsonValue] = {}
        for each in self._of_presents:
            present |= each.present_of(device_id)
        return present

    @staticmethod
    def _all(monitors: Iterable[Monitor], handler: str, *told: Any) -> list[Given]:
        return [given for each in monitors for given in getattr(each, handler)(*told)]
