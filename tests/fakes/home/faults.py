"""How one device of the home fails now and then, and what brings it back."""

import random
from datetime import datetime, timedelta

from tests.fakes.home.zigbee_devices import ZigbeeDevice

# In turn: so that whoever watches sees each remedy at work.
COURSES = ("dozing", "deaf", "gone")


class Faults:
    """Makes its device ill from time to time. Nobody helped: it is well again after a while (somebody switched it off and on)."""

    first_after_s = (40.0, 60.0)
    next_after_s = (60.0, 150.0)
    lasts_s = 240.0
    noticed_after_s = 15.0

    def __init__(self, device: ZigbeeDevice, rng: random.Random, pace: float) -> None:
        self.device = device
        self.episodes = 0
        self._rng = rng
        self._pace = pace
        self._falls_ill_at: datetime | None = None
        self._noticed_at: datetime | None = None
        self._well_at: datetime | None = None

    def start(self, now: datetime) -> None:
        if self._falls_ill_at is None and self._well_at is None:
            self._falls_ill_at = now + self._drawn(self.first_after_s)

    def get_timer(self) -> datetime | None:
        timers = (self._falls_ill_at, self._noticed_at, self._well_at)
        return min((timer for timer in timers if timer is not None), default=None)

    def handle_timer(self, now: datetime) -> list[bool]:
        """What the bridge now finds of the device's availability."""
        if self._falls_ill_at is not None and now >= self._falls_ill_at:
            self._fall_ill(now)
        if self._noticed_at is not None and now >= self._noticed_at:
            self._noticed_at = None
            return [False]
        if self._well_at is not None and now >= self._well_at:
            self.device.configure(now)
            self.handle_recovery(now)
            return [True]
        return []

    def handle_recovery(self, now: datetime) -> None:
        """To be called after whatever may have helped."""
        if self._well_at is not None and self.device.condition == "well":
            self._well_at = None
            self._noticed_at = None
            self._falls_ill_at = now + self._drawn(self.next_after_s)

    def _fall_ill(self, now: datetime) -> None:
        self.device.condition = COURSES[self.episodes % len(COURSES)]
        self.episodes += 1
        self._falls_ill_at = None
        self._well_at = now + timedelta(seconds=self.lasts_s / self._pace)
        if self.device.condition == "gone":
            self._noticed_at = now + timedelta(seconds=self.noticed_after_s / self._pace)

    def _drawn(self, between_s: tuple[float, float]) -> timedelta:
        return timedelta(seconds=self._rng.uniform(*between_s) / self._pace)
