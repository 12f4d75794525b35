"""A Zigbee2MQTT with the devices of a home: its topics, its retained messages, its answers to requests."""

import random
from datetime import datetime

from hub_agent.model.report import Publication
from tests.fakes.home.faults import Faults
from tests.fakes.home.peer import Json, parse_object, read_json, say
from tests.fakes.home.zigbee_devices import (
    BathroomClimate,
    Blind,
    Build,
    Button,
    Contact,
    Lamp,
    Leak,
    MainsClimate,
    Motion,
    Plug,
    Thermostat,
    Washer,
    ZigbeeDevice,
)

BASE = "zigbee2mqtt"
FAILING_LAMP = "Hall Lamp"

# What stands behind each address of the recorded home, and how its people call it.
HOUSEHOLD: dict[str, tuple[str, Build]] = {
    "0x04cd15fffe0d0ebd": ("Living Room Lamp", Lamp),
    "0xa4c1388ad0ebb0a6": ("Bedroom Lamp", Lamp),
    "0x04cd15fffeddccd4": ("Kitchen Ceiling", Lamp),
    "0xa4c138363dff5c1d": (FAILING_LAMP, Lamp),
    "0x54ef44100086d51f": ("TV Plug", Plug),
    "0xdc8e95fffe3f2eed": ("Washing Machine Plug", Washer),
    "0x00124b0023b86d16": ("Hall Motion", Motion),
    "0x00158d0007e778c1": ("Living Room Motion", Motion),
    "0x00158d00091e7bd6": ("Front Door", Contact),
    "0x00158d000945f2b1": ("Bathroom Climate", BathroomClimate),
    "0xa4c1381b458a63b3": ("Bedroom Air", MainsClimate),
    "0x70ac08fffee6dd5e": ("Bedroom Blind", Blind),
    "0xa4c138f402dfba8a": ("Living Room Thermostat", Thermostat),
    "0x00158d0008066798": ("Bedside Button", Button),
    "0x00158d00094d5a84": ("Kitchen Leak", Leak),
}
# The home was recorded warm and with every sensor's first report still to come in one case.
FIRST_STATES: dict[str, Json] = {
    "Hall Motion": {"battery": 100, "battery_low": False, "voltage": 3000},
    "Living Room Thermostat": {"local_temperature": 19.5, "current_heating_setpoint": 21, "running_state": "heat"},
    "TV Plug": {"energy": 12.4},
}
NEVER_KEPT = ("occupancy", "action")
# Somebody asked the bridge to keep the newest report of these on the broker.
RETAINED = frozenset({"Front Door", "Bathroom Climate", "Kitchen Leak", "Bedroom Air"})
GROUP = {"id": 1, "friendly_name": "Downstairs Lights"}
GROUP_MEMBERS = ("Living Room Lamp", "Kitchen Ceiling")


class ZigbeeBridge:
    """See https://www.zigbee2mqtt.io/guide/usage/mqtt_topics_and_messages.html for each topic."""

    name = BASE
    will = say(f"{BASE}/bridge/state", {"state": "offline"}, retain=True, qos=1)
    subscriptions = (f"{BASE}/+/set", f"{BASE}/+/get", f"{BASE}/bridge/request/#", "homeassistant/status")

    def __init__(self, seed: int, pace: float = 1.0) -> None:
        self._coordinator, *entries = _entries()
        states = read_json("zigbee2mqtt_states.json")
        self.devices: dict[str, ZigbeeDevice] = {}
        for entry in entries:
            name, build = HOUSEHOLD[entry["ieee_address"]]
            state = {
                key: value for key, value in states.get(entry["ieee_address"], {}).items() if key not in NEVER_KEPT
            }
            rng = random.Random(f"{seed}/{name}")
            self.devices[name] = build(entry, state | FIRST_STATES.get(name, {}), rng, pace)
        self.faults = Faults(self.devices[FAILING_LAMP], random.Random(f"{seed}/faults"), pace)

    def start(self, now: datetime) -> list[Publication]:
        for device in self.devices.values():
            device.start(now)
        self.faults.start(now)
        return [
            say(f"{BASE}/bridge/state", {"state": "online"}, retain=True),
            say(f"{BASE}/bridge/info", self._info(), retain=True),
            say(f"{BASE}/bridge/devices", [self._coordinator, *(d.entry for d in self.devices.values())], retain=True),
            say(f"{BASE}/bridge/groups", [self._group()], retain=True),
            *(self._availability(name, is_online=True) for name in self.devices),
            say(f"{BASE}/{GROUP['friendly_name']}/availability", {"state": "online"}, retain=True),
        ]

    def handle(self, topic: str, payload: bytes, now: datetime) -> list[Publication]:
        if topic == "homeassistant/status":
            return [self._state(device.name, device.state) for device in self.devices.values()]
        path = topic.removeprefix(f"{BASE}/")
        if path.startswith("bridge/request/"):
            return self._request(path.removeprefix("bridge/request/"), payload, now)
        name, _, verb = path.rpartition("/")
        if name == GROUP["friendly_name"] and verb == "set":
            return self._set_group(parse_object(payload), now)
        device = self.devices.get(name)
        if device is None:
            return [_logged("error", f"Entity '{name}' is unknown")]
        taken = device.command(parse_object(payload), now) if verb == "set" else device.ask(now)
        self.faults.handle_recovery(now)
        return (
            [] if taken else [_logged("error", f"Publish '{verb}' to '{name}' failed: no answer from {device.address}")]
        )

    def get_timer(self) -> datetime | None:
        timers = [self.faults.get_timer(), *(device.get_timer() for device in self.devices.values())]
        return min((timer for timer in timers if timer is not None), default=None)

    def handle_timer(self, now: datetime) -> list[Publication]:
        said = []
        for device in self.devices.values():
            reports = device.handle_timer(now)
            said += [self._state(device.name, report) for report in reports]
            if reports and device.name in GROUP_MEMBERS:
                said.append(self._group_state())
        for is_online in self.faults.handle_timer(now):
            said.append(self._availability(self.faults.device.name, is_online=is_online))
        return said

    def _request(self, what: str, payload: bytes, now: datetime) -> list[Publication]:
        body = parse_object(payload) or {"id": payload.decode(errors="replace")}
        answer: Json = {"status": "ok", "data": {}}
        if "transaction" in body:
            answer["transaction"] = body["transaction"]
        said = []
        if what == "device/configure":
            device = self._find(str(body.get("id")))
            if device is not None and device.configure(now):
                self.faults.handle_recovery(now)
                answer["data"] = {"id": body["id"]}
                said = [self._availability(device.name, is_online=True)]
            else:
                why = "does not exist" if device is None else "does not answer (it sleeps)"
                answer |= {"status": "error", "error": f"Device '{body.get('id')}' {why}"}
        elif what == "health_check":
            answer["data"] = {"healthy": True}
        elif what == "permit_join":
            answer["data"] = {"time": body.get("time", 0)}
        else:
            answer |= {"status": "error", "error": f"'{what}' is not simulated"}
        return [*said, say(f"{BASE}/bridge/response/{what}", answer)]

    def _find(self, named: str) -> ZigbeeDevice | None:
        return self.devices.get(named) or next((d for d in self.devices.values() if d.address == named), None)

    def _set_group(self, wanted: Json, now: datetime) -> list[Publication]:
        for name in GROUP_MEMBERS:
            self.devices[name].command(wanted, now)
        return []

    def _group(self) -> Json:
        members = [{"ieee_address": self.devices[name].address, "endpoint": 1} for name in GROUP_MEMBERS]
        return {**GROUP, "members": members, "scenes": [], "description": None}

    def _group_state(self) -> Publication:
        lit = [self.devices[name].state for name in GROUP_MEMBERS if self.devices[name].state.get("state") == "ON"]
        body: Json = {"state": "ON" if lit else "OFF"}
        if lit:
            body["brightness"] = max(state.get("brightness", 254) for state in lit)
        return say(f"{BASE}/{GROUP['friendly_name']}", body)

    def _state(self, name: str, state: Json) -> Publication:
        return say(f"{BASE}/{name}", state, retain=name in RETAINED)

    def _availability(self, name: str, *, is_online: bool) -> Publication:
        return say(f"{BASE}/{name}/availability", {"state": "online" if is_online else "offline"}, retain=True)

    def _info(self) -> Json:
        info: Json = read_json("zigbee2mqtt_info.json")
        info["config"]["groups"] = {"1": {"friendly_name": GROUP["friendly_name"]}}
        info["config"]["devices"] = {
            device.address: {"friendly_name": name, **({"retain": True} if name in RETAINED else {})}
            for name, device in self.devices.items()
        }
        return info


def _entries() -> list[Json]:
    """The coordinator first, then the household, under the names its people gave."""
    recorded = read_json("zigbee2mqtt_devices.json")
    devices = [
        {**e, "friendly_name": HOUSEHOLD[e["ieee_address"]][0]} for e in recorded if e["ieee_address"] in HOUSEHOLD
    ]
    return [recorded[0], *devices]


def _logged(level: str, text: str) -> Publication:
    return say(f"{BASE}/bridge/logging", {"level": level, "message": f"z2m: {text}", "namespace": "z2m"})
