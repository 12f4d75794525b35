"""The records of a real mirror, played to a rule: what is told of the window, and what of it cannot be known."""

from datetime import timedelta

import pytest

from hub_agent.core.automation.spelling import automation_fields
from hub_agent.errors import DefinitionError
from hub_agent.model.effects import SaveTrace
from hub_agent.replay import LINES_TOLD_MAX, Request, replayed
from tests.unit.store.homes import NOON, at, execution, light, mirror_in

HOUR = 3600
DAY = 24 * HOUR
LIT = {"trigger": "state", "entity_id": "light.lamp", "to": "on"}


def moment(seconds: float):
    return NOON + timedelta(seconds=seconds)


def ask(folder, since: float, until: float, triggers=LIT, *, actions=(), is_known=False, **more):
    config = {"alias": "Rule", "triggers": triggers, "actions": list(actions), "mode": "parallel"}
    body = {
        "mirror": str(folder / "mirror.db"),
        "since": moment(since).isoformat(),
        "until": moment(until).isoformat(),
        "place": {"time_zone": "Europe/Berlin", "latitude": 52.5, "longitude": 13.4, "elevation": 0.0},
        "definition": {"id": "a1", "fields": automation_fields(config)},
        "is_known": is_known,
        **more,
    }
    *_, last = replayed(Request.from_json(body))
    return last["replay"]


def times(answer) -> list[str]:
    return [line["at"][11:19] for line in answer["lines"]]


@pytest.fixture
async def mirror(tmp_path):
    """A lamp that goes on and off by turns, each hour, for a day from noon on."""
    mirror = mirror_in(tmp_path)
    await mirror.open(at())
    for hour in range(25):
        await mirror.commit([light("on" if hour % 2 else "off", hour * HOUR)], at(hour * HOUR))
    yield mirror
    await mirror.close(at(2 * DAY))


async def test_only_what_begins_in_the_window_is_told(tmp_path, mirror) -> None:
    answer = ask(tmp_path, 2 * HOUR, 6 * HOUR)

    assert times(answer) == ["15:00:00", "17:00:00"]
    assert (answer["changes"], answer["counts"]["would_run"]) == (5, 2)
    assert answer["asked_since"] == answer["since"] == moment(2 * HOUR).isoformat()


async def test_a_hold_that_began_long_before_the_window_falls_due_in_it(tmp_path, mirror) -> None:
    await mirror.commit([light("on", DAY + HOUR)], at(DAY + HOUR))
    answer = ask(tmp_path, DAY + 12 * HOUR, DAY + 14 * HOUR, {**LIT, "for": {"hours": 12}})

    assert times(answer) == ["01:00:00"]


async def test_a_window_older_than_the_records_begins_with_them(tmp_path, mirror) -> None:
    answer = ask(tmp_path, -DAY, 2 * HOUR)

    assert answer["since"] == answer["history_begins_at"] == NOON.isoformat()
    assert answer["notes"][0] == "History begins at 2026-03-01 13:00:00: what was before that is no longer kept."


async def test_before_all_records_there_is_nothing_to_tell(tmp_path, mirror) -> None:
    answer = ask(tmp_path, -2 * DAY, -DAY, {"trigger": "time_pattern", "hours": "*"})

    assert (answer["lines"], answer["changes"]) == ([], 0)


async def test_a_replay_that_takes_too_long_stops_with_what_it_has(tmp_path, mirror) -> None:
    answer = ask(tmp_path, 0, DAY, seconds_max=0.0)

    assert answer["until"] < moment(DAY).isoformat()
    assert any("ask for a shorter window" in note for note in answer["notes"])


async def test_of_a_rule_that_fires_all_the_time_the_first_lines_are_told_and_the_others_counted(
    tmp_path, mirror
) -> None:
    answer = ask(tmp_path, 0, HOUR, {"trigger": "time_pattern", "seconds": "/2"})

    assert answer["counts"]["would_run"] == 1800
    assert len(answer["lines"]) + answer["lines_left_out"] == 1800
    assert len(answer["lines"]) == LINES_TOLD_MAX


async def test_what_has_no_records_is_taken_as_it_is_now(tmp_path, mirror) -> None:
    parts = ["on", {}, NOON.isoformat(), NOON.isoformat()]
    guard = {"condition": "state", "entity_id": "automation.other", "state": "on"}
    actions = [guard, {"action": "light.turn_off", "target": {"entity_id": "light.lamp"}}]
    answer = ask(tmp_path, 0, 2 * HOUR, actions=actions, present={"automation.other": parts})

    assert len(answer["lines"][0]["would"]["calls"]) == 1
    assert "There are no records of automation.other: taken as it is now." in answer["notes"]


async def test_that_the_machine_was_off_is_told(tmp_path, mirror) -> None:
    await mirror.close(at(DAY))
    again = mirror_in(tmp_path)
    await again.open(at(DAY + HOUR, boot="boot-2"))
    await again.commit([light("on", DAY + HOUR)], at(DAY + HOUR, boot="boot-2"))
    answer = ask(tmp_path, DAY - HOUR, DAY + 2 * HOUR)
    await again.close(at(DAY + HOUR))
    await mirror.open(at(DAY + HOUR))

    assert any("started again before 2026-03-02 14:00:00: while" in note for note in answer["notes"])


async def test_records_that_are_damaged_are_told(tmp_path, mirror) -> None:
    mirror._ledger.connection.execute(
        "UPDATE record_blocks SET body = x'00' WHERE made_at = ?", (int(at(HOUR).wall.timestamp() * 1000),)
    )
    answer = ask(tmp_path, 0, 4 * HOUR)

    assert times(answer) == ["15:00:00"]
    assert "One record is missing, since 2026-03-01 14:00:00: shed or damaged." in answer["notes"]


async def test_what_really_ran_stands_beside_and_since_when_that_is_known_is_told(tmp_path, mirror) -> None:
    row = {**execution(1, HOUR).row, "automation_id": "a1", "started_at": moment(HOUR)}
    story = {"run_id": "t", "started_at": moment(2 * HOUR).isoformat(), "status": "conditions_not_met", "steps": []}
    await mirror.commit([type(execution(1))("automation_executions", row), SaveTrace("a1", "t", story)], at(HOUR))
    answer = ask(tmp_path, 0, 4 * HOUR, is_known=True)

    assert [(line["would"] and "would", line["did"] and line["did"]["status"]) for line in answer["lines"]] == [
        ("would", "success"),
        (None, "conditions_not_met"),
        ("would", None),
    ]
    assert answer["automation_id"] == "a1"


async def test_a_rule_that_cannot_be_understood_says_where(tmp_path, mirror) -> None:
    with pytest.raises(DefinitionError, match="triggers/0"):
        ask(tmp_path, 0, HOUR, {"trigger": "state"})
