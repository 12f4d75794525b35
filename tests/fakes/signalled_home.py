"""A home whose devices report as a test says, with healing and the signals that it hears of, under a clock of its own."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from hub_agent.core.healing import Healing
from hub_agent.core.healing.signals import Signals
from hub_agent.model.action import Call, Command, CommandSettled
from hub_agent.model.device import Device, DeviceType, Entity, Origin, Presence, ProtocolType
from hub_agent.model.effects import AppendCase, AppendRecord, IssueCleared, IssueRaised, Save
from hub_agent.model.healing import Noticed, Passed
from hub_agent.model.ids import CallId, CommandId, DeviceId, EntityId
from hub_agent.model.report import Refused, Rejected, Restarted
from hub_agent.model.state import Cause, EntityState, StateChanged
from tests.fakes.healed_home import HealedHome

NOON = datetime(2026, 1, 14, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def facet(  # noqa: PLR0917 as short as an entity can be said
    name: str,
    key: str,
    domain: str = "sensor",
    device_class: str | None = None,
    unit: str | None = None,
    category: str | None = None,
) -> Entity:
    entity_id = EntityId(f"{domain}.{name}_{key}")
    return Entity(entity_id, DeviceId(name), key, domain, key, device_class, unit, None, category, {}, {})


def thing(
    name: str,
    *entities: Entity,
    via: str | None = None,
    dialect: str = "zigbee2mqtt",
    power: str | None = "Mains",
    kind: DeviceType = DeviceType.OTHER,
    protocol: ProtocolType | None = ProtocolType.ZIGBEE,
    **wishes: object,
) -> Device:
    return Device(
        DeviceId(name),
        Origin(dialect, name),
        (),
        name.capitalize(),
        False,
        None,
        None,
        None,
        kind,
        protocol,
        DeviceId(via) if via else None,
        None,
        power,
        {},
        entities,
        {"healing": wishes},
    )


class SignalledHome(HealedHome):
    """Fills core.healing.signals.signal.Seen."""

    def __init__(self, *devices: Device) -> None:
        super().__init__(*devices)
        self.now = NOON
        self.presences: dict[DeviceId, Presence] = {}
        self.seen: list[Any] = []
        self.saved: dict[str, dict[str, Any]] = {"healing": {}, "signals": {}}
        self.numbers = count(1)
        self._begin()

    def _begin(self) -> None:
        self.healing = Healing(self, lambda: f"id{next(self.numbers)}")
        self.signals = Signals(self, self.healing.has, lambda: f"id{next(self.numbers)}")
        self._take(self.healing.restore(self.saved["healing"], self.now))
        self._take(self.signals.restore(self.saved["signals"], self.now))
        self._take(self.healing.handle_connected(self.now))

    def restart(self) -> None:
        """After a crash, from what was saved."""
        self.seen.clear()
        self._begin()

    # What signals read.

    def presence(self, device_id: DeviceId) -> Presence:
        return self.presences.get(device_id, Presence())

    def with_origin(self, origin: Origin) -> Device | None:
        return next((each for each in self.by_id.values() if each.origin == origin), None)

    def entity(self, entity_id: EntityId) -> Entity | None:
        return next((each for device in self.by_id.values() for each in device.entities if each.id == entity_id), None)

    # What happens.

    def say(
        self,
        name: str,
        attributes: Mapping[str, Any] | None = None,
        cause: Cause | None = None,
        signal: int | None = None,
        **states: object,
    ) -> None:
        """The device reports: by the entity's key its state."""
        device = self.by_id[DeviceId(name)]
        known = self.presence(device.id)
        strength = known.signal_strength if signal is None else signal
        self.presences[device.id] = replace(known, last_seen_at=self.now, signal_strength=strength)
        self._take(self.healing.handle_report(device, self.now))
        for entity in device.entities:
            if entity.key in states:
                self._set(device, entity, str(states[entity.key]), attributes, cause)

    def _set(
        self, device: Device, entity: Entity, text: str, attributes: Mapping[str, Any] | None, cause: Cause | None
    ) -> None:
        old = self.states.get(entity.id)
        held = attributes if attributes is not None else old.attributes if old else {}
        if old is not None and old.state == text and old.attributes == held:
            return
        changed_at = old.changed_at if old is not None and old.state == text else self.now
        new = self.states[entity.id] = EntityState(text, held, changed_at, self.now)
        changed = StateChanged(entity.id, old, new, self.now, cause)
        self._take(self.signals.handle_change(changed, device, self.now))

    def available(self, name: str, is_available: bool) -> None:
        device = self.by_id[DeviceId(name)]
        self.presences[device.id] = replace(self.presence(device.id), is_available=is_available)
        self._take(self.healing.handle_availability(device, is_available, self.now))
        self._take(self.signals.handle_availability(device, self.now, is_available=is_available))

    def settle(self, name: str, outcome: str, error: str | None = None, cause: str = "manual") -> None:
        device = self.by_id[DeviceId(name)]
        entity_id = EntityId(f"light.{name}")
        command = Command(
            CommandId("c"),
            CallId("call"),
            device.id,
            entity_id,
            "light.turn_on",
            {},
            Cause(cause),
            self.now,
            self.now + MINUTE,
        )
        settled = CommandSettled(command, outcome, self.now, error)
        self._take(self.healing.handle_settled(settled, device, self.now))
        self._take(self.signals.handle_settled(settled, device, self.now))

    def refuse(self, name: str, reason: str) -> None:
        device = self.by_id[DeviceId(name)]
        self._take(self.signals.handle_complaint(Refused(device.origin, reason), device, self.now))

    def reject(self, name: str, reason: str) -> None:
        device = self.by_id[DeviceId(name)]
        said = Rejected(device.origin.dialect, f"home/{name}", "bad_number", reason, device.origin)
        self._take(self.signals.handle_complaint(said, device, self.now))

    def begin_anew(self, name: str) -> None:
        """The device says that it has just begun."""
        self._take(self.signals.take(Restarted(self.by_id[DeviceId(name)].origin), self.now))

    def remove(self, name: str) -> Device:
        device = self.by_id.pop(DeviceId(name))
        self._take(self.healing.handle_removed(device.id, self.now))
        self._take(self.signals.handle_removed(device.id, self.now))
        return device

    def add(self, device: Device) -> None:
        self.by_id[device.id] = device

    def step_clock(self, by: timedelta) -> None:
        self.now += by
        self.healing.handle_clock_step(by)
        self.signals.handle_clock_step(by)

    def advance(self, by: timedelta) -> None:
        end = self.now + by
        while True:
            dues = [
                due for due in (self.healing.get_timer(), self.signals.get_timer()) if due is not None and due <= end
            ]
            if not dues:
                break
            self.now = max(self.now, min(dues))
            if (due := self.healing.get_timer()) is not None and due <= self.now:
                self._take(self.healing.handle_timer(self.now))
            if (due := self.signals.get_timer()) is not None and due <= self.now:
                self._take(self.signals.handle_timer(self.now))
        self.now = end

    def _take(self, given: Iterable[Any]) -> None:
        for each in given:
            match each:
                case Noticed():
                    self.seen.append(each)
                    self._take(self.healing.handle_noticed(each, self.now))
                case Passed():
                    self.seen.append(each)
                    self._take(self.healing.handle_passed(each, self.now))
                case Save(room, key, None):
                    self.saved[room].pop(key, None)
                case Save(room, key, body):
                    self.saved[room][key] = body
                case Call():
                    pass
                case AppendCase():
                    self.seen.append(each)
                    self._take(self.signals.handle_case(each, self.now))
                case _:
                    self.seen.append(each)

    # What was said.

    def raised(self) -> list[tuple[str, str]]:
        return [(each.issue.code, each.issue.subject) for each in self.seen if isinstance(each, IssueRaised)]

    def cleared(self) -> list[tuple[str, str]]:
        return [(each.code, each.subject) for each in self.seen if isinstance(each, IssueCleared)]

    def text_of(self, code: str) -> str:
        """Of the newest issue of this kind."""
        return [each.issue.text for each in self.seen if isinstance(each, IssueRaised) and each.issue.code == code][-1]

    def logged(self) -> list[Mapping[str, Any]]:
        return [each.row for each in self.seen if isinstance(each, AppendRecord) and each.stream == "device_error_logs"]
