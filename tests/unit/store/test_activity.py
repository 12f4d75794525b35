"""What happened is kept over a restart, read page by page, and bounded."""

from datetime import timedelta

from hub_agent.core.activity.words import automation, person
from hub_agent.model.activity import ActivityAsked, Happened, say
from hub_agent.model.effects import NoteActivity
from hub_agent.store import tables
from tests.unit.store.homes import at, mirror_in


def note(number: int, who: str = "Anna", kind: str = "command") -> NoteActivity:
    doer = automation("a1", "Evening") if who == "rule" else person(who)
    phrase = say("{who} switched {device} on", device=f"Lamp {number}")
    return NoteActivity(Happened(kind, doer, phrase, (f"d{number % 2}",), "it did not answer" if number == 3 else None))


async def test_it_is_read_back_newest_first_by_kind_doer_and_device(tmp_path) -> None:
    mirror = mirror_in(tmp_path)
    await mirror.open(at())
    await mirror.commit([note(1), note(2, "rule"), note(3, "Ben", "scene")], at(5))
    await mirror.close(at(6))
    mirror = mirror_in(tmp_path)
    await mirror.open(at(7))

    async def numbers(**asked) -> list[int]:
        return [each["id"] for each in await mirror.activity(ActivityAsked(**asked))]

    last, *_ = await mirror.activity(ActivityAsked())
    assert (last["text"], last["kind"], last["devices"]) == ("Ben switched Lamp 3 on", "scene", ["d1"])
    assert (last["who"], last["failed"]) == ({"kind": "person", "id": "Ben", "name": "Ben"}, "it did not answer")
    assert last["at"] == at(5).wall.isoformat()
    assert await numbers() == [3, 2, 1]
    assert await numbers(limit=1) == [3]
    assert await numbers(before=3) == [2, 1]
    assert await numbers(after=2) == [3]
    assert await numbers(kind="scene") == [3]
    assert await numbers(who="person") == [3, 1]
    assert await numbers(who="person:Anna") == [1]
    assert await numbers(who="per") == []
    assert await numbers(device="d0") == [2]
    await mirror.close(at(8))


async def test_the_oldest_go_by_number_and_by_age(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(tables, "ACTIVITY_MAX", 3)
    mirror = mirror_in(tmp_path)
    await mirror.open(at())
    await mirror.commit([note(each) for each in range(5)], at(1))
    await mirror.tidy(at(2))
    assert [each["id"] for each in await mirror.activity(ActivityAsked())] == [5, 4, 3]
    await mirror.tidy(at(tables.ACTIVITY_AGE_MAX / timedelta(seconds=1) + 60))
    assert await mirror.activity(ActivityAsked()) == []
    await mirror.commit([note(9)], at(10_000_000))
    assert [each["id"] for each in await mirror.activity(ActivityAsked())] == [6]
    await mirror.close(at(10_000_001))
