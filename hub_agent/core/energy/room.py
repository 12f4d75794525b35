"""Energy is counted: every report of a counter or a power adds to the hours of its device; each hour they are kept.

A counter's last reading is kept with the hours, in the same commit: nothing is counted twice or lost over a crash, and what was used
while the hub was away is spread over that time. Of a device that only measures power a crash costs the hour that was under way.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar, Final, Protocol
from zoneinfo import ZoneInfo

from hub_agent.core.energy.book import Book, hour_of
from hub_agent.core.energy.counting import Reading, counted, drawn
from hub_agent.core.energy.meters import RETURNED, Meter, meters_of
from hub_agent.core.expectation import number_in
from hub_agent.core.monitor import Given, Monitor
from hub_agent.model.device import Device
from hub_agent.model.effects import Durability, Save
from hub_agent.model.ids import DeviceId, EntityId
from hub_agent.model.json import JsonObject
from hub_agent.model.state import EntityState, StateChanged

ROOM: Final = "energy"
METERS_MAX: Final = 200
_READ_KEY: Final = "read"
_HOUR: Final = timedelta(hours=1)
# What reading a body of the mirror raises that somebody or something has damaged.
_DAMAGED: Final = (KeyError, TypeError, ValueError, AttributeError, OverflowError)


class Home(Protocol):
    def devices(self) -> Iterable[Device]: ...

    def state(self, entity_id: EntityId) -> EntityState | None: ...

    @property
    def zone(self) -> ZoneInfo: ...


class Energy(Monitor):
    room: ClassVar[str] = ROOM

    def __init__(self, home: Home) -> None:
        self._home = home
        self.book = Book()
        self._meters: dict[EntityId, Meter] = {}
        self._read: dict[EntityId, Reading] = {}
        self._keep_at: datetime | None = None

    # Memory and time.

    def restore(self, saved: Mapping[str, JsonObject], now: datetime) -> Sequence[Given]:
        given: list[Given] = []
        for key, body in saved.items():
            try:
                if key == _READ_KEY:
                    self._read = {EntityId(each): _reading(told) for each, told in body.items()}
                else:
                    self.book.take_up(key, body)
            except _DAMAGED:
                given.append(Save(ROOM, key, None, Durability.LAZY))
        for device in self._home.devices():
            self._meet(device, now)
        self._read = {each: told for each, told in self._read.items() if each in self._meters}
        self._keep_at = hour_of(now, self.zone) + _HOUR
        return given

    def get_timer(self) -> datetime | None:
        return self._keep_at

    def handle_timer(self, now: datetime) -> Sequence[Given]:
        for device in self._home.devices():
            self._meet(device, now)
        self._keep_at = hour_of(now, self.zone) + _HOUR
        return self._keep(now)

    def handle_stop(self, now: datetime) -> Sequence[Given]:
        return self._keep(now)

    def handle_clock_step(self, by: timedelta) -> None:
        for each in self._read.values():
            each.at += by
        if self._keep_at is not None:
            self._keep_at += by

    def handle_removed(self, device_id: DeviceId, _now: datetime) -> Sequence[Given]:
        """What it has used stays."""
        gone = [each.entity_id for each in self._meters.values() if each.series.removesuffix(RETURNED) == device_id]
        for entity_id in gone:
            del self._meters[entity_id]
            self._read.pop(entity_id, None)
        return ()

    # What happens.

    def handle_change(self, changed: StateChanged, device: Device, now: datetime) -> Sequence[Given]:
        meter = self._meters.get(changed.entity_id)
        if meter is None:
            if changed.old is None and changed.entity_id.startswith("sensor."):
                self._meet(device, now)
            return ()
        number = number_in(changed.new.state) if changed.new is not None else None
        if meter.is_counter:
            if number is not None:
                self._count(meter, number * meter.factor, now)
        else:
            self._measure(meter, None if number is None else number * meter.factor, now)
        return ()

    def _meet(self, device: Device, now: datetime) -> None:
        wanted = {each.entity_id: each for each in meters_of(device)}
        for entity in device.entities:
            meter, known = wanted.get(entity.id), self._meters.get(entity.id)
            if meter == known:
                continue
            if known is not None:
                del self._meters[entity.id]
                self._read.pop(entity.id, None)
            if meter is not None and len(self._meters) < METERS_MAX:
                self._meters[entity.id] = meter
                self._begin(meter, now)

    def _begin(self, meter: Meter, now: datetime) -> None:
        """A counter that was read before goes on from there; of a power nobody knows how it was."""
        if meter.is_counter and meter.entity_id in self._read:
            return
        state = self._home.state(meter.entity_id)
        number = number_in(state.state) if state is not None else None
        self._read.pop(meter.entity_id, None)
        if number is not None:
            self._read[meter.entity_id] = Reading(number * meter.factor, now)

    def _count(self, meter: Meter, value: float, now: datetime) -> None:
        before = self._read.get(meter.entity_id)
        if before is not None:
            wh = counted(before, value, now, is_net=meter.is_net)
            self._add(meter, wh, before.at, now)
        self._read[meter.entity_id] = Reading(value, now)

    def _measure(self, meter: Meter, watts: float | None, now: datetime) -> None:
        """None: it does not tell any more."""
        before = self._read.pop(meter.entity_id, None)
        if before is not None:
            self._add(meter, drawn(before, now), before.at, now)
        if watts is not None:
            self._read[meter.entity_id] = Reading(watts, now)

    def _add(self, meter: Meter, wh: float, since: datetime, now: datetime) -> None:
        if wh:
            series = meter.series if wh > 0 else f"{meter.series.removesuffix(RETURNED)}{RETURNED}"
            self.book.add(series, abs(wh), since, now, self.zone)

    def _keep(self, now: datetime) -> list[Given]:
        self.settle(now)
        read: JsonObject = {
            each: [told.value, told.at.isoformat()]
            for each, told in self._read.items()
            if self._meters[each].is_counter
        }
        rows = self.book.keep(ROOM, now.astimezone(self.zone).date())
        return [*rows, Save(ROOM, _READ_KEY, read, Durability.LAZY)] if rows else []

    # For the doors.

    @property
    def zone(self) -> ZoneInfo:
        return self._home.zone

    def settle(self, now: datetime) -> None:
        """What is drawn now has been drawn until now."""
        for meter in self._meters.values():
            known = None if meter.is_counter else self._read.get(meter.entity_id)
            if known is not None and known.at < now:
                self._measure(meter, known.value, now)

    @property
    def metered(self) -> frozenset[DeviceId]:
        return frozenset(DeviceId(each.series.removesuffix(RETURNED)) for each in self._meters.values())


def _reading(told: object) -> Reading:
    if not isinstance(told, list | tuple):
        raise TypeError("a reading has a value and a time")
    value, at = told
    return Reading(float(str(value)), datetime.fromisoformat(str(at)))
