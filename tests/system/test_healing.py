"""Faults over a real broker, with the agent's own process: what it says is wrong, what it does, and what becomes of it when it is killed."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import quote

import pytest

from hub_agent.store.codec import unpack
from tests.fakes.broker import EmbeddedBroker
from tests.simulation.healing.home import Home
from tests.simulation.healing.home_at_broker import HomeAtBroker
from tests.simulation.healing.wifi import EspHome, Shelly, Tasmota
from tests.simulation.healing.zigbee import Bridge, ZigbeeThing
from tests.system.conftest import Hub, Powered, publish_to, wait_for

pytestmark = pytest.mark.heavy

# A device that is away is said to be so after a minute.
MINUTES_S = 300.0


def build(home: Home) -> None:
    bridge, other = Bridge(home, "zigbee2mqtt"), Bridge(home, "cellar")
    for name in ("Hall Light", "Bath Light", "Kitchen Light", "Porch Lamp"):
        ZigbeeThing(home, bridge, name, "white")
    ZigbeeThing(home, bridge, "Desk Plug", "plug")
    for number in range(60):
        ZigbeeThing(home, other, f"Cellar Light {number + 1}", "white")
    Shelly(home, "Boiler Relay")
    Tasmota(home, "Desk Socket")
    attic = EspHome(home, "Attic Sensor")
    attic.keep_alive_s = 1.0
    garage = EspHome(home, "Garage Sensor")
    garage.keep_alive_s = 1.0
    home.things["Desk Plug"].feed(attic)


@pytest.fixture
def simulated(broker: EmbeddedBroker) -> Iterator[HomeAtBroker]:
    home = HomeAtBroker(build)
    powered = Powered(broker.port, home)
    yield home
    powered.off()


@pytest.fixture
def living(hub: Hub, simulated: HomeAtBroker) -> Hub:
    hub.start()
    for name in simulated.home.things:
        if name not in {"zigbee2mqtt", "cellar"}:
            hub.wait(lambda name=name: name in {each["name"] for each in hub.get("devices")})
    hub.wait_for_state("light.hall_light", "off")
    hub.wait_for_state("switch.desk_socket", "off")
    hub.wait_for_state("switch.desk_plug", "on")
    hub._link.patch("health/wishes", {"quiet_hours": None})
    return hub


def names(hub: Hub) -> dict[str, str]:
    return {each["id"]: each["name"] for each in hub.get("devices")}


def said(hub: Hub) -> set[tuple[str, str]]:
    """The issues that stand, by code and device."""
    called = names(hub)
    return {(each["code"], called.get(each["subject"], each["subject"])) for each in hub.get("issues")}


def cases(hub: Hub, table: str) -> list[dict[str, Any]]:
    """The newest revision of each, from the mirror."""
    with closing(sqlite3.connect(f"file:{hub.state_dir / 'mirror.db'}?mode=ro", uri=True)) as mirror:
        rows = mirror.execute("SELECT body FROM cases WHERE table_name = ?", (table,)).fetchall()
    return [unpack(row[0]) for row in rows]


def tried(hub: Hub) -> dict[tuple[str, str], list[str]]:
    """How each remedy on each device has ended."""
    called = names(hub)
    found: dict[tuple[str, str], list[str]] = {}
    for row in cases(hub, "self_healing_executions"):
        found.setdefault((row["metadata"]["remedy"], called[row["device_id"]]), []).append(row["status"])
    return found


def test_what_shows_at_once_is_named_healed_and_ends(
    living: Hub, simulated: HomeAtBroker, broker: EmbeddedBroker
) -> None:
    """Lost commands in two dialects, one that is not followed, what cannot be read, a rule without its lamp, a broker that is away."""
    simulated.do(lambda home: setattr(home.things["Hall Light"], "loses_commands", 1))
    simulated.do(lambda home: setattr(home.things["Desk Socket"], "loses_commands", 1))
    simulated.do(lambda home: setattr(home.things["Boiler Relay"], "acts_on_commands", False))
    for _ in range(25):
        publish_to(broker.port, "zigbee2mqtt/Bath Light", '{"state": ')
    for name in ("Hall Light", "Desk Socket", "Boiler Relay"):
        living.post(f"devices/{quote(name)}/set", {"values": {"on": True}})
    living.wait(lambda: ("payloads_rejected", "zigbee2mqtt/Bath Light") in said(living))
    living.wait(lambda: ("command_unconfirmed", "Boiler Relay") in said(living))
    for name in ("Hall Light", "Desk Socket"):
        living.wait(lambda name=name: tried(living).get(("resend_command", name)) == ["completed"])
    living.wait(lambda: tried(living).get(("reboot_device", "Boiler Relay")) is not None)
    living.wait_for_state("light.hall_light", "on")
    living.wait_for_state("switch.desk_socket", "on")
    standing = {(code, name) for code, name in said(living) if code == "command_unconfirmed"}
    assert standing <= {("command_unconfirmed", "Boiler Relay")}, "what was sent again is over"
    broker.stop()
    living.wait(lambda: "broker_unreachable" in living.issues())
    broker.start()
    living.wait(lambda: "broker_unreachable" not in living.issues())
    places = {name for _, name in tried(living)}
    assert places <= {"Hall Light", "Desk Socket", "Boiler Relay", "Bath Light"}, places


def _lose(home: Home, name: str) -> None:
    """Its power is cut, and its bridge has found out."""
    home.things[name].cut()
    home.bridge("zigbee2mqtt")._tell(home.zigbee(name), is_online=False)


def test_killed_between_taking_power_away_and_giving_it_back_it_gives_it_back_once(
    living: Hub, simulated: HomeAtBroker
) -> None:
    """Beside it a device that nothing reaches, three lamps that fail together, and a bridge with sixty devices that dies."""
    plug = simulated.home.things["Desk Plug"]
    attic = next(each for each in living.get("devices") if each["name"] == "Attic Sensor")
    fed = next(each for each in living.get("devices") if each["name"] == "Desk Plug")
    living._link.patch(f"health/devices/{attic['id']}/wishes", {"powered_by": fed["id"]})
    simulated.do(lambda home: home.things["Attic Sensor"].fall("hung"))  # type: ignore[attr-defined]
    simulated.do(lambda home: home.things["Garage Sensor"].fall("broken"))  # type: ignore[attr-defined]
    wait_for(lambda: plug.went_off, MINUTES_S, living.log)
    living.kill()
    assert not plug.is_on
    living.start()
    wait_for(lambda: plug.is_on, MINUTES_S, living.log)
    living.wait(lambda: ("device_unavailable", "Attic Sensor") not in said(living), MINUTES_S)
    # Not before: the bridge that the plug hangs on is restarted for the lamps.
    simulated.do(lambda home: home.bridge("cellar").fall("broken"))
    for name in ("Hall Light", "Bath Light", "Kitchen Light"):
        simulated.do(lambda home, name=name: _lose(home, name))
    living.wait(lambda: ("restart_bridge", "Zigbee2MQTT Bridge") in tried(living), MINUTES_S)

    assert plug.went_off == 1
    assert tried(living)["power_cycle_via_plug", "Attic Sensor"] == ["completed"]
    assert [name for remedy, name in tried(living) if remedy == "restart_bridge"] == ["Zigbee2MQTT Bridge"]
    standing = said(living)
    assert ("device_unavailable", "Garage Sensor") in standing
    assert not [name for _, name in standing if name in {"Hall Light", "Bath Light", "Kitchen Light"}]
