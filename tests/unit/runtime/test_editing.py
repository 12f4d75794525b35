"""Scenes and automations edited at the hub's doors, and what hub and cloud dispute, decided there."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from hub_agent.errors import NotFound, NotPossible
from hub_agent.model.definition import Definition
from hub_agent.model.inputs import DefinitionArrived, DefinitionTaken
from hub_agent.ports import Change, Told
from tests.fakes.linked_home import live
from tests.unit.runtime.test_door import House, house_in

SCENE = "0b8f6d2a-1f4d-4f67-9f7e-2a2c5f1a0001"


async def with_scene(house: House, states: list[Any], version: int, name: str = "Evening") -> None:
    fields = {"name": name, "device_states": states}
    arrived = DefinitionArrived(Definition("scene", SCENE, fields, version, modified_by="Ada"), is_from_cloud=True)
    await house.core.inbox.submit([arrived])


def lamp(state: str) -> list[Any]:
    return [{"device_id": None, "desired_state": {"light.hall_lamp": {"state": state}}}]


async def with_conflict(house: House) -> None:
    """The scene's states were changed here to on, and in the cloud to off."""
    await with_scene(house, [], 1)
    await house.door.edit_scene("Evening", {}, {"light.hall_lamp": {"state": "on"}}, "the page")
    await with_scene(house, lamp("off"), 2)
    [owed] = [each for each in house.core.hub.definitions.owed(10) if each.id == SCENE]
    theirs = {"name": "Evening", "device_states": lamp("off")}
    await house.core.inbox.submit([DefinitionTaken("scene", SCENE, "conflict", 2, owed.fields, theirs)])


def fields_of(house: House, scene_id: str = SCENE) -> Any:
    definition = house.core.hub.definitions.get("scene", scene_id)
    return None if definition is None else definition.fields


async def listen(told: AsyncGenerator[Told, None], heard: list[Change]) -> None:
    async for change in told:
        heard += [change.change]


def test_a_conflict_is_shown_in_words_and_decided_and_what_gave_way_is_put_back(tmp_path: Path) -> None:
    async def story() -> None:
        async with house_in(tmp_path) as house:
            await with_conflict(house)
            [conflict] = house.door.conflicts()
            assert (conflict["name"], conflict["hub"]["by"], conflict["cloud"]["by"]) == ("Evening", "the page", "Ada")
            [field] = conflict["fields"]
            assert (field["hub"]["text"], field["cloud"]["text"]) == (["Hall Lamp: on"], ["Hall Lamp: off"])

            with pytest.raises(NotPossible, match="What waits for a decision: device_states"):
                await house.door.decide("Evening", None, {"name": "hub"}, "cli")
            answer = await house.door.decide("evening", "cloud", {}, "cli")
            assert (answer["decided"], answer["left"], house.door.conflicts()) == ({"device_states": "cloud"}, [], [])
            assert fields_of(house)["device_states"] == lamp("off")
            with pytest.raises(NotFound, match="No conflict waits"):
                await house.door.decide("Evening", "hub", {}, "cli")

            [lost] = house.door.lost()
            assert (lost["of"], lost["text"], lost["why"]) == ("hub", ["Hall Lamp: on"], "decided on the hub")
            await house.door.answer_lost(lost["id"], is_put_back=True, by="cli")
            [state] = fields_of(house)["device_states"]
            assert state["desired_state"] == {"light.hall_lamp": {"state": "on"}}
            assert house.door.lost() == []
            with pytest.raises(NotFound):
                await house.door.answer_lost(lost["id"], is_put_back=True, by="cli")

    live(story())


def test_a_scene_is_made_of_how_the_home_is_now_changed_and_deleted(tmp_path: Path) -> None:
    async def story() -> None:
        async with house_in(tmp_path) as house:
            await house.add_lamp("Porch", "porch")
            now = dict.fromkeys(("light.hall_lamp", "light.porch"), "now")
            made = await house.door.new_scene({"name": "Late", "icon": "moon"}, now, "cli")
            states = {
                name: state
                for each in fields_of(house, made["id"])["device_states"]
                for name, state in each["desired_state"].items()
            }
            assert states == {"light.hall_lamp": {"state": "off"}, "light.porch": {"state": "off"}}

            desired = {"light.hall_lamp": None, "light.porch": {"state": "on", "attributes": {"brightness": 40}}}
            await house.door.edit_scene("Late", {"name": "Later", "icon": "moon"}, desired, "cli")
            fields = fields_of(house, made["id"])
            assert (fields["name"], fields["icon"]) == ("Later", "moon")
            assert [each["desired_state"] for each in fields["device_states"]] == [
                {"light.porch": desired["light.porch"]}
            ]
            with pytest.raises(NotPossible, match="already"):
                await house.door.new_scene({"name": "later"}, {}, "cli")

            await house.door.delete_scene("Later", "cli")
            assert fields_of(house, made["id"]) is None

    live(story())


def test_whoever_looks_on_is_told_of_a_scene_and_sees_whether_the_cloud_has_it(tmp_path: Path) -> None:
    async def story() -> None:
        async with house_in(tmp_path) as house:
            heard: list[Change] = []
            listening = asyncio.create_task(listen(house.door.changes(), heard))
            await asyncio.sleep(0)
            await with_scene(house, lamp("on"), 1)
            assert [each["status"] for each in house.door.scenes()] == ["synced"]
            await house.door.edit_scene("Evening", {"description": "Late"}, {}, "the page")
            assert [(each["description"], each["status"]) for each in house.door.scenes()] == [("Late", "owed")]
            await house.door.delete_scene("Evening", "the page")
            await asyncio.sleep(1)
            listening.cancel()
            named = {"id": SCENE, "name": "Evening"}
            assert [each.body for each in heard if each.topic == "scene"] == [
                named,
                named,
                {"id": SCENE, "is_gone": True},
            ]

    live(story())


def test_what_is_refused_names_the_field_that_is_to_blame(tmp_path: Path) -> None:
    async def story() -> None:
        async with house_in(tmp_path) as house:
            await with_scene(house, lamp("on"), 1)
            with pytest.raises(NotPossible) as taken:
                await house.door.new_scene({"name": "Evening"}, {"light.hall_lamp": "now"}, "the page")
            with pytest.raises(NotPossible) as dim:
                await house.door.edit_scene("Evening", {}, {"light.hall_lamp": {"state": "dim"}}, "the page")
            assert (taken.value.field, dim.value.field) == ("name", "desired/light.hall_lamp")

    live(story())


@pytest.mark.parametrize(
    "desired, words",
    [
        ({"light.attic": "now"}, "no entity"),
        ({"light.hall_lamp": {"state": "dim"}}, "cannot be dim"),
        ({"light.hall_lamp": {"state": "on", "attributes": {"brightness": 500}}}, "from 0 to 255"),
    ],
)
def test_what_a_scene_cannot_be_is_refused_in_words(tmp_path: Path, desired: Any, words: str) -> None:
    async def story() -> None:
        async with house_in(tmp_path) as house:
            await with_scene(house, lamp("on"), 1)
            before = fields_of(house)
            with pytest.raises((NotPossible, NotFound), match=words):
                await house.door.edit_scene("Evening", {}, desired, "cli")
            with pytest.raises(NotFound, match="no room"):
                await house.door.edit_scene("Evening", {"room_id": "attic"}, {}, "cli")
            assert fields_of(house) == before

    live(story())


def test_an_automation_is_switched_off_and_renamed(tmp_path: Path) -> None:
    async def story() -> None:
        async with house_in(tmp_path) as house:
            rule = Definition(
                "automation", SCENE, {"name": "Hall", "triggers": [], "actions": [], "is_enabled": True}, 1
            )
            await house.core.inbox.submit([DefinitionArrived(rule, is_from_cloud=True)])
            await house.door.edit_automation("Hall", {"name": "Entrance", "is_enabled": False}, "cli")
            [told] = house.door.automations()
            assert (told["name"], told["is_enabled"]) == ("Entrance", False)

    live(story())
