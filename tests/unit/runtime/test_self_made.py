"""Self-made devices through the whole core, with a real mirror: set from outside, used by scenes and rules, kept."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from hub_agent.errors import NotPossible
from hub_agent.model.definition import Definition
from hub_agent.model.inputs import DefinitionArrived
from tests.fakes.linked_home import live
from tests.unit.runtime.test_door import House, house_in

SETTINGS: dict[str, dict[str, Any]] = {
    "input_boolean.guests": {},
    "input_number.comfort": {"min": 15, "max": 25, "step": 0.5},
    "input_select.mood": {"options": ["calm", "bright"]},
    "input_text.note": {},
    "input_datetime.wake": {"has_time": True},
    "counter.visits": {},
    "timer.tea": {"duration": 30},
}


async def define_all(house: House) -> None:
    rows = []
    for number, (entity_id, settings) in enumerate(SETTINGS.items(), 1):
        domain, _, object_id = entity_id.partition(".")
        fields = {
            "device_name": object_id.title(),
            "device_type": "other",
            "manufacturer_device_id": f"helper/{object_id}",
            "capabilities": {"entities": {entity_id: {"domain": domain}}},
            "settings": settings,
        }
        row = Definition("device", str(UUID(int=number)), fields, version=number, base=fields)
        rows.append(DefinitionArrived(row, is_from_cloud=True))
    await house.core.inbox.submit(rows)


def states(house: House) -> dict[str, str]:
    shown = {entity["id"]: entity["state"] for device in house.door.devices() for entity in device["entities"]}
    return {entity_id: shown[entity_id] for entity_id in SETTINGS}


def test_it_is_set_like_any_device_and_holds_that_over_a_restart(tmp_path: Path) -> None:
    wanted: dict[str, tuple[dict[str, Any], str]] = {
        "Guests": ({"on": True}, "on"),
        "Comfort": ({"value": 21.5}, "21.5"),
        "Mood": ({"option": "bright"}, "bright"),
        "Note": ({"value": "milk"}, "milk"),
        "Wake": ({"datetime": "06:30"}, "06:30:00"),
        "Visits": ({"value": 4}, "4"),
        "Tea": ({"on": True}, "active"),
    }

    async def story() -> None:
        async with house_in(tmp_path) as house:
            await define_all(house)
            for name, (values, _) in wanted.items():
                await house.door.set_device(name, values, "test")
            assert list(states(house).values()) == [state for _, state in wanted.values()]
            with pytest.raises(NotPossible, match="value must be between 15 and 25"):
                await house.door.set_device("Comfort", {"value": 30}, "test")
        async with house_in(tmp_path) as house:
            assert list(states(house).values()) == [state for _, state in wanted.values()]

    live(story())


def test_a_scene_sets_it_and_is_told_that_it_did(tmp_path: Path) -> None:
    desired = {"input_boolean.guests": {"state": "on"}, "input_number.comfort": {"state": "20"}}
    wishes = [{"device_id": None, "desired_state": {entity_id: wish}} for entity_id, wish in desired.items()]
    fields = {"name": "Evening", "device_states": wishes, "is_active": True}

    async def story() -> None:
        async with house_in(tmp_path) as house:
            await define_all(house)
            scene = Definition("scene", str(UUID(int=99)), fields, version=1, base=fields)
            await house.core.inbox.submit([DefinitionArrived(scene, is_from_cloud=True)])
            answer = await house.door.activate_scene("Evening", "test")
            assert answer["status"] == "success"
            assert (states(house)["input_boolean.guests"], states(house)["input_number.comfort"]) == ("on", "20.0")

    live(story())


def test_a_rule_follows_a_timer_to_its_end(tmp_path: Path) -> None:
    row = {
        "name": "Tea is ready",
        "is_enabled": True,
        "triggers": [{"trigger": "event", "event_type": "timer.finished", "event_data": {"entity_id": "timer.tea"}}],
        "conditions": [],
        "actions": [{"action": "counter.increment", "target": {"entity_id": "counter.visits"}}],
        "metadata": {},
    }

    async def story() -> None:
        async with house_in(tmp_path) as house:
            await define_all(house)
            rule = Definition("automation", str(UUID(int=98)), row, version=1, base=row)
            await house.core.inbox.submit([DefinitionArrived(rule, is_from_cloud=True)])
            await house.door.set_device("Tea", {"on": True}, "test")
            await asyncio.sleep(29)
            assert states(house)["counter.visits"] == "0"
            await asyncio.sleep(2)
            assert (states(house)["counter.visits"], states(house)["timer.tea"]) == ("1", "idle")

    live(story())
