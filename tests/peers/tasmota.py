"""A Tasmota device, simulated by us, since none can be run on a computer. HATasmota judges whether it behaves like one.

Written from the documentation of the commands and of MQTT; it knows relays, one light of any kind, shutters, a fan, sensors, buttons.
"""

import colorsys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from hub_agent.model.report import Publication
from tests.fakes.home.peer import say

SHUTTER_PAIR = 2
_OPTIONS = ("4", "11", "13", "17", "20", "30", "68", "73", "80", "82", "114", "117")


class SimulatedTasmota:
    """`setup`: what the configuration says otherwise than a Sonoff Basic does. `sensors`: what its SENSOR message holds."""

    def __init__(self, mac: str, name: str, *, sensors: Mapping[str, Any] | None = None, **setup: Any) -> None:
        self.name = f"tasmota-{mac}"
        options = dict.fromkeys(_OPTIONS, 0) | setup.pop("so", {})
        self.config: dict[str, Any] = {
            "ip": "192.168.15.10", "dn": name, "fn": [name, *[None] * 7], "hn": f"tasmota-{mac[-6:]}-0956", "mac": mac, "md": "Generic",
            "ty": 0, "if": 0, "ofln": "Offline", "onln": "Online", "state": ["OFF", "ON", "TOGGLE", "HOLD"], "sw": "15.0.1",
            "t": f"tasmota_{mac[-6:]}", "ft": "%prefix%/%topic%/", "tp": ["cmnd", "stat", "tele"], "rl": [0] * 8, "swc": [-1] * 8,
            "swn": [None] * 8, "btn": [0] * 8, "so": options, "lk": 1, "lt_st": 0, "bat": 0, "dslp": 0, "sho": [], "sht": [], "ver": 1,
        } | setup  # fmt: skip
        self.sensors = dict(sensors or {})
        self.power = [False] * len(self.config["rl"])
        self.light: dict[str, Any] = {"Dimmer": 100, "Hue": 0, "Sat": 0, "CT": 153, "White": 0, "Scheme": 0}
        self.shutters = [0] * (self.config["rl"].count(3) // SHUTTER_PAIR)
        self.fan_speed = 0
        self.led_state = 1
        self.restarts = 0
        self.blinks = 0
        self.obeyed: list[tuple[str, str]] = []

    # One client of the broker.

    @property
    def will(self) -> Publication:
        return say(self._topic("tele", "LWT"), "Offline", retain=True)

    @property
    def subscriptions(self) -> Sequence[str]:
        return (self._topic("cmnd", "+"),)

    def start(self, now: datetime) -> list[Publication]:
        del now
        mac = self.config["mac"]
        return [
            say(self._topic("tele", "LWT"), "Online", retain=True),
            say(f"tasmota/discovery/{mac}/config", self.config, retain=True),
            say(f"tasmota/discovery/{mac}/sensors", {"sn": self._sns(), "ver": 1}, retain=True),
            self._tele("INFO1", {"Info1": {"Module": "Generic", "Version": "15.0.1(release-tasmota)"}}),
            self._tele("STATE", self._sts()),
            self._tele("SENSOR", self._sns()),
        ]

    def handle(self, topic: str, payload: bytes, now: datetime) -> list[Publication]:
        del now
        return self._obey(topic.rpartition("/")[2], payload.decode())

    def get_timer(self) -> datetime | None:
        return None

    def handle_timer(self, now: datetime) -> list[Publication]:
        del now
        return []

    def press(self, button: int, action: str = "SINGLE") -> Publication:
        return self._stat("RESULT", {f"Button{button}": {"Action": action}})

    def _topic(self, prefix: str, leaf: str) -> str:
        return f"{prefix}/{self.config['t']}/{leaf}"

    def _tele(self, leaf: str, body: Mapping[str, Any]) -> Publication:
        return say(self._topic("tele", leaf), body)

    def _stat(self, leaf: str, body: Mapping[str, Any] | str) -> Publication:
        return say(self._topic("stat", leaf), body)

    # Commands.

    def _obey(self, word: str, text: str) -> list[Publication]:
        if word.lower() == "backlog":
            steps = [step.strip().partition(" ") for step in text.split(";") if step.strip()]
            assert len(steps) <= 30, "a backlog takes no more"
            return [each for name, _, rest in steps for each in self._obey(name, rest)]
        if word.lower() in {"nodelay", "delay"}:
            return []
        self.obeyed.append((word, text))
        name, number = _split(word)
        act = getattr(self, f"_do_{name}", None)
        return act(number, text) if act is not None else [self._stat("RESULT", {"Command": "Unknown"})]

    def _do_power(self, number: int | None, text: str) -> list[Publication]:
        place = (number or 1) - 1
        if text.upper() == "BLINK":
            self.blinks += 1
        elif text:
            self.power[place] = not self.power[place] if text.upper() == "TOGGLE" else text.upper() in {"ON", "1"}
        name = self._power_name(place)
        word = "ON" if self.power[place] else "OFF"
        body = self._light_says() if self.config["rl"][place] == 2 else {name: word}
        return [self._stat("RESULT", body), self._stat(name, word)]

    def _do_dimmer(self, _number: int | None, text: str) -> list[Publication]:
        self.light["Dimmer"] = int(text)
        return self._lit()

    def _do_ct(self, _number: int | None, text: str) -> list[Publication]:
        self.light |= {"CT": int(text), "White": self.light["Dimmer"]}
        return self._lit()

    def _do_hsbcolor(self, number: int | None, text: str) -> list[Publication]:
        self.light[{1: "Hue", 2: "Sat"}[number or 1]] = int(text)
        self.light["White"] = 0
        return self._lit()

    def _do_white(self, _number: int | None, text: str) -> list[Publication]:
        self.light |= {"White": int(text), "Dimmer": int(text)}
        return self._lit()

    def _do_scheme(self, _number: int | None, text: str) -> list[Publication]:
        self.light["Scheme"] = int(text)
        return self._lit()

    def _do_fade(self, _number: int | None, text: str) -> list[Publication]:
        return [self._stat("RESULT", {"Fade2": text})]

    def _do_speed(self, _number: int | None, text: str) -> list[Publication]:
        return [self._stat("RESULT", {"Speed2": int(text)})]

    def _do_fanspeed(self, _number: int | None, text: str) -> list[Publication]:
        self.fan_speed = int(text)
        return [self._stat("RESULT", {"FanSpeed": self.fan_speed})]

    def _do_shutteropen(self, number: int | None, _text: str) -> list[Publication]:
        return self._move(number, 100)

    def _do_shutterclose(self, number: int | None, _text: str) -> list[Publication]:
        return self._move(number, 0)

    def _do_shutterposition(self, number: int | None, text: str) -> list[Publication]:
        return self._move(number, int(text))

    def _do_shutterstop(self, number: int | None, _text: str) -> list[Publication]:
        return self._move(number, self.shutters[(number or 1) - 1])

    def _do_ledpower(self, _number: int | None, text: str) -> list[Publication]:
        self.led_state = 0
        self.blinks += text == "1"
        return [self._stat("RESULT", {"LedPower1": "ON" if text == "1" else "OFF"})]

    def _do_ledstate(self, _number: int | None, text: str) -> list[Publication]:
        self.led_state = int(text)
        return [self._stat("RESULT", {"LedState": self.led_state})]

    def _do_restart(self, _number: int | None, _text: str) -> list[Publication]:
        self.restarts += 1
        return [self._stat("RESULT", {"Restart": "Restarting"})]

    def _do_state(self, _number: int | None, _text: str) -> list[Publication]:
        return [self._stat("RESULT", self._sts())]

    def _do_status(self, _number: int | None, text: str) -> list[Publication]:
        if text in {"8", "10"}:
            return [self._stat(f"STATUS{text}", {"StatusSNS": self._sns()})]
        if text == "11":
            return [self._stat("STATUS11", {"StatusSTS": self._sts()})]
        return [self._stat("STATUS", {"Status": {"Module": 0, "LedState": self.led_state}})]

    def _lit(self) -> list[Publication]:
        """A level turns the light on, unless SetOption20 says otherwise."""
        if not self.config["so"]["20"]:
            self.power[self.config["rl"].index(2)] = True
        return [self._stat("RESULT", self._light_says())]

    def _move(self, number: int | None, target: int) -> list[Publication]:
        place = (number or 1) - 1
        direction = (target > self.shutters[place]) - (target < self.shutters[place])
        moving = self._shutter_says(place, direction, target)
        self.shutters[place] = target
        return [self._stat("RESULT", moving), self._stat("RESULT", self._shutter_says(place, 0, target))]

    # What it says.

    def _power_name(self, place: int) -> str:
        return "POWER" if sum(kind in {1, 2} for kind in self.config["rl"]) == 1 else f"POWER{place + 1}"

    def _shutter_says(self, place: int, direction: int, target: int) -> dict[str, Any]:
        return {
            f"Shutter{place + 1}": {
                "Position": self.shutters[place],
                "Direction": direction,
                "Target": target,
                "Tilt": 0,
            }
        }

    def _light_says(self) -> dict[str, Any]:
        kind, light = self.config["lt_st"], self.light
        place = self.config["rl"].index(2)
        said: dict[str, Any] = {
            self._power_name(place): "ON" if self.power[place] else "OFF",
            "Dimmer": light["Dimmer"],
        }
        if kind >= 3:
            channels = colorsys.hsv_to_rgb(light["Hue"] / 360, light["Sat"] / 100, light["Dimmer"] / 100)
            said["Color"] = "".join(f"{round(channel * 255):02X}" for channel in channels)
            said["HSBColor"] = f"{light['Hue']},{light['Sat']},{light['Dimmer']}"
            said["Scheme"] = light["Scheme"]
        if kind >= 4:
            said["White"] = light["White"]
        if kind in {2, 5}:
            said["CT"] = light["CT"]
        return said

    def _sts(self) -> dict[str, Any]:
        said: dict[str, Any] = {
            "Time": "2026-01-01T00:00:00",
            "Uptime": "0T01:00:00",
            "UptimeSec": 3600,
            "MqttCount": 1,
        }
        said |= {
            self._power_name(place): "ON" if self.power[place] else "OFF"
            for place, kind in enumerate(self.config["rl"])
            if kind in {1, 2}
        }
        if 2 in self.config["rl"]:
            said |= self._light_says()
        if self.config["if"]:
            said["FanSpeed"] = self.fan_speed
        return {**said, "Wifi": {"AP": 1, "RSSI": 76, "Signal": -62}}

    def _sns(self) -> dict[str, Any]:
        said: dict[str, Any] = {"Time": "2026-01-01T00:00:00", **self.sensors}
        for place in range(len(self.shutters)):
            said |= self._shutter_says(place, 0, self.shutters[place])
        return said


def _split(word: str) -> tuple[str, int | None]:
    """ "ShutterOpen1": its name in small letters, and its number."""
    name = word.rstrip("0123456789")
    return name.lower(), int(word[len(name) :]) if len(name) < len(word) else None
