"""The simulated home: who lives in it, what hangs on what, and its days."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hub_agent.model.action import Call
from hub_agent.model.definition import Definition
from hub_agent.model.device import ROUTER_ORIGIN, Advertisement, Alias, Device, DeviceType
from hub_agent.model.effects import Effect
from hub_agent.model.ids import CallId, EntityId
from hub_agent.model.inputs import CallRequested, DefinitionArrived
from hub_agent.model.measured import Disk, HubMeasured, Way, WaysMeasured, WayTo
from hub_agent.model.state import Cause
from tests.simulation.healing.stage import START, HubAtStage, Remembered, Stage
from tests.simulation.healing.things import Thing
from tests.simulation.healing.wifi import EspHome, Shelly, Tasmota
from tests.simulation.healing.zigbee import Bridge, ZigbeeThing

ZONE = ZoneInfo("Europe/Berlin")
WAYS = (WayTo.ROUTER, WayTo.DNS, WayTo.INTERNET, WayTo.CLOUD)
GIGABYTE = 1_000_000_000
VITALS = {
    "agent_bytes": GIGABYTE // 8,
    "memory_bytes": 4 * GIGABYTE,
    "memory_available_bytes": 2 * GIGABYTE,
    "is_under_voltage": False,
}
Watcher = Callable[[Effect, datetime], None]


def _nobody(_effect: Effect, _now: datetime) -> None:
    return


class Home:
    """`seed` decides who does what when. The hub is begun by `open_hub`, and may be taken out and begun anew."""

    def __init__(self, seed: int, start: datetime = START) -> None:
        self.stage = Stage(seed, start)
        self.chance = self.stage.chance
        self.things: dict[str, Thing] = {}
        self.is_wifi_up = True
        self.are_people_away = False
        self.people: list[Thing] = []
        # What the hub measures every minute, and what of it is as always.
        self.vitals: dict[str, Any] = {}
        self.closed_ways: set[WayTo] = set()
        self.free_bytes = 20_000_000_000
        self.crashes = 0
        self.reopens_after_s = 5.0
        self.stage.on_crash = self._hub_died
        self.remembered = Remembered()
        self.watcher: Watcher = _nobody
        self._calls = 0

    # The hub.

    @property
    def hub(self) -> HubAtStage:
        assert self.stage.hub is not None
        return self.stage.hub

    def open_hub(self) -> HubAtStage:
        self.stage.hub = HubAtStage(self.stage, self.remembered, self._watch)
        self.stage.hub.start()
        return self.stage.hub

    def close_hub(self) -> None:
        self.remembered = self.hub.die()

    def _hub_died(self) -> None:
        self.crashes += 1
        self.close_hub()
        self.stage.after(self.reopens_after_s, self.open_hub)

    def _watch(self, effect: Effect, now: datetime) -> None:
        self.watcher(effect, now)

    def copied(self) -> Home:
        """The same home at the same moment, in a life of its own; its hub is begun anew from what it had stored."""
        self.close_hub()
        self.watcher = _nobody
        return self.copied_again()

    def copied_again(self) -> Home:
        """Of one whose hub has been taken out."""
        assert self.stage.hub is None
        return copy.deepcopy(self)

    def device(self, name: str) -> Device:
        return next(each for each in self.hub.hub.inventory.devices() if each.name == name)

    def name_of(self, device_id: str) -> str:
        return next((each.name for each in self.hub.hub.inventory.devices() if each.id == device_id), device_id)

    def declare(self, name: str, **healing: Any) -> None:
        """What its owner says of a device: `devices.settings.healing`."""
        device = self.device(name)
        known = self.hub.hub.definitions.get("device", device.id)
        assert known is not None
        before = device.settings.get("healing")
        fields = {**known.fields, "settings": {"healing": {**(before if isinstance(before, dict) else {}), **healing}}}
        arrived = Definition("device", device.id, fields, version=(known.version or 1) + 1, base=fields)
        self.hub.give(DefinitionArrived(arrived, is_from_cloud=True))

    # Life.

    def begin(self) -> None:
        for each in self.things.values():
            each.begin()
        self.stage.after(30, self._measure)
        if self.people:
            self.stage.after(self.chance.uniform(60, 600), self._live)

    def _measure(self) -> None:
        self.stage.after(60, self._measure)
        if self.stage.hub is None:
            return
        sound = {"cpu_celsius": 52.0 + self.chance.uniform(-4, 4), "loop_lag_s": 0.01, "load_per_core": 0.2, **VITALS}
        disk = Disk("mirror", self.free_bytes, 30_000_000_000)
        self.hub.give(HubMeasured(**{"disks": (disk,), **sound, **self.vitals}))
        ways = {way: Way("192.0.2.1", way not in self.closed_ways, 4.0, reason="no answer") for way in WAYS}
        self.hub.give(WaysMeasured(ways))

    def _live(self) -> None:
        """Somebody does something, by day often, by night seldom."""
        hour = self.stage.now.astimezone(ZONE).hour
        is_day = 6 <= hour < 23
        self.stage.after(self.chance.uniform(120, 1500) * (1 if is_day else 6), self._live)
        if self.are_people_away:
            return
        self._use(self.chance.choice(self.people))

    def _use(self, thing: Thing) -> None:
        match thing:
            case ZigbeeThing(model="motion") if thing.is_configured:
                thing.use({"occupancy": True})
                self.stage.after(90, thing.use, {"occupancy": False})
            case ZigbeeThing(model="contact") if thing.is_configured:
                thing.use({"contact": False})
                self.stage.after(self.chance.uniform(4, 600), thing.use, {"contact": True})
            case ZigbeeThing(model="lamp" | "white"):
                self.command(thing.name, "light", is_on=not thing.is_on)
            case Shelly() | Tasmota() | EspHome():
                self.command(thing.name, "switch", is_on=not thing.is_on)
            case _:
                pass

    def command(self, name: str, domain: str, *, is_on: bool) -> None:
        """Somebody presses it on the page."""
        if self.stage.hub is None:
            return
        entity = next(
            (each for each in self.device(name).entities if each.domain == domain and each.category is None), None
        )
        if entity is not None:
            self._calls += 1
            action = f"{domain}.{'turn_on' if is_on else 'turn_off'}"
            self.hub.give(
                CallRequested(
                    Call(CallId(f"pressed-{self._calls}"), action, (EntityId(entity.id),), {}, Cause("manual", "p"))
                )
            )

    # What all of it hangs on.

    def wifi(self, *, is_up: bool) -> None:
        self.is_wifi_up = is_up
        for each in self.things.values():
            if isinstance(each, Shelly | Tasmota | EspHome):
                each.check_session()

    def zigbee(self, name: str) -> ZigbeeThing:
        thing = self.things[name]
        assert isinstance(thing, ZigbeeThing)
        return thing

    def bridge(self, base: str) -> Bridge:
        thing = self.things[base]
        assert isinstance(thing, Bridge)
        return thing


def family_home(seed: int, start: datetime = START) -> Home:
    """Two Zigbee bridges, one of which says who is there and one not; Shellies, Tasmotas, ESPHomes; plugs that feed others."""
    home = Home(seed, start)
    up = Bridge(home, "zigbee2mqtt")
    down = Bridge(home, "cellar", tells_availability=False)
    for name, model in UPSTAIRS:
        ZigbeeThing(home, up, name, model)
    for name, model in DOWNSTAIRS:
        ZigbeeThing(home, down, name, model)
    for name in ("Hall Motion", "Front Door", "Kitchen Leak"):
        home.zigbee(name).router = home.zigbee("TV Plug")
    Shelly(home, "Office Relay", load_w=0)
    Shelly(home, "Fridge Meter", load_w=85)
    Shelly(home, "Boiler Relay", load_w=0)
    Shelly(home, "Porch Light", load_w=0)
    for name in ("Desk Socket", "Pump Socket"):
        Tasmota(home, name)
    for name in ("Attic Sensor", "Garage Sensor", "Shed Sensor"):
        EspHome(home, name)
    home.things["Bridge Plug"].feed(down)
    for name in ("Attic Sensor", "Shed Sensor"):
        home.things[name].rhythm_s = (295, 305)
    home.things["Desk Plug"].feed(home.things["Attic Sensor"])
    home.people = [each for name, each in home.things.items() if name in USED]
    home.begin()
    home.open_hub()
    home.stage.run_for(minutes=5)
    router = Advertisement(ROUTER_ORIGIN, (Alias("mac", "02:00:00:00:00:fe"),), "Router", device_type=DeviceType.ROUTER)
    home.hub.give(router)
    home.declare("Zigbee2MQTT Bridge cellar", powered_by=home.device("Bridge Plug").id)
    for name in ("Attic Sensor", "Garage Sensor", "Shed Sensor"):
        home.declare(name, hangs_on=[home.device("Router").id])
    home.declare("Attic Sensor", powered_by=home.device("Desk Plug").id)
    return home


UPSTAIRS = (
    ("Living Lamp", "lamp"),
    ("Bedroom Lamp", "lamp"),
    ("Kitchen Light", "white"),
    ("Hall Light", "white"),
    ("Bath Light", "white"),
    ("TV Plug", "plug"),
    ("Bridge Plug", "plug"),
    ("Desk Plug", "plug"),
    ("Hall Motion", "motion"),
    ("Kitchen Motion", "motion"),
    ("Front Door", "contact"),
    ("Balcony Door", "contact"),
    ("Bath Climate", "climate"),
    ("Bedroom Air", "air"),
    ("Living Air", "air"),
    ("Kitchen Leak", "leak"),
)
DOWNSTAIRS = (
    ("Cellar Light", "white"),
    ("Workshop Plug", "plug"),
    ("Freezer Plug", "plug"),
    ("Laundry Air", "air"),
    ("Workshop Air", "air"),
    ("Cellar Climate", "climate"),
    ("Cellar Motion", "motion"),
    ("Cellar Door", "contact"),
)
USED = frozenset({
    "Living Lamp", "Bedroom Lamp", "Kitchen Light", "Hall Light", "Bath Light", "Hall Motion", "Kitchen Motion",
    "Front Door", "Balcony Door", "Cellar Light", "Cellar Motion", "Cellar Door", "Office Relay", "Porch Light",
    "Desk Socket", "Pump Socket",
})  # fmt: skip


def warmed(seed: int, days: float = 2.0) -> Home:
    """The home after some quiet days: every device's rhythm is known."""
    home = family_home(seed)
    home.stage.run_until(START + timedelta(days=days))
    return home
