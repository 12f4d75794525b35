"""Scenes: press -> plan -> calls -> outcome per device -> one record.

    pressed --plan--> calls in the list's order --every device settled, or time is up--> recorded and answered

A press is kept before it is done, so that a crash half-way still gives a record. A device that is in the wanted state
already gets no command and has succeeded. An entity that does not exist has failed, with words; one that is unavailable is
commanded all the same, for it may be back before its report says so. Nobody waits for a dead lamp: its time runs out alone.

Scenes made by `scene.create` live until the next start, as Home Assistant has it, and leave no record.
"""

import re
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol, TypeAlias

from hub_agent.core.desired import calls_for_state
from hub_agent.core.expectation import number_in
from hub_agent.core.scenes.activation import Activation, Order, activation_row, outcome
from hub_agent.core.scenes.reading import read_desired, read_scene, read_transition
from hub_agent.core.scenes.stored import Recalls
from hub_agent.errors import DefinitionError, NotPossible
from hub_agent.model.action import Call, CallAnswered, CommandSettled
from hub_agent.model.definition import Definition
from hub_agent.model.effects import (
    Announce,
    Answer,
    AppendRecord,
    Durability,
    Effect,
    IssueCleared,
    IssueRaised,
    Save,
    Warn,
)
from hub_agent.model.ids import CallId, DeviceId, EntityId, NewId, SceneId
from hub_agent.model.inputs import ScenePressed, StateRemoved, StateSet
from hub_agent.model.issue import Issue
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.scene import DesiredState, FailedDevice, Scene, SceneEnded, SceneSettled
from hub_agent.model.state import UNAVAILABLE, UNKNOWN, Cause, EntityState

Given: TypeAlias = Effect | Call | CallAnswered | StateSet | StateRemoved | SceneEnded | SceneSettled

ROOM = "scenes"
SETTLE_WITHIN = timedelta(seconds=6)
TRANSITION_S_MAX = 60.0
# Presses remembered so that a repeat is harmless; the oldest is forgotten first.
REQUESTS_MAX = 1_000
# More at once end the oldest early: a scene is pressed by people and rules, not by the thousand.
ACTIVATIONS_MAX = 200
CREATED_MAX = 200

_ACTIVATION = "activation/"
_HISTORY = "history/"
_OBJECT_ID = re.compile(r"[a-z0-9_]+")
_TOO_MANY = "too many scenes were activated at once"


class World(Protocol):
    def state(self, entity_id: EntityId) -> EntityState | None: ...


@dataclass(frozen=True, slots=True)
class History:
    """What the hub observed of a scene: part of the *present*."""

    activation_count: int = 0
    last_activated_at: datetime | None = None
    last_status: str | None = None


class Scenes:
    """All scenes of the home and the activations under way.

    `name_of` says what people call a device; an entity's id stands in for an unknown one.
    """

    def __init__(
        self,
        world: World,
        new_id: NewId,
        name_of: Callable[[DeviceId], str | None] = lambda _device_id: None,
        recalls: Recalls = lambda _scene, _transition_s, _activation: {},
    ) -> None:
        """`recalls`: copies of the scene that bridges keep, see `stored.py`."""
        self._world = world
        self._new_id = new_id
        self._name_of = name_of
        self._recalls = recalls
        self._scene_by_entity: dict[EntityId, Scene] = {}
        self._entity_by_row: dict[SceneId, EntityId] = {}
        self._problem_by_row: dict[SceneId, str] = {}
        self._incomplete: set[SceneId] = set()  # those that named an entity that was missing when they were pressed
        self._history: dict[SceneId, History] = {}
        self._activations: dict[str, Activation] = {}
        self._activation_by_call: dict[CallId, Activation] = {}
        self._answer_by_request: OrderedDict[str, JsonObject | None] = OrderedDict()

    # What others may know.

    def scenes(self) -> Iterable[Scene]:
        return self._scene_by_entity.values()

    def scene(self, scene_id: SceneId) -> Scene | None:
        entity_id = self._entity_by_row.get(scene_id)
        return self._scene_by_entity.get(entity_id) if entity_id else None

    def history(self, scene_id: SceneId) -> History:
        return self._history.get(scene_id, History())

    def is_under_way(self, request_id: str) -> bool:
        return any(activation.order.request_id == request_id for activation in self._activations.values())

    def present(self) -> dict[str, dict[str, JsonValue]]:
        """Per scene: activation_count and last_activated_at, as the cloud takes them."""
        return {
            scene_id: {"activation_count": seen.activation_count, "last_activated_at": _iso(seen.last_activated_at)}
            for scene_id, seen in sorted(self._history.items())
            if scene_id in self._entity_by_row
        }

    # Definitions.

    def load(self, definition: Definition, now: datetime) -> list[Given]:
        """A `scenes` row, new or changed. One that cannot be understood becomes an issue; the others are not touched."""
        row_id = SceneId(definition.id)
        name = str(definition.fields.get("name") or definition.id)
        try:
            scene = read_scene(row_id, definition.fields)
        except DefinitionError as err:
            given = self._drop(row_id)
            self._problem_by_row[row_id] = str(err)
            return [*given, IssueRaised(Issue("scene_invalid", row_id, now, {"name": name, "reason": str(err)}))]
        was_invalid = self._problem_by_row.pop(row_id, None) is not None
        given = [IssueCleared("scene_invalid", row_id)] if was_invalid else []
        return [*given, *self._put(row_id, scene)]

    def unload(self, scene_id: str, _now: datetime) -> list[Given]:
        """The definition is gone. An activation under way ends as it would have."""
        row_id = SceneId(scene_id)
        given = self._drop(row_id)
        if row_id in self._incomplete:
            self._incomplete.discard(row_id)
            given.append(IssueCleared("entity_missing", row_id))
        if self._problem_by_row.pop(row_id, None) is not None:
            given.append(IssueCleared("scene_invalid", row_id))
        if self._history.pop(row_id, None) is not None:
            given.append(Save(ROOM, f"{_HISTORY}{row_id}", None))
        return given

    def restore(self, saved: Mapping[str, JsonObject], now: datetime) -> list[Given]:
        """After the definitions are loaded. Activations that a crash cut short go on waiting, with a fresh deadline."""
        for key, body in sorted(saved.items()):
            if key.startswith(_HISTORY):
                self._history[SceneId(key.removeprefix(_HISTORY))] = _history_of(body)
            elif key.startswith(_ACTIVATION):
                self._take_up(Activation.from_json(key.removeprefix(_ACTIVATION), body), now)
        given: list[Given] = []
        for scene_id, entity_id in self._entity_by_row.items():
            seen = self._history.get(scene_id)
            if seen and seen.last_activated_at:
                given.append(StateSet(entity_id, _iso(seen.last_activated_at)))
        return given

    # What people and rules ask for.

    def press(self, pressed: ScenePressed, now: datetime) -> list[Given]:
        """Answered by `Answer(request_id, ...)` when it has ended; {"error": words} when there is no such scene.

        A repeat of a request is not done again: it gets the same answer.
        """
        if pressed.request_id in self._answer_by_request:
            known = self._answer_by_request[pressed.request_id]
            return [] if known is None else [Answer(pressed.request_id, known)]
        scene = self.scene(pressed.scene_id)
        if scene is None:
            problem = self._problem_by_row.get(pressed.scene_id, "there is no such scene in this home")
            return self._answer(pressed.request_id, {"error": f"Scene {pressed.scene_id}: {problem}"})
        self._remember(pressed.request_id, None)
        order = Order(pressed.cause, pressed.source, request_id=pressed.request_id)
        return self._activate(scene, order, None, now)

    def call(self, call: Call, now: datetime) -> list[Given]:
        """`scene.*` called by a rule, a person or the cloud. The answer comes at once; `SceneSettled` tells the outcome."""
        action = _ACTIONS.get(call.action)
        if action is None:
            return [CallAnswered(call.id, f"There is no action {call.action}.", is_unknown_action=True)]
        try:
            return action(self, call, now)
        except (DefinitionError, NotPossible) as err:
            return [CallAnswered(call.id, str(err))]

    # What comes of it.

    def handle_answered(self, answered: CallAnswered, now: datetime) -> list[Given]:
        """The outside took one of our calls, or refused it. With no command to wait for it is done."""
        activation = self._activation_by_call.get(answered.call_id)
        if activation is None:
            return []
        if answered.error is not None:
            return self._end_call(activation, answered.call_id, answered.error, now)
        if not answered.commands:
            return self._end_call(activation, answered.call_id, None, now)
        return []

    def handle_settled(self, settled: CommandSettled, now: datetime) -> list[Given]:
        activation = self._activation_by_call.get(settled.command.call_id)
        if activation is None:
            return []
        error = None if settled.is_success else settled.error or settled.outcome
        return self._end_call(activation, settled.command.call_id, error, now)

    def get_timer(self) -> datetime | None:
        return min([each.deadline for each in self._activations.values()]) if self._activations else None

    def handle_timer(self, now: datetime) -> list[Given]:
        due = [activation for activation in self._activations.values() if activation.deadline <= now]
        return [given for activation in due for given in self._time_out(activation, now)]

    def handle_clock_step(self, by: timedelta) -> None:
        """What counts elapsed time moves with the clock."""
        for activation in self._activations.values():
            activation.deadline += by
            activation.started_at += by

    # Inside.

    def _put(self, row_id: SceneId, scene: Scene) -> list[Given]:
        known = self._entity_by_row.get(row_id)
        before = self._scene_by_entity.get(known) if known else None
        keeps_id = known is not None and before is not None and before.name == scene.name
        given: list[Given] = [] if keeps_id else self._drop(row_id)
        entity_id = known if keeps_id and known else self._free_id(scene.entity_id)
        placed = Scene(entity_id, scene.name, scene.desired, row_id, scene.transition_s, scene.is_active)
        self._scene_by_entity[entity_id] = placed
        self._entity_by_row[row_id] = entity_id
        return [*given, self._as_state(placed, None)]

    def _as_state(self, scene: Scene, cause: Cause | None, at: datetime | None = None) -> StateSet:
        if at is None and scene.row_id is not None:
            at = self.history(scene.row_id).last_activated_at
        attributes: dict[str, JsonValue] = {
            "friendly_name": scene.name,
            "entity_id": [wish.entity_id for wish in scene.desired],
        }
        if scene.row_id is not None:
            attributes["id"] = scene.row_id
        # Without a known activation the state stays what it was: loading at start is not a change.
        return StateSet(scene.entity_id, _iso(at), attributes, cause=cause)

    def _free_id(self, wanted: EntityId) -> EntityId:
        number, free = 2, wanted
        while free in self._scene_by_entity:
            free = EntityId(f"{wanted}_{number}")
            number += 1
        return free

    def _drop(self, row_id: SceneId) -> list[Given]:
        entity_id = self._entity_by_row.pop(row_id, None)
        if entity_id is None:
            return []
        del self._scene_by_entity[entity_id]
        return [StateRemoved(entity_id)]

    def _turn_on(self, call: Call, now: datetime) -> list[Given]:
        transition_s = read_transition(call.data)
        source = call.cause.kind if call.cause.kind == "automation" else "manual"
        given: list[Given] = []
        activated = 0
        for entity_id in call.target:
            scene = self._scene_by_entity.get(entity_id)
            if scene is None:
                given.append(Warn(f"scene_unknown/{entity_id}", f"{entity_id} was activated, but does not exist."))
            else:
                activated += 1
                given += self._activate(scene, Order(call.cause, source, call_id=call.id), transition_s, now)
        # Last, so that the scene's commands go out before the rule's next step.
        return [*given, CallAnswered(call.id, commands=activated)]

    def _apply(self, call: Call, now: datetime) -> list[Given]:
        desired = read_desired(call.data.get("entities"), "entities")
        scene = Scene(EntityId("scene.apply"), "scene.apply", desired)
        order = Order(call.cause, "automation", call_id=call.id, is_named=False)
        return [*self._activate(scene, order, read_transition(call.data), now), CallAnswered(call.id, commands=1)]

    def _create(self, call: Call, _now: datetime) -> list[Given]:
        scene_id = call.data.get("scene_id")
        if not isinstance(scene_id, str) or _OBJECT_ID.fullmatch(scene_id) is None:
            raise DefinitionError("a scene needs a name of letters, digits and underscores", "scene_id")
        entity_id = EntityId(f"scene.{scene_id}")
        known = self._scene_by_entity.get(entity_id)
        if known is not None and known.row_id is not None:
            text = f"{entity_id} is a scene of the home; scene.create cannot replace it."
            return [CallAnswered(call.id), Warn(f"scene_create/{entity_id}", text)]
        if known is None and sum(scene.row_id is None for scene in self._scene_by_entity.values()) >= CREATED_MAX:
            raise NotPossible(f"{CREATED_MAX} scenes have been created already; delete one first.")
        entities = call.data.get("entities")
        named = call.data.get("snapshot_entities")
        if not entities and not named:
            raise DefinitionError("needs entities or snapshot_entities", "entities")
        desired = {wish.entity_id: wish for wish in (read_desired(entities, "entities") if entities else ())}
        taken, missing = self._snapshot(named)
        desired.update({wish.entity_id: wish for wish in taken})
        given: list[Given] = [
            Warn(f"scene_missing/{name}", f"{entity_id} cannot take a snapshot of {name}: it does not exist.")
            for name in missing
        ]
        if not desired and missing:
            return [*given, CallAnswered(call.id)]
        self._scene_by_entity[entity_id] = scene = Scene(entity_id, scene_id, tuple(desired.values()))
        return [*given, self._as_state(scene, call.cause), CallAnswered(call.id)]

    def _snapshot(self, named: JsonValue) -> tuple[list[DesiredState], list[EntityId]]:
        """How these entities are now, and which do not exist; what is unavailable has no state to come back to and is left out."""
        names = [named] if isinstance(named, str) else named if isinstance(named, Sequence) else []
        taken: list[DesiredState] = []
        missing: list[EntityId] = []
        for name in names:
            entity_id = EntityId(str(name).strip().lower())
            state = self._world.state(entity_id)
            if state is None:
                missing.append(entity_id)
            elif state.state not in {UNAVAILABLE, UNKNOWN}:
                taken.append(DesiredState(entity_id, state.state, state.attributes))
        return taken, missing

    def _delete(self, call: Call, _now: datetime) -> list[Given]:
        for entity_id in call.target:
            scene = self._scene_by_entity.get(entity_id)
            if scene is None:
                raise NotPossible(f"{entity_id} does not exist.")
            if scene.row_id is not None:
                raise NotPossible(f"{entity_id} is a scene of the home; scene.delete deletes only created ones.")
        given: list[Given] = []
        for entity_id in call.target:
            del self._scene_by_entity[entity_id]
            given.append(StateRemoved(entity_id))
        return [*given, CallAnswered(call.id)]

    def _reload(self, call: Call, _now: datetime) -> list[Given]:
        return [CallAnswered(call.id)]

    def _activate(self, scene: Scene, order: "Order", transition_s: float | None, now: datetime) -> list[Given]:
        activation = Activation(self._new_id(), scene.entity_id, scene.name, scene.row_id, order, now, now)
        given: list[Given] = []
        calls = self._plan(scene, activation, transition_s, given, now)
        longest_s = max((number_in(call.data.get("transition")) or 0.0 for call in calls), default=0.0)
        activation.deadline = now + SETTLE_WITHIN + timedelta(seconds=min(longest_s, TRANSITION_S_MAX))
        if order.is_named:
            given.append(self._as_state(scene, order.cause, now))
        if not activation.entity_by_call:
            return [*given, *self._end(activation, now)]
        given += self._make_room(now)
        self._keep(activation)
        if activation.is_recorded:
            given.append(Save(ROOM, f"{_ACTIVATION}{activation.id}", activation.as_json()))
            given.append(Announce("scene", {"id": scene.row_id, "name": scene.name, "status": "running"}))
        return [*given, *calls]

    def _plan(
        self, scene: Scene, activation: "Activation", transition_s: float | None, given: list[Given], now: datetime
    ) -> list[Call]:
        calls: list[Call] = []
        missing: list[EntityId] = []
        for wish in scene.desired:
            activation.device_by_entity[wish.entity_id] = wish.device_key
            if not scene.is_active:
                activation.fail(wish.entity_id, "the scene is switched off")
                continue
            current = self._world.state(wish.entity_id)
            if current is None:
                missing.append(wish.entity_id)
                activation.fail(wish.entity_id, f"{wish.entity_id} does not exist in this home")
                continue
            calls += self._calls(wish, current, _first(transition_s, wish.transition_s, scene.transition_s), activation)
        given += self._tell_missing(scene, missing, now)
        return self._by_recall(scene, calls, transition_s, activation.id)

    def _by_recall(self, scene: Scene, calls: list[Call], transition_s: float | None, activation_id: str) -> list[Call]:
        """One word to a bridge moves the members of a copy that it keeps: those that have one call to be made, and not alone."""
        recall_by_entity = self._recalls(scene, transition_s, activation_id)
        if not recall_by_entity:
            return calls
        calls_by_entity = Counter(call.target[0] for call in calls)
        moved = Counter(recall_by_entity[entity_id] for entity_id in calls_by_entity if entity_id in recall_by_entity)
        return [
            replace(call, recall=recall)
            if (recall := recall_by_entity.get(call.target[0])) is not None
            and calls_by_entity[call.target[0]] == 1
            and moved[recall] > 1
            else call
            for call in calls
        ]

    def _calls(
        self, wish: DesiredState, current: EntityState, transition_s: float | None, activation: "Activation"
    ) -> list[Call]:
        try:
            planned = calls_for_state(wish.entity_id, wish.state, wish.attributes, current, transition_s)
        except NotPossible as err:
            activation.fail(wish.entity_id, str(err))
            return []
        order = activation.order
        # A scene that a rule activated acts in the rule's name, so that states say what changed them.
        cause = order.cause if order.call_id else Cause("scene", activation.id, order.cause.by)
        calls = [Call(CallId(self._new_id()), action, (wish.entity_id,), data, cause) for action, data in planned]
        activation.entity_by_call.update({call.id: wish.entity_id for call in calls})
        return calls

    def _tell_missing(self, scene: Scene, missing: list[EntityId], now: datetime) -> list[Given]:
        if scene.row_id is None:
            return [
                Warn(f"scene_missing/{name}", f"A scene names {name}, which this home does not have.")
                for name in missing
            ]
        if not missing:
            was_told = scene.row_id in self._incomplete
            self._incomplete.discard(scene.row_id)
            return [IssueCleared("entity_missing", scene.row_id)] if was_told else []
        self._incomplete.add(scene.row_id)
        details: JsonObject = {"name": scene.name, "entity_id": ", ".join(missing)}
        return [IssueRaised(Issue("entity_missing", scene.row_id, now, details))]

    def _make_room(self, now: datetime) -> list[Given]:
        if len(self._activations) < ACTIVATIONS_MAX:
            return []
        oldest = next(iter(self._activations.values()))
        for entity_id in oldest.entity_by_call.values():
            oldest.fail(entity_id, _TOO_MANY)
        return self._end(oldest, now)

    def _keep(self, activation: "Activation") -> None:
        self._activations[activation.id] = activation
        for call_id in activation.entity_by_call:
            self._activation_by_call[call_id] = activation

    def _take_up(self, activation: "Activation", now: datetime) -> None:
        activation.deadline = now + SETTLE_WITHIN
        self._keep(activation)
        if activation.order.request_id:
            self._remember(activation.order.request_id, None)

    def _end_call(self, activation: "Activation", call_id: CallId, error: str | None, now: datetime) -> list[Given]:
        entity_id = activation.entity_by_call.pop(call_id)
        del self._activation_by_call[call_id]
        if error is not None:
            activation.fail(entity_id, error)
        return [] if activation.entity_by_call else self._end(activation, now)

    def _time_out(self, activation: "Activation", now: datetime) -> list[Given]:
        """Time is up: who is where the scene wanted it has succeeded, however it got there."""
        scene = self._scene_by_entity.get(activation.entity_id)
        wishes = {wish.entity_id: wish for wish in scene.desired} if scene else {}
        for entity_id in activation.entity_by_call.values():
            wish = wishes.get(entity_id)
            if wish is None or not self._is_so(wish):
                activation.fail(entity_id, "it did not report that it did it")
        return self._end(activation, now)

    def _is_so(self, wish: DesiredState) -> bool:
        try:
            state = self._world.state(wish.entity_id)
            if state is None:
                return False
            return not calls_for_state(wish.entity_id, wish.state, wish.attributes, state, is_nearly_enough=True)
        except NotPossible:
            return False

    def _end(self, activation: "Activation", now: datetime) -> list[Given]:
        was_kept = self._activations.pop(activation.id, None) is not None
        for call_id in activation.entity_by_call:
            self._activation_by_call.pop(call_id, None)
        failed = self._failed(activation)
        status = activation.status
        given: list[Given] = []
        if activation.order.call_id:
            given.append(SceneSettled(activation.order.call_id, activation.entity_id, status, failed, now))
        if not activation.is_recorded or activation.row_id is None:
            return given
        row_id = activation.row_id
        self._history[row_id] = seen = History(self.history(row_id).activation_count + 1, activation.started_at, status)
        body = outcome(activation, failed, now)
        given.append(AppendRecord("scene_activations", activation_row(activation, failed, now), Durability.FSYNC))
        given.append(Save(ROOM, f"{_HISTORY}{row_id}", _history_body(seen)))
        if was_kept:
            given.append(Save(ROOM, f"{_ACTIVATION}{activation.id}", None))
        given.append(Announce("scene", {"id": row_id, "name": activation.name, **body}))
        names = tuple(each.name or each.id for each in failed)
        given.append(SceneEnded(row_id, activation.name, activation.order.cause, tuple(activation.targeted), names))
        return given + (self._answer(activation.order.request_id, body) if activation.order.request_id else [])

    def _failed(self, activation: "Activation") -> tuple[FailedDevice, ...]:
        errors: dict[str, list[str]] = {}
        entity_by_device: dict[str, EntityId] = {}
        for entity_id, error in activation.error_by_entity.items():
            device = activation.device_by_entity.get(entity_id, entity_id)
            errors.setdefault(device, []).append(error)
            entity_by_device.setdefault(device, entity_id)
        return tuple(
            FailedDevice(
                device, self._name(DeviceId(device), entity_by_device[device]), "; ".join(dict.fromkeys(words))
            )
            for device, words in errors.items()
        )

    def _name(self, device_id: DeviceId, entity_id: EntityId) -> str:
        return self._name_of(device_id) or entity_id

    def _answer(self, request_id: str, body: JsonObject) -> list[Given]:
        self._remember(request_id, body)
        return [Answer(request_id, body)]

    def _remember(self, request_id: str, body: JsonObject | None) -> None:
        self._answer_by_request[request_id] = body
        if len(self._answer_by_request) > REQUESTS_MAX:
            self._answer_by_request.popitem(last=False)


_ACTIONS: Mapping[str, Callable[[Scenes, Call, datetime], list[Given]]] = {
    "scene.turn_on": Scenes._turn_on,  # noqa: SLF001 the table of this class's own actions
    "scene.apply": Scenes._apply,  # noqa: SLF001
    "scene.create": Scenes._create,  # noqa: SLF001
    "scene.delete": Scenes._delete,  # noqa: SLF001
    "scene.reload": Scenes._reload,  # noqa: SLF001
}


def _first(*values: float | None) -> float | None:
    return next((value for value in values if value is not None), None)


def _history_body(seen: History) -> JsonObject:
    return {
        "activation_count": seen.activation_count,
        "last_activated_at": _iso(seen.last_activated_at),
        "last_status": seen.last_status,
    }


def _history_of(body: JsonObject) -> History:
    at = body.get("last_activated_at")
    return History(
        int(number_in(body.get("activation_count")) or 0),
        datetime.fromisoformat(str(at)) if at else None,
        _text_or_none(body.get("last_status")),
    )


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _text_or_none(value: JsonValue) -> str | None:
    return value if isinstance(value, str) else None
