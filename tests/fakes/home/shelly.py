"""Shelly devices of the second generation and later: JSON-RPC over MQTT, announced by the shellies-discovery script.

See https://shelly-api-docs.shelly.cloud/gen2/ComponentsAndServices/Mqtt for the topics.
"""

import json
import random
from collections.abc import Callable
from datetime import datetime, timedelta

from hub_agent.model.report import Publication
from tests.fakes.home.curves import indoor_temperature, presence
from tests.fakes.home.peer import Json, parse_object, read_lines, say

# The recorded messages carry placeholders for addresses.
PLACEHOLDERS = ("aabbccddeeff", "aa:bb:cc:dd:ee:ff", "ccddeeff0011", "cc:dd:ee:ff:00:11", "90:70:69:48:e2:50")


class Shelly:
    """One device. `components` are its status objects by key ("switch:0"), published as they change and on its rhythm."""

    recorded_as: str
    prefix: str
    mac: str
    label: str
    rhythm_s = (15.0, 30.0)

    def __init__(self, seed: int, pace: float = 1.0) -> None:
        self.name = f"{self.prefix}-{self.mac}"
        self.will = say(f"{self.name}/online", "false", retain=True, qos=1)
        self.subscriptions = (f"{self.name}/rpc", f"{self.name}/command")
        self.components: dict[str, Json] = {}
        self._rng = random.Random(f"{seed}/{self.name}")
        self._pace = pace
        self._started_at: datetime | None = None
        self._reports_at: datetime | None = None

    def start(self, now: datetime) -> list[Publication]:
        self._started_at = self._started_at or now
        self._reports_at = now + self._interval()
        return [*self._announced(), say(f"{self.name}/online", "true", retain=True), *self._all(now)]

    def handle(self, topic: str, payload: bytes, now: datetime) -> list[Publication]:
        if topic.endswith("/command"):
            return self._all(now) if payload == b"status_update" else []
        request = parse_object(payload)
        answer: Json = {"id": request.get("id"), "src": self.name, "dst": request.get("src")}
        parameters = request.get("params")
        changed = self.call(str(request.get("method")), parameters if isinstance(parameters, dict) else {}, now)
        if changed is None:
            answer["error"] = {"code": 404, "message": f"No handler for {request.get('method')}"}
            return self._answered(answer)
        answer["result"] = {}
        return [*self._answered(answer), *(self._status(key) for key in changed)]

    def get_timer(self) -> datetime | None:
        return self._reports_at

    def handle_timer(self, now: datetime) -> list[Publication]:
        if self._reports_at is None or now < self._reports_at:
            return []
        self._reports_at = now + self._interval()
        return [self._status(key) for key in self.observe(now)]

    # What the models differ in.

    def call(self, method: str, parameters: Json, now: datetime) -> list[str] | None:
        """Carries out an RPC and names the components that changed; None for what it does not know."""
        return None

    def observe(self, now: datetime) -> list[str]:
        return []

    # Below here nothing is for others.

    def _announced(self) -> list[Publication]:
        said = []
        for line in read_lines("shellies.jsonl"):
            if line["device"] != self.recorded_as:
                continue
            topic, text = str(line["topic"]), str(line["payload"])
            for placeholder in PLACEHOLDERS:
                mine = ":".join(self.mac[n : n + 2] for n in range(0, 12, 2)) if ":" in placeholder else self.mac
                topic, text = topic.replace(placeholder, mine), text.replace(placeholder, mine)
            body = json.loads(text)
            body["dev"]["name"] = self.label
            said.append(say(topic, body, retain=True))
        return said

    def _all(self, now: datetime) -> list[Publication]:
        return [say(f"{self.name}/status/rpc", self._summary(now)), *(self._status(key) for key in self.components)]

    def _summary(self, now: datetime) -> Json:
        uptime_s = int((now - self._started_at).total_seconds()) if self._started_at else 0
        version = "1.7.5"
        return {
            "mqtt": {"connected": True},
            "cloud": {"connected": False},
            "sys": {"mac": self.mac.upper(), "uptime": uptime_s, "installed_version": version, "available_updates": {}},
            "wifi": {"sta_ip": "192.168.68.78", "status": "got ip", "ssid": "Home", "rssi": -self._rng.randint(45, 75)},
        }

    def _status(self, key: str) -> Publication:
        return say(f"{self.name}/status/{key}", self.components[key])

    def _answered(self, answer: Json) -> list[Publication]:
        return [say(f"{answer['dst']}/rpc", answer)] if answer["dst"] else []

    def _interval(self) -> timedelta:
        return timedelta(seconds=self._rng.uniform(*self.rhythm_s) / self._pace)

    def _measure(self, key: str, power: float) -> None:
        """Power, and what follows from it."""
        component = self.components[key]
        voltage = round(self._rng.uniform(228, 236), 1)
        energy = component["aenergy"]["total"] + power * sum(self.rhythm_s) / 2 / 3600
        component |= {"apower": round(power, 1), "voltage": voltage, "current": round(power / voltage, 3)}
        component["aenergy"] = {"total": round(energy, 3)}


class OfficeRelay(Shelly):
    """A relay with a meter and a button on its input."""

    recorded_as, prefix, mac, label = "shelly_plus_1pm_scripts", "shellyplus1pm", "c45bbe000001", "Office"

    def __init__(self, seed: int, pace: float = 1.0) -> None:
        super().__init__(seed, pace)
        self.components["switch:0"] = {
            "id": 0,
            "source": "init",
            "output": False,
            "apower": 0.0,
            "voltage": 231.0,
            "current": 0.0,
            "aenergy": {"total": 66.0},
            "temperature": {"tC": 51.0, "tF": 123.8},
        }

    def call(self, method: str, parameters: Json, now: datetime) -> list[str] | None:
        relay = self.components["switch:0"]
        if method == "Switch.Set":
            relay |= {"output": bool(parameters.get("on")), "source": "MQTT"}
        elif method == "Switch.Toggle":
            relay |= {"output": not relay["output"], "source": "MQTT"}
        else:
            return None
        self._measure("switch:0", 38.0 if relay["output"] else 0.0)
        return ["switch:0"]

    def observe(self, now: datetime) -> list[str]:
        relay = self.components["switch:0"]
        self._measure("switch:0", self._rng.uniform(36, 40) if relay["output"] else 0.0)
        celsius = round(46 + self._rng.uniform(0, 2) + (6 if relay["output"] else 0), 1)
        relay["temperature"] = {"tC": celsius, "tF": round(celsius * 1.8 + 32, 1)}
        return ["switch:0"]


class Fridge(Shelly):
    """A meter without a switch; its compressor comes and goes."""

    recorded_as, prefix, mac, label = "shelly_plug_pm_gen3", "shellyplugpmg3", "c45bbe000002", "Fridge"
    rhythm_s = (8.0, 14.0)

    def __init__(self, seed: int, pace: float = 1.0) -> None:
        super().__init__(seed, pace)
        self._cools_for = 0
        self.components["pm1:0"] = {
            "id": 0,
            "apower": 1.2,
            "voltage": 231.0,
            "current": 0.005,
            "aenergy": {"total": 84230.5},
            "ret_aenergy": {"total": 0.0},
        }

    def observe(self, now: datetime) -> list[str]:
        if self._cools_for <= -4 and self._rng.random() < 0.4:
            self._cools_for = self._rng.randint(3, 7)
        self._cools_for -= 1
        self._measure("pm1:0", self._rng.uniform(82, 96) if self._cools_for > 0 else 1.2)
        return ["pm1:0"]


class ReadingLamp(Shelly):
    """A bulb with colours and whites."""

    recorded_as, prefix, mac, label = (
        "shelly_multicolor_bulb_gen3",
        "shellycolorblbg3",
        "c45bbe000003",
        "Reading Lamp",
    )
    rhythm_s = (30.0, 60.0)

    def __init__(self, seed: int, pace: float = 1.0) -> None:
        super().__init__(seed, pace)
        self.components["rgbcct:0"] = {
            "id": 0,
            "output": False,
            "brightness": 60,
            "mode": "cct",
            "ct": 3000,
            "rgb": [255, 180, 90],
            "apower": 0.0,
            "voltage": 231.0,
            "current": 0.0,
            "aenergy": {"total": 12.0},
        }

    def call(self, method: str, parameters: Json, now: datetime) -> list[str] | None:
        if method != "RGBCCT.Set":
            return None
        bulb = self.components["rgbcct:0"]
        if "on" in parameters:
            bulb["output"] = bool(parameters["on"])
        for key in ("brightness", "mode", "ct", "rgb"):
            if key in parameters:
                bulb[key] = parameters[key]
        return self.observe(now)

    def observe(self, now: datetime) -> list[str]:
        bulb = self.components["rgbcct:0"]
        self._measure("rgbcct:0", 9.0 * bulb["brightness"] / 100 if bulb["output"] else 0.0)
        return ["rgbcct:0"]


class CellarFlood(Shelly):
    """A flood sensor on a battery: it is awake only to speak, so it has no availability of its own."""

    recorded_as, prefix, mac, label = "shelly_flood_s_gen4", "shellyfloodsg4", "c45bbe000004", "Cellar Flood"
    rhythm_s = (60.0, 120.0)
    one_in = 25

    def __init__(self, seed: int, pace: float = 1.0) -> None:
        super().__init__(seed, pace)
        self.components["flood:0"] = {"id": 0, "alarm": False, "mute": False, "errors": []}
        self.components["devicepower:0"] = {"id": 0, "battery": {"V": 3.01, "percent": 97}}

    def observe(self, now: datetime) -> list[str]:
        flood = self.components["flood:0"]
        flood["alarm"] = not flood["alarm"] and self._rng.randrange(self.one_in) == 0
        return ["flood:0", "devicepower:0"]


class OfficeThermostat(Shelly):
    """A wall thermostat: what it measures and what it is told are components of their own."""

    recorded_as, prefix, mac, label = "linkedgo_st1820", "st1820", "c45bbe000005", "Office Thermostat"
    rhythm_s = (25.0, 50.0)

    def __init__(self, seed: int, pace: float = 1.0) -> None:
        super().__init__(seed, pace)
        self.components["number:200"] = {"value": 45.0}
        self.components["number:201"] = {"value": 20.5}
        self.components["number:202"] = {"value": 21.0}
        self.components["boolean:202"] = {"value": True}

    def call(self, method: str, parameters: Json, now: datetime) -> list[str] | None:
        kind = {"Number.Set": "number", "Boolean.Set": "boolean"}.get(method)
        key = f"{kind}:{parameters.get('id')}"
        if key not in ("number:202", "boolean:202"):
            return None
        value = parameters.get("value")
        self.components[key] = {"value": bool(value) if kind == "boolean" else float(value or 0)}
        return [key]

    def observe(self, now: datetime) -> list[str]:
        heats = self.components["boolean:202"]["value"]
        goal = self.components["number:202"]["value"] if heats else indoor_temperature(now, 18)
        here = self.components["number:201"]["value"]
        self.components["number:201"] = {"value": round(here + max(-0.3, min(0.3, goal - here)), 1)}
        self.components["number:200"] = {"value": round(40 + 10 * presence(now) + self._rng.uniform(-1, 1), 1)}
        return ["number:200", "number:201"]


SHELLIES: tuple[Callable[[int, float], Shelly], ...] = (OfficeRelay, Fridge, ReadingLamp, CellarFlood, OfficeThermostat)
