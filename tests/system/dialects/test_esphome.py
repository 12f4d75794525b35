"""ESPHome's own firmware, compiled for this machine, over its native API."""

import asyncio
import base64
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from hub_agent.adapters.links.esphome import EsphomeLinking
from hub_agent.drivers.esphome import Esphome
from hub_agent.errors import LinkAsleep, LinkLost, PersonNeeded
from hub_agent.model.device import Alias, DeviceType
from hub_agent.model.json import JsonObject
from hub_agent.model.link import Peer
from tests.peers.esphome.encrypted import EncryptedDoor
from tests.peers.esphome.node import MAC, Node, node, port, program
from tests.peers.esphome.sleeper import MAC as SLEEPER, Sleeper
from tests.peers.linked import Linked
from tests.peers.namespaces import two_namespaces
from tests.system.conftest import ROOT, Hub

pytestmark = pytest.mark.heavy

KEY = base64.b64encode(bytes(range(32))).decode()
OTHER_KEY = base64.b64encode(bytes(32)).decode()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with node(tmp_path_factory.mktemp("node")) as started:
        yield started


def peer(key: str = MAC, at: int | None = None) -> Peer:
    return Peer("esphome", key, "House Node", ("127.0.0.1",), at or port())


async def connected(home: Linked) -> None:
    """The node needs a moment to listen."""
    async with asyncio.timeout(60):
        while True:
            try:
                await home.connect()
            except LinkLost:
                continue
            return


@pytest.fixture
async def home(running: Node) -> AsyncIterator[Linked]:
    linked = Linked(EsphomeLinking(), Esphome(), peer())
    try:
        await connected(linked)
        yield linked
    finally:
        await linked.close()


@pytest.fixture
async def door(running: Node, home: Linked) -> AsyncIterator[int]:
    door = EncryptedDoor(KEY, "house-node", MAC, port())
    try:
        yield await door.open()
    finally:
        await door.close()


async def test_a_node_says_what_it_is_and_where_it_hangs(home: Linked) -> None:
    main = home.devices[MAC]
    assert main.aliases == (Alias("mac", MAC),)
    assert (main.name, main.brand, main.model) == ("House Node", "nexa", "house_node")
    assert main.firmware_version == "1.2.3 (ESPHome 2026.10.0)"
    assert home.observed[MAC]["ip_address"] == "127.0.0.1"
    (shed,) = [device for device in home.devices.values() if device is not main]
    assert (shed.name, shed.device_type) == ("Shed", DeviceType.SWITCH)
    domains = {entity.domain for device in home.devices.values() for entity in device.entities}
    assert domains >= {
        "light", "switch", "sensor", "binary_sensor", "number", "select", "text", "button", "event", "cover", "valve", "fan",
        "lock", "alarm_control_panel", "climate", "date", "time", "datetime",
    }  # fmt: skip
    assert not home.rejected


async def test_every_state_is_told_at_once_in_the_hubs_units(home: Linked) -> None:
    await home.said(MAC, "sensor_temperature", "21.5")
    await home.said(MAC, "sensor_attic", "20")
    await home.said(MAC, "sensor_energy", "1.234")
    await home.said(MAC, "sensor_broken", "unknown")
    await home.said(MAC, "number_level", "4")
    await home.said(MAC, "time_wake", "07:30:00")


@pytest.mark.parametrize(
    "key, action, data, after",
    [
        ("switch_relay", "switch.turn_on", {}, ("on", {})),
        ("light_plain", "light.turn_on", {}, ("on", {"color_mode": "onoff"})),
        ("light_dimmer", "light.turn_on", {"brightness": 102, "transition": 0}, ("on", {"brightness": 102})),
        (
            "light_colour",
            "light.turn_on",
            {"rgb_color": [255, 128, 0], "brightness": 255},
            ("on", {"color_mode": "rgb", "rgb_color": [255, 128, 0], "brightness": 255}),
        ),
        ("light_colour", "light.turn_on", {"effect": "Breathe"}, ("on", {"effect": "Breathe"})),
        ("light_strip", "light.turn_on", {"rgb_color": [0, 0, 255]}, ("on", {"rgbw_color": [0, 0, 255, 0]})),
        ("light_white", "light.turn_on", {"color_temp_kelvin": 3000}, ("on", {"color_temp_kelvin": 3000})),
        ("light_warmth", "light.turn_on", {"color_temp_kelvin": 4000}, ("on", {"color_temp_kelvin": 4000})),
        ("light_everything", "light.turn_on", {"color_name": "lime"}, ("on", {"rgb_color": [0, 255, 0]})),
        (
            "light_everything",
            "light.turn_on",
            {"color_temp_kelvin": 5000},
            ("on", {"color_temp_kelvin": 5000, "color_mode": "color_temp"}),
        ),
        ("light_mixed", "light.turn_on", {"rgb_color": [255, 0, 0]}, ("on", {"rgb_color": [255, 0, 0]})),
        ("light_mixed", "light.turn_off", {"transition": 0}, ("off", {})),
        ("cover_blind", "cover.set_cover_position", {"position": 30}, ("open", {"current_position": 30})),
        ("cover_blind", "cover.set_cover_tilt_position", {"tilt_position": 60}, (None, {"current_tilt_position": 60})),
        ("fan_fan", "fan.turn_on", {"percentage": 50}, ("on", {"percentage": 50})),
        ("fan_fan", "fan.set_preset_mode", {"preset_mode": "breeze"}, ("on", {"preset_mode": "breeze"})),
        ("fan_fan", "fan.set_direction", {"direction": "reverse"}, ("on", {"direction": "reverse"})),
        ("lock_door", "lock.lock", {}, ("locked", {})),
        ("valve_water", "valve.close_valve", {}, ("closed", {})),
        ("number_level", "number.set_value", {"value": 7.5}, ("7.5", {})),
        ("select_program", "select.select_option", {"option": "comfort"}, ("comfort", {})),
        ("text_note", "text.set_value", {"value": "good night"}, ("good night", {})),
        ("date_day", "date.set_value", {"date": "2027-03-04"}, ("2027-03-04", {})),
        ("time_wake", "time.set_value", {"time": "06:15"}, ("06:15:00", {})),
        (
            "datetime_moment",
            "datetime.set_value",
            {"datetime": "2027-03-04T06:15:00+01:00"},
            ("2027-03-04T05:15:00+00:00", {}),
        ),
        ("climate_heating", "climate.set_hvac_mode", {"hvac_mode": "heat"}, ("heat", {})),
        ("climate_heating", "climate.set_temperature", {"temperature": 23.5}, ("heat", {"temperature": 23.5})),
        ("climate_heating", "climate.set_preset_mode", {"preset_mode": "away"}, ("heat", {"preset_mode": "away"})),
        ("alarm_control_panel_alarm", "alarm_control_panel.alarm_arm_away", {}, ("armed_away", {})),
        ("alarm_control_panel_alarm", "alarm_control_panel.alarm_disarm", {"code": "1234"}, ("disarmed", {})),
    ],
)
async def test_a_command_is_confirmed_by_what_the_node_says(
    home: Linked, key: str, action: str, data: JsonObject, after: tuple[str | None, JsonObject]
) -> None:
    state, attributes = after
    await home.call(MAC, key, action, **data)
    await home.said(MAC, key, state, **attributes)


async def test_a_device_behind_the_node_is_commanded_as_its_own(home: Linked) -> None:
    shed = next(native_id for native_id in home.devices if native_id != MAC)
    await home.call(shed, "switch_shed_light", "switch.turn_on")
    await home.said(shed, "switch_shed_light", "on")


async def test_a_press_of_a_button_comes_back_as_the_event_it_raises(home: Linked) -> None:
    await home.call(MAC, "button_ring", "button.press")
    await home.said(MAC, "event_bell", None, event_type="ring")


async def test_an_action_of_the_nodes_owner_is_called_with_what_it_asks_for(home: Linked) -> None:
    await home.call(MAC, "service_play_tune", "button.press", tune="polka", loud=True)
    await home.said(MAC, "text_sensor_heard", "polka!")
    await home.call(MAC, "service_wave", "button.press")
    await home.said(MAC, "text_sensor_heard", "waved")


async def test_a_node_with_a_key_is_read_and_commanded_encrypted(home: Linked, door: int) -> None:
    linking = EsphomeLinking()
    secrets = await linking.pair(peer(at=door), {"key": KEY})
    assert secrets == {"key": KEY}
    async with Linked(linking, Esphome(), peer(at=door), secrets) as encrypted:
        await encrypted.call(MAC, "number_level", "number.set_value", value=2)
        await encrypted.said(MAC, "number_level", "2")
    await home.said(MAC, "number_level", "2")


@pytest.mark.parametrize("given", [{}, {"key": OTHER_KEY}, {"key": "no key at all"}])
async def test_without_the_right_key_a_person_is_asked_for_it_and_it_is_not_repeated(
    door: int, given: dict[str, str]
) -> None:
    with pytest.raises(PersonNeeded, match="api: encryption: key") as needed:
        await EsphomeLinking().pair(peer(at=door), given)
    assert (needed.value.kind, needed.value.fields) == ("key", ("key",))
    assert not any(key and key in str(needed.value) for key in given.values())
    with pytest.raises(PersonNeeded):
        await Linked(EsphomeLinking(), Esphome(), peer(at=door), given).connect()


async def test_a_key_for_a_node_that_does_not_encrypt_is_said_in_words(home: Linked) -> None:
    assert home.devices
    with pytest.raises(PersonNeeded, match="does not encrypt"):
        await EsphomeLinking().pair(peer(), {"key": KEY})


async def test_another_node_at_the_address_is_not_taken_for_the_one_that_was_there(home: Linked) -> None:
    assert home.devices
    with pytest.raises(LinkLost, match="Another node"):
        await Linked(EsphomeLinking(), Esphome(), peer("aabbccddeeff")).connect()


async def test_a_node_that_is_killed_is_lost_and_comes_back_with_all_it_has(running: Node, home: Linked) -> None:
    await home.call(MAC, "switch_relay", "switch.turn_on")
    await home.said(MAC, "switch_relay", "on")
    running.kill()
    assert isinstance(await home.lost(), LinkLost)
    with pytest.raises(LinkLost):
        await home.call(MAC, "switch_relay", "switch.turn_off")
    running.start()
    home.states.clear()
    await connected(home)
    await home.said(MAC, "switch_relay", "off")


async def test_a_restart_by_its_own_button_brings_the_node_back(running: Node, home: Linked) -> None:
    await home.call(MAC, "reboot", "button.press")
    await home.lost()
    running.kill()
    running.start()
    await connected(home)


async def test_a_board_that_sleeps_is_asleep_and_not_lost() -> None:
    board = Sleeper()
    at = await board.wake()
    home = Linked(EsphomeLinking(), Esphome(), peer(SLEEPER, at))
    await home.connect()
    assert isinstance(await home.lost(), LinkAsleep)
    assert home.devices[SLEEPER].power_source == "battery"
    await board.sleep()
    with pytest.raises(LinkAsleep, match="comes back by itself"):
        await home.connect()
    await board.wake(at)
    await home.connect()
    await board.sleep()
    await home.close()


async def test_a_board_with_a_password_asks_for_it() -> None:
    board = Sleeper(password="secret", sleeps=False)
    at = peer(SLEEPER, await board.wake())
    linking = EsphomeLinking()
    try:
        for given in ({}, {"password": "guess"}):
            with pytest.raises(PersonNeeded, match="password") as needed:
                await Linked(linking, Esphome(), at, given).connect()
            assert (needed.value.kind, needed.value.fields) == ("password", ("password",))
            assert "guess" not in str(needed.value)
        secrets = await linking.pair(at, {"password": "secret"})
        async with Linked(linking, Esphome(), at, secrets) as home:
            assert home.devices.keys() == {SLEEPER}
    finally:
        await board.sleep()


def test_the_agent_takes_up_a_node_by_its_address_commands_it_and_sees_it_go_and_come_back(
    running: Node, hub: Hub
) -> None:
    hub.settings["discovery"] = {"addresses": [f"esphome://127.0.0.1:{port()}"]}
    hub.start()
    hub.wait(lambda: {device["name"] for device in hub.get("devices")} >= {"House Node", "Shed"})
    hub.wait_for_state("sensor.house_node_attic", "20")
    done = hub.cli("devices", "set", "light.house_node_dimmer", "brightness=40", "transition=0")
    assert done.returncode == 0, done.stderr
    hub.wait(lambda: _attributes(hub, "light.house_node_dimmer").get("brightness") == 102)
    assert hub.cli("devices", "set", "switch.shed_shed_light", "on=true").returncode == 0
    hub.wait_for_state("switch.shed_shed_light", "on")
    assert hub.cli("devices", "set", "date.house_node_day", "value=2030-12-24").returncode == 0
    hub.wait_for_state("date.house_node_day", "2030-12-24")

    running.kill()
    hub.wait_for_state("light.house_node_dimmer", "unavailable")
    hub.wait_for_state("switch.shed_shed_light", "unavailable")
    running.start()
    hub.wait_for_state("light.house_node_dimmer", "off")
    hub.wait_for_state("switch.shed_shed_light", "off")


async def test_the_agent_asks_for_a_key_and_keeps_it_to_itself(door: int, hub: Hub) -> None:
    def add(key: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "hub_agent", "--socket", str(hub.socket)]
        added = [*command, "devices", "add", f"esphome://127.0.0.1:{door}"]
        return subprocess.run(added, input=f"{key}\n", capture_output=True, text=True, check=False, timeout=60)

    await asyncio.to_thread(hub.start)
    wrong = await asyncio.to_thread(add, OTHER_KEY)
    assert wrong.returncode != 0
    assert "api: encryption: key" in wrong.stdout + wrong.stderr
    right = await asyncio.to_thread(add, KEY)
    assert right.returncode == 0, right.stdout + right.stderr
    await asyncio.to_thread(hub.wait_for_state, "sensor.house_node_attic", "20")

    await asyncio.to_thread(hub.kill)
    await asyncio.to_thread(hub.start)
    await asyncio.to_thread(hub.wait_for_state, "sensor.house_node_attic", "20")
    assert (await asyncio.to_thread(hub.cli, "devices", "set", "number.house_node_level", "value=9")).returncode == 0
    await asyncio.to_thread(hub.wait_for_state, "number.house_node_level", "9")
    assert KEY not in hub.log()


def test_a_node_that_announces_itself_is_taken_up_and_stays_itself_at_another_address(hub: Hub, tmp_path: Path) -> None:
    with two_namespaces() as (theirs, ours), ExitStack() as started:
        home = {"cwd": tmp_path, "env": {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}}
        running = started.enter_context(
            stopped_at_the_end(theirs.start([program()], stdout=subprocess.DEVNULL, **home))
        )

        def announced(address: str) -> "subprocess.Popen[bytes]":
            script = [sys.executable, ROOT / "tests/peers/esphome/announcer.py", address, str(port()), MAC]
            return theirs.start(script, stdin=subprocess.PIPE)

        first = started.enter_context(stopped_at_the_end(announced(theirs.ipv4[0])))
        # Without --pdeathsig of its own: the test ends it as it does any other.
        hub.start({"NEXA_DISCOVERY_MDNS": "true"}, tuple(ours.command([])))
        hub.wait_for_state("sensor.house_node_attic", "20", 30)
        (before,) = [device["id"] for device in hub.get("devices") if device["name"] == "House Node"]

        first.kill()
        running.kill()
        hub.wait_for_state("sensor.house_node_attic", "unavailable")
        interface = theirs.interfaces[0]
        theirs.run("ip", "addr", "del", f"{theirs.ipv4[0]}/24", "dev", interface)
        theirs.run("ip", "addr", "add", "10.77.0.77/24", "dev", interface)
        theirs.run("ip", "route", "replace", "224.0.0.0/4", "dev", interface)
        started.enter_context(stopped_at_the_end(theirs.start([program()], stdout=subprocess.DEVNULL, **home)))
        started.enter_context(stopped_at_the_end(announced("10.77.0.77")))
        hub.wait_for_state("sensor.house_node_attic", "20", 30)
        assert hub.cli("devices", "set", "number.house_node_level", "value=3").returncode == 0
        hub.wait_for_state("number.house_node_level", "3")
        assert [device["id"] for device in hub.get("devices") if device["name"] == "House Node"] == [before]
        # For a moment the network still tells the old address as well.
        hub.wait(lambda: [found["address"] for found in hub.get("discovered")] == [f"10.77.0.77:{port()}"])
        hub.stop()


@contextmanager
def stopped_at_the_end(process: "subprocess.Popen[bytes]") -> "Iterator[subprocess.Popen[bytes]]":
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdin is not None:
            process.stdin.close()


def _attributes(hub: Hub, entity_id: str) -> dict[str, Any]:
    found: dict[str, Any] = next(
        entity["attributes"]
        for device in hub.get("devices")
        for entity in device["entities"]
        if entity["id"] == entity_id
    )
    return found
