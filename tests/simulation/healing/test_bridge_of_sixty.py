"""A bridge with sixty devices dies: one issue, one remedy, one alert, one end."""

import logging
from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.simulation.healing.home import Home
from tests.simulation.healing.judge import Witness
from tests.simulation.healing.zigbee import Bridge, ZigbeeThing

BRIDGE = "Zigbee2MQTT Bridge"
MODELS = ("plug", "air", "white", "lamp", "climate", "contact")


@pytest.fixture(scope="module")
def warm() -> Iterator[Home]:
    """Sixty devices behind one bridge, known for somewhat more than a day."""
    logging.disable(logging.CRITICAL)
    home = Home(7)
    bridge = Bridge(home, "zigbee2mqtt")
    for number in range(60):
        thing = ZigbeeThing(home, bridge, f"Device {number + 1}", MODELS[number % len(MODELS)])
        if thing.rhythm_s is not None and thing.model in {"plug", "air"}:
            thing.rhythm_s = (800, 1000)
    home.begin()
    home.open_hub()
    home.stage.run_for(hours=31)
    yield home.copied()
    logging.disable(logging.NOTSET)


def lived(warm: Home) -> tuple[Home, Witness]:
    home = warm.copied_again()
    home.open_hub()
    home.stage.run_for(minutes=20)
    return home, Witness(home)


def remedies(witness: Witness) -> list[str]:
    return [row["metadata"]["remedy"] for row in witness.executions.values()]


def test_its_radio_hangs_it_is_restarted_once_and_that_is_all(warm: Home) -> None:
    home, witness = lived(warm)
    home.bridge("zigbee2mqtt").is_stuck = True
    home.stage.run_for(hours=1)

    assert [(each.code, each.name) for each in witness.issues] == [("devices_failing_together", BRIDGE)]
    assert remedies(witness) == ["restart_bridge"]
    assert home.bridge("zigbee2mqtt").restarts == 1
    assert witness.alerts == {}
    assert witness.issues[0].until is not None


def test_its_radio_is_dead_and_its_program_says_that_all_is_well(warm: Home) -> None:
    home, witness = lived(warm)
    bridge = home.bridge("zigbee2mqtt")
    bridge.is_stuck = bridge.stays_stuck = True
    home.stage.run_for(hours=3)
    bridge.stays_stuck = False
    bridge.repair()
    home.stage.run_for(minutes=40)

    together = [each for each in witness.issues if each.code == "devices_failing_together"]
    assert [each.name for each in together] == [BRIDGE]
    assert {each.name for each in witness.issues} == {BRIDGE}
    assert [each for each in remedies(witness) if each != "ask_state"] == ["restart_bridge", "tell_person"]
    assert [row["status"] for row in witness.alerts.values()] == ["resolved"]


def test_it_is_gone_and_says_so_by_its_last_will(warm: Home) -> None:
    home, witness = lived(warm)
    bridge = home.bridge("zigbee2mqtt")
    bridge.fall("broken")
    home.stage.run_for(hours=3)
    bridge.repair()
    home.stage.run_for(minutes=40)

    assert [(each.code, each.name) for each in witness.issues] == [("device_unavailable", BRIDGE)]
    assert witness.issues[0].until is not None
    assert [each for each in remedies(witness) if each != "ask_state"] == ["tell_person"]
    assert [row["status"] for row in witness.alerts.values()] == ["resolved"]
    assert timedelta(0) < witness.issues[0].until - witness.issues[0].since
