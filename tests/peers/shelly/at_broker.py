"""Shellys at a broker, simulated by us from what real ones have said; one client of the broker each.

Written from the documentation of MQTT of both generations. No client of others judges them: those that speak MQTT to Shellys are programs
that cannot be had as a library. What a later generation answers is what the simulator of its link answers, which aioshelly judges.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from hub_agent.model.report import Publication
from tests.fakes.home.peer import say

GEN1_LISTS = {"relay": "relays", "light": "lights", "roller": "rollers"}


class ShellyAtBroker:
    """A later generation. `prefix`: as from the factory, its id."""

    def __init__(self, recorded: dict[str, Any], prefix: str | None = None) -> None:
        self.recorded = json.loads(json.dumps(recorded))
        self.id = self.recorded["shelly"]["id"]
        self.prefix = prefix or self.id
        self.name = f"shelly-{self.id}"
        self.calls: list[tuple[str, dict[str, Any]]] = []

    @property
    def will(self) -> Publication:
        return say(f"{self.prefix}/online", "false", retain=True)

    @property
    def subscriptions(self) -> Sequence[str]:
        return (f"{self.prefix}/rpc", f"{self.prefix}/command")

    def start(self, now: datetime) -> list[Publication]:
        del now
        full = {**self.recorded["status"], "ts": 1.0}
        return [say(f"{self.prefix}/online", "true", retain=True), self._event("NotifyFullStatus", full)]

    def handle(self, topic: str, payload: bytes, now: datetime) -> list[Publication]:
        del now
        if not topic.endswith("/rpc"):
            return []
        body = json.loads(payload)
        self.calls.append((body["method"], body["params"]))
        head = {"id": body["id"], "src": self.id, "dst": body["src"]}
        answered, changes = self._answer(body["method"], body["params"])
        return [*changes, say(f"{body['src']}/rpc", {**head, **answered})]

    def get_timer(self) -> datetime | None:
        return None

    def handle_timer(self, now: datetime) -> list[Publication]:
        del now
        return []

    def change(self, component: str, **changes: Any) -> Publication:
        """By itself, or because it was told to."""
        self.recorded["status"][component].update(changes)
        return self._event("NotifyStatus", {"ts": 1.0, component: {"id": int(component.partition(":")[2]), **changes}})

    def _event(self, method: str, params: dict[str, Any]) -> Publication:
        head = {"src": self.id, "dst": f"{self.prefix}/events", "method": method, "params": params}
        return say(f"{self.prefix}/events/rpc", head)

    def _answer(self, method: str, params: dict[str, Any]) -> tuple[dict[str, Any], list[Publication]]:
        match method:
            case "Shelly.GetDeviceInfo":
                return {"result": self.recorded["shelly"]}, []
            case "Shelly.GetConfig":
                return {"result": self.recorded["settings"]}, []
            case "Shelly.GetStatus":
                return {"result": self.recorded["status"]}, []
            case "Shelly.GetComponents":
                components = self.recorded["components"]
                page = components[params["offset"] : params["offset"] + 5]
                return {"result": {"components": page, "offset": params["offset"], "total": len(components)}}, []
            case "Switch.Set":
                power = 12.5 if params["on"] else 0.0
                said = self.change(f"switch:{params['id']}", output=params["on"], apower=power, source="MQTT")
                return {"result": {"was_on": not params["on"]}}, [said]
            case "Cover.GoToPosition" if self.recorded["status"]["cover:0"]["pos_control"]:
                return {"result": None}, [self.change("cover:0", state="open", current_pos=params["pos"])]
            case "Cover.GoToPosition":
                return {"error": {"code": -106, "message": "Cover is not calibrated!"}}, []
        return {"error": {"code": 404, "message": f"No handler for {method}"}}, []


class FirstShellyAtBroker:
    """The first generation. `says_info`: firmware from 1.8 on."""

    def __init__(self, name: str, recorded: dict[str, Any], *, says_info: bool = True) -> None:
        self.id = name
        self.recorded = json.loads(json.dumps(recorded))
        self.name = f"shelly-{name}"
        self.says_info = says_info
        self.told: list[tuple[str, str]] = []

    @property
    def will(self) -> Publication:
        return say(self._topic("online"), "false", retain=True)

    @property
    def subscriptions(self) -> Sequence[str]:
        return ("shellies/command", self._topic("command"), self._topic("+/+/command"), self._topic("+/+/command/pos"), self._topic("+/+/set"))  # fmt: skip

    def start(self, now: datetime) -> list[Publication]:
        del now
        return [say(self._topic("online"), "true", retain=True), *self._announce(), *self._values()]

    def handle(self, topic: str, payload: bytes, now: datetime) -> list[Publication]:
        del now
        leaf, word = topic.removeprefix(self._topic("")), payload.decode()
        if topic == "shellies/command" or leaf == "command":
            return {"announce": self._announce, "update": self._values}.get(word, list)()
        self.told.append((leaf, word))
        kind, number, *_ = leaf.split("/")
        channel = self.recorded["status"][GEN1_LISTS[kind]][int(number)]
        if leaf.endswith("/set"):
            body = json.loads(word)
            channel |= {name: value for name, value in body.items() if name in channel} | {"ison": body["turn"] == "on"}
        elif word in {"on", "off"}:
            channel["ison"] = word == "on"
        return self._values()

    def get_timer(self) -> datetime | None:
        return None

    def handle_timer(self, now: datetime) -> list[Publication]:
        del now
        return []

    def _topic(self, leaf: str) -> str:
        return f"shellies/{self.id}/{leaf}"

    def _announce(self) -> list[Publication]:
        info = self.recorded["shelly"]
        body = {"id": self.id, "model": info["type"], "mac": info["mac"], "ip": "127.0.0.9", "new_fw": False, "fw_ver": info["fw"]}  # fmt: skip
        body |= {"mode": info["mode"]} if "mode" in info else {}
        said = [say("shellies/announce", body), say(self._topic("announce"), body)]
        return [*said, say(self._topic("info"), self.recorded["status"])] if self.says_info else said

    def _values(self) -> list[Publication]:
        status = self.recorded["status"]
        said: list[Publication] = []
        for number, relay in enumerate(status.get("relays", [])):
            said.append(say(self._topic(f"relay/{number}"), "on" if relay["ison"] else "off"))
        for number, light in enumerate(status.get("lights", [])):
            said += [
                say(self._topic(f"light/{number}"), "on" if light["ison"] else "off"),
                say(self._topic(f"light/{number}/status"), light),
            ]
        kind = "light" if status.get("lights") else "relay"
        for number, meter in enumerate(status.get("meters", [])):
            said += [
                say(self._topic(f"{kind}/{number}/power"), str(meter["power"])),
                say(self._topic(f"{kind}/{number}/energy"), str(meter["total"])),
            ]
        return said
