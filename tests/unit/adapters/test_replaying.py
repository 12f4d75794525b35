"""The process that tries a rule: it answers, it ends when nobody wants the answer, and what goes wrong in it is told."""

from datetime import timedelta

import pytest

from hub_agent.adapters.replaying import ReplayProcess
from hub_agent.core.automation.spelling import automation_fields
from hub_agent.errors import NotPossible
from tests.unit.store.homes import NOON, at, light, mirror_in

LIT = {"trigger": "state", "entity_id": "light.lamp", "to": "on"}


@pytest.fixture
async def mirror(tmp_path):
    mirror = mirror_in(tmp_path)
    await mirror.open(at())
    for second in range(10):
        await mirror.commit([light("on" if second % 2 else "off", second)], at(second))
    yield mirror
    await mirror.close(at(100))


def request(triggers=LIT, until: float = 3600):
    fields = automation_fields({"alias": "Rule", "triggers": triggers, "actions": [{"delay": 0}], "mode": "parallel"})
    return {
        "since": NOON.isoformat(),
        "until": (NOON + timedelta(seconds=until)).isoformat(),
        "place": {"time_zone": "Europe/Berlin", "latitude": 52.5, "longitude": 13.4, "elevation": 0.0},
        "definition": {"id": "given", "fields": fields},
        "is_known": False,
    }


async def test_the_answer_comes_while_the_mirror_is_open_for_writing(mirror) -> None:
    *_, last = [said async for said in ReplayProcess(mirror.path).replay(request())]

    assert last["replay"]["counts"]["would_run"] == 5
    await mirror.commit([light("on", 20)], at(20))


async def test_only_one_replay_is_under_way_and_the_next_may_follow_it(mirror) -> None:
    process = ReplayProcess(mirror.path)
    first = process.replay(request({"trigger": "time_pattern", "seconds": "*"}, until=31 * 86400))
    await anext(first)
    with pytest.raises(NotPossible, match="Another replay is under way"):
        await anext(process.replay(request()))
    await first.aclose()  # whoever asked goes away: its process ends

    assert [said async for said in process.replay(request())]


async def test_a_rule_that_is_not_understood_is_told_in_words(mirror) -> None:
    with pytest.raises(NotPossible, match="triggers/0: 'entity_id' is missing"):
        [said async for said in ReplayProcess(mirror.path).replay(request({"trigger": "state"}))]


async def test_a_mirror_that_cannot_be_read_is_told_in_words(tmp_path) -> None:
    with pytest.raises(NotPossible, match=r"nowhere\.db"):
        [said async for said in ReplayProcess(tmp_path / "nowhere.db").replay(request())]
