"""The home of the benchmarks: recorded Zigbee2MQTT models under new addresses, automations and a scene, all known to the mirror."""

import copy
import itertools
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import orjson

from hub_agent.core.hub import Hub
from hub_agent.drivers.registry import Dialects, default_drivers
from hub_agent.model.automation import Place
from hub_agent.model.definition import Definition
from hub_agent.model.effects import Effect, Outward, Persistent
from hub_agent.model.ids import HomeId
from hub_agent.model.inputs import DefinitionArrived
from hub_agent.model.report import MqttMessage
from hub_agent.ports import Moment
from hub_agent.store.store import Mirror

RECORDED = Path(__file__).parents[1] / "recorded/data/zigbee2mqtt/luligu_home/bridge_devices.json"
BASE = "zigbee2mqtt"

# Of ten devices: four lamps, two motion sensors, two climate sensors, a contact and a switch that measures.
MODELS = (
    ("Lamp", "GL-S-006P"),
    ("Motion", "SNZB-03"),
    ("Lamp", "RS 230 C"),
    ("Climate", "WSDCGQ11LM"),
    ("Lamp", "33943/33944/33946"),
    ("Contact", "MCCGQ11LM"),
    ("Lamp", "ZB-TD5-RCW-GU10"),
    ("Motion", "SNZB-03"),
    ("Switch", "DLKZMK11LM"),
    ("Climate", "WSDCGQ11LM"),
)
SCENE_LIGHTS = 50


@dataclass(frozen=True, slots=True)
class Size:
    devices: int = 500
    automations: int = 1000

    @property
    def pairs(self) -> int:
        """Motion sensors, each with its lamp and two automations between them."""
        return self.devices // 5


def first_states(size: Size) -> Iterator[tuple[str, dict[str, Any]]]:
    """Topic and payload of what each device has said before the benchmark begins."""
    for name in names(size):
        kind = name.partition(" ")[0]
        yield f"{BASE}/{name}", report(kind, 0)


def report(kind: str, number: int) -> dict[str, Any]:
    """The `number`th report of a device of that kind. Two after one another differ."""
    link = 80 + number * 7 % 120
    match kind:
        case "Lamp":
            return {"state": "ON" if number % 2 else "OFF", "brightness": 20 + number * 37 % 230, "linkquality": link}
        case "Motion":
            return {"occupancy": bool(number % 2), "battery": 97, "battery_low": False, "linkquality": link}
        case "Climate":
            temperature, humidity = 18 + number * 13 % 500 / 100, 40 + number * 17 % 1500 / 100
            return {"temperature": temperature, "humidity": humidity, "pressure": 1013.2, "battery": 88, "linkquality": link}  # fmt: skip
        case "Contact":
            return {"contact": bool(number % 2), "battery": 91, "linkquality": link}
        case _:
            return {"state": "ON", "power": number * 29 % 2000 / 10, "energy": 12.4, "linkquality": link}


def names(size: Size) -> list[str]:
    counts: dict[str, int] = {}
    found = []
    for number in range(size.devices):
        kind = MODELS[number % len(MODELS)][0]
        found.append(f"{kind} {counts.setdefault(kind, 0)}")
        counts[kind] += 1
    return found


def bridge_devices(size: Size) -> list[dict[str, Any]]:
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))
    by_model = {entry["definition"]["model"]: entry for entry in recorded if entry.get("definition")}
    entries = [next(entry for entry in recorded if entry["type"] == "Coordinator")]
    for number, name in enumerate(names(size)):
        entry = copy.deepcopy(by_model[MODELS[number % len(MODELS)][1]])
        entry |= {"ieee_address": f"0x00158d00{number:08x}", "friendly_name": name, "network_address": number + 1}
        entries.append(entry)
    return entries


def automations(size: Size) -> Iterator[Definition]:
    """Two for each motion sensor and its lamp; the others wait for what seldom happens, as most do."""
    pairs = [_motion(number, is_on=is_on) for number in range(size.pairs) for is_on in (True, False)]
    seldom = (_waiting(number, size) for number in itertools.count())
    for number, fields in zip(range(size.automations), itertools.chain(pairs, seldom), strict=False):
        name = f"Automation {number}"
        row = {"name": name, "is_enabled": True, "metadata": {"mode": "single"}, **fields}
        yield Definition("automation", _id(name), row, 1, row)


def _motion(number: int, *, is_on: bool) -> dict[str, Any]:
    lamp = {"entity_id": [f"light.lamp_{number}"]}
    action = {"action": "light.turn_on", "data": {"brightness_pct": 60}} if is_on else {"action": "light.turn_off"}
    return {
        "triggers": [
            {
                "trigger": "state",
                "entity_id": [f"binary_sensor.motion_{number}_occupancy"],
                "to": "on" if is_on else "off",
            }
        ],
        "conditions": [],
        "actions": [{**action, "target": lamp}],
    }


def _waiting(number: int, size: Size) -> dict[str, Any]:
    lamp = f"light.lamp_{number % (size.devices * 2 // 5)}"
    temperature = f"sensor.climate_{number % (size.devices // 5)}_temperature"
    turn_on = {"action": "light.turn_on", "target": {"entity_id": [lamp]}, "data": {"brightness_pct": 40}}
    turn_off = {"action": "light.turn_off", "target": {"entity_id": [lamp]}}
    evening = {"condition": "time", "after": "18:00:00", "before": "23:00:00"}
    match number % 4:
        case 0:
            trigger: dict[str, Any] = {"trigger": "time", "at": f"{number % 24:02d}:{number % 60:02d}:30"}
            return {
                "triggers": [trigger],
                "conditions": [{"condition": "sun", "after": "sunset"}],
                "actions": [turn_on],
            }
        case 1:
            trigger = {"trigger": "numeric_state", "entity_id": [temperature], "above": 30, "for": {"minutes": 5}}
            return {"triggers": [trigger], "conditions": [], "actions": [turn_on]}
        case 2:
            contact = f"binary_sensor.contact_{number % (size.devices // 10)}_contact"
            trigger = {"trigger": "state", "entity_id": [contact], "to": "on", "for": {"minutes": 10}}
            return {"triggers": [trigger], "conditions": [evening], "actions": [turn_on, {"delay": {"minutes": 1}}, turn_off]}  # fmt: skip
        case _:
            trigger = {"trigger": "sun", "event": "sunset", "offset": f"-00:{number % 60:02d}:00"}
            return {"triggers": [trigger], "conditions": [evening], "actions": [turn_on]}


def scene(size: Size, hub: Hub) -> Definition:
    """Lamps that no motion sensor drives: fifty, if there are so many."""
    numbers = range(size.pairs, min(size.pairs * 2, size.pairs + SCENE_LIGHTS))
    entities = [hub.inventory.entity(f"light.lamp_{number}") for number in numbers]
    wanted = [
        {"device_id": entity.device_id, "desired_state": {entity.id: {"state": "on", "brightness": 30 + number}}}
        for number, entity in enumerate(entities)
        if entity
    ]
    row = {"name": "Fifty", "device_states": wanted, "is_active": True}
    return Definition("scene", _id("Fifty"), row, 1, row)


def _id(name: str) -> str:
    return str(uuid5(NAMESPACE_OID, name))


class KnownHome:
    """The agent's own core, filled as a mirror fills it: devices announced and heard, definitions loaded."""

    def __init__(self, size: Size, home_id: str, now: datetime) -> None:
        self.dialects = Dialects(default_drivers())
        self._number = 0
        self.hub = Hub(home_id=HomeId(home_id), place=Place("Europe/Berlin", 52.5, 13.4), new_id=self.new_id)
        self.effects: list[Effect] = []
        self.effects += self.hub.restore(
            devices=(), states={}, saved={}, commands=(), definitions=(), cloud_commands_done=(), last_alive_at=None, now=now
        )  # fmt: skip
        self.effects += self.hub.start(now)
        self.hear(f"{BASE}/bridge/state", b'{"state":"online"}', now)
        self.hear(f"{BASE}/bridge/devices", orjson.dumps(bridge_devices(size)), now)
        for topic, payload in first_states(size):
            self.hear(topic, orjson.dumps(payload), now)
        for definition in (*automations(size), scene(size, self.hub)):
            self.effects += self.hub.handle(DefinitionArrived(definition, is_from_cloud=True), now)
        assert not [each for each in self.hub.automations.described() if each["problem"]]

    def hear(self, topic: str, payload: bytes, now: datetime) -> list[Effect]:
        effects: list[Effect] = []
        for decoded in self.dialects.decode(MqttMessage(topic, payload)):
            effects += self.hub.handle(decoded, now)
        self.effects += effects
        return effects

    def new_id(self) -> str:
        self._number += 1
        return str(uuid5(NAMESPACE_OID, str(self._number)))

    def persistent(self) -> list[Persistent]:
        return [effect for effect in self.effects if not isinstance(effect, Outward)]


async def fill_mirror(path: Path, size: Size, moment: Moment) -> None:
    mirror = Mirror(path)
    remembered = await mirror.open(moment)
    home = KnownHome(size, remembered.identity.home_id, moment.wall)
    await mirror.commit(home.persistent(), moment)
    await mirror.close(moment)


def set_topics(numbers: Iterable[int]) -> list[str]:
    return [f"{BASE}/Lamp {number}/set" for number in numbers]
