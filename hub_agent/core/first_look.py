"""Asks devices about which nothing is known yet, one at a time: a radio network does not like to be asked all at once."""

from datetime import datetime, timedelta

from hub_agent.model.effects import AskState
from hub_agent.model.ids import DeviceId

EVERY = timedelta(seconds=1)
# What announces itself also says its state, most often within this.
FIRST_AFTER = timedelta(seconds=3)
WAITING_MAX = 2000


class FirstLook:
    def __init__(self) -> None:
        self._waiting: dict[DeviceId, None] = {}
        self._due_at: datetime | None = None

    def want(self, device_id: DeviceId, now: datetime) -> None:
        if len(self._waiting) < WAITING_MAX:
            self._waiting[device_id] = None
            self._due_at = self._due_at or now + FIRST_AFTER

    def forget(self, device_id: DeviceId) -> None:
        """It has spoken by itself, or left."""
        self._waiting.pop(device_id, None)

    def get_timer(self) -> datetime | None:
        return self._due_at if self._waiting else None

    def handle_timer(self, now: datetime) -> list[AskState]:
        if not self._waiting:
            self._due_at = None
            return []
        device_id = next(iter(self._waiting))
        del self._waiting[device_id]
        self._due_at = now + EVERY
        return [AskState(device_id)]

    def handle_clock_step(self, by: timedelta) -> None:
        if self._due_at is not None:
            self._due_at += by
