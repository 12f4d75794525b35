"""Which absences of a device are its own: not those of its bridge, the broker, or of many at once."""

from datetime import datetime, timedelta

from hub_agent.model.device import Device
from hub_agent.model.ids import DeviceId

LASTS = timedelta(seconds=30)
_TOGETHER = timedelta(minutes=2)
_TOGETHER_MIN = 3


class Dropouts:
    def __init__(self) -> None:
        self._gone_since: dict[DeviceId, datetime] = {}
        # The last absence of each: of a bridge it explains those behind it.
        self._last: dict[DeviceId, datetime] = {}
        self._broker_lost_at: datetime | None = None

    def handle_disconnected(self, now: datetime) -> None:
        self._broker_lost_at = now

    def handle(self, device: Device, now: datetime, *, is_available: bool) -> bool:
        """Whether the device is back from an absence of its own."""
        if not is_available:
            self._gone_since.setdefault(device.id, now)
            self._last[device.id] = now
            return False
        since = self._gone_since.pop(device.id, None)
        if since is None or now - since < LASTS:
            return False
        shared = [self._broker_lost_at, self._last.get(device.via) if device.via is not None else None]
        if any(at is not None and at >= since - _TOGETHER for at in shared):
            return False
        others = sum(1 for each, at in self._last.items() if each != device.id and abs(at - since) <= _TOGETHER)
        return others + 1 < _TOGETHER_MIN

    def is_gone_for(self, device_id: DeviceId, now: datetime) -> timedelta:
        since = self._gone_since.get(device_id)
        return timedelta(0) if since is None else now - since

    def forget(self, device_id: DeviceId) -> None:
        self._gone_since.pop(device_id, None)
        self._last.pop(device_id, None)

    def handle_clock_step(self, by: timedelta) -> None:
        self._gone_since = {each: at + by for each, at in self._gone_since.items()}
        self._last = {each: at + by for each, at in self._last.items()}
        if self._broker_lost_at is not None:
            self._broker_lost_at += by
