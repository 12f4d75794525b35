"""Definitions through the door: how they are, how they were, and undoing a change, over a real mirror."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from hub_agent.errors import NotFound, NotPossible
from hub_agent.model.definition import Definition
from hub_agent.model.inputs import DefinitionArrived
from tests.fakes.linked_home import live
from tests.unit.runtime.test_door import House, house_in

GROUP = "96096096-0000-4000-8000-000000000001"


def told(tmp_path: Path, story: Callable[[House], Awaitable[None]]) -> None:
    async def inside() -> None:
        async with house_in(tmp_path) as house:
            await arrives(house, 1, name="Lamps", members=[], description="old")
            await arrives(house, 2, name="Corner", members=[], description="old")
            await story(house)

    live(inside())


async def arrives(house: House, version: int, *, is_deleted: bool = False, **fields: object) -> None:
    row = Definition("device_group", GROUP, fields, version, is_deleted=is_deleted)  # type: ignore[arg-type]
    await house.core.inbox.submit([DefinitionArrived(row, is_from_cloud=True)])
    await asyncio.sleep(0.01)


def test_the_history_says_what_was_before_each_change(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        renamed, made = await house.door.definition_history("device_group", "corner")
        assert (renamed["change"], renamed["origin"], renamed["columns"]) == ("changed", "cloud", ["name"])
        assert renamed["before"] == {"name": "Lamps", "members": [], "description": "old"}
        assert (made["change"], made["before"]) == ("made", None)
        [listed] = await house.door.definitions("device_group")
        assert (listed["name"], listed["status"], listed["version"]) == ("Corner", "synced", 2)

    told(tmp_path, story)


def test_undoing_is_an_edit_that_goes_up_and_undoing_twice_brings_the_change_back(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        answer = await house.door.undo_definition("device_group", "Corner", None, "me")
        assert (answer["name"], answer["status"]) == ("Lamps", "owed")
        assert house.core.hub.states.state("group.lamps").attributes["friendly_name"] == "Lamps"
        answer = await house.door.undo_definition("device_group", GROUP, None, "me")
        assert answer["name"] == "Corner"

    told(tmp_path, story)


def test_a_deletion_is_undone_by_the_name_that_it_had(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await arrives(house, 3, is_deleted=True)
        assert house.core.hub.states.state("group.lamps") is None
        assert (await house.door.definitions("device_group"))[0]["status"] == "deleted"
        answer = await house.door.undo_definition("device_group", "corner", None, "me")
        assert (answer["name"], answer["status"], answer["version"]) == ("Corner", "owed", 3)
        assert house.core.hub.states.state("group.corner") is not None

    told(tmp_path, story)


def test_one_may_go_further_back_to_before_it_was_made(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await arrives(house, 3, name="Corner", members=[], description="new")
        described, renamed, made = await house.door.definition_history("device_group", GROUP)
        answer = await house.door.undo_definition("device_group", GROUP, int(str(renamed["entry"])), "me")
        assert answer["fields"] == {"name": "Lamps", "members": [], "description": "old"}
        answer = await house.door.undo_definition("device_group", GROUP, int(str(made["entry"])), "me")
        assert house.core.hub.definitions.get("device_group", GROUP) is None
        assert described["columns"] == ["description"]

    told(tmp_path, story)


def test_what_cannot_be_is_said_in_words(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        for kind, name, entry in (("dream", "x", None), ("scene", "x", None), ("device_group", "Corner", 99)):
            with pytest.raises(NotFound):
                await house.door.undo_definition(kind, name, entry, "me")
        lamp = next(each["id"] for each in house.door.devices() if each["name"] == "Hall Lamp")
        with pytest.raises(NotPossible):
            await house.door.undo_definition("device", str(lamp), None, "me")
        brand = Definition("brand", "b", {"name": "IKEA"}, 1)
        await house.core.inbox.submit([DefinitionArrived(brand, is_from_cloud=True)])
        await asyncio.sleep(0.01)
        assert [each["name"] for each in await house.door.definitions("brand")] == ["IKEA"]
        with pytest.raises(NotPossible):
            await house.door.undo_definition("brand", "ikea", None, "me")

    told(tmp_path, story)
