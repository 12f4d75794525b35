"""Restarts again and again: seen by how long it says it has been up, by a counter of restarts, or by its own word that it has begun."""

from collections import deque
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import ClassVar, Final

from hub_agent.core.expectation import number_in
from hub_agent.core.healing.cases import in_words
from hub_agent.core.healing.remedy import is_battery
from hub_agent.core.healing.signals.signal import Given, Seen, Signal, Wrong
from hub_agent.model.device import Device, DeviceType, Entity, Presence
from hub_agent.model.healing import Symptom
from hub_agent.model.ids import DeviceId, NewId
from hub_agent.model.state import EntityState, StateChanged

RESTARTS: Final = 6
WITHIN: Final = timedelta(hours=1)
# Slower, but without end. Lamps behind a wall switch are powered anew as often as somebody uses it.
RESTARTS_SLOW: Final = 10
WITHIN_SLOW: Final = timedelta(days=1)
QUIET_FOR: Final = timedelta(hours=6)
# One restart is told in several ways.
SAME_RESTART: Final = timedelta(seconds=30)
# So many devices within this were without power: that is not their doing.
POWER_CUT_DEVICES: Final = 3
POWER_CUT_WITHIN: Final = timedelta(minutes=2)

# What counts up while it runs may be told a little late.
_BACK_BY_S: Final = 30
_LATER_BY: Final = timedelta(minutes=2)
_FACTOR_BY_UNIT: Final = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}
_COUNTERS: Final = ("boot_count", "bootcount", "restart_count", "reset_count", "reboot_count")
_STARTS: Final = ("last_restart", "last_boot", "boot_time", "started_at", "uptime")


class Restarts(Signal):
    name: ClassVar[str] = "restarts"

    def __init__(self, seen: Seen, wrong: Wrong, new_id: NewId) -> None:
        super().__init__(seen, wrong, new_id)
        self._restarts: dict[DeviceId, deque[datetime]] = {}
        self._latest: deque[tuple[datetime, DeviceId]] = deque(maxlen=32)
        self._well_since: dict[DeviceId, datetime] = {}

    def handle_restarted(self, device: Device, now: datetime) -> Sequence[Given]:
        # What sleeps looks for another way into its network now and then, and says the same then.
        return () if is_battery(device) else self._note(device, now)

    def watches(self, entity: Entity, device: Device) -> bool:
        return _kind(entity) is not None

    def handle_change(self, changed: StateChanged, entity: Entity, device: Device, now: datetime) -> Sequence[Given]:
        if changed.new is None or changed.old is None:
            return ()
        return self._note(device, now) if _has_restarted(entity, changed.old, changed.new) else ()

    def _note(self, device: Device, now: datetime) -> Sequence[Given]:
        restarts = self._restarts.setdefault(device.id, deque(maxlen=RESTARTS_SLOW))
        if restarts and now - restarts[-1] < SAME_RESTART:
            return ()
        self._latest.append((now, device.id))
        together = {each for at, each in self._latest if now - at <= POWER_CUT_WITHIN}
        if len(together) >= POWER_CUT_DEVICES:
            self._forget_power_cut(together, now)
            return ()
        restarts.append(now)
        return self._judge(device, now)

    def _judge(self, device: Device, now: datetime) -> Sequence[Given]:
        if self._wrong(device.id, Symptom.REBOOTING):
            return ()
        restarts = self._restarts[device.id]
        for least, within in ((RESTARTS, WITHIN), (RESTARTS_SLOW, WITHIN_SLOW)):
            count = sum(1 for at in restarts if now - at <= within)
            if count >= least and (within == WITHIN or device.device_type is not DeviceType.LIGHT):
                return self._judged(device, Symptom.REBOOTING, {"count": count, "within": in_words(within)})
        return ()

    def _forget_power_cut(self, together: set[DeviceId], now: datetime) -> None:
        for device_id in together:
            restarts = self._restarts.get(device_id)
            if restarts and now - restarts[-1] <= POWER_CUT_WITHIN:
                restarts.pop()

    def look(self, device: Device, presence: Presence, now: datetime, *, is_heard: bool) -> Iterable[Given]:
        if not self._wrong(device.id, Symptom.REBOOTING):
            return ()
        restarts = self._restarts.get(device.id)
        # The agent was begun anew meanwhile: nothing is known of the last one.
        since = restarts[-1] if restarts else self._well_since.setdefault(device.id, now)
        if now - since < QUIET_FOR or not is_heard:
            return ()
        self._well_since.pop(device.id, None)
        return self._judged(device, Symptom.REBOOTING, None)

    def forget(self, device_id: DeviceId, now: datetime) -> Sequence[Given]:
        self._restarts.pop(device_id, None)
        self._well_since.pop(device_id, None)
        return ()

    def shift(self, by: timedelta) -> None:
        for restarts in self._restarts.values():
            moved = [at + by for at in restarts]
            restarts.clear()
            restarts.extend(moved)
        self._latest = deque(((at + by, each) for at, each in self._latest), maxlen=self._latest.maxlen)
        self._well_since = {each: at + by for each, at in self._well_since.items()}


def _kind(entity: Entity) -> str | None:
    """How it tells of restarts: `up` by how long it is up, `start` by since when, `count` by how often; None: it does not."""
    if entity.domain != "sensor":
        return None
    names = f"{entity.key} {entity.id} {entity.name or ''}".lower().replace(" ", "_")
    if any(each in names for each in _COUNTERS):
        return "count"
    if entity.device_class == "timestamp":
        return "start" if any(each in names for each in _STARTS) else None
    return "up" if "uptime" in names and (entity.unit or "") in _FACTOR_BY_UNIT else None


def _has_restarted(entity: Entity, old: EntityState, new: EntityState) -> bool:
    kind = _kind(entity)
    if kind == "start":
        before, after = _instant(old.state), _instant(new.state)
        return before is not None and after is not None and after - before > _LATER_BY
    before_number, after_number = number_in(old.state), number_in(new.state)
    if before_number is None or after_number is None:
        return False
    if kind == "count":
        return after_number == before_number + 1
    factor = _FACTOR_BY_UNIT[entity.unit or ""]
    return (before_number - after_number) * factor > _BACK_BY_S


def _instant(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo is not None else None
