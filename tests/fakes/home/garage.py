"""A home-built garage door opener: one discovery message for the whole device, with `~` and abbreviated keys."""

import random
from datetime import datetime, timedelta

from hub_agent.model.report import Publication
from tests.fakes.home.curves import outdoor_temperature
from tests.fakes.home.peer import Json, say

BASE = "garage"
ANNOUNCEMENT: Json = {
    "~": BASE,
    "dev": {
        "ids": ["garage-opener-7f3a"],
        "name": "Garage Door",
        "mf": "Home-built",
        "mdl": "ESP8266 opener",
        "sw": "2.4",
        "sa": "Garage",
    },
    "o": {"name": "garage-opener", "sw": "2.4"},
    "avty_t": "~/availability",
    "cmps": {
        "door": {
            "p": "cover",
            "name": None,
            "dev_cla": "garage",
            "uniq_id": "garage-opener-7f3a-door",
            "cmd_t": "~/door/set",
            "stat_t": "~/door/state",
            "pos_t": "~/door/position",
        },
        "temperature": {
            "p": "sensor",
            "dev_cla": "temperature",
            "stat_cla": "measurement",
            "unit_of_meas": "°C",
            "uniq_id": "garage-opener-7f3a-temperature",
            "stat_t": "~/climate",
            "val_tpl": "{{ value_json.temperature | round(1) }}",
        },
    },
}


class Garage:
    name = "garage-opener"
    will = say(f"{BASE}/availability", "offline", retain=True, qos=1)
    subscriptions = (f"{BASE}/door/set",)
    rhythm_s = (25.0, 45.0)
    travel_step_s = 1.5
    travel_step = 20

    def __init__(self, seed: int, pace: float = 1.0) -> None:
        self.position = 0
        self._goal = 0
        self._rng = random.Random(f"{seed}/{self.name}")
        self._pace = pace
        self._moves_at: datetime | None = None
        self._reports_at: datetime | None = None

    def start(self, now: datetime) -> list[Publication]:
        self._reports_at = now + timedelta(seconds=self._rng.uniform(1, 3) / self._pace)
        return [
            say("homeassistant/device/garage-opener/config", ANNOUNCEMENT, retain=True),
            say(f"{BASE}/availability", "online", retain=True),
            *self._door(),
        ]

    def handle(self, topic: str, payload: bytes, now: datetime) -> list[Publication]:
        goals = {b"OPEN": 100, b"CLOSE": 0, b"STOP": self.position}
        if payload not in goals:
            return []
        self._goal = goals[payload]
        self._moves_at = now + timedelta(seconds=self.travel_step_s) if self._goal != self.position else None
        return self._door()

    def get_timer(self) -> datetime | None:
        return min((at for at in (self._moves_at, self._reports_at) if at is not None), default=None)

    def handle_timer(self, now: datetime) -> list[Publication]:
        said = []
        if self._moves_at is not None and now >= self._moves_at:
            way = self._goal - self.position
            self.position += max(-self.travel_step, min(self.travel_step, way))
            self._moves_at = now + timedelta(seconds=self.travel_step_s) if self.position != self._goal else None
            said += self._door()
        if self._reports_at is not None and now >= self._reports_at:
            self._reports_at = now + timedelta(seconds=self._rng.uniform(*self.rhythm_s) / self._pace)
            celsius = outdoor_temperature(now) + 3 + self._rng.uniform(-0.2, 0.2)
            said.append(say(f"{BASE}/climate", {"temperature": celsius}))
        return said

    def _door(self) -> list[Publication]:
        if self.position != self._goal:
            state = "opening" if self._goal > self.position else "closing"
        else:
            state = "open" if self.position else "closed"
        return [
            say(f"{BASE}/door/state", state, retain=True),
            say(f"{BASE}/door/position", str(self.position), retain=True),
        ]
