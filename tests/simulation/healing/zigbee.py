"""A Zigbee2MQTT with its devices: what it says of itself and of them, and what of that is true."""

from __future__ import annotations

import copy
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.fakes.home.peer import parse_object, read_json
from tests.simulation.healing.things import Json, Thing, dumped

if TYPE_CHECKING:
    from tests.simulation.healing.home import Home

MODELS = {
    "lamp": "0x04cd15fffe0d0ebd",
    "white": "0x04cd15fffeddccd4",
    "plug": "0x54ef44100086d51f",
    "motion": "0x00158d0007e778c1",
    "contact": "0x00158d00091e7bd6",
    "climate": "0x00158d000945f2b1",
    "air": "0xa4c1381b458a63b3",
    "leak": "0x00158d00094d5a84",
}
COORDINATOR = "0x00124b0025e1f196"
BATTERY = frozenset({"motion", "contact", "climate", "leak"})
ANSWER_S = 0.04
ACTIVE_AFTER = timedelta(minutes=10)
PASSIVE_AFTER = timedelta(hours=25)
_ENTRIES: dict[str, Json] = {}
_STATES: dict[str, Json] = {}


def _recorded() -> tuple[dict[str, Json], dict[str, Json]]:
    if not _ENTRIES:
        _ENTRIES.update({entry["ieee_address"]: entry for entry in read_json("zigbee2mqtt_devices.json")})
        _STATES.update(read_json("zigbee2mqtt_states.json"))
    return _ENTRIES, _STATES


class Bridge(Thing):
    """A program on a computer with a stick. `condition` hung: its radio answers nothing, until the program is started anew;
    broken: the program is gone, or the stick.
    """

    def __init__(self, home: Home, base: str, *, tells_availability: bool = True) -> None:
        super().__init__(home, base)
        self.base = base
        self.address = f"{COORDINATOR[:14]}{sum(map(ord, base)):04x}"
        self.topics = (f"{base}/+/set", f"{base}/+/get", f"{base}/bridge/request/#")
        self.tells_availability = tells_availability
        self.members: dict[str, ZigbeeThing] = {}
        self.is_stuck = self.stays_stuck = False
        self.restarts = 0
        self._is_online: dict[str, bool] = {}
        home.stage.broker.join(self)

    @property
    def runs(self) -> bool:
        return self.is_well

    @property
    def hears(self) -> bool:
        return self.runs and not self.is_stuck

    def begin(self) -> None:
        self.start()

    def start(self) -> None:
        """The program has come up: lists, what it remembers of each, and who is there as far as it knows."""
        entries, _ = _recorded()
        self._say("bridge/state", {"state": "online"}, retain=True)
        self._say("bridge/info", _info(self), retain=True)
        coordinator = entries[COORDINATOR] | {"ieee_address": self.address}
        self._say("bridge/devices", [coordinator, *(each.entry for each in self.members.values())], retain=True)
        self._say("bridge/groups", [], retain=True)
        for each in self.members.values():
            if each.heard_at is not None:
                self._say(each.name, each.state)
            if self.tells_availability:
                self._tell(each, is_online=self._is_online.get(each.name, True), anew=True)
                self.stage.after(each.chance.uniform(60, 660), self.check, each)

    def stop(self) -> None:
        """It ends; its will says so at once."""
        self.stage.broker.publish(f"{self.base}/bridge/state", dumped({"state": "offline"}), retain=True)

    def fall(self, condition: str) -> None:
        self.condition = condition
        if condition == "broken":
            self.stop()

    def repair(self) -> None:
        self.condition, self.is_stuck = "well", False
        self.start()

    def booted(self) -> None:
        self.is_stuck = self.stays_stuck
        self.start()

    def power_lost(self) -> None:
        self.stage.after(80, self._tell_will)

    def _tell_will(self) -> None:
        if not self.has_power:
            self.stop()

    def broker_is_back(self) -> None:
        if self.runs:
            self.stage.after(self.chance.uniform(2, 6), self.start)

    # Its devices.

    def heard(self, thing: ZigbeeThing, changes: Json) -> None:
        if not self.hears:
            return
        thing.heard_at = self.stage.now
        thing.state.update(changes)
        self._say(thing.name, thing.state)
        for name in thing.passing:
            thing.state.pop(name, None)
        if self.tells_availability:
            self._tell(thing, is_online=True)

    def check(self, thing: ZigbeeThing) -> None:
        """Who was not heard for long is pinged; who sleeps is given a day."""
        patience = PASSIVE_AFTER if thing.is_battery else ACTIVE_AFTER
        since = self.stage.now - (thing.heard_at or self.stage.now)
        if since < patience:
            self.stage.at(self.stage.now + (patience - since), self.check, thing)
            return
        self.stage.after(patience.total_seconds(), self.check, thing)
        if not self.runs:
            return
        if not thing.is_battery and self.hears and thing.is_in_reach:
            thing.heard_at = self.stage.now
            self._tell(thing, is_online=True)
        else:
            self._tell(thing, is_online=False)

    def _tell(self, thing: ZigbeeThing, *, is_online: bool, anew: bool = False) -> None:
        if anew or self._is_online.get(thing.name) != is_online:
            self._is_online[thing.name] = is_online
            self._say(f"{thing.name}/availability", {"state": "online" if is_online else "offline"}, retain=True)

    def _say(self, below: str, body: Any, *, retain: bool = False) -> None:
        self.stage.broker.publish(f"{self.base}/{below}", dumped(body), retain=retain)

    # What it is told.

    def hear(self, topic: str, payload: bytes) -> None:
        if not self.runs:
            return
        below = topic.removeprefix(f"{self.base}/")
        if below.startswith("bridge/request/"):
            self._request(below.removeprefix("bridge/request/"), payload)
            return
        name, _, verb = below.rpartition("/")
        thing = self.members.get(name)
        if thing is None:
            return
        if not self.hears or not thing.is_in_reach or thing.is_battery:
            self.stage.after(9, self._fail, thing, verb)
        elif verb == "set":
            thing.take(parse_object(payload))
        else:
            thing.ask()

    def _fail(self, thing: ZigbeeThing, verb: str) -> None:
        text = f"z2m: Publish '{verb}' 'state' to '{thing.name}' failed: 'Error: ZCL command {thing.address}/1 genOnOff failed (timeout)'"
        self._say("bridge/logging", {"level": "error", "message": text, "namespace": "z2m"})

    def _request(self, what: str, payload: bytes) -> None:
        body = parse_object(payload)
        answer: Json = {"status": "ok", "data": {}}
        if "transaction" in body:
            answer["transaction"] = body["transaction"]
        if what == "restart":
            self.restarts += 1
            self.stage.after(1.0, self.stop)
            self.stage.after(self.chance.uniform(12, 25), self._restarted)
        elif what == "device/configure":
            thing = next((each for each in self.members.values() if each.address == body.get("id")), None)
            if thing is None or not self.hears or not thing.is_in_reach:
                answer |= {"status": "error", "error": f"Failed to configure {body.get('id')}"}
            else:
                thing.configure()
                answer["data"] = {"id": body.get("id")}
        elif what != "health_check":
            answer |= {"status": "error", "error": f"{what} is not simulated"}
        self._say(f"bridge/response/{what}", answer)

    def _restarted(self) -> None:
        if self.has_power and self.condition == "well":
            self.is_stuck = self.stays_stuck
            self.start()


class ZigbeeThing(Thing):
    """`router`: through which it speaks. `is_configured`: without, it says nothing by itself. `has_left`: the network."""

    def __init__(self, home: Home, bridge: Bridge, name: str, model: str) -> None:
        super().__init__(home, name)
        entries, states = _recorded()
        number = len(home.things)
        self.bridge, self.model = bridge, model
        self.entry = copy.deepcopy(entries[MODELS[model]])
        self.address = f"0x00ff00000000{number:04x}"
        self.entry |= {"ieee_address": self.address, "friendly_name": name, "network_address": 1000 + number}
        self.state = {key: value for key, value in states.get(MODELS[model], {}).items() if key != "last_seen"}
        self.is_battery = model in BATTERY
        self.router: ZigbeeThing | None = None
        self.is_configured = True
        self.has_left = False
        self.is_stuck_value = False
        self.link = self.chance.randint(110, 230)
        self.passing: tuple[str, ...] = ()
        self.heard_at: datetime | None = None
        self.battery = float(self.chance.randint(55, 100))
        self.drain_per_day = self.chance.uniform(0.02, 0.08)
        self._begun_at = self.stage.now
        self.rhythm_s = RHYTHMS[model]
        bridge.members[name] = self

    @property
    def is_in_reach(self) -> bool:
        """Over the air, as far as it and its way are concerned."""
        way = self.router is None or (self.router.has_power and not self.router.has_left)
        return self.has_power and not self.has_left and way and self.condition in {"well", "dozing", "frozen"}

    def begin(self) -> None:
        if self.model in {"lamp", "white", "plug"}:
            self.is_on = self.state.get("state") == "ON" or bool(self.feeds)
            self.state["state"] = "ON" if self.is_on else "OFF"
        self.stage.after(self.chance.uniform(1, 30), self.observe)
        super().begin()

    def say(self, changes: Json) -> None:
        if self.is_in_reach and self.condition == "well":
            link = max(0, min(255, self.link + self.chance.randint(-8, 8)))
            self.bridge.heard(self, {**changes, "linkquality": link})

    def observe(self) -> None:
        if self.is_configured:
            self.say(self.measured())

    def measured(self) -> Json:
        hour = self.stage.now.hour + self.stage.now.minute / 60
        warmth = 20.0 + 1.5 * (1 - abs(hour - 15) / 12)
        body: Json = {}
        if self.is_battery:
            days = (self.stage.now - self._begun_at).total_seconds() / 86400
            left = max(0.0, self.battery - self.drain_per_day * days)
            body |= {"battery": round(left), "voltage": round(2500 + 5 * left)}
        if self.is_stuck_value:
            return {**body, **{key: self.state[key] for key in ("temperature", "humidity") if key in self.state}}
        if self.model in {"climate", "air"}:
            body |= {
                "temperature": round(warmth + self.chance.uniform(-0.2, 0.2), 2),
                "humidity": round(45 + self.chance.uniform(-3, 3), 2),
            }
        if self.model == "air":
            body["co2"] = round(500 + self.chance.uniform(-60, 260))
        if self.model == "plug":
            power = round(self.chance.uniform(2, 5), 1) if self.is_on and self.feeds else 0.0
            body |= {
                "power": power,
                "current": round(power / 230, 2),
                "device_temperature": self.chance.randint(24, 30),
            }
        if self.model == "motion":
            body |= {"illuminance": self.chance.randint(5, 400)}
        return body

    # What it is told, and what happens to it.

    def take(self, wanted: Json) -> None:
        if self.condition != "well":
            return
        if self.loses_commands:
            self.loses_commands -= 1
            return
        changes = {key: value for key, value in wanted.items() if key in self.state and key != "transition"}
        if not self.acts_on_commands:
            return
        if "state" in changes and changes["state"] in {"ON", "OFF"}:
            self.switch(is_on=changes["state"] == "ON")
        self.stage.after(ANSWER_S, self.say, changes)

    def ask(self) -> None:
        if self.condition == "dozing":
            self.condition = "well"
        self.stage.after(ANSWER_S, self.say, self.measured())

    def configure(self) -> None:
        self.is_configured = True
        if self.condition == "dozing":
            self.condition = "well"
        self.stage.after(ANSWER_S, self.say, self.measured())

    def booted(self) -> None:
        self.is_configured = True
        if self.model in {"lamp", "white"}:
            self.is_on = True  # as lamps do that get their power back
            self.state["state"] = "ON"
        self.stage.after(self.chance.uniform(1, 5), self.say, self.measured())

    def use(self, changes: Json, *, passing: tuple[str, ...] = ()) -> None:
        """Somebody uses it by hand, or passes by."""
        self.passing = passing
        if "state" in changes:
            self.switch(is_on=changes["state"] == "ON")
        self.say(changes)


# How often each says something by itself, in seconds.
RHYTHMS: dict[str, tuple[float, float] | None] = {
    "lamp": (2400, 3600),
    "white": (2400, 3600),
    "plug": (270, 330),
    "motion": (2900, 3100),
    "contact": (2900, 3100),
    "climate": (900, 3000),
    "air": (240, 420),
    "leak": (2900, 3100),
}


def _info(bridge: Bridge) -> Json:
    info: Json = copy.deepcopy(read_json("zigbee2mqtt_info.json"))
    info["coordinator"]["ieee_address"] = bridge.address
    info["config"]["groups"] = {}
    info["config"]["devices"] = {each.address: {"friendly_name": each.name} for each in bridge.members.values()}
    return info
