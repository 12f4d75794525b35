"""Tasmota on a real broker: our simulator, which HATasmota finds to be a Tasmota, and the agent, which finds it and commands it."""

import json
from typing import Any

import pytest

from tests.fakes.broker import EmbeddedBroker
from tests.fakes.home.peer import say
from tests.peers.hatasmota import hatasmota
from tests.peers.tasmota import SimulatedTasmota
from tests.system.conftest import Hub, Powered

pytestmark = pytest.mark.heavy

METER = {"ENERGY": {"Total": 6.911, "Today": 0.1, "Power": 57, "Voltage": 231, "Current": 0.25}}


def _devices() -> dict[str, SimulatedTasmota]:
    return {
        "plug": SimulatedTasmota("A0B1C2000001", "Plug", rl=[1, 0], sensors=METER, md="Gosund SP1"),
        "lamp": SimulatedTasmota("A0B1C2000002", "Lamp", rl=[2, 0], lt_st=5),
        "blind": SimulatedTasmota("A0B1C2000003", "Blind", rl=[3, 3], so={"80": 1}, sensors={"DHT11": {"Temperature": 77.0}, "TempUnit": "F"}),
        "fan": SimulatedTasmota("A0B1C2000004", "Fan", rl=[1, 0, 0, 0], **{"if": 1}),
    }  # fmt: skip


def test_the_simulator_is_a_tasmota_to_the_client_of_home_assistant(broker: EmbeddedBroker) -> None:
    devices = _devices()
    powered = Powered(broker.port, *devices.values())
    try:
        # A plug with five values of its meter, a lamp, a blind with a thermometer and four values of its own, a fan with its lamp.
        with hatasmota(broker.port, 6 + 1 + 6 + 3) as judge:
            plug, lamp, blind, fan = (f"A0B1C200000{number}" for number in range(1, 5))
            assert judge.entities[f"{plug}_sensor_sensor_ENERGY Total"] == "TasmotaSensor"
            assert (
                judge.order(f"{plug}_switch_relay_0", "set_state", True, until="true")[f"{plug}_switch_relay_0"][0]
                is True
            )
            light = f"{lamp}_light_light_0"
            seen = judge.order(
                light, "set_state", True, {"brightness": 40, "color_hs": [240, 100]}, until='"color_hs": [240.0, 100.0]'
            )
            assert seen[light][1]["attributes"]["brightness"] == 40
            seen = judge.order(light, "set_state", True, {"color_temp": 300}, until='"color_temp": 300')
            assert seen[light][1]["attributes"]["white_value"] == 40
            shutter = f"{blind}_cover_shutter_0"
            assert (
                judge.order(shutter, "set_position", 30, until='"direction": 0, "position": 30')[shutter][1]["position"]
                == 30
            )
            assert judge.order(f"{fan}_fan_fan_ifan", "set_speed", 3, until="3")[f"{fan}_fan_fan_ifan"][0] == 3
    finally:
        powered.off()
    assert devices["plug"].power[0]
    assert devices["fan"].fan_speed == 3


def test_the_agent_finds_tasmota_devices_commands_them_and_sees_them_go_and_come_back(
    hub: Hub, broker: EmbeddedBroker
) -> None:
    devices = _devices()
    powered = Powered(broker.port, *devices.values())
    hub.start()
    try:
        hub.wait(lambda: {device["name"] for device in hub.get("devices")} >= {"Plug", "Lamp", "Blind", "Fan"})
        hub.wait_for_state("sensor.plug_energy_total", "6.911")
        hub.wait_for_state("sensor.blind_dht11_temperature", "25")
        hub.wait_for_state("light.lamp", "off")

        assert hub.cli("devices", "set", "switch.plug", "on=true").returncode == 0
        assert hub.cli("devices", "set", "light.lamp", "brightness=40", "color=#0000ff").returncode == 0
        assert hub.cli("devices", "set", "cover.blind", "position=30").returncode == 0
        assert hub.cli("devices", "set", "fan.fan", "speed=66").returncode == 0
        hub.wait_for_state("switch.plug", "on")
        hub.wait_for_state("cover.blind", "open")
        hub.wait(lambda: _attributes(hub, "light.lamp").get("hs_color") == [240, 100])
        assert _attributes(hub, "light.lamp")["brightness"] == 102
        hub.wait(lambda: _attributes(hub, "fan.fan").get("percentage") == 66)
        assert hub.cli("devices", "set", "button.lamp_identify", "press=true").returncode == 0
        hub.wait(lambda: devices["lamp"].blinks)

        powered.off()
        hub.wait_for_state("light.lamp", "unavailable")
        powered = Powered(broker.port, *devices.values())
        hub.wait_for_state("light.lamp", "on")
    finally:
        powered.off()


def test_a_device_that_also_speaks_home_assistants_discovery_is_one_and_served_by_its_own(
    hub: Hub, broker: EmbeddedBroker
) -> None:
    plug = SimulatedTasmota("A0B1C2000001", "Plug", rl=[1, 0])
    both = _SpeaksBoth(plug)
    powered = Powered(broker.port, both)
    hub.start()
    try:
        hub.wait_for_state("switch.plug", "off")
        assert hub.cli("devices", "set", "switch.plug", "on=true").returncode == 0
        hub.wait_for_state("switch.plug", "on")
        (device,) = [device for device in hub.get("devices") if device["name"] == "Plug"]
        assert [entity["id"] for entity in device["entities"] if entity["domain"] == "switch"] == ["switch.plug"]
        assert plug.obeyed[-1] == ("Power1", "ON")
    finally:
        powered.off()


class _SpeaksBoth:
    """SetOption19 of older firmware: the same relay once more, in Home Assistant's words, and first."""

    def __init__(self, plug: SimulatedTasmota) -> None:
        self._plug = plug

    def __getattr__(self, name: str) -> Any:
        return getattr(self._plug, name)

    def start(self, now: Any) -> Any:
        config = {
            "name": "Plug", "cmd_t": "cmnd/tasmota_000001/POWER", "stat_t": "tele/tasmota_000001/STATE", "val_tpl": "{{value_json.POWER}}",
            "avty_t": "tele/tasmota_000001/LWT", "pl_avail": "Online", "pl_not_avail": "Offline", "uniq_id": "000001_RL_1",
            "dev": {"ids": ["000001"], "name": "Plug", "cns": [["mac", "A0:B1:C2:00:00:01"]]},
        }  # fmt: skip
        return [say("homeassistant/switch/000001_RL_1/config", json.dumps(config), retain=True), *self._plug.start(now)]


def _attributes(hub: Hub, entity_id: str) -> dict[str, Any]:
    found: dict[str, Any] = next(
        entity["attributes"]
        for device in hub.get("devices")
        for entity in device["entities"]
        if entity["id"] == entity_id
    )
    return found
