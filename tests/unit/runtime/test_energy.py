"""Energy at the hub's doors, over a whole hub: from what a meter says to what is told."""

import asyncio
import json
from pathlib import Path

import pytest

from hub_agent.errors import NotFound, NotPossible
from tests.fakes.linked_home import live
from tests.unit.runtime.test_door import house_in


def test_what_a_meter_measures_is_declared_and_kept_with_its_device(tmp_path: Path) -> None:
    async def story() -> None:
        async with house_in(tmp_path) as house:
            energy = house.door.energy
            assert energy.told("day", None)["home"]["used_wh"] is None
            with pytest.raises(NotPossible, match="Hall Lamp measures no energy"):
                await energy.set_role("Hall Lamp", "grid", "the page")
            with pytest.raises(NotFound):
                await energy.set_role("Moon", "grid", "the page")
            with pytest.raises(NotPossible, match="is no day"):
                energy.told("day", "0001-01-01")
            with pytest.raises(NotPossible, match="by day, month, year"):
                energy.told("century", None)

    live(story())


def test_what_a_meter_on_the_network_counts_is_told_also_as_what_the_sun_gave(tmp_path: Path) -> None:
    meter = {
        "name": "Energy",
        "unique_id": "roof_energy",
        "state_topic": "roof/energy",
        "device_class": "energy",
        "state_class": "total_increasing",
        "unit_of_measurement": "kWh",
        "device": {"identifiers": ["roof"], "name": "Roof"},
    }

    async def story() -> None:
        async with house_in(tmp_path) as house:
            house.say("homeassistant/sensor/roof/config", json.dumps(meter))
            for said in ("7", "7.5"):
                house.say("roof/energy", said)
                await asyncio.sleep(0.01)
            energy = house.door.energy
            assert energy.told("day", None)["home"]["used_wh"] == 500
            answer = await energy.set_role("Roof", "solar", "the page")
            assert (answer["name"], answer["role"]) == ("Roof", "solar")
            told = energy.told("year", None)
            assert (told["home"]["used_wh"], told["home"]["solar_wh"]) == (0, 500)
            assert [(each["name"], each["used_wh"]) for each in told["devices"]] == [("Roof", 500)]

    live(story())
