"""Who answers a call: the automations, the scenes, the self-made devices, or the services."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from hub_agent.core.automation.engine import Automations
from hub_agent.core.given import Given
from hub_agent.core.helpers import Helpers
from hub_agent.core.inventory import Inventory
from hub_agent.core.scenes import Scenes
from hub_agent.core.services import Services
from hub_agent.core.states import States
from hub_agent.core.targets import names_many, with_members
from hub_agent.model.action import Call, CallAnswered
from hub_agent.model.ids import EntityId


class Dispatch:
    def __init__(
        self,
        *,
        automations: Automations,
        scenes: Scenes,
        helpers: Helpers,
        services: Services,
        inventory: Inventory,
        states: States,
    ) -> None:
        self._automations = automations
        self._scenes = scenes
        self._helpers = helpers
        self._services = services
        self._inventory = inventory
        self._states = states

    def dispatch(self, call: Call, now: datetime) -> Sequence[Given]:
        if names_many(call) and call.domain not in {"automation", "script"} and not self._services.takes_whole_calls:
            call = with_members(call, self._states)
            if not call.target:
                return [CallAnswered(call.id)]
        match call.domain:
            case "automation" | "script":
                return self._automations.call(call, now)
            case "scene" if call.action == "scene.turn_on" and any(map(self._inventory.entity, call.target)):
                return self._scenes_of_devices(call, now)
            case "scene":
                return self._scenes.call(call, now)
            case _ if self._helpers.takes(call):
                return self._helpers.handle(call, now)
            case "homeassistant" if not self._services.takes_whole_calls and call.action.endswith(
                (".turn_on", ".turn_off", ".toggle")
            ):
                return self._split(call, now)
        return self._services.call(call, now)

    def _scenes_of_devices(self, call: Call, now: datetime) -> list[Given]:
        """Scenes that a device or its bridge keeps are recalled there; the others among them are ours."""
        kept = tuple(entity_id for entity_id in call.target if self._inventory.entity(entity_id) is not None)
        given: list[Given] = [*self._services.call(replace(call, target=kept), now)]
        if own := tuple(entity_id for entity_id in call.target if entity_id not in kept):
            given += self._scenes.call(replace(call, target=own), now)
        answers = [each for each in given if isinstance(each, CallAnswered)]
        errors = [each.error for each in answers if each.error]
        commands = sum(each.commands for each in answers)
        return [
            *(each for each in given if not isinstance(each, CallAnswered)),
            CallAnswered(call.id, error="; ".join(errors) or None, commands=commands),
        ]

    def _split(self, call: Call, now: datetime) -> list[Given]:
        """homeassistant.turn_on means each entity's own turn_on."""
        verb = call.action.partition(".")[2]
        given: list[Given] = []
        errors: list[str] = []
        by_domain: dict[str, list[EntityId]] = {}
        for entity_id in call.target:
            by_domain.setdefault(entity_id.partition(".")[0], []).append(entity_id)
        for domain, entity_ids in by_domain.items():
            part = Call(call.id, f"{domain}.{verb}", tuple(entity_ids), call.data, call.cause)
            for each in self.dispatch(part, now):
                if isinstance(each, CallAnswered):
                    errors += [each.error] if each.error else []
                else:
                    given.append(each)
        return [*given, CallAnswered(call.id, error="; ".join(errors) or None)]
