"""The home's name, place and time, and what happened, at the hub's doors over a whole hub."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from hub_agent.errors import NotPossible
from hub_agent.model.activity import ActivityAsked
from tests.fakes.linked_home import live
from tests.unit.runtime.test_door import House, house_in


async def activity_of(house: House, **asked: Any) -> list[Any]:
    return [*(await house.door.activity.read(ActivityAsked(**asked)))["entries"]]


def test_the_home_is_named_and_placed_and_who_did_it_is_told(tmp_path: Path) -> None:
    async def story() -> None:
        async with house_in(tmp_path) as house:
            home = house.door.household
            before = home.told()
            told = await home.edit({"name": " Cabin ", "timezone": "Europe/Stockholm"}, "Anna")
            assert (told["name"], told["timezone"]) == ("Cabin", "Europe/Stockholm")
            assert told["latitude"] == before["latitude"]
            told = await home.edit({"latitude": 60.25, "longitude": 18.5}, "Anna")
            assert (told["latitude"], told["longitude"], told["name"]) == (60.25, 18.5, "Cabin")
            assert (await home.edit({"elevation": 12}, "Anna"))["elevation"] == 12
            assert await home.edit({}, "Anna") == home.told()
            for wrong, field in (
                ({"name": "  "}, "name"),
                ({"timezone": "Moon/Base"}, "timezone"),
                ({"timezone": "../etc"}, "timezone"),
                ({"latitude": 3}, "latitude"),
            ):
                with pytest.raises(NotPossible) as err:
                    await home.edit(wrong, "Anna")
                assert err.value.field == field

            activity = house.door.activity
            activity.note("access", "Ben", "{who} was let in")
            while not await activity_of(house, kind="access"):  # noqa: ASYNC110 a mirror tells nobody
                await asyncio.sleep(0.05)
            page = await activity.read(ActivityAsked(limit=2))
            assert [each["text"] for each in page["entries"]] == [
                "Ben was let in",
                "Anna changed the home",
            ]
            assert page["before"] == page["entries"][-1]["id"]

    live(story())
