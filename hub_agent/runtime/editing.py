"""What people change of scenes and automations at the hub's doors: looked through here, then edits like any other."""

from collections.abc import Mapping
from dataclasses import dataclass

from hub_agent.core.hub import Hub
from hub_agent.core.scenes.reading import read_scene
from hub_agent.errors import DefinitionError, NotFound, NotPossible
from hub_agent.model.action import Call
from hub_agent.model.definition import Definition
from hub_agent.model.device import Device, Entity
from hub_agent.model.ids import CallId, EntityId, NewId, SceneId
from hub_agent.model.inputs import CallRequested, DefinitionArrived, Input
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.state import Cause
from hub_agent.runtime.inbox import Inbox

NOW = "now"
# What a scene of now keeps of a state, and the values it may have there.
_KEPT: Mapping[str, tuple[float, float] | None] = {
    "brightness": (0, 255),
    "color_mode": None,
    "color_temp_kelvin": (1000, 12000),
    "rgb_color": None,
    "hs_color": None,
    "xy_color": None,
    "effect": None,
    "current_position": (0, 100),
    "current_tilt_position": (0, 100),
    "percentage": (0, 100),
    "temperature": (-50, 100),
    "volume_level": (0, 1),
}
_STATES = {
    "light": {"on", "off"},
    "switch": {"on", "off"},
    "fan": {"on", "off"},
    "input_boolean": {"on", "off"},
    "cover": {"open", "closed"},
    "lock": {"locked", "unlocked"},
}
# What a scene of a room takes along: what is pressed for, not how the equipment is set up.
_DOMAINS = frozenset({"light", "switch", "fan", "cover", "climate"})


@dataclass(frozen=True, slots=True)
class Editing:
    hub: Hub
    inbox: Inbox
    new_id: NewId

    async def edit_scene(
        self, scene_id: str, changes: JsonObject, desired: Mapping[str, JsonValue], by: str
    ) -> JsonObject:
        """`desired`: what is to be of entities: a state with attributes, "now" for how it is, None for not in the scene any more."""
        definition = self.hub.definitions.get("scene", scene_id)
        if definition is None:
            raise NotFound(f"There is no scene '{scene_id}' any more.")
        fields = {**changes}
        if desired:
            fields["device_states"] = self._with(definition.fields.get("device_states"), desired)
        await self._keep(scene_id, definition.fields, fields, by)
        return {"id": scene_id, "name": {**definition.fields, **fields}["name"]}

    async def new_scene(self, given: JsonObject, desired: Mapping[str, JsonValue], by: str) -> JsonObject:
        """As the room, or the named entities, stand now."""
        room_id = given.get("room_id")
        wanted = desired or dict.fromkeys(self._entities_of_room(str(room_id) if room_id else None), NOW)
        if not wanted:
            words = "There is nothing here that a scene could set. Name the entities, or another room."
            raise NotPossible(words, "desired")
        states = self._with([], wanted)
        fields: JsonObject = {**given, "device_states": states, "is_active": True, "scene_type": "custom"}
        scene_id = self.new_id()
        await self._keep(scene_id, {}, fields, by)
        return {"id": scene_id, "name": given["name"]}

    async def delete_scene(self, scene_id: str, by: str) -> None:
        gone = Definition("scene", scene_id, {}, is_deleted=True, modified_by=by)
        await self.inbox.submit([DefinitionArrived(gone, is_from_cloud=False, by=by)])

    async def edit_automation(self, automation_id: str, changes: JsonObject, by: str) -> JsonObject:
        definition = self.hub.definitions.get("automation", automation_id)
        if definition is None:
            raise NotFound(f"There is no automation '{automation_id}' any more.")
        if "pause_until" in changes and "is_paused" not in changes:
            changes = {**changes, "is_paused": changes["pause_until"] is not None}
        elif changes.get("is_paused") is not None and "pause_until" not in changes:
            changes = {**changes, "pause_until": None}
        edited = Definition("automation", automation_id, changes, modified_by=by)
        inputs: list[Input] = [DefinitionArrived(edited, is_from_cloud=False, by=by)]
        # What was switched by a rule or a call holds until the definition says something new: here it says the same again.
        rule = self.hub.automations.rules.find(automation_id)
        is_enabled = changes.get("is_enabled")
        if rule is not None and is_enabled is not None and rule.switched is not None and rule.is_wanted != is_enabled:
            call_id = CallId(self.new_id())
            verb = "turn_on" if is_enabled else "turn_off"
            inputs.append(
                CallRequested(Call(call_id, f"automation.{verb}", (rule.entity_id,), {}, Cause("manual", call_id, by)))
            )
        await self.inbox.submit(inputs)
        return {"id": automation_id, "name": {**definition.fields, **changes}.get("name")}

    async def _keep(self, scene_id: str, before: JsonObject, fields: JsonObject, by: str) -> None:
        room_id = fields.get("room_id")
        if room_id is not None and all(room.id != room_id for room in self.hub.rooms.by_id.values()):
            raise NotFound(f"There is no room '{room_id}'.", "room_id")
        name = str(fields.get("name", before.get("name")))
        for other in self.hub.definitions.of_kind("scene"):
            if (
                "name" in fields
                and other.id != scene_id
                and str(other.fields.get("name")).casefold() == name.casefold()
            ):
                raise NotPossible(f"There is a scene '{name}' already.", "name")
        try:
            read_scene(SceneId(scene_id), {**before, **fields})
        except DefinitionError as err:
            raise NotPossible(str(err)) from err
        edited = Definition("scene", scene_id, fields, modified_by=by)
        await self.inbox.submit([DefinitionArrived(edited, is_from_cloud=False, by=by)])

    def _with(self, listed: JsonValue, desired: Mapping[str, JsonValue]) -> list[JsonValue]:
        """The scene's list with these entities as wanted; the others stay, in their order."""
        devices: list[dict[str, JsonValue]] = [
            {**each} for each in (listed if isinstance(listed, list | tuple) else ()) if isinstance(each, Mapping)
        ]
        for name, wanted in desired.items():
            entity_id = EntityId(name)
            device, entity = self._settable(entity_id, is_leaving=wanted is None)
            there = next((each for each in devices if name in _states_of(each)), None)
            there = there or next((each for each in devices if device and each.get("device_id") == device.id), None)
            if there is None and wanted is not None and device is not None:
                there = {"device_id": device.id, "desired_state": {}}
                devices.append(there)
            if there is not None:
                states = {key: state for key, state in _states_of(there).items() if wanted is not None or key != name}
                if wanted is not None and entity is not None:
                    states[name] = self._now(entity) if wanted == NOW else _checked(entity, wanted)
                there["desired_state"] = states
        return [each for each in devices if _states_of(each)]

    def _settable(self, entity_id: EntityId, *, is_leaving: bool) -> tuple[Device | None, Entity | None]:
        entity = self.hub.inventory.entity(entity_id)
        if entity is None and not is_leaving:
            words = f"There is no entity '{entity_id}'. List them with: nexa-hub devices"
            raise NotFound(words, f"desired/{entity_id}")
        if (
            entity is not None
            and not is_leaving
            and not any("w" in each.access for each in entity.capabilities.values())
        ):
            words = f"{entity_id} only tells something; a scene cannot set it."
            raise NotPossible(words, f"desired/{entity_id}")
        return (self.hub.inventory.device(entity.device_id) if entity else None), entity

    def _now(self, entity: Entity) -> JsonObject:
        known = self.hub.states.state(entity.id)
        if known is None or known.state in {"unknown", "unavailable"}:
            raise NotPossible(f"{entity.id} does not say how it is just now.", f"desired/{entity.id}")
        attributes = {name: value for name, value in known.attributes.items() if name in _KEPT and value is not None}
        return {"state": known.state, "attributes": attributes} if known.state != "off" else {"state": "off"}

    def _entities_of_room(self, room_id: str | None) -> list[str]:
        return [
            entity.id
            for device in self.hub.inventory.devices()
            if room_id is None or device.room_id == room_id
            for entity in device.entities
            if entity.domain in _DOMAINS and entity.category is None and self._is_known(entity.id)
        ]

    def _is_known(self, entity_id: EntityId) -> bool:
        known = self.hub.states.state(entity_id)
        return known is not None and known.state not in {"unknown", "unavailable"}


def _states_of(device: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    states = device.get("desired_state")
    return {**states} if isinstance(states, Mapping) else {}


def _checked(entity: Entity, wanted: JsonValue) -> JsonValue:
    """A state, or a mapping with `state` and `attributes`."""
    state = wanted.get("state") if isinstance(wanted, Mapping) else wanted
    attributes = wanted.get("attributes") or {} if isinstance(wanted, Mapping) else {}
    if isinstance(state, bool):
        state = "on" if state else "off"
    allowed = _STATES.get(entity.domain)
    if not isinstance(state, str | int | float) or (allowed is not None and state not in allowed):
        words = f"{entity.id} cannot be {state}; it can be: {', '.join(sorted(allowed or ['a state']))}."
        raise NotPossible(words, f"desired/{entity.id}")
    if not isinstance(attributes, Mapping):
        words = f"{entity.id}: attributes must be a mapping of names and values."
        raise NotPossible(words, f"desired/{entity.id}")
    for name, value in attributes.items():
        limits = _KEPT.get(name)
        if limits is None:
            continue
        low, high = limits
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            words = f"{entity.id}: {name} must be a number from {low:g} to {high:g}, not {value}."
            raise NotPossible(words, f"desired/{entity.id}")
    return {"state": state, "attributes": attributes} if attributes else {"state": state}
