"""What healing knows of each device, and when it looks at it next."""

import heapq
from collections.abc import Mapping
from datetime import datetime, timedelta

from hub_agent.core.healing.rhythm import Rhythm
from hub_agent.core.healing.trouble import Trouble
from hub_agent.model.device import Device, DeviceType
from hub_agent.model.healing import Symptom
from hub_agent.model.ids import DeviceId


class Watch:
    """One device: when it was heard, what is wrong with it, what was tried on it when."""

    __slots__ = ("device", "rhythm", "tried_at", "trouble", "unavailable_since", "wake_at", "wake_count")

    def __init__(self, device: Device, rhythm: Rhythm) -> None:
        self.device = device
        self.rhythm = rhythm
        self.trouble: Trouble | None = None
        self.unavailable_since: datetime | None = None
        self.tried_at: dict[str, datetime] = {}
        self.wake_at: datetime | None = None
        self.wake_count = 0

    @property
    def is_judged(self) -> bool:
        """Whether its silence is judged at all: not that of the hub, of bridges (they have an availability) and of helpers."""
        return self.device.device_type not in {DeviceType.HUB, DeviceType.BRIDGE, DeviceType.ROUTER} and (
            self.device.origin.dialect != "helper"
        )

    def has(self, symptom: Symptom) -> bool:
        return self.trouble is not None and symptom in self.trouble.symptoms

    def shift(self, by: timedelta) -> None:
        self.rhythm.shift(by)
        self.tried_at = {name: at + by for name, at in self.tried_at.items()}
        if self.unavailable_since is not None:
            self.unavailable_since += by
        if self.wake_at is not None:
            self.wake_at += by
        if self.trouble is not None:
            self.trouble.since += by
            self.trouble.ready_at += by
            if self.trouble.attempt is not None:
                self.trouble.attempt.shift(by)


class Wakes:
    """When to look at which device: one true entry per device in a heap whose stale entries are skipped."""

    def __init__(self, watches: Mapping[DeviceId, Watch]) -> None:
        self._watches = watches
        self._heap: list[tuple[datetime, int, DeviceId]] = []
        self._count = 0

    def set(self, watch: Watch, at: datetime) -> None:
        """Not later than `at`; an earlier look stays."""
        if watch.wake_at is None or at < watch.wake_at:
            watch.wake_at = at
            self._count += 1
            watch.wake_count = self._count
            heapq.heappush(self._heap, (at, self._count, watch.device.id))

    def first(self) -> datetime | None:
        while self._heap and self._true(self._heap[0]) is None:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def pop(self, now: datetime) -> Watch | None:
        """The next device that is due."""
        while self._heap and self._heap[0][0] <= now:
            watch = self._true(heapq.heappop(self._heap))
            if watch is not None:
                watch.wake_at = None
                return watch
        return None

    def shift(self, by: timedelta) -> None:
        self._heap = [(at + by, count, device_id) for at, count, device_id in self._heap]

    def _true(self, entry: tuple[datetime, int, DeviceId]) -> Watch | None:
        _, count, device_id = entry
        watch = self._watches.get(device_id)
        return watch if watch and watch.wake_at is not None and watch.wake_count == count else None
