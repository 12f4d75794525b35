"""A home with alert rules, as a test drives it: devices, a clock that stops at every timer, and what people and the cloud are told."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from hub_agent.core.alerting import Alerting
from hub_agent.core.healing import cases
from hub_agent.model.action import CallAnswered
from hub_agent.model.definition import Definition
from hub_agent.model.device import Capability, Device, DeviceType, Entity, Origin
from hub_agent.model.effects import AppendCase, CallOutside, Effect, IssueCleared, IssueRaised, Publish, Save
from hub_agent.model.healing import Symptom
from hub_agent.model.ids import CallId, DeviceId, EntityId, HomeId, RoomId
from hub_agent.model.issue import Issue
from hub_agent.model.state import EntityState, StateChanged

NOON = datetime(2026, 1, 14, 12, tzinfo=UTC)
CHANNELS = {"office": "webhook", "phone": "ntfy"}


def sensor(name: str, kind: str, unit: str) -> Entity:
    entity_id = EntityId(f"sensor.{name}_{kind}")
    facets = {kind: Capability("float", unit=unit)}
    return Entity(entity_id, DeviceId(name), kind, "sensor", None, kind, unit, "measurement", None, facets, {})


def device(name: str, room: str | None = None, kind: DeviceType = DeviceType.SENSOR_TEMPERATURE) -> Device:
    entities = (sensor(name, "temperature", "°C"), sensor(name, "battery", "%"), sensor(name, "power", "W"))
    return Device(
        id=DeviceId(name),
        origin=Origin("zigbee2mqtt", name),
        aliases=(),
        name=name.capitalize(),
        named_by_person=False,
        room_id=RoomId(room) if room else None,
        brand=None,
        model=None,
        device_type=kind,
        protocol=None,
        via=None,
        firmware_version=None,
        power_source=None,
        native={},
        entities=entities,
    )


class ToldHome:
    """Fills core.alerting.looking.Home. `rows`: the alerts as the cloud would have them; `sent`: what the channels got, by channel."""

    def __init__(self, *devices: Device, zone: str = "UTC") -> None:
        self.by_id = {each.id: each for each in devices}
        self.states: dict[EntityId, EntityState] = {}
        self.away: set[str] = set()
        self.held: set[str] = set()
        self.groups: dict[str, frozenset[DeviceId]] = {}
        self.tells: set[str] = set()
        self.zone = ZoneInfo(zone)
        self.now = NOON
        self.saved: dict[str, Any] = {}
        self.rules: dict[str, Definition] = {}
        self.issues: dict[tuple[str, str], Issue] = {}
        self.rows: dict[str, dict[str, Any]] = {}
        self.revisions: dict[str, int] = {}
        self.sent: list[tuple[str, str, str]] = []
        self.shut: set[str] = set()
        self.published: dict[str, Any] = {}
        self._numbers = count(1)
        self.crash(connected=True)

    # What the room may know.

    def device(self, device_id: DeviceId) -> Device | None:
        return self.by_id.get(device_id)

    def devices(self) -> Iterable[Device]:
        return self.by_id.values()

    def entity(self, entity_id: EntityId) -> Entity | None:
        return next((each for one in self.by_id.values() for each in one.entities if each.id == entity_id), None)

    def state(self, entity_id: EntityId) -> EntityState | None:
        return self.states.get(entity_id)

    def is_available(self, device_id: DeviceId) -> bool | None:
        return device_id not in self.away

    def local(self, now: datetime) -> datetime:
        return now.astimezone(self.zone)

    def matter_of(self, code: str) -> str:
        return "unreached" if code in {"device_unavailable", "device_silent", "devices_failing_together"} else code

    def members_of(self, group_id: str) -> frozenset[DeviceId]:
        return self.groups.get(group_id, frozenset())

    # What happens.

    def crash(self, *, connected: bool = False) -> None:
        """A new room, from what was saved; issues are raised anew by whoever raised them."""
        self.alerting = Alerting(
            HomeId("home"),
            self,
            lambda: f"id{next(self._numbers)}",
            CHANNELS,
            is_held=lambda device_id: device_id in self.held,
            has_told=lambda alert_id: alert_id in self.tells,
        )
        self.take(self.alerting.restore(dict(self.saved), self.now))
        for each in self.rules.values():
            self.take(self.alerting.handle_definition(each.kind, each.id, each, self.now))
        for issue in self.issues.values():
            self.take(self.alerting.handle_issue(IssueRaised(issue), self.now))
        if connected:
            self.take(self.alerting.handle_connected(self.now))
            self.wait(6)

    def wait(self, minutes: float) -> None:
        end = self.now + timedelta(minutes=minutes)
        while (due := self.alerting.get_timer()) is not None and due <= end:
            self.now = max(self.now, due)
            self.take(self.alerting.handle_timer(self.now))
        self.now = end

    def rule(self, conditions: Any, *, key: str = "r1", rule_type: str = "device_state", **fields: Any) -> None:
        row = {"rule_name": f"Rule {key}", "rule_type": rule_type, "conditions": conditions, "severity": "warning",
               "cooldown_minutes": 15, "notification_channels": ["push"], **fields}  # fmt: skip
        self.rules[key] = Definition("alert_rule", key, row)
        self.take(self.alerting.handle_definition("alert_rule", key, self.rules[key], self.now))

    def unrule(self, key: str) -> None:
        del self.rules[key]
        self.take(self.alerting.handle_definition("alert_rule", key, None, self.now))

    def measure(self, name: str, kind: str, value: object) -> None:
        entity_id = EntityId(f"sensor.{name}_{kind}")
        old, new = self.states.get(entity_id), EntityState(str(value), {}, self.now, self.now)
        self.states[entity_id] = new
        changed = StateChanged(entity_id, old, new, self.now)
        self.take(self.alerting.handle_change(changed, self.by_id[DeviceId(name)], self.now))

    def available(self, name: str, is_available: bool) -> None:
        (self.away.discard if is_available else self.away.add)(name)
        device = self.by_id[DeviceId(name)]
        self.take(self.alerting.handle_availability(device, self.now, is_available=is_available))

    def issue(self, code: str, subject: str, **details: Any) -> None:
        issue = self.issues[code, subject] = Issue(code, subject, self.now, details)
        self.take(self.alerting.handle_issue(IssueRaised(issue), self.now))

    def clear(self, code: str, subject: str) -> None:
        if self.issues.pop((code, subject), None) is not None:
            self.take(self.alerting.handle_issue(IssueCleared(code, subject), self.now))

    def healing_tells(self, name: str, symptom: Symptom = Symptom.UNAVAILABLE, alert_id: str | None = None) -> str:
        alert_id = alert_id or f"healing-{name}"
        self.tells.add(alert_id)
        issue = Issue(symptom.value, name, self.now, {"name": name.capitalize(), "reason": "it says so"})
        row = cases.alert(
            alert_id, self.by_id[DeviceId(name)], issue, tried="Tried: a reboot.", snapshot={}, now=self.now
        )
        self.case(AppendCase("alerts", alert_id, 1, row))
        return alert_id

    def healing_ends(self, alert_id: str) -> None:
        self.tells.discard(alert_id)
        row = {"id": alert_id, "status": "resolved", "source_type": "device", "metadata": {}}
        self.case(AppendCase("alerts", alert_id, 2, row))

    def case(self, case: AppendCase) -> None:
        take = self.alerting.adopt if self.alerting.adopts(case) else self.alerting.handle_case
        self.take(take(case, self.now))

    def take(self, given: Sequence[object]) -> None:
        for each in given:
            assert isinstance(each, Effect)
            match each:
                case Save(_, key, body):
                    self.saved[key] = None if body is None else orjson.loads(orjson.dumps(body))
                    if body is None:
                        del self.saved[key]
                case AppendCase("alerts", alert_id, revision, row):
                    assert revision == self.revisions.get(alert_id, 0) + 1, "a revision was left out, or given twice"
                    self.revisions[alert_id], self.rows[alert_id] = revision, dict(row)
                case CallOutside(call):
                    self._carry(
                        call.id, call.action.removeprefix("notify."), str(call.data["title"]), str(call.data["message"])
                    )
                case Publish(publication):
                    self.published[publication.topic] = orjson.loads(publication.payload)

    def _carry(self, call_id: CallId, channel: str, title: str, text: str) -> None:
        if channel not in self.shut:
            self.sent.append((channel, title, text))
        error = "connection refused" if channel in self.shut else None
        self.take(self.alerting.handle_answered(CallAnswered(call_id, error=error), self.now))

    # What came of it.

    def open(self) -> list[dict[str, Any]]:
        return [row for row in self.rows.values() if row["status"] in {"active", "acknowledged"}]

    def titles(self, channel: str = "phone") -> list[str]:
        return [title for to, title, _ in self.sent if to == channel]
