"""Automations written, tried, paused and put away at the hub's doors."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hub_agent.errors import NotFound, NotPossible, Outdated
from tests.fakes.linked_home import live
from tests.unit.runtime.test_door import House, house_in

LAMP_ON = {"action": "light.turn_on", "target": {"entity_id": "light.hall_lamp"}}
EVENING: dict[str, Any] = {
    "name": "Evening",
    "triggers": [{"trigger": "time", "at": "19:30:00"}],
    "actions": [LAMP_ON],
}
TEXT = """alias: Evening
triggers:
- trigger: numeric_state
  entity_id: sensor.hall
  above: lots
- trigger: time
  at: '25:00'
conditions:
- condition: state
  entity_id: light.hall_lamp
actions:
- action: light.turn_on
  targets: {}
"""


def listed(house: House) -> Any:
    [told] = house.door.automations()
    return told


async def hall_lamp(house: House) -> Any:
    return next(each for each in house.door.devices() if each["name"] == "Hall Lamp")["entities"][0]["state"]


def test_a_rule_is_made_looked_behind_changed_as_text_and_undone(tmp_path: Path) -> None:
    async def story() -> None:
        async with house_in(tmp_path) as house:
            made = await house.door.automating.make(EVENING, None, "Ada")
            told = listed(house)
            assert (told["name"], told["is_enabled"], told["status"]) == ("Evening", True, "owed")
            assert told["next_at"] is not None
            behind = house.door.automating.definition("Evening")
            assert (behind["revision"], behind["modified_by"]) == (made["revision"], "Ada")
            assert "at: '19:30:00'" in behind["text"]
            later = behind["text"].replace("19:30:00", "20:15:00") + "mode: restart\n"
            changed = await house.door.automating.replace("Evening", None, later, made["revision"], "Ada")
            assert changed["revision"] != made["revision"]
            now = house.door.automating.definition("Evening")["fields"]
            assert (now["triggers"][0]["at"], now["metadata"]) == ("20:15:00", {"mode": "restart"})
            await house.door.undo_definition("automation", made["id"], None, "Grace")
            undone = house.door.automating.definition("Evening")
            assert (undone["fields"]["triggers"][0]["at"], undone["modified_by"]) == ("19:30:00", "Grace")

    live(story())


def test_everything_that_is_wrong_is_said_at_once_each_at_its_line_and_nothing_is_kept(tmp_path: Path) -> None:
    async def story() -> None:
        async with house_in(tmp_path) as house:
            told = house.door.automating.check(None, TEXT, None)
            assert [(each["path"], each["line"]) for each in told["faults"]] == [
                ("triggers/0/above", 5),
                ("triggers/1/at", 7),
                ("conditions/0", 9),
                ("actions/0", 12),
            ]
            with pytest.raises(NotPossible, match="Line 5: triggers/0/above: must be a number") as refused:
                await house.door.automating.make(None, TEXT, "Ada")
            assert refused.value.field == "triggers/0/above"
            assert house.door.automations() == []

    live(story())


@pytest.mark.parametrize(
    "text, line, words",
    [
        ("alias: A\nactions: [", 2, "expected"),
        ("alias: A\nwhen: now\nactions: []", 2, "'when' is nothing that an automation has"),
        ("- alias: A\n- alias: B", 1, "one automation is wanted"),
        ("actions: []", 1, "needs a name"),
        ("alias: A\nactions: !include lights.yaml", 2, "write here what it stands for"),
    ],
)
def test_a_text_that_is_no_rule_is_refused_with_its_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    async def story() -> None:
        async with house_in(tmp_path) as house:
            told = house.door.automating.check(None, text, None)
            [fault] = told["faults"]
            assert (fault["line"], told["fields"]) == (line, None)
            assert words in fault["text"]

    live(story())


def test_what_the_home_does_not_have_is_a_warning_and_no_fault(tmp_path: Path) -> None:
    async def story() -> None:
        async with house_in(tmp_path) as house:
            gone = {**EVENING, "actions": [{**LAMP_ON, "target": {"entity_id": "light.hall_lamb"}}]}
            told = house.door.automating.check(gone, None, None)
            assert told["faults"] == []
            [warning] = told["warnings"]
            assert warning["text"] == "It names light.hall_lamb, which this home does not have."
            assert told["text"].splitlines()[warning["line"] - 1].strip() == "entity_id: light.hall_lamb"

    live(story())


def test_who_comes_second_is_told_and_loses_nothing(tmp_path: Path) -> None:
    async def story() -> None:
        async with house_in(tmp_path) as house:
            made = await house.door.automating.make(EVENING, None, "Ada")
            first, second = {**EVENING, "name": "Dusk"}, {**EVENING, "name": "Night"}
            saving = [
                house.door.automating.replace(made["id"], each, None, made["revision"], by)
                for each, by in ((first, "Ada"), (second, "Grace"))
            ]
            results = await asyncio.gather(*saving, return_exceptions=True)
            assert isinstance(results[1], Outdated)
            assert "was changed meanwhile by Ada" in str(results[1])
            assert listed(house)["name"] == "Dusk"
            # To switch it is no edit.
            await house.door.edit_automation("Dusk", {"is_enabled": False}, "Grace")
            read = house.door.automating.definition("Dusk")["revision"]
            assert read == results[0]["revision"]  # type: ignore[index]  # the first has saved
            await house.door.automating.replace(made["id"], second, None, None, "Grace")
            with pytest.raises(Outdated):
                await house.door.automating.delete(made["id"], read, "Ada")

    live(story())


def test_two_automations_do_not_have_one_name(tmp_path: Path) -> None:
    async def story() -> None:
        async with house_in(tmp_path) as house:
            await house.door.automating.make(EVENING, None, "Ada")
            with pytest.raises(NotPossible, match="There is an automation 'EVENING' already"):
                await house.door.automating.make({**EVENING, "name": "EVENING"}, None, "Ada")

    live(story())


def test_what_a_text_does_not_speak_of_stays_in_the_row(tmp_path: Path) -> None:
    async def story() -> None:
        async with house_in(tmp_path) as house:
            source = {"imported_from": {"file": "automations.yaml", "line": 3, "id": "77"}}
            fields = {**EVENING, "metadata": {**source, "mode": "queued"}, "icon": "moon"}
            made = await house.door.automating.make(fields, None, "Ada")
            text = house.door.automating.definition("Evening")["text"]
            assert "imported_from" not in text
            await house.door.automating.replace("Evening", None, text.replace("mode: queued\n", ""), None, "Ada")
            assert house.door.automating.definition(made["id"])["fields"]["metadata"] == source

    live(story())


def test_a_rule_runs_at_once_with_and_without_its_conditions(tmp_path: Path) -> None:
    async def story() -> None:
        async with house_in(tmp_path) as house:
            lit = {"condition": "state", "entity_id": "light.hall_lamp", "state": "on"}
            await house.door.automating.make({**EVENING, "conditions": [lit]}, None, "Ada")
            refused = await house.door.automating.run("Evening", "Ada", with_conditions=True)
            assert (refused["status"], await hall_lamp(house)) == ("conditions_not_met", "off")
            told = house.door.changes()
            ran = await house.door.automating.run("Evening", "Ada", with_conditions=False)
            assert ran["status"] in {"success", "running"}
            assert ran["run_id"] != refused["run_id"]
            async with asyncio.timeout(60):
                async for change in told:
                    if change.change.topic == "state" and await hall_lamp(house) == "on":
                        break
            with pytest.raises(NotFound):
                await house.door.automating.run("Dawn", "Ada", with_conditions=False)

    live(story())


def test_a_pause_ends_by_itself_and_is_known_to_the_cloud_as_any_edit(tmp_path: Path) -> None:
    async def story() -> None:
        async with house_in(tmp_path) as house:
            made = await house.door.automating.make(EVENING, None, "Ada")
            until = (datetime.now(UTC) + timedelta(days=3650)).isoformat()
            await house.door.edit_automation("Evening", {"pause_until": until}, "Ada")
            told = listed(house)
            assert (told["is_enabled"], told["is_paused"], told["next_at"]) == (False, True, None)
            assert datetime.fromisoformat(told["paused_until"]) == datetime.fromisoformat(until)
            definition = house.core.hub.definitions.get("automation", made["id"])
            assert definition is not None
            assert definition.fields["is_paused"] is True
            await house.door.edit_automation("Evening", {"pause_until": "2020-01-01T00:00:00+00:00"}, "Ada")
            assert (listed(house)["is_enabled"], listed(house)["is_paused"]) == (True, False)
            await house.door.edit_automation("Evening", {"is_paused": True}, "Ada")
            assert (listed(house)["is_paused"], listed(house)["paused_until"]) == (True, None)
            await house.door.edit_automation("Evening", {"pause_until": None}, "Ada")
            assert listed(house)["is_enabled"] is True

    live(story())


def test_one_that_a_rule_has_switched_off_is_switched_on_again(tmp_path: Path) -> None:
    async def story() -> None:
        async with house_in(tmp_path) as house:
            await house.door.automating.make(EVENING, None, "Ada")
            await house.door.call("automation.turn_off", ["automation.evening"], {}, "a rule")
            assert listed(house)["is_enabled"] is False
            await house.door.edit_automation("Evening", {"is_enabled": True}, "Ada")
            assert listed(house)["is_enabled"] is True

    live(story())


def test_one_that_is_put_away_comes_back_by_undoing_that(tmp_path: Path) -> None:
    async def story() -> None:
        async with house_in(tmp_path) as house:
            made = await house.door.automating.make(EVENING, None, "Ada")
            await house.door.automating.delete("Evening", made["revision"], "Ada")
            assert house.door.automations() == []
            await house.door.undo_definition("automation", made["id"], None, "Ada")
            assert listed(house)["name"] == "Evening"
            assert [each.id for each in house.core.hub.definitions.of_kind("automation")] == [made["id"]]

    live(story())
