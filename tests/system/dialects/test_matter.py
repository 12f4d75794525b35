"""Matter against a bridge on matter.js and python-matter-server with the CHIP SDK, in two network namespaces."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from hub_agent.adapters.links.matter import MatterLinking
from hub_agent.drivers.matter import Matter
from hub_agent.errors import LinkLost, PersonNeeded
from hub_agent.model.device import DeviceType
from hub_agent.model.link import Peer
from tests.peers.linked import Linked
from tests.peers.matter.programs import PORT, Home, matter_home
from tests.system.conftest import Hub

pytestmark = pytest.mark.heavy

THING = Peer("matter", "commissionable/4e1f", "Bridge of kinds", ())


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    with matter_home() as made, made.ours.entered():
        yield made


def linked(linking: MatterLinking, host: str, port: int = PORT) -> Linked:
    return Linked(linking, Matter(), Peer("matter", "server", "server", (host,), port))


async def connected(hub: Linked) -> None:
    """The server needs some seconds to listen."""
    async with asyncio.timeout(60):
        while True:
            try:
                await hub.connect()
            except LinkLost:
                continue
            return


def named(hub: Linked, name: str) -> str:
    return next(device.origin.native_id for device in hub.devices.values() if device.name == f"Bridged {name}")


def test_the_agent_finds_a_device_asks_for_its_code_and_has_it_commissioned(home: Home, hub: Hub) -> None:
    hub.settings["discovery"] = {"addresses": [f"matter://{home.ours.ipv4[0]}:{PORT}"]}
    hub.start({"NEXA_DISCOVERY_MDNS": "true"})
    hub.wait(lambda: bool(_waiting(hub)), 40)
    hub.wait(lambda: "Matter server" in _names(hub), 40)
    (thing,) = _waiting(hub)
    assert thing["needs"]["kind"] == "code"

    added = _add(hub, thing["id"], "34970112333\n" * 3)
    assert added.returncode != 0
    assert "check digit" in added.stdout + added.stderr
    added = _add(hub, thing["id"], f"{home.codes['manual']}\n")
    assert added.returncode == 0, added.stdout + added.stderr
    hub.wait(lambda: {"Bridged dimmer", "Bridged lock", "Kinds"} <= _names(hub))
    assert not _waiting(hub)
    done = hub.cli("devices", "set", "light.bridged_dimmer", "brightness=40")
    assert done.returncode == 0, done.stderr
    hub.wait_for_state("light.bridged_dimmer", "on")
    done = hub.cli("devices", "set", "lock.bridged_lock", "locked=true")
    assert done.returncode == 0, done.stderr
    hub.wait_for_state("lock.bridged_lock", "locked")
    assert home.codes["manual"] not in hub.log()


def _waiting(hub: Hub) -> list[dict[str, Any]]:
    return [each for each in hub.get("discovered") if each["dialect"] == "matter" and each["needs"]]


def _names(hub: Hub) -> set[str]:
    return {device["name"] for device in hub.get("devices")}


def _add(hub: Hub, what: str, typed: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "hub_agent", "--socket", str(hub.socket), "devices", "add", what]
    return subprocess.run(command, input=typed, capture_output=True, text=True, check=False, timeout=60)


async def test_what_is_commissioned_is_commanded_heard_and_comes_back(home: Home) -> None:
    linking = MatterLinking()
    with pytest.raises(PersonNeeded, match="matter://host:5580") as missing:
        await linking.pair(THING, {"code": home.codes["manual"]})
    assert missing.value.kind == "server"

    hub = linked(linking, home.ours.ipv4[0])
    try:
        await connected(hub)
        with pytest.raises(PersonNeeded, match="11 or 21 digits"):
            await linking.pair(THING, {"code": "12345"})
        await hub.until(lambda: len(hub.devices) >= 22)
        assert len(hub.devices) == 22
        types = {device.device_type for device in hub.devices.values()}
        assert types >= {DeviceType.BRIDGE, DeviceType.LIGHT, DeviceType.LOCK, DeviceType.BLIND, DeviceType.THERMOSTAT}
        assert not hub.rejected

        dimmer, colour, lock, blind = (named(hub, name) for name in ("dimmer", "colour", "lock", "blind"))
        await hub.call(dimmer, "light_3", "light.turn_on", brightness=128)
        await hub.said(dimmer, "light_3", "on", brightness=128)
        await hub.call(colour, "light_5", "light.turn_on", color_temp_kelvin=4000)
        await hub.said(colour, "light_5", "on", color_temp_kelvin=4000)
        await hub.call(lock, "lock_16", "lock.unlock")
        # matter.js draws the latch, too.
        await hub.said(lock, "lock_16", "open")
        await hub.call(named(hub, "thermostat"), "climate_18", "climate.set_temperature", temperature=22.5)
        await hub.said(named(hub, "thermostat"), "climate_18", "heat", temperature=22.5)
        await hub.call(named(hub, "fan"), "fan_19", "fan.set_preset_mode", preset_mode="high")
        await hub.said(named(hub, "fan"), "fan_19", "on", preset_mode="high")
        await hub.call(blind, "identify", "button.press")

        home.set("temperature", temperatureMeasurement={"measuredValue": -512})
        await hub.said(named(hub, "temperature"), "temperature_9", "-5.12")
        home.set("contact", booleanState={"stateValue": False})
        await hub.said(named(hub, "contact"), "contact_7", "on")
        home.set("plug", bridgedDeviceBasicInformation={"reachable": False})
        home.press("button")
        await hub.said(named(hub, "button"), "event_21", None, event_type="multi_press_1")

        home.kill_server()
        assert isinstance(await hub.lost(), LinkLost)
        home.kill_device()
        home.start_server()
        home.start_device()
        hub.states.clear()
        await connected(hub)
        # The server says first what it knew; the device's own word comes when it has been found again.
        await hub.said(dimmer, "light_3", None)
        home.set("humidity", relativeHumidityMeasurement={"measuredValue": 3300})
        await hub.said(named(hub, "humidity"), "humidity_10", "33")
    finally:
        await hub.close()


@pytest.mark.parametrize(
    "said, words",
    [
        ({"schema_version": 5, "min_supported_schema_version": 1, "compressed_fabric_id": 1}, "too old"),
        ({"schema_version": 40, "min_supported_schema_version": 30, "compressed_fabric_id": 1}, "too new"),
        ({"hello": "world"}, "no Matter server"),
    ],
)
async def test_a_server_of_another_age_is_told_so(said: dict[str, Any], words: str) -> None:
    async def greet(connection: ServerConnection) -> None:
        await connection.send(json.dumps(said))
        await connection.wait_closed()

    async with serve(greet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(LinkLost, match=words):
            await linked(MatterLinking(), "127.0.0.1", port).connect()
