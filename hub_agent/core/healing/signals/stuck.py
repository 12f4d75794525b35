"""A value that moved all the time and does not any more, though its device goes on reporting.

Only what nature keeps moving is judged (the air, the mains), and only where it has been seen to move. Counted are the looks in which the device was
heard, not hours: neither its silence nor ours makes a value stand still.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final

from hub_agent.core.expectation import number_in
from hub_agent.core.healing.cases import in_words
from hub_agent.core.healing.remedy import is_battery
from hub_agent.core.healing.signals.signal import LOOKS_A_DAY, Given, Seen, Signal, Wrong
from hub_agent.model.device import Device, Entity, Presence
from hub_agent.model.healing import Symptom
from hub_agent.model.ids import DeviceId, EntityId, NewId
from hub_agent.model.json import JsonObject
from hub_agent.model.state import EntityState

CHANGES_NEEDED: Final = 100
STILL_MIN: Final = LOOKS_A_DAY
STILL_FOR: Final = timedelta(days=1)
LONGEST_TIMES: Final = 6

_MOVING: Final = frozenset(
    {"temperature", "humidity", "atmospheric_pressure", "pressure", "carbon_dioxide", "voltage", "frequency"}
)
# In fog the air is full, in a dry pipe it is not: there it stands still by nature.
_HUMIDITY_ENDS: Final = (1.0, 99.0)


@dataclass(slots=True)
class _Moving:
    """`longest`, `still`: in looks at which the device was heard; the longest stillness so far, and that of now."""

    changed_at: datetime | None = None
    changes: int = 0
    longest: int = 0
    still: int = 0

    @property
    def is_known_to_move(self) -> bool:
        return self.changes >= CHANGES_NEEDED

    @property
    def is_too_still(self) -> bool:
        return self.is_known_to_move and self.still > max(STILL_MIN, LONGEST_TIMES * self.longest)


class Stuck(Signal):
    name: ClassVar[str] = "stuck"

    def __init__(self, seen: Seen, wrong: Wrong, new_id: NewId) -> None:
        super().__init__(seen, wrong, new_id)
        self._moving: dict[EntityId, _Moving] = {}

    def look(self, device: Device, presence: Presence, now: datetime, *, is_heard: bool) -> Iterable[Given]:
        if not is_heard:
            return ()
        stuck: JsonObject | None = None
        for entity in device.entities:
            if _moves_by_nature(entity, device) and (state := self._seen.state(entity.id)) is not None:
                stuck = self._note(entity, state, now) or stuck
        return self._judged(device, Symptom.STUCK, stuck)

    def _note(self, entity: Entity, state: EntityState, now: datetime) -> JsonObject | None:
        value = number_in(state.state)
        if value is None:
            return None
        moving = self._moving.setdefault(entity.id, _Moving())
        if moving.changed_at is None:
            moving.changed_at = state.changed_at
        elif moving.changed_at != state.changed_at:
            if not moving.is_too_still:  # one that was wrong is not learnt
                moving.longest = max(moving.longest, moving.still)
            moving.changed_at = state.changed_at
            moving.changes += 1
            moving.still = 0
        elif not _is_at_an_end(entity, value):
            moving.still += 1
        if not moving.is_too_still or now - state.changed_at < STILL_FOR:
            return None
        unit = f" {entity.unit}" if entity.unit else ""
        # Told in whole days: it is not said anew with every look.
        length = timedelta(days=(now - state.changed_at).days)
        return {"value": f"{state.state}{unit}", "unchanged_for": in_words(length), "entity_id": entity.id}

    def forget(self, device_id: DeviceId, now: datetime) -> Sequence[Given]:
        self._moving = {each: moving for each, moving in self._moving.items() if self._seen.entity(each) is not None}
        return ()

    def memory(self) -> JsonObject:
        return {
            entity_id: [moving.changes, moving.longest, moving.still]
            for entity_id, moving in self._moving.items()
            if moving.changes
        }

    def remember(self, memory: JsonObject) -> None:
        for entity_id, counts in memory.items():
            match counts:
                case [int() as changes, int() as longest, int() as still]:
                    self._moving[EntityId(entity_id)] = _Moving(None, changes, longest, still)
                case _:
                    continue


def _moves_by_nature(entity: Entity, device: Device) -> bool:
    if entity.domain != "sensor" or entity.category is not None or entity.device_class not in _MOVING:
        return False
    return entity.device_class != "voltage" or (entity.unit == "V" and not is_battery(device))


def _is_at_an_end(entity: Entity, value: float) -> bool:
    low, high = _HUMIDITY_ENDS
    return entity.device_class in {"humidity", "voltage"} and (
        value <= low or (entity.device_class == "humidity" and value >= high)
    )
