"""Matter against a bridge on matter.js and python-matter-server with the CHIP SDK, in two network namespaces."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from hub_agent.adapters.links.link import Line
from hub_agent.adapters.links.matter import MatterLinking
from hub_agent.drivers.matter import Matter
from hub_agent.errors import LinkAsleep, LinkLost, PersonNeeded
from hub_agent.model.device import DeviceType
from hub_agent.model.link import Peer
from tests.peers.linked import Linked
from tests.peers.matter.programs import PORT, Home, matter_home

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
    async with asyncio.timeout(40):
        while True:
            try:
                await hub.connect()
            except LinkLost:
                continue
            return


def named(hub: Linked, name: str) -> str:
    return next(device.origin.native_id for device in hub.devices.values() if device.name == f"Bridged {name}")


async def test_a_bridge_is_commissioned_commanded_heard_and_comes_back(home: Home) -> None:
    linking = MatterLinking()
    with pytest.raises(PersonNeeded, match="matter://host:5580") as missing:
        await linking.pair(THING, {"code": home.codes["manual"]})
    assert missing.value.kind == "server"

    hub = linked(linking, home.ours.ipv4[0])
    try:
        await connected(hub)
        with pytest.raises(PersonNeeded, match="11 or 21 digits"):
            await linking.pair(THING, {"code": "12345"})
        secrets = await linking.pair(THING, {"code": home.codes["qr"]})
        await hub.until(lambda: len(hub.devices) >= 22)
        types = {device.device_type for device in hub.devices.values()}
        assert types >= {DeviceType.BRIDGE, DeviceType.LIGHT, DeviceType.LOCK, DeviceType.BLIND, DeviceType.THERMOSTAT}
        assert not hub.rejected

        # What was commissioned is no longer waited for.
        served = linking.open(THING, Line(lambda *_: None, lambda: None, lambda _: None, secrets))
        with pytest.raises(LinkAsleep, match="as node 1"):
            await served.run()

        dimmer, colour, lock, blind = (named(hub, name) for name in ("dimmer", "colour", "lock", "blind"))
        await hub.call(dimmer, "light_3", "light.turn_on", brightness=128)
        await hub.said(dimmer, "light_3", "on", brightness=128)
        await hub.call(colour, "light_5", "light.turn_on", color_temp_kelvin=4000)
        await hub.said(colour, "light_5", "on", color_temp_kelvin=4000)
        await hub.call(lock, "lock_16", "lock.lock")
        await hub.said(lock, "lock_16", "locked")
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
