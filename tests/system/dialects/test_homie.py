"""Homie devices of other people's libraries on a real broker, and the agent, which finds and commands them."""

from typing import Any

import pytest

from tests.fakes.broker import EmbeddedBroker
from tests.peers.homie import homie_devices
from tests.system.conftest import Hub

pytestmark = pytest.mark.heavy


def test_devices_of_both_conventions_are_found_commanded_lost_and_back(hub: Hub, broker: EmbeddedBroker) -> None:
    hub.start()
    with homie_devices(broker.port) as devices:
        hub.wait(
            lambda: {device["name"] for device in hub.get("devices")} >= {"Hall dimmer", "Pump", "Gateway", "Desk lamp"}
        )
        hub.wait_for_state("light.hall_dimmer", "on")
        hub.wait_for_state("light.desk_lamp", "off")
        hub.wait_for_state("sensor.desk_lamp_watts", "7.5")

        assert hub.cli("devices", "set", "light.hall_dimmer", "brightness=60").returncode == 0
        assert devices.said() == {"device": "dimmer", "set": 60}
        hub.wait(lambda: _attributes(hub, "light.hall_dimmer")["brightness"] == 153)

        assert hub.cli("devices", "set", "light.desk_lamp", "brightness=40", "color=#0000ff").returncode == 0
        assert [devices.said() for _ in range(3)] == [
            {"device": "color", "set": "rgb,0,0,255"},
            {"device": "brightness", "set": "40"},
            {"device": "power", "set": "true"},
        ]
        hub.wait_for_state("light.desk_lamp", "on")
        hub.wait(lambda: _attributes(hub, "light.desk_lamp").get("rgb_color") == [0, 0, 255])

        (switch,) = [entity for entity in hub.states() if entity.startswith("switch.pump")]
        assert hub.cli("devices", "set", switch, "on=true").returncode == 0
        assert devices.said() == {"device": "switch", "set": "ON"}
        hub.wait_for_state(switch, "on")

        devices.kill()
        hub.wait_for_state("light.hall_dimmer", "unavailable")
        hub.wait_for_state("light.desk_lamp", "unavailable")
    with homie_devices(broker.port):
        hub.wait_for_state("light.hall_dimmer", "on")
        hub.wait_for_state("light.desk_lamp", "off")


def _attributes(hub: Hub, entity_id: str) -> dict[str, Any]:
    found: dict[str, Any] = next(
        entity["attributes"]
        for device in hub.get("devices")
        for entity in device["entities"]
        if entity["id"] == entity_id
    )
    return found
