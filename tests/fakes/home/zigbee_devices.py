"""Zigbee devices as their bridge sees them: each answers commands after a moment and reports on its own rhythm.

Rhythms are for somebody who watches for some minutes; `pace` makes all of them faster (2) or slower (0.1).
"""

import colorsys
import heapq
import itertools
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.fakes.home.curves import daylight, indoor_temperature, outdoor_temperature, presence
from tests.fakes.home.peer import Json

# Measured on a real Zigbee2MQTT: a command's answer comes back after some 40 ms.
ANSWER_DELAY = timedelta(milliseconds=40)


@dataclass(frozen=True, slots=True)
class Later:
    """A change of state that will be reported. `transient` belongs to that one report only (a button's action)."""

    after_s: float
    changes: Json
    transient: bool = False


class ZigbeeDevice:
    """What is common to all: a state, reports in time, and the ways to be ill.

    condition: well | dozing (does nothing until it is asked for its state) | deaf (does nothing until it is configured anew)
    | gone (deaf, and its bridge has noticed).
    """

    rhythm_s: tuple[float, float] = (45, 75)
    is_sleepy = False  # battery devices neither take commands nor answer questions

    def __init__(self, entry: Json, state: Json, rng: random.Random, pace: float) -> None:
        self.entry = entry
        self.state = dict(state)
        self.condition = "well"
        self._rng = rng
        self._pace = pace
        self._due: list[tuple[datetime, int, Later | None]] = []
        self._order = itertools.count()
        self._link = rng.randint(90, 240)

    @property
    def name(self) -> str:
        return str(self.entry["friendly_name"])

    @property
    def address(self) -> str:
        return str(self.entry["ieee_address"])

    def start(self, now: datetime) -> None:
        """All of them have spoken within some seconds, as after the bridge's start."""
        self._due.clear()
        self._push(now + timedelta(seconds=self._rng.uniform(0.3, 6) / self._pace), None)

    def command(self, wanted: Json, now: datetime) -> bool:
        """False: it does not answer."""
        if self.is_sleepy or self.condition != "well":
            return False
        for later in self.respond(wanted, now):
            self._push(now + ANSWER_DELAY + timedelta(seconds=later.after_s), later)
        return True

    def ask(self, now: datetime) -> bool:
        if self.condition == "dozing":
            self.condition = "well"
        if self.is_sleepy or self.condition != "well":
            return False
        self._push(now + ANSWER_DELAY, Later(0, {}))
        return True

    def configure(self, now: datetime) -> bool:
        if self.is_sleepy:
            return False
        self.condition = "well"
        self._push(now + ANSWER_DELAY, Later(0, {}))
        return True

    def get_timer(self) -> datetime | None:
        return self._due[0][0] if self._due else None

    def handle_timer(self, now: datetime) -> list[Json]:
        """The states to publish, each the whole of it, as the bridge does."""
        reports: list[Json] = []
        while self._due and self._due[0][0] <= now:
            _, _, later = heapq.heappop(self._due)
            if later is None:
                self._push(now + self._interval(now), None)
                spoken: Iterable[Later] = self.observe(now)
            else:
                spoken = (later,)
            if self.condition != "well":
                continue
            for change in spoken:
                if change.after_s and later is None:
                    self._push(
                        now + timedelta(seconds=change.after_s / self._pace), Later(0, change.changes, change.transient)
                    )
                else:
                    reports.append(self._report(change, now))
        return reports

    # What the kinds of device differ in.

    def respond(self, wanted: Json, now: datetime) -> list[Later]:
        return [Later(0, {key: value for key, value in wanted.items() if key in self.state})]

    def observe(self, now: datetime) -> list[Later]:
        """What it says by itself when its time has come."""
        return [Later(0, {})]

    # Below here nothing is for others.

    def _interval(self, now: datetime) -> timedelta:
        return timedelta(seconds=self._rng.uniform(*self.rhythm_s) / self._pace)

    def _push(self, at: datetime, later: Later | None) -> None:
        heapq.heappush(self._due, (at, next(self._order), later))

    def _report(self, change: Later, now: datetime) -> Json:
        if not change.transient:
            self.state.update(change.changes)
        self._link = max(30, min(255, self._link + self._rng.randint(-6, 6)))
        self.state["linkquality"] = self._link
        self.state["last_seen"] = now.isoformat(timespec="seconds")
        return {**self.state, **change.changes}


class Lamp(ZigbeeDevice):
    def respond(self, wanted: Json, now: datetime) -> list[Later]:
        changes: Json = {}
        if "state" in wanted:
            changes["state"] = _switched(wanted["state"], self.state.get("state"))
        if "brightness" in wanted:
            level = max(0, min(254, round(float(wanted["brightness"]))))
            changes["state"] = "ON" if level else "OFF"
            if level:
                changes["brightness"] = level
        if "color_temp" in wanted and "color_temp" in self.state:
            changes |= {"color_temp": round(float(wanted["color_temp"])), "color_mode": "color_temp"}
        if isinstance(wanted.get("color"), dict) and "color" in self.state:
            changes |= _coloured(wanted["color"])
        return [Later(0, changes)]


class Plug(ZigbeeDevice):
    """A plug that measures what hangs on it."""

    rhythm_s = (8, 16)
    load_w = 95.0

    def respond(self, wanted: Json, now: datetime) -> list[Later]:
        if "state" not in wanted:
            return super().respond(wanted, now)
        switched = _switched(wanted["state"], self.state.get("state"))
        power = self._drawn(now) if switched == "ON" else 0.0
        return [Later(0, {"state": switched}), Later(0.4, self._measured(power, now))]

    def observe(self, now: datetime) -> list[Later]:
        power = self._drawn(now) if self.state.get("state") == "ON" else 0.0
        return [Later(0, self._measured(power, now))]

    def _drawn(self, now: datetime) -> float:
        return self.load_w * self._rng.uniform(0.92, 1.08)

    def _measured(self, power: float, now: datetime) -> Json:
        voltage = round(self._rng.uniform(228, 236), 1)
        energy = float(self.state.get("energy", 0)) + power * sum(self.rhythm_s) / 2 / 3_600_000
        return {
            "power": round(power, 1),
            "voltage": voltage,
            "current": round(power / voltage, 2),
            "energy": round(energy, 4),
        }


class Washer(Plug):
    """A washing machine's plug: now and then a programme runs, then it idles at under a watt."""

    rhythm_s = (4, 8)
    load_w = 0.6

    def __init__(self, entry: Json, state: Json, rng: random.Random, pace: float) -> None:
        super().__init__(entry, state, rng, pace)
        self._washes = False
        self._turns_at: datetime | None = None

    def _drawn(self, now: datetime) -> float:
        if self._turns_at is None or now >= self._turns_at:
            self._washes = self._turns_at is not None and not self._washes
            length_s = self._rng.uniform(50, 90) if self._washes else self._rng.uniform(70, 140)
            self._turns_at = now + timedelta(seconds=length_s / self._pace)
        return self._rng.uniform(120, 2100) if self._washes else self.load_w


class Motion(ZigbeeDevice):
    """Sees somebody, and says a while later that nobody is there any more."""

    rhythm_s = (20, 60)
    is_sleepy = True
    clears_after_s = 15.0

    def observe(self, now: datetime) -> list[Later]:
        if self._rng.random() > presence(now) and self.state.get("occupancy") is not None:
            return [Later(0, self._light(now))]
        return [
            Later(0, {"occupancy": True, **self._light(now)}),
            Later(self.clears_after_s, {"occupancy": False}),
        ]

    def _light(self, now: datetime) -> Json:
        if "illuminance" not in self.state:
            return {}
        lux = round(4 + 380 * daylight(now) * self._rng.uniform(0.9, 1.1))
        return {key: lux for key in ("illuminance", "illuminance_lux") if key in self.state}


class Contact(ZigbeeDevice):
    rhythm_s = (70, 200)
    is_sleepy = True

    def observe(self, now: datetime) -> list[Later]:
        if self._rng.random() > presence(now):
            return [Later(0, {"contact": True})]
        return [Later(0, {"contact": False}), Later(self._rng.uniform(4, 12), {"contact": True})]


class Climate(ZigbeeDevice):
    """Temperature, humidity and what else the air tells, where the device has it."""

    rhythm_s = (15, 35)
    is_sleepy = True
    usual_c = 21.0

    def observe(self, now: datetime) -> list[Later]:
        temperature = indoor_temperature(now, self.usual_c) + self._rng.uniform(-0.15, 0.15)
        measured: Json = {
            "temperature": round(temperature, 2),
            "humidity": round(48 - 1.5 * (temperature - 20) + self._rng.uniform(-1.5, 1.5), 2),
            "pressure": round(1009 + 4 * self._rng.uniform(-0.1, 0.1) - 0.1 * outdoor_temperature(now), 1),
            "co2": round(450 + 650 * presence(now) + self._rng.uniform(-30, 30)),
            "voc": self._rng.randint(1, 6),
            "formaldehyd": self._rng.randint(1, 3),
        }
        return [Later(0, {key: value for key, value in measured.items() if key in self.state})]


class BathroomClimate(Climate):
    usual_c = 22.5


class MainsClimate(Climate):
    is_sleepy = False
    usual_c = 19.5


class Blind(ZigbeeDevice):
    """Takes some seconds to travel, reporting on the way."""

    full_travel_s = 8.0
    step_s = 1.0

    def respond(self, wanted: Json, now: datetime) -> list[Later]:
        here = float(self.state.get("position", 0))
        if wanted.get("state") == "STOP":
            self._halt()
            return [Later(0, {"moving": "STOP", **_opened(here)})]
        goal = {"OPEN": 100.0, "CLOSE": 0.0}.get(str(wanted.get("state")), wanted.get("position"))
        if not isinstance(goal, int | float):
            return super().respond(wanted, now)
        self._halt()
        steps = max(1, round(abs(goal - here) / 100 * self.full_travel_s / self.step_s))
        direction = "UP" if goal > here else "DOWN"
        travel = [
            Later(n * self.step_s, {**_opened(here + (goal - here) * n / steps), "moving": direction})
            for n in range(1, steps)
        ]
        return [
            Later(0, {"moving": direction}),
            *travel,
            Later(steps * self.step_s, {**_opened(goal), "moving": "STOP"}),
        ]

    def _halt(self) -> None:
        self._due = [due for due in self._due if due[2] is None]
        heapq.heapify(self._due)


class Thermostat(ZigbeeDevice):
    """Warms its room towards the set point."""

    rhythm_s = (20, 40)

    def respond(self, wanted: Json, now: datetime) -> list[Later]:
        known = ("current_heating_setpoint", "system_mode", "preset", "child_lock")
        changes = {key: wanted[key] for key in known if key in wanted}
        return [Later(0, {**changes, **self._running({**self.state, **changes})})]

    def observe(self, now: datetime) -> list[Later]:
        here = float(self.state["local_temperature"])
        heats = self._running(self.state)["running_state"] == "heat"
        step = 0.5 if heats else -0.5 if here > indoor_temperature(now, 18) else 0.0
        changes = {"local_temperature": round(here + step, 1)}
        return [Later(0, {**changes, **self._running({**self.state, **changes})})]

    @staticmethod
    def _running(state: Json) -> Json:
        wants_heat = state.get("system_mode") == "heat"
        is_cold = float(state["local_temperature"]) < float(state["current_heating_setpoint"])
        return {"running_state": "heat" if wants_heat and is_cold else "idle"}


class Button(ZigbeeDevice):
    rhythm_s = (90, 240)
    is_sleepy = True

    def observe(self, now: datetime) -> list[Later]:
        return [
            Later(0, {"action": self._rng.choice(("single", "single", "single", "double", "hold"))}, transient=True)
        ]


class Leak(ZigbeeDevice):
    """Dry nearly always."""

    rhythm_s = (60, 120)
    is_sleepy = True
    one_in = 9

    def observe(self, now: datetime) -> list[Later]:
        if "water_leak" in self.state and self._rng.randrange(self.one_in) == 0:
            return [Later(0, {"water_leak": True}), Later(20, {"water_leak": False})]
        return [Later(0, {"water_leak": False})]


Build = Callable[[Json, Json, random.Random, float], ZigbeeDevice]


def _switched(wanted: object, now: object) -> str:
    word = str(wanted).upper()
    if word == "TOGGLE":
        return "OFF" if now == "ON" else "ON"
    return "ON" if word == "ON" else "OFF"


def _opened(position: float) -> Json:
    return {"position": round(position), "state": "OPEN" if round(position) > 0 else "CLOSE"}


def _coloured(color: Json) -> Json:
    """A bulb reports hue and saturation and x and y, however it was told; only one of them is its mode."""
    if "x" in color and "y" in color:
        x, y = float(color["x"]), float(color["y"])
        hue, saturation = _hs_of_xy(x, y)
        return {"color": {"hue": hue, "saturation": saturation, "x": x, "y": y}, "color_mode": "xy"}
    if {"r", "g", "b"} <= color.keys():
        x, y = _xy_of_rgb(*(float(color[part]) / 255 for part in "rgb"))
        hue, saturation = _hs_of_xy(x, y)
        return {"color": {"hue": hue, "saturation": saturation, "x": x, "y": y}, "color_mode": "xy"}
    hue = float(color.get("hue", color.get("h", 0)))
    saturation = float(color.get("saturation", color.get("s", 100)))
    x, y = _xy_of_rgb(*colorsys.hsv_to_rgb(hue / 360, saturation / 100, 1))
    return {"color": {"hue": round(hue), "saturation": round(saturation), "x": x, "y": y}, "color_mode": "hs"}


def _xy_of_rgb(red: float, green: float, blue: float) -> tuple[float, float]:
    """Philips' wide-gamut matrix, as most bulbs use it."""
    x = red * 0.664511 + green * 0.154324 + blue * 0.162028
    y = red * 0.283881 + green * 0.668433 + blue * 0.047685
    z = red * 0.000088 + green * 0.072310 + blue * 0.986039
    total = x + y + z
    return (round(x / total, 4), round(y / total, 4)) if total else (0.3127, 0.329)


def _hs_of_xy(x: float, y: float) -> tuple[int, int]:
    luminance = 1.0
    big_x, big_z = luminance / max(y, 1e-6) * x, luminance / max(y, 1e-6) * (1 - x - y)
    red = big_x * 1.656492 - luminance * 0.354851 - big_z * 0.255038
    green = -big_x * 0.707196 + luminance * 1.655397 + big_z * 0.036152
    blue = big_x * 0.051713 - luminance * 0.121364 + big_z * 1.011530
    top = max(red, green, blue, 1e-6)
    hue, saturation, _ = colorsys.rgb_to_hsv(*(max(0.0, part / top) for part in (red, green, blue)))
    return round(hue * 360), round(saturation * 100)
