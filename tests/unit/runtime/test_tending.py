"""The home's health at the hub's doors: seen, answered, tried and declared, over a whole hub."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from hub_agent.errors import NotFound, NotPossible
from tests.fakes.linked_home import live
from tests.unit.runtime.test_door import House, house_in


def summary(house: House, name: str = "Hall Lamp") -> Any:
    return next(each for each in house.door.tending.all()["devices"] if each["name"] == name)


def test_a_well_home_says_so(tmp_path: Path) -> None:
    async def story() -> None:
        async with house_in(tmp_path) as house:
            told = house.door.tending.all()
            assert {each["state"] for each in told["devices"]} == {"well"}
            assert house.door.tending.of("Hall Lamp")["score"] == 100
            assert await house.door.tending.history(None, 10) == []
            with pytest.raises(NotPossible, match="Nothing is known to be wrong with Hall Lamp"):
                house.door.tending.plan("Hall Lamp", None)
            with pytest.raises(NotFound, match="There is no symptom 'tired'"):
                house.door.tending.plan("Hall Lamp", "tired")
            plan = house.door.tending.plan("Hall Lamp", "device_silent")
            assert sum(each["is_next"] for each in plan["remedies"]) <= 1

    live(story())


def test_wishes_are_kept_with_what_was_there_and_can_be_undone(tmp_path: Path) -> None:
    async def story() -> None:
        async with house_in(tmp_path) as house:
            tending = house.door.tending
            await tending.wish(None, {"quiet_hours": {"from": "23:00", "to": "06:00"}}, (), "the page")
            assert tending.wishes(None)["wishes"]["quiet_hours"] == {"from": "23:00", "to": "06:00"}
            await tending.wish(None, {"quiet_hours": None}, (), "the page")
            assert tending.wishes(None)["wishes"]["quiet_hours"] is None
            await tending.wish(None, {}, ["quiet_hours"], "the page")
            assert tending.wishes(None)["wishes"]["quiet_hours"] == {"from": "22:00", "to": "07:00"}

            await tending.wish("Hall Lamp", {"never_touch": True}, (), "the page")
            assert tending.wishes("Hall Lamp")["wishes"] == {"never_touch": True}
            verdicts = {each["verdict"] for each in tending.plan("Hall Lamp", "device_silent")["remedies"]}
            assert "never" in verdicts
            await house.add_lamp("Porch Lamp", "porch")
            await tending.wish("Hall Lamp", {"hangs_on": ["Porch Lamp"]}, (), "the page")
            porch = summary(house, "Porch Lamp")["id"]
            told = tending.wishes("Hall Lamp")
            assert told["wishes"] == {"never_touch": True, "hangs_on": [porch]}
            assert told["names"] == {porch: "Porch Lamp"}
            hall = summary(house)["id"]
            history = await house.door.definition_history("device", hall)
            assert history[0]["columns"] == ["settings"]
            await house.door.undo_definition("device", hall, None, "the page")
            assert tending.wishes("Hall Lamp")["wishes"] == {"never_touch": True}
            await tending.wish("Hall Lamp", {"never_touch": False}, (), "the page")
            assert tending.wishes("Hall Lamp")["wishes"] == {}

    live(story())


def test_a_wish_that_could_do_harm_is_refused_in_words(tmp_path: Path) -> None:
    async def story() -> None:
        async with house_in(tmp_path) as house:
            tending = house.door.tending
            await house.add_lamp("Porch Lamp", "porch")
            for changes, words in (
                ({"powered_by": "Hall Lamp"}, "cannot feed itself"),
                ({"powered_by": "Porch Lamp"}, "Porch Lamp is no plug"),
                ({"hangs_on": ["Hall Lamp"]}, "cannot hang on itself"),
            ):
                with pytest.raises(NotPossible, match=words):
                    await tending.wish("Hall Lamp", changes, (), "cli")
            with pytest.raises(NotFound):
                await tending.wish("Hall Lamp", {"powered_by": "Nothing"}, (), "cli")
            await tending.wish("Porch Lamp", {"hangs_on": ["Hall Lamp"]}, (), "cli")
            with pytest.raises(NotPossible, match="Porch Lamp hangs on Hall Lamp itself"):
                await tending.wish("Hall Lamp", {"hangs_on": ["Porch Lamp"]}, (), "cli")

    live(story())


@pytest.mark.parametrize("is_approved", [True, False])
def test_a_question_is_answered_and_the_healing_is_in_the_history_with_who_it_was(
    tmp_path: Path,
    is_approved: bool,
) -> None:
    async def story() -> None:
        async with house_in(tmp_path) as house:
            tending = house.door.tending
            with pytest.raises(NotPossible, match="nothing to try"):
                await tending.attempt("Hall Lamp", "ask_state", is_forced=False, by="cli")
            with pytest.raises(NotFound, match="There is no remedy 'prayer'"):
                await tending.attempt("Hall Lamp", "prayer", is_forced=False, by="cli")
            await tending.wish(None, {"risk": "none"}, (), "cli")
            house.dead.add("hall")
            await house.door.set_device("Hall Lamp", {"on": True}, "cli")
            await asyncio.sleep(60)  # of virtual time
            [first] = [each for each in tending.all()["devices"] if each["state"] != "well"]
            attempt = first["trouble"]["attempt"]
            assert attempt["is_question"] is True
            with pytest.raises(NotFound, match="No question waits"):
                await tending.answer("nothing", is_approved=is_approved, by="cli")
            answered = await tending.answer(attempt["id"][:30], is_approved=is_approved, by="Kitchen tablet")
            assert answered == {"id": attempt["id"], "is_approved": is_approved}
            with pytest.raises(NotFound):
                await tending.answer(attempt["id"], is_approved=is_approved, by="Kitchen tablet")
            history = await tending.history("Hall Lamp", 10)
            one = next(each for each in history if each["id"] == attempt["id"])
            assert one["words"] == attempt["words"]
            assert one["status"] == ("in_progress" if is_approved else "skipped")

    live(story())
