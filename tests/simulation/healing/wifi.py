"""Devices that are clients of the broker themselves: Shelly, Tasmota, ESPHome (as it announces itself to Home Assistant)."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tests.fakes.home.peer import parse_object
from tests.simulation.healing.things import Json, WifiThing, dumped

if TYPE_CHECKING:
    from tests.simulation.healing.home import Home

DATA = Path(__file__).parent.parent.parent / "recorded" / "data"


class Shelly(WifiThing):
    """A relay that measures, of the second generation. What it feeds draws power while it is on; without a load it says nothing by itself."""

    rhythm_s = (58, 62)

    def __init__(self, home: Home, name: str, *, load_w: float = 0.0) -> None:
        super().__init__(home, name)
        self.load_w = load_w
        mac = f"AABBCC00{len(home.things):04X}"
        recorded = json.loads(_shelly().replace("441793D69718", mac).replace("441793d69718", mac.lower()))
        self.info: Json = recorded["shelly"] | {"name": name}
        self.settings: Json = recorded["settings"]
        self.settings["sys"]["device"]["name"] = name
        self.status: Json = recorded["status"]
        self.prefix = str(self.info["id"])
        self.topics = (f"{self.prefix}/rpc", f"{self.prefix}/command")
        self.online = (f"{self.prefix}/online", b"true", b"false")
        self.is_on = load_w > 0
        self.relay["output"] = self.is_on

    @property
    def relay(self) -> Json:
        relay: Json = self.status["switch:0"]
        return relay

    def observe(self) -> None:
        if not (self.is_on and self.load_w):
            return
        watts = round(self.load_w * self.chance.uniform(0.96, 1.04), 1)
        self.relay["aenergy"]["total"] = round(self.relay["aenergy"]["total"] + watts / 60, 3)
        self.relay["apower"] = watts
        self._notify({"id": 0, "apower": watts, "aenergy": self.relay["aenergy"]})

    def _notify(self, changed: Json) -> None:
        params = {"ts": self.stage.now.timestamp(), "switch:0": changed}
        body = {"src": self.prefix, "dst": f"{self.prefix}/events", "method": "NotifyStatus", "params": params}
        self.say(f"{self.prefix}/events/rpc", body)

    def hear(self, topic: str, payload: bytes) -> None:
        if not (self.is_reachable and self.is_in_session) or topic.endswith("/command"):
            return
        request = parse_object(payload)
        method, params = request.get("method"), request.get("params") or {}
        if method == "Shelly.Reboot":
            self._answer(request, {})
            self.reboot()
            return
        if self.condition == "frozen" or (self.condition == "dozing" and method != "Shelly.GetStatus"):
            return
        if self.condition == "dozing":
            self.condition = "well"
        if method == "Switch.Set":
            self._set(request, is_on=bool(params.get("on")))
        else:
            self._answer(request, self._told(str(method)))

    def _told(self, method: str) -> Json:
        answers: dict[str, Json] = {
            "Shelly.GetDeviceInfo": self.info,
            "Shelly.GetConfig": self.settings,
            "Shelly.GetStatus": self.status,
            "Shelly.GetComponents": {"components": [], "total": 0},
        }
        return answers.get(method, {})

    def _set(self, request: Json, *, is_on: bool) -> None:
        if self.loses_commands:
            self.loses_commands -= 1
            return
        self._answer(request, {"was_on": self.is_on})
        if self.acts_on_commands:
            self.turn(is_on=is_on)

    def turn(self, *, is_on: bool) -> None:
        self.switch(is_on=is_on)
        self.relay["output"] = is_on
        self._notify({"id": 0, "output": is_on, "apower": self.load_w if is_on else 0.0, "source": "MQTT"})

    def _answer(self, request: Json, result: Json) -> None:
        if request.get("src"):
            body = {"id": request.get("id"), "src": self.prefix, "dst": request["src"], "result": result}
            self.say(f"{request['src']}/rpc", body)


class Tasmota(WifiThing):
    """A switch; it tells all of its state every five minutes."""

    rhythm_s = (299, 301)
    keep_alive_s = 30.0

    def __init__(self, home: Home, name: str) -> None:
        super().__init__(home, name)
        mac = f"AABBCD00{len(home.things):04X}"
        self.base = f"tasmota_{mac[6:]}"
        self.topics = (f"cmnd/{self.base}/#",)
        self.online = (f"tele/{self.base}/LWT", b"Online", b"Offline")
        self.mac, self.signal = mac, self.chance.randint(-70, -50)

    def announce(self) -> None:
        setup = _tasmota() | {
            "ip": f"192.168.15.{len(self.home.things)}",
            "dn": self.name,
            "fn": [self.name, *[None] * 7],
            "hn": self.base,
            "mac": self.mac,
            "t": self.base,
            "ft": "%prefix%/%topic%/",
            "rl": [1, *[0] * 7],
            "so": {**_tasmota()["so"], "30": 0},
        }
        self.say(f"tasmota/discovery/{self.mac}/config", setup, retain=True)
        self.observe()

    def observe(self) -> None:
        self.say(f"tele/{self.base}/STATE", self._state())

    def _state(self) -> Json:
        return {
            "Time": self.stage.now.isoformat(),
            "UptimeSec": 1000,
            "POWER": "ON" if self.is_on else "OFF",
            "Wifi": {"AP": 1, "RSSI": 100 + self.signal, "Signal": self.signal + self.chance.randint(-2, 2)},
        }

    def hear(self, topic: str, payload: bytes) -> None:
        if not (self.is_reachable and self.is_in_session):
            return
        word = topic.rpartition("/")[2].upper()
        if word == "RESTART":
            self.reboot()
            return
        if self.condition == "frozen" or (self.condition == "dozing" and word != "STATE"):
            return
        if word == "STATE":
            self.condition = "well"
            self.say(f"stat/{self.base}/RESULT", self._state())
        elif word.startswith("POWER"):
            if self.loses_commands:
                self.loses_commands -= 1
            elif self.acts_on_commands:
                self.turn(is_on=payload.upper() == b"ON")

    def turn(self, *, is_on: bool) -> None:
        self.switch(is_on=is_on)
        self.say(f"stat/{self.base}/RESULT", {"POWER": "ON" if is_on else "OFF"})
        self.say(f"stat/{self.base}/POWER", b"ON" if is_on else b"OFF")


class EspHome(WifiThing):
    """A sensor with a relay."""

    rhythm_s = (58, 62)
    keep_alive_s = 15.0

    def __init__(self, home: Home, name: str) -> None:
        super().__init__(home, name)
        self.node = name.lower().replace(" ", "-")
        self.topics = (f"{self.node}/#",)
        self.online = (f"{self.node}/status", b"online", b"offline")
        self.is_stuck_value = False
        self.value = 19.0
        self.impossible: float | None = None

    def announce(self) -> None:
        number = f"aabbce{len(self.name):02x}{sum(map(ord, self.name)):04x}"
        device = {"ids": number, "name": self.name, "sw": "esphome v2026.1.0", "mdl": "esp32dev", "mf": "espressif"}
        common = {"avty_t": f"{self.node}/status", "dev": device}
        self._tell(
            "sensor",
            "temperature",
            common | {"dev_cla": "temperature", "unit_of_meas": "°C", "stat_cla": "measurement"},
        )
        self._tell("switch", "relay", common | {"cmd_t": f"{self.node}/switch/relay/command"})
        self._tell(
            "button",
            "restart",
            common | {"cmd_t": f"{self.node}/button/restart/command", "dev_cla": "restart"},
            has_state=False,
        )
        self.say(f"{self.node}/switch/relay/state", b"ON" if self.is_on else b"OFF", retain=True)

    def _tell(self, domain: str, what: str, body: Json, *, has_state: bool = True) -> None:
        uniq = {"name": what.title(), "uniq_id": f"{self.node}{domain}{what}"}
        state = {"stat_t": f"{self.node}/{domain}/{what}/state"} if has_state else {}
        self.say(f"homeassistant/{domain}/{self.node}/{what}/config", {**uniq, **state, **body}, retain=True)

    def observe(self) -> None:
        if not self.is_stuck_value:
            self.value = round(min(24.0, max(16.0, self.value + self.chance.uniform(-0.2, 0.2))), 2)
        said = self.value if self.impossible is None else self.impossible
        self.say(f"{self.node}/sensor/temperature/state", str(said).encode())

    def hear(self, topic: str, payload: bytes) -> None:
        if not (self.is_reachable and self.is_in_session) or not topic.endswith("/command"):
            return
        if "/restart/" in topic:
            self.reboot()
        elif self.is_well and self.acts_on_commands:
            if self.loses_commands:
                self.loses_commands -= 1
            else:
                self.turn(is_on=payload == b"ON")

    def turn(self, *, is_on: bool) -> None:
        self.switch(is_on=is_on)
        self.say(f"{self.node}/switch/relay/state", b"ON" if is_on else b"OFF", retain=True)


@cache
def _shelly() -> str:
    text = (DATA / "shelly" / "shellyplus1pm-441793D69718.json").read_text(encoding="utf-8")
    return dumped(json.loads(text)).decode()


@cache
def _tasmota() -> Json:
    listed = json.loads((DATA / "tasmota" / "ha_tests_discovery.json").read_text(encoding="utf-8"))
    setup: Json = listed["config"][0]["payload"]
    return setup
