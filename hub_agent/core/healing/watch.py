"""What healing knows of each device, and when it looks at it next."""

import heapq
from collections.abc import Mapping
from datetime import datetime, timedelta

from hub_agent.core.healing.rhythm import Rhythm
from hub_agent.core.healing.stream import Stream
from hub_agent.core.healing.trouble import Trouble
from hub_agent.model.device import HUB_ORIGIN, Device, DeviceType
from hub_agent.model.healing import Symptom
from hub_agent.model.ids import DeviceId
from hub_agent.model.json import JsonObject

RELAPSE = timedelta(hours=2)

# The dialect of what no dialect brings.
OWN = HUB_ORIGIN.dialect


class Watch:
    """One device: when it was heard, what is wrong with it, what was tried on it when."""

    __slots__ = (
        "back_at",
        "behind",
        "device",
        "relieved_at",
        "rhythm",
        "tried_at",
        "trouble",
        "unavailable_since",
        "wake_at",
        "wake_count",
    )

    def __init__(self, device: Device, rhythm: Rhythm) -> None:
        self.device = device
        self.rhythm = rhythm
        self.trouble: Trouble | None = None
        self.unavailable_since: datetime | None = None
        self.tried_at: dict[str, datetime] = {}
        self.wake_at: datetime | None = None
        self.wake_count = 0
        self.relieved_at: dict[str, datetime] = {}
        self.back_at: datetime | None = None
        self.behind: Stream | None = None  # of a bridge: all that is heard through it

    @property
    def is_half_treated(self) -> bool:
        """A remedy of several steps has been begun: its next one waits for nothing else."""
        attempt = self.trouble.attempt if self.trouble is not None else None
        return attempt is not None and attempt.step_at is not None

    def was_relieved_by(self, remedy: str, now: datetime) -> bool:
        """It helped a short while ago, and the same is wrong again: it does not cure, and the next remedy has its turn."""
        at = self.relieved_at.get(remedy)
        return at is not None and now - at < RELAPSE

    def learnt(self) -> JsonObject:
        """What has to be known again after a start; empty where there is nothing."""
        rhythm = self.rhythm.as_json() if self.rhythm.usual() is not None else {}
        is_known = self.behind is not None and self.behind.longest() is not None
        return {**rhythm, "behind": self.behind.as_json()} if self.behind is not None and is_known else rhythm

    def recall(self, body: JsonObject, now: datetime) -> None:
        self.rhythm = Rhythm.from_json(body, now)
        behind = body.get("behind")
        if isinstance(behind, Mapping):
            self.behind = Stream.from_json(behind, now)

    @property
    def is_judged(self) -> bool:
        """Whether its silence is judged at all: not that of the hub, of bridges (they have an availability) and of helpers."""
        return self.device.device_type not in {DeviceType.HUB, DeviceType.BRIDGE, DeviceType.ROUTER} and (
            self.device.origin.dialect != "helper"
        )

    @property
    def is_unreached(self) -> bool:
        """Whether it cannot be reached as it should: then the gaps between its reports are not its rhythm."""
        if self.unavailable_since is not None:
            return True
        return self.trouble is not None and self.trouble.unreached_since is not None

    @property
    def is_own(self) -> bool:
        """The hub itself, its broker or its router: what is done about them needs no broker."""
        return self.device.origin.dialect == OWN

    def has(self, symptom: Symptom) -> bool:
        return self.trouble is not None and symptom in self.trouble.symptoms

    def shift(self, by: timedelta) -> None:
        self.rhythm.shift(by)
        self.back_at = None
        self.relieved_at = {name: at + by for name, at in self.relieved_at.items()}
        if self.behind is not None:
            self.behind.shift(by)
        self.tried_at = {name: at + by for name, at in self.tried_at.items()}
        if self.unavailable_since is not None:
            self.unavailable_since += by
        if self.wake_at is not None:
            self.wake_at += by
        if self.trouble is not None:
            self.trouble.shift(by)


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
