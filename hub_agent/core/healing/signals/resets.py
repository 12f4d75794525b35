"""A device that has lost what it had been told: it left its network, and joined it again as if it were new."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import ClassVar, Final

from hub_agent.core.healing.signals.signal import Given, Seen, Signal, Wrong
from hub_agent.model.action import CommandSettled
from hub_agent.model.device import Device, Presence
from hub_agent.model.healing import Noticed, Passed, Symptom
from hub_agent.model.ids import DeviceId, NewId

# Where leaving is told by the network itself. Elsewhere a device goes because somebody has tidied up a topic.
LEAVING_DIALECTS: Final = frozenset({"zigbee2mqtt", "zwave"})
GONE_AT_MOST: Final = timedelta(days=7)
GONE_MAX: Final = 200
# What is said of it has been read by then, or done something about.
SHOWN_FOR: Final = timedelta(days=1)


class Resets(Signal):
    name: ClassVar[str] = "resets"

    def __init__(self, seen: Seen, wrong: Wrong, new_id: NewId) -> None:
        super().__init__(seen, wrong, new_id)
        self._gone_at: dict[DeviceId, datetime] = {}
        self._reset_at: dict[DeviceId, datetime] = {}

    def forget(self, device_id: DeviceId, now: datetime) -> Sequence[Given]:
        self._reset_at.pop(device_id, None)
        self._gone_at[device_id] = now
        while len(self._gone_at) > GONE_MAX:
            del self._gone_at[next(iter(self._gone_at))]
        return ()

    def handle_met(self, device: Device, now: datetime) -> Sequence[Given]:
        gone_at = self._gone_at.pop(device.id, None)
        if gone_at is None or now - gone_at > GONE_AT_MOST or device.origin.dialect not in LEAVING_DIALECTS:
            return ()
        self._reset_at[device.id] = now
        return [Noticed(device.id, Symptom.RESET, {"reason": "it left its network and has joined it again"})]

    def handle_settled(self, settled: CommandSettled, device: Device, now: datetime) -> Sequence[Given]:
        """It has taken what healing gave back to it."""
        if settled.outcome not in {"confirmed", "sent"} or not self._wrong(device.id, Symptom.RESET):
            return ()
        self._reset_at.pop(device.id, None)
        return [Passed(device.id, Symptom.RESET)]

    def look(self, device: Device, presence: Presence, now: datetime, *, is_heard: bool) -> Iterable[Given]:
        if not self._wrong(device.id, Symptom.RESET):
            return ()
        since = self._reset_at.setdefault(device.id, now)
        if now - since < SHOWN_FOR:
            return ()
        del self._reset_at[device.id]
        return self._judged(device, Symptom.RESET, None)

    def shift(self, by: timedelta) -> None:
        self._gone_at = {each: at + by for each, at in self._gone_at.items()}
        self._reset_at = {each: at + by for each, at in self._reset_at.items()}
