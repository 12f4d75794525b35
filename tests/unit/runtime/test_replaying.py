"""A rule of the home, or one that is only a file yet, is tried on what the home's mirror has recorded; and one looks back at how it stood."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from hub_agent.errors import NotFound, NotPossible
from hub_agent.model.definition import Definition
from hub_agent.model.inputs import DefinitionArrived
from hub_agent.runtime.door import HubDoor
from tests.fakes.linked_home import live
from tests.unit.runtime.test_door import House, house_in

LIT = {"trigger": "state", "entity_id": "light.hall_lamp", "to": "on"}
AT_NIGHT: dict[str, Any] = {
    "name": "Hall at night",
    "triggers": [LIT],
    "conditions": [{"condition": "state", "entity_id": "light.desk", "state": "off"}],
    "actions": [{"action": "light.turn_on", "target": {"entity_id": "light.desk"}}],
}
GIVEN: dict[str, Any] = {"fields": {**AT_NIGHT, "name": "Not here yet"}, "scripts": []}


async def evening(house: House) -> None:
    """The rule runs once and is then refused: the desk is lit already."""
    rule = Definition("automation", "rule", AT_NIGHT)
    await house.core.inbox.submit([DefinitionArrived(rule, is_from_cloud=False)])
    await asyncio.sleep(60)
    for state in ("ON", "OFF", "ON"):
        house.say("hall/state", state)
        await asyncio.sleep(60)


async def answer_of(door: HubDoor, rule: Any, since: str = "1h", until: str | None = None) -> Any:
    *progress, last = [said async for said in door.replay(rule, since, until)]
    assert all(0 <= each["progress"] <= 1 for each in progress)  # type: ignore[operator]  # JSON
    return last["replay"]


def statuses(answer: Any) -> list[tuple[Any, Any]]:
    return [tuple(line[side] and line[side]["status"] for side in ("would", "did")) for line in answer["lines"]]


def test_a_rule_of_the_home_is_told_beside_what_it_did(tmp_path: Path) -> None:
    async def story() -> None:
        async with house_in(tmp_path) as house:
            await evening(house)
            answer = await answer_of(house.door, "hall at night")

            assert statuses(answer) == [("success", "success"), ("conditions_not_met", "conditions_not_met")]
            assert answer["lines"][0]["would"]["calls"][0]["target"] == ["light.desk"]
            assert answer["lines"][0]["did"]["run_id"] == (await house.door.runs(None, 5))[1]["id"]
            assert answer["counts"]["both_ran"] == 1
            assert answer["notes"][0].startswith("History begins at ")

    live(story())


def test_a_rule_that_is_only_a_file_yet_is_tried_and_nothing_is_done(tmp_path: Path) -> None:
    async def story() -> None:
        async with house_in(tmp_path) as house:
            await evening(house)
            before = len(house.broker.published), len(await house.door.runs(None, 50))
            answer = await answer_of(house.door, GIVEN)

            assert answer["automation_id"] is None
            assert statuses(answer) == [("success", None), ("conditions_not_met", None)]
            assert (len(house.broker.published), len(await house.door.runs(None, 50))) == before

    live(story())


def test_rooms_and_devices_are_targets_in_a_replay_too(tmp_path: Path) -> None:
    async def story() -> None:
        async with house_in(tmp_path) as house:
            await evening(house)
            device_id = next(each["id"] for each in house.door.devices() if each["name"] == "Hall Lamp")
            actions = [{"action": "light.turn_off", "target": {"device_id": device_id}}]
            fields = {**AT_NIGHT, "conditions": [], "actions": actions}
            answer = await answer_of(house.door, {"fields": fields})

            assert answer["lines"][0]["would"]["calls"][0]["target"] == ["light.hall_lamp"]

    live(story())


@pytest.mark.parametrize(
    "since, until, told",
    [
        ("soon", None, "'soon' is not a time such as 7d, 36h, 07:30"),
        ("32d", None, "31 days at most"),
        ("1h", "2020-01-01 07:30", "begins after it ends"),
        ("999999w", None, "before all time"),
    ],
)
def test_a_window_that_cannot_be_is_refused_in_words(tmp_path: Path, since: str, until: str | None, told: str) -> None:
    async def story() -> None:
        async with house_in(tmp_path) as house:
            with pytest.raises(NotPossible, match=told):
                await answer_of(house.door, GIVEN, since, until)

    live(story())


def test_a_rule_that_is_not_there_or_not_understood_is_refused_in_words(tmp_path: Path) -> None:
    async def story() -> None:
        async with house_in(tmp_path) as house:
            with pytest.raises(NotFound, match="no automation 'ghost'"):
                await answer_of(house.door, "ghost")
            with pytest.raises(NotPossible, match="triggers/0"):
                await answer_of(house.door, {"fields": {**AT_NIGHT, "triggers": [{"trigger": "state"}]}})

    live(story())


def test_why_a_rule_did_not_run_is_told_from_the_states_of_that_time(tmp_path: Path) -> None:
    async def story() -> None:
        async with house_in(tmp_path) as house:
            await evening(house)
            now = house.core.clock.now().wall
            then = (now.replace(microsecond=0)).isoformat()
            await asyncio.sleep(600)
            for name in ("hall", "desk_1"):
                house.say(f"{name}/state", "OFF")
            await asyncio.sleep(600)
            told = await house.door.explain("Hall at night", then)

            condition: Any = told["conditions"][0]  # type: ignore[index, call-overload]  # JSON
            assert (condition["result"], condition["values"]) == ("false", {"light.desk": "on"})
            finding: Any = told["triggers"][0]["findings"][0]  # type: ignore[index, call-overload]  # JSON
            assert (finding["code"], finding["state"]) == ("already_so", "on")
            assert not any("stand in no record" in text for text in told["not_known"])  # type: ignore[union-attr, operator]  # JSON

    live(story())


def test_a_time_before_the_records_begin_stays_open(tmp_path: Path) -> None:
    async def story() -> None:
        async with house_in(tmp_path) as house:
            await evening(house)
            told = await house.door.explain("Hall at night", "2020-01-01 07:30")

            assert told["conditions"][0]["result"] == "not_known"  # type: ignore[index, call-overload]  # JSON
            assert any("records begin at" in text for text in told["not_known"])  # type: ignore[union-attr, operator]  # JSON

    live(story())


def test_what_came_to_the_home_later_was_not_in_it_then(tmp_path: Path) -> None:
    async def story() -> None:
        async with house_in(tmp_path) as house:
            porch = {**AT_NIGHT, "triggers": [{**LIT, "entity_id": "light.porch"}]}
            await house.core.inbox.submit(
                [DefinitionArrived(Definition("automation", "r", porch), is_from_cloud=False)]
            )
            await asyncio.sleep(60)
            then = house.core.clock.now().wall.isoformat()
            await asyncio.sleep(60)
            await house.add_lamp("Porch", "porch")
            await asyncio.sleep(60)
            told = await house.door.explain("Hall at night", then)

            assert any("light.porch was not in this home then" in each["text"] for each in told["reasons"])  # type: ignore[union-attr, index, call-overload, operator]  # JSON

    live(story())
