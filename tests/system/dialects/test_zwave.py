"""Z-Wave against the real driver and server of Z-Wave JS, whose nodes are mocked behind a mocked stick."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from hub_agent.adapters.links.zwave import ZWaveLinking
from hub_agent.drivers.zwave import ZWave
from hub_agent.errors import LinkLost, NotPossible
from hub_agent.model.device import DeviceType
from hub_agent.model.link import Peer
from tests.fakes.broker import free_port
from tests.peers.linked import Linked
from tests.peers.zwave.network import HOME, Network, network
from tests.system.conftest import Hub

pytestmark = pytest.mark.heavy

DIMMER, LOCK, THERMOSTAT, SENSOR, SIREN, PLUG, BLIND = (f"{HOME}-{number}" for number in range(2, 9))


@pytest.fixture(scope="module")
def running() -> Iterator[Network]:
    with network(free_port()) as started:
        yield started


def linked(port: int) -> Linked:
    return Linked(ZWaveLinking(), ZWave(), Peer("zwave", HOME, "sim", ("127.0.0.1",), port))


async def test_every_kind_of_node_is_met_with_its_type_and_state(running: Network) -> None:
    async with linked(running.port) as home:
        types = {native_id: device.device_type for native_id, device in home.devices.items()}
        assert types == {
            HOME: DeviceType.BRIDGE,
            DIMMER: DeviceType.LIGHT,
            LOCK: DeviceType.LOCK,
            THERMOSTAT: DeviceType.THERMOSTAT,
            SENSOR: DeviceType.SENSOR_MOTION,
            SIREN: DeviceType.OTHER,
            PLUG: DeviceType.SWITCH,
            BLIND: DeviceType.BLIND,
        }
        await home.said(SENSOR, "temperature", "21.5")
        await home.said(SENSOR, "humidity", "48")
        await home.said(PLUG, "energy", "12.5")
        await home.said(PLUG, "power", "60")
        await home.said(THERMOSTAT, "temperature", "19.5")
        assert not home.rejected


async def test_commands_are_confirmed_by_what_the_nodes_report(running: Network) -> None:
    async with linked(running.port) as home:
        await home.call(DIMMER, "light", "light.turn_on", brightness=128)
        await home.said(DIMMER, "light", "on", brightness=129)
        await home.call(DIMMER, "light", "light.turn_off")
        await home.said(DIMMER, "light", "off")
        await home.call(DIMMER, "identify", "button.press")
        await home.call(DIMMER, "112_1", "number.set_value", value=20)
        await home.said(DIMMER, "112_1", "20")
        await home.call(DIMMER, "ping", "button.press")

        await home.call(LOCK, "lock", "lock.lock")
        await home.said(LOCK, "lock", "locked")
        await home.call(LOCK, "lock", "lock.unlock")
        await home.said(LOCK, "lock", "unlocked")

        await home.call(THERMOSTAT, "climate", "climate.set_temperature", hvac_mode="heat", temperature=22.5)
        await home.said(THERMOSTAT, "climate", "heat", temperature=22.5)
        await home.call(THERMOSTAT, "climate", "climate.set_temperature", hvac_mode="cool", temperature=25)
        await home.said(THERMOSTAT, "climate", "cool", temperature=25)

        await home.call(SIREN, "siren", "siren.turn_on", tone="Alarm (30 sec)", volume_level=0.3)
        await home.said(SIREN, "siren", "on")
        await home.call(SIREN, "siren", "siren.turn_off")
        await home.said(SIREN, "siren", "off")

        await home.call(PLUG, "switch", "switch.turn_on")
        await home.said(PLUG, "switch", "on")
        await home.call(BLIND, "cover", "cover.set_cover_position", position=40)
        await home.said(BLIND, "cover", "open", current_position=40)


async def test_what_nodes_say_of_themselves_is_heard(running: Network) -> None:
    async with linked(running.port) as home:
        running.do("sense", celsius=23.5)
        await home.said(SENSOR, "temperature", "23.5")
        running.do("motion", event=8)
        await home.said(SENSOR, "motion_alarm", "on")
        running.do("motion", event=0)
        await home.said(SENSOR, "motion_alarm", "off")


async def test_a_refusal_comes_back_in_words(running: Network) -> None:
    async with linked(running.port) as home:
        with pytest.raises(NotPossible, match="between"):
            await home.call(THERMOSTAT, "climate", "climate.set_temperature", hvac_mode="heat", temperature=50)
        link: Any = home._link
        with pytest.raises(NotPossible, match="ode"):
            await link.ask({"send": {"command": "node.ping", "nodeId": 77}, "later": False})


async def test_a_node_that_no_longer_answers_is_unavailable_until_it_does(running: Network) -> None:
    async with linked(running.port) as home:
        running.do("silence", node=7)
        with pytest.raises(NotPossible):
            await home.call(PLUG, "switch", "switch.turn_off")
        await home.said(PLUG, "status", "dead")
        running.do("wake", node=7)
        await home.call(PLUG, "ping", "button.press")
        await home.said(PLUG, "status", "alive")


@pytest.mark.parametrize(
    "said, words",
    [
        ({"minSchemaVersion": 0, "maxSchemaVersion": 9}, "too old"),
        ({"minSchemaVersion": 99, "maxSchemaVersion": 120}, "too new"),
        ({}, "which versions"),
    ],
)
async def test_a_server_of_another_age_is_told_so(said: dict[str, int], words: str) -> None:
    async def greet(connection: ServerConnection) -> None:
        await connection.send(json.dumps({"type": "version", "homeId": 1, **said}))
        await connection.wait_closed()

    async with serve(greet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(LinkLost, match=words):
            await linked(port).connect()


def test_the_agent_takes_up_a_network_by_its_address_commands_it_and_sees_it_go_and_come_back(
    running: Network, hub: Hub
) -> None:
    hub.settings["discovery"] = {"addresses": [f"zwave://127.0.0.1:{running.port}"]}
    hub.start()
    hub.wait(lambda: len(hub.get("devices")) >= 8)
    hub.wait(lambda: "light.node_2" in str(hub.get("devices")))
    done = hub.cli("devices", "set", "light.node_2", "brightness=40")
    assert done.returncode == 0, done.stderr
    hub.wait_for_state("light.node_2", "on")
    running.kill()
    hub.wait_for_state("light.node_2", "unavailable")
    running.start()
    hub.wait_for_state("light.node_2", "off")
