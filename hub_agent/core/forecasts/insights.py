"""Advice, modest and true: each says what it was seen by, there are never more than a few, and what is not so any more is taken back."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median
from uuid import NAMESPACE_OID, uuid5

from hub_agent.core.forecasts import rows
from hub_agent.core.forecasts.held import Held, keep
from hub_agent.core.forecasts.looking import LOOK_EVERY, OCCUPANCY_CLASSES, Home
from hub_agent.model.device import Device
from hub_agent.model.effects import AppendCase, Effect
from hub_agent.model.ids import DeviceId, EntityId, NewId, RoomId
from hub_agent.model.json import JsonObject, JsonValue

TABLE = "ai_insights"
PREFIX = "insight/"
COUNTED = "insights"
INSIGHTS_MAX = 5
# A room is empty when nothing has moved in it for so long.
EMPTY_AFTER = timedelta(hours=1)
ALONE_HOURS = 3
WEEK = 7
DAYS_MAX = 14
WINDOW_MINUTES = 60
WINDOW_DAYS = 3
HEALED_WEEKS = 3
HEALED_OF = 4
_PRIORITIES = ("high", "medium", "low")
_RENEWED_AFTER = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Advice:
    """`kind` and device make it the same again."""

    kind: str
    device_id: DeviceId | None
    insight_type: str
    category: str
    title: str
    description: str
    action: str
    priority: str
    confidence: float
    evidence: tuple[JsonObject, ...]
    saves_kwh: float | None = None
    buys: bool = False

    @property
    def key(self) -> str:
        return f"{self.kind}/{self.device_id or 'home'}"


@dataclass(slots=True)
class _Room:
    sensors: list[EntityId] = field(default_factory=list)
    players: list[EntityId] = field(default_factory=list)
    lights: list[tuple[DeviceId, EntityId]] = field(default_factory=list)
    climates: list[tuple[DeviceId, EntityId]] = field(default_factory=list)
    windows: list[EntityId] = field(default_factory=list)


class Insights:
    def __init__(self, home: Home, new_id: NewId) -> None:
        self._home = home
        self._new_id = new_id
        self._rooms: list[_Room] = []
        self._today: defaultdict[str, int] = defaultdict(int)
        # Minutes by day, of `alone/<device>` and `window/<device>`; (day, minutes), the newest last.
        self._days: dict[str, list[tuple[int, int]]] = {}
        self._healed: dict[DeviceId, list[int]] = {}
        self._held: dict[str, Held] = {}

    def open_rows(self) -> list[rows.CaseRow]:
        return [each.row for _, each in sorted(self._held.items()) if each.row["is_active"]]

    # What is seen.

    def know(self, devices: Iterable[Device]) -> None:
        """Once an hour: what is in which room."""
        by_room: defaultdict[RoomId, _Room] = defaultdict(_Room)
        for device in devices:
            if device.room_id is None:
                continue
            room = by_room[device.room_id]
            for entity in device.entities:
                if entity.category is None:
                    _place(room, device, entity.id, entity.domain, entity.device_class)
        self._rooms = [each for each in by_room.values() if (each.sensors and each.lights) or each.windows]

    def look(self, now: datetime) -> None:
        step = int(LOOK_EVERY.total_seconds() // 60)
        for room in self._rooms:
            if room.sensors and room.lights and self._is_empty(room, now):
                for device_id, entity_id in room.lights:
                    if self._is(entity_id, "on"):
                        self._today[f"alone/{device_id}"] += step
            if room.windows and room.climates and self._is_open(room, now):
                for device_id, entity_id in room.climates:
                    if self._heats(entity_id):
                        self._today[f"window/{device_id}"] += step

    def note_case(self, case: AppendCase, now: datetime) -> None:
        """A healing that has helped."""
        row = case.row
        if case.table != "self_healing_executions" or row.get("status") != "completed":
            return
        weeks = self._healed.setdefault(DeviceId(str(row.get("device_id"))), [])
        week = now.date().toordinal() // WEEK
        if week not in weeks:
            weeks.append(week)
            del weeks[:-HEALED_OF]

    def _is_empty(self, room: _Room, now: datetime) -> bool:
        if any(self._is(each, "playing") for each in room.players):
            return False
        states = [self._home.state(each) for each in room.sensors]
        return all(each is not None and each.state == "off" and now - each.changed_at >= EMPTY_AFTER for each in states)

    def _is_open(self, room: _Room, now: datetime) -> bool:
        states = [self._home.state(each) for each in room.windows]
        return any(s is not None and s.state == "on" and now - s.changed_at >= timedelta(minutes=15) for s in states)

    def _is(self, entity_id: EntityId, wanted: str) -> bool:
        state = self._home.state(entity_id)
        return state is not None and state.state == wanted

    def _heats(self, entity_id: EntityId) -> bool:
        state = self._home.state(entity_id)
        return state is not None and state.attributes.get("hvac_action") == "heating"

    # What comes of it.

    def day_over(self, day: int, others: Sequence[Advice], now: datetime) -> list[Effect]:
        """`others`: advice that is not counted here."""
        for key in {*self._days, *self._today}:
            minutes = self._days.setdefault(key, [])
            minutes.append((day, self._today.get(key, 0)))
            del minutes[:-DAYS_MAX]
            if not any(each for _, each in minutes):
                del self._days[key]
        self._today.clear()
        found = [*others, *self._alone(), *self._windows(), *self._often_healed(day)]
        found.sort(key=lambda each: (_PRIORITIES.index(each.priority), -each.confidence, each.key))
        wanted = {each.key: each for each in found[:INSIGHTS_MAX]}
        given: list[Effect] = []
        for key, held in self._held.items():
            if key not in wanted and held.row["is_active"]:
                given += self._tell(key, held, {"is_active": False, "updated_at": now}, now)
        for key, advice in wanted.items():
            given += self._say(key, advice, now)
        return [*given, keep(COUNTED, self._counted())]

    def _say(self, key: str, advice: Advice, now: datetime) -> list[Effect]:
        held = self._held.get(key)
        if held is None:
            # The same again after the mirror was lost, so that what people said of it stands.
            same = (
                uuid5(NAMESPACE_OID, f"{advice.device_id}/insight/{advice.kind}")
                if advice.device_id
                else self._new_id()
            )
            held = self._held[key] = Held(TABLE, self._row(str(same), advice, now))
            return self._tell(key, held, {}, now)
        expires_at = held.row["expires_at"]
        is_fresh = isinstance(expires_at, datetime) and expires_at - now > _RENEWED_AFTER
        if held.row["is_active"] and is_fresh and held.row["title"] == advice.title:
            return []
        return self._tell(key, held, {**self._row(held.id, advice, now), "created_at": held.row["created_at"]}, now)

    @staticmethod
    def _tell(key: str, held: Held, changes: rows.CaseRow, now: datetime) -> list[Effect]:
        told = held.told(now, changes)
        return [told, keep(f"{PREFIX}{key}", held.as_json())]

    @staticmethod
    def _row(insight_id: str, advice: Advice, now: datetime) -> rows.CaseRow:
        return rows.insight(
            insight_id,
            advice.device_id,
            kind=advice.insight_type,
            category=advice.category,
            title=advice.title,
            description=advice.description,
            action=advice.action,
            priority=advice.priority,
            confidence=advice.confidence,
            evidence=advice.evidence,
            saves_kwh=advice.saves_kwh,
            buys=advice.buys,
            now=now,
        )

    def _counted_of(self, kind: str) -> Iterable[tuple[Device, list[int]]]:
        for key, days in sorted(self._days.items()):
            mine, _, device_id = key.partition("/")
            device = self._home.device(DeviceId(device_id)) if mine == kind else None
            if device is not None:
                yield device, [minutes for _, minutes in days]

    def _alone(self) -> Iterable[Advice]:
        for device, days in self._counted_of("alone"):
            week = days[-WEEK:]
            hours = median(week) / 60
            if len(week) < WEEK or hours < ALONE_HOURS or sum(1 for each in week if each >= 60) < WEEK - 1:
                continue
            yield Advice(
                "light_alone", device.id, "energy_saving", "efficiency",
                f"{device.name} is on with nobody there",
                f"{device.name} was on for about {hours:.0f} hours a day last week while nothing moved in its room.",
                "Let an automation switch it off when nobody has moved for a while.",
                "medium", 0.8,
                ({"source": "states", "what": "minutes a day on in an empty room", "values": list(week)},),
            )  # fmt: skip

    def _windows(self) -> Iterable[Advice]:
        for device, days in self._counted_of("window"):
            bad = [each for each in days if each >= WINDOW_MINUTES]
            if len(bad) < WINDOW_DAYS:
                continue
            yield Advice(
                "window_heating", device.id, "energy_saving", "efficiency",
                f"{device.name} heats with the window open",
                f"On {len(bad)} of the last {len(days)} days {device.name} heated for an hour or more while a window of its room was open.",
                "Let an automation turn the heating down while the window is open, or air for a short time with the heating off.",
                "high", 0.9,
                ({"source": "states", "what": "minutes a day heating with a window open", "values": list(days)},),
            )  # fmt: skip

    def _often_healed(self, day: int) -> Iterable[Advice]:
        this = day // WEEK
        for device_id, weeks in sorted(self._healed.items()):
            recent = [each for each in weeks if this - each < HEALED_OF]
            device = self._home.device(device_id)
            if device is None or len(recent) < HEALED_WEEKS:
                continue
            yield Advice(
                "often_healed", device_id, "maintenance", "comfort",
                f"{device.name} has to be repaired every week",
                f"In {len(recent)} of the last {HEALED_OF} weeks {device.name} failed and was brought back.",
                "Look at its power and its distance to the bridge; if both are good, think of replacing it.",
                "medium", 0.9,
                ({"source": "self_healing_executions", "what": "weeks with a healing", "values": len(recent)},),
            )  # fmt: skip

    # Memory.

    def _counted(self) -> JsonObject:
        days: dict[str, JsonValue] = {key: [list(each) for each in days] for key, days in self._days.items()}
        return {"days": days, "healed": {each: list(weeks) for each, weeks in self._healed.items()}}

    def restore_counted(self, body: JsonObject) -> None:
        days, healed = body["days"], body["healed"]
        if not isinstance(days, Mapping) or not isinstance(healed, Mapping):
            raise TypeError("what is counted are objects")
        self._days = {key: [(int(str(d)), int(str(m))) for d, m in _pairs(each)] for key, each in days.items()}
        self._healed = {DeviceId(key): [int(str(week)) for week in _list(each)] for key, each in healed.items()}

    def restore(self, key: str, body: JsonObject) -> None:
        self._held[key] = Held.from_json(body)

    def forget(self, device_id: DeviceId, now: datetime) -> list[Effect]:
        self._healed.pop(device_id, None)
        for key in [each for each in self._days if each.endswith(device_id)]:
            del self._days[key]
        gone = [key for key in self._held if key.endswith(device_id)]
        given: list[Effect] = []
        for key in gone:
            held = self._held.pop(key)
            if held.row["is_active"]:
                given.append(held.told(now, {"is_active": False, "updated_at": now}))
            given.append(keep(f"{PREFIX}{key}", None))
        return given


def _place(room: _Room, device: Device, entity_id: EntityId, domain: str, device_class: str | None) -> None:
    match domain, device_class:
        case "binary_sensor", each if each in OCCUPANCY_CLASSES:
            room.sensors.append(entity_id)
        case "binary_sensor", "window" | "opening":
            room.windows.append(entity_id)
        case "binary_sensor", "door" if "window" in device.name.lower():
            room.windows.append(entity_id)
        case "light", _:
            room.lights.append((device.id, entity_id))
        case "climate", _:
            room.climates.append((device.id, entity_id))
        case "media_player", _:
            room.players.append(entity_id)


def _list(value: object) -> Sequence[JsonValue]:
    if not isinstance(value, list | tuple):
        raise TypeError("a list is wanted")
    return value


def _pairs(value: object) -> Iterable[tuple[JsonValue, JsonValue]]:
    for each in _list(value):
        first, second = _list(each)
        yield first, second
