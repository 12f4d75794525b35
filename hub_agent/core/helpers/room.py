"""All self-made devices of the home: what they hold, who tells them what, and when one of them falls due."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from hub_agent.core.helpers.kind import Following, Kind, Settings, Surroundings, Told
from hub_agent.core.helpers.table import KINDS
from hub_agent.core.time_of_day import zone
from hub_agent.errors import NotPossible
from hub_agent.model.action import Call, CallAnswered
from hub_agent.model.effects import Durability, Save
from hub_agent.model.ids import EntityId
from hub_agent.model.inputs import EventFired, StateSet
from hub_agent.model.json import JsonObject
from hub_agent.model.state import Cause, EntityState, StateChanged

ROOM = "helpers"

Given: TypeAlias = Save | StateSet | EventFired | CallAnswered


@dataclass(slots=True)
class _Helper:
    entity_id: EntityId
    kind: Kind
    body: JsonObject
    common: JsonObject


class _Nothing:
    """A home without anything to follow."""

    def state(self, _entity_id: EntityId, /) -> EntityState | None:
        return None

    def zones(self) -> Iterable[tuple[EntityId, EntityState]]:
        return ()


class Helpers:
    def __init__(self, time_zone: Callable[[], str], home: Surroundings | None = None) -> None:
        """`time_zone` answers with that of the home, which people may change. `home`: what devices that follow others look at."""
        self._time_zone = time_zone
        self._home = home or _Nothing()
        self._helper_by_id: dict[EntityId, _Helper] = {}
        self._kept: dict[EntityId, JsonObject] = {}
        # Only those that something is due for: all are asked after every batch of messages.
        self._due_by_id: dict[EntityId, datetime] = {}
        # Who follows an entity.
        self._followers: dict[EntityId, dict[EntityId, None]] = {}

    def restore(self, saved: Mapping[str, JsonObject]) -> None:
        """What they held; each is taken up again when it is set up."""
        self._kept = {EntityId(entity_id): body for entity_id, body in saved.items()}

    def set_up(
        self, entity_id: EntityId, kind: Kind, name: str, icon: object, now: datetime, *, is_start: bool = False
    ) -> list[Given]:
        """It is so from now on, and holds what it held where that is still possible."""
        known = self._helper_by_id.get(entity_id)
        kept = known.body if known else self._kept.pop(entity_id, None)
        common: dict[str, str | bool] = {"friendly_name": name, "editable": True}
        if isinstance(icon, str):
            common["icon"] = icon
        body = kind.begin(kept, self._local(now), is_start=is_start)
        self._unfollow(known)
        helper = self._helper_by_id[entity_id] = _Helper(entity_id, kind, body, common)
        if isinstance(kind, Following):
            helper.body = self._followed(kind)
            for watched in kind.watched():
                self._followers.setdefault(watched, {})[entity_id] = None
        self._note_due(helper)
        return [*([] if body == kept else _save(helper)), self._shown(helper, now, None)]

    def forget(self, entity_id: EntityId) -> list[Given]:
        known = self._helper_by_id.pop(entity_id, None)
        self._due_by_id.pop(entity_id, None)
        self._unfollow(known)
        return [] if known is None else [Save(ROOM, entity_id, None)]

    def takes(self, call: Call) -> bool:
        return call.domain in KINDS and any(entity_id in self._helper_by_id for entity_id in call.target)

    def handle(self, call: Call, now: datetime) -> Sequence[Given]:
        """Each target by itself: one that refuses does not keep the others from doing it."""
        verb = call.action.partition(".")[2]
        given: list[Given] = []
        errors: list[str] = []
        for entity_id in call.target:
            helper = self._helper_by_id.get(entity_id)
            if helper is None:
                errors.append(f"this home has no {entity_id}")
            elif entity_id.partition(".")[0] != call.domain or verb not in helper.kind.verbs:
                errors.append(f"{entity_id} does not know {call.action}")
            else:
                try:
                    told = helper.kind.tell(helper.body, verb, call.data, self._local(now))
                except NotPossible as err:
                    errors.append(f"{entity_id}: {err}")
                else:
                    given += self._keep(helper, told, now, call.cause)
        return [*given, CallAnswered(call.id, error="; ".join(errors) or None)]

    def handle_state(self, changed: StateChanged, now: datetime) -> Sequence[Given]:
        """What others follow has changed."""
        followers = self._followers.get(changed.entity_id)
        if not followers:
            return ()
        given: list[Given] = []
        for entity_id in followers:
            given += self._look_again(self._helper_by_id[entity_id], now, changed.cause)
        return given

    def handle_home(self, now: datetime) -> list[Given]:
        """Another time zone, or other zones."""
        given: list[Given] = []
        for helper in self._helper_by_id.values():
            if not helper.kind.is_kept:
                given += self._look_again(helper, now, None)
        return given

    def _look_again(self, helper: _Helper, now: datetime, cause: Cause | None) -> list[Given]:
        if isinstance(helper.kind, Following):
            body = self._followed(helper.kind)
        else:
            body = helper.kind.begin(helper.body, self._local(now), is_start=False)
        return self._keep(helper, Told(body), now, cause)

    def _followed(self, kind: Following) -> JsonObject:
        state, attributes = kind.follow(self._home)
        return {"state": state, "attributes": attributes}

    def _unfollow(self, helper: _Helper | None) -> None:
        if helper is None or not isinstance(helper.kind, Following):
            return
        for watched in helper.kind.watched():
            followers = self._followers.get(watched, {})
            followers.pop(helper.entity_id, None)
            if not followers:
                self._followers.pop(watched, None)

    def get_timer(self) -> datetime | None:
        return min(self._due_by_id.values()) if self._due_by_id else None

    def handle_timer(self, now: datetime) -> list[Given]:
        given: list[Given] = []
        late = [(due, entity_id) for entity_id, due in self._due_by_id.items() if due <= now]
        for _, entity_id in sorted(late):
            helper = self._helper_by_id[entity_id]
            given += self._keep(helper, helper.kind.elapse(helper.body, self._local(now)), now, None)
        return given

    def handle_clock_step(self, by: timedelta, now: datetime) -> list[Given]:
        """What counts elapsed time moves with the clock."""
        given: list[Given] = []
        for entity_id in tuple(self._due_by_id):
            helper = self._helper_by_id[entity_id]
            given += self._keep(helper, Told(helper.kind.shift(helper.body, by, self._local(now))), now, None)
        return given

    def _keep(self, helper: _Helper, told: Told, now: datetime, cause: Cause | None) -> list[Given]:
        is_same = told.body == helper.body
        helper.body = told.body
        self._note_due(helper)
        given: list[Given] = [] if is_same else [*_save(helper), self._shown(helper, now, cause)]
        given += [EventFired(name, {"entity_id": helper.entity_id, **data}) for name, data in told.events]
        return given

    def _note_due(self, helper: _Helper) -> None:
        due = helper.kind.due(helper.body)
        if due is None:
            self._due_by_id.pop(helper.entity_id, None)
        else:
            self._due_by_id[helper.entity_id] = due

    def _shown(self, helper: _Helper, now: datetime, cause: Cause | None) -> StateSet:
        state, attributes = helper.kind.show(helper.body, self._local(now))
        return StateSet(helper.entity_id, state, {**attributes, **helper.common}, cause=cause)

    def _local(self, now: datetime) -> datetime:
        return now.astimezone(zone(self._time_zone()))


def read_kind(domain: str, settings: JsonObject) -> Kind:
    """Raises DefinitionError."""
    return KINDS[domain](Settings(settings))


def _save(helper: _Helper) -> list[Save]:
    """A timer is a wait: what it does survives a power cut, too."""
    if not helper.kind.is_kept:
        return []
    durability = Durability.FSYNC if helper.entity_id.startswith("timer.") else Durability.COMMIT
    return [Save(ROOM, helper.entity_id, helper.body, durability)]
