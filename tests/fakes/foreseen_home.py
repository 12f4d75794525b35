"""A home that forecasts look at, lived hour by hour under virtual time."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hub_agent.core.forecasts import Forecasts
from hub_agent.core.forecasts.held import ROOM
from hub_agent.model.device import Device, DeviceType, Entity, Origin, Presence
from hub_agent.model.effects import AppendCase, IssueCleared, IssueRaised, Save
from hub_agent.model.ids import DeviceId, EntityId, RoomId
from hub_agent.model.state import EntityState

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def entity(device_id: str, entity_id: str, device_class: str | None = None, unit: str | None = None) -> Entity:
    domain = entity_id.partition(".")[0]
    return Entity(
        EntityId(entity_id), DeviceId(device_id), entity_id, domain, None, device_class, unit, None, None, {}, {}
    )


def device(name: str, *entities: Entity, room: str | None = None, kind: DeviceType = DeviceType.OTHER) -> Device:
    origin = Origin("zigbee2mqtt", name)
    room_id = RoomId(room) if room else None
    return Device(DeviceId(name), origin, (), name.capitalize(), False, room_id, "Acme", "X1", kind, None, None, None, None, {}, tuple(entities), {})  # fmt: skip


class ForeseenHome:
    """Fills core.forecasts.room.Home. Its time is UTC. `before_look` is called before every look, with the time."""

    def __init__(self, *devices: Device, step: timedelta = HOUR) -> None:
        self.by_id = {each.id: each for each in devices}
        self.states: dict[str, EntityState] = {}
        self.presences: dict[str, Presence] = {}
        self.now = MONDAY
        self.step = step
        self.saved: dict[str, Any] = {}
        self.told: list[AppendCase] = []
        self.issues: dict[tuple[str, str], Any] = {}
        self.raised: list[str] = []
        self.saves = 0
        self._ids = 0
        self.before_look: Callable[[datetime], None] = lambda _now: None
        self.restart()

    # What forecasts see.

    def device(self, device_id: DeviceId) -> Device | None:
        return self.by_id.get(device_id)

    def devices(self) -> list[Device]:
        return list(self.by_id.values())

    def state(self, entity_id: EntityId) -> EntityState | None:
        return self.states.get(entity_id)

    def presence(self, device_id: DeviceId) -> Presence:
        return replace(self.presences.get(device_id, Presence()), last_seen_at=self.now)

    def local(self, now: datetime) -> datetime:
        return now

    # What a test does.

    def set(self, entity_id: str, state: str, **attributes: Any) -> None:
        before = self.states.get(entity_id)
        if before is None or before.state != state or before.attributes != attributes:
            self.states[entity_id] = EntityState(state, attributes, self.now, self.now)

    def see(self, name: str, **seen: Any) -> None:
        self.presences[name] = replace(self.presences.get(name, Presence()), **seen)

    def restart(self) -> None:
        self.issues.clear()
        self.forecasts = Forecasts(self, self._new_id)
        self.take(self.forecasts.restore(dict(self.saved), self.now))

    def _new_id(self) -> str:
        self._ids += 1
        return str(UUID(int=self._ids))

    def take(self, effects: Any) -> None:
        for each in effects:
            match each:
                case Save():
                    assert each.room == ROOM
                    self.saves += 1
                    self.saved.pop(each.key, None)
                    if each.body is not None:
                        self.saved[each.key] = each.body
                case AppendCase():
                    self.told.append(each)
                case IssueRaised(issue):
                    assert "unknown" not in issue.text
                    self.issues[issue.code, issue.subject] = issue
                    self.raised.append(issue.code)
                case IssueCleared(code, subject):
                    self.issues.pop((code, subject), None)

    def live(self, length: timedelta) -> None:
        until = self.now + length
        while self.now < until:
            self.now += self.step
            self.before_look(self.now)
            self.take(self.forecasts.handle_timer(self.now))

    def days(self, *levels: float, name: str = "sensor") -> None:
        """One day after the other, with what its battery says."""
        for level in levels:
            self.see(name, battery_level=round(level))
            self.live(DAY)

    def rows(self, table: str) -> list[dict[str, Any]]:
        """The newest of each, in the order in which they were opened."""
        return list({each.id: dict(each.row) for each in self.told if each.table == table}.values())
