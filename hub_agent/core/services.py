"""Who answers a call. On a hub: the devices. In a simulation: the scenario."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, TypeAlias

from hub_agent.core import actions, logging_actions, pictures
from hub_agent.core.commands import Commands
from hub_agent.core.inventory import Inventory
from hub_agent.core.joining import JOIN, with_native_members
from hub_agent.core.notices import Notices
from hub_agent.core.outside import Outside
from hub_agent.core.publishing import publish
from hub_agent.core.relative import resolved
from hub_agent.core.states import States
from hub_agent.model.action import Call, CallAnswered, CommandSettled
from hub_agent.model.device import Device, Entity
from hub_agent.model.effects import AskState, Effect, Warn
from hub_agent.model.inputs import EventFired, StateSet
from hub_agent.model.state import EntityState

Given: TypeAlias = Effect | CallAnswered | CommandSettled | EventFired | StateSet


class Services(Protocol):
    """`takes_whole_calls`: homeassistant.turn_on and its like come undivided, not as a call for each domain."""

    takes_whole_calls: bool

    def call(self, call: Call, now: datetime) -> Sequence[Given]:
        """Effects, and sooner or later a CallAnswered."""


class DeviceServices:
    """Calls become commands to the devices whose entities they name."""

    takes_whole_calls = False

    def __init__(
        self, inventory: Inventory, states: States, commands: Commands, outside: Outside, notices: Notices
    ) -> None:
        self._outside = outside
        self._notices = notices
        self._inventory = inventory
        self._states = states
        self._commands = commands

    def call(self, call: Call, now: datetime) -> Sequence[Given]:
        if call.action in actions.OF_DEVICES:  # by far the most
            return self._command(call, now)
        if call.action in pictures.ACTIONS and self._outside.allows(call.action):
            return self._take_picture(call)
        if self._outside.takes(call):
            return self._outside.call(call, now)
        if self._notices.takes(call):
            return self._notices.handle(call, now)
        if call.action == "mqtt.publish":
            return publish(call)
        if call.action == "homeassistant.update_entity":
            return self._refresh(call)
        if call.action in logging_actions.ACTIONS:
            return logging_actions.write(call)
        if call.action in actions.NOTHING_TO_DO or actions.is_reload(call.action):
            return [CallAnswered(call.id)]
        refused = actions.refusal(call.action)
        if refused is not None:
            return [CallAnswered(call.id, error=refused)]
        unknown = actions.unknown_verb(call.action)
        if unknown is not None:
            return [CallAnswered(call.id, error=unknown, is_unknown_action=True)]
        return self._command(call, now)

    def _command(self, call: Call, now: datetime) -> Sequence[Given]:
        targets, missing = self._targets(call)
        if not targets:
            return self._without_target(call, missing)
        given: list[Given] = []
        for target in targets:
            _, entity, state = target
            meant = resolved(call, entity, state)
            if meant.action == JOIN:
                meant = with_native_members(meant, entity, self._inventory)
            given += self._commands.issue(meant, [target], now)
        error = f"this home has no {', '.join(missing)}" if missing else None
        return [*given, CallAnswered(call.id, error=error, commands=len(targets))]

    def _targets(self, call: Call) -> tuple[list[tuple[Device, Entity, EntityState | None]], list[str]]:
        targets: list[tuple[Device, Entity, EntityState | None]] = []
        missing: list[str] = []
        for entity_id in call.target:
            entity = self._inventory.entity(entity_id)
            device = self._inventory.device(entity.device_id) if entity else None
            if entity is None or device is None:
                missing.append(entity_id)
            else:
                targets.append((device, entity, self._states.state(entity_id)))
        return targets, missing

    def _without_target(self, call: Call, missing: list[str]) -> list[Given]:
        if missing:
            return [CallAnswered(call.id, error=f"this home has no {', '.join(missing)}")]
        if call.action in actions.OF_DEVICES:
            # A template that finds no entity is no fault; one that was forgotten is told.
            text = f"{call.action} named no entity, so nothing was done."
            return [Warn(f"no_target/{call.action}", text), CallAnswered(call.id)]
        return [CallAnswered(call.id, error=f"there is no action {call.action}", is_unknown_action=True)]

    def _take_picture(self, call: Call) -> Sequence[Given]:
        entity = self._inventory.entity(call.target[0]) if len(call.target) == 1 else None
        return [pictures.snapshot(call, entity)]

    def _refresh(self, call: Call) -> list[Given]:
        device_ids = {
            entity.device_id: None for each in call.target if (entity := self._inventory.entity(each)) is not None
        }
        return [*(AskState(device_id) for device_id in device_ids), CallAnswered(call.id)]
